/* SPDX-License-Identifier: MIT */
/* Request flags: values, names, zones and migratetypes (spec 4). */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include "alloc/gfp.h"
#include "zone/zone.h"

#include <string.h>

static void test_values_are_those_of_linux(void **state)
{
	(void)state;
	assert_int_equal(PB_GFP_ATOMIC, 0xA20);
	assert_int_equal(PB_GFP_KERNEL, 0xCC0);
	assert_int_equal(PB_GFP_KERNEL_ACCOUNT, 0x400CC0);
	assert_int_equal(PB_GFP_NOWAIT, 0x800);
	assert_int_equal(PB_GFP_NOIO, 0xC00);
	assert_int_equal(PB_GFP_NOFS, 0xC40);
	assert_int_equal(PB_GFP_USER, 0x100CC0);
	assert_int_equal(PB_GFP_HIGHUSER, 0x100CC2);
	assert_int_equal(PB_GFP_HIGHUSER_MOVABLE, 0x100CCA);
	assert_int_equal(PB_GFP_TRANSHUGE_LIGHT, 0x1C20CA);
	assert_int_equal(PB_GFP_TRANSHUGE, 0x1C24CA);
}

static void assert_name(pb_gfp_t gfp, const char *want)
{
	char text[512];
	size_t length = strlen(want);

	assert_int_equal(pb_gfp_name(gfp, text, sizeof(text)), length);
	assert_string_equal(text, want);
	/* like snprintf: the length is that of the whole text, what fits is written */
	memset(text, 'x', sizeof(text));
	assert_int_equal(pb_gfp_name(gfp, text, 4), length);
	assert_memory_equal(text, want, length < 3 ? length : 3);
	assert_int_equal(text[length < 3 ? length : 3], 0);
	assert_int_equal(text[4], 'x');
	assert_int_equal(pb_gfp_name(gfp, NULL, 0), length);
}

static void test_names_follow_the_table(void **state)
{
	(void)state;
	assert_name(0, "none");
	assert_name(0xCC0, "GFP_KERNEL");
	assert_name(0xDC0, "GFP_KERNEL|__GFP_ZERO");
	assert_name(0xA20, "GFP_ATOMIC");
	assert_name(0x100CCA, "GFP_HIGHUSER_MOVABLE");
	assert_name(0x2CC0, "GFP_KERNEL|__GFP_NOWARN");
	assert_name(0x1C24CA, "GFP_TRANSHUGE");
	assert_name(0x1C20CA, "GFP_TRANSHUGE_LIGHT");
	assert_name(0x100CC2, "GFP_HIGHUSER");
	assert_name(0x100CC0, "GFP_USER");
	assert_name(0x400CC0, "GFP_KERNEL_ACCOUNT");
	assert_name(0xC40, "GFP_NOFS");
	assert_name(0xC00, "GFP_NOIO");
	assert_name(0x800, "GFP_NOWAIT");
	assert_name(0x1, "GFP_DMA");
	assert_name(0x4, "GFP_DMA32");
	assert_name(0x2, "__GFP_HIGHMEM");
	assert_name(0x400, "__GFP_DIRECT_RECLAIM");
	assert_name(0x220, "__GFP_HIGH|__GFP_ATOMIC");
	assert_name(0x18, "__GFP_RECLAIMABLE|__GFP_MOVABLE");
	assert_name(0x80000000u, "0x80000000");
	assert_name(0x80000CC0u, "GFP_KERNEL|0x80000000");
	assert_name(0x3FF000 & ~0x1000u,
		    "__GFP_NOWARN|__GFP_RETRY_MAYFAIL|__GFP_NOFAIL|__GFP_NORETRY|__GFP_COMP|"
		    "__GFP_NOMEMALLOC|__GFP_MEMALLOC|__GFP_HARDWALL|__GFP_THISNODE");
}

/* Spec 4.3 with zones DMA, DMA32, NORMAL, HIGHMEM and MOVABLE all there. */
static void test_zone_modifiers_pick_the_highest_zone(void **state)
{
	static const struct {
		pb_gfp_t gfp;
		enum pb_zone_type zone;
	} cases[] = {
		{ 0, PB_ZONE_NORMAL },
		{ PB_GFP_DMA, PB_ZONE_DMA },
		{ PB_GFP_HIGHMEM, PB_ZONE_HIGHMEM },
		{ PB_GFP_DMA32, PB_ZONE_DMA32 },
		{ PB_GFP_MOVABLE, PB_ZONE_NORMAL },
		{ PB_GFP_MOVABLE | PB_GFP_DMA, PB_ZONE_DMA },
		{ PB_GFP_MOVABLE | PB_GFP_HIGHMEM, PB_ZONE_MOVABLE },
		{ PB_GFP_MOVABLE | PB_GFP_DMA32, PB_ZONE_DMA32 },
	};

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.zone_types = 0x1f;
		for (int zone = 0; zone < 5; zone++)
			tp_region(&tp, (uint64_t)zone * 8192, (uint64_t)zone * 8192 + 4096, 0,
				  (enum pb_zone_type)zone);
		tp_build(&tp);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct pb_page *page = pb_alloc_pages(&tp.pool,
							      PB_GFP_KERNEL | cases[i].gfp, 0);

			assert_non_null(page);
			assert_int_equal(pb_page_zone(&tp.pool, page), cases[i].zone);
		}
		tp_drop(&tp);
	}
}

