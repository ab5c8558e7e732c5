/* SPDX-License-Identifier: MIT */
/*
 * Runs of whole free pageblocks of a zone: which are there, by the nodes of block/runs.h.
 * Pageblocks are numbered from the zone's first here. They take zone->lock, for a leaf or one
 * way down, and stripes' locks. What they say was so a moment ago: whoever takes a run finds
 * out.
 */
#ifndef PB_CORE_RANGE_RUNS_H
#define PB_CORE_RANGE_RUNS_H

#include "block/runs.h"

struct run {
	u32 first, n; /* pageblocks */
};

/* Brings the nodes up to date: O(log leaves) for each leaf that was marked since the
   last time, and a look at the marks, 32 leaves a word. */
void runs_refresh(struct pb_pool *pool, struct zone *zone);
/* The first run of at least n pageblocks in [from, end), as long as it is there; n 0: none.
   O(log leaves). */
struct run runs_next(struct pb_pool *pool, struct zone *zone, u32 from, u32 end, u32 n);
/* The shortest of the first runs of at least n, of which so many are compared; n 0: none.
   O(log leaves). */
#define RUNS_COMPARED 16u
struct run runs_tightest(struct pb_pool *pool, struct zone *zone, u32 n);

/* The node of a leaf's word; of two nodes of `half` pageblocks each; are two the same? */
struct run_node runs_of_word(u64 word);
struct run_node runs_join(const struct run_node *left, const struct run_node *right, u32 half);
bool runs_same(const struct run_node *a, const struct run_node *b);

/* Is a pageblock free as a whole, for whoever looks for a range? Stripe lock. */
bool __pageblock_is_whole(const struct pb_pool *pool, u32 pageblock);

#endif
