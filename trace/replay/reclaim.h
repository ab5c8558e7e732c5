/* SPDX-License-Identifier: MIT */
/*
 * Reclaim as a simulation does it, instead of as it was recorded.
 *
 *	the trace tells                        the model does
 *	which pages came to a file, when       they become reclaimable, oldest first
 *	which pages reclaim freed              not replayed: they stay until it is their turn
 *	how many kswapd freed while it ran     its rate
 *	how many a direct reclaim freed        what a request that waits gets
 *
 * kswapd wakes when the library would wake it, and sleeps when a zone is above
 * its high watermark and what was boosted has been reclaimed; then boosts go. For
 * an order of which no block is free it takes 2^(order + 1) pages before it is content,
 * and once more if one was asked for meanwhile and there is none still.
 */
#ifndef PB_REPLAY_RECLAIM_H
#define PB_REPLAY_RECLAIM_H

#include "internal.h"
#include "pool.h"

struct pbr_reclaim {
	struct pbr_pool *pool;
	const struct pbr_plan *plan;
	const uint32_t *slots;                     /* the simulation's */
	void (*release)(void *ctx, uint32_t slot); /* frees the page of a slot */
	void *ctx;
	uint32_t *queue; /* slots, oldest first; stale unless stamp[slot] is the index */
	uint32_t *stamp; /* [slots] index in queue + 1, or 0 */
	uint32_t head, tail, room;
	bool awake, failed, helped; /* the last: the request under way has had its turn */
	int64_t order_left;         /* pages to reclaim for a block of the order that woke it */
	unsigned int compact;       /* an order that background compaction is to make; 0: none */
	unsigned int again;         /* an order that was wanted meanwhile: another round; 0: none */
	int64_t boost_left;         /* pages to reclaim before a boost goes */
	double budget;              /* pages kswapd may take by now */
	uint64_t now, start;        /* ns: event under way; kswapd runs from here */
	uint32_t random;
	uint64_t by_kswapd, by_tasks; /* pages */
};

int pbr_reclaim_init(struct pbr_reclaim *reclaim, const struct pbr_plan *plan,
		     struct pbr_pool *pool, const uint32_t *slots);
void pbr_reclaim_clear(struct pbr_reclaim *reclaim);
/* The page of this slot may be reclaimed from now on, as the youngest of all. */
void pbr_reclaim_add(struct pbr_reclaim *reclaim, uint32_t slot);
/* It has an owner again who frees it. */
void pbr_reclaim_drop(struct pbr_reclaim *reclaim, uint32_t slot);
/* For a request of this order. */
void pbr_reclaim_wake(struct pbr_reclaim *reclaim, unsigned int order);
/* kswapd's work up to time `now`. */
void pbr_reclaim_until(struct pbr_reclaim *reclaim, uint64_t now);
/* So much time (ns) goes by that is not in the trace. */
void pbr_reclaim_meanwhile(struct pbr_reclaim *reclaim, double ns);
/* A request of this order waits; returns the pages it got. One above PBR_COSTLY_ORDER is
   not helped twice: the kernel gives up if no block is free then. */
unsigned long pbr_reclaim_direct(struct pbr_reclaim *reclaim, unsigned int order);

#endif
