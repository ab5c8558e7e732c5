// SPDX-License-Identifier: MIT
/* pagebuddy case --do, its starting states, --step and --lang. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

static void assert_refused(const char *arguments, const char *expected)
{
	struct output output;

	run(&output, "case %s", arguments);
	if (output.status != 2 || output.size || !strstr(output.err, expected) ||
	    strchr(output.err, '\n') != output.err + strlen(output.err) - 1)
		fail_msg("case %s: status %d, out '%.80s', err '%s'; expected '%s'", arguments,
			 output.status, output.out, output.err, expected);
	output_free(&output);
}

static void assert_says(const char *arguments, int status, const char *expected)
{
	struct output output;
	size_t lines, width;

	run(&output, "case %s", arguments);
	measure(output.out, &lines, &width);
	if (output.status != status || !strstr(output.out, expected) || width > 80)
		fail_msg("case %s: status %d, width %zu, expected '%s' in\n%s%s", arguments,
			 output.status, width, expected, output.out, output.err);
	output_free(&output);
}

static json_t *json_of(const char *arguments, int status)
{
	struct output output;
	json_t *json;

	run(&output, "case %s --format json", arguments);
	if (output.status != status)
		fail_msg("case %s: status %d\n%s", arguments, output.status, output.err);
	json = output_json(&output);
	output_free(&output);
	return json;
}

static void test_actions_are_performed_in_their_order(void **state)
{
	json_t *json = json_of("--do 'alloc 28K as a; alloc 4K as b;\nfree a;; alloc order 3; "
			       "free all'",
			       0);

	(void)state;
	assert_int_equal(json_array_size(at(json, "actions")), 5);
	assert_int_equal(int_at(json, "actions/0/pfns/0"), 4096);
	assert_string_equal(json_string_value(at(json, "actions/0/text")), "alloc 28K as a");
	assert_string_equal(json_string_value(at(json, "actions/0/name")), "a");
	assert_int_equal(int_at(json, "actions/1/pfns/0"), 4104);
	assert_int_equal(int_at(json, "actions/2/pfns/0"), 4096);
	assert_int_equal(int_at(json, "actions/3/pfns/0"), 4096); /* the block just freed */
	assert_int_equal(int_at(json, "actions/4/blocks"), 2);
	assert_int_equal(int_at(json, "actions/4/after/1/free_blocks/10"), 12);
	json_decref(json);
}

/* The numbers of the steps are one row over the whole study; a split has one. */
static void test_steps_are_numbered_in_a_row(void **state)
{
	json_t *json = json_of("--do 'alloc 28K as a; free a; alloc order 0 x 3'", 0);
	json_int_t expected = 1;
	json_t *action, *step;
	size_t i, n;

	(void)state;
	json_array_foreach(at(json, "actions"), i, action)
	{
		json_array_foreach(at(action, "steps"), n, step)
		{
			bool of_split = !strcmp(json_string_value(at(step, "step")), "insert") &&
					i != 1;

			assert_int_equal(int_at(step, "number"), expected);
			expected += !of_split;
		}
	}
	assert_true(expected > 40);
	json_decref(json);
	assert_says("--do 'alloc 28K as a; free a'", 0, "\n 18 order 3   buddy 4096 xor 8 = 4104");
}

static void test_frees_by_name_part_number_and_frame(void **state)
{
	json_t *json =
		json_of("--do 'alloc order 0 x 20 as b; free b.1; free b.2-4; free b every 5; "
			"free pfn 4106; free b; alloc 4K; free 7'",
			0);

	(void)state;
	assert_int_equal(int_at(json, "actions/0/blocks"), 20);
	assert_int_equal(int_at(json, "actions/1/pfns/0"), 4096);
	assert_int_equal(int_at(json, "actions/2/blocks"), 3);
	assert_int_equal(int_at(json, "actions/3/blocks"), 4);
	assert_int_equal(int_at(json, "actions/3/pfns/1"), 4105); /* the tenth */
	assert_int_equal(int_at(json, "actions/4/pfns/0"), 4106);
	assert_int_equal(int_at(json, "actions/5/blocks"), 20 - 1 - 3 - 4 - 1);
	assert_int_equal(int_at(json, "actions/7/pages"), 1);
	json_decref(json);
}

