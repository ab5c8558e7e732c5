/* SPDX-License-Identifier: MIT */
/*
 * The way of a request:
 *
 *	pb_alloc_pages --hit--> this CPU's list                    (pcp.h)
 *	    |  miss
 *	alloc_slow: flags -> highest zone, migratetype, zonelist   (gfp.c)
 *	    get_page_from_freelist: watermark, then per zone
 *	        rmqueue_pcplist: refill this CPU's list            (pcp/area.c)
 *	        rmqueue_buddy: straight from the zone              (zone/rmqueue.c)
 *	    slow path: reserves, reclaim, compaction, oom hooks; drain; give up
 *
 * and of a free: check the page byte, drop the reference, clear the byte, push
 * onto this CPU's list; if that is full it drains a batch into the zone, which
 * merges.
 */
#include "alloc/page_alloc.h"

#include "alloc/gfp.h"
#include "alloc/give_up.h"
#include "pcp/shared.h"
#include "base/text.h"

/* A hit is two cache lines of code. */
#define FAST __attribute__((aligned(64)))

/* What is more than taking a block. */
#define GFP_SLOW PB_GFP_ZERO

#define MAX_RECLAIM_RETRIES 16

/* --------------------------------------------------------------- zonelists */

struct zone *next_zone(const struct pb_pool *pool, const struct alloc_context *ctx, u32 *at)
{
	const u16 *zonelist = node_zonelist(pool, ctx->node);
	u32 n = pool_node(pool, ctx->node)->zonelist_zones;

	while (*at < n) {
		struct zone *zone = pool_zone(pool, zonelist[(*at)++]);

		if (zone->type > ctx->highest || !(ctx->nodemask >> zone->node & 1))
			continue;
		if (PB_WITH_NUMA && ctx->gfp & PB_GFP_THISNODE && zone->node != ctx->node)
			continue;
		if (load_relaxed(&zone->managed))
			return zone;
	}
	return NULL;
}

static struct zone *first_zone(const struct pb_pool *pool, const struct alloc_context *ctx)
{
	u32 at = 0;

	return next_zone(pool, ctx, &at);
}

static void count_numa(struct pb_pool *pool, const struct alloc_context *ctx, struct zone *zone)
{
	(void)pool;
	if (!PB_WITH_NUMA || zone->node == ctx->preferred->node)
		return; /* numa_hit is everything else */
	pb_atomic_fetch_add(&zone->numa_miss, 1, __ATOMIC_RELAXED);
	pb_atomic_fetch_add(&ctx->preferred->numa_foreign, 1, __ATOMIC_RELAXED);
}

static void wake_reclaim(struct pb_pool *pool, const struct zone *zone, unsigned int order)
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

/* --------------------------------------------------------------- fast path */

/* Spec 6.8: rather use DMA32 than mix types in Normal. */
static unsigned int nofragment(const struct pb_pool *pool, const struct zone *preferred)
{
	const struct pb_super *super = pool->super;
	u32 online = 0;

	if (!PB_WITH_MOBILITY || preferred->type != PB_ZONE_NORMAL ||
	    !(super->zone_types >> PB_ZONE_DMA32 & 1))
		return 0;
	for (u32 id = 0; id < super->nr_nodes; id++)
		online += pool_node(pool, id)->online;
	if (online > 1 && pool_node(pool, preferred->node)->zones[PB_ZONE_DMA32] == NO_ZONE)
		return 0;
	return ALLOC_NOFRAGMENT;
}

/* rmqueue, spec 6.4. */
static u32 rmqueue(struct pb_pool *pool, const struct alloc_context *ctx, struct zone *zone,
		   unsigned int alloc_flags)
{
	const struct zone_request request = {
		pool, zone, ctx->cpu, ctx->order, ctx->migratetype, alloc_flags
	};
	u32 frame = NO_FRAME;

	if (pcp_allowed_order(pool, ctx->order)) {
		frame = rmqueue_pcplist(&request);
		if (frame != NO_FRAME && policy(pool)->pcp_reserves_none)
			alloc_flags &= ~ALLOC_HIGHATOMIC; /* nothing is reserved for this one */
	}
	if (frame == NO_FRAME) {
		frame = rmqueue_buddy(&request);
		if (frame != NO_FRAME && cpu_node(pool, ctx->cpu) != zone->node)
			pb_atomic_fetch_add(&zone->numa_other_direct, 1, __ATOMIC_RELAXED);
	}
	if (PB_WITH_WATERMARKS && load_relaxed(&zone->flags) & ZONE_BOOSTED_WATERMARK &&
	    (!policy(pool)->boost_kswapd || alloc_flags & ALLOC_KSWAPD)) {
		pb_atomic_fetch_and(&zone->flags, ~ZONE_BOOSTED_WATERMARK, __ATOMIC_RELAXED);
		wake_reclaim(pool, zone, 0);
	}
	if (PB_WITH_HIGHATOMIC && frame != NO_FRAME && ctx->order && alloc_flags & ALLOC_HIGHATOMIC)
		reserve_highatomic_pageblock(pool, zone, frame, ctx->order);
	return frame;
}

/* From 6.12 on: remember that the zone fell below its high mark. While it is above, the
   mark that the request must keep is not asked for. */
static bool above_high(struct pb_pool *pool, const struct alloc_context *ctx, struct zone *zone,
		       unsigned int alloc_flags)
{
	if (load_relaxed(&zone->flags) & ZONE_BELOW_HIGH)
		return false;
	if (zone_watermark_fast(pool, zone, ctx->cpu, ctx->order, wmark_pages(zone, PB_WMARK_HIGH),
				ctx->highest, alloc_flags, ctx->gfp))
		return true;
	pb_atomic_fetch_or(&zone->flags, ZONE_BELOW_HIGH, __ATOMIC_RELAXED);
	return false;
}

