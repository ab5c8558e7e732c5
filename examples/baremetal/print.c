/* SPDX-License-Identifier: MIT */
#include "kernel.h"

void print(const char *text)
{
	for (; *text; text++)
		machine_putc(*text);
}

void print_number(uint64_t number)
{
	char digits[21], *at = digits + sizeof(digits) - 1;

	*at = 0;
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	print(at);
}
