/* SPDX-License-Identifier: MIT */
/* One input of a reader, whatever its format; and what they all report to. */
#ifndef PB_TRACE_STREAM_H
#define PB_TRACE_STREAM_H

#include "call_chain.h"
#include "source.h"
#include "line_text.h"
#include "trace.h"

struct pb_stream;

struct pb_stream_ops {
	/* 1: *event is filled in but for `file`; 0: the end; -1: pb_reader_fail() was called. */
	int (*next)(struct pb_stream *stream, struct pb_event *event);
	double (*progress)(const struct pb_stream *stream); /* 0..1, -1: unknown */
	void (*close)(struct pb_stream *stream);
};

/* The format's own struct begins with this one. */
struct pb_stream {
	const struct pb_stream_ops *ops;
	struct pb_reader *reader;
	const char *format; /* "ftrace text" */
	uint16_t file;
	uint32_t rank; /* streams given earlier win at equal times */
	bool has_time;
	struct pb_event head; /* next event of this stream */
	uint64_t last_time;
};

/* Give a stream to the reader, which then owns it. False: out of memory. */
bool pb_reader_add(struct pb_reader *reader, struct pb_stream *stream);
/* Remember the line for pb_reader_error(); always -1. */
int pb_reader_fail(struct pb_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct pb_reader_stats *pb_reader_counts(struct pb_reader *reader);
/* Without streams yet; NULL: no memory, which is said. */
struct pb_reader *pb_reader_new(const struct pb_reader_options *options, const char *const *paths,
				size_t nr_paths, char *error, size_t size);
size_t pb_reader_streams(const struct pb_reader *reader);
const struct pb_reader_options *pb_reader_options(const struct pb_reader *reader);
/* Count a problem and keep it as an example if it is one of the first. */
void pb_reader_problem(struct pb_reader *reader, enum pb_problem kind, unsigned int file,
		       uint64_t line, const char *reason, const char *text, size_t len);
/* Events were lost on a CPU; the next event of it will tell. count 0: unknown. */
void pb_reader_lost(struct pb_reader *reader, unsigned int cpu, uint64_t count);

/* The number of this chain, for event->chain; 0: of none. */
uint32_t pb_reader_number(struct pb_reader *reader, const struct pb_chain *chain);

/* A text stream on `source`, which it then owns. NULL with one line in `error`. */
struct pb_stream *pb_text_open(struct pb_source *source, const char *name,
			       const struct pb_reader_options *options, char *error, size_t size);

/* The first bytes of a trace.dat. */
bool pb_is_trace_dat(const void *bytes, size_t len);
/* Add the streams of a trace.dat (one a CPU). False with one line in `error`. */
bool pb_dat_open(struct pb_reader *reader, const char *path, unsigned int file, char *error,
		 size_t size);

#endif