static bool zone_passes(struct pb_pool *pool, const struct alloc_context *ctx, struct zone *zone,
			unsigned int alloc_flags)
{
	u64 mark = wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK);
	bool ok = (PB_WITH_LINUX && policy(pool)->below_high &&
		   above_high(pool, ctx, zone, alloc_flags)) ||
		  alloc_flags & ALLOC_NO_WATERMARKS ||
		  zone_watermark_fast(pool, zone, ctx->cpu, ctx->order, mark, ctx->highest,
				      alloc_flags, ctx->gfp);

	if (tracing(pool)) {
		struct pb_trace_event event = { .type = PB_TRACE_WMARK,
						.order = (u8)ctx->order,
						.migratetype = (u8)ctx->migratetype,
						.flag = ok,
						.value = zone_free_pages(pool, zone) };

		event.pfn = zone->start_pfn;
		trace_event(pool, zone, &event);
	}
	return ok;
}

/* Spec 6.1. */
static u32 get_page_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx,
				  unsigned int alloc_flags)
{
	u32 at = 0;
	struct zone *zone;

	while ((zone = next_zone(pool, ctx, &at)) != NULL) {
		u32 frame;

		/* fragmenting locally beats going remote */
		if (PB_WITH_NUMA && alloc_flags & ALLOC_NOFRAGMENT &&
		    zone->node != ctx->preferred->node)
			break;
		if (!zone_passes(pool, ctx, zone, alloc_flags))
			continue;
		frame = rmqueue(pool, ctx, zone, alloc_flags);
		if (frame == NO_FRAME)
			continue;
		count_numa(pool, ctx, zone);
		return frame;
	}
	if (PB_WITH_MOBILITY && alloc_flags & ALLOC_NOFRAGMENT)
		return get_page_from_freelist(pool, ctx, alloc_flags & ~ALLOC_NOFRAGMENT);
	return NO_FRAME;
}

/* --------------------------------------------------------------- slow path */

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

static NOINLINE bool try_reclaim(struct pb_pool *pool, const struct alloc_context *ctx,
				 unsigned int alloc_flags, u32 *frame)
{
	struct zone *zone;
	u32 at = 0;

	if (!call_reclaim(pool, ctx))
		return false;
	*frame = get_page_from_freelist(pool, ctx, alloc_flags);
	if (*frame != NO_FRAME)
		return true;
	while ((zone = next_zone(pool, ctx, &at)) != NULL)
		if (PB_WITH_HIGHATOMIC &&
		    unreserve_highatomic_pageblock(pool, zone, ctx->migratetype, false))
			break;
	pcp_drain_all(pool, NULL);
	*frame = get_page_from_freelist(pool, ctx, alloc_flags);
	return true;
}

