/* SPDX-License-Identifier: MIT */
/* The parts of `pagebuddy explain` on a kernel's log. */
#ifndef PB_CMD_EXPLAIN_LOG_H
#define PB_CMD_EXPLAIN_LOG_H

#include <klog/klog.h>

#include "cmd.h"

#define EXPLAIN_SENTENCE 1024 /* bytes */

/* Never 0: what is not told is taken for 4. */
unsigned int explain_log_page_kb(const struct pb_klog_report *report);
/* One sentence, plain ASCII: which rule, in which zone, the two numbers. */
void explain_log_sentence(const struct pb_klog_report *report, char *text, size_t size);
/* "3724 - 7 - 0 - 0 = 3717 pages, not above 5 + 7746" */
void explain_log_why(const struct pb_klog_report *report, const struct pb_klog_zone *zone,
		     char *text, size_t size);
void explain_log_text(const struct pb_klog_report *report, bool verbose);
void explain_log_note(const char *text); /* a line "!  text", wrapped */
json_t *explain_log_json(const struct pb_klog_report *report);

#endif
