/* SPDX-License-Identifier: MIT */
/*
 * I17 to I22: the free lists agree with the trees, in the pool's representation: linked blocks,
 * or pageblocks in bitmaps with counts and masks.
 */
#include "inspect/validate.h"

#define COUNTED 4u /* stripes counted at a time: as many as a small stack has room for */

static int check_nr_free_of(struct check *c, const struct zone *zone, u32 first)
{
	u32 seen[COUNTED][NR_ORDERS_MAX] = { 0 };
	struct free_block b = first_free(zone);

	while (next_in(c, zone, &b)) {
		u32 number = frame_stripe(c->pool, zone, b.frame)->number;

		if (number - first < COUNTED)
			seen[number - first][b.order]++;
	}
	for (u32 i = 0; i < COUNTED && first + i < zone->nr_stripes; i++)
		for (unsigned int o = 0; o <= c->pool->max_order; o++) {
			struct stripe *stripe = zone_stripe(c->pool, zone, first + i);
			unsigned long nr_free = stripe_area(c->pool, stripe, o)->nr_free;

			if (nr_free != seen[i][o])
				return broken_number(c, 17, "nr_free differs from the tree",
						     AT("order", o), FOUND(nr_free, seen[i][o]));
		}
	return PB_OK;
}

static int check_nr_free(struct check *c, const struct zone *zone)
{
	for (u32 first = 0; first < zone->nr_stripes; first += COUNTED)
		CHECK(check_nr_free_of(c, zone, first));
	return PB_OK;
}

static int check_listed(struct check *c, u32 frame, unsigned int order)
{
	u64 first = zone_first_frame(c->pool, c->zone);

	if (frame < first || frame >= first + zone_nr_frames(c->pool, c->zone) ||
	    frame & ((1u << order) - 1) || !block_is_free(c->pool, frame, order))
		return broken_block(c, 18,
				    "on a free list, but not a free block of its order and zone",
				    frame, order);
	c->blocks++;
	return PB_OK;
}

static int check_list_type(struct check *c, u32 frame, unsigned int order)
{
	if (c->pool->pcp_types[frame] != c->type)
		return broken_block(c, 20, "on a list of another type than noted", frame, order);
	return PB_OK;
}

/* All lists of one order. */
static int walk_order(struct check *c, unsigned int order, visit_fn *visit)
{
	const struct free_list *lists = area_lists(c->pool, zone_stripe(c->pool, c->zone, 0));

	c->invariant = 18;
	for (c->type = 0; c->type < PB_MIGRATE_TYPES; c->type++)
		CHECK(walk_linked(c, lists, area_list(order, c->type), order, visit));
	return PB_OK;
}

static int check_linked(struct check *c, const struct zone *zone)
{
	for (unsigned int o = 0; o <= c->pool->max_order; o++) {
		u64 nr_free = zone_nr_free(c->pool, zone, o);

		c->blocks = 0;
		CHECK(walk_order(c, o, check_listed));
		if (c->blocks != nr_free)
			return broken_number(c, 18, "a free block is on no list", AT("order", o),
					     FOUND(c->blocks, nr_free));
	}
	return PB_OK;
}

static int check_linked_types(struct check *c, const struct zone *zone)
{
	(void)zone;
	for (unsigned int o = 0; o <= c->pool->max_order; o++)
		CHECK(walk_order(c, o, check_list_type));
	return PB_OK;
}

static u32 count_bits(const u64 *tree, u32 node, u32 n)
{
	u32 end = node + n, count = 0;

	while (node < end) {
		u32 bit = node & 63;
		u32 take = end - node < 64 - bit ? end - node : 64 - bit;

		count += popcount64(tree[node >> 6] & word_mask(bit, take));
		node += take;
	}
	return count;
}

/* Free blocks of an order that lie in the pageblock and are smaller. */
static u32 count_order(const struct pb_pool *pool, u32 pageblock, unsigned int order)
{
	u32 frame = pageblock << pool->pageblock_order;

	return count_bits(span_tree(pool, frame), frame_node(pool, frame, order),
			  1u << (pool->pageblock_order - order));
}

