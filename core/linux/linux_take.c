/* SPDX-License-Identifier: MIT */
/*
 * Zones of the linux profile as from 6.12 on: every block that leaves a list, comes
 * to one or changes lists is counted at once, and lists follow the pageblocks' types
 * (docs/linux-observed.md, W2, F5). 5.10 and 6.1 take in zone.c and fallback.c.
 */
#include "linux/linux_rules.h"
#include "zone/zone.h"

static void count(const struct linux_take *t, long pages)
{
	__vmstat_add(t->pool, t->zone, t->cpu, pages);
}

/* The block leaves its list; what is not asked for goes to `type`'s lists. */
static u32 __take_block(const struct linux_take *t, u32 frame, unsigned int found,
			unsigned int type)
{
	area_remove(t->pool, t->stripe, frame, found);
	if (tracing(t->pool))
		trace_block(t->pool, PB_TRACE_TAKE, frame, found, type, 0);
	__expand(t->pool, t->zone, t->stripe, frame, found, t->order, type);
	__account(t->stripe, -(1L << t->order), type);
	t->pool->pcp_types[frame] = (u8)type;
	return frame;
}

static u32 take_block(const struct linux_take *t, u32 frame, unsigned int found, unsigned int type)
{
	count(t, -(1L << t->order));
	return __take_block(t, frame, found, type);
}

u32 __linux_rmqueue_smallest(const struct linux_take *t, unsigned int type)
{
	unsigned int found;
	u32 frame = area_find(t->pool, t->zone, t->stripe, t->order, type, &found);

	return frame == NO_FRAME ? NO_FRAME : take_block(t, frame, found, type);
}

/* The pageblock's free blocks change lists one by one, in pfn order. */
static void move_pageblock(const struct linux_take *t, u32 frame)
{
	struct pb_pool *pool = t->pool;
	u32 first = frame & ~(u32)(pageblock_pages(pool) - 1), end = __pageblock_end(pool, frame);

	__linked_move_from(pool, t->stripe, first, t->type);
	counter_add(&t->stripe->version, 1);
	while (first < end) {
		int order = tree_covering(span_tree(pool, first), pool->max_order,
					  span_offset(pool, first));

		if (order >= 0) {
			count(t, -(1L << order));
			count(t, 1L << order);
		}
		first += order < 0 ? 1u : 1u << order;
	}
	__set_pageblock_type(pool, t->zone, frame >> pool->pageblock_order, t->type);
}

/* The whole pageblock for the request's type, if most of it goes well with that. */
static bool change_pageblock(const struct linux_take *t, u32 frame)
{
	u32 pageblock = frame >> t->pool->pageblock_order;
	u64 free, movable;

	if (!pageblock_in_zone(t->pool, t->zone, pageblock))
		return false;
	count_pageblock(t->pool, pageblock, &free, &movable);
	if (!worth_claiming(t->pool, t->type, frame_migratetype(t->pool, frame), free, movable))
		return false;
	move_pageblock(t, frame);
	return true;
}

/* A block of at least a pageblock changes as a whole: it is counted out as what it was,
   and what is left of it back in. */
static u32 take_pageblocks(const struct linux_take *t, u32 frame, unsigned int order)
{
	retype_block(t->pool, t->zone, frame, order, t->type);
	count(t, -(1L << order));
	count(t, (1L << order) - (1L << t->order));
	return __take_block(t, frame, order, t->type);
}

static unsigned int lowest_order(const struct linux_take *t)
{
	unsigned int whole = t->pool->pageblock_order;

	return t->order < whole && t->alloc_flags & ALLOC_NOFRAGMENT ? whole : t->order;
}

static u32 claim(const struct linux_take *t, u32 frame, unsigned int o)
{
	if (o >= t->pool->pageblock_order)
		return take_pageblocks(t, frame, o);
	note_boost(t->pool, t->zone, t->alloc_flags);
	return change_pageblock(t, frame) ? __linux_rmqueue_smallest(t, t->type) : NO_FRAME;
}

static u32 rmqueue_claim(const struct linux_take *t)
{
	unsigned int floor = lowest_order(t);

	for (unsigned int o = t->pool->max_order + 1u; o-- > floor;) {
		int from = find_suitable_fallback(t->pool, t->stripe, o, t->type);
		u32 frame, got;

		if (!can_steal(t->pool, o, t->type))
			break; /* nor is any smaller one */
		if (from < 0)
			continue;
		frame = area_first(t->pool, t->zone, t->stripe, o, (unsigned int)from);
		got = claim(t, frame, o);
		if (got == NO_FRAME)
			continue;
		count_steal(t->pool, t->zone, frame, o, t->order, t->type, (unsigned int)from);
		return got;
	}
	return NO_FRAME;
}

static u32 rmqueue_steal(struct linux_take *t)
{
	for (unsigned int o = t->order; o <= t->pool->max_order; o++) {
		int from = find_suitable_fallback(t->pool, t->stripe, o, t->type);
		u32 frame;

		if (from < 0)
			continue;
		frame = __linux_rmqueue_smallest(t, (unsigned int)from);
		count_steal(t->pool, t->zone, frame, o, t->order, t->type, (unsigned int)from);
		t->steals = true;
		return frame;
	}
	return NO_FRAME;
}

static u32 own_or_cma(struct linux_take *t)
{
	u32 frame = __linux_rmqueue_smallest(t, t->type);

	if (frame == NO_FRAME && t->alloc_flags & ALLOC_CMA)
		frame = __linux_rmqueue_smallest(t, PB_MIGRATE_CMA);
	return frame;
}

u32 __linux_rmqueue(struct linux_take *t)
{
	u32 frame = NO_FRAME;

	if (t->alloc_flags & ALLOC_CMA && t->stripe->nr_free_cma > t->stripe->nr_free_pages / 2)
		frame = __linux_rmqueue_smallest(t, PB_MIGRATE_CMA);
	if (frame == NO_FRAME && !t->steals)
		frame = own_or_cma(t);
	if (frame != NO_FRAME || t->type >= PB_MIGRATE_PCPTYPES)
		return frame;
	if (!t->steals)
		frame = rmqueue_claim(t);
	if (frame == NO_FRAME && !(t->alloc_flags & ALLOC_NOFRAGMENT))
		frame = rmqueue_steal(t);
	return frame;
}
