/* SPDX-License-Identifier: MIT */
/*
 * The allocation path:
 *
 *	pb_alloc_pages --hit--> this CPU's list                     (pcp.h)
 *	    |  miss
 *	alloc_slow: flags -> highest zone, migratetype, zonelist    (request.c, gfp.c)
 *	    get_page_from_freelist: watermark, then per zone        (freelist.c)
 *	        rmqueue_pcplist: refill this CPU's list             (pcp/area.c)
 *	        rmqueue_buddy: straight from the zone               (zone/rmqueue.c)
 *	    alloc_slowpath: reserves, reclaim, compaction, oom;
 *	        drain; give up                                      (slowpath.c, give_up.c)
 *	    failure_reason                                          (failure.c)
 *
 * bulk.c allocates many blocks at once, exact.c page counts that are no power of two; free.c
 * is the free path.
 */
#include "alloc/page_alloc.h"

#include "pcp/shared.h"

/* Flags that the fast path cannot handle. */
#define GFP_SLOW PB_GFP_ZERO

static NOINLINE bool hand_out_block(struct pb_pool *pool, u32 frame, unsigned int order,
				    struct pb_request *request)
{
	if (hand_out(pool, frame, frame + (1u << order), request->gfp))
		return true;
	free_frames(pool, frame, order);
	request->why = PB_REASON_NO_ADDRESS;
	return false;
}

static struct pb_page *prep_page(struct pb_pool *pool, u32 frame, unsigned int order,
				 struct pb_request *request)
{
	if (needs_hand_out(pool, request->gfp) && !hand_out_block(pool, frame, order, request))
		return NULL;
	return page_set_owned(pool, frame, order, request->gfp);
}

static u32 alloc_frame(struct pb_pool *pool, struct alloc_context *ctx)
{
	u32 frame = NO_FRAME;

	if (ctx->preferred) {
		frame = first_attempt(pool, ctx);
		if (frame == NO_FRAME)
			frame = alloc_slowpath(pool, ctx);
	}
	return frame;
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

/* Pop from this CPU's list under its lock; NULL if the request needs more than that. */
static inline struct pb_page *alloc_locked(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	u32 frame;

	if (unlikely(order >= pool->lock_orders || gfp & GFP_SLOW) ||
	    unlikely(pcp_lock_pop(pool, gfp, order, &frame) != PCP_OK))
		return NULL;
	return page_set_allocated(pool, frame, order, gfp);
}

/* The same in a pool with owner tags, or of several processes. */
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

/* Not inlined, so that a hit builds no request. */
static NOINLINE struct pb_page *alloc_reported(struct pb_pool *pool, pb_gfp_t gfp,
					       unsigned int order, const char *name,
					       const void *caller)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };
	struct pb_page *page = alloc_guarded(pool, gfp, order);
	const struct call call = { name, caller };

	return page ? page : alloc_slow(pool, &request, order, &call);
}

/* Pop by the thread's concurrency id, in a PB_POOL_CIDS pool. Not inlined, so that the fast path
   needs no stack frame. */
static NOINLINE struct pb_page *alloc_by_cid(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order,
					     const char *name, const void *caller)
{
	size_t frame;

	if (likely(order < pool->nr_pcp_orders && !(gfp & GFP_SLOW)) &&
	    likely(pcp_cid_pop(pool, gfp, order, &frame) == PCP_OK))
		return page_set_allocated(pool, (u32)frame, order, gfp);
	return alloc_reported(pool, gfp, order, name, caller);
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
	return pcp_by_cid(pool) ? alloc_by_cid(pool, gfp, order, "pb_alloc_pages", CALLER)
				: alloc_missed(pool, gfp, order, "pb_alloc_pages", CALLER);
}

/* Try the fast paths only. Not inlined, so that a miss needs less stack. */
static NOINLINE struct pb_page *alloc_hit(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	struct pb_page *page;
	size_t frame;

	if (order < pool->rseq_orders && pcp_rseq_pop(pool, gfp, order, &frame) == PCP_OK)
		return page_set_allocated(pool, frame, order, gfp);
	if (pcp_by_cid(pool) && order < pool->nr_pcp_orders &&
	    pcp_cid_pop(pool, gfp, order, &frame) == PCP_OK)
		return page_set_allocated(pool, frame, order, gfp);
	page = alloc_locked(pool, gfp, order);
	return page ? page : alloc_guarded(pool, gfp, order);
}

struct pb_page *alloc_here(struct pb_pool *pool, struct pb_request *request, unsigned int order,
			   const struct call *call)
{
	struct pb_page *page = NULL;

	request->why = PB_REASON_NONE;
	if (pool && request->node == PB_NO_NODE && !request->nodemask && order <= PB_MAX_ORDER &&
	    !(request->gfp & (GFP_SLOW | PB_GFP_THISNODE)))
		page = alloc_hit(pool, request->gfp, order);
	return page ? page : alloc_slow(pool, request, order, call);
}

/* The node with memory that is nearest to this CPU's. */
static int memory_node(const struct pb_pool *pool)
{
	int node = cpu_node(pool, pb_platform_cpu());

	return pool_node(pool, (u32)node)->order[0]; /* a pool has memory somewhere */
}

static NOINLINE void warn_offline(struct pb_pool *pool, int node, pb_gfp_t gfp)
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
