/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * pbdiff - record what the kernel's page allocator does on one quiet node.
 *
 *	main.c		debugfs files, one phase = state, operations, state
 *	state.c		copies of the allocator's state, taken under its locks
 *	ops.c		which operations a phase performs
 *	turns.c		several CPUs that perform them in turn
 *	lots.c		where page_alloc.shuffle=1 put a block
 *	reclaim.c	direct reclaim that frees what the module holds
 *	managed.c	a zone of exactly so many pages
 *	compat.h	where each kernel keeps these things
 *
 * The text that comes out is described in FORMAT.md.
 */
#ifndef PBDIFF_H
#define PBDIFF_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#define PBDIFF_FORMAT 2
#define PBDIFF_NO_PFN U32_MAX /* the allocation failed */

/* One call and its outcome. */
struct pbdiff_op {
	u32 pfn; /* first frame, or PBDIFF_NO_PFN */
	u32 gfp; /* allocations only, without __GFP_THISNODE | __GFP_NOWARN */
	u8 order;
	u8 is_free;
	u8 cpu;       /* of those that take turns */
	u8 reclaimed; /* a free by the allocation that follows */
};

/* A block that the module holds. */
struct pbdiff_held {
	u32 pfn;
	u8 order;
};

/* What a phase was asked to do. */
struct pbdiff_request {
	char kind[16];
	u64 seed;
	u32 max_ops;
	int node;
	int cpu;   /* -1: whichever the phase happens on */
	u32 turns; /* CPUs 0 to turns - 1 do the operations; 0: cpu does them all */
};

struct pbdiff_script_step {
	char what; /* 'a'lloc, 'f'ree oldest first, 'r'everse free, free at rando'm' */
	u32 gfp;
	u32 order;
	u32 count;
};

#define PBDIFF_MAX_STEPS 64

struct pbdiff_state;

struct pbdiff_ops {
	struct pbdiff_request req;
	struct pbdiff_state *lots; /* NULL: the kernel draws none */
	struct pbdiff_op *op;      /* [max_ops] */
	u32 nr_ops;
	struct pbdiff_held *held; /* [max_held], in no order once one was freed */
	u32 nr_held;
	u32 max_held;
	u64 held_pages;
	u64 prng;
	u32 reclaim_left; /* blocks that the next reclaim is to free */
	bool reclaiming;
	int turn;      /* whose it is */
	u32 turn_left; /* operations until the next one's */
	u64 turn_prng;
	struct pbdiff_script_step step[PBDIFF_MAX_STEPS];
	u32 nr_steps;
};

#define PBDIFF_MAX_TURNS 8

/* Others wait on their CPUs, and do nothing but these calls, until the end. */
int pbdiff_turns_begin(u32 turns, int cpu);
void pbdiff_turns_end(void);
struct page *pbdiff_alloc_on(int cpu, int node, gfp_t gfp, u32 order);
void pbdiff_free_on(int cpu, struct page *page, u32 order);

/* Pages that the node's highest zone is to have; those too many stay out until rmmod. */
int pbdiff_set_managed(int node, unsigned long pages);
void pbdiff_restore_managed(void);

bool pbdiff_kind_known(const char *kind);
void pbdiff_perform(struct pbdiff_ops *ops);

/* A copy of one node's allocator state: a stream of 32-bit words. */
struct pbdiff_state {
	u32 *word;
	u32 nr_words;
	u32 max_words;
	bool overflow;
};

void pbdiff_capture(struct pbdiff_state *state, int node, int cpu);
/* Between these an allocation may reclaim: it frees ops->reclaim_left blocks. */
void pbdiff_reclaim_begin(struct pbdiff_ops *ops);
void pbdiff_reclaim_end(void);
u32 pbdiff_reclaim(struct pbdiff_ops *ops); /* pages freed */
int pbdiff_reclaim_init(void);
void pbdiff_reclaim_exit(void);

void pbdiff_lots_begin(struct pbdiff_state *lots, int node);
void pbdiff_lots_note(struct pbdiff_state *lots, int node, u32 op);
void pbdiff_print_lots(struct seq_file *m, const struct pbdiff_state *lots, u32 op, u32 *at);
void pbdiff_print_state(struct seq_file *m, const struct pbdiff_state *state);

#endif
