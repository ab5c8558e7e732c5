/* SPDX-License-Identifier: MIT */
/* Allocation and free through every entry point, at their boundaries. */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES 4096u

static void pool_4096(struct tp *tp, const struct variant *v)
{
	tp_simple(tp, FRAMES, v->profile, v->flags);
}

static void assert_as_new(struct tp *tp, int64_t managed)
{
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), managed);
	assert_int_equal(tp_nr_free(tp, tp->config.max_order), managed >> tp->config.max_order);
	tp_check(tp, "all given back");
}

static void test_alloc_gives_aligned_block_of_every_order(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		pool_4096(&tp, v);
		for (unsigned int order = 0; order <= 10; order++) {
			struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);

			assert_non_null(page);
			assert_int_equal(pb_page_to_pfn(&tp.pool, page) & ((1u << order) - 1), 0);
			assert_int_equal(pb_page_order(&tp.pool, page), (int)order);
			assert_int_equal(pb_page_count(&tp.pool, page), 1);
			assert_int_equal(pb_page_node(&tp.pool, page), 0);
			assert_int_equal(pb_page_zone(&tp.pool, page), PB_ZONE_NORMAL);
			tp_check(&tp, "one block");
			assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
			assert_int_equal(pb_page_order(&tp.pool, page), PB_EINVAL);
			tp_check(&tp, "given back");
		}
		tp.misuse_calls = 0;
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

/* Not one page is left when NULL is returned, and none is given twice. */
static void test_alloc_hands_out_every_page_until_none_is_left(void **state)
{
	static unsigned char seen[FRAMES];
	static struct pb_page *pages[FRAMES + 1];

	(void)state;
	for_each_variant(v) for (unsigned int order = 0; order <= 10; order++)
	{
		struct tp tp;
		unsigned int n = 0;
		enum pb_reason why = PB_REASON_NONE;

		memset(seen, 0, sizeof(seen));
		pool_4096(&tp, v);
		while ((pages[n] = pb_alloc_pages_nodemask(&tp.pool, PB_GFP_KERNEL, order, 0, NULL,
							   &why))) {
			uint64_t pfn = pb_page_to_pfn(&tp.pool, pages[n]);

			assert_true(pfn < FRAMES && !seen[pfn]);
			seen[pfn] = 1;
			assert_int_equal(why, PB_REASON_NONE);
			n++;
		}
		assert_int_equal(n, FRAMES >> order);
		assert_int_equal(why, PB_REASON_WATERMARK);
		assert_int_equal(tp_free_pages(&tp), 0);
		tp_check(&tp, "exhausted");
		while (n--)
			assert_int_equal(pb_free_pages(&tp.pool, pages[n], order), PB_OK);
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

static void test_alloc_fails_and_warns_once_when_order_is_too_large(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		enum pb_reason why;
		uint64_t sum;

		pool_4096(&tp, v);
		sum = tp_sum(&tp);
		assert_null(pb_alloc_pages_nodemask(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 11, 0,
						    NULL, &why));
		assert_int_equal(why, PB_REASON_TOO_BIG);
		assert_int_equal(tp.log_lines, 0);
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 11));
		assert_int_equal(tp.log_lines, 1);
		assert_null(strchr(tp.log_last, '\n'));
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 52));
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, UINT32_MAX));
		assert_int_equal(tp.log_lines, 1);
		assert_int_equal(tp.misuse_calls, 0);
		assert_true(tp_sum(&tp) == sum);
		tp_drop(&tp);
	}
}

/* DESIGN 9: a failed large request must not undo a neighbour's block. */
static void test_alloc_leaves_neighbours_alone_when_the_largest_order_fails(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *pages[64];
		uint64_t sum;

		pool_4096(&tp, v);
		/* every span keeps one block: no order 10 is to be had, 9 is */
		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(pb_alloc_at(&tp.pool, i * 1024u, 3, PB_GFP_KERNEL), PB_OK);
			pages[i] = pb_pfn_to_page(&tp.pool, i * 1024u);
		}
		sum = tp_sum_owned(&tp);
		for (int i = 0; i < 3; i++)
			assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 10));
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(pb_page_order(&tp.pool, pages[i]), 3);
		/* counters of failures aside, nothing moved */
		tp_check(&tp, "after failures");
		assert_true(tp_sum_owned(&tp) == sum);
		for (unsigned int i = 0; i < 4; i++) {
			pages[4 + i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 9);
			assert_non_null(pages[4 + i]);
		}
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(pb_free_pages(&tp.pool, pages[i], i < 4 ? 3 : 9), PB_OK);
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

