/* SPDX-License-Identifier: MIT */
/*
 * The texts of /proc/buddyinfo, /proc/pagetypeinfo and /proc/zoneinfo (spec
 * 13.2 to 13.4), byte for byte. Of zoneinfo's "per-node stats" only the heading:
 * they count pages of users, which an allocator doesn't know.
 */
#include "pcp/pcp.h"
#include "pcp/shared.h"
#include "base/text.h"

static const struct zone *node_zone(const struct pb_pool *pool, u32 id, unsigned int type)
{
	u16 number = pool_node(pool, id)->zones[type];

	return number == NO_ZONE ? NULL : pool_zone(pool, number);
}

static void text_line(struct text *text, const char *label, u64 value)
{
	text_char(text, '\n');
	text_str(text, label);
	text_dec(text, (s64)value, 0);
}

static void text_zone(struct text *text, u32 id, unsigned int type)
{
	text_str(text, "Node ");
	text_dec(text, id, 0);
	text_str(text, ", zone ");
	text_str_pad(text, pb_zone_name(type), 8);
}

/* --------------------------------------------------------------- buddyinfo */

size_t pb_buddyinfo(struct pb_pool *pool, char *buffer, size_t size)
{
	struct text text = { buffer, size, 0 };

	for (u32 id = 0; id < pool->super->nr_nodes; id++)
		for (unsigned int type = 0; type < PB_NR_ZONE_TYPES; type++) {
			const struct zone *zone = node_zone(pool, id, type);

			if (!zone)
				continue;
			text_zone(&text, id, type);
			text_char(&text, ' ');
			for (unsigned int o = 0; o <= pool->max_order; o++) {
				text_dec(&text, (s64)zone_nr_free(pool, zone, o), 6);
				text_char(&text, ' ');
			}
			text_char(&text, '\n');
		}
	return text.length;
}

/* ------------------------------------------------------------ pagetypeinfo */

#define COUNT_MAX 100000u /* Linux stops counting here */

/* Is the type configured? CMA only where somebody made such a pageblock. */
static bool type_shown(const struct pb_pool *pool, unsigned int type)
{
	if (type != PB_MIGRATE_CMA)
		return true;
	for (u32 i = 0; i < pool->super->nr_pageblocks; i++)
		if (frame_is_there(pool, i << pool->pageblock_order) &&
		    pageblock_type(pool, i) == PB_MIGRATE_CMA)
			return true;
	return false;
}

/* Counts as Linux does: a list at a time under the lock, and a very long one not to its end. */
static void linked_lengths(const struct pb_pool *pool, const struct zone *zone, unsigned int type,
			   u32 lengths[NR_ORDERS_MAX])
{
	struct stripe *stripe = zone_stripe(pool, zone, 0);
	struct free_list *lists = area_lists(pool, stripe);

	for (unsigned int order = 0; order <= pool->max_order; order++) {
		u32 n = 0;

		pb_platform_lock(&stripe->lock);
		for (u32 frame = linked_head(lists, area_list(order, type));
		     frame != NO_FRAME && n < COUNT_MAX; frame = linked_after(pool, frame))
			n++;
		pb_platform_unlock(&stripe->lock);
		lengths[order] = n;
	}
}

/* Does a free block of this order, at least the pageblock's, begin with the pageblock? */
static bool begins_free(const struct pb_pool *pool, u32 pageblock, unsigned int order)
{
	u32 frame = pageblock << pool->pageblock_order;

	return !(frame & ((1u << order) - 1)) && block_is_free(pool, frame, order);
}

static void tight_lengths(const struct pb_pool *pool, const struct zone *zone, unsigned int type,
			  u32 lengths[NR_ORDERS_MAX])
{
	u32 first = zone_first_pageblock(pool, zone);

	for (u32 i = first; i < first + zone_nr_pageblocks(pool, zone); i++) {
		const struct pageblock *pb = pool_pageblock(pool, i);
		struct stripe *stripe = frame_stripe(pool, zone, i << pool->pageblock_order);

		if (!frame_is_there(pool, i << pool->pageblock_order) ||
		    pageblock_type(pool, i) != type)
			continue;
		pb_platform_lock(&stripe->lock);
		for (unsigned int order = 0; order <= pool->max_order; order++)
			lengths[order] += order < pool->pageblock_order
						  ? pb->nr_free[order]
						  : begins_free(pool, i, order);
		pb_platform_unlock(&stripe->lock);
	}
}

