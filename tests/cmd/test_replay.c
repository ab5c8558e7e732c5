// SPDX-License-Identifier: MIT
/* pagebuddy replay and explain on small traces, bad input, and the recorded sample. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "run.h"

#define SAMPLE SAMPLES "/debian-6.1.txt.zst"

#define PRESSURE SAMPLES "/debian-6.1-pressure.txt.zst"

#define HEAD "# tracer: nop\n#\n"
#define ALLOC(time, pfn, order)                                             \
	"           app-77      [001] ..... " time                          \
	": mm_page_alloc: page=00000000dead0000 pfn=0x" pfn " order=" order \
	" migratetype=0 gfp_flags=GFP_KERNEL\n"
#define FREE(time, pfn, order)                     \
	"           app-77      [000] ..... " time \
	": mm_page_free: page=00000000dead0000 pfn=0x" pfn " order=" order "\n"
#define FAILED(time, order)                               \
	"           app-77      [000] ..... " time        \
	": mm_page_alloc: page=0000000000000000 pfn=0x0 " \
	"order=" order " migratetype=0 gfp_flags=GFP_NOWAIT\n"

static const char small[] = HEAD ALLOC("10.000001", "1000", "0") ALLOC("10.000002", "1008", "3")
	FREE("10.000003", "1000", "0") FREE("10.000004", "1010", "0") /* not allocated here */
	FAILED("10.000005", "4") FREE("10.000006", "1008", "3");

static const char *trace_file(const char *text)
{
	return write_file("trace.txt", text, strlen(text));
}

static void assert_refused(struct output *output, const char *expected)
{
	if (output->status != 2 || output->size || !strstr(output->err, expected) ||
	    strchr(output->err, '\n') != output->err + strlen(output->err) - 1)
		fail_msg("status %d, out '%.80s', err '%s'; expected '%s'", output->status,
			 output->out, output->err, expected);
	output_free(output);
}

/* -------------------------------------------------------------- small traces */

static void check_small(const char *arguments)
{
	struct output output;
	json_t *json;

	run(&output, "replay %s %s --memory 64M --format json", trace_file(small), arguments);
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_int_equal(int_at(json, "schema"), 2);
	assert_int_equal(int_at(json, "events"), 6);
	assert_int_equal(int_at(json, "allocations"), 2);
	assert_int_equal(int_at(json, "frees"), 2);
	assert_int_equal(int_at(json, "failures"), 0);
	assert_int_equal(int_at(json, "double_handouts"), 0);
	assert_int_equal(int_at(json, "unknown_frees"), 1);
	assert_int_equal(int_at(json, "peak_pages"), 9);
	assert_int_equal(int_at(json, "machine/cpus"), 2);
	assert_int_equal(int_at(json, "allocations_by_order/3"), 1);
	assert_true(json_number_value(at(json, "ns_per_op")) > 0);
	assert_int_equal(int_at(json, "problems/total"), 0);
	json_decref(json);
	output_free(&output);
}

static void test_a_small_trace_is_counted_right(void **state)
{
	(void)state;
	check_small("");
	check_small("--profile modern");
	check_small("--cpus 1 --cpus 2");
}

static void test_standard_input_is_a_trace_too(void **state)
{
	struct output output;
	json_t *json;

	(void)state;
	run(&output, "replay - --memory 64M --format json <%s", trace_file(small));
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_int_equal(int_at(json, "allocations"), 2);
	json_decref(json);
	output_free(&output);
}

static void test_a_machine_is_assumed_when_none_is_told(void **state)
{
	struct output output;

	(void)state;
	run(&output, "replay %s", trace_file(small));
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.err, "128 MB assumed"));
	assert_non_null(strstr(output.out, "made up"));
	output_free(&output);
}

static void test_what_if_and_pins_come_beside(void **state)
{
	struct output output;
	json_t *json;

	(void)state;
	run(&output,
	    "replay %s --memory 64M --follow --pins --what-if profile=modern "
	    "--what-if pageblock_order=8,memory=+50%% --format json",
	    trace_file(small));
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_int_equal(json_array_size(at(json, "what_if")), 3);
	assert_string_equal(json_string_value(at(json, "what_if/0/name")), "baseline");
	assert_string_equal(json_string_value(at(json, "what_if/1/settings/profile")), "modern");
	assert_string_equal(json_string_value(at(json, "what_if/2/settings/profile")), "linux");
	assert_int_equal(int_at(json, "what_if/2/settings/pageblock_order"), 8);
	assert_int_equal(int_at(json, "what_if/0/free_2m_min"), 31); /* of 32, one is split */
	assert_int_equal(int_at(json, "what_if/2/free_2m_min"), 47);
	assert_true(json_is_null(at(json, "follow/snapshot_free_pages")));
	assert_true(json_is_array(at(json, "pins/owners")));
	json_decref(json);
	output_free(&output);
}

