/* SPDX-License-Identifier: MIT */
/*
 * How a pool comes into being: how much metadata it needs, where each array lies, its first
 * state, further handles on it.
 */
#include "base/pool.h"
#include "base/seal.h"
#include "pcp/tunables.h"

#include "block/marks.h"
#include "boot/cma.h"
#include "boot/layout.h"
#include "boot/memmap.h"
#include "boot/policy.h"
#include "pcp/pcp.h"
#include "pcp/quarantine.h"
#include "boot/recover.h"
#include "pcp/shared.h"

/* ----------------------------------------------------------- configuration */

void pb_config_init(struct pb_config *config)
{
	static const u32 ratio[PB_NR_ZONE_TYPES] = { 256, 256, 32, 0, 0, 0 };

	memset(config, 0, sizeof(*config));
	config->page_shift = 12;
	config->max_order = PB_DEFAULT_MAX_ORDER;
	config->pageblock_order = PB_DEFAULT_PAGEBLOCK_ORDER;
	config->zone_types = ((1u << PB_NR_ZONE_TYPES) - 1) & ~(1u << PB_ZONE_HIGHMEM);
	config->min_free_kbytes = -1;
	config->watermark_scale_factor = 10;
	config->watermark_boost_factor = 15000;
	memcpy(config->lowmem_reserve_ratio, ratio, sizeof(ratio));
}

/* The number of CPUs; a configuration with cpu_node but no nr_cpus has one. */
static u32 configured_cpus(const struct pb_config *config)
{
	if (!PB_WITH_SMP)
		return 1;
	if (config->nr_cpus)
		return config->nr_cpus;
	return config->cpu_node ? 1 : pb_platform_nr_cpus();
}

static const char *cpu_node_fault(const struct pb_config *config)
{
	for (u32 i = 0; config->cpu_node && i < configured_cpus(config); i++)
		if (config->cpu_node[i] >= (PB_WITH_NUMA ? PB_MAX_NODES : 1))
			return PB_WITH_NUMA
				       ? TEXT("cpu_node: node ids must be below 64")
				       : TEXT("cpu_node: this library was built for one node (PB_WITH_NUMA)");
	return NULL;
}

static const char *quarantine_fault(const struct pb_config *config)
{
	if (config->quarantine && !(config->flags & PB_POOL_HARDENED))
		return TEXT("quarantine: only pools with PB_POOL_HARDENED have one");
	if (config->quarantine > PB_MAX_QUARANTINE)
		return TEXT("quarantine must be at most 65535 blocks");
	if (!PB_WITH_QUARANTINE && config->quarantine)
		return TEXT("quarantine: this library was built without it (PB_WITH_QUARANTINE)");
	return NULL;
}

static const char *flags_fault(const struct pb_config *config)
{
	if (config->flags & ~POOL_FLAGS)
		return TEXT("flags has a bit that is not a PB_POOL_ flag");
	if (!PB_WITH_MOBILITY && config->flags & PB_POOL_MOBILITY)
		return TEXT("flags: this library was built without mobility (PB_WITH_MOBILITY)");
	if (!PB_WITH_SHARED && config->flags & PB_POOL_SHARED)
		return TEXT("flags: this library was built without shared pools (PB_WITH_SHARED)");
	if (config->flags & PB_POOL_CIDS && config->flags & PB_POOL_SHARED)
		return TEXT("flags: PB_POOL_CIDS goes by numbers of one process's threads, and "
			    "PB_POOL_SHARED is for several processes");
	if (!PB_WITH_MARKS && config->flags & (PB_POOL_REPORTING | PB_POOL_CLEARED))
		return TEXT("flags: this library was built without marks (PB_WITH_MARKS)");
	if (!PB_WITH_RANGE && config->flags & PB_POOL_REPORTING)
		return TEXT("flags: this library was built without reporting (PB_WITH_RANGE)");
	return NULL;
}

