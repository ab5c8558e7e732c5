/* SPDX-License-Identifier: MIT */
/*
 * Split, merge, list order and stealing: the specification's examples, on the
 * linux profile without per-CPU lists, so that lists can be compared pfn by pfn.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include "base/buddy_tree.h"
#include "block/stripe.h"

#include <string.h>

#define MOVABLE (PB_GFP_KERNEL | PB_GFP_MOVABLE)

/* One zone [0, frames) of the linux profile, lists as Linux 6.1 has them. */
static void linux_zone(struct tp *tp, uint64_t frames, unsigned int max_order,
		       unsigned int pageblock_order, uint32_t flags)
{
	tp_start(tp);
	tp->config.profile = PB_PROFILE_LINUX;
	tp->config.flags |= PB_POOL_NO_PCP | flags;
	tp->config.max_order = (uint8_t)max_order;
	tp->config.pageblock_order = (uint8_t)pageblock_order;
	tp_region(tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static void assert_list(struct tp *tp, unsigned int order, enum pb_migratetype type,
			const uint64_t *want, size_t n)
{
	uint64_t got[64];

	assert_int_equal(tp_list(tp, PB_ZONE_NORMAL, order, type, got, 64), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], want[i]);
}

#define assert_movable_list(tp, order, ...)                       \
	do {                                                      \
		const uint64_t want_[] = { __VA_ARGS__ };         \
		assert_list(tp, order, PB_MIGRATE_MOVABLE, want_, \
			    sizeof(want_) / sizeof(want_[0]));    \
	} while (0)
#define assert_movable_list_empty(tp, order) assert_list(tp, order, PB_MIGRATE_MOVABLE, NULL, 0)

static uint64_t get(struct tp *tp, pb_gfp_t gfp, unsigned int order)
{
	struct pb_page *page = pb_alloc_pages(&tp->pool, gfp, order);

	assert_non_null(page);
	tp_check(tp, "alloc");
	return pb_page_to_pfn(&tp->pool, page);
}

static void put(struct tp *tp, uint64_t pfn, unsigned int order)
{
	assert_int_equal(pb_free_pages(&tp->pool, pb_pfn_to_page(&tp->pool, pfn), order), PB_OK);
	tp_check(tp, "free");
}

static void take_all(struct tp *tp, unsigned int frames)
{
	for (unsigned int i = 0; i < frames; i++)
		assert_non_null(pb_alloc_pages(&tp->pool, MOVABLE, 0));
	assert_int_equal(tp_free_pages(tp), 0);
}

/* Example 1: the pageblock of pfn 74565 is number 145: 74240 .. 74751. */
static void test_example_01_pageblock_covers_its_512_frames(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_NO_PCP | PB_POOL_ALL_RESERVED;
	tp_region(&tp, 65536, 81920, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 0x12345, PB_MIGRATE_RECLAIMABLE), PB_OK);
	assert_int_equal(pb_pageblock_type(&tp.pool, 74239), PB_MIGRATE_MOVABLE);
	assert_int_equal(pb_pageblock_type(&tp.pool, 74240), PB_MIGRATE_RECLAIMABLE);
	assert_int_equal(pb_pageblock_type(&tp.pool, 0x12345), PB_MIGRATE_RECLAIMABLE);
	assert_int_equal(pb_pageblock_type(&tp.pool, 74751), PB_MIGRATE_RECLAIMABLE);
	assert_int_equal(pb_pageblock_type(&tp.pool, 74752), PB_MIGRATE_MOVABLE);
	tp_drop(&tp);
}

/* Example 2: grouping needs 512 * 6 = 3072 pages above the high watermark. */
static void test_example_02_grouping_needs_a_pageblock_per_type(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (uint64_t frames = 3071; frames <= 3072; frames++) {
			struct tp tp;
			uint64_t a, b;

			tp_start(&tp);
			tp.config.profile = (uint8_t)profile;
			tp.config.flags = PB_POOL_NO_PCP;
			tp_region(&tp, 0, frames, 0, PB_ZONE_NORMAL);
			tp_build(&tp);
			a = get(&tp, PB_GFP_KERNEL, 0);
			b = get(&tp, MOVABLE, 0);
			if (frames < 3072)
				assert_int_equal(a >> 9, b >> 9);
			else
				assert_int_not_equal(a >> 9, b >> 9);
			tp_drop(&tp);
		}
}

