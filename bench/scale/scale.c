/* SPDX-License-Identifier: MIT */
/*
 * One figure of the simulated machine: the benchmark's workloads on 1 to 64 CPUs of
 * machine.h, each with as much memory as the next, so that a perfect allocator
 * takes as long with many as with one.
 *
 *	worker-scale --workload W --order N [--cpus N] [--pair-ps N] [--atomic-ps N]
 *		     [--transfer-ps N] [--seed N]
 *
 * --pair-ps: what an allocation and a free of order 0 take on one real CPU; the cost
 * of an access follows from it. Prints one line:
 *	scale workload order cpus pair-ps transfers waited-ps lock-waits access-ps failures
 * transfers, waited-ps and lock-waits a pair; waited: for a line others were getting.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <pagebuddy/pagebuddy.h>

#include "machine.h"
#include "port.h"

typedef uint64_t u64;
typedef uint32_t u32;
struct w_thread;

static void w_begin(struct w_thread *t);
static void w_end(struct w_thread *t, int phase);

static inline void w_pause(void)
{
	sim_pause();
}

static inline u64 w_cycles(void)
{
	return sim_now();
}

#define SHARE 65536ull /* pages a CPU, or twice as many as bulk and rand allocate */
#define BLOCKS 2048ull /* that these allocate; of large ones an eighth */
#define STEPS 3000     /* of a CPU, where a workload goes by steps */
#define SLOTS 1024     /* of exch, a CPU */
#define FIRST_PFN 0x100000ull

static struct pb_pool pool;

#define W_FN(name) sim_##name
#define W_LOCAL(t) (void)(t)
#define W_ALLOC(t, order) ((void *)pb_alloc_pages(&pool, PB_GFP_KERNEL, order))
#define W_FREE(t, p, order) ((void)pb_free_pages(&pool, p, order))
#define W_DRAIN(t) pb_drain(&pool, -1)
/* Some of them aren't run here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../workloads.h"
#pragma GCC diagnostic pop

struct workload {
	const char *name;
	void (*run)(struct w_thread *t);
	bool blocks; /* bulk, rand; else they go by steps */
};

static const struct workload workloads[] = {
	{ "repeat", sim_repeat, false }, { "bulk", sim_bulk, true },  { "rand", sim_rand, true },
	{ "mixed", sim_mixed, false },   { "exch", sim_exch, false },
};

struct options {
	const struct workload *workload;
	unsigned int order, cpus;
	u64 pair_ps, seed;
	u64 share; /* pages a CPU */
	struct sim_cost cost;
};

static struct run {
	struct w_thread threads[SIM_CPUS];
	u64 begin[SIM_CPUS];
	u64 ps[W_PHASES]; /* from the start to the last CPU's end, all phases of that kind */
	struct sim_counts before;
	struct sim_counts counts; /* of the timed phases */
	unsigned long lock_waits, lock_waits_before;
	const struct workload *workload;
} run;

static void w_begin(struct w_thread *t)
{
	sim_barrier();
	run.begin[t->index] = sim_now();
	if (!t->index) {
		run.before = sim_counts();
		run.lock_waits_before = sim_lock_waits;
	}
}

static void w_end(struct w_thread *t, int phase)
{
	sim_barrier();
	if (!t->index) {
		struct sim_counts now = sim_counts();

		run.ps[phase] += sim_now() - run.begin[0];
		run.counts.accesses += now.accesses - run.before.accesses;
		run.counts.atomics += now.atomics - run.before.atomics;
		run.counts.transfers += now.transfers - run.before.transfers;
		run.counts.waited += now.waited - run.before.waited;
		run.lock_waits += sim_lock_waits - run.lock_waits_before;
	}
	/* nobody goes on before they are counted */
	sim_barrier();
}

static void body(void *arg, unsigned int cpu)
{
	(void)arg;
	run.workload->run(&run.threads[cpu]);
}

