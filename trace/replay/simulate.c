// SPDX-License-Identifier: MIT
/*
 * --simulate: the plan's operations against a pool, twice.
 *
 *	pass 1	timed: nothing between two operations but the loop
 *	pass 2	verified: an own table of who owns which frame, hooks, samples
 *
 * Both start from equal pools and do the same, so pass 2 sees what pass 1 did.
 */

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pagebuddy/linux_user.h>

#include "pool.h"
#include "reclaim.h"

/* Somebody's blocks beyond those that the recorded kernel gave him. */
struct wanted {
	uint32_t *more; /* 1 + index of the page of each */
	uint32_t nr;
	bool over; /* one failed: he asks no more */
};

struct sim {
	const struct pbr_input *input;
	const struct pbr_settings *settings;
	const struct pbr_collect *collect;
	struct pbr_run *run;
	struct pbr_geometry geo; /* of the run's zones */
	struct pbr_pool pool;
	struct pbr_reclaim reclaim; /* if the plan has what it needs */
	uint32_t random;            /* order of equal time stamps; 0: as recorded */
	uint32_t luck;              /* of compaction */
	bool may_move;              /* it is to succeed this time */
	const uint32_t *gfp;        /* of the plan's requests */
	uint32_t *slots;            /* 1 + index of the page kept there, or 0 */
	uint32_t **pieces;          /* [slots] thp=never: of the base pages, how many come first */
	struct wanted *wanted;      /* [plan's sessions] */
	uint32_t *slot_at;          /* [pool frames] 1 + slot that last had it; with compaction */
	/* pass 2 */
	uint32_t *owner;         /* [pool frames] 1 + event, or BEFORE, or 0 */
	const struct pbr_op *op; /* under way */
	uint32_t event;          /* index of the one it comes from */
	uint64_t live;           /* pages in use */
	uint32_t sample, map;    /* next ones */
};

#define BEFORE UINT32_MAX /* owner: from before the trace */

/* Only one pass 1 at a time: variants run in parallel, their times must not suffer. */
static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;

/* ------------------------------------------------------------------ pass 1 */

static inline struct pb_page *slot_page(const struct sim *sim, uint32_t slot)
{
	return sim->slots[slot] ? sim->pool.pages + sim->slots[slot] - 1 : NULL;
}

static inline void set_slot(struct sim *sim, uint32_t slot, const struct pb_page *page)
{
	uint32_t index = (uint32_t)(page - sim->pool.pages);

	sim->slots[slot] = page ? index + 1 : 0;
	if (page && sim->slot_at)
		sim->slot_at[index] = slot + 1;
}

static inline void split_slot(struct sim *sim, const struct pbr_op *op)
{
	struct pb_page *page = slot_page(sim, op->slot);
	uint32_t first = op[1].slot;

	if (page && pb_split_page(&sim->pool.pool, page, op->order))
		page = NULL;
	/* nobody may reclaim the whole any more */
	set_slot(sim, op->slot, NULL);
	for (uint32_t i = 0; i < 1u << op->order; i++)
		set_slot(sim, first + i, page ? page + i : NULL);
}

static inline void reclaim_goes_on(struct sim *sim)
{
	if (!--sim->pool.woken)
		pbr_pool_reclaimed(&sim->pool);
}

/* pb_alloc_pages() on this CPU's node. */
static inline struct pb_page *try_alloc(struct sim *sim, const struct pbr_op *op)
{
	return pb_alloc_pages(&sim->pool.pool, sim->gfp[op->gfp], op->order);
}

static inline uint32_t events_passed(const struct pbr_op *op)
{
	return op->step + (op->kind == PBR_OP_SKIP ? op->slot : 0);
}

/* --cpus may give fewer than the trace has. */
static inline unsigned int cpu_of(const struct sim *sim, uint32_t event)
{
	unsigned int cpu = sim->input->events[event].cpu;

	return cpu < sim->input->nr_cpus ? cpu : cpu % sim->input->nr_cpus;
}

static void do_op(struct sim *sim, const struct pbr_op *op)
{
	struct pb_page *page;

	switch (op->kind) {
	case PBR_OP_ALLOC:
		set_slot(sim, op->slot, try_alloc(sim, op));
		break;
	case PBR_OP_FREE:
	case PBR_OP_RECLAIMED:
		page = slot_page(sim, op->slot);
		if (page)
			pb_free_pages(&sim->pool.pool, page, op->order);
		break;
	case PBR_OP_PROBE:
		page = try_alloc(sim, op);
		if (page)
			pb_free_pages(&sim->pool.pool, page, op->order);
		break;
	case PBR_OP_SPLIT:
		split_slot(sim, op);
		break;
	case PBR_OP_PARTS:
	case PBR_OP_SKIP:
	case PBR_OP_CACHE:
	case PBR_OP_USED:
	case PBR_OP_SAME:
	case PBR_OP_MARKS:
	case PBR_OP_GIVE_BACK:
		break;
	case PBR_OP_TICK:
		pb_pcp_decay(&sim->pool.pool);
		break;
	}
}

