/* SPDX-License-Identifier: MIT */
/* How a zone's pageblocks are dealt out to its stripes, and how CPUs choose between these. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "test_port.h"
#include "block/list_tight.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

struct shape {
	unsigned int max_order, pageblock_order;
	uint32_t stripes, pageblocks;
	uint32_t made; /* no stripe has fewer than 64 pageblocks, but the only one */
};

static const struct shape shapes[] = {
	{ 10, 9, 1, 1, 1 },      { 10, 9, 2, 2, 1 },      { 10, 9, 2, 63, 1 },
	{ 10, 9, 2, 64, 1 },     { 10, 9, 2, 129, 2 },    { 10, 9, 2, 255, 2 },
	{ 10, 9, 2, 256, 2 },    { 10, 9, 2, 257, 2 },    { 10, 9, 2, 1280, 2 },
	{ 10, 9, 4, 1537, 4 },   { 10, 9, 4, 2047, 4 },   { 10, 9, 16, 1024, 16 },
	{ 10, 9, 16, 4095, 16 }, { 10, 9, 16, 9999, 16 }, { 6, 5, 16, 40000, 16 },
	{ 5, 5, 2, 5000, 2 },    { 13, 5, 2, 4096, 2 },   { 16, 5, 4, 16384, 4 },
	{ 9, 9, 2, 700, 2 },     { 10, 9, 2, 2560, 2 },   { 10, 9, 2, 12000, 2 },
	{ 10, 9, 8, 10000, 8 },
};

static void build(struct tp *tp, const struct shape *shape)
{
	tp_start(tp);
	tp->config.max_order = (uint8_t)shape->max_order;
	tp->config.pageblock_order = (uint8_t)shape->pageblock_order;
	tp->config.nr_stripes = shape->stripes;
	tp->any_stripes = true;
	/* the zone does not begin where the index does */
	tp_region(tp, 0, 1u << shape->max_order, 0, PB_ZONE_DMA);
	tp_region(tp, 1u << shape->max_order,
		  (1u << shape->max_order) +
			  ((uint64_t)shape->pageblocks << shape->pageblock_order),
		  0, PB_ZONE_NORMAL);
	tp_build(tp);
	assert_int_equal(find_zone(&tp->pool, 0, PB_ZONE_NORMAL)->nr_stripes, shape->made);
}

/* Bits that a stripe's lists have room for. */
static uint32_t room(const struct zone *zone)
{
	return zone->levels ? zone->level_words[0] * 64 : 64;
}

/* Stripe of the k-th pageblock of the zone. */
static uint32_t stripe_of(const struct pb_pool *pool, const struct zone *zone, uint32_t k)
{
	uint32_t pageblock = zone_first_pageblock(pool, zone) + k;

	return frame_stripe_number(pool, zone, pageblock << pool->pageblock_order);
}

static void check_numbers(const struct pb_pool *pool, const struct zone *zone)
{
	uint32_t first = zone_first_pageblock(pool, zone), n = zone_nr_pageblocks(pool, zone);
	unsigned char *taken = calloc(zone->nr_stripes, room(zone));

	assert_non_null(taken);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t s = stripe_of(pool, zone, k);
		uint32_t local = tight_local(pool, zone, first + k);

		assert_in_range(s, 0, zone->nr_stripes - 1);
		assert_in_range(local, 0, room(zone) - 1);
		assert_int_equal(tight_global(pool, zone, zone_stripe(pool, zone, s), local),
				 first + k);
		assert_int_equal(taken[s * room(zone) + local]++, 0);
	}
	free(taken);
}

static void test_each_pageblock_has_a_bit_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct tp tp;

		build(&tp, &shapes[i]);
		for (uint32_t z = 0; z < tp.pool.super->nr_zones; z++)
			check_numbers(&tp.pool, pool_zone(&tp.pool, z));
		tp_drop(&tp);
	}
}

/* Low and high addresses for each stripe: pageblocks in both halves of the zone, unless
   each has just one group of them. */
static void test_each_stripe_has_low_and_high_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct tp tp;
		const struct zone *zone;
		uint32_t n, halves[MAX_STRIPES] = { 0 };

		build(&tp, &shapes[i]);
		zone = find_zone(&tp.pool, 0, PB_ZONE_NORMAL);
		n = zone_nr_pageblocks(&tp.pool, zone);
		for (uint32_t k = 0; k < n; k++)
			halves[stripe_of(&tp.pool, zone, k)] |= k < n / 2 ? 1 : 2;
		for (uint32_t s = 0; s < zone->nr_stripes; s++)
			if (zone->nr_stripes > 1 && n == zone->nr_stripes << zone->group_shift)
				assert_int_equal(halves[s], s < zone->nr_stripes / 2 ? 1 : 2);
			else
				assert_int_equal(halves[s], 3);
		tp_drop(&tp);
	}
}

