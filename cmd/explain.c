// SPDX-License-Identifier: MIT
/* pagebuddy explain: would order N have succeeded at that moment, by which rule not? */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "kind.h"
#include "options.h"
#include "rules/rules.h"

static void help(void)
{
	printf("Usage: pagebuddy explain [LOG] [--task NAME] [--order N]\n"
	       "       pagebuddy explain SNAPSHOT [--order N] [--gfp FLAGS]\n"
	       "       pagebuddy explain TRACE --order N [--at TIME] [--gfp FLAGS]\n"
	       "       pagebuddy explain TRACE --failure K\n"
	       "       pagebuddy explain TRACE [--list] [--task NAME] [--from TIME] [--to TIME]\n"
	       "                                        [--order N]\n"
	       "\n"
	       "A kernel log (dmesg, syslog, a mail; a file or standard input): why each page\n"
	       "allocation failure and OOM kill in it happened - by which rule, in which zone,\n"
	       "and what would have helped.\n"
	       "\n"
	       "Files of /proc (a directory, a sosreport, one text, pasted or cut): what show\n"
	       "says of them; with --order, would such a request succeed now.\n"
	       "\n"
	       "A trace: follow it to a moment and say whether a request would have succeeded\n"
	       "there: in which zone, and by which rule not.\n"
	       "\n"
	       "      --verbose        a log: the arithmetic, whose rules hold, the stack\n"
	       "      --kernel RELEASE the rules and gfp numbers of this release, not of the one\n"
	       "                       that the input names\n"
	       "      --order N        of 2^N pages; a log, --list: only such ones, or N-M\n"
	       "      --at TIME        +SECONDS from the first event, SECONDS of the trace's own\n"
	       "                       clock, start or end (default: end)\n"
	       "      --gfp FLAGS      GFP_KERNEL (default), GFP_ATOMIC, GFP_NOWAIT,\n"
	       "                       GFP_HIGHUSER_MOVABLE|__GFP_COMP ... or a number (0xcc0)\n"
	       "      --failure K      the K-th failure that the kernel recorded, from 1\n"
	       "      --list           list the recorded failures\n"
	       "      --task NAME      a log, --list: only those of this task (or pid)\n"
	       "      --from TIME, --to TIME\n"
	       "                       --list: only those of this time\n"
	       "      --memory SIZE    a machine of this size instead of the recorded one\n"
	       "      --snapshot PATH  directory or prefix of the snapshots\n"
	       "      --format FORMAT  text (default) or json\n");
}

/* ------------------------------------------------------------------ options */

static int set_gfp(struct explain_ask *ask, const char *text)
{
	char *end;
	unsigned long number;

	ask->gfp_text = text;
	errno = 0;
	number = strtoul(text, &end, 0);
	if (!errno && end != text && !*end && number <= UINT32_MAX) {
		ask->gfp = (uint32_t)number;
		return CMD_OK;
	}
	if (pb_gfp_parse(text, strlen(text), PB_GFP_6_1, &ask->gfp) ||
	    pb_gfp_parse(text, strlen(text), PB_GFP_6_18, &ask->gfp))
		return CMD_OK;
	return cmd_error(VERB,
			 "--gfp '%s': expected names joined by |, such as "
			 "GFP_KERNEL|__GFP_NOWARN, or a number",
			 text);
}

