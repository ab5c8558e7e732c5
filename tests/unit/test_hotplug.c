/* SPDX-License-Identifier: MIT */
/* Memory comes and goes: reserve, online, offline (spec 11). */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <string.h>

static void start(struct tp *tp, const struct variant *v)
{
	tp_simple(tp, 8192, v->profile, v->flags);
}

static void test_reserve_and_online_are_inverse(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_zone_stat zone;

		start(&tp, v);
		for (int i = 0; i < 100; i++) {
			uint64_t from = tp_below(&rng, 8192), n = 1 + tp_below(&rng, 3000);
			uint64_t to = from + n < 8192 ? from + n : 8192;

			assert_int_equal(pb_reserve(&tp.pool, from, to), PB_OK);
			tp_check(&tp, "reserved");
			tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
			assert_int_equal(zone.managed, 8192 - (to - from));
			assert_int_equal(zone.present, 8192);
			assert_int_equal(pb_reserve(&tp.pool, from, to), PB_EBUSY);
			assert_int_equal(pb_alloc_at(&tp.pool, from, 0, PB_GFP_KERNEL), PB_EBUSY);
			assert_int_equal(pb_online(&tp.pool, from, to), PB_OK);
			tp_check(&tp, "online");
		}
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_nr_free(&tp, 10), 8);
		tp_drop(&tp);
	}
}

static void test_reserve_refused_when_a_frame_is_in_use(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t sum;

		start(&tp, v);
		assert_int_equal(pb_alloc_at(&tp.pool, 4000, 2, PB_GFP_KERNEL), PB_OK);
		pb_drain(&tp.pool, -1);
		sum = tp_sum_owned(&tp);
		for (uint64_t from = 3000; from < 4004; from += 251)
			assert_int_equal(pb_reserve(&tp.pool, from, from + 1100), PB_EBUSY);
		assert_true(tp_sum_owned(&tp) == sum);
		tp_check(&tp, "refused");
		tp_drop(&tp);
	}
}

static void test_ranges_refused_when_outside_or_empty(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t sum;
		static int (*const calls[])(struct pb_pool *, uint64_t,
					    uint64_t) = { pb_reserve, pb_online, pb_offline };

		start(&tp, v);
		sum = tp_sum(&tp);
		for (int i = 0; i < 3; i++) {
			/* partly there; for offlining, a range with a hole */
			assert_int_equal(calls[i](&tp.pool, 0, 16384),
					 calls[i] == pb_offline ? PB_EINVAL : PB_ENODEV);
			assert_int_equal(calls[i](&tp.pool, 8192, 9216), PB_ENODEV);
			assert_int_equal(calls[i](&tp.pool, UINT64_MAX << 10,
						  (UINT64_MAX << 10) + 512),
					 PB_ENODEV);
			assert_int_equal(calls[i](&tp.pool, 1024, 512), PB_EINVAL);
			assert_int_equal(calls[i](&tp.pool, 512, 512), PB_EINVAL);
		}
		assert_int_equal(pb_offline(&tp.pool, 1, 512), PB_EINVAL);
		assert_int_equal(pb_offline(&tp.pool, 0, 511), PB_EINVAL);
		assert_true(tp_sum(&tp) == sum);
		tp_drop(&tp);
	}
}

static void test_online_of_boot_reserved_frames(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp_region(&tp, 0, 2048, 0, PB_ZONE_NORMAL);
		tp_reserved(&tp, 100, 200);
		tp_build(&tp);
		assert_int_equal(tp_free_pages(&tp), 1948);
		assert_int_equal(pb_online(&tp.pool, 150, 200), PB_OK);
		assert_int_equal(tp_free_pages(&tp), 1998);
		assert_int_equal(pb_online(&tp.pool, 100, 150), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_nr_free(&tp, 10), 2);
		tp_check(&tp, "online");
		tp_drop(&tp);
	}
}

