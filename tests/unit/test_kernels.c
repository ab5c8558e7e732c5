/* SPDX-License-Identifier: MIT */
/* The kernels that the linux profile follows: what config.kernel takes, and rules that
   differ, each where it decides. Compared with running kernels: tests/kernel. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/pool.h"

#include "alloc/gfp.h"
#include "linux/pcp_linux.h"
#include "pcp/pcp.h"

#include <string.h>

static void kernel_pool(struct tp *tp, enum pb_kernel kernel, uint64_t frames)
{
	tp_start(tp);
	tp_region(tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp->config.profile = PB_PROFILE_LINUX;
	tp->config.kernel = (uint8_t)kernel;
	tp->config.nr_cpus = 1;
	tp_build(tp);
}

static void test_unknown_kernels_are_refused_by_name(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	assert_int_equal(tp.config.kernel, PB_LINUX_6_1);
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.kernel = PB_NR_LINUX;
	assert_int_equal(tp_try(&tp), PB_EINVAL);
	assert_non_null(
		strstr(tp.error.text, "kernel must be PB_LINUX_5_4, 5_10, 6_1, 6_12 or 7_2"));
	tp_drop(&tp);
	assert_string_equal(pb_kernel_name(PB_NR_LINUX), "unknown");
	assert_string_equal(pb_kernel_name(PB_LINUX_5_10), "5.10");
	assert_string_equal(pb_kernel_name(PB_LINUX_6_12), "6.12");
}

static void test_the_kernel_lives_with_the_pool(void **state)
{
	struct pb_pool other;
	struct tp tp;

	(void)state;
	kernel_pool(&tp, PB_LINUX_7_2, 4096);
	assert_int_equal(tp.pool.kernel, PB_LINUX_7_2);
	assert_int_equal(pb_pool_attach(&other, tp.memory, tp.bytes, true, NULL, &tp.error), PB_OK);
	assert_int_equal(other.kernel, PB_LINUX_7_2);
	tp_drop(&tp);
}

static void test_the_modern_profile_goes_by_no_kernel(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp.config.kernel = PB_LINUX_5_10;
	tp_build(&tp);
	assert_int_equal(tp.pool.kernel, PB_LINUX_6_1);
	assert_true(pcp_allowed_order(&tp.pool, 1));
	tp_drop(&tp);
}

/* What a request may do: facts W3 and W4. */
static void test_flags_of_each_kernel(void **state)
{
	static const struct {
		pb_gfp_t gfp;
		unsigned int order, v5_10, later; /* beyond KSWAPD and the mark */
	} cases[] = {
		{ PB_GFP_HIGH | PB_GFP_DIRECT_RECLAIM, 0, ALLOC_HIGH, ALLOC_HIGH | ALLOC_RESERVES },
		{ PB_GFP_ATOMIC, 0, ALLOC_HIGH | ALLOC_QUARTER | ALLOC_RESERVES,
		  ALLOC_HIGH | ALLOC_QUARTER | ALLOC_RESERVES | ALLOC_HARDER },
		{ PB_GFP_ATOMIC, 2, ALLOC_HIGH | ALLOC_QUARTER | ALLOC_RESERVES | ALLOC_HIGHATOMIC,
		  ALLOC_HIGH | ALLOC_QUARTER | ALLOC_RESERVES | ALLOC_HARDER | ALLOC_HIGHATOMIC },
		{ PB_GFP_ATOMIC_BIT, 1, ALLOC_QUARTER | ALLOC_RESERVES | ALLOC_HIGHATOMIC,
		  ALLOC_HARDER | ALLOC_RESERVES },
		{ PB_GFP_NOWAIT, 1, 0, ALLOC_HARDER | ALLOC_RESERVES },
		{ PB_GFP_ATOMIC | PB_GFP_NOMEMALLOC, 1, ALLOC_HIGH, ALLOC_HIGH | ALLOC_RESERVES },
	};
	const unsigned int apart = ALLOC_KSWAPD | ALLOC_WMARK_MASK;

	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		bool old = kernel == PB_LINUX_5_4 || kernel == PB_LINUX_5_10;
		struct tp tp;

		kernel_pool(&tp, (enum pb_kernel)kernel, 4096);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			assert_int_equal(
				gfp_to_alloc_flags(&tp.pool, cases[i].gfp, cases[i].order) & ~apart,
				old ? cases[i].v5_10 : cases[i].later);
		tp_drop(&tp);
	}
}