static void test_ndjson_is_a_row_for_each_sample_and_zone(void **state)
{
	struct output output;
	char *line, *rest;
	size_t rows = 0;

	(void)state;
	run(&output, "replay %s --memory 64M --samples 5 --format ndjson", trace_file(small));
	assert_int_equal(output.status, 0);
	for (rest = output.out; (line = strsep(&rest, "\n")) && *line; rows++) {
		json_t *row = json_loads(line, 0, NULL);

		assert_non_null(row);
		assert_int_equal(int_at(row, "schema"), 2);
		assert_int_equal(json_array_size(at(row, "free_blocks")), 11);
		json_decref(row);
	}
	assert_int_equal(rows, 5 * 2);
	output_free(&output);
}

/* ----------------------------------------------------------------- bad input */

static void test_malformed_lines_are_counted_and_five_are_shown(void **state)
{
	static const char broken[] = HEAD ALLOC("10.000001", "1000",
						"0") "what is this\n" ALLOC("10.000002", "zzzz",
									    "0")
		ALLOC("10.000003", "1004", "99") ALLOC("10.000000", "1005", "0") /* back in time */
		ALLOC("10.000004", "fffffff", "0")                               /* beyond 64 MB */
		ALLOC("10.000005", "1006", "1x") FREE("10.000006", "1000", "0");
	struct output output;
	json_t *json;

	(void)state;
	run(&output, "replay %s --memory 64M --format json", trace_file(broken));
	assert_int_equal(output.status, 1);
	json = output_json(&output);
	assert_int_equal(int_at(json, "problems/total"), 6);
	assert_int_equal(int_at(json, "problems/out_of_order"), 1);
	assert_int_equal(int_at(json, "problems/beyond_machine"), 2);
	assert_int_equal(json_array_size(at(json, "problems/first")), 5);
	assert_non_null(strstr(json_string_value(at(json, "problems/first/0")), "line 4"));
	assert_int_equal(int_at(json, "allocations"), 2);
	assert_int_equal(int_at(json, "frees"), 1);
	json_decref(json);
	output_free(&output);

	run(&output, "replay %s --memory 64M --lenient", trace_file(broken));
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.out, "line 4"));
	assert_non_null(strstr(output.out, "and 1 more"));
	output_free(&output);
}

static void test_a_trace_cut_in_a_line_goes_on_to_the_cut(void **state)
{
	struct output output;

	(void)state;
	run(&output, "replay %s --memory 64M", write_file("cut.txt", small, strlen(small) - 30));
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.out, "Allocations             2"));
	output_free(&output);
}

static void test_what_is_no_trace_is_said_in_one_line(void **state)
{
	static const char binary[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0";
	struct output output;
	char empty[128];

	(void)state;
	snprintf(empty, sizeof(empty), "%s/nothing", directory());
	assert_int_equal(mkdir(empty, 0700), 0);
	run(&output, "replay /nonexistent/trace");
	assert_refused(&output, "No such file");
	run(&output, "replay %s", empty);
	assert_refused(&output, "directory");
	run(&output, "replay %s", write_file("binary", binary, sizeof(binary)));
	assert_refused(&output, "expected");
	run(&output, "replay %s", write_file("empty", "", 0));
	assert_refused(&output, "empty");
	run(&output, "explain %s --order 0", empty);
	assert_refused(&output, "directory");
	run(&output, "replay %s --snapshot /nonexistent", trace_file(small));
	assert_refused(&output, "/nonexistent");
}

static void test_bad_options_are_said_in_one_line(void **state)
{
	static const char *const bad[][2] = {
		{ "replay", "no trace" },
		{ "replay a b", "'b'" },
		{ "replay a --what-if profil=modern", "'profil'" },
		{ "replay a --what-if pageblock_order=99", "pageblock_order=99" },
		{ "replay a --profile best", "'best'" },
		{ "replay a --memory 1K", "'1K'" },
		{ "replay a --samples 1", "'1'" },
		{ "replay a --cpus 0", "'0'" },
		{ "replay a --format xml", "'xml'" },
		{ "replay a --what-if", "needs a value" },
		{ "explain a", "can't open 'a'" },
		{ "explain a --order 3 --failure 1", "one of" },
		{ "explain a --failure 1 --list", "one of" },
		{ "explain a --order x", "'x'" },
		{ "explain a --failure 0", "'0'" },
		{ "explain a --list --at 3", "--at" },
		{ "explain a --order 1 --gfp GFP_WHAT", "GFP_WHAT" },
		{ "explain a --order 1 --format ndjson", "'ndjson'" },
	};
	struct output output;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		run(&output, "%s", bad[i][0]);
		assert_refused(&output, bad[i][1]);
	}
}

/* ------------------------------------------------------------------- explain */

