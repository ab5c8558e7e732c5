// SPDX-License-Identifier: MIT
/*
 * Allocations and frees paired once, to be replayed many times.
 *
 * Each allocation gets a slot, a number under which a run keeps the page it
 * got; a free names the slot. Slots are reused, last freed first, so that a
 * run's table of them stays small. A free of a part of a block becomes a split
 * of the block into single pages first.
 *
 *	alloc pfn 8 order 2        ALLOC slot 0
 *	free  pfn 9 order 0        SPLIT slot 0, PARTS 1 (to 4), FREE slot 2
 *
 * Some pages get an owner without mm_page_alloc, and are freed like others.
 * alloc_pages_bulk() takes them from a per-CPU list. They show when they are
 * freed: the block was last seen on its way into such a list, so it is
 * allocated there.
 *
 * Compaction takes free frames (mm_compaction_isolate_freepages tells from where,
 * the followed state which), moves pages into them and frees where they were,
 * and gives the rest back. To the plan a page that moved is the same page: its
 * slot goes to the new frame, and neither is allocated or freed.
 */

#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "trace.h"

#define MAX_COMPACTORS 16

/* Free frames that a task's compaction has taken and not used yet. */
struct isolated {
	int32_t pid;
	uint32_t *frames;
	uint32_t nr;
	uint64_t room;
};

#define FILE_PAGES (1u << 20)

#define TOUCHED 1  /* an event has named the frame */
#define ISOLATED 2 /* and compaction holds it */

struct planner {
	struct pbr_input *input;
	const struct pbr_geometry *geo;
	struct pbr_plan *plan;
	uint64_t op_room, before_room;
	uint32_t *slot;         /* [frames] 1 + slot of the block that starts here, or 0 */
	uint8_t *order;         /* [frames] its order */
	uint8_t *touched;       /* [frames] an event has named it */
	uint8_t *silent;        /* bit per event: its block is then allocated without an event */
	struct pbr_world world; /* only if compaction is in the trace */
	bool follow;
	struct isolated isolated[MAX_COMPACTORS];
	/* with a model of reclaim */
	uint64_t *woken_at;    /* one: when kswapd began to run, 0: it sleeps */
	unsigned int round_of; /* the order that kswapd was last woken for */
	uint64_t *direct_at;   /* [tasks] when it began to reclaim, 0: it does not */
	uint8_t *direct_for;   /* [tasks] index into plan->rates.direct */
	uint32_t *probe_of;    /* [tasks] 1 + slot of its last huge page that failed */
	uint16_t *parts;       /* [tasks] pages that stood in for it so far */
	uint32_t *file_page;   /* [FILE_PAGES] 1 + slot last seen with this page of a file */
	uint32_t *file_key;    /* [FILE_PAGES] which page of which file */
	uint8_t *cached;       /* [frames] of a file */
	uint32_t *session;     /* [tasks] 1 + what it wants now, or 0 */
	uint64_t session_room;
	uint64_t order_room, part_room;
	uint32_t min_free_kbytes;
	uint32_t *spare; /* free slots, a stack */
	uint32_t nr_spare, spare_room;
	uint32_t event;      /* now */
	uint32_t last_event; /* of the last operation */
	bool failed;         /* memory was short */
};

/* -------------------------------------------------------------------- lists */

static bool grow(void **list, uint64_t *room, uint64_t nr, size_t size)
{
	uint64_t more = *room ? 2 * *room : 4096;
	void *grown;

	if (nr < *room)
		return true;
	grown = realloc(*list, more * size);
	if (!grown)
		return false;
	*list = grown;
	*room = more;
	return true;
}

/*
 * Index of this request's flags among those of the plan. A trace that has more
 * different ones than any kernel uses is damaged or made up; it replays as
 * GFP_KERNEL from there on, and is told.
 */
static uint32_t gfp_index(struct planner *planner, uint32_t gfp)
{
	struct pbr_plan *plan = planner->plan;
	uint32_t i = 0;

	while (i < plan->nr_gfps && plan->gfp[i] != gfp)
		i++;
	if (i < plan->nr_gfps)
		return i;
	if (i < PBR_MAX_GFPS) {
		plan->gfp[plan->nr_gfps++] = gfp;
		return i;
	}
	pbr_problem(&planner->input->problems,
		    "event %llu: the %uth different gfp_flags %#x: replayed as GFP_KERNEL",
		    (unsigned long long)planner->event + 1, PBR_MAX_GFPS + 1, gfp);
	return 0;
}

static void append_op(struct planner *planner, struct pbr_op op)
{
	struct pbr_plan *plan = planner->plan;

	if (!grow((void **)&plan->ops, &planner->op_room, plan->nr_ops, sizeof(*plan->ops)))
		planner->failed = true;
	else
		plan->ops[plan->nr_ops++] = op;
}