static const char *config_fault(const struct pb_config *config)
{
	const char *fault;

	if (config->page_shift < 12 || config->page_shift > 30)
		return TEXT("page_shift must be 12 to 30 (4 KiB to 1 GiB)");
	if (config->max_order > PB_MAX_ORDER)
		return TEXT("max_order must be at most 20");
	if (config->pageblock_order > config->max_order || config->pageblock_order > 16)
		return TEXT("pageblock_order must not be greater than max_order, nor than 16");
	if (config->profile > PB_PROFILE_LINUX)
		return TEXT("profile must be PB_PROFILE_MODERN or PB_PROFILE_LINUX");
	if (!PB_WITH_LINUX && config->profile == PB_PROFILE_LINUX)
		return TEXT(
			"profile: this library was built without the linux profile (PB_WITH_LINUX)");
	if (config->kernel >= PB_NR_LINUX)
		return TEXT("kernel must be PB_LINUX_5_4, 5_10, 6_1, 6_12 or 7_2");
	if (config->nr_cpus > PB_MAX_CPUS)
		return TEXT("nr_cpus must be 1 to 4096, or 0 for those of the machine");
	if (config->nr_stripes & (config->nr_stripes - 1) || config->nr_stripes > MAX_STRIPES)
		return TEXT("nr_stripes must be 0 or a power of two up to 16");
	if (!PB_WITH_SMP && (config->nr_stripes > 1 || config->nr_cpus > 1))
		return TEXT("nr_cpus: this library was built for one CPU (PB_WITH_SMP)");
	if (config->watermark_scale_factor < 1 || config->watermark_scale_factor > 3000)
		return TEXT("watermark_scale_factor must be 1 to 3000");
	if (config->pcp_high_fraction && config->pcp_high_fraction < 8)
		return TEXT("pcp_high_fraction must be 0 or at least 8");
	if (config->min_free_kbytes < -1)
		return TEXT("min_free_kbytes must be -1 or more");
	if (!(config->zone_types >> PB_ZONE_NORMAL & 1) || config->zone_types >> PB_NR_ZONE_TYPES)
		return TEXT("zone_types must have PB_ZONE_NORMAL and no unknown bit");
	fault = flags_fault(config);
	if (!fault)
		fault = quarantine_fault(config);
	return fault ? fault : cpu_node_fault(config);
}

_Static_assert(PB_MAX_FRAMES == ((u64)1 << 32) - LIST_REFS, "links name frames, or lists");

/* ------------------------------------------------------------------ layout */

static u64 place(u64 *end, u64 bytes)
{
	u64 at = *end;

	*end = align_up(at + bytes, LINE_BYTES);
	return at;
}

static void place_arrays(struct pb_super *s, const struct memmap_sizes *sizes)
{
	bool linked = s->profile == PB_PROFILE_LINUX;
	u64 end = align_up(sizeof(*s), LINE_BYTES);

	s->nodes = place(&end, s->nr_nodes * sizeof(struct node));
	s->zonelists = place(&end, (u64)s->nr_nodes * s->nr_zones * sizeof(u16));
	s->cpu_nodes = place(&end, s->nr_cpus);
	s->segments = place(&end, s->nr_segments * sizeof(struct segment));
	s->zones = place(&end, s->nr_zones * sizeof(struct zone));
	s->stripes = place(&end, s->nr_stripes * sizeof(struct stripe));
	s->areas = place(&end,
			 (u64)s->nr_stripes * stripe_area_stride(s) * sizeof(struct free_area));
	s->bitmaps = place(&end, sizes->bitmaps);
	s->percpu = place(&end, (u64)s->percpu_stride * s->nr_cpus + depot_bytes(s));
	s->runs = place(&end, sizes->runs);
	s->there = place(&end, s->hotplug ? s->nr_spans : 0);
	(void)place(&end, marks_bytes(s)); /* marks_place() */
	s->classes = place(&end, s->nr_pageblocks * sizeof(u16));
	s->pageblocks = place(&end, (u64)s->nr_pageblocks * s->pageblock_stride);
	s->trees = place(&end, (u64)s->nr_spans * s->span_words * 8);
	s->pages = place(&end, s->nr_frames);
	s->refs = place(&end, s->flags & PB_POOL_REFCOUNT ? s->nr_frames * 4 : 0);
	s->owners = place(&end, s->flags & PB_POOL_OWNERS ? s->nr_frames * 4 : 0);
	s->links = place(&end, linked ? s->nr_frames * sizeof(struct link) : 0);
	s->pcp_types = place(&end, linked ? s->nr_frames : 0);
	s->bytes = end + align_up(quarantine_bytes(s), 64); /* comes last */
}

