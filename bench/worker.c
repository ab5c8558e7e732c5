/* SPDX-License-Identifier: MIT */
/*
 * One allocator, one workload, one process: a worker. Threads are pinned, one to
 * a CPU; a run is repeated after one run that warms up. pagebuddy-bench starts
 * the workers and makes tables of what they print (worker.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#define W_TYPES_ONLY
#include "workloads.h"
#include "lockhold.h"
#include "stats.h"
#include "run.h"
#include "worker.h"

/* Longer runs than this many ns would hardly ever be left alone. */
#define RUN_AGAIN_BELOW 50000000

static void *zeroed(u64 bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		run_die("mmap of the harness's arrays");
	return p;
}

static u64 power_of_two_below(u64 n)
{
	return n < 2 ? 1 : 1ull << (63 - __builtin_clzll(n));
}

static u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* One ring for two threads: even ones write, odd ones read. */
static struct w_ring *new_ring(const struct worker_options *o)
{
	struct w_ring *ring = zeroed(sizeof(*ring));
	u64 blocks = min_u64(4096, (o->pages / 4 >> o->order) / (o->threads / 2));

	ring->chunk = min_u64(W_CHUNK, power_of_two_below(blocks / 4));
	ring->chunks = power_of_two_below(blocks / ring->chunk);
	ring->slot = zeroed(ring->chunk * ring->chunks * sizeof(void *));
	return ring;
}

static void prepare(struct run *run, const struct worker_options *o, void *ctx)
{
	u64 share = o->pages / o->threads, nr_slots;
	void **slots;
	unsigned int i;

	nr_slots = power_of_two_below(min_u64(65536, o->pages / 4 >> o->order));
	slots = zeroed(nr_slots * sizeof(void *));
	run->threads = o->threads;
	run->thread = zeroed(o->threads * sizeof(*run->thread));
	run->env = zeroed(o->threads * sizeof(*run->env));
	for (i = 0; i < o->threads; i++) {
		struct w_thread *t = &run->thread[i];

		run->env[i].run = run;
		run->env[i].cpu = run_cpu(i);
		t->env = &run->env[i];
		t->ctx = ctx;
		t->index = i;
		t->threads = o->threads;
		t->pages = share;
		t->order = o->order;
		t->cap = share + share / 512 + 64;
		t->h = zeroed(t->cap * sizeof(void *));
		t->rng = (o->seed + i) * 0x9e3779b97f4a7c15ull | 1;
		t->slots = slots;
		t->nr_slots = nr_slots;
		t->writer = i % 2 == 0;
		t->ring = i % 2                           ? run->thread[i - 1].ring
			  : !strcmp(o->workload, "cross") ? new_ring(o)
							  : NULL;
	}
}

struct workload {
	const char *name;
	size_t op;          /* offset in struct bench_ops */
	unsigned int share; /* bulk, rand: blocks are pages / share; else 0: steps */
	unsigned int percent;
	bool fragmentation;
};

#define OP(name) offsetof(struct bench_ops, name)
static const struct workload workloads[] = {
	{ "repeat", OP(repeat), 0, 0, false },   { "bulk", OP(bulk), 2, 0, false },
	{ "rand", OP(rand), 1, 0, false },       { "mixed", OP(mixed), 0, 0, false },
	{ "exch", OP(exch), 0, 0, false },       { "cross", OP(cross), 0, 0, false },
	{ "churn-50", OP(churn), 0, 50, true },  { "churn-80", OP(churn), 0, 80, true },
	{ "wave", OP(wave), 0, 50, true },       { "mixed-frag", OP(mixed), 0, 80, true },
	{ "longest", OP(longest), 0, 0, false },
};

static const struct workload *find_workload(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(workloads) / sizeof(*workloads); i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	return NULL;
}

static void set_amount(struct run *run, const struct workload *w, u64 amount)
{
	unsigned int i;

	for (i = 0; i < run->threads; i++) {
		struct w_thread *t = &run->thread[i];

		t->reps = amount;
		t->n = w->share ? t->pages / w->share >> t->order : amount;
		if (t->ring)
			t->n = (amount / t->ring->chunk + 1) * t->ring->chunk;
	}
}

