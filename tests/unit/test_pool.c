/* SPDX-License-Identifier: MIT */
/* Configuration, size, init, attach: what is accepted, and what is refused how. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include "support/variants.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static void one_zone(struct tp *tp)
{
	tp_start(tp);
	tp_region(tp, 0, 4096, 0, PB_ZONE_NORMAL);
}

/* Refused with this code, a text of one line, and the handle still zero. */
static void assert_refused(struct tp *tp, int code, uint32_t region, const char *word)
{
	static const struct pb_pool zero;

	memset(&tp->error, 0x55, sizeof(tp->error));
	assert_int_equal(tp_try(tp), code);
	assert_int_equal(tp->error.code, code);
	assert_int_equal(tp->error.region, region);
	assert_true(strlen(tp->error.text) > 10 && strlen(tp->error.text) < 160);
	assert_null(strchr(tp->error.text, '\n'));
	if (!strstr(tp->error.text, word))
		fail_msg("\"%s\" doesn't name \"%s\"", tp->error.text, word);
	assert_memory_equal(&tp->pool, &zero, sizeof(zero));
	/* the error is optional */
	assert_int_equal(pb_pool_size(&tp->config, &tp->bytes, NULL), code);
	tp_drop(tp);
}

static void test_config_defaults_are_documented(void **state)
{
	struct pb_config c;

	(void)state;
	memset(&c, 0x55, sizeof(c));
	pb_config_init(&c);
	assert_int_equal(c.page_shift, 12);
	assert_int_equal(c.max_order, 10);
	assert_int_equal(c.pageblock_order, 9);
	assert_int_equal(c.profile, PB_PROFILE_MODERN);
	assert_int_equal(c.flags, 0);
	assert_int_equal(c.nr_cpus, 0);
	assert_int_equal(c.min_free_kbytes, -1);
	assert_int_equal(c.watermark_scale_factor, 10);
	assert_int_equal(c.watermark_boost_factor, 15000);
	assert_int_equal(c.lowmem_reserve_ratio[PB_ZONE_DMA], 256);
	assert_int_equal(c.lowmem_reserve_ratio[PB_ZONE_DMA32], 256);
	assert_int_equal(c.lowmem_reserve_ratio[PB_ZONE_NORMAL], 32);
	assert_int_equal(c.lowmem_reserve_ratio[PB_ZONE_HIGHMEM], 0);
	assert_int_equal(c.lowmem_reserve_ratio[PB_ZONE_MOVABLE], 0);
	assert_false(c.zone_types >> PB_ZONE_HIGHMEM & 1);
	assert_true(c.zone_types >> PB_ZONE_NORMAL & 1);
}

#define REFUSE(change, code, word)                           \
	do {                                                 \
		struct tp tp;                                \
		one_zone(&tp);                               \
		change;                                      \
		assert_refused(&tp, code, UINT32_MAX, word); \
	} while (0)

static void test_config_refused_when_out_of_range(void **state)
{
	(void)state;
	REFUSE(tp.config.page_shift = 11, PB_EINVAL, "page_shift");
	REFUSE(tp.config.page_shift = 31, PB_EINVAL, "page_shift");
	REFUSE(tp.config.max_order = PB_MAX_ORDER + 1, PB_EINVAL, "max_order");
	REFUSE(tp.config.pageblock_order = 11, PB_EINVAL, "pageblock_order");
	REFUSE((tp.config.max_order = 20, tp.config.pageblock_order = 17), PB_EINVAL,
	       "pageblock_order");
	REFUSE(tp.config.profile = 2, PB_EINVAL, "profile");
	REFUSE(tp.config.flags |= 1u << 31, PB_EINVAL, "flags");
	REFUSE(tp.config.nr_cpus = PB_MAX_CPUS + 1, PB_EINVAL, "nr_cpus");
	REFUSE(tp.config.nr_stripes = 3, PB_EINVAL, "nr_stripes");
	REFUSE(tp.config.nr_stripes = 32, PB_EINVAL, "nr_stripes");
	REFUSE(tp.config.zone_types &= ~(1u << PB_ZONE_NORMAL), PB_EINVAL, "zone_types");
	REFUSE(tp.config.zone_types |= 1u << PB_NR_ZONE_TYPES, PB_EINVAL, "zone_types");
	REFUSE(tp.config.watermark_scale_factor = 0, PB_EINVAL, "watermark_scale_factor");
	REFUSE(tp.config.watermark_scale_factor = 3001, PB_EINVAL, "watermark_scale_factor");
	REFUSE(tp.config.pcp_high_fraction = 7, PB_EINVAL, "pcp_high_fraction");
	REFUSE(tp.config.min_free_kbytes = -2, PB_EINVAL, "min_free_kbytes");
	REFUSE(tp.config.nr_regions = 0, PB_EREGION, "region");
	REFUSE((tp.cpu_node[0] = 64, tp.config.cpu_node = tp.cpu_node), PB_EINVAL, "cpu_node");
}

