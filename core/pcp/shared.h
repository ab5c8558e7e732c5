/* SPDX-License-Identifier: MIT */
/*
 * Pools that several processes use (PB_POOL_SHARED), any of which may be killed at
 * any store.
 *
 *	per-CPU hit    under the lock of the CPU's area, page byte included: who dies
 *	               there leaves one list, one page byte: put right by whoever
 *	               finds the lock taken (shared_trylock())
 *	all the rest   by one process at a time, under users_lock: who dies there
 *	               leaves anything, and nobody else has a block in his hands: the
 *	               next one in runs the recovery, then goes on with his own call
 *
 * A lock word is the owner's number, from pb_platform_self(). Who waits for it asks
 * now and then whether its owner has ended. `repairs` is odd during a recovery, and a
 * recovery that was cut short is begun anew.
 *
 * Lock order: users_lock comes before all others, see docs/CONCURRENCY.md.
 */
#ifndef PB_CORE_SHARED_H
#define PB_CORE_SHARED_H

#include "base/pool.h"

struct pcp_area;

/* An area's lock held by whoever has users_lock, or in a pool of one process. */
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

/* A per-CPU hit in a shared pool. False: take the slow path. */
bool shared_pop(const struct pb_pool *pool, pb_gfp_t gfp, unsigned int order, u32 *frame);
bool shared_push(const struct pb_pool *pool, u32 frame, unsigned int order);

/* Recover a shared pool, whoever else is in it. False: its lock's owner lives, and did not
   let go of it for a second or two. */
bool shared_recover(struct pb_pool *pool);

#endif
