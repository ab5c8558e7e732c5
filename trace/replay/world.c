// SPDX-License-Identifier: MIT
/*
 * The recorded kernel's frames, changed by each event.
 *
 *	           zone_locked            mm_page_alloc
 *	  free  ---------------->  pcp  ---------------->  used
 *	        <----------------       <----------------
 *	           pcpu_drain              mm_page_free
 *
 * Orders without per-CPU lists go between free and used at once. Free frames
 * are kept as buddy blocks: head[frame] is the order of the block that starts
 * there. An event that finds a frame in a state it can't have left from (an
 * event was lost, or compaction took the frame without one) puts it right.
 */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define NO_HEAD 255

/* ------------------------------------------------------------- buddy blocks */

static void add_block(struct pbr_world *world, unsigned int z, uint32_t frame, unsigned int order)
{
	world->head[frame] = (uint8_t)order;
	world->blocks[z][order]++;
}

static void drop_block(struct pbr_world *world, unsigned int z, uint32_t frame)
{
	world->blocks[z][world->head[frame]]--;
	world->head[frame] = NO_HEAD;
}

static void merge(struct pbr_world *world, unsigned int z, uint32_t frame, unsigned int order)
{
	while (order < world->max_order && world->head[frame ^ (1u << order)] == order) {
		drop_block(world, z, frame ^ (1u << order));
		frame &= ~(1u << order);
		order++;
	}
	add_block(world, z, frame, order);
}

/* Cut the block out of the free block around it; false: there is none. */
static bool cut(struct pbr_world *world, unsigned int z, uint32_t frame, unsigned int order)
{
	unsigned int o = order;
	uint32_t head;

	while (o <= world->max_order && world->head[frame & ~((1u << o) - 1)] != o)
		o++;
	if (o > world->max_order)
		return false;
	head = frame & ~((1u << o) - 1);
	drop_block(world, z, head);
	while (o > order) {
		o--;
		if (frame & (1u << o)) {
			add_block(world, z, head, o);
			head |= 1u << o;
		} else {
			add_block(world, z, head | (1u << o), o);
		}
	}
	return true;
}

/* ------------------------------------------------------------------- states */

static bool in_use(unsigned int state)
{
	return state == PBR_USED || state == PBR_USED_LRU;
}

/* The counters that go by state, one frame. */
static void count(struct pbr_world *world, unsigned int z, unsigned int state, int sign)
{
	if (state == PBR_IS_FREE)
		world->free[z] += sign;
	else if (state == PBR_PCP)
		world->pcp[z] += sign;
	else if (in_use(state))
		world->in_use += (uint64_t)(int64_t)sign;
}

static void set_states(struct pbr_world *world, unsigned int z, uint32_t frame, unsigned int order,
		       enum pbr_state state, uint32_t owner)
{
	for (uint32_t i = frame; i < frame + (1u << order); i++) {
		count(world, z, world->state[i], -1);
		count(world, z, state, 1);
		world->state[i] = (uint8_t)state;
		world->owner[i] = owner;
	}
	if (world->in_use > world->peak)
		world->peak = world->in_use;
}

static unsigned int free_frames(const struct pbr_world *world, uint32_t frame, unsigned int order)
{
	unsigned int n = 0;

	for (uint32_t i = frame; i < frame + (1u << order); i++)
		n += world->state[i] == PBR_IS_FREE;
	return n;
}

/* Whatever the frames were, they are not free now; returns how many had been. */
static unsigned int leave_buddy(struct pbr_world *world, uint32_t frame, unsigned int order,
				enum pbr_state state, uint32_t owner)
{
	unsigned int z = pbr_frame_zone(world->geo, frame);
	unsigned int n = free_frames(world, frame, order);

	if (n == 1u << order && cut(world, z, frame, order)) {
		set_states(world, z, frame, order, state, owner);
		return n;
	}
	for (uint32_t i = frame; n && i < frame + (1u << order); i++)
		if (world->state[i] == PBR_IS_FREE)
			cut(world, z, i, 0);
	set_states(world, z, frame, order, state, owner);
	return n;
}

static void enter_buddy(struct pbr_world *world, uint32_t frame, unsigned int order)
{
	unsigned int z = pbr_frame_zone(world->geo, frame);

	if (!free_frames(world, frame, order)) {
		set_states(world, z, frame, order, PBR_IS_FREE, PBR_OWNER_NONE);
		merge(world, z, frame, order);
		return;
	}
	for (uint32_t i = frame; i < frame + (1u << order); i++) {
		if (world->state[i] == PBR_IS_FREE)
			continue;
		set_states(world, z, i, 0, PBR_IS_FREE, PBR_OWNER_NONE);
		merge(world, z, i, 0);
	}
}

