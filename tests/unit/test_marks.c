/* SPDX-License-Identifier: MIT */
/*
 * Free page reporting and cleared pages, case by case; the model (tests/model/test_marks.c) has
 * the same at random.
 */
#include "block/marks.h" /* before the public headers */

#include "support/cmocka.h"
#include "support/pool.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES 256u
#define PAGE 4096u
#define MOVABLE (PB_GFP_KERNEL | PB_GFP_MOVABLE) /* as all pageblocks are at first */
#define BLOCK 8u /* pages of a pageblock, order 3; the largest block has 32, order 5 */

static struct tp tp;
static unsigned char *memory;
static enum pb_reported answer;
static struct {
	uint64_t pfn, n;
} shown[64], told[64];
static unsigned int nr_shown, nr_told;
static void (*inside)(struct pb_pool *pool, uint64_t pfn);

static enum pb_reported on_report(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx;
	assert_true(nr_shown < 64);
	shown[nr_shown].pfn = pfn;
	shown[nr_shown++].n = n;
	if (inside)
		inside(pool, pfn);
	return answer;
}

static void on_reuse(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	assert_true(nr_told < 64);
	told[nr_told].pfn = pfn;
	told[nr_told++].n = n;
}

static void start(uint32_t flags)
{
	memory = aligned_alloc(PAGE, (size_t)FRAMES * PAGE);
	assert_non_null(memory);
	memset(memory, 0x5a, (size_t)FRAMES * PAGE);
	nr_shown = nr_told = 0;
	inside = NULL;
	answer = PB_REPORT_TAKEN;
	tp_start(&tp);
	tp.config.flags |= flags;
	tp.config.max_order = 5;
	tp.config.pageblock_order = 3;
	tp.config.nr_cpus = 1;
	tp.config.linear = memory;
	tp.hooks.report = on_report;
	tp.hooks.reuse = on_reuse;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
}

static void end(void)
{
	tp_check(&tp, "at the end");
	tp_drop(&tp);
	free(memory);
}

static uint64_t report(struct pb_report what)
{
	uint64_t pages;

	nr_shown = nr_told = 0;
	assert_int_equal(pb_report_free(&tp.pool, &what, &pages), PB_OK);
	return pages;
}

static uint64_t reported(void)
{
	struct pb_zone_stat zone;
	struct pb_pool_stat stat;

	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	pb_stats(&tp.pool, &stat);
	assert_int_equal(zone.reported, stat.reported);
	return zone.reported;
}

static uint64_t cleared(void)
{
	struct pb_zone_stat zone;
	struct pb_pool_stat stat;

	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	pb_stats(&tp.pool, &stat);
	assert_int_equal(zone.cleared, stat.cleared);
	return zone.cleared;
}

static struct pb_page *take(uint64_t pfn, unsigned int order)
{
	assert_int_equal(pb_alloc_at(&tp.pool, pfn, order, PB_GFP_KERNEL), PB_OK);
	return pb_pfn_to_page(&tp.pool, pfn);
}

static void give(struct pb_page *page, unsigned int order)
{
	assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
}

static uint8_t marks_at(uint64_t pfn)
{
	struct pb_block block;

	assert_int_equal(pb_find_block(&tp.pool, pfn, &block), PB_OK);
	return block.marks;
}

/* -------------------------------------------------------------------- reporting */

static void test_who_did_not_ask_has_none(void **state)
{
	const struct pb_report all = { 0 };
	struct pb_pool none = { 0 };
	uint64_t pages = 5;

	(void)state;
	start(0);
	assert_int_equal(pb_report_free(&tp.pool, &all, &pages), PB_ENOTSUP);
	assert_int_equal(pages, 0);
	assert_null(tp.pool.marks);
	assert_int_equal(pb_report_free(&none, &all, NULL), PB_EINVAL);
	end();
	start(PB_POOL_REPORTING);
	assert_int_equal(pb_report_free(&tp.pool, &(struct pb_report){ .order = 2 }, NULL),
			 PB_EINVAL);
	assert_int_equal(pb_report_free(&tp.pool, &(struct pb_report){ .order = 6 }, NULL),
			 PB_EINVAL);
	tp.pool.hooks.report = NULL;
	assert_int_equal(pb_report_free(&tp.pool, &all, NULL), PB_ENOTSUP);
	end();
}

