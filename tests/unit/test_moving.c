/* SPDX-License-Identifier: MIT */
/*
 * What the migrate hook makes possible: contiguous ranges and large blocks out of
 * memory that is full of movable pages; and requests that go on until they succeed.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <string.h>

#include "alloc/misuse.h"

#define FRAMES 4096u

static struct {
	struct tp tp;
	struct pb_page *page[FRAMES]; /* by number: what its owner holds */
	unsigned int held;
	uint64_t keep;                /* pfn that is not to be moved */
	unsigned int offered[FRAMES]; /* times a pfn was offered to the hook */
	unsigned int moved;
	bool refuses;       /* everything */
	unsigned int frees; /* when it refuses, the owner frees every so-many-th page that moved */
	bool nested;        /* the hook asks for memory itself */
	bool onward;        /* the hook empties the pageblock that the block is moved to */
} m;

/* Room for the notes of more moves than fit the stack. */
static struct pb_move_note notes[512];

/* The owner's note of where its page is follows the page. */
static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	uint64_t pfn = pb_page_to_pfn(pool, from);

	(void)ctx;
	assert_int_equal(order, 0);
	m.offered[pfn]++;
	if (m.nested) { /* somebody else's search must leave what is being emptied alone */
		assert_null(pb_alloc_contig(pool, 100, 0, 0, FRAMES, 0, PB_GFP_NOWAIT));
		assert_int_equal(pb_alloc_at(pool, pfn, 0, PB_GFP_KERNEL), PB_EBUSY);
		assert_int_equal(pb_offline(pool, pfn & ~(uint64_t)511, (pfn | 511) + 1), PB_EBUSY);
	}
	if (m.onward) { /* `to` is full of nothing yet: not to be moved on */
		uint64_t target = pb_page_to_pfn(pool, to);
		unsigned int offered = m.offered[target];

		m.onward = false;        /* once is enough, and not from within itself */
		*pb_platform_task() = 0; /* by another task, which is in no hook */
		assert_int_equal(pb_offline_logged(pool, target & ~(uint64_t)511,
						   (target | 511) + 1, notes, 512),
				 PB_EBUSY);
		*pb_platform_task() = TASK_IN_HOOK;
		assert_int_equal(m.offered[target], offered);
		assert_int_equal(offered, 0);
	}
	if (m.refuses || pfn == m.keep) {
		for (unsigned int i = 0; m.frees && i < m.held; i += m.frees)
			if (m.page[i]) {
				assert_int_equal(pb_free_pages(pool, m.page[i], 0), PB_OK);
				m.page[i] = NULL;
			}
		return false;
	}
	for (unsigned int i = 0; i < m.held; i++)
		if (m.page[i] == from) {
			m.page[i] = to;
			m.moved++;
			return true;
		}
	fail_msg("pfn %u is nobody's", (unsigned int)pfn);
	return false;
}

/* Full of movable pages, every `gap`-th of which is freed again. */
static void fill(const struct variant *v, unsigned int gap)
{
	memset(&m, 0, sizeof(m));
	m.keep = UINT64_MAX;
	tp_simple(&m.tp, FRAMES, v->profile, v->flags);
	m.tp.pool.hooks.migrate = migrate;
	for (;;) {
		struct pb_page *page = pb_alloc_pages(&m.tp.pool,
						      PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN, 0);

		if (!page)
			break;
		m.page[m.held++] = page;
	}
	assert_int_equal(m.held, FRAMES);
	for (unsigned int i = 0; i < m.held; i += gap) {
		pb_free_pages(&m.tp.pool, m.page[i], 0);
		m.page[i] = NULL;
	}
}

static void drop(void)
{
	for (unsigned int i = 0; i < m.held; i++)
		if (m.page[i])
			assert_int_equal(pb_free_pages(&m.tp.pool, m.page[i], 0), PB_OK);
	pb_drain(&m.tp.pool, -1);
	assert_int_equal(tp_free_pages(&m.tp), FRAMES);
	assert_int_equal(tp_nr_free(&m.tp, 10), FRAMES >> 10);
	assert_int_equal(m.tp.misuse_calls, 0);
	tp_drop(&m.tp);
}