/* What other programs do meanwhile is not the library's time. */
static double thread_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void play_timed(struct sim *sim)
{
	const struct pbr_plan *plan = pbr_priv(sim->input)->plan;
	const struct pbr_op *op = plan->ops, *end = op ? op + plan->nr_ops : NULL;
	uint64_t nr = plan->nr_allocs + plan->nr_frees + plan->nr_probes;
	double start, seconds;
	unsigned int cpu, last_cpu = UINT_MAX;
	uint32_t event = 0;

	pthread_mutex_lock(&clock_lock);
	start = thread_seconds();
	for (; op < end; op++) {
		event += events_passed(op);
		cpu = cpu_of(sim, event);
		if (cpu != last_cpu) {
			last_cpu = cpu;
			pb_user_set_cpu((int)cpu);
		}
		do_op(sim, op);
		if (sim->pool.woken)
			reclaim_goes_on(sim);
	}
	seconds = thread_seconds() - start;
	pthread_mutex_unlock(&clock_lock);
	pb_user_set_cpu(-1);
	sim->run->ns_per_op = nr ? seconds * 1e9 / (double)nr : 0.0;
}

/* --------------------------------------------------------- pass 2: ownership */

static uint32_t index_of(const struct sim *sim, const struct pb_page *page)
{
	return (uint32_t)(page - sim->pool.pages);
}

/* The library's answer is checked against this table, which it does not know. */
static void own(struct sim *sim, const struct pb_page *page, unsigned int order, uint32_t owner)
{
	uint32_t first = index_of(sim, page), size = 1u << order;

	for (uint32_t i = first; i < first + size; i++) {
		sim->run->double_handouts += sim->owner[i] != 0;
		sim->owner[i] = owner;
	}
	sim->live += size;
}

static void disown(struct sim *sim, const struct pb_page *page, unsigned int order)
{
	memset(&sim->owner[index_of(sim, page)], 0, sizeof(*sim->owner) << order);
	sim->live -= UINT64_C(1) << order;
}

static const struct pbr_event *event_now(const struct sim *sim)
{
	return &sim->input->events[sim->event];
}

static unsigned int type_of(uint32_t gfp)
{
	return (gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE)) >> 3;
}

static bool is_told(const struct sim *sim)
{
	return pbr_wanted(sim->collect->filter, event_now(sim));
}

static void failed(struct sim *sim, uint32_t gfp, unsigned int order, enum pb_reason why)
{
	struct pbr_mark mark = { .time = event_now(sim)->time,
				 .pfn = PBR_NO_PFN,
				 .gfp = gfp,
				 .task = event_now(sim)->task,
				 .kind = PBR_MARK_FAILURE,
				 .order = (uint8_t)order,
				 .migratetype = (uint8_t)type_of(gfp),
				 .reason = (uint8_t)why };

	if (!is_told(sim))
		return;
	sim->run->failures++;
	sim->run->failures_by_order[order]++;
	if (!order && (mark.gfp & PB_GFP_DIRECT_RECLAIM) && !(mark.gfp & PB_GFP_NORETRY))
		sim->run->killed++;
	sim->run->failures_recorded += sim->op->kind == PBR_OP_PROBE;
	sim->run->failures_by_reason[why]++;
	pbr_run_mark(sim->run, &mark);
}

/* What play_timed() did, with the reason when it fails. */
static struct pb_page *alloc_as(struct sim *sim, uint32_t gfp, unsigned int order)
{
	const uint8_t *cpu_node = pbr_priv(sim->input)->plan->cpu_node;
	enum pb_reason why = PB_REASON_NONE;
	struct pb_page *page;

	sim->reclaim.helped = false;
	if (order && sim->pool.move)
		sim->pool.try_compact(sim, false);
	page = pb_alloc_pages_nodemask(&sim->pool.pool, gfp, order,
				       cpu_node[cpu_of(sim, sim->event)], NULL, &why);

	if (!page) {
		failed(sim, gfp, order, why);
		return NULL;
	}
	own(sim, page, order, sim->event + 1);
	return page;
}

static struct pb_page *alloc_checked(struct sim *sim)
{
	return alloc_as(sim, sim->gfp[sim->op->gfp], sim->op->order);
}

static void count_alloc(struct sim *sim)
{
	if (sim->live > sim->run->peak_pages)
		sim->run->peak_pages = sim->live;
	if (!is_told(sim))
		return;
	sim->run->allocations++;
	sim->run->by_order[sim->op->order]++;
	sim->run->by_type[type_of(sim->gfp[sim->op->gfp])]++;
}

