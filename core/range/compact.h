/* SPDX-License-Identifier: MIT */
/*
 * Compaction: move movable blocks out of the way so that a larger block comes
 * free. Works on zones from above, through takes and frees like any caller.
 */
#ifndef PB_CORE_COMPACT_H
#define PB_CORE_COMPACT_H

#include "alloc/page_alloc.h"

/* Try every zone of the request's zonelist; true: some block was moved. */
bool compact_zonelist(struct pb_pool *pool, const struct alloc_context *ctx);

#endif
