/* SPDX-License-Identifier: MIT */
/*
 * Free blocks of at least a pageblock, modern profile: "whole" ones. They are in no tree and
 * in no pageblock's counts: the bit in the list of their order and type is all there is of
 * them, at the place of their first pageblock. So 64 huge pages share a word, and a batch of
 * them goes and comes by the word:
 *
 *	place               7 6 5 4 3 2 1 0
 *	list of order 9     1 0 0 0 0 1 0 0	pageblocks 2 and 7 are free, each by itself
 *	list of order 10    0 0 0 1 0 0 0 0	4 and 5 as one block
 *
 * When 3 is freed, its buddy's bit 2 (3 ^ 1) is set: both are cleared, and bit 2 of order 10 is
 * set; there the buddy would be 0 (2 ^ 2).
 *
 *	buddy = place ^ step, parent = place & ~step, step = 2^(order - pageblock_order) places
 */
#ifndef PB_CORE_WHOLE_H
#define PB_CORE_WHOLE_H

#include "block/list_tight.h"
#include "block/marks.h"
#include "block/stripe.h"

/* A list of whole blocks. */
struct whole_list {
	unsigned int order, type;
};

/* Is a free block of this order kept by its list alone? */
static inline bool in_list_alone(const struct pb_pool *pool, unsigned int order)
{
	return order >= pool->pageblock_order && !pool_is_linked(pool);
}

/* The word of a list with the place of a pageblock. */
static inline u64 *list_word(const struct locked *at, struct whole_list list, u32 local)
{
	return tight_leaf(at->pool, at->zone, at->stripe, list.order, list.type) + (local >> 6);
}

/* Is this block, of a whole order, free? It is on the list of its first pageblock's type. */
static inline bool __whole_test(const struct locked *at, u32 frame, unsigned int order)
{
	const struct whole_list list = { order, frame_migratetype(at->pool, frame) };
	u32 local = tight_local(at->pool, at->zone, frame >> at->pool->pageblock_order);

	return *list_word(at, list, local) >> (local & 63) & 1;
}

/* Add a free block, or remove it: the list is that of its first pageblock's type. */
void __whole_insert(const struct locked *at, u32 frame, unsigned int order);
void __whole_remove(const struct locked *at, u32 frame, unsigned int order);
/* The same, but it is not counted. */
void __whole_set(const struct locked *at, u32 frame, unsigned int order, bool free);
/* Order of the free block that begins with the pageblock and is no smaller, or -1. */
int __whole_begins(const struct locked *at, u32 pageblock);
/* Of a list of whole blocks that is not empty, the most wished for of the first ones: its first
   pageblock. pre: has_marks(). */
u32 __wished_pageblock(const struct locked *at, unsigned int order, unsigned int type);
/* Of any list that is not empty, the pageblock to take from. */
static inline u32 __list_pageblock(const struct locked *at, unsigned int order, unsigned int type)
{
	return has_marks(at->pool) && order >= at->pool->pageblock_order
		       ? __wished_pageblock(at, order, type)
		       : __tight_lowest(at, order, type);
}
/* Up to n blocks of `order` out of the first word of a list that has a bit, written downward
   from end[-1]. Only as many as whole blocks of the list make; returns how many. */
u32 __take_wholes(const struct locked *at, struct whole_list list, unsigned int order, u32 n,
		  u32 *end);
#if LONG_BATCHES
/* frames[0], and those after it of the same stripe and type, become free and merge; returns how
   many. pre: nothing is traced. */
u32 __free_wholes(const struct locked *at, unsigned int order, u32 n, const u32 *frames);
#endif

#endif
