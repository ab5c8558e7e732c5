// SPDX-License-Identifier: MIT
/* ftrace text, perf script text and trace.dat, through the readers of trace.h. */

#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>

#include "call_chain.h"
#include "internal.h"
#include "procfs.h"
#include "trace.h"

static uint8_t type_of(int migratetype)
{
	return migratetype >= 0 && migratetype < PB_MIGRATE_TYPES ? (uint8_t)migratetype
								  : PBR_NO_TYPE;
}

static bool has_pfn(unsigned int type)
{
	return type != PB_EV_ZONE && type != PB_EV_MARK && type != PB_EV_COMPACT_MOVED &&
	       type != PB_EV_COMPACT_END && (type < PB_EV_KSWAPD_WAKE || type > PB_EV_RECLAIM_END);
}

static uint32_t keep_state(struct pbr_loader *loader, const struct pb_zone_state *state)
{
	struct pbr_input *input = loader->input;

	if (input->nr_states == loader->state_room) {
		uint32_t room = loader->state_room ? 2 * loader->state_room : 1024;
		void *grown = realloc(input->states, room * sizeof(*input->states));

		if (!grown) {
			loader->failed = true;
			return 0;
		}
		input->states = grown;
		loader->state_room = room;
	}
	input->states[input->nr_states] = *state;
	return input->nr_states++;
}

/* Somebody says until how many blocks he goes on asking (scripts/record-trace). */
static void wants(const struct pb_event *from, struct pbr_event *event)
{
	unsigned int nr, order;
	char tail;

	if (sscanf(from->mark, "pagebuddy: wants %u of order %u%c", &nr, &order, &tail) != 2 ||
	    nr > PBR_MOST_WANTED || order >= PBR_ORDERS)
		return;
	event->kind = PBR_WANTS;
	event->gfp = nr;
	event->order = order & 31;
}

static struct pbr_event convert(struct pbr_loader *loader, const struct pb_event *from)
{
	static const uint8_t kinds[PB_NR_EVENT_TYPES] = {
		[PB_EV_ALLOC] = PBR_ALLOC,
		[PB_EV_FREE] = PBR_FREE,
		[PB_EV_FREE_BATCHED] = PBR_OTHER,
		[PB_EV_ZONE_LOCKED] = PBR_ZONE_LOCKED,
		[PB_EV_PCPU_DRAIN] = PBR_PCPU_DRAIN,
		[PB_EV_EXTFRAG] = PBR_EXTFRAG,
		[PB_EV_COMPACT_FREE] = PBR_COMPACT,
		[PB_EV_COMPACT_BEGIN] = PBR_OTHER,
		[PB_EV_COMPACT_END] = PBR_COMPACTED,
		[PB_EV_MARK] = PBR_OTHER,
		[PB_EV_STACK] = PBR_OTHER,
		[PB_EV_CACHE_ADD] = PBR_CACHE_ADD,
		[PB_EV_CACHE_DELETE] = PBR_CACHE_DELETE,
		[PB_EV_ACTIVATE] = PBR_ACTIVATE,
		[PB_EV_KSWAPD_WAKE] = PBR_KSWAPD_WAKE,
		[PB_EV_KSWAPD_SLEEP] = PBR_KSWAPD_SLEEP,
		[PB_EV_RECLAIM_BEGIN] = PBR_RECLAIM_BEGIN,
		[PB_EV_RECLAIM_END] = PBR_RECLAIM_END,
		[PB_EV_COMPACT_MOVED] = PBR_MOVED,
		[PB_EV_ZONE] = PBR_ZONE_STATE,
	};
	struct pbr_event event = {
		.time = from->time,
		.gfp = from->gfp,
		.kind = kinds[from->type],
		.order = pbr_clamp(from->order, 31),
		.migratetype = type_of(from->migratetype),
	};