static void test_alloc_says_fragmented_when_only_small_blocks_are_free(void **state)
{
	struct tp tp;
	enum pb_reason why;

	(void)state;
	tp_simple(&tp, 64, PB_PROFILE_MODERN, PB_POOL_NO_PCP);
	for (uint64_t pfn = 0; pfn < 64; pfn += 2)
		assert_int_equal(pb_alloc_at(&tp.pool, pfn, 0, PB_GFP_KERNEL), PB_OK);
	assert_int_equal(tp_free_pages(&tp), 32);
	assert_null(
		pb_alloc_pages_nodemask(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 1, 0, NULL, &why));
	assert_int_equal(why, PB_REASON_FRAGMENTED);
	tp_drop(&tp);
}

/*
 * 64 single frames in another block: Linux's count of free pages, which the
 * linux profile's watermarks go by, may lag behind by a few pages a CPU.
 */
static void free_singles(struct tp *tp)
{
	assert_int_equal(pb_split_page(&tp->pool, pb_pfn_to_page(&tp->pool, 3072), 10), PB_OK);
	for (uint64_t i = 0; i < 128; i += 2)
		assert_int_equal(pb_free_pages(&tp->pool, pb_pfn_to_page(&tp->pool, 3072 + i), 0),
				 PB_OK);
}

/* DESIGN 9: intermediate orders that fail although counters say there is room. */
static void test_alloc_serves_every_order_that_a_free_block_contains(void **state)
{
	(void)state;
	for_each_variant(v) for (unsigned int have = 0; have <= 10;
				 have++) for (unsigned int want = 0; want <= have; want++)
	{
		struct tp tp;

		pool_4096(&tp, v);
		for (unsigned int i = 0; i < 4; i++)
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 10));
		assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, 2048), 10),
				 PB_OK);
		if (have < 10) {
			assert_int_equal(pb_alloc_at(&tp.pool, 2048, 10, PB_GFP_KERNEL), PB_OK);
			assert_int_equal(
				pb_split_page(&tp.pool, pb_pfn_to_page(&tp.pool, 2048), 10), PB_OK);
			for (uint64_t i = 0; i < 1u << have; i++)
				pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, 2048 + i), 0);
		}
		free_singles(&tp);
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, want));
		tp_check(&tp, "served");
		tp_drop(&tp);
	}
}

static void *zero_address(void *ctx, uint64_t pfn)
{
	return (char *)ctx + (pfn << 12);
}

static void test_alloc_zeroes_the_whole_block_when_asked(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		char *memory = malloc(256 << 12);
		struct pb_page *page;
		char *block;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.linear = memory;
		tp.config.linear_pfn = 512;
		tp_region(&tp, 512, 768, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		memset(memory, 0x77, 256 << 12);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_ZERO, 3);
		block = pb_page_address(&tp.pool, page);
		assert_ptr_equal(block, memory + ((pb_page_to_pfn(&tp.pool, page) - 512) << 12));
		for (int i = 0; i < 8 << 12; i++)
			assert_int_equal(block[i], 0);
		if (block > memory)
			assert_int_equal(block[-1], 0x77);
		if (block + (8 << 12) < memory + (256 << 12))
			assert_int_equal(block[8 << 12], 0x77);
		assert_ptr_equal(pb_address_to_page(&tp.pool, block), page);
		assert_null(pb_address_to_page(&tp.pool, block + 4095)); /* not a page's */
		assert_null(pb_address_to_page(&tp.pool, memory - 4096));
		assert_null(pb_address_to_page(&tp.pool, memory + (256 << 12)));
		tp_drop(&tp);
		free(memory);
	}
}