/* ------------------------------------------------------------------- events */

static void apply_alloc(struct pbr_world *world, uint32_t index, const struct pbr_event *event)
{
	uint32_t frame;

	if (event->pfn == PBR_NO_PFN) {
		world->failures += !world->untold;
		return;
	}
	frame = pbr_block(world->geo, event->pfn, event->order);
	if (frame == PBR_NO_FRAME)
		return;
	world->allocations += !world->untold;
	leave_buddy(world, frame, event->order,
		    event->gfp & PB_GFP_MOVABLE ? PBR_USED_LRU : PBR_USED, index + 1);
}

static void apply_free(struct pbr_world *world, const struct pbr_event *event)
{
	uint32_t frame = pbr_block(world->geo, event->pfn, event->order);

	if (frame == PBR_NO_FRAME)
		return;
	world->frees += !world->untold;
	if (world->owner[frame] == PBR_OWNER_NONE)
		world->unknown_frees += !world->untold;
	if (!world->untold)
		world->silent_takes += free_frames(world, frame, event->order);
	if (pbr_priv(world->input)->layout.pcp_orders[event->order])
		leave_buddy(world, frame, event->order, PBR_PCP, PBR_OWNER_NONE);
	else
		enter_buddy(world, frame, event->order);
}

/* A pageblock is claimed as a whole; a larger block carries all of its pageblocks. */
static void apply_extfrag(struct pbr_world *world, uint32_t index, const struct pbr_event *event)
{
	uint32_t frame = pbr_frame(world->geo, event->pfn), block, n = 1;

	world->fallbacks += !world->untold;
	world->claims += event->flag && !world->untold;
	if (frame == PBR_NO_FRAME)
		return;
	block = frame >> world->pageblock_order;
	if (event->from_order > world->pageblock_order)
		n = 1u << (event->from_order - world->pageblock_order);
	for (uint32_t i = block; i < block + n; i++) {
		if (i > (world->geo->nr_frames - 1) >> world->pageblock_order)
			break;
		world->fallback[i] = index + 1;
		if (event->flag && event->migratetype < PB_MIGRATE_TYPES)
			world->block_type[i] = event->migratetype;
		else if (world->block_type[i] == 255 && event->from_type < PB_MIGRATE_TYPES)
			world->block_type[i] = event->from_type;
	}
}

static void apply_list(struct pbr_world *world, const struct pbr_event *event)
{
	uint32_t frame = pbr_block(world->geo, event->pfn, event->order);

	if (frame == PBR_NO_FRAME)
		return;
	if (event->kind == PBR_ZONE_LOCKED) {
		leave_buddy(world, frame, event->order, PBR_PCP, PBR_OWNER_NONE);
		return;
	}
	enter_buddy(world, frame, event->order);
	/* Drained blocks are filed by the type of their pageblock. */
	if (event->migratetype < PB_MIGRATE_TYPES)
		world->block_type[frame >> world->pageblock_order] = event->migratetype;
}

/* Compaction takes free blocks to move pages into, without another event. */
void pbr_world_compact(struct pbr_world *world, const struct pbr_event *event,
		       void (*taken)(void *ctx, uint32_t frame), void *ctx)
{
	uint64_t end = event->pfn + pbr_compact_span(event);
	uint32_t left = pbr_compact_taken(event);

	for (uint64_t pfn = event->pfn; left && pfn < end; pfn++) {
		uint32_t frame = pbr_frame(world->geo, pfn);

		if (frame == PBR_NO_FRAME || world->state[frame] != PBR_IS_FREE)
			continue;
		if (taken)
			taken(ctx, frame);
		leave_buddy(world, frame, 0, PBR_USED_LRU, PBR_OWNER_NONE);
		left--;
	}
}