	if (!pbr_event_place(&event, has_pfn(from->type) ? from->pfn : UINT64_MAX, from->cpu))
		loader->input->problems.beyond_machine++;
	event.task = pbr_loader_task(loader, from->pid, from->comm);
	if (from->type == PB_EV_COMPACT_FREE) {
		event.gfp = pbr_compact_word(from->end_pfn - from->pfn, from->count);
		return event;
	}
	if (from->type == PB_EV_CACHE_ADD || from->type == PB_EV_CACHE_DELETE)
		event.gfp = pbr_file_page(from->end_pfn, from->count);
	else if (from->type == PB_EV_RECLAIM_END)
		event.gfp = (uint32_t)from->count;
	else if (from->type == PB_EV_ZONE)
		event.gfp = keep_state(loader, &from->zone);
	else if (from->type == PB_EV_COMPACT_MOVED)
		event.gfp = pbr_compact_word(from->end_pfn, from->count);
	else if (from->type == PB_EV_COMPACT_END)
		event.gfp = (uint32_t)from->count;
	else if (from->type == PB_EV_MARK)
		wants(from, &event);
	event.flag = from->percpu_refill;
	if (from->type == PB_EV_EXTFRAG) {
		event.from_type = type_of(from->fallback_migratetype);
		event.from_order = pbr_clamp(from->fallback_order, 31);
		event.flag = from->change_ownership;
	}
	return event;
}

static void copy_problems(const struct pb_reader_stats *stats, struct pbr_problems *problems)
{
	const uint64_t *n = stats->by_problem;

	problems->malformed = n[PB_BAD_MALFORMED] + n[PB_BAD_BINARY];
	problems->lines = stats->lines;
	problems->out_of_order = n[PB_BAD_UNORDERED];
	problems->equal_times = stats->equal_times;
	problems->lost_events = stats->lost;
	problems->beyond_machine = n[PB_BAD_ORDER] + n[PB_BAD_PFN];
	problems->truncated = n[PB_BAD_TRUNCATED] + n[PB_BAD_STREAM];
	for (unsigned int i = 0; i < stats->nr_examples; i++)
		pbr_problem(problems, "line %llu: %s: %s: %.60s",
			    (unsigned long long)stats->examples[i].line,
			    pb_problem_name(stats->examples[i].kind), stats->examples[i].reason,
			    stats->examples[i].text);
	problems->total = stats->problems;
}

/* scripts/record-trace writes which kernel it is, and where its snapshots begin and end. */
static void read_mark(struct pbr_input *input, const struct pb_event *event)
{
	static const char kernel[] = "pagebuddy: kernel ";

	if (!strncmp(event->mark, kernel, sizeof(kernel) - 1))
		snprintf(input->kernel, sizeof(input->kernel), "%s",
			 event->mark + sizeof(kernel) - 1);
	if (!strcmp(event->mark, "pagebuddy: snapshot end begins"))
		input->snapshot_from = event->time;
	else if (!strcmp(event->mark, "pagebuddy: snapshot end ends"))
		input->snapshot_to = event->time;
}

static const char *chain_text(const void *reader, uint32_t i)
{
	return pb_reader_chain(reader, i + 1);
}

/* An empty trace has an answer; lines of which none tells anything have none. */
static bool nothing_understood(const struct pbr_input *input, const struct pb_reader_stats *stats)
{
	return !input->nr_events && (stats->other_events || stats->problems);
}

static void note_numbers(struct pbr_input *input, uint64_t nr)
{
	if (nr)
		snprintf(input->gfp_note, sizeof(input->gfp_note),
			 "the gfp flags of %llu event%s numbers, and no header names the kernel: "
			 "read as 6.1's (--kernel tells another)",
			 (unsigned long long)nr, nr == 1 ? " are" : "s are");
}

static int read_events(const struct pbr_source *source, struct pb_reader *reader,
		       struct pbr_loader *loader, char *error, size_t size)
{
	struct pb_event event;
	int status;