static void test_offline_takes_free_pageblocks_out(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_zone_stat zone;
		struct pb_page *page;

		start(&tp, v);
		/* frames in per-CPU lists are free, too */
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		assert_int_equal(pb_offline(&tp.pool, 0, 4096), PB_OK);
		tp_check(&tp, "offline");
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(zone.managed, 4096);
		assert_int_equal(zone.nr_isolate_pageblock, 0);
		/* a user's min_free_kbytes stays as it was set */
		assert_int_equal(zone.watermark[PB_WMARK_MIN], 0);
		for (int i = 0; i < 4; i++) {
			page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 10);
			assert_true(pb_page_to_pfn(&tp.pool, page) >= 4096);
		}
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
		assert_int_equal(pb_online(&tp.pool, 0, 4096), PB_OK);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 10));
		tp_check(&tp, "back");
		tp_drop(&tp);
	}
}

static void test_offline_refused_when_a_page_cannot_move(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t sum;

		start(&tp, v);
		assert_int_equal(pb_alloc_at(&tp.pool, 1500, 0, PB_GFP_KERNEL), PB_OK);
		pb_drain(&tp.pool, -1);
		sum = tp_sum_owned(&tp);
		assert_int_equal(pb_offline(&tp.pool, 0, 4096), PB_EBUSY);
		assert_true(tp_sum_owned(&tp) == sum);
		tp_check(&tp, "refused");
		assert_int_equal(pb_offline(&tp.pool, 2048, 4096), PB_OK);
		tp_drop(&tp);
	}
}

/* The owner of a page that moved: the test's table of content. */
static uint64_t moved_from[64], moved_to[64];
static unsigned int nr_moved;

static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	(void)ctx;
	(void)order;
	moved_from[nr_moved] = pb_page_to_pfn(pool, from);
	moved_to[nr_moved++] = pb_page_to_pfn(pool, to);
	return true;
}

static void test_offline_moves_movable_pages_away(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct tp_frame frames[8192];

		start(&tp, v);
		tp.pool.hooks.migrate = migrate;
		nr_moved = 0;
		assert_int_equal(pb_alloc_at(&tp.pool, 1500, 0, PB_GFP_KERNEL | PB_GFP_MOVABLE),
				 PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 1024, 3, PB_GFP_KERNEL | PB_GFP_MOVABLE),
				 PB_OK);
		assert_int_equal(pb_offline(&tp.pool, 1024, 2048), PB_OK);
		tp_check(&tp, "offline");
		assert_int_equal(nr_moved, 2);
		tp_frames(&tp, frames, 8192);
		for (unsigned int i = 0; i < nr_moved; i++) {
			assert_true(moved_from[i] >= 1024 && moved_from[i] < 2048);
			assert_true(moved_to[i] < 1024 || moved_to[i] >= 2048);
			assert_int_equal(frames[moved_from[i]].state, PB_BLOCK_RESERVED);
			assert_int_equal(frames[moved_to[i]].state, PB_BLOCK_ALLOCATED);
			assert_int_equal(frames[moved_to[i]].order, moved_from[i] == 1024 ? 3 : 0);
			assert_int_equal(frames[moved_to[i]].movable, 1);
		}
		tp_drop(&tp);
	}
}

static void test_watermarks_follow_the_managed_pages(void **state)
{
	struct tp tp;
	struct pb_zone_stat before, after;

	(void)state;
	tp_start(&tp);
	tp.config.watermark_scale_factor = 100;
	tp.config.min_free_kbytes = 8192;
	tp_region(&tp, 0, 65536, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &before);
	assert_int_equal(before.watermark[PB_WMARK_LOW], 2048 + 655);
	assert_int_equal(pb_offline(&tp.pool, 0, 32768), PB_OK);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &after);
	assert_int_equal(after.watermark[PB_WMARK_LOW], 2048 + 512);
	assert_int_equal(pb_online(&tp.pool, 0, 32768), PB_OK);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &after);
	assert_int_equal(after.watermark[PB_WMARK_LOW], 2048 + 655);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserve_and_online_are_inverse),
		cmocka_unit_test(test_reserve_refused_when_a_frame_is_in_use),
		cmocka_unit_test(test_ranges_refused_when_outside_or_empty),
		cmocka_unit_test(test_online_of_boot_reserved_frames),
		cmocka_unit_test(test_offline_takes_free_pageblocks_out),
		cmocka_unit_test(test_offline_refused_when_a_page_cannot_move),
		cmocka_unit_test(test_offline_moves_movable_pages_away),
		cmocka_unit_test(test_watermarks_follow_the_managed_pages),
	};

	return pb_run_tests(tests);
}
