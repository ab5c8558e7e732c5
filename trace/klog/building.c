/* SPDX-License-Identifier: MIT */
/* Reports under way: begun, filled by the forms of lines, judged, handed out in order. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ------------------------------------------------------------------- emission */

struct klog_building *klog_oldest(struct pb_klog *log, bool open_only)
{
	struct klog_building *first = NULL;

	for (unsigned int i = 0; i < PB_KLOG_OPEN; i++) {
		struct klog_building *building = &log->buildings[i];

		if (!building->in_use || (open_only && building->done))
			continue;
		if (!first || building->report.line < first->report.line)
			first = building;
	}
	return first;
}

/* "vmalloc: allocation failure: N bytes" is the first line of a report that comes below it. */
static bool is_awaited(const struct pb_klog *log, uint64_t before)
{
	for (unsigned int i = 0; i < PB_KLOG_OPEN; i++) {
		const struct klog_column *column = &log->columns[i];

		if (column->in_use && column->has_vmalloc && column->vmalloc_line < before &&
		    log->records - column->vmalloc_record < KLOG_VMALLOC)
			return true;
	}
	return false;
}

void klog_emit_done(struct pb_klog *log)
{
	struct klog_building *building;

	while ((building = klog_oldest(log, false)) != NULL && building->done &&
	       !is_awaited(log, building->report.line)) {
		if (!log->status)
			log->status = log->emit(log->ctx, &building->report);
		log->stats.reports++;
		free(building->report.zones);
		building->report.zones = NULL;
		building->in_use = false;
	}
}

void klog_settle(struct pb_klog *log, struct klog_column *column)
{
	struct pb_klog_report *report = column->building ? &column->building->report : NULL;

	(void)log;
	if (report && column->open == OPEN_LIST && column->open_zone < report->nr_zones)
		klog_list_settle(&column->list, &report->zones[column->open_zone]);
	column->open = OPEN_NOTHING;
}

void klog_finish(struct pb_klog *log, struct klog_column *column)
{
	struct klog_building *building = column->building;

	if (building && column->open == OPEN_RESERVE &&
	    column->open_zone < building->report.nr_zones)
		building->report.zones[column->open_zone].reserve_cut = true;
	klog_settle(log, column);
	column->open_zone = PB_KLOG_ZONES;
	column->building = NULL;
	if (!building)
		return;
	klog_judge(building, log);
	if (building->report.kernel[0] && pb_release_parse(building->report.kernel))
		log->seen_release = pb_release_parse(building->report.kernel);
	else if (building->report.release_by_format && building->report.release < V_MOVABLE)
		log->seen_release = building->report.release; /* its zones tell it for certain */
	building->done = true;
	klog_emit_done(log);
}

struct klog_column *klog_column_of(struct pb_klog *log, const struct klog_building *building)
{
	for (unsigned int i = 0; i < PB_KLOG_OPEN; i++)
		if (log->columns[i].in_use && log->columns[i].building == building)
			return &log->columns[i];
	return NULL;
}

static struct klog_building *free_building(struct pb_klog *log)
{
	struct klog_column *column;

	for (;;) {
		klog_emit_done(log);
		for (unsigned int i = 0; i < PB_KLOG_OPEN; i++)
			if (!log->buildings[i].in_use)
				return &log->buildings[i];
		column = klog_column_of(log, klog_oldest(log, true));
		if (!column)
			return NULL;
		klog_finish(log, column);
	}
}

/* "vmalloc: allocation failure: N bytes", and the headline below it did not come. */
void klog_lone_vmalloc(struct pb_klog *log, struct klog_column *column)
{
	struct klog_building *building;

	column->has_vmalloc = false;
	building = free_building(log);
	if (!building)
		return;
	*building = (struct klog_building){ .in_use = true };
	building->report.kind = PB_KLOG_VMALLOC;
	building->report.line = column->vmalloc_line;
	building->report.vmalloc_bytes = column->vmalloc_bytes;
	building->report.pid = -1;
	building->report.free_pages = building->report.ram_pages = -1;
	klog_judge(building, log);
	building->done = true;
	klog_emit_done(log);
}

struct klog_building *klog_begin(struct pb_klog *log, struct klog_column *column,
				 const struct klog_record *record, enum pb_klog_kind kind)
{
	struct klog_building *building;

	klog_finish(log, column);
	building = free_building(log);
	if (!building)
		return NULL;
	*building = (struct klog_building){ .in_use = true };
	building->report.kind = kind;
	building->report.line = record->line;
	building->report.pid = -1;
	building->report.free_pages = building->report.ram_pages = -1;
	memcpy(building->report.stamp, record->prefix->stamp, sizeof(building->report.stamp));
	column->building = building;
	column->node = -1;
	return building;
}
