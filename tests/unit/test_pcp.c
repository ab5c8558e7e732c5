/* SPDX-License-Identifier: MIT */
/* Per-CPU lists: sizes, refill, drain, order (spec 9). */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"
#include "pcp/pcp.h"

#include <stdlib.h>
#include <string.h>

static void pool_of(struct tp *tp, enum pb_profile profile, uint64_t frames, uint32_t cpus)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.nr_cpus = cpus;
	tp_region(tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static void pcp_of(struct tp *tp, unsigned int cpu, struct pb_pcp_stat *stat)
{
	assert_int_equal(pb_pcp_stats(&tp->pool, 0, cpu, stat), PB_OK);
}

static int32_t held(struct tp *tp, unsigned int cpu)
{
	struct pb_pcp_stat stat;

	pcp_of(tp, cpu, &stat);
	return stat.count;
}

/* Example 24: batch by managed pages (6.1's high is not 5.4's: next test). */
static void test_example_24_batch(void **state)
{
	static const struct {
		uint64_t managed;
		int32_t batch;
	} cases[] = {
		{ 3840, 1 },    { 16384, 3 },    { 32768, 7 }, { 65536, 15 }, { 131072, 31 },
		{ 262144, 63 }, { 1048576, 63 }, { 24576, 7 } /* 6 + 3, rounded down to 8, less 1 */
	};

	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct tp tp;
			struct pb_pcp_stat stat;

			pool_of(&tp, (enum pb_profile)profile, cases[i].managed, 1);
			pcp_of(&tp, 0, &stat);
			assert_int_equal(stat.batch, cases[i].batch);
			assert_int_equal(stat.count, 0);
			tp_drop(&tp);
		}
}

/* Spec 9.6: high_min = max(4 batch, low / cpus), live: 3920 and 28672. */
static void test_high_comes_from_the_low_watermark(void **state)
{
	struct tp tp;
	struct pb_pcp_stat stat;
	struct pb_zone_stat zone;

	(void)state;
	for (uint32_t cpus = 1; cpus <= 4; cpus *= 2) {
		tp_start(&tp);
		tp.config.profile = PB_PROFILE_LINUX;
		tp.config.nr_cpus = cpus;
		tp.config.min_free_kbytes = 67584;
		tp.config.watermark_scale_factor = 10;
		tp_region(&tp, 0, 458752, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		pcp_of(&tp, cpus - 1, &stat);
		assert_int_equal(stat.high, zone.watermark[PB_WMARK_LOW] / cpus);
		assert_int_equal(stat.high_min, zone.watermark[PB_WMARK_LOW] / cpus);
		assert_int_equal(stat.high_max, 458752 / 8 / cpus);
		tp_drop(&tp);
	}
	pool_of(&tp, PB_PROFILE_LINUX, 262144, 1); /* no watermarks to speak of */
	pcp_of(&tp, 0, &stat);
	assert_int_equal(stat.high, 4 * 63);
	tp_drop(&tp);
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.pcp_high_fraction = 8;
	tp_region(&tp, 0, 262144, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	pcp_of(&tp, 0, &stat);
	assert_int_equal(stat.high, 262144 / 8);
	tp_drop(&tp);
}

/* Example 25: a fresh zone, batch 63; the pages come ascending. */
static void test_example_25_first_allocation_refills_a_batch(void **state)
{
	struct tp tp;
	struct pb_page *page;

	(void)state;
	pool_of(&tp, PB_PROFILE_LINUX, 262144, 1);
	for (unsigned int i = 0; i < 63; i++) {
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 0);
		assert_int_equal(pb_page_to_pfn(&tp.pool, page), i);
		assert_int_equal(held(&tp, 0), 62 - (int)i);
		assert_int_equal(tp_free_pages(&tp), 262144 - 63);
		assert_int_equal(tp_vm(&tp, PB_PGALLOC_NORMAL), i + 1);
	}
	tp_check(&tp, "one batch used up");
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 0);
	assert_int_equal(pb_page_to_pfn(&tp.pool, page), 63);
	assert_int_equal(held(&tp, 0), 62);
	tp_drop(&tp);
}

