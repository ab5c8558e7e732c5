/* SPDX-License-Identifier: MIT */
/*
 * A move, of a block whose owner may free it at any moment:
 *
 *	take a block of the same order elsewhere         alloc_for_move()
 *	note it in its stripe, then mark it MOVABLE: nobody else moves it on
 *	ask the hook: it copies, and tells the owner
 *	forget the note, free the block that is not in use now
 *
 * The new block is the owner's from the moment on in which the hook tells him, so its
 * byte must be final by then; but a second call that finds it MOVABLE must not move it
 * while the hook still fills it: that is what the note is for.
 */
#include "range/move.h"

#include "alloc/page_alloc.h"

struct page_note {
	u32 to;     /* where the block is now */
	u32 before; /* frame that the one before it left, or NO_FRAME */
};

/* ------------------------------------------------------------ being filled */

static struct stripe *stripe_of(const struct pb_pool *pool, u32 frame)
{
	return frame_stripe(pool, zone_of_frame(pool, frame), frame);
}

/* NULL: as many moves are under way in this stripe as can be noted. */
static u32 *note_target(const struct pb_pool *pool, u32 frame)
{
	struct stripe *stripe = stripe_of(pool, frame);

	for (u32 i = 0; i < MAX_MOVING; i++) {
		u32 none = 0;

		if (pb_atomic_compare_exchange_n(&stripe->moving[i], &none, frame + 1, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return &stripe->moving[i];
	}
	return NULL;
}

static bool is_target(const struct pb_pool *pool, u32 frame)
{
	const struct stripe *stripe = stripe_of(pool, frame);
	bool found = false;

	for (u32 i = 0; i < MAX_MOVING; i++)
		found |= load_relaxed(&stripe->moving[i]) == frame + 1;
	return found;
}

/* Can this block, by its page byte, be moved now? */
static bool can_move(const struct pb_pool *pool, u32 frame, u8 word)
{
	if (!(word & PB_PAGE_MOVABLE) || word & PB_PAGE_SHARED || !can_migrate(pool))
		return false;
	/* a byte that is marked because of a move is seen after the note of it */
	pb_atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !is_target(pool, frame);
}

/* -------------------------------------------------------------------- moves */

static NOINLINE bool call_migrate(struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
				  unsigned int order)
{
	bool outermost = hook_begin();
	bool moved = pool->hooks.migrate(pool->hooks.ctx, pool, from, to, order);

	if (outermost)
		hook_end();
	return moved;
}

/* Whom misuse is told of: only a hook can have given the block away. */
static const struct call moving = { "the migrate hook", NULL };

/* Ask the hook to move a block, whose byte was `word`, to one that was taken for it. */
static bool ask(struct pb_pool *pool, u32 frame, struct pb_page *to, u8 word)
{
	struct pb_page *from = pool->pages + frame;
	unsigned int order = word & PB_PAGE_ORDER;
	u32 *note = note_target(pool, page_frame(pool, to));
	bool moved = false;

	if (note) {
		if (pool->owners)
			store_relaxed(&pool->owners[page_frame(pool, to)], pool->owners[frame]);
		pb_atomic_store_n(&to->state, word, __ATOMIC_RELEASE);
		moved = call_migrate(pool, from, to, order);
		pb_atomic_store_n(note, 0, __ATOMIC_RELEASE);
	}
	return moved;
}

/* The same, and the block that is not in use afterwards is freed. */
static bool move_to(struct pb_pool *pool, u32 frame, struct pb_page *to, u8 word)
{
	bool moved = ask(pool, frame, to, word);

	free_moved(pool, moved ? pool->pages + frame : to, word & PB_PAGE_ORDER, &moving);
	return moved;
}

/* Move one block; the caller's page byte goes with it. *to: where it is now. */
static bool move_block(struct pb_pool *pool, u32 frame, u32 *to)
{
	u8 word = load_relaxed(&pool->pages[frame].state);
	struct pb_page *page;

	if (!can_move(pool, frame, word))
		return false;
	page = alloc_for_move(pool, word & PB_PAGE_ORDER, zone_of_frame(pool, frame)->node,
			      &moving);
	if (!page)
		return false;
	*to = page_frame(pool, page);
	return move_to(pool, frame, page, word);
}

/* ------------------------------------------------------------------ notes */

/* The note at the start of a page that was left; NULL: the page has no address. */
static struct page_note *note_in_page(const struct pb_pool *pool, u32 frame)
{
	return frame_address(pool, frame);
}

static bool can_note(const struct pb_pool *pool, const struct moves *moves, u32 frame)
{
	return !moves || moves->n < MOVES_NOTED || moves->n - MOVES_NOTED < moves->room ||
	       note_in_page(pool, frame);
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

/* Takes the newest note off; false: there is none. */
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

/* Is this block, whose owner may free it at any moment, out of the way? */
static bool clear_away(struct pb_pool *pool, u32 head, struct moves *moves)
{
	bool noted = can_note(pool, moves, head);
	u32 to;

	if (!noted && moves->log) { /* who gave room for notes wants no move without one */
		moves->full = true;
		return false;
	}
	if (!move_block(pool, head, &to))
		return !(load_relaxed(&pool->pages[head].state) & PB_PAGE_HEAD);
	if (moves && noted)
		note_move(pool, moves, head, to);
	return true;
}

u32 evacuate_range(struct pb_pool *pool, u32 frame, u32 end, bool all, struct moves *moves)
{
	u32 kept = end;

	while (frame < end && (all || kept == end)) {
		u32 head = block_head(pool, frame);
		u32 next = frame + 1;

		if (head != NO_FRAME) {
			u8 word = load_relaxed(&pool->pages[head].state);
			u32 block_end = head + (1u << (word & PB_PAGE_ORDER));

			if (block_end > next)
				next = block_end;
			if (!clear_away(pool, head, moves) && kept == end)
				kept = frame;
		}
		frame = next;
	}
	return kept;
}

/* ------------------------------------------------- a batch, for compaction */

#define MOVE_BATCH (ZONE_BATCH_MAX < 16u ? ZONE_BATCH_MAX : 16u)

/* Movable blocks of one order, in the order of their addresses. */
struct move_batch {
	struct zone *zone;
	unsigned int order;
	u32 n;
	u32 from[MOVE_BATCH], to[MOVE_BATCH];
	u8 word[MOVE_BATCH]; /* their bytes */
};

/* Fills it with blocks from `frame` on; returns the frame of the block that comes next, or
   where something lies that can't be moved. */
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
		    (b->n && order != b->order) || !can_move(pool, frame, word))
			break;
		b->order = order;
		b->word[b->n] = word;
		b->from[b->n++] = frame;
		frame += 1u << order;
	}
	return frame;
}

