// SPDX-License-Identifier: MIT
/* Results as JSON: docs/schema.md says what each field is. */

#include <string.h>

#include "internal.h"

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_u64(json_t *object, const char *key, uint64_t value)
{
	set(object, key, integer(value));
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	/* Task names are bytes, not always UTF-8. */
	set(object, key, value ? value : json_string("?"));
}

static json_t *list_u64(const uint64_t *values, unsigned int nr)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(list, integer(values[i]));
	return list;
}

static const char *type_name(unsigned int type)
{
	return type < PB_MIGRATE_TYPES ? pb_migratetype_name((enum pb_migratetype)type) : "Unknown";
}

static void set_gfp(json_t *object, uint32_t gfp)
{
	char text[512];

	pb_gfp_name(gfp, text, sizeof(text));
	set_text(object, "gfp", text);
}

static const struct pbr_task *task_of(const struct pbr_input *input, uint32_t task)
{
	return task == PBR_NO_TASK || task >= input->nr_tasks ? NULL : &input->tasks[task];
}

/* Seconds since the first event. */
static double seconds(const struct pbr_input *input, uint64_t time)
{
	return ((double)time - (double)input->start_time) * 1e-9;
}

/* ------------------------------------------------------------------ machine */

static json_t *zone_json(const struct pbr_zone *zone)
{
	json_t *json = json_object();

	set(json, "node", json_integer(zone->node));
	set_text(json, "zone", pb_zone_name(zone->type));
	set_u64(json, "start_pfn", zone->start_pfn);
	set_u64(json, "spanned", zone->spanned);
	set_u64(json, "present", zone->present);
	set_u64(json, "managed", zone->managed);
	set_u64(json, "min", zone->watermark[PB_WMARK_MIN]);
	set_u64(json, "low", zone->watermark[PB_WMARK_LOW]);
	set_u64(json, "high", zone->watermark[PB_WMARK_HIGH]);
	return json;
}

json_t *pbr_machine_json(const struct pbr_machine *machine)
{
	json_t *json = json_object(), *zones = json_array();

	for (unsigned int z = 0; z < machine->nr_zones; z++)
		json_array_append_new(zones, zone_json(&machine->zones[z]));
	set(json, "zones", zones);
	set_u64(json, "cpus", machine->nr_cpus);
	set_u64(json, "max_order", machine->max_order);
	set_u64(json, "pageblock_order", machine->pageblock_order);
	set(json, "from_snapshot", json_boolean(machine->from_snapshot));
	set(json, "has_start", json_boolean(machine->has_start));
	set(json, "has_end", json_boolean(machine->has_end));
	set(json, "has_free_map", json_boolean(machine->has_free_map));
	return json;
}

json_t *pbr_problems_json(const struct pbr_problems *problems)
{
	json_t *json = json_object(), *first = json_array();

	set_u64(json, "total", problems->total);
	set_u64(json, "lines", problems->lines);
	set_u64(json, "understood", problems->lines - problems->malformed);
	set_u64(json, "malformed", problems->malformed);
	set_u64(json, "truncated", problems->truncated);
	set_u64(json, "out_of_order", problems->out_of_order);
	set_u64(json, "beyond_machine", problems->beyond_machine);
	set_u64(json, "equal_times", problems->equal_times);
	set_u64(json, "lost_events", problems->lost_events);
	set_u64(json, "unknown_frees", problems->unknown_frees);
	set_u64(json, "partial_frees", problems->partial_frees);
	set_u64(json, "double_frees", problems->double_frees);
	set_u64(json, "double_allocs", problems->double_allocs);
	set_u64(json, "silent_takes", problems->silent_takes);
	set_u64(json, "moved_pages", problems->moved_pages);
	for (unsigned int i = 0; i < problems->nr_first; i++) {
		json_t *text = json_string(problems->first[i]);

		json_array_append_new(first, text ? text : json_string("?"));
	}
	set(json, "first", first);
	return json;
}

