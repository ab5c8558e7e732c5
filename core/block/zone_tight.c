/* SPDX-License-Identifier: MIT */
/*
 * Zones, modern profile: many blocks out under one hold of a stripe's lock. Bits
 * of a tree are taken by the word, or one larger block is cut straight into the
 * batch. The way back is zone_drain.c.
 */
#include "block/zone_tight.h"

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

/* Four at a time, as a vector where the target has one. */
typedef u32 four_frames __attribute__((vector_size(16), aligned(4), may_alias));

/* `n` blocks from `frame` on, the first one last. */
static NOINLINE void write_down(u32 frame, unsigned int order, u32 n, u32 *end)
{
	u32 step = 1u << order, at = frame + ((n - 1) << order);
	four_frames four = { at, at - step, at - 2 * step, at - 3 * step };
	u32 *to = end - n;

	for (; end - to >= 4; to += 4) {
		*(four_frames *)to = four;
		four -= 4 * step;
	}
	for (at = four[0]; to != end; to++, at -= step)
		*to = at;
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
	u32 got = 0, lists = stripe->nonempty[type] >> order;
	unsigned int tightest = lists ? ctz32(lists) : 0;

	/* Only from lists as tight as the first: another stripe may have such a one when
	   this has not, and the next batch will ask again. */
	while (got < n && lists && ctz32(lists) <= tightest) {
		u32 pageblock;

		if (tracing(pool))
			tight_trace_scan(pool, zone, stripe, order, type);
		pageblock = tight_find(pool, zone, stripe, order, type);
		got += tight_take_pageblock(pool, zone, stripe, pageblock, order, type, n - got,
					    end - got);
		lists = stripe->nonempty[type] >> order;
	}
	__account(stripe, -((long)got << order), type);
	return got;
}

/* A batch that is wanted. */
struct take {
	struct pb_pool *pool;
	struct zone *zone;
	unsigned int order, type, alloc_flags;
	u32 home, first; /* stripes: the CPU's own, and where to begin */
	u32 n;           /* blocks, to be written downward from end[-1] */
	u32 *end;
};

enum tight_step { STEP_TYPE, STEP_CMA, STEP_CLAIM, STEP_STEAL };

/* One, and no more than a 16th of what is there besides: the last blocks are not to
   lie in the lists of a CPU that does not need them, from where others must fetch
   them. */
static u32 modest(const struct take *t, const struct stripe *stripe)
{
	return (u32)min_u64(t->n, 1 + ((u64)stripe->nr_free_pages >> (t->order + 4)));
}

/* One step of the removal path (spec 6.10) in one stripe. */
static u32 __take_step(const struct take *t, struct stripe *stripe, enum tight_step step,
		       unsigned int alloc_flags)
{
	unsigned int found = t->order, from;
	u32 *end = t->end, n = modest(t, stripe);

	switch (step) {
	case STEP_TYPE:
		return __tight_take(t->pool, t->zone, stripe, t->order, t->type, n, end);
	case STEP_CMA:
		return __tight_take(t->pool, t->zone, stripe, t->order, PB_MIGRATE_CMA, n, end);
	case STEP_CLAIM:
		if (!__rmqueue_claim(t->pool, t->zone, stripe, t->order, t->type, alloc_flags))
			return 0;
		end[-1] = __rmqueue_smallest(t->pool, t->zone, stripe, t->order, t->type);
		if (end[-1] == NO_FRAME)
			return 0;
		return 1 +
		       __tight_take(t->pool, t->zone, stripe, t->order, t->type, t->n - 1, end - 1);
	case STEP_STEAL:
		if (!__find_to_steal(t->pool, stripe, t->type, &found, &from))
			return 0;
		end[-1] = __rmqueue_smallest(t->pool, t->zone, stripe, t->order, from);
		if (end[-1] == NO_FRAME)
			return 0;
		count_steal(t->pool, t->zone, end[-1], found, t->order, t->type, from);
		return 1;
	}
	return 0;
}

/* Orders whose lists hold something, read without the lock. Acquire: what take_step()
   writes before it changes the lists is seen with them (where stores keep their
   order; elsewhere a guess may be wrong once). */
static u32 lists_of(const struct stripe *stripe, unsigned int type)
{
	return __atomic_load_n(&stripe->nonempty[type], __ATOMIC_ACQUIRE);
}

/* Could the step find a block of this order in this stripe? */
static bool stripe_may_have(const struct stripe *stripe, enum tight_step step, unsigned int order,
			    unsigned int type)
{
	if (step == STEP_TYPE)
		return lists_of(stripe, type) >> order;
	if (step == STEP_CMA)
		return lists_of(stripe, PB_MIGRATE_CMA) >> order;
	for (unsigned int t = 0; t < PB_MIGRATE_PCPTYPES; t++)
		if (t != type && lists_of(stripe, t) >> order)
			return true;
	return false;
}

static u32 take_step(const struct take *t, struct stripe *stripe, enum tight_step step,
		     unsigned int alloc_flags)
{
	u32 got, taker;

	if (!stripe_may_have(stripe, step, t->order, t->type))
		return 0;
	pb_platform_lock(&stripe->lock);
	/* before the lists change: see lists_of() */
	taker = load_relaxed(&stripe->taker);
	if (taker != t->home)
		store_relaxed(&stripe->taker, t->home);
	got = __take_step(t, stripe, step, alloc_flags);
	if (!got && taker != t->home)
		store_relaxed(&stripe->taker, taker);
	__count_direct(stripe, t->order, got, alloc_flags);
	pb_platform_unlock(&stripe->lock);
	return got;
}