static void do_alloc_checked(struct sim *sim)
{
	struct pb_page *page = alloc_checked(sim);

	set_slot(sim, sim->op->slot, page);
	if (page)
		count_alloc(sim);
}

static void do_free_checked(struct sim *sim)
{
	struct pb_page *page = slot_page(sim, sim->op->slot);

	if (!page) {
		sim->run->skipped_frees += is_told(sim);
		return;
	}
	sim->run->modelled_frees += is_told(sim) && sim->owner[index_of(sim, page)] == BEFORE;
	disown(sim, page, sim->op->order);
	pb_free_pages(&sim->pool.pool, page, sim->op->order);
	sim->run->frees += is_told(sim);
}

/* ------------------------------------------------- pass 2: a model of reclaim */

static const struct pbr_plan *plan_of(const struct sim *sim)
{
	return pbr_priv(sim->input)->plan;
}

/* Reclaim takes it, or who held it lets go. */
static void release(void *ctx, uint32_t slot)
{
	struct sim *sim = ctx;
	struct pb_page *page = slot_page(sim, slot);
	unsigned int order = plan_of(sim)->slot_order[slot];

	disown(sim, page, order);
	set_slot(sim, slot, NULL);
	pb_free_pages(&sim->pool.pool, page, order);
}

/* The huge page that this slot's page would be a part of, if it could be had: its slot. */
static uint32_t whole_of(const struct sim *sim, uint32_t slot)
{
	uint32_t whole = plan_of(sim)->part_of[slot];

	if (plan_of(sim)->by_reclaim[slot] == PBR_WANTED)
		return UINT32_MAX;
	return whole && sim->slots[whole - 1] ? whole - 1 : UINT32_MAX;
}

/* --------------------------------------------------- thp=never: base pages */

/* Does the operation ask for a huge page that this variant's tasks don't ask for? */
static bool is_left_out(const struct sim *sim)
{
	const uint32_t thp = PB_GFP_NOMEMALLOC | PB_GFP_COMP | PB_GFP_MOVABLE;

	return sim->pieces && sim->op->order == sim->input->machine.pageblock_order &&
	       (sim->gfp[sim->op->gfp] & thp) == thp;
}

/* As many base pages as stood in, on average, for a huge page that failed. */
static void model_pieces(struct sim *sim)
{
	const struct pbr_plan *plan = plan_of(sim);
	uint32_t nr = (uint32_t)((plan->nr_parts + plan->nr_wholes / 2) / plan->nr_wholes);
	uint32_t *pieces = calloc((size_t)nr + 1, sizeof(*pieces));

	sim->pieces[sim->op->slot] = pieces;
	for (uint32_t i = 1; pieces && i <= nr; i++) {
		struct pb_page *page = alloc_as(sim, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_COMP, 0);

		pieces[i] = page ? index_of(sim, page) + 1 : 0;
	}
	if (pieces)
		pieces[0] = nr;
}

/* Freed together, or each on its own from now on, in slots from `first` on. */
static void take_pieces(struct sim *sim, uint32_t first)
{
	uint32_t *pieces = sim->pieces[sim->op->slot];

	for (uint32_t i = 1; i <= pieces[0]; i++) {
		struct pb_page *page = sim->pool.pages + pieces[i] - 1;

		if (!pieces[i])
			continue;
		if (first != UINT32_MAX) {
			set_slot(sim, first + i - 1, page);
			continue;
		}
		disown(sim, page, 0);
		pb_free_pages(&sim->pool.pool, page, 0);
	}
	free(pieces);
	sim->pieces[sim->op->slot] = NULL;
}

static bool has_pieces(const struct sim *sim)
{
	return sim->pieces && sim->pieces[sim->op->slot];
}

/* ----------------------------------------------- pass 2: requests never made */

/* What the request of this slot is one of; NULL: of none. */
static struct wanted *wanted_of(const struct sim *sim, uint32_t slot)
{
	const struct pbr_plan *plan = plan_of(sim);

	return plan->by_reclaim[slot] == PBR_WANTED ? &sim->wanted[plan->part_of[slot] - 1] : NULL;
}

/* The request that failed when it was recorded did not fail: the rest are made. */
static void ask_on(struct sim *sim, struct wanted *wanted, const struct pbr_session *session)
{
	uint32_t nr = session->left;

	wanted->more = calloc((size_t)nr + 1, sizeof(*wanted->more));
	while (wanted->more && wanted->nr < nr) {
		struct pb_page *page;

		pbr_reclaim_meanwhile(&sim->reclaim, (double)session->time / session->nr);
		page = alloc_checked(sim);
		if (!page)
			break;
		wanted->more[wanted->nr++] = index_of(sim, page) + 1;
		count_alloc(sim);
	}
}

