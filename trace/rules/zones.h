/* SPDX-License-Identifier: MIT */
/*
 * Which zones a request may use, and which entry of lowmem_reserve[] is against it.
 * The list has an entry for each zone type that the kernel was built with, in the
 * order of enum pb_zone_type; types without pages are often not printed:
 *
 *	lowmem_reserve[]: 0 2816 7757 7757      four entries
 *	                  DMA DMA32 Normal Movable
 */
#ifndef PB_TRACE_RULES_ZONES_H
#define PB_TRACE_RULES_ZONES_H

#include "rules.h"

/* A zone as far as it was printed. type: enum pb_zone_type. */
struct pb_rule_printed {
	int node, type;
	unsigned int nr_reserve;
	const int64_t *reserve; /* pages */
	bool empty;             /* it says itself that it has no managed pages */
};

struct pb_rule_dump {
	const struct pb_rule_printed *zones;
	unsigned int nr_zones;
	uint32_t release;
	uint32_t gfp;   /* of the request; matters where not all zones are shown */
	bool all_zones; /* those above the request's highest are shown too */
	bool cut;       /* the text may end before the last zones */
};

/* The types that the kernel was built with, a bit each. */
unsigned int pb_rule_configured(const struct pb_rule_dump *dump);
/* The highest type that such a request may use. */
int pb_rule_highest_type(uint32_t gfp, unsigned int configured);
/* Where a type's entry is. */
int pb_rule_type_index(unsigned int configured, int type);
/* Whose entry is against a request up to `highest`; populated: types with pages that it may use. */
int pb_rule_class(uint32_t release, int highest, unsigned int populated);

#endif
