/* SPDX-License-Identifier: MIT */
/*
 * Recovery: which metadata is the truth, and which is rebuilt from it.
 *
 *	true, one byte each     page bytes     who owns what, what is reserved
 *	                        pageblocks     types (an isolated one's: old_type)
 *	true, fixed at init     the memory map, sizes, configuration
 *	true, as last set       tunables
 *	follows                 trees, lists, counts, masks, totals, watermarks,
 *	                        per-CPU lists and their sizes, lock words
 *
 * A byte is stored whole or not at all, so a death at any store leaves the first
 * three groups as they were before the store or after it. The fourth may hold anything:
 * it is only written, except that lock words are read to find out whether their owner died.
 *
 * An owner that dies in pb_split_page() has written its pages' bytes last to first:
 * as long as the first still has the block's order, the block is one block, and
 * the heads inside it are cleared here.
 */
#include "boot/recover.h"
#include "base/seal.h"
#include "pcp/tunables.h"

#include "block/marks.h"
#include "boot/layout.h"
#include "boot/memmap.h"
#include "pcp/pcp.h"
#include "pcp/quarantine.h"

/* -------------------------------------------------------------- page bytes */

static bool is_owned_block(const struct pb_pool *pool, u32 frame)
{
	unsigned int order = pool->pages[frame].state & PB_PAGE_ORDER;

	/* an aligned block ends inside its span, and so inside its zone */
	if (order > pool->max_order || frame & ((1u << order) - 1))
		return false;
	for (u32 i = 1; i < 1u << order; i++)
		if (pool->pages[frame + i].state == PAGE_RESERVED ||
		    pool->pages[frame + i].state == PAGE_ABSENT)
			return false;
	return true;
}

/* A frame without owner has no references. The counts of owned frames are left alone: in a shared
   pool live processes change them at this very moment. */
static void forget_references(struct pb_pool *pool, u32 frame)
{
	u32 *refs = (u32 *)pool_at(pool, pool->super->refs) + frame;

	if (pool->super->flags & PB_POOL_REFCOUNT && *refs)
		*refs = 0;
}

/* Clear the page bytes behind a block's head, so that no other block is in it. Returns its end. */
static u32 settle_block(struct pb_pool *pool, u32 frame)
{
	struct pb_page *page = pool->pages + frame;
	u32 n;

	if (!is_owned_block(pool, frame)) /* a damaged byte: no death can leave this */
		page->state &= (u8)~PB_PAGE_ORDER;
	if (page->state & PB_PAGE_SHARED && !(pool->super->flags & PB_POOL_REFCOUNT))
		page->state &= (u8)~PB_PAGE_SHARED;
	n = 1u << (page->state & PB_PAGE_ORDER);
	for (u32 i = 1; i < n; i++) {
		page[i].state = 0;
		forget_references(pool, frame + i);
	}
	return frame + n;
}

/* The first frame from here on whose memory is there, or end. */
static u64 next_there(const struct pb_pool *pool, u64 frame, u64 end)
{
	while (frame < end && !frame_is_there(pool, (u32)frame))
		frame += (u64)1 << pool->max_order; /* `frame` is the first of a span */
	return frame;
}

/* A span that was CHANGING when a process died is absent: nobody owned any of it. A COMING span is
   there; those of its frames that were not online yet stay reserved. */
static void settle_spans(struct pb_pool *pool, struct zone *zone)
{
	for (u32 i = 0; CAN_GROW && pool->super->hotplug && i < zone->nr_spans; i++) {
		u32 span = zone->first_span + i;

		if (*span_there(pool, span) == SPAN_COMING)
			*span_there(pool, span) = SPAN_THERE;
		if (*span_there(pool, span) != SPAN_CHANGING)
			continue;
		memset(span_tree(pool, span << pool->max_order), 0, pool->span_words * 8u);
		*span_there(pool, span) = SPAN_ABSENT;
	}
}