static void test_config_accepted_at_the_limits(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct tp tp;

		one_zone(&tp);
		tp.config.page_shift = i & 1 ? 30 : 12;
		tp.config.watermark_scale_factor = i & 2 ? 3000 : 1;
		tp.config.max_order = i & 4 ? PB_MAX_ORDER : 0;
		tp.config.pageblock_order =
			i & 2 ? (tp.config.max_order < 16 ? tp.config.max_order : 16) : 0;
		tp.config.pcp_high_fraction = i & 1 ? 8 : 0;
		tp_build(&tp);
		tp_drop(&tp);
	}
}

#define REFUSE_REGION(change, code, number, word)               \
	do {                                                    \
		struct tp tp;                                   \
		one_zone(&tp);                                  \
		tp_region(&tp, 8192, 12288, 0, PB_ZONE_NORMAL); \
		change;                                         \
		assert_refused(&tp, code, number, word);        \
	} while (0)

/* Concurrency ids say nothing about nodes, but a pool of one node may go by them on any port. */
static void test_concurrency_ids_are_for_one_node(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.flags |= PB_POOL_CIDS;
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	tp_drop(&tp);
	tp_start(&tp);
	tp.config.flags |= PB_POOL_CIDS;
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 4096, 8192, 1, PB_ZONE_NORMAL);
	assert_int_equal(tp_try(&tp), PB_EINVAL);
	assert_non_null(strstr(tp.error.text, "PB_POOL_CIDS is for pools of one node"));
}

static void test_region_refused_when_impossible(void **state)
{
	(void)state;
	REFUSE_REGION(tp.regions[1].end_pfn = 8192, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[1].end_pfn = 8191, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[0].node = PB_MAX_NODES, PB_EREGION, 0, "region 0");
	REFUSE_REGION(tp.regions[1].zone = PB_ZONE_DEVICE, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[1].zone = 200, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[1].kind = 3, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[1].start_pfn = 4095, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[0].end_pfn = 12289, PB_EREGION, 1, "region 1");
	REFUSE_REGION(tp.regions[1].zone = PB_ZONE_HIGHMEM, PB_EREGION, 1, "region 1");
	REFUSE_REGION((tp.regions[1].start_pfn = UINT64_MAX - 4096,
		       tp.regions[1].end_pfn = UINT64_MAX),
		      PB_EREGION, 1, "region 1");
}

static void test_pool_refused_when_more_than_2_32_frames(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, (UINT64_C(1) << 32) + 1024, 0, PB_ZONE_NORMAL);
	assert_int_equal(tp_try(&tp), PB_ETOOBIG);
	assert_int_equal(tp.error.code, PB_ETOOBIG);
	tp_drop(&tp);
}

static void test_greatest_pool_to_the_frame(void **state)
{
	struct tp tp;
	size_t bytes;

	(void)state;
	for (uint8_t order = 0; order <= 10; order += 10) {
		uint64_t most = PB_MAX_FRAMES >> order << order;

		tp_start(&tp);
		tp.config.max_order = tp.config.pageblock_order = order;
		tp_region(&tp, 0, most, 0, PB_ZONE_NORMAL);
		tp.config.regions = tp.regions;
		assert_int_equal(pb_pool_size(&tp.config, &bytes, &tp.error),
				 sizeof(size_t) > 4 ? PB_OK : PB_ETOOBIG);
		tp.regions[0].end_pfn = most + 1;
		assert_int_equal(pb_pool_size(&tp.config, &bytes, &tp.error), PB_ETOOBIG);
		tp_drop(&tp);
	}
}

