/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU page lists: what makes the common allocation a pop and the common
 * free a push.
 *
 *	area of CPU c:	lock | fast[gfp] | lists[zone, type][order] | stacks
 *
 * The modern profile keeps a stack of frames for every order up to the
 * pageblock's. The linux profile keeps Linux's linked lists (orders 0 to 3
 * and pageblock_order; 5.10: order 0) with its counts and batches.
 *
 * Frames in here have page byte 0 and no tree bit: they are nobody's. They are
 * not in NR_FREE_PAGES. Before an allocation fails every CPU's lists are
 * drained, so they are never stranded.
 *
 * Who may touch an area: whoever holds its try-lock; or, when the pool runs on
 * restartable sequences, a sequence on that very CPU that saw the lock free.
 * Taking the lock from another CPU is followed by pb_platform_fence_cpu(),
 * which restarts the sequences that did not see it.
 *
 *		    pop/push   refill/drain  remote drain  sizes
 *	pop/push    same CPU   lock          lock + fence  atomic limit
 *	refill                 lock          lock          lock
 *	remote drain                         lock          lock
 *
 * Lock order: area < zone < stripe. An area's lock is only ever tried by allocations
 * and frees on its own CPU; a drain waits for it holding nothing. It is held with
 * interrupts masked, and no longer than a batch takes.
 */
#ifndef PB_CORE_PCP_H
#define PB_CORE_PCP_H

#include "alloc/gfp.h"
#include "zone/zone.h"

#define PCP_FAST_GFP 0x1fu  /* zone and mobility modifiers: index into fast[] */
#define PCP_STACK_MAX 1024u /* entries of the order-0 stack */
#define PCP_STACK_MIN 8u    /* entries of the largest orders' stacks */

enum pcp_mode { PCP_MODE_NONE, PCP_MODE_TRYLOCK, PCP_MODE_RSEQ };

/*
 * One stack. `head` is {allocations:48, top:16}: top is the next slot to push
 * into, counted in u32 from where the lists begin; a pop adds 2^16 - 1, a push adds 1,
 * each with a single store. So head >> 16 is the number of allocations ever, and
 * frees = count + allocations - refilled + drained: exact statistics for nothing.
 * (2^48 allocations last 13 days at one per 4 ns; then they wrap.)
 */
struct pcp_list {
	u64 head;
	u16 base;  /* slot of the first entry: empty when top is here */
	u16 limit; /* slot not to push into: grows in bursts, decays when idle */
	u16 max;   /* entries it may ever hold: bounded in pages */
	u16 room;  /* entries there are slots for */
};

_Static_assert(sizeof(struct pcp_list) == 16, "four lists a cache line; the sequences count on it");

#define PCP_POP (((u64)1 << 16) - 1)
#define PCP_PUSH ((u64)1)
#define PCP_TOP(head) ((u32)(head)&0xffffu)
#define PCP_SLOTS 65536u

static inline u32 pcp_entries(const struct pcp_list *list)
{
	return PCP_TOP(load_relaxed(&list->head)) - list->base;
}

/* What the fast paths don't need. Under the area's lock. */
struct pcp_cold {
	u64 refilled; /* blocks from the zone, ever */
	u64 drained;  /* blocks back to the zone, ever */
	u64 seen;     /* `head` at the last tick */
};

#define COSTLY_ORDER 3u
#define FREE_FACTOR_MAX 5
#define PCP_BATCH_MAX (INT32_MAX >> (FREE_FACTOR_MAX + 1)) /* 2^FREE_FACTOR_MAX of them fit */
#define LINUX_PCP_LISTS 14u /* orders 0 to 3 by type; pageblock_order: not movable, movable */

/* Linux's numbers. */
#define PCP_PREV_FREE_HIGH_ORDER 0x1u /* the last free was of order 1 to 3 */
#define PCP_FREE_HIGH_BATCH 0x2u      /* of those, a batch is kept: a small cache slice */

