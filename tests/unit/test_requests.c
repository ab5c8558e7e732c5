/* SPDX-License-Identifier: MIT */
/*
 * The way of a request that does not succeed at once: which hooks are asked, how often,
 * from inside a hook too, and what reason is told when nothing helps.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include "alloc/gfp.h"
#include "zone/zone.h"

#include <string.h>

#define FRAMES 1024u

static struct {
	struct tp tp;
	struct pb_page *held[FRAMES + 1];
	unsigned int n;
	unsigned int reclaims, ooms, wakes, depth, deepest;
	unsigned long claims; /* what the reclaim hook says it has freed */
	bool oom_claims;
	pb_gfp_t nested; /* what a hook asks for itself */
} w;

static void enter_hook(struct pb_pool *pool)
{
	if (++w.depth > w.deepest)
		w.deepest = w.depth;
	if (w.nested)
		assert_null(pb_alloc_pages(pool, w.nested, 1));
	w.depth--;
}

static unsigned long on_reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx, (void)order, (void)gfp;
	if (++w.reclaims > 10000)
		fail_msg("reclaim is asked for ever");
	enter_hook(pool);
	return w.claims;
}

static bool on_oom(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx, (void)order, (void)gfp;
	if (++w.ooms > 10000)
		fail_msg("oom is asked for ever");
	enter_hook(pool);
	return w.oom_claims;
}

static void on_wake(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	(void)ctx, (void)node, (void)order;
	w.wakes++;
	enter_hook(pool);
}

static void start(enum pb_profile profile)
{
	memset(&w, 0, sizeof(w));
	tp_start(&w.tp);
	w.tp.config.profile = (uint8_t)profile;
	w.tp.config.zone_types |= 1u << PB_ZONE_DMA;
	w.tp.config.max_order = 5;
	w.tp.config.pageblock_order = 3;
	tp_region(&w.tp, 0, 256, 0, PB_ZONE_DMA);
	tp_region(&w.tp, 256, FRAMES, 0, PB_ZONE_NORMAL);
}

static void fill(void)
{
	while ((w.held[w.n] = pb_alloc_pages(&w.tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0)))
		w.n++;
	assert_int_equal(w.n, FRAMES);
}

/* Both zones, and nothing free. */
static void full(enum pb_profile profile)
{
	start(profile);
	tp_build(&w.tp);
	fill();
}

static void drop(void)
{
	while (w.n)
		assert_int_equal(pb_free_pages(&w.tp.pool, w.held[--w.n], 0), PB_OK);
	pb_drain(&w.tp.pool, -1);
	tp_check(&w.tp, "given back");
	assert_int_equal(w.tp.misuse_calls, 0);
	tp_drop(&w.tp);
}

static void fails(pb_gfp_t gfp, unsigned int order)
{
	w.reclaims = w.ooms = w.wakes = 0;
	assert_null(pb_alloc_pages(&w.tp.pool, gfp | PB_GFP_NOWARN, order));
}

/* ------------------------------------------------------------- whom it asks */

static void test_who_is_asked_for_help(void **state)
{
	static const struct {
		pb_gfp_t gfp;
		unsigned int order;
		bool reclaim, oom;
	} cases[] = {
		{ PB_GFP_KERNEL, 0, true, true },
		{ PB_GFP_KERNEL, 3, true, true },
		{ PB_GFP_KERNEL, 4, true, false },              /* costly */
		{ PB_GFP_KERNEL | PB_GFP_DMA, 0, true, false }, /* its zone is not the killer's */
		{ PB_GFP_KERNEL | PB_GFP_RETRY_MAYFAIL, 0, true, false },
		{ PB_GFP_KERNEL | PB_GFP_THISNODE, 0, true, false },
		{ PB_GFP_KERNEL | PB_GFP_NORETRY, 0, true, false },
		{ PB_GFP_NOWAIT, 0, false, false },
		{ PB_GFP_ATOMIC, 0, false, false },
		{ 0, 0, false, false },
	};

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		full((enum pb_profile)profile);
		w.tp.pool.hooks.reclaim = on_reclaim;
		w.tp.pool.hooks.oom = on_oom;
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			fails(cases[i].gfp, cases[i].order);
			assert_int_equal(w.reclaims > 0, cases[i].reclaim);
			assert_int_equal(w.ooms, cases[i].oom);
		}
		drop();
	}
}

