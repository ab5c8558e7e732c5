// SPDX-License-Identifier: MIT
/*
 * The recorded state of a node becomes a pool in the linux profile.
 *
 * The pool has the recorded node and, because one rule asks how many nodes are
 * online, others without a free frame, as many as there were. It has the machine's
 * CPUs with what their lists hold of the node.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define MAX_REGIONS 4096

struct map {
	struct pb_region region[MAX_REGIONS];
	uint32_t n;
};

static int fail(char error[256], const struct diff_phase *phase, const char *what, uint64_t pfn,
		int code)
{
	snprintf(error, 256, "phase %d (%s, seed %" PRIu64 "): %s (pfn 0x%" PRIx64 "): %s",
		 phase->number, phase->kind, phase->seed, what, pfn, pb_strerror(code));
	return -1;
}

static bool add_region(struct map *map, const struct pb_region *region)
{
	if (map->n == MAX_REGIONS)
		return false;
	map->region[map->n++] = *region;
	return true;
}

/* Reserved frames are regions twice: present, and taken out. */
static bool add_zone(struct map *map, const struct diff_phase *phase, const struct diff_zone *zone)
{
	struct pb_region region = { .node = (uint8_t)phase->node, .zone = (uint8_t)zone->type };

	for (size_t i = 0; i < zone->nr_map; i++) {
		const struct diff_run *run = &zone->map[i];

		if (run->what == DIFF_HOLE)
			continue;
		region.start_pfn = run->pfn;
		region.end_pfn = run->pfn + run->count;
		region.kind = PB_REGION_USABLE;
		if (!add_region(map, &region))
			return false;
		region.kind = PB_REGION_RESERVED;
		if (run->what == DIFF_RESERVED && !add_region(map, &region))
			return false;
	}
	return true;
}

#define OTHER_PAGES 1024u /* of each of the other nodes: a span */

/* The first below the node's zones, if there is room, the others above. */
static bool add_other_nodes(struct map *map, const struct diff_phase *phase)
{
	const struct diff_zone *first = &phase->before.zone[0];
	const struct diff_zone *last = first + phase->before.nr_zones - 1;
	uint64_t above = (last->start_pfn + last->spanned) / OTHER_PAGES + 1;

	for (int id = 0; id < phase->nodes; id++) {
		struct pb_region other = { .node = (uint8_t)id, .zone = PB_ZONE_DMA };

		if (id == phase->node)
			continue;
		if (id || first->start_pfn < OTHER_PAGES) {
			other.start_pfn = above++ * OTHER_PAGES;
			other.zone = PB_ZONE_NORMAL;
		}
		other.end_pfn = other.start_pfn + OTHER_PAGES;
		if (!add_region(map, &other))
			return false;
	}
	return true;
}

static bool build_map(struct map *map, const struct diff_phase *phase)
{
	map->n = 0;
	for (size_t i = 0; i < phase->before.nr_zones; i++)
		if (!add_zone(map, phase, &phase->before.zone[i]))
			return false;
	return phase->before.nr_zones && add_other_nodes(map, phase);
}

static int load_zone_figures(struct pb_pool *pool, const struct diff_phase *phase,
			     const struct diff_zone *zone)
{
	struct pb_state_zone state = { .boost = zone->boost,
				       .nr_reserved_highatomic = zone->highatomic,
				       .managed = zone->managed,
				       .spanned = zone->spanned,
				       .flags = (uint32_t)zone->flags };
	static const enum pb_zone_type types[DIFF_ZONES] = {
		PB_ZONE_DMA, PB_ZONE_DMA32, PB_ZONE_NORMAL, PB_ZONE_MOVABLE, PB_ZONE_DEVICE,
	};

	memcpy(state.watermark, zone->watermark, sizeof(state.watermark));
	for (size_t i = 0; i < DIFF_ZONES; i++)
		state.lowmem_reserve[types[i]] = zone->lowmem_reserve[i];
	state.lowmem_reserve[PB_ZONE_HIGHMEM] = state.lowmem_reserve[PB_ZONE_NORMAL];
	return pb_state_set_zone(pool, phase->node, zone->type, &state);
}

