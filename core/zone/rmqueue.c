/* SPDX-License-Identifier: MIT */
/*
 * How one zone of the modern profile hands out blocks (spec 6.10): from which stripe, and
 * by which steps when the type has none; and how blocks come back to a zone.
 *
 *	step            home stripe, or a tighter one    then every other
 *	1 the type      __rmqueue_bulk                   __rmqueue_bulk
 *	2 CMA           where the request may; first, while most free pages are there
 *	3 claim         a whole pageblock of another type becomes one of this
 *	4 steal         one block of another type is borrowed
 *
 * No step begins while the one before it would find a block in any stripe, with one
 * exception: while other CPUs are at work in the other stripes, a whole free pageblock of
 * the first stripe is claimed before theirs are searched.
 */
#include "zone/zone.h"

#include "block/marks.h"

/* One call of rmqueue_bulk(). */
struct batch {
	const struct zone_request *request;
	u32 home, first; /* stripes: the CPU's own, and where to begin */
	u32 n;           /* blocks, to be written downward from end[-1] */
	u32 claim;       /* order of the block to be claimed */
	u32 *end;
};

enum rmqueue_step { STEP_TYPE, STEP_CMA, STEP_CLAIM, STEP_STEAL };
#define LAST_STEP (PB_WITH_MOBILITY ? STEP_STEAL : STEP_TYPE)

/* Number of blocks to take: at least one, and at most a 16th of the stripe's free pages.
   Without that bound the last blocks would lie in the lists of a CPU that does not need them. */
static u32 modest(const struct batch *b, const struct stripe *stripe)
{
	if (b->n == 1)
		return 1;
	return (u32)min_u64(b->n, 1 + ((u64)stripe->nr_free_pages >> (b->request->order + 4)));
}

/* Claim a pageblock and take the batch from it: the pageblock of a free block of exactly this
   order, or, from pageblock_order on, the pageblocks of the largest free block. */
static u32 __rmqueue_claimed(const struct batch *b, const struct locked *at, unsigned int order)
{
	const struct zone_request *request = b->request;
	unsigned int o = order < at->pool->pageblock_order ? order : at->pool->max_order;

	while (!__rmqueue_claim(at, request, o))
		if (o-- == order)
			return 0;
	b->end[-1] = __rmqueue_smallest(at, request->order, request->type);
	if (b->end[-1] == NO_FRAME)
		return 0;
	return 1 + __rmqueue_bulk(at, request->order, request->type, b->n - 1, b->end - 1);
}

/* One step of the removal path in one stripe. */
static u32 __rmqueue_step(const struct batch *b, const struct locked *at, enum rmqueue_step step)
{
	unsigned int order = b->request->order;

	if (!PB_WITH_MOBILITY)
		step = STEP_TYPE;
	switch (step) {
	case STEP_TYPE:
		return __rmqueue_bulk(at, order, b->request->type, modest(b, at->stripe), b->end);
	case STEP_CMA:
		return __rmqueue_bulk(at, order, PB_MIGRATE_CMA, modest(b, at->stripe), b->end);
	case STEP_CLAIM:
		return __rmqueue_claimed(b, at, b->claim);
	case STEP_STEAL:
		b->end[-1] = __rmqueue_steal(at, b->request);
		return b->end[-1] != NO_FRAME;
	}
	return 0;
}

/* A bit per order whose list has a block, read without the lock. Acquire: whoever sees the
   lists changed also sees the mark that rmqueue_step() stored before (on machines that keep
   the order of stores; on others one guess may be wrong). */
static u32 lists_of(const struct stripe *stripe, unsigned int type)
{
	return pb_atomic_load_n(&stripe->nonempty[list_type(type)], __ATOMIC_ACQUIRE);
}

/* Might the step find a block in this stripe? Read without the lock. */
static bool stripe_may_have(const struct stripe *stripe, enum rmqueue_step step,
			    const struct zone_request *request)
{
	if (!PB_WITH_MOBILITY || step == STEP_TYPE)
		return lists_of(stripe, request->type) >> request->order;
	if (step == STEP_CMA)
		return lists_of(stripe, PB_MIGRATE_CMA) >> request->order;
	for (unsigned int t = 0; t < PB_MIGRATE_PCPTYPES; t++)
		if (t != request->type && lists_of(stripe, t) >> request->order)
			return true;
	return false;
}

/* Note that a CPU whose home stripe is `home` takes blocks here; returns what was noted before. */
static u32 __mark_active(struct stripe *stripe, u32 home)
{
	u32 before = load_relaxed(&stripe->remote_active);

	if (!PB_WITH_SMP)
		return before;
	if (before != home)
		store_relaxed(&stripe->remote_active, home);
	return before;
}

