// SPDX-License-Identifier: MIT
/*
 * pfn <-> dense frame number.
 *
 *	zone DMA [1, 4096)   align_order 10     frames [0, 4096), base pfn 0
 *	zone DMA32 [4096, 32000)                frames [4096, 32768), base pfn 4096
 */

#include "internal.h"

bool pbr_geometry_init(struct pbr_geometry *geo, const struct pbr_zone *zones,
		       unsigned int nr_zones, unsigned int align_order)
{
	uint64_t align = UINT64_C(1) << align_order, first = 0;

	*geo = (struct pbr_geometry){ .nr_zones = nr_zones, .align_order = align_order };
	for (unsigned int i = 0; i < nr_zones; i++) {
		uint64_t start = zones[i].start_pfn, end = start + zones[i].spanned;
		uint64_t base = start & ~(align - 1);
		uint64_t frames = ((end + align - 1) & ~(align - 1)) - base;

		if (end < start || frames >= UINT32_MAX - first)
			return false;
		geo->zone[i].start = start;
		geo->zone[i].end = end;
		geo->zone[i].base = base;
		geo->zone[i].first = (uint32_t)first;
		first += frames;
		geo->zone[i].last = (uint32_t)first;
	}
	geo->nr_frames = (uint32_t)first;
	return true;
}

uint32_t pbr_block(const struct pbr_geometry *geo, uint64_t pfn, unsigned int order)
{
	uint64_t size = UINT64_C(1) << order;

	for (unsigned int i = 0; i < geo->nr_zones; i++)
		if (pfn >= geo->zone[i].start && pfn < geo->zone[i].end)
			return geo->zone[i].end - pfn >= size
				       ? geo->zone[i].first + (uint32_t)(pfn - geo->zone[i].base)
				       : PBR_NO_FRAME;
	return PBR_NO_FRAME;
}

uint32_t pbr_frame(const struct pbr_geometry *geo, uint64_t pfn)
{
	return pbr_block(geo, pfn, 0);
}

unsigned int pbr_frame_zone(const struct pbr_geometry *geo, uint32_t frame)
{
	unsigned int i = 0;

	while (i + 1 < geo->nr_zones && frame >= geo->zone[i].last)
		i++;
	return i;
}

uint64_t pbr_pfn(const struct pbr_geometry *geo, uint32_t frame)
{
	unsigned int i = pbr_frame_zone(geo, frame);

	return geo->zone[i].base + (frame - geo->zone[i].first);
}

bool pbr_frame_present(const struct pbr_geometry *geo, uint32_t frame)
{
	unsigned int i = pbr_frame_zone(geo, frame);
	uint64_t pfn = geo->zone[i].base + (frame - geo->zone[i].first);

	return pfn >= geo->zone[i].start && pfn < geo->zone[i].end;
}
