/* SPDX-License-Identifier: MIT */
#include "isolate.h"

#include "page_alloc.h"

/* -------------------------------------------------------------- take, put */

static unsigned int block_order_at(const struct pb_pool *pool, u32 frame, u32 end)
{
	unsigned int order = frame ? ctz32(frame) : pool->max_order;

	if (order > pool->max_order)
		order = pool->max_order;
	while ((u64)frame + ((u64)1 << order) > end)
		order--;
	return order;
}

void put_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	while (frame < end) {
		unsigned int order = block_order_at(pool, frame, end);

		if (order > pool->pageblock_order)
			order = pool->pageblock_order; /* merging decides about types */
		zone_free(pool, zone, NO_CPU, frame, order, false);
		frame += 1u << order;
	}
}

/* Cuts the part of one free block that lies in [frame, end); returns its end. */
static u32 take_piece(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
		      u32 end)
{
	int order = tree_covering(span_tree(pool, frame), pool->max_order,
				  span_offset(pool, frame));
	unsigned int piece = block_order_at(pool, frame, end);

	if (order < 0)
		return frame;
	if ((int)piece > order)
		piece = (unsigned int)order;
	(void)__zone_take_exact(pool, zone, stripe, frame, piece);
	return frame + (1u << piece);
}

/* Takes from `frame` up to the first frame that is not free; returns it. */
static u32 take_run(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	while (frame < end) {
		struct stripe *stripe = frame_stripe(pool, zone, frame);
		u32 next;

		pb_platform_lock(&stripe->lock);
		next = take_piece(pool, zone, stripe, frame, end);
		pb_platform_unlock(&stripe->lock);
		if (next == frame)
			break;
		frame = next;
	}
	return frame;
}

int take_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	u32 got = take_run(pool, zone, frame, end);

	if (got < end && block_head(pool, got) == NO_FRAME &&
	    !load_relaxed(&pool->pages[got].word)) {
		pcp_drain_all(pool, zone);
		got = take_run(pool, zone, got, end);
	}
	if (got == end)
		return PB_OK;
	put_range(pool, zone, frame, got);
	return PB_EBUSY;
}

bool next_run(const struct pb_pool *pool, u64 pfn, u64 end, u32 *frame, u32 *frame_end)
{
	const struct zone *zone;
	u64 limit;

	*frame = pfn_to_frame(pool, pfn);
	if (*frame == NO_FRAME || pfn >= end)
		return false;
	zone = zone_of_frame(pool, *frame);
	limit = min_u64(end - pfn, zone_first_frame(pool, zone) + zone_nr_frames(pool, zone) -
					   (u64)*frame);
	*frame_end = *frame + 1;
	while (*frame_end - *frame < limit &&
	       load_relaxed(&pool->pages[*frame_end].word) != PAGE_ABSENT &&
	       frame_to_pfn(pool, *frame_end) == pfn + (*frame_end - *frame))
		++*frame_end;
	return true;
}

/* ----------------------------------------------------------------- isolate */

/*
 * A free block larger than a pageblock must not be on two types' lists: cut it
 * into pageblocks first, under the same hold of the lock, else a free beside it
 * merges the pieces again. Its stripe is the same: groups hold whole spans.
 */
static void __cut_to_pageblocks(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
				u32 pageblock)
{
	u32 frame = pageblock << pool->pageblock_order;
	int order = tree_covering(span_tree(pool, frame), pool->max_order,
				  span_offset(pool, frame));
	u32 head = frame & ~((1u << (order < 0 ? 0 : order)) - 1);
	unsigned int type = frame_migratetype(pool, head);

	if (order <= pool->pageblock_order)
		return;
	area_remove(pool, stripe, head, (unsigned int)order);
	for (u32 i = 0; i < 1u << (order - pool->pageblock_order); i++) {
		u32 piece = head + (i << pool->pageblock_order);

		area_insert(pool, stripe, piece, pool->pageblock_order, type, false);
		area_settle(pool, zone, stripe, piece);
	}
}

/* False: it is isolated already, by another CPU. */
static bool change_type(struct pb_pool *pool, struct zone *zone, u32 pageblock, bool isolate)
{
	u32 frame = pageblock << pool->pageblock_order;
	struct stripe *stripe = frame_stripe(pool, zone, frame);
	struct pageblock *pb = pool_pageblock(pool, pageblock);
	unsigned int old, new;
	u64 moved;

	pb_platform_lock(&stripe->lock);
	old = pb->type;
	if (isolate && old == PB_MIGRATE_ISOLATE) {
		pb_platform_unlock(&stripe->lock);
		return false;
	}
	__cut_to_pageblocks(pool, zone, stripe, pageblock);
	new = isolate ? PB_MIGRATE_ISOLATE : pb->old_type;
	if (isolate)
		pb->old_type = (u8)old;
	__set_pageblock_type(pool, zone, pageblock, new);
	moved = __move_freepages_block(pool, zone, stripe, pageblock, new, NULL);
	__account(stripe, -(long)moved, old);
	__account(stripe, (long)moved, new);
	__vmstat_add(pool, zone, NO_CPU, isolate ? -(long)moved : (long)moved);
	counter_add(&zone->nr_isolate_pageblock, isolate ? 1 : (u64)-1);
	pb_platform_unlock(&stripe->lock);
	return true;
}

