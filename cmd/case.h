/* SPDX-License-Identifier: MIT */
/* pagebuddy case: what was asked, and every step the allocator took. */
#ifndef PB_CMD_CASE_H
#define PB_CMD_CASE_H

#include "cmd.h"

#define CASE_MAX_REQUESTS 64
#define CASE_MAX_ZONES 8

/* One request, as given by the options. */
struct case_request {
	uint64_t bytes; /* of --size; 0: --order was given */
	unsigned int order;
	enum pb_migratetype type;
	int zone; /* enum pb_zone_type, or -1: any */
};

/* The steps of one call into the library. */
struct case_steps {
	struct pb_trace_event *event;
	size_t nr, room;
};

struct case_zones {
	struct pb_zone_stat zone[CASE_MAX_ZONES];
	unsigned int nr;
};

/* A request and what became of it. */
struct case_result {
	struct case_request request;
	pb_gfp_t gfp;
	struct pb_page *page; /* NULL: it failed */
	uint64_t pfn;
	enum pb_reason why;
	struct case_zones before, after, freed;
	struct case_steps alloc, free;
};

struct case_study {
	enum pb_profile profile;
	enum cmd_format format;
	uint64_t memory; /* bytes */
	bool quiet, pcp;
	struct case_result results[CASE_MAX_REQUESTS];
	unsigned int nr_results;
	char *start_text, *alloc_text, *free_text; /* buddyinfo, as in /proc */

	struct pb_pool pool;
	void *metadata;
	size_t metadata_bytes;
	struct case_steps *recording; /* where the trace hook puts steps; NULL: nowhere */
	bool out_of_memory;           /* the trace hook could not record a step */
};

void case_print_text(const struct case_study *study);
json_t *case_json(const struct case_study *study);

#endif
