/* SPDX-License-Identifier: MIT */
/* The committed recordings: complete, clean, and what they are said to be. */
#include "procfs.h"
#include "support.h"

static char error[400];

static const char *sample(const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s", PB_SAMPLES, name);
	return path;
}

static struct pb_snapshot load(const char *name, const char *phase)
{
	struct pb_snapshot snapshot;

	if (pb_snapshot_load(sample(name), phase, &snapshot, error, sizeof(error)))
		fail_msg("%s", error);
	assert_true(snapshot.has_zoneinfo && snapshot.has_buddyinfo && snapshot.has_pagetypeinfo &&
		    snapshot.has_vmstat && snapshot.has_free);
	return snapshot;
}

static uint64_t end_of_memory(const struct pb_zoneinfo *info)
{
	uint64_t end = 0;

	for (size_t i = 0; i < info->nr_zones; i++)
		if (info->zones[i].start_pfn + info->zones[i].spanned > end)
			end = info->zones[i].start_pfn + info->zones[i].spanned;
	return end;
}

struct expected {
	const char *name;
	uint64_t events, allocations, frees;
	uint64_t failures;    /* allocations that failed */
	uint64_t huge_nowait; /* of these: order 9 that could not wait */
};

static void check_trace(const struct expected *expected)
{
	const char *path = sample(expected->name);
	struct pb_snapshot start = load(expected->name, "start");
	struct pb_reader_options options = { .end_pfn = end_of_memory(&start.zoneinfo),
					     .gfp_table = pb_zoneinfo_gfp_table(&start.zoneinfo) };
	struct pb_reader *reader = pb_reader_open(&path, 1, &options, error, sizeof(error));
	const struct pb_reader_stats *stats;
	uint64_t failures = 0, huge = 0;
	struct pb_event event;

	if (!reader)
		fail_msg("%s", error);
	assert_int_equal(options.gfp_table, PB_GFP_6_1);
	while (pb_reader_next(reader, &event) > 0) {
		if (event.type != PB_EV_ALLOC || event.pfn != PB_NO_PFN)
			continue;
		failures++;
		huge += event.order == 9 && !(event.gfp & 0x400);
	}
	stats = pb_reader_stats(reader);
	assert_int_equal(stats->problems, 0);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->overwritten, 0);
	assert_int_equal(stats->other_events, 0);
	assert_int_equal(stats->events, expected->events);
	assert_int_equal(stats->by_type[PB_EV_ALLOC], expected->allocations);
	assert_int_equal(stats->by_type[PB_EV_FREE], expected->frees);
	assert_int_equal(stats->nr_cpus, 2);
	assert_int_equal(failures, expected->failures);
	assert_int_equal(huge, expected->huge_nowait);
	pb_reader_close(reader);
	pb_snapshot_free(&start);
}

static void test_debian_6_1(void **state)
{
	(void)state;
	check_trace(&(struct expected){ "debian-6.1.txt.zst", 759061, 159542, 168100, 3, 0 });
}

static void test_debian_6_1_pressure(void **state)
{
	(void)state;
	check_trace(
		&(struct expected){ "debian-6.1-pressure.txt.zst", 497528, 82079, 84238, 39, 30 });
}

/* The three sources of a snapshot tell the same machine. */
static void check_snapshot(const char *name, const char *phase)
{
	struct pb_snapshot s = load(name, phase);
	uint64_t managed = 0, zone_managed = 0, blocks;

	assert_int_equal(s.buddyinfo.nr_orders, 11);
	assert_int_equal(s.pagetypeinfo.pageblock_order, 9);
	assert_int_equal(s.buddyinfo.nr_zones, 3);
	for (size_t i = 0; i < s.free.nr_managed; i++)
		managed += s.free.managed[i].end_pfn - s.free.managed[i].pfn;
	for (size_t i = 0; i < s.zoneinfo.nr_zones; i++)
		zone_managed += s.zoneinfo.zones[i].managed;
	assert_int_equal(managed, zone_managed);
	assert_int_equal(s.free.end_pfn, end_of_memory(&s.zoneinfo));
	for (size_t i = 0; i < s.pagetypeinfo.nr_blocks; i++) {
		blocks = 0;
		for (unsigned int type = 0; type < s.pagetypeinfo.nr_types; type++)
			blocks += s.pagetypeinfo.blocks[i].count[type];
		assert_true(blocks > 0);
	}
	pb_snapshot_free(&s);
}

static void test_snapshots_agree(void **state)
{
	(void)state;
	check_snapshot("debian-6.1.txt.zst", "start");
	check_snapshot("debian-6.1.txt.zst", "end");
	check_snapshot("debian-6.1-pressure.txt.zst", "start");
	check_snapshot("debian-6.1-pressure.txt.zst", "end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian_6_1),
		cmocka_unit_test(test_debian_6_1_pressure),
		cmocka_unit_test(test_snapshots_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
