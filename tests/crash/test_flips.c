/* SPDX-License-Identifier: MIT */
/*
 * One bit is wrong. Every bit of the metadata of small pools is turned over in turn:
 * pb_validate() has to end, without a step outside the metadata, and to notice. What it
 * can't notice is in harmless[], with the reason; there the pool has to go on: every
 * page can be had and given back.
 *
 *	PB_FLIP_EVERY=n  try every n-th bit only, from a random one on (make test: 3,
 *	                 make test-long: 1)
 *	PB_FLIP_LIST=1   only list what goes unnoticed: field and bit
 *	PB_SEED=n
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "linux/pcp_linux.h"
#include "pcp/pcp.h" /* the core's: what the metadata hold */
#include "pcp/quarantine.h"
#include "support/cmocka.h"

/* ------------------------------------------------------------- what a byte is for */

enum use {
	STATE,      /* the allocator goes by it */
	STATISTICS, /* for readers only */
	CALLERS,    /* numbers that only callers know to be right */
	UNREAD,     /* padding, or a place that holds nothing now */
};

/* A field, as harmless[] and reports name it. */
struct place {
	const char *name;
	enum use use;
};

static struct pb_pool pool;
static unsigned char *memory;
static size_t bytes;
static bool read_frame[1 << 12]; /* linux: the frame is on a list, so its links are read */
static bool owned_frame[1 << 12];

#define FIELD(base, structure, field)                                                      \
	do {                                                                               \
		if ((base)-offsetof(structure, field) < sizeof(((structure *)0)->field)) { \
			place->name = #structure "." #field;                               \
			return true;                                                       \
		}                                                                          \
	} while (0)
#define COUNTED(base, structure, field)        \
	do {                                   \
		place->use = STATISTICS;       \
		FIELD(base, structure, field); \
		place->use = STATE;            \
	} while (0)

static bool in_super(size_t at, struct place *place)
{
	if (at < offsetof(struct pb_super, tunables)) {
		place->name = "super block, fixed part";
		return true;
	}
	FIELD(at, struct pb_super, tunables);
	FIELD(at, struct pb_super, totalreserve);
	FIELD(at, struct pb_super, sizes_sum);
	FIELD(at, struct pb_super, sizes_lock);
	FIELD(at, struct pb_super, users_lock);
	FIELD(at, struct pb_super, users_depth);
	COUNTED(at, struct pb_super, vm);
	COUNTED(at, struct pb_super, warned);
	COUNTED(at, struct pb_super, repairs);
	return false;
}

static bool in_zone(size_t at, struct place *place)
{
	FIELD(at, struct zone, watermark_boost);
	FIELD(at, struct zone, flags);
	FIELD(at, struct zone, vm_free);
	FIELD(at, struct zone, quarantined);
	FIELD(at, struct zone, lock);
	COUNTED(at, struct zone, numa_miss);
	COUNTED(at, struct zone, numa_foreign);
	COUNTED(at, struct zone, numa_other_direct);
	COUNTED(at, struct zone, extfrag);
	COUNTED(at, struct zone, extfrag_steal);
	COUNTED(at, struct zone, numa_base);
	COUNTED(at, struct zone, unreclaimable);
	FIELD(at, struct zone, _watermark);
	FIELD(at, struct zone, lowmem_reserve);
	FIELD(at, struct zone, level_words);
	FIELD(at, struct zone, pcp_batch);
	FIELD(at, struct zone, pcp_high_min);
	FIELD(at, struct zone, pcp_high_max);
	FIELD(at, struct zone, stat_threshold);
	FIELD(at, struct zone, present);
	FIELD(at, struct zone, managed);
	FIELD(at, struct zone, nr_reserved_highatomic);
	FIELD(at, struct zone, nr_isolate_pageblock);
	if (at < offsetof(struct zone, level_words) && at >= offsetof(struct zone, start_pfn)) {
		place->name = "struct zone, fixed part";
		return true;
	}
	return false;
}