/* A pool is really made, its first and its last frame are handed out. */
static void test_greatest_pool_is_made(void **state)
{
	struct pb_region region = { 0, PB_MAX_FRAMES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	struct pb_error error;
	struct pb_pool pool;
	struct pb_pool_stat stat;
	struct pb_page *last;
	void *memory;
	size_t bytes;

	(void)state;
	if (sizeof(size_t) == 4)
		skip();
	pb_config_init(&config);
	config.regions = &region, config.nr_regions = 1;
	config.max_order = config.pageblock_order = 16; /* PB_MAX_FRAMES is a multiple of it */
	config.nr_cpus = 1;
	config.flags = PB_POOL_NO_PCP | PB_POOL_PLAIN;
	assert_int_equal(pb_pool_size(&config, &bytes, &error), PB_OK);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		skip(); /* a machine that doesn't promise so much */
	assert_int_equal(pb_pool_init(&pool, &config, memory, bytes, true, NULL, &error), PB_OK);
	pb_stats(&pool, &stat);
	assert_int_equal(stat.free, PB_MAX_FRAMES);
	assert_int_equal(pb_alloc_at(&pool, 0, 0, PB_GFP_KERNEL), PB_OK);
	assert_int_equal(pb_alloc_at(&pool, PB_MAX_FRAMES - 1, 0, PB_GFP_KERNEL), PB_OK);
	last = pb_pfn_to_page(&pool, PB_MAX_FRAMES - 1);
	assert_non_null(last);
	assert_int_equal(pb_page_to_pfn(&pool, last), PB_MAX_FRAMES - 1);
	assert_null(pb_pfn_to_page(&pool, PB_MAX_FRAMES));
	assert_int_equal(pb_free_pages(&pool, last, 0), PB_OK);
	pb_stats(&pool, &stat);
	assert_int_equal(stat.free, PB_MAX_FRAMES - 1);
	munmap(memory, bytes);
}

/* ------------------------------------------------------------ many regions */

/* n regions of three nodes, every eighth a reservation, shuffled. */
static struct pb_region *shuffled_regions(uint32_t n, struct tp_rng *rng)
{
	struct pb_region *regions = calloc(n, sizeof(*regions));

	assert_non_null(regions);
	for (uint32_t i = 0; i < n; i++) {
		regions[i] = (struct pb_region){ i * 40u, i * 40u + 33 - i % 5,
						 (uint8_t)(i / 7 % 3), PB_ZONE_NORMAL,
						 PB_REGION_USABLE };
		if (i % 8 == 7)
			regions[i] = (struct pb_region){ i * 40u - 40, i * 40u - 30, 0, 0,
							 PB_REGION_RESERVED };
	}
	for (uint32_t i = n; i-- > 1;) {
		uint32_t j = tp_below(rng, i + 1);
		struct pb_region r = regions[i];

		regions[i] = regions[j];
		regions[j] = r;
	}
	return regions;
}

/* The metadata of a pool of these regions, sorted in region_order or in passes. */
static void *build_from(const struct pb_region *regions, uint32_t n, uint32_t *region_order,
			size_t *bytes)
{
	struct pb_config config;
	struct pb_error error;
	struct pb_pool pool;
	void *memory;

	pb_config_init(&config);
	config.regions = regions, config.nr_regions = n;
	config.region_order = region_order;
	config.nr_cpus = 1;
	config.max_order = 5, config.pageblock_order = 3;
	assert_int_equal(pb_pool_size(&config, bytes, &error), PB_OK);
	memory = aligned_alloc(64, *bytes);
	assert_non_null(memory);
	assert_int_equal(pb_pool_init(&pool, &config, memory, *bytes, false, NULL, &error), PB_OK);
	assert_int_equal(pb_validate(&pool, &error), PB_OK);
	return memory;
}

static void test_order_of_regions_makes_no_difference(void **state)
{
	static const uint32_t numbers[] = { 1, 2, 63, 64, 65, 129, 1000, 3001 };
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint32_t n = numbers[i], *order = calloc(n, sizeof(*order));
		struct pb_region *regions = shuffled_regions(n, &rng);
		size_t bytes, other;
		void *passes = build_from(regions, n, NULL, &bytes), *sorted;

		memset(order, 0x55, n * sizeof(*order));
		sorted = build_from(regions, n, order, &other);
		assert_int_equal(bytes, other);
		assert_memory_equal(passes, sorted, bytes);
		free(order);
		free(regions);
		free(passes);
		free(sorted);
	}
}

