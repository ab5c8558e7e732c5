// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Which operations a phase performs: a kind and a seed say it completely,
 * together with the allocator's own answers. Every call is recorded with its
 * outcome, so that nobody has to generate them again.
 */
#include <linux/string.h>

#include "compat.h"
#include "pbdiff.h"

/* splitmix64: state += constant, then two multiply-xorshift rounds. */
static u64 splitmix(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static u64 random64(struct pbdiff_ops *ops)
{
	return splitmix(&ops->prng);
}

static u32 below(struct pbdiff_ops *ops, u32 n)
{
	return ((random64(ops) >> 32) * n) >> 32;
}

static bool one_in(struct pbdiff_ops *ops, u32 n)
{
	return below(ops, n) == 0;
}

static bool room(const struct pbdiff_ops *ops)
{
	return ops->nr_ops < ops->req.max_ops;
}

static void record(struct pbdiff_ops *ops, u32 pfn, u32 gfp, u32 order, bool is_free)
{
	ops->op[ops->nr_ops++] = (struct pbdiff_op){
		.pfn = pfn,
		.gfp = gfp,
		.order = order,
		.is_free = is_free,
		.reclaimed = ops->reclaiming,
		.cpu = ops->turn,
	};
	if (ops->lots)
		pbdiff_lots_note(ops->lots, ops->req.node, ops->nr_ops - 1);
}

/* Whose turn it is: between 1 and 64 operations each, drawn apart from the kind's own. */
static int take_turn(struct pbdiff_ops *ops)
{
	u64 draw;

	if (ops->req.turns < 2)
		return ops->turn;
	if (!ops->turn_left) {
		draw = splitmix(&ops->turn_prng);
		ops->turn = (draw >> 32) % ops->req.turns;
		ops->turn_left = 1 + (draw & 63);
	}
	ops->turn_left--;
	return ops->turn;
}

/* 6.1's numbers beside this kernel's own. */
static const struct {
	u32 log;
	gfp_t gfp;
} gfp_bits[] = {
	{ 0x1, __GFP_DMA },
	{ 0x2, __GFP_HIGHMEM },
	{ 0x4, __GFP_DMA32 },
	{ 0x8, __GFP_MOVABLE },
	{ 0x10, __GFP_RECLAIMABLE },
	{ 0x20, __GFP_HIGH },
	{ 0x40, __GFP_IO },
	{ 0x80, __GFP_FS },
	{ 0x100, __GFP_ZERO },
	{ 0x200, __GFP_ATOMIC },
	{ 0x400, __GFP_DIRECT_RECLAIM },
	{ 0x800, __GFP_KSWAPD_RECLAIM },
	{ 0x1000, __GFP_WRITE },
	{ 0x2000, __GFP_NOWARN },
	{ 0x4000, __GFP_RETRY_MAYFAIL },
	{ 0x8000, __GFP_NOFAIL },
	{ 0x10000, __GFP_NORETRY },
	{ 0x20000, __GFP_MEMALLOC },
	{ 0x40000, __GFP_COMP },
	{ 0x80000, __GFP_NOMEMALLOC },
	{ 0x100000, __GFP_HARDWALL },
	{ 0x200000, __GFP_THISNODE },
	{ 0x400000, __GFP_ACCOUNT },
};

u32 gfp_to_log(gfp_t gfp)
{
	u32 bits = 0, i;

	for (i = 0; i < ARRAY_SIZE(gfp_bits); i++)
		if (gfp & gfp_bits[i].gfp)
			bits |= gfp_bits[i].log;
	return bits;
}

gfp_t gfp_from_log(u32 bits)
{
	gfp_t gfp = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(gfp_bits); i++)
		if (bits & gfp_bits[i].log)
			gfp |= gfp_bits[i].gfp;
	return gfp;
}

#define MOST_RECLAIMED 40 /* blocks */

/* A reclaim that frees nothing would wait: where there is nothing to free, or no room to
   record it, the request is made one that may not reclaim. */
static gfp_t prepare_reclaim(struct pbdiff_ops *ops, gfp_t gfp)
{
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		return gfp;
	if (PBDIFF_IS(5, 10) || ops->req.turns > 1 || !ops->nr_held ||
	    ops->nr_ops + MOST_RECLAIMED + 1 > ops->req.max_ops)
		return gfp & ~__GFP_DIRECT_RECLAIM;
	ops->reclaim_left = 1 + below(ops, one_in(ops, 3) ? MOST_RECLAIMED : 4);
	pbdiff_reclaim_begin(ops);
	return gfp;
}

