// SPDX-License-Identifier: MIT
/*
 * Would order N have succeeded at that moment, and by which rule not?
 *
 * The zones are asked in the order that the kernel asks them (spec 5.1), each by the
 * rules of trace/rules at the min watermark, which is what is left when background
 * reclaim did not help. The request's answer is that of the largest zone, as it is
 * of a kernel's log, in the same words.
 *
 * Boosts of the watermark and the size of the highatomic reserve are not in a
 * trace, and the kernel's own free counter lags. If kernel/pbwatch recorded what
 * it was at a failure, that is what is asked. If not, a recorded failure that the
 * numbers do not show is put down to these if they can have been large enough;
 * where two of them can, both are named.
 */

#include <stdarg.h>
#include <string.h>

#include "../rules/words.h"
#include "../rules/zones.h"
#include "internal.h"
#include "trace.h"

struct asker {
	const struct pbr_world *world;
	struct pbr_explain *explain;
	uint64_t event;       /* a recorded failure, or UINT64_MAX */
	unsigned int highest; /* enum pb_zone_type that the flags allow at most */
	unsigned int class;   /* whose entry of lowmem_reserve is against it */
	struct pb_rule_request request;
	const struct pb_zone_state *seen[PBR_MAX_ZONES]; /* by zone of the machine; NULL: not */
};

/* ------------------------------------------------------------------ request */

static const uint8_t letters[PB_MIGRATE_TYPES] = {
	[PB_MIGRATE_UNMOVABLE] = PB_LETTER_U,   [PB_MIGRATE_MOVABLE] = PB_LETTER_M,
	[PB_MIGRATE_RECLAIMABLE] = PB_LETTER_E, [PB_MIGRATE_HIGHATOMIC] = PB_LETTER_H,
	[PB_MIGRATE_CMA] = PB_LETTER_C,         [PB_MIGRATE_ISOLATE] = PB_LETTER_I,
};

/* The zone as the rules want it: its lists, and the pages kept in them. */
static void take_stock(const struct asker *asker, unsigned int z, struct pb_rule_zone *zone)
{
	const struct pbr_world *world = asker->world;
	const struct pbr_zone *from = &world->input->machine.zones[z];

	*zone = (struct pb_rule_zone){ .free = world->free[z] > 0 ? (int64_t)world->free[z] : 0,
				       .min = (int64_t)from->watermark[PB_WMARK_MIN],
				       .reserve = (int64_t)from->lowmem_reserve[asker->class],
				       .managed = (int64_t)from->managed,
				       .has_lists = true,
				       .has_letters = true,
				       .nr_orders = world->max_order + 1 };
	for (uint32_t i = world->geo->zone[z].first; i < world->geo->zone[z].last; i++) {
		unsigned int type = world->block_type[i >> world->pageblock_order];
		unsigned int order = world->head[i];

		if (order >= PB_RULE_ORDERS)
			continue;
		zone->blocks[order]++;
		/* a pageblock of which nothing has told the type is an ordinary one */
		zone->letters[order] |= type < PB_MIGRATE_TYPES ? letters[type] : PB_LETTER_M;
		if (type == PB_MIGRATE_HIGHATOMIC)
			zone->free_highatomic += 1 << order;
		else if (type == PB_MIGRATE_CMA)
			zone->free_cma += 1 << order;
	}
	/* a trace tells what is free in the reserve, not how large it is */
	zone->reserved_highatomic = zone->free_highatomic;
}

/* ------------------------------------------------- what the kernel itself saw */

/* pbwatch numbers zones as a 64-bit kernel does: movable comes behind normal. */
static unsigned int seen_zone(const struct asker *asker, const struct pb_zone_state *state)
{
	const struct pbr_machine *machine = &asker->world->input->machine;
	enum pb_zone_type type = state->zone <= PB_ZONE_NORMAL ? (enum pb_zone_type)state->zone
							       : PB_ZONE_MOVABLE;
	unsigned int z = 0;

	while (z < machine->nr_zones &&
	       (machine->zones[z].node != state->node || machine->zones[z].type != type))
		z++;
	return z;
}

