/* SPDX-License-Identifier: MIT */
/*
 * Text without libc: appends to a buffer that may be too small and counts on,
 * like snprintf. For messages and the /proc texts.
 */
#ifndef PB_CORE_TEXT_H
#define PB_CORE_TEXT_H

#include "base/bits.h"

struct text {
	char *buffer; /* may be NULL when size is 0 */
	size_t size;
	size_t length; /* that the whole text has */
};

/* Always ends the buffer with NUL if it has any room. */
void text_char(struct text *text, char c);
void text_str(struct text *text, const char *s);
/* Right-aligned in `width` with blanks; negative width: left-aligned. */
void text_str_pad(struct text *text, const char *s, int width);
void text_dec(struct text *text, s64 value, int width);
void text_hex(struct text *text, u64 value); /* with 0x */

#endif