static bool do_alloc(struct pbdiff_ops *ops, gfp_t gfp, u32 order)
{
	struct page *page;

	if (!room(ops) || ops->nr_held == ops->max_held)
		return false;
	gfp = prepare_reclaim(ops, gfp);
	page = pbdiff_alloc_on(take_turn(ops), ops->req.node, gfp | __GFP_THISNODE | __GFP_NOWARN,
			       order);
	pbdiff_reclaim_end();
	record(ops, page ? page_to_pfn(page) : PBDIFF_NO_PFN, gfp_to_log(gfp), order, false);
	if (!page)
		return false;
	ops->held[ops->nr_held++] = (struct pbdiff_held){ page_to_pfn(page), order };
	ops->held_pages += 1ul << order;
	return true;
}

static void give_back(struct pbdiff_ops *ops, const struct pbdiff_held *block)
{
	ops->held_pages -= 1ul << block->order;
	pbdiff_free_on(take_turn(ops), pfn_to_page(block->pfn), block->order);
	record(ops, block->pfn, 0, block->order, true);
}

/* Frees held[i]; `keep_order` moves the others down instead of the last one in. */
static void do_free(struct pbdiff_ops *ops, u32 i, bool keep_order)
{
	struct pbdiff_held block;

	if (!room(ops) || i >= ops->nr_held)
		return;
	block = ops->held[i];
	ops->nr_held--;
	if (keep_order)
		memmove(ops->held + i, ops->held + i + 1, (ops->nr_held - i) * sizeof(block));
	else
		ops->held[i] = ops->held[ops->nr_held];
	give_back(ops, &block);
}

u32 pbdiff_reclaim(struct pbdiff_ops *ops)
{
	u64 before = ops->held_pages;

	ops->reclaiming = true;
	for (; ops->reclaim_left && ops->nr_held; ops->reclaim_left--)
		do_free(ops, below(ops, ops->nr_held), false);
	ops->reclaim_left = 0;
	ops->reclaiming = false;
	return before - ops->held_pages;
}

static u64 node_managed(const struct pbdiff_ops *ops)
{
	struct zone *zone = NODE_DATA(ops->req.node)->node_zones;
	u64 pages = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		pages += zone_managed_pages(zone + i);
	return pages;
}

/* Half of them geometric, half of them uniform over 0..PBDIFF_ORDERS-1. */
static u32 any_order(struct pbdiff_ops *ops)
{
	if (one_in(ops, 2))
		return below(ops, PBDIFF_ORDERS);
	return min_t(u32, __ffs64(random64(ops) | (1ull << 60)), PBDIFF_ORDERS - 1);
}

static u32 small_order(struct pbdiff_ops *ops)
{
	return min_t(u32, __ffs64(random64(ops) | (1ull << 60)), PBDIFF_ORDERS - 1);
}

static gfp_t mobility(u32 type)
{
	static const gfp_t gfp[] = { 0, __GFP_MOVABLE, __GFP_RECLAIMABLE };

	return gfp[type];
}

/*
 * No direct reclaim anywhere: the phase may not sleep. One in four wakes kswapd,
 * one in eight may use a higher zone, one in sixteen only a lower one.
 */
static gfp_t any_gfp(struct pbdiff_ops *ops)
{
	gfp_t gfp = mobility(below(ops, 3));

	if (one_in(ops, 8))
		gfp |= __GFP_HIGHMEM;
	else if (one_in(ops, 16))
		gfp |= __GFP_DMA32;
	if (one_in(ops, 4))
		gfp |= __GFP_KSWAPD_RECLAIM;
	return gfp;
}

/* ------------------------------------------------------------------- kinds */

