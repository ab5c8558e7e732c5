/* SPDX-License-Identifier: MIT */
/*
 * Zones: watermarks, reserves, fallback between migratetypes, pageblocks, and
 * the stripes with their locks.
 *
 * What excludes what (same zone):
 *
 *		    take    free    claim/steal  set type  watermarks  reserve
 *	take	    stripe  stripe  stripe       stripe    reads only  stripe
 *	free	            stripe  stripe       stripe    -           -
 *	claim/steal                 stripe       stripe    boost: zone stripe
 *	set type                                 stripe    -           zone
 *	watermarks                                         zone        zone
 *
 * "stripe": excluded when they meet in one stripe, by its lock; in different
 * stripes they run side by side. "zone": by zone->lock, taken before a stripe's
 * lock. Watermark checks read counters without a lock: they may be off by what
 * other CPUs do in that moment, never by more.
 *
 * Lock order: zone->lock < one stripe->lock. Nothing is called back under a
 * lock except the trace hook.
 */
#ifndef PB_CORE_ZONE_H
#define PB_CORE_ZONE_H

#include "block/free_area.h"
#include "zone/watermark_rules.h"

/*
 * Blocks moved under one hold of a stripe's lock, and of a CPU's lists. Where holders
 * mask interrupts it bounds for how long (and the arrays on a kernel's stack); a process
 * on restartable sequences pays for each hold with a fence instead. PB_BATCH_MAX: by a
 * build that is to take the very decisions of another one, such as the lesson's page.
 */
#ifdef PB_BATCH_MAX
#define ZONE_BATCH_MAX PB_BATCH_MAX
#elif defined(PB_PLATFORM_PERCPU)
#define ZONE_BATCH_MAX 512u
#else
#define ZONE_BATCH_MAX 8u
#endif

/* ---- watermark.c */

/* min_free_kbytes by spec 7.4, pages without a high watermark only. */
s32 default_min_free_kbytes(const struct pb_pool *pool);
/* Watermarks, lowmem_reserve and list sizes of every zone, from the tunables. sizes_lock. */
void __setup_per_zone_wmarks(struct pb_pool *pool);
/* Spec 6.2. `classzone`: zone type that lowmem_reserve is read for. */
bool zone_watermark_ok(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
		       u64 mark, unsigned int classzone, unsigned int alloc_flags, long free_pages);
bool zone_watermark_fast(const struct pb_pool *pool, const struct zone *zone, u32 cpu,
			 unsigned int order, u64 mark, unsigned int classzone,
			 unsigned int alloc_flags, pb_gfp_t gfp);
u64 wmark_pages(const struct zone *zone, enum pb_watermark mark); /* boost included */
/* True: boosted. Spec 7.2. */
bool boost_watermark(struct pb_pool *pool, struct zone *zone);

/* Exact at rest. */
long zone_free_pages(const struct pb_pool *pool, const struct zone *zone);
/* What watermarks and /proc/zoneinfo go by. */
long zone_vm_free_pages(const struct pb_pool *pool, const struct zone *zone);
long zone_free_cma(const struct pb_pool *pool, const struct zone *zone);
long zone_isolated_pages(const struct pb_pool *pool, const struct zone *zone);
unsigned long zone_nr_free(const struct pb_pool *pool, const struct zone *zone, unsigned int order);

/* ---- pageblocks */

/* Free pages of a pageblock, and allocated ones that are marked movable. */
void count_pageblock(const struct pb_pool *pool, u32 pageblock, u64 *free, u64 *movable);
/* Only the type and the class; free blocks stay on their lists. Stripe lock. */
void __set_pageblock_type(struct pb_pool *pool, const struct zone *zone, u32 pageblock,
			  unsigned int type);
/* Also moves the free blocks; returns the free pages moved. Stripe lock. */
u64 __move_freepages_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			   u32 pageblock, unsigned int type, u64 *movable);
/* The same from a frame to the end of its pageblock. */
u64 __move_freepages_from(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
			  unsigned int type, u64 *movable);
/* Which per-CPU lists a frame of this zone and type goes to, or NO_CLASS. */
u16 zone_class(const struct pb_pool *pool, const struct zone *zone, unsigned int type);

/* Spec 6.7 step 5: a pageblock that sticks out of the zone is never taken over. */
bool pageblock_in_zone(const struct pb_pool *pool, const struct zone *zone, u32 pageblock);

/* ---- blocks */

/* Stripe of the CPU, where its allocations begin. */
struct stripe *home_stripe(const struct pb_pool *pool, const struct zone *zone, u32 cpu);

