/* SPDX-License-Identifier: MIT */
/*
 * Sequences that once failed, as the model test printed them, each with what
 * was wrong. They run first, every time.
 */
#include "model.h"

#include <pagebuddy/pagebuddy.h>

/* No bug behind it: every operation once, on the smallest pool. */
static const struct op every_operation[] = {
	{ OP_ALLOC, 0, 0, PB_GFP_KERNEL, 0, 0 },
	{ OP_ALLOC_ON, 0, 1, PB_GFP_KERNEL, 0, 3 },
	{ OP_GET, 0, 0, 0, 0, 0 },
	{ OP_PUT, 0, 0, 0, 0, 0 },
	{ OP_BULK, 0, 0, PB_GFP_KERNEL, 1, 0 },
	{ OP_FREE_BULK, 0, 0, 0, 0, 8 },
	{ OP_EXACT, 0, 0, PB_GFP_KERNEL, 2, 0 },
	{ OP_FREE_EXACT, 0, 0, 0, 0, 2 },
	{ OP_CLAIM, 0, 1, PB_GFP_KERNEL, 6, 0 },
	{ OP_SPLIT, 0, 0, 0, 0, 0 },
	{ OP_MOVABLE, 0, 0, 0, 0, 1 },
	{ OP_CONTIG, 0, 0, PB_GFP_KERNEL, 2, 0 },
	{ OP_RESERVE, 0, 0, 0, 2, 1 },
	{ OP_ONLINE, 0, 0, 0, 2, 1 },
	{ OP_MISUSE, 0, 2, 0, 4, 0 },
	{ OP_DRAIN, 0, 0, 0, 4, 0 },
	{ OP_TICK, 0, 0, 0, 0, 0 },
	{ OP_SET_PCP, 0, 0, 0, 6, 2 },
	{ OP_MARKS, 0, 0, 0, 4, 0 },
	{ OP_COMPACT, 0, 1, 0, 0, 0 },
	{ OP_RECOVER, 0, 0, 0, 1, 0 },
	{ OP_FREE, 0, 0, 0, 0, 0 },
	{ OP_OFFLINE, 0, 0, 0, 0, 0 },
};

/* A refused offlining merged isolated pageblocks; undone one by one, a list
   entry was left behind. */
static const struct op offline_twice[] = {
	{ OP_OFFLINE, 0, 0, 0, 832084724, 3816392470 },
	{ OP_OFFLINE, 0, 0, 0, 1316544921, 35603264 },
};

/* After the second reference was dropped, split_page() refused the page. */
static const struct op split_after_put[] = {
	{ OP_ALLOC, 0, 1, PB_GFP_KERNEL, 0, 0 },
	{ OP_GET, 0, 0, 0, 0, 0 },
	{ OP_PUT, 0, 0, 0, 0, 0 },
	{ OP_SPLIT, 0, 0, 0, 0, 0 },
};

/* Recovery handed over a block across pageblocks of two types. */
static const struct op recover_two_types[] = {
	{ OP_ALLOC, 0, 0, PB_GFP_KERNEL, 0, 0 },
	{ OP_FREE, 0, 0, 0, 0, 0 },
	{ OP_RECOVER, 0, 0, 0, 1, 0 },
};

#define N(ops) (sizeof(ops) / sizeof((ops)[0]))

const struct model_case model_cases[] = {
	{ "every operation, modern",
	  { 0, 0, 1, 1, PB_POOL_REFCOUNT, 0, 0, false },
	  every_operation,
	  N(every_operation) },
	{ "every operation, linux",
	  { 0, 1, 1, 1, PB_POOL_REFCOUNT, 0, 0, false },
	  every_operation,
	  N(every_operation) },
	{ "every operation, quarantine",
	  { 1, 0, 1, 1, PB_POOL_REFCOUNT | PB_POOL_HARDENED, 0, 3, false },
	  every_operation,
	  N(every_operation) },
	{ "offline twice",
	  { 1, 1, 2, 1, PB_POOL_HARDENED, 0, 0, false },
	  offline_twice,
	  N(offline_twice) },
	{ "split after put",
	  { 0, 0, 1, 1, PB_POOL_REFCOUNT, 0, 0, false },
	  split_after_put,
	  N(split_after_put) },
	{ "recover two types",
	  { 6, 0, 1, 1, 0, 0, 0, false },
	  recover_two_types,
	  N(recover_two_types) },
};
const size_t nr_model_cases = N(model_cases);
