/* SPDX-License-Identifier: MIT */
/*
 * In what the kernels that the linux profile follows differ, as data. Each
 * member is an observed fact, by its number in docs/linux-observed.md. The
 * code that asks is in the profile's own paths; the modern profile never does.
 */
#ifndef PB_CORE_LINUX_RULES_H
#define PB_CORE_LINUX_RULES_H

#include "base/pool.h"
#include "zone/watermark_rules.h"

/* What a refill of a per-CPU list takes, and how lists are drained. */
enum linux_pcp_sizes {
	LINUX_PCP_BATCH,  /* always a batch */
	LINUX_PCP_FACTOR, /* refill by order; drain more each time in a row */
	LINUX_PCP_TUNED,  /* both, and the high mark moves between two bounds */
};

enum linux_merge {
	LINUX_MERGE_ANY,     /* all types but ISOLATE */
	LINUX_MERGE_ALIKE,   /* those that have per-CPU lists, and equal ones */
	LINUX_MERGE_REWRITE, /* the same, and the buddy's pageblock takes the type */
};

struct linux_rules {
	const char *name; /* of the version */

	struct wmark_urgency urgency; /* allocation flags */

	/* watermarks and reserve */
	bool list_reserve;      /* W4: what is free on its lists is subtracted, not its size */
	bool whole_reserve;     /* H1: in whole pageblocks, none if 1 % is less than one */
	bool below_high;        /* W12: a zone that fell below its high mark is remembered */
	bool boost_kswapd;      /* W13: a boost wakes by a request that may wake */
	bool reserve_seen_late; /* W5: the order-0 shortcut does not subtract the reserve */
	bool boosts_small;      /* W1: also a zone of less than four pageblocks */
	bool movable_apart;     /* W14: the Movable zone has a minimum of its own */

	/* blocks */
	enum linux_merge merge; /* L5 */
	bool moves_to_head;     /* L1: to the head of the new list */
	bool cma_last;          /* CMA only when the type itself has nothing */
	bool lists_follow;      /* F5, F9, W2: a whole pageblock changes or one block is taken, and
	                      each is counted at once */
	bool split_frees;       /* L6: a block above pageblock_order goes back in pieces */

	/* per-CPU lists */
	enum linux_pcp_sizes pcp_sizes; /* P2, P4, P5 */
	bool pcp_single;                /* P1: order 0 only */
	bool pcp_round_robin;           /* P6 */
	bool pcp_reserves_none;         /* H1: nothing is reserved for a block from a list */
	bool pcp_spares_reserve;        /* H2: no refill for a request that has the reserve */
	bool pcp_patient;               /* P4: a run of frees must be half of high_min longer */
	bool pcp_drain_batches;         /* P6: a drain begins anew after each batch */
	bool pcp_cached_type;           /* P3: an entry remembers its type */
	u8 pcp_high_batches;            /* P8: high = so many batches; 0: by the low watermark */
};

extern const struct linux_rules linux_rules_of[PB_NR_LINUX];

static inline const struct linux_rules *linux_rules(const struct pb_pool *pool)
{
	return &linux_rules_of[pool->kernel];
}

#endif
