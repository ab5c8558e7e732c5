/* SPDX-License-Identifier: MIT */
/*
 * The watermark test as pure functions: numbers in, verdict out (spec 6.2). The
 * allocator asks them of its counters, `pagebuddy explain` of the numbers in a
 * kernel's log, a trace or /proc; so there is one answer.
 *
 *	free pages                     F
 *	- 2^order - 1                  what the request takes beyond one page
 *	- highatomic pages             unless it may have them (ALLOC_RESERVES)
 *	- free CMA pages               unless it is movable (ALLOC_CMA)
 *	= usable                       must exceed  lowered mark + lowmem_reserve
 *
 *	min 1001, GFP_ATOMIC: HIGH leaves 1001 - 500 = 501, QUARTER 501 - 125 = 376;
 *	free 400, order 2: 400 - 3 = 397 > 376: passes
 *
 * Before it is included WMARK_PAGES may name a wider type of page counts: logs
 * tell of machines larger than this one.
 */
#ifndef PB_CORE_WATERMARK_RULES_H
#define PB_CORE_WATERMARK_RULES_H

#include <stdbool.h>

#include <pagebuddy/pagebuddy.h>

#ifndef WMARK_PAGES
#define WMARK_PAGES long
#endif

/* Allocation flags, spec 4.6 (6.18's numbers where they differ). */
#define ALLOC_WMARK_MASK 0x3u
#define ALLOC_NO_WATERMARKS 0x04u
#define ALLOC_OOM 0x08u
#define ALLOC_HARDER 0x10u /* 6.18: NON_BLOCK: takes from the reserve at last */
#define ALLOC_HIGH 0x20u   /* 6.18: MIN_RESERVE */
#define ALLOC_CMA 0x80u
#define ALLOC_NOFRAGMENT 0x100u
#define ALLOC_HIGHATOMIC 0x200u
#define ALLOC_KSWAPD 0x800u
#define ALLOC_DIRECT 0x1000u   /* for a caller, not for a per-CPU list */
#define ALLOC_RESERVES 0x2000u /* the reserve for atomic requests isn't subtracted */
#define ALLOC_QUARTER 0x4000u  /* a quarter less, after HIGH's half */
#define ALLOC_ZERO 0x8000u     /* a block that is zero would be best */

/* How a kernel reads a request's urgency; facts by their numbers in docs/linux-observed.md. */
struct wmark_urgency {
	bool atomic_bit;          /* W3: urgent is __GFP_ATOMIC, not "cannot wait" */
	pb_gfp_t highatomic_gfp;  /* W3: what an urgent request must be to use the reserve */
	pb_gfp_t unboosted_gfp;   /* W6: what an order-0 request is tried again for */
	unsigned int high;        /* W4: ALLOC_ flags of HIGH */
	unsigned int harder;      /* W4: of urgent */
	unsigned int harder_high; /* W4: of both together */
};

static inline bool wmark_is_urgent(const struct wmark_urgency *urgency, pb_gfp_t gfp)
{
	return urgency->atomic_bit ? (gfp & PB_GFP_ATOMIC_BIT) != 0
				   : !(gfp & PB_GFP_DIRECT_RECLAIM);
}

/* Flags of an urgent request. */
static inline unsigned int wmark_harder(const struct wmark_urgency *urgency, pb_gfp_t gfp)
{
	return urgency->harder | (gfp & PB_GFP_HIGH ? urgency->harder_high : 0);
}

/* What of the zone's reserves a request may use, by its urgency alone. */
static inline unsigned int wmark_flags(const struct wmark_urgency *urgency, pb_gfp_t gfp,
				       unsigned int order)
{
	unsigned int flags = gfp & PB_GFP_HIGH ? urgency->high : 0;

	if (!wmark_is_urgent(urgency, gfp) || gfp & PB_GFP_NOMEMALLOC)
		return flags;
	flags |= wmark_harder(urgency, gfp);
	if (order && (gfp & urgency->highatomic_gfp) == urgency->highatomic_gfp)
		flags |= ALLOC_HIGHATOMIC;
	return flags;
}

/* May a block of this migratetype serve it? */
static inline bool wmark_type_usable(unsigned int type, unsigned int alloc_flags)
{
	if (type < PB_MIGRATE_PCPTYPES)
		return true;
	if (type == PB_MIGRATE_CMA)
		return alloc_flags & ALLOC_CMA;
	if (type == PB_MIGRATE_HIGHATOMIC)
		return alloc_flags & (ALLOC_HIGHATOMIC | ALLOC_OOM);
	return false;
}

/* Half for HIGH, less again if it can't wait either; half for a dying task. */
static inline WMARK_PAGES wmark_lowered(WMARK_PAGES min, unsigned int alloc_flags)
{
	if (alloc_flags & ALLOC_HIGH)
		min -= min / 2;
	if (alloc_flags & ALLOC_QUARTER)
		min -= min / 4;
	if (alloc_flags & ALLOC_OOM)
		min -= min / 2;
	return min;
}

/* Pages that the request takes beyond one. */
static inline WMARK_PAGES wmark_above_order(unsigned int order)
{
	return ((WMARK_PAGES)1 << order) - 1;
}

/* `usable` is what is free without what does not count for the request. */
static inline bool wmark_passes(WMARK_PAGES usable, WMARK_PAGES lowered, WMARK_PAGES reserve)
{
	return usable > lowered + reserve;
}

#endif
