/* SPDX-License-Identifier: MIT */
/*
 * I45: what is known of free memory (block/marks.h).
 */
#include "inspect/validate.h"

#include "pcp/quarantine.h"

/* Marks that this pool may have. */
static u32 possible_marks(const struct pb_pool *pool)
{
	u32 marks = 0;

	if (pool->super->flags & PB_POOL_REPORTING)
		marks |= MARK_REPORTED | MARK_SETTLED;
	if (pool->super->flags & PB_POOL_CLEARED)
		marks |= MARK_CLEARED;
	return marks;
}

/* Whoever has a pageblock with marks has not written to it. */
static int check_pageblock(struct check *c, u32 pageblock)
{
	u32 marks = pageblock_marks(c->pool, pageblock);
	u32 frame = pageblock << c->pool->pageblock_order;

	if (marks & ~possible_marks(c->pool))
		return broken_number(c, 45, "marks that the pool has not",
				     AT("pageblock", pageblock),
				     FOUND(marks, possible_marks(c->pool)));
	if (!frame_is_there(c->pool, frame))
		return broken_at(c, 45, "a pageblock that isn't there has marks", "pageblock",
				 pageblock);
	if (!pageblock_is_free(c->pool, pageblock) && !quarantine_has(c->pool, frame))
		return broken_at(c, 45, "a pageblock that isn't free has marks", "pageblock",
				 pageblock);
	return PB_OK;
}

static int check_count(struct check *c, const char *what, u32 mark, u64 found)
{
	u32 counted = *marked_count(c->pool, mark);

	return counted == found ? PB_OK
				: broken_number(c, 45, what, AT("pool", 0), FOUND(counted, found));
}

int check_marks(struct check *c)
{
	u64 reported = 0, cleared = 0;

	if (!has_marks(c->pool))
		return PB_OK;
	for (u32 i = 0; i < c->pool->super->nr_pageblocks; i++) {
		u32 marks = pageblock_marks(c->pool, i);

		if (marks)
			CHECK(check_pageblock(c, i));
		reported += (marks & MARK_REPORTED) != 0;
		cleared += (marks & MARK_CLEARED) != 0;
	}
	CHECK(check_count(c, "pageblocks that are reported", MARK_REPORTED, reported));
	return check_count(c, "pageblocks that are known to be zero", MARK_CLEARED, cleared);
}