static void test_orders_with_per_cpu_lists(void **state)
{
	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		bool old = kernel == PB_LINUX_5_4 || kernel == PB_LINUX_5_10;
		struct tp tp;

		kernel_pool(&tp, (enum pb_kernel)kernel, 4096);
		assert_true(pcp_allowed_order(&tp.pool, 0));
		for (unsigned int order = 1; order <= 10; order++)
			assert_int_equal(pcp_allowed_order(&tp.pool, order),
					 !old && (order <= 3 || order == 9));
		tp_drop(&tp);
	}
}

/* Spec 9.1, example 24: 5.4's sizes by managed pages. */
static void test_example_24_sizes_of_lists(void **state)
{
	static const struct {
		uint64_t managed;
		int batch, high;
	} sizes[] = { { 16384, 3, 18 }, { 32768, 7, 42 }, { 65536, 15, 90 }, { 131072, 31, 186 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pb_pcp_stat pcp;
		struct tp tp;

		kernel_pool(&tp, PB_LINUX_5_4, sizes[i].managed);
		assert_int_equal(pb_pcp_stats(&tp.pool, 0, 0, &pcp), PB_OK);
		assert_int_equal(pcp.batch, sizes[i].batch);
		assert_int_equal(pcp.high, sizes[i].high);
		tp_drop(&tp);
	}
}

/* Puts n pages of one type onto the CPU's list, so that the first is its tail. */
static void put(struct tp *tp, uint64_t first, unsigned int n, enum pb_migratetype type)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pb_state_add_pcp(&tp->pool, 0, first + n - 1 - i, 0, type), PB_OK);
}

static unsigned int length(struct tp *tp, enum pb_migratetype type)
{
	struct free_list *lists = pcp_linux_of(&tp->pool, 0, pool_zone(&tp->pool, 0))->lists;
	unsigned int n = 0;

	for (u32 frame = linked_head(lists, type); frame != NO_FRAME;
	     frame = linked_after(&tp->pool, frame))
		n++;
	return n;
}

static void loaded_pool(struct tp *tp, int high, int batch)
{
	const struct pb_pcp_stat pcp = { .high = high, .batch = batch };

	tp_start(tp);
	tp_region(tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp->config.profile = PB_PROFILE_LINUX;
	tp->config.kernel = PB_LINUX_5_10;
	tp->config.nr_cpus = 1;
	tp->config.flags |= PB_POOL_ALL_RESERVED;
	tp_build(tp);
	assert_int_equal(pb_state_set_pcp(&tp->pool, 0, 0, PB_ZONE_NORMAL, &pcp), PB_OK);
}

/* Spec 9.4, examples 27 and 28: a drain goes around, beginning with MOVABLE. */
static void test_examples_27_and_28_drain_round_robin(void **state)
{
	struct tp tp;

	(void)state;
	loaded_pool(&tp, 10, 7);
	put(&tp, 0, 2, PB_MIGRATE_UNMOVABLE);
	put(&tp, 16, 5, PB_MIGRATE_MOVABLE);
	put(&tp, 32, 2, PB_MIGRATE_RECLAIMABLE);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 512, PB_MIGRATE_RECLAIMABLE), PB_OK);
	assert_int_equal(pb_state_adopt(&tp.pool, 512, 0, false), PB_OK);
	assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, 512), 0), PB_OK);
	assert_int_equal(length(&tp, PB_MIGRATE_UNMOVABLE), 0);
	assert_int_equal(length(&tp, PB_MIGRATE_MOVABLE), 2);
	assert_int_equal(length(&tp, PB_MIGRATE_RECLAIMABLE), 1);
	tp_drop(&tp);

	loaded_pool(&tp, 5, 3);
	put(&tp, 32, 4, PB_MIGRATE_RECLAIMABLE);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 512, PB_MIGRATE_RECLAIMABLE), PB_OK);
	assert_int_equal(pb_state_adopt(&tp.pool, 512, 0, false), PB_OK);
	assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, 512), 0), PB_OK);
	assert_int_equal(length(&tp, PB_MIGRATE_RECLAIMABLE), 2);
	tp_drop(&tp);
}

/* W9: a request that can't wait is tried three times, no more. */
static void test_three_attempts(void **state)
{
	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		bool watch = kernel == PB_LINUX_6_12 || kernel == PB_LINUX_7_2;
		struct tp tp;

		tp_start(&tp); /* a DMA32 zone: no pass of its own to avoid mixing */
		tp_region(&tp, 0, 4096, 0, PB_ZONE_DMA32);
		tp.config.profile = PB_PROFILE_LINUX;
		tp.config.kernel = (uint8_t)kernel;
		tp_build(&tp);
		while (pb_alloc_pages(&tp.pool, PB_GFP_NOWAIT, 10))
			;
		tp_trace(&tp, 1);
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_NOWAIT, 10));
		assert_int_equal(tp.traced[PB_TRACE_WMARK], 3);
		tp_trace(&tp, 0);
		assert_int_equal(!!(pool_zone(&tp.pool, 0)->flags & ZONE_BELOW_HIGH), watch);
		tp_drop(&tp);
	}
}

