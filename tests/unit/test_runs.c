/* SPDX-License-Identifier: MIT */
/*
 * Runs of whole free pageblocks: what the nodes say against a walk, and that ranges by
 * address touch what they are about and no more, however large the pool is.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "range/runs.h"

#define PAGEBLOCKS 1000u /* of 8 frames: 16 leaves, the last one not whole */

static struct {
	struct tp tp;
	struct zone *zone;
	bool used[PAGEBLOCKS];
} r;

static void start(const struct variant *v)
{
	tp_start(&r.tp);
	r.tp.config.profile = (uint8_t)v->profile;
	r.tp.config.flags |= v->flags | PB_POOL_NO_PCP;
	r.tp.config.max_order = 5;
	r.tp.config.pageblock_order = 3;
	tp_region(&r.tp, 0, PAGEBLOCKS * 8, 0, PB_ZONE_NORMAL);
	tp_build(&r.tp);
	r.zone = pool_zone(&r.tp.pool, 0);
	memset(r.used, 0, sizeof(r.used));
}

/* One page of a pageblock is taken, or given back. */
static void turn(u32 pageblock)
{
	uint64_t pfn = pageblock * 8 + pageblock % 8;

	if (r.used[pageblock])
		assert_int_equal(pb_free_pages(&r.tp.pool, pb_pfn_to_page(&r.tp.pool, pfn), 0),
				 PB_OK);
	else
		assert_int_equal(pb_alloc_at(&r.tp.pool, pfn, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
	pb_drain(&r.tp.pool, -1); /* none waits in a quarantine */
	r.used[pageblock] = !r.used[pageblock];
}

static struct run walk(u32 from, u32 end, u32 n)
{
	struct run run = { from, 0 };

	for (u32 i = from; i < end; i++) {
		if (!r.used[i]) {
			run.n++;
			continue;
		}
		if (run.n >= n)
			break;
		run = (struct run){ i + 1, 0 };
	}
	return run.n >= n ? run : (struct run){ 0, 0 };
}

/* The shortest of the first so many. */
static u32 shortest(u32 n)
{
	u32 best = 0, seen = 0;

	for (struct run run = walk(0, PAGEBLOCKS, n); run.n && seen < RUNS_COMPARED;
	     run = walk(run.first + run.n, PAGEBLOCKS, n), seen++)
		if (!best || run.n < best)
			best = run.n;
	return best;
}

static void compare(struct tp_rng *rng)
{
	u32 from = tp_below(rng, PAGEBLOCKS), end = from + tp_below(rng, PAGEBLOCKS - from + 1);
	u32 n = 1 + tp_below(rng, tp_below(rng, 2) ? 200 : 5);
	struct run want = walk(from, end, n), got;

	runs_refresh(&r.tp.pool, r.zone);
	got = runs_next(&r.tp.pool, r.zone, from, end, n);
	if (got.n != want.n || (want.n && got.first != want.first))
		fail_msg("%u in [%u, %u): %u from %u, expected %u from %u", n, from, end, got.n,
			 got.first, want.n, want.first);
	got = runs_tightest(&r.tp.pool, r.zone, n);
	assert_int_equal(got.n, shortest(n));
	for (u32 i = 0; i < got.n; i++)
		assert_false(r.used[got.first + i]);
}

static void test_runs_are_those_of_a_walk(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for_each_variant(v)
	{
		start(v);
		for (unsigned int step = 0; step < 4000; step++) {
			/* mostly full, mostly empty, in turns */
			u32 pageblock = tp_below(&rng, PAGEBLOCKS);
			bool want = step / 500 % 2 ? tp_below(&rng, 8) != 0 : !tp_below(&rng, 60);

			if (r.used[pageblock] != want)
				turn(pageblock);
			if (step % 4 == 0)
				compare(&rng);
			if (step % 500 == 250)
				tp_check(&r.tp, "turned");
		}
		tp_check(&r.tp, "runs");
		tp_drop(&r.tp);
	}
}

/* Of equal runs the lowest, so that the end of the zone stays free. */
static void test_the_lowest_of_equal_runs_is_taken(void **state)
{
	struct run got;

	(void)state;
	for_each_variant(v)
	{
		start(v);
		for (u32 i = 1; i <= 4; i++)
			turn(i * 3 - 1); /* 2 are free, 1 isn't, and so on */
		runs_refresh(&r.tp.pool, r.zone);
		got = runs_tightest(&r.tp.pool, r.zone, 1);
		assert_int_equal(got.first, 0);
		assert_int_equal(got.n, 2);
		tp_drop(&r.tp);
	}
}

/* A large run is left alone where a smaller one will do. */
static void test_large_runs_are_not_shattered(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;

		start(v);
		turn(100);
		turn(117); /* 16 between them, 100 before, many behind */
		page = pb_alloc_contig(&r.tp.pool, 15 * 8 + 3, 0, 0, UINT64_MAX, 0, PB_GFP_KERNEL);
		assert_non_null(page);
		assert_int_equal(pb_page_to_pfn(&r.tp.pool, page), 101 * 8);
		tp_check(&r.tp, "tightest");
		tp_drop(&r.tp);
	}
}

/* The free ends of the pageblocks beside a run count where no run is long enough alone. */
static void test_a_range_extends_into_partly_free_pageblocks(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;

		start(v);
		for (u32 i = 0; i < PAGEBLOCKS; i += 2 + i % 3)
			turn(i);
		/* pageblocks 0: page 0; 2: page 2; 6: page 6; 8 on the same */
		page = pb_alloc_contig(&r.tp.pool, 8 + 7 + 2, 0, 0, 64, 0, PB_GFP_KERNEL);
		if (page)
			for (u32 i = 0; i < 17; i++)
				assert_int_equal(pb_page_order(&r.tp.pool, page + i), 0);
		assert_non_null(page);
		tp_check(&r.tp, "extended");
		assert_int_equal(pb_free_exact(&r.tp.pool, page, 17), PB_OK);
		/* no such range is anywhere */
		assert_null(pb_alloc_contig(&r.tp.pool, 6 * 8, 0, 0, UINT64_MAX, 0,
					    PB_GFP_KERNEL | PB_GFP_NOWARN));
		tp_drop(&r.tp);
	}
}

