/* SPDX-License-Identifier: MIT */
/*
 * One zone of the linux profile: blocks out and back, in Linux's own order.
 */
#ifndef PB_CORE_LINUX_ZONE_H
#define PB_CORE_LINUX_ZONE_H

#include "zone/zone.h"

/* As rmqueue_bulk(), rmqueue_one(), rmqueue_reserve(); NR_FREE_PAGES falls by what was
   taken. */
u32 linux_rmqueue_bulk(const struct zone_request *request, u32 n, u32 *end);
u32 linux_rmqueue_one(const struct zone_request *request);
u32 linux_rmqueue_reserve(const struct zone_request *request);
/* Give the blocks of list 0 of `batch` back and merge, the first one first. */
void linux_free_bulk(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     struct free_list *batch);

/* linux_take.c: one block as from 6.12 on, counted at once. *steals: the block before came
   from another type, so this one does too (F9). */
u32 __linux_rmqueue_follow(const struct locked *at, const struct zone_request *request,
			   bool *steals);
/* One block of `type` itself. */
u32 __linux_rmqueue_smallest(const struct locked *at, const struct zone_request *request,
			     unsigned int type);

#endif