static int set(void *ctx, enum cmd_option option, const char *text)
{
	struct explain_ask *ask = ctx;

	switch (option) {
	case CMD_OPT_AT:
		ask->at = text;
		return CMD_OK;
	case CMD_OPT_TASK:
		ask->wish.task = text;
		return CMD_OK;
	case CMD_OPT_FROM:
		ask->wish.from = text;
		return CMD_OK;
	case CMD_OPT_TO:
		ask->wish.to = text;
		return CMD_OK;
	case CMD_OPT_ORDER:
		ask->has_order = true;
		ask->wish.orders = text;
		return CMD_OK;
	case CMD_OPT_GFP:
		return set_gfp(ask, text);
	case CMD_OPT_FAILURE:
		if (cmd_parse_u64(text, &ask->failure) || !ask->failure)
			return cmd_error(VERB, "--failure '%s': expected a number from 1", text);
		return CMD_OK;
	case CMD_OPT_LIST:
		ask->list = true;
		return CMD_OK;
	case CMD_OPT_MEMORY:
		if (cmd_parse_size(text, &ask->source.memory) || ask->source.memory < 1 << 20)
			return cmd_error(VERB, "--memory '%s': expected a size such as 512M", text);
		return CMD_OK;
	case CMD_OPT_SNAPSHOT:
		ask->source.snapshot = text;
		return CMD_OK;
	case CMD_OPT_VERBOSE:
		ask->verbose = true;
		return CMD_OK;
	case CMD_OPT_KERNEL:
		ask->release = pb_release_parse(text);
		if (!ask->release)
			return cmd_error(VERB, "--kernel '%s': expected a release such as 5.15.41",
					 text);
		return CMD_OK;
	default:
		if (cmd_parse_format(text, &ask->format) || ask->format == CMD_NDJSON)
			return cmd_error(VERB, "--format '%s': expected text or json", text);
		return CMD_OK;
	}
}

static int check(struct explain_ask *ask)
{
	unsigned int low = 0, high;

	if ((ask->has_order && ask->failure) || (ask->failure && ask->list))
		return cmd_error(VERB, "expected one of --order N, --failure K and --list");
	if (ask->at && (ask->failure || ask->list))
		return cmd_error(VERB,
				 "--at goes with --order; a recorded failure has its own time");
	if (ask->has_order && !pbr_orders_parse(ask->wish.orders, &low, &high))
		return cmd_error(
			VERB, "--order '%s': expected a number from 0 to %d, or two, such as 4-9",
			ask->wish.orders, PB_MAX_ORDER);
	ask->order = low;
	return CMD_OK;
}

/* CMD_GO_ON or the exit status. */
static int parse(int argc, char **argv, struct explain_ask *ask)
{
	struct cmd_call call = { VERB, argc, argv, set, ask, false, false };
	int words, status = cmd_options(&call, help, &words);

	if (status == CMD_GO_ON)
		status = check(ask) ? CMD_USAGE : CMD_GO_ON;
	if (status != CMD_GO_ON)
		return status;
	if (words >= argc && isatty(STDIN_FILENO))
		return cmd_error(VERB, "nothing to explain is named: pagebuddy explain FILE");
	if (words + 1 < argc)
		return cmd_error(VERB, "unexpected '%s' after the input '%s'", argv[words + 1],
				 argv[words]);
	ask->source.path = words < argc ? argv[words] : "-";
	return CMD_GO_ON;
}

/* ----------------------------------------------------------------- dispatch */

/* Which reader answers for which kind of input. */
static const struct {
	enum pb_kind kind;
	int (*run)(struct explain_ask *ask);
} readers[] = {
	{ PB_KIND_KERNEL_LOG, explain_log },    { PB_KIND_TRACE, explain_trace },
	{ PB_KIND_DIRECTORY, explain_unknown }, { PB_KIND_MACHINE, explain_machine },
	{ PB_KIND_UNKNOWN, explain_unknown },
};

static int dispatch(struct explain_ask *ask)
{
	enum pb_kind kind;
	char error[512];

	if (pb_kind_of_file(ask->source.path, &kind, error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (readers[i].kind == kind)
			return readers[i].run(ask);
	return cmd_error(VERB, "'%s' is %s, which this verb does not read", ask->source.path,
			 pb_kind_name(kind));
}

int cmd_explain(int argc, char **argv)
{
	struct explain_ask ask = { .gfp = PB_GFP_KERNEL, .source.progress = cmd_progress };
	int status = parse(argc, argv, &ask);

	return status == CMD_GO_ON ? dispatch(&ask) : status;
}
