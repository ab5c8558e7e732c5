/* SPDX-License-Identifier: MIT */
/*
 * A request that found nothing at the low watermark (spec 8) wakes background reclaim, goes down
 * to the min watermark and into reserves, then, if it may wait, reclaims, compacts and asks
 * the oom hook. Before it fails, every CPU's lists are drained and it is tried again.
 * Unlike Linux it does not compact before the first reclaim. Hooks are called without any
 * lock; in a shared pool migrate and wake are called under users_lock.
 */
#include "alloc/page_alloc.h"

#include "alloc/give_up.h"
#include "pcp/quarantine.h"
#include "pcp/shared.h"

/* Rounds in a row without progress after which a request gives up reclaiming. Of a costly
   request each round is without progress, however many pages it reclaims (spec 8). */
#define MAX_RECLAIM_RETRIES 16

static void let_others_run(struct pb_pool *pool)
{
	u32 depth = pool_step_out(pool);

	pb_platform_relax();
	pool_step_in(pool, depth);
}

static NOINLINE bool call_reclaim(struct pb_pool *pool, const struct alloc_context *ctx)
{
	bool progress;
	u32 depth;

	if (!pool->hooks.reclaim || !hook_begin())
		return false;
	vm_count(pool, PB_ALLOCSTALL, 1);
	depth = pool_step_out(pool);
	progress = pool->hooks.reclaim(pool->hooks.ctx, pool, ctx->order, ctx->gfp) != 0;
	pool_step_in(pool, depth);
	hook_end();
	return progress;
}

static NOINLINE bool call_oom(struct pb_pool *pool, const struct alloc_context *ctx)
{
	bool progress;
	u32 depth;

	if (!hook_begin())
		return false;
	depth = pool_step_out(pool);
	progress = pool->hooks.oom(pool->hooks.ctx, pool, ctx->order, ctx->gfp);
	pool_step_in(pool, depth);
	hook_end();
	return progress;
}

/* Free a pageblock of the reserve and every CPU's lists, for a request that found nothing after
   reclaim. Not inlined, so that its frame is off the stack when a block is taken. */
static NOINLINE void free_the_rest(struct pb_pool *pool, const struct alloc_context *ctx)
{
	struct zone *zone;
	u32 at = 0;

	while ((zone = next_zone(pool, ctx, &at)) != NULL)
		if (PB_WITH_HIGHATOMIC &&
		    unreserve_highatomic_pageblock(pool, zone, ctx->migratetype, false))
			break;
	pcp_drain_all(pool, NULL);
}

/* Reclaim and look again. True: the hook claims progress; *frame: the block found, or NO_FRAME. */
static inline bool try_reclaim(struct pb_pool *pool, const struct alloc_context *ctx,
			       unsigned int alloc_flags, u32 *frame)
{
	if (!call_reclaim(pool, ctx))
		return false;
	*frame = get_page_from_freelist(pool, ctx, alloc_flags);
	if (*frame != NO_FRAME)
		return true;
	free_the_rest(pool, ctx);
	*frame = get_page_from_freelist(pool, ctx, alloc_flags);
	return true;
}

static void try_compact(struct pb_pool *pool, const struct alloc_context *ctx,
			unsigned int alloc_flags, u32 *frame)
{
	if (*frame != NO_FRAME || !ctx->order || !has_migrate_hook(pool) ||
	    !(ctx->gfp & PB_GFP_IO) || in_hook())
		return;
	if (pool->wings->compact && pool->wings->compact(pool, ctx))
		*frame = get_page_from_freelist(pool, ctx, alloc_flags);
}

static bool may_oom(const struct pb_pool *pool, const struct alloc_context *ctx)
{
	return pool->hooks.oom && ctx->order <= COSTLY_ORDER && ctx->highest >= PB_ZONE_NORMAL &&
	       !(ctx->gfp & (PB_GFP_RETRY_MAYFAIL | PB_GFP_THISNODE | PB_GFP_NORETRY));
}

static bool unreserve_any(struct pb_pool *pool, const struct alloc_context *ctx)
{
	struct zone *zone;
	u32 at = 0;

	while ((zone = next_zone(pool, ctx, &at)) != NULL)
		if (PB_WITH_HIGHATOMIC &&
		    unreserve_highatomic_pageblock(pool, zone, ctx->migratetype, true))
			return true;
	return false;
}

/* Other CPUs may pass pages on so fast that a request sees each where it no longer is. It may see
   a free block and come too late in so many rounds before it fails. */
#define MAX_VAIN_ROUNDS 16u

/*
 * Is any block free that this request may have? Nothing changes while it looks, since it
 * holds every lock of lock_everything(), with interrupts masked.
 */
