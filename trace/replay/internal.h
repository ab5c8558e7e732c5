/* SPDX-License-Identifier: MIT */
/*
 * Inside the replay engine.
 *
 *	errors     words for what went wrong
 *	geometry   pfn <-> dense frame number, zone by zone
 *	loader     where events and machines go in, whatever the format (load_text, load_pbt)
 *	layout     what each frame was when the trace began
 *	world      follow: the state of every frame, changed by each event
 *	plan       simulate: allocations and frees paired once, replayed many times
 *	load       all of these in their order
 *
 * Files call each other downward only; build-file-circles looks at the objects.
 */
#ifndef PB_REPLAY_INTERNAL_H
#define PB_REPLAY_INTERNAL_H

#include "replay.h"

#define PBR_NO_FRAME UINT32_MAX

/* ---------------------------------------------------------------- geometry */

/*
 * The zones' frames one zone after the other, each zone's start rounded down
 * and end rounded up to 2^align_order frames, so that a block of up to that
 * order is aligned in frame numbers exactly if it is in pfns.
 */
struct pbr_geometry {
	unsigned int nr_zones, align_order;
	uint32_t nr_frames;
	struct {
		uint64_t start, end; /* pfn: the zone's own */
		uint64_t base;       /* pfn of its first frame number */
		uint32_t first;      /* first frame number */
		uint32_t last;       /* one past its last frame number */
	} zone[PBR_MAX_ZONES];
};

/* False: more than 2^32 - 1 frames. */
bool pbr_geometry_init(struct pbr_geometry *geo, const struct pbr_zone *zones,
		       unsigned int nr_zones, unsigned int align_order);
uint32_t pbr_frame(const struct pbr_geometry *geo, uint64_t pfn); /* or PBR_NO_FRAME */
/* Only if the whole block lies in one zone. */
uint32_t pbr_block(const struct pbr_geometry *geo, uint64_t pfn, unsigned int order);
uint64_t pbr_pfn(const struct pbr_geometry *geo, uint32_t frame);
unsigned int pbr_frame_zone(const struct pbr_geometry *geo, uint32_t frame);
/* Is it a frame of the zone, or only there because of the rounding? */
bool pbr_frame_present(const struct pbr_geometry *geo, uint32_t frame);

/* ------------------------------------------------------------------ layout */

enum pbr_state {
	PBR_HOLE,     /* never managed: a hole, the kernel's image, reserved at boot */
	PBR_USED,     /* has an owner; unmovable as far as known */
	PBR_USED_LRU, /* has an owner; movable */
	PBR_PCP,      /* in a per-CPU list */
	PBR_IS_FREE,  /* in the buddy */
	PBR_UNKNOWN,  /* while the layout is made */
};

/* What /proc/kpageflags said of the frames at the start, if it is known. */
struct pbr_frame_run {
	uint64_t pfn, count;
	uint8_t state; /* enum pbr_state; PBR_USED for "the kernel's or in a per-CPU list" */
};

struct pbr_layout {
	uint8_t *state;                 /* [geo.nr_frames] enum pbr_state when the trace began */
	uint8_t *block_type;            /* [pageblocks] migratetype, 255 unknown */
	uint8_t pcp_orders[PBR_ORDERS]; /* 1: frees of this order go to per-CPU lists */
};

/* What was read beside the events. */
struct pbr_private {
	struct pbr_geometry geo;
	struct pbr_layout layout;
	struct pbr_frame_run *runs;
	size_t nr_runs;
	struct pbr_plan *plan;
};

int pbr_layout_init(struct pbr_input *input, char *error, size_t size);
void pbr_layout_clear(struct pbr_layout *layout);

/* ----------------------------------------------------------------- machine */

struct pb_snapshot;

/* Fill in a machine with zones like a PC's. */
void pbr_machine_pc(struct pbr_machine *machine, uint64_t bytes);
/* The machine of the snapshots; -1: they have no populated zone. */
int pbr_machine_snapshot(struct pbr_machine *machine, const struct pb_snapshot *start,
			 const struct pb_snapshot *end);

/* ------------------------------------------------------------- plausibility */

/*
 * How many frames are taken on trust. A file of a few lines can name any pfn
 * and any size; what is believed grows with the events, so that memory and time
 * stay in proportion to the input. --memory is the user's word and isn't doubted.
 */
