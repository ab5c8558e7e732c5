/* SPDX-License-Identifier: MIT */
/* Free blocks by order from two other tools: node_exporter and crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loose.h"

/* Names are kept as far as there is room for them, and compared as far. */
static bool is_zone(const struct pb_buddyinfo_zone *zone, int node, const char *name)
{
	return zone->node == node && !strncmp(zone->name, name, sizeof(zone->name) - 1);
}

/* The zone of that node and name, added if need be; NULL: no memory. */
static struct pb_buddyinfo_zone *zone_of(struct pb_buddyinfo *info, int node, const char *name)
{
	struct pb_buddyinfo_zone *zones;

	for (size_t i = 0; i < info->nr_zones; i++)
		if (is_zone(&info->zones[i], node, name))
			return &info->zones[i];
	zones = realloc(info->zones, (info->nr_zones + 1) * sizeof(*zones));
	if (!zones)
		return NULL;
	info->zones = zones;
	memset(&zones[info->nr_zones], 0, sizeof(*zones));
	zones[info->nr_zones].node = node;
	snprintf(zones[info->nr_zones].name, sizeof(zones->name), "%.15s", name);
	return &zones[info->nr_zones++];
}

static int set_blocks(struct pb_buddyinfo *info, int node, const char *name, unsigned int order,
		      uint64_t blocks)
{
	struct pb_buddyinfo_zone *zone = zone_of(info, node, name);

	if (!zone)
		return -1;
	zone->nr_free[order] = blocks;
	if (order >= info->nr_orders)
		info->nr_orders = order + 1;
	return 0;
}

/* The value of `key` in {node="0",size="10",zone="DMA"}, in any order. */
static bool label(const char *line, const char *key, char *value, size_t size)
{
	char start[32];
	const char *at, *end;

	snprintf(start, sizeof(start), "%s=\"", key);
	at = strstr(line, start);
	end = at ? strchr(at + strlen(start), '"') : NULL;
	if (!end)
		return false;
	at += strlen(start);
	snprintf(value, size, "%.*s", (int)(end - at), at);
	return true;
}

/*
 * Several scrapes one after the other, or a dump of a time series: of each list the
 * oldest and the newest count are kept. The order of the lines is that of time
 * where they have no time behind them.
 */
struct scrapes {
	struct pb_buddyinfo first, last;
	struct when {
		double first[PB_PROC_ORDERS], last[PB_PROC_ORDERS];
		bool seen[PB_PROC_ORDERS];
	} * when;        /* of each zone */
	unsigned int nr; /* of the list that is counted, the first one */
	double from, to; /* ms; the numbers of lines if there are no times */
	bool timed;
};

static int add_zone_times(struct scrapes *s)
{
	struct when *when = realloc(s->when, s->last.nr_zones * sizeof(*when));

	if (!when)
		return -1;
	s->when = when;
	memset(&when[s->last.nr_zones - 1], 0, sizeof(*when));
	return 0;
}

/* One value of one list. */
static int add_value(struct scrapes *s, int node, const char *name, unsigned int order,
		     uint64_t blocks, double time)
{
	size_t before = s->last.nr_zones, z = 0;
	struct when *when;

	if (!zone_of(&s->last, node, name) || !zone_of(&s->first, node, name))
		return -1;
	if (s->last.nr_zones > before && add_zone_times(s))
		return -1;
	while (!is_zone(&s->last.zones[z], node, name))
		z++;
	when = &s->when[z];
	if ((!when->seen[order] || time < when->first[order]) &&
	    !set_blocks(&s->first, node, name, order, blocks))
		when->first[order] = time;
	if ((!when->seen[order] || time >= when->last[order]) &&
	    !set_blocks(&s->last, node, name, order, blocks))
		when->last[order] = time;
	when->seen[order] = true;
	if (z == 0 && order == 0) {
		s->from = !s->nr || time < s->from ? time : s->from;
		s->to = !s->nr || time > s->to ? time : s->to;
		s->nr++;
	}
	return 0;
}

/* "node_buddyinfo_blocks{node="0",size="10",zone="DMA"} 4 1709600000000" */
static int exporter_line(struct scrapes *s, const char *line, double number)
{
	char node[16], order[16], zone[32];
	const char *close = strrchr(line, '}');
	char *end;
	double blocks, time;
	long o;

	if (!strstr(line, "node_buddyinfo_blocks") || !close ||
	    !label(line, "node", node, sizeof(node)) ||
	    !label(line, "size", order, sizeof(order)) || !label(line, "zone", zone, sizeof(zone)))
		return 0;
	o = strtol(order, &end, 10);
	if (*end || o < 0 || o >= PB_PROC_ORDERS)
		return 0;
	blocks = strtod(close + 1, &end);
	if (end == close + 1 || !(blocks >= 0 && blocks < 1e15))
		return 0;
	time = strtod(end, &end);
	if (time > 0)
		s->timed = true;
	return add_value(s, atoi(node), zone, (unsigned int)o, (uint64_t)blocks,
			 time > 0 ? time : number);
}

