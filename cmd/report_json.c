// SPDX-License-Identifier: MIT
/* Kind "report" of docs/schema.md: what the page draws. Times are seconds
   since the first event, amounts are pages unless they say otherwise. */

#include <stdlib.h>
#include <string.h>

#include "report.h"

static json_t *integer(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *moment(const struct report *r, uint64_t ns)
{
	return json_real((double)(int64_t)(ns - r->input->start_time) / 1e9);
}

static json_t *gfp_json(uint32_t gfp)
{
	char text[512];

	pb_gfp_name(gfp, text, sizeof(text));
	return json_string(text);
}

/* -------------------------------------------------------------------- machine */

static json_t *zone_json(const struct pbr_run *run, unsigned int z)
{
	const struct pbr_zone *zone = &run->zones[z];

	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}}", "node", zone->node,
			 "name", pb_zone_name(zone->type), "start_pfn", (json_int_t)zone->start_pfn,
			 "first_pfn", (json_int_t)run->zone_first_pfn[z], "present",
			 (json_int_t)zone->present, "managed", (json_int_t)zone->managed,
			 "watermark", "min", (json_int_t)zone->watermark[PB_WMARK_MIN], "low",
			 (json_int_t)zone->watermark[PB_WMARK_LOW], "high",
			 (json_int_t)zone->watermark[PB_WMARK_HIGH]);
}

static json_t *machine_json(const struct report *r)
{
	json_t *zones = json_array();

	for (unsigned int z = 0; z < r->follow.nr_zones; z++)
		json_array_append_new(zones, zone_json(&r->follow, z));
	return json_pack("{s:I, s:i, s:i, s:o}", "page_size", (json_int_t)r->page_size,
			 "pageblock_order", (int)r->follow.pageblock_order, "max_order",
			 (int)r->follow.max_order, "zones", zones);
}

/* ------------------------------------------------------------------- timeline */

static json_t *zone_series(const struct pbr_run *run, unsigned int z)
{
	json_t *free = json_array(), *pcp = json_array(), *huge = json_array();
	json_t *boost = json_array(), *blocks = json_array();

	for (uint32_t i = 0; i < run->nr_samples; i++) {
		const struct pbr_zone_sample *s = &run->samples[i].zones[z];

		json_array_append_new(free, integer(s->free));
		json_array_append_new(pcp, integer(s->pcp));
		json_array_append_new(huge, integer(s->free_2m));
		json_array_append_new(boost, integer(s->boost));
	}
	for (unsigned int o = 0; o <= run->max_order; o++) {
		json_t *series = json_array();

		for (uint32_t i = 0; i < run->nr_samples; i++)
			json_array_append_new(series, integer(run->samples[i].zones[z].blocks[o]));
		json_array_append_new(blocks, series);
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "free", free, "pcp", pcp, "free_2m", huge,
			 "boost", boost, "blocks", blocks);
}

static json_t *timeline_json(const struct report *r)
{
	json_t *time = json_array(), *zones = json_array();

	for (uint32_t i = 0; i < r->follow.nr_samples; i++)
		json_array_append_new(time, moment(r, r->follow.samples[i].time));
	for (unsigned int z = 0; z < r->follow.nr_zones; z++)
		json_array_append_new(zones, zone_series(&r->follow, z));
	return json_pack("{s:o, s:o}", "time", time, "zones", zones);
}

static int zone_of(const struct pbr_run *run, uint64_t pfn)
{
	for (unsigned int z = 0; pfn != PBR_NO_PFN && z < run->nr_zones; z++)
		if (pfn >= run->zones[z].start_pfn &&
		    pfn < run->zones[z].start_pfn + run->zones[z].spanned)
			return (int)z;
	return -1;
}

/* [time, kind, order, type, from type, from order, task, gfp, zone] */
static json_t *marks_json(const struct report *r, struct report_tasks *tasks, json_t *gfp_names)
{
	json_t *marks = json_array();

	for (uint32_t i = 0; i < r->follow.nr_marks; i++) {
		const struct pbr_mark *m = &r->follow.marks[i];
		char key[16];

		snprintf(key, sizeof(key), "%u", m->gfp);
		if (m->kind == PBR_MARK_FAILURE && !json_object_get(gfp_names, key))
			json_object_set_new(gfp_names, key, gfp_json(m->gfp));
		json_array_append_new(marks,
				      json_pack("[o, i, i, i, i, i, i, I, i]", moment(r, m->time),
						m->kind, m->order, m->migratetype, m->from_type,
						m->from_order, (int)report_task(r, tasks, m->task),
						(json_int_t)m->gfp, zone_of(&r->follow, m->pfn)));
	}
	return marks;
}