static u64 total_ns(const struct run *run)
{
	return run->ns[W_PHASE_ALLOC] + run->ns[W_PHASE_FREE] + run->ns[W_PHASE_PAIR];
}

/* How many steps or repetitions take target_ms. Warms everything up, too. */
static void calibrate(struct run *run, const struct workload *w, const struct worker_options *o)
{
	u64 amount = w->share ? 1 : 64, total, target = o->target_ms * 1000000ull;

	for (;;) {
		set_amount(run, w, amount);
		run_once(run);
		total = total_ns(run);
		if (total >= target / 4)
			break;
		amount *= total < target / 32 ? 8 : 2;
	}
	amount = amount * (target / 1000 + 1) / (total / 1000 + 1);
	set_amount(run, w, amount ? amount : 1);
}

static void print_stat(int64_t *v, unsigned int n)
{
	struct bench_stat s = bench_stat(v, n);

	printf("\t%lld\t%lld\t%lld", (long long)s.median, (long long)s.min, (long long)s.max);
}

/* Alloc and free apart give a pair, too. */
static void print_row(const struct worker_options *o, int64_t ps[W_PHASES][BENCH_MAX_RUNS],
		      unsigned int runs, bool apart, u64 failures)
{
	unsigned int i;

	for (i = 0; apart && i < runs; i++)
		ps[W_PHASE_PAIR][i] = ps[W_PHASE_ALLOC][i] + ps[W_PHASE_FREE][i];
	printf("row\t%s\t%u\t%u\t%s", o->workload, o->order, o->threads, o->variant);
	print_stat(ps[W_PHASE_ALLOC], apart ? runs : 0);
	print_stat(ps[W_PHASE_FREE], apart ? runs : 0);
	print_stat(ps[W_PHASE_PAIR], runs);
	printf("\t%llu\n", (unsigned long long)failures);
}

/* Of every run, the one that warms up included. */
static u64 sum_failures(const struct run *run)
{
	u64 sum = run_free_failures();
	unsigned int i;

	for (i = 0; i < run->threads; i++)
		sum += run->thread[i].failures;
	return sum;
}

/* Time of an operation as one thread sees it. */
static int64_t per_operation(const struct run *run, unsigned int phase)
{
	u64 ops = run->thread[0].ops[phase];

	return ops ? (int64_t)(run->ns[phase] * 1000 / ops) : -1;
}

/* Picoseconds that one of w_cycles() is, by the clock. */
static double cycle_ps(void)
{
	u64 t0 = bench_now_ns(), c0 = w_cycles(), t1;

	do
		t1 = bench_now_ns();
	while (t1 - t0 < 20000000);
	return (t1 - t0) * 1000.0 / (w_cycles() - c0);
}

/* Upper end of the bucket that holds the given part of all. */
static u64 percentile(const u64 *hist, u64 total, double part)
{
	u64 sum = 0, i;

	for (i = 0; i < W_BUCKETS - 1; i++) {
		sum += hist[i];
		if (sum >= total * part)
			break;
	}
	return i < 8 ? i : (8 + i % 8 + 1) << (i / 8 - 1);
}

static void print_spread(const u64 *hist, u64 max, double ps)
{
	static const double parts[] = { 0.5, 0.99, 0.999, 0.9999, 0.99999 };
	u64 total = 0, i;

	for (i = 0; i < W_BUCKETS; i++)
		total += hist[i];
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		printf("\t%.0f", min_u64(percentile(hist, total, parts[i]), max) * ps);
	printf("\t%.0f\n", max * ps);
}

/* worker-lockhold: instead of a row, how long locks were held in its runs. */
static void print_holds(const struct worker_options *o)
{
	u64 max, total = 0, i;
	const u64 *hist = lockhold_histogram(&max);

	for (i = 0; i < W_BUCKETS; i++)
		total += hist[i];
	printf("hold\t%s\t%llu\t%u thread%s", o->variant, (unsigned long long)total, o->threads,
	       o->threads == 1 ? "" : "s");
	print_spread(hist, max, cycle_ps());
}

/* After so many, begun at `start`. */
static bool more_runs(const struct worker_options *o, unsigned int runs, u64 start)
{
	return runs < o->runs &&
	       (!runs || !o->enough_ms || bench_now_ns() - start < o->enough_ms * 1000000ull);
}

