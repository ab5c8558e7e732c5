// SPDX-License-Identifier: MIT
/* Reclaim got what a boost of the watermark was for. */

#include "internal.h"
#include "pool.h"

unsigned int pbr_pool_reclaimed(struct pbr_pool *pool)
{
	struct pb_zone_stat zone;
	unsigned int boosted = 0;

	for (unsigned int i = 0; !pb_zone_stats(&pool->pool, i, &zone); i++) {
		if (!zone.boost)
			continue;
		pb_boost_done(&pool->pool, zone.node, (enum pb_zone_type)zone.zone);
		boosted++;
	}
	return boosted;
}
