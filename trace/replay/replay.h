/* SPDX-License-Identifier: MIT */
/*
 * The replay engine: what a recorded trace did, and what it would have done.
 *
 *	trace + snapshots --pbr_load--> struct pbr_input
 *	    |--pbr_follow-----> struct pbr_run  the recorded kernel's own state over time
 *	    |--pbr_simulate---> struct pbr_run  the library decides where pages go
 *	    |--pbr_whatif-----> one pbr_run a variant, beside the baseline
 *	    |--pbr_pins-------> who holds the pages that keep pageblocks from being whole
 *	    `--pbr_explain----> would order N have succeeded at that moment, by which rule not
 *
 * An input is read-only once loaded: runs may go on in several threads at once.
 * Every run has the same shape, so that a page or a table can show any of them.
 * pbr_*_json() turn them into the JSON of docs/schema.md.
 */
#ifndef PB_TRACE_REPLAY_H
#define PB_TRACE_REPLAY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pagebuddy/pagebuddy.h>

#include "../rules/rules.h"

#define PBR_ORDERS (PB_MAX_ORDER + 1)
#define PBR_MAX_ZONES 32
#define PBR_HUGE_ORDER 9           /* 2 MiB of 4 KiB pages */
#define PBR_NO_TASK 0x7ffffu       /* tasks beyond this many go without a name */
#define PBR_NO_PFN 0xffffffffffull /* an event's pfn has 40 bits: 4 PiB of 4 KiB pages */
#define PBR_MAX_CPUS 8192u
#define PBR_NO_TYPE 15u

/* ------------------------------------------------------------------ machine */

/* One populated zone of the recorded (or made up) machine. */
struct pbr_zone {
	int node;
	enum pb_zone_type type;
	uint64_t start_pfn;
	uint64_t spanned, present, managed;          /* pages */
	uint64_t watermark[PB_NR_WMARK];             /* pages, without boost */
	uint64_t boost;                              /* pages */
	uint64_t lowmem_reserve[PB_NR_ZONE_TYPES];   /* pages, by enum pb_zone_type */
	uint64_t start_free, end_free;               /* NR_FREE_PAGES of the snapshots */
	uint64_t start_pcp, end_pcp;                 /* pages in per-CPU lists */
	uint64_t start_blocks[PBR_ORDERS];           /* buddyinfo at the start */
	uint64_t end_blocks[PBR_ORDERS];             /* buddyinfo at the end */
	uint64_t start_pageblocks[PB_MIGRATE_TYPES]; /* pagetypeinfo */
	uint64_t end_pageblocks[PB_MIGRATE_TYPES];
};

struct pbr_machine {
	struct pbr_zone zones[PBR_MAX_ZONES]; /* nodes and zone types ascending */
	unsigned int nr_zones;
	unsigned int nr_cpus;
	unsigned int configured; /* zone types that the kernel was built with, a bit each */
	unsigned int max_order;  /* inclusive */
	unsigned int pageblock_order;
	bool from_snapshot;      /* zoneinfo was there; else --memory or guessed */
	bool has_start, has_end; /* buddyinfo at start, at end */
	bool has_free_map;       /* which frames were free at the start is known */
};

/* -------------------------------------------------------------------- input */

enum pbr_kind {
	PBR_ALLOC,       /* mm_page_alloc; pfn PBR_NO_PFN: it failed */
	PBR_FREE,        /* mm_page_free */
	PBR_ZONE_LOCKED, /* mm_page_alloc_zone_locked: a block left the buddy lists */
	PBR_PCPU_DRAIN,  /* mm_page_pcpu_drain: a block went from a per-CPU list to the buddy */
	PBR_EXTFRAG,     /* mm_page_alloc_extfrag: fallback to another migratetype */
	PBR_COMPACT,     /* compaction took free frames; see pbr_compact_span() */
	/* what reclaim goes by; they change no frame's state */
	PBR_CACHE_ADD,    /* the page came to a file; gfp: which page of which file */
	PBR_CACHE_DELETE, /* and left it */
	PBR_ACTIVATE,     /* the page was used again */
	PBR_KSWAPD_WAKE,  /* background reclaim begins a round */
	PBR_KSWAPD_SLEEP,
	PBR_RECLAIM_BEGIN, /* the task reclaims for itself */
	PBR_RECLAIM_END,   /* gfp: pages it got */
	PBR_ZONE_STATE,    /* a zone when a request was answered; gfp: index of states[] */
	PBR_MOVED,         /* compaction moved pages; gfp: those that stayed << 16 | moved */
	PBR_COMPACTED,     /* a zone was compacted; gfp 1: with success */
	PBR_WANTS,         /* the task goes on to ask until it has gfp blocks of the order; 0: it
	                      gives them back */
	PBR_OTHER,         /* counted only */
};

