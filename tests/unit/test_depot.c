/* SPDX-License-Identifier: MIT */
/* The depot: what one CPU frees another allocates, by whole batches (core/pcp/depot.h). */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

#include "pcp/pcp.h"

#define FRAMES 262144u
#define CPUS 3u /* the depot goes by the next number */
#define MOST 192u
#define LARGE 8u /* the largest that goes there: a pageblock is an order more */

static struct pb_page *page[FRAMES >> LARGE];

static void start(struct tp *tp, uint32_t flags)
{
	tp_start(tp);
	tp->config.nr_cpus = CPUS;
	tp->config.flags |= flags;
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	pb_test_set_cpu(0);
}

static int32_t held(struct tp *tp, unsigned int cpu)
{
	struct pb_pcp_stat stat;

	assert_int_equal(pb_pcp_stats(&tp->pool, 0, cpu, &stat), PB_OK);
	assert_in_range(stat.count, 0, stat.high); /* I16 */
	return stat.count;
}

static void take(struct tp *tp, uint32_t cpu, unsigned int order, unsigned int n)
{
	pb_test_set_cpu(cpu);
	for (unsigned int i = 0; i < n; i++) {
		page[i] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, order);
		assert_non_null(page[i]);
	}
}

static void give(struct tp *tp, uint32_t cpu, unsigned int order, unsigned int n)
{
	pb_test_set_cpu(cpu);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pb_free_pages(&tp->pool, page[i], order), PB_OK);
}

/* CPU 0 allocates what CPU 1 frees. */
static void relay(struct tp *tp, unsigned int order, unsigned int n)
{
	take(tp, 0, order, n);
	give(tp, 1, order, n);
}

/* A depot with something in it. */
static void start_filled(struct tp *tp, uint32_t flags, unsigned int order)
{
	start(tp, flags);
	relay(tp, order, MOST);
	if (!held(tp, CPUS))
		relay(tp, order, MOST);
	assert_true(held(tp, CPUS) > 0);
	tp_check(tp, "filled");
}

static void finish(struct tp *tp)
{
	pb_test_set_cpu(0);
	pb_drain(&tp->pool, -1);
	assert_int_equal(held(tp, CPUS), 0);
	assert_int_equal(tp_free_pages(tp), FRAMES);
	tp_check(tp, "at the end");
	tp_drop(tp);
}

static uint64_t pfns[MOST];
static unsigned int nr_pfns;

static int note(void *ctx, uint64_t pfn)
{
	(void)ctx;
	assert_true(nr_pfns < MOST);
	pfns[nr_pfns++] = pfn;
	return 0;
}

static void walk_depot(struct tp *tp, unsigned int order)
{
	nr_pfns = 0;
	assert_int_equal(pb_walk_pcp(&tp->pool, CPUS, 0, PB_ZONE_NORMAL, order,
				     PB_MIGRATE_UNMOVABLE, note, NULL),
			 0);
	assert_int_equal(nr_pfns << order, held(tp, CPUS));
}

static bool was_in_depot(struct tp *tp, struct pb_page *p)
{
	for (unsigned int i = 0; i < nr_pfns; i++)
		if (pfns[i] == pb_page_to_pfn(&tp->pool, p))
			return true;
	return false;
}

static void test_what_one_frees_another_gets(void **state)
{
	(void)state;
	for (unsigned int order = DEPOT_ORDER; order <= LARGE; order++) {
		unsigned int got = 0, before;
		int64_t free_pages;
		struct tp tp;

		start_filled(&tp, 0, order);
		walk_depot(&tp, order);
		before = nr_pfns;
		free_pages = tp_free_pages(&tp);
		pb_test_set_cpu(0);
		while (held(&tp, CPUS) && got < MOST) {
			page[got] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			assert_non_null(page[got++]);
		}
		/* the last batch came as one, and the zone had no part in it */
		assert_in_range(got, 1, before + 16);
		assert_true(was_in_depot(&tp, page[got - 1]));
		assert_int_equal(tp_free_pages(&tp), free_pages);
		tp_check(&tp, "taken");
		give(&tp, 0, order, got);
		finish(&tp);
	}
}