static u32 rmqueue_step(const struct batch *b, struct stripe *stripe, enum rmqueue_step step)
{
	const struct zone_request *request = b->request;
	struct locked at;
	u32 got, before;

	if (!stripe_may_have(stripe, step, request))
		return 0;
	at = lock_stripe(request->pool, request->zone, stripe);
	if (has_marks(request->pool))
		stripe->wish = request->alloc_flags & ALLOC_ZERO ? WISH_CLEARED : WISH_PLAIN;
	before = __mark_active(stripe, b->home); /* before the lists change: see lists_of() */
	got = __rmqueue_step(b, &at, step);
	if (!got)
		__mark_active(stripe, before);
	__count_direct(stripe, request, got);
	unlock_stripe(&at);
	return got;
}

/* Does a list of another type hold a pageblock whose largest free block is of this order? */
static bool others_have(const struct stripe *stripe, unsigned int order, unsigned int type)
{
	bool have = false;

	for (unsigned int t = 0; t < PB_MIGRATE_PCPTYPES; t++)
		have |= t != type && lists_of(stripe, t) >> order & 1;
	return have;
}

static unsigned int claim_order(const struct zone_request *request)
{
	unsigned int whole = request->pool->pageblock_order;

	return request->order < whole ? whole : request->order;
}

/* Claim, from the largest blocks down. A block smaller than a pageblock means counting the rest
   of its pageblock, which takes long, so each such order has a hold of the lock to itself. */
static u32 rmqueue_claim(struct batch *b, struct stripe *stripe)
{
	const struct zone_request *request = b->request;
	unsigned int floor = lowest_fallback_order(request);
	u32 got;

	b->claim = claim_order(request);
	got = rmqueue_step(b, stripe, STEP_CLAIM);
	for (b->claim = request->pool->pageblock_order; !got && b->claim-- > floor;) {
		if (!can_steal(request->pool, b->claim, request->type))
			break; /* nor is any smaller one */
		if (others_have(stripe, b->claim, request->type))
			got = rmqueue_step(b, stripe, STEP_CLAIM);
	}
	return got;
}

/* ------------------------------------------------------------ from which stripe */

/* Is a CPU of another home stripe taking blocks here? Then this stripe's cache lines are
   expensive. */
static bool active_elsewhere(const struct stripe *stripe, u32 home)
{
	u32 active = load_relaxed(&stripe->remote_active);

	return active != home && active != NO_CPU;
}

/* By how many orders the list that would serve the request exceeds it; 32: no list would. */
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
 * Is this stripe a better place than the best so far? A stripe in which another CPU is at
 * work is not: it is left for when the others have nothing. The rest count as one zone: the
 * tightest list serves, and among equals that of the stripe with clearly more free pages,
 * since a stripe that only sees frees would fragment until no pageblock in it is whole.
 */
static bool better(const struct stripe *stripe, const struct stripe *best, u32 home,
		   unsigned int order, unsigned int type)
{
	unsigned int tight, best_tight;

	if (active_elsewhere(stripe, home))
		return false;
	tight = tightness(stripe, order, type);
	best_tight = tightness(best, order, type);
	if (tight > best_tight)
		return false;
	if (tight == best_tight && !clearly_more(stripe, best))
		return false;
	/* Asked again: it may be tight just because another CPU has begun to work there. */
	return !active_elsewhere(stripe, home);
}

/* The stripe to try first. */
static u32 first_stripe(const struct zone_request *request, u32 home)
{
	const struct zone *zone = request->zone;
	u32 best = home;

	for (u32 i = 0; PB_WITH_SMP && i < zone_stripes(zone); i++)
		if (i != home && better(zone_stripe(request->pool, zone, i),
					zone_stripe(request->pool, zone, best), home,
					request->order, request->type))
			best = i;
	return best;
}

/* Was any other CPU at work in this zone? Its mark is cleared, so that it counts once: a CPU
   that goes on sets it again. */
static bool others_were_active(const struct batch *b)
{
	const struct zone_request *request = b->request;
	bool any = false;

	for (u32 i = 0; i < zone_stripes(request->zone); i++) {
		struct stripe *stripe = zone_stripe(request->pool, request->zone, i);

		if (!active_elsewhere(stripe, b->home))
			continue;
		store_relaxed(&stripe->remote_active, NO_CPU);
		any = true;
	}
	return any;
}

/*
 * Claim a whole free pageblock of the first stripe rather than let two CPUs take pages of
 * one pageblock, whose page bytes would share cache lines. The price is at most one
 * pageblock each time that another CPU was seen at work since the last claim.
 */
