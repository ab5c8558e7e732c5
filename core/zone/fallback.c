/* SPDX-License-Identifier: MIT */
/*
 * Zones, when a migratetype has run out: fallback to another type's blocks
 * (spec 6.6, 6.7, 6.10) and the reserve for high-order atomic requests (7.1).
 *
 * Policy: an unmovable page in a movable pageblock pins it for as long as it
 * lives, so mixing is the last resort, and if it must be, as much as possible is
 * taken at once, so that it need not be again soon.
 */
#include "linux/linux_rules.h"
#include "zone/zone.h"

static const u8 fallbacks[PB_MIGRATE_PCPTYPES][2] = {
#ifdef PB_TEST_WRONG_FALLBACK /* the test of the comparison with a kernel builds this */
	[PB_MIGRATE_UNMOVABLE] = { PB_MIGRATE_MOVABLE, PB_MIGRATE_RECLAIMABLE },
#else
	[PB_MIGRATE_UNMOVABLE] = { PB_MIGRATE_RECLAIMABLE, PB_MIGRATE_MOVABLE },
#endif
	[PB_MIGRATE_MOVABLE] = { PB_MIGRATE_RECLAIMABLE, PB_MIGRATE_UNMOVABLE },
	[PB_MIGRATE_RECLAIMABLE] = { PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE },
};

bool can_steal(const struct pb_pool *pool, unsigned int order, unsigned int want)
{
	return order >= pool->pageblock_order || order >= pool->pageblock_order / 2 ||
	       want == PB_MIGRATE_RECLAIMABLE || want == PB_MIGRATE_UNMOVABLE ||
	       !pool->super->mobility;
}

int find_suitable_fallback(const struct pb_pool *pool, const struct stripe *stripe,
				  unsigned int order, unsigned int want)
{
	for (unsigned int i = 0; i < 2; i++)
		if (!area_empty(pool, stripe, order, fallbacks[want][i]))
			return fallbacks[want][i];
	return -1;
}

static void trace_steal(struct pb_pool *pool, const struct zone *zone, u32 frame,
			unsigned int order, unsigned int wanted, unsigned int want,
			unsigned int from)
{
	struct pb_trace_event event = { .type = PB_TRACE_STEAL,
					.order = (u8)order,
					.migratetype = (u8)want,
					.other_type = (u8)from,
					.value = wanted };

	event.flag = frame_migratetype(pool, frame) == want;
	event.pfn = frame_to_pfn(pool, frame);
	trace_event(pool, zone, &event);
}

void count_steal(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order,
		 unsigned int wanted, unsigned int want, unsigned int from)
{
	__atomic_fetch_add(&zone->extfrag, 1, __ATOMIC_RELAXED);
	if (frame_migratetype(pool, frame) == want)
		__atomic_fetch_add(&zone->extfrag_steal, 1, __ATOMIC_RELAXED);
	if (tracing(pool))
		trace_steal(pool, zone, frame, order, wanted, want, from);
}

bool worth_claiming(const struct pb_pool *pool, unsigned int want, unsigned int old,
			   u64 free, u64 movable)
{
	u64 alike = 0;

	if (want == PB_MIGRATE_MOVABLE)
		alike = movable;
	else if (old == PB_MIGRATE_MOVABLE)
		alike = pageblock_pages(pool) - (free + movable);
	return free + alike >= pageblock_pages(pool) / 2 || !pool->super->mobility;
}

void retype_block(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order,
			 unsigned int type)
{
	u32 first = frame >> pool->pageblock_order;

	for (u32 i = 0; i < 1u << (order - pool->pageblock_order); i++)
		__set_pageblock_type(pool, zone, first + i, type);
}

