/* SPDX-License-Identifier: MIT */
/*
 * pagebuddy - Linux's page allocator as a library.
 *
 *	regions --pb_pool_init--> pool --pb_alloc_pages--> page --pb_free_pages--> pool
 *
 * A pool manages page frames, named by pfn, in nodes and zones as Linux does.
 * It never touches the memory it hands out (except for __GFP_ZERO through the
 * address hook); all it knows is in metadata memory that the caller supplies.
 *
 * Terms: frame (one page, named by its pfn), block (2^order frames, aligned to
 * its size), pageblock (2^pageblock_order frames of one migratetype), pcp (the
 * per-CPU lists in front of a zone). Everything else has the name that Linux
 * gives it.
 *
 * Unless the table in calls.h says otherwise: a function may be called from any thread at any
 * time; it may block only if the request has PB_GFP_DIRECT_RECLAIM and a
 * reclaim, migrate or oom hook is set; it may be called from interrupt context
 * if the port's lock and critical section mask interrupts (those of the
 * freestanding port mask nothing until the embedder supplies his own; in the
 * linux_user port signal handlers must not call in).
 */
#ifndef PAGEBUDDY_PAGEBUDDY_H
#define PAGEBUDDY_PAGEBUDDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PB_VERSION_MAJOR 0
#define PB_VERSION_MINOR 2
#define PB_VERSION_PATCH 0

#if defined(__GNUC__)
#define PB_API __attribute__((visibility("default")))
#define PB_MAY_ALIAS __attribute__((may_alias))
#else
#define PB_API
#define PB_MAY_ALIAS
#endif

/* ------------------------------------------------------------------ limits */

#define PB_MAX_ORDER 20 /* greatest max_order (inclusive) a pool may have */
#define PB_DEFAULT_MAX_ORDER 10
#define PB_DEFAULT_PAGEBLOCK_ORDER 9
#define PB_MAX_NODES 64
#define PB_MAX_CPUS 4096
/* Frames of the greatest pool, holes inside its spans (of 2^max_order) included. */
#define PB_MAX_FRAMES (((uint64_t)1 << 32) - 65536)
#define PB_NO_NODE (-1) /* NUMA_NO_NODE */
#define PB_MAX_QUARANTINE 65535u /* blocks */

/* Zone types in Linux's ascending order; DEVICE exists in print only. */
enum pb_zone_type {
	PB_ZONE_DMA,
	PB_ZONE_DMA32,
	PB_ZONE_NORMAL,
	PB_ZONE_HIGHMEM,
	PB_ZONE_MOVABLE,
	PB_ZONE_DEVICE,
	PB_NR_ZONE_TYPES
};

enum pb_migratetype {
	PB_MIGRATE_UNMOVABLE,
	PB_MIGRATE_MOVABLE,
	PB_MIGRATE_RECLAIMABLE,
	PB_MIGRATE_PCPTYPES, /* types with smaller numbers have per-CPU lists */
	PB_MIGRATE_HIGHATOMIC = PB_MIGRATE_PCPTYPES,
	PB_MIGRATE_CMA,
	PB_MIGRATE_ISOLATE,
	PB_MIGRATE_TYPES
};

enum pb_watermark { PB_WMARK_MIN, PB_WMARK_LOW, PB_WMARK_HIGH, PB_WMARK_PROMO, PB_NR_WMARK };

/* --------------------------------------------------- request flags (gfp_t) */

typedef uint32_t pb_gfp_t; /* values of Linux 5.4 to 6.1; spec 4.1 */

#define PB_GFP_DMA 0x1u
#define PB_GFP_HIGHMEM 0x2u
#define PB_GFP_DMA32 0x4u
#define PB_GFP_MOVABLE 0x8u
#define PB_GFP_RECLAIMABLE 0x10u
#define PB_GFP_HIGH 0x20u
#define PB_GFP_IO 0x40u
#define PB_GFP_FS 0x80u
#define PB_GFP_ZERO 0x100u
#define PB_GFP_ATOMIC_BIT 0x200u /* __GFP_ATOMIC */
#define PB_GFP_DIRECT_RECLAIM 0x400u
#define PB_GFP_KSWAPD_RECLAIM 0x800u
#define PB_GFP_WRITE 0x1000u
#define PB_GFP_NOWARN 0x2000u
#define PB_GFP_RETRY_MAYFAIL 0x4000u
#define PB_GFP_NOFAIL 0x8000u
#define PB_GFP_NORETRY 0x10000u
#define PB_GFP_MEMALLOC 0x20000u
#define PB_GFP_COMP 0x40000u
#define PB_GFP_NOMEMALLOC 0x80000u
#define PB_GFP_HARDWALL 0x100000u
#define PB_GFP_THISNODE 0x200000u
#define PB_GFP_ACCOUNT 0x400000u

#define PB_GFP_RECLAIM (PB_GFP_DIRECT_RECLAIM | PB_GFP_KSWAPD_RECLAIM)
#define PB_GFP_ATOMIC (PB_GFP_HIGH | PB_GFP_ATOMIC_BIT | PB_GFP_KSWAPD_RECLAIM)
#define PB_GFP_KERNEL (PB_GFP_RECLAIM | PB_GFP_IO | PB_GFP_FS)
#define PB_GFP_KERNEL_ACCOUNT (PB_GFP_KERNEL | PB_GFP_ACCOUNT)
#define PB_GFP_NOWAIT PB_GFP_KSWAPD_RECLAIM
#define PB_GFP_NOIO PB_GFP_RECLAIM
#define PB_GFP_NOFS (PB_GFP_RECLAIM | PB_GFP_IO)
#define PB_GFP_USER (PB_GFP_KERNEL | PB_GFP_HARDWALL)
#define PB_GFP_HIGHUSER (PB_GFP_USER | PB_GFP_HIGHMEM)
#define PB_GFP_HIGHUSER_MOVABLE (PB_GFP_HIGHUSER | PB_GFP_MOVABLE)
#define PB_GFP_TRANSHUGE_LIGHT                                                                     \
	((PB_GFP_HIGHUSER_MOVABLE | PB_GFP_COMP | PB_GFP_NOMEMALLOC | PB_GFP_NOWARN) &             \
	 ~PB_GFP_RECLAIM)
#define PB_GFP_TRANSHUGE (PB_GFP_TRANSHUGE_LIGHT | PB_GFP_DIRECT_RECLAIM)

/* ------------------------------------------------------------------- pages */

/*
 * One byte per frame; the bytes of consecutive frames are consecutive. Only the owner of the
 * block writes it (of a shared block any holder may change the marks, atomically).
 * Zero: the frame is not the head of an allocated block: it is free, in a per-CPU
 * list, or a tail. Reserved frames and holes have values without HEAD.
 *
 *	bit  7         6        5         4..0
 *	    HEAD    SHARED   MOVABLE     order
 */
struct pb_page {
	uint8_t state;
};

#define PB_PAGE_HEAD 0x80u    /* allocated, first frame of its block */
#define PB_PAGE_SHARED 0x40u  /* further references are in the side array */
#define PB_PAGE_MOVABLE 0x20u /* the owner can move it: compaction, stealing */
#define PB_PAGE_ORDER 0x1fu

/* ----------------------------------------------------------- configuration */

enum pb_region_kind { PB_REGION_USABLE, PB_REGION_RESERVED, PB_REGION_HOTPLUG, PB_REGION_CMA };