static void test_alloc_zeroes_through_the_address_hook(void **state)
{
	struct tp tp;
	char *memory = malloc(64 << 12);
	char *block;

	(void)state;
	tp_start(&tp);
	tp.hooks.ctx = memory;
	tp.hooks.misuse = NULL;
	tp.hooks.log = NULL;
	tp.hooks.address = zero_address;
	tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	memset(memory, 0x77, 64 << 12);
	for (int i = 0; i < 64; i++) {
		struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_ZERO, 0);

		block = pb_page_address(&tp.pool, page);
		assert_int_equal(block[0] | block[4095], 0);
	}
	for (int i = 0; i < 64 << 12; i++)
		assert_int_equal(memory[i], 0);
	tp_drop(&tp);
	free(memory);
}

static void test_bulk_fills_as_much_as_there_is(void **state)
{
	static struct pb_page *pages[FRAMES + 8];

	(void)state;
	for_each_variant(v) for (unsigned int order = 0; order <= 10; order++)
	{
		struct tp tp;
		size_t n;

		pool_4096(&tp, v);
		assert_int_equal(pb_alloc_pages_bulk(&tp.pool, PB_GFP_KERNEL, order, 0, pages), 0);
		n = pb_alloc_pages_bulk(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, order,
					(FRAMES >> order) + 3, pages);
		assert_int_equal(n, FRAMES >> order);
		tp_check(&tp, "bulk");
		assert_int_equal(tp_free_pages(&tp), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(pb_page_order(&tp.pool, pages[i]), (int)order);
		assert_int_equal(pb_free_bulk(&tp.pool, order, n, pages), n);
		assert_int_equal(tp.misuse_calls, 0);
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

/* A batch counts as its blocks do, one by one, and none of it is lost or given twice. */
static void test_bulk_is_counted_as_single_blocks_are(void **state)
{
	static struct pb_page *pages[512];
	static unsigned char seen[FRAMES];

	(void)state;
	for_each_variant(v) for (unsigned int order = 0; order <= 10; order++)
	{
		struct tp tp;
		size_t n = FRAMES / 2 >> order > 512 ? 512 : FRAMES / 2 >> order;

		memset(seen, 0, sizeof(seen));
		pool_4096(&tp, v);
		assert_int_equal(pb_alloc_pages_bulk(&tp.pool, PB_GFP_KERNEL, order, n / 2, pages),
				 n / 2);
		assert_int_equal(pb_alloc_pages_bulk(&tp.pool, PB_GFP_HIGHUSER_MOVABLE, order,
						     n - n / 2, pages + n / 2),
				 n - n / 2);
		assert_int_equal(tp_vm(&tp, PB_PGALLOC_NORMAL), n << order);
		for (size_t i = 0; i < n; i++) {
			uint64_t pfn = pb_page_to_pfn(&tp.pool, pages[i]);

			assert_false(seen[pfn]);
			seen[pfn] = 1;
		}
		/* types, and so lists, by turns */
		for (size_t i = 1; i < n / 2; i += 2) {
			struct pb_page *swap = pages[i];

			pages[i] = pages[n - 1 - i];
			pages[n - 1 - i] = swap;
		}
		assert_int_equal(pb_free_bulk(&tp.pool, order, n, pages), n);
		assert_as_new(&tp, FRAMES); /* what waits in a quarantine isn't counted yet */
		assert_int_equal(tp_vm(&tp, PB_PGFREE), FRAMES + (n << order));
		tp_drop(&tp);
	}
}

/* All together keep the watermark that each keeps by itself: a twin that is asked for single
   blocks gives as many. */
static void test_bulk_keeps_the_watermark(void **state)
{
	static struct pb_page *pages[FRAMES];

	(void)state;
	for_each_variant(v) for (unsigned int order = 0; order <= 5; order++)
	{
		size_t got[2] = { 0 };
		int64_t left[2];

		for (int bulk = 0; bulk <= 1; bulk++) {
			struct tp tp;
			struct pb_request request = { .gfp = PB_GFP_NOWAIT | PB_GFP_NOWARN,
						      .node = PB_NO_NODE };

			tp_start(&tp);
			tp.config.profile = v->profile;
			tp.config.flags |= v->flags;
			tp.config.min_free_kbytes = 1024;
			tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
			tp_build(&tp);
			if (bulk)
				got[1] = pb_request_bulk(&tp.pool, &request, order, FRAMES, pages);
			else
				while (pb_request_pages(&tp.pool, &request, order))
					got[0]++;
			assert_int_equal(request.why, PB_REASON_WATERMARK);
			pb_drain(&tp.pool, -1);
			left[bulk] = tp_free_pages(&tp);
			tp_check(&tp, "at the watermark");
			tp_drop(&tp);
		}
		assert_int_equal(got[0], got[1]);
		assert_int_equal(left[0], left[1]);
		assert_true(left[0] > 128);
	}
}

static void *low_half_address(void *ctx, uint64_t pfn)
{
	return pfn < 32 ? (char *)ctx + (pfn << 12) : NULL;
}

/* A block that can't be wiped goes back; those before it in the batch are the caller's. */
static void test_bulk_gives_back_what_it_can_not_wipe(void **state)
{
	char *memory = malloc(32 << 12);
	struct pb_page *pages[64];

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_request request = { .gfp = PB_GFP_KERNEL | PB_GFP_ZERO,
					      .node = PB_NO_NODE };
		size_t n;

		tp_start(&tp);
		tp.config.profile = v->profile;
		tp.config.flags |= v->flags & ~TP_QUARANTINE;
		tp.hooks.ctx = memory;
		tp.hooks.misuse = NULL;
		tp.hooks.log = NULL;
		tp.hooks.address = low_half_address;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		memset(memory, 0x77, 32 << 12);
		n = pb_request_bulk(&tp.pool, &request, 0, 64, pages);
		assert_true(n < 64);
		assert_int_equal(request.why, PB_REASON_NO_ADDRESS);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(*(char *)pb_page_address(&tp.pool, pages[i]), 0);
		tp_check(&tp, "a part");
		assert_int_equal(pb_free_bulk(&tp.pool, 0, n, pages), n);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), 64);
		tp_drop(&tp);
	}
	free(memory);
}

