/* SPDX-License-Identifier: MIT */
/*
 * What libfdt.h wants of its surroundings: every embedder of libfdt brings this file,
 * because the usual one is for hosted programs. Device trees are big-endian.
 */
#ifndef LIBFDT_ENV_H
#define LIBFDT_ENV_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

static inline uint16_t fdt16_to_cpu(fdt16_t x)
{
	return __builtin_bswap16(x);
}

static inline uint32_t fdt32_to_cpu(fdt32_t x)
{
	return __builtin_bswap32(x);
}

static inline uint64_t fdt64_to_cpu(fdt64_t x)
{
	return __builtin_bswap64(x);
}

#define cpu_to_fdt16 fdt16_to_cpu
#define cpu_to_fdt32 fdt32_to_cpu
#define cpu_to_fdt64 fdt64_to_cpu

void *memmove(void *to, const void *from, size_t n);
void *memchr(const void *at, int value, size_t n);
void *memcpy(void *to, const void *from, size_t n);
size_t strlen(const char *s);

#endif
