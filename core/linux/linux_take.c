/* SPDX-License-Identifier: MIT */
/*
 * How kernels from 6.12 on take blocks: each block that leaves, enters or changes a list
 * is counted at once, and a block's list follows its pageblock's type
 * (docs/linux-observed.md, W2, F5). Kernels up to 6.1 are in linux_zone.c.
 */
#include "linux/linux_zone.h"
#include "linux/pcp_linux.h"

/* Take the block off its list; the part that the request doesn't need goes to `type`'s lists. */
static u32 __take_block(const struct locked *at, const struct zone_request *request, u32 frame,
			unsigned int found, unsigned int type)
{
	__area_remove(at, frame, found);
	if (tracing(at->pool))
		trace_block(at->pool, PB_TRACE_TAKE, frame, found, type);
	__expand(at, frame, found, request->order, type);
	__account(at->stripe, -(1L << request->order), type);
	at->pool->pcp_types[frame] = (u8)type;
	return frame;
}

u32 __linux_rmqueue_smallest(const struct locked *at, const struct zone_request *request,
			     unsigned int type)
{
	unsigned int found;
	u32 frame = __area_find(at, request->order, type, &found);

	if (frame == NO_FRAME)
		return NO_FRAME;
	__count_free(at, request->cpu, -(1L << request->order));
	return __take_block(at, request, frame, found, type);
}

/* Move the pageblock's free blocks to the request's type. Linux moves them one by one in pfn order
   and counts each out and in again. */
static void __move_pageblock(const struct locked *at, const struct zone_request *request, u32 frame)
{
	struct pb_pool *pool = at->pool;
	u32 first = frame & ~(u32)(pageblock_pages(pool) - 1), end = pageblock_end(pool, frame);

	__move_freepages_from(at, first, request->type, NULL);
	linux_count_moves(pool, at->zone, request->cpu, first, end);
	__set_pageblock_type(at, frame >> pool->pageblock_order, request->type);
}

/* Claim the whole pageblock for the request's type, if enough of its pages go well with that. */
static bool __change_pageblock(const struct locked *at, const struct zone_request *request,
			       u32 frame)
{
	const struct pb_pool *pool = at->pool;
	u32 pageblock = frame >> pool->pageblock_order;

	if (!pageblock_in_zone(pool, at->zone, pageblock) ||
	    !is_worth_claiming(pool, request->type, pageblock))
		return false;
	__move_pageblock(at, request, frame);
	return true;
}

/* Take from a block of at least a pageblock, all of which changes its type: it is counted out
   whole, and the rest of it back in. */
static u32 __take_pageblocks(const struct locked *at, const struct zone_request *request, u32 frame,
			     unsigned int order)
{
	__retype_block(at, frame, order, request->type);
	__count_free(at, request->cpu, -(1L << order));
	__count_free(at, request->cpu, (1L << order) - (1L << request->order));
	return __take_block(at, request, frame, order, request->type);
}

static u32 __claim_block(const struct locked *at, const struct zone_request *request, u32 frame,
			 unsigned int order)
{
	if (order >= at->pool->pageblock_order)
		return __take_pageblocks(at, request, frame, order);
	note_boost(request);
	if (!__change_pageblock(at, request, frame))
		return NO_FRAME;
	return __linux_rmqueue_smallest(at, request, request->type);
}

/* Claim a pageblock and take a block from it. A search without success may count a pageblock for
   every order: where holders mask interrupts it pauses after each, and goes on at take->claim. */
static u32 __linux_rmqueue_claim(const struct locked *at, const struct zone_request *request,
				 struct linux_take *take)
{
	unsigned int floor = lowest_fallback_order(request);
	unsigned int o = take->claim ? take->claim : at->pool->max_order + 1u;

	take->claim = 0;
	while (o-- > floor) {
		int from = find_suitable_fallback(at->pool, at->stripe, o, request->type);
		u32 frame, got;

		if (!can_steal(at->pool, o, request->type))
			break; /* nor is any smaller one */
		if (from < 0)
			continue;
		frame = __area_first(at, o, (unsigned int)from);
		got = __claim_block(at, request, frame, o);
		if (got == NO_FRAME) {
			take->paused = !LONG_BATCHES && o > floor;
			if (!take->paused)
				continue;
			take->claim = o;
			break;
		}
		count_steal(request, frame, o, (unsigned int)from);
		return got;
	}
	return NO_FRAME;
}

static u32 __linux_rmqueue_steal(const struct locked *at, const struct zone_request *request)
{
	for (unsigned int o = request->order; o <= at->pool->max_order; o++) {
		int from = find_suitable_fallback(at->pool, at->stripe, o, request->type);
		u32 frame;

		if (from < 0)
			continue;
		frame = __linux_rmqueue_smallest(at, request, (unsigned int)from);
		count_steal(request, frame, o, (unsigned int)from);
		return frame;
	}
	return NO_FRAME;
}

static u32 __own_or_cma(const struct locked *at, const struct zone_request *request)
{
	u32 frame = __linux_rmqueue_smallest(at, request, request->type);

	if (frame == NO_FRAME && request->alloc_flags & ALLOC_CMA)
		frame = __linux_rmqueue_smallest(at, request, PB_MIGRATE_CMA);
	return frame;
}

static u32 __own_first(const struct locked *at, const struct zone_request *request)
{
	u32 frame = NO_FRAME;

	if (request->alloc_flags & ALLOC_CMA &&
	    at->stripe->nr_free_cma > at->stripe->nr_free_pages / 2)
		frame = __linux_rmqueue_smallest(at, request, PB_MIGRATE_CMA);
	return frame;
}

u32 __linux_rmqueue_follow(const struct locked *at, const struct zone_request *request,
			   struct linux_take *take)
{
	u32 frame = NO_FRAME;

	if (!take->claim) {
		frame = __own_first(at, request);
		if (frame == NO_FRAME && !take->steals)
			frame = __own_or_cma(at, request);
	}
	if (frame != NO_FRAME || request->type >= PB_MIGRATE_PCPTYPES)
		return frame;
	if (!take->steals)
		frame = __linux_rmqueue_claim(at, request, take);
	if (frame == NO_FRAME && !take->paused && !(request->alloc_flags & ALLOC_NOFRAGMENT)) {
		frame = __linux_rmqueue_steal(at, request);
		take->steals = take->steals || frame != NO_FRAME;
	}
	return frame;
}