/* The linux profile's lists of one CPU and zone (spec 9.1, 9.6). */
struct pcp_linux {
	s32 count, high, batch; /* pages */
	s32 free_factor; /* 6.12 on: pages freed in a row */
	s32 stat_diff; /* pages not yet added to zone->vm_free */
	s32 high_min, high_max; /* 6.12 on: pages; what `high` moves between */
	s32 alloc_factor;       /* 6.12 on */
	u32 flags;              /* PCP_*: 6.12 on */
	struct free_list lists[LINUX_PCP_LISTS];
	u64 allocs, frees;           /* calls */
	u64 alloc_pages, free_pages; /* pages */
};

struct pcp_area {
	u32 lock; /* 0: free */
	u32 cpu;
	u32 node;                   /* of this CPU */
	u16 fast[PCP_FAST_GFP + 1]; /* gfp modifiers -> class, NO_CLASS: slow path */
} ALIGNED(64);

_Static_assert(sizeof(struct pcp_area) == 128, "lists follow the area's head");

static inline struct pcp_area *pcp_area(const struct pb_pool *pool, u32 cpu)
{
	return (struct pcp_area *)(pool->pcp_lists + cpu * pool->percpu_stride) - 1;
}

/* List of a class (as fast[] and pcp_class[] have it) and order. */
static inline struct pcp_list *pcp_list(struct pcp_area *area, u32 class, size_t order)
{
	return (struct pcp_list *)((u64 *)(area + 1) + class + order * 2);
}

/* Slots are counted from where the lists begin. */
static inline u32 *pcp_slots(struct pcp_area *area)
{
	return (u32 *)(area + 1);
}

/* The entries of a list, coldest first. */
static inline u32 *pcp_stack(struct pcp_area *area, const struct pcp_list *list)
{
	return pcp_slots(area) + list->base;
}

static inline bool pcp_trylock(struct pcp_area *area)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(&area->lock, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void pcp_unlock(struct pcp_area *area)
{
	__atomic_store_n(&area->lock, 0, __ATOMIC_RELEASE);
}

enum pcp_result { PCP_OK, PCP_MISS };

/* A port that has restartable sequences names its header by this macro. It
   defines pcp_rseq_pop() and pcp_rseq_push(), and PCP_HAVE_RSEQ. */
#ifdef PB_PLATFORM_PERCPU
#include PB_PLATFORM_PERCPU
#endif
#ifndef PCP_HAVE_RSEQ
static inline enum pcp_result pcp_rseq_pop(const struct pb_pool *pool, u32 gfp, u32 order,
					   size_t *frame)
{
	(void)pool, (void)gfp, (void)order, (void)frame;
	return PCP_MISS;
}

static inline enum pcp_result pcp_rseq_push(const struct pb_pool *pool, u32 class, u32 order,
					    size_t frame)
{
	(void)pool, (void)class, (void)order, (void)frame;
	return PCP_MISS;
}
#endif

/* Index of this CPU's area. A CPU that appeared after start shares one. */
static inline u32 pcp_cpu(const struct pb_pool *pool)
{
	u32 cpu = pb_platform_cpu();

	return likely(cpu < pool->percpu_cpus) ? cpu : cpu % pool->percpu_cpus;
}

static inline enum pcp_result pcp_lock_pop(const struct pb_pool *pool, u32 gfp, unsigned int order,
					   u32 *frame)
{
	struct pcp_area *area = pcp_area(pool, pcp_cpu(pool));
	unsigned long state = pb_platform_critical_enter();
	enum pcp_result result = PCP_MISS;

	if (likely(pcp_trylock(area))) {
		u32 class = area->fast[gfp & PCP_FAST_GFP];
		struct pcp_list *list = pcp_list(area, class, order);

		if (likely(PCP_TOP(list->head) != list->base)) {
			*frame = pcp_slots(area)[PCP_TOP(list->head) - 1];
			store_relaxed(&list->head, list->head + PCP_POP);
			result = PCP_OK;
		}
		pcp_unlock(area);
	}
	pb_platform_critical_exit(state);
	return result;
}

static inline enum pcp_result pcp_lock_push(const struct pb_pool *pool, u32 class,
					    unsigned int order, u32 frame)
{
	struct pcp_area *area = pcp_area(pool, pcp_cpu(pool));
	unsigned long state = pb_platform_critical_enter();
	enum pcp_result result = PCP_MISS;

	if (likely(pcp_trylock(area))) {
		struct pcp_list *list = pcp_list(area, class, order);
		u32 top = PCP_TOP(list->head);

		if (likely(top < load_relaxed(&list->limit))) {
			pcp_slots(area)[top] = frame;
			store_relaxed(&list->head, list->head + PCP_PUSH);
			result = PCP_OK;
		}
		pcp_unlock(area);
	}
	pb_platform_critical_exit(state);
	return result;
}

static inline int cpu_node(const struct pb_pool *pool, u32 cpu)
{
	return ((const u8 *)pool_at(pool, pool->super->cpu_nodes))[cpu % pool->super->nr_cpus];
}

/* ---- slow paths: any zone, refilling and draining */

/* Does this order have per-CPU lists in this pool? */
bool pcp_allowed_order(const struct pb_pool *pool, unsigned int order);
/* From this CPU's list of the zone, refilled if empty. NO_FRAME: none, or the
   area is busy: go to the zone. */
u32 pcp_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
	     unsigned int type, unsigned int alloc_flags);
