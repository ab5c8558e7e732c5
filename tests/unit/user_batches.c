/* SPDX-License-Identifier: MIT */
/*
 * The port of processes: batches of hundreds, which the other ports' small ones never are,
 * and lists entered by restartable sequences. What is freed in whatever order comes
 * together again to the last block.
 */
#define _GNU_SOURCE /* CPU affinity */
#include "support/cmocka.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pagebuddy/linux_user.h>

#define FRAMES (1u << 17)
#define MOST 40000u

static struct pb_page *pages[MOST];

static void make(struct tp *tp, uint32_t flags, unsigned int stripes)
{
	tp_start(tp);
	tp->config.flags |= flags;
	tp->config.nr_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	tp->config.nr_stripes = stripes;
	tp->config.pageblock_order = stripes > 1 ? 7 : 9; /* 1,024 of them, or the usual ones */
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static int by_pfn(const void *a, const void *b)
{
	const struct pb_page *const *x = a, *const *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void shuffle(struct tp_rng *rng, unsigned int n)
{
	for (unsigned int i = n; i > 1; i--) {
		unsigned int j = tp_below(rng, i);
		struct pb_page *other = pages[i - 1];

		pages[i - 1] = pages[j];
		pages[j] = other;
	}
}

/* Runs of 64, each from another stripe than the one before. */
static void deal(unsigned int n)
{
	static struct pb_page *old[MOST];
	unsigned int half = n / 128 * 64;

	memcpy(old, pages, n * sizeof(pages[0]));
	for (unsigned int i = 0; i < half; i++) {
		unsigned int at = i / 64 * 128 + i % 64;

		pages[at] = old[i];
		pages[at + 64] = old[half + i];
	}
}

enum order { UP, DOWN, DEALT, SHUFFLED, NR_ORDERS };

static void put_in_order(enum order order, struct tp_rng *rng, unsigned int n)
{
	qsort(pages, n, sizeof(pages[0]), by_pfn);
	if (order == DOWN)
		for (unsigned int i = 0; i < n / 2; i++) {
			struct pb_page *other = pages[i];

			pages[i] = pages[n - 1 - i];
			pages[n - 1 - i] = other;
		}
	else if (order == DEALT)
		deal(n);
	else if (order == SHUFFLED)
		shuffle(rng, n);
}

static void round_trip(struct tp *tp, enum order order, unsigned int block, struct tp_rng *rng)
{
	unsigned int n = MOST >> block;
	unsigned int orders = tp->config.max_order;

	assert_int_equal(pb_alloc_pages_bulk(&tp->pool, PB_GFP_KERNEL, block, n, pages), n);
	put_in_order(order, rng, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pb_free_pages(&tp->pool, pages[i], block), PB_OK);
	tp_check(tp, "freed");
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), FRAMES);
	assert_int_equal(tp_nr_free(tp, orders), FRAMES >> orders);
}

static void test_batches_come_together_again(void **state)
{
	static const uint32_t flags[] = { 0, PB_POOL_NO_RSEQ, PB_POOL_NO_PCP, PB_POOL_HARDENED };
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		for (unsigned int stripes = 1; stripes <= 4; stripes *= 2) {
			struct tp tp;

			make(&tp, flags[i], stripes);
			for (unsigned int block = 0; block <= 3; block++)
				for (int order = 0; order < NR_ORDERS; order++)
					round_trip(&tp, (enum order)order, block, &rng);
			assert_int_equal(tp.misuse_calls, 0);
			tp_drop(&tp);
		}
}

/* Every block of a pageblock, of two types by turns, so that merging changes some. */
static unsigned int take_all_wholes(struct tp *tp, struct tp_rng *rng)
{
	unsigned int order = tp->config.pageblock_order, n = 0;
	struct pb_page *page;

	do {
		pb_gfp_t gfp = tp_below(rng, 4) ? PB_GFP_KERNEL : PB_GFP_HIGHUSER_MOVABLE;

		page = pb_alloc_pages(&tp->pool, gfp, order);
		pages[n] = page;
		n += page != NULL;
	} while (page);
	assert_int_equal(n, FRAMES >> order);
	return n;
}

static void round_trip_of_wholes(struct tp *tp, enum order order, struct tp_rng *rng)
{
	unsigned int whole = tp->config.pageblock_order, most = tp->config.max_order;
	unsigned int n = take_all_wholes(tp, rng), half = n / 2;

	put_in_order(order, rng, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(pb_free_pages(&tp->pool, pages[i], whole), PB_OK);
		if (i == half)
			tp_check(tp, "half of them freed");
	}
	pb_drain(&tp->pool, -1);
	tp_check(tp, "all freed");
	assert_int_equal(tp_free_pages(tp), FRAMES);
	assert_int_equal(tp_nr_free(tp, most), FRAMES >> most);
}