/* 24 bytes: a recording has ten million of them. */
struct pbr_event {
	uint64_t time;            /* ns, trace clock */
	uint64_t pfn : 40;        /* PBR_NO_PFN: none */
	uint64_t kind : 5;        /* enum pbr_kind */
	uint64_t order : 5;       /* EXTFRAG: alloc_order */
	uint64_t flag : 1;        /* ZONE_LOCKED: percpu_refill; EXTFRAG: change_ownership */
	uint64_t migratetype : 4; /* EXTFRAG: alloc_migratetype; PBR_NO_TYPE: unknown */
	uint64_t from_type : 4;   /* EXTFRAG: fallback_migratetype */
	uint64_t from_order : 5;  /* EXTFRAG: fallback_order */
	uint32_t gfp;             /* ALLOC; COMPACT: frames of the range << 16 | taken; others
	                             as enum pbr_kind says */
	uint32_t task : 19;       /* index into input->tasks, PBR_NO_TASK */
	uint32_t cpu : 13;
};

_Static_assert(sizeof(struct pbr_event) == 24, "the memory of a replay is mostly events");

/* COMPACT: `taken` free frames of [pfn, pfn + span). Ranges lie in one pageblock. */
static inline uint32_t pbr_compact_span(const struct pbr_event *event)
{
	return event->gfp >> 16;
}

static inline uint32_t pbr_compact_taken(const struct pbr_event *event)
{
	return event->gfp & 0xffff;
}

static inline uint32_t pbr_compact_word(uint64_t span, uint64_t taken)
{
	return (uint32_t)((span < 0xffff ? span : 0xffff) << 16 |
			  (taken < 0xffff ? taken : 0xffff));
}

#define PBR_MOST_WANTED 1000000u /* blocks that somebody may say he wants */

struct pbr_task {
	int32_t pid;
	uint32_t name; /* index of the first task with this comm */
	char comm[20];
};

/* Who called for an allocation: "do_anonymous_page < handle_mm_fault < ..." */
struct pbr_chain {
	char *text;
	uint32_t site; /* index of the first chain that begins with the same function */
};

/* What was odd about the trace. All counted, none fatal. */
struct pbr_problems {
	uint64_t lines;          /* or records, read; 0: of no text */
	uint64_t malformed;      /* lines or records that can't be read */
	uint64_t out_of_order;   /* time stamp earlier than the one before on that CPU */
	uint64_t equal_times;    /* same time stamp as the event before */
	uint64_t lost_events;    /* overruns that the kernel reported */
	uint64_t beyond_machine; /* order or pfn that the machine does not have */
	uint64_t truncated;      /* the trace ends in the middle of a record */
	uint64_t total;          /* lines or records that had something wrong (exit status) */
	uint64_t unknown_frees;  /* frees of pages allocated before the trace began */
	uint64_t partial_frees;  /* frees of a part of a block (after split_page) */
	uint64_t double_frees;   /* freed while free, for all the trace tells */
	uint64_t double_allocs;  /* allocated twice with no free between (a lost event) */
	uint64_t moved_pages;    /* by compaction, from one frame to another */
	uint64_t silent_takes;   /* blocks allocated without an event (bulk, compaction) */
	char first[5][160];      /* the first malformed ones: "line 12: …" */
	unsigned int nr_first;
};

