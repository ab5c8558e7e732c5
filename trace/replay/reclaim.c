// SPDX-License-Identifier: MIT
/* Background and direct reclaim of the simulation. */

#include <stdlib.h>
#include <string.h>

#include "reclaim.h"

/* By recorded turn: when the recorded kernel reclaimed each page. */
static bool init_turns(struct pbr_reclaim *reclaim)
{
	const struct pbr_plan *plan = reclaim->plan;

	reclaim->turn = calloc((size_t)plan->nr_slots + 1, sizeof(*reclaim->turn));
	for (uint64_t i = 0; reclaim->turn && i < plan->nr_ops; i++)
		if (plan->ops[i].kind == PBR_OP_RECLAIMED)
			reclaim->turn[plan->ops[i].slot] = i + 1;
	return reclaim->turn;
}

int pbr_reclaim_init(struct pbr_reclaim *reclaim, const struct pbr_plan *plan,
		     struct pbr_pool *pool, const uint32_t *slots, bool by_turn)
{
	*reclaim = (struct pbr_reclaim){ .plan = plan, .pool = pool, .slots = slots };
	reclaim->room = 1 << 16;
	reclaim->heap = malloc(reclaim->room * sizeof(*reclaim->heap));
	reclaim->stamp = calloc((size_t)plan->nr_slots + 1, sizeof(*reclaim->stamp));
	if (reclaim->heap && reclaim->stamp && (!by_turn || init_turns(reclaim)))
		return 0;
	pbr_reclaim_clear(reclaim);
	return -1;
}

void pbr_reclaim_clear(struct pbr_reclaim *reclaim)
{
	free(reclaim->heap);
	free(reclaim->stamp);
	free(reclaim->turn);
	reclaim->heap = NULL;
	reclaim->stamp = NULL;
	reclaim->turn = NULL;
}

/* ------------------------------------------------------- who is to go, first on top */

static bool is_before(const struct pbr_candidate *a, const struct pbr_candidate *b)
{
	return a->turn < b->turn || (a->turn == b->turn && a->stamp < b->stamp);
}

static void push(struct pbr_reclaim *reclaim, struct pbr_candidate new)
{
	uint32_t at = reclaim->nr++;

	for (; at && is_before(&new, &reclaim->heap[(at - 1) / 2]); at = (at - 1) / 2)
		reclaim->heap[at] = reclaim->heap[(at - 1) / 2];
	reclaim->heap[at] = new;
}

