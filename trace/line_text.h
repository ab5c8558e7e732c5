/* SPDX-License-Identifier: MIT */
/* One line of ftrace or `perf script` text as an event. */
#ifndef PB_TRACE_LINE_TEXT_H
#define PB_TRACE_LINE_TEXT_H

#include "gfp_names.h"
#include "trace.h"

enum pb_line {
	PB_LINE_EVENT,   /* *event is filled in */
	PB_LINE_OTHER,   /* an event of another kind */
	PB_LINE_COMMENT, /* nothing: header, blank, a call chain */
	PB_LINE_LOST,    /* event->cpu and ->lost tell; lost 0: a number is missing */
	PB_LINE_STACK,   /* a call chain begins, of the event before on event->cpu */
	PB_LINE_FRAME,   /* text->frame: a function of a call chain */
	PB_LINE_BAD,     /* text->problem and ->reason tell */
};

struct pb_text {
	struct pb_gfp_state gfp;
	unsigned int max_order;
	uint64_t end_pfn;       /* 0: any */
	uint32_t release;       /* PB_RELEASE() as a header tells it; 0: none did */
	bool release_fixed;     /* the caller said it: no header counts */
	uint64_t bare_numbers;  /* gfp flags as numbers, while no kernel was named */
	uint64_t unknown_names; /* gfp names that no kernel has */
	const char *frame;      /* in the line */
	size_t frame_len;
	enum pb_problem problem;
	char reason[96];
};

typedef enum pb_line (*pb_line_fn)(struct pb_text *text, const char *line, size_t len,
				   struct pb_event *event);

/* `line` is without its newline; it may hold any bytes. */
enum pb_line pb_ftrace_line(struct pb_text *text, const char *line, size_t len,
			    struct pb_event *event);
enum pb_line pb_perf_line(struct pb_text *text, const char *line, size_t len,
			  struct pb_event *event);

/* A line of `perf trace` as `perf script` would print it. False: it is none. */
bool pb_perf_trace_line(const char *line, size_t len, char *text, size_t size);

/* Order and pfn within the machine, migratetype within reason. */
enum pb_line pb_check_event(struct pb_text *text, struct pb_event *event);

/* "entries-in-buffer/entries-written: 500/700" tells what was overwritten: 200. */
uint64_t pb_overwritten(const char *line, size_t len);

#endif
