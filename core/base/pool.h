/* SPDX-License-Identifier: MIT */
/*
 * What the metadata memory of a pool holds, and how to get from one structure
 * to the next. No pointers inside: offsets from the start and 32-bit indices,
 * so the memory can be mapped elsewhere.
 *
 *	frame index i --i >> max_order-->      span: buddy tree
 *	              --i >> pageblock_order-> pageblock: type, block counts
 *	              --zone_of_frame()------> zone, its stripe
 *
 * The index space is dense: zones one after the other, each a whole number of
 * spans; inside a zone ascending pfn. A hole of a span or more costs nothing.
 */
#ifndef PB_CORE_POOL_H
#define PB_CORE_POOL_H

#include "base/namespace.h"

#include <pagebuddy/pagebuddy.h>
#include <pagebuddy/platform.h>

#include "base/bits.h"
#include "base/buddy_tree.h"
#include "base/options.h"

/*
 * The handle, which users see as words. It is of one process: base pointers into the
 * metadata, what the fast paths compare with, the profile and the hooks.
 */
struct pb_pool {
	union {
		struct {
			struct pb_page *pages; /* [nr_frames] */
			u64 nr_frames;         /* dense index space, holes inside spans included */
			u16 *pcp_class;        /* [pageblocks] which per-CPU lists a free goes to */
			unsigned char *pcp_lists; /* of CPU 0; the head of its area is in front */
			size_t percpu_stride;     /* bytes of one CPU's area */
			u32 percpu_cpus;          /* CPUs with an area */
			u8 pageblock_order;
			u8 max_order;
			u8 page_shift;
			u8 percpu_mode;   /* how per-CPU lists are entered */
			u8 nr_pcp_orders; /* orders that have per-CPU lists */
			u8 profile;
			u8 hardened;
			u8 kernel;                      /* linux profile: enum pb_kernel */
			const struct pb_policy *policy; /* of the profile */
			const struct pb_wings *wings;
			u32 movable_mask;     /* gfp bits that mark a page movable */
			u32 pcp_orders;       /* bit per order that has per-CPU lists */
			u32 rseq_orders;      /* orders that restartable sequences serve, 0: none */
			u64 rseq_free_frames; /* frames that they serve frees of: 0 if hardened */
			/* the same for try-lock hits; 0: shared or hardened pools, or owners */
			u64 lock_free_frames;
			u32 lock_orders;
			intptr_t rseq_offset; /* of the rseq area from the thread pointer */
			u32 span_words;       /* words of one buddy tree */
			u32 pageblock_stride; /* bytes */
			u64 *trees;
			void *pageblocks;
			void *links;   /* linux profile */
			u8 *pcp_types; /* linux profile: type of a block's list, now or next */
			struct pb_super *super; /* start of the metadata memory */
			struct pb_hooks hooks;
			void *linear;   /* address of linear_pfn in this process */
			u32 *owners;    /* [nr_frames] tags, with PB_POOL_OWNERS */
			u32 *marks;     /* [nr_pageblocks] or NULL, see marks.h */
			u32 owner;      /* tag of what this handle allocates */
			u8 shared;      /* used by several processes */
			u8 depot_order; /* the least that goes through the depot, or NO_DEPOT */
			void *priv[2];  /* the port's */
		};
		u64 opaque[PB_POOL_WORDS];
	};
};

_Static_assert(sizeof(struct pb_pool) == PB_POOL_WORDS * sizeof(u64),
	       "the handle's fields fit into what users see of it");

#define POOL_MAGIC 0x7964647562656761u /* "agebuddy" */
#define POOL_LAYOUT 8
#define POOL_FLAGS                                                                    \
	(0x1ffu | PB_POOL_PLAIN | PB_POOL_OWNERS | PB_POOL_CIDS | PB_POOL_REPORTING | \
	 PB_POOL_CLEARED)