/* Where a trace and its snapshots come from. */
struct pbr_source {
	const char *path;     /* trace file, "-": standard input */
	const char *snapshot; /* directory or prefix of the snapshots; NULL: beside the trace,
	                            or in it (.pbt) */
	uint64_t memory;      /* bytes (--memory); 0: from the snapshots */
	unsigned int cpus;    /* 0: as the trace has */
	uint32_t release;     /* whose gfp numbers and rules (--kernel); 0: as the trace says */
	/* called now and then with the fraction done, 0..1; may be NULL */
	void (*progress)(void *ctx, const char *what, double done);
	void *progress_ctx;
};

struct pb_zone_state; /* trace.h */

struct pbr_input {
	struct pbr_machine machine;
	struct pbr_event *events; /* by time */
	uint64_t nr_events;       /* all kinds */
	uint64_t nr_by_kind[PBR_OTHER + 1];
	struct pb_zone_state *states; /* of the PBR_ZONE_STATE events */
	uint32_t nr_states;
	struct pbr_task *tasks;
	uint32_t nr_tasks;
	uint32_t *chain_of; /* [nr_events] 1 + index of a chain, or 0; NULL: the trace has none */
	struct pbr_chain *chains;
	uint32_t nr_chains;
	uint64_t start_time, end_time; /* ns; first and last event */
	/* ns; the end snapshot was read in this time, as the trace's marks tell; 0, 0: unknown */
	uint64_t snapshot_from, snapshot_to;
	unsigned int nr_cpus;
	struct pbr_problems problems;
	struct pbr_private *priv; /* the engine's own */
	char name[256];           /* of the trace, for headings */
	char format[32];          /* "ftrace text", "pbt" */
	char note[160];           /* what had to be assumed about the machine, or "" */
	char gfp_note[200];       /* the same about numbers of gfp flags */
	char kernel[100];         /* release, as recorded, or "" */
	uint32_t release;         /* of pbr_source; 0: as recorded */
	char host[80];            /* as recorded, or "" */
	int64_t realtime;         /* s since 1970 when recording began; 0: not recorded */
	uint64_t page_size;       /* bytes, as recorded; 0: not recorded */
};

/* Whether it is known what was free when the trace began: events alone tell only changes. */
static inline bool pbr_start_known(const struct pbr_input *input)
{
	return input->machine.has_start || input->machine.has_free_map;
}

/* 0, or negative with one line in error (no newline). */
int pbr_load(const struct pbr_source *source, struct pbr_input **input, char *error, size_t size);
void pbr_unload(struct pbr_input *input);

/* ------------------------------------------------------------------- filter */

/*
 * Which events are told of. The others happen all the same: what is free at a
 * moment is what all of them left.
 */
struct pbr_filter {
	uint64_t from, to; /* ns of the trace clock, both included */
	unsigned int order_low, order_high;
	uint8_t *tasks; /* [nr_tasks] 1: this one; NULL: every task */
	char text[160]; /* "task kswapd0, order 3, +1.0 s to +2.5 s"; "": everything */
};

/* As people write it; NULL: all. */
struct pbr_wish {
	const char *task;               /* a comm, with * and ? if need be, or a pid */
	const char *from, *to, *orders; /* "3", "4-9" */
};

/* "+1.5" from the first event, "123.5" of the trace's clock, "start" or "end". 0, or -1 with one
   line: it is no time, or outside the trace. */
int pbr_time_parse(const struct pbr_input *input, const char *text, uint64_t *time, char *error,
		   size_t size);
/* A wish's parts alone: "3" or "4-9" (else false); a name with * and ?, or a pid. */
bool pbr_orders_parse(const char *text, unsigned int *low, unsigned int *high);
bool pbr_task_matches(const char *wanted, int32_t pid, const char *comm);
/* 0, or -1 with one line in error. */
int pbr_filter_make(const struct pbr_input *input, const struct pbr_wish *wish,
		    struct pbr_filter *filter, char *error, size_t size);
void pbr_filter_clear(struct pbr_filter *filter);

