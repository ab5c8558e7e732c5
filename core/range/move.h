/* SPDX-License-Identifier: MIT */
/*
 * Moving blocks by the migrate hook, and moving them back.
 */
#ifndef PB_CORE_MOVE_H
#define PB_CORE_MOVE_H

#include "range/isolate.h"

/* Blocks that a range lost, oldest first. Of more than these the later ones are not noted. */
#define MOVES_NOTED 40u

struct moves {
	u32 n;
	struct {
		u32 from, to; /* frames */
	} block[MOVES_NOTED];
};

/*
 * Move the movable blocks of [frame, end) elsewhere by the migrate hook. Returns `end`
 * if no allocated block is left there, else a frame of the first that is; unless `all`,
 * the blocks behind that one are not tried. Moved blocks are noted in `moves`, unless it
 * is NULL. pre: its pageblocks are isolated.
 */
u32 evacuate_range(struct pb_pool *pool, u32 frame, u32 end, bool all, struct moves *moves);

/* Undo: each noted block back to where it was, newest first, but for those that their
   owners freed meanwhile. pre: the range is isolated still. */
void move_back(struct pb_pool *pool, const struct moves *moves);

#endif
