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
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	for (uint64_t pfn = CMA_START; pfn < end; pfn += 16) {
		struct pb_page *page = pb_pfn_to_page(&tp->pool, pfn);
		uint32_t frame = (uint32_t)(page - tp->pool.pages);
		struct zone *zone = zone_of_frame(&tp->pool, frame);

		assert_int_equal(pb_alloc_at(&tp->pool, pfn, 4, PB_GFP_KERNEL), PB_OK);
		frame_pageblock(&tp->pool, frame)->type = PB_MIGRATE_CMA;
		tp->pool.pcp_class[frame >> 4] = zone_class(&tp->pool, zone, PB_MIGRATE_CMA);
	}
	for (uint64_t pfn = CMA_START; pfn < end; pfn += 16)
		assert_int_equal(pb_free_pages(&tp->pool, pb_pfn_to_page(&tp->pool, pfn), 4),
				 PB_OK);
	pb_drain(&tp->pool, -1);
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

static struct pb_page *pages[FRAMES + 1];

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_movable_requests_have_cma),
		cmocka_unit_test(test_cma_goes_first_where_it_is_most_of_what_is_free),
		cmocka_unit_test(test_cma_comes_before_other_types),
	};

	return pb_run_tests(tests);
}