json_t *pbr_settings_json(const struct pbr_settings *settings)
{
	json_t *json = json_object();

	set_text(json, "profile", settings->profile == PB_PROFILE_LINUX ? "linux" : "modern");
	if (settings->kernel >= 0)
		set_text(json, "kernel", pb_kernel_name((enum pb_kernel)settings->kernel));
	if (settings->pageblock_order >= 0)
		set(json, "pageblock_order", json_integer(settings->pageblock_order));
	if (settings->max_order >= 0)
		set(json, "max_order", json_integer(settings->max_order));
	if (settings->boost_factor >= 0)
		set(json, "watermark_boost_factor", json_integer(settings->boost_factor));
	if (settings->scale_factor >= 0)
		set(json, "watermark_scale_factor", json_integer(settings->scale_factor));
	if (settings->min_free_kbytes >= 0)
		set(json, "min_free_kbytes", json_integer(settings->min_free_kbytes));
	if (settings->pcp_high >= 0)
		set(json, "pcp_high", json_integer(settings->pcp_high));
	if (settings->pcp_batch >= 0)
		set(json, "pcp_batch", json_integer(settings->pcp_batch));
	if (settings->no_thp)
		set_text(json, "thp", "never");
	if (settings->no_mobility)
		set(json, "mobility", json_string("off"));
	if (settings->memory)
		set_u64(json, "memory_bytes", settings->memory);
	else if (settings->memory_factor != 1.0)
		set(json, "memory_factor", json_real(settings->memory_factor));
	return json;
}

/* -------------------------------------------------------------------- a run */