static void copy_config(const struct pb_config *config, struct pb_super *s)
{
	s->super_bytes = sizeof(struct pb_super);
	s->zone_bytes = sizeof(struct zone);
	s->stripe_bytes = sizeof(struct stripe);
	s->node_bytes = sizeof(struct node);
	s->long_bytes = sizeof(long);
	s->page_shift = config->page_shift;
	s->max_order = config->max_order;
	s->pageblock_order = config->pageblock_order;
	s->profile = config->profile;
	s->kernel = config->profile == PB_PROFILE_LINUX ? config->kernel : 0;
	s->flags = config->flags | (has_cma(config) ? PB_POOL_MOBILITY : 0);
	s->nr_cpus = configured_cpus(config);
	/* checked: few bits */
	s->zone_types = (u16)(PB_WITH_ZONES ? config->zone_types : 1u << PB_ZONE_NORMAL);
	s->linear_pfn = config->linear_pfn;
	s->quarantine_blocks = (u16)config->quarantine;
	s->orders = (u8)(config->max_order + 1u);
	s->span_words = tree_words(config->max_order);
	s->pageblock_stride = config->profile == PB_PROFILE_LINUX
				      ? sizeof(struct pageblock)
				      : (u32)align_up(sizeof(struct pageblock) +
							      2u * (config->pageblock_order + 1u),
						      8);
	s->tunables.user_min_free_kbytes = config->min_free_kbytes;
	s->tunables.watermark_scale_factor = config->watermark_scale_factor;
	s->tunables.watermark_boost_factor = config->watermark_boost_factor;
	memcpy(s->tunables.lowmem_reserve_ratio, config->lowmem_reserve_ratio,
	       sizeof(s->tunables.lowmem_reserve_ratio));
	s->tunables.pcp_high_fraction = config->pcp_high_fraction;
	s->tunables.pcp_batch_max = config->pcp_batch_max;
}

/* The bytes of one CPU's area; 0: the stacks are too large for its 16-bit slots. */
static u64 percpu_bytes(struct pb_super *s, size_t zone_bytes)
{
	if (policy_of(s)->pcp_zone_bytes)
		return align_up(sizeof(struct pcp_area) + zone_bytes, 64);
	s->pcp_cold = pcp_stack_cold(s);
	return pcp_stack_area_bytes(s, zone_bytes);
}

/* With many zones the stacks are halved until an area has room for them; if it never has, the pool
   has no per-CPU lists. */
static void measure_percpu(const struct pb_config *config, struct pb_super *s,
			   struct memmap_sizes *sizes)
{
	u64 bytes = PB_WITH_PCP ? percpu_bytes(s, sizes->percpu) : 0;

	while (PB_WITH_PCP && !bytes && s->pcp_scale < 9) {
		s->pcp_scale++;
		memmap_measure(config, s, sizes);
		bytes = percpu_bytes(s, sizes->percpu);
	}
	if (!bytes)
		s->flags |= PB_POOL_NO_PCP;
	if (s->flags & PB_POOL_NO_PCP) {
		s->pcp_cold = 0;
		return;
	}
	s->percpu_stride = (u32)bytes;
	if (depot_order_of(s) != NO_DEPOT) /* no larger than a CPU's */
		s->depot_lines = (u16)(pcp_stack_area_bytes(s, sizes->depot) / 64);
}

/* Fills in everything that follows from the configuration alone. */
static NOINLINE int measure(const struct pb_config *config, struct pb_super *s,
			    struct pb_error *error)
{
	const char *fault = config_fault(config);
	struct memmap_sizes sizes;
	int code;

