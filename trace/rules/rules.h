/* SPDX-License-Identifier: MIT */
/*
 * The rules by which Linux grants or refuses a request, as pure functions:
 * numbers in, verdict out. Whatever is asked about a zone - by a kernel's log, a
 * trace, /proc - is asked here, so that it gets the same answer in the same words.
 *
 *	F       free pages of the zone
 *	- K     2^order - 1: what the request takes beyond one page
 *	- C     free CMA pages, unless it is movable
 *	- H     highatomic pages it may not count on
 *	= A     must be above  mark + L: its share of min, and lowmem_reserve
 *
 * and then a block of the order or above must be free, of a type that it may use.
 * Which share, which H and which types depend on the kernel's release.
 */
#ifndef PB_TRACE_RULES_H
#define PB_TRACE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_RULE_ORDERS 20 /* block sizes in a list; 17 have been seen */

/* A release as a number that can be compared: PB_RELEASE(6, 1, 0). */
#define PB_RELEASE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))
/* "6.1.27-2-lab" -> PB_RELEASE(6, 1, 27); 0: not a release. */
uint32_t pb_release_parse(const char *text);

enum pb_verdict_word {
	PB_SAYS_WOULD_SUCCEED,
	PB_SAYS_WATERMARK,          /* free memory is at or below the mark */
	PB_SAYS_LOWMEM_RESERVE,     /* kept for requests that can't use a higher zone */
	PB_SAYS_CMA,                /* what is free is CMA's */
	PB_SAYS_HIGHATOMIC,         /* what is free is the highatomic reserve's */
	PB_SAYS_FRAGMENTED,         /* enough pages in too small pieces */
	PB_SAYS_UNKNOWN,            /* enough pages; what decides is not in the text */
	PB_SAYS_NO_ZONE,            /* the request may not use the zone, or it is empty */
	PB_SAYS_NOT_PAGE_ALLOCATOR, /* of a report: pages were not the problem */
	PB_SAYS_MEMCG,              /* of a report: a memory cgroup's limit */
	PB_SAYS_NO_DUMP,            /* of a report: no zone lines */
	PB_SAYS_NONE,               /* of a report: nothing failed */
	PB_NR_VERDICT_WORDS
};

const char *pb_verdict_word(enum pb_verdict_word word); /* "lowmem_reserve" */

/* Free blocks of which types a list holds; a list without letters has all. */
#define PB_LETTER_U 0x01u
#define PB_LETTER_M 0x02u
#define PB_LETTER_E 0x04u
#define PB_LETTER_R 0x08u /* reserve, up to 4.3 */
#define PB_LETTER_C 0x10u
#define PB_LETTER_H 0x20u
#define PB_LETTER_I 0x40u

/* What asks. The bits are 6.1's gfp bits, whatever the kernel's own numbers are. */
struct pb_rule_request {
	unsigned int order;
	uint32_t gfp;
	uint32_t release;
};

/* A zone as printed, in pages. */
struct pb_rule_zone {
	int64_t free, min, boost, reserve; /* min includes boost; reserve: of its class */
	int64_t free_cma, reserved_highatomic, free_highatomic, managed;
	bool boost_at_least; /* boost is not printed: so much of it the other marks show */
	bool no_marks; /* min and reserve are not known: blocks are all there is to judge by */
	bool has_lists, has_letters;
	uint64_t blocks[PB_RULE_ORDERS];
	uint8_t letters[PB_RULE_ORDERS]; /* PB_LETTER_*, if has_letters */
	unsigned int nr_orders;
};

struct pb_rule_result {
	enum pb_verdict_word word;
	int64_t above_order; /* K, pages */
	int64_t cma, highatomic;
	int64_t usable, mark, reserve;                 /* passes if usable > mark + reserve */
	int usable_order, cma_order, highatomic_order; /* largest free block; -1: none */
	bool by_list;               /* CMA, HIGHATOMIC: the blocks decided, not the pages */
	bool boost_decides;         /* WATERMARK: without the boost it would have passed */
	int old_order;              /* up to 4.3, the order-by-order part that failed; -1: none */
	int64_t old_free, old_mark; /* pages left above it, and what they had to exceed */
};

/* Who may dip how deep (the table of "high" and "harder"). */
bool pb_rule_may_sleep(const struct pb_rule_request *request);
/* May it have what is reserved for atomic requests of high order? */
bool pb_rule_may_use_reserve(const struct pb_rule_request *request);
/* An atomic request is bound by no cpuset. */
bool pb_rule_atomic(const struct pb_rule_request *request);
/* What of min the request has to leave, before lowmem_reserve. */
int64_t pb_rule_mark(const struct pb_rule_request *request, int64_t min, int64_t boost);
/* Would a block of exactly this letter serve it? */
bool pb_rule_type_usable(const struct pb_rule_request *request, uint8_t letter);

void pb_rule_judge(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		   struct pb_rule_result *result);

#endif
