/* SPDX-License-Identifier: MIT */
/* trace.dat through libtracecmd. */
#include "dat_writer.h"

#define NR 3000

static char error[400];

/* Unique pids, as trace.dat keeps one name for each. */
static struct pb_event *make_events(uint64_t seed, size_t nr, unsigned int cpus)
{
	struct pb_event *events = calloc(nr, sizeof(*events));
	struct gen gen = gen_new(seed);

	assert_non_null(events);
	gen.cpus = cpus;
	for (size_t i = 0; i < nr; i++) {
		gen_event(&gen, &events[i]);
		events[i].pid = (int32_t)i + 1;
		if (i % 500 == 499)
			gen.time += 3000000000; /* a delta that does not fit into 27 bits */
		gen.time += 1;                  /* no two at the same time: CPUs are merged */
		if (strchr(events[i].comm, ' '))
			strcpy(events[i].comm, "two_words");
	}
	return events;
}

static struct pb_reader *open_dat(struct blob *blob)
{
	const char *path = temp_file("trace.dat", blob);
	struct pb_reader *reader;

	error[0] = '\0';
	reader = pb_reader_open(&path, 1, NULL, error, sizeof(error));
	blob_free(blob);
	return reader;
}

static void test_every_event_comes_back(void **state)
{
	struct dat_options options = { .cpus = 4 };
	struct pb_event *events = make_events(test_seed(), NR, 4), got;
	struct blob blob = dat_write(events, NR, &options);
	struct pb_reader *reader = open_dat(&blob);

	(void)state;
	if (!reader)
		fail_msg("%s", error);
	assert_string_equal(pb_reader_format_name(reader), "trace.dat");
	for (size_t i = 0; i < NR; i++) {
		assert_int_equal(pb_reader_next(reader, &got), 1);
		assert_same_event(&got, &events[i]);
	}
	assert_int_equal(pb_reader_next(reader, &got), 0);
	assert_int_equal(pb_reader_stats(reader)->problems, 0);
	assert_int_equal(pb_reader_stats(reader)->events, NR);
	assert_true(pb_reader_stats(reader)->bytes > 100000);
	pb_reader_close(reader);
	free(events);
}

static void test_an_absent_page_is_all_ones(void **state)
{
	struct dat_options options = { .cpus = 1 };
	struct pb_event event = { .type = PB_EV_ALLOC,
				  .time = 5,
				  .pfn = PB_NO_PFN,
				  .order = 9,
				  .gfp = 0x1c28ca,
				  .migratetype = 1,
				  .pid = 7,
				  .comm = "dd" },
			got;
	struct blob blob = dat_write(&event, 1, &options);
	struct pb_reader *reader = open_dat(&blob);

	(void)state;
	assert_non_null(reader);
	assert_int_equal(pb_reader_next(reader, &got), 1);
	assert_same_event(&got, &event);
	pb_reader_close(reader);
}

/* A stack is its CPU's event before it, also where another CPU's comes between. */
static void test_stacks_are_named_by_the_file(void **state)
{
	struct dat_options options = { .cpus = 2,
				       .kallsyms = "ffffffff81001000 T __alloc_pages\n"
						   "ffffffff81002000 t asker\n"
						   "ffffffff81003000 T outer\n"
						   "ffffffff81004000 T end\n" };
	const uint64_t at = 0xffffffff81000000;
	struct pb_event events[] = {
		{ .type = PB_EV_ALLOC, .time = 1000, .pfn = 5, .pid = 1, .comm = "a" },
		{ .type = PB_EV_ALLOC, .time = 1001, .pfn = 6, .cpu = 1, .pid = 2, .comm = "b" },
		{ .type = PB_EV_STACK,
		  .time = 1002,
		  .pfn = at + 0x1010,
		  .end_pfn = at + 0x2010,
		  .count = at + 0x3010,
		  .pid = 1,
		  .comm = "a" },
		{ .type = PB_EV_STACK,
		  .time = 1003,
		  .cpu = 1,
		  .pfn = at + 0x1010,
		  .end_pfn = at + 0x3010,
		  .count = UINT64_MAX,
		  .pid = 2,
		  .comm = "b" },
	};
	static const char *const chains[] = { "asker < outer", "outer" };
	struct blob blob = dat_write(events, 4, &options);
	struct pb_reader *reader = open_dat(&blob);
	struct pb_event got;

	(void)state;
	if (!reader)
		fail_msg("%s", error);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pb_reader_next(reader, &got), 1);
		assert_int_equal(got.type, events[i].type);
		assert_int_equal(got.cpu, events[i].cpu);
		if (i >= 2)
			assert_string_equal(pb_reader_chain(reader, got.chain), chains[i - 2]);
	}
	assert_int_equal(pb_reader_next(reader, &got), 0);
	assert_int_equal(pb_reader_chains(reader), 2);
	pb_reader_close(reader);
}

