/* SPDX-License-Identifier: MIT */
/*
 * CMA areas of the memory map: their pageblocks are of type CMA from the beginning, so that only
 * movable blocks lie there, and a contiguous range can be had by moving them.
 */
#include "boot/cma.h"

#include "base/frame.h"
#include "base/options.h"
#include "base/regions.h"
#include "pcp/pcp.h"

#if CAN_CMA

const char *cma_fault(const struct pb_config *config, const struct pb_region *region)
{
	if ((region->start_pfn | region->end_pfn) & (((u64)1 << config->pageblock_order) - 1))
		return TEXT("a PB_REGION_CMA must begin and end at multiples of 2^pageblock_order");
	if (config->flags & PB_POOL_NO_MOBILITY)
		return TEXT("a PB_REGION_CMA is for movable blocks: PB_POOL_NO_MOBILITY has none");
	return NULL;
}

/*
 * Both walks go up by pfn. *pfn is where the area's part ends that is known to be usable, and
 * *usable the last region looked at.
 */
static bool is_usable(struct regions *all, const struct pb_region **usable,
		      const struct pb_region *area)
{
	u64 pfn = area->start_pfn;

	while (pfn < area->end_pfn) {
		while (*usable && (*usable)->end_pfn <= pfn)
			*usable = regions_next(all);
		if (!*usable || (*usable)->kind != PB_REGION_USABLE || (*usable)->start_pfn > pfn)
			return false;
		pfn = (*usable)->end_pfn;
	}
	return true;
}

const struct pb_region *cma_misplaced(const struct pb_config *config, const char **why)
{
	struct regions areas, all;
	const struct pb_region *area, *usable;
	u64 end = 0;

	regions_begin(&areas, config, PB_REGION_CMA, BY_PFN);
	area = regions_next(&areas);
	if (!area)
		return NULL;
	regions_begin(&all, config, PB_REGION_USABLE, BY_PFN);
	for (usable = regions_next(&all); area; area = regions_next(&areas)) {
		*why = TEXT("overlaps another PB_REGION_CMA");
		if (area->start_pfn < end)
			return area;
		*why = TEXT("a PB_REGION_CMA must lie within usable regions");
		if (!is_usable(&all, &usable, area))
			return area;
		end = area->end_pfn;
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
