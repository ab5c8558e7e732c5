/* SPDX-License-Identifier: MIT */
/*
 * Moving blocks by the migrate hook, and moving them back.
 */
#ifndef PB_CORE_MOVE_H
#define PB_CORE_MOVE_H

#include "range/isolate.h"

/*
 * Notes of the blocks that were moved out of a range, oldest first, so that they can be moved
 * back. The first notes are here, the next in the caller's memory; each further one at the start
 * of the page that its block left, which nobody allocates while the range is isolated:
 *
 *	block[32]  log[room]  page(last) --before--> page --before--> ... --> NO_FRAME
 */
#define MOVES_NOTED 32u

struct moves {
	u32 n;    /* noted here and in log[] */
	u32 last; /* frame with the newest note in a page, or NO_FRAME */
	struct pb_move_note *log;
	size_t room; /* entries of log[] */
	bool full;   /* a block stayed because its move could not be noted */
	struct pb_move_note block[MOVES_NOTED];
};

static inline bool can_migrate(const struct pb_pool *pool)
{
	return has_migrate_hook(pool) && !in_hook(); /* hooks are never nested */
}

/*
 * Move the movable blocks of [frame, end) elsewhere by the migrate hook. Returns `end`
 * if no allocated block is left there, else a frame of the first that is; the blocks behind
 * that one are not tried. Moves are noted in `moves`, unless it is NULL. If there is no room
 * for a note the block is moved all the same, and can't be moved back; but with a log[] it
 * stays. pre: the range's pageblocks are isolated.
 */
u32 evacuate_range(struct pb_pool *pool, u32 frame, u32 end, struct moves *moves);

/*
 * The same for compaction: blocks are moved into pageblocks that are not free as a whole, a
 * batch at a time, up to the first that can't be moved. Adds the pages moved to *moved.
 */
u32 compact_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, u32 *moved);

/* Undo: move each noted block back to where it was, newest first, unless its owner has freed it
   meanwhile. pre: the range is isolated still. */
void move_back(struct pb_pool *pool, struct moves *moves);

#endif
