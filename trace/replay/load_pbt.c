// SPDX-License-Identifier: MIT
/* .pbt: events and snapshots in one file. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcntl.h>

#include "call_chain.h"
#include "internal.h"
#include "pbt.h"
#include "procfs.h"
#include "trace.h"

#define MAX_PID (1 << 22) /* Linux's PID_MAX_LIMIT */

/* Which value of an event is which field, found once for each definition. */
struct layout {
	int type; /* enum pb_event_type, -1: none of ours */
	int pfn, order, gfp, migratetype, refill;
	int from_order, from_type, ownership;
	int end_pfn, taken;
	int device, inode, index, reclaimed, moved, stayed;
	int chain; /* of the event before it on its CPU */
};

struct reading {
	const struct pbr_source *source;
	struct pbr_loader *loader;
	struct pb_snapshot start, end;
	const struct pbt_event_def *def[PBT_MAX_EVENTS];
	struct layout layout[PBT_MAX_EVENTS];
	unsigned int nr_defs;
	uint32_t *task; /* [nr_pids] 1 + task of this pid now, or 0 */
	int32_t nr_pids;
	uint64_t records;
	struct pb_chains chains; /* in the order of the file */
	char *error;
	size_t error_size;
};

static int field(const struct pbt_event_def *def, const char *name)
{
	for (uint32_t i = 0; i < def->nr_fields; i++)
		if (!strcmp(def->field[i].name, name))
			return (int)i;
	return -1;
}

static void learn(struct layout *layout, const struct pbt_event_def *def)
{
	layout->type = pb_event_type_find(def->name, strlen(def->name));
	layout->pfn = field(def, "pfn");
	layout->order = field(def, "order");
	layout->gfp = field(def, "gfp_flags");
	layout->migratetype = field(def, "migratetype");
	layout->refill = field(def, "percpu_refill");
	layout->from_order = field(def, "fallback_order");
	layout->from_type = field(def, "fallback_migratetype");
	layout->ownership = field(def, "change_ownership");
	layout->end_pfn = field(def, "end_pfn");
	layout->taken = field(def, "nr_taken");
	layout->device = field(def, "s_dev");
	layout->inode = field(def, "i_ino");
	layout->index = field(def, "index");
	layout->reclaimed = field(def, "nr_reclaimed");
	layout->moved = field(def, "nr_migrated");
	layout->stayed = field(def, "nr_failed");
	layout->chain = strcmp(def->name, "kernel_stack") ? -1 : field(def, "chain");
	if (layout->type == PB_EV_EXTFRAG) {
		layout->order = field(def, "alloc_order");
		layout->migratetype = field(def, "alloc_migratetype");
	} else if (layout->type == PB_EV_COMPACT_FREE) {
		layout->pfn = field(def, "start_pfn");
	}
}

static const struct layout *layout_of(struct reading *reading, const struct pbt_event_def *def)
{
	for (unsigned int i = 0; i < reading->nr_defs; i++)
		if (reading->def[i] == def)
			return &reading->layout[i];
	if (reading->nr_defs == PBT_MAX_EVENTS)
		return NULL;
	reading->def[reading->nr_defs] = def;
	learn(&reading->layout[reading->nr_defs], def);
	return &reading->layout[reading->nr_defs++];
}

/* -------------------------------------------------------------------- tasks */

static void name_pid(struct reading *reading, int32_t pid, const char *comm)
{
	if (pid < 0 || pid >= MAX_PID)
		return;
	if (pid >= reading->nr_pids) {
		int32_t more = pid + 4096;
		uint32_t *grown = realloc(reading->task, (size_t)more * sizeof(*grown));

		if (!grown) {
			reading->loader->failed = true;
			return;
		}
		memset(grown + reading->nr_pids, 0,
		       (size_t)(more - reading->nr_pids) * sizeof(*grown));
		reading->task = grown;
		reading->nr_pids = more;
	}
	reading->task[pid] = pbr_loader_task(reading->loader, pid, comm) + 1;
}

static uint32_t task_of(struct reading *reading, int32_t pid)
{
	if (pid < 0 || pid >= MAX_PID)
		return PBR_NO_TASK;
	if (pid >= reading->nr_pids || !reading->task[pid])
		name_pid(reading, pid, pid ? NULL : "<idle>");
	return pid < reading->nr_pids && reading->task[pid] ? reading->task[pid] - 1 : PBR_NO_TASK;
}

