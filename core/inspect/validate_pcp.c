/* SPDX-License-Identifier: MIT */
/*
 * I13 to I15, I41: per-CPU lists. The room of the stacks comes first, so that walks of them stay
 * inside their area; then no block is in two lists. The page bytes of frames in per-CPU lists
 * are marked while duplicates are looked for, and zero again afterwards.
 */
#include "inspect/validate.h"

#include "alloc/misuse.h"
#include "boot/layout.h"
#include "linux/pcp_linux.h"
#include "pcp/quarantine.h"

#define PAGE_MARK 0x04u /* a page byte that means nothing to anyone else */

/* Lists of no class, and of orders without lists, must always be both empty and full. */
static int check_lists_without_room(struct check *c, u32 class, unsigned int first)
{
	struct pcp_area *area = pcp_area(c->pool, c->cpu);

	for (unsigned int order = first; order < 1u << c->pool->super->class_shift; order++) {
		const struct pcp_list *list = pcp_list(area, class, order);

		if (pcp_entries(list) || list->limit > list->base)
			return broken_at(c, 15, "a list that is none has room", "CPU", c->cpu);
	}
	return PB_OK;
}

/* The stacks of one area lie one after another behind its lists. */
static int check_stack_room(struct check *c)
{
	const struct pb_super *s = c->pool->super;
	struct pcp_area *area = pcp_area(c->pool, c->cpu);
	size_t bytes = c->cpu < c->pool->percpu_cpus ? s->percpu_stride : depot_bytes(s);
	u32 end = (u32)((bytes - s->pcp_cold - sizeof(*area)) / sizeof(u32));
	u32 at = pcp_stack_first_slot(s);

	CHECK(check_lists_without_room(c, NO_CLASS, 0));
	for (u32 i = 0; i < s->nr_zones * (u32)PB_MIGRATE_PCPTYPES; i++) {
		u32 class = zone_class(c->pool, pool_zone(c->pool, i / PB_MIGRATE_PCPTYPES),
				       i % PB_MIGRATE_PCPTYPES);

		for (unsigned int order = 0; order < c->pool->nr_pcp_orders; order++) {
			const struct pcp_list *list = pcp_list(area, class, order);

			if (list->base != at || at + list->room > end)
				return broken_number(c, 15, "a stack's place in its area",
						     AT("CPU", c->cpu), FOUND(list->base, at));
			if (list->room !=
			    pcp_stack_room(c->pool, c->cpu,
					   pool_zone(c->pool, i / PB_MIGRATE_PCPTYPES), order))
				return broken_number(c, 15, "a stack's room", AT("CPU", c->cpu),
						     FOUND(list->room, order));
			at += list->room;
		}
		CHECK(check_lists_without_room(c, class, c->pool->nr_pcp_orders));
	}
	return PB_OK;
}

/* Nothing is pushed onto the depot's. */
static u32 list_max(const struct check *c, unsigned int order)
{
	return c->cpu < c->pool->percpu_cpus ? pcp_stack_max(c->pool, c->zone, order) : 0;
}

static int check_stack_counts(struct check *c)
{
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < c->pool->nr_pcp_orders; order++) {
			const struct pcp_list *list = pcp_list(pcp_area(c->pool, c->cpu),
							       zone_class(c->pool, c->zone, type),
							       order);
			u32 room = list->room;

			if (pcp_entries(list) > room)
				return broken_number(c, 15, "blocks in a per-CPU list",
						     AT("CPU", c->cpu),
						     FOUND(pcp_entries(list), room));
			if ((u32)list->limit - list->base > list->max ||
			    list->max != list_max(c, order))
				return broken_number(c, 15, "limit of a per-CPU list",
						     AT("CPU", c->cpu), FOUND(list->limit, room));
		}
	return PB_OK;
}

static int check_stacks(struct check *c)
{
	if (pool_is_linked(c->pool))
		return PB_OK;
	for (c->cpu = 0; c->cpu < pool_areas(c->pool); c->cpu++)
		CHECK(check_stack_room(c));
	return each_pcp(c, check_stack_counts);
}