static void test_misuse_is_answered_by_the_library(void **state)
{
	(void)state;
	assert_says("--do 'alloc 28K as a; free a; free a'", 1, "freed twice");
	assert_says("--do 'alloc 28K as a; free pfn 4097'", 1, "inside an allocated block");
	assert_says("--do 'free pfn 99999999'", 1, "no such frame");
	assert_says("--do 'alloc 28K as a; free a; alloc 28K; free a'", 1, "another owner now");
	assert_says("--do 'alloc order 0 x 4 as b; free b; free b'", 1, "Nothing of it is left");
	assert_says("--do 'alloc order 11'", 1, "larger than the largest");
	assert_says("--do 'alloc order 11; free 1'", 1, "Nothing of it is left");
}

/* No sentence of the library's is left in English. */
static void test_the_library_speaks_chinese_too(void **state)
{
	static const char bad[] = "Node 0, zone DMA 1 x\n", none[] = "\n";
	char arguments[256];
	struct output output;

	(void)state;
	run(&output, "case --size 28K --lang zh");
	if (strstr(output.err, "not there")) { /* built without msgfmt */
		output_free(&output);
		skip();
	}
	output_free(&output);
	run(&output,
	    "case --lang zh --do 'alloc 28K as a; free a; free a; alloc 28K; free pfn 4097'");
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.out, "页是空闲的：释放了两次"));
	assert_non_null(strstr(output.out, "块内部"));
	assert_null(strstr(output.out, "freed"));
	output_free(&output);
	snprintf(arguments, sizeof(arguments), "--lang zh --size 4K --buddyinfo %s",
		 write_file("bad", bad, strlen(bad)));
	assert_refused(arguments, "第 1 行：“x”处应为块数");
	snprintf(arguments, sizeof(arguments), "--lang zh --size 4K --buddyinfo %s",
		 write_file("none", none, strlen(none)));
	assert_refused(arguments, "里面没有区");
}

