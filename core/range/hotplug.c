/* SPDX-License-Identifier: MIT */
/*
 * Memory hotplug (spec 11.4): reserve free frames, bring reserved ones into use, take a
 * range offline. The page byte of a reserved frame is PAGE_RESERVED.
 */
#include "range/move.h"
#include "pcp/tunables.h"
#include "alloc/page_alloc.h"
#include "pcp/shared.h"

/* Call `work` for each run of present frames of [start, end); PB_ENODEV if a frame is missing. */
static int for_each_run(struct pb_pool *pool, u64 start, u64 end,
			int (*work)(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end))
{
	if (start >= end)
		return PB_EINVAL;
	for (u64 pfn = start; pfn < end;) {
		u32 frame, frame_end;
		int code;

		if (!next_run(pool, pfn, end, &frame, &frame_end))
			return PB_ENODEV;
		code = work(pool, zone_of_frame(pool, frame), frame, frame_end);
		if (code)
			return code;
		pfn += frame_end - frame;
	}
	return PB_OK;
}

static void add_managed(struct pb_pool *pool, struct zone *zone, s64 pages)
{
	pb_platform_lock(&zone->lock);
	counter_add(&zone->managed, (u64)pages);
	pb_platform_unlock(&zone->lock);
	(void)pool;
}

static int exists(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	(void)pool, (void)zone, (void)frame, (void)end;
	return PB_OK;
}

/* Mark frames that the caller has taken off the free lists as reserved. */
static int mark_reserved(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	(void)hand_out(pool, frame, end, 0);
	add_managed(pool, zone, -(s64)(end - frame));
	for (u32 i = frame; i < end; i++)
		store_relaxed(&pool->pages[i].state, PAGE_RESERVED);
	return PB_OK;
}

static int take_run(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	return take_range(pool, zone, frame, end, TAKE_USABLE);
}

static int put_run(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	put_range(pool, zone, frame, end);
	return PB_OK;
}

#define EIGHT_RESERVED (PAGE_RESERVED * (u64)0x0101010101010101u)

/* Take the reserved frames from `frame` on, up to the pageblock's end or one that isn't reserved,
   by clearing their page bytes: under the lock, since another call may be bringing the same range
   online. */
static u32 take_reserved(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	struct stripe *stripe = frame_stripe(pool, zone, frame);
	u32 pageblock_end = (frame | (u32)(pageblock_pages(pool) - 1)) + 1;

	if (end - frame > pageblock_end - frame)
		end = pageblock_end;
	pb_platform_lock(&stripe->lock);
	while (frame < end) {
		eight_pages *eight = (eight_pages *)(pool->pages + frame);

		if (!(frame & 7) && end - frame >= 8 && load_relaxed(eight) == EIGHT_RESERVED) {
			store_relaxed(eight, 0);
			frame += 8;
			continue;
		}
		if (load_relaxed(&pool->pages[frame].state) != PAGE_RESERVED)
			break;
		store_relaxed(&pool->pages[frame++].state, 0);
	}
	pb_platform_unlock(&stripe->lock);
	return frame;
}

static int online_run(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	while (frame < end) {
		u32 run_end = frame, next;

		while (run_end < end && (next = take_reserved(pool, zone, run_end, end)) != run_end)
			run_end = next;
		if (run_end != frame)
			release_range(pool, zone, frame, run_end); /* counts managed */
		frame = run_end == frame ? frame + 1 : run_end;
	}
	return PB_OK;
}

static int do_reserve(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn)
{
	int code = for_each_run(pool, start_pfn, end_pfn, exists);
	u64 done = start_pfn;

	while (!code && done < end_pfn) {
		u32 frame, frame_end;

		(void)next_run(pool, done, end_pfn, &frame, &frame_end);
		code = take_run(pool, zone_of_frame(pool, frame), frame, frame_end);
		if (!code)
			done += frame_end - frame;
	}
	if (!code)
		(void)for_each_run(pool, start_pfn, end_pfn, mark_reserved);
	else if (done > start_pfn)
		(void)for_each_run(pool, start_pfn, done, put_run);
	if (!code)
		init_per_zone_wmark_min(pool);
	return code;
}

int pb_reserve(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn)
{
	int code;

	pool_enter(pool);
	code = do_reserve(pool, start_pfn, end_pfn);
	pool_leave(pool);
	return code;
}

int online_range(struct pb_pool *pool, u64 start_pfn, u64 end_pfn)
{
	int code = for_each_run(pool, start_pfn, end_pfn, exists);

	if (!code)
		code = for_each_run(pool, start_pfn, end_pfn, online_run);
	if (!code)
		init_per_zone_wmark_min(pool);
	return code;
}

int pb_online(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn)
{
	int code;

	pool_enter(pool);
	code = online_range(pool, start_pfn, end_pfn);
	pool_leave(pool);
	return code;
}

/* pb_offline() of a range in one zone. */
struct offline {
	struct pb_pool *pool;
	struct zone *zone;
	u32 frame, end;
	struct pb_move_note *log;
	size_t room; /* entries of log[] */
};

/* Empty isolated pageblocks and mark them reserved. If it returns an error it has moved back what
   it could. */
static NOINLINE int empty_and_reserve(const struct offline *o)
{
	struct moves moves;
	int code = PB_EBUSY;

	moves.n = 0;
	moves.full = false;
	moves.last = NO_FRAME;
	moves.log = o->log;
	moves.room = o->room;
	if (evacuate_range(o->pool, o->frame, o->end, &moves) == o->end)
		code = take_range(o->pool, o->zone, o->frame, o->end, TAKE_ISOLATED);
	else if (moves.full)
		code = PB_ENOMEM;
	if (code)
		move_back(o->pool, &moves);
	else
		(void)mark_reserved(o->pool, o->zone, o->frame, o->end);
	return code;
}

static int do_offline(struct offline *o, uint64_t start_pfn, uint64_t end_pfn)
{
	struct pb_pool *pool = o->pool;
	u32 first, n;
	int code;

	if ((start_pfn | end_pfn) & (pageblock_pages(pool) - 1) || start_pfn >= end_pfn)
		return PB_EINVAL;
	if (!next_run(pool, start_pfn, end_pfn, &o->frame, &o->end))
		return PB_ENODEV;
	if (o->end - o->frame != end_pfn - start_pfn)
		return PB_EINVAL; /* more than one zone, or holes */
	o->zone = zone_of_frame(pool, o->frame);
	first = o->frame >> pool->pageblock_order;
	n = (o->end - o->frame) >> pool->pageblock_order;
	/* no block is moved if one is seen that can't be */
	if (first_fixed(pool, o->frame, o->end, can_migrate(pool)) != o->end ||
	    !isolate_pageblocks(pool, o->zone, first, n))
		return PB_EBUSY;
	code = empty_and_reserve(o);
	unisolate_pageblocks(pool, o->zone, first, n);
	if (!code)
		init_per_zone_wmark_min(pool);
	return code;
}

int pb_offline_logged(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn,
		      struct pb_move_note *log, size_t n)
{
	struct offline o = { .pool = pool, .log = log, .room = log ? n : 0 };
	int code;

	pool_enter(pool);
	code = do_offline(&o, start_pfn, end_pfn);
	pool_leave(pool);
	return code;
}

int pb_offline(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn)
{
	return pb_offline_logged(pool, start_pfn, end_pfn, NULL, 0);
}
