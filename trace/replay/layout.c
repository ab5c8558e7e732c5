// SPDX-License-Identifier: MIT
/*
 * What each frame was when the trace began. In order of trust:
 *
 *  1. its first event: a frame whose first event is mm_page_alloc_zone_locked
 *     was free, mm_page_free: had an owner, mm_page_pcpu_drain: per-CPU list;
 *     but where compaction went on, a frame that kpageflags call free and that
 *     is freed first was taken by it meanwhile;
 *  2. /proc/kpageflags of the start snapshot;
 *  3. /proc/buddyinfo: so many blocks of each order are placed where no event
 *     contradicts, largest first; what is left was in use all along.
 */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct maker {
	struct pbr_input *input;
	const struct pbr_geometry *geo;
	struct pbr_layout *layout;
	uint8_t *seen;   /* [frames] an event has told */
	uint8_t *placed; /* [frames] 1 + order of the free block placed here, 0: none */
};

/* ------------------------------------------------------------ first events */

static void tell(struct maker *maker, uint32_t frame, unsigned int order, enum pbr_state state)
{
	bool compaction = maker->input->nr_by_kind[PBR_COMPACT] != 0;
	uint8_t *known = maker->layout->state;

	for (uint32_t i = frame; i < frame + (1u << order); i++) {
		if (maker->seen[i])
			continue;
		maker->seen[i] = 1;
		if (state == PBR_USED &&
		    (known[i] == PBR_USED_LRU || (known[i] == PBR_IS_FREE && compaction)))
			continue;
		known[i] = (uint8_t)state;
	}
}

static void tell_type(struct maker *maker, uint32_t frame, unsigned int type)
{
	uint8_t *known = &maker->layout->block_type[frame >> maker->input->machine.pageblock_order];

	if (*known == 255 && type < PB_MIGRATE_TYPES)
		*known = (uint8_t)type;
}

static enum pbr_state first_state(const struct maker *maker, const struct pbr_event *event)
{
	switch (event->kind) {
	case PBR_ALLOC:
		return maker->layout->pcp_orders[event->order] ? PBR_PCP : PBR_IS_FREE;
	case PBR_FREE:
		return PBR_USED;
	case PBR_PCPU_DRAIN:
		return PBR_PCP;
	default:
		return PBR_IS_FREE;
	}
}

static void read_event(struct maker *maker, const struct pbr_event *event)
{
	unsigned int order = pbr_named_order(event);
	uint32_t frame;

	if (!pbr_about_frames(event->kind) || event->kind == PBR_COMPACT ||
	    event->pfn == PBR_NO_PFN || order >= PBR_ORDERS)
		return;
	frame = pbr_block(maker->geo, event->pfn, order);
	if (frame == PBR_NO_FRAME)
		return;
	tell(maker, frame, order, first_state(maker, event));
	if (event->kind == PBR_EXTFRAG)
		tell_type(maker, frame, event->from_type);
	else if (event->kind == PBR_ZONE_LOCKED || event->kind == PBR_PCPU_DRAIN)
		tell_type(maker, frame, event->migratetype);
}

/* Which orders have per-CPU lists in the recorded kernel: those it drained or refilled. */
static void find_pcp_orders(struct maker *maker)
{
	const struct pbr_input *input = maker->input;

	for (uint64_t i = 0; i < input->nr_events; i++) {
		const struct pbr_event *event = &input->events[i];

		if (event->order < PBR_ORDERS && (event->kind == PBR_PCPU_DRAIN ||
						  (event->kind == PBR_ZONE_LOCKED && event->flag)))
			maker->layout->pcp_orders[event->order] = 1;
	}
}

/* -------------------------------------------------------------- kpageflags */

/* What of a run lies in zone z; a file may name runs of any length. */
static void read_run(struct maker *maker, const struct pbr_frame_run *run, unsigned int z)
{
	uint64_t start = maker->geo->zone[z].start, end = maker->geo->zone[z].end;
	uint64_t base = maker->geo->zone[z].base, last = run->pfn + run->count;

	if (last < run->pfn || last > end)
		last = end;
	if (run->pfn > start)
		start = run->pfn;
	if (start < last)
		memset(maker->layout->state + maker->geo->zone[z].first + (start - base),
		       run->state, last - start);
}

static void read_runs(struct maker *maker)
{
	const struct pbr_private *priv = pbr_priv(maker->input);

	for (size_t i = 0; i < priv->nr_runs; i++)
		for (unsigned int z = 0; z < maker->geo->nr_zones; z++)
			read_run(maker, &priv->runs[i], z);
}

/* --------------------------------------------------------------- buddyinfo */

enum fit { FIT_NO, FIT_UNTOUCHED, FIT_PARTLY_FREE };

