/* SPDX-License-Identifier: MIT */
/* Watermarks, reserves and when a request is let through (spec 6.2, 7). */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "zone/zone.h"

#include <string.h>

/* The tunables that tp_start() turned off, as Linux has them. */
static void start_like_linux(struct tp *tp, enum pb_profile profile, int32_t min_free_kbytes)
{
	struct pb_config defaults;

	tp_start(tp);
	pb_config_init(&defaults);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= PB_POOL_NO_PCP;
	tp->config.watermark_scale_factor = 10;
	tp->config.min_free_kbytes = min_free_kbytes;
	memcpy(tp->config.lowmem_reserve_ratio, defaults.lowmem_reserve_ratio,
	       sizeof(defaults.lowmem_reserve_ratio));
}

static void three_zones(struct tp *tp, uint64_t dma, uint64_t dma32, uint64_t normal)
{
	tp_region(tp, 0, dma, 0, PB_ZONE_DMA);
	tp_region(tp, 4096, 4096 + dma32, 0, PB_ZONE_DMA32);
	tp_region(tp, 1u << 20, (1u << 20) + normal, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static void assert_marks(struct tp *tp, enum pb_zone_type type, uint64_t min, uint64_t low,
			 uint64_t high, uint64_t promo)
{
	struct pb_zone_stat zone;

	tp_zone(tp, 0, type, &zone);
	assert_int_equal(zone.watermark[PB_WMARK_MIN], min);
	assert_int_equal(zone.watermark[PB_WMARK_LOW], low);
	assert_int_equal(zone.watermark[PB_WMARK_HIGH], high);
	assert_int_equal(zone.watermark[PB_WMARK_PROMO], promo);
}

/* Example 18: min_free_kbytes 67584, managed 3840, 772917, 950272. */
static void test_example_18_watermarks_of_a_live_machine(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;

		start_like_linux(&tp, (enum pb_profile)profile, 67584);
		three_zones(&tp, 3840, 772917, 950272);
		assert_marks(&tp, PB_ZONE_DMA, 37, 46, 55, 64);
		assert_marks(&tp, PB_ZONE_DMA32, 7561, 9451, 11341, 13231);
		tp_drop(&tp);
	}
}

/* Example 19: min_free_kbytes 16384, managed 3976, 765000, 3276800. */
static void test_example_19_scale_factor_wins_in_large_zones(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;

		start_like_linux(&tp, (enum pb_profile)profile, 16384);
		three_zones(&tp, 3976, 765000, 3276800);
		assert_marks(&tp, PB_ZONE_DMA, 4, 7, 10, 13);
		assert_marks(&tp, PB_ZONE_DMA32, 774, 1539, 2304, 3069);
		assert_marks(&tp, PB_ZONE_NORMAL, 3317, 6593, 9869, 13145);
		/* and once more through the run-time knobs */
		assert_int_equal(pb_set_watermark_scale_factor(&tp.pool, 1000), PB_OK);
		assert_marks(&tp, PB_ZONE_DMA, 4, 401, 798, 1195);
		assert_int_equal(pb_set_watermark_scale_factor(&tp.pool, 10), PB_OK);
		assert_int_equal(pb_set_min_free_kbytes(&tp.pool, 67584), PB_OK);
		assert_int_equal(pb_set_min_free_kbytes(&tp.pool, 16384), PB_OK);
		assert_marks(&tp, PB_ZONE_NORMAL, 3317, 6593, 9869, 13145);
		assert_int_equal(pb_set_watermark_scale_factor(&tp.pool, 0), PB_EINVAL);
		assert_int_equal(pb_set_watermark_scale_factor(&tp.pool, 3001), PB_EINVAL);
		assert_int_equal(pb_set_min_free_kbytes(&tp.pool, -2), PB_EINVAL);
		assert_marks(&tp, PB_ZONE_NORMAL, 3317, 6593, 9869, 13145);
		tp_check(&tp, "tuned");
		tp_drop(&tp);
	}
}

