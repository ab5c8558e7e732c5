/* SPDX-License-Identifier: MIT */
/*
 * Pageblocks of type CMA: only movable requests have them, first where they are more than
 * half of what is free, else after their own type and before others' (spec 6.4, 6.10).
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include "zone/zone.h"

#include <string.h>

#define FRAMES 2048u
#define CMA_START 1024u

struct kind {
	const char *name;
	enum pb_profile profile;
	enum pb_kernel kernel;
	uint32_t flags, stripes;
};

static const struct kind kinds[] = {
	{ "modern", PB_PROFILE_MODERN, 0, 0, 1 },
	{ "modern, no pcp", PB_PROFILE_MODERN, 0, PB_POOL_NO_PCP, 1 },
	{ "modern, two stripes", PB_PROFILE_MODERN, 0, PB_POOL_NO_PCP, 2 },
	{ "linux 6.1", PB_PROFILE_LINUX, PB_LINUX_6_1, PB_POOL_NO_PCP, 1 },
	{ "linux 5.10", PB_PROFILE_LINUX, PB_LINUX_5_10, PB_POOL_NO_PCP, 1 },
	{ "linux 7.2", PB_PROFILE_LINUX, PB_LINUX_7_2, PB_POOL_NO_PCP, 1 },
	{ "linux 7.2, pcp", PB_PROFILE_LINUX, PB_LINUX_7_2, 0, 1 },
};

static bool is_cma(uint64_t pfn, uint64_t end)
{
	return pfn >= CMA_START && pfn < end;
}

static struct pb_page *moved_to[FRAMES];

/* Moves one page, and tells its owner, who is found by where it was. */
static bool move(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		 unsigned int order)
{
	(void)ctx;
	tp_require(order == 0, "only pages are there");
	moved_to[pb_page_to_pfn(pool, from)] = to;
	return true;
}

/* [CMA_START, end) are CMA's, and free. */
static void make(struct tp *tp, const struct kind *kind, uint64_t end)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)kind->profile;
	tp->config.kernel = (uint8_t)kind->kernel;
	tp->config.flags |= kind->flags;
	tp->config.max_order = 4;
	tp->config.pageblock_order = 4;
	tp->config.nr_stripes = kind->stripes;
	tp->hooks.migrate = move;
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_cma(tp, CMA_START, end);
	tp_build(tp);
	tp_check(tp, kind->name);
}

static void drop(struct tp *tp, struct pb_page **pages, unsigned int n)
{
	while (n)
		assert_int_equal(pb_free_pages(&tp->pool, pages[--n], 0), PB_OK);
	pb_drain(&tp->pool, -1);
	tp_check(tp, "freed");
	assert_int_equal(tp_free_pages(tp), FRAMES);
	tp_drop(tp);
}

static struct pb_page *pages[2 * FRAMES + 1]; /* of the largest pool here */

static unsigned int take_all(struct tp *tp, pb_gfp_t gfp)
{
	unsigned int n = 0;

	while ((pages[n] = pb_alloc_pages(&tp->pool, gfp | PB_GFP_NOWARN, 0)))
		n++;
	return n;
}

static void test_only_movable_requests_have_cma(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint64_t end = CMA_START + 256;
		struct pb_zone_stat stat;
		unsigned int n;
		struct tp tp;

		make(&tp, &kinds[k], end);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.free_cma, 256);
		n = take_all(&tp, PB_GFP_KERNEL);
		if (n != FRAMES - 256)
			fail_msg("%s: %u pages", kinds[k].name, n);
		for (unsigned int i = 0; i < n; i++)
			assert_false(is_cma(pb_page_to_pfn(&tp.pool, pages[i]), end));
		tp_check(&tp, "without CMA");
		drop(&tp, pages, n);

		make(&tp, &kinds[k], end);
		n = take_all(&tp, PB_GFP_HIGHUSER_MOVABLE);
		if (n != FRAMES)
			fail_msg("%s: %u pages", kinds[k].name, n);
		tp_check(&tp, "with CMA");
		drop(&tp, pages, n);
	}
}

