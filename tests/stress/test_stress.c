/* SPDX-License-Identifier: MIT */
/*
 * Many threads on one pool, more than there are CPUs, moved between CPUs and
 * interrupted by signals. Each page handed out is stamped by its new owner with
 * an atomic exchange: a stamp that is there already is a page handed out twice.
 *
 *	PB_STRESS_OPS=n      operations a thread (default: about ten seconds in all)
 *	PB_STRESS_THREADS=n  threads
 *	PB_SEED=n
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/pool.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPS 60000
#else
#define OPS 1500000
#endif
#define FRAMES 4096u
#define MAX_THREADS 64
#define HOLD 512

static struct tp tp;
static _Atomic uint32_t stamp[FRAMES];
static unsigned long ops_per_thread;
static const char *what;

struct worker {
	pthread_t thread;
	unsigned int number;
	struct tp_rng rng;
	unsigned long done, failed;
	struct pb_page *held[HOLD];
	uint8_t order[HOLD];
};

/* A page that another thread may free: the owner changes by exchange. */
static struct pb_page *_Atomic shared[64];

static void take_stamp(const struct worker *w, const struct pb_page *page, unsigned int order)
{
	uint64_t pfn = pb_page_to_pfn(&tp.pool, page);

	tp_require(pfn + (1u << order) <= FRAMES && !(pfn & ((1u << order) - 1)),
		   "%s: thread %u got pfn %lu order %u", what, w->number, (unsigned long)pfn,
		   order);
	for (uint64_t i = pfn; i < pfn + (1u << order); i++) {
		uint32_t was = atomic_exchange(&stamp[i], w->number + 1);

		tp_require(!was, "%s: pfn %lu handed out twice: threads %u and %u", what,
			   (unsigned long)i, was - 1, w->number);
	}
}

static void drop_stamp(const struct worker *w, const struct pb_page *page, unsigned int order)
{
	uint64_t pfn = pb_page_to_pfn(&tp.pool, page);

	for (uint64_t i = pfn; i < pfn + (1u << order); i++)
		tp_require(atomic_exchange(&stamp[i], 0) == w->number + 1,
			   "%s: pfn %lu lost its stamp", what, (unsigned long)i);
}

static void work_alloc(struct worker *w, uint32_t slot)
{
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_MOVABLE,
					PB_GFP_ATOMIC, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	unsigned int order = 0;

	while (order < 9 && tp_below(&w->rng, 3) == 0)
		order++;
	w->held[slot] = pb_alloc_pages(&tp.pool, gfp[tp_below(&w->rng, 4)] | PB_GFP_NOWARN, order);
	w->order[slot] = (uint8_t)order;
	if (w->held[slot])
		take_stamp(w, w->held[slot], order);
	else
		w->failed++;
}

static void work_free(struct worker *w, uint32_t slot)
{
	drop_stamp(w, w->held[slot], w->order[slot]);
	tp_require(pb_free_pages(&tp.pool, w->held[slot], w->order[slot]) == PB_OK, "%s: free",
		   what);
	w->held[slot] = NULL;
}

/* Order-0 pages wander from thread to thread. */
static void work_exchange(struct worker *w)
{
	struct pb_page *mine = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0);
	struct pb_page *theirs = atomic_exchange(&shared[tp_below(&w->rng, 64)], mine);

	if (theirs)
		tp_require(pb_free_pages(&tp.pool, theirs, 0) == PB_OK, "%s: exchange", what);
}

static void work_rarely(struct worker *w)
{
	struct pb_page *run;
	uint64_t pfn;
	cpu_set_t set;

	switch (tp_below(&w->rng, 6)) {
	case 0:
		pb_drain(&tp.pool, -1);
		break;
	case 1:
		pb_pcp_decay(&tp.pool);
		break;
	case 2:
		pfn = tp_below(&w->rng, FRAMES);
		if (pb_alloc_at(&tp.pool, pfn, 0, PB_GFP_KERNEL) == PB_OK)
			pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, pfn), 0);
		break;
	case 3:
		run = pb_alloc_contig(&tp.pool, 5, 1, 0, FRAMES, 0, PB_GFP_KERNEL);
		if (run)
			pb_free_exact(&tp.pool, run, 5);
		break;
	case 4:
		pfn = tp_below(&w->rng, FRAMES) & ~511u;
		if (pb_offline(&tp.pool, pfn, pfn + 512) == PB_OK)
			tp_require(pb_online(&tp.pool, pfn, pfn + 512) == PB_OK, "online");
		break;
	default:
		CPU_ZERO(&set);
		CPU_SET((int)tp_below(&w->rng, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)), &set);
		sched_setaffinity(0, sizeof(set), &set);
		break;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	for (; w->done < ops_per_thread; w->done++) {
		uint32_t slot = tp_below(&w->rng, HOLD);

		if (tp_below(&w->rng, 2048) == 0)
			work_rarely(w);
		else if (tp_below(&w->rng, 8) == 0)
			work_exchange(w);
		else if (w->held[slot])
			work_free(w, slot);
		else
			work_alloc(w, slot);
	}
	for (uint32_t slot = 0; slot < HOLD; slot++)
		if (w->held[slot])
			work_free(w, slot);
	return NULL;
}

