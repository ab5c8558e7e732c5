/* SPDX-License-Identifier: MIT */
#include "pcp/depot.h"

#include "base/trace.h"

#define BATCH_MAX 48u /* blocks in one batch */

/* The depot's area is the last one. */
static struct pcp_area *depot_area(const struct pb_pool *pool)
{
	return pcp_area(pool, pool->percpu_cpus);
}

/* The depot's list that belongs to a CPU's. */
static struct pcp_list *depot_list(const struct pcp_held *held, const struct pcp_list *list)
{
	const struct pcp_list *first = pcp_list(held->area, NO_CLASS, 0);

	return pcp_list(depot_area(held->pool), NO_CLASS, 0) + (list - first);
}

/* Number + 1 of the CPU that takes from a list of the depot; 0: none does. */
static s32 *taker_of(const struct pcp_held *held, const struct pcp_list *depots)
{
	return &pcp_cold(held->pool, depot_area(held->pool), depots)->row;
}

/* ------------------------------------------------------------ out */

u32 depot_take(const struct pcp_held *held, const struct pcp_list *list, u32 n, u32 *to)
{
	struct pcp_area *depot = depot_area(held->pool);
	struct pcp_list *from = depot_list(held, list);
	u32 count;

	if (!load_relaxed(taker_of(held, from)))
		store_relaxed(taker_of(held, from), (s32)held->cpu + 1);
	if (!pcp_entries(from) || tracing(held->pool) || !pcp_trylock(depot))
		return 0;
	count = pcp_entries(from);
	n = n < count ? n : count;
	n = n < BATCH_MAX ? n : BATCH_MAX;
	memcpy(to, pcp_stack(depot, from) + count - n, n * sizeof(*to));
	store_relaxed(&from->head, from->head - n);
	pcp_unlock(depot);
	return n;
}

/* ------------------------------------------------------------ in */

void depot_leave(const struct pcp_held *held, const struct pcp_list *list)
{
	s32 *taker = taker_of(held, depot_list(held, list));

	if (load_relaxed(taker) == (s32)held->cpu + 1)
		store_relaxed(taker, 0);
}

/* Pages that the depot holds of a zone. */
static u64 pages_there(const struct pb_pool *pool, const struct zone *zone)
{
	u64 pages = 0;

	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = pool->depot_order; goes_by_depot(pool, order); order++)
			pages += (u64)pcp_entries(pcp_list(depot_area(pool),
							   zone_class(pool, zone, type), order))
				 << order;
	return pages;
}

/* Is the depot open, and is there room for n more blocks? pre: it is locked. */
static bool has_room(const struct pcp_held *held, const struct zone_request *what,
		     const struct pcp_list *to, u32 n)
{
	u64 bound = (u64)load_relaxed(&what->zone->pcp_high_max);

	return !depot_area(held->pool)->closed && pcp_entries(to) + n <= to->room &&
	       pages_there(held->pool, what->zone) + ((u64)n << what->order) <= bound;
}

bool depot_give(const struct pcp_held *held, const struct zone_request *what, struct pcp_list *list)
{
	struct pcp_area *depot = depot_area(held->pool);
	struct pcp_list *to = depot_list(held, list);
	u32 count = pcp_entries(list), n = count - count / 4;
	bool given;

	if (!load_relaxed(taker_of(held, to)) || tracing(held->pool) || !pcp_trylock(depot))
		return false;
	n = n < BATCH_MAX ? n : BATCH_MAX;
	given = has_room(held, what, to, n);
	if (given) {
		memcpy(pcp_stack(depot, to) + pcp_entries(to),
		       pcp_stack(held->area, list) + count - n, n * sizeof(u32));
		store_relaxed(&to->head, to->head + n);
		store_relaxed(&list->head, list->head - n);
		counter_add(&pcp_cold(held->pool, held->area, list)->drained, n);
	}
	pcp_unlock(depot);
	if (!given) /* the taker does not come; if it comes later, it notes itself again */
		store_relaxed(taker_of(held, to), 0);
	return given;
}
