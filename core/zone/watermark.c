/* SPDX-License-Identifier: MIT */
/*
 * Zones, when to say no: the watermark test (spec 6.2), boost (7.2), and what
 * is computed from the zones' sizes: min/low/high (7.3, 7.4), lowmem_reserve
 * (7.5), per-CPU list sizes (9.1, 9.6).
 *
 *	free pages   0 ....... min ....... low ....... high .......
 *	             HIGH, HARDER|         | wake       | background
 *	             may go below|         | reclaim    | reclaim rests
 */
#include "zone/zone.h"

#include "linux/linux_rules.h"

long zone_free_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone->nr_stripes; i++)
		sum += load_relaxed(&zone_stripe(pool, zone, i)->nr_free_pages);
	return sum;
}

long zone_vm_free_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long free_pages;

	if (!pool_is_linked(pool))
		return zone_free_pages(pool, zone);
	free_pages = load_relaxed(&zone->vm_free);
	return free_pages < 0 ? 0 : free_pages;
}

long zone_free_cma(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone->nr_stripes; i++)
		sum += load_relaxed(&zone_stripe(pool, zone, i)->nr_free_cma);
	return sum;
}

long zone_isolated_pages(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone->nr_stripes; i++)
		sum += load_relaxed(&zone_stripe(pool, zone, i)->nr_isolated);
	return sum;
}

unsigned long zone_nr_free(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	unsigned long sum = 0;

	for (u32 i = 0; i < zone->nr_stripes; i++)
		sum += load_relaxed(&stripe_area(pool, zone_stripe(pool, zone, i), order)->nr_free);
	return sum;
}

u64 wmark_pages(const struct zone *zone, enum pb_watermark mark)
{
	return load_relaxed(&zone->_watermark[mark]) + load_relaxed(&zone->watermark_boost);
}

/* ------------------------------------------------------------------ test */

/* Is there a block of at least this order that such a request may use? */
static bool zone_has_block(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
			   unsigned int alloc_flags)
{
	for (unsigned int t = 0; t < PB_MIGRATE_TYPES; t++) {
		if (!wmark_type_usable(t, alloc_flags))
			continue;
		for (u32 i = 0; i < zone->nr_stripes; i++) {
			struct stripe *stripe = zone_stripe(pool, zone, i);

			for (unsigned int o = order; o <= pool->max_order; o++)
				if (!area_empty(pool, stripe, o, t))
					return true;
		}
	}
	return false;
}

/* Kept for urgent requests of order > 0: the reserve's size, or what of it is free. */
static long reserved_highatomic(const struct pb_pool *pool, const struct zone *zone)
{
	if (pool_is_linked(pool) && linux_rules(pool)->list_reserve)
		return load_relaxed(&zone_stripe(pool, zone, 0)->nr_free_highatomic);
	return (long)load_relaxed(&zone->nr_reserved_highatomic);
}

/* Pages that count as free but not for this request. */
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

bool zone_watermark_ok(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
		       u64 mark, unsigned int classzone, unsigned int alloc_flags, long free_pages)
{
	long usable = free_pages - unusable_free(pool, zone, order, alloc_flags);

	if (!wmark_passes(usable, wmark_lowered((long)mark, alloc_flags),
			  (long)load_relaxed(&zone->lowmem_reserve[classzone])))
		return false;
	return !order || zone_has_block(pool, zone, order, alloc_flags);
}

/* At least so many pages are free and not CMA, by what the stripes last published:
   their counters are not looked at, which other CPUs write all the time. */
static long published_free(const struct pb_pool *pool, const struct zone *zone)
{
	long sum = 0;

	for (u32 i = 0; i < zone->nr_stripes; i++) {
		const struct stripe *stripe = zone_stripe(pool, zone, i);
		long published = load_relaxed(&stripe->published);

		sum += published - published_slack(stripe, published);
	}
	return sum;
}

/* Clearly above the mark, and a block in the CPU's home stripe? */
static bool far_above(const struct pb_pool *pool, const struct zone *zone, u32 cpu,
		      unsigned int order, u64 mark, unsigned int classzone)
{
	const struct stripe *home = home_stripe(pool, zone, cpu);
	long free_pages = published_free(pool, zone) - wmark_above_order(order) -
			  (long)load_relaxed(&zone->nr_reserved_highatomic);

	if (!wmark_passes(free_pages, (long)mark,
			  (long)load_relaxed(&zone->lowmem_reserve[classzone])))
		return false;
	for (unsigned int t = 0; order && t < PB_MIGRATE_PCPTYPES; t++)
		if (load_relaxed(&home->nonempty[t]) >> order)
			return true;
	return !order;
}

