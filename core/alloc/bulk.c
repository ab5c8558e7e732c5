/* SPDX-License-Identifier: MIT */
/*
 * Many blocks of one order, in one call. They come from this CPU's lists, or the zone, by the
 * batch: one look at the request, the watermark and the lock for all of it. What a batch can't
 * have, at the low watermark, is asked for one by one as pb_alloc_pages() would.
 */
#include "alloc/page_alloc.h"

#include "alloc/refs.h"
#include "pcp/quarantine.h"
#include "pcp/shared.h"

/* Blocks of one order, to be allocated into pages[0..n). */
struct bulk {
	unsigned int order;
	size_t n;
	struct pb_page **pages;
};

/* Blocks of a batch, whose frames are on the stack. */
#define BULK_MAX (LONG_BATCHES ? 64u : 2 * ZONE_BATCH_MAX)

/* Frames that are the caller's now. One that can't be cleared goes back with all after it. */
static u32 prep_pages(struct pb_pool *pool, const struct alloc_context *ctx, u32 n, u32 *frames,
		      struct pb_page **pages)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (ctx->gfp & PB_GFP_ZERO &&
		    !clear_frames(pool, frames[i], frames[i] + (1u << ctx->order)))
			break;
		pages[i] = page_set_owned(pool, frames[i], ctx->order, ctx->gfp);
	}
	if (i < n)
		free_frames_bulk(pool, ctx->order, n - i, frames + i);
	return i;
}

static u32 __alloc_batch(struct pb_pool *pool, struct pb_request *request, const struct bulk *bulk,
			 size_t from, const struct call *call)
{
	u32 frames[BULK_MAX], n = (u32)min_u64(bulk->n - from, BULK_MAX);
	struct alloc_context ctx;

	request->why = prepare_request(pool, &ctx, request, bulk->order, call);
	if (n < 2 || request->why || bulk->order > pool->max_order || !ctx.preferred)
		return 0;
	n = get_bulk_from_freelist(pool, &ctx, n, frames);
	return prep_pages(pool, &ctx, n, frames, bulk->pages + from);
}

/* Some of the blocks, as far as they are to be had without a second attempt. Not inlined: their
   frames are off the stack when one is asked for by itself. */
static NOINLINE u32 alloc_batch(struct pb_pool *pool, struct pb_request *request,
				const struct bulk *bulk, size_t from, const struct call *call)
{
	u32 got;

	pool_enter(pool);
	got = __alloc_batch(pool, request, bulk, from, call);
	pool_leave(pool);
	return got;
}

static size_t alloc_bulk(struct pb_pool *pool, struct pb_request *request, const struct bulk *bulk,
			 const struct call *call)
{
	size_t got = 0, more;

	request->why = PB_REASON_NONE;
	for (; got < bulk->n; got += more) {
		more = alloc_batch(pool, request, bulk, got, call);
		if (more)
			continue;
		if (request->why)
			break;
		bulk->pages[got] = alloc_here(pool, request, bulk->order, call);
		if (!bulk->pages[got])
			break;
		more = 1;
	}
	return got;
}

size_t pb_request_bulk(struct pb_pool *pool, struct pb_request *request, unsigned int order,
		       size_t n, struct pb_page **pages)
{
	const struct bulk bulk = { order, n, pages };

	return alloc_bulk(pool, request, &bulk, CALL("pb_request_bulk"));
}

size_t pb_alloc_pages_bulk(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order, size_t n,
			   struct pb_page **pages)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };
	const struct bulk bulk = { order, n, pages };

	return alloc_bulk(pool, &request, &bulk, CALL("pb_alloc_pages_bulk"));
}

/* How many of pages[0..n) carry this very byte, each counted once: they are marked
   off by clearing it and marked back. The caller owns them all. */
static size_t count_once(size_t n, struct pb_page *const *pages, u8 state)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (load_relaxed(&pages[i]->state) == state) {
			store_relaxed(&pages[i]->state, 0);
			found++;
		}
	for (size_t i = 0; i < n; i++)
		if (!load_relaxed(&pages[i]->state))
			store_relaxed(&pages[i]->state, state);
	return found;
}

/* First of pages[0..n) that can't be freed, or n. A page named twice is the second
   time: a block may be named as often as it has references, so SHARED ones may be. */
static size_t first_unfreeable(struct pb_pool *pool, unsigned int order, size_t n,
			       struct pb_page *const *pages)
{
	u8 plain = (u8)(PB_PAGE_HEAD | order), movable = plain | PB_PAGE_MOVABLE;
	size_t once = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_block(pool, pages[i], order))
			return i;
		once += !(load_relaxed(&pages[i]->state) & PB_PAGE_SHARED);
	}
	if (count_once(n, pages, plain) + count_once(n, pages, movable) == once)
		return n;
	for (size_t at = n - 1;; at--) /* the rare case: which one is it? There is one. */
		for (size_t i = 0; i < at; i++)
			if (pages[i] == pages[at] &&
			    !(load_relaxed(&pages[i]->state) & PB_PAGE_SHARED))
				return at;
}

/* Drops a reference of each of n blocks; those that nobody owns any more go back together. */
static NOINLINE void free_batch(struct pb_pool *pool, unsigned int order, u32 n,
				struct pb_page *const *pages, const struct call *call)
{
	u32 frames[BULK_MAX], got = 0;

	pool_enter(pool);
	for (u32 i = 0; i < n; i++) {
		u32 frame = release_block(pool, pages[i], order, call);

		if (frame != NO_FRAME && !quarantine_put(pool, frame, order))
			frames[got++] = frame;
	}
	free_frames_bulk(pool, order, got, frames);
	pool_leave(pool);
}

size_t pb_free_bulk(struct pb_pool *pool, unsigned int order, size_t n,
		    struct pb_page *const *pages)
{
	const struct call *call = CALL("pb_free_bulk");
	size_t bad;

	pool_enter(pool);
	bad = first_unfreeable(pool, order, n, pages);
	pool_leave(pool);
	if (bad < n) {
		(void)misuse_page(pool, call, pages[bad], order);
		return 0;
	}
	for (size_t done = 0, batch; done < n; done += batch) {
		batch = n - done < BULK_MAX ? n - done : BULK_MAX;
		free_batch(pool, order, (u32)batch, pages + done, call);
	}
	return n;
}