/* Whole pageblocks merge by the word, as far as a word goes, and beyond it one by one. */
static void test_whole_pageblocks_come_together_again(void **state)
{
	static const struct {
		uint8_t pageblock_order, max_order, stripes;
	} pools[] = { { 7, 7, 2 },  { 7, 8, 2 },  { 7, 10, 2 }, { 7, 13, 2 },
		      { 7, 14, 1 }, { 6, 16, 1 }, { 9, 10, 1 }, { 12, 17, 1 } };
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		for (unsigned int stripes = 1; stripes <= pools[i].stripes; stripes++) {
			struct tp tp;

			tp_start(&tp);
			tp.config.nr_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
			tp.config.nr_stripes = stripes;
			tp.config.pageblock_order = pools[i].pageblock_order;
			tp.config.max_order = pools[i].max_order;
			tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
			tp_build(&tp);
			for (int order = 0; order < NR_ORDERS; order++)
				round_trip_of_wholes(&tp, (enum order)order, &rng);
			assert_int_equal(tp.misuse_calls, 0);
			tp_drop(&tp);
		}
}

/* Traced, each step is told: no words, no batches. The end is the same. */
static void test_traced_frees_come_together_again(void **state)
{
	struct tp_rng rng = { tp_seed() };
	struct tp tp;

	(void)state;
	make(&tp, 0, 2);
	tp_trace(&tp, 1);
	for (int order = 0; order < NR_ORDERS; order++)
		round_trip(&tp, (enum order)order, 0, &rng);
	assert_true(tp.traced[PB_TRACE_MERGE] > MOST / 2);
	tp_drop(&tp);
}

static int32_t in_stacks(struct tp *tp)
{
	struct pb_pcp_stat stat;

	assert_int_equal(pb_pcp_stats(&tp->pool, 0, 0, &stat), PB_OK);
	return stat.count;
}

/* How often the stripes' lists are told of another half of the frames than before, while 16 pages
   of each, freed in runs of eight by turns, are drained. */
static unsigned int turns_of_drain(struct tp *tp, uint64_t other)
{
	const struct pb_trace_event *event;
	unsigned int turns = 0;
	bool before = false;

	for (unsigned int i = 0; i < 32; i++) {
		uint64_t pfn = (i >> 3 & 1 ? other : 0) + (i >> 4 << 3) + (i & 7);

		assert_int_equal(pb_free_pages(&tp->pool, pb_pfn_to_page(&tp->pool, pfn), 0),
				 PB_OK);
	}
	tp_trace(tp, 1);
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), 32);
	for (unsigned int i = 0; (event = tp_event(tp, PB_TRACE_INSERT, i)); i++) {
		turns += i && (event->pfn >= other) != before;
		before = event->pfn >= other;
	}
	tp_trace(tp, 0);
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(pb_alloc_at(&tp->pool, (i < 16 ? 0 : other) + i % 16, 0,
					     PB_GFP_KERNEL),
				 PB_OK);
	return turns;
}

/* Frames of two stripes are freed stripe by stripe, so that each is locked once. */
static void test_a_batch_is_sorted_when_stripes_are_mixed(void **state)
{
	unsigned int sorted = 0;
	struct tp tp;

	(void)state;
	make(&tp, PB_POOL_NO_RSEQ, 2);
	while (pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0))
		;
	/* of these pageblocks some are of the first one's stripe, and some of the other */
	for (uint64_t other = 128; other < FRAMES; other *= 2)
		sorted += turns_of_drain(&tp, other) == 1;
	assert_true(sorted > 0);
	tp_drop(&tp);
}

/* 5.4 and 5.10 free one page of the first list that has any, and one more for each list that they
   pass; as soon as they have passed all, the rest of the batch, however long it is. */
