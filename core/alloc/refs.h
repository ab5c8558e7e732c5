/* SPDX-License-Identifier: MIT */
/*
 * The page byte and the references of an allocated block. Its holders may change them at the
 * same time: by compare-and-exchange, without a lock.
 */
#ifndef PB_CORE_REFS_H
#define PB_CORE_REFS_H

#include "alloc/misuse.h"

/* Is it the head of an allocated block of this order, shared or not? */
bool is_block(const struct pb_pool *pool, const struct pb_page *page, unsigned int order);
/* Frame of the head of an allocated block, or NO_FRAME after a report. */
u32 owned_frame(const struct pb_pool *pool, const struct pb_page *page, const struct call *call);
/* Change a page byte from `old` to `new` atomically; false: it is not `old`. */
bool change_byte(struct pb_page *page, u8 old, u8 new);
/* Drop a further reference of a SHARED block; true: there was none, so the block is the
   caller's alone. */
bool put_shared(const struct pb_pool *pool, u32 frame);

#endif
