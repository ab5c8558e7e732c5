/* SPDX-License-Identifier: MIT */
/*
 * Whose a page is: each allocated block has a tag at its first frame. The tag is stored
 * before the page byte that makes the block owned, so that an owned block has its owner's
 * tag at whatever point the owner dies.
 */
#include "alloc/misuse.h"
#include "base/frame.h"
#include "pcp/shared.h"

void pb_set_owner(struct pb_pool *pool, uint32_t tag)
{
	pool->owner = tag;
}

uint32_t pb_page_owner(const struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);

	if (frame == NO_FRAME || !pool->owners || !(load_relaxed(&page->state) & PB_PAGE_HEAD))
		return 0;
	return load_relaxed(&pool->owners[frame]);
}

/* Returns the pages that became free. The tag of a block with other holders is cleared before the
   reference is dropped, so that a second call doesn't drop another holder's. A block that is freed
   keeps its tag until then: if this process dies in here, the next call frees the rest. */
static u64 free_owned(struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct pb_page *page = pool->pages + frame;

	if (pb_page_count(pool, page) > 1) {
		store_relaxed(&pool->owners[frame], 0);
		(void)pb_put_page(pool, page);
		return 0;
	}
	return pb_free_pages(pool, page, order) == PB_OK ? (u64)1 << order : 0;
}

static u64 free_all_owned(struct pb_pool *pool, u32 tag)
{
	u64 freed = 0;

	for (u64 frame = 0; frame < pool->nr_frames;) {
		u8 state = frame_state(pool, (u32)frame);
		unsigned int order = state & PB_PAGE_HEAD ? state & PB_PAGE_ORDER : 0;

		if (state & PB_PAGE_HEAD && load_relaxed(&pool->owners[frame]) == tag)
			freed += free_owned(pool, (u32)frame, order);
		frame += (u64)1 << order;
	}
	return freed;
}

int pb_free_owner(struct pb_pool *pool, uint32_t tag, uint64_t *pages)
{
	u64 freed;

	if (pages)
		*pages = 0;
	if (!pool->owners)
		return PB_ENOTSUP;
	/* In a shared pool nobody moves blocks meanwhile: one that is moved lies in two
	   places, both with its owner's tag. */
	pool_enter(pool);
	if (pool_is_shared(pool))
		pb_drain(pool, -1); /* settles lists that the dead left with a block they own */
	freed = free_all_owned(pool, tag);
	pool_leave(pool);
	if (pages)
		*pages = freed;
	return PB_OK;
}
