/* SPDX-License-Identifier: MIT */
/* /proc/zoneinfo, buddyinfo, pagetypeinfo, vmstat (spec 13.2 to 13.4) and snapshots. */
#include "procfs.h"
#include "support.h"

#include <sys/stat.h>

static char error[400];

/* ------------------------------------------------------------------- zoneinfo */

#define SIZES_5_4                                                                                \
	"  pages free     3977\n        min      26\n        low      32\n        high     38\n" \
	"        spanned  4095\n        present  3998\n        managed  3977\n"                  \
	"        protection: (0, 2935, 3905, 3905, 3905)\n"
#define CPU_5_4(n)                                                                  \
	"    cpu: " #n "\n              count: 4" #n "\n              high:  378\n" \
	"              batch: 63\n  vm stats threshold: 24\n"

static const char zoneinfo_5_4[] =
	"Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 1234\n"
	"      nr_active_anon 99\n" SIZES_5_4 "      nr_free_pages 3977\n"
	"      nr_zone_inactive_anon 0\n      nr_bounce    0\n      numa_hit     1\n"
	"      numa_other   0\n  pagesets\n" CPU_5_4(0) CPU_5_4(
		1) "  node_unreclaimable:  1\n  start_pfn:           1\n"
		   "Node 0, zone  Movable\n  pages free     0\n        min      0\n        low      0\n"
		   "        high     0\n        spanned  0\n        present  0\n        managed  0\n"
		   "        protection: (0, 0, 0, 0, 0)\n";

static const char zoneinfo_6_18[] =
	"Node 1, zone   Normal\n  per-node stats\n      nr_inactive_anon 1234\n"
	"  pages free     500\n        boost    512\n        min      576\n        low      592\n"
	"        high     608\n        promo    624\n        spanned  1000\n        present  900\n"
	"        managed  800\n        cma      16\n        protection: (0, 0, 0)\n"
	"      nr_free_pages 500\n      nr_free_pages_blocks 0\n  pagesets\n    cpu: 3\n"
	"              count:    7\n              high:     100\n              batch:    63\n"
	"              high_min: 50\n              high_max: 200\n  vm stats threshold: 12\n"
	"  node_unreclaimable:  0\n  start_pfn:           1048576\n";

