// SPDX-License-Identifier: MIT
/* A pool like the recorded machine, with what was in use when the trace began. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "reclaim.h"

/* Operations that background reclaim takes; it runs beside them. */
#define RECLAIM_OPS 256

/* -------------------------------------------------------------------- zones */

static uint64_t managed_pages(const struct pbr_machine *machine)
{
	uint64_t pages = 0;

	for (unsigned int z = 0; z < machine->nr_zones; z++)
		pages += machine->zones[z].managed;
	return pages;
}

static void grow_zone(struct pbr_zone *zone, uint64_t pages)
{
	zone->spanned += pages;
	zone->present += pages;
	zone->managed += pages;
}

static void shrink_zones(struct pbr_run *run, uint64_t pages)
{
	while (pages && run->nr_zones) {
		struct pbr_zone *zone = &run->zones[run->nr_zones - 1];

		if (zone->spanned <= pages) {
			pages -= zone->spanned;
			run->nr_zones--;
			continue;
		}
		zone->spanned -= pages;
		zone->present = zone->present > zone->spanned ? zone->spanned : zone->present;
		zone->managed = zone->managed > pages ? zone->managed - pages : 0;
		pages = 0;
	}
}

int pbr_zones(const struct pbr_input *input, const struct pbr_settings *settings,
	      struct pbr_run *run, char *error, size_t size)
{
	const struct pbr_machine *machine = &input->machine;
	uint64_t old = managed_pages(machine), pages = old;

	run->nr_zones = machine->nr_zones;
	memcpy(run->zones, machine->zones, sizeof(run->zones));
	run->max_order = settings->max_order < 0 ? machine->max_order
						 : (unsigned int)settings->max_order;
	run->pageblock_order = settings->pageblock_order < 0
				       ? machine->pageblock_order
				       : (unsigned int)settings->pageblock_order;
	if (settings->pageblock_order < 0 && run->pageblock_order > run->max_order)
		run->pageblock_order = run->max_order;
	if (run->pageblock_order > run->max_order)
		return pbr_error(error, size, "pageblock_order %u is greater than max_order %u",
				 run->pageblock_order, run->max_order);
	if (settings->memory)
		pages = settings->memory >> 12;
	else if (settings->memory_factor > 0)
		pages = (uint64_t)((double)old * settings->memory_factor);
	if (pages > old)
		grow_zone(&run->zones[run->nr_zones - 1], pages - old);
	else
		shrink_zones(run, old - pages);
	if (!run->nr_zones)
		return pbr_error(error, size, "no memory is left");
	return 0;
}

/* ------------------------------------------------------------------ regions */

static int add_region(struct pbr_pool *pool, uint32_t *room, struct pb_region region)
{
	if (pool->nr_regions == *room) {
		uint32_t more = *room ? 2 * *room : 64;
		void *grown = realloc(pool->regions, more * sizeof(*pool->regions));

		if (!grown)
			return -1;
		pool->regions = grown;
		*room = more;
	}
	pool->regions[pool->nr_regions++] = region;
	return 0;
}

static bool is_hole(const struct pbr_private *priv, uint64_t pfn)
{
	uint32_t frame = pbr_frame(&priv->geo, pfn);

	return frame != PBR_NO_FRAME && priv->layout.state[frame] == PBR_HOLE;
}

/* The zone, and its holes as reserved regions. */
static int zone_regions(struct pbr_pool *pool, uint32_t *room, const struct pbr_private *priv,
			const struct pbr_zone *zone)
{
	uint64_t end = zone->start_pfn + zone->spanned, pfn = zone->start_pfn, start;
	struct pb_region region = { .start_pfn = pfn,
				    .end_pfn = end,
				    .node = (uint8_t)zone->node,
				    .zone = (uint8_t)zone->type,
				    .kind = PB_REGION_USABLE };

	if (add_region(pool, room, region))
		return -1;
	region.kind = PB_REGION_RESERVED;
	while (pfn < end) {
		start = pfn;
		while (pfn < end && is_hole(priv, pfn))
			pfn++;
		region.start_pfn = start;
		region.end_pfn = pfn;
		if (pfn > start && add_region(pool, room, region))
			return -1;
		while (pfn < end && !is_hole(priv, pfn))
			pfn++;
	}
	return 0;
}

