// SPDX-License-Identifier: MIT
/* What a .pbt holds arrives in the engine: events, tasks, snapshots, frames, and a cut. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"
#include "pbt.h"

#define FRAMES 32768u /* 128 MB, one zone */

static char path[] = "/tmp/pagebuddy-load-XXXXXX";

enum { EV_ALLOC = 300, EV_FREE, EV_LOCKED, EV_DRAIN, EV_EXTFRAG, EV_COMPACT };

static void define(struct pbt_writer *writer, uint32_t id, const char *name,
		   const char *const *fields)
{
	struct pbt_event_def def = { .id = id };

	snprintf(def.system, sizeof(def.system), "kmem");
	snprintf(def.name, sizeof(def.name), "%s", name);
	for (; fields[def.nr_fields]; def.nr_fields++)
		snprintf(def.field[def.nr_fields].name, PBT_NAME, "%s", fields[def.nr_fields]);
	assert_int_equal(pbt_write_def(writer, &def), 0);
}

static void define_all(struct pbt_writer *writer)
{
	/* Not in the order of the text: they are found by name. */
	static const char *const alloc[] = { "order", "pfn", "gfp_flags", "migratetype", NULL };
	static const char *const plain[] = { "pfn", "order", NULL };
	static const char *const locked[] = { "pfn", "order", "migratetype", "percpu_refill",
					      NULL };
	static const char *const drain[] = { "pfn", "order", "migratetype", NULL };
	static const char *const extfrag[] = { "pfn",
					       "alloc_order",
					       "fallback_order",
					       "alloc_migratetype",
					       "fallback_migratetype",
					       "change_ownership",
					       NULL };
	static const char *const compact[] = { "start_pfn", "end_pfn", "nr_scanned", "nr_taken",
					       NULL };

	define(writer, EV_ALLOC, "mm_page_alloc", alloc);
	define(writer, EV_FREE, "mm_page_free", plain);
	define(writer, EV_LOCKED, "mm_page_alloc_zone_locked", locked);
	define(writer, EV_DRAIN, "mm_page_pcpu_drain", drain);
	define(writer, EV_EXTFRAG, "mm_page_alloc_extfrag", extfrag);
	define(writer, EV_COMPACT, "mm_compaction_isolate_freepages", compact);
}

static void event(struct pbt_writer *writer, uint64_t ts, uint32_t id, int32_t pid, uint64_t a,
		  uint64_t b, uint64_t c, uint64_t d)
{
	struct pbt_event event = { .ts = ts,
				   .id = id,
				   .cpu = (uint32_t)pid % 2,
				   .pid = pid,
				   .value = { a, b, c, d } };

	assert_int_equal(pbt_write_event(writer, &event), 0);
}

static void snapshot(struct pbt_writer *writer, enum pbt_phase phase, uint64_t ts,
		     unsigned int free)
{
	char text[2048];
	int n;

	n = snprintf(text, sizeof(text),
		     "Node 0, zone   Normal\n  pages free     %u\n        min      100\n"
		     "        low      125\n        high     150\n        spanned  %u\n"
		     "        present  %u\n        managed  %u\n        protection: (0)\n"
		     "      nr_free_pages %u\n  pagesets\n    cpu: 0\n              count: 0\n"
		     "              high:  0\n              batch: 1\n  vm stats threshold: 1\n"
		     "    cpu: 1\n              count: 0\n              high:  0\n"
		     "              batch: 1\n  vm stats threshold: 1\n  node_unreclaimable:  0\n"
		     "  start_pfn:           0\n",
		     free, FRAMES, FRAMES, FRAMES, free);
	assert_int_equal(pbt_write_file(writer, phase, ts, "zoneinfo", text, (size_t)n), 0);
	n = snprintf(text, sizeof(text),
		     "Node 0, zone   Normal %6u %6u %6u %6u %6u %6u %6u %6u "
		     "%6u %6u %6u \n",
		     free & 1, free >> 1 & 1, free >> 2 & 1, free >> 3 & 1, free >> 4 & 1,
		     free >> 5 & 1, free >> 6 & 1, free >> 7 & 1, free >> 8 & 1, free >> 9 & 1,
		     free >> 10);
	assert_int_equal(pbt_write_file(writer, phase, ts, "buddyinfo", text, (size_t)n), 0);
}