/* Example 3: buddies and parents of pfns 8 (order 0), 10 (1) and 12 (2). */
static void test_example_03_buddy_and_parent(void **state)
{
	(void)state;
	assert_int_equal(tree_node(4, 8, 0) ^ 1, tree_node(4, 9, 0));
	assert_int_equal(tree_node(4, 8, 0) >> 1, tree_node(4, 8, 1));
	assert_int_equal(tree_node(4, 10, 1) ^ 1, tree_node(4, 8, 1));
	assert_int_equal(tree_node(4, 10, 1) >> 1, tree_node(4, 8, 2));
	assert_int_equal(tree_node(4, 12, 2) ^ 1, tree_node(4, 8, 2));
	assert_int_equal(tree_node(4, 12, 2) >> 1, tree_node(4, 8, 3));
}

static void test_tree_formulas_hold_for_every_block(void **state)
{
	(void)state;
	for (unsigned int max = 0; max <= 10; max++)
		for (unsigned int o = 0; o < max; o++)
			for (u32 pfn = 0; pfn < 1u << max; pfn += 1u << o) {
				u32 node = tree_node(max, pfn, o);

				assert_int_equal(node ^ 1, tree_node(max, pfn ^ (1u << o), o));
				assert_int_equal(node >> 1,
						 tree_node(max, pfn & ~(1u << o), o + 1));
				assert_true(node > 0 && node < tree_words(max) * 64);
			}
}

/* Example 4: order 3 at pfn 8 serves order 0: 8 is returned; 12, 10, 9 added. */
static void test_example_04_split_adds_upper_halves(void **state)
{
	struct tp tp;
	const struct pb_trace_event *event;

	(void)state;
	linux_zone(&tp, 16, 4, 4, 0);
	assert_int_equal(pb_alloc_at(&tp.pool, 0, 3, MOVABLE), PB_OK);
	tp_trace(&tp, 1);
	assert_int_equal(get(&tp, MOVABLE, 0), 8);
	assert_movable_list(&tp, 2, 12);
	assert_movable_list(&tp, 1, 10);
	assert_movable_list(&tp, 0, 9);
	for (unsigned int i = 0; i < 3; i++) {
		event = tp_event(&tp, PB_TRACE_SPLIT, i);
		assert_non_null(event);
		assert_int_equal(event->pfn, 8 + (4u >> i));
		assert_int_equal(event->order, 2 - i);
	}
	assert_null(tp_event(&tp, PB_TRACE_SPLIT, 3));
	tp_drop(&tp);
}

/* Example 5: free 8, 9 .. 15 one by one. */
static void test_example_05_merge_step_by_step(void **state)
{
	struct tp tp;

	(void)state;
	linux_zone(&tp, 16, 4, 4, 0);
	take_all(&tp, 16);
	put(&tp, 8, 0);
	assert_movable_list(&tp, 0, 8);
	put(&tp, 9, 0);
	assert_movable_list_empty(&tp, 0);
	assert_movable_list(&tp, 1, 8);
	put(&tp, 10, 0);
	assert_movable_list(&tp, 0, 10);
	assert_movable_list(&tp, 1, 8);
	put(&tp, 11, 0);
	assert_movable_list_empty(&tp, 0);
	assert_movable_list_empty(&tp, 1);
	assert_movable_list(&tp, 2, 8);
	for (uint64_t pfn = 12; pfn < 16; pfn++)
		put(&tp, pfn, 0);
	assert_movable_list_empty(&tp, 2);
	assert_movable_list(&tp, 3, 8);
	tp_drop(&tp);
}

/* Example 6: 4 goes to the tail when 6-7 is free as a pair, else to the head. */
static void test_example_06_tail_rule(void **state)
{
	(void)state;
	for (int pair_free = 0; pair_free < 2; pair_free++) {
		struct tp tp;

		linux_zone(&tp, 16, 4, 4, 0);
		take_all(&tp, 16);
		put(&tp, 0, 0);
		if (pair_free) {
			put(&tp, 6, 0);
			put(&tp, 7, 0);
			assert_movable_list(&tp, 1, 6);
		}
		put(&tp, 4, 0);
		if (pair_free)
			assert_movable_list(&tp, 0, 0, 4);
		else
			assert_movable_list(&tp, 0, 4, 0);
		tp_drop(&tp);
	}
}

/* The rule needs order < MAX_ORDER - 2: not for blocks one below the largest. */
static void test_tail_rule_ends_two_orders_below_the_largest(void **state)
{
	struct tp tp;

	(void)state;
	linux_zone(&tp, 64, 4, 4, 0);
	for (int i = 0; i < 8; i++)
		get(&tp, MOVABLE, 3);
	put(&tp, 48, 3);
	put(&tp, 16, 3);
	put(&tp, 24, 3);
	assert_movable_list(&tp, 4, 16);
	put(&tp, 0, 3); /* the parent's buddy is free, but nothing larger could come of it */
	assert_movable_list(&tp, 3, 0, 48);
	tp_drop(&tp);
}

