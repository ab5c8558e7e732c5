/* SPDX-License-Identifier: MIT */
/*
 * What a request's flags mean: the highest zone, the migratetype, the
 * allocation flags (spec 4.3 to 4.6).
 */
#ifndef PB_CORE_GFP_H
#define PB_CORE_GFP_H

#include "base/pool.h"

/* Highest usable zone type, or -1 for two modifiers that contradict. */
int gfp_zone(const struct pb_pool *pool, pb_gfp_t gfp);
/* Migratetype, or -1 for both mobility bits. */
int gfp_migratetype(const struct pb_pool *pool, pb_gfp_t gfp);
/* Further allocation flags of a request that can't wait (spec 4.6). */
unsigned int alloc_harder(const struct pb_pool *pool, pb_gfp_t gfp);
/* Allocation flags of the slow path. */
unsigned int gfp_to_alloc_flags(const struct pb_pool *pool, pb_gfp_t gfp, unsigned int order);

#endif
