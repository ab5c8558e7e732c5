/* SPDX-License-Identifier: MIT */
/*
 * The checksums of the super block: by them an attach and pb_validate() notice
 * metadata that something else has written to.
 */
#ifndef PB_CORE_SEAL_H
#define PB_CORE_SEAL_H

#include "base/pool.h"

/* The checksums of what never changes after init; pre: its arrays lie inside the memory. */
void seal_super(struct pb_super *super);
bool super_sealed(const struct pb_super *super);
/* pre: super_sealed(), and the arrays lie inside the memory. */
bool map_sealed(const struct pb_super *super);
/* The checksum of tunables, watermarks, reserves and the lists' sizes. sizes_lock. */
void seal_sizes(struct pb_super *super);
bool sizes_sealed(const struct pb_super *super);

#endif
