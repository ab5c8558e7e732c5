// SPDX-License-Identifier: MIT
/* pagebuddy case, and the command itself, as people call them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

/* Usage errors: one line on standard error, nothing on standard output, status 2. */
static void assert_refused(const char *arguments, const char *expected)
{
	struct output output;

	run(&output, "%s", arguments);
	if (output.status != 2 || output.size || !strstr(output.err, expected) ||
	    strchr(output.err, '\n') != output.err + strlen(output.err) - 1)
		fail_msg("pagebuddy %s: status %d, out '%.80s', err '%s'; expected '%s'", arguments,
			 output.status, output.out, output.err, expected);
	output_free(&output);
}

static void test_28k_fits_a_screen_and_names_every_step(void **state)
{
	static const char *const said[] = {
		"7 pages of 4 KB",
		"order 3, 2^3 = 8",
		"32 KB",
		"4 KB (12 %)",
		"list 3  (32 KB)    empty",
		"list 10 (4 MB)     a block is free",
		"take   frames 4096-5119",
		"split  10 -> 9   keep 4096-4607",
		"split   4 -> 3   keep 4096-4103      4104-4111      -> list 3 (32 KB)",
		"frames 4096-4103",
		"4096 xor 8 = 4104",
		"4096 xor 512 = 4608",
		"block 4096, order 10 (4 MB), goes to the head of list Movable",
		"   0   0   0   1   1   1   1   1   1   1     11     12280",
	};
	struct output output;
	size_t lines, width;

	(void)state;
	run(&output, "case --size 28K");
	assert_int_equal(output.status, 0);
	assert_string_equal(output.err, "");
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (!strstr(output.out, said[i]))
			fail_msg("'%s' is not in\n%s", said[i], output.out);
	measure(output.out, &lines, &width);
	assert_true(lines <= 50);
	assert_true(width <= 80);
	assert_null(strchr(output.out, '\033')); /* no terminal, no colour */
	output_free(&output);
}

/* Every step of the JSON is right by itself: the rule of the buddy. */
static void check_steps(json_t *request)
{
	json_t *step;
	size_t i, splits = 0, merges = 0;

	json_array_foreach(at(request, "steps"), i, step)
	{
		if (strcmp(json_string_value(at(step, "step")), "split"))
			continue;
		assert_int_equal(int_at(step, "order"), 9 - splits);
		assert_int_equal(int_at(step, "pfn"), 4096 + (512 >> splits));
		splits++;
	}
	json_array_foreach(at(request, "free_steps"), i, step)
	{
		if (strcmp(json_string_value(at(step, "step")), "merge"))
			continue;
		assert_int_equal(int_at(step, "order"), 3 + merges);
		assert_int_equal(int_at(step, "value"), 4096 ^ (8 << merges));
		merges++;
	}
	assert_int_equal(splits, 7);
	assert_int_equal(merges, 7);
}

static void test_json_has_every_step(void **state)
{
	struct output output;
	json_t *json;

	(void)state;
	run(&output, "case --size 28K --format json");
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_int_equal(int_at(json, "schema"), 2);
	assert_string_equal(json_string_value(at(json, "kind")), "case");
	assert_int_equal(int_at(json, "requests/0/order"), 3);
	assert_int_equal(int_at(json, "requests/0/pfn"), 4096);
	assert_int_equal(int_at(json, "requests/0/before/1/free_blocks/10"), 12);
	assert_int_equal(int_at(json, "requests/0/after/1/free_blocks/10"), 11);
	assert_int_equal(int_at(json, "requests/0/freed/1/free_blocks/10"), 12);
	check_steps(at(json, "requests/0"));
	json_decref(json);
	output_free(&output);
}

static void test_requests_in_a_row_are_made_first_and_freed_then(void **state)
{
	struct output output;
	json_t *json;

	(void)state;
	run(&output,
	    "case --size 4096 --order 2 -m unmovable --size 5000 --zone DMA --format json");
	assert_int_equal(output.status, 0);
	json = output_json(&output);
	assert_int_equal(json_array_size(at(json, "requests")), 3);
	assert_string_equal(json_string_value(at(json, "requests/0/migratetype")), "Movable");
	assert_string_equal(json_string_value(at(json, "requests/1/migratetype")), "Unmovable");
	assert_string_equal(json_string_value(at(json, "requests/2/migratetype")), "Unmovable");
	assert_int_equal(int_at(json, "requests/2/order"), 1);
	assert_true(int_at(json, "requests/2/pfn") < 4096);
	/* 1 + 4 pages are gone before the third, 1 of them is back after the first free. */
	assert_int_equal(int_at(json, "requests/2/before/1/free_pages"), 12283);
	assert_int_equal(int_at(json, "requests/0/freed/1/free_pages"), 12284);
	json_decref(json);
	output_free(&output);
}

