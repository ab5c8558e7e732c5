/* SPDX-License-Identifier: MIT */
/* buddyinfo, pagetypeinfo and zoneinfo, byte for byte (spec 13.2 to 13.4). */
#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

typedef size_t text_fn(struct pb_pool *pool, char *text, size_t size);

static size_t zoneinfo_5_4(struct pb_pool *pool, char *text, size_t size)
{
	return pb_zoneinfo(pool, PB_TEXT_5_4, text, size);
}

static size_t zoneinfo_6_1(struct pb_pool *pool, char *text, size_t size)
{
	return pb_zoneinfo(pool, PB_TEXT_6_1, text, size);
}

static size_t zoneinfo_6_18(struct pb_pool *pool, char *text, size_t size)
{
	return pb_zoneinfo(pool, PB_TEXT_6_18, text, size);
}

/* The whole text; also: like snprintf, whatever room there is. */
static char *text_of(struct tp *tp, text_fn *fn)
{
	size_t length = fn(&tp->pool, NULL, 0);
	char *text = malloc(length + 1), *part = malloc(length + 2);

	assert_int_equal(fn(&tp->pool, text, length + 1), length);
	assert_int_equal(strlen(text), length);
	for (size_t size = 1; size <= length; size += 1 + size / 7) {
		memset(part, '#', length + 2);
		assert_int_equal(fn(&tp->pool, part, size), length);
		assert_memory_equal(part, text, size - 1);
		assert_int_equal(part[size - 1], 0);
		assert_int_equal(part[size], '#');
	}
	free(part);
	return text;
}

/* nr[o] free blocks of each order, each in its own block of the largest order. */
static void lay_out(struct tp *tp, uint64_t pfn, const unsigned int *nr)
{
	for (unsigned int order = 0; order <= 10; order++)
		for (unsigned int i = 0; i < nr[order]; i++, pfn += 1024)
			assert_int_equal(pb_state_add_free(&tp->pool, pfn, order,
							   PB_MIGRATE_MOVABLE),
					 PB_OK);
}

/* The two lines of spec 13.2. */
static void test_buddyinfo_is_that_of_a_live_machine(void **state)
{
	static const unsigned int dma[11] = { [8] = 1, [9] = 1, [10] = 3 };
	static const unsigned int dma32[11] = { 2, 2, 4, 2, 5, 4, 4, 4, 5, 3, 751 };
	struct tp tp;
	char *text;

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_ALL_RESERVED;
	tp_region(&tp, 0, 8192, 0, PB_ZONE_DMA);
	tp_region(&tp, 8192, 8192 + 1024 * 1024, 0, PB_ZONE_DMA32);
	tp_build(&tp);
	lay_out(&tp, 0, dma);
	lay_out(&tp, 8192, dma32);
	tp_check(&tp, "laid out");
	text = text_of(&tp, pb_buddyinfo);
	assert_string_equal(
		text,
		"Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n"
		"Node 0, zone    DMA32      2      2      4      2      5      4      4      4      5      3    751 \n");
	free(text);
	tp_drop(&tp);
}

static void test_buddyinfo_lists_nodes_and_zones_ascending(void **state)
{
	struct tp tp;
	char *text;

	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		tp_start(&tp);
		tp.config.profile = (uint8_t)profile;
		tp.config.max_order = 3;
		tp.config.pageblock_order = 3;
		tp_region(&tp, 1024, 1036, 1, PB_ZONE_MOVABLE);
		tp_region(&tp, 64, 80, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 0, 8, 0, PB_ZONE_DMA);
		tp_build(&tp);
		text = text_of(&tp, pb_buddyinfo);
		assert_string_equal(text, "Node 0, zone      DMA      0      0      0      1 \n"
					  "Node 0, zone   Normal      0      0      0      2 \n"
					  "Node 1, zone  Movable      0      0      1      1 \n");
		free(text);
		tp_drop(&tp);
	}
}

