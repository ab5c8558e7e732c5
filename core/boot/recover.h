/* SPDX-License-Identifier: MIT */
/*
 * After a death: everything that can be derived is derived anew.
 */
#ifndef PB_CORE_RECOVER_H
#define PB_CORE_RECOVER_H

#include "base/pool.h"

/*
 * What was allocated stays so, the rest is free; whatever the dead left half done,
 * at any store, another recovery included. pre: nobody else is in the pool; in a
 * shared one, its lock and every area's are held, and are left so.
 */
void pool_recover(struct pb_pool *pool);
/* And then, the areas' locks free again: watermarks and the lists' sizes. */
void recover_sizes(struct pb_pool *pool);

#endif
