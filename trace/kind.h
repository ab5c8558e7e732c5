/* SPDX-License-Identifier: MIT */
/*
 * What somebody has handed over, by its first bytes: `pagebuddy explain` asks
 * this before it chooses a reader. A new kind of input is a line in the table of
 * kind.c and one in the verb's table of readers.
 */
#ifndef PB_TRACE_KIND_H
#define PB_TRACE_KIND_H

#include <stdbool.h>
#include <stddef.h>

enum pb_kind {
	PB_KIND_UNKNOWN,    /* text of which no line tells */
	PB_KIND_DIRECTORY,  /* not a file */
	PB_KIND_TRACE,      /* trace text, trace.dat, or `pagebuddy record`'s own format */
	PB_KIND_MACHINE,    /* files of /proc, page_owner, what node_exporter or crash printed */
	PB_KIND_KERNEL_LOG, /* dmesg, syslog, journal ... with or without a report in it */
	PB_NR_KINDS
};

/* By the first bytes, unpacked. Pure. */
enum pb_kind pb_kind_of(const char *head, size_t len);

/*
 * By a file's first bytes, unpacked if need be; "-" is standard input, of which
 * the bytes looked at are kept for the reader that opens "-" next. 0, or -1 with
 * one line in `error`.
 */
int pb_kind_of_file(const char *path, enum pb_kind *kind, char *error, size_t size);

const char *pb_kind_name(enum pb_kind kind); /* "a kernel log" */

#endif