/* Half of memory is free at the start; "taker" gets a page and an order-5 block. */
static void write_trace(bool finish)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct pbt_writer *writer;
	static uint8_t frames[FRAMES];

	assert_true(fd >= 0);
	writer = pbt_writer_new(fd, 1);
	assert_non_null(writer);
	assert_int_equal(pbt_write_meta(writer, "clock=mono\n"), 0);
	snapshot(writer, PBT_START, 900, FRAMES / 2);
	memset(frames, PBT_FRAME_LRU, FRAMES / 2);
	memset(frames + FRAMES / 2, PBT_FRAME_FREE, FRAMES / 2);
	assert_int_equal(pbt_write_frames(writer, PBT_START, 900, 950, 0, frames, FRAMES), 0);
	define_all(writer);
	assert_int_equal(pbt_write_task(writer, 1000, 41, "taker"), 0);
	event(writer, 1000, EV_LOCKED, 41, 16384, 0, 1, 1);
	event(writer, 1001, EV_ALLOC, 41, 0, 16384, PB_GFP_HIGHUSER_MOVABLE, 1);
	event(writer, 1002, EV_LOCKED, 41, 16416, 5, 0, 0);
	event(writer, 1003, EV_ALLOC, 41, 5, 16416, PB_GFP_KERNEL, 0);
	assert_int_equal(pbt_write_lost(writer, 1003, 0, 7), 0);
	event(writer, 1004, EV_ALLOC, 42, 9, UINT64_MAX, PB_GFP_NOWAIT, 0);
	event(writer, 1005, EV_COMPACT, 42, 32256, 32768, 512, 10);
	event(writer, 1006, EV_FREE, 41, 100, 0, 0, 0); /* from before */
	event(writer, 1007, EV_DRAIN, 41, 100, 0, 1, 0);
	assert_int_equal(pbt_flush(writer), 0);
	if (finish) {
		snapshot(writer, PBT_STOP, 1010, FRAMES / 2 - 33 - 10 + 1);
		assert_int_equal(pbt_write_end(writer, "events=8\n"), 0);
		assert_int_equal(pbt_writer_free(writer), 0);
	} else {
		off_t flushed = (off_t)pbt_written(writer);

		assert_int_equal(pbt_writer_free(writer), 0);
		assert_int_equal(ftruncate(fd, flushed), 0);
	}
	close(fd);
}

static struct pbr_input *load(const struct pbr_source *source)
{
	struct pbr_input *input;
	char error[256] = "";

	if (pbr_load(source, &input, error, sizeof(error)))
		fail_msg("%s", error);
	return input;
}

static void test_a_pbt_arrives_whole(void **state)
{
	struct pbr_source source = { .path = path };
	struct pbr_collect collect = { .samples = 2 };
	struct pbr_input *input;
	struct pbr_run run;
	char error[256];

	(void)state;
	write_trace(true);
	input = load(&source);
	assert_string_equal(input->format, "pbt");
	assert_int_equal(input->nr_events, 8);
	assert_int_equal(input->nr_cpus, 2);
	assert_int_equal(input->machine.nr_zones, 1);
	assert_int_equal(input->machine.zones[0].managed, FRAMES);
	assert_int_equal(input->machine.zones[0].watermark[PB_WMARK_LOW], 125);
	assert_true(input->machine.has_free_map);
	assert_true(input->machine.has_end);
	assert_int_equal(input->problems.lost_events, 7);
	assert_int_equal(input->problems.unknown_frees, 1);
	assert_int_equal(input->problems.total, 0);
	assert_int_equal(input->events[1].pfn, 16384);
	assert_int_equal(input->events[1].gfp, PB_GFP_HIGHUSER_MOVABLE);
	assert_string_equal(input->tasks[input->events[1].task].comm, "taker");
	assert_int_equal(input->tasks[input->events[1].task].pid, 41);
	assert_int_equal(input->snapshot_from, 1010);

	assert_int_equal(pbr_follow(input, &collect, &run, error, sizeof(error)), 0);
	assert_int_equal(run.failures, 1);
	assert_int_equal(run.samples[0].zones[0].free, FRAMES / 2);
	assert_int_equal(run.end_free_pages, FRAMES / 2 - 33 - 10 + 1);
	assert_true(run.difference_percent == 0.0);
	pbr_run_clear(&run);
	pbr_unload(input);
}

static void test_a_cut_pbt_is_used_up_to_the_cut(void **state)
{
	struct pbr_source source = { .path = path };
	struct pbr_input *input;

	(void)state;
	write_trace(false);
	input = load(&source);
	assert_int_equal(input->nr_events, 8);
	assert_int_equal(input->problems.truncated, 1);
	assert_int_equal(input->problems.total, 1);
	assert_false(input->machine.has_end);
	pbr_unload(input);
}

/* --memory puts the trace on another machine: the snapshots say nothing of it. */
static void test_another_machine_forgets_the_snapshots(void **state)
{
	struct pbr_source source = { .path = path, .memory = UINT64_C(256) << 20, .cpus = 1 };
	struct pbr_input *input;

	(void)state;
	write_trace(true);
	input = load(&source);
	assert_int_equal(input->machine.nr_zones, 2);
	assert_false(input->machine.has_start);
	assert_false(input->machine.has_free_map);
	assert_int_equal(input->nr_cpus, 1);
	pbr_unload(input);
}

static void test_no_such_file_is_an_error(void **state)
{
	struct pbr_source source = { .path = "/nonexistent/x.pbt" };
	struct pbr_input *input;
	char error[256] = "";

	(void)state;
	assert_int_not_equal(pbr_load(&source, &input, error, sizeof(error)), 0);
	assert_null(input);
	assert_non_null(strstr(error, "/nonexistent/x.pbt"));
}

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pbt_arrives_whole),
		cmocka_unit_test(test_a_cut_pbt_is_used_up_to_the_cut),
		cmocka_unit_test(test_another_machine_forgets_the_snapshots),
		cmocka_unit_test(test_no_such_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_path, drop_path);
}
