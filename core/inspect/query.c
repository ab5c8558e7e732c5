/* SPDX-License-Identifier: MIT */
/*
 * Small answers about a pool: conversions, names, counters, warnings, trace.
 */
#include "alloc/misuse.h"
#include "pcp/pcp.h"
#include "boot/shared.h"

/* ------------------------------------------------------------- conversions */

u64 frame_to_pfn(const struct pb_pool *pool, u32 frame)
{
	u32 low = 0, high = pool->super->nr_banks;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (pool_bank(pool, middle)->frame <= frame)
			low = middle;
		else
			high = middle;
	}
	return pool_bank(pool, low)->pfn + (frame - pool_bank(pool, low)->frame);
}

/* The bank of a zone that a pfn would be in: banks are sorted by (zone, pfn). */
static const struct bank *find_bank(const struct pb_pool *pool, u32 zone, u64 pfn)
{
	u32 low = 0, high = pool->super->nr_banks;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;
		const struct bank *bank = pool_bank(pool, middle);

		if (bank->zone < zone || (bank->zone == zone && bank->pfn <= pfn))
			low = middle;
		else
			high = middle;
	}
	return pool_bank(pool, low);
}

u32 pfn_to_frame(const struct pb_pool *pool, u64 pfn)
{
	for (u32 z = 0; z < pool->super->nr_zones; z++) {
		const struct zone *zone = pool_zone(pool, z);
		const struct bank *bank;
		u32 frame;

		if (pfn - zone->start_pfn >= zone->spanned)
			continue;
		bank = find_bank(pool, z, pfn);
		if (bank->zone != z || pfn < bank->pfn || pfn >= bank->end_pfn)
			continue;
		/* zones may interleave inside a span: the frame is present in one */
		frame = bank->frame + (u32)(pfn - bank->pfn);
		if (load_relaxed(&pool->pages[frame].word) != PAGE_ABSENT)
			return frame;
	}
	return NO_FRAME;
}

uint64_t pb_page_to_pfn(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? UINT64_MAX : frame_to_pfn(pool, frame);
}

struct pb_page *pb_pfn_to_page(const struct pb_pool *pool, uint64_t pfn)
{
	u32 frame = pfn_to_frame(pool, pfn);

	return frame == NO_FRAME ? NULL : pool->pages + frame;
}

void *frame_address(const struct pb_pool *pool, u32 frame)
{
	u64 pfn = frame_to_pfn(pool, frame);

	if (pool->hooks.address)
		return pool->hooks.address(pool->hooks.ctx, pfn);
	if (!pool->linear || zone_of_frame(pool, frame)->type == PB_ZONE_HIGHMEM)
		return NULL;
	return (unsigned char *)pool->linear +
	       (ptrdiff_t)((s64)(pfn - pool->super->linear_pfn) * ((s64)1 << pool->page_shift));
}

void *pb_page_address(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	if (frame == NO_FRAME || zone_of_frame(pool, frame)->type == PB_ZONE_HIGHMEM)
		return NULL;
	return frame_address(pool, frame);
}

struct pb_page *pb_address_to_page(const struct pb_pool *pool, const void *address)
{
	uintptr_t offset = (uintptr_t)address - (uintptr_t)pool->linear;

	if (pool->hooks.address)
		return pool->hooks.address_pfn ?
			       pb_pfn_to_page(pool, pool->hooks.address_pfn(pool->hooks.ctx,
									    address)) :
			       NULL;
	if (!pool->linear || offset & (((uintptr_t)1 << pool->page_shift) - 1))
		return NULL;
	return pb_pfn_to_page(pool, pool->super->linear_pfn +
					    (u64)((s64)(intptr_t)offset >> pool->page_shift));
}

int pb_page_node(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? PB_ENODEV : zone_of_frame(pool, frame)->node;
}

int pb_page_zone(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? PB_ENODEV : zone_of_frame(pool, frame)->type;
}

int pb_pageblock_type(const struct pb_pool *pool, uint64_t pfn)
{
	u32 frame = pfn_to_frame(pool, pfn);

	return frame == NO_FRAME ? PB_ENODEV : (int)frame_migratetype(pool, frame);
}

unsigned int pb_get_order(const struct pb_pool *pool, size_t bytes)
{
	u64 pages;

	if (!bytes)
		return 64u - pool->page_shift;
	pages = ((u64)bytes - 1) >> pool->page_shift;
	return pages ? fls64(pages) + 1 : 0;
}

/* ------------------------------------------------------------------- names */