static void test_words_of_alloc_make_its_flags(void **state)
{
	static const char *const cases[][2] = {
		{ "alloc 4K", "GFP_HIGHUSER_MOVABLE" },
		{ "alloc 4K UNMOVABLE", "GFP_KERNEL" },
		{ "alloc 4K reclaimable", "GFP_KERNEL|__GFP_RECLAIMABLE" },
		{ "alloc 4K unmovable DMA", "GFP_KERNEL|GFP_DMA" },
		{ "alloc 4K atomic unmovable", "GFP_ATOMIC" },
		{ "alloc 4K nowait", "GFP_NOWAIT|__GFP_MOVABLE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char arguments[128];
		json_t *json;

		snprintf(arguments, sizeof(arguments), "--do '%s'", cases[i][0]);
		json = json_of(arguments, 0);
		assert_string_equal(json_string_value(at(json, "actions/0/gfp")), cases[i][1]);
		json_decref(json);
	}
}

static int64_t used(json_t *json, const char *action)
{
	char path[64];
	int64_t pages = 0;
	json_t *zones, *zone;
	size_t i;

	snprintf(path, sizeof(path), "actions/%s/after", action);
	zones = at(json, path);
	json_array_foreach(zones, i, zone) pages += int_at(zone, "free_pages");
	return 16384 - pages;
}

static void test_fill_is_reproducible_and_exact(void **state)
{
	json_t *a = json_of("--fill 80% --do 'free fill every 2'", 0);
	json_t *b = json_of("--do 'fill 80%; free fill every 2'", 0);
	json_t *c = json_of("--do 'fill 80% seed 2 orders 0-5 as f; free f.1'", 0);

	(void)state;
	assert_true(used(a, "0") <= 16384 * 80 / 100 && used(a, "0") > 16384 * 79 / 100);
	assert_int_equal(int_at(a, "actions/0/number"), 0);
	assert_int_equal(int_at(b, "actions/0/number"), 1);
	assert_true(json_equal(at(a, "actions/0/after"), at(b, "actions/0/after")));
	assert_true(json_equal(at(a, "actions/1/pfns"), at(b, "actions/1/pfns")));
	assert_false(json_equal(at(a, "actions/0/after"), at(c, "actions/0/after")));
	assert_int_equal(int_at(a, "actions/1/blocks"), int_at(a, "actions/0/blocks") / 2);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

/* 1:6:1 is what it does by itself; all movable leaves all pageblocks movable. */
static void test_fill_has_the_mix_that_was_asked_for(void **state)
{
	json_t *a = json_of("--do 'fill 80%; alloc 4K unmovable'", 0);
	json_t *b = json_of("--do 'fill 80% mix 1:6:1; alloc 4K unmovable'", 0);
	json_t *c = json_of("--memory 16M --do 'fill 80% orders 0 mix 0:8:0; compact order 9'", 0);
	json_t *d = json_of("--memory 16M --do 'fill 80% orders 0 mix 8:0:0; compact order 9'", 1);

	(void)state;
	assert_true(json_equal(at(a, "actions/1/pfns"), at(b, "actions/1/pfns")));
	assert_true(int_at(c, "actions/1/moved") > 0);
	assert_int_equal(int_at(d, "actions/1/moved"), 0);
	json_decref(a);
	json_decref(b);
	json_decref(c);
	json_decref(d);
}

static void test_buddyinfo_is_where_the_study_starts(void **state)
{
	static const char text[] =
		"Node 0, zone      DMA      1      0      2      0      0      0      0      0"
		"      0      0      1 \n"
		"Node 0, zone   Normal      3      1      0      0      5      0      0      0"
		"      0      0      0 \n";
	const char *path = write_file("buddyinfo", text, strlen(text));
	struct output output;

	(void)state;
	run(&output, "case --buddyinfo %s --do 'free others.1' --quiet", path);
	assert_int_equal(output.status, 0);
	assert_memory_equal(output.out, text, strlen(text));
	output_free(&output);
	run(&output, "case --buddyinfo %s --size 28K --zone DMA", path);
	assert_non_null(strstr(output.out, "Handed out"));
	assert_non_null(strstr(output.out, "Where they lie is not in it"));
	output_free(&output);
	path = write_file("bad", "Node 0, zone\n", 13);
	run(&output, "case --buddyinfo %s", path);
	assert_int_equal(output.status, 2);
	assert_non_null(strstr(output.err, "line 1"));
	output_free(&output);
	assert_refused("--buddyinfo /no/such --order 1", "No such file");
	assert_refused("--buddyinfo /dev/null", "--buddyinfo");
}

/* Counts of a large machine stay apart, inside 80 columns; nodes are told apart. */
static void test_a_large_machine_fits_the_table(void **state)
{
	static const char large[] =
		"Node 0, zone   Normal   9628  23586  23390  15073   3963   1930    505    204"
		"    117    683   1753 \n"
		"Node 1, zone   Normal      5      0      0      0      0      0      0      0"
		"      0      0      9 \n";
	static const char twice[] = "Node 0, zone Normal 1 2 3\nNode 0, zone Normal 1 2 3\n";
	struct output output;
	size_t lines, width;

	(void)state;
	run(&output, "case --buddyinfo %s", write_file("large", large, strlen(large)));
	measure(output.out, &lines, &width);
	assert_true(width <= 80);
	assert_non_null(
		strstr(output.out, " 9628 23586 23390 15073 3963 1930 505 204 117 683 1753 "));
	assert_non_null(strstr(output.out, "N1 Normal"));
	output_free(&output);
	run(&output, "case --buddyinfo %s", write_file("twice", twice, strlen(twice)));
	assert_int_equal(output.status, 2);
	assert_non_null(strstr(output.err, "a zone is in it twice"));
	output_free(&output);
}

static void test_per_cpu_lists_and_their_cpus(void **state)
{
	json_t *json = json_of("--pcp --cpus 2 --do 'alloc 4K as a; cpu 1; free a; drain'", 0);

	(void)state;
	assert_true(int_at(json, "actions/2/after/1/pcp_pages") > 0);
	assert_int_equal(int_at(json, "actions/3/after/1/pcp_pages"), 0);
	assert_int_equal(int_at(json, "actions/3/after/1/free_blocks/10"), 12);
	json_decref(json);
	assert_says("--pcp --do 'cpu 1'", 1, "no CPU 1");
}

static void test_compaction_moves_and_the_blocks_are_still_known(void **state)
{
	json_t *json = json_of("--memory 16M --do 'alloc order 0 x 3900 as b; free b every 2; "
			       "alloc order 9; compact order 9; alloc order 9 as h; free all'",
			       1);

	(void)state;
	assert_string_equal(json_string_value(at(json, "actions/2/outcome")), "failed");
	assert_true(int_at(json, "actions/3/moved") > 100);
	assert_string_equal(json_string_value(at(json, "actions/4/outcome")), "done");
	assert_int_equal(int_at(json, "actions/5/after/0/free_blocks/10"), 4);
	json_decref(json);
}

/* Only movable requests may have CMA's frames. */
static void test_a_cma_area_is_for_movable_requests(void **state)
{
	json_t *json = json_of("--memory 64M --cma 32M --do 'alloc order 10 unmovable x 16; "
			       "alloc order 10 x 16 as m; free all'",
			       1);
	int64_t first = int_at(json, "actions/0/blocks"), second = int_at(json, "actions/1/blocks");

	(void)state;
	assert_true(first > 4 && first <= 8);
	assert_true(second >= 6);
	for (int64_t i = 0; i < first; i++) {
		char path[64];

		snprintf(path, sizeof(path), "actions/0/pfns/%d", (int)i);
		assert_true(int_at(json, path) < 8192);
	}
	assert_int_equal(int_at(json, "actions/2/blocks"), first + second);
	json_decref(json);
	assert_refused("--cma 64M --order 0", "--cma");
	assert_refused("--cma 5M --order 0", "--cma");
}

static void test_every_scenario_runs_in_both_profiles_and_languages(void **state)
{
	struct output output;
	char names[512], *name, *rest = names;

	(void)state;
	run(&output, "case --help");
	assert_non_null(strstr(output.out, "Scenarios: "));
	snprintf(names, sizeof(names), "%s", strstr(output.out, "Scenarios: ") + 11);
	names[strcspn(names, ".")] = 0;
	output_free(&output);
	while ((name = strsep(&rest, ", \n"))) {
		if (!*name)
			continue;
		for (int profile = 0; profile < 2; profile++) {
			run(&output, "case --scenario %s --profile %s --lang %s", name,
			    profile ? "modern" : "linux", profile ? "zh" : "en");
			if (output.status > 1 || !output.size || *output.err)
				fail_msg("scenario %s: status %d, %s", name, output.status,
					 output.err);
			output_free(&output);
		}
	}
	run(&output, "case --scenario 28k --size 8K");
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.out, "alloc 8 KB"));
	output_free(&output);
}

