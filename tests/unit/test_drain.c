/* SPDX-License-Identifier: MIT */
/*
 * Drains of many blocks at once (free_bulk.c), held against a twin pool without
 * per-CPU lists, which gets the same blocks one by one: whatever the order of the
 * frees, the trees, lists and counts must come out alike.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "test_port.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

struct shape {
	unsigned int max_order, pageblock_order;
	uint32_t stripes;
	uint64_t frames;
};

static const struct shape shapes[] = {
	{ 10, 9, 1, 16384 },  { 10, 9, 2, 131072 }, { 10, 9, 4, 262144 },
	{ 10, 10, 1, 16384 }, { 6, 5, 16, 65536 },  { 13, 7, 1, 16384 },
};

struct twins {
	struct tp batched, single;
	uint64_t frames;
	unsigned int order;
};

static void build(struct tp *tp, const struct shape *shape, uint32_t flags)
{
	tp_start(tp);
	tp->config.max_order = (uint8_t)shape->max_order;
	tp->config.pageblock_order = (uint8_t)shape->pageblock_order;
	tp->config.nr_stripes = shape->stripes;
	tp->config.flags |= flags;
	tp_region(tp, 0, shape->frames, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

/* All of memory, as blocks of one order. */
static void take_all(struct tp *tp, uint64_t frames, unsigned int order)
{
	for (uint64_t i = 0; i < frames >> order; i++)
		assert_non_null(pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, order));
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), 0);
}

static void begin(struct twins *t, const struct shape *shape, unsigned int order)
{
	t->frames = shape->frames;
	t->order = order;
	build(&t->batched, shape, 0);
	build(&t->single, shape, PB_POOL_NO_PCP);
	take_all(&t->batched, t->frames, order);
	take_all(&t->single, t->frames, order);
}

static void put(struct tp *tp, uint64_t pfn, unsigned int order)
{
	assert_int_equal(pb_free_pages(&tp->pool, pb_pfn_to_page(&tp->pool, pfn), order), PB_OK);
}

static void put_both(struct twins *t, uint64_t pfn)
{
	put(&t->batched, pfn, t->order);
	put(&t->single, pfn, t->order);
}

static void compare(struct twins *t)
{
	struct tp_frame *a = calloc(t->frames, sizeof(*a)), *b = calloc(t->frames, sizeof(*b));

	assert_non_null(a);
	assert_non_null(b);
	pb_drain(&t->batched.pool, -1);
	tp_check(&t->batched, "batched");
	tp_check(&t->single, "single");
	tp_frames(&t->batched, a, t->frames);
	tp_frames(&t->single, b, t->frames);
	assert_memory_equal(a, b, t->frames * sizeof(*a));
	assert_int_equal(tp_free_pages(&t->batched), tp_free_pages(&t->single));
	for (unsigned int o = 0; o <= t->batched.config.max_order; o++)
		assert_int_equal(tp_nr_free(&t->batched, o), tp_nr_free(&t->single, o));
	free(a);
	free(b);
}

static void end(struct twins *t)
{
	tp_drop(&t->batched);
	tp_drop(&t->single);
}

/* ---- in which order blocks are freed: `n` block numbers */

static void up(uint32_t *blocks, uint32_t n, struct tp_rng *rng)
{
	(void)rng;
	for (uint32_t i = 0; i < n; i++)
		blocks[i] = i;
}

static void down(uint32_t *blocks, uint32_t n, struct tp_rng *rng)
{
	(void)rng;
	for (uint32_t i = 0; i < n; i++)
		blocks[i] = n - 1 - i;
}

/* No two neighbours, then those between: merges as far as can be. */
static void every_other(uint32_t *blocks, uint32_t n, struct tp_rng *rng)
{
	(void)rng;
	for (uint32_t i = 0; i < n; i++)
		blocks[i] = i < n / 2 ? 2 * i : 2 * (i - n / 2) + 1;
}