static void add_op(struct planner *planner, enum pbr_op_kind kind, uint32_t slot,
		   unsigned int order, uint32_t gfp)
{
	struct pbr_plan *plan = planner->plan;
	uint32_t step = planner->event - planner->last_event;

	if (step > PBR_MAX_STEP) {
		append_op(planner,
			  (struct pbr_op){ .slot = step - PBR_MAX_STEP, .kind = PBR_OP_SKIP });
		step = PBR_MAX_STEP;
	}
	planner->last_event = planner->event;
	append_op(planner, (struct pbr_op){ .slot = slot,
					    .gfp = gfp_index(planner, gfp),
					    .step = step,
					    .kind = kind,
					    .order = order & 31 });
	plan->nr_allocs += kind == PBR_OP_ALLOC;
	plan->nr_frees += kind == PBR_OP_FREE;
	plan->nr_probes += kind == PBR_OP_PROBE;
}

static void add_before(struct planner *planner, uint32_t frame, uint32_t slot, unsigned int order)
{
	const struct pbr_layout *layout = &pbr_priv(planner->input)->layout;
	struct pbr_plan *plan = planner->plan;

	if (!grow((void **)&plan->before, &planner->before_room, plan->nr_before,
		  sizeof(*plan->before))) {
		planner->failed = true;
		return;
	}
	plan->before[plan->nr_before++] = (struct pbr_before){
		frame, slot, (uint8_t)order, layout->state[frame] == PBR_USED_LRU
	};
}

static uint32_t new_slot(struct planner *planner)
{
	/* A page that was not reclaimed when it was recorded keeps its slot. */
	if (planner->nr_spare && !planner->plan->has_reclaim)
		return planner->spare[--planner->nr_spare];
	return planner->plan->nr_slots++;
}

static void reuse_slot(struct planner *planner, uint32_t slot)
{
	uint64_t room = planner->spare_room;

	if (!grow((void **)&planner->spare, &room, planner->nr_spare, sizeof(*planner->spare))) {
		planner->failed = true;
		return;
	}
	planner->spare_room = (uint32_t)room;
	planner->spare[planner->nr_spare++] = slot;
}

/* --------------------------------------------- what a model of reclaim needs */

/* Lists by slot grow with the slots. */
static void keep_order(struct planner *planner, uint32_t slot, unsigned int order)
{
	struct pbr_plan *plan = planner->plan;

	if (!plan->has_reclaim)
		return;
	while (slot >= planner->order_room) {
		uint64_t more = planner->order_room ? 2 * planner->order_room : 1 << 16;
		uint8_t *orders = realloc(plan->slot_order, more);
		uint8_t *reclaimed = realloc(plan->by_reclaim, more);
		uint32_t *parts = realloc(plan->part_of, more * sizeof(*parts));

		plan->slot_order = orders ? orders : plan->slot_order;
		plan->by_reclaim = reclaimed ? reclaimed : plan->by_reclaim;
		plan->part_of = parts ? parts : plan->part_of;
		if (!orders || !reclaimed || !parts) {
			planner->failed = true;
			return;
		}
		memset(orders + planner->order_room, 0, more - planner->order_room);
		memset(reclaimed + planner->order_room, 0, more - planner->order_room);
		memset(parts + planner->order_room, 0,
		       (more - planner->order_room) * sizeof(*parts));
		planner->order_room = more;
	}
	plan->slot_order[slot] = (uint8_t)order;
}

static void note_reclaimed(struct planner *planner, uint32_t head)
{
	const struct pbr_event *event = &planner->input->events[planner->event];
	struct pbr_plan *plan = planner->plan;
	uint64_t pages = UINT64_C(1) << planner->order[head];

	if (!planner->cached[head])
		plan->by_reclaim[planner->slot[head] - 1] = PBR_SLAB;
	planner->cached[head] = 0;
	if (planner->direct_at[event->task]) {
		plan->rates.direct[planner->direct_for[event->task]].all_pages += pages;
		return;
	}
	plan->rates.kswapd[planner->round_of > PBR_COSTLY_ORDER].pages += pages;
	plan->rates.round_pages[planner->round_of] += pages;
}