static void probe_wanted(struct sim *sim, struct wanted *wanted)
{
	uint32_t slot = sim->op->slot;
	struct pb_page *page = wanted->over ? NULL : alloc_checked(sim);

	set_slot(sim, slot, page);
	wanted->over = true;
	if (!page)
		return;
	count_alloc(sim);
	ask_on(sim, wanted, &plan_of(sim)->sessions[wanted - sim->wanted]);
}

static void model_give_back(struct sim *sim)
{
	const struct pbr_session *session = &plan_of(sim)->sessions[sim->op->slot];
	struct wanted *wanted = &sim->wanted[sim->op->slot];

	if (sim->slots[session->probe])
		release(sim, session->probe);
	while (wanted->nr) {
		struct pb_page *page = sim->pool.pages + wanted->more[--wanted->nr] - 1;

		disown(sim, page, session->order);
		pb_free_pages(&sim->pool.pool, page, session->order);
	}
}

/* ---------------------------------------------------- pass 2: compaction moves */

/* True in `part` of `all` cases. */
static bool by_chance(struct sim *sim, uint64_t part, uint64_t all)
{
	sim->luck = sim->luck * 1664525u + 1013904223u;
	return part && (sim->luck >> 8) % all < part;
}

/* As often as it did when it was recorded. A kind that didn't run then is free to. */
static bool may_compact(void *ctx, bool background)
{
	struct sim *sim = ctx;
	const struct pbr_plan *plan = plan_of(sim);

	if (background)
		sim->may_move = by_chance(sim, plan->made_ready, plan->sleeps ? plan->sleeps : 1);
	else
		sim->may_move = !plan->compacted ||
				by_chance(sim, plan->compacted_well, plan->compacted);
	return sim->may_move;
}

/* Compaction wanted to move a page, and it stayed where it was. */
static bool stays(struct sim *sim)
{
	const struct pbr_plan *plan = plan_of(sim);

	return !sim->may_move ||
	       by_chance(sim, plan->pages_stayed, plan->pages_moved + plan->pages_stayed);
}

/* The library's hook. Who holds a page that never gets freed need not hear of it. */
static bool move(void *ctx, struct pb_page *from, struct pb_page *to, unsigned int order)
{
	struct sim *sim = ctx;
	uint32_t at = index_of(sim, from), slot = sim->slot_at[at];
	bool has_slot = slot && sim->slots[slot - 1] == at + 1;
	uint32_t owner = sim->owner[at];

	if ((!has_slot && owner != BEFORE) || stays(sim))
		return false;
	if (has_slot)
		set_slot(sim, slot - 1, to);
	disown(sim, from, order);
	own(sim, to, order, owner);
	sim->run->moved += UINT64_C(1) << order;
	return true;
}

static void model_alloc(struct sim *sim)
{
	uint32_t slot = sim->op->slot;
	struct wanted *wanted = wanted_of(sim, slot);

	if (wanted) {
		set_slot(sim, slot, NULL);
		if (!wanted->over)
			do_alloc_checked(sim);
		wanted->over = !sim->slots[slot];
		return;
	}

	if (is_left_out(sim)) {
		model_pieces(sim);
		return;
	}
	if (whole_of(sim, slot) != UINT32_MAX)
		return;
	do_alloc_checked(sim);
	if (plan_of(sim)->by_reclaim[slot] == PBR_SLAB && sim->slots[slot])
		pbr_reclaim_add(&sim->reclaim, slot);
}

static void model_free(struct sim *sim)
{
	uint32_t slot = sim->op->slot, whole = whole_of(sim, slot);

	if (has_pieces(sim)) {
		take_pieces(sim, UINT32_MAX);
	} else if (sim->slots[slot]) {
		pbr_reclaim_drop(&sim->reclaim, slot);
		do_free_checked(sim);
		set_slot(sim, slot, NULL);
	} else if (whole != UINT32_MAX) {
		release(sim, whole);
	}
}

/* A huge page that could be had stays until what stands for it is freed. */
static void model_probe(struct sim *sim)
{
	struct wanted *wanted = wanted_of(sim, sim->op->slot);
	struct pb_page *page;

	if (wanted) {
		probe_wanted(sim, wanted);
		return;
	}
	page = is_left_out(sim) ? NULL : alloc_checked(sim);
	set_slot(sim, sim->op->slot, page);
	if (page && plan_of(sim)->by_reclaim[sim->op->slot] != PBR_HAS_PARTS)
		release(sim, sim->op->slot);
}

