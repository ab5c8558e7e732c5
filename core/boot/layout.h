/* SPDX-License-Identifier: MIT */
/*
 * Is this memory the metadata of a pool that this library can read? Looked at
 * before anything is read through a size or offset of it.
 */
#ifndef PB_CORE_LAYOUT_H
#define PB_CORE_LAYOUT_H

#include "base/pool.h"

/* NULL, or what is wrong. Reads nothing beyond `bytes`, writes nothing; pre: a super block
   fits into them. */
const char *layout_fault(const struct pb_super *super, size_t bytes);

/* Are the sizes and offsets possible? They alone are looked at. For pb_validate(). */
bool layout_sizes_plausible(const struct pb_super *super);
bool layout_percpu_plausible(const struct pb_super *super);
bool layout_arrays_in_place(const struct pb_super *super);
/* Returns the bytes of an area's head and lists; the stacks begin behind them. */
u64 layout_percpu_lists(const struct pb_super *super);

#endif