/* Example 26: high 378, batch 63: the 378th free drains 63. */
static void test_example_26_free_drains_a_batch_at_high(void **state)
{
	static struct pb_page *pages[378];
	struct tp tp;

	(void)state;
	pool_of(&tp, PB_PROFILE_LINUX, 262144, 1);
	assert_int_equal(pb_set_pcp(&tp.pool, 378, 63), PB_OK);
	for (int i = 0; i < 378; i++)
		pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 0);
	assert_int_equal(held(&tp, 0), 0);
	for (int i = 0; i < 378; i++) {
		assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
		assert_int_equal(held(&tp, 0), i < 377 ? i + 1 : 315);
	}
	tp_check(&tp, "drained");
	assert_int_equal(tp_free_pages(&tp), 262144 - 315);
	assert_int_equal(tp_vm(&tp, PB_PGFREE) % 262144, 378); /* hand-over counts or not */
	tp_drop(&tp);
}

static int count_list(void *ctx, uint64_t pfn)
{
	(void)pfn;
	++*(unsigned int *)ctx;
	return 0;
}

static unsigned int length(struct tp *tp, unsigned int order, enum pb_migratetype type)
{
	unsigned int n = 0;

	assert_int_equal(pb_walk_pcp(&tp->pool, 0, 0, PB_ZONE_NORMAL, order, type, count_list, &n),
			 0);
	return n;
}

/* One page per type first, so that each type has its pageblock. */
static void fill_lists(struct tp *tp, struct pb_page **pages, unsigned int n)
{
	static const pb_gfp_t bits[] = { 0, PB_GFP_MOVABLE, PB_GFP_RECLAIMABLE };

	assert_int_equal(pb_set_pcp(&tp->pool, 1000, 1), PB_OK); /* refills of one page */
	for (unsigned int i = 0; i < 3 * n; i++) {
		pages[i] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL | bits[i / n], 0);
		assert_non_null(pages[i]);
	}
	assert_int_equal(held(tp, 0), 0);
}

/*
 * Examples 27 and 28 are 5.4's round robin. 6.1, which the linux profile
 * follows, begins with the list of the page just freed and empties it first.
 */
static void test_example_27_drain_empties_list_after_list(void **state)
{
	struct tp tp;
	struct pb_page *pages[30];

	(void)state;
	pool_of(&tp, PB_PROFILE_LINUX, 16384, 1);
	fill_lists(&tp, pages, 10);
	assert_int_equal(pb_set_pcp(&tp.pool, 10, 5), PB_OK);
	for (int i = 0; i < 2; i++)
		pb_free_pages(&tp.pool, pages[i], 0); /* U = 2 */
	for (int i = 0; i < 5; i++)
		pb_free_pages(&tp.pool, pages[10 + i], 0); /* M = 5 */
	for (int i = 0; i < 2; i++)
		pb_free_pages(&tp.pool, pages[20 + i], 0);
	assert_int_equal(held(&tp, 0), 9);
	pb_free_pages(&tp.pool, pages[22], 0); /* R = 3: high is reached, 5 go */
	assert_int_equal(held(&tp, 0), 5);
	assert_int_equal(length(&tp, 0, PB_MIGRATE_UNMOVABLE), 0);
	assert_int_equal(length(&tp, 0, PB_MIGRATE_MOVABLE), 5);
	assert_int_equal(length(&tp, 0, PB_MIGRATE_RECLAIMABLE), 0);
	tp_check(&tp, "drained");
	tp_drop(&tp);
}

static void test_example_28_drain_of_a_single_list_stops_in_time(void **state)
{
	struct tp tp;
	struct pb_page *pages[30];
	struct tp_frame *frames = calloc(16384, sizeof(*frames));

	(void)state;
	pool_of(&tp, PB_PROFILE_LINUX, 16384, 1);
	fill_lists(&tp, pages, 10);
	assert_int_equal(pb_set_pcp(&tp.pool, 5, 2), PB_OK);
	for (int i = 0; i < 5; i++)
		pb_free_pages(&tp.pool, pages[20 + i], 0);
	assert_int_equal(held(&tp, 0), 3);
	assert_int_equal(length(&tp, 0, PB_MIGRATE_RECLAIMABLE), 3);
	/* the coldest went, the hottest are still there */
	tp_frames(&tp, frames, 16384);
	for (int i = 0; i < 5; i++)
		assert_int_equal(frames[pb_page_to_pfn(&tp.pool, pages[20 + i])].state,
				 i < 2 ? PB_BLOCK_FREE : PB_BLOCK_PCP);
	tp_drop(&tp);
	free(frames);
}

