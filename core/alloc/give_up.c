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

/* In any order of its bits a change changes the sum; two changes might cancel out once
   in 2^64. */
static u64 stir(u64 sum, u64 value)
{
	sum ^= value;
	sum ^= sum << 13;
	sum ^= sum >> 7;
	sum ^= sum << 17;
	return sum + 1;
}

static u64 sum_linked(const struct pb_pool *pool, u32 cpu, u64 sum)
{
	for (u32 z = 0; z < pool->super->nr_zones; z++) {
		const struct pcp_linux *pcp = pcp_linux_of(pool, cpu, pool_zone(pool, z));

		sum = stir(sum, load_relaxed(&pcp->allocs));
		sum = stir(sum, load_relaxed(&pcp->frees));
	}
	return sum;
}

static u64 sum_stacks(const struct pb_pool *pool, u32 cpu, u64 sum)
{
	struct pcp_area *area = pcp_area(pool, cpu);

	for (u32 z = 0; z < pool->super->nr_zones; z++)
		for (unsigned int t = 0; t < PB_MIGRATE_PCPTYPES; t++) {
			u32 class = zone_class(pool, pool_zone(pool, z), t);

			for (unsigned int order = 0; order < pool->nr_pcp_orders; order++)
				sum = stir(sum, load_relaxed(&pcp_list(area, class, order)->head));
		}
	return sum;
}

u64 look_around(const struct pb_pool *pool)
{
	bool still = true;
	u64 sum = 1;

	/* Acquire, and full fences around: the looks in between stay in between. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		if (__atomic_load_n(&pcp_area(pool, cpu)->lock, __ATOMIC_ACQUIRE))
			still = false;
		sum = pool_is_linked(pool) ? sum_linked(pool, cpu, sum)
					   : sum_stacks(pool, cpu, sum);
	}
	for (u32 s = 0; s < pool->super->nr_stripes; s++) {
		const struct stripe *stripe = pool_stripe(pool, s);

		if (__atomic_load_n(&stripe->lock, __ATOMIC_ACQUIRE))
			still = false;
		sum = stir(sum, load_relaxed(&stripe->version));
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return still ? sum | 1 : 0;
}

unsigned long lock_everything(struct pb_pool *pool)
{
	unsigned long state = pb_platform_critical_enter();

	pcp_lock_all(pool);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		pb_platform_lock(&pool_zone(pool, z)->lock);
	for (u32 s = 0; s < pool->super->nr_stripes; s++)
		pb_platform_lock(&pool_stripe(pool, s)->lock);
	return state;
}

void unlock_everything(struct pb_pool *pool, unsigned long state)
{
	for (u32 s = pool->super->nr_stripes; s-- > 0;)
		pb_platform_unlock(&pool_stripe(pool, s)->lock);
	for (u32 z = pool->super->nr_zones; z-- > 0;)
		pb_platform_unlock(&pool_zone(pool, z)->lock);
	pcp_unlock_all(pool);
	pb_platform_critical_exit(state);
}