/* CPU time of reading n shuffled regions, the least of several. */
static double time_to_sort(uint32_t n, struct tp_rng *rng)
{
	struct pb_region *regions = shuffled_regions(n, rng);
	uint32_t *order = calloc(n, sizeof(*order));
	struct pb_config config;
	double least = 1e9;
	size_t bytes;

	pb_config_init(&config);
	config.regions = regions, config.nr_regions = n;
	config.region_order = order;
	for (int i = 0; i < 7; i++) {
		struct timespec from, to;
		double seconds;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		assert_int_equal(pb_pool_size(&config, &bytes, NULL), PB_OK);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		seconds = (double)(to.tv_sec - from.tv_sec) +
			  (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		least = seconds < least ? seconds : least;
	}
	free(regions);
	free(order);
	return least;
}

/* Eight times as many: 10 times as long if O(n log n), 64 times if O(n * n). */
static void test_many_regions_are_sorted_in_n_log_n(void **state)
{
	struct tp_rng rng = { tp_seed() };
	double few = time_to_sort(4096, &rng), many = time_to_sort(32768, &rng);

	(void)state;
	printf("4096 regions: %.2f ms, 32768: %.2f ms\n", few * 1e3, many * 1e3);
	assert_true(many < 30 * few);
}

static void test_pool_refused_when_everything_is_reserved_or_nothing_usable(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_reserved(&tp, 0, 4096);
	assert_true(tp_try(&tp) < 0);
	assert_true(tp.error.text[0]);
	tp_drop(&tp);
}

static void test_init_refused_when_memory_is_too_small_or_unaligned(void **state)
{
	struct tp tp;
	struct pb_pool pool = { 0 };
	static const struct pb_pool zero;

	(void)state;
	one_zone(&tp);
	tp_build(&tp);
	assert_int_equal(pb_pool_init(&pool, &tp.config, tp.memory, tp.bytes - 64, false, NULL,
				      &tp.error),
			 PB_ENOMEM);
	assert_non_null(strstr(tp.error.text, "smaller than pb_pool_size()"));
	assert_int_equal(pb_pool_init(&pool, &tp.config, (char *)tp.memory + 8, tp.bytes - 8, false,
				      NULL, &tp.error),
			 PB_EINVAL);
	assert_int_equal(pb_pool_init(&pool, &tp.config, NULL, tp.bytes, false, NULL, NULL),
			 PB_EINVAL);
	assert_memory_equal(&pool, &zero, sizeof(pool));
	tp_drop(&tp);
}

/* Free lists must not depend on what was in the memory before. */
static void test_init_clears_memory_when_it_is_not_zeroed(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp a, b;

		tp_simple(&a, 4096, v->profile, v->flags);
		tp_simple(&b, 4096, v->profile, v->flags);
		pb_pool_destroy(&b.pool);
		memset(b.memory, 0xa5, b.bytes);
		memset(&b.pool, 0, sizeof(b.pool));
		assert_int_equal(pb_pool_init(&b.pool, &b.config, b.memory, b.bytes, false,
					      &b.hooks, &b.error),
				 PB_OK);
		tp_check(&b, "init over garbage");
		assert_true(tp_sum(&a) == tp_sum(&b));
		tp_drop(&a);
		tp_drop(&b);
	}
}

