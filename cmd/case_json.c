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

static const char *type_name(unsigned int type)
{
	return type < PB_MIGRATE_TYPES ? pb_migratetype_name((enum pb_migratetype)type) : "?";
}

static json_t *step_json(const struct pb_trace_event *step)
{
	return json_pack("{s:s, s:i, s:s, s:I, s:i, s:s, s:s, s:I, s:b}", "step",
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

static json_t *result_json(const struct case_result *result)
{
	const struct case_request *request = &result->request;
	json_t *json;
	char gfp[256];

	pb_gfp_name(result->gfp, gfp, sizeof(gfp));
	json = json_pack("{s:I, s:i, s:s, s:s, s:b, s:s, s:o, s:o, s:o}", "bytes",
			 (json_int_t)request->bytes, "order", request->order, "migratetype",
			 type_name(request->type), "gfp", gfp, "succeeded", result->page != NULL,
			 "reason", pb_reason_name(result->why), "before",
			 zones_json(&result->before), "steps", steps_json(&result->alloc), "after",
			 zones_json(&result->after));
	if (json && result->page) {
		json_object_set_new(json, "pfn", json_integer((json_int_t)result->pfn));
		json_object_set_new(json, "free_steps", steps_json(&result->free));
		json_object_set_new(json, "freed", zones_json(&result->freed));
	}
	return json;
}

json_t *case_json(const struct case_study *study)
{
	json_t *requests = json_array();

	for (unsigned int i = 0; i < study->nr_results; i++)
		json_array_append_new(requests, result_json(&study->results[i]));
	return json_pack("{s:i, s:s, s:s, s:I, s:o}", "schema", 1, "kind", "case", "profile",
			 cmd_profile_name(study->profile), "memory_bytes",
			 (json_int_t)study->memory, "requests", requests);
}
