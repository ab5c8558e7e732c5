/* SPDX-License-Identifier: MIT */
/*
 * The parts of `pagebuddy kernel-diff`.
 *
 *	log --diff_read.c--> phases: state, operations, state, texts
 *	                        |
 *	     diff_load.c: the first state becomes a pool (linux profile)
 *	                        |
 *	     diff_replay.c: the operations on that pool, every answer compared
 *	     diff_reclaim.c: frees, and those that reclaim did inside an allocation
 *	     diff_lots.c: where the kernel drew lots, the library gets the same
 *	                        |
 *	     diff_state.c: the pool's state and texts against the second state
 *
 *	     diff_map.c: (--map) a pool from the memory map alone; the sizes
 *	                 that it computes against the kernel's
 *
 * The log's format is kernel/pbdiff/FORMAT.md.
 */
#ifndef PB_CMD_DIFF_H
#define PB_CMD_DIFF_H

#include <pagebuddy/pagebuddy.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DIFF_FORMAT 2
#define DIFF_PCP_LISTS 14 /* of kernels that have but those of order 0: 3 */
#define DIFF_CPUS 64
#define DIFF_ORDERS 11
#define DIFF_ZONES 5 /* DMA, DMA32, Normal, Movable, Device */

static inline bool diff_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* The kernel that the pool follows. */
static inline enum pb_kernel diff_kernel(const struct pb_pool *pool)
{
	struct pb_pool_info info;

	(void)pb_pool_info(pool, &info);
	return (enum pb_kernel)info.kernel;
}

/* The numbers of enum pb_kernel are not in the kernels' order: 6.1's is 0. */
static inline bool diff_before_6_1(const struct pb_pool *pool)
{
	return diff_kernel(pool) == PB_LINUX_5_4 || diff_kernel(pool) == PB_LINUX_5_10;
}

static inline bool diff_from_6_12(const struct pb_pool *pool)
{
	return diff_kernel(pool) == PB_LINUX_6_12 || diff_kernel(pool) == PB_LINUX_7_2;
}

struct diff_op {
	uint64_t pfn; /* UINT64_MAX: the allocation failed */
	uint32_t gfp;
	uint8_t order;
	bool is_free;
	bool reclaimed; /* freed by reclaim, inside the allocation that follows */
	uint8_t cpu;
};

/* The type of the blocks on a per-CPU list. */
static inline unsigned int diff_list_type(unsigned int list)
{
	if (list < 12)
		return list % 3;
	return list == 13 ? PB_MIGRATE_MOVABLE : PB_MIGRATE_UNMOVABLE;
}

struct diff_held {
	uint64_t pfn;
	uint8_t order;
};

/* A run of frames of one class, or of pageblocks of one type. */
struct diff_run {
	uint64_t pfn;
	uint64_t count; /* frames */
	uint8_t what;
};

enum diff_frame { DIFF_HOLE, DIFF_RESERVED, DIFF_USABLE };

/* A block on a free list, or on per-CPU list `list`; in list order, head first. */
struct diff_block {
	uint64_t pfn;
	uint8_t order;
	uint8_t type; /* of the list; on a per-CPU list: the one it remembers */
	uint8_t list;
};

/* One CPU's lists of a zone, and what it has not yet told the zone's counter. */
struct diff_pcp {
	bool online;
	int64_t count, high, batch, free_factor, expire;
	int64_t high_min, high_max, alloc_factor, flags; /* 6.12 on */
	int64_t free_diff;
	struct diff_block *block;
	size_t nr;
};

struct diff_zone {
	enum pb_zone_type type;
	uint64_t flags;
	uint64_t start_pfn, spanned, present, managed;
	uint64_t watermark[PB_NR_WMARK], boost, highatomic, isolated;
	uint64_t lowmem_reserve[DIFF_ZONES];
	int64_t free_pages; /* the zone's counter */
	uint64_t stat_threshold;
	uint64_t numa[PB_NR_NUMA_EVENTS], unreclaimable;
	uint64_t nr_free[DIFF_ORDERS];
	struct diff_run *map;
	size_t nr_map;
	struct diff_run *pageblocks;
	size_t nr_pageblocks;
	struct diff_block *free;
	size_t nr_free_blocks;
	struct diff_pcp cpu[DIFF_CPUS];
	uint64_t *lru; /* movable frames of other tasks */
	size_t nr_lru;
};

struct diff_state {
	struct diff_zone *zone; /* [DIFF_ZONES] */
	size_t nr_zones;
	struct diff_held *held;
	size_t nr_held;
};

struct diff_text {
	char name[16]; /* buddyinfo, pagetypeinfo, zoneinfo; those of diff_map.c */
	char *text;
	size_t len;
	int line;
};

