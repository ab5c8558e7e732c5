/* SPDX-License-Identifier: MIT */
/*
 * Pools that several processes use (PB_POOL_SHARED), any of which may be killed at
 * any store.
 *
 *	per-CPU hit    changes one list and one page byte under the lock of the CPU's
 *	               area. If a process dies there, whoever finds the lock taken
 *	               repairs the two (shared_trylock())
 *	all the rest   is done by one process at a time, under users_lock. A process that
 *	               dies there may leave anything, but no other has a block in its
 *	               hands. The next one that enters runs the recovery, then goes on
 *	               with its own call
 *
 * A lock word holds the owner's number, from pb_platform_self(). A waiter asks now and then
 * whether the owner has ended. `repairs` is odd during a recovery; a recovery that was cut
 * short begins anew.
 *
 * Lock order: users_lock comes before all others, see docs/CONCURRENCY.md.
 */
#ifndef PB_CORE_SHARED_H
#define PB_CORE_SHARED_H

#include "base/pool.h"

struct pcp_area;

/* Value of an area's lock while the owner of users_lock holds it, and in a pool of one process. */
#define AREA_HELD 1u

void shared_enter(struct pb_pool *pool);
void shared_leave(struct pb_pool *pool);

/* Around every call that may do more than a per-CPU hit. May be nested. */
static inline void pool_enter(struct pb_pool *pool)
{
	if (pool && pool_is_shared(pool))
		shared_enter(pool);
}

static inline void pool_leave(struct pb_pool *pool)
{
	if (pool && pool_is_shared(pool))
		shared_leave(pool);
}

/* Leave the pool while a hook runs that may wait for other processes, and enter it again. pre:
   the caller holds no block and has changed nothing halfway. */
u32 shared_step_out(struct pb_pool *pool);
void shared_step_in(struct pb_pool *pool, u32 depth);

static inline u32 pool_step_out(struct pb_pool *pool)
{
	return pool_is_shared(pool) ? shared_step_out(pool) : 0;
}

static inline void pool_step_in(struct pb_pool *pool, u32 depth)
{
	if (pool_is_shared(pool))
		shared_step_in(pool, depth);
}

/* Try the area's lock, and take it over if its owner has ended. pre: the pool is shared. */
bool shared_trylock(const struct pb_pool *pool, struct pcp_area *area, u32 as);

/* A per-CPU hit in a shared pool. Returns false if the caller must take the slow path. */
bool shared_pop(const struct pb_pool *pool, pb_gfp_t gfp, unsigned int order, u32 *frame);
bool shared_push(const struct pb_pool *pool, u32 frame, unsigned int order);

/* Recover a shared pool, whoever else is in it. Returns false if the owner of users_lock is alive
   and kept it for a second or two. */
bool shared_recover(struct pb_pool *pool);

#endif