/* Up to 6.1 a block remembers the type that it was freed with, which says its list; later
   ones keep their list when the pageblock's type changes. */
static bool lists_by_type(const struct pb_pool *pool)
{
	return !diff_from_6_12(pool);
}

static int load_cpu(struct pb_pool *pool, unsigned int cpu, const struct diff_phase *phase,
		    const struct diff_zone *zone, uint64_t *pfn)
{
	const struct diff_pcp *from = &zone->cpu[cpu];
	const struct pb_pcp_stat pcp = { .high = (int32_t)from->high,
					 .batch = (int32_t)from->batch,
					 .high_min = (int32_t)from->high_min,
					 .high_max = (int32_t)from->high_max,
					 .free_factor = (int32_t)from->free_factor,
					 .alloc_factor = (int32_t)from->alloc_factor,
					 .flags = (uint32_t)from->flags };
	int err = pb_state_set_pcp(pool, cpu, phase->node, zone->type, &pcp);

	for (size_t i = 0; !err && i < from->nr; i++) {
		*pfn = from->block[i].pfn;
		err = pb_state_add_pcp(pool, cpu, *pfn, from->block[i].order,
				       lists_by_type(pool) ? from->block[i].type
							   : diff_list_type(from->block[i].list));
	}
	if (!err)
		err = pb_state_set_vmstat(pool, cpu, phase->node, zone->type, zone->free_pages,
					  (int32_t)from->free_diff, (uint32_t)zone->stat_threshold);
	return err;
}

static int load_pageblocks(struct pb_pool *pool, const struct diff_zone *zone, uint64_t *pfn)
{
	int err = 0;

	for (size_t i = 0; !err && i < zone->nr_pageblocks; i++) {
		const struct diff_run *run = &zone->pageblocks[i];

		if (run->what == PB_MIGRATE_TYPES)
			continue;
		for (*pfn = run->pfn; !err && *pfn < run->pfn + run->count; *pfn += 512) {
			err = pb_state_set_pageblock(pool, diff_present(zone, *pfn), run->what);
			/* one may be a hole, and a zone may start or end inside one */
			if (err == PB_ENODEV)
				err = 0;
		}
	}
	return err;
}

static int load_lists(struct pb_pool *pool, const struct diff_zone *zone, uint64_t *pfn)
{
	int err = 0;

	for (size_t i = 0; !err && i < zone->nr_free_blocks; i++) {
		*pfn = zone->free[i].pfn;
		err = pb_state_add_free(pool, *pfn, zone->free[i].order, zone->free[i].type);
	}
	return err;
}

static int load_zone(struct pb_pool *pool, const struct diff_phase *phase,
		     const struct diff_zone *zone, char error[256])
{
	uint64_t pfn = zone->start_pfn;
	int err;

	err = load_zone_figures(pool, phase, zone);
	if (err)
		return fail(error, phase, "the zone's figures do not load", pfn, err);
	err = load_pageblocks(pool, zone, &pfn);
	if (err)
		return fail(error, phase, "a pageblock's type does not load", pfn, err);
	err = load_lists(pool, zone, &pfn);
	if (err)
		return fail(error, phase, "a free block does not load", pfn, err);
	err = pb_state_set_counters(pool, phase->node, zone->type, zone->numa, zone->unreclaimable);
	if (err)
		return fail(error, phase, "the counters do not load", pfn, err);
	for (unsigned int cpu = 0; !err && cpu < DIFF_CPUS; cpu++)
		if (zone->cpu[cpu].online)
			err = load_cpu(pool, cpu, phase, zone, &pfn);
	if (err)
		return fail(error, phase, "a CPU's lists do not load", pfn, err);
	return 0;
}

/* Movable pages of other tasks. A tail of a block that the module holds may look like one
   by what it was before; the block has one mark. */
