/* SPDX-License-Identifier: MIT */
/* Run the command and look at what it said. */
#ifndef PB_TESTS_CMD_RUN_H
#define PB_TESTS_CMD_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct output {
	int status; /* exit status; -1: a signal */
	char *out;  /* standard output, with a NUL */
	char *err;
	size_t size; /* of out */
};

/* `arguments` go through the shell; fails the test if the command can't be run. */
void run(struct output *output, const char *arguments, ...) __attribute__((format(printf, 2, 3)));
void output_free(struct output *output);
/* One JSON object on standard output; json_decref() it. */
json_t *output_json(const struct output *output);
/* By path: "requests/0/steps/3/pfn"; fails the test if it isn't there. */
json_t *at(json_t *json, const char *path);
json_int_t int_at(json_t *json, const char *path);
/* Longest line and number of lines. */
void measure(const char *text, size_t *lines, size_t *width);
/* A file in the test's own directory; the path is good until the next call. */
const char *write_file(const char *name, const char *text, size_t size);
const char *directory(void);
int remove_directory(void **state);

#endif