static int make_regions(struct pbr_pool *pool, const struct pbr_input *input,
			const struct pbr_run *run)
{
	uint32_t room = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++)
		if (zone_regions(pool, &room, pbr_priv(input), &run->zones[z]))
			return -1;
	return 0;
}

/* ------------------------------------------------------------------- config */

static double pages_of(const struct pbr_zone *zones, unsigned int nr)
{
	double pages = 0;

	for (unsigned int z = 0; z < nr; z++)
		pages += (double)zones[z].managed;
	return pages;
}

static bool is_about(double a, double b)
{
	return a > 0.9 * b && a < 1.1 * b;
}

int64_t pbr_min_free_here(const struct pbr_input *input, const struct pbr_run *run, int64_t kbytes)
{
	const struct pbr_machine *machine = &input->machine;
	double old = pages_of(machine->zones, machine->nr_zones);
	double now = pages_of(run->zones, run->nr_zones), most;

	if (is_about((double)kbytes, sqrt(old * 4 * 16)))
		return (int64_t)((double)kbytes * sqrt(now / old));
	if (!is_about((double)kbytes, old * 4 * 0.05))
		return kbytes;
	most = 11 * 4.0 * run->nr_zones * (1u << run->pageblock_order);
	return (int64_t)fmin((double)kbytes * now / old, most);
}

/* The recorded watermarks as the knobs that make them (spec 7.3). */
static void recorded_watermarks(const struct pbr_machine *machine, struct pb_config *config)
{
	uint64_t min = 0, gap;
	const struct pbr_zone *largest = &machine->zones[0];

	if (!machine->from_snapshot)
		return;
	for (unsigned int z = 0; z < machine->nr_zones; z++) {
		const struct pbr_zone *zone = &machine->zones[z];

		if (zone->type != PB_ZONE_HIGHMEM && zone->type != PB_ZONE_MOVABLE)
			min += zone->watermark[PB_WMARK_MIN];
		if (zone->managed > largest->managed)
			largest = zone;
	}
	config->min_free_kbytes = (int32_t)(min < INT32_MAX / 4 ? min * 4 : INT32_MAX);
	gap = largest->watermark[PB_WMARK_LOW] - largest->watermark[PB_WMARK_MIN];
	if (gap > largest->watermark[PB_WMARK_MIN] / 4 + 1 && largest->managed)
		config->watermark_scale_factor = (uint32_t)((gap * 10000 + largest->managed - 1) /
							    largest->managed);
	if (config->watermark_scale_factor < 1 || config->watermark_scale_factor > 3000)
		config->watermark_scale_factor = 10;
}

/* Spec 2.4, with the watermarks left out: they are small against the rest. */
static bool enough_for_mobility(const struct pbr_run *run)
{
	uint64_t pages = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++)
		pages += run->zones[z].managed;
	return pages >= (UINT64_C(1) << run->pageblock_order) * PB_MIGRATE_TYPES;
}

static void fill_config(struct pb_config *config, const struct pbr_pool *pool,
			const struct pbr_input *input, const struct pbr_settings *settings,
			const struct pbr_run *run)
{
	pb_config_init(config);
	config->regions = pool->regions;
	config->nr_regions = pool->nr_regions;
	config->max_order = (uint8_t)run->max_order;
	config->pageblock_order = (uint8_t)run->pageblock_order;
	config->profile = (uint8_t)settings->profile;
	config->kernel = (uint8_t)pbr_kernel(input, settings);
	config->nr_cpus = input->nr_cpus;
	config->cpu_node = pbr_priv(input)->plan->cpu_node;
	/* Frames come into use when the pageblocks have their types. */
	config->flags = PB_POOL_NO_RSEQ | PB_POOL_ALL_RESERVED |
			(settings->no_pcp ? PB_POOL_NO_PCP : 0) |
			(settings->no_mobility || !enough_for_mobility(run) ? PB_POOL_NO_MOBILITY
									    : PB_POOL_MOBILITY);
	for (unsigned int z = 0; z < run->nr_zones; z++)
		config->zone_types |= 1u << run->zones[z].type;
	recorded_watermarks(&input->machine, config);
	if (config->min_free_kbytes > 0)
		config->min_free_kbytes = (int32_t)pbr_min_free_here(input, run,
								     config->min_free_kbytes);
	if (settings->min_free_kbytes >= 0)
		config->min_free_kbytes = (int32_t)settings->min_free_kbytes;
	if (settings->scale_factor >= 0)
		config->watermark_scale_factor = (uint32_t)settings->scale_factor;
	if (settings->boost_factor >= 0)
		config->watermark_boost_factor = (uint32_t)settings->boost_factor;
}