/* A run in which a thread was preempted says little and is done again, within limits. */
static void timed(struct run *run, const struct workload *w, const struct worker_options *o)
{
	static int64_t ps[W_PHASES][BENCH_MAX_RUNS];
	unsigned int i, phase, spare = o->iterations ? 0 : 2 * o->runs;
	u64 start;

	if (o->iterations)
		set_amount(run, w, o->iterations);
	else
		calibrate(run, w, o);
	if (lockhold_reset)
		lockhold_reset();
	start = bench_now_ns();
	for (i = 0; more_runs(o, i, start); i++) {
		run_once(run);
		while (run->preempted && spare && total_ns(run) < RUN_AGAIN_BELOW) {
			spare--;
			run_once(run);
		}
		for (phase = 0; phase < W_PHASES; phase++)
			ps[phase][i] = per_operation(run, phase);
	}
	if (!strcmp(w->name, "exch"))
		run->ops->exch_end(&run->thread[0]);
	if (lockhold_histogram)
		print_holds(o);
	else
		print_row(o, ps, i, w->share != 0, sum_failures(run));
}

static void fragmentation(struct run *run, const struct worker_options *o)
{
	const struct w_thread *t = &run->thread[0];

	run->thread[0].n = o->iterations ? o->iterations : 2000000;
	run_once(run);
	printf("frag\t%s\t%u\t%s\t%llu\t%llu\t%llu\n", o->workload, o->order, o->variant,
	       (unsigned long long)t->blocks, (unsigned long long)t->possible,
	       (unsigned long long)t->failures);
}

static void longest(struct run *run, const struct worker_options *o)
{
	struct w_thread *t = &run->thread[0];
	double ps = cycle_ps();

	t->n = o->iterations ? o->iterations : 10000000;
	run_once(run);
	printf("longest\t%s\t%llu\talloc", o->variant, (unsigned long long)t->n);
	print_spread(t->hist_alloc, t->max_alloc, ps);
	printf("longest\t%s\t%llu\tfree", o->variant, (unsigned long long)t->n);
	print_spread(t->hist_free, t->max_free, ps);
}

static void metadata(const struct worker_options *o, const struct bench_setup *setup)
{
	int64_t init[BENCH_MAX_RUNS];
	u64 bytes = 0, ns = 0, start = bench_now_ns();
	unsigned int i;

	if (!bench_backend.metadata) {
		fprintf(stderr, "%s has no pool to set up\n", o->variant);
		exit(1);
	}
	for (i = 0; more_runs(o, i, start); i++) {
		if (bench_backend.metadata(setup, o->pages, &bytes, &ns))
			exit(1);
		init[i] = ns * 1000;
	}
	printf("meta\t%s\t%llu\t%llu", o->variant, (unsigned long long)o->pages,
	       (unsigned long long)bytes);
	print_stat(init, i);
	printf("\n");
}

/* Resident memory now, in KiB. */
static u64 resident_kib(void)
{
	unsigned long long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file && fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * sysconf(_SC_PAGESIZE) / 1024;
}

static void print_memory(const struct worker_options *o, u64 before)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("mem\t%s\t%u\t%u\t%s\t%lld\n", o->workload, o->order, o->threads, o->variant,
	       (long long)usage.ru_maxrss - (long long)before);
}