	memset(s, 0, sizeof(*s));
	if (fault)
		return set_error(error, PB_EINVAL, UINT32_MAX, fault);
	code = memmap_check(config, error);
	if (code)
		return code;
	copy_config(config, s);
	for (u32 i = 0; config->cpu_node && i < s->nr_cpus; i++)
		if (config->cpu_node[i] >= s->nr_nodes)
			s->nr_nodes = config->cpu_node[i] + 1u;
	if (PB_WITH_PCP && !policy_of(s)->pcp_zone_bytes)
		pcp_stack_layout(s);
	memmap_measure(config, s, &sizes);
	if (s->flags & PB_POOL_CIDS && s->nr_nodes > 1)
		return set_error(
			error, PB_EINVAL, UINT32_MAX,
			TEXT("flags: PB_POOL_CIDS is for pools of one node, as an id is no place"));
	if (s->nr_frames > PB_MAX_FRAMES)
		return set_error(
			error, PB_ETOOBIG, UINT32_MAX,
			TEXT("the memory map has more than 2^32 - 65536 frames after rounding to spans"));
	measure_percpu(config, s, &sizes);
	s->nr_pageblocks = (u32)(s->nr_frames >> s->pageblock_order);
	place_arrays(s, &sizes);
	if (s->bytes > SIZE_MAX)
		return set_error(error, PB_ETOOBIG, UINT32_MAX,
				 TEXT("the metadata would not fit into the address space"));
	return PB_OK;
}

int pb_pool_size(const struct pb_config *config, size_t *bytes, struct pb_error *error)
{
	struct pb_super super;
	int code = measure(config, &super, error);

	if (!code)
		*bytes = (size_t)super.bytes;
	return code;
}

/* ------------------------------------------------------------------ handle */

/* Are areas chosen by concurrency id? Only if the pool asks for it and the kernel has them. */
static bool has_cids(const struct pb_super *s)
{
#ifdef PCP_HAVE_RSEQ
	return s->flags & PB_POOL_CIDS && pb_platform_cids_available();
#else
	(void)s;
	return false;
#endif
}

/*
 * How per-CPU lists are entered, and which orders and frames each fast path serves: a fast path
 * compares with these bounds only, which are 0 where the pool needs more than it does.
 */
static void set_percpu_mode(struct pb_pool *pool)
{
	const struct pb_super *s = pool->super;
	bool modern = s->profile == PB_PROFILE_MODERN;
	bool rseq = !(s->flags & (PB_POOL_NO_RSEQ | PB_POOL_SHARED | PB_POOL_OWNERS)) && modern &&
		    pb_platform_rseq_available(&pool->rseq_offset);
	u64 free_frames = pool->hardened ? 0 : pool->nr_frames;

	pool->percpu_mode = rseq ? PCP_MODE_RSEQ : PCP_MODE_TRYLOCK;
	pool->pcp_orders = pcp_orders_of(s);
	pool->nr_pcp_orders = modern ? s->nr_pcp_orders : 0;
	pool->depot_order = depot_order_of(s);
	if (rseq && has_cids(s)) {
		pool->percpu_mode = PCP_MODE_CID; /* tried after the two other fast paths */
	} else if (rseq) {
		pool->rseq_orders = pool->nr_pcp_orders;
		pool->rseq_free_frames = free_frames;
	} else if (modern && !pool_is_shared(pool)) {
		pool->lock_orders = pool->owners ? 0 : pool->nr_pcp_orders;
		pool->lock_free_frames = free_frames;
	}
}

/* Arrays that not every pool has. */
static void set_options(struct pb_pool *pool)
{
	const struct pb_super *s = pool->super;

	if (s->profile == PB_PROFILE_LINUX) {
		pool->links = pool_at(pool, s->links);
		pool->pcp_types = pool_at(pool, s->pcp_types);
	}
	if (s->flags & PB_POOL_OWNERS)
		pool->owners = pool_at(pool, s->owners);
	if (marks_bytes(s))
		pool->marks = pool_at(pool, marks_place(s));
}

