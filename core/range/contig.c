/* SPDX-License-Identifier: MIT */
/*
 * Contiguous ranges of any length. A request is tried three times, each time zone by zone
 * of the zonelist:
 *
 *	1. free frames, in zones that keep their low watermark
 *	2. free frames, in zones that keep their min watermark, after a drain of per-CPU lists
 *	3. as 2, but also where movable blocks lie that the migrate hook can move away
 *
 * How free frames are found, by the size of the range:
 *
 *	up to a block of max_order, if it may    an ordinary block, whose tail is freed
 *	lie anywhere in the zone
 *	so long that it contains a whole         a run of whole pageblocks (runs.h), the
 *	pageblock, wherever it lies              shortest of those compared; if none is long
 *	                                         enough, one that is with the free frames
 *	                                         next to it
 *	shorter                                  such a run, then the map of free frames, which
 *	                                         is read 64 frames at a time under the stripe's
 *	                                         lock; below a pageblock the map's beginning
 *	                                         comes first
 *
 * A range that was found is taken piece by piece, so another CPU may be faster: then the
 * search goes on. It also goes on behind a block that the hook refused to move, which is
 * not offered to the hook again.
 */
#include "range/runs.h"
#include "range/move.h"
#include "alloc/page_alloc.h"
#include "pcp/shared.h"

struct search {
	struct pb_pool *pool;
	struct zone *zone;
	size_t nr_pages;
	u32 cpu;
	u64 align, low, high, boundary; /* pfns; boundary 0: none */
	u64 pfn;                        /* of the segment at hand */
	u32 frame;                      /* its dense index */
	bool counted;                   /* the pages taken are in PGALLOC already */
};

static u32 frame_at(const struct search *s, u64 pfn)
{
	return s->frame + (u32)(pfn - s->pfn);
}

/* First pfn from here on where a range may begin. */
static u64 first_fit(const struct search *s, u64 pfn)
{
	u64 at = align_up(pfn, s->align);

	if (s->boundary && (at ^ (at + s->nr_pages - 1)) & ~(s->boundary - 1))
		at = align_up(align_up(at + 1, s->boundary), s->align);
	return at;
}

/* ------------------------------------------------------------ the free map */

static unsigned int chunk_shift(const struct pb_pool *pool)
{
	return pool->pageblock_order < 6 ? pool->pageblock_order : 6;
}

/* Write each bit of the lower half twice, next to each other. */
static u64 spread(u64 x)
{
	x = (x | x << 16) & 0x0000ffff0000ffffu;
	x = (x | x << 8) & 0x00ff00ff00ff00ffu;
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
	x = (x | x << 2) & 0x3333333333333333u;
	x = (x | x << 1) & 0x5555555555555555u;
	return x | x << 1;
}

/*
 * A bit per frame of a chunk: is it free? From the chunk's own order down, the bits so far
 * are doubled for the order below, and that order's free blocks are added.
 */
static u64 __free_mask(const struct pb_pool *pool, u32 frame, unsigned int shift)
{
	const u64 *tree = span_tree(pool, frame);
	u32 node = frame_node(pool, frame, shift);
	u64 mask = 0;

	if (!frame_is_there(pool, frame) || frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE)
		return 0; /* it is absent, or another call is emptying it */
	mask = covering_order(pool, frame) >= (int)shift;
	for (unsigned int order = shift; order--;) {
		u32 first = node << (shift - order);
		u64 bits = tree[first >> 6] >> (first & 63) & word_mask(0, 1u << (shift - order));

		mask = spread(mask) | bits;
	}
	return mask;
}

/* First frame of [frame, end) that is free (or, with `free` false, that isn't), or end. */
static u32 next_frame(const struct search *s, u32 frame, u32 end, bool free)
{
	unsigned int shift = chunk_shift(s->pool);
	u32 size = 1u << shift;

	while (frame < end) {
		u32 first = frame & ~(size - 1);
		struct stripe *stripe = frame_stripe(s->pool, s->zone, frame);
		u64 mask;

		pb_platform_lock(&stripe->lock);
		mask = __free_mask(s->pool, first, shift);
		pb_platform_unlock(&stripe->lock);
		mask = (free ? mask : ~mask) & word_mask(0, size);
		mask = mask >> (frame - first) << (frame - first);
		if (mask) {
			frame = first + ctz64(mask);
			return frame < end ? frame : end;
		}
		if (end - first <= size)
			break;
		frame = first + size;
	}
	return end;
}