/* The page is one of a file now; is it known from before? */
static void plan_cache(struct planner *planner, const struct pbr_event *event)
{
	uint32_t frame = pbr_frame(planner->geo, event->pfn), at = event->gfp & (FILE_PAGES - 1);
	uint32_t slot;

	if (frame == PBR_NO_FRAME || !planner->slot[frame] || planner->cached[frame])
		return;
	slot = planner->slot[frame] - 1;
	if (planner->file_page[at] && planner->file_key[at] == event->gfp &&
	    planner->file_page[at] - 1 != slot)
		add_op(planner, PBR_OP_SAME, planner->file_page[at] - 1, 0, 0);
	planner->file_page[at] = slot + 1;
	planner->file_key[at] = event->gfp;
	planner->cached[frame] = 1;
	add_op(planner, PBR_OP_CACHE, slot, planner->order[frame], 0);
}

static void plan_used(struct planner *planner, const struct pbr_event *event)
{
	uint32_t frame = pbr_frame(planner->geo, event->pfn);

	if (frame != PBR_NO_FRAME && planner->slot[frame] && planner->cached[frame])
		add_op(planner, PBR_OP_USED, planner->slot[frame] - 1, planner->order[frame], 0);
}

/* Watermarks that the kernel changed on its way (huge pages raise them). */
static void plan_marks(struct planner *planner, const struct pbr_event *event)
{
	const struct pbr_input *input = planner->input;
	uint32_t sum = 0;

	/* the states of one request stand in a row: count at the last of them */
	for (uint32_t i = 0; i < input->machine.nr_zones && i <= event->gfp; i++)
		sum += input->states[event->gfp - i].min;
	if (event->gfp + 1 < input->machine.nr_zones || input->states[event->gfp].zone ||
	    sum * 4 == planner->min_free_kbytes)
		return;
	if (planner->min_free_kbytes && sum * 4 > planner->min_free_kbytes + 64)
		add_op(planner, PBR_OP_MARKS, sum * 4, 0, 0);
	planner->min_free_kbytes = sum * 4;
}

/* Since it woke, or since the round before this one. */
static void kswapd_ran(struct planner *planner, uint64_t until)
{
	struct pbr_kswapd *kswapd =
		&planner->plan->rates.kswapd[planner->round_of > PBR_COSTLY_ORDER];

	if (*planner->woken_at)
		kswapd->time += until - *planner->woken_at;
}

static void plan_time(struct planner *planner, const struct pbr_event *event)
{
	struct pbr_plan *plan = planner->plan;
	uint64_t *since = event->task == PBR_NO_TASK ? NULL : &planner->direct_at[event->task];

	if (event->kind == PBR_KSWAPD_WAKE) {
		kswapd_ran(planner, event->time);
		*planner->woken_at = event->time;
		planner->round_of = event->order < PBR_ORDERS ? event->order : 0;
		plan->rates.rounds[planner->round_of]++;
	} else if (event->kind == PBR_KSWAPD_SLEEP) {
		kswapd_ran(planner, event->time);
		plan->sleeps++;
		*planner->woken_at = 0;
	} else if (since && event->kind == PBR_RECLAIM_BEGIN) {
		*since = event->time;
		planner->direct_for[event->task] = event->order > PBR_COSTLY_ORDER;
	} else if (since && event->kind == PBR_RECLAIM_END && *since) {
		struct pbr_direct *direct = &plan->rates.direct[planner->direct_for[event->task]];

		direct->calls++;
		direct->time += event->time - *since;
		*since = 0;
	}
}

/* A task says how many blocks it goes on asking for, or that it gives them back. */
static void plan_wants(struct planner *planner, const struct pbr_event *event)
{
	struct pbr_plan *plan = planner->plan;
	uint32_t *session = event->task == PBR_NO_TASK ? NULL : &planner->session[event->task];

	if (!session)
		return;
	if (*session && plan->sessions[*session - 1].probe != UINT32_MAX)
		add_op(planner, PBR_OP_GIVE_BACK, *session - 1, event->order, 0);
	*session = 0;
	if (!event->gfp)
		return;
	if (!grow((void **)&plan->sessions, &planner->session_room, plan->nr_sessions,
		  sizeof(*plan->sessions))) {
		planner->failed = true;
		return;
	}
	plan->sessions[plan->nr_sessions++] = (struct pbr_session){ .left = event->gfp,
								    .probe = UINT32_MAX,
								    .last = event->time,
								    .order = event->order };
	*session = plan->nr_sessions;
}

/* Is this request one of those? Returns whether it is. */
static bool note_wanted(struct planner *planner, const struct pbr_event *event, uint32_t slot)
{
	struct pbr_session *session;

	if (!planner->plan->has_reclaim || event->task == PBR_NO_TASK ||
	    !planner->session[event->task])
		return false;
	session = &planner->plan->sessions[planner->session[event->task] - 1];
	if (session->order != event->order || !session->left || session->probe != UINT32_MAX)
		return false;
	session->left--;
	session->nr++;
	session->time += event->time - session->last;
	session->last = event->time;
	planner->plan->by_reclaim[slot] = PBR_WANTED;
	planner->plan->part_of[slot] = planner->session[event->task];
	if (event->pfn == PBR_NO_PFN)
		session->probe = slot;
	return true;
}

