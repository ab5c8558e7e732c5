/* SPDX-License-Identifier: MIT */
/*
 * What the per-CPU lists of both profiles have in common: the area's lock, how blocks get
 * in and out, and drains.
 */
#include "pcp/depot.h"
#include "pcp/pcp.h"
#include "pcp/quarantine.h"
#include "pcp/shared.h"

static bool rseq_mode(const struct pb_pool *pool)
{
	return pool->percpu_mode >= PCP_MODE_RSEQ;
}

/* ------------------------------------------------------------ the area's lock */

/*
 * With the lock held, a restartable sequence that saw it free may still run on
 * that CPU, unless that CPU is the one we are on now: then it was interrupted
 * and will start over. So it is with concurrency ids: if this thread has the area's now,
 * whoever had it before was preempted. (The kernel hands an id on with full barriers.)
 */
static void pcp_fence(struct pb_pool *pool, u32 cpu)
{
	if (rseq_mode(pool) && cpu < pool->percpu_cpus && pcp_here(pool) != cpu)
		pb_platform_fence_cpu(pool, pcp_by_cid(pool) ? PB_EVERY_CPU : cpu);
}

/* Try the lock. In a shared pool it is also taken over from an owner that died. */
static bool area_trylock(struct pb_pool *pool, struct pcp_area *area)
{
	return pcp_trylock(area) || (pool_is_shared(pool) && shared_trylock(pool, area, AREA_HELD));
}

/* pcp_trylock_area(), in the place where a hit that missed goes on. */
ALWAYS_INLINE bool trylock_area(struct pb_pool *pool, u32 cpu, struct pcp_held *held)
{
	if (!PB_WITH_PCP || pool->percpu_mode == PCP_MODE_NONE)
		return false;
	*held = (struct pcp_held){ pool, pcp_area(pool, cpu), cpu, pb_platform_critical_enter() };
	if (!area_trylock(pool, held->area)) {
		pb_platform_critical_exit(held->state);
		return false;
	}
	pcp_fence(pool, cpu);
	return true;
}

bool pcp_trylock_area(struct pb_pool *pool, u32 cpu, struct pcp_held *held)
{
	return trylock_area(pool, cpu, held);
}

void pcp_lock_area(struct pb_pool *pool, u32 cpu, struct pcp_held *held)
{
	while (!pcp_trylock_area(pool, cpu, held))
		pb_platform_relax();
}

/* The same of pcp_unlock_area(). */
ALWAYS_INLINE void unlock_area(const struct pcp_held *held)
{
	pcp_unlock(held->area);
	pb_platform_critical_exit(held->state);
}

void pcp_unlock_area(const struct pcp_held *held)
{
	unlock_area(held);
}

/* Whoever has an area waits for no other with a lower number. */
void pcp_lock_all(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		while (!area_trylock(pool, pcp_area(pool, cpu)))
			pb_platform_relax();
		if (!pcp_by_cid(pool))
			pcp_fence(pool, cpu);
	}
	if (pcp_by_cid(pool)) /* one for all of them */
		pb_platform_fence_cpu(pool, PB_EVERY_CPU);
}

void pcp_unlock_all(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++)
		pcp_unlock(pcp_area(pool, cpu));
}

void pcp_let_go(struct pcp_held *held)
{
	pcp_unlock_area(held);
	pcp_lock_area(held->pool, held->cpu, held);
}

/* ------------------------------------------------------------ out and back */

/*
 * Does this thread run where it can't enter the area for free? On a CPU that the pool
 * has no area for, or on another since it asked which one it is on. To stop the
 * area's own CPU takes a system call; to go to the zone takes none.
 */
static bool elsewhere(const struct pb_pool *pool, u32 cpu)
{
	return rseq_mode(pool) && pcp_here(pool) != cpu;
}

u32 rmqueue_pcplist(const struct zone_request *request)
{
	struct pcp_held held;
	u32 frame;

	if (elsewhere(request->pool, request->cpu) ||
	    !trylock_area(request->pool, request->cpu, &held))
		return NO_FRAME;
	frame = policy(request->pool)->pcp_take(&held, request);
	unlock_area(&held);
	return frame;
}