/* ------------------------------------------------------------------- events */

static uint64_t get(const struct pbt_event *event, int which)
{
	return which < 0 ? 0 : event->value[which];
}

static uint8_t kind_of(int type)
{
	switch (type) {
	case PB_EV_ALLOC:
		return PBR_ALLOC;
	case PB_EV_FREE:
		return PBR_FREE;
	case PB_EV_ZONE_LOCKED:
		return PBR_ZONE_LOCKED;
	case PB_EV_PCPU_DRAIN:
		return PBR_PCPU_DRAIN;
	case PB_EV_EXTFRAG:
		return PBR_EXTFRAG;
	case PB_EV_COMPACT_FREE:
		return PBR_COMPACT;
	case PB_EV_CACHE_ADD:
		return PBR_CACHE_ADD;
	case PB_EV_CACHE_DELETE:
		return PBR_CACHE_DELETE;
	case PB_EV_ACTIVATE:
		return PBR_ACTIVATE;
	case PB_EV_KSWAPD_WAKE:
		return PBR_KSWAPD_WAKE;
	case PB_EV_KSWAPD_SLEEP:
		return PBR_KSWAPD_SLEEP;
	case PB_EV_RECLAIM_BEGIN:
		return PBR_RECLAIM_BEGIN;
	case PB_EV_RECLAIM_END:
		return PBR_RECLAIM_END;
	case PB_EV_COMPACT_MOVED:
		return PBR_MOVED;
	default:
		return PBR_OTHER;
	}
}

static void read_event(struct reading *reading, const struct pbt_record *record)
{
	const struct layout *layout = layout_of(reading, record->def);
	const struct pbt_event *from = record->event;
	struct pbr_event event = { .time = from->ts };
	uint64_t pfn;

	if (!layout)
		return;
	if (layout->chain >= 0) {
		uint64_t number = get(from, layout->chain);

		if (number && number <= reading->chains.nr && from->cpu < PBR_MAX_CPUS)
			pbr_loader_chain(reading->loader, from->cpu, (uint32_t)number);
		return;
	}
	event.kind = kind_of(layout->type);
	if (layout->pfn < 0 && event.kind < PBR_KSWAPD_WAKE)
		event.kind = PBR_OTHER;
	pfn = layout->pfn < 0 ? UINT64_MAX : get(from, layout->pfn);
	if (!pbr_event_place(&event, pfn, from->cpu))
		reading->loader->input->problems.beyond_machine++;
	event.task = task_of(reading, from->pid);
	if (event.kind == PBR_COMPACT)
		event.gfp = pbr_compact_word(get(from, layout->end_pfn) - pfn,
					     get(from, layout->taken));
	else if (event.kind == PBR_CACHE_ADD || event.kind == PBR_CACHE_DELETE)
		event.gfp = pbr_file_page(get(from, layout->inode) ^ get(from, layout->device)
									     << 40,
					  get(from, layout->index));
	else if (event.kind == PBR_RECLAIM_END)
		event.gfp = (uint32_t)get(from, layout->reclaimed);
	else if (event.kind == PBR_MOVED)
		event.gfp = pbr_compact_word(get(from, layout->stayed), get(from, layout->moved));
	else
		event.gfp = (uint32_t)get(from, layout->gfp);
	event.order = pbr_clamp(get(from, layout->order), 31);
	event.migratetype = pbr_clamp(get(from, layout->migratetype), PBR_NO_TYPE);
	event.from_order = pbr_clamp(get(from, layout->from_order), 31);
	event.from_type = pbr_clamp(get(from, layout->from_type), PBR_NO_TYPE);
	event.flag = (layout->refill >= 0 && get(from, layout->refill)) ||
		     (layout->ownership >= 0 && get(from, layout->ownership));
	if (event.time < reading->loader->last_time)
		reading->loader->input->problems.out_of_order++;
	else if (event.time == reading->loader->last_time)
		reading->loader->input->problems.equal_times++;
	pbr_loader_event(reading->loader, event);
}

/* ---------------------------------------------------------------- snapshots */