/* -------------------------------------------------- what a call touches */

static unsigned char *metadata;
static size_t metadata_bytes;
static volatile unsigned int touched;

/* Counts pages of the metadata: each is opened when it is first touched. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	if (at - (uintptr_t)metadata >= metadata_bytes) {
		signal(number, SIG_DFL);
		return;
	}
	touched++;
	mprotect((void *)(at & ~(uintptr_t)4095), 4096, PROT_READ | PROT_WRITE);
}

static struct pb_pool pool;

static int claim(uint64_t pfn)
{
	return pb_alloc_at(&pool, pfn, 3, PB_GFP_KERNEL);
}

static int reserve(uint64_t pfn)
{
	return pb_reserve(&pool, pfn, pfn + 700);
}

static int offline(uint64_t pfn)
{
	return pb_offline(&pool, pfn, pfn + 1024);
}

static int contig_small(uint64_t pfn)
{
	(void)pfn;
	return pb_alloc_contig(&pool, 3, 0, 0, UINT64_MAX, 0, PB_GFP_KERNEL) ? PB_OK : PB_ENOMEM;
}

static int contig_large(uint64_t pfn)
{
	(void)pfn;
	return pb_alloc_contig(&pool, 5000, 0, 0, UINT64_MAX, 0, PB_GFP_KERNEL) ? PB_OK : PB_ENOMEM;
}

static unsigned int pages_touched(int (*call)(uint64_t pfn), uint64_t pfn)
{
	touched = 0;
	assert_int_equal(mprotect(metadata, metadata_bytes, PROT_NONE), 0);
	assert_int_equal(call(pfn), PB_OK);
	assert_int_equal(mprotect(metadata, metadata_bytes, PROT_READ | PROT_WRITE), 0);
	return touched;
}

static void build(uint64_t frames, int profile)
{
	const struct pb_region ram = { 512, 512 + frames, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;

	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	config.nr_cpus = 1;
	config.profile = (uint8_t)profile;
	assert_int_equal(pb_pool_size(&config, &metadata_bytes, NULL), PB_OK);
	metadata = mmap(NULL, metadata_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(metadata, MAP_FAILED);
	assert_int_equal(pb_pool_init(&pool, &config, metadata, metadata_bytes, true, NULL, NULL),
			 PB_OK);
	/* the first search reads what init has marked */
	assert_int_equal(contig_large(0), PB_OK);
	assert_int_equal(contig_small(0), PB_OK);
}

static void test_ranges_touch_as_much_in_any_pool(void **state)
{
	static int (*const calls[])(uint64_t) = { claim, reserve, offline, contig_small,
						  contig_large };
	unsigned int few[5], many[5];
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, old;

	(void)state;
	assert_int_equal(sigaction(SIGSEGV, &action, &old), 0);
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		for (unsigned int i = 0; i < 2; i++) {
			build((uint64_t)1 << (i ? 25 : 21), profile); /* 8 GiB, 128 GiB */
			for (unsigned int k = 0; k < 5; k++)
				(i ? many : few)[k] = pages_touched(calls[k],
								    100u * 1024 + k * 2048);
			pb_pool_destroy(&pool);
			munmap(metadata, metadata_bytes);
		}
		for (unsigned int k = 0; k < 5; k++)
			if (many[k] > few[k] + 12)
				fail_msg("profile %d, call %u: %u pages of metadata touched, %u in "
					 "a pool of a 16th",
					 profile, k, many[k], few[k]);
	}
	sigaction(SIGSEGV, &old, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_are_those_of_a_walk),
		cmocka_unit_test(test_the_lowest_of_equal_runs_is_taken),
		cmocka_unit_test(test_large_runs_are_not_shattered),
		cmocka_unit_test(test_a_range_extends_into_partly_free_pageblocks),
		cmocka_unit_test(test_ranges_touch_as_much_in_any_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
