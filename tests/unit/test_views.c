/* SPDX-License-Identifier: MIT */
/*
 * What walks, statistics, texts and traces say where a pool has more than one zone, node or
 * CPU: each sees its own part, all of it, and nothing of the next.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "test_port.h"

#include "pcp/pcp.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

static void two_zones(struct tp *tp, int profile)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.max_order = 4;
	tp->config.pageblock_order = 3;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, 64, 0, PB_ZONE_DMA);
	tp_region(tp, 64, 1024, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

#define for_both_profiles(p) for (int p = PB_PROFILE_MODERN; p <= PB_PROFILE_LINUX; p++)

struct pfns {
	uint64_t pfn[64];
	unsigned int n, stop_at;
};

static int note(void *ctx, uint64_t pfn)
{
	struct pfns *pfns = ctx;

	assert_true(pfns->n < 64);
	pfns->pfn[pfns->n++] = pfn;
	return pfns->n == pfns->stop_at ? 42 : 0;
}

static int walk(struct tp *tp, unsigned int cpu, int node, enum pb_zone_type zone,
		unsigned int order, unsigned int type, struct pfns *pfns)
{
	pfns->n = 0;
	return pb_walk_pcp(&tp->pool, cpu, node, zone, order, (enum pb_migratetype)type, note,
			   pfns);
}

/* The next to be handed out comes first. */
static void test_the_lists_of_a_cpu_are_walked_hottest_first(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct pfns pfns = { .stop_at = 0 };
		struct pb_page *pages[2];
		unsigned int total;
		struct tp tp;

		two_zones(&tp, profile);
		pb_test_set_cpu(1);
		for (int i = 0; i < 2; i++)
			pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0);
		for (int i = 0; i < 2; i++)
			assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
		assert_int_equal(walk(&tp, 1, 0, PB_ZONE_NORMAL, 0, PB_MIGRATE_MOVABLE, &pfns), 0);
		total = pfns.n;
		assert_true(total >= 2);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(pfns.pfn[i], pb_page_to_pfn(&tp.pool, pages[1 - i]));
		pfns.stop_at = 1;
		assert_int_equal(walk(&tp, 1, 0, PB_ZONE_NORMAL, 0, PB_MIGRATE_MOVABLE, &pfns), 42);
		assert_int_equal(pfns.n, 1);
		/* nothing elsewhere */
		pfns.stop_at = 0;
		assert_int_equal(walk(&tp, 0, 0, PB_ZONE_NORMAL, 0, PB_MIGRATE_MOVABLE, &pfns), 0);
		assert_int_equal(pfns.n, 0);
		assert_int_equal(walk(&tp, 1, 0, PB_ZONE_DMA, 0, PB_MIGRATE_UNMOVABLE, &pfns), 0);
		assert_int_equal(pfns.n, 0);
		pb_test_set_cpu(0);
		tp_drop(&tp);
	}
}

static void test_a_walk_of_lists_that_are_not_there_is_refused(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct pfns pfns = { .stop_at = 0 };
		struct tp tp;

		two_zones(&tp, profile);
		assert_int_equal(walk(&tp, 3, 0, PB_ZONE_NORMAL, 0, 0, &pfns), PB_ENODEV);
		assert_int_equal(walk(&tp, 0, 1, PB_ZONE_NORMAL, 0, 0, &pfns), PB_ENODEV);
		assert_int_equal(walk(&tp, 0, 0, PB_ZONE_MOVABLE, 0, 0, &pfns), PB_ENODEV);
		assert_int_equal(walk(&tp, 0, 0, (enum pb_zone_type)99, 0, 0, &pfns), PB_ENODEV);
		assert_int_equal(walk(&tp, 0, -3, PB_ZONE_NORMAL, 0, 0, &pfns), PB_ENODEV);
		assert_int_equal(walk(&tp, 0, 0, PB_ZONE_NORMAL, 4, 0, &pfns), PB_EINVAL);
		assert_int_equal(walk(&tp, 0, 0, PB_ZONE_NORMAL, 0, PB_MIGRATE_HIGHATOMIC, &pfns),
				 PB_EINVAL);
		assert_int_equal(pb_walk_free_list(&tp.pool, 0, PB_ZONE_NORMAL, 5,
						   PB_MIGRATE_MOVABLE, note, &pfns),
				 PB_EINVAL);
		assert_int_equal(pb_walk_free_list(&tp.pool, 0, PB_ZONE_NORMAL, 0, PB_MIGRATE_TYPES,
						   note, &pfns),
				 PB_EINVAL);
		tp_drop(&tp);
	}
}

