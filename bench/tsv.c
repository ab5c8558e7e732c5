/* SPDX-License-Identifier: MIT */
/* --tsv: every row with its least and greatest, for plots.gp. "nan": no such figure. */
#include "bench.h"

static void print_figure(FILE *file, struct figure f)
{
	double v[3] = { f.median, f.min, f.max };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (v[i] < 0)
			fprintf(file, "\tnan");
		else
			fprintf(file, "\t%.3f", v[i]);
	}
}

int tsv_write(const struct results *r, const char *path)
{
	FILE *file = fopen(path, "w");
	unsigned int i;
	int failed;

	if (!file) {
		fprintf(stderr, "pagebuddy-bench: --tsv: cannot write %s\n", path);
		return -1;
	}
	fprintf(file, "workload\torder\tthreads\tallocator\talloc\talloc_min\talloc_max\tfree\t"
		      "free_min\tfree_max\tpair\tpair_min\tpair_max\tfloor\tfailures\n");
	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i];

		fprintf(file, "%s\t%u\t%u\t%s", row->workload, row->order, row->threads,
			row->allocator);
		print_figure(file, row->alloc);
		print_figure(file, row->free);
		print_figure(file, row->pair);
		fprintf(file, "\t%.3f\t%llu\n", r->floors.lifo_pair,
			(unsigned long long)row->failures);
	}
	failed = ferror(file);
	if (fclose(file) || failed) {
		fprintf(stderr, "pagebuddy-bench: --tsv: cannot write %s\n", path);
		return -1;
	}
	return 0;
}
