/* SPDX-License-Identifier: MIT */
/*
 * The quarantine of a hardened pool: freed blocks wait here for N later frees before
 * they can be handed out again. A second free of one of them is noticed in the meantime, since
 * its page byte says that nobody owns it.
 *
 * Like cached frames of the per-CPU lists its blocks are neither free nor owned, and whatever
 * drains all CPUs' lists empties the quarantine, too.
 *
 * Lock order: its own comes before an area's, see docs/CONCURRENCY.md. It is held with interrupts masked,
 * for one block that comes and one that goes, or for a batch of those that go.
 */
#ifndef PB_CORE_QUARANTINE_H
#define PB_CORE_QUARANTINE_H

#include "zone/zone.h"

/* One slot of the ring. An empty one is all zero. */
struct quarantined {
	u32 frame;
	u32 order_plus_1;
};

/* The quarantine lies at the end of the metadata. `lock` protects it. */
struct quarantine {
	u32 lock;
	u32 next;                   /* slot of the next block that comes */
	u32 held;                   /* blocks in it: in the slots before `next` */
	struct quarantined slots[]; /* [super->quarantine_blocks] */
};

_Static_assert(sizeof(struct quarantine) == 12, "its bytes are counted with the slots'");

static inline u64 quarantine_bytes(const struct pb_super *super)
{
	u32 blocks = super->quarantine_blocks;

	return blocks ? sizeof(struct quarantine) + blocks * sizeof(struct quarantined) : 0;
}

static inline bool has_quarantine(const struct pb_pool *pool)
{
	return PB_WITH_QUARANTINE && unlikely(pool->super->quarantine_blocks);
}

/* pre: has_quarantine() */
static inline struct quarantine *pool_quarantine(const struct pb_pool *pool)
{
	u64 room = align_up(quarantine_bytes(pool->super), 64);

	return pool_at(pool, pool->super->bytes - room);
}

/* Put a block here whose page byte is clear already. Returns false if there is no quarantine, or a
   call is emptying the block's pageblock; the caller then frees the block. O(levels). */
bool __quarantine_put(struct pb_pool *pool, u32 frame, unsigned int order);
static inline bool quarantine_put(struct pb_pool *pool, u32 frame, unsigned int order)
{
	return has_quarantine(pool) && __quarantine_put(pool, frame, order);
}

/* Free every block that was put here before the call to its zone. O(blocks x levels). */
void __quarantine_flush(struct pb_pool *pool);
static inline void quarantine_flush(struct pb_pool *pool)
{
	if (has_quarantine(pool))
		__quarantine_flush(pool);
}

void lock_quarantine(struct pb_pool *pool);
void unlock_quarantine(struct pb_pool *pool);
/* Do its blocks of the zone have at least 2^order pages together? pre: it is locked. */
bool quarantine_holds(const struct pb_pool *pool, const struct zone *zone, unsigned int order);
/* Mix what changes with each block that comes or goes into the sum, see look_around(). Clears
   *still if somebody holds the lock. */
u64 quarantine_sum(const struct pb_pool *pool, u64 sum, bool *still);
/* Is the frame part of a block in here? Reads without the lock; for messages. O(blocks). */
bool quarantine_has(const struct pb_pool *pool, u32 frame);
/* Forget the blocks in here: nobody owns them, so recovery frees them with the rest. */
void quarantine_reset(struct pb_pool *pool);

#endif
