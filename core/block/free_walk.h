/* SPDX-License-Identifier: MIT */
/*
 * linked: every free block of a range, in pfn order, 64 frames at a time: where each begins is
 * one word, made of those of the six lowest orders.
 *
 *	frames		0 1 2 3 4 5 6 7
 *	order 0		. . . . 1 . . .		word 00010000
 *	order 1		 1   .   .   1		word 1001
 *	heads		1 . . . 1 . 1 .		of 2, 1 and 2 frames
 */
#ifndef PB_CORE_FREE_WALK_H
#define PB_CORE_FREE_WALK_H

#include "block/stripe.h"

#define WALK_ORDERS 6u /* of blocks smaller than 64 frames */

struct free_walk {
	u64 heads;   /* which of 64 frames begin a free block that was not returned yet */
	u32 base;    /* the first of them */
	u32 at, end; /* frames still to be looked at */
};

/* pre: no free block reaches across `frame`; the range lies in one span. */
static inline struct free_walk walk_free(u32 frame, u32 end)
{
	return (struct free_walk){ .at = frame, .end = end };
}

/* Of the frames from `base` on, those that begin a free block smaller than 64 frames. */
static NOINLINE u64 walk_heads(const struct pb_pool *pool, u32 base, u32 width)
{
	const u64 *tree = span_tree(pool, base);
	u64 heads = 0;

	for (unsigned int order = 0; width >> order && order < WALK_ORDERS; order++) {
		u32 node = frame_node(pool, base, order);
		u64 level = tree[node >> 6] >> (node & 63) & word_mask(0, width >> order);

		if (!order)
			heads = level;
		for (; order && level; level &= level - 1)
			heads |= (u64)1 << (ctz64(level) << order);
	}
	return heads;
}

static inline void walk_fill(const struct pb_pool *pool, struct free_walk *walk)
{
	u32 width = pool->max_order < WALK_ORDERS ? 1u << pool->max_order : 64; /* or a span */
	u32 first = walk->at & (width - 1), frames = width - first;

	if (frames > walk->end - walk->at)
		frames = walk->end - walk->at;
	walk->base = walk->at - first;
	walk->heads = walk_heads(pool, walk->base, width) & word_mask(first, frames);
	walk->at += frames;
}

/* The next free block; false: there are no more. */
static inline bool walk_next(const struct pb_pool *pool, struct free_walk *walk, u32 *frame,
			     unsigned int *order)
{
	while (!walk->heads) {
		int large;

		if (walk->at >= walk->end)
			return false;
		large = walk->at & 63 ? -1
				      : tree_covering(span_tree(pool, walk->at), pool->max_order,
						      span_offset(pool, walk->at));
		if (large >= (int)WALK_ORDERS) {
			*frame = walk->at;
			*order = (unsigned int)large;
			walk->at += 1u << large;
			return true;
		}
		walk_fill(pool, walk);
	}
	*frame = walk->base + ctz64(walk->heads);
	walk->heads &= walk->heads - 1;
	for (*order = 0; !tree_test(span_tree(pool, *frame), frame_node(pool, *frame, *order));)
		++*order;
	return true;
}

#endif
