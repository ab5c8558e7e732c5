/* SPDX-License-Identifier: MIT */
/*
 * One block at a time: it merges when freed and is split when taken. stripe.h shows both.
 */
#include "block/free_area.h"

void __account(struct stripe *stripe, long pages, unsigned int type)
{
	long usable, error;

	counter_add(&stripe->version, 1);
	if (LIST_TYPES > 1 && type == PB_MIGRATE_ISOLATE) {
		counter_add(&stripe->nr_isolated, pages);
		return;
	}
	counter_add(&stripe->nr_free_pages, pages);
	if (LIST_TYPES > 1 && type == PB_MIGRATE_CMA)
		counter_add(&stripe->nr_free_cma, pages);
	if (!PB_WITH_SMP) /* no other CPU reads approx_free */
		return;
	usable = stripe->nr_free_pages - stripe->nr_free_cma;
	error = approx_error(stripe, stripe->approx_free);
	if (unlikely(usable > stripe->approx_free + error || usable < stripe->approx_free - error))
		store_relaxed(&stripe->approx_free, usable);
}

void __count_free(const struct locked *at, u32 cpu, long pages)
{
	if (PB_WITH_LINUX && policy(at->pool)->count_free)
		policy(at->pool)->count_free(at->pool, at->zone, cpu, pages);
}

/* ------------------------------------------------------------------ merge */

/* May a block of at least a pageblock merge with its free buddy? */
static bool may_merge_pageblocks(const struct pb_pool *pool, u32 buddy, unsigned int type)
{
	unsigned int buddy_type = frame_migratetype(pool, buddy);

	if (policy(pool)->merge == MERGE_ANY)
		return type == buddy_type ||
		       (type != PB_MIGRATE_ISOLATE && buddy_type != PB_MIGRATE_ISOLATE);
	return type == buddy_type ||
	       (migratetype_is_mergeable(type) && migratetype_is_mergeable(buddy_type));
}

/*
 * Spec 3.5 step 6: the buddy of the block's parent is free. So when the block's own buddy
 * comes back, which is likely, all of it will merge to order + 2: the block should go to the
 * tail, where it is taken last.
 */
static bool buddy_merge_likely(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	u32 parent = frame & ~(1u << order);

	if (order + 1 >= pool->max_order)
		return false;
	return block_is_free(pool, parent ^ (2u << order), order + 1);
}

/* Give the buddy's pageblocks the block's type, so that the merged block has one type only: the
   lists follow the pageblocks' types. */
static void __retype_merged(const struct locked *at, u32 buddy, unsigned int order,
			    unsigned int type)
{
	u32 first = buddy >> at->pool->pageblock_order;

	for (u32 i = 0; i < 1u << (order - at->pool->pageblock_order); i++) {
		if (pool_pageblock(at->pool, first + i)->type != type)
			__set_pageblock_type(at, first + i, type);
		__area_relist(at, (first + i) << at->pool->pageblock_order);
	}
}

/* Take the free buddy of a block of at least a pageblock off its list; false: the two must not
   merge. */
static bool __take_buddy(const struct locked *at, u32 frame, unsigned int order, unsigned int type)
{
	u32 buddy = frame ^ (1u << order);

	if (!may_merge_pageblocks(at->pool, buddy, type))
		return false;
	__area_remove(at, buddy, order);
	if (policy(at->pool)->merge == MERGE_REWRITE) {
		__area_relist(at, frame);
		__retype_merged(at, buddy, order, type);
	}
	return true;
}

/* The block (frame, order) of the modern profile, inside its pageblock. */
static inline struct tight_spot __spot(const struct locked *at, u32 frame, unsigned int order)
{
	return (struct tight_spot){ span_tree(at->pool, frame), frame_node(at->pool, frame, order),
				    frame_pageblock(at->pool, frame),
				    stripe_area(at->pool, at->stripe, 0) };
}

static bool __buddy_is_free(const struct locked *at, u32 frame, unsigned int order)
{
	const struct pb_pool *pool = at->pool;

	if (in_list_alone(pool, order))
		return __whole_test(at, frame ^ (1u << order), order);
	return tree_test(span_tree(pool, frame), frame_node(pool, frame, order) ^ 1);
}

void __free_one_page(const struct locked *at, u32 frame, unsigned int order, unsigned int type,
		     bool to_tail)
{
	const struct pb_pool *pool = at->pool;
	bool linked = pool_is_linked(pool);

	__account(at->stripe, 1L << order, type);
	if (!linked && !tracing(pool) && order < pool->pageblock_order) {
		const struct tight_spot spot = __spot(at, frame, order);

		order = tight_merge(&spot, order, pool->pageblock_order);
		if (order < pool->pageblock_order) {
			__tight_relist_if_changed(at, frame >> pool->pageblock_order, spot.pb);
			return;
		}
		frame &= ~((1u << order) - 1);
	}
	for (; order < pool->max_order; order++) {
		if (!__buddy_is_free(at, frame, order))
			break;
		if (likely(order < pool->pageblock_order))
			__area_remove(at, frame ^ (1u << order), order);
		else if (!__take_buddy(at, frame, order, type))
			break;
		if (tracing(pool))
			trace_block(pool, PB_TRACE_MERGE, frame, order, type);
		frame &= ~(1u << order);
	}
	__area_insert(at, frame, order, type,
		      linked && (to_tail || buddy_merge_likely(pool, frame, order)));
	__area_relist(at, frame);
}

/* ------------------------------------------------------------------ split */

