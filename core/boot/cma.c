/* SPDX-License-Identifier: MIT */
/*
 * CMA areas of the memory map: their pageblocks are of type CMA from the beginning, so that only
 * movable blocks lie there, and a contiguous range can be had by moving them.
 */
#include "boot/cma.h"

#include "base/frame.h"
#include "base/options.h"
#include "base/policy.h"
#include "pcp/pcp.h"
#if PB_WITH_LINUX
#include "linux/linux_rules.h"
#endif

#if CAN_CMA

/* Order of the alignment of an area's borders. Kernels that merge all types would merge an area
   with its neighbours, up to a block of max_order. */
static unsigned int border_order(const struct pb_config *config)
{
#if PB_WITH_LINUX
	if (config->profile == PB_PROFILE_LINUX &&
	    pb_policy_linux[config->kernel].merge == MERGE_ANY)
		return config->max_order;
#endif
	return config->pageblock_order;
}

const char *cma_fault(const struct pb_config *config, const struct pb_region *region)
{
	unsigned int order = border_order(config);

	if ((region->start_pfn | region->end_pfn) & (((u64)1 << order) - 1))
		return order == config->pageblock_order
			       ? TEXT("a PB_REGION_CMA must begin and end at multiples of 2^pageblock_order")
			       : TEXT("a PB_REGION_CMA must begin and end at multiples of 2^max_order in this kernel");
	if (config->flags & PB_POOL_NO_MOBILITY)
		return TEXT("a PB_REGION_CMA is for movable blocks: PB_POOL_NO_MOBILITY has none");
	return NULL;
}

static u64 pages_in_both(const struct pb_region *a, const struct pb_region *b)
{
	u64 start = max_u64(a->start_pfn, b->start_pfn), end = min_u64(a->end_pfn, b->end_pfn);

	return end > start ? end - start : 0;
}

/* Usable regions don't overlap, so the pages that they share with the area add up. (Two walks in
   pfn order would need more stack than kernels have.) */
static const char *place_fault(const struct pb_config *config, const struct pb_region *area)
{
	u64 usable = 0;

	for (u32 i = 0; i < config->nr_regions; i++) {
		const struct pb_region *other = &config->regions[i];
		u64 pages = pages_in_both(area, other);

		if (other->kind == PB_REGION_CMA && other < area && pages)
			return TEXT("overlaps another PB_REGION_CMA");
		usable += other->kind == PB_REGION_USABLE ? pages : 0;
	}
	return usable == area->end_pfn - area->start_pfn
		       ? NULL
		       : TEXT("a PB_REGION_CMA must lie within usable regions");
}

const struct pb_region *cma_misplaced(const struct pb_config *config, const char **why)
{
	for (u32 i = 0; i < config->nr_regions; i++) {
		const struct pb_region *area = &config->regions[i];

		*why = area->kind == PB_REGION_CMA ? place_fault(config, area) : NULL;
		if (*why)
			return area;
	}
	return NULL;
}

bool has_cma(const struct pb_config *config)
{
	for (u32 i = 0; i < config->nr_regions; i++)
		if (config->regions[i].kind == PB_REGION_CMA)
			return true;
	return false;
}

void cma_init(const struct pb_pool *pool, const struct pb_config *config)
{
	for (u32 i = 0; i < config->nr_regions; i++) {
		const struct pb_region *area = &config->regions[i];

		if (area->kind != PB_REGION_CMA)
			continue;
		for (u64 pfn = area->start_pfn; pfn < area->end_pfn; pfn += pageblock_pages(pool)) {
			u32 frame = pfn_to_frame(pool, pfn);

			init_pageblock(pool, frame >> pool->pageblock_order, PB_MIGRATE_CMA,
				       zone_class(pool, zone_of_frame(pool, frame),
						  PB_MIGRATE_CMA));
		}
	}
}

#endif
