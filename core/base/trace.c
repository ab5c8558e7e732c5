/* SPDX-License-Identifier: MIT */
/*
 * Events, log lines and counters of a pool.
 */
#include "base/trace.h"

#include "base/frame.h"

void vm_count(struct pb_pool *pool, enum pb_vm_event event, unsigned long n)
{
	if (PB_WITH_COUNTERS)
		pb_atomic_fetch_add(&pool->super->vm[event], n, __ATOMIC_RELAXED);
}

void pool_log(struct pb_pool *pool, const char *line)
{
	if (pool->hooks.log)
		pool->hooks.log(pool->hooks.ctx, line);
	else
		pb_platform_log(line);
}

void trace_event(const struct pb_pool *pool, const struct zone *zone, struct pb_trace_event *event)
{
	event->node = zone->node;
	event->zone = zone->type;
	pool->hooks.trace(pool->hooks.ctx, event);
}

void trace_block(const struct pb_pool *pool, unsigned int type, u32 frame, unsigned int order,
		 unsigned int migratetype)
{
	struct pb_trace_event event = { .type = (u8)(type & ~TRACE_ONE),
					.order = (u8)order,
					.migratetype = (u8)migratetype,
					.value = (type & TRACE_ONE) != 0 };

	event.pfn = frame_to_pfn(pool, frame);
	if (type == PB_TRACE_MERGE)
		event.value = (s64)frame_to_pfn(pool, frame ^ (1u << order));
	trace_event(pool, zone_of_frame(pool, frame), &event);
}
