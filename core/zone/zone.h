/* SPDX-License-Identifier: MIT */
/*
 * Zones: which block to give. Watermarks, reserves, fallback between migratetypes, the
 * choice of a stripe. Which blocks are free is the stripes' (block/stripe.h).
 *
 * What excludes what (same zone):
 *
 *		    take    free    claim/steal  set type  watermarks  reserve
 *	take	    stripe  stripe  stripe       stripe    reads only  stripe
 *	free	            stripe  stripe       stripe    -           -
 *	claim/steal                 stripe       stripe    boost: atomic stripe
 *	set type                                 stripe    -           zone
 *	watermarks                                         sizes_lock  -
 *
 * "stripe": excluded when they meet in one stripe, by its lock; in different
 * stripes they run side by side. "zone": by zone->lock, taken before a stripe's
 * lock. Watermark checks read counters without a lock: they may be off by what
 * other CPUs do in that moment, and in the linux profile by what each CPU holds back.
 *
 * Lock order: zone->lock, then one stripe->lock; only lock_everything() and the fork
 * handlers take several stripes', in the order of their numbers. Under these locks nothing
 * is called back but the trace hook.
 */
#ifndef PB_CORE_ZONE_H
#define PB_CORE_ZONE_H

#include "block/free_area.h"
#include "base/watermark_rules.h"

/* A request as one zone sees it. */
struct zone_request {
	struct pb_pool *pool;
	struct zone *zone;
	u32 cpu;
	unsigned int order, type, alloc_flags;
};

/* ---- watermark.c */

/* What a watermark test asks of a zone (spec 6.2). */
struct wmark_test {
	u64 mark; /* pages */
	unsigned int order;
	unsigned int classzone; /* zone type that lowmem_reserve is read for */
	unsigned int alloc_flags;
	u32 cpu;      /* zone_watermark_fast(): whose home stripe is looked at first */
	pb_gfp_t gfp; /* the same: may a boost be passed over? */
};

/* Would the zone keep the mark, had it so many free pages, and has it a block of the order? */
bool zone_watermark_ok(const struct pb_pool *pool, const struct zone *zone,
		       const struct wmark_test *test, long free_pages);
/* The same, with the zone's own free pages. Most requests are answered without reading counters
   that other CPUs write. */
bool zone_watermark_fast(const struct pb_pool *pool, const struct zone *zone,
			 const struct wmark_test *test);
u64 wmark_pages(const struct zone *zone, enum pb_watermark mark); /* boost included */
/* Raise the zone's boost (spec 7.2); false: boosts are off, or would make the zone unusable. */
bool boost_watermark(struct pb_pool *pool, struct zone *zone);

/* Sums over the zone's stripes: exact while no call changes them. */
long zone_free_pages(const struct pb_pool *pool, const struct zone *zone);
/* NR_FREE_PAGES as watermarks and /proc/zoneinfo see it: it lags behind in the linux profile. */
long zone_vm_free_pages(const struct pb_pool *pool, const struct zone *zone);
long zone_free_cma(const struct pb_pool *pool, const struct zone *zone);
long zone_isolated_pages(const struct pb_pool *pool, const struct zone *zone);
unsigned long zone_nr_free(const struct pb_pool *pool, const struct zone *zone, unsigned int order);

/* ---- sizes.c */

/* Default of min_free_kbytes (spec 7.4): it counts the pages above each zone's high watermark. */
s32 default_min_free_kbytes(const struct pb_pool *pool);
/* Compute every zone's watermarks, lowmem_reserve and list sizes from the tunables. The caller
   holds sizes_lock. */
void __setup_per_zone_wmarks(struct pb_pool *pool);

/* ---- rmqueue.c */

/*
 * Modern profile: take up to n blocks, all from one stripe. Fallback between migratetypes
 * begins only when no stripe has a block of the type, except that a whole pageblock of the
 * first stripe may be claimed while other CPUs are at work. Takes stripe locks. The blocks
 * are written downward from end[-1], so the first is on top if `end` is a stack's end.
 * Returns how many.
 */