static void test_size_is_within_budget(void **state)
{
	struct tp tp;
	size_t bytes;

	(void)state;
	tp_start(&tp);
	tp.config.flags = 0;
	tp.config.nr_cpus = 2;
	tp_region(&tp, 0, 1u << 20, 0, PB_ZONE_NORMAL);
	tp.config.regions = tp.regions;
	assert_int_equal(pb_pool_size(&tp.config, &bytes, NULL), PB_OK);
	assert_in_range(bytes, 1u << 20, (size_t)(1.4 * (1u << 20)));
	tp.config.profile = PB_PROFILE_LINUX;
	assert_int_equal(pb_pool_size(&tp.config, &bytes, NULL), PB_OK);
	assert_in_range(bytes, 8u << 20, (size_t)(10.4 * (1u << 20)));
}

/* DESIGN D5: a microcontroller's 64 pages cost a few hundred bytes, no pcp. */
static void test_size_is_small_when_the_pool_is(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.max_order = 5;
	tp.config.pageblock_order = 5;
	tp.config.flags = PB_POOL_NO_PCP | PB_POOL_NO_MOBILITY;
	tp.config.zone_types = 1u << PB_ZONE_NORMAL;
	tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_true(tp.bytes < 3072);
	tp_drop(&tp);
}

static void test_attach_is_the_same_pool_when_memory_was_moved(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_pool old;
		struct pb_page *page;
		void *copy;
		uint64_t sum, pfn;

		tp_simple(&tp, 8192, v->profile, v->flags);
		for (unsigned int i = 0; i < 50; i++)
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, i % 4));
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 5);
		pfn = pb_page_to_pfn(&tp.pool, page);
		sum = tp_sum(&tp);
		copy = aligned_alloc(64, tp.bytes);
		memcpy(copy, tp.memory, tp.bytes);
		memset(tp.memory, 0xa5, tp.bytes);
		old = tp.pool;
		memset(&tp.pool, 0, sizeof(tp.pool));
		assert_int_equal(pb_pool_attach(&tp.pool, copy, tp.bytes, false, &tp.hooks,
						&tp.error),
				 PB_OK);
		assert_ptr_not_equal(old.pages, tp.pool.pages);
		assert_true(tp_sum(&tp) == sum);
		tp_check(&tp, "attached");
		assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, pfn), 5), PB_OK);
		assert_int_equal(tp.misuse_calls, 0);
		tp_check(&tp, "freed after attach");
		tp_drop(&tp);
		free(copy);
	}
}

static void test_attach_refused_when_there_is_no_pool(void **state)
{
	struct tp tp;
	struct pb_pool pool = { 0 };
	uint64_t *words;

	(void)state;
	one_zone(&tp);
	tp_build(&tp);
	words = tp.memory;
	assert_int_equal(pb_pool_attach(&pool, tp.memory, 32, false, NULL, &tp.error), PB_EINVAL);
	assert_true(tp.error.text[0]);
	assert_int_equal(pb_pool_attach(&pool, tp.memory, tp.bytes - 64, false, NULL, &tp.error),
			 PB_EFORMAT);
	words[0] ^= 1;
	assert_int_equal(pb_pool_attach(&pool, tp.memory, tp.bytes, false, NULL, &tp.error),
			 PB_EFORMAT);
	assert_int_equal(pb_pool_attach(&pool, tp.memory, tp.bytes, true, NULL, NULL), PB_EFORMAT);
	words[0] ^= 1;
	tp_drop(&tp);
}