static void try_compact(struct pb_pool *pool, const struct alloc_context *ctx,
			unsigned int alloc_flags, u32 *frame)
{
	if (*frame != NO_FRAME || !ctx->order || !pool->hooks.migrate || !(ctx->gfp & PB_GFP_IO) ||
	    in_hook())
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

/* Pages may pass from hand to hand so fast that a request sees each where it no longer
   is. So often it may see something and come too late. */
#define MAX_VAIN_ROUNDS 16u

/*
 * Is anything free that this request may have? Nothing moves while it looks: it holds
 * every lock there is, with interrupts masked.
 */
static NOINLINE bool anything_left(struct pb_pool *pool, const struct alloc_context *ctx,
				   unsigned int alloc_flags, bool drained)
{
	unsigned long state = lock_everything(pool);
	struct zone *zone;
	bool left = false;
	u32 at = 0;

	while (!left && (zone = next_zone(pool, ctx, &at)) != NULL) {
		u64 mark = wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK);

		if (alloc_flags & ALLOC_NO_WATERMARKS)
			for (unsigned int order = ctx->order; order <= pool->max_order; order++)
				left |= zone_nr_free(pool, zone, order) != 0;
		else
			left = zone_watermark_fast(pool, zone, ctx->cpu, ctx->order, mark,
						   ctx->highest, alloc_flags, ctx->gfp);
		left |= drained && pcp_holds(pool, zone, ctx->order);
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
 * The last resort of every request: free memory must not be stranded in other
 * CPUs' lists (Linux drains only when it reclaims, so its profile does too), nor be
 * missed because another CPU had it in its hands. What was looked at without locks is
 * believed when nothing changed meanwhile; else it is looked at under the locks.
 */
static u32 drain_and_retry(struct pb_pool *pool, const struct alloc_context *ctx,
			   unsigned int alloc_flags)
{
	bool drain = may_drain(pool, ctx);

	if (!PB_WITH_SMP) { /* nobody else has anything in his hands */
		if (drain)
			pcp_drain_all(pool, NULL);
		return get_page_from_freelist(pool, ctx, alloc_flags);
	}
	for (unsigned int round = 0; round < MAX_VAIN_ROUNDS; round++) {
		u64 before = look_around(pool);
		u32 frame;

		if (drain)
			pcp_drain_all(pool, NULL);
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

/* After a hook may have freed something. */
static u32 try_again(struct pb_pool *pool, const struct alloc_context *ctx,
		     unsigned int alloc_flags)
{
	u32 frame = get_page_from_freelist(pool, ctx, alloc_flags);

	return frame != NO_FRAME ? frame : drain_and_retry(pool, ctx, alloc_flags);
}

/* What a hook claims is believed for so many rounds in a row without any more
   free pages than there ever were since the request came. */
#define MAX_IDLE_ROUNDS 64u

struct progress {
	long most_free;           /* pages */
	unsigned int idle;        /* rounds since then */
	unsigned int no_progress; /* rounds without so much as a claim, spec 8 */
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

/* Steps 7 to 15 of spec 8, over hooks. */
static u32 reclaim_and_retry(struct pb_pool *pool, const struct alloc_context *ctx,
			     unsigned int alloc_flags)
{
	bool costly = ctx->order > COSTLY_ORDER;
	struct progress progress = { 0 };
	u32 frame = NO_FRAME;

	for (;;) {
		bool claimed = try_reclaim(pool, ctx, alloc_flags, &frame);

		try_compact(pool, ctx, alloc_flags, &frame);
		if (frame != NO_FRAME || ctx->gfp & PB_GFP_NORETRY ||
		    (costly && !(ctx->gfp & PB_GFP_RETRY_MAYFAIL)))
			return frame;
		if (may_go_on(pool, ctx, &progress, claimed))
			continue;
		if (unreserve_any(pool, ctx)) {
			frame = get_page_from_freelist(pool, ctx, alloc_flags);
			if (frame != NO_FRAME)
				return frame;
		}
		if (!may_oom(pool, ctx) || progress.idle > 2 * MAX_IDLE_ROUNDS ||
		    !call_oom(pool, ctx))
			return NO_FRAME;
		progress.no_progress = 0;
		let_others_run(pool);
		frame = try_again(pool, ctx, alloc_flags);
		if (frame != NO_FRAME)
			return frame;
	}
}

/* Where nobody is woken to take it back, a boost ends when it is in the way. */
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

static u32 alloc_slowpath(struct pb_pool *pool, struct alloc_context *ctx)
{
	unsigned int alloc_flags = gfp_to_alloc_flags(pool, ctx->gfp, ctx->order);
	bool last = !may_drain(pool, ctx);
	u32 frame;

	if ((PB_WITH_RECLAIM || PB_WITH_TRACE) && ctx->gfp & PB_GFP_KSWAPD_RECLAIM)
		wake_all(pool, ctx);
	frame = get_page_from_freelist(pool, ctx, alloc_flags);
	if (frame != NO_FRAME)
		return frame;
	if (ctx->gfp & PB_GFP_MEMALLOC && !(ctx->gfp & PB_GFP_NOMEMALLOC)) {
		alloc_flags = ALLOC_NO_WATERMARKS | (alloc_flags & (ALLOC_KSWAPD | ALLOC_CMA));
		ctx->nodemask = ~(u64)0;
	}
	/* Linux tries a request that can't wait three times in all (W9): this is the last,
	   repeated only if somebody was at work meanwhile */
	frame = last ? drain_and_retry(pool, ctx, alloc_flags)
		     : get_page_from_freelist(pool, ctx, alloc_flags);
	if (frame == NO_FRAME && end_boosts(pool, ctx))
		frame = get_page_from_freelist(pool, ctx, alloc_flags);
	if (frame != NO_FRAME || last)
		return frame;
	if (PB_WITH_RECLAIM && ctx->gfp & PB_GFP_DIRECT_RECLAIM)
		frame = reclaim_and_retry(pool, ctx, alloc_flags);
	if (frame == NO_FRAME)
		frame = drain_and_retry(pool, ctx, alloc_flags);
	while (frame == NO_FRAME && ctx->gfp & PB_GFP_NOFAIL && ctx->gfp & PB_GFP_DIRECT_RECLAIM &&
	       !in_hook()) {
		let_others_run(pool);
		if (PB_WITH_RECLAIM)
			frame = reclaim_and_retry(pool, ctx, alloc_flags);
		if (frame == NO_FRAME)
			frame = try_again(pool, ctx, alloc_flags | alloc_harder(pool, ctx->gfp));
	}
	return frame;
}

/* ----------------------------------------------------------------- failure */

/* Is there any block of at least this order, on whatever list? */
static bool zone_has_any_block(const struct pb_pool *pool, const struct zone *zone,
			       unsigned int order)
{
	for (unsigned int o = order; o <= pool->max_order; o++)
		if (zone_nr_free(pool, zone, o))
			return true;
	return false;
}

enum pb_reason failure_reason(const struct pb_pool *pool, const struct alloc_context *ctx,
			      u64 nr_pages)
{
	unsigned int flags = gfp_to_alloc_flags(pool, ctx->gfp, ctx->order);
	enum pb_reason reason = PB_REASON_NO_ZONE;
	struct zone *zone;
	u32 at = 0;

	while ((zone = next_zone(pool, ctx, &at)) != NULL) {
		if (reason == PB_REASON_NO_ZONE)
			reason = PB_REASON_WATERMARK;
		/* would it pass if only the sum counted? */
		if (!zone_watermark_ok(pool, zone, 0, wmark_pages(zone, PB_WMARK_MIN), ctx->highest,
				       flags, zone_free_pages(pool, zone) - (long)(nr_pages - 1)))
			continue;
		if (nr_pages == (u64)1 << ctx->order && zone_has_any_block(pool, zone, ctx->order))
			return PB_REASON_MIGRATETYPE;
		reason = PB_REASON_FRAGMENTED;
	}
	return reason;
}

/* Each power-of-two-th failure is logged: news without a flood. Its line is not on the
   stack while the request goes on. */
static NOINLINE void warn_alloc(struct pb_pool *pool, const struct alloc_context *ctx)
{
	unsigned long nth = pb_atomic_add_fetch(&pool->super->vm[PB_ALLOC_FAIL], 1,
						__ATOMIC_RELAXED);
	char buffer[160];
	struct text text = { buffer, sizeof(buffer), 0 };

	if (ctx->gfp & PB_GFP_NOWARN || nth & (nth - 1) || is_plain(pool) || in_hook())
		return;
	text_str(&text, "page allocation failure: order:");
	text_dec(&text, ctx->order, 0);
	text_str(&text, ", mode:");
	text_hex(&text, ctx->gfp);
	text_str(&text, "(");
	text.length += pb_gfp_name(ctx->gfp, buffer + text.length, sizeof(buffer) - text.length);
	text_str(&text, ")");
	pool_log(pool, buffer);
}

#define WARNED_ORDER 0x1u
#define WARNED_OFFLINE 0x2u

static void warn_once(struct pb_pool *pool, u32 bit, const char *line)
{
	if (PB_WITH_TEXTS && !is_plain(pool) && !in_hook() &&
	    !(pb_atomic_fetch_or(&pool->super->warned, bit, __ATOMIC_RELAXED) & bit))
		pool_log(pool, line);
}

/* ------------------------------------------------------------- allocation */

/* Wipe frames; false: one of them has no address. */
bool clear_frames(const struct pb_pool *pool, u32 frame, u32 end)
{
	for (; frame < end; frame++) {
		void *address = frame_address(pool, frame);

		if (!address)
			return false;
		memset(address, 0, (size_t)1 << pool->page_shift);
	}
	return true;
}

static struct pb_page *prep_page(struct pb_pool *pool, u32 frame, unsigned int order,
				 struct pb_request *request)
{
	if (request->gfp & PB_GFP_ZERO && !clear_frames(pool, frame, frame + (1u << order))) {
		free_frames(pool, frame, order);
		request->why = PB_REASON_NO_ADDRESS;
		return NULL;
	}
	return page_set_owned(pool, frame, order, request->gfp);
}

static enum pb_reason prepare_node(const struct pb_pool *pool, struct alloc_context *ctx,
				   const struct pb_request *request, const struct call *call)
{
	int node = request->node;

	ctx->cpu = pool->percpu_cpus ? pcp_cpu(pool) : pb_platform_cpu();
	if (node != PB_NO_NODE && (node < 0 || node >= PB_MAX_NODES)) {
		struct misuse what = { .kind = PB_MISUSE_BAD_NODE, .pfn = UINT64_MAX };

		what.order = (unsigned int)node;
		what.found = pool->super->nr_nodes;
		(void)report_misuse(pool, call, &what);
		return PB_REASON_BAD_NODE;
	}
	if (node != PB_NO_NODE && (u32)node >= pool->super->nr_nodes) {
		if (ctx->gfp & PB_GFP_THISNODE)
			return PB_REASON_NO_ZONE;
		node = PB_NO_NODE; /* a node id that is possible, but offline */
	}
	ctx->node = (unsigned int)(node == PB_NO_NODE ? cpu_node(pool, ctx->cpu) : node);
	return PB_REASON_NONE;
}

enum pb_reason prepare_request(const struct pb_pool *pool, struct alloc_context *ctx,
			       const struct pb_request *request, unsigned int order,
			       const struct call *call)
{
	enum pb_reason reason;
	int highest, type;

	if (!pool || !pool->super)
		return PB_REASON_NO_POOL;
	highest = gfp_zone(pool, request->gfp);
	type = gfp_migratetype(pool, request->gfp);
	if (highest < 0 || type < 0) {
		struct misuse what = { .kind = PB_MISUSE_BAD_FLAGS, .pfn = UINT64_MAX };

		what.order = request->gfp;
		(void)report_misuse(pool, call, &what);
		return PB_REASON_BAD_FLAGS;
	}
	if (request->gfp & PB_GFP_ZERO && !pool->hooks.address && !pool->linear)
		return PB_REASON_NO_ADDRESS;
	*ctx = (struct alloc_context){ .gfp = request->gfp, .order = order };
	ctx->highest = (unsigned int)highest;
	ctx->migratetype = (unsigned int)type;
	ctx->nodemask = request->nodemask ? *request->nodemask : ~(u64)0;
	reason = prepare_node(pool, ctx, request, call);
	if (!reason)
		ctx->preferred = first_zone(pool, ctx);
	return reason;
}

unsigned int first_alloc_flags(const struct alloc_context *ctx)
{
	unsigned int flags = PB_WMARK_LOW;

	flags |= ctx->gfp & PB_GFP_KSWAPD_RECLAIM ? ALLOC_KSWAPD : 0;
	return flags | (ctx->migratetype == PB_MIGRATE_MOVABLE ? ALLOC_CMA : 0);
}

bool may_take(const struct pb_pool *pool, const struct alloc_context *ctx, const struct zone *zone,
	      unsigned int alloc_flags, u64 nr_pages)
{
	return alloc_flags & ALLOC_NO_WATERMARKS ||
	       zone_watermark_ok(pool, zone, 0, wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK),
				 ctx->highest, alloc_flags,
				 zone_vm_free_pages(pool, zone) - (long)(nr_pages - 1));
}

static u32 alloc_frame(struct pb_pool *pool, struct alloc_context *ctx)
{
	u32 frame;

	if (!ctx->preferred)
		return NO_FRAME;
	frame = get_page_from_freelist(pool, ctx,
				       first_alloc_flags(ctx) | nofragment(pool, ctx->preferred));
	return frame != NO_FRAME ? frame : alloc_slowpath(pool, ctx);
}

/* Straight from a zone, for a block that is to be moved: it may stay for long, and the
   way is short where the stack is deep already. */
static u32 take_for_move(struct pb_pool *pool, const struct alloc_context *ctx)
{
	unsigned int alloc_flags = gfp_to_alloc_flags(pool, ctx->gfp, ctx->order);
	u32 at = 0, frame = NO_FRAME;
	struct zone *zone;

	while (frame == NO_FRAME && (zone = next_zone(pool, ctx, &at)) != NULL) {
		const struct zone_request request = {
			pool, zone, ctx->cpu, ctx->order, ctx->migratetype, alloc_flags
		};

		if (zone_passes(pool, ctx, zone, alloc_flags))
			frame = rmqueue_buddy(&request);
	}
	return frame;
}

struct pb_page *alloc_for_move(struct pb_pool *pool, unsigned int order, int node,
			       const struct call *call)
{
	struct pb_request request = { .gfp = PB_GFP_HIGHUSER_MOVABLE & ~PB_GFP_RECLAIM,
				      .node = node };
	struct alloc_context ctx;
	u32 frame;

	if (prepare_request(pool, &ctx, &request, order, call))
		return NULL;
	frame = take_for_move(pool, &ctx);
	if (frame == NO_FRAME)
		return NULL;
	/* not MOVABLE: nobody may move it on while it is being filled, see move.c */
	return page_set_owned(pool, frame, order, request.gfp & ~PB_GFP_MOVABLE);
}

static struct pb_page *__alloc_slow(struct pb_pool *pool, struct pb_request *request,
				    unsigned int order, const struct call *call)
{
	struct alloc_context ctx;
	u32 frame;

	request->why = prepare_request(pool, &ctx, request, order, call);
	if (request->why)
		return NULL;
	if (order > pool->max_order) {
		if (!(request->gfp & PB_GFP_NOWARN))
			warn_once(pool, WARNED_ORDER,
				  "page allocation: order greater than the pool's max_order");
		request->why = PB_REASON_TOO_BIG;
		return NULL;
	}
	frame = alloc_frame(pool, &ctx);
	if (frame == NO_FRAME) {
		if (PB_WITH_TEXTS)
			warn_alloc(pool, &ctx);
		request->why = failure_reason(pool, &ctx, (u64)1 << order);
		return NULL;
	}
	return prep_page(pool, frame, order, request);
}

static struct pb_page *alloc_slow(struct pb_pool *pool, struct pb_request *request,
				  unsigned int order, const struct call *call)
{
	struct pb_page *page;

	pool_enter(pool);
	page = __alloc_slow(pool, request, order, call);
	pool_leave(pool);
	return page;
}

/* From this CPU's list, by its lock, where that is all there is to it. */
static inline struct pb_page *alloc_locked(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	u32 frame;

	if (unlikely(order >= pool->lock_orders || gfp & GFP_SLOW) ||
	    unlikely(pcp_lock_pop(pool, gfp, order, &frame) != PCP_OK))
		return NULL;
	return page_set_allocated(pool, frame, order, gfp);
}

/* The same in a pool whose blocks carry tags, or that other processes use. */
static struct pb_page *alloc_guarded(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	u32 frame;

	if (order >= pool->nr_pcp_orders || gfp & GFP_SLOW)
		return NULL;
	if (pool_is_shared(pool))
		return shared_pop(pool, gfp, order, &frame) ? pool->pages + frame : NULL;
	if (!pool->owners || pcp_lock_pop(pool, gfp, order, &frame) != PCP_OK)
		return NULL;
	return page_set_owned(pool, frame, order, gfp);
}

/* Apart, so that a hit builds no request. */
static NOINLINE struct pb_page *alloc_reported(struct pb_pool *pool, pb_gfp_t gfp,
					       unsigned int order, const char *name,
					       const void *caller)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };
	struct pb_page *page = alloc_guarded(pool, gfp, order);
	const struct call call = { name, caller };

	return page ? page : alloc_slow(pool, &request, order, &call);
}

/* Not inlined, so that the fast path needs no stack frame. */
static NOINLINE struct pb_page *alloc_missed(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order,
					     const char *name, const void *caller)
{
	struct pb_page *page = alloc_locked(pool, gfp, order);

	return likely(page) ? page : alloc_reported(pool, gfp, order, name, caller);
}

FAST struct pb_page *pb_alloc_pages(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	size_t frame;

	if (likely(order < pool->rseq_orders && !(gfp & GFP_SLOW)) &&
	    likely(pcp_rseq_pop(pool, gfp, order, &frame) == PCP_OK))
		return page_set_allocated(pool, frame, order, gfp);
	return alloc_missed(pool, gfp, order, "pb_alloc_pages", CALLER);
}

/* A hit. Apart, so that a miss needs less stack. */
static NOINLINE struct pb_page *alloc_hit(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	struct pb_page *page;
	size_t frame;

	if (order < pool->rseq_orders && pcp_rseq_pop(pool, gfp, order, &frame) == PCP_OK)
		return page_set_allocated(pool, frame, order, gfp);
	page = alloc_locked(pool, gfp, order);
	return page ? page : alloc_guarded(pool, gfp, order);
}

/* As pb_alloc_pages(), for a caller that wants to know why not. */
static struct pb_page *alloc_here(struct pb_pool *pool, struct pb_request *request,
				  unsigned int order, const struct call *call)
{
	struct pb_page *page = NULL;

	request->why = PB_REASON_NONE;
	if (pool && request->node == PB_NO_NODE && !request->nodemask && order <= PB_MAX_ORDER &&
	    !(request->gfp & (GFP_SLOW | PB_GFP_THISNODE)))
		page = alloc_hit(pool, request->gfp, order);
	return page ? page : alloc_slow(pool, request, order, call);
}

/* Nearest node with memory, seen from this CPU's. */
static int memory_node(const struct pb_pool *pool)
{
	int node = cpu_node(pool, pb_platform_cpu());

	return pool_node(pool, (u32)node)->order[0]; /* a pool has memory somewhere */
}

static void warn_offline(struct pb_pool *pool, int node, pb_gfp_t gfp)
{
	if (gfp & PB_GFP_THISNODE && node >= 0 && node < PB_MAX_NODES &&
	    ((u32)node >= pool->super->nr_nodes || !pool_node(pool, (u32)node)->online))
		warn_once(pool, WARNED_OFFLINE,
			  "page allocation: __GFP_THISNODE on a node that is offline");
}

struct pb_page *pb_alloc_pages_node(struct pb_pool *pool, int node, pb_gfp_t gfp,
				    unsigned int order)
{
	struct pb_request request = { .gfp = gfp, .node = node };

	if (pool && pool->super && node == PB_NO_NODE)
		request.node = memory_node(pool);
	if (pool && pool->super)
		warn_offline(pool, node, gfp);
	return alloc_slow(pool, &request, order, CALL("pb_alloc_pages_node"));
}

struct pb_page *pb__alloc_pages_node(struct pb_pool *pool, int node, pb_gfp_t gfp,
				     unsigned int order)
{
	struct pb_request request = { .gfp = gfp, .node = node };

	if (pool && pool->super)
		warn_offline(pool, node, gfp);
	return alloc_slow(pool, &request, order, CALL("pb__alloc_pages_node"));
}

struct pb_page *pb_alloc_pages_nodemask(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order,
					int node, const pb_nodemask_t *mask, enum pb_reason *why)
{
	struct pb_request request = { .gfp = gfp, .node = node, .nodemask = mask };
	struct pb_page *page = alloc_slow(pool, &request, order, CALL("pb_alloc_pages_nodemask"));

	if (why)
		*why = request.why;
	return page;
}

struct pb_page *pb_request_pages(struct pb_pool *pool, struct pb_request *request,
				 unsigned int order)
{
	return alloc_here(pool, request, order, CALL("pb_request_pages"));
}

struct pb_page *pb_request_pages_as(struct pb_pool *pool, struct pb_request *request,
				    unsigned int order, const char *name)
{
	return alloc_here(pool, request, order, CALL(name));
}

static size_t alloc_bulk(struct pb_pool *pool, struct pb_request *request, unsigned int order,
			 size_t n, struct pb_page **pages, const struct call *call)
{
	size_t got = 0;

	request->why = PB_REASON_NONE;
	while (got < n) {
		struct pb_page *page = alloc_here(pool, request, order, call);

		if (!page)
			break;
		pages[got++] = page;
	}
	return got;
}

size_t pb_request_bulk(struct pb_pool *pool, struct pb_request *request, unsigned int order,
		       size_t n, struct pb_page **pages)
{
	return alloc_bulk(pool, request, order, n, pages, CALL("pb_request_bulk"));
}

size_t pb_alloc_pages_bulk(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order, size_t n,
			   struct pb_page **pages)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };

	return alloc_bulk(pool, &request, order, n, pages, CALL("pb_alloc_pages_bulk"));
}

