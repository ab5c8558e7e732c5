/* SPDX-License-Identifier: MIT */
/*
 * Statistics of a pool: events, zones, per-CPU lists, fragmentation indices.
 */
#include "alloc/misuse.h"
#include "linux/pcp_linux.h"
#include "pcp/pcp.h"
#include "pcp/shared.h"

/* ----------------------------------------------------------------- indices */

struct free_sums {
	u64 blocks, pages;
	u64 suitable; /* blocks of the order that the free blocks could be split into */
};

static struct free_sums sum_free(const uint64_t *nr_free, unsigned int orders, unsigned int order)
{
	struct free_sums sums = { 0, 0, 0 };

	for (unsigned int o = 0; o < orders; o++) {
		sums.blocks += nr_free[o];
		sums.pages += nr_free[o] << o;
		if (o >= order)
			sums.suitable += nr_free[o] << (o - order);
	}
	return sums;
}

int pb_extfrag_index(const uint64_t *nr_free, unsigned int orders, unsigned int order)
{
	const struct free_sums sums = sum_free(nr_free, orders, order);

	if (!sums.blocks)
		return 0;
	if (sums.suitable)
		return -1000;
	return 1000 - (int)div_u64(1000 + (sums.pages * 1000 >> order), sums.blocks);
}

int pb_unusable_index(const uint64_t *nr_free, unsigned int orders, unsigned int order)
{
	const struct free_sums sums = sum_free(nr_free, orders, order);

	if (!sums.pages)
		return 1000;
	return (int)div_u64((sums.pages - (sums.suitable << order)) * 1000, sums.pages);
}

/* -------------------------------------------------------------- statistics */

unsigned int pb_nr_zones(const struct pb_pool *pool)
{
	return pool->super->nr_zones;
}

int pb_zone_below(const struct pb_pool *pool, unsigned int i, enum pb_watermark mark)
{
	const struct zone *zone;

	if (i >= pool->super->nr_zones || (u32)mark >= PB_NR_WMARK)
		return PB_ENODEV;
	zone = pool_zone(pool, i);
	return zone_vm_free_pages(pool, zone) <= (long)wmark_pages(zone, mark);
}

uint64_t pb_free_blocks(const struct pb_pool *pool, int node, unsigned int order)
{
	u64 sum = 0;

	for (u32 z = 0; z < pool->super->nr_zones; z++)
		for (unsigned int o = order; o <= pool->max_order; o++)
			if (node == PB_NO_NODE || node == pool_zone(pool, z)->node)
				sum += (u64)zone_nr_free(pool, pool_zone(pool, z), o)
				       << (o - order);
	return sum;
}

static s64 zone_pcp_pages(const struct pb_pool *pool, const struct zone *zone)
{
	struct pcp_counts counts;
	s64 held = 0;

	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		pcp_count(pool, cpu, zone, &counts);
		held += (s64)counts.held;
	}
	return held;
}

static void count_pageblocks(const struct pb_pool *pool, const struct zone *zone,
			     struct pb_zone_stat *stat)
{
	for (u32 b = 0; b < zone_nr_pageblocks(pool, zone); b++) {
		u32 pageblock = zone_first_pageblock(pool, zone) + b;
		u32 marks = has_marks(pool) ? pageblock_marks(pool, pageblock) : 0;

		if (frame_is_there(pool, pageblock << pool->pageblock_order))
			stat->pageblocks[pageblock_type(pool, pageblock)]++;
		stat->reported += marks & MARK_REPORTED ? pageblock_pages(pool) : 0;
		stat->cleared += marks & MARK_CLEARED ? pageblock_pages(pool) : 0;
	}
}

