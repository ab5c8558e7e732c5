/* SPDX-License-Identifier: MIT */
/*
 * Zones, modern profile: many blocks out under one hold of a stripe's lock. Bits
 * of a tree are taken by the word, or one larger block is cut straight into the
 * batch. The way back is zone_drain.c.
 */
#include "zone_tight.h"

/* ---------------------------------------------------- inside one pageblock */

unsigned int __tight_merge(struct pb_pool *pool, struct stripe *stripe, u32 *frame,
			   unsigned int order)
{
	struct pageblock *pb = frame_pageblock(pool, *frame);
	struct free_area *area = stripe_area(pool, stripe, 0);
	u64 *tree = span_tree(pool, *frame);
	u32 node = frame_node(pool, *frame, order);
	u32 gone = 0;

	for (; order < pool->pageblock_order && tree_test(tree, node ^ 1); order++, node >>= 1) {
		tree_clear(tree, node ^ 1);
		counter_add(&area[order].nr_free, (unsigned long)-1);
		if (!--pb->nr_free[order])
			gone |= 1u << order;
	}
	pb->mask &= ~gone;
	*frame &= ~((1u << order) - 1);
	return order;
}

void __tight_split(struct pb_pool *pool, struct stripe *stripe, u32 frame, unsigned int high,
		   unsigned int low)
{
	struct pageblock *pb = frame_pageblock(pool, frame);
	struct free_area *area = stripe_area(pool, stripe, 0);
	u64 *tree = span_tree(pool, frame);
	u32 node = frame_node(pool, frame, high);

	pb->mask |= ((1u << high) - 1) & ~((1u << low) - 1);
	while (high-- > low) {
		node = node << 1;
		tree_set(tree, node ^ 1);
		counter_add(&area[high].nr_free, 1);
		pb->nr_free[high]++;
	}
}

/* ------------------------------------------------------------------- take */

/* Blocks of exactly `order` in a pageblock, a word of bits at a time. */
static u32 tight_take_bits(struct pb_pool *pool, struct stripe *stripe, u32 pageblock,
			   unsigned int order, u32 n, u32 *end)
{
	u32 base = pageblock << pool->pageblock_order;
	u64 *tree = span_tree(pool, base);
	u32 first = frame_node(pool, base, order);
	u32 last = first + (1u << (pool->pageblock_order - order));
	u32 got = 0;

	for (u32 node = first; node < last && got < n;) {
		u32 bit = node & 63;
		u32 take = last - node < 64 - bit ? last - node : 64 - bit;
		u64 *word = &tree[node >> 6];
		u64 free = *word & word_mask(bit, take);
		u64 left = free;

		while (left && got < n) {
			u32 at = (node & ~63u) + ctz64(left);

			end[-1 - (s32)got++] = base + ((at - first) << order);
			left &= left - 1;
		}
		*word ^= free ^ left;
		node += take;
	}
	tight_count(pool, base, order, -(int)got);
	counter_add(&stripe_area(pool, stripe, order)->nr_free, 0ul - got);
	return got;
}

/* `n` blocks from `frame` on, the first one last. Whole vectors, then the rest. */
static void write_down(u32 frame, unsigned int order, u32 n, u32 *end)
{
	u32 last = frame + ((n - 1) << order), i = 0;
	u32 *to = end - n;

	for (; i + 16 <= n; i += 16)
		for (u32 k = 0; k < 16; k++)
			to[i + k] = last - ((i + k) << order);
	for (; i < n; i++)
		to[i] = last - (i << order);
}

/* One free block of order `found` cut into up to n blocks of `order`; what is
   left goes back as the largest aligned blocks, without touching bits between. */
static u32 tight_cut_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			   u32 frame, unsigned int found, unsigned int order, unsigned int type,
			   u32 n, u32 *end)
{
	u32 pieces = 1u << (found - order);
	u32 got = n < pieces ? n : pieces;

	area_remove(pool, stripe, frame, found);
	if (tracing(pool))
		trace_block(pool, PB_TRACE_TAKE, frame, found, type, 0);
	write_down(frame, order, got, end);
	if (got == 1 && found <= pool->pageblock_order && !tracing(pool)) {
		__tight_split(pool, stripe, frame, found, order);
		return 1;
	}
	for (u32 x = got; x < pieces;) {
		unsigned int k = ctz32(x);
		u32 rest = frame + (x << order);

		area_insert(pool, stripe, rest, order + k, type, false);
		if (tracing(pool))
			trace_block(pool, PB_TRACE_SPLIT, rest, order + k, type, 0);
		if ((rest ^ frame) >> pool->pageblock_order) /* the caller settles the first */
			area_settle(pool, zone, stripe, rest);
		x += 1u << k;
	}
	return got;
}

