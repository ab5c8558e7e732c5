// SPDX-License-Identifier: MIT
/*
 * pagebuddy kernel-diff: what a running kernel's allocator did, beside the library.
 * The log comes from kernel/pbdiff; make kernel-test records and compares one.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "diff.h"
#include "options.h"

#define VERB "kernel-diff"

static const char usage[] =
	"usage: pagebuddy kernel-diff [options] LOG...\n"
	"Replay logs of the kernel module pbdiff on the library (linux profile) as\n"
	"the kernel that each log is of, and compare every answer and the state after\n"
	"each phase.\n"
	"  -m, --map      logs of memory maps: compare watermarks, lowmem reserves and\n"
	"                 per-CPU list sizes, computed from the map alone\n"
	"  -k, --kernel NAME  refuse logs of any kernel but 5.4, 5.10, 6.1, 6.12 or 7.2\n"
	"  -s, --show N   print the first N differences (default 10)\n"
	"  -q, --quiet    only the summary\n"
	"  -h, --help     this text\n"
	"Exit status: 0 no difference, 1 some, 2 a log cannot be used.\n";

struct options {
	bool map, quiet, one_kernel;
	enum pb_kernel kernel;
	uint64_t show;
};

static int wrong_kernel(const struct diff_log *log, const struct options *given)
{
	return cmd_error(VERB, "%s is of Linux %s, not of %s as --kernel says", log->name,
			 log->phase[0].kernel, pb_kernel_name(given->kernel));
}

static int compare_file(const char *name, const struct options *given, struct diff_result *result)
{
	struct diff_log log;
	char error[256];
	struct stat st;
	FILE *file = diff_same(name, "-") ? stdin : fopen(name, "r");
	int err;

	if (!file)
		return cmd_error(VERB, "cannot open '%s': %s", name, strerror(errno));
	if (!fstat(fileno(file), &st) && S_ISDIR(st.st_mode)) {
		fclose(file);
		return cmd_error(VERB, "%s is a directory; expected a log of pbdiff", name);
	}
	err = diff_read(&log, name, file, error);
	if (file != stdin)
		fclose(file);
	if (!err && given->one_kernel && log.kernel != given->kernel) {
		err = wrong_kernel(&log, given);
		diff_log_free(&log);
		return err;
	}
	if (!err)
		err = given->map ? diff_map_compare(&log, result, error)
				 : diff_log_compare(&log, result, error);
	diff_log_free(&log);
	return err ? cmd_error(VERB, "%s", error) : CMD_OK;
}

static void print_usage(void)
{
	fputs(usage, stdout);
}

static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct options *given = ctx;

	switch (option) {
	case CMD_OPT_SHOW:
		if (cmd_parse_u64(value, &given->show))
			return cmd_error(VERB, "--show '%s'; expected a number", value);
		return CMD_OK;
	case CMD_OPT_KERNEL:
		if (cmd_parse_kernel(value, &given->kernel))
			return cmd_bad_kernel(VERB, value);
		given->one_kernel = true;
		return CMD_OK;
	case CMD_OPT_QUIET:
		given->quiet = true;
		return CMD_OK;
	default:
		given->map = true;
		return CMD_OK;
	}
}

static int summary(const struct options *given, const struct diff_result *result)
{
	if (given->map) {
		printf("figures: %" PRIu64 ", differences: %" PRIu64 "\n", result->figures,
		       result->differences);
		return cmd_flush(VERB, result->differences ? CMD_FAILED : CMD_OK);
	}
	printf("failed allocations: %" PRIu64 ", fallbacks: %" PRIu64
	       " (pageblock claimed: %" PRIu64 ")\n",
	       result->failures, result->fallbacks, result->claims);
	printf("texts: %" PRIu64 ", read too late: %" PRIu64 ", other tasks' frames: %" PRIu64 "\n",
	       result->texts, result->late_texts, result->outside);
	if (result->reclaims)
		printf("allocations that reclaimed: %" PRIu64 "\n", result->reclaims);
	if (result->lots)
		printf("drawn by lot: %" PRIu64 "\n", result->lots);
	printf("operations: %" PRIu64 ", differences: %" PRIu64 "\n", result->operations,
	       result->differences);
	return cmd_flush(VERB, result->differences ? CMD_FAILED : CMD_OK);
}

int cmd_kernel_diff(int argc, char **argv)
{
	struct diff_result result = { .out = stdout };
	struct options given = { .show = 10 };
	struct cmd_call call = { VERB, argc, argv, set, &given, false, false };
	int words, status = cmd_options(&call, print_usage, &words);

	if (status != CMD_GO_ON)
		return status;
	if (words == argc)
		return cmd_error(VERB, "no log given; see pagebuddy kernel-diff --help");
	result.show = given.show;
	if (given.quiet)
		result.out = fopen("/dev/null", "w");
	if (!result.out)
		return cmd_error(VERB, "cannot open /dev/null: %s", strerror(errno));
	status = CMD_OK;
	for (; status == CMD_OK && words < argc; words++)
		status = compare_file(argv[words], &given, &result);
	if (given.quiet)
		fclose(result.out);
	return status == CMD_OK ? summary(&given, &result) : status;
}