static u32 orders_of(const struct pb_pool *pool, u32 pageblock)
{
	u32 mask = 0;

	for (unsigned int o = 0; o < pool->pageblock_order; o++)
		if (count_order(pool, pageblock, o))
			mask |= 1u << o;
	return mask;
}

static int broken_pageblock(struct check *c, unsigned int invariant, const char *what,
			    u32 pageblock)
{
	return broken_block(c, invariant, what, pageblock << c->pool->pageblock_order,
			    c->pool->pageblock_order);
}

static const u64 *leaf_of(const struct check *c, const struct stripe *stripe, unsigned int order,
			  unsigned int type)
{
	return tight_leaf(c->pool, c->zone, stripe, order, type);
}

static int check_pageblock_listed(struct check *c, u32 pageblock)
{
	const struct pageblock *pb = pool_pageblock(c->pool, pageblock);
	const struct stripe *stripe = frame_stripe(c->pool, c->zone,
						   pageblock << c->pool->pageblock_order);
	u32 mask = orders_of(c->pool, pageblock);
	u32 local = tight_local(c->pool, c->zone, pageblock);

	if (!frame_is_there(c->pool, pageblock << c->pool->pageblock_order))
		return PB_OK; /* what it has on lists is counted below, and so found */
	for (unsigned int o = c->pool->pageblock_order; o <= c->pool->max_order; o++)
		if (!(pageblock << c->pool->pageblock_order & ((1u << o) - 1)))
			c->blocks += lists_with(c->pool, pageblock << c->pool->pageblock_order,
						o) != 0;
	if (pb->listed_order != (mask ? fls32(mask) : NOT_LISTED))
		return broken_pageblock(c, 19, "not listed under its largest free block",
					pageblock);
	if (!mask)
		return PB_OK;
	if (pb->listed_type >= LIST_TYPES)
		return broken_pageblock(c, 20, "listed under a type that does not exist",
					pageblock);
	if (!(leaf_of(c, stripe, pb->listed_order, pb->listed_type)[local >> 6] >> (local & 63) &
	      1))
		return broken_pageblock(c, 19, "not on the list it is listed under", pageblock);
	c->blocks++;
	return PB_OK;
}

static u64 count_members(const struct check *c, const struct stripe *stripe)
{
	u32 words = c->zone->levels ? c->zone->level_words[0] : 1;
	u64 count = 0;

	for (unsigned int o = 0; o <= c->pool->max_order; o++)
		for (unsigned int t = 0; t < LIST_TYPES; t++)
			for (u32 i = 0; i < words; i++)
				count += popcount64(leaf_of(c, stripe, o, t)[i]);
	return count;
}

/* Each pageblock is on the list that it names, and the lists have no other members. */
static int check_tight(struct check *c, const struct zone *zone)
{
	u64 members = 0;

	c->blocks = 0;
	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++)
		CHECK(check_pageblock_listed(c, zone_first_pageblock(c->pool, zone) + i));
	for (u32 i = 0; i < zone->nr_stripes; i++)
		members += count_members(c, zone_stripe(c->pool, zone, i));
	if (members != c->blocks)
		return broken_zone(c, 19, "pageblocks on lists", zone, FOUND(members, c->blocks));
	return PB_OK;
}

/* Is the free block listed under its pageblock's type, and nowhere else? */
static bool listed_right(const struct pb_pool *pool, const struct free_block *b)
{
	const struct pageblock *pb = frame_pageblock(pool, b->frame);

	if (b->order < pool->pageblock_order)
		return pb->listed_type == pb->type;
	return lists_with(pool, b->frame, b->order) == 1 && block_is_free(pool, b->frame, b->order);
}

static int check_tight_types(struct check *c, const struct zone *zone)
{
	struct free_block b = first_free(zone);

	while (next_in(c, zone, &b)) {
		u32 first = b.frame >> c->pool->pageblock_order;
		const struct pageblock *pb = pool_pageblock(c->pool, first);

		if (!listed_right(c->pool, &b))
			return broken_pageblock(c, 20, "listed under another type than its own",
						first);
		for (u32 i = 1; i < 1u << b.order >> c->pool->pageblock_order; i++)
			if (pool_pageblock(c->pool, first + i)->type != pb->type)
				return broken_block(c, 20,
						    "free block over pageblocks of two types",
						    b.frame, b.order);
	}
	return PB_OK;
}

