// SPDX-License-Identifier: MIT
/*
 * The map of pageblocks over time, small enough to be part of a page: each
 * frame tells only the cells that changed since the one before it.
 *
 *	frame := count (varint), then per changed cell
 *		 cells skipped (varint) migratetype used unmovable reserved (bytes) owner (u16)
 *
 * in base64. Where there are too many pageblocks, 2^k neighbours share a cell.
 */
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define MAX_CELLS 16384
#define CELL_BYTES 7 /* and its varint of up to 5 */

struct cell {
	uint8_t migratetype, used, unmovable, reserved;
	uint16_t owner;
};

struct grouping {
	unsigned int shift; /* log2 pageblocks in a cell */
	uint32_t cells;
	uint32_t zone_first[PBR_MAX_ZONES + 1];
};

static struct grouping choose_grouping(const struct pbr_run *run)
{
	struct grouping g = { 0 };

	while (run->nr_pageblocks >> g.shift > MAX_CELLS)
		g.shift++;
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		uint32_t n = run->zone_first_cell[z + 1] - run->zone_first_cell[z];

		g.zone_first[z] = g.cells;
		g.cells += (n + (1u << g.shift) - 1) >> g.shift;
	}
	g.zone_first[run->nr_zones] = g.cells;
	return g;
}

/* The type that most of them have; the owner of the fullest; the mean of the rest. */
static struct cell merge_cells(const struct report *report, struct report_tasks *tasks,
			       const struct pbr_map_cell *from, uint32_t n)
{
	unsigned int types[256] = { 0 }, best = from[0].migratetype;
	uint32_t used = 0, unmovable = 0, reserved = 0, owner = PBR_NO_TASK;
	int fullest = -1;

	for (uint32_t i = 0; i < n; i++) {
		used += from[i].used;
		unmovable += from[i].unmovable;
		reserved += from[i].reserved;
		if (++types[from[i].migratetype] > types[best])
			best = from[i].migratetype;
		if (from[i].owner != PBR_NO_TASK && from[i].used > fullest) {
			fullest = from[i].used;
			owner = from[i].owner;
		}
	}
	return (struct cell){
		.migratetype = (uint8_t)best,
		.used = (uint8_t)((used + n - 1) / n), /* a single used page still shows */
		.unmovable = (uint8_t)((unmovable + n - 1) / n),
		.reserved = (uint8_t)(reserved / n),
		.owner = (uint16_t)report_task(report, tasks, owner),
	};
}

static void fill_cells(const struct report *report, struct report_tasks *tasks,
		       const struct grouping *g, const struct pbr_map *map, struct cell *cells)
{
	const struct pbr_run *run = &report->follow;

	for (unsigned int z = 0; z < run->nr_zones; z++) {
		uint32_t at = run->zone_first_cell[z], end = run->zone_first_cell[z + 1];

		for (uint32_t c = g->zone_first[z]; at < end; c++) {
			uint32_t n = end - at < 1u << g->shift ? end - at : 1u << g->shift;

			cells[c] = merge_cells(report, tasks, map->cells + at, n);
			at += n;
		}
	}
}

/* ------------------------------------------------------------------- encoding */

static uint8_t *put_varint(uint8_t *at, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

static json_t *base64(const uint8_t *bytes, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((size + 2) / 3 * 4 + 1), *out = text;
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) |
			     (left > 2 ? bytes[i + 2] : 0);

		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[v & 63] : '=';
	}
	string = json_stringn(text, (size_t)(out - text));
	free(text);
	return string;
}

/* The cells that differ from `last`, all of them if `all`. */
static json_t *encode(const struct cell *cells, const struct cell *last, bool all, uint32_t n,
		      uint8_t *buffer)
{
	uint32_t changed = 0, skipped = 0;
	uint8_t *at;

	for (uint32_t i = 0; i < n; i++)
		changed += all || memcmp(&cells[i], &last[i], sizeof(cells[i])) != 0;
	at = put_varint(buffer, changed);
	for (uint32_t i = 0; i < n; i++) {
		if (!all && !memcmp(&cells[i], &last[i], sizeof(cells[i]))) {
			skipped++;
			continue;
		}
		at = put_varint(at, skipped);
		skipped = 0;
		*at++ = cells[i].migratetype;
		*at++ = cells[i].used;
		*at++ = cells[i].unmovable;
		*at++ = cells[i].reserved;
		*at++ = (uint8_t)cells[i].owner;
		*at++ = (uint8_t)(cells[i].owner >> 8);
	}
	return base64(buffer, (size_t)(at - buffer));
}

static int add_frames(const struct report *report, struct report_tasks *tasks,
		      const struct grouping *g, json_t *time, json_t *frames)
{
	const struct pbr_run *run = &report->follow;
	struct cell *cells = calloc(g->cells + 1u, sizeof(*cells));
	struct cell *last = calloc(g->cells + 1u, sizeof(*last));
	uint8_t *buffer = malloc(5 + (size_t)g->cells * (CELL_BYTES + 5));
	int rc = cells && last && buffer ? 0 : -1;

	for (uint32_t m = 0; !rc && m < run->nr_maps; m++) {
		struct cell *swap = last;
		uint64_t ns = run->maps[m].time - report->input->start_time;

		fill_cells(report, tasks, g, &run->maps[m], cells);
		rc = json_array_append_new(time, json_real((double)ns / 1e9)) ||
		     json_array_append_new(frames, encode(cells, last, m == 0, g->cells, buffer));
		last = cells;
		cells = swap;
	}
	free(cells);
	free(last);
	free(buffer);
	return rc;
}

json_t *report_maps(const struct report *report, struct report_tasks *tasks)
{
	const struct pbr_run *run = &report->follow;
	struct grouping g = choose_grouping(run);
	json_t *time = json_array(), *frames = json_array(), *first = json_array();

	for (unsigned int z = 0; z <= run->nr_zones; z++)
		json_array_append_new(first, json_integer(g.zone_first[z]));
	if (add_frames(report, tasks, &g, time, frames)) {
		json_decref(time);
		json_decref(frames);
		json_decref(first);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:o, s:o, s:o}", "cells", (json_int_t)g.cells,
			 "pages_per_cell", (json_int_t)1 << (run->pageblock_order + g.shift),
			 "zone_first_cell", first, "time", time, "frames", frames);
}
