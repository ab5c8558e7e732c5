/* SPDX-License-Identifier: MIT */
/*
 * CMA areas of the memory map. Left out without PB_WITH_RANGE, whose calls they are for, or
 * without PB_WITH_MOBILITY.
 */
#ifndef PB_CORE_CMA_H
#define PB_CORE_CMA_H

#include "base/pool.h"

#define CAN_CMA (PB_WITH_RANGE && PB_WITH_MOBILITY)

#if CAN_CMA

/* What is wrong with the area by itself, or NULL. */
const char *cma_fault(const struct pb_config *config, const struct pb_region *region);
/* The first area in the array that isn't inside usable regions or overlaps an earlier area, or
   NULL; *why: the message. pre: each region by itself is valid, usable ones don't overlap. */
const struct pb_region *cma_misplaced(const struct pb_config *config, const char **why);
bool has_cma(const struct pb_config *config);
/* Gives the areas' pageblocks their type. pre: pageblocks are made, no frame is free. */
void cma_init(const struct pb_pool *pool, const struct pb_config *config);

#else

static inline const char *cma_fault(const struct pb_config *config, const struct pb_region *region)
{
	(void)config;
	(void)region;
	return TEXT("kind: this library was built without PB_WITH_RANGE or PB_WITH_MOBILITY");
}

static inline const struct pb_region *cma_misplaced(const struct pb_config *config,
						    const char **why)
{
	(void)config;
	(void)why;
	return NULL;
}

static inline bool has_cma(const struct pb_config *config)
{
	(void)config;
	return false;
}

static inline void cma_init(const struct pb_pool *pool, const struct pb_config *config)
{
	(void)pool;
	(void)config;
}

#endif

#endif
