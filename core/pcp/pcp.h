/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU page lists. With them most allocations are a pop and most frees a push.
 *
 *	area of CPU c:	cold | lock | fast[gfp] | lists[zone, type][order] | stacks
 *
 * The modern profile keeps a stack of frames for every order up to the
 * pageblock's. The linux profile keeps Linux's linked lists (orders 0 to 3
 * and pageblock_order; 5.10: order 0) with its counts and batches.
 *
 * Cached frames are neither free nor owned: their page byte is 0, their tree bit is
 * clear, and NR_FREE_PAGES does not count them. Before an allocation fails every CPU's
 * lists are drained, so that no memory is stranded (in the linux profile only for
 * requests that may reclaim, as Linux does).
 *
 * An area may be accessed by whoever holds its try-lock or, in a pool that uses
 * restartable sequences, by a sequence that runs on that CPU and saw the lock free.
 * Whoever takes the lock from another CPU calls pb_platform_fence_cpu() next, which
 * restarts the sequences that did not see the lock.
 *
 * With PB_POOL_CIDS "CPU" means the thread's concurrency id all through this folder: a small
 * number that no two running threads of the process share. It does not tell on which CPU a
 * sequence runs, so a fence must reach every CPU.
 *
 * What keeps an access of a row apart from one of a column:
 *
 *		    pop/push   refill/drain  remote drain  sizes
 *	pop/push    same CPU   lock          lock + fence  atomic limit
 *	refill                 lock          lock          lock
 *	remote drain                         lock          lock
 *
 * The last area is the depot's (depot.h), through which larger blocks go from CPU to CPU.
 *
 * Lock order: area < zone < stripe. An area's lock is only ever tried by allocations
 * and frees on its own CPU. A drain waits for it and holds no other lock; pcp_lock_all() waits
 * for it and holds the quarantine's and those of lower CPUs. Interrupts are masked while it is
 * held, and it is held no longer than a batch takes.
 */
#ifndef PB_CORE_PCP_H
#define PB_CORE_PCP_H

#include "block/marks.h"
#include "zone/zone.h"

#define PCP_FAST_GFP 0x1fu    /* zone and mobility modifiers: index into fast[] */
#define PCP_STACK_PAGES 1024u /* of a stack of less than a pageblock; in a long row twice as many */
#define PCP_STACK_MIN 8u      /* entries of such a stack, at least */
#define PCP_STACK_WHOLE 128u  /* entries of the stack of whole pageblocks */
#define PCP_DEPOT_PAGES 4096u /* of a stack of the depot: two of a CPU's */
#define PCP_DEPOT_MAX 128u    /* entries of such a stack, at most */
#define PCP_LONG_ROW 16       /* refills, or drains, one after another */

/* RSEQ and CID use restartable sequences. With CID a thread uses the area of its concurrency id,
   otherwise that of the CPU on which it runs. */
enum pcp_mode { PCP_MODE_NONE, PCP_MODE_TRYLOCK, PCP_MODE_RSEQ, PCP_MODE_CID };

/*
 * One stack. `head` is {allocations:48, top:16}: top is the next slot to push
 * into, counted in u32 from where the lists begin; a pop adds 2^16 - 1, a push adds 1,
 * each with a single store. So head >> 16 is the number of allocations ever, and
 * frees = count + allocations - refilled + drained. The statistics are exact and cost
 * nothing. (2^48 allocations last 13 days at one per 4 ns; then the number wraps.)
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

/* The fields of a list that the fast paths don't need. The area's lock protects them. */
struct pcp_cold {
	u64 refilled; /* blocks from the zone, ever */
	u64 drained;  /* blocks back to the zone, ever */
	u32 seen;     /* the low half of `head` at the last decay */
	s32 row;      /* refills in a row; drains, if less than 0: at most PCP_LONG_ROW */
};

#define COSTLY_ORDER 3u
#define FREE_FACTOR_MAX 5
#define PCP_BATCH_MAX (INT32_MAX >> (FREE_FACTOR_MAX + 1)) /* 2^FREE_FACTOR_MAX of them fit */