/* ------------------------------------------------------------------- hooks */

static void on_wake(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	struct pbr_pool *self = ctx;

	(void)pool;
	(void)node;
	(void)order;
	if (self->reclaim)
		pbr_reclaim_wake(self->reclaim, order);
	else if (!self->woken)
		self->woken = RECLAIM_OPS;
}

/* The frees of the recorded kernel's reclaim come with the trace. What waiting for
   reclaim brings besides is that background reclaim gets done. */
static unsigned long on_reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	struct pbr_pool *self = ctx;

	(void)pool;
	(void)gfp;
	if (self->reclaim)
		return pbr_reclaim_direct(self->reclaim, order);
	self->woken = 0;
	return pbr_pool_reclaimed(self);
}

static bool on_migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		       unsigned int order)
{
	struct pbr_pool *self = ctx;

	(void)pool;
	return self->move && self->move(self->move_ctx, from, to, order);
}

static void on_misuse(void *ctx, const struct pb_misuse_report *report)
{
	struct pbr_pool *self = ctx;

	if (!self->misuses++)
		snprintf(self->first_misuse, sizeof(self->first_misuse), "%s", report->text);
}

static void on_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)line; /* failures are counted */
}

static void on_trace(void *ctx, const struct pb_trace_event *event)
{
	struct pbr_pool *self = ctx;

	self->trace(self->trace_ctx, event);
}

/* -------------------------------------------------------------------- whole */

/* One of high and batch given: the other stays what it is in the largest zone. */
static int set_pcp(struct pbr_pool *pool, const struct pbr_settings *settings, char *error,
		   size_t size)
{
	int64_t high = settings->pcp_high, batch = settings->pcp_batch;
	struct pb_pcp_stat pcp = { 0 };
	unsigned int nr = pb_nr_zones(&pool->pool);

	if ((high < 0 && batch < 0) || settings->no_pcp)
		return 0;
	pb_pcp_stats(&pool->pool, nr - 1, 0, &pcp);
	if (high < 0)
		high = pcp.high > batch ? pcp.high : batch;
	if (batch < 0)
		batch = pcp.batch < high ? pcp.batch : high;
	if (pb_set_pcp(&pool->pool, (uint32_t)high, (uint32_t)batch))
		return pbr_error(error, size,
				 "pcp_high %lld with pcp_batch %lld: expected "
				 "1 <= batch <= high",
				 (long long)high, (long long)batch);
	return 0;
}

static void set_type(struct pbr_pool *pool, uint64_t pfn, uint64_t end, uint64_t step,
		     enum pb_migratetype type)
{
	for (; pfn < end; pfn += step)
		pb_state_set_pageblock(&pool->pool, pfn, type);
}

/* The types that the pageblocks had when the trace began, as far as it tells.
   Without mobility grouping there is but one. */
static void set_types(struct pbr_pool *pool, const struct pbr_input *input,
		      const struct pbr_settings *settings, const struct pbr_run *run)
{
	const struct pbr_private *priv = pbr_priv(input);
	unsigned int order = input->machine.pageblock_order;
	uint64_t step = UINT64_C(1)
			<< (order < run->pageblock_order ? order : run->pageblock_order);

	for (unsigned int z = 0; settings->no_mobility && z < run->nr_zones; z++)
		set_type(pool, run->zones[z].start_pfn & ~(step - 1),
			 run->zones[z].start_pfn + run->zones[z].spanned, step,
			 PB_MIGRATE_UNMOVABLE);
	if (settings->no_mobility || !input->machine.has_start)
		return;
	for (uint32_t b = 0; b < priv->geo.nr_frames >> order; b++) {
		uint64_t pfn = pbr_pfn(&priv->geo, b << order);

		if (priv->layout.block_type[b] < PB_MIGRATE_PCPTYPES)
			set_type(pool, pfn, pfn + (UINT64_C(1) << order), step,
				 (enum pb_migratetype)priv->layout.block_type[b]);
	}
}

