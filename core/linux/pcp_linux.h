/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU lists in Linux's manner (spec 9.1, 9.6): linked, of orders 0 to 3 and
 * pageblock_order (5.10: order 0), with Linux's counts and batches.
 */
#ifndef PB_CORE_PCP_LINUX_H
#define PB_CORE_PCP_LINUX_H

#include "pcp/pcp.h"

#define LINUX_PCP_LISTS 14u /* orders 0 to 3 by type; pageblock_order: not movable, movable */

/* Linux's numbers. */
#define PCP_PREV_FREE_HIGH_ORDER 0x1u /* the last free was of order 1 to 3 */
#define PCP_FREE_HIGH_BATCH 0x2u      /* after such frees in a row a batch is kept (P10) */

/* The linux profile's lists of one CPU and zone (spec 9.1, 9.6). */
struct pcp_linux {
	s32 count, high, batch; /* pages */
	s32 free_factor;        /* 6.12 on: pages freed in a row */
	s32 stat_diff;          /* pages not yet added to zone->vm_free */
	s32 high_min, high_max; /* 6.12 on: pages; what `high` moves between */
	s32 alloc_factor;       /* 6.12 on */
	u32 flags;              /* PCP_*: 6.12 on */
	struct free_list lists[LINUX_PCP_LISTS];
	u64 allocs, frees;           /* calls */
	u64 alloc_pages, free_pages; /* pages */
};

struct pcp_linux *pcp_linux_of(const struct pb_pool *pool, u32 cpu, const struct zone *zone);
u32 pcp_linux_list(unsigned int order, unsigned int type);

/* The functions of the kernels' policies, and of Linux's lagging counter. */
void linux_count_free(struct pb_pool *pool, struct zone *zone, u32 cpu, long pages);
/* What linux_count_free() does for each free block in [frame, end) in turn, out and in again. */
void linux_count_moves(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, u32 end);
u32 pcp_linux_take(struct pcp_held *held, const struct zone_request *request);
bool pcp_linux_put(struct pcp_held *held, const struct zone_request *what, u32 frame);
void pcp_linux_drain(struct pcp_held *held, struct zone *zone);
bool pcp_linux_set_sizes(struct pcp_held *held, struct zone *zone);
bool pcp_linux_holds(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     unsigned int order);
void pcp_linux_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     struct pcp_counts *counts);
u64 pcp_linux_sum(const struct pb_pool *pool, u32 cpu, const struct zone *zone, u64 sum);
void pcp_linux_init(struct pb_pool *pool, u32 cpu);

#endif