/* ------------------------------------------------------------ from which stripe */

/* Is another stripe's CPU at work there? Its cache lines are dear then. */
static bool at_work(const struct stripe *stripe, u32 home)
{
	u32 taker = load_relaxed(&stripe->taker);

	return taker != home && taker != NO_CPU;
}

/* Orders from the request's up to that of the list that would serve it. */
static unsigned int tightness(const struct stripe *stripe, unsigned int order, unsigned int type)
{
	u32 lists = lists_of(stripe, type) >> order;

	return lists ? ctz32(lists) : 32;
}

static bool clearly_more(const struct stripe *stripe, const struct stripe *than)
{
	long free_pages = load_relaxed(&than->nr_free_pages);

	return load_relaxed(&stripe->nr_free_pages) > free_pages + free_pages / 16;
}

/*
 * Is another stripe a better place than the best so far? Not where another CPU is
 * at work: that one is for when the others have nothing left. Where nobody is, all
 * stripes are one zone: the tightest list serves; of equals the one with clearly
 * more free, since one that only saw frees would decay until no pageblock in it is
 * whole.
 */
static bool better(const struct stripe *stripe, const struct stripe *best, u32 home,
		   unsigned int order, unsigned int type)
{
	unsigned int tight, best_tight;

	if (at_work(stripe, home))
		return false;
	tight = tightness(stripe, order, type);
	best_tight = tightness(best, order, type);
	if (tight > best_tight)
		return false;
	if (tight == best_tight && !clearly_more(stripe, best))
		return false;
	/* It may be tight just because another CPU has begun to work there. */
	return !at_work(stripe, home);
}

/* Where to begin. */
static u32 first_stripe(const struct pb_pool *pool, const struct zone *zone, u32 home,
			unsigned int order, unsigned int type)
{
	u32 best = home;

	for (u32 i = 0; i < zone->nr_stripes; i++)
		if (i != home && better(zone_stripe(pool, zone, i), zone_stripe(pool, zone, best),
					home, order, type))
			best = i;
	return best;
}

/* Who was at work is believed once: whoever still is will show it again. */
static bool others_were_at_work(const struct take *t)
{
	bool any = false;

	for (u32 i = 0; i < t->zone->nr_stripes; i++) {
		struct stripe *stripe = zone_stripe(t->pool, t->zone, i);

		if (!at_work(stripe, t->home))
			continue;
		store_relaxed(&stripe->taker, NO_CPU);
		any = true;
	}
	return any;
}

static bool may_use_cma(const struct take *t, const struct stripe *stripe)
{
	return t->alloc_flags & ALLOC_CMA && stripe_may_have(stripe, STEP_CMA, t->order, t->type);
}

/*
 * A whole pageblock of the first stripe is made one of the type, rather than that two
 * CPUs' pages come from one pageblock: their bytes would share cache lines. That may
 * cost a pageblock each time that the other CPU was seen at work since the last.
 */
static u32 claim_at_home(const struct take *t)
{
	struct stripe *stripe = zone_stripe(t->pool, t->zone, t->first);

	if (t->type >= PB_MIGRATE_PCPTYPES || may_use_cma(t, stripe) || !others_were_at_work(t))
		return 0;
	return take_step(t, stripe, STEP_CLAIM, t->alloc_flags | ALLOC_NOFRAGMENT);
}

/* Blocks of the type from the first stripe, or a pageblock there. */
static u32 take_first(const struct take *t)
{
	u32 got = take_step(t, zone_stripe(t->pool, t->zone, t->first), STEP_TYPE, t->alloc_flags);

	return got ? got : claim_at_home(t);
}

static u32 take_any(const struct take *t, enum tight_step step)
{
	u32 got = 0;

	for (u32 i = 0; !got && i < t->zone->nr_stripes; i++) {
		struct stripe *stripe = home_stripe(t->pool, t->zone, t->first + i);

		/* another CPU may just have begun there */
		if (step == STEP_TYPE && stripe_may_have(stripe, step, t->order, t->type) &&
		    at_work(stripe, t->home))
			got = claim_at_home(t);
		if (!got)
			got = take_step(t, stripe, step, t->alloc_flags);
	}
	return got;
}

static bool cma_first(const struct take *t)
{
	return t->alloc_flags & ALLOC_CMA &&
	       zone_free_cma(t->pool, t->zone) > zone_free_pages(t->pool, t->zone) / 2;
}

u32 tight_take_batch(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		     unsigned int type, unsigned int alloc_flags, u32 n, u32 *end)
{
	u32 home = cpu & (zone->nr_stripes - 1);
	struct take t = { pool,
			  zone,
			  order,
			  type,
			  alloc_flags,
			  home,
			  first_stripe(pool, zone, home, order, type),
			  n,
			  end };
	u32 got = 0;

	if (cma_first(&t))
		got = take_any(&t, STEP_CMA);
	if (!got)
		got = take_first(&t);
	for (enum tight_step step = STEP_TYPE; !got && step <= STEP_STEAL; step++) {
		if (step == STEP_CMA && !(alloc_flags & ALLOC_CMA))
			continue;
		if (step == STEP_STEAL && alloc_flags & ALLOC_NOFRAGMENT)
			continue;
		if (step > STEP_CMA && type >= PB_MIGRATE_PCPTYPES)
			break;
		got = take_any(&t, step);
	}
	return got;
}