/* Used again: young; and if it was reclaimed here, though not in the recording, read again. */
static void model_used(struct sim *sim)
{
	uint32_t slot = sim->op->slot;

	if (!sim->slots[slot]) {
		struct pb_page *page = pb_alloc_pages(&sim->pool.pool,
						      PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN,
						      plan_of(sim)->slot_order[slot]);

		if (!page)
			return;
		set_slot(sim, slot, page);
		own(sim, page, plan_of(sim)->slot_order[slot], sim->event + 1);
	}
	pbr_reclaim_add(&sim->reclaim, slot);
}

static void model_marks(struct sim *sim)
{
	int64_t kbytes = pbr_min_free_here(sim->input, sim->run, sim->op->slot);

	/* what rises on the way rises because huge pages are switched on */
	if (sim->settings->no_thp)
		return;
	if (sim->settings->min_free_kbytes > kbytes)
		kbytes = sim->settings->min_free_kbytes;
	pb_set_min_free_kbytes(&sim->pool.pool, (int32_t)kbytes);
}

/* True: that was it. */
static bool do_op_of_model(struct sim *sim)
{
	const struct pbr_op *op = sim->op;

	if (op->kind == PBR_OP_ALLOC)
		model_alloc(sim);
	else if (op->kind == PBR_OP_FREE)
		model_free(sim);
	else if (op->kind == PBR_OP_PROBE)
		model_probe(sim);
	else if (op->kind == PBR_OP_CACHE && sim->slots[op->slot])
		pbr_reclaim_add(&sim->reclaim, op->slot);
	else if (op->kind == PBR_OP_USED)
		model_used(sim);
	else if (op->kind == PBR_OP_SAME && sim->slots[op->slot])
		pbr_reclaim_drop(&sim->reclaim, op->slot), release(sim, op->slot);
	else if (op->kind == PBR_OP_MARKS)
		model_marks(sim);
	else if (op->kind == PBR_OP_GIVE_BACK)
		model_give_back(sim);
	else if (op->kind == PBR_OP_SPLIT && has_pieces(sim))
		take_pieces(sim, op[1].slot);
	else
		return op->kind >= PBR_OP_CACHE; /* what was reclaimed stays until its turn */
	return true;
}

static int begin_model(struct sim *sim, char *error, size_t size)
{
	const struct pbr_plan *plan = plan_of(sim);

	if (pbr_reclaim_init(&sim->reclaim, plan, &sim->pool, sim->slots, sim->settings->seed & 1))
		return pbr_error(error, size, "no memory for the model of reclaim");
	if (sim->settings->no_thp && plan->nr_wholes) {
		sim->pieces = calloc((size_t)plan->nr_slots + 1, sizeof(*sim->pieces));
		if (!sim->pieces)
			return pbr_error(error, size, "no memory for the base pages");
	}
	sim->wanted = calloc((size_t)plan->nr_sessions + 1, sizeof(*sim->wanted));
	if (!sim->wanted)
		return pbr_error(error, size, "no memory for the requests never made");
	if (plan->has_compaction) {
		sim->pool.move = move;
		sim->pool.try_compact = may_compact;
		sim->pool.move_ctx = sim;
	}
	sim->luck = sim->settings->seed + 1;
	sim->reclaim.release = release;
	sim->reclaim.ctx = sim;
	sim->reclaim.random = sim->settings->seed;
	sim->random = sim->settings->seed;
	for (uint64_t i = 0; i < plan->nr_before; i++)
		if (plan->before[i].slot != UINT32_MAX && sim->slots[plan->before[i].slot] &&
		    plan->by_reclaim[plan->before[i].slot] == PBR_SLAB)
			pbr_reclaim_add(&sim->reclaim, plan->before[i].slot);
	sim->pool.reclaim = &sim->reclaim;
	return 0;
}

static void do_op_checked(struct sim *sim)
{
	struct pb_page *page;

	if (sim->pool.reclaim && do_op_of_model(sim))
		return;
	switch (sim->op->kind) {
	case PBR_OP_ALLOC:
		do_alloc_checked(sim);
		break;
	case PBR_OP_FREE:
		do_free_checked(sim);
		break;
	case PBR_OP_PROBE:
		page = alloc_checked(sim);
		if (page) {
			disown(sim, page, sim->op->order);
			pb_free_pages(&sim->pool.pool, page, sim->op->order);
		}
		break;
	default:
		do_op(sim, sim->op);
	}
}

static void on_trace(void *ctx, const struct pb_trace_event *step)
{
	struct sim *sim = ctx;
	struct pbr_mark mark;

	if (step->type != PB_TRACE_STEAL || !sim->op || !is_told(sim))
		return;
	mark = (struct pbr_mark){
		.time = event_now(sim)->time,
		.pfn = step->pfn,
		.gfp = sim->gfp[sim->op->gfp],
		.task = event_now(sim)->task,
		.order = (uint8_t)step->value,
		.kind = step->flag ? PBR_MARK_FALLBACK_CLAIM : PBR_MARK_FALLBACK,
		.migratetype = step->migratetype,
		.from_type = step->other_type,
		.from_order = step->order,
	};
	sim->run->fallbacks++;
	sim->run->fallback_claims += step->flag != 0;
	pbr_run_mark(sim->run, &mark);
}

