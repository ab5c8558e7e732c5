/* SPDX-License-Identifier: MIT */
/*
 * Memory that comes and goes after init: a PB_REGION_HOTPLUG reserves room for it, and a byte
 * per span says whether its memory is there.
 *
 *	SPAN_ABSENT --pb_grow()--> CHANGING: metadata written, frames reserved
 *					--> COMING: frames come online --> THERE
 *	SPAN_THERE, offline --pb_remove()--> CHANGING: frames absent --> ABSENT
 *
 * The call that changes the byte to CHANGING has the span for itself; all others treat its frames
 * as absent until it is COMING or THERE. No array moves or grows: those indexed by frame were laid
 * out for the whole region when the pool was made.
 */
#include "range/move.h"
#include "pcp/tunables.h"
#include "pcp/shared.h"

static u64 span_frames(const struct pb_pool *pool)
{
	return (u64)1 << pool->max_order;
}

/* Change a span's byte from one state to another; false: it is in a third one. Under zone->lock,
   as not every machine exchanges bytes. */
static bool change_span(const struct pb_pool *pool, u32 frame, u8 from, u8 to)
{
	u8 *there = span_there(pool, frame >> pool->max_order);
	struct zone *zone = zone_of_frame(pool, frame);
	bool right;

	pb_platform_lock(&zone->lock);
	right = *there == from;
	if (right)
		pb_atomic_store_n(there, to, __ATOMIC_RELEASE);
	pb_platform_unlock(&zone->lock);
	return right;
}

/* PB_OK if the range is of whole spans, and the pool has hotplug regions. */
static int range_fault(const struct pb_pool *pool, u64 start, u64 end)
{
	if (!pool->super->hotplug)
		return PB_ENOTSUP;
	return start >= end || (start | end) & (span_frames(pool) - 1) ? PB_EINVAL : PB_OK;
}

/* Change the spans of [start, end) from one state to another, up to the first that is in a third
   state or not in the memory map; returns its pfn, or end. */
static u64 change_spans(const struct pb_pool *pool, u64 start, u64 end, u8 from, u8 to)
{
	for (; start < end; start += span_frames(pool)) {
		u32 frame = pfn_to_place(pool, start);

		if (frame == NO_FRAME || !change_span(pool, frame, from, to))
			break;
	}
	return start;
}

static int refuse(uint64_t *obstacle, u64 pfn, int code)
{
	if (obstacle)
		*obstacle = pfn;
	return code;
}

/* Add the range's pages to the zone's present pages, or subtract them. */
static void add_present(struct pb_pool *pool, u64 start, u64 end, bool come)
{
	for (; start < end; start += span_frames(pool)) {
		struct zone *zone = zone_of_frame(pool, pfn_to_place(pool, start));
		u64 pages = span_frames(pool);

		pb_platform_lock(&zone->lock);
		counter_add(&zone->present, come ? pages : 0 - pages);
		pb_platform_unlock(&zone->lock);
	}
}

/* Pageblocks that went are no part of the reserve for high-order atomic requests. */
static void shrink_reserves(struct pb_pool *pool, u64 start, u64 end)
{
	for (; PB_WITH_HIGHATOMIC && start < end; start += span_frames(pool)) {
		u32 frame = pfn_to_place(pool, start);

		shrink_highatomic_reserve(pool, zone_of_frame(pool, frame), frame,
					  frame + (u32)span_frames(pool));
	}
}

/* -------------------------------------------------------------------- pieces */

#define UNDER_LOCK 3u /* classes, pageblocks, trees */
#define PAGE_BYTES 3u
#define NR_ARRAYS 8u

/* A span's part of each array that is indexed by frame or pageblock; bytes 0: the pool has no such
   array. */
static void span_parts(const struct pb_pool *pool, u32 frame, struct pb_piece parts[NR_ARRAYS])
{
	const struct pb_super *s = pool->super;
	u32 pageblock = frame >> pool->pageblock_order;
	u32 n = 1u << (pool->max_order - pool->pageblock_order);
	size_t frames = (size_t)span_frames(pool);
	bool linked = pool_is_linked(pool);

	parts[0] = (struct pb_piece){ pool->pcp_class + pageblock, n * sizeof(u16) };
	parts[1] = (struct pb_piece){ pool_pageblock(pool, pageblock),
				      (size_t)n * pool->pageblock_stride };
	parts[2] = (struct pb_piece){ span_tree(pool, frame), pool->span_words * sizeof(u64) };
	parts[3] = (struct pb_piece){ pool->pages + frame, frames };
	parts[4] = (struct pb_piece){ (u32 *)pool_at(pool, s->refs) + frame,
				      s->flags & PB_POOL_REFCOUNT ? frames * 4 : 0 };
	parts[5] = (struct pb_piece){ (u32 *)pool_at(pool, s->owners) + frame,
				      s->flags & PB_POOL_OWNERS ? frames * 4 : 0 };
	parts[6] = (struct pb_piece){ (struct link *)pool_at(pool, s->links) + frame,
				      linked ? frames * sizeof(struct link) : 0 };
	parts[7] = (struct pb_piece){ (u8 *)pool_at(pool, s->pcp_types) + frame,
				      linked ? frames : 0 };
}

