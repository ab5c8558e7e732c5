/* SPDX-License-Identifier: MIT */
/* A state recorded elsewhere: every piece that can be set is seen again, every piece that
   makes no sense is refused, and what is refused leaves nothing behind. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <string.h>

#define FRAMES 4096u

static void start(struct tp *tp, const struct variant *v)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)v->profile;
	tp->config.flags |= v->flags | PB_POOL_ALL_RESERVED;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static bool has_lists(const struct tp *tp)
{
	return tp->pool.percpu_cpus > 0;
}

static void test_set_zone(void **state)
{
	const struct pb_state_zone set = {
		.watermark = { 10, 20, 30, 40 },
		.boost = 50,
		.managed = FRAMES - 96,
		.spanned = FRAMES + 512,
		.lowmem_reserve = { 0, 0, 0, 7 },
		.flags = 2,
	};

	(void)state;
	for_each_variant(v)
	{
		struct pb_state_zone plain = set;
		struct pb_zone_stat stat;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_DMA, &set), PB_ENODEV);
		assert_int_equal(pb_state_set_zone(&tp.pool, 1, PB_ZONE_NORMAL, &set), PB_ENODEV);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &set), PB_OK);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_memory_equal(stat.watermark, set.watermark, sizeof(set.watermark));
		assert_int_equal(stat.boost, 50);
		assert_int_equal(stat.managed, set.managed);
		assert_int_equal(stat.spanned, set.spanned);
		assert_int_equal(stat.lowmem_reserve[3], 7);
		assert_int_equal(stat.flags & 7, 2);
		plain.spanned = 0; /* stays */
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &plain), PB_OK);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.spanned, set.spanned);
		tp_drop(&tp);
	}
}

static void test_set_pageblock(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_zone_stat stat;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_state_set_pageblock(&tp.pool, FRAMES, PB_MIGRATE_CMA),
				 PB_ENODEV);
		assert_int_equal(pb_state_set_pageblock(&tp.pool, 0, PB_MIGRATE_TYPES), PB_EINVAL);
		assert_int_equal(pb_state_add_free(&tp.pool, 0, 3, PB_MIGRATE_MOVABLE), PB_OK);
		for (int type = 0; type < PB_MIGRATE_TYPES; type++) {
			/* the pages on it go along in both profiles, or stay where they are */
			if (type == PB_MIGRATE_ISOLATE || v->profile == PB_PROFILE_LINUX)
				continue;
			assert_int_equal(pb_state_set_pageblock(&tp.pool, 8, type), PB_OK);
			assert_int_equal(pb_pageblock_type(&tp.pool, 8), type);
			assert_int_equal(tp_free_pages(&tp), 8);
			tp_check(&tp, "typed");
		}
		assert_int_equal(pb_state_set_pageblock(&tp.pool, 1024, PB_MIGRATE_ISOLATE), PB_OK);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.nr_isolate_pageblock, 1);
		assert_int_equal(pb_state_set_pageblock(&tp.pool, 1024, PB_MIGRATE_MOVABLE), PB_OK);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.nr_isolate_pageblock, 0);
		tp_drop(&tp);
	}
}

static void test_add_free(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		uint64_t pfns[4];
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_state_add_free(&tp.pool, 4, 3, 0), PB_EINVAL);
		assert_int_equal(pb_state_add_free(&tp.pool, 0, 11, 0), PB_EINVAL);
		assert_int_equal(pb_state_add_free(&tp.pool, FRAMES, 0, 0), PB_ENODEV);
		assert_int_equal(pb_state_add_free(&tp.pool, 0, 0, PB_MIGRATE_TYPES), PB_EINVAL);
		assert_int_equal(tp_free_pages(&tp), 0);
		assert_int_equal(pb_state_add_free(&tp.pool, 1024, 4, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_add_free(&tp.pool, 64, 4, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_add_free(&tp.pool, 64, 0, PB_MIGRATE_MOVABLE), PB_EBUSY);
		assert_int_equal(tp_free_pages(&tp), 32);
		if (v->profile == PB_PROFILE_LINUX) { /* appended */
			assert_int_equal(
				tp_list(&tp, PB_ZONE_NORMAL, 4, PB_MIGRATE_MOVABLE, pfns, 4), 2);
			assert_int_equal(pfns[0], 1024);
			assert_int_equal(pfns[1], 64);
		}
		tp_check(&tp, "two blocks");
		tp_drop(&tp);
	}
}

