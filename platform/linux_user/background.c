/* SPDX-License-Identifier: MIT */
/*
 * A thread that does for a pool what kswapd and kcompactd do for Linux: woken when a zone
 * falls below its low watermark, it has the reclaim hook free pages until each is above its
 * high one, takes back boosts, lets idle lists decay, compacts until so many blocks of an
 * order are free, and reports free memory. It looks by itself now and then, too: for copies of
 * the handle that don't wake it, and other processes of a shared pool.
 *
 *	request --wake hook--> worker.woken --> thread: reclaim hook, pb_boost_done(), pb_compact()
 *
 * In a fork's child there is no such thread: pid says whose it is.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "pcp/pcp.h"

#include <pagebuddy/linux_user.h>

#define VAIN_RECLAIMS 16u /* calls without progress; as Linux's MAX_RECLAIM_RETRIES */
#define RECLAIMS 4096u    /* calls at one go, whatever the hook says */
#define PATIENCE_MAX 6u   /* log2 of the looks that a compaction in vain is not repeated for */

struct worker {
	struct worker *next;
	struct pb_pool pool; /* the thread's own handle */
	struct pb_background what;
	void (*wake)(void *ctx, struct pb_pool *pool, int node, unsigned int order); /* caller's */
	pthread_t thread;
	pid_t pid;
	pthread_mutex_t lock; /* of the two below */
	pthread_cond_t changed;
	bool woken, stop;
	unsigned int vain, patience; /* compactions in vain; looks until the next */
	time_t decayed;              /* when idle lists decayed last, seconds */
	uint64_t reported;           /* when pb_report_free() was called last, ms */
};

static pthread_mutex_t workers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct worker *workers;

static void before_fork(void)
{
	pthread_mutex_lock(&workers_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&workers_lock);
}

static void register_fork(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

/* workers_lock. */
static struct worker **__find(const struct pb_super *super)
{
	struct worker **at = &workers;

	while (*at && (*at)->pool.super != super)
		at = &(*at)->next;
	return at;
}

static void tell(struct worker *w, bool stop)
{
	pthread_mutex_lock(&w->lock);
	w->woken = true;
	w->stop |= stop;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void wake_worker(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	void (*wake)(void *, struct pb_pool *, int, unsigned int) = NULL;
	struct worker *w;

	pthread_mutex_lock(&workers_lock);
	w = *__find(pool->super);
	if (w) {
		wake = w->wake;
		if (w->pid == getpid())
			tell(w, false);
	}
	pthread_mutex_unlock(&workers_lock);
	if (wake)
		wake(ctx, pool, node, order);
}

/* ------------------------------------------------------------------ the work */

static bool stopping(struct worker *w)
{
	bool stop;

	pthread_mutex_lock(&w->lock);
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static unsigned long reclaim(struct pb_pool *pool)
{
	unsigned long freed;

	(void)hook_begin();
	freed = pool->hooks.reclaim(pool->hooks.ctx, pool, 0, PB_GFP_KERNEL);
	hook_end();
	if (freed && pool->percpu_cpus) /* they may lie in this CPU's lists */
		pb_drain(pool, (int)pcp_cpu(pool));
	return freed;
}

static void balance_zone(struct worker *w, unsigned int zone)
{
	struct pb_pool *pool = &w->pool;
	unsigned int vain = 0;

	if (pb_zone_below(pool, zone, PB_WMARK_LOW) != 1)
		return;
	for (unsigned int i = 0; i < RECLAIMS && vain < VAIN_RECLAIMS; i++) {
		if (pb_zone_below(pool, zone, PB_WMARK_HIGH) != 1 || stopping(w))
			return;
		vain = reclaim(pool) ? 0 : vain + 1;
	}
}

static void balance(struct worker *w)
{
	for (unsigned int i = 0; w->pool.hooks.reclaim && i < pb_nr_zones(&w->pool); i++)
		balance_zone(w, i);
	for (int type = 0; type < PB_ZONE_DEVICE; type++)
		pb_boost_done(&w->pool, PB_NO_NODE, (enum pb_zone_type)type);
}

/* A few at a time, so that it can be stopped. */
static void keep_blocks(struct worker *w)
{
	uint64_t want = w->what.blocks, step = want / 64 + 8, have;

	if (!want || !has_migrate_hook(&w->pool))
		return;
	if (w->patience) {
		w->patience--;
		return;
	}
	while ((have = pb_free_blocks(&w->pool, PB_NO_NODE, w->what.order)) < want &&
	       !stopping(w)) {
		uint64_t next = want - have < step ? want : have + step;

		if (pb_compact(&w->pool, PB_NO_NODE, w->what.order, next) != PB_OK) {
			w->patience = 1u << w->vain;
			w->vain += w->vain < PATIENCE_MAX;
			return;
		}
	}
	w->vain = 0;
}

static void decay(struct worker *w)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec == w->decayed)
		return;
	w->decayed = now.tv_sec;
	pb_pcp_decay(&w->pool);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void report(struct worker *w)
{
	if (!w->what.report_ms || now_ms() - w->reported < w->what.report_ms || stopping(w))
		return;
	(void)pb_report_free(&w->pool, &w->what.report, NULL);
	w->reported = now_ms();
}

/* False: it is to end. */
static bool wait_for_work(struct worker *w)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(w->what.period_ms % 1000) * 1000000;
	until.tv_sec += (time_t)(w->what.period_ms / 1000) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&w->lock);
	while (!w->woken && !pthread_cond_timedwait(&w->changed, &w->lock, &until))
		;
	w->woken = false;
	go_on = !w->stop;
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (wait_for_work(w)) {
		balance(w);
		decay(w);
		keep_blocks(w);
		report(w);
	}
	return NULL;
}

