/* SPDX-License-Identifier: MIT */
/*
 * Zones, when a migratetype has run out: fallback to another type's blocks (spec 6.6,
 * 6.7, 6.10).
 *
 * Policy: an unmovable page in a movable pageblock pins that pageblock for as long as the
 * page lives, so mixing types is the last resort. First a whole pageblock is claimed, by way
 * of the largest free block, so that the next claim is far off; only if none can be claimed
 * is a single block stolen, the smallest that serves.
 * A change of `fallbacks` fails tests/unit/test_buddy.c, the model and kernel-diff.
 */
#include "zone/zone.h"

static const u8 fallbacks[PB_MIGRATE_PCPTYPES][2] = {
	[PB_MIGRATE_UNMOVABLE] = { PB_MIGRATE_RECLAIMABLE, PB_MIGRATE_MOVABLE },
	[PB_MIGRATE_MOVABLE] = { PB_MIGRATE_RECLAIMABLE, PB_MIGRATE_UNMOVABLE },
	[PB_MIGRATE_RECLAIMABLE] = { PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE },
};

bool can_steal(const struct pb_pool *pool, unsigned int order, unsigned int want)
{
	return order >= pool->pageblock_order || order >= pool->pageblock_order / 2 ||
	       want == PB_MIGRATE_RECLAIMABLE || want == PB_MIGRATE_UNMOVABLE ||
	       !has_mobility(pool);
}

int find_suitable_fallback(const struct pb_pool *pool, const struct stripe *stripe,
			   unsigned int order, unsigned int want)
{
	for (unsigned int i = 0; i < 2; i++)
		if (!area_empty(pool, stripe, order, fallbacks[want][i]))
			return fallbacks[want][i];
	return -1;
}

static void trace_steal(const struct zone_request *request, u32 frame, unsigned int order,
			unsigned int from)
{
	struct pb_trace_event event = { .type = PB_TRACE_STEAL,
					.order = (u8)order,
					.migratetype = (u8)request->type,
					.other_type = (u8)from,
					.value = request->order };

	event.flag = frame_migratetype(request->pool, frame) == request->type;
	event.pfn = frame_to_pfn(request->pool, frame);
	trace_event(request->pool, request->zone, &event);
}

void count_steal(const struct zone_request *request, u32 frame, unsigned int order,
		 unsigned int from)
{
	pb_atomic_fetch_add(&request->zone->extfrag, 1, __ATOMIC_RELAXED);
	if (frame_migratetype(request->pool, frame) == request->type)
		pb_atomic_fetch_add(&request->zone->extfrag_steal, 1, __ATOMIC_RELAXED);
	if (tracing(request->pool))
		trace_steal(request, frame, order, from);
}

bool worth_claiming(const struct pb_pool *pool, unsigned int want, unsigned int old, u64 free,
		    u64 movable)
{
	u64 alike = 0;

	if (want == PB_MIGRATE_MOVABLE)
		alike = movable;
	else if (old == PB_MIGRATE_MOVABLE)
		alike = pageblock_pages(pool) - (free + movable);
	return free + alike >= pageblock_pages(pool) / 2 || !has_mobility(pool);
}

bool is_worth_claiming(const struct pb_pool *pool, unsigned int want, u32 pageblock)
{
	unsigned int old = pageblock_type(pool, pageblock);
	u64 free = pageblock_free(pool, pageblock), movable = 0;

	/* allocated pages are looked at only where they can decide */
	if (free < pageblock_pages(pool) / 2 &&
	    (want == PB_MIGRATE_MOVABLE || old == PB_MIGRATE_MOVABLE))
		movable = pageblock_movable(pool, pageblock);
	return worth_claiming(pool, want, old, free, movable);
}

/*
 * Spec 6.7 step 5: the search for free blocks to move begins with the pageblock, or with
 * the block itself if the zone begins inside its pageblock. A pageblock that the zone ends
 * in is left alone.
 */
u32 steal_from(const struct pb_pool *pool, const struct zone *zone, u32 frame)
{
	u32 first = frame & ~(u32)(pageblock_pages(pool) - 1);
	u64 pfn = frame_to_pfn(pool, first);

	if (pfn + pageblock_pages(pool) > zone->start_pfn + zone->spanned)
		return NO_FRAME;
	return pfn < zone->start_pfn ? frame : first;
}

void note_boost(const struct zone_request *request)
{
	if (boost_watermark(request->pool, request->zone) && request->alloc_flags & ALLOC_KSWAPD)
		pb_atomic_fetch_or(&request->zone->flags, ZONE_BOOSTED_WATERMARK, __ATOMIC_RELAXED);
}

unsigned int lowest_fallback_order(const struct zone_request *request)
{
	unsigned int whole = request->pool->pageblock_order;

	return request->order < whole && request->alloc_flags & ALLOC_NOFRAGMENT ? whole
										 : request->order;
}

/* ------------------------------------------------------------ claim, steal */

/* Give the pageblocks of a free block the request's type if that pays; true: done. */
static bool __try_to_claim_block(const struct locked *at, const struct zone_request *request,
				 u32 frame, unsigned int order)
{
	const struct pb_pool *pool = at->pool;
	u32 pageblock = frame >> pool->pageblock_order;

	if (order >= pool->pageblock_order) {
		__retype_block(at, frame, order, request->type);
		__area_relist(at, frame);
		return true;
	}
	note_boost(request);
	if (!pageblock_in_zone(pool, at->zone, pageblock) ||
	    !is_worth_claiming(pool, request->type, pageblock))
		return false;
	__move_freepages_block(at, pageblock, request->type, NULL);
	return true;
}

bool __rmqueue_claim(const struct locked *at, const struct zone_request *request,
		     unsigned int order)
{
	int from = find_suitable_fallback(at->pool, at->stripe, order, request->type);
	u32 frame;

	if (from < 0)
		return false;
	frame = __area_first(at, order, (unsigned int)from);
	if (!__try_to_claim_block(at, request, frame, order))
		return false;
	count_steal(request, frame, order, (unsigned int)from);
	return true;
}

u32 __rmqueue_steal(const struct locked *at, const struct zone_request *request)
{
	for (unsigned int o = request->order; o <= at->pool->max_order; o++) {
		int from = find_suitable_fallback(at->pool, at->stripe, o, request->type);
		u32 frame;

		if (from < 0)
			continue;
		frame = __rmqueue_smallest(at, request->order, (unsigned int)from);
		if (frame != NO_FRAME)
			count_steal(request, frame, o, (unsigned int)from);
		return frame;
	}
	return NO_FRAME;
}
