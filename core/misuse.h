/* SPDX-License-Identifier: MIT */
/*
 * Caller misuse: find out what is wrong with a page that was passed in, and say
 * so through the pool's misuse hook. The pool is left as it was.
 */
#ifndef PB_CORE_MISUSE_H
#define PB_CORE_MISUSE_H

#include "pool.h"

/* Reports; always returns PB_EMISUSE. pfn UINT64_MAX: none. */
int misuse(const struct pb_pool *pool, enum pb_misuse kind, const char *call, u64 pfn,
	   unsigned int order, unsigned int found);
/* `page` is not the head of an allocated block of `order`: say why not. */
int misuse_page(const struct pb_pool *pool, const struct pb_page *page, unsigned int order,
		const char *call);

/* Frame of a page, or NO_FRAME if it isn't one of the pool's. */
static inline u32 page_frame(const struct pb_pool *pool, const struct pb_page *page)
{
	uintptr_t frame = (uintptr_t)page - (uintptr_t)pool->pages;

	return frame < pool->nr_frames ? (u32)frame : NO_FRAME;
}

/* Head of the allocated block around a frame, or NO_FRAME. */
u32 block_head(const struct pb_pool *pool, u32 frame);

#endif