void pool_set_handle(struct pb_pool *pool, void *memory, const struct pb_hooks *hooks)
{
	struct pb_super *s = memory;

	memset(pool, 0, sizeof(*pool));
	pool->super = s;
	pool->pages = pool_at(pool, s->pages);
	pool->nr_frames = s->nr_frames;
	pool->pcp_class = pool_at(pool, s->classes);
	pool->pcp_lists = pool_at(pool, s->percpu + s->pcp_cold + sizeof(struct pcp_area));
	pool->percpu_stride = s->percpu_stride;
	pool->percpu_cpus = s->percpu_stride ? s->nr_cpus : 0;
	pool->pageblock_order = s->pageblock_order;
	pool->max_order = s->max_order;
	pool->page_shift = s->page_shift;
	pool->profile = s->profile;
	pool->kernel = s->kernel;
	pool->policy = policy_of(s);
	pool->wings = &pb_wings;
	pool->shared = (s->flags & PB_POOL_SHARED) != 0;
	pool->hardened = (s->flags & PB_POOL_HARDENED) != 0;
	pool->movable_mask = s->flags & PB_POOL_MOVABLE_EXPLICIT ? 0 : PB_GFP_MOVABLE;
	pool->span_words = s->span_words;
	pool->pageblock_stride = s->pageblock_stride;
	pool->trees = pool_at(pool, s->trees);
	pool->pageblocks = pool_at(pool, s->pageblocks);
	set_options(pool);
	/* without per-CPU lists a free always goes on to the zone */
	if (!PB_WITH_PCP && !pool->shared && !pool->hardened)
		pool->lock_free_frames = pool->nr_frames;
	if (pool->percpu_cpus)
		set_percpu_mode(pool);
	if (hooks)
		pool->hooks = *hooks;
}

/* ---------------------------------------------------------------- zonelists */

static int distance(const struct pb_config *config, u32 nr_nodes, u32 a, u32 b)
{
	if (config->distance)
		return config->distance[a * nr_nodes + b];
	return a == b ? 10 : 20;
}

static bool node_has_memory(const struct pb_pool *pool, u32 id)
{
	for (unsigned int t = 0; t < PB_NR_ZONE_TYPES; t++)
		if (pool_node(pool, id)->zones[t] != NO_ZONE)
			return true;
	return false;
}

/* The nearest unused node with memory (spec 5.2): a node before this one counts as one farther, so
   does a node with CPUs, and among equals the one that fewer zonelists use goes first. */
static int next_best_node(const struct pb_pool *pool, const struct pb_config *config, u32 local,
			  u64 used, const u16 *load)
{
	u32 n = pool->super->nr_nodes;
	u64 best_value = UINT64_MAX;
	int best = -1;

	if (!(used >> local & 1) && node_has_memory(pool, local))
		return (int)local;
	for (u32 id = 0; id < n; id++) {
		u64 value = (u64)distance(config, n, local, id) + (id < local) +
			    (pool_node(pool, id)->nr_cpus != 0);

		value = value * PB_MAX_NODES + load[id];
		if (!(used >> id & 1) && node_has_memory(pool, id) && value < best_value) {
			best_value = value;
			best = (int)id;
		}
	}
	return best;
}

static NOINLINE void build_zonelist(struct pb_pool *pool, const struct pb_config *config, u32 local,
				    u16 *load)
{
	struct node *node = pool_node(pool, local);
	u32 n = pool->super->nr_nodes;
	u32 previous = local;
	u64 used = 0;
	int best;

	if (!PB_WITH_NUMA) { /* node 0, which has memory */
		node->zonelist_nodes = 1;
		return;
	}
	while ((best = next_best_node(pool, config, local, used, load)) >= 0) {
		if (distance(config, n, local, (u32)best) != distance(config, n, local, previous))
			load[best]++;
		used |= (u64)1 << best;
		node->order[node->zonelist_nodes++] = (u8)best;
		previous = (u32)best;
	}
}

/* Writes a node's zonelist: node by node, each with its highest zone first. */
static void fill_zonelist(struct pb_pool *pool, u32 id)
{
	struct node *node = pool_node(pool, id);
	u16 *zonelist = node_zonelist(pool, id);

	for (u32 i = 0; i < node->zonelist_nodes; i++)
		for (int t = PB_NR_ZONE_TYPES - 1; t >= 0; t--) {
			u16 zone = pool_node(pool, node->order[i])->zones[t];

			if (zone != NO_ZONE)
				zonelist[node->zonelist_zones++] = zone;
		}
}

static u16 preferred_zone(const struct pb_pool *pool, const struct node *node, int highest)
{
	for (u32 i = 0; i < node->zonelist_nodes; i++)
		for (int t = highest; t >= 0; t--)
			if (pool_node(pool, node->order[i])->zones[t] != NO_ZONE)
				return pool_node(pool, node->order[i])->zones[t];
	return NO_ZONE;
}