void note_boost(struct pb_pool *pool, struct zone *zone, unsigned int alloc_flags)
{
	if (boost_watermark(pool, zone) && alloc_flags & ALLOC_KSWAPD)
		__atomic_fetch_or(&zone->flags, ZONE_BOOSTED_WATERMARK, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------ linux: steal */

/*
 * Spec 6.7 step 5: where the search for free blocks to move begins: with the
 * pageblock, or with the block if the zone begins later than its pageblock; a
 * pageblock that the zone ends in is left alone.
 */
static u32 steal_from(const struct pb_pool *pool, const struct zone *zone, u32 frame)
{
	u32 first = frame & ~(u32)(pageblock_pages(pool) - 1);
	u64 pfn = frame_to_pfn(pool, first);

	if (pfn + pageblock_pages(pool) > zone->start_pfn + zone->spanned)
		return NO_FRAME;
	return pfn < zone->start_pfn ? frame : first;
}

/* Spec 6.7. */
static void steal_suitable_fallback(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
				    u32 frame, unsigned int order, unsigned int want,
				    unsigned int alloc_flags, bool whole)
{
	unsigned int old = frame_migratetype(pool, frame);
	u64 free = 0, movable = 0;
	u32 from = NO_FRAME;

	if (old == PB_MIGRATE_HIGHATOMIC) {
		area_relink(pool, stripe, frame, order, want);
		return;
	}
	if (order >= pool->pageblock_order) {
		retype_block(pool, zone, frame, order, want);
		area_relink(pool, stripe, frame, order, want);
		return;
	}
	note_boost(pool, zone, alloc_flags);
	if (whole)
		from = steal_from(pool, zone, frame);
	if (from != NO_FRAME)
		free = __move_freepages_from(pool, zone, stripe, from, want, &movable);
	if (!free) {
		area_relink(pool, stripe, frame, order, want);
		return;
	}
	if (worth_claiming(pool, want, old, free, movable))
		__set_pageblock_type(pool, zone, frame >> pool->pageblock_order, want);
}

bool __rmqueue_fallback(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			unsigned int order, unsigned int want, unsigned int alloc_flags)
{
	unsigned int floor = order < pool->pageblock_order && alloc_flags & ALLOC_NOFRAGMENT
				     ? pool->pageblock_order
				     : order;
	int from = -1;
	unsigned int o;
	u32 frame;

	if (want >= PB_MIGRATE_PCPTYPES)
		return false;
	for (o = pool->max_order + 1u; o-- > floor;) {
		from = find_suitable_fallback(pool, stripe, o, want);
		if (from >= 0)
			break;
	}
	if (from < 0)
		return false;
	/* A movable request takes the smallest block if it can't have the pageblock. */
	if (!can_steal(pool, o, want) && want == PB_MIGRATE_MOVABLE && o > order)
		for (o = order; o <= pool->max_order; o++) {
			from = find_suitable_fallback(pool, stripe, o, want);
			if (from >= 0)
				break;
		}
	frame = area_first(pool, zone, stripe, o, (unsigned int)from);
	steal_suitable_fallback(pool, zone, stripe, frame, o, want, alloc_flags,
				can_steal(pool, o, want));
	count_steal(pool, zone, frame, o, order, want, (unsigned int)from);
	return true;
}

/* ---------------------------------------------------- modern: claim, steal */

/* Convert the pageblock(s) of a free block if that pays; true: done. */
static bool try_to_claim_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			       u32 frame, unsigned int order, unsigned int want,
			       unsigned int alloc_flags)
{
	unsigned int old = frame_migratetype(pool, frame);
	u32 pageblock = frame >> pool->pageblock_order;
	u64 free, movable;

	if (order >= pool->pageblock_order) {
		retype_block(pool, zone, frame, order, want);
		area_settle(pool, zone, stripe, frame);
		return true;
	}
	note_boost(pool, zone, alloc_flags);
	if (!pageblock_in_zone(pool, zone, pageblock))
		return false;
	count_pageblock(pool, pageblock, &free, &movable);
	if (!worth_claiming(pool, want, old, free, movable))
		return false;
	__move_freepages_block(pool, zone, stripe, pageblock, want, NULL);
	return true;
}

bool __rmqueue_claim(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
		     unsigned int order, unsigned int want, unsigned int alloc_flags)
{
	unsigned int floor = order < pool->pageblock_order && alloc_flags & ALLOC_NOFRAGMENT
				     ? pool->pageblock_order
				     : order;

	for (unsigned int o = pool->max_order + 1u; o-- > floor;) {
		int from = find_suitable_fallback(pool, stripe, o, want);
		u32 frame;

		if (!can_steal(pool, o, want))
			break; /* nor is any smaller one */
		if (from < 0)
			continue;
		frame = area_first(pool, zone, stripe, o, (unsigned int)from);
		if (!try_to_claim_block(pool, zone, stripe, frame, o, want, alloc_flags))
			continue;
		count_steal(pool, zone, frame, o, order, want, (unsigned int)from);
		return true;
	}
	return false;
}

bool __find_to_steal(const struct pb_pool *pool, const struct stripe *stripe, unsigned int want,
		     unsigned int *order, unsigned int *from)
{
	for (; *order <= pool->max_order; ++*order) {
		int type = find_suitable_fallback(pool, stripe, *order, want);

		if (type >= 0) {
			*from = (unsigned int)type;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------- reserve for atomic bursts */

/* The free blocks of this one's pageblock follow its new type; returns how many pages
   moved. Linux leaves those of a pageblock that the zone ends in on their lists (H5). */
static u64 move_pageblock(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			  u32 frame, unsigned int type)
{
	u32 from = frame & ~(u32)(pageblock_pages(pool) - 1);

	if (pool_is_linked(pool))
		from = steal_from(pool, zone, frame);
	return from == NO_FRAME ? 0 : __move_freepages_from(pool, zone, stripe, from, type, NULL);
}

static u64 highatomic_limit(const struct pb_pool *pool, const struct zone *zone)
{
	u64 percent = div_u64(load_relaxed(&zone->managed), 100);

	if (is_plain(pool))
		return 0;
	if (pool_is_linked(pool) && !linux_rules(pool)->whole_reserve)
		return percent + pageblock_pages(pool);
	return percent < pageblock_pages(pool) ? 0 : align_up(percent, pageblock_pages(pool));
}

void reserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, u32 frame,
				  unsigned int order)
{
	struct stripe *stripe = frame_stripe(pool, zone, frame);
	u32 pageblock = frame >> pool->pageblock_order;
	u32 blocks = order > pool->pageblock_order ? 1u << (order - pool->pageblock_order) : 1;
	u64 limit = highatomic_limit(pool, zone);
	unsigned int type;

	if (load_relaxed(&zone->nr_reserved_highatomic) >= limit)
		return;
	pb_platform_lock(&zone->lock);
	pb_platform_lock(&stripe->lock);
	type = frame_migratetype(pool, frame);
	if (zone->nr_reserved_highatomic < limit && migratetype_is_mergeable(type)) {
		for (u32 i = 0; i < blocks; i++) {
			counter_add(&zone->nr_reserved_highatomic, pageblock_pages(pool));
			__set_pageblock_type(pool, zone, pageblock + i, PB_MIGRATE_HIGHATOMIC);
			move_pageblock(pool, zone, stripe, frame + (i << pool->pageblock_order),
				       PB_MIGRATE_HIGHATOMIC);
		}
	}
	pb_platform_unlock(&stripe->lock);
	pb_platform_unlock(&zone->lock);
}

/* A free block whose type has changed may merge with a buddy that it might not. */
static void __merge_anew(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
			 unsigned int order, unsigned int type)
{
	area_remove(pool, stripe, frame, order);
	area_settle(pool, zone, stripe, frame);
	__account(stripe, -(1L << order), type);
	__zone_free_block(pool, zone, stripe, frame, order, type, false);
}

/* First block of each order on the reserve's lists of one stripe. */
static bool __unreserve_in_stripe(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
				  unsigned int type)
{
	for (unsigned int o = 0; o <= pool->max_order; o++) {
		u32 frame = area_first(pool, zone, stripe, o, PB_MIGRATE_HIGHATOMIC);
		u32 pageblock = frame >> pool->pageblock_order;
		u32 blocks = o > pool->pageblock_order ? 1u << (o - pool->pageblock_order) : 1;
		u64 pages = (u64)blocks << pool->pageblock_order;

		if (frame == NO_FRAME)
			continue;
		if (frame_migratetype(pool, frame) == PB_MIGRATE_HIGHATOMIC)
			counter_add(&zone->nr_reserved_highatomic,
				    0 - min_u64(pages, zone->nr_reserved_highatomic));
		for (u32 i = 1; i < blocks; i++) /* a larger block goes as a whole */
			__set_pageblock_type(pool, zone, pageblock + i, type);
		__set_pageblock_type(pool, zone, pageblock, type);
		if (!move_pageblock(pool, zone, stripe, frame, type))
			continue;
		if (!pool_is_linked(pool) && o >= pool->pageblock_order)
			__merge_anew(pool, zone, stripe, frame, o, type);
		return true;
	}
	return false;
}

bool unreserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, unsigned int type,
				    bool force)
{
	bool done = false;

	if (!load_relaxed(&zone->nr_reserved_highatomic) ||
	    (!force && load_relaxed(&zone->nr_reserved_highatomic) <= pageblock_pages(pool)))
		return false;
	pb_platform_lock(&zone->lock);
	for (u32 i = 0; i < zone->nr_stripes && !done; i++) {
		struct stripe *stripe = zone_stripe(pool, zone, i);

		pb_platform_lock(&stripe->lock);
		done = __unreserve_in_stripe(pool, zone, stripe, type);
		pb_platform_unlock(&stripe->lock);
	}
	pb_platform_unlock(&zone->lock);
	return done;
}
