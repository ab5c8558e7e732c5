/* SPDX-License-Identifier: MIT */
/*
 * The memory map: from regions in any order to segments, zones and a dense index.
 */
#ifndef PB_CORE_MEMMAP_H
#define PB_CORE_MEMMAP_H

#include "base/pool.h"

/* Returns PB_OK, or a code with *error filled in. */
int memmap_check(const struct pb_config *config, struct pb_error *error);
/* Bytes of one CPU's stacks or lists, of the lists' bitmaps and of the runs. */
struct memmap_sizes {
	u32 percpu, depot; /* bytes of slots in a CPU's area, and in the depot's */
	u64 bitmaps, runs;
};

/* Count zones, segments, spans and stripes into *super, and add up *sizes. pre: checked. */
void memmap_measure(const struct pb_config *config, struct pb_super *super,
		    struct memmap_sizes *sizes);
/* Write segments and zones; pre: measured, arrays zeroed. */
void memmap_build(struct pb_pool *pool, const struct pb_config *config);
/* Note which spans' memory is there from the beginning. */
void memmap_there(struct pb_pool *pool, const struct pb_config *config);
/* linux profile: make every free list empty. */
void init_lists(struct pb_pool *pool);
/* Mark reserved and absent frames, and release the others to the zones (spec 11.2). */
void memmap_release(struct pb_pool *pool, const struct pb_config *config);

/* Returns the bytes of the lower list levels of all stripes of a zone. */
u64 stripe_bitmap_bytes(const struct pb_super *super, u32 words);

int set_error(struct pb_error *error, int code, u32 region, const char *text);

/* Fill in fast[] of every CPU. pre: the zonelists are built. */
void pcp_init_fast(struct pb_pool *pool);

#endif