/* Small blocks have long batches, and whole pageblocks are taken by the word: both go by the zone,
   but for pageblocks that are no larger than what goes there. */
static void test_other_orders_never_lie_there(void **state)
{
	struct tp tp;

	(void)state;
	start(&tp, 0);
	for (unsigned int order = 0; order <= LARGE + 2; order++) {
		if (order == DEPOT_ORDER)
			order = LARGE + 1;
		for (unsigned int round = 0; round < 16; round++) {
			relay(&tp, order, MOST);
			assert_int_equal(held(&tp, CPUS), 0);
		}
	}
	finish(&tp);
}

static void test_small_pageblocks_lie_there(void **state)
{
	(void)state;
	for (uint8_t order = DEPOT_ORDER - 2; order <= DEPOT_ORDER + 1; order++) {
		struct tp tp;

		tp_start(&tp);
		tp.config.nr_cpus = CPUS;
		tp.config.pageblock_order = order;
		tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (unsigned int round = 0; round < 16; round++)
			relay(&tp, order, MOST);
		assert_int_equal(held(&tp, CPUS) > 0, order <= DEPOT_ORDER);
		finish(&tp);
	}
}

static void test_nothing_comes_in_where_nobody_takes(void **state)
{
	struct tp tp;
	int32_t before;

	(void)state;
	start(&tp, 0);
	for (unsigned int round = 0; round < 4; round++) { /* the same CPU */
		take(&tp, 1, LARGE, MOST);
		give(&tp, 1, LARGE, MOST);
		assert_int_equal(held(&tp, CPUS), 0);
	}
	finish(&tp);
	start_filled(&tp, 0, LARGE);
	take(&tp, 0, LARGE, MOST);
	give(&tp, 0, LARGE, MOST); /* the taker gives now: it takes no longer */
	before = held(&tp, CPUS);
	take(&tp, 2, LARGE, 20); /* too few to be a taker */
	give(&tp, 1, LARGE, 20);
	assert_int_equal(held(&tp, CPUS), before);
	finish(&tp);
}

/* A few drains or refills do not make a row, nor do many with others in between. */
static void test_only_what_is_in_a_row_goes_there(void **state)
{
	struct tp tp;

	(void)state;
	start(&tp, 0);
	for (unsigned int round = 0; round < 40; round++) {
		relay(&tp, LARGE, 20);
		take(&tp, 1, LARGE, 20);
		give(&tp, 0, LARGE, 20);
		assert_int_equal(held(&tp, CPUS), 0);
	}
	finish(&tp);
}

