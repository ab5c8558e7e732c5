/* SPDX-License-Identifier: MIT */
/*
 * The fuzz targets: libFuzzer's entry point, and a driver of our own where
 * libFuzzer isn't (drive.c). A target must not crash, hang or write outside of
 * what it was given, whatever the bytes; what it accepts has to be right.
 */
#ifndef PB_TESTS_FUZZ_H
#define PB_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as numbers; zeros when they have run out. */
struct bytes {
	const uint8_t *at, *end;
};

static inline uint64_t take(struct bytes *bytes, unsigned int n)
{
	uint64_t x = 0;

	while (n--)
		x = x << 8 | (bytes->at < bytes->end ? *bytes->at++ : 0);
	return x;
}

#endif
