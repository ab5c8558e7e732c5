/* SPDX-License-Identifier: MIT */
/*
 * The language of `case --do` (docs/learn/do-language.md): read it, perform it.
 *
 *	text --do_parse--> actions --do_perform, one after the other--> blocks
 *
 * Freestanding, over the library alone: the lesson's page is built from the
 * same two files.
 */
#ifndef PB_CMD_DO_H
#define PB_CMD_DO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagebuddy/pagebuddy.h>

#define DO_NAME 24            /* bytes of a name, with the NUL */
#define DO_MAX_ORDER 28       /* that can be asked for; the machine's largest is 10 */
#define DO_MAX_COUNT 4194304u /* of `x N`: as many blocks as a machine may have */
#define DO_NOBODY UINT32_MAX  /* a block of the starting state, `others` */

enum do_kind { DO_ALLOC, DO_FREE, DO_FILL, DO_CPU, DO_DRAIN, DO_COMPACT, DO_SET };

/* Which blocks `free` means. */
enum do_which { DO_NAMED, DO_RANGE, DO_EVERY, DO_PFN, DO_ALL };

enum do_setting { DO_MIN_FREE_KBYTES, DO_BOOST_FACTOR, DO_SCALE_FACTOR };

struct do_action {
	enum do_kind kind;
	uint32_t number;     /* from 1; 0: the action of an option such as --fill */
	uint32_t at, length; /* its text */
	char name[DO_NAME];  /* alloc, fill: `as NAME`; free: as it was named; may be "" */
	/* alloc */
	uint64_t bytes; /* 0: the order was given */
	unsigned int order;
	enum pb_migratetype type;
	int zone; /* enum pb_zone_type, or -1: any */
	bool atomic, nowait;
	/* alloc: times; cpu: its number; compact: the order; set: the value */
	uint64_t count;
	/* free */
	enum do_which which;
	uint32_t target;      /* index of the action that made the blocks, or DO_NOBODY */
	uint64_t first, last; /* RANGE; first of EVERY: the step, of PFN: the frame */
	/* fill */
	unsigned int percent, low, high;  /* orders low to high */
	uint8_t mix[PB_MIGRATE_PCPTYPES]; /* eighths of the requests, by migratetype */
	uint32_t seed;
	enum do_setting setting;
};

enum do_problem {
	DO_OK,
	DO_BAD_ACTION,   /* no such action */
	DO_BAD_SIZE,     /* alloc: expected a size or `order N` */
	DO_BAD_ORDER,    /* expected 0 to DO_MAX_ORDER */
	DO_BAD_WORD,     /* alloc, fill ...: a word that means nothing here */
	DO_BAD_NAME,     /* as NAME: expected a letter, then letters, digits, _ */
	DO_BAD_COUNT,    /* x N, every N, cpu N ...: expected a number in range */
	DO_UNKNOWN_NAME, /* free: no action before has this name or number */
	DO_BAD_PERCENT,  /* fill: expected 0% to 100% */
	DO_BAD_ORDERS,   /* fill orders A-B */
	DO_BAD_MIX,      /* fill mix U:M:R: eighths */
	DO_BAD_SETTING,  /* set: no such setting */
	DO_MISSING,      /* the action ends where a word was expected */
	DO_TOO_MANY,     /* more actions than there is room for */
	DO_NOTHING,      /* no action at all */
	DO_NR_PROBLEMS
};

struct do_error {
	enum do_problem problem;
	uint32_t action;     /* number, from 1 */
	uint32_t at, length; /* of the word in the text; length 0: at the action's end */
};

/*
 * Reads all of `text` into actions[0..room). The first `given` of them are
 * there already: of options, with number 0. `others`: the name is known.
 * Returns how many there are then, or -1 with *error.
 */
int do_parse(const char *text, struct do_action *actions, size_t given, size_t room, bool others,
	     struct do_error *error);
/* `fill` as an option: P% and the defaults. DO_OK or DO_BAD_PERCENT. */
enum do_problem do_parse_fill(const char *text, struct do_action *action);

struct do_block {
	struct pb_page *page;
	uint64_t pfn;
	uint32_t action; /* index of the action that made it, or DO_NOBODY */
	uint32_t number; /* K of NAME.K, from 1 */
	uint8_t order;
	bool held; /* it has not been freed */
};

struct do_machine {
	struct pb_pool *pool;
	const struct do_action *actions;
	struct do_block *block; /* [room]: in the order they were handed out */
	size_t nr, room;
	int (*set_cpu)(void *ctx, unsigned int cpu); /* 0, or -1: there is no such CPU */
	/* pb_compact() by a handle that has the migrate hook; the hook calls do_moved() */
	int (*compact)(void *ctx, unsigned int order);
	/* Between the calls of one action: the pool is about to free block[i]. May be NULL. */
	void (*freeing)(void *ctx, size_t i);
	void *ctx;
};

enum do_outcome {
	DO_DONE,
	DO_FAILED,       /* alloc: see why; compact: no block came free */
	DO_NO_ROOM,      /* more blocks than the machine has room for */
	DO_NOTHING_LEFT, /* free: nothing of it is there any more */
	DO_REFUSED,      /* free: the library called it misuse */
	DO_REUSED,       /* free: freed before, and its frames have another owner now */
	DO_NO_FRAME,     /* free pfn: the machine has none of this number */
	DO_NO_CPU,
	DO_REFUSED_SETTING,
};

struct do_result {
	enum do_outcome outcome;
	enum pb_reason why; /* alloc */
	pb_gfp_t gfp;       /* alloc */
	size_t first, nr;   /* alloc, fill: blocks made; free: nr freed, first: one of them */
	uint64_t pages;     /* of these */
	int code;           /* compact, set: of the library */
};

/* Flags of an alloc action. */
pb_gfp_t do_gfp(const struct do_action *action);
/* Perform actions[i]. Cost: the calls it makes; free: and one look at every block. */
struct do_result do_perform(struct do_machine *machine, size_t i);
/* Frames that a zone needs so that its free blocks, nr_free[orders], can lie without two
   being buddies. */
uint64_t do_place_room(const uint64_t *nr_free);

enum do_placed { DO_PLACED, DO_PLACE_NO_ROOM, DO_PLACE_REFUSED };

/* Gives owners to all of an empty zone [start, end) but such free blocks; do_place.c. */
enum do_placed do_place(struct do_machine *machine, uint64_t start, uint64_t end,
			const uint64_t *nr_free);
/* Compaction moved a block: its owner is told. O(blocks) */
void do_moved(struct do_machine *machine, const struct pb_page *from, struct pb_page *to);

#endif