/* No page of the range is anybody else's, and all have an owner. */
static void check_range(struct pb_page *run, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pb_page_order(&m.tp.pool, run + i), 0);
	for (unsigned int i = 0; i < m.held; i++)
		assert_true(m.page[i] < run || m.page[i] >= run + n);
	tp_check(&m.tp, "moved");
}

static void test_contig_moves_what_is_in_the_way(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *run;

		fill(v, 4);
		m.nested = true;
		run = pb_alloc_contig(&m.tp.pool, 100, 64, 0, FRAMES, 0, PB_GFP_KERNEL);
		assert_non_null(run);
		assert_int_equal(pb_page_to_pfn(&m.tp.pool, run) % 64, 0);
		assert_in_range(m.moved, 60, 100);
		check_range(run, 100);
		assert_int_equal(pb_free_exact(&m.tp.pool, run, 100), PB_OK);
		drop();
	}
}

/* Leaves every `gap`-th page, and remembers where each is. */
static void thin_out(unsigned int gap, struct pb_page **place)
{
	for (unsigned int i = 0; i < m.held; i++)
		if (m.page[i] && i % gap) {
			pb_free_pages(&m.tp.pool, m.page[i], 0);
			m.page[i] = NULL;
		}
	pb_drain(&m.tp.pool, -1);
	memcpy(place, m.page, sizeof(m.page));
}

/* pfn of the last page in [start, end) that has an owner. */
static uint64_t last_owned(uint64_t start, uint64_t end)
{
	while (end > start && pb_page_order(&m.tp.pool, pb_pfn_to_page(&m.tp.pool, end - 1)) < 0)
		end--;
	assert_true(end > start);
	return end - 1;
}

/* A pool of scattered pages, thinned out, whose last one in [512, 1024) can't move. */
static void fill_with_one_that_stays(const struct variant *v, unsigned int gap,
				     struct pb_page **place)
{
	fill(v, 1u << 20);
	thin_out(gap, place);
	m.keep = last_owned(512, 1024);
}

static void test_moved_pages_go_back_when_the_range_cannot_be_emptied(void **state)
{
	static struct pb_page *place[FRAMES];

	(void)state;
	for_each_variant(v)
	{
		uint64_t sum;

		fill_with_one_that_stays(v, 16, place);
		sum = tp_sum_owned(&m.tp);
		assert_int_equal(pb_offline(&m.tp.pool, 512, 1024), PB_EBUSY);
		assert_true(m.moved && m.moved % 2 == 0);
		assert_memory_equal(place, m.page, sizeof(place));
		assert_int_equal(tp_sum_owned(&m.tp), sum);
		tp_check(&m.tp, "moved back");
		/* the range is as good as before */
		m.keep = UINT64_MAX;
		assert_int_equal(pb_offline(&m.tp.pool, 512, 1024), PB_OK);
		assert_int_equal(pb_online(&m.tp.pool, 512, 1024), PB_OK);
		drop();
	}
}

enum room { NO_ROOM, LITTLE_ROOM, ROOM_IN_LOG, ROOM_IN_PAGES };

static unsigned char memory[FRAMES << 12] __attribute__((aligned(4096)));

static int offline_with(enum room room)
{
	if (room == ROOM_IN_PAGES)
		m.tp.pool.linear = memory;
	if (room == LITTLE_ROOM || room == ROOM_IN_LOG)
		return pb_offline_logged(&m.tp.pool, 512, 1024, notes,
					 room == ROOM_IN_LOG ? 512 : 8);
	return pb_offline(&m.tp.pool, 512, 1024);
}