static void settle_pages(struct pb_pool *pool, struct zone *zone)
{
	u64 frame = zone_first_frame(pool, zone);
	u64 end = frame + zone_nr_frames(pool, zone);
	u64 managed = 0, reserved = 0;

	while ((frame = next_there(pool, frame, end)) < end) {
		u8 state = pool->pages[frame].state;

		if (state & PB_PAGE_HEAD) {
			u32 next = settle_block(pool, (u32)frame);

			managed += next - frame;
			frame = next;
			continue;
		}
		if (state != PAGE_RESERVED && state != PAGE_ABSENT)
			pool->pages[frame].state = 0; /* pb_validate()'s mark, if not 0 */
		managed += !pool->pages[frame].state;
		reserved += pool->pages[frame].state == PAGE_RESERVED;
		forget_references(pool, (u32)frame);
		frame++;
	}
	if (pool->super->hotplug)
		zone->present = managed + reserved;
	if (!pool_was_loaded(pool))
		zone->managed = managed;
}

/* -------------------------------------------------------------- pageblocks */

static u8 settled_type(const struct pb_pool *pool, const struct pageblock *pb)
{
	u8 type = pb->type;

	if (type == PB_MIGRATE_ISOLATE && !pool_was_loaded(pool))
		type = pb->old_type < PB_MIGRATE_ISOLATE ? pb->old_type : PB_MIGRATE_MOVABLE;
	if (type >= PB_MIGRATE_TYPES)
		type = PB_MIGRATE_MOVABLE;
	return type;
}

/* End isolation, and count the reserve by its pageblocks. */
static void settle_pageblocks(struct pb_pool *pool, struct zone *zone)
{
	u32 first = zone_first_pageblock(pool, zone);
	u64 reserved = 0, isolated = 0;

	for (u32 i = first; i < first + zone_nr_pageblocks(pool, zone); i++) {
		struct pageblock *pb = pool_pageblock(pool, i);

		if (!frame_is_there(pool, i << pool->pageblock_order))
			continue;
		pb->type = settled_type(pool, pb);
		pool->pcp_class[i] = zone_class(pool, zone, pb->type);
		reserved += pb->type == PB_MIGRATE_HIGHATOMIC;
		isolated += pb->type == PB_MIGRATE_ISOLATE;
		pb->mask = 0;
		pb->listed_order = NOT_LISTED;
		pb->listed_type = 0;
		if (!pool_is_linked(pool))
			memset(pb->nr_free, 0, 2u * (pool->pageblock_order + 1u));
	}
	zone->nr_isolate_pageblock = (unsigned long)isolated;
	if (!pool_was_loaded(pool))
		zone->nr_reserved_highatomic = reserved << pool->pageblock_order;
}

/* ------------------------------------------------------------- empty lists */

static void empty_stripe(struct pb_pool *pool, const struct zone *zone, struct stripe *stripe)
{
	stripe->lock = 0;
	stripe->nr_free_pages = 0;
	stripe->nr_free_cma = 0;
	stripe->nr_free_highatomic = 0;
	stripe->nr_isolated = 0;
	stripe->approx_free = 0;
	stripe->remote_active = NO_CPU;
	memset(stripe->moving, 0, sizeof(stripe->moving));
	memset(stripe->nonempty, 0, sizeof(stripe->nonempty));
	memset(stripe_area(pool, stripe, 0), 0, pool->super->orders * sizeof(struct free_area));
	memset(pool_at(pool, stripe->bitmaps), 0,
	       (size_t)stripe_bitmap_bytes(pool->super, zone->bitmap_words));
}

/* Empty the per-CPU lists; free_the_rest() frees their frames. The locks stay as they are. */
static void empty_areas(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++) {
		struct pcp_area *area = pcp_area(pool, cpu);
		const size_t bytes = cpu < pool->percpu_cpus ? pool->percpu_stride
							     : depot_bytes(pool->super);
		const size_t cold = pool->super->pcp_cold, lock = sizeof(area->lock);

		memset((unsigned char *)area - cold, 0, cold);
		memset((unsigned char *)area + lock, 0, bytes - cold - lock);
	}
	pcp_init_areas(pool);
}

