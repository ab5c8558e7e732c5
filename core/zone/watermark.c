/* SPDX-License-Identifier: MIT */
/*
 * Whether a zone may serve a request: the watermark test (spec 6.2) and boost (7.2).
 *
 *	free pages   0 ....... min ....... low ....... high .......
 *	             HIGH, HARDER|         | wake       | background
 *	             may go below|         | reclaim    | reclaim rests
 */
#include "zone/zone.h"

long zone_free_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone_stripes(zone); i++)
		sum += load_relaxed(&zone_stripe(pool, zone, i)->nr_free_pages);
	return sum;
}

long zone_vm_free_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long free_pages;

	if (!PB_WITH_LINUX || !policy(pool)->count_free)
		return zone_free_pages(pool, zone);
	free_pages = load_relaxed(&zone->vm_free);
	return free_pages < 0 ? 0 : free_pages;
}

long zone_free_cma(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone_stripes(zone); i++)
		sum += load_relaxed(&zone_stripe(pool, zone, i)->nr_free_cma);
	return sum;
}

long zone_isolated_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone_stripes(zone); i++)
		sum += load_relaxed(&zone_stripe(pool, zone, i)->nr_isolated);
	return sum;
}

unsigned long zone_nr_free(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	unsigned long sum = 0;

	for (u32 i = 0; i < zone_stripes(zone); i++)
		sum += load_relaxed(&stripe_area(pool, zone_stripe(pool, zone, i), order)->nr_free);
	return sum;
}

u64 wmark_pages(const struct zone *zone, enum pb_watermark mark)
{
	if (!PB_WITH_WATERMARKS)
		return 0;
	return load_relaxed(&zone->_watermark[mark]) + load_relaxed(&zone->watermark_boost);
}

/* ------------------------------------------------------------------ test */

/* Is there a block of at least this order that such a request may use? */
static bool zone_has_block(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
			   unsigned int alloc_flags)
{
	for (unsigned int t = 0; t < LIST_TYPES; t++) {
		if (!wmark_type_usable(t, alloc_flags))
			continue;
		for (u32 i = 0; i < zone_stripes(zone); i++) {
			const struct stripe *stripe = zone_stripe(pool, zone, i);

			if (!pool_is_linked(pool) && load_relaxed(&stripe->nonempty[t]) >> order)
				return true;
			for (unsigned int o = order; pool_is_linked(pool) && o <= pool->max_order;
			     o++)
				if (!area_empty(pool, stripe, o, t))
					return true;
		}
	}
	return false;
}

/* Pages kept for urgent requests of order > 0: the reserve's size, or by list_reserve the pages
   on its free lists. */
static long reserved_highatomic(const struct pb_pool *pool, const struct zone *zone)
{
	if (!PB_WITH_HIGHATOMIC)
		return 0;
	if (policy(pool)->list_reserve)
		return load_relaxed(&zone_stripe(pool, zone, 0)->nr_free_highatomic);
	return (long)load_relaxed(&zone->nr_reserved_highatomic);
}

/* Free pages that this request may not use. */
static long unusable_free(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
			  unsigned int alloc_flags)
{
	long unusable = wmark_above_order(order);

	if (!(alloc_flags & ALLOC_RESERVES))
		unusable += reserved_highatomic(pool, zone);
	if (!(alloc_flags & ALLOC_CMA))
		unusable += zone_free_cma(pool, zone);
	return unusable;
}

bool zone_watermark_ok(const struct pb_pool *pool, const struct zone *zone,
		       const struct wmark_test *test, long free_pages)
{
	long usable = free_pages - unusable_free(pool, zone, test->order, test->alloc_flags);

	if (!wmark_passes(usable, wmark_lowered((long)test->mark, test->alloc_flags),
			  lowmem_reserve(zone, test->classzone)))
		return false;
	return !test->order || zone_has_block(pool, zone, test->order, test->alloc_flags);
}

/* A lower bound of the free pages without CMA, from the stripes' approximate numbers: the exact
   counters are written by other CPUs all the time. */
