/* SPDX-License-Identifier: MIT */
/*
 * What the design sets itself as targets, beside what this run measured: the
 * medians of the row `pagebuddy`, as ratios to the floors of the same run.
 */
#include <string.h>

#include "bench.h"

#define OURS "pagebuddy"

static unsigned int missed, judged;

static void judge(const char *what, double value, double limit, bool at_least, const char *unit)
{
	bool met = at_least ? value >= limit : value <= limit;

	judged++;
	missed += !met;
	printf("  %-44s %8.2f %s %6.2f %-9s %s\n", what, value, at_least ? ">=" : "<=", limit, unit,
	       met ? "met" : "MISSED");
}

/* One figure of a row as a multiple of the floor. */
static void judge_floor(const struct results *r, const struct row *row, const char *part, double ns,
			double limit)
{
	char what[96];

	snprintf(what, sizeof(what), "%s %u, %u thread%s, %s", row->workload, row->order,
		 row->threads, row->threads == 1 ? "" : "s", part);
	judge(what, ns / r->floors.lifo_pair, limit, false, "x floor");
}

static void judge_pairs(const struct results *r, const char *workload, bool order0, double limit)
{
	unsigned int i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i];

		if (!strcmp(row->workload, workload) && !strcmp(row->allocator, OURS) &&
		    row->threads == 1 && (row->order == 0) == order0)
			judge_floor(r, row, "a pair", row->pair.median, limit);
	}
}

static void judge_bulk_rand(const struct results *r)
{
	const struct row *bulk = results_row(r, "bulk", 0, 1, OURS);
	const struct row *rand = results_row(r, "rand", 0, 1, OURS);

	if (bulk) {
		judge_floor(r, bulk, "to allocate", bulk->alloc.median, 4);
		judge_floor(r, bulk, "to free", bulk->free.median, 6);
	}
	if (rand)
		judge("rand 0, 1 thread, to free", rand->free.median / r->floors.chase_4mib, 0.16,
		      false, "x chase");
}

/* Huge pages: bulk by the floor, rand by what single pages take in this run. */
static void judge_huge_pages(const struct results *r)
{
	char what[96];

	for (unsigned int threads = 1; threads <= 2; threads++) {
		const struct row *bulk = results_row(r, "bulk", 9, threads, OURS);
		const struct row *rand = results_row(r, "rand", 9, threads, OURS);
		const struct row *pages = results_row(r, "rand", 0, threads, OURS);

		if (bulk) {
			judge_floor(r, bulk, "to allocate", bulk->alloc.median, 10);
			judge_floor(r, bulk, "to free", bulk->free.median, 12);
		}
		if (!rand || !pages)
			continue;
		snprintf(what, sizeof(what), "rand 9, %u thread%s, to free", threads,
			 threads == 1 ? "" : "s");
		judge(what, rand->free.median / pages->free.median, 1.2, false, "x rand 0");
	}
}

/* An operation of mixed is an allocation or a free; of exch and cross, one of each. */
static void judge_operations(const struct results *r, const char *workload, double limit)
{
	double per_pair = strcmp(workload, "mixed") ? 1 : 2;
	unsigned int i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i];

		if (strcmp(row->workload, workload) || strcmp(row->allocator, OURS))
			continue;
		judge_floor(r, row, "an operation", row->pair.median / per_pair, limit);
		if (row->failures)
			judge("  ... failures", row->failures, 0, false, "");
	}
}

/* Throughput of two threads on two CPUs, in those of one. */
static void judge_scaling(const struct results *r, const char *workload, double limit)
{
	const struct row *two;
	char what[96];
	unsigned int i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *one = &r->rows[i];

		if (strcmp(one->workload, workload) || strcmp(one->allocator, OURS) ||
		    one->threads != 1)
			continue;
		two = results_row(r, workload, one->order, 2, OURS);
		if (!two)
			continue;
		snprintf(what, sizeof(what), "%s %u, two threads", workload, one->order);
		judge(what, 2 * one->pair.median / two->pair.median, limit, true, "x one");
	}
}

/* Every cell in which somebody else is faster, by name. */
static void judge_peers(const struct results *r)
{
	unsigned int cells = 0, behind = 0, i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i], *peer = results_best_peer(r, row);

		if (strcmp(row->allocator, OURS) || !peer)
			continue;
		cells++;
		if (row->pair.median < peer->pair.median)
			continue;
		behind++;
		printf("  behind %s in %s, order %u, %u threads: %.1f ns a pair, %.1f\n",
		       peer->allocator, row->workload, row->order, row->threads, row->pair.median,
		       peer->pair.median);
	}
	if (cells)
		judge("cells in which a peer is ahead", behind, 0, false, "");
}

/* DESIGN D4's figures for 4 GiB, as parts of what is possible. */
static void judge_frags(const struct results *r)
{
	static const struct {
		const char *workload;
		unsigned int order;
		double part;
	} wanted[] = {
		{ "churn-50", 0, 1017.0 / 1024 }, { "churn-80", 0, 406.0 / 409 },
		{ "wave", 9, 261.0 / 1024 },      { "mixed-frag", 9, 0.95 },
		{ "mixed-frag", 3, 0.98 },
	};
	char what[96];
	unsigned int i, k;

	for (i = 0; i < r->nr_frags; i++) {
		const struct fragmentation *f = &r->frags[i];

		for (k = 0; k < sizeof(wanted) / sizeof(*wanted); k++) {
			if (strcmp(f->allocator, OURS) || strcmp(f->workload, wanted[k].workload) ||
			    f->order != wanted[k].order || !f->possible)
				continue;
			snprintf(what, sizeof(what), "%s, orders to %u", f->workload, f->order);
			/* Whole blocks: 126 of 128 are 99 %. */
			judge(what, f->blocks, (uint64_t)(wanted[k].part * f->possible), true,
			      "blocks");
		}
	}
}

static void judge_metadata(const struct results *r)
{
	const struct metadata *meta = results_meta(r, OURS, 1ull << 24);

	if (!meta)
		return;
	judge("metadata of 64 GiB", (double)meta->bytes / meta->pages, 1.4, false, "bytes/page");
	judge("init of 64 GiB", meta->init.median / 1e6, 3, false, "ms");
}

/* Time by the clock, interrupts and whatever else has the CPU included. */
static void judge_holds(const struct results *r)
{
	char what[96];

	for (unsigned int i = 0; i < r->nr_holds; i++) {
		snprintf(what, sizeof(what), "zone locks, %s, held (p99.99)", r->holds[i].what);
		judge(what, r->holds[i].p9999 / 1000, 5, false, "us");
	}
}

void targets_print(const struct results *r)
{
	printf("\ntargets (median of " OURS ", ratio in this run, limit)\n");
	judge_pairs(r, "repeat", true, 6);
	judge_pairs(r, "repeat", false, 7);
	judge_bulk_rand(r);
	judge_huge_pages(r);
	judge_operations(r, "mixed", 16);
	judge_operations(r, "exch", 24);
	judge_operations(r, "cross", 48);
	judge_scaling(r, "repeat", 1.8);
	judge_scaling(r, "mixed", 1.8);
	judge_scaling(r, "bulk", 1.6);
	judge_scaling(r, "rand", 1.6);
	judge_peers(r);
	judge_frags(r);
	judge_metadata(r);
	judge_holds(r);
	printf("  %u of %u met\n", judged - missed, judged);
}
