// SPDX-License-Identifier: MIT
/*
 * The lesson's exercises, docs/learn/chapters/NN-slug.json: three a chapter, in both
 * languages, and every answer is what the command says (docs/learn/exercises.md).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

/* The reader's actions after those of the exercise's own machine. */
static json_t *study(const char *options, const char *text)
{
	struct output output;
	json_t *json;

	if (text)
		run(&output, "case %s --do '%s' --format json", options, text);
	else
		run(&output, "case %s --format json", options);
	if (output.status > 1)
		fail_msg("case %s: %s", options, output.err);
	json = output_json(&output);
	output_free(&output);
	return json;
}

/* ------------------------------------------------------------------ a number's path */

/* "expr:3*1+2": by the shell. */
static json_int_t expression(const char *text)
{
	char command[256], line[64] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "echo $((%s))", text);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(line, sizeof(line), pipe));
	assert_int_equal(pclose(pipe), 0);
	return strtoll(line, NULL, 10);
}

/* "sum:PATH/A-B": of the elements A to B. */
static json_int_t sum(json_t *json, const char *path)
{
	const char *last = strrchr(path, '/');
	char element[128];
	int from, to;
	json_int_t all = 0;

	assert_int_equal(sscanf(last, "/%d-%d", &from, &to), 2);
	for (int i = from; i <= to; i++) {
		snprintf(element, sizeof(element), "%.*s/%d", (int)(last - path), path, i);
		all += int_at(json, element);
	}
	return all;
}

static json_int_t number(const char *options, const char *path)
{
	json_int_t value;
	json_t *json;

	if (!strncmp(path, "expr:", 5))
		return expression(path + 5);
	json = study(options, NULL);
	value = strncmp(path, "sum:", 4) ? int_at(json, path) : sum(json, path + 4);
	json_decref(json);
	return value;
}

/* ------------------------------------------------------------------------- a goal */

static json_t *last_action(json_t *json, const char *kind)
{
	json_t *actions = at(json, "actions"), *action, *found = NULL;
	size_t i;

	json_array_foreach(actions, i, action)
	{
		if (!kind || !strcmp(json_string_value(at(action, "action")), kind))
			found = action;
	}
	assert_non_null(found);
	return found;
}

static json_int_t count_steps(json_t *action, const char *name)
{
	json_t *step;
	json_int_t count = 0;
	size_t i;

	json_array_foreach(at(action, "steps"), i, step)
		count += !strcmp(json_string_value(at(step, "step")), name);
	return count;
}

static json_int_t count_failures(json_t *json)
{
	json_t *action;
	json_int_t count = 0;
	size_t i;

	json_array_foreach(at(json, "actions"), i, action)
		count += strcmp(json_string_value(at(action, "outcome")), "done") != 0;
	return count;
}

/* Did whatever failed do so for this reason? */
static bool all_failed_for(json_t *json, json_t *reason)
{
	json_t *action;
	size_t i;

	json_array_foreach(at(json, "actions"), i, action)
	{
		if (strcmp(json_string_value(at(action, "outcome")), "done") &&
		    !json_equal(json_object_get(action, "reason"), reason))
			return false;
	}
	return true;
}

static json_int_t free_pages(json_t *json)
{
	json_t *zone;
	json_int_t pages = 0;
	size_t i;

	json_array_foreach(at(last_action(json, NULL), "after"), i, zone)
		pages += int_at(zone, "free_pages");
	return pages;
}

static bool has_blocks(json_t *json, json_t *wanted)
{
	json_t *zone;
	char path[32];
	size_t i;

	snprintf(path, sizeof(path), "free_blocks/%d", (int)int_at(wanted, "order"));
	json_array_foreach(at(last_action(json, NULL), "after"), i, zone)
	{
		if (json_equal(at(zone, "zone"), at(wanted, "zone")))
			return int_at(zone, path) == int_at(wanted, "blocks");
	}
	return false;
}