/* Example 20: the default min_free_kbytes by memory size (6.1's upper limit). */
static void test_example_20_default_min_free_kbytes(void **state)
{
	static const struct {
		uint64_t mib, kbytes;
	} cases[] = {
		{ 16, 512 },       { 64, 1024 },        { 128, 1448 },   { 512, 2896 },
		{ 1024, 4096 },    { 4096, 8192 },      { 8192, 11585 }, { 16384, 16384 },
		{ 262144, 65536 }, { 1048576, 131072 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp tp;
		struct pb_zone_stat zone;

		start_like_linux(&tp, PB_PROFILE_MODERN, -1);
		tp_region(&tp, 0, cases[i].mib << 8, 0, PB_ZONE_NORMAL);
		assert_int_equal(tp_try(&tp), PB_OK);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(zone.watermark[PB_WMARK_MIN], cases[i].kbytes >> 2);
		tp_drop(&tp);
	}
}

/* Highmem and movable zones have small fixed marks: clamp(managed/1024, 32, 128). */
/* Every low zone of every node counts, and no other: sqrt(16 x (16 MiB + 2 x 1 GiB)). */
static void test_default_min_free_kbytes_sums_the_low_zones(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.min_free_kbytes = -1;
		tp_region(&tp, 0, 4096, 0, PB_ZONE_DMA);
		tp_region(&tp, 1 << 18, 2 << 18, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 2 << 18, 3 << 18, 1, PB_ZONE_NORMAL);
		tp_region(&tp, 3 << 18, 4 << 18, 1, PB_ZONE_MOVABLE);
		tp_build(&tp);
		assert_int_equal(tp.pool.super->tunables.min_free_kbytes, 5815);
		tp_drop(&tp);
	}
}

/* The root is of the low zones' KiB times 16, to the page: of 250,500 pages it is 4,003, and of one
   KiB more it would be 4,004. */
static void test_default_min_free_kbytes_is_the_root_to_the_kib(void **state)
{
	static const struct {
		uint64_t pages;
		int32_t kbytes;
	} cases[] = { { 250500, 4003 }, { 250501, 4004 }, { 2862, 427 }, { 2863, 428 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
			struct tp tp;

			tp_start(&tp);
			tp.config.profile = (uint8_t)profile;
			tp.config.min_free_kbytes = -1;
			tp_region(&tp, 0, cases[i].pages, 0, PB_ZONE_NORMAL);
			tp_build(&tp);
			assert_int_equal(tp.pool.super->tunables.min_free_kbytes, cases[i].kbytes);
			tp_drop(&tp);
		}
}

static void test_highmem_min_is_clamped(void **state)
{
	static const struct {
		uint64_t managed, min;
	} cases[] = { { 1024, 32 }, { 65536, 64 }, { 1u << 20, 128 } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct tp tp;
		struct pb_zone_stat zone;

		start_like_linux(&tp, PB_PROFILE_LINUX, 4096);
		tp.config.zone_types |= 1u << PB_ZONE_HIGHMEM;
		tp_region(&tp, 0, 65536, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 1u << 20, (1u << 20) + cases[i].managed, 0, PB_ZONE_HIGHMEM);
		tp_build(&tp);
		tp_zone(&tp, 0, PB_ZONE_HIGHMEM, &zone);
		assert_int_equal(zone.watermark[PB_WMARK_MIN], cases[i].min);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(zone.watermark[PB_WMARK_MIN], 1024);
		tp_drop(&tp);
	}
}

static void assert_reserve(struct tp *tp, enum pb_zone_type type, uint64_t dma32, uint64_t normal,
			   uint64_t movable)
{
	struct pb_zone_stat zone;

	tp_zone(tp, 0, type, &zone);
	assert_int_equal(zone.lowmem_reserve[PB_ZONE_DMA], 0);
	assert_int_equal(zone.lowmem_reserve[PB_ZONE_DMA32], dma32);
	assert_int_equal(zone.lowmem_reserve[PB_ZONE_NORMAL], normal);
	assert_int_equal(zone.lowmem_reserve[PB_ZONE_MOVABLE], movable);
}

/* Examples 21 and 22: what lower zones keep from higher requests. */
static void test_example_21_22_lowmem_reserve(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;

		start_like_linux(&tp, (enum pb_profile)profile, 67584);
		three_zones(&tp, 3840, 772917, 950272);
		assert_reserve(&tp, PB_ZONE_DMA, 3019, 6731, 6731);
		assert_reserve(&tp, PB_ZONE_DMA32, 0, 3712, 3712);
		assert_reserve(&tp, PB_ZONE_NORMAL, 0, 0, 0);
		tp_drop(&tp);

		start_like_linux(&tp, (enum pb_profile)profile, 67584);
		three_zones(&tp, 3976, 765000, 3276800);
		assert_reserve(&tp, PB_ZONE_DMA, 2988, 15788, 15788);
		assert_reserve(&tp, PB_ZONE_DMA32, 0, 12800, 12800);
		tp_drop(&tp);
	}
}

