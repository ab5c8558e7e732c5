/* SPDX-License-Identifier: MIT */
#include "range/isolate.h"

#include "alloc/page_alloc.h"
#include "pcp/shared.h"

/* -------------------------------------------------------------- take, put */

void put_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	while (frame < end) {
		unsigned int order = largest_order(pool, frame, end);

		/* __free_one_page() merges pageblocks of different types where that is allowed */
		if (order > pool->pageblock_order)
			order = pool->pageblock_order;
		return_page(pool, zone, frame, order);
		frame += 1u << order;
	}
}

/* First frame of [frame, end), a part of one span, that can't be taken, or end. One look per free
   block is enough, since it is isolated as a whole or not at all. Stripe lock. */
static u32 __first_obstacle(const struct pb_pool *pool, u32 frame, u32 end, enum take_from from)
{
	while (frame < end) {
		int order = covering_order(pool, frame);
		bool isolated = frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE;

		if (order < 0 || isolated != (from == TAKE_ISOLATED))
			return frame;
		frame = (frame | ((1u << order) - 1)) + 1;
	}
	return end;
}

/* Take as much of the free block at `frame` as lies in [frame, end) and is one aligned block;
   returns its end. */
static u32 __take_piece(const struct locked *at, u32 frame, u32 end)
{
	const struct pb_pool *pool = at->pool;
	int order = covering_order(pool, frame);
	unsigned int piece = largest_order(pool, frame, end);

	if ((int)piece > order)
		piece = (unsigned int)order;
	(void)__take_exact(at, frame, piece);
	return frame + (1u << piece);
}

#define PART_ORDER 6u

/* End of the part that is taken under one hold of the lock: a pageblock if it is free as a whole,
   else up to a multiple of 2^PART_ORDER frames, as each free block takes time. */
static u32 __part_of_range(const struct pb_pool *pool, u32 frame, u32 end)
{
	u32 pages = (u32)pageblock_pages(pool);

	if ((frame & (pages - 1) || end - frame < pages ||
	     covering_order(pool, frame) < pool->pageblock_order) &&
	    pages > 1u << PART_ORDER)
		pages = 1u << PART_ORDER;
	return (u32)min_u64(end, (u64)(frame | (pages - 1)) + 1);
}

/* A range that is being taken off the free lists. */
struct taking {
	struct pb_pool *pool;
	struct zone *zone;
	u32 frame, end; /* what is still to be taken */
	enum take_from from;
	u32 obstacle; /* the frame that was in the way, or end */
};

/* Take the range part by part, each part completely or not at all, so that a range that can't be
   taken keeps few frames from other CPUs meanwhile. It stops at the first part that isn't free. */
static void take_parts(struct taking *t)
{
	for (t->obstacle = t->end; t->frame < t->end && t->obstacle == t->end;) {
		struct locked at = lock_frame(t->pool, t->zone, t->frame);
		u32 part_end = __part_of_range(t->pool, t->frame, t->end), first;

		first = __first_obstacle(t->pool, t->frame, part_end, t->from);
		while (first == part_end && t->frame < part_end)
			t->frame = __take_piece(&at, t->frame, part_end);
		unlock_stripe(&at);
		if (t->frame != part_end)
			t->obstacle = first;
	}
}

int take_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, enum take_from from)
{
	struct taking t = { pool, zone, frame, end, from, end };

	take_parts(&t);
	if (t.frame < end && block_head(pool, t.obstacle) == NO_FRAME &&
	    !load_relaxed(&pool->pages[t.obstacle].state)) {
		pcp_drain_all(pool, zone);
		take_parts(&t);
	}
	if (t.frame == end)
		return PB_OK;
	put_range(pool, zone, frame, t.frame);
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
	limit = min_u64(end - pfn,
			zone_first_frame(pool, zone) + zone_nr_frames(pool, zone) - (u64)*frame);
	*frame_end = *frame + 1;
	while (*frame_end - *frame < limit && frame_state(pool, *frame_end) != PAGE_ABSENT &&
	       frame_to_pfn(pool, *frame_end) == pfn + (*frame_end - *frame))
		++*frame_end;
	return true;
}

/* ----------------------------------------------------------------- isolate */

/*
 * A free block larger than a pageblock can't have pageblocks of two types: cut it into
 * pageblocks before one of them changes its type, under the same hold of the lock, or a
 * free beside them would merge them again. All of it is in one stripe, as groups hold
 * whole spans.
 */
static void __cut_to_pageblocks(const struct locked *at, u32 pageblock)
{
	const struct pb_pool *pool = at->pool;
	u32 frame = pageblock << pool->pageblock_order;
	int order = covering_order(pool, frame);
	u32 head = frame & ~((1u << (order < 0 ? 0 : order)) - 1);
	unsigned int type = frame_migratetype(pool, head);

	if (order <= pool->pageblock_order)
		return;
	__area_remove(at, head, (unsigned int)order);
	for (u32 i = 0; i < 1u << (order - pool->pageblock_order); i++) {
		u32 piece = head + (i << pool->pageblock_order);

		__area_insert(at, piece, pool->pageblock_order, type, false);
		__area_relist(at, piece);
	}
}

/* Set or undo ISOLATE. False: another CPU has isolated the pageblock already, or recovery has
   undone it, taking the caller for dead. */