/* The block becomes nr_pages pages, and what is left of it is given back. */
static NOINLINE void trim_exact(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				size_t nr_pages)
{
	(void)pb_split_page(pool, page, order);
	for (size_t i = nr_pages; i < (size_t)1 << order; i++)
		(void)pb_free_pages(pool, page + i, 0);
}

ALWAYS_INLINE struct pb_page *alloc_exact(struct pb_pool *pool, struct pb_request *request,
					  size_t nr_pages, const struct call *call)
{
	pb_gfp_t gfp = request->gfp;
	unsigned int order = 0;
	struct pb_page *page;

	while (order <= PB_MAX_ORDER && (size_t)1 << order < nr_pages)
		order++;
	if (!nr_pages)
		order = PB_MAX_ORDER + 1; /* as get_order(0): too big */
	request->gfp &= ~PB_GFP_COMP;
	page = alloc_here(pool, request, order, call);
	request->gfp = gfp;
	if (page)
		trim_exact(pool, page, order, nr_pages);
	return page;
}

struct pb_page *pb_request_exact(struct pb_pool *pool, struct pb_request *request, size_t nr_pages)
{
	return alloc_exact(pool, request, nr_pages, CALL("pb_request_exact"));
}

struct pb_page *pb_request_exact_as(struct pb_pool *pool, struct pb_request *request,
				    size_t nr_pages, const char *name)
{
	return alloc_exact(pool, request, nr_pages, CALL(name));
}