void __expand(const struct locked *at, u32 frame, unsigned int high, unsigned int low,
	      unsigned int type)
{
	bool quick = !pool_is_linked(at->pool) && !tracing(at->pool);

	while (high > low) {
		if (quick && high <= at->pool->pageblock_order) {
			const struct tight_spot spot = __spot(at, frame, high);

			tight_split(&spot, high, low);
			break;
		}
		high--;
		__area_insert(at, frame + (1u << high), high, type, false);
		if (tracing(at->pool))
			trace_block(at->pool, PB_TRACE_SPLIT, frame + (1u << high), high, type);
		if (high >= at->pool->pageblock_order)
			__area_relist(at, frame + (1u << high));
	}
	__area_relist(at, frame);
}

/* Take the smallest block of the pageblock that is large enough, cut to `order`. pre: there is
   one. */
static inline u32 __tight_take(const struct locked *at, u32 pageblock, unsigned int order)
{
	const struct pb_pool *pool = at->pool;
	u32 frame = pageblock << pool->pageblock_order, first;
	struct tight_spot spot = __spot(at, frame, 0);
	unsigned int high = order + ctz32(spot.pb->mask >> order);

	first = frame_node(pool, frame, high);
	spot.node = tree_first(spot.tree, first, 1u << (pool->pageblock_order - high));
	tree_clear(spot.tree, spot.node);
	spot.pb->mask ^= (u32) !--spot.pb->nr_free[high] << high;
	tight_count_area(&spot, high, -1);
	tight_split(&spot, high, order);
	__tight_relist_if_changed(at, pageblock, spot.pb);
	return frame + ((spot.node - first) << high);
}

/* As __rmqueue_smallest(), of the modern profile's lists and untraced. */
static u32 __tight_smallest(const struct locked *at, unsigned int order, unsigned int type)
{
	u32 lists = at->stripe->nonempty[list_type(type)] >> order, pageblock, frame;
	unsigned int high;

	if (!lists)
		return NO_FRAME;
	high = order + ctz32(lists);
	pageblock = __list_pageblock(at, high, list_type(type));
	if (high < at->pool->pageblock_order)
		return __tight_take(at, pageblock, order);
	frame = pageblock << at->pool->pageblock_order;
	__whole_remove(at, frame, high);
	__expand(at, frame, high, order, type);
	return frame;
}

/* The same for linked lists, and for traced pools of either kind. */
static u32 __area_smallest(const struct locked *at, unsigned int order, unsigned int type)
{
	unsigned int found;
	u32 frame = __area_find(at, order, type, &found);

	if (frame == NO_FRAME)
		return NO_FRAME;
	__area_remove(at, frame, found);
	if (tracing(at->pool))
		trace_block(at->pool, PB_TRACE_TAKE, frame, found, type);
	__expand(at, frame, found, order, type);
	return frame;
}

u32 __rmqueue_smallest(const struct locked *at, unsigned int order, unsigned int type)
{
	const struct pb_pool *pool = at->pool;
	bool quick = !pool_is_linked(pool) && !tracing(pool);
	u32 frame = quick ? __tight_smallest(at, order, type) : __area_smallest(at, order, type);

	if (frame == NO_FRAME)
		return NO_FRAME;
	__account(at->stripe, -(1L << order), type);
	if (PB_WITH_LINUX && pool->pcp_types)
		pool->pcp_types[frame] = (u8)type;
	return frame;
}

u32 __rmqueue_partial(const struct locked *at, unsigned int order, unsigned int type)
{
	const struct pb_pool *pool = at->pool;
	unsigned int found = order;
	u32 frame;

	while (found < pool->pageblock_order && area_empty(pool, at->stripe, found, type))
		found++;
	if (found >= pool->pageblock_order)
		return NO_FRAME;
	frame = __area_first(at, found, type);
	if (!pool_is_linked(pool)) { /* found is the pageblock's largest order: take its smallest */
		u32 pageblock = frame >> pool->pageblock_order;

		found = order + ctz32(pool_pageblock(pool, pageblock)->mask >> order);
		frame = tight_block(pool, pageblock, found);
	}
	__area_remove(at, frame, found);
	__expand(at, frame, found, order, type);
	__account(at->stripe, -(1L << order), type);
	__count_free(at, NO_CPU, -(1L << order));
	if (PB_WITH_LINUX && pool->pcp_types)
		pool->pcp_types[frame] = (u8)type;
	return frame;
}

/* Give back all of the block (head, high) but [frame, frame + 2^order). */
static void __expand_around(const struct locked *at, u32 head, unsigned int high, u32 frame,
			    unsigned int order)
{
	unsigned int type = frame_migratetype(at->pool, head);

	while (high-- > order) { /* keep the half that holds `frame` */
		u32 upper = head + (1u << high), half = frame < upper ? upper : head;

		__area_insert(at, half, high, type, false);
		if ((half ^ frame) >> at->pool->pageblock_order) /* its own is relisted below */
			__area_relist(at, half);
		if (frame >= upper)
			head = upper;
	}
	__area_relist(at, frame);
}

bool __take_exact(const struct locked *at, u32 frame, unsigned int order)
{
	int high = covering_order(at->pool, frame);
	u32 head = frame & ~((1u << (high < 0 ? 0 : high)) - 1);
	unsigned int type = frame_migratetype(at->pool, head);

	if (high < (int)order)
		return false;
	__area_remove(at, head, (unsigned int)high);
	__expand_around(at, head, (unsigned int)high, frame, order);
	__account(at->stripe, -(1L << order), type);
	if (type != PB_MIGRATE_ISOLATE)
		__count_free(at, NO_CPU, -(1L << order));
	return true;
}