static void test_any_number_of_blocks_moves_back(void **state)
{
	static struct pb_page *place[FRAMES];

	(void)state;
	for (enum room room = LITTLE_ROOM; room <= ROOM_IN_PAGES; room++)
		for_each_variant(v)
		{
			uint64_t sum;

			fill_with_one_that_stays(v, 2, place);
			sum = tp_sum_owned(&m.tp);
			assert_int_equal(offline_with(room),
					 room > LITTLE_ROOM ? PB_EBUSY : PB_ENOMEM);
			assert_int_equal(m.moved, room > LITTLE_ROOM ? 2 * 255
								     : 2 * 40); /* forth and back */
			assert_memory_equal(place, m.page, sizeof(place));
			assert_int_equal(tp_sum_owned(&m.tp), sum);
			tp_check(&m.tp, "moved back");
			m.keep = UINT64_MAX;
			assert_int_equal(offline_with(room),
					 room > LITTLE_ROOM ? PB_OK : PB_ENOMEM);
			tp_check(&m.tp, "the range is as good as before");
			if (room > LITTLE_ROOM)
				assert_int_equal(pb_online(&m.tp.pool, 512, 1024), PB_OK);
			drop();
		}
}

/* Without room for notes a range of many blocks is emptied all the same; of a refusal the first
   32 moves go back. */
static void test_a_range_is_emptied_without_room_for_notes(void **state)
{
	static struct pb_page *place[FRAMES];

	(void)state;
	for_each_variant(v)
	{
		fill_with_one_that_stays(v, 2, place);
		assert_int_equal(offline_with(NO_ROOM), PB_EBUSY);
		assert_int_equal(m.moved, 255 + 32);
		tp_check(&m.tp, "32 moved back");
		m.keep = UINT64_MAX;
		assert_int_equal(offline_with(NO_ROOM), PB_OK);
		tp_check(&m.tp, "emptied");
		assert_int_equal(pb_online(&m.tp.pool, 512, 1024), PB_OK);
		drop();
	}
}

/* Some of the moved blocks are freed by their owners before they could go back. */
static void test_freed_blocks_do_not_move_back(void **state)
{
	static struct pb_page *place[FRAMES];

	(void)state;
	for_each_variant(v)
	{
		fill_with_one_that_stays(v, 2, place);
		m.frees = 5;
		assert_int_equal(offline_with(ROOM_IN_LOG), PB_EBUSY);
		for (unsigned int i = 0; i < FRAMES; i++)
			assert_true(!m.page[i] || m.page[i] == place[i]);
		tp_check(&m.tp, "moved back but for the freed ones");
		drop();
	}
}

static struct {
	unsigned int depth, calls;
} within;

/* Each call that moves blocks, from the hook that moves one. */
static bool call_within(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
			unsigned int order)
{
	struct pb_page *run;

	within.calls++;
	assert_int_equal(within.depth++, 0);
	assert_int_equal(pb_compact(pool, PB_NO_NODE, 9, 1), PB_ENOTSUP);
	assert_int_equal(pb_offline(pool, 2048, 2560), PB_EBUSY); /* in use */
	assert_int_equal(pb_offline(pool, 3584, 4096), PB_OK);    /* empty */
	assert_int_equal(pb_online(pool, 3584, 4096), PB_OK);
	assert_null(pb_alloc_contig(pool, 512, 0, 2048, 2560, 0, PB_GFP_KERNEL));
	run = pb_alloc_contig(pool, 256, 0, 3584, 4096, 0, PB_GFP_KERNEL);
	assert_non_null(run);
	assert_int_equal(pb_free_exact(pool, run, 256), PB_OK);
	within.depth--;
	return migrate(ctx, pool, from, to, order);
}

