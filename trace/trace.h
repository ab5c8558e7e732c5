/* SPDX-License-Identifier: MIT */
/*
 * Reading recorded kernel traces: one stream of events, whatever the file is.
 *
 *	trace, trace_pipe ---.
 *	perf script ---------+-- plain, zstd, gzip, "-" --.
 *	trace.dat (optional) ----------------------------+-- merged by time --> struct pb_event
 *	a .txt per CPU ... ------------------------------'
 *
 * The format and the compression are found out from the first bytes. Memory is
 * constant (about 1 MiB a file): an event is gone with the next call. Whatever
 * is odd about a line is counted by kind and shown by example; only an input
 * that can't be read at all is an error.
 *
 * A reader is used by one thread at a time; several readers are independent.
 *
 *	struct pb_reader *reader = pb_reader_open(paths, 1, NULL, error, sizeof(error));
 *	struct pb_event event;
 *	while (pb_reader_next(reader, &event) > 0)
 *		...;
 *	stats = pb_reader_stats(reader);
 *	pb_reader_close(reader);
 */
#ifndef PB_TRACE_TRACE_H
#define PB_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_NO_PFN UINT64_MAX /* absent page: the allocation failed */
#define PB_NO_PID (-1)       /* the line does not tell */
#define PB_COMM_SIZE 24      /* bytes, with the NUL; the kernel's 16 and `perf script`'s ":1234" */
#define PB_MAX_TRACE_CPUS 8192 /* more than any Linux has */
#define PB_MARK_SIZE 64        /* bytes, with the NUL */

/* ------------------------------------------------------------------- events */

enum pb_event_type {
	PB_EV_ALLOC,        /* mm_page_alloc; pfn PB_NO_PFN: it failed */
	PB_EV_FREE,         /* mm_page_free: every free, before the page goes anywhere */
	PB_EV_FREE_BATCHED, /* mm_page_free_batched: an order-0 free in a batch. Linux reports the same
	                       page by mm_page_free too, so it says how, not that, a page is freed */
	PB_EV_ZONE_LOCKED,   /* mm_page_alloc_zone_locked: a block left the buddy lists */
	PB_EV_PCPU_DRAIN,    /* mm_page_pcpu_drain: a block went from a per-CPU list to the buddy */
	PB_EV_EXTFRAG,       /* mm_page_alloc_extfrag: a fallback to another migratetype */
	PB_EV_COMPACT_FREE,  /* mm_compaction_isolate_freepages: compaction took free frames of
	                       [pfn, end_pfn) without any other event; count of them */
	PB_EV_COMPACT_BEGIN, /* mm_compaction_begin: zone from pfn to end_pfn */
	PB_EV_COMPACT_END,   /* mm_compaction_end; count 1: with success, where the text says so */
	PB_EV_MARK,          /* written to trace_marker: mark */
	PB_EV_STACK,         /* who called: chain, of the last event before it on its CPU */
	PB_EV_CACHE_ADD,     /* mm_filemap_add_to_page_cache: end_pfn the file, count the offset */
	PB_EV_CACHE_DELETE,  /* mm_filemap_delete_from_page_cache: likewise */
	PB_EV_ACTIVATE,      /* mm_lru_activate: the page was used again */
	PB_EV_KSWAPD_WAKE,   /* mm_vmscan_kswapd_wake; order */
	PB_EV_KSWAPD_SLEEP,  /* mm_vmscan_kswapd_sleep */
	PB_EV_RECLAIM_BEGIN, /* mm_vmscan_direct_reclaim_begin; order, gfp */
	PB_EV_RECLAIM_END,   /* mm_vmscan_direct_reclaim_end: count of pages reclaimed */
	PB_EV_COMPACT_MOVED, /* mm_compaction_migratepages: count of pages moved, end_pfn of pages
	                        that could not be */
	PB_EV_ZONE,          /* pbwatch's pb_zone, after an ALLOC on the same CPU: zone */
	PB_NR_EVENT_TYPES
};

#define PB_EVENT_UNORDERED 0x1u /* earlier than the event before it in its file */
#define PB_EVENT_NO_GFP 0x2u    /* ALLOC: the kernel printed no gfp flags; gfp is 0 */

/*
 * One zone as kernel/pbwatch saw it just after a request failed, or after one
 * above order 0 succeeded. Pages.
 */
#define PB_ZONE_TYPES 6
#define PB_ZONE_TASK_MEMALLOC 1u /* the task may use the reserves */
#define PB_ZONE_TASK_CPUSET 2u   /* its cpuset does not allow this node */
#define PB_ZONE_TASK_IRQ 4u
#define PB_ZONE_GAVE_UP 8u /* kswapd has failed too often and sleeps */