static void test_lowmem_reserve_protects_movable_from_normal(void **state)
{
	struct tp tp;

	(void)state;
	start_like_linux(&tp, PB_PROFILE_LINUX, 4096);
	tp_region(&tp, 0, 65536, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 65536, 131072, 0, PB_ZONE_MOVABLE);
	tp_build(&tp);
	assert_reserve(&tp, PB_ZONE_NORMAL, 0, 0, 65536 / 32);
	tp_drop(&tp);
}

/* Spec 13.1: 2 * fls(CPUs) * (1 + fls(chunks of 128 MiB)), at most 125. */
static void test_pages_that_a_cpu_may_hold_back(void **state)
{
	static const struct {
		uint64_t mib;
		uint32_t cpus;
		int threshold;
	} cases[] = { { 64, 1, 2 }, { 64, 2, 4 }, { 128, 2, 8 }, { 1024, 2, 20 }, { 1024, 64, 70 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tp tp;

		start_like_linux(&tp, PB_PROFILE_LINUX, 0);
		tp.config.nr_cpus = cases[i].cpus;
		tp_region(&tp, 0, cases[i].mib << 8, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pool_zone(&tp.pool, 0)->stat_threshold, cases[i].threshold);
		tp_drop(&tp);
	}
}

static struct zone *build_two_stripes(struct tp *tp)
{
	struct zone *zone;

	start_like_linux(tp, PB_PROFILE_MODERN, 0);
	tp->config.nr_cpus = tp->config.nr_stripes = 2;
	tp_region(tp, 0, 131072, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	zone = pool_zone(&tp->pool, 0);
	assert_int_equal(zone->nr_stripes, 2);
	return zone;
}

/* The approximate count may be too high by its error: near the mark the exact one decides. */
static void test_near_the_mark_the_exact_count_decides(void **state)
{
	struct wmark_test test = { .classzone = PB_ZONE_NORMAL };
	struct zone *zone;
	struct tp tp;

	(void)state;
	zone = build_two_stripes(&tp);
	test.mark = zone_free_pages(&tp.pool, zone);
	assert_false(zone_watermark_fast(&tp.pool, zone, &test));
	for (u32 i = 0; i < 2; i++) {
		struct stripe *stripe = zone_stripe(&tp.pool, zone, i);

		stripe->approx_free += approx_error(stripe, stripe->approx_free) / 2;
	}
	assert_false(zone_watermark_fast(&tp.pool, zone, &test));
	test.mark = test.mark / 2;
	assert_true(zone_watermark_fast(&tp.pool, zone, &test));
	tp_drop(&tp);
}

/*
 * The shortcut over the stripes' approximate numbers lets nothing pass that the exact test
 * refuses: at every order, mark and size of the reserve around what is free, with numbers that
 * are off by as much as they may be.
 */
static void test_the_shortcut_lets_nothing_pass_that_the_exact_test_refuses(void **state)
{
	struct zone *zone;
	struct tp tp;
	long passed = 0, refused = 0;

	(void)state;
	zone = build_two_stripes(&tp);
	for (u32 i = 0; i < 2; i++) /* few free pages, and hardly any error */
		while (zone_stripe(&tp.pool, zone, i)->nr_free_pages > 2048)
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 10));
	for (unsigned int order = 0; order <= 10; order++) {
		for (long mark = 0; mark < 6000; mark += 50) {
			struct wmark_test test = { .classzone = PB_ZONE_NORMAL, .order = order };
			long free_pages = zone_free_pages(&tp.pool, zone);
			bool fast, exact;

			test.mark = (u64)mark;
			zone->nr_reserved_highatomic = (u64)(mark % 3) * 512;
			fast = zone_watermark_fast(&tp.pool, zone, &test);
			exact = zone_watermark_ok(&tp.pool, zone, &test, free_pages);
			assert_int_equal(fast, exact);
			passed += exact;
			refused += !exact;
		}
	}
	zone->nr_reserved_highatomic = 0;
	assert_true(passed > 100 && refused > 100);
	tp_drop(&tp);
}

