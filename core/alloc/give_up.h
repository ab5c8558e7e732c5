/* SPDX-License-Identifier: MIT */
/*
 * May a request fail? Only if there was a moment at which no block that it may have was
 * free: see give_up.c.
 */
#ifndef PB_CORE_GIVE_UP_H
#define PB_CORE_GIVE_UP_H

#include "pcp/pcp.h"

/* A sum over all counters that change when a block is taken or freed; 0: a lock was held. Reads
   all CPUs' lists and all stripes, without locks: O(CPUs x zones x orders). */
u64 look_around(const struct pb_pool *pool);

/*
 * Take every lock of the pool but users_lock and sizes_lock, in their order: quarantine,
 * areas, zones, stripes. No block is taken or freed, and interrupts stay masked, until
 * unlock_everything(), which is given what this returned. pre: the caller holds none of
 * these locks. O(CPUs + zones + stripes), and a fence of every CPU where there are
 * restartable sequences.
 */
unsigned long lock_everything(struct pb_pool *pool);
void unlock_everything(struct pb_pool *pool, unsigned long state);

#endif