struct pb_zone_state {
	int64_t free;            /* the counter that watermarks go by */
	int64_t reserve;         /* lowmem_reserve against this request */
	int32_t lag;             /* what CPUs have not added to the counter yet */
	uint32_t min, low, high; /* without boost */
	uint32_t boost, highatomic, cma;
	uint16_t lists[PB_ZONE_TYPES]; /* by migratetype: orders with a free block, as bits */
	uint8_t node, zone;
	uint8_t task;   /* PB_ZONE_* */
	uint8_t failed; /* the request did */
};

/* One event. A field that the type does not have is 0. */
struct pb_event {
	uint64_t time;    /* ns of the trace clock (ftrace text has microseconds) */
	uint64_t pfn;     /* first frame of the block; PB_NO_PFN: none */
	uint64_t line;    /* line of its file, from 1; trace.dat: number of the record */
	uint64_t lost;    /* events that were lost just before this one, on its CPU */
	uint64_t end_pfn; /* COMPACT_*: end of the range, exclusive; COMPACT_MOVED: pages
	                     that stayed; CACHE_*: inode and device */
	uint64_t count;   /* COMPACT_FREE: frames taken; COMPACT_MOVED, RECLAIM_END: pages; CACHE_*:
	                   offset, pages */
	uint32_t chain;   /* STACK: a number for pb_reader_chain() */
	uint32_t gfp;     /* ALLOC: Linux's bits as the recording kernel numbers them */
	int32_t pid;      /* PB_NO_PID: unknown */
	uint16_t cpu;
	uint16_t file;          /* index into the paths given */
	uint8_t type;           /* enum pb_event_type */
	uint8_t flags;          /* PB_EVENT_* */
	uint8_t order;          /* EXTFRAG: alloc_order */
	int8_t migratetype;     /* ALLOC, ZONE_LOCKED, PCPU_DRAIN; EXTFRAG: alloc_migratetype */
	uint8_t percpu_refill;  /* ZONE_LOCKED */
	uint8_t fallback_order; /* EXTFRAG: order of the block that was taken */
	int8_t fallback_migratetype; /* EXTFRAG */
	uint8_t change_ownership;    /* EXTFRAG: the pageblock changed hands */
	uint8_t pageblock_order;     /* EXTFRAG: as printed; 0: the format does not tell */
	char comm[PB_COMM_SIZE];     /* task name; "<...>" or "" where unknown */
	union {
		char mark[PB_MARK_SIZE];   /* MARK: text, cut to fit */
		struct pb_zone_state zone; /* ZONE */
	};
};

/* "mm_page_alloc" ..., and back; -1: none of ours. */
const char *pb_event_name(enum pb_event_type type);
const char *pb_event_system(enum pb_event_type type); /* "kmem" */
int pb_event_type_find(const char *name, size_t len);

/* ------------------------------------------------------------------ problems */

/* What can be wrong with a line. None of them ends the reading. */
enum pb_problem {
	PB_BAD_MALFORMED, /* not a line of a trace, or a field that can't be read: dropped */
	PB_BAD_TRUNCATED, /* the file ends, or its compressed stream breaks, inside a line: dropped */
	PB_BAD_UNORDERED, /* time goes backwards in its file: kept, flagged PB_EVENT_UNORDERED */
	PB_BAD_ORDER,     /* an order beyond options.max_order: dropped */
	PB_BAD_PFN,       /* a pfn beyond options.end_pfn: dropped */
	PB_BAD_BINARY,    /* bytes that are no text: dropped up to the next line */
	PB_BAD_STREAM,    /* the compressed stream is damaged: the rest of the file is lost */
	PB_NR_PROBLEMS
};

#define PB_NR_EXAMPLES 5

/* One of the first problems, to be shown. */
struct pb_example {
	enum pb_problem kind;
	uint16_t file;   /* index into the paths given */
	uint64_t line;   /* from 1; trace.dat: number of the record */
	char reason[96]; /* "order 12, expected at most 10" */
	char text[96];   /* the line, cut to fit, control characters as '?' */
};