/*
 * A piece [start_pfn, end_pfn) of the memory map. Regions come in any order. Arrays that
 * are sorted, up or down, by (node, zone, pfn) are read in O(n); others in O(n log n) if
 * config.region_order has room for their numbers, else in O(n * n / 64).
 * Usable ones must not overlap each other; reserved ones may overlap anything
 * and need no node or zone: they take frames out of usable regions (present,
 * never handed out until pb_online()). Of hotplug regions they take nothing out.
 *
 * Hotplug ones are room for memory that may come (pb_grow()): as usable ones they overlap
 * no other, and they begin and end at multiples of 2^max_order. Metadata for them is laid
 * out, so that nothing moves later, and is not touched before the memory comes, but for a
 * byte a span, some eight a pageblock of the lists' bitmaps where a list changes, and what
 * each CPU's stacks have for the zone's greatest size. Until then it must be readable, as
 * zero, and needs no memory of its own: address space of mmap(), or one page of zeros that is
 * mapped everywhere. So pb_pool_init() must be told `zeroed`: else it clears all of the metadata.
 * Whatever pb_grow_pieces() does not name needs memory from the beginning; where the pieces lie
 * follows from the configuration alone. A pool needs a usable region beside them.
 *
 * CMA ones mark parts of usable regions, in whole pageblocks (of PB_LINUX_5_4 and 5_10, which
 * merge all types, in multiples of 2^max_order), and need no node or zone: only
 * movable requests are served there (spec 6.4, 6.10), so that pb_alloc_contig() and
 * pb_alloc_at(), which may have these frames whatever their gfp says, find there what can be
 * moved away. They overlap no other CMA region (looking takes O(areas * regions)). With one,
 * the pool groups by mobility however small it is (as PB_POOL_MOBILITY); beside
 * PB_POOL_NO_MOBILITY it is refused. What is freed there stays CMA's; pb_online() of a
 * reserved part gives it to CMA, too.
 */
struct pb_region {
	uint64_t start_pfn;
	uint64_t end_pfn;
	uint8_t node;
	uint8_t zone; /* enum pb_zone_type */
	uint8_t kind; /* enum pb_region_kind */
};

enum pb_profile {
	PB_PROFILE_MODERN, /* tightest placement, types kept apart as from Linux 6.10 on, stripes */
	PB_PROFILE_LINUX,  /* Linux (enum pb_kernel), list by list, frame by frame */
};

/* The kernel that the linux profile follows; docs/linux-observed.md says how they differ. */
enum pb_kernel {
	PB_LINUX_6_1, /* the default */
	PB_LINUX_5_4, /* from its description only: never compared with a running kernel */
	PB_LINUX_5_10,
	PB_LINUX_6_12,
	PB_LINUX_7_2,
	PB_NR_LINUX
};

/* "6.1"; "unknown" for a number that names no kernel. */
PB_API const char *pb_kernel_name(enum pb_kernel kernel);

#define PB_POOL_NO_PCP 0x1u           /* no per-CPU lists */
#define PB_POOL_REFCOUNT 0x2u         /* side array for pb_get_page(): 4 bytes a frame */
#define PB_POOL_HARDENED 0x4u         /* frees exchange the page byte atomically */
#define PB_POOL_MOVABLE_EXPLICIT 0x8u /* MOVABLE mark only by pb_set_movable() */
#define PB_POOL_NO_MOBILITY 0x10u     /* every request is UNMOVABLE (spec 2.4) */
#define PB_POOL_SHARED 0x20u          /* used by several processes, any of which may die: no
                                         rseq, and one at a time but for per-CPU hits */
#define PB_POOL_NO_RSEQ 0x40u         /* try-lock in front of per-CPU lists */
#define PB_POOL_ALL_RESERVED 0x80u    /* start with every frame reserved: nothing is handed out
                                         until pb_online() or the pb_state_ functions say so */
#define PB_POOL_MOBILITY 0x100u       /* group by mobility however small the pool is */
/*
 * Per-CPU lists are chosen by the thread's concurrency id, not by its CPU: no two running threads
 * have the same id, and ids are below the numbers of threads and of CPUs: eight threads
 * on 256 CPUs fill eight CPUs' lists. A "CPU" in this header is such an id then
 * (pb_pcp_stats(), pb_walk_pcp(), pb_drain(), trace events). Needs linux_user on Linux 6.3 or
 * later and lists entered by restartable sequences; elsewhere the flag has no effect
 * (pb_user_percpu_mode() tells). Refused for pools of several nodes, and with PB_POOL_SHARED.
 * A hit takes some eight instructions more; a drain of other lists interrupts every running thread.
 */
#define PB_POOL_CIDS 0x200u
/* pb_report_free(), and pb_free_pages_cleared(): each keeps 4 bytes a pageblock, once */
#define PB_POOL_REPORTING 0x1000u
#define PB_POOL_CLEARED 0x2000u
#define PB_POOL_OWNERS 0x10000u       /* side array of owners' tags: 4 bytes a frame; no rseq */
/* Nothing is held back and nothing logged: no watermarks, reserves or boost, whatever the
   tunables say.
   For pools of huge pages, video memory, devices. */
#define PB_POOL_PLAIN 0x400u

struct pb_config {
	const struct pb_region *regions;
	uint32_t nr_regions;
	uint8_t page_shift;      /* log2 bytes of a frame, 12..30; default 12 */
	uint8_t max_order;       /* inclusive, 0..PB_MAX_ORDER; default 10 */
	uint8_t pageblock_order; /* <= max_order and <= 16; default 9 */
	uint8_t profile;         /* enum pb_profile */
	uint8_t kernel;          /* enum pb_kernel; the modern profile ignores it */
	uint32_t flags;          /* PB_POOL_* */
	uint32_t nr_cpus;        /* CPUs with per-CPU lists; default 0: those of the machine
	                            (linux_user), or 1 if cpu_node is given; a CPU beyond them
	                            shares another's lists or does without */
	uint32_t nr_stripes;     /* per zone, a power of two; 0: as many as CPUs, at most 16 */
	const uint8_t *cpu_node; /* [nr_cpus, at least 1]; NULL: every CPU is on node 0 */
	/* [n * n], n = greatest node id + 1; NULL: 10 local, 20 remote */
	const uint8_t *distance;
	uint32_t zone_types;     /* bit per zone type that is configured; default all but HIGHMEM */
	void *linear;            /* address of pfn 0 for pb_page_address(), or NULL */
	uint64_t linear_pfn;     /* the pfn that `linear` is the address of */
	/* -1: the formula of spec 7.4 (modern: at most a 16th of the pool); else it stays as
	   said here or by pb_set_min_free_kbytes(), whatever memory comes and goes */
	int32_t min_free_kbytes;
	uint32_t watermark_scale_factor; /* default 10, 1..3000 */
	uint32_t watermark_boost_factor; /* default 15000; 0: off */
	uint32_t lowmem_reserve_ratio[PB_NR_ZONE_TYPES];
	uint32_t pcp_high_fraction; /* 0: from watermarks; else >= 8 */
	uint32_t pcp_batch_max;     /* modern: most pages that one list of a CPU may hold; 0: by
	                               the zone's size. linux: without effect, see pb_set_pcp() */
	/*
	 * With PB_POOL_HARDENED: blocks, at most PB_MAX_QUARANTINE; default 0: none. The
	 * last so many freed blocks wait, and can't be handed out again until as many more
	 * were freed: a second free of one is surely seen as a double free, where otherwise
	 * it may hit the page's next owner. They are released before a request fails or
	 * reclaims, and by whatever drains all CPUs' lists. 8 bytes a block; each free
	 * takes one lock of the pool. docs/CAVEATS.md has the price.
	 */
	uint32_t quarantine;
	/* [nr_regions], written by pb_pool_size() and pb_pool_init(), or NULL: memory for
	   sorting regions that come unsorted (pb_user_pool_create() maps it by itself) */
	uint32_t *region_order;
};

