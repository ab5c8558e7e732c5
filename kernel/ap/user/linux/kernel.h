/* SPDX-License-Identifier: MIT */
/* The few names of the kernel's <linux/kernel.h> that ap.c uses. */
#ifndef AP_USER_KERNEL_H
#define AP_USER_KERNEL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The kernel's log is one stream; here errors go where a shell expects them. */
#define pr_info(...) printf(__VA_ARGS__)
#define pr_err(...) fprintf(stderr, __VA_ARGS__)

/* Like snprintf(), but returns what was really written. */
__attribute__((format(printf, 3, 4))) static inline int scnprintf(char *text, size_t size,
								  const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, size, format, args);
	va_end(args);
	if (len < 0 || !size)
		return 0;
	return (size_t)len < size ? len : (int)size - 1;
}

#endif