u32 rmqueue_bulk(const struct zone_request *request, u32 n, u32 *end);
/* Take one block, or one block of the reserve for atomic requests. NO_FRAME: there is none. */
u32 rmqueue_one(const struct zone_request *request);
u32 rmqueue_reserve(const struct zone_request *request);
/* Take one block for a caller, past the per-CPU lists (spec 6.4), by the policy's functions.
   Marks the request ALLOC_DIRECT. */
u32 rmqueue_buddy(struct zone_request *request);
/* Count the blocks of an ALLOC_DIRECT request; those of refills are counted by the lists. */
void __count_direct(struct stripe *stripe, const struct zone_request *request, u32 got);
/* Free a caller's block past the per-CPU lists; the stripe counts it (PGFREE). */
void free_one_page(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order);
/* The same of n blocks of the zone and order; their array is used up. */
void free_pages_bulk(const struct zone_request *what, u32 n, u32 *frames);
/* Return a block that no caller freed, so that it is not counted as a free. */
void return_page(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order);
/* Order of the largest aligned block that begins here and ends by `end`. */
unsigned int largest_order(const struct pb_pool *pool, u32 frame, u32 end);
/* Give frames to the allocator for the first time: free [frame, end) in the largest aligned
   blocks and count them as managed. */
void release_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end);
/* The common part of free_one_page() and return_page(), under the stripe's lock. */
void __free_typed(const struct locked *at, u32 cpu, u32 frame, unsigned int order,
		  unsigned int type);

/* ---- fallback.c */

/* First fallback type with a block on the list of exactly this order, or -1. */
int find_suitable_fallback(const struct pb_pool *pool, const struct stripe *stripe,
			   unsigned int order, unsigned int want);
/* May a free block of this order lead to its whole pageblock being claimed? */
bool can_steal(const struct pb_pool *pool, unsigned int order, unsigned int want);
/* Do so many of the pageblock's pages go well with `want` that its type should change? Spec 6.7
   steps 6 and 8. */
bool worth_claiming(const struct pb_pool *pool, unsigned int want, unsigned int old, u64 free,
		    u64 movable);
/* The same, with the pageblock's own counts. */
bool is_worth_claiming(const struct pb_pool *pool, unsigned int want, u32 pageblock);
/* First frame of the pageblock from which on free blocks are moved (spec 6.7 step 5); NO_FRAME:
   none are. */
u32 steal_from(const struct pb_pool *pool, const struct zone *zone, u32 frame);
/* The least order of a block that may be taken from another type. */
unsigned int lowest_fallback_order(const struct zone_request *request);
/* Boost the watermarks, and flag the zone if the request may wake reclaim for it. */
void note_boost(const struct zone_request *request);
/* Count and trace that a block of `order` of type `from` served the request. */
void count_steal(const struct zone_request *request, u32 frame, unsigned int order,
		 unsigned int from);
/* Spec 6.10: claim the pageblock of the first free block of this order; true: now take from it.
   Call it once per hold of the lock, since counting a pageblock takes long. */
bool __rmqueue_claim(const struct locked *at, const struct zone_request *request,
		     unsigned int order);
/* Spec 6.10: the smallest block that the type may borrow, or NO_FRAME. */
u32 __rmqueue_steal(const struct locked *at, const struct zone_request *request);

/* ---- highatomic.c, spec 7.1 */

/* Move the pageblocks of a block that was just taken into the reserve, unless it is full. */
void reserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, u32 frame,
				  unsigned int order);
/* Give a pageblock of the reserve the type `type`; without `force` the last one stays. */
bool unreserve_highatomic_pageblock(struct pb_pool *pool, struct zone *zone, unsigned int type,
				    bool force);
/* The pageblocks of [frame, end), which are not present any more, leave the reserve, and it shrinks
   to what is present. Takes zone->lock. */
void shrink_highatomic_reserve(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end);

#endif