/* Fill in every default. */
PB_API void pb_config_init(struct pb_config *config);

/* ------------------------------------------------------------------ errors */

enum pb_errno {
	PB_OK = 0,
	PB_EINVAL = -1,   /* a parameter makes no sense */
	PB_EREGION = -2,  /* a region of the memory map makes no sense */
	PB_ENOMEM = -3,   /* metadata memory too small, or no free block */
	PB_ETOOBIG = -4,  /* more than PB_MAX_FRAMES frames, or order above max_order */
	PB_EFORMAT = -5,  /* metadata memory holds no pool of this version */
	PB_EBUSY = -6,    /* frames are in use */
	PB_ENODEV = -7,   /* pfn, node or zone that this pool does not have */
	PB_EMISUSE = -8,  /* caller misuse; the misuse hook has been called */
	PB_ENOTSUP = -10, /* the pool or the library was made without what this call needs */
	PB_ECORRUPT = -11 /* pb_validate(): an invariant does not hold */
};

/* What was wrong, as a number and as one line without newline. */
struct pb_error {
	int code;        /* enum pb_errno */
	uint32_t region; /* index of the region concerned, or UINT32_MAX */
	char text[160];
};

PB_API const char *pb_strerror(int code);

/* Why an allocation failed: pb_request.why. */
enum pb_reason {
	PB_REASON_NONE,        /* it did not fail */
	PB_REASON_TOO_BIG,     /* order > max_order */
	PB_REASON_NO_ZONE,     /* no zone for these flags, node and nodemask */
	PB_REASON_WATERMARK,   /* every zone is at its watermark or lowmem reserve */
	PB_REASON_FRAGMENTED,  /* enough free pages, no block of this order */
	PB_REASON_MIGRATETYPE, /* blocks of this order exist only where this type may not go */
	PB_REASON_BAD_NODE,    /* node id out of range */
	PB_REASON_BAD_FLAGS,   /* two zones, or two mobilities */
	PB_REASON_BAD_RANGE, /* number of pages, alignment, range or boundary make no sense */
	PB_REASON_NO_ADDRESS, /* __GFP_ZERO where no address is known */
	PB_REASON_NO_POOL,    /* the handle is of no pool: NULL, or not initialised */
};

PB_API const char *pb_reason_name(enum pb_reason reason);

/* ------------------------------------------------------------------- hooks */

enum pb_misuse {
	PB_MISUSE_DOUBLE_FREE,  /* frame is free, in a per-CPU list or in the quarantine */
	PB_MISUSE_WRONG_ORDER,  /* order differs from the one allocated */
	PB_MISUSE_INTERIOR,     /* frame is inside an allocated block */
	PB_MISUSE_FOREIGN,      /* pointer is not a page of this pool */
	PB_MISUSE_UNOWNED,      /* frame is reserved or a hole: it was never handed out */
	PB_MISUSE_BAD_NODE,     /* node id out of range */
	PB_MISUSE_BAD_FLAGS,    /* two zone or two mobility modifiers (spec 4.3, 4.4) */
	PB_MISUSE_REFCOUNT,     /* no PB_POOL_REFCOUNT, or more references than can be counted */
	PB_MISUSE_HOOK,         /* the migrate_batch hook claims more moves than it was given */
	PB_MISUSE_NOT_CLEARED,  /* a block freed as cleared is not zero (hardened pools look) */
	PB_NR_MISUSE
};

struct pb_misuse_report {
	enum pb_misuse kind;
	uint64_t pfn;        /* UINT64_MAX if there is none */
	unsigned int order;  /* as given by the caller; HOOK: blocks that the hook was given */
	unsigned int found;  /* order or page byte found, by kind; HOOK: what it returned;
	                        NOT_CLEARED: number of the first such page in the block */
	const char *call;    /* name of the function misused */
	const char *text;    /* the documented message, complete, one line */
	const void *page;    /* as given by the caller, or NULL */
	const void *caller;  /* where the call returns to, or NULL if that is not known */
};

enum pb_trace_type {
	PB_TRACE_SCAN,   /* a free list was looked at: order, migratetype, found */
	PB_TRACE_TAKE,   /* a free block left its list to be handed out */
	PB_TRACE_SPLIT,  /* block (pfn, order + 1) split: upper half (pfn, order) is free */
	PB_TRACE_MERGE,  /* (pfn, order) and its buddy became (parent, order + 1) */
	PB_TRACE_INSERT, /* a free block was put on a list; tail: value 1 */
	PB_TRACE_STEAL,  /* fallback: order = block, value = wanted order, other_type = type
	                    taken from, flag = ownership of the pageblock changed */
	PB_TRACE_PAGEBLOCK, /* a pageblock changed type: migratetype = new, other_type = old */
	PB_TRACE_REFILL, /* per-CPU list refilled: value = blocks */
	PB_TRACE_DRAIN,  /* per-CPU list drained: value = blocks */
	PB_TRACE_BOOST,  /* watermark boosted: value = pages of boost now */
	PB_TRACE_WMARK,  /* a watermark check: order = request, value = free, flag = ok */
	PB_TRACE_WAKE,   /* background reclaim would be woken */
	PB_NR_TRACE
};

/* One step inside the allocator. pfn is the first frame of the block. */
struct pb_trace_event {
	uint8_t type; /* enum pb_trace_type */
	uint8_t node;
	uint8_t zone;
	uint8_t order;
	uint8_t migratetype;
	uint8_t other_type;
	uint8_t flag;
	uint32_t cpu;
	uint64_t pfn;
	int64_t value;
};

struct pb_pool;

/* What a report hook did with free memory. */
enum pb_reported {
	PB_REPORT_REFUSED, /* nothing: it is not reported */
	PB_REPORT_TAKEN,   /* what is in it may change until it is used again */
	PB_REPORT_CLEARED, /* it is zero from now on, until it is used again */
};

/* A block that is to move, and a block of the same order to move it to. */
struct pb_move {
	struct pb_page *from, *to;
	unsigned int order;
};

/*
 * In a PB_POOL_SHARED pool reclaim and oom are called as said here, the other hooks while
 * other processes wait for this one: such a hook must not wait for another process.
 *
 * All optional, all called with `ctx` first. trace is called with locks held
 * and must not call back into the pool. The others are called without any lock,
 * and may call any function of this header. While a task is in reclaim, oom, migrate
 * or wake, its own requests, to whatever pool, are made as if there were none of these
 * hooks, and their failures are not logged: so none is called from within itself, and
 * a request in a hook fails where it would have waited, with PB_GFP_NOFAIL too.
 * (PB_GFP_MEMALLOC lets it have the reserves.) Nor does anything move by a call made in
 * a hook: pb_alloc_contig() finds what is free, pb_offline() takes what is free or empty,
 * pb_compact() is PB_ENOTSUP.
 *
 * A hook's claim of progress is not believed for ever: after 64 rounds in which the free
 * pages did not exceed their maximum since the request came, reclaim's claims no
 * longer count, and after 64 rounds more oom's don't either. Only PB_GFP_NOFAIL goes on.
 */
