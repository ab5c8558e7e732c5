/* SPDX-License-Identifier: MIT */
/*
 * The modern profile's batches; behind zone_take_batch() and zone_free_batch().
 */
#ifndef PB_CORE_ZONE_TIGHT_H
#define PB_CORE_ZONE_TIGHT_H

#include "zone.h"

u32 tight_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     unsigned int type, unsigned int alloc_flags, u32 n, u32 *frames);
void tight_free_batch(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n,
		      const u32 *frames);

#endif
