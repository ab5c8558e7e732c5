// SPDX-License-Identifier: MIT
/*
 * Would order N have succeeded at that moment, and by which rule not?
 *
 * The zones are asked in the order that the kernel asks them (spec 5.1), each by the
 * rules of trace/rules at the min watermark, which is what is left when background
 * reclaim did not help. Of the zones' answers the one nearest to success is the
 * request's: a zone with enough memory in too small pieces says more than one that
 * is full.
 *
 * Boosts of the watermark and the size of the highatomic reserve are not in a
 * trace, and the kernel's own free counter lags. If kernel/pbwatch recorded what
 * it was at a failure, that is what is asked. If not, a recorded failure that the
 * numbers do not show is put down to these if they can have been large enough;
 * where two of them can, both are named.
 */

#include <string.h>

#include "../rules/rules.h"
#include "internal.h"
#include "trace.h"

static const char *const rule_names[PBR_NR_RULES] = {
	[PBR_RULE_NONE] = "succeeds",
	[PBR_RULE_ZONE] = "zone",
	[PBR_RULE_OUT_OF_MEMORY] = "out of memory",
	[PBR_RULE_WATERMARK] = "watermark",
	[PBR_RULE_RESERVE] = "reserve",
	[PBR_RULE_FRAGMENTATION] = "fragmentation",
	[PBR_RULE_MIGRATETYPE] = "migratetype",
	[PBR_RULE_UNKNOWN] = "not known",
};

const char *pbr_rule_name(enum pbr_rule rule)
{
	return (unsigned int)rule < PBR_NR_RULES ? rule_names[rule] : "?";
}

struct asker {
	const struct pbr_world *world;
	struct pbr_explain *explain;
	uint64_t event;       /* a recorded failure, or UINT64_MAX */
	unsigned int highest; /* enum pb_zone_type that the flags allow at most */
	struct pb_rule_request request;
	const struct pb_zone_state *seen[PBR_MAX_ZONES]; /* by zone of the machine; NULL: not */
};

/* ------------------------------------------------------------------ request */

static unsigned int highest_zone(uint32_t gfp)
{
	switch (gfp & (PB_GFP_DMA | PB_GFP_HIGHMEM | PB_GFP_DMA32 | PB_GFP_MOVABLE)) {
	case PB_GFP_DMA:
	case PB_GFP_DMA | PB_GFP_MOVABLE:
		return PB_ZONE_DMA;
	case PB_GFP_DMA32:
	case PB_GFP_DMA32 | PB_GFP_MOVABLE:
		return PB_ZONE_DMA32;
	case PB_GFP_HIGHMEM:
		return PB_ZONE_HIGHMEM;
	case PB_GFP_HIGHMEM | PB_GFP_MOVABLE:
		return PB_ZONE_MOVABLE;
	default:
		return PB_ZONE_NORMAL;
	}
}

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
				       .reserve = (int64_t)from->lowmem_reserve[asker->highest],
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

