/* SPDX-License-Identifier: MIT */
/* Free blocks by order from two other tools: node_exporter and crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loose.h"

/* The zone of that node and name, added if need be; NULL: no memory. */
static struct pb_buddyinfo_zone *zone_of(struct pb_buddyinfo *info, int node, const char *name)
{
	struct pb_buddyinfo_zone *zones;

	for (size_t i = 0; i < info->nr_zones; i++)
		if (info->zones[i].node == node && !strcmp(info->zones[i].name, name))
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

static int exporter_line(struct pb_buddyinfo *info, const char *line)
{
	char node[16], order[16], zone[32];
	const char *close = strrchr(line, '}');
	char *end;
	long o;

	if (strncmp(line, "node_buddyinfo_blocks{", 22) || !close ||
	    !label(line, "node", node, sizeof(node)) ||
	    !label(line, "size", order, sizeof(order)) || !label(line, "zone", zone, sizeof(zone)))
		return 0;
	o = strtol(order, &end, 10);
	if (*end || o < 0 || o >= PB_PROC_ORDERS)
		return 0;
	return set_blocks(info, atoi(node), zone, (unsigned int)o,
			  (uint64_t)strtod(close + 1, NULL));
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

static int each_line(const char *text, size_t len, struct kmem *kmem, struct pb_buddyinfo *info)
{
	char line[512];

	for (const char *at = text, *end = text + len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1),
			 at);
		if (kmem ? kmem_line(kmem, info, line) : exporter_line(info, line))
			return -1;
		at = newline ? newline + 1 : end;
	}
	return 0;
}

static int parse(const char *text, size_t len, struct kmem *kmem, struct pb_buddyinfo *info,
		 char *error, size_t size)
{
	memset(info, 0, sizeof(*info));
	if (!each_line(text, len, kmem, info) && info->nr_zones)
		return 0;
	snprintf(error, size, "no free list is in it; expected %s",
		 kmem ? "the tables of crash's kmem -f" : "node_buddyinfo_blocks{...} N");
	pb_buddyinfo_free(info);
	return -1;
}

int pb_exporter_parse(const char *text, size_t len, struct pb_buddyinfo *info, char *error,
		      size_t size)
{
	return parse(text, len, NULL, info, error, size);
}

int pb_kmem_parse(const char *text, size_t len, struct pb_buddyinfo *info, char *error, size_t size)
{
	struct kmem kmem = { .section = NOWHERE };

	return parse(text, len, &kmem, info, error, size);
}
