// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * What the zones were in the instant a request failed.
 *
 * A trace tells of the request, not of the numbers that the kernel went by:
 * the counter with its lag, the boost, the reserves. This hooks mm_page_alloc
 * and writes them as an event of its own (events.h) into the same trace:
 *
 *	echo 1 >/sys/kernel/tracing/events/pbwatch/enable
 *
 * The events stand in front of the request's own, on its CPU, but after its last
 * attempt, so other CPUs may have changed what it saw. It takes no lock, allocates nothing, and changes nothing.
 */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <linux/version.h>

#define CREATE_TRACE_POINTS
#include "events.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define ORDERS NR_PAGE_ORDERS
#else
#define ORDERS MAX_ORDER
#endif

static struct tracepoint *alloc_point;

static long counter_lag(struct zone *zone)
{
	long lag = 0;
	int cpu;

	for_each_online_cpu(cpu)
	{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
		lag += per_cpu_ptr(zone->per_cpu_zonestats, cpu)->vm_stat_diff[NR_FREE_PAGES];
#else
		lag += per_cpu_ptr(zone->pageset, cpu)->vm_stat_diff[NR_FREE_PAGES];
#endif
	}
	return lag;
}

static unsigned int task_flags(int node)
{
	unsigned int flags = 0;

	if (current->flags & PF_MEMALLOC)
		flags |= PBWATCH_TASK_MEMALLOC;
#ifdef CONFIG_CPUSETS
	if (!node_isset(node, current->mems_allowed))
		flags |= PBWATCH_TASK_CPUSET;
#endif
	if (in_interrupt())
		flags |= PBWATCH_TASK_IRQ;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	if (atomic_read(&NODE_DATA(node)->kswapd_failures) >= 16)
#else
	if (NODE_DATA(node)->kswapd_failures >= 16)
#endif
		flags |= PBWATCH_GAVE_UP;
	return flags;
}

/* Heads only: the lists are not ours to walk. */
static void look_at_lists(struct zone *zone, u16 *lists)
{
	unsigned int order, type;

	for (order = 0; order < ORDERS; order++)
		for (type = 0; type < PBWATCH_TYPES && type < MIGRATE_TYPES; type++)
			if (!list_empty(&zone->free_area[order].free_list[type]))
				lists[type] |= 1u << order;
}

static void watch_zone(struct zone *zone, bool failed, unsigned int order, gfp_t gfp)
{
	struct pbwatch_zone state = {
		.node = zone->zone_pgdat->node_id,
		.zone = zone_idx(zone),
		.free = atomic_long_read(&zone->vm_stat[NR_FREE_PAGES]),
		.lag = counter_lag(zone),
		.min = zone->_watermark[WMARK_MIN],
		.low = zone->_watermark[WMARK_LOW],
		.high = zone->_watermark[WMARK_HIGH],
		.boost = zone->watermark_boost,
		.reserve = zone->lowmem_reserve[gfp_zone(gfp)],
		.highatomic = zone->nr_reserved_highatomic,
		.cma = atomic_long_read(&zone->vm_stat[NR_FREE_CMA_PAGES]),
		.task = task_flags(zone->zone_pgdat->node_id),
	};

	look_at_lists(zone, state.lists);
	trace_pb_zone(failed, order, &state);
}

static void on_alloc(void *data, struct page *page, unsigned int order, gfp_t gfp, int migratetype)
{
	int node, i;

	if ((page && !order) || !trace_pb_zone_enabled())
		return;
	for_each_online_node(node)
	{
		for (i = MAX_NR_ZONES - 1; i >= 0; i--) {
			struct zone *zone = &NODE_DATA(node)->node_zones[i];

			if (zone_managed_pages(zone))
				watch_zone(zone, !page, order, gfp);
		}
	}
}

static void find_point(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "mm_page_alloc"))
		alloc_point = point;
}

static int __init pbwatch_init(void)
{
	for_each_kernel_tracepoint(find_point, NULL);
	if (!alloc_point) {
		pr_err("pbwatch: this kernel has no tracepoint mm_page_alloc\n");
		return -ENOENT;
	}
	/* before the tracer's own probe: who reads the trace knows what belongs together */
	return tracepoint_probe_register_prio(alloc_point, on_alloc, NULL,
					      TRACEPOINT_DEFAULT_PRIO + 1);
}

static void __exit pbwatch_exit(void)
{
	tracepoint_probe_unregister(alloc_point, on_alloc, NULL);
	tracepoint_synchronize_unregister();
}

module_init(pbwatch_init);
module_exit(pbwatch_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("what each zone was when a request failed, as trace events");
