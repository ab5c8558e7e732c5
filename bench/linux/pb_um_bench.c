// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * The workloads of ../workloads.h on the kernel's own alloc_pages() and
 * __free_pages(), in a user-mode Linux kernel: Linux's page allocator, natively
 * on this CPU, beside pagebuddy. One CPU. Prints the lines of ../worker.h, each
 * after "pb-um:", and powers off.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#define W_TYPES_ONLY
#include "workloads.h"

#define UM_NAME "linux-6.1-um"
#define UM_MAX_RUNS 101
#define UM_BLOCK 10 /* order of the blocks that memory is measured out in */
#define UM_SLACK 4  /* of these, for what the kernel itself allocates meanwhile */

static unsigned int runs = 7;
module_param(runs, uint, 0);
static unsigned int target_ms = 10;
module_param(target_ms, uint, 0);
static unsigned int mib = 4096; /* memory that the workloads see */
module_param(mib, uint, 0);
static unsigned int orders[16];
static int nr_orders;
module_param_array(orders, uint, &nr_orders, 0);
static char *workloads = "repeat,bulk,rand,mixed,exch,fragmentation,longest";
module_param(workloads, charp, 0);
static bool poweroff = true;
module_param(poweroff, bool, 0);

static u64 phase_ns[W_PHASES];
static u64 phase_start;
static s64 ps[W_PHASES][UM_MAX_RUNS];

/* A failing request must not reclaim for long or call the OOM killer. */
#define UM_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

static void w_begin(struct w_thread *t)
{
	phase_start = ktime_get_ns();
}

static void w_end(struct w_thread *t, int phase)
{
	phase_ns[phase] += ktime_get_ns() - phase_start;
}

static inline void w_pause(void)
{
	cond_resched();
}

static inline u64 w_cycles(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}

#define W_LOCAL(t) \
	do {       \
	} while (0)
#define W_FN(name) um_##name
#define W_ALLOC(t, order) ((void *)alloc_pages(UM_GFP, order))
#define W_FREE(t, p, order) __free_pages((struct page *)(p), order)
#define W_DRAIN(t) drain_all_pages(NULL)
#define W_ONE_CPU
#undef W_TYPES_ONLY
#include "workloads.h"

static int um_compare(const void *a, const void *b)
{
	s64 x = *(const s64 *)a, y = *(const s64 *)b;

	return (x > y) - (x < y);
}

static int um_stat(char *text, s64 *v, unsigned int n)
{
	if (!n)
		return sprintf(text, "\t-1\t-1\t-1");
	sort(v, n, sizeof(*v), um_compare, NULL);
	return sprintf(text, "\t%lld\t%lld\t%lld", n & 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2,
		       v[0], v[n - 1]);
}

struct um_workload {
	const char *name;
	void (*run)(struct w_thread *t);
	unsigned int share; /* as in worker.c */
	unsigned int percent;
};

static void um_set_amount(struct w_thread *t, const struct um_workload *w, u64 amount)
{
	t->reps = amount;
	t->n = w->share ? t->pages / w->share >> t->order : amount;
}

static u64 um_run(struct w_thread *t, const struct um_workload *w)
{
	memset(phase_ns, 0, sizeof(phase_ns));
	memset(t->ops, 0, sizeof(t->ops));
	w->run(t);
	cond_resched();
	return phase_ns[0] + phase_ns[1] + phase_ns[2];
}

static void um_calibrate(struct w_thread *t, const struct um_workload *w)
{
	u64 amount = w->share ? 1 : 4096, total, target = target_ms * 1000000ull;

	for (;;) {
		um_set_amount(t, w, amount);
		total = um_run(t, w);
		if (total >= target / 4)
			break;
		amount *= total < target / 32 ? 8 : 2;
	}
	amount = amount * (target / 1000 + 1) / (total / 1000 + 1);
	um_set_amount(t, w, amount ? amount : 1);
}

static void um_print_row(struct w_thread *t, const struct um_workload *w)
{
	bool apart = w->share != 0;
	char text[400];
	unsigned int i;
	int at = 0;

	for (i = 0; apart && i < runs; i++)
		ps[W_PHASE_PAIR][i] = ps[W_PHASE_ALLOC][i] + ps[W_PHASE_FREE][i];
	at += um_stat(text + at, ps[W_PHASE_ALLOC], apart ? runs : 0);
	at += um_stat(text + at, ps[W_PHASE_FREE], apart ? runs : 0);
	um_stat(text + at, ps[W_PHASE_PAIR], runs);
	pr_notice("pb-um:row\t%s\t%u\t1\t" UM_NAME "%s\t%llu\n", w->name, t->order, text,
		  t->failures);
}

static void um_timed(struct w_thread *t, const struct um_workload *w, unsigned int order)
{
	unsigned int i, phase;

	t->order = order;
	t->failures = 0;
	t->percent = 0;
	for (t->nr_slots = 65536; t->nr_slots > t->pages / 4 >> order; t->nr_slots /= 2)
		;
	um_calibrate(t, w);
	for (i = 0; i < runs; i++) {
		um_run(t, w);
		for (phase = 0; phase < W_PHASES; phase++)
			ps[phase][i] = t->ops[phase]
					       ? div64_u64(phase_ns[phase] * 1000, t->ops[phase])
					       : -1;
	}
	if (w->run == um_exch)
		um_exch_end(t);
	um_print_row(t, w);
}

