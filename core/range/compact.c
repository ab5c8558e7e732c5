/* SPDX-License-Identifier: MIT */
/*
 * Compaction: empty the pageblocks that are cheapest to empty, so that they merge.
 *
 * The unit is a pageblock, or an aligned group of them for larger orders. Its price is the
 * number of pages in use in it, which follows from the counts of its free blocks; its page bytes
 * are read only when it is about to be emptied, to see whether all its blocks can move. Targets
 * come from pageblocks that are not free as a whole, the tightest lists first.
 *
 *	a request that would fail	looks at a bounded number of units, those with large free
 *					blocks first, tries the cheapest of them, and moves a
 *					bounded number of pages
 *	pb_compact()			goes through all units, the cheap ones first:
 *
 *	price	0     1..15   16..31   32..47 ...   512
 *		free  first   then     ...          full: never emptied
 */
#include "range/compact.h"

#include "range/move.h"
#include "pcp/shared.h"

#define NR_PRICES 32u   /* classes of prices */
#define NR_ROUNDS 8u    /* rounds of a request: in each it looks at some units and tries some */
#define NR_LOOKED 64u   /* units looked at in a round */
#define NR_TRIES 4u     /* units of these that it tries to empty, the cheapest */
#define MOVES_MAX 2048u /* no unit is tried once a request has moved so many pages */

struct compaction {
	struct pb_pool *pool;
	struct zone *zone;
	unsigned int order;
	u64 want;         /* free blocks of the order, in the zone */
	u32 first, units; /* first pageblock; units of the zone */
	u32 unit, pages;  /* pageblocks, and pages, of a unit */
	u32 moved;        /* pages */
	bool drained;     /* the zone's per-CPU lists were drained in this call */
};

/* ------------------------------------------------------------------- prices */

/* Free blocks of the order, counting larger ones as the blocks of the order that they hold. */
static u64 blocks_free(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	u64 sum = 0;

	for (unsigned int o = order; o <= pool->max_order; o++)
		sum += (u64)zone_nr_free(pool, zone, o) << (o - order);
	return sum;
}

static bool is_enough(const struct compaction *c)
{
	return blocks_free(c->pool, c->zone, c->order) >= c->want;
}

static u32 first_frame(const struct compaction *c, u32 unit)
{
	return (c->first + unit * c->unit) << c->pool->pageblock_order;
}

static u32 in_use(const struct compaction *c, u32 pageblock)
{
	struct locked at = lock_frame(c->pool, c->zone, pageblock << c->pool->pageblock_order);
	u32 pages = __pages_in_use(c->pool, pageblock);

	unlock_stripe(&at);
	return pages;
}

/* Pages in use in a unit; UINT32_MAX: it can't or needn't be emptied. */
static u32 price(const struct compaction *c, u32 unit)
{
	u32 sum = 0;

	for (u32 i = 0; i < c->unit; i++) {
		u32 pageblock = c->first + unit * c->unit + i;

		if (!frame_is_there(c->pool, pageblock << c->pool->pageblock_order) ||
		    pageblock_type(c->pool, pageblock) >= PB_MIGRATE_PCPTYPES)
			return UINT32_MAX;
		sum += in_use(c, pageblock);
	}
	return sum && sum < c->pages ? sum : UINT32_MAX;
}

/* Is there room for a unit's pages in use, outside of it and outside of whole pageblocks? */
static bool has_room(const struct compaction *c, u32 unit)
{
	u64 room = 0, needed = 0;

	/* the unit's own free pages are in `room`, too, so they are added to both sides */
	for (u32 i = 0; i < c->unit; i++)
		if (in_use(c, c->first + unit * c->unit + i))
			needed += pageblock_pages(c->pool);
	for (unsigned int o = 0; o < c->pool->pageblock_order; o++)
		room += (u64)zone_nr_free(c->pool, c->zone, o) << o;
	return room >= needed;
}

/* ------------------------------------------------------------------- one unit */

