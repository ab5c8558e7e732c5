// SPDX-License-Identifier: MIT
/*
 * page_alloc.shuffle=1: whether a block of the largest order that a free has made goes to
 * the head or the tail of its list is drawn by lot. The log has the lists after each such
 * call, so the lots can be read from them:
 *
 *	the library, all to the head      new(last) .. new(first) | what was there
 *	the kernel                        new .. | what was there | .. new
 *
 * From the last block that came to the first: each must be at one end of the kernel's list,
 * without those that came after it. Those at the tail go there in the library's list, too.
 * Anything else is a difference.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "diff.h"

struct list {
	uint64_t *pfn;
	size_t n;
};

static int add_pfn(void *ctx, uint64_t pfn)
{
	struct list *list = ctx;
	uint64_t *bigger = realloc(list->pfn, (list->n + 1) * sizeof(*bigger));

	if (!bigger)
		return 1;
	list->pfn = bigger;
	list->pfn[list->n++] = pfn;
	return 0;
}

static const struct diff_zone *zone_of(const struct diff_phase *phase, uint64_t pfn)
{
	for (size_t i = 0; i < phase->before.nr_zones; i++) {
		const struct diff_zone *zone = &phase->before.zone[i];

		if (pfn >= zone->start_pfn && pfn < zone->start_pfn + zone->spanned)
			return zone;
	}
	return NULL;
}

/* The library's list of the largest order. */
static struct list walk(struct pb_pool *pool, const struct diff_phase *phase,
			const struct diff_zone *zone, unsigned int type)
{
	struct list list = { NULL, 0 };

	pb_walk_free_list(pool, phase->node, zone->type, DIFF_ORDERS - 1, type, add_pfn, &list);
	return list;
}

/* The kernel's list of that type after operation `op`; `lot` is the first after it. */
static struct list kernel_list(const struct diff_phase *phase, size_t lot, size_t op,
			       unsigned int type)
{
	struct list list = { NULL, 0 };

	for (; lot < phase->nr_lots && phase->lot[lot].op == op; lot++)
		if (phase->lot[lot].type == type)
			(void)add_pfn(&list, phase->lot[lot].pfn);
	return list;
}

static bool same(const struct list *a, size_t at, const struct list *b, size_t from, size_t n)
{
	return !n || !memcmp(a->pfn + at, b->pfn + from, n * sizeof(*a->pfn));
}

/* Reads the lots of the blocks that are new in `now`; true: they explain the kernel's list.
   tail[i]: now.pfn[i] went to the tail. */
static bool read_lots(const struct list *was, const struct list *now, const struct list *kernel,
		      bool *tail)
{
	size_t low = 0, high = kernel->n, new = now->n - was->n;

	if (now->n != kernel->n || now->n < was->n || !same(now, new, was, 0, was->n))
		return false;
	for (size_t i = 0; i < new; i++) {
		tail[i] = now->pfn[i] != kernel->pfn[low];
		if (tail[i] && now->pfn[i] != kernel->pfn[high - 1])
			return false;
		low += !tail[i];
		high -= tail[i];
	}
	return same(now, new, kernel, low, was->n);
}

/* Moves what went to the tail in the kernel, the first one that came first. */
static void settle(struct pb_pool *pool, const struct list *was, const struct list *now,
		   const struct list *kernel, struct diff_result *result)
{
	bool *tail = calloc(now->n + 1, sizeof(*tail));

	if (!tail)
		return;
	if (read_lots(was, now, kernel, tail))
		for (size_t i = now->n - was->n; i-- > 0; result->lots++)
			if (tail[i])
				(void)pb_state_move_free(pool, now->pfn[i], DIFF_ORDERS - 1, true);
	free(tail);
}

static void compare(const struct list *library, const struct list *kernel, size_t op,
		    unsigned int type, struct diff_result *result)
{
	if (library->n != kernel->n || !same(library, 0, kernel, 0, kernel->n))
		diff_found(result,
			   "operation %zu: no lots explain the kernel's list of order %d, %s", op,
			   DIFF_ORDERS - 1, pb_migratetype_name(type));
}

struct diff_lists {
	const struct diff_zone *zone;
	struct list list[PB_MIGRATE_TYPES];
};

struct diff_lists *diff_lots_before(struct pb_pool *pool, const struct diff_phase *phase,
				    size_t lot)
{
	struct diff_lists *lists = calloc(1, sizeof(*lists));

	if (!lists)
		return NULL;
	lists->zone = zone_of(phase, phase->lot[lot].pfn);
	for (unsigned int type = 0; lists->zone && type < PB_MIGRATE_TYPES; type++)
		lists->list[type] = walk(pool, phase, lists->zone, type);
	return lists;
}

size_t diff_lots_after(struct pb_pool *pool, const struct diff_phase *phase, size_t lot,
		       struct diff_lists *lists, struct diff_result *result)
{
	size_t op = phase->lot[lot].op;

	for (unsigned int type = 0; lists && lists->zone && type < PB_MIGRATE_TYPES; type++) {
		struct list kernel = kernel_list(phase, lot, op, type);
		struct list now = walk(pool, phase, lists->zone, type);

		settle(pool, &lists->list[type], &now, &kernel, result);
		free(now.pfn);
		now = walk(pool, phase, lists->zone, type);
		compare(&now, &kernel, op, type, result);
		free(now.pfn);
		free(kernel.pfn);
		free(lists->list[type].pfn);
	}
	if (lists && !lists->zone)
		diff_found(result, "operation %zu: pfn 0x%" PRIx64 " is in no zone", op,
			   phase->lot[lot].pfn);
	free(lists);
	while (lot < phase->nr_lots && phase->lot[lot].op == op)
		lot++;
	return lot;
}
