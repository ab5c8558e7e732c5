/* SPDX-License-Identifier: MIT */
/*
 * Lines of a text, one event at a time, from a buffer of constant size:
 *
 *	| used up | line line line li| room |     the cut line moves to the front
 *	           ^at                ^len        before the next read
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define BUFFER (256u << 10) /* the longest line that is read */
#define PROBE (64u << 10)   /* bytes that must show what the text is */

#define EXPECTED "expected ftrace or perf script text, plain, .zst or .gz"

/* The lines of a call chain come behind the event that they are of. */
struct calls {
	bool open; /* frames that come now belong to the event on this CPU at this time */
	uint16_t cpu;
	int32_t pid;
	uint64_t time, line;
	struct pb_chain chain;
	bool has_after; /* the event below was read to see that the chain is over */
	struct pb_event after;
	uint8_t ours[PB_MAX_TRACE_CPUS / 8]; /* bit of a CPU: its last event is one of ours */
};

struct text_stream {
	struct pb_stream stream;
	struct pb_source *source;
	struct pb_text text;
	pb_line_fn parse;
	struct calls calls;
	uint64_t line;
	uint64_t bytes; /* of the source, counted so far */
	size_t at, len;
	int ended;     /* PB_SOURCE_* */
	bool is_over;  /* of what was unpacked */
	bool skipping; /* inside a line that is too long */
	char buffer[BUFFER];
};

/* --------------------------------------------------------------------- lines */

/* More bytes behind those that are there; false: there are no more. */
static bool fill(struct text_stream *t)
{
	long n;

	if (t->is_over)
		return false;
	if (t->at) {
		memmove(t->buffer, t->buffer + t->at, t->len - t->at);
		t->len -= t->at;
		t->at = 0;
	}
	n = pb_source_read(t->source, t->buffer + t->len, BUFFER - t->len);
	if (n <= 0) {
		t->is_over = true;
		t->ended = (int)n;
		return false;
	}
	t->len += (size_t)n;
	return true;
}

static void problem(struct text_stream *t, enum pb_problem kind, const char *reason,
		    const char *text, size_t len)
{
	pb_reader_problem(t->stream.reader, kind, t->stream.file, t->line, reason, text, len);
}

/* A line that does not fit into the buffer: told once, skipped to its end. */
static void skip_long_line(struct text_stream *t)
{
	if (!t->skipping) {
		t->line++;
		problem(t, PB_BAD_MALFORMED, "line of more than 262144 bytes", t->buffer + t->at,
			80);
	}
	t->skipping = true;
	t->at = t->len;
}

/* The next whole line, without newline; false at the end. */
static bool next_line(struct text_stream *t, const char **line, size_t *len)
{
	size_t searched = 0;

	for (;;) {
		char *start = t->buffer + t->at;
		char *newline = memchr(start + searched, '\n', t->len - t->at - searched);

		if (newline) {
			t->at += (size_t)(newline - start) + 1;
			if (t->skipping) {
				t->skipping = false;
				searched = 0;
				continue;
			}
			*line = start;
			*len = (size_t)(newline - start);
			if (*len && start[*len - 1] == '\r')
				--*len;
			t->line++;
			return true;
		}
		searched = t->len - t->at;
		if (searched == BUFFER) {
			skip_long_line(t);
			searched = 0;
		}
		if (!fill(t))
			return false;
	}
}

/* What is left behind the last newline, and how the source ended. */
static int finish(struct text_stream *t)
{
	const char *rest = t->buffer + t->at;
	size_t len = t->len - t->at;

	t->at = t->len;
	if (t->ended == PB_SOURCE_IO)
		return pb_reader_fail(t->stream.reader, "can't read '%s': %s",
				      pb_reader_path(t->stream.reader, t->stream.file),
				      strerror(errno));
	if (t->ended == PB_SOURCE_DAMAGED) {
		t->line++;
		problem(t, PB_BAD_STREAM, "the compressed data is damaged from here on", rest, len);
	} else if (t->ended == PB_SOURCE_CUT || (len && !t->skipping)) {
		t->line++;
		problem(t, PB_BAD_TRUNCATED,
			t->ended == PB_SOURCE_CUT ? "the compressed data ends before its end"
						  : "no newline: the text was cut here",
			rest, len);
	}
	t->ended = PB_SOURCE_END;
	return 0;
}

