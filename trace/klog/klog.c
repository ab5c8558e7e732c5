/* SPDX-License-Identifier: MIT */
/*
 * Reports under construction. A column (a CPU's or a task's lines) has at most one
 * open report; a finished one waits until no open one has begun before it:
 *
 *	C1  [headline .............. dump .......]      emitted first
 *	C3        [headline ... dump]                   done earlier, waits
 *
 * A column that has been silent for KLOG_STALE records is finished, so that nothing
 * waits for ever.
 */
#include <stdlib.h>
#include <string.h>

#include "call_chain.h"
#include "internal.h"

/* -------------------------------------------------------------------- columns */

static struct klog_column *find_column(struct pb_klog *log, const char *name)
{
	struct klog_column *column, *place = NULL;

	for (unsigned int i = 0; i < PB_KLOG_OPEN; i++) {
		column = &log->columns[i];
		if (column->in_use && !strcmp(column->name, name))
			return column;
		if (!place || (place->in_use &&
			       (!column->in_use || column->last_record < place->last_record)))
			place = column;
	}
	if (place->in_use) {
		klog_wait_end(log, place);
		klog_finish(log, place);
	}
	*place = (struct klog_column){ .node = -1, .open_zone = PB_KLOG_ZONES, .in_use = true };
	memcpy(place->name, name, strlen(name) + 1);
	return place;
}

static void finish_stale(struct pb_klog *log)
{
	for (unsigned int i = 0; i < PB_KLOG_OPEN; i++) {
		struct klog_column *column = &log->columns[i];

		if (column->in_use && column->building &&
		    log->records - column->last_record > KLOG_STALE)
			klog_finish(log, column);
	}
	klog_emit_done(log);
}

static int take(void *ctx, const struct klog_record *record)
{
	struct pb_klog *log = ctx;
	struct klog_column *column;

	if (!record->text[strspn(record->text, " ")])
		return log->status;
	log->records++;
	klog_wait_expire(log, false);
	column = find_column(log, record->prefix->column);
	column->last_record = log->records;
	if (klog_form(log, column, record))
		log->stats.understood++;
	if (log->records % 1024 == 0)
		finish_stale(log);
	return log->status;
}

/* ------------------------------------------------------------------------ API */

struct pb_klog *pb_klog_open(const struct pb_klog_options *options, pb_klog_emit emit, void *ctx)
{
	struct pb_klog *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->buildings = calloc(PB_KLOG_OPEN, sizeof(*log->buildings));
	log->frame.take = take;
	log->frame.ctx = log;
	log->frame.prefix.pid = -1;
	log->emit = emit;
	log->ctx = ctx;
	if (options)
		log->options = *options;
	if (!log->buildings || klog_frame_init(&log->frame)) {
		klog_frame_clear(&log->frame);
		free(log->buildings);
		free(log);
		return NULL;
	}
	return log;
}

int pb_klog_feed(struct pb_klog *log, const void *bytes, size_t len)
{
	if (!log->status)
		log->status = klog_frame_feed(&log->frame, bytes, len);
	return log->status;
}

int pb_klog_close(struct pb_klog *log, struct pb_klog_stats *stats)
{
	struct klog_building *building;
	int status;

	if (!log->status)
		klog_frame_end(&log->frame);
	klog_wait_expire(log, true);
	while ((building = klog_oldest(log, true)) != NULL)
		klog_finish(log, klog_column_of(log, building));
	klog_emit_done(log);
	log->stats.lines = log->frame.nr_lines;
	if (log->stats.understood > log->stats.lines)
		log->stats.lines = log->stats.understood; /* #012: several records a line */
	if (stats)
		*stats = log->stats;
	status = log->status;
	klog_frame_clear(&log->frame);
	free(log->buildings);
	free(log);
	return status;
}

const char *pb_klog_kind_name(enum pb_klog_kind kind)
{
	static const char *const names[] = { "alloc_failure", "oom",      "memcg",
					     "vmalloc",       "show_mem", "request" };

	return names[kind];
}

/* ---------------------------------------------------------------------- stack */

/* Where one line of a stack has an address, the lines without belong to another. */
const struct pb_klog_function *pb_klog_asker(const struct pb_klog_report *report)
{
	const struct pb_klog_function *perhaps = NULL;
	bool addresses = false;

	for (unsigned int i = 0; i < report->nr_stack; i++)
		addresses |= report->stack[i].has_address;
	for (unsigned int i = 0; i < report->nr_stack; i++) {
		const struct pb_klog_function *function = &report->stack[i];

		if (pb_is_go_between(function->name) || (addresses && !function->has_address))
			continue;
		if (!function->uncertain)
			return function;
		if (!perhaps)
			perhaps = function;
	}
	return perhaps;
}