const char *pb_zone_name(enum pb_zone_type zone)
{
	static const char *const names[] = { "DMA",     "DMA32",   "Normal",
					     "HighMem", "Movable", "Device" };

	return (unsigned int)zone < PB_NR_ZONE_TYPES ? names[zone] : "?";
}

const char *pb_migratetype_name(enum pb_migratetype type)
{
	static const char *const names[] = { "Unmovable",  "Movable", "Reclaimable",
					     "HighAtomic", "CMA",     "Isolate" };

	return (unsigned int)type < PB_MIGRATE_TYPES ? names[type] : "?";
}

const char *pb_reason_name(enum pb_reason reason)
{
	static const char *const names[] = { "none",        "order too big", "no zone",
					     "watermark",   "fragmented",    "migratetype",
					     "bad node id", "bad flags",     "bad range",
					     "no address",  "no pool" };

	return (unsigned int)reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "?";
}

const char *pb_strerror(int code)
{
	static const char *const texts[] = {
		"success",
		"invalid parameter",
		"impossible memory map",
		"not enough memory",
		"too big",
		"no pool of this version",
		"frames are in use",
		"no such pfn, node or zone",
		"misuse by the caller",
		"try again",
		"not supported by this pool",
		"an invariant does not hold",
	};
	unsigned int n = code <= 0 ? 0u - (unsigned int)code : UINT32_MAX;

	return n < sizeof(texts) / sizeof(texts[0]) ? texts[n] : "unknown error";
}

/* ----------------------------------------------------------------- indices */

static void sum_free(const uint64_t *nr_free, unsigned int orders, unsigned int order, u64 *blocks,
		     u64 *pages, u64 *suitable)
{
	*blocks = *pages = *suitable = 0;
	for (unsigned int o = 0; o < orders; o++) {
		*blocks += nr_free[o];
		*pages += nr_free[o] << o;
		if (o >= order)
			*suitable += nr_free[o] << (o - order);
	}
}

int pb_extfrag_index(const uint64_t *nr_free, unsigned int orders, unsigned int order)
{
	u64 blocks, pages, suitable;

	sum_free(nr_free, orders, order, &blocks, &pages, &suitable);
	if (!blocks)
		return 0;
	if (suitable)
		return -1000;
	return 1000 - (int)div_u64(1000 + (pages * 1000 >> order), blocks);
}

int pb_unusable_index(const uint64_t *nr_free, unsigned int orders, unsigned int order)
{
	u64 blocks, pages, suitable;

	sum_free(nr_free, orders, order, &blocks, &pages, &suitable);
	if (!pages)
		return 1000;
	return (int)div_u64((pages - (suitable << order)) * 1000, pages);
}

/* ------------------------------------------------------------ log and trace */

void vm_count(struct pb_pool *pool, enum pb_vm_event event, unsigned long n)
{
	__atomic_fetch_add(&pool->super->vm[event], n, __ATOMIC_RELAXED);
}

void pool_log(struct pb_pool *pool, const char *line)
{
	if (pool->hooks.log)
		pool->hooks.log(pool->hooks.ctx, line);
	else
		pb_platform_log(line);
}

void trace_event(const struct pb_pool *pool, const struct zone *zone, struct pb_trace_event *event)
{
	event->node = zone->node;
	event->zone = zone->type;
	pool->hooks.trace(pool->hooks.ctx, event);
}

void trace_block(const struct pb_pool *pool, enum pb_trace_type type, u32 frame, unsigned int order,
		 unsigned int migratetype, s64 value)
{
	struct pb_trace_event event = { .type = (u8)type,
					.order = (u8)order,
					.migratetype = (u8)migratetype,
					.value = value };

	event.pfn = frame_to_pfn(pool, frame);
	if (type == PB_TRACE_MERGE)
		event.value = (s64)frame_to_pfn(pool, (u32)value);
	trace_event(pool, zone_of_frame(pool, frame), &event);
}

/* -------------------------------------------------------------- statistics */

unsigned int pb_nr_zones(const struct pb_pool *pool)
{
	return pool->super->nr_zones;
}