static void on_alarm(int signal)
{
	(void)signal; /* interrupting is all it is for */
}

static void signals(bool on)
{
	struct itimerval every = { { 0, on ? 500 : 0 }, { 0, on ? 500 : 0 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

/* Small pageblocks where there are to be several stripes: 64 of them at least for each. */
static void make_pool(enum pb_profile profile, uint32_t flags, uint32_t cpus, uint32_t stripes)
{
	tp_start(&tp);
	tp.config.profile = (uint8_t)profile;
	tp.config.flags |= flags;
	tp.config.nr_cpus = cpus;
	tp.config.nr_stripes = stripes;
	if (stripes > 1)
		tp.config.pageblock_order = stripes > 2 ? 4 : 5;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	tp_require_stripes(&tp.pool, stripes, stripes > 1 ? 128 : 0);
}

/* A pageblock that is reserved for atomic requests stays apart from its buddy. */
static uint64_t whole_pageblocks(void)
{
	uint64_t n = 0;

	for (unsigned int order = tp.config.pageblock_order; order <= tp.config.max_order; order++)
		n += tp_nr_free(&tp, order) << (order - tp.config.pageblock_order);
	return n;
}

static void run(const char *name, enum pb_profile profile, uint32_t flags, uint32_t cpus,
		uint32_t stripes)
{
	static struct worker workers[MAX_THREADS];
	unsigned int threads = (unsigned int)tp_env(
		"PB_STRESS_THREADS", (unsigned long)sysconf(_SC_NPROCESSORS_ONLN) + 2);
	unsigned long failed = 0;

	tp_require(threads > 0 && threads <= MAX_THREADS, "PB_STRESS_THREADS: 1 to %d",
		   MAX_THREADS);
	what = name;
	memset(workers, 0, sizeof(workers));
	memset(stamp, 0, sizeof(stamp));
	make_pool(profile, flags, cpus, stripes);
	signals(true);
	for (unsigned int i = 0; i < threads; i++) {
		workers[i].number = i;
		workers[i].rng.state = tp_seed() + i;
		tp_require(!pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]),
			   "pthread_create");
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		failed += workers[i].failed;
	}
	signals(false);
	for (int i = 0; i < 64; i++) {
		struct pb_page *page = atomic_exchange(&shared[i], NULL);

		if (page)
			pb_free_pages(&tp.pool, page, 0);
	}
	tp_require(tp.misuse_calls == 0, "%s: %s", name, tp.misuse_text);
	tp_check(&tp, name);
	pb_drain(&tp.pool, -1);
	tp_check(&tp, name);
	tp_require(tp_free_pages(&tp) == FRAMES, "%s: %ld of %u pages came back", name,
		   (long)tp_free_pages(&tp), FRAMES);
	tp_require(whole_pageblocks() == FRAMES >> tp.config.pageblock_order,
		   "%s: not merged again", name);
	if (profile == PB_PROFILE_MODERN && stripes == 1 && cpus > 1)
		tp_require(tp_nr_free(&tp, 10) == FRAMES >> 10, "%s: not merged again", name);
	printf("%-34s %u threads, %lu operations each, %lu refused\n", name, threads,
	       ops_per_thread, failed);
	fflush(stdout);
	tp_drop(&tp);
}

int main(void)
{
	ops_per_thread = tp_env("PB_STRESS_OPS", OPS);
	tp_seed();
	run("modern", PB_PROFILE_MODERN, 0, 4, 2);
	run("modern, concurrency ids", PB_PROFILE_MODERN, PB_POOL_CIDS, 4, 2);
	run("modern, more ids than lists", PB_PROFILE_MODERN, PB_POOL_CIDS, 1, 1);
	run("modern, one stripe", PB_PROFILE_MODERN, 0, 4, 1);
	run("modern, try-lock", PB_PROFILE_MODERN, PB_POOL_NO_RSEQ, 4, 2);
	run("modern, more CPUs than the pool has", PB_PROFILE_MODERN, 0, 1, 1);
	run("modern, no pcp, hardened", PB_PROFILE_MODERN, PB_POOL_NO_PCP | PB_POOL_HARDENED, 2, 4);
	run("modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE, 4, 2);
	run("linux", PB_PROFILE_LINUX, 0, 4, 1);
	run("linux, no pcp", PB_PROFILE_LINUX, PB_POOL_NO_PCP, 4, 1);
	return 0;
}