static void plan_moved(struct planner *planner, const struct pbr_event *event)
{
	planner->plan->has_compaction = true;
	planner->plan->pages_moved += event->gfp & 0xffff;
	planner->plan->pages_stayed += (event->gfp >> 16) != 0;
}

static void plan_compaction(struct planner *planner, const struct pbr_event *event)
{
	struct pbr_plan *plan = planner->plan;

	if (event->task == PBR_NO_TASK)
		return;
	if (!strncmp(planner->input->tasks[event->task].comm, "kcompactd", 9)) {
		plan->made_ready += event->gfp;
		return;
	}
	plan->compacted++;
	plan->compacted_well += event->gfp;
}

static void plan_reclaim(struct planner *planner, const struct pbr_event *event)
{
	if (event->kind == PBR_CACHE_ADD)
		plan_cache(planner, event);
	else if (event->kind == PBR_ACTIVATE)
		plan_used(planner, event);
	else if (event->kind == PBR_ZONE_STATE)
		plan_marks(planner, event);
	else if (event->kind == PBR_WANTS)
		plan_wants(planner, event);
	else if (event->kind == PBR_MOVED)
		plan_moved(planner, event);
	else if (event->kind == PBR_COMPACTED)
		plan_compaction(planner, event);
	else
		plan_time(planner, event);
}

/*
 * A huge page that failed is made up for by base pages. In a simulation where it
 * does not fail these are not asked for: each knows for which it stands.
 */
static void note_part(struct planner *planner, const struct pbr_event *event, uint32_t slot)
{
	uint32_t most = 1u << planner->input->machine.pageblock_order;

	if (event->task == PBR_NO_TASK || event->order || !planner->probe_of[event->task] ||
	    (event->gfp & PB_GFP_HIGHUSER_MOVABLE) != PB_GFP_HIGHUSER_MOVABLE ||
	    planner->parts[event->task] >= most)
		return;
	planner->plan->nr_wholes += !planner->parts[event->task]++;
	planner->plan->nr_parts++;
	planner->plan->part_of[slot] = planner->probe_of[event->task];
	planner->plan->by_reclaim[planner->probe_of[event->task] - 1] = PBR_HAS_PARTS;
}

static bool begin_reclaim(struct planner *planner)
{
	const struct pbr_input *input = planner->input;
	const uint64_t *nr = input->nr_by_kind;

	if (!nr[PBR_CACHE_ADD] || !(nr[PBR_KSWAPD_WAKE] + nr[PBR_RECLAIM_BEGIN]) ||
	    !input->machine.has_start)
		return true;
	planner->plan->has_reclaim = true;
	planner->woken_at = calloc(1, sizeof(*planner->woken_at));
	planner->direct_at = calloc((size_t)input->nr_tasks + 1, sizeof(*planner->direct_at));
	planner->direct_for = calloc((size_t)input->nr_tasks + 1, 1);
	planner->probe_of = calloc((size_t)input->nr_tasks + 1, sizeof(*planner->probe_of));
	planner->parts = calloc((size_t)input->nr_tasks + 1, sizeof(*planner->parts));
	planner->file_page = calloc(FILE_PAGES, sizeof(*planner->file_page));
	planner->file_key = calloc(FILE_PAGES, sizeof(*planner->file_key));
	planner->cached = calloc((size_t)planner->geo->nr_frames + 1, 1);
	planner->session = calloc((size_t)input->nr_tasks + 1, sizeof(*planner->session));
	return planner->woken_at && planner->direct_at && planner->direct_for &&
	       planner->probe_of && planner->parts && planner->file_page && planner->file_key &&
	       planner->cached && planner->session;
}

static void end_reclaim(struct planner *planner)
{
	struct pbr_plan *plan = planner->plan;

	if (!plan->has_reclaim)
		return;
	kswapd_ran(planner, planner->input->end_time);
	for (unsigned int i = 0; i < 2; i++) {
		struct pbr_kswapd *kswapd = &plan->rates.kswapd[i];

		if (!kswapd->time)
			kswapd = &plan->rates.kswapd[!i]; /* it had no such rounds */
		if (kswapd->time)
			plan->rates.kswapd[i].rate = (double)kswapd->pages / (double)kswapd->time;
	}
	for (unsigned int i = 0; i < 2; i++) {
		struct pbr_direct *direct = &plan->rates.direct[i];

		direct->pages = i ? plan->rates.direct[0].pages : 32; /* what a call aims at */
		if (!direct->calls)
			continue;
		direct->pages = (double)direct->all_pages / (double)direct->calls;
		direct->ns = (double)direct->time / (double)direct->calls;
	}
	if (plan->nr_slots)
		keep_order(planner, plan->nr_slots - 1,
			   planner->order_room >= plan->nr_slots
				   ? plan->slot_order[plan->nr_slots - 1]
				   : 0);
}