/* I35: owned stays owned, all else is free, whatever the trees said. */
static void test_attach_recovers_when_trees_are_lost(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct tp_frame before[4096], after[4096];
		struct pb_page *pages[200];

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
		tp_reserved(&tp, 1000, 1077);
		tp_build(&tp);
		for (int i = 0; i < 200; i++)
			pages[i] = pb_alloc_pages(&tp.pool, i & 1 ? PB_GFP_KERNEL : PB_GFP_MOVABLE,
						  tp_below(&rng, 4));
		for (int i = 0; i < 200; i += 1 + (int)tp_below(&rng, 3))
			if (pages[i])
				pb_free_pages(&tp.pool, pages[i],
					      (unsigned int)pb_page_order(&tp.pool, pages[i]));
		tp_frames(&tp, before, 4096);
		memset(&tp.pool, 0, sizeof(tp.pool));
		assert_int_equal(pb_pool_attach(&tp.pool, tp.memory, tp.bytes, true, &tp.hooks,
						&tp.error),
				 PB_OK);
		tp_check(&tp, "recovered");
		tp_frames(&tp, after, 4096);
		for (int i = 0; i < 4096; i++) {
			uint8_t want = before[i].state == PB_BLOCK_PCP ? PB_BLOCK_FREE
								       : before[i].state;

			assert_int_equal(after[i].state, want);
			if (want == PB_BLOCK_ALLOCATED)
				assert_int_equal(after[i].order, before[i].order);
		}
		tp_drop(&tp);
	}
}

/* ------------------------------------------------------ memory maps of many regions */

#define MANY 200u

/* Each a span of its own on some node, every third reserved in part. */
static void many_regions(struct pb_region *regions)
{
	for (uint32_t i = 0; i < MANY; i++)
		regions[i] = (struct pb_region){ .start_pfn = i * 128,
						 .end_pfn = i * 128 + 100,
						 .node = (uint8_t)(i % 3),
						 .zone = PB_ZONE_NORMAL };
	for (uint32_t i = 0; i < MANY; i++)
		regions[MANY + i] = (struct pb_region){ .start_pfn = i * 128 + 10,
							.end_pfn = i * 128 + 10 + i % 20 + 1,
							.kind = PB_REGION_RESERVED };
}

static void shuffle(struct pb_region *regions, uint32_t n, struct tp_rng *rng)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = tp_below(rng, i);
		struct pb_region other = regions[i - 1];

		regions[i - 1] = regions[j];
		regions[j] = other;
	}
}

static uint64_t state_of(struct pb_region *regions, uint32_t n)
{
	uint64_t sum;
	struct tp tp;

	tp_start(&tp);
	tp.config.max_order = 6;
	tp.config.pageblock_order = 4;
	tp.config.nr_regions = n;
	tp.config.regions = regions;
	assert_int_equal(pb_pool_size(&tp.config, &tp.bytes, &tp.error), PB_OK);
	tp.memory = aligned_alloc(64, tp.bytes);
	assert_int_equal(pb_pool_init(&tp.pool, &tp.config, tp.memory, tp.bytes, false, &tp.hooks,
				      &tp.error),
			 PB_OK);
	tp_check(&tp, "many regions");
	sum = tp_sum(&tp);
	free(tp.memory);
	return sum;
}

/* The pool is the same in whatever order its map was written down. */
static void test_regions_in_any_order_make_the_same_pool(void **state)
{
	static struct pb_region regions[2 * MANY], other[2 * MANY];
	struct tp_rng rng = { tp_seed() };
	uint64_t sum;

	(void)state;
	many_regions(regions);
	sum = state_of(regions, 2 * MANY);
	for (int round = 0; round < 20; round++) {
		memcpy(other, regions, sizeof(other));
		shuffle(other, 2 * MANY, &rng);
		assert_int_equal(state_of(other, 2 * MANY), sum);
	}
	for (uint32_t i = 0; i < 2 * MANY; i++) /* and backward */
		other[i] = regions[2 * MANY - 1 - i];
	assert_int_equal(state_of(other, 2 * MANY), sum);
}

static void test_an_overlap_is_found_in_any_order(void **state)
{
	static struct pb_region regions[2 * MANY];
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (uint32_t i = 0; i < MANY; i += 17) {
		struct tp tp;

		many_regions(regions);
		regions[i].end_pfn += 29 + i % 2; /* into the next, or up to it */
		shuffle(regions, 2 * MANY, &rng);
		tp_start(&tp);
		tp.config.nr_regions = 2 * MANY;
		tp.config.regions = regions;
		tp.config.max_order = 4;
		tp.config.pageblock_order = 4;
		assert_int_equal(pb_pool_size(&tp.config, &tp.bytes, &tp.error),
				 i + 1 < MANY ? PB_EREGION : PB_OK);
		assert_non_null(strstr(tp.error.text, "overlaps"));
	}
}