/* The states stand in front of the request's event, on its CPU, with nothing of it between.
   An emulated CPU may stand still in between. */
#define SEEN_BEFORE 20000000 /* ns */

static void find_seen(struct asker *asker)
{
	const struct pbr_input *input = asker->world->input;
	const struct pbr_event *events = input->events, *asked;

	if (asker->event == UINT64_MAX || !input->nr_states)
		return;
	asked = &events[asker->event];
	for (uint64_t i = asker->event; i-- > 0 && asked->time - events[i].time < SEEN_BEFORE;) {
		const struct pb_zone_state *state;
		unsigned int z;

		if (events[i].cpu != asked->cpu)
			continue;
		if (events[i].kind != PBR_ZONE_STATE || events[i].task != asked->task)
			break;
		state = &input->states[events[i].gfp];
		z = seen_zone(asker, state);
		if (!state->failed || events[i].order != asked->order ||
		    z == input->machine.nr_zones || asker->seen[z])
			break;
		asker->seen[z] = state;
	}
}

/* Blocks as the list heads told: which orders, not how many. */
static void seen_lists(const struct pb_zone_state *state, struct pb_rule_zone *zone)
{
	zone->has_lists = zone->has_letters = true;
	zone->nr_orders = 16;
	for (unsigned int o = 0; o < zone->nr_orders; o++) {
		for (unsigned int t = 0; t < PB_ZONE_TYPES; t++)
			if (state->lists[t] >> o & 1)
				zone->letters[o] |= t == PB_MIGRATE_CMA && !state->cma
							    ? PB_LETTER_I /* a kernel without CMA */
							    : letters[t];
		zone->blocks[o] = zone->letters[o] != 0;
	}
}

/* Pages to be moved to make one block: the cheapest place without anything unmovable. */
static uint64_t compact_pages(const struct pbr_world *world, unsigned int z, unsigned int order)
{
	uint64_t best = UINT64_MAX;
	uint32_t size = 1u << order, last = world->geo->zone[z].last;

	for (uint32_t first = world->geo->zone[z].first; first + size <= last; first += size) {
		uint64_t pages = 0;

		for (uint32_t i = first; i < first + size && pages != UINT64_MAX; i++) {
			if (world->state[i] == PBR_USED || world->state[i] == PBR_HOLE)
				pages = UINT64_MAX;
			else
				pages += world->state[i] == PBR_USED_LRU;
		}
		if (pages < best)
			best = pages;
	}
	return best;
}

/* ----------------------------------------------------------------- sentence */

static void add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

/* What the rebuilt state knows beyond the numbers that decide. */
static void say_compaction(const struct pbr_verdict *verdict, unsigned int order, char *text,
			   size_t size)
{
	add(text, size, " Its fragmentation index is %.3f.", verdict->now.extfrag[order] / 1000.0);
	if (verdict->compact_pages == UINT64_MAX)
		add(text, size,
		    " Compaction can't help: every place for such a block holds something "
		    "unmovable.");
	else
		add(text, size, " Compaction could make one by moving %llu page%s.",
		    (unsigned long long)verdict->compact_pages,
		    verdict->compact_pages == 1 ? "" : "s");
}

static void say(const struct asker *asker, const struct pb_rule_zone *zone,
		const struct pb_rule_result *result, const struct pb_zone_state *seen,
		struct pbr_verdict *verdict)
{
	const size_t size = sizeof(verdict->text);

	pb_rule_reason(&asker->request, zone, result, verdict->reason, sizeof(verdict->reason));
	add(verdict->text, size, "%s.", verdict->reason);
	if (verdict->rule == PB_SAYS_FRAGMENTED)
		say_compaction(verdict, asker->explain->order, verdict->text, size);
	if (seen)
		add(verdict->text, size,
		    " The kernel's own numbers: counter %lld (%+d to come from the CPUs), min %u, "
		    "boost %u, highatomic %u.",
		    (long long)seen->free, seen->lag, seen->min, seen->boost, seen->highatomic);
}

