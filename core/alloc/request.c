/* SPDX-License-Identifier: MIT */
/*
 * Translates a caller's request into an alloc_context: its flags give the highest zone, the
 * migratetype and the allocation flags (gfp.c), its node gives the zonelist. Flags and nodes
 * that no request may have are reported as misuse.
 */
#include "alloc/page_alloc.h"

struct zone *next_zone(const struct pb_pool *pool, const struct alloc_context *ctx, u32 *at)
{
	const u16 *zonelist;
	u32 n;

	if (!PB_WITH_ZONES)
		return (*at)++ || !(ctx->nodemask & 1) ||
				       !load_relaxed(&pool_zone(pool, 0)->managed)
			       ? NULL
			       : pool_zone(pool, 0);
	zonelist = node_zonelist(pool, ctx->node);
	n = pool_node(pool, ctx->node)->zonelist_zones;
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
	if (node != PB_NO_NODE && (u32)node >= pool_nr_nodes(pool)) {
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
		ctx->preferred = next_zone(pool, ctx, &ctx->after);
	return reason;
}

unsigned int nofragment(const struct pb_pool *pool, const struct zone *preferred)
{
	const struct pb_super *super = pool->super;
	u32 online = 0;

	if (!PB_WITH_MOBILITY || preferred->type != PB_ZONE_NORMAL ||
	    !(super->zone_types >> PB_ZONE_DMA32 & 1))
		return 0;
	for (u32 id = 0; id < pool_nr_nodes(pool); id++)
		online += pool_node(pool, id)->online;
	if (online > 1 && pool_node(pool, preferred->node)->zones[PB_ZONE_DMA32] == NO_ZONE)
		return 0;
	return ALLOC_NOFRAGMENT;
}

unsigned int first_alloc_flags(const struct alloc_context *ctx)
{
	unsigned int flags = PB_WMARK_LOW;

	flags |= ctx->gfp & PB_GFP_KSWAPD_RECLAIM ? ALLOC_KSWAPD : 0;
	return flags | (ctx->migratetype == PB_MIGRATE_MOVABLE ? ALLOC_CMA : 0);
}

bool zone_leaves(const struct pb_pool *pool, const struct alloc_context *ctx,
		 const struct zone *zone, unsigned int alloc_flags, u64 nr_pages)
{
	struct wmark_test test =
		request_test(ctx, wmark_pages(zone, alloc_flags & ALLOC_WMARK_MASK), alloc_flags);

	test.order = 0;
	return alloc_flags & ALLOC_NO_WATERMARKS ||
	       zone_watermark_ok(pool, zone, &test,
				 zone_vm_free_pages(pool, zone) - (long)(nr_pages - 1));
}
