/* SPDX-License-Identifier: MIT */
/*
 * What another process finds: whose pages they are, addresses in its own space, and
 * memory that is no pool, or a damaged one.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/pool.h"
#include "support/variants.h"

/* ------------------------------------------------------------------- attach */

/* Every bit of the super block: refused, or of no consequence; and nothing is written. */
static void try_flip(struct tp *tp, unsigned char *copy, size_t bit, unsigned int *refused)
{
	struct pb_error error = { 0 };
	struct pb_pool pool;

	copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
	for (int recover = 0; recover < 2; recover++) {
		int code = pb_pool_attach(&pool, copy, tp->bytes, recover, NULL, &error);

		if (code) {
			*refused += !recover;
			assert_int_equal(code, PB_EFORMAT);
			assert_true(error.text[0]);
			copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
			assert_memory_equal(copy, tp->memory, tp->bytes);
			return;
		}
		(void)pb_validate(&pool, &error);
		(void)pb_alloc_pages(&pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0);
	}
	memcpy(copy, tp->memory, tp->bytes);
}

static void test_attach_refuses_every_flip_of_the_fixed_part(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		unsigned int refused = 0;
		unsigned char *copy;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags | PB_POOL_NO_RSEQ;
		tp_region(&tp, 0, 2048, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		(void)pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3);
		copy = (unsigned char *)tp_shared(tp.bytes + 4096);
		memcpy(copy, tp.memory, tp.bytes);
		for (size_t bit = 0; bit < sizeof(struct pb_super) * 8; bit++)
			try_flip(&tp, copy, bit, &refused);
		printf("%s: %u of %zu flips refused\n", v->name, refused,
		       sizeof(struct pb_super) * 8);
		for (size_t i = 0; i < 4096; i++) /* nobody wrote behind the metadata */
			assert_int_equal(copy[tp.bytes + i], 0);
		assert_true(refused >= offsetof(struct pb_super, tunables) * 8);
		tp_drop(&tp);
	}
}

/* What never changes in a stripe: its zone, its number, and where its lists are. */
static void test_attach_refuses_every_flip_of_where_lists_are(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		unsigned char *copy;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags | PB_POOL_NO_RSEQ;
		tp.config.nr_stripes = 2;
		tp.config.pageblock_order = 5;
		tp_region(&tp, 0, 8192, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		copy = (unsigned char *)tp_shared(tp.bytes + 4096);
		memcpy(copy, tp.memory, tp.bytes);
		for (uint32_t i = 0; i < tp.pool.super->nr_stripes; i++) {
			const size_t at = tp.pool.super->stripes + i * sizeof(struct stripe);
			const struct {
				size_t offset, bytes;
			} fields[] = { { offsetof(struct stripe, zone),
					 sizeof(((struct stripe *)0)->zone) },
				       { offsetof(struct stripe, number),
					 sizeof(((struct stripe *)0)->number) },
				       { offsetof(struct stripe, areas),
					 sizeof(((struct stripe *)0)->areas) },
				       { offsetof(struct stripe, bitmaps),
					 sizeof(((struct stripe *)0)->bitmaps) },
				       { offsetof(struct stripe, min_error),
					 sizeof(((struct stripe *)0)->min_error) } };

			for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
				for (size_t bit = 0; bit < fields[f].bytes * 8; bit++) {
					unsigned int refused = 0;

					try_flip(&tp, copy, (at + fields[f].offset) * 8 + bit,
						 &refused);
					assert_int_equal(refused, 1);
				}
		}
		tp_drop(&tp);
	}
}

static void test_attach_works_in_both_directions_at_another_address(void **state)
{
	static unsigned char memory[64 << 12] __attribute__((aligned(4096)));
	struct pb_attach how = { .linear = memory };
	struct pb_pool second;
	struct pb_page *page;
	struct tp tp;

	(void)state;
	tp_simple(&tp, 64, PB_PROFILE_MODERN, PB_POOL_SHARED);
	assert_int_equal(pb_pool_attach_with(&second, tp.memory, tp.bytes, &how, &tp.error), PB_OK);
	page = pb_alloc_pages(&second, PB_GFP_KERNEL | PB_GFP_ZERO, 2);
	assert_non_null(page);
	assert_ptr_equal(pb_page_address(&second, page),
			 memory + (pb_page_to_pfn(&second, page) << 12));
	assert_ptr_equal(pb_address_to_page(&second, pb_page_address(&second, page)), page);
	assert_int_equal(pb_free_pages(&second, page, 2), PB_OK);
	tp_drop(&tp);
}

static void *scattered(void *ctx, uint64_t pfn)
{
	return (char *)ctx + (pfn << 13);
}

