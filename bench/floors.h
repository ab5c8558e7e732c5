/* SPDX-License-Identifier: MIT */
/*
 * What this machine can do at best, measured in the same run as everything else;
 * the tables give each figure as a multiple of lifo_pair.
 */
#ifndef BENCH_FLOORS_H
#define BENCH_FLOORS_H

/* ns each */
struct floors {
	double lifo_pair;    /* push and pop on a thread-local array of 32-bit numbers */
	double call_pair;    /* two calls of exported functions that do nothing */
	double cas;          /* compare-and-swap, uncontended */
	double trylock_pair; /* take and give back a lock that nobody else wants */
	double chase_4mib;   /* one step of a random walk over 4 MiB, a cache line a step */
};

/* Measures each once, for about a millisecond, and adds it to what was measured before. */
void floors_measure(void);

/* Medians of all measurements so far. */
struct floors floors_median(void);

#endif