static void test_it_holds_no_more_than_one_cpu_may(void **state)
{
	static const pb_gfp_t gfps[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_MOVABLE,
					 PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	struct tp tp;
	int32_t most = 0;

	(void)state;
	start(&tp, 0);
	for (unsigned int type = 0; type < 3; type++)
		for (unsigned int order = LARGE; order >= DEPOT_ORDER; order--)
			for (unsigned int round = 0; round < 3; round++) {
				pb_test_set_cpu(0);
				for (unsigned int i = 0; i < MOST; i++)
					page[i] = pb_alloc_pages(&tp.pool, gfps[type], order);
				give(&tp, 1, order, MOST);
				most = held(&tp, CPUS) > most ? held(&tp, CPUS) : most;
			}
	assert_true(most > (int32_t)(FRAMES / 8 / CPUS / 2)); /* there was something to bound */
	tp_check(&tp, "full");
	assert_int_equal(pb_set_pcp(&tp.pool, 600, 0), PB_OK);
	assert_in_range(held(&tp, CPUS), 0, 600);
	tp_check(&tp, "smaller");
	finish(&tp);
}

/* Sizes that shrink, without the drain that pb_set_pcp() ends with. */
static void test_it_is_drained_where_it_holds_too_much(void **state)
{
	struct tp tp;

	(void)state;
	start_filled(&tp, 0, LARGE);
	assert_int_equal(pb_offline(&tp.pool, 1024, FRAMES), PB_OK); /* high is a CPU's eighth */
	assert_in_range(held(&tp, CPUS), 0, 512);
	assert_int_equal(pb_online(&tp.pool, 1024, FRAMES), PB_OK);
	finish(&tp);
}

/* While all areas are drained, what one CPU frees goes to the zone. */
static void test_nothing_comes_in_during_a_drain_of_all(void **state)
{
	struct tp tp;

	(void)state;
	start_filled(&tp, 0, LARGE);
	pb_drain(&tp.pool, -1);
	assert_int_equal(pcp_area(&tp.pool, CPUS)->closed, 0);
	pcp_area(&tp.pool, CPUS)->closed = 2; /* one drain inside another, in a handler */
	relay(&tp, LARGE, MOST);
	assert_int_equal(held(&tp, CPUS), 0);
	pb_drain(&tp.pool, -1);
	assert_int_equal(pcp_area(&tp.pool, CPUS)->closed, 2);
	assert_int_equal(pb_validate(&tp.pool, &tp.error), PB_ECORRUPT);
	assert_string_equal(tp.error.text, "I29: the depot is closed");
	pcp_area(&tp.pool, CPUS)->closed = 0;
	relay(&tp, LARGE, MOST);
	assert_true(held(&tp, CPUS) > 0);
	finish(&tp);
}

/* Its lock is only tried: who finds it taken goes to the zone. */
static void test_nobody_waits_for_it(void **state)
{
	struct tp tp;
	int32_t before;

	(void)state;
	start_filled(&tp, 0, LARGE);
	before = held(&tp, CPUS);
	pcp_area(&tp.pool, CPUS)->lock = 1;
	relay(&tp, LARGE, MOST);
	assert_int_equal(held(&tp, CPUS), before);
	pcp_area(&tp.pool, CPUS)->lock = 0;
	finish(&tp);
}

/* Of pools of any size its area has room for what it may hold, and is no larger than a CPU's. */
static void test_its_area_is_no_larger_than_a_cpus(void **state)
{
	(void)state;
	for (unsigned int shift = 4; shift <= 16; shift += 3)
		for (unsigned int zones = 1; zones <= 24; zones += 23)
			for (uint8_t whole = 0; whole <= 9; whole += 3) {
				const uint64_t frames = (uint64_t)1 << shift;
				struct tp tp;

				tp_start(&tp);
				tp.config.nr_cpus = CPUS;
				tp.config.pageblock_order = whole;
				for (unsigned int z = 0; z < zones; z++)
					tp_region(&tp, z * frames, (z + 1) * frames, (int)z,
						  PB_ZONE_NORMAL);
				tp_build(&tp);
				assert_in_range(depot_bytes(tp.pool.super), sizeof(struct pcp_area),
						tp.pool.super->percpu_stride);
				tp_drop(&tp);
			}
}

static void test_idle_blocks_go_back(void **state)
{
	struct tp tp;

	(void)state;
	start_filled(&tp, 0, LARGE);
	pb_pcp_decay(&tp.pool);
	tp_check(&tp, "once");
	pb_pcp_decay(&tp.pool);
	assert_int_equal(held(&tp, CPUS), 0);
	give(&tp, 1, LARGE, 0);
	/* who has not taken since is forgotten, too */
	take(&tp, 2, LARGE, 20);
	give(&tp, 1, LARGE, 20);
	assert_int_equal(held(&tp, CPUS), 0);
	finish(&tp);
}

static void test_a_drain_of_one_cpu_leaves_it(void **state)
{
	struct tp tp;
	int32_t before;

	(void)state;
	start_filled(&tp, 0, LARGE);
	before = held(&tp, CPUS);
	for (int cpu = 0; cpu < (int)CPUS; cpu++)
		pb_drain(&tp.pool, cpu);
	pb_drain(&tp.pool, CPUS); /* it is no CPU */
	assert_int_equal(held(&tp, CPUS), before);
	assert_int_equal(tp_free_pages(&tp), FRAMES - before);
	finish(&tp);
}

/* I32: a request that would fail looks there, too. */
static void test_no_request_fails_while_blocks_lie_there(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= LARGE + 1; order += 5) {
		unsigned int n = 0;
		struct tp tp;

		start_filled(&tp, 0, LARGE);
		pb_test_set_cpu(2);
		while (pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, order))
			n++;
		assert_int_equal(n, FRAMES >> order);
		assert_int_equal(held(&tp, CPUS), 0);
		tp_check(&tp, "all taken");
		tp_drop(&tp);
	}
}

