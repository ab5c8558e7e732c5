/* SPDX-License-Identifier: MIT */
/*
 * The free path: the page byte must say that this is the head of an allocated block of this
 * order (if not, misuse.c finds out why); a reference is dropped; if it was the last one the
 * byte is cleared, and the block goes onto this CPU's list. When the list is full its limit
 * grows, and when that is at its maximum a batch goes back to the zone, which merges it.
 */
#include "alloc/page_alloc.h"

#include "alloc/refs.h"
#include "pcp/quarantine.h"
#include "pcp/shared.h"

/* The CPU that a free counts for. */
static inline u32 free_cpu(const struct pb_pool *pool)
{
	return pool->percpu_cpus ? pcp_cpu(pool) : NO_CPU;
}

void free_frames(struct pb_pool *pool, u32 frame, unsigned int order)
{
	struct zone *zone = zone_of_frame(pool, frame);
	u32 cpu = free_cpu(pool);

	if (pcp_allowed_order(pool, order) && free_pcplist(pool, zone, cpu, frame, order))
		return;
	free_one_page(pool, zone, cpu, frame, order);
}

/* How many of n frames in a row go to the same list as the first one. */
static u32 same_list(const struct zone_request *what, u32 n, const u32 *frames)
{
	u32 i = 1;

	while (i < n && zone_of_frame(what->pool, frames[i]) == what->zone &&
	       frame_migratetype(what->pool, frames[i]) == what->type)
		i++;
	return i;
}

void free_frames_bulk(struct pb_pool *pool, unsigned int order, u32 n, u32 *frames)
{
	while (n) {
		/* the type is read once, since it may change */
		const struct zone_request what = {
			pool,  zone_of_frame(pool, frames[0]),     free_cpu(pool),
			order, frame_migratetype(pool, frames[0]), 0
		};
		u32 alike = same_list(&what, n, frames), done = 0;

		if (pcp_allowed_order(pool, order))
			done = free_pcplist_bulk(&what, alike, frames);
		if (!done) {
			done = alike;
			free_pages_bulk(&what, done, frames);
		}
		frames += done;
		n -= done;
	}
}

/* Drop a reference; *freed: the block if that was its last one, or NO_FRAME. */
static int release(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		   const struct call *call, u32 *freed)
{
	u32 frame = page_frame(pool, page);
	u8 state;

	*freed = NO_FRAME;
	if (frame == NO_FRAME)
		return misuse_page(pool, call, page, order);
	state = load_relaxed(&page->state);
	if ((state & ~(PB_PAGE_MOVABLE | PB_PAGE_SHARED)) != (PB_PAGE_HEAD | order) ||
	    order > pool->max_order)
		return misuse_page(pool, call, page, order);
	if (state & PB_PAGE_SHARED && !put_shared(pool, frame))
		return PB_OK;
	if (!pool->hardened)
		store_relaxed(&page->state, 0);
	else if (!change_byte(page, state, 0)) /* one of two concurrent frees is caught here */
		return misuse_page(pool, call, page, order);
	*freed = frame;
	return PB_OK;
}

static int free_slow(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		     const struct call *call)
{
	u32 frame;
	int code = release(pool, page, order, call, &frame);

	if (frame != NO_FRAME && !quarantine_put(pool, frame, order))
		free_frames(pool, frame, order);
	return code;
}

/*
 * A block that its owner knows to be zero. It passes the per-CPU lists by, whose blocks are
 * handed out without a look; one of less than a pageblock is freed as any other.
 */
static int free_cleared(struct pb_pool *pool, struct pb_page *page, unsigned int order,
			const struct call *call)
{
	u32 frame;
	int code;

	if (!(pool->super->flags & PB_POOL_CLEARED) || order < pool->pageblock_order)
		return free_slow(pool, page, order, call);
	code = release(pool, page, order, call, &frame);
	if (frame == NO_FRAME)
		return code;
	marks_change(pool, frame, frame + (1u << order), MARK_CLEARED, 0);
	if (!quarantine_put(pool, frame, order))
		free_one_page(pool, zone_of_frame(pool, frame), free_cpu(pool), frame, order);
	return code;
}

/* The first frame of the block, as far as it has addresses, that isn't zero, or NO_FRAME. */
static u32 first_dirty(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	size_t words = ((size_t)1 << pool->page_shift) / sizeof(u64);

	for (u32 end = frame + (1u << order); frame < end; frame++) {
		const eight_pages *word = frame_address(pool, frame);

		for (size_t i = 0; word && i < words; i++)
			if (word[i])
				return frame;
	}
	return NO_FRAME;
}

/* Hardened pools look. Its owner alone can write there, so the pool's lock isn't needed. */
static int check_cleared(const struct pb_pool *pool, const struct pb_page *page, unsigned int order,
			 const struct call *call)
{
	struct misuse what = { .kind = PB_MISUSE_NOT_CLEARED, .page = page, .order = order };
	u32 frame, dirty;

	if (!pool->hardened || !is_block(pool, page, order))
		return PB_OK;
	frame = page_frame(pool, page);
	dirty = first_dirty(pool, frame, order);
	if (dirty == NO_FRAME)
		return PB_OK;
	what.pfn = frame_to_pfn(pool, frame);
	what.found = dirty - frame;
	return report_misuse(pool, call, &what);
}