/* linux: does the type that is noted for the block belong to the list at hand? */
static bool noted_right(const struct check *c, u32 frame, unsigned int order)
{
	unsigned int type = c->pool->pcp_types[frame];

	if (type >= PB_MIGRATE_TYPES)
		return false;
	if (type >= PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_MOVABLE;
	/* where one block is borrowed from another type's list, that one is noted */
	return policy(c->pool)->lists_follow || pcp_linux_list(order, type) == c->type;
}

/* Check frames that are neither free nor owned: their page bytes are zero, and they are in no tree.
   `what`: the messages for these two faults. */
static int check_loose(struct check *c, unsigned int invariant, const char *const what[2],
		       u32 frame, unsigned int order)
{
	const struct pb_pool *pool = c->pool;

	for (u32 i = 0; i < 1u << order; i++) {
		if (pool->pages[frame + i].state)
			return broken_block(c, invariant, what[0], frame, order);
		if (covering_order(pool, frame + i) >= 0)
			return broken_block(c, invariant, what[1], frame, order);
	}
	return PB_OK;
}

static int check_pcp_block(struct check *c, u32 frame, unsigned int order)
{
	static const char *const faults[] = { "in a per-CPU list, but its page byte is set",
					      "in a per-CPU list, but free in the tree" };
	struct pb_pool *pool = c->pool;
	u64 first = zone_first_frame(pool, c->zone);

	if (frame < first || frame >= first + zone_nr_frames(pool, c->zone))
		return broken_at(c, 13, "a per-CPU list holds a frame outside its zone", "CPU",
				 c->cpu);
	if (frame & ((1u << order) - 1))
		return broken_block(c, 13, "not aligned, in a per-CPU list", frame, order);
	if (block_head(pool, frame) != NO_FRAME)
		return broken_block(c, 13, "in a per-CPU list, but has an owner", frame, order);
	if (pool_is_linked(pool) && !noted_right(c, frame, order))
		return broken_block(c, 13, "in a per-CPU list of another type than noted", frame,
				    order);
	return check_loose(c, 13, faults, frame, order);
}

static int check_pcp_blocks(struct check *c)
{
	return walk_pcp(c, check_pcp_block);
}

static int mark_block(struct check *c, u32 frame, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++) {
		if (c->pool->pages[frame + i].state)
			return broken_block(c, 14, "twice in per-CPU lists or the quarantine",
					    frame, order);
		c->pool->pages[frame + i].state = PAGE_MARK;
	}
	return PB_OK;
}

static int unmark_block(struct check *c, u32 frame, unsigned int order)
{
	memset(&c->pool->pages[frame], 0, (size_t)1 << order);
	return PB_OK;
}

static int mark_blocks(struct check *c)
{
	return walk_pcp(c, mark_block);
}

static int unmark_blocks(struct check *c)
{
	return walk_pcp(c, unmark_block);
}

/* Every block of the quarantine, oldest first. */
static int walk_quarantine(struct check *c, visit_fn *visit)
{
	const struct quarantine *q = pool_quarantine(c->pool);
	u32 blocks = c->pool->super->quarantine_blocks;

	for (u32 n = blocks ? q->held : 0; n; n--) {
		const struct quarantined *slot = &q->slots[(q->next + blocks - n) % blocks];

		CHECK(visit(c, slot->frame, slot->order_plus_1 - 1));
	}
	return PB_OK;
}

/* pre: I13 and I43 hold, so all of these frames have page byte zero. */
static int check_duplicates(struct check *c)
{
	int code = each_pcp(c, mark_blocks);

	if (!code)
		code = walk_quarantine(c, mark_block);
	(void)each_pcp(c, unmark_blocks);
	(void)walk_quarantine(c, unmark_block);
	return code;
}

/* ------------------------------------------------------------ I43 quarantine */

static int check_quarantine_block(struct check *c, u32 frame, unsigned int order)
{
	static const char *const faults[] = { "in the quarantine, but its page byte is set",
					      "in the quarantine, but free in the tree" };

	/* an empty slot's order wraps round */
	if (order > c->pool->max_order || frame >= c->pool->nr_frames ||
	    frame & ((1u << order) - 1))
		return broken_at(c, 43, "a slot of the quarantine holds no block", "frame", frame);
	if (block_head(c->pool, frame) != NO_FRAME)
		return broken_block(c, 43, "in the quarantine, but has an owner", frame, order);
	return check_loose(c, 43, faults, frame, order);
}

/* A visitor that adds up the pages of c->zone in c->pages. */
static int count_quarantined(struct check *c, u32 frame, unsigned int order)
{
	if (zone_of_frame(c->pool, frame) == c->zone)
		c->pages += (u64)1 << order;
	return PB_OK;
}