static void text_type_row(struct text *text, const struct pb_pool *pool, const struct zone *zone,
			  unsigned int type)
{
	u32 lengths[NR_ORDERS_MAX] = { 0 };

	text_str(text, "Node ");
	text_dec(text, zone->node, 4);
	text_str(text, ", zone ");
	text_str_pad(text, pb_zone_name(zone->type), 8);
	text_str(text, ", type ");
	text_str_pad(text, pb_migratetype_name(type), 12);
	text_char(text, ' ');
	if (pool_is_linked(pool))
		linked_lengths(pool, zone, type, lengths);
	else
		tight_lengths(pool, zone, type, lengths);
	for (unsigned int o = 0; o <= pool->max_order; o++) {
		u32 n = lengths[o] < COUNT_MAX ? lengths[o] : COUNT_MAX;

		text_str(text, n == COUNT_MAX ? ">" : "");
		text_dec(text, n, 6);
		text_char(text, ' ');
	}
	text_char(text, '\n');
}

static void text_blocks_row(struct text *text, const struct pb_pool *pool, const struct zone *zone)
{
	u32 first = zone_first_pageblock(pool, zone);
	u64 counts[PB_MIGRATE_TYPES] = { 0 };

	for (u32 i = 0; i < zone_nr_pageblocks(pool, zone); i++) {
		u64 pfn = frame_to_pfn(pool, (first + i) << pool->pageblock_order);

		/* rounding to spans adds pageblocks that no frame of the zone is in */
		if (frame_is_there(pool, (first + i) << pool->pageblock_order) &&
		    pfn + pageblock_pages(pool) > zone->start_pfn &&
		    pfn < zone->start_pfn + zone->spanned)
			counts[pageblock_type(pool, first + i)]++;
	}
	text_zone(text, zone->node, zone->type);
	text_char(text, ' ');
	for (unsigned int t = 0; t < PB_MIGRATE_TYPES; t++)
		if (type_shown(pool, t)) {
			text_dec(text, (s64)counts[t], 12);
			text_char(text, ' ');
		}
	text_char(text, '\n');
}

static void text_pagetype_head(struct text *text, const struct pb_pool *pool)
{
	text_str(text, "Page block order: ");
	text_dec(text, pool->pageblock_order, 0);
	text_str(text, "\nPages per block:  ");
	text_dec(text, (s64)pageblock_pages(pool), 0);
	text_str(text, "\n\n");
	text_str_pad(text, "Free pages count per migrate type at order", -43);
	text_char(text, ' ');
	for (unsigned int o = 0; o <= pool->max_order; o++) {
		text_dec(text, o, 6);
		text_char(text, ' ');
	}
	text_char(text, '\n');
}

static void text_pagetype_node(struct text *text, const struct pb_pool *pool, u32 id)
{
	text_pagetype_head(text, pool);
	for (unsigned int z = 0; z < PB_NR_ZONE_TYPES; z++)
		for (unsigned int t = 0; node_zone(pool, id, z) && t < PB_MIGRATE_TYPES; t++)
			if (type_shown(pool, t))
				text_type_row(text, pool, node_zone(pool, id, z), t);
	text_char(text, '\n');
	text_str_pad(text, "Number of blocks type ", -23);
	for (unsigned int t = 0; t < PB_MIGRATE_TYPES; t++)
		if (type_shown(pool, t)) {
			text_str_pad(text, pb_migratetype_name(t), 12);
			text_char(text, ' ');
		}
	text_char(text, '\n');
	for (unsigned int z = 0; z < PB_NR_ZONE_TYPES; z++)
		if (node_zone(pool, id, z))
			text_blocks_row(text, pool, node_zone(pool, id, z));
}

static bool node_populated(const struct pb_pool *pool, u32 id)
{
	for (unsigned int z = 0; z < PB_NR_ZONE_TYPES; z++)
		if (node_zone(pool, id, z))
			return true;
	return false;
}