/* --------------------------------------------------------------------- totals */

static uint64_t huge_at(const struct pbr_run *run, uint32_t i)
{
	uint64_t sum = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++)
		sum += run->samples[i].zones[z].free_2m;
	return sum;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct spread {
	uint64_t min, median, end;
};

static struct spread huge_spread(const struct pbr_run *run)
{
	uint64_t *values = calloc(run->nr_samples + 1u, sizeof(*values));
	struct spread s = { 0 };

	if (!values || !run->nr_samples) {
		free(values);
		return s;
	}
	for (uint32_t i = 0; i < run->nr_samples; i++)
		values[i] = huge_at(run, i);
	s.end = values[run->nr_samples - 1];
	qsort(values, run->nr_samples, sizeof(*values), by_value);
	s.min = values[0];
	s.median = values[run->nr_samples / 2];
	free(values);
	return s;
}

static json_t *totals_json(const struct report *r)
{
	const struct pbr_run *run = &r->follow;
	uint64_t managed = 0, free = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++) {
		managed += run->zones[z].managed;
		if (run->nr_samples)
			free += run->samples[run->nr_samples - 1].zones[z].free;
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "failures",
			 (json_int_t)run->failures, "fallbacks", (json_int_t)run->fallbacks,
			 "fallback_claims", (json_int_t)run->fallback_claims, "mixed",
			 (json_int_t)run->mixed_pageblocks, "huge_min",
			 (json_int_t)huge_spread(run).min, "free_end", (json_int_t)free, "managed",
			 (json_int_t)managed);
}

static json_t *diff_json(const struct pbr_run *run)
{
	json_t *rebuilt = json_array(), *snapshot = json_array();

	for (unsigned int o = 0; o <= run->max_order; o++) {
		json_array_append_new(rebuilt, json_integer(run->per_order_rebuilt[o]));
		json_array_append_new(snapshot, json_integer(run->per_order_snapshot[o]));
	}
	return json_pack("{s:I, s:I, s:f, s:o, s:o}", "rebuilt_pages",
			 (json_int_t)run->end_free_pages, "snapshot_pages",
			 (json_int_t)run->snapshot_free_pages, "percent", run->difference_percent,
			 "rebuilt", rebuilt, "snapshot", snapshot);
}

/* ----------------------------------------------------------------------- pins */

static json_t *owners_json(const struct pbr_pins *pins)
{
	json_t *owners = json_array();

	for (uint32_t i = 0; i < pins->nr_owners; i++) {
		const struct pbr_pin_owner *o = &pins->owners[i];
		bool before = o->task == PBR_NO_TASK;

		json_array_append_new(
			owners,
			json_pack("{s:s, s:o, s:i, s:i, s:I, s:I, s:I, s:I}", "comm",
				  before ? "(before the trace)" : o->comm, "gfp_name",
				  before && !o->gfp ? json_string("unknown") : gfp_json(o->gfp),
				  "order", o->order, "migratetype", o->migratetype, "pages",
				  (json_int_t)o->pages, "blocks", (json_int_t)o->blocks,
				  "pageblocks", (json_int_t)o->pageblocks, "sole",
				  (json_int_t)o->sole));
	}
	return owners;
}

static json_t *block_json(const struct report *r, struct report_tasks *tasks,
			  const struct pbr_pin_block *b)
{
	json_t *pins = json_array(), *row;

	for (unsigned int p = 0; p < b->nr_pins && p < 2; p++) {
		bool before = b->pin[p].task == PBR_NO_TASK;

		json_array_append_new(
			pins, json_pack("{s:I, s:o, s:i, s:o, s:i, s:i}", "pfn",
					(json_int_t)b->pin[p].pfn, "time",
					before ? json_null() : moment(r, b->pin[p].time), "task",
					(int)report_task(r, tasks, b->pin[p].task), "gfp_name",
					gfp_json(b->pin[p].gfp), "order", b->pin[p].order,
					"migratetype", b->pin[p].migratetype));
	}
	row = json_pack("{s:I, s:i, s:I, s:I, s:o}", "pfn", (json_int_t)b->pfn, "migratetype",
			b->migratetype, "free_pages", (json_int_t)b->free_pages, "movable_pages",
			(json_int_t)b->movable_pages, "pins", pins);
	if (b->has_fallback)
		json_object_set_new(
			row, "fallback",
			json_pack("{s:o, s:i, s:i}", "time", moment(r, b->fallback.time), "type",
				  b->fallback.migratetype, "from_type", b->fallback.from_type));
	return row;
}

