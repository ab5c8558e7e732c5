/* SPDX-License-Identifier: MIT */
/*
 * The depot. Where one CPU frees what another allocates, whole batches go from stack to stack
 * without a visit to the zone. It serves larger blocks only, since their batches are short, but no
 * whole pageblocks, which the zone has in words of their own (block/whole.h).
 *
 *	CPU 1 frees     stack full     a row of 16 drains ---> depot: the same stacks once more,
 *	CPU 0 allocates stack empty    a row of 16 refills <---       behind the CPUs' areas
 *
 * Few workloads gain by that. For others the depot would only be one more place where blocks are
 * kept, and would mix the blocks of one CPU's stripe into other CPUs' stacks. So a stack takes
 * in a long row of refills, and gives in a long row of drains, but only if a taker has left its
 * number. The taker removes its number when it begins to free, and a giver removes it when there
 * is no room. The field that counts a row in a CPU's stack, pcp_cold.row, holds the taker's number
 * in the depot's.
 *
 * The depot is an area like the CPUs', so drains, decay, sizes, statistics and checks find its
 * blocks. But no pop or push reaches it: only this file puts blocks in. A CPU that holds its own
 * area only tries the depot's lock, and holds it while it copies one batch. I16: the depot holds no
 * more pages of a zone than one CPU may.
 *
 * A drain of all areas closes the depot first. Otherwise a block that the drain looks for in one
 * stack could go on into a stack that it has left behind.
 */
#ifndef PB_CORE_DEPOT_H
#define PB_CORE_DEPOT_H

#include "pcp/pcp.h"

/* Copy up to n blocks to to[], the slots of the list, which is empty. The caller changes its head.
   pre: the order goes through the depot, and the list is in a long row of refills. Returns how
   many. */
u32 depot_take(const struct pcp_held *held, const struct pcp_list *list, u32 n, u32 *to);
/* Give a batch from the top of the list, which is full and in a long row of drains. Returns false
   if the caller must drain it to the zone. */
bool depot_give(const struct pcp_held *held, const struct zone_request *what,
		struct pcp_list *list);

/* The CPU takes blocks no longer: its row of refills ends. */
void depot_leave(const struct pcp_held *held, const struct pcp_list *list);

/* Forget drains that died and left the depot closed. pre: nobody else is in the pool. */
static inline void depot_reopen(struct pb_pool *pool)
{
	if (pool_has_depot(pool))
		pcp_area(pool, pool->percpu_cpus)->closed = 0;
}

#endif
