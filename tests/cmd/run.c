// SPDX-License-Identifier: MIT
/* Run the command and look at what it said. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "run.h"

static char own_directory[64];

const char *directory(void)
{
	if (!*own_directory) {
		strcpy(own_directory, "/tmp/pagebuddy-test-XXXXXX");
		assert_non_null(mkdtemp(own_directory));
	}
	return own_directory;
}

int remove_directory(void **state)
{
	char command[128];

	(void)state;
	if (!*own_directory)
		return 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", own_directory);
	return system(command);
}

const char *write_file(const char *name, const char *text, size_t size)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory(), name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

static char *read_whole(const char *name, size_t *size)
{
	char path[256], *text;
	FILE *file;
	long length;

	snprintf(path, sizeof(path), "%s/%s", directory(), name);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	rewind(file);
	text = malloc((size_t)length + 1);
	assert_non_null(text);
	*size = fread(text, 1, (size_t)length, file);
	text[*size] = 0;
	fclose(file);
	return text;
}

void run(struct output *output, const char *arguments, ...)
{
	char command[4096];
	va_list list;
	size_t ignored;
	int length, status;

	setenv("LC_ALL", "C", 1); /* messages in English, whoever runs the test */
	length = snprintf(command, sizeof(command), "%s ", PAGEBUDDY);
	va_start(list, arguments);
	vsnprintf(command + length, sizeof(command) - (size_t)length, arguments, list);
	va_end(list);
	length = (int)strlen(command);
	snprintf(command + length, sizeof(command) - (size_t)length, " >%s/out 2>%s/err",
		 directory(), directory());
	status = system(command);
	output->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	output->out = read_whole("out", &output->size);
	output->err = read_whole("err", &ignored);
}

void output_free(struct output *output)
{
	free(output->out);
	free(output->err);
}

json_t *output_json(const struct output *output)
{
	json_error_t error;
	json_t *json = json_loads(output->out, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("not JSON: %s in line %d of\n%.200s\n%s", error.text, error.line,
			 output->out, output->err);
	return json;
}

json_t *at(json_t *json, const char *path)
{
	char copy[128], *rest = copy, *key;

	snprintf(copy, sizeof(copy), "%s", path);
	while (json && (key = strsep(&rest, "/")))
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
					   : json_object_get(json, key);
	if (!json)
		fail_msg("%s is not there", path);
	return json;
}

json_int_t int_at(json_t *json, const char *path)
{
	assert_true(json_is_integer(at(json, path)));
	return json_integer_value(at(json, path));
}

void measure(const char *text, size_t *lines, size_t *width)
{
	*lines = *width = 0;
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > *width)
			*width = length;
		++*lines;
		text += length + (text[length] == '\n');
	}
}