/* PB_NO_NODE: the first node that has such a zone. */
static void test_a_walk_without_a_node_finds_the_zone(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct pfns pfns = { .stop_at = 0 };
		struct tp tp;

		two_zones(&tp, profile);
		assert_int_equal(pb_walk_free_list(&tp.pool, PB_NO_NODE, PB_ZONE_DMA, 4,
						   PB_MIGRATE_MOVABLE, note, &pfns),
				 0);
		assert_int_equal(pfns.n, 4);
		assert_int_equal(walk(&tp, 0, PB_NO_NODE, PB_ZONE_DMA, 0, 0, &pfns), 0);
		tp_drop(&tp);
	}
}

/* The first pageblock behind a zone is the next zone's. */
static void test_a_zone_ends_before_the_next_ones_first_pageblock(void **state)
{
	(void)state;
	for_both_profiles(profile) for (int type = PB_MIGRATE_HIGHATOMIC; type < PB_MIGRATE_TYPES;
					type++)
	{
		struct pfns pfns = { .stop_at = 0 };
		struct pb_zone_stat stat;
		struct tp tp;
		u32 frame;

		two_zones(&tp, profile);
		frame = zone_first_frame(&tp.pool, pool_zone(&tp.pool, 1));
		for (u32 i = 0; i < 2; i++) { /* in use, so that they are on no list */
			assert_int_equal(pb_alloc_at(&tp.pool, 64 + i * 8, 3, PB_GFP_KERNEL),
					 PB_OK);
			frame_pageblock(&tp.pool, frame + i * 8)->type = (u8)type;
			tp.pool.pcp_class[(frame >> 3) + i] =
				zone_class(&tp.pool, pool_zone(&tp.pool, 1), (unsigned int)type);
		}
		if (type == PB_MIGRATE_HIGHATOMIC)
			pool_zone(&tp.pool, 1)->nr_reserved_highatomic = 16;
		if (type == PB_MIGRATE_ISOLATE)
			pool_zone(&tp.pool, 1)->nr_isolate_pageblock = 2;
		tp_check(&tp, "types of the second zone");
		tp_zone(&tp, 0, PB_ZONE_DMA, &stat);
		assert_int_equal(stat.pageblocks[type], 0);
		assert_int_equal(stat.pageblocks[PB_MIGRATE_MOVABLE], 8);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.pageblocks[type], 2);
		assert_int_equal(pb_walk_free_list(&tp.pool, 0, PB_ZONE_DMA, 4, PB_MIGRATE_MOVABLE,
						   note, &pfns),
				 0);
		assert_int_equal(pfns.n, 4);
		for (unsigned int i = 0; i < pfns.n; i++)
			assert_true(pfns.pfn[i] < 64);
		tp_drop(&tp);
	}
}

static void test_totals_name_frames_and_bytes(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct pb_pool_stat stat;
		struct tp tp;

		two_zones(&tp, profile);
		pb_stats(&tp.pool, &stat);
		assert_int_equal(stat.frames, 1024);
		assert_int_equal(stat.metadata_bytes, tp.bytes);
		assert_int_equal(stat.zones, 2);
		tp_drop(&tp);
	}
}

static void test_zonelists_begin_at_home(void **state)
{
	uint8_t nodes[PB_MAX_NODES];
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.nr_cpus = 2;
	tp.cpu_node[1] = 2;
	tp.config.cpu_node = tp.cpu_node;
	tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 1024, 2048, 2, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		pb_test_set_cpu(cpu);
		assert_int_equal(pb_zonelist_nodes(&tp.pool, PB_NO_NODE, nodes), 2);
		assert_int_equal(nodes[0], cpu * 2);
		assert_int_equal(nodes[1], 2 - cpu * 2);
	}
	assert_int_equal(pb_zonelist_nodes(&tp.pool, 3, nodes), PB_ENODEV);
	assert_int_equal(pb_zonelist_nodes(&tp.pool, -2, nodes), PB_ENODEV);
	assert_int_equal(pb_numa_stats(&tp.pool, 2, (uint64_t[PB_NR_NUMA_EVENTS]){ 0 }), PB_ENODEV);
	pb_test_set_cpu(0);
	tp_drop(&tp);
}

static void *any_address(void *ctx, uint64_t pfn)
{
	return (char *)ctx + pfn;
}

