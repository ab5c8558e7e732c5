/* SPDX-License-Identifier: MIT */
/*
 * What the surroundings do wrong or refuse: hooks that fail, make no progress or
 * are missing, no address for __GFP_ZERO. Every request must end, and the pool
 * stay whole.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

#define FRAMES 1024u

struct world {
	struct tp tp;
	unsigned int reclaims, ooms, wakes;
	struct pb_page *hoard[FRAMES];
	unsigned int hoarded;
	unsigned int give; /* pages that the hooks give back at each call */
	bool oom_kills;
	unsigned int oom_after; /* calls of the oom hook until it has an effect */
	unsigned int oom_order;
};

static unsigned long give_back(struct world *w, unsigned int n)
{
	unsigned long given = 0;

	while (w->hoarded && given < n) {
		pb_free_pages(&w->tp.pool, w->hoard[--w->hoarded], 0);
		given++;
	}
	return given;
}

static unsigned long on_reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	struct world *w = ctx;

	assert_ptr_equal(pool, &w->tp.pool);
	assert_true(gfp & PB_GFP_DIRECT_RECLAIM);
	(void)order;
	if (++w->reclaims > 100000)
		fail_msg("reclaim called for ever");
	return give_back(w, w->give);
}

static bool on_oom(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	struct world *w = ctx;

	(void)pool;
	(void)gfp;
	w->oom_order = order;
	if (++w->ooms > 100000)
		fail_msg("oom called for ever");
	if (!w->oom_kills)
		return false;
	if (w->ooms >= w->oom_after)
		give_back(w, 64);
	return true;
}

static void on_wake(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	struct world *w = ctx;

	(void)pool;
	(void)node;
	(void)order;
	w->wakes++;
}

static void world_open(struct world *w, const struct variant *v)
{
	memset(w, 0, sizeof(*w));
	tp_simple(&w->tp, FRAMES, v->profile, v->flags);
	w->tp.pool.hooks.ctx = w;
	w->tp.pool.hooks.misuse = NULL; /* any misuse aborts */
	w->tp.pool.hooks.log = NULL;
	while ((w->hoard[w->hoarded] = pb_alloc_pages(&w->tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN,
						      0)))
		if (++w->hoarded == FRAMES)
			break;
	assert_int_equal(w->hoarded, FRAMES);
}

static void world_close(struct world *w)
{
	tp_check(&w->tp, "at the end");
	give_back(w, FRAMES);
	pb_drain(&w->tp.pool, -1);
	tp_check(&w->tp, "given back");
	tp_drop(&w->tp);
}

static struct pb_page *get(struct world *w, pb_gfp_t gfp, unsigned int order)
{
	return pb_alloc_pages(&w->tp.pool, gfp | PB_GFP_NOWARN, order);
}

static void test_request_ends_when_no_hook_is_set(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		for (unsigned int order = 0; order <= 10; order++) {
			assert_null(get(&w, PB_GFP_KERNEL, order));
			assert_null(get(&w, PB_GFP_KERNEL | PB_GFP_RETRY_MAYFAIL, order));
			assert_null(get(&w, PB_GFP_KERNEL | PB_GFP_NORETRY, order));
			assert_null(get(&w, PB_GFP_ATOMIC, order));
		}
		world_close(&w);
	}
}

static void test_request_ends_when_reclaim_makes_no_progress(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.reclaim = on_reclaim;
		for (unsigned int order = 0; order <= 4; order++) {
			w.reclaims = 0;
			assert_null(get(&w, PB_GFP_KERNEL, order));
			assert_in_range(w.reclaims, 1, 17); /* spec 8.5: 16 loops or less */
		}
		w.reclaims = 0;
		assert_null(get(&w, PB_GFP_KERNEL | PB_GFP_NORETRY, 0));
		assert_int_equal(w.reclaims, 1);
		w.reclaims = 0;
		assert_null(get(&w, PB_GFP_ATOMIC, 0));
		assert_null(get(&w, PB_GFP_NOWAIT, 0));
		assert_int_equal(w.reclaims, 0); /* must not block */
		world_close(&w);
	}
}

static void test_request_succeeds_when_reclaim_frees_something(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.reclaim = on_reclaim;
		w.give = 1;
		for (int i = 0; i < 20; i++) {
			struct pb_page *page = get(&w, PB_GFP_KERNEL, 0);

			assert_non_null(page);
			assert_int_equal(w.reclaims, i + 1);
		}
		assert_int_equal(tp_vm(&w.tp, PB_ALLOCSTALL), 20);
		tp_check(&w.tp, "reclaimed");
		tp_drop(&w.tp);
	}
}

