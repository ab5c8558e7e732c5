/* SPDX-License-Identifier: MIT */
/*
 * Zones, the part that moves blocks: split on the way out, merge on the way in.
 *
 * Taking an order-0 page where only block 8 of order 3 (frames 8-15) is free:
 *	smallest list at or above 0 with a block: order 3, block 8
 *	split: 12-15 goes to order 2, 10-11 to order 1, 9 to order 0; 8 is handed out
 * Freeing frame 8 again:
 *	buddy 9 (8 ^ 1) free at order 0: merged to 8-9
 *	buddy 10 (8 ^ 2) free at order 1: merged to 8-11
 *	buddy 12 (8 ^ 4) free at order 2: merged to 8-15, which goes to order 3
 */
#include "zone/zone.h"

#include "linux/linux_rules.h"
#include "block/zone_tight.h"

struct stripe *home_stripe(const struct pb_pool *pool, const struct zone *zone, u32 cpu)
{
	return zone_stripe(pool, zone, cpu & (zone->nr_stripes - 1));
}

void __account(struct stripe *stripe, long pages, unsigned int type)
{
	long usable, slack;

	if (pages)
		counter_add(&stripe->version, 1);
	if (type == PB_MIGRATE_ISOLATE) {
		counter_add(&stripe->nr_isolated, pages);
		return;
	}
	counter_add(&stripe->nr_free_pages, pages);
	if (type == PB_MIGRATE_CMA)
		counter_add(&stripe->nr_free_cma, pages);
	usable = stripe->nr_free_pages - stripe->nr_free_cma;
	slack = published_slack(stripe, stripe->published);
	if (unlikely(usable > stripe->published + slack || usable < stripe->published - slack))
		store_relaxed(&stripe->published, usable);
}

/* ------------------------------------------------------------- pageblocks */