/* The page freed last is handed out first. */
static void test_pcp_is_last_in_first_out(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (unsigned int order = 0; order <= 3; order++) {
			struct tp tp;
			struct pb_page *a, *b;

			pool_of(&tp, (enum pb_profile)profile, 262144, 1);
			a = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			b = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			pb_free_pages(&tp.pool, a, order);
			assert_ptr_equal(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order), a);
			pb_free_pages(&tp.pool, a, order);
			pb_free_pages(&tp.pool, b, order);
			assert_ptr_equal(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order), b);
			assert_ptr_equal(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order), a);
			tp_drop(&tp);
		}
}

/* Spec 9.6: orders 0..3 and pageblock_order have lists in 6.1, others don't. */
static void test_linux_lists_exist_for_small_and_huge_orders(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= 10; order++) {
		struct tp tp;
		struct pb_page *page;
		bool listed = order <= 3 || order == 9;

		pool_of(&tp, PB_PROFILE_LINUX, 262144, 1);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, order);
		pb_free_pages(&tp.pool, page, order);
		if (listed)
			assert_true(held(&tp, 0) > 0);
		else
			assert_int_equal(held(&tp, 0), 0);
		tp_check(&tp, "one block freed");
		tp_drop(&tp);
	}
}

static void test_no_pcp_pool_holds_nothing(void **state)
{
	struct tp tp;
	struct pb_pcp_stat stat;

	(void)state;
	tp_simple(&tp, 4096, PB_PROFILE_MODERN, PB_POOL_NO_PCP);
	pb_free_pages(&tp.pool, pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0), 0);
	assert_int_equal(tp_free_pages(&tp), 4096);
	if (pb_pcp_stats(&tp.pool, 0, 0, &stat) == PB_OK)
		assert_int_equal(stat.count, 0);
	pb_drain(&tp.pool, -1);
	pb_drain(&tp.pool, 0);
	pb_pcp_decay(&tp.pool);
	tp_check(&tp, "no pcp");
	tp_drop(&tp);
}

static void test_drain_of_one_cpu_leaves_the_others(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		struct pb_page *page;

		pool_of(&tp, (enum pb_profile)profile, 262144, 3);
		for (uint32_t cpu = 0; cpu < 3; cpu++) {
			pb_test_set_cpu(cpu);
			page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
			pb_free_pages(&tp.pool, page, 0);
			assert_true(held(&tp, cpu) > 0);
		}
		pb_test_set_cpu(0);
		pb_drain(&tp.pool, 1);
		assert_true(held(&tp, 0) > 0);
		assert_int_equal(held(&tp, 1), 0);
		assert_true(held(&tp, 2) > 0);
		pb_drain(&tp.pool, 12345);
		pb_drain(&tp.pool, -1);
		assert_int_equal(held(&tp, 0) + held(&tp, 2), 0);
		assert_int_equal(tp_free_pages(&tp), 262144);
		tp_drop(&tp);
	}
}

/* Free memory is never stranded in another CPU's lists. */
static void test_allocation_drains_other_cpus_before_it_fails(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (unsigned int order = 0; order <= 9; order += 3) {
			static struct pb_page *pages[2049];
			struct tp tp;
			unsigned int n = 0;

			pool_of(&tp, (enum pb_profile)profile, 2048, 2);
			pb_test_set_cpu(1);
			while ((pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN,
							  0)))
				n++;
			assert_int_equal(n, 2048);
			while (n--)
				pb_free_pages(&tp.pool, pages[n], 0);
			pb_test_set_cpu(0);
			for (unsigned int i = 0; i < 2048u >> order; i++)
				assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order));
			tp_check(&tp, "all taken");
			pb_test_set_cpu(0);
			tp_drop(&tp);
		}
}

static void test_tick_empties_idle_lists_of_the_modern_profile(void **state)
{
	struct tp tp;

	(void)state;
	pool_of(&tp, PB_PROFILE_MODERN, 262144, 2);
	for (int i = 0; i < 100; i++) {
		struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);

		pb_free_pages(&tp.pool, page, 0);
	}
	assert_true(held(&tp, 0) > 0);
	for (int i = 0; i < 20; i++) {
		pb_pcp_decay(&tp.pool);
		tp_check(&tp, "ticked");
	}
	assert_int_equal(held(&tp, 0), 0);
	assert_int_equal(tp_free_pages(&tp), 262144);
	tp_drop(&tp);
}