bool free_pcplist(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order)
{
	/* the type is read once, since it may change before the lock is taken */
	const struct zone_request what = {
		pool, zone, cpu, order, frame_migratetype(pool, frame), 0
	};
	struct pcp_held held;
	bool done;

	if (zone_class(pool, zone, what.type) == NO_CLASS || elsewhere(pool, cpu) ||
	    !trylock_area(pool, cpu, &held))
		return false;
	done = policy(pool)->pcp_put(&held, &what, frame);
	unlock_area(&held);
	return done;
}

u32 rmqueue_pcplist_bulk(const struct zone_request *request, u32 n, u32 *frames)
{
	struct pcp_held held;
	u32 got = 0;

	if (elsewhere(request->pool, request->cpu) ||
	    !trylock_area(request->pool, request->cpu, &held))
		return 0;
	while (got < n && got < ZONE_BATCH_MAX) {
		frames[got] = policy(request->pool)->pcp_take(&held, request);
		if (frames[got] == NO_FRAME)
			break;
		got++;
	}
	unlock_area(&held);
	return got;
}

u32 free_pcplist_bulk(const struct zone_request *what, u32 n, const u32 *frames)
{
	struct pcp_held held;
	u32 done = 0;

	if (zone_class(what->pool, what->zone, what->type) == NO_CLASS ||
	    elsewhere(what->pool, what->cpu) || !trylock_area(what->pool, what->cpu, &held))
		return 0;
	while (done < n && done < DRAIN_BATCH_MAX &&
	       policy(what->pool)->pcp_put(&held, what, frames[done]))
		done++;
	unlock_area(&held);
	return done;
}

void pcp_trace_batch(const struct pcp_held *held, enum pb_trace_type type,
		     const struct zone_request *what, u32 n)
{
	struct pb_trace_event event = { .type = (u8)type,
					.order = (u8)what->order,
					.migratetype = (u8)what->type,
					.cpu = held->cpu,
					.value = n };

	event.pfn = what->zone->start_pfn;
	trace_event(held->pool, what->zone, &event);
}

u32 marks_admit(const struct zone_request *request, u32 n, u32 *frames)
{
	struct pb_pool *pool = request->pool;
	u32 kept = 0;

	for (u32 i = 0; i < n; i++) {
		u32 frame = frames[i], end = frame + (1u << request->order);

		if (pool->hooks.reuse && marks_any(pool, frame, end) & MARK_REPORTED) {
			return_page(pool, request->zone, frame, request->order);
			continue;
		}
		marks_change(pool, frame, end, 0, MARKS);
		frames[kept++] = frame;
	}
	return kept;
}

/* ------------------------------------------------------------ drains */

bool pcp_holds(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++)
		if (policy(pool)->pcp_holds(pool, cpu, zone, order))
			return true;
	return false;
}

/* Is there anything in this CPU's lists, or on its way there? Asking is cheaper than stopping
   the CPU. */
static bool holds_any(const struct pb_pool *pool, u32 cpu, const struct zone *zone)
{
	/* Acquire: pairs with pcp_unlock(), so that what a refill put there is seen. */
	if (pb_atomic_load_n(&pcp_area(pool, cpu)->lock, __ATOMIC_ACQUIRE))
		return true;
	for (u32 z = 0; z < pool_nr_zones(pool); z++)
		if ((!zone || zone == pool_zone(pool, z)) &&
		    policy(pool)->pcp_holds(pool, cpu, pool_zone(pool, z), 0))
			return true;
	return false;
}

void pcp_drain_cpu(struct pb_pool *pool, u32 cpu, struct zone *zone)
{
	struct pcp_held held;

	if (!PB_WITH_PCP || pool->percpu_mode == PCP_MODE_NONE ||
	    (policy(pool)->pcp_looks_first && !holds_any(pool, cpu, zone)))
		return;
	pcp_lock_area(pool, cpu, &held);
	for (u32 i = 0; i < pool_nr_zones(pool); i++)
		if (!zone || zone == pool_zone(pool, i))
			policy(pool)->pcp_drain(&held, pool_zone(pool, i));
	pcp_unlock_area(&held);
}