int pb_zone_stats(struct pb_pool *pool, unsigned int i, struct pb_zone_stat *stat)
{
	const struct zone *zone;

	memset(stat, 0, sizeof(*stat));
	if (i >= pool->super->nr_zones)
		return PB_ENODEV;
	zone = pool_zone(pool, i);
	stat->node = zone->node;
	stat->zone = zone->type;
	stat->start_pfn = zone->start_pfn;
	stat->spanned = zone->spanned;
	stat->present = load_relaxed(&zone->present);
	stat->managed = load_relaxed(&zone->managed);
	stat->free = zone_free_pages(pool, zone);
	stat->vm_free = zone_vm_free_pages(pool, zone);
	stat->free_cma = zone_free_cma(pool, zone);
	stat->isolated = zone_isolated_pages(pool, zone);
	stat->pcp = zone_pcp_pages(pool, zone);
	stat->quarantined = load_relaxed(&zone->quarantined);
	for (unsigned int w = 0; w < PB_NR_WMARK; w++)
		stat->watermark[w] = load_relaxed(&zone->_watermark[w]);
	stat->boost = load_relaxed(&zone->watermark_boost);
	for (unsigned int t = 0; t < PB_NR_ZONE_TYPES; t++)
		stat->lowmem_reserve[t] = (u64)lowmem_reserve(zone, t);
	stat->nr_reserved_highatomic = load_relaxed(&zone->nr_reserved_highatomic);
	stat->nr_isolate_pageblock = load_relaxed(&zone->nr_isolate_pageblock);
	for (unsigned int o = 0; o <= pool->max_order; o++)
		stat->nr_free[o] = zone_nr_free(pool, zone, o);
	count_pageblocks(pool, zone, stat);
	stat->stripes = zone->nr_stripes;
	stat->flags = load_relaxed(&zone->flags);
	return PB_OK;
}

static void add_zone_events(struct pb_pool *pool, const struct zone *zone, uint64_t *vm)
{
	struct pcp_counts counts;

	for (u32 i = 0; i < zone->nr_stripes; i++) {
		const struct stripe *stripe = zone_stripe(pool, zone, i);

		vm[PB_PGALLOC_DMA + zone->type] += load_relaxed(&stripe->pgalloc);
		vm[PB_PGFREE] += load_relaxed(&stripe->pgfree);
	}
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		pcp_count(pool, cpu, zone, &counts);
		vm[PB_PGALLOC_DMA + zone->type] += counts.alloc_pages;
		vm[PB_PGFREE] += counts.free_pages;
	}
	vm[PB_PGFREE] += (u64)load_relaxed(&zone->quarantined); /* the zone counts them later */
	vm[PB_EXTFRAG] += load_relaxed(&zone->extfrag);
	vm[PB_EXTFRAG_STEAL] += load_relaxed(&zone->extfrag_steal);
}

int pb_pool_info(const struct pb_pool *pool, struct pb_pool_info *info)
{
	const struct pb_super *super = pool ? pool->super : NULL;

	*info = (struct pb_pool_info){ 0 };
	if (!super)
		return PB_ENODEV;
	info->frames = pool->nr_frames;
	info->memory = pool->super;
	info->memory_bytes = (size_t)super->bytes;
	info->flags = super->flags;
	info->nr_cpus = pool->percpu_cpus;
	info->page_shift = pool->page_shift;
	info->max_order = pool->max_order;
	info->pageblock_order = pool->pageblock_order;
	info->profile = pool->profile;
	info->kernel = pool->kernel;
	return PB_OK;
}

void pb_stats(struct pb_pool *pool, struct pb_pool_stat *stat)
{
	const struct pb_super *super = pool->super;

	memset(stat, 0, sizeof(*stat));
	stat->frames = super->nr_frames;
	stat->metadata_bytes = super->bytes;
	stat->zones = super->nr_zones;
	stat->cpus = super->nr_cpus;
	stat->stripes = super->nr_stripes;
	stat->totalreserve_pages = load_relaxed(&super->totalreserve);
	for (u32 id = 0; id < super->nr_nodes; id++)
		stat->nodes += pool_node(pool, id)->online;
	for (unsigned int e = 0; PB_WITH_COUNTERS && e < PB_NR_VM_EVENTS; e++)
		stat->vm[e] = load_relaxed(&super->vm[e]);
	stat->vm[PB_ALLOC_FAIL] = load_relaxed(&super->vm[VM_ALLOC_FAIL]);
	for (u32 z = 0; z < super->nr_zones; z++) {
		const struct zone *zone = pool_zone(pool, z);

		stat->present += load_relaxed(&zone->present);
		stat->managed += load_relaxed(&zone->managed);
		stat->free += zone_free_pages(pool, zone);
		stat->pcp += zone_pcp_pages(pool, zone);
		stat->quarantined += load_relaxed(&zone->quarantined);
		add_zone_events(pool, zone, stat->vm);
	}
	if (!has_marks(pool))
		return;
	stat->reported = load_relaxed(marked_count(pool, MARK_REPORTED)) * pageblock_pages(pool);
	stat->cleared = load_relaxed(marked_count(pool, MARK_CLEARED)) * pageblock_pages(pool);
}

