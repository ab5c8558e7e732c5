/* SPDX-License-Identifier: MIT */
/*
 * I4 to I12: the buddy trees say which blocks are free, the page bytes who has the others,
 * and no frame is in both.
 */
#include "inspect/validate.h"

#include "alloc/misuse.h"

static int check_there(struct check *c)
{
	for (u32 span = 0; CAN_GROW && c->pool->super->hotplug && span < c->pool->super->nr_spans;
	     span++)
		if (*span_there(c->pool, span) != SPAN_THERE &&
		    *span_there(c->pool, span) != SPAN_ABSENT)
			return broken_at(c, 44, "a span is neither there nor absent", "span", span);
	return PB_OK;
}

int check_frames(struct check *c)
{
	CHECK(check_there(c));
	for (u32 z = 0; z < c->pool->super->nr_zones; z++) {
		const struct zone *zone = pool_zone(c->pool, z);
		u64 present = 0, reserved = 0;

		for (u64 i = 0; i < zone_nr_frames(c->pool, zone); i++) {
			u8 state = frame_state(c->pool, zone_first_frame(c->pool, zone) + (u32)i);

			present += state != PAGE_ABSENT;
			reserved += state == PAGE_RESERVED;
		}
		if (zone->present != present)
			return broken_zone(c, 4, "present pages", zone,
					   FOUND(zone->present, present));
		if (!pool_was_loaded(c->pool) && zone->managed != present - reserved)
			return broken_zone(c, 4, "managed pages", zone,
					   FOUND(zone->managed, present - reserved));
	}
	return PB_OK;
}

int check_ancestors(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans))
		for (u32 node = b.node >> 1; node; node >>= 1)
			if (node_is_free(c->pool, b.span, node))
				return broken_block(c, 5, "free twice: inside a larger free block",
						    b.frame, b.order);
	return PB_OK;
}

/*
 * May a block and its buddy both be free? Below pageblock_order they merge. From there on
 * their types may forbid it; and in the linux profile types may have changed since, so that
 * they could merge, but merging happens only when a block is freed.
 */
static bool may_stay_apart(const struct pb_pool *pool, const struct free_block *b)
{
	unsigned int one = frame_migratetype(pool, b->frame);
	unsigned int other;

	if (b->order < pool->pageblock_order)
		return false;
	if (pool_is_linked(pool) || b->order == pool->max_order)
		return true;
	other = frame_migratetype(pool, b->frame ^ (1u << b->order));
	return one != other && !(migratetype_is_mergeable(one) && migratetype_is_mergeable(other));
}

int check_merged(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans))
		if (!may_stay_apart(c->pool, &b) && node_is_free(c->pool, b.span, b.node ^ 1))
			return broken_block(c, 6, "free beside its free buddy, not merged", b.frame,
					    b.order);
	return PB_OK;
}

int check_free_usable(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans))
		for (u32 i = 0; i < 1u << b.order; i++) {
			u8 state = frame_state(c->pool, b.frame + i);

			if (state == PAGE_RESERVED || state == PAGE_ABSENT)
				return broken_block(c, 7,
						    "free block with a reserved or absent frame",
						    b.frame, b.order);
		}
	return PB_OK;
}

/* Bits that name no block: bit 0, the bits behind the last node of a tree smaller than a word, and
   in the modern profile those of blocks of at least a pageblock. */
int check_spare_bits(struct check *c)
{
	struct pb_pool *pool = c->pool;
	u64 spare = pool->max_order < 5 ? ~(u64)0 << (2u << pool->max_order) | 1 : 1;
	u32 trees = first_in_tree(pool);

	for (u32 span = 0; span < pool->super->nr_spans; span++)
		if (*span_tree(pool, span << pool->max_order) & spare ||
		    tree_first(span_tree(pool, span << pool->max_order), 1, trees - 1) != TREE_NONE)
			return broken_block(c, 8, "a bit of the tree names no block",
					    span << pool->max_order, pool->max_order);
	return PB_OK;
}

static int check_head(struct check *c, u32 frame)
{
	const struct pb_page *page = c->pool->pages + frame;
	unsigned int order = page->state & PB_PAGE_ORDER;

	if (!(page->state & PB_PAGE_HEAD))
		return broken_block(c, 9, "page byte without meaning", frame, 0);
	if (order > c->pool->max_order || frame & ((1u << order) - 1))
		return broken_block(c, 9, "owned block of an impossible order or place", frame,
				    order);
	for (u32 i = 1; i < 1u << order; i++)
		if (page[i].state == PAGE_RESERVED || page[i].state == PAGE_ABSENT)
			return broken_block(c, 9, "owned block with a reserved or absent frame",
					    frame, order);
	return PB_OK;
}

int check_heads(struct check *c)
{
	for (u64 frame = 0; frame < c->pool->nr_frames; frame++) {
		u8 state = c->pool->pages[frame].state;

		if (state && state != PAGE_RESERVED && state != PAGE_ABSENT)
			CHECK(check_head(c, (u32)frame));
	}
	return PB_OK;
}

int check_tails(struct check *c)
{
	u64 frame = 0;

	while (frame < c->pool->nr_frames) {
		const struct pb_page *page = c->pool->pages + frame;
		u32 pages = page->state & PB_PAGE_HEAD ? 1u << (page->state & PB_PAGE_ORDER) : 1;

		for (u32 i = 1; i < pages; i++)
			if (page[i].state)
				return broken_block(c, 10, "owned block inside another",
						    (u32)frame + i, page[i].state & PB_PAGE_ORDER);
		frame += pages;
	}
	return PB_OK;
}

int check_owned_not_free(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans)) {
		bool owned = block_head(c->pool, b.frame) != NO_FRAME;

		for (u32 i = 0; i < 1u << b.order && !owned; i++)
			owned = c->pool->pages[b.frame + i].state & PB_PAGE_HEAD;
		if (owned)
			return broken_block(c, 11, "free block with an owner", b.frame, b.order);
	}
	return PB_OK;
}

int check_references(struct check *c)
{
	const u32 *refs = pool_at(c->pool, c->pool->super->refs);
	bool counted = c->pool->super->flags & PB_POOL_REFCOUNT;

	for (u64 frame = 0; frame < c->pool->nr_frames; frame++) {
		u8 state = c->pool->pages[frame].state;

		if (!(state & PB_PAGE_HEAD) || !(state & PB_PAGE_SHARED)) {
			if (counted && refs[frame])
				return broken_block(c, 12, "counted references without SHARED",
						    (u32)frame, 0);
			continue;
		}
		if (!counted)
			return broken_block(c, 12, "SHARED without PB_POOL_REFCOUNT", (u32)frame,
					    state & PB_PAGE_ORDER);
		if (refs[frame] > INT32_MAX)
			return broken_block(c, 12, "reference count out of range", (u32)frame,
					    state & PB_PAGE_ORDER);
	}
	return PB_OK;
}
