/* SPDX-License-Identifier: MIT */
/*
 * Which blocks are free, per order and migratetype, and in which order they are
 * handed out: the layer between a stripe and its buddy trees. The trees are the
 * truth about what is free, and the lists follow them; but free blocks of at least a
 * pageblock are in the modern profile's lists alone (whole.h).
 *
 * Two representations behind one interface, chosen with the pool's profile: bitmaps
 * of pageblocks (modern, list_tight.h) and doubly linked blocks (linux, list_linked.h).
 * __area_relist() must follow insertions and removals before the lock is dropped.
 */
#ifndef PB_CORE_FREE_AREA_H
#define PB_CORE_FREE_AREA_H

#include "block/list_linked.h"
#include "block/list_tight.h"
#include "block/runs.h"
#include "block/stripe.h"
#include "block/whole.h"

static inline struct free_list *area_lists(const struct pb_pool *pool, const struct stripe *stripe)
{
	return stripe_area(pool, stripe, 0)->free_list;
}

/* Number of the list (order, type) in area_lists(). */
static inline u32 area_list(unsigned int order, unsigned int type)
{
	return order * (LIST_TYPES + 1) + type;
}

/* linked: put the block on a list; while it is free pcp_types[] holds the list's type. */
static inline void __area_link(const struct locked *at, u32 frame, unsigned int order,
			       unsigned int type, bool tail)
{
	linked_insert(at->pool, area_lists(at->pool, at->stripe), area_list(order, type), frame,
		      tail);
	at->pool->pcp_types[frame] = (u8)type;
	if (type == PB_MIGRATE_HIGHATOMIC)
		counter_add(&at->stripe->nr_free_highatomic, 1L << order);
}

static inline void __area_unlink(const struct locked *at, u32 frame, unsigned int order)
{
	linked_remove(at->pool, area_lists(at->pool, at->stripe), frame);
	if (at->pool->pcp_types[frame] == PB_MIGRATE_HIGHATOMIC)
		counter_add(&at->stripe->nr_free_highatomic, -(1L << order));
}

/* linked: move the block to another type's list. */
static inline void __area_relink(const struct locked *at, u32 frame, unsigned int order,
				 unsigned int type)
{
	__area_unlink(at, frame, order);
	__area_link(at, frame, order, type, !policy(at->pool)->moves_to_head);
}

/* Add a free block. `type` and `tail` matter to linked lists only. */
static inline void __area_insert(const struct locked *at, u32 frame, unsigned int order,
				 unsigned int type, bool tail)
{
	const struct pb_pool *pool = at->pool;
	struct free_area *area = stripe_area(pool, at->stripe, order);

	if (in_list_alone(pool, order)) {
		__whole_insert(at, frame, order);
		return;
	}
	tree_set(span_tree(pool, frame), frame_node(pool, frame, order));
	counter_add(&area->nr_free, 1);
	if (order >= pool->pageblock_order)
		__runs_mark(at, frame, order);
	if (pool_is_linked(pool))
		__area_link(at, frame, order, type, tail);
	else
		tight_count(pool, frame, order, 1);
	if (tracing(pool))
		trace_block(pool, PB_TRACE_INSERT | (tail ? TRACE_ONE : 0), frame, order, type);
}

/* Remove a free block. */
static inline void __area_remove(const struct locked *at, u32 frame, unsigned int order)
{
	const struct pb_pool *pool = at->pool;
	struct free_area *area = stripe_area(pool, at->stripe, order);

	if (in_list_alone(pool, order)) {
		__whole_remove(at, frame, order);
		return;
	}
	counter_add(&area->nr_free, (unsigned long)-1);
	tree_clear(span_tree(pool, frame), frame_node(pool, frame, order));
	if (order >= pool->pageblock_order)
		__runs_mark(at, frame, order);
	if (pool_is_linked(pool))
		__area_unlink(at, frame, order);
	else
		tight_count(pool, frame, order, -1);
}

/* bitmap: move the frame's pageblock to the list that its type and its largest free block now
   call for. */
static inline void __area_relist(const struct locked *at, u32 frame)
{
	u32 pageblock = frame >> at->pool->pageblock_order;

	if (!pool_is_linked(at->pool))
		__tight_relist_if_changed(at, pageblock, pool_pageblock(at->pool, pageblock));
}

static inline bool area_empty(const struct pb_pool *pool, const struct stripe *stripe,
			      unsigned int order, unsigned int type)
{
	if (pool_is_linked(pool))
		return linked_empty(area_lists(pool, stripe), area_list(order, type));
	return !(load_relaxed(&stripe->nonempty[type]) >> order & 1);
}

/* First block of the list (order, type). bitmap: of a pageblock whose largest
   free block has this order. NO_FRAME if the list is empty. */
static inline u32 __area_first(const struct locked *at, unsigned int order, unsigned int type)
{
	if (pool_is_linked(at->pool))
		return linked_head(area_lists(at->pool, at->stripe), area_list(order, type));
	if (area_empty(at->pool, at->stripe, order, type))
		return NO_FRAME;
	return tight_block(at->pool, __list_pageblock(at, order, type), order);
}

/* Report the lists that a search from `order` on looks into to the trace hook. */
static inline void __trace_scan(const struct locked *at, unsigned int order, unsigned int type)
{
	u32 frame = zone_first_frame(at->pool, at->zone);

	for (unsigned int o = order; o <= at->pool->max_order; o++) {
		bool found = !area_empty(at->pool, at->stripe, o, type);

		trace_block(at->pool, PB_TRACE_SCAN | (found ? TRACE_ONE : 0), frame, o, type);
		if (found)
			return;
	}
}

/* Find the block to serve (order, type) from; *found is its order. NO_FRAME: there is none. */
static inline u32 __area_find(const struct locked *at, unsigned int order, unsigned int type,
			      unsigned int *found)
{
	const struct stripe *stripe = at->stripe;
	u32 pageblock;

	if (tracing(at->pool))
		__trace_scan(at, order, type);
	if (pool_is_linked(at->pool)) {
		for (*found = order; *found <= at->pool->max_order; ++*found)
			if (!area_empty(at->pool, at->stripe, *found, type))
				return __area_first(at, *found, type);
		return NO_FRAME;
	}
	if (!(stripe->nonempty[type] >> order))
		return NO_FRAME;
	*found = order + ctz32(stripe->nonempty[type] >> order);
	pageblock = __list_pageblock(at, *found, type);
	if (*found < at->pool->pageblock_order)
		*found = order + ctz32(pool_pageblock(at->pool, pageblock)->mask >> order);
	return tight_block(at->pool, pageblock, *found);
}

#endif