static int load_lru(struct pb_pool *pool, const struct diff_phase *phase,
		    const struct diff_zone *zone, char error[256])
{
	for (size_t i = 0; i < zone->nr_lru; i++) {
		int code = pb_state_adopt(pool, zone->lru[i], 0, true);

		if (code && code != PB_EBUSY)
			return fail(error, phase, "a frame of another task does not load",
				    zone->lru[i], code);
	}
	return 0;
}

/* kswapd, which is kept from running while a phase goes on: a boost stays. */
static void kswapd_sleeps(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	(void)ctx;
	(void)pool;
	(void)node;
	(void)order;
}

int diff_make_pool(struct pb_pool *pool, const struct pb_config *config, char error[256])
{
	const struct pb_hooks hooks = { .wake = kswapd_sleeps, .reclaim = diff_reclaim };
	struct pb_error why;
	size_t bytes;
	void *memory;

	if (pb_pool_size(config, &bytes, &why)) {
		snprintf(error, 256, "the memory map makes no pool: %s", why.text);
		return -1;
	}
	memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!memory) {
		snprintf(error, 256, "no memory for %zu bytes of metadata", bytes);
		return -1;
	}
	if (pb_pool_init(pool, config, memory, bytes, false, &hooks, &why)) {
		free(memory);
		snprintf(error, 256, "the memory map makes no pool: %s", why.text);
		return -1;
	}
	return 0;
}

static uint32_t nr_cpus(const struct diff_phase *phase)
{
	uint32_t n = 0;

	for (uint32_t cpu = 0; cpu < DIFF_CPUS; cpu++)
		if (phase->before.nr_zones && phase->before.zone[0].cpu[cpu].online)
			n = cpu + 1;
	return n;
}

static int make_pool(struct pb_pool *pool, const struct map *map, enum pb_kernel kernel,
		     const struct diff_phase *phase, char error[256])
{
	struct pb_config config;

	pb_config_init(&config);
	config.regions = map->region;
	config.nr_regions = map->n;
	config.nr_cpus = nr_cpus(phase);
	config.profile = PB_PROFILE_LINUX;
	config.kernel = (uint8_t)kernel;
	if (phase->boost_factor >= 0)
		config.watermark_boost_factor = (uint32_t)phase->boost_factor;
	config.flags = PB_POOL_ALL_RESERVED | PB_POOL_MOVABLE_EXPLICIT | PB_POOL_NO_RSEQ |
		       PB_POOL_MOBILITY;
	return diff_make_pool(pool, &config, error);
}

int diff_load(struct pb_pool *pool, enum pb_kernel kernel, const struct diff_phase *phase,
	      char error[256])
{
	struct map *map = malloc(sizeof(*map));
	const struct diff_state *state = &phase->before;
	int err;

	memset(pool, 0, sizeof(*pool));
	if (!map || !build_map(map, phase)) {
		free(map);
		snprintf(error, 256, "phase %d: more than %d regions in the memory map",
			 phase->number, MAX_REGIONS);
		return -1;
	}
	err = make_pool(pool, map, kernel, phase, error);
	free(map);
	for (size_t i = 0; !err && i < state->nr_zones; i++)
		err = load_zone(pool, phase, &state->zone[i], error);
	for (size_t i = 0; !err && i < state->nr_held; i++) {
		const struct diff_held *held = &state->held[i];
		int code = pb_state_adopt(pool, held->pfn, held->order, false);

		if (code)
			err = fail(error, phase, "a held block does not load", held->pfn, code);
	}
	for (size_t i = 0; !err && i < state->nr_zones; i++)
		err = load_lru(pool, phase, &state->zone[i], error);
	if (err)
		diff_unload(pool);
	return err;
}

void diff_unload(struct pb_pool *pool)
{
	struct pb_pool_info info;

	(void)pb_pool_info(pool, &info);
	pb_pool_destroy(pool);
	free(info.memory);
}