static void test_no_hook_is_called_within_a_hook(void **state)
{
	static struct pb_page *place[FRAMES];

	(void)state;
	for_each_variant(v)
	{
		fill(v, 1u << 20);
		thin_out(16, place);
		for (unsigned int i = 0; i < FRAMES; i++)
			if (m.page[i] && pb_page_to_pfn(&m.tp.pool, m.page[i]) >= 3584) {
				assert_int_equal(pb_free_pages(&m.tp.pool, m.page[i], 0), PB_OK);
				m.page[i] = NULL;
			}
		pb_drain(&m.tp.pool, -1);
		memset(&within, 0, sizeof(within));
		m.tp.pool.hooks.migrate = call_within;
		assert_int_equal(pb_offline(&m.tp.pool, 512, 1024), PB_OK);
		assert_int_equal(within.calls, 32);
		assert_int_equal(pb_online(&m.tp.pool, 512, 1024), PB_OK);
		drop();
	}
}

static void test_block_that_a_hook_fills_is_not_moved_on(void **state)
{
	static struct pb_page *place[FRAMES];

	(void)state;
	for_each_variant(v)
	{
		fill(v, 1u << 20);
		thin_out(16, place);
		m.onward = true;
		assert_int_equal(pb_offline(&m.tp.pool, 512, 1024), PB_OK);
		m.onward = false;
		tp_check(&m.tp, "moved");
		/* afterwards it moves like any other */
		for (unsigned int i = 0; i < m.held; i++)
			if (m.page[i] && m.page[i] != place[i]) {
				uint64_t pfn = pb_page_to_pfn(&m.tp.pool, m.page[i]) & ~511ull;

				assert_int_equal(pb_offline_logged(&m.tp.pool, pfn, pfn + 512,
								   notes, 512),
						 PB_OK);
				assert_int_equal(pb_online(&m.tp.pool, pfn, pfn + 512), PB_OK);
				break;
			}
		assert_int_equal(pb_online(&m.tp.pool, 512, 1024), PB_OK);
		drop();
	}
}

static void test_contig_moves_only_for_requests_that_may_wait(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		fill(v, 4);
		assert_null(pb_alloc_contig(&m.tp.pool, 100, 0, 0, FRAMES, 0, PB_GFP_NOWAIT));
		m.tp.pool.hooks.migrate = NULL;
		assert_null(pb_alloc_contig(&m.tp.pool, 100, 0, 0, FRAMES, 0, PB_GFP_KERNEL));
		assert_int_equal(m.moved, 0);
		drop();
	}
}

/* A page that stays is gone round, and not asked twice in a call. */
static void test_contig_goes_round_what_stays(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *run;

		fill(v, 4);
		m.keep = pb_page_to_pfn(&m.tp.pool, m.page[1]);
		run = pb_alloc_contig(&m.tp.pool, 32, 0, m.keep - m.keep % 512,
				      m.keep - m.keep % 512 + 1024, 0, PB_GFP_KERNEL);
		assert_non_null(run);
		assert_true(m.offered[m.keep] <= 1);
		assert_true(m.keep < pb_page_to_pfn(&m.tp.pool, run) ||
			    m.keep >= pb_page_to_pfn(&m.tp.pool, run) + 32);
		check_range(run, 32);
		assert_int_equal(pb_free_exact(&m.tp.pool, run, 32), PB_OK);
		drop();
	}
}

/* The rest of its pageblock is of use, too. */
static void test_contig_begins_right_behind_what_stays(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *run;
		uint64_t base;

		fill(v, 4);
		base = pb_page_to_pfn(&m.tp.pool, m.page[1]) & ~UINT64_C(511);
		for (unsigned int i = 0; i < m.held; i++)
			if (m.page[i] && pb_page_to_pfn(&m.tp.pool, m.page[i]) - base < 12)
				m.keep = pb_page_to_pfn(&m.tp.pool, m.page[i]);
		assert_in_range(m.keep, base, base + 11);
		run = pb_alloc_contig(&m.tp.pool, 480, 0, base, base + 512, 0, PB_GFP_KERNEL);
		assert_non_null(run);
		assert_int_equal(pb_page_to_pfn(&m.tp.pool, run), m.keep + 1);
		check_range(run, 480);
		assert_int_equal(pb_free_exact(&m.tp.pool, run, 480), PB_OK);
		drop();
	}
}