static void test_a_map_must_be_there(void **state)
{
	(void)state;
	REFUSE(tp.config.nr_regions = 0, PB_EREGION, "no region");
	for (int i = 0; i < 2; i++) {
		struct pb_config config;
		struct pb_error error;
		size_t bytes;

		pb_config_init(&config);
		config.nr_regions = 3;
		assert_int_equal(pb_pool_size(&config, &bytes, &error), PB_EREGION);
		assert_string_equal(error.text, "the memory map has no region");
	}
}

/* 2^32 pageblocks of one page: their number is 0 in 32 bits. */
static void test_more_pageblocks_than_32_bits_are_refused(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.pageblock_order = 0;
	tp_region(&tp, 0, (uint64_t)1 << 32, 0, PB_ZONE_NORMAL);
	assert_int_equal(tp_try(&tp), PB_ETOOBIG);
	assert_true(tp.error.text[0]);
}

static void test_init_refuses_what_size_refuses(void **state)
{
	struct tp tp;

	(void)state;
	one_zone(&tp);
	tp_build(&tp);
	tp.config.max_order = PB_MAX_ORDER + 1;
	assert_int_equal(pb_pool_init(&tp.pool, &tp.config, tp.memory, tp.bytes, true, NULL,
				      &tp.error),
			 PB_EINVAL);
	assert_string_equal(tp.error.text, "max_order must be at most 20");
	assert_null(tp.pool.super);
	tp_drop(&tp);
}

/* ------------------------------------------------------------ many zones, many CPUs */

static uint32_t zones_pool(struct tp *tp, unsigned int nodes, uint64_t frames)
{
	static const enum pb_zone_type types[] = { PB_ZONE_DMA, PB_ZONE_DMA32, PB_ZONE_NORMAL,
						   PB_ZONE_HIGHMEM, PB_ZONE_MOVABLE };
	static struct pb_region regions[PB_MAX_NODES * 5];

	tp->config.zone_types = (1u << PB_NR_ZONE_TYPES) - 1;
	for (unsigned int i = 0; i < nodes * 5; i++)
		regions[i] = (struct pb_region){ .start_pfn = i * frames,
						 .end_pfn = (i + 1) * frames,
						 .node = (uint8_t)(i / 5),
						 .zone = (uint8_t)types[i % 5] };
	tp->config.regions = regions;
	tp->config.nr_regions = nodes * 5;
	assert_int_equal(pb_pool_size(&tp->config, &tp->bytes, &tp->error), PB_OK);
	tp->memory = calloc(1, tp->bytes + 64);
	assert_non_null(tp->memory);
	assert_int_equal(pb_pool_init(&tp->pool, &tp->config,
				      (void *)(((uintptr_t)tp->memory + 63) & ~(uintptr_t)63),
				      tp->bytes, true, &tp->hooks, &tp->error),
			 PB_OK);
	return tp->pool.super->flags;
}

/* The slots of a CPU's lists are 16 bits: many zones get smaller stacks, then none. */
static void test_many_zones_share_the_slots_of_a_cpu(void **state)
{
	struct pb_page *page;
	struct tp tp;

	(void)state;
	tp_start(&tp);
	assert_false(zones_pool(&tp, 40, 4096) & PB_POOL_NO_PCP);
	assert_true(tp.pool.super->pcp_scale > 0);
	tp_check(&tp, "smaller stacks");
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
	tp_check(&tp, "smaller stacks, used");
	free(tp.memory);

	tp_start(&tp);
	tp.config.max_order = 16;
	tp.config.pageblock_order = 16;
	assert_true(zones_pool(&tp, PB_MAX_NODES, 1 << 16) & PB_POOL_NO_PCP);
	assert_int_equal(tp.pool.percpu_cpus, 0);
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
	free(tp.memory);
}

