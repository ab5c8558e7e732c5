// SPDX-License-Identifier: MIT
/* Background and direct reclaim of the simulation. */

#include <stdlib.h>
#include <string.h>

#include "reclaim.h"

int pbr_reclaim_init(struct pbr_reclaim *reclaim, const struct pbr_plan *plan,
		     struct pbr_pool *pool, const uint32_t *slots)
{
	*reclaim = (struct pbr_reclaim){ .plan = plan, .pool = pool, .slots = slots };
	reclaim->room = 1 << 16;
	reclaim->queue = malloc(reclaim->room * sizeof(*reclaim->queue));
	reclaim->stamp = calloc((size_t)plan->nr_slots + 1, sizeof(*reclaim->stamp));
	if (reclaim->queue && reclaim->stamp)
		return 0;
	pbr_reclaim_clear(reclaim);
	return -1;
}

void pbr_reclaim_clear(struct pbr_reclaim *reclaim)
{
	free(reclaim->queue);
	free(reclaim->stamp);
	reclaim->queue = reclaim->stamp = NULL;
}

/* Moves the entries that count to the front, or makes room for twice as many. */
static bool make_room(struct pbr_reclaim *reclaim)
{
	uint32_t nr = 0;
	void *grown;

	for (uint32_t i = reclaim->head; i < reclaim->tail; i++) {
		uint32_t slot = reclaim->queue[i];

		if (reclaim->stamp[slot] != i + 1)
			continue;
		reclaim->queue[nr++] = slot;
		reclaim->stamp[slot] = nr;
	}
	reclaim->head = 0;
	reclaim->tail = nr;
	if (nr < reclaim->room / 2)
		return true;
	grown = realloc(reclaim->queue, 2 * (size_t)reclaim->room * sizeof(*reclaim->queue));
	if (!grown)
		return false;
	reclaim->queue = grown;
	reclaim->room *= 2;
	return true;
}

void pbr_reclaim_add(struct pbr_reclaim *reclaim, uint32_t slot)
{
	if (reclaim->tail == reclaim->room && !make_room(reclaim)) {
		reclaim->failed = true;
		return;
	}
	reclaim->queue[reclaim->tail++] = slot;
	reclaim->stamp[slot] = reclaim->tail;
}

void pbr_reclaim_drop(struct pbr_reclaim *reclaim, uint32_t slot)
{
	reclaim->stamp[slot] = 0;
}

/* Frees the oldest; returns how many pages it had, 0: there is none. */
static unsigned int reclaim_one(struct pbr_reclaim *reclaim)
{
	while (reclaim->head < reclaim->tail) {
		uint32_t at = reclaim->head++, slot = reclaim->queue[at];

		if (reclaim->stamp[slot] != at + 1)
			continue;
		reclaim->stamp[slot] = 0;
		if (!reclaim->slots[slot])
			continue;
		reclaim->release(reclaim->ctx, slot);
		return 1u << reclaim->plan->slot_order[slot];
	}
	return 0;
}

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
		if (reclaim->order_left <= 0)
			reclaim->order_left = gap;
		else if (order > reclaim->again)
			reclaim->again = order;
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
	if (lacks(reclaim, reclaim->again))
		reclaim->order_left = round_for(reclaim, reclaim->again);
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

void pbr_reclaim_until(struct pbr_reclaim *reclaim, uint64_t now)
{
	reclaim->now = now;
	if (!reclaim->awake || now <= reclaim->start)
		return;
	reclaim->budget += (double)(now - reclaim->start) * reclaim->plan->rates.kswapd;
	reclaim->start = now;
	work(reclaim);
	if (!reclaim->awake)
		compact(reclaim);
}

void pbr_reclaim_meanwhile(struct pbr_reclaim *reclaim, double ns)
{
	if (!reclaim->awake)
		return;
	reclaim->budget += ns * reclaim->plan->rates.kswapd;
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