/* The node's zonelist is zone 0. */
static void one_zonelist(struct pb_pool *pool)
{
	struct node *node = pool_node(pool, 0);

	node->online = node->zonelist_nodes = 1;
	node->zonelist_zones = 1;
	node->zones[PB_ZONE_NORMAL] = 0;
	for (int t = 0; t < PB_NR_ZONE_TYPES; t++)
		node->preferred[t] = t < PB_ZONE_NORMAL ? NO_ZONE : 0;
}

static NOINLINE void build_zonelists(struct pb_pool *pool, const struct pb_config *config)
{
	u16 load[PB_WITH_NUMA ? PB_MAX_NODES : 1] = { 0 };

	if (!PB_WITH_ZONES) {
		one_zonelist(pool);
		return;
	}
	for (u32 id = 0; id < (PB_WITH_NUMA ? pool->super->nr_nodes : 1); id++) {
		struct node *node = pool_node(pool, id);

		node->online = node->nr_cpus || node_has_memory(pool, id);
		build_zonelist(pool, config, id, load);
		fill_zonelist(pool, id);
		for (int t = 0; t < PB_NR_ZONE_TYPES; t++)
			node->preferred[t] = preferred_zone(pool, node, t);
	}
}

/* -------------------------------------------------------------------- init */

static NOINLINE void init_nodes(struct pb_pool *pool, const struct pb_config *config)
{
	u8 *cpu_nodes = pool_at(pool, pool->super->cpu_nodes);

	for (u32 id = 0; id < pool_nr_nodes(pool); id++)
		memset(pool_node(pool, id)->zones, 0xff, sizeof(pool_node(pool, id)->zones));
	for (u32 cpu = 0; cpu < pool->super->nr_cpus; cpu++) {
		struct node *node;

		cpu_nodes[cpu] = config->cpu_node ? config->cpu_node[cpu] : 0;
		node = pool_node(pool, cpu_nodes[cpu]);
		if (node->nr_cpus < 255)
			node->nr_cpus++;
	}
}

static void init_pageblocks(struct pb_pool *pool, unsigned int type)
{
	for (u32 z = 0; z < pool_nr_zones(pool); z++) {
		const struct zone *zone = pool_zone(pool, z);
		u32 first = zone_first_pageblock(pool, zone);

		for (u32 i = first; i < first + zone_nr_pageblocks(pool, zone); i++)
			if (frame_is_there(pool, i << pool->pageblock_order))
				init_pageblock(pool, i, type, zone_class(pool, zone, type));
	}
}

/* Is the pool large enough for grouping by mobility (spec 2.4)? */
static bool enough_for_mobility(const struct pb_pool *pool)
{
	u32 flags = pool->super->flags;
	u64 total = 0;

	if (!PB_WITH_MOBILITY)
		return false;
	if (flags & (PB_POOL_NO_MOBILITY | PB_POOL_MOBILITY))
		return flags & PB_POOL_MOBILITY;
	for (u32 z = 0; z < pool_nr_zones(pool); z++)
		total += flags & PB_POOL_ALL_RESERVED ? pool_zone(pool, z)->present
						      : pool_zone(pool, z)->managed;
	return total >= pageblock_pages(pool) * PB_MIGRATE_TYPES;
}

static void disable_mobility(struct pb_pool *pool)
{
	pool->super->mobility = 0;
	if (PB_WITH_LINUX && policy(pool)->keeps_boot_types)
		return;
	for (u32 i = 0; i < pool->super->nr_pageblocks; i++) {
		struct zone *zone = zone_of_frame(pool, i << pool->pageblock_order);

		u32 frame = i << pool->pageblock_order;
		struct locked at = { .pool = pool,
				     .zone = zone,
				     .stripe = frame_stripe(pool, zone, frame) };

		if (!frame_is_there(pool, frame))
			continue;
		__set_pageblock_type(&at, i, PB_MIGRATE_UNMOVABLE);
		__area_relist(&at, frame);
	}
}

