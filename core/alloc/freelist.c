/* SPDX-License-Identifier: MIT */
/*
 * Takes a block from the first zone of the zonelist that has one: the zone must keep its
 * watermark (zone/watermark.c), then rmqueue() asks this CPU's lists (pcp/area.c) or the
 * zone itself (zone/rmqueue.c). Spec 6.1, 6.4.
 */
#include "alloc/page_alloc.h"

#include "pcp/shared.h"

/* Count that n blocks of the zone went to a request that preferred another node. */
static void count_numa(const struct alloc_context *ctx, struct zone *zone, u32 n)
{
	if (!PB_WITH_NUMA || zone->node == ctx->preferred->node)
		return; /* numa_hit is everything else */
	pb_atomic_fetch_add(&zone->numa_miss, n, __ATOMIC_RELAXED);
	pb_atomic_fetch_add(&ctx->preferred->numa_foreign, n, __ATOMIC_RELAXED);
}

/* Count n blocks that came from the zone itself, past the per-CPU lists. */
static void count_numa_direct(const struct pb_pool *pool, u32 cpu, struct zone *zone, u32 n)
{
	if (PB_WITH_NUMA && cpu_node(pool, cpu) != zone->node)
		pb_atomic_fetch_add(&zone->numa_other_direct, n, __ATOMIC_RELAXED);
}

NOINLINE void wake_reclaim(struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	if (tracing(pool)) {
		struct pb_trace_event event = { .type = PB_TRACE_WAKE, .order = (u8)order };

		event.pfn = zone->start_pfn;
		trace_event(pool, zone, &event);
	}
	if (PB_WITH_RECLAIM && pool->hooks.wake && hook_begin()) {
		pool->hooks.wake(pool->hooks.ctx, pool, zone->node, order);
		hook_end();
	}
}

/* Wake reclaim once per boost, by the first request that finds the flag. */
static inline void wake_if_boosted(struct pb_pool *pool, struct zone *zone,
				   unsigned int alloc_flags)
{
	if (!PB_WITH_WATERMARKS || !(load_relaxed(&zone->flags) & ZONE_BOOSTED_WATERMARK) ||
	    (policy(pool)->boost_kswapd && !(alloc_flags & ALLOC_KSWAPD)))
		return;
	pb_atomic_fetch_and(&zone->flags, ~ZONE_BOOSTED_WATERMARK, __ATOMIC_RELAXED);
	wake_reclaim(pool, zone, 0);
}

/* Would a block be best that is zero already, and is there any? The zone has them, lists don't. */
static inline bool wants_cleared(const struct pb_pool *pool, const struct alloc_context *ctx)
{
	return has_marks(pool) && ctx->gfp & PB_GFP_ZERO && ctx->order >= pool->pageblock_order &&
	       load_relaxed(marked_count(pool, MARK_CLEARED));
}

/* Take a block from this CPU's list or the zone, wake reclaim after a boost, and reserve the
   block's pageblock if the request is urgent and of order > 0 (spec 6.4). */
static u32 rmqueue(struct pb_pool *pool, const struct alloc_context *ctx, struct zone *zone,
		   unsigned int alloc_flags)
{
	struct zone_request request = { pool,       zone, ctx->cpu, ctx->order, ctx->migratetype,
					alloc_flags };
	bool zero = wants_cleared(pool, ctx);
	u32 frame = NO_FRAME;

	if (zero) {
		request.alloc_flags |= ALLOC_ZERO;
	} else if (pcp_allowed_order(pool, ctx->order)) {
		frame = rmqueue_pcplist(&request);
		if (frame != NO_FRAME && policy(pool)->pcp_reserves_none)
			alloc_flags &= ~ALLOC_HIGHATOMIC; /* nothing is reserved for this one */
	}
	if (frame == NO_FRAME) {
		frame = rmqueue_buddy(&request);
		if (frame != NO_FRAME)
			count_numa_direct(pool, ctx->cpu, zone, 1);
	}
	wake_if_boosted(pool, zone, alloc_flags);
	if (PB_WITH_HIGHATOMIC && frame != NO_FRAME && ctx->order && alloc_flags & ALLOC_HIGHATOMIC)
		reserve_highatomic_pageblock(pool, zone, frame, ctx->order);
	return frame;
}

/* From 6.12 on: remember when the zone falls below its high mark. While it is above that mark,
   the lower one that the request must keep needs no test. */
static bool above_high(struct pb_pool *pool, const struct alloc_context *ctx, struct zone *zone,
		       unsigned int alloc_flags)
{
	const struct wmark_test test = request_test(ctx, wmark_pages(zone, PB_WMARK_HIGH),
						    alloc_flags);

	if (load_relaxed(&zone->flags) & ZONE_BELOW_HIGH)
		return false;
	if (zone_watermark_fast(pool, zone, &test))
		return true;
	pb_atomic_fetch_or(&zone->flags, ZONE_BELOW_HIGH, __ATOMIC_RELAXED);
	return false;
}

/* Not inlined, so that the event is not on the stack while the zone is asked. */
static NOINLINE void trace_watermark(const struct pb_pool *pool, const struct alloc_context *ctx,
				     const struct zone *zone, bool ok)
{
	struct pb_trace_event event = { .type = PB_TRACE_WMARK,
					.order = (u8)ctx->order,
					.migratetype = (u8)ctx->migratetype,
					.flag = ok,
					.value = zone_free_pages(pool, zone) };

	event.pfn = zone->start_pfn;
	trace_event(pool, zone, &event);
}

/* Would the zone keep its mark, and `more` pages above it? Not inlined, so that the test is off
   the stack when a block is taken. */