struct pcp_area {
	u32 lock; /* 0: free */
	u32 cpu;
	u32 node;                   /* of this CPU */
	u16 fast[PCP_FAST_GFP + 1]; /* gfp modifiers -> class, NO_CLASS: slow path */
	u32 closed;                 /* the depot's: drains of all areas under way */
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

static inline struct pcp_cold *pcp_cold(const struct pb_pool *pool, struct pcp_area *area,
					const struct pcp_list *list)
{
	return (struct pcp_cold *)((unsigned char *)area - pool->super->pcp_cold) +
	       (list - pcp_list(area, NO_CLASS, 0));
}

/* The entries of a list, coldest first. */
static inline u32 *pcp_stack(struct pcp_area *area, const struct pcp_list *list)
{
	return pcp_slots(area) + list->base;
}

static inline bool pcp_trylock(struct pcp_area *area)
{
	u32 free = 0;

	return pb_atomic_compare_exchange_n(&area->lock, &free, 1, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED);
}

static inline void pcp_unlock(struct pcp_area *area)
{
	pb_atomic_store_n(&area->lock, 0, __ATOMIC_RELEASE);
}

enum pcp_result { PCP_OK, PCP_MISS };

/* A port that has restartable sequences names its header by this macro. It
   defines pcp_rseq_pop() and pcp_rseq_push(), and PCP_HAVE_RSEQ. */
#ifdef PB_PLATFORM_PERCPU
#include PB_PLATFORM_PERCPU
#endif
#ifndef PCP_HAVE_RSEQ
/* GCOVR_EXCL_START: never called, rseq_orders is 0 without sequences */
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

static inline enum pcp_result pcp_cid_pop(const struct pb_pool *pool, u32 gfp, u32 order,
					  size_t *frame)
{
	return pcp_rseq_pop(pool, gfp, order, frame);
}

static inline enum pcp_result pcp_cid_push(const struct pb_pool *pool, u32 class, u32 order,
					   size_t frame)
{
	return pcp_rseq_push(pool, class, order, frame);
}

static inline u32 pcp_cid(const struct pb_pool *pool)
{
	(void)pool;
	return 0;
}
/* GCOVR_EXCL_STOP */
#endif

/* Do areas go by concurrency ids? */
static inline bool pcp_by_cid(const struct pb_pool *pool)
{
#ifdef PCP_HAVE_RSEQ
	return pool->percpu_mode == PCP_MODE_CID;
#else
	(void)pool;
	return false;
#endif
}

/* Number of the area that this thread would enter now. There may be no area of that number. */
static inline u32 pcp_here(const struct pb_pool *pool)
{
	return PB_WITH_SMP && unlikely(pcp_by_cid(pool)) ? pcp_cid(pool) : pb_platform_cpu();
}

/* Number of this CPU's area in a pool without concurrency ids. A CPU that appeared after the pool
   was made shares an area with another. */
static inline u32 pcp_lock_cpu(const struct pb_pool *pool)
{
	u32 cpu = PB_WITH_SMP ? pb_platform_cpu() : 0;

	return likely(cpu < pool->percpu_cpus) ? cpu : cpu % pool->percpu_cpus;
}

/* The same of any pool. */
static inline u32 pcp_cpu(const struct pb_pool *pool)
{
	return unlikely(pcp_by_cid(pool)) ? pcp_cid(pool) % pool->percpu_cpus : pcp_lock_cpu(pool);
}

static inline enum pcp_result pcp_lock_pop(const struct pb_pool *pool, u32 gfp, unsigned int order,
					   u32 *frame)
{
	struct pcp_area *area;
	unsigned long state;
	enum pcp_result result = PCP_MISS;

	if (!PB_WITH_PCP)
		return PCP_MISS;
	area = pcp_area(pool, pcp_lock_cpu(pool));
	state = pb_platform_critical_enter();
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
	struct pcp_area *area;
	unsigned long state;
	enum pcp_result result = PCP_MISS;

	if (!PB_WITH_PCP)
		return PCP_MISS;
	area = pcp_area(pool, pcp_lock_cpu(pool));
	state = pb_platform_critical_enter();
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
	if (!PB_WITH_NUMA)
		return 0;
	return ((const u8 *)pool_at(pool, pool->super->cpu_nodes))[cpu % pool->super->nr_cpus];
}

/* ---- area.c: an area under its lock */

/*
 * A CPU's area whose lock is held, with interrupts masked where the port masks any: so no
 * handler ever finds the area of the CPU that it interrupted taken, no holder is preempted,
 * and whoever waits for another CPU's area waits for a bounded number of instructions. See
 * ZONE_BATCH_MAX for the bound.
 */
struct pcp_held {
	struct pb_pool *pool;
	struct pcp_area *area;
	u32 cpu;
	unsigned long state; /* of the critical section */
};

/* Returns false if the area is taken. Only drains and changes of sizes, which hold no other lock,
   and pcp_lock_all() may wait for an area. */
bool pcp_trylock_area(struct pb_pool *pool, u32 cpu, struct pcp_held *held);
void pcp_lock_area(struct pb_pool *pool, u32 cpu, struct pcp_held *held);
void pcp_unlock_area(const struct pcp_held *held);
/* Release the area for a moment between two batches, so that interrupts are masked for one batch
   only. The lists may have changed afterwards. pcp_breathe() keeps the area where restartable
   sequences are used: nothing is masked there, and taking the area again would cost a fence. */
void pcp_let_go(struct pcp_held *held);
static inline void pcp_breathe(struct pcp_held *held)
{
	if (held->pool->percpu_mode < PCP_MODE_RSEQ)
		pcp_let_go(held);
}
/* Lock every area, in order of their numbers. pre: interrupts are masked. */
void pcp_lock_all(struct pb_pool *pool);
void pcp_unlock_all(struct pb_pool *pool);

/* Take a block from this CPU's list of the zone, and refill the list if it is empty. Returns
   NO_FRAME if there is none or the area is busy; the caller then asks the zone. */
u32 rmqueue_pcplist(const struct zone_request *request);
/* Put a block on this CPU's list, and drain the list if it is full. Returns false if that can't
   be done now; the caller then frees the block to the zone. */
bool free_pcplist(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order);
/* The same for up to n blocks of one list, under one hold of the area; returns how many. */
u32 rmqueue_pcplist_bulk(const struct zone_request *request, u32 n, u32 *frames);
u32 free_pcplist_bulk(const struct zone_request *what, u32 n, const u32 *frames);
/* Does this order have per-CPU lists in this pool? */
static inline bool pcp_allowed_order(const struct pb_pool *pool, unsigned int order)
{
	return PB_WITH_PCP && pool->pcp_orders >> order & 1;
}
/* Does any CPU have a block of this order in a list of this zone? pre: all areas are locked. */
bool pcp_holds(const struct pb_pool *pool, const struct zone *zone, unsigned int order);
/* Drain one CPU's lists, of one zone or of all (NULL). Waits for the area. */
void pcp_drain_cpu(struct pb_pool *pool, u32 cpu, struct zone *zone);
/* Drain every CPU's lists, and empty the quarantine. */
void pcp_drain_all(struct pb_pool *pool, struct zone *zone);
/*
 * Called with the n blocks that a refill took, before they come to a list. Their pageblocks lose
 * their marks. A block whose reuse must be told to the reuse hook first goes back to the zone,
 * since no hook may be called here; a request past the lists will take it. Returns the number of
 * blocks that stay; they are the first in frames[], in the same order.
 */
u32 marks_admit(const struct zone_request *request, u32 n, u32 *frames);
static inline u32 pcp_admit(const struct zone_request *request, u32 n, u32 *frames)
{
	return has_marks(request->pool) ? marks_admit(request, n, frames) : n;
}
/* Set the sizes of every CPU's lists of a zone from zone->pcp_*. */
void pcp_set_sizes(struct pb_pool *pool, struct zone *zone);
void pcp_init_areas(struct pb_pool *pool);
/* Report a refill or drain of n blocks to the trace hook. pre: there is one. */
void pcp_trace_batch(const struct pcp_held *held, enum pb_trace_type type,
		     const struct zone_request *what, u32 n);

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

/* ---- stack.c: the lists of the modern profile. The functions of its policy: */
u32 pcp_stack_take(struct pcp_held *held, const struct zone_request *request);
bool pcp_stack_put(struct pcp_held *held, const struct zone_request *what, u32 frame);
void pcp_stack_drain(struct pcp_held *held, struct zone *zone);
void pcp_stack_decay(struct pcp_held *held, struct zone *zone);
/* Would a decay change nothing? Asked without the lock, so the answer may be old. */
bool pcp_stack_at_rest(const struct pb_pool *pool, u32 cpu, const struct zone *zone);
bool pcp_stack_set_sizes(struct pcp_held *held, struct zone *zone);
bool pcp_stack_holds(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     unsigned int order);
void pcp_stack_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     struct pcp_counts *counts);
u64 pcp_stack_sum(const struct pb_pool *pool, u32 cpu, const struct zone *zone, u64 sum);
void pcp_stack_init(struct pb_pool *pool, u32 cpu);

/* The entries that a stack of the zone has slots for, and those that it may hold now. */
u32 pcp_stack_room(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		   unsigned int order);
u32 pcp_stack_max(const struct pb_pool *pool, const struct zone *zone, unsigned int order);

/* At pool creation: decide the lists' shape (nr_pcp_orders, class_shift). */
void pcp_stack_layout(struct pb_super *super);
/* Bytes of the slots that a zone of so many frames needs in a CPU's area, or in the depot's. */
u32 pcp_stack_zone_bytes(const struct pb_super *super, u64 zone_frames, bool depot);
/* Bytes of the pcp_cold records in front of an area's head, and its first slot. */
u32 pcp_stack_cold(const struct pb_super *super);
u32 pcp_stack_first_slot(const struct pb_super *super);
/* Bytes of one area, from the sum of the zones'; 0: more than slots can count. */
size_t pcp_stack_area_bytes(const struct pb_super *super, size_t zone_bytes);

#endif