/* The last group may be a part, so a stripe has a group less, of eight or of the
   smallest. (A pool of 5 GiB was shared out 3 to 2.) */
static void test_stripes_are_of_about_one_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct tp tp;
		const struct zone *zone;
		uint32_t pageblocks[MAX_STRIPES] = { 0 }, least = UINT32_MAX, most = 0;

		build(&tp, &shapes[i]);
		zone = find_zone(&tp.pool, 0, PB_ZONE_NORMAL);
		for (uint32_t k = 0; k < zone_nr_pageblocks(&tp.pool, zone); k++)
			pageblocks[stripe_of(&tp.pool, zone, k)]++;
		for (uint32_t s = 0; s < zone->nr_stripes; s++) {
			least = pageblocks[s] < least ? pageblocks[s] : least;
			most = pageblocks[s] > most ? pageblocks[s] : most;
		}
		assert_true(most - least <= most / 8 || most - least <= 1u << GROUP_SHIFT_MIN);
		tp_drop(&tp);
	}
}

/* Whoever takes blocks from a stripe leaves its home stripe's number there, so that another CPU
   begins elsewhere; who finds nothing leaves the mark as it was. */
static void test_a_stripe_knows_who_takes_blocks_there(void **state)
{
	static const struct shape two = { 10, 9, 2, 1280, 2 };
	struct stripe *stripe[2];
	struct zone *zone;
	struct tp tp;

	(void)state;
	build(&tp, &two);
	zone = find_zone(&tp.pool, 0, PB_ZONE_NORMAL);
	for (u32 i = 0; i < 2; i++)
		stripe[i] = zone_stripe(&tp.pool, zone, i);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		struct zone_request request = { &tp.pool,           zone,        cpu, 0,
						PB_MIGRATE_MOVABLE, ALLOC_DIRECT };
		u32 frame = rmqueue_one(&request);
		u32 number = frame_stripe_number(&tp.pool, zone, frame);

		assert_int_equal(number, cpu); /* both are free: each CPU begins at home */
		assert_int_equal(stripe[number]->remote_active, cpu);
		assert_int_equal(stripe[!number]->remote_active, cpu ? 0 : NO_CPU);
		request.order = 10; /* no CMA there: nothing is found, and nothing noted */
		request.type = PB_MIGRATE_CMA;
		request.alloc_flags = ALLOC_DIRECT | ALLOC_NOFRAGMENT;
		assert_int_equal(rmqueue_one(&request), NO_FRAME);
		assert_int_equal(stripe[number]->remote_active, cpu);
		return_page(&tp.pool, zone, frame, 0);
	}
	tp_drop(&tp);
}

/*
 * Single free pages in both stripes, and one whole pageblock in each. As many pages
 * as there are single ones are to be had without a whole pageblock being cut, also
 * through per-CPU lists, which take hundreds at once. (They went on to the whole
 * pageblock of the stripe that they had begun with.)
 */
static void test_a_batch_cuts_no_larger_block_than_it_must(void **state)
{
	const uint64_t frames = 256u << 9;
	struct pb_zone_stat stat;
	uint64_t singles = 0;
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.nr_stripes = 2;
	tp_region(&tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (uint64_t pfn = 0; pfn < frames; pfn++)
		assert_int_equal(pb_alloc_at(&tp.pool, pfn, 0, PB_GFP_KERNEL), PB_OK);
	for (uint64_t pfn = 0; pfn < frames; pfn++) {
		bool whole = pfn >> 9 == 3 || pfn >> 9 == 255 - 3;

		if (!whole && pfn % 64)
			continue;
		assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, pfn), 0), PB_OK);
		singles += !whole;
	}
	pb_drain(&tp.pool, -1);
	assert_int_equal(pb_zone_stats(&tp.pool, 0, &stat), PB_OK);
	assert_int_equal(stat.stripes, 2);
	assert_int_equal(stat.nr_free[9], 2);
	assert_int_equal(stat.nr_free[0], singles);
	while (singles--)
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0));
	assert_int_equal(pb_zone_stats(&tp.pool, 0, &stat), PB_OK);
	assert_int_equal(stat.nr_free[9], 2);
	tp_check(&tp, "the single pages are taken");
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_pageblock_has_a_bit_of_its_own),
		cmocka_unit_test(test_each_stripe_has_low_and_high_addresses),
		cmocka_unit_test(test_stripes_are_of_about_one_size),
		cmocka_unit_test(test_a_stripe_knows_who_takes_blocks_there),
		cmocka_unit_test(test_a_batch_cuts_no_larger_block_than_it_must),
	};

	return pb_run_tests(tests);
}