static json_t *fragmentation(const struct pbr_run *run, const struct pbr_sample *sample)
{
	json_t *list = json_array();

	for (unsigned int z = 0; z < run->nr_zones; z++) {
		const struct pbr_zone_sample *zone = &sample->zones[z];
		json_t *json = json_object(), *extfrag = json_array(), *unusable = json_array();

		for (unsigned int o = 0; o <= run->max_order; o++) {
			json_array_append_new(extfrag, json_real(zone->extfrag[o] / 1000.0));
			json_array_append_new(unusable, json_real(zone->unusable[o] / 1000.0));
		}
		set(json, "node", json_integer(run->zones[z].node));
		set_text(json, "zone", pb_zone_name(run->zones[z].type));
		set_u64(json, "free_pages", zone->free);
		set_u64(json, "pcp_pages", zone->pcp);
		set_u64(json, "free_2m", zone->free_2m);
		set(json, "free_blocks", list_u64(zone->blocks, run->max_order + 1));
		set(json, "extfrag_index", extfrag);
		set(json, "unusable_index", unusable);
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *by_type(const uint64_t *values)
{
	json_t *json = json_object();

	for (int t = 0; t < PB_MIGRATE_PCPTYPES; t++)
		set_u64(json, type_name((unsigned int)t), values[t]);
	return json;
}

static json_t *per_order(const struct pbr_run *run)
{
	json_t *list = json_array();

	for (unsigned int o = 0; o <= run->max_order; o++)
		json_array_append_new(
			list, json_pack("{s:i, s:I, s:I, s:I}", "order", (int)o, "rebuilt",
					(json_int_t)run->per_order_rebuilt[o], "snapshot",
					(json_int_t)run->per_order_snapshot[o], "difference",
					(json_int_t)(run->per_order_rebuilt[o] -
						     run->per_order_snapshot[o])));
	return list;
}

static json_t *follow_json(const struct pbr_input *input, const struct pbr_run *run)
{
	const struct pbr_sample *end = &run->samples[run->nr_samples - 1];
	json_t *json = json_object();
	uint64_t free = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++)
		free += end->zones[z].free;
	set_u64(json, "end_free_pages", run->has_diff ? run->end_free_pages : free);
	set(json, "snapshot_free_pages",
	    run->has_diff ? integer(run->snapshot_free_pages) : json_null());
	set(json, "difference_percent",
	    run->has_diff ? json_real(run->difference_percent) : json_null());
	set(json, "per_order", run->has_diff ? per_order(run) : json_array());
	set(json, "compared_at",
	    run->has_diff ? json_real(seconds(input, run->compared_at)) : json_null());
	set_u64(json, "interval_free_min", run->interval_free_min);
	set_u64(json, "interval_free_max", run->interval_free_max);
	set_u64(json, "silent_takes", run->silent_takes);
	return json;
}

static void set_counts(json_t *json, const struct pbr_run *run)
{
	set_u64(json, "events", run->events);
	set_u64(json, "allocations", run->allocations);
	set_u64(json, "frees", run->frees);
	set_u64(json, "failures", run->failures);
	set_u64(json, "failures_recorded", run->failures_recorded);
	set_u64(json, "double_handouts", run->double_handouts);
	set(json, "ns_per_op", run->simulated ? json_real(run->ns_per_op) : json_null());
	set(json, "seconds", json_real(run->seconds));
	set(json, "allocations_by_order", list_u64(run->by_order, run->max_order + 1));
	set(json, "allocations_by_migratetype", by_type(run->by_type));
	set(json, "failures_by_order", list_u64(run->failures_by_order, run->max_order + 1));
	set_u64(json, "unknown_frees", run->unknown_frees);
	set_u64(json, "modelled_frees", run->modelled_frees);
	set_u64(json, "skipped_frees", run->skipped_frees);
	set_u64(json, "fallbacks", run->fallbacks);
	set_u64(json, "fallback_claims", run->fallback_claims);
	set_u64(json, "mixed_pageblocks", run->mixed_pageblocks);
	set_u64(json, "peak_pages", run->peak_pages);
}

json_t *pbr_run_json(const struct pbr_input *input, const struct pbr_run *run)
{
	json_t *json = json_object();

	set_text(json, "trace", input->name);
	set_text(json, "mode", run->simulated ? "simulate" : "follow");
	set_text(json, "name", run->name);
	if (run->settings)
		json_object_set(json, "settings", run->settings);
	set_counts(json, run);
	set(json, "start", fragmentation(run, &run->samples[0]));
	set(json, "end", fragmentation(run, &run->samples[run->nr_samples - 1]));
	set_text(json, "buddyinfo", run->buddyinfo ? run->buddyinfo : "");
	if (!run->simulated)
		set(json, "follow", follow_json(input, run));
	return json;
}

/* ---------------------------------------------------------------- time line */

static json_t *sample_json(const struct pbr_input *input, const struct pbr_run *run,
			   const struct pbr_sample *sample)
{
	json_t *json = json_object();

	set(json, "t", json_real(seconds(input, sample->time)));
	set_u64(json, "event", sample->event);
	set(json, "zones", fragmentation(run, sample));
	return json;
}

static json_t *mark_json(const struct pbr_input *input, const struct pbr_mark *mark)
{
	static const char *const names[] = { "failure", "fallback", "fallback_claim" };
	const struct pbr_task *task = task_of(input, mark->task);
	json_t *json = json_object();

	set(json, "t", json_real(seconds(input, mark->time)));
	set_text(json, "kind", names[mark->kind]);
	set(json, "order", json_integer(mark->order));
	set_text(json, "migratetype", type_name(mark->migratetype));
	set_text(json, "comm", task ? task->comm : "");
	set(json, "pid", json_integer(task ? task->pid : -1));
	if (mark->kind == PBR_MARK_FAILURE) {
		set_gfp(json, mark->gfp);
		set_text(json, "reason",
			 mark->reason ? pb_reason_name((enum pb_reason)mark->reason) : "recorded");
	} else {
		set_u64(json, "pfn", mark->pfn);
		set_text(json, "from_type", type_name(mark->from_type));
		set(json, "from_order", json_integer(mark->from_order));
	}
	return json;
}

/* Columns, not objects: a map has as many cells as the machine has pageblocks. */
static json_t *map_json(const struct pbr_input *input, const struct pbr_run *run,
			const struct pbr_map *map)
{
	json_t *json = json_object(), *type = json_array(), *used = json_array();
	json_t *unmovable = json_array(), *reserved = json_array(), *owner = json_array();

	for (uint32_t i = 0; i < run->nr_pageblocks; i++) {
		const struct pbr_map_cell *cell = &map->cells[i];

		json_array_append_new(
			type, json_integer(cell->migratetype == 255 ? -1 : cell->migratetype));
		json_array_append_new(used, json_integer(cell->used));
		json_array_append_new(unmovable, json_integer(cell->unmovable));
		json_array_append_new(reserved, json_integer(cell->reserved));
		json_array_append_new(owner, json_integer(cell->owner == PBR_NO_TASK
								  ? -1
								  : (json_int_t)cell->owner));
	}
	set(json, "t", json_real(seconds(input, map->time)));
	set(json, "migratetype", type);
	set(json, "used", used);
	set(json, "unmovable", unmovable);
	set(json, "reserved", reserved);
	set(json, "owner", owner);
	return json;
}

/* The names that the maps' owner numbers stand for. */
static json_t *owners_json(const struct pbr_input *input, const struct pbr_run *run)
{
	json_t *json = json_object();
	char key[16];

	for (uint32_t m = 0; m < run->nr_maps; m++) {
		for (uint32_t i = 0; i < run->nr_pageblocks; i++) {
			const struct pbr_task *task = task_of(input, run->maps[m].cells[i].owner);

			if (!task)
				continue;
			snprintf(key, sizeof(key), "%u", run->maps[m].cells[i].owner);
			if (!json_object_get(json, key))
				set_text(json, key, task->comm);
		}
	}
	return json;
}

static json_t *map_zones_json(const struct pbr_run *run)
{
	json_t *list = json_array();

	for (unsigned int z = 0; z < run->nr_zones; z++) {
		json_t *json = zone_json(&run->zones[z]);

		set_u64(json, "first_cell", run->zone_first_cell[z]);
		set_u64(json, "nr_cells", run->zone_first_cell[z + 1] - run->zone_first_cell[z]);
		set_u64(json, "first_cell_pfn", run->zone_first_pfn[z]);
		json_array_append_new(list, json);
	}
	return list;
}

json_t *pbr_timeline_json(const struct pbr_input *input, const struct pbr_run *run)
{
	json_t *json = json_object(), *samples = json_array(), *marks = json_array();
	json_t *maps = json_array();

	for (uint32_t i = 0; i < run->nr_samples; i++)
		json_array_append_new(samples, sample_json(input, run, &run->samples[i]));
	for (uint32_t i = 0; i < run->nr_marks; i++)
		json_array_append_new(marks, mark_json(input, &run->marks[i]));
	for (uint32_t i = 0; i < run->nr_maps; i++)
		json_array_append_new(maps, map_json(input, run, &run->maps[i]));
	set(json, "duration", json_real(seconds(input, input->end_time)));
	set_u64(json, "max_order", run->max_order);
	set_u64(json, "pageblock_order", run->pageblock_order);
	set(json, "zones", map_zones_json(run));
	set(json, "samples", samples);
	set(json, "marks", marks);
	set_u64(json, "marks_left_out", run->marks_left_out);
	set(json, "maps", maps);
	set(json, "owners", owners_json(input, run));
	return json;
}

/* ------------------------------------------------------------------ what if */

static void set_range(json_t *json, const char *name, const struct pbr_range *range)
{
	char mean[32];

	set(json, name, json_pack("[I,I]", (json_int_t)range->low, (json_int_t)range->high));
	snprintf(mean, sizeof(mean), "%.*s_mean", (int)(strlen(name) - strlen("_range")), name);
	set(json, mean, json_real(pbr_mean(range)));
}

/* Null where reclaim was replayed as recorded. */
static void set_modelled(json_t *json, const struct pbr_run *run)
{
	if (!run->modelled_reclaim) {
		set(json, "reclaimed", json_null());
		return;
	}
	set_u64(json, "reclaimed", run->reclaimed);
	set_u64(json, "killed", run->killed);
	set_u64(json, "compaction_moved", run->moved);
	set_range(json, "failures_range", &run->failure_range);
	set_range(json, "fallbacks_range", &run->fallback_range);
	set_range(json, "free_2m_end_range", &run->free_2m_range);
	set_range(json, "reclaimed_range", &run->reclaimed_range);
}

json_t *pbr_whatif_json(const struct pbr_run *runs, unsigned int nr_runs)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr_runs; i++) {
		const struct pbr_run *run = &runs[i];
		struct pbr_summary summary;
		json_t *json = json_object();

		pbr_summarise(run, &summary);
		set_text(json, "name", run->name);
		if (run->settings)
			json_object_set(json, "settings", run->settings);
		set_u64(json, "failures", run->failures);
		set(json, "failures_by_order",
		    list_u64(run->failures_by_order, run->max_order + 1));
		set(json, "allocations_by_order", list_u64(run->by_order, run->max_order + 1));
		set_u64(json, "free_2m_min", summary.free_2m_min);
		set_u64(json, "free_2m_median", summary.free_2m_median);
		set_u64(json, "free_2m_end", summary.free_2m_end);
		set(json, "unusable_2m", json_real(summary.unusable / 1000.0));
		set(json, "extfrag_2m", json_real(summary.extfrag / 1000.0));
		set_u64(json, "fallbacks", run->fallbacks);
		set_u64(json, "fallback_claims", run->fallback_claims);
		set_u64(json, "mixed_pageblocks", run->mixed_pageblocks);
		set_u64(json, "double_handouts", run->double_handouts);
		set(json, "ns_per_op", json_real(run->ns_per_op));
		set_modelled(json, run);
		set(json, "not_judged",
		    run->not_judged[0] ? json_string(run->not_judged) : json_null());
		json_array_append_new(list, json);
	}
	return list;
}

