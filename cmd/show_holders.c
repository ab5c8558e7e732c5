// SPDX-License-Identifier: MIT
/* show --root FILE for what is not about zones: page_owner, allocinfo, indices. */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <holders.h>
#include <pasted.h>

#include "show.h"

#define ROWS 20 /* of a table in text; JSON has all */

static unsigned long long u(uint64_t value)
{
	return value;
}

static const char *amount(uint64_t bytes, char *text, size_t size)
{
	const struct show_machine in_kb = { .page_size = 1024 };

	return show_pages(&in_kb, bytes >> 10, text, size);
}

/* ---------------------------------------------------------------- page_owner */

static const char *tasks_of(const struct pb_held_block *block, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (unsigned int i = 0; i < block->nr_by && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
					 block->by[i]);
	return text;
}

static void owner_blocks_text(const struct pb_page_owner *owner)
{
	char by[72];

	printf("%zu of %zu pageblocks in it are Movable or CMA and hold unmovable pages:\n"
	       "they can't become whole, and CMA can't be had, as long as these stay.\n\n",
	       owner->nr_spoiled, owner->nr_blocks);
	printf("%9s  %-10s %12s %9s %8s  %s\n", "pageblock", "type", "first pfn", "unmovable",
	       "movable", "held by");
	for (size_t i = 0; i < owner->nr_blocks && i < ROWS; i++) {
		const struct pb_held_block *b = &owner->blocks[i];

		printf("%9llu  %-10.10s %#12llx %9llu %8llu  %.24s\n", u(b->number), b->type,
		       u(b->pfn), u(b->unmovable + b->reclaimable), u(b->movable),
		       tasks_of(b, by, sizeof(by)));
		if (b->site[0])
			printf("%46s by %.30s\n", "", b->site);
	}
	if (owner->nr_blocks > ROWS)
		printf("... and %zu more\n", owner->nr_blocks - ROWS);
}

static int owner_text(const struct pb_page_owner *owner)
{
	printf("page_owner: %llu allocations, %llu pages\n\n", u(owner->entries), u(owner->pages));
	if (owner->cut)
		printf("The dump is cut: it ends in the middle of an entry, and what would follow\n"
		       "is not counted.\n\n");
	if (owner->nr_blocks)
		owner_blocks_text(owner);
	else
		printf("No frames are in it: in which pageblocks they are can't be told.\n");
	printf("\n%-16s %-25s %-11s %5s %8s %7s\n", "task", "function", "type", "order", "pages",
	       "spoils");
	for (size_t i = 0; i < owner->nr_holders && i < ROWS; i++) {
		const struct pb_holder *h = &owner->holders[i];

		printf("%-16.16s %-25.25s %-11.11s %5u %8llu %7llu\n", h->comm,
		       h->site[0] ? h->site : "?", h->type, h->order, u(h->pages), u(h->spoiled));
	}
	if (owner->nr_holders > ROWS)
		printf("... and %zu more\n", owner->nr_holders - ROWS);
	if (owner->bad_lines)
		printf("%llu entries could not be read\n", u(owner->bad_lines));
	return CMD_OK;
}

static int owner_json(const struct pb_page_owner *owner)
{
	json_t *blocks = json_array(), *holders = json_array();

	for (size_t i = 0; i < owner->nr_blocks; i++) {
		const struct pb_held_block *b = &owner->blocks[i];
		json_t *by = json_array();

		for (unsigned int t = 0; t < b->nr_by; t++)
			json_array_append_new(by, json_string(b->by[t]));
		json_array_append_new(
			blocks,
			json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:o, s:s}", "block",
				  (json_int_t)b->number, "type", b->type, "pfn", (json_int_t)b->pfn,
				  "unmovable_pages", (json_int_t)b->unmovable, "reclaimable_pages",
				  (json_int_t)b->reclaimable, "movable_pages",
				  (json_int_t)b->movable, "by", by, "function", b->site));
	}
	for (size_t i = 0; i < owner->nr_holders; i++) {
		const struct pb_holder *h = &owner->holders[i];

		json_array_append_new(
			holders, json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:I}", "comm", h->comm,
					   "function", h->site, "type", h->type, "order",
					   (int)h->order, "blocks", (json_int_t)h->blocks, "pages",
					   (json_int_t)h->pages, "spoils", (json_int_t)h->spoiled));
	}
	return cmd_print_json(
		json_pack("{s:i, s:s, s:b, s:I, s:I, s:I, s:o, s:o}", "schema", CMD_SCHEMA, "kind",
			  "page_owner", "cut", owner->cut, "entries", (json_int_t)owner->entries,
			  "pages", (json_int_t)owner->pages, "bad", (json_int_t)owner->bad_lines,
			  "pageblocks", blocks, "holders", holders));
}

/* ----------------------------------------------------------------- allocinfo */

static int allocinfo_text(const struct pb_allocinfo *info)
{
	char text[24];

	printf("Memory by the place that allocated it: %s in %llu allocations of %zu places\n\n",
	       amount(info->bytes, text, sizeof(text)), u(info->calls), info->nr_sites);
	printf("%9s %5s %9s  %-24s %s\n", "memory", "share", "calls", "function", "place");
	for (size_t i = 0; i < info->nr_sites && i < ROWS && info->sites[i].bytes; i++) {
		const struct pb_alloc_site *s = &info->sites[i];

		printf("%9s %3.0f %% %9llu  %-24.24s %.27s\n", amount(s->bytes, text, sizeof(text)),
		       100.0 * (double)s->bytes / (double)info->bytes, u(s->calls), s->function,
		       s->place);
	}
	if (info->bad_lines)
		printf("%llu lines could not be read\n", u(info->bad_lines));
	return CMD_OK;
}

