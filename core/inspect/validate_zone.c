/* SPDX-License-Identifier: MIT */
/*
 * I23 to I28, I37, I40: the counters of stripes and zones are the sums of what the lists hold,
 * watermarks and reserves are in order.
 */
#include "inspect/validate.h"

#include "linux/pcp_linux.h"

static int check_stripe_totals(struct check *c, const struct zone *zone, u32 number)
{
	const struct stripe *stripe = zone_stripe(c->pool, zone, number);
	struct free_block b = first_free(zone);
	long pages[PB_MIGRATE_TYPES] = { 0 };
	long sum = 0, slack;

	while (next_in(c, zone, &b)) {
		if (frame_stripe(c->pool, zone, b.frame) != stripe)
			continue;
		pages[c->pool->pcp_types ? c->pool->pcp_types[b.frame]
					 : frame_migratetype(c->pool, b.frame)] += 1L << b.order;
	}
	for (unsigned int t = 0; t < PB_MIGRATE_ISOLATE; t++)
		sum += pages[t];
	if (stripe->nr_free_pages != sum)
		return broken_zone(c, 23, "free pages", zone,
				   FOUND((u64)stripe->nr_free_pages, (u64)sum));
	if (stripe->nr_free_cma != pages[PB_MIGRATE_CMA])
		return broken_zone(c, 23, "free CMA pages", zone,
				   FOUND((u64)stripe->nr_free_cma, (u64)pages[PB_MIGRATE_CMA]));
	slack = approx_error(stripe, stripe->approx_free);
	if (PB_WITH_SMP && (sum - stripe->nr_free_cma > stripe->approx_free + slack ||
			    sum - stripe->nr_free_cma < stripe->approx_free - slack))
		return broken_zone(c, 23, "approximate free pages", zone,
				   FOUND((u64)stripe->approx_free,
					 (u64)(sum - stripe->nr_free_cma)));
	if (stripe->nr_isolated != pages[PB_MIGRATE_ISOLATE])
		return broken_zone(c, 23, "free isolated pages", zone,
				   FOUND((u64)stripe->nr_isolated, (u64)pages[PB_MIGRATE_ISOLATE]));
	return PB_OK;
}

static int check_free_totals(struct check *c, const struct zone *zone)
{
	for (u32 i = 0; i < zone->nr_stripes; i++)
		CHECK(check_stripe_totals(c, zone, i));
	return PB_OK;
}

static u64 owned_pages(const struct check *c, const struct zone *zone)
{
	const struct pb_page *page = c->pool->pages + zone_first_frame(c->pool, zone);
	u64 owned = 0;

	for (u64 i = 0; i < zone_nr_frames(c->pool, zone);
	     i++) /* of absent spans: zero, or ABSENT */
		if (page[i].state & PB_PAGE_HEAD)
			owned += (u64)1 << (page[i].state & PB_PAGE_ORDER);
	return owned;
}

static int check_managed(struct check *c, const struct zone *zone)
{
	u64 sum = owned_pages(c, zone);

	c->pages = 0;
	for (c->cpu = 0; c->cpu < pool_areas(c->pool); c->cpu++)
		(void)walk_pcp(c, count_block); /* sound: I13 */
	sum += c->pages + (u64)zone_free_pages(c->pool, zone) +
	       (u64)zone_isolated_pages(c->pool, zone) + (u64)zone->quarantined;
	if (pool_was_loaded(c->pool) ? sum > zone->present : sum != zone->managed)
		return broken_zone(c, 24, "pages free, in per-CPU lists and owned", zone,
				   FOUND(sum,
					 pool_was_loaded(c->pool) ? zone->present : zone->managed));
	return PB_OK;
}

static u64 count_type(const struct check *c, const struct zone *zone, unsigned int type)
{
	u64 count = 0;

	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++) {
		u32 pageblock = zone_first_pageblock(c->pool, zone) + i;

		count += frame_is_there(c->pool, pageblock << c->pool->pageblock_order) &&
			 pool_pageblock(c->pool, pageblock)->type == type;
	}
	return count;
}

/* linux: a pageblock may lose its type while the reserve still counts it. */
static int check_reserve(struct check *c, const struct zone *zone)
{
	u64 pages = count_type(c, zone, PB_MIGRATE_HIGHATOMIC) << c->pool->pageblock_order;
	u64 found = zone->nr_reserved_highatomic;

	if (pool_was_loaded(c->pool))
		return PB_OK;
	if (pool_is_linked(c->pool) ? (found & (pageblock_pages(c->pool) - 1)) != 0 ||
					      found < pages || found > zone->present
				    : found != pages)
		return broken_zone(c, 25, "pages reserved for high-order atomic requests", zone,
				   FOUND(found, pages));
	return PB_OK;
}

static int check_isolated(struct check *c, const struct zone *zone)
{
	u64 count = count_type(c, zone, PB_MIGRATE_ISOLATE);

	if (zone->nr_isolate_pageblock != count)
		return broken_zone(c, 26, "isolated pageblocks", zone,
				   FOUND(zone->nr_isolate_pageblock, count));
	return PB_OK;
}

static int check_watermarks(struct check *c, const struct zone *zone)
{
	if (pool_was_loaded(c->pool))
		return PB_OK;
	for (unsigned int w = PB_WMARK_LOW; w < PB_NR_WMARK; w++)
		if (zone->_watermark[w] < zone->_watermark[w - 1])
			return broken_zone(c, 27, "watermarks do not ascend", zone,
					   FOUND(zone->_watermark[w], zone->_watermark[w - 1]));
	return PB_OK;
}

int check_totals(struct check *c)
{
	CHECK(each_zone(c, check_free_totals));
	CHECK(each_zone(c, check_managed));
	CHECK(each_zone(c, check_reserve));
	CHECK(each_zone(c, check_isolated));
	return each_zone(c, check_watermarks);
}

int check_vm_free(struct check *c, const struct zone *zone)
{
	long sum = zone->vm_free;

	if (!pool_is_linked(c->pool) || pool_was_loaded(c->pool))
		return PB_OK;
	for (u32 cpu = 0; cpu < c->pool->percpu_cpus; cpu++)
		sum += pcp_linux_of(c->pool, cpu, zone)->stat_diff;
	if (sum != zone_free_pages(c->pool, zone))
		return broken_zone(c, 37, "the free page counter and what CPUs hold back", zone,
				   FOUND((u64)sum, (u64)zone_free_pages(c->pool, zone)));
	return PB_OK;
}

int check_bounds(struct check *c, const struct zone *zone)
{
	if (zone->flags & ~ZONE_FLAGS)
		return broken_at(c, 40, "a flag that does not exist", "zone",
				 zone_number(c->pool, zone));
	if (!pool_was_loaded(c->pool) && zone->watermark_boost > zone->present)
		return broken_zone(c, 40, "pages that the watermarks are boosted by", zone,
				   FOUND(zone->watermark_boost, zone->present));
	if (!pool_is_linked(c->pool) && zone->vm_free)
		return broken_zone(c, 40, "the linux profile's counter", zone,
				   FOUND((u64)zone->vm_free, 0));
	return PB_OK;
}