/* -------------------------------------------------------------- begin and end */

static bool start_thread(struct worker *w)
{
	pthread_condattr_t clock;
	sigset_t all, old;
	bool started;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, &clock);
	pthread_condattr_destroy(&clock);
	sigfillset(&all); /* the program's handlers are for its own threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	started = !pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return started;
}

/* What pb_report_free() would say each time. */
static int can_report(const struct pb_pool *pool, const struct pb_background *what)
{
	unsigned int order = what->report.order;

	if (!what->report_ms)
		return PB_OK;
	if (order > pool->max_order || (order && order < pool->pageblock_order))
		return PB_EINVAL;
	return pool->super->flags & PB_POOL_REPORTING && pool->hooks.report ? PB_OK : PB_ENOTSUP;
}

int pb_user_background_start(struct pb_pool *pool, const struct pb_background *what)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct worker *w;
	int code;

	if (!pool->super || what->order > pool->max_order || what->blocks > pool->nr_frames)
		return PB_EINVAL;
	code = can_report(pool, what);
	if (code)
		return code;
	w = calloc(1, sizeof(*w));
	if (!w)
		return PB_ENOMEM;
	pthread_once(&once, register_fork);
	w->pool = *pool;
	w->what = *what;
	w->what.period_ms = what->period_ms ? what->period_ms : 100;
	w->what.report.settled = true;
	w->wake = pool->hooks.wake == wake_worker ? NULL : pool->hooks.wake;
	w->pid = getpid();
	pthread_mutex_lock(&workers_lock);
	if (*__find(pool->super))
		code = PB_EBUSY;
	else if (!start_thread(w))
		code = PB_ENOMEM;
	if (!code) {
		w->next = workers;
		workers = w;
		pool->hooks.wake = wake_worker;
	}
	pthread_mutex_unlock(&workers_lock);
	if (code)
		free(w);
	return code;
}

void pb_user_background_stop(struct pb_pool *pool)
{
	struct worker *w, **at;

	pthread_mutex_lock(&workers_lock);
	at = __find(pool->super);
	w = *at;
	if (w)
		*at = w->next;
	pthread_mutex_unlock(&workers_lock);
	if (!w)
		return;
	if (pool->hooks.wake == wake_worker)
		pool->hooks.wake = w->wake;
	if (w->pid == getpid()) {
		tell(w, true);
		pthread_join(w->thread, NULL);
		pthread_cond_destroy(&w->changed);
		pthread_mutex_destroy(&w->lock);
	}
	free(w);
}
