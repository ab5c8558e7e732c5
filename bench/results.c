/* SPDX-License-Identifier: MIT */
/* The workers' lines (worker.h), read and kept. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MAX_FIELDS 20

/* One more element at the end of an array. */
static void *grow(void *array, unsigned int *count, size_t size)
{
	char *p = realloc(array, (*count + 1) * size);

	if (!p) {
		fprintf(stderr, "pagebuddy-bench: out of memory\n");
		exit(1);
	}
	memset(p + *count * size, 0, size);
	++*count;
	return p;
}

#define APPEND(r, array, count)                                           \
	((r)->array = grow((r)->array, &(r)->count, sizeof(*(r)->array)), \
	 &(r)->array[(r)->count - 1])

static double ns(const char *ps)
{
	return strtod(ps, NULL) / 1000;
}

static struct figure figure(char **field)
{
	return (struct figure){ ns(field[0]), ns(field[1]), ns(field[2]) };
}

static void name_copy(char *to, const char *from)
{
	snprintf(to, NAME_LEN, "%s", from);
}

static void add_row(struct results *r, char **f)
{
	struct row *row = APPEND(r, rows, nr_rows);

	name_copy(row->workload, f[1]);
	row->order = strtoul(f[2], NULL, 10);
	row->threads = strtoul(f[3], NULL, 10);
	name_copy(row->allocator, f[4]);
	row->alloc = figure(&f[5]);
	row->free = figure(&f[8]);
	row->pair = figure(&f[11]);
	row->failures = strtoull(f[14], NULL, 10);
}

double results_frag_part(const struct fragmentation *frag)
{
	return frag->possible ? (double)frag->blocks / frag->possible : 0;
}

static void add_frag(struct results *r, char **f)
{
	struct fragmentation *frag = APPEND(r, frags, nr_frags);

	name_copy(frag->workload, f[1]);
	frag->order = strtoul(f[2], NULL, 10);
	name_copy(frag->allocator, f[3]);
	frag->blocks = strtoull(f[4], NULL, 10);
	frag->possible = strtoull(f[5], NULL, 10);
	frag->failures = strtoull(f[6], NULL, 10);
	frag->least = frag->most = results_frag_part(frag);
	frag->seeds = 1;
}

static int by_part(const void *a, const void *b)
{
	double x = results_frag_part(a), y = results_frag_part(b);

	return (x > y) - (x < y);
}

void results_median_frag(struct results *r, unsigned int first)
{
	struct fragmentation *frag, median;
	unsigned int i, n = r->nr_frags - first;

	if (!n) /* the worker failed, and that was said */
		return;
	frag = r->frags + first;
	qsort(frag, n, sizeof(*frag), by_part);
	median = frag[(n - 1) / 2];
	median.least = frag[0].least;
	median.most = frag[n - 1].most;
	for (i = 0, median.failures = 0; i < n; i++)
		median.failures += frag[i].failures;
	frag[0] = median;
	frag[0].seeds = n;
	r->nr_frags = first + 1;
}

/* Peak memory is asked where all of it is held: rand, order 0, one thread. */
static void add_memory(struct results *r, char **f)
{
	struct memory *memory;

	if (strcmp(f[1], "rand") || strcmp(f[2], "0") || strcmp(f[3], "1"))
		return;
	memory = APPEND(r, memories, nr_memories);
	name_copy(memory->allocator, f[4]);
	memory->mib = strtod(f[5], NULL) / 1024;
	if (memory->mib < 0)
		memory->mib = 0;
}

static void add_meta(struct results *r, char **f)
{
	struct metadata *meta = APPEND(r, metas, nr_metas);

	name_copy(meta->allocator, f[1]);
	meta->pages = strtoull(f[2], NULL, 10);
	meta->bytes = strtoull(f[3], NULL, 10);
	meta->init = figure(&f[4]);
}

static void fill_spread(struct spread *s, char **f)
{
	name_copy(s->allocator, f[1]);
	s->count = strtoull(f[2], NULL, 10);
	name_copy(s->what, f[3]);
	s->p50 = ns(f[4]);
	s->p99 = ns(f[5]);
	s->p999 = ns(f[6]);
	s->p9999 = ns(f[7]);
	s->p99999 = ns(f[8]);
	s->max = ns(f[9]);
}

/* False: this is no line of a worker's. */
bool results_add_line(struct results *r, char *line)
{
	char *f[MAX_FIELDS] = { NULL };
	unsigned int n = 0;

	line[strcspn(line, "\r\n")] = 0;
	while (n < MAX_FIELDS && (f[n] = strsep(&line, "\t")))
		n++;
	if (n == 15 && !strcmp(f[0], "row"))
		add_row(r, f);
	else if (n == 7 && !strcmp(f[0], "frag"))
		add_frag(r, f);
	else if (n == 6 && !strcmp(f[0], "mem"))
		add_memory(r, f);
	else if (n == 7 && !strcmp(f[0], "meta"))
		add_meta(r, f);
	else if (n == 10 && !strcmp(f[0], "longest"))
		fill_spread(APPEND(r, spreads, nr_spreads), f);
	else if (n == 10 && !strcmp(f[0], "hold"))
		fill_spread(APPEND(r, holds, nr_holds), f);
	else
		return false;
	return true;
}

const struct row *results_row(const struct results *r, const char *workload, unsigned int order,
			      unsigned int threads, const char *allocator)
{
	unsigned int i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i];

		if (row->order == order && row->threads == threads &&
		    !strcmp(row->workload, workload) && !strcmp(row->allocator, allocator))
			return row;
	}
	return NULL;
}

const struct row *results_best_peer(const struct results *r, const struct row *beside)
{
	const struct row *best = NULL;
	unsigned int i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i];

		if (row->order != beside->order || row->threads != beside->threads ||
		    strcmp(row->workload, beside->workload) || row->failures ||
		    allocator_is_ours(row->allocator) || !strcmp(row->allocator, "harness"))
			continue;
		if (!best || row->pair.median < best->pair.median)
			best = row;
	}
	return best;
}

const struct metadata *results_meta(const struct results *r, const char *allocator, uint64_t pages)
{
	unsigned int i;

	for (i = 0; i < r->nr_metas; i++)
		if (r->metas[i].pages == pages && !strcmp(r->metas[i].allocator, allocator))
			return &r->metas[i];
	return NULL;
}