#define KEPT_VM_EVENTS (PB_WITH_COUNTERS ? PB_NR_VM_EVENTS : 1)
#define VM_ALLOC_FAIL (PB_WITH_COUNTERS ? PB_ALLOC_FAIL : 0) /* the log goes by it */
#define NO_FRAME UINT32_MAX
#define NO_ZONE UINT16_MAX
/* Class of frames without per-CPU lists: its lists are both empty and full, so all paths miss. */
#define NO_CLASS 0
#define NR_ORDERS_MAX (PB_MAX_ORDER + 1)
#define NO_DEPOT UINT8_MAX
#define DEPOT_ORDER 5u  /* the least order that goes through a depot */
#define MAX_STRIPES 16u /* of a zone */
#define MAX_MOVING 2u   /* calls of migrate hooks that may be filling a stripe's blocks at once */
/* Can a pool have room for memory that comes later? */
#define CAN_GROW (PB_WITH_RANGE && PB_WITH_ZONES)
/* State of a span, in there[]. Only the frames of a THERE or COMING span have valid metadata.
   COMING: pb_grow() brings the frames online, and pb_remove() can't have them. */
enum { SPAN_ABSENT, SPAN_CHANGING, SPAN_THERE, SPAN_COMING };
#define MAX_LEVELS 5u /* of a list's bitmap below its root: 64^6 pageblocks */

/* Page bytes without HEAD: frames that the allocator never hands out. */
#define PAGE_RESERVED 0x01u
/* The frame does not exist: it comes from rounding to spans, or is in a small hole. */
#define PAGE_ABSENT 0x02u

/*
 * A list of blocks of one order and migratetype, in the pool's representation:
 * bitmap:   the root word of a 64-ary bitmap of pageblocks;
 * linked:   first and last frame; an end of the list names the list itself,
 *           see list_linked.h.
 */
struct free_list {
	union {
		u64 root;
		struct {
			u32 next;
			u32 prev;
		};
	};
} ALIGNED(8);

/* Migratetypes that have lists: all, or UNMOVABLE where there is no other. */
#define LIST_TYPES                                                                \
	(PB_WITH_MOBILITY || PB_WITH_RANGE || PB_WITH_LINUX || PB_WITH_HIGHATOMIC \
		 ? PB_MIGRATE_TYPES                                               \
		 : 1)

/* Arrays, zones and stripes begin with a cache line, where CPUs share them. */
#define LINE_BYTES (PB_WITH_SMP || PB_WITH_PCP ? 64 : 8)

/* I17: nr_free == free blocks of this order, over all types: bits of the trees, or, of whole
   pageblocks in the modern profile, of the lists (whole.h). Written under the
   stripe's lock. */
struct free_area {
	struct free_list free_list[LIST_TYPES];
	unsigned long nr_free; /* blocks */
} ALIGNED(8);

_Static_assert(sizeof(struct free_list) == 8, "lists are counted in words");
_Static_assert(sizeof(struct free_area) == (LIST_TYPES + 1) * sizeof(struct free_list),
	       "the linked representation steps through areas in list-sized steps");

/*
 * A stripe: every nr_stripes-th group of spans of a zone, with its own lock.
 * Merging never crosses a span, so stripes never meet. One stripe is Linux's
 * zone->lock. Written under `lock` only, but for what is marked atomic; counters are read
 * without it.
 */
