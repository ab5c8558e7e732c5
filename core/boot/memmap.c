/* SPDX-License-Identifier: MIT */
/*
 * The memory map. Regions are visited in the order (node, zone, pfn), see
 * regions.h.
 *
 *	regions   [1,159)N  [0x1000,0x8000)N         zone Normal, spans of 1024
 *	segments     [0,1024)  [0x1000,0x8000)       rounded outward to spans
 *	index      0..1023   1024..              dense; frames 0 and 159.. absent
 */
#include "boot/memmap.h"

#include "alloc/gfp.h"
#include "boot/cma.h"
#include "boot/policy.h"
#include "pcp/pcp.h"
#include "base/regions.h"
#include "base/text.h"

int set_error(struct pb_error *error, int code, u32 region, const char *message)
{
	struct text text;

	if (!error)
		return code;
	error->code = code;
	error->region = region;
	if (!PB_WITH_TEXTS) {
		error->text[0] = 0;
		return code;
	}
	text = (struct text){ error->text, sizeof(error->text), 0 };
	if (region != UINT32_MAX) {
		text_str(&text, "region ");
		text_dec(&text, region, 0);
		text_str(&text, ": ");
	}
	text_str(&text, message);
	return code;
}

/* The first usable or hotplug region in the order of zones; more_usable() goes to the next.
   Without PB_WITH_ZONES there is exactly one. pre: the map was checked. */
static const struct pb_region *first_usable(struct regions *regions, const struct pb_config *config)
{
	const struct pb_region *region = config->regions;

	if (PB_WITH_ZONES) {
		regions_begin(regions, config, PB_REGION_USABLE, BY_ZONE);
		return regions_next(regions);
	}
	while (region->kind != PB_REGION_USABLE)
		region++;
	return region;
}

static bool more_usable(struct regions *regions, const struct pb_region **region)
{
	return PB_WITH_ZONES && (*region = regions_next(regions)) != NULL;
}

/* ------------------------------------------------------------------ checks */

#define MAX_PFN ((u64)1 << 52)
#define MAX_FRAMES (((u64)1 << 32) - LIST_REFS)

static int region_error(const struct pb_config *config, u32 i, const char *message,
			struct pb_error *error)
{
	const struct pb_region *region = &config->regions[i];
	struct text text;

	(void)set_error(error, PB_EREGION, i, message);
	if (!error || !PB_WITH_TEXTS)
		return PB_EREGION;
	text = (struct text){ error->text, sizeof(error->text), 0 };
	while (error->text[text.length])
		text.length++;
	text_str(&text, " (pfn ");
	text_hex(&text, region->start_pfn);
	text_str(&text, " to ");
	text_hex(&text, region->end_pfn);
	text_str(&text, ")");
	return PB_EREGION;
}

static const char *region_fault(const struct pb_config *config, const struct pb_region *region)
{
	if (region->start_pfn >= region->end_pfn)
		return TEXT("end_pfn must be greater than start_pfn");
	if (region->end_pfn > MAX_PFN)
		return TEXT("pfns must be below 2^52");
	if (region->kind == PB_REGION_RESERVED)
		return NULL;
	if (region->kind == PB_REGION_CMA)
		return cma_fault(config, region);
	if (region->kind > PB_REGION_CMA)
		return TEXT("kind must be PB_REGION_USABLE, _RESERVED, _HOTPLUG or _CMA");
	if (!CAN_GROW && region->kind == PB_REGION_HOTPLUG)
		return TEXT("kind: this library was built without PB_WITH_RANGE or PB_WITH_ZONES");
	if (CAN_GROW && region->kind == PB_REGION_HOTPLUG &&
	    (region->start_pfn | region->end_pfn) & (((u64)1 << config->max_order) - 1))
		return TEXT("a PB_REGION_HOTPLUG must begin and end at multiples of 2^max_order");
	if (region->node >= (PB_WITH_NUMA ? PB_MAX_NODES : 1))
		return PB_WITH_NUMA
			       ? TEXT("node must be below 64")
			       : TEXT("node: this library was built for node 0 (PB_WITH_NUMA)");
	if (!PB_WITH_ZONES && region->zone != PB_ZONE_NORMAL)
		return TEXT("zone: this library was built for ZONE_NORMAL alone (PB_WITH_ZONES)");
	if (region->zone >= PB_ZONE_DEVICE)
		return TEXT("zone must be DMA, DMA32, NORMAL, HIGHMEM or MOVABLE");
	if (PB_WITH_ZONES && !(config->zone_types >> region->zone & 1))
		return TEXT("its zone is not in config.zone_types");
	return NULL;
}

