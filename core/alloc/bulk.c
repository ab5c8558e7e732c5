/* SPDX-License-Identifier: MIT */
/*
 * Many blocks of one order, in one call.
 */
#include "alloc/page_alloc.h"

#include "alloc/refs.h"
#include "pcp/shared.h"

/* Blocks of one order, to be allocated into pages[0..n). */
struct bulk {
	unsigned int order;
	size_t n;
	struct pb_page **pages;
};

static size_t alloc_bulk(struct pb_pool *pool, struct pb_request *request, const struct bulk *bulk,
			 const struct call *call)
{
	size_t got = 0;

	request->why = PB_REASON_NONE;
	while (got < bulk->n) {
		struct pb_page *page = alloc_here(pool, request, bulk->order, call);

		if (!page)
			break;
		bulk->pages[got++] = page;
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

size_t pb_free_bulk(struct pb_pool *pool, unsigned int order, size_t n,
		    struct pb_page *const *pages)
{
	size_t bad;

	pool_enter(pool);
	bad = first_unfreeable(pool, order, n, pages);
	pool_leave(pool);
	if (bad < n) {
		(void)misuse_page(pool, CALL("pb_free_bulk"), pages[bad], order);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		(void)pb_free_pages(pool, pages[i], order);
	return n;
}