/* To this CPU's list, drained if full. False: free to the zone yourself. */
bool pcp_put(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order);
/* Drain one CPU's lists, of one zone or of all (NULL). Waits for the area. */
void pcp_drain_cpu(struct pb_pool *pool, u32 cpu, struct zone *zone);
void pcp_drain_all(struct pb_pool *pool, struct zone *zone);

/* Sizes of every CPU's lists of a zone, from zone->pcp_*. */
void pcp_set_sizes(struct pb_pool *pool, struct zone *zone);
/* What they come to: entries that a stack of the zone has room for, and may hold now. */
u32 pcp_stack_room(const struct pb_pool *pool, const struct zone *zone, unsigned int order);
u32 pcp_stack_max(const struct pb_pool *pool, const struct zone *zone, unsigned int order);

/* ---- layout, at pool creation */

/* Decide the lists' shape (nr_pcp_orders, class_shift). */
void pcp_layout(struct pb_super *super);
/* Bytes of the slots that a zone of so many frames needs in a CPU's area. */
size_t pcp_zone_bytes(const struct pb_super *super, u64 zone_frames);
/* Bytes of one CPU's area, from the sum of these; 0: more than slots can count. */
size_t pcp_area_bytes(struct pb_super *super, size_t zone_bytes);
void pcp_init_areas(struct pb_pool *pool);
/* fast[] of every CPU, once the zonelists are there. */
void pcp_init_fast(struct pb_pool *pool);

/* ---- statistics of one CPU and zone */
struct pcp_counts {
	u64 allocs;      /* calls */
	u64 alloc_pages; /* pages */
	u64 frees;       /* calls */
	u64 free_pages;  /* pages */
	u64 held;        /* pages in the lists */
};
void pcp_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
	       struct pcp_counts *counts);

/* Has any CPU a block of this order in a list of this zone? Areas are locked. */
bool pcp_holds(const struct pb_pool *pool, const struct zone *zone, unsigned int order);
/* Every CPU's area, in order of their numbers. Interrupts are masked. */
void pcp_lock_all(struct pb_pool *pool);
void pcp_unlock_all(struct pb_pool *pool);

/* A refill or drain of n blocks, to the trace hook. */
void pcp_trace_batch(struct pb_pool *pool, enum pb_trace_type type, struct zone *zone, u32 cpu,
		     unsigned int order, unsigned int mt, u32 n);

/* Let the area go for a moment, between two batches; *state is the critical section's. */
void pcp_breathe(struct pb_pool *pool, u32 cpu, unsigned long *state);

/* ---- pcp_linux.c: the same in Linux 6.1's manner; the area's lock is held */
struct pcp_linux *pcp_linux_of(const struct pb_pool *pool, u32 cpu, const struct zone *zone);
u32 pcp_linux_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
		   unsigned int type, unsigned int alloc_flags, unsigned long *state);
void pcp_linux_put(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order,
		   unsigned int type, unsigned long *state);
void pcp_linux_drain(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned long *state);
u32 pcp_linux_list(unsigned int order, unsigned int type);

#endif
