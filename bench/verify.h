/* SPDX-License-Identifier: MIT */
/*
 * Ownership verification: every page that is handed out is stamped with a word
 * that only its block has, by an atomic exchange, and every page that is given
 * back must still have it. A page that two owners have at once is seen by the
 * second one at the latest when the first one frees it.
 *
 * An allocator of addresses only (pagebuddy) has its stamps in an array beside
 * it; the others have them in the pages.
 */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include "backend.h"

/* The stamp of a block: never 0, and no pointer that an allocator would leave. */
static inline u64 verify_stamp(u64 head, unsigned int order)
{
	return (head * 0x9e3779b97f4a7c15ull ^ order * 0xff51afd7ed558ccdull) |
	       0x8000000000000001ull;
}

/* Stamp `stride` bytes apart: 8 in an array of stamps, the page size in the pages. */
static inline void verify_take(void *first, u64 stride, u64 head, unsigned int order, bool in_band)
{
	u64 i, old, stamp;

	for (i = 0; i < 1ull << order; i++) {
		stamp = verify_stamp(head, order);
		/* AcqRel: pairs with verify_give() of the previous owner. */
		old = __atomic_exchange_n((u64 *)((char *)first + i * stride), stamp,
					  __ATOMIC_ACQ_REL);
		/* In a page there may be anything, but not the stamp of a live block. */
		if (in_band ? old == stamp : old != 0)
			verify_failed("handed out while it has an owner", head + i, order);
	}
}

static inline void verify_give(void *first, u64 stride, u64 head, unsigned int order)
{
	u64 i, old;

	for (i = 0; i < 1ull << order; i++) {
		/* AcqRel: pairs with verify_take() of the next owner. */
		old = __atomic_exchange_n((u64 *)((char *)first + i * stride), 0, __ATOMIC_ACQ_REL);
		if (old != verify_stamp(head, order))
			verify_failed("has another owner's stamp when it is freed", head + i,
				      order);
	}
}

#endif