/* The states stand in front of the request's event, on its CPU, with nothing of it between. */
static void find_seen(struct asker *asker)
{
	const struct pbr_input *input = asker->world->input;
	const struct pbr_event *events = input->events, *asked;

	if (asker->event == UINT64_MAX || !input->nr_states)
		return;
	asked = &events[asker->event];
	for (uint64_t i = asker->event; i-- > 0 && asked->time - events[i].time < 1000000;) {
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

/* --------------------------------------------------------------------- rule */

static enum pbr_rule rule_of(const struct pb_rule_result *result)
{
	static const enum pbr_rule rules[] = {
		[PB_STEP_SERVED] = PBR_RULE_NONE,        [PB_STEP_MEMORY] = PBR_RULE_OUT_OF_MEMORY,
		[PB_STEP_HIGHATOMIC] = PBR_RULE_RESERVE, [PB_STEP_RESERVE] = PBR_RULE_RESERVE,
		[PB_STEP_PAGES] = PBR_RULE_WATERMARK,    [PB_STEP_PIECES] = PBR_RULE_FRAGMENTATION,
		[PB_STEP_TYPE] = PBR_RULE_MIGRATETYPE,
	};

	return rules[pb_rule_step(result)];
}

/* ----------------------------------------------------------------- sentence */

static void say_fragmented(const struct pbr_verdict *verdict, unsigned int order, char *text,
			   size_t size)
{
	int n = snprintf(text, size,
			 "%llu pages are free, %lld more than the limit, but the largest free "
			 "block is of order %d, not %u (fragmentation index %.3f). ",
			 (unsigned long long)verdict->now.free,
			 (long long)(verdict->usable - verdict->mark - verdict->reserve),
			 verdict->greatest_order, order, verdict->now.extfrag[order] / 1000.0);

	if (n < 0 || (size_t)n >= size)
		return;
	if (verdict->compact_pages == UINT64_MAX)
		snprintf(text + n, size - (size_t)n,
			 "Compaction can't help: every place for such a "
			 "block holds something unmovable.");
	else
		snprintf(text + n, size - (size_t)n,
			 "Compaction could make one by moving %llu "
			 "pages.",
			 (unsigned long long)verdict->compact_pages);
}

static void say_watermark(const struct pbr_verdict *verdict, unsigned int order, char *text,
			  size_t size)
{
	snprintf(text, size,
		 "One page could be had, %llu can't: after them %lld usable pages would be left, "
		 "and more than %lld are required (min %lld + reserve %lld). The largest free "
		 "block is of order %d.",
		 1ULL << order, (long long)verdict->usable,
		 (long long)(verdict->mark + verdict->reserve), (long long)verdict->mark,
		 (long long)verdict->reserve, verdict->greatest_order);
}

static void say_reserve(const struct pbr_verdict *verdict, char *text, size_t size)
{
	if (verdict->highatomic > verdict->reserve)
		snprintf(text, size,
			 "%llu pages are free, but %lld of them are reserved for atomic requests "
			 "of high order (highatomic), and %lld must stay free (min).",
			 (unsigned long long)verdict->now.free, (long long)verdict->highatomic,
			 (long long)verdict->mark);
	else
		snprintf(text, size,
			 "%llu pages are free, but %lld are kept for requests that can "
			 "use no higher zone (lowmem_reserve), besides %lld (min).",
			 (unsigned long long)verdict->now.free, (long long)verdict->reserve,
			 (long long)verdict->mark);
}

static void say(const struct pbr_explain *explain, struct pbr_verdict *verdict)
{
	char *text = verdict->text;
	size_t size = sizeof(verdict->text);

	switch (verdict->rule) {
	case PBR_RULE_WATERMARK:
		if (verdict->boost)
			snprintf(text, size,
				 "%llu pages are free; after the request %lld usable ones would be "
				 "left, and more than %lld are required (min with its boost of "
				 "%lld: %lld, reserve %lld).",
				 (unsigned long long)verdict->now.free, (long long)verdict->usable,
				 (long long)(verdict->mark + verdict->reserve),
				 (long long)verdict->boost, (long long)verdict->mark,
				 (long long)verdict->reserve);
		else
			say_watermark(verdict, explain->order, text, size);
		break;
	case PBR_RULE_NONE:
		snprintf(text, size,
			 "Yes: %llu pages are free, %lld more than the limit of %lld "
			 "after the request, and there is a free block of order %d.",
			 (unsigned long long)verdict->now.free,
			 (long long)(verdict->usable - verdict->mark - verdict->reserve),
			 (long long)(verdict->mark + verdict->reserve), verdict->greatest_order);
		break;
	case PBR_RULE_OUT_OF_MEMORY:
		snprintf(text, size,
			 "%llu pages are free, but %lld must stay free (min): not "
			 "even one page may be taken.",
			 (unsigned long long)verdict->now.free, (long long)verdict->mark);
		break;
	case PBR_RULE_RESERVE:
		say_reserve(verdict, text, size);
		break;
	case PBR_RULE_FRAGMENTATION:
		say_fragmented(verdict, explain->order, text, size);
		break;
	case PBR_RULE_MIGRATETYPE:
		snprintf(text, size,
			 "Blocks of order %u are free, but only in pageblocks that this "
			 "request may not use (highatomic, CMA or isolated); the largest it may "
			 "use is of order %d.",
			 explain->order, verdict->greatest_order);
		break;
	default:
		break;
	}
}

static void say_seen(const struct pbr_explain *explain, struct pbr_verdict *verdict,
		     const struct pb_zone_state *state)
{
	char text[sizeof(verdict->text)];

	say(explain, verdict);
	memcpy(text, verdict->text, sizeof(text));
	snprintf(verdict->text, sizeof(verdict->text),
		 "%.360s The kernel's own numbers: counter %lld (%+d to come from the CPUs), min "
		 "%u, boost %u, highatomic %u.",
		 text, (long long)state->free, state->lag, state->min, state->boost,
		 state->highatomic);
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

static void judge_seen(const struct asker *asker, struct pbr_verdict *verdict,
		       const struct pb_zone_state *state, const struct pb_rule_result *result)
{
	/* without the boost it would have passed */
	if (state->boost && result->usable <= result->mark + result->reserve &&
	    result->usable > pb_rule_mark(&asker->request, state->min, 0) + result->reserve)
		verdict->rule = PBR_RULE_WATERMARK;
	if (state->task & PB_ZONE_TASK_CPUSET)
		verdict->rule = PBR_RULE_ZONE;
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

	return pb_rule_harder(&asker->request) ? 0 : (limit + size - 1) / size * size;
}

/* Neither can be told from the other: it says so. */
static void say_two(struct pbr_verdict *verdict, int64_t over, uint64_t boost, uint64_t reserve)
{
	verdict->rule = PBR_RULE_WATERMARK;
	verdict->other = PBR_RULE_RESERVE;
	snprintf(verdict->text, sizeof(verdict->text),
		 "%llu pages are free, %lld more than the limit. Two things that the trace does "
		 "not tell of can have stood against it: a boost of the watermark (up to %llu "
		 "pages) and a highatomic reserve (up to %llu). Recorded with pbwatch, it could "
		 "be told.",
		 (unsigned long long)verdict->now.free, (long long)over, (unsigned long long)boost,
		 (unsigned long long)reserve);
}

/* More is free than any of these explains: it came free after the last attempt, or the
   block that was there had an owner then. */
static void say_passed(struct pbr_verdict *verdict, unsigned int order)
{
	verdict->rule = PBR_RULE_WATERMARK;
	verdict->other = order ? PBR_RULE_FRAGMENTATION : PBR_RULE_RESERVE;
	snprintf(verdict->text, sizeof(verdict->text),
		 "%llu pages are free when the failure is told, which is after the last attempt: "
		 "then %s.",
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
	verdict->rule = PBR_RULE_WATERMARK;
	if (boost)
		snprintf(verdict->text, sizeof(verdict->text),
			 "%llu pages are free, %lld more than the limit without boost; but a "
			 "fallback %.3f s before boosted the watermark, by up to %llu pages.",
			 (unsigned long long)verdict->now.free, (long long)over,
			 (double)since * 1e-9, (unsigned long long)boost);
	else
		snprintf(verdict->text, sizeof(verdict->text),
			 "%llu pages are free, only %lld more than the limit; the counter that the "
			 "kernel goes by may lag by %llu pages.",
			 (unsigned long long)verdict->now.free, (long long)over,
			 (unsigned long long)lag);
}

/* -------------------------------------------------------------------- zones */

static void ask_zone(const struct asker *asker, unsigned int z)
{
	const struct pbr_world *world = asker->world;
	struct pbr_explain *explain = asker->explain;
	struct pbr_verdict *verdict = &explain->verdicts[explain->nr_verdicts++];
	struct pb_rule_result result;
	struct pb_rule_zone zone;

	*verdict = (struct pbr_verdict){ .zone = world->input->machine.zones[z] };
	verdict->now.free = world->free[z] > 0 ? (uint64_t)world->free[z] : 0;
	verdict->now.pcp = world->pcp[z] > 0 ? (uint64_t)world->pcp[z] : 0;
	memcpy(verdict->now.blocks, world->blocks[z], sizeof(verdict->now.blocks));
	pbr_sample_indices(&verdict->now, world->max_order);
	if (asker->seen[z])
		take_seen(verdict, asker->seen[z], &zone);
	else
		take_stock(asker, z, &zone);
	pb_rule_judge(&asker->request, &zone, &result);
	verdict->mark = result.mark;
	verdict->reserve = result.reserve;
	verdict->highatomic = result.highatomic;
	verdict->usable = result.usable;
	verdict->greatest_order = result.usable_order;
	verdict->rule = rule_of(&result);
	if (asker->seen[z])
		judge_seen(asker, verdict, asker->seen[z], &result);
	verdict->compact_pages = verdict->rule == PBR_RULE_FRAGMENTATION
					 ? compact_pages(world, z, explain->order)
					 : UINT64_MAX;
	if (asker->seen[z])
		say_seen(explain, verdict, asker->seen[z]);
	else
		say(explain, verdict);
	if (verdict->rule == PBR_RULE_NONE && asker->event != UINT64_MAX)
		doubt(asker, z, verdict);
	explain->succeeds |= verdict->rule == PBR_RULE_NONE;
}

/* Of equals, the one in doubt: nothing that is known stood against it. */
static void take_if_nearer(struct pbr_explain *explain, const struct pbr_verdict *verdict)
{
	static const int rank[PBR_NR_RULES] = {
		[PBR_RULE_ZONE] = 0,      [PBR_RULE_OUT_OF_MEMORY] = 1, [PBR_RULE_RESERVE] = 1,
		[PBR_RULE_WATERMARK] = 2, [PBR_RULE_FRAGMENTATION] = 3, [PBR_RULE_MIGRATETYPE] = 4,
	};
	int nearer = rank[verdict->rule] - rank[explain->rule];

	if (nearer < 0 || (!nearer && (explain->other || !verdict->other)))
		return;
	explain->rule = verdict->rule;
	explain->other = verdict->other;
}

/* The rule of the zone nearest to success; of equals, the first zone asked. */
static void take_nearest(struct pbr_explain *explain)
{
	explain->rule = PBR_RULE_ZONE;
	explain->seen = explain->nr_verdicts != 0;
	for (unsigned int i = 0; i < explain->nr_verdicts; i++) {
		explain->seen &= explain->verdicts[i].seen;
		take_if_nearer(explain, &explain->verdicts[i]);
	}
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
	take_nearest(asker->explain);
	if (asker->explain->succeeds)
		asker->explain->rule = PBR_RULE_NONE;
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

/* Where the kernel is not named, the rules of the one that gfp flags are read as. */
static uint32_t release_of(const struct pbr_input *input)
{
	uint32_t release = pb_release_parse(input->kernel);

	return release ? release : PB_RELEASE(6, 1, 0);
}

static void ask(const struct pbr_world *world, uint64_t event, struct pbr_explain *explain)
{
	struct asker asker = { .world = world,
			       .explain = explain,
			       .event = event,
			       .highest = highest_zone(explain->gfp),
			       .request = { explain->order, explain->gfp,
					    release_of(world->input) } };

	explain->migratetype = (enum pb_migratetype)(
		(explain->gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE)) >> 3);
	find_seen(&asker);
	/* Events tell what changed. Without a start nobody knows from what. */
	if (pbr_start_known(world->input))
		ask_zones(&asker);
	else
		explain->rule = PBR_RULE_UNKNOWN;
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