struct pb_page *pb_alloc_exact(struct pb_pool *pool, pb_gfp_t gfp, size_t nr_pages)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };

	return alloc_exact(pool, &request, nr_pages, CALL("pb_alloc_exact"));
}

/* ------------------------------------------------------------------- free */

/*
 * Change a page byte from `old` to `new`; false: it is not `old`. By the word around
 * it, as not every machine exchanges bytes. Beside other threads' plain stores to the
 * other three bytes: these are single stores, which an exchange never takes back.
 */
static bool change_byte(struct pb_page *page, u8 old, u8 new)
{
	uintptr_t address = (uintptr_t)page;
	u32 *word = (u32 *)(address & ~(uintptr_t)3);
	u32 found = load_relaxed(word), wanted;
	u8 bytes[4];

	do {
		memcpy(bytes, &found, 4);
		if (bytes[address & 3] != old)
			return false;
		bytes[address & 3] = new;
		memcpy(&wanted, bytes, 4);
	} while (!pb_atomic_compare_exchange_n(word, &found, wanted, false, __ATOMIC_ACQ_REL,
					       __ATOMIC_RELAXED));
	return true;
}

/* Bits of an owned page's byte that holders may change beside each other. */
static void set_mark(struct pb_page *page, u8 mark, bool on)
{
	u8 old;

	do {
		old = load_relaxed(&page->state);
	} while (!change_byte(page, old, (u8)(on ? old | mark : old & ~mark)));
}