static void check_lost(bool unknown, uint64_t lost)
{
	struct dat_options options = { .cpus = 2, .lost = 77, .lost_unknown = unknown };
	struct pb_event *events = make_events(4, NR, 2), got;
	struct blob blob = dat_write(events, NR, &options);
	struct pb_reader *reader = open_dat(&blob);
	uint64_t told = 0, places = 0;

	assert_non_null(reader);
	while (pb_reader_next(reader, &got) == 1) {
		told += got.lost;
		places += got.lost != 0;
	}
	assert_int_equal(places, 1);
	assert_int_equal(told, unknown ? 1 : 77);
	assert_int_equal(pb_reader_stats(reader)->lost, lost);
	assert_int_equal(pb_reader_stats(reader)->lost_places, 1);
	assert_int_equal(pb_reader_stats(reader)->lost_unknown, unknown);
	assert_int_equal(pb_reader_stats(reader)->events, NR);
	pb_reader_close(reader);
	free(events);
}

static void test_lost_events_are_counted(void **state)
{
	(void)state;
	check_lost(false, 77);
	check_lost(true, 0);
}

static void test_orders_and_pfns_are_checked(void **state)
{
	struct dat_options options = { .cpus = 1 };
	struct pb_reader_options limits = { .end_pfn = 100 };
	struct pb_event events[3] = {
		{ .type = PB_EV_FREE, .time = 1000, .pfn = 5, .order = 11, .pid = 1, .comm = "a" },
		{ .type = PB_EV_FREE, .time = 2000, .pfn = 100, .order = 0, .pid = 1, .comm = "a" },
		{ .type = PB_EV_FREE, .time = 3000, .pfn = 99, .order = 0, .pid = 1, .comm = "a" },
	};
	struct blob blob = dat_write(events, 3, &options);
	const char *path = temp_file("limits.dat", &blob);
	struct pb_reader *reader = pb_reader_open(&path, 1, &limits, error, sizeof(error));

	(void)state;
	assert_non_null(reader);
	assert_int_equal(drain(reader), 0);
	assert_int_equal(pb_reader_stats(reader)->events, 1);
	assert_int_equal(pb_reader_stats(reader)->by_problem[PB_BAD_ORDER], 1);
	assert_int_equal(pb_reader_stats(reader)->by_problem[PB_BAD_PFN], 1);
	assert_int_equal(pb_reader_stats(reader)->examples[1].line, 2);
	pb_reader_close(reader);
	blob_free(&blob);
}

static void test_a_migratetype_that_is_none_is_malformed(void **state)
{
	struct dat_options options = { .cpus = 1 };
	struct pb_event event = { .type = PB_EV_PCPU_DRAIN,
				  .time = 1000,
				  .pfn = 5,
				  .pid = 1,
				  .migratetype = 16,
				  .comm = "a" };
	struct blob blob = dat_write(&event, 1, &options);
	struct pb_reader *reader = open_dat(&blob);

	(void)state;
	assert_non_null(reader);
	assert_int_equal(drain(reader), 0);
	assert_int_equal(pb_reader_stats(reader)->by_problem[PB_BAD_MALFORMED], 1);
	assert_string_equal(pb_reader_stats(reader)->examples[0].reason,
			    "migratetype of more than 15");
	pb_reader_close(reader);
}

static void test_a_file_without_kmem_is_refused(void **state)
{
	struct dat_options options = { .cpus = 1, .no_kmem = true };
	struct pb_event event = { .type = PB_EV_MARK,
				  .time = 5,
				  .pid = 1,
				  .comm = "a",
				  .mark = "x" };
	struct blob blob = dat_write(&event, 1, &options);

	(void)state;
	assert_null(open_dat(&blob));
	assert_non_null(strstr(error, "knows no event of the page allocator; expected trace-cmd"));
}

/* Cut anywhere, it is refused in one line or read up to the cut. */
static void test_a_cut_file_ends_or_is_refused(void **state)
{
	struct dat_options options = { .cpus = 2 };
	struct pb_event *events = make_events(6, NR, 2);
	struct blob whole = dat_write(events, NR, &options);
	unsigned int refused = 0, cut_short = 0;

	(void)state;
	for (int i = 1; i < 40; i++) {
		struct blob cut = { 0 };
		struct pb_reader *reader;

		blob_add(&cut, whole.bytes, whole.len * (size_t)i / 40);
		reader = open_dat(&cut);
		if (!reader) {
			assert_non_null(strstr(error, "trace.dat"));
			assert_null(strchr(error, '\n'));
			refused++;
			continue;
		}
		assert_int_equal(drain(reader), 0);
		assert_true(pb_reader_stats(reader)->events < NR);
		assert_int_equal(pb_reader_stats(reader)->problems, 1);
		assert_int_equal(pb_reader_stats(reader)->by_problem[PB_BAD_TRUNCATED], 1);
		cut_short += pb_reader_stats(reader)->events > 100;
		pb_reader_close(reader);
	}
	assert_true(refused > 0);
	assert_true(cut_short > 5);
	blob_free(&whole);
	free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event_comes_back),
		cmocka_unit_test(test_an_absent_page_is_all_ones),
		cmocka_unit_test(test_stacks_are_named_by_the_file),
		cmocka_unit_test(test_lost_events_are_counted),
		cmocka_unit_test(test_orders_and_pfns_are_checked),
		cmocka_unit_test(test_a_migratetype_that_is_none_is_malformed),
		cmocka_unit_test(test_a_file_without_kmem_is_refused),
		cmocka_unit_test(test_a_cut_file_ends_or_is_refused),
	};

	if (!pb_reader_has_trace_dat()) {
		printf("this build has no libtracecmd\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
