/* SPDX-License-Identifier: MIT */
/*
 * The last step before frames are somebody's: whoever was told that they are free is told
 * that they no longer are, what must be zero is made so where it isn't known to be, and what
 * was known of them is forgotten (block/marks.h).
 *
 *	reuse hook -> wipe -> marks go -> page byte
 *
 * The marks go last: who dies before has handed out nothing, and the next one does it all again. Two
 * that take parts of one reported pageblock call the hook both, and neither waits for the other.
 */
#include "alloc/page_alloc.h"

static bool clear_frames(const struct pb_pool *pool, u32 frame, u32 end)
{
	for (; frame < end; frame++) {
		void *address = frame_address(pool, frame);

		if (!address)
			return false;
		memset(address, 0, (size_t)1 << pool->page_shift);
	}
	return true;
}

/* The end of the pageblocks from `frame` on that are alike in having the mark, or not. */
static u32 run_end(const struct pb_pool *pool, u32 frame, u32 end, u32 mark)
{
	bool has = pageblock_marks(pool, frame >> pool->pageblock_order) & mark;
	u64 next = frame;

	do
		next = (next | (pageblock_pages(pool) - 1)) + 1;
	while (next < end &&
	       ((pageblock_marks(pool, (u32)next >> pool->pageblock_order) & mark) != 0) == has);
	return (u32)min_u64(next, end);
}

/* Of a pageblock that is taken in part all of it is used again. */
static void tell_reuse(struct pb_pool *pool, u32 frame, u32 end)
{
	const u32 inside = (u32)pageblock_pages(pool) - 1;

	frame &= ~inside;
	end = (u32)min_u64(((u64)end + inside) & ~(u64)inside, pool->nr_frames);
	for (u32 next; frame < end; frame = next) {
		next = run_end(pool, frame, end, MARK_REPORTED);
		if (pageblock_marks(pool, frame >> pool->pageblock_order) & MARK_REPORTED)
			pool->hooks.reuse(pool->hooks.ctx, pool, frame_to_pfn(pool, frame),
					  next - frame);
	}
}

static bool clear_unknown(struct pb_pool *pool, u32 frame, u32 end)
{
	for (u32 next; frame < end; frame = next) {
		next = run_end(pool, frame, end, MARK_CLEARED);
		if (!(pageblock_marks(pool, frame >> pool->pageblock_order) & MARK_CLEARED) &&
		    !clear_frames(pool, frame, next))
			return false;
	}
	return true;
}

bool hand_out(struct pb_pool *pool, u32 frame, u32 end, pb_gfp_t gfp)
{
	bool done = true;
	u32 marks;

	if (!has_marks(pool))
		return !(gfp & PB_GFP_ZERO) || clear_frames(pool, frame, end);
	marks = marks_any(pool, frame, end);
	if (marks & MARK_REPORTED && pool->hooks.reuse)
		tell_reuse(pool, frame, end);
	if (gfp & PB_GFP_ZERO)
		done = clear_unknown(pool, frame, end);
	if (marks)
		marks_change(pool, frame, end, 0, MARKS);
	return done;
}
