/* SPDX-License-Identifier: MIT */
/*
 * A profile is a value: one struct pb_policy says how the modern profile and each kernel
 * that the linux profile follows behave. Small differences are fields, which zones ask
 * for; what differs as a whole is a function.
 *
 *	pool->policy ----> pb_policy_modern     boot/policy.c
 *	             `---> pb_policy_linux[]    linux/linux_rules.c, where it is built
 *
 * The members up to pcp_high_batches are facts. Those with a number are explained in
 * docs/linux-observed.md; the others follow the description, or are the modern profile's own.
 * The functions are the ways up: from a lower layer into one that it does not know.
 */
#ifndef PB_CORE_POLICY_H
#define PB_CORE_POLICY_H

#include "base/pool.h"
#include "base/watermark_rules.h"

struct zone_request;
struct pcp_held;
struct pcp_counts;
struct alloc_context;

/* What a refill of a per-CPU list takes, and how lists are drained. */
enum linux_pcp_sizes {
	LINUX_PCP_BATCH,  /* always a batch */
	LINUX_PCP_FACTOR, /* refill by order; drain more each time in a row */
	LINUX_PCP_TUNED,  /* both, and the high mark moves between two bounds */
};

/* Which pageblocks' free blocks may merge into a larger one. */
enum merge_rule {
	MERGE_ANY,     /* all types but ISOLATE */
	MERGE_ALIKE,   /* those that have per-CPU lists, and equal ones */
	MERGE_REWRITE, /* the same, and the buddy's pageblock takes the type */
};

struct pb_policy {
	const char *name; /* "modern", or the kernel's version */

	struct wmark_urgency urgency; /* allocation flags */

	/* watermarks and reserve */
	bool list_reserve;      /* W4: what is free on its lists is subtracted, not its size */
	bool whole_reserve;     /* H1: in whole pageblocks, none if 1 % is less than one */
	bool below_high;        /* W12: a zone that fell below its high mark is remembered */
	bool boost_kswapd;      /* W13: a boost wakes by a request that may wake */
	bool reserve_seen_late; /* W5: the order-0 shortcut does not subtract the reserve */
	bool boosts_small;      /* W1: also a zone of less than four pageblocks */
	bool movable_apart;     /* W14: the Movable zone has a minimum of its own */
	bool small_pools;       /* marks are at most a 16th, so that a small pool can be used up */
	bool drains_always;     /* a request that can't wait drains others' lists at last, too */

	/* blocks */
	enum merge_rule merge; /* L5 */
	bool moves_to_head;    /* L1: to the head of the new list */
	bool cma_last;         /* CMA only when the type itself has nothing */
	/* F5, F9, W2: a fallback claims a whole pageblock or takes one block, and each is counted
	   at once */
	bool lists_follow;
	bool spares_zone_end;  /* H5: blocks of a pageblock that the zone ends in stay listed */
	bool inner_reserve;    /* H5: such a pageblock isn't reserved at all */
	bool unreserve_merges; /* blocks that leave the reserve merge with what they now may */
	bool split_frees;      /* L6: a block above pageblock_order goes back in pieces */
	bool keeps_boot_types; /* pageblocks stay MOVABLE where types aren't kept apart */

	/* per-CPU lists */
	bool pcp_looks_first;           /* a drain looks into the lists before it stops their CPU */
	bool reserved_as_movable;       /* frees of reserved types go to the MOVABLE lists */
	enum linux_pcp_sizes pcp_sizes; /* P2, P4, P5 */
	bool pcp_single;                /* P1: order 0 only */
	bool pcp_round_robin;           /* P6 */
	bool pcp_reserves_none;         /* H1: nothing is reserved for a block from a list */
	bool pcp_spares_reserve;        /* H2: no refill for a request that has the reserve */
	bool pcp_patient;               /* P4: a run of frees must be half of high_min longer */
	bool pcp_drain_batches;         /* P6: a drain begins anew after each batch */
	bool pcp_cached_type;           /* P3: an entry remembers its type */
	u8 pcp_high_batches;            /* P8: high = so many batches; 0: by the low watermark */

	/* zones: one block past the per-CPU lists, of the type or of the reserve */
	u32 (*rmqueue)(const struct zone_request *request);
	/* Up to n blocks past the lists, as rmqueue_bulk(); NULL: they come one by one. */
	u32 (*rmqueue_bulk)(const struct zone_request *request, u32 n, u32 *end);
	u32 (*rmqueue_reserve)(const struct zone_request *request);
	/* Update NR_FREE_PAGES as watermarks see it, where that lags behind; NULL: it is exact.
	   Stripe lock. */
	void (*count_free)(struct pb_pool *pool, struct zone *zone, u32 cpu, long pages);

	/* per-CPU lists of one CPU, its area's lock held */
	u32 pcp_zone_bytes; /* of a CPU's lists of a zone; 0: stacks, see pcp_stack_layout() */
	u32 (*pcp_take)(struct pcp_held *held, const struct zone_request *request);
	bool (*pcp_put)(struct pcp_held *held, const struct zone_request *what, u32 frame);
	void (*pcp_drain)(struct pcp_held *held, struct zone *zone);
	void (*pcp_decay)(struct pcp_held *held, struct zone *zone);     /* NULL: nothing decays */
	bool (*pcp_set_sizes)(struct pcp_held *held, struct zone *zone); /* true: drain now */
	void (*pcp_init)(struct pb_pool *pool, u32 cpu);
	/* the same without the lock */
	bool (*pcp_holds)(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
			  unsigned int order); /* a block of this order, or more */
	u64 (*pcp_sum)(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		       u64 sum); /* changes with each pop and push */
	void (*pcp_count)(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
			  struct pcp_counts *counts);
};

/* The other ways up: what a lower layer asks of an optional wing. NULL: the wing is left out. */
struct pb_wings {
	/* range/ */
	bool (*compact)(struct pb_pool *pool, const struct alloc_context *ctx);
	/* boot/: rebuild the pool after a process died in it; the caller holds its locks */
	void (*recover)(struct pb_pool *pool);
};

static inline const struct pb_policy *policy(const struct pb_pool *pool)
{
	return pool->policy;
}

#endif