static bool in_stripe(size_t at, struct place *place)
{
	COUNTED(at, struct stripe, version);
	COUNTED(at, struct stripe, pgalloc);
	COUNTED(at, struct stripe, pgfree);
	COUNTED(at, struct stripe, direct_allocs);
	FIELD(at, struct stripe, remote_active);
	FIELD(at, struct stripe, approx_free);
	FIELD(at, struct stripe, lock);
	place->use = pool.profile == PB_PROFILE_LINUX ? UNREAD : STATE;
	FIELD(at, struct stripe, nonempty);
	place->use = STATE;
	FIELD(at, struct stripe, nr_free_pages);
	FIELD(at, struct stripe, nr_free_cma);
	FIELD(at, struct stripe, nr_isolated);
	FIELD(at, struct stripe, bitmaps);
	FIELD(at, struct stripe, min_error);
	if (at < offsetof(struct stripe, nonempty)) {
		place->name = "struct stripe, fixed part";
		return true;
	}
	return false;
}

/* The linux profile has no use for most of it, nor is the type before ISOLATE read of
   another one, nor where a pageblock was listed of one that isn't. */
static bool in_pageblock(const struct pageblock *pb, size_t at, struct place *place)
{
	FIELD(at, struct pageblock, type);
	if (pool.profile == PB_PROFILE_LINUX || at == offsetof(struct pageblock, old_type) ||
	    (at == offsetof(struct pageblock, listed_type) && !pb->mask))
		return false;
	FIELD(at, struct pageblock, mask);
	FIELD(at, struct pageblock, listed_order);
	FIELD(at, struct pageblock, listed_type);
	place->name = "struct pageblock.nr_free";
	return at < sizeof(*pb) + 2u * (pool.pageblock_order + 1u);
}

static bool in_linux_lists(size_t at, struct place *place)
{
	COUNTED(at, struct pcp_linux, allocs);
	COUNTED(at, struct pcp_linux, frees);
	COUNTED(at, struct pcp_linux, alloc_pages);
	COUNTED(at, struct pcp_linux, free_pages);
	FIELD(at, struct pcp_linux, count);
	FIELD(at, struct pcp_linux, high);
	FIELD(at, struct pcp_linux, batch);
	FIELD(at, struct pcp_linux, free_factor);
	FIELD(at, struct pcp_linux, stat_diff);
	FIELD(at, struct pcp_linux, high_min);
	FIELD(at, struct pcp_linux, high_max);
	FIELD(at, struct pcp_linux, alloc_factor);
	FIELD(at, struct pcp_linux, flags);
	FIELD(at, struct pcp_linux, lists);
	return false;
}

/* Is the slot, counted from where the lists begin, below some stack's top? */
static bool slot_in_use(const struct pcp_area *area, u32 slot)
{
	u32 lists = (pool.super->nr_zones * 3u + 1) << pool.super->class_shift;
	const struct pcp_list *list = (const struct pcp_list *)(area + 1);

	for (u32 i = 0; i < lists; i++, list++)
		if (slot >= list->base && slot < PCP_TOP(list->head))
			return true;
	return false;
}

/* Not of no class, nor of an order without lists: those are empty and full for ever. */
static bool is_stack(size_t list)
{
	return list >> pool.super->class_shift &&
	       (list & ((1u << pool.super->class_shift) - 1)) < pool.super->nr_pcp_orders;
}

/* `at` is counted from the cold records in front of the area's head. */
static bool in_area(const unsigned char *start, size_t at, struct place *place)
{
	u32 lists = (pool.super->nr_zones * 3u + 1) << pool.super->class_shift;
	const struct pcp_area *area = (const void *)(start + pool.super->pcp_cold);
	size_t behind = at - pool.super->pcp_cold - sizeof(*area);

	if (at < pool.super->pcp_cold) {
		place->use = STATISTICS;
		place->name = "struct pcp_cold";
		return at < lists * sizeof(struct pcp_cold);
	}
	at -= pool.super->pcp_cold;
	FIELD(at, struct pcp_area, lock);
	FIELD(at, struct pcp_area, cpu);
	FIELD(at, struct pcp_area, node);
	FIELD(at, struct pcp_area, fast);
	FIELD(at, struct pcp_area, closed);
	if (at < sizeof(*area))
		return false;
	if (pool.profile == PB_PROFILE_LINUX)
		return behind < pool.super->nr_zones * sizeof(struct pcp_linux) &&
		       in_linux_lists(behind % sizeof(struct pcp_linux), place);
	if (behind < lists * sizeof(struct pcp_list)) {
		at = behind % sizeof(struct pcp_list);
		if (at >= 2 && at < 8) /* little endian: the top is in the lower bytes */
			place->use = STATISTICS;
		if (at >= offsetof(struct pcp_list, max) &&
		    !is_stack(behind / sizeof(struct pcp_list)))
			return false;
		FIELD(at, struct pcp_list, head);
		FIELD(at, struct pcp_list, base);
		FIELD(at, struct pcp_list, limit);
		FIELD(at, struct pcp_list, max);
		FIELD(at, struct pcp_list, room);
	}
	place->name = "stacks of per-CPU lists";
	return slot_in_use(area, (u32)(behind / 4));
}