static void take_seen(struct pbr_verdict *verdict, const struct pb_zone_state *state,
		      struct pb_rule_zone *zone)
{
	*zone = (struct pb_rule_zone){ .free = state->free,
				       .min = (int64_t)state->min + state->boost,
				       .boost = state->boost,
				       .reserve = state->reserve,
				       .free_cma = state->cma,
				       .reserved_highatomic = state->highatomic,
				       .managed = (int64_t)verdict->zone.managed };
	seen_lists(state, zone);
	verdict->seen = true;
	verdict->now.free = state->free > 0 ? (uint64_t)state->free : 0;
	verdict->now.boost = state->boost;
	verdict->boost = state->boost;
}

/* -------------------------------------------------------- recorded failures */

/* The most that fallbacks of the last seconds can have boosted it by (spec 7.2). */
static uint64_t possible_boost(const struct asker *asker, unsigned int z, uint64_t *since)
{
	const struct pbr_input *input = asker->world->input;
	const struct pbr_zone *zone = &input->machine.zones[z];
	uint64_t size = UINT64_C(1) << input->machine.pageblock_order;
	uint64_t most = zone->watermark[PB_WMARK_HIGH] * 15000 / 10000;

	for (uint64_t i = asker->event; 4 * size <= zone->managed && i-- > 0;) {
		const struct pbr_event *event = &input->events[i];

		*since = asker->explain->time - event->time;
		if (*since > UINT64_C(10000000000))
			break;
		if (event->kind == PBR_EXTFRAG &&
		    event->from_order < input->machine.pageblock_order &&
		    pbr_frame_zone(asker->world->geo, pbr_frame(asker->world->geo, event->pfn)) ==
			    z)
			return most > size ? most : size;
	}
	return 0;
}

static unsigned int fls(uint64_t value)
{
	return value ? 64 - (unsigned int)__builtin_clzll(value) : 0;
}

/* Spec 13.1: how far NR_FREE_PAGES can be off, all CPUs together. */
static uint64_t counter_lag(const struct pbr_machine *machine, const struct pbr_zone *zone)
{
	uint64_t threshold = UINT64_C(2) * fls(machine->nr_cpus) * (1 + fls(zone->managed >> 15));

	return machine->nr_cpus * (threshold < 125 ? threshold : 125);
}

/* Spec 7.1: the most that atomic requests can have had reserved. It counts whole
   pageblocks, whether or not anything in them is free. */
static uint64_t possible_highatomic(const struct asker *asker, unsigned int z)
{
	uint64_t size = UINT64_C(1) << asker->world->input->machine.pageblock_order;
	uint64_t limit = asker->world->input->machine.zones[z].managed / 100 + size;

	return pb_rule_may_use_reserve(&asker->request) ? 0 : (limit + size - 1) / size * size;
}

/* Neither can be told from the other: it says so. */
static void say_two(struct pbr_verdict *verdict, int64_t over, uint64_t boost, uint64_t reserve)
{
	verdict->rule = PB_SAYS_WATERMARK;
	verdict->other = PB_SAYS_HIGHATOMIC;
	snprintf(verdict->reason, sizeof(verdict->reason),
		 "%llu pages are free, %lld more than the limit. Two things that the trace does "
		 "not tell of can have stood against it: a boost of the watermark (up to %llu "
		 "pages) and a highatomic reserve (up to %llu). Recorded with pbwatch, it could "
		 "be told",
		 (unsigned long long)verdict->now.free, (long long)over, (unsigned long long)boost,
		 (unsigned long long)reserve);
}

/* More is free than any of these explains: it came free after the last attempt, or the
   block that was there had an owner then. */