/* Claims are believed for a while, then the request ends: with and without a hook that
   claims to have killed somebody. */
static void test_hooks_that_claim_progress_for_ever_do_not_hold_a_request(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		full((enum pb_profile)profile);
		w.claims = 32;
		w.tp.pool.hooks.reclaim = on_reclaim;
		fails(PB_GFP_KERNEL, 0);
		assert_in_range(w.reclaims, 17, 200);
		fails(PB_GFP_KERNEL, 4); /* costly: claims don't count */
		assert_int_equal(w.reclaims, 1);
		fails(PB_GFP_KERNEL | PB_GFP_RETRY_MAYFAIL, 4);
		assert_in_range(w.reclaims, 2, 17);
		w.tp.pool.hooks.oom = on_oom;
		w.oom_claims = true;
		fails(PB_GFP_KERNEL, 0);
		assert_in_range(w.reclaims, 17, 400);
		assert_in_range(w.ooms, 1, 400);
		drop();
	}
}

/* A hook may ask for memory; that request asks no hook again. */
static void test_a_request_from_a_hook_asks_no_hook(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		full((enum pb_profile)profile);
		w.tp.pool.hooks.reclaim = on_reclaim;
		w.tp.pool.hooks.oom = on_oom;
		w.tp.pool.hooks.wake = on_wake;
		w.nested = PB_GFP_KERNEL | PB_GFP_NOFAIL; /* not even so */
		w.tp.log_lines = 0;
		fails(PB_GFP_KERNEL, 0);
		assert_int_equal(w.deepest, 1);
		assert_int_equal(w.ooms, 1);
		assert_true(w.reclaims && w.wakes);
		assert_int_equal(w.tp.log_lines, 0); /* nor does it warn */
		drop();
	}
}

/* --------------------------------------------------------------- marks, boosts */

static struct zone *zone_number_of(unsigned int i)
{
	return pool_zone(&w.tp.pool, i);
}

/* Where nobody is woken to take a boost back, it ends when it is in the way. */
static void test_a_boost_in_the_way_ends_where_nobody_is_woken(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++)
		for (unsigned int boosted = 0; boosted < 4; boosted++) {
			start((enum pb_profile)profile);
			tp_build(&w.tp);
			for (unsigned int i = 0; i < 2; i++)
				if (boosted >> i & 1)
					zone_number_of(i)->watermark_boost = FRAMES;
			for (unsigned int i = 0; i < FRAMES; i++) {
				w.held[w.n] = pb_alloc_pages(&w.tp.pool,
							     PB_GFP_NOWAIT | PB_GFP_NOWARN, 0);
				w.n += w.held[w.n] != NULL;
			}
			assert_true(w.n >= FRAMES - 8 * (profile == PB_PROFILE_LINUX));
			assert_int_equal(zone_number_of(0)->watermark_boost, 0);
			assert_int_equal(zone_number_of(1)->watermark_boost, 0);
			drop();
		}
}

/* Spec 6.6: whoever finds the mark that a boost left wakes reclaim, but 6.1 asks nobody
   whether he may, and the others only who says __GFP_KSWAPD_RECLAIM. */