/*
 * Drops a further reference; true: the caller's was the last one, and nobody else may
 * touch the page any more. The count is 0 again then, as it is of every page that is
 * not SHARED: pb_get_page() relies on it.
 */
static bool put_shared(const struct pb_pool *pool, u32 frame)
{
	u32 *refs = (u32 *)pool_at(pool, pool->super->refs) + frame;
	/* Acquire: what other holders did before they dropped theirs is seen. */
	u32 more = pb_atomic_load_n(refs, __ATOMIC_ACQUIRE);

	while (more)
		if (pb_atomic_compare_exchange_n(refs, &more, more - 1, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			return false;
	return true;
}

void free_frames(struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct zone *zone = zone_of_frame(pool, frame);

	u32 cpu = pool->percpu_cpus ? pcp_cpu(pool) : NO_CPU;

	if (pcp_allowed_order(pool, order) && free_pcplist(pool, zone, cpu, frame, order))
		return;
	free_one_page(pool, zone, cpu, frame, order);
}

/* Drops a reference; *freed: the block that nobody owns any more, or NO_FRAME. */
static int release(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		   const struct call *call, u32 *freed)
{
	u32 frame = page_frame(pool, page);
	u8 state;

	*freed = NO_FRAME;
	if (frame == NO_FRAME)
		return misuse_page(pool, call, page, order);
	state = load_relaxed(&page->state);
	if ((state & ~(PB_PAGE_MOVABLE | PB_PAGE_SHARED)) != (PB_PAGE_HEAD | order) ||
	    order > pool->max_order)
		return misuse_page(pool, call, page, order);
	if (state & PB_PAGE_SHARED && !put_shared(pool, frame))
		return PB_OK;
	if (!pool->hardened)
		store_relaxed(&page->state, 0);
	else if (!change_byte(page, state, 0)) /* of two frees in one instant one is caught */
		return misuse_page(pool, call, page, order);
	*freed = frame;
	return PB_OK;
}

static int free_slow(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		     const struct call *call)
{
	u32 frame;
	int code = release(pool, page, order, call, &frame);

	if (frame != NO_FRAME)
		free_frames(pool, frame, order);
	return code;
}

void free_moved(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		const struct call *call)
{
	u32 frame;

	(void)release(pool, page, order, call, &frame);
	if (frame != NO_FRAME)
		free_one_page(pool, zone_of_frame(pool, frame),
			      pool->percpu_cpus ? pcp_cpu(pool) : NO_CPU, frame, order);
}

/*
 * Is this the head of an allocated block of this order, with no other reference?
 * SHARED is turned over, so that no order can stand for it, and the sum is one of
 * 64 bits, so that none wraps round: only the block's own order matches.
 */
static inline bool owned_block(const struct pb_page *page, unsigned int order)
{
	return ((load_relaxed(&page->state) ^ PB_PAGE_SHARED) & ~PB_PAGE_MOVABLE) ==
	       (u64)(PB_PAGE_HEAD | PB_PAGE_SHARED) + order;
}

/* Only under a lock is a page on its way: who dies in between is found out, see shared.h. */
static int free_shared(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		       const struct call *call)
{
	u32 frame = page_frame(pool, page);
	int code;

	if (frame != NO_FRAME && order < pool->nr_pcp_orders && !pool->hardened &&
	    owned_block(page, order) && shared_push(pool, frame, order))
		return PB_OK;
	pool_enter(pool);
	code = free_slow(pool, page, order, call);
	pool_leave(pool);
	return code;
}

static NOINLINE int free_reported(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				  const char *name, const void *caller)
{
	const struct call call = { name, caller };

	return pool_is_shared(pool) ? free_shared(pool, page, order, &call)
				    : free_slow(pool, page, order, &call);
}

/* By the lock of this CPU's list, where that is all there is to it. */
static NOINLINE int free_missed(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				const char *name, const void *caller)
{
	size_t frame = (uintptr_t)page - (uintptr_t)pool->pages;
	u32 class;

	/* an order without lists of its own finds one that is always full */
	if (unlikely(frame >= pool->lock_free_frames || !owned_block(page, order)))
		return free_reported(pool, page, order, name, caller);
	class = load_relaxed(&pool->pcp_class[frame >> pool->pageblock_order]);
	store_relaxed(&page->state, 0);
	if (unlikely(pcp_lock_push(pool, class, order, (u32)frame) != PCP_OK))
		free_frames(pool, (u32)frame, order);
	return PB_OK;
}

/* The byte is clear already, and this CPU's list had no room. */
static NOINLINE int free_overflow(struct pb_pool *pool, u32 frame, unsigned int order)
{
	free_frames(pool, frame, order);
	return PB_OK;
}

static inline __attribute__((always_inline)) int free_block(struct pb_pool *pool,
							    struct pb_page *page,
							    unsigned int order, const char *name,
							    const void *caller)
{
	size_t frame = (uintptr_t)page - (uintptr_t)pool->pages;
	u32 class;

	if (!PB_WITH_PCP)
		return free_reported(pool, page, order, name, caller);
	prefetch_write(page); /* wherever it points: a prefetch never faults */
	if (unlikely(frame >= pool->rseq_free_frames || !owned_block(page, order)))
		return free_missed(pool, page, order, name, caller);
	class = load_relaxed(&pool->pcp_class[frame >> pool->pageblock_order]);
	store_relaxed(&page->state, 0);
	if (likely(pcp_rseq_push(pool, class, order, frame) == PCP_OK))
		return PB_OK;
	return free_overflow(pool, (u32)frame, order);
}

FAST int pb_free_pages(struct pb_pool *pool, struct pb_page *page, unsigned int order)
{
	return free_block(pool, page, order, "pb_free_pages", CALLER);
}

int pb_free_pages_as(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		     const char *name)
{
	return pool ? free_block(pool, page, order, name, CALLER) : PB_ENODEV;
}

/* Is it the head of an allocated block of this order, shared or not? */
static bool is_block(const struct pb_pool *pool, const struct pb_page *page, unsigned int order)
{
	u8 mask = (u8) ~(PB_PAGE_MOVABLE | PB_PAGE_SHARED);

	return page_frame(pool, page) != NO_FRAME && order <= pool->max_order &&
	       (load_relaxed(&page->state) & mask) == (PB_PAGE_HEAD | order);
}

/* How many of pages[0..n) carry this very byte, each counted once: they are marked
   off by clearing it and marked back. The caller owns them all. */
static size_t count_once(size_t n, struct pb_page *const *pages, u8 state)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (load_relaxed(&pages[i]->state) == state) {
			store_relaxed(&pages[i]->state, 0);
			found++;
		}
	for (size_t i = 0; i < n; i++)
		if (!load_relaxed(&pages[i]->state))
			store_relaxed(&pages[i]->state, state);
	return found;
}

/* First of pages[0..n) that can't be freed, or n. A page named twice is the second
   time: a block may be named as often as it has references, so SHARED ones may be. */
static size_t first_unfreeable(struct pb_pool *pool, unsigned int order, size_t n,
			       struct pb_page *const *pages)
{
	u8 plain = (u8)(PB_PAGE_HEAD | order), movable = plain | PB_PAGE_MOVABLE;
	size_t once = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_block(pool, pages[i], order))
			return i;
		once += !(load_relaxed(&pages[i]->state) & PB_PAGE_SHARED);
	}
	if (count_once(n, pages, plain) + count_once(n, pages, movable) == once)
		return n;
	for (size_t at = n - 1;; at--) /* the rare case: which one is it? There is one. */
		for (size_t i = 0; i < at; i++)
			if (pages[i] == pages[at] &&
			    !(load_relaxed(&pages[i]->state) & PB_PAGE_SHARED))
				return at;
}

