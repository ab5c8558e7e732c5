/* SPDX-License-Identifier: MIT */
/* A log of the module pbdiff: read, loaded into a pool, replayed, compared. */
#include <stdio.h>

#include "diff.h"
#include "readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diff_result result = { .show = 10 };
	struct fuzz_file file;
	struct diff_log log;
	char error[256] = "";
	FILE *in;

	fuzz_file(&file, data, size);
	in = fopen(file.path, "r");
	result.out = fopen("/dev/null", "w");
	fuzz_require(in && result.out);
	if (diff_read(&log, "input", in, error)) {
		fuzz_check_error(error, sizeof(error));
	} else {
		if (diff_log_compare(&log, &result, error))
			fuzz_check_error(error, sizeof(error));
		error[0] = '\0';
		if (diff_map_compare(&log, &result, error))
			fuzz_check_error(error, sizeof(error));
	}
	diff_log_free(&log);
	fclose(result.out);
	fclose(in);
	fuzz_file_drop(&file);
	return 0;
}
