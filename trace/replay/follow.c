// SPDX-License-Identifier: MIT
/* --follow: the recorded kernel's own state over time, held against its end snapshot. */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ------------------------------------------------------------------ samples */

static void take_sample(const struct pbr_world *world, struct pbr_run *run, uint32_t i,
			uint32_t event)
{
	struct pbr_sample *sample = &run->samples[i];

	sample->event = event;
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		struct pbr_zone_sample *zone = &sample->zones[z];

		zone->free = world->free[z] > 0 ? (uint64_t)world->free[z] : 0;
		zone->pcp = world->pcp[z] > 0 ? (uint64_t)world->pcp[z] : 0;
		zone->boost = run->zones[z].boost;
		memcpy(zone->blocks, world->blocks[z], sizeof(zone->blocks));
		pbr_sample_indices(zone, run->max_order);
	}
}

static void take_map(const struct pbr_world *world, struct pbr_run *run, uint32_t i)
{
	uint32_t size = 1u << run->pageblock_order;

	for (uint32_t b = 0; b < run->nr_pageblocks; b++) {
		struct pbr_map_cell *cell = &run->maps[i].cells[b];
		struct pbr_census census;

		pbr_world_census(world, b, &census);
		cell->migratetype = world->block_type[b];
		cell->used = pbr_share(size - census.free, size);
		cell->unmovable = pbr_share(census.unmovable, size);
		cell->reserved = pbr_share(census.hole, size);
		cell->owner = census.owner;
	}
}

static void mark_event(struct pbr_run *run, const struct pbr_event *event)
{
	struct pbr_mark mark = { .time = event->time,
				 .pfn = event->pfn,
				 .gfp = event->gfp,
				 .task = event->task,
				 .order = event->order,
				 .migratetype = event->migratetype };

	if (event->kind == PBR_EXTFRAG) {
		mark.kind = event->flag ? PBR_MARK_FALLBACK_CLAIM : PBR_MARK_FALLBACK;
		mark.from_type = event->from_type;
		mark.from_order = event->from_order;
	} else if (event->kind == PBR_ALLOC && event->pfn == PBR_NO_PFN) {
		mark.kind = PBR_MARK_FAILURE;
	} else {
		return;
	}
	pbr_run_mark(run, &mark);
}

static void count_event(struct pbr_run *run, const struct pbr_event *event)
{
	if (event->kind != PBR_ALLOC || event->order >= PBR_ORDERS)
		return;
	if (event->pfn == PBR_NO_PFN) {
		run->failures_by_order[event->order]++;
		return;
	}
	run->by_order[event->order]++;
	if (event->migratetype < PB_MIGRATE_TYPES)
		run->by_type[event->migratetype]++;
}

/* --------------------------------------------------------- the end snapshot */

/*
 * A snapshot has no single moment: its files are read one after the other while
 * the kernel goes on. Of the moments of that interval the one is compared whose
 * free pages, zone by zone, are nearest to the snapshot's, and of these the one
 * whose free blocks are; without an interval it is the end of the trace.
 */
struct nearest {
	uint64_t distance; /* pages, UINT64_MAX: none yet */
	uint64_t pieces;   /* blocks too many or too few, over all orders */
	uint64_t time, least, most;
	int64_t free[PBR_MAX_ZONES];
	uint64_t blocks[PBR_MAX_ZONES][PBR_ORDERS];
};

static uint64_t pieces_off(const struct pbr_world *world)
{
	uint64_t off = 0;

	for (unsigned int z = 0; z < world->geo->nr_zones; z++)
		for (unsigned int o = 0; o <= world->max_order; o++) {
			uint64_t a = world->blocks[z][o];
			uint64_t b = world->input->machine.zones[z].end_blocks[o];

			off += a < b ? b - a : a - b;
		}
	return off;
}

static void look_near(const struct pbr_world *world, struct nearest *nearest, uint64_t time)
{
	uint64_t distance = 0, free = 0, pieces;

	for (unsigned int z = 0; z < world->geo->nr_zones; z++) {
		int64_t off = world->free[z] - (int64_t)world->input->machine.zones[z].end_free;

		distance += (uint64_t)(off < 0 ? -off : off);
		free += (uint64_t)world->free[z];
	}
	if (nearest->distance == UINT64_MAX || free < nearest->least)
		nearest->least = free;
	if (free > nearest->most)
		nearest->most = free;
	if (distance > nearest->distance)
		return;
	pieces = pieces_off(world);
	if (distance == nearest->distance && pieces >= nearest->pieces)
		return;
	nearest->distance = distance;
	nearest->pieces = pieces;
	nearest->time = time;
	memcpy(nearest->free, world->free, sizeof(nearest->free));
	memcpy(nearest->blocks, world->blocks, sizeof(nearest->blocks));
}

