// SPDX-License-Identifier: MIT
/* pagebuddy compare: two recordings or two snapshots, before and after a change. */

#include <math.h>
#include <string.h>

#include <kind.h>

#include "compare.h"
#include "options.h"

#define VERB "compare"
#define TASKS 10

static const char help[] =
	"Usage: pagebuddy compare A B [--top N] [--format FORMAT]\n"
	"\n"
	"Two recordings (traces or .pbt files) side by side, or two snapshots (saved\n"
	"copies of /proc, or a buddyinfo alone): before and after a change, or one\n"
	"machine beside another.\n"
	"\n"
	"Recordings: requests, failures by order, fallbacks, free memory, blocks of\n"
	"2 MiB and fragmentation over time, who allocates. Snapshots: zone by zone\n"
	"what is free, in which blocks, and which order fails first and why.\n"
	"\n"
	"      --top N          of recordings: the N tasks that differ most (default 10)\n"
	"  -f, --format FORMAT  text (default) or json\n"
	"      --help           this text\n";

static void print_help(void)
{
	fputs(help, stdout);
}

static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct compare *compare = ctx;
	uint64_t number;

	if (option == CMD_OPT_FORMAT) {
		if (cmd_parse_format(value, &compare->format) || compare->format == CMD_NDJSON)
			return cmd_error(VERB, "--format '%s': expected text or json", value);
		return CMD_OK;
	}
	if (cmd_parse_u64(value, &number) || number > 100000)
		return cmd_error(VERB, "--top '%s': expected a number from 0 to 100000", value);
	compare->top = (uint32_t)number;
	return CMD_OK;
}

/* CMD_GO_ON or the exit status. */
static int parse_options(int argc, char **argv, struct compare *compare)
{
	struct cmd_call call = { VERB, argc, argv, set, compare, false, false };
	int words, status = cmd_options(&call, print_help, &words);

	if (status != CMD_GO_ON)
		return status;
	if (argc - words != 2)
		return cmd_error(VERB,
				 "expected two recordings or two snapshots, got %d: "
				 "pagebuddy compare A B",
				 argc - words);
	compare->path[0] = argv[words];
	compare->path[1] = argv[words + 1];
	return CMD_GO_ON;
}

/* A recording? What is neither that nor a log may be a snapshot: its reader will say. */
static int is_recording(const char *path, bool *recording)
{
	enum pb_kind kind = PB_KIND_UNKNOWN;
	char error[256];

	*recording = false;
	if (!strcmp(path, "-"))
		return cmd_error(VERB, "standard input can't be compared; expected two files or "
				       "directories");
	/* "saved/db7" may stand for saved/db7.zoneinfo and so on: that it can't be opened is no
	   error yet */
	if (pb_kind_of_file(path, &kind, error, sizeof(error)))
		return CMD_OK;
	if (kind == PB_KIND_KERNEL_LOG)
		return cmd_error(VERB,
				 "%s is a kernel log; expected a recording or a snapshot (pagebuddy "
				 "explain reads logs)",
				 path);
	*recording = kind == PB_KIND_TRACE;
	return CMD_OK;
}

int cmd_compare(int argc, char **argv)
{
	struct compare compare = { .top = TASKS };
	bool recording[2];
	int status = parse_options(argc, argv, &compare);

	if (status != CMD_GO_ON)
		return status;
	for (int i = 0; i < 2; i++)
		if (is_recording(compare.path[i], &recording[i]))
			return CMD_USAGE;
	if (recording[0] != recording[1])
		return cmd_error(VERB,
				 "%s is a recording and %s is not; expected two recordings or two "
				 "snapshots",
				 compare.path[recording[1]], compare.path[recording[0]]);
	return recording[0] ? compare_recordings(&compare) : compare_snapshots(&compare);
}
