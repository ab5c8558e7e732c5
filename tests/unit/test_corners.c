/* SPDX-License-Identifier: MIT */
/* What seldom happens: nodes that are not there, calls without a pool, a page named
   twice, ranges that end in the middle of something, hooks one after the other. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

#include "zone/zone.h"

/* Two zones of node 0 and one of node 1, with a hole before it. */
static void start(struct tp *tp, const struct variant *v)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)v->profile;
	tp->config.flags |= v->flags;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, 1024, 0, PB_ZONE_DMA);
	tp_region(tp, 1024, 4096, 0, PB_ZONE_NORMAL);
	tp_region(tp, 8192, 10240, 1, PB_ZONE_NORMAL);
	tp_build(tp);
}

static void test_nodes_that_are_not_there(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_request request = { .gfp = PB_GFP_KERNEL | PB_GFP_NOWARN };
		struct pb_page *page;
		struct tp tp;

		start(&tp, v);
		for (int node = -2; node >= -64; node -= 62) {
			request.node = node;
			assert_null(pb_request_pages(&tp.pool, &request, 0));
			assert_int_equal(request.why, PB_REASON_BAD_NODE);
			assert_int_equal(tp.misuse.kind, PB_MISUSE_BAD_NODE);
		}
		assert_int_equal(tp.misuse_calls, 2);
		request.node = PB_MAX_NODES;
		assert_null(pb_request_pages(&tp.pool, &request, 0));
		assert_int_equal(tp.misuse_calls, 3);

		request.node = 2; /* possible, but has no memory */
		page = pb_request_pages(&tp.pool, &request, 0);
		assert_non_null(page);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		request.gfp |= PB_GFP_THISNODE;
		assert_null(pb_request_pages(&tp.pool, &request, 0));
		assert_int_equal(request.why, PB_REASON_NO_ZONE);
		assert_int_equal(tp.misuse_calls, 3);
		tp_drop(&tp);
	}
}

static void test_calls_without_a_pool(void **state)
{
	struct pb_request request = { .gfp = PB_GFP_KERNEL, .node = PB_NO_NODE };

	(void)state;
	assert_null(pb_request_pages_as(NULL, &request, 0, "alloc_pages"));
	assert_int_equal(request.why, PB_REASON_NO_POOL);
	request.why = PB_REASON_NONE;
	assert_null(pb_request_exact_as(NULL, &request, 3, "alloc_pages_exact"));
	assert_int_equal(request.why, PB_REASON_NO_POOL);
	assert_int_equal(pb_free_pages_as(NULL, NULL, 0, "free_pages"), PB_ENODEV);
	assert_int_equal(pb_free_exact_as(NULL, NULL, 3, "free_pages_exact"), PB_ENODEV);
	assert_int_equal(pb_split_page_as(NULL, NULL, 1, "split_page"), PB_ENODEV);
	assert_int_equal(pb_get_page_as(NULL, NULL, "get_page"), PB_ENODEV);
	assert_int_equal(pb_put_page_as(NULL, NULL, "put_page"), PB_ENODEV);
}

/* All or none: the second naming of a page is reported, and nothing is freed. */
static void test_a_page_named_twice(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page[8];
		struct tp tp;

		start(&tp, v);
		for (int i = 0; i < 7; i++)
			page[i] = pb_alloc_pages(&tp.pool,
						 PB_GFP_KERNEL | (i & 1 ? PB_GFP_MOVABLE : 0), 1);
		page[7] = page[2];
		assert_int_equal(pb_free_bulk(&tp.pool, 1, 8, page), 0);
		assert_int_equal(tp.misuse_calls, 1);
		assert_ptr_equal(tp.misuse.page, page[2]);
		for (int i = 0; i < 7; i++)
			assert_int_equal(pb_page_order(&tp.pool, page[i]), 1);
		tp_check(&tp, "none freed");
		if (v->flags & PB_POOL_REFCOUNT) { /* named as often as it has references */
			assert_int_equal(pb_get_page(&tp.pool, page[2]), PB_OK);
			assert_int_equal(pb_free_bulk(&tp.pool, 1, 8, page), 8);
		} else {
			assert_int_equal(pb_get_page(&tp.pool, page[2]), PB_EMISUSE);
			assert_int_equal(tp.misuse.kind, PB_MISUSE_REFCOUNT);
			assert_int_equal(pb_free_bulk(&tp.pool, 1, 7, page), 7);
		}
		page[0] = NULL;
		tp.misuse_calls = 0;
		assert_int_equal(pb_free_bulk(&tp.pool, 1, 1, page), 0);
		assert_int_equal(tp.misuse.kind, PB_MISUSE_FOREIGN);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), 6144);
		tp_drop(&tp);
	}
}

