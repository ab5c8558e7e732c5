/* SPDX-License-Identifier: MIT */
/*
 * Free lists of the modern profile: each pageblock is listed once, under the
 * order of its largest free block, in the list of its migratetype. A list is a
 * 64-ary bitmap over the stripe's pageblocks:
 *
 *	root   0..01			one word: which words below are not 0
 *	leaf   0..0110 0..0 ...		pageblocks 1 and 2 are listed here
 *
 * so its lowest member is a count-trailing-zeros per level away. A request
 * takes the first non-empty list at or above its order ("tightest": the largest
 * free block closest to the request), the lowest pageblock there, and inside it
 * the smallest block that fits. Of blocks of at least a pageblock there is nothing
 * but these bits, see whole.h.
 */
#ifndef PB_CORE_LIST_TIGHT_H
#define PB_CORE_LIST_TIGHT_H

#include "block/stripe.h"

/* Stripe-local number of a pageblock: groups are dealt out to stripes in turn. */
static inline u32 tight_local(const struct pb_pool *pool, const struct zone *zone, u32 pageblock)
{
	u32 n = pageblock - zone_first_pageblock(pool, zone);
	u32 in_group = n & ((1u << zone->group_shift) - 1);

	if (!PB_WITH_SMP)
		return n;
	return (n >> zone->group_shift >> ctz32(zone_stripes(zone)) << zone->group_shift) |
	       in_group;
}

static inline u32 tight_global(const struct pb_pool *pool, const struct zone *zone,
			       const struct stripe *stripe, u32 local)
{
	u32 group = local >> zone->group_shift;
	u32 in_group = local & ((1u << zone->group_shift) - 1);

	if (!PB_WITH_SMP)
		return zone_first_pageblock(pool, zone) + local;
	group = group * zone_stripes(zone) + stripe->number;
	return zone_first_pageblock(pool, zone) + (group << zone->group_shift) + in_group;
}

static inline u64 *tight_bitmap(const struct pb_pool *pool, const struct zone *zone,
				const struct stripe *stripe, unsigned int order, unsigned int type)
{
	u32 list = order * LIST_TYPES + type;

	return (u64 *)pool_at(pool, stripe->bitmaps) + (size_t)list * zone->bitmap_words;
}

/* Words of a list's lowest level. */
static inline u64 *tight_leaf(const struct pb_pool *pool, const struct zone *zone,
			      const struct stripe *stripe, unsigned int order, unsigned int type)
{
	if (zone->levels)
		return tight_bitmap(pool, zone, stripe, order, type);
	return &stripe_area(pool, stripe, order)->free_list[type].root;
}

/* Put the pageblock on the list of this order and type. */
HOT_INLINE void __tight_set(const struct locked *at, unsigned int order, unsigned int type,
			    u32 local)
{
	u64 *root = &stripe_area(at->pool, at->stripe, order)->free_list[type].root;
	u64 *level = tight_bitmap(at->pool, at->zone, at->stripe, order, type);

	for (unsigned int i = 0; i < at->zone->levels; i++) {
		u64 *word = &level[local >> 6];
		u64 old = *word;

		*word = old | (u64)1 << (local & 63);
		if (old)
			return;
		level += at->zone->level_words[i];
		local >>= 6;
	}
	*root |= (u64)1 << local;
	store_relaxed(&at->stripe->nonempty[type], at->stripe->nonempty[type] | 1u << order);
}

/* Take the pageblock off the list of this order and type. */
HOT_INLINE void __tight_clear(const struct locked *at, unsigned int order, unsigned int type,
			      u32 local)
{
	u64 *root = &stripe_area(at->pool, at->stripe, order)->free_list[type].root;
	u64 *level = tight_bitmap(at->pool, at->zone, at->stripe, order, type);

	for (unsigned int i = 0; i < at->zone->levels; i++) {
		u64 *word = &level[local >> 6];

		*word &= ~((u64)1 << (local & 63));
		if (*word)
			return;
		level += at->zone->level_words[i];
		local >>= 6;
	}
	*root &= ~((u64)1 << local);
	if (!*root)
		store_relaxed(&at->stripe->nonempty[type],
			      at->stripe->nonempty[type] & ~(1u << order));
}

/* Stripe-local number of the lowest pageblock of a list; pre: the list is not empty. */
HOT_INLINE u32 __tight_lowest_local(const struct locked *at, unsigned int order, unsigned int type)
{
	const struct zone *zone = at->zone;
	u32 local = ctz64(stripe_area(at->pool, at->stripe, order)->free_list[type].root);
	const u64 *level;

	if (!zone->levels)
		return local;
	level = tight_bitmap(at->pool, zone, at->stripe, order, type) + zone->bitmap_words;
	for (unsigned int i = zone->levels; i-- > 0;) {
		level -= zone->level_words[i];
		local = local << 6 | ctz64(level[local]);
	}
	return local;
}

static inline u32 __tight_lowest(const struct locked *at, unsigned int order, unsigned int type)
{
	return tight_global(at->pool, at->zone, at->stripe, __tight_lowest_local(at, order, type));
}