u16 zone_class(const struct pb_pool *pool, const struct zone *zone, unsigned int type)
{
	/* Linux files frees of reserved types as MOVABLE, but never of ISOLATE. */
	if (pool_is_linked(pool) && type != PB_MIGRATE_ISOLATE && type >= PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_MOVABLE;
	if (type >= PB_MIGRATE_PCPTYPES || (pool->super->flags & PB_POOL_NO_PCP))
		return NO_CLASS;
	/* in units of half a list, as the fast paths index; class 0 is NO_CLASS */
	return (u16)((zone_number(pool, zone) * PB_MIGRATE_PCPTYPES + type + 1u)
		     << (pool->super->class_shift + 1u));
}

void __set_pageblock_type(struct pb_pool *pool, const struct zone *zone, u32 pageblock,
			  unsigned int type)
{
	struct pageblock *pb = pool_pageblock(pool, pageblock);

	if (!pool->super->mobility && type < PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_UNMOVABLE;
	if (tracing(pool) && pb->type != type) {
		struct pb_trace_event event = { .type = PB_TRACE_PAGEBLOCK,
						.order = pool->pageblock_order,
						.migratetype = (u8)type,
						.other_type = pb->type };

		event.pfn = frame_to_pfn(pool, pageblock << pool->pageblock_order);
		trace_event(pool, zone, &event);
	}
	store_relaxed(&pb->type, (u8)type);
	store_relaxed(&pool->pcp_class[pageblock], zone_class(pool, zone, type));
}

/* Spec 6.7 step 5: a pageblock that sticks out of the zone is never taken over. */
bool pageblock_in_zone(const struct pb_pool *pool, const struct zone *zone, u32 pageblock)
{
	u64 pfn = frame_to_pfn(pool, pageblock << pool->pageblock_order);

	return pfn >= zone->start_pfn &&
	       pfn + pageblock_pages(pool) <= zone->start_pfn + zone->spanned;
}

u32 __pageblock_end(const struct pb_pool *pool, u32 frame)
{
	return (frame | ((1u << pool->pageblock_order) - 1)) + 1;
}

/* Free pages from a frame to its pageblock's end, order by order: each has a bit for
   each of its blocks there. */
static u64 count_free_from(const struct pb_pool *pool, u32 frame)
{
	const u64 *tree = span_tree(pool, frame);
	u32 end = __pageblock_end(pool, frame);
	u64 sum = 0;

	if (tree_covering(tree, pool->max_order, span_offset(pool, frame)) >=
	    (int)pool->pageblock_order)
		return end - frame;
	for (unsigned int order = 0; order <= pool->pageblock_order; order++) {
		u32 node = frame_node(pool, frame, order);
		u32 last = frame_node(pool, end - 1, order);
		u32 head = frame >> order << order;

		if (head != frame && tree_test(tree, node)) /* it began before */
			sum -= frame - head;
		while (node <= last) {
			u32 n = 64 - (node & 63);

			if (n > last - node + 1)
				n = last - node + 1;
			sum += (u64)popcount64(tree[node >> 6] & word_mask(node & 63, n)) << order;
			node += n;
		}
	}
	return sum;
}

typedef u32 four_pages __attribute__((may_alias));

/* Pages of movable blocks that begin in [frame, end), as far as they lie in it: four bytes
   at a time where these are of single pages, or of none. */
static u64 count_movable(const struct pb_pool *pool, u32 frame, u32 end)
{
	u64 sum = 0;

	while (frame < end) {
		const struct pb_page *page = pool->pages + frame;
		u8 word = load_relaxed(&page->word);

		if (!(frame & 3) && end - frame >= 4) {
			u32 four = load_relaxed((const four_pages *)page);
			u32 heads = four >> 7 & 0x01010101u;

			if (!(four & heads * PB_PAGE_ORDER)) {
				heads &= four >> 5; /* MOVABLE */
				sum += heads * 0x01010101u >> 24;
				frame += 4;
				continue;
			}
		}
		if (word & PB_PAGE_HEAD && word & PB_PAGE_MOVABLE)
			sum += min_u64((u64)1 << (word & PB_PAGE_ORDER), end - frame);
		frame += word & PB_PAGE_HEAD ? 1u << (word & PB_PAGE_ORDER) : 1;
	}
	return sum;
}

void count_pageblock(const struct pb_pool *pool, u32 pageblock, u64 *free, u64 *movable)
{
	u32 frame = pageblock << pool->pageblock_order;

	*free = count_free_from(pool, frame);
	*movable = count_movable(pool, frame, __pageblock_end(pool, frame));
}

void __linked_move_from(struct pb_pool *pool, struct stripe *stripe, u32 frame, unsigned int type)
{
	u32 end = __pageblock_end(pool, frame);

	while (frame < end) {
		int order = tree_covering(span_tree(pool, frame), pool->max_order,
					  span_offset(pool, frame));

		if (order < 0) {
			frame++;
			continue;
		}
		area_relink(pool, stripe, frame, (unsigned int)order, type);
		frame += 1u << order;
	}
}

u64 __move_freepages_from(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
			  unsigned int type, u64 *movable)
{
	u64 free = count_free_from(pool, frame);

	counter_add(&stripe->version, 1);
	if (movable)
		*movable = count_movable(pool, frame, __pageblock_end(pool, frame));
	if (pool_is_linked(pool))
		__linked_move_from(pool, stripe, frame, type);
	else
		__set_pageblock_type(pool, zone, frame >> pool->pageblock_order, type);
	area_settle(pool, zone, stripe, frame);
	return free;
}

u64 __move_freepages_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			   u32 pageblock, unsigned int type, u64 *movable)
{
	return __move_freepages_from(pool, zone, stripe, pageblock << pool->pageblock_order, type,
				     movable);
}

/* ------------------------------------------------------------------ merge */

/* May the block (frame, order >= pageblock_order) merge with its free buddy? */
static bool may_merge_pageblocks(const struct pb_pool *pool, u32 buddy, unsigned int type)
{
	unsigned int buddy_type = frame_migratetype(pool, buddy);

	if (pool_is_linked(pool) && linux_rules(pool)->merge == LINUX_MERGE_ANY)
		return type == buddy_type ||
		       (type != PB_MIGRATE_ISOLATE && buddy_type != PB_MIGRATE_ISOLATE);
	return type == buddy_type ||
	       (migratetype_is_mergeable(type) && migratetype_is_mergeable(buddy_type));
}

/*
 * Spec 3.5 step 6: this block's own buddy is likely to come back soon and to make
 * order + 2 with the one that is free beside their parent, so keep it cold.
 */
static bool buddy_merge_likely(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	u32 parent = frame & ~(1u << order);
	bool likely_soon;

	if (order + 1 >= pool->max_order)
		return false;
	likely_soon = block_is_free(pool, parent ^ (2u << order), order + 1);
#ifdef PB_TEST_WRONG_TAIL_RULE
	return !likely_soon; /* the test of the comparison with a kernel builds this */
#else
	return likely_soon;
#endif
}

/* All pageblocks of a merged block get one type: lists follow types. */
static void retype_merged(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 buddy,
			  unsigned int order, unsigned int type)
{
	u32 first = buddy >> pool->pageblock_order;

	for (u32 i = 0; i < 1u << (order - pool->pageblock_order); i++) {
		if (pool_pageblock(pool, first + i)->type != type)
			__set_pageblock_type(pool, zone, first + i, type);
		area_settle(pool, zone, stripe, (first + i) << pool->pageblock_order);
	}
}

void __zone_free_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
		       unsigned int order, unsigned int type, bool to_tail)
{
	u64 *tree = span_tree(pool, frame);
	bool linked = pool_is_linked(pool);
	u32 node;

	__account(stripe, 1L << order, type);
	if (!linked && !tracing(pool))
		order = __tight_merge(pool, stripe, &frame, order);
	node = frame_node(pool, frame, order);
	while (order < pool->max_order && tree_test(tree, node ^ 1)) {
		u32 buddy = frame ^ (1u << order);

		if (unlikely(order >= pool->pageblock_order)) {
			if (!may_merge_pageblocks(pool, buddy, type))
				break;
			area_remove(pool, stripe, buddy, order);
			if (!linked) {
				area_settle(pool, zone, stripe, frame);
				retype_merged(pool, zone, stripe, buddy, order, type);
			} else if (linux_rules(pool)->merge == LINUX_MERGE_REWRITE) {
				retype_merged(pool, zone, stripe, buddy, order, type);
			}
		} else {
			area_remove(pool, stripe, buddy, order);
		}
		if (tracing(pool))
			trace_block(pool, PB_TRACE_MERGE, frame, order, type, buddy);
		frame &= ~(1u << order);
		node >>= 1;
		order++;
	}
	area_insert(pool, stripe, frame, order, type,
		    linked && (to_tail || buddy_merge_likely(pool, frame, order)));
	area_settle(pool, zone, stripe, frame);
}