/* ------------------------------------------------------------------- as a stream */

static void count_bytes(struct text_stream *t)
{
	uint64_t bytes = pb_source_bytes(t->source);

	pb_reader_counts(t->stream.reader)->bytes += bytes - t->bytes;
	t->bytes = bytes;
}

/* Of each CPU: is its last event one of ours? Calls are of such an event or not wanted. */
static void last_event_of(struct text_stream *t, const struct pb_event *event, bool ours)
{
	uint8_t bit = (uint8_t)(1u << (event->cpu & 7)), *byte;

	if (event->cpu >= PB_MAX_TRACE_CPUS)
		return;
	byte = &t->calls.ours[event->cpu >> 3];
	*byte = ours ? *byte | bit : *byte & (uint8_t)~bit;
}

static void begin_calls(struct text_stream *t, const struct pb_event *event)
{
	struct calls *calls = &t->calls;

	calls->open = event->cpu < PB_MAX_TRACE_CPUS &&
		      calls->ours[event->cpu >> 3] >> (event->cpu & 7) & 1;
	calls->cpu = event->cpu;
	calls->pid = event->pid;
	calls->time = event->time;
	calls->line = t->line;
}

/* A line that is no frame ends the chain. True: *event is the chain. */
static bool end_calls(struct text_stream *t, struct pb_event *event)
{
	struct calls *calls = &t->calls;

	calls->open = false;
	if (!calls->chain.depth)
		return false;
	*event = (struct pb_event){ .type = PB_EV_STACK,
				    .time = calls->time,
				    .cpu = calls->cpu,
				    .pid = calls->pid,
				    .line = calls->line };
	event->chain = pb_reader_number(t->stream.reader, &calls->chain);
	pb_chain_clear(&calls->chain);
	return true;
}

/* One of ours: it, or the chain of the event before, behind which it waits. */
static void take_event(struct text_stream *t, struct pb_event *event)
{
	struct calls *calls = &t->calls;
	struct pb_event chain;

	event->line = t->line;
	last_event_of(t, event, true);
	calls->has_after = end_calls(t, &chain);
	if (t->parse == pb_perf_line) /* its calls come below it, without a head */
		begin_calls(t, event);
	if (calls->has_after) {
		calls->after = *event;
		*event = chain;
	}
}

/* A line that is none of our events; true: it ended a chain, which is *event now. */
static bool take_other(struct text_stream *t, enum pb_line kind, const char *line, size_t len,
		       struct pb_event *event)
{
	struct pb_reader_stats *stats = pb_reader_counts(t->stream.reader);
	struct pb_event chain;
	bool ended;

	switch (kind) {
	case PB_LINE_FRAME:
		if (t->calls.open)
			pb_chain_add(&t->calls.chain, t->text.frame, t->text.frame_len);
		return false;
	case PB_LINE_OTHER:
		stats->other_events++;
		last_event_of(t, event, false);
		break;
	case PB_LINE_COMMENT:
		if (len && line[0] == '#')
			stats->overwritten += pb_overwritten(line, len);
		break;
	case PB_LINE_LOST:
		pb_reader_lost(t->stream.reader, event->cpu, event->lost);
		break;
	case PB_LINE_BAD:
		problem(t, t->text.problem, t->text.reason, line, len);
		break;
	default:
		break;
	}
	ended = end_calls(t, &chain);
	if (kind == PB_LINE_STACK)
		begin_calls(t, event);
	if (ended)
		*event = chain;
	return ended;
}