/* Pages of the unit in movable blocks. Pages in per-CPU lists are in use, too, but can't move. */
static u32 pages_movable(const struct compaction *c, u32 unit)
{
	u64 sum = 0;

	for (u32 i = 0; i < c->unit; i++) {
		u32 pageblock = c->first + unit * c->unit + i;
		struct locked at = lock_frame(c->pool, c->zone,
					      pageblock << c->pool->pageblock_order);

		sum += pageblock_movable(c->pool, pageblock);
		unlock_stripe(&at);
	}
	return (u32)sum;
}

static void drain(struct compaction *c)
{
	pcp_drain_all(c->pool, c->zone);
	c->drained = true;
}

static bool all_can_move(const struct compaction *c, u32 unit)
{
	u32 pages = price(c, unit);

	return pages != UINT32_MAX && has_room(c, unit) && pages_movable(c, unit) >= pages;
}

/* Can all of the unit be moved? If not, pages in per-CPU lists may be the cause: they are drained,
   once in a call. */
static bool can_empty(struct compaction *c, u32 unit)
{
	if (all_can_move(c, unit))
		return true;
	if (c->drained)
		return false;
	drain(c);
	return all_can_move(c, unit);
}

/* Move the unit's blocks away; true: none is left there. */
static bool empty_unit(struct compaction *c, u32 unit)
{
	u32 frame = first_frame(c, unit), end = frame + c->pages;
	u32 pageblock = frame >> c->pool->pageblock_order;
	bool emptied;

	if (!can_empty(c, unit) ||
	    !isolate_undrained(c->pool, c->zone, pageblock, c->unit)) /* another CPU is at it */
		return false;
	emptied = compact_range(c->pool, c->zone, frame, end, &c->moved) == end;
	unisolate_pageblocks(c->pool, c->zone, pageblock, c->unit);
	if (emptied && price(c, unit) != UINT32_MAX)
		drain(c); /* some pages went into per-CPU lists before the unit was isolated */
	return emptied;
}

/* ------------------------------------------------------------------- which ones */

struct choice {
	u32 n;
	u32 unit[NR_TRIES], price[NR_TRIES]; /* cheapest first */
};

static void choose(struct choice *choice, u32 unit, u32 pages)
{
	u32 at = choice->n;

	if (at == NR_TRIES && pages >= choice->price[--at])
		return;
	for (; at && choice->price[at - 1] > pages; at--) {
		choice->unit[at] = choice->unit[at - 1];
		choice->price[at] = choice->price[at - 1];
	}
	choice->unit[at] = unit;
	choice->price[at] = pages;
	if (choice->n < NR_TRIES)
		choice->n++;
}

/* Position of the search for cheap units: it goes through the lists from high orders to low. */
struct look {
	unsigned int order, type; /* `order` is one more than the list's; 0: the end */
	u32 stripe, local;        /* next place in the list; or the number of units looked at */
};

/* The next unit by the lists; c->units: there are no more. */
static u32 next_listed(const struct compaction *c, struct look *l)
{
	for (; l->order; l->order--, l->type = 0)
		for (; l->type < PB_MIGRATE_PCPTYPES; l->type++, l->stripe = 0)
			for (; l->stripe < c->zone->nr_stripes; l->stripe++, l->local = 0) {
				struct locked at = lock_stripe(
					c->pool, c->zone, zone_stripe(c->pool, c->zone, l->stripe));
				u32 local = __tight_next(&at, l->order - 1, l->type, l->local);

				unlock_stripe(&at);
				if (local == NO_FRAME)
					continue;
				l->local = local + 1;
				return tight_global(at.pool, at.zone, at.stripe, local) - c->first;
			}
	return c->units;
}

/* The next unit: by the lists where they are of pageblocks and a unit is one, else by address. */
static u32 next_unit(const struct compaction *c, struct look *l)
{
	u32 at = load_relaxed(&c->zone->compact_at) % c->units;

	if (!pool_is_linked(c->pool) && c->unit == 1)
		return next_listed(c, l);
	if (l->local++ == c->units)
		return c->units;
	store_relaxed(&c->zone->compact_at, at + 1);
	return at;
}

/* Choose the cheapest of the next units; false: there are no more. */
static bool look_on(const struct compaction *c, struct look *l, struct choice *choice)
{
	u32 unit = 0;

	choice->n = 0;
	for (u32 i = 0; i < NR_LOOKED && unit < c->units; i++) {
		unit = next_unit(c, l);
		if (unit < c->units && price(c, unit) != UINT32_MAX)
			choose(choice, unit, price(c, unit));
	}
	return choice->n != 0;
}

