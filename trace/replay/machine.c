// SPDX-License-Identifier: MIT
/* The recorded machine, from its snapshots or made up from a size. */

#include <string.h>

#include "../rules/zones.h"
#include "internal.h"
#include "procfs.h"

#define PBR_CONFIGURED                                                    \
	(1u << PB_ZONE_DMA | 1u << PB_ZONE_DMA32 | 1u << PB_ZONE_NORMAL | \
	 1u << PB_ZONE_MOVABLE)          /* of a PC */
#define PC_DMA_END (UINT64_C(1) << 12)   /* pfn: 16 MB */
#define PC_DMA32_END (UINT64_C(1) << 20) /* pfn: 4 GB */

void pbr_machine_pc(struct pbr_machine *machine, uint64_t bytes)
{
	static const uint64_t ends[] = { PC_DMA_END, PC_DMA32_END, UINT64_MAX };
	uint64_t frames = bytes >> 12, start = 0;

	machine->nr_zones = 0;
	machine->configured = PBR_CONFIGURED;
	for (unsigned int i = 0; start < frames; i++) {
		struct pbr_zone *zone = &machine->zones[machine->nr_zones++];
		uint64_t end = frames < ends[i] ? frames : ends[i];

		*zone = (struct pbr_zone){ .type = (enum pb_zone_type)i, .start_pfn = start };
		zone->spanned = zone->present = zone->managed = end - start;
		start = end;
	}
}

static int zone_type(const char *name)
{
	for (int i = 0; i < PB_NR_ZONE_TYPES; i++)
		if (!strcmp(name, pb_zone_name((enum pb_zone_type)i)))
			return i;
	return -1;
}

static uint64_t pcp_pages(const struct pb_proc_zone *zone)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < zone->nr_pagesets; i++)
		pages += (uint64_t)zone->pagesets[i].count;
	return pages;
}

static uint64_t without(uint64_t value, uint64_t boost)
{
	return value > boost ? value - boost : 0;
}

/* protection: has one number per configured zone; zones without pages may not be printed. */
static unsigned int configured(const struct pb_zoneinfo *info)
{
	struct pb_rule_printed zones[4 * PBR_MAX_ZONES];
	int64_t reserve[4 * PBR_MAX_ZONES][PB_PROC_ZONES];
	struct pb_rule_dump dump = { .zones = zones,
				     .release = PB_RELEASE(6, 1, 0),
				     .all_zones = true };

	for (size_t i = 0; i < info->nr_zones && dump.nr_zones < 4 * PBR_MAX_ZONES; i++) {
		const struct pb_proc_zone *from = &info->zones[i];
		int type = zone_type(from->name);

		if (type < 0)
			continue;
		for (unsigned int k = 0; k < from->nr_protection; k++)
			reserve[dump.nr_zones][k] = (int64_t)from->protection[k];
		zones[dump.nr_zones] = (struct pb_rule_printed){ from->node, type,
								 from->nr_protection,
								 reserve[dump.nr_zones],
								 !from->managed };
		dump.nr_zones++;
	}
	return pb_rule_configured(&dump);
}

static void read_protection(unsigned int types, const struct pb_proc_zone *from,
			    struct pbr_zone *zone)
{
	for (int type = 0; type < PB_NR_ZONE_TYPES; type++) {
		int index = pb_rule_type_index(types, type);

		if (types >> type & 1 && index < (int)from->nr_protection)
			zone->lowmem_reserve[type] = from->protection[index];
	}
}

static void read_zone(unsigned int types, const struct pb_proc_zone *from, int type,
		      struct pbr_zone *zone)
{
	*zone = (struct pbr_zone){ .node = from->node,
				   .type = (enum pb_zone_type)type,
				   .start_pfn = from->start_pfn,
				   .spanned = from->spanned,
				   .present = from->present,
				   .managed = from->managed,
				   .boost = from->boost,
				   .start_free = from->free,
				   .start_pcp = pcp_pages(from) };
	zone->watermark[PB_WMARK_MIN] = without(from->min, from->boost);
	zone->watermark[PB_WMARK_LOW] = without(from->low, from->boost);
	zone->watermark[PB_WMARK_HIGH] = without(from->high, from->boost);
	zone->watermark[PB_WMARK_PROMO] = from->has_promo ? without(from->promo, from->boost)
							  : 2 * zone->watermark[PB_WMARK_HIGH] -
								    zone->watermark[PB_WMARK_LOW];
	read_protection(types, from, zone);
}

static struct pbr_zone *find_zone(struct pbr_machine *machine, int node, const char *name)
{
	for (unsigned int i = 0; i < machine->nr_zones; i++)
		if (machine->zones[i].node == node &&
		    !strcmp(pb_zone_name(machine->zones[i].type), name))
			return &machine->zones[i];
	return NULL;
}