/* ------------------------------------------------------------------- blocks */

/* First frame of the allocated block that frame is in, or PBR_NO_FRAME. */
static uint32_t find_block(const struct planner *planner, uint32_t frame)
{
	for (unsigned int o = 0; o <= planner->geo->align_order; o++) {
		uint32_t head = frame & ~((1u << o) - 1);

		if (planner->slot[head] && planner->order[head] == o)
			return head;
	}
	return PBR_NO_FRAME;
}

/* kswapd, or a task between the begin and the end of its direct reclaim. */
static bool in_reclaim(const struct planner *planner)
{
	const struct pbr_event *event = &planner->input->events[planner->event];

	if (!planner->plan->has_reclaim || event->task == PBR_NO_TASK)
		return false;
	return planner->direct_at[event->task] ||
	       !strncmp(planner->input->tasks[event->task].comm, "kswapd", 6);
}

static void free_block(struct planner *planner, uint32_t head)
{
	uint32_t slot = planner->slot[head] - 1;
	bool reclaimed = in_reclaim(planner);

	if (reclaimed)
		note_reclaimed(planner, head);
	add_op(planner, reclaimed ? PBR_OP_RECLAIMED : PBR_OP_FREE, slot, planner->order[head], 0);
	reuse_slot(planner, slot);
	planner->slot[head] = 0;
}

/* Single pages from now on. Their slots are new ones: they must be in a row. */
static void split_block(struct planner *planner, uint32_t head)
{
	unsigned int order = planner->order[head];
	uint32_t old = planner->slot[head] - 1, first = planner->plan->nr_slots;

	planner->plan->nr_slots += 1u << order;
	add_op(planner, PBR_OP_SPLIT, old, order, 0);
	add_op(planner, PBR_OP_PARTS, first, order, 0);
	reuse_slot(planner, old);
	for (uint32_t i = 0; i < 1u << order; i++) {
		keep_order(planner, first + i, 0);
		planner->slot[head + i] = first + i + 1;
		planner->order[head + i] = 0;
	}
}

/* --------------------------------------------------------------- compaction */

static int32_t pid_of(const struct planner *planner, const struct pbr_event *event)
{
	return event->task == PBR_NO_TASK ? -1 : planner->input->tasks[event->task].pid;
}

/* This task's frames; or an empty place for them, if it has none. */
static struct isolated *find_isolated(struct planner *planner, int32_t pid)
{
	struct isolated *empty = NULL;

	for (unsigned int i = 0; i < MAX_COMPACTORS; i++) {
		struct isolated *isolated = &planner->isolated[i];

		if (isolated->nr && isolated->pid == pid)
			return isolated;
		if (!isolated->nr && !empty)
			empty = isolated;
	}
	return empty;
}

static bool isolate(struct planner *planner, int32_t pid, uint32_t frame)
{
	struct isolated *isolated = find_isolated(planner, pid);

	if (!isolated || !grow((void **)&isolated->frames, &isolated->room, isolated->nr,
			       sizeof(*isolated->frames)))
		return false;
	isolated->pid = pid;
	isolated->frames[isolated->nr++] = frame;
	planner->touched[frame] = ISOLATED;
	return true;
}

/* Given back unused, or freed by somebody who got it in a way that the trace hides. */
static void forget_isolated(struct planner *planner, uint32_t frame)
{
	planner->touched[frame] = TOUCHED;
	for (unsigned int i = 0; i < MAX_COMPACTORS; i++) {
		struct isolated *isolated = &planner->isolated[i];

		for (uint32_t n = 0; n < isolated->nr; n++) {
			if (isolated->frames[n] != frame)
				continue;
			isolated->frames[n] = isolated->frames[--isolated->nr];
			return;
		}
	}
}

/* The page of this frame goes to a frame that was taken for it; false: it doesn't. */
static bool move_page(struct planner *planner, struct isolated *isolated, uint32_t frame)
{
	uint32_t to;

	if (!planner->slot[frame]) {
		if (planner->touched[frame] || !planner->input->machine.has_start)
			return false;
		planner->slot[frame] = ++planner->plan->nr_slots;
		planner->touched[frame] = TOUCHED;
		add_before(planner, frame, planner->slot[frame] - 1, 0);
	} else if (planner->order[frame]) {
		return false;
	}
	to = isolated->frames[--isolated->nr];
	if (planner->plan->has_reclaim) {
		keep_order(planner, planner->slot[frame] - 1, 0);
		planner->cached[to] = planner->cached[frame];
		planner->cached[frame] = 0;
	}
	planner->slot[to] = planner->slot[frame];
	planner->order[to] = 0;
	planner->touched[to] = TOUCHED;
	planner->slot[frame] = 0;
	planner->input->problems.moved_pages++;
	return true;
}

