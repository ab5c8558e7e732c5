// SPDX-License-Identifier: MIT
/* The case study as one JSON object: docs/schema.md, "case". */

#include "case.h"

static const char *const step_names[PB_NR_TRACE] = {
	[PB_TRACE_SCAN] = "scan",           [PB_TRACE_TAKE] = "take",
	[PB_TRACE_SPLIT] = "split",         [PB_TRACE_MERGE] = "merge",
	[PB_TRACE_INSERT] = "insert",       [PB_TRACE_STEAL] = "steal",
	[PB_TRACE_PAGEBLOCK] = "pageblock", [PB_TRACE_REFILL] = "refill",
	[PB_TRACE_DRAIN] = "drain",         [PB_TRACE_BOOST] = "boost",
	[PB_TRACE_WMARK] = "watermark",     [PB_TRACE_WAKE] = "wake",
};

static const char *const kind_names[] = {
	"alloc", "free", "fill", "cpu", "drain", "compact", "set"
};

static const char *const outcome_names[] = {
	[DO_DONE] = "done",
	[DO_FAILED] = "failed",
	[DO_NO_ROOM] = "no room",
	[DO_NOTHING_LEFT] = "nothing left",
	[DO_REFUSED] = "refused",
	[DO_REUSED] = "reused",
	[DO_NO_FRAME] = "no frame",
	[DO_NO_CPU] = "no cpu",
	[DO_REFUSED_SETTING] = "refused",
};

static const char *type_name(unsigned int type)
{
	return type < PB_MIGRATE_TYPES ? pb_migratetype_name((enum pb_migratetype)type) : "?";
}

static json_t *step_json(const struct case_event *numbered)
{
	const struct pb_trace_event *step = &numbered->event;

	return json_pack("{s:I, s:s, s:i, s:s, s:I, s:i, s:s, s:s, s:I, s:b}", "number",
			 (json_int_t)numbered->number, "step",
			 step->type < PB_NR_TRACE ? step_names[step->type] : "?", "node",
			 step->node, "zone", pb_zone_name((enum pb_zone_type)step->zone), "pfn",
			 (json_int_t)step->pfn, "order", step->order, "migratetype",
			 type_name(step->migratetype), "other_type", type_name(step->other_type),
			 "value", (json_int_t)step->value, "flag", step->flag);
}

static json_t *steps_json(const struct case_steps *steps)
{
	json_t *list = json_array();

	for (size_t i = 0; i < steps->nr; i++)
		json_array_append_new(list, step_json(&steps->event[i]));
	return list;
}

static json_t *zones_json(const struct case_zones *zones)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < zones->nr; i++) {
		const struct pb_zone_stat *zone = &zones->zone[i];
		json_t *blocks = json_array();

		for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
			json_array_append_new(blocks, json_integer((json_int_t)zone->nr_free[o]));
		json_array_append_new(list,
				      json_pack("{s:i, s:s, s:I, s:I, s:o}", "node", zone->node,
						"zone", pb_zone_name((enum pb_zone_type)zone->zone),
						"free_pages", (json_int_t)zone->free, "pcp_pages",
						(json_int_t)zone->pcp, "free_blocks", blocks));
	}
	return list;
}

static json_t *request_json(const struct do_action *request, const struct case_act *act)
{
	char gfp[256];

	pb_gfp_name(act->result.gfp, gfp, sizeof(gfp));
	return json_pack("{s:I, s:i, s:s, s:s, s:b, s:s}", "bytes", (json_int_t)request->bytes,
			 "order", request->order, "migratetype", type_name(request->type), "gfp",
			 gfp, "succeeded", act->result.outcome == DO_DONE, "reason",
			 pb_reason_name(act->result.why));
}

static const struct case_zones *before(const struct case_study *study, size_t i)
{
	return i ? &study->act[i - 1].after : &study->start;
}

/* A request of --size or --order, and what became of it when it was freed. */
static json_t *pair_json(const struct case_study *study, size_t i)
{
	const struct case_act *act = &study->act[i], *freed = act + study->nr_requests;
	json_t *json = request_json(&study->action[i], act);

	json_object_set_new(json, "before", zones_json(before(study, i)));
	json_object_set_new(json, "steps", steps_json(&act->steps));
	json_object_set_new(json, "after", zones_json(&act->after));
	if (act->nr_pfn) {
		json_object_set_new(json, "pfn", json_integer((json_int_t)act->pfn[0]));
		json_object_set_new(json, "free_steps", steps_json(&freed->steps));
		json_object_set_new(json, "freed", zones_json(&freed->after));
	}
	return json;
}

static json_t *requests_json(const struct case_study *study)
{
	json_t *requests = json_array();
	size_t first = study->opt.fill ? 1 : 0;

	for (size_t i = first; i < first + study->nr_requests; i++)
		json_array_append_new(requests, pair_json(study, i));
	return requests;
}

static json_t *pfns_json(const struct case_act *act)
{
	json_t *list = json_array();

	for (size_t i = 0; i < act->nr_pfn; i++)
		json_array_append_new(list, json_integer((json_int_t)act->pfn[i]));
	return list;
}

static json_t *action_json(const struct case_study *study, size_t i)
{
	const struct do_action *action = &study->action[i];
	const struct case_act *act = &study->act[i];
	json_t *json = json_pack("{s:i, s:s, s:s%, s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "number",
				 action->number, "action", kind_names[action->kind], "text",
				 action->length ? study->text + action->at : "",
				 (size_t)action->length, "name", action->name, "outcome",
				 outcome_names[act->result.outcome], "blocks",
				 (json_int_t)act->result.nr, "pages", (json_int_t)act->result.pages,
				 "pfns", pfns_json(act), "steps", steps_json(&act->steps), "after",
				 zones_json(&act->after));
	json_t *request;

	if (json && action->kind == DO_ALLOC) {
		request = request_json(action, act);
		json_object_update(json, request);
		json_decref(request);
	}
	if (json && action->kind == DO_COMPACT)
		json_object_set_new(json, "moved", json_integer(act->moved));
	if (json && act->misuse)
		json_object_set_new(json, "misuse", json_string(act->misuse));
	return json;
}

json_t *case_json(const struct case_study *study)
{
	json_t *json = json_pack("{s:i, s:s, s:s, s:I}", "schema", CMD_SCHEMA, "kind", "case",
				 "profile", cmd_profile_name(study->opt.profile), "memory_bytes",
				 (json_int_t)study->opt.memory);
	json_t *actions = json_array();

	json_object_set_new(json, "start", zones_json(&study->start));
	if (study->requests) {
		json_object_set_new(json, "requests", requests_json(study));
		json_decref(actions);
		return json;
	}
	for (size_t i = 0; i < study->nr_actions; i++)
		json_array_append_new(actions, action_json(study, i));
	json_object_set_new(json, "actions", actions);
	return json;
}