int pb_free_pages_cleared(struct pb_pool *pool, struct pb_page *page, unsigned int order)
{
	const struct call *call = CALL("pb_free_pages_cleared");
	int code = PB_WITH_MARKS ? check_cleared(pool, page, order, call) : PB_OK;

	if (code)
		return code;
	pool_enter(pool);
	code = PB_WITH_MARKS ? free_cleared(pool, page, order, call)
			     : free_slow(pool, page, order, call);
	pool_leave(pool);
	return code;
}

u32 release_block(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		  const struct call *call)
{
	u32 frame;

	(void)release(pool, page, order, call, &frame);
	return frame;
}

/*
 * Is this the head of an allocated block of this order, with no other reference?
 * SHARED is turned over, so that no order can stand for it, and the sum is one of
 * 64 bits, so that none wraps round: only the block's own order matches.
 */
static inline bool owned_block(const struct pb_page *page, unsigned int order)
{
	return ((load_relaxed(&page->state) ^ PB_PAGE_SHARED) & ~PB_PAGE_MOVABLE) ==
	       (u64)(PB_PAGE_HEAD | PB_PAGE_SHARED) + order;
}

/* In a shared pool a page changes its owner under a lock, whose word tells which process died while
   it held the lock (shared.h). */
static int free_shared(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		       const struct call *call)
{
	u32 frame = page_frame(pool, page);
	int code;

	if (frame != NO_FRAME && order < pool->nr_pcp_orders && !pool->hardened &&
	    owned_block(page, order) && shared_push(pool, frame, order))
		return PB_OK;
	pool_enter(pool);
	code = free_slow(pool, page, order, call);
	pool_leave(pool);
	return code;
}

static NOINLINE int free_reported(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				  const char *name, const void *caller)
{
	const struct call call = { name, caller };

	return pool_is_shared(pool) ? free_shared(pool, page, order, &call)
				    : free_slow(pool, page, order, &call);
}

/* Free a block whose byte is clear already, and for which this CPU's list had no room. */
static NOINLINE int free_overflow(struct pb_pool *pool, u32 frame, unsigned int order)
{
	free_frames(pool, frame, order);
	return PB_OK;
}

/* Push by the thread's concurrency id, in a PB_POOL_CIDS pool. */
static NOINLINE int free_by_cid(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				const char *name, const void *caller)
{
	size_t frame = (uintptr_t)page - (uintptr_t)pool->pages;
	u32 class;

	if (unlikely(frame >= pool->nr_frames || pool->hardened || !owned_block(page, order)))
		return free_reported(pool, page, order, name, caller);
	class = load_relaxed(&pool->pcp_class[frame >> pool->pageblock_order]);
	store_relaxed(&page->state, 0);
	if (likely(pcp_cid_push(pool, class, order, frame) == PCP_OK))
		return PB_OK;
	return free_overflow(pool, (u32)frame, order);
}

/* Push onto this CPU's list under its lock, unless the free needs more than that. */
static NOINLINE int free_missed(struct pb_pool *pool, struct pb_page *page, unsigned int order,
				const char *name, const void *caller)
{
	size_t frame = (uintptr_t)page - (uintptr_t)pool->pages;
	u32 class;

	if (unlikely(frame >= pool->lock_free_frames || !owned_block(page, order)))
		return free_reported(pool, page, order, name, caller);
	/* an order without lists needs no test: its list is one that is always full */
	class = load_relaxed(&pool->pcp_class[frame >> pool->pageblock_order]);
	store_relaxed(&page->state, 0);
	if (unlikely(pcp_lock_push(pool, class, order, (u32)frame) != PCP_OK))
		free_frames(pool, (u32)frame, order);
	return PB_OK;
}

/* `name` is the caller's word for the function in which this is inlined. It is inlined whatever the
   compiler is asked for, so that CALLER is who called that function. */
static inline __attribute__((always_inline)) int
free_block(struct pb_pool *pool, struct pb_page *page, unsigned int order, const char *name)
{
	size_t frame = (uintptr_t)page - (uintptr_t)pool->pages;
	u32 class;

	prefetch_write(page); /* wherever it points: a prefetch never faults */
	if (unlikely(frame >= pool->rseq_free_frames || !owned_block(page, order)))
		return pcp_by_cid(pool) ? free_by_cid(pool, page, order, name, CALLER)
					: free_missed(pool, page, order, name, CALLER);
	class = load_relaxed(&pool->pcp_class[frame >> pool->pageblock_order]);
	store_relaxed(&page->state, 0);
	if (likely(pcp_rseq_push(pool, class, order, frame) == PCP_OK))
		return PB_OK;
	return free_overflow(pool, (u32)frame, order);
}

FAST int pb_free_pages(struct pb_pool *pool, struct pb_page *page, unsigned int order)
{
	return free_block(pool, page, order, "pb_free_pages");
}

int pb_free_pages_as(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		     const char *name)
{
	return pool ? free_block(pool, page, order, name) : PB_ENODEV;
}

static int do_put_page(struct pb_pool *pool, struct pb_page *page, const struct call *call)
{
	u32 frame = owned_frame(pool, page, call);
	int code;

	if (frame == NO_FRAME)
		return PB_EMISUSE;
	pool_enter(pool);
	code = free_slow(pool, page, load_relaxed(&page->state) & PB_PAGE_ORDER, call);
	pool_leave(pool);
	return code;
}

int pb_put_page(struct pb_pool *pool, struct pb_page *page)
{
	return do_put_page(pool, page, CALL("pb_put_page"));
}

int pb_put_page_as(struct pb_pool *pool, struct pb_page *page, const char *name)
{
	return pool ? do_put_page(pool, page, CALL(name)) : PB_ENODEV;
}
