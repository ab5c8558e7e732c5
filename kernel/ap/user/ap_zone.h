/* SPDX-License-Identifier: MIT */
/* What the verbose log of ap wants to know of a zone, from the default pool. */
#ifndef AP_ZONE_H
#define AP_ZONE_H

#include <pagebuddy/linux.h>

#define AP_MAX_ORDER (MAX_ORDER - 1)
#define AP_NR_ORDERS MAX_ORDER

static inline unsigned int ap_nr_zones(void)
{
	return pb_nr_zones(pb_default_pool());
}

static inline struct pb_zone_stat __ap_zone(unsigned int zone)
{
	struct pb_zone_stat stat = { .node = -1 };

	(void)pb_zone_stats(pb_default_pool(), zone, &stat);
	return stat;
}

static inline unsigned int ap_zone_of(const struct page *page)
{
	struct pb_zone_stat stat;
	unsigned int z;

	for (z = 0; z + 1 < ap_nr_zones(); z++) {
		stat = __ap_zone(z);
		if (stat.node == page_to_nid(page) && stat.zone == page_zonenum(page))
			break;
	}
	return z;
}

static inline int ap_zone_node(unsigned int zone)
{
	return __ap_zone(zone).node;
}

static inline const char *ap_zone_name(unsigned int zone)
{
	return pb_zone_name((enum pb_zone_type)__ap_zone(zone).zone);
}

static inline unsigned long ap_zone_nr_free(unsigned int zone, unsigned int order)
{
	return (unsigned long)__ap_zone(zone).nr_free[order];
}

static inline const char *ap_migratetype(const struct page *page)
{
	int type = pb_pageblock_type(pb_default_pool(), page_to_pfn(page));

	return pb_migratetype_name((enum pb_migratetype)type);
}

#endif
