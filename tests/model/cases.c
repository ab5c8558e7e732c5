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

/* Free blocks of a pageblock that the zone begins in moved from a block on which is no multiple of
   larger blocks' size: these were taken for others, as far from a multiple. */
static const struct op moved_from_a_block_on[] = {
	{ 0, 0, 0, 0x102cca, 2056665174, 2921016793 },
	{ 1, 2, 0, 0x2cd0, 2541586376, 2850872344 },
	{ 23, 1, 0, 0x302cd2, 3042437103, 3429016483 },
	{ 1, 1, 2, 0x2008, 3372255633, 3129558844 },
	{ 0, 1, 0, 0x102cca, 620778972, 2219823102 },
	{ 3, 2, 0, 0x2a28, 1463827805, 4067480858 },
	{ 2, 2, 1, 0x102cc8, 4116826975, 346885245 },
	{ 0, 1, 3, 0x2cc8, 3041719226, 4032884888 },
	{ 3, 0, 0, 0x12cc0, 3309465197, 3009132193 },
	{ 0, 2, 0, 0x2a30, 2048955745, 3869652387 },
	{ 0, 0, 0, 0x2cc8, 855378938, 2258549526 },
	{ 19, 1, 0, 0x2cc8, 174, 649137638 },
	{ 15, 0, 1, 0x12cc8, 1221433449, 3905614269 },
	{ 0, 0, 1, 0x102cca, 1723608502, 2310303265 },
	{ 2, 0, 0, 0x2004, 3478410851, 852996289 },
	{ 0, 2, 0, 0x2cc0, 3953083583, 1553773358 },
	{ 0, 0, 6, 0x12ccc, 3641692044, 3252955957 },
	{ 3, 2, 1, 0x102cc8, 2372904610, 2765219007 },
	{ 0, 0, 0, 0x102cca, 2325931208, 1215889746 },
	{ 2, 1, 0, 0x12cc8, 3418654501, 447455376 },
	{ 5, 1, 0, 0x280c, 3090563001, 486690633 },
	{ 0, 0, 0, 0x2008, 3196549417, 1395091014 },
	{ 0, 0, 1, 0x102cca, 1158452113, 4116857000 },
	{ 3, 1, 1, 0x2cd4, 1040138255, 2036413968 },
	{ 0, 2, 1, 0x12cc0, 3503211749, 758331039 },
	{ 0, 1, 0, 0x2cc8, 2618409784, 2052802015 },
	{ 2, 2, 0, 0x2808, 789108580, 3537685896 },
	{ 3, 0, 0, 0x2cd0, 1068047533, 995153772 },
	{ 0, 2, 1, 0x2cc8, 1813513133, 2791087240 },
	{ 2, 0, 1, 0x2a28, 195336493, 3477510611 },
	{ 0, 0, 0, 0x102cc8, 2370182036, 2175864796 },
	{ 0, 0, 0, 0x102cc8, 2249782285, 1488041788 },
	{ 0, 0, 2, 0x102cc8, 1075064414, 1087066685 },
	{ 0, 0, 0, 0x202cc0, 1501312956, 2650355212 },
	{ 0, 2, 1, 0x302cc0, 974681042, 267779320 },
	{ 0, 0, 4, 0x102cc0, 4081632715, 2606626566 },
	{ 0, 2, 0, 0x2cc8, 257128870, 1718604332 },
	{ 0, 1, 1, 0x2a2c, 2093918852, 109285913 },
};

/* A pageblock of the reserve for high-order atomic requests goes offline, and away. */
static const struct op reserved_goes[] = {
	{ OP_CLAIM, 1, 0, 0x102cd0, 1020620300, 2328115576 },
	{ OP_BULK, 0, 3, 0x2cd0, 3246862952, 2913546100 },
	{ OP_FREE_BULK, 0, 1, 0x2809, 2839366604, 2542131126 },
	{ OP_GROW, 1, 3, 0x202cd4, 1686371803, 4223653141 },
	{ OP_BULK, 1, 0, 0x202cc8, 2588624058, 3252827074 },
	{ OP_MARKS, 0, 1, 0x2a20, 171, 2033765792 },
	{ OP_ALLOC, 0, 5, 0x202010, 2757884405, 3024923375 },
	{ OP_FREE, 1, 0, 0x2cc8, 326347068, 1126185447 },
	{ OP_FREE, 0, 0, 0x2000, 4031761675, 2154869830 },
	{ OP_FREE, 0, 3, 0x202008, 3349583077, 2810101999 },
	{ OP_FREE, 0, 1, 0x202cc8, 214467020, 2539091036 },
	{ OP_ALLOC_ON, 0, 2, 0x2a28, 1541638360, 1227941302 },
	{ OP_PUT, 0, 1, 0x12cd4, 490001519, 2855478888 },
	{ OP_PUT, 0, 0, 0x202a20, 1714143329, 829897777 },
	{ OP_PUT, 0, 0, 0x2008, 905718401, 3800895818 },
	{ OP_FREE_BULK, 1, 0, 0x200c, 4070562905, 3873419608 },
	{ OP_FREE, 1, 0, 0x2008, 1936466675, 3309068002 },
	{ OP_FREE, 1, 1, 0x2008, 4078046317, 1977992703 },
	{ OP_FREE, 1, 1, 0x2004, 1044752268, 2170088489 },
	{ OP_FREE_BULK, 1, 10, 0x2ccc, 4278588972, 398989498 },
	{ OP_FREE, 1, 0, 0x2000, 2057181510, 4073516082 },
	{ OP_FREE, 0, 0, 0x2cc9, 653071628, 3464564125 },
	{ OP_FREE, 0, 0, 0x102ccc, 34738381, 2437728344 },
	{ OP_PUT, 1, 0, 0x202cc8, 1845266201, 3259934483 },
	{ OP_REMOVE, 0, 3, 0x102cd2, 2887870981, 187494592 },
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
	{ "moved from a block on",
	  { 4, 1, 3, 1, PB_POOL_SHARED | PB_POOL_NO_RSEQ, 0, 0, true },
	  moved_from_a_block_on,
	  N(moved_from_a_block_on) },
	{ "a pageblock of the reserve goes",
	  { MODEL_SHAPE_GROWS, 1, 2, 1, PB_POOL_HARDENED | PB_POOL_NO_PCP, PB_LINUX_6_1, 0, false },
	  reserved_goes,
	  N(reserved_goes) },
};
const size_t nr_model_cases = N(model_cases);