static void test_move_free(void **state)
{
	static const uint64_t at[] = { 1024, 64, 128 };
	static const struct {
		uint64_t pfn;
		bool tail;
		uint64_t order[3];
	} moves[] = {
		{ 1024, true, { 64, 128, 1024 } }, { 128, false, { 128, 64, 1024 } },
		{ 128, false, { 128, 64, 1024 } }, { 1024, true, { 128, 64, 1024 } },
		{ 64, false, { 64, 128, 1024 } },
	};

	(void)state;
	for_each_variant(v)
	{
		uint64_t pfns[4];
		struct tp tp;

		start(&tp, v);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(pb_state_add_free(&tp.pool, at[i], 4, PB_MIGRATE_MOVABLE),
					 PB_OK);
		for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
			assert_int_equal(pb_state_move_free(&tp.pool, moves[i].pfn, 4,
							    moves[i].tail),
					 PB_OK);
			tp_check(&tp, "moved");
			assert_int_equal(tp_free_pages(&tp), 48);
			if (v->profile != PB_PROFILE_LINUX)
				continue;
			assert_int_equal(
				tp_list(&tp, PB_ZONE_NORMAL, 4, PB_MIGRATE_MOVABLE, pfns, 4), 3);
			assert_memory_equal(pfns, moves[i].order, sizeof(moves[i].order));
		}
		assert_int_equal(pb_state_move_free(&tp.pool, 4, 3, true), PB_EINVAL);
		assert_int_equal(pb_state_move_free(&tp.pool, 0, 11, true), PB_EINVAL);
		assert_int_equal(pb_state_move_free(&tp.pool, FRAMES, 0, true), PB_ENODEV);
		assert_int_equal(pb_state_move_free(&tp.pool, 64, 3, true), PB_EBUSY);
		assert_int_equal(pb_state_move_free(&tp.pool, 512, 4, true), PB_EBUSY);
		tp_drop(&tp);
	}
}

static void test_adopt(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_state_adopt(&tp.pool, 2, 2, false), PB_EINVAL);
		assert_int_equal(pb_state_adopt(&tp.pool, 4, 2, true), PB_OK);
		assert_int_equal(pb_state_adopt(&tp.pool, 6, 1, true), PB_EBUSY);
		page = pb_pfn_to_page(&tp.pool, 4);
		assert_int_equal(pb_page_order(&tp.pool, page), 2);
		tp_check(&tp, "adopted");
		assert_int_equal(pb_free_pages(&tp.pool, page, 2), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), 4);
		tp_drop(&tp);
	}
}

static int first_pfn(void *ctx, uint64_t pfn)
{
	*(uint64_t *)ctx = pfn;
	return 5;
}

/* The first number that is no CPU is refused, as any other is. */
static void test_a_cpu_when_it_is_one_too_many(void **state)
{
	const struct pb_pcp_stat set = { .high = 40, .batch = 7 };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint32_t cpus;

		start(&tp, v);
		cpus = tp.pool.percpu_cpus;
		assert_int_equal(cpus, has_lists(&tp) ? 2 : 0);
		assert_int_equal(pb_state_set_pcp(&tp.pool, cpus, 0, PB_ZONE_NORMAL, &set),
				 PB_ENODEV);
		assert_int_equal(pb_state_set_vmstat(&tp.pool, cpus, 0, PB_ZONE_NORMAL, 1, 1, 1),
				 PB_ENODEV);
		assert_int_equal(pb_state_add_pcp(&tp.pool, cpus, 0, 0, 0), PB_ENODEV);
		if (cpus)
			assert_int_equal(pb_state_set_pcp(&tp.pool, cpus - 1, 0, PB_ZONE_NORMAL,
							  &set),
					 PB_OK);
		tp_drop(&tp);
	}
}

