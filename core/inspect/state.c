/* SPDX-License-Identifier: MIT */
/*
 * A pool in a state that was recorded elsewhere: a running kernel's lists,
 * pageblocks, watermarks and per-CPU lists, piece by piece. At rest only.
 */
#include "boot/layout.h"
#include "base/seal.h"
#include "alloc/misuse.h"
#include "linux/pcp_linux.h"
#include "pcp/pcp.h"

/* Finds the frame of a block whose frames are all still reserved. PB_OK, or why there is none. */
static int reserved_block(const struct pb_pool *pool, u64 pfn, unsigned int order, u32 *frame)
{
	if (order > pool->max_order || pfn & (((u64)1 << order) - 1))
		return PB_EINVAL;
	*frame = pfn_to_frame(pool, pfn);
	if (*frame == NO_FRAME)
		return PB_ENODEV;
	for (u32 i = 0; i < 1u << order; i++)
		if (pool->pages[*frame + i].state != PAGE_RESERVED)
			return PB_EBUSY;
	return PB_OK;
}

int pb_state_set_zone(struct pb_pool *pool, int node, enum pb_zone_type type,
		      const struct pb_state_zone *state)
{
	struct zone *zone = find_zone(pool, node, type);

	if (!zone)
		return PB_ENODEV;
	memcpy(zone->_watermark, state->watermark, sizeof(zone->_watermark));
	zone->watermark_boost = (unsigned long)state->boost;
	zone->nr_reserved_highatomic = state->nr_reserved_highatomic;
	zone->managed = state->managed;
	zone->flags = state->flags & ZONE_FLAGS;
	if (state->spanned)
		zone->spanned = state->spanned;
	if (PB_WITH_ZONES)
		memcpy(zone->lowmem_reserve, state->lowmem_reserve, sizeof(zone->lowmem_reserve));
	seal_sizes(pool->super);
	return PB_OK;
}

int pb_state_set_pageblock(struct pb_pool *pool, uint64_t pfn, enum pb_migratetype type)
{
	u32 frame = pfn_to_frame(pool, pfn);
	struct zone *zone;
	struct locked at;
	unsigned int old;

	if (frame == NO_FRAME)
		return PB_ENODEV;
	if ((unsigned int)type >= PB_MIGRATE_TYPES)
		return PB_EINVAL;
	zone = zone_of_frame(pool, frame);
	at = (struct locked){ .pool = pool,
			      .zone = zone,
			      .stripe = frame_stripe(pool, zone, frame) }; /* at rest */
	old = frame_migratetype(pool, frame);
	zone->nr_isolate_pageblock += (type == PB_MIGRATE_ISOLATE) -
				      (unsigned long)(old == PB_MIGRATE_ISOLATE);
	__set_pageblock_type(&at, frame >> pool->pageblock_order, type);
	if (!pool_is_linked(pool)) { /* a pageblock is on one list: its free blocks move along */
		u64 moved = __move_freepages_block(&at, frame >> pool->pageblock_order, type, NULL);

		__account(at.stripe, -(long)moved, old);
		__account(at.stripe, (long)moved, type);
	}
	return PB_OK;
}

int pb_state_add_free(struct pb_pool *pool, uint64_t pfn, unsigned int order,
		      enum pb_migratetype type)
{
	struct locked at;
	struct zone *zone;
	u32 frame;
	int code = reserved_block(pool, pfn, order, &frame);

	if (code)
		return code;
	if ((unsigned int)type >= PB_MIGRATE_TYPES)
		return PB_EINVAL;
	zone = zone_of_frame(pool, frame);
	at = (struct locked){ .pool = pool,
			      .zone = zone,
			      .stripe = frame_stripe(pool, zone, frame) }; /* at rest */
	memset(&pool->pages[frame], 0, (size_t)1 << order);
	if (!pool_is_linked(pool)) /* a pageblock is on one list, that of its own type */
		type = frame_migratetype(pool, frame);
	__count_free(&at, NO_CPU, type == PB_MIGRATE_ISOLATE ? 0 : 1L << order);
	if (!pool_is_linked(pool)) {
		__free_one_page(&at, frame, order, type, true);
		return PB_OK;
	}
	__account(at.stripe, 1L << order, type);
	__area_insert(&at, frame, order, type, true);
	return PB_OK;
}