static void test_bad_texts_name_the_action_and_what_was_expected(void **state)
{
	(void)state;
	assert_refused("--do ''", "no action in it");
	assert_refused("--do ' ; ; '", "no action in it");
	assert_refused("--do 'alloc 28K; malloc 3'", "action 2, 'malloc': expected alloc");
	assert_refused("--do 'alloc 28Q'", "'28Q': expected a size");
	assert_refused("--do 'alloc 0'", "'0': expected a size");
	assert_refused("--do 'alloc 1.3'", "expected a size");
	assert_refused("--do 'alloc 99999999999999999999'", "expected a size");
	assert_refused("--do 'alloc order 29'", "'29': expected an order");
	assert_refused("--do 'alloc order'", "missing");
	assert_refused("--do 'alloc'", "missing");
	assert_refused("--do 'alloc 4K as 3x'", "'3x': expected a name");
	assert_refused("--do 'alloc 4K as all'", "'all': expected a name");
	assert_refused("--do 'alloc 4K as abcdefghijklmnopqrstuvwxyz'", "expected a name");
	assert_refused("--do 'alloc 4K x 0'", "'0': expected a number");
	assert_refused("--do 'alloc 4K x 99999999'", "expected a number");
	assert_refused("--do 'alloc 4K cma'", "'cma': no such word");
	assert_refused("--do 'free a; alloc 4K as a'", "action 1, 'a': no action before");
	assert_refused("--do 'alloc 4K; free 2'", "'2': no action before");
	assert_refused("--do 'alloc 4K as a; free a.'", "expected a number");
	assert_refused("--do 'alloc 4K as a; free a.0'", "expected a number");
	assert_refused("--do 'alloc 4K as a; free a.3-2'", "expected a number");
	assert_refused("--do 'alloc 4K as a; free a b'", "'b': no such word");
	assert_refused("--do 'alloc 4K as a; free others'", "'others': no action");
	assert_refused("--do 'fill 101%'", "'101%': expected a part");
	assert_refused("--do 'fill 50% orders 3-1'", "'3-1': expected orders");
	assert_refused("--do 'fill 50% mix 1:6'", "'1:6': expected eighths");
	assert_refused("--do 'fill 50% mix 1:6:2'", "'1:6:2': expected eighths");
	assert_refused("--do 'fill 50% mix 9:0:0'", "'9:0:0': expected eighths");
	assert_refused("--do 'compact order'", "missing");
	assert_refused("--do 'compact 3'", "'3': no such word");
	assert_refused("--do 'set swappiness 60'", "'swappiness': expected min_free_kbytes");
	assert_refused("--do 'drain now'", "'now': no such word");
	assert_refused("--do 'drain' --order 1", "--do makes its own requests");
	assert_refused("--fill 80% --scenario 28k", "one starting state");
	assert_refused("--fill 80% --buddyinfo x", "one starting state");
	assert_refused("--fill eighty", "'eighty'");
	assert_refused("--scenario moon", "'moon': there is no such scenario");
	assert_refused("--cpus 0 --order 1", "'0': expected a number");
	assert_refused("--lang fr --order 1", "'fr': expected en or zh");
}

