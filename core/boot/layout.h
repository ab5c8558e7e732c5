/* SPDX-License-Identifier: MIT */
/*
 * Is this memory the metadata of a pool that this library can read? These checks come
 * before any size or offset in it is used.
 */
#ifndef PB_CORE_LAYOUT_H
#define PB_CORE_LAYOUT_H

#include "base/pool.h"

/* NULL, or a message. Reads nothing beyond `bytes` and writes nothing. pre: a super block fits
   into `bytes`. */
const char *layout_fault(const struct pb_super *super, size_t bytes);

/* Are the sizes and offsets possible? They read the super block alone; pb_validate() calls them,
   too. */
bool layout_sizes_plausible(const struct pb_super *super);
bool layout_percpu_plausible(const struct pb_super *super);
bool layout_arrays_in_place(const struct pb_super *super);
/* Returns the bytes of an area's head and lists; the stacks begin behind them. */
u64 layout_percpu_lists(const struct pb_super *super);

#endif