static void test_zoneinfo_of_5_4(void **state)
{
	struct pb_zoneinfo info;
	const struct pb_proc_zone *zone;

	(void)state;
	if (pb_zoneinfo_parse(zoneinfo_5_4, strlen(zoneinfo_5_4), &info, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(info.nr_zones, 2);
	assert_int_equal(info.nr_nodes, 1);
	assert_int_equal(pb_counter(&info.nodes[0].counters, "nr_active_anon", 0), 99);
	zone = &info.zones[0];
	assert_string_equal(zone->name, "DMA");
	assert_true(zone->populated);
	assert_false(zone->has_boost || zone->has_promo || zone->has_cma);
	assert_int_equal(zone->free, 3977);
	assert_int_equal(zone->min, 26);
	assert_int_equal(zone->low, 32);
	assert_int_equal(zone->high, 38);
	assert_int_equal(zone->spanned, 4095);
	assert_int_equal(zone->present, 3998);
	assert_int_equal(zone->managed, 3977);
	assert_int_equal(zone->nr_protection, 5);
	assert_int_equal(zone->protection[1], 2935);
	assert_int_equal(zone->protection[4], 3905);
	assert_int_equal(zone->nr_pagesets, 2);
	assert_int_equal(zone->pagesets[1].cpu, 1);
	assert_int_equal(zone->pagesets[1].count, 41);
	assert_int_equal(zone->pagesets[1].high, 378);
	assert_int_equal(zone->pagesets[1].batch, 63);
	assert_int_equal(zone->pagesets[1].vm_stats_threshold, 24);
	assert_int_equal(zone->node_unreclaimable, 1);
	assert_int_equal(zone->start_pfn, 1);
	assert_int_equal(pb_counter(&zone->counters, "numa_hit", 7), 1);
	assert_int_equal(pb_counter(&zone->counters, "nr_new_thing", 7), 7);
	assert_false(info.zones[1].populated);
	assert_string_equal(info.zones[1].name, "Movable");
	assert_int_equal(pb_zoneinfo_gfp_table(&info), PB_GFP_5_4);
	pb_zoneinfo_free(&info);
	assert_int_equal(info.nr_zones, 0);
}

static void test_zoneinfo_of_6_18(void **state)
{
	struct pb_zoneinfo info;
	const struct pb_proc_zone *zone;

	(void)state;
	if (pb_zoneinfo_parse(zoneinfo_6_18, strlen(zoneinfo_6_18), &info, error, sizeof(error)))
		fail_msg("%s", error);
	zone = &info.zones[0];
	assert_int_equal(zone->node, 1);
	assert_true(zone->has_boost && zone->has_promo && zone->has_cma);
	assert_int_equal(zone->boost, 512);
	assert_int_equal(zone->min, 576);
	assert_int_equal(zone->promo, 624);
	assert_int_equal(zone->cma, 16);
	assert_int_equal(zone->high, 608);
	assert_int_equal(zone->pagesets[0].cpu, 3);
	assert_int_equal(zone->pagesets[0].high, 100);
	assert_int_equal(zone->pagesets[0].high_min, 50);
	assert_int_equal(zone->pagesets[0].high_max, 200);
	assert_int_equal(zone->start_pfn, 1048576);
	assert_int_equal(pb_zoneinfo_gfp_table(&info), PB_GFP_6_18);
	pb_zoneinfo_free(&info);
}

static void zoneinfo_refused(const char *text, size_t len, const char *expected)
{
	struct pb_zoneinfo info;

	assert_int_equal(pb_zoneinfo_parse(text, len, &info, error, sizeof(error)), -1);
	assert_string_equal(error, expected);
}

static void test_zoneinfo_that_is_cut_or_something_else(void **state)
{
	const char *cut = strstr(zoneinfo_5_4, "        managed");

	(void)state;
	zoneinfo_refused("", 0, "zoneinfo line 0: no zone in it");
	zoneinfo_refused("MemTotal: 5 kB\n", 15,
			 "zoneinfo line 1: 'MemTotal:' before any 'Node N, zone NAME'");
	zoneinfo_refused("Node x, zone DMA\n", 17, "zoneinfo line 1: node 'x', expected a number");
	zoneinfo_refused(zoneinfo_5_4, (size_t)(cut - zoneinfo_5_4),
			 "zoneinfo line 10: zone DMA of node 0 ends without 'managed'");
	zoneinfo_refused(zoneinfo_5_4, (size_t)(cut - zoneinfo_5_4) + 16,
			 "zoneinfo line 11: 'managed' without a number");
	cut = strstr(zoneinfo_5_4, "  start_pfn");
	zoneinfo_refused(zoneinfo_5_4, (size_t)(cut - zoneinfo_5_4),
			 "zoneinfo line 29: zone DMA of node 0 ends without 'start_pfn'");
	zoneinfo_refused("Node 0, zone DMA\n\0\n", 19,
			 "zoneinfo line 2: not a line of /proc/zoneinfo");
}

/* ------------------------------------------------------------------- buddyinfo */

static const char buddyinfo[] =
	"Node 0, zone      DMA      0      0      0      0      0      0      "
	"0      0      1      1      3 \n"
	"Node 0, zone    DMA32      2      2      4      2      5      4      "
	"4      4      5      3    751 \n";

static void test_spec_13_2_buddyinfo(void **state)
{
	struct pb_buddyinfo info;

	(void)state;
	assert_int_equal(
		pb_buddyinfo_parse(buddyinfo, strlen(buddyinfo), &info, error, sizeof(error)), 0);
	assert_int_equal(info.nr_orders, 11);
	assert_int_equal(info.nr_zones, 2);
	assert_string_equal(info.zones[1].name, "DMA32");
	assert_int_equal(info.zones[1].nr_free[4], 5);
	assert_int_equal(info.zones[1].nr_free[10], 751);
	pb_buddyinfo_free(&info);
}

static void buddyinfo_refused(const char *text, const char *expected)
{
	struct pb_buddyinfo info;

	assert_int_equal(pb_buddyinfo_parse(text, strlen(text), &info, error, sizeof(error)), -1);
	assert_string_equal(error, expected);
}

static void test_buddyinfo_that_is_something_else(void **state)
{
	(void)state;
	buddyinfo_refused("", "buddyinfo line 0: no zone in it");
	buddyinfo_refused("hello\n", "buddyinfo line 1: expected 'Node N, zone NAME'");
	buddyinfo_refused("Node 0, zone DMA\n", "buddyinfo line 1: 0 orders, expected 1 to 32");
	buddyinfo_refused("Node 0, zone DMA 1 2\nNode 0, zone DMA32 1\n",
			  "buddyinfo line 2: 1 orders, expected 2 like the lines before");
	buddyinfo_refused("Node 0, zone DMA 1 x\n",
			  "buddyinfo line 1: 'x' where a number of blocks was expected");
	buddyinfo_refused(
		"Node 0, zone DMA 1 99999999999999999999\n",
		"buddyinfo line 1: '99999999999999999999' where a number of blocks was expected");
}

/* ---------------------------------------------------------------- pagetypeinfo */

static const char pagetypeinfo[] =
	"Page block order: 9\nPages per block:  512\n\n"
	"Free pages count per migrate type at order       0      1      2 \n"
	"Node    0, zone      DMA, type    Unmovable      1      0 >100000 \n"
	"Node    0, zone      DMA, type      Movable      4      5      6 \n\n"
	"Number of blocks type     Unmovable      Movable \n"
	"Node 0, zone      DMA            1            7 \n\n"
	"Number of mixed blocks    Unmovable      Movable \n"
	"Node 0, zone      DMA            2            3 \n";

static void test_spec_13_3_pagetypeinfo(void **state)
{
	struct pb_pagetypeinfo info;

	(void)state;
	if (pb_pagetypeinfo_parse(pagetypeinfo, strlen(pagetypeinfo), &info, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(info.pageblock_order, 9);
	assert_int_equal(info.pages_per_block, 512);
	assert_int_equal(info.nr_orders, 3);
	assert_int_equal(info.nr_types, 2);
	assert_string_equal(info.types[1], "Movable");
	assert_int_equal(info.nr_rows, 2);
	assert_string_equal(info.rows[0].type, "Unmovable");
	assert_int_equal(info.rows[0].nr_free[2], 100000);
	assert_int_equal(info.rows[0].capped, 4);
	assert_int_equal(info.rows[1].capped, 0);
	assert_int_equal(info.rows[1].nr_free[1], 5);
	assert_int_equal(info.nr_blocks, 1);
	assert_int_equal(info.blocks[0].count[1], 7);
	assert_true(info.has_mixed);
	assert_int_equal(info.blocks[0].mixed[0], 2);
	pb_pagetypeinfo_free(&info);
}

static void test_pagetypeinfo_that_is_cut(void **state)
{
	struct pb_pagetypeinfo info;
	const char *cut = strstr(pagetypeinfo, "Number of blocks");

	(void)state;
	assert_int_equal(pb_pagetypeinfo_parse(pagetypeinfo, (size_t)(cut - pagetypeinfo), &info,
					       error, sizeof(error)),
			 -1);
	assert_string_equal(error, "pagetypeinfo line 7: ends before 'Number of blocks type'");
	assert_int_equal(pb_pagetypeinfo_parse("x\n", 2, &info, error, sizeof(error)), -1);
	assert_string_equal(error, "pagetypeinfo line 1: 'x', expected 'Page block order'");
}

/* ------------------------------------------------------------- vmstat and frames */

static void test_vmstat(void **state)
{
	struct pb_proc_counters counters;

	(void)state;
	assert_int_equal(pb_vmstat_parse("nr_free_pages 5\npgfree 18446744073709551615\n", 44,
					 &counters, error, sizeof(error)),
			 0);
	assert_int_equal(pb_counter(&counters, "pgfree", 0), UINT64_MAX);
	pb_counters_free(&counters);
	assert_int_equal(
		pb_vmstat_parse("nr_free_pages five\n", 19, &counters, error, sizeof(error)), -1);
	assert_string_equal(error, "vmstat line 1: expected a name and a number");
}

static void frames_refused(const char *text, const char *expected)
{
	struct pb_frames frames;

	assert_int_equal(pb_frames_parse(text, strlen(text), &frames, error, sizeof(error)), -1);
	assert_string_equal(error, expected);
}

static void test_frames(void **state)
{
	static const char text[] =
		"# runs\nmanaged 1 100\nfree 1 5\nfree 5 9\nfree 20 30\nend 128\n";
	struct pb_frames frames;

	(void)state;
	assert_int_equal(pb_frames_parse(text, strlen(text), &frames, error, sizeof(error)), 0);
	assert_int_equal(frames.nr_runs, 2);
	assert_int_equal(frames.runs[0].pfn, 1);
	assert_int_equal(frames.runs[0].end_pfn, 9);
	assert_int_equal(frames.nr_free, 18);
	assert_int_equal(frames.nr_managed, 1);
	assert_int_equal(frames.end_pfn, 128);
	pb_frames_free(&frames);
	frames_refused("free 1 5\n", "free line 1: ends without 'end'");
	frames_refused("free 5 5\nend 9\n",
		       "free line 1: run 5 to 5, expected ascending runs [first, end)");
	frames_refused("free 5 9\nfree 8 10\nend 20\n",
		       "free line 2: run 8 to 10, expected ascending runs [first, end)");
	frames_refused("used 5 9\nend 20\n", "free line 1: 'used', expected free, managed or end");
	frames_refused("end 20\nfree 5 9\n", "free line 2: 'free' behind 'end'");
}

/* -------------------------------------------------------------------- snapshots */

static void put(const char *name, const char *text)
{
	struct blob blob = { (char *)text, strlen(text), 0 };

	temp_file(name, &blob);
}

static const char *in_temp(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", temp_directory(), name);
	return path;
}

static void test_snapshots_are_found_beside_a_trace(void **state)
{
	struct pb_snapshot snapshot;
	char path[300];

	(void)state;
	put("x.zoneinfo.start", zoneinfo_5_4);
	put("x.buddyinfo.start", buddyinfo);
	put("x.txt.zst", "");
	assert_true(
		pb_snapshot_find(in_temp("x.txt.zst"), "zoneinfo", "start", path, sizeof(path)));
	assert_string_equal(path, in_temp("x.zoneinfo.start"));
	assert_true(pb_snapshot_find(in_temp("x"), "buddyinfo", "start", path, sizeof(path)));
	assert_false(pb_snapshot_find(in_temp("x.txt.zst"), "zoneinfo", "end", path, sizeof(path)));
	assert_false(
		pb_snapshot_find(in_temp("y.txt.zst"), "zoneinfo", "start", path, sizeof(path)));
	assert_int_equal(
		pb_snapshot_load(in_temp("x.txt"), "start", &snapshot, error, sizeof(error)), 0);
	assert_true(snapshot.has_zoneinfo && snapshot.has_buddyinfo);
	assert_false(snapshot.has_pagetypeinfo || snapshot.has_vmstat || snapshot.has_free);
	assert_int_equal(snapshot.zoneinfo.nr_zones, 2);
	pb_snapshot_free(&snapshot);
	assert_int_equal(
		pb_snapshot_load(in_temp("none"), "start", &snapshot, error, sizeof(error)), 0);
	assert_false(snapshot.has_zoneinfo);
}

static void test_snapshots_are_found_in_a_saved_proc(void **state)
{
	struct pb_snapshot snapshot;
	struct blob plain = { (char *)buddyinfo, strlen(buddyinfo), 0 }, packed = blob_zstd(&plain);

	(void)state;
	assert_int_equal(mkdir(in_temp("root"), 0755), 0);
	assert_int_equal(mkdir(in_temp("root/proc"), 0755), 0);
	put("root/proc/zoneinfo", zoneinfo_6_18);
	temp_file("root/proc/buddyinfo.zst", &packed);
	assert_int_equal(pb_snapshot_load(in_temp("root"), NULL, &snapshot, error, sizeof(error)),
			 0);
	assert_true(snapshot.has_zoneinfo && snapshot.has_buddyinfo);
	assert_int_equal(snapshot.buddyinfo.zones[1].nr_free[10], 751);
	pb_snapshot_free(&snapshot);
	blob_free(&packed);
}

static void test_a_snapshot_that_is_wrong_names_its_file(void **state)
{
	struct pb_snapshot snapshot;
	char expected[400];

	(void)state;
	put("w.zoneinfo.start", zoneinfo_5_4);
	put("w.vmstat.start", "hello there world\n");
	assert_int_equal(pb_snapshot_load(in_temp("w"), "start", &snapshot, error, sizeof(error)),
			 -1);
	snprintf(expected, sizeof(expected), "'%s': vmstat line 1: expected a name and a number",
		 in_temp("w.vmstat.start"));
	assert_string_equal(error, expected);
}

static void test_read_file_has_a_limit(void **state)
{
	size_t len;
	char *text;

	(void)state;
	put("limit", "0123456789");
	text = pb_read_file(in_temp("limit"), 10, &len, error, sizeof(error));
	assert_non_null(text);
	assert_int_equal(len, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	assert_null(pb_read_file(in_temp("limit"), 9, &len, error, sizeof(error)));
	assert_non_null(strstr(error, "has more than 9 bytes"));
	assert_null(pb_read_file(in_temp("nothing"), 9, &len, error, sizeof(error)));
	assert_non_null(strstr(error, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zoneinfo_of_5_4),
		cmocka_unit_test(test_zoneinfo_of_6_18),
		cmocka_unit_test(test_zoneinfo_that_is_cut_or_something_else),
		cmocka_unit_test(test_spec_13_2_buddyinfo),
		cmocka_unit_test(test_buddyinfo_that_is_something_else),
		cmocka_unit_test(test_spec_13_3_pagetypeinfo),
		cmocka_unit_test(test_pagetypeinfo_that_is_cut),
		cmocka_unit_test(test_vmstat),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_snapshots_are_found_beside_a_trace),
		cmocka_unit_test(test_snapshots_are_found_in_a_saved_proc),
		cmocka_unit_test(test_a_snapshot_that_is_wrong_names_its_file),
		cmocka_unit_test(test_read_file_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
