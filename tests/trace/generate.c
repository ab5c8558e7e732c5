/* SPDX-License-Identifier: MIT */
/* trace-generate FORMAT EVENTS [SEED]: a trace of made-up events on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

int main(int argc, char **argv)
{
	static const char *const names[GEN_NR_FORMATS] = { "ftrace", "ftrace-5.4", "ftrace-noflags",
							   "ftrace-tgid", "perf" };
	unsigned int format = GEN_NR_FORMATS;
	struct pb_event event;
	struct gen gen;
	char line[600];

	for (unsigned int i = 0; argc > 2 && i < GEN_NR_FORMATS; i++)
		if (strcmp(argv[1], names[i]) == 0)
			format = i;
	if (format == GEN_NR_FORMATS) {
		fprintf(stderr,
			"usage: trace-generate "
			"ftrace|ftrace-5.4|ftrace-noflags|ftrace-tgid|perf EVENTS [SEED]\n");
		return 2;
	}
	gen = gen_new(argc > 3 ? strtoull(argv[3], NULL, 0) : 1);
	for (unsigned long long n = strtoull(argv[2], NULL, 0); n > 0; n--) {
		size_t len;

		gen_event(&gen, &event);
		len = gen_line((enum gen_format)format, &event, line, sizeof(line));
		if (fwrite(line, 1, len, stdout) != len)
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
