/* SPDX-License-Identifier: MIT */
/*
 * Page counts that are no power of two: a block is allocated, split into pages, and its tail
 * given back.
 */
#include "alloc/page_alloc.h"

#include "alloc/refs.h"

/* Split the block into nr_pages single pages and free the rest. */
static NOINLINE void trim_exact(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				size_t nr_pages)
{
	(void)pb_split_page(pool, page, order);
	for (size_t i = nr_pages; i < (size_t)1 << order; i++)
		(void)pb_free_pages(pool, page + i, 0);
}

ALWAYS_INLINE struct pb_page *alloc_exact(struct pb_pool *pool, struct pb_request *request,
					  size_t nr_pages, const struct call *call)
{
	pb_gfp_t gfp = request->gfp;
	unsigned int order = 0;
	struct pb_page *page;

	while (order <= PB_MAX_ORDER && (size_t)1 << order < nr_pages)
		order++;
	if (!nr_pages)
		order = PB_MAX_ORDER + 1; /* as get_order(0): too big */
	request->gfp &= ~PB_GFP_COMP;
	page = alloc_here(pool, request, order, call);
	request->gfp = gfp;
	if (page)
		trim_exact(pool, page, order, nr_pages);
	return page;
}

struct pb_page *pb_request_exact(struct pb_pool *pool, struct pb_request *request, size_t nr_pages)
{
	return alloc_exact(pool, request, nr_pages, CALL("pb_request_exact"));
}

struct pb_page *pb_request_exact_as(struct pb_pool *pool, struct pb_request *request,
				    size_t nr_pages, const char *name)
{
	return alloc_exact(pool, request, nr_pages, CALL(name));
}

struct pb_page *pb_alloc_exact(struct pb_pool *pool, pb_gfp_t gfp, size_t nr_pages)
{
	struct pb_request request = { .gfp = gfp, .node = PB_NO_NODE };

	return alloc_exact(pool, &request, nr_pages, CALL("pb_alloc_exact"));
}

static int free_exact(struct pb_pool *pool, struct pb_page *page, size_t nr_pages,
		      const struct call *call)
{
	for (size_t i = 0; i < nr_pages; i++)
		if (!is_block(pool, page + i, 0))
			return misuse_page(pool, call, page + i, 0);
	for (size_t i = 0; i < nr_pages; i++)
		(void)pb_free_pages(pool, page + i, 0);
	return PB_OK;
}

int pb_free_exact(struct pb_pool *pool, struct pb_page *page, size_t nr_pages)
{
	return free_exact(pool, page, nr_pages, CALL("pb_free_exact"));
}

int pb_free_exact_as(struct pb_pool *pool, struct pb_page *page, size_t nr_pages, const char *name)
{
	return pool ? free_exact(pool, page, nr_pages, CALL(name)) : PB_ENODEV;
}