bool isolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!change_type(pool, zone, pageblock + i, true)) {
			unisolate_pageblocks(pool, zone, pageblock, i);
			return false;
		}
	pcp_drain_all(pool, zone);
	return true;
}

/* Free the pageblock again, so that it merges with what it was kept apart from. */
static void merge_pageblock(struct pb_pool *pool, struct zone *zone, u32 pageblock)
{
	u32 frame = pageblock << pool->pageblock_order;
	struct stripe *stripe = frame_stripe(pool, zone, frame);
	bool whole;

	pb_platform_lock(&stripe->lock);
	whole = block_is_free(pool, frame, pool->pageblock_order) &&
		__zone_take_exact(pool, zone, stripe, frame, pool->pageblock_order);
	pb_platform_unlock(&stripe->lock);
	if (whole)
		zone_free(pool, zone, NO_CPU, frame, pool->pageblock_order, false);
}

void unisolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n)
{
	u32 span = 1u << (pool->max_order - pool->pageblock_order);

	for (u32 i = 0; i < n; i++)
		(void)change_type(pool, zone, pageblock + i, false);
	/* the isolation cut blocks that reached beyond it, too */
	for (u32 i = pageblock & ~(span - 1); i < pageblock + n || i & (span - 1); i++)
		merge_pageblock(pool, zone, i);
}

/* --------------------------------------------------------------- evacuate */

/* Move one block; the caller's page byte goes with it. */
static bool move_block(struct pb_pool *pool, u32 frame)
{
	struct pb_page *from = pool->pages + frame;
	u8 word = load_relaxed(&from->word);
	unsigned int order = word & PB_PAGE_ORDER;
	struct pb_page *to;

	if (!(word & PB_PAGE_MOVABLE) || word & PB_PAGE_SHARED || !pool->hooks.migrate)
		return false;
	to = pb_alloc_pages_nodemask(pool, PB_GFP_HIGHUSER_MOVABLE & ~PB_GFP_RECLAIM, order,
				     zone_of_frame(pool, frame)->node, NULL, NULL);
	if (!to)
		return false;
	store_relaxed(&to->word, word);
	if (pool->hooks.migrate(pool->hooks.ctx, pool, from, to, order)) {
		(void)pb_free_pages(pool, from, order);
		return true;
	}
	(void)pb_free_pages(pool, to, order);
	return false;
}

bool evacuate_range(struct pb_pool *pool, u32 frame, u32 end)
{
	bool empty = true;

	while (frame < end) {
		u32 head = block_head(pool, frame);
		u32 next = frame + 1;

		if (head != NO_FRAME) { /* its owner may free it at any moment */
			u8 word = load_relaxed(&pool->pages[head].word);
			u32 block_end = head + (1u << (word & PB_PAGE_ORDER));

			if (block_end > next)
				next = block_end;
			empty = move_block(pool, head) && empty;
		}
		frame = next;
	}
	return empty;
}

/* --------------------------------------------------------- a given address */

int pb_claim(struct pb_pool *pool, uint64_t pfn, unsigned int order, pb_gfp_t gfp)
{
	struct stripe *stripe;
	struct zone *zone;
	u32 frame;
	int code;

	if (order > pool->max_order || pfn & (((u64)1 << order) - 1))
		return PB_EINVAL;
	frame = pfn_to_frame(pool, pfn);
	if (frame == NO_FRAME)
		return PB_ENODEV;
	zone = zone_of_frame(pool, frame);
	code = take_range(pool, zone, frame, frame + (1u << order));
	if (code)
		return code;
	stripe = frame_stripe(pool, zone, frame);
	pb_platform_lock(&stripe->lock);
	counter_add(&stripe->pgalloc, 1ul << order);
	counter_add(&stripe->direct_allocs, 1);
	pb_platform_unlock(&stripe->lock);
	page_set_allocated(pool, frame, order, gfp);
	return PB_OK;
}

static int covering_order(const struct pb_pool *pool, u32 frame)
{
	struct stripe *stripe = frame_stripe(pool, zone_of_frame(pool, frame), frame);
	int order;

	pb_platform_lock(&stripe->lock);
	order = tree_covering(span_tree(pool, frame), pool->max_order, span_offset(pool, frame));
	pb_platform_unlock(&stripe->lock);
	return order;
}

