/* SPDX-License-Identifier: MIT */
/* The parts of `pagebuddy compare`: options, two recordings, two saved /proc. */
#ifndef PB_CMD_COMPARE_H
#define PB_CMD_COMPARE_H

#include "cmd.h"

struct compare {
	const char *path[2]; /* A, B */
	enum cmd_format format;
	uint32_t top; /* tasks */
};

/* Each: an exit status. */
int compare_recordings(const struct compare *compare);
int compare_snapshots(const struct compare *compare);

/* "+12.3 %", "x 4.5", "new", "gone", "same": what became of a. */
const char *compare_change(double a, double b, char *text, size_t size);

#endif
