/* SPDX-License-Identifier: MIT */
/*
 * A run: threads, one to a CPU, that do a workload together, and what the workload calls
 * while they do (w_begin() and its like, of backend.h). The allocator and the workload come
 * in by pointers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "worker.h"

/* Before the CPU is offered to others; and where each thread has a CPU of its own. */
#define SPINS 1024
#define SPINS_ALONE 65536

static u64 free_failures; /* atomic */
static int cpu_ids[BENCH_MAX_THREADS];
static unsigned int nr_cpu_ids;

u64 bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void bench_free_failed(void)
{
	__atomic_fetch_add(&free_failures, 1, __ATOMIC_RELAXED);
}

u64 run_free_failures(void)
{
	return __atomic_load_n(&free_failures, __ATOMIC_RELAXED);
}

void verify_failed(const char *what, u64 frame, unsigned int order)
{
	fprintf(stderr, "ownership: frame %#llx, in a block of order %u, %s\n",
		(unsigned long long)frame, order, what);
	_exit(3);
}

void run_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void wait_a_little(unsigned int spins, unsigned int patience)
{
	if (spins % patience == 0)
		sched_yield();
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

/* Waiting for the other side: it may have been preempted, or share this CPU. */
void w_pause(void)
{
	static __thread unsigned int spins;

	wait_a_little(++spins, SPINS);
}

static void barrier(struct run *run)
{
	u32 phase = __atomic_load_n(&run->phase, __ATOMIC_RELAXED);
	/* Who yields early is in the kernel, and late, when a phase of microseconds begins. */
	unsigned int patience = run->threads <= nr_cpu_ids ? SPINS_ALONE : SPINS, spins = 0;

	/* AcqRel: what each thread did before is seen by all after. */
	if (__atomic_add_fetch(&run->arrived, 1, __ATOMIC_ACQ_REL) == run->threads) {
		__atomic_store_n(&run->arrived, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&run->phase, phase + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&run->phase, __ATOMIC_ACQUIRE) == phase)
		wait_a_little(++spins, patience);
}

/* How often the kernel took the CPU from this thread. */
static u64 involuntary_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

void w_begin(struct w_thread *t)
{
	struct env *env = t->env;

	env->switches = involuntary_switches();
	barrier(env->run);
	env->begin = bench_now_ns();
}

/* The phase took from the first thread's start to the last one's end. */
void w_end(struct w_thread *t, int phase)
{
	struct env *env = t->env;
	struct run *run = env->run;
	u64 begin = UINT64_MAX, end = 0;
	unsigned int i;

	env->end = bench_now_ns();
	env->preempted = involuntary_switches() - env->switches;
	barrier(run);
	if (t->index)
		return;
	for (i = 0; i < run->threads; i++) {
		begin = run->env[i].begin < begin ? run->env[i].begin : begin;
		end = run->env[i].end > end ? run->env[i].end : end;
		run->preempted += run->env[i].preempted;
	}
	run->ns[phase] += end - begin;
}

void run_find_cpus(void)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set))
		run_die("sched_getaffinity");
	for (cpu = 0; cpu < CPU_SETSIZE && nr_cpu_ids < BENCH_MAX_THREADS; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpu_ids[nr_cpu_ids++] = cpu;
}

int run_cpu(unsigned int thread)
{
	return cpu_ids[thread % nr_cpu_ids];
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		run_die("sched_setaffinity");
}

static void *thread_main(void *arg)
{
	struct w_thread *t = arg;
	struct env *env = t->env;

	pin(env->cpu);
	env->run->work(t);
	return NULL;
}

void run_once(struct run *run)
{
	unsigned int i;

	memset(run->ns, 0, sizeof(run->ns));
	run->preempted = 0;
	for (i = 0; i < run->threads; i++)
		memset(run->thread[i].ops, 0, sizeof(run->thread[i].ops));
	for (i = 1; i < run->threads; i++)
		if (pthread_create(&run->env[i].id, NULL, thread_main, &run->thread[i]))
			run_die("pthread_create");
	thread_main(&run->thread[0]);
	for (i = 1; i < run->threads; i++)
		pthread_join(run->env[i].id, NULL);
}