static void test_contig_gives_up_when_everything_stays(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_request request = { .gfp = PB_GFP_KERNEL | PB_GFP_NOWARN, PB_NO_NODE };
		const struct pb_range range = { 0, 0, FRAMES, 0 };
		unsigned int most = 0;

		fill(v, 4);
		m.refuses = true;
		assert_null(pb_request_contig(&m.tp.pool, &request, 64, &range));
		assert_int_equal(request.why, PB_REASON_FRAGMENTED);
		for (unsigned int i = 0; i < FRAMES; i++)
			most = m.offered[i] > most ? m.offered[i] : most;
		assert_int_equal(most, 1);
		tp_check(&m.tp, "refused");
		drop();
	}
}

/* A page with a second user stays where it is. */
static void test_shared_pages_are_not_moved(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		if (!(v->flags & PB_POOL_REFCOUNT))
			continue;
		fill(v, 4);
		for (unsigned int i = 0; i < m.held; i++)
			if (m.page[i])
				assert_int_equal(pb_get_page(&m.tp.pool, m.page[i]), PB_OK);
		assert_null(pb_alloc_contig(&m.tp.pool, 64, 0, 0, FRAMES, 0,
					    PB_GFP_KERNEL | PB_GFP_NOWARN));
		assert_int_equal(pb_compact(&m.tp.pool, PB_NO_NODE, 6, 1), PB_ENOMEM);
		assert_int_equal(m.moved, 0);
		for (unsigned int i = 0; i < m.held; i++)
			if (m.page[i])
				assert_int_equal(pb_put_page(&m.tp.pool, m.page[i]), PB_OK);
		drop();
	}
}

/* An ordinary request of a large order compacts before it fails. */
static void test_a_request_compacts(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;

		fill(v, 2);
		assert_null(pb_alloc_pages(&m.tp.pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, 6));
		assert_int_equal(tp_vm(&m.tp, PB_COMPACT_STALL), 0);
		page = pb_alloc_pages(&m.tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 6);
		assert_non_null(page);
		assert_true(m.moved > 0);
		assert_true(tp_vm(&m.tp, PB_COMPACT_STALL) > 0);
		assert_true(tp_vm(&m.tp, PB_COMPACT_SUCCESS) > 0);
		tp_check(&m.tp, "compacted");
		assert_int_equal(pb_free_pages(&m.tp.pool, page, 6), PB_OK);
		drop();
	}
}

static void test_a_request_that_can_not_compact_ends(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		fill(v, 2);
		m.refuses = true;
		assert_null(pb_alloc_pages(&m.tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 6));
		assert_true(tp_vm(&m.tp, PB_COMPACT_FAIL) > 0);
		assert_int_equal(tp_vm(&m.tp, PB_COMPACT_SUCCESS), 0);
		tp_check(&m.tp, "refused");
		drop();
	}
}

static void test_compact_says_why_not(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		fill(v, 2);
		assert_int_equal(pb_compact(&m.tp.pool, 0, 11, 1), PB_EINVAL);
		assert_int_equal(pb_compact(&m.tp.pool, 1, 3, 1), PB_ENOMEM); /* no such node */
		assert_int_equal(pb_compact(&m.tp.pool, 0, 9, 0), PB_EINVAL);
		assert_int_equal(pb_compact(&m.tp.pool, 0, 9, FRAMES + 1), PB_EINVAL);
		assert_int_equal(m.moved, 0);
		assert_int_equal(pb_compact(&m.tp.pool, 0, 9, 1), PB_OK);
		assert_int_equal(pb_compact(&m.tp.pool, 0, 10, 1), PB_OK); /* two pageblocks */
		assert_int_equal(pb_compact(&m.tp.pool, 0, 9, FRAMES / 1024), PB_OK);
		assert_int_equal(pb_compact(&m.tp.pool, 0, 9, FRAMES / 1024 + 1), PB_ENOMEM);
		assert_int_equal(tp_nr_free(&m.tp, 9) + tp_nr_free(&m.tp, 10) > 0, 1);
		m.tp.pool.hooks.migrate = NULL;
		assert_int_equal(pb_compact(&m.tp.pool, 0, 3, 1), PB_ENOTSUP);
		drop();
	}
}