static NOINLINE void init_state(struct pb_pool *pool, const struct pb_config *config)
{
	struct tunables *t = &pool->super->tunables;

	init_nodes(pool, config);
	memmap_build(pool, config);
	memmap_there(pool, config);
	build_zonelists(pool, config);
	init_lists(pool);
	pool->super->mobility = PB_WITH_MOBILITY;
	init_pageblocks(pool, PB_WITH_MOBILITY ? PB_MIGRATE_MOVABLE : PB_MIGRATE_UNMOVABLE);
	cma_init(pool, config);
	pcp_init_areas(pool);
	memmap_release(pool, config);
	if (PB_WITH_MOBILITY && !enough_for_mobility(pool))
		disable_mobility(pool);
	if (t->user_min_free_kbytes >= 0) {
		lock_tunables(pool)->min_free_kbytes = t->user_min_free_kbytes;
		apply_tunables(pool);
	} else {
		init_per_zone_wmark_min(pool);
	}
	pcp_init_fast(pool);
}

struct place {
	void *memory;
	size_t bytes;
	bool zeroed;
	struct pb_error *error;
};

static NOINLINE int place_super(const struct pb_super *super, const struct place *place)
{
	if (!place->memory || (uintptr_t)place->memory & 63)
		return set_error(place->error, PB_EINVAL, UINT32_MAX,
				 TEXT("metadata memory must be aligned to 64 bytes"));
	if (place->bytes < super->bytes)
		return set_error(place->error, PB_ENOMEM, UINT32_MAX,
				 TEXT("metadata memory is smaller than pb_pool_size() says"));
	if (!place->zeroed) {
		/* the magic goes first: if the process dies in here no pool is left */
		store_ordered(&((struct pb_super *)place->memory)->magic, 0);
		memset(place->memory, 0, (size_t)super->bytes);
	}
	memcpy(place->memory, super, sizeof(*super));
	return PB_OK;
}

/* Not inlined, so that the super block isn't on the stack while the pool is built. */
static NOINLINE int init_super(const struct pb_config *config, const struct place *place)
{
	struct pb_super super;
	int code = measure(config, &super, place->error);

	return code ? code : place_super(&super, place);
}

int pb_pool_init(struct pb_pool *pool, const struct pb_config *config, void *memory, size_t bytes,
		 bool zeroed, const struct pb_hooks *hooks, struct pb_error *error)
{
	const struct place place = { memory, bytes, zeroed, error };
	int code = init_super(config, &place);

	memset(pool, 0, sizeof(*pool));
	if (code)
		return code;
	pool_set_handle(pool, memory, hooks);
	pool->linear = config->linear;
	init_state(pool, config);
	pool->super->layout = POOL_LAYOUT;
	pool->super->magic = POOL_MAGIC;
	seal_super(pool->super);
	return PB_OK;
}

/* ------------------------------------------------------------------ attach */

int pb_pool_attach_with(struct pb_pool *pool, void *memory, size_t bytes,
			const struct pb_attach *how, struct pb_error *error)
{
	const char *fault;

	memset(pool, 0, sizeof(*pool));
	if (!PB_WITH_ATTACH)
		return set_error(error, PB_ENOTSUP, UINT32_MAX,
				 TEXT("this library was built without attaching (PB_WITH_ATTACH)"));
	if (!memory || (uintptr_t)memory & 63 || bytes < sizeof(struct pb_super))
		return set_error(
			error, PB_EINVAL, UINT32_MAX,
			TEXT("metadata memory must be aligned to 64 bytes and hold a pool"));
	fault = layout_fault(memory, bytes);
	if (fault)
		return set_error(error, PB_EFORMAT, UINT32_MAX, fault);
	pool_set_handle(pool, memory, how->hooks);
	pool->linear = how->linear;
	pool->owner = how->owner;
	if (!how->recover)
		return PB_OK;
	if (!PB_WITH_SHARED)
		return set_error(error, PB_ENOTSUP, UINT32_MAX,
				 TEXT("this library was built without recovery (PB_WITH_SHARED)"));
	if (!pool_is_shared(pool))
		recover_shared(pool);
	else if (!shared_recover(pool))
		return set_error(error, PB_EBUSY, UINT32_MAX,
				 TEXT("another process is inside a call in this pool"));
	return PB_OK;
}

int pb_pool_attach(struct pb_pool *pool, void *memory, size_t bytes, bool recovery,
		   const struct pb_hooks *hooks, struct pb_error *error)
{
	const struct pb_attach how = { .recover = recovery, .hooks = hooks };

	return pb_pool_attach_with(pool, memory, bytes, &how, error);
}

void pb_pool_destroy(struct pb_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
}