static void shuffle(uint32_t *blocks, uint32_t n, uint32_t unit, struct tp_rng *rng)
{
	for (uint32_t i = n / unit; i > 1; i--) {
		uint32_t j = tp_below(rng, i);

		for (uint32_t k = 0; k < unit; k++) {
			uint32_t block = blocks[(i - 1) * unit + k];

			blocks[(i - 1) * unit + k] = blocks[j * unit + k];
			blocks[j * unit + k] = block;
		}
	}
}

static void random_order(uint32_t *blocks, uint32_t n, struct tp_rng *rng)
{
	up(blocks, n, rng);
	shuffle(blocks, n, 1, rng);
}

/* Buddies side by side: a guess of the height is wrong for the second. */
static void random_pairs(uint32_t *blocks, uint32_t n, struct tp_rng *rng)
{
	up(blocks, n, rng);
	shuffle(blocks, n, 2, rng);
}

/* Runs shorter and longer than those that are handled by the word. */
static void random_runs(uint32_t *blocks, uint32_t n, struct tp_rng *rng)
{
	up(blocks, n, rng);
	shuffle(blocks, n, 1u << (1 + tp_below(rng, 6)), rng);
}

typedef void sequence_fn(uint32_t *blocks, uint32_t n, struct tp_rng *rng);

static sequence_fn *const sequences[] = { up,           down,         every_other,
					  random_order, random_pairs, random_runs };

/* Frees all in that order, and compares at a few moments and at the end. */
static void free_all(struct twins *t, sequence_fn *sequence, struct tp_rng *rng)
{
	uint32_t n = (uint32_t)(t->frames >> t->order);
	uint32_t *blocks = calloc(n, sizeof(*blocks));

	assert_non_null(blocks);
	sequence(blocks, n, rng);
	for (uint32_t i = 0; i < n; i++) {
		put_both(t, (uint64_t)blocks[i] << t->order);
		if (i == n / 3 || i == n / 2)
			compare(t);
	}
	compare(t);
	free(blocks);
}

static void test_drain_makes_what_single_frees_make(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
		for (unsigned int order = 0; order <= shapes[s].pageblock_order; order += 3)
			for (size_t q = 0; q < sizeof(sequences) / sizeof(*sequences); q++) {
				struct twins t;

				begin(&t, &shapes[s], order);
				free_all(&t, sequences[q], &rng);
				end(&t);
			}
}

/* A pageblock's type may change while blocks of it lie in per-CPU lists. */
static void retype(struct tp *tp, uint32_t pageblock, enum pb_migratetype type)
{
	struct zone *zone = pool_zone(&tp->pool, 0);

	__set_pageblock_type(&(const struct locked){ .pool = &tp->pool,
						     .zone = zone,
						     .stripe = zone_stripe(&tp->pool, zone, 0) },
			     pageblock, type);
	if (type == PB_MIGRATE_ISOLATE)
		zone->nr_isolate_pageblock++;
}

/* Some hundred blocks, scattered over the first three pageblocks. */
static void put_scattered(struct tp *tp)
{
	for (uint32_t i = 0; i < 100; i++)
		put(tp, i * 37 % 512 + i % 3 * 512, 0);
}

static void test_drain_counts_reserved_types_apart(void **state)
{
	static const struct shape shape = { 10, 9, 1, 16384 };
	const struct zone *zone;
	struct twins t;

	(void)state;
	begin(&t, &shape, 0);
	put_scattered(&t.batched);
	assert_int_equal(tp_free_pages(&t.batched), 0); /* all in lists */
	for (int k = 0; k < 2; k++) {
		retype(k ? &t.single : &t.batched, 0, PB_MIGRATE_CMA);
		retype(k ? &t.single : &t.batched, 1, PB_MIGRATE_ISOLATE);
	}
	put_scattered(&t.single);
	compare(&t);
	zone = pool_zone(&t.batched.pool, 0);
	assert_int_equal(zone_free_cma(&t.batched.pool, zone), 34);
	assert_int_equal(zone_isolated_pages(&t.batched.pool, zone), 33);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drain_makes_what_single_frees_make),
		cmocka_unit_test(test_drain_counts_reserved_types_apart),
	};

	return pb_run_tests(tests);
}
