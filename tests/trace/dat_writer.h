/* SPDX-License-Identifier: MIT */
/*
 * Writes a small trace.dat (version 6, man trace-cmd.dat.v6) from events, so
 * that no recorded binary is needed to test the reader:
 *
 *	magic, page header, event header, formats, names | CPUs | pages of CPU 0 | 1 ...
 */
#ifndef PB_TESTS_TRACE_DAT_WRITER_H
#define PB_TESTS_TRACE_DAT_WRITER_H

#include "support.h"

struct dat_options {
	unsigned int cpus;
	uint64_t lost;        /* > 0: so many events are missing before CPU 0's second page */
	bool lost_unknown;    /* and the kernel did not say how many */
	bool no_kmem;         /* a file without our events */
	const char *kallsyms; /* NULL: none */
};

/*
 * Events in order of time, pfn, order ... as in struct pb_event. Of a PB_EV_STACK pfn,
 * end_pfn and count are the return addresses.
 */
struct blob dat_write(const struct pb_event *events, size_t nr, const struct dat_options *options);

#endif
