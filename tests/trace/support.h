/* SPDX-License-Identifier: MIT */
/* What the tests of the readers share. */
#ifndef PB_TESTS_TRACE_SUPPORT_H
#define PB_TESTS_TRACE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "trace.h"

/* A growing piece of memory. */
struct blob {
	char *bytes;
	size_t len, room;
};

void blob_add(struct blob *blob, const void *bytes, size_t len);
void blob_text(struct blob *blob, const char *text);
void blob_free(struct blob *blob);
/* `nr` events of a format. */
void blob_events(struct blob *blob, struct gen *gen, enum gen_format format, unsigned int nr);
struct blob blob_zstd(const struct blob *plain);
#ifdef PB_HAVE_ZLIB
struct blob blob_gzip(const struct blob *plain);
#endif

/* A file below a directory of this test's own, which is removed at its end. */
const char *temp_directory(void);
void temp_remove(void);
const char *temp_file(const char *name, const struct blob *blob);

/* A reader on memory, in pieces of at most `chunk` bytes. */
struct memory {
	const char *bytes;
	size_t len, at, chunk;
};

long memory_read(void *ctx, void *buffer, size_t size);
struct pb_reader *open_blob(struct memory *memory, const struct blob *blob,
			    const struct pb_reader_options *options);
/* Read all and forget; returns the last status. */
int drain(struct pb_reader *reader);

/* PB_SEED, or one from the clock; printed. */
uint64_t test_seed(void);

void assert_same_event(const struct pb_event *got, const struct pb_event *expected);

#endif