/* A range over two zones whose second part is in use: the first part comes back. */
static void test_reserve_undoes_what_it_took(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		uint64_t before;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_alloc_at(&tp.pool, 1500, 0, PB_GFP_KERNEL), PB_OK);
		before = tp_sum_owned(&tp);
		assert_int_equal(pb_reserve(&tp.pool, 1000, 2048), PB_EBUSY);
		assert_int_equal(tp_sum_owned(&tp), before);
		assert_int_equal(pb_reserve(&tp.pool, 3000, 5000), PB_ENODEV);
		assert_int_equal(pb_online(&tp.pool, 3000, 5000), PB_ENODEV);
		assert_int_equal(pb_offline(&tp.pool, 3072, 5120), PB_EINVAL); /* a hole */
		assert_int_equal(pb_offline(&tp.pool, 4096, 4608), PB_ENODEV);
		assert_int_equal(pb_offline(&tp.pool, 3000, 4096), PB_EINVAL);
		assert_int_equal(pb_offline(&tp.pool, 1024, 2048), PB_EBUSY);
		assert_int_equal(tp_sum_owned(&tp), before);
		tp_check(&tp, "as before");
		assert_int_equal(pb_offline(&tp.pool, 0, 1024), PB_OK);
		tp_check(&tp, "a zone is gone");
		assert_int_equal(pb_online(&tp.pool, 0, 1024), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), 6143);
		tp_drop(&tp);
	}
}

/* ------------------------------------------------------------------- hooks */

static struct {
	unsigned int wakes[2], ooms;
	struct pb_page *held[64];
	unsigned int nr_held;
} h;

static void wake(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	(void)ctx;
	(void)pool;
	(void)order;
	h.wakes[node]++;
}

static bool oom(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx;
	(void)order;
	(void)gfp;
	h.ooms++;
	if (!h.nr_held)
		return false;
	pb_free_pages(pool, h.held[--h.nr_held], 3);
	return true;
}

/* Memory gets short: reclaim is woken once a node and request, then the oom hook gives. */
static void test_hooks_one_after_the_other(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		unsigned int got = 0;
		struct tp tp;

		memset(&h, 0, sizeof(h));
		start(&tp, v);
		assert_int_equal(pb_set_min_free_kbytes(&tp.pool, 1024), PB_OK);
		tp.pool.hooks.wake = wake;
		tp.pool.hooks.oom = oom;
		tp_trace(&tp, true);
		while (h.nr_held < 64)
			h.held[h.nr_held++] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3);
		while (h.nr_held) {
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
			got++;
		}
		assert_true(got > 6144 - 512 - 256 - 512);
		assert_true(h.wakes[0] > 0 && h.wakes[1] > 0);
		assert_int_equal(tp.traced[PB_TRACE_WAKE], h.wakes[0] + h.wakes[1]);
		assert_true(h.ooms > 0);
		tp_check(&tp, "short of memory");
		tp_drop(&tp);
	}
}

/* --------------------------------------------------------------- questions */

static int stop_at(void *ctx, const struct pb_block *block)
{
	return block->pfn >= *(uint64_t *)ctx ? 7 : 0;
}

static int count_pfn(void *ctx, uint64_t pfn)
{
	(void)pfn;
	return ++*(int *)ctx == 2 ? 9 : 0;
}

static void test_walks_end_when_told(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		uint64_t pfn = 8192;
		int n = 0;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_walk(&tp.pool, stop_at, &pfn), 7);
		pfn = UINT64_MAX;
		assert_int_equal(pb_walk(&tp.pool, stop_at, &pfn), 0);
		assert_int_equal(pb_walk_free_list(&tp.pool, 0, PB_ZONE_NORMAL, 10,
						   PB_MIGRATE_MOVABLE, count_pfn, &n),
				 9);
		assert_int_equal(n, 2);
		assert_true(pb_walk_free_list(&tp.pool, 3, PB_ZONE_NORMAL, 10, PB_MIGRATE_MOVABLE,
					      count_pfn, &n) < 0);
		assert_true(pb_walk_free_list(&tp.pool, 0, PB_ZONE_NORMAL, 11, PB_MIGRATE_MOVABLE,
					      count_pfn, &n) < 0);
		assert_true(pb_walk_free_list(&tp.pool, 0, PB_ZONE_NORMAL, 10, PB_MIGRATE_TYPES,
					      count_pfn, &n) < 0);
		assert_int_equal(pb_pageblock_type(&tp.pool, 5000), PB_ENODEV);
		tp_drop(&tp);
	}
}