/* Nowhere to move things: three quarters of the free pages lie in one pageblock. */
static void test_compact_needs_room(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		fill(v, 100);
		assert_int_equal(pb_compact(&m.tp.pool, PB_NO_NODE, 9, 1), PB_ENOMEM);
		assert_int_equal(m.moved, 0);
		drop();
	}
}

/* ------------------------------------------------------------ until it succeeds */

static struct {
	unsigned int reclaims, ooms, after;
	struct pb_page *page;
} last;

static unsigned long reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx;
	(void)order;
	(void)gfp;
	if (++last.reclaims == last.after && last.page) {
		pb_free_pages(pool, last.page, 0);
		last.page = NULL;
	}
	return 0;
}

static bool oom(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx;
	(void)pool;
	(void)order;
	(void)gfp;
	last.ooms++;
	return false;
}

/* Nobody makes progress for a long time: a NOFAIL request goes on, another one ends. */
static void test_nofail_goes_on_until_a_page_comes(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;

		fill(v, FRAMES);
		memset(&last, 0, sizeof(last));
		m.page[0] = pb_alloc_pages(&m.tp.pool, PB_GFP_KERNEL, 0);
		m.tp.pool.hooks.reclaim = reclaim;
		m.tp.pool.hooks.oom = oom;
		assert_null(pb_alloc_pages(&m.tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
		assert_true(last.reclaims > 0 && last.reclaims < 500);

		last.page = m.page[0];
		last.after = last.reclaims + 1000;
		page = pb_alloc_pages(&m.tp.pool, PB_GFP_KERNEL | PB_GFP_NOFAIL | PB_GFP_NOWARN, 0);
		assert_non_null(page);
		assert_int_equal(last.reclaims, last.after);
		m.page[0] = page;
		tp_check(&m.tp, "not failed");
		drop();
	}
}

/* 2^31 - 1 references are the most: one more is refused, and none is lost. */
static void test_references_do_not_overflow(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;
		uint32_t *refs;

		if (!(v->flags & PB_POOL_REFCOUNT))
			continue;
		fill(v, FRAMES);
		page = m.page[1];
		assert_int_equal(pb_get_page(&m.tp.pool, page), PB_OK);
		refs = (uint32_t *)pool_at(&m.tp.pool, m.tp.pool.super->refs) +
		       page_frame(&m.tp.pool, page);
		assert_int_equal(*refs, 1);
		*refs = INT32_MAX - 1;
		assert_int_equal(pb_get_page(&m.tp.pool, page), PB_OK);
		assert_int_equal(pb_page_count(&m.tp.pool, page), 1u + INT32_MAX);
		assert_int_equal(pb_get_page(&m.tp.pool, page), PB_EMISUSE);
		assert_int_equal(m.tp.misuse.kind, PB_MISUSE_REFCOUNT);
		assert_non_null(strstr(m.tp.misuse_text, "2147483647"));
		assert_int_equal(pb_page_count(&m.tp.pool, page), 1u + INT32_MAX);
		*refs = 1;
		assert_int_equal(pb_put_page(&m.tp.pool, page), PB_OK);
		m.tp.misuse_calls = 0;
		drop();
	}
}

static unsigned int refusals;

static bool refuse(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		   unsigned int order)
{
	(void)ctx, (void)pool, (void)from, (void)to;
	assert_int_equal(order, 2);
	refusals++;
	return false;
}