/* ------------------------------------------------------------------ split */

void __expand(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
	      unsigned int high, unsigned int low, unsigned int type)
{
	bool quick = !pool_is_linked(pool) && !tracing(pool);

	while (high > low) {
		if (quick && high <= pool->pageblock_order) {
			__tight_split(pool, stripe, frame, high, low);
			break;
		}
		high--;
		area_insert(pool, stripe, frame + (1u << high), high, type, false);
		if (tracing(pool))
			trace_block(pool, PB_TRACE_SPLIT, frame + (1u << high), high, type, 0);
		if (high >= pool->pageblock_order)
			area_settle(pool, zone, stripe, frame + (1u << high));
	}
	area_settle(pool, zone, stripe, frame);
}

u32 __rmqueue_smallest(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
		       unsigned int order, unsigned int type)
{
	unsigned int found;
	u32 frame = area_find(pool, zone, stripe, order, type, &found);

	if (frame == NO_FRAME)
		return NO_FRAME;
	area_remove(pool, stripe, frame, found);
	if (tracing(pool))
		trace_block(pool, PB_TRACE_TAKE, frame, found, type, 0);
	__expand(pool, zone, stripe, frame, found, order, type);
	__account(stripe, -(1L << order), type);
	if (pool->pcp_types)
		pool->pcp_types[frame] = (u8)type;
	return frame;
}