/* Of two regions that overlap, the index of the later one in the array; UINT32_MAX: none do. In
   pfn order it is enough to compare each region with the one before it. */
static u32 overlapping(const struct pb_config *config)
{
	const struct pb_region *last = NULL, *region;
	struct regions regions;

	regions_begin(&regions, config, PB_REGION_USABLE, BY_PFN);
	while ((region = regions_next(&regions)) != NULL) {
		if (last && region->start_pfn < last->end_pfn)
			return (u32)((region > last ? region : last) - config->regions);
		last = region;
	}
	return UINT32_MAX;
}

/* Check each region by itself, and count the usable ones. */
static int check_each(const struct pb_config *config, u32 *usable, struct pb_error *error)
{
	*usable = 0;
	for (u32 i = 0; i < config->nr_regions; i++) {
		const char *fault = region_fault(config, &config->regions[i]);

		if (fault)
			return region_error(config, i, fault, error);
		*usable += config->regions[i].kind == PB_REGION_USABLE;
	}
	return PB_OK;
}

/* Check regions against each other. */
static int check_places(const struct pb_config *config, struct pb_error *error)
{
	u32 overlap = PB_WITH_ZONES ? overlapping(config) : UINT32_MAX;
	const struct pb_region *area;
	const char *why;

	if (overlap != UINT32_MAX)
		return region_error(config, overlap, TEXT("overlaps an earlier usable region"),
				    error);
	area = cma_misplaced(config, &why);
	return area ? region_error(config, (u32)(area - config->regions), why, error) : PB_OK;
}

int memmap_check(const struct pb_config *config, struct pb_error *error)
{
	u32 usable;

	if (!config->nr_regions || !config->regions)
		return set_error(error, PB_EREGION, UINT32_MAX,
				 TEXT("the memory map has no region"));
	if (check_each(config, &usable, error))
		return PB_EREGION;
	if (!usable)
		return set_error(error, PB_EREGION, UINT32_MAX,
				 TEXT("the memory map has no usable region"));
	if (!PB_WITH_ZONES && usable > 1)
		return set_error(
			error, PB_EREGION, UINT32_MAX,
			TEXT("a second usable region: this library was built for one (PB_WITH_ZONES)"));
	if (!PB_WITH_UNSORTED && !regions_sorted(config))
		return set_error(
			error, PB_EREGION, UINT32_MAX,
			TEXT("regions must be sorted: this library was built without PB_WITH_UNSORTED"));
	return check_places(config, error);
}

/* ------------------------------------------------------------------ layout */

static bool same_zone(const struct pb_region *a, const struct pb_region *b)
{
	return a && a->node == b->node && a->zone == b->zone;
}

/* Does the region begin in the last one's last span, or in the span after it? */
static bool same_segment(const struct pb_super *super, const struct pb_region *last,
			 const struct pb_region *region)
{
	return same_zone(last, region) && region->start_pfn >> super->max_order <=
						  ((last->end_pfn - 1) >> super->max_order) + 1;
}

static u32 region_spans(const struct pb_super *super, const struct pb_region *last,
			const struct pb_region *region)
{
	u64 first = region->start_pfn >> super->max_order;
	u64 end = ((region->end_pfn - 1) >> super->max_order) + 1;

	if (same_segment(super, last, region)) /* its first span may be counted already */
		first = ((last->end_pfn - 1) >> super->max_order) + 1;
	return end > first ? (u32)min_u64(end - first, UINT32_MAX) : 0;
}

/* A zone's stripes and bitmaps. */
struct shape {
	u32 nr_stripes;
	u8 group_shift, levels;
	u32 level_words[MAX_LEVELS];
	u32 bitmap_words;
};