/* First frame of [frame, end) that an allocation of this range can't have, or end. */
static u32 first_obstacle(const struct pb_pool *pool, u32 frame, u32 end, bool migrate)
{
	while (frame < end) {
		int order = covering_order(pool, frame);
		u8 word = load_relaxed(&pool->pages[frame].word);
		u32 head;

		if (order >= 0) {
			frame = (frame | ((1u << order) - 1)) + 1;
			continue;
		}
		if (word & (PAGE_RESERVED | PAGE_ABSENT) && !(word & PB_PAGE_HEAD))
			return frame;
		head = block_head(pool, frame);
		if (head == NO_FRAME) {
			frame++; /* in a per-CPU list: can be drained */
			continue;
		}
		word = load_relaxed(&pool->pages[head].word);
		if (!migrate || !(word & PB_PAGE_MOVABLE))
			return frame;
		frame = head + (1u << (word & PB_PAGE_ORDER));
	}
	return end;
}

static void own_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, pb_gfp_t gfp)
{
	struct stripe *stripe = frame_stripe(pool, zone, frame);

	pb_platform_lock(&stripe->lock);
	counter_add(&stripe->pgalloc, end - frame);
	pb_platform_unlock(&stripe->lock);
	for (; frame < end; frame++)
		page_set_allocated(pool, frame, 0, gfp);
}

/* Isolate, evacuate, take; everything as before on failure. */
static bool take_by_moving(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	u32 first = frame >> pool->pageblock_order;
	u32 n = ((end - 1) >> pool->pageblock_order) + 1 - first;
	bool taken;

	if (!isolate_pageblocks(pool, zone, first, n))
		return false;
	taken = evacuate_range(pool, frame, end) && take_range(pool, zone, frame, end) == PB_OK;
	unisolate_pageblocks(pool, zone, first, n);
	return taken;
}

/* Search one run of present frames. */
static u32 search_run(struct pb_pool *pool, u64 pfn, u32 frame, u32 run_end, size_t nr_pages,
		      u64 align, u64 boundary, bool migrate)
{
	struct zone *zone = zone_of_frame(pool, frame);
	u64 run_pfn_end = pfn + (run_end - frame);
	u64 at = align_up(pfn, align);

	while (at + nr_pages <= run_pfn_end) {
		u32 start = frame + (u32)(at - pfn);
		u32 end = start + (u32)nr_pages;
		u32 obstacle;

		if (boundary && (at ^ (at + nr_pages - 1)) & ~(boundary - 1)) {
			at = align_up(align_up(at + 1, boundary), align);
			continue;
		}
		obstacle = first_obstacle(pool, start, end, migrate);
		if (obstacle == end && (migrate ? take_by_moving(pool, zone, start, end) :
						  take_range(pool, zone, start, end) == PB_OK))
			return start;
		if (obstacle == end)
			obstacle = start; /* it changed under us */
		at = align_up(pfn + (obstacle - frame) + 1, align);
	}
	return NO_FRAME;
}

static u32 search_banks(struct pb_pool *pool, size_t nr_pages, u64 align, u64 low, u64 high,
			u64 boundary, int highest, bool migrate)
{
	for (u32 b = 0; b < pool->super->nr_banks; b++) {
		const struct bank *bank = pool_bank(pool, b);
		u64 pfn = max_u64(low, bank->pfn);
		u64 end = min_u64(high, bank->end_pfn);

		if (pool_zone(pool, bank->zone)->type > highest)
			continue;
		while (pfn < end) {
			u32 frame, frame_end, found;

			if (!next_run(pool, pfn, end, &frame, &frame_end)) {
				pfn++;
				continue;
			}
			found = search_run(pool, pfn, frame, frame_end, nr_pages, align, boundary,
					   migrate);
			if (found != NO_FRAME)
				return found;
			pfn += frame_end - frame;
		}
	}
	return NO_FRAME;
}

struct pb_page *pb_alloc_contig(struct pb_pool *pool, size_t nr_pages, uint64_t align,
				uint64_t low, uint64_t high, uint64_t boundary, pb_gfp_t gfp)
{
	int highest = gfp_zone(pool, gfp);
	u32 frame;

	if (highest < 0) {
		(void)misuse(pool, PB_MISUSE_BAD_FLAGS, "alloc_contig", UINT64_MAX, gfp, 0);
		return NULL;
	}
	if (!nr_pages || nr_pages > pool->nr_frames || (align & (align - 1)) ||
	    (boundary & (boundary - 1)) || (boundary && nr_pages > boundary))
		return NULL;
	if (!align)
		align = 1;
	frame = search_banks(pool, nr_pages, align, low, high, boundary, highest, false);
	if (frame == NO_FRAME && pool->hooks.migrate)
		frame = search_banks(pool, nr_pages, align, low, high, boundary, highest, true);
	if (frame == NO_FRAME)
		return NULL;
	own_range(pool, zone_of_frame(pool, frame), frame, frame + (u32)nr_pages, gfp);
	return pool->pages + frame;
}
