/* SPDX-License-Identifier: MIT */
/*
 * What a pool tells about what it does: events to the trace hook, lines to the log,
 * counters of Linux's vmstat.
 */
#ifndef PB_CORE_TRACE_H
#define PB_CORE_TRACE_H

#include "base/pool.h"

void vm_count(struct pb_pool *pool, enum pb_vm_event event, unsigned long n);
void pool_log(struct pb_pool *pool, const char *line);

/* Trace: one predictable branch when unset, and never on a per-CPU list hit. */
static inline bool tracing(const struct pb_pool *pool)
{
	return PB_WITH_TRACE && unlikely(pool->hooks.trace != NULL);
}

/* An event about a block: an enum pb_trace_type, with TRACE_ONE if the event's value is 1. The
   value of MERGE is the buddy's pfn. */
#define TRACE_ONE 0x100u
void trace_block(const struct pb_pool *pool, unsigned int type, u32 frame, unsigned int order,
		 unsigned int migratetype);
void trace_event(const struct pb_pool *pool, const struct zone *zone, struct pb_trace_event *event);

#endif