/* Which of the first hundred pages are CMA's: all where it is most of what is free. */
static void test_cma_goes_first_where_it_is_most_of_what_is_free(void **state)
{
	static const struct {
		uint64_t end;
		bool first;
	} cases[] = { { CMA_START + 256, false }, { CMA_START + 512, false }, { FRAMES, true } };

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			uint64_t end = cases[i].end;
			unsigned int cma = 0, n = 0;
			struct tp tp;

			make(&tp, &kinds[k], end);
			if (cases[i].first) /* half of it is CMA's: take some of the rest */
				for (; n < 512; n++)
					pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
			for (unsigned int j = 0; j < 100; j++, n++) {
				pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0);
				cma += is_cma(pb_page_to_pfn(&tp.pool, pages[n]), end);
			}
			if (cma != (cases[i].first ? 100u : 0u))
				fail_msg("%s, case %zu: %u of 100 pages", kinds[k].name, i, cma);
			drop(&tp, pages, n);
		}
}

/* Movable requests take CMA before they take from another type. */
static void test_cma_comes_before_other_types(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint64_t end = CMA_START + 256;
		unsigned int n = 0, cma = 0;
		struct tp tp;

		make(&tp, &kinds[k], end);
		/* every other pageblock unmovable, with free pages in each */
		while ((pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0)))
			n++;
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(pb_free_pages(&tp.pool, pages[--n], 0), PB_OK);
		for (unsigned int i = 0; i < 256; i++, n++) {
			pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0);
			assert_non_null(pages[n]);
			cma += is_cma(pb_page_to_pfn(&tp.pool, pages[n]), end);
		}
		if (cma < 248)
			fail_msg("%s: %u of 256 pages", kinds[k].name, cma);
		drop(&tp, pages, n);
	}
}

/* A range in CMA is had by moving what lies there; it stays CMA's when it comes back. */
static void test_a_range_is_had_of_cma(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint64_t end = CMA_START + 512, first;
		struct pb_zone_stat stat;
		struct pb_page *range;
		unsigned int n = 0;
		struct tp tp;

		make(&tp, &kinds[k], end);
		memset(moved_to, 0, sizeof(moved_to));
		/* all but 300 pages outside CMA: enough to move to */
		while ((pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0)))
			n++;
		for (unsigned int i = 0, left = 300; left; i++)
			if (pages[i] && !is_cma(pb_page_to_pfn(&tp.pool, pages[i]), end)) {
				assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
				pages[i] = NULL;
				left--;
			}
		range = pb_alloc_contig(&tp.pool, 256, 1, CMA_START, end, 0,
					PB_GFP_KERNEL | PB_GFP_NOWARN);
		if (!range)
			fail_msg("%s: no range", kinds[k].name);
		first = pb_page_to_pfn(&tp.pool, range);
		assert_true(is_cma(first, end) && is_cma(first + 255, end));
		for (unsigned int i = 0; i < n; i++)
			if (pages[i] && moved_to[pb_page_to_pfn(&tp.pool, pages[i])])
				pages[i] = moved_to[pb_page_to_pfn(&tp.pool, pages[i])];
		tp_check(&tp, "range taken");
		assert_int_equal(pb_free_exact(&tp.pool, range, 256), PB_OK);
		for (unsigned int i = 0; i < n; i++)
			if (pages[i])
				assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
		pb_drain(&tp.pool, -1);
		tp_check(&tp, "all free");
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.free_cma, 512);
		assert_int_equal(tp_free_pages(&tp), FRAMES);
		tp_drop(&tp);
	}
}