static void test_all_is_shown_once_from_the_top(void **state)
{
	uint64_t below = FRAMES;

	(void)state;
	start(PB_POOL_REPORTING);
	assert_int_equal(marks_at(0), 0);
	assert_int_equal(report((struct pb_report){ 0 }), FRAMES);
	assert_int_equal(nr_shown, FRAMES / 32);
	for (unsigned int i = 0; i < nr_shown; i++) {
		assert_int_equal(shown[i].pfn + shown[i].n, below);
		below = shown[i].pfn;
	}
	assert_int_equal(below, 0);
	assert_int_equal(reported(), FRAMES);
	assert_int_equal(marks_at(100), PB_BLOCK_REPORTED);
	assert_int_equal(tp_nr_free(&tp, 5), FRAMES / 32); /* they are free as before */
	assert_int_equal(report((struct pb_report){ 0 }), 0);
	assert_int_equal(nr_shown, 0);
	end();
}

static void test_reuse_is_told_of_the_pageblock_and_before(void **state)
{
	struct pb_page *page, *small;

	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	report((struct pb_report){ 0 });
	page = take(64, 4);
	assert_int_equal(nr_told, 1);
	assert_int_equal(told[0].pfn, 64);
	assert_int_equal(told[0].n, 16);
	assert_int_equal(reported(), FRAMES - 16);
	small = take(83, 0); /* of a pageblock that is used again in part */
	assert_int_equal(nr_told, 2);
	assert_int_equal(told[1].pfn, 80);
	assert_int_equal(told[1].n, BLOCK);
	assert_int_equal(reported(), FRAMES - 16 - BLOCK);
	give(take(84, 1), 1); /* it was told already */
	assert_int_equal(nr_told, 2);
	assert_int_equal(marks_at(88), PB_BLOCK_REPORTED); /* splitting kept it */
	give(small, 0);
	give(page, 4);
	/* the block is one again, of which a part is reported: only the rest is shown */
	assert_int_equal(report((struct pb_report){ 0 }), 16 + BLOCK);
	assert_int_equal(nr_shown, 1);
	assert_int_equal(shown[0].pfn, 64);
	assert_int_equal(shown[0].n, 16 + BLOCK);
	end();
}

static void test_a_range_is_told_in_runs(void **state)
{
	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	report((struct pb_report){ 0 });
	give(take(40, 3), 3); /* one in the middle is not reported any more */
	nr_told = 0;
	take(32, 5);
	assert_int_equal(nr_told, 2);
	assert_int_equal(told[0].pfn, 32);
	assert_int_equal(told[0].n, BLOCK);
	assert_int_equal(told[1].pfn, 48);
	assert_int_equal(told[1].n, 16);
	end();
}

static struct pb_page *moved_to;

/* What is copied to was told of before, and nothing is known of it any more. */
static bool on_migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		       unsigned int order)
{
	uint64_t pfn = pb_page_to_pfn(pool, to);
	bool known = false;

	(void)ctx, (void)from;
	assert_int_equal(order, 1);
	assert_int_equal(marks_at(pfn), 0);
	for (unsigned int i = 0; i < nr_told; i++)
		known |= pfn - told[i].pfn < told[i].n;
	assert_true(known);
	moved_to = to;
	return true;
}

