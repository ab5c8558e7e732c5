/* SPDX-License-Identifier: MIT */
/*
 * Recovery of metadata that no death leaves behind, but a fault may: what can't be is
 * made into the nearest thing that can, nothing is handed out twice, and the rest is
 * free down to the last page.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include "support/variants.h"

#include <string.h>

#define FRAMES 4096u

static void make(struct tp *tp, enum pb_profile profile, uint32_t flags)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= flags;
	tp->config.max_order = 6;
	tp->config.pageblock_order = 4;
	tp_region(tp, 0, FRAMES - 3, 0, PB_ZONE_NORMAL); /* its last three are absent */
	tp_reserved(tp, 20, 24);
	tp_build(tp);
}

/* Attach again with recovery; returns the pages that are free then. */
static uint64_t recovered(struct tp *tp)
{
	struct pb_error error = { 0 };
	int code;

	memset(&tp->pool, 0, sizeof(tp->pool));
	code = pb_pool_attach(&tp->pool, tp->memory, tp->bytes, true, &tp->hooks, &error);
	if (code)
		fail_msg("recovery: %d: %s", code, error.text);
	tp_check(tp, "recovered");
	return (uint64_t)tp_free_pages(tp);
}

static uint8_t *word(struct tp *tp, uint32_t frame)
{
	return &tp->pool.pages[frame].state;
}

static void for_both(void (*test)(struct tp *tp))
{
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct tp tp;

		make(&tp, (enum pb_profile)profile, 0);
		test(&tp);
		tp_drop(&tp);
	}
}

/* A head that can't be: one page keeps its owner, all others are free. */
static void one_page_of(struct tp *tp, uint32_t frame, uint8_t byte)
{
	uint64_t all = FRAMES - 3 - 4;

	*word(tp, frame) = byte;
	assert_int_equal(recovered(tp), all - 1);
	assert_int_equal(pb_page_order(&tp->pool, tp->pool.pages + frame), 0);
	assert_int_equal(pb_free_pages(&tp->pool, tp->pool.pages + frame, 0), PB_OK);
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), all);
}

static void impossible_heads(struct tp *tp)
{
	one_page_of(tp, 640, PB_PAGE_HEAD | 7);         /* an order beyond the pool's */
	one_page_of(tp, 642, PB_PAGE_HEAD | 2);         /* not aligned */
	one_page_of(tp, 16, PB_PAGE_HEAD | 4);          /* over reserved frames */
	one_page_of(tp, FRAMES - 16, PB_PAGE_HEAD | 4); /* over absent ones */
}

static void test_a_head_that_cannot_be_owns_one_page(void **state)
{
	(void)state;
	for_both(impossible_heads);
}

static void shared_head(struct tp *tp)
{
	*word(tp, 64) = PB_PAGE_HEAD | PB_PAGE_SHARED | 3;
	assert_int_equal(recovered(tp), FRAMES - 3 - 4 - 8);
	assert_int_equal(*word(tp, 64), PB_PAGE_HEAD | 3);
}

static void test_shared_is_forgotten_where_nothing_is_counted(void **state)
{
	(void)state;
	for_both(shared_head);
}

/* A byte that is no head and no mark of the map: a check died with its marks in place. */
static void stray_byte(struct tp *tp)
{
	*word(tp, 77) = 0x33;
	assert_int_equal(recovered(tp), FRAMES - 3 - 4);
	assert_int_equal(*word(tp, 77), 0);
	assert_int_equal(*word(tp, 20), PAGE_RESERVED);
	assert_int_equal(*word(tp, FRAMES - 1), PAGE_ABSENT);
}

static void test_a_byte_without_meaning_is_nobodys(void **state)
{
	(void)state;
	for_both(stray_byte);
}

static void test_references_of_nobody_are_forgotten(void **state)
{
	struct pb_page *page;
	uint32_t *refs;
	struct tp tp;

	(void)state;
	make(&tp, PB_PROFILE_MODERN, PB_POOL_REFCOUNT);
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 2);
	assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
	refs = pool_at(&tp.pool, tp.pool.super->refs);
	refs[page - tp.pool.pages + 1] = 5; /* a tail */
	refs[2000] = 7;                     /* free */
	assert_int_equal(recovered(&tp), FRAMES - 3 - 4 - 4);
	assert_int_equal(refs[page - tp.pool.pages + 1], 0);
	assert_int_equal(refs[2000], 0);
	assert_int_equal(pb_page_count(&tp.pool, page), 2);
	tp_drop(&tp);
}