struct stripe {
	u32 lock;
	u16 zone;
	u8 number;                   /* within the zone */
	u8 wish;                     /* marks: of the call that has the lock, enum marks_wish */
	u32 areas;                   /* index of its first struct free_area */
	u32 nonempty[LIST_TYPES];    /* bitmap: orders with a listed pageblock */
	u32 version;                 /* counts changes of what is free; look_around() compares it */
	long nr_free_pages;          /* pages, without ISOLATE lists */
	long nr_free_cma;            /* pages */
	long nr_free_highatomic;     /* pages; linux profile */
	long nr_isolated;            /* pages on ISOLATE lists */
	unsigned long pgalloc;       /* pages handed out directly, not by per-CPU lists */
	unsigned long pgfree;        /* pages freed directly */
	unsigned long direct_allocs; /* calls, for the NUMA counters */
	u64 bitmaps;                 /* bitmap: offset of the lists' lower levels */
	/* CPUs of other stripes read these; they are seldom written, so the line stays in their
	   caches */
	long approx_free;       /* pages usable without CMA, within approx_error() */
	u32 min_error;          /* pages, the least of it */
	u32 remote_active;      /* atomic: home stripe of the CPU that last took here */
	u32 moving[MAX_MOVING]; /* atomic: pageblock + 1 whose blocks a hook fills, see move.c */
} ALIGNED(LINE_BYTES);

/* Maximum error of approx_free, in pages: less where it matters more. */
static inline long approx_error(const struct stripe *stripe, long approx_free)
{
	return (long)stripe->min_error + approx_free / 8;
}

/* Flags of a zone, with Linux's numbers. The modern profile sets the first only. */
#define ZONE_BOOSTED_WATERMARK 0x1u
#define ZONE_RECLAIM_ACTIVE 0x2u
#define ZONE_BELOW_HIGH 0x4u
#define ZONE_FLAGS 0x7u

struct zone {
	/* read-mostly: those from _watermark to lowmem_reserve, pcp_* and stat_threshold
	   are written under sizes_lock, the others when the pool is made */
	u64 _watermark[PB_NR_WMARK];                              /* pages, without boost */
	u64 lowmem_reserve[PB_WITH_ZONES ? PB_NR_ZONE_TYPES : 1]; /* pages */
	u64 start_pfn;
	u64 spanned;              /* pages */
	u32 first_span, nr_spans; /* dense */
	u32 first_stripe, nr_stripes;
	u8 node;
	u8 type;                        /* enum pb_zone_type */
	u8 group_shift;                 /* log2 pageblocks of a stripe group */
	u8 levels;                      /* bitmap: bitmap levels below the root */
	u32 level_words[MAX_LEVELS];    /* bitmap: words of each, leaf first */
	u32 bitmap_words;               /* bitmap: their sum */
	u32 run_leaves;                 /* 0: one leaf is enough, which is not kept; see runs.h */
	u64 runs;                       /* offset of their marks, words and nodes */
	s32 pcp_batch;                  /* pages; spec 9.1 */
	s32 pcp_high_min, pcp_high_max; /* pages; spec 9.6 */
	s32 stat_threshold;             /* linux profile: pages a CPU may hold back */

	/*
	 * Write-intensive. After the colon, what protects it: "lock": this zone's, to
	 * write; "stripe": the zone's only stripe's lock; "atomic": read-modify-writes in
	 * one step; "rest": written while no other call runs. All may be read at any time.
	 */
	u32 lock ALIGNED(LINE_BYTES);          /* not Linux's zone->lock, which is the stripe's */
	u32 flags;                             /* ZONE_*: atomic */
	u64 present;                           /* pages: lock */
	u64 managed;                           /* pages: lock */
	unsigned long watermark_boost;         /* pages: atomic */
	long quarantined;                      /* pages in the quarantine: its lock */
	long vm_free;                          /* linux profile: NR_FREE_PAGES as watermarks
	                                       see it: stripe */
	u64 nr_reserved_highatomic;            /* pages: lock */
	unsigned long nr_isolate_pageblock;    /* pageblocks: atomic */
	unsigned long numa_miss, numa_foreign; /* calls: atomic */
	unsigned long numa_other_direct; /* direct allocations from another node's CPU: atomic */
	unsigned long extfrag, extfrag_steal; /* fallbacks; of these, pageblock claimed: atomic */
	unsigned long
		numa_base[PB_WITH_COUNTERS
				  ? PB_NR_NUMA_EVENTS
				  : 1]; /* NUMA counts of the recorded state that was loaded: rest */
	u32 compact_at;                 /* where a request looks next for what to empty: a guess */
	u32 unreclaimable;              /* recorded: background reclaim has given up: rest */
} ALIGNED(LINE_BYTES);

