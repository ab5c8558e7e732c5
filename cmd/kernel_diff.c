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

static int parse_options(int argc, char **argv, struct diff_result *result, struct options *given)
{
	static const struct option options[] = {
		{ "map", no_argument, NULL, 'm' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "show", required_argument, NULL, 's' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":mk:s:qh", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			if (cmd_parse_u64(optarg, &result->show))
				return cmd_error(VERB, "--show '%s'; expected a number", optarg);
			break;
		case 'k':
			if (cmd_parse_kernel(optarg, &given->kernel))
				return cmd_bad_kernel(VERB, optarg);
			given->one_kernel = true;
			break;
		case 'q':
			given->quiet = true;
			break;
		case 'm':
			given->map = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return -1;
		default:
			return cmd_bad_option(VERB, argc, argv, options, ":mk:s:qh");
		}
	}
	if (optind == argc)
		return cmd_error(VERB, "no log given; see pagebuddy kernel-diff --help");
	return CMD_OK;
}

int cmd_kernel_diff(int argc, char **argv)
{
	struct diff_result result = { .out = stdout, .show = 10 };
	struct options given = { 0 };
	int status = parse_options(argc, argv, &result, &given);

	if (status)
		return status < 0 ? CMD_OK : status;
	if (given.quiet)
		result.out = fopen("/dev/null", "w");
	if (!result.out)
		return cmd_error(VERB, "cannot open /dev/null: %s", strerror(errno));
	for (; status == CMD_OK && optind < argc; optind++)
		status = compare_file(argv[optind], &given, &result);
	if (given.quiet)
		fclose(result.out);
	if (status != CMD_OK)
		return status;
	if (given.map) {
		printf("figures: %" PRIu64 ", differences: %" PRIu64 "\n", result.figures,
		       result.differences);
		return cmd_flush(VERB, result.differences ? CMD_FAILED : CMD_OK);
	}
	printf("failed allocations: %" PRIu64 ", fallbacks: %" PRIu64
	       " (pageblock claimed: %" PRIu64 ")\n",
	       result.failures, result.fallbacks, result.claims);
	printf("texts: %" PRIu64 ", read too late: %" PRIu64 ", other tasks' frames: %" PRIu64 "\n",
	       result.texts, result.late_texts, result.outside);
	printf("operations: %" PRIu64 ", differences: %" PRIu64 "\n", result.operations,
	       result.differences);
	return cmd_flush(VERB, result.differences ? CMD_FAILED : CMD_OK);
}