static void test_reuse_is_told_when_a_block_moves(void **state)
{
	static const uint32_t flags[] = { PB_POOL_REPORTING, PB_POOL_REPORTING | PB_POOL_NO_PCP,
					  PB_POOL_REPORTING | PB_POOL_CLEARED };

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		uint64_t pfn;

		start(flags[i]);
		tp.pool.hooks.migrate = on_migrate;
		assert_int_equal(pb_alloc_at(&tp.pool, 64, 1, MOVABLE), PB_OK);
		answer = flags[i] & PB_POOL_CLEARED ? PB_REPORT_CLEARED : PB_REPORT_TAKEN;
		report((struct pb_report){ 0 });
		moved_to = NULL;
		assert_int_equal(pb_offline(&tp.pool, 64, 64 + BLOCK), PB_OK);
		assert_non_null(moved_to);
		pfn = pb_page_to_pfn(&tp.pool, moved_to);
		assert_false(pfn - 64 < BLOCK);
		assert_int_equal(marks_at(pfn), 0);
		give(moved_to, 1);
		end();
	}
}

static void test_merged_blocks_stay_reported(void **state)
{
	struct pb_page *low, *high;

	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	low = take(0, 3);
	high = take(8, 3);
	give(low, 3);
	report((struct pb_report){ 0 });
	assert_int_equal(marks_at(0), PB_BLOCK_REPORTED);
	give(high, 3); /* merges with what is reported on both sides */
	assert_int_equal(tp_nr_free(&tp, 5), FRAMES / 32);
	assert_int_equal(marks_at(0), 0); /* not all of it */
	assert_int_equal(report((struct pb_report){ 0 }), BLOCK);
	assert_int_equal(marks_at(0), PB_BLOCK_REPORTED);
	end();
}

static void test_a_refusal_leaves_no_mark(void **state)
{
	(void)state;
	start(PB_POOL_REPORTING);
	answer = PB_REPORT_REFUSED;
	assert_int_equal(report((struct pb_report){ 0 }), 0);
	assert_int_equal(nr_shown, FRAMES / 32);
	assert_int_equal(reported(), 0);
	give(take(0, 5), 5);
	assert_int_equal(nr_told, 0);
	end();
}

static void test_settled_is_what_was_free_all_the_time(void **state)
{
	const struct pb_report what = { .settled = true };
	struct pb_page *page;

	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	page = take(64, 3);
	assert_int_equal(report(what), 0);
	give(take(32, 3), 3);
	give(page, 3);
	assert_int_equal(report(what), FRAMES - 2 * 32);
	assert_int_equal(report(what), 2 * 32);
	assert_int_equal(report(what), 0);
	end();
}

static void test_budget_and_order_bound_it(void **state)
{
	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	assert_int_equal(report((struct pb_report){ .pages = BLOCK - 1 }), 0);
	assert_int_equal(report((struct pb_report){ .pages = 2 * BLOCK + 3 }), 2 * BLOCK);
	assert_int_equal(shown[0].pfn, FRAMES - 2 * BLOCK);
	take(0, 3); /* what is left of that block has order 3 and 4 */
	assert_int_equal(report((struct pb_report){ .order = 5 }), FRAMES - 32 - 2 * BLOCK);
	assert_int_equal(marks_at(16), 0);
	assert_int_equal(report((struct pb_report){ .order = 4 }), 16);
	assert_int_equal(report((struct pb_report){ 0 }), BLOCK);
	end();
}

/* Half of what is above the high watermark is the most that is out of the lists. */
static void test_low_zones_show_little(void **state)
{
	struct pb_zone_stat zone;

	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	assert_int_equal(pb_set_min_free_kbytes(&tp.pool, 4 * 16), PB_OK);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	for (uint64_t pfn = 0; pfn < FRAMES - 32; pfn += 32)
		take(pfn, 5);
	assert_true(32 - zone.watermark[PB_WMARK_HIGH] < 2 * BLOCK);
	assert_int_equal(report((struct pb_report){ 0 }), 0);
	give(pb_pfn_to_page(&tp.pool, 0), 5);
	assert_int_equal(report((struct pb_report){ 0 }), 2 * 32);
	for (unsigned int i = 0; i < nr_shown; i++)
		assert_true(shown[i].n <= (64 - zone.watermark[PB_WMARK_HIGH]) / 2);
	end();
}