static void test_round_robin_when_one_list_has_blocks(void **state)
{
	static const struct {
		pb_gfp_t gfp;
		int64_t first; /* pages */
	} cases[] = {
		{ PB_GFP_NOWAIT, 40 },
		{ PB_GFP_NOWAIT | PB_GFP_MOVABLE, 1 },
		{ PB_GFP_NOWAIT | PB_GFP_RECLAIMABLE, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool one = cases[i].first == 40;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = PB_PROFILE_LINUX;
		tp.config.kernel = PB_LINUX_5_10;
		tp.config.nr_cpus = 1;
		tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_set_pcp(&tp.pool, 100, 40), PB_OK);
		for (unsigned int k = 0; k < 100; k++)
			pages[k] = pb_alloc_pages(&tp.pool, cases[i].gfp, 0);
		pb_drain(&tp.pool, -1);
		for (unsigned int k = 0; k < 100; k++) {
			tp_trace(&tp, k == 99);
			assert_int_equal(pb_free_pages(&tp.pool, pages[k], 0), PB_OK);
		}
		assert_int_equal(tp.traced[PB_TRACE_DRAIN], one ? 1 : 2);
		assert_int_equal(tp_event(&tp, PB_TRACE_DRAIN, 0)->value, cases[i].first);
		if (!one)
			assert_int_equal(tp_event(&tp, PB_TRACE_DRAIN, 1)->value,
					 40 - cases[i].first);
		assert_int_equal(in_stacks(&tp), 60);
		tp_check(&tp, "drained");
		tp_drop(&tp);
	}
}

/* By requests that say why not, too. */
static void test_a_hit_of_a_request_is_a_hit(void **state)
{
	struct pb_request request = { .gfp = PB_GFP_KERNEL, .node = PB_NO_NODE };
	struct pb_page *page;
	struct tp tp;

	(void)state;
	make(&tp, 0, 1);
	for (int i = 0; i < 100; i++) {
		page = pb_request_pages(&tp.pool, &request, 0);
		assert_non_null(page);
		assert_int_equal(request.why, PB_REASON_NONE);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_EMISUSE);
		assert_int_equal(tp.misuse_calls, i + 1);
	}
	tp_drop(&tp);
}

/* On which CPUs this process may run: the first two. Fewer: 0 or 1. */
static unsigned int two_cpus(int cpus[2])
{
	unsigned int n = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	return n;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* CPUs of one stripe take their first blocks from lines of page bytes of their own, which
   they would else take from each other at each allocation and free. */
static void test_first_blocks_of_two_cpus_share_no_line(void **state)
{
	struct pb_page *page[2];
	cpu_set_t before;
	struct tp tp;
	int cpus[2];

	(void)state;
	if (two_cpus(cpus) < 2)
		skip();
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	for (unsigned int order = 0; order < 6; order++) {
		make(&tp, 0, 1);
		for (unsigned int i = 0; i < 2; i++) {
			run_on(cpus[i]);
			page[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			assert_non_null(page[i]);
		}
		assert_int_not_equal((uintptr_t)page[0] / 64, (uintptr_t)page[1] / 64);
		assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
		tp_check(&tp, "two CPUs in one stripe");
		tp_drop(&tp);
	}
}

/* ---- long rows of refills, or of drains */

#define ROW_ORDER 3u
#define USUAL 1024    /* pages of a stack of less than a pageblock */
#define SHORT 600u    /* blocks: no more than a dozen batches */
#define LONG 4096u    /* and some sixty: of whole pageblocks */
#define PAGEBLOCK 64u /* blocks */

/* Allocate n blocks, and free them by address. Returns the most pages that the stacks held. */
static int32_t run_row(struct tp *tp, unsigned int n)
{
	int32_t most = 0, now;

	for (unsigned int i = 0; i < n; i++) {
		pages[i] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, ROW_ORDER);
		assert_non_null(pages[i]);
		now = in_stacks(tp);
		most = now > most ? now : most;
	}
	qsort(pages, n, sizeof(pages[0]), by_pfn);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(pb_free_pages(&tp->pool, pages[i], ROW_ORDER), PB_OK);
		now = in_stacks(tp);
		most = now > most ? now : most;
	}
	return most;
}