size_t pb_pagetypeinfo(struct pb_pool *pool, char *buffer, size_t size)
{
	struct text text = { buffer, size, 0 };

	pool_enter(pool); /* the stripes' locks are taken */
	for (u32 id = 0; id < pool->super->nr_nodes; id++)
		if (node_populated(pool, id))
			text_pagetype_node(&text, pool, id);
	pool_leave(pool);
	return text.length;
}

/* ---------------------------------------------------------------- zoneinfo */

enum counter { COUNT_ZERO, COUNT_FREE, COUNT_FREE_BLOCKS, COUNT_FREE_CMA };

/* Counters by layout: a bit per enum pb_text_layout. */
static const struct {
	const char *name;
	u8 layouts;
	u8 what;
} zone_counters[] = {
	{ "nr_free_pages", 63, COUNT_FREE },
	{ "nr_free_pages_blocks", 36, COUNT_FREE_BLOCKS },
	{ "nr_zone_inactive_anon", 63, COUNT_ZERO },
	{ "nr_zone_active_anon", 63, COUNT_ZERO },
	{ "nr_zone_inactive_file", 63, COUNT_ZERO },
	{ "nr_zone_active_file", 63, COUNT_ZERO },
	{ "nr_zone_unevictable", 63, COUNT_ZERO },
	{ "nr_zone_write_pending", 63, COUNT_ZERO },
	{ "nr_mlock", 63, COUNT_ZERO },
	{ "nr_page_table_pages", 9, COUNT_ZERO },
	{ "nr_kernel_stack", 1, COUNT_ZERO },
	{ "nr_bounce", 27, COUNT_ZERO },
	{ "nr_zspages", 63, COUNT_ZERO },
	{ "nr_free_cma", 63, COUNT_FREE_CMA },
};

static u64 counter_value(const struct pb_pool *pool, const struct zone *zone, unsigned int what)
{
	u64 pages = 0;

	switch (what) {
	case COUNT_FREE:
		return (u64)zone_vm_free_pages(pool, zone);
	case COUNT_FREE_BLOCKS:
		for (unsigned int o = pool->pageblock_order; o <= pool->max_order; o++)
			pages += (u64)zone_nr_free(pool, zone, o) << o;
		return pages;
	case COUNT_FREE_CMA:
		return (u64)zone_free_cma(pool, zone);
	}
	return 0;
}

static void text_counter(struct text *text, const char *name, u64 value)
{
	text_str(text, "\n      ");
	text_str_pad(text, name, -12);
	text_char(text, ' ');
	text_dec(text, (s64)value, 0);
}

/* Writes what a zone type without memory has for each mark. */
static u64 absent_mark(const struct pb_pool *pool, unsigned int type)
{
	return type == PB_ZONE_MOVABLE && pool_is_linked(pool) && policy(pool)->movable_apart ? 32
											      : 0;
}

static void text_zone_sizes(struct text *text, const struct pb_pool *pool, const struct zone *zone,
			    unsigned int type, enum pb_text_layout layout)
{
	static const char *const marks[] = { "        min      ", "        low      ",
					     "        high     ", "        promo    " };
	bool old = layout == PB_TEXT_5_4 || layout == PB_TEXT_5_10;
	bool promo = layout == PB_TEXT_6_18 || layout == PB_TEXT_6_12 || layout == PB_TEXT_7_2;

	text_line(text, "  pages free     ", zone ? (u64)zone_vm_free_pages(pool, zone) : 0);
	if (!old)
		text_line(text, "        boost    ",
			  zone ? load_relaxed(&zone->watermark_boost) : 0);
	for (unsigned int m = 0; m < (promo ? 4u : 3u); m++)
		text_line(text, marks[m], zone ? wmark_pages(zone, m) : absent_mark(pool, type));
	text_line(text, "        spanned  ", zone ? zone->spanned : 0);
	text_line(text, "        present  ", zone ? load_relaxed(&zone->present) : 0);
	text_line(text, "        managed  ", zone ? load_relaxed(&zone->managed) : 0);
	if (!old)
		text_line(text, "        cma      ", 0);
}

static void text_protection(struct text *text, const struct pb_pool *pool, const struct zone *zone)
{
	bool first = true;

	text_str(text, "\n        protection: (");
	for (unsigned int j = 0; j < PB_NR_ZONE_TYPES; j++) {
		if (!(pool->super->zone_types >> j & 1))
			continue;
		text_str(text, first ? "" : ", ");
		text_dec(text, zone ? lowmem_reserve(zone, j) : 0, 0);
		first = false;
	}
	text_str(text, ")");
}