static void test_high_pages_and_strangers_have_no_address(void **state)
{
	char *linear = (char *)(uintptr_t)0x10000000; /* nobody looks there */
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.zone_types |= 1u << PB_ZONE_HIGHMEM;
	tp.config.max_order = 4;
	tp.config.pageblock_order = 3;
	tp.config.linear = linear;
	tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 64, 128, 0, PB_ZONE_HIGHMEM);
	tp_build(&tp);
	for (int hook = 0; hook < 2; hook++) {
		char *expected = hook ? (char *)&tp + 5 : linear + (5 << 12);

		tp.pool.hooks.address = hook ? any_address : NULL;
		assert_ptr_equal(pb_page_address(&tp.pool, pb_pfn_to_page(&tp.pool, 5)), expected);
		assert_null(pb_page_address(&tp.pool, pb_pfn_to_page(&tp.pool, 64)));
		assert_null(pb_page_address(&tp.pool, pb_pfn_to_page(&tp.pool, 127)));
		assert_null(pb_page_address(&tp.pool, tp.pool.pages + tp.pool.nr_frames));
		assert_null(pb_page_address(&tp.pool, tp.pool.pages - 1));
		assert_null(pb_page_address(&tp.pool, NULL));
	}
	assert_null(pb_pfn_to_page(&tp.pool, 128));
	tp_drop(&tp);
}

static char text[65536];

/* Blocks of the greatest order are counted in each text, in both profiles. */
static void test_texts_count_the_greatest_order(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct tp tp;

		two_zones(&tp, profile);
		text[pb_pagetypeinfo(&tp.pool, text, sizeof(text) - 1)] = '\0';
		assert_non_null(strstr(
			text,
			"zone      DMA, type      Movable      0      0      0      0      4 "));
		assert_non_null(strstr(
			text,
			"zone   Normal, type      Movable      0      0      0      0     60 "));
		text[pb_buddyinfo(&tp.pool, text, sizeof(text) - 1)] = '\0';
		assert_non_null(strstr(text, "     60 \n"));
		tp_drop(&tp);
	}
}

/* A CMA pageblock makes its column appear. */
static void test_pagetypeinfo_shows_cma_where_there_is_some(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct tp tp;
		u32 frame;

		two_zones(&tp, profile);
		text[pb_pagetypeinfo(&tp.pool, text, sizeof(text) - 1)] = '\0';
		assert_null(strstr(text, "CMA"));
		assert_int_equal(pb_alloc_at(&tp.pool, 64, 3, PB_GFP_KERNEL), PB_OK);
		frame = zone_first_frame(&tp.pool, pool_zone(&tp.pool, 1));
		frame_pageblock(&tp.pool, frame)->type = PB_MIGRATE_CMA;
		text[pb_pagetypeinfo(&tp.pool, text, sizeof(text) - 1)] = '\0';
		assert_non_null(strstr(text, "type          CMA"));
		tp_drop(&tp);
	}
}

/* 7.2's zoneinfo ends with the reserve: its size, and what of it is free. */
static void test_zoneinfo_7_2_tells_the_reserve(void **state)
{
	struct zone *zone;
	struct tp tp;

	(void)state;
	for_both_profiles(profile)
	{
		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.kernel = PB_LINUX_7_2;
		tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		zone = pool_zone(&tp.pool, 0);
		assert_int_equal(pb_alloc_at(&tp.pool, 1024, 0, PB_GFP_KERNEL), PB_OK);
		zone->managed = 102400;
		reserve_highatomic_pageblock(&tp.pool, zone, 1024, 0);
		zone->managed = 4096;
		text[pb_zoneinfo(&tp.pool, PB_TEXT_7_2, text, sizeof(text) - 1)] = '\0';
		assert_non_null(strstr(text, "\n  reserved_highatomic: 512"));
		assert_non_null(strstr(text, profile == PB_PROFILE_LINUX
						     ? "\n  free_highatomic:     511\n"
						     : "\n  free_highatomic:     0\n"));
		text[pb_zoneinfo(&tp.pool, PB_TEXT_6_1, text, sizeof(text) - 1)] = '\0';
		assert_null(strstr(text, "highatomic:"));
		tp_drop(&tp);
	}
}

/* Each order is looked at until one has a block. */
static void test_a_trace_tells_the_search(void **state)
{
	const struct pb_trace_event *event;
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.max_order = 4;
	tp.config.pageblock_order = 3;
	tp.config.flags |= PB_POOL_NO_PCP;
	tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	tp_trace(&tp, 1);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 1));
	for (unsigned int i = 0; i < 4; i++) {
		event = tp_event(&tp, PB_TRACE_SCAN, i);
		assert_non_null(event);
		assert_int_equal(event->order, i + 1);
		assert_int_equal(event->value, i == 3); /* found */
	}
	assert_null(tp_event(&tp, PB_TRACE_SCAN, 4));
	tp_drop(&tp);
}