	while ((status = pb_reader_next(reader, &event)) > 0) {
		if (event.type == PB_EV_STACK) {
			pbr_loader_chain(loader, event.cpu, event.chain);
			continue;
		}
		if (!pbr_loader_event(loader, convert(loader, &event)) || loader->failed)
			return 0; /* the caller sees that memory was short */
		if (event.type == PB_EV_MARK)
			read_mark(loader->input, &event);
		if (source->progress && loader->input->nr_events % 16384 == 0)
			source->progress(source->progress_ctx, "reading the trace",
					 0.9 * pb_reader_progress(reader));
	}
	if (status < 0)
		return pbr_error(error, size, "%s", pb_reader_error(reader));
	copy_problems(pb_reader_stats(reader), &loader->input->problems);
	note_numbers(loader->input, pb_reader_stats(reader)->bare_gfp);
	if (pbr_name_chains(loader->input, pb_reader_chains(reader), chain_text, reader))
		return pbr_error(error, size, "no memory");
	if (nothing_understood(loader->input, pb_reader_stats(reader)))
		return pbr_error(
			error, size,
			"%s: 0 of %llu lines understood: none is an event of the page allocator "
			"(%llu are of other kinds, %llu can't be read); expected lines "
			"with mm_page_alloc, mm_page_free and the like, see pagebuddy "
			"record --help",
			source->path, (unsigned long long)pb_reader_stats(reader)->lines,
			(unsigned long long)pb_reader_stats(reader)->other_events,
			(unsigned long long)pb_reader_stats(reader)->problems);
	snprintf(loader->input->format, sizeof(loader->input->format), "%s",
		 pb_reader_format_name(reader));
	return 0;
}

static uint64_t end_of_memory(const struct pbr_machine *machine)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < machine->nr_zones; i++)
		if (machine->zones[i].start_pfn + machine->zones[i].spanned > end)
			end = machine->zones[i].start_pfn + machine->zones[i].spanned;
	return end;
}

static int load_snapshots(const struct pbr_source *source, struct pbr_input *input, char *error,
			  size_t size)
{
	const char *where = source->snapshot ? source->snapshot : source->path;
	struct pb_snapshot start = { 0 }, end = { 0 };
	int status = 0;

	if (source->snapshot || strcmp(source->path, "-"))
		status = pb_snapshot_load(where, "start", &start, error, size);
	if (!status && (source->snapshot || strcmp(source->path, "-")))
		status = pb_snapshot_load(where, "end", &end, error, size);
	if (!status && source->snapshot && !start.has_zoneinfo && !end.has_zoneinfo)
		status = pb_snapshot_load(where, NULL, &start, error, size);
	if (!status && source->snapshot && !start.has_zoneinfo && !end.has_zoneinfo)
		status = pbr_error(error, size,
				   "%s: no zoneinfo of a snapshot is there; expected "
				   "zoneinfo.start in a directory, or <prefix>.zoneinfo.start",
				   source->snapshot);
	if (!status)
		status = pbr_load_machine(source, input, &start, &end, error, size);
	pb_snapshot_free(&start);
	pb_snapshot_free(&end);
	return status;
}

int pbr_load_text(const struct pbr_source *source, struct pbr_loader *loader, char *error,
		  size_t size)
{
	struct pb_reader_options options = { 0 };
	struct pb_reader *reader;
	struct stat st;
	int status;

	/* What is no trace at all must be said before its snapshots are missed. */
	if (strcmp(source->path, "-") && !stat(source->path, &st) && S_ISDIR(st.st_mode))
		return pbr_error(error, size,
				 "%s is a directory; expected a trace: ftrace text, "
				 "perf script text, trace.dat or .pbt",
				 source->path);
	if (load_snapshots(source, loader->input, error, size))
		return -1;
	options.max_order = loader->input->machine.max_order;
	options.release = source->release;
	options.end_pfn = end_of_memory(&loader->input->machine);
	reader = pb_reader_open(&source->path, 1, &options, error, size);
	if (!reader)
		return -1;
	status = read_events(source, reader, loader, error, size);
	pb_reader_close(reader);
	return status;
}
