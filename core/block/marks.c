/* SPDX-License-Identifier: MIT */
#include "block/marks.h"

static void count(struct pb_pool *pool, u32 mark, u32 before, u32 after)
{
	if ((before ^ after) & mark)
		pb_atomic_fetch_add(marked_count(pool, mark), after & mark ? 1u : 0u - 1,
				    __ATOMIC_RELAXED);
}

static void change(struct pb_pool *pool, u32 pageblock, u32 set, u32 clear)
{
	u32 *word = &pool->marks[pageblock];
	u32 before = load_relaxed(word), after;

	do {
		after = (before & ~clear) | set;
		if (before == after)
			return;
	} while (!pb_atomic_compare_exchange_n(word, &before, after, true, __ATOMIC_RELAXED,
					       __ATOMIC_RELAXED));
	count(pool, MARK_REPORTED, before, after);
	count(pool, MARK_CLEARED, before, after);
}

void marks_change(struct pb_pool *pool, u32 frame, u32 end, u32 set, u32 clear)
{
	for (u32 i = frame >> pool->pageblock_order; i <= (end - 1) >> pool->pageblock_order; i++)
		change(pool, i, set, clear);
}

u32 marks_of(const struct pb_pool *pool, u32 frame, u32 end)
{
	u32 marks = MARKS;

	for (u32 i = frame >> pool->pageblock_order; i <= (end - 1) >> pool->pageblock_order; i++)
		marks &= pageblock_marks(pool, i);
	return marks;
}

u32 marks_any(const struct pb_pool *pool, u32 frame, u32 end)
{
	u32 marks = 0;

	for (u32 i = frame >> pool->pageblock_order; i <= (end - 1) >> pool->pageblock_order; i++)
		marks |= pageblock_marks(pool, i);
	return marks;
}

#define GUESS_ORDERS 4u /* of so many orders above the pageblock's all marks are read */

u32 marks_penalty(const struct pb_pool *pool, u32 frame, unsigned int order, u32 wish)
{
	unsigned int most = pool->pageblock_order + GUESS_ORDERS;
	u32 marks = marks_of(pool, frame, frame + (1u << (order < most ? order : most)));
	bool cleared = marks & MARK_CLEARED, reported = marks & MARK_REPORTED;

	if (wish == WISH_CLEARED)
		return (cleared ? 0u : 2u) + (u32)reported;
	/* to have back what was given away costs more than to wipe later */
	return (reported ? 2u : 0u) + (u32)cleared;
}
