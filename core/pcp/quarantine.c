/* SPDX-License-Identifier: MIT */
/*
 * A ring of the last frees, N = 3:
 *
 *	free A, B, C	[ A B C ]  next = 0: the oldest
 *	free D		[ D B C ]  next = 1: A went to its zone
 *	free B again	misuse: B's page byte is 0, so it has no owner
 *	flush		[ - - - ]  B, C, D went to their zones, in this order
 *
 * The block that leaves is in no list and in no tree while the lock is held. So a request that
 * finds nothing looks whether the lock is free, or takes it (look_around(), lock_everything()),
 * before it may fail.
 */
#include "pcp/quarantine.h"

/* -------------------------------------------------------------------- lock */

void lock_quarantine(struct pb_pool *pool)
{
	if (has_quarantine(pool))
		pb_platform_lock(&pool_quarantine(pool)->lock);
}

void unlock_quarantine(struct pb_pool *pool)
{
	if (has_quarantine(pool))
		pb_platform_unlock(&pool_quarantine(pool)->lock);
}

/* -------------------------------------------------------------- in and out */

static void __count(struct zone *zone, long pages)
{
	counter_add(&zone->quarantined, pages);
}

/* Free the block to its zone, not to a per-CPU list: this CPU's area may be in use. */
static void __release(struct pb_pool *pool, const struct quarantined *block)
{
	struct zone *zone = zone_of_frame(pool, block->frame);
	unsigned int order = block->order_plus_1 - 1;

	__count(zone, -(1L << order));
	free_one_page(pool, zone, NO_CPU, block->frame, order);
}

/* Is a call emptying the block's pageblock? It sets the type before it flushes the quarantine, so
   either it finds the block there, or its type is seen here. */
static bool __is_awaited(const struct pb_pool *pool, const struct zone *zone, u32 frame,
			 unsigned int order)
{
	if (order > pool->pageblock_order)
		return load_relaxed(&zone->nr_isolate_pageblock) != 0;
	return frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE;
}

static void __put(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order)
{
	struct quarantine *q = pool_quarantine(pool);
	struct quarantined *slot = &q->slots[q->next];
	const struct quarantined oldest = *slot;
	u32 next = q->next + 1;

	store_relaxed(&slot->frame, frame);
	store_relaxed(&slot->order_plus_1, order + 1);
	store_relaxed(&q->next, next == pool->super->quarantine_blocks ? 0 : next);
	__count(zone, 1L << order);
	if (oldest.order_plus_1)
		__release(pool, &oldest);
	else
		counter_add(&q->held, 1);
}

bool __quarantine_put(struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct zone *zone = zone_of_frame(pool, frame);
	unsigned long state = pb_platform_critical_enter();
	bool awaited;

	lock_quarantine(pool);
	awaited = __is_awaited(pool, zone, frame, order);
	if (!awaited)
		__put(pool, zone, frame, order);
	unlock_quarantine(pool);
	pb_platform_critical_exit(state);
	return !awaited;
}

static void __release_oldest(struct pb_pool *pool)
{
	struct quarantine *q = pool_quarantine(pool);
	u32 back = q->next < q->held ? pool->super->quarantine_blocks : 0;
	struct quarantined *slot = &q->slots[q->next + back - q->held];
	const struct quarantined oldest = *slot;

	store_relaxed(&slot->frame, 0);
	store_relaxed(&slot->order_plus_1, 0);
	store_relaxed(&q->held, q->held - 1);
	__release(pool, &oldest);
}

/* One batch per hold of the lock. Blocks that others put here meanwhile may stay. */
void __quarantine_flush(struct pb_pool *pool)
{
	const struct quarantine *q = pool_quarantine(pool);
	u32 left = pool->super->quarantine_blocks;

	/* a put that exchanges a block for the oldest one leaves `held` as it was */
	while (left && load_relaxed(&q->held)) {
		unsigned long state = pb_platform_critical_enter();

		lock_quarantine(pool);
		for (u32 n = DRAIN_BATCH_MAX; n && left && q->held; n--, left--)
			__release_oldest(pool);
		unlock_quarantine(pool);
		pb_platform_critical_exit(state);
	}
}

/* --------------------------------------------------------------- questions */

bool quarantine_holds(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	return has_quarantine(pool) && load_relaxed(&zone->quarantined) >> order;
}

/* A block that comes changes `held` or `next`; one that leaves changes its stripe's version. */
u64 quarantine_sum(const struct pb_pool *pool, u64 sum, bool *still)
{
	const struct quarantine *q;

	if (!has_quarantine(pool))
		return sum;
	q = pool_quarantine(pool);
	if (pb_atomic_load_n(&q->lock, __ATOMIC_ACQUIRE))
		*still = false;
	return mix_u64(mix_u64(sum, load_relaxed(&q->next)), load_relaxed(&q->held));
}

bool quarantine_has(const struct pb_pool *pool, u32 frame)
{
	u32 slots = has_quarantine(pool) ? pool->super->quarantine_blocks : 0;

	for (u32 i = 0; i < slots; i++) {
		const struct quarantined *slot = &pool_quarantine(pool)->slots[i];
		u32 order_plus_1 = load_relaxed(&slot->order_plus_1);

		if (order_plus_1 && frame - load_relaxed(&slot->frame) < 1u << (order_plus_1 - 1))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- recovery */

void quarantine_reset(struct pb_pool *pool)
{
	for (u32 z = 0; z < pool_nr_zones(pool); z++)
		pool_zone(pool, z)->quarantined = 0;
	if (has_quarantine(pool))
		memset(pool_quarantine(pool), 0, (size_t)quarantine_bytes(pool->super));
}
