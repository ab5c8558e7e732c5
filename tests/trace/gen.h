/* SPDX-License-Identifier: MIT */
/* Made-up events, and how kernels and perf print them. */
#ifndef PB_TESTS_TRACE_GEN_H
#define PB_TESTS_TRACE_GEN_H

#include "trace.h"

enum gen_format {
	GEN_6_1,      /* trace, trace_pipe; hexadecimal pfns */
	GEN_5_4,      /* four flags, decimal pfns */
	GEN_NO_FLAGS, /* options/irq-info off */
	GEN_TGID,     /* options/record-tgid on */
	GEN_PERF,     /* perf script */
	GEN_NR_FORMATS
};

struct gen {
	uint64_t random;
	uint64_t time; /* ns, whole microseconds */
	unsigned int cpus;
	uint64_t pfns;
};

struct gen gen_new(uint64_t seed);
uint64_t gen_random(struct gen *gen, uint64_t limit);
/* The next event; never earlier than the one before. */
void gen_event(struct gen *gen, struct pb_event *event);
/* Its line with newline; returns the length. */
size_t gen_line(enum gen_format format, const struct pb_event *event, char *line, size_t size);
/* The gfp table of the kernel that prints so. */
enum pb_gfp_table gen_table(enum gen_format format);

#endif