size_t pb_free_bulk(struct pb_pool *pool, unsigned int order, size_t n,
		    struct pb_page *const *pages)
{
	size_t bad;

	pool_enter(pool);
	bad = first_unfreeable(pool, order, n, pages);
	pool_leave(pool);
	if (bad < n) {
		(void)misuse_page(pool, CALL("pb_free_bulk"), pages[bad], order);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		(void)pb_free_pages(pool, pages[i], order);
	return n;
}

static int free_exact(struct pb_pool *pool, struct pb_page *page, size_t nr_pages,
		      const struct call *call)
{
	for (size_t i = 0; i < nr_pages; i++)
		if (!is_block(pool, page + i, 0))
			return misuse_page(pool, call, page + i, 0);
	for (size_t i = 0; i < nr_pages; i++)
		(void)pb_free_pages(pool, page + i, 0);
	return PB_OK;
}

int pb_free_exact(struct pb_pool *pool, struct pb_page *page, size_t nr_pages)
{
	return free_exact(pool, page, nr_pages, CALL("pb_free_exact"));
}

int pb_free_exact_as(struct pb_pool *pool, struct pb_page *page, size_t nr_pages, const char *name)
{
	return pool ? free_exact(pool, page, nr_pages, CALL(name)) : PB_ENODEV;
}

/* ------------------------------------------------------ an allocated block */

/* Frame of the head of an allocated block, or NO_FRAME after a report. */
static u32 owned_frame(const struct pb_pool *pool, const struct pb_page *page,
		       const struct call *call)
{
	u32 frame = page_frame(pool, page);

	if (frame != NO_FRAME && load_relaxed(&page->state) & PB_PAGE_HEAD)
		return frame;
	(void)misuse_page(pool, call, page, 0);
	return NO_FRAME;
}

static int do_split_page(struct pb_pool *pool, struct pb_page *page, unsigned int order,
			 const struct call *call)
{
	u32 frame = page_frame(pool, page);
	u8 state;

	if (frame == NO_FRAME || order > pool->max_order)
		return misuse_page(pool, call, page, order);
	state = load_relaxed(&page->state);
	if ((state & ~(PB_PAGE_MOVABLE | PB_PAGE_SHARED)) != (PB_PAGE_HEAD | order))
		return misuse_page(pool, call, page, order);
	pool_enter(pool);
	/* further references stay with the first page, which comes last: who dies before
	   that has the block still, see recover.c */
	for (u32 i = (1u << order) - 1; i; i--) {
		if (pool->owners)
			store_relaxed(&pool->owners[frame + i], pool->owners[frame]);
		store_ordered(&page[i].state, (u8)(state & ~(PB_PAGE_ORDER | PB_PAGE_SHARED)));
	}
	store_ordered(&page->state, (u8)(state & ~PB_PAGE_ORDER));
	pool_leave(pool);
	return PB_OK;
}

int pb_split_page(struct pb_pool *pool, struct pb_page *page, unsigned int order)
{
	return do_split_page(pool, page, order, CALL("pb_split_page"));
}

int pb_split_page_as(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		     const char *name)
{
	return pool ? do_split_page(pool, page, order, CALL(name)) : PB_ENODEV;
}

static int misuse_refs(const struct pb_pool *pool, const struct call *call,
		       const struct pb_page *page, unsigned int found)
{
	struct misuse what = { .kind = PB_MISUSE_REFCOUNT, .page = page, .found = found };

	what.pfn = frame_to_pfn(pool, page_frame(pool, page));
	what.order = load_relaxed(&page->state) & PB_PAGE_ORDER;
	return report_misuse(pool, call, &what);
}

static int do_get_page(struct pb_pool *pool, struct pb_page *page, const struct call *call)
{
	u32 frame = owned_frame(pool, page, call);
	u32 *refs;

	if (frame == NO_FRAME)
		return PB_EMISUSE;
	if (!(pool->super->flags & PB_POOL_REFCOUNT))
		return misuse_refs(pool, call, page, 0);
	refs = (u32 *)pool_at(pool, pool->super->refs) + frame;
	/* SHARED first: a crash in between leaves a count of 0, which is right */
	if (!(load_relaxed(&page->state) & PB_PAGE_SHARED))
		set_mark(page, PB_PAGE_SHARED, true);
	if (pb_atomic_fetch_add(refs, 1, __ATOMIC_RELAXED) < INT32_MAX)
		return PB_OK;
	pb_atomic_fetch_sub(refs, 1, __ATOMIC_RELAXED);
	return misuse_refs(pool, call, page, INT32_MAX);
}

int pb_get_page(struct pb_pool *pool, struct pb_page *page)
{
	return do_get_page(pool, page, CALL("pb_get_page"));
}

int pb_get_page_as(struct pb_pool *pool, struct pb_page *page, const char *name)
{
	return pool ? do_get_page(pool, page, CALL(name)) : PB_ENODEV;
}

static int do_put_page(struct pb_pool *pool, struct pb_page *page, const struct call *call)
{
	u32 frame = owned_frame(pool, page, call);
	int code;

	if (frame == NO_FRAME)
		return PB_EMISUSE;
	pool_enter(pool);
	code = free_slow(pool, page, load_relaxed(&page->state) & PB_PAGE_ORDER, call);
	pool_leave(pool);
	return code;
}

int pb_put_page(struct pb_pool *pool, struct pb_page *page)
{
	return do_put_page(pool, page, CALL("pb_put_page"));
}

int pb_put_page_as(struct pb_pool *pool, struct pb_page *page, const char *name)
{
	return pool ? do_put_page(pool, page, CALL(name)) : PB_ENODEV;
}

unsigned int pb_page_count(struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);
	u8 state;

	if (frame == NO_FRAME)
		return 0;
	state = load_relaxed(&page->state);
	if (!(state & PB_PAGE_HEAD))
		return 0;
	if (!(state & PB_PAGE_SHARED))
		return 1;
	return 1 + load_relaxed((u32 *)pool_at(pool, pool->super->refs) + frame);
}

int pb_page_order(struct pb_pool *pool, const struct pb_page *page)
{
	u8 state;

	if (page_frame(pool, page) == NO_FRAME)
		return PB_ENODEV;
	state = load_relaxed(&page->state);
	return state & PB_PAGE_HEAD ? (int)(state & PB_PAGE_ORDER) : PB_EINVAL;
}

int pb_set_movable(struct pb_pool *pool, struct pb_page *page, bool movable)
{
	if (owned_frame(pool, page, CALL("pb_set_movable")) == NO_FRAME)
		return PB_EMISUSE;
	set_mark(page, PB_PAGE_MOVABLE, movable);
	return PB_OK;
}
