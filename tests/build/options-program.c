// SPDX-License-Identifier: MIT
/*
 * Works on pools made of pagebuddy.c as scripts/dist wrote it, whatever was left out of it: random
 * allocations and frees in pools of several shapes, each page stamped by its owner, all of
 * memory given back and obtained again as the largest blocks. Then what the options left
 * out must be refused. LEFT_OUT_... is defined for each.
 *
 *	options-program [SEED]
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pagebuddy.h"

#define HELD 512u

static uint64_t state;

static void fail(const char *what, ...)
{
	va_list list;

	va_start(list, what);
	vprintf(what, list);
	va_end(list);
	printf("\n");
	exit(1);
}

static uint32_t number(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 16) % below);
}

struct shape {
	const char *name;
	uint32_t frames, flags;
	uint8_t max_order, pageblock_order;
};

static const struct shape shapes[] = {
	{ "plain", 4096, PB_POOL_PLAIN, 10, 9 },
	{ "usual", 8192, 0, 10, 9 },
	{ "one pageblock", 64, PB_POOL_PLAIN | PB_POOL_NO_PCP, 6, 6 },
	{ "no lists, hardened", 3000, PB_POOL_NO_PCP | PB_POOL_HARDENED, 10, 4 },
	{ "many pageblocks", 16384, PB_POOL_REFCOUNT, 5, 3 },
};

static struct pb_pool pool;
static struct pb_region region = { 1000, 0, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
static uint32_t *owners; /* by frame; 0: none */
static struct {
	struct pb_page *page;
	unsigned int order;
} held[HELD];

static void make(const struct shape *shape, struct pb_config *config)
{
	pb_config_init(config);
	region.end_pfn = region.start_pfn + shape->frames;
	config->regions = &region;
	config->nr_regions = 1;
	config->nr_cpus = 1;
	config->flags = shape->flags;
	config->max_order = shape->max_order;
	config->pageblock_order = shape->pageblock_order;
}

static void mark(uint32_t i, uint32_t from, uint32_t to)
{
	uint64_t pfn = pb_page_to_pfn(&pool, held[i].page);

	if (pfn & ((1u << held[i].order) - 1) || pfn < region.start_pfn ||
	    pfn + (1u << held[i].order) > region.end_pfn)
		fail("a block of order %u at pfn %llu", held[i].order, (unsigned long long)pfn);
	for (uint64_t p = pfn; p < pfn + (1u << held[i].order); p++) {
		if (owners[p - region.start_pfn] != from)
			fail("pfn %llu has two owners", (unsigned long long)p);
		owners[p - region.start_pfn] = to;
	}
}

static void turn(uint32_t i, unsigned int max_order)
{
	static const pb_gfp_t gfps[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE,
					 PB_GFP_KERNEL | PB_GFP_RECLAIMABLE, PB_GFP_ATOMIC };

	if (held[i].page) {
		mark(i, i + 1, 0);
		if (pb_free_pages(&pool, held[i].page, held[i].order) != PB_OK)
			fail("a free was refused");
		held[i].page = NULL;
		return;
	}
	held[i].order = number(4) ? 0 : number(max_order + 1);
	/* an urgent one of a larger order would set pageblocks apart that don't merge again */
	held[i].page = pb_alloc_pages(&pool, gfps[held[i].order ? number(3) : 3] | PB_GFP_NOWARN,
				      held[i].order);
	if (held[i].page)
		mark(i, 0, i + 1);
}

static void validate(void)
{
#ifndef LEFT_OUT_INSPECT
	struct pb_error error;

	if (pb_validate(&pool, &error) != PB_OK)
		fail("%s", error.text);
#endif
}

/* Every frame of [start, end) lies in one of the largest blocks that fit there. */
static void take_all(const struct shape *shape)
{
	uint64_t size = 1u << shape->max_order;
	uint64_t whole = region.end_pfn / size - (region.start_pfn + size - 1) / size;
	uint64_t got = 0;
	pb_gfp_t gfp = PB_GFP_ATOMIC | PB_GFP_MEMALLOC | PB_GFP_NOWARN;
	static struct pb_page *blocks[4096];

	while ((blocks[got] = pb_alloc_pages(&pool, gfp, shape->max_order)) != NULL)
		got++;
	if (got != whole)
		fail("%llu blocks of the largest order, not %llu", (unsigned long long)got,
		     (unsigned long long)whole);
	while (got)
		pb_free_pages(&pool, blocks[--got], shape->max_order);
}

static void work(const struct shape *shape)
{
	struct pb_config config;
	struct pb_error error;
	size_t bytes;
	void *memory;

	make(shape, &config);
	if (pb_pool_size(&config, &bytes, &error) != PB_OK)
		fail("%s: refused: %s", shape->name, error.text);
	memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	owners = calloc(shape->frames, sizeof(*owners));
	if (!memory || !owners ||
	    pb_pool_init(&pool, &config, memory, bytes, false, NULL, &error) != PB_OK)
		fail("%s: no pool", shape->name);
	for (unsigned int i = 0; i < 20000; i++)
		turn(number(HELD), shape->max_order);
	validate();
	for (uint32_t i = 0; i < HELD; i++)
		if (held[i].page)
			turn(i, 0);
	validate();
	take_all(shape);
	validate();
	pb_pool_destroy(&pool);
	free(owners);
	free(memory);
}

