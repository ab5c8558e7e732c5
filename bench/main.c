/* SPDX-License-Identifier: MIT */
/*
 * pagebuddy-bench: runs every worker over every cell, the floors in between, and
 * prints one table. What is compared is in README.md.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define GIB_PAGES (1ull << 18)

/* Where we are, on a terminal. */
static void progress(const char *workload, unsigned int order, unsigned int threads,
		     const char *allocator)
{
	if (isatty(2))
		fprintf(stderr, "\r\033[K%s, order %u, threads %u: %s", workload, order, threads,
			allocator);
}

static void measure(const struct options *o, struct results *r, const char *workload,
		    unsigned int order, unsigned int threads, const char *allocator, uint64_t pages,
		    const char *iterations)
{
	char order_text[16], threads_text[16], pages_text[24];
	const char *arguments[] = { "--workload", workload,    "--order",
				    order_text,   "--threads", threads_text,
				    "--pages",    pages_text,  iterations ? "--iterations" : NULL,
				    iterations,   NULL };

	snprintf(order_text, sizeof(order_text), "%u", order);
	snprintf(threads_text, sizeof(threads_text), "%u", threads);
	snprintf(pages_text, sizeof(pages_text), "%llu", (unsigned long long)pages);
	progress(workload, order, threads, allocator);
	spawn_worker(o, r, allocator, arguments);
}

/* All allocators next to each other, so that the machine's moods meet all of them. */
static void measure_cell(const struct options *o, struct results *r, const char *workload,
			 unsigned int order, unsigned int threads)
{
	unsigned int i;

	floors_measure();
	for (i = 0; i < o->nr_allocators; i++)
		measure(o, r, workload, order, threads, o->allocators[i], o->pages, NULL);
	floors_measure();
}

static unsigned int greatest_order(const struct options *o)
{
	unsigned int i, greatest = 0;

	for (i = 0; i < o->nr_orders; i++)
		greatest = o->orders[i] > greatest ? o->orders[i] : greatest;
	return greatest;
}

static void measure_timed(const struct options *o, struct results *r, const char *workload)
{
	bool cross = !strcmp(workload, "cross"), mixed = !strcmp(workload, "mixed");
	unsigned int i, k;

	for (k = 0; k < o->nr_threads; k++) {
		if (cross && o->threads[k] % 2)
			continue; /* needs one to allocate and one to free */
		for (i = 0; !mixed && i < o->nr_orders; i++)
			measure_cell(o, r, workload, o->orders[i], o->threads[k]);
		if (mixed)
			measure_cell(o, r, workload, greatest_order(o), o->threads[k]);
	}
}

/* What is left of large blocks depends on the seed more than on the placement. */
static void measure_seeds(const struct options *o, struct results *r, const char *workload,
			  unsigned int order, const char *allocator)
{
	struct options one = *o;
	unsigned int i, first = r->nr_frags;

	for (i = 0; i < o->seeds; i++, one.seed++)
		measure(&one, r, workload, order, 1, allocator, o->pages, NULL);
	results_median_frag(r, first);
}

/* Only a finite memory can be fragmented: the library's variants, and what is plugged in. */
static void measure_frag(const struct options *o, struct results *r, const char *workload,
			 unsigned int order)
{
	unsigned int i;

	for (i = 0; i < o->nr_allocators; i++)
		if (allocator_is_ours(o->allocators[i]) || options_plug(o, o->allocators[i]))
			measure_seeds(o, r, workload, order, o->allocators[i]);
}

static void measure_longest(const struct options *o, struct results *r)
{
	const char *iterations = o->verify ? "100000" : o->quick ? "1000000" : "10000000";
	unsigned int i;

	for (i = 0; i < o->nr_allocators; i++) {
		/* mmap would take minutes. */
		if (strcmp(o->allocators[i], "mmap") &&
		    ((!o->quick && !o->verify) || allocator_is_ours(o->allocators[i])))
			measure(o, r, "longest", 9, 1, o->allocators[i], o->pages, iterations);
	}
}

static void measure_init(const struct options *o, struct results *r)
{
	static const uint64_t gib[] = { 4, 64, 1024 };
	unsigned int i, k;

	for (i = 0; i < o->nr_allocators; i++)
		for (k = 0; allocator_is_ours(o->allocators[i]) && k < 3; k++)
			measure(o, r, "metadata", 0, 1, o->allocators[i], gib[k] * GIB_PAGES, NULL);
}

static void measure_workload(const struct options *o, struct results *r, const char *workload)
{
	unsigned int i;

	if (!strcmp(workload, "churn")) {
		measure_frag(o, r, "churn-50", 0);
		measure_frag(o, r, "churn-80", 0);
	} else if (!strcmp(workload, "wave")) {
		measure_frag(o, r, "wave", 9);
	} else if (!strcmp(workload, "longest")) {
		measure_longest(o, r);
	} else if (!strcmp(workload, "init")) {
		measure_init(o, r);
	} else if (!strcmp(workload, "lockhold")) {
		for (i = 0; i < o->nr_threads && worker_exists(o, "lockhold"); i++)
			measure(o, r, "mixed", 9, o->threads[i], "lockhold", o->pages, NULL);
	} else {
		measure_timed(o, r, workload);
	}
	if (!strcmp(workload, "mixed")) {
		measure_frag(o, r, "mixed-frag", 9);
		measure_frag(o, r, "mixed-frag", 3);
	}
}

/* A plugged allocator that can't be set up is said once, not in every cell. */
static void check_plugs(const struct options *o, struct results *r)
{
	static const char *const arguments[] = { "--workload", "open", NULL };
	unsigned int i;

	for (i = 0; i < o->nr_plugs; i++)
		spawn_worker(o, r, o->plugs[i].name, arguments);
	if (r->errors)
		exit(2);
}

/* Says which allocators can't be measured, and goes on without them. */
static void drop_missing(struct options *o)
{
	unsigned int i, kept = 0;

	for (i = 0; i < o->nr_allocators; i++) {
		if (worker_exists(o, o->allocators[i]))
			o->allocators[kept++] = o->allocators[i];
		else
			fprintf(stderr,
				"pagebuddy-bench: no worker for %s: its library was not there "
				"when the build was configured\n",
				o->allocators[i]);
	}
	o->nr_allocators = kept;
}

int main(int argc, char **argv)
{
	struct results r = { 0 };
	struct options o;
	unsigned int i;
	int failed = 0;

	options_parse(argc, argv, &o);
	drop_missing(&o);
	check_plugs(&o, &r);
	machine_describe(&r.machine);
	floors_measure();
	if (o.linux_um)
		spawn_linux(&o, &r);
	for (i = 0; i < o.nr_workloads; i++)
		measure_workload(&o, &r, o.workloads[i]);
	floors_measure();
	if (isatty(2))
		fprintf(stderr, "\r\033[K");
	r.floors = floors_median();
	table_print(&r, &o);
	if (!o.verify)
		targets_print(&r);
	if (o.json)
		failed |= json_write(&r, o.json);
	if (o.tsv)
		failed |= tsv_write(&r, o.tsv);
	return failed || r.errors ? 1 : 0;
}