/* Is this free a part of a compaction that goes on? */
static bool freed_by_compaction(struct planner *planner, const struct pbr_event *event,
				uint32_t frame)
{
	struct isolated *isolated;

	if (!planner->follow || event->order)
		return false;
	if (planner->touched[frame] == ISOLATED) {
		forget_isolated(planner, frame);
		return true;
	}
	isolated = find_isolated(planner, pid_of(planner, event));
	return isolated && isolated->nr && move_page(planner, isolated, frame);
}

/* ------------------------------------------------------------------- events */

/* The request as the library is to see it. */
static uint32_t clean_gfp(uint32_t gfp)
{
	/* NOFAIL would wait for reclaim, which the trace has done already; ZERO has no memory. */
	gfp &= 0x7fffffu & ~(PB_GFP_NOFAIL | PB_GFP_ZERO);
	if ((0xE8E8u >> (gfp & 15)) & 1) /* spec 4.3: combinations that make no sense */
		gfp &= ~(PB_GFP_DMA | PB_GFP_HIGHMEM | PB_GFP_DMA32);
	if ((gfp & PB_GFP_MOVABLE) && (gfp & PB_GFP_RECLAIMABLE))
		gfp &= ~PB_GFP_RECLAIMABLE;
	return gfp;
}

static void plan_alloc(struct planner *planner, const struct pbr_event *event)
{
	uint32_t frame = pbr_block(planner->geo, event->pfn, event->order), end, head;

	if (event->pfn == PBR_NO_PFN) {
		uint32_t slot = planner->plan->has_reclaim ? new_slot(planner) : 0;
		bool wanted;

		keep_order(planner, slot, event->order);
		wanted = note_wanted(planner, event, slot);
		add_op(planner, PBR_OP_PROBE, slot, event->order, clean_gfp(event->gfp));
		if (!wanted && planner->plan->has_reclaim && event->task != PBR_NO_TASK &&
		    event->order == planner->input->machine.pageblock_order) {
			planner->probe_of[event->task] = slot + 1;
			planner->parts[event->task] = 0;
		}
		return;
	}
	end = frame + (1u << event->order);
	for (uint32_t i = frame; i < end; i++) {
		if (planner->touched[i] == ISOLATED)
			forget_isolated(planner, i);
		head = planner->touched[i] ? find_block(planner, i) : PBR_NO_FRAME;
		if (head == PBR_NO_FRAME)
			continue;
		/* Its free was lost. */
		planner->input->problems.double_allocs++;
		free_block(planner, head);
	}
	memset(&planner->touched[frame], 1, (size_t)1 << event->order);
	planner->slot[frame] = new_slot(planner) + 1;
	planner->order[frame] = event->order;
	keep_order(planner, planner->slot[frame] - 1, event->order);
	if (planner->plan->has_reclaim) {
		planner->cached[frame] = 0;
		if (!note_wanted(planner, event, planner->slot[frame] - 1))
			note_part(planner, event, planner->slot[frame] - 1);
	}
	add_op(planner, PBR_OP_ALLOC, planner->slot[frame] - 1, event->order,
	       clean_gfp(event->gfp));
}

static void free_unknown(struct planner *planner, uint32_t frame, unsigned int order)
{
	uint32_t slot;

	if (planner->touched[frame]) {
		planner->input->problems.double_frees++;
		return;
	}
	planner->input->problems.unknown_frees++;
	memset(&planner->touched[frame], 1, (size_t)1 << order);
	if (!planner->input->machine.has_start)
		return;
	/* A new one: it is filled before the first operation, and reused ones are not. */
	slot = planner->plan->nr_slots++;
	add_before(planner, frame, slot, order);
	keep_order(planner, slot, order);
	if (in_reclaim(planner)) {
		planner->slot[frame] = slot + 1;
		planner->order[frame] = (uint8_t)order;
		free_block(planner, frame);
		return;
	}
	add_op(planner, PBR_OP_FREE, slot, order, 0);
	reuse_slot(planner, slot);
}

