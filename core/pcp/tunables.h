/* SPDX-License-Identifier: MIT */
/*
 * The tunables, and what is computed from them: watermarks, reserves, and the sizes of
 * per-CPU lists.
 */
#ifndef PB_CORE_TUNABLES_H
#define PB_CORE_TUNABLES_H

#include "base/pool.h"

/* Lock the tunables to change them; apply_tunables() then computes watermarks, reserves and
   list sizes anew, and unlocks. */
struct tunables *lock_tunables(struct pb_pool *pool);
void apply_tunables(struct pb_pool *pool);
/* Unlock them where nothing depends on the change. */
void release_tunables(struct pb_pool *pool);
/* apply_tunables() after min_free_kbytes by spec 7.4, unless the user asked for more. */
void init_per_zone_wmark_min(struct pb_pool *pool);

#endif