/* Pages that a request which could go as high as zone type `highest` leaves to others. */
static inline long lowmem_reserve(const struct zone *zone, unsigned int highest)
{
	return PB_WITH_ZONES ? (long)load_relaxed(&zone->lowmem_reserve[highest]) : 0;
}

/* pcp high and batch, watermarks and reserve ratios that were asked for. Written under
   sizes_lock; the boost factor is read without. */
struct tunables {
	s32 min_free_kbytes;      /* in force */
	s32 user_min_free_kbytes; /* -1: never set */
	u32 watermark_scale_factor;
	u32 watermark_boost_factor;
	u32 lowmem_reserve_ratio[PB_WITH_ZONES ? PB_NR_ZONE_TYPES : 1];
	u32 pcp_high_fraction;
	u32 pcp_high, pcp_batch; /* fixed by pb_set_pcp(); 0: automatic */
	u32 pcp_batch_max;
};

/* A run of spans that is contiguous in pfn and in the index space. */
struct segment {
	u64 pfn;     /* of its first span's first frame */
	u64 end_pfn; /* one past its last present frame */
	u32 frame;   /* dense index of `pfn` */
	u16 zone;
};

struct node {
	u16 zones[PB_NR_ZONE_TYPES];     /* zone number or NO_ZONE */
	u16 preferred[PB_NR_ZONE_TYPES]; /* first of the fallback list for a highest zone type */
	u8 online;                       /* has memory or a CPU */
	u8 nr_cpus;                      /* capped at 255 */
	u8 zonelist_nodes;               /* entries of `order` */
	u16 zonelist_zones;              /* entries of its zonelist */
	u8 order[PB_WITH_NUMA ? PB_MAX_NODES : 1]; /* node ids, nearest first */
};

/*
 * Per pageblock. bitmap: counts of the free blocks inside that are smaller than it, by
 * order; `mask` has a bit per order with a count. I21: mask bit o set iff nr_free[o] != 0.
 * Of larger ones there is nothing here, see whole.h.
 */
struct pageblock {
	u32 mask;
	u8 type;         /* enum pb_migratetype */
	u8 listed_order; /* order below the pageblock's whose list holds it, or NOT_LISTED */
	u8 old_type;     /* type before ISOLATE */
	u8 listed_type;
	u16 nr_free[]; /* [pageblock_order + 1] */
};

#define NOT_LISTED 0xffu

_Static_assert(sizeof(struct pageblock) == 8, "stride is 8 + 2 bytes per order, rounded to 8");

/* Two links a frame, of the linked profile. */
struct link {
	u32 next;
	u32 prev;
};

/*
 * Fields that never change after init come first, then their checksums, then the fields that do
 * change. Metadata from elsewhere is read through layout_fault().
 */