static uint64_t free_in(const struct pb_buddyinfo_zone *zone, int *largest)
{
	uint64_t pages = 0;

	*largest = -1;
	for (int o = 0; o < PB_PROC_ORDERS; o++) {
		pages += zone->nr_free[o] << o;
		if (zone->nr_free[o])
			*largest = o;
	}
	return pages;
}

static void note_trend(const struct scrapes *s, struct pb_notes *notes)
{
	double seconds = (s->to - s->from) / 1000;

	if (s->nr < 2)
		return;
	if (s->timed)
		pb_note(notes, "%u samples over %.0f s; the last one is shown", s->nr, seconds);
	else
		pb_note(notes, "%u samples, without times; the last one is shown", s->nr);
	for (size_t z = 0; z < s->last.nr_zones; z++) {
		int was, is;
		uint64_t pages_were = free_in(&s->first.zones[z], &was);
		uint64_t pages_are = free_in(&s->last.zones[z], &is);

		pb_note(notes,
			"node %d, zone %s: from %llu free pages in blocks up to order %d to %llu in "
			"blocks up to order %d",
			s->last.zones[z].node, s->last.zones[z].name,
			(unsigned long long)pages_were, was, (unsigned long long)pages_are, is);
	}
}

/*
 *	NODE
 *	  0
 *	ZONE  NAME        SIZE    FREE ...
 *	  0   DMA          4096    1969 ...
 *	AREA  SIZE  FREE_AREA_STRUCT  BLOCKS  PAGES
 *	  0     4k      c0391004           7      7
 */
struct kmem {
	enum { NOWHERE, NODE, ZONE, AREA } section;
	int node;
	char zone[16];
};

static int kmem_line(struct kmem *kmem, struct pb_buddyinfo *info, const char *line)
{
	unsigned int order;
	unsigned long long blocks;
	char size[16], address[32], name[32];

	if (strstr(line, "NODE"))
		kmem->section = NODE;
	else if (strstr(line, "ZONE"))
		kmem->section = ZONE;
	else if (strstr(line, "AREA"))
		kmem->section = AREA;
	else if (kmem->section == NODE && sscanf(line, " %d", &kmem->node) == 1)
		kmem->section = NOWHERE;
	else if (kmem->section == ZONE && sscanf(line, " %*d %31s", name) == 1)
		snprintf(kmem->zone, sizeof(kmem->zone), "%.15s", name);
	else if (kmem->section == AREA && kmem->zone[0] &&
		 sscanf(line, " %u %15s %31s %llu", &order, size, address, &blocks) == 4 &&
		 order < PB_PROC_ORDERS)
		return set_blocks(info, kmem->node, kmem->zone, order, blocks);
	return 0;
}

static int each_line(const char *text, size_t len, struct kmem *kmem, struct pb_buddyinfo *info,
		     struct scrapes *scrapes)
{
	char line[512];
	double number = 0;

	for (const char *at = text, *end = text + len; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1),
			 at);
		if (kmem ? kmem_line(kmem, info, line) : exporter_line(scrapes, line, number))
			return -1;
		at = newline ? newline + 1 : end;
	}
	return 0;
}

int pb_exporter_parse(const char *text, size_t len, struct pb_buddyinfo *info,
		      struct pb_notes *notes, char *error, size_t size)
{
	struct scrapes s = { .nr = 0 };
	int status = each_line(text, len, NULL, NULL, &s);

	memset(info, 0, sizeof(*info));
	if (status || !s.last.nr_zones) {
		snprintf(error, size, "%s",
			 status ? "out of memory"
				: "no free list is in it; expected node_buddyinfo_blocks{...} N");
		pb_buddyinfo_free(&s.last);
		status = -1;
	} else {
		note_trend(&s, notes);
		*info = s.last;
	}
	pb_buddyinfo_free(&s.first);
	free(s.when);
	return status;
}

int pb_kmem_parse(const char *text, size_t len, struct pb_buddyinfo *info, char *error, size_t size)
{
	struct kmem kmem = { .section = NOWHERE };

	memset(info, 0, sizeof(*info));
	if (!each_line(text, len, &kmem, info, NULL) && info->nr_zones)
		return 0;
	snprintf(error, size, "no free list is in it; expected the tables of crash's kmem -f");
	pb_buddyinfo_free(info);
	return -1;
}
