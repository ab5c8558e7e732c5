/* SPDX-License-Identifier: MIT */
/*
 * Events, log lines and counters of a pool.
 */
#include "base/trace.h"

#include "base/frame.h"

void vm_count(struct pb_pool *pool, enum pb_vm_event event, unsigned long n)
{
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

void trace_block(const struct pb_pool *pool, enum pb_trace_type type, u32 frame, unsigned int order,
		 unsigned int migratetype, s64 value)
{
	struct pb_trace_event event = { .type = (u8)type,
					.order = (u8)order,
					.migratetype = (u8)migratetype,
					.value = value };

	event.pfn = frame_to_pfn(pool, frame);
	if (type == PB_TRACE_MERGE)
		event.value = (s64)frame_to_pfn(pool, (u32)value);
	trace_event(pool, zone_of_frame(pool, frame), &event);
}
