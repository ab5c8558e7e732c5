/* SPDX-License-Identifier: MIT */
/*
 * The .pbt container: what `pagebuddy record` writes (man 5 pbt).
 *
 *	8 bytes "\x7fPBT" major minor 0 0, then one zstd stream of sections:
 *
 *	M meta | F file | D D D events | P frames  E events  T task  L lost ... | Z end
 *	                                 `------------ in order of time -----------'
 *	C chain, before the first event that names it
 *
 * A section is tag (1 byte), length (varint), payload. A varint has 7 bits a
 * byte, low bits first, bit 7 set on all but the last; signed values are
 * zigzag. A reader skips tags that it does not know; a change that it could
 * not skip raises the major version.
 */
#ifndef PB_TRACE_PBT_H
#define PB_TRACE_PBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PBT_MAJOR 1
#define PBT_MINOR 1
#define PBT_HEADER 8                /* bytes before the zstd stream */
#define PBT_MAX_EVENTS 256          /* kinds of events in one file */
#define PBT_MAX_FIELDS 16           /* integer fields of one event */
#define PBT_NAME 64                 /* longest name with its NUL */
#define PBT_MAX_SECTION (64u << 20) /* bytes; a longer one is damage */

enum pbt_tag {
	PBT_META = 'M',
	PBT_FILE = 'F',
	PBT_EVENT_DEF = 'D',
	PBT_FRAMES = 'P',
	PBT_EVENTS = 'E',
	PBT_TASK = 'T',
	PBT_LOST = 'L',
	PBT_CHAIN = 'C',
	PBT_END = 'Z',
};

enum pbt_phase { PBT_START, PBT_STOP };

/* What one frame was, as /proc/kpageflags told it. */
enum pbt_frame {
	PBT_FRAME_ABSENT, /* no such frame, or offline (given to the host) */
	PBT_FRAME_FREE,   /* in the buddy */
	PBT_FRAME_LRU,    /* user's or page cache: movable */
	PBT_FRAME_SLAB,
	PBT_FRAME_RESERVED,
	PBT_FRAME_OTHER, /* the kernel's, or in a per-CPU list */
	PBT_FRAME_PGTABLE,
	PBT_FRAME_HUGETLB,
	PBT_NR_FRAMES
};

struct pbt_event_def {
	uint32_t id; /* the kernel's number of this event */
	uint32_t nr_fields;
	char system[PBT_NAME]; /* kmem, compaction */
	char name[PBT_NAME];   /* mm_page_alloc */
	struct {
		char name[PBT_NAME];
		bool is_signed;
	} field[PBT_MAX_FIELDS];
};

struct pbt_event {
	uint64_t ts; /* ns, clock of the meta key "clock" */
	uint32_t id;
	uint32_t cpu;
	int32_t pid;
	uint64_t value[PBT_MAX_FIELDS]; /* as the definition says; signed ones extended */
};

/* A run of frames that were the same: [pfn, pfn + count). */
struct pbt_run {
	uint64_t pfn;
	uint64_t count;
	uint8_t frame; /* enum pbt_frame */
};

/* ------------------------------------------------------------------ writing */

struct pbt_writer;

/* NULL with errno set if memory is short. The descriptor stays the caller's. */
struct pbt_writer *pbt_writer_new(int fd, int level);
/* Each returns 0, or -1 with errno set: from then on every call fails. */
int pbt_write_meta(struct pbt_writer *w, const char *lines);
int pbt_write_file(struct pbt_writer *w, enum pbt_phase phase, uint64_t ts, const char *name,
		   const void *content, size_t size);
int pbt_write_def(struct pbt_writer *w, const struct pbt_event_def *def);
/* frame[0..count) from start_pfn on, read between the times before and after. */
int pbt_write_frames(struct pbt_writer *w, enum pbt_phase phase, uint64_t before, uint64_t after,
		     uint64_t start_pfn, const uint8_t *frame, size_t count);
int pbt_write_event(struct pbt_writer *w, const struct pbt_event *event);
int pbt_write_task(struct pbt_writer *w, uint64_t ts, int32_t pid, const char *comm);
/* Callers by name, innermost first: what the field "chain" of ftrace:kernel_stack names. */
int pbt_write_chain(struct pbt_writer *w, uint32_t number, const char *chain);
int pbt_write_lost(struct pbt_writer *w, uint64_t ts, uint32_t cpu, uint64_t count);
int pbt_write_end(struct pbt_writer *w, const char *lines);
/* What was written so far can be read, even if the writer dies now. */
int pbt_flush(struct pbt_writer *w);
uint64_t pbt_written(const struct pbt_writer *w); /* bytes in the file */
/* Ends the stream; 0 or -1 with errno. NULL is allowed. */
int pbt_writer_free(struct pbt_writer *w);

/* ------------------------------------------------------------------ reading */

struct pbt_reader;

/* One section, or one event of a block of events. Pointers hold until the next read,
   those to definitions until the reader is freed. */
struct pbt_record {
	enum pbt_tag tag;
	enum pbt_phase phase; /* FILE, FRAMES */
	uint64_t ts;          /* FILE, FRAMES (before), TASK, LOST */
	uint64_t ts_after;    /* FRAMES */
	const char *name;     /* FILE: its name; TASK: comm; CHAIN: the callers */
	const char *text;     /* META, FILE, END: with a NUL after text_size bytes */
	size_t text_size;
	const struct pbt_event_def *def; /* EVENT_DEF, EVENTS */
	const struct pbt_event *event;   /* EVENTS: one event */
	const struct pbt_run *run;       /* FRAMES */
	size_t nr_runs;
	uint32_t cpu;   /* LOST */
	int32_t pid;    /* TASK */
	uint64_t count; /* LOST: events, 0: nobody knows how many; CHAIN: its number */
};

/* Reads up to `size` bytes; returns how many, 0 at the end, -1 on error (errno). */
typedef long (*pbt_read_fn)(void *ctx, void *buffer, size_t size);

/* True if these first bytes are a .pbt of any version. */
bool pbt_probe(const void *bytes, size_t size);
/* NULL on error, with one line in `error`. */
struct pbt_reader *pbt_reader_new(pbt_read_fn read, void *ctx, char *error, size_t error_size);
/* 1: *record is filled in; 0: the end; -1: damage, see pbt_reader_error(). A file
   that was cut ends with 0, and pbt_reader_cut() is true. */
int pbt_read(struct pbt_reader *r, struct pbt_record *record);
bool pbt_reader_cut(const struct pbt_reader *r);
const char *pbt_reader_error(const struct pbt_reader *r);
void pbt_reader_free(struct pbt_reader *r);

/* --------------------------------------------------------------- snapshots */

struct pb_snapshot;

/* Of the meta lines; empty where they do not tell. */
struct pbt_about {
	char kernel[100];
	char host[80];
	uint64_t page_size; /* bytes */
	int64_t realtime;   /* s since 1970, when recording began */
};

/* From the text of a PBT_META record. */
void pbt_read_about(const char *lines, struct pbt_about *about);

/*
 * Adds the files of /proc of one phase that *snapshot, zeroed at first, has not got.
 * 0; 1: it is no .pbt; -1 with one line in `error`. The caller frees what is in it.
 */
int pbt_snapshot_load(const char *path, enum pbt_phase phase, struct pb_snapshot *snapshot,
		      struct pbt_about *about, char *error, size_t size);

#endif
