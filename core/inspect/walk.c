/* SPDX-License-Identifier: MIT */
/*
 * Visits every block of a pool, or the blocks of a list in the order in which they will be
 * used. At rest only, except for pb_find_block() and pb_range_is_free().
 */
#include "alloc/misuse.h"
#include "linux/pcp_linux.h"
#include "pcp/pcp.h"

/* The order of the largest aligned block that begins at `frame`, ends by `end`, and whose frames
   all have this page byte, without HEAD, and are in no tree: they are reserved, or in a CPU's list.
   Owners change page bytes without a lock, so the loads are relaxed. pb_find_block(), which may run
   beside them, passes the next frame as `end`, so that the answer is 0. */
static unsigned int loose_order(const struct pb_pool *pool, u32 frame, u64 end, u8 state)
{
	unsigned int order = 0;
	u32 same = 1;

	while (order < pool->max_order && !(frame & (1u << order)) &&
	       (u64)frame + (2u << order) <= end) {
		while (same < 2u << order &&
		       load_relaxed(&pool->pages[frame + same].state) == state &&
		       covering_order(pool, frame + same) < 0)
			same++;
		if (same < 2u << order)
			break;
		order++;
	}
	return order;
}

/* Describes the block at `frame`; returns its frames. */
static u32 describe(const struct pb_pool *pool, const struct zone *zone, u32 frame, u64 end,
		    struct pb_block *block)
{
	u8 state = load_relaxed(&pool->pages[frame].state);
	int covering = covering_order(pool, frame);

	block->pfn = frame_to_pfn(pool, frame);
	block->node = zone->node;
	block->zone = zone->type;
	block->pageblock_type = (u8)frame_migratetype(pool, frame);
	block->list_type = block->pageblock_type;
	block->movable = 0;
	block->marks = 0;
	block->owner = 0;
	if (state & PB_PAGE_HEAD) {
		block->state = PB_BLOCK_ALLOCATED;
		block->order = state & PB_PAGE_ORDER;
		block->movable = (state & PB_PAGE_MOVABLE) != 0;
		block->owner = pool->owners ? load_relaxed(&pool->owners[frame]) : 0;
	} else if (covering >= 0) {
		block->state = PB_BLOCK_FREE;
		block->order = (u8)covering;
		if (pool->pcp_types)
			block->list_type = pool->pcp_types[frame];
		if (has_marks(pool) && covering >= pool->pageblock_order)
			block->marks = (u8)(marks_of(pool, frame, frame + (1u << covering)) &
					    (PB_BLOCK_REPORTED | PB_BLOCK_CLEARED));
	} else {
		block->state = state ? PB_BLOCK_RESERVED : PB_BLOCK_PCP;
		block->order = (u8)loose_order(pool, frame, end, state);
	}
	return 1u << block->order;
}

int pb_find_block(struct pb_pool *pool, uint64_t pfn, struct pb_block *block)
{
	u32 frame = pfn_to_frame(pool, pfn), head;
	struct locked at;
	int order;

	if (frame == NO_FRAME)
		return PB_ENODEV;
	at = lock_frame(pool, zone_of_frame(pool, frame), frame);
	order = covering_order(pool, frame);
	head = order < 0 ? block_head(pool, frame) : frame & ~((1u << order) - 1);
	if (head == NO_FRAME)
		head = frame;
	(void)describe(pool, at.zone, head, (u64)head + 1, block);
	unlock_stripe(&at);
	return PB_OK;
}

int pb_range_is_free(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn)
{
	bool all = true;

	if (start_pfn >= end_pfn)
		return PB_EINVAL;
	while (start_pfn < end_pfn) {
		struct pb_block block;
		int code = pb_find_block(pool, start_pfn, &block);

		if (code)
			return code;
		all &= block.state == PB_BLOCK_FREE || block.state == PB_BLOCK_PCP;
		start_pfn = block.pfn + ((u64)1 << block.order);
	}
	return all;
}

_Static_assert(PB_BLOCK_REPORTED == MARK_REPORTED && PB_BLOCK_CLEARED == MARK_CLEARED,
	       "the marks are told as they are");

static int walk_zone(struct pb_pool *pool, const struct zone *zone,
		     int (*visit)(void *ctx, const struct pb_block *block), void *ctx)
{
	u64 frame = zone_first_frame(pool, zone);
	u64 end = frame + zone_nr_frames(pool, zone);

	while (frame < end) {
		struct pb_block block;
		int stop;

		if (frame_state(pool, (u32)frame) == PAGE_ABSENT) {
			frame++;
			continue;
		}
		frame += describe(pool, zone, (u32)frame, end, &block);
		stop = visit(ctx, &block);
		if (stop)
			return stop;
	}
	return 0;
}