/* ------------------------------------------------------------------- refill */

static void free_the_rest(struct pb_pool *pool, struct zone *zone)
{
	u64 frame = zone_first_frame(pool, zone);
	u64 end = frame + zone_nr_frames(pool, zone);
	u64 managed = zone->managed;

	while ((frame = next_there(pool, frame, end)) < end) {
		u8 state = pool->pages[frame].state;
		u64 run = frame;

		if (state & PB_PAGE_HEAD) {
			frame += (u64)1 << (state & PB_PAGE_ORDER);
			continue;
		}
		while (run < end && !frame_state(pool, (u32)run))
			run++;
		if (run > frame)
			release_range(pool, zone, (u32)frame, (u32)run);
		frame = run > frame ? run : frame + 1;
	}
	zone->managed = managed;
}

/* What was known of a pageblock holds as long as nothing of it has been handed out, which the marks'
   owner says: they went before. So they are only counted, and a damaged word set right. */
static void settle_marks(struct pb_pool *pool)
{
	if (!has_marks(pool))
		return;
	*marked_count(pool, MARK_REPORTED) = 0;
	*marked_count(pool, MARK_CLEARED) = 0;
	for (u32 i = 0; i < pool->super->nr_pageblocks; i++) {
		u32 frame = i << pool->pageblock_order, marks = pool->marks[i] & MARKS;

		if (!frame_is_there(pool, frame) || !pageblock_is_free(pool, i))
			marks = 0;
		pool->marks[i] = marks;
		*marked_count(pool, MARK_REPORTED) += (marks & MARK_REPORTED) != 0;
		*marked_count(pool, MARK_CLEARED) += (marks & MARK_CLEARED) != 0;
	}
}

static void recover_zone(struct pb_pool *pool, struct zone *zone)
{
	zone->lock = 0;
	zone->vm_free = 0;
	zone->flags &= ZONE_BOOSTED_WATERMARK | ZONE_BELOW_HIGH;
	memset(pool_at(pool, zone->runs), 0, (size_t)runs_bytes(zone_nr_pageblocks(pool, zone)));
	settle_spans(pool, zone);
	settle_pages(pool, zone);
	settle_pageblocks(pool, zone);
	for (u32 i = 0; i < zone->nr_stripes; i++)
		empty_stripe(pool, zone, zone_stripe(pool, zone, i));
}

static void pool_recover(struct pb_pool *handle)
{
	struct pb_pool mine = *handle, *pool = &mine;

	pool->hooks.trace = NULL; /* the steps of a recovery are not those of a request */
	pool->super->sizes_lock = 0;
	quarantine_reset(pool);
	for (u32 span = 0; span < pool->super->nr_spans; span++)
		if (frame_is_there(pool, span << pool->max_order))
			memset(span_tree(pool, span << pool->max_order), 0, pool->span_words * 8u);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		recover_zone(pool, pool_zone(pool, z));
	init_lists(pool);
	if (pool->percpu_cpus)
		empty_areas(pool);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		free_the_rest(pool, pool_zone(pool, z));
	settle_marks(pool);
	pcp_init_fast(pool);
}

static void recover_sizes(struct pb_pool *pool)
{
	if (!pool_was_loaded(pool)) {
		(void)lock_tunables(pool);
		apply_tunables(pool);
		return;
	}
	seal_sizes(pool->super);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		pcp_set_sizes(pool, pool_zone(pool, z));
}

void recover_shared(struct pb_pool *pool)
{
	pool_recover(pool);
	for (u32 cpu = 0; cpu < pool_areas(pool); cpu++)
		pcp_unlock(pcp_area(pool, cpu));
	recover_sizes(pool);
}