static void say_passed(struct pbr_verdict *verdict, unsigned int order)
{
	verdict->rule = PB_SAYS_WATERMARK;
	verdict->other = order ? PB_SAYS_FRAGMENTED : PB_SAYS_HIGHATOMIC;
	snprintf(verdict->reason, sizeof(verdict->reason),
		 "%llu pages are free when the failure is told, which is after the last attempt: "
		 "then %s",
		 (unsigned long long)verdict->now.free,
		 order ? "either fewer were free, or no block of the order"
		       : "fewer were free, or more of them reserved");
}

/* The numbers say yes, the kernel said no. */
static void doubt(const struct asker *asker, unsigned int z, struct pbr_verdict *verdict)
{
	const struct pbr_machine *machine = &asker->world->input->machine;
	int64_t over = verdict->usable - verdict->mark - verdict->reserve;
	uint64_t since = 0, boost = possible_boost(asker, z, &since);
	uint64_t lag = counter_lag(machine, &machine->zones[z]);

	if (verdict->seen || over > (int64_t)(boost + lag + possible_highatomic(asker, z))) {
		say_passed(verdict, asker->explain->order);
		return;
	}
	if (over > (int64_t)(boost + lag)) {
		say_two(verdict, over, boost, possible_highatomic(asker, z));
		return;
	}
	verdict->rule = PB_SAYS_WATERMARK;
	if (boost)
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%llu pages are free, %lld more than the limit without boost; but a "
			 "fallback %.3f s before boosted the watermark, by up to %llu pages",
			 (unsigned long long)verdict->now.free, (long long)over,
			 (double)since * 1e-9, (unsigned long long)boost);
	else
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%llu pages are free, only %lld more than the limit; the counter that the "
			 "kernel goes by may lag by %llu pages",
			 (unsigned long long)verdict->now.free, (long long)over,
			 (unsigned long long)lag);
}

/* -------------------------------------------------------------------- zones */

static void take_result(const struct pb_rule_result *result, struct pbr_verdict *verdict)
{
	verdict->mark = result->mark;
	verdict->reserve = result->reserve;
	verdict->highatomic = result->highatomic;
	verdict->usable = result->usable;
	verdict->greatest_order = result->usable_order;
	verdict->rule = result->word;
	verdict->other = PB_SAYS_NONE;
}

static void ask_zone(const struct asker *asker, unsigned int z)
{
	const struct pbr_world *world = asker->world;
	const struct pb_zone_state *seen = asker->seen[z];
	struct pbr_explain *explain = asker->explain;
	struct pbr_verdict *verdict = &explain->verdicts[explain->nr_verdicts++];
	struct pb_rule_result result;
	struct pb_rule_zone zone;

	*verdict = (struct pbr_verdict){ .zone = world->input->machine.zones[z] };
	verdict->now.free = world->free[z] > 0 ? (uint64_t)world->free[z] : 0;
	verdict->now.pcp = world->pcp[z] > 0 ? (uint64_t)world->pcp[z] : 0;
	memcpy(verdict->now.blocks, world->blocks[z], sizeof(verdict->now.blocks));
	pbr_sample_indices(&verdict->now, world->max_order);
	if (seen)
		take_seen(verdict, seen, &zone);
	else
		take_stock(asker, z, &zone);
	pb_rule_judge(&asker->request, &zone, &result);
	take_result(&result, verdict);
	if (seen && seen->task & PB_ZONE_TASK_CPUSET)
		verdict->rule = PB_SAYS_NO_ZONE;
	verdict->compact_pages = verdict->rule == PB_SAYS_FRAGMENTED
					 ? compact_pages(world, z, explain->order)
					 : UINT64_MAX;
	say(asker, &zone, &result, seen, verdict);
	if (verdict->rule == PB_SAYS_WOULD_SUCCEED && asker->event != UINT64_MAX) {
		doubt(asker, z, verdict);
		verdict->text[0] = '\0';
		add(verdict->text, sizeof(verdict->text), "%s.", verdict->reason);
	}
	explain->succeeds |= verdict->rule == PB_SAYS_WOULD_SUCCEED;
}

/*
 * Whose word is the request's: as of a log, the zone with the most managed pages,
 * of those that would serve it if there are any. A zone in doubt goes before
 * others: nothing that is known stood against it.
 */
