// SPDX-License-Identifier: MIT
/* What went wrong, in words, and what time it is: for all parts of the engine. */

#include <stdarg.h>
#include <time.h>

#include "internal.h"

int pbr_error(char *error, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return -1;
}

double pbr_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void pbr_problem(struct pbr_problems *problems, const char *format, ...)
{
	va_list args;

	problems->total++;
	if (problems->nr_first == sizeof(problems->first) / sizeof(problems->first[0]))
		return;
	va_start(args, format);
	vsnprintf(problems->first[problems->nr_first++], sizeof(problems->first[0]), format, args);
	va_end(args);
}
