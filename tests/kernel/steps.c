// SPDX-License-Identifier: MIT
/*
 * Does a replay end? The core of tests/kernel/planted is compiled so that each of its basic
 * blocks calls the function here. PB_MOST_STEPS in the environment: the process ends with
 * status 99 when it has come through more. PB_STEPS: a file that gets their number. A limit
 * of steps is the same on every machine, however busy; one of seconds is not.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOO_MANY 99

static uint64_t steps, most = UINT64_MAX;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	if (__atomic_add_fetch(&steps, 1, __ATOMIC_RELAXED) > most)
		_exit(TOO_MANY);
}

__attribute__((constructor)) static void read_limit(void)
{
	const char *given = getenv("PB_MOST_STEPS");

	if (given && *given)
		most = strtoull(given, NULL, 10);
}

__attribute__((destructor)) static void write_steps(void)
{
	const char *name = getenv("PB_STEPS");
	FILE *file = name ? fopen(name, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%" PRIu64 "\n", steps);
	fclose(file);
}