struct pb_super {
	u64 magic; /* tells the byte order: another one reads it reversed */
	u32 layout;
	u16 super_bytes, zone_bytes, stripe_bytes, node_bytes; /* of these structures */
	u16 long_bytes; /* of a long: word size of the program that made it */
	u16 zone_types; /* bit per configured zone type */
	u64 bytes;      /* of the whole metadata */
	u8 page_shift, max_order, pageblock_order, profile;
	u32 flags; /* PB_POOL_* */
	u32 nr_spans;
	u32 nr_pageblocks;
	u32 pageblock_stride; /* bytes */
	u32 span_words;
	u32 nr_cpus, percpu_stride;
	u32 pcp_cold;   /* bytes of the pcp_cold records in front of an area's head */
	u8 class_shift; /* log2 lists a pcp class has room for */
	u8 pcp_scale;   /* stacks are cut to 1/2^n so that an area's fit 16-bit slots */
	u8 nr_pcp_orders;
	u8 mobility;  /* grouping enabled */
	u32 nr_nodes; /* greatest node id + 1 */
	u32 nr_zones, nr_stripes, nr_segments;
	u8 orders;             /* max_order + 1 */
	u8 kernel;             /* linux profile: enum pb_kernel; else 0 */
	u16 quarantine_blocks; /* slots of the quarantine; 0: there is none */
	u16 hotplug;           /* 1: some regions' memory may come and go, see there[] */
	u16 depot_lines;       /* of 64 bytes: the depot's area; 0: there is none */
	u64 nr_frames;
	u64 linear_pfn;
	/* offsets of the arrays, bytes from the start */
	u64 segments, nodes, zonelists, cpu_nodes, zones, stripes, areas, bitmaps, trees,
		pageblocks, classes, pages, refs, owners, links, pcp_types, percpu, runs, there;
	u64 map_sum;   /* of nodes, zonelists, segments, and the shapes of zones and stripes */
	u64 super_sum; /* of everything above */

	struct tunables tunables;
	u64 totalreserve; /* pages: sizes_lock */
	u64 sizes_sum;    /* of tunables, and of all that follows from them: sizes_lock */
	unsigned long vm[KEPT_VM_EVENTS]; /* atomic; those not kept elsewhere */
	u32 warned;                       /* one-time warnings given, bit each: atomic */
	u32 sizes_lock; /* of tunables and what follows from them: no other lock is taken in it */
	/* pools of several processes, see shared.h */
	u32 users_lock;  /* who is in it, or 0 */
	u32 users_depth; /* how often it went in */
	u32 repairs;     /* after deaths, ever; odd while one is under way */
};

static inline void *pool_at(const struct pb_pool *pool, u64 offset)
{
	return (unsigned char *)pool->super + offset;
}

/* A build that can have depots (pcp/depot.h). */
#define CAN_HAVE_DEPOT (PB_WITH_DEPOT && PB_WITH_PCP && PB_WITH_SMP)

/* The least order that goes from CPU to CPU through a depot. NO_DEPOT: there is none, as there
   are no stacks, or nobody else to give to. Whole pageblocks do not go through it, since a batch of
   them is taken from the zone, and given back, in fewer steps than by the depot; but where
   pageblocks are as small as that, nothing else would. */
static inline u8 depot_order_of(const struct pb_super *super)
{
	if (!CAN_HAVE_DEPOT || !super->nr_pcp_orders || super->nr_cpus == 1)
		return NO_DEPOT;
	return super->pageblock_order < DEPOT_ORDER ? super->pageblock_order : DEPOT_ORDER;
}

static inline bool is_depot_order(unsigned int order, u8 least, u8 pageblock_order)
{
	return order >= least && (order < pageblock_order || order == least);
}

static inline size_t depot_bytes(const struct pb_super *super)
{
	return super->depot_lines * (size_t)64;
}

static inline bool pool_has_depot(const struct pb_pool *pool)
{
	return CAN_HAVE_DEPOT && pool->percpu_cpus && pool->depot_order != NO_DEPOT;
}

static inline bool goes_by_depot(const struct pb_pool *pool, unsigned int order)
{
	return CAN_HAVE_DEPOT && is_depot_order(order, pool->depot_order, pool->pageblock_order);
}

/* Areas of per-CPU lists: one a CPU, and the depot's behind them. */
static inline u32 pool_areas(const struct pb_pool *pool)
{
	return pool->percpu_cpus + pool_has_depot(pool);
}

static inline u32 pool_nr_nodes(const struct pb_pool *pool)
{
	return PB_WITH_NUMA ? pool->super->nr_nodes : 1;
}

static inline u32 pool_nr_zones(const struct pb_pool *pool)
{
	return PB_WITH_ZONES ? pool->super->nr_zones : 1;
}

