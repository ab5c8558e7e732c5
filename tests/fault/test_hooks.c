/* SPDX-License-Identifier: MIT */
/*
 * Migrate hooks that refuse, lie, free what they were given, allocate, or return what can't be;
 * called one block at a time and in batches; by each call that moves blocks. The pool stays
 * whole, no owner loses a block that he didn't give away, and what is misuse is reported, once
 * for each time.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <string.h>

#define FRAMES 4096u
#define PAGEBLOCK 512u

enum manner {
	MOVES,
	REFUSES,
	SOMETIMES,
	LIES,             /* says yes, and the owner stays where he is */
	FREES_SAYS_YES,   /* frees the block that is to move, and tells the owner nothing */
	FREES_SAYS_NO,    /* the owner frees it meanwhile */
	OWNER_IS_DONE,    /* moves it, and the owner frees it at once */
	FREES_THE_TARGET, /* and refuses */
	ALLOCATES,        /* and frees, and keeps some */
	FREES_OTHERS, /* moves, and frees others that may have been chosen; batches only, as the next */
	SAYS_TOO_MUCH,
	SAYS_FAR_TOO_MUCH,
	NR_MANNERS
};

enum by { BY_COMPACT, BY_REQUEST, BY_CONTIG, BY_OFFLINE, NR_BY };

static const char *const by_name[NR_BY] = { "compact", "request", "contig", "offline" };

static struct {
	struct tp tp;
	enum manner manner;
	struct pb_page *page[FRAMES]; /* by owner */
	unsigned int owners;
	struct pb_page *orphan[FRAMES]; /* blocks of which no owner knows */
	unsigned int orphans;
	unsigned int calls, largest; /* of the hook; blocks of a batch */
	unsigned int misuses;        /* that there must have been */
	struct tp_rng rng;
} h;

static unsigned int owner_of(const struct pb_page *page)
{
	for (unsigned int i = 0; i < h.owners; i++)
		if (h.page[i] == page)
			return i;
	fail_msg("a page of nobody was offered, manner %d", (int)h.manner);
	return 0;
}

static void owner_frees(unsigned int i)
{
	assert_int_equal(pb_free_pages(&h.tp.pool, h.page[i], 0), PB_OK);
	h.page[i] = NULL;
}

static void allocate_inside(struct pb_pool *pool)
{
	struct pb_page *page = pb_alloc_pages(pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 1);

	if (page)
		assert_int_equal(pb_free_pages(pool, page, 1), PB_OK);
	if (tp_below(&h.rng, 8) || h.owners == FRAMES)
		return;
	page = pb_alloc_pages(pool, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN, 0);
	if (page)
		h.page[h.owners++] = page;
}

static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	unsigned int i = owner_of(from);
	bool sometimes = tp_below(&h.rng, 4) != 0;

	(void)ctx;
	assert_int_equal(order, 0);
	h.calls++;
	switch (h.manner) {
	case REFUSES:
		return false;
	case LIES:
		h.orphan[h.orphans++] = to;
		return true;
	case FREES_SAYS_YES:
		owner_frees(i);
		h.orphan[h.orphans++] = to;
		h.misuses++;
		return true;
	case FREES_SAYS_NO:
		owner_frees(i);
		return false;
	case FREES_THE_TARGET:
		assert_int_equal(pb_free_pages(pool, to, 0), PB_OK);
		h.misuses++;
		return false;
	case ALLOCATES:
		allocate_inside(pool);
		break;
	case SOMETIMES:
		if (!sometimes)
			return false;
		break;
	default:
		break;
	}
	h.page[i] = to;
	if (h.manner == OWNER_IS_DONE)
		owner_frees(i);
	return true;
}

/* Owners of blocks that may be next to be moved free them. */
static void free_others(const struct pb_move *last)
{
	for (unsigned int i = 0; i < h.owners; i++)
		if (h.page[i] > last->from && h.page[i] < last->from + 32 && tp_below(&h.rng, 2))
			owner_frees(i);
}

static size_t migrate_batch(void *ctx, struct pb_pool *pool, const struct pb_move *moves, size_t n)
{
	assert_in_range(n, 1, 16);
	if (n > h.largest)
		h.largest = (unsigned int)n;
	for (size_t i = 1; i < n; i++) { /* in order, and none twice */
		assert_true(moves[i].from > moves[i - 1].from);
		for (size_t k = 0; k < i; k++)
			assert_true(moves[i].to != moves[k].to);
	}
	if (h.manner == SAYS_TOO_MUCH || h.manner == SAYS_FAR_TOO_MUCH) {
		for (size_t i = 0; i < n; i++)
			h.orphan[h.orphans++] = moves[i].to;
		h.calls++;
		h.misuses++;
		return h.manner == SAYS_TOO_MUCH ? n + 1 : SIZE_MAX;
	}
	if (h.manner == FREES_OTHERS && !tp_below(&h.rng, 4))
		free_others(&moves[n - 1]);
	for (size_t i = 0; i < n; i++)
		if (!migrate(ctx, pool, moves[i].from, moves[i].to, moves[i].order))
			return i;
	return n;
}