static NOINLINE bool zone_passes(struct pb_pool *pool, const struct alloc_context *ctx,
				 struct zone *zone, unsigned int alloc_flags, u64 more)
{
	const struct wmark_test test = request_test(
		ctx, wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK) + more, alloc_flags);
	bool ok = !PB_WITH_WATERMARKS ||
		  (PB_WITH_LINUX && policy(pool)->below_high &&
		   above_high(pool, ctx, zone, alloc_flags)) ||
		  alloc_flags & ALLOC_NO_WATERMARKS || zone_watermark_fast(pool, zone, &test);

	if (tracing(pool))
		trace_watermark(pool, ctx, zone, ok);
	return ok;
}

u32 get_page_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx,
			   unsigned int alloc_flags)
{
	u32 frame, at = ctx->after;
	struct zone *zone = at ? ctx->preferred : next_zone(pool, ctx, &at);

	for (; zone; zone = next_zone(pool, ctx, &at)) {
		/* fragmenting locally beats going remote */
		if (PB_WITH_NUMA && alloc_flags & ALLOC_NOFRAGMENT &&
		    zone->node != ctx->preferred->node)
			break;
		if (!zone_passes(pool, ctx, zone, alloc_flags, 0))
			continue;
		frame = rmqueue(pool, ctx, zone, alloc_flags);
		if (frame == NO_FRAME)
			continue;
		count_numa(ctx, zone, 1);
		return frame;
	}
	return NO_FRAME;
}

/* Up to n blocks from this CPU's list or the zone. */
static u32 rmqueue_some(struct zone_request *request, u32 n, u32 *frames)
{
	struct pb_pool *pool = request->pool;
	u32 got = 0;

	if (!(request->alloc_flags & ALLOC_ZERO) && pcp_allowed_order(pool, request->order))
		got = rmqueue_pcplist_bulk(request, n, frames);
	if (got || !policy(pool)->rmqueue_bulk)
		return got;
	request->alloc_flags |= ALLOC_DIRECT;
	n = n < ZONE_BATCH_MAX ? n : ZONE_BATCH_MAX; /* under one hold of a stripe's lock */
	got = policy(pool)->rmqueue_bulk(request, n, frames + n);
	count_numa_direct(pool, request->cpu, request->zone, got);
	/* they were written downward from the end: reverse them, and move them to the beginning */
	for (u32 i = 0; i < got - i; i++) {
		u32 swap = frames[n - 1 - i];

		frames[n - 1 - i] = frames[n - got + i];
		frames[n - got + i] = swap;
	}
	memmove(frames, frames + n - got, got * sizeof(*frames));
	return got;
}

u32 get_bulk_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx, u32 n,
			   u32 *frames)
{
	unsigned int alloc_flags = first_alloc_flags(ctx) | nofragment(pool, ctx->preferred);
	u64 more = (u64)(n - 1) << ctx->order;
	u32 at = ctx->after, got = 0;
	struct zone *zone = at ? ctx->preferred : next_zone(pool, ctx, &at);

	if (wants_cleared(pool, ctx))
		alloc_flags |= ALLOC_ZERO;
	for (; zone && !got; zone = next_zone(pool, ctx, &at)) {
		struct zone_request request = {
			pool, zone, ctx->cpu, ctx->order, ctx->migratetype, alloc_flags
		};

		if (PB_WITH_NUMA && alloc_flags & ALLOC_NOFRAGMENT &&
		    zone->node != ctx->preferred->node)
			break;
		if (!zone_passes(pool, ctx, zone, alloc_flags, more))
			continue;
		got = rmqueue_some(&request, n, frames);
		wake_if_boosted(pool, zone, alloc_flags);
		count_numa(ctx, zone, got);
	}
	return got;
}

u32 first_attempt(struct pb_pool *pool, const struct alloc_context *ctx)
{
	unsigned int alloc_flags = first_alloc_flags(ctx);
	unsigned int local = nofragment(pool, ctx->preferred);
	u32 frame = get_page_from_freelist(pool, ctx, alloc_flags | local);

	if (PB_WITH_MOBILITY && frame == NO_FRAME && local)
		frame = get_page_from_freelist(pool, ctx, alloc_flags);
	return frame;
}

/* Take the target of a move straight from a zone: the block may stay there for long, so it should
   not be a cached one, and few calls are needed where the stack is deep already. */
static u32 take_from_zones(struct pb_pool *pool, const struct alloc_context *ctx)
{
	unsigned int alloc_flags = gfp_to_alloc_flags(pool, ctx->gfp, ctx->order);
	u32 at = 0, frame = NO_FRAME;
	struct zone *zone;

	while (frame == NO_FRAME && (zone = next_zone(pool, ctx, &at)) != NULL) {
		struct zone_request request = {
			pool, zone, ctx->cpu, ctx->order, ctx->migratetype, alloc_flags
		};

		if (zone_passes(pool, ctx, zone, alloc_flags, 0))
			frame = rmqueue_buddy(&request);
	}
	return frame;
}

/* Not inlined, so that the request isn't on the stack while a block is taken. */
static NOINLINE bool prepare_move(struct pb_pool *pool, struct alloc_context *ctx,
				  unsigned int order, int node, const struct call *call)
{
	struct pb_request request = { .gfp = PB_GFP_HIGHUSER_MOVABLE & ~PB_GFP_RECLAIM,
				      .node = node };

	return prepare_request(pool, ctx, &request, order, call) == PB_REASON_NONE;
}

u32 take_for_move(struct pb_pool *pool, unsigned int order, int node, const struct call *call)
{
	struct alloc_context ctx;

	return prepare_move(pool, &ctx, order, node, call) ? take_from_zones(pool, &ctx) : NO_FRAME;
}
