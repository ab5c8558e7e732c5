/* SPDX-License-Identifier: MIT */
/*
 * A stripe under its lock: which blocks are free, and nothing of who asks or why.
 *
 *	zone   |  group 0  |  group 1  |  group 2  |  group 3  |	64 to 1024 pageblocks each,
 *	stripe      0           1           0           1		or a span if that is larger
 *
 * Each stripe has its own lock, lists and counters. Merging never crosses a span, so what
 * is done in one stripe concerns no other. A zone of one stripe is locked as by Linux's
 * zone->lock. A function whose name begins with __ needs the stripe's lock; it takes a
 * `struct locked`, which lock_stripe() returns, or a part of one. These functions are
 * O(orders), O(batch) where they take several blocks, or O(pageblock) where they count a
 * pageblock or move its free blocks; they call nothing back but the trace hook.
 *
 * Splitting, where only block 8 of order 3 (frames 8-15) is free and order 0 is wanted:
 *	12-15 goes to order 2, 10-11 to order 1, 9 to order 0; 8 is handed out
 * Merging, when frame 8 comes back:
 *	buddy 9 (8 ^ 1) is free at order 0: merged to 8-9
 *	buddy 10 (8 ^ 2) at order 1: 8-11; buddy 12 (8 ^ 4) at order 2: 8-15, order 3
 */
#ifndef PB_CORE_STRIPE_H
#define PB_CORE_STRIPE_H

#include "base/frame.h"
#include "base/policy.h"
#include "base/trace.h"

struct locked {
	struct pb_pool *pool;
	struct zone *zone;
	struct stripe *stripe;
};

static inline struct locked lock_stripe(struct pb_pool *pool, struct zone *zone,
					struct stripe *stripe)
{
	pb_platform_lock(&stripe->lock);
	return (struct locked){ .pool = pool, .zone = zone, .stripe = stripe };
}

/* Lock the stripe that a frame lies in. */
static inline struct locked lock_frame(struct pb_pool *pool, struct zone *zone, u32 frame)
{
	return lock_stripe(pool, zone, frame_stripe(pool, zone, frame));
}

static inline void unlock_stripe(const struct locked *at)
{
	pb_platform_unlock(&at->stripe->lock);
}

/* The CPU's stripe of a zone, in which its allocations begin. */
static inline struct stripe *home_stripe(const struct pb_pool *pool, const struct zone *zone,
					 u32 cpu)
{
	return zone_stripe(pool, zone, cpu & (zone_stripes(zone) - 1));
}

#define counter_add(p, n) store_relaxed((p), *(p) + (n))

/*
 * Most blocks moved under one hold of a stripe's lock, and of a CPU's lists. Where holders
 * mask interrupts this bounds for how long (and the arrays on a kernel's stack); in a process
 * with restartable sequences each hold may cost a fence, so there batches are long.
 * PB_BATCH_MAX is set by a build that must decide as another build does, such as the
 * lesson's page.
 */
#ifdef PB_BATCH_MAX
#define ZONE_BATCH_MAX PB_BATCH_MAX
#elif defined(PB_PLATFORM_PERCPU)
#define ZONE_BATCH_MAX 512u
#else
#define ZONE_BATCH_MAX 4u
#endif
#define LONG_BATCHES (ZONE_BATCH_MAX > 64)
/* The same for blocks that are freed: fewer, as each may merge through every order. */
#define DRAIN_BATCH_MAX (LONG_BATCHES ? ZONE_BATCH_MAX : ZONE_BATCH_MAX - ZONE_BATCH_MAX / 4)

/* A migratetype as lists know it: a constant where there is only one. */
static inline unsigned int list_type(unsigned int type)
{
	return LIST_TYPES == 1 ? PB_MIGRATE_UNMOVABLE : type;
}

/* ---- counters */

/* Add to the free page counters of this type. It also counts a change in `version`, so a needless
   call would tell a request that is about to fail that somebody was at work. */
void __account(struct stripe *stripe, long pages, unsigned int type);

/* Add to NR_FREE_PAGES as Linux's watermarks see it, which lags behind (spec 13.1). `cpu`
   NO_CPU: the zone's counter changes at once. */
#define NO_CPU UINT32_MAX
void __count_free(const struct locked *at, u32 cpu, long pages);

/* ---- whole.c: what is free, and where */

