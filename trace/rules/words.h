/* SPDX-License-Identifier: MIT */
/*
 * What a verdict is called in a sentence: the words of `explain`, `show` and the
 * report page. Pure; all texts are ASCII; each is cut to fit.
 */
#ifndef PB_TRACE_WORDS_H
#define PB_TRACE_WORDS_H

#include "rules.h"

/* "the min watermark", "fragmentation": what refused the request. */
const char *pb_rule_cause(enum pb_verdict_word word);
/* "504 usable pages, and it takes more than 673": the two numbers that decide. */
void pb_rule_reason(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		    const struct pb_rule_result *result, char *text, size_t size);
/* "3724 - 7 - 0 - 0 = 3717 pages, not above 5 + 7746": the arithmetic. */
void pb_rule_arithmetic(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
			const struct pb_rule_result *result, char *text, size_t size);
/* "4 KiB", "2.1 MiB" */
const char *pb_rule_size(int64_t kb, char *text, size_t size);

#endif