/* ------------------------------------------------------- an ordinary block */

/* The least order of which every block can hold the range, aligned as asked, at its start. */
static unsigned int block_order(const struct search *s)
{
	unsigned int order = s->nr_pages > 1 ? fls64(s->nr_pages - 1) + 1 : 0;
	unsigned int align = fls64(s->align);

	return order > align ? order : align;
}

static bool block_will_do(const struct search *s)
{
	const struct zone *zone = s->zone;

	return block_order(s) <= s->pool->max_order && s->low <= zone->start_pfn &&
	       zone->start_pfn + zone->spanned <= s->high;
}

static NOINLINE u32 take_block(struct search *s, const struct alloc_context *ctx,
			       unsigned int alloc_flags)
{
	struct zone_request request = { s->pool,        s->zone,          s->cpu,
					block_order(s), ctx->migratetype, alloc_flags };
	u32 frame = rmqueue_buddy(&request), rest, end;

	if (frame == NO_FRAME)
		return NO_FRAME;
	end = frame + (1u << request.order);
	for (rest = frame + (u32)s->nr_pages; rest < end;) {
		unsigned int order = largest_order(s->pool, rest, end);

		free_one_page(s->pool, s->zone, s->cpu, rest, order);
		rest += 1u << order;
	}
	s->counted = true;
	return frame;
}

/* ------------------------------------------------- runs of whole pageblocks */

/* Pageblocks, counted from the zone's first, and the frames around them. */
struct window {
	u32 frame, end;  /* frames */
	u32 first, last; /* pageblocks: those wholly inside are [first, last) */
};

static u64 pfn_at(const struct search *s, u32 frame)
{
	return s->pfn + (frame - s->frame);
}

static u32 run_frame(const struct search *s, u32 pageblock)
{
	return (zone_first_pageblock(s->pool, s->zone) + pageblock) << s->pool->pageblock_order;
}

/* The least number of whole pageblocks in a range of this length and alignment. */
static u32 least_run(const struct search *s)
{
	u64 pages = pageblock_pages(s->pool);

	if (s->align >= pages)
		return (u32)(s->nr_pages >> s->pool->pageblock_order);
	return s->nr_pages < 2 * pages - 1
		       ? 0
		       : (u32)((s->nr_pages - (pages - 1)) >> s->pool->pageblock_order);
}

/* First of the free frames that end at `frame`; looks back to `limit`, at most one pageblock. */
static u32 free_from(const struct search *s, u32 frame, u32 limit)
{
	struct pb_pool *pool = s->pool;
	u32 pages = (u32)pageblock_pages(pool);
	struct locked at;

	if (frame <= limit)
		return frame;
	if (frame - limit > pages)
		limit = frame - pages;
	at = lock_frame(pool, s->zone, frame - 1);
	while (frame > limit && frame_is_there(pool, frame - 1) &&
	       frame_migratetype(pool, frame - 1) != PB_MIGRATE_ISOLATE) {
		int order = covering_order(pool, frame - 1);

		if (order < 0)
			break;
		frame = (frame - 1) & ~((1u << order) - 1);
	}
	unlock_stripe(&at);
	return frame > limit ? frame : limit;
}

/* End of the free frames that begin at `frame`; looks ahead to `limit`, at most one pageblock. */
static u32 free_to(const struct search *s, u32 frame, u32 limit)
{
	struct pb_pool *pool = s->pool;
	struct locked at;

	if (frame >= limit)
		return frame;
	limit = (u32)min_u64(limit, frame + pageblock_pages(pool));
	at = lock_frame(pool, s->zone, frame);
	while (frame < limit && frame_is_there(pool, frame) &&
	       frame_migratetype(pool, frame) != PB_MIGRATE_ISOLATE) {
		int order = covering_order(pool, frame);

		if (order < 0)
			break;
		frame = (frame | ((1u << order) - 1)) + 1;
	}
	unlock_stripe(&at);
	return frame < limit ? frame : limit;
}

/* The pfn at which the range fits into the run, with `ends` also into the free frames next to it;
   or UINT64_MAX. */
