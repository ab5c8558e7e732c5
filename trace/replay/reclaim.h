/* SPDX-License-Identifier: MIT */
/*
 * Reclaim as a simulation does it, instead of as it was recorded.
 *
 *	the trace tells                        the model does
 *	which pages came to a file, when       they become reclaimable, oldest first
 *	in which order they were reclaimed     or, in every other run, in that order
 *	which pages reclaim freed              not replayed: they stay until it is their turn
 *	how many kswapd freed while it ran     its rate, for blocks above order 3 apart
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

/* A page that may be reclaimed; those of an earlier turn go first, then the older ones. */
struct pbr_candidate {
	uint64_t turn;
	uint32_t stamp, slot;
};

struct pbr_reclaim {
	struct pbr_pool *pool;
	const struct pbr_plan *plan;
	const uint32_t *slots;                     /* the simulation's */
	void (*release)(void *ctx, uint32_t slot); /* frees the page of a slot */
	void *ctx;
	struct pbr_candidate *heap; /* stale unless stamp[slot] is its stamp */
	uint32_t *stamp;            /* [slots] 0: it can't be reclaimed */
	uint64_t *turn; /* [slots] 1 + operation that reclaimed it when recorded, 0: none
	                               did; NULL: all by age */
	uint32_t nr, room, stamps;
	bool awake, failed, helped; /* the last: the request under way has had its turn */
	int64_t order_left;         /* pages to reclaim for a block of the order that woke it */
	unsigned int order;         /* that order_left is for */
	unsigned int compact;       /* an order that background compaction is to make; 0: none */
	unsigned int again;         /* an order that was wanted meanwhile: another round; 0: none */
	int64_t boost_left;         /* pages to reclaim before a boost goes */
	double budget;              /* pages kswapd may take by now */
	uint64_t now, start;        /* ns: event under way; kswapd runs from here */
	uint32_t random;
	uint64_t by_kswapd, by_tasks; /* pages */
};

/* by_turn: pages go in the order in which they were reclaimed when it was recorded, those that
   were not after them; else the one longest unused first. */
int pbr_reclaim_init(struct pbr_reclaim *reclaim, const struct pbr_plan *plan,
		     struct pbr_pool *pool, const uint32_t *slots, bool by_turn);
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
