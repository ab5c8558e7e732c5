/* SPDX-License-Identifier: MIT */
/*
 * Frames by address: take a given range off the free lists, and isolate pageblocks so that
 * nobody else allocates there.
 */
#ifndef PB_CORE_ISOLATE_H
#define PB_CORE_ISOLATE_H

#include "alloc/misuse.h"
#include "pcp/pcp.h"

/* TAKE_ISOLATED is for the call that isolated the pageblocks; all others leave them alone. */
enum take_from { TAKE_USABLE, TAKE_ISOLATED };

/*
 * Take every frame of [frame, end), all in one zone, off the free lists, or none: PB_OK or
 * PB_EBUSY. Per-CPU lists are drained if a frame may be in one. The frames are neither free
 * nor owned afterwards.
 */
int take_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, enum take_from from);
/* Free [frame, end) in the largest aligned blocks, of at most a pageblock. */
void put_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end);

/* Spec 12.1: make n pageblocks ISOLATE, and drain the zone's per-CPU lists.
   False: one of them is isolated already, and nothing has changed. */
bool isolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n);
/* The same without the drain: blocks of the range that lie in per-CPU lists stay there. */
bool isolate_undrained(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n);
/* Restore the pageblocks' former types, and merge their free blocks. */
void unisolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n);

/* First frame of [frame, end) that can't be emptied, or that another call has isolated, or end.
   `movable`: a migrate hook can move blocks away. Looks without locks, so the answer may be old. */
u32 first_fixed(struct pb_pool *pool, u32 frame, u32 end, bool movable);

/* The run of present frames of one zone that begins at `pfn` and ends by `end`: [*frame,
   *frame_end). False: `pfn` isn't in the memory map, or not below `end`. */
bool next_run(const struct pb_pool *pool, u64 pfn, u64 end, u32 *frame, u32 *frame_end);

/* Free the reserved frames of [start_pfn, end_pfn); in hotplug.c. */
int online_range(struct pb_pool *pool, u64 start_pfn, u64 end_pfn);

#endif
