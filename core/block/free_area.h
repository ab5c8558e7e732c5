/* SPDX-License-Identifier: MIT */
/*
 * Which blocks are free, per order and migratetype, and in which order they are
 * handed out: the layer between a stripe and its buddy trees. The trees are the
 * only truth about what is free; the lists follow them.
 *
 * Every function needs the stripe's lock. area_settle() must follow insertions
 * and removals before the lock is dropped.
 */
#ifndef PB_CORE_FREE_AREA_H
#define PB_CORE_FREE_AREA_H

#include "base/frame.h"
#include "base/trace.h"
#include "block/list_linked.h"
#include "block/list_tight.h"
#include "linux/linux_rules.h"

#define counter_add(p, n) store_relaxed((p), *(p) + (n))

static inline struct free_list *area_lists(const struct pb_pool *pool, const struct stripe *stripe)
{
	return stripe_area(pool, stripe, 0)->free_list;
}

/* Number of the list (order, type) in area_lists(). */
static inline u32 area_list(unsigned int order, unsigned int type)
{
	return order * (PB_MIGRATE_TYPES + 1) + type;
}

/* linked: onto a list; pcp_types[] tells which while the block is free. */
static inline void area_link(const struct pb_pool *pool, struct stripe *stripe, u32 frame,
			     unsigned int order, unsigned int type, bool tail)
{
	linked_insert(pool, area_lists(pool, stripe), area_list(order, type), frame, tail);
	pool->pcp_types[frame] = (u8)type;
	if (type == PB_MIGRATE_HIGHATOMIC)
		counter_add(&stripe->nr_free_highatomic, 1L << order);
}

static inline void area_unlink(const struct pb_pool *pool, struct stripe *stripe, u32 frame,
			       unsigned int order)
{
	linked_remove(pool, area_lists(pool, stripe), frame);
	if (pool->pcp_types[frame] == PB_MIGRATE_HIGHATOMIC)
		counter_add(&stripe->nr_free_highatomic, -(1L << order));
}

/* linked: to another type's list. */
static inline void area_relink(const struct pb_pool *pool, struct stripe *stripe, u32 frame,
			       unsigned int order, unsigned int type)
{
	area_unlink(pool, stripe, frame, order);
	area_link(pool, stripe, frame, order, type, !linux_rules(pool)->moves_to_head);
}

/* A block appeared. `type` and `tail` matter to linked lists only. */
static inline void area_insert(const struct pb_pool *pool, struct stripe *stripe, u32 frame,
			       unsigned int order, unsigned int type, bool tail)
{
	struct free_area *area = stripe_area(pool, stripe, order);

	tree_set(span_tree(pool, frame), frame_node(pool, frame, order));
	counter_add(&area->nr_free, 1);
	if (pool_is_linked(pool))
		area_link(pool, stripe, frame, order, type, tail);
	else
		tight_count(pool, frame, order, 1);
	if (tracing(pool))
		trace_block(pool, PB_TRACE_INSERT, frame, order, type, tail);
}

/* A block went. */
static inline void area_remove(const struct pb_pool *pool, struct stripe *stripe, u32 frame,
			       unsigned int order)
{
	struct free_area *area = stripe_area(pool, stripe, order);

	tree_clear(span_tree(pool, frame), frame_node(pool, frame, order));
	counter_add(&area->nr_free, (unsigned long)-1);
	if (pool_is_linked(pool))
		area_unlink(pool, stripe, frame, order);
	else
		tight_count(pool, frame, order, -1);
}

static inline void area_settle(const struct pb_pool *pool, const struct zone *zone,
			       struct stripe *stripe, u32 frame)
{
	if (!pool_is_linked(pool))
		tight_settle(pool, zone, stripe, frame >> pool->pageblock_order);
}

static inline bool area_empty(const struct pb_pool *pool, const struct stripe *stripe,
			      unsigned int order, unsigned int type)
{
	if (pool_is_linked(pool))
		return linked_empty(area_lists(pool, stripe), area_list(order, type));
	return !(load_relaxed(&stripe->nonempty[type]) >> order & 1);
}

/* First block of the list (order, type). tightest: of a pageblock whose largest
   free block has this order. NO_FRAME if the list is empty. */
static inline u32 area_first(const struct pb_pool *pool, const struct zone *zone,
			     const struct stripe *stripe, unsigned int order, unsigned int type)
{
	if (pool_is_linked(pool))
		return linked_head(area_lists(pool, stripe), area_list(order, type));
	if (area_empty(pool, stripe, order, type))
		return NO_FRAME;
	return tight_block(pool, tight_lowest(pool, zone, stripe, order, type), order);
}

/* Pageblock to serve (order, type) from; pre: tightest, some list holds one. */
static inline u32 tight_find(const struct pb_pool *pool, const struct zone *zone,
			     const struct stripe *stripe, unsigned int order, unsigned int type)
{
	unsigned int list = order + ctz32(stripe->nonempty[type] >> order);

	return tight_lowest(pool, zone, stripe, list, type);
}

static inline void tight_trace_scan(const struct pb_pool *pool, const struct zone *zone,
				    const struct stripe *stripe, unsigned int order,
				    unsigned int type)
{
	for (unsigned int o = order; o <= pool->max_order; o++) {
		bool found = stripe->nonempty[type] >> o & 1;

		trace_block(pool, PB_TRACE_SCAN, zone_first_frame(pool, zone), o, type, found);
		if (found)
			return;
	}
}

/* The block to serve (order, type) from; its order goes to *found. NO_FRAME: none. */
static inline u32 area_find(const struct pb_pool *pool, const struct zone *zone,
			    const struct stripe *stripe, unsigned int order, unsigned int type,
			    unsigned int *found)
{
	u32 pageblock;

	if (pool_is_linked(pool)) {
		for (unsigned int o = order; o <= pool->max_order; o++) {
			u32 frame = linked_head(area_lists(pool, stripe), area_list(o, type));

			if (tracing(pool))
				trace_block(pool, PB_TRACE_SCAN, zone_first_frame(pool, zone), o,
					    type, frame != NO_FRAME);
			if (frame != NO_FRAME) {
				*found = o;
				return frame;
			}
		}
		return NO_FRAME;
	}
	if (tracing(pool))
		tight_trace_scan(pool, zone, stripe, order, type);
	if (!(stripe->nonempty[type] >> order))
		return NO_FRAME;
	pageblock = tight_find(pool, zone, stripe, order, type);
	*found = order + ctz32(pool_pageblock(pool, pageblock)->mask >> order);
	return tight_block(pool, pageblock, *found);
}

#endif