static void assert_example_7(enum pb_migratetype lower, unsigned int blocks_9,
			     unsigned int blocks_10)
{
	struct tp tp;

	linux_zone(&tp, 1024, 10, 9, PB_POOL_ALL_RESERVED);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 0, lower), PB_OK);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 512, PB_MIGRATE_MOVABLE), PB_OK);
	assert_int_equal(pb_state_adopt(&tp.pool, 0, 9, true), PB_OK);
	assert_int_equal(pb_state_adopt(&tp.pool, 512, 9, true), PB_OK);
	tp_check(&tp, "adopted");
	put(&tp, 0, 9);
	put(&tp, 512, 9);
	assert_int_equal(tp_nr_free(&tp, 9), blocks_9);
	assert_int_equal(tp_nr_free(&tp, 10), blocks_10);
	assert_int_equal(tp_free_pages(&tp), lower == PB_MIGRATE_ISOLATE ? 512 : 1024);
	tp_drop(&tp);
}

/* Example 7: an isolated pageblock doesn't merge with its neighbour. */
static void test_example_07_isolation_limits_merging(void **state)
{
	(void)state;
	assert_example_7(PB_MIGRATE_ISOLATE, 2, 0);
	assert_example_7(PB_MIGRATE_MOVABLE, 0, 1);
	assert_example_7(PB_MIGRATE_UNMOVABLE, 0, 1);
}

/* One pageblock: `free` free, `movable` movable in use, the rest other users. */
static void mixed_pageblock(struct tp *tp, enum pb_profile profile, unsigned int nr_free,
			    unsigned int movable)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= PB_POOL_NO_PCP | PB_POOL_MOVABLE_EXPLICIT;
	tp->config.max_order = 9;
	tp_region(tp, 0, 512, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	take_all(tp, 512);
	for (unsigned int i = 0; i < movable; i++)
		assert_int_equal(pb_set_movable(&tp->pool, pb_pfn_to_page(&tp->pool, i), true),
				 PB_OK);
	for (unsigned int i = 0; i < nr_free; i++)
		put(tp, 511 - i, 0);
}

static void assert_free_blocks_on(struct tp *tp, enum pb_migratetype type)
{
	static struct tp_frame frames[512];

	tp_frames(tp, frames, 512);
	for (int i = 0; i < 512; i++)
		if (frames[i].state == PB_BLOCK_FREE)
			assert_int_equal(frames[i].list_type, type);
}

/* Of the fallbacks those are counted apart that make the pageblock one of the request's type. */
static void assert_fallbacks(struct tp *tp, uint64_t all, uint64_t claimed)
{
	struct pb_pool_stat stat;

	pb_stats(&tp->pool, &stat);
	assert_int_equal(stat.vm[PB_EXTFRAG], all);
	assert_int_equal(stat.vm[PB_EXTFRAG_STEAL], claimed);
}

/* Example 14: 200 free + 62 alike reach half a pageblock, 190 + 62 don't. */
static void test_example_14_pageblock_claimed_at_half(void **state)
{
	struct tp tp;

	(void)state;
	mixed_pageblock(&tp, PB_PROFILE_LINUX, 200, 250);
	get(&tp, PB_GFP_KERNEL, 0);
	assert_fallbacks(&tp, 1, 1);
	assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_UNMOVABLE);
	assert_free_blocks_on(&tp, PB_MIGRATE_UNMOVABLE);
	tp_drop(&tp);

	mixed_pageblock(&tp, PB_PROFILE_LINUX, 190, 260);
	get(&tp, PB_GFP_KERNEL, 0);
	assert_fallbacks(&tp, 1, 0);
	assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_MOVABLE);
	assert_free_blocks_on(&tp, PB_MIGRATE_UNMOVABLE);
	tp_drop(&tp);
}

/* The modern profile claims at the same threshold, else borrows one block. */
static void test_modern_claims_the_pageblock_whole_or_not_at_all(void **state)
{
	struct tp tp;

	(void)state;
	mixed_pageblock(&tp, PB_PROFILE_MODERN, 200, 250);
	get(&tp, PB_GFP_KERNEL, 0);
	assert_fallbacks(&tp, 1, 1);
	assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_UNMOVABLE);
	assert_free_blocks_on(&tp, PB_MIGRATE_UNMOVABLE);
	tp_drop(&tp);

	mixed_pageblock(&tp, PB_PROFILE_MODERN, 190, 260);
	get(&tp, PB_GFP_KERNEL, 0);
	assert_fallbacks(&tp, 1, 0);
	assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_MOVABLE);
	assert_free_blocks_on(&tp, PB_MIGRATE_MOVABLE);
	tp_drop(&tp);
}

