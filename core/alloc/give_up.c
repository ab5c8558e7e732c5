/* SPDX-License-Identifier: MIT */
/*
 * Was everything still while a request looked at lists without their locks?
 *
 *	look_around()  ->  A, nobody inside a lock
 *	    lists, counters, types are read: no block for this request
 *	look_around()  ->  A again, nobody inside a lock
 *
 * So between the two nothing was taken or given back, and what was read is how it was
 * at one moment: the request may fail. If A has changed, or somebody was inside, the
 * block may have been in that one's hands, and the request stops everybody to look.
 *
 * What is summed up only grows, or moves together with something that does: a pop
 * counts in the list's head; a push moves the head, and what takes it back is a pop or
 * a drain, and that counts in a stripe's version. A page that a thread is about to
 * free, or has just got, is its own as yet.
 */
#include "alloc/give_up.h"

#include "pcp/quarantine.h"

u64 look_around(const struct pb_pool *pool)
{
	bool still = true;
	u64 sum = 1;

	/* Acquire, and full fences around: the looks in between stay in between. */
	pb_atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
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