static bool shared_head(size_t frame)
{
	return (pool.pages[frame].state & (PB_PAGE_HEAD | PB_PAGE_SHARED)) ==
	       (PB_PAGE_HEAD | PB_PAGE_SHARED);
}

static bool in_frames(size_t at, struct place *place)
{
	const struct pb_super *s = pool.super;
	bool linked = s->profile == PB_PROFILE_LINUX;

	if (at < s->pages + s->nr_frames) {
		place->name = pool.pages[at - s->pages].state & PB_PAGE_HEAD ? "page byte of a head"
									     : "page byte";
		return true;
	}
	if (s->flags & PB_POOL_REFCOUNT && at >= s->refs && at < s->refs + 4 * s->nr_frames) {
		place->name = "references";
		place->use = shared_head((at - s->refs) / 4) ? CALLERS : STATE;
		return true;
	}
	place->name = "owner tag";
	if (s->flags & PB_POOL_OWNERS && at >= s->owners && at < s->owners + 4 * s->nr_frames) {
		place->use = CALLERS;
		return owned_frame[(at - s->owners) / 4];
	}
	place->name = "links";
	if (linked && at >= s->links && at < s->links + sizeof(struct link) * s->nr_frames)
		return read_frame[(at - s->links) / sizeof(struct link)];
	if (s->quarantine_blocks && at >= s->bytes - align_up(quarantine_bytes(s), 64)) {
		size_t from = (size_t)(s->bytes - align_up(quarantine_bytes(s), 64));

		FIELD(at - from, struct quarantine, next);
		place->name = "quarantine";
		return at - from < quarantine_bytes(s);
	}
	place->name = "pcp_types";
	return linked && at >= s->pcp_types && at < s->pcp_types + s->nr_frames &&
	       read_frame[at - s->pcp_types];
}

#define IN_ARRAY(offset, count, size) (at >= s->offset && at < s->offset + (u64)(count) * (size))

static bool in_arrays(size_t at, struct place *place)
{
	const struct pb_super *s = pool.super;

	if (IN_ARRAY(zones, s->nr_zones, sizeof(struct zone)))
		return in_zone((at - s->zones) % sizeof(struct zone), place);
	if (IN_ARRAY(stripes, s->nr_stripes, sizeof(struct stripe)))
		return in_stripe((at - s->stripes) % sizeof(struct stripe), place);
	if (at >= s->percpu &&
	    at < s->percpu + (u64)s->nr_cpus * s->percpu_stride + depot_bytes(s)) {
		size_t n = (at - s->percpu) / s->percpu_stride; /* the depot's is no larger */

		return in_area(memory + s->percpu + n * s->percpu_stride,
			       (at - s->percpu) % s->percpu_stride, place);
	}
	if (IN_ARRAY(pageblocks, s->nr_pageblocks, s->pageblock_stride))
		return in_pageblock(pool_pageblock(&pool, (u32)((at - s->pageblocks) /
								s->pageblock_stride)),
				    (at - s->pageblocks) % s->pageblock_stride, place);
	place->name = "free lists";
	if (IN_ARRAY(areas, s->nr_stripes * stripe_area_stride(s), sizeof(struct free_area)))
		return (at - s->areas) / sizeof(struct free_area) % stripe_area_stride(s) <
		       s->orders;
	place->name = "pcp_class";
	if (IN_ARRAY(classes, s->nr_pageblocks, sizeof(u16)))
		return true;
	place->name = "trees";
	return IN_ARRAY(trees, s->nr_spans, s->span_words * 8u);
}

static struct place place_of(size_t at)
{
	const struct pb_super *s = pool.super;
	struct place place = { .use = STATE };
	bool known;

	if (at < sizeof(*s)) {
		known = in_super(at, &place);
	} else if (at < s->zones || (at >= s->bitmaps && at < s->percpu)) {
		place.name = at < s->zones ? "nodes, zonelists, segments" : "bitmaps";
		known = at >= s->nodes;
	} else {
		known = at >= s->pages ? in_frames(at, &place) : in_arrays(at, &place);
	}
	if (!known)
		place = (struct place){ "nothing", UNREAD };
	return place;
}