#define DIFF_MAX_TEXTS 8

/* A block of a list of the largest order, after the operation; head first. */
struct diff_lot {
	uint64_t pfn;
	size_t op;
	uint8_t type;
};

struct diff_phase {
	char kernel[64];
	bool shuffled;                 /* page_alloc.shuffle=1 */
	int boost_factor, nodes, cpus; /* -1: the kernel doesn't say */
	char kind[16];
	uint64_t seed;
	int number, node, cpu;
	uint64_t at_work; /* CPUs that performed an operation, a bit each */
	struct diff_state before, after;
	struct diff_op *ops;
	size_t nr_ops;
	struct diff_lot *lot; /* by operation */
	size_t nr_lots;
	struct diff_text text[DIFF_MAX_TEXTS]; /* taken when the phase had ended */
	size_t nr_texts;
};

struct diff_log {
	const char *name;
	enum pb_kernel kernel; /* by its release */
	struct diff_phase *phase;
	size_t nr_phases;
	uint64_t nr_ops;
};

/* A frame of the pageblock that the kernel has, or pfn: it may begin with a hole. */
static inline uint64_t diff_present(const struct diff_zone *zone, uint64_t pfn)
{
	for (size_t i = 0; i < zone->nr_map; i++) {
		const struct diff_run *run = &zone->map[i];

		if (run->what != DIFF_HOLE && run->pfn < pfn + 512 && run->pfn + run->count > pfn)
			return run->pfn > pfn ? run->pfn : pfn;
	}
	return pfn;
}

/* 0, or -1 with one line about what is wrong in error. */
int diff_read(struct diff_log *log, const char *name, FILE *file, char error[256]);
void diff_log_free(struct diff_log *log);

/* What a comparison found; the first `show` differences are printed to `out`. */
struct diff_result {
	FILE *out;
	uint64_t show;
	uint64_t operations;  /* compared one by one */
	uint64_t failures;    /* of these, allocations that failed */
	uint64_t fallbacks;   /* to another migratetype, by the library's count */
	uint64_t claims;      /* of these, with the pageblock taken over */
	uint64_t differences; /* answers, list entries, figures, text lines */
	uint64_t outside;     /* frames of other tasks that the model does not know */
	uint64_t texts;       /* texts compared */
	uint64_t late_texts;  /* not compared: the node had changed before they were read */
	uint64_t figures;     /* --map: sizes compared */
	uint64_t reclaims;    /* allocations that reclaimed */
	uint64_t lots;        /* blocks whose end of the list the kernel drew */
};

__attribute__((format(printf, 2, 3))) void diff_found(struct diff_result *result,
						      const char *format, ...);

/* A pool in the state `before` of the phase; 0, or -1 with error. */
int diff_make_pool(struct pb_pool *pool, const struct pb_config *config, char error[256]);
int diff_load(struct pb_pool *pool, enum pb_kernel kernel, const struct diff_phase *phase,
	      char error[256]);
void diff_unload(struct pb_pool *pool);

/* The library's lists before an operation that phase->lot[lot] is of (NULL: no memory), and
   what the kernel drew, done to them after it; returns the first lot of a later operation. */
struct diff_lists;
struct diff_lists *diff_lots_before(struct pb_pool *pool, const struct diff_phase *phase,
				    size_t lot);
size_t diff_lots_after(struct pb_pool *pool, const struct diff_phase *phase, size_t lot,
		       struct diff_lists *lists, struct diff_result *result);

/* Operation i, a free. */
void diff_free(struct pb_pool *pool, const struct diff_phase *phase, size_t i,
	       struct diff_result *result);
/* Operation i is the first of those that a reclaim freed; returns the allocation's. */
size_t diff_begin_reclaim(const struct diff_phase *phase, size_t i, struct diff_result *result);
void diff_end_reclaim(size_t i, struct diff_result *result);
/* The pool's reclaim hook: what the kernel's reclaim freed. */
unsigned long diff_reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp);
void diff_replay(struct pb_pool *pool, const struct diff_phase *phase, struct diff_result *result);
void diff_compare_state(struct pb_pool *pool, const struct diff_phase *phase,
			struct diff_result *result);
void diff_compare_texts(struct pb_pool *pool, const struct diff_phase *phase,
			struct diff_result *result);

/* All of it for one log. 0, or -1 with error when a phase cannot be loaded. */
int diff_log_compare(const struct diff_log *log, struct diff_result *result, char error[256]);

/* For a log of tests/kernel/guest-map.sh: sizes computed from the memory map. */
int diff_map_compare(const struct diff_log *log, struct diff_result *result, char error[256]);

#endif