static NOINLINE bool anything_left(struct pb_pool *pool, const struct alloc_context *ctx,
				   unsigned int alloc_flags, bool drained)
{
	unsigned long state = lock_everything(pool);
	struct zone *zone;
	bool left = false;
	u32 at = 0;

	while (!left && (zone = next_zone(pool, ctx, &at)) != NULL) {
		const struct wmark_test test = request_test(
			ctx, wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK), alloc_flags);

		if (alloc_flags & ALLOC_NO_WATERMARKS)
			for (unsigned int order = ctx->order; order <= pool->max_order; order++)
				left |= zone_nr_free(pool, zone, order) != 0;
		else
			left = zone_watermark_fast(pool, zone, &test);
		left |= drained && pcp_holds(pool, zone, ctx->order);
		left |= quarantine_holds(pool, zone, ctx->order);
	}
	unlock_everything(pool, state);
	return left;
}

/* In a shared pool a drain also finds the areas whose holders have ended. */
static bool may_drain(const struct pb_pool *pool, const struct alloc_context *ctx)
{
	return policy(pool)->drains_always || pool_is_shared(pool) ||
	       ctx->gfp & PB_GFP_DIRECT_RECLAIM;
}

/*
 * The last resort of every request: free memory must not be stranded in other CPUs'
 * lists (Linux drains only when it reclaims, so its profile does too), nor be missed
 * because another CPU was moving it. A look without locks counts if nothing changed
 * meanwhile (give_up.c); otherwise all is looked at again under the locks.
 */
static u32 drain_and_retry(struct pb_pool *pool, const struct alloc_context *ctx,
			   unsigned int alloc_flags)
{
	bool drain = may_drain(pool, ctx);

	if (!PB_WITH_SMP) { /* no other CPU can be moving a block */
		if (drain)
			pcp_drain_all(pool, NULL);
		return get_page_from_freelist(pool, ctx, alloc_flags);
	}
	for (unsigned int round = 0; round < MAX_VAIN_ROUNDS; round++) {
		u64 before = look_around(pool);
		u32 frame;

		if (drain)
			pcp_drain_all(pool, NULL);
		else
			quarantine_flush(pool);
		frame = get_page_from_freelist(pool, ctx, alloc_flags);
		if (frame != NO_FRAME)
			return frame;
		if (before && before == look_around(pool))
			break;
		if (!anything_left(pool, ctx, alloc_flags, drain))
			break;
		pb_platform_relax();
	}
	return NO_FRAME;
}

/* Look again after a hook may have freed something. */
static NOINLINE u32 try_again(struct pb_pool *pool, const struct alloc_context *ctx,
			      unsigned int alloc_flags)
{
	u32 frame = get_page_from_freelist(pool, ctx, alloc_flags);

	return frame != NO_FRAME ? frame : drain_and_retry(pool, ctx, alloc_flags);
}

/* A hook that claims progress is believed for so many rounds in a row in which the number of free
   pages does not exceed its maximum since the request came. */
#define MAX_IDLE_ROUNDS 64u

struct progress {
	long most_free;           /* pages */
	unsigned int idle;        /* rounds since most_free was reached */
	unsigned int no_progress; /* rounds in a row: no progress claimed, or a costly order */
	bool oom;                 /* the oom hook has made room: look again, then go on */
};

static NOINLINE bool may_go_on(struct pb_pool *pool, const struct alloc_context *ctx,
			       struct progress *progress, bool claimed)
{
	bool costly = ctx->order > COSTLY_ORDER;
	long free_pages = 0;
	struct zone *zone;
	u32 at = 0;

	while ((zone = next_zone(pool, ctx, &at)) != NULL)
		free_pages += zone_free_pages(pool, zone);
	progress->idle++;
	if (free_pages > progress->most_free) {
		progress->most_free = free_pages;
		progress->idle = 0;
	}
	progress->no_progress = claimed && !costly ? 0 : progress->no_progress + 1;
	return claimed && progress->no_progress <= MAX_RECLAIM_RETRIES &&
	       progress->idle <= MAX_IDLE_ROUNDS;
}

/* Ask the hooks until there is a block, or the oom hook has made room, or none of them claims
   progress: steps 7 to 15 of spec 8. Not inlined, so that its frame is off the stack when its
   caller looks again. */
