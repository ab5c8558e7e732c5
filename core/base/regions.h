/* SPDX-License-Identifier: MIT */
/*
 * The regions of a configuration in order, however the caller has them: his array is not
 * ours to change. Ascending or descending arrays are walked. Of others the numbers are
 * sorted in config->region_order; if there is no such memory, each pass over the array
 * takes out the next 64:
 *
 *	for (regions_begin(&c, config, PB_REGION_USABLE, BY_ZONE); (r = regions_next(&c));)
 *
 * O(n), O(n log n), O(n * n / 64). One walk of each kind, usable and reserved, may be
 * under way.
 */
#ifndef PB_CORE_REGIONS_H
#define PB_CORE_REGIONS_H

#include "base/namespace.h"

#include <pagebuddy/pagebuddy.h>

#include "base/bits.h"

#define REGIONS_BATCH 64u

enum regions_order { BY_ZONE, BY_PFN }; /* (node, zone, start_pfn); start_pfn */

struct regions {
	const struct pb_config *config;
	enum regions_order order;
	u8 kind;           /* enum pb_region_kind */
	u64 above;         /* only those that end above this pfn */
	int step;          /* +1, -1: the array is sorted so; 0: it is not */
	u32 at;            /* next index, or next of `sorted` or of the batch */
	const u32 *sorted; /* numbers in order, or NULL */
	u32 nr_sorted;
	u32 n; /* of the batch */
	u32 batch[REGIONS_BATCH];
};

void regions_begin(struct regions *regions, const struct pb_config *config,
		   enum pb_region_kind kind, enum regions_order order);
/* Begin again, with those that end above this pfn. */
void regions_rewind(struct regions *regions, u64 above);
/* Is every walk of a memory map one of a sorted array? */
bool regions_sorted(const struct pb_config *config);
/* NULL after the last. */
const struct pb_region *regions_next(struct regions *regions);

#endif