/* NULL is every event. */
static inline bool pbr_wanted(const struct pbr_filter *filter, const struct pbr_event *event)
{
	if (!filter)
		return true;
	return event->time >= filter->from && event->time <= filter->to &&
	       event->order >= filter->order_low && event->order <= filter->order_high &&
	       (!filter->tasks || (event->task != PBR_NO_TASK && filter->tasks[event->task]));
}

/* ------------------------------------------------------------------ results */

/* One zone at one moment. */
struct pbr_zone_sample {
	uint64_t free;               /* pages in the buddy */
	uint64_t pcp;                /* pages in per-CPU lists, where known */
	uint64_t blocks[PBR_ORDERS]; /* free blocks per order */
	int32_t extfrag[PBR_ORDERS]; /* spec 12.5, thousandths */
	int32_t unusable[PBR_ORDERS];
	uint64_t free_2m; /* aligned free pageblock-order blocks obtainable */
	uint64_t boost;   /* pages */
};

/* The whole machine at one moment. */
struct pbr_sample {
	uint64_t time;                 /* ns, trace clock */
	uint64_t event;                /* index of the next event */
	struct pbr_zone_sample *zones; /* [run->nr_zones] */
};

enum pbr_mark_kind { PBR_MARK_FAILURE, PBR_MARK_FALLBACK, PBR_MARK_FALLBACK_CLAIM };

/* Something worth a mark on the time line. */
struct pbr_mark {
	uint64_t time;
	uint64_t pfn; /* fallback: the block; failure: PBR_NO_PFN */
	uint32_t gfp;
	uint32_t task;
	uint8_t kind;        /* enum pbr_mark_kind */
	uint8_t order;       /* wanted */
	uint8_t migratetype; /* wanted */
	uint8_t from_type;   /* fallback: taken from */
	uint8_t from_order;  /* fallback: size of the block taken from */
	uint8_t reason;      /* failure: enum pb_reason (simulation); 0 in a followed trace */
};

/* One pageblock at one moment, 8 bytes: there are many. */
struct pbr_map_cell {
	uint8_t migratetype; /* of the pageblock, as far as known; 255: unknown */
	uint8_t used;        /* 0..255: share of its frames that are not free */
	uint8_t unmovable;   /* 0..255: share of its frames held by unmovable pages */
	uint8_t reserved;    /* 0..255: share never managed (holes, kernel image) */
	uint32_t owner;      /* task holding most of it, PBR_NO_TASK: none or unknown */
};

/* Every pageblock of every zone at one moment, zones in the machine's order. */
struct pbr_map {
	uint64_t time;
	struct pbr_map_cell *cells; /* [run->nr_pageblocks] */
};

/* Several runs that differ in what can't be known: least, most, and the sum of them all. */
struct pbr_range {
	uint64_t low, high, sum;
};

#define PBR_RANGE_RUNS 5 /* beside the one in the recorded order */

static inline double pbr_mean(const struct pbr_range *range)
{
	return (double)range->sum / (PBR_RANGE_RUNS + 1);
}

struct pbr_run {
	char name[64];  /* "follow", "linux", "profile=modern", … */
	bool simulated; /* the library decided; else the recorded kernel */
	unsigned int nr_zones, max_order, pageblock_order;
	struct pbr_zone zones[PBR_MAX_ZONES]; /* as this run had them (memory=+25% …) */

	uint64_t events;      /* of the trace, all kinds */
	uint64_t allocations; /* that succeeded */
	uint64_t frees;
	uint64_t failures;
	uint64_t failures_recorded;         /* of which the recorded kernel failed too */
	uint64_t by_order[PBR_ORDERS];      /* allocations */
	uint64_t by_type[PB_MIGRATE_TYPES]; /* allocations */
	uint64_t failures_by_order[PBR_ORDERS];
	uint64_t failures_by_reason[PB_REASON_BAD_NODE + 1]; /* simulated */
	uint64_t unknown_frees;    /* of pages the trace never allocated */
	uint64_t modelled_frees;   /* of these, modelled from the start snapshot */
	uint64_t skipped_frees;    /* their allocation failed in this run */
	uint64_t fallbacks;        /* to another migratetype */
	uint64_t fallback_claims;  /* of these, the pageblock changed hands */
	uint64_t silent_takes;     /* follow: frames that left the buddy without an event */
	uint64_t mixed_pageblocks; /* at the end: movable and unmovable pages in one */
	uint64_t double_handouts;  /* frames handed out twice; must be 0 */
	uint64_t misuses;          /* calls that the library refused; must be 0 */
	uint64_t peak_pages;       /* most pages in use at once */
	double ns_per_op;          /* CPU time of the library's thread; 0 when followed */
	double seconds;            /* of the whole run */

