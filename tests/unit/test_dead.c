/* SPDX-License-Identifier: MIT */
/* A shared pool whose locks are held by somebody who has ended: survivors repair and go on. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

#include "pcp/pcp.h"

#define FRAMES 4096u
#define DEAD 7u /* of pb_test_end() */
#define ALIVE 9u
#define NUMBER(self) (2u + (self)) /* as the test port tells it */

static void prepare(struct tp *tp, const struct variant *v)
{
	pb_test_set_self(0);
	pb_test_end(1000);
	tp_start(tp);
	tp->config.profile = (uint8_t)v->profile;
	tp->config.flags |= v->flags | PB_POOL_SHARED;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
}

static void start(struct tp *tp, const struct variant *v)
{
	prepare(tp, v);
	tp_build(tp);
}

static void drop(struct tp *tp)
{
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), FRAMES);
	tp_check(tp, "at the end");
	assert_int_equal(tp->misuse_calls, 0);
	tp_drop(tp);
}

/* Hits, and misses on both ends of a list. */
static void test_pages_come_and_go(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		static struct pb_page *page[2000];
		struct tp tp;

		start(&tp, v);
		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < 2000; i++)
				page[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
			tp_check(&tp, "taken");
			for (int i = 0; i < 2000; i++)
				assert_int_equal(pb_free_pages(&tp.pool, page[i], 0), PB_OK);
			tp_check(&tp, "given back");
		}
		drop(&tp);
	}
}

/* Whoever died inside a call left the lock of the users. */
static void test_the_users_lock_of_a_dead_one(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;
		uint32_t repairs;
		struct tp tp;

		start(&tp, v);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 2);
		repairs = tp.pool.super->repairs;
		tp.pool.super->users_lock = NUMBER(DEAD);
		tp.pool.super->users_depth = 3;
		pb_test_end(DEAD);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp.pool.super->users_lock, 0);
		assert_int_equal(tp.pool.super->users_depth, 0);
		assert_int_equal(tp.pool.super->repairs, repairs + 2); /* odd while it goes on */
		tp_check(&tp, "repaired");
		assert_int_equal(pb_page_order(&tp.pool, page), 2);
		assert_int_equal(pb_free_pages(&tp.pool, page, 2), PB_OK);
		drop(&tp);
	}
}

/* A recovery waits for who is at work, but not for ever. */
static void test_recovery_beside_the_living(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_error error = { 0 };
		struct pb_pool other;
		struct tp tp;

		start(&tp, v);
		tp.pool.super->users_lock = NUMBER(ALIVE);
		assert_int_equal(pb_pool_attach(&other, tp.memory, tp.bytes, true, NULL, &error),
				 PB_EBUSY);
		assert_true(error.text[0]);
		assert_int_equal(tp.pool.super->users_lock & 0x7fffffff, NUMBER(ALIVE));
		tp.pool.super->users_lock = 0;
		assert_int_equal(pb_pool_attach(&other, tp.memory, tp.bytes, true, NULL, &error),
				 PB_OK);
		assert_int_equal(tp.pool.super->users_lock, 0);
		drop(&tp);
	}
}

/* The top block of some list of CPU 0, which its owner has marked but not yet taken off. */
static struct pb_page *half_taken(struct tp *tp, struct pcp_area *area)
{
	uint32_t lists = (tp->pool.super->nr_zones * (uint32_t)PB_MIGRATE_PCPTYPES + 1)
			 << tp->pool.super->class_shift;
	struct pcp_list *list = (struct pcp_list *)(area + 1);

	for (uint32_t i = 0; i < lists; i++, list++) {
		uint32_t top = PCP_TOP(list->head), frame;

		if (top == list->base)
			continue;
		frame = pcp_slots(area)[top - 1];
		return tp->pool.pages + frame;
	}
	return NULL;
}

