/* SPDX-License-Identifier: MIT */
/*
 * Processes that make every kind of call in one pool, keep account of what they have,
 * and die.
 *
 *	holder[pfn]   tag of the process that has the frame, by its own account:
 *	              set behind each allocation, where it must have been 0, cleared
 *	              before each free. What a dead one had may be had again only
 *	              after it was given back
 *	slot[tag][]   the blocks a process keeps; so that the migrate hook, in whatever
 *	              process, finds and locks them
 */
#ifndef PB_TESTS_CRASH_MIX_H
#define PB_TESTS_CRASH_MIX_H

#include <stdatomic.h>
#include <sys/types.h>
#include <unistd.h>

#include "support/cmocka.h"

#define FRAMES 4096u
#define PAGEBLOCK_ORDER 4u
#define PAGEBLOCK (1u << PAGEBLOCK_ORDER)
#define RELAYED 16u /* pageblocks at once */
#define TAGS 1024u
#define SLOTS 64u
#define CPUS 3u

enum { LIVE, DEAD, GIVEN_BACK };

struct process {
	atomic_ulong calls;
	atomic_uint resting;     /* between two calls, until told to go on */
	atomic_uint die_after;   /* steps; 0: live on */
	atomic_uint handed_over; /* batches that it saw come into the depot */
	_Atomic uint64_t slot[SLOTS];
};

struct stage {
	atomic_uint state[TAGS]; /* of the process with that tag */
	struct process process[TAGS];
	_Atomic uint32_t holder[FRAMES];
	_Atomic uint32_t slot_of[FRAMES]; /* of the block that begins here: tag * SLOTS + slot */
	atomic_uint rest, stop, failed;
	atomic_uint orphan; /* a dead one's tag: whoever finds it gives back what it had */
};

extern struct stage *stage; /* all processes' */
extern struct pb_pool pool; /* this process's handle */
extern struct tp_rng rng;
extern unsigned long kills;

/* A pool of two zones in shared memory, and a handle with tag 0 on it. */
void mix_make(uint8_t profile, uint32_t flags);
/* Another handle on it. */
void mix_attach(uint32_t tag, bool recover);
void mix_drop(void);

/* A new process, which makes calls until it is told to stop, or killed. */
pid_t mix_start(uint32_t tag);
/* Kill it: in a call, after a number of steps that may be one, or thousands; or, where
   there are no single steps, or `anytime`, whenever. */
void mix_kill(pid_t pid, uint32_t tag, bool anytime);
/* Wait for that. */
void mix_reap(pid_t pid, uint32_t tag);

/* Do relays in such a pool go by the depot? Processes have to say which CPU they are on, and what
   leaves a quarantine goes to the zone. */
bool mix_relays(uint8_t profile, uint32_t flags);
unsigned long mix_in_depot(void); /* pages that lie there */

/* With nobody in it: every page can be had, down to the last one, but for those that
   have an owner. Returns how many do. */
unsigned long mix_check_free(void);

/* Wait for something that survivors do, a thousand times as long as it takes. */
#define PATIENCE 120000

#define wait_until(what, condition)                                         \
	do {                                                                \
		long rounds = 0;                                            \
		while (!(condition)) {                                      \
			tp_require(!stage->failed, "see above");            \
			tp_require(rounds++ < PATIENCE, "stuck: %s", what); \
			usleep(rounds < 20 ? 100 : 1000);                   \
		}                                                           \
	} while (0)

#endif