/* Without ZONE_MOVABLE, movable pages of users go to HIGHMEM first, where there is one. */
static void test_movable_pages_without_a_zone_of_theirs(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.zone_types = 1u << PB_ZONE_NORMAL | 1u << PB_ZONE_HIGHMEM;
		tp_region(&tp, 0, 2048, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 2048, 4096, 0, PB_ZONE_HIGHMEM);
		tp_build(&tp);
		page = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0);
		assert_int_equal(pb_page_zone(&tp.pool, page), PB_ZONE_HIGHMEM);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 0);
		assert_int_equal(pb_page_zone(&tp.pool, page), PB_ZONE_NORMAL);
		tp_drop(&tp);
	}
}

/* What is broken is said with its place: a block, or a number of something. */
static void test_validate_names_the_place(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_error error = { 0 };
		struct pb_page *page;
		struct tp tp;
		u8 word;

		start(&tp, v);
		assert_int_equal(pb_alloc_at(&tp.pool, 0x13, 0, PB_GFP_KERNEL), PB_OK);
		page = pb_pfn_to_page(&tp.pool, 0x13);
		word = page->state;
		page->state = (u8)(word | 2);
		assert_int_equal(pb_validate(&tp.pool, &error), PB_ECORRUPT);
		assert_non_null(strstr(error.text, " (pfn 0x13, order 2)"));
		assert_int_equal(pb_validate(&tp.pool, NULL), PB_ECORRUPT);
		page->state = word;
		find_zone(&tp.pool, 0, PB_ZONE_NORMAL)->start_pfn++;
		assert_int_equal(pb_validate(&tp.pool, &error), PB_ECORRUPT);
		assert_non_null(strstr(error.text, " (zone 1)"));
		assert_int_equal(pb_validate(&tp.pool, NULL), PB_ECORRUPT);
		find_zone(&tp.pool, 0, PB_ZONE_NORMAL)->start_pfn--;
		tp_check(&tp, "mended");
		tp_drop(&tp);
	}
}

/* The pool's totals are its zones' sums, with pages in two CPUs' lists. */
static void test_totals_are_sums(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_zone_stat zone;
		struct pb_pool_stat stat;
		int64_t free = 0, pcp = 0, quarantined = 0;
		uint64_t present = 0, managed = 0;
		struct pb_page *last = NULL;
		struct tp tp;

		start(&tp, v);
		assert_int_equal(pb_reserve(&tp.pool, 100, 200), PB_OK);
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			pb_test_set_cpu(cpu);
			for (int i = 0; i < 3; i++)
				last = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
			assert_int_equal(pb_free_pages(&tp.pool, last, 0), PB_OK);
		}
		pb_test_set_cpu(0);
		for (unsigned int i = 0; pb_zone_stats(&tp.pool, i, &zone) == PB_OK; i++) {
			free += zone.free;
			pcp += zone.pcp;
			quarantined += zone.quarantined;
			present += zone.present;
			managed += zone.managed;
		}
		pb_stats(&tp.pool, &stat);
		assert_int_equal(stat.pcp, pcp);
		assert_int_equal(stat.free, free);
		assert_int_equal(stat.quarantined, quarantined);
		assert_int_equal(quarantined, tp.config.quarantine ? 2 : 0);
		assert_int_equal(stat.present, present);
		assert_int_equal(stat.managed, managed);
		assert_int_equal(stat.managed, 6144 - 100);
		assert_int_equal(stat.free + stat.pcp + quarantined, stat.managed - 4);
		assert_true(tp.pool.percpu_cpus == 0 || stat.pcp > 0 || quarantined);
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_that_are_not_there),
		cmocka_unit_test(test_calls_without_a_pool),
		cmocka_unit_test(test_a_page_named_twice),
		cmocka_unit_test(test_reserve_undoes_what_it_took),
		cmocka_unit_test(test_hooks_one_after_the_other),
		cmocka_unit_test(test_walks_end_when_told),
		cmocka_unit_test(test_validate_names_the_place),
		cmocka_unit_test(test_totals_are_sums),
		cmocka_unit_test(test_movable_pages_without_a_zone_of_theirs),
	};

	return pb_run_tests(tests);
}
