/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the verbose log of ap wants to know of a zone, read from the kernel. */
#ifndef AP_ZONE_H
#define AP_ZONE_H

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/pageblock-flags.h>
#include <linux/version.h>

/* MAX_ORDER was exclusive before 6.4, inclusive until 6.7, then renamed. */
#if defined(MAX_PAGE_ORDER)
#define AP_MAX_ORDER MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define AP_MAX_ORDER MAX_ORDER
#else
#define AP_MAX_ORDER (MAX_ORDER - 1)
#endif
#define AP_NR_ORDERS (AP_MAX_ORDER + 1)

/* Zones are numbered node by node; a node that is offline has empty ones. */
static inline unsigned int ap_nr_zones(void)
{
	return nr_node_ids * MAX_NR_ZONES;
}

static inline unsigned int ap_zone_of(const struct page *page)
{
	return page_to_nid(page) * MAX_NR_ZONES + page_zonenum(page);
}

static inline int ap_zone_node(unsigned int zone)
{
	return zone / MAX_NR_ZONES;
}

static inline struct zone *__ap_zone(unsigned int zone)
{
	return &NODE_DATA(ap_zone_node(zone))->node_zones[zone % MAX_NR_ZONES];
}

static inline const char *ap_zone_name(unsigned int zone)
{
	return __ap_zone(zone)->name;
}

/* Without the zone's lock: a figure for the log, not for a decision. */
static inline unsigned long ap_zone_nr_free(unsigned int zone, unsigned int order)
{
	if (!node_online(ap_zone_node(zone)))
		return 0;
	return READ_ONCE(__ap_zone(zone)->free_area[order].nr_free);
}

/* get_pageblock_migratetype() is not exported; its bitmap is reachable. */
static inline unsigned int __ap_pageblock_type(const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	const unsigned long *map;
	unsigned long bit;

#ifdef CONFIG_SPARSEMEM
	map = __pfn_to_section(pfn)->usage->pageblock_flags;
	pfn &= PAGES_PER_SECTION - 1;
#else
	struct zone *zone = page_zone(page);

	map = zone->pageblock_flags;
	pfn -= round_down(zone->zone_start_pfn, pageblock_nr_pages);
#endif
	bit = (pfn >> pageblock_order) * NR_PAGEBLOCK_BITS;
	return (READ_ONCE(map[bit / BITS_PER_LONG]) >> (bit % BITS_PER_LONG)) & 7;
}

static inline const char *ap_migratetype(const struct page *page)
{
	switch (__ap_pageblock_type(page)) {
	case MIGRATE_UNMOVABLE:
		return "Unmovable";
	case MIGRATE_MOVABLE:
		return "Movable";
	case MIGRATE_RECLAIMABLE:
		return "Reclaimable";
	case MIGRATE_HIGHATOMIC:
		return "HighAtomic";
#ifdef CONFIG_CMA
	case MIGRATE_CMA:
		return "CMA";
#endif
#ifdef CONFIG_MEMORY_ISOLATION
	case MIGRATE_ISOLATE:
		return "Isolate";
#endif
	default:
		return "unknown";
	}
}

#endif
