/* SPDX-License-Identifier: MIT */
/* What pagebuddy-bench's parts share: options, results, machine. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "floors.h"
#include "stats.h"

#define MAX_LIST 32
#define NAME_LEN 32
#define MAX_PLUGS 8

/* Somebody's allocator in a shared library (plug.h). */
struct plug_option {
	char name[NAME_LEN]; /* of its row: the file's, without .so */
	char *path;
};

struct options {
	const char *workloads[MAX_LIST];
	unsigned int nr_workloads;
	const char *allocators[MAX_LIST];
	unsigned int nr_allocators;
	unsigned int orders[MAX_LIST];
	unsigned int nr_orders;
	unsigned int threads[MAX_LIST];
	unsigned int nr_threads;
	unsigned int runs, seeds;
	unsigned int enough_ms; /* no further runs of a cell after so much; 0: all */
	unsigned int target_ms;
	uint64_t pages;
	uint64_t seed;
	bool verify, quick;
	const char *json, *tsv, *linux_um, *workers;
	struct plug_option plugs[MAX_PLUGS];
	unsigned int nr_plugs;
};

/* Times in ns; negative: the workload has no such figure. */
struct figure {
	double median, min, max;
};

struct row {
	char workload[NAME_LEN], allocator[NAME_LEN];
	unsigned int order, threads;
	struct figure alloc, free, pair;
	uint64_t failures;
};

struct fragmentation {
	char workload[NAME_LEN], allocator[NAME_LEN];
	unsigned int order;
	unsigned int seeds;
	uint64_t blocks, possible; /* with the median seed */
	uint64_t failures;         /* with all seeds */
	double least, most;        /* part of what is possible, of all seeds */
};

struct memory {
	char allocator[NAME_LEN];
	double mib; /* resident at most, holding all of memory as order 0 */
};

struct metadata {
	char allocator[NAME_LEN];
	uint64_t pages, bytes;
	struct figure init; /* ns */
};

/* How one kind of operation is spread; ns. */
struct spread {
	char allocator[NAME_LEN];
	char what[NAME_LEN]; /* alloc, free, or lock held by so many threads */
	uint64_t count;
	double p50, p99, p999, p9999, p99999, max;
};

struct machine {
	char cpu[128], kernel[128], compiler[64], caches[128];
	unsigned int cpus;
	double mem_gib;
	bool virtual;
};

struct results {
	struct machine machine;
	struct floors floors;
	struct row *rows;
	unsigned int nr_rows;
	struct fragmentation *frags;
	unsigned int nr_frags;
	struct memory *memories;
	unsigned int nr_memories;
	struct metadata *metas;
	unsigned int nr_metas;
	struct spread *spreads, *holds;
	unsigned int nr_spreads, nr_holds;
	unsigned int errors; /* workers that failed */
};

/* options.c: exits with status 2 and one line if something is wrong. */
void options_parse(int argc, char **argv, struct options *o);
bool options_wants(const struct options *o, const char *workload);
bool allocator_is_ours(const char *name);
/* The library of a plugged allocator, or NULL. */
const char *options_plug(const struct options *o, const char *allocator);

/* machine.c */
void machine_describe(struct machine *machine);

/* spawn.c: run a worker and add what it printed to the results. */
void spawn_worker(const struct options *o, struct results *r, const char *allocator,
		  const char *const *arguments);
void spawn_linux(const struct options *o, struct results *r);
bool worker_exists(const struct options *o, const char *allocator);

/* results.c */
bool results_add_line(struct results *r, char *line);
/* Make one of the fragmentations from `first` on, which differ by their seed. */
void results_median_frag(struct results *r, unsigned int first);
/* Of the blocks that the free pages are, the part that can be had. */
double results_frag_part(const struct fragmentation *frag);
const struct row *results_row(const struct results *r, const char *workload, unsigned int order,
			      unsigned int threads, const char *allocator);
/* Least pair time among those that are not ours, or NULL. */
const struct row *results_best_peer(const struct results *r, const struct row *beside);
const struct metadata *results_meta(const struct results *r, const char *allocator, uint64_t pages);

/* table.c, json.c, tsv.c, targets.c */
void table_print(const struct results *r, const struct options *o);
int json_write(const struct results *r, const char *path);
int tsv_write(const struct results *r, const char *path);
void targets_print(const struct results *r);

#endif
