/* SPDX-License-Identifier: MIT */
/* Whole inputs: formats, packing, merging, and all that can be wrong with them. */
#include "support.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char error[400];

static struct pb_reader *open_path(const char *path)
{
	error[0] = '\0';
	return pb_reader_open(&path, 1, NULL, error, sizeof(error));
}

/* ------------------------------------------------------------------ round trips */

static void check_round_trip(enum gen_format format, const struct blob *blob, uint64_t seed,
			     unsigned int nr, size_t chunk)
{
	struct pb_reader_options options = { .gfp_table = gen_table(format) };
	struct gen gen = gen_new(seed);
	struct pb_event got, expected;
	struct memory memory = { blob->bytes, blob->len, 0, chunk };
	struct pb_reader *reader = pb_reader_open_fn(memory_read, &memory, "memory", &options,
						     error, sizeof(error));

	if (!reader)
		fail_msg("open: %s", error);
	for (unsigned int i = 0; i < nr; i++) {
		gen_event(&gen, &expected);
		assert_int_equal(pb_reader_next(reader, &got), 1);
		assert_same_event(&got, &expected);
		assert_int_equal(got.line, i + 1);
	}
	assert_int_equal(pb_reader_next(reader, &got), 0);
	assert_int_equal(pb_reader_next(reader, &got), 0);
	assert_int_equal(pb_reader_stats(reader)->events, nr);
	assert_int_equal(pb_reader_stats(reader)->problems, 0);
	pb_reader_close(reader);
}

static void test_every_format_comes_back(void **state)
{
	uint64_t seed = test_seed();

	(void)state;
	for (int format = 0; format < GEN_NR_FORMATS; format++) {
		struct gen gen = gen_new(seed);
		struct blob plain = { 0 }, packed;

		blob_events(&plain, &gen, (enum gen_format)format, 1500);
		check_round_trip((enum gen_format)format, &plain, seed, 1500, SIZE_MAX);
		check_round_trip((enum gen_format)format, &plain, seed, 1500, 7);
		packed = blob_zstd(&plain);
		check_round_trip((enum gen_format)format, &packed, seed, 1500, SIZE_MAX);
		check_round_trip((enum gen_format)format, &packed, seed, 1500, 1);
		blob_free(&packed);
#ifdef PB_HAVE_ZLIB
		packed = blob_gzip(&plain);
		check_round_trip((enum gen_format)format, &packed, seed, 1500, SIZE_MAX);
		check_round_trip((enum gen_format)format, &packed, seed, 1500, 1);
		blob_free(&packed);
#endif
		blob_free(&plain);
	}
}

static void test_parts_packed_one_by_one_are_one_stream(void **state)
{
	struct gen gen = gen_new(5);
	struct blob a = { 0 }, b = { 0 }, both = { 0 }, packed;

	(void)state;
	blob_events(&a, &gen, GEN_6_1, 700);
	blob_events(&b, &gen, GEN_6_1, 300);
	packed = blob_zstd(&a);
	blob_add(&both, packed.bytes, packed.len);
	blob_free(&packed);
	packed = blob_zstd(&b);
	blob_add(&both, packed.bytes, packed.len);
	blob_free(&packed);
	check_round_trip(GEN_6_1, &both, 5, 1000, SIZE_MAX);
	check_round_trip(GEN_6_1, &both, 5, 1000, 3);
	blob_free(&both);
#ifdef PB_HAVE_ZLIB
	packed = blob_gzip(&a);
	blob_add(&both, packed.bytes, packed.len);
	blob_free(&packed);
	packed = blob_gzip(&b);
	blob_add(&both, packed.bytes, packed.len);
	blob_free(&packed);
	check_round_trip(GEN_6_1, &both, 5, 1000, SIZE_MAX);
	check_round_trip(GEN_6_1, &both, 5, 1000, 3);
	blob_free(&both);
#endif
	blob_free(&a);
	blob_free(&b);
}

static void test_lines_may_end_as_on_windows(void **state)
{
	struct gen gen = gen_new(9);
	struct blob plain = { 0 }, windows = { 0 };

	(void)state;
	blob_events(&plain, &gen, GEN_6_1, 100);
	for (size_t i = 0; i < plain.len; i++) {
		if (plain.bytes[i] == '\n')
			blob_text(&windows, "\r");
		blob_add(&windows, plain.bytes + i, 1);
	}
	check_round_trip(GEN_6_1, &windows, 9, 100, SIZE_MAX);
	blob_free(&plain);
	blob_free(&windows);
}