/*
 * Up to n blocks of one order and type, from one stripe if it has any, with
 * fallback between migratetypes only if no stripe has (but a whole pageblock may be
 * claimed in the CPU's own, while others are at work). Takes locks. They are
 * written downward from end[-1]: the first is on top if end is a stack's end.
 * NR_FREE_PAGES falls by what was taken. Returns how many.
 */
u32 linked_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		      unsigned int type, unsigned int alloc_flags, u32 n, u32 *end);
/* One block past the per-CPU lists (rmqueue, spec 6.4), counted as allocated. */
u32 zone_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
	      unsigned int type, unsigned int alloc_flags);
/* linux profile: give the blocks of list 0 of `batch` back and merge, the first one first.
   (modern: tight_free_batch().) */
void linked_free_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		       struct free_list *batch);
/* Give one back; `count_free`: it is a free by a caller (PGFREE). */
void zone_free(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order,
	       bool count_free);
void __zone_free_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
		       unsigned int order, unsigned int type, bool to_tail);
/* Cut exactly [frame, frame + 2^order) out of the free block around it. */
bool __zone_take_exact(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
		       unsigned int order);
/* Blocks for a caller are counted by the stripe, refills by the pcp. Stripe lock. */
void __count_direct(struct stripe *stripe, unsigned int order, u32 got, unsigned int alloc_flags);
/* account(): NR_FREE_PAGES and its kin. Stripe lock. */
void __account(struct stripe *stripe, long pages, unsigned int type);
/* linux profile: Linux adds a change of NR_FREE_PAGES to this CPU's difference,
   and that to the zone's counter only when it exceeds a threshold (spec 13.1).
   `cpu` NO_CPU: straight to the counter. Stripe lock. */
#define NO_CPU UINT32_MAX
void __vmstat_add(struct pb_pool *pool, struct zone *zone, u32 cpu, long pages);
/* Restore lower halves' siblings: give back all of `frame`'s block of order
   `high` but its first 2^low frames. Stripe lock. */
void __expand(struct pb_pool *pool, struct zone *zone, struct stripe *stripe, u32 frame,
	      unsigned int high, unsigned int low, unsigned int type);
u32 __rmqueue_smallest(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
		       unsigned int order, unsigned int type);

/* linux profile: this pageblock's free blocks from `frame` on go to `type`'s lists. */
void __linked_move_from(struct pb_pool *pool, struct stripe *stripe, u32 frame, unsigned int type);
u32 __pageblock_end(const struct pb_pool *pool, u32 frame);

/* ---- linux_take.c */

/* A request at one zone of the linux profile, under its only stripe's lock. */
struct linux_take {
	struct pb_pool *pool;
	struct zone *zone;
	struct stripe *stripe;
	u32 cpu;
	unsigned int order, type, alloc_flags;
	bool steals; /* one block was taken from another type: so is the next (F9) */
};

/* One block as from 6.12 on, counted at once. */
u32 __linux_rmqueue(struct linux_take *t);
/* One block of `type` itself. */
u32 __linux_rmqueue_smallest(const struct linux_take *t, unsigned int type);

/* ---- fallback.c */

/* First fallback type with a block on the list of exactly this order, or -1. */
int find_suitable_fallback(const struct pb_pool *pool, const struct stripe *stripe,
			   unsigned int order, unsigned int want);
/* Is a block of this order worth its whole pageblock? */
bool can_steal(const struct pb_pool *pool, unsigned int order, unsigned int want);
/* Spec 6.7 steps 6 and 8: pages of the pageblock that go well with `want`. */
bool worth_claiming(const struct pb_pool *pool, unsigned int want, unsigned int old, u64 free,
		    u64 movable);
void retype_block(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order,
		  unsigned int type);
void note_boost(struct pb_pool *pool, struct zone *zone, unsigned int alloc_flags);
void count_steal(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order,
		 unsigned int wanted, unsigned int want, unsigned int from);

/* linux profile, spec 6.6, 6.7: move blocks to `type`'s lists; true: try again. */
bool __rmqueue_fallback(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			unsigned int order, unsigned int type, unsigned int alloc_flags);
/* modern profile, spec 6.10: convert a whole pageblock; true: now take from it. */
bool __rmqueue_claim(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
		     unsigned int order, unsigned int type, unsigned int alloc_flags);
/* modern profile, spec 6.10: the smallest block of *order or more that `want` may borrow
   is of *order and type *from. False: there is none. */
bool __find_to_steal(const struct pb_pool *pool, const struct stripe *stripe, unsigned int want,
		     unsigned int *order, unsigned int *from);
/* Spec 7.1. */
void reserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, u32 frame,
				  unsigned int order);
bool unreserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, unsigned int type,
				    bool force);

static inline bool migratetype_is_mergeable(unsigned int type)
{
	return type < PB_MIGRATE_PCPTYPES;
}

#endif