static NOINLINE u32 ask_hooks(struct pb_pool *pool, const struct alloc_context *ctx,
			      unsigned int alloc_flags, struct progress *progress)
{
	bool costly = ctx->order > COSTLY_ORDER;
	u32 frame = NO_FRAME;

	progress->oom = false;
	for (;;) {
		bool claimed = try_reclaim(pool, ctx, alloc_flags, &frame);

		try_compact(pool, ctx, alloc_flags, &frame);
		if (frame != NO_FRAME || ctx->gfp & PB_GFP_NORETRY ||
		    (costly && !(ctx->gfp & PB_GFP_RETRY_MAYFAIL)))
			return frame;
		if (may_go_on(pool, ctx, progress, claimed))
			continue;
		if (unreserve_any(pool, ctx)) {
			frame = get_page_from_freelist(pool, ctx, alloc_flags);
			if (frame != NO_FRAME)
				return frame;
		}
		progress->oom = may_oom(pool, ctx) && progress->idle <= 2 * MAX_IDLE_ROUNDS &&
				call_oom(pool, ctx);
		progress->no_progress = 0;
		return NO_FRAME;
	}
}

/* Without a wake hook nobody would take a boost back: end it when it is in a request's way. */
static bool end_boosts(struct pb_pool *pool, const struct alloc_context *ctx)
{
	bool ended = false;
	struct zone *zone;
	u32 at = 0;

	while (PB_WITH_WATERMARKS && !pool->hooks.wake &&
	       (zone = next_zone(pool, ctx, &at)) != NULL) {
		ended = ended || load_relaxed(&zone->watermark_boost);
		store_relaxed(&zone->watermark_boost, 0ul);
	}
	return ended;
}

static void wake_all(struct pb_pool *pool, const struct alloc_context *ctx)
{
	struct zone *zone;
	u32 at = 0;
	int last = -1;

	while ((zone = next_zone(pool, ctx, &at)) != NULL) {
		if (zone->node != last)
			wake_reclaim(pool, zone, ctx->order);
		last = zone->node;
	}
}

/* Does __GFP_NOFAIL bind? Only where the request may wait and the task is in no hook. */
static NOINLINE bool must_not_fail(const struct alloc_context *ctx)
{
	return ctx->gfp & PB_GFP_NOFAIL && ctx->gfp & PB_GFP_DIRECT_RECLAIM && !in_hook();
}

/* Reclaims, if the request may wait, looks into every CPU's lists, and does both again for a
   request that must not fail. Not inlined, so that its caller is off the stack by then. */
static NOINLINE u32 wait_and_retry(struct pb_pool *pool, const struct alloc_context *ctx,
				   unsigned int alloc_flags)
{
	bool reclaims = PB_WITH_RECLAIM && ctx->gfp & PB_GFP_DIRECT_RECLAIM, first = true;
	struct progress progress = { 0 };
	u32 frame = NO_FRAME;

	for (;;) {
		if (reclaims)
			frame = ask_hooks(pool, ctx, alloc_flags, &progress);
		if (frame != NO_FRAME)
			return frame;
		if (progress.oom)
			let_others_run(pool);
		if (first && !progress.oom)
			frame = drain_and_retry(pool, ctx, alloc_flags);
		else
			frame = try_again(pool, ctx,
					  progress.oom
						  ? alloc_flags
						  : alloc_flags | alloc_harder(pool, ctx->gfp));
		if (frame != NO_FRAME)
			return frame;
		if (progress.oom)
			continue;
		if (!must_not_fail(ctx))
			return NO_FRAME;
		first = false;
		progress = (struct progress){ 0 };
		let_others_run(pool);
	}
}

u32 alloc_slowpath(struct pb_pool *pool, struct alloc_context *ctx)
{
	unsigned int alloc_flags = gfp_to_alloc_flags(pool, ctx->gfp, ctx->order);
	bool last = !may_drain(pool, ctx);
	u32 frame;

	quarantine_flush(pool);
	if ((PB_WITH_RECLAIM || PB_WITH_TRACE) && ctx->gfp & PB_GFP_KSWAPD_RECLAIM)
		wake_all(pool, ctx);
	frame = get_page_from_freelist(pool, ctx, alloc_flags);
	if (frame != NO_FRAME)
		return frame;
	if (ctx->gfp & PB_GFP_MEMALLOC && !(ctx->gfp & PB_GFP_NOMEMALLOC)) {
		alloc_flags = ALLOC_NO_WATERMARKS | (alloc_flags & (ALLOC_KSWAPD | ALLOC_CMA));
		ctx->nodemask = ~(u64)0;
		ctx->after = 0;
	}
	/* Linux tries a request that can't wait three times in all (W9): this is the third,
	   repeated only if another CPU was at work meanwhile */
	frame = last ? drain_and_retry(pool, ctx, alloc_flags)
		     : get_page_from_freelist(pool, ctx, alloc_flags);
	if (frame == NO_FRAME && end_boosts(pool, ctx))
		frame = get_page_from_freelist(pool, ctx, alloc_flags);
	if (frame != NO_FRAME || last)
		return frame;
	return wait_and_retry(pool, ctx, alloc_flags);
}