uint64_t pbr_trusted_frames(const struct pbr_input *input);
/* No snapshot, no --memory: the machine that holds what the trace names. -1: no memory. */
int pbr_guess_machine(struct pbr_input *input);
/* -1 with one line: no machine has such zones, or more frames than are trusted. */
int pbr_doubt_machine(const struct pbr_input *input, char *error, size_t size);

/* -------------------------------------------------------------------- load */

/* Events go in through here, whatever the format. */
struct pbr_loader {
	struct pbr_input *input;
	uint64_t room, chain_room; /* of input->events, input->chain_of */
	uint32_t task_room;
	uint32_t *task_hash; /* [task_hash_size] 1 + index of a task, or 0 */
	uint32_t task_hash_size;
	uint32_t last_task;  /* index */
	uint32_t state_room; /* of input->states */
	uint64_t last_time;
	bool failed; /* memory was short */
};

/*
 * The order of the block that the event's pfn begins. A fallback names the block that was
 * broken up; from 6.12 on a claim names the page that the request then got, which may lie
 * anywhere in the pageblock.
 */
static inline unsigned int pbr_named_order(const struct pbr_event *event)
{
	unsigned int from = event->from_order;

	if (event->kind != PBR_EXTFRAG || from >= PBR_ORDERS ||
	    event->pfn & ((UINT64_C(1) << from) - 1))
		return event->order;
	return from;
}

/* Does the event change what frames are, or only tell of reclaim? */
static inline bool pbr_about_frames(unsigned int kind)
{
	return kind <= PBR_COMPACT;
}

/* An order or a migratetype of an event; what is too large stays too large. */
static inline uint8_t pbr_clamp(uint64_t value, uint8_t most)
{
	return value < most ? (uint8_t)value : most;
}

/*
 * Where and on which CPU. A file may name any number; an event that names a
 * frame or a CPU no machine has becomes PBR_OTHER, and false is returned.
 */
static inline bool pbr_event_place(struct pbr_event *event, uint64_t pfn, uint64_t cpu)
{
	bool wide = (pfn >= PBR_NO_PFN && pfn != UINT64_MAX) || cpu >= PBR_MAX_CPUS;

	event->pfn = wide || pfn == UINT64_MAX ? PBR_NO_PFN : pfn;
	event->cpu = wide ? 0 : (uint16_t)cpu & (PBR_MAX_CPUS - 1);
	if (wide)
		event->kind = PBR_OTHER;
	return !wide;
}

/* Which page of which file, in 32 bits: two of a trace are the same rarely enough. */
static inline uint32_t pbr_file_page(uint64_t file, uint64_t offset)
{
	uint64_t mixed = (file * UINT64_C(0x9E3779B97F4A7C15)) ^
			 (offset + 1) * UINT64_C(0xC2B2AE3D27D4EB4F);

	mixed ^= mixed >> 29;
	mixed *= UINT64_C(0xBF58476D1CE4E5B9);
	return (uint32_t)(mixed >> 32);
}

uint32_t pbr_loader_task(struct pbr_loader *loader, int32_t pid, const char *comm);
/* Appends; the time is made not to go backwards. */
bool pbr_loader_event(struct pbr_loader *loader, struct pbr_event event);
/* The callers of the last event on this CPU, if that is an allocation. */
void pbr_loader_chain(struct pbr_loader *loader, unsigned int cpu, uint32_t chain);
/* All events are in. */
void pbr_loader_end(struct pbr_loader *loader);
/* The texts that these numbers stand for, from 1. -1: no memory. */
int pbr_name_chains(struct pbr_input *input, uint32_t nr,
		    const char *(*text)(const void *ctx, uint32_t i), const void *ctx);
int pbr_load_text(const struct pbr_source *source, struct pbr_loader *loader, char *error,
		  size_t size);
/* 1: it is no .pbt; 0: read; -1: error. */
int pbr_load_pbt(const struct pbr_source *source, struct pbr_loader *loader, char *error,
		 size_t size);
/* Start and end snapshots -> input->machine and the frame runs. */
int pbr_load_machine(const struct pbr_source *source, struct pbr_input *input,
		     const struct pb_snapshot *start, const struct pb_snapshot *end, char *error,
		     size_t size);
