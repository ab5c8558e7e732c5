/* SPDX-License-Identifier: MIT */
/*
 * I42: the leaves and nodes of block/runs.h.
 */
#include "inspect/validate.h"

#include "range/runs.h"

static u64 whole_pageblocks(const struct check *c, const struct zone *zone, u32 leaf)
{
	u32 first = leaf << LEAF_SHIFT, end = zone_nr_pageblocks(c->pool, zone);
	u64 word = 0;

	for (u32 i = 0; i < 1u << LEAF_SHIFT && first + i < end; i++)
		if (__pageblock_is_whole(c->pool, zone_first_pageblock(c->pool, zone) + first + i))
			word |= (u64)1 << i;
	return word;
}

/* A leaf that is not marked says which of its pageblocks are free. A marked one may be out of date,
   but its node agrees with its word all the same. */
static int check_leaves(struct check *c, const struct zone *zone)
{
	const struct run_node *nodes = runs_nodes(c->pool, zone);
	u32 width = runs_width(zone->run_leaves);

	for (u32 i = 0; i < zone->run_leaves; i++) {
		u64 word = runs_words(c->pool, zone)[i];
		struct run_node node = runs_of_word(word);

		if (!(runs_marked(c->pool, zone)[i >> 5] >> (i & 31) & 1) &&
		    word != whole_pageblocks(c, zone, i))
			return broken_at(c, 42, "which of 64 pageblocks are free", "leaf", i);
		if (!runs_same(&node, &nodes[width + i]))
			return broken_at(c, 42, "runs of free pageblocks in a leaf", "leaf", i);
	}
	return PB_OK;
}

int check_runs(struct check *c, const struct zone *zone)
{
	const struct run_node *nodes = runs_nodes(c->pool, zone);
	u32 width = runs_width(zone->run_leaves), level = width;
	u32 half = 1u << LEAF_SHIFT;

	CHECK(check_leaves(c, zone));
	for (u32 n = zone->run_leaves ? width - 1 : 0; n; n--) {
		struct run_node node;

		for (; level > n; level >>= 1)
			half = level == width ? half : half << 1;
		node = runs_join(&nodes[2 * n], &nodes[2 * n + 1], half);
		if (!runs_same(&node, &nodes[n]))
			return broken_at(c, 42, "runs of free pageblocks, a node", "node", n);
	}
	return PB_OK;
}