/* Blocks to move to, from stripe after stripe; returns how many. */
static u32 take_targets(struct pb_pool *pool, struct move_batch *b)
{
	unsigned int type = pool->super->mobility ? PB_MIGRATE_MOVABLE : PB_MIGRATE_UNMOVABLE;
	struct stripe *home = frame_stripe(pool, b->zone, b->from[0]);
	u32 got = 0;

	for (u32 i = 0; got < b->n && i < b->zone->nr_stripes; i++) {
		struct locked at = lock_stripe(pool, b->zone,
					       home_stripe(pool, b->zone, home->number + i));
		u32 frame;

		while (got < b->n && (frame = __rmqueue_partial(&at, b->order, type)) != NO_FRAME)
			b->to[got++] = frame;
		unlock_stripe(&at);
	}
	return got;
}

/* Frees frames of one stripe at a time under one hold of its lock. */
static void put_frames(struct pb_pool *pool, const struct move_batch *b, const u32 *frames, u32 n)
{
	struct locked at = { pool, b->zone, NULL };

	for (u32 i = 0; i < n; i++) {
		struct stripe *stripe = frame_stripe(pool, b->zone, frames[i]);
		unsigned int type;

		if (stripe != at.stripe) {
			if (at.stripe)
				unlock_stripe(&at);
			at = lock_stripe(pool, b->zone, stripe);
		}
		type = frame_migratetype(pool, frames[i]);
		__free_typed(&at, NO_CPU, frames[i], b->order, type);
	}
	if (at.stripe)
		unlock_stripe(&at);
}

/* Moves the batch; returns how many of its blocks, the first ones, are out of the way. */
static u32 move_blocks(struct pb_pool *pool, struct move_batch *b, u32 *moved)
{
	u32 targets = take_targets(pool, b), done = 0, n = 0;
	u32 rest[MOVE_BATCH];

	while (done < targets) {
		u32 frame = b->from[done];
		struct pb_page *to = pool->pages + b->to[done];
		bool went = ask(pool, frame, to, b->word[done]);

		rest[n] = NO_FRAME;
		if (went)
			rest[n] = release_moved(pool, pool->pages + frame, b->order, &moving);
		else if (to->state) /* else the hook was not even asked */
			rest[n] = release_moved(pool, to, b->order, &moving);
		else
			rest[n] = b->to[done];
		n += rest[n] != NO_FRAME;
		*moved += went;
		if (!went && load_relaxed(&pool->pages[frame].state) & PB_PAGE_HEAD)
			break;
		done++;
	}
	put_frames(pool, b, rest, n);
	if (done < targets) /* the targets of those that were not tried */
		put_frames(pool, b, b->to + done + 1, targets - done - 1);
	return done;
}

u32 compact_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, u32 *moved)
{
	struct move_batch b;

	b.zone = zone;
	while (frame < end) {
		u32 next = gather(pool, &b, frame, end), done;

		if (!b.n)
			return next; /* end, or what can't be moved */
		done = move_blocks(pool, &b, moved);
		if (done < b.n)
			return b.from[done];
		frame = next;
	}
	return end;
}

/* ---------------------------------------------------------------- move back */

/* The free block where something was, for its way back; NULL: it isn't free. */
static struct pb_page *take_back(struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct zone *zone = zone_of_frame(pool, frame);
	struct locked at = lock_frame(pool, zone, frame);
	bool taken = frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE &&
		     __take_exact(&at, frame, order);

	unlock_stripe(&at);
	return taken ? page_set_owned(pool, frame, order, 0) : NULL;
}

static void move_one_back(struct pb_pool *pool, const struct pb_move_note *note)
{
	u8 word = load_relaxed(&pool->pages[note->to].state);
	struct pb_page *page;

	if (!(word & PB_PAGE_HEAD) || !can_move(pool, note->to, word))
		return; /* freed, or held by more than one by now */
	page = take_back(pool, note->from, word & PB_PAGE_ORDER);
	if (page)
		(void)move_to(pool, note->to, page, word);
}

void move_back(struct pb_pool *pool, struct moves *moves)
{
	struct pb_move_note note;

	while (last_move(pool, moves, &note))
		move_one_back(pool, &note);
}
