/* SPDX-License-Identifier: MIT */
/*
 * Zones, modern profile: many blocks under one hold of a stripe's lock. Bits of
 * a tree are taken and set by the word, and 64 neighbours merge in registers:
 *
 *	word of order 0     0 1 1 1 1 0 1 1	(1: free, lowest frame on the right)
 *	pairs w & w>>1      . 0 . 1 . 0 . 1	both buddies free, at even bits
 *	stay  w & ~(p|p<<1) 0 1 0 0 1 0 0 0	these have no free buddy
 *	word of order 1     0 1 0 1		the pairs, packed; and so on upward
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
			   unsigned int order, u32 n, u32 *frames)
{
	u32 base = pageblock << pool->pageblock_order;
	u64 *tree = span_tree(pool, base);
	u32 first = frame_node(pool, base, order);
	u32 end = first + (1u << (pool->pageblock_order - order));
	u32 got = 0;

	for (u32 node = first; node < end && got < n;) {
		u32 bit = node & 63;
		u32 take = end - node < 64 - bit ? end - node : 64 - bit;
		u64 *word = &tree[node >> 6];
		u64 free = *word & word_mask(bit, take);
		u64 left = free;

		while (left && got < n) {
			u32 at = (node & ~63u) + ctz64(left);

			frames[got++] = base + ((at - first) << order);
			left &= left - 1;
		}
		*word ^= free ^ left;
		node += take;
	}
	tight_count(pool, base, order, -(int)got);
	counter_add(&stripe_area(pool, stripe, order)->nr_free, 0ul - got);
	return got;
}

/* One free block of order `found` cut into up to n blocks of `order`; what is
   left goes back as the largest aligned blocks, without touching bits between. */
static u32 tight_cut_block(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			   u32 frame, unsigned int found, unsigned int order, unsigned int type,
			   u32 n, u32 *frames)
{
	u32 pieces = 1u << (found - order);
	u32 got = n < pieces ? n : pieces;

	area_remove(pool, stripe, frame, found);
	if (tracing(pool))
		trace_block(pool, PB_TRACE_TAKE, frame, found, type, 0);
	for (u32 i = 0; i < got; i++)
		frames[i] = frame + (i << order);
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
				u32 *frames)
{
	struct pageblock *pb = pool_pageblock(pool, pageblock);
	u32 got = 0;

	while (got < n && pb->mask >> order) {
		unsigned int found = order + ctz32(pb->mask >> order);

		if (found == order && order < pool->pageblock_order && !tracing(pool))
			got += tight_take_bits(pool, stripe, pageblock, order, n - got,
					       frames + got);
		else
			got += tight_cut_block(pool, zone, stripe,
					       tight_block(pool, pageblock, found), found, order,
					       type, n - got, frames + got);
	}
	area_settle(pool, zone, stripe, pageblock << pool->pageblock_order);
	return got;
}

static u32 __tight_take(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			unsigned int order, unsigned int type, u32 n, u32 *frames)
{
	u32 got = 0;

	while (got < n && stripe->nonempty[type] >> order) {
		u32 pageblock;

		if (tracing(pool))
			tight_trace_scan(pool, zone, stripe, order, type);
		pageblock = tight_find(pool, zone, stripe, order, type);
		got += tight_take_pageblock(pool, zone, stripe, pageblock, order, type, n - got,
					    frames + got);
	}
	__account(stripe, -((long)got << order), type);
	return got;
}

enum tight_step { STEP_TYPE, STEP_CMA, STEP_CLAIM, STEP_STEAL };

