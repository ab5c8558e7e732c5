/* SPDX-License-Identifier: MIT */
/*
 * Several processes, one of which dies:
 *
 *	A: users_lock = A, splits a block of order 3, is killed between two stores
 *	B: finds users_lock = A, waits 10 ms, asks: A has ended -> users_lock = B
 *	   takes every area's lock: now nobody has a frame that is in no list, in no
 *	   tree, and has no owner, but A, and that one is free
 *	   recovers, lets go of the areas, goes on with its own call
 *	C: finds users_lock = B, waits
 */
#include "pcp/shared.h"

#include "pcp/pcp.h"

#define WAITERS 0x80000000u /* somebody sleeps until the word changes */
#define PATIENCE 200u       /* rounds of pb_platform_wait() that a recovery waits */

static u32 owner_of(u32 word)
{
	return word & ~WAITERS;
}

static bool exchange(u32 *word, u32 *seen, u32 value)
{
	return pb_atomic_compare_exchange_n(word, seen, value, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------- an area's lock */

/*
 * A hit stores the page byte and the list's head. Their order is such that a death between the
 * two leaves a block that is owned and still on top of its list. It then belongs to its owner, and
 * pb_free_owner() finds it.
 */
static void repair_area(const struct pb_pool *pool, struct pcp_area *area)
{
	u32 lists = (pool_nr_zones(pool) * (u32)PB_MIGRATE_PCPTYPES + 1)
		    << pool->super->class_shift;
	struct pcp_list *list = (struct pcp_list *)(area + 1);

	if (pool_is_linked(pool))
		return; /* linked lists have no hits without users_lock */
	for (u32 i = 0; i < lists; i++, list++) {
		u32 top = PCP_TOP(list->head);

		if (top != list->base && pool->pages[pcp_slots(area)[top - 1]].state)
			store_relaxed(&list->head, list->head + PCP_POP);
	}
}

bool shared_trylock(const struct pb_pool *pool, struct pcp_area *area, u32 as)
{
	u32 seen = 0;

	if (exchange(&area->lock, &seen, as))
		return true;
	if (seen == AREA_HELD || !pb_platform_gone(seen) || !exchange(&area->lock, &seen, as))
		return false;
	repair_area(pool, area);
	return true;
}

bool shared_pop(const struct pb_pool *pool, pb_gfp_t gfp, unsigned int order, u32 *frame)
{
	struct pcp_area *area = pcp_area(pool, pcp_cpu(pool));
	struct pcp_list *list;
	u32 top, free = 0;
	bool hit;

	if (!exchange(&area->lock, &free, pb_platform_self()))
		return false;
	list = pcp_list(area, area->fast[gfp & PCP_FAST_GFP], order);
	top = PCP_TOP(list->head);
	hit = top != list->base;
	if (hit) {
		*frame = pcp_slots(area)[top - 1];
		page_set_owned(pool, *frame, order, gfp);
		store_ordered(&list->head, list->head + PCP_POP);
	}
	pcp_unlock(area);
	return hit;
}

bool shared_push(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct pcp_area *area = pcp_area(pool, pcp_cpu(pool));
	struct pcp_list *list;
	u32 top, free = 0;
	bool hit;

	if (!exchange(&area->lock, &free, pb_platform_self()))
		return false;
	list = pcp_list(area, load_relaxed(&pool->pcp_class[frame >> pool->pageblock_order]),
			order);
	top = PCP_TOP(list->head);
	hit = top < load_relaxed(&list->limit);
	if (hit) {
		pcp_slots(area)[top] = frame;
		store_ordered(&list->head, list->head + PCP_PUSH);
		store_ordered(&pool->pages[frame].state, 0);
	}
	pcp_unlock(area);
	return hit;
}

/* ---------------------------------------------------------------- users_lock */

/* Lock every area, so that no process can pop or push. */
static void hold_areas(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		struct pcp_area *area = pcp_area(pool, cpu);

		/* AREA_HELD: the owner of users_lock had it when it died */
		while (load_relaxed(&area->lock) != AREA_HELD &&
		       !shared_trylock(pool, area, AREA_HELD))
			pb_platform_relax();
	}
}

static void repair(struct pb_pool *pool)
{
	struct pb_super *super = pool->super;

	super->users_depth = 0;
	store_relaxed(&super->repairs, super->repairs | 1);
	hold_areas(pool);
	pool->wings->recover(pool);
	store_relaxed(&super->repairs, super->repairs + 1);
}

/* Returns false if the owner is alive and kept the lock for so many rounds. */
static bool take_users_lock(struct pb_pool *pool, u32 patience)
{
	u32 *word = &pool->super->users_lock;
	u32 self = pb_platform_self();
	u32 waiters = 0;

	for (u32 round = 0; round < patience; round++) {
		u32 seen = 0;

		if (exchange(word, &seen, self | waiters))
			return true;
		if (round && pb_platform_gone(owner_of(seen))) {
			if (!exchange(word, &seen, self | WAITERS))
				continue;
			repair(pool);
			return true;
		}
		if (!(seen & WAITERS) && !exchange(word, &seen, seen | WAITERS))
			continue;
		waiters = WAITERS;
		pb_platform_wait(word, seen | WAITERS);
	}
	return false;
}

void shared_enter(struct pb_pool *pool)
{
	if (owner_of(load_relaxed(&pool->super->users_lock)) == pb_platform_self()) {
		pool->super->users_depth++;
		return;
	}
	while (!take_users_lock(pool, UINT32_MAX))
		;
}

void shared_leave(struct pb_pool *pool)
{
	u32 *word = &pool->super->users_lock;

	if (pool->super->users_depth) {
		pool->super->users_depth--;
		return;
	}
	if (pb_atomic_exchange_n(word, 0, __ATOMIC_RELEASE) & WAITERS)
		pb_platform_wake(word);
}

u32 shared_step_out(struct pb_pool *pool)
{
	u32 depth = pool->super->users_depth;

	pool->super->users_depth = 0;
	shared_leave(pool);
	return depth;
}

void shared_step_in(struct pb_pool *pool, u32 depth)
{
	shared_enter(pool);
	pool->super->users_depth = depth;
}

bool shared_recover(struct pb_pool *pool)
{
	if (!take_users_lock(pool, PATIENCE))
		return false;
	repair(pool);
	shared_leave(pool);
	return true;
}