/* --------------------------------------------------------------------- merging */

/* A file per CPU gives what one file of all gave. */
static void test_files_per_cpu_merge_by_time(void **state)
{
	uint64_t seed = test_seed();
	struct gen gen = gen_new(seed);
	struct blob parts[4] = { { 0 } };
	const char *paths[4];
	struct pb_event event;
	struct pb_reader *reader;
	uint64_t last = 0, last_cpu = 0, n = 0;
	char line[600], name[20];

	(void)state;
	for (int i = 0; i < 4000; i++) {
		gen_event(&gen, &event);
		blob_add(&parts[event.cpu], line, gen_line(GEN_6_1, &event, line, sizeof(line)));
	}
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "cpu%d", i);
		paths[i] = temp_file(name, &parts[i]);
	}
	reader = pb_reader_open(paths, 4, NULL, error, sizeof(error));
	assert_non_null(reader);
	while (pb_reader_next(reader, &event) == 1) {
		assert_int_equal(event.file, event.cpu);
		assert_true(event.time > last || (event.time == last && event.cpu >= last_cpu));
		last = event.time;
		last_cpu = event.cpu;
		n++;
	}
	assert_int_equal(n, 4000);
	assert_int_equal(pb_reader_stats(reader)->problems, 0);
	assert_true(pb_reader_stats(reader)->equal_times > 0);
	assert_true(pb_reader_progress(reader) == 1);
	assert_string_equal(pb_reader_path(reader, 2), paths[2]);
	pb_reader_close(reader);
	for (int i = 0; i < 4; i++)
		blob_free(&parts[i]);
}

#define LINE(cpu, time, pfn)                                                                    \
	"              dd-7       [00" #cpu "] ..... " #time ": mm_page_free: page=1 pfn=" #pfn \
	" order=0\n"

static void test_equal_times_keep_the_order_of_the_file(void **state)
{
	static const uint64_t pfns[] = { 3, 1, 2 };
	struct blob blob = { 0 };
	struct memory memory;
	struct pb_reader *reader;
	struct pb_event event;

	(void)state;
	blob_text(&blob, LINE(1, 1.0, 0x3) LINE(0, 1.0, 0x1) LINE(1, 1.0, 0x2));
	reader = open_blob(&memory, &blob, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pb_reader_next(reader, &event), 1);
		assert_int_equal(event.pfn, pfns[i]);
	}
	assert_int_equal(pb_reader_stats(reader)->equal_times, 2);
	assert_int_equal(pb_reader_stats(reader)->problems, 0);
	pb_reader_close(reader);
	blob_free(&blob);
}

/* ----------------------------------------------------------- problems, counted */

/* Eight lines, of which one is good and one only early. */
static struct blob one_of_each_problem(void)
{
	struct blob blob = { 0 };

	blob_text(&blob, LINE(0, 1.0, 0x1));
	blob_text(&blob, "what is this\n");
	blob_text(&blob, LINE(0, 0.5, 0x2));
	blob_text(&blob, LINE(0, 2.0, 0x100));
	blob_text(&blob, "              dd-7       [000] ..... 2.5: mm_page_free: page=1 pfn=0x5 "
			 "order=10\n");
	blob_add(&blob, "\0\1\2\n", 4);
	blob_text(&blob, "              dd-7       [000] ..... 2.5: mm_page_free: page=1\n");
	blob_text(&blob, "              dd-7       [000] ..... 2.5: mm_page_free: page=1 pfn=0x");
	return blob;
}

static void test_problems_are_counted_by_kind(void **state)
{
	static const uint64_t expected[PB_NR_PROBLEMS] = {
		[PB_BAD_MALFORMED] = 2, [PB_BAD_UNORDERED] = 1, [PB_BAD_PFN] = 1,
		[PB_BAD_ORDER] = 1,     [PB_BAD_BINARY] = 1,    [PB_BAD_TRUNCATED] = 1,
	};
	struct pb_reader_options options = { .max_order = 9, .end_pfn = 0x100 };
	struct blob blob = one_of_each_problem();
	struct memory memory;
	struct pb_reader *reader = open_blob(&memory, &blob, &options);
	const struct pb_reader_stats *stats = pb_reader_stats(reader);
	struct pb_event event;

	(void)state;
	assert_int_equal(pb_reader_next(reader, &event), 1);
	assert_int_equal(event.flags, 0);
	assert_int_equal(pb_reader_next(reader, &event), 1);
	assert_int_equal(event.time, 500000000);
	assert_int_equal(event.flags, PB_EVENT_UNORDERED);
	assert_int_equal(drain(reader), 0);
	assert_int_equal(stats->events, 2);
	for (int i = 0; i < PB_NR_PROBLEMS; i++)
		assert_int_equal(stats->by_problem[i], expected[i]);
	assert_int_equal(stats->problems, 7);
	assert_int_equal(stats->nr_examples, PB_NR_EXAMPLES);
	assert_int_equal(stats->examples[0].line, 2);
	assert_string_equal(stats->examples[0].text, "what is this");
	assert_int_equal(stats->examples[1].kind, PB_BAD_UNORDERED);
	assert_int_equal(stats->examples[1].line, 3);
	assert_string_equal(stats->examples[1].reason,
			    "500000000 ns earlier than the event before");
	assert_int_equal(stats->examples[4].line, 6);
	assert_string_equal(stats->examples[4].text, "???");
	pb_reader_close(reader);
	blob_free(&blob);
}