static void test_step_waits_goes_on_and_back(void **state)
{
	struct output output;
	size_t at_two = 0;

	(void)state;
	run(&output, "case --order 9 --step </dev/null");
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.out, "-- 1 of "));
	assert_null(strstr(output.out, "Handed out"));
	output_free(&output);
	run(&output, "case --order 9 --step <%s", write_file("keys", "\nb\n\nmoon\n6\nq\n", 13));
	for (char *p = output.out; (p = strstr(p, "-- 2 of ")); p++)
		at_two++;
	assert_int_equal(at_two, 3); /* gone to twice, and asked again */
	assert_non_null(strstr(output.out, "'moon': expected"));
	assert_non_null(strstr(output.out, "-- 6 of "));
	output_free(&output);
	run(&output, "case --order 9 --step <%s",
	    write_file("keys", "99\n\n\n\n\n\n\n\n\n\n\n\n", 14));
	assert_non_null(strstr(output.out, "Handed out"));
	output_free(&output);
}

static void test_chinese_is_complete_and_has_the_same_figures(void **state)
{
	struct output output;

	(void)state;
	run(&output, "case --size 28K --lang zh");
	if (strstr(output.err, "not there")) { /* built without msgfmt */
		output_free(&output);
		skip();
	}
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.out, "申请：28 KB，Movable"));
	assert_non_null(strstr(output.out, "伙伴 4096 xor 8 = 4104"));
	assert_non_null(strstr(output.out, "     11     12280"));
	assert_null(strstr(output.out, "Handed out"));
	output_free(&output);
	run(&output, "case --lang zh --do 'alok'");
	assert_int_equal(output.status, 2);
	assert_non_null(strstr(output.err, "第 1 个动作"));
	output_free(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions_are_performed_in_their_order),
		cmocka_unit_test(test_steps_are_numbered_in_a_row),
		cmocka_unit_test(test_frees_by_name_part_number_and_frame),
		cmocka_unit_test(test_misuse_is_answered_by_the_library),
		cmocka_unit_test(test_the_library_speaks_chinese_too),
		cmocka_unit_test(test_words_of_alloc_make_its_flags),
		cmocka_unit_test(test_fill_is_reproducible_and_exact),
		cmocka_unit_test(test_fill_has_the_mix_that_was_asked_for),
		cmocka_unit_test(test_buddyinfo_is_where_the_study_starts),
		cmocka_unit_test(test_a_large_machine_fits_the_table),
		cmocka_unit_test(test_per_cpu_lists_and_their_cpus),
		cmocka_unit_test(test_compaction_moves_and_the_blocks_are_still_known),
		cmocka_unit_test(test_a_cma_area_is_for_movable_requests),
		cmocka_unit_test(test_every_scenario_runs_in_both_profiles_and_languages),
		cmocka_unit_test(test_bad_texts_name_the_action_and_what_was_expected),
		cmocka_unit_test(test_step_waits_goes_on_and_back),
		cmocka_unit_test(test_chinese_is_complete_and_has_the_same_figures),
	};

	return cmocka_run_group_tests(tests, NULL, remove_directory);
}