static void test_explain_lists_and_answers(void **state)
{
	struct output output;
	json_t *json;

	(void)state;
	run(&output, "explain %s --memory 64M --list --format json", trace_file(small));
	json = output_json(&output);
	assert_int_equal(json_array_size(at(json, "failures")), 1);
	assert_int_equal(int_at(json, "failures/0/order"), 4);
	json_decref(json);
	output_free(&output);

	/* Nothing is known to be free: no snapshot. */
	run(&output, "explain %s --memory 64M --failure 1 --format json", trace_file(small));
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_string_equal(json_string_value(at(json, "kind")), "explain");
	assert_int_equal(int_at(json, "order"), 4);
	assert_false(json_is_true(at(json, "succeeds")));
	json_decref(json);
	output_free(&output);

	run(&output, "explain %s --memory 64M --failure 2", trace_file(small));
	assert_refused(&output, "the trace has 1 failure");
	run(&output, "explain %s --memory 64M --order 0 --at 11.5", trace_file(small));
	assert_refused(&output, "10.000001 to 10.000006");
	run(&output, "explain %s --memory 64M --order 12", trace_file(small));
	assert_refused(&output, "order 12");
	run(&output, "explain %s --memory 64M --order 0 --at 10.000004", trace_file(small));
	assert_int_equal(output.status, 0);
	output_free(&output);
	run(&output, "explain %s --memory 64M --order 0 --at +0.000002 --gfp 0xcc0",
	    trace_file(small));
	assert_int_equal(output.status, 0);
	output_free(&output);
}

/* ---------------------------------------------------------------- the sample */

static void test_the_sample_is_replayed_and_followed(void **state)
{
	struct output output;
	double difference;
	json_t *json;

	(void)state;
	if (access(SAMPLE, R_OK))
		skip();
	run(&output, "replay " SAMPLE " --follow --simulate --format json");
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_true(int_at(json, "events") >= 300000);
	assert_int_equal(int_at(json, "double_handouts"), 0);
	assert_true(int_at(json, "allocations") > 100000);
	assert_true(int_at(json, "failures") * 100 < int_at(json, "allocations"));
	difference = json_number_value(at(json, "follow/difference_percent"));
	assert_true(difference > -1.0 && difference < 1.0);
	assert_int_equal(json_array_size(at(json, "follow/per_order")), 11);
	assert_true(int_at(json, "follow/snapshot_free_pages") > 1000);
	json_decref(json);
	output_free(&output);
}

/* The recorded kernel failed; memory was free, but in too small pieces. */
static void test_a_real_failure_is_explained(void **state)
{
	struct output output;
	size_t i, order_9 = 0;
	double difference;
	json_t *json, *failures, *failure;

	(void)state;
	if (access(PRESSURE, R_OK))
		skip();
	run(&output, "replay " PRESSURE " --follow --format json");
	json = output_json(&output);
	difference = json_number_value(at(json, "follow/difference_percent"));
	assert_true(difference > -1.0 && difference < 1.0);
	json_decref(json);
	output_free(&output);

	run(&output, "explain " PRESSURE " --list --format json");
	failures = output_json(&output);
	output_free(&output);
	json_array_foreach(at(failures, "failures"), i, failure)
	{
		if (int_at(failure, "order") != 9 || order_9 == 3)
			continue;
		order_9++;
		run(&output, "explain " PRESSURE " --failure %zu --format json", i + 1);
		json = output_json(&output);
		/* the largest zone is full; in another there is enough, in too small pieces */
		assert_string_equal(json_string_value(at(json, "rule")), "watermark");
		assert_non_null(strstr(json_string_value(at(json, "sentence")), ": fragmented"));
		assert_false(json_is_true(at(json, "succeeds")));
		json_decref(json);
		output_free(&output);
	}
	assert_int_equal(order_9, 3);
	json_decref(failures);
}

static void test_the_sample_fits_80_columns(void **state)
{
	struct output output;
	size_t lines, width;

	(void)state;
	if (access(SAMPLE, R_OK))
		skip();
	run(&output, "replay " SAMPLE " --follow --pins --what-if profile=modern "
		     "--what-if memory=-50%%,watermark_scale_factor=100 ");
	assert_int_equal(output.status, 0);
	measure(output.out, &lines, &width);
	if (width > 80)
		fail_msg("%zu columns:\n%s", width, output.out);
	assert_null(strchr(output.out, '\033'));
	assert_null(strchr(output.out, '\r'));
	assert_string_equal(output.err, "");
	output_free(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_small_trace_is_counted_right),
		cmocka_unit_test(test_standard_input_is_a_trace_too),
		cmocka_unit_test(test_a_machine_is_assumed_when_none_is_told),
		cmocka_unit_test(test_what_if_and_pins_come_beside),
		cmocka_unit_test(test_ndjson_is_a_row_for_each_sample_and_zone),
		cmocka_unit_test(test_malformed_lines_are_counted_and_five_are_shown),
		cmocka_unit_test(test_a_trace_cut_in_a_line_goes_on_to_the_cut),
		cmocka_unit_test(test_what_is_no_trace_is_said_in_one_line),
		cmocka_unit_test(test_bad_options_are_said_in_one_line),
		cmocka_unit_test(test_explain_lists_and_answers),
		cmocka_unit_test(test_the_sample_is_replayed_and_followed),
		cmocka_unit_test(test_a_real_failure_is_explained),
		cmocka_unit_test(test_the_sample_fits_80_columns),
	};

	return cmocka_run_group_tests(tests, NULL, remove_directory);
}