/* --------------------------------------------------------------------- pins */

static json_t *owner_json(const struct pbr_pin_owner *owner)
{
	json_t *json = json_object();

	set_text(json, "comm", owner->comm);
	set_gfp(json, owner->gfp);
	set(json, "order", json_integer(owner->order));
	set_text(json, "migratetype", type_name(owner->migratetype));
	set_u64(json, "pages", owner->pages);
	set_u64(json, "blocks", owner->blocks);
	set_u64(json, "pageblocks", owner->pageblocks);
	set_u64(json, "sole", owner->sole);
	return json;
}

static json_t *pin_block_json(const struct pbr_input *input, const struct pbr_pin_block *block)
{
	json_t *json = json_object(), *pins = json_array();

	for (unsigned int i = 0; i < block->nr_pins; i++) {
		const struct pbr_task *task = task_of(input, block->pin[i].task);
		json_t *pin = json_object();

		set_u64(pin, "pfn", block->pin[i].pfn);
		set(pin, "t", json_real(seconds(input, block->pin[i].time)));
		set_text(pin, "comm", task ? task->comm : "");
		set(pin, "pid", json_integer(task ? task->pid : -1));
		set_gfp(pin, block->pin[i].gfp);
		set(pin, "order", json_integer(block->pin[i].order));
		set_text(pin, "migratetype", type_name(block->pin[i].migratetype));
		json_array_append_new(pins, pin);
	}
	set_u64(json, "pfn", block->pfn);
	set_text(json, "migratetype", type_name(block->migratetype));
	set_u64(json, "free_pages", block->free_pages);
	set_u64(json, "movable_pages", block->movable_pages);
	set(json, "pins", pins);
	set(json, "fallback",
	    block->has_fallback ? mark_json(input, &block->fallback) : json_null());
	return json;
}