struct pb_reader_stats {
	uint64_t lines;                      /* lines or records read, comments too */
	uint64_t events;                     /* sum of by_type */
	uint64_t by_type[PB_NR_EVENT_TYPES]; /* events handed out */
	uint64_t other_events;               /* well-formed events of other kinds, skipped */
	uint64_t lost;                       /* events the recording kernel says it lost */
	uint64_t lost_places;                /* how often it said so */
	uint64_t lost_unknown;               /* of these places: without a number */
	uint64_t overwritten; /* older events that the buffer lost before the first */
	uint64_t bare_gfp;    /* gfp flags as numbers where nothing named the kernel */
	uint64_t equal_times; /* same time stamp as the event handed out before */
	uint64_t by_problem[PB_NR_PROBLEMS];
	uint64_t problems; /* sum of by_problem */
	struct pb_example examples[PB_NR_EXAMPLES];
	unsigned int nr_examples;
	uint64_t first_time, last_time; /* ns; of the events handed out */
	uint16_t nr_cpus;               /* highest CPU seen + 1 */
	uint64_t bytes;                 /* read from the files, before decompression */
};

/* "malformed", "out of order" ..., to count under. */
const char *pb_problem_name(enum pb_problem kind);

/* ------------------------------------------------------------------- reading */

/*
 * Whose numbers gfp names stand for. AUTO: by the lines themselves (decimal
 * pfns: 5.4; names that only one table has), else 6.1. trace.dat holds numbers
 * and needs none.
 */
enum pb_gfp_table { PB_GFP_AUTO, PB_GFP_5_4, PB_GFP_6_1, PB_GFP_6_18 };

enum pb_trace_format { PB_FORMAT_AUTO, PB_FORMAT_FTRACE, PB_FORMAT_PERF, PB_FORMAT_TRACE_DAT };

struct pb_reader_options {
	unsigned int max_order; /* highest order of the machine; 0: 10 */
	uint64_t end_pfn;       /* first pfn beyond the machine; 0: any pfn is fine */
	enum pb_gfp_table gfp_table;
	enum pb_trace_format format;
	uint32_t release; /* whose gfp numbers, whatever a header says; 0: the header's */
};

struct pb_reader;

/*
 * Open one trace or several parts of one (a file per CPU), merged by time
 * stamp; equal time stamps keep the order of the files, and of their lines.
 * "-" is standard input. NULL options: all defaults. Returns NULL with one line
 * in `error` that says what the input is and what was expected.
 */
struct pb_reader *pb_reader_open(const char *const *paths, size_t nr_paths,
				 const struct pb_reader_options *options, char *error,
				 size_t error_size);

/* Reads up to `size` bytes; returns how many, 0 at the end, -1 on error (errno). */
typedef long (*pb_read_fn)(void *ctx, void *buffer, size_t size);

/* The same for one input that is no file; `name` is for messages. Not trace.dat. */
struct pb_reader *pb_reader_open_fn(pb_read_fn read, void *ctx, const char *name,
				    const struct pb_reader_options *options, char *error,
				    size_t error_size);

/*
 * The next event. 1: *event is filled in; 0: the end, and again at each later
 * call; -1: the input failed (I/O error), see pb_reader_error().
 */
int pb_reader_next(struct pb_reader *reader, struct pb_event *event);

/* Counts up to now. Valid until pb_reader_close(). */
const struct pb_reader_stats *pb_reader_stats(const struct pb_reader *reader);
/* The line that an error left; "" if there was none. */
const char *pb_reader_error(const struct pb_reader *reader);
/* "do_anonymous_page < handle_mm_fault < ...", from 1; "" for other numbers. Chains are few,
   for there are only so many ways into the allocator. */
const char *pb_reader_chain(const struct pb_reader *reader, uint32_t number);
uint32_t pb_reader_chains(const struct pb_reader *reader); /* how many up to now */
/* Fraction of the input that was read, 0..1; -1 if nobody knows (a pipe). */
double pb_reader_progress(const struct pb_reader *reader);
/* "ftrace text", "perf script text", "trace.dat"; of the first file. */
const char *pb_reader_format_name(const struct pb_reader *reader);
const char *pb_reader_path(const struct pb_reader *reader, unsigned int file);
void pb_reader_close(struct pb_reader *reader);

/*
 * Count a problem that only the caller can see (a pfn in a hole, say) beside
 * the reader's own. The event was the last one returned.
 */
void pb_reader_report(struct pb_reader *reader, const struct pb_event *event, enum pb_problem kind,
		      const char *reason);

/* Whether trace.dat can be read by this build. */
bool pb_reader_has_trace_dat(void);

/* ----------------------------------------------------------------------- gfp */

/*
 * "GFP_KERNEL|__GFP_ZERO|0x1000000" as a number by one table (never AUTO).
 * False: `text` has a name that the table does not know, or is no such list.
 */
bool pb_gfp_parse(const char *text, size_t len, enum pb_gfp_table table, uint32_t *gfp);
/* And back, as that kernel prints it (spec 13.6). Returns the length it has. */
size_t pb_gfp_format(uint32_t gfp, enum pb_gfp_table table, char *buffer, size_t size);

#endif