bool zone_watermark_fast(const struct pb_pool *pool, const struct zone *zone, u32 cpu,
			 unsigned int order, u64 mark, unsigned int classzone,
			 unsigned int alloc_flags, pb_gfp_t gfp)
{
	bool stripes = zone->nr_stripes > 1; /* so it is not the linux profile */
	long free_pages;
	bool atomic = pool_is_linked(pool) ? (gfp & linux_rules(pool)->urgency.unboosted_gfp) != 0
					   : (alloc_flags & ALLOC_HIGH) != 0;

	if (stripes && far_above(pool, zone, cpu, order, mark, classzone))
		return true;
	free_pages = zone_vm_free_pages(pool, zone);
	if (!order) {
		bool late = pool_is_linked(pool) && linux_rules(pool)->reserve_seen_late;
		long usable = free_pages - unusable_free(pool, zone, 0,
							 alloc_flags | (late ? ALLOC_RESERVES : 0));

		if (wmark_passes(usable, (long)mark,
				 (long)load_relaxed(&zone->lowmem_reserve[classzone])))
			return true;
	}
	if (zone_watermark_ok(pool, zone, order, mark, classzone, alloc_flags, free_pages))
		return true;
	/* A boost is to spare big blocks, not to starve small urgent requests. */
	if (order || !atomic || !load_relaxed(&zone->watermark_boost) ||
	    (alloc_flags & ALLOC_WMARK_MASK) != PB_WMARK_MIN)
		return false;
	return zone_watermark_ok(pool, zone, order, zone->_watermark[PB_WMARK_MIN], classzone,
				 alloc_flags, free_pages);
}

