/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU lists, linux profile: Linux 6.1's discipline (spec 9.6 and
 * docs/linux-6.1-observed.md). Taken from the head, freed to the head, refilled
 * at the tail in the order the zone gives, drained from the tail list by list.
 */
#include "pcp.h"

struct pcp_linux *pcp_linux_of(const struct pb_pool *pool, u32 cpu, const struct zone *zone)
{
	return (struct pcp_linux *)(pcp_area(pool, cpu) + 1) + zone_number(pool, zone);
}

/* Orders 0 to 3 by type, then pageblock_order: not movable, movable. */
#define HUGE_LISTS (PB_MIGRATE_PCPTYPES * (COSTLY_ORDER + 1))

static unsigned int list_order(const struct pb_pool *pool, u32 list)
{
	return list < HUGE_LISTS ? list / PB_MIGRATE_PCPTYPES : pool->pageblock_order;
}

u32 pcp_linux_list(unsigned int order, unsigned int type)
{
	if (order <= COSTLY_ORDER)
		return order * PB_MIGRATE_PCPTYPES + type;
	return HUGE_LISTS + (type == PB_MIGRATE_MOVABLE);
}

void __vmstat_add(struct pb_pool *pool, struct zone *zone, u32 cpu, long pages)
{
	s32 threshold = load_relaxed(&zone->stat_threshold);
	struct pcp_linux *pcp;

	if (!pool_is_linked(pool))
		return;
	if (cpu < pool->percpu_cpus) {
		pcp = pcp_linux_of(pool, cpu, zone);
		pages += pcp->stat_diff;
		pcp->stat_diff = 0;
		if (pages <= threshold && pages >= -threshold) {
			pcp->stat_diff = (s32)pages;
			return;
		}
	}
	counter_add(&zone->vm_free, pages);
}

#define FREE_FACTOR_MAX 5

/* Larger blocks come in smaller batches, but never one by one. */
static u32 refill_blocks(const struct pcp_linux *pcp, unsigned int order)
{
	s32 batch = pcp->batch;

	if (batch > 1)
		batch = batch >> order > 2 ? batch >> order : 2;
	return (u32)batch;
}

static void refill(struct pb_pool *pool, struct zone *zone, u32 cpu, struct pcp_linux *pcp,
		   unsigned int order, unsigned int type, unsigned int alloc_flags,
		   unsigned long *state)
{
	u32 left = refill_blocks(pcp, order);
	u32 list = pcp_linux_list(order, type);
	u32 frames[ZONE_BATCH_MAX];

	while (left) {
		u32 want = left < ZONE_BATCH_MAX ? left : ZONE_BATCH_MAX;
		u32 got = zone_take_batch(pool, zone, cpu, order, type, alloc_flags, want,
					  frames + want);

		for (u32 i = 0; i < got; i++)
			linked_insert(pool, pcp->lists, list, frames[want - 1 - i], true);
		counter_add(&pcp->count, (s32)(got << order));
		pcp_trace_batch(pool, PB_TRACE_REFILL, zone, cpu, order, type, got);
		if (got < want)
			break;
		left -= want;
		if (left)
			pcp_breathe(pool, cpu, state);
	}
}

u32 pcp_linux_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		   unsigned int type, unsigned int alloc_flags, unsigned long *state)
{
	struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);
	u32 list = pcp_linux_list(order, type);
	u32 frame;

	store_relaxed(&pcp->free_factor, pcp->free_factor >> 1);
	if (linked_empty(pcp->lists, list))
		refill(pool, zone, cpu, pcp, order, type, alloc_flags, state);
	frame = linked_head(pcp->lists, list);
	if (frame == NO_FRAME)
		return NO_FRAME;
	linked_remove(pool, pcp->lists, frame);
	counter_add(&pcp->count, -(1 << order));
	counter_add(&pcp->allocs, 1);
	counter_add(&pcp->alloc_pages, 1u << order);
	return frame;
}

/* Gives back at least `pages`, beginning with list `first`, a whole list before
   the next, around until enough. */
static void drain(struct pb_pool *pool, struct zone *zone, u32 cpu, struct pcp_linux *pcp,
		  s32 pages, u32 first, unsigned long *state)
{
	u32 list = first;

	/* others may have taken what is left, during a breath */
	while (pages > 0 && pcp->count > 0) {
		unsigned int order = list_order(pool, list);
		u32 frames[ZONE_BATCH_MAX];
		u32 n = 0, frame;

		while (pages > 0 && n < ZONE_BATCH_MAX &&
		       (frame = linked_tail(pcp->lists, list)) != NO_FRAME) {
			linked_remove(pool, pcp->lists, frame);
			frames[n++] = frame;
			pages -= 1 << order;
			counter_add(&pcp->count, -(1 << order));
		}
		zone_free_batch(pool, zone, cpu, order, n, frames);
		if (n)
			pcp_trace_batch(pool, PB_TRACE_DRAIN, zone, cpu, order,
					frame_migratetype(pool, frames[0]), n);
		if (linked_empty(pcp->lists, list))
			list = (list + 1) % LINUX_PCP_LISTS;
		if (n && pages > 0)
			pcp_breathe(pool, cpu, state);
	}
}

/* How many pages to give back when `high` is reached: more each time in a row. */
static s32 drain_pages(struct pcp_linux *pcp, s32 high, bool all)
{
	s32 most = high - pcp->batch;
	s32 pages;

	if (all)
		return pcp->count;
	if (high < pcp->batch)
		return 1;
	pages = pcp->batch << pcp->free_factor;
	if (pages < most && pcp->free_factor < FREE_FACTOR_MAX)
		store_relaxed(&pcp->free_factor, pcp->free_factor + 1);
	return (s32)clamp_u64((u64)pages, (u64)pcp->batch,
			      (u64)(most > pcp->batch ? most : pcp->batch));
}

void pcp_linux_put(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order,
		   unsigned int type, unsigned long *state)
{
	struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);
	/* a run of frees of larger blocks: give them all back at once, to merge */
	bool all = pcp->free_factor && order && order <= COSTLY_ORDER;
	s32 high = all ? 0 : pcp->high;
	u32 list;

	pool->pcp_types[frame] = (u8)type; /* the lists it will be drained to */
	if (type >= PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_MOVABLE;
	list = pcp_linux_list(order, type);
	linked_insert(pool, pcp->lists, list, frame, false);
	counter_add(&pcp->count, 1 << order);
	counter_add(&pcp->frees, 1);
	counter_add(&pcp->free_pages, 1u << order);
	if (pcp->count >= high)
		drain(pool, zone, cpu, pcp, drain_pages(pcp, high, all), list, state);
}

void pcp_linux_drain(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned long *state)
{
	struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);

	drain(pool, zone, cpu, pcp, pcp->count, 0, state);
}