static int allocinfo_json(const struct pb_allocinfo *info)
{
	json_t *sites = json_array();

	for (size_t i = 0; i < info->nr_sites; i++)
		json_array_append_new(sites, json_pack("{s:s, s:s, s:I, s:I}", "function",
						       info->sites[i].function, "place",
						       info->sites[i].place, "bytes",
						       (json_int_t)info->sites[i].bytes, "calls",
						       (json_int_t)info->sites[i].calls));
	return cmd_print_json(json_pack("{s:i, s:s, s:I, s:I, s:I, s:o}", "schema", CMD_SCHEMA,
					"kind", "allocinfo", "bytes", (json_int_t)info->bytes,
					"calls", (json_int_t)info->calls, "bad",
					(json_int_t)info->bad_lines, "sites", sites));
}

/* ------------------------------------------------------------------- indices */

static unsigned int first_failing(const struct pb_index_zone *zone)
{
	unsigned int o = 0;

	while (o < zone->nr_orders && zone->index[o] < 0)
		o++;
	return o;
}

static void index_sentence(const struct pb_index_zone *zone)
{
	unsigned int o = first_failing(zone);

	if (o == zone->nr_orders)
		printf("  A block of every order is free: nothing is fragmented so far that a\n"
		       "  request would fail for it.\n");
	else
		printf("  Order %u and above has no free block: index %.3f,\n  %s.\n", o,
		       zone->index[o],
		       zone->index[o] > 0.5 ? "fragmentation, compaction can help"
					    : "rather lack of memory, reclaim can help");
}

static int index_text(const struct pb_index *index)
{
	printf("%s\n",
	       index->unusable
		       ? "Share of free memory that lies in blocks too small for the order"
		       : "Fragmentation index: -1 a block is free, towards 0 lack of memory,\n"
			 "towards 1 fragmentation");
	for (size_t i = 0; i < index->nr_zones; i++) {
		const struct pb_index_zone *zone = &index->zones[i];

		printf("\nNode %d, zone %s\n", zone->node, zone->name);
		for (unsigned int o = 0; o < zone->nr_orders; o++)
			printf("%s%7.3f", o && o % 11 == 0 ? "\n" : "", zone->index[o]);
		putchar('\n');
		if (!index->unusable)
			index_sentence(zone);
	}
	return CMD_OK;
}

static int index_json(const struct pb_index *index)
{
	json_t *zones = json_array();

	for (size_t i = 0; i < index->nr_zones; i++) {
		const struct pb_index_zone *zone = &index->zones[i];
		unsigned int failing = first_failing(zone);
		json_t *values = json_array();

		for (unsigned int o = 0; o < zone->nr_orders; o++)
			json_array_append_new(values, json_real(zone->index[o]));
		json_array_append_new(zones,
				      json_pack("{s:i, s:s, s:o, s:o}", "node", zone->node, "zone",
						zone->name, "index", values, "first_failing_order",
						index->unusable || failing == zone->nr_orders
							? json_null()
							: json_integer(failing)));
	}
	return cmd_print_json(json_pack("{s:i, s:s, s:o}", "schema", CMD_SCHEMA, "kind",
					index->unusable ? "unusable_index" : "extfrag_index",
					"zones", zones));
}

/* --------------------------------------------------------------------- whole */

static int print(enum pb_loose_kind kind, const char *path, const char *text, size_t len, bool json)
{
	struct pb_page_owner owner;
	struct pb_allocinfo info;
	struct pb_index index;
	char error[200];
	int status;

	switch (kind) {
	case PB_LOOSE_PAGE_OWNER:
		if (pb_page_owner_parse(text, len, &owner, error, sizeof(error)))
			break;
		status = json ? owner_json(&owner) : owner_text(&owner);
		pb_page_owner_free(&owner);
		return status;
	case PB_LOOSE_ALLOCINFO:
		if (pb_allocinfo_parse(text, len, &info, error, sizeof(error)))
			break;
		status = json ? allocinfo_json(&info) : allocinfo_text(&info);
		pb_allocinfo_free(&info);
		return status;
	default:
		if (pb_index_parse(text, len, &index, error, sizeof(error)))
			break;
		status = json ? index_json(&index) : index_text(&index);
		pb_index_free(&index);
		return status;
	}
	return cmd_error("show", "%s: %s", path, error);
}

/* The one file that is named, or one of these names in the directory. */
static bool find(const char *where, char *path, size_t size)
{
	static const char *const names[] = {
		"page_owner", "page_owner.txt", "allocinfo", "extfrag_index", "unusable_index",
	};
	struct stat st;

	if (stat(where, &st))
		return false;
	if (!S_ISDIR(st.st_mode)) {
		snprintf(path, size, "%s", where);
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pb_snapshot_find(where, names[i], NULL, path, size))
			return true;
	return false;
}

int show_holders(const char *where, bool json)
{
	enum pb_loose_kind kind;
	char path[4200], error[256];
	size_t len;
	char *text;
	int status = -1;

	if (!strcmp(where, "-"))
		snprintf(path, sizeof(path), "-");
	else if (!find(where, path, sizeof(path)))
		return -1;
	text = pb_read_file(path, 1u << 30, &len, error, sizeof(error));
	if (!text)
		return -1;
	len = pb_paste_clean(text, len);
	kind = pb_loose_kind(text, len);
	if (kind == PB_LOOSE_PAGE_OWNER || kind == PB_LOOSE_ALLOCINFO || kind == PB_LOOSE_INDEX)
		status = print(kind, path, text, len, json);
	free(text);
	return status;
}