static u64 fit_run(const struct search *s, const struct window *w, struct run run, bool ends)
{
	u32 frame = run_frame(s, run.first), end = run_frame(s, run.first + run.n);
	u64 at;

	if (ends) {
		frame = free_from(s, frame, w->frame);
		end = free_to(s, end, w->end);
	}
	at = first_fit(s, pfn_at(s, frame));
	return at + s->nr_pages <= pfn_at(s, end) ? at : UINT64_MAX;
}

/* The pfn at which the range fits into the first run of at least n pageblocks in the window; or
   UINT64_MAX. */
static u64 fit_any(const struct search *s, const struct window *w, u32 n, bool ends)
{
	struct run run = { w->first, 0 };
	u64 at = UINT64_MAX;

	while (at == UINT64_MAX) {
		run = runs_next(s->pool, s->zone, run.first + run.n, w->last, n);
		if (!run.n)
			break;
		at = fit_run(s, w, run, ends);
	}
	return at;
}

static u64 fit_runs(const struct search *s, const struct window *w)
{
	struct pb_pool *pool = s->pool;
	u32 need = (u32)((s->nr_pages + pageblock_pages(pool) - 1) >> pool->pageblock_order);
	struct run run = { 0, 0 };
	u64 at = UINT64_MAX;

	runs_refresh(pool, s->zone);
	if (!w->first && w->last >= zone_nr_pageblocks(pool, s->zone))
		run = runs_tightest(pool, s->zone, need);
	if (run.n)
		at = fit_run(s, w, run, false);
	if (at == UINT64_MAX)
		at = fit_any(s, w, need, false);
	if (at == UINT64_MAX && least_run(s))
		at = fit_any(s, w, least_run(s), true);
	return at;
}

#define RUN_TRIES 8u /* another CPU may take the run that was found so many times */

/* A search, as the two below, of runs only: a range with no whole pageblock in it isn't found. */
static NOINLINE u64 search_runs(struct search *s, u64 pfn, u64 end)
{
	u32 pages = (u32)pageblock_pages(s->pool);
	u32 first = zone_first_pageblock(s->pool, s->zone);
	struct window w = { frame_at(s, pfn), frame_at(s, end), 0, 0 };

	w.first = ((w.frame + pages - 1) >> s->pool->pageblock_order) - first;
	w.last = (w.end >> s->pool->pageblock_order) - first;
	for (u32 i = 0; i < RUN_TRIES && w.first < w.last; i++) {
		u64 at = fit_runs(s, &w);
		u32 frame = frame_at(s, at);

		if (at == UINT64_MAX)
			break;
		if (take_range(s->pool, s->zone, frame, frame + (u32)s->nr_pages, TAKE_USABLE) ==
		    PB_OK)
			return at;
	}
	return UINT64_MAX;
}

/* ---------------------------------------------------------------- searches */

/* Each search returns the pfn of a range that it has taken, or UINT64_MAX. */
static u64 search_map(struct search *s, u64 pfn, u64 end)
{
	u64 at = first_fit(s, pfn);

	while (at + s->nr_pages <= end) {
		u32 start = frame_at(s, at), stop = start + (u32)s->nr_pages;
		u32 used = next_frame(s, start, stop, false);

		if (used == stop && take_range(s->pool, s->zone, start, stop, TAKE_USABLE) == PB_OK)
			return at;
		if (used == stop)
			used = start; /* it changed under us */
		used = next_frame(s, used + 1, frame_at(s, end), true);
		at = first_fit(s, at + (used - start));
	}
	return UINT64_MAX;
}

/* Isolate the range's pageblocks, move blocks away, take the range. On failure only the moves
   remain, and *kept is the frame of the block that couldn't be moved. */
static bool take_by_moving(struct search *s, u32 frame, u32 end, u32 *kept)
{
	u32 first = frame >> s->pool->pageblock_order;
	u32 n = ((end - 1) >> s->pool->pageblock_order) + 1 - first;
	bool taken;

	*kept = frame;
	if (!isolate_pageblocks(s->pool, s->zone, first, n))
		return false;
	*kept = evacuate_range(s->pool, frame, end, NULL);
	taken = *kept == end && take_range(s->pool, s->zone, frame, end, TAKE_ISOLATED) == PB_OK;
	unisolate_pageblocks(s->pool, s->zone, first, n);
	if (*kept == end)
		*kept = frame; /* nothing was in the way, but another CPU took a part */
	return taken;
}

