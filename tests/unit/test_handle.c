/* SPDX-License-Identifier: MIT */
/*
 * The handle as a user sees it: words, that may be copied, moved and cleared, and what
 * pb_pool_info() says of them. Without the core's headers.
 */
#include "support/cmocka.h"
#include "support/variants.h"

#include <string.h>

#define FRAMES 4096u

static void test_info_tells_what_the_pool_was_made_as(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_pool_info info;
		struct tp tp;

		tp_simple(&tp, FRAMES, v->profile, v->flags);
		assert_int_equal(pb_pool_info(&tp.pool, &info), PB_OK);
		assert_int_equal(info.frames, FRAMES);
		assert_int_equal(info.page_shift, 12);
		assert_int_equal(info.max_order, PB_DEFAULT_MAX_ORDER);
		assert_int_equal(info.pageblock_order, PB_DEFAULT_PAGEBLOCK_ORDER);
		assert_int_equal(info.profile, v->profile);
		assert_int_equal(info.kernel, PB_LINUX_6_1);
		assert_int_equal(info.flags & tp.config.flags, tp.config.flags);
		assert_non_null(info.memory);
		assert_true(info.memory_bytes > FRAMES);
		tp_drop(&tp);
	}
}

static void test_info_of_no_pool_is_zero(void **state)
{
	static const struct pb_pool_info nothing;
	struct pb_pool_info info;
	struct pb_pool zero = { 0 };

	(void)state;
	memset(&info, 1, sizeof(info));
	assert_int_equal(pb_pool_info(&zero, &info), PB_ENODEV);
	assert_memory_equal(&info, &nothing, sizeof(info));
	memset(&info, 1, sizeof(info));
	assert_int_equal(pb_pool_info(NULL, &info), PB_ENODEV);
	assert_memory_equal(&info, &nothing, sizeof(info));
}

static void test_a_copy_of_the_handle_is_a_handle(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *page;
		struct pb_pool copy;
		struct tp tp;

		tp_simple(&tp, FRAMES, v->profile, v->flags);
		copy = tp.pool;
		page = pb_alloc_pages(&copy, PB_GFP_KERNEL, 3);
		assert_non_null(page);
		assert_int_equal(pb_page_order(&tp.pool, page), 3);
		assert_int_equal(pb_free_pages(&tp.pool, page, 3), PB_OK);
		pb_pool_destroy(&copy);
		assert_int_equal(pb_pool_info(&copy, &(struct pb_pool_info){ 0 }), PB_ENODEV);
		tp_drop(&tp);
	}
}

static void test_indices_number_the_frames_without_large_holes(void **state)
{
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 1u << 20, (1u << 20) + 1024, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (uint64_t i = 0; i < 2048; i++) {
		struct pb_page *page = pb_index_to_page(&tp.pool, i);
		uint64_t pfn = i < 1024 ? i : (1u << 20) + i - 1024;

		assert_int_equal(pb_page_to_index(&tp.pool, page), i);
		assert_int_equal(pb_page_to_pfn(&tp.pool, page), pfn);
	}
	assert_null(pb_index_to_page(&tp.pool, 2048));
	assert_null(pb_index_to_page(&tp.pool, UINT64_MAX));
	assert_true(pb_page_to_index(&tp.pool, NULL) == UINT64_MAX);
	assert_true(pb_page_to_index(&tp.pool, pb_index_to_page(&tp.pool, 2047) + 1) == UINT64_MAX);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info_tells_what_the_pool_was_made_as),
		cmocka_unit_test(test_info_of_no_pool_is_zero),
		cmocka_unit_test(test_a_copy_of_the_handle_is_a_handle),
		cmocka_unit_test(test_indices_number_the_frames_without_large_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