bool __zone_take_exact(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
		       unsigned int order)
{
	int found = tree_covering(span_tree(pool, frame), pool->max_order,
				  span_offset(pool, frame));
	unsigned int high = (unsigned int)found, type;
	u32 head;

	if (found < (int)order)
		return false;
	head = frame & ~((1u << high) - 1);
	type = frame_migratetype(pool, head);
	area_remove(pool, stripe, head, high);
	while (high > order) { /* keep the half that holds `frame` */
		u32 upper, half;

		high--;
		upper = head + (1u << high);
		half = frame < upper ? upper : head;
		area_insert(pool, stripe, half, high, type, false);
		if ((half ^ frame) >> pool->pageblock_order) /* its own is settled below */
			area_settle(pool, zone, stripe, half);
		if (frame >= upper)
			head = upper;
	}
	area_settle(pool, zone, stripe, frame);
	__account(stripe, -(1L << order), type);
	if (type != PB_MIGRATE_ISOLATE)
		__vmstat_add(pool, zone, NO_CPU, -(1L << order));
	return true;
}

void __count_direct(struct stripe *stripe, unsigned int order, u32 got, unsigned int alloc_flags)
{
	if (got && alloc_flags & ALLOC_DIRECT) {
		counter_add(&stripe->pgalloc, (unsigned long)got << order);
		counter_add(&stripe->direct_allocs, got);
	}
}

/* ------------------------------------------------------------------- take */

/* Spec 6.5 with 6.1's balance: half of the free pages in CMA, use CMA first. */
static u32 linked_rmqueue(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			  unsigned int order, unsigned int type, unsigned int alloc_flags)
{
	u32 frame = NO_FRAME;

	if (alloc_flags & ALLOC_CMA && !linux_rules(pool)->cma_last &&
	    stripe->nr_free_cma > stripe->nr_free_pages / 2)
		frame = __rmqueue_smallest(pool, zone, stripe, order, PB_MIGRATE_CMA);
	while (frame == NO_FRAME) {
		frame = __rmqueue_smallest(pool, zone, stripe, order, type);
		if (frame == NO_FRAME && alloc_flags & ALLOC_CMA)
			frame = __rmqueue_smallest(pool, zone, stripe, order, PB_MIGRATE_CMA);
		if (frame == NO_FRAME &&
		    !__rmqueue_fallback(pool, zone, stripe, order, type, alloc_flags))
			break;
	}
	return frame;
}

u32 linked_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		      unsigned int type, unsigned int alloc_flags, u32 n, u32 *end)
{
	struct stripe *stripe = zone_stripe(pool, zone, 0);
	u32 got = 0;

	bool by_call = !linux_rules(pool)->lists_follow;
	struct linux_take take = { pool, zone, stripe, cpu, order, type, alloc_flags,
				   alloc_flags & ALLOC_STEALS };

	pb_platform_lock(&stripe->lock);
	while (got < n) {
		u32 frame = by_call ? linked_rmqueue(pool, zone, stripe, order, type, alloc_flags)
				    : __linux_rmqueue(&take);

		if (frame == NO_FRAME)
			break;
		end[-1 - (s32)got++] = frame;
	}
	if (got && by_call)
		__vmstat_add(pool, zone, cpu, -((long)got << order));
	__count_direct(stripe, order, got, alloc_flags);
	pb_platform_unlock(&stripe->lock);
	return got;
}

static u32 take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		      unsigned int type, unsigned int alloc_flags, u32 n, u32 *end)
{
	if (pool_is_linked(pool))
		return linked_take_batch(pool, zone, cpu, order, type, alloc_flags, n, end);
	return tight_take_batch(pool, zone, cpu, order, type, alloc_flags, n, end);
}

static u32 take_from_reserve(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			     u32 cpu, unsigned int order)
{
	const struct linux_take take = { .pool = pool, .zone = zone, .stripe = stripe,
					 .cpu = cpu,   .order = order };
	u32 frame;

	if (pool_is_linked(pool) && linux_rules(pool)->lists_follow)
		return __linux_rmqueue_smallest(&take, PB_MIGRATE_HIGHATOMIC);
	frame = __rmqueue_smallest(pool, zone, stripe, order, PB_MIGRATE_HIGHATOMIC);
	if (frame != NO_FRAME)
		__vmstat_add(pool, zone, cpu, -(1L << order));
	return frame;
}