/* Compact for a request: bounded by the constants above. */
static bool compact_some(struct compaction *c)
{
	struct look l = { .order = c->pool->pageblock_order };
	struct choice choice;

	for (u32 round = 0; round < NR_ROUNDS && look_on(c, &l, &choice); round++)
		for (u32 i = 0; i < choice.n && c->moved < MOVES_MAX; i++) {
			(void)empty_unit(c, choice.unit[i]);
			if (is_enough(c))
				return true;
		}
	return false;
}

static u32 price_class(const struct compaction *c, u32 pages)
{
	return (u32)((u64)pages * NR_PRICES >> ctz32(c->pages)); /* a power of two */
}

/* Compact all units, the cheap ones first. Prices are read anew for each class, since a unit that
   blocks were moved into is no longer cheap. */
static bool compact_all(struct compaction *c)
{
	for (u32 class = 0, next; class < NR_PRICES; class = next) {
		next = NR_PRICES;
		for (u32 unit = 0; unit < c->units; unit++) {
			u32 pages = price(c, unit), other = NR_PRICES;

			if (pages != UINT32_MAX)
				other = price_class(c, pages);
			if (other == class) {
				(void)empty_unit(c, unit);
				if (is_enough(c))
					return true;
			} else if (other > class && other < next) {
				next = other;
			}
		}
	}
	return false;
}

/* ------------------------------------------------------------------- callers */

static struct compaction begin(struct pb_pool *pool, struct zone *zone, unsigned int order,
			       u64 want)
{
	unsigned int over = order > pool->pageblock_order ? order - pool->pageblock_order : 0;
	struct compaction c = { .pool = pool, .zone = zone, .order = order, .want = want };

	c.first = zone_first_pageblock(pool, zone);
	c.unit = 1u << over;
	c.pages = c.unit << pool->pageblock_order;
	c.units = zone_nr_pageblocks(pool, zone) >> over;
	return c;
}

static bool count_compaction(struct pb_pool *pool, bool success)
{
	vm_count(pool, success ? PB_COMPACT_SUCCESS : PB_COMPACT_FAIL, 1);
	return success;
}

bool compact_zonelist(struct pb_pool *pool, const struct alloc_context *ctx)
{
	struct zone *zone;
	u32 at = 0;

	vm_count(pool, PB_COMPACT_STALL, 1);
	while ((zone = next_zone(pool, ctx, &at)) != NULL) {
		struct compaction c = begin(pool, zone, ctx->order, 1);

		if (is_enough(&c) || compact_some(&c))
			return count_compaction(pool, true);
	}
	return count_compaction(pool, false);
}

/* Compact until `count` blocks of the order are free in the node's zones. */
static bool compact_node(struct pb_pool *pool, int node, unsigned int order, u64 count)
{
	u64 have = 0;

	for (u32 pass = 0; pass < 2; pass++)
		for (u32 z = 0; z < pool_nr_zones(pool); z++) {
			struct zone *zone = pool_zone(pool, z);
			u64 before = blocks_free(pool, zone, order);
			struct compaction c = begin(pool, zone, order, before + count - have);

			if (node != PB_NO_NODE && node != zone->node)
				continue;
			if (!pass) {
				have += before;
			} else {
				(void)compact_all(&c);
				have += blocks_free(pool, zone, order) - before;
			}
			if (have >= count)
				return true;
		}
	return false;
}

static int do_compact(struct pb_pool *pool, int node, unsigned int order, u64 count)
{
	if (!can_migrate(pool))
		return PB_ENOTSUP;
	if (order > pool->max_order || !count || count > pool->nr_frames)
		return PB_EINVAL;
	vm_count(pool, PB_COMPACT_STALL, 1);
	return count_compaction(pool, compact_node(pool, node, order, count)) ? PB_OK : PB_ENOMEM;
}

int pb_compact(struct pb_pool *pool, int node, unsigned int order, uint64_t count)
{
	int code;

	pool_enter(pool);
	code = do_compact(pool, node, order, count);
	pool_leave(pool);
	return code;
}