/* Ranges are had from where a block lies there. */
static void test_ranges_are_had_from_there(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		struct tp tp;
		uint64_t pfn;

		start_filled(&tp, 0, LARGE);
		walk_depot(&tp, LARGE);
		pfn = pfns[0];
		if (way == 0) {
			assert_int_equal(pb_alloc_at(&tp.pool, pfn, LARGE, PB_GFP_KERNEL), PB_OK);
			assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, pfn),
						       LARGE),
					 PB_OK);
		} else if (way == 1) {
			pfn &= ~(uint64_t)511;
			assert_int_equal(pb_offline(&tp.pool, pfn, pfn + 512), PB_OK);
			assert_int_equal(pb_online(&tp.pool, pfn, pfn + 512), PB_OK);
		} else {
			struct pb_page *all = pb_alloc_contig(&tp.pool, FRAMES, 1, 0, FRAMES, 0,
							      PB_GFP_KERNEL);

			assert_non_null(all);
			assert_int_equal(pb_free_exact(&tp.pool, all, FRAMES), PB_OK);
		}
		finish(&tp);
	}
}

/* What lies there is in no CPU's hands, and counts as neither allocated nor freed. */
static void test_statistics_count_it_once(void **state)
{
	struct pb_pool_stat stat;
	struct pb_zone_stat zone;
	struct pb_pcp_stat none;
	int64_t sum = 0;
	struct tp tp;

	(void)state;
	start_filled(&tp, 0, LARGE);
	for (unsigned int cpu = 0; cpu <= CPUS; cpu++)
		sum += held(&tp, cpu);
	pb_stats(&tp.pool, &stat);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(stat.cpus, CPUS);
	assert_int_equal(stat.pcp, sum);
	assert_int_equal(stat.free + stat.pcp, FRAMES);
	assert_int_equal(stat.vm[PB_PGALLOC_NORMAL], stat.vm[PB_PGFREE] - FRAMES); /* I28 */
	assert_int_equal(pb_pcp_stats(&tp.pool, 0, CPUS + 1, &none), PB_ENODEV);
	finish(&tp);
}

static void test_there_is_none_where_nobody_could_take(void **state)
{
	static const struct {
		uint32_t cpus, flags;
		enum pb_profile profile;
	} pools[] = { { 1, 0, PB_PROFILE_MODERN },
		      { CPUS, PB_POOL_NO_PCP, PB_PROFILE_MODERN },
		      { CPUS, 0, PB_PROFILE_LINUX } };

	(void)state;
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		struct pb_pcp_stat stat;
		struct tp tp;

		tp_start(&tp);
		tp.config.nr_cpus = pools[i].cpus;
		tp.config.flags |= pools[i].flags;
		tp.config.profile = (uint8_t)pools[i].profile;
		tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_pcp_stats(&tp.pool, 0, pools[i].cpus, &stat), PB_ENODEV);
		assert_int_equal(pb_walk_pcp(&tp.pool, pools[i].cpus, 0, PB_ZONE_NORMAL, 0,
					     PB_MIGRATE_UNMOVABLE, note, NULL),
				 PB_ENODEV);
		assert_int_equal(tp.pool.super->depot_lines, 0);
		tp_drop(&tp);
	}
}