static int check_counts(struct check *c, u32 pageblock)
{
	const struct pageblock *pb = pool_pageblock(c->pool, pageblock);

	if (pb->mask != orders_of(c->pool, pageblock))
		return broken_pageblock(c, 21, "mask of free orders differs from the tree",
					pageblock);
	for (unsigned int o = 0; o <= c->pool->pageblock_order; o++) {
		u32 count = o < c->pool->pageblock_order ? count_order(c->pool, pageblock, o) : 0;

		if (pb->nr_free[o] != count)
			return broken_number(c, 21, "a pageblock's blocks of an order",
					     AT("order", o), FOUND(pb->nr_free[o], count));
	}
	return PB_OK;
}

/* What word w of a level must be: a bit for each of 64 words below that is not zero. */
static u64 summary(const u64 *below, u32 words, u32 w)
{
	u64 word = 0;

	for (u32 i = 0; i < 64 && w * 64 + i < words; i++)
		if (below[w * 64 + i])
			word |= (u64)1 << i;
	return word;
}

static int check_levels(struct check *c, const struct stripe *stripe, unsigned int order,
			unsigned int type)
{
	const struct zone *zone = c->zone;
	const u64 *level = tight_bitmap(c->pool, zone, stripe, order, type);
	u64 root = stripe_area(c->pool, stripe, order)->free_list[type].root;

	for (u32 i = 0; i + 1 < zone->levels; i++) {
		const u64 *next = level + zone->level_words[i];

		for (u32 w = 0; w < zone->level_words[i + 1]; w++)
			if (next[w] != summary(level, zone->level_words[i], w))
				return broken_at(c, 21, "a list's bitmap, an upper level", "order",
						 order);
		level = next;
	}
	if (zone->levels && root != summary(level, zone->level_words[zone->levels - 1], 0))
		return broken_at(c, 21, "a list's root word", "order", order);
	if ((stripe->nonempty[type] >> order & 1) != (root != 0))
		return broken_at(c, 21, "the mask of non-empty lists", "order", order);
	return PB_OK;
}

static int check_summaries(struct check *c, const struct zone *zone)
{
	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++)
		CHECK(check_counts(c, zone_first_pageblock(c->pool, zone) + i));
	for (u32 i = 0; i < zone->nr_stripes; i++) {
		const struct stripe *stripe = zone_stripe(c->pool, zone, i);

		for (unsigned int t = 0; t < LIST_TYPES; t++) {
			for (unsigned int o = 0; o <= c->pool->max_order; o++)
				CHECK(check_levels(c, stripe, o, t));
			if (stripe->nonempty[t] >> c->pool->max_order >> 1)
				return broken_at(c, 21, "a list of an order that does not exist",
						 "type", t);
		}
	}
	return PB_OK;
}

static int check_types(struct check *c, const struct zone *zone)
{
	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++) {
		u32 pageblock = zone_first_pageblock(c->pool, zone) + i;
		unsigned int type = pool_pageblock(c->pool, pageblock)->type;

		if (!frame_is_there(c->pool, pageblock << c->pool->pageblock_order))
			continue;
		if (type >= LIST_TYPES)
			return broken_pageblock(c, 22, "a type that does not exist", pageblock);
		if (c->pool->pcp_class[pageblock] != zone_class(c->pool, zone, type))
			return broken_pageblock(c, 21, "frees go to another type's per-CPU lists",
						pageblock);
	}
	return PB_OK;
}

int check_lists(struct check *c)
{
	CHECK(each_zone(c, check_nr_free));
	if (pool_is_linked(c->pool)) {
		CHECK(each_zone(c, check_linked));
		CHECK(each_zone(c, check_linked_types));
	} else {
		CHECK(each_zone(c, check_tight));
		CHECK(each_zone(c, check_tight_types));
		CHECK(each_zone(c, check_summaries));
	}
	return each_zone(c, check_types);
}