static json_t *lifetimes_json(const struct pbr_pins *pins)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < pins->nr_lifetimes; i++) {
		const struct pbr_lifetime *l = &pins->lifetimes[i];

		json_array_append_new(
			rows, json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "migratetype",
					l->migratetype, "order", l->order, "freed",
					(json_int_t)l->freed, "alive", (json_int_t)l->alive, "p50",
					(json_int_t)l->p50, "p90", (json_int_t)l->p90, "p99",
					(json_int_t)l->p99, "max", (json_int_t)l->max));
	}
	return rows;
}

static json_t *pins_json(const struct report *r, struct report_tasks *tasks)
{
	const struct pbr_pins *pins = &r->pins;
	json_t *blocks;

	if (!r->has_pins)
		return json_null();
	blocks = json_array();
	for (uint32_t i = 0; i < pins->nr_blocks; i++)
		json_array_append_new(blocks, block_json(r, tasks, &pins->blocks[i]));
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "whole",
			 (json_int_t)pins->whole_pageblocks, "partial",
			 (json_int_t)pins->partial_pageblocks, "full",
			 (json_int_t)pins->full_pageblocks, "owners", owners_json(pins), "blocks",
			 blocks, "lifetimes", lifetimes_json(pins));
}

/* -------------------------------------------------------------------- what if */

static json_t *failures_text(const struct pbr_run *run)
{
	char text[256] = "";
	size_t used = 0;

	for (unsigned int o = 0; o < PBR_ORDERS; o++)
		if (run->failures_by_order[o] && used < sizeof(text) - 40)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u: %llu",
						 used ? ", " : "", o,
						 (unsigned long long)run->failures_by_order[o]);
	return json_string(used ? text : "none");
}

static json_t *run_json(const struct pbr_run *run)
{
	uint64_t blocks[PBR_ORDERS] = { 0 };
	struct spread huge = huge_spread(run);
	unsigned int orders = run->max_order + 1;

	for (unsigned int z = 0; run->nr_samples && z < run->nr_zones; z++)
		for (unsigned int o = 0; o < orders; o++)
			blocks[o] += run->samples[run->nr_samples - 1].zones[z].blocks[o];
	return json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:i, s:i, s:I, s:I, s:f}", "name",
			 run->name, "failures", (json_int_t)run->failures, "failures_text",
			 failures_text(run), "huge_min", (json_int_t)huge.min, "huge_median",
			 (json_int_t)huge.median, "huge_end", (json_int_t)huge.end, "unusable_end",
			 pb_unusable_index(blocks, orders, run->pageblock_order), "extfrag_end",
			 pb_extfrag_index(blocks, orders, run->pageblock_order), "fallbacks",
			 (json_int_t)run->fallbacks, "mixed", (json_int_t)run->mixed_pageblocks,
			 "ns_per_op", run->ns_per_op);
}

static json_t *whatif_json(const struct report *r)
{
	json_t *runs = json_array();

	for (unsigned int i = 0; i < r->nr_runs; i++)
		json_array_append_new(runs, run_json(&r->runs[i]));
	return runs;
}

/* ------------------------------------------------------------------- problems */

