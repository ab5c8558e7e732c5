// SPDX-License-Identifier: MIT
/* A report of a kernel log as JSON; docs/schema.md describes the fields. */

#include <string.h>

#include "explain_log.h"

static json_t *names_json(const char *names)
{
	json_t *list = json_array();

	while (*names) {
		size_t len = strcspn(names, "|");

		json_array_append_new(list, json_stringn_nocheck(names, len));
		names += len + (names[len] == '|');
	}
	return list;
}

/* Bytes of a log need not be UTF-8. */
static json_t *text_or_null(const char *text)
{
	char clean[PB_KLOG_TEXT];
	size_t n = 0;

	if (!*text)
		return json_null();
	for (; text[n] && n + 1 < sizeof(clean); n++)
		clean[n] = (unsigned char)text[n] < 0x20 || (unsigned char)text[n] > 0x7e ? '?'
											  : text[n];
	clean[n] = '\0';
	return json_string_nocheck(clean);
}

static json_t *kb_or_null(const struct pb_klog_report *report, bool known, int64_t pages)
{
	return known ? json_integer(pages * explain_log_page_kb(report)) : json_null();
}

/* Null where the text is cut before what decides. */
static json_t *word_json(enum pb_verdict_word word)
{
	return word == PB_SAYS_UNKNOWN ? json_null() : json_string(pb_verdict_word(word));
}

static json_t *zone_json(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	const struct pb_rule_result *result = &zone->result;
	char why[256];
	json_t *json = json_pack("{s:i, s:s, s:I, s:I, s:o}", "node", zone->node, "zone",
				 pb_klog_type_name(zone->type), "free_kb",
				 (json_int_t)zone->free_kb, "min_kb", (json_int_t)zone->min_kb,
				 "verdict", word_json(zone->verdict));

	json_object_set_new(json, "usable_kb", kb_or_null(report, zone->judged, result->usable));
	json_object_set_new(json, "largest_usable_order",
			    zone->judged && zone->has_list ? json_integer(result->usable_order)
							   : json_null());
	if (zone->rule.boost_at_least)
		json_object_set_new(json, "boost_at_least_kb",
				    json_integer(zone->rule.boost * explain_log_page_kb(report)));
	if (zone->boost_kb > 0)
		json_object_set_new(json, "boost_kb", json_integer(zone->boost_kb));
	if (zone->judged) {
		json_object_set_new(json, "mark_kb", kb_or_null(report, true, result->mark));
		json_object_set_new(json, "reserve_kb", kb_or_null(report, true, result->reserve));
		json_object_set_new(json, "cma_kb", kb_or_null(report, true, result->cma));
		json_object_set_new(json, "highatomic_kb",
				    kb_or_null(report, true, result->highatomic));
	}
	explain_log_why(report, zone, why, sizeof(why));
	json_object_set_new(json, "why", json_string_nocheck(why));
	return json;
}

/* Zones are part of the answer where they decided it. */
static bool has_zones(const struct pb_klog_report *report)
{
	return report->verdict < PB_SAYS_NOT_PAGE_ALLOCATOR;
}

static void set_zones(json_t *json, const struct pb_klog_report *report)
{
	json_t *zones = json_array(), *allowed = json_array();

	for (unsigned int i = 0; has_zones(report) && i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];

		json_array_append_new(zones, zone_json(report, zone));
		if (zone->allowed)
			json_array_append_new(allowed, json_sprintf("%d/%s", zone->node,
								    pb_klog_type_name(zone->type)));
	}
	json_object_set_new(json, "zones_allowed", allowed);
	json_object_set_new(json, "per_zone", zones);
}

static void set_request(json_t *json, const struct pb_klog_report *report)
{
	struct pb_rule_request request = { .gfp = report->gfp, .release = report->release };
	bool gfp = report->has_gfp;

	json_object_set_new(json, "order",
			    report->has_order ? json_integer(report->order) : json_null());
	json_object_set_new(json, "gfp_hex",
			    gfp ? json_sprintf("0x%x", report->gfp_number) : json_null());
	json_object_set_new(json, "gfp_names", names_json(gfp ? report->gfp_names : ""));
	json_object_set_new(json, "may_sleep",
			    gfp ? json_boolean(pb_rule_may_sleep(&request)) : json_null());
}

json_t *explain_log_json(const struct pb_klog_report *report)
{
	const struct pb_klog_function *asker = pb_klog_asker(report);
	char sentence[EXPLAIN_SENTENCE];
	json_t *json = json_object();

	json_object_set_new(json, "headline_kind", json_string(pb_klog_kind_name(report->kind)));
	json_object_set_new(json, "comm", text_or_null(report->comm));
	json_object_set_new(json, "pid", report->pid < 0 ? json_null() : json_integer(report->pid));
	json_object_set_new(json, "kernel", text_or_null(report->kernel));
	set_request(json, report);
	json_object_set_new(json, "page_kb",
			    report->page_kb ? json_integer(report->page_kb) : json_null());
	json_object_set_new(json, "verdict", word_json(report->verdict));
	set_zones(json, report);
	json_object_set_new(json, "line", json_integer((json_int_t)report->line));
	json_object_set_new(json, "caller", asker ? text_or_null(asker->name) : json_null());
	explain_log_sentence(report, sentence, sizeof(sentence));
	json_object_set_new(json, "sentence", json_string_nocheck(sentence));
	return json;
}
