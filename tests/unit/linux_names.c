/* SPDX-License-Identifier: MIT */
/* Linux's names on the default pool of the linux_user port. */
#include <pagebuddy/linux.h>

#include "support/cmocka.h"

#include <string.h>

static void test_default_pool_is_made_on_first_use(void **state)
{
	struct pb_pool *pool = pb_default_pool();
	struct pb_pool_stat stat;

	(void)state;
	assert_non_null(pool);
	assert_ptr_equal(pb_default_pool(), pool);
	pb_stats(pool, &stat);
	assert_int_equal(stat.present << PAGE_SHIFT, 256u << 20);
}

static void test_alloc_pages_gives_memory_that_can_be_written(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		unsigned char *address = page_address(page);

		assert_non_null(page);
		assert_non_null(address);
		memset(address, 0x5a, PAGE_SIZE << order);
		assert_ptr_equal(virt_to_page(address), page);
		assert_ptr_equal(pfn_to_page(page_to_pfn(page)), page);
		assert_int_equal(page_to_nid(page), 0);
		assert_int_equal(page_count(page), 1);
		if (order) /* the next frame is the next record */
			assert_ptr_equal(page_address(page + 1), address + PAGE_SIZE);
		__free_pages(page, order);
	}
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER));
}

static void test_zeroed_pages_are_zero(void **state)
{
	unsigned long address;

	(void)state;
	for (int round = 0; round < 3; round++) {
		address = __get_free_pages(GFP_KERNEL, 2);
		assert_true(address != 0);
		memset((void *)address, 0xff, PAGE_SIZE << 2);
		free_pages(address, 2);
		address = get_zeroed_page(GFP_KERNEL);
		assert_true(address != 0);
		for (unsigned int i = 0; i < PAGE_SIZE; i++)
			assert_int_equal(((unsigned char *)address)[i], 0);
		free_page(address);
	}
	free_pages(0, 5); /* a no-op, as in Linux */
}

static void test_the_dma_modifier_picks_the_dma_zone(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_DMA);

	(void)state;
	assert_non_null(page);
	assert_int_equal(page_zonenum(page), PB_ZONE_DMA);
	assert_true(page_to_pfn(page) < 4096);
	__free_page(page);
	page = alloc_pages_node(NUMA_NO_NODE, GFP_DMA32, 0);
	assert_true(page_zonenum(page) <= PB_ZONE_DMA32);
	__free_page(page);
	page = __alloc_pages_node(0, GFP_KERNEL, 1);
	__free_pages(page, 1);
	page = __alloc_pages(GFP_KERNEL, 1, 0);
	__free_pages(page, 1);
	page = __alloc_pages_nodemask(GFP_KERNEL, 1, 0, NULL);
	__free_pages(page, 1);
}

static void test_exact_and_split(void **state)
{
	unsigned char *address = alloc_pages_exact(5 * PAGE_SIZE - 3, GFP_KERNEL);
	struct page *page;

	(void)state;
	assert_non_null(address);
	memset(address, 1, 5 * PAGE_SIZE);
	free_pages_exact(address, 5 * PAGE_SIZE - 3);
	page = alloc_pages(GFP_KERNEL, 2);
	split_page(page, 2);
	for (int i = 3; i >= 0; i--)
		__free_page(page + i);
}

static void test_references_keep_the_page(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL);

	(void)state;
	get_page(page);
	assert_int_equal(page_count(page), 2);
	__free_page(page);
	assert_int_equal(page_count(page), 1);
	put_page(page);
	assert_int_equal(page_count(page), 0);
}

static void test_get_order_of_sizes(void **state)
{
	(void)state;
	assert_int_equal(get_order(1), 0);
	assert_int_equal(get_order(PAGE_SIZE), 0);
	assert_int_equal(get_order(PAGE_SIZE + 1), 1);
	assert_int_equal(get_order(28 * 1024), 3);
	assert_int_equal(get_order(0), 52);
}

static void test_another_pool_can_be_the_default(void **state)
{
	struct pb_pool *old = pb_default_pool();
	struct tp tp;

	(void)state;
	tp_simple(&tp, 4096, PB_PROFILE_LINUX, 0);
	pb_set_default_pool(&tp.pool);
	assert_ptr_equal(pb_default_pool(), &tp.pool);
	__free_page(alloc_page(GFP_KERNEL));
	tp_check(&tp, "default pool");
	pb_set_default_pool(old);
	assert_ptr_equal(pb_default_pool(), old);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_pool_is_made_on_first_use),
		cmocka_unit_test(test_alloc_pages_gives_memory_that_can_be_written),
		cmocka_unit_test(test_zeroed_pages_are_zero),
		cmocka_unit_test(test_the_dma_modifier_picks_the_dma_zone),
		cmocka_unit_test(test_exact_and_split),
		cmocka_unit_test(test_references_keep_the_page),
		cmocka_unit_test(test_get_order_of_sizes),
		cmocka_unit_test(test_another_pool_can_be_the_default),
	};

	return pb_run_tests(tests);
}
