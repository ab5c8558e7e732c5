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

/* Does a line wait that a report begins with, or is, before this one? */
static bool is_awaited(const struct pb_klog *log, uint64_t before)
{
	for (unsigned int i = 0; log->nr_waiting && i < PB_KLOG_OPEN; i++)
		if (log->columns[i].waiting.waits && log->columns[i].waiting.line < before)
			return true;
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

/*
 * Reports that are done are held back by a line that waits, but each of them has a
 * record of its own, and the line waits for fewer records than there is room for.
 */
_Static_assert(KLOG_VMALLOC <= PB_KLOG_OPEN, "a line that waits never holds back all reports");

static struct klog_building *free_building(struct pb_klog *log)
{
	struct klog_building *oldest;
	struct klog_column *column;

	for (;;) {
		klog_emit_done(log);
		for (unsigned int i = 0; i < PB_KLOG_OPEN; i++)
			if (!log->buildings[i].in_use)
				return &log->buildings[i];
		oldest = klog_oldest(log, true);
		column = oldest ? klog_column_of(log, oldest) : NULL;
		if (!column)
			return NULL;
		klog_finish(log, column);
	}
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

/* ------------------------------------------------------ lines of vmalloc that wait */

struct klog_waiting *klog_wait(struct pb_klog *log, struct klog_column *column,
			       const struct klog_record *record)
{
	struct klog_waiting *waiting = &column->waiting;

	klog_wait_end(log, column);
	*waiting = (struct klog_waiting){ .waits = true,
					  .line = record->line,
					  .record = log->records,
					  .pid = record->prefix->pid };
	memcpy(waiting->stamp, record->prefix->stamp, sizeof(waiting->stamp));
	log->nr_waiting++;
	return waiting;
}

void klog_wait_join(struct pb_klog *log, struct klog_column *column, struct pb_klog_report *report)
{
	report->kind = PB_KLOG_VMALLOC;
	report->line = column->waiting.line;
	report->vmalloc_bytes = column->waiting.bytes;
	report->vmalloc = column->waiting.vmalloc;
	memcpy(report->stamp, column->waiting.stamp, sizeof(report->stamp));
	column->waiting.waits = false;
	log->nr_waiting--;
}

void klog_wait_end(struct pb_klog *log, struct klog_column *column)
{
	struct klog_building *building;

	if (!column->waiting.waits)
		return;
	building = free_building(log);
	if (!building) {
		column->waiting.waits = false;
		log->nr_waiting--;
		return;
	}
	*building = (struct klog_building){ .in_use = true };
	building->report.pid = column->waiting.pid;
	building->report.free_pages = building->report.ram_pages = -1;
	memcpy(building->report.comm, column->waiting.comm, sizeof(building->report.comm));
	klog_wait_join(log, column, &building->report);
	klog_judge(building, log);
	building->done = true;
	klog_emit_done(log);
}

void klog_wait_expire(struct pb_klog *log, bool all)
{
	for (unsigned int i = 0; log->nr_waiting && i < PB_KLOG_OPEN; i++)
		if (all || log->records - log->columns[i].waiting.record >= KLOG_VMALLOC)
			klog_wait_end(log, &log->columns[i]);
}