/* --------------------------------------------------------------- what goes unnoticed */

/* The list in docs/TESTING.md, with the reasons. */
static const char *const harmless[] = {
	"page byte of a head",
	"struct zone.watermark_boost",
	"struct stripe.approx_free",
	"struct stripe.remote_active",
	"struct zone.flags",
	"struct quarantine.next", /* of a full one */
	"pcp_types",
	"struct zone.nr_reserved_highatomic", /* linux */
	"struct pageblock.type",              /* linux */
	"struct pcp_list.limit",
	"struct pcp_linux.free_factor",
	"struct pcp_linux.alloc_factor",
	"struct pcp_linux.flags",
	"struct pcp_linux.high", /* from 6.12 on */
};

static bool is_harmless(const char *name)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (!strcmp(name, harmless[i]))
			return true;
	return false;
}

/* Every page that can be had is had, and given back. */
static void goes_on(const struct place *place, size_t bit)
{
	static struct pb_page *pages[1 << 12];
	size_t n = 0;

	while ((pages[n] = pb_alloc_pages(&pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0)))
		n++;
	tp_require(pb_free_bulk(&pool, 0, n, pages) == n, "%s, bit %zu: can't be freed",
		   place->name, bit);
	pb_pcp_decay(&pool);
	pb_drain(&pool, -1);
	(void)pb_set_pcp(&pool, 0, 0);
}

static int note_frame(void *ctx, const struct pb_block *block)
{
	(void)ctx;
	read_frame[block->pfn] = block->state == PB_BLOCK_FREE;
	owned_frame[block->pfn] = block->state == PB_BLOCK_ALLOCATED;
	return 0;
}

/* Frames of blocks on per-CPU lists are read too, but only the first of each. */
static int note_pcp(void *ctx, uint64_t pfn)
{
	(void)ctx;
	read_frame[pfn] = true;
	return 0;
}