/* One block in any list, of any order and type, is something that a decay would change. */
static void test_one_block_in_any_list_is_no_rest(void **state)
{
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE,
					PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	const struct zone *zone;
	struct tp tp;

	(void)state;
	pool_of(&tp, PB_PROFILE_MODERN, 262144, 2);
	zone = pool_zone(&tp.pool, 0);
	assert_true(pcp_stack_at_rest(&tp.pool, 0, zone));
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int order = 0; order <= 9; order++) {
			struct pb_page *page = pb_alloc_pages(&tp.pool, gfp[i], order);

			assert_non_null(page);
			pb_free_pages(&tp.pool, page, order);
			assert_false(pcp_stack_at_rest(&tp.pool, 0, zone));
			for (int k = 0; k < 20; k++)
				pb_pcp_decay(&tp.pool);
			assert_true(pcp_stack_at_rest(&tp.pool, 0, zone));
		}
	tp_drop(&tp);
}

/* pcp_batch_max bounds what one list holds, pages that come back included. */
static void test_pcp_batch_max_bounds_each_list(void **state)
{
	(void)state;
	for (uint32_t max = 0; max <= 16; max += 16) {
		struct pb_page *pages[1024];
		struct tp tp;
		int64_t most = 0;

		tp_start(&tp);
		tp.config.nr_cpus = 1;
		tp.config.pcp_batch_max = max;
		tp_region(&tp, 0, 262144, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (int i = 0; i < 1024; i++) {
			pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
			most = held(&tp, 0) > most ? held(&tp, 0) : most;
		}
		for (int i = 0; i < 1024; i++) {
			pb_free_pages(&tp.pool, pages[i], 0);
			most = held(&tp, 0) > most ? held(&tp, 0) : most;
		}
		tp_check(&tp, "bounded");
		if (max)
			assert_in_range(most, 1, max);
		else
			assert_true(most > 16);
		tp_drop(&tp);
	}
}

static void test_set_pcp_refused_when_out_of_range(void **state)
{
	struct tp tp;
	struct pb_pcp_stat stat;

	(void)state;
	pool_of(&tp, PB_PROFILE_LINUX, 262144, 1);
	assert_int_equal(pb_set_pcp(&tp.pool, UINT32_MAX, 1), PB_EINVAL);
	assert_int_equal(pb_set_pcp(&tp.pool, 100, UINT32_MAX), PB_EINVAL);
	assert_int_equal(pb_set_pcp(&tp.pool, 100, 7), PB_OK);
	pcp_of(&tp, 0, &stat);
	assert_int_equal(stat.high, 100);
	assert_int_equal(stat.batch, 7);
	assert_int_equal(pb_set_pcp(&tp.pool, 0, 0), PB_OK);
	pcp_of(&tp, 0, &stat);
	assert_int_equal(stat.batch, 63);
	assert_int_equal(pb_pcp_stats(&tp.pool, 0, 1, &stat), PB_ENODEV);
	assert_int_equal(pb_pcp_stats(&tp.pool, 1, 0, &stat), PB_ENODEV);
	tp_drop(&tp);
}

/* I28: pages allocated less pages freed is what the caller holds. */
static void test_counters_balance(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *pages[300];
		uint64_t handed, pages_held = 0;

		tp_simple(&tp, 16384, v->profile, v->flags);
		handed = tp_vm(&tp, PB_PGFREE);
		assert_true(handed == 0 || handed == 16384);
		for (int i = 0; i < 300; i++) {
			unsigned int order = tp_below(&rng, 6);

			pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			pages_held += 1u << order;
			if (i % 3 == 0) {
				int k = (int)tp_below(&rng, (uint32_t)i + 1);
				int had = pages[k] ? pb_page_order(&tp.pool, pages[k]) : -1;

				if (had < 0)
					continue;
				pb_free_pages(&tp.pool, pages[k], (unsigned int)had);
				pages[k] = NULL;
				pages_held -= 1u << had;
			}
			assert_int_equal(tp_vm(&tp, PB_PGALLOC_NORMAL) + handed -
						 tp_vm(&tp, PB_PGFREE),
					 pages_held);
		}
		tp_drop(&tp);
	}
}

/*
 * Stripes are counted from the zone's first pageblock, batches grouped by frame:
 * blocks on both sides of a stripe's border must all come back. (Some did not.)
 */