/* Where each step is reported, blocks go by the zone, which reports them. */
static void test_none_goes_there_unreported(void **state)
{
	struct tp tp;
	int32_t before;

	(void)state;
	start_filled(&tp, 0, LARGE);
	before = held(&tp, CPUS);
	tp_trace(&tp, 1);
	relay(&tp, LARGE, MOST);
	assert_int_equal(held(&tp, CPUS), before);
	tp_trace(&tp, 0);
	finish(&tp);
}

static void test_recovery_frees_what_lies_there(void **state)
{
	struct tp tp;

	(void)state;
	start_filled(&tp, 0, LARGE);
	pcp_area(&tp.pool, CPUS)->lock = 1; /* died in an exchange, within a drain of all */
	pcp_area(&tp.pool, CPUS)->closed = 1;
	pb_pool_destroy(&tp.pool);
	memset(&tp.pool, 0, sizeof(tp.pool));
	assert_int_equal(pb_pool_attach(&tp.pool, tp.memory, tp.bytes, true, &tp.hooks, &tp.error),
			 PB_OK);
	tp_check(&tp, "recovered");
	assert_int_equal(tp_free_pages(&tp), FRAMES);
	relay(&tp, LARGE, MOST); /* and it works as before */
	relay(&tp, LARGE, MOST);
	assert_true(held(&tp, CPUS) > 0);
	finish(&tp);
}

#define DEAD 7u /* of pb_test_end() */

/* In a shared pool only who is in it gets there: its survivors repair. */
static void test_survivors_of_one_who_died_there_go_on(void **state)
{
	struct tp tp;

	(void)state;
	pb_test_set_self(0);
	pb_test_end(1000);
	start_filled(&tp, PB_POOL_SHARED, LARGE);
	pcp_area(&tp.pool, CPUS)->lock = 1;
	pcp_area(&tp.pool, CPUS)->closed = 1;
	tp.pool.super->users_lock = 2u + DEAD;
	pb_test_end(DEAD);
	relay(&tp, LARGE, MOST);
	relay(&tp, LARGE, MOST);
	tp_check(&tp, "repaired");
	assert_true(held(&tp, CPUS) > 0);
	finish(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_one_frees_another_gets),
		cmocka_unit_test(test_other_orders_never_lie_there),
		cmocka_unit_test(test_small_pageblocks_lie_there),
		cmocka_unit_test(test_nothing_comes_in_where_nobody_takes),
		cmocka_unit_test(test_only_what_is_in_a_row_goes_there),
		cmocka_unit_test(test_it_holds_no_more_than_one_cpu_may),
		cmocka_unit_test(test_it_is_drained_where_it_holds_too_much),
		cmocka_unit_test(test_nothing_comes_in_during_a_drain_of_all),
		cmocka_unit_test(test_nobody_waits_for_it),
		cmocka_unit_test(test_its_area_is_no_larger_than_a_cpus),
		cmocka_unit_test(test_idle_blocks_go_back),
		cmocka_unit_test(test_a_drain_of_one_cpu_leaves_it),
		cmocka_unit_test(test_no_request_fails_while_blocks_lie_there),
		cmocka_unit_test(test_ranges_are_had_from_there),
		cmocka_unit_test(test_statistics_count_it_once),
		cmocka_unit_test(test_there_is_none_where_nobody_could_take),
		cmocka_unit_test(test_none_goes_there_unreported),
		cmocka_unit_test(test_recovery_frees_what_lies_there),
		cmocka_unit_test(test_survivors_of_one_who_died_there_go_on),
	};

	return pb_run_tests(tests);
}
