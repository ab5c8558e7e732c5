/* SPDX-License-Identifier: MIT */
/* trace.dat: a file, as libtracecmd wants one. */
#include "readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_reader_options options = { .max_order = 10, .end_pfn = UINT64_C(1) << 32 };
	struct pb_reader *reader;
	struct fuzz_file file;
	char error[400] = "";
	const char *path = file.path;

	fuzz_file(&file, data, size);
	reader = pb_reader_open(&path, 1, &options, error, sizeof(error));
	if (reader)
		fuzz_drain(reader, &options);
	else
		fuzz_check_error(error, sizeof(error));
	fuzz_file_drop(&file);
	return 0;
}