static void test_a_boosts_mark_wakes_reclaim_for_those_who_may(void **state)
{
	static const struct {
		enum pb_profile profile;
		pb_gfp_t gfp;
	} cases[] = {
		{ PB_PROFILE_MODERN, 0 },
		{ PB_PROFILE_MODERN, PB_GFP_KSWAPD_RECLAIM },
		{ PB_PROFILE_LINUX, PB_GFP_KSWAPD_RECLAIM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool may = cases[i].gfp & PB_GFP_KSWAPD_RECLAIM;

		start(cases[i].profile);
		w.tp.config.flags |= PB_POOL_NO_PCP;
		tp_build(&w.tp);
		w.tp.pool.hooks.wake = on_wake;
		zone_number_of(1)->flags |= ZONE_BOOSTED_WATERMARK;
		w.held[w.n++] = pb_alloc_pages(&w.tp.pool, cases[i].gfp, 0);
		assert_non_null(w.held[0]);
		assert_int_equal(w.wakes, may);
		assert_int_equal(!(zone_number_of(1)->flags & ZONE_BOOSTED_WATERMARK), may);
		zone_number_of(1)->flags = 0;
		drop();
	}
}

/* The reserve for atomic requests comes back to those who reclaim and get nothing. */
static void test_reclaim_gives_up_the_reserve(void **state)
{
	unsigned int got = 0;

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++)
		for (unsigned long claims = 0; claims <= 1; claims++) {
			start((enum pb_profile)profile);
			w.tp.config.kernel = PB_LINUX_6_1;
			tp_build(&w.tp);
			w.tp.pool.hooks.reclaim = on_reclaim;
			w.claims = claims;
			for (uint32_t frame = 512; frame < 536; frame += 8) {
				struct zone *zone = zone_of_frame(&w.tp.pool, frame);
				uint64_t limit = zone->managed;

				assert_int_equal(pb_alloc_at(&w.tp.pool, frame, 0, PB_GFP_KERNEL),
						 PB_OK);
				w.held[w.n++] = pb_pfn_to_page(&w.tp.pool, frame);
				zone->managed = 100 *
						FRAMES; /* whose hundredth is many pageblocks */
				reserve_highatomic_pageblock(&w.tp.pool, zone, frame, 0);
				zone->managed = limit;
			}
			assert_int_equal(zone_number_of(1)->nr_reserved_highatomic, 24);
			tp_check(&w.tp, "reserved");
			got = 0;
			while ((w.held[w.n] = pb_alloc_pages(&w.tp.pool,
							     PB_GFP_KERNEL | PB_GFP_NOWARN, 0))) {
				w.n++;
				got++;
			}
			assert_int_equal(got, FRAMES - 3);
			assert_int_equal(zone_number_of(1)->nr_reserved_highatomic, 0);
			drop();
		}
}

/* MEMALLOC has what the marks keep from others: a block, and a range. */
static void test_memalloc_goes_below_every_mark(void **state)
{
	const struct pb_range anywhere = { .high = UINT64_MAX };
	struct pb_request request = { .gfp = PB_GFP_KERNEL | PB_GFP_NOWARN, .node = PB_NO_NODE };

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct pb_page *run;

		start((enum pb_profile)profile);
		w.tp.config.min_free_kbytes = 4 * (int)FRAMES; /* all there is */
		tp_build(&w.tp);
		fails(PB_GFP_KERNEL, 0);
		fails(PB_GFP_KERNEL | PB_GFP_MEMALLOC | PB_GFP_NOMEMALLOC, 0);
		w.held[w.n++] = pb_alloc_pages(&w.tp.pool, PB_GFP_KERNEL | PB_GFP_MEMALLOC, 0);
		assert_non_null(w.held[0]);
		assert_null(pb_request_contig(&w.tp.pool, &request, 5, &anywhere));
		assert_int_equal(request.why, PB_REASON_WATERMARK);
		request.gfp |= PB_GFP_MEMALLOC | PB_GFP_NOMEMALLOC;
		assert_null(pb_request_contig(&w.tp.pool, &request, 5, &anywhere));
		request.gfp &= ~PB_GFP_NOMEMALLOC;
		run = pb_request_contig(&w.tp.pool, &request, 5, &anywhere);
		assert_non_null(run);
		assert_int_equal(pb_free_exact(&w.tp.pool, run, 5), PB_OK);
		request.gfp = PB_GFP_KERNEL | PB_GFP_NOWARN;
		drop();
	}
}