static void test_the_caller_can_report_too(void **state)
{
	struct blob blob = { 0 };
	struct memory memory;
	struct pb_reader *reader;
	struct pb_event event;

	(void)state;
	blob_text(&blob, LINE(0, 1.0, 0x1));
	reader = open_blob(&memory, &blob, NULL);
	assert_int_equal(pb_reader_next(reader, &event), 1);
	pb_reader_report(reader, &event, PB_BAD_PFN, "pfn 0x1 is in a hole");
	assert_int_equal(pb_reader_stats(reader)->by_problem[PB_BAD_PFN], 1);
	assert_int_equal(pb_reader_stats(reader)->examples[0].line, 1);
	assert_string_equal(pb_reader_stats(reader)->examples[0].reason, "pfn 0x1 is in a hole");
	pb_reader_close(reader);
	blob_free(&blob);
}

static void test_lost_events_are_told_by_the_next_of_that_cpu(void **state)
{
	static const uint64_t lost[] = { 0, 30, 1, 0 };
	struct blob blob = { 0 };
	struct memory memory;
	struct pb_reader *reader;
	struct pb_event event;

	(void)state;
	blob_text(&blob, "# entries-in-buffer/entries-written: 4/14   #P:2\n");
	blob_text(&blob, "CPU:1 [LOST 30 EVENTS]\n" LINE(0, 1.0, 0x1) LINE(1, 1.0, 0x2));
	blob_text(&blob, "CPU:1 [LOST EVENTS]\n" LINE(1, 1.0, 0x3) LINE(1, 1.0, 0x4));
	reader = open_blob(&memory, &blob, NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pb_reader_next(reader, &event), 1);
		assert_int_equal(event.lost, lost[i]);
	}
	assert_int_equal(drain(reader), 0);
	assert_int_equal(pb_reader_stats(reader)->lost, 30);
	assert_int_equal(pb_reader_stats(reader)->lost_places, 2);
	assert_int_equal(pb_reader_stats(reader)->lost_unknown, 1);
	assert_int_equal(pb_reader_stats(reader)->overwritten, 10);
	assert_int_equal(pb_reader_stats(reader)->problems, 0);
	pb_reader_close(reader);
	blob_free(&blob);
}

static void test_a_line_longer_than_the_buffer_is_one_problem(void **state)
{
	struct blob blob = { 0 };
	struct memory memory;
	struct pb_reader *reader;
	char *x = malloc(1000000);

	(void)state;
	assert_non_null(x);
	memset(x, 'x', 1000000);
	blob_text(&blob, LINE(0, 1.0, 0x1));
	blob_add(&blob, x, 1000000);
	blob_text(&blob, "\n" LINE(0, 2.0, 0x2));
	reader = open_blob(&memory, &blob, NULL);
	assert_int_equal(drain(reader), 0);
	assert_int_equal(pb_reader_stats(reader)->events, 2);
	assert_int_equal(pb_reader_stats(reader)->problems, 1);
	assert_int_equal(pb_reader_stats(reader)->examples[0].line, 2);
	pb_reader_close(reader);
	blob_free(&blob);
	free(x);
}