_Static_assert(PB_MAX_PIECES == NR_ARRAYS, "a piece of each");

int pb_grow_pieces(const struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn,
		   struct pb_piece pieces[PB_MAX_PIECES])
{
	int code = range_fault(pool, start_pfn, end_pfn), n = 0;
	struct pb_piece parts[NR_ARRAYS];
	u32 first;

	if (code)
		return code;
	first = pfn_to_place(pool, start_pfn);
	for (u64 pfn = start_pfn; pfn < end_pfn; pfn += span_frames(pool)) {
		u32 frame = pfn_to_place(pool, pfn);

		if (frame == NO_FRAME)
			return PB_ENODEV;
		if (frame - first != pfn - start_pfn)
			return PB_EINVAL; /* several regions, whose arrays are not in one piece */
	}
	span_parts(pool, first, parts);
	for (u32 i = 0; i < NR_ARRAYS; i++)
		if (parts[i].bytes) {
			parts[i].bytes *= (size_t)((end_pfn - start_pfn) >> pool->max_order);
			pieces[n++] = parts[i];
		}
	return n;
}

int pb_grow_bytes(const struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn, size_t *bytes)
{
	struct pb_piece pieces[PB_MAX_PIECES];
	int n = pb_grow_pieces(pool, start_pfn, end_pfn, pieces);

	*bytes = 0;
	for (int i = 0; i < n; i++)
		*bytes += pieces[i].bytes;
	return n < 0 ? n : PB_OK;
}

/* ---------------------------------------------------------------------- grow */

/* Atomic stores: a reader that saw the span there a moment ago, before it went, may still read. */
static void fill_part(const struct pb_piece *part, u8 byte)
{
	u64 word = byte * (u64)0x0101010101010101u;
	unsigned char *at = part->memory;

	if ((part->bytes | (uintptr_t)at) & 7)
		for (size_t i = 0; i < part->bytes; i++)
			store_relaxed(at + i, byte);
	else
		for (size_t i = 0; i < part->bytes; i += 8)
			store_relaxed((eight_pages *)(at + i), word);
}

/* Initialise a span's pageblocks, and with `clear` zero its trees, under the stripe's lock, under
   which they are read. */
static void make_pageblocks(struct pb_pool *pool, u32 frame, const struct pb_piece *parts,
			    bool clear)
{
	bool movable = PB_WITH_MOBILITY &&
		       (has_mobility(pool) || (PB_WITH_LINUX && policy(pool)->keeps_boot_types));
	unsigned int type = movable ? PB_MIGRATE_MOVABLE : PB_MIGRATE_UNMOVABLE;
	struct zone *zone = zone_of_frame(pool, frame);
	u32 pageblock = frame >> pool->pageblock_order;
	struct locked at = lock_frame(pool, zone, frame);

	for (u32 i = 0; i < UNDER_LOCK && clear; i++)
		fill_part(&parts[i], 0);
	for (u32 i = 0; i < 1u << (pool->max_order - pool->pageblock_order); i++)
		init_pageblock(pool, pageblock + i, type, zone_class(pool, zone, type));
	unlock_stripe(&at);
}

/* Write the metadata of a CHANGING span: as after init, with every frame reserved. */
static void make_span(struct pb_pool *pool, u32 frame, bool zeroed)
{
	struct pb_piece parts[NR_ARRAYS];

	span_parts(pool, frame, parts);
	for (u32 i = UNDER_LOCK; i < NR_ARRAYS && !zeroed; i++)
		if (i != PAGE_BYTES)
			fill_part(&parts[i], 0);
	fill_part(&parts[PAGE_BYTES], PAGE_RESERVED);
	make_pageblocks(pool, frame, parts, !zeroed);
}