struct pb_hooks {
	void *ctx;
	void (*trace)(void *ctx, const struct pb_trace_event *event);
	/* Default: print and abort where there is a process, else pb_platform_misuse(). */
	void (*misuse)(void *ctx, const struct pb_misuse_report *report);
	/* One line without newline: warnings that Linux would log. */
	void (*log)(void *ctx, const char *line);
	/* Free some pages; returns how many (0: no progress). Spec 8 step 8. */
	unsigned long (*reclaim)(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp);
	/* Move the content and users of one movable block; false: can't. Nobody else moves
	   `to` meanwhile. May be asked for the way back. Spec 12.4. It must return, and must not
	   wait for another process of a shared pool (which waits for it). It may free `from`
	   and return false: then that is out of the way. Its owner may free it until the hook
	   looks: a hook that finds no owner returns false. Freeing `from` and returning true, or
	   `to` and returning false, is reported as misuse. Returning true without having moved
	   is not noticed: `from` is freed while its users go on. */
	bool (*migrate)(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
			unsigned int order);
	/*
	 * The same for n blocks at a time, at most 16: moves them one after the other, up to one
	 * that can't go, and returns how many went (0 to n). If it is set migrate is not called.
	 *
	 * What a migrate hook says is believed: the block that is not in use then is freed. If
	 * the hook has freed it already that is misuse (DOUBLE_FREE by "the migrate hook"),
	 * and nothing is freed. A hook that returns more than n is reported (HOOK), and of these
	 * blocks neither place is freed, since the owner may be using either.
	 */
	size_t (*migrate_batch)(void *ctx, struct pb_pool *pool, const struct pb_move *moves,
				size_t n);
	/* Last resort; true: something was freed or will be. Spec 8.3. */
	bool (*oom)(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp);
	/* Background reclaim should run for this node (kswapd). */
	void (*wake)(void *ctx, struct pb_pool *pool, int node, unsigned int order);
	/*
	 * pb_report_free(): nr_pages free ones from pfn on, whole pageblocks. Nobody uses them during
	 * the call, nor after it before the reuse hook was called, so their memory may be taken away:
	 * madvise(), a balloon, a device that sleeps. They are out of the pool for the time of the
	 * call: requests that need them then fail.
	 */
	enum pb_reported (*report)(void *ctx, struct pb_pool *pool, uint64_t pfn,
				   uint64_t nr_pages);
	/*
	 * nr_pages from pfn on, which were reported, perhaps among others, are about to be used:
	 * whole pageblocks. Called before any of them is handed out, in the request that is to have
	 * them, so from wherever requests are made, and the memory must be there when it returns. Two
	 * requests that take parts of one pageblock may call it at once, and after a death it is called
	 * again: a second call must do no harm. It must not call into the pool. NULL where nobody needs
	 * to know, as with madvise(): the pages come back by themselves.
	 */
	void (*reuse)(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t nr_pages);
	/* Address of a frame, for __GFP_ZERO and page_address; default: config.linear. */
	void *(*address)(void *ctx, uint64_t pfn);
	/* Its inverse, for pb_address_to_page(): pfn of the frame that begins at an address,
	   UINT64_MAX: none does. */
	uint64_t (*address_pfn)(void *ctx, const void *address);
};

/* -------------------------------------------------------------------- pool */

/*
 * The process-local handle. Put it anywhere, all zero before pb_pool_init() or
 * pb_pool_attach(); a copy of it is a handle on the same pool. Its content is private to
 * the library; pb_pool_info() returns what a program may want to know. (Inside the library the
 * struct has fields, core/base/pool.h, of the same size; may_alias lets both views of it
 * be linked into one program by link-time optimization.)
 */
#define PB_POOL_WORDS (16 + 4 * sizeof(void *))
#ifndef PB_POOL_FIELDS
struct PB_MAY_ALIAS pb_pool {
	uint64_t opaque[PB_POOL_WORDS];
};
#endif

/*
 * Bytes of metadata that a pool of this configuration needs, aligned to 64.
 * Returns PB_OK, or a negative pb_errno with *error (may be NULL) filled in.
 */
PB_API int pb_pool_size(const struct pb_config *config, size_t *bytes, struct pb_error *error);

/*
 * Build a pool in `memory` (`bytes` from pb_pool_size(), aligned to 64).
 * `zeroed`: the memory is known to be zero (fresh mmap, .bss): it is then not
 * cleared, and untouched metadata stays without backing.
 * `hooks` may be NULL. Cost: O(frames), `zeroed` O(pageblocks). On error *pool stays zero.
 */
PB_API int pb_pool_init(struct pb_pool *pool, const struct pb_config *config, void *memory,
			size_t bytes, bool zeroed, const struct pb_hooks *hooks,
			struct pb_error *error);

/*
 * A second handle on a pool that lives in `memory`, in this or another process
 * (shared mapping) or after the memory was moved or restored. Byte order, word
 * size, version, every size and offset, and checksums of all that never changes
 * are verified before anything else is read, or anything written: PB_EFORMAT.
 * With `recover` all metadata but the owners of frames is rebuilt, as after a crash at
 * any moment: allocated blocks stay allocated, all others are free. Nobody else may use
 * the pool meanwhile, unless it is a PB_POOL_SHARED one: then the others wait, as they
 * do for a repair; PB_EBUSY if one of them stays inside a call for some seconds. Such
 * a pool needs no `recover` when a process dies: the next caller that has to wait for
 * a dead process repairs what it was changing, within a fraction of a second. Pages
 * that a dead process owned stay owned: see pb_free_owner().
 * Cost: O(segments + stripes), with `recover` O(frames).
 */
struct pb_attach {
	bool recover;
	uint32_t owner;              /* tag of this handle's allocations; PB_POOL_OWNERS */
	void *linear;                /* address of linear_pfn in this process, or NULL */
	const struct pb_hooks *hooks; /* may be NULL */
};

PB_API int pb_pool_attach_with(struct pb_pool *pool, void *memory, size_t bytes,
			       const struct pb_attach *how, struct pb_error *error);
/* The same with no linear address and tag 0. */
PB_API int pb_pool_attach(struct pb_pool *pool, void *memory, size_t bytes, bool recover,
			  const struct pb_hooks *hooks, struct pb_error *error);

/* Forget the handle. The metadata memory is the caller's again. */
PB_API void pb_pool_destroy(struct pb_pool *pool);

/* How a pool was configured. None of it changes while the pool lives. */
struct pb_pool_info {
	uint64_t frames;         /* indices: those of pb_page_to_index() are below */
	void *memory;            /* the metadata, in this process */
	size_t memory_bytes;     /* of it in use */
	uint32_t flags;          /* PB_POOL_*, as configured */
	uint32_t nr_cpus;        /* CPUs with per-CPU lists */
	uint8_t page_shift;
	uint8_t max_order;
	uint8_t pageblock_order;
	uint8_t profile;         /* enum pb_profile */
	uint8_t kernel;          /* enum pb_kernel; linux profile */
};

/* PB_OK; PB_ENODEV, with *info all zero: the handle is NULL or all zero, so of no pool. */
PB_API int pb_pool_info(const struct pb_pool *pool, struct pb_pool_info *info);

/* -------------------------------------------------------------- allocation */

typedef uint64_t pb_nodemask_t; /* bit per node id */

/* Wherever a node is asked for, PB_NO_NODE will do: in a request it means the node of
   this CPU (in pb_alloc_pages_node() the nearest with memory), for a zone the lowest
   node that has it, and every node in pb_compact() and pb_boost_done(). */

/* alloc_pages(): from the node of this CPU. NULL on failure. O(1) when the
   per-CPU list has a block, else O(levels of one span + batch). */