static long approx_free_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone_stripes(zone); i++) {
		const struct stripe *stripe = zone_stripe(pool, zone, i);
		long approx = load_relaxed(&stripe->approx_free);

		sum += approx - approx_error(stripe, approx);
	}
	return sum;
}

/* Is the zone above the mark even by the lower bound, and has the CPU's home stripe a block? */
static bool far_above(const struct pb_pool *pool, const struct zone *zone,
		      const struct wmark_test *test)
{
	const struct stripe *home = home_stripe(pool, zone, test->cpu);
	long free_pages = approx_free_pages(pool, zone) - wmark_above_order(test->order) -
			  (long)load_relaxed(&zone->nr_reserved_highatomic);

	if (!wmark_passes(free_pages, (long)test->mark, lowmem_reserve(zone, test->classzone)))
		return false;
	for (unsigned int t = 0; test->order && t < PB_MIGRATE_PCPTYPES && t < LIST_TYPES; t++)
		if (load_relaxed(&home->nonempty[t]) >> test->order)
			return true;
	return !test->order;
}

/* The shortcut of order 0: a page that is free is on some list, so no list is looked at. */
static bool order_0_passes(const struct pb_pool *pool, const struct zone *zone,
			   const struct wmark_test *test, long free_pages)
{
	bool late = policy(pool)->reserve_seen_late;
	long usable = free_pages -
		      unusable_free(pool, zone, 0, test->alloc_flags | (late ? ALLOC_RESERVES : 0));

	return wmark_passes(usable, (long)test->mark, lowmem_reserve(zone, test->classzone));
}

bool zone_watermark_fast(const struct pb_pool *pool, const struct zone *zone,
			 const struct wmark_test *test)
{
	bool stripes = zone_stripes(zone) > 1; /* the linux profile has one stripe */
	struct wmark_test again = *test;
	long free_pages;

	if (!PB_WITH_WATERMARKS) {
		again.mark = 0;
		return zone_watermark_ok(pool, zone, &again, zone_vm_free_pages(pool, zone));
	}
	if (stripes && far_above(pool, zone, test))
		return true;
	free_pages = zone_vm_free_pages(pool, zone);
	if (!test->order && order_0_passes(pool, zone, test, free_pages))
		return true;
	if (zone_watermark_ok(pool, zone, test, free_pages))
		return true;
	/* A boost is to spare big blocks, not to starve small urgent requests. */
	if (test->order || !(test->gfp & policy(pool)->urgency.unboosted_gfp) ||
	    !load_relaxed(&zone->watermark_boost) ||
	    (test->alloc_flags & ALLOC_WMARK_MASK) != PB_WMARK_MIN)
		return false;
	again.mark = zone->_watermark[PB_WMARK_MIN];
	return zone_watermark_ok(pool, zone, &again, free_pages);
}

bool boost_watermark(struct pb_pool *pool, struct zone *zone)
{
	unsigned long boost, old = load_relaxed(&zone->watermark_boost);
	u32 factor = load_relaxed(&pool->super->tunables.watermark_boost_factor);
	u64 max;

	if (!PB_WITH_WATERMARKS)
		return false;
	/* A boost of one pageblock would make a zone of few pageblocks unusable. */
	if (!factor || is_plain(pool) ||
	    (pageblock_pages(pool) * 4 > load_relaxed(&zone->managed) &&
	     !policy(pool)->boosts_small))
		return false;
	max = mult_frac(load_relaxed(&zone->_watermark[PB_WMARK_HIGH]), factor, 10000);
	if (!max)
		return false;
	max = max_u64(pageblock_pages(pool), max);
	do { /* CPUs in other stripes boost, too, and reclaim hooks take the boost back */
		boost = (unsigned long)min_u64(old + pageblock_pages(pool), max);
	} while (!pb_atomic_compare_exchange_n(&zone->watermark_boost, &old, boost, false,
					       __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (tracing(pool)) {
		struct pb_trace_event event = { .type = PB_TRACE_BOOST, .value = (s64)boost };

		event.pfn = zone->start_pfn;
		trace_event(pool, zone, &event);
	}
	return true;
}