/* -------------------------------------------------------- pass 2: collecting */

static struct pbr_zone_sample *sample_of(struct sim *sim, struct pbr_sample *sample,
					 const struct pb_zone_stat *stat)
{
	for (unsigned int z = 0; z < sim->run->nr_zones; z++)
		if (sim->run->zones[z].node == stat->node &&
		    (int)sim->run->zones[z].type == stat->zone)
			return &sample->zones[z];
	return NULL;
}

static void take_sample(struct sim *sim, uint32_t i, uint64_t event)
{
	struct pbr_sample *sample = &sim->run->samples[i];
	struct pb_zone_stat stat;

	sample->event = event;
	for (unsigned int n = 0; !pb_zone_stats(&sim->pool.pool, n, &stat); n++) {
		struct pbr_zone_sample *zone = sample_of(sim, sample, &stat);

		if (!zone)
			continue;
		zone->free = stat.free > 0 ? (uint64_t)stat.free : 0;
		zone->pcp = stat.pcp > 0 ? (uint64_t)stat.pcp : 0;
		zone->boost = stat.boost;
		memcpy(zone->blocks, stat.nr_free, sizeof(zone->blocks));
		pbr_sample_indices(zone, sim->run->max_order);
	}
}

/* Frames of one pageblock by what holds them, gathered by pb_walk(). */
struct tally {
	uint32_t free, movable, unmovable, reserved;
	uint32_t task, frames; /* the owner that a majority vote is leading with */
};

struct walk {
	const struct sim *sim;
	struct tally *tally; /* [pageblocks] */
	uint8_t *type;
};

/* Boyer and Moore: whoever holds more than half survives. */
static void vote(struct tally *tally, uint32_t task, uint32_t frames)
{
	if (tally->task == task) {
		tally->frames += frames;
	} else if (tally->frames >= frames) {
		tally->frames -= frames;
	} else {
		tally->task = task;
		tally->frames = frames - tally->frames;
	}
}

static uint32_t owner_task(const struct sim *sim, uint64_t pfn)
{
	const struct pb_page *page = pb_pfn_to_page(&sim->pool.pool, pfn);
	uint32_t owner = page ? sim->owner[index_of(sim, page)] : 0, task;

	if (!owner || owner == BEFORE)
		return PBR_NO_TASK;
	task = sim->input->events[owner - 1].task;
	return task == PBR_NO_TASK ? task : sim->input->tasks[task].name;
}

/* The part of a block that lies in one pageblock. */
static void tally_part(struct walk *walk, const struct pb_block *block, uint32_t pageblock,
		       uint32_t frames)
{
	struct tally *tally = &walk->tally[pageblock];

	walk->type[pageblock] = block->pageblock_type;
	if (block->state == PB_BLOCK_FREE)
		tally->free += frames;
	else if (block->state == PB_BLOCK_RESERVED)
		tally->reserved += frames;
	else if (block->state == PB_BLOCK_ALLOCATED) {
		*(block->movable ? &tally->movable : &tally->unmovable) += frames;
		vote(tally, owner_task(walk->sim, block->pfn), frames);
	}
}

static int tally_block(void *ctx, const struct pb_block *block)
{
	struct walk *walk = ctx;
	unsigned int order = walk->sim->run->pageblock_order;
	uint32_t frame = pbr_frame(&walk->sim->geo, block->pfn);
	uint64_t left = UINT64_C(1) << block->order;

	while (frame != PBR_NO_FRAME && left) {
		uint32_t room = (1u << order) - (frame & ((1u << order) - 1));
		uint32_t part = left < room ? (uint32_t)left : room;

		if (frame >= walk->sim->geo.nr_frames)
			break;
		tally_part(walk, block, frame >> order, part);
		frame += part;
		left -= part;
	}
	return 0;
}

static int walk_pool(struct sim *sim, struct walk *walk)
{
	uint32_t nr = sim->run->nr_pageblocks;

	*walk = (struct walk){ .sim = sim,
			       .tally = calloc(nr + 1, sizeof(*walk->tally)),
			       .type = calloc(nr + 1, 1) };
	if (!walk->tally || !walk->type) {
		free(walk->tally);
		free(walk->type);
		return -1;
	}
	for (uint32_t i = 0; i < nr; i++)
		walk->tally[i].task = PBR_NO_TASK;
	pb_walk(&sim->pool.pool, tally_block, walk);
	return 0;
}