static void um_fragmentation(struct w_thread *t, const struct um_workload *w, unsigned int order)
{
	t->order = order;
	t->failures = 0;
	t->percent = w->percent;
	t->n = 2000000;
	w->run(t);
	cond_resched();
	pr_notice("pb-um:frag\t%s\t%u\t" UM_NAME "\t%llu\t%llu\t%llu\n", w->name, order, t->blocks,
		  t->possible, t->failures);
}

static bool um_wanted(const char *name)
{
	const char *at = strstr(workloads, name);

	return at != NULL;
}

/* Bucket's upper end in ps, as in worker.c. */
static u64 um_percentile(const u64 *hist, u64 total, u64 of_100000, u64 max, u64 ps_1000)
{
	u64 sum = 0, i;

	for (i = 0; i < W_BUCKETS - 1; i++) {
		sum += hist[i];
		if (sum * 100000 >= total * of_100000)
			break;
	}
	return min(i < 8 ? i : (8 + i % 8 + 1) << (i / 8 - 1), max) * ps_1000 / 1000;
}

static void um_print_spread(const char *what, u64 n, const u64 *hist, u64 max, u64 ps_1000)
{
	u64 total = 0;
	unsigned int i;

	for (i = 0; i < W_BUCKETS; i++)
		total += hist[i];
	pr_notice("pb-um:longest\t" UM_NAME "\t%llu\t%s\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\n", n,
		  what, um_percentile(hist, total, 50000, max, ps_1000),
		  um_percentile(hist, total, 99000, max, ps_1000),
		  um_percentile(hist, total, 99900, max, ps_1000),
		  um_percentile(hist, total, 99990, max, ps_1000),
		  um_percentile(hist, total, 99999, max, ps_1000), max * ps_1000 / 1000);
}

static void um_run_longest(struct w_thread *t)
{
	u64 t0 = ktime_get_ns(), c0 = w_cycles(), ps_1000;

	mdelay(20);
	ps_1000 = (ktime_get_ns() - t0) * 1000000 / (w_cycles() - c0);
	t->order = 9;
	t->n = 10000000;
	um_longest(t);
	um_print_spread("alloc", t->n, t->hist_alloc, t->max_alloc, ps_1000);
	um_print_spread("free", t->n, t->hist_free, t->max_free, ps_1000);
}

static const struct um_workload timed[] = {
	{ "repeat", um_repeat, 0, 0 },
	{ "bulk", um_bulk, 2, 0 },
	{ "rand", um_rand, 1, 0 },
	{ "exch", um_exch, 0, 0 },
};
static const struct um_workload mixed = { "mixed", um_mixed, 0, 0 };
static const struct um_workload frag[] = {
	{ "churn-50", um_churn, 0, 50 },
	{ "churn-80", um_churn, 0, 80 },
	{ "wave", um_wave, 0, 50 },
	{ "mixed-frag", um_mixed, 0, 80 },
};

/*
 * Leaves exactly `blocks` blocks of the greatest order free, plus what the
 * watermarks keep back and UM_SLACK: everything else is taken. Memory that the workloads see
 * is then one piece, as in a pool that has just been made.
 */
static unsigned long um_take_rest(struct page **held, unsigned long max, unsigned long blocks)
{
	unsigned long n = 0, reserve = 0;
	struct zone *zone;

	while (n < max) {
		held[n] = alloc_pages(UM_GFP, UM_BLOCK);
		if (!held[n])
			break;
		n++;
	}
	for_each_populated_zone(zone) reserve += high_wmark_pages(zone);
	blocks += (reserve >> UM_BLOCK) + UM_SLACK;
	if (n < blocks) {
		pr_err("pb-um:error\tmem= is too small: %lu blocks of 4 MiB free, %lu needed\n", n,
		       blocks);
		return 0;
	}
	while (blocks--)
		__free_pages(held[--n], UM_BLOCK);
	return 1;
}

static void um_workloads(struct w_thread *t)
{
	static const unsigned int default_orders[] = { 0, 1, 3, 5, 9 };
	unsigned int i, k, n = nr_orders ? nr_orders : ARRAY_SIZE(default_orders);
	const unsigned int *list = nr_orders ? orders : default_orders;

	for (k = 0; k < ARRAY_SIZE(timed); k++)
		for (i = 0; um_wanted(timed[k].name) && i < n; i++)
			um_timed(t, &timed[k], list[i]);
	if (um_wanted("mixed"))
		um_timed(t, &mixed, 9);
	if (um_wanted("fragmentation")) {
		for (k = 0; k < ARRAY_SIZE(frag); k++)
			um_fragmentation(t, &frag[k], k < 2 ? 0 : 9);
		um_fragmentation(t, &frag[3], 3);
	}
	if (um_wanted("longest"))
		um_run_longest(t);
}

static int __init um_bench_init(void)
{
	unsigned long max = totalram_pages() >> UM_BLOCK;
	struct page **held = vzalloc(max * sizeof(*held));
	struct w_thread *t = vzalloc(sizeof(*t));

	if (runs < 1 || runs > UM_MAX_RUNS)
		runs = 7;
	t->pages = (u64)mib << 8;
	t->cap = t->pages + t->pages / 512 + 64;
	t->h = vzalloc(t->cap * sizeof(void *));
	t->slots = vzalloc(65536 * sizeof(void *));
	t->threads = 1;
	t->rng = 0x9e3779b97f4a7c15ull;
	if (!t->h || !t->slots || !held)
		pr_err("pb-um:error\tno memory for the harness\n");
	else if (um_take_rest(held, max, t->pages >> UM_BLOCK))
		um_workloads(t);
	pr_notice("pb-um:end\n");
	if (poweroff)
		kernel_power_off();
	return 0;
}
late_initcall(um_bench_init);
