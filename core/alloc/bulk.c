/* SPDX-License-Identifier: MIT */
/*
 * Many blocks of one order in one call. They come from this CPU's lists or the zone in batches:
 * the request is checked, the watermark tested and the lock taken once per batch. Blocks that a
 * batch can't get at the low watermark are asked for one by one, as by pb_alloc_pages().
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

/* Blocks of a batch: their frame numbers are on the stack. */
#define BULK_MAX (LONG_BATCHES ? 64u : 2 * ZONE_BATCH_MAX)

/* Make the frames the caller's pages; returns how many. From the first one on that can't be
   zeroed all are freed. */
static u32 prep_pages(struct pb_pool *pool, const struct alloc_context *ctx, u32 n, u32 *frames,
		      struct pb_page **pages)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (needs_hand_out(pool, ctx->gfp) &&
		    !hand_out(pool, frames[i], frames[i] + (1u << ctx->order), ctx->gfp))
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

/* Allocate some of the blocks, as many as the first attempt finds. Not inlined, so that the array
   of frames is off the stack when a block is asked for by itself. */
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

/* Count the pages in pages[0..n) whose byte equals `state`, a page named twice only once: each
   counted byte is cleared, and restored at the end. The caller owns them all. */
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

/* Index of the first of pages[0..n) that can't be freed, or n. A page that is named twice can't be
   freed the second time, unless it is SHARED: it may be named once per reference. */
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
	for (size_t at = n - 1;; at--) /* some page is named twice: find the second time */
		for (size_t i = 0; i < at; i++)
			if (pages[i] == pages[at] &&
			    !(load_relaxed(&pages[i]->state) & PB_PAGE_SHARED))
				return at;
}

/* Drop a reference of each of n blocks; those whose last one it was are freed together. */
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
