/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * pbwatch:pb_zone, one zone as it was when a request failed, or when one above
 * order 0 succeeded: in front of the request's mm_page_alloc, on the same CPU,
 * once for each zone with memory.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pbwatch

#if !defined(PBWATCH_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define PBWATCH_EVENTS_H

#include <linux/tracepoint.h>

#ifndef PBWATCH_ZONE
#define PBWATCH_ZONE

#define PBWATCH_TYPES 6

struct pbwatch_zone {
	int node, zone;
	long free; /* the counter that watermarks go by */
	long lag;  /* what CPUs have not added to it yet */
	unsigned long min, low, high, boost;
	long reserve;             /* lowmem_reserve against this request */
	long highatomic, cma;     /* pages reserved; pages free */
	unsigned int task;        /* PBWATCH_TASK_* */
	u16 lists[PBWATCH_TYPES]; /* by migratetype: orders with a free block, as bits */
};

#define PBWATCH_TASK_MEMALLOC 1 /* it may use the reserves: PF_MEMALLOC */
#define PBWATCH_TASK_CPUSET 2   /* its cpuset does not allow this node */
#define PBWATCH_TASK_IRQ 4      /* an interrupt */
#define PBWATCH_GAVE_UP 8       /* kswapd has failed too often and sleeps */

#endif

/* clang-format off */
TRACE_EVENT(pb_zone,
	TP_PROTO(bool failed, unsigned int order, const struct pbwatch_zone *zone),
	TP_ARGS(failed, order, zone),
	TP_STRUCT__entry(
		__field(unsigned int, failed)
		__field(unsigned int, order)
		__field(int, node)
		__field(int, zone)
		__field(long, free)
		__field(long, lag)
		__field(unsigned long, min)
		__field(unsigned long, low)
		__field(unsigned long, high)
		__field(unsigned long, boost)
		__field(long, reserve)
		__field(long, highatomic)
		__field(long, cma)
		__field(unsigned int, task)
		__array(u16, lists, PBWATCH_TYPES)
	),
	TP_fast_assign(
		__entry->failed = failed;
		__entry->order = order;
		__entry->node = zone->node;
		__entry->zone = zone->zone;
		__entry->free = zone->free;
		__entry->lag = zone->lag;
		__entry->min = zone->min;
		__entry->low = zone->low;
		__entry->high = zone->high;
		__entry->boost = zone->boost;
		__entry->reserve = zone->reserve;
		__entry->highatomic = zone->highatomic;
		__entry->cma = zone->cma;
		__entry->task = zone->task;
		memcpy(__entry->lists, zone->lists, sizeof(__entry->lists));
	),
	TP_printk("failed=%u order=%u node=%d zone=%d free=%ld lag=%ld min=%lu low=%lu high=%lu boost=%lu reserve=%ld highatomic=%ld cma=%ld task=%u lists=%x,%x,%x,%x,%x,%x",
		__entry->failed, __entry->order, __entry->node, __entry->zone, __entry->free,
		__entry->lag, __entry->min, __entry->low, __entry->high, __entry->boost,
		__entry->reserve, __entry->highatomic, __entry->cma, __entry->task,
		__entry->lists[0], __entry->lists[1], __entry->lists[2], __entry->lists[3],
		__entry->lists[4], __entry->lists[5])
);
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE events
#include <trace/define_trace.h>
