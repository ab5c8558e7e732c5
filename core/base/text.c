/* SPDX-License-Identifier: MIT */
#include "base/text.h"

void text_char(struct text *text, char c)
{
	bool fits = text->length + 1 < text->size;

	if (text->length < text->size)
		text->buffer[text->length] = fits ? c : '\0';
	if (fits)
		text->buffer[text->length + 1] = '\0';
	text->length++;
}

void text_str(struct text *text, const char *s)
{
	while (*s)
		text_char(text, *s++);
}

void text_str_pad(struct text *text, const char *s, int width)
{
	int length = 0;

	while (s[length])
		length++;
	for (int i = length; i < width; i++)
		text_char(text, ' ');
	text_str(text, s);
	for (int i = length; i < -width; i++)
		text_char(text, ' ');
}

void text_dec(struct text *text, s64 value, int width)
{
	char digits[21];
	int at = sizeof(digits) - 1;
	u64 rest = value < 0 ? 0 - (u64)value : (u64)value;

	digits[at] = '\0';
	do {
		u64 tenth = div_u64(rest, 10);

		digits[--at] = (char)('0' + (rest - tenth * 10));
		rest = tenth;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	text_str_pad(text, digits + at, width);
}

void text_hex(struct text *text, u64 value)
{
	int shift = value ? (int)(fls64(value) & ~3u) : 0;

	text_str(text, "0x");
	for (; shift >= 0; shift -= 4)
		text_char(text, "0123456789abcdef"[value >> shift & 15]);
}