/* --------------------------------------------------------------- the reasons */

static void why(struct pb_pool *pool, pb_gfp_t gfp, int node, const pb_nodemask_t *mask,
		unsigned int order, enum pb_reason expected)
{
	struct pb_request request = { .gfp = gfp | PB_GFP_NOWARN, .node = node, .nodemask = mask };
	struct pb_page *page;
	enum pb_reason reason = PB_REASON_NONE;

	for (int call = 0; call < 4; call++) {
		request.why = PB_REASON_NO_POOL + 1;
		if (call == 0)
			assert_null(pb_request_pages(pool, &request, order));
		else if (call == 1)
			assert_int_equal(pb_request_bulk(pool, &request, order, 1, &page), 0);
		else if (call == 2)
			assert_null(pb_request_exact(pool, &request, (size_t)1 << order));
		else
			assert_null(pb_alloc_pages_nodemask(pool, gfp | PB_GFP_NOWARN, order, node,
							    mask, &reason));
		if (call == 3)
			request.why = reason;
		if (request.why != expected)
			fail_msg("call %d: %s, expected %s", call, pb_reason_name(request.why),
				 pb_reason_name(expected));
	}
	assert_null(pb_alloc_pages_nodemask(pool, gfp | PB_GFP_NOWARN, order, node, mask, NULL));
}

static void test_each_call_tells_each_reason(void **state)
{
	static const pb_nodemask_t none = 0;
	struct pb_pool zero = { 0 };

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct pb_pool *pool = &w.tp.pool;

		full((enum pb_profile)profile);
		why(pool, PB_GFP_KERNEL, PB_NO_NODE, NULL, 6, PB_REASON_TOO_BIG);
		why(pool, PB_GFP_KERNEL, PB_NO_NODE, NULL, PB_MAX_ORDER + 2, PB_REASON_TOO_BIG);
		why(pool, PB_GFP_KERNEL, PB_NO_NODE, &none, 0, PB_REASON_NO_ZONE);
		why(pool, PB_GFP_KERNEL | PB_GFP_THISNODE, 7, NULL, 0, PB_REASON_NO_ZONE);
		why(pool, PB_GFP_KERNEL, PB_NO_NODE, NULL, 0, PB_REASON_WATERMARK);
		why(pool, PB_GFP_KERNEL | PB_GFP_THISNODE, PB_NO_NODE, NULL, 0,
		    PB_REASON_WATERMARK);
		why(pool, PB_GFP_KERNEL | PB_GFP_ZERO, PB_NO_NODE, NULL, 0, PB_REASON_NO_ADDRESS);
		for (unsigned int i = 0; i < FRAMES; i += 2) /* every second page */
			assert_int_equal(pb_free_pages(pool, w.held[i], 0), PB_OK);
		why(pool, PB_GFP_KERNEL, PB_NO_NODE, NULL, 1, PB_REASON_FRAGMENTED);
		for (unsigned int i = 0; i < FRAMES; i += 2)
			w.held[i] = pb_alloc_pages(pool, PB_GFP_KERNEL, 0);
		why(pool, PB_GFP_KERNEL, 99, NULL, 0, PB_REASON_BAD_NODE);
		why(pool, PB_GFP_KERNEL, -7, NULL, 0, PB_REASON_BAD_NODE);
		why(pool, PB_GFP_KERNEL | PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE, PB_NO_NODE, NULL, 0,
		    PB_REASON_BAD_FLAGS);
		w.tp.misuse_calls = 0;
		drop();
	}
	why(&zero, PB_GFP_KERNEL, PB_NO_NODE, NULL, 0, PB_REASON_NO_POOL);
	why(&zero, PB_GFP_KERNEL, 0, NULL, 0, PB_REASON_NO_POOL);
	why(NULL, PB_GFP_KERNEL, PB_NO_NODE, NULL, 0, PB_REASON_NO_POOL);
}

