/* SPDX-License-Identifier: MIT */
/*
 * Walks that several checks of pb_validate() share. They end on any input.
 */
#include "inspect/validate.h"

#include "linux/pcp_linux.h"

u32 first_in_tree(const struct pb_pool *pool)
{
	return pool_is_linked(pool) ? 1 : 2u << (pool->max_order - pool->pageblock_order);
}

static u32 node_frame(const struct pb_pool *pool, u32 span, u32 node)
{
	return (span << pool->max_order) +
	       ((node ^ (1u << fls32(node))) << (pool->max_order - fls32(node)));
}

/* Is a block of a whole order on the list of this type? */
static bool listed_whole(const struct pb_pool *pool, u32 frame, struct whole_list list)
{
	const struct zone *zone = zone_of_frame(pool, frame);
	const struct stripe *stripe = frame_stripe(pool, zone, frame);
	u32 local = tight_local(pool, zone, frame >> pool->pageblock_order);

	return tight_leaf(pool, zone, stripe, list.order, list.type)[local >> 6] >> (local & 63) &
	       1;
}

u32 lists_with(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	u32 n = 0;

	for (unsigned int type = 0; type < LIST_TYPES; type++)
		n += listed_whole(pool, frame, (struct whole_list){ order, type });
	return n;
}

bool node_is_free(const struct pb_pool *pool, u32 span, u32 node)
{
	if (node >= first_in_tree(pool))
		return tree_test(span_tree(pool, span << pool->max_order), node);
	return lists_with(pool, node_frame(pool, span, node), pool->max_order - fls32(node)) != 0;
}

bool next_free(const struct pb_pool *pool, struct free_block *block, u32 end_span)
{
	u32 end = 2u << pool->max_order, trees = first_in_tree(pool);

	for (; block->span < end_span; block->span++, block->node = 0) {
		u32 node = block->node + 1;

		while (node < trees && !node_is_free(pool, block->span, node))
			node++;
		if (node >= trees)
			node = tree_first(span_tree(pool, block->span << pool->max_order), node,
					  end - node);
		if (node == TREE_NONE)
			continue;
		block->node = node;
		block->order = pool->max_order - fls32(node);
		block->frame = node_frame(pool, block->span, node);
		return true;
	}
	return false;
}

/*
 * Walk one linked list. If each `prev` names the frame that the walk came from, no frame
 * comes twice, so the walk ends.
 */
int walk_linked(struct check *c, const struct free_list *lists, u32 list, unsigned int order,
		visit_fn *visit)
{
	const struct link *links = c->pool->links;
	u32 prev = LIST_REF(list);
	u32 at = lists[list].next;

	while (!is_list_ref(at)) {
		if (at >= c->pool->nr_frames || links[at].prev != prev)
			break;
		CHECK(visit(c, at, order));
		prev = at;
		at = links[at].next;
	}
	if (at == LIST_REF(list) && lists[list].prev == prev)
		return PB_OK;
	return broken_at(c, c->invariant, "the links of a list disagree", "list", list);
}

static struct pcp_list *stack_of(const struct check *c, unsigned int type, unsigned int order)
{
	return pcp_list(pcp_area(c->pool, c->cpu), zone_class(c->pool, c->zone, type), order);
}

static int walk_stacks(struct check *c, visit_fn *visit)
{
	struct pcp_area *area = pcp_area(c->pool, c->cpu);

	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < c->pool->nr_pcp_orders; order++) {
			const struct pcp_list *list = stack_of(c, type, order);

			for (u32 i = 0; i < pcp_entries(list); i++)
				CHECK(visit(c, pcp_stack(area, list)[i], order));
		}
	return PB_OK;
}

/* Every block of one CPU's lists of one zone. */
int walk_pcp(struct check *c, visit_fn *visit)
{
	const struct free_list *lists;

	if (!pool_is_linked(c->pool))
		return walk_stacks(c, visit);
	lists = pcp_linux_of(c->pool, c->cpu, c->zone)->lists;
	c->invariant = 13;
	for (u32 n = 0; n < LINUX_PCP_LISTS; n++) {
		unsigned int order = n / PB_MIGRATE_PCPTYPES;

		if (order > COSTLY_ORDER)
			order = c->pool->pageblock_order;
		c->type = n;
		CHECK(walk_linked(c, lists, n, order, visit));
	}
	return PB_OK;
}

int count_block(struct check *c, u32 frame, unsigned int order)
{
	(void)frame;
	c->blocks++;
	c->pages += (u64)1 << order;
	return PB_OK;
}

/* Each zone in turn, in c->zone. */
int each_zone(struct check *c, int (*work)(struct check *c, const struct zone *zone))
{
	for (u32 z = 0; z < c->pool->super->nr_zones; z++) {
		c->zone = pool_zone(c->pool, z);
		CHECK(work(c, c->zone));
	}
	return PB_OK;
}

/* Every zone of every CPU. */
int each_pcp(struct check *c, int (*work)(struct check *c))
{
	for (c->cpu = 0; c->cpu < pool_areas(c->pool); c->cpu++)
		for (u32 z = 0; z < c->pool->super->nr_zones; z++) {
			c->zone = pool_zone(c->pool, z);
			CHECK(work(c));
		}
	return PB_OK;
}