static void read_buddyinfo(struct pbr_machine *machine, const struct pb_buddyinfo *info, bool end)
{
	for (size_t i = 0; i < info->nr_zones; i++) {
		struct pbr_zone *zone = find_zone(machine, info->zones[i].node,
						  info->zones[i].name);
		uint64_t *blocks = zone ? (end ? zone->end_blocks : zone->start_blocks) : NULL;

		for (unsigned int o = 0; blocks && o < info->nr_orders && o < PBR_ORDERS; o++)
			blocks[o] = info->zones[i].nr_free[o];
	}
}

static void read_pagetypes(struct pbr_machine *machine, const struct pb_pagetypeinfo *info,
			   bool end)
{
	for (size_t i = 0; i < info->nr_blocks; i++) {
		struct pbr_zone *zone = find_zone(machine, info->blocks[i].node,
						  info->blocks[i].zone);

		for (unsigned int t = 0; zone && t < info->nr_types; t++)
			for (int m = 0; m < PB_MIGRATE_TYPES; m++)
				if (!strcmp(info->types[t],
					    pb_migratetype_name((enum pb_migratetype)m)))
					(end ? zone->end_pageblocks : zone->start_pageblocks)[m] =
						info->blocks[i].count[t];
	}
}

static void read_end(struct pbr_machine *machine, const struct pb_snapshot *end)
{
	for (size_t i = 0; end->has_zoneinfo && i < end->zoneinfo.nr_zones; i++) {
		const struct pb_proc_zone *from = &end->zoneinfo.zones[i];
		struct pbr_zone *zone = find_zone(machine, from->node, from->name);

		if (!zone || !from->populated)
			continue;
		zone->end_free = from->free;
		zone->end_pcp = pcp_pages(from);
	}
	if (end->has_buddyinfo)
		read_buddyinfo(machine, &end->buddyinfo, true);
	if (end->has_pagetypeinfo)
		read_pagetypes(machine, &end->pagetypeinfo, true);
	machine->has_end = end->has_zoneinfo || end->has_buddyinfo;
}

/* The sizes that a kernel is built with; its buddyinfo and pagetypeinfo show them. */
static void read_sizes(struct pbr_machine *machine, const struct pb_snapshot *snapshot)
{
	if (snapshot->has_buddyinfo && snapshot->buddyinfo.nr_orders &&
	    snapshot->buddyinfo.nr_orders <= PBR_ORDERS)
		machine->max_order = snapshot->buddyinfo.nr_orders - 1;
	if (snapshot->has_pagetypeinfo)
		machine->pageblock_order = snapshot->pagetypeinfo.pageblock_order;
	if (machine->pageblock_order > machine->max_order)
		machine->pageblock_order = machine->max_order;
}

static void free_from_blocks(struct pbr_machine *machine, bool end)
{
	for (unsigned int z = 0; z < machine->nr_zones; z++) {
		struct pbr_zone *zone = &machine->zones[z];
		uint64_t *pages = end ? &zone->end_free : &zone->start_free;

		*pages = 0;
		for (unsigned int o = 0; o <= machine->max_order; o++)
			*pages += (end ? zone->end_blocks : zone->start_blocks)[o] << o;
	}
}

int pbr_machine_snapshot(struct pbr_machine *machine, const struct pb_snapshot *start,
			 const struct pb_snapshot *end)
{
	const struct pb_zoneinfo *info = start->has_zoneinfo ? &start->zoneinfo : &end->zoneinfo;

	machine->nr_zones = 0;
	machine->configured = configured(info);
	for (size_t i = 0; i < info->nr_zones && machine->nr_zones < PBR_MAX_ZONES; i++) {
		const struct pb_proc_zone *from = &info->zones[i];
		int type = zone_type(from->name);

		if (!from->populated || !from->spanned || type < 0 || type == PB_ZONE_DEVICE)
			continue;
		read_zone(machine->configured, from, type, &machine->zones[machine->nr_zones++]);
		if (from->nr_pagesets > machine->nr_cpus)
			machine->nr_cpus = from->nr_pagesets;
	}
	if (!machine->nr_zones)
		return -1;
	read_sizes(machine, start->has_buddyinfo ? start : end);
	if (start->has_buddyinfo)
		read_buddyinfo(machine, &start->buddyinfo, false);
	if (start->has_pagetypeinfo)
		read_pagetypes(machine, &start->pagetypeinfo, false);
	machine->from_snapshot = true;
	machine->has_start = start->has_buddyinfo;
	machine->has_free_map = start->has_free;
	read_end(machine, end);
	/* Without zoneinfo of that moment, buddyinfo tells the free pages too. */
	if (!start->has_zoneinfo && start->has_buddyinfo)
		free_from_blocks(machine, false);
	if (!end->has_zoneinfo && end->has_buddyinfo)
		free_from_blocks(machine, true);
	return 0;
}
