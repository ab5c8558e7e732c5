/* SPDX-License-Identifier: MIT */
/* Bytes of a file, plain or unpacked on the way: zstd, and gzip if the build has zlib. */
#ifndef PB_TRACE_SOURCE_H
#define PB_TRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

struct pb_source;

enum {
	PB_SOURCE_END = 0,
	PB_SOURCE_IO = -1,      /* errno tells */
	PB_SOURCE_DAMAGED = -2, /* not what a compressor writes */
	PB_SOURCE_CUT = -3,     /* the compressed stream ends before its end */
};

/* A file, or "-". NULL with one line in `error`. */
struct pb_source *pb_source_open(const char *path, char *error, size_t size);
struct pb_source *pb_source_open_fn(pb_read_fn read, void *ctx, const char *name, char *error,
				    size_t size);
/*
 * Up to `size` unpacked bytes, as soon as there are any; or one of the above.
 * After END, DAMAGED and CUT the same comes again.
 */
long pb_source_read(struct pb_source *source, void *buffer, size_t size);
void pb_source_close(struct pb_source *source);

/*
 * Look at the first bytes of standard input, packed as they are: up to `size`,
 * fewer at its end. They are read again by whoever opens "-". The first call
 * decides how many are looked at; it blocks until it has them. One thread.
 */
size_t pb_source_peek_stdin(void *buffer, size_t size);

const char *pb_source_packing(const struct pb_source *source); /* "zstd", "gzip", "" */
uint64_t pb_source_bytes(const struct pb_source *source);      /* read so far, packed */
uint64_t pb_source_size(const struct pb_source *source);       /* packed; 0: unknown */

/*
 * A few bytes can be packed so that they unpack to gigabytes. Traces and texts
 * of /proc come to some 10 to 60 times their size; beyond 1,000 times, once 64
 * MiB are there, it is no trace, and reads as damaged.
 */
static inline bool pb_source_too_dense(uint64_t packed, uint64_t unpacked)
{
	return unpacked > (UINT64_C(64) << 20) && unpacked / 1000 > packed;
}

#endif