static inline u32 pool_nr_segments(const struct pb_pool *pool)
{
	return PB_WITH_ZONES ? pool->super->nr_segments : 1;
}

static inline struct zone *pool_zone(const struct pb_pool *pool, u32 number)
{
	return (struct zone *)pool_at(pool, pool->super->zones) + number;
}

static inline u32 zone_number(const struct pb_pool *pool, const struct zone *zone)
{
	return (u32)(zone - pool_zone(pool, 0));
}

static inline struct stripe *pool_stripe(const struct pb_pool *pool, u32 number)
{
	return (struct stripe *)pool_at(pool, pool->super->stripes) + number;
}

static inline struct stripe *zone_stripe(const struct pb_pool *pool, const struct zone *zone,
					 u32 number)
{
	return pool_stripe(pool, PB_WITH_SMP || PB_WITH_ZONES ? zone->first_stripe + number : 0);
}

static inline struct zone *stripe_zone(const struct pb_pool *pool, const struct stripe *stripe)
{
	return pool_zone(pool, stripe->zone);
}

static inline struct free_area *stripe_area(const struct pb_pool *pool, const struct stripe *stripe,
					    unsigned int order)
{
	return (struct free_area *)pool_at(pool, pool->super->areas) + stripe->areas + order;
}

static inline struct node *pool_node(const struct pb_pool *pool, u32 id)
{
	return (struct node *)pool_at(pool, pool->super->nodes) + id;
}

static inline struct segment *pool_segment(const struct pb_pool *pool, u32 number)
{
	return (struct segment *)pool_at(pool, pool->super->segments) + number;
}

/* Free areas of one stripe: whole cache lines, if there are other stripes. */
static inline u32 stripe_area_stride(const struct pb_super *super)
{
	return super->nr_stripes > 1 ? (super->orders + 7u) & ~7u : super->orders;
}

/* The zone of a node that a caller named, or NULL. PB_NO_NODE: of the lowest that has it. */
HOT_INLINE struct zone *find_zone(const struct pb_pool *pool, int node, enum pb_zone_type type)
{
	u32 first = node == PB_NO_NODE ? 0 : (u32)node;
	u32 last = node == PB_NO_NODE ? pool_nr_nodes(pool) - 1 : (u32)node;

	if ((u32)type >= PB_NR_ZONE_TYPES)
		return NULL;
	for (u32 id = first; id <= last && id < pool_nr_nodes(pool); id++) {
		u16 number = pool_node(pool, id)->zones[type];

		if (number != NO_ZONE)
			return pool_zone(pool, number);
	}
	return NULL;
}

/* Zone numbers in the order in which requests from a node try them (spec 5.1). */
static inline u16 *node_zonelist(const struct pb_pool *pool, u32 id)
{
	return (u16 *)pool_at(pool, pool->super->zonelists) + (size_t)id * pool_nr_zones(pool);
}

static inline u64 *span_tree(const struct pb_pool *pool, u32 frame)
{
	return (u64 *)pool->trees + (size_t)(frame >> pool->max_order) * pool->span_words;
}

static inline u32 span_offset(const struct pb_pool *pool, u32 frame)
{
	return frame & ((1u << pool->max_order) - 1);
}

static inline u32 frame_node(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	return tree_node(pool->max_order, span_offset(pool, frame), order);
}

static inline struct pageblock *pool_pageblock(const struct pb_pool *pool, u32 number)
{
	return (struct pageblock *)((unsigned char *)pool->pageblocks +
				    (size_t)number * pool->pageblock_stride);
}

static inline struct pageblock *frame_pageblock(const struct pb_pool *pool, u32 frame)
{
	return pool_pageblock(pool, frame >> pool->pageblock_order);
}

static inline u32 zone_stripes(const struct zone *zone)
{
	return PB_WITH_SMP ? zone->nr_stripes : 1;
}