/* Progress that never makes a large block: costly orders give up. */
static void test_costly_request_gives_up_though_reclaim_makes_progress(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.reclaim = on_reclaim;
		w.give = 1;
		assert_null(get(&w, PB_GFP_KERNEL, 9));
		assert_in_range(w.reclaims, 1, 3);
		world_close(&w);
	}
}

static void test_request_ends_when_the_oom_hook_says_no(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.reclaim = on_reclaim;
		w.tp.pool.hooks.oom = on_oom;
		assert_null(get(&w, PB_GFP_KERNEL, 0));
		assert_true(w.ooms >= 1);
		assert_int_equal(w.oom_order, 0);
		w.ooms = 0;
		/* spec 8.3: nobody is killed for these */
		assert_null(get(&w, PB_GFP_KERNEL, 4));
		assert_null(get(&w, PB_GFP_KERNEL | PB_GFP_RETRY_MAYFAIL, 0));
		assert_null(get(&w, PB_GFP_KERNEL | PB_GFP_NORETRY, 0));
		assert_null(get(&w, PB_GFP_KERNEL | PB_GFP_THISNODE, 0));
		assert_null(get(&w, PB_GFP_ATOMIC, 0));
		assert_int_equal(w.ooms, 0);
		world_close(&w);
	}
}

static void test_request_succeeds_after_the_oom_hook_freed_something(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.oom = on_oom;
		w.oom_kills = true;
		w.oom_after = 3; /* the victim needs a while */
		assert_non_null(get(&w, PB_GFP_KERNEL, 0));
		assert_int_equal(w.ooms, 3);
		tp_check(&w.tp, "after a kill");
		tp_drop(&w.tp);
	}
}

/* Works in vain for a while, then memory comes free: NOFAIL waits for it. */
static void test_nofail_waits_until_memory_comes_free(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.reclaim = on_reclaim;
		w.tp.pool.hooks.oom = on_oom;
		w.oom_kills = true;
		w.oom_after = 500;
		pb_test_reset_counts();
		assert_non_null(get(&w, PB_GFP_KERNEL | PB_GFP_NOFAIL, 0));
		assert_int_equal(w.ooms, 500);
		assert_true(pb_test_counts.relaxes > 0);
		tp_check(&w.tp, "NOFAIL");
		tp_drop(&w.tp);
	}
}

/* NOFAIL without permission to sleep can't wait: a warning, NULL. */
static void test_nofail_fails_when_it_may_not_sleep(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		assert_null(get(&w, PB_GFP_ATOMIC | PB_GFP_NOFAIL, 0));
		assert_null(get(&w, PB_GFP_NOFAIL, 0));
		world_close(&w);
	}
}

static void test_wake_hook_is_called_for_requests_that_ask(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.wake = on_wake;
		assert_null(get(&w, PB_GFP_KERNEL & ~PB_GFP_KSWAPD_RECLAIM, 0));
		assert_int_equal(w.wakes, 0);
		assert_null(get(&w, PB_GFP_NOWAIT, 0));
		assert_true(w.wakes > 0);
		world_close(&w);
	}
}

/* Called for the request's own pool, from within: hooks may allocate and free. */
static unsigned long reclaim_reenters(void *ctx, struct pb_pool *pool, unsigned int order,
				      pb_gfp_t gfp)
{
	struct world *w = ctx;
	struct pb_page *page;

	(void)order;
	(void)gfp;
	w->reclaims++;
	give_back(w, 10);
	page = pb_alloc_pages(pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 0);
	if (page)
		pb_free_pages(pool, page, 0);
	return 10;
}

static void test_hooks_may_call_back_into_the_pool(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct world w;

		world_open(&w, v);
		w.tp.pool.hooks.reclaim = reclaim_reenters;
		assert_non_null(get(&w, PB_GFP_KERNEL, 0));
		assert_int_equal(w.reclaims, 1);
		tp_check(&w.tp, "re-entered");
		tp_drop(&w.tp);
	}
}

static void *no_address(void *ctx, uint64_t pfn)
{
	(void)ctx;
	(void)pfn;
	return NULL;
}

