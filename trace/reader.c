/* SPDX-License-Identifier: MIT */
/*
 * Several streams as one, by time. The streams' next events form a heap; on
 * equal times the stream that was given first wins, and as a stream gives up
 * its next event only when this one is taken, the order inside it holds too.
 *
 *	a: 10 30 30        heap {a:10, b:20} -> a:10, {b:20, a:30} -> b:20, {a:30, b:30} ->
 *	b: 20 30           a:30, a:30, b:30
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define DEFAULT_MAX_ORDER 10

struct pb_reader {
	struct pb_reader_options options;
	struct pb_reader_stats stats;
	struct pb_stream **streams; /* in the order given, for closing */
	size_t nr_streams, room;
	struct pb_stream **heap; /* those that have an event, earliest first */
	size_t nr_heap;
	bool started;
	struct pb_chains chains;
	uint64_t *lost; /* by CPU: to be told by its next event */
	unsigned int nr_lost;
	char **paths;
	size_t nr_paths;
	char error[300];
};

/* ----------------------------------------------------------- for the streams */

struct pb_reader_stats *pb_reader_counts(struct pb_reader *reader)
{
	return &reader->stats;
}

size_t pb_reader_streams(const struct pb_reader *reader)
{
	return reader->nr_streams;
}

const struct pb_reader_options *pb_reader_options(const struct pb_reader *reader)
{
	return &reader->options;
}

int pb_reader_fail(struct pb_reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->error, sizeof(reader->error), format, args);
	va_end(args);
	return -1;
}

bool pb_reader_add(struct pb_reader *reader, struct pb_stream *stream)
{
	if (reader->nr_streams == reader->room) {
		size_t room = reader->room ? 2 * reader->room : 8;
		struct pb_stream **grown = realloc(reader->streams, room * sizeof(*grown));

		if (!grown)
			return false;
		reader->streams = grown;
		reader->room = room;
	}
	stream->reader = reader;
	stream->rank = (uint32_t)reader->nr_streams;
	reader->streams[reader->nr_streams++] = stream;
	return true;
}

static void copy_printable(char *to, size_t size, const char *text, size_t len)
{
	size_t n = len < size ? len : size - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : text[i] == '\t' ? ' ' : '?';
	to[n] = '\0';
}

void pb_reader_problem(struct pb_reader *reader, enum pb_problem kind, unsigned int file,
		       uint64_t line, const char *reason, const char *text, size_t len)
{
	struct pb_reader_stats *stats = &reader->stats;
	struct pb_example *example;

	stats->by_problem[kind]++;
	stats->problems++;
	if (stats->nr_examples == PB_NR_EXAMPLES)
		return;
	example = &stats->examples[stats->nr_examples++];
	example->kind = kind;
	example->file = (uint16_t)file;
	example->line = line;
	snprintf(example->reason, sizeof(example->reason), "%s", reason);
	copy_printable(example->text, sizeof(example->text), text, len);
}

void pb_reader_report(struct pb_reader *reader, const struct pb_event *event, enum pb_problem kind,
		      const char *reason)
{
	const char *name = pb_event_name(event->type);

	pb_reader_problem(reader, kind, event->file, event->line, reason, name, strlen(name));
}

void pb_reader_lost(struct pb_reader *reader, unsigned int cpu, uint64_t count)
{
	struct pb_reader_stats *stats = &reader->stats;

	stats->lost += count;
	stats->lost_places++;
	if (count == 0)
		stats->lost_unknown++;
	if (cpu >= reader->nr_lost) {
		unsigned int nr = cpu + 64;
		uint64_t *grown = realloc(reader->lost, nr * sizeof(*grown));

		if (!grown)
			return; /* the sum is told all the same */
		memset(grown + reader->nr_lost, 0, (nr - reader->nr_lost) * sizeof(*grown));
		reader->lost = grown;
		reader->nr_lost = nr;
	}
	/* an unknown number is at least one */
	reader->lost[cpu] += count ? count : 1;
}

uint32_t pb_reader_number(struct pb_reader *reader, const struct pb_chain *chain)
{
	return chain->depth ? pb_chains_number(&reader->chains, chain->text) : 0;
}

/* --------------------------------------------------------------------- merging */

static bool earlier(const struct pb_stream *a, const struct pb_stream *b)
{
	if (a->head.time != b->head.time)
		return a->head.time < b->head.time;
	return a->rank < b->rank;
}

static void sift_down(struct pb_reader *reader, size_t i)
{
	struct pb_stream **heap = reader->heap;

	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < reader->nr_heap;
		     child++)
			if (earlier(heap[child], heap[least]))
				least = child;
		if (least == i)
			return;
		struct pb_stream *stream = heap[i];

		heap[i] = heap[least];
		heap[least] = stream;
		i = least;
	}
}

/* The stream's next event into its head; 0: it has none left. */
static int advance(struct pb_stream *stream)
{
	int status = stream->ops->next(stream, &stream->head);

	if (status <= 0)
		return status;
	stream->head.file = stream->file;
	if (stream->has_time && stream->head.time < stream->last_time) {
		char reason[96];

		snprintf(reason, sizeof(reason), "%llu ns earlier than the event before",
			 (unsigned long long)(stream->last_time - stream->head.time));
		stream->head.flags |= PB_EVENT_UNORDERED;
		pb_reader_problem(stream->reader, PB_BAD_UNORDERED, stream->file, stream->head.line,
				  reason, pb_event_name(stream->head.type),
				  strlen(pb_event_name(stream->head.type)));
	}
	stream->has_time = true;
	stream->last_time = stream->head.time;
	return 1;
}