static void note_frames(void)
{
	memset(read_frame, 0, sizeof(read_frame));
	memset(owned_frame, 0, sizeof(owned_frame));
	(void)pb_walk(&pool, note_frame, NULL);
	for (u32 z = 0; z < pool.super->nr_zones; z++)
		for (u32 cpu = 0; cpu < pool.super->nr_cpus; cpu++)
			for (unsigned int order = 0; order <= pool.max_order; order++)
				for (int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
					(void)pb_walk_pcp(&pool, cpu, pool_zone(&pool, z)->node,
							  pool_zone(&pool, z)->type, order,
							  (enum pb_migratetype)type, note_pcp,
							  NULL);
}

struct tally {
	unsigned long bits, noticed, unnoticed, statistics, callers, unread;
};

static void flip(size_t bit, const unsigned char *before, struct tally *tally)
{
	struct place place = place_of(bit / 8);
	struct pb_error error = { 0 };
	int code;

	tally->bits++;
	memory[bit / 8] ^= (unsigned char)(1u << bit % 8);
	code = pb_validate(&pool, &error);
	if (place.use == STATISTICS)
		tally->statistics++;
	else if (place.use == CALLERS)
		tally->callers++;
	else if (place.use == UNREAD)
		tally->unread++;
	else if (code)
		tally->noticed++;
	else
		tally->unnoticed++;
	if (!code && place.use == STATE) {
		if (getenv("PB_FLIP_LIST"))
			printf("%s %zu\n", place.name, bit % 8);
		else
			tp_require(is_harmless(place.name), "%s, bit %zu: not noticed", place.name,
				   bit);
		if (!getenv("PB_FLIP_LIST"))
			goes_on(&place, bit);
	}
	memcpy(memory, before, bytes);
}

/* ------------------------------------------------------------------------ the pools */

struct kind {
	const char *name;
	uint8_t profile;
	uint32_t flags, frames;
	uint8_t kernel;
	uint8_t stripes;
};

static struct pb_config config_of(const struct kind *kind, struct pb_region regions[3])
{
	struct pb_config config;

	regions[0] = (struct pb_region){ 0, 128, 0, PB_ZONE_DMA32, PB_REGION_USABLE };
	regions[1] = (struct pb_region){ 128, kind->frames, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	regions[2] = (struct pb_region){ 200, 205, 0, 0, PB_REGION_RESERVED };
	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = 3;
	config.max_order = 4;
	config.pageblock_order = 3;
	config.profile = kind->profile;
	config.kernel = kind->kernel;
	config.flags = kind->flags | PB_POOL_NO_RSEQ | PB_POOL_MOBILITY;
	tp_quarantine(&config);
	config.nr_cpus = 2;
	config.nr_stripes = kind->stripes;
	config.min_free_kbytes = 64;
	return config;
}

static void fill(void)
{
	struct tp_rng rng = { 99 };
	struct pb_page *pages[64];

	pb_set_owner(&pool, 7);
	for (int i = 0; i < 64; i++)
		pages[i] = pb_alloc_pages(&pool,
					  (i % 3 ? PB_GFP_HIGHUSER_MOVABLE : PB_GFP_KERNEL) |
						  PB_GFP_NOWARN,
					  tp_below(&rng, 3));
	for (int i = 0; i < 64; i += 2)
		if (pages[i])
			(void)pb_free_pages(&pool, pages[i],
					    (unsigned int)pb_page_order(&pool, pages[i]));
	if (pool.super->flags & PB_POOL_REFCOUNT && pages[1])
		assert_int_equal(pb_get_page(&pool, pages[1]), PB_OK);
}

/* The metadata end at an inaccessible page, and begin behind bytes that stay as they are. */
static unsigned char *map(size_t n, size_t *front)
{
	size_t page = 4096, mapped = (n + page - 1) / page * page + 2 * page;
	unsigned char *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(mprotect(at, page, PROT_NONE), 0);
	assert_int_equal(mprotect(at + mapped - page, page, PROT_NONE), 0);
	*front = mapped - 2 * page - n;
	memset(at + page, 0xa5, *front);
	return at + mapped - page - n;
}

static void run(const struct kind *kind)
{
	unsigned long every = tp_env("PB_FLIP_EVERY", 3);
	struct tp_rng rng = { tp_seed() };
	struct pb_region regions[3];
	struct pb_config config = config_of(kind, regions);
	struct tally tally = { 0 };
	unsigned char *before;
	size_t front;

	assert_int_equal(pb_pool_size(&config, &bytes, NULL), PB_OK);
	memory = map(bytes, &front);
	before = malloc(bytes);
	assert_int_equal(pb_pool_init(&pool, &config, memory, bytes, true, NULL, NULL), PB_OK);
	tp_require_stripes(&pool, config.nr_stripes, 4);
	fill();
	assert_int_equal(pb_validate(&pool, NULL), PB_OK);
	note_frames();
	memcpy(before, memory, bytes);
	for (size_t bit = tp_below(&rng, (uint32_t)every); bit < bytes * 8; bit += every)
		flip(bit, before, &tally);
	for (size_t i = 1; i <= front; i++)
		assert_int_equal(*(memory - i), 0xa5);
	printf("%s: %lu flips; of %lu that matter %lu noticed (%.2f %%); %lu in callers' numbers, "
	       "%lu in statistics, %lu in bytes that nobody reads\n",
	       kind->name, tally.bits, tally.noticed + tally.unnoticed, tally.noticed,
	       100.0 * (double)tally.noticed / (double)(tally.noticed + tally.unnoticed),
	       tally.callers, tally.statistics, tally.unread);
	assert_true(tally.noticed >= 99 * tally.unnoticed);
	free(before);
}

static void test_flips(void **state)
{
	static const uint32_t side = PB_POOL_REFCOUNT | PB_POOL_OWNERS;
	static const struct kind kinds[] = {
		{ "modern", PB_PROFILE_MODERN, 0, 512, 0, 1 },
		{ "modern, references, owners", PB_PROFILE_MODERN, side, 512, 0, 1 },
		{ "modern, no pcp, bitmaps of two levels, two stripes", PB_PROFILE_MODERN,
		  PB_POOL_NO_PCP, 2048, 0, 2 },
		{ "modern, shared", PB_PROFILE_MODERN, side | PB_POOL_SHARED, 512, 0, 1 },
		{ "modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE, 512, 0, 1 },
		{ "linux", PB_PROFILE_LINUX, 0, 512, PB_LINUX_6_1, 1 },
		{ "linux, as 7.2", PB_PROFILE_LINUX, 0, 512, PB_LINUX_7_2, 1 },
		{ "linux, shared", PB_PROFILE_LINUX, side | PB_POOL_SHARED, 512, PB_LINUX_6_1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		run(&kinds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flips),
	};

	return pb_run_tests(tests);
}