static void compare(struct pbr_run *run, const struct nearest *nearest)
{
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		run->end_free_pages += (uint64_t)nearest->free[z];
		run->snapshot_free_pages += run->zones[z].end_free;
		for (unsigned int o = 0; o <= run->max_order; o++) {
			run->per_order_rebuilt[o] += (int64_t)nearest->blocks[z][o];
			run->per_order_snapshot[o] += (int64_t)run->zones[z].end_blocks[o];
		}
	}
	run->difference_percent =
		run->snapshot_free_pages
			? 100.0 * ((double)run->end_free_pages - (double)run->snapshot_free_pages) /
				  (double)run->snapshot_free_pages
			: 0.0;
	run->compared_at = nearest->time;
	run->interval_free_min = nearest->least;
	run->interval_free_max = nearest->most;
	run->has_diff = true;
}

/* -------------------------------------------------------------------- whole */

static void follow_events(struct pbr_world *world, const struct pbr_collect *collect,
			  struct pbr_run *run, struct nearest *nearest)
{
	const struct pbr_input *input = world->input;
	uint32_t sample = 0, map = 0;

	for (uint32_t i = 0; i < input->nr_events; i++) {
		const struct pbr_event *event = &input->events[i];

		while (pbr_sample_due(run, sample, event->time))
			take_sample(world, run, sample++, i);
		while (pbr_map_due(run, map, event->time))
			take_map(world, run, map++);
		world->untold = !pbr_wanted(collect->filter, event);
		if (!world->untold) {
			mark_event(run, event);
			count_event(run, event);
		}
		if (event->time >= input->snapshot_from && event->time <= input->snapshot_to)
			look_near(world, nearest, event->time);
		pbr_world_apply(world, i);
		if (collect->progress && i % 65536 == 0)
			collect->progress(collect->progress_ctx, "following the kernel",
					  (double)i / (double)input->nr_events);
	}
	while (sample < run->nr_samples)
		take_sample(world, run, sample++, (uint32_t)input->nr_events);
	while (map < run->nr_maps)
		take_map(world, run, map++);
	if (nearest->distance == UINT64_MAX || input->snapshot_to >= input->end_time)
		look_near(world, nearest, input->end_time);
}

static int print_buddyinfo(struct pbr_run *run)
{
	const struct pbr_sample *end = &run->samples[run->nr_samples - 1];
	size_t size = 0;
	FILE *out = open_memstream(&run->buddyinfo, &size);

	if (!out)
		return -1;
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		fprintf(out, "Node %d, zone %8s ", run->zones[z].node,
			pb_zone_name(run->zones[z].type));
		for (unsigned int o = 0; o <= run->max_order; o++)
			fprintf(out, "%6llu ", (unsigned long long)end->zones[z].blocks[o]);
		fputc('\n', out);
	}
	return fclose(out) ? -1 : 0;
}

/* Pageblocks with both movable and unmovable pages. */
static uint64_t count_mixed(const struct pbr_world *world, uint32_t nr_pageblocks)
{
	uint64_t mixed = 0;

	for (uint32_t b = 0; b < nr_pageblocks; b++) {
		struct pbr_census census;

		pbr_world_census(world, b, &census);
		mixed += census.movable && census.unmovable;
	}
	return mixed;
}

static int follow(struct pbr_world *world, const struct pbr_collect *collect, struct pbr_run *run)
{
	const struct pbr_input *input = world->input;
	struct nearest nearest = { .distance = UINT64_MAX };

	if (pbr_run_prepare(run, input, collect, world->geo))
		return -1;
	follow_events(world, collect, run, &nearest);
	run->allocations = world->allocations;
	run->frees = world->frees;
	run->failures = run->failures_recorded = world->failures;
	run->unknown_frees = world->unknown_frees;
	run->fallbacks = world->fallbacks;
	run->fallback_claims = world->claims;
	run->peak_pages = world->peak;
	run->silent_takes = world->silent_takes;
	run->mixed_pageblocks = count_mixed(world, run->nr_pageblocks);
	if (input->machine.has_end)
		compare(run, &nearest);
	return print_buddyinfo(run);
}

int pbr_follow(const struct pbr_input *input, const struct pbr_collect *collect,
	       struct pbr_run *run, char *error, size_t size)
{
	double start = pbr_seconds();
	struct pbr_world world;
	int status = -1;

	*run = (struct pbr_run){ .nr_zones = input->machine.nr_zones,
				 .max_order = input->machine.max_order,
				 .pageblock_order = input->machine.pageblock_order };
	snprintf(run->name, sizeof(run->name), "recorded kernel");
	memcpy(run->zones, input->machine.zones, sizeof(run->zones));
	if (!pbr_world_init(&world, input)) {
		status = follow(&world, collect, run);
		pbr_world_clear(&world);
	}
	if (collect->progress)
		collect->progress(collect->progress_ctx, "", 1.0);
	run->seconds = pbr_seconds() - start;
	if (status) {
		pbr_run_clear(run);
		pbr_error(error, size, "no memory to follow the trace");
	}
	return status;
}
