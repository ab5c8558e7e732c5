/* SPDX-License-Identifier: MIT */
/* What the targets of the readers share. */
#ifndef PB_TESTS_FUZZ_READERS_H
#define PB_TESTS_FUZZ_READERS_H

#include <stdbool.h>

#include "fuzz.h"
#include "trace.h"

/* Ends the program with the place and the condition. */
#define fuzz_require(ok) ((ok) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #ok))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* One line that says something: what every refusal leaves. */
void fuzz_check_error(const char *error, size_t size);

/* The input as memory to be read in pieces, whose length depends on the bytes. */
struct fuzz_memory {
	const uint8_t *bytes;
	size_t size, at;
};

long fuzz_read(void *ctx, void *buffer, size_t size);

/* The input as a file; gone with fuzz_file_drop(). */
struct fuzz_file {
	int fd;
	char path[40];
};

void fuzz_file(struct fuzz_file *file, const uint8_t *data, size_t size);
void fuzz_file_drop(struct fuzz_file *file);

/* Every event of a reader, and that the reader's counts are theirs. Closes it. */
void fuzz_drain(struct pb_reader *reader, const struct pb_reader_options *options);

#endif
