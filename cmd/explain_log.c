// SPDX-License-Identifier: MIT
/* pagebuddy explain on a kernel's log: every report in it, as it comes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <source.h>

#include "explain.h"
#include "explain_log.h"
#include "lang.h"

struct printing {
	const struct explain_ask *ask;
	uint64_t nr; /* printed; the others were not asked for */
};

static bool is_asked_for(const struct explain_ask *ask, const struct pb_klog_report *report)
{
	unsigned int low, high;

	if (ask->wish.task && !pbr_task_matches(ask->wish.task, report->pid, report->comm))
		return false;
	if (!ask->has_order || !pbr_orders_parse(ask->wish.orders, &low, &high))
		return true;
	return report->has_order && report->order >= (int)low && report->order <= (int)high;
}

/* One report at a time: a log of any length takes the same memory. */
static int emit(void *ctx, const struct pb_klog_report *report)
{
	struct printing *printing = ctx;
	json_t *json;
	char *text;

	if (!is_asked_for(printing->ask, report))
		return 0;
	printing->nr++;
	if (printing->ask->format != CMD_JSON) {
		if (printing->nr > 1)
			printf("\n----------------------------------------------------------------"
			       "---------------\n\n");
		explain_log_text(report, printing->ask->verbose);
		return 0;
	}
	json = explain_log_json(report);
	text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	if (!text)
		return -1;
	printf("%s\n%s", printing->nr > 1 ? "," : "", text);
	free(text);
	return 0;
}

static int read_all(struct pb_source *source, struct pb_klog *log, const char *path)
{
	static char buffer[1 << 16];
	long n;

	while ((n = pb_source_read(source, buffer, sizeof(buffer))) > 0)
		if (pb_klog_feed(log, buffer, (size_t)n))
			return CMD_FAILED;
	if (n == PB_SOURCE_IO)
		return cmd_error(VERB, "can't read '%s': %s", path, strerror(errno));
	if (n == PB_SOURCE_DAMAGED || n == PB_SOURCE_CUT) {
		cmd_error(VERB, "'%s': the compressed text %s; what came before it is answered",
			  path, n == PB_SOURCE_CUT ? "ends too early" : "is damaged");
		return CMD_FAILED;
	}
	return CMD_OK;
}

/* No report is not the same as no failure: other lines may tell of one. */
static void print_no_report(const struct pb_klog_stats *stats)
{
	if (stats->kills == 1)
		printf("A task was killed for lack of memory%s%s,\n",
		       stats->first_killed[0] ? ": " : "", stats->first_killed);
	else if (stats->kills)
		printf("%llu tasks were killed for lack of memory%s%s,\n",
		       (unsigned long long)stats->kills,
		       stats->first_killed[0] ? ", the first of them " : "", stats->first_killed);
	if (stats->kills)
		printf("but the report (\"invoked oom-killer\" and the dump below it) is not in this\n"
		       "text: why can't be told.\n");
	if (stats->stalls)
		printf("Allocations stalled (%llu lines say so): they waited long for reclaim, but\n"
		       "did not fail.\n",
		       (unsigned long long)stats->stalls);
	if (!stats->kills && !stats->stalls)
		printf("No allocation failure is reported in this log, and no dump of memory is in "
		       "it.\n");
	if (stats->suppressed)
		printf("Lines were suppressed by the kernel's rate limit (\"callbacks suppressed\"):\n"
		       "reports may be missing.\n");
}

static int conclude(const struct printing *printing, const struct pb_klog_stats *stats, int status)
{
	const struct explain_ask *ask = printing->ask;
	bool json = ask->format == CMD_JSON;

	if (!status && stats->lines && !stats->understood && !stats->reports)
		status = cmd_error(VERB,
				   "'%s': 0 of %llu lines understood; expected a kernel's log, a "
				   "trace or files of /proc",
				   ask->source.path, (unsigned long long)stats->lines);
	else if (!json && !stats->reports)
		print_no_report(stats);
	else if (!json && !printing->nr)
		printf(ngettext(
			       "The one report in this log is not what --task or --order asks for.\n",
			       "None of the %llu reports in this log is what --task or --order "
			       "asks for.\n",
			       stats->reports),
		       (unsigned long long)stats->reports);
	if (json)
		printf("%s],\n\"lines\": %llu, \"understood\": %llu, \"kills_without_report\": %llu,\n"
		       "\"stalls\": %llu, \"suppressed\": %llu}\n",
		       printing->nr ? "\n" : "", (unsigned long long)stats->lines,
		       (unsigned long long)stats->understood, (unsigned long long)stats->kills,
		       (unsigned long long)stats->stalls, (unsigned long long)stats->suppressed);
	else if (stats->understood < stats->lines && (ask->verbose || !stats->reports))
		fprintf(stderr, "pagebuddy %s: %llu of %llu lines understood\n", VERB,
			(unsigned long long)stats->understood, (unsigned long long)stats->lines);
	return status;
}

int explain_log(struct explain_ask *ask)
{
	struct pb_klog_options options = { .release = ask->release };
	struct printing printing = { .ask = ask };
	struct pb_klog_stats stats = { 0 };
	struct pb_source *source;
	struct pb_klog *log;
	char error[512];
	int status;

	if (ask->failure || ask->list || ask->at || ask->wish.from || ask->wish.to)
		return cmd_error(
			VERB,
			"'%s' is a kernel log: --failure, --list, --at, --from and --to are "
			"for traces; each of its reports is answered",
			ask->source.path);
	source = pb_source_open(ask->source.path, error, sizeof(error));
	if (!source)
		return cmd_error(VERB, "%s", error);
	log = pb_klog_open(&options, emit, &printing);
	if (!log) {
		pb_source_close(source);
		return cmd_error(VERB, "no memory to read '%s'", ask->source.path);
	}
	if (ask->format == CMD_JSON)
		printf("{\"schema\": %d, \"kind\": \"kernel-log\", \"reports\": [", CMD_SCHEMA);
	status = read_all(source, log, ask->source.path);
	if (pb_klog_close(log, &stats) && !status)
		status = cmd_error(VERB, "no memory to print a report");
	pb_source_close(source);
	return conclude(&printing, &stats, status);
}