static void test_quiet_is_buddyinfo_three_times(void **state)
{
	struct output output;
	size_t lines, width;

	(void)state;
	run(&output, "case --order 0 --quiet");
	assert_int_equal(output.status, 0);
	measure(output.out, &lines, &width);
	assert_int_equal(lines, 3 * 2 + 2);
	assert_non_null(strstr(output.out,
			       "Node 0, zone    DMA32      1      1      1      1      1"
			       "      1      1      1      1      1     11 \n"));
	output_free(&output);
}

static void test_profiles_and_pcp_work(void **state)
{
	static const char *const arguments[] = {
		"case --order 0 --profile modern",
		"case --order 0 --pcp",
		"case --order 0 --pcp --profile modern",
		"case --order 10 -z Normal --memory 8G",
		"case --order 9 -m reclaimable --zone Movable --memory 1T",
		"case -s 28K -m unmovable --memory 4M",
	};
	struct output output;

	(void)state;
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		run(&output, "%s", arguments[i]);
		if (output.status || !strstr(output.out, "Handed out"))
			fail_msg("%s: status %d\n%s%s", arguments[i], output.status, output.out,
				 output.err);
		output_free(&output);
	}
}

static void test_a_failed_request_is_status_1_and_says_why(void **state)
{
	struct output output;

	(void)state;
	run(&output, "case --order 11");
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.out, "Failed: "));
	assert_non_null(strstr(output.out, "largest block is of order 10, 4 MB"));
	output_free(&output);
	run(&output, "case --order 0 --zone Normal");
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.out, "no zone Normal"));
	output_free(&output);
	run(&output, "case --order 9 --memory 2M");
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.out, "Failed: "));
	output_free(&output);
}

static void test_bad_calls_are_one_line_and_status_2(void **state)
{
	(void)state;
	assert_refused("case", "nothing to allocate");
	assert_refused("case --size 28Q", "'28Q'");
	assert_refused("case --size 0", "above 0");
	assert_refused("case --size -5", "'-5'");
	assert_refused("case --size 0x10", "'0x10'");
	assert_refused("case --size 9e99", "'9e99'");
	assert_refused("case --size ''", "''");
	assert_refused("case --order 3x", "'3x'");
	assert_refused("case --order -1", "'-1'");
	assert_refused("case --order 99", "'99'");
	assert_refused("case --order 1 --migratetype cma", "'cma'");
	assert_refused("case --order 1 --zone Moon", "'Moon'");
	assert_refused("case --order 1 --profile best", "'best'");
	assert_refused("case --order 1 --memory 1K", "'1K'");
	assert_refused("case --order 1 --memory 2T", "'2T'");
	assert_refused("case --order 1 --format ndjson", "'ndjson'");
	assert_refused("case --order 1 28K", "'28K'");
	assert_refused("case --order", "needs a value");
	assert_refused("case --ordre 1", "--ordre");
	assert_refused("case -x", "-x");
	assert_refused("case --quiet=yes --order 1", "takes no value");
	assert_refused("cas", "'cas'");
	assert_refused("help cas", "'cas'");
}

static void test_help_and_version_are_on_standard_output(void **state)
{
	static const char *const arguments[] = { "--help",      "help",      "-h",
						 "case --help", "help case", "replay --help",
						 "explain -h",  "--version" };
	struct output output;
	size_t lines, width;

	(void)state;
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		run(&output, "%s", arguments[i]);
		measure(output.out, &lines, &width);
		if (output.status || !output.size || width > 80 || *output.err)
			fail_msg("%s: status %d, width %zu, err '%s'", arguments[i], output.status,
				 width, output.err);
		output_free(&output);
	}
	run(&output, " ");
	assert_int_equal(output.status, 2);
	assert_int_equal(output.size, 0);
	output_free(&output);
}

static void test_an_output_that_cannot_be_written_is_said(void **state)
{
	int status = system(PAGEBUDDY " case --size 28K >/dev/full 2>/dev/null");

	(void)state;
	assert_int_equal(status, 1 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_28k_fits_a_screen_and_names_every_step),
		cmocka_unit_test(test_json_has_every_step),
		cmocka_unit_test(test_requests_in_a_row_are_made_first_and_freed_then),
		cmocka_unit_test(test_quiet_is_buddyinfo_three_times),
		cmocka_unit_test(test_profiles_and_pcp_work),
		cmocka_unit_test(test_a_failed_request_is_status_1_and_says_why),
		cmocka_unit_test(test_bad_calls_are_one_line_and_status_2),
		cmocka_unit_test(test_help_and_version_are_on_standard_output),
		cmocka_unit_test(test_an_output_that_cannot_be_written_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, remove_directory);
}
