/* SPDX-License-Identifier: MIT */
/*
 * Did nothing change while a request looked at lists without their locks?
 *
 *	look_around()  ->  A, nobody inside a lock
 *	    lists, counters, types are read: no block for this request
 *	look_around()  ->  A again, nobody inside a lock
 *
 * Then nothing was taken or freed between the two, and what was read was the state at one
 * moment: the request may fail. If the sum A has changed, or a lock was held, its holder may
 * have been moving the block, and the request looks again with all locks held.
 *
 * The sum can't return to an old value: it is made of counters that only grow, and of list
 * heads. A pop counts in the list's head. A push moves the head, and only a pop, or a drain,
 * which counts in a stripe's version, moves it back. A page that a thread is about to free,
 * or was just given, is owned by that thread and not missed.
 */
#include "alloc/give_up.h"

#include "pcp/quarantine.h"

u64 look_around(const struct pb_pool *pool)
{
	bool still = true;
	u64 sum = 1;

	/* Acquire loads and full fences: reads between two calls stay between them. */
	pb_atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		if (pb_atomic_load_n(&pcp_area(pool, cpu)->lock, __ATOMIC_ACQUIRE))
			still = false;
		for (u32 z = 0; z < pool_nr_zones(pool); z++)
			sum = policy(pool)->pcp_sum(pool, cpu, pool_zone(pool, z), sum);
	}
	sum = quarantine_sum(pool, sum, &still);
	for (u32 s = 0; s < pool->super->nr_stripes; s++) {
		const struct stripe *stripe = pool_stripe(pool, s);

		if (pb_atomic_load_n(&stripe->lock, __ATOMIC_ACQUIRE))
			still = false;
		sum = mix_u64(sum, load_relaxed(&stripe->version));
	}
	pb_atomic_thread_fence(__ATOMIC_SEQ_CST);
	return still ? sum | 1 : 0;
}

unsigned long lock_everything(struct pb_pool *pool)
{
	unsigned long state = pb_platform_critical_enter();

	lock_quarantine(pool);
	pcp_lock_all(pool);
	for (u32 z = 0; z < pool_nr_zones(pool); z++)
		pb_platform_lock(&pool_zone(pool, z)->lock);
	for (u32 s = 0; s < pool->super->nr_stripes; s++)
		pb_platform_lock(&pool_stripe(pool, s)->lock);
	return state;
}

void unlock_everything(struct pb_pool *pool, unsigned long state)
{
	for (u32 s = pool->super->nr_stripes; s-- > 0;)
		pb_platform_unlock(&pool_stripe(pool, s)->lock);
	for (u32 z = pool_nr_zones(pool); z-- > 0;)
		pb_platform_unlock(&pool_zone(pool, z)->lock);
	pcp_unlock_all(pool);
	unlock_quarantine(pool);
	pb_platform_critical_exit(state);
}