/* One step of the removal path (spec 6.10) in one stripe. */
static u32 __tight_step(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			enum tight_step step, unsigned int order, unsigned int type,
			unsigned int alloc_flags, u32 n, u32 *frames)
{
	switch (step) {
	case STEP_TYPE:
		return __tight_take(pool, zone, stripe, order, type, n, frames);
	case STEP_CMA:
		return __tight_take(pool, zone, stripe, order, PB_MIGRATE_CMA, n, frames);
	case STEP_CLAIM:
		frames[0] = __rmqueue_claim(pool, zone, stripe, order, type, alloc_flags);
		if (frames[0] == NO_FRAME)
			return 0;
		return 1 + __tight_take(pool, zone, stripe, order, type, n - 1, frames + 1);
	case STEP_STEAL:
		frames[0] = __rmqueue_steal(pool, zone, stripe, order, type);
		return frames[0] != NO_FRAME;
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

static u32 tight_take_step(struct pb_pool *pool, struct zone *zone, u32 first,
			   enum tight_step step, unsigned int order, unsigned int type,
			   unsigned int alloc_flags, u32 n, u32 *frames)
{
	for (u32 i = 0; i < zone->nr_stripes; i++) {
		struct stripe *stripe = home_stripe(pool, zone, first + i);
		u32 got;

		if (!stripe_may_have(stripe, step, order, type))
			continue;
		pb_platform_lock(&stripe->lock);
		got = __tight_step(pool, zone, stripe, step, order, type, alloc_flags, n, frames);
		__count_direct(stripe, order, got, alloc_flags);
		pb_platform_unlock(&stripe->lock);
		if (got)
			return got;
	}
	return 0;
}

u32 tight_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
			    unsigned int type, unsigned int alloc_flags, u32 n, u32 *frames)
{
	u32 first = first_stripe(pool, zone, cpu);
	u32 got = 0;

	if (alloc_flags & ALLOC_CMA && zone_free_cma(pool, zone) > zone_free_pages(pool, zone) / 2)
		got = tight_take_step(pool, zone, first, STEP_CMA, order, type, alloc_flags, n,
				      frames);
	for (enum tight_step step = STEP_TYPE; !got && step <= STEP_STEAL; step++) {
		if (step == STEP_CMA && !(alloc_flags & ALLOC_CMA))
			continue;
		if (step == STEP_STEAL && alloc_flags & ALLOC_NOFRAGMENT)
			continue;
		if (step > STEP_CMA && type >= PB_MIGRATE_PCPTYPES)
			break;
		got = tight_take_step(pool, zone, first, step, order, type, alloc_flags, n, frames);
	}
	return got;
}

/* ------------------------------------------------------------------- free */

/* Pack the even bits of a word into its lower half. */
static u64 pack_even_bits(u64 x)
{
	x &= 0x5555555555555555u;
	x = (x | x >> 1) & 0x3333333333333333u;
	x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0fu;
	x = (x | x >> 4) & 0x00ff00ff00ff00ffu;
	x = (x | x >> 8) & 0x0000ffff0000ffffu;
	return (x | x >> 16) & 0xffffffffu;
}

static void tight_adjust(const struct pb_pool *pool, struct stripe *stripe, u32 frame,
			 unsigned int order, int delta)
{
	if (!delta)
		return;
	tight_count(pool, frame, order, delta);
	counter_add(&stripe_area(pool, stripe, order)->nr_free, (unsigned long)(long)delta);
}

/*
 * Free the blocks of `order` whose bits are set in `mask`, all of one tree word,
 * the one that begins at `node`. `frame` is the first of the 64 blocks.
 */
static void tight_free_word(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			    u32 frame, u32 node, unsigned int order, u64 mask)
{
	unsigned int type = frame_migratetype(pool, frame);
	u64 *tree = span_tree(pool, frame);

	__account(stripe, (long)popcount64(mask) << order, type);
	for (unsigned int k = 0; mask && k < 6; k++) {
		u64 *word = &tree[node >> 6];
		u64 field = word_mask(node & 63, 64u >> k);
		u64 old = (*word & field) >> (node & 63);
		u64 all = old | mask;
		u64 pairs = all & all >> 1 & 0x5555555555555555u;
		u64 stay = all & ~(pairs | pairs << 1);

		*word = (*word & ~field) | stay << (node & 63);
		tight_adjust(pool, stripe, frame, order + k,
			     (int)popcount64(stay) - (int)popcount64(old));
		mask = pack_even_bits(pairs);
		node >>= 1;
	}
	if (mask) { /* all 64 became one block, which may merge on */
		__account(stripe, -(64L << order), type);
		__zone_free_block(pool, zone, stripe, frame, order + 6, type, false);
	} else {
		area_settle(pool, zone, stripe, frame);
	}
}

/* May 64 blocks of this order be handled as one word of one pageblock? */
static bool word_wise(const struct pb_pool *pool, unsigned int order)
{
	return order + 6 <= pool->pageblock_order && !tracing(pool);
}

/* Frees frames[i] and those after it in the same tree word; returns how many. */
static u32 tight_free_group(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			    unsigned int order, u32 n, const u32 *frames)
{
	unsigned int shift = order + 6;
	u32 first = frames[0] >> shift << shift;
	u64 mask = 0;
	u32 i = 0;

	if (n == 1 || !word_wise(pool, order) || frames[1] >> shift != frames[0] >> shift) {
		__zone_free_block(pool, zone, stripe, frames[0], order,
				  frame_migratetype(pool, frames[0]), false);
		return 1;
	}
	do {
		mask |= (u64)1 << ((frames[i] - first) >> order);
		i++;
	} while (i < n && frames[i] >> shift == frames[0] >> shift);
	tight_free_word(pool, zone, stripe, first, frame_node(pool, first, order), order, mask);
	return i;
}

static void tight_free_stripe(struct pb_pool *pool, struct zone *zone, struct stripe *stripe,
			      unsigned int order, u32 n, const u32 *frames)
{
	bool only = zone->nr_stripes == 1;

	pb_platform_lock(&stripe->lock);
	for (u32 i = 0; i < n;) {
		if (!only && frame_stripe_number(pool, zone, frames[i]) != stripe->number)
			i++;
		else /* a tree word lies in one stripe */
			i += tight_free_group(pool, zone, stripe, order, n - i, frames + i);
	}
	pb_platform_unlock(&stripe->lock);
}

void tight_free_batch(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n,
		      const u32 *frames)
{
	u32 seen = 0; /* stripes with a frame among these; at most 16 */
	u32 last = UINT32_MAX;

	for (u32 i = 0; i < n; i++) {
		u32 word = frames[i] >> (order + 6);
		u64 *tree;

		/* neighbours of one word share its cache lines, but not always a stripe */
		seen |= 1u << frame_stripe_number(pool, zone, frames[i]);
		if (word == last)
			continue;
		last = word;
		tree = span_tree(pool, frames[i]);
		__builtin_prefetch(&tree[frame_node(pool, frames[i], order) >> 6], 1);
		__builtin_prefetch(frame_pageblock(pool, frames[i]), 1);
	}
	for (; seen; seen &= seen - 1)
		tight_free_stripe(pool, zone, zone_stripe(pool, zone, ctz32(seen)), order, n,
				  frames);
}