static int text_next(struct pb_stream *stream, struct pb_event *event)
{
	struct text_stream *t = (struct text_stream *)stream;
	struct pb_reader_stats *stats = pb_reader_counts(stream->reader);
	bool some = t->calls.has_after;
	const char *line;
	size_t len;

	if (some)
		*event = t->calls.after;
	t->calls.has_after = false;
	while (!some && next_line(t, &line, &len)) {
		enum pb_line kind = t->parse(&t->text, line, len, event);

		stats->lines++;
		stats->bare_gfp += t->text.bare_numbers;
		t->text.bare_numbers = 0;
		some = kind == PB_LINE_EVENT;
		if (some)
			take_event(t, event);
		else
			some = take_other(t, kind, line, len, event);
	}
	count_bytes(t);
	return some || end_calls(t, event) ? 1 : finish(t);
}

static double text_progress(const struct pb_stream *stream)
{
	const struct text_stream *t = (const struct text_stream *)stream;
	uint64_t size = pb_source_size(t->source);
	double done;

	if (size == 0)
		return t->is_over ? 1 : -1;
	done = (double)pb_source_bytes(t->source) / (double)size;
	return done > 1 ? 1 : done;
}

static void text_close(struct pb_stream *stream)
{
	struct text_stream *t = (struct text_stream *)stream;

	pb_source_close(t->source);
	free(t);
}

static const struct pb_stream_ops text_ops = { text_next, text_progress, text_close };

/* ---------------------------------------------------------- what the text is */

static const struct {
	const char *bytes;
	size_t len;
	const char *is;
} known[] = {
	{ "\x7f"
	  "ELF",
	  4, "an ELF program or library" },
	{ "\x7f"
	  "PBT",
	  4, "a .pbt recording" },
	{ "PERFILE2", 8, "perf.data (try: perf script -i FILE > FILE.txt)" },
	{ "\xfd"
	  "7zXZ",
	  5, "xz-compressed (unpack it first)" },
	{ "BZh", 3, "bzip2-compressed (unpack it first)" },
	{ "PK\x03\x04", 4, "a zip archive (unpack it first)" },
	{ "\x17\x08"
	  "Dtracing",
	  10, "trace.dat, packed or from a pipe (it must be a plain file)" },
	{ "{", 1, "JSON" },
};

static const char *what_is(const char *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len >= known[i].len && memcmp(bytes, known[i].bytes, known[i].len) == 0)
			return known[i].is;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < ' ' && !memchr("\t\n\r", bytes[i], 3))
			return "a binary file";
	return NULL;
}

/* Votes of the whole lines so far. */
struct votes {
	unsigned int ftrace, perf, header;
};

static enum pb_line vote(struct text_stream *t, pb_line_fn parse, const char *line, size_t len)
{
	struct pb_event event;
	enum pb_line kind;

	kind = parse(&t->text, line, len, &event);
	t->text.bare_numbers = 0; /* it will be read again */
	return kind;
}

/* Look at the lines in the buffer without using them up. */
static struct votes count_votes(struct text_stream *t)
{
	const char *at = t->buffer, *end = at + t->len, *newline;
	struct votes votes = { 0, 0, 0 };

	for (; at < end; at = newline + 1) {
		enum pb_line line;
		size_t len;

		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline && !t->is_over)
			break; /* the rest of it is still to come */
		if (!newline)
			newline = end;
		len = (size_t)(newline - at);
		if (len && at[len - 1] == '\r')
			len--;
		if (len > 9 && memcmp(at, "# tracer:", 9) == 0)
			votes.header++;
		line = vote(t, pb_ftrace_line, at, len);
		votes.ftrace += line == PB_LINE_EVENT || line == PB_LINE_OTHER ||
				line == PB_LINE_STACK || line == PB_LINE_LOST;
		line = vote(t, pb_perf_line, at, len);
		votes.perf += line == PB_LINE_EVENT || line == PB_LINE_OTHER;
	}
	return votes;
}

