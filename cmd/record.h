/* SPDX-License-Identifier: MIT */
/*
 * The parts of `pagebuddy record`.
 *
 *	tracefs instance --drain--> raw sub-buffers per CPU --emit--> merged events --> .pbt
 *	    record_tracefs.c            record_ring.c                     trace/pbt.h
 *	                   return addresses --record_stacks.c--> chains of names --^
 *	/proc, /proc/kpageflags --record_snapshot.c--------------------------^
 */
#ifndef PB_CMD_RECORD_H
#define PB_CMD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <call_chain.h>
#include <pbt.h>

/* ---------------------------------------------------------- event formats */

/* How one event lies in the ring buffer: what its format file says. */
struct rec_format {
	struct pbt_event_def def;
	uint16_t offset[PBT_MAX_FIELDS]; /* bytes from the start of the event */
	uint8_t size[PBT_MAX_FIELDS];    /* 1, 2, 4 or 8 bytes */
	uint16_t pid_offset;             /* common_pid */
	uint16_t comm_offset;            /* a task's new name; 0: has none */
	uint16_t comm_pid_offset;        /* and the pid that is called so */
	uint16_t min_size;               /* bytes that an event must have */
	uint16_t callers_offset;         /* of kernel_stack: return addresses; 0: has none */
	int8_t pfn_field;                /* the frame whose state it changes; -1: of none */
};

/* Fills in *format from the text of events/SYSTEM/NAME/format. */
bool rec_parse_format(const char *text, const char *system, struct rec_format *format);

/* ------------------------------------------------------------ ring buffer */

#define REC_MAX_FORMATS 64
#define REC_MAX_CALLERS 64 /* of one stack; more are left out */

struct rec_symbol {
	uint64_t address;
	const char *name;
};

/* Names of functions, and the chains of callers seen so far. */
struct rec_stacks {
	char *text;                 /* the names are in it */
	struct rec_symbol *symbols; /* by address */
	size_t nr;
	struct pb_chains chains;
	uint32_t written; /* of the chains */
};

/* From /proc/kallsyms; 0, or -1 after one line on standard error. */
int rec_stacks_init(struct rec_stacks *stacks);
/* From such a text, which is changed and stays the caller's. False: no memory. */
bool rec_symbols_parse(struct rec_stacks *stacks, char *text);
/* The number of the chain of these callers, innermost first; 0: none has a name. */
uint32_t rec_stack_chain(struct rec_stacks *stacks, const uint64_t *callers, size_t nr);
void rec_stacks_free(struct rec_stacks *stacks);

/* Sub-buffers of one CPU, as read and not yet decoded, oldest first. */
struct rec_page {
	struct rec_page *next;
	size_t size;
	uint8_t data[];
};

struct rec_cpu {
	unsigned int cpu;
	int fd; /* trace_pipe_raw */
	struct rec_page *head, **tail;
	size_t at;      /* next event in head->data; 0: head is not begun */
	size_t end;     /* of the events in head->data */
	uint64_t ts;    /* of the event before */
	bool has_event; /* the event below is next */
	uint64_t event_ts;
	const uint8_t *event;
	size_t event_size;
	bool kept;     /* the event before was written, so its stack is */
	uint64_t lost; /* pages with a hole before them: events lost, as far as told */
};

/* Frames whose state the start snapshot tells, and when they were looked at. */
struct rec_chunk {
	uint64_t pfn, count;
	uint64_t before, after; /* ns */
};

struct rec_ring {
	struct rec_cpu *cpus;
	unsigned int nr_cpus;
	size_t subbuf;   /* bytes of a sub-buffer */
	int head;        /* of these, before the events: 8 and the size of the kernel's long */
	uint8_t *buffer; /* for one of them */
	const struct rec_format *formats;
	unsigned int nr_formats;
	struct pbt_writer *writer;
	struct rec_stacks *stacks; /* NULL: not asked for */
	uint64_t last_ts;          /* written */
	uint64_t events;           /* written */
	uint64_t late;             /* of these, earlier than the one before */
	uint64_t lost_pages;       /* holes */
	uint64_t malformed;        /* sub-buffers that did not make sense */
	uint64_t raw_bytes;
	struct rec_chunk *chunks; /* by pfn */
	size_t nr_chunks, chunks_room;
	uint64_t chunks_done; /* ns: when the last of them was read */
	uint64_t contained;   /* events left out: the start snapshot has them */
	uint64_t stop;        /* ns: of the end snapshot; later events are left out */
};

/* Read what is there of every CPU; `off`: tracing is off, so until nothing is
   left. Bytes read, or -1 with errno. */
long rec_drain(struct rec_ring *ring, bool off);
/* Events on these frames count from the moment on that they were looked at. */
bool rec_add_chunk(struct rec_ring *ring, const struct rec_chunk *chunk);
/* Write every event before `limit` (ns), merged by time. 0, or -1 with errno. */
int rec_emit(struct rec_ring *ring, uint64_t limit);
void rec_ring_free(struct rec_ring *ring);

/* ---------------------------------------------------------------- tracefs */

struct rec_tracefs {
	char root[256];     /* where tracefs is mounted */
	char instance[320]; /* our own trace instance, "": none was made */
	struct rec_format formats[REC_MAX_FORMATS];
	unsigned int nr_formats;
	unsigned int missing; /* events that this kernel does not have */
	char missing_names[512];
	uint64_t buffer_kb; /* per CPU, as granted */
};

/* Each returns 0, or -1 after one line on standard error. */
int rec_tracefs_open(struct rec_tracefs *fs);
int rec_tracefs_setup(struct rec_tracefs *fs, uint64_t buffer_kb);
int rec_tracefs_pid(struct rec_tracefs *fs, int pid);
/* Have the callers of each allocation written behind its event. */
int rec_tracefs_stacks(struct rec_tracefs *fs);
int rec_tracefs_on(struct rec_tracefs *fs, bool on);
int rec_tracefs_ring(struct rec_tracefs *fs, struct rec_ring *ring);
/* overrun + dropped events of all CPUs, from the kernel's own counters. */
uint64_t rec_tracefs_lost(const struct rec_tracefs *fs, const struct rec_ring *ring);
/* Take the instance away again: tracing is as it was. */
void rec_tracefs_close(struct rec_tracefs *fs);

/* --------------------------------------------------------------- snapshot */

/* The whole text of a file, NUL-terminated, or NULL with errno. */
char *rec_read_file(const char *path, size_t *size);
uint64_t rec_now(void); /* ns, CLOCK_MONOTONIC = trace clock "mono" */
int rec_snapshot_files(struct pbt_writer *w, enum pbt_phase phase, bool quiet);
int rec_snapshot_tasks(struct pbt_writer *w);
/* Which frames are free, from /proc/kpageflags; step(ctx, chunk) after each piece.
   1: there is no kpageflags (one line was printed), 0, or -1 with errno. */
int rec_snapshot_frames(struct pbt_writer *w, enum pbt_phase phase,
			int (*step)(void *ctx, const struct rec_chunk *chunk), void *ctx);

#endif