static void test_pagetypeinfo_of_a_small_machine(void **state)
{
	struct tp tp;
	char *text;

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_NO_PCP;
	tp.config.max_order = 3;
	tp.config.pageblock_order = 3;
	tp_region(&tp, 0, 64, 0, PB_ZONE_DMA);
	tp_build(&tp);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_DMA, 1));
	text = text_of(&tp, pb_pagetypeinfo);
	assert_string_equal(
		text,
		"Page block order: 3\n"
		"Pages per block:  8\n"
		"\n"
		"Free pages count per migrate type at order       0      1      2      3 \n"
		"Node    0, zone      DMA, type    Unmovable      0      1      1      0 \n"
		"Node    0, zone      DMA, type      Movable      0      0      0      7 \n"
		"Node    0, zone      DMA, type  Reclaimable      0      0      0      0 \n"
		"Node    0, zone      DMA, type   HighAtomic      0      0      0      0 \n"
		"Node    0, zone      DMA, type      Isolate      0      0      0      0 \n"
		"\n"
		"Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate \n"
		"Node 0, zone      DMA            1            7            0            0            0 \n");
	free(text);
	tp_drop(&tp);
}

/* From 100000 blocks on the count stops: ">100000". */
static void test_pagetypeinfo_stops_counting_at_100000(void **state)
{
	struct tp tp;
	char *text;

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_NO_PCP;
	tp.config.max_order = 1;
	tp.config.pageblock_order = 1;
	tp_region(&tp, 0, 200001, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	text = text_of(&tp, pb_pagetypeinfo);
	assert_non_null(
		strstr(text, "Node    0, zone   Normal, type      Movable      1 >100000 \n"));
	free(text);
	assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 1));
	text = text_of(&tp, pb_pagetypeinfo);
	assert_non_null(
		strstr(text, "Node    0, zone   Normal, type      Movable      1  99999 \n"));
	free(text);
	tp_drop(&tp);
}

/* These lines, each whole, one after the other from the first one on. */
static void assert_lines(const char *text, const char *lines)
{
	const char *at = strstr(text, lines);

	if (!at)
		fail_msg("expected:\n%s\nin:\n%s", lines, text);
	assert_true(at == text || at[-1] == '\n');
}

static void small_machine(struct tp *tp)
{
	tp_start(tp);
	tp->config.profile = PB_PROFILE_LINUX;
	tp->config.zone_types = 1u << PB_ZONE_DMA32 | 1u << PB_ZONE_NORMAL | 1u << PB_ZONE_MOVABLE;
	tp->config.lowmem_reserve_ratio[PB_ZONE_DMA32] = 256;
	tp->config.min_free_kbytes = 400;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, 8192, 0, PB_ZONE_DMA32);
	tp_region(tp, 16384, 16384 + 8192, 0, PB_ZONE_NORMAL);
	tp_reserved(tp, 16384, 16384 + 1024);
	tp_build(tp);
}