/* Wherever it is cut, what came before is read, and the cut is told once. */
static void test_a_cut_file_is_read_up_to_the_cut(void **state)
{
	struct gen gen = gen_new(3);
	struct blob plain = { 0 }, packed;
	struct pb_reader *reader;
	struct memory memory;

	(void)state;
	blob_events(&plain, &gen, GEN_6_1, 3000);
	packed = blob_zstd(&plain);
	for (int i = 0; i < 2; i++) {
		struct blob cut = i ? packed : plain;
		const struct pb_reader_stats *stats;

		cut.len = cut.len * 9 / 10;
		while (!i && cut.bytes[cut.len - 1] == '\n')
			cut.len--;
		memory = (struct memory){ cut.bytes, cut.len, 0, SIZE_MAX };
		reader = pb_reader_open_fn(memory_read, &memory, "cut", NULL, error, sizeof(error));
		assert_non_null(reader);
		assert_int_equal(drain(reader), 0);
		stats = pb_reader_stats(reader);
		assert_true(stats->events < 3000 && stats->events > 500);
		assert_int_equal(stats->by_problem[PB_BAD_TRUNCATED], 1);
		assert_int_equal(stats->problems, 1);
		pb_reader_close(reader);
	}
	blob_free(&plain);
	blob_free(&packed);
}

static void test_damaged_compression_ends_the_file(void **state)
{
	struct gen gen = gen_new(3);
	struct blob plain = { 0 }, packed;
	struct pb_reader *reader;
	struct memory memory;

	(void)state;
	blob_events(&plain, &gen, GEN_6_1, 20000);
	packed = blob_zstd(&plain);
	memset(packed.bytes + packed.len / 2, 0xa5, 500);
	reader = open_blob(&memory, &packed, NULL);
	assert_int_equal(drain(reader), 0);
	assert_true(pb_reader_stats(reader)->events > 5000);
	assert_int_equal(pb_reader_stats(reader)->by_problem[PB_BAD_STREAM], 1);
	pb_reader_close(reader);
	blob_free(&plain);
	blob_free(&packed);
}

/* ------------------------------------------------------------ what is no trace */

static void refused(const char *path, const char *expected)
{
	char text[500];

	assert_null(open_path(path));
	snprintf(text, sizeof(text), expected, path);
	assert_string_equal(error, text);
	assert_null(strchr(error, '\n'));
}

#define EXPECTED "; expected ftrace or perf script text, plain, .zst or .gz"

static void test_what_can_not_be_opened(void **state)
{
	char path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/none", temp_directory());
	refused(path,
		"can't open '%s': No such file or directory; expected a file that can be read");
	refused(temp_directory(), "'%s' is a directory, expected a file");
	assert_null(pb_reader_open(NULL, 0, NULL, error, sizeof(error)));
	assert_string_equal(error, "0 files, expected 1 to 8192");
}