static json_t *problems_json(const struct pbr_problems *p)
{
	const struct {
		const char *what;
		uint64_t count;
	} rows[] = {
		{ "events lost while recording", p->lost_events },
		{ "lines or records that can't be read", p->malformed },
		{ "the trace ends inside a record", p->truncated },
		{ "events earlier than the one before", p->out_of_order },
		{ "events at the same time as the one before", p->equal_times },
		{ "pages or orders that the machine does not have", p->beyond_machine },
		{ "frees of pages from before the trace", p->unknown_frees },
		{ "frees of a part of a block", p->partial_frees },
		{ "frees of pages that are free, for all the trace tells", p->double_frees },
		{ "allocations of pages that are in use, for all the trace tells",
		  p->double_allocs },
		{ "allocations without an event (bulk, compaction)", p->silent_takes },
	};
	json_t *list = json_array(), *examples = json_array();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_array_append_new(list, json_pack("{s:s, s:I}", "what", rows[i].what, "count",
						      (json_int_t)rows[i].count));
	for (unsigned int i = 0; i < p->nr_first; i++) {
		json_t *line = json_string(p->first[i]);

		if (line) /* no UTF-8: nothing a person could read */
			json_array_append_new(examples, line);
	}
	return json_pack("{s:o, s:o}", "list", list, "examples", examples);
}

/* ------------------------------------------------------------------------ all */

static json_t *migratetypes_json(void)
{
	json_t *names = json_array();

	for (int t = 0; t < PB_MIGRATE_TYPES; t++)
		json_array_append_new(names,
				      json_string(pb_migratetype_name((enum pb_migratetype)t)));
	return names;
}

static json_t *recorded(const char *text)
{
	json_t *string = *text ? json_string(text) : NULL;

	return string ? string : json_null();
}

static void set_heading(const struct report *r, json_t *root)
{
	char tool[32];
	json_t *name = json_string(r->title);

	snprintf(tool, sizeof(tool), "pagebuddy %d.%d.%d", PB_VERSION_MAJOR, PB_VERSION_MINOR,
		 PB_VERSION_PATCH);
	json_object_set_new(root, "schema", json_integer(CMD_SCHEMA));
	json_object_set_new(root, "kind", json_string("report"));
	json_object_set_new(root, "tool", json_string(tool));
	json_object_set_new(
		root, "trace",
		json_pack("{s:o, s:s, s:s, s:I, s:i, s:o, s:o, s:o, s:b, s:b}", "name",
			  name ? name : json_string("trace"), "format", r->input->format, "assumed",
			  r->input->note, "events", (json_int_t)r->input->nr_events, "cpus",
			  (int)r->input->nr_cpus, "kernel", recorded(r->input->kernel), "host",
			  recorded(r->input->host), "realtime",
			  r->input->realtime ? json_integer(r->input->realtime) : json_null(),
			  "free_map", r->input->machine.has_free_map, "start_known",
			  pbr_start_known(r->input)));
	json_object_set_new(root, "only", r->filtered ? json_string(r->filter.text) : json_null());
}

json_t *report_json(const struct report *r)
{
	struct report_tasks tasks = { calloc(r->input->nr_tasks + 1u, sizeof(uint32_t)),
				      json_array(), 0 };
	json_t *root = json_object(), *gfp_names = json_object(), *failures;

	json_array_append_new(tasks.list, json_null());
	set_heading(r, root);
	json_object_set_new(root, "machine", machine_json(r));
	json_object_set_new(root, "migratetypes", migratetypes_json());
	json_object_set_new(root, "totals", totals_json(r));
	json_object_set_new(root, "timeline", timeline_json(r));
	json_object_set_new(root, "marks", marks_json(r, &tasks, gfp_names));
	json_object_set_new(root, "marks_left_out", integer(r->follow.marks_left_out));
	failures = report_failures(r, &tasks, gfp_names);
	json_object_set_new(root, "conclusion", report_conclusion(r, failures));
	json_object_set_new(root, "failures", failures);
	json_object_set_new(root, "gfp_names", gfp_names);
	json_object_set_new(root, "maps", report_maps(r, &tasks));
	json_object_set_new(root, "diff", r->follow.has_diff ? diff_json(&r->follow) : json_null());
	json_object_set_new(root, "pins", pins_json(r, &tasks));
	json_object_set_new(root, "top", pbr_top_json(r->input, &r->top, REPORT_TOP));
	json_object_set_new(root, "whatif", whatif_json(r));
	json_object_set_new(root, "problems", problems_json(&r->input->problems));
	json_object_set_new(root, "tasks", tasks.list);
	if (r->pins_error[0])
		json_object_set_new(root, "pins_error", json_string(r->pins_error));
	if (r->whatif_error[0])
		json_object_set_new(root, "whatif_error", json_string(r->whatif_error));
	free(tasks.number);
	if (!json_object_get(root, "maps")) {
		json_decref(root);
		return NULL;
	}
	return root;
}