/* Example 12: 5 pages from an order-3 block at pfn 16; 21, 22, 23 go back. */
static void test_example_12_exact_gives_the_tail_back(void **state)
{
	struct tp tp;
	struct pb_page *page;

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_NO_PCP | PB_POOL_REFCOUNT;
	tp.config.max_order = 4;
	tp.config.pageblock_order = 4;
	tp_region(&tp, 0, 32, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(pb_alloc_at(&tp.pool, 0, 4, PB_GFP_KERNEL), PB_OK);
	page = pb_alloc_exact(&tp.pool, PB_GFP_KERNEL, 20480 / 4096);
	assert_int_equal(pb_page_to_pfn(&tp.pool, page), 16);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(pb_page_order(&tp.pool, page + i), 0);
		assert_int_equal(pb_page_count(&tp.pool, page + i), 1);
	}
	assert_int_equal(tp_free_pages(&tp), 11);
	assert_int_equal(tp_nr_free(&tp, 0), 1); /* 21 */
	assert_int_equal(tp_nr_free(&tp, 1), 1); /* 22, 23 */
	assert_int_equal(tp_nr_free(&tp, 3), 1); /* 24 .. 31 */
	tp_check(&tp, "exact");
	assert_int_equal(pb_free_exact(&tp.pool, page, 5), PB_OK);
	assert_int_equal(tp_nr_free(&tp, 4), 1);
	tp_drop(&tp);
}

static void test_exact_takes_any_count_up_to_the_largest_block(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		pool_4096(&tp, v);
		for (size_t n = 1; n <= 1024; n += n < 40 ? 1 : 61) {
			struct pb_page *page = pb_alloc_exact(&tp.pool, PB_GFP_KERNEL, n);

			assert_non_null(page);
			tp_check(&tp, "exact");
			pb_drain(&tp.pool, -1);
			assert_int_equal(tp_free_pages(&tp), FRAMES - n);
			assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
			assert_as_new(&tp, FRAMES);
		}
		assert_non_null(pb_alloc_exact(&tp.pool, PB_GFP_KERNEL, 1024));
		assert_null(pb_alloc_exact(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 1025));
		assert_null(pb_alloc_exact(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
		assert_null(pb_alloc_exact(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, SIZE_MAX));
		tp_check(&tp, "refused");
		tp_drop(&tp);
	}
}

static void test_split_makes_independent_pages(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *page;

		pool_4096(&tp, v);
		for (unsigned int order = 0; order <= 10; order += 5) {
			page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			assert_int_equal(pb_split_page(&tp.pool, page, order), PB_OK);
			tp_check(&tp, "split");
			for (unsigned int i = 0; i < 1u << order; i++)
				assert_int_equal(
					pb_free_pages(&tp.pool,
						      page + (i * 5u & ((1u << order) - 1)), 0),
					PB_OK);
			assert_as_new(&tp, FRAMES);
		}
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3);
		assert_int_equal(pb_split_page(&tp.pool, page, 2), PB_EMISUSE);
		assert_int_equal(pb_split_page(&tp.pool, page + 1, 0), PB_EMISUSE);
		assert_int_equal(tp.misuse_calls, 2);
		assert_int_equal(pb_page_order(&tp.pool, page), 3);
		tp_check(&tp, "refused");
		tp_drop(&tp);
	}
}

