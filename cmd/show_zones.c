// SPDX-License-Identifier: MIT
/* From the files of /proc to one struct a zone. */

#include <string.h>

#include "show.h"

static const struct pb_buddyinfo_zone *find_buddyinfo(const struct pb_buddyinfo *info,
						      const struct show_zone *zone)
{
	for (size_t i = 0; i < info->nr_zones; i++)
		if (info->zones[i].node == zone->node && !strcmp(info->zones[i].name, zone->name))
			return &info->zones[i];
	return NULL;
}

static void add_blocks(const struct pb_snapshot *snapshot, struct show_machine *machine,
		       struct show_zone *zone)
{
	const struct pb_buddyinfo_zone *blocks = find_buddyinfo(&snapshot->buddyinfo, zone);
	unsigned int orders = machine->nr_orders;

	if (!blocks)
		return;
	zone->has_blocks = true;
	memcpy(zone->nr_free, blocks->nr_free, sizeof(zone->nr_free));
	for (unsigned int o = 0; o < orders; o++) {
		zone->extfrag[o] = pb_extfrag_index(zone->nr_free, orders, o);
		zone->unusable[o] = pb_unusable_index(zone->nr_free, orders, o);
	}
	for (unsigned int o = machine->pageblock_order; o < orders; o++)
		zone->free_2m += zone->nr_free[o] << (o - machine->pageblock_order);
}

/* CMA and Isolate say little where they are empty. */
static bool worth_showing(const struct show_type *type, unsigned int index)
{
	uint64_t sum = type->pageblocks;

	for (unsigned int o = 0; o < SHOW_ORDERS; o++)
		sum += type->nr_free[o];
	return sum || index < PB_MIGRATE_PCPTYPES;
}

static void fill_type(const struct pb_pagetypeinfo *info, const struct show_zone *zone,
		      unsigned int t, struct show_type *type)
{
	memset(type, 0, sizeof(*type));
	memcpy(type->name, info->types[t], sizeof(type->name));
	for (size_t i = 0; i < info->nr_blocks; i++)
		if (info->blocks[i].node == zone->node && !strcmp(info->blocks[i].zone, zone->name))
			type->pageblocks = info->blocks[i].count[t];
	for (size_t i = 0; i < info->nr_rows; i++) {
		const struct pb_pagetypeinfo_row *row = &info->rows[i];

		if (row->node == zone->node && !strcmp(row->zone, zone->name) &&
		    !strcmp(row->type, type->name))
			memcpy(type->nr_free, row->nr_free, sizeof(type->nr_free));
	}
}

static uint64_t free_pages_of(const struct show_type *type)
{
	uint64_t pages = 0;

	for (unsigned int o = 0; o < SHOW_ORDERS; o++)
		pages += type->nr_free[o] << o;
	return pages;
}

static void add_types(const struct pb_pagetypeinfo *info, bool by_free, struct show_zone *zone)
{
	for (unsigned int t = 0; t < info->nr_types; t++) {
		struct show_type *type = &zone->types[zone->nr_types];

		fill_type(info, zone, t, type);
		if (!strcmp(type->name, "HighAtomic"))
			zone->highatomic = by_free ? free_pages_of(type)
						   : type->pageblocks << info->pageblock_order;
		if (worth_showing(type, t))
			zone->nr_types++;
	}
	zone->has_types = true;
}

static void fill_zone(const struct pb_proc_zone *from, struct show_zone *zone)
{
	zone->node = from->node;
	memcpy(zone->name, from->name, sizeof(zone->name));
	zone->managed = from->managed;
	zone->present = from->present;
	zone->free = from->free;
	zone->boost = from->boost;
	zone->min = from->min;
	zone->low = from->low;
	zone->high = from->high;
	zone->promo = from->has_promo ? from->promo : 0;
	zone->cma = pb_counter(&from->counters, "nr_free_cma", 0);
	for (unsigned int i = 0; i < from->nr_protection; i++)
		if (from->protection[i] > zone->reserve)
			zone->reserve = from->protection[i];
	for (unsigned int i = 0; i < from->nr_pagesets; i++)
		zone->pcp += from->pagesets[i].count > 0 ? (uint64_t)from->pagesets[i].count : 0;
}

static void mark_highest(struct show_machine *machine)
{
	for (unsigned int i = 0; i < machine->nr_zones; i++)
		machine->zones[i].is_highest = i + 1 == machine->nr_zones ||
					       machine->zones[i + 1].node != machine->zones[i].node;
}

static void collect_zoneinfo(const struct pb_snapshot *snapshot, struct show_machine *machine)
{
	const struct pb_zoneinfo *info = &snapshot->zoneinfo;

	for (size_t i = 0; i < info->nr_zones; i++) {
		const struct pb_proc_zone *from = &info->zones[i];
		struct show_zone *zone = &machine->zones[machine->nr_zones];
		/* kernels with this counter hold back what is free in the reserve, the others
		   the whole of it */
		bool by_free = pb_counter(&from->counters, "nr_free_pages_blocks", UINT64_MAX) !=
			       UINT64_MAX;

		if (!from->populated || !from->managed || machine->nr_zones == SHOW_MAX_ZONES)
			continue;
		fill_zone(from, zone);
		add_blocks(snapshot, machine, zone);
		if (snapshot->has_pagetypeinfo)
			add_types(&snapshot->pagetypeinfo, by_free, zone);
		machine->nr_zones++;
	}
}

/* Without zoneinfo: what is free, and in which blocks. */
static void collect_blocks(const struct pb_snapshot *snapshot, struct show_machine *machine)
{
	const struct pb_buddyinfo *info = &snapshot->buddyinfo;

	for (size_t i = 0; i < info->nr_zones && machine->nr_zones < SHOW_MAX_ZONES; i++) {
		struct show_zone *zone = &machine->zones[machine->nr_zones++];

		zone->node = info->zones[i].node;
		memcpy(zone->name, info->zones[i].name, sizeof(zone->name));
		add_blocks(snapshot, machine, zone);
		for (unsigned int o = 0; o < machine->nr_orders; o++)
			zone->free += zone->nr_free[o] << o;
		if (snapshot->has_pagetypeinfo)
			add_types(&snapshot->pagetypeinfo, true, zone);
	}
}

int show_collect(const struct pb_snapshot *snapshot, struct show_machine *machine, char *error,
		 size_t size)
{
	machine->has_marks = snapshot->has_zoneinfo;
	machine->nr_orders = snapshot->has_buddyinfo ? snapshot->buddyinfo.nr_orders : 0;
	machine->pageblock_order = snapshot->has_pagetypeinfo &&
						   snapshot->pagetypeinfo.pageblock_order
					   ? snapshot->pagetypeinfo.pageblock_order
					   : PB_DEFAULT_PAGEBLOCK_ORDER;
	if (machine->has_marks)
		collect_zoneinfo(snapshot, machine);
	else
		collect_blocks(snapshot, machine);
	mark_highest(machine);
	if (!machine->nr_zones) {
		snprintf(error, size, "%s names no zone with memory",
			 machine->has_marks ? "zoneinfo" : "buddyinfo");
		return -1;
	}
	return 0;
}
