/* SPDX-License-Identifier: MIT */
/*
 * The checks of pb_validate(), by the invariants of docs/INVARIANTS.md. Each returns PB_OK, or
 * what broken() returns when an invariant does not hold.
 */
#ifndef PB_CORE_VALIDATE_H
#define PB_CORE_VALIDATE_H

#include "pcp/pcp.h"

struct check {
	struct pb_pool *pool;
	struct pb_error *error; /* or NULL */
	/* where the walk of a list is */
	const struct zone *zone;
	u32 cpu;
	unsigned int type;      /* linux: of a per-CPU list its number */
	unsigned int invariant; /* that a list whose links disagree breaks */
	u64 blocks, pages;      /* seen so far */
};

#define CHECK(call)                   \
	do {                          \
		int code_ = (call);   \
		if (code_)            \
			return code_; \
	} while (0)

/* ------------------------------------------------------- validate_report.c */

/* All write the error's text, if there is an error to write to, and return PB_ECORRUPT. */

/* "I8: a bit names no block" */
int broken(struct check *c, unsigned int invariant, const char *what);
/* "I9: not aligned to its order (pfn 0x13, order 2)"; pre: I2 holds. */
int broken_block(struct check *c, unsigned int invariant, const char *what, u32 frame,
		 unsigned int order);
/* "I3: start_pfn or spanned pages (zone 1)" */
int broken_at(struct check *c, unsigned int invariant, const char *what, const char *of,
	      u64 number);
/* Which of several objects an invariant is broken for, and what was found instead of what. */
struct where {
	const char *of;
	u64 number;
};
struct mismatch {
	u64 found, expected;
};
#define AT(of, number) ((struct where){ of, number })
#define FOUND(found, expected) ((struct mismatch){ (u64)(found), (u64)(expected) })

/* "I24: managed pages (zone 1: found 5, expected 4)" */
int broken_number(struct check *c, unsigned int invariant, const char *what, struct where at,
		  struct mismatch numbers);
int broken_zone(struct check *c, unsigned int invariant, const char *what, const struct zone *zone,
		struct mismatch numbers);

/* --------------------------------------------------------- validate_walk.c */

/* One free block: a bit of a tree, or of a list. Start with node 0 of the first span. */
struct free_block {
	u32 span, node;
	u32 frame;
	unsigned int order;
};

/* First node of a tree that may be set: those before it are of blocks of at least a pageblock,
   which the modern profile keeps in lists alone. */
u32 first_in_tree(const struct pb_pool *pool);
/* On how many lists of its order is a block of at least a pageblock? */
u32 lists_with(const struct pb_pool *pool, u32 frame, unsigned int order);
bool node_is_free(const struct pb_pool *pool, u32 span, u32 node);
/* Go to the next free block before end_span; false: there is none. Bit 0 of a tree is skipped. */
bool next_free(const struct pb_pool *pool, struct free_block *block, u32 end_span);

/* Each free block of a zone: start with first_free(), end with next_in(). */
static inline struct free_block first_free(const struct zone *zone)
{
	return (struct free_block){ .span = zone->first_span };
}

static inline bool next_in(const struct check *c, const struct zone *zone, struct free_block *block)
{
	return next_free(c->pool, block, zone->first_span + zone->nr_spans);
}

typedef int visit_fn(struct check *c, u32 frame, unsigned int order);

/* Visits each block of a linked list; c->invariant is broken when its links disagree. */
int walk_linked(struct check *c, const struct free_list *lists, u32 list, unsigned int order,
		visit_fn *visit);
/* Visits every block of one CPU's lists of one zone: c->cpu, c->zone. pre: I15's rooms. */
int walk_pcp(struct check *c, visit_fn *visit);
/* A visitor that adds up c->blocks and c->pages. */
int count_block(struct check *c, u32 frame, unsigned int order);
int each_zone(struct check *c, int (*work)(struct check *c, const struct zone *zone));
/* Sets c->cpu and c->zone to each CPU with lists, and each of its zones. */
int each_pcp(struct check *c, int (*work)(struct check *c));

/* ---------------------------------------------------------- validate_map.c */

int check_super(struct check *c);                         /* I1 */
int check_segments(struct check *c);                      /* I2 */
int check_zones(struct check *c);                         /* I3 */
int check_runs(struct check *c, const struct zone *zone); /* I42, validate_runs.c */
int check_nodes(struct check *c);                         /* I36 */
int check_marks(struct check *c);                         /* I45, validate_marks.c */
int check_locks(struct check *c);                         /* I29 */

/* ------------------------------------------------------- validate_frames.c */

int check_frames(struct check *c);         /* I4, I44 */
int check_ancestors(struct check *c);      /* I5 */
int check_merged(struct check *c);         /* I6 */
int check_free_usable(struct check *c);    /* I7 */
int check_spare_bits(struct check *c);     /* I8 */
int check_heads(struct check *c);          /* I9 */
int check_tails(struct check *c);          /* I10 */
int check_owned_not_free(struct check *c); /* I11 */
int check_references(struct check *c);     /* I12 */

/* ----------------------------------- validate_pcp.c, _lists.c and _zone.c */

int check_pcp(struct check *c);                              /* I13 to I15 */
int check_linux_sizes(struct check *c);                      /* I41, of one CPU and zone */
int check_lists(struct check *c);                            /* I17 to I22 */
int check_totals(struct check *c);                           /* I23 to I27 */
int check_vm_free(struct check *c, const struct zone *zone); /* I37 */
int check_bounds(struct check *c, const struct zone *zone);  /* I40 */

#endif
