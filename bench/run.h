/* SPDX-License-Identifier: MIT */
/* A run of a workload by all threads: between the backends, which call it, and worker.c. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <pthread.h>

#include "backend.h"
#define W_TYPES_ONLY
#include "workloads.h"

/* What the threads of a run share. */
struct run {
	const struct bench_ops *ops;
	void (*work)(struct w_thread *t);
	unsigned int threads;
	u32 arrived __attribute__((aligned(64))); /* at the barrier; atomic */
	u32 phase;                                /* barriers passed; atomic */
	u64 ns[W_PHASES];                         /* thread 0 writes */
	u64 preempted; /* how often somebody else ran instead; thread 0 writes */
	struct w_thread *thread;
	struct env *env;
};

struct env {
	struct run *run;
	pthread_t id;
	int cpu;
	u64 begin, end;
	u64 switches, preempted;
} __attribute__((aligned(64)));

/* The CPUs this process may use; threads go to them in turn. */
void run_find_cpus(void);
int run_cpu(unsigned int thread);
/* All threads do the workload once. */
void run_once(struct run *run);
/* Frees that the allocator refused, in all runs. */
u64 run_free_failures(void);
void run_die(const char *what) __attribute__((noreturn));

#endif