static void plan_free(struct planner *planner, const struct pbr_event *event)
{
	uint32_t frame = pbr_block(planner->geo, event->pfn, event->order);
	uint32_t head = find_block(planner, frame), end = frame + (1u << event->order);

	if (freed_by_compaction(planner, event, frame))
		return;
	if (head == PBR_NO_FRAME) {
		free_unknown(planner, frame, event->order);
		return;
	}
	if (head == frame && planner->order[head] == event->order) {
		free_block(planner, head);
		return;
	}
	planner->input->problems.partial_frees++;
	if (planner->order[head] > event->order)
		split_block(planner, head);
	for (uint32_t i = frame; i < end; i++)
		if (planner->slot[i])
			free_block(planner, i);
}

/* ------------------------------------------- allocations that have no event */

static void plan_silent(struct planner *planner, uint64_t pfn, unsigned int order, bool movable)
{
	struct pbr_event event = { .kind = PBR_ALLOC,
				   .pfn = pfn,
				   .order = (uint8_t)order,
				   .gfp = movable ? PB_GFP_HIGHUSER_MOVABLE : PB_GFP_KERNEL };

	planner->input->problems.silent_takes++;
	plan_alloc(planner, &event);
}

static void plan_compacted(void *ctx, uint32_t frame)
{
	struct planner *planner = ctx;
	const struct pbr_event *event = &planner->input->events[planner->event];

	if (!isolate(planner, pid_of(planner, event), frame))
		plan_silent(planner, pbr_pfn(planner->geo, frame), 0, true);
}

/* Blocks that are freed after they were last seen going into a per-CPU list. */
static int find_silent(struct planner *planner)
{
	const struct pbr_input *input = planner->input;
	uint32_t *last = calloc((size_t)planner->geo->nr_frames + 1, sizeof(*last));

	planner->silent = calloc(input->nr_events / 8 + 1, 1);
	for (uint32_t i = 0; last && planner->silent && i < input->nr_events; i++) {
		const struct pbr_event *event = &input->events[i];
		uint32_t frame, before;

		if (event->kind > PBR_PCPU_DRAIN || event->pfn == PBR_NO_PFN)
			continue;
		frame = pbr_block(planner->geo, event->pfn, event->order);
		before = last[frame];
		if (event->kind == PBR_FREE && before &&
		    (input->events[before - 1].kind == PBR_FREE ||
		     input->events[before - 1].kind == PBR_ZONE_LOCKED) &&
		    input->events[before - 1].order == event->order)
			planner->silent[(before - 1) / 8] |= 1 << (before - 1) % 8;
		for (uint32_t f = frame; f < frame + (1u << event->order); f++)
			last[f] = i + 1;
	}
	free(last);
	return last && planner->silent ? 0 : -1;
}

static void plan_event(struct planner *planner, uint32_t index)
{
	const struct pbr_event *event = &planner->input->events[index];

	planner->event = index;
	if (event->kind == PBR_ALLOC)
		plan_alloc(planner, event);
	else if (event->kind == PBR_FREE)
		plan_free(planner, event);
	else if (planner->plan->has_reclaim && !pbr_about_frames(event->kind))
		plan_reclaim(planner, event);
	else if (event->kind == PBR_COMPACT && planner->follow)
		pbr_world_compact(&planner->world, event, plan_compacted, planner);
	if (planner->silent[index / 8] >> index % 8 & 1)
		plan_silent(planner, event->pfn, event->order,
			    event->kind == PBR_ZONE_LOCKED &&
				    event->migratetype == PB_MIGRATE_MOVABLE);
	if (planner->follow && event->kind != PBR_COMPACT)
		pbr_world_apply(&planner->world, index);
}

static void plan_events(struct planner *planner)
{
	const struct pbr_input *input = planner->input;
	uint64_t tick = input->start_time;

	for (uint64_t i = 0; i < input->nr_events && !planner->failed; i++) {
		if (input->events[i].time >= tick + UINT64_C(1000000000)) {
			tick = input->events[i].time;
			planner->event = (uint32_t)i;
			add_op(planner, PBR_OP_TICK, 0, 0, 0);
		}
		plan_event(planner, (uint32_t)i);
	}
}

/* --------------------------------------------------- what was there before */

static bool in_use(const struct pbr_layout *layout, uint32_t frame)
{
	return layout->state[frame] == PBR_USED || layout->state[frame] == PBR_USED_LRU;
}

/* Greatest aligned block from here on whose frames all stay in use all along. */
static unsigned int lasting_order(const struct planner *planner, const uint8_t *taken,
				  uint32_t frame)
{
	const struct pbr_layout *layout = &pbr_priv(planner->input)->layout;
	unsigned int order = 0, max = planner->geo->align_order;

	while (order < max && !(frame & (1u << order))) {
		uint32_t i = frame + (1u << order), end = frame + (2u << order);

		while (i < end && layout->state[i] == layout->state[frame] && !taken[i])
			i++;
		if (i < end)
			break;
		order++;
	}
	return order;
}