static void test_drain_across_a_border_of_stripes(void **state)
{
	(void)state;
	for (unsigned int order = 4; order <= 9; order++)
		for (uint64_t dma = 1024; dma <= 4096; dma *= 2) {
			struct tp tp;
			struct pb_page **pages;
			size_t n = 0, blocks = 1u << (20 - order);

			tp_start(&tp);
			tp.config.nr_stripes = 2;
			tp.config.nr_cpus = 2;
			tp_region(&tp, 0, dma, 0, PB_ZONE_DMA);
			tp_region(&tp, dma, dma + (1u << 20), 0, PB_ZONE_NORMAL);
			tp_build(&tp);
			pages = calloc(blocks, sizeof(*pages));
			assert_non_null(pages);
			while (n < blocks && pb_alloc_at(&tp.pool, dma + ((uint64_t)n << order),
							 order, PB_GFP_KERNEL) == PB_OK) {
				pages[n] = pb_pfn_to_page(&tp.pool, dma + ((uint64_t)n << order));
				n++;
			}
			assert_int_equal(n, blocks);
			/* one by itself, so that batches and groups don't keep step */
			assert_int_equal(pb_free_bulk(&tp.pool, order, 1, pages), 1);
			pb_drain(&tp.pool, -1);
			assert_int_equal(pb_free_bulk(&tp.pool, order, n - 1, pages + 1), n - 1);
			pb_drain(&tp.pool, -1);
			tp_check(&tp, "drained");
			free(pages);
			tp_drop(&tp);
		}
}

static const struct pcp_list *list_of(struct tp *tp, unsigned int type, unsigned int order)
{
	return pcp_list(pcp_area(&tp->pool, 0),
			zone_class(&tp->pool, pool_zone(&tp->pool, 0), type), order);
}

static uint32_t limit_of_list(const struct pcp_list *list)
{
	return (uint32_t)list->limit - list->base;
}

/* New sizes bound each stack by themselves, that of order 0 as well; and where the limits that have
   grown would allow too much together, none stays. */
static void test_limits_begin_anew_when_they_allow_too_much(void **state)
{
	static const pb_gfp_t gfps[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE };
	struct pb_page *pages[64];
	struct tp tp;

	(void)state;
	pool_of(&tp, PB_PROFILE_MODERN, 262144, 1);
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int order = i / 2;

		assert_int_equal(pb_alloc_pages_bulk(&tp.pool, gfps[i % 2], order, 64, pages), 64);
		assert_int_equal(pb_free_bulk(&tp.pool, order, 64, pages), 64);
		assert_true(limit_of_list(list_of(&tp, i % 2, order)) > 0);
		assert_true(list_of(&tp, i % 2, order)->max > 64 >> order);
	}
	assert_int_equal(pb_set_pcp(&tp.pool, 64, 7), PB_OK);
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < tp.pool.nr_pcp_orders; order++) {
			const struct pcp_list *list = list_of(&tp, type, order);

			assert_int_equal(limit_of_list(list), 0);
			assert_in_range(list->max, 0, 64 >> order);
		}
	assert_int_equal(list_of(&tp, 0, 0)->max, 64);
	assert_int_equal(list_of(&tp, 0, 3)->max, 8);
	tp_check(&tp, "smaller");
	assert_int_equal(pb_set_pcp(&tp.pool, 0, 0), PB_OK);
	assert_true(list_of(&tp, 0, 0)->max > 64);
	assert_true(list_of(&tp, 0, 3)->max > 8);
	tp_check(&tp, "as before");
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_24_batch),
		cmocka_unit_test(test_drain_across_a_border_of_stripes),
		cmocka_unit_test(test_high_comes_from_the_low_watermark),
		cmocka_unit_test(test_example_25_first_allocation_refills_a_batch),
		cmocka_unit_test(test_example_26_free_drains_a_batch_at_high),
		cmocka_unit_test(test_example_27_drain_empties_list_after_list),
		cmocka_unit_test(test_example_28_drain_of_a_single_list_stops_in_time),
		cmocka_unit_test(test_pcp_is_last_in_first_out),
		cmocka_unit_test(test_linux_lists_exist_for_small_and_huge_orders),
		cmocka_unit_test(test_no_pcp_pool_holds_nothing),
		cmocka_unit_test(test_drain_of_one_cpu_leaves_the_others),
		cmocka_unit_test(test_allocation_drains_other_cpus_before_it_fails),
		cmocka_unit_test(test_tick_empties_idle_lists_of_the_modern_profile),
		cmocka_unit_test(test_one_block_in_any_list_is_no_rest),
		cmocka_unit_test(test_pcp_batch_max_bounds_each_list),
		cmocka_unit_test(test_set_pcp_refused_when_out_of_range),
		cmocka_unit_test(test_counters_balance),
		cmocka_unit_test(test_limits_begin_anew_when_they_allow_too_much),
	};

	return pb_run_tests(tests);
}
