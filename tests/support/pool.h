/* SPDX-License-Identifier: MIT */
/*
 * A pool for tests: configuration, metadata memory that ends at an inaccessible
 * page, hooks that record what they were told, and a snapshot of the state.
 *
 *	struct tp tp;
 *
 *	tp_start(&tp);                          defaults that leave no memory reserved
 *	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
 *	tp_build(&tp);                          ... &tp.pool ...
 *	tp_drop(&tp);
 */
#ifndef PB_TESTS_SUPPORT_POOL_H
#define PB_TESTS_SUPPORT_POOL_H

#include <pagebuddy/pagebuddy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TP_REGIONS 128
#define TP_EVENTS 4096
#define TP_LINE 512
/* Among a test's flags: a hardened pool with a quarantine of so few blocks that they come
   and go. What makes a pool from flags calls tp_quarantine(), as tp_try() does. */
#define TP_QUARANTINE (0x80000000u | PB_POOL_HARDENED)
#define TP_QUARANTINE_BLOCKS 5u

struct tp {
	struct pb_pool pool;
	struct pb_config config;
	struct pb_region regions[TP_REGIONS];
	uint8_t distance[16 * 16];
	uint8_t cpu_node[64];
	struct pb_hooks hooks;
	struct pb_error error;
	void *mapping, *memory;
	size_t mapped, bytes;
	bool any_stripes; /* as many as the zones have room for will do */

	unsigned int misuse_calls;
	struct pb_misuse_report misuse; /* the last; its text is misuse_text */
	char misuse_text[TP_LINE];
	char misuse_call[64];
	unsigned int log_lines;
	char log_last[TP_LINE];
	unsigned long traced[PB_NR_TRACE];
	struct pb_trace_event events[TP_EVENTS];
	unsigned int nr_events;
};

/* ---- life */

/*
 * Defaults: linear zones of 4 KiB pages, no reserves of any kind
 * (min_free_kbytes 0, no lowmem reserve, no boost), grouping by mobility on,
 * misuse recorded instead of aborting.
 */
void tp_start(struct tp *tp);
void tp_region(struct tp *tp, uint64_t start, uint64_t end, int node, enum pb_zone_type zone);
void tp_cma(struct tp *tp, uint64_t start, uint64_t end);
void tp_reserved(struct tp *tp, uint64_t start, uint64_t end);
void tp_quarantine(struct pb_config *config);
/* Size and init; the code is returned, tp->error filled in. */
int tp_try(struct tp *tp);
/* tp_try() that has to work, and a first full check. */
void tp_build(struct tp *tp);
void tp_drop(struct tp *tp);
/*
 * The largest zone has so many stripes, and the pool at least so many pageblocks. Who asks
 * for stripes gets fewer where a zone is too small for them, and then tests less than it
 * says; so a pool of tp_build() is held to what was asked for, unless any_stripes is set.
 */
void tp_require_stripes(struct pb_pool *pool, uint32_t stripes, uint64_t pageblocks);
/* tp_start, one region [0, frames) of ZONE_NORMAL on node 0, tp_build. */
void tp_simple(struct tp *tp, uint64_t frames, enum pb_profile profile, uint32_t flags);

/* Record trace events from now on (forgetting old ones), or stop. */
void tp_trace(struct tp *tp, int on);
/* The n-th recorded event of a type, or NULL. */
const struct pb_trace_event *tp_event(const struct tp *tp, enum pb_trace_type type, unsigned int n);

/* ---- state */

void tp_check(struct tp *tp, const char *where); /* pb_validate() has to pass */

/* What pb_walk() says, frame by frame. */
struct tp_frame {
	uint8_t state; /* enum pb_block_state, or TP_HOLE */
	uint8_t order; /* of the block */
	uint8_t head;  /* first frame of its block */
	uint8_t list_type, pageblock_type;
	uint8_t node, zone, movable;
};
#define TP_HOLE 0xffu

/* frames[0..n) are pfns 0..n; returns the number of blocks walked. */
size_t tp_frames(struct tp *tp, struct tp_frame *frames, uint64_t n);
/* Checksum of every block, list and total. Equal states have equal sums. */
uint64_t tp_sum(struct tp *tp);
/* The same, but blind to event counters and to where free memory is kept: in
   the trees or in per-CPU lists. */
uint64_t tp_sum_owned(struct tp *tp);

int64_t tp_free_pages(struct tp *tp);                   /* in trees, all zones */
uint64_t tp_nr_free(struct tp *tp, unsigned int order); /* blocks, all zones */
uint64_t tp_vm(struct tp *tp, enum pb_vm_event event);
void tp_zone(struct tp *tp, int node, enum pb_zone_type zone, struct pb_zone_stat *stat);
/* pfn list of a free list; returns its length (at most max are written). */
size_t tp_list(struct tp *tp, enum pb_zone_type zone, unsigned int order, enum pb_migratetype type,
	       uint64_t *pfns, size_t max);

/* ---- random numbers, failing */

struct tp_rng {
	uint64_t state;
};
uint64_t tp_seed(void); /* PB_SEED, or from the clock; printed once */
uint64_t tp_random(struct tp_rng *rng);
uint32_t tp_below(struct tp_rng *rng, uint32_t n); /* 0..n-1; pre: n > 0 */
/* _exit(), for children; what they ran counts as covered where that is counted. */
_Noreturn void tp_exit(int status);
/* Zeroed memory that a child process shares. */
void *tp_shared(size_t bytes);
unsigned long tp_env(const char *name, unsigned long otherwise);

/* What a failing tp_ function does after printing; default: exit(1). */
extern void (*tp_fail)(const char *file, int line);
#define tp_require(ok, ...)                                                      \
	do {                                                                     \
		if (!(ok)) {                                                     \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #ok); \
			fprintf(stderr, __VA_ARGS__);                            \
			fputc('\n', stderr);                                     \
			tp_fail(__FILE__, __LINE__);                             \
		}                                                                \
	} while (0)

#endif