/* First frame behind the block, the absent span or the isolated pageblock at `frame`. */
static u32 behind(const struct pb_pool *pool, u32 frame)
{
	u32 end = frame + 1, head;

	if (!frame_is_there(pool, frame))
		return (frame | ((1u << pool->max_order) - 1)) + 1;
	head = block_head(pool, frame);
	if (head != NO_FRAME)
		end = head + (1u << (load_relaxed(&pool->pages[head].state) & PB_PAGE_ORDER));
	if (frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE)
		end = (frame | ((1u << pool->pageblock_order) - 1)) + 1;
	return end > frame ? end : frame + 1;
}

static u64 search_moving(struct search *s, u64 pfn, u64 end)
{
	u64 at = first_fit(s, pfn);
	u32 looked = 0; /* up to here first_fixed() found nothing */

	while (at + s->nr_pages <= end) {
		u32 start = frame_at(s, at), stop = start + (u32)s->nr_pages;
		u32 fixed = looked > start ? looked : start;

		fixed = first_fixed(s->pool, fixed, stop, true);
		if (fixed >= stop) {
			looked = stop;
			if (take_by_moving(s, start, stop, &fixed))
				return at;
		}
		at = first_fit(s, at + (behind(s->pool, fixed) - start));
	}
	return UINT64_MAX;
}

/* A range shorter than a pageblock is searched for in so many frames before it breaks up a whole
   pageblock. */
#define NEAR 65536u

static u64 search_free(struct search *s, u64 pfn, u64 end)
{
	u64 near = min_u64(end, pfn + NEAR), at = UINT64_MAX;

	if (s->nr_pages < pageblock_pages(s->pool))
		at = search_map(s, pfn, near);
	if (at == UINT64_MAX)
		at = search_runs(s, pfn, end);
	/* a range that contains a whole pageblock was searched for among all runs */
	if (at == UINT64_MAX && !least_run(s))
		at = search_map(s, pfn, end);
	return at;
}

typedef u64 search_fn(struct search *s, u64 pfn, u64 end);

