// SPDX-License-Identifier: MIT
/* Remarks about an input, a limited number of them. */

#include <stdarg.h>
#include <stdio.h>

#include "loose.h"

void pb_note(struct pb_notes *notes, const char *format, ...)
{
	va_list args;

	if (notes->nr == PB_MAX_NOTES)
		return;
	va_start(args, format);
	vsnprintf(notes->text[notes->nr++], sizeof(notes->text[0]), format, args);
	va_end(args);
}
