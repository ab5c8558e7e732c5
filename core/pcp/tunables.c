/* SPDX-License-Identifier: MIT */
/*
 * Tunables. Everything that depends on a changed one is computed anew under sizes_lock and
 * sealed. The per-CPU lists get their sizes after the unlock.
 */
#include "pcp/tunables.h"

#include "base/seal.h"
#include "pcp/pcp.h"
#include "pcp/shared.h"

struct tunables *lock_tunables(struct pb_pool *pool)
{
	pb_platform_lock(&pool->super->sizes_lock);
	return &pool->super->tunables;
}

void release_tunables(struct pb_pool *pool)
{
	seal_sizes(pool->super);
	pb_platform_unlock(&pool->super->sizes_lock);
}

/* List sizes are set after the unlock, since setting them waits for the areas. Callers may
   overtake each other here; each writes the sizes computed last, so the last writer is right. */
void apply_tunables(struct pb_pool *pool)
{
	__setup_per_zone_wmarks(pool);
	release_tunables(pool);
	for (u32 i = 0; i < pool_nr_zones(pool); i++)
		pcp_set_sizes(pool, pool_zone(pool, i));
}

void init_per_zone_wmark_min(struct pb_pool *pool)
{
	struct tunables *t = lock_tunables(pool);

	t->min_free_kbytes = t->user_min_free_kbytes >= 0 ? t->user_min_free_kbytes
							  : default_min_free_kbytes(pool);
	apply_tunables(pool);
}

/* ------------------------------------------------------------------ tuning */

int pb_set_min_free_kbytes(struct pb_pool *pool, int32_t kbytes)
{
	struct tunables *t;

	if (!PB_WITH_WATERMARKS)
		return PB_ENOTSUP;
	if (kbytes < -1)
		return PB_EINVAL;
	pool_enter(pool);
	t = lock_tunables(pool);
	t->user_min_free_kbytes = kbytes;
	t->min_free_kbytes = kbytes < 0 ? default_min_free_kbytes(pool) : kbytes;
	apply_tunables(pool);
	pool_leave(pool);
	return PB_OK;
}

int pb_set_watermark_scale_factor(struct pb_pool *pool, uint32_t factor)
{
	if (!PB_WITH_WATERMARKS)
		return PB_ENOTSUP;
	if (factor < 1 || factor > 3000)
		return PB_EINVAL;
	pool_enter(pool);
	lock_tunables(pool)->watermark_scale_factor = factor;
	apply_tunables(pool);
	pool_leave(pool);
	return PB_OK;
}

int pb_set_watermark_boost_factor(struct pb_pool *pool, uint32_t factor)
{
	if (!PB_WITH_WATERMARKS)
		return PB_ENOTSUP;
	pool_enter(pool);
	store_relaxed(&lock_tunables(pool)->watermark_boost_factor, factor);
	release_tunables(pool);
	pool_leave(pool);
	return PB_OK;
}

int pb_set_pcp(struct pb_pool *pool, uint32_t high, uint32_t batch)
{
	struct tunables *t;

	if (high > INT32_MAX / 2 || batch > PCP_BATCH_MAX)
		return PB_EINVAL;
	pool_enter(pool);
	t = lock_tunables(pool);
	store_relaxed(&t->pcp_high, high);
	store_relaxed(&t->pcp_batch, batch);
	apply_tunables(pool);
	pcp_drain_all(pool, NULL);
	pool_leave(pool);
	return PB_OK;
}

void pb_boost_done(struct pb_pool *pool, int node, enum pb_zone_type type)
{
	for (u32 z = 0; z < pool_nr_zones(pool); z++) {
		struct zone *zone = pool_zone(pool, z);

		if (zone->type == type && (node == PB_NO_NODE || node == zone->node))
			store_relaxed(&zone->watermark_boost, 0ul);
	}
}
