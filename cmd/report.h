/* SPDX-License-Identifier: MIT */
/*
 * The parts of `pagebuddy report`: what is computed (report.c), turned into the
 * page's JSON (report_json.c), the failures with their reasons and the conclusion
 * (report_failures.c), and the map of pageblocks in it (report_map.c).
 */
#ifndef PB_CMD_REPORT_H
#define PB_CMD_REPORT_H

#include <replay/replay.h>

#include "cmd.h"

#define REPORT_MAX_VARIANTS 16

struct report {
	struct pbr_input *input;
	struct pbr_run follow;
	struct pbr_pins pins;
	bool has_pins;
	char pins_error[200];
	struct pbr_run runs[1 + REPORT_MAX_VARIANTS]; /* the baseline, then the variants */
	unsigned int nr_runs;
	char whatif_error[200];
	const char *title;
	bool filtered;
	struct pbr_filter filter;
	struct pbr_top top;
	uint64_t page_size;
};

/* Which tasks the page names; 0 is nobody. */
struct report_tasks {
	uint32_t *number; /* [input->nr_tasks] index in the page's list + 1, 0: not listed */
	json_t *list;
	uint32_t nr;
};

#define REPORT_MAX_TASKS 65535
#define REPORT_TOP 25           /* rows of each table of who allocates */
#define REPORT_MAX_REASONS 1000 /* failures of which the page has the reason */

/* Index in the page's list of a task of the input; adds it. */
uint32_t report_task(const struct report *report, struct report_tasks *tasks, uint32_t task);

/* New references, NULL without memory. */
json_t *report_json(const struct report *report);
json_t *report_failures(const struct report *report, struct report_tasks *tasks, json_t *gfp_names);
/* Sentences: what happened and why, from the JSON of the failures. */
json_t *report_conclusion(const struct report *report, const json_t *failures);
json_t *report_maps(const struct report *report, struct report_tasks *tasks);

/* The page with a marker for the JSON. Not linked, or of size 0: this build has none. */
extern const char pb_report_page[] __attribute__((weak));
extern const uint64_t pb_report_page_size __attribute__((weak));

#endif