static uint64_t unscattered(void *ctx, const void *address)
{
	uint64_t offset = (uint64_t)((const char *)address - (const char *)ctx);

	return offset & 0x1fff ? UINT64_MAX : offset >> 13;
}

static void test_address_hook_has_an_inverse(void **state)
{
	static char memory[64 << 13];
	struct pb_page *page;
	struct tp tp;

	(void)state;
	tp_simple(&tp, 64, PB_PROFILE_MODERN, 0);
	tp.pool.hooks.ctx = memory;
	tp.pool.hooks.address = scattered;
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	assert_non_null(page);
	assert_null(pb_address_to_page(&tp.pool, pb_page_address(&tp.pool, page)));
	tp.pool.hooks.address_pfn = unscattered;
	assert_ptr_equal(pb_address_to_page(&tp.pool, pb_page_address(&tp.pool, page)), page);
	assert_null(pb_address_to_page(&tp.pool, memory + 1));
	tp.pool.hooks.ctx = &tp;
	tp_drop(&tp);
}

/* ------------------------------------------------------------------- owners */

struct count {
	uint32_t tag;
	uint64_t pages;
};

static int count_owner(void *ctx, const struct pb_block *block)
{
	struct count *count = ctx;

	if (block->state == PB_BLOCK_ALLOCATED && block->owner == count->tag)
		count->pages += (uint64_t)1 << block->order;
	return 0;
}

static uint64_t pages_of(struct tp *tp, uint32_t tag)
{
	struct count count = { tag, 0 };

	pb_walk(&tp->pool, count_owner, &count);
	return count.pages;
}

static void test_free_owner_gives_back_exactly_its_pages(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *mine, *theirs, *split;
		uint64_t pages = 0;
		struct tp tp;

		tp_simple(&tp, 2048, v->profile, v->flags | PB_POOL_OWNERS);
		mine = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 1);
		pb_set_owner(&tp.pool, 7);
		theirs = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		split = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3);
		assert_int_equal(pb_split_page(&tp.pool, split, 3), PB_OK);
		assert_non_null(pb_alloc_contig(&tp.pool, 5, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL));
		assert_non_null(pb_alloc_exact(&tp.pool, PB_GFP_KERNEL, 3));
		assert_int_equal(pb_page_owner(&tp.pool, theirs), 7);
		assert_int_equal(pb_page_owner(&tp.pool, mine), 0);
		assert_int_equal(pages_of(&tp, 7), 1 + 8 + 5 + 3);
		assert_int_equal(pages_of(&tp, 0), 2);
		assert_int_equal(pb_free_owner(&tp.pool, 7, &pages), PB_OK);
		assert_int_equal(pages, 1 + 8 + 5 + 3);
		assert_int_equal(pages_of(&tp, 7), 0);
		assert_int_equal(pb_page_order(&tp.pool, mine), 1);
		tp_check(&tp, "freed by owner");
		tp_drop(&tp);
	}
}

static void test_free_owner_leaves_a_shared_block_to_its_other_holder(void **state)
{
	struct pb_page *page;
	uint64_t pages = 9;
	struct tp tp;

	(void)state;
	tp_simple(&tp, 2048, PB_PROFILE_MODERN, PB_POOL_OWNERS | PB_POOL_REFCOUNT);
	pb_set_owner(&tp.pool, 3);
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 2);
	assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_free_owner(&tp.pool, 3, &pages), PB_OK);
	assert_int_equal(pages, 0);
	assert_int_equal(pb_page_count(&tp.pool, page), 1);
	assert_int_equal(pb_free_owner(&tp.pool, 3, NULL), PB_OK);
	assert_int_equal(pb_page_count(&tp.pool, page), 1);
	assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_page_count(&tp.pool, page), 0);
	tp_drop(&tp);
}

static void test_free_owner_is_not_supported_without_tags(void **state)
{
	struct tp tp;

	(void)state;
	tp_simple(&tp, 2048, PB_PROFILE_MODERN, 0);
	pb_set_owner(&tp.pool, 3);
	assert_int_equal(pb_free_owner(&tp.pool, 3, NULL), PB_ENOTSUP);
	assert_int_equal(pb_page_owner(&tp.pool, pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0)), 0);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_refuses_every_flip_of_the_fixed_part),
		cmocka_unit_test(test_attach_refuses_every_flip_of_where_lists_are),
		cmocka_unit_test(test_attach_works_in_both_directions_at_another_address),
		cmocka_unit_test(test_address_hook_has_an_inverse),
		cmocka_unit_test(test_free_owner_gives_back_exactly_its_pages),
		cmocka_unit_test(test_free_owner_leaves_a_shared_block_to_its_other_holder),
		cmocka_unit_test(test_free_owner_is_not_supported_without_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
