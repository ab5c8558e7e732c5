/* SPDX-License-Identifier: MIT */
/*
 * One zone of the linux profile takes and frees blocks in Linux's own order.
 */
#ifndef PB_CORE_LINUX_ZONE_H
#define PB_CORE_LINUX_ZONE_H

#include "zone/zone.h"

/* The state of a request for several blocks between holds of the lock, zero at first. Where holders
   mask interrupts, one hold examines one pageblock at most, or moves its free blocks; then the
   request pauses, and goes on under the next hold. */
struct linux_take {
	bool steals;        /* the block before was stolen, so the others are, too (F9) */
	bool paused;        /* the hold ended early: there may be more blocks */
	unsigned int claim; /* 6.12 on: the order at which the search for a claim paused, or 0 */
};

/* As rmqueue_bulk(), rmqueue_one() and rmqueue_reserve(); they also subtract the pages taken from
   NR_FREE_PAGES. */
u32 linux_rmqueue_bulk(const struct zone_request *request, u32 n, u32 *end,
		       struct linux_take *take);
u32 linux_rmqueue_one(const struct zone_request *request);
u32 linux_rmqueue_reserve(const struct zone_request *request);
/* Free the blocks of list 0 of `batch`, from the head on; they merge. */
void linux_free_bulk(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     struct free_list *batch);

/* linux_take.c: take one block as kernels from 6.12 on do, counting it at once. */
u32 __linux_rmqueue_follow(const struct locked *at, const struct zone_request *request,
			   struct linux_take *take);
/* Take one block from the lists of `type` itself. */
u32 __linux_rmqueue_smallest(const struct locked *at, const struct zone_request *request,
			     unsigned int type);

#endif