/* All that follows from the events and the machine, which are there. */
int pbr_finish(const struct pbr_source *source, struct pbr_input *input, char *error, size_t size);
/* Room in the machine for each event; those without become PBR_OTHER. */
void pbr_check_events(struct pbr_input *input);
void pbr_problem(struct pbr_problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ------------------------------------------------------------------- world */

#define PBR_OWNER_NONE 0u /* or from before the trace */

struct pbr_world {
	const struct pbr_input *input;
	const struct pbr_geometry *geo;
	unsigned int max_order, pageblock_order;
	uint8_t *state;      /* [frames] enum pbr_state */
	uint8_t *head;       /* [frames] order of the free block that starts here, 255: none */
	uint32_t *owner;     /* [frames] 1 + index of the event that allocated it, or 0 */
	uint8_t *block_type; /* [pageblocks] */
	uint32_t *fallback;  /* [pageblocks] 1 + index of the last EXTFRAG event, or 0 */
	int64_t free[PBR_MAX_ZONES], pcp[PBR_MAX_ZONES]; /* pages */
	uint64_t blocks[PBR_MAX_ZONES][PBR_ORDERS];
	uint64_t in_use, peak; /* pages with an owner */
	uint64_t allocations, frees, failures, fallbacks, claims;
	uint64_t unknown_frees, silent_takes;
	bool untold; /* the event changes the state and is not counted */
};

int pbr_world_init(struct pbr_world *world, const struct pbr_input *input);
void pbr_world_clear(struct pbr_world *world);
void pbr_world_apply(struct pbr_world *world, uint32_t event);
/* The frames that a COMPACT event takes, ascending: each is told before it goes. */
void pbr_world_compact(struct pbr_world *world, const struct pbr_event *event,
		       void (*taken)(void *ctx, uint32_t frame), void *ctx);
/* Apply the events before time `at`; returns the index of the next. */
uint32_t pbr_world_run(struct pbr_world *world, uint64_t at);
/* One pageblock's frames. */
struct pbr_census {
	uint32_t free, pcp, movable, unmovable, hole;
	uint32_t owner; /* task with most frames */
};
void pbr_world_census(const struct pbr_world *world, uint32_t pageblock, struct pbr_census *census);

/* -------------------------------------------------------------------- plan */

enum pbr_op_kind {
	PBR_OP_ALLOC,
	PBR_OP_FREE,
	PBR_OP_PROBE, /* the recorded kernel failed: try, and give it back at once */
	PBR_OP_SPLIT, /* pb_split_page(); the next operation is its PBR_OP_PARTS */
	PBR_OP_PARTS, /* `slot` is the first of the 2^order slots of the parts */
	PBR_OP_TICK,  /* a second has gone */
	PBR_OP_SKIP,  /* nothing happens for `slot` events more than `step` */
	/* only with a model of reclaim */
	PBR_OP_CACHE,     /* the page came to a file */
	PBR_OP_USED,      /* it was used again */
	PBR_OP_SAME,      /* what is in `slot` was read again: it is in another page now */
	PBR_OP_RECLAIMED, /* here the recorded kernel reclaimed it */
	PBR_OP_MARKS,     /* min_free_kbytes became `slot` */
	PBR_OP_GIVE_BACK, /* who wanted the blocks of session `slot` gives back those that the
	                     recorded kernel didn't have */
};

/*
 * 8 bytes, one for nearly every second event. Operations are performed in a
 * row, so each tells only by how many events it is beyond the one before.
 */
struct pbr_op {
	uint32_t slot;
	uint32_t gfp : 11;  /* index into the plan's gfp[] */
	uint32_t step : 12; /* events from the operation before to the one it comes from */
	uint32_t kind : 4;  /* enum pbr_op_kind */
	uint32_t order : 5;
};

_Static_assert(sizeof(struct pbr_op) == 8, "the memory of a replay is mostly events and these");

#define PBR_MAX_STEP 4095u
#define PBR_MAX_GFPS 2048u /* different requests of one plan; kernels have below a hundred */

/* A block that had an owner when the trace began. */
struct pbr_before {
	uint32_t frame;
	uint32_t slot; /* UINT32_MAX: never freed in the trace */
	uint8_t order;
	uint8_t movable;
};

#define PBR_SLAB 1      /* reclaim freed it, though it came to no file */
#define PBR_HAS_PARTS 2 /* a huge page that failed; base pages stand in for it */
#define PBR_WANTED 3    /* of a session */

/* Somebody who asks for block after block until he has as many as he wants, or one fails. */
struct pbr_session {
	uint32_t left;       /* requests that he would have made after the one that failed */
	uint32_t probe;      /* slot of that one; UINT32_MAX: none failed */
	uint64_t time, last; /* ns: from request to request, all of them; the last one's */
	uint32_t nr;         /* requests that were made */
	uint8_t order;
};

#define PBR_COSTLY_ORDER 3u

/* Tasks that reclaimed for themselves. */
struct pbr_direct {
	double pages, ns; /* a call */
	uint64_t all_pages, calls, time;
};

/* kswapd, while it ran */
struct pbr_kswapd {
	double rate; /* pages a ns */
	uint64_t pages, time;
};

struct pbr_plan {
	struct pbr_op *ops;
	uint32_t gfp[PBR_MAX_GFPS];
	uint32_t nr_gfps;
	uint64_t nr_ops;
	uint64_t nr_allocs, nr_frees, nr_probes;
	uint32_t nr_slots;
	struct pbr_before *before;
	uint64_t nr_before;
	uint8_t *cpu_node; /* [cpus] */
	/* What a model of reclaim goes by; has_reclaim: the trace tells enough. */
	bool has_reclaim;
	uint8_t *slot_order; /* [slots] */
	uint8_t *by_reclaim; /* [slots] PBR_SLAB, PBR_HAS_PARTS or 0 */
	uint32_t *part_of;   /* [slots] 1 + slot of the huge page that it stands for, or 0;
	                        PBR_WANTED: its session */
	struct pbr_session *sessions;
	uint32_t nr_sessions;
	/* What a model of compaction goes by; has_compaction: the trace tells it. */
	bool has_compaction;
	uint64_t pages_moved, pages_stayed; /* when it wanted to move them */
	uint64_t compacted, compacted_well; /* zones, by tasks for themselves */
	uint64_t made_ready;                /* zones, by kcompactd with success */
	uint64_t sleeps;                    /* of kswapd, after each of which kcompactd may run */
	uint64_t nr_parts;                  /* base pages that stood in for huge ones */
	uint64_t nr_wholes;                 /* for how many */
	struct {
		struct pbr_kswapd kswapd[2]; /* [1]: in rounds for orders above PBR_COSTLY_ORDER */
		/* by the order that woke it: rounds, pages of them all */
		uint64_t rounds[PBR_ORDERS], round_pages[PBR_ORDERS];
		struct pbr_direct direct[2]; /* [1]: for orders above PBR_COSTLY_ORDER */
	} rates;
};

int pbr_plan_make(struct pbr_input *input, char *error, size_t size);
void pbr_plan_free(struct pbr_plan *plan);

/* ----------------------------------------------------------------- results */

/* The moment of sample or map i of n: n is at least 2, the first and last are the ends. */
uint64_t pbr_moment(uint64_t from, uint64_t to, uint32_t i, uint32_t n);
/* Is sample or map i to be taken before an event of this time? The last one of the trace is
   taken when there are no more events. */
static inline bool pbr_moment_due(uint64_t moment, bool last, uint64_t time)
{
	return last ? moment < time : moment <= time;
}

static inline bool pbr_sample_due(const struct pbr_run *run, uint32_t i, uint64_t time)
{
	return i < run->nr_samples &&
	       pbr_moment_due(run->samples[i].time, i + 1 == run->nr_samples, time);
}

static inline bool pbr_map_due(const struct pbr_run *run, uint32_t i, uint64_t time)
{
	return i < run->nr_maps && pbr_moment_due(run->maps[i].time, i + 1 == run->nr_maps, time);
}

/* Room for samples, maps and marks; 0 or -1. */
int pbr_run_prepare(struct pbr_run *run, const struct pbr_input *input,
		    const struct pbr_collect *collect, const struct pbr_geometry *geo);
void pbr_sample_indices(struct pbr_zone_sample *zone, unsigned int max_order);
void pbr_run_mark(struct pbr_run *run, const struct pbr_mark *mark);
int pbr_error(char *error, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
double pbr_seconds(void);
const char *pbr_zone_label(const struct pbr_zone *zone, char *text, size_t size);

static inline struct pbr_private *pbr_priv(const struct pbr_input *input)
{
	return input->priv;
}

static inline uint8_t pbr_share(uint64_t part, uint64_t whole)
{
	uint64_t share = whole ? (part * 255 + whole / 2) / whole : 0;

	/* One frame of many is not nothing, and all but one is not all. */
	if (!share && part)
		share = 1;
	if (share == 255 && part < whole)
		share = 254;
	return (uint8_t)share;
}

#endif
