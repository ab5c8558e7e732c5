/* SPDX-License-Identifier: MIT */
/*
 * Frames by address: take this very block, empty a range, hold others off it.
 */
#ifndef PB_CORE_ISOLATE_H
#define PB_CORE_ISOLATE_H

#include "alloc/misuse.h"
#include "pcp/pcp.h"

/* Isolated pageblocks are those of the call that isolated them, and nobody else's. */
enum take_from { TAKE_USABLE, TAKE_ISOLATED };

/*
 * Take every frame of [frame, end) (one zone) out of the buddy, or none: PB_OK,
 * PB_EBUSY. What per-CPU lists hold is drained first if need be. The frames are
 * nobody's afterwards.
 */
int take_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end, enum take_from from);
/* Give [frame, end) back to the buddy in the largest aligned blocks. */
void put_range(struct pb_pool *pool, struct zone *zone, u32 frame, u32 end);

/* Spec 12.1: whole pageblocks from `pageblock` on, as ISOLATE; undo restores.
   False: one of them is isolated already; nothing has changed. */
bool isolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n);
/* The same without the drain of per-CPU lists: what these hold stays out of the range. */
bool isolate_undrained(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n);
void unisolate_pageblocks(struct pb_pool *pool, struct zone *zone, u32 pageblock, u32 n);

/* First frame of [frame, end), whole blocks looked at, that this could not empty
   (`movable`: there is a hook) or that another call isolated; or end. A race. */
u32 first_fixed(struct pb_pool *pool, u32 frame, u32 end, bool movable);

/* Next pfn of a present frame in [pfn, end) and how far its zone's run goes. */
bool next_run(const struct pb_pool *pool, u64 pfn, u64 end, u32 *frame, u32 *frame_end);

/* Brings the reserved frames of [start_pfn, end_pfn) into use: hotplug.c. */
int online_range(struct pb_pool *pool, u64 start_pfn, u64 end_pfn);

#endif