static int read_file(struct reading *reading, const struct pbt_record *record)
{
	struct pb_snapshot *snapshot = record->phase == PBT_START ? &reading->start : &reading->end;
	char *error = reading->error;
	size_t size = reading->error_size, length = record->text_size;
	const char *text = record->text;
	int status = 0;

	if (record->phase == PBT_STOP &&
	    (!strcmp(record->name, "zoneinfo") || !strcmp(record->name, "buddyinfo"))) {
		struct pbr_input *input = reading->loader->input;

		if (!input->snapshot_from || record->ts < input->snapshot_from)
			input->snapshot_from = record->ts;
		if (record->ts > input->snapshot_to)
			input->snapshot_to = record->ts;
	}
	if (!strcmp(record->name, "zoneinfo") && !snapshot->has_zoneinfo) {
		status = pb_zoneinfo_parse(text, length, &snapshot->zoneinfo, error, size);
		snapshot->has_zoneinfo = !status;
	} else if (!strcmp(record->name, "buddyinfo") && !snapshot->has_buddyinfo) {
		status = pb_buddyinfo_parse(text, length, &snapshot->buddyinfo, error, size);
		snapshot->has_buddyinfo = !status;
	} else if (!strcmp(record->name, "pagetypeinfo") && !snapshot->has_pagetypeinfo) {
		status = pb_pagetypeinfo_parse(text, length, &snapshot->pagetypeinfo, error, size);
		snapshot->has_pagetypeinfo = !status;
	}
	return status;
}

static int read_frames(struct reading *reading, const struct pbt_record *record)
{
	static const uint8_t states[PBT_NR_FRAMES] = {
		[PBT_FRAME_ABSENT] = PBR_HOLE,   [PBT_FRAME_FREE] = PBR_IS_FREE,
		[PBT_FRAME_LRU] = PBR_USED_LRU,  [PBT_FRAME_SLAB] = PBR_USED,
		[PBT_FRAME_RESERVED] = PBR_HOLE, [PBT_FRAME_OTHER] = PBR_USED,
		[PBT_FRAME_PGTABLE] = PBR_USED,  [PBT_FRAME_HUGETLB] = PBR_USED,
	};
	struct pbr_private *priv = pbr_priv(reading->loader->input);
	void *grown;

	if (record->phase != PBT_START)
		return 0;
	grown = realloc(priv->runs, (priv->nr_runs + record->nr_runs + 1) * sizeof(*priv->runs));
	if (!grown)
		return pbr_error(reading->error, reading->error_size, "no memory");
	priv->runs = grown;
	for (size_t i = 0; i < record->nr_runs; i++) {
		const struct pbt_run *run = &record->run[i];

		priv->runs[priv->nr_runs++] = (struct pbr_frame_run){ run->pfn, run->count,
								      run->frame < PBT_NR_FRAMES
									      ? states[run->frame]
									      : PBR_USED };
	}
	return 0;
}

static void read_meta(struct pbr_input *input, const struct pbt_record *record)
{
	struct pbt_about about = { 0 };

	pbt_read_about(record->text, &about);
	memcpy(input->kernel, about.kernel, sizeof(input->kernel));
	memcpy(input->host, about.host, sizeof(input->host));
	input->realtime = about.realtime;
	input->page_size = about.page_size;
}

/* How many events were lost in all: holes in the buffer do not always say it. */
static void read_end(struct pbr_input *input, const struct pbt_record *record)
{
	const char *at = strstr(record->text, "\nlost=");

	if (at)
		input->problems.lost_events = strtoull(at + 6, NULL, 10);
}

/* They are numbered as they come. */
static void read_chain(struct reading *reading, const struct pbt_record *record)
{
	struct pb_chain chain;

	if (record->count != reading->chains.nr + 1u)
		return;
	pb_chain_clear(&chain);
	snprintf(chain.text, sizeof(chain.text), "%.*s", PB_CHAIN_SIZE - 1, record->name);
	pb_chains_number(&reading->chains, chain.text);
}

static const char *chain_text(const void *ctx, uint32_t i)
{
	const struct reading *reading = ctx;

	return reading->chains.text[i];
}