int pb_walk(struct pb_pool *pool, int (*visit)(void *ctx, const struct pb_block *block), void *ctx)
{
	for (u32 z = 0; z < pool->super->nr_zones; z++) {
		int stop = walk_zone(pool, pool_zone(pool, z), visit, ctx);

		if (stop)
			return stop;
	}
	return 0;
}

/* ------------------------------------------------------------------- lists */

struct visitor {
	int (*visit)(void *ctx, uint64_t pfn);
	void *ctx;
};

static int visit_linked(const struct pb_pool *pool, const struct free_list *lists, u32 list,
			const struct visitor *to)
{
	for (u32 frame = linked_head(lists, list); frame != NO_FRAME;
	     frame = linked_after(pool, frame)) {
		int stop = to->visit(to->ctx, frame_to_pfn(pool, frame));

		if (stop)
			return stop;
	}
	return 0;
}

/* Visits the blocks of `order` in one pageblock, the lowest first. */
static int walk_pageblock(const struct pb_pool *pool, u32 pageblock, unsigned int order,
			  const struct visitor *to)
{
	u32 frame = pageblock << pool->pageblock_order;
	u32 blocks = order < pool->pageblock_order ? 1u << (pool->pageblock_order - order) : 1;

	for (u32 i = 0; i < blocks; i++, frame += 1u << order) {
		int stop;

		if (!block_is_free(pool, frame, order))
			continue;
		stop = to->visit(to->ctx, frame_to_pfn(pool, frame));
		if (stop)
			return stop;
	}
	return 0;
}

/* Is the pageblock on this list, and has it a block of `order`? */
static bool is_listed(const struct pb_pool *pool, u32 pageblock, unsigned int listed,
		      unsigned int type, unsigned int order)
{
	const struct pageblock *pb = pool_pageblock(pool, pageblock);
	u32 frame = pageblock << pool->pageblock_order;

	if (pb->type != type)
		return false;
	if (listed >= pool->pageblock_order)
		return listed == order && !(frame & ((1u << order) - 1)) &&
		       block_is_free(pool, frame, order);
	return pb->listed_order == listed && pb->mask >> order & 1;
}

/* Pageblocks are used by the order of their largest free block, then by address. */
static int walk_tight(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
		      unsigned int type, const struct visitor *to)
{
	u32 first = zone_first_pageblock(pool, zone);

	for (unsigned int listed = order; listed <= pool->max_order; listed++)
		for (u32 i = 0; i < zone_nr_pageblocks(pool, zone); i++) {
			int stop;

			if (!is_listed(pool, first + i, listed, type, order))
				continue;
			stop = walk_pageblock(pool, first + i, order, to);
			if (stop)
				return stop;
		}
	return 0;
}

int pb_walk_free_list(struct pb_pool *pool, int node, enum pb_zone_type type, unsigned int order,
		      enum pb_migratetype mt, int (*visit)(void *ctx, uint64_t pfn), void *ctx)
{
	const struct visitor to = { visit, ctx };
	const struct zone *zone = find_zone(pool, node, type);

	if (!zone)
		return PB_ENODEV;
	if (order > pool->max_order || (u32)mt >= PB_MIGRATE_TYPES)
		return PB_EINVAL;
	if (pool_is_linked(pool))
		return visit_linked(pool, area_lists(pool, zone_stripe(pool, zone, 0)),
				    area_list(order, mt), &to);
	return walk_tight(pool, zone, order, mt, &to);
}

int pb_walk_pcp(struct pb_pool *pool, unsigned int cpu, int node, enum pb_zone_type type,
		unsigned int order, enum pb_migratetype mt, int (*visit)(void *ctx, uint64_t pfn),
		void *ctx)
{
	const struct visitor to = { visit, ctx };
	const struct zone *zone = find_zone(pool, node, type);
	struct pcp_list *list;
	struct pcp_area *area;

	if (!zone || cpu >= pool_areas(pool))
		return PB_ENODEV;
	if (order > pool->max_order || !pcp_allowed_order(pool, order) ||
	    (u32)mt >= PB_MIGRATE_PCPTYPES)
		return PB_EINVAL;
	if (pool_is_linked(pool))
		return visit_linked(pool, pcp_linux_of(pool, cpu, zone)->lists,
				    pcp_linux_list(order, mt), &to);
	area = pcp_area(pool, cpu);
	list = pcp_list(area, zone_class(pool, zone, mt), order);
	for (u32 i = pcp_entries(list); i-- > 0;) {
		int stop = visit(ctx, frame_to_pfn(pool, pcp_stack(area, list)[i]));

		if (stop)
			return stop;
	}
	return 0;
}