static int decisive(const struct pbr_explain *explain)
{
	int best = -1, best_rank = -1;

	for (unsigned int i = 0; i < explain->nr_verdicts; i++) {
		const struct pbr_verdict *verdict = &explain->verdicts[i];
		int rank = verdict->rule == PB_SAYS_WOULD_SUCCEED ? 3
			   : verdict->other != PB_SAYS_NONE       ? 2
			   : verdict->rule != PB_SAYS_NO_ZONE     ? 1
								  : 0;

		if (rank < best_rank ||
		    (rank == best_rank &&
		     verdict->zone.managed <= explain->verdicts[best].zone.managed))
			continue;
		best = (int)i;
		best_rank = rank;
	}
	return best;
}

static void conclude(struct pbr_explain *explain)
{
	explain->decides = decisive(explain);
	explain->rule = PB_SAYS_NO_ZONE;
	explain->seen = explain->nr_verdicts != 0;
	for (unsigned int i = 0; i < explain->nr_verdicts; i++)
		explain->seen &= explain->verdicts[i].seen;
	if (explain->decides < 0)
		return;
	explain->rule = explain->verdicts[explain->decides].rule;
	explain->other = explain->verdicts[explain->decides].other;
}

/* A node's zones from the highest down; the request's node first. */
static void ask_zones(const struct asker *asker)
{
	const struct pbr_machine *machine = &asker->world->input->machine;

	for (unsigned int node = 0; node < PB_MAX_NODES; node++)
		for (unsigned int z = machine->nr_zones; z-- > 0;)
			if (machine->zones[z].node == (int)node &&
			    machine->zones[z].type <= asker->highest && machine->zones[z].managed)
				ask_zone(asker, z);
	conclude(asker->explain);
}

static void go_to(struct pbr_world *world, uint64_t at, uint64_t event)
{
	uint64_t i = 0;

	if (event == UINT64_MAX)
		pbr_world_run(world, at);
	else
		while (i < event && i < world->input->nr_events)
			pbr_world_apply(world, (uint32_t)i++);
}

/* --kernel, or as recorded. Where the kernel is not named, the rules of the one that gfp flags are read as. */
static uint32_t release_of(const struct pbr_input *input)
{
	uint32_t release = input->release ? input->release : pb_release_parse(input->kernel);

	return release ? release : PB_RELEASE(6, 1, 0);
}

/* A machine that nobody described is a PC. */
static unsigned int highest_type(const struct pbr_machine *machine, uint32_t gfp)
{
	unsigned int types = machine->configured;

	if (!types)
		types = 1u << PB_ZONE_NORMAL | 1u << PB_ZONE_MOVABLE;
	for (unsigned int z = 0; z < machine->nr_zones; z++)
		types |= 1u << machine->zones[z].type;
	if (!machine->configured)
		types |= 1u << PB_ZONE_DMA | 1u << PB_ZONE_DMA32;
	return (unsigned int)pb_rule_highest_type(gfp, types);
}

static unsigned int class_of(const struct asker *asker)
{
	const struct pbr_machine *machine = &asker->world->input->machine;
	unsigned int populated = 0;
	int class;

	for (unsigned int z = 0; z < machine->nr_zones; z++)
		if (machine->zones[z].type <= asker->highest && machine->zones[z].managed)
			populated |= 1u << machine->zones[z].type;
	class = pb_rule_class(asker->request.release, (int)asker->highest, populated);
	return class < 0 ? asker->highest : (unsigned int)class;
}