/* First segment of a zone; segments are in the order of zones. */
static u32 first_segment(const struct pb_pool *pool, u32 zone)
{
	u32 low = 0, high = pool_nr_segments(pool);

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (pool_segment(pool, middle)->zone < zone)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static u32 search_zone(struct search *s, search_fn *search)
{
	u32 zone = zone_number(s->pool, s->zone);

	for (u32 b = first_segment(s->pool, zone); b < pool_nr_segments(s->pool); b++) {
		const struct segment *segment = pool_segment(s->pool, b);
		u64 start = max_u64(s->low, segment->pfn);
		u64 end = min_u64(s->high, segment->end_pfn);
		u64 pfn;

		if (segment->zone != zone || segment->pfn >= s->high)
			break;
		s->pfn = segment->pfn;
		s->frame = segment->frame;
		if (start >= end || end - start < s->nr_pages)
			continue;
		pfn = search(s, start, end);
		if (pfn != UINT64_MAX)
			return frame_at(s, pfn);
	}
	return NO_FRAME;
}

/* Search the zones in the order of the zonelist, but those that the watermark closes. */
static u32 search_zonelist(struct search *s, const struct alloc_context *ctx,
			   unsigned int alloc_flags, search_fn *search)
{
	u32 at = 0;

	while ((s->zone = next_zone(s->pool, ctx, &at)) != NULL) {
		u32 frame;

		if (!zone_leaves(s->pool, ctx, s->zone, alloc_flags, s->nr_pages))
			continue;
		frame = NO_FRAME;
		if (search == search_free && block_will_do(s))
			frame = take_block(s, ctx, alloc_flags);
		if (frame == NO_FRAME)
			frame = search_zone(s, search);
		if (frame != NO_FRAME)
			return frame;
	}
	return NO_FRAME;
}

static u32 search_all(struct search *s, const struct alloc_context *ctx)
{
	unsigned int flags = gfp_to_alloc_flags(s->pool, ctx->gfp, 0);
	u32 frame = search_zonelist(s, ctx, first_alloc_flags(ctx), search_free);

	if (frame != NO_FRAME)
		return frame;
	if (ctx->gfp & PB_GFP_MEMALLOC && !(ctx->gfp & PB_GFP_NOMEMALLOC))
		flags |= ALLOC_NO_WATERMARKS;
	pcp_drain_all(s->pool, NULL);
	frame = search_zonelist(s, ctx, flags, search_free);
	if (frame == NO_FRAME && can_migrate(s->pool) && ctx->gfp & PB_GFP_DIRECT_RECLAIM)
		frame = search_zonelist(s, ctx, flags, search_moving);
	return frame;
}

/* ----------------------------------------------------------------- callers */

static void count_taken(struct pb_pool *pool, u32 frame, s64 pages)
{
	struct stripe *stripe = frame_stripe(pool, zone_of_frame(pool, frame), frame);

	pb_platform_lock(&stripe->lock);
	counter_add(&stripe->pgalloc, (unsigned long)pages);
	pb_platform_unlock(&stripe->lock);
}

static NOINLINE void own_range(struct pb_pool *pool, u32 frame, u32 end, pb_gfp_t gfp)
{
	u64 eight;

	for (; frame < end && (pool->owners || frame & 7 || end - frame < 8); frame++)
		page_set_owned(pool, frame, 0, gfp);
	if (frame == end)
		return;
	page_set_owned(pool, frame, 0, gfp);
	eight = pool->pages[frame].state * (u64)0x0101010101010101u;
	for (; end - frame >= 8; frame += 8)
		store_relaxed((eight_pages *)(pool->pages + frame), eight);
	for (; frame < end; frame++)
		page_set_owned(pool, frame, 0, gfp);
}

static bool makes_sense(const struct pb_pool *pool, size_t nr_pages, const struct pb_range *range)
{
	return nr_pages && nr_pages <= pool->nr_frames && !(range->align & (range->align - 1)) &&
	       !(range->boundary & (range->boundary - 1)) &&
	       (!range->boundary || nr_pages <= range->boundary) && range->low < range->high;
}

static struct pb_page *take_contig(struct pb_pool *pool, const struct alloc_context *ctx,
				   size_t nr_pages, const struct pb_range *range,
				   enum pb_reason *why)
{
	struct search s = { .pool = pool,
			    .nr_pages = nr_pages,
			    .boundary = range->boundary,
			    .cpu = ctx->cpu };
	u32 frame, end;

	s.align = range->align ? range->align : 1;
	s.low = range->low;
	s.high = range->high;
	frame = search_all(&s, ctx);
	end = frame + (u32)nr_pages;
	if (frame == NO_FRAME) {
		*why = failure_reason(pool, ctx, nr_pages);
		return NULL;
	}
	if (!s.counted)
		count_taken(pool, frame, (s64)nr_pages);
	if (!hand_out(pool, frame, end, ctx->gfp)) {
		put_range(pool, zone_of_frame(pool, frame), frame, end);
		count_taken(pool, frame, -(s64)nr_pages);
		*why = PB_REASON_NO_ADDRESS;
		return NULL;
	}
	own_range(pool, frame, end, ctx->gfp);
	return pool->pages + frame;
}

static struct pb_page *contig(struct pb_pool *pool, struct pb_request *request, size_t nr_pages,
			      const struct pb_range *range, const struct call *call)
{
	struct alloc_context ctx;
	struct pb_page *page;

	request->why = prepare_request(pool, &ctx, request, 0, call);
	if (request->why)
		return NULL;
	if (!makes_sense(pool, nr_pages, range)) {
		request->why = PB_REASON_BAD_RANGE;
		return NULL;
	}
	pool_enter(pool);
	page = take_contig(pool, &ctx, nr_pages, range, &request->why);
	pool_leave(pool);
	return page;
}

struct pb_page *pb_request_contig(struct pb_pool *pool, struct pb_request *request, size_t nr_pages,
				  const struct pb_range *range)
{
	return contig(pool, request, nr_pages, range, CALL("pb_request_contig"));
}

struct pb_page *pb_alloc_contig(struct pb_pool *pool, size_t nr_pages, uint64_t align, uint64_t low,
				uint64_t high, uint64_t boundary, pb_gfp_t gfp)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };
	const struct pb_range range = { align, low, high, boundary };

	return contig(pool, &request, nr_pages, &range, CALL("pb_alloc_contig"));
}