static json_t *lifetime_json(const struct pbr_lifetime *life)
{
	json_t *json = json_object();

	set_text(json, "migratetype", type_name(life->migratetype));
	set(json, "order", json_integer(life->order));
	set_u64(json, "freed", life->freed);
	set_u64(json, "alive", life->alive);
	set(json, "p50_seconds", json_real((double)life->p50 * 1e-9));
	set(json, "p90_seconds", json_real((double)life->p90 * 1e-9));
	set(json, "p99_seconds", json_real((double)life->p99 * 1e-9));
	set(json, "max_seconds", json_real((double)life->max * 1e-9));
	return json;
}

json_t *pbr_pins_json(const struct pbr_input *input, const struct pbr_pins *pins)
{
	json_t *json = json_object(), *owners = json_array(), *blocks = json_array();
	json_t *lifetimes = json_array();

	for (uint32_t i = 0; i < pins->nr_owners; i++)
		json_array_append_new(owners, owner_json(&pins->owners[i]));
	for (uint32_t i = 0; i < pins->nr_blocks; i++)
		json_array_append_new(blocks, pin_block_json(input, &pins->blocks[i]));
	for (uint32_t i = 0; i < pins->nr_lifetimes; i++)
		json_array_append_new(lifetimes, lifetime_json(&pins->lifetimes[i]));
	set(json, "t", json_real(seconds(input, pins->time)));
	set_u64(json, "whole_pageblocks", pins->whole_pageblocks);
	set_u64(json, "partial_pageblocks", pins->partial_pageblocks);
	set_u64(json, "full_pageblocks", pins->full_pageblocks);
	set(json, "owners", owners);
	set(json, "spoiled", blocks);
	set(json, "lifetimes", lifetimes);
	return json;
}