static void test_page_is_freed_by_the_last_of_its_references(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		struct pb_page *page;

		tp_simple(&tp, FRAMES, (enum pb_profile)profile, PB_POOL_REFCOUNT);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 4);
		for (unsigned int i = 2; i < 1000; i++) {
			assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
			assert_int_equal(pb_page_count(&tp.pool, page), i);
		}
		tp_check(&tp, "referenced");
		for (unsigned int i = 999; i > 1; i--) {
			assert_int_equal(i & 1 ? pb_put_page(&tp.pool, page)
					       : pb_free_pages(&tp.pool, page, 4),
					 PB_OK);
			assert_int_equal(pb_page_count(&tp.pool, page), i - 1);
			assert_int_equal(pb_page_order(&tp.pool, page), 4);
		}
		tp_check(&tp, "one left");
		assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
		assert_int_equal(pb_page_count(&tp.pool, page), 0);
		assert_as_new(&tp, FRAMES);
		assert_int_equal(pb_put_page(&tp.pool, page), PB_EMISUSE);
		assert_int_equal(pb_get_page(&tp.pool, page), PB_EMISUSE);
		assert_int_equal(tp.misuse_calls, 2);
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

static void test_get_page_refused_when_the_pool_keeps_no_counts(void **state)
{
	struct tp tp;
	struct pb_page *page;

	(void)state;
	tp_simple(&tp, FRAMES, PB_PROFILE_MODERN, 0);
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_get_page(&tp.pool, page), PB_EMISUSE);
	assert_int_equal(tp.misuse.kind, PB_MISUSE_REFCOUNT);
	assert_int_equal(pb_page_count(&tp.pool, page), 1);
	assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_page_count(&tp.pool, page), 0);
	tp_drop(&tp);
}

static void test_claim_takes_exactly_this_block(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *page;

		pool_4096(&tp, v);
		for (unsigned int order = 0; order <= 10; order++) {
			uint64_t pfn = 3072 - (1u << order);

			assert_int_equal(pb_alloc_at(&tp.pool, pfn, order, PB_GFP_KERNEL), PB_OK);
			page = pb_pfn_to_page(&tp.pool, pfn);
			assert_int_equal(pb_page_order(&tp.pool, page), (int)order);
			tp_check(&tp, "claimed");
			assert_int_equal(pb_alloc_at(&tp.pool, pfn, order, PB_GFP_KERNEL),
					 PB_EBUSY);
			assert_int_equal(pb_alloc_at(&tp.pool, 2048, 10, PB_GFP_KERNEL), PB_EBUSY);
			assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
			assert_as_new(&tp, FRAMES);
		}
		assert_int_equal(pb_alloc_at(&tp.pool, 4096, 0, PB_GFP_KERNEL), PB_ENODEV);
		assert_int_equal(pb_alloc_at(&tp.pool, UINT64_MAX, 0, PB_GFP_KERNEL), PB_ENODEV);
		assert_int_equal(pb_alloc_at(&tp.pool, 2, 2, PB_GFP_KERNEL), PB_EINVAL);
		assert_int_equal(pb_alloc_at(&tp.pool, 0, 11, PB_GFP_KERNEL), PB_EINVAL);
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

/* A page on its way through a per-CPU list is free: it can be claimed. */
static void test_claim_finds_a_page_that_is_in_a_per_cpu_list(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		struct pb_page *page;
		uint64_t pfn;

		tp_simple(&tp, FRAMES, (enum pb_profile)profile, 0);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		pfn = pb_page_to_pfn(&tp.pool, page);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, pfn, 0, PB_GFP_KERNEL), PB_OK);
		assert_int_equal(pb_page_order(&tp.pool, page), 0);
		tp_check(&tp, "claimed from a per-CPU list");
		tp_drop(&tp);
	}
}

