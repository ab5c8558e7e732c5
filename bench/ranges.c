/* SPDX-License-Identifier: MIT */
/*
 * What works on ranges: contiguous allocation, compaction, the making of a pool. Each row
 * has its target, and says so where it misses it.
 *
 *	ranges [contig] [compact] [init]	all of them by default
 *
 * Pools are address-only: no memory behind their frames, and the migrate hook updates the
 * owner's table and nothing else.
 */
#include <pagebuddy/linux_user.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGES_PER_GIB ((uint64_t)1 << 18)
#define REPEATS 201u

static int missed;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void row(const char *what, double value, double target, const char *unit)
{
	bool met = value <= target;

	printf("%-58s %10.2f %10.2f %-6s %s\n", what, value, target, unit, met ? "" : "MISSED");
	missed |= !met;
}

static void fail(const char *what)
{
	fprintf(stderr, "ranges: %s\n", what);
	exit(2);
}

static uint64_t random_state = 1;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* ------------------------------------------------------------------- pools */

static struct pb_pool pool;

static uint64_t make(uint64_t gib, enum pb_profile profile, const struct pb_hooks *hooks)
{
	const struct pb_region ram = { 0, gib * PAGES_PER_GIB, 0, PB_ZONE_NORMAL,
				       PB_REGION_USABLE };
	struct pb_config config;
	struct pb_error error;
	uint64_t begin;

	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	config.profile = (uint8_t)profile;
	config.min_free_kbytes = 0;
	begin = now_ns();
	if (pb_user_pool_create(&pool, &config, 0, hooks, &error))
		fail(error.text);
	return now_ns() - begin;
}

/* ------------------------------------------------------------------ contig */

/* Four in five pageblocks in use: gaps of random lengths, and one of 3.3 GiB in each 64. */
static void fill(uint64_t gib)
{
	uint64_t blocks = gib * PAGES_PER_GIB >> 9;

	for (uint64_t i = 0; i < blocks;) {
		uint64_t used = 1 + random64() % 64;

		if (gib >= 64 && i % 32768 < 1700)
			i += 1700;
		for (; used && i < blocks; used--, i++)
			if (pb_alloc_at(&pool, i << 9, 9, PB_GFP_KERNEL) != PB_OK)
				fail("a free block could not be claimed");
		i += random64() % (gib >= 64 ? 11 : 17);
	}
}

/* Median time of a range, in ns. */
static double time_contig(size_t pages)
{
	static uint64_t times[REPEATS];

	for (unsigned int i = 0; i < REPEATS; i++) {
		uint64_t begin = now_ns();
		struct pb_page *page = pb_alloc_contig(&pool, pages, 0, 0, UINT64_MAX, 0,
						       PB_GFP_KERNEL | PB_GFP_NOWARN);

		times[i] = now_ns() - begin;
		if (!page)
			return -1;
		if (pb_free_exact(&pool, page, pages) != PB_OK)
			fail("a range could not be freed");
	}
	qsort(times, REPEATS, sizeof(times[0]), by_size);
	return (double)times[REPEATS / 2];
}

#define NS_A_PAGEBLOCK 350 /* what taking one, and 512 page bytes, may cost: the length */

static void bench_contig(void)
{
	static const uint64_t sizes[] = { 4, 64, 512, 2048 };
	static const size_t lengths[] = { 3, 3 * PAGES_PER_GIB };

	for (unsigned int full = 0; full < 2; full++)
		for (unsigned int i = 0; i < 4; i++) {
			make(sizes[i], PB_PROFILE_MODERN, NULL);
			if (full)
				fill(sizes[i]);
			for (unsigned int k = 0; k < 2; k++) {
				double ns;
				char text[80];

				if (k && full && sizes[i] == 4)
					continue; /* 0.8 GiB are free */
				ns = time_contig(lengths[k]);
				snprintf(text, sizeof(text), "contig, %s of %4u GiB, %s",
					 k ? "3 GiB  " : "3 pages", (unsigned int)sizes[i],
					 full ? "80 % full" : "empty");
				if (ns < 0)
					printf("%-58s none is free\n", text);
				else
					row(text, ns / 1000,
					    2 + (double)(lengths[k] >> 9) * NS_A_PAGEBLOCK / 1000,
					    "us");
			}
			pb_user_pool_destroy(&pool);
		}
}

/* -------------------------------------------------------------- compaction */

#define FRAMES (4 * PAGES_PER_GIB)

/* By frame: its number in live[], so that a move changes two words. */
static uint32_t number_of[FRAMES];
static struct pb_page *live[FRAMES];
static uint32_t nr_live;
static uint64_t moves;

static bool migrate(void *ctx, struct pb_pool *p, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	uint32_t number = number_of[pb_page_to_pfn(p, from)];

	(void)ctx, (void)order;
	number_of[pb_page_to_pfn(p, to)] = number;
	live[number] = to;
	moves++;
	return true;
}

static size_t migrate_batch(void *ctx, struct pb_pool *p, const struct pb_move *move, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)migrate(ctx, p, move[i].from, move[i].to, move[i].order);
	return n;
}

static void take(void)
{
	struct pb_page *page = pb_alloc_pages(&pool, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN, 0);

	if (!page)
		return;
	number_of[pb_page_to_pfn(&pool, page)] = nr_live;
	live[nr_live++] = page;
}

