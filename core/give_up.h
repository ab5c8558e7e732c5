/* SPDX-License-Identifier: MIT */
/*
 * May a request give up? Only if there was a moment in which nothing that it may have
 * was free: see give_up.c.
 */
#ifndef PB_CORE_GIVE_UP_H
#define PB_CORE_GIVE_UP_H

#include "pcp.h"

struct stillness {
	bool still; /* nobody was changing anything */
	u64 sum;    /* of all that changes with what is free */
};

/* Reads all CPUs' lists and stripes, without locks: O(CPUs x zones x orders). */
struct stillness look_around(const struct pb_pool *pool);

#endif