/* Everything but the holes is the allocator's. */
static int bring_online(struct pbr_pool *pool, const struct pbr_input *input,
			const struct pbr_run *run)
{
	const struct pbr_private *priv = pbr_priv(input);

	for (unsigned int z = 0; z < run->nr_zones; z++) {
		uint64_t pfn = run->zones[z].start_pfn, end = pfn + run->zones[z].spanned, start;

		while (pfn < end) {
			while (pfn < end && is_hole(priv, pfn))
				pfn++;
			start = pfn;
			while (pfn < end && !is_hole(priv, pfn))
				pfn++;
			if (pfn > start && pb_online(&pool->pool, start, pfn))
				return -1;
		}
	}
	return 0;
}

int pbr_pool_make(struct pbr_pool *pool, const struct pbr_input *input,
		  const struct pbr_settings *settings, const struct pbr_run *run, char *error,
		  size_t size)
{
	struct pb_hooks hooks = { .ctx = pool,
				  .misuse = on_misuse,
				  .log = on_log,
				  .wake = on_wake,
				  .reclaim = on_reclaim,
				  .migrate = pbr_priv(input)->plan->has_compaction ? on_migrate
										   : NULL,
				  .trace = pool->trace ? on_trace : NULL };
	struct pb_config config;
	struct pb_error why;
	size_t bytes;

	if (make_regions(pool, input, run))
		return pbr_error(error, size, "no memory for the memory map");
	fill_config(&config, pool, input, settings, run);
	if (pb_pool_size(&config, &bytes, &why))
		return pbr_error(error, size, "%s", why.text);
	if (posix_memalign(&pool->metadata, 64, bytes ? bytes : 64))
		return pbr_error(error, size, "no memory for %zu bytes of metadata", bytes);
	memset(pool->metadata, 0, bytes); /* page faults now, not in the timed loop */
	if (pb_pool_init(&pool->pool, &config, pool->metadata, bytes, true, &hooks, &why))
		return pbr_error(error, size, "%s", why.text);
	(void)pb_pool_info(&pool->pool, &pool->info);
	pool->pages = pb_index_to_page(&pool->pool, 0);
	set_types(pool, input, settings, run);
	if (bring_online(pool, input, run))
		return pbr_error(error, size, "the machine's memory can't be brought online");
	return set_pcp(pool, settings, error, size);
}

void pbr_pool_release(struct pbr_pool *pool)
{
	pb_pool_destroy(&pool->pool);
	free(pool->metadata);
	free(pool->regions);
	memset(pool, 0, sizeof(*pool));
}

/* Where it was; anywhere if that place does not exist in this machine. */
static struct pb_page *put(struct pbr_pool *pool, uint64_t pfn, unsigned int order, pb_gfp_t gfp)
{
	if (!pb_alloc_at(&pool->pool, pfn, order, gfp))
		return pb_pfn_to_page(&pool->pool, pfn);
	return pb_alloc_pages_nodemask(&pool->pool, gfp, order, 0, NULL, NULL);
}

void pbr_pool_fill(struct pbr_pool *pool, const struct pbr_input *input,
		   void (*placed)(void *ctx, const struct pbr_before *before, struct pb_page *page,
				  unsigned int order),
		   void *ctx)
{
	const struct pbr_private *priv = pbr_priv(input);

	for (uint64_t i = 0; i < priv->plan->nr_before; i++) {
		const struct pbr_before *before = &priv->plan->before[i];
		pb_gfp_t gfp = (before->movable ? PB_GFP_HIGHUSER_MOVABLE : PB_GFP_KERNEL) &
			       ~PB_GFP_RECLAIM;
		uint64_t pfn = pbr_pfn(&priv->geo, before->frame);
		unsigned int order = before->order;

		/* A machine with smaller blocks holds it in pieces; it is never freed whole. */
		if (order > pool->info.max_order && before->slot != UINT32_MAX)
			continue;
		while (order > pool->info.max_order)
			order--;
		for (uint64_t n = 0; n < UINT64_C(1) << before->order; n += UINT64_C(1) << order) {
			struct pb_page *page = put(pool, pfn + n, order, gfp);

			if (page)
				placed(ctx, before, page, order);
		}
	}
	pb_drain(&pool->pool, -1);
}