/* A zone type that isn't configured is NORMAL. */
static void test_zone_modifiers_mean_normal_when_not_configured(void **state)
{
	struct tp tp;
	struct pb_page *page;

	(void)state;
	tp_start(&tp);
	tp.config.zone_types = 1u << PB_ZONE_NORMAL;
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (pb_gfp_t bits = 0; bits < 16; bits++) {
		if (0xE8E8 >> bits & 1)
			continue;
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | bits, 0);
		assert_non_null(page);
		assert_int_equal(pb_page_zone(&tp.pool, page), PB_ZONE_NORMAL);
	}
	assert_int_equal(tp.misuse_calls, 0);
	tp_drop(&tp);
}

static void test_configured_zone_without_memory_falls_back(void **state)
{
	struct tp tp;
	struct pb_page *page;
	enum pb_reason why;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, 4096, 0, PB_ZONE_DMA32);
	tp_build(&tp);
	page = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0);
	assert_int_equal(pb_page_zone(&tp.pool, page), PB_ZONE_DMA32);
	assert_null(
		pb_alloc_pages_nodemask(&tp.pool, PB_GFP_DMA | PB_GFP_NOWARN, 0, 0, NULL, &why));
	assert_int_equal(why, PB_REASON_NO_ZONE);
	tp_drop(&tp);
}

/* Spec 4.4: the free list that serves a request is the one of its type. */
static void test_mobility_decides_the_pageblock(void **state)
{
	static const pb_gfp_t bits[] = { 0, PB_GFP_MOVABLE, PB_GFP_RECLAIMABLE };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_simple(&tp, 16384, v->profile, v->flags);
		for (int n = 0; n < 100; n++)
			for (int type = 0; type < 3; type++) {
				struct pb_page *page =
					pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | bits[type], 0);

				assert_int_equal(pb_pageblock_type(&tp.pool,
								   pb_page_to_pfn(&tp.pool, page)),
						 type);
			}
		tp_drop(&tp);
	}
}

static void test_mobility_is_ignored_when_grouping_is_off(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.flags = PB_POOL_NO_MOBILITY;
		tp_region(&tp, 0, 16384, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (pb_gfp_t type = 0; type < 3; type++)
			for (int n = 0; n < 1000; n++)
				assert_non_null(
					pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | type << 3, 0));
		for (uint64_t pfn = 0; pfn < 3000; pfn += 100) /* one type after the other */
			assert_int_equal(pb_pageblock_type(&tp.pool, pfn), PB_MIGRATE_UNMOVABLE);
		tp_check(&tp, "no grouping");
		tp_drop(&tp);
	}
}

/*
 * Example 8, with the numbers of 6.18 (KSWAPD 0x800) and the rules of 6.1's
 * stable releases: what can't wait is "harder", with or without __GFP_ATOMIC.
 */
static void test_example_08_flags_of_the_slow_path(void **state)
{
	struct tp tp;
	const unsigned int common = PB_WMARK_MIN | ALLOC_KSWAPD;

	(void)state;
	tp_simple(&tp, 64, PB_PROFILE_LINUX, 0);
	assert_int_equal(gfp_to_alloc_flags(&tp.pool, PB_GFP_ATOMIC, 0),
			 common | ALLOC_HIGH | ALLOC_HARDER | ALLOC_RESERVES | ALLOC_QUARTER);
	assert_int_equal(gfp_to_alloc_flags(&tp.pool, PB_GFP_ATOMIC, 1),
			 common | ALLOC_HIGH | ALLOC_HARDER | ALLOC_RESERVES | ALLOC_QUARTER |
				 ALLOC_HIGHATOMIC);
	assert_int_equal(gfp_to_alloc_flags(&tp.pool, PB_GFP_KERNEL, 0), common);
	assert_int_equal(gfp_to_alloc_flags(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0),
			 common | ALLOC_CMA);
	assert_int_equal(gfp_to_alloc_flags(&tp.pool, PB_GFP_NOWAIT, 0),
			 common | ALLOC_HARDER | ALLOC_RESERVES);
	assert_int_equal(gfp_to_alloc_flags(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOMEMALLOC, 0),
			 common | ALLOC_HIGH | ALLOC_RESERVES);
	tp_drop(&tp);
}

static void test_names_of_zones_and_types(void **state)
{
	static const char *const zones[] = { "DMA",     "DMA32",   "Normal",
					     "HighMem", "Movable", "Device" };
	static const char *const types[] = { "Unmovable",  "Movable", "Reclaimable",
					     "HighAtomic", "CMA",     "Isolate" };

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_string_equal(pb_zone_name((enum pb_zone_type)i), zones[i]);
		assert_string_equal(pb_migratetype_name((enum pb_migratetype)i), types[i]);
	}
	assert_non_null(pb_zone_name((enum pb_zone_type)6));
	assert_non_null(pb_migratetype_name((enum pb_migratetype)6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_those_of_linux),
		cmocka_unit_test(test_names_follow_the_table),
		cmocka_unit_test(test_zone_modifiers_pick_the_highest_zone),
		cmocka_unit_test(test_zone_modifiers_mean_normal_when_not_configured),
		cmocka_unit_test(test_configured_zone_without_memory_falls_back),
		cmocka_unit_test(test_mobility_decides_the_pageblock),
		cmocka_unit_test(test_mobility_is_ignored_when_grouping_is_off),
		cmocka_unit_test(test_example_08_flags_of_the_slow_path),
		cmocka_unit_test(test_names_of_zones_and_types),
	};

	return pb_run_tests(tests);
}