/* Is exactly the block (frame, order) free? */
bool block_is_free(const struct pb_pool *pool, u32 frame, unsigned int order);
/* Order of the free block that contains the frame, or -1. */
int covering_order(const struct pb_pool *pool, u32 frame);
/* Is the pageblock free as a whole, by itself or in a larger block? */
static inline bool pageblock_is_free(const struct pb_pool *pool, u32 pageblock)
{
	return covering_order(pool, pageblock << pool->pageblock_order) >=
	       (int)pool->pageblock_order;
}

/* ---- pageblock.c: types, and what lies in a pageblock */

static inline bool migratetype_is_mergeable(unsigned int type)
{
	return type < PB_MIGRATE_PCPTYPES;
}

/* The class of per-CPU lists that frees of this zone and type go to, or NO_CLASS. */
static inline u16 zone_class(const struct pb_pool *pool, const struct zone *zone, unsigned int type)
{
	if (unlikely(type >= PB_MIGRATE_PCPTYPES)) {
		if (type == PB_MIGRATE_ISOLATE || !policy(pool)->reserved_as_movable)
			return NO_CLASS;
		type = PB_MIGRATE_MOVABLE;
	}
	if (pool->super->flags & PB_POOL_NO_PCP)
		return NO_CLASS;
	/* in units of half a list, as the fast paths index; class 0 is NO_CLASS */
	return (u16)((zone_number(pool, zone) * PB_MIGRATE_PCPTYPES + type + 1u)
		     << (pool->super->class_shift + 1u));
}

/* Does the whole pageblock lie in the zone? One that sticks out is never claimed (spec 6.7
   step 5). */
bool pageblock_in_zone(const struct pb_pool *pool, const struct zone *zone, u32 pageblock);
u32 pageblock_end(const struct pb_pool *pool, u32 frame);
/* Pages of a pageblock: the free ones, the others, and the allocated ones marked movable. */
u64 pageblock_free(const struct pb_pool *pool, u32 pageblock);
u32 __pages_in_use(const struct pb_pool *pool, u32 pageblock);
u64 pageblock_movable(const struct pb_pool *pool, u32 pageblock);
/* Set the type and the class only; free blocks stay on their lists. */
void __set_pageblock_type(const struct locked *at, u32 pageblock, unsigned int type);
/* The same for every pageblock of a block of at least pageblock_order. */
void __retype_block(const struct locked *at, u32 frame, unsigned int order, unsigned int type);
/* Move the pageblock's free blocks from `frame` on to the lists of `type`. The modern profile
   moves the whole pageblock, by setting its type; in the linux profile the type stays. Returns
   the free pages moved; *movable, unless NULL: allocated pages there that are marked movable. */
u64 __move_freepages_from(const struct locked *at, u32 frame, unsigned int type, u64 *movable);
u64 __move_freepages_block(const struct locked *at, u32 pageblock, unsigned int type, u64 *movable);

/* ---- block.c: split and merge */

/* Make a block free: merge it with its free buddies as far as their types allow. `to_tail`: on
   linked lists the merged block goes to the tail. */
void __free_one_page(const struct locked *at, u32 frame, unsigned int order, unsigned int type,
		     bool to_tail);
/* Split a block of order `high` that was taken off its list: its first 2^low frames stay out, the
   other halves become free. */
void __expand(const struct locked *at, u32 frame, unsigned int high, unsigned int low,
	      unsigned int type);
/* Take one block from the lists of `type` itself, or return NO_FRAME. */
u32 __rmqueue_smallest(const struct locked *at, unsigned int order, unsigned int type);
/* Take one block of a pageblock that is not free as a whole, as the target of a move, so that
   compaction breaks up no whole pageblock. NO_FRAME: there is none. */
u32 __rmqueue_partial(const struct locked *at, unsigned int order, unsigned int type);
/* Take exactly [frame, frame + 2^order) out of the free block around it; false: it isn't free. */
bool __take_exact(const struct locked *at, u32 frame, unsigned int order);

/* ---- rmqueue_bulk.c, free_bulk.c: many blocks; modern lists */

/* Take up to n blocks of one order and type, written downward from end[-1], all from lists no
   less tight than the first block's. Returns how many. */
u32 __rmqueue_bulk(const struct locked *at, unsigned int order, unsigned int type, u32 n, u32 *end);
/* Free n blocks of the zone, which merge. It sorts them so that a stripe's lock is taken about
   once for all its blocks, and once more for each pageblock that became whole. frames[] is
   used up. */
void free_bulk(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n, u32 *frames);

#endif