/* W2: a whole pageblock of another type is counted out and its rest back in, each a change
   of its own; so what a CPU kept back is told although one page was taken. */
static void test_a_pageblock_that_changes_is_two_changes(void **state)
{
	static const struct {
		enum pb_kernel kernel;
		int64_t counter;
	} cases[] = { { PB_LINUX_6_1, 1024 }, { PB_LINUX_6_12, 1022 }, { PB_LINUX_7_2, 1022 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pb_pcp_stat pcp = { .high = 1,
						 .batch = 1,
						 .high_min = 1,
						 .high_max = 1 };
		const struct pb_state_zone zone = { .managed = 1024 };
		struct tp tp;

		tp_start(&tp);
		tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
		tp.config.profile = PB_PROFILE_LINUX;
		tp.config.kernel = (uint8_t)cases[i].kernel;
		tp.config.nr_cpus = 1;
		tp.config.flags |= PB_POOL_ALL_RESERVED;
		tp_build(&tp);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &zone), PB_OK);
		assert_int_equal(pb_state_add_free(&tp.pool, 0, 10, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_set_pcp(&tp.pool, 0, 0, PB_ZONE_NORMAL, &pcp), PB_OK);
		assert_int_equal(pb_state_set_vmstat(&tp.pool, 0, 0, PB_ZONE_NORMAL, 1024, -1, 4),
				 PB_OK);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_NOWAIT, 0));
		assert_int_equal(pool_zone(&tp.pool, 0)->vm_free, cases[i].counter);
		tp_drop(&tp);
	}
}

/* Every kernel's pool stays whole, and what was taken comes together again. */
static void churn(struct tp *tp, struct tp_rng *rng)
{
	static const pb_gfp_t gfps[] = { PB_GFP_NOWAIT, PB_GFP_NOWAIT | PB_GFP_MOVABLE,
					 PB_GFP_NOWAIT | PB_GFP_RECLAIMABLE, PB_GFP_ATOMIC };
	struct pb_page *held[512];
	unsigned int orders[512], n = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		if (n < 512 && tp_below(rng, 100) < 55) {
			orders[n] = tp_below(rng, 2) ? 0 : tp_below(rng, 11);
			held[n] = pb_alloc_pages(&tp->pool, gfps[tp_below(rng, 4)], orders[n]);
			n += held[n] != NULL;
		} else if (n) {
			unsigned int at = tp_below(rng, n--);

			assert_int_equal(pb_free_pages(&tp->pool, held[at], orders[at]), PB_OK);
			held[at] = held[n];
			orders[at] = orders[n];
		}
		if (i % 500 == 0)
			tp_check(tp, "churn");
	}
	while (n--)
		assert_int_equal(pb_free_pages(&tp->pool, held[n], orders[n]), PB_OK);
}

static void test_every_kernel_stays_whole(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		struct tp tp;

		kernel_pool(&tp, (enum pb_kernel)kernel, 16384);
		churn(&tp, &rng);
		pb_drain(&tp.pool, -1);
		tp_check(&tp, pb_kernel_name((enum pb_kernel)kernel));
		assert_int_equal(tp_free_pages(&tp), 16384);
		tp_drop(&tp);
	}
}

static void use_lists(struct tp *tp)
{
	struct pb_page *pages[64];
	int n = 0;

	while (n < 64 && (pages[n] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, 0)))
		n++;
	while (n)
		assert_int_equal(pb_free_pages(&tp->pool, pages[--n], 0), PB_OK);
	tp_check(tp, "lists used");
}

/* High watermarks in a small zone: the lists' least high, which comes from those, is above
   the greatest, which comes from the zone's size. */
static void test_a_least_high_above_the_greatest_is_no_fault(void **state)
{
	struct pcp_linux *pcp;
	struct tp tp;

	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		kernel_pool(&tp, (enum pb_kernel)kernel, 4096);
		assert_int_equal(pb_set_min_free_kbytes(&tp.pool, 4096), PB_OK);
		tp_check(&tp, "high watermarks");
		use_lists(&tp);
		if (kernel == PB_LINUX_6_12) {
			pcp = pcp_linux_of(&tp.pool, 0, pool_zone(&tp.pool, 0));
			assert_true(pcp->high_min > pcp->high_max);
		}
		tp_drop(&tp);
	}
}