/* Stripe-local number of the first pageblock of a list from `local` on, or NO_FRAME. */
static inline u32 __tight_next(const struct locked *at, unsigned int order, unsigned int type,
			       u32 local)
{
	const struct zone *zone = at->zone;
	const u64 *root = &stripe_area(at->pool, at->stripe, order)->free_list[type].root;
	const u64 *level = tight_bitmap(at->pool, zone, at->stripe, order, type);
	unsigned int i = 0;
	u64 word = 0;

	for (; i <= zone->levels; i++, local = (local >> 6) + 1) {
		bool top = i == zone->levels;

		if (local >> 6 < (top ? 1 : zone->level_words[i]))
			word = (top ? *root : level[local >> 6]) >> (local & 63);
		if (word || top)
			break;
		level += zone->level_words[i];
	}
	if (!word)
		return NO_FRAME;
	for (local += ctz64(word); i-- > 0;) {
		level -= zone->level_words[i];
		local = local << 6 | ctz64(level[local]);
	}
	return local;
}

/* Lowest block of exactly `order` in a pageblock; pre: there is one. */
HOT_INLINE u32 tight_block(const struct pb_pool *pool, u32 pageblock, unsigned int order)
{
	u32 frame = pageblock << pool->pageblock_order;
	u32 first = frame_node(pool, frame, order);
	u32 blocks;

	if (order >= pool->pageblock_order)
		return frame;
	blocks = 1u << (pool->pageblock_order - order);
	return frame + ((tree_first(span_tree(pool, frame), first, blocks) - first) << order);
}

/*
 * Pointers to all that merging and splitting inside one pageblock changes, of a block smaller
 * than the pageblock. Not for traced pools, since the steps are not reported. The caller relists
 * the pageblock.
 */
struct tight_spot {
	u64 *tree; /* of its span */
	u32 node;
	struct pageblock *pb;
	struct free_area *area; /* of order 0; NULL: the caller counts there */
};

static inline void tight_count_area(const struct tight_spot *spot, unsigned int order, long n)
{
	unsigned long *nr_free;

	if (!spot->area)
		return;
	nr_free = &spot->area[order].nr_free;
	store_relaxed(nr_free, *nr_free + (unsigned long)n);
}

/* Make the block free: it merges while its buddy is free, and is inserted where that ends. Returns
   the order it reached; a block that reached `whole`, the pageblock's order, is not inserted. */
ALWAYS_INLINE unsigned int tight_merge(const struct tight_spot *spot, unsigned int order,
				       unsigned int whole)
{
	u32 node = spot->node, mask = spot->pb->mask;

	for (; order < whole; order++, node >>= 1) {
		u64 *word = &spot->tree[node >> 6], buddy = (u64)1 << ((node ^ 1) & 63);

		if (!(*word & buddy))
			break;
		*word ^= buddy;
		mask ^= (u32) !--spot->pb->nr_free[order] << order;
		tight_count_area(spot, order, -1);
	}
	if (likely(order < whole)) {
		tree_set(spot->tree, node);
		spot->pb->nr_free[order]++;
		mask |= 1u << order;
		tight_count_area(spot, order, 1);
	}
	spot->pb->mask = mask;
	return order;
}

/* Split the block, of order `high` and in no list: its first 2^low frames stay out, the other
   halves are inserted. */
HOT_INLINE void tight_split(const struct tight_spot *spot, unsigned int high, unsigned int low)
{
	u32 node = spot->node;

	spot->pb->mask |= (1u << high) - (1u << low);
	while (high-- > low) {
		node <<= 1;
		tree_set(spot->tree, node ^ 1);
		spot->pb->nr_free[high]++;
		tight_count_area(spot, high, 1);
	}
}

/* Move the pageblock to the list of `order`, its largest free block smaller than itself, and of
   its type; NOT_LISTED: off all lists. */
HOT_INLINE void __tight_relist(const struct locked *at, u32 number, u8 order)
{
	struct pageblock *pb = pool_pageblock(at->pool, number);
	u32 local = tight_local(at->pool, at->zone, number);

	if (pb->listed_order != NOT_LISTED)
		__tight_clear(at, pb->listed_order, pb->listed_type, local);
	if (order != NOT_LISTED)
		__tight_set(at, order, pb->type, local);
	pb->listed_order = order;
	pb->listed_type = pb->type;
}

/* Relist the pageblock, whose entry is `pb`, if its `mask` or `type` has changed so that it belongs
   on another list. */
HOT_INLINE void __tight_relist_if_changed(const struct locked *at, u32 number,
					  const struct pageblock *pb)
{
	u8 order = pb->mask ? (u8)fls32(pb->mask) : (u8)NOT_LISTED;

	if (unlikely(order != pb->listed_order ||
		     (LIST_TYPES > 1 && pb->type != pb->listed_type && order != NOT_LISTED)))
		__tight_relist(at, number, order);
}

/* Count n more free blocks of this order in the frame's pageblock. pre: the order is smaller than
   the pageblock's. */
HOT_INLINE void tight_count(const struct pb_pool *pool, u32 frame, unsigned int order, int n)
{
	struct pageblock *pb = frame_pageblock(pool, frame);

	pb->nr_free[order] = (u16)(pb->nr_free[order] + n);
	if (pb->nr_free[order])
		pb->mask |= 1u << order;
	else
		pb->mask &= ~(1u << order);
}

#endif