static void take_map(struct sim *sim, uint32_t map)
{
	uint32_t size = 1u << sim->run->pageblock_order;
	struct walk walk;

	if (walk_pool(sim, &walk))
		return;
	for (uint32_t i = 0; i < sim->run->nr_pageblocks; i++) {
		const struct tally *tally = &walk.tally[i];
		struct pbr_map_cell *cell = &sim->run->maps[map].cells[i];

		cell->migratetype = walk.type[i];
		cell->used = pbr_share(size - tally->free, size);
		cell->unmovable = pbr_share(tally->unmovable, size);
		cell->reserved = pbr_share(tally->reserved, size);
		cell->owner = tally->task;
	}
	free(walk.tally);
	free(walk.type);
}

static uint64_t count_mixed(struct sim *sim)
{
	struct walk walk;
	uint64_t mixed = 0;

	if (walk_pool(sim, &walk))
		return 0;
	for (uint32_t i = 0; i < sim->run->nr_pageblocks; i++)
		mixed += walk.tally[i].movable && walk.tally[i].unmovable;
	free(walk.tally);
	free(walk.type);
	return mixed;
}

static void collect_until(struct sim *sim, uint64_t time, uint64_t event)
{
	struct pbr_run *run = sim->run;

	while (pbr_sample_due(run, sim->sample, time))
		take_sample(sim, sim->sample++, event);
	while (pbr_map_due(run, sim->map, time))
		take_map(sim, sim->map++);
}

static void collect_end(struct sim *sim)
{
	while (sim->sample < sim->run->nr_samples)
		take_sample(sim, sim->sample++, sim->input->nr_events);
	while (sim->map < sim->run->nr_maps)
		take_map(sim, sim->map++);
	sim->run->mixed_pageblocks = count_mixed(sim);
}

static void play_one(struct sim *sim, const struct pbr_op *op, uint32_t event)
{
	sim->op = op;
	sim->event = event;
	collect_until(sim, event_now(sim)->time, sim->event);
	pb_user_set_cpu((int)cpu_of(sim, sim->event));
	if (sim->pool.reclaim)
		pbr_reclaim_until(&sim->reclaim, event_now(sim)->time);
	do_op_checked(sim);
	if (sim->pool.woken)
		reclaim_goes_on(sim);
}

static bool may_swap(unsigned int kind)
{
	return kind == PBR_OP_ALLOC || kind == PBR_OP_FREE || kind == PBR_OP_PROBE ||
	       kind == PBR_OP_CACHE || kind == PBR_OP_RECLAIMED;
}

/* Two CPUs at the same microsecond: nobody knows which was first. */
static bool swap(struct sim *sim, const struct pbr_op *op, uint32_t event)
{
	uint32_t next = event + events_passed(&op[1]);
	const struct pbr_event *events = sim->input->events;

	if (!may_swap(op[0].kind) || !may_swap(op[1].kind) || op[0].slot == op[1].slot ||
	    events[event].time != events[next].time || events[event].cpu == events[next].cpu)
		return false;
	sim->random = sim->random * 1664525u + 1013904223u;
	return sim->random >> 31;
}

static void play_checked(struct sim *sim)
{
	const struct pbr_plan *plan = pbr_priv(sim->input)->plan;
	const struct pbr_collect *collect = sim->collect;
	uint32_t event = 0;

	sim->event = 0;
	collect_until(sim, sim->input->start_time, 0);
	for (uint64_t i = 0; i < plan->nr_ops; i++) {
		const struct pbr_op *op = &plan->ops[i];

		event += events_passed(op);
		if (sim->random && i + 1 < plan->nr_ops && swap(sim, op, event)) {
			uint32_t next = event + events_passed(&op[1]);

			play_one(sim, &op[1], next);
			play_one(sim, op, event);
			event = next;
			i++;
		} else {
			play_one(sim, op, event);
		}
		if (collect->progress && i % 65536 == 0)
			collect->progress(collect->progress_ctx, sim->run->name,
					  (double)i / (double)plan->nr_ops);
	}
	pb_user_set_cpu(-1);
	sim->op = NULL;
	collect_end(sim);
}

/* -------------------------------------------------------------------- whole */

static void placed(void *ctx, const struct pbr_before *before, struct pb_page *page,
		   unsigned int order)
{
	struct sim *sim = ctx;

	if (before->slot != UINT32_MAX)
		set_slot(sim, before->slot, page);
	if (sim->owner)
		own(sim, page, order, BEFORE);
}