PB_API struct pb_page *pb_alloc_pages(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order);
/* alloc_pages_node(): PB_NO_NODE means the nearest node with memory. A node id that no
   pool may have is misuse here and below. */
PB_API struct pb_page *pb_alloc_pages_node(struct pb_pool *pool, int node, pb_gfp_t gfp,
					   unsigned int order);
/* __alloc_pages_node(): PB_NO_NODE, here and below, means the node of this CPU. */
PB_API struct pb_page *pb__alloc_pages_node(struct pb_pool *pool, int node, pb_gfp_t gfp,
					    unsigned int order);
/* __alloc_pages_nodemask(): `mask` NULL: every node; `why` may be NULL. */
PB_API struct pb_page *pb_alloc_pages_nodemask(struct pb_pool *pool, pb_gfp_t gfp,
					       unsigned int order, int node,
					       const pb_nodemask_t *mask, enum pb_reason *why);
/* Fills pages[0..n) with blocks of one order; returns how many it got. They come in batches, each
   of which keeps the low watermark; blocks that no batch can get are asked for one by one, as
   by pb_alloc_pages(). A batch wakes reclaim as a request does. */
PB_API size_t pb_alloc_pages_bulk(struct pb_pool *pool, pb_gfp_t gfp, unsigned int order, size_t n,
				  struct pb_page **pages);
/* `nr_pages` consecutive frames, any count up to 2^max_order; each is an
   order-0 page afterwards; the tail of the block is given back. */
PB_API struct pb_page *pb_alloc_exact(struct pb_pool *pool, pb_gfp_t gfp, size_t nr_pages);
/*
 * `nr_pages` consecutive free frames, any count, first pfn a multiple of `align`
 * (a power of two; 0: 1), inside [low, high), crossing no multiple of `boundary`
 * (power of two, 0: none). Each is an order-0 page afterwards; free with
 * pb_free_exact(). Zones are tried as by an ordinary request: highest first, nearest
 * node first, and so that watermarks and lowmem_reserve are kept; pageblocks that
 * another call has isolated are left alone. What fits a block, in a zone that lies in
 * [low, high) wholly, is an ordinary block with its tail given back; a longer range comes from
 * a run of whole free pageblocks, a short one rather than a long one. O(log pageblocks) for
 * each 64 pageblocks in which whole ones came or went since the last search, and O(nr_pages /
 * 512); where no such block or run is free O(frames searched / 64). If nothing is
 * free, and the request has PB_GFP_DIRECT_RECLAIM, movable pages are moved away by
 * the migrate hook, the lowest range first; a page that it refuses is not offered to
 * it again in this call. (Those that it moved before a refusal stay where they went.)
 */
PB_API struct pb_page *pb_alloc_contig(struct pb_pool *pool, size_t nr_pages, uint64_t align,
				       uint64_t low, uint64_t high, uint64_t boundary,
				       pb_gfp_t gfp);
/* Take this very block if it is free. PB_OK; PB_EBUSY: in use, or isolated by another
   call; PB_ENODEV: part of it is no frame of the pool; PB_EINVAL: order, alignment, or
   flags that contradict each other; PB_ENOTSUP: __GFP_ZERO without an address. */
PB_API int pb_alloc_at(struct pb_pool *pool, uint64_t pfn, unsigned int order, pb_gfp_t gfp);

/*
 * The same calls with all parameters, and with the reason when they fail (NULL, or
 * fewer than n). The calls above are these with PB_NO_NODE and every node.
 */
struct pb_request {
	pb_gfp_t gfp;
	int node;                      /* PB_NO_NODE: the node of this CPU */
	const pb_nodemask_t *nodemask; /* NULL: every node */
	enum pb_reason why;            /* out: PB_REASON_NONE, or why it failed */
};

/* Where a contiguous range may lie; see pb_alloc_contig(). */
struct pb_range {
	uint64_t align;
	uint64_t low, high;
	uint64_t boundary;
};

PB_API struct pb_page *pb_request_pages(struct pb_pool *pool, struct pb_request *request,
					unsigned int order);
PB_API size_t pb_request_bulk(struct pb_pool *pool, struct pb_request *request, unsigned int order,
			      size_t n, struct pb_page **pages);
PB_API struct pb_page *pb_request_exact(struct pb_pool *pool, struct pb_request *request,
					size_t nr_pages);
PB_API struct pb_page *pb_request_contig(struct pb_pool *pool, struct pb_request *request,
					 size_t nr_pages, const struct pb_range *range);

/* __free_pages(): drop a reference; the last one frees. PB_OK or PB_EMISUSE. */
PB_API int pb_free_pages(struct pb_pool *pool, struct pb_page *page, unsigned int order);
/*
 * pb_free_pages() of a block that its owner knows to be zero, all of it. In a pool with PB_POOL_CLEARED
 * it is kept in mind of blocks of at least pageblock_order: such a request with __GFP_ZERO gets
 * a block that is zero if there is one (of the same order, among some), and it is not wiped again;
 * others get them last. A pageblock is no longer known to be zero when the first of its pages is
 * handed out; merging and splitting change nothing. Blocks of less than pageblock_order, and other
 * pools, are freed as by pb_free_pages(). PB_POOL_HARDENED: each word is looked at first, where the
 * page has an address: PB_EMISUSE (NOT_CLEARED), and the block stays the caller's. O(1) and a lock, not
 * a hit; O(memory) where it is looked at.
 */
PB_API int pb_free_pages_cleared(struct pb_pool *pool, struct pb_page *page, unsigned int order);
/* Frees n blocks of one order, all or none: returns n, or 0 when one of them can't be
   freed, or is named twice without having two references (misuse, for the first). */
PB_API size_t pb_free_bulk(struct pb_pool *pool, unsigned int order, size_t n,
			   struct pb_page *const *pages);
/* Frees nr_pages consecutive order-0 pages, all or none. PB_OK or PB_EMISUSE. */
PB_API int pb_free_exact(struct pb_pool *pool, struct pb_page *page, size_t nr_pages);
/* The block becomes 2^order order-0 pages. */
PB_API int pb_split_page(struct pb_pool *pool, struct pb_page *page, unsigned int order);

/* Take a reference (which needs PB_POOL_REFCOUNT), or drop one. The last pb_put_page()
   frees the block, whose order it knows. */
PB_API int pb_get_page(struct pb_pool *pool, struct pb_page *page);
PB_API int pb_put_page(struct pb_pool *pool, struct pb_page *page);
/*
 * The same calls under another name, which is the one that reports of misuse tell: for
 * headers that give them the names of a kernel (linux.h). Without a pool (NULL) they
 * fail: NULL with PB_REASON_NO_POOL, or PB_ENODEV.
 */
PB_API struct pb_page *pb_request_pages_as(struct pb_pool *pool, struct pb_request *request,
					   unsigned int order, const char *name);
PB_API struct pb_page *pb_request_exact_as(struct pb_pool *pool, struct pb_request *request,
					   size_t nr_pages, const char *name);
PB_API int pb_free_pages_as(struct pb_pool *pool, struct pb_page *page, unsigned int order,
			    const char *name);
PB_API int pb_free_exact_as(struct pb_pool *pool, struct pb_page *page, size_t nr_pages,
			    const char *name);
PB_API int pb_split_page_as(struct pb_pool *pool, struct pb_page *page, unsigned int order,
			    const char *name);
PB_API int pb_get_page_as(struct pb_pool *pool, struct pb_page *page, const char *name);
PB_API int pb_put_page_as(struct pb_pool *pool, struct pb_page *page, const char *name);

