// SPDX-License-Identifier: MIT
/* One difference between the kernel and the library. */

#include <stdarg.h>

#include "diff.h"

void diff_found(struct diff_result *result, const char *format, ...)
{
	va_list args;

	if (result->differences++ >= result->show)
		return;
	fputs("  ", result->out);
	va_start(args, format);
	vfprintf(result->out, format, args);
	va_end(args);
	fputc('\n', result->out);
}
