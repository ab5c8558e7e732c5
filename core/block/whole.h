/* SPDX-License-Identifier: MIT */
/*
 * In the modern profile free blocks of at least a pageblock, "whole" ones, are in no tree and in
 * no pageblock's counts. Each is one bit in the list of its order and type, at the place of its
 * first pageblock. So 64 huge pages share a word, and a batch of them comes and goes by the word:
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

/* Is a free block of this order recorded in its list only? */
static inline bool in_list_alone(const struct pb_pool *pool, unsigned int order)
{
	return order >= pool->pageblock_order && !pool_is_linked(pool);
}

/* The word of a list with the place of a pageblock. */
static inline u64 *list_word(const struct locked *at, struct whole_list list, u32 local)
{
	return tight_leaf(at->pool, at->zone, at->stripe, list.order, list.type) + (local >> 6);
}

/* Is this block free? It would be on the list of its first pageblock's type. pre: it is of at least
   pageblock_order. */
static inline bool __whole_test(const struct locked *at, u32 frame, unsigned int order)
{
	const struct whole_list list = { order, frame_migratetype(at->pool, frame) };
	u32 local = tight_local(at->pool, at->zone, frame >> at->pool->pageblock_order);

	return *list_word(at, list, local) >> (local & 63) & 1;
}

/* Add a free block to the list of its first pageblock's type, or remove it. */
void __whole_insert(const struct locked *at, u32 frame, unsigned int order);
void __whole_remove(const struct locked *at, u32 frame, unsigned int order);
/* The same without counting it. */
void __whole_set(const struct locked *at, u32 frame, unsigned int order, bool free);
/* Order of the free block that begins with the pageblock and is no smaller, or -1. */
int __whole_begins(const struct locked *at, u32 pageblock);
/* Look at the first blocks of a list of whole blocks, which is not empty, and return the first
   pageblock of the one whose marks suit the stripe's wish best. pre: has_marks(). */
u32 __wished_pageblock(const struct locked *at, unsigned int order, unsigned int type);
/* The pageblock to take from, of any list that is not empty. */
static inline u32 __list_pageblock(const struct locked *at, unsigned int order, unsigned int type)
{
	return has_marks(at->pool) && order >= at->pool->pageblock_order
		       ? __wished_pageblock(at, order, type)
		       : __tight_lowest(at, order, type);
}
/* Take up to n blocks of `order` out of the first word of the list that has a bit, and write them
   downward from end[-1]. Only whole blocks of the list are taken; returns how many of `order`. */
u32 __take_wholes(const struct locked *at, struct whole_list list, unsigned int order, u32 n,
		  u32 *end);
#if LONG_BATCHES
/* Free frames[0] and those after it of the same stripe and type, and merge them; returns how many.
   pre: nothing is traced. */
u32 __free_wholes(const struct locked *at, unsigned int order, u32 n, const u32 *frames);
#endif

#endif