/* Example 15: a whole order-10 block changes type; no boost. */
static void test_example_15_steal_takes_the_whole_largest_block(void **state)
{
	struct tp tp;
	struct pb_zone_stat zone;

	(void)state;
	linux_zone(&tp, 2048, 10, 9, 0);
	assert_int_equal(pb_set_watermark_boost_factor(&tp.pool, 15000), PB_OK);
	assert_int_equal(get(&tp, PB_GFP_KERNEL, 0), 0);
	for (unsigned int order = 0; order <= 10; order++)
		assert_int_equal(tp_nr_free(&tp, order), 1);
	assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_UNMOVABLE);
	assert_int_equal(pb_pageblock_type(&tp.pool, 512), PB_MIGRATE_UNMOVABLE);
	assert_int_equal(pb_pageblock_type(&tp.pool, 1024), PB_MIGRATE_MOVABLE);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.boost, 0);
	tp_drop(&tp);
}

/* A MOVABLE request takes whole blocks from order 4 on, single ones below. */
static void test_movable_steals_whole_only_from_half_the_pageblock_order(void **state)
{
	(void)state;
	for (unsigned int order = 3; order <= 4; order++) {
		struct tp tp;
		static struct tp_frame frames[512];
		uint64_t pfn;

		linux_zone(&tp, 512, 9, 9, 0);
		for (unsigned int i = 0; i < 512; i += 1u << order)
			get(&tp, PB_GFP_KERNEL, order); /* the pageblock is UNMOVABLE now */
		assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_UNMOVABLE);
		put(&tp, 0, order);
		put(&tp, 64, order);
		pfn = get(&tp, MOVABLE, 0);
		tp_frames(&tp, frames, 512);
		/* the remainder of the block that was broken, and the block that wasn't */
		assert_int_equal(frames[pfn ^ 1].list_type, PB_MIGRATE_MOVABLE);
		assert_int_equal(frames[pfn < 64 ? 64 : 0].list_type,
				 order < 4 ? PB_MIGRATE_UNMOVABLE : PB_MIGRATE_MOVABLE);
		assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_UNMOVABLE);
		tp_drop(&tp);
	}
}

/* Fallback order of spec 6.6: which type is robbed first. */
static void test_fallback_goes_in_linux_order(void **state)
{
	static const struct {
		pb_gfp_t want;
		enum pb_migratetype first, second;
	} cases[] = {
		{ PB_GFP_KERNEL, PB_MIGRATE_RECLAIMABLE, PB_MIGRATE_MOVABLE },
		{ MOVABLE, PB_MIGRATE_RECLAIMABLE, PB_MIGRATE_UNMOVABLE },
		{ PB_GFP_KERNEL | PB_GFP_RECLAIMABLE, PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE },
	};

	static const struct pb_state_zone all = { .managed = 1024 };

	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (int i = 0; i < 3; i++) {
			struct tp tp;
			uint64_t pfn;

			tp_start(&tp);
			tp.config.profile = (uint8_t)profile;
			tp.config.flags |= PB_POOL_NO_PCP | PB_POOL_ALL_RESERVED;
			tp.config.max_order = 9;
			tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
			tp_build(&tp);
			pb_state_set_pageblock(&tp.pool, 0, cases[i].second);
			pb_state_set_pageblock(&tp.pool, 512, cases[i].first);
			pb_state_add_free(&tp.pool, 0, 9, cases[i].second);
			pb_state_add_free(&tp.pool, 512, 9, cases[i].first);
			assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &all),
					 PB_OK);
			tp_check(&tp, "laid out");
			tp_trace(&tp, 1);
			pfn = get(&tp, cases[i].want, 0);
			assert_true(pfn >= 512);
			assert_int_equal(tp.traced[PB_TRACE_STEAL], 1);
			assert_int_equal(tp_event(&tp, PB_TRACE_STEAL, 0)->other_type,
					 cases[i].first);
			tp_drop(&tp);
		}
}