static void test_contig_obeys_count_alignment_range_and_boundary(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		pool_4096(&tp, v);
		for (int i = 0; i < 300; i++) {
			size_t n = 1 + tp_below(&rng, 1500);
			uint64_t align = UINT64_C(1) << tp_below(&rng, 11);
			uint64_t low = tp_below(&rng, 3000), high = low + 1 + tp_below(&rng, 3000);
			uint64_t boundary = tp_below(&rng, 2) ? 1024u << tp_below(&rng, 3) : 0;
			struct pb_page *page = pb_alloc_contig(&tp.pool, n, align, low, high,
							       boundary, PB_GFP_KERNEL);
			uint64_t first = (low + align - 1) & ~(align - 1), pfn;
			uint64_t end = high < FRAMES ? high : FRAMES;

			if (boundary && first / boundary != (first + n - 1) / boundary)
				first = ((first / boundary + 1) * boundary + align - 1) &
					~(align - 1);
			if (first + n > end || (boundary && n > boundary)) {
				assert_null(page);
				continue;
			}
			assert_non_null(page); /* everything is free */
			pfn = pb_page_to_pfn(&tp.pool, page);
			assert_int_equal(pfn % align, 0);
			assert_true(pfn >= low && pfn + n <= end);
			if (boundary)
				assert_int_equal(pfn / boundary, (pfn + n - 1) / boundary);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(pb_page_order(&tp.pool, page + k), 0);
			pb_drain(&tp.pool, -1);
			assert_int_equal(tp_free_pages(&tp), FRAMES - n);
			assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
			tp_check(&tp, "contig given back");
		}
		assert_as_new(&tp, FRAMES);
		tp_drop(&tp);
	}
}

static void test_contig_says_which_ranges_make_no_sense(void **state)
{
	static const struct {
		size_t pages;
		struct pb_range range;
		enum pb_reason why;
	} cases[] = {
		{ 0, { .high = 64 }, PB_REASON_BAD_RANGE },
		{ 4097, { .high = 8192 }, PB_REASON_BAD_RANGE },
		{ 4, { .align = 3, .high = 64 }, PB_REASON_BAD_RANGE },
		{ 4, { .high = 64, .boundary = 12 }, PB_REASON_BAD_RANGE },
		{ 5, { .high = 64, .boundary = 4 }, PB_REASON_BAD_RANGE },
		{ 4, { .low = 64, .high = 64 }, PB_REASON_BAD_RANGE },
		{ 4, { .low = 65, .high = 64 }, PB_REASON_BAD_RANGE },
		{ 4, { .low = 4096, .high = 8192 }, PB_REASON_FRAGMENTED },
		{ 4, { .low = 60, .high = 63 }, PB_REASON_FRAGMENTED },
		{ 4, { .low = 60, .high = 64, .boundary = 4 }, PB_REASON_NONE },
		{ 1, { .low = 63, .high = 64, .align = 1 }, PB_REASON_NONE },
	};

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_simple(&tp, 4096, v->profile, v->flags);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct pb_request request = { .gfp = PB_GFP_KERNEL, .node = PB_NO_NODE };
			struct pb_page *run = pb_request_contig(&tp.pool, &request, cases[i].pages,
								&cases[i].range);

			if (request.why != cases[i].why)
				fail_msg("case %zu: %s", i, pb_reason_name(request.why));
			assert_int_equal(run != NULL, cases[i].why == PB_REASON_NONE);
			if (run)
				assert_int_equal(pb_free_exact(&tp.pool, run, cases[i].pages),
						 PB_OK);
		}
		tp_drop(&tp);
	}
}

static void test_contig_fails_when_nothing_fits_and_leaves_no_trace(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t sum;

		pool_4096(&tp, v);
		for (uint64_t pfn = 100; pfn < FRAMES; pfn += 100)
			assert_int_equal(pb_alloc_at(&tp.pool, pfn, 0, PB_GFP_KERNEL), PB_OK);
		sum = tp_sum_owned(&tp);
		assert_null(pb_alloc_contig(&tp.pool, 101, 1, 0, FRAMES, 0, PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 0, 1, 0, FRAMES, 0, PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 1, 3, 0, FRAMES, 0, PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 1, 1, 50, 50, 0, PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 1, 1, FRAMES, UINT64_MAX, 0, PB_GFP_KERNEL));
		assert_null(
			pb_alloc_contig(&tp.pool, FRAMES + 1, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL));
		assert_true(tp_sum_owned(&tp) == sum);
		assert_non_null(pb_alloc_contig(&tp.pool, 99, 1, 0, FRAMES, 0, PB_GFP_KERNEL));
		tp_check(&tp, "contig");
		tp_drop(&tp);
	}
}