/* Are migratetypes kept apart in this pool? */
static inline bool has_mobility(const struct pb_pool *pool)
{
	return PB_WITH_MOBILITY && pool->super->mobility;
}

static inline u32 zone_first_pageblock(const struct pb_pool *pool, const struct zone *zone)
{
	if (!PB_WITH_ZONES)
		return 0;
	return zone->first_span << (pool->max_order - pool->pageblock_order);
}

static inline u32 zone_nr_pageblocks(const struct pb_pool *pool, const struct zone *zone)
{
	return zone->nr_spans << (pool->max_order - pool->pageblock_order);
}

static inline u32 zone_first_frame(const struct pb_pool *pool, const struct zone *zone)
{
	return zone->first_span << pool->max_order;
}

static inline u64 zone_nr_frames(const struct pb_pool *pool, const struct zone *zone)
{
	return (u64)zone->nr_spans << pool->max_order;
}

static inline u64 pageblock_pages(const struct pb_pool *pool)
{
	return (u64)1 << pool->pageblock_order;
}

static inline bool pool_is_linked(const struct pb_pool *pool)
{
	return PB_WITH_LINUX && pool->profile == PB_PROFILE_LINUX;
}

/* Is it used by several processes? */
static inline bool pool_is_shared(const struct pb_pool *pool)
{
	return PB_WITH_SHARED && unlikely(pool->shared);
}

/* Was the state recorded elsewhere? Then totals and watermarks are the recorded ones. */
static inline bool pool_was_loaded(const struct pb_pool *pool)
{
	return pool->super->flags & PB_POOL_ALL_RESERVED;
}

/* Does the pool keep no watermarks, reserves or boost, and log nothing (PB_POOL_PLAIN)? */
static inline bool is_plain(const struct pb_pool *pool)
{
	return !PB_WITH_WATERMARKS || pool->super->flags & PB_POOL_PLAIN;
}

#define GROUP_SHIFT_MIN 6u
#define GROUP_SHIFT_MAX 10u

/*
 * log2 of the pageblocks of a group: large, since a processor that sees a stride
 * prefetches beyond a group's end, and takes the lines there from the CPU that works
 * on them. But each stripe gets low and high addresses, two groups at least, and
 * eight if they don't come out even: a CPU whose stripe is smaller soon works in
 * another's.
 */
static inline u8 stripe_group_shift(u32 pageblocks, u32 nr_stripes, u32 span_shift)
{
	u32 shift = span_shift > GROUP_SHIFT_MIN ? span_shift : GROUP_SHIFT_MIN;

	for (; nr_stripes > 1 && shift < GROUP_SHIFT_MAX; shift++) {
		u32 groups = pageblocks >> (shift + 1);
		bool even = pageblocks % (nr_stripes << (shift + 1)) == 0;

		if (groups < (even ? 2 : 8) * nr_stripes)
			break;
	}
	return (u8)shift;
}

/* Fill in the handle from the super block: base pointers, orders, policy. */
void pool_set_handle(struct pb_pool *pool, void *memory, const struct pb_hooks *hooks);

/*
 * Hooks are called with the task marked, as Linux marks one that reclaims with
 * PF_MEMALLOC: what it asks for in there neither reclaims, compacts nor wakes, and is
 * not logged. False: it is in one already.
 */
#define TASK_IN_HOOK 0x1u

static inline bool has_migrate_hook(const struct pb_pool *pool)
{
	return pool->hooks.migrate || pool->hooks.migrate_batch;
}

static inline bool in_hook(void)
{
	return *pb_platform_task() & TASK_IN_HOOK;
}

static inline bool hook_begin(void)
{
	u32 *task = pb_platform_task();

	if (*task & TASK_IN_HOOK)
		return false;
	*task |= TASK_IN_HOOK;
	return true;
}

static inline void hook_end(void)
{
	*pb_platform_task() &= ~TASK_IN_HOOK;
}

#endif
