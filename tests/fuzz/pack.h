/* SPDX-License-Identifier: MIT */
/* A .pbt as it is, or its sections bare: those are packed here, so that a change
   of one byte changes one byte of what the reader sees. */
#ifndef PB_TESTS_FUZZ_PACK_H
#define PB_TESTS_FUZZ_PACK_H

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "pbt.h"
#include "readers.h"

struct packed {
	uint8_t *bytes;
	size_t size;
};

static inline struct packed pack(const uint8_t *data, size_t size)
{
	static const uint8_t header[PBT_HEADER] = "\x7fPBT\1";
	bool as_it_is = size >= 4 && !memcmp(data, header, 4);
	struct packed packed = { malloc(PBT_HEADER + ZSTD_compressBound(size)), size };

	fuzz_require(packed.bytes);
	if (as_it_is) {
		memcpy(packed.bytes, data, size);
		return packed;
	}
	memcpy(packed.bytes, header, PBT_HEADER);
	packed.size = ZSTD_compress(packed.bytes + PBT_HEADER, ZSTD_compressBound(size), data, size,
				    1);
	fuzz_require(!ZSTD_isError(packed.size));
	packed.size += PBT_HEADER;
	return packed;
}

#endif