static int start(struct pb_reader *reader)
{
	reader->heap = calloc(reader->nr_streams, sizeof(*reader->heap));
	if (!reader->heap)
		return pb_reader_fail(reader, "out of memory");
	for (size_t i = 0; i < reader->nr_streams; i++) {
		int status = advance(reader->streams[i]);

		if (status < 0)
			return status;
		if (status > 0)
			reader->heap[reader->nr_heap++] = reader->streams[i];
	}
	for (size_t i = reader->nr_heap / 2; i-- > 0;)
		sift_down(reader, i);
	reader->started = true;
	return 1;
}

static void count_event(struct pb_reader *reader, struct pb_event *event)
{
	struct pb_reader_stats *stats = &reader->stats;

	if (event->type == PB_EV_STACK) /* it belongs to an event that was counted */
		return;
	if (event->cpu < reader->nr_lost) {
		event->lost = reader->lost[event->cpu];
		reader->lost[event->cpu] = 0;
	}
	if (stats->events == 0)
		stats->first_time = stats->last_time = event->time;
	else if (event->time == stats->last_time)
		stats->equal_times++;
	if (event->time < stats->first_time)
		stats->first_time = event->time;
	stats->last_time = event->time;
	if (event->cpu >= stats->nr_cpus)
		stats->nr_cpus = event->cpu + 1;
	stats->events++;
	stats->by_type[event->type]++;
}

/* What the front stream gives next, once its head is taken. */
static int replace_front(struct pb_reader *reader)
{
	int status = advance(reader->heap[0]);

	if (status < 0)
		return status;
	if (status == 0)
		reader->heap[0] = reader->heap[--reader->nr_heap];
	sift_down(reader, 0);
	return 1;
}

int pb_reader_next(struct pb_reader *reader, struct pb_event *event)
{
	int status;

	if (reader->error[0])
		return -1;
	if (reader->nr_streams == 1) {
		/* a live stream: no looking ahead */
		status = advance(reader->streams[0]);
		if (status <= 0)
			return status;
		*event = reader->streams[0]->head;
	} else {
		/* the front's event was taken by the call before */
		status = reader->started ? reader->nr_heap ? replace_front(reader) : 1
					 : start(reader);
		if (status < 0)
			return status;
		if (reader->nr_heap == 0)
			return 0;
		*event = reader->heap[0]->head;
	}
	count_event(reader, event);
	return 1;
}

/* --------------------------------------------------------- opening and closing */

static bool keep_paths(struct pb_reader *reader, const char *const *paths, size_t nr)
{
	reader->paths = calloc(nr, sizeof(*reader->paths));
	if (!reader->paths)
		return false;
	reader->nr_paths = nr;
	for (size_t i = 0; i < nr; i++) {
		reader->paths[i] = strdup(paths[i]);
		if (!reader->paths[i])
			return false;
	}
	return true;
}

struct pb_reader *pb_reader_new(const struct pb_reader_options *options, const char *const *paths,
				size_t nr_paths, char *error, size_t size)
{
	struct pb_reader *reader = calloc(1, sizeof(*reader));

	if (!reader || !keep_paths(reader, paths, nr_paths)) {
		snprintf(error, size, "out of memory");
		pb_reader_close(reader);
		return NULL;
	}
	if (options)
		reader->options = *options;
	if (reader->options.max_order == 0)
		reader->options.max_order = DEFAULT_MAX_ORDER;
	return reader;
}

void pb_reader_close(struct pb_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->nr_streams; i++)
		reader->streams[i]->ops->close(reader->streams[i]);
	for (size_t i = 0; i < reader->nr_paths; i++)
		free(reader->paths[i]);
	free(reader->paths);
	free(reader->streams);
	free(reader->heap);
	free(reader->lost);
	pb_chains_free(&reader->chains);
	free(reader);
}

/* ---------------------------------------------------------------------- asking */

const struct pb_reader_stats *pb_reader_stats(const struct pb_reader *reader)
{
	return &reader->stats;
}

const char *pb_reader_error(const struct pb_reader *reader)
{
	return reader->error;
}

double pb_reader_progress(const struct pb_reader *reader)
{
	double sum = 0;

	for (size_t i = 0; i < reader->nr_streams; i++) {
		double part = reader->streams[i]->ops->progress(reader->streams[i]);

		if (part < 0)
			return -1;
		sum += part;
	}
	return sum / (double)reader->nr_streams;
}

const char *pb_reader_chain(const struct pb_reader *reader, uint32_t number)
{
	return number && number <= reader->chains.nr ? reader->chains.text[number - 1] : "";
}

uint32_t pb_reader_chains(const struct pb_reader *reader)
{
	return reader->chains.nr;
}

const char *pb_reader_format_name(const struct pb_reader *reader)
{
	return reader->streams[0]->format;
}

const char *pb_reader_path(const struct pb_reader *reader, unsigned int file)
{
	return file < reader->nr_paths ? reader->paths[file] : "?";
}