static void text_pageset(struct text *text, struct pb_pool *pool, u32 number, u32 cpu,
			 enum pb_text_layout layout)
{
	struct pb_pcp_stat pcp;
	bool wide = layout == PB_TEXT_6_18 || layout == PB_TEXT_7_2;

	(void)pb_pcp_stats(pool, number, cpu, &pcp);
	text_line(text, "    cpu: ", cpu);
	text_line(text,
		  wide ? "              count:    " : "              count: ", (u64)pcp.count);
	text_line(text, wide ? "              high:     " : "              high:  ", (u64)pcp.high);
	text_line(text,
		  wide ? "              batch:    " : "              batch: ", (u64)pcp.batch);
	if (wide) {
		text_line(text, "              high_min: ", (u64)pcp.high_min);
		text_line(text, "              high_max: ", (u64)pcp.high_max);
	}
	text_line(text, "  vm stats threshold: ",
		  (u64)load_relaxed(&pool_zone(pool, number)->stat_threshold));
}

static void text_zone_counters(struct text *text, struct pb_pool *pool, const struct zone *zone,
			       enum pb_text_layout layout)
{
	static const char *const names[] = { "numa_hit",        "numa_miss",  "numa_foreign",
					     "numa_interleave", "numa_local", "numa_other" };
	uint64_t numa[PB_NR_NUMA_EVENTS];

	for (size_t i = 0; i < sizeof(zone_counters) / sizeof(zone_counters[0]); i++)
		if (zone_counters[i].layouts >> layout & 1)
			text_counter(text, zone_counters[i].name,
				     counter_value(pool, zone, zone_counters[i].what));
	(void)pb_numa_stats(pool, zone_number(pool, zone), numa);
	for (unsigned int i = 0; i < PB_NR_NUMA_EVENTS; i++)
		text_counter(text, names[i], numa[i]);
}

static u64 free_highatomic(const struct pb_pool *pool, const struct zone *zone)
{
	u64 pages = 0;

	for (u32 i = 0; pool_is_linked(pool) && i < zone->nr_stripes; i++)
		pages += (u64)load_relaxed(&zone_stripe(pool, zone, i)->nr_free_highatomic);
	return pages;
}

/* Writes what follows the zone's name, and the node's statistics in its first zone. */
static void text_zoneinfo_zone(struct text *text, struct pb_pool *pool, u32 id, unsigned int type,
			       enum pb_text_layout layout)
{
	const struct zone *zone = node_zone(pool, id, type);

	text_zone_sizes(text, pool, zone, type, layout);
	text_protection(text, pool, zone);
	if (zone) {
		text_zone_counters(text, pool, zone, layout);
		text_str(text, "\n  pagesets");
		for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
			text_pageset(text, pool, zone_number(pool, zone), cpu, layout);
		text_line(text, "  node_unreclaimable:  ", zone->unreclaimable);
		text_line(text, "  start_pfn:           ", zone->start_pfn);
		if (layout == PB_TEXT_7_2) {
			text_line(text, "  reserved_highatomic: ",
				  load_relaxed(&zone->nr_reserved_highatomic));
			text_line(text, "  free_highatomic:     ", free_highatomic(pool, zone));
		}
	}
	text_char(text, '\n');
}

size_t pb_zoneinfo(struct pb_pool *pool, enum pb_text_layout layout, char *buffer, size_t size)
{
	struct text text = { buffer, size, 0 };

	for (u32 id = 0; id < pool->super->nr_nodes; id++) {
		bool first = true;

		if (!pool_node(pool, id)->online)
			continue;
		for (unsigned int type = 0; type < PB_NR_ZONE_TYPES; type++) {
			bool populated = node_zone(pool, id, type) != NULL;

			if (!(pool->super->zone_types >> type & 1))
				continue;
			text_zone(&text, id, type);
			if (first && populated)
				text_str(&text, "\n  per-node stats");
			text_zoneinfo_zone(&text, pool, id, type, layout);
			first = first && !populated;
		}
	}
	return text.length;
}