static int add_lasting(struct planner *planner)
{
	const struct pbr_layout *layout = &pbr_priv(planner->input)->layout;
	uint8_t *taken = calloc(1, (size_t)planner->geo->nr_frames + 1);
	uint64_t nr = planner->plan->nr_before;

	if (!taken)
		return -1;
	for (uint64_t i = 0; i < nr; i++)
		memset(&taken[planner->plan->before[i].frame], 1,
		       (size_t)1 << planner->plan->before[i].order);
	for (uint32_t frame = 0; frame < planner->geo->nr_frames;) {
		unsigned int order = 0;

		if (in_use(layout, frame) && !taken[frame]) {
			order = lasting_order(planner, taken, frame);
			add_before(planner, frame, UINT32_MAX, order);
		}
		frame += 1u << order;
	}
	free(taken);
	return 0;
}

/* A CPU belongs to the node that it got most pages from. */
static int find_nodes(struct planner *planner)
{
	const struct pbr_input *input = planner->input;
	uint32_t(*pages)[PB_MAX_NODES] = calloc(input->nr_cpus, sizeof(*pages));
	uint8_t *cpu_node = calloc(input->nr_cpus, 1);

	planner->plan->cpu_node = cpu_node;
	if (!pages || !cpu_node) {
		free(pages);
		return -1;
	}
	for (uint64_t i = 0; i < input->nr_events; i++) {
		const struct pbr_event *event = &input->events[i];
		uint32_t frame;
		int node;

		if (event->kind != PBR_ALLOC || event->pfn == PBR_NO_PFN)
			continue;
		frame = pbr_frame(planner->geo, event->pfn);
		node = input->machine.zones[pbr_frame_zone(planner->geo, frame)].node;
		pages[event->cpu % input->nr_cpus][node % PB_MAX_NODES]++;
	}
	for (unsigned int cpu = 0; cpu < input->nr_cpus; cpu++)
		for (unsigned int node = 1; node < PB_MAX_NODES; node++)
			if (pages[cpu][node] > pages[cpu][cpu_node[cpu]])
				cpu_node[cpu] = (uint8_t)node;
	free(pages);
	return 0;
}

/* -------------------------------------------------------------------- whole */

static int make(struct planner *planner)
{
	size_t frames = (size_t)planner->geo->nr_frames + 1;

	planner->slot = calloc(frames, sizeof(*planner->slot));
	planner->order = calloc(frames, 1);
	planner->touched = calloc(frames, 1);
	if (!planner->slot || !planner->order || !planner->touched || find_silent(planner) ||
	    !begin_reclaim(planner))
		return -1;
	gfp_index(planner, PB_GFP_KERNEL);
	planner->follow = planner->input->nr_by_kind[PBR_COMPACT] != 0;
	if (planner->follow && pbr_world_init(&planner->world, planner->input))
		return -1;
	plan_events(planner);
	end_reclaim(planner);
	if (planner->failed || find_nodes(planner))
		return -1;
	if (planner->input->machine.has_start && add_lasting(planner))
		return -1;
	return planner->failed ? -1 : 0;
}

int pbr_plan_make(struct pbr_input *input, char *error, size_t size)
{
	struct pbr_private *priv = pbr_priv(input);
	struct planner planner = { .input = input,
				   .geo = &priv->geo,
				   .plan = calloc(1, sizeof(struct pbr_plan)) };
	int status = -1;

	priv->plan = planner.plan;
	if (planner.plan)
		status = make(&planner);
	free(planner.slot);
	free(planner.order);
	free(planner.touched);
	free(planner.woken_at);
	free(planner.direct_at);
	free(planner.direct_for);
	free(planner.probe_of);
	free(planner.parts);
	free(planner.file_page);
	free(planner.file_key);
	free(planner.cached);
	free(planner.session);
	free(planner.silent);
	if (planner.follow)
		pbr_world_clear(&planner.world);
	free(planner.spare);
	for (unsigned int i = 0; i < MAX_COMPACTORS; i++)
		free(planner.isolated[i].frames);
	if (status)
		pbr_error(error, size, "no memory for the plan of %llu events",
			  (unsigned long long)input->nr_events);
	return status;
}

void pbr_plan_free(struct pbr_plan *plan)
{
	if (!plan)
		return;
	free(plan->ops);
	free(plan->before);
	free(plan->cpu_node);
	free(plan->slot_order);
	free(plan->by_reclaim);
	free(plan->part_of);
	free(plan->sessions);
	free(plan);
}