/* Half full of movable pages: an odd one of each two, but for the last pageblock, which is
   empty. */
static void fill(const struct variant *v, bool batch)
{
	h.owners = h.orphans = h.calls = h.misuses = 0;
	tp_simple(&h.tp, FRAMES, v->profile, v->flags);
	if (batch)
		h.tp.pool.hooks.migrate_batch = migrate_batch;
	else
		h.tp.pool.hooks.migrate = migrate;
	for (uint64_t pfn = 1; pfn < FRAMES - PAGEBLOCK; pfn += 2) {
		assert_int_equal(pb_alloc_at(&h.tp.pool, pfn, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		h.page[h.owners++] = pb_pfn_to_page(&h.tp.pool, pfn);
	}
	pb_drain(&h.tp.pool, -1);
}

struct result {
	int code;            /* PB_OK, or it did not succeed */
	struct pb_page *run; /* what was allocated */
	size_t pages;
};

/* Each needs room that only moving can make. */
static struct result call(enum by by)
{
	struct pb_pool *pool = &h.tp.pool;
	struct result r = { PB_ENOMEM, NULL, 0 };

	switch (by) {
	case BY_COMPACT:
		r.code = pb_compact(pool, PB_NO_NODE, 9, 3);
		break;
	case BY_REQUEST:
		r.pages = 1024;
		r.run = pb_alloc_pages(pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 10);
		break;
	case BY_CONTIG:
		r.pages = 200;
		r.run = pb_alloc_contig(pool, 200, 0, 0, FRAMES - PAGEBLOCK, 0,
					PB_GFP_KERNEL | PB_GFP_NOWARN);
		break;
	default:
		r.code = pb_offline(pool, PAGEBLOCK, 2 * PAGEBLOCK);
	}
	if (r.run)
		r.code = PB_OK;
	return r;
}

static void give_back(enum by by, const struct result *r)
{
	struct pb_pool *pool = &h.tp.pool;

	if (r->code)
		return;
	if (by == BY_REQUEST)
		assert_int_equal(pb_free_pages(pool, r->run, 10), PB_OK);
	else if (by == BY_CONTIG)
		assert_int_equal(pb_free_exact(pool, r->run, r->pages), PB_OK);
	else if (by == BY_OFFLINE)
		assert_int_equal(pb_online(pool, PAGEBLOCK, 2 * PAGEBLOCK), PB_OK);
}

static int count_block(void *ctx, const struct pb_block *block)
{
	if (block->state == PB_BLOCK_ALLOCATED)
		*(uint64_t *)ctx += 1u << block->order;
	return 0;
}

static uint64_t pages_owned(void)
{
	uint64_t pages = 0;

	assert_int_equal(pb_walk(&h.tp.pool, count_block, &pages), 0);
	return pages;
}

static uint64_t pages_expected(const struct result *r)
{
	uint64_t pages = r->run ? r->pages : 0;

	for (unsigned int i = 0; i < h.owners; i++)
		pages += h.page[i] != NULL;
	if (h.manner != LIES) /* there each owner's page was freed for an orphan */
		pages += h.orphans;
	return pages;
}

/* Whoever was lied to frees a page that is no longer his. */
static void free_owners(void)
{
	unsigned int refused = 0, before = h.tp.misuse_calls;

	for (unsigned int i = 0; i < h.owners; i++)
		if (h.page[i])
			refused += pb_free_pages(&h.tp.pool, h.page[i], 0) == PB_EMISUSE;
	assert_int_equal(refused, h.manner == LIES ? h.orphans : 0);
	assert_int_equal(h.tp.misuse_calls - before, refused);
	if (refused)
		assert_true(h.tp.misuse.kind == PB_MISUSE_DOUBLE_FREE ||
			    h.tp.misuse.kind == PB_MISUSE_UNOWNED);
}

static void finish(enum by by, const struct result *r)
{
	/* a page of a range that was allocated is a page like that of which was lied: so
	   the owners come first, unless it is just these that would free it */
	if (h.manner == LIES)
		give_back(by, r);
	free_owners();
	for (unsigned int i = 0; i < h.orphans; i++)
		assert_int_equal(pb_free_pages(&h.tp.pool, h.orphan[i], 0), PB_OK);
	if (h.manner != LIES)
		give_back(by, r);
	pb_drain(&h.tp.pool, -1);
	tp_check(&h.tp, "all given back");
	assert_int_equal(pages_owned(), 0);
	assert_int_equal(tp_free_pages(&h.tp), FRAMES);
	assert_int_equal(tp_nr_free(&h.tp, 10), FRAMES >> 10);
	tp_drop(&h.tp);
}

/* What is certain, however often it was asked. */
static void check_outcome(enum by by, const struct result *r, uint64_t sum_before)
{
	enum manner m = h.manner;

	tp_require(h.calls > 0, "%s: no hook was called", by_name[by]);
	tp_require(h.tp.misuse_calls == h.misuses, "%s, manner %d: %u misuses, not %u: %s",
		   by_name[by], (int)m, h.tp.misuse_calls, h.misuses, h.tp.misuse_text);
	if (h.misuses) {
		assert_int_equal(h.tp.misuse.kind, m == SAYS_TOO_MUCH || m == SAYS_FAR_TOO_MUCH
							   ? PB_MISUSE_HOOK
							   : PB_MISUSE_DOUBLE_FREE);
		assert_string_equal(h.tp.misuse_call, "the migrate hook");
	}
	if (m == MOVES || m == OWNER_IS_DONE || m == LIES || m == FREES_SAYS_YES)
		assert_int_equal(r->code, PB_OK);
	if (m == REFUSES || m == FREES_THE_TARGET || m == SAYS_TOO_MUCH || m == SAYS_FAR_TOO_MUCH)
		assert_int_not_equal(r->code, PB_OK);
	if (m == REFUSES)
		assert_true(tp_sum_owned(&h.tp) == sum_before);
	if (m != LIES)
		for (unsigned int i = 0; i < h.owners; i++)
			if (h.page[i])
				assert_int_equal(pb_page_order(&h.tp.pool, h.page[i]), 0);
	assert_int_equal(pages_owned(), pages_expected(r));
	tp_check(&h.tp, by_name[by]);
}

static void try_all(enum manner manner, bool batch)
{
	for_each_variant(v) for (enum by by = 0; by < NR_BY; by++)
	{
		struct result r;
		uint64_t sum;

		if (by == BY_REQUEST && v->profile == PB_PROFILE_LINUX)
			continue; /* its search for units is no other than that of BY_COMPACT */
		fill(v, batch);
		h.manner = manner;
		h.rng.state = tp_seed() + (uint64_t)by;
		sum = tp_sum_owned(&h.tp);
		r = call(by);
		check_outcome(by, &r, sum);
		finish(by, &r);
	}
}

static void one_at_a_time(enum manner manner)
{
	try_all(manner, false);
}

static void in_batches(enum manner manner)
{
	h.largest = 0;
	try_all(manner, true);
	/* several go together */
	assert_in_range(h.largest, 2, 16);
}

static void both_ways(enum manner manner)
{
	one_at_a_time(manner);
	in_batches(manner);
}

static void test_a_hook_that_moves(void **state)
{
	(void)state;
	both_ways(MOVES);
}

static void test_a_hook_that_refuses(void **state)
{
	(void)state;
	both_ways(REFUSES);
}

static void test_a_hook_that_refuses_sometimes(void **state)
{
	(void)state;
	both_ways(SOMETIMES);
}

static void test_a_hook_that_lies(void **state)
{
	(void)state;
	both_ways(LIES);
}

static void test_a_hook_that_frees_the_page_being_moved(void **state)
{
	(void)state;
	both_ways(FREES_SAYS_YES);
	both_ways(FREES_SAYS_NO);
}

static void test_a_hook_that_frees_what_was_chosen(void **state)
{
	(void)state;
	in_batches(FREES_OTHERS);
}

static void test_a_hook_whose_owner_frees_at_once(void **state)
{
	(void)state;
	both_ways(OWNER_IS_DONE);
}

static void test_a_hook_that_frees_the_target(void **state)
{
	(void)state;
	both_ways(FREES_THE_TARGET);
}

static void test_a_hook_that_allocates(void **state)
{
	(void)state;
	both_ways(ALLOCATES);
}

static void test_a_hook_that_says_more_than_it_was_asked(void **state)
{
	(void)state;
	in_batches(SAYS_TOO_MUCH);
	in_batches(SAYS_FAR_TOO_MUCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hook_that_moves),
		cmocka_unit_test(test_a_hook_that_refuses),
		cmocka_unit_test(test_a_hook_that_refuses_sometimes),
		cmocka_unit_test(test_a_hook_that_lies),
		cmocka_unit_test(test_a_hook_that_frees_the_page_being_moved),
		cmocka_unit_test(test_a_hook_whose_owner_frees_at_once),
		cmocka_unit_test(test_a_hook_that_frees_what_was_chosen),
		cmocka_unit_test(test_a_hook_that_frees_the_target),
		cmocka_unit_test(test_a_hook_that_allocates),
		cmocka_unit_test(test_a_hook_that_says_more_than_it_was_asked),
	};

	return pb_run_tests(tests);
}