PB_API unsigned int pb_page_count(struct pb_pool *pool, const struct pb_page *page);
/* Order of the allocated block that starts here; PB_EINVAL: none does; PB_ENODEV: not a
   page of the pool. */
PB_API int pb_page_order(struct pb_pool *pool, const struct pb_page *page);
PB_API int pb_set_movable(struct pb_pool *pool, struct pb_page *page, bool movable);

/* ------------------------------------------------------------------ owners */

/*
 * With PB_POOL_OWNERS each allocated block carries the tag of the handle that it was
 * allocated through (0 until pb_set_owner() or pb_attach.owner sets another one);
 * pb_walk() tells it. A block that is split, or moved, keeps it.
 */
PB_API void pb_set_owner(struct pb_pool *pool, uint32_t tag);
/* Tag of an allocated block; 0 if it has none, or the pool keeps none. */
PB_API uint32_t pb_page_owner(const struct pb_pool *pool, const struct pb_page *page);
/*
 * Gives back every block with this tag, as after the death of a process: each loses
 * one reference, and its tag, so that other holders keep theirs. *pages (may be
 * NULL): pages freed. PB_OK, PB_ENOTSUP. The tag's owner must not be alive in the pool.
 * Beside any other call; in a pool that isn't PB_POOL_SHARED not beside those that move
 * blocks (pb_compact(), pb_offline(), pb_alloc_contig(), a request that compacts). If the
 * process dies in here the next call frees the rest. O(frames).
 */
PB_API int pb_free_owner(struct pb_pool *pool, uint32_t tag, uint64_t *pages);

/* -------------------------------------------------------------- conversion */

/* UINT64_MAX / NULL when it isn't a page of the pool. O(zones + log segments). */
PB_API uint64_t pb_page_to_pfn(const struct pb_pool *pool, const struct pb_page *page);
PB_API struct pb_page *pb_pfn_to_page(const struct pb_pool *pool, uint64_t pfn);
/* Frames are numbered from 0, without the holes of the memory map that are a span or more:
   indices suit arrays of one's own, beside the frames. A page's index, UINT64_MAX: not a page
   of the pool; and the page of an index, NULL: none has it. O(1). */
PB_API uint64_t pb_page_to_index(const struct pb_pool *pool, const struct pb_page *page);
PB_API struct pb_page *pb_index_to_page(const struct pb_pool *pool, uint64_t index);
/* Linear address, NULL for HIGHMEM frames or without address hook and base. */
PB_API void *pb_page_address(const struct pb_pool *pool, const struct pb_page *page);
/* The page that begins at an address: by the address_pfn hook if there is an address hook,
   else by the linear address; NULL: none. */
PB_API struct pb_page *pb_address_to_page(const struct pb_pool *pool, const void *address);
PB_API int pb_page_node(const struct pb_pool *pool, const struct pb_page *page);
PB_API int pb_page_zone(const struct pb_pool *pool, const struct pb_page *page);
/* Migratetype of the pageblock of a pfn, or PB_ENODEV. */
PB_API int pb_pageblock_type(const struct pb_pool *pool, uint64_t pfn);
/* Is all of [start_pfn, end_pfn) free, in per-CPU lists or not? 1 or 0; PB_ENODEV: part of it is
   no frame of the pool; PB_EINVAL: it is empty. The answer may be old if others allocate.
   O(blocks in it). */
PB_API int pb_range_is_free(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn);
/* Smallest order whose block holds `bytes`; 0 bytes: 52 as on 64-bit Linux. */
PB_API unsigned int pb_get_order(const struct pb_pool *pool, size_t bytes);

/* --------------------------------------------------- memory comes and goes */

/* Take free frames out of use (PB_EBUSY if one is not free), or bring reserved
   frames of the memory map into use. [start, end) may have any alignment. */
PB_API int pb_reserve(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn);
PB_API int pb_online(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn);
/*
 * Isolate, move movable pages away by the migrate hook, then reserve. Pageblock aligned.
 * PB_EBUSY: the range is as it was; the hook moves back the blocks that it had moved before
 * one was in the way, except those that it refuses, and those that their owners freed. For
 * that each move is noted: 32 of them on the stack, further ones at the start of the page that
 * the block left, if that has an address. If it has none, the move is not noted, and the block
 * stays where it is after a refusal: pb_offline_logged() is given room for the notes.
 */
PB_API int pb_offline(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn);

struct pb_move_note {
	uint32_t from, to; /* frames; the library's */
};

/* The same with room for n more notes, whose content is undefined afterwards: a note for each page
   of the range is enough. No block moves without a note: if the room is too small it returns
   PB_ENOMEM, with the range as it was. `log` NULL: as pb_offline(). */
PB_API int pb_offline_logged(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn,
			     struct pb_move_note *log, size_t n);

/*
 * Memory beyond the first map: [start_pfn, end_pfn), multiples of 2^max_order, in regions that the
 * configuration calls PB_REGION_HOTPLUG, comes into use while the pool is used; nothing moves.
 * First its part of the metadata must be backed by memory, where pb_grow_pieces() says.
 * `zeroed`: these pieces are known to be zero, which is not checked; else they are cleared. The
 * frames are online then, without pb_online(). PB_OK; PB_EBUSY: a span is there already or is being
 * changed; PB_ENODEV: a span is in no region (of both, *obstacle, may be NULL, is the first such
 * span's pfn, and nothing has changed); PB_EINVAL; PB_ENOTSUP: the pool has no hotplug region.
 * If the process dies in here all of it is absent, or part of it reserved: then call pb_grow() with
 * `zeroed` false, or pb_online(), again. O(frames).
 */
PB_API int pb_grow(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn, bool zeroed,
		   uint64_t *obstacle);
/*
 * Removes a range whose frames are all reserved, as pb_offline() leaves them once it has returned
 * (any spans of the pool, if it has a hotplug region). The memory behind its pieces of the metadata
 * may be taken away afterwards; they must read as they were, or as zero, and nobody may write
 * there until the next pb_grow(). PB_OK; PB_EBUSY: a frame is free or in use, or another call
 * changes it; PB_ENODEV: a frame isn't there (of both, *obstacle, may be NULL, is its pfn);
 * PB_EINVAL, PB_ENOTSUP: *obstacle is left alone. O(frames).
 */
PB_API int pb_remove(struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn,
		     uint64_t *obstacle);

struct pb_piece {
	void *memory;
	size_t bytes;
};
#define PB_MAX_PIECES 8

/*
 * The parts of the metadata that belong to a range's frames alone, in pieces[0..n): returns n,
 * or PB_EINVAL (also for a range of several regions that don't adjoin), PB_ENODEV,
 * PB_ENOTSUP. 1.3 bytes a frame, more with PB_POOL_REFCOUNT, PB_POOL_OWNERS or the linux
 * profile. They are not aligned to pages: round outward to back them with pages, and inward
 * to take the pages away again. O(spans).
 */
PB_API int pb_grow_pieces(const struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn,
			  struct pb_piece pieces[PB_MAX_PIECES]);
/* The sum of their bytes; PB_OK, or as pb_grow_pieces(). */
PB_API int pb_grow_bytes(const struct pb_pool *pool, uint64_t start_pfn, uint64_t end_pfn,
			 size_t *bytes);