static void test_movable_mark_follows_the_request_or_the_owner(void **state)
{
	struct tp tp;
	struct tp_frame frames[64];
	struct pb_page *page;

	(void)state;
	for (uint32_t explicit = 0; explicit < 2; explicit ++) {
		tp_simple(&tp, 64, PB_PROFILE_MODERN, explicit ? PB_POOL_MOVABLE_EXPLICIT : 0);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 0);
		tp_frames(&tp, frames, 64);
		assert_int_equal(frames[pb_page_to_pfn(&tp.pool, page)].movable, !explicit);
		assert_int_equal(pb_set_movable(&tp.pool, page, explicit), PB_OK);
		tp_frames(&tp, frames, 64);
		assert_int_equal(frames[pb_page_to_pfn(&tp.pool, page)].movable, explicit);
		pb_free_pages(&tp.pool, page, 0);
		assert_int_equal(pb_set_movable(&tp.pool, page, true), PB_EMISUSE);
		tp_drop(&tp);
	}
}

static void test_conversion_is_a_bijection_and_refuses_strangers(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 5000, 6000, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 70001, 70003, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 17, 4000, 0, PB_ZONE_DMA);
	tp_build(&tp);
	for (uint64_t pfn = 0; pfn < 80000; pfn++) {
		bool in = (pfn >= 5000 && pfn < 6000) || pfn == 70001 || pfn == 70002 ||
			  (pfn >= 17 && pfn < 4000);
		struct pb_page *page = pb_pfn_to_page(&tp.pool, pfn);

		if (in) {
			assert_non_null(page);
			assert_int_equal(pb_page_to_pfn(&tp.pool, page), pfn);
			assert_int_equal(pb_page_zone(&tp.pool, page),
					 pfn < 4096 ? PB_ZONE_DMA : PB_ZONE_NORMAL);
		} else {
			assert_null(page);
			assert_int_equal(pb_pageblock_type(&tp.pool, pfn), PB_ENODEV);
		}
	}
	assert_true(pb_page_to_pfn(&tp.pool, tp.pool.pages - 1) == UINT64_MAX);
	assert_true(pb_page_to_pfn(&tp.pool, tp.pool.pages + tp.pool.nr_frames) == UINT64_MAX);
	assert_null(pb_page_address(&tp.pool, pb_pfn_to_page(&tp.pool, 17)));
	tp_drop(&tp);
}

static void test_get_order_rounds_up(void **state)
{
	struct tp tp;

	(void)state;
	tp_simple(&tp, 64, PB_PROFILE_MODERN, 0);
	assert_int_equal(pb_get_order(&tp.pool, 0), 52);
	assert_int_equal(pb_get_order(&tp.pool, 1), 0);
	assert_int_equal(pb_get_order(&tp.pool, 4096), 0);
	assert_int_equal(pb_get_order(&tp.pool, 4097), 1);
	assert_int_equal(pb_get_order(&tp.pool, 8192), 1);
	assert_int_equal(pb_get_order(&tp.pool, 8193), 2);
	assert_int_equal(pb_get_order(&tp.pool, 28 << 10), 3);
	assert_int_equal(pb_get_order(&tp.pool, 4 << 20), 10);
	assert_int_equal(pb_get_order(&tp.pool, SIZE_MAX), sizeof(size_t) * 8 - 12);
	tp_drop(&tp);
	tp_start(&tp);
	tp.config.page_shift = 14;
	tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(pb_get_order(&tp.pool, 16384), 0);
	assert_int_equal(pb_get_order(&tp.pool, 16385), 1);
	tp_drop(&tp);
}