/* Where a step was is told: node, zone, CPU. */
static void test_a_trace_tells_the_place(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		struct tp tp;

		two_zones(&tp, profile);
		pb_test_set_cpu(1);
		tp_trace(&tp, 1);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 4));
		assert_true(tp.nr_events > 0);
		for (unsigned int i = 0; i < tp.nr_events; i++) {
			assert_int_equal(tp.events[i].zone, PB_ZONE_NORMAL);
			assert_int_equal(tp.events[i].node, 0);
		}
		tp_trace(&tp, 1);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_DMA, 4));
		for (unsigned int i = 0; i < tp.nr_events; i++)
			assert_int_equal(tp.events[i].zone, PB_ZONE_DMA);
		pb_test_set_cpu(0);
		tp_drop(&tp);
	}
}

/* A boost is told with its size, and a pageblock that changes its type once. */
static void test_a_trace_tells_boosts(void **state)
{
	(void)state;
	for_both_profiles(profile)
	{
		const struct pb_trace_event *event;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.min_free_kbytes = 400;
		tp.config.watermark_boost_factor = 15000;
		tp_region(&tp, 0, 8192, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		tp_trace(&tp, 1);
		assert_true(boost_watermark(&tp.pool, pool_zone(&tp.pool, 0)));
		event = tp_event(&tp, PB_TRACE_BOOST, 0);
		assert_non_null(event);
		assert_int_equal(event->value, pool_zone(&tp.pool, 0)->watermark_boost);
		assert_true(event->value >= 512);
		assert_int_equal(pb_set_watermark_boost_factor(&tp.pool, 0), PB_OK);
		assert_false(boost_watermark(&tp.pool, pool_zone(&tp.pool, 0)));
		assert_int_equal(pb_set_watermark_boost_factor(&tp.pool, 15000), PB_OK);
		assert_int_equal(pb_set_watermark_scale_factor(&tp.pool, 1), PB_OK);
		assert_int_equal(pb_set_min_free_kbytes(&tp.pool, 0), PB_OK);
		assert_false(boost_watermark(&tp.pool, pool_zone(&tp.pool, 0))); /* of nothing */
		tp_drop(&tp);
	}
}

/* A zone of fewer than four pageblocks is not boosted, but by old kernels. */
static void test_small_zones_are_boosted_by_old_kernels_only(void **state)
{
	(void)state;
	for (unsigned int kernel = 0; kernel <= PB_NR_LINUX; kernel++) {
		bool boosts = false;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = kernel < PB_NR_LINUX ? PB_PROFILE_LINUX : PB_PROFILE_MODERN;
		tp.config.kernel = kernel < PB_NR_LINUX ? (uint8_t)kernel : 0;
		tp.config.min_free_kbytes = 400;
		tp.config.watermark_boost_factor = 15000;
		tp_region(&tp, 0, 2047, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		if (kernel < PB_NR_LINUX)
			boosts = policy(&tp.pool)->boosts_small;
		assert_int_equal(boost_watermark(&tp.pool, pool_zone(&tp.pool, 0)), boosts);
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_lists_of_a_cpu_are_walked_hottest_first),
		cmocka_unit_test(test_a_walk_of_lists_that_are_not_there_is_refused),
		cmocka_unit_test(test_a_walk_without_a_node_finds_the_zone),
		cmocka_unit_test(test_a_zone_ends_before_the_next_ones_first_pageblock),
		cmocka_unit_test(test_totals_name_frames_and_bytes),
		cmocka_unit_test(test_zonelists_begin_at_home),
		cmocka_unit_test(test_high_pages_and_strangers_have_no_address),
		cmocka_unit_test(test_texts_count_the_greatest_order),
		cmocka_unit_test(test_pagetypeinfo_shows_cma_where_there_is_some),
		cmocka_unit_test(test_zoneinfo_7_2_tells_the_reserve),
		cmocka_unit_test(test_a_trace_tells_the_search),
		cmocka_unit_test(test_a_trace_tells_the_place),
		cmocka_unit_test(test_a_trace_tells_boosts),
		cmocka_unit_test(test_small_zones_are_boosted_by_old_kernels_only),
	};

	return pb_run_tests(tests);
}