/* The shape follows from the zone's size alone. */
static void shape_zone(const struct pb_config *config, const struct pb_super *super, u32 nr_spans,
		       struct shape *zone)
{
	u32 span_pageblocks = super->max_order - super->pageblock_order;
	u32 pageblocks = nr_spans << span_pageblocks;
	u32 stripes = !PB_WITH_SMP ? 1 : config->nr_stripes ? config->nr_stripes : super->nr_cpus;
	u32 least_shift = stripe_group_shift(pageblocks, 1, span_pageblocks);
	u32 groups = div_round_up(pageblocks, 1u << least_shift);
	u32 n;

	if (!groups)
		groups = 1; /* the zone has 2^32 pageblocks or more: refused for its size later */
	/* no more stripes than the smallest groups would fill */
	stripes = stripes < MAX_STRIPES ? stripes : MAX_STRIPES;
	stripes = stripes < groups ? stripes : groups;
	*zone = (struct shape){ 0 };
	zone->nr_stripes = super->profile == PB_PROFILE_LINUX ? 1 : 1u << fls32(stripes);
	zone->group_shift = stripe_group_shift(pageblocks, zone->nr_stripes, span_pageblocks);
	groups = div_round_up(pageblocks, 1u << zone->group_shift);
	n = div_round_up(groups, zone->nr_stripes) << zone->group_shift;
	if (n > pageblocks)
		n = pageblocks;
	while (n > 64 && super->profile != PB_PROFILE_LINUX) {
		n = div_round_up(n, 64);
		zone->level_words[zone->levels++] = n;
		zone->bitmap_words += n;
	}
}

u64 stripe_bitmap_bytes(const struct pb_super *super, u32 words)
{
	return (u64)super->orders * LIST_TYPES * words * 8;
}

static void measure_zone(const struct pb_config *config, struct pb_super *super, u32 nr_spans,
			 struct memmap_sizes *sizes)
{
	u32 linked = policy_of(super)->pcp_zone_bytes;
	u64 frames = (u64)nr_spans << super->max_order;
	struct shape shape;

	if (!nr_spans)
		return;
	shape_zone(config, super, nr_spans, &shape);
	super->nr_stripes += shape.nr_stripes;
	sizes->runs += runs_bytes(nr_spans << (super->max_order - super->pageblock_order));
	sizes->bitmaps += shape.nr_stripes * stripe_bitmap_bytes(super, shape.bitmap_words);
	if (!PB_WITH_PCP)
		return;
	sizes->percpu += linked ? linked : pcp_stack_zone_bytes(super, frames, false);
	if (depot_order_of(super) != NO_DEPOT)
		sizes->depot += pcp_stack_zone_bytes(super, frames, true);
}

void memmap_measure(const struct pb_config *config, struct pb_super *super,
		    struct memmap_sizes *sizes)
{
	const struct pb_region *last = NULL, *region;
	struct regions regions;
	u32 zone_spans = 0;
	u64 spans = 0;

	*sizes = (struct memmap_sizes){ 0 };
	super->nr_zones = super->nr_stripes = super->nr_segments = super->hotplug = 0;
	region = first_usable(&regions, config);
	do {
		u32 more = region_spans(super, last, region);

		if (!same_zone(last, region)) {
			measure_zone(config, super, zone_spans, sizes);
			super->nr_zones++;
			zone_spans = 0;
		}
		if (!same_segment(super, last, region))
			super->nr_segments++;
		super->hotplug |= region->kind == PB_REGION_HOTPLUG;
		if (region->node >= super->nr_nodes)
			super->nr_nodes = region->node + 1u;
		zone_spans += more;
		spans += more;
		last = region;
	} while (more_usable(&regions, &region));
	measure_zone(config, super, zone_spans, sizes);
	super->nr_frames = spans << super->max_order;
	super->nr_spans = (u32)min_u64(spans, UINT32_MAX);
}

static void begin_zone(struct pb_pool *pool, struct zone *zone, const struct pb_region *region,
		       u32 first_span)
{
	zone->node = region->node;
	zone->type = region->zone;
	zone->start_pfn = region->start_pfn;
	zone->first_span = first_span;
	pool_node(pool, region->node)->zones[region->zone] = (u16)zone_number(pool, zone);
}

static void begin_segment(struct pb_pool *pool, struct segment *segment,
			  const struct pb_region *region, u32 span, u32 zone)
{
	segment->pfn = align_down(region->start_pfn, (u64)1 << pool->max_order);
	segment->frame = span << pool->max_order;
	segment->zone = (u16)zone;
}

