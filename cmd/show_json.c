// SPDX-License-Identifier: MIT
/*
 * The same for machines: kind "show" of docs/schema.md. Amounts are in pages of
 * "page_size" bytes. json: one object with an array of zones; ndjson: a row per
 * zone with the machine's fields in each.
 */
#include <string.h>
#include <time.h>

#include "show.h"

static json_t *time_json(int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[32];

	if (!seconds)
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&time));
	return json_string(text);
}

static json_t *notes_json(const struct show_machine *m)
{
	json_t *notes = json_array();

	for (unsigned int i = 0; i < m->notes.nr; i++)
		json_array_append_new(notes, json_string(m->notes.text[i]));
	return notes;
}

static json_t *machine_json(const struct show_machine *m)
{
	return json_pack("{s:i, s:s, s:o, s:s, s:s?, s:I, s:b, s:I, s:I, s:o}", "schema",
			 CMD_SCHEMA, "kind", "show", "time", time_json(m->time), "kernel",
			 m->kernel, "source", m->where[0] ? m->where : NULL, "page_size",
			 (json_int_t)m->page_size, "page_size_assumed", m->page_size_assumed,
			 "pageblock_order", (json_int_t)m->pageblock_order, "max_order",
			 (json_int_t)m->nr_orders - 1, "notes", notes_json(m));
}

static json_t *counts_json(const uint64_t *values, unsigned int n)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(array, json_integer((json_int_t)values[i]));
	return array;
}

static json_t *indices_json(const int *values, unsigned int n)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(array, json_real(values[i] / 1000.0));
	return array;
}

static void set_pages(json_t *object, const char *key, uint64_t pages)
{
	json_object_set_new(object, key, json_integer((json_int_t)pages));
}

/* Only zoneinfo tells these: null without it. */
static void set_known(const struct show_machine *m, json_t *object, const char *key, uint64_t pages)
{
	json_object_set_new(object, key,
			    m->has_marks ? json_integer((json_int_t)pages) : json_null());
}

static json_t *types_json(const struct show_machine *m, const struct show_zone *zone)
{
	json_t *types = json_array();

	for (unsigned int t = 0; t < zone->nr_types; t++) {
		const struct show_type *type = &zone->types[t];
		json_t *row = json_pack("{s:s, s:I, s:o}", "migratetype", type->name, "pageblocks",
					(json_int_t)type->pageblocks, "free_blocks",
					counts_json(type->nr_free, m->nr_orders));

		json_array_append_new(types, row);
	}
	return types;
}

/* The words of this field are older than those of `explain`, which are in "verdict". */
static const char *rule_name(bool fails, unsigned int order, enum pb_verdict_word word)
{
	if (!fails)
		return "none";
	switch (word) {
	case PB_SAYS_WATERMARK:
		return order ? "watermark" : "out_of_memory";
	case PB_SAYS_LOWMEM_RESERVE:
		return "lowmem_reserve";
	case PB_SAYS_FRAGMENTED:
		return "fragmentation";
	default:
		return "migratetype";
	}
}

static json_t *failing_json(unsigned int order, enum pb_verdict_word rule)
{
	const bool fails = !show_is_served(rule);

	return json_pack("{s:o, s:s, s:s}", "order", fails ? json_integer(order) : json_null(),
			 "rule", rule_name(fails, order, rule), "verdict", pb_verdict_word(rule));
}

static void add_zone(const struct show_machine *m, const struct show_zone *zone, json_t *row)
{
	unsigned int orders = zone->has_blocks ? m->nr_orders : 0;

	json_object_set_new(row, "node", json_integer(zone->node));
	json_object_set_new(row, "zone", json_string(zone->name));
	set_known(m, row, "managed", zone->managed);
	set_known(m, row, "present", zone->present);
	set_pages(row, "free_pages", zone->free);
	set_known(m, row, "pcp_pages", zone->pcp);
	set_known(m, row, "min", zone->min);
	set_known(m, row, "low", zone->low);
	set_known(m, row, "high", zone->high);
	set_known(m, row, "boost", zone->boost);
	set_known(m, row, "lowmem_reserve", zone->reserve);
	set_pages(row, "highatomic", zone->highatomic);
	set_known(m, row, "free_cma", zone->cma);
	set_pages(row, "free_2m", zone->free_2m);
	json_object_set_new(row, "free_blocks", counts_json(zone->nr_free, orders));
	json_object_set_new(row, "unusable_index", indices_json(zone->unusable, orders));
	json_object_set_new(row, "extfrag_index", indices_json(zone->extfrag, orders));
	json_object_set_new(row, "migratetypes", types_json(m, zone));
	json_object_set_new(row, "first_failing", failing_json(zone->first_failing, zone->rule));
	json_object_set_new(row, "first_failing_from_above",
			    failing_json(zone->first_failing_above, zone->rule_above));
	json_object_set_new(row, "text", json_string(zone->text));
}

json_t *show_zone_json(const struct show_machine *machine, const struct show_zone *zone)
{
	json_t *row = json_object();

	add_zone(machine, zone, row);
	return row;
}

int show_json(const struct show_machine *machine)
{
	json_t *root = machine_json(machine), *zones = json_array();

	for (unsigned int i = 0; i < machine->nr_zones; i++)
		json_array_append_new(zones, show_zone_json(machine, &machine->zones[i]));
	json_object_set_new(root, "zones", zones);
	return cmd_print_json(root);
}

int show_ndjson(const struct show_machine *machine)
{
	int status = CMD_OK;

	for (unsigned int i = 0; i < machine->nr_zones; i++) {
		json_t *row = machine_json(machine);

		if (row)
			add_zone(machine, &machine->zones[i], row);
		if (!row || json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)))
			status = CMD_FAILED;
		putchar('\n');
		json_decref(row);
	}
	return status;
}