static int read_record(struct reading *reading, const struct pbt_record *record)
{
	switch (record->tag) {
	case PBT_META:
		read_meta(reading->loader->input, record);
		return 0;
	case PBT_EVENTS:
		read_event(reading, record);
		return 0;
	case PBT_TASK:
		name_pid(reading, record->pid, record->name);
		return 0;
	case PBT_CHAIN:
		read_chain(reading, record);
		return 0;
	case PBT_LOST:
		reading->loader->input->problems.lost_events += record->count;
		return 0;
	case PBT_END:
		read_end(reading->loader->input, record);
		return 0;
	case PBT_FILE:
		return read_file(reading, record);
	case PBT_FRAMES:
		return read_frames(reading, record);
	default:
		return 0;
	}
}

/* -------------------------------------------------------------------- whole */

static void note_cut(struct reading *reading, struct pbt_reader *reader, int status)
{
	struct pbr_problems *problems = &reading->loader->input->problems;

	if (status < 0) {
		problems->truncated++;
		pbr_problem(problems, "after %llu records: %s",
			    (unsigned long long)reading->records, pbt_reader_error(reader));
	} else if (pbt_reader_cut(reader)) {
		problems->truncated++;
		pbr_problem(problems, "after %llu records: the file was cut",
			    (unsigned long long)reading->records);
	}
}

static int read_all(struct reading *reading, struct pbt_reader *reader)
{
	const struct pbr_source *source = reading->source;
	struct pbt_record record;
	int status;

	while ((status = pbt_read(reader, &record)) > 0) {
		reading->records++;
		if (read_record(reading, &record))
			return -1;
		if (reading->loader->failed)
			return 0;
		if (source->progress && reading->records % 65536 == 0)
			source->progress(source->progress_ctx, "reading the trace", 0.5);
	}
	if (pbr_name_chains(reading->loader->input, reading->chains.nr, chain_text, reading))
		return pbr_error(reading->error, reading->error_size, "no memory");
	note_cut(reading, reader, status);
	snprintf(reading->loader->input->format, sizeof(reading->loader->input->format), "pbt");
	if (source->snapshot) {
		pb_snapshot_free(&reading->start);
		pb_snapshot_free(&reading->end);
		memset(&reading->start, 0, sizeof(reading->start));
		memset(&reading->end, 0, sizeof(reading->end));
		if (pb_snapshot_load(source->snapshot, "start", &reading->start, reading->error,
				     reading->error_size) ||
		    pb_snapshot_load(source->snapshot, "end", &reading->end, reading->error,
				     reading->error_size))
			return -1;
	}
	if (pbr_load_machine(source, reading->loader->input, &reading->start, &reading->end,
			     reading->error, reading->error_size))
		return -1;
	/* The frames of a recorded machine say nothing about a made up one. */
	if (source->memory)
		pbr_priv(reading->loader->input)->nr_runs = 0;
	reading->loader->input->machine.has_free_map = pbr_priv(reading->loader->input)->nr_runs !=
						       0;
	return 0;
}

static long read_fd(void *ctx, void *buffer, size_t size)
{
	return read(*(int *)ctx, buffer, size);
}

static int read_pbt(const struct pbr_source *source, struct pbr_loader *loader, int fd, char *error,
		    size_t size)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	struct pbt_reader *reader = pbt_reader_new(read_fd, &fd, error, size);
	int status = -1;

	if (!reading)
		pbr_error(error, size, "no memory");
	if (reading && reader) {
		reading->source = source;
		reading->loader = loader;
		reading->error = error;
		reading->error_size = size;
		status = read_all(reading, reader);
		pb_snapshot_free(&reading->start);
		pb_snapshot_free(&reading->end);
		free(reading->task);
		pb_chains_free(&reading->chains);
	}
	pbt_reader_free(reader);
	free(reading);
	return status;
}

int pbr_load_pbt(const struct pbr_source *source, struct pbr_loader *loader, char *error,
		 size_t size)
{
	unsigned char first[PBT_HEADER];
	int fd = open(source->path, O_RDONLY | O_CLOEXEC), status = 1;
	ssize_t got;

	if (fd < 0)
		return pbr_error(error, size,
				 "%s: %s; expected a trace: ftrace text, perf script "
				 "text, trace.dat or .pbt",
				 source->path, strerror(errno));
	got = pread(fd, first, sizeof(first), 0);
	if (got > 0 && pbt_probe(first, (size_t)got))
		status = read_pbt(source, loader, fd, error, size);
	close(fd);
	return status;
}