/* Can a free block of this order have been here? */
static enum fit fits(const struct maker *maker, uint32_t frame, unsigned int order)
{
	const uint8_t *state = maker->layout->state;
	enum fit fit = FIT_UNTOUCHED;

	for (uint32_t i = frame; i < frame + (1u << order); i++) {
		if (maker->placed[i] || (state[i] != PBR_UNKNOWN && state[i] != PBR_IS_FREE))
			return FIT_NO;
		if (state[i] == PBR_IS_FREE)
			fit = FIT_PARTLY_FREE;
	}
	return fit;
}

static void place(struct maker *maker, uint32_t frame, unsigned int order)
{
	memset(&maker->placed[frame], 255, (size_t)1 << order);
	maker->placed[frame] = (uint8_t)(order + 1);
}

/* Up to n blocks, from the top of the zone down. Two buddies would have merged. */
static uint64_t place_blocks(struct maker *maker, unsigned int z, unsigned int order, uint64_t n,
			     enum fit wanted)
{
	uint32_t first = maker->geo->zone[z].first, frame = maker->geo->zone[z].last;
	bool largest = order == maker->input->machine.max_order;

	while (n && frame > first) {
		frame -= 1u << order;
		if (!largest && maker->placed[frame ^ (1u << order)] == order + 1)
			continue;
		if (fits(maker, frame, order) != wanted)
			continue;
		place(maker, frame, order);
		n--;
	}
	return n;
}

static void place_zone(struct maker *maker, unsigned int z)
{
	const struct pbr_machine *machine = &maker->input->machine;

	for (int order = (int)machine->max_order; order >= 0; order--) {
		uint64_t n = machine->zones[z].start_blocks[order];

		n = place_blocks(maker, z, (unsigned int)order, n, FIT_PARTLY_FREE);
		place_blocks(maker, z, (unsigned int)order, n, FIT_UNTOUCHED);
	}
}

/* What no event and no snapshot names: holes, from the bottom; then in use. */
static void settle_zone(struct maker *maker, unsigned int z)
{
	const struct pbr_zone *zone = &maker->input->machine.zones[z];
	uint64_t holes = zone->spanned > zone->managed ? zone->spanned - zone->managed : 0;
	uint8_t *state = maker->layout->state;

	for (uint32_t i = maker->geo->zone[z].first; i < maker->geo->zone[z].last; i++) {
		if (maker->placed[i])
			state[i] = PBR_IS_FREE;
		if (state[i] != PBR_UNKNOWN)
			continue;
		state[i] = holes ? PBR_HOLE : PBR_USED;
		holes -= holes != 0;
	}
}

/* Frames that are there because a zone's ends are rounded hold nothing, free blocks neither. */
static void leave_out_rounding(struct maker *maker, unsigned int z)
{
	for (uint32_t i = maker->geo->zone[z].first; i < maker->geo->zone[z].last; i++)
		if (!pbr_frame_present(maker->geo, i))
			maker->layout->state[i] = PBR_HOLE;
}

/* ------------------------------------------------------------------- whole */

static int make(struct maker *maker)
{
	struct pbr_input *input = maker->input;
	uint32_t frames = maker->geo->nr_frames;

	memset(maker->layout->state, PBR_UNKNOWN, frames);
	memset(maker->layout->block_type, 255, (frames >> input->machine.pageblock_order) + 1);
	for (unsigned int z = 0; z < input->machine.nr_zones; z++)
		leave_out_rounding(maker, z);
	find_pcp_orders(maker);
	read_runs(maker);
	for (uint64_t i = 0; i < input->nr_events; i++)
		read_event(maker, &input->events[i]);
	for (unsigned int z = 0; z < input->machine.nr_zones; z++) {
		if (input->machine.has_start && !input->machine.has_free_map)
			place_zone(maker, z);
		settle_zone(maker, z);
	}
	return 0;
}

int pbr_layout_init(struct pbr_input *input, char *error, size_t size)
{
	struct pbr_private *priv = pbr_priv(input);
	size_t frames = priv->geo.nr_frames;
	struct maker maker = { input, &priv->geo, &priv->layout, calloc(1, frames + 1),
			       calloc(1, frames + 1) };
	int status = -1;

	priv->layout.state = malloc(frames + 1);
	priv->layout.block_type = malloc((frames >> input->machine.pageblock_order) + 1);
	if (maker.seen && maker.placed && priv->layout.state && priv->layout.block_type)
		status = make(&maker);
	else
		pbr_error(error, size, "no memory for %zu frames", frames);
	free(maker.seen);
	free(maker.placed);
	return status;
}

void pbr_layout_clear(struct pbr_layout *layout)
{
	free(layout->state);
	free(layout->block_type);
	layout->state = NULL;
	layout->block_type = NULL;
}