/* Died between the two stores of a hit: the block is the dead one's, once. */
static void test_a_hit_that_was_not_ended(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page, *next;
		struct pcp_area *area;
		struct tp tp;

		if (v->profile == PB_PROFILE_LINUX || v->flags & PB_POOL_NO_PCP ||
		    (v->flags & TP_QUARANTINE) == TP_QUARANTINE)
			continue; /* nothing that is freed is on a list */
		start(&tp, v);
		pb_free_pages(&tp.pool, pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0), 0);
		area = pcp_area(&tp.pool, 0);
		page = half_taken(&tp, area);
		assert_non_null(page);
		page->state = PB_PAGE_HEAD;
		area->lock = NUMBER(DEAD);
		next = pb_alloc_pages(&tp.pool, PB_GFP_NOWAIT, 0); /* it lives: another way */
		assert_non_null(next);
		assert_ptr_not_equal(next, page);
		assert_int_equal(area->lock, NUMBER(DEAD));
		pb_test_end(DEAD);
		pb_drain(&tp.pool, -1);
		assert_int_equal(area->lock, 0);
		tp_check(&tp, "taken over");
		assert_int_equal(pb_page_order(&tp.pool, page), 0); /* the dead one's */
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		assert_int_equal(pb_free_pages(&tp.pool, next, 0), PB_OK);
		drop(&tp);
	}
}

static void die_in_the_last_list(const struct variant *v, uint8_t max_order)
{
	const pb_gfp_t gfp = PB_GFP_KERNEL | PB_GFP_RECLAIMABLE;
	struct pcp_area *area;
	struct pb_page *page;
	unsigned int order;
	struct tp tp;

	prepare(&tp, v);
	tp.config.max_order = max_order;
	tp.config.pageblock_order = max_order;
	tp_build(&tp);
	order = tp.pool.nr_pcp_orders - 1u;
	pb_free_pages(&tp.pool, pb_alloc_pages(&tp.pool, gfp, order), order);
	area = pcp_area(&tp.pool, 0);
	page = half_taken(&tp, area);
	assert_non_null(page);
	page->state = (uint8_t)(PB_PAGE_HEAD | order);
	area->lock = NUMBER(DEAD);
	pb_test_end(DEAD);
	pb_drain(&tp.pool, -1);
	assert_int_equal(area->lock, 0);
	tp_check(&tp, "taken over");
	assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
	drop(&tp);
}

/* Each list is looked at: the last one is of the last type's largest order. */
static void test_a_hit_in_the_last_list_was_not_ended(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		if (v->profile == PB_PROFILE_LINUX || v->flags & PB_POOL_NO_PCP ||
		    (v->flags & TP_QUARANTINE) == TP_QUARANTINE)
			continue;
		for (uint8_t max_order = 2; max_order <= 4; max_order++)
			die_in_the_last_list(v, max_order);
	}
}

/* A repair holds the areas of those who died in them, and of none that goes on. */
static void test_a_repair_takes_areas_over(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		if (v->flags & PB_POOL_NO_PCP)
			continue;
		start(&tp, v);
		pb_free_pages(&tp.pool, pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0), 0);
		pcp_area(&tp.pool, 0)->lock = NUMBER(DEAD);
		tp.pool.super->users_lock = NUMBER(DEAD);
		pb_test_end(DEAD);
		pb_pcp_decay(&tp.pool);
		pb_drain(&tp.pool, -1);
		assert_int_equal(pcp_area(&tp.pool, 0)->lock, 0);
		assert_int_equal(tp.pool.super->users_lock, 0);
		drop(&tp);
	}
}

/* The hook's own calls are not inside the one that called it. */
static unsigned long reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	struct pb_page **held = ctx;

	(void)order;
	(void)gfp;
	assert_int_equal(pool->super->users_depth, 0);
	pb_drain(pool, -1);
	if (!*held)
		return 0;
	pb_free_pages(pool, *held, 6);
	*held = NULL;
	return 64;
}

static void test_hooks_step_out(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *held, *page[FRAMES], *got;
		unsigned int n = 0;
		struct tp tp;

		start(&tp, v);
		held = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 6);
		while ((page[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0)))
			n++;
		tp.pool.hooks.ctx = &held;
		tp.pool.hooks.reclaim = reclaim;
		got = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 5);
		assert_non_null(got);
		assert_null(held);
		tp.pool.hooks.ctx = &tp;
		tp.pool.hooks.reclaim = NULL;
		assert_int_equal(pb_free_pages(&tp.pool, got, 5), PB_OK);
		while (n--)
			assert_int_equal(pb_free_pages(&tp.pool, page[n], 0), PB_OK);
		drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_come_and_go),
		cmocka_unit_test(test_the_users_lock_of_a_dead_one),
		cmocka_unit_test(test_recovery_beside_the_living),
		cmocka_unit_test(test_a_hit_that_was_not_ended),
		cmocka_unit_test(test_a_hit_in_the_last_list_was_not_ended),
		cmocka_unit_test(test_a_repair_takes_areas_over),
		cmocka_unit_test(test_hooks_step_out),
	};

	return pb_run_tests(tests);
}