/* The `held` slots before `next` hold blocks, and the others are empty. */
static int check_slots(struct check *c, const struct quarantine *q)
{
	u32 blocks = c->pool->super->quarantine_blocks;

	if (q->held > blocks || q->next >= blocks)
		return broken(c, 43, "the quarantine's next slot, or how many it holds");
	for (u32 n = q->held; n < blocks; n++) {
		u32 at = (q->next + n - q->held) % blocks;

		if (q->slots[at].frame || q->slots[at].order_plus_1)
			return broken_at(c, 43, "a slot of the quarantine is not empty", "slot",
					 at);
	}
	return walk_quarantine(c, check_quarantine_block);
}

static int check_quarantine(struct check *c)
{
	const struct pb_super *s = c->pool->super;

	if (s->quarantine_blocks)
		CHECK(check_slots(c, pool_quarantine(c->pool)));
	for (u32 z = 0; z < s->nr_zones; z++) {
		c->zone = pool_zone(c->pool, z);
		c->pages = 0;
		(void)walk_quarantine(c, count_quarantined);
		if ((u64)c->zone->quarantined != c->pages)
			return broken_zone(c, 43, "pages in the quarantine", c->zone,
					   FOUND((u64)c->zone->quarantined, c->pages));
	}
	return PB_OK;
}

static int check_pcp_count(struct check *c)
{
	s32 count;

	if (!pool_is_linked(c->pool))
		return PB_OK;
	count = pcp_linux_of(c->pool, c->cpu, c->zone)->count;
	c->pages = 0;
	(void)walk_pcp(c, count_block); /* sound: I13 */
	if (count < 0 || (u64)count != c->pages)
		return broken_zone(c, 15, "pages in per-CPU lists", c->zone,
				   FOUND((u64)(s64)count, c->pages));
	return PB_OK;
}

int check_pcp(struct check *c)
{
	CHECK(check_stacks(c));
	CHECK(each_pcp(c, check_pcp_blocks));
	CHECK(check_quarantine(c));
	CHECK(check_duplicates(c));
	return each_pcp(c, check_pcp_count);
}

/* The other bound of `high`, which moves between high_min and high_max from 6.12 on. In a small
   zone with high watermarks high_min is the greater one, as it follows from the watermarks. */
static s32 linux_other_high(const struct check *c, const struct pcp_linux *pcp)
{
	return policy(c->pool)->pcp_sizes == LINUX_PCP_TUNED ? pcp->high_max : pcp->high_min;
}

/* Maximum of free_factor: from 6.12 on it counts pages, and is kept when the batch becomes
   smaller. */
static s32 linux_most_freed(const struct check *c)
{
	if (policy(c->pool)->pcp_sizes != LINUX_PCP_TUNED)
		return FREE_FACTOR_MAX;
	return (PCP_BATCH_MAX << FREE_FACTOR_MAX) + (1 << c->pool->max_order);
}

/* linux: the lists' sizes and counts; those of loaded pools are as recorded, and not checked. */
int check_linux_sizes(struct check *c)
{
	const struct zone *zone = c->zone;
	const struct pcp_linux *pcp;

	if (!pool_is_linked(c->pool) || pool_was_loaded(c->pool))
		return PB_OK;
	pcp = pcp_linux_of(c->pool, c->cpu, zone);

	const s32 one = pcp->high_min, other = linux_other_high(c, pcp);
	const struct {
		const char *what;
		s32 found, least, most;
	} numbers[] = {
		{ "batch of a CPU's lists", pcp->batch, zone->pcp_batch, zone->pcp_batch },
		{ "least high of a CPU's lists", pcp->high_min, zone->pcp_high_min,
		  zone->pcp_high_min },
		{ "greatest high of a CPU's lists", pcp->high_max, zone->pcp_high_max,
		  zone->pcp_high_max },
		{ "high of a CPU's lists", pcp->high, one < other ? one : other,
		  one < other ? other : one },
		{ "free_factor of a CPU's lists", pcp->free_factor, 0, linux_most_freed(c) },
		{ "alloc_factor of a CPU's lists", pcp->alloc_factor, 0, FREE_FACTOR_MAX },
		{ "flags of a CPU's lists", (s32)pcp->flags, 0,
		  PCP_PREV_FREE_HIGH_ORDER | PCP_FREE_HIGH_BATCH },
		{ "pages that a CPU holds back", pcp->stat_diff, -zone->stat_threshold,
		  zone->stat_threshold },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].found < numbers[i].least || numbers[i].found > numbers[i].most)
			return broken_number(c, 41, numbers[i].what, AT("CPU", c->cpu),
					     FOUND((u64)numbers[i].found,
						   (u64)(numbers[i].found < numbers[i].least
								 ? numbers[i].least
								 : numbers[i].most)));
	return PB_OK;
}