/* Take order-0 pages until NULL; what is left free is where the mark stopped it. */
static int64_t left_after(struct tp *tp, pb_gfp_t gfp)
{
	while (pb_alloc_pages(&tp->pool, gfp | PB_GFP_NOWARN, 0))
		;
	tp_check(tp, "stopped");
	return tp_free_pages(tp);
}

/*
 * Example 13: mark 1001, 512 pages reserved for high-order atomic requests, 256
 * for lower zones. Each kind of request stops when what it counts as free is at
 * its threshold. The thresholds are the example's; as 6.1's stable releases
 * have 6.18's flags, requests that may use a reserve don't subtract the 512, and
 * not being able to wait lowers the mark only together with HIGH.
 */
static void test_example_13_watermark_thresholds(void **state)
{
	static const struct {
		pb_gfp_t gfp;
		int64_t left;
	} cases[] = {
		{ PB_GFP_KERNEL, 1257 + 512 },
		{ PB_GFP_KERNEL | PB_GFP_HIGH, 757 },
		{ PB_GFP_NOWAIT, 1257 },
		{ PB_GFP_ATOMIC, 632 },
	};
	struct pb_state_zone marks = {
		.watermark = { 1001, 1001, 1001, 1001 },
		.nr_reserved_highatomic = 512,
		.managed = 8192 - 512,
	};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tp tp;

		start_like_linux(&tp, PB_PROFILE_LINUX, 0);
		tp_region(&tp, 0, 8192, 0, PB_ZONE_NORMAL);
		tp_reserved(&tp, 0, 512);
		tp_build(&tp);
		for (int j = 0; j < PB_NR_ZONE_TYPES; j++)
			marks.lowmem_reserve[j] = 256;
		assert_int_equal(pb_state_set_pageblock(&tp.pool, 0, PB_MIGRATE_HIGHATOMIC), PB_OK);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
		assert_int_equal(left_after(&tp, cases[i].gfp), cases[i].left);
		tp_drop(&tp);
	}
}