/* The answer in a sentence, by the words that all verbs use. */
static void tell(const struct pbr_world *world, uint64_t event, struct pbr_explain *explain)
{
	const struct pbr_input *input = world->input;
	const uint64_t page = input->page_size ? input->page_size : 4096;
	char gfp[512], request[600], when[40];
	struct pb_rule_told told = { .pid = -1,
				     .request = request,
				     .when = when,
				     .word = explain->rule,
				     .other = explain->other };

	pb_gfp_name(explain->gfp, gfp, sizeof(gfp));
	pb_rule_request_text((int64_t)(page << explain->order >> 10), (int)explain->order, gfp,
			     request, sizeof(request));
	snprintf(when, sizeof(when), "%+.6f s",
		 ((double)explain->time - (double)input->start_time) * 1e-9);
	if (event != UINT64_MAX) {
		uint32_t task = input->events[event].task;

		told.comm = task == PBR_NO_TASK ? "" : input->tasks[task].comm;
		told.pid = task == PBR_NO_TASK ? -1 : input->tasks[task].pid;
	}
	if (explain->decides >= 0) {
		const struct pbr_verdict *verdict = &explain->verdicts[explain->decides];

		told.node = verdict->zone.node;
		told.zone = pb_zone_name(verdict->zone.type);
		told.reason = verdict->reason;
		for (unsigned int i = 0; i < explain->nr_verdicts; i++)
			if ((int)i != explain->decides)
				pb_rule_add_other(&told, explain->verdicts[i].zone.node,
						  pb_zone_name(explain->verdicts[i].zone.type),
						  explain->verdicts[i].rule);
	} else if (explain->rule == PB_SAYS_UNKNOWN) {
		told.reason = "the trace has no snapshot of the start, so how much was free is not "
			      "known";
	}
	pb_rule_sentence(&told, explain->sentence, sizeof(explain->sentence));
	add(explain->sentence, sizeof(explain->sentence), ".");
}

static void ask(const struct pbr_world *world, uint64_t event, struct pbr_explain *explain)
{
	struct asker asker = { .world = world,
			       .explain = explain,
			       .event = event,
			       .highest = highest_type(&world->input->machine, explain->gfp),
			       .request = { explain->order, explain->gfp,
					    release_of(world->input) } };

	asker.class = class_of(&asker);
	explain->decides = -1;
	explain->other = PB_SAYS_NONE;
	explain->migratetype = (enum pb_migratetype)(
		(explain->gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE)) >> 3);
	find_seen(&asker);
	/* Events tell what changed. Without a start nobody knows from what. */
	if (pbr_start_known(world->input))
		ask_zones(&asker);
	else
		explain->rule = PB_SAYS_UNKNOWN;
	tell(world, event, explain);
}

int pbr_explain(const struct pbr_input *input, uint64_t at, uint64_t event, unsigned int order,
		uint32_t gfp, struct pbr_explain *explain, char *error, size_t size)
{
	struct pbr_world world;

	*explain = (struct pbr_explain){ .time = at, .order = order, .gfp = gfp };
	if (order > input->machine.max_order)
		return pbr_error(error, size,
				 "order %u: expected 0 to %u, the largest block of this "
				 "machine",
				 order, input->machine.max_order);
	if (pbr_world_init(&world, input))
		return pbr_error(error, size, "no memory to follow the trace");
	go_to(&world, at, event);
	ask(&world, event, explain);
	pbr_world_clear(&world);
	return 0;
}

int pbr_explain_failures(const struct pbr_input *input, const struct pbr_filter *filter,
			 uint32_t most,
			 void (*answer)(void *ctx, const struct pbr_event *event,
					const struct pbr_explain *explain),
			 void *ctx)
{
	struct pbr_world world;
	uint32_t nr = 0;

	if (pbr_world_init(&world, input))
		return -1;
	for (uint32_t i = 0; i < input->nr_events && nr < most; i++) {
		const struct pbr_event *event = &input->events[i];

		if (event->kind == PBR_ALLOC && event->pfn == PBR_NO_PFN &&
		    pbr_wanted(filter, event)) {
			struct pbr_explain explain = { .time = event->time,
						       .order = event->order,
						       .gfp = event->gfp };

			ask(&world, i, &explain);
			answer(ctx, event, &explain);
			nr++;
		}
		pbr_world_apply(&world, i);
	}
	pbr_world_clear(&world);
	return 0;
}