static int begin(struct sim *sim, char *error, size_t size)
{
	const struct pbr_plan *plan = pbr_priv(sim->input)->plan;

	sim->gfp = plan->gfp;
	sim->slots = calloc((size_t)plan->nr_slots + 1, sizeof(*sim->slots));
	if (!sim->slots)
		return pbr_error(error, size, "no memory for %u pages in use", plan->nr_slots);
	if (pbr_pool_make(&sim->pool, sim->input, sim->settings, sim->run, error, size))
		return -1;
	if (sim->collect->verify) {
		sim->owner = calloc(sim->pool.info.frames + 1, sizeof(*sim->owner));
		if (plan->has_compaction)
			sim->slot_at = calloc(sim->pool.info.frames + 1, sizeof(*sim->slot_at));
		if (!sim->owner || (plan->has_compaction && !sim->slot_at))
			return pbr_error(error, size, "no memory for the ownership table");
	}
	pbr_pool_fill(&sim->pool, sim->input, placed, sim);
	return 0;
}

static void finish(struct sim *sim)
{
	sim->pool.reclaim = NULL;
	pbr_reclaim_clear(&sim->reclaim);
	pbr_pool_release(&sim->pool);
	for (uint32_t i = 0; sim->pieces && i < plan_of(sim)->nr_slots; i++)
		free(sim->pieces[i]);
	free(sim->pieces);
	sim->pieces = NULL;
	for (uint32_t i = 0; sim->wanted && i < plan_of(sim)->nr_sessions; i++)
		free(sim->wanted[i].more);
	free(sim->wanted);
	sim->wanted = NULL;
	free(sim->slot_at);
	sim->slot_at = NULL;
	free(sim->slots);
	free(sim->owner);
	sim->slots = NULL;
	sim->owner = NULL;
}

static int timed_pass(struct sim *sim, char *error, size_t size)
{
	struct pbr_collect none = { 0 };
	const struct pbr_collect *collect = sim->collect;
	int status;

	sim->collect = &none;
	sim->pool.trace = NULL;
	status = begin(sim, error, size);
	if (!status)
		play_timed(sim);
	finish(sim);
	sim->collect = collect;
	return status;
}

static char *buddyinfo(struct pb_pool *pool)
{
	size_t length = pb_buddyinfo(pool, NULL, 0);
	char *text = malloc(length + 1);

	if (text)
		pb_buddyinfo(pool, text, length + 1);
	return text;
}

static int checked_pass(struct sim *sim, char *error, size_t size)
{
	struct pb_error why;
	int status;

	sim->pool.trace = on_trace;
	sim->pool.trace_ctx = sim;
	status = begin(sim, error, size);
	if (!status && plan_of(sim)->has_reclaim)
		status = begin_model(sim, error, size);
	if (!status) {
		play_checked(sim);
		sim->run->modelled_reclaim = plan_of(sim)->has_reclaim;
		sim->run->reclaimed = sim->reclaim.by_kswapd + sim->reclaim.by_tasks;
		sim->run->buddyinfo = buddyinfo(&sim->pool.pool);
		sim->run->misuses = sim->pool.misuses;
		if (pb_validate(&sim->pool.pool, &why))
			status = pbr_error(error, size, "the library's state is corrupt: %s",
					   why.text);
		else if (sim->pool.misuses)
			status = pbr_error(error, size, "the library refused %llu calls: %s",
					   (unsigned long long)sim->pool.misuses,
					   sim->pool.first_misuse);
	}
	finish(sim);
	return status;
}

static int simulate(struct sim *sim, char *error, size_t size)
{
	struct pbr_run *run = sim->run;

	if (pbr_zones(sim->input, sim->settings, run, error, size))
		return -1;
	if (!pbr_geometry_init(&sim->geo, run->zones, run->nr_zones, run->max_order))
		return pbr_error(error, size, "the machine has more than 16 TB");
	if (pbr_run_prepare(run, sim->input, sim->collect, &sim->geo))
		return pbr_error(error, size, "no memory for the results");
	run->unknown_frees = sim->input->problems.unknown_frees;
	if (!sim->settings->seed && timed_pass(sim, error, size))
		return -1;
	return checked_pass(sim, error, size);
}

int pbr_simulate(const struct pbr_input *input, const struct pbr_settings *settings,
		 const struct pbr_collect *collect, struct pbr_run *run, char *error, size_t size)
{
	struct pbr_collect verified = *collect;
	struct sim sim = { .input = input, .settings = settings, .collect = &verified, .run = run };
	double start = pbr_seconds();
	int status;

	verified.verify = true;
	*run = (struct pbr_run){ .simulated = true };
	snprintf(run->name, sizeof(run->name), "%s", settings->name);
	status = simulate(&sim, error, size);
	if (collect->progress)
		collect->progress(collect->progress_ctx, "", 1.0);
	run->seconds = pbr_seconds() - start;
	run->settings = pbr_settings_json(settings);
	if (status)
		pbr_run_clear(run);
	return status;
}