static int do_grow(struct pb_pool *pool, u64 start, u64 end, bool zeroed, uint64_t *obstacle)
{
	int code = range_fault(pool, start, end);
	u64 at;

	if (code)
		return code;
	at = change_spans(pool, start, end, SPAN_ABSENT, SPAN_CHANGING);
	if (at < end) {
		(void)change_spans(pool, start, at, SPAN_CHANGING, SPAN_ABSENT);
		return refuse(obstacle, at,
			      pfn_to_place(pool, at) == NO_FRAME ? PB_ENODEV : PB_EBUSY);
	}
	for (at = start; at < end; at += span_frames(pool))
		make_span(pool, pfn_to_place(pool, at), zeroed);
	add_present(pool, start, end, true);
	(void)change_spans(pool, start, end, SPAN_CHANGING, SPAN_COMING);
	code = online_range(pool, start, end);
	(void)change_spans(pool, start, end, SPAN_COMING, SPAN_THERE);
	return code;
}

int pb_grow(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn, bool zeroed,
	    uint64_t *obstacle)
{
	int code;

	pool_enter(pool);
	code = do_grow(pool, start_pfn, end_pfn, zeroed, obstacle);
	pool_leave(pool);
	return code;
}

/* -------------------------------------------------------------------- remove */

/* The first pfn of [start, end) whose frame isn't reserved, or isn't there, or end. */
static u64 first_in_use(const struct pb_pool *pool, u64 start, u64 end)
{
	for (u64 pfn = start; pfn < end; pfn++) {
		u32 frame = pfn_to_place(pool, pfn);

		if (frame == NO_FRAME || frame_state(pool, frame) != PAGE_RESERVED)
			return pfn;
	}
	return end;
}

/*
 * Change the page bytes of a span's frames from one state to another, pageblock by pageblock
 * under the stripe's lock, as pb_online() takes them. Returns the first frame that is in a third
 * state, or the span's end. A pageblock that is isolated doesn't go: a pb_offline() that has not
 * returned yet will still write there.
 */
static u32 change_frames(struct pb_pool *pool, u32 frame, u32 end, u8 from, u8 to)
{
	struct zone *zone = zone_of_frame(pool, frame);

	while (frame < end) {
		u32 stop = (u32)min_u64(end, (frame | (pageblock_pages(pool) - 1)) + 1);
		struct stripe *stripe = frame_stripe(pool, zone, frame);
		bool busy;

		pb_platform_lock(&stripe->lock);
		busy = to == PAGE_ABSENT && frame_migratetype(pool, frame) == PB_MIGRATE_ISOLATE;
		while (!busy && frame < stop && pool->pages[frame].state == from)
			store_relaxed(&pool->pages[frame++].state, to);
		pb_platform_unlock(&stripe->lock);
		if (frame < stop)
			break;
	}
	return frame;
}

/* Change the page bytes of [start, end), whose spans are CHANGING, from one state to another.
   Returns the pfn of the first frame that is in a third state since pb_online() was faster, or
   end. */
static u64 change_pages(struct pb_pool *pool, u64 start, u64 end, u8 from, u8 to)
{
	for (u64 pfn = start; pfn < end; pfn += span_frames(pool)) {
		u32 frame = pfn_to_place(pool, pfn);
		u32 stop = frame + (u32)min_u64(span_frames(pool), end - pfn);
		u32 at = change_frames(pool, frame, stop, from, to);

		if (at < stop)
			return pfn + (at - frame);
	}
	return end;
}

static int do_remove(struct pb_pool *pool, u64 start, u64 end, uint64_t *obstacle)
{
	int code = range_fault(pool, start, end);
	u64 spans, pages = start;

	if (code)
		return code;
	spans = first_in_use(pool, start, end);
	if (spans < end)
		return refuse(obstacle, spans,
			      pfn_to_frame(pool, spans) == NO_FRAME ? PB_ENODEV : PB_EBUSY);
	spans = change_spans(pool, start, end, SPAN_THERE, SPAN_CHANGING);
	if (spans == end)
		pages = change_pages(pool, start, end, PAGE_RESERVED, PAGE_ABSENT);
	if (pages == end) {
		add_present(pool, start, end, false);
		shrink_reserves(pool, start, end);
		(void)change_spans(pool, start, end, SPAN_CHANGING, SPAN_ABSENT);
		return PB_OK;
	}
	(void)change_pages(pool, start, pages, PAGE_ABSENT, PAGE_RESERVED);
	(void)change_spans(pool, start, spans, SPAN_CHANGING, SPAN_THERE);
	return refuse(obstacle, spans < end ? spans : pages, PB_EBUSY);
}

int pb_remove(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn, uint64_t *obstacle)
{
	int code;

	pool_enter(pool);
	code = do_remove(pool, start_pfn, end_pfn, obstacle);
	pool_leave(pool);
	return code;
}
