/* SPDX-License-Identifier: MIT */
/*
 * What a worker process is told and what it answers.
 *
 * Answers are lines of tab-separated fields on standard output; times are whole
 * picoseconds, -1 where a workload has no such figure. linux/pb_um_bench.c
 * writes the same lines.
 *	row	workload order threads allocator  alloc{median,min,max}
 *		free{...} pair{...} failures
 *	frag	workload allocator blocks possible failures
 *	mem	workload order threads allocator KiB	peak resident, harness excluded
 *	meta	allocator pages bytes init_ps{median,min,max}
 *	longest	allocator operations alloc|free p50 p99 p99.9 p99.99 p99.999 max
 *	hold	allocator threads acquisitions p50 p99 p99.9 p99.99 p99.999 max
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_MAX_RUNS 101
#define BENCH_MAX_THREADS 256

struct worker_options {
	const char *workload;
	const char *variant;
	const char *plug; /* shared library, for worker-plug */
	unsigned int order;
	unsigned int threads;
	unsigned int runs;
	unsigned int target_ms; /* length of one run */
	unsigned int enough_ms; /* no further runs after so much; 0: all */
	uint64_t pages;
	uint64_t iterations; /* 0: as many as take target_ms */
	uint64_t seed;
	bool verify;
};

#endif