/* Place a zone's arrays for runs behind those of the zones before it. */
static void finish_runs(const struct pb_pool *pool, struct zone *zone, u64 *runs)
{
	u32 pageblocks = zone_nr_pageblocks(pool, zone);

	zone->runs = *runs;
	if (runs_bytes(pageblocks))
		zone->run_leaves = runs_leaves(pageblocks);
	*runs += runs_bytes(pageblocks);
}

static void finish_zones(struct pb_pool *pool, const struct pb_config *config)
{
	u32 stripes = 0;
	u64 runs = pool->super->runs;
	u64 bitmaps = pool->super->bitmaps;

	for (u32 z = 0; z < pool_nr_zones(pool); z++) {
		struct zone *zone = pool_zone(pool, z);
		struct shape shape;

		shape_zone(config, pool->super, zone->nr_spans, &shape);
		zone->nr_stripes = shape.nr_stripes;
		zone->group_shift = shape.group_shift;
		zone->levels = shape.levels;
		memcpy(zone->level_words, shape.level_words, sizeof(zone->level_words));
		zone->bitmap_words = shape.bitmap_words;
		zone->first_stripe = stripes;
		finish_runs(pool, zone, &runs);
		for (u32 i = 0; i < zone->nr_stripes; i++, stripes++) {
			struct stripe *stripe = pool_stripe(pool, stripes);

			stripe->zone = (u16)z;
			stripe->number = (u8)i;
			stripe->areas = stripes * stripe_area_stride(pool->super);
			stripe->min_error = 1 + (u32)(zone_nr_frames(pool, zone) >>
						      (ctz32(zone->nr_stripes) + 6));
			stripe->remote_active = NO_CPU;
			stripe->bitmaps = bitmaps;
			bitmaps += stripe_bitmap_bytes(pool->super, zone->bitmap_words);
		}
	}
}

void memmap_build(struct pb_pool *pool, const struct pb_config *config)
{
	const struct pb_region *last = NULL, *region;
	struct regions regions;
	u32 zone = UINT32_MAX, segment = UINT32_MAX, span = 0;

	region = first_usable(&regions, config);
	do {
		struct zone *z;

		if (!same_zone(last, region))
			begin_zone(pool, pool_zone(pool, ++zone), region, span);
		if (!same_segment(pool->super, last, region))
			begin_segment(pool, pool_segment(pool, ++segment), region, span, zone);
		z = pool_zone(pool, zone);
		span += region_spans(pool->super, last, region);
		z->nr_spans = span - z->first_span;
		z->spanned = region->end_pfn - z->start_pfn;
		if (region->kind == PB_REGION_USABLE)
			z->present += region->end_pfn - region->start_pfn;
		pool_segment(pool, segment)->end_pfn = region->end_pfn;
		last = region;
	} while (more_usable(&regions, &region));
	finish_zones(pool, config);
}

void init_lists(struct pb_pool *pool)
{
	if (!pool_is_linked(pool))
		return;
	for (u32 i = 0; i < pool->super->nr_stripes; i++)
		for (unsigned int order = 0; order <= pool->max_order; order++)
			for (unsigned int type = 0; type < PB_MIGRATE_TYPES; type++)
				linked_init(area_lists(pool, pool_stripe(pool, i)),
					    area_list(order, type));
}

/* --------------------------------------------------------------- release */

/* The index of a region's first frame. *segment is the segment of the region before, UINT32_MAX at
   the beginning, and becomes this region's. */
static u32 region_frame(const struct pb_pool *pool, const struct pb_region *last,
			const struct pb_region *region, u32 *segment)
{
	if (!same_segment(pool->super, last, region))
		++*segment;
	return pool_segment(pool, *segment)->frame +
	       (u32)(region->start_pfn - pool_segment(pool, *segment)->pfn);
}

void memmap_there(struct pb_pool *pool, const struct pb_config *config)
{
	const struct pb_region *last = NULL, *region;
	u32 segment = UINT32_MAX;
	struct regions regions;

	if (!CAN_GROW || !pool->super->hotplug)
		return;
	regions_begin(&regions, config, PB_REGION_USABLE, BY_ZONE);
	while ((region = regions_next(&regions)) != NULL) {
		u32 start = region_frame(pool, last, region, &segment);
		u32 end = start + (u32)(region->end_pfn - 1 - region->start_pfn);

		last = region;
		if (region->kind == PB_REGION_HOTPLUG)
			continue;
		for (u32 span = start >> pool->max_order; span <= end >> pool->max_order; span++)
			*span_there(pool, span) = SPAN_THERE;
	}
}