static void test_lists_of_a_cpu(void **state)
{
	const struct pb_pcp_stat set = { .high = 40,
					 .batch = 7,
					 .free_factor = 1,
					 .high_min = 30,
					 .high_max = 50,
					 .alloc_factor = 2,
					 .flags = 1 };

	(void)state;
	for_each_variant(v)
	{
		struct pb_zone_stat stat;
		struct pb_pcp_stat seen;
		uint64_t pfn = 0;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_state_set_pcp(&tp.pool, 9, 0, PB_ZONE_NORMAL, &set), PB_ENODEV);
		assert_int_equal(pb_state_set_pcp(&tp.pool, 0, 0, PB_ZONE_DMA, &set), PB_ENODEV);
		assert_int_equal(pb_state_add_pcp(&tp.pool, 9, 0, 0, 0), PB_ENODEV);
		assert_int_equal(pb_state_add_pcp(&tp.pool, 0, 1, 1, 0), PB_EINVAL);
		assert_int_equal(pb_walk_pcp(&tp.pool, 9, 0, PB_ZONE_NORMAL, 0, 0, first_pfn, &pfn),
				 PB_ENODEV);
		if (!has_lists(&tp)) {
			tp_drop(&tp);
			continue;
		}
		assert_int_equal(pb_state_add_pcp(&tp.pool, 0, 0, 10, 0), PB_EINVAL);
		assert_int_equal(pb_state_add_pcp(&tp.pool, 0, 0, 0, PB_MIGRATE_TYPES), PB_EINVAL);
		assert_int_equal(pb_walk_pcp(&tp.pool, 0, 0, PB_ZONE_NORMAL, 10, 0, first_pfn,
					     &pfn),
				 PB_EINVAL);
		assert_int_equal(pb_walk_pcp(&tp.pool, 0, 0, PB_ZONE_NORMAL, 0, PB_MIGRATE_CMA,
					     first_pfn, &pfn),
				 PB_EINVAL);
		assert_int_equal(pb_state_set_pcp(&tp.pool, 0, 0, PB_ZONE_NORMAL, &set), PB_OK);
		assert_int_equal(pb_state_set_pageblock(&tp.pool, 512, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_add_pcp(&tp.pool, 0, 512, 0, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_add_pcp(&tp.pool, 0, 513, 0, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_add_pcp(&tp.pool, 0, 513, 0, 0), PB_EBUSY);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		if (v->profile == PB_PROFILE_LINUX) { /* the other profile's have their own sizes */
			assert_int_equal(pb_pcp_stats(&tp.pool, 0, 0, &seen), PB_OK);
			assert_int_equal(seen.high, set.high);
			assert_int_equal(seen.batch, set.batch);
			assert_int_equal(seen.free_factor, set.free_factor);
			assert_int_equal(seen.high_min, set.high_min);
			assert_int_equal(seen.high_max, set.high_max);
			assert_int_equal(seen.alloc_factor, set.alloc_factor);
			assert_int_equal(seen.flags, set.flags);
			assert_int_equal(seen.count, 2);
			assert_int_equal(pb_walk_pcp(&tp.pool, 0, 0, PB_ZONE_NORMAL, 0,
						     PB_MIGRATE_MOVABLE, first_pfn, &pfn),
					 5);
			assert_int_equal(pfn, 512);
			assert_int_equal(stat.pcp, 2);
		}
		assert_int_equal(stat.pcp + stat.free, 2);
		pb_drain(&tp.pool, 0);
		assert_int_equal(tp_free_pages(&tp), 2);
		tp_drop(&tp);
	}
}

/* A type without lists of its own goes with the movable ones, and is remembered. */
static void test_types_without_lists(void **state)
{
	struct tp tp;

	(void)state;
	start(&tp, &variants[3]);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 512, PB_MIGRATE_CMA), PB_OK);
	assert_int_equal(pb_state_add_pcp(&tp.pool, 1, 512, 0, PB_MIGRATE_CMA), PB_OK);
	pb_drain(&tp.pool, 1);
	assert_int_equal(tp_list(&tp, PB_ZONE_NORMAL, 0, PB_MIGRATE_CMA, NULL, 0), 1);
	tp_check(&tp, "drained");
	tp_drop(&tp);
}

static void test_counters(void **state)
{
	const uint64_t numa[PB_NR_NUMA_EVENTS] = { 11, 12, 13, 14, 15, 16 };

	(void)state;
	for_each_variant(v)
	{
		uint64_t seen[PB_NR_NUMA_EVENTS];
		struct pb_zone_stat stat;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_state_set_counters(&tp.pool, 0, PB_ZONE_DMA, numa, true),
				 PB_ENODEV);
		assert_int_equal(pb_state_set_counters(&tp.pool, 0, PB_ZONE_NORMAL, numa, true),
				 PB_OK);
		assert_int_equal(pb_numa_stats(&tp.pool, 0, seen), PB_OK);
		assert_memory_equal(seen, numa, sizeof(numa));
		assert_int_equal(pb_state_set_vmstat(&tp.pool, 9, 0, PB_ZONE_NORMAL, 100, 3, 8),
				 PB_ENODEV);
		assert_int_equal(pb_state_set_vmstat(&tp.pool, 0, 0, PB_ZONE_DMA, 100, 3, 8),
				 PB_ENODEV);
		if (has_lists(&tp)) {
			assert_int_equal(pb_state_set_vmstat(&tp.pool, 0, 0, PB_ZONE_NORMAL, 100, 3,
							     8),
					 PB_OK);
			tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
			assert_int_equal(stat.vm_free, v->profile == PB_PROFILE_LINUX ? 100 : 0);
		}
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_zone),
		cmocka_unit_test(test_set_pageblock),
		cmocka_unit_test(test_add_free),
		cmocka_unit_test(test_move_free),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_a_cpu_when_it_is_one_too_many),
		cmocka_unit_test(test_lists_of_a_cpu),
		cmocka_unit_test(test_types_without_lists),
		cmocka_unit_test(test_counters),
	};

	return pb_run_tests(tests);
}