/* A node by its number, on pools that are none, nodes that are none, and offline ones. */
static void test_nodes_by_number(void **state)
{
	struct pb_pool zero = { 0 };

	(void)state;
	start(PB_PROFILE_MODERN);
	tp_region(&w.tp, 4096, 4160, 2, PB_ZONE_NORMAL);
	tp_build(&w.tp);
	assert_null(pb_alloc_pages_node(NULL, 0, PB_GFP_KERNEL, 0));
	assert_null(pb_alloc_pages_node(&zero, PB_NO_NODE, PB_GFP_KERNEL, 0));
	assert_null(pb__alloc_pages_node(NULL, 0, PB_GFP_KERNEL, 0));
	assert_null(pb__alloc_pages_node(&zero, 0, PB_GFP_KERNEL, 0));
	/* without THISNODE an offline node means the nearest */
	w.held[w.n++] = pb__alloc_pages_node(&w.tp.pool, 1, PB_GFP_KERNEL, 0);
	w.held[w.n++] = pb__alloc_pages_node(&w.tp.pool, 9, PB_GFP_KERNEL, 0);
	w.held[w.n++] = pb_alloc_pages_node(&w.tp.pool, 2, PB_GFP_KERNEL | PB_GFP_THISNODE, 0);
	w.held[w.n++] = pb_alloc_pages_node(&w.tp.pool, PB_NO_NODE, PB_GFP_KERNEL, 0);
	for (unsigned int i = 0; i < w.n; i++)
		assert_non_null(w.held[i]);
	assert_int_equal(w.tp.log_lines, 0);
	assert_null(pb_alloc_pages_node(&w.tp.pool, 99, PB_GFP_KERNEL | PB_GFP_THISNODE, 0));
	assert_null(pb_alloc_pages_node(&w.tp.pool, -5, PB_GFP_KERNEL | PB_GFP_THISNODE, 0));
	assert_int_equal(w.tp.misuse_calls, 2);
	assert_int_equal(w.tp.log_lines, 0);
	assert_null(pb__alloc_pages_node(&w.tp.pool, 1,
					 PB_GFP_KERNEL | PB_GFP_THISNODE | PB_GFP_NOWARN, 0));
	assert_string_equal(w.tp.log_last,
			    "page allocation: __GFP_THISNODE on a node that is offline");
	assert_int_equal(w.tp.log_lines, 1);
	assert_null(pb_alloc_pages_node(&w.tp.pool, 40,
					PB_GFP_KERNEL | PB_GFP_THISNODE | PB_GFP_NOWARN, 0));
	assert_int_equal(w.tp.log_lines, 1); /* once */
	w.tp.misuse_calls = 0;
	drop();
}

/* Pools that hold nothing back don't log either. */
static void test_a_plain_pool_fails_in_silence(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		start((enum pb_profile)profile);
		w.tp.config.flags |= PB_POOL_PLAIN;
		w.tp.config.min_free_kbytes = -1;
		w.tp.config.watermark_boost_factor = 15000;
		w.tp.config.lowmem_reserve_ratio[PB_ZONE_DMA] = 4;
		tp_build(&w.tp);
		assert_int_equal(zone_number_of(1)->_watermark[PB_WMARK_HIGH], 0);
		assert_int_equal(zone_number_of(0)->lowmem_reserve[PB_ZONE_NORMAL], 0);
		fill();
		assert_null(pb_alloc_pages(&w.tp.pool, PB_GFP_ATOMIC, 2));
		assert_null(pb_alloc_pages(&w.tp.pool, PB_GFP_KERNEL, 9));
		assert_int_equal(w.tp.log_lines, 0);
		assert_int_equal(zone_number_of(1)->nr_reserved_highatomic, 0);
		drop();
	}
}

