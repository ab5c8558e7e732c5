/* SPDX-License-Identifier: MIT */
/*
 * The parts of `pagebuddy show`: zones as /proc tells them (show_zones.c), what
 * could fail in each and why (show_rules.c), and four ways to print it.
 */
#ifndef PB_CMD_SHOW_H
#define PB_CMD_SHOW_H

#include <loose.h>
#include <rules/rules.h>

#include "cmd.h"

#define SHOW_ASSUMED ((uint32_t)6 << 16 | 12u << 8) /* 6.12, where nothing names the kernel */
#define SHOW_MAX_ZONES 64
#define SHOW_ORDERS PB_PROC_ORDERS

struct show_type {
	char name[16];
	uint64_t pageblocks;
	uint64_t nr_free[SHOW_ORDERS]; /* blocks */
};

struct show_zone {
	int node;
	char name[16];
	uint64_t managed, present, free, pcp;  /* pages */
	uint64_t boost, min, low, high, promo; /* pages; the marks include boost */
	uint64_t reserve;                      /* pages kept from requests for the highest zone */
	uint64_t highatomic;                   /* pages kept from ordinary requests */
	uint64_t cma;                          /* free pages that only movable requests may use */
	uint64_t free_2m;                      /* free blocks of pageblock size */
	bool is_highest;                       /* no populated zone of the node above it */
	bool has_blocks, has_types;
	uint64_t nr_free[SHOW_ORDERS]; /* blocks */
	int extfrag[SHOW_ORDERS];      /* thousandths */
	int unusable[SHOW_ORDERS];     /* thousandths */
	struct show_type types[PB_PROC_TYPES];
	unsigned int nr_types;
	/* an ordinary request for this zone, at once: first order that fails, and why */
	unsigned int first_failing; /* nr_orders: none */
	enum pb_verdict_word rule;
	/* the same for requests that come down from the highest zone */
	unsigned int first_failing_above;
	enum pb_verdict_word rule_above;
	char text[1024]; /* the sentence */
};

struct show_machine {
	char kernel[128];
	char where[256];    /* "" live, else the directory */
	int64_t time;       /* s since 1970; 0: unknown */
	uint64_t page_size; /* bytes */
	unsigned int nr_orders;
	unsigned int pageblock_order;
	bool has_marks; /* zoneinfo was there: sizes and watermarks are known */
	bool page_size_assumed;
	struct pb_notes notes; /* what was left out, assumed, or contradicts */
	unsigned int nr_zones;
	struct show_zone zones[SHOW_MAX_ZONES];
};

/* A saved /proc or a part of one, read, collected and judged. 0, or -1 with one line in error. */
int show_read(const char *root, struct show_machine *machine, char *error, size_t size);

/* What would become of a request: show --order, explain on files of /proc. */
struct show_ask {
	const char *root; /* NULL: this machine */
	enum cmd_format format;
	bool has_order; /* else the tables are shown */
	unsigned int order;
	const char *gfp;  /* names or a number; NULL: GFP_KERNEL */
	uint32_t release; /* --kernel; 0: as the files say */
	bool verbose;
};

/* An exit status. */
int show_asked(const struct show_ask *ask);
int show_request(const struct show_ask *ask, const struct pb_snapshot *snapshot,
		 const struct show_machine *machine);

/* From the parsed files. 0, or -1 with one line in error. */
int show_collect(const struct pb_snapshot *snapshot, struct show_machine *machine, char *error,
		 size_t size);
/* Fills in first_failing ... text of each zone. */
void show_judge(struct show_machine *machine);
/* Of a migratetype of pagetypeinfo: PB_LETTER_*. */
uint8_t show_letter(const char *type);
/* Whose rules hold: the machine's kernel's, or SHOW_ASSUMED. */
uint32_t show_release(const struct show_machine *machine);
/* A zone as trace/rules wants it, for a request without lowmem_reserve. */
void show_rule_zone(const struct show_machine *machine, const struct show_zone *from,
		    struct pb_rule_zone *zone);

/* As far as is known. */
static inline bool show_is_served(enum pb_verdict_word word)
{
	return word == PB_SAYS_WOULD_SUCCEED || word == PB_SAYS_UNKNOWN;
}

const char *show_pages(const struct show_machine *machine, uint64_t pages, char *text, size_t size);

/* rows: of the screen that it should fit into, 0: as long as it takes */
void show_text(const struct show_machine *machine, bool colour, bool utf8, unsigned int rows);
int show_json(const struct show_machine *machine);
/* A zone of kind "show"; a new reference. */
json_t *show_zone_json(const struct show_machine *machine, const struct show_zone *zone);
int show_ndjson(const struct show_machine *machine);
int show_metrics(const struct show_machine *machine);
/* What is not about zones, if `where` is or holds such a file: the exit status; -1: not so. */
int show_holders(const char *where, bool json);

#endif
