/* SPDX-License-Identifier: MIT */
/*
 * May a request give up? Only if there was a moment in which nothing that it may have
 * was free: see give_up.c.
 */
#ifndef PB_CORE_GIVE_UP_H
#define PB_CORE_GIVE_UP_H

#include "pcp/pcp.h"

/* A sum of all that changes with what is free, or 0: somebody was changing something. Reads
   all CPUs' lists and stripes, without locks: O(CPUs x zones x orders). */
u64 look_around(const struct pb_pool *pool);

/*
 * Every lock of the pool but sizes_lock, in their order: quarantine, areas, zones, stripes. Nothing of
 * what is free changes until unlock_everything(), which wants what this returned; interrupts
 * stay masked. pre: the caller holds none of them. O(CPUs + zones + stripes), and a fence
 * of every CPU where there are restartable sequences.
 */
unsigned long lock_everything(struct pb_pool *pool);
void unlock_everything(struct pb_pool *pool, unsigned long state);

#endif