/* Never silence: a page that can't be zeroed is not handed out, and the reason is told. */
static void test_zero_request_fails_when_there_is_no_address(void **state)
{
	(void)state;
	for_each_variant(v) for (int hook = 0; hook < 2; hook++)
	{
		const struct pb_range range = { 1, 0, FRAMES, 0 };
		struct pb_request rq = { PB_GFP_KERNEL | PB_GFP_ZERO, PB_NO_NODE, NULL, 0 };
		struct pb_page *pages[3];
		struct tp tp;
		uint64_t sum;

		tp_simple(&tp, FRAMES, v->profile, v->flags);
		tp.pool.hooks.address = hook ? no_address : NULL;
		sum = tp_sum_owned(&tp);
		assert_null(pb_request_pages(&tp.pool, &rq, 2));
		assert_int_equal(rq.why, PB_REASON_NO_ADDRESS);
		assert_int_equal(pb_request_bulk(&tp.pool, &rq, 0, 3, pages), 0);
		assert_int_equal(rq.why, PB_REASON_NO_ADDRESS);
		assert_null(pb_request_exact(&tp.pool, &rq, 3));
		assert_int_equal(rq.why, PB_REASON_NO_ADDRESS);
		assert_null(pb_request_contig(&tp.pool, &rq, 3, &range));
		assert_int_equal(rq.why, PB_REASON_NO_ADDRESS);
		assert_int_equal(pb_alloc_at(&tp.pool, 8, 3, rq.gfp), PB_ENOTSUP);
		assert_null(pb_alloc_pages(&tp.pool, rq.gfp, 2));
		tp_check(&tp, "zero");
		assert_true(tp_sum_owned(&tp) == sum);
		tp_drop(&tp);
	}
}

static bool never(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		  unsigned int order)
{
	(void)pool;
	(void)from;
	(void)to;
	(void)order;
	++*(unsigned int *)ctx;
	return false;
}

static void test_offline_and_compaction_undo_when_migration_fails(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		unsigned int calls = 0;
		uint64_t sum;

		tp_simple(&tp, 4096, v->profile, v->flags);
		for (uint64_t pfn = 0; pfn < 4096; pfn += 64)
			assert_int_equal(pb_alloc_at(&tp.pool, pfn, 0,
						     PB_GFP_KERNEL | PB_GFP_MOVABLE),
					 PB_OK);
		pb_drain(&tp.pool, -1);
		sum = tp_sum_owned(&tp);
		memset(&tp.pool.hooks, 0, sizeof(tp.pool.hooks));
		tp.pool.hooks.migrate = never;
		tp.pool.hooks.ctx = &calls;
		assert_int_equal(pb_offline(&tp.pool, 1024, 2048), PB_EBUSY);
		assert_true(calls > 0);
		assert_true(tp_sum_owned(&tp) == sum);
		assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 9, 1), PB_ENOMEM);
		tp_check(&tp, "undone");
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), 4096 - 64);
		tp_drop(&tp);
	}
}

static void test_failure_is_logged_unless_nowarn(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_simple(&tp, 64, v->profile, v->flags);
		while (pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0))
			;
		assert_int_equal(tp.log_lines, 0);
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
		assert_int_equal(tp.log_lines, 1);
		assert_non_null(strstr(tp.log_last, "order"));
		assert_null(strchr(tp.log_last, '\n'));
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_ends_when_no_hook_is_set),
		cmocka_unit_test(test_request_ends_when_reclaim_makes_no_progress),
		cmocka_unit_test(test_request_succeeds_when_reclaim_frees_something),
		cmocka_unit_test(test_costly_request_gives_up_though_reclaim_makes_progress),
		cmocka_unit_test(test_request_ends_when_the_oom_hook_says_no),
		cmocka_unit_test(test_request_succeeds_after_the_oom_hook_freed_something),
		cmocka_unit_test(test_nofail_waits_until_memory_comes_free),
		cmocka_unit_test(test_nofail_fails_when_it_may_not_sleep),
		cmocka_unit_test(test_wake_hook_is_called_for_requests_that_ask),
		cmocka_unit_test(test_hooks_may_call_back_into_the_pool),
		cmocka_unit_test(test_zero_request_fails_when_there_is_no_address),
		cmocka_unit_test(test_offline_and_compaction_undo_when_migration_fails),
		cmocka_unit_test(test_failure_is_logged_unless_nowarn),
	};

	return pb_run_tests(tests);
}