static void use_the_pool(struct pb_pool *pool, uint64_t pfn)
{
	struct pb_page *page = pb_alloc_pages(pool, PB_GFP_KERNEL, 2);
	struct pb_block block;

	assert_non_null(page);
	assert_int_equal(pb_free_pages(pool, page, 2), PB_OK);
	/* what is shown is nobody's: it can't be had */
	assert_int_equal(pb_find_block(pool, pfn, &block), PB_OK);
	assert_int_not_equal(block.state, PB_BLOCK_FREE);
	assert_int_equal(pb_alloc_at(pool, pfn, 3, PB_GFP_KERNEL), PB_EBUSY);
}

static void test_the_hook_may_use_the_pool(void **state)
{
	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	inside = use_the_pool;
	assert_true(report((struct pb_report){ 0 }) > 0);
	assert_int_equal(tp_free_pages(&tp), FRAMES);
	end();
}

/* Frames in a list are handed out without a look: nothing comes there that must be told first. */
static void test_lists_are_filled_from_what_is_back(void **state)
{
	struct pb_page *page[20];

	(void)state;
	start(PB_POOL_REPORTING);
	report((struct pb_report){ 0 });
	for (unsigned int i = 0; i < 20; i++) {
		assert_non_null(page[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
		tp_check(&tp, "while lists are filled");
	}
	for (unsigned int i = 0; i < 20; i++) {
		bool known = false;

		for (unsigned int k = 0; k < nr_told; k++)
			known |= pb_page_to_pfn(&tp.pool, page[i]) - told[k].pfn < told[k].n;
		assert_true(known);
		give(page[i], 0);
	}
	pb_drain(&tp.pool, -1);
	assert_int_equal(reported() + nr_told * BLOCK, FRAMES);
	end();
}

/* What isn't reported is taken before what is, of the same order. */
static void test_what_is_not_reported_is_preferred(void **state)
{
	struct pb_page *high;

	(void)state;
	start(PB_POOL_REPORTING | PB_POOL_NO_PCP);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 32)
		take(pfn, 5);
	give(pb_pfn_to_page(&tp.pool, 0), 5);
	report((struct pb_report){ 0 });
	give(pb_pfn_to_page(&tp.pool, 128), 5);
	high = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 5);
	assert_int_equal(pb_page_to_pfn(&tp.pool, high), 128);
	assert_int_equal(nr_told, 0);
	end();
}

/* ------------------------------------------------------------------ cleared pages */

static void clear(uint64_t pfn, unsigned int order)
{
	memset(memory + pfn * PAGE, 0, (size_t)PAGE << order);
}

static void give_cleared(uint64_t pfn, unsigned int order)
{
	assert_int_equal(pb_free_pages_cleared(&tp.pool, pb_pfn_to_page(&tp.pool, pfn), order),
			 PB_OK);
}

/* Told a lie, it hands out what it was told is zero: so nobody has wiped it again. */
static void test_what_is_known_to_be_zero_is_not_wiped(void **state)
{
	struct pb_page *page;

	(void)state;
	start(PB_POOL_CLEARED);
	take(64, 4);
	take(80, 4);
	give_cleared(64, 4);
	assert_int_equal(cleared(), 16);
	page = pb_alloc_pages(&tp.pool, MOVABLE | PB_GFP_ZERO, 4);
	assert_int_equal(pb_page_to_pfn(&tp.pool, page), 64);
	assert_int_equal(memory[64 * PAGE], 0x5a);
	assert_int_equal(cleared(), 0);
	give(page, 4); /* it may have been written to */
	pb_drain(&tp.pool, -1);
	take(64, 4);
	give(pb_pfn_to_page(&tp.pool, 64), 4);
	page = pb_alloc_pages(&tp.pool, MOVABLE | PB_GFP_ZERO, 4);
	assert_int_equal(memory[pb_page_to_pfn(&tp.pool, page) * PAGE], 0);
	end();
}