/* ------------------------------------------------------------------ frees */

static void test_free_bulk_names_what_can_not_be_freed(void **state)
{
	struct pb_page *pages[4];

	(void)state;
	start(PB_PROFILE_MODERN);
	w.tp.config.flags |= PB_POOL_REFCOUNT;
	tp_build(&w.tp);
	for (int i = 0; i < 3; i++)
		pages[i] = pb_alloc_pages(&w.tp.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_free_bulk(&w.tp.pool, 6, 1, pages), 0); /* no such order */
	assert_string_equal(w.tp.misuse_call, "pb_free_bulk");
	assert_int_equal(pb_get_page(&w.tp.pool, pages[0]), PB_OK);
	pages[3] = pages[2];
	pages[1] = pages[0]; /* twice, and has two references: may be */
	w.tp.misuse_calls = 0;
	assert_int_equal(pb_free_bulk(&w.tp.pool, 0, 4, pages), 0); /* pages[2] has one */
	assert_int_equal(w.tp.misuse_calls, 1);
	assert_ptr_equal(w.tp.misuse.page, pages[3]);
	assert_int_equal(pb_free_bulk(&w.tp.pool, 0, 3, pages), 3);
	assert_int_equal(pb_split_page(&w.tp.pool, w.tp.pool.pages + 8, 6), PB_EMISUSE);
	tp_drop(&w.tp);
}

/* A pool of several processes: frees that its lists don't take. */
static void test_a_shared_pool_refuses_what_others_refuse(void **state)
{
	static const uint32_t flags[] = { PB_POOL_SHARED, PB_POOL_SHARED | PB_POOL_HARDENED,
					  PB_POOL_SHARED | PB_POOL_NO_PCP };

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct pb_page *page;

		start(PB_PROFILE_MODERN);
		w.tp.config.flags |= flags[i];
		tp_build(&w.tp);
		page = pb_alloc_pages(&w.tp.pool, PB_GFP_KERNEL, 0);
		assert_int_equal(pb_free_pages(&w.tp.pool, page + FRAMES * 2, 0), PB_EMISUSE);
		assert_int_equal(pb_free_pages(&w.tp.pool, page, 5), PB_EMISUSE);
		assert_int_equal(pb_free_pages(&w.tp.pool, page, 0), PB_OK);
		assert_int_equal(pb_free_pages(&w.tp.pool, page, 0), PB_EMISUSE);
		assert_int_equal(w.tp.misuse_calls, 3);
		w.tp.misuse_calls = 0;
		page = pb_alloc_pages(&w.tp.pool, PB_GFP_KERNEL, 5); /* beyond its lists */
		assert_int_equal(pb_free_pages(&w.tp.pool, page, 5), PB_OK);
		drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_asked_for_help),
		cmocka_unit_test(test_hooks_that_claim_progress_for_ever_do_not_hold_a_request),
		cmocka_unit_test(test_a_request_from_a_hook_asks_no_hook),
		cmocka_unit_test(test_a_boost_in_the_way_ends_where_nobody_is_woken),
		cmocka_unit_test(test_a_boosts_mark_wakes_reclaim_for_those_who_may),
		cmocka_unit_test(test_reclaim_gives_up_the_reserve),
		cmocka_unit_test(test_memalloc_goes_below_every_mark),
		cmocka_unit_test(test_each_call_tells_each_reason),
		cmocka_unit_test(test_nodes_by_number),
		cmocka_unit_test(test_a_plain_pool_fails_in_silence),
		cmocka_unit_test(test_free_bulk_names_what_can_not_be_freed),
		cmocka_unit_test(test_a_shared_pool_refuses_what_others_refuse),
	};

	return pb_run_tests(tests);
}
