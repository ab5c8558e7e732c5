/* SPDX-License-Identifier: MIT */
/*
 * Frames, their zones, their pfn and their addresses. Segments and zones are few, and
 * sorted: each look-up halves a table.
 */
#include "base/frame.h"

struct zone *zone_of_frame(const struct pb_pool *pool, u32 frame)
{
	u32 low = 0, high = pool_nr_zones(pool);
	u32 span = frame >> pool->max_order;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (pool_zone(pool, middle)->first_span <= span)
			low = middle;
		else
			high = middle;
	}
	return pool_zone(pool, low);
}

struct stripe *frame_stripe(const struct pb_pool *pool, const struct zone *zone, u32 frame)
{
	return zone_stripe(pool, zone, frame_stripe_number(pool, zone, frame));
}

u64 frame_to_pfn(const struct pb_pool *pool, u32 frame)
{
	u32 low = 0, high = pool_nr_segments(pool);

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (pool_segment(pool, middle)->frame <= frame)
			low = middle;
		else
			high = middle;
	}
	return pool_segment(pool, low)->pfn + (frame - pool_segment(pool, low)->frame);
}

/* The segment of a zone that a pfn would be in: segments are sorted by (zone, pfn). */
static const struct segment *find_segment(const struct pb_pool *pool, u32 zone, u64 pfn)
{
	u32 low = 0, high = pool_nr_segments(pool);

	while (high - low > 1) {
		u32 middle = (low + high) / 2;
		const struct segment *segment = pool_segment(pool, middle);

		if (segment->zone < zone || (segment->zone == zone && segment->pfn <= pfn))
			low = middle;
		else
			high = middle;
	}
	return pool_segment(pool, low);
}

/* Where the zone would have the pfn, or NO_FRAME. */
static u32 place_in(const struct pb_pool *pool, u32 z, u64 pfn)
{
	const struct zone *zone = pool_zone(pool, z);
	const struct segment *segment;

	if (pfn - zone->start_pfn >= zone->spanned)
		return NO_FRAME;
	segment = find_segment(pool, z, pfn);
	if (segment->zone != z || pfn < segment->pfn || pfn >= segment->end_pfn)
		return NO_FRAME;
	return segment->frame + (u32)(pfn - segment->pfn);
}

u32 pfn_to_frame(const struct pb_pool *pool, u64 pfn)
{
	for (u32 z = 0; z < pool_nr_zones(pool); z++) {
		u32 frame = place_in(pool, z, pfn);

		/* zones may interleave inside a span: the frame is present in one */
		if (frame != NO_FRAME && frame_state(pool, frame) != PAGE_ABSENT)
			return frame;
	}
	return NO_FRAME;
}

u32 pfn_to_place(const struct pb_pool *pool, u64 pfn)
{
	u32 frame = NO_FRAME;

	for (u32 z = 0; z < pool_nr_zones(pool) && frame == NO_FRAME; z++)
		frame = place_in(pool, z, pfn);
	return frame;
}

uint64_t pb_page_to_index(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? UINT64_MAX : frame;
}

struct pb_page *pb_index_to_page(const struct pb_pool *pool, uint64_t index)
{
	return index < pool->nr_frames ? pool->pages + index : NULL;
}

uint64_t pb_page_to_pfn(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? UINT64_MAX : frame_to_pfn(pool, frame);
}

struct pb_page *pb_pfn_to_page(const struct pb_pool *pool, uint64_t pfn)
{
	u32 frame = pfn_to_frame(pool, pfn);

	return frame == NO_FRAME ? NULL : pool->pages + frame;
}

void *frame_address(const struct pb_pool *pool, u32 frame)
{
	u64 pfn = frame_to_pfn(pool, frame);

	if (pool->hooks.address)
		return pool->hooks.address(pool->hooks.ctx, pfn);
	if (!pool->linear || zone_of_frame(pool, frame)->type == PB_ZONE_HIGHMEM)
		return NULL;
	return (unsigned char *)pool->linear +
	       (ptrdiff_t)((s64)(pfn - pool->super->linear_pfn) * ((s64)1 << pool->page_shift));
}

void *pb_page_address(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	if (frame == NO_FRAME || zone_of_frame(pool, frame)->type == PB_ZONE_HIGHMEM)
		return NULL;
	return frame_address(pool, frame);
}

struct pb_page *pb_address_to_page(const struct pb_pool *pool, const void *address)
{
	uintptr_t offset = (uintptr_t)address - (uintptr_t)pool->linear;

	if (pool->hooks.address)
		return pool->hooks.address_pfn
			       ? pb_pfn_to_page(pool,
						pool->hooks.address_pfn(pool->hooks.ctx, address))
			       : NULL;
	if (!pool->linear || offset & (((uintptr_t)1 << pool->page_shift) - 1))
		return NULL;
	return pb_pfn_to_page(pool, pool->super->linear_pfn +
					    (u64)((s64)(intptr_t)offset >> pool->page_shift));
}

int pb_page_node(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? PB_ENODEV : zone_of_frame(pool, frame)->node;
}

int pb_page_zone(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	return frame == NO_FRAME ? PB_ENODEV : zone_of_frame(pool, frame)->type;
}

int pb_pageblock_type(const struct pb_pool *pool, uint64_t pfn)
{
	u32 frame = pfn_to_frame(pool, pfn);

	return frame == NO_FRAME ? PB_ENODEV : (int)frame_migratetype(pool, frame);
}

unsigned int pb_get_order(const struct pb_pool *pool, size_t bytes)
{
	u64 pages;

	if (!bytes)
		return 64u - pool->page_shift;
	pages = ((u64)bytes - 1) >> pool->page_shift;
	return pages ? fls64(pages) + 1 : 0;
}