/*
 * Shows free memory to the report hook, once: what is reported is shown again only after it was in use. Blocks
 * of at least `order`, merged ones but for what of them is reported already, from the highest
 * address down, until so many pages were shown. At no time has the hook more than half of what a
 * zone has above its high watermark: large blocks are shown in pieces, and where it is less than
 * a block of `order`, nothing is. In per-CPU lists nothing is reported: drain them first to have all.
 *
 * What is reported is free as before: it merges, is split, and handed out, if there is nothing else
 * of the same order (among some); see the reuse hook. pb_walk() and pb_zone_stats() tell of it.
 * *pages (may be NULL): pages that the hook took. PB_OK; PB_ENOTSUP: the pool has no
 * PB_POOL_REPORTING, or the handle no report hook; PB_EINVAL: no such order, or one of less than
 * pageblock_order. O(pageblocks), and the hook's time, for which no lock is held (in a
 * PB_POOL_SHARED pool other processes wait).
 */
struct pb_report {
	unsigned int order; /* 0: pageblock_order */
	uint64_t pages;     /* 0: all */
	bool settled;       /* only what was free at the last such call, and ever since */
};

PB_API int pb_report_free(struct pb_pool *pool, const struct pb_report *what, uint64_t *pages);

/* Give back what per-CPU lists hold: one CPU's (cpu >= 0) or all (-1), and then what lies in
   the depot and what waits in the quarantine, too. */
PB_API void pb_drain(struct pb_pool *pool, int cpu);
/* Call it now and then (once a second): the lists of CPUs, or concurrency ids, that were idle since
   the last call are emptied and their limits halved; after some calls they cost
   nothing more. */
PB_API void pb_pcp_decay(struct pb_pool *pool);
/*
 * Move movable blocks until `count` blocks of `order` are free in the zones of `node`
 * (PB_NO_NODE: all), including those that were free before, and those within larger ones. The
 * pageblocks cheapest to empty go first, into partly filled ones. Needs the migrate hook. PB_OK;
 * PB_ENOMEM: there are fewer, and nothing more can be emptied; PB_ENOTSUP; PB_EINVAL: no such
 * order, or a count of 0 or of more than the pool has frames.
 */
PB_API int pb_compact(struct pb_pool *pool, int node, unsigned int order, uint64_t count);

/* -------------------------------------------------------------- inspection */

/* Checks every invariant of docs/INVARIANTS.md that holds at rest; no other call may run, nor a
   fork() in another thread (linux_user: it takes every lock). PB_OK, or PB_ECORRUPT with the
   invariant's number in error->text. Ends on any input. */
PB_API int pb_validate(struct pb_pool *pool, struct pb_error *error);

enum pb_block_state {
	PB_BLOCK_FREE,      /* in the buddy */
	PB_BLOCK_PCP,       /* in a per-CPU list, or in the quarantine */
	PB_BLOCK_ALLOCATED, /* has an owner */
	PB_BLOCK_RESERVED,  /* present, never handed out */
};

#define PB_BLOCK_REPORTED 0x1u /* pb_report_free() */
#define PB_BLOCK_CLEARED 0x2u  /* it is known to be zero */

struct pb_block {
	uint64_t pfn;
	uint8_t order; /* RESERVED and PCP: of this piece */
	uint8_t state; /* enum pb_block_state */
	uint8_t list_type; /* FREE: migratetype of the list it is on (linux profile: may differ) */
	uint8_t pageblock_type;
	uint8_t node;
	uint8_t zone;
	uint8_t movable;
	uint8_t marks;  /* PB_BLOCK_..., of all of it, if it is FREE */
	uint32_t owner; /* ALLOCATED: its tag; 0 without PB_POOL_OWNERS */
};

/* The block that a pfn lies in; for a frame that is reserved or in a per-CPU list, that page alone.
   PB_OK or PB_ENODEV. The answer may be old if others allocate. O(log segments + orders). */
PB_API int pb_find_block(struct pb_pool *pool, uint64_t pfn, struct pb_block *block);
/* Calls visit for every block, zone by zone in pfn order, at rest; a non-zero
   return ends the walk and is returned. */
PB_API int pb_walk(struct pb_pool *pool, int (*visit)(void *ctx, const struct pb_block *block),
		   void *ctx);
/* The free list (node, zone, order, type) in the order it will be used. */
PB_API int pb_walk_free_list(struct pb_pool *pool, int node, enum pb_zone_type zone,
			     unsigned int order, enum pb_migratetype type,
			     int (*visit)(void *ctx, uint64_t pfn), void *ctx);

struct pb_pcp_stat {
	int32_t count, high, batch, high_min, high_max; /* pages */
	int32_t free_factor;  /* PB_LINUX_6_12 on: pages freed in a row (free_count) */
	int32_t alloc_factor; /* PB_LINUX_6_12 on */
	uint32_t flags;       /* PB_LINUX_6_12 on: 1 the last free was of order 1 to 3, 2 see
	                         docs/linux-observed.md, P5 */
};

struct pb_zone_stat {
	int node;
	int zone;                         /* enum pb_zone_type */
	uint64_t start_pfn;
	uint64_t spanned, present, managed; /* pages */
	int64_t free;                     /* NR_FREE_PAGES, exact at rest */
	int64_t vm_free;                  /* the counter that watermarks go by; in the linux
	                                     profile each CPU keeps small changes back */
	int64_t free_cma;
	int64_t pcp;                      /* pages in per-CPU lists, and in the depot */
	int64_t quarantined;              /* pages freed last, see pb_config.quarantine */
	int64_t isolated;                 /* free pages on ISOLATE lists */
	uint64_t reported;                /* free pages that the report hook took */
	uint64_t cleared;                 /* free pages that are known to be zero */
	uint64_t watermark[PB_NR_WMARK];  /* without boost */
	uint64_t boost;
	uint64_t lowmem_reserve[PB_NR_ZONE_TYPES];
	uint64_t nr_reserved_highatomic;
	uint64_t nr_isolate_pageblock;
	uint64_t nr_free[PB_MAX_ORDER + 1]; /* blocks */
	uint64_t pageblocks[PB_MIGRATE_TYPES];
	uint32_t stripes;
	uint32_t flags;
};

enum pb_vm_event {
	PB_PGALLOC_DMA,
	PB_PGALLOC_DMA32,
	PB_PGALLOC_NORMAL,
	PB_PGALLOC_HIGH,
	PB_PGALLOC_MOVABLE,
	PB_PGALLOC_DEVICE,
	PB_PGFREE,
	PB_ALLOCSTALL,
	PB_COMPACT_STALL,
	PB_COMPACT_FAIL,
	PB_COMPACT_SUCCESS,
	PB_OOM_KILL,
	PB_EXTFRAG,        /* fallbacks to another migratetype */
	PB_EXTFRAG_STEAL,  /* of these, with the pageblock claimed */
	PB_ALLOC_FAIL,
	PB_NR_VM_EVENTS
};

enum pb_numa_event {
	PB_NUMA_HIT,
	PB_NUMA_MISS,
	PB_NUMA_FOREIGN,
	PB_NUMA_INTERLEAVE,
	PB_NUMA_LOCAL,
	PB_NUMA_OTHER,
	PB_NR_NUMA_EVENTS
};

struct pb_pool_stat {
	uint64_t frames;         /* index space */
	uint64_t present, managed;
	int64_t free, pcp;       /* pages */
	uint64_t reported, cleared; /* of the free ones; see pb_zone_stat */
	int64_t quarantined;     /* pages; managed is free, pcp, quarantined, isolated and owned */
	uint64_t metadata_bytes;
	uint32_t nodes, zones, cpus, stripes;
	uint64_t vm[PB_NR_VM_EVENTS];
	uint64_t totalreserve_pages;
};