	struct pbr_sample *samples; /* by time; first = start, last = end */
	uint32_t nr_samples;
	struct pbr_mark *marks; /* by time; at most PBR_MAX_MARKS, thinned */
	uint32_t nr_marks;
	uint64_t marks_left_out;
	struct pbr_map *maps; /* by time; first = start, last = end */
	uint32_t nr_maps;
	uint32_t nr_pageblocks; /* cells of each map */
	uint32_t zone_first_cell[PBR_MAX_ZONES + 1];
	uint64_t zone_first_pfn[PBR_MAX_ZONES]; /* pageblock aligned: pfn of first cell */

	/* follow only: the rebuilt end against the end snapshot */
	bool has_diff;
	uint64_t compared_at; /* ns; the moment compared, see pagebuddy-replay(1) */
	uint64_t interval_free_min, interval_free_max; /* while the snapshot was read */
	uint64_t end_free_pages, snapshot_free_pages;
	double difference_percent; /* signed, of the snapshot's */
	int64_t per_order_rebuilt[PBR_ORDERS], per_order_snapshot[PBR_ORDERS];

	bool modelled_reclaim; /* reclaim is the model's, not as recorded */
	uint64_t moved;        /* pages, by compaction */
	uint64_t reclaimed;    /* pages; by the model */
	uint64_t killed; /* order-0 requests that may wait and failed: the kernel would kill */
	struct pbr_range failure_range, fallback_range, free_2m_range, reclaimed_range;
	char not_judged[240]; /* what if: why the model can't tell; empty: it can */

	char *buddyinfo;  /* at the end, text as in /proc */
	json_t *settings; /* simulate: the settings that differ, or NULL */
};

#define PBR_MAX_MARKS 20000

/* How much to collect on the way; all zero: only the first and last sample. */
struct pbr_collect {
	uint32_t samples; /* evenly spaced in time */
	uint32_t maps;
	bool marks;
	const struct pbr_filter *filter; /* NULL: all is counted, over the whole time */
	bool verify;                     /* set by pbr_simulate() */
	void (*progress)(void *ctx, const char *what, double done);
	void *progress_ctx;
};

int pbr_follow(const struct pbr_input *input, const struct pbr_collect *collect,
	       struct pbr_run *run, char *error, size_t size);

/* ------------------------------------------------------------ simulation */

/* What a variant changes; pbr_settings_init() = the recorded machine. */
struct pbr_settings {
	enum pb_profile profile;
	int kernel;                  /* enum pb_kernel; -1: as recorded, see pbr_kernel() */
	int pageblock_order;         /* -1: as recorded */
	int max_order;               /* -1: as recorded */
	int64_t boost_factor;        /* -1: default */
	int64_t scale_factor;        /* -1: default */
	int64_t min_free_kbytes;     /* -1: as recorded */
	int64_t pcp_high, pcp_batch; /* -1: automatic */
	bool no_mobility;
	bool no_thp; /* no huge pages for tasks: base pages stand in for them */
	bool no_pcp;
	double memory_factor; /* 1.0: as recorded */
	uint64_t memory;      /* bytes; 0: as recorded, times factor */
	uint32_t seed;        /* another order of what happened at once; 0: as recorded */
	char name[64];        /* the option's text */
};

void pbr_settings_init(struct pbr_settings *settings);
/* By whose rules the linux profile goes: the settings', the recorded kernel's, or 6.1's if
   it is none of those that the profile follows. */