/* A small pool of a library without any part: metadata of 1 KiB, and all 64 pages to have. */
static void small(void)
{
	static const struct shape shape = { "small", 64, PB_POOL_PLAIN | PB_POOL_NO_PCP, 6, 6 };
	static unsigned char memory[2560] __attribute__((aligned(64)));
	static const struct pb_region from_0 = { 0, 64, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	size_t bytes, most = sizeof(memory);
	unsigned int pages = 0;
	pb_gfp_t zone = 0;

#ifdef LEFT_OUT_ZONES
	zone = PB_GFP_DMA; /* of the only zone, too */
#endif
#if defined(LEFT_OUT_ZONES) && defined(LEFT_OUT_COUNTERS) && defined(LEFT_OUT_SMP) && \
	defined(LEFT_OUT_PCP) && defined(LEFT_OUT_MOBILITY)
	most = 1024;
#endif
	make(&shape, &config);
	config.regions = &from_0;
	if (pb_pool_size(&config, &bytes, NULL) != PB_OK || bytes > most)
		fail("64 pages need %zu bytes of metadata, expected at most %zu", bytes, most);
	if (pb_pool_init(&pool, &config, memory, bytes, false, NULL, NULL) != PB_OK)
		fail("small: no pool");
	while (pb_alloc_pages(&pool, PB_GFP_KERNEL | zone, 0))
		pages++;
	if (pages != 64)
		fail("small: %u of 64 pages", pages);
	validate();
	pb_pool_destroy(&pool);
}

/* What there is nothing to set of is not set in silence. */
static void tuning(void)
{
	static const struct shape shape = { "tuning", 1024, 0, 10, 9 };
	static _Alignas(64) unsigned char memory[1 << 20];
#ifdef LEFT_OUT_WATERMARKS
	const int expected = PB_ENOTSUP;
#else
	const int expected = PB_OK;
#endif
	struct pb_config config;
	size_t bytes;

	make(&shape, &config);
	if (pb_pool_size(&config, &bytes, NULL) != PB_OK || bytes > sizeof(memory) ||
	    pb_pool_init(&pool, &config, memory, bytes, false, NULL, NULL) != PB_OK)
		fail("tuning: no pool");
	if (pb_set_min_free_kbytes(&pool, 64) != expected)
		fail("pb_set_min_free_kbytes() does not return %d", expected);
	if (pb_set_watermark_scale_factor(&pool, 100) != expected)
		fail("pb_set_watermark_scale_factor() does not return %d", expected);
	if (pb_set_watermark_boost_factor(&pool, 0) != expected)
		fail("pb_set_watermark_boost_factor() does not return %d", expected);
	pb_pool_destroy(&pool);
}

static void refused(const char *what, const struct pb_config *config, int code)
{
	struct pb_error error;
	size_t bytes;

	if (pb_pool_size(config, &bytes, &error) != code)
		fail("%s is not refused", what);
#ifndef LEFT_OUT_TEXTS
	if (!error.text[0])
		fail("%s is refused without a reason", what);
#endif
}

static void refusals(void)
{
	struct pb_config config;
	struct pb_region regions[2] = { { 4096, 8192, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
					{ 0, 4096, 1, PB_ZONE_NORMAL, PB_REGION_USABLE } };

	make(&shapes[0], &config);
	(void)refused;
#ifdef LEFT_OUT_LINUX
	config.profile = PB_PROFILE_LINUX;
	refused("the linux profile", &config, PB_EINVAL);
#endif
#ifdef LEFT_OUT_SHARED
	make(&shapes[0], &config);
	config.flags = PB_POOL_SHARED;
	refused("a shared pool", &config, PB_EINVAL);
#endif
#ifdef LEFT_OUT_MOBILITY
	make(&shapes[0], &config);
	config.flags = PB_POOL_MOBILITY;
	refused("mobility", &config, PB_EINVAL);
#endif
#ifdef LEFT_OUT_MARKS
	make(&shapes[0], &config);
	config.flags = PB_POOL_REPORTING;
	refused("reporting", &config, PB_EINVAL);
	config.flags = PB_POOL_CLEARED;
	refused("knowing of zeros", &config, PB_EINVAL);
#endif
#ifdef LEFT_OUT_SMP
	make(&shapes[0], &config);
	config.nr_cpus = 2;
	refused("a second CPU", &config, PB_EINVAL);
#endif
#ifdef LEFT_OUT_NUMA
	make(&shapes[0], &config);
	config.regions = &regions[1];
	refused("a second node", &config, PB_EREGION);
#endif
#ifdef LEFT_OUT_UNSORTED
	{
		struct pb_region falling[4] = {
			{ 4096, 8192, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
			{ 7000, 7100, 0, PB_ZONE_NORMAL, PB_REGION_RESERVED },
			{ 6000, 6100, 0, PB_ZONE_NORMAL, PB_REGION_RESERVED },
			{ 5000, 5100, 0, PB_ZONE_NORMAL, PB_REGION_RESERVED }
		};
		size_t bytes;

		make(&shapes[0], &config);
		config.regions = falling;
		config.nr_regions = 4;
		if (pb_pool_size(&config, &bytes, NULL) != PB_OK)
			fail("falling regions are refused");
		falling[2].start_pfn = 7200;
		falling[2].end_pfn = 7300;
		refused("an unsorted map", &config, PB_EREGION);
	}
#endif
#ifdef LEFT_OUT_ZONES
	make(&shapes[0], &config);
	regions[1].node = 0;
	config.regions = regions;
	config.nr_regions = 2;
	refused("a second usable region", &config, PB_EREGION);
	regions[0].zone = PB_ZONE_DMA;
	config.nr_regions = 1;
	refused("another zone", &config, PB_EREGION);
#endif
	(void)regions;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;

	state = seed * 0x9e3779b97f4a7c15u | 1;
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		work(&shapes[i]);
	small();
	tuning();
	refusals();
	printf("PASS seed %llu\n", (unsigned long long)seed);
	return 0;
}
