/* SPDX-License-Identifier: MIT */
/*
 * Where whole pageblocks are free, for a search that needs many in a row. 64 pageblocks of a
 * zone are a leaf. Whoever frees or takes a whole pageblock marks its leaf, and allocation and
 * free pay no more than that. The search first brings the marked leaves up to date
 * (range/runs.c), and with them the nodes above, each of which says of its pageblocks
 *
 *	  first, last: free ones at its start, and at its end; longest: in a row
 *
 *	                    1: first 3, last 2, longest 5
 *	          2: first 3, last 2          3: first 3, last 2
 *	          [1 1 1 0 ... 1 1]           [1 1 1 0 ... 1 1]     leaves, words[0] and [1]
 *
 * A zone of one leaf has no marks and no nodes: the search reads its pageblocks themselves.
 *
 *	marked: under the lock of the stripe that the leaf belongs to (groups are of whole
 *	leaves), atomically, since leaves of other stripes share the word
 *	words, nodes: zone->lock
 */
#ifndef PB_CORE_RUNS_H
#define PB_CORE_RUNS_H

#include "block/stripe.h"

#define LEAF_SHIFT 6u /* log2 pageblocks */

struct run_node {
	u32 first, last, longest; /* pageblocks */
};

/* Leaves of a zone; the tree above them has room for the next power of two. */
static inline u32 runs_leaves(u32 pageblocks)
{
	return div_round_up(pageblocks, 1u << LEAF_SHIFT);
}

static inline u32 runs_width(u32 leaves)
{
	return leaves > 1 ? 2u << fls32(leaves - 1) : 1;
}

/* Bytes of the three arrays for a zone of so many pageblocks. */
static inline u64 runs_bytes(u32 pageblocks)
{
	u32 leaves = runs_leaves(pageblocks);

	if (!PB_WITH_RANGE || leaves <= 1)
		return 0;
	return 8 * ((u64)div_round_up(leaves, 64) + leaves) +
	       2 * (u64)runs_width(leaves) * sizeof(struct run_node);
}

static inline u32 *runs_marked(const struct pb_pool *pool, const struct zone *zone)
{
	return pool_at(pool, zone->runs);
}

static inline u64 *runs_words(const struct pb_pool *pool, const struct zone *zone)
{
	return (u64 *)pool_at(pool, zone->runs) + div_round_up(zone->run_leaves, 64);
}

static inline struct run_node *runs_nodes(const struct pb_pool *pool, const struct zone *zone)
{
	return (struct run_node *)(runs_words(pool, zone) + zone->run_leaves);
}

/* Mark the leaves of a block of at least pageblock_order that became free, was taken, or changed
   to or from ISOLATE. The caller holds the stripe's lock. */
static inline void __runs_mark(const struct locked *at, u32 frame, unsigned int order)
{
	u32 first, last;

	if (!PB_WITH_RANGE || !at->zone->run_leaves)
		return;
	first = (frame >> at->pool->pageblock_order) - zone_first_pageblock(at->pool, at->zone);
	last = (first + (1u << (order - at->pool->pageblock_order)) - 1) >> LEAF_SHIFT;
	for (u32 leaf = first >> LEAF_SHIFT; leaf <= last; leaf++) {
		u32 *word = runs_marked(at->pool, at->zone) + (leaf >> 5);

		if (unlikely(!(load_relaxed(word) >> (leaf & 31) & 1)))
			pb_atomic_fetch_or(word, 1u << (leaf & 31), __ATOMIC_RELAXED);
	}
}

#endif
