/* SPDX-License-Identifier: MIT */
/*
 * Frames: conversions between a frame's names, and the zone and stripe that it lies in.
 *
 *	page (handle) <-> frame (dense index) <-> pfn <-> address
 *	frame -> its zone -> its stripe
 */
#ifndef PB_CORE_FRAME_H
#define PB_CORE_FRAME_H

#include "base/pool.h"

/* The page bytes of eight frames, or any word. */
typedef u64 eight_pages __attribute__((may_alias));

/* Zone of a frame, O(log zones). */
struct zone *zone_of_frame(const struct pb_pool *pool, u32 frame);
/* Groups of pageblocks are dealt out to the zone's stripes in turn. */
HOT_INLINE u32 frame_stripe_number(const struct pb_pool *pool, const struct zone *zone, u32 frame)
{
	u32 n = (frame >> pool->pageblock_order) - zone_first_pageblock(pool, zone);

	return n >> zone->group_shift & (zone_stripes(zone) - 1);
}

/* Stripe of a frame. */
struct stripe *frame_stripe(const struct pb_pool *pool, const struct zone *zone, u32 frame);

u64 frame_to_pfn(const struct pb_pool *pool, u32 frame);
u32 pfn_to_frame(const struct pb_pool *pool, u64 pfn); /* NO_FRAME: not in the memory map */
/* The same for memory that may come; NO_FRAME: there is no room for it. */
u32 pfn_to_place(const struct pb_pool *pool, u64 pfn);

/* Address at which the frame can be written, by the address hook (HIGHMEM too) or the linear
   mapping; NULL: it has none. */
void *frame_address(const struct pb_pool *pool, u32 frame);

/* Frame of a page, or NO_FRAME if it isn't one of the pool's. */
static inline u32 page_frame(const struct pb_pool *pool, const struct pb_page *page)
{
	uintptr_t frame = (uintptr_t)page - (uintptr_t)pool->pages;

	return frame < pool->nr_frames ? (u32)frame : NO_FRAME;
}

/* Where it is noted whether a span's memory is there; pre: some of the pool's may not be. */
static inline u8 *span_there(const struct pb_pool *pool, u32 span)
{
	return (u8 *)pool_at(pool, pool->super->there) + span;
}

/* Not: the frame is of a region whose memory may come, and has not, or has gone. Then its page
   byte, its pageblock and its tree are zero, or are being written. */
static inline bool frame_is_there(const struct pb_pool *pool, u32 frame)
{
	return !CAN_GROW || likely(!pool->super->hotplug) ||
	       pb_atomic_load_n(span_there(pool, frame >> pool->max_order), __ATOMIC_ACQUIRE) >=
		       SPAN_THERE;
}

/* The frame's page byte, where it has one. */
static inline u8 frame_state(const struct pb_pool *pool, u32 frame)
{
	return frame_is_there(pool, frame) ? load_relaxed(&pool->pages[frame].state) : PAGE_ABSENT;
}

/* The first state of a pageblock whose frees go to these per-CPU lists. */
static inline void init_pageblock(const struct pb_pool *pool, u32 number, unsigned int type,
				  u16 class)
{
	struct pageblock *pb = pool_pageblock(pool, number);

	pb->listed_order = NOT_LISTED;
	store_relaxed(&pb->type, (u8)type);
	store_relaxed(&pool->pcp_class[number], class);
}

static inline unsigned int pageblock_type(const struct pb_pool *pool, u32 pageblock)
{
	if (LIST_TYPES == 1)
		return PB_MIGRATE_UNMOVABLE;
	return load_relaxed(&pool_pageblock(pool, pageblock)->type);
}

static inline unsigned int frame_migratetype(const struct pb_pool *pool, u32 frame)
{
	return pageblock_type(pool, frame >> pool->pageblock_order);
}

/* Make a taken frame the head of an allocated block. */
static inline struct pb_page *page_set_allocated(const struct pb_pool *pool, size_t frame,
						 unsigned int order, pb_gfp_t gfp)
{
	struct pb_page *page = pool->pages + frame;

	store_relaxed(&page->state, (u8)(PB_PAGE_HEAD + order + (gfp & pool->movable_mask) * 4));
	return page;
}

/* The same, and its owner's tag, which is stored first: whoever sees the page owned sees the
   tag. */
static inline struct pb_page *page_set_owned(const struct pb_pool *pool, size_t frame,
					     unsigned int order, pb_gfp_t gfp)
{
	if (unlikely(pool->owners != NULL))
		store_relaxed(&pool->owners[frame], pool->owner);
	return page_set_allocated(pool, frame, order, gfp);
}

_Static_assert(PB_GFP_MOVABLE * 4 == PB_PAGE_MOVABLE, "times 4 makes the mark from the flag");

#endif
