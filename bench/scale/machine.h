/* SPDX-License-Identifier: MIT */
/*
 * A machine of up to 64 simulated CPUs, to see how locks and cache lines scale on
 * more CPUs than there are. Each CPU is a coroutine with a clock of its own; the
 * compiler puts a call in front of every load and store of the core (memory.c), and
 * that call says what the access costs:
 *
 *	a line that this CPU has			access
 *	a line that another CPU wrote, or is to be	access + transfer, one CPU after the other
	written and is elsewhere, too
	a line that others only read			access + transfer
 *	a read-modify-write				+ atomic
 *	one turn of a loop that waits			pause
 *
 *	line	CPU 0 reads: 0 has it	CPU 1 reads: 0 and 1	CPU 1 writes: 1 alone
 *
 * Whoever needs a line waits until no CPU's clock is behind, then until the transfers
 * before are over. On lines that it has a CPU may run ahead by `ahead`, which makes the
 * simulation fast. So the order of transfers is the clocks' order but for
 * `ahead`, and the same run comes out the same each time.
 *
 * The model leaves out: the caches' size (a line stays until another CPU wants to write it), several
 * transfers of one CPU at a time (prefetch, out-of-order loads), different distances
 * between CPUs, and the instructions between accesses but for their mean.
 */
#ifndef BENCH_SCALE_MACHINE_H
#define BENCH_SCALE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_CPUS 64

/* Picoseconds. */
struct sim_cost {
	uint64_t access;   /* of memory that may be shared; the instructions around it included */
	uint64_t atomic;   /* what a read-modify-write takes longer */
	uint64_t transfer; /* a line from one CPU's cache to another's */
	uint64_t pause;    /* a turn of a waiting loop */
	uint64_t ahead;    /* no cost: how far a CPU may run ahead on lines that it has */
};

struct sim_counts {
	uint64_t accesses, atomics, transfers, pauses;
	uint64_t waited; /* ps that CPUs stood for a line others were getting */
};

/* Memory whose lines are followed, at most four pieces; zero-initialised by the caller. */
void sim_share(const void *start, size_t bytes);

/* Run body(arg, cpu) on CPUs 0 to n - 1, all starting at 0; returns when all have ended. */
void sim_run(unsigned int n, const struct sim_cost *cost, void (*body)(void *arg, unsigned int cpu),
	     void *arg);

/* From inside. */
unsigned int sim_cpu(void);
uint64_t sim_now(void);             /* ps, of this CPU */
void sim_barrier(void);             /* of all CPUs; their clocks are equal after */
void sim_pause(void);               /* a turn of a loop that waits for another CPU */
bool sim_running(void);             /* false: outside of sim_run() */
struct sim_counts sim_counts(void); /* of all CPUs, since sim_run() began */

/* Stop until another CPU calls sim_wake(), and go on no earlier than it did. */
void sim_block(void);
void sim_wake(unsigned int cpu);

/* An access, before it happens. */
void sim_access(const volatile void *address, bool write, bool atomic);

#endif
