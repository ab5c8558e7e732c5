/* SPDX-License-Identifier: MIT */
/*
 * The depot: where one CPU frees what another allocates, whole batches go from stack to stack
 * and not by way of the zone. Of larger blocks, whose batches are short.
 *
 *	CPU 1 frees     stack full     16 drains in a row ---> depot: the same stacks once more,
 *	CPU 0 allocates stack empty    16 refills in a row <---       behind the CPUs' areas
 *
 * Few workloads want that, and others would only have their blocks in one more place, and those
 * of each CPU's stripe in others' stacks. So a stack gives after so many drains that no refill
 * came between, takes after so many refills, and gives only where a taker has left its number,
 * which it takes away when it begins to free, and a giver when there is no room. What is in a row
 * is counted per stack, in pcp_cold.row; the taker's number is in the same field of the depot's.
 *
 * The depot is an area as the CPUs' are, so drains, decay, sizes, statistics and checks find
 * what is there; but no pop or push goes there: nobody but this file puts anything in. Its lock
 * is only tried by a CPU that holds its own area's, and held for as long as it takes to copy a
 * batch. I16: it holds no more of a zone than one CPU may.
 *
 * A drain of all areas closes it first: what is being looked for in one stack must not go
 * on into another, behind the drain's back.
 */
#ifndef PB_CORE_DEPOT_H
#define PB_CORE_DEPOT_H

#include "pcp/pcp.h"

/* Up to n blocks onto the list, which is empty, from to[0] on; its head is the caller's to
   change. pre: the order goes through the depot. Returns how many. */
u32 depot_take(const struct pcp_held *held, const struct pcp_list *list, u32 n, u32 *to);
/* A batch from the top of the list, which is full. False: drain it to the zone. */
bool depot_give(const struct pcp_held *held, const struct zone_request *what,
		struct pcp_list *list);

/* Whoever closed it is gone. pre: nobody else is in the pool. */
static inline void depot_reopen(struct pb_pool *pool)
{
	if (pool_has_depot(pool))
		pcp_area(pool, pool->percpu_cpus)->closed = 0;
}

#endif