static u64 number(const char *text, const char *option, u64 min, u64 max)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text || *text == '-' || value < min || value > max) {
		fprintf(stderr, "%s: '%s' is not a number from %llu to %llu\n", option, text,
			(unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return value;
}

static void parse_number(struct worker_options *o, int c)
{
	switch (c) {
	case 'o':
		o->order = number(optarg, "--order", 0, 10);
		break;
	case 't':
		o->threads = number(optarg, "--threads", 1, BENCH_MAX_THREADS);
		break;
	case 'r':
		o->runs = number(optarg, "--runs", 1, BENCH_MAX_RUNS);
		break;
	case 'm':
		o->target_ms = number(optarg, "--target-ms", 1, 60000);
		break;
	case 'p':
		o->pages = number(optarg, "--pages", 4096, 1ull << 32);
		break;
	case 'i':
		o->iterations = number(optarg, "--iterations", 1, 1ull << 40);
		break;
	case 's':
		o->seed = number(optarg, "--seed", 0, UINT64_MAX);
		break;
	case 'e':
		o->enough_ms = number(optarg, "--enough-ms", 1, 3600000);
		break;
	default:
		exit(2);
	}
}

static void parse(int argc, char **argv, struct worker_options *o)
{
	static const struct option options[] = {
		{ "workload", 1, NULL, 'w' },  { "variant", 1, NULL, 'v' },
		{ "order", 1, NULL, 'o' },     { "threads", 1, NULL, 't' },
		{ "runs", 1, NULL, 'r' },      { "target-ms", 1, NULL, 'm' },
		{ "pages", 1, NULL, 'p' },     { "iterations", 1, NULL, 'i' },
		{ "seed", 1, NULL, 's' },      { "verify", 0, NULL, 'V' },
		{ "enough-ms", 1, NULL, 'e' }, { "plug", 1, NULL, 'P' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'w')
			o->workload = optarg;
		else if (c == 'v')
			o->variant = optarg;
		else if (c == 'P')
			o->plug = optarg;
		else if (c == 'V')
			o->verify = true;
		else
			parse_number(o, c);
	}
}

static void check_variant(struct worker_options *o)
{
	const char *const *v = bench_backend.variants;

	if (!o->variant)
		o->variant = v ? *v : "plug";
	while (v && *v && strcmp(*v, o->variant))
		v++;
	if (v && !*v) {
		fprintf(stderr, "--variant: '%s' is not one of this worker's (first: %s)\n",
			o->variant, bench_backend.variants[0]);
		exit(2);
	}
}

static void check_options(struct worker_options *o)
{
	check_variant(o);
	if (strcmp(o->workload, "metadata") && strcmp(o->workload, "open") &&
	    !find_workload(o->workload)) {
		fprintf(stderr, "--workload: '%s' is unknown\n", o->workload);
		exit(2);
	}
	if (!strcmp(o->workload, "cross") && o->threads % 2) {
		fprintf(stderr, "--threads: cross needs an even number, not %u\n", o->threads);
		exit(2);
	}
}

static void work(const struct worker_options *o, const struct bench_setup *setup)
{
	const struct workload *w = find_workload(o->workload);
	static struct run run;
	void *ctx;
	u64 before;
	unsigned int i;

	if (!w) { /* open: can it be set up at all? */
		if (bench_backend.setup(setup, &ctx))
			exit(1);
		if (bench_backend.check(ctx))
			exit(4);
		return;
	}
	run.ops = o->verify ? bench_backend.verified : bench_backend.ops;
	run.work = *(void (*const *)(struct w_thread *))((const char *)run.ops + w->op);
	prepare(&run, o, NULL);
	before = resident_kib();
	if (bench_backend.setup(setup, &ctx))
		exit(1);
	for (i = 0; i < o->threads; i++) {
		run.thread[i].ctx = ctx;
		run.thread[i].percent = w->percent;
	}
	if (w->fragmentation && bench_backend.finite && bench_backend.finite(ctx))
		fragmentation(&run, o);
	else if (w->fragmentation)
		return; /* blocks can be had without end */
	else if (!strcmp(w->name, "longest"))
		longest(&run, o);
	else
		timed(&run, w, o);
	print_memory(o, before);
	if (bench_backend.check(ctx))
		exit(4);
}

int main(int argc, char **argv)
{
	struct worker_options o = {
		.workload = "repeat",
		.threads = 1,
		.runs = 7,
		.target_ms = 10,
		.pages = 1ull << 20,
		.seed = 1,
	};
	struct bench_setup setup;

	parse(argc, argv, &o);
	check_options(&o);
	run_find_cpus();
	setup = (struct bench_setup){
		.variant = o.variant,
		.pages = o.pages,
		.verify = o.verify,
		.plug = o.plug,
		.cpus = sysconf(_SC_NPROCESSORS_CONF),
	};
	if (!strcmp(o.workload, "metadata"))
		metadata(&o, &setup);
	else
		work(&o, &setup);
	return 0;
}
