/* SPDX-License-Identifier: MIT */
/*
 * After a death: everything that can be derived is derived anew.
 */
#ifndef PB_CORE_RECOVER_H
#define PB_CORE_RECOVER_H

#include "base/pool.h"

/*
 * What was allocated stays so, the rest is free; whatever the dead left half done,
 * at any store, another recovery included. Then watermarks and the lists' sizes.
 * pre: nobody else is in the pool; in a shared one, its lock is held, and every area's,
 * which it lets go of.
 */
void recover_shared(struct pb_pool *pool);

#endif
