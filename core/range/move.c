/* SPDX-License-Identifier: MIT */
/*
 * How one block is moved, whose owner may free it at any moment:
 *
 *	take a block of the same order elsewhere, the target
 *	note the target's pageblock in its stripe, so that nothing in there is moved again
 *	store the moving block's page byte in the target
 *	ask the hook: it copies, and tells the owner
 *	clear the note, and free whichever of the two blocks is no longer in use
 *
 * The owner may use the target as soon as the hook tells him of it, so its page byte must
 * be final before. But then another call may find it MOVABLE while the hook still copies
 * into it: the note keeps that call from moving it.
 *
 * With a hook that takes batches several blocks are moved together, if their targets lie in
 * one pageblock, so that one note is enough:
 *
 *	from  a b c d e		to  p q | r s t		two calls of the hook
 */
#include "range/move.h"

#include "alloc/page_alloc.h"

struct page_note {
	u32 to;     /* where the block is now */
	u32 before; /* frame with the note before this one, or NO_FRAME */
};

#define MOVE_BATCH (ZONE_BATCH_MAX < 16u ? ZONE_BATCH_MAX : 16u)

/* Movable blocks in the order of their addresses, and for each a target, neither free nor owned. */
struct move_batch {
	u32 n;
	u32 from[MOVE_BATCH], to[MOVE_BATCH];
	u8 word[MOVE_BATCH]; /* the blocks' bytes */
};

static unsigned int order_in(const struct move_batch *b, u32 i)
{
	return b->word[i] & PB_PAGE_ORDER;
}

/* ------------------------------------------------------------ targets of a hook */

static struct stripe *stripe_of(const struct pb_pool *pool, u32 frame)
{
	return frame_stripe(pool, zone_of_frame(pool, frame), frame);
}

static u32 note_of(const struct pb_pool *pool, u32 frame)
{
	return (frame >> pool->pageblock_order) + 1;
}

/* Note the frame's pageblock as a target. NULL: the stripe has no free place for a note, so the
   block can't be moved now. */