/* Example 29: hand-over of [1, 159). */
static void test_example_29_hand_over_cuts_the_region_into_blocks(void **state)
{
	static const struct {
		uint64_t pfn;
		unsigned int order;
	} want[] = { { 1, 0 },  { 2, 1 },   { 4, 2 },   { 8, 3 },   { 16, 4 },  { 32, 5 },
		     { 64, 6 }, { 128, 4 }, { 144, 3 }, { 152, 2 }, { 156, 1 }, { 158, 0 } };
	static struct tp_frame frames[1024];

	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		size_t blocks;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp_region(&tp, 1, 159, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		blocks = tp_frames(&tp, frames, 1024);
		assert_int_equal(blocks, 12);
		for (size_t i = 0; i < 12; i++) {
			assert_int_equal(frames[want[i].pfn].head, 1);
			assert_int_equal(frames[want[i].pfn].state, PB_BLOCK_FREE);
			assert_int_equal(frames[want[i].pfn].order, want[i].order);
		}
		assert_int_equal(tp_free_pages(&tp), 158);
		tp_drop(&tp);
	}
}

/* Example 30: blocks go to the tail at hand-over (5.10 and later): 0 is first. */
static void test_example_30_hand_over_order(void **state)
{
	struct tp tp;

	(void)state;
	linux_zone(&tp, 4096, 10, 9, 0);
	assert_movable_list(&tp, 10, 0, 1024, 2048, 3072);
	assert_int_equal(get(&tp, MOVABLE, 10), 0);
	assert_int_equal(get(&tp, MOVABLE, 10), 1024);
	tp_drop(&tp);
}

/* The round-trip example of spec 15, with 6.1's hand-over order. */
static void test_round_trip_of_two_order_3_blocks(void **state)
{
	struct tp tp;

	(void)state;
	linux_zone(&tp, 2048, 10, 9, 0);
	assert_int_equal(get(&tp, MOVABLE, 3), 0);
	for (unsigned int order = 3; order <= 10; order++)
		assert_int_equal(tp_nr_free(&tp, order), 1);
	assert_int_equal(get(&tp, MOVABLE, 3), 8);
	assert_int_equal(get(&tp, MOVABLE, 3), 16);
	put(&tp, 16, 3);
	/* 8 is busy; parent 0 order 4; its buddy 16 is free at order 4: to the tail */
	put(&tp, 0, 3);
	assert_movable_list(&tp, 3, 0);
	put(&tp, 8, 3);
	assert_int_equal(tp_nr_free(&tp, 10), 2);
	assert_movable_list(&tp, 10, 0, 1024);
	tp_drop(&tp);
}

/* Example 16: at most 3 pageblocks are reserved (1512 pages is the limit). */
static void test_example_16_highatomic_reserve_is_limited(void **state)
{
	struct tp tp;
	struct pb_zone_stat zone;

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_NO_PCP;
	tp.config.min_free_kbytes = 4 * 60000;
	tp_region(&tp, 0, 100000, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.managed, 100000);
	/* below low, so that the slow path with its HARDER flag decides */
	while (tp_free_pages(&tp) > (int64_t)zone.watermark[PB_WMARK_LOW])
		get(&tp, PB_GFP_KERNEL, 9);
	for (int i = 0; i < 2000; i++) {
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 1));
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_true(zone.nr_reserved_highatomic <= 1536);
		assert_int_equal(zone.nr_reserved_highatomic,
				 512 * zone.pageblocks[PB_MIGRATE_HIGHATOMIC]);
	}
	assert_int_equal(zone.nr_reserved_highatomic, 1536);
	tp_check(&tp, "reserved");
	tp_drop(&tp);
}

/* An atomic request gets the two frames at `pfn`; to which list do the four at pfn + 4 go? */
static void assert_reserve_moves(enum pb_kernel kernel, uint64_t pfn, bool reserved,
				 enum pb_migratetype list)
{
	const unsigned int frames = 51456; /* 100 pageblocks and a half */
	struct tp tp;
	struct pb_zone_stat zone;
	struct pb_state_zone marks = { .watermark = { 4, 100, 100, 100 }, .managed = frames };
	const uint64_t rest[] = { pfn + 4 };

	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.kernel = (uint8_t)kernel;
	tp.config.flags |= PB_POOL_NO_PCP;
	tp.config.max_order = tp.config.pageblock_order = 9;
	tp_region(&tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	take_all(&tp, frames);
	for (unsigned int i = 0; i < 8; i++)
		if (i != 2 && i != 3)
			put(&tp, pfn + i, 0);
	assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
	assert_int_equal(get(&tp, PB_GFP_ATOMIC | PB_GFP_MOVABLE, 1), pfn);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.nr_reserved_highatomic, reserved ? 512 : 0);
	assert_int_equal(pb_pageblock_type(&tp.pool, pfn),
			 reserved ? PB_MIGRATE_HIGHATOMIC : PB_MIGRATE_MOVABLE);
	assert_list(&tp, 2, list, rest, 1);
	tp_drop(&tp);
}