/* From 6.12 on free_factor counts pages, and a smaller batch finds what a larger one left. */
static void test_free_factor_outlives_a_smaller_batch(void **state)
{
	static struct pb_page *pages[4096];
	struct tp tp;

	(void)state;
	kernel_pool(&tp, PB_LINUX_6_12, 16384);
	assert_int_equal(pb_set_pcp(&tp.pool, 2000, 63), PB_OK);
	for (int i = 0; i < 4096; i++)
		pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
	assert_true(pcp_linux_of(&tp.pool, 0, pool_zone(&tp.pool, 0))->free_factor > 1 << 10);
	assert_int_equal(pb_set_pcp(&tp.pool, 8, 1), PB_OK);
	tp_check(&tp, "a smaller batch");
	use_lists(&tp);
	tp_drop(&tp);
}

/* P9: a refill raises the high mark by a batch, unless memory is short or it is fixed. */
static void test_a_refill_of_6_12_raises_high(void **state)
{
	struct pcp_linux *pcp;
	struct zone *zone;
	struct tp tp;
	s32 high;

	(void)state;
	kernel_pool(&tp, PB_LINUX_6_12, 1 << 18);
	zone = pool_zone(&tp.pool, 0);
	pcp = pcp_linux_of(&tp.pool, 0, zone);
	assert_true(pcp->high_min < pcp->high_max);
	high = pcp->high;
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 1));
	assert_int_equal(pcp->high, high + pcp->batch);
	pb_drain(&tp.pool, 0);
	zone->flags |= ZONE_BELOW_HIGH;
	high = pcp->high;
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 1));
	assert_int_equal(pcp->high, high);
	pb_drain(&tp.pool, 0);
	zone->flags = 0;
	for (int i = 0; i < 1000; i++) { /* up to the greatest, and no further */
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 1));
		pb_drain(&tp.pool, 0);
	}
	assert_int_equal(pcp->high, pcp->high_max);
	assert_int_equal(pb_set_pcp(&tp.pool, 500, 31), PB_OK);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 1));
	assert_int_equal(pcp->high, 500);
	tp_check(&tp, "high moves");
	tp_drop(&tp);
}

/* Order 0 comes in twice as much each time in a row, up to 2^5 batches. */
static void test_refills_of_6_12_grow(void **state)
{
	static const unsigned int taken[] = { 1, 2, 4, 8, 16, 32, 32 };
	struct pcp_linux *pcp;
	struct tp tp;

	(void)state;
	kernel_pool(&tp, PB_LINUX_6_12, 1 << 18);
	assert_int_equal(pb_set_pcp(&tp.pool, 1 << 20, 10), PB_OK);
	pcp = pcp_linux_of(&tp.pool, 0, pool_zone(&tp.pool, 0));
	for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
		assert_int_equal(pcp->count, 10 * taken[i] - 1);
		assert_int_equal(pcp->alloc_factor, i < 5 ? i + 1 : FREE_FACTOR_MAX);
		while (pcp->count)
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
	}
	tp_check(&tp, "grown");
	tp_drop(&tp);
}

/* What frees in a row build up ends at 2^5 batches. */
static void test_free_factor_of_6_12_ends(void **state)
{
	static struct pb_page *pages[512];
	struct pcp_linux *pcp;
	struct tp tp;

	(void)state;
	kernel_pool(&tp, PB_LINUX_6_12, 16384);
	assert_int_equal(pb_set_pcp(&tp.pool, 1 << 20, 4), PB_OK);
	pcp = pcp_linux_of(&tp.pool, 0, pool_zone(&tp.pool, 0));
	for (int i = 0; i < 512; i++)
		pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	pcp->free_factor = 0;
	for (int i = 0; i < 512; i++) {
		assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
		assert_int_equal(pcp->free_factor, i < 128 ? i + 1 : 128);
	}
	tp_drop(&tp);
}