/* One more drain of all areas is under way, or one less (-1). While there is any, nothing may come
   into the depot: a block that a drain looks for in one CPU's lists must not go on into lists that
   the drain has left behind. */
static NOINLINE void close_depot(struct pb_pool *pool, s32 more)
{
	struct pcp_held held;

	if (!pool_has_depot(pool))
		return;
	pcp_lock_area(pool, pool->percpu_cpus, &held);
	held.area->closed += (u32)more;
	pcp_unlock_area(&held);
}

void pcp_drain_all(struct pb_pool *pool, struct zone *zone)
{
	close_depot(pool, 1);
	if (pool_has_depot(pool))
		pcp_drain_cpu(pool, pool->percpu_cpus, zone);
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
		pcp_drain_cpu(pool, cpu, zone);
	close_depot(pool, -1);
	quarantine_flush(pool);
}

void pb_drain(struct pb_pool *pool, int cpu)
{
	pool_enter(pool);
	if (cpu < 0)
		pcp_drain_all(pool, NULL);
	else if ((u32)cpu < pool->percpu_cpus)
		pcp_drain_cpu(pool, (u32)cpu, NULL);
	pool_leave(pool);
}

/* Has this CPU been idle for so long that nothing is left to decay? Asking is cheaper than
   stopping it. */
static bool has_decayed(const struct pb_pool *pool, u32 cpu)
{
	if (!rseq_mode(pool))
		return false;
	for (u32 z = 0; z < pool_nr_zones(pool); z++)
		if (!pcp_stack_at_rest(pool, cpu, pool_zone(pool, z)))
			return false;
	return true;
}

void pb_pcp_decay(struct pb_pool *pool)
{
	struct pcp_held held;

	/* without a wake hook nobody takes a boost back, so time does */
	for (u32 z = 0; !pool->hooks.wake && z < pool_nr_zones(pool); z++)
		store_relaxed(&pool_zone(pool, z)->watermark_boost, 0);
	if (!policy(pool)->pcp_decay)
		return; /* Linux 6.1's lists keep what they have */
	pool_enter(pool);
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		if (has_decayed(pool, cpu) || !pcp_trylock_area(pool, cpu, &held))
			continue; /* an area that is in use is not idle */
		for (u32 i = 0; i < pool_nr_zones(pool); i++)
			policy(pool)->pcp_decay(&held, pool_zone(pool, i));
		pcp_unlock_area(&held);
	}
	pool_leave(pool);
}

/* ------------------------------------------------------------ sizes and counts */

/* No fence: restartable sequences only read a limit. */
static void lock_area_unfenced(struct pb_pool *pool, u32 cpu, struct pcp_held *held)
{
	*held = (struct pcp_held){ pool, pcp_area(pool, cpu), cpu, pb_platform_critical_enter() };
	while (!area_trylock(pool, held->area)) {
		pb_platform_critical_exit(held->state);
		pb_platform_relax();
		held->state = pb_platform_critical_enter();
	}
}

void pcp_set_sizes(struct pb_pool *pool, struct zone *zone)
{
	struct pcp_held held;

	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		bool over;

		lock_area_unfenced(pool, cpu, &held);
		over = policy(pool)->pcp_set_sizes(&held, zone);
		pcp_unlock_area(&held);
		if (over)
			pcp_drain_cpu(pool, cpu, zone);
	}
}

void pcp_init_areas(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		pcp_area(pool, cpu)->cpu = cpu;
		pcp_area(pool, cpu)->node = (u32)cpu_node(pool, cpu);
		policy(pool)->pcp_init(pool, cpu);
	}
}

void pcp_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
	       struct pcp_counts *counts)
{
	policy(pool)->pcp_count(pool, cpu, zone, counts);
}