enum pb_kernel pbr_kernel(const struct pbr_input *input, const struct pbr_settings *settings);
/* "key=value,key=value"; 0, or negative with one line naming the bad one. */
int pbr_settings_parse(const char *text, struct pbr_settings *settings, char *error, size_t size);

int pbr_simulate(const struct pbr_input *input, const struct pbr_settings *settings,
		 const struct pbr_collect *collect, struct pbr_run *run, char *error, size_t size);
/* runs[0] is the baseline, runs[1 + i] is variants[i]. Uses up to `threads` threads. */
int pbr_whatif(const struct pbr_input *input, const struct pbr_settings *baseline,
	       const struct pbr_settings *variants, unsigned int nr_variants, unsigned int threads,
	       const struct pbr_collect *collect, struct pbr_run *runs, char *error, size_t size);
void pbr_run_clear(struct pbr_run *run);

/* A run in a few numbers, over all zones together. */
struct pbr_summary {
	uint64_t free_2m_min, free_2m_median, free_2m_end; /* over the samples */
	int unusable, extfrag;                             /* at the end, for 2 MiB, thousandths */
	uint64_t free_end;                                 /* pages */
};

/* What the recorded kernel did, to hold a simulation against. */
struct pbr_recorded {
	uint64_t failures, fallbacks, free_2m, reclaimed; /* pages */
};

void pbr_recorded(const struct pbr_input *input, struct pbr_recorded *recorded);
void pbr_summarise(const struct pbr_run *run, struct pbr_summary *summary);

/* ------------------------------------------------------------------ who pins */

/* Pages of one kind of owner. */
struct pbr_pin_owner {
	uint32_t task; /* any task of that comm; PBR_NO_TASK: from before the trace */
	char comm[20];
	uint32_t gfp;
	uint8_t order;
	uint8_t migratetype;
	uint64_t pages; /* held at that moment */
	uint64_t blocks;
	uint64_t pageblocks; /* pageblocks that are not whole because of them, among others */
	uint64_t sole;       /* pageblocks that nobody else keeps from being whole */
};

/* A pageblock that one or two unmovable blocks spoil. */
struct pbr_pin_block {
	uint64_t pfn; /* of the pageblock */
	uint8_t migratetype;
	uint8_t nr_pins; /* 1 or 2 */
	uint64_t free_pages;
	uint64_t movable_pages;
	struct {
		uint64_t pfn, time; /* of the allocation */
		uint32_t task, gfp;
		uint8_t order, migratetype;
	} pin[2];
	bool has_fallback; /* the fallback that let the first one in */
	struct pbr_mark fallback;
};

/* How long pages of one kind lived. */
struct pbr_lifetime {
	uint8_t migratetype, order;
	uint64_t freed, alive;       /* allocations that ended; that did not */
	uint64_t p50, p90, p99, max; /* ns, of those that ended */
};

struct pbr_pins {
	uint64_t time;
	uint64_t whole_pageblocks;   /* entirely free */
	uint64_t partial_pageblocks; /* some free frames, not whole */
	uint64_t full_pageblocks;
	struct pbr_pin_owner *owners; /* by pageblocks pinned, descending */
	uint32_t nr_owners;
	struct pbr_pin_block *blocks; /* by pfn */
	uint32_t nr_blocks;
	struct pbr_lifetime *lifetimes; /* by migratetype, order */
	uint32_t nr_lifetimes;
};

/* at: ns of the trace clock; UINT64_MAX: the end. */
int pbr_pins(const struct pbr_input *input, uint64_t at, struct pbr_pins *pins, char *error,
	     size_t size);
void pbr_pins_clear(struct pbr_pins *pins);

/* ------------------------------------------------------------------- explain */