/* A list is full when it holds `high` pages, not one more; what is drained leaves room. */
static void test_lists_are_drained_when_they_reach_high(void **state)
{
	static struct pb_page *pages[64];

	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		const int high = 20;
		struct pcp_linux *pcp;
		struct tp tp;

		kernel_pool(&tp, (enum pb_kernel)kernel, 16384);
		assert_int_equal(pb_set_pcp(&tp.pool, high, 4), PB_OK);
		pcp = pcp_linux_of(&tp.pool, 0, pool_zone(&tp.pool, 0));
		for (int i = 0; i < 64; i++)
			pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		pb_drain(&tp.pool, 0);
		pcp->free_factor = 0;
		for (int i = 1; i <= high; i++) {
			assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
			if (i < high)
				assert_int_equal(pcp->count, i);
		}
		assert_in_range(pcp->count, 0, high - 1);
		tp_check(&tp, "drained");
		tp_drop(&tp);
	}
}

/* Each request halves what frees in a row have built up. */
static void test_a_request_halves_free_factor(void **state)
{
	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		struct pcp_linux *pcp;
		struct tp tp;

		kernel_pool(&tp, (enum pb_kernel)kernel, 16384);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
		pcp = pcp_linux_of(&tp.pool, 0, pool_zone(&tp.pool, 0));
		for (s32 factor = 5; factor; factor >>= 1) {
			pcp->free_factor = factor;
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
			assert_int_equal(pcp->free_factor, factor >> 1);
		}
		tp_drop(&tp);
	}
}

/* P4: while reclaim is at work the lists keep four batches; and none where high is 0. */
static void test_lists_of_6_12_keep_little_while_reclaim_works(void **state)
{
	static struct pb_page *pages[2048];
	struct pcp_linux *pcp;
	struct zone *zone;
	struct tp tp;

	(void)state;
	kernel_pool(&tp, PB_LINUX_6_12, 1 << 18);
	zone = pool_zone(&tp.pool, 0);
	pcp = pcp_linux_of(&tp.pool, 0, zone);
	for (int i = 0; i < 2048; i++)
		pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	zone->flags |= ZONE_RECLAIM_ACTIVE;
	for (int i = 0; i < 2048; i++)
		assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
	assert_true(pcp->count <= 4 * pcp->batch);
	zone->flags = 0;
	for (int i = 0; i < 2048; i++)
		pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	pb_drain(&tp.pool, 0);
	pcp->high = pcp->high_min = pcp->high_max = 0;
	for (int i = 0; i < 2048; i++)
		assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
	assert_true(pcp->count <= 1);
	pages[0] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0); /* one by one, too */
	assert_non_null(pages[0]);
	assert_true(pcp->count <= 1);
	pcp->high = pcp->high_min = zone->pcp_high_min;
	pcp->high_max = zone->pcp_high_max;
	tp_check(&tp, "kept little");
	tp_drop(&tp);
}

/* Batches are shifted by up to 5, and stay within 32 bits. */
static void test_the_greatest_batch_overflows_nothing(void **state)
{
	struct tp tp;

	(void)state;
	for (unsigned int kernel = 0; kernel < PB_NR_LINUX; kernel++) {
		kernel_pool(&tp, (enum pb_kernel)kernel, 4096);
		assert_int_equal(pb_set_pcp(&tp.pool, INT32_MAX / 2, 1u << 25), PB_EINVAL);
		assert_int_equal(pb_set_pcp(&tp.pool, INT32_MAX / 2, (1u << 25) - 1), PB_OK);
		for (int i = 0; i < 8; i++)
			use_lists(&tp);
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_kernels_are_refused_by_name),
		cmocka_unit_test(test_the_kernel_lives_with_the_pool),
		cmocka_unit_test(test_the_modern_profile_goes_by_no_kernel),
		cmocka_unit_test(test_flags_of_each_kernel),
		cmocka_unit_test(test_orders_with_per_cpu_lists),
		cmocka_unit_test(test_example_24_sizes_of_lists),
		cmocka_unit_test(test_examples_27_and_28_drain_round_robin),
		cmocka_unit_test(test_lists_are_drained_when_they_reach_high),
		cmocka_unit_test(test_three_attempts),
		cmocka_unit_test(test_a_pageblock_that_changes_is_two_changes),
		cmocka_unit_test(test_every_kernel_stays_whole),
		cmocka_unit_test(test_a_least_high_above_the_greatest_is_no_fault),
		cmocka_unit_test(test_free_factor_outlives_a_smaller_batch),
		cmocka_unit_test(test_the_greatest_batch_overflows_nothing),
		cmocka_unit_test(test_a_refill_of_6_12_raises_high),
		cmocka_unit_test(test_refills_of_6_12_grow),
		cmocka_unit_test(test_free_factor_of_6_12_ends),
		cmocka_unit_test(test_a_request_halves_free_factor),
		cmocka_unit_test(test_lists_of_6_12_keep_little_while_reclaim_works),
	};

	return pb_run_tests(tests);
}