static u32 claim_at_home(struct batch *b)
{
	const struct zone_request *request = b->request;
	struct stripe *stripe = zone_stripe(request->pool, request->zone, b->first);

	if (!PB_WITH_SMP || !PB_WITH_MOBILITY)
		return 0;
	if (request->type >= PB_MIGRATE_PCPTYPES ||
	    (request->alloc_flags & ALLOC_CMA && stripe_may_have(stripe, STEP_CMA, request)) ||
	    !others_were_active(b))
		return 0;
	b->claim = claim_order(request);
	return rmqueue_step(b, stripe, STEP_CLAIM);
}

/* The step in every stripe, from the first on, until one has something. */
static u32 rmqueue_any(struct batch *b, enum rmqueue_step step)
{
	const struct zone_request *request = b->request;
	u32 got = 0;

	for (u32 i = 0; !got && i < zone_stripes(request->zone); i++) {
		struct stripe *stripe = home_stripe(request->pool, request->zone, b->first + i);

		/* another CPU may just have begun there */
		if (PB_WITH_SMP && i && step == STEP_TYPE &&
		    stripe_may_have(stripe, step, request) && active_elsewhere(stripe, b->home))
			got = claim_at_home(b);
		if (!got)
			got = PB_WITH_MOBILITY && step == STEP_CLAIM
				      ? rmqueue_claim(b, stripe)
				      : rmqueue_step(b, stripe, step);
		if (!got && !i && step == STEP_TYPE)
			got = claim_at_home(b);
	}
	return got;
}

/* A refill holds the CPU's area. Where that masks interrupts it takes blocks of its own type
   only; the request then goes on past the lists, holding no more than a stripe's lock. */
#define REFILLS_CLAIM LONG_BATCHES

static bool step_allowed(const struct zone_request *request, enum rmqueue_step step)
{
	if (step == STEP_CMA)
		return request->alloc_flags & ALLOC_CMA;
	if (step == STEP_STEAL && request->alloc_flags & ALLOC_NOFRAGMENT)
		return false;
	return step == STEP_TYPE || (request->type < PB_MIGRATE_PCPTYPES &&
				     (REFILLS_CLAIM || request->alloc_flags & ALLOC_DIRECT));
}

u32 rmqueue_bulk(const struct zone_request *request, u32 n, u32 *end)
{
	const struct zone *zone = request->zone;
	u32 home = request->cpu & (zone_stripes(zone) - 1), got = 0;
	struct batch b = { request, home, first_stripe(request, home), n, 0, end };

	if (PB_WITH_MOBILITY && request->alloc_flags & ALLOC_CMA &&
	    zone_free_cma(request->pool, zone) > zone_free_pages(request->pool, zone) / 2)
		got = rmqueue_any(&b, STEP_CMA);
	for (enum rmqueue_step step = STEP_TYPE; !got && step <= LAST_STEP; step++)
		if (step_allowed(request, step))
			got = rmqueue_any(&b, step);
	return got;
}

/* ------------------------------------------------------ one block, for a caller */

u32 rmqueue_one(const struct zone_request *request)
{
	u32 frame;

	return rmqueue_bulk(request, 1, &frame + 1) ? frame : NO_FRAME;
}

u32 rmqueue_reserve(const struct zone_request *request)
{
	u32 frame = NO_FRAME;

	for (u32 i = 0; frame == NO_FRAME && i < zone_stripes(request->zone); i++) {
		struct locked at = lock_stripe(request->pool, request->zone,
					       home_stripe(request->pool, request->zone,
							   request->cpu + i));

		frame = __rmqueue_smallest(&at, request->order, PB_MIGRATE_HIGHATOMIC);
		__count_direct(at.stripe, request, frame != NO_FRAME);
		unlock_stripe(&at);
	}
	return frame;
}

/* The reserve serves urgent requests of order > 0 first of all; to a request that can't wait,
   and to a dying task, it is open when nothing else is left. */
u32 rmqueue_buddy(struct zone_request *request)
{
	const struct pb_policy *rules = policy(request->pool);
	u32 frame = NO_FRAME;

	request->alloc_flags |= ALLOC_DIRECT;
	if (PB_WITH_HIGHATOMIC && request->order && request->alloc_flags & ALLOC_HIGHATOMIC)
		frame = rules->rmqueue_reserve(request);
	if (frame == NO_FRAME)
		frame = rules->rmqueue(request);
	if (PB_WITH_HIGHATOMIC && frame == NO_FRAME &&
	    request->alloc_flags & (ALLOC_OOM | ALLOC_HARDER))
		frame = rules->rmqueue_reserve(request);
	return frame;
}

void __count_direct(struct stripe *stripe, const struct zone_request *request, u32 got)
{
	if (got && request->alloc_flags & ALLOC_DIRECT) {
		counter_add(&stripe->pgalloc, (unsigned long)got << request->order);
		counter_add(&stripe->direct_allocs, got);
	}
}

