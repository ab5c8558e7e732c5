/* SPDX-License-Identifier: MIT */
/*
 * One buddy tree: what is free in one span (an aligned block of the largest
 * order), as heap-indexed bits. Pure bit arithmetic, no state of its own.
 *
 * Node 1 is the whole span, node n has the halves 2n and 2n + 1, so
 *
 *	buddy(n) = n ^ 1	parent(n) = n >> 1
 *
 * and the blocks of order o are the nodes from 2^(max_order - o) on. A bit is
 * set iff exactly that block is free and no larger one around it is.
 *
 * Max order 2, frame 0 in use, 1 free, 2-3 free as a pair:
 *
 *	order 2            1
 *	                 /   \
 *	order 1         2     3*             * free: bits 3 and 5
 *	               / \   / \
 *	order 0       4   5* 6   7
 *
 * Free frame 0, node 4: buddy 5 is set: clear it, go to the parent, 2.
 *	Buddy 3 is set: clear it, go to the parent, 1: the root. Set bit 1.
 * Take one frame: bit 1 is set: clear it. Down to node 4: the right halves
 *	3 (order 1) and 5 (order 0) become free: set bits 3 and 5.
 */
#ifndef PB_CORE_BUDDY_TREE_H
#define PB_CORE_BUDDY_TREE_H

#include "base/bits.h"

#define TREE_NONE UINT32_MAX

/* 2^(max_order + 1) bits, at least one word. */
static inline u32 tree_words(unsigned int max_order)
{
	return max_order < 6 ? 1 : 1u << (max_order - 5);
}

/* `frame` is relative to the span and aligned to the order. */
static inline u32 tree_node(unsigned int max_order, u32 frame, unsigned int order)
{
	return (1u << (max_order - order)) + (frame >> order);
}

static inline bool tree_test(const u64 *tree, u32 node)
{
	return tree[node >> 6] >> (node & 63) & 1;
}

static inline void tree_set(u64 *tree, u32 node)
{
	tree[node >> 6] |= (u64)1 << (node & 63);
}

static inline void tree_clear(u64 *tree, u32 node)
{
	tree[node >> 6] &= ~((u64)1 << (node & 63));
}

/* Lowest set bit among nodes [node, node + n), or TREE_NONE; a word at a time. */
HOT_INLINE u32 tree_first(const u64 *tree, u32 node, u32 n)
{
	u32 end = node + n, at = node >> 6, found;
	u64 word = tree[at] >> (node & 63) << (node & 63);

	while (!word && ++at < (end + 63) >> 6)
		word = tree[at];
	if (!word)
		return TREE_NONE;
	found = at << 6 | ctz64(word);
	return found < end ? found : TREE_NONE;
}

/*
 * Order of the free block that contains `frame`, or -1: climb from the frame's
 * leaf to the root until a set bit is found.
 */
static inline int tree_covering(const u64 *tree, unsigned int max_order, u32 frame)
{
	u32 node = tree_node(max_order, frame, 0);

	for (int order = 0; node; order++, node >>= 1)
		if (tree_test(tree, node))
			return order;
	return -1;
}

#endif