static void test_a_node_may_have_more_cpus_than_a_byte_counts(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.nr_cpus = 300;
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(pool_node(&tp.pool, 0)->nr_cpus, 255);
	assert_int_equal(pool_node(&tp.pool, 0)->online, 1);
	tp_drop(&tp);
}

/* Nodes by what they have: memory, a CPU, both, nothing. */
static void test_a_node_is_online_with_memory_or_a_cpu(void **state)
{
	static const uint8_t online[] = { 1, 1, 1, 0, 1 };
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.nr_cpus = 2;
	tp.cpu_node[0] = 0;
	tp.cpu_node[1] = 2;
	tp.config.cpu_node = tp.cpu_node;
	tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 1024, 2048, 1, PB_ZONE_NORMAL);
	tp_region(&tp, 4096, 8192, 4, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (uint32_t id = 0; id < 5; id++)
		assert_int_equal(pool_node(&tp.pool, id)->online, online[id]);
	tp_drop(&tp);
}

static void test_strerror_has_a_text_for_every_code(void **state)
{
	(void)state;
	for (int code = PB_OK; code >= PB_ECORRUPT; code--) {
		assert_true(pb_strerror(code)[0]);
		assert_string_not_equal(pb_strerror(code), "unknown error");
	}
	assert_string_equal(pb_strerror(PB_ECORRUPT - 1), "unknown error");
	assert_string_equal(pb_strerror(1), "unknown error");
	assert_string_equal(pb_strerror(INT32_MIN), "unknown error");
	assert_string_not_equal(pb_strerror(PB_EINVAL), pb_strerror(PB_EREGION));
	for (int reason = PB_REASON_NONE; reason <= PB_REASON_NO_POOL; reason++) {
		assert_true(pb_reason_name((enum pb_reason)reason)[0]);
		assert_string_not_equal(pb_reason_name((enum pb_reason)reason), "?");
	}
	assert_string_equal(pb_reason_name((enum pb_reason)(PB_REASON_NO_POOL + 1)), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_defaults_are_documented),
		cmocka_unit_test(test_config_refused_when_out_of_range),
		cmocka_unit_test(test_config_accepted_at_the_limits),
		cmocka_unit_test(test_concurrency_ids_are_for_one_node),
		cmocka_unit_test(test_region_refused_when_impossible),
		cmocka_unit_test(test_pool_refused_when_more_than_2_32_frames),
		cmocka_unit_test(test_greatest_pool_to_the_frame),
		cmocka_unit_test(test_greatest_pool_is_made),
		cmocka_unit_test(test_order_of_regions_makes_no_difference),
		cmocka_unit_test(test_many_regions_are_sorted_in_n_log_n),
		cmocka_unit_test(test_pool_refused_when_everything_is_reserved_or_nothing_usable),
		cmocka_unit_test(test_init_refused_when_memory_is_too_small_or_unaligned),
		cmocka_unit_test(test_init_clears_memory_when_it_is_not_zeroed),
		cmocka_unit_test(test_size_is_within_budget),
		cmocka_unit_test(test_size_is_small_when_the_pool_is),
		cmocka_unit_test(test_attach_is_the_same_pool_when_memory_was_moved),
		cmocka_unit_test(test_attach_refused_when_there_is_no_pool),
		cmocka_unit_test(test_attach_recovers_when_trees_are_lost),
		cmocka_unit_test(test_regions_in_any_order_make_the_same_pool),
		cmocka_unit_test(test_an_overlap_is_found_in_any_order),
		cmocka_unit_test(test_a_map_must_be_there),
		cmocka_unit_test(test_more_pageblocks_than_32_bits_are_refused),
		cmocka_unit_test(test_init_refuses_what_size_refuses),
		cmocka_unit_test(test_many_zones_share_the_slots_of_a_cpu),
		cmocka_unit_test(test_a_node_may_have_more_cpus_than_a_byte_counts),
		cmocka_unit_test(test_a_node_is_online_with_memory_or_a_cpu),
		cmocka_unit_test(test_strerror_has_a_text_for_every_code),
	};

	return pb_run_tests(tests);
}