static struct pageblock *block_of(struct tp *tp, uint32_t frame)
{
	return frame_pageblock(&tp->pool, frame);
}

static void types(struct tp *tp)
{
	for (uint32_t frame = 512; frame < 608; frame += 16)
		*word(tp, frame) = PB_PAGE_HEAD; /* what is free as a whole may change its type */
	block_of(tp, 512)->type = PB_MIGRATE_ISOLATE;
	block_of(tp, 512)->old_type = PB_MIGRATE_RECLAIMABLE;
	block_of(tp, 528)->type = PB_MIGRATE_ISOLATE;
	block_of(tp, 528)->old_type = 200;
	block_of(tp, 544)->type = 77;
	block_of(tp, 560)->type = PB_MIGRATE_HIGHATOMIC;
	block_of(tp, 576)->type = PB_MIGRATE_TYPES; /* the first that is none */
	block_of(tp, 592)->type = PB_MIGRATE_ISOLATE;
	block_of(tp, 592)->old_type = PB_MIGRATE_ISOLATE; /* it was never another */
	recovered(tp);
	assert_int_equal(block_of(tp, 512)->type, PB_MIGRATE_RECLAIMABLE);
	assert_int_equal(block_of(tp, 528)->type, PB_MIGRATE_MOVABLE);
	assert_int_equal(block_of(tp, 544)->type, PB_MIGRATE_MOVABLE);
	assert_int_equal(block_of(tp, 560)->type, PB_MIGRATE_HIGHATOMIC);
	assert_int_equal(block_of(tp, 576)->type, PB_MIGRATE_MOVABLE);
	assert_int_equal(block_of(tp, 592)->type, PB_MIGRATE_MOVABLE);
	assert_int_equal(pool_zone(&tp->pool, 0)->nr_reserved_highatomic, 16);
	assert_int_equal(pool_zone(&tp->pool, 0)->nr_isolate_pageblock, 0);
}

static void test_types_are_what_they_were_or_movable(void **state)
{
	(void)state;
	for_both(types);
}

/* What was said of a recorded state is not derived anew. */
static void test_a_loaded_state_keeps_what_was_said(void **state)
{
	const struct pb_state_zone marks = { .watermark = { 9, 10, 11, 12 },
					     .managed = 5000,
					     .nr_reserved_highatomic = 1024 };

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct pb_zone_stat stat;
		struct tp tp;

		tp_simple(&tp, 4096, (enum pb_profile)profile, PB_POOL_ALL_RESERVED);
		assert_int_equal(pb_state_add_free(&tp.pool, 1024, 9, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_adopt(&tp.pool, 8, 3, true), PB_OK);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
		frame_pageblock(&tp.pool, 2048)->type = PB_MIGRATE_ISOLATE;
		assert_int_equal(recovered(&tp), 512);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_int_equal(stat.managed, 5000);
		assert_int_equal(stat.nr_reserved_highatomic, 1024);
		assert_int_equal(stat.watermark[PB_WMARK_LOW], 10);
		assert_int_equal(stat.nr_isolate_pageblock, 1);
		assert_int_equal(frame_pageblock(&tp.pool, 2048)->type, PB_MIGRATE_ISOLATE);
		assert_int_equal(pb_page_order(&tp.pool, tp.pool.pages + 8), 3);
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_head_that_cannot_be_owns_one_page),
		cmocka_unit_test(test_shared_is_forgotten_where_nothing_is_counted),
		cmocka_unit_test(test_a_byte_without_meaning_is_nobodys),
		cmocka_unit_test(test_references_of_nobody_are_forgotten),
		cmocka_unit_test(test_types_are_what_they_were_or_movable),
		cmocka_unit_test(test_a_loaded_state_keeps_what_was_said),
	};

	return pb_run_tests(tests);
}