/* Example 23: zone min 1000: GFP_KERNEL stops at 1000, GFP_ATOMIC at 375. */
static void test_example_23_how_deep_requests_may_go(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;

		start_like_linux(&tp, (enum pb_profile)profile, 4000);
		tp_region(&tp, 0, 16384, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_marks(&tp, PB_ZONE_NORMAL, 1000, 1250, 1500, 1750);
		assert_int_equal(left_after(&tp, PB_GFP_KERNEL), 1000);
		assert_int_equal(left_after(&tp, PB_GFP_KERNEL | PB_GFP_NORETRY), 1000);
		assert_int_equal(left_after(&tp, PB_GFP_ATOMIC | PB_GFP_NOMEMALLOC),
				 profile == PB_PROFILE_LINUX ? 500 : 500);
		assert_int_equal(left_after(&tp, PB_GFP_ATOMIC), 375);
		assert_int_equal(left_after(&tp, PB_GFP_KERNEL), 375);
		assert_int_equal(left_after(&tp, PB_GFP_MEMALLOC | PB_GFP_NOMEMALLOC), 375);
		assert_int_equal(left_after(&tp, PB_GFP_MEMALLOC), 0);
		tp_drop(&tp);
	}
}

/* Strictly greater is required, also for what a block of several pages leaves. */
static void test_watermark_counts_the_pages_of_a_large_request(void **state)
{
	struct tp tp;

	(void)state;
	start_like_linux(&tp, PB_PROFILE_LINUX, 4000);
	tp_region(&tp, 0, 16384, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	while (tp_free_pages(&tp) > 1008)
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
	/* free - 7 must exceed 1000 */
	assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN | PB_GFP_NORETRY, 4));
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3));
	assert_int_equal(tp_free_pages(&tp), 1000);
	tp_drop(&tp);
}

static void test_lower_zone_refuses_what_its_reserve_forbids(void **state)
{
	struct tp tp;
	struct pb_zone_stat zone;

	(void)state;
	start_like_linux(&tp, PB_PROFILE_LINUX, 0);
	tp_region(&tp, 0, 4096, 0, PB_ZONE_DMA);
	tp_region(&tp, 4096, 4096 + 65536, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	while (pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0))
		;
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.free, 0);
	tp_zone(&tp, 0, PB_ZONE_DMA, &zone);
	assert_int_equal(zone.free, 65536 / 256); /* kept for DMA requests */
	assert_int_equal(zone.lowmem_reserve[PB_ZONE_NORMAL], 65536 / 256);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_DMA, 0));
	tp_drop(&tp);
}

static unsigned int wakes;

static void on_wake(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	(void)ctx;
	(void)pool;
	assert_int_equal(node, 0);
	assert_in_range(order, 0, 10);
	wakes++;
}

static void test_background_reclaim_is_woken_below_low(void **state)
{
	struct tp tp;
	int64_t low = 1250;

	(void)state;
	start_like_linux(&tp, PB_PROFILE_LINUX, 4000);
	tp.hooks.wake = on_wake;
	tp_region(&tp, 0, 16384, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	wakes = 0;
	while (tp_free_pages(&tp) > low)
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
	assert_int_equal(wakes, 0);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL & ~PB_GFP_KSWAPD_RECLAIM, 0));
	assert_int_equal(wakes, 0);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
	assert_true(wakes > 0);
	tp_drop(&tp);
}

static void test_totalreserve_sums_high_and_reserves(void **state)
{
	struct tp tp;
	struct pb_zone_stat zone;
	struct pb_pool_stat stat;
	uint64_t want = 0;

	(void)state;
	start_like_linux(&tp, PB_PROFILE_LINUX, 67584);
	three_zones(&tp, 3840, 772917, 950272);
	for (unsigned int i = 0; i < pb_nr_zones(&tp.pool); i++) {
		uint64_t max = 0;

		pb_zone_stats(&tp.pool, i, &zone);
		for (int j = zone.zone; j < PB_NR_ZONE_TYPES; j++)
			if (zone.lowmem_reserve[j] > max)
				max = zone.lowmem_reserve[j];
		max += zone.watermark[PB_WMARK_HIGH];
		want += max < zone.managed ? max : zone.managed;
	}
	pb_stats(&tp.pool, &stat);
	assert_int_equal(stat.totalreserve_pages, want);
	tp_drop(&tp);
}

