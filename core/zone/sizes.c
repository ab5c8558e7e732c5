/* SPDX-License-Identifier: MIT */
/*
 * Sizes that follow from the zones' managed pages and the tunables: the min, low and high
 * watermarks (spec 7.3, 7.4), lowmem_reserve (7.5), the sizes of per-CPU lists (9.1, 9.6).
 */
#include "zone/zone.h"

static bool is_lowmem(const struct pb_pool *pool, const struct zone *zone)
{
	if (zone->type == PB_ZONE_HIGHMEM)
		return false;
	return zone->type != PB_ZONE_MOVABLE || !policy(pool)->movable_apart;
}

static u64 lowmem_pages(const struct pb_pool *pool)
{
	u64 sum = 0;

	for (u32 i = 0; i < pool_nr_zones(pool); i++)
		if (is_lowmem(pool, pool_zone(pool, i)))
			sum += load_relaxed(&pool_zone(pool, i)->managed);
	return sum;
}

/* Spec 7.4. The reserve grows with the square root: big machines need more, but
   not in proportion. */
s32 default_min_free_kbytes(const struct pb_pool *pool)
{
	u64 kbytes = 0;

	if (!PB_WITH_WATERMARKS)
		return 0;
	for (u32 i = 0; i < pool_nr_zones(pool); i++) {
		const struct zone *zone = pool_zone(pool, i);
		u64 high = zone->_watermark[PB_WMARK_HIGH];

		if (zone->type <= PB_ZONE_NORMAL && load_relaxed(&zone->managed) > high)
			kbytes += (load_relaxed(&zone->managed) - high) << (pool->page_shift - 10);
	}
	kbytes = clamp_u64(int_sqrt(kbytes * 16), 128, 262144);
	if (policy(pool)->small_pools) /* Linux's minimum of 128 KiB is half of a 64-page pool */
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

	if (policy(pool)->small_pools && !is_lowmem(pool, zone))
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

	for (unsigned int j = zone->type; PB_WITH_ZONES && j < PB_NR_ZONE_TYPES; j++)
		most = max_u64(most, zone->lowmem_reserve[j]);
	return min_u64(load_relaxed(&zone->managed), most + zone->_watermark[PB_WMARK_HIGH]);
}

/* Spec 9.1, before the clamp to at least 1. */
static s32 zone_batchsize(const struct pb_pool *pool, const struct zone *zone)
{
	u64 batch = min_u64(load_relaxed(&zone->managed) / 1024, (u64)1 << 20 >> pool->page_shift) /
		    4;

	if (batch < 1)
		batch = 1;
	batch += batch / 2;
	return (s32)(((u64)1 << fls64(batch)) - 1);
}

/* Spec 13.1: pages of change that a CPU may hold back, by the zone's size in chunks of 128 MiB
   (a page may be larger than a chunk). */
static u64 stat_threshold(const struct pb_pool *pool, const struct zone *zone)
{
	u64 chunks = load_relaxed(&zone->managed) << (pool->page_shift - 12) >> (27 - 12);
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
	u8 batches = policy(pool)->pcp_high_batches;

	if (!cpus)
		cpus = max_u64(1, pool->super->nr_cpus);
	low = t->pcp_high_fraction ? div_u64(load_relaxed(&zone->managed), t->pcp_high_fraction)
				   : zone->_watermark[PB_WMARK_LOW];
	min = max_u64(floor, div_u64(low, cpus));
	max = max_u64(floor, div_u64(load_relaxed(&zone->managed) / 8, cpus));
	if (t->pcp_high_fraction)
		max = min;
	if (batches) /* P8; pcp_high_fraction isn't divided by CPUs, and sets the batch, too */
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

	for (u32 i = 0; PB_WITH_WATERMARKS && i < pool_nr_zones(pool); i++)
		setup_zone_wmarks(pool, pool_zone(pool, i), pages_min, lowmem);
	for (u32 i = 0; i < pool_nr_zones(pool); i++) {
		struct zone *zone = pool_zone(pool, i);

		if (PB_WITH_WATERMARKS && PB_WITH_ZONES)
			setup_zone_lowmem_reserve(pool, zone);
		if (PB_WITH_PCP)
			setup_zone_pcp(pool, zone);
		if (PB_WITH_WATERMARKS)
			total += zone_totalreserve(zone);
	}
	store_relaxed(&pool->super->totalreserve, total);
}
