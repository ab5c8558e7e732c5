/* SPDX-License-Identifier: MIT */
/*
 * Finds runs of whole free pageblocks of a zone by the nodes of block/runs.h. Pageblocks are
 * numbered from the zone's first here. The functions take zone->lock, for one leaf or one walk
 * down the tree, and stripes' locks. A run that they return was free a moment ago; whether it
 * still is shows when it is taken.
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
/* The first run of at least n pageblocks in [from, end), with its whole length up to `end`; its n
   is 0 if there is none. O(log leaves). */
struct run runs_next(struct pb_pool *pool, struct zone *zone, u32 from, u32 end, u32 n);
/* The shortest of the first RUNS_COMPARED runs of at least n pageblocks; its n is 0 if there is
   none. O(log leaves). */
#define RUNS_COMPARED 16u
struct run runs_tightest(struct pb_pool *pool, struct zone *zone, u32 n);

/* The node of a leaf's word; the node above two nodes of `half` pageblocks each; are two equal? */
struct run_node runs_of_word(u64 word);
struct run_node runs_join(const struct run_node *left, const struct run_node *right, u32 half);
bool runs_same(const struct run_node *a, const struct run_node *b);

/* Is the pageblock there, free as a whole and not isolated? The caller holds the stripe's lock. */
bool __pageblock_is_whole(const struct pb_pool *pool, u32 pageblock);

#endif
