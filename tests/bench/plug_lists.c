/* SPDX-License-Identifier: MIT */
/*
 * An adapter of the benchmark (bench/plug.h): a list per order under one lock,
 * larger blocks are cut, nothing is merged. PLUG_TWICE, PLUG_LOST and
 * PLUG_LACKING make it wrong in one way each, which the benchmark must notice.
 */
#include <pthread.h>
#include <stdlib.h>

#include "plug.h"

#define PAGE 4096ull
#define ORDERS 11

struct lists {
	pthread_mutex_t lock;
	uint64_t *block[ORDERS]; /* stacks of first pages, from 1 on: 0 would be NULL */
	uint64_t nr[ORDERS];
	uint64_t free_pages;
	uint64_t allocs;
};

void *plug_open(uint64_t pages, unsigned int cpus)
{
	struct lists *lists = calloc(1, sizeof(*lists));
	uint64_t page = 1 << (ORDERS - 1);

	(void)cpus;
	pthread_mutex_init(&lists->lock, NULL);
	for (unsigned int order = 0; order < ORDERS; order++)
		lists->block[order] = malloc(pages * sizeof(uint64_t));
	for (; page <= pages; page += 1 << (ORDERS - 1))
		lists->block[ORDERS - 1][lists->nr[ORDERS - 1]++] = page;
	lists->free_pages = pages;
	return lists;
}

static uint64_t take(struct lists *lists, unsigned int order)
{
	unsigned int found = order;
	uint64_t page;

	while (found < ORDERS && !lists->nr[found])
		found++;
	if (found == ORDERS)
		return 0;
	page = lists->block[found][--lists->nr[found]];
	while (found-- > order)
		lists->block[found][lists->nr[found]++] = page + (1ull << found);
	lists->free_pages -= 1ull << order;
#ifdef PLUG_TWICE
	if (++lists->allocs == 100)
		lists->block[order][lists->nr[order]++] = page;
#endif
	return page;
}

void *plug_alloc(void *ctx, unsigned int order)
{
	struct lists *lists = ctx;
	uint64_t page;

	pthread_mutex_lock(&lists->lock);
	page = take(lists, order);
	pthread_mutex_unlock(&lists->lock);
	return (void *)(page * PAGE);
}

int plug_free(void *ctx, void *block, unsigned int order)
{
	struct lists *lists = ctx;

	pthread_mutex_lock(&lists->lock);
#ifdef PLUG_LOST
	if (++lists->allocs == 100)
		lists->free_pages--;
#endif
	lists->block[order][lists->nr[order]++] = (uint64_t)block / PAGE;
	lists->free_pages += 1ull << order;
	pthread_mutex_unlock(&lists->lock);
	return 0;
}

void plug_drain(void *ctx)
{
	(void)ctx;
}

#ifndef PLUG_LACKING
uint64_t plug_free_pages(void *ctx)
{
	return ((struct lists *)ctx)->free_pages;
}
#endif