/* Of a block that is known in part only the rest is wiped. */
static void test_the_rest_of_a_block_is_wiped(void **state)
{
	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_NO_PCP);
	take(64, 3);
	give_cleared(64, 3); /* a lie, by which to see what is wiped */
	assert_int_equal(cleared(), BLOCK);
	assert_int_equal(marks_at(64), 0); /* merged: not all of it */
	assert_int_equal(pb_alloc_at(&tp.pool, 64, 4, PB_GFP_KERNEL | PB_GFP_ZERO), PB_OK);
	assert_int_equal(memory[64 * PAGE], 0x5a);
	assert_int_equal(memory[(64 + BLOCK) * PAGE], 0);
	assert_int_equal(memory[(64 + 2 * BLOCK) * PAGE], 0x5a); /* behind it */
	end();
}

static void test_requests_get_what_they_prefer(void **state)
{
	static const uint32_t lists[] = { 0, PB_POOL_NO_PCP };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct pb_page *zero, *any;

		start(PB_POOL_CLEARED | lists[i]);
		for (uint64_t pfn = 0; pfn < FRAMES; pfn += BLOCK)
			take(pfn, 3);
		give(pb_pfn_to_page(&tp.pool, 16), 3);
		pb_drain(&tp.pool, -1);
		clear(32, 3);
		give_cleared(32, 3);
		give(pb_pfn_to_page(&tp.pool, 64), 3);
		pb_drain(&tp.pool, -1);
		clear(96, 3);
		give_cleared(96, 3);
		zero = pb_alloc_pages(&tp.pool, MOVABLE | PB_GFP_ZERO, 3);
		any = pb_alloc_pages(&tp.pool, MOVABLE, 3);
		assert_int_equal(pb_page_to_pfn(&tp.pool, zero), 32);
		assert_int_equal(pb_page_to_pfn(&tp.pool, any), 16);
		any = pb_alloc_pages(&tp.pool, MOVABLE, 3);
		assert_int_equal(pb_page_to_pfn(&tp.pool, any), 64);
		any = pb_alloc_pages(&tp.pool, MOVABLE, 3); /* there is no other */
		assert_int_equal(pb_page_to_pfn(&tp.pool, any), 96);
		assert_int_equal(cleared(), 0);
		end();
	}
}

static void test_a_part_that_is_used_loses_its_pageblock_alone(void **state)
{
	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_NO_PCP);
	take(64, 5);
	clear(64, 5);
	give_cleared(64, 5);
	assert_int_equal(cleared(), 32);
	assert_int_equal(marks_at(64), PB_BLOCK_CLEARED);
	give(take(75, 0), 0);
	assert_int_equal(cleared(), 24);
	assert_int_equal(marks_at(75), 0);
	end();
}

/* A request of less than a pageblock is not wiped either, where it is the first of its pageblock. */
static void test_small_requests_find_zeros_too(void **state)
{
	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_NO_PCP);
	take(64, 3);
	give_cleared(64, 3); /* a lie */
	assert_int_equal(pb_alloc_at(&tp.pool, 66, 0, PB_GFP_KERNEL | PB_GFP_ZERO), PB_OK);
	assert_int_equal(memory[66 * PAGE], 0x5a);
	assert_int_equal(pb_alloc_at(&tp.pool, 67, 0, PB_GFP_KERNEL | PB_GFP_ZERO), PB_OK);
	assert_int_equal(memory[67 * PAGE], 0);
	end();
}