static bool change_type(struct pb_pool *pool, struct zone *zone, u32 pageblock, bool isolate)
{
	u32 frame = pageblock << pool->pageblock_order;
	struct pageblock *pb = pool_pageblock(pool, pageblock);
	struct locked at = lock_frame(pool, zone, frame);
	unsigned int old = pb->type, new;
	u64 moved;

	if (isolate == (old == PB_MIGRATE_ISOLATE)) {
		unlock_stripe(&at);
		return false;
	}
	__cut_to_pageblocks(&at, pageblock);
	new = isolate ? PB_MIGRATE_ISOLATE : pb->old_type;
	if (isolate) /* before the type: recovery reads it of every ISOLATE pageblock */
		store_ordered(&pb->old_type, (u8)old);
	__set_pageblock_type(&at, pageblock, new);
	moved = __move_freepages_block(&at, pageblock, new, NULL);
	__account(at.stripe, -(long)moved, old);
	__account(at.stripe, (long)moved, new);
	__count_free(&at, NO_CPU, isolate ? -(long)moved : (long)moved);
	/* atomic, since CPUs in other stripes change it under other locks */
	pb_atomic_fetch_add(&zone->nr_isolate_pageblock, isolate ? 1ul : 0ul - 1, __ATOMIC_RELAXED);
	unlock_stripe(&at);
	return true;
}

bool isolate_undrained(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!change_type(pool, zone, pageblock + i, true)) {
			unisolate_pageblocks(pool, zone, pageblock, i);
			return false;
		}
	return true;
}

bool isolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n)
{
	if (!isolate_undrained(pool, zone, pageblock, n))
		return false;
	pcp_drain_all(pool, zone);
	return true;
}

/* Free the pageblock again, so that it merges with the buddies that it was kept apart from. It is
   taken and freed under one hold of the lock, so that no request misses it. */
static void merge_pageblock(struct pb_pool *pool, struct zone *zone, u32 pageblock)
{
	u32 frame = pageblock << pool->pageblock_order;
	struct locked at = lock_frame(pool, zone, frame);
	unsigned int type;

	if (block_is_free(pool, frame, pool->pageblock_order) &&
	    __take_exact(&at, frame, pool->pageblock_order)) {
		type = frame_migratetype(pool, frame);
		if (type != PB_MIGRATE_ISOLATE)
			__count_free(&at, NO_CPU, (long)pageblock_pages(pool));
		__free_one_page(&at, frame, pool->pageblock_order, type, false);
	}
	unlock_stripe(&at);
}

void unisolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n)
{
	u32 span = 1u << (pool->max_order - pool->pageblock_order);

	for (u32 i = 0; i < n; i++)
		(void)change_type(pool, zone, pageblock + i, false);
	/* isolating cut blocks that reach beyond the range, so merge the whole spans it touches */
	for (u32 i = pageblock & ~(span - 1); i < pageblock + n || i & (span - 1); i++)
		merge_pageblock(pool, zone, i);
}

/* -------------------------------------------------------------- what stays */

u32 first_fixed(struct pb_pool *pool, u32 frame, u32 end, bool movable)
{
	while (frame < end) {
		u8 word = frame_state(pool, frame);
		u32 head = word & PB_PAGE_HEAD ? frame : block_head(pool, frame);

		if (word && !(word & PB_PAGE_HEAD))
			return frame; /* reserved, or a hole */
		if (frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE)
			return frame;   /* another call empties it */
		if (head == NO_FRAME) { /* free, or about to be */
			frame++;
			continue;
		}
		word = load_relaxed(&pool->pages[head].state);
		if (!movable || !(word & PB_PAGE_MOVABLE) || word & PB_PAGE_SHARED)
			return frame;
		frame = head + (1u << (word & PB_PAGE_ORDER));
	}
	return end;
}

/* --------------------------------------------------------- a given address */

/* Why a range could not be taken: there is no such frame, or it is in use. */
static int refusal(const struct pb_pool *pool, u32 frame, u32 end)
{
	for (; frame < end; frame++)
		if (frame_state(pool, frame) == PAGE_ABSENT)
			return PB_ENODEV;
	return PB_EBUSY;
}

static int claim_block(struct pb_pool *pool, u32 frame, unsigned int order, pb_gfp_t gfp)
{
	struct zone *zone = zone_of_frame(pool, frame);
	struct stripe *stripe = frame_stripe(pool, zone, frame);
	u32 end = frame + (1u << order);

	if (take_range(pool, zone, frame, end, TAKE_USABLE))
		return refusal(pool, frame, end);
	if (!hand_out(pool, frame, end, gfp)) {
		put_range(pool, zone, frame, end);
		return PB_ENOTSUP;
	}
	pb_platform_lock(&stripe->lock);
	counter_add(&stripe->pgalloc, 1ul << order);
	counter_add(&stripe->direct_allocs, 1);
	pb_platform_unlock(&stripe->lock);
	page_set_owned(pool, frame, order, gfp);
	return PB_OK;
}

static int do_claim(struct pb_pool *pool, uint64_t pfn, unsigned int order, pb_gfp_t gfp)
{
	u32 frame;

	if (!pool->super || order > pool->max_order || pfn & (((u64)1 << order) - 1) ||
	    gfp_zone(pool, gfp) < 0 || gfp_migratetype(pool, gfp) < 0)
		return PB_EINVAL;
	frame = pfn_to_frame(pool, pfn);
	return frame == NO_FRAME ? PB_ENODEV : claim_block(pool, frame, order, gfp);
}

int pb_alloc_at(struct pb_pool *pool, uint64_t pfn, unsigned int order, pb_gfp_t gfp)
{
	int code;

	pool_enter(pool);
	code = do_claim(pool, pfn, order, gfp);
	pool_leave(pool);
	return code;
}
