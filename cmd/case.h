/* SPDX-License-Identifier: MIT */
/*
 * pagebuddy case: what was asked, and every step the allocator took.
 *
 *	options, --do -> actions -> make the machine -> perform each, with the
 *	trace hook recording -> print text or JSON
 */
#ifndef PB_CMD_CASE_H
#define PB_CMD_CASE_H

#include "cmd.h"
#include "do.h"

#define CASE_VERB "case"
#define CASE_PAGE_SHIFT 12
#define CASE_MAX_REQUESTS 64 /* -s and -o */
#define CASE_MAX_ACTIONS 4096
#define CASE_MAX_ZONES 64
#define CASE_MAX_MEMORY (UINT64_C(1) << 40)
#define CASE_MAX_CPUS 64

/* One step inside the library, and how many there were before it. */
struct case_event {
	struct pb_trace_event event;
	uint64_t number; /* from 1, over the whole study */
};

struct case_steps {
	struct case_event *event;
	size_t nr, room;
};

struct case_zones {
	struct pb_zone_stat zone[CASE_MAX_ZONES];
	unsigned int nr;
};

/* What became of actions[i]. */
struct case_act {
	struct do_result result;
	struct case_zones after;
	struct case_steps steps;
	uint64_t *pfn; /* alloc: of the blocks made; free: of those given back */
	size_t nr_pfn;
	char *misuse;       /* the library's message, or NULL */
	unsigned int moved; /* blocks, by compaction */
};

/* What the options ask for. */
struct case_options {
	enum pb_profile profile;
	enum cmd_format format;
	uint64_t memory, cma; /* bytes */
	unsigned int cpus;
	bool quiet, pcp, step;
	bool memory_given;
	const char *text;      /* --do */
	const char *fill;      /* P% */
	const char *buddyinfo; /* a file */
	const char *scenario;  /* a name */
};

struct case_study {
	struct case_options opt;
	bool requests; /* only -s and -o: made in a row, then freed in that order */
	struct do_action request[CASE_MAX_REQUESTS];
	unsigned int nr_requests;
	char *scenario_words; /* that options point into, or NULL */
	char *text;           /* of all --do actions */
	struct do_action *action;
	size_t nr_actions;
	struct case_act *act; /* [nr_actions] */

	struct do_machine machine;
	struct pb_pool pool, mover; /* mover: the same pool, by a handle that can migrate */
	void *metadata;
	size_t metadata_bytes;
	struct case_zones start;
	char *start_text, *alloc_text, *end_text; /* buddyinfo, as in /proc */
	char *placed;         /* a sentence about the blocks of --buddyinfo, or NULL */
	struct case_act *now; /* whose steps are being recorded; NULL: nobody's */
	uint64_t events;      /* so far */
	bool freeing;         /* the action being performed is a free */
	bool out_of_memory;   /* the trace hook could not record a step */
};

/* Each: CMD_OK, or a status with the message said. */
int case_parse(struct case_study *study, int argc, char **argv, bool *done);
int case_make_machine(struct case_study *study);
int case_run(struct case_study *study);
void case_release(struct case_study *study);

/* The options of a scenario as a text of words, to be freed; NULL: no such one. */
char *case_scenario(const char *name);
/* "order4, cma ...": the names there are, to be freed. */
char *case_scenario_names(void);

/* What the library says, in the reader's language; the latter two to be freed. */
const char *case_strerror(int code);
char *case_misuse(const struct pb_misuse_report *report);
char *case_reader_error(const char *error);

/* Text, with a mark where --step waits; see case_page.c. */
void case_print_text(const struct case_study *study, FILE *out, void (*mark)(FILE *out));
int case_page_text(const struct case_study *study);
json_t *case_json(const struct case_study *study);

#endif