/* Found on a running 5.10: the zone of a node that ends 32 frames before its last pageblock. */
static void test_reserve_leaves_the_lists_of_a_pageblock_that_the_zone_ends_in(void **state)
{
	(void)state;
	assert_reserve_moves(PB_LINUX_5_10, 1024, true, PB_MIGRATE_HIGHATOMIC);
	assert_reserve_moves(PB_LINUX_5_10, 51200, true, PB_MIGRATE_MOVABLE);
	assert_reserve_moves(PB_LINUX_6_1, 51200, true, PB_MIGRATE_MOVABLE);
	assert_reserve_moves(PB_LINUX_6_12, 1024, true, PB_MIGRATE_HIGHATOMIC);
	assert_reserve_moves(PB_LINUX_6_12, 51200, false, PB_MIGRATE_MOVABLE);
}

/* Steal single movable frames again and again; each steal boosts the mark. */
static void assert_boosts(uint64_t high, const uint64_t *want, unsigned int n)
{
	struct tp tp;
	struct pb_zone_stat zone;
	struct pb_state_zone marks = { .watermark = { 0, 0, high, high }, .managed = 4096 };

	linux_zone(&tp, 4096, 9, 9, 0);
	assert_int_equal(pb_set_watermark_boost_factor(&tp.pool, 15000), PB_OK);
	take_all(&tp, 4096);
	for (uint64_t pfn = 0; pfn < 4096; pfn += 512)
		put(&tp, pfn, 0);
	assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
	for (unsigned int i = 0; i < n; i++) {
		get(&tp, PB_GFP_KERNEL | PB_GFP_MEMALLOC, 0);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(zone.boost, want[i]);
	}
	pb_boost_done(&tp.pool, 0, PB_ZONE_NORMAL);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.boost, 0);
	tp_drop(&tp);
}

/* Example 17: the boost of high watermarks 1000 and 200. */
static void test_example_17_watermark_boost(void **state)
{
	static const uint64_t at_1000[] = { 512, 1024, 1500, 1500 };
	static const uint64_t at_200[] = { 512, 512 };

	(void)state;
	assert_boosts(1000, at_1000, 4);
	assert_boosts(200, at_200, 2);
}

/* Found by fuzz-ops: the block lay beside its free buddy, unmerged (I6). */
static void test_modern_unreserved_block_merges(void **state)
{
	struct pb_state_zone zone = { .watermark = { 1000, 1000, 1000, 1000 },
				      .nr_reserved_highatomic = 8,
				      .managed = 16 };
	struct tp tp;
	(void)state;

	tp_start(&tp);
	tp.config.flags |= PB_POOL_NO_PCP;
	tp.config.max_order = 4;
	tp.config.pageblock_order = 3;
	tp_region(&tp, 0, 16, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(pb_alloc_at(&tp.pool, 0, 3, MOVABLE), PB_OK);
	assert_int_equal(pb_alloc_at(&tp.pool, 8, 3, MOVABLE), PB_OK);
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 0, PB_MIGRATE_HIGHATOMIC), PB_OK);
	assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &zone), PB_OK);
	put(&tp, 0, 3);
	put(&tp, 8, 3);
	assert_null(pb_alloc_pages(&tp.pool, MOVABLE | PB_GFP_NOWARN, 3));
	assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_MOVABLE);
	tp_check(&tp, "unreserved");
	tp_drop(&tp);
}

