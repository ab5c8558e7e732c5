/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of the command share.
 *
 * A verb is one function in one file; it is called with argv[0] = its name and
 * returns the exit status: 0, CMD_FAILED when the work was done but something
 * in it went wrong (a malformed line, a failed request), CMD_USAGE when the
 * call or its input makes no sense. To add one: a line in verbs.def, its options in
 * options.def.
 */
#ifndef PB_CMD_H
#define PB_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pagebuddy/pagebuddy.h>

#define CMD_SCHEMA 2 /* of all JSON: docs/schema.md */

enum cmd_status { CMD_OK = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

#define CMD_VERB(function, name, summary) int cmd_##function(int argc, char **argv);
#include "verbs.def"
#undef CMD_VERB

enum cmd_format { CMD_TEXT, CMD_JSON, CMD_NDJSON, CMD_OPENMETRICS };

/* "pagebuddy VERB: message" on standard error; returns CMD_USAGE. */
int cmd_error(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each: 0, or -1 when text is not what it should be (the caller names the option). */
int cmd_parse_u64(const char *text, uint64_t *value);
int cmd_parse_size(const char *text, uint64_t *bytes); /* 28K, 4096, 1.5G, 64MiB */
int cmd_parse_format(const char *text, enum cmd_format *format);
int cmd_parse_profile(const char *text, enum pb_profile *profile);
/* A kernel that the linux profile follows, by its name; and what to say of any other. */
int cmd_parse_kernel(const char *text, enum pb_kernel *kernel);
int cmd_bad_kernel(const char *verb, const char *text);
int cmd_parse_migratetype(const char *text, enum pb_migratetype *type);
int cmd_parse_zone(const char *text, enum pb_zone_type *zone);

/* "28 KB", "4 MB": at most 3 digits before the unit where that is exact. */
const char *cmd_size_text(uint64_t bytes, char *text, size_t size);
const char *cmd_profile_name(enum pb_profile profile);

/* A terminal, and NO_COLOR is not set. */
bool cmd_colour(FILE *file);

/* A progress bar on standard error, if that is a terminal; done 1.0 removes it. */
void cmd_progress(void *ctx, const char *what, double done);

/* Words of a command line, quotes of both kinds taken off, in place; how many, at most room. */
int cmd_split_words(char *text, char **word, int room);

/* Print json on standard output with a newline and drop the reference.
   CMD_OK, or CMD_FAILED when there was no memory or the output can't be written. */
int cmd_print_json(json_t *json);
/* Flush standard output; CMD_FAILED with a message if that fails. */
int cmd_flush(const char *verb, int status);
/* Words in lines of 80 columns, indented; ends the line. */
void cmd_print_wrapped(const char *text, int indent);

#endif