PB_API void pb_stats(struct pb_pool *pool, struct pb_pool_stat *stat);
PB_API unsigned int pb_nr_zones(const struct pb_pool *pool);
/* The i-th populated zone, nodes and zone types ascending. PB_OK or PB_ENODEV. */
PB_API int pb_zone_stats(struct pb_pool *pool, unsigned int i, struct pb_zone_stat *stat);
/* Are the i-th zone's free pages at or below this watermark, boost included? 1, 0 or
   PB_ENODEV. For background reclaim. O(stripes). */
PB_API int pb_zone_below(const struct pb_pool *pool, unsigned int i, enum pb_watermark mark);
/* Free blocks of an order in the zones of a node (PB_NO_NODE: all), larger ones counted as the
   blocks of this order in them; without per-CPU lists. O(zones * stripes * orders). */
PB_API uint64_t pb_free_blocks(const struct pb_pool *pool, int node, unsigned int order);
PB_API int pb_numa_stats(struct pb_pool *pool, unsigned int i, uint64_t numa[PB_NR_NUMA_EVENTS]);
/* One CPU's lists of the i-th zone, or, where `cpu` is the number of CPUs, what the depot has of
   it, by which larger blocks go from CPU to CPU: PB_ENODEV, if there is none (one CPU, no lists,
   linux profile). */
PB_API int pb_pcp_stats(struct pb_pool *pool, unsigned int i, unsigned int cpu,
			struct pb_pcp_stat *stat);
/* Node ids in the order node `node` falls back to them; returns the count. */
PB_API int pb_zonelist_nodes(const struct pb_pool *pool, int node, uint8_t nodes[PB_MAX_NODES]);

PB_API const char *pb_zone_name(enum pb_zone_type zone);
PB_API const char *pb_migratetype_name(enum pb_migratetype type);
/* Name table of spec 13.6 (5.4's order); returns the length without NUL that the
   whole text has, like snprintf. */
PB_API size_t pb_gfp_name(pb_gfp_t gfp, char *text, size_t size);

/* Fragmentation indices of spec 12.5, in thousandths, from block counts. */
PB_API int pb_extfrag_index(const uint64_t *nr_free, unsigned int orders, unsigned int order);
PB_API int pb_unusable_index(const uint64_t *nr_free, unsigned int orders, unsigned int order);

/*
 * The text of /proc/buddyinfo, /proc/pagetypeinfo and /proc/zoneinfo, byte for
 * byte (spec 13). Writes at most `size` bytes with NUL; returns the length the
 * whole text has, like snprintf.
 */
enum pb_text_layout {
	PB_TEXT_5_4,
	PB_TEXT_6_1,
	PB_TEXT_6_18,
	PB_TEXT_5_10,
	PB_TEXT_6_12,
	PB_TEXT_7_2
};
PB_API size_t pb_buddyinfo(struct pb_pool *pool, char *text, size_t size);
PB_API size_t pb_pagetypeinfo(struct pb_pool *pool, char *text, size_t size);
PB_API size_t pb_zoneinfo(struct pb_pool *pool, enum pb_text_layout layout, char *text,
			  size_t size);

/* --------------------------------------------------------- tuning at run time */

/* These calls recompute watermarks, reserves and per-CPU sizes (spec 7.3 to 7.5, 9.1). PB_EINVAL:
   no such value; PB_ENOTSUP, of the first three: built without PB_WITH_WATERMARKS.
   min_free_kbytes -1: by the formula again. As in Linux the result is smaller than at first,
   since the formula leaves out the pages below the high watermarks, which exist now. */
PB_API int pb_set_min_free_kbytes(struct pb_pool *pool, int32_t kbytes);
PB_API int pb_set_watermark_scale_factor(struct pb_pool *pool, uint32_t factor);
PB_API int pb_set_watermark_boost_factor(struct pb_pool *pool, uint32_t factor);
/* Fixed high (below 2^30) and batch (below 2^25) for every CPU of every zone; 0, 0:
   automatic again. */
PB_API int pb_set_pcp(struct pb_pool *pool, uint32_t high, uint32_t batch);
/* Background reclaim has finished for a zone: take back the boost (spec 7.2). Without a
   wake hook nobody knows that: there a boost ends with pb_pcp_decay(), or when a request
   would fail otherwise. */
PB_API void pb_boost_done(struct pb_pool *pool, int node, enum pb_zone_type zone);

/* ------------------------------------------- a state that was recorded elsewhere */

/*
 * For replay and for comparing with a running kernel. Start from a pool with
 * PB_POOL_ALL_RESERVED: no frame is free and none has an owner. At rest only.
 */
struct pb_state_zone {
	uint64_t watermark[PB_NR_WMARK];
	uint64_t boost;
	uint64_t nr_reserved_highatomic;
	uint64_t managed;
	uint64_t spanned; /* 0: as the regions say; Linux goes to the zone type's limit */
	uint64_t lowmem_reserve[PB_NR_ZONE_TYPES];
	uint32_t flags; /* Linux's numbers: 1 boosted, 2 reclaim at work, 4 below high */
};

PB_API int pb_state_set_zone(struct pb_pool *pool, int node, enum pb_zone_type zone,
			     const struct pb_state_zone *state);
PB_API int pb_state_set_pageblock(struct pb_pool *pool, uint64_t pfn, enum pb_migratetype type);
/* Append a free block to the tail of the list (order, type) of its zone. */
PB_API int pb_state_add_free(struct pb_pool *pool, uint64_t pfn, unsigned int order,
			     enum pb_migratetype type);
/* Move a free block to the head or the tail of the list that it is on, where the recorded kernel
   put it at random (page_alloc.shuffle=1). PB_EBUSY: no such block is free. Ignored by the
   modern profile, whose lists have no order of blocks. */
PB_API int pb_state_move_free(struct pb_pool *pool, uint64_t pfn, unsigned int order, bool tail);
/* Parameters of a CPU's lists of one zone; and append a block to a list's tail. */
PB_API int pb_state_set_pcp(struct pb_pool *pool, unsigned int cpu, int node,
			    enum pb_zone_type zone, const struct pb_pcp_stat *state);
PB_API int pb_state_add_pcp(struct pb_pool *pool, unsigned int cpu, uint64_t pfn,
			    unsigned int order, enum pb_migratetype type);
/* linux profile: the zone's free page counter, a CPU's difference that is not added to it
   yet, and the threshold at which it is (Linux's per-CPU vmstat; the watermark
   test reads the counter alone). Ignored by the modern profile. */
PB_API int pb_state_set_vmstat(struct pb_pool *pool, unsigned int cpu, int node,
			       enum pb_zone_type zone, int64_t nr_free_pages, int32_t diff,
			       uint32_t threshold);
/* What pb_numa_stats() counts on from, and whether background reclaim has given
   up on the node (node_unreclaimable of zoneinfo). */
PB_API int pb_state_set_counters(struct pb_pool *pool, int node, enum pb_zone_type zone,
				 const uint64_t numa[PB_NR_NUMA_EVENTS], bool unreclaimable);
/* Make a reserved block an allocated one, so that it can be freed. */
PB_API int pb_state_adopt(struct pb_pool *pool, uint64_t pfn, unsigned int order, bool movable);
/* The per-CPU list (order, type), head first; of the depot as pb_pcp_stats() has it. */
PB_API int pb_walk_pcp(struct pb_pool *pool, unsigned int cpu, int node, enum pb_zone_type zone,
		       unsigned int order, enum pb_migratetype type,
		       int (*visit)(void *ctx, uint64_t pfn), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