bool boost_watermark(struct pb_pool *pool, struct zone *zone)
{
	unsigned long boost, old = load_relaxed(&zone->watermark_boost);
	u32 factor = load_relaxed(&pool->super->tunables.watermark_boost_factor);
	u64 max;

	/* A zone of few pageblocks would be boosted out of use. */
	if (!factor || is_plain(pool) ||
	    (pageblock_pages(pool) * 4 > load_relaxed(&zone->managed) &&
	     !(pool_is_linked(pool) && linux_rules(pool)->boosts_small)))
		return false;
	max = mult_frac(load_relaxed(&zone->_watermark[PB_WMARK_HIGH]), factor, 10000);
	if (!max)
		return false;
	max = max_u64(pageblock_pages(pool), max);
	do { /* other stripes boost, too, and hooks take it back */
		boost = (unsigned long)min_u64(old + pageblock_pages(pool), max);
	} while (!__atomic_compare_exchange_n(&zone->watermark_boost, &old, boost, false,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (tracing(pool)) {
		struct pb_trace_event event = { .type = PB_TRACE_BOOST, .value = (s64)boost };

		event.pfn = zone->start_pfn;
		trace_event(pool, zone, &event);
	}
	return true;
}

/* ------------------------------------------------------------------ sizes */

static bool is_lowmem(const struct pb_pool *pool, const struct zone *zone)
{
	if (zone->type == PB_ZONE_HIGHMEM)
		return false;
	return zone->type != PB_ZONE_MOVABLE ||
	       (pool_is_linked(pool) && !linux_rules(pool)->movable_apart);
}

static u64 lowmem_pages(const struct pb_pool *pool)
{
	u64 sum = 0;

	for (u32 i = 0; i < pool->super->nr_zones; i++)
		if (is_lowmem(pool, pool_zone(pool, i)))
			sum += load_relaxed(&pool_zone(pool, i)->managed);
	return sum;
}

/* Spec 7.4. The reserve grows with the square root: big machines need more, but
   not in proportion. */
s32 default_min_free_kbytes(const struct pb_pool *pool)
{
	u64 kbytes = 0;

	for (u32 i = 0; i < pool->super->nr_zones; i++) {
		const struct zone *zone = pool_zone(pool, i);
		u64 high = zone->_watermark[PB_WMARK_HIGH];

		if (zone->type <= PB_ZONE_NORMAL && load_relaxed(&zone->managed) > high)
			kbytes += (load_relaxed(&zone->managed) - high) << (pool->page_shift - 10);
	}
	kbytes = clamp_u64(int_sqrt(kbytes * 16), 128, 262144);
	if (!pool_is_linked(pool)) /* Linux's least is half of a pool of 64 pages */
		kbytes = min_u64(kbytes, lowmem_pages(pool) / 16 << (pool->page_shift - 10));
	return (s32)kbytes;
}

/* Spec 7.3. */
static void setup_zone_wmarks(struct pb_pool *pool, struct zone *zone, u64 pages_min, u64 lowmem)
{
	const struct tunables *t = &pool->super->tunables;
	u64 share = lowmem ? div_u64(pages_min * load_relaxed(&zone->managed), lowmem) : 0;
	u64 gap = max_u64(share / 4, mult_frac(load_relaxed(&zone->managed),
					       t->watermark_scale_factor, 10000));
	u64 min = is_lowmem(pool, zone) ? share
					: clamp_u64(load_relaxed(&zone->managed) / 1024, 32, 128);

	if (!pool_is_linked(pool) && !is_lowmem(pool, zone))
		min = min_u64(min, load_relaxed(&zone->managed) / 16);
	if (is_plain(pool))
		min = gap = 0;
	for (unsigned int mark = PB_WMARK_MIN; mark < PB_NR_WMARK; mark++)
		store_relaxed(&zone->_watermark[mark], min + mark * gap);
	store_relaxed(&zone->watermark_boost, 0ul);
}

/* Spec 7.5: keep requests that could go higher from filling a low zone. */
static void setup_zone_lowmem_reserve(struct pb_pool *pool, struct zone *zone)
{
	u32 ratio = is_plain(pool) ? 0 : pool->super->tunables.lowmem_reserve_ratio[zone->type];
	const struct node *node = pool_node(pool, zone->node);
	u64 above = 0;

	for (unsigned int j = 0; j < PB_NR_ZONE_TYPES; j++) {
		if (j > zone->type && node->zones[j] != NO_ZONE)
			above += load_relaxed(&pool_zone(pool, node->zones[j])->managed);
		store_relaxed(&zone->lowmem_reserve[j],
			      ratio && load_relaxed(&zone->managed) ? div_u64(above, ratio) : 0);
	}
}

static u64 zone_totalreserve(const struct zone *zone)
{
	u64 most = 0;

	for (unsigned int j = zone->type; j < PB_NR_ZONE_TYPES; j++)
		most = max_u64(most, zone->lowmem_reserve[j]);
	return min_u64(load_relaxed(&zone->managed), most + zone->_watermark[PB_WMARK_HIGH]);
}

/* Spec 9.1; before it is made at least 1. */
static s32 zone_batchsize(const struct pb_pool *pool, const struct zone *zone)
{
	u64 batch = min_u64(load_relaxed(&zone->managed) / 1024, (u64)1 << 20 >> pool->page_shift) /
		    4;

	if (batch < 1)
		batch = 1;
	batch += batch / 2;
	return (s32)(((u64)1 << fls64(batch)) - 1);
}

/* Spec 13.1: how much of a change a CPU may keep to itself. */
static u64 stat_threshold(const struct pb_pool *pool, const struct zone *zone)
{
	u64 chunks = load_relaxed(&zone->managed) >> (27 - pool->page_shift);
	u64 cpus = 1 + fls32(pool->super->nr_cpus);

	return min_u64(125, 2 * cpus * (1 + (chunks ? 1 + fls64(chunks) : 0)));
}

/* Spec 9.6. */
static void setup_zone_pcp(struct pb_pool *pool, struct zone *zone)
{
	const struct tunables *t = &pool->super->tunables;
	u64 cpus = pool_node(pool, zone->node)->nr_cpus;
	s32 unclamped = zone_batchsize(pool, zone), batch = unclamped ? unclamped : 1;
	u64 floor = (u64)batch * 4, low, min, max;
	u8 batches = linux_rules(pool)->pcp_high_batches;

	if (!cpus)
		cpus = max_u64(1, pool->super->nr_cpus);
	low = t->pcp_high_fraction ? div_u64(load_relaxed(&zone->managed), t->pcp_high_fraction)
				   : zone->_watermark[PB_WMARK_LOW];
	min = max_u64(floor, div_u64(low, cpus));
	max = max_u64(floor, div_u64(load_relaxed(&zone->managed) / 8, cpus));
	if (t->pcp_high_fraction)
		max = min;
	if (batches) /* P8; a fraction is of the zone, whoever shares it, and gives the batch */
		min = max = t->pcp_high_fraction ? low : (u64)unclamped * batches;
	if (batches && t->pcp_high_fraction)
		batch = (s32)clamp_u64(low / 4, 1, pool->page_shift * 8u);
	if (t->pcp_high)
		min = max = t->pcp_high;
	store_relaxed(&zone->stat_threshold, (s32)stat_threshold(pool, zone));
	store_relaxed(&zone->pcp_batch, t->pcp_batch ? (s32)t->pcp_batch : batch);
	store_relaxed(&zone->pcp_high_min, (s32)min);
	store_relaxed(&zone->pcp_high_max, (s32)max);
}

void __setup_per_zone_wmarks(struct pb_pool *pool)
{
	const struct tunables *t = &pool->super->tunables;
	u64 pages_min = (u64)t->min_free_kbytes >> (pool->page_shift - 10);
	u64 lowmem = lowmem_pages(pool);
	u64 total = 0;

	for (u32 i = 0; i < pool->super->nr_zones; i++)
		setup_zone_wmarks(pool, pool_zone(pool, i), pages_min, lowmem);
	for (u32 i = 0; i < pool->super->nr_zones; i++) {
		struct zone *zone = pool_zone(pool, i);

		setup_zone_lowmem_reserve(pool, zone);
		setup_zone_pcp(pool, zone);
		total += zone_totalreserve(zone);
	}
	store_relaxed(&pool->super->totalreserve, total);
}
