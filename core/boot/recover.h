/* SPDX-License-Identifier: MIT */
/*
 * Recovery after a process died inside a call: all metadata that can be derived is rebuilt.
 */
#ifndef PB_CORE_RECOVER_H
#define PB_CORE_RECOVER_H

#include "base/pool.h"

/*
 * Allocated blocks stay allocated, and all other frames become free, at whatever store the
 * process died, be it in another recovery. Watermarks and list sizes are computed anew.
 * pre: nobody else is in the pool; of a shared pool the caller holds users_lock and every
 * area's lock. It releases the areas' locks.
 */
void recover_shared(struct pb_pool *pool);

#endif
