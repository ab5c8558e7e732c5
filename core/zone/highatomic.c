/* SPDX-License-Identifier: MIT */
/*
 * The reserve of a zone for high-order atomic requests (spec 7.1): pageblocks of type
 * HIGHATOMIC. Their number changes under zone->lock, their types under their stripe's lock.
 */
#include "zone/zone.h"

static u64 highatomic_limit(const struct pb_pool *pool, const struct zone *zone)
{
	u64 percent = div_u64(load_relaxed(&zone->managed), 100);

	if (is_plain(pool))
		return 0;
	if (!policy(pool)->whole_reserve)
		return percent + pageblock_pages(pool);
	return percent < pageblock_pages(pool) ? 0 : align_up(percent, pageblock_pages(pool));
}

/* Number of pageblocks by which a block of this order makes the reserve grow, or shrink: all that
   it touches, or, to kernels whose reserve is not of whole pageblocks, the first alone. */
static u32 pageblocks_of(const struct pb_pool *pool, unsigned int order)
{
	return policy(pool)->whole_reserve && order > pool->pageblock_order
		       ? 1u << (order - pool->pageblock_order)
		       : 1;
}

/* Move the free blocks of the frame's pageblock to the lists of its new type. Returns the pages
   moved. */
static u64 __move_pageblock(const struct locked *at, u32 frame, unsigned int type)
{
	u32 from = frame & ~(u32)(pageblock_pages(at->pool) - 1);

	if (policy(at->pool)->spares_zone_end)
		from = steal_from(at->pool, at->zone, frame);
	return from == NO_FRAME ? 0 : __move_freepages_from(at, from, type, NULL);
}

static bool __may_reserve(const struct locked *at, u32 frame)
{
	return migratetype_is_mergeable(frame_migratetype(at->pool, frame)) &&
	       (!policy(at->pool)->inner_reserve ||
		pageblock_in_zone(at->pool, at->zone, frame >> at->pool->pageblock_order));
}

void reserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, u32 frame,
				  unsigned int order)
{
	u32 pageblock = frame >> pool->pageblock_order;
	u64 limit = highatomic_limit(pool, zone);
	struct locked at;

	if (load_relaxed(&zone->nr_reserved_highatomic) >= limit)
		return;
	pb_platform_lock(&zone->lock);
	at = lock_frame(pool, zone, frame);
	if (zone->nr_reserved_highatomic < limit && __may_reserve(&at, frame)) {
		for (u32 i = 0; i < pageblocks_of(pool, order); i++) {
			counter_add(&zone->nr_reserved_highatomic, pageblock_pages(pool));
			__set_pageblock_type(&at, pageblock + i, PB_MIGRATE_HIGHATOMIC);
			__move_pageblock(&at, frame + (i << pool->pageblock_order),
					 PB_MIGRATE_HIGHATOMIC);
		}
	}
	unlock_stripe(&at);
	pb_platform_unlock(&zone->lock);
}

/* A free block whose type has changed may now merge with a buddy that it had to leave alone. */
static void __merge_anew(const struct locked *at, u32 frame, unsigned int order, unsigned int type)
{
	__area_remove(at, frame, order);
	__area_relist(at, frame);
	__account(at->stripe, -(1L << order), type);
	__free_one_page(at, frame, order, type, false);
}

/* Give the pageblocks of a free block of the reserve another type. False: nothing was moved. */
static bool __unreserve(const struct locked *at, u32 frame, unsigned int order, unsigned int type)
{
	struct pb_pool *pool = at->pool;
	u32 pageblock = frame >> pool->pageblock_order, blocks = pageblocks_of(pool, order);
	u64 reserved = at->zone->nr_reserved_highatomic;

	if (frame_migratetype(pool, frame) == PB_MIGRATE_HIGHATOMIC)
		counter_add(&at->zone->nr_reserved_highatomic,
			    0 - min_u64((u64)blocks << pool->pageblock_order, reserved));
	for (u32 i = 1; i < blocks; i++) /* a block of several pageblocks leaves as a whole */
		__set_pageblock_type(at, pageblock + i, type);
	__set_pageblock_type(at, pageblock, type);
	if (!__move_pageblock(at, frame, type))
		return false;
	if (policy(pool)->unreserve_merges && order >= pool->pageblock_order)
		__merge_anew(at, frame, order, type);
	return true;
}

/* Try the first block of each order on the reserve's lists. */
static bool __unreserve_in_stripe(const struct locked *at, unsigned int type)
{
	for (unsigned int o = 0; o <= at->pool->max_order; o++) {
		u32 frame = __area_first(at, o, PB_MIGRATE_HIGHATOMIC);

		if (frame != NO_FRAME && __unreserve(at, frame, o, type))
			return true;
	}
	return false;
}

bool unreserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, unsigned int type,
				    bool force)
{
	u64 reserved = load_relaxed(&zone->nr_reserved_highatomic);
	bool done = false;

	if (!reserved || (!force && reserved <= pageblock_pages(pool)))
		return false;
	pb_platform_lock(&zone->lock);
	for (u32 i = 0; i < zone->nr_stripes && !done; i++) {
		struct locked at = lock_stripe(pool, zone, zone_stripe(pool, zone, i));

		done = __unreserve_in_stripe(&at, type);
		unlock_stripe(&at);
	}
	pb_platform_unlock(&zone->lock);
	return done;
}

/* Take the frame's pageblock out of the reserve, if it is in there. None of its pages is free. */
static void __leave_reserve(const struct locked *at, u32 frame)
{
	u64 pages = min_u64(pageblock_pages(at->pool), at->zone->nr_reserved_highatomic);

	if (frame_migratetype(at->pool, frame) != PB_MIGRATE_HIGHATOMIC)
		return;
	counter_add(&at->zone->nr_reserved_highatomic, 0 - pages);
	__set_pageblock_type(at, frame >> at->pool->pageblock_order, PB_MIGRATE_MOVABLE);
}

void shrink_highatomic_reserve(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	u64 most;

	pb_platform_lock(&zone->lock);
	for (; frame < end; frame += (u32)pageblock_pages(pool)) {
		struct locked at = lock_frame(pool, zone, frame);

		__leave_reserve(&at, frame);
		unlock_stripe(&at);
	}
	/* in Linux's lists it may count a pageblock that has another type since */
	most = zone->present & ~(pageblock_pages(pool) - 1);
	if (zone->nr_reserved_highatomic > most)
		store_relaxed(&zone->nr_reserved_highatomic, most);
	pb_platform_unlock(&zone->lock);
}
