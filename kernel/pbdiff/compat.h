/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where each kernel keeps what pbdiff records. One name for each thing; what
 * a kernel has not is 0 in the log (FORMAT.md says which).
 *
 *	5.10	zone->pageset: per-CPU lists and differences in one structure
 *	6.1	per_cpu_pageset and per_cpu_zonestats, a lock in the lists
 *	6.12	MAX_PAGE_ORDER; no free_factor; no migratetype cached in the page
 *	7.2	page types with movable operations; failures of kswapd atomic
 */
#ifndef PBDIFF_COMPAT_H
#define PBDIFF_COMPAT_H

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/spinlock.h>
#include <linux/version.h>

#define PBDIFF_IS(major, minor)                                   \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0) && \
	 LINUX_VERSION_CODE < KERNEL_VERSION(major, (minor) + 1, 0))

#if !PBDIFF_IS(5, 10) && !PBDIFF_IS(6, 1) && !PBDIFF_IS(6, 12) && !PBDIFF_IS(7, 2)
#error "pbdiff reads the zone and per-CPU structures of Linux 5.10, 6.1, 6.12 and 7.2; build it against headers of one of these"
#endif

#ifndef __GFP_ATOMIC /* gone in 6.3 */
#define __GFP_ATOMIC ((__force gfp_t)0)
#endif

#if PBDIFF_IS(5, 10)
#define PBDIFF_PCP_LISTS MIGRATE_PCPTYPES
#define PBDIFF_NUMA_EVENTS NR_VM_NUMA_STAT_ITEMS
#define WMARK_PROMO WMARK_HIGH
#else
#define PBDIFF_PCP_LISTS NR_PCP_LISTS
#define PBDIFF_NUMA_EVENTS NR_VM_NUMA_EVENT_ITEMS
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define PBDIFF_ORDERS NR_PAGE_ORDERS
#else
#define PBDIFF_ORDERS MAX_ORDER
#endif

#if PBDIFF_IS(5, 10)
static inline struct per_cpu_pages *pcp_of(struct zone *zone, int cpu)
{
	return &per_cpu_ptr(zone->pageset, cpu)->pcp;
}

static inline long free_pages_diff(struct zone *zone, int cpu)
{
	return per_cpu_ptr(zone->pageset, cpu)->vm_stat_diff[NR_FREE_PAGES];
}

static inline u32 stat_threshold(struct zone *zone, int cpu)
{
	return per_cpu_ptr(zone->pageset, cpu)->stat_threshold;
}

static inline unsigned long numa_events(struct zone *zone, int item)
{
	unsigned long events = atomic_long_read(&zone->vm_numa_stat[item]);
	int cpu;

	for_each_online_cpu(cpu) events += per_cpu_ptr(zone->pageset, cpu)->vm_numa_stat_diff[item];
	return events;
}
#else
static inline struct per_cpu_pages *pcp_of(struct zone *zone, int cpu)
{
	return per_cpu_ptr(zone->per_cpu_pageset, cpu);
}

static inline long free_pages_diff(struct zone *zone, int cpu)
{
	return per_cpu_ptr(zone->per_cpu_zonestats, cpu)->vm_stat_diff[NR_FREE_PAGES];
}

static inline u32 stat_threshold(struct zone *zone, int cpu)
{
	return per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold;
}

static inline unsigned long numa_events(struct zone *zone, int item)
{
	unsigned long events = atomic_long_read(&zone->vm_numa_event[item]);
	int cpu;

	for_each_online_cpu(cpu)
		events += per_cpu_ptr(zone->per_cpu_zonestats, cpu)->vm_numa_event[item];
	return events;
}
#endif

/* Nothing else may take or give pages of this zone meanwhile. 5.10 has no lock
   in its per-CPU lists: interrupts off are what protects this CPU's. */
static inline void lock_zone(struct zone *zone, int cpu, unsigned long *flags)
{
#if PBDIFF_IS(5, 10)
	spin_lock_irqsave(&zone->lock, *flags);
#else
	spin_lock_irqsave(&pcp_of(zone, cpu)->lock, *flags);
	spin_lock(&zone->lock);
#endif
}

static inline void unlock_zone(struct zone *zone, int cpu, unsigned long flags)
{
#if PBDIFF_IS(5, 10)
	spin_unlock_irqrestore(&zone->lock, flags);
#else
	spin_unlock(&zone->lock);
	spin_unlock_irqrestore(&pcp_of(zone, cpu)->lock, flags);
#endif
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define PBDIFF_TUNES_PCP 1 /* the lists' high mark moves between two bounds */
#endif

/* What decides how much the next drain gives back. */
static inline u32 pcp_free_factor(const struct per_cpu_pages *pcp)
{
#if PBDIFF_IS(6, 1)
	return pcp->free_factor;
#elif PBDIFF_IS(5, 10)
	return 0;
#else
	return pcp->free_count;
#endif
}

static inline u32 pcp_expire(const struct per_cpu_pages *pcp)
{
#if PBDIFF_IS(5, 10)
	return 0;
#else
	return pcp->expire;
#endif
}

/* From 6.7 on: what the lists' high mark moves between, and what moves it. */
static inline void pcp_tuning(const struct per_cpu_pages *pcp, u32 tuning[4])
{
#ifdef PBDIFF_TUNES_PCP
	tuning[0] = pcp->high_min;
	tuning[1] = pcp->high_max;
	tuning[2] = pcp->alloc_factor;
	tuning[3] = pcp->flags;
#else
	memset(tuning, 0, 4 * sizeof(*tuning));
#endif
}

/* Pages on the HIGHATOMIC lists, where the watermark test goes by them. */
static inline u32 free_highatomic(const struct zone *zone)
{
#ifdef PBDIFF_TUNES_PCP /* the same kernels */
	return zone->nr_free_highatomic;
#else
	return 0;
#endif
}

/* The lists that a frame in this per-CPU list will be freed to. */
static inline u32 cached_type(struct page *page, u32 list, u32 pageblock_type)
{
#if PBDIFF_IS(5, 10) || PBDIFF_IS(6, 1)
	return page->index;
#else
	return pageblock_type;
#endif
}

static inline bool reclaim_gave_up(struct pglist_data *node)
{
#if PBDIFF_IS(7, 2)
	return atomic_read(&node->kswapd_failures) >= 16;
#else
	return node->kswapd_failures >= 16;
#endif
}

static inline bool counts_as_movable(struct page *page)
{
#if PBDIFF_IS(7, 2)
	return PageLRU(page) || page_has_movable_ops(page);
#else
	return PageLRU(page) || __PageMovable(page);
#endif
}

/*
 * 5.10 lets a real-time task have more than others. The recorder is one so that
 * nothing runs between a phase and the texts read after it; within the phase,
 * which nothing interrupts, it isn't to look like one.
 */
static inline int hide_realtime(void)
{
	int prio = current->prio;

	current->prio = DEFAULT_PRIO;
	return prio;
}

static inline void show_realtime(int prio)
{
	current->prio = prio;
}

/* Flags in the log are 6.1's numbers, whatever this kernel's are. */
u32 gfp_to_log(gfp_t gfp);
gfp_t gfp_from_log(u32 bits);

#endif