void pbr_world_apply(struct pbr_world *world, uint32_t index)
{
	const struct pbr_event *event = &world->input->events[index];

	if (event->order > world->max_order)
		return;
	if (event->kind == PBR_ALLOC)
		apply_alloc(world, index, event);
	else if (event->kind == PBR_EXTFRAG)
		apply_extfrag(world, index, event);
	else if (event->pfn == PBR_NO_PFN || !pbr_about_frames(event->kind))
		return;
	else if (event->kind == PBR_FREE)
		apply_free(world, event);
	else if (event->kind == PBR_ZONE_LOCKED || event->kind == PBR_PCPU_DRAIN)
		apply_list(world, event);
	else if (event->kind == PBR_COMPACT)
		pbr_world_compact(world, event, NULL, NULL);
}

uint32_t pbr_world_run(struct pbr_world *world, uint64_t at)
{
	uint32_t i = 0;

	while (i < world->input->nr_events && world->input->events[i].time <= at)
		pbr_world_apply(world, i++);
	return i;
}

/* ------------------------------------------------------------------- census */

#define CENSUS_TASKS 16

struct votes {
	uint32_t task[CENSUS_TASKS], frames[CENSUS_TASKS];
	unsigned int nr;
};

static void vote(struct votes *votes, uint32_t task)
{
	unsigned int i = 0;

	while (i < votes->nr && votes->task[i] != task)
		i++;
	if (i == CENSUS_TASKS)
		return; /* so many owners that none holds most of it */
	if (i == votes->nr) {
		votes->task[i] = task;
		votes->frames[i] = 0;
		votes->nr++;
	}
	votes->frames[i]++;
}

static uint32_t winner(const struct votes *votes)
{
	uint32_t best = PBR_NO_TASK, most = 0;

	for (unsigned int i = 0; i < votes->nr; i++) {
		if (votes->frames[i] > most) {
			most = votes->frames[i];
			best = votes->task[i];
		}
	}
	return best;
}

void pbr_world_census(const struct pbr_world *world, uint32_t pageblock, struct pbr_census *census)
{
	uint32_t first = pageblock << world->pageblock_order;
	const struct pbr_input *input = world->input;
	struct votes votes = { .nr = 0 };

	*census = (struct pbr_census){ 0 };
	for (uint32_t i = first; i < first + (1u << world->pageblock_order); i++) {
		uint8_t state = world->state[i];

		census->free += state == PBR_IS_FREE;
		census->pcp += state == PBR_PCP;
		census->movable += state == PBR_USED_LRU;
		census->unmovable += state == PBR_USED;
		census->hole += state == PBR_HOLE;
		if (in_use(state) && world->owner[i]) {
			uint32_t task = input->events[world->owner[i] - 1].task;

			if (task != PBR_NO_TASK)
				vote(&votes, input->tasks[task].name);
		}
	}
	census->owner = winner(&votes);
}

/* -------------------------------------------------------------------- whole */

static void start_state(struct pbr_world *world)
{
	const struct pbr_layout *layout = &pbr_priv(world->input)->layout;

	memset(world->head, NO_HEAD, world->geo->nr_frames);
	memcpy(world->state, layout->state, world->geo->nr_frames);
	memcpy(world->block_type, layout->block_type,
	       (world->geo->nr_frames >> world->pageblock_order) + 1);
	for (unsigned int z = 0; z < world->geo->nr_zones; z++) {
		for (uint32_t i = world->geo->zone[z].first; i < world->geo->zone[z].last; i++) {
			count(world, z, world->state[i], 1);
			if (world->state[i] == PBR_IS_FREE)
				merge(world, z, i, 0);
		}
	}
	world->peak = world->in_use;
}

int pbr_world_init(struct pbr_world *world, const struct pbr_input *input)
{
	const struct pbr_geometry *geo = &pbr_priv(input)->geo;
	size_t frames = geo->nr_frames, blocks = (frames >> input->machine.pageblock_order) + 1;

	*world = (struct pbr_world){ .input = input,
				     .geo = geo,
				     .max_order = input->machine.max_order,
				     .pageblock_order = input->machine.pageblock_order };
	world->state = malloc(frames + 1);
	world->head = malloc(frames + 1);
	world->owner = calloc(frames + 1, sizeof(*world->owner));
	world->block_type = malloc(blocks);
	world->fallback = calloc(blocks, sizeof(*world->fallback));
	if (!world->state || !world->head || !world->owner || !world->block_type ||
	    !world->fallback) {
		pbr_world_clear(world);
		return -1;
	}
	start_state(world);
	return 0;
}

void pbr_world_clear(struct pbr_world *world)
{
	free(world->state);
	free(world->head);
	free(world->owner);
	free(world->block_type);
	free(world->fallback);
	*world = (struct pbr_world){ 0 };
}
