/* SPDX-License-Identifier: MIT */
/*
 * One zone of the linux profile, whose only stripe is Linux's zone: blocks are taken as kernels
 * up to 6.1 take them, and freed. How kernels from 6.12 on take blocks is in linux_take.c.
 */
#include "linux/linux_zone.h"

/* ------------------------------------------------------------ steal */

/* Spec 6.7: move a block of another type to the request's type. `whole`: move the free blocks of
   its pageblock, too, and claim the pageblock if that pays. */
static void __steal_suitable_fallback(const struct locked *at, const struct zone_request *request,
				      u32 frame, unsigned int order, bool whole)
{
	struct pb_pool *pool = at->pool;
	unsigned int old = frame_migratetype(pool, frame), want = request->type;
	u64 free = 0, movable = 0;
	u32 from = NO_FRAME;
	bool counts = want == PB_MIGRATE_MOVABLE || old == PB_MIGRATE_MOVABLE;

	if (old == PB_MIGRATE_HIGHATOMIC) {
		__area_relink(at, frame, order, want);
		return;
	}
	if (order >= pool->pageblock_order) {
		__retype_block(at, frame, order, want);
		__area_relink(at, frame, order, want);
		return;
	}
	note_boost(request);
	if (whole)
		from = steal_from(pool, at->zone, frame);
	if (from != NO_FRAME)
		free = __move_freepages_from(at, from, want, counts ? &movable : NULL);
	if (!free) {
		__area_relink(at, frame, order, want);
		return;
	}
	if (worth_claiming(pool, want, old, free, movable))
		__set_pageblock_type(at, frame >> pool->pageblock_order, want);
}

/* The order of the block to steal, and its type in *from; -1: there is none. */
static int __find_fallback(const struct locked *at, const struct zone_request *request, int *from)
{
	const struct pb_pool *pool = at->pool;
	unsigned int order = request->order, want = request->type;
	unsigned int floor = lowest_fallback_order(request);
	unsigned int o;

	*from = -1;
	for (o = pool->max_order + 1u; o-- > floor;) {
		*from = find_suitable_fallback(pool, at->stripe, o, want);
		if (*from >= 0)
			break;
	}
	if (*from < 0)
		return -1;
	/* A movable request takes the smallest block if it can't have the pageblock. */
	if (!can_steal(pool, o, want) && want == PB_MIGRATE_MOVABLE && o > order)
		for (o = order; o <= pool->max_order; o++) {
			*from = find_suitable_fallback(pool, at->stripe, o, want);
			if (*from >= 0)
				break;
		}
	return (int)o;
}

/* Spec 6.6, 6.7: move blocks to the type's lists; true: try again. */
static bool __rmqueue_fallback(const struct locked *at, const struct zone_request *request)
{
	int order, from;
	u32 frame;

	if (request->type >= PB_MIGRATE_PCPTYPES)
		return false;
	order = __find_fallback(at, request, &from);
	if (order < 0)
		return false;
	frame = __area_first(at, (unsigned int)order, (unsigned int)from);
	__steal_suitable_fallback(at, request, frame, (unsigned int)order,
				  can_steal(at->pool, (unsigned int)order, request->type));
	count_steal(request, frame, (unsigned int)order, (unsigned int)from);
	return true;
}

/* ------------------------------------------------------------ out */

/* Spec 6.5. Kernels but 5.4 use CMA first when more than half of the free pages are there. */
static u32 __linux_rmqueue(const struct locked *at, const struct zone_request *request)
{
	bool cma = request->alloc_flags & ALLOC_CMA;
	u32 frame = NO_FRAME;

	if (cma && !policy(at->pool)->cma_last &&
	    at->stripe->nr_free_cma > at->stripe->nr_free_pages / 2)
		frame = __rmqueue_smallest(at, request->order, PB_MIGRATE_CMA);
	while (frame == NO_FRAME) {
		frame = __rmqueue_smallest(at, request->order, request->type);
		if (frame == NO_FRAME && cma)
			frame = __rmqueue_smallest(at, request->order, PB_MIGRATE_CMA);
		if (frame == NO_FRAME && !__rmqueue_fallback(at, request))
			break;
	}
	return frame;
}

u32 linux_rmqueue_bulk(const struct zone_request *request, u32 n, u32 *end, struct linux_take *take)
{
	struct pb_pool *pool = request->pool;
	struct locked at = lock_stripe(pool, request->zone, zone_stripe(pool, request->zone, 0));
	bool follow = policy(pool)->lists_follow;
	unsigned long version = at.stripe->version; /* changes when a pageblock's blocks move */
	u32 got = 0;

	take->paused = false;
	while (got < n) {
		u32 frame = follow ? __linux_rmqueue_follow(&at, request, take)
				   : __linux_rmqueue(&at, request);

		if (frame == NO_FRAME)
			break;
		end[-1 - (s32)got++] = frame;
		take->paused = !LONG_BATCHES && got < n && at.stripe->version != version;
		if (take->paused)
			break;
	}
	if (got && !follow)
		__count_free(&at, request->cpu, -((long)got << request->order));
	__count_direct(at.stripe, request, got);
	unlock_stripe(&at);
	return got;
}

u32 linux_rmqueue_one(const struct zone_request *request)
{
	struct linux_take take = { false, false, 0 };
	u32 frame;

	do {
		if (linux_rmqueue_bulk(request, 1, &frame + 1, &take))
			return frame;
	} while (take.paused);
	return NO_FRAME;
}

u32 linux_rmqueue_reserve(const struct zone_request *request)
{
	struct locked at = lock_stripe(request->pool, request->zone,
				       zone_stripe(request->pool, request->zone, 0));
	u32 frame;

	if (policy(request->pool)->lists_follow)
		frame = __linux_rmqueue_smallest(&at, request, PB_MIGRATE_HIGHATOMIC);
	else
		frame = __rmqueue_smallest(&at, request->order, PB_MIGRATE_HIGHATOMIC);
	if (frame != NO_FRAME && !policy(request->pool)->lists_follow)
		__count_free(&at, request->cpu, -(1L << request->order));
	__count_direct(at.stripe, request, frame != NO_FRAME);
	unlock_stripe(&at);
	return frame;
}

/* ------------------------------------------------------------ back */

/* The type whose lists a drained block goes to: the one noted when it was freed (P3), or that of
   its pageblock now. */
static unsigned int free_type(const struct pb_pool *pool, const struct zone *zone, u32 frame)
{
	if (policy(pool)->pcp_cached_type && !load_relaxed(&zone->nr_isolate_pageblock))
		return pool->pcp_types[frame];
	return frame_migratetype(pool, frame);
}

void linux_free_bulk(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     struct free_list *batch)
{
	struct locked at = lock_stripe(pool, zone, zone_stripe(pool, zone, 0));
	u32 frame;

	while ((frame = linked_head(batch, 0)) != NO_FRAME) {
		unsigned int type = free_type(pool, zone, frame);

		linked_remove(pool, batch, frame);
		__free_typed(&at, cpu, frame, order, type);
	}
	unlock_stripe(&at);
}