int pb_state_move_free(struct pb_pool *pool, uint64_t pfn, unsigned int order, bool tail)
{
	struct locked at;
	struct zone *zone;
	u32 frame;

	if (order > pool->max_order || pfn & (((u64)1 << order) - 1))
		return PB_EINVAL;
	frame = pfn_to_frame(pool, pfn);
	if (frame == NO_FRAME)
		return PB_ENODEV;
	if (!block_is_free(pool, frame, order))
		return PB_EBUSY;
	if (!pool_is_linked(pool))
		return PB_OK;
	zone = zone_of_frame(pool, frame);
	at = (struct locked){ .pool = pool,
			      .zone = zone,
			      .stripe = frame_stripe(pool, zone, frame) }; /* at rest */
	__area_unlink(&at, frame, order);
	__area_link(&at, frame, order, pool->pcp_types[frame], tail);
	return PB_OK;
}

int pb_state_set_pcp(struct pb_pool *pool, unsigned int cpu, int node, enum pb_zone_type type,
		     const struct pb_pcp_stat *state)
{
	struct zone *zone = find_zone(pool, node, type);
	struct pcp_linux *pcp;

	if (!zone || cpu >= pool->percpu_cpus)
		return PB_ENODEV;
	if (!pool_is_linked(pool))
		return PB_OK; /* stacks size themselves */
	pcp = pcp_linux_of(pool, cpu, zone);
	pcp->high = state->high;
	pcp->batch = state->batch;
	pcp->free_factor = state->free_factor;
	pcp->high_min = state->high_min;
	pcp->high_max = state->high_max;
	pcp->alloc_factor = state->alloc_factor;
	pcp->flags = state->flags;
	return PB_OK;
}

int pb_state_set_vmstat(struct pb_pool *pool, unsigned int cpu, int node, enum pb_zone_type type,
			int64_t nr_free_pages, int32_t diff, uint32_t threshold)
{
	struct zone *zone = find_zone(pool, node, type);

	if (!zone || cpu >= pool->percpu_cpus)
		return PB_ENODEV;
	if (!pool_is_linked(pool))
		return PB_OK;
	zone->vm_free = (long)nr_free_pages;
	zone->stat_threshold = (s32)threshold;
	pcp_linux_of(pool, cpu, zone)->stat_diff = diff;
	seal_sizes(pool->super);
	return PB_OK;
}

int pb_state_set_counters(struct pb_pool *pool, int node, enum pb_zone_type type,
			  const uint64_t numa[PB_NR_NUMA_EVENTS], bool unreclaimable)
{
	struct zone *zone = find_zone(pool, node, type);

	if (!zone)
		return PB_ENODEV;
	for (unsigned int i = 0; PB_WITH_COUNTERS && i < PB_NR_NUMA_EVENTS; i++)
		zone->numa_base[i] = (unsigned long)numa[i];
	zone->unreclaimable = unreclaimable;
	return PB_OK;
}

int pb_state_add_pcp(struct pb_pool *pool, unsigned int cpu, uint64_t pfn, unsigned int order,
		     enum pb_migratetype type)
{
	struct pcp_linux *pcp;
	unsigned int list_type = type;
	struct zone *zone;
	u32 frame;
	int code = reserved_block(pool, pfn, order, &frame);

	if (code)
		return code;
	if (cpu >= pool->percpu_cpus)
		return PB_ENODEV;
	if ((unsigned int)type >= PB_MIGRATE_TYPES || !pcp_allowed_order(pool, order))
		return PB_EINVAL;
	memset(&pool->pages[frame], 0, (size_t)1 << order);
	zone = zone_of_frame(pool, frame);
	if (!pool_is_linked(pool)) {
		if (!free_pcplist(pool, zone, cpu, frame, order))
			return_page(pool, zone, frame, order);
		return PB_OK;
	}
	pcp = pcp_linux_of(pool, cpu, zone);
	if (list_type >= PB_MIGRATE_PCPTYPES)
		list_type = PB_MIGRATE_MOVABLE;
	pool->pcp_types[frame] = (u8)type;
	linked_insert(pool, pcp->lists, pcp_linux_list(order, list_type), frame, true);
	pcp->count += 1 << order;
	return PB_OK;
}

int pb_state_adopt(struct pb_pool *pool, uint64_t pfn, unsigned int order, bool movable)
{
	u32 frame;
	int code = reserved_block(pool, pfn, order, &frame);

	if (code)
		return code;
	memset(&pool->pages[frame], 0, (size_t)1 << order);
	pool->pages[frame].state = (u8)(PB_PAGE_HEAD | order | (movable ? PB_PAGE_MOVABLE : 0));
	return PB_OK;
}
