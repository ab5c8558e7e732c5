/* SPDX-License-Identifier: MIT */
/* A kernel's log, and what `pagebuddy explain` says about each report in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain_log.h"
#include "readers.h"

struct seen {
	uint64_t reports, last_line;
};

/* The answer as text goes to standard output; nobody wants it here. */
static void print_answer(const struct pb_klog_report *report)
{
	static FILE *null;
	FILE *saved = stdout;

	if (!null)
		null = fopen("/dev/null", "w");
	fuzz_require(null);
	stdout = null;
	explain_log_text(report, true);
	explain_log_text(report, false);
	stdout = saved;
}

static void check_report(const struct pb_klog_report *report)
{
	char text[EXPLAIN_SENTENCE];

	fuzz_require(report->nr_zones <= PB_KLOG_ZONES && report->nr_stack <= PB_KLOG_STACK);
	fuzz_require(report->decisive < (int)report->nr_zones);
	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];

		fuzz_require(zone->nr_orders <= PB_RULE_ORDERS);
		fuzz_require(zone->nr_reserve <= PB_KLOG_TYPES + 2);
		explain_log_why(report, zone, text, sizeof(text));
		fuzz_require(memchr(text, 0, sizeof(text)));
	}
	explain_log_sentence(report, text, sizeof(text));
	fuzz_require(memchr(text, 0, sizeof(text)) && text[0]);
}

static int answer(void *ctx, const struct pb_klog_report *report)
{
	struct seen *seen = ctx;
	char *text;
	json_t *json = explain_log_json(report);

	fuzz_require(json);
	text = json_dumps(json, 0);
	fuzz_require(text); /* what isn't UTF-8 can't be dumped */
	free(text);
	json_decref(json);
	check_report(report);
	print_answer(report);
	fuzz_require(report->line >= seen->last_line);
	seen->last_line = report->line;
	seen->reports++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_memory memory = { data, size, 0 };
	struct pb_klog_options options = { .release = 0 };
	struct pb_klog_stats stats;
	struct seen seen = { 0 };
	struct pb_klog *log = pb_klog_open(&options, answer, &seen);
	uint8_t buffer[4096];
	long n;

	fuzz_require(log);
	while ((n = fuzz_read(&memory, buffer, sizeof(buffer))) > 0)
		fuzz_require(pb_klog_feed(log, buffer, (size_t)n) == 0);
	fuzz_require(pb_klog_close(log, &stats) == 0);
	fuzz_require(stats.reports == seen.reports);
	return 0;
}