/* Takes all of a pool in blocks of one order, gives them back from both ends. */
static void take_all(struct tp *tp, unsigned int order, unsigned int blocks)
{
	struct pb_page *page[64];

	for (unsigned int i = 0; i < blocks; i++) {
		page[i] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, order);
		assert_non_null(page[i]);
		assert_int_equal(pb_page_to_pfn(&tp->pool, page[i]) & ((1u << order) - 1), 0);
	}
	assert_null(pb_alloc_pages(&tp->pool, PB_GFP_KERNEL | PB_GFP_NOWARN, order));
	for (unsigned int i = 0; i < (blocks + 1) / 2; i++) {
		assert_int_equal(pb_free_pages(&tp->pool, page[i], order), PB_OK);
		if (blocks - 1 - i != i)
			assert_int_equal(pb_free_pages(&tp->pool, page[blocks - 1 - i], order),
					 PB_OK);
	}
	pb_drain(&tp->pool, -1);
}

static void test_a_page_may_be_a_gibibyte(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.page_shift = 30;
		tp.config.max_order = 6;
		tp.config.pageblock_order = 0;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_get_order(&tp.pool, (size_t)1 << 30), 0);
		assert_int_equal(pb_get_order(&tp.pool, ((size_t)1 << 30) + 1), 1);
		take_all(&tp, 0, 64);
		take_all(&tp, 5, 2);
		assert_int_equal(tp_nr_free(&tp, 6), 1);
		tp_check(&tp, "all of 64 GiB free");
		tp_drop(&tp);
	}
}

static void test_a_block_may_be_a_gibibyte(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.max_order = 18;
		tp_region(&tp, 0, 4u << 18, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		take_all(&tp, 18, 4);
		assert_int_equal(tp_nr_free(&tp, 18), 4);
		take_all(&tp, 15, 32);
		assert_int_equal(pb_alloc_at(&tp.pool, 12345, 0, PB_GFP_KERNEL), PB_OK);
		assert_int_equal(tp_nr_free(&tp, 18), 3);
		take_all(&tp, 18, 3);
		assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, 12345), 0),
				 PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_nr_free(&tp, 18), 4);
		tp_check(&tp, "all of 4 GiB free");
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_gives_aligned_block_of_every_order),
		cmocka_unit_test(test_alloc_hands_out_every_page_until_none_is_left),
		cmocka_unit_test(test_alloc_fails_and_warns_once_when_order_is_too_large),
		cmocka_unit_test(test_alloc_leaves_neighbours_alone_when_the_largest_order_fails),
		cmocka_unit_test(test_alloc_says_fragmented_when_only_small_blocks_are_free),
		cmocka_unit_test(test_alloc_serves_every_order_that_a_free_block_contains),
		cmocka_unit_test(test_alloc_zeroes_the_whole_block_when_asked),
		cmocka_unit_test(test_alloc_zeroes_through_the_address_hook),
		cmocka_unit_test(test_bulk_fills_as_much_as_there_is),
		cmocka_unit_test(test_bulk_is_counted_as_single_blocks_are),
		cmocka_unit_test(test_bulk_keeps_the_watermark),
		cmocka_unit_test(test_bulk_gives_back_what_it_can_not_wipe),
		cmocka_unit_test(test_example_12_exact_gives_the_tail_back),
		cmocka_unit_test(test_exact_takes_any_count_up_to_the_largest_block),
		cmocka_unit_test(test_split_makes_independent_pages),
		cmocka_unit_test(test_page_is_freed_by_the_last_of_its_references),
		cmocka_unit_test(test_get_page_refused_when_the_pool_keeps_no_counts),
		cmocka_unit_test(test_claim_takes_exactly_this_block),
		cmocka_unit_test(test_claim_finds_a_page_that_is_in_a_per_cpu_list),
		cmocka_unit_test(test_contig_obeys_count_alignment_range_and_boundary),
		cmocka_unit_test(test_contig_says_which_ranges_make_no_sense),
		cmocka_unit_test(test_contig_fails_when_nothing_fits_and_leaves_no_trace),
		cmocka_unit_test(test_movable_mark_follows_the_request_or_the_owner),
		cmocka_unit_test(test_conversion_is_a_bijection_and_refuses_strangers),
		cmocka_unit_test(test_get_order_rounds_up),
		cmocka_unit_test(test_a_page_may_be_a_gibibyte),
		cmocka_unit_test(test_a_block_may_be_a_gibibyte),
	};

	return pb_run_tests(tests);
}