/* One condition of a goal. */
static bool holds(json_t *json, const char *key, json_t *value)
{
	json_t *wanted;
	size_t i;

	if (!strcmp(key, "last"))
		return json_equal(at(last_action(json, "alloc"), "outcome"), value);
	if (!strcmp(key, "reason"))
		return json_equal(at(last_action(json, "alloc"), "reason"), value);
	if (!strcmp(key, "merges"))
		return count_steps(last_action(json, "free"), "merge") == json_integer_value(value);
	if (!strcmp(key, "steals"))
		return count_steps(last_action(json, "alloc"), "steal") ==
		       json_integer_value(value);
	if (!strcmp(key, "failures"))
		return count_failures(json) == json_integer_value(value);
	if (!strcmp(key, "failed_for"))
		return all_failed_for(json, value);
	if (!strcmp(key, "free_at_least"))
		return free_pages(json) >= json_integer_value(value);
	if (strcmp(key, "free"))
		fail_msg("a goal has no '%s'", key);
	json_array_foreach(value, i, wanted)
	{
		if (!has_blocks(json, wanted))
			return false;
	}
	return true;
}

static bool reached(json_t *exercise, const char *text)
{
	json_t *json = study(json_string_value(at(exercise, "case")), text), *value;
	const char *key;
	bool all = true;

	json_object_foreach(at(exercise, "goal"), key, value) all = holds(json, key, value) && all;
	json_decref(json);
	return all;
}

/* ---------------------------------------------------------------------- the exercises */

static void check_languages(json_t *text)
{
	assert_true(json_string_length(at(text, "en")) > 0);
	assert_true(json_string_length(at(text, "zh")) > 0);
}

static void check_number(json_t *exercise)
{
	assert_int_equal(number(json_string_value(at(exercise, "case")),
				json_string_value(at(exercise, "path"))),
			 int_at(exercise, "answer"));
}

static void check_choice(json_t *exercise)
{
	json_t *options = at(exercise, "options"), *option, *json;
	size_t i;

	json_array_foreach(options, i, option) check_languages(option);
	assert_in_range(json_array_size(options), 2, 5);
	assert_true(int_at(exercise, "answer") < (json_int_t)json_array_size(options));
	if (!json_object_get(exercise, "case"))
		return;
	json = study(json_string_value(at(exercise, "case")), NULL);
	assert_true(json_equal(at(json, json_string_value(at(exercise, "path"))),
			       at(exercise, "value")));
	json_decref(json);
}

/* Reached by the solution, and not by doing nothing in particular. */
static void check_do(json_t *exercise)
{
	assert_true(reached(exercise, json_string_value(at(exercise, "solution"))));
	assert_false(reached(exercise, "alloc 8K as nothing; free nothing; alloc 16K as more"));
}

static void check_exercise(json_t *exercise)
{
	const char *kind = json_string_value(at(exercise, "kind"));

	check_languages(at(exercise, "question"));
	check_languages(at(exercise, "why"));
	if (!strcmp(kind, "number"))
		check_number(exercise);
	else if (!strcmp(kind, "choice"))
		check_choice(exercise);
	else if (!strcmp(kind, "do"))
		check_do(exercise);
	else
		fail_msg("an exercise is no '%s'", kind);
}

static void check_file(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *exercise;
	size_t i;

	if (!json)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	assert_int_equal(json_array_size(at(json, "exercises")), 3);
	json_array_foreach(at(json, "exercises"), i, exercise)
	{
		print_message("%s, exercise %zu\n", path, i + 1);
		check_exercise(exercise);
	}
	json_decref(json);
}

static void test_every_answer_is_what_the_command_says(void **state)
{
	DIR *directory = opendir(CHAPTERS);
	struct dirent *entry;
	int files = 0;

	(void)state;
	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		char path[512];

		if (!strstr(entry->d_name, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", CHAPTERS, entry->d_name);
		check_file(path);
		files++;
	}
	closedir(directory);
	assert_int_equal(files, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_answer_is_what_the_command_says),
	};

	return cmocka_run_group_tests(tests, NULL, remove_directory);
}