/* A boost spares large blocks: a small request that is urgent goes as deep as without it. */
static void test_a_boost_when_a_small_request_is_urgent(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct zone *zone;
		struct tp tp;

		start_like_linux(&tp, (enum pb_profile)profile, 4000);
		tp.hooks.wake = on_wake; /* who takes the boost back, but not yet */
		tp_region(&tp, 0, 16384, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		zone = pool_zone(&tp.pool, 0);
		zone->watermark_boost = 4000;
		assert_int_equal(left_after(&tp, PB_GFP_NOWAIT), 5000);
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, 0));
		/* 5000, lowered as far as it is for them, holds larger ones up */
		while (pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 3))
			;
		assert_in_range(tp_free_pages(&tp), 1876, 1882);
		assert_int_equal(left_after(&tp, PB_GFP_ATOMIC), 375);
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, 0));
		assert_int_equal(zone->watermark_boost, 4000);
		tp_drop(&tp);
	}
}

/* Each flag takes its part of what those before it left; one page more than that passes. */
static void test_a_mark_when_flags_lower_it(void **state)
{
	static const struct {
		unsigned int alloc_flags;
		long lowered;
	} cases[] = {
		{ 0, 1001 },
		{ ALLOC_HARDER, 1001 },
		{ ALLOC_HIGH, 501 },
		{ ALLOC_QUARTER, 751 },
		{ ALLOC_HIGH | ALLOC_QUARTER, 376 },
		{ ALLOC_OOM, 501 },
		{ ALLOC_OOM | ALLOC_HIGH, 251 },
		{ ALLOC_OOM | ALLOC_HIGH | ALLOC_QUARTER, 188 },
	};
	struct tp tp;

	(void)state;
	start_like_linux(&tp, PB_PROFILE_MODERN, 0);
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wmark_test test = { .mark = 1001,
						 .classzone = PB_ZONE_NORMAL,
						 .alloc_flags = cases[i].alloc_flags };
		const struct zone *zone = pool_zone(&tp.pool, 0);

		assert_int_equal(wmark_lowered(1001, test.alloc_flags), cases[i].lowered);
		assert_false(zone_watermark_ok(&tp.pool, zone, &test, cases[i].lowered));
		assert_true(zone_watermark_ok(&tp.pool, zone, &test, cases[i].lowered + 1));
	}
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_18_watermarks_of_a_live_machine),
		cmocka_unit_test(test_example_19_scale_factor_wins_in_large_zones),
		cmocka_unit_test(test_example_20_default_min_free_kbytes),
		cmocka_unit_test(test_default_min_free_kbytes_sums_the_low_zones),
		cmocka_unit_test(test_default_min_free_kbytes_is_the_root_to_the_kib),
		cmocka_unit_test(test_highmem_min_is_clamped),
		cmocka_unit_test(test_example_21_22_lowmem_reserve),
		cmocka_unit_test(test_lowmem_reserve_protects_movable_from_normal),
		cmocka_unit_test(test_example_13_watermark_thresholds),
		cmocka_unit_test(test_example_23_how_deep_requests_may_go),
		cmocka_unit_test(test_watermark_counts_the_pages_of_a_large_request),
		cmocka_unit_test(test_lower_zone_refuses_what_its_reserve_forbids),
		cmocka_unit_test(test_background_reclaim_is_woken_below_low),
		cmocka_unit_test(test_totalreserve_sums_high_and_reserves),
		cmocka_unit_test(test_pages_that_a_cpu_may_hold_back),
		cmocka_unit_test(test_near_the_mark_the_exact_count_decides),
		cmocka_unit_test(test_the_shortcut_lets_nothing_pass_that_the_exact_test_refuses),
		cmocka_unit_test(test_a_boost_when_a_small_request_is_urgent),
		cmocka_unit_test(test_a_mark_when_flags_lower_it),
	};

	return pb_run_tests(tests);
}
