/* SPDX-License-Identifier: MIT */
/*
 * Trace text, plain or packed: FORMAT is PB_FORMAT_FTRACE or PB_FORMAT_PERF, one
 * target each. Read twice: as the format that it is meant to be, and as
 * whatever the first bytes look like.
 */
#include "readers.h"

static void read_as(const uint8_t *data, size_t size, enum pb_trace_format format)
{
	struct pb_reader_options options = { .max_order = 10,
					     .end_pfn = UINT64_C(1) << 32,
					     .format = format };
	struct fuzz_memory memory = { data, size, 0 };
	char error[400] = "";
	struct pb_reader *reader = pb_reader_open_fn(fuzz_read, &memory, "input", &options, error,
						     sizeof(error));

	if (reader)
		fuzz_drain(reader, &options);
	else
		fuzz_check_error(error, sizeof(error));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_as(data, size, FORMAT);
	read_as(data, size, PB_FORMAT_AUTO);
	return 0;
}
