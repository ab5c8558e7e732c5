/* SPDX-License-Identifier: MIT */
/*
 * The test port: its scheduler decides every interleaving. The threads of a
 * scenario are coroutines, and each entry of pagebuddy/platform.h is a place
 * where the scheduler may let another one go on.
 *
 *	pb_test_explore(&scenario, bound, limit, &result)
 *
 * runs a scenario under every schedule with at most `bound` preemptions
 * (switches away from a thread that could have gone on), depth first:
 *
 *	run 1:  A A A A B B B			the default: never preempt
 *	run 2:  A A A B A ...			the last choice taken otherwise
 *	run 3:  A A B ...
 *
 * Outside a scenario there is one thread, on the CPU of pb_test_set_cpu(), and
 * all entries do the obvious thing, so any other test can use this port too.
 */
#ifndef PB_PLATFORM_TEST_PORT_H
#define PB_PLATFORM_TEST_PORT_H

#include <pagebuddy/platform.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_TEST_THREADS 4
#define PB_TEST_CHOICES 65536 /* scheduling points of one run */

/* The CPU that pb_platform_cpu() tells from now on (outside a scenario). */
void pb_test_set_cpu(uint32_t cpu);

/*
 * What runs from now on is not inside what has run so far: a test's signal handler
 * that plays the survivor of the call it interrupted. `before` keeps what was, for
 * pb_test_come_back().
 */
struct pb_test_context {
	unsigned int depth;
	bool critical;
};
void pb_test_step_aside(struct pb_test_context *before);
void pb_test_come_back(const struct pb_test_context *before);

/* Counts since the last pb_test_reset_counts(). */
struct pb_test_counts {
	unsigned long locks, unlocks, criticals, relaxes, fences, misuses, logs;
};
extern struct pb_test_counts pb_test_counts;
void pb_test_reset_counts(void);

struct pb_test_scenario {
	unsigned int nr_threads; /* at most PB_TEST_THREADS */
	const uint32_t *cpu;     /* [nr_threads] where each runs; NULL: thread i on CPU i */
	void (*setup)(void *ctx);
	void (*thread)(void *ctx, unsigned int number);
	/* After all have ended; false: the outcome is wrong, and the schedule is kept. */
	bool (*check)(void *ctx);
	void (*teardown)(void *ctx);
	void *ctx;
};

enum pb_test_verdict {
	PB_TEST_OK,
	PB_TEST_CHECK,    /* check() said no */
	PB_TEST_DEADLOCK, /* nobody could go on */
	PB_TEST_LIVELOCK, /* more than PB_TEST_CHOICES scheduling points */
	PB_TEST_LOCKING,  /* a lock taken twice or given back by another */
};

struct pb_test_result {
	enum pb_test_verdict verdict;
	unsigned long runs;
	unsigned long longest;   /* scheduling points of the longest run */
	unsigned long contended; /* times a thread had to wait for a lock */
	bool complete;           /* every schedule within the bound was run */
	char schedule[512];      /* of the failing run: a letter per step */
};

void pb_test_explore(const struct pb_test_scenario *scenario, unsigned int bound,
		     unsigned long limit, struct pb_test_result *result);

/* One run under a schedule as printed by a failing exploration. */
void pb_test_replay(const struct pb_test_scenario *scenario, const char *schedule,
		    struct pb_test_result *result);

/*
 * Interrupts, outside a scenario. They are masked while a lock is held and in critical
 * sections. Everywhere else the port could deliver one: before and after each of these.
 * The handler runs at the `at`-th of such places, once, on the same CPU, and interrupts
 * are masked in it; it must not wait for what it interrupted, which ends the program.
 */
struct pb_test_interrupt {
	void (*handler)(void *ctx);
	void *ctx;
	unsigned long at; /* counted from 0 */
	bool done;        /* it has been delivered */
};

/* From now on; NULL: no more. */
void pb_test_interrupt(struct pb_test_interrupt *interrupt);

/* Called when interrupts are masked, and when they no longer are. */
extern void (*pb_test_masked)(bool masked);

/* A scheduling point of the scenario's own. */
void pb_test_yield(void);

/*
 * Where the core is compiled so (tests/sched/accesses.c), each of its loads and stores
 * in this memory is a scheduling point, and is counted.
 */
void pb_test_share(const void *start, size_t bytes);
extern unsigned long pb_test_accesses;

/* Outside a scenario: who runs from now on (0 at first), and who has ended, of those that
   may still own a lock of a shared pool. */
void pb_test_set_self(uint32_t self);
void pb_test_end(uint32_t self);

#endif
