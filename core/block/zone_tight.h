/* SPDX-License-Identifier: MIT */
/*
 * The modern profile's batches; see zone.h for what they do.
 */
#ifndef PB_CORE_ZONE_TIGHT_H
#define PB_CORE_ZONE_TIGHT_H

#include "zone/zone.h"

u32 tight_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     unsigned int type, unsigned int alloc_flags, u32 n, u32 *end);
void tight_free_batch(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n,
		      u32 *frames);

/*
 * Splitting and merging inside one pageblock, with every pointer at hand. The
 * caller settles. Not for traced pools: the steps are not reported.
 */

/* Merge (frame, order) with its free buddies up to pageblock_order; the block is
   not inserted. Returns the order reached, *frame the merged block. */
unsigned int __tight_merge(struct pb_pool *pool, struct stripe *stripe, u32 *frame,
			   unsigned int order);
/* Insert the upper halves of a block of order `high` <= pageblock_order down to
   `low`; the first 2^low frames stay out. */
void __tight_split(struct pb_pool *pool, struct stripe *stripe, u32 frame, unsigned int high,
		   unsigned int low);

#endif