/* All of it; an empty zone ends after its protection line. */
static void test_zoneinfo_5_4(void **state)
{
	struct tp tp;
	char *text;

	(void)state;
	small_machine(&tp);
	text = text_of(&tp, zoneinfo_5_4);
	assert_string_equal(text, "Node 0, zone    DMA32\n"
				  "  per-node stats\n"
				  "  pages free     8192\n"
				  "        min      53\n"
				  "        low      66\n"
				  "        high     79\n"
				  "        spanned  8192\n"
				  "        present  8192\n"
				  "        managed  8192\n"
				  "        protection: (0, 28, 28)\n"
				  "      nr_free_pages 8192\n"
				  "      nr_zone_inactive_anon 0\n"
				  "      nr_zone_active_anon 0\n"
				  "      nr_zone_inactive_file 0\n"
				  "      nr_zone_active_file 0\n"
				  "      nr_zone_unevictable 0\n"
				  "      nr_zone_write_pending 0\n"
				  "      nr_mlock     0\n"
				  "      nr_page_table_pages 0\n"
				  "      nr_kernel_stack 0\n"
				  "      nr_bounce    0\n"
				  "      nr_zspages   0\n"
				  "      nr_free_cma  0\n"
				  "      numa_hit     0\n"
				  "      numa_miss    0\n"
				  "      numa_foreign 0\n"
				  "      numa_interleave 0\n"
				  "      numa_local   0\n"
				  "      numa_other   0\n"
				  "  pagesets\n"
				  "    cpu: 0\n"
				  "              count: 0\n"
				  "              high:  33\n"
				  "              batch: 1\n"
				  "  vm stats threshold: 4\n"
				  "    cpu: 1\n"
				  "              count: 0\n"
				  "              high:  33\n"
				  "              batch: 1\n"
				  "  vm stats threshold: 4\n"
				  "  node_unreclaimable:  0\n"
				  "  start_pfn:           0\n"
				  "Node 0, zone   Normal\n"
				  "  pages free     7168\n"
				  "        min      46\n"
				  "        low      57\n"
				  "        high     68\n"
				  "        spanned  8192\n"
				  "        present  8192\n"
				  "        managed  7168\n"
				  "        protection: (0, 0, 0)\n"
				  "      nr_free_pages 7168\n"
				  "      nr_zone_inactive_anon 0\n"
				  "      nr_zone_active_anon 0\n"
				  "      nr_zone_inactive_file 0\n"
				  "      nr_zone_active_file 0\n"
				  "      nr_zone_unevictable 0\n"
				  "      nr_zone_write_pending 0\n"
				  "      nr_mlock     0\n"
				  "      nr_page_table_pages 0\n"
				  "      nr_kernel_stack 0\n"
				  "      nr_bounce    0\n"
				  "      nr_zspages   0\n"
				  "      nr_free_cma  0\n"
				  "      numa_hit     0\n"
				  "      numa_miss    0\n"
				  "      numa_foreign 0\n"
				  "      numa_interleave 0\n"
				  "      numa_local   0\n"
				  "      numa_other   0\n"
				  "  pagesets\n"
				  "    cpu: 0\n"
				  "              count: 0\n"
				  "              high:  28\n"
				  "              batch: 1\n"
				  "  vm stats threshold: 4\n"
				  "    cpu: 1\n"
				  "              count: 0\n"
				  "              high:  28\n"
				  "              batch: 1\n"
				  "  vm stats threshold: 4\n"
				  "  node_unreclaimable:  0\n"
				  "  start_pfn:           16384\n"
				  "Node 0, zone  Movable\n"
				  "  pages free     0\n"
				  "        min      0\n"
				  "        low      0\n"
				  "        high     0\n"
				  "        spanned  0\n"
				  "        present  0\n"
				  "        managed  0\n"
				  "        protection: (0, 0, 0)\n");
	free(text);
	tp_drop(&tp);
}

static void test_zoneinfo_later_layouts(void **state)
{
	struct tp tp;
	char *text;

	(void)state;
	small_machine(&tp);
	text = text_of(&tp, zoneinfo_6_1);
	assert_lines(text, "  pages free     8192\n"
			   "        boost    0\n"
			   "        min      53\n"
			   "        low      66\n"
			   "        high     79\n"
			   "        spanned  8192\n"
			   "        present  8192\n"
			   "        managed  8192\n"
			   "        cma      0\n"
			   "        protection: (0, 28, 28)\n");
	free(text);
	text = text_of(&tp, zoneinfo_6_18);
	assert_lines(text, "  pages free     8192\n"
			   "        boost    0\n"
			   "        min      53\n"
			   "        low      66\n"
			   "        high     79\n"
			   "        promo    92\n"
			   "        spanned  8192\n"
			   "        present  8192\n"
			   "        managed  8192\n"
			   "        cma      0\n"
			   "        protection: (0, 28, 28)\n");
	assert_lines(text, "    cpu: 0\n"
			   "              count:    0\n"
			   "              high:     33\n"
			   "              batch:    1\n"
			   "              high_min: 33\n");
	free(text);
	tp_drop(&tp);
}

static void test_zoneinfo_counts_what_happened(void **state)
{
	struct tp tp;
	char *text;

	(void)state;
	small_machine(&tp);
	for (int i = 0; i < 4; i++)
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 4));
	text = text_of(&tp, zoneinfo_5_4);
	assert_lines(text, "  pages free     7104\n");
	assert_lines(text, "      numa_hit     4\n      numa_miss    0\n      numa_foreign 0\n"
			   "      numa_interleave 0\n      numa_local   4\n      numa_other   0\n");
	free(text);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buddyinfo_is_that_of_a_live_machine),
		cmocka_unit_test(test_buddyinfo_lists_nodes_and_zones_ascending),
		cmocka_unit_test(test_pagetypeinfo_of_a_small_machine),
		cmocka_unit_test(test_pagetypeinfo_stops_counting_at_100000),
		cmocka_unit_test(test_zoneinfo_5_4),
		cmocka_unit_test(test_zoneinfo_later_layouts),
		cmocka_unit_test(test_zoneinfo_counts_what_happened),
	};

	return pb_run_tests(tests);
}