/* Reserved blocks: for urgent requests of order > 0 at first, and at last for
   every request that can't wait. */
static u32 zone_take_reserve(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order)
{
	for (u32 i = 0; i < zone->nr_stripes; i++) {
		struct stripe *stripe = home_stripe(pool, zone, cpu + i);
		u32 frame;

		pb_platform_lock(&stripe->lock);
		frame = take_from_reserve(pool, zone, stripe, cpu, order);
		__count_direct(stripe, order, frame != NO_FRAME, ALLOC_DIRECT);
		pb_platform_unlock(&stripe->lock);
		if (frame != NO_FRAME)
			return frame;
	}
	return NO_FRAME;
}

u32 zone_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
	      unsigned int type, unsigned int alloc_flags)
{
	bool first = order && alloc_flags & ALLOC_HIGHATOMIC;
	bool last = alloc_flags & (ALLOC_OOM | ALLOC_HARDER);
	u32 frame = NO_FRAME;

	if (first)
		frame = zone_take_reserve(pool, zone, cpu, order);
	if (frame == NO_FRAME &&
	    !take_batch(pool, zone, cpu, order, type, alloc_flags | ALLOC_DIRECT, 1, &frame + 1))
		frame = last ? zone_take_reserve(pool, zone, cpu, order) : NO_FRAME;
	return frame;
}

/* ------------------------------------------------------------------- free */

static void __free_piece(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 cpu,
			 u32 frame, unsigned int order, unsigned int type)
{
	if (type != PB_MIGRATE_ISOLATE)
		__vmstat_add(pool, zone, cpu, 1L << order);
	__zone_free_block(pool, zone, stripe, frame, order, type, false);
}

/* A block larger than a pageblock may lie across the border of an isolated range:
   then each pageblock goes back as its own type. */
static void __free_typed(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 cpu,
			 u32 frame, unsigned int order, unsigned int type)
{
	u32 end = frame + (1u << order);

	if (order <= pool->pageblock_order ||
	    (!load_relaxed(&zone->nr_isolate_pageblock) &&
	     !(pool_is_linked(pool) && linux_rules(pool)->split_frees))) {
		__free_piece(pool, zone, stripe, cpu, frame, order, type);
		return;
	}
	for (; frame < end; frame += 1u << pool->pageblock_order)
		__free_piece(pool, zone, stripe, cpu, frame, pool->pageblock_order,
			     frame_migratetype(pool, frame));
}

/* linux: a drained block goes to the lists of the type it was freed with, or of its
   pageblock as it is now. */
static unsigned int free_type(const struct pb_pool *pool, const struct zone *zone, u32 frame)
{
	if (linux_rules(pool)->pcp_cached_type && !load_relaxed(&zone->nr_isolate_pageblock))
		return pool->pcp_types[frame];
	return frame_migratetype(pool, frame);
}

void linked_free_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		       struct free_list *batch)
{
	struct stripe *stripe = zone_stripe(pool, zone, 0);
	u32 frame;

	pb_platform_lock(&stripe->lock);
	while ((frame = linked_head(batch, 0)) != NO_FRAME) {
		unsigned int type = free_type(pool, zone, frame);

		linked_remove(pool, batch, frame);
		__free_typed(pool, zone, stripe, cpu, frame, order, type);
	}
	pb_platform_unlock(&stripe->lock);
}

void zone_free(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order,
	       bool count_free)
{
	struct stripe *stripe = frame_stripe(pool, zone, frame);

	pb_platform_lock(&stripe->lock);
	if (count_free)
		counter_add(&stripe->pgfree, 1ul << order);
	__free_typed(pool, zone, stripe, cpu, frame, order, frame_migratetype(pool, frame));
	pb_platform_unlock(&stripe->lock);
}