/* A pool of two pageblocks, both in the reserve and free: one block. Then a request fails. */
static void fail_beside_the_reserve(struct tp *tp, enum pb_kernel kernel)
{
	struct pb_state_zone zone = { .watermark = { 1000, 1000, 1000, 1000 },
				      .nr_reserved_highatomic = 16,
				      .managed = 16 };

	tp_start(tp);
	tp->config.profile = PB_PROFILE_LINUX;
	tp->config.kernel = (uint8_t)kernel;
	tp->config.flags |= PB_POOL_NO_PCP;
	tp->config.max_order = 4;
	tp->config.pageblock_order = 3;
	tp_region(tp, 0, 16, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	take_all(tp, 16);
	for (uint64_t pfn = 0; pfn < 16; pfn += 8)
		assert_int_equal(pb_state_set_pageblock(&tp->pool, pfn, PB_MIGRATE_HIGHATOMIC),
				 PB_OK);
	assert_int_equal(pb_state_set_zone(&tp->pool, 0, PB_ZONE_NORMAL, &zone), PB_OK);
	for (uint64_t pfn = 0; pfn < 16; pfn++)
		put(tp, pfn, 0);
	assert_int_equal(tp_nr_free(tp, 4), 1);
	assert_null(pb_alloc_pages(&tp->pool, MOVABLE | PB_GFP_NOWARN, 0));
}

/* Found on a running 6.1: after one pageblock less, a request still failed at its watermark. */
static void test_a_large_block_leaves_the_reserve_by_its_first_pageblock(void **state)
{
	static const struct {
		enum pb_kernel kernel;
		uint64_t left;
	} kernels[] = { { PB_LINUX_5_4, 8 },
			{ PB_LINUX_5_10, 8 },
			{ PB_LINUX_6_1, 8 },
			{ PB_LINUX_6_12, 0 },
			{ PB_LINUX_7_2, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		const uint64_t all[] = { 0 };
		struct pb_zone_stat zone;
		struct tp tp;

		fail_beside_the_reserve(&tp, kernels[i].kernel);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(zone.nr_reserved_highatomic, kernels[i].left);
		assert_int_equal(pb_pageblock_type(&tp.pool, 0), PB_MIGRATE_MOVABLE);
		assert_int_equal(pb_pageblock_type(&tp.pool, 8),
				 kernels[i].left ? PB_MIGRATE_HIGHATOMIC : PB_MIGRATE_MOVABLE);
		assert_list(&tp, 4, PB_MIGRATE_MOVABLE, all, 1);
		tp_check(&tp, "the block has left the reserve");
		tp_drop(&tp);
	}
}

/* An atomic request for two pageblocks: how much is reserved? */
static void test_a_large_request_reserves_its_first_pageblock(void **state)
{
	static const struct {
		enum pb_kernel kernel;
		uint64_t reserved;
	} kernels[] = { { PB_LINUX_6_1, 512 }, { PB_LINUX_6_12, 1024 }, { PB_LINUX_7_2, 1024 } };

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		const unsigned int frames = 1u << 18;
		struct pb_state_zone marks = { .watermark = { 4, frames, frames, frames },
					       .managed = frames };
		struct pb_zone_stat zone;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = PB_PROFILE_LINUX;
		tp.config.kernel = (uint8_t)kernels[i].kernel;
		tp.config.flags |= PB_POOL_NO_PCP;
		tp_region(&tp, 0, frames, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_MOVABLE, 10));
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(zone.nr_reserved_highatomic, kernels[i].reserved);
		tp_check(&tp, "reserved");
		tp_drop(&tp);
	}
}

/* ------------------------------------------ a zone that begins inside its first pageblock */

#define ZONE_BEGINS 5u
#define ZONE_ENDS 128u

