/* SPDX-License-Identifier: MIT */
#ifndef AP_USER_NODEMASK_H
#define AP_USER_NODEMASK_H

#include <pagebuddy/linux.h>

/* A node of the default pool is online when it has a zone. */
static inline bool node_online(int node)
{
	struct pb_pool *pool = pb_default_pool();
	struct pb_zone_stat stat;
	unsigned int i;

	for (i = 0; i < pb_nr_zones(pool); i++)
		if (pb_zone_stats(pool, i, &stat) == PB_OK && stat.node == node)
			return true;
	return false;
}

#endif
