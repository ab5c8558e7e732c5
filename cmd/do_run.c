// SPDX-License-Identifier: MIT
/* The language of `case --do`: actions to calls of the library. Freestanding. */
#include "do.h"

pb_gfp_t do_gfp(const struct do_action *action)
{
	static const pb_gfp_t zones[] = {
		[PB_ZONE_DMA] = PB_GFP_DMA,
		[PB_ZONE_DMA32] = PB_GFP_DMA32,
		[PB_ZONE_NORMAL] = 0,
		[PB_ZONE_HIGHMEM] = PB_GFP_HIGHMEM,
		[PB_ZONE_MOVABLE] = PB_GFP_HIGHMEM,
	};
	static const pb_gfp_t types[] = { 0, PB_GFP_MOVABLE, PB_GFP_RECLAIMABLE };
	static const pb_gfp_t usual[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE,
					  PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	pb_gfp_t gfp = usual[action->type];

	if (action->atomic || action->nowait)
		gfp = types[action->type] | (action->atomic ? PB_GFP_ATOMIC : PB_GFP_NOWAIT);
	/* Only HIGHMEM and MOVABLE together reach zone Movable (spec 4.3). */
	if (action->zone >= 0)
		gfp = (gfp & ~PB_GFP_HIGHMEM) | zones[action->zone];
	return gfp;
}

/* ----------------------------------------------------------------- handing out */

static enum do_outcome allocate(struct do_machine *machine, uint32_t action, unsigned int order,
				struct do_result *result)
{
	struct do_block *block = &machine->block[machine->nr];
	struct pb_page *page;

	if (machine->nr == machine->room)
		return DO_NO_ROOM;
	page = pb_alloc_pages_nodemask(machine->pool, result->gfp, order, 0, NULL, &result->why);
	if (!page)
		return DO_FAILED;
	*block = (struct do_block){ .page = page,
				    .pfn = pb_page_to_pfn(machine->pool, page),
				    .action = action,
				    .number = (uint32_t)++result->nr,
				    .order = (uint8_t)order,
				    .held = true };
	machine->nr++;
	result->pages += (uint64_t)1 << order;
	return DO_DONE;
}

static void perform_alloc(struct do_machine *machine, uint32_t i, struct do_result *result)
{
	const struct do_action *action = &machine->actions[i];

	result->gfp = do_gfp(action);
	for (uint64_t n = 0; n < action->count && result->outcome == DO_DONE; n++)
		result->outcome = allocate(machine, i, action->order, result);
}

/* --------------------------------------------------------------------- giving back */

static bool owned_again(const struct do_machine *machine, size_t i)
{
	for (size_t j = 0; j < machine->nr; j++)
		if (machine->block[j].held && machine->block[j].page == machine->block[i].page)
			return true;
	return false;
}

static void give_back(struct do_machine *machine, size_t i, struct do_result *result)
{
	struct do_block *block = &machine->block[i];

	if (machine->freeing)
		machine->freeing(machine->ctx, i);
	if (pb_free_pages(machine->pool, block->page, block->order)) {
		result->outcome = DO_REFUSED;
		return;
	}
	block->held = false;
	result->first = i;
	result->nr++;
	result->pages += (uint64_t)1 << block->order;
}

/* One block was meant, and it was freed before: what does the library say? */
static void give_back_again(struct do_machine *machine, size_t i, struct do_result *result)
{
	result->first = i;
	if (owned_again(machine, i))
		result->outcome = DO_REUSED;
	else
		give_back(machine, i, result);
}

static bool is_meant(const struct do_action *action, const struct do_block *block)
{
	if (action->which == DO_ALL)
		return block->held;
	if (action->which == DO_PFN)
		return block->held && block->pfn == action->first;
	if (block->action != action->target)
		return false;
	if (action->which == DO_RANGE)
		return block->number >= action->first && block->number <= action->last;
	return action->which == DO_NAMED || block->number % action->first == 0;
}

/* Every block that has an owner is in the list, and none starts there: the library
   says what does. */
static void free_foreign(struct do_machine *machine, uint64_t pfn, struct do_result *result)
{
	struct pb_page *page = pb_pfn_to_page(machine->pool, pfn);

	result->outcome = DO_NO_FRAME;
	if (page)
		result->outcome = pb_free_pages(machine->pool, page, 0) ? DO_REFUSED : DO_DONE;
}

static void perform_free(struct do_machine *machine, uint32_t i, struct do_result *result)
{
	const struct do_action *action = &machine->actions[i];
	size_t meant = 0, only = 0;

	for (size_t j = 0; j < machine->nr; j++) {
		if (!is_meant(action, &machine->block[j]))
			continue;
		meant++;
		only = j;
		if (machine->block[j].held)
			give_back(machine, j, result);
	}
	if (result->nr || result->outcome != DO_DONE)
		return;
	if (action->which == DO_PFN)
		free_foreign(machine, action->first, result);
	else if (meant == 1)
		give_back_again(machine, only, result);
	else
		result->outcome = DO_NOTHING_LEFT;
}

/* ---------------------------------------------------------------------------- fill */

static uint32_t random_next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static unsigned int random_order(uint32_t r, const struct do_action *action)
{
	unsigned int order = action->low;

	for (; order < action->high && !(r & 1); r >>= 1)
		order++;
	return order;
}

static enum pb_migratetype random_type(uint32_t r, const uint8_t *mix)
{
	unsigned int eighth = r >> 28 & 7;

	if (eighth < mix[PB_MIGRATE_UNMOVABLE])
		return PB_MIGRATE_UNMOVABLE;
	if (eighth < mix[PB_MIGRATE_UNMOVABLE] + mix[PB_MIGRATE_RECLAIMABLE])
		return PB_MIGRATE_RECLAIMABLE;
	return PB_MIGRATE_MOVABLE;
}

static uint64_t used_pages(struct pb_pool *pool, uint64_t *managed)
{
	struct pb_pool_stat stat;

	pb_stats(pool, &stat);
	*managed = stat.managed;
	return stat.managed - (uint64_t)stat.free - (uint64_t)stat.pcp;
}

/* Random requests until `peak` pages are in use; returns how many are. */
static uint64_t fill_up(struct do_machine *machine, uint32_t i, uint64_t peak, uint32_t *x,
			struct do_result *result)
{
	struct do_action action = machine->actions[i];
	uint64_t managed, used = used_pages(machine->pool, &managed);

	action.zone = -1;
	while (used + result->pages < peak && result->outcome == DO_DONE) {
		uint32_t r = random_next(x);

		action.type = random_type(r, action.mix);
		result->gfp = do_gfp(&action);
		result->outcome = allocate(machine, i, random_order(r, &action), result);
	}
	return used + result->pages;
}

/* Random frees of the blocks from `first` on, until `goal` pages are in use. */
static void thin_out(struct do_machine *machine, size_t first, uint64_t used, uint64_t goal,
		     uint32_t *x)
{
	while (machine->nr > first && used > goal) {
		size_t victim = first + random_next(x) % (machine->nr - first);
		struct do_block *block = &machine->block[victim];

		used -= (uint64_t)1 << block->order;
		pb_free_pages(machine->pool, block->page, block->order);
		*block = machine->block[--machine->nr];
	}
}

/* Up to half way between the goal and full; then down, at random. */
static void perform_fill(struct do_machine *machine, uint32_t i, struct do_result *result)
{
	const struct do_action *action = &machine->actions[i];
	uint32_t x = action->seed ? action->seed : 1;
	size_t first = machine->nr;
	uint64_t managed, used, goal;

	used_pages(machine->pool, &managed);
	goal = managed * action->percent / 100;
	used = fill_up(machine, i, managed * (100 + action->percent) / 200, &x, result);
	/* A request that fails is the end of this half, not a failure. */
	if (result->outcome != DO_NO_ROOM || used >= goal)
		result->outcome = DO_DONE;
	result->why = PB_REASON_NONE;
	thin_out(machine, first, used, goal, &x);
	result->first = first;
	result->nr = machine->nr - first;
	result->pages = 0;
	for (size_t j = first; j < machine->nr; j++) {
		machine->block[j].number = (uint32_t)(j - first + 1);
		result->pages += (uint64_t)1 << machine->block[j].order;
	}
}

/* -------------------------------------------------------------------------- others */

static void perform_set(struct do_machine *machine, uint32_t i, struct do_result *result)
{
	const struct do_action *action = &machine->actions[i];

	switch (action->setting) {
	case DO_MIN_FREE_KBYTES:
		result->code = pb_set_min_free_kbytes(machine->pool, (int32_t)action->count);
		break;
	case DO_BOOST_FACTOR:
		result->code = pb_set_watermark_boost_factor(machine->pool,
							     (uint32_t)action->count);
		break;
	case DO_SCALE_FACTOR:
		result->code = pb_set_watermark_scale_factor(machine->pool,
							     (uint32_t)action->count);
		break;
	}
	if (result->code)
		result->outcome = DO_REFUSED_SETTING;
}

struct do_result do_perform(struct do_machine *machine, size_t i)
{
	const struct do_action *action = &machine->actions[i];
	struct do_result result = { .outcome = DO_DONE, .first = machine->nr };

	switch (action->kind) {
	case DO_ALLOC:
		perform_alloc(machine, (uint32_t)i, &result);
		break;
	case DO_FREE:
		perform_free(machine, (uint32_t)i, &result);
		break;
	case DO_FILL:
		perform_fill(machine, (uint32_t)i, &result);
		break;
	case DO_CPU:
		if (machine->set_cpu(machine->ctx, (unsigned int)action->count))
			result.outcome = DO_NO_CPU;
		break;
	case DO_DRAIN:
		pb_drain(machine->pool, -1);
		break;
	case DO_COMPACT:
		result.code = machine->compact(machine->ctx, (unsigned int)action->count);
		result.outcome = result.code ? DO_FAILED : DO_DONE;
		break;
	case DO_SET:
		perform_set(machine, (uint32_t)i, &result);
		break;
	}
	return result;
}

void do_moved(struct do_machine *machine, const struct pb_page *from, struct pb_page *to)
{
	for (size_t i = 0; i < machine->nr; i++) {
		struct do_block *block = &machine->block[i];

		if (!block->held || block->page != from)
			continue;
		block->page = to;
		block->pfn = pb_page_to_pfn(machine->pool, to);
		return;
	}
}
