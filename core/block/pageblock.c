/* SPDX-License-Identifier: MIT */
/*
 * Pageblocks: their types, counts of the pages in one, and the move of its free blocks to
 * another type's lists.
 */
#include "block/free_area.h"

static NOINLINE void trace_type(const struct locked *at, u32 pageblock, unsigned int type)
{
	struct pb_trace_event event = { .type = PB_TRACE_PAGEBLOCK,
					.order = at->pool->pageblock_order,
					.migratetype = (u8)type,
					.other_type = pool_pageblock(at->pool, pageblock)->type };

	event.pfn = frame_to_pfn(at->pool, pageblock << at->pool->pageblock_order);
	trace_event(at->pool, at->zone, &event);
}

/* A free block of at least a pageblock that begins here is on a list of this pageblock's type: it
   moves to the new type's list. */
void __set_pageblock_type(const struct locked *at, u32 pageblock, unsigned int type)
{
	struct pb_pool *pool = at->pool;
	struct pageblock *pb = pool_pageblock(pool, pageblock);
	u32 frame = pageblock << pool->pageblock_order;
	int order = -1;

	if (!has_mobility(pool) && type < PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_UNMOVABLE;
	if (LIST_TYPES == 1)
		type = PB_MIGRATE_UNMOVABLE;
	if (tracing(pool) && pb->type != type)
		trace_type(at, pageblock, type);
	if (!pool_is_linked(pool) && pb->type != type)
		order = __whole_begins(at, pageblock);
	if (order >= 0)
		__whole_set(at, frame, (unsigned int)order, false);
	store_relaxed(&pb->type, (u8)type);
	__runs_mark(at, pageblock << pool->pageblock_order, pool->pageblock_order);
	store_relaxed(&pool->pcp_class[pageblock], zone_class(pool, at->zone, type));
	if (order >= 0)
		__whole_set(at, frame, (unsigned int)order, true);
}

void __retype_block(const struct locked *at, u32 frame, unsigned int order, unsigned int type)
{
	u32 first = frame >> at->pool->pageblock_order;

	for (u32 i = 0; i < 1u << (order - at->pool->pageblock_order); i++)
		__set_pageblock_type(at, first + i, type);
}

bool pageblock_in_zone(const struct pb_pool *pool, const struct zone *zone, u32 pageblock)
{
	u64 pfn = frame_to_pfn(pool, pageblock << pool->pageblock_order);

	return pfn >= zone->start_pfn &&
	       pfn + pageblock_pages(pool) <= zone->start_pfn + zone->spanned;
}

u32 pageblock_end(const struct pb_pool *pool, u32 frame)
{
	return (frame | ((1u << pool->pageblock_order) - 1)) + 1;
}

/* Count the free pages from a frame to the end of its pageblock, order by order: the tree has a
   bit for each block of an order. */
static u64 count_free_from(const struct pb_pool *pool, u32 frame)
{
	const u64 *tree = span_tree(pool, frame);
	u32 end = pageblock_end(pool, frame);
	u64 sum = 0;

	if (covering_order(pool, frame) >= (int)pool->pageblock_order)
		return end - frame;
	for (unsigned int order = 0; order <= pool->pageblock_order; order++) {
		u32 node = frame_node(pool, frame, order);
		u32 last = frame_node(pool, end - 1, order);
		u32 head = frame >> order << order;

		if (head != frame && tree_test(tree, node)) /* it began before */
			sum -= frame - head;
		while (node <= last) {
			u32 n = 64 - (node & 63);
			u64 word;

			if (n > last - node + 1)
				n = last - node + 1;
			word = tree[node >> 6] & word_mask(node & 63, n);
			if (word)
				sum += (u64)popcount64(word) << order;
			node += n;
		}
	}
	return sum;
}

#define EACH_BYTE 0x0101010101010101u

/* Count the pages of movable blocks that begin in eight frames; single pages are counted by adding
   up bytes. A block larger than a pageblock counts as one pageblock, which is where it begins. */
static u64 movable_of_eight(const struct pb_pool *pool, u64 eight)
{
	u64 movable = eight >> 7 & eight >> 5 & EACH_BYTE; /* HEAD and MOVABLE */
	u64 large = ((eight & EACH_BYTE * PB_PAGE_ORDER) + EACH_BYTE * PB_PAGE_ORDER) >> 5 &
		    movable;
	u64 sum = (movable & ~large) * EACH_BYTE >> 56;

	for (; large; large &= large - 1)
		sum += min_u64((u64)1 << (eight >> ctz64(large) & PB_PAGE_ORDER),
			       pageblock_pages(pool));
	return sum;
}

/* Count the pages of movable blocks that begin in [frame, end), up to `end`. */
static u64 count_movable(const struct pb_pool *pool, u32 frame, u32 end)
{
	u64 sum = 0;

	for (; frame < end && (frame & 7 || end - frame < 8); frame++) {
		u8 state = load_relaxed(&pool->pages[frame].state);

		if (state & PB_PAGE_HEAD && state & PB_PAGE_MOVABLE)
			sum += min_u64((u64)1 << (state & PB_PAGE_ORDER), end - frame);
	}
	for (; frame < end; frame += 8)
		sum += movable_of_eight(pool,
					load_relaxed((const eight_pages *)(pool->pages + frame)));
	return sum;
}

/* bitmap: pages in the pageblock's free blocks, by its counts. */
static u64 counted_free(const struct pb_pool *pool, u32 pageblock)
{
	const struct pageblock *pb = pool_pageblock(pool, pageblock);
	u32 mask = pb->mask;
	u64 sum = 0;

	if (!mask) /* no free block is smaller than the pageblock: is it free as a whole? */
		return count_free_from(pool, pageblock << pool->pageblock_order);
	for (; mask; mask &= mask - 1)
		sum += (u64)pb->nr_free[ctz32(mask)] << ctz32(mask);
	return sum;
}

u64 pageblock_free(const struct pb_pool *pool, u32 pageblock)
{
	return pool_is_linked(pool) ? count_free_from(pool, pageblock << pool->pageblock_order)
				    : counted_free(pool, pageblock);
}

u32 __pages_in_use(const struct pb_pool *pool, u32 pageblock)
{
	u64 free = pageblock_free(pool, pageblock), pages = pageblock_pages(pool);

	return free < pages ? (u32)(pages - free) : 0;
}

u64 pageblock_movable(const struct pb_pool *pool, u32 pageblock)
{
	u32 frame = pageblock << pool->pageblock_order;

	return count_movable(pool, frame, pageblock_end(pool, frame));
}

/* linked: move the blocks that `level` marks, of the 64 of one order from `frame` on, lowest first,
   to the head or the tail of the list of `type`. Returns the pages that left the reserve. */
static long __relink_each(const struct locked *at, u64 level, u32 frame, unsigned int order,
			  unsigned int type)
{
	const struct pb_pool *pool = at->pool;
	struct free_list *lists = area_lists(pool, at->stripe);
	bool tail = !policy(pool)->moves_to_head;
	u32 n = area_list(order, type);
	long left = 0;

	for (; level; level &= level - 1) {
		u32 block = frame + (ctz64(level) << order);
		u8 *listed = &pool->pcp_types[block];

		linked_remove(pool, lists, block);
		linked_insert(pool, lists, n, block, tail);
		left += *listed == PB_MIGRATE_HIGHATOMIC;
		*listed = (u8)type;
	}
	return left << order;
}

/*
 * Do the same at the tail with fewer stores: the blocks form a chain, whose end is tied to the list
 * once. It stops at a block that is on that list already or in the reserve, and returns the blocks
 * that are left. (This loop makes up the longest hold of the lock, with interrupts masked: a
 * pageblock of order 9 may have 256 such blocks.)
 */
static u64 __relink_chain(const struct locked *at, u64 level, u32 frame, unsigned int order,
			  unsigned int type)
{
	struct free_list *lists = area_lists(at->pool, at->stripe);
	struct link *links = at->pool->links;
	u8 *types = at->pool->pcp_types;
	u32 n = area_list(order, type), last = lists[n].prev;
	u32 *slot = is_list_ref(last) ? &lists[n].next : &links[last].next;

	for (; level; level &= level - 1) {
		u32 block = frame + (ctz64(level) << order);
		struct link link = links[block];

		if (unlikely(types[block] == type || types[block] == PB_MIGRATE_HIGHATOMIC))
			break;
		types[block] = (u8)type;
		store_relaxed(is_list_ref(link.prev) ? &lists[UINT32_MAX - link.prev].next
						     : &links[link.prev].next,
			      link.next);
		*(is_list_ref(link.next) ? &lists[UINT32_MAX - link.next].prev
					 : &links[link.next].prev) = link.prev;
		store_relaxed(slot, block);
		slot = &links[block].next;
		links[block].prev = last;
		last = block;
	}
	store_relaxed(slot, LIST_REF(n));
	lists[n].prev = last;
	return level;
}

static inline long __relink_level(const struct locked *at, u64 level, u32 frame, unsigned int order,
				  unsigned int type)
{
	if (level && !policy(at->pool)->moves_to_head)
		level = __relink_chain(at, level, frame, order, type);
	return level ? __relink_each(at, level, frame, order, type) : 0;
}

/* Move the pageblock's free blocks from `frame` on, of `free` pages in all; none of them begins
   before `frame` and ends after it. Orders are moved one after the other, as each has its own
   lists, and 64 blocks of an order are one word of the tree. */
static NOINLINE void __relink_from(const struct locked *at, u32 frame, unsigned int type, u64 free)
{
	const struct pb_pool *pool = at->pool;
	const u64 *tree = span_tree(pool, frame);
	u32 end = pageblock_end(pool, frame);
	long reserved = type == PB_MIGRATE_HIGHATOMIC ? (long)free : 0;

	for (unsigned int order = 0; free && order <= pool->pageblock_order; order++) {
		u32 node = frame_node(pool, frame, order);
		u32 n, last = frame_node(pool, end - 1, order);
		u32 first = frame >> order << order; /* of the node: it may lie before */

		for (; node <= last; node += n, first += n << order) {
			n = (u32)min_u64(64 - (node & 63), last - node + 1);
			reserved -= __relink_level(at,
						   tree[node >> 6] >> (node & 63) & word_mask(0, n),
						   first, order, type);
		}
	}
	if (reserved)
		counter_add(&at->stripe->nr_free_highatomic, reserved);
}

/* linked: move every free block of the pageblock, from `frame` on, to another list; a block larger
   than the pageblock moves as a whole. The loops are a function of their own, as their stack frame
   is large. */
static void __relink_pageblock(const struct locked *at, u32 frame, unsigned int type, u64 free)
{
	int order = covering_order(at->pool, frame);

	if (order > (int)at->pool->pageblock_order)
		__area_relink(at, frame, (unsigned int)order, type);
	else
		__relink_from(at, frame, type, free);
}

u64 __move_freepages_from(const struct locked *at, u32 frame, unsigned int type, u64 *movable)
{
	u32 pageblock = frame >> at->pool->pageblock_order;
	u64 free = pool_is_linked(at->pool) ? count_free_from(at->pool, frame)
					    : counted_free(at->pool, pageblock);

	counter_add(&at->stripe->version, 1);
	if (movable)
		*movable = count_movable(at->pool, frame, pageblock_end(at->pool, frame));
	if (pool_is_linked(at->pool))
		__relink_pageblock(at, frame, type, free);
	else
		__set_pageblock_type(at, pageblock, type);
	__area_relist(at, frame);
	return free;
}

u64 __move_freepages_block(const struct locked *at, u32 pageblock, unsigned int type, u64 *movable)
{
	return __move_freepages_from(at, pageblock << at->pool->pageblock_order, type, movable);
}