/* Allocations and frees in balance around half of the node. */
static void kind_random(struct pbdiff_ops *ops)
{
	u64 half = node_managed(ops) / 2;

	while (room(ops)) {
		u32 percent = ops->held_pages < half ? 65 : 35;

		if (!ops->nr_held || below(ops, 100) < percent)
			do_alloc(ops, any_gfp(ops), any_order(ops));
		else
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

/* Until nothing is left for plain requests, then for those that may use everything. */
static void kind_fill(struct pbdiff_ops *ops)
{
	u32 failed = 0;

	while (room(ops) && failed < 100)
		failed = do_alloc(ops, any_gfp(ops), small_order(ops)) ? 0 : failed + 1;
	for (failed = 0; room(ops) && failed < 100;)
		failed = do_alloc(ops, any_gfp(ops) | __GFP_MEMALLOC, small_order(ops))
				 ? 0
				 : failed + 1;
}

/* Give everything back: oldest first, newest first or at random, by the seed. */
static void kind_empty(struct pbdiff_ops *ops)
{
	u32 how = ops->req.seed % 3, oldest = 0, nr = ops->nr_held;

	if (how == 0) {
		while (room(ops) && ops->nr_held)
			do_free(ops, below(ops, ops->nr_held), false);
	} else if (how == 1) {
		while (room(ops) && ops->nr_held)
			do_free(ops, ops->nr_held - 1, false);
	} else {
		/* In place: the list is closed up once, afterwards. */
		for (; room(ops) && oldest < nr; oldest++)
			give_back(ops, &ops->held[oldest]);
		ops->nr_held = nr - oldest;
		memmove(ops->held, ops->held + oldest, ops->nr_held * sizeof(*ops->held));
	}
}

/*
 * One type at a time, in blocks large and small, until it has to take from the
 * others: claims while they have whole pageblocks, refusals when they don't.
 */
static void kind_fallback(struct pbdiff_ops *ops)
{
	u64 managed = node_managed(ops);

	while (room(ops)) {
		gfp_t gfp = mobility(below(ops, 3));
		u32 failed = 0, burst = 50 + below(ops, 400), most = 3 + below(ops, 6);

		if (one_in(ops, 2))
			gfp |= __GFP_KSWAPD_RECLAIM;
		while (room(ops) && burst-- && failed < 20)
			failed = do_alloc(ops, gfp, below(ops, most)) ? 0 : failed + 1;
		if (ops->held_pages < managed / 8 * 7)
			continue;
		while (room(ops) && ops->nr_held && ops->held_pages > managed / 2)
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

static gfp_t edge_gfp(struct pbdiff_ops *ops)
{
	static const gfp_t flags[] = {
		0,
		__GFP_HIGH,
		__GFP_HIGH | __GFP_ATOMIC,
		GFP_ATOMIC,
		__GFP_ATOMIC,
		GFP_ATOMIC | __GFP_NOMEMALLOC,
		__GFP_HIGH | __GFP_NOMEMALLOC,
		__GFP_MEMALLOC,
		__GFP_MEMALLOC | __GFP_NOMEMALLOC,
		GFP_NOWAIT,
		__GFP_COMP,
		__GFP_NORETRY,
	};

	return mobility(below(ops, 3)) | flags[below(ops, ARRAY_SIZE(flags))];
}

/* Around the minimum watermark, with every flag that moves it. */
static void kind_watermark(struct pbdiff_ops *ops)
{
	u32 failed = 0, burst;

	while (room(ops) && failed < 10)
		failed = do_alloc(ops, any_gfp(ops), 2 + small_order(ops) % 4) ? 0 : failed + 1;
	while (room(ops)) {
		for (burst = below(ops, 60); room(ops) && burst; burst--)
			do_alloc(ops, edge_gfp(ops), small_order(ops) % 6);
		for (burst = below(ops, 40); room(ops) && burst && ops->nr_held; burst--)
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

/* GFP_ATOMIC blocks: the high-order atomic reserve grows and is used. */
static void kind_atomic(struct pbdiff_ops *ops)
{
	u64 most = node_managed(ops) / 8 * 7;

	while (room(ops)) {
		gfp_t gfp = one_in(ops, 3) ? GFP_ATOMIC | mobility(below(ops, 3)) : any_gfp(ops);
		u32 percent = ops->held_pages < most ? 60 : 30;

		if (!ops->nr_held || below(ops, 100) < percent)
			do_alloc(ops, gfp, small_order(ops));
		else
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

/* Bursts of the orders that have per-CPU lists. */
static void kind_pcp(struct pbdiff_ops *ops)
{
	static const u8 orders[] = { 0, 0, 0, 0, 1, 2, 3, pageblock_order };

	while (room(ops)) {
		u32 order = orders[below(ops, ARRAY_SIZE(orders))];
		gfp_t gfp = mobility(below(ops, 3));
		u32 burst = below(ops, order > 3 ? 8 : 400), how = below(ops, 3);

		while (room(ops) && burst-- && do_alloc(ops, gfp, order))
			;
		for (burst = below(ops, 500); room(ops) && burst && ops->nr_held; burst--)
			do_free(ops,
				how == 0   ? ops->nr_held - 1
				: how == 1 ? ops->nr_held / 2
					   : below(ops, ops->nr_held),
				false);
	}
}

/* Orders that have per-CPU lists in no kernel. */
static u32 big_order(struct pbdiff_ops *ops)
{
	u32 order = 4 +
		    min_t(u32,
			  one_in(ops, 3) ? below(ops, 7) : __ffs64(random64(ops) | (1ull << 60)),
			  6);

	return order == pageblock_order ? order - 1 : order;
}

/* Blocks that go past the per-CPU lists, all three types, up to 3/4 of the node. */
static void kind_big(struct pbdiff_ops *ops)
{
	u64 managed = node_managed(ops);

	while (room(ops)) {
		gfp_t gfp = mobility(below(ops, 3));
		u32 failed = 0, burst = 5 + below(ops, 60);

		while (room(ops) && burst-- && failed < 10)
			failed = do_alloc(ops, gfp, big_order(ops)) ? 0 : failed + 1;
		if (ops->held_pages < managed / 8 * 6)
			continue;
		while (room(ops) && ops->nr_held && ops->held_pages > managed / 3)
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

/* The same, movable only and a third full: no fallback between types. */
static void kind_calm(struct pbdiff_ops *ops)
{
	u64 third = node_managed(ops) / 3;

	while (room(ops)) {
		u32 percent = ops->held_pages < third ? 65 : 35;

		if (!ops->nr_held || below(ops, 100) < percent)
			do_alloc(ops, __GFP_MOVABLE, big_order(ops));
		else
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

/* Single pages in bursts: the per-CPU list that every kernel has. */
static void kind_zero(struct pbdiff_ops *ops)
{
	while (room(ops)) {
		gfp_t gfp = mobility(below(ops, 3));
		u32 burst = below(ops, 400), how = below(ops, 3);

		while (room(ops) && burst-- && do_alloc(ops, gfp, 0))
			;
		for (burst = below(ops, 500); room(ops) && burst && ops->nr_held; burst--)
			do_free(ops,
				how == 0   ? ops->nr_held - 1
				: how == 1 ? ops->nr_held / 2
					   : below(ops, ops->nr_held),
				false);
	}
}

/* Requests that wait for reclaim, orders that are not costly, and atomic ones between them. */
static void kind_reclaim(struct pbdiff_ops *ops)
{
	u32 failed = 0, burst;

	while (room(ops) && failed < 20)
		failed = do_alloc(ops, any_gfp(ops), small_order(ops)) ? 0 : failed + 1;
	while (room(ops)) {
		for (burst = below(ops, 60); room(ops) && burst; burst--) {
			gfp_t gfp = mobility(below(ops, 3));

			if (one_in(ops, 6))
				gfp |= GFP_ATOMIC;
			else
				gfp |= __GFP_DIRECT_RECLAIM | __GFP_NORETRY |
				       (one_in(ops, 2) ? __GFP_KSWAPD_RECLAIM : 0);
			do_alloc(ops, gfp, small_order(ops) % 4);
		}
		burst = one_in(ops, 4) ? below(ops, 40) : 0;
		for (; room(ops) && burst && ops->nr_held; burst--)
			do_free(ops, below(ops, ops->nr_held), false);
	}
}

/* Steps that the user wrote, for experiments. */
static void kind_script(struct pbdiff_ops *ops)
{
	u32 i, n;

	for (i = 0; i < ops->nr_steps; i++) {
		const struct pbdiff_script_step *step = &ops->step[i];

		for (n = 0; n < step->count && room(ops); n++) {
			if (step->what == 'a')
				do_alloc(ops, gfp_from_log(step->gfp), step->order);
			else if (step->what == 'f')
				do_free(ops, 0, true);
			else if (step->what == 'm')
				do_free(ops, ops->nr_held ? below(ops, ops->nr_held) : 0, true);
			else if (step->what == 's') /* every second one, from the oldest */
				do_free(ops, n, true);
			else
				do_free(ops, ops->nr_held - 1, true);
		}
	}
}

static const struct {
	const char *name;
	void (*run)(struct pbdiff_ops *ops);
} kinds[] = {
	{ "random", kind_random },     { "fill", kind_fill },           { "empty", kind_empty },
	{ "fallback", kind_fallback }, { "watermark", kind_watermark }, { "atomic", kind_atomic },
	{ "pcp", kind_pcp },           { "script", kind_script },       { "big", kind_big },
	{ "calm", kind_calm },         { "zero", kind_zero },           { "reclaim", kind_reclaim },
};

bool pbdiff_kind_known(const char *kind)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, kind))
			return true;
	return false;
}

void pbdiff_perform(struct pbdiff_ops *ops)
{
	u32 i;

	ops->nr_ops = 0;
	ops->prng = ops->req.seed;
	ops->turn = ops->req.turns > 1 ? 0 : ops->req.cpu;
	ops->turn_left = 0;
	ops->turn_prng = ~ops->req.seed;
	if (ops->lots)
		pbdiff_lots_begin(ops->lots, ops->req.node);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, ops->req.kind))
			kinds[i].run(ops);
}