static s64 zone_pcp_pages(const struct pb_pool *pool, const struct zone *zone)
{
	struct pcp_counts counts;
	s64 held = 0;

	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		pcp_count(pool, cpu, zone, &counts);
		held += (s64)counts.held;
	}
	return held;
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
	stat->present = zone->present;
	stat->managed = load_relaxed(&zone->managed);
	stat->free = zone_free_pages(pool, zone);
	stat->vm_free = zone_vm_free_pages(pool, zone);
	stat->free_cma = zone_free_cma(pool, zone);
	stat->isolated = zone_isolated_pages(pool, zone);
	stat->pcp = zone_pcp_pages(pool, zone);
	for (unsigned int w = 0; w < PB_NR_WMARK; w++)
		stat->watermark[w] = load_relaxed(&zone->_watermark[w]);
	stat->boost = load_relaxed(&zone->watermark_boost);
	for (unsigned int t = 0; t < PB_NR_ZONE_TYPES; t++)
		stat->lowmem_reserve[t] = load_relaxed(&zone->lowmem_reserve[t]);
	stat->nr_reserved_highatomic = load_relaxed(&zone->nr_reserved_highatomic);
	stat->nr_isolate_pageblock = load_relaxed(&zone->nr_isolate_pageblock);
	for (unsigned int o = 0; o <= pool->max_order; o++)
		stat->nr_free[o] = zone_nr_free(pool, zone, o);
	for (u32 b = 0; b < zone_nr_pageblocks(pool, zone); b++)
		stat->pageblocks[pageblock_type(pool, zone_first_pageblock(pool, zone) + b)]++;
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
	vm[PB_EXTFRAG] += load_relaxed(&zone->extfrag);
	vm[PB_EXTFRAG_STEAL] += load_relaxed(&zone->extfrag_steal);
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
	for (unsigned int e = 0; e < PB_NR_VM_EVENTS; e++)
		stat->vm[e] = load_relaxed(&super->vm[e]);
	for (u32 z = 0; z < super->nr_zones; z++) {
		const struct zone *zone = pool_zone(pool, z);

		stat->present += zone->present;
		stat->managed += load_relaxed(&zone->managed);
		stat->free += zone_free_pages(pool, zone);
		stat->pcp += zone_pcp_pages(pool, zone);
		add_zone_events(pool, zone, stat->vm);
	}
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
	for (unsigned int e = 0; e < PB_NR_NUMA_EVENTS; e++)
		numa[e] += zone->numa_base[e];
	return PB_OK;
}

int pb_pcp_stats(struct pb_pool *pool, unsigned int i, unsigned int cpu, struct pb_pcp_stat *stat)
{
	const struct zone *zone;
	struct pcp_counts counts;

	memset(stat, 0, sizeof(*stat));
	if (i >= pool->super->nr_zones || cpu >= pool->percpu_cpus)
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

/* ------------------------------------------------------------------ tuning */

int pb_set_min_free_kbytes(struct pb_pool *pool, int32_t kbytes)
{
	struct tunables *t;

	if (kbytes < -1)
		return PB_EINVAL;
	pool_enter(pool);
	t = lock_tunables(pool);
	t->user_min_free_kbytes = kbytes;
	t->min_free_kbytes = kbytes < 0 ? default_min_free_kbytes(pool) : kbytes;
	apply_tunables(pool);
	pool_leave(pool);
	return PB_OK;
}

int pb_set_watermark_scale_factor(struct pb_pool *pool, uint32_t factor)
{
	if (factor < 1 || factor > 3000)
		return PB_EINVAL;
	pool_enter(pool);
	lock_tunables(pool)->watermark_scale_factor = factor;
	apply_tunables(pool);
	pool_leave(pool);
	return PB_OK;
}

int pb_set_watermark_boost_factor(struct pb_pool *pool, uint32_t factor)
{
	pool_enter(pool);
	store_relaxed(&lock_tunables(pool)->watermark_boost_factor, factor);
	release_tunables(pool);
	pool_leave(pool);
	return PB_OK;
}

int pb_set_pcp(struct pb_pool *pool, uint32_t high, uint32_t batch)
{
	struct tunables *t;

	if (high > INT32_MAX / 2 || batch > INT32_MAX / 2)
		return PB_EINVAL;
	pool_enter(pool);
	t = lock_tunables(pool);
	store_relaxed(&t->pcp_high, high);
	store_relaxed(&t->pcp_batch, batch);
	apply_tunables(pool);
	pcp_drain_all(pool, NULL);
	pool_leave(pool);
	return PB_OK;
}

void pb_boost_done(struct pb_pool *pool, int node, enum pb_zone_type type)
{
	for (u32 z = 0; z < pool->super->nr_zones; z++) {
		struct zone *zone = pool_zone(pool, z);

		if (zone->type == type && (node == PB_NO_NODE || node == zone->node))
			store_relaxed(&zone->watermark_boost, 0ul);
	}
}