static void *zeroed(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static u64 blocks(unsigned int order)
{
	return order < 6 ? BLOCKS : BLOCKS / 8;
}

static void open_pool(const struct options *o)
{
	struct pb_region region = {
		.start_pfn = FIRST_PFN,
		.end_pfn = FIRST_PFN + o->cpus * o->share,
		.zone = PB_ZONE_NORMAL,
		.kind = PB_REGION_USABLE,
	};
	struct pb_config config;
	struct pb_error error;
	size_t bytes;
	void *memory;

	pb_config_init(&config);
	config.regions = &region;
	config.nr_regions = 1;
	config.nr_cpus = o->cpus;
	config.min_free_kbytes = 0;
	if (pb_pool_size(&config, &bytes, &error)) {
		fprintf(stderr, "pb_pool_size: %s\n", error.text);
		exit(1);
	}
	memory = zeroed(bytes);
	if (pb_pool_init(&pool, &config, memory, bytes, true, NULL, &error)) {
		fprintf(stderr, "pb_pool_init: %s\n", error.text);
		exit(1);
	}
	sim_share(memory, bytes);
}

static void prepare(const struct options *o)
{
	unsigned int nr_slots = SLOTS;
	void **slots;

	while (nr_slots < SLOTS * o->cpus)
		nr_slots *= 2;
	while ((u64)nr_slots << o->order > o->cpus * o->share / 2)
		nr_slots /= 2;
	slots = zeroed(nr_slots * sizeof(*slots));
	sim_share(slots, nr_slots * sizeof(*slots));
	for (unsigned int i = 0; i < o->cpus; i++) {
		struct w_thread *t = &run.threads[i];

		t->index = i;
		t->threads = o->cpus;
		t->pages = o->share;
		t->order = o->order;
		t->cap = o->share + 64;
		t->h = zeroed(t->cap * sizeof(void *));
		t->rng = (o->seed + i) * 0x9e3779b97f4a7c15ull | 1;
		t->slots = slots;
		t->nr_slots = nr_slots;
		t->reps = 2;
		t->n = o->workload->blocks ? blocks(o->order) : STEPS;
	}
}

/* Everything that one pair of repeat costs on one CPU, but its atomics, is its accesses. */
static u64 access_cost(const struct options *o, u64 pairs)
{
	u64 atomics = run.counts.atomics * o->cost.atomic / pairs;

	return o->pair_ps > atomics ? (o->pair_ps - atomics) * pairs / run.counts.accesses : 1;
}

static void clear(void)
{
	memset(run.ps, 0, sizeof(run.ps));
	memset(&run.counts, 0, sizeof(run.counts));
	run.lock_waits = 0;
	for (unsigned int i = 0; i < SIM_CPUS; i++) {
		memset(run.threads[i].ops, 0, sizeof(run.threads[i].ops));
		run.threads[i].failures = 0;
	}
}

/* One CPU repeats; what an access costs follows from how many there are. */
static void calibrate(struct options *o)
{
	const struct workload *workload = o->workload;
	struct w_thread *t = &run.threads[0];
	unsigned int order = t->order;
	u64 n = t->n;

	if (!o->pair_ps)
		return;
	run.workload = &workloads[0];
	t->order = 0;
	t->n = 1000;
	for (unsigned int warm = 0; warm < 2; warm++) {
		clear();
		sim_run(1, &o->cost, body, NULL);
	}
	o->cost.access = access_cost(o, t->n);
	run.workload = workload;
	t->order = order;
	t->n = n;
}

static void print_line(const struct options *o)
{
	u64 pairs = 0, failures = 0, ps = 0, one = 0;

	for (unsigned int phase = 0; phase < W_PHASES; phase++) {
		ps += run.ps[phase];
		if (phase != W_PHASE_FREE)
			one += run.threads[0].ops[phase];
	}
	for (unsigned int i = 0; i < o->cpus; i++)
		failures += run.threads[i].failures;
	pairs = one * o->cpus;
	printf("scale\t%s\t%u\t%u\t%llu\t%.3f\t%llu\t%.3f\t%llu\t%llu\n", o->workload->name,
	       o->order, o->cpus, (unsigned long long)(ps / one),
	       (double)run.counts.transfers / pairs,
	       (unsigned long long)(run.counts.waited / pairs), (double)run.lock_waits / pairs,
	       (unsigned long long)o->cost.access, (unsigned long long)failures);
}

static u64 number(const char *option, const char *text, u64 min, u64 max)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text || *text == '-' || value < min || value > max) {
		fprintf(stderr, "--%s: '%s' is not a number from %llu to %llu\n", option, text,
			(unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return value;
}

static const struct workload *find(const char *name)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	fprintf(stderr, "--workload: '%s' is unknown; there are repeat, bulk, rand, mixed, exch\n",
		name);
	exit(2);
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "workload", 1, NULL, 'w' },  { "order", 1, NULL, 'o' },
		{ "cpus", 1, NULL, 'c' },      { "pair-ps", 1, NULL, 'p' },
		{ "atomic-ps", 1, NULL, 'a' }, { "transfer-ps", 1, NULL, 't' },
		{ "seed", 1, NULL, 's' },      { NULL, 0, NULL, 0 },
	};
	int c, i;

	while ((c = getopt_long(argc, argv, "", options, &i)) != -1) {
		const char *name = c == '?' ? "" : options[i].name;

		if (c == 'w')
			o->workload = find(optarg);
		else if (c == 'o')
			o->order = number(name, optarg, 0, 9);
		else if (c == 'c')
			o->cpus = number(name, optarg, 1, SIM_CPUS);
		else if (c == 'p')
			o->pair_ps = number(name, optarg, 1, 1000000000);
		else if (c == 'a')
			o->cost.atomic = number(name, optarg, 0, 1000000000);
		else if (c == 't')
			o->cost.transfer = number(name, optarg, 0, 1000000000);
		else if (c == 's')
			o->seed = number(name, optarg, 0, UINT64_MAX);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	/* Unless it is told: about what a server of 2023 takes. */
	struct options o = {
		.workload = &workloads[0],
		.cpus = 1,
		.seed = 1,
		.cost = { .access = 250,
			  .atomic = 5000,
			  .transfer = 100000,
			  .pause = 40000,
			  .ahead = 20000 },
	};

	parse(argc, argv, &o);
	o.share = blocks(o.order) * 2 << o.order > SHARE ? blocks(o.order) * 2 << o.order : SHARE;
	open_pool(&o);
	prepare(&o);
	calibrate(&o);
	run.workload = o.workload;
	clear();
	sim_run(o.cpus, &o.cost, body, NULL);
	print_line(&o);
	return 0;
}