static void test_without_the_flag_it_is_a_free(void **state)
{
	(void)state;
	start(0);
	take(64, 4);
	give_cleared(64, 4);
	assert_int_equal(cleared(), 0);
	assert_int_equal(pb_alloc_at(&tp.pool, 64, 4, PB_GFP_KERNEL | PB_GFP_ZERO), PB_OK);
	assert_int_equal(memory[64 * PAGE], 0);
	end();
	start(PB_POOL_CLEARED);
	take(64, 2); /* less than a pageblock */
	give_cleared(64, 2);
	assert_int_equal(cleared(), 0);
	end();
}

static void test_hardened_pools_look(void **state)
{
	struct pb_page *page;

	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_HARDENED);
	page = take(64, 3);
	clear(64, 3);
	memory[(64 + 5) * PAGE + 4095] = 1;
	assert_int_equal(pb_free_pages_cleared(&tp.pool, page, 3), PB_EMISUSE);
	assert_int_equal(tp.misuse.kind, PB_MISUSE_NOT_CLEARED);
	assert_int_equal(tp.misuse.found, 5);
	assert_int_equal(tp.misuse.pfn, 64);
	assert_string_equal(tp.misuse_call, "pb_free_pages_cleared");
	assert_non_null(strstr(tp.misuse_text, "block is not zero"));
	assert_int_equal(pb_page_order(&tp.pool, page), 3); /* still its owner's */
	memory[(64 + 5) * PAGE + 4095] = 0;
	assert_int_equal(pb_free_pages_cleared(&tp.pool, page, 3), PB_OK);
	assert_int_equal(cleared(), BLOCK);
	assert_int_equal(pb_free_pages_cleared(&tp.pool, page, 3), PB_EMISUSE);
	assert_int_equal(tp.misuse.kind, PB_MISUSE_DOUBLE_FREE);
	page = take(128, 2); /* small ones are looked at, too */
	assert_int_equal(pb_free_pages_cleared(&tp.pool, page, 2), PB_EMISUSE);
	assert_int_equal(tp.misuse.kind, PB_MISUSE_NOT_CLEARED);
	end();
}

static void test_another_holder_may_have_written(void **state)
{
	struct pb_page *page;

	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_REFCOUNT);
	page = take(64, 3);
	assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
	clear(64, 3);
	give_cleared(64, 3); /* one reference less */
	assert_int_equal(cleared(), 0);
	give(page, 3);
	assert_int_equal(cleared(), 0);
	end();
}

static void test_in_the_quarantine_it_is_known(void **state)
{
	(void)state;
	start(PB_POOL_CLEARED | TP_QUARANTINE);
	take(64, 3);
	clear(64, 3);
	give_cleared(64, 3);
	assert_int_equal(cleared(), BLOCK);
	tp_check(&tp, "in the quarantine");
	pb_drain(&tp.pool, -1);
	assert_int_equal(cleared(), BLOCK);
	end();
}

/* --------------------------------------------------------------- both, and damage */

static void test_a_hook_that_clears_makes_blocks_zero(void **state)
{
	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_REPORTING | PB_POOL_NO_PCP);
	answer = PB_REPORT_CLEARED;
	report((struct pb_report){ .pages = 32 });
	assert_int_equal(cleared(), 32);
	take(0, 3);
	clear(0, 3);
	give_cleared(0, 3);
	assert_int_equal(cleared(), 32 + BLOCK);
	answer = PB_REPORT_TAKEN; /* what is in it may change */
	report((struct pb_report){ 0 });
	assert_int_equal(cleared(), 32);
	assert_int_equal(reported(), FRAMES);
	end();
	start(PB_POOL_REPORTING);
	answer = PB_REPORT_CLEARED; /* who doesn't keep it in mind doesn't */
	report((struct pb_report){ 0 });
	assert_int_equal(cleared(), 0);
	end();
}