static void drop_one(void)
{
	uint32_t i = (uint32_t)(random64() % nr_live);

	pb_free_pages(&pool, live[i], 0);
	live[i] = live[--nr_live];
	number_of[pb_page_to_pfn(&pool, live[i])] = i;
}

static void take_all(void)
{
	nr_live = 0;
	while (nr_live < FRAMES)
		take();
}

/* All as order 0, at random down to so much, then 20 times a tenth comes and goes. */
static void churn(unsigned int percent)
{
	uint64_t want = FRAMES * percent / 100;

	take_all();
	for (unsigned int round = 0; round < 21; round++) {
		while (nr_live > want - (round ? want / 10 : 0))
			drop_one();
		while (nr_live < want)
			take();
	}
	pb_drain(&pool, -1);
}

static void bench_direct(void)
{
	const struct pb_hooks hooks = { .migrate = migrate };
	uint64_t sum = 0, worst = 0, got = 0, begin;
	struct pb_page *page;

	make(4, PB_PROFILE_MODERN, &hooks);
	churn(80);
	while (pb_alloc_pages(&pool, PB_GFP_TRANSHUGE_LIGHT, 9))
		; /* those that are free */
	moves = 0;
	for (; got < 200; got++) {
		begin = now_ns();
		page = pb_alloc_pages(&pool, PB_GFP_TRANSHUGE, 9);
		begin = now_ns() - begin;
		if (!page)
			break;
		sum += begin;
		worst = begin > worst ? begin : worst;
	}
	if (!got)
		fail("no block of order 9 by compaction");
	printf("direct compaction: %u blocks of order 9, %.0f moves each\n", (unsigned int)got,
	       (double)moves / (double)got);
	row("order 9 by direct compaction, 80 % live of 4 GiB, mean",
	    (double)sum / (double)got / 1000, 50, "us");
	row("order 9 by direct compaction, 80 % live of 4 GiB, worst", (double)worst / 1000, 2000,
	    "us");
	pb_user_pool_destroy(&pool);
}

/* Live pages of the emptiest half of the pageblocks: so many have to move. */
static uint64_t least_moves(void)
{
	static uint64_t in[FRAMES >> 9];
	uint64_t sum = 0;

	memset(in, 0, sizeof(in));
	for (uint32_t i = 0; i < nr_live; i++)
		in[pb_page_to_pfn(&pool, live[i]) >> 9]++;
	qsort(in, FRAMES >> 9, sizeof(in[0]), by_size);
	for (uint32_t i = 0; i < FRAMES >> 10; i++)
		sum += in[i];
	return sum;
}

static void bench_whole(bool batches)
{
	const struct pb_hooks hooks = { .migrate = migrate,
					.migrate_batch = batches ? migrate_batch : NULL };
	uint64_t begin, least;
	unsigned int blocks = 0;

	make(4, PB_PROFILE_MODERN, &hooks);
	take_all();
	while (nr_live > FRAMES / 2)
		drop_one();
	pb_drain(&pool, -1);
	least = least_moves();
	moves = 0;
	begin = now_ns();
	(void)pb_compact(&pool, PB_NO_NODE, 9, FRAMES >> 10);
	begin = now_ns() - begin;
	while (pb_alloc_pages(&pool, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN, 9))
		blocks++;
	printf("whole pool: %u of %u blocks, %.0f moves, least possible %.0f\n", blocks,
	       (unsigned int)(FRAMES >> 10), (double)moves, (double)least);
	row(batches ? "whole-pool compaction, the hook takes batches"
		    : "whole-pool compaction, 50 % live of 4 GiB",
	    (double)begin / 1e6, 60, "ms");
	row("moves, of the least possible", (double)moves / (double)least, 1.05, "x");
	row("blocks of 2 MiB missing", (double)((FRAMES >> 10) - blocks), 0, "");
	pb_user_pool_destroy(&pool);
}

/* -------------------------------------------------------------------- init */

/* The best of three, for both: memory that a virtual machine's guest touches for the first time
   is its host's to find, which takes some seconds for the linux profile's 2.6 GiB. */
static void bench_init(void)
{
	for (unsigned int linux_profile = 0; linux_profile < 2; linux_profile++) {
		double best = 1e9;

		for (unsigned int i = 0; i < 3; i++) {
			double ms = (double)make(1024,
						 linux_profile ? PB_PROFILE_LINUX
							       : PB_PROFILE_MODERN,
						 NULL) /
				    1e6;

			best = ms < best ? ms : best;
			pb_user_pool_destroy(&pool);
		}
		row(linux_profile ? "init of 1 TiB, linux profile"
				  : "init of 1 TiB, modern profile",
		    best, linux_profile ? 1000 : 16, "ms");
	}
}

static bool wanted(int argc, char **argv, const char *name)
{
	bool found = argc == 1;

	for (int i = 1; i < argc; i++)
		found |= !strcmp(argv[i], name);
	return found;
}

int main(int argc, char **argv)
{
	printf("%-58s %10s %10s\n", "ranges", "here", "target");
	if (wanted(argc, argv, "contig"))
		bench_contig();
	if (wanted(argc, argv, "compact")) {
		bench_direct();
		bench_whole(false);
		bench_whole(true);
	}
	if (wanted(argc, argv, "init"))
		bench_init();
	if (missed)
		printf("not every target is met\n");
	return 0;
}
