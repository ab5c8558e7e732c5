/* SPDX-License-Identifier: MIT */
/*
 * The page byte and the references of an allocated block, which its holders may change
 * beside each other: exchanges in one step, no lock.
 */
#ifndef PB_CORE_REFS_H
#define PB_CORE_REFS_H

#include "alloc/misuse.h"

/* Is it the head of an allocated block of this order, shared or not? */
bool is_block(const struct pb_pool *pool, const struct pb_page *page, unsigned int order);
/* Frame of the head of an allocated block, or NO_FRAME after a report. */
u32 owned_frame(const struct pb_pool *pool, const struct pb_page *page, const struct call *call);
/* Changes a page byte from `old` to `new` in one step; false: it is not `old`. */
bool change_byte(struct pb_page *page, u8 old, u8 new);
/* Drops a further reference of a SHARED block; true: there was none, so the block is the
   caller's alone. */
bool put_shared(const struct pb_pool *pool, u32 frame);

#endif