/* A walk of a zone's frames and of the reserved regions side by side, in pfn order. */
struct release {
	struct pb_pool *pool;
	const struct pb_config *config;
	struct regions reserved;
	const struct pb_region *next; /* the next reserved region */
	u64 covered;                  /* greatest end_pfn of those before it */
};

static void begin_reserved(struct release *h, u64 pfn)
{
	regions_rewind(&h->reserved, pfn);
	h->next = regions_next(&h->reserved);
	h->covered = pfn;
}

/* The end of the reserved regions around pfn, or pfn if there are none; *next becomes the start of
   the next one, or end. */
static u64 skip_reserved(struct release *h, u64 pfn, u64 end, u64 *next)
{
	*next = end;
	if (h->config->flags & PB_POOL_ALL_RESERVED)
		return end;
	while (h->next && h->next->start_pfn <= max_u64(pfn, h->covered)) {
		h->covered = max_u64(h->covered, h->next->end_pfn);
		h->next = regions_next(&h->reserved);
	}
	if (h->next)
		*next = min_u64(end, h->next->start_pfn);
	return min_u64(end, max_u64(pfn, h->covered));
}

static void release_region(struct release *h, const struct pb_region *region, u32 base)
{
	struct pb_pool *pool = h->pool;
	struct zone *zone = zone_of_frame(pool, base);
	u64 pfn = region->start_pfn;

	if (region->kind == PB_REGION_HOTPLUG)
		return;
	while (pfn < region->end_pfn) {
		u64 next, free = skip_reserved(h, pfn, region->end_pfn, &next);

		memset(&pool->pages[base + (u32)(pfn - region->start_pfn)], PAGE_RESERVED,
		       (size_t)(free - pfn));
		if (free < next)
			release_range(pool, zone, base + (u32)(free - region->start_pfn),
				      base + (u32)(next - region->start_pfn));
		pfn = next;
	}
}

/* Mark and release each region's frames; frames of a span that are in no region are absent. Not
   inlined, since two walks over the regions take much of a small stack. */
static NOINLINE void release_all(struct release *h)
{
	const struct pb_region *last = NULL, *region;
	struct pb_pool *pool = h->pool;
	u32 segment = UINT32_MAX, done = 0;
	struct regions regions;

	regions_begin(&h->reserved, h->config, PB_REGION_RESERVED, BY_PFN);
	region = first_usable(&regions, h->config);
	do {
		u32 start = region_frame(pool, last, region, &segment);

		memset(&pool->pages[done], PAGE_ABSENT, start - done);
		if (!same_zone(last, region))
			begin_reserved(h, region->start_pfn);
		release_region(h, region, start);
		done = start + (u32)(region->end_pfn - region->start_pfn);
		last = region;
	} while (more_usable(&regions, &region));
	memset(&pool->pages[done], PAGE_ABSENT, (size_t)(pool->nr_frames - done));
}

void memmap_release(struct pb_pool *pool, const struct pb_config *config)
{
	struct release h = { .pool = pool, .config = config };

	release_all(&h);
}

/* ------------------------------------------------------------- fast[] */

/* For each combination of zone and mobility flags: the class of the first zone that the CPU's
   zonelist has for it, if that zone is on the CPU's node. */
void pcp_init_fast(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		struct pcp_area *area = pcp_area(pool, cpu);

		for (u32 gfp = 0; gfp <= PCP_FAST_GFP; gfp++) {
			int highest = gfp_zone(pool, gfp);
			int type = gfp_migratetype(pool, gfp);
			u16 zone = NO_ZONE;

			area->fast[gfp] = NO_CLASS;
			if (highest >= 0 && type >= 0)
				zone = pool_node(pool, area->node)->preferred[highest];
			if (zone != NO_ZONE && pool_zone(pool, zone)->node == area->node)
				area->fast[gfp] = zone_class(pool, pool_zone(pool, zone),
							     (u32)type);
		}
	}
}
