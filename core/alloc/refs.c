/* SPDX-License-Identifier: MIT */
/*
 * What the holders of an allocated block may change: its references, the marks in its page
 * byte, and, by splitting it, its order.
 */
#include "alloc/refs.h"

#include "pcp/shared.h"

bool is_block(const struct pb_pool *pool, const struct pb_page *page, unsigned int order)
{
	u8 mask = (u8) ~(PB_PAGE_MOVABLE | PB_PAGE_SHARED);

	return page_frame(pool, page) != NO_FRAME && order <= pool->max_order &&
	       (load_relaxed(&page->state) & mask) == (PB_PAGE_HEAD | order);
}

/*
 * The exchange is of the word around the byte, as not every machine exchanges bytes.
 * Other threads may store to the other three bytes meanwhile: then the word differs from
 * the one that was read, and the exchange is tried again, so no store is lost.
 */
bool change_byte(struct pb_page *page, u8 old, u8 new)
{
	uintptr_t address = (uintptr_t)page;
	u32 *word = (u32 *)(address & ~(uintptr_t)3);
	u32 found = load_relaxed(word), wanted;
	u8 bytes[4];

	do {
		memcpy(bytes, &found, 4);
		if (bytes[address & 3] != old)
			return false;
		bytes[address & 3] = new;
		memcpy(&wanted, bytes, 4);
	} while (!pb_atomic_compare_exchange_n(word, &found, wanted, false, __ATOMIC_ACQ_REL,
					       __ATOMIC_RELAXED));
	return true;
}

/* Set or clear a bit of an owned page's byte, while other holders may do the same. */
static void set_mark(struct pb_page *page, u8 mark, bool on)
{
	u8 old;

	do {
		old = load_relaxed(&page->state);
	} while (!change_byte(page, old, (u8)(on ? old | mark : old & ~mark)));
}

/*
 * True: the caller's reference was the last one, and nobody else may touch the page any
 * more. The count is 0 again then, as it is for every page that is not SHARED:
 * pb_get_page() relies on that.
 */
bool put_shared(const struct pb_pool *pool, u32 frame)
{
	u32 *refs = (u32 *)pool_at(pool, pool->super->refs) + frame;
	/* Acquire: what other holders did before they dropped theirs is seen. */
	u32 more = pb_atomic_load_n(refs, __ATOMIC_ACQUIRE);

	while (more)
		if (pb_atomic_compare_exchange_n(refs, &more, more - 1, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			return false;
	return true;
}

u32 owned_frame(const struct pb_pool *pool, const struct pb_page *page, const struct call *call)
{
	u32 frame = page_frame(pool, page);

	if (frame != NO_FRAME && load_relaxed(&page->state) & PB_PAGE_HEAD)
		return frame;
	(void)misuse_page(pool, call, page, 0);
	return NO_FRAME;
}

static int do_split_page(struct pb_pool *pool, struct pb_page *page, unsigned int order,
			 const struct call *call)
{
	u32 frame = page_frame(pool, page);
	u8 state;

	if (frame == NO_FRAME || order > pool->max_order)
		return misuse_page(pool, call, page, order);
	state = load_relaxed(&page->state);
	if ((state & ~(PB_PAGE_MOVABLE | PB_PAGE_SHARED)) != (PB_PAGE_HEAD | order))
		return misuse_page(pool, call, page, order);
	pool_enter(pool);
	/* further references stay with the first page. Its byte is stored last: a process that
	   dies before that still has the whole block, see recover.c */
	for (u32 i = (1u << order) - 1; i; i--) {
		if (pool->owners)
			store_relaxed(&pool->owners[frame + i], pool->owners[frame]);
		store_ordered(&page[i].state, (u8)(state & ~(PB_PAGE_ORDER | PB_PAGE_SHARED)));
	}
	store_ordered(&page->state, (u8)(state & ~PB_PAGE_ORDER));
	pool_leave(pool);
	return PB_OK;
}

int pb_split_page(struct pb_pool *pool, struct pb_page *page, unsigned int order)
{
	return do_split_page(pool, page, order, CALL("pb_split_page"));
}

int pb_split_page_as(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		     const char *name)
{
	return pool ? do_split_page(pool, page, order, CALL(name)) : PB_ENODEV;
}

static int misuse_refs(const struct pb_pool *pool, const struct call *call,
		       const struct pb_page *page, unsigned int found)
{
	struct misuse what = { .kind = PB_MISUSE_REFCOUNT, .page = page, .found = found };

	what.pfn = frame_to_pfn(pool, page_frame(pool, page));
	what.order = load_relaxed(&page->state) & PB_PAGE_ORDER;
	return report_misuse(pool, call, &what);
}

static int do_get_page(struct pb_pool *pool, struct pb_page *page, const struct call *call)
{
	u32 frame = owned_frame(pool, page, call);
	u32 *refs;

	if (frame == NO_FRAME)
		return PB_EMISUSE;
	if (!(pool->super->flags & PB_POOL_REFCOUNT))
		return misuse_refs(pool, call, page, 0);
	refs = (u32 *)pool_at(pool, pool->super->refs) + frame;
	/* SHARED first: a crash in between leaves a SHARED page of count 0, which is valid */
	if (!(load_relaxed(&page->state) & PB_PAGE_SHARED))
		set_mark(page, PB_PAGE_SHARED, true);
	if (pb_atomic_fetch_add(refs, 1, __ATOMIC_RELAXED) < INT32_MAX)
		return PB_OK;
	pb_atomic_fetch_sub(refs, 1, __ATOMIC_RELAXED);
	return misuse_refs(pool, call, page, INT32_MAX);
}

int pb_get_page(struct pb_pool *pool, struct pb_page *page)
{
	return do_get_page(pool, page, CALL("pb_get_page"));
}

int pb_get_page_as(struct pb_pool *pool, struct pb_page *page, const char *name)
{
	return pool ? do_get_page(pool, page, CALL(name)) : PB_ENODEV;
}

unsigned int pb_page_count(struct pb_pool *pool, const struct pb_page *page)
{
	u32 frame = page_frame(pool, page);
	u8 state;

	if (frame == NO_FRAME)
		return 0;
	state = load_relaxed(&page->state);
	if (!(state & PB_PAGE_HEAD))
		return 0;
	if (!(state & PB_PAGE_SHARED))
		return 1;
	return 1 + load_relaxed((u32 *)pool_at(pool, pool->super->refs) + frame);
}

int pb_page_order(struct pb_pool *pool, const struct pb_page *page)
{
	u8 state;

	if (page_frame(pool, page) == NO_FRAME)
		return PB_ENODEV;
	state = load_relaxed(&page->state);
	return state & PB_PAGE_HEAD ? (int)(state & PB_PAGE_ORDER) : PB_EINVAL;
}

int pb_set_movable(struct pb_pool *pool, struct pb_page *page, bool movable)
{
	if (owned_frame(pool, page, CALL("pb_set_movable")) == NO_FRAME)
		return PB_EMISUSE;
	set_mark(page, PB_PAGE_MOVABLE, movable);
	return PB_OK;
}
