// SPDX-License-Identifier: MIT
/* What every run collects on its way: samples, marks and maps. */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

uint64_t pbr_moment(uint64_t from, uint64_t to, uint32_t i, uint32_t n)
{
	if (i == 0)
		return from;
	if (i + 1 >= n)
		return to;
	return from + (uint64_t)((double)(to - from) * i / (n - 1));
}

const char *pbr_zone_label(const struct pbr_zone *zone, char *text, size_t size)
{
	snprintf(text, size, "Node %d, %s", zone->node, pb_zone_name(zone->type));
	return text;
}

static int room_for_samples(struct pbr_run *run, uint32_t n)
{
	struct pbr_zone_sample *zones;

	run->samples = calloc(n, sizeof(*run->samples));
	zones = calloc((size_t)n * run->nr_zones, sizeof(*zones));
	if (!run->samples || !zones) {
		free(zones);
		return -1;
	}
	for (uint32_t i = 0; i < n; i++)
		run->samples[i].zones = zones + (size_t)i * run->nr_zones;
	return 0;
}

static int room_for_maps(struct pbr_run *run, uint32_t n)
{
	struct pbr_map_cell *cells;

	if (!n)
		return 0;
	run->maps = calloc(n, sizeof(*run->maps));
	cells = calloc((size_t)n * run->nr_pageblocks + 1, sizeof(*cells));
	if (!run->maps || !cells) {
		free(cells);
		return -1;
	}
	for (uint32_t i = 0; i < n; i++)
		run->maps[i].cells = cells + (size_t)i * run->nr_pageblocks;
	return 0;
}

static void number_cells(struct pbr_run *run, const struct pbr_geometry *geo)
{
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		run->zone_first_cell[z] = geo->zone[z].first >> run->pageblock_order;
		run->zone_first_pfn[z] = geo->zone[z].base;
	}
	run->zone_first_cell[run->nr_zones] = geo->nr_frames >> run->pageblock_order;
	run->nr_pageblocks = geo->nr_frames >> run->pageblock_order;
}

int pbr_run_prepare(struct pbr_run *run, const struct pbr_input *input,
		    const struct pbr_collect *collect, const struct pbr_geometry *geo)
{
	uint32_t samples = collect->samples < 2 ? 2 : collect->samples;
	uint32_t maps = collect->maps == 1 ? 2 : collect->maps;
	uint64_t from = collect->filter ? collect->filter->from : input->start_time;
	uint64_t to = collect->filter ? collect->filter->to : input->end_time;

	run->events = input->nr_events;
	number_cells(run, geo);
	if (room_for_samples(run, samples) || room_for_maps(run, maps))
		return -1;
	run->nr_samples = samples;
	run->nr_maps = maps;
	for (uint32_t i = 0; i < samples; i++)
		run->samples[i].time = pbr_moment(from, to, i, samples);
	for (uint32_t i = 0; i < maps; i++)
		run->maps[i].time = pbr_moment(from, to, i, maps);
	if (collect->marks)
		run->marks = calloc(PBR_MAX_MARKS, sizeof(*run->marks));
	return collect->marks && !run->marks ? -1 : 0;
}

void pbr_sample_indices(struct pbr_zone_sample *zone, unsigned int max_order)
{
	zone->free_2m = 0;
	for (unsigned int o = 0; o <= max_order; o++) {
		zone->extfrag[o] = pb_extfrag_index(zone->blocks, max_order + 1, o);
		zone->unusable[o] = pb_unusable_index(zone->blocks, max_order + 1, o);
		if (o >= PBR_HUGE_ORDER)
			zone->free_2m += zone->blocks[o] << (o - PBR_HUGE_ORDER);
	}
}

/* Failures are never left out for fallbacks; of what is too much, the end is cut. */
void pbr_run_mark(struct pbr_run *run, const struct pbr_mark *mark)
{
	uint32_t room = mark->kind == PBR_MARK_FAILURE ? PBR_MAX_MARKS : PBR_MAX_MARKS / 2;

	if (!run->marks)
		return;
	if (run->nr_marks >= room)
		run->marks_left_out++;
	else
		run->marks[run->nr_marks++] = *mark;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t all_free_2m(const struct pbr_run *run, uint32_t sample)
{
	uint64_t sum = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++)
		sum += run->samples[sample].zones[z].free_2m;
	return sum;
}

void pbr_summarise(const struct pbr_run *run, struct pbr_summary *summary)
{
	uint64_t *free_2m = calloc(run->nr_samples, sizeof(*free_2m)), blocks[PBR_ORDERS] = { 0 };
	const struct pbr_sample *end = &run->samples[run->nr_samples - 1];

	*summary = (struct pbr_summary){ .free_2m_end = all_free_2m(run, run->nr_samples - 1) };
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		summary->free_end += end->zones[z].free;
		for (unsigned int o = 0; o <= run->max_order; o++)
			blocks[o] += end->zones[z].blocks[o];
	}
	if (run->max_order >= PBR_HUGE_ORDER) {
		summary->unusable = pb_unusable_index(blocks, run->max_order + 1, PBR_HUGE_ORDER);
		summary->extfrag = pb_extfrag_index(blocks, run->max_order + 1, PBR_HUGE_ORDER);
	}
	if (!free_2m)
		return;
	for (uint32_t i = 0; i < run->nr_samples; i++)
		free_2m[i] = all_free_2m(run, i);
	qsort(free_2m, run->nr_samples, sizeof(*free_2m), compare_u64);
	summary->free_2m_min = free_2m[0];
	summary->free_2m_median = free_2m[run->nr_samples / 2];
	free(free_2m);
}

void pbr_run_clear(struct pbr_run *run)
{
	if (run->samples)
		free(run->samples[0].zones);
	free(run->samples);
	free(run->marks);
	if (run->maps)
		free(run->maps[0].cells);
	free(run->maps);
	free(run->buddyinfo);
	json_decref(run->settings);
	memset(run, 0, sizeof(*run));
}
