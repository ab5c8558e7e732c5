/* SPDX-License-Identifier: MIT */
/*
 * Compaction in units of pageblocks: choose the one that is cheapest to empty
 * (few movable pages in use, nothing else), isolate it, move its blocks into
 * the others, give it back whole.
 */
#include "range/compact.h"

#include "range/move.h"
#include "pcp/shared.h"

#define COMPACT_TRIES 8u /* pageblocks a call may try to empty */

/* Allocated pages of a pageblock, or UINT32_MAX if one can't move. */
static u32 pages_to_move(const struct pb_pool *pool, u32 pageblock)
{
	u32 frame = pageblock << pool->pageblock_order;
	u32 end = frame + (1u << pool->pageblock_order);
	u32 in_use = 0;

	while (frame < end) {
		u8 word = load_relaxed(&pool->pages[frame].state);
		u32 step = 1;

		if (word & PB_PAGE_HEAD) {
			step = 1u << (word & PB_PAGE_ORDER);
			if (!(word & PB_PAGE_MOVABLE) || step >= 1u << pool->pageblock_order)
				return UINT32_MAX;
			in_use += step;
		} else if (word) {
			return UINT32_MAX;
		}
		frame += step;
	}
	return in_use;
}

/* Pageblock of at least one movable page that is cheapest to empty, above `floor`. */
static u32 cheapest_pageblock(const struct pb_pool *pool, const struct zone *zone, u32 floor,
			      u32 *cost)
{
	u32 first = zone_first_pageblock(pool, zone);
	u32 best = UINT32_MAX;

	*cost = UINT32_MAX;
	for (u32 i = 0; i < zone_nr_pageblocks(pool, zone); i++) {
		u32 pages;

		if (pool_pageblock(pool, first + i)->type >= PB_MIGRATE_PCPTYPES)
			continue;
		pages = pages_to_move(pool, first + i);
		if (pages > floor && pages < *cost) {
			*cost = pages;
			best = first + i;
		}
	}
	return best;
}

static bool has_block(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	for (unsigned int o = order; o <= pool->max_order; o++)
		if (zone_nr_free(pool, zone, o))
			return true;
	return false;
}

/* True: a block of the order is free now. */
static bool compact_zone(struct pb_pool *pool, struct zone *zone, unsigned int order)
{
	u32 floor = 0;

	if (order > pool->pageblock_order)
		return has_block(pool, zone, order);
	pcp_drain_all(pool, zone);
	for (u32 i = 0; i < COMPACT_TRIES && !has_block(pool, zone, order); i++) {
		u32 cost;
		u32 pageblock = cheapest_pageblock(pool, zone, floor, &cost);
		u32 frame = pageblock << pool->pageblock_order;

		if (pageblock == UINT32_MAX)
			return false;
		if ((long)cost > zone_free_pages(pool, zone) / 2)
			return false; /* nowhere to move them */
		if (!isolate_pageblocks(pool, zone, pageblock, 1))
			return false; /* another CPU is at it */
		(void)evacuate_range(pool, frame, frame + (1u << pool->pageblock_order), true,
				     NULL);
		unisolate_pageblocks(pool, zone, pageblock, 1);
		floor = cost - 1;
		if (pages_to_move(pool, pageblock)) /* it couldn't be emptied */
			floor = cost;
	}
	return has_block(pool, zone, order);
}

static bool count_compaction(struct pb_pool *pool, bool success)
{
	vm_count(pool, success ? PB_COMPACT_SUCCESS : PB_COMPACT_FAIL, 1);
	return success;
}

bool compact_zonelist(struct pb_pool *pool, const struct alloc_context *ctx)
{
	struct zone *zone;
	u32 at = 0;

	vm_count(pool, PB_COMPACT_STALL, 1);
	while ((zone = next_zone(pool, ctx, &at)) != NULL)
		if (compact_zone(pool, zone, ctx->order))
			return count_compaction(pool, true);
	return count_compaction(pool, false);
}

static int do_compact(struct pb_pool *pool, int node, unsigned int order)
{
	if (!can_migrate(pool))
		return PB_ENOTSUP;
	if (order > pool->max_order)
		return PB_EINVAL;
	vm_count(pool, PB_COMPACT_STALL, 1);
	for (u32 z = 0; z < pool->super->nr_zones; z++) {
		struct zone *zone = pool_zone(pool, z);

		if ((node == PB_NO_NODE || node == zone->node) && compact_zone(pool, zone, order)) {
			(void)count_compaction(pool, true);
			return PB_OK;
		}
	}
	(void)count_compaction(pool, false);
	return PB_ENOMEM;
}

int pb_compact(struct pb_pool *pool, int node, unsigned int order)
{
	int code;

	pool_enter(pool);
	code = do_compact(pool, node, order);
	pool_leave(pool);
	return code;
}
