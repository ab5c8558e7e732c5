/* SPDX-License-Identifier: MIT */
/*
 * The memory map: from regions in any order to segments, zones and a dense index.
 */
#ifndef PB_CORE_MEMMAP_H
#define PB_CORE_MEMMAP_H

#include "base/pool.h"

/* PB_OK, or a code with *error filled in. */
int memmap_check(const struct pb_config *config, struct pb_error *error);
/* Count zones, segments, spans, stripes; bytes of a CPU's slots and of bitmaps. */
void memmap_measure(const struct pb_config *config, struct pb_super *super, u64 *percpu,
		    u64 *bitmap_bytes);
/* Write segments and zones; pre: measured, arrays zeroed. */
void memmap_build(struct pb_pool *pool, const struct pb_config *config);
/* linux profile: every free list, empty. */
void init_lists(struct pb_pool *pool);
/* Mark what is reserved or absent, release the rest to the zones (spec 11.2). */
void memmap_release(struct pb_pool *pool, const struct pb_config *config);

/* Bytes of the lower list levels of all stripes of a zone. */
u64 stripe_bitmap_bytes(const struct pb_super *super, u32 words);

int set_error(struct pb_error *error, int code, u32 region, const char *text);

/* fast[] of every CPU, once the zonelists are there. */
void pcp_init_fast(struct pb_pool *pool);

#endif