static void begins_inside(struct tp *tp, enum pb_kernel kernel, unsigned int frames)
{
	tp_start(tp);
	tp->config.profile = PB_PROFILE_LINUX;
	tp->config.kernel = (uint8_t)kernel;
	tp->config.flags |= PB_POOL_NO_PCP;
	tp->config.max_order = tp->config.pageblock_order = 6;
	tp_region(tp, ZONE_BEGINS, ZONE_BEGINS + frames, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	take_all(tp, frames);
}

/* The first pfns of the free blocks of an order in [from, 64), as they stand on a list that they
   came to in order of pfn, each at its end or (`reversed`) at its beginning. */
static size_t blocks_from(const struct tp_frame *frames, uint64_t from, unsigned int order,
			  bool reversed, uint64_t *pfns)
{
	size_t n = 0;

	for (uint64_t i = from; i < 64; i++) {
		uint64_t pfn = reversed ? 63 + from - i : i;

		if (frames[pfn].state == PB_BLOCK_FREE && frames[pfn].head &&
		    frames[pfn].order == order)
			pfns[n++] = pfn;
	}
	return n;
}

static void move_from(struct tp *tp, uint64_t pfn, enum pb_migratetype type)
{
	struct zone *zone = pool_zone(&tp->pool, 0);
	struct locked at = lock_frame(&tp->pool, zone, (uint32_t)pfn);

	__move_freepages_from(&at, (uint32_t)pfn, type, NULL);
	unlock_stripe(&at);
	tp_check(tp, "moved");
}

/* Move the first pageblock's free blocks from `from` on, and back. */
static void assert_moves_from(struct tp *tp, uint64_t from, bool reversed)
{
	struct tp_frame before[ZONE_ENDS], after[ZONE_ENDS];
	uint64_t pfns[64];

	tp_frames(tp, before, ZONE_ENDS);
	if (!before[from].head) /* no search begins inside a block */
		return;
	move_from(tp, from, PB_MIGRATE_RECLAIMABLE);
	for (unsigned int order = 0; order <= 5; order++) {
		size_t n = blocks_from(before, from, order, reversed, pfns);

		assert_list(tp, order, PB_MIGRATE_RECLAIMABLE, pfns, n);
	}
	tp_frames(tp, after, ZONE_ENDS);
	for (uint64_t pfn = ZONE_BEGINS; pfn < from; pfn++)
		assert_int_equal(after[pfn].list_type, before[pfn].list_type);
	move_from(tp, 0, PB_MIGRATE_MOVABLE);
}

/* Found by the model: a search that began at a block took larger ones behind it for blocks that
   begin as far from a multiple of their size. 5.4 moves to the head, later ones to the tail. */
static void test_free_blocks_move_from_any_block_on(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (int round = 0; round < 100; round++) {
		enum pb_kernel kernel = round & 1 ? PB_LINUX_5_4 : PB_LINUX_6_1;
		uint32_t kept = 2 + tp_below(&rng, 8);
		struct tp tp;

		begins_inside(&tp, kernel, ZONE_ENDS - ZONE_BEGINS);
		for (uint64_t pfn = ZONE_BEGINS; pfn < 64; pfn++)
			if (tp_below(&rng, kept))
				put(&tp, pfn, 0);
		for (uint64_t from = ZONE_BEGINS; from < 64; from++)
			assert_moves_from(&tp, from, kernel == PB_LINUX_5_4);
		tp_drop(&tp);
	}
}

/* Kernels before 6.12 reserve such a pageblock, and move what is free in it behind the block that
   was allocated. */
static void test_reserve_moves_what_lies_behind_the_block(void **state)
{
	const unsigned int frames = 6400; /* whose hundredth is a pageblock */
	const struct pb_state_zone marks = { .watermark = { 4, 100, 100, 100 }, .managed = frames };

	(void)state;
	for (int kernel = PB_LINUX_5_4; kernel < PB_LINUX_6_12; kernel++) {
		struct tp tp;

		begins_inside(&tp, (enum pb_kernel)kernel, frames);
		put(&tp, 8, 0);
		for (uint64_t pfn = 24; pfn < 32; pfn++)
			put(&tp, pfn, 0);
		put(&tp, 10, 0);
		put(&tp, 11, 0);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
		assert_int_equal(get(&tp, PB_GFP_ATOMIC | PB_GFP_MOVABLE, 1), 10);
		assert_int_equal(pb_pageblock_type(&tp.pool, 10), PB_MIGRATE_HIGHATOMIC);
		assert_list(&tp, 3, PB_MIGRATE_HIGHATOMIC, (const uint64_t[]){ 24 }, 1);
		assert_list(&tp, 0, PB_MIGRATE_MOVABLE, (const uint64_t[]){ 8 }, 1);
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_01_pageblock_covers_its_512_frames),
		cmocka_unit_test(test_example_02_grouping_needs_a_pageblock_per_type),
		cmocka_unit_test(test_example_03_buddy_and_parent),
		cmocka_unit_test(test_tree_formulas_hold_for_every_block),
		cmocka_unit_test(test_example_04_split_adds_upper_halves),
		cmocka_unit_test(test_example_05_merge_step_by_step),
		cmocka_unit_test(test_example_06_tail_rule),
		cmocka_unit_test(test_tail_rule_ends_two_orders_below_the_largest),
		cmocka_unit_test(test_example_07_isolation_limits_merging),
		cmocka_unit_test(test_example_14_pageblock_claimed_at_half),
		cmocka_unit_test(test_modern_claims_the_pageblock_whole_or_not_at_all),
		cmocka_unit_test(test_example_15_steal_takes_the_whole_largest_block),
		cmocka_unit_test(test_movable_steals_whole_only_from_half_the_pageblock_order),
		cmocka_unit_test(test_fallback_goes_in_linux_order),
		cmocka_unit_test(test_example_16_highatomic_reserve_is_limited),
		cmocka_unit_test(
			test_reserve_leaves_the_lists_of_a_pageblock_that_the_zone_ends_in),
		cmocka_unit_test(test_example_17_watermark_boost),
		cmocka_unit_test(test_example_29_hand_over_cuts_the_region_into_blocks),
		cmocka_unit_test(test_example_30_hand_over_order),
		cmocka_unit_test(test_round_trip_of_two_order_3_blocks),
		cmocka_unit_test(test_modern_unreserved_block_merges),
		cmocka_unit_test(test_a_large_block_leaves_the_reserve_by_its_first_pageblock),
		cmocka_unit_test(test_a_large_request_reserves_its_first_pageblock),
		cmocka_unit_test(test_free_blocks_move_from_any_block_on),
		cmocka_unit_test(test_reserve_moves_what_lies_behind_the_block),
	};

	return pb_run_tests(tests);
}
