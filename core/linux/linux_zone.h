/* SPDX-License-Identifier: MIT */
/*
 * One zone of the linux profile: blocks out and back, in Linux's own order.
 */
#ifndef PB_CORE_LINUX_ZONE_H
#define PB_CORE_LINUX_ZONE_H

#include "zone/zone.h"

/* Where a request is that takes several blocks, zero at first. Where holders mask interrupts one
   hold looks through one pageblock at most, and moves its free blocks: then it pauses. */
struct linux_take {
	bool steals;        /* the block before came from another type, so the rest does (F9) */
	bool paused;        /* there may be more, when the locks were let go */
	unsigned int claim; /* 6.12 on: it paused at this order's turn to be claimed, or 0 */
};

/* As rmqueue_bulk(), rmqueue_one(), rmqueue_reserve(); NR_FREE_PAGES falls by what was
   taken. */
u32 linux_rmqueue_bulk(const struct zone_request *request, u32 n, u32 *end,
		       struct linux_take *take);
u32 linux_rmqueue_one(const struct zone_request *request);
u32 linux_rmqueue_reserve(const struct zone_request *request);
/* Give the blocks of list 0 of `batch` back and merge, the first one first. */
void linux_free_bulk(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     struct free_list *batch);

/* linux_take.c: one block as from 6.12 on, counted at once. */
u32 __linux_rmqueue_follow(const struct locked *at, const struct zone_request *request,
			   struct linux_take *take);
/* One block of `type` itself. */
u32 __linux_rmqueue_smallest(const struct locked *at, const struct zone_request *request,
			     unsigned int type);

#endif
