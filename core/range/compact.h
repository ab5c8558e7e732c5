/* SPDX-License-Identifier: MIT */
/*
 * Compaction: move movable blocks out of the way so that a larger block becomes
 * free. It takes and frees blocks of the zones as any caller does.
 */
#ifndef PB_CORE_COMPACT_H
#define PB_CORE_COMPACT_H

#include "alloc/page_alloc.h"

/* Try the zones of the request's zonelist in turn; true: one has a free block of the order now. */
bool compact_zonelist(struct pb_pool *pool, const struct alloc_context *ctx);

#endif
