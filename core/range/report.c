/* SPDX-License-Identifier: MIT */
/*
 * Free page reporting: blocks that are free, and large enough, are shown to the report hook, which
 * may take the memory behind them away.
 *
 *	free --__take_exact()--> nobody's --report hook--> marks --return_page()--> free, REPORTED
 *
 * While the hook runs the block is out of every list, and no lock is held but users_lock. It is
 * marked before: who dies in the hook leaves a block that may have been reported, and counts as
 * such, so that the reuse hook is called for it. What is taken that way is kept small beside the
 * zone's free pages, since a request that needs it meanwhile fails.
 */
#include "alloc/page_alloc.h"
#include "pcp/shared.h"

struct report {
	struct pb_pool *pool;
	struct zone *zone;
	unsigned int order; /* least */
	bool settled;
	u64 left, done; /* pages */
};

/* Pages that may be out of the lists for a while: no more than half of what is above the high mark. */
static u64 spare_pages(const struct report *r)
{
	long spare = zone_free_pages(r->pool, r->zone) - (long)wmark_pages(r->zone, PB_WMARK_HIGH);

	return spare > 0 ? (u64)spare / 2 : 0;
}

/* Should it be shown now? What was not seen before is noted, if only that counts. */
static bool is_due(const struct report *r, u32 frame, unsigned int order)
{
	u32 end = frame + (1u << order);

	if (marks_of(r->pool, frame, end) & MARK_REPORTED)
		return false;
	if (!r->settled || marks_of(r->pool, frame, end) & MARK_SETTLED)
		return true;
	marks_change(r->pool, frame, end, MARK_SETTLED, 0);
	return false;
}

/* The order of the largest piece that ends here, of a free block of order `covering`. */
static unsigned int piece_order(const struct report *r, u32 end, int covering)
{
	u64 most = min_u64(r->left, spare_pages(r));
	unsigned int order = ctz32(end);

	if ((int)order > covering)
		order = (unsigned int)covering;
	while (order && ((u64)1 << order) > most)
		order--;
	return order;
}

/* Order of the free block around the frame, or -1. Its span can't be removed while the lock is
   held. */
static int __covering(const struct report *r, u32 frame)
{
	return frame_is_there(r->pool, frame) ? covering_order(r->pool, frame) : -1;
}

/* The piece of a free block that ends here goes out of the lists, if it is due. True: it did; *frame:
   where it begins, or where to go on. */
static bool take_piece(const struct report *r, u32 end, u32 *frame)
{
	struct pb_pool *pool = r->pool;
	u32 last = end - (u32)pageblock_pages(pool);
	struct locked at = lock_frame(pool, r->zone, last);
	int covering = __covering(r, last);
	unsigned int order = covering < 0 ? 0 : piece_order(r, end, covering);
	bool taken = false;

	*frame = last;
	if (covering >= (int)r->order && order >= r->order &&
	    frame_migratetype(pool, last) != PB_MIGRATE_ISOLATE) {
		*frame = end - (1u << order);
		taken = is_due(r, *frame, order) && __take_exact(&at, *frame, order);
	}
	unlock_stripe(&at);
	return taken;
}

/* Pages from `frame` on that are reported, or none of which is. */
static void show_run(struct report *r, u32 frame, u32 end)
{
	struct pb_pool *pool = r->pool;
	bool marked = hook_begin();
	enum pb_reported said;

	marks_change(pool, frame, end, MARK_REPORTED, 0);
	said = pool->hooks.report(pool->hooks.ctx, pool, frame_to_pfn(pool, frame), end - frame);
	if (marked)
		hook_end();
	if (said == PB_REPORT_REFUSED)
		marks_change(pool, frame, end, 0, MARK_REPORTED | MARK_SETTLED);
	else if (said == PB_REPORT_CLEARED && pool->super->flags & PB_POOL_CLEARED)
		marks_change(pool, frame, end, MARK_CLEARED, 0);
	else if (said != PB_REPORT_CLEARED)
		marks_change(pool, frame, end, 0, MARK_CLEARED);
	if (said != PB_REPORT_REFUSED)
		r->done += end - frame;
}

/* Parts of it may have been reported before they merged: these are left alone. */
static void show_piece(struct report *r, u32 frame, u32 end)
{
	const u32 step = (u32)pageblock_pages(r->pool), shift = r->pool->pageblock_order;

	for (u32 next = frame, run; next < end; next = run) {
		u32 marks = pageblock_marks(r->pool, next >> shift);

		run = next + step;
		while (run < end &&
		       !((pageblock_marks(r->pool, run >> shift) ^ marks) & MARK_REPORTED))
			run += step;
		if (!(marks & MARK_REPORTED))
			show_run(r, next, run);
	}
	return_page(r->pool, r->zone, frame, ctz32(end - frame));
	r->left -= end - frame;
}

/* Is the pageblock's free block large enough now? */
static bool large_enough(const struct report *r, u32 frame)
{
	struct locked at = lock_frame(r->pool, r->zone, frame);
	int order = __covering(r, frame);

	unlock_stripe(&at);
	return order >= (int)r->order;
}

/* From the zone's end: requests take what is low. What is large enough is looked at again where it
   is taken. */
static void report_zone(struct report *r)
{
	struct pb_pool *pool = r->pool;
	u32 first = zone_first_frame(pool, r->zone), step = (u32)pageblock_pages(pool), frame;
	u32 at = (u32)(first + zone_nr_frames(pool, r->zone));

	while (at > first && r->left >> r->order) {
		if (!large_enough(r, at - step)) {
			at -= step;
			continue;
		}
		if (take_piece(r, at, &frame))
			show_piece(r, frame, at);
		at = frame;
	}
}

int pb_report_free(struct pb_pool *pool, const struct pb_report *what, uint64_t *pages)
{
	struct report r = { .pool = pool, .settled = what->settled };

	if (pages)
		*pages = 0;
	if (!pool->super || (what->order && what->order < pool->pageblock_order) ||
	    what->order > pool->max_order)
		return PB_EINVAL;
	if (!(pool->super->flags & PB_POOL_REPORTING) || !pool->hooks.report)
		return PB_ENOTSUP;
	r.order = what->order ? what->order : pool->pageblock_order;
	r.left = what->pages ? what->pages : pool->nr_frames;
	pool_enter(pool);
	for (u32 z = 0; z < pool_nr_zones(pool); z++) {
		r.zone = pool_zone(pool, z);
		report_zone(&r);
	}
	pool_leave(pool);
	if (pages)
		*pages = r.done;
	return PB_OK;
}