static struct pbr_candidate pop(struct pbr_reclaim *reclaim)
{
	struct pbr_candidate *heap = reclaim->heap;
	struct pbr_candidate top = heap[0], last = heap[--reclaim->nr];
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < reclaim->nr) {
		if (child + 1 < reclaim->nr && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return top;
}

/* Leaves out those that no longer count; if they were few, makes room for twice as many. */
static bool make_room(struct pbr_reclaim *reclaim)
{
	uint32_t nr = reclaim->nr;
	void *grown;

	reclaim->nr = 0;
	for (uint32_t i = 0; i < nr; i++) {
		struct pbr_candidate old = reclaim->heap[i];

		if (reclaim->stamp[old.slot] == old.stamp)
			push(reclaim, old); /* writes at i or before */
	}
	if (reclaim->nr < reclaim->room / 2)
		return true;
	grown = realloc(reclaim->heap, 2 * (size_t)reclaim->room * sizeof(*reclaim->heap));
	if (!grown)
		return false;
	reclaim->heap = grown;
	reclaim->room *= 2;
	return true;
}

void pbr_reclaim_add(struct pbr_reclaim *reclaim, uint32_t slot)
{
	const uint64_t last = UINT64_MAX; /* after all that were reclaimed when it was recorded */
	uint64_t turn = 0;

	if (reclaim->nr == reclaim->room && !make_room(reclaim)) {
		reclaim->failed = true;
		return;
	}
	if (reclaim->turn)
		turn = reclaim->turn[slot] ? reclaim->turn[slot] : last;
	reclaim->stamp[slot] = ++reclaim->stamps;
	push(reclaim, (struct pbr_candidate){ turn, reclaim->stamp[slot], slot });
}

void pbr_reclaim_drop(struct pbr_reclaim *reclaim, uint32_t slot)
{
	reclaim->stamp[slot] = 0;
}

/* Frees the first; returns how many pages it had, 0: there is none. */
static unsigned int reclaim_one(struct pbr_reclaim *reclaim)
{
	while (reclaim->nr) {
		struct pbr_candidate first = pop(reclaim);

		if (reclaim->stamp[first.slot] != first.stamp)
			continue;
		reclaim->stamp[first.slot] = 0;
		if (!reclaim->slots[first.slot])
			continue;
		reclaim->release(reclaim->ctx, first.slot);
		return 1u << reclaim->plan->slot_order[first.slot];
	}
	return 0;
}

/* ----------------------------------------------------------------------- kswapd */

/* Is a zone above its high watermark? The highest one decides for requests of any kind,
   the lower ones with what is kept from these. */
static bool balanced(const struct pbr_reclaim *reclaim)
{
	struct pb_zone_stat zone;

	for (unsigned int i = 0; !pb_zone_stats(&reclaim->pool->pool, i, &zone); i++)
		if (zone.managed &&
		    zone.vm_free > (int64_t)(zone.watermark[PB_WMARK_HIGH] + zone.boost +
					     zone.lowmem_reserve[PB_ZONE_NORMAL]))
			return true;
	return false;
}

static uint32_t next_random(struct pbr_reclaim *reclaim)
{
	reclaim->random = reclaim->random * 1664525u + 1013904223u;
	return reclaim->random >> 8;
}

/* Is no block of this order or above free? */
static bool lacks(const struct pbr_reclaim *reclaim, unsigned int order)
{
	struct pb_zone_stat zone;

	for (unsigned int i = 0; !pb_zone_stats(&reclaim->pool->pool, i, &zone); i++)
		for (unsigned int o = order; o <= PB_MAX_ORDER; o++)
			if (zone.nr_free[o])
				return false;
	return true;
}

/* Pages of a round for a block of this order: twice the block, or what it was recorded to be. */
static int64_t round_for(const struct pbr_reclaim *reclaim, unsigned int order)
{
	const uint64_t *rounds = reclaim->plan->rates.rounds;
	int64_t least = order ? INT64_C(2) << order : 0, recorded = 0;

	if (order > PBR_COSTLY_ORDER && rounds[order])
		recorded = (int64_t)(reclaim->plan->rates.round_pages[order] / rounds[order]);
	return recorded > least ? recorded : least;
}

void pbr_reclaim_wake(struct pbr_reclaim *reclaim, unsigned int order)
{
	struct pb_zone_stat zone;
	int64_t gap = round_for(reclaim, order);

	if (gap && lacks(reclaim, order)) {
		if (order > reclaim->compact)
			reclaim->compact = order;
		if (reclaim->order_left <= 0) {
			reclaim->order_left = gap;
			reclaim->order = order;
		} else if (order > reclaim->again) {
			reclaim->again = order;
		}
	}
	if (reclaim->awake)
		return;
	reclaim->awake = true;
	/* Others may be ahead of it: up to half a millisecond until it runs. */
	reclaim->start = reclaim->now + (reclaim->random ? next_random(reclaim) % 500000 : 0);
	reclaim->budget = 0;
	reclaim->boost_left = 0;
	for (unsigned int i = 0; !pb_zone_stats(&reclaim->pool->pool, i, &zone); i++)
		reclaim->boost_left += (int64_t)zone.boost;
}

static void go_to_sleep(struct pbr_reclaim *reclaim)
{
	pbr_pool_reclaimed(reclaim->pool);
	reclaim->awake = false;
	reclaim->order_left = 0;
	reclaim->again = 0;
}

/* What was asked for while it was at it. */
static void next_round(struct pbr_reclaim *reclaim)
{
	if (reclaim->order_left > 0 || !reclaim->again)
		return;
	if (lacks(reclaim, reclaim->again)) {
		reclaim->order_left = round_for(reclaim, reclaim->again);
		reclaim->order = reclaim->again;
	}
	reclaim->again = 0;
}

static void work(struct pbr_reclaim *reclaim)
{
	while (reclaim->budget >= 1) {
		unsigned int pages;

		next_round(reclaim);
		if (reclaim->boost_left <= 0 && reclaim->order_left <= 0 && balanced(reclaim)) {
			go_to_sleep(reclaim);
			return;
		}
		pages = reclaim_one(reclaim);
		if (!pages) {
			go_to_sleep(reclaim);
			return;
		}
		reclaim->by_kswapd += pages;
		reclaim->boost_left -= pages;
		reclaim->order_left -= pages;
		reclaim->budget -= pages;
	}
}

/* kcompactd: kswapd sleeps, and there is still no block of the order that woke it. */
static void compact(struct pbr_reclaim *reclaim)
{
	struct pbr_pool *pool = reclaim->pool;

	if (reclaim->compact && pool->move && lacks(reclaim, reclaim->compact) &&
	    pool->try_compact(pool->move_ctx, true))
		pb_compact(&pool->pool, PB_NO_NODE, reclaim->compact, 1);
	reclaim->compact = 0;
}

/* Pages a ns: it is faster where it has nothing to wait for. */
static double rate_now(const struct pbr_reclaim *reclaim)
{
	return reclaim->plan->rates
		.kswapd[reclaim->order_left > 0 && reclaim->order > PBR_COSTLY_ORDER]
		.rate;
}

void pbr_reclaim_until(struct pbr_reclaim *reclaim, uint64_t now)
{
	reclaim->now = now;
	if (!reclaim->awake || now <= reclaim->start)
		return;
	reclaim->budget += (double)(now - reclaim->start) * rate_now(reclaim);
	reclaim->start = now;
	work(reclaim);
	if (!reclaim->awake)
		compact(reclaim);
}

void pbr_reclaim_meanwhile(struct pbr_reclaim *reclaim, double ns)
{
	if (!reclaim->awake)
		return;
	reclaim->budget += ns * rate_now(reclaim);
	work(reclaim);
}

unsigned long pbr_reclaim_direct(struct pbr_reclaim *reclaim, unsigned int order)
{
	const struct pbr_direct *rate = &reclaim->plan->rates.direct[order > PBR_COSTLY_ORDER];
	unsigned long got = 0;

	if (order > PBR_COSTLY_ORDER && reclaim->helped)
		return 0;
	reclaim->helped = true;
	/* kswapd goes on while the task is at it. */
	pbr_reclaim_meanwhile(reclaim, rate->ns);
	while (got < rate->pages) {
		unsigned int pages = reclaim_one(reclaim);

		if (!pages)
			break;
		got += pages;
	}
	reclaim->by_tasks += got;
	return got;
}
