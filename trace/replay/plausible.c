// SPDX-License-Identifier: MIT
/*
 * What a file says about its machine, and how much of it is believed.
 *
 *	events at pfn 100, 120, 7fffff00    two sections of 128 MB, 8 TB apart
 *	trusted: 16 GB + 3 * 4 MB           the window with most events: [0, 8000)
 *	                                    the third event is beyond the machine
 */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define SECTION_SHIFT 15 /* 128 MB: what Linux adds and removes at once */
#define SECTION (UINT64_C(1) << SECTION_SHIFT)
#define TRUSTED (UINT64_C(1) << 22) /* frames: 16 GB cost some 100 MB and half a second */
#define TRUSTED_EACH 1024           /* frames, 4 MB, for each event and each run of frames */

uint64_t pbr_trusted_frames(const struct pbr_input *input)
{
	return TRUSTED + TRUSTED_EACH * (input->nr_events + pbr_priv(input)->nr_runs);
}

/* -------------------------------------------------------------------- guess */

static bool names_frames(const struct pbr_event *event)
{
	return pbr_about_frames(event->kind) && event->pfn != PBR_NO_PFN;
}

/* Sections of all events, the last one that each touches. Returns their number. */
static size_t list_sections(const struct pbr_input *input, uint32_t *section)
{
	size_t n = 0;

	for (uint64_t i = 0; i < input->nr_events; i++) {
		const struct pbr_event *event = &input->events[i];

		if (names_frames(event))
			section[n++] = (uint32_t)((event->pfn + (UINT64_C(1) << event->order) -
						   1) >>
						  SECTION_SHIFT);
	}
	return n;
}

static int compare_sections(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The run of at most `most` sections that holds most events; the lowest of equals. */
static void find_window(const uint32_t *section, size_t n, uint32_t most, uint32_t *first,
			uint32_t *last)
{
	size_t best = 0;

	for (size_t low = 0, high = 0; high < n; high++) {
		while (section[high] - section[low] >= most)
			low++;
		if (high - low + 1 > best) {
			best = high - low + 1;
			*first = section[low];
			*last = section[high];
		}
	}
}

/* A zone of its own where memory begins beyond what is trusted, as on some ARM servers. */
static void machine_at(struct pbr_machine *machine, uint64_t start, uint64_t end)
{
	struct pbr_zone *zone = &machine->zones[0];

	*zone = (struct pbr_zone){ .type = PB_ZONE_NORMAL, .start_pfn = start };
	zone->spanned = zone->present = zone->managed = end - start;
	machine->nr_zones = 1;
}

int pbr_guess_machine(struct pbr_input *input)
{
	uint32_t *section = malloc((input->nr_events + 1) * sizeof(*section));
	uint32_t most = (uint32_t)(pbr_trusted_frames(input) >> SECTION_SHIFT);
	uint32_t first = 0, last = 0;
	uint64_t start, end;
	size_t n;

	if (!section)
		return -1;
	n = list_sections(input, section);
	qsort(section, n, sizeof(*section), compare_sections);
	find_window(section, n, most, &first, &last);
	free(section);
	start = last < most ? 0 : (uint64_t)first << SECTION_SHIFT;
	end = ((uint64_t)last + 1) << SECTION_SHIFT;
	if (start)
		machine_at(&input->machine, start, end);
	else
		pbr_machine_pc(&input->machine, end << 12);
	n = (size_t)snprintf(input->note, sizeof(input->note),
			     "no zoneinfo beside the trace and no --memory: %llu MB assumed from "
			     "its pfns",
			     (unsigned long long)((end - start) >> 8));
	if (start && n < sizeof(input->note))
		snprintf(input->note + n, sizeof(input->note) - n, ", from pfn %#llx on",
			 (unsigned long long)start);
	return 0;
}

/* -------------------------------------------------------------------- doubt */

static int doubt_zone(const struct pbr_zone *zone, char *error, size_t size)
{
	const char *name = pb_zone_name(zone->type);

	if (zone->present > zone->spanned || zone->managed > zone->present)
		return pbr_error(error, size,
				 "zoneinfo: zone %s of node %d has %llu pages managed, %llu "
				 "present and %llu spanned; expected each within the next",
				 name, zone->node, (unsigned long long)zone->managed,
				 (unsigned long long)zone->present,
				 (unsigned long long)zone->spanned);
	for (unsigned int o = 0; o < PBR_ORDERS; o++)
		if (zone->start_blocks[o] > zone->spanned >> o ||
		    zone->end_blocks[o] > zone->spanned >> o)
			return pbr_error(error, size,
					 "buddyinfo: zone %s of node %d has more free blocks of "
					 "order %u than fit into its %llu pages",
					 name, zone->node, o, (unsigned long long)zone->spanned);
	return 0;
}

int pbr_doubt_machine(const struct pbr_input *input, char *error, size_t size)
{
	const struct pbr_machine *machine = &input->machine;
	uint64_t frames = 0, trusted = pbr_trusted_frames(input);
	const struct pbr_zone *largest = &machine->zones[0];

	for (unsigned int z = 0; z < machine->nr_zones; z++) {
		if (doubt_zone(&machine->zones[z], error, size))
			return -1;
		frames += machine->zones[z].spanned;
		if (machine->zones[z].spanned > largest->spanned)
			largest = &machine->zones[z];
	}
	if (frames <= trusted)
		return 0;
	return pbr_error(error, size,
			 "zoneinfo: %llu GB, %llu of them zone %s of node %d, are more than %llu "
			 "events are trusted for (%llu GB); --memory SIZE replays them on an empty "
			 "machine",
			 (unsigned long long)(frames >> 18),
			 (unsigned long long)(largest->spanned >> 18), pb_zone_name(largest->type),
			 largest->node, (unsigned long long)input->nr_events,
			 (unsigned long long)(trusted >> 18));
}