static void make_one_cpu(struct tp *tp, unsigned int frames)
{
	tp_start(tp);
	tp->config.flags |= PB_POOL_NO_RSEQ; /* all CPUs use the one area */
	tp->config.nr_cpus = 1;
	tp_region(tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static void test_a_stack_is_larger_in_a_long_row_only(void **state)
{
	struct tp tp;

	(void)state;
	make_one_cpu(&tp, 8 * FRAMES);
	for (int round = 0; round < 3; round++)
		assert_in_range(run_row(&tp, SHORT), USUAL / 2, USUAL);
	assert_in_range(run_row(&tp, LONG), USUAL + 1, 2 * USUAL);
	assert_in_range(run_row(&tp, LONG), 2 * USUAL - 8, 2 * USUAL); /* it stays so */
	for (int round = 0; round < 2; round++) /* what it holds, then its limit */
		(void)run_row(&tp, SHORT);
	for (int round = 0; round < 3; round++)
		assert_in_range(run_row(&tp, SHORT), USUAL / 2, USUAL);
	tp_check(&tp, "rows");
	tp_drop(&tp);
}

/* The stacks of two CPUs and all: of 4 GiB some 1.4 bytes a page, of more than that fewer. */
static void test_size_is_within_budget(void **state)
{
	struct tp tp;
	size_t bytes;

	(void)state;
	tp_start(&tp);
	tp.config.nr_cpus = 2;
	tp_region(&tp, 0, 16 * FRAMES, 0, PB_ZONE_NORMAL);
	tp.config.regions = tp.regions;
	assert_int_equal(pb_pool_size(&tp.config, &bytes, NULL), PB_OK);
	assert_in_range(bytes, 16 * FRAMES, 16 * FRAMES / 10 * 14);
	tp.regions[0].end_pfn = 8 * FRAMES;
	assert_int_equal(pb_pool_size(&tp.config, &bytes, NULL), PB_OK);
	assert_in_range(bytes, 8 * FRAMES, 8 * FRAMES / 1000 * 1405);
}

/* What a long batch leaves behind is whole, and nothing is left to be had in the stack. */
static void test_long_batches_are_whole_pageblocks(void **state)
{
	unsigned int refills = 0, n = 0, most = 0;
	struct tp tp;

	(void)state;
	make_one_cpu(&tp, 8 * FRAMES);
	(void)run_row(&tp, LONG);
	while (n < LONG) {
		int32_t before = in_stacks(&tp), now;

		pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, ROW_ORDER);
		assert_non_null(pages[n++]);
		now = in_stacks(&tp);
		if (now < before)
			continue;
		refills++;
		most = now > (int32_t)most ? (unsigned int)now : most;
		assert_int_equal(((unsigned int)now >> ROW_ORDER) % PAGEBLOCK, PAGEBLOCK - 1);
		for (unsigned int order = ROW_ORDER; order < tp.config.pageblock_order; order++)
			assert_int_equal(tp_nr_free(&tp, order), 0);
	}
	assert_in_range(refills, LONG / PAGEBLOCK / 4, LONG / PAGEBLOCK - 8);
	assert_int_equal(most, 2 * USUAL - (1 << ROW_ORDER)); /* all but the first one popped */
	tp_drop(&tp);
}

/* A pageblock whose buddy is taken is not all that a refill brings. */
static void test_a_single_pageblock_is_no_batch(void **state)
{
	const unsigned int order = 9;
	struct tp tp;

	(void)state;
	make_one_cpu(&tp, 8 * FRAMES);
	assert_int_equal(tp.config.pageblock_order, order);
	for (unsigned int n = 0; n < 256; n++) {
		pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
		assert_non_null(pages[n]);
	}
	for (unsigned int n = 0; n < 256; n++)
		assert_int_equal(pb_free_pages(&tp.pool, pages[n], order), PB_OK);
	pb_drain(&tp.pool, -1);
	assert_int_equal(pb_alloc_at(&tp.pool, 1 << order, order, PB_GFP_KERNEL), PB_OK);
	assert_int_equal(tp_nr_free(&tp, order), 1);
	pages[0] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
	assert_ptr_equal(pages[0], pb_pfn_to_page(&tp.pool, 0)); /* the tightest first */
	assert_true(in_stacks(&tp) >= 8 << order);
	assert_int_equal(pb_free_pages(&tp.pool, pages[0], order), PB_OK);
	pages[1] = pb_pfn_to_page(&tp.pool, 1 << order);
	assert_int_equal(pb_free_pages(&tp.pool, pages[1], order), PB_OK);
	tp_check(&tp, "freed");
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_blocks_of_two_cpus_share_no_line),
		cmocka_unit_test(test_batches_come_together_again),
		cmocka_unit_test(test_whole_pageblocks_come_together_again),
		cmocka_unit_test(test_traced_frees_come_together_again),
		cmocka_unit_test(test_a_batch_is_sorted_when_stripes_are_mixed),
		cmocka_unit_test(test_round_robin_when_one_list_has_blocks),
		cmocka_unit_test(test_a_hit_of_a_request_is_a_hit),
		cmocka_unit_test(test_a_stack_is_larger_in_a_long_row_only),
		cmocka_unit_test(test_size_is_within_budget),
		cmocka_unit_test(test_long_batches_are_whole_pageblocks),
		cmocka_unit_test(test_a_single_pageblock_is_no_batch),
	};

	return pb_run_tests(tests);
}
