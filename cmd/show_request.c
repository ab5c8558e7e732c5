// SPDX-License-Identifier: MIT
/*
 * show --order, and explain on files of /proc: what would become of a request now.
 * The zones are put as a kernel's log would print them, and judged and told by what
 * judges and tells logs.
 */
#include <stdlib.h>
#include <string.h>

#include <gfp_release.h>
#include <klog/klog.h>

#include "explain_log.h"
#include "show.h"

/* ------------------------------------------------------------------------ zones */

static void set_lists(const struct show_machine *m, const struct show_zone *from,
		      struct pb_klog_zone *zone)
{
	zone->has_list = from->has_blocks;
	zone->has_letters = from->has_types;
	zone->nr_orders = m->nr_orders < PB_RULE_ORDERS ? m->nr_orders : PB_RULE_ORDERS;
	zone->first_kb = (unsigned int)(m->page_size >> 10);
	for (unsigned int o = 0; o < zone->nr_orders; o++) {
		zone->blocks[o] = from->nr_free[o];
		for (unsigned int t = 0; t < from->nr_types; t++)
			if (from->types[t].nr_free[o])
				zone->letters[o] |= show_letter(from->types[t].name);
	}
}

static void set_amounts(const struct show_machine *m, const struct show_zone *from,
			struct pb_klog_zone *zone)
{
	int64_t kb = (int64_t)(m->page_size >> 10);

	zone->free_kb = (int64_t)from->free * kb;
	zone->min_kb = (int64_t)from->min * kb;
	zone->boost_kb = (int64_t)from->boost * kb;
	zone->low_kb = (int64_t)from->low * kb;
	zone->high_kb = (int64_t)from->high * kb;
	zone->free_cma_kb = (int64_t)from->cma * kb;
	/* pagetypeinfo tells one of the two, as the kernel's rule wants it */
	zone->reserved_highatomic_kb = zone->free_highatomic_kb = (int64_t)from->highatomic * kb;
	zone->present_kb = (int64_t)from->present * kb;
	/* without zoneinfo: that it is not empty */
	zone->managed_kb = (int64_t)(m->has_marks ? from->managed : from->free + 1) * kb;
	zone->free_pcp_kb = (int64_t)from->pcp * kb;
}

static void set_reserve(const struct pb_snapshot *snapshot, const struct show_zone *from,
			struct pb_klog_zone *zone)
{
	for (size_t i = 0; i < snapshot->zoneinfo.nr_zones; i++) {
		const struct pb_proc_zone *proc = &snapshot->zoneinfo.zones[i];

		if (proc->node != from->node || strcmp(proc->name, from->name))
			continue;
		for (unsigned int k = 0; k < proc->nr_protection; k++)
			if (zone->nr_reserve < sizeof(zone->reserve) / sizeof(zone->reserve[0]))
				zone->reserve[zone->nr_reserve++] = (int64_t)proc->protection[k];
	}
}

static int type_of(const char *name)
{
	for (int type = 0; type < PB_KLOG_TYPES; type++)
		if (!strcmp(name, pb_klog_type_name(type)))
			return type;
	return -1;
}

static int set_zones(const struct pb_snapshot *snapshot, const struct show_machine *m,
		     struct pb_klog_report *report)
{
	report->zones = calloc(m->nr_zones + 1, sizeof(*report->zones));
	if (!report->zones)
		return cmd_error("show", "out of memory");
	for (unsigned int i = 0; i < m->nr_zones; i++) {
		struct pb_klog_zone *zone = &report->zones[report->nr_zones];

		zone->type = type_of(m->zones[i].name);
		zone->node = m->zones[i].node;
		if (zone->type < 0 || zone->node < 0 || zone->node >= PB_KLOG_NODES)
			continue;
		set_amounts(m, &m->zones[i], zone);
		set_reserve(snapshot, &m->zones[i], zone);
		set_lists(m, &m->zones[i], zone);
		report->nr_zones++;
	}
	return CMD_OK;
}

/* ---------------------------------------------------------------------- request */

static int set_gfp(const struct show_ask *ask, struct pb_klog_report *report)
{
	const char *text = ask->gfp ? ask->gfp : "GFP_KERNEL", *at = text;
	char *end;
	unsigned long number = strtoul(text, &end, 0);
	uint32_t bits;

	report->has_gfp = true;
	if (end != text && !*end && number <= UINT32_MAX) {
		report->gfp_number = (uint32_t)number;
		report->gfp = pb_gfp_of_number(report->gfp_number, report->release);
		pb_gfp_release_names(report->gfp_number, report->release, report->gfp_names,
				     sizeof(report->gfp_names));
		return CMD_OK;
	}
	while (*at) {
		size_t len = strcspn(at, "|");

		if (!len || !pb_gfp_of_name(at, len, report->release, &bits))
			return cmd_error("show",
					 "--gfp '%s': expected names joined by |, such as "
					 "GFP_KERNEL|__GFP_NOWARN, or a number",
					 text);
		report->gfp |= bits;
		at += len + (at[len] == '|');
	}
	report->gfp_number = report->gfp;
	snprintf(report->gfp_names, sizeof(report->gfp_names), "%s", text);
	return CMD_OK;
}

static void set_release(const struct show_ask *ask, const struct show_machine *m,
			struct pb_klog_report *report)
{
	if (!strncmp(m->kernel, "Linux ", 6))
		snprintf(report->kernel, sizeof(report->kernel), "%.60s", m->kernel + 6);
	report->release = ask->release ? ask->release : pb_release_parse(report->kernel);
	if (report->release)
		return;
	report->release = SHOW_ASSUMED;
	report->release_by_format = true;
}

static int print(const struct show_ask *ask, const struct show_machine *m,
		 const struct pb_klog_report *report)
{
	json_t *json, *notes;

	if (ask->format == CMD_TEXT) {
		explain_log_text(report, ask->verbose);
		for (unsigned int i = 0; i < m->notes.nr; i++)
			explain_log_note(m->notes.text[i]);
		return CMD_OK;
	}
	json = explain_log_json(report);
	notes = json_array();
	for (unsigned int i = 0; i < m->notes.nr; i++)
		json_array_append_new(notes, json_string(m->notes.text[i]));
	json_object_set_new(json, "notes", notes);
	json_object_set_new(json, "schema", json_integer(CMD_SCHEMA));
	json_object_set_new(json, "kind", json_string("request"));
	return cmd_print_json(json);
}

int show_request(const struct show_ask *ask, const struct pb_snapshot *snapshot,
		 const struct show_machine *m)
{
	struct pb_klog_report report = { .kind = PB_KLOG_ASKED,
					 .has_order = true,
					 .order = (int)ask->order,
					 .pid = -1,
					 .free_pages = -1,
					 .ram_pages = -1,
					 .page_kb = (unsigned int)(m->page_size >> 10),
					 .no_marks = !m->has_marks };
	int status;

	if (m->nr_orders && ask->order >= m->nr_orders)
		return cmd_error("show",
				 "--order %u: expected 0 to %u, the largest block of this machine",
				 ask->order, m->nr_orders - 1);
	set_release(ask, m, &report);
	status = set_gfp(ask, &report);
	if (!status)
		status = set_zones(snapshot, m, &report);
	if (!status) {
		pb_klog_judge(&report);
		status = print(ask, m, &report);
	}
	free(report.zones);
	return status;
}