static u32 *note_target(const struct pb_pool *pool, u32 frame)
{
	struct stripe *stripe = stripe_of(pool, frame);

	for (u32 i = 0; i < MAX_MOVING; i++) {
		u32 none = 0;

		if (pb_atomic_compare_exchange_n(&stripe->moving[i], &none, note_of(pool, frame),
						 false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return &stripe->moving[i];
	}
	return NULL;
}

/* Is a hook copying into blocks of this frame's pageblock? */
static bool is_target(const struct pb_pool *pool, u32 frame)
{
	const struct stripe *stripe = stripe_of(pool, frame);
	bool found = false;

	for (u32 i = 0; i < MAX_MOVING; i++)
		found |= load_relaxed(&stripe->moving[i]) == note_of(pool, frame);
	return found;
}

/* Can the block with this page byte be moved now? */
static bool can_move(const struct pb_pool *pool, u32 frame, u8 word)
{
	if (!(word & PB_PAGE_MOVABLE) || word & PB_PAGE_SHARED || !can_migrate(pool))
		return false;
	/* whoever sees the page byte that fill_in() stored sees the note stored before it */
	pb_atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !is_target(pool, frame);
}

/* -------------------------------------------------------------------- moves */

/* The caller named in reports of misuse: only a hook can have given the block away. */
static const struct call moving = { "the migrate hook", NULL };

/* Report a hook that claims to have moved more blocks than it was given: each may be in either
   place now. */
static NOINLINE void report_count(const struct pb_pool *pool, const struct move_batch *b, u32 i,
				  u32 n, u32 said)
{
	const struct misuse what = { .kind = PB_MISUSE_HOOK,
				     .pfn = frame_to_pfn(pool, b->from[i]),
				     .order = n,
				     .found = said };

	(void)report_misuse(pool, &moving, &what);
}

/* Call migrate_batch for blocks [i, i + n). Returns how many of them, from the first on, it says
   that it moved. */
static NOINLINE u32 call_batch(struct pb_pool *pool, const struct move_batch *b, u32 i, u32 n)
{
	struct pb_move moves[MOVE_BATCH];
	size_t moved;

	for (u32 k = 0; k < n; k++)
		moves[k] = (struct pb_move){ pool->pages + b->from[i + k],
					     pool->pages + b->to[i + k], order_in(b, i + k) };
	moved = pool->hooks.migrate_batch(pool->hooks.ctx, pool, moves, n);
	return (u32)min_u64(moved, INT32_MAX);
}

static NOINLINE u32 call_migrate(struct pb_pool *pool, const struct move_batch *b, u32 i, u32 n)
{
	bool outermost = hook_begin();
	u32 moved;

	if (pool->hooks.migrate_batch)
		moved = call_batch(pool, b, i, n);
	else
		moved = pool->hooks.migrate(pool->hooks.ctx, pool, pool->pages + b->from[i],
					    pool->pages + b->to[i], order_in(b, i));
	if (outermost)
		hook_end();
	return moved;
}

/* Is the block still what it was when it was chosen? A hook may have freed it. */
static bool is_as_chosen(const struct pb_pool *pool, const struct move_batch *b, u32 i)
{
	return load_relaxed(&pool->pages[b->from[i]].state) == b->word[i];
}

/* How many of the blocks [i, n) one call of the hook may be given. */
static u32 one_call(const struct pb_pool *pool, const struct move_batch *b, u32 i, u32 n)
{
	u32 end = i + 1;

	while (pool->hooks.migrate_batch && end < n && is_as_chosen(pool, b, end) &&
	       note_of(pool, b->to[end]) == note_of(pool, b->to[i]))
		end++;
	return end - i;
}

/* Give the targets of blocks [i, end) these blocks' page bytes and owner tags. */
static void fill_in(struct pb_pool *pool, const struct move_batch *b, u32 i, u32 end)
{
	for (; i < end; i++) {
		if (pool->owners)
			store_relaxed(&pool->owners[b->to[i]], pool->owners[b->from[i]]);
		pb_atomic_store_n(&pool->pages[b->to[i]].state, b->word[i], __ATOMIC_RELEASE);
	}
}

/*
 * Call the hook once, for blocks [i, i + n). Returns how many of them, from the first on, were
 * moved. rest[]: for each block the place that is no longer in use, which the caller frees; or
 * NO_FRAME.
 */
static u32 move_together(struct pb_pool *pool, const struct move_batch *b, u32 i, u32 n, u32 *rest)
{
	u32 *note = note_target(pool, b->to[i]);
	u32 moved;

	for (u32 k = 0; k < n; k++)
		rest[k] = note ? NO_FRAME : b->to[i + k];
	if (!note)
		return 0;
	fill_in(pool, b, i, i + n);
	moved = call_migrate(pool, b, i, n);
	pb_atomic_store_n(note, 0, __ATOMIC_RELEASE);
	if (moved > n) { /* reported here, where the stack isn't as deep */
		report_count(pool, b, i, n, moved);
		return 0;
	}
	for (u32 k = 0; k < n; k++) {
		u32 left = k < moved ? b->from[i + k] : b->to[i + k];

		rest[k] = release_block(pool, pool->pages + left, order_in(b, i + k), &moving);
	}
	return moved;
}

/*
 * Move the first `targets` blocks of the batch, up to the first that can't be moved. Returns how
 * many were moved. rest[]: for each block with a target the place that the caller frees, or
 * NO_FRAME.
 */
static u32 move_in_turn(struct pb_pool *pool, const struct move_batch *b, u32 targets, u32 *rest)
{
	u32 asked = 0, done = 0;

	while (asked < targets && done == asked && is_as_chosen(pool, b, asked)) {
		u32 n = one_call(pool, b, asked, targets);

		done += move_together(pool, b, asked, n, rest + asked);
		asked += n;
	}
	for (; asked < targets; asked++)
		rest[asked] = b->to[asked];
	return done;
}

static void put_one(struct pb_pool *pool, u32 frame, unsigned int order)
{
	if (frame != NO_FRAME)
		free_one_page(pool, zone_of_frame(pool, frame),
			      pool->percpu_cpus ? pcp_cpu(pool) : NO_CPU, frame, order);
}

/* ------------------------------------------------------------------ notes */

/* A note is kept in the page that the block left; NULL: the page has no address. */
static struct page_note *note_in_page(const struct pb_pool *pool, u32 frame)
{
	return frame_address(pool, frame);
}

/* Is there room to note the move of `frame`, after `others` moves that are not noted yet? */
static bool can_note(const struct pb_pool *pool, const struct moves *moves, u32 frame, u32 others)
{
	u32 n = moves ? moves->n + others : 0;

	return n < MOVES_NOTED || n - MOVES_NOTED < moves->room || note_in_page(pool, frame);
}

static void note_move(const struct pb_pool *pool, struct moves *moves, u32 from, u32 to)
{
	const struct pb_move_note note = { from, to };

	if (moves->n < MOVES_NOTED) {
		moves->block[moves->n++] = note;
	} else if (moves->n - MOVES_NOTED < moves->room) {
		moves->log[moves->n++ - MOVES_NOTED] = note;
	} else {
		*note_in_page(pool, from) = (struct page_note){ to, moves->last };
		moves->last = from;
	}
}

/* Remove the newest note; false: there is none. */
static bool last_move(const struct pb_pool *pool, struct moves *moves, struct pb_move_note *note)
{
	if (moves->last != NO_FRAME) {
		const struct page_note *in_page = note_in_page(pool, moves->last);

		*note = (struct pb_move_note){ moves->last, in_page->to };
		moves->last = in_page->before;
		return true;
	}
	if (!moves->n)
		return false;
	moves->n--;
	*note = moves->n < MOVES_NOTED ? moves->block[moves->n]
				       : moves->log[moves->n - MOVES_NOTED];
	return true;
}

/* ---------------------------------------------------------- out of a range */

/* Can the block be moved, and its move be noted if the caller asked for notes of all? */
static bool may_leave(const struct pb_pool *pool, struct moves *moves, u32 head, u32 others)
{
	if (!can_move(pool, head, load_relaxed(&pool->pages[head].state)))
		return false;
	if (!moves || !moves->log || can_note(pool, moves, head, others))
		return true;
	moves->full = true; /* a caller that gave a log wants no move without a note */
	return false;
}

/* Fill the batch with one or several blocks of [frame, end); returns the frame behind them, or that
   of a block that can't be moved. */
static NOINLINE u32 gather_any(const struct pb_pool *pool, struct move_batch *b, u32 frame, u32 end,
			       struct moves *moves)
{
	u32 most = pool->hooks.migrate_batch ? MOVE_BATCH : 1;

	for (b->n = 0; frame < end && b->n < most;) {
		u32 head = block_head(pool, frame);

		if (head == NO_FRAME) {
			frame++;
			continue;
		}
		if (!may_leave(pool, moves, head, b->n))
			break;
		b->from[b->n] = head;
		b->word[b->n] = load_relaxed(&pool->pages[head].state);
		if (!(b->word[b->n] & PB_PAGE_HEAD)) /* freed at this moment */
			continue;
		frame = head + (1u << order_in(b, b->n));
		b->n++;
	}
	return frame;
}

/* Move the blocks that have a target; returns how many of them, from the first on, are out of the
   way. */
static NOINLINE u32 move_out(struct pb_pool *pool, const struct move_batch *b, u32 targets,
			     struct moves *moves)
{
	u32 rest[MOVE_BATCH], done = move_in_turn(pool, b, targets, rest);

	for (u32 i = 0; i < targets; i++)
		put_one(pool, rest[i], order_in(b, i));
	for (u32 i = 0; i < done && moves; i++)
		if (can_note(pool, moves, b->from[i], 0))
			note_move(pool, moves, b->from[i], b->to[i]);
	return done;
}

static inline u32 target_for(struct pb_pool *pool, const struct move_batch *b, u32 i)
{
	u32 frame = take_for_move(pool, order_in(b, i), zone_of_frame(pool, b->from[i])->node,
				  &moving);

	if (frame != NO_FRAME && has_marks(pool))
		(void)hand_out(pool, frame, frame + (1u << order_in(b, i)), 0);
	return frame;
}

/* Targets are taken here and not a call deeper, since the calls below take_for_move() need more
   stack than any others. */
u32 evacuate_range(struct pb_pool *pool, u32 frame, u32 end, struct moves *moves)
{
	struct move_batch b;

	while (frame < end) {
		u32 next = gather_any(pool, &b, frame, end, moves), done = 0;

		while (done < b.n && (b.to[done] = target_for(pool, &b, done)) != NO_FRAME)
			done++;
		done = move_out(pool, &b, done, moves);
		if (done < b.n)
			next = b.from[done] > frame ? b.from[done] : frame;
		/* a block that its owner has freed meanwhile is out of the way, too */
		if ((done < b.n || !b.n) && next < end && block_head(pool, next) != NO_FRAME)
			return next;
		frame = next;
	}
	return end;
}

/* ------------------------------------------------- a batch, for compaction */

/* Fill the batch with blocks of one order from `frame` on; returns the frame of the next block, or
   of a block that can't be moved. */
static u32 gather(const struct pb_pool *pool, struct move_batch *b, u32 frame, u32 end)
{
	for (b->n = 0; frame < end && b->n < MOVE_BATCH;) {
		u8 word = load_relaxed(&pool->pages[frame].state);
		unsigned int order = word & PB_PAGE_ORDER;

		if (!word) {
			frame++;
			continue;
		}
		if (!(word & PB_PAGE_HEAD) || order >= pool->pageblock_order ||
		    (b->n && order != order_in(b, 0)) || !can_move(pool, frame, word))
			break;
		b->word[b->n] = word;
		b->from[b->n++] = frame;
		frame += 1u << order;
	}
	return frame;
}

/* Take targets from one stripe after the other, the blocks' own first; returns how many. */
static u32 take_targets(struct pb_pool *pool, struct zone *zone, struct move_batch *b)
{
	unsigned int type = pool->super->mobility ? PB_MIGRATE_MOVABLE : PB_MIGRATE_UNMOVABLE;
	struct stripe *home = frame_stripe(pool, zone, b->from[0]);
	u32 got = 0;

	for (u32 i = 0; got < b->n && i < zone->nr_stripes; i++) {
		struct locked at = lock_stripe(pool, zone,
					       home_stripe(pool, zone, home->number + i));
		u32 frame;

		while (got < b->n &&
		       (frame = __rmqueue_partial(&at, order_in(b, 0), type)) != NO_FRAME)
			b->to[got++] = frame;
		unlock_stripe(&at);
	}
	return got;
}

/* Free blocks of one order, neighbours in one stripe under one hold of its lock. */
static void put_frames(struct pb_pool *pool, struct zone *zone, const u32 *frames, u32 n,
		       unsigned int order)
{
	struct locked at = { .pool = pool, .zone = zone };

	for (u32 i = 0; i < n; i++) {
		struct stripe *stripe;

		if (frames[i] == NO_FRAME)
			continue;
		stripe = frame_stripe(pool, zone, frames[i]);
		if (stripe != at.stripe) {
			if (at.stripe)
				unlock_stripe(&at);
			at = lock_stripe(pool, zone, stripe);
		}
		__free_typed(&at, NO_CPU, frames[i], order, frame_migratetype(pool, frames[i]));
	}
	if (at.stripe)
		unlock_stripe(&at);
}

/* Move the batch; returns how many of its blocks, from the first on, are out of the way. */
static u32 move_blocks(struct pb_pool *pool, struct zone *zone, struct move_batch *b)
{
	u32 rest[MOVE_BATCH], targets = take_targets(pool, zone, b);
	u32 done = move_in_turn(pool, b, targets, rest);

	put_frames(pool, zone, rest, targets, order_in(b, 0));
	return done;
}

u32 compact_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, u32 *moved)
{
	struct move_batch b;

	while (frame < end) {
		u32 next = gather(pool, &b, frame, end), done;

		if (!b.n)
			return next; /* end, or a block that can't be moved */
		done = move_blocks(pool, zone, &b);
		*moved += done << order_in(&b, 0);
		if (done < b.n) {
			next = b.from[done];
			/* unless its owner has freed it meanwhile */
			if (load_relaxed(&pool->pages[next].state) & PB_PAGE_HEAD)
				return next;
		}
		frame = next;
	}
	return end;
}

/* ---------------------------------------------------------------- move back */

/* Take the place that a block left, so that it can be moved back; false: it isn't free. */
static bool take_back(struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct zone *zone = zone_of_frame(pool, frame);
	struct locked at = lock_frame(pool, zone, frame);
	bool taken = frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE &&
		     __take_exact(&at, frame, order);

	unlock_stripe(&at);
	return taken;
}

static void move_one_back(struct pb_pool *pool, const struct pb_move_note *note)
{
	u8 word = load_relaxed(&pool->pages[note->to].state);
	struct move_batch b = { .n = 1, .from = { note->to }, .to = { note->from } };
	u32 rest;

	b.word[0] = word;
	if (!(word & PB_PAGE_HEAD) || !can_move(pool, note->to, word))
		return; /* its owner has freed it meanwhile, or shared it */
	if (!take_back(pool, note->from, word & PB_PAGE_ORDER))
		return;
	(void)move_together(pool, &b, 0, 1, &rest);
	put_one(pool, rest, word & PB_PAGE_ORDER);
}

void move_back(struct pb_pool *pool, struct moves *moves)
{
	struct pb_move_note note;

	while (last_move(pool, moves, &note))
		move_one_back(pool, &note);
}
