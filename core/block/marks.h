/* SPDX-License-Identifier: MIT */
/*
 * What is known of free memory, a word for each pageblock (PB_POOL_REPORTING, PB_POOL_CLEARED):
 *
 *	MARK_REPORTED	the report hook was told that it is free (range/report.c)
 *	MARK_CLEARED	it is zero: freed so, or the report hook made it so
 *	MARK_SETTLED	pb_report_free() has seen it free, and not reported it yet
 *
 * I45: a pageblock with marks is free as a whole, waits in the quarantine, or is on its way between
 * these in somebody's hands: nobody writes there. So marks stay through merges, splits and
 * changes of lists, none of which looks at them. They go before the first of its frames is
 * handed out (hand_out() in alloc/hand_out.c), or comes to a per-CPU list, from which frames are handed
 * out without a look (marks_admit()): that is all that allocation and free pay for them, off
 * their fast paths, and nothing in pools without.
 *
 * Marks are changed atomically, since two CPUs may hand out frames of one pageblock at once. Whoever
 * takes a frame finds what was known before it was freed: both are done under its stripe's lock.
 */
#ifndef PB_CORE_MARKS_H
#define PB_CORE_MARKS_H

#include "base/frame.h"

#define MARK_REPORTED 0x1u
#define MARK_CLEARED 0x2u
#define MARK_SETTLED 0x4u
#define MARKS 0x7u

static inline bool has_marks(const struct pb_pool *pool)
{
	return PB_WITH_MARKS && unlikely(pool->marks != NULL);
}

static inline u32 pageblock_marks(const struct pb_pool *pool, u32 pageblock)
{
	return load_relaxed(&pool->marks[pageblock]);
}

/* Bytes of the array, with the two counts behind it. */
static inline u64 marks_bytes(const struct pb_super *super)
{
	return PB_WITH_MARKS && super->flags & (PB_POOL_REPORTING | PB_POOL_CLEARED)
		       ? (super->nr_pageblocks + (u64)2) * sizeof(u32)
		       : 0;
}

/* It lies behind there[]. */
static inline u64 marks_place(const struct pb_super *super)
{
	return align_up(super->there + (super->hotplug ? super->nr_spans : 0), LINE_BYTES);
}

/* Pageblocks of the pool with this mark, REPORTED or CLEARED. */
static inline u32 *marked_count(const struct pb_pool *pool, u32 mark)
{
	return &pool->marks[pool->super->nr_pageblocks + (mark == MARK_CLEARED)];
}

/* The marks that all pageblocks of [frame, end) have, in part or as a whole. pre: has_marks(). */
u32 marks_of(const struct pb_pool *pool, u32 frame, u32 end);
/* The marks that any of them has. */
u32 marks_any(const struct pb_pool *pool, u32 frame, u32 end);
/* Set and take away marks of each of these pageblocks. pre: has_marks(), and none of their frames
   is anybody's, but for the caller's. */
void marks_change(struct pb_pool *pool, u32 frame, u32 end, u32 set, u32 clear);

/* What a request prefers among free blocks of one order: which is free has the marks that it can
   use, and no others that cost something. */
enum marks_wish { WISH_NONE, WISH_CLEARED, WISH_PLAIN };

/* How little a free block of at least a pageblock is wished for: 0 the least. Of a large one a guess. */
u32 marks_penalty(const struct pb_pool *pool, u32 frame, unsigned int order, u32 wish);

#endif
