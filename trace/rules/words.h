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

/* A zone that did not decide, and its word. */
struct pb_rule_other {
	int node;
	const char *zone;
	enum pb_verdict_word word;
};

#define PB_RULE_OTHERS 6 /* more zones are not named in a sentence */

/* A request and what became of it, for pb_rule_sentence(). */
struct pb_rule_told {
	const char *comm;    /* who asked; NULL: nobody, it is asked what would become of it */
	int pid;             /* -1: not known */
	const char *request; /* what for: "4 KiB (order 0, GFP_KERNEL)"; NULL: not known */
	const char *when;    /* "+25.6 s"; NULL: not told */
	enum pb_verdict_word word;
	enum pb_verdict_word other; /* it may as well have been this one; NONE: no doubt */
	int node;                   /* of the zone that decided */
	const char *zone;           /* NULL: none did */
	const char *reason; /* pb_rule_reason() of that zone, or what is in the way of one */
	struct pb_rule_other others[PB_RULE_OTHERS];
	unsigned int nr_others; /* above PB_RULE_OTHERS: none is named */
};

/* "4 KiB (order 0, GFP_KERNEL)"; gfp may be NULL */
void pb_rule_request_text(int64_t kb, int order, const char *gfp, char *text, size_t size);
/* "dd (pid 7) asked for 4 KiB (order 0, GFP_KERNEL)" */
void pb_rule_who(const struct pb_rule_told *told, char *text, size_t size);
/* Appends to the others; more than PB_RULE_OTHERS are counted only. */
void pb_rule_add_other(struct pb_rule_told *told, int node, const char *zone,
		       enum pb_verdict_word word);
/*
 * The whole answer but for its full stop: "dd (pid 7) asked for 4 KiB (order 0,
 * GFP_KERNEL) and was refused by the min watermark in Node 0, zone Normal: 504
 * usable pages, and it takes more than 673; Node 0 DMA, DMA32: lowmem_reserve".
 */
void pb_rule_sentence(const struct pb_rule_told *told, char *text, size_t size);

#endif