/* ------------------------------------------------------------------- free */

static void __free_piece(const struct locked *at, u32 cpu, u32 frame, unsigned int order,
			 unsigned int type)
{
	if (type != PB_MIGRATE_ISOLATE)
		__count_free(at, cpu, 1L << order);
	__free_one_page(at, frame, order, type, false);
}

/* Have all pageblocks of a block one type? After boot that isn't certain, nor of a block that
   pb_alloc_at() took. */
static bool __one_type(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	u32 step = 1u << pool->pageblock_order;

	for (u32 i = step; i < 1u << order; i += step)
		if (frame_migratetype(pool, frame + i) != frame_migratetype(pool, frame))
			return false;
	return true;
}

/* A block larger than a pageblock may lie across the border of an isolated range, of CMA or of the
   reserve: then each pageblock goes back with its own type. Kernels from 6.12 on always do that (L6). */
void __free_typed(const struct locked *at, u32 cpu, u32 frame, unsigned int order,
		  unsigned int type)
{
	const struct pb_pool *pool = at->pool;
	u32 end = frame + (1u << order);

	if (order <= pool->pageblock_order ||
	    (!load_relaxed(&at->zone->nr_isolate_pageblock) && !policy(pool)->split_frees &&
	     (pool_is_linked(pool) || __one_type(pool, frame, order)))) {
		__free_piece(at, cpu, frame, order, type);
		return;
	}
	for (; frame < end; frame += 1u << pool->pageblock_order)
		__free_piece(at, cpu, frame, pool->pageblock_order, frame_migratetype(pool, frame));
}

void free_one_page(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order)
{
	struct locked at = lock_frame(pool, zone, frame);

	counter_add(&at.stripe->pgfree, 1ul << order);
	__free_typed(&at, cpu, frame, order, frame_migratetype(pool, frame));
	unlock_stripe(&at);
}

void free_pages_bulk(const struct zone_request *what, u32 n, u32 *frames)
{
	struct pb_pool *pool = what->pool;
	struct locked at;

	if (n == 1 || policy(pool)->count_free || what->order > pool->pageblock_order) {
		for (u32 i = 0; i < n; i++)
			free_one_page(pool, what->zone, what->cpu, frames[i], what->order);
		return;
	}
	at = lock_frame(pool, what->zone, frames[0]);
	counter_add(&at.stripe->pgfree, (unsigned long)n << what->order);
	unlock_stripe(&at);
	for (u32 done = 0, batch; done < n; done += batch) {
		batch = n - done < DRAIN_BATCH_MAX ? n - done : DRAIN_BATCH_MAX;
		free_bulk(pool, what->zone, what->order, batch, frames + done);
	}
}

void return_page(struct pb_pool *pool, struct zone *zone, u32 frame, unsigned int order)
{
	struct locked at = lock_frame(pool, zone, frame);

	__free_typed(&at, NO_CPU, frame, order, frame_migratetype(pool, frame));
	unlock_stripe(&at);
}

/* ------------------------------------------------------------- a whole range */

unsigned int largest_order(const struct pb_pool *pool, u32 frame, u32 end)
{
	unsigned int order = frame ? ctz32(frame) : pool->max_order;

	if (order > pool->max_order)
		order = pool->max_order;
	while ((u64)frame + ((u64)1 << order) > end)
		order--;
	return order;
}

/* Blocks under one hold of a stripe's lock: each may merge through every order. */
#define RELEASE_BATCH (ZONE_BATCH_MAX < 16u ? ZONE_BATCH_MAX : 16u)

/* The largest aligned block that begins with the frame and ends by `end` becomes free; returns
   the first frame after it. */
static u32 __release_block(const struct locked *at, u32 frame, u32 end)
{
	const struct pb_pool *pool = at->pool;
	unsigned int order = largest_order(pool, frame, end), type = frame_migratetype(pool, frame);

	/* blocks of different types are merged by __free_one_page(), if they may */
	if (!__one_type(pool, frame, order))
		order = pool->pageblock_order;
	counter_add(&at->stripe->pgfree, 1ul << order);
	if (type != PB_MIGRATE_ISOLATE)
		__count_free(at, NO_CPU, 1L << order);
	__free_one_page(at, frame, order, type, true);
	return frame + (1u << order);
}

void release_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end)
{
	pb_platform_lock(&zone->lock);
	counter_add(&zone->managed, end - frame);
	pb_platform_unlock(&zone->lock);
	while (frame < end) {
		struct locked at = lock_frame(pool, zone, frame);

		for (u32 n = 0; n < RELEASE_BATCH && frame < end &&
				frame_stripe(pool, zone, frame) == at.stripe;
		     n++)
			frame = __release_block(&at, frame, end);
		unlock_stripe(&at);
	}
}