/* What an area may not be, by the words. */
static void test_areas_that_make_no_sense(void **state)
{
	static const struct {
		struct pb_region region;
		uint32_t flags;
		const char *text;
	} cases[] = {
		{ { 0, 0, 0, 0, PB_REGION_CMA }, 0, "end_pfn must be greater than start_pfn" },
		{ { 8, 32, 0, 0, PB_REGION_CMA },
		  0,
		  "a PB_REGION_CMA must begin and end at multiples of 2^pageblock_order" },
		{ { 16, 40, 0, 0, PB_REGION_CMA },
		  0,
		  "a PB_REGION_CMA must begin and end at multiples of 2^pageblock_order" },
		{ { 16, 32, 0, 0, PB_REGION_CMA },
		  PB_POOL_NO_MOBILITY,
		  "a PB_REGION_CMA is for movable blocks: PB_POOL_NO_MOBILITY has none" },
		{ { 80, 112, 0, 0, PB_REGION_CMA },
		  0,
		  "a PB_REGION_CMA must lie within usable regions" }, /* [96, 128) is a hole */
		{ { 112, 144, 0, 0, PB_REGION_CMA },
		  0,
		  "a PB_REGION_CMA must lie within usable regions" },
		{ { 4096, 4112, 0, 0, PB_REGION_CMA },
		  0,
		  "a PB_REGION_CMA must lie within usable regions" },
		{ { 256, 320, 0, 0, PB_REGION_CMA }, 0, "overlaps another PB_REGION_CMA" },
		{ { 512, 528, 0, 0, PB_REGION_CMA },
		  0,
		  "a PB_REGION_CMA must lie within usable regions" }, /* only room for memory */
		{ { 16, 32, 0, 0, PB_REGION_CMA + 1 },
		  0,
		  "kind must be PB_REGION_USABLE, _RESERVED, _HOTPLUG or _CMA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pb_region regions[] = {
			{ 304, 336, 0, 0, PB_REGION_CMA },
			{ 128, 512, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
			cases[i].region,
			{ 512, 1024, 0, PB_ZONE_NORMAL, PB_REGION_HOTPLUG },
			{ 0, 96, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
		};
		struct pb_config config;
		struct pb_error error;
		size_t bytes;

		pb_config_init(&config);
		config.max_order = config.pageblock_order = 4;
		config.regions = regions;
		config.nr_regions = 5;
		config.flags = cases[i].flags;
		assert_int_not_equal(pb_pool_size(&config, &bytes, &error), PB_OK);
		if (!strstr(error.text, cases[i].text))
			fail_msg("case %zu: \"%s\"", i, error.text);
	}
}

/* What lies behind the last region is no region, whatever it looks like. */
static void test_a_region_when_it_lies_behind_the_last(void **state)
{
	static const struct {
		struct pb_region last, behind;
		int code;
		int64_t cma;
	} cases[] = {
		/* an area that would overlap, one that would be in a hole, one that would do */
		{ { 32, 64, 0, 0, PB_REGION_CMA }, { 48, 80, 0, 0, PB_REGION_CMA }, PB_OK, 32 },
		{ { 32, 64, 0, 0, PB_REGION_CMA }, { 4096, 4112, 0, 0, PB_REGION_CMA }, PB_OK, 32 },
		{ { 32, 64, 0, 0, PB_REGION_CMA }, { 128, 144, 0, 0, PB_REGION_CMA }, PB_OK, 32 },
		/* one of a pool that has none itself */
		{ { 512, 1024, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
		  { 32, 64, 0, 0, PB_REGION_CMA },
		  PB_OK,
		  0 },
		/* memory that the area would need */
		{ { 496, 528, 0, 0, PB_REGION_CMA },
		  { 512, 1024, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
		  PB_EREGION,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pb_zone_stat stat;
		struct tp tp;

		tp_start(&tp);
		tp.config.max_order = tp.config.pageblock_order = 4;
		tp_region(&tp, 0, 512, 0, PB_ZONE_NORMAL);
		tp.regions[tp.config.nr_regions++] = cases[i].last;
		tp.regions[tp.config.nr_regions] = cases[i].behind;
		if (tp_try(&tp) != cases[i].code)
			fail_msg("case %zu: \"%s\"", i, tp.error.text);
		if (cases[i].code == PB_OK) {
			tp_check(&tp, "made");
			tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
			assert_int_equal(stat.free_cma, cases[i].cma);
		}
		tp_drop(&tp);
	}
}

/* A pool too small for mobility has it where there is CMA, and only there. */
static void test_mobility_when_the_area_lies_behind_the_last_region(void **state)
{
	(void)state;
	for (unsigned int areas = 0; areas < 2; areas++) {
		struct tp tp;

		tp_start(&tp);
		tp.config.max_order = tp.config.pageblock_order = 4;
		tp.config.flags &= ~(uint32_t)PB_POOL_MOBILITY;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_cma(&tp, 32, 64);
		tp.config.nr_regions = 1 + areas;
		assert_int_equal(tp_try(&tp), PB_OK);
		assert_int_equal(!!(tp.pool.super->flags & PB_POOL_MOBILITY), areas);
		tp_drop(&tp);
	}
}

/* Kernels that merge all types have borders of areas only where the largest blocks have theirs. */
static void test_areas_of_kernels_that_merge_all_types(void **state)
{
	(void)state;
	for (int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		bool any = kernel == PB_LINUX_5_4 || kernel == PB_LINUX_5_10;
		struct pb_region regions[] = {
			{ 0, 512, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
			{ 16, 64, 0, 0, PB_REGION_CMA },
		};
		struct pb_config config;
		struct pb_error error = { 0 };
		size_t bytes;

		pb_config_init(&config);
		config.profile = PB_PROFILE_LINUX;
		config.kernel = (uint8_t)kernel;
		config.max_order = 5;
		config.pageblock_order = 4;
		config.regions = regions;
		config.nr_regions = 2;
		assert_int_equal(pb_pool_size(&config, &bytes, &error), any ? PB_EREGION : PB_OK);
		if (any)
			assert_non_null(strstr(error.text, "multiples of 2^max_order"));
		regions[1].start_pfn = 32;
		assert_int_equal(pb_pool_size(&config, &bytes, &error), PB_OK);
	}
}

/* Many areas in any order, over the seam of two regions, with reserved frames in them. */
static void test_areas_in_any_order(void **state)
{
	enum { AREAS = 100 };

	(void)state;
	for (unsigned int sorted = 0; sorted < 2; sorted++) {
		uint32_t order[AREAS + 3];
		struct pb_zone_stat stat;
		struct tp tp;

		tp_start(&tp);
		tp.config.max_order = 5;
		tp.config.pageblock_order = 4;
		tp_region(&tp, 1000, 4096, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 0, 1000, 0, PB_ZONE_NORMAL);
		for (unsigned int i = 0; i < AREAS; i++) {
			uint64_t pfn = (i * 37 % AREAS) * 32 + 16; /* the odd pageblocks */

			tp_cma(&tp, pfn, pfn + 16);
		}
		tp_reserved(&tp, 20, 25);
		tp.config.region_order = sorted ? order : NULL;
		tp_build(&tp);
		tp_check(&tp, "built");
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.free_cma, AREAS * 16 - 5);
		assert_int_equal(pb_online(&tp.pool, 20, 25), PB_OK);
		tp_check(&tp, "online");
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.free_cma, AREAS * 16);
		assert_int_equal(take_all(&tp, PB_GFP_KERNEL), 4096 - AREAS * 16);
		tp_drop(&tp);
	}
}

/* A pool too small for mobility has it where there is CMA. */
static void test_a_small_pool_with_cma(void **state)
{
	(void)state;
	for (unsigned int profile = 0; profile < 2; profile++) {
		struct pb_zone_stat stat;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.max_order = tp.config.pageblock_order = 4;
		tp.config.flags |= PB_POOL_NO_PCP;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_cma(&tp, 32, 48);
		tp_build(&tp);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.free_cma, 16);
		assert_int_equal(take_all(&tp, PB_GFP_KERNEL), 48);
		assert_int_equal(take_all(&tp, PB_GFP_HIGHUSER_MOVABLE), 16);
		tp_check(&tp, "full");
		tp_drop(&tp);
	}
}

/* What pb_alloc_at() took across an area's border goes back in pageblocks, each to its own. */
static void test_a_block_across_the_border_goes_back_in_parts(void **state)
{
	struct pb_zone_stat zone;
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.max_order = 5;
	tp.config.pageblock_order = 3;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_cma(&tp, CMA_START, CMA_START + 8);
	tp_build(&tp);
	assert_int_equal(pb_alloc_at(&tp.pool, CMA_START, 4, PB_GFP_KERNEL), PB_OK);
	assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, CMA_START), 4), PB_OK);
	tp_check(&tp, "after the free");
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.free_cma, 8);
	assert_int_equal(tp_free_pages(&tp), FRAMES);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_movable_requests_have_cma),
		cmocka_unit_test(test_cma_goes_first_where_it_is_most_of_what_is_free),
		cmocka_unit_test(test_cma_comes_before_other_types),
		cmocka_unit_test(test_a_range_is_had_of_cma),
		cmocka_unit_test(test_areas_that_make_no_sense),
		cmocka_unit_test(test_a_region_when_it_lies_behind_the_last),
		cmocka_unit_test(test_mobility_when_the_area_lies_behind_the_last_region),
		cmocka_unit_test(test_areas_of_kernels_that_merge_all_types),
		cmocka_unit_test(test_areas_in_any_order),
		cmocka_unit_test(test_a_small_pool_with_cma),
		cmocka_unit_test(test_a_block_across_the_border_goes_back_in_parts),
	};

	return pb_run_tests(tests);
}