struct pbr_verdict {
	struct pbr_zone zone;
	struct pbr_zone_sample now;
	enum pb_verdict_word rule;
	enum pb_verdict_word other; /* which the trace can't tell from `rule`; NONE: it can */
	bool seen;                  /* by the kernel's own numbers (pbwatch), not rebuilt ones */
	int64_t usable;             /* free - (2^order - 1) - highatomic reserve */
	int64_t mark;               /* watermark min, after __GFP_HIGH and so on */
	int64_t reserve;            /* lowmem_reserve against this request */
	int64_t highatomic;         /* pages that count as only for atomic requests */
	int64_t boost;              /* of the watermark; known only if seen */
	int greatest_order;         /* greatest order with a free usable block, -1: none */
	uint64_t compact_pages;     /* movable pages to move for one block; UINT64_MAX: unknown */
	char reason[512];           /* the numbers that decide: a clause */
	char text[768];             /* the same and what else is known of it, in sentences */
};

struct pbr_explain {
	uint64_t time;
	unsigned int order;
	uint32_t gfp;
	enum pb_migratetype migratetype;
	bool succeeds;              /* in some zone */
	enum pb_verdict_word rule;  /* of the zone that decides; UNKNOWN: no snapshot */
	enum pb_verdict_word other; /* of that zone */
	bool seen;                  /* of all zones */
	int decides;                /* index into verdicts; -1: none */
	unsigned int nr_verdicts;   /* zones in zonelist order */
	struct pbr_verdict verdicts[PBR_MAX_ZONES];
	char sentence[1280]; /* the answer, as `explain` gives it of a log */
};

/* After the events up to time `at`; or, if `event` is not UINT64_MAX, just before that event,
   a recorded failure. */
int pbr_explain(const struct pbr_input *input, uint64_t at, uint64_t event, unsigned int order,
		uint32_t gfp, struct pbr_explain *explain, char *error, size_t size);
/* Every recorded failure, the first `most` of them, in one pass. -1: no memory. */
int pbr_explain_failures(const struct pbr_input *input, const struct pbr_filter *filter,
			 uint32_t most,
			 void (*answer)(void *ctx, const struct pbr_event *event,
					const struct pbr_explain *explain),
			 void *ctx);

/* ------------------------------------------------------------- who allocates */

/* What one task, call site or order asked for. Times are of blocks that were freed again. */
struct pbr_top_row {
	const char *name;   /* comm or function, the input's; NULL: by order */
	const char *chain;  /* by call site: the most frequent one; else NULL */
	unsigned int order; /* by order */
	uint64_t allocations, failures, freed;
	uint64_t pages, held_pages; /* asked for in all; still held when the trace ends */
	uint64_t p50, p90, max;     /* ns */
	uint64_t most;              /* of one chain */
};

#define PBR_AGES 7

struct pbr_top {
	struct pbr_top_row *tasks, *sites, *orders; /* by pages, descending; orders ascending */
	uint32_t nr_tasks, nr_sites, nr_orders;
	struct pbr_top_row all;
	uint64_t with_chain; /* allocations of which the trace has the callers */
	struct {
		uint64_t below; /* ns; 0: longer than all before */
		uint64_t allocations, pages;
	} ages[PBR_AGES];
};

/* 0, or -1 with one line in error. */
int pbr_top(const struct pbr_input *input, const struct pbr_filter *filter, struct pbr_top *top,
	    char *error, size_t size);
void pbr_top_clear(struct pbr_top *top);

/* ---------------------------------------------------------------------- JSON */

/* New references, NULL without memory; docs/schema.md says what is in them. */
json_t *pbr_machine_json(const struct pbr_machine *machine);
json_t *pbr_settings_json(const struct pbr_settings *settings);
json_t *pbr_problems_json(const struct pbr_problems *problems);
json_t *pbr_run_json(const struct pbr_input *input, const struct pbr_run *run);
/* the time line: samples, marks and maps of a run (large) */
json_t *pbr_timeline_json(const struct pbr_input *input, const struct pbr_run *run);
json_t *pbr_whatif_json(const struct pbr_run *runs, unsigned int nr_runs);
json_t *pbr_top_json(const struct pbr_input *input, const struct pbr_top *top, uint32_t most);
json_t *pbr_pins_json(const struct pbr_input *input, const struct pbr_pins *pins);
json_t *pbr_explain_json(const struct pbr_input *input, const struct pbr_explain *explain);

#endif