/* A block that its owner keeps is offered once, however many pages it has. */
static void test_a_block_is_offered_once(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *blocks[2];
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 5;
		tp.config.pageblock_order = 5;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		tp.pool.hooks.migrate = refuse;
		for (int i = 0; i < 2; i++) {
			assert_int_equal(pb_alloc_at(&tp.pool, 32u * (unsigned int)i, 2,
						     PB_GFP_HIGHUSER_MOVABLE),
					 PB_OK);
			blocks[i] = pb_pfn_to_page(&tp.pool, 32u * (unsigned int)i);
		}
		refusals = 0;
		assert_int_equal(pb_offline(&tp.pool, 0, 32), PB_EBUSY);
		assert_int_equal(refusals, 1);
		refusals = 0;
		assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 5, 1), PB_ENOMEM);
		assert_in_range(refusals, 1, 2); /* of each of the two at most */
		tp_check(&tp, "refused");
		for (int i = 0; i < 2; i++)
			assert_int_equal(pb_free_pages(&tp.pool, blocks[i], 2), PB_OK);
		tp_drop(&tp);
	}
}

/* What an owner tag says moves with the block. */
static bool accept(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		   unsigned int order)
{
	(void)pool, (void)from, (void)order;
	*(struct pb_page **)ctx = to;
	return true;
}

static void test_the_owner_goes_with_a_block(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct pb_page *page, *moved = NULL;
		uint64_t pages;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.flags |= PB_POOL_OWNERS;
		tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		tp.pool.hooks.migrate = accept;
		tp.pool.hooks.ctx = &moved;
		tp.pool.owner = 77;
		page = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, 3);
		tp.pool.owner = 5;
		assert_int_equal(pb_offline(&tp.pool,
					    pb_page_to_pfn(&tp.pool, page) & ~(uint64_t)511,
					    (pb_page_to_pfn(&tp.pool, page) | 511) + 1),
				 PB_OK);
		assert_non_null(moved);
		assert_ptr_not_equal(moved, page);
		assert_int_equal(tp.pool.owners[moved - tp.pool.pages], 77);
		assert_int_equal(pb_free_owner(&tp.pool, 77, &pages), PB_OK);
		assert_int_equal(pages, 8);
		assert_int_equal(pb_free_owner(&tp.pool, 77, &pages), PB_OK);
		assert_int_equal(pages, 0);
		tp.pool.hooks.ctx = &tp;
		tp_check(&tp, "moved and freed");
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contig_moves_what_is_in_the_way),
		cmocka_unit_test(test_moved_pages_go_back_when_the_range_cannot_be_emptied),
		cmocka_unit_test(test_any_number_of_blocks_moves_back),
		cmocka_unit_test(test_a_range_is_emptied_without_room_for_notes),
		cmocka_unit_test(test_freed_blocks_do_not_move_back),
		cmocka_unit_test(test_no_hook_is_called_within_a_hook),
		cmocka_unit_test(test_block_that_a_hook_fills_is_not_moved_on),
		cmocka_unit_test(test_contig_moves_only_for_requests_that_may_wait),
		cmocka_unit_test(test_contig_goes_round_what_stays),
		cmocka_unit_test(test_contig_begins_right_behind_what_stays),
		cmocka_unit_test(test_contig_gives_up_when_everything_stays),
		cmocka_unit_test(test_shared_pages_are_not_moved),
		cmocka_unit_test(test_a_request_compacts),
		cmocka_unit_test(test_a_request_that_can_not_compact_ends),
		cmocka_unit_test(test_compact_says_why_not),
		cmocka_unit_test(test_compact_needs_room),
		cmocka_unit_test(test_nofail_goes_on_until_a_page_comes),
		cmocka_unit_test(test_references_do_not_overflow),
		cmocka_unit_test(test_a_block_is_offered_once),
		cmocka_unit_test(test_the_owner_goes_with_a_block),
	};

	return pb_run_tests(tests);
}