/* Not blank. */
static uint64_t count_lines(const char *text, size_t len)
{
	uint64_t lines = 0;
	bool blank = true;

	for (size_t i = 0; i < len; i++) {
		if (blank && !strchr(" \t\r\n", text[i])) {
			blank = false;
			lines++;
		}
		blank |= text[i] == '\n';
	}
	return lines;
}

static bool refuse(struct text_stream *t, const char *name, char *error, size_t size)
{
	const char *is = what_is(t->buffer, t->len < 4096 ? t->len : 4096);
	char first[48];
	size_t n = 0;

	if (!strcmp(name, "-"))
		name = "standard input";
	if (t->ended == PB_SOURCE_IO)
		snprintf(error, size, "can't read '%s': %s", name, strerror(errno));
	else if (t->len == 0 && t->ended == PB_SOURCE_DAMAGED)
		snprintf(error, size, "'%s' is damaged %s; " EXPECTED, name,
			 pb_source_packing(t->source));
	else if (t->len == 0 && t->ended == PB_SOURCE_CUT)
		snprintf(error, size, "'%s' is %s that ends at once; " EXPECTED, name,
			 pb_source_packing(t->source));
	else if (t->len == 0)
		snprintf(error, size, "'%s' is empty; " EXPECTED, name);
	else if (is)
		snprintf(error, size, "'%s' is %s; " EXPECTED, name, is);
	else {
		while (n < sizeof(first) - 1 && n < t->len && t->buffer[n] != '\n' &&
		       t->buffer[n] != '\r') {
			first[n] = t->buffer[n] >= ' ' && t->buffer[n] < 0x7f ? t->buffer[n] : '?';
			n++;
		}
		first[n] = '\0';
		snprintf(
			error, size,
			"'%s' has no line of a trace: 0 of %s%llu lines understood (line 1: '%s'); " EXPECTED,
			name, t->is_over ? "" : "the first ",
			(unsigned long long)count_lines(t->buffer, t->len), first);
	}
	return false;
}

/*
 * Read until lines tell the format. One is enough, so that a live pipe starts
 * at once; but all that came along are heard, also for the gfp table.
 */
static bool find_format(struct text_stream *t, const char *name, enum pb_trace_format format,
			char *error, size_t size)
{
	struct votes votes = { 0, 0, 0 };

	while (t->len < PROBE && fill(t)) {
		if (!memchr(t->buffer, '\n', t->len))
			continue;
		if (pb_source_size(t->source) == 0)
			votes = count_votes(t);
		if (votes.ftrace || votes.perf)
			break;
	}
	votes = count_votes(t);
	if (!votes.ftrace && !votes.perf && !votes.header)
		return refuse(t, name, error, size);
	if (format == PB_FORMAT_AUTO)
		format = votes.perf > votes.ftrace ? PB_FORMAT_PERF : PB_FORMAT_FTRACE;
	t->parse = format == PB_FORMAT_PERF ? pb_perf_line : pb_ftrace_line;
	t->stream.format = format == PB_FORMAT_PERF ? "perf script text" : "ftrace text";
	return true;
}

struct pb_stream *pb_text_open(struct pb_source *source, const char *name,
			       const struct pb_reader_options *options, char *error, size_t size)
{
	struct text_stream *t = malloc(sizeof(*t));

	if (!t) {
		snprintf(error, size, "out of memory");
		pb_source_close(source);
		return NULL;
	}
	memset(t, 0, offsetof(struct text_stream, buffer));
	t->stream.ops = &text_ops;
	t->source = source;
	t->text.max_order = options->max_order;
	t->text.end_pfn = options->end_pfn;
	t->text.release = options->release;
	t->text.release_fixed = options->release != 0;
	pb_gfp_init(&t->text.gfp, options->gfp_table);
	if (!find_format(t, name, options->format, error, size)) {
		text_close(&t->stream);
		return NULL;
	}
	return &t->stream;
}