/* ------------------------------------------------------------------ explain */

/* The rule that can't be told from the one named. */
static json_t *other_json(enum pb_verdict_word rule)
{
	return rule == PB_SAYS_NONE ? json_null() : json_string(pb_verdict_word(rule));
}

static json_t *verdict_json(const struct pbr_verdict *verdict, unsigned int max_order)
{
	json_t *json = zone_json(&verdict->zone);

	set_text(json, "rule", pb_verdict_word(verdict->rule));
	set_text(json, "text", verdict->text);
	set_u64(json, "free_pages", verdict->now.free);
	set(json, "free_blocks", list_u64(verdict->now.blocks, max_order + 1));
	set(json, "usable", json_integer(verdict->usable));
	set(json, "mark", json_integer(verdict->mark));
	set(json, "reserve", json_integer(verdict->reserve));
	set(json, "highatomic", json_integer(verdict->highatomic));
	set(json, "boost", verdict->seen ? json_integer(verdict->boost) : json_null());
	set(json, "seen", json_boolean(verdict->seen));
	set(json, "other_rule", other_json(verdict->other));
	set(json, "greatest_order", json_integer(verdict->greatest_order));
	set(json, "compact_pages",
	    verdict->compact_pages == UINT64_MAX ? json_null() : integer(verdict->compact_pages));
	return json;
}

json_t *pbr_explain_json(const struct pbr_input *input, const struct pbr_explain *explain)
{
	json_t *json = json_object(), *zones = json_array();

	for (unsigned int i = 0; i < explain->nr_verdicts; i++)
		json_array_append_new(zones, verdict_json(&explain->verdicts[i],
							  input->machine.max_order));
	set(json, "t", json_real(seconds(input, explain->time)));
	set(json, "order", json_integer((json_int_t)explain->order));
	set_gfp(json, explain->gfp);
	set_text(json, "migratetype", type_name(explain->migratetype));
	set(json, "succeeds", json_boolean(explain->succeeds));
	set_text(json, "sentence", explain->sentence);
	set_text(json, "rule", pb_verdict_word(explain->rule));
	set(json, "other_rule", other_json(explain->other));
	set(json, "seen", json_boolean(explain->seen));
	set(json, "zones", zones);
	return json;
}