static void test_what_is_no_trace(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *expected;
	} inputs[] = {
		{ "", 0, "'%s' is empty" EXPECTED },
		{ "\x7f"
		  "ELF\2\1\1",
		  7, "'%s' is an ELF program or library" EXPECTED },
		{ "PERFILE2....", 12,
		  "'%s' is perf.data (try: perf script -i FILE > FILE.txt)" EXPECTED },
		{ "\x7f"
		  "PBT\1\0\0\0",
		  8, "'%s' is a .pbt recording" EXPECTED },
		{ "\xfd"
		  "7zXZ\0",
		  6, "'%s' is xz-compressed (unpack it first)" EXPECTED },
		{ "\0\0\0\0\0", 5, "'%s' is a binary file" EXPECTED },
		{ "{\"a\":1}\n", 8, "'%s' is JSON" EXPECTED },
		{ "Dear Sir,\nbye\n", 14,
		  "'%s' has no line of a trace: 0 of 2 lines understood (line 1: 'Dear Sir,')" EXPECTED },
		{ "\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		  20, "'%s' is damaged zstd" EXPECTED },
		{ "\x28\xb5\x2f\xfd", 4, "'%s' is zstd that ends at once" EXPECTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct blob blob = { (char *)inputs[i].bytes, inputs[i].len, 0 };

		refused(temp_file("input", &blob), inputs[i].expected);
	}
}

static void test_a_trace_without_events_is_a_trace(void **state)
{
	struct blob blob = { 0 };
	struct pb_reader *reader;

	(void)state;
	blob_text(&blob, "# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:2\n");
	reader = open_path(temp_file("header", &blob));
	assert_non_null(reader);
	assert_int_equal(drain(reader), 0);
	assert_int_equal(pb_reader_stats(reader)->events, 0);
	assert_int_equal(pb_reader_stats(reader)->problems, 0);
	assert_string_equal(pb_reader_format_name(reader), "ftrace text");
	pb_reader_close(reader);
	blob_free(&blob);
}

static long broken_read(void *ctx, void *buffer, size_t size)
{
	unsigned int *calls = ctx;

	if (++*calls > 1) {
		errno = EIO;
		return -1;
	}
	(void)size;
	memcpy(buffer, LINE(0, 1.0, 0x1), strlen(LINE(0, 1.0, 0x1)));
	return (long)strlen(LINE(0, 1.0, 0x1));
}

static void test_an_input_that_fails_is_an_error(void **state)
{
	unsigned int calls = 0;
	struct pb_reader *reader = pb_reader_open_fn(broken_read, &calls, "disk", NULL, error,
						     sizeof(error));
	struct pb_event event;

	(void)state;
	assert_non_null(reader);
	assert_int_equal(pb_reader_next(reader, &event), 1);
	assert_int_equal(pb_reader_next(reader, &event), -1);
	assert_string_equal(pb_reader_error(reader), "can't read 'disk': Input/output error");
	assert_int_equal(pb_reader_next(reader, &event), -1);
	pb_reader_close(reader);
}

/* ------------------------------------------------------------------------ live */

/* A pipe gives each event as soon as its line is there. */
static void test_a_live_pipe_does_not_wait(void **state)
{
	struct pb_reader *reader;
	struct pb_event event;
	char path[64];
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	alarm(1000); /* a reader that waits would wait for ever */
	assert_true(write(fd[1], LINE(0, 1.0, 0x1), strlen(LINE(0, 1.0, 0x1))) > 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd[0]);
	reader = open_path(path);
	assert_non_null(reader);
	assert_int_equal(pb_reader_next(reader, &event), 1);
	assert_int_equal(event.pfn, 1);
	assert_true(write(fd[1], LINE(0, 2.0, 0x2), strlen(LINE(0, 2.0, 0x2))) > 0);
	assert_int_equal(pb_reader_next(reader, &event), 1);
	assert_int_equal(event.pfn, 2);
	close(fd[1]);
	assert_int_equal(pb_reader_next(reader, &event), 0);
	alarm(0);
	pb_reader_close(reader);
	close(fd[0]);
}

/* Endless input, and the memory stays what it was. */
struct endless {
	struct gen gen;
	uint64_t left;
	char line[600];
	size_t at, len;
};

static long endless_read(void *ctx, void *buffer, size_t size)
{
	struct endless *endless = ctx;
	size_t n = 0, part;

	while (n < size && (endless->at < endless->len || endless->left)) {
		struct pb_event event;

		if (endless->at == endless->len) {
			gen_event(&endless->gen, &event);
			endless->len = gen_line(GEN_6_1, &event, endless->line,
						sizeof(endless->line));
			endless->at = 0;
			endless->left--;
		}
		part = endless->len - endless->at;
		if (part > size - n)
			part = size - n;
		memcpy((char *)buffer + n, endless->line + endless->at, part);
		endless->at += part;
		n += part;
	}
	return (long)n;
}

static long peak_kb(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

static void test_memory_is_constant(void **state)
{
	struct endless endless = { .gen = gen_new(1), .left = 1000000 };
	struct pb_reader *reader = pb_reader_open_fn(endless_read, &endless, "endless", NULL, error,
						     sizeof(error));
	struct pb_event event;
	long before;

	(void)state;
	assert_non_null(reader);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(pb_reader_next(reader, &event), 1);
	before = peak_kb();
	assert_int_equal(drain(reader), 0);
	assert_int_equal(pb_reader_stats(reader)->events, 1000000);
	assert_true(peak_kb() - before < 4096);
	pb_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_format_comes_back),
		cmocka_unit_test(test_parts_packed_one_by_one_are_one_stream),
		cmocka_unit_test(test_lines_may_end_as_on_windows),
		cmocka_unit_test(test_files_per_cpu_merge_by_time),
		cmocka_unit_test(test_equal_times_keep_the_order_of_the_file),
		cmocka_unit_test(test_problems_are_counted_by_kind),
		cmocka_unit_test(test_the_caller_can_report_too),
		cmocka_unit_test(test_lost_events_are_told_by_the_next_of_that_cpu),
		cmocka_unit_test(test_a_line_longer_than_the_buffer_is_one_problem),
		cmocka_unit_test(test_a_cut_file_is_read_up_to_the_cut),
		cmocka_unit_test(test_damaged_compression_ends_the_file),
		cmocka_unit_test(test_what_can_not_be_opened),
		cmocka_unit_test(test_what_is_no_trace),
		cmocka_unit_test(test_a_trace_without_events_is_a_trace),
		cmocka_unit_test(test_an_input_that_fails_is_an_error),
		cmocka_unit_test(test_a_live_pipe_does_not_wait),
		cmocka_unit_test(test_memory_is_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