int pb_numa_stats(struct pb_pool *pool, unsigned int i, uint64_t numa[PB_NR_NUMA_EVENTS])
{
	const struct zone *zone;
	struct pcp_counts counts;
	u64 direct = 0, local = 0, other = 0;

	memset(numa, 0, PB_NR_NUMA_EVENTS * sizeof(*numa));
	if (i >= pool->super->nr_zones)
		return PB_ENODEV;
	zone = pool_zone(pool, i);
	for (u32 s = 0; s < zone->nr_stripes; s++)
		direct += load_relaxed(&zone_stripe(pool, zone, s)->direct_allocs);
	other = load_relaxed(&zone->numa_other_direct);
	local = direct - other;
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		pcp_count(pool, cpu, zone, &counts);
		*(cpu_node(pool, cpu) == zone->node ? &local : &other) += counts.allocs;
	}
	numa[PB_NUMA_MISS] = load_relaxed(&zone->numa_miss);
	numa[PB_NUMA_FOREIGN] = load_relaxed(&zone->numa_foreign);
	numa[PB_NUMA_HIT] = local + other - numa[PB_NUMA_MISS];
	numa[PB_NUMA_LOCAL] = local;
	numa[PB_NUMA_OTHER] = other;
	for (unsigned int e = 0; PB_WITH_COUNTERS && e < PB_NR_NUMA_EVENTS; e++)
		numa[e] += zone->numa_base[e];
	return PB_OK;
}

int pb_pcp_stats(struct pb_pool *pool, unsigned int i, unsigned int cpu, struct pb_pcp_stat *stat)
{
	const struct zone *zone;
	struct pcp_counts counts;

	memset(stat, 0, sizeof(*stat));
	if (i >= pool->super->nr_zones || cpu >= pool_areas(pool))
		return PB_ENODEV;
	zone = pool_zone(pool, i);
	pcp_count(pool, cpu, zone, &counts);
	stat->count = (s32)counts.held;
	stat->batch = load_relaxed(&zone->pcp_batch);
	stat->high = load_relaxed(&zone->pcp_high_max); /* I16 */
	stat->high_min = load_relaxed(&zone->pcp_high_min);
	stat->high_max = load_relaxed(&zone->pcp_high_max);
	if (pool_is_linked(pool)) {
		const struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);

		stat->batch = load_relaxed(&pcp->batch);
		stat->high = load_relaxed(&pcp->high);
		stat->free_factor = load_relaxed(&pcp->free_factor);
		stat->high_min = load_relaxed(&pcp->high_min);
		stat->high_max = load_relaxed(&pcp->high_max);
		stat->alloc_factor = load_relaxed(&pcp->alloc_factor);
		stat->flags = load_relaxed(&pcp->flags);
	}
	return PB_OK;
}

int pb_zonelist_nodes(const struct pb_pool *pool, int node, uint8_t nodes[PB_MAX_NODES])
{
	const struct node *home;

	if (node == PB_NO_NODE)
		node = cpu_node(pool, pb_platform_cpu());
	if (node < 0 || (u32)node >= pool->super->nr_nodes)
		return PB_ENODEV;
	home = pool_node(pool, (u32)node);
	memcpy(nodes, home->order, home->zonelist_nodes);
	return home->zonelist_nodes;
}