static void test_recovery_keeps_what_is_known(void **state)
{
	struct pb_pool again = { 0 };
	struct pb_page *page;

	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_REPORTING);
	page = take(64, 3);
	clear(128, 3);
	take(128, 3);
	give_cleared(128, 3);
	report((struct pb_report){ .pages = 32 });
	tp.pool.marks[64 / BLOCK] = MARK_REPORTED; /* damaged: it is in use */
	*marked_count(&tp.pool, MARK_REPORTED) = 77;
	assert_int_equal(pb_pool_attach(&again, tp.memory, tp.bytes, true, &tp.hooks, NULL), PB_OK);
	tp.pool = again;
	tp_check(&tp, "after recovery");
	assert_int_equal(reported(), 32);
	assert_int_equal(cleared(), BLOCK);
	give(page, 3);
	end();
}

static void test_damage_is_found(void **state)
{
	(void)state;
	start(PB_POOL_CLEARED | PB_POOL_REPORTING);
	tp.pool.marks[3] = MARK_REPORTED; /* not counted */
	assert_int_equal(pb_validate(&tp.pool, &tp.error), PB_ECORRUPT);
	assert_non_null(strstr(tp.error.text, "I45: pageblocks that are reported"));
	tp.pool.marks[3] = MARKS + 1;
	assert_int_equal(pb_validate(&tp.pool, &tp.error), PB_ECORRUPT);
	assert_non_null(strstr(tp.error.text, "I45: marks that the pool has not"));
	tp.pool.marks[3] = 0;
	take(24, 0);
	tp.pool.marks[3] = MARK_CLEARED;
	assert_int_equal(pb_validate(&tp.pool, &tp.error), PB_ECORRUPT);
	assert_non_null(strstr(tp.error.text, "I45: a pageblock that isn't free has marks"));
	tp.pool.marks[3] = 0;
	end();
	/* one that may come later */
	tp_start(&tp);
	tp.config.flags |= PB_POOL_REPORTING;
	tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 1024, 2048, 0, PB_ZONE_NORMAL);
	tp.regions[1].kind = PB_REGION_HOTPLUG;
	tp_build(&tp);
	tp.pool.marks[3] = MARK_REPORTED;
	assert_int_equal(pb_validate(&tp.pool, &tp.error), PB_ECORRUPT);
	assert_non_null(strstr(tp.error.text, "I45: a pageblock that isn't there has marks"));
	tp.pool.marks[3] = 0;
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_did_not_ask_has_none),
		cmocka_unit_test(test_all_is_shown_once_from_the_top),
		cmocka_unit_test(test_reuse_is_told_of_the_pageblock_and_before),
		cmocka_unit_test(test_a_range_is_told_in_runs),
		cmocka_unit_test(test_reuse_is_told_when_a_block_moves),
		cmocka_unit_test(test_merged_blocks_stay_reported),
		cmocka_unit_test(test_a_refusal_leaves_no_mark),
		cmocka_unit_test(test_settled_is_what_was_free_all_the_time),
		cmocka_unit_test(test_budget_and_order_bound_it),
		cmocka_unit_test(test_low_zones_show_little),
		cmocka_unit_test(test_the_hook_may_use_the_pool),
		cmocka_unit_test(test_lists_are_filled_from_what_is_back),
		cmocka_unit_test(test_what_is_not_reported_is_preferred),
		cmocka_unit_test(test_what_is_known_to_be_zero_is_not_wiped),
		cmocka_unit_test(test_the_rest_of_a_block_is_wiped),
		cmocka_unit_test(test_requests_get_what_they_prefer),
		cmocka_unit_test(test_a_part_that_is_used_loses_its_pageblock_alone),
		cmocka_unit_test(test_small_requests_find_zeros_too),
		cmocka_unit_test(test_without_the_flag_it_is_a_free),
		cmocka_unit_test(test_hardened_pools_look),
		cmocka_unit_test(test_another_holder_may_have_written),
		cmocka_unit_test(test_in_the_quarantine_it_is_known),
		cmocka_unit_test(test_a_hook_that_clears_makes_blocks_zero),
		cmocka_unit_test(test_recovery_keeps_what_is_known),
		cmocka_unit_test(test_damage_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
