/* SPDX-License-Identifier: MIT */
/* Median, least and greatest of a few runs. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stdint.h>
#include <stdlib.h>

struct bench_stat {
	int64_t median, min, max; /* ps */
};

static inline int bench_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts v. No value: -1 each. */
static inline struct bench_stat bench_stat(int64_t *v, unsigned int n)
{
	if (!n)
		return (struct bench_stat){ -1, -1, -1 };
	qsort(v, n, sizeof(*v), bench_compare);
	return (struct bench_stat){ n & 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2, v[0],
				    v[n - 1] };
}

#endif