static u32 tight_take_pageblock(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
				u32 pageblock, unsigned int order, unsigned int type, u32 n,
				u32 *end)
{
	struct pageblock *pb = pool_pageblock(pool, pageblock);
	u32 got = 0;

	while (got < n && pb->mask >> order) {
		unsigned int found = order + ctz32(pb->mask >> order);

		if (found == order && order < pool->pageblock_order && !tracing(pool))
			got += tight_take_bits(pool, stripe, pageblock, order, n - got, end - got);
		else
			got += tight_cut_block(pool, zone, stripe,
					       tight_block(pool, pageblock, found), found, order,
					       type, n - got, end - got);
	}
	area_settle(pool, zone, stripe, pageblock << pool->pageblock_order);
	return got;
}

static u32 __tight_take(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			unsigned int order, unsigned int type, u32 n, u32 *end)
{
	u32 got = 0;

	while (got < n && stripe->nonempty[type] >> order) {
		u32 pageblock;

		if (tracing(pool))
			tight_trace_scan(pool, zone, stripe, order, type);
		pageblock = tight_find(pool, zone, stripe, order, type);
		got += tight_take_pageblock(pool, zone, stripe, pageblock, order, type, n - got,
					    end - got);
	}
	__account(stripe, -((long)got << order), type);
	return got;
}

enum tight_step { STEP_TYPE, STEP_CMA, STEP_CLAIM, STEP_STEAL };

/* One step of the removal path (spec 6.10) in one stripe. */
static u32 __tight_step(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			enum tight_step step, unsigned int order, unsigned int type,
			unsigned int alloc_flags, u32 n, u32 *end)
{
	switch (step) {
	case STEP_TYPE:
		return __tight_take(pool, zone, stripe, order, type, n, end);
	case STEP_CMA:
		return __tight_take(pool, zone, stripe, order, PB_MIGRATE_CMA, n, end);
	case STEP_CLAIM:
		end[-1] = __rmqueue_claim(pool, zone, stripe, order, type, alloc_flags);
		if (end[-1] == NO_FRAME)
			return 0;
		return 1 + __tight_take(pool, zone, stripe, order, type, n - 1, end - 1);
	case STEP_STEAL:
		end[-1] = __rmqueue_steal(pool, zone, stripe, order, type);
		return end[-1] != NO_FRAME;
	}
	return 0;
}

/* Could the step find something in this stripe? Read without the lock. */
static bool stripe_may_have(const struct stripe *stripe, enum tight_step step, unsigned int order,
			    unsigned int type)
{
	if (step == STEP_TYPE)
		return load_relaxed(&stripe->nonempty[type]) >> order;
	if (step == STEP_CMA)
		return load_relaxed(&stripe->nonempty[PB_MIGRATE_CMA]) >> order;
	for (unsigned int t = 0; t < PB_MIGRATE_PCPTYPES; t++)
		if (t != type && load_relaxed(&stripe->nonempty[t]) >> order)
			return true;
	return false;
}

/*
 * Where to begin: at home, unless another stripe has clearly more free. Stripes
 * that are filled alike are packed alike; one that only sees frees decays until
 * no pageblock in it is whole.
 */
static u32 first_stripe(const struct pb_pool *pool, const struct zone *zone, u32 cpu)
{
	u32 best = cpu & (zone->nr_stripes - 1);
	long most = load_relaxed(&zone_stripe(pool, zone, best)->nr_free_pages);

	most += most / 16;
	for (u32 i = 0; i < zone->nr_stripes; i++) {
		long pages = load_relaxed(&zone_stripe(pool, zone, i)->nr_free_pages);

		if (pages > most) {
			most = pages;
			best = i;
		}
	}
	return best;
}

static u32 tight_take_step(struct pb_pool *pool, struct zone *zone, u32 first, enum tight_step step,
			   unsigned int order, unsigned int type, unsigned int alloc_flags, u32 n,
			   u32 *end)
{
	for (u32 i = 0; i < zone->nr_stripes; i++) {
		struct stripe *stripe = home_stripe(pool, zone, first + i);
		u32 got;

		if (!stripe_may_have(stripe, step, order, type))
			continue;
		pb_platform_lock(&stripe->lock);
		got = __tight_step(pool, zone, stripe, step, order, type, alloc_flags, n, end);
		__count_direct(stripe, order, got, alloc_flags);
		pb_platform_unlock(&stripe->lock);
		if (got)
			return got;
	}
	return 0;
}

u32 tight_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     unsigned int type, unsigned int alloc_flags, u32 n, u32 *end)
{
	u32 first = first_stripe(pool, zone, cpu);
	u32 got = 0;

	if (alloc_flags & ALLOC_CMA && zone_free_cma(pool, zone) > zone_free_pages(pool, zone) / 2)
		got = tight_take_step(pool, zone, first, STEP_CMA, order, type, alloc_flags, n,
				      end);
	for (enum tight_step step = STEP_TYPE; !got && step <= STEP_STEAL; step++) {
		if (step == STEP_CMA && !(alloc_flags & ALLOC_CMA))
			continue;
		if (step == STEP_STEAL && alloc_flags & ALLOC_NOFRAGMENT)
			continue;
		if (step > STEP_CMA && type >= PB_MIGRATE_PCPTYPES)
			break;
		got = tight_take_step(pool, zone, first, step, order, type, alloc_flags, n, end);
	}
	return got;
}
