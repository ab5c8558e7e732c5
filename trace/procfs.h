/* SPDX-License-Identifier: MIT */
/*
 * /proc/zoneinfo, /proc/buddyinfo, /proc/pagetypeinfo and /proc/vmstat as plain
 * structs, from the text of Linux 5.4 to 6.18 (spec 13). Lines that a later
 * kernel adds are skipped or kept as counters; a text that is cut, or is
 * something else, is refused with its line number.
 *
 * All of it is read into memory that one pb_..._free() gives back; a struct
 * that failed to parse is empty and needs no free.
 */
#ifndef PB_TRACE_PROCFS_H
#define PB_TRACE_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

#define PB_PROC_ORDERS 32 /* most orders of any kernel, and a few more */
#define PB_PROC_ZONES 8   /* most zone types of any kernel */
#define PB_PROC_TYPES 12  /* most migratetypes of any kernel */
#define PB_PROC_NAME 40   /* bytes, with the NUL */

struct pb_proc_counter {
	char name[PB_PROC_NAME];
	uint64_t value;
};

struct pb_proc_counters {
	struct pb_proc_counter *list;
	size_t nr;
};

/* One CPU's per-CPU lists in front of a zone. */
struct pb_proc_pageset {
	int cpu;
	int count;    /* pages */
	int high;     /* pages */
	int batch;    /* pages */
	int high_min; /* pages; later kernels */
	int high_max;
	int vm_stats_threshold;
};

/* One zone. min, low and high are as printed: in 5.4 and 6.1 with boost, see below. */
struct pb_proc_zone {
	int node;
	char name[16];                           /* "DMA32" */
	bool populated;                          /* else only the watermarks and sizes are there */
	bool has_boost, has_promo, has_cma;      /* this kernel prints them */
	uint64_t free;                           /* NR_FREE_PAGES */
	uint64_t boost, min, low, high, promo;   /* pages; min to promo include boost */
	uint64_t spanned, present, managed, cma; /* pages */
	uint64_t protection[PB_PROC_ZONES];      /* lowmem_reserve in pages, by zone */
	unsigned int nr_protection;
	uint64_t start_pfn;
	unsigned int node_unreclaimable;
	struct pb_proc_counters counters; /* nr_free_pages ... numa_other */
	struct pb_proc_pageset *pagesets; /* online CPUs ascending */
	unsigned int nr_pagesets;
};

/* Counters of one node. */
struct pb_proc_node {
	int node;
	struct pb_proc_counters counters;
};

struct pb_zoneinfo {
	struct pb_proc_zone *zones; /* as printed: nodes and zones ascending, empty ones too */
	size_t nr_zones;
	struct pb_proc_node *nodes;
	size_t nr_nodes;
};

/* Free blocks of one populated zone. */
struct pb_buddyinfo_zone {
	int node;
	char name[16];
	uint64_t nr_free[PB_PROC_ORDERS]; /* blocks */
};

struct pb_buddyinfo {
	struct pb_buddyinfo_zone *zones;
	size_t nr_zones;
	unsigned int nr_orders; /* the highest order + 1 */
};

/* Free blocks of one migratetype of one zone. */
struct pb_pagetypeinfo_row {
	int node;
	char zone[16];
	char type[16];                    /* "Movable" */
	uint64_t nr_free[PB_PROC_ORDERS]; /* blocks */
	uint32_t capped;                  /* bit per order: ">100000", counting stopped there */
};

/* Pageblocks of one zone. */
struct pb_pagetypeinfo_blocks {
	int node;
	char zone[16];
	uint64_t count[PB_PROC_TYPES]; /* pageblocks, by index into types */
	uint64_t mixed[PB_PROC_TYPES]; /* with page_owner only */
};

struct pb_pagetypeinfo {
	unsigned int pageblock_order;
	uint64_t pages_per_block;
	unsigned int nr_orders, nr_types;
	char types[PB_PROC_TYPES][16]; /* "Unmovable", "Movable" ... in Linux's order */
	struct pb_pagetypeinfo_row *rows;
	size_t nr_rows;
	struct pb_pagetypeinfo_blocks *blocks;
	size_t nr_blocks;
	bool has_mixed;
};

/* A run of frames: [pfn, end_pfn). */
struct pb_frame_run {
	uint64_t pfn, end_pfn;
};

/*
 * Which frames were free, as scripts/record-trace saves it (<name>.free.start):
 * lines "free FIRST END", "managed FIRST END", and at last "end N", decimal.
 */
struct pb_frames {
	struct pb_frame_run *runs; /* free in the buddy; ascending, no two touch */
	size_t nr_runs;
	struct pb_frame_run *managed; /* that the allocator may hand out; the rest is a hole
					 or reserved */
	size_t nr_managed;
	uint64_t nr_free; /* frames */
	uint64_t end_pfn; /* frames that were looked at: [0, end_pfn) */
};

/*
 * Each takes the text (no NUL needed) and returns 0, or -1 with one line in
 * `error`: "zoneinfo line 12: 'managed' without a number".
 */
int pb_zoneinfo_parse(const char *text, size_t len, struct pb_zoneinfo *info, char *error,
		      size_t size);
int pb_buddyinfo_parse(const char *text, size_t len, struct pb_buddyinfo *info, char *error,
		       size_t size);
int pb_pagetypeinfo_parse(const char *text, size_t len, struct pb_pagetypeinfo *info, char *error,
			  size_t size);
/* The same for a text that may end before its numbers of pageblocks: then nr_blocks is 0. */
int pb_pagetypeinfo_parse_part(const char *text, size_t len, struct pb_pagetypeinfo *info,
			       char *error, size_t size);
int pb_vmstat_parse(const char *text, size_t len, struct pb_proc_counters *counters, char *error,
		    size_t size);
int pb_frames_parse(const char *text, size_t len, struct pb_frames *frames, char *error,
		    size_t size);

/* Which kernel's gfp numbers go with it: for pb_reader_options.gfp_table. */
enum pb_gfp_table pb_zoneinfo_gfp_table(const struct pb_zoneinfo *info);

void pb_zoneinfo_free(struct pb_zoneinfo *info);
void pb_buddyinfo_free(struct pb_buddyinfo *info);
void pb_pagetypeinfo_free(struct pb_pagetypeinfo *info);
void pb_counters_free(struct pb_proc_counters *counters);
void pb_frames_free(struct pb_frames *frames);

/* The named counter, or `fallback` if this kernel has none of that name. */
uint64_t pb_counter(const struct pb_proc_counters *counters, const char *name, uint64_t fallback);

/* ----------------------------------------------------------------- snapshots */

/* All that belongs to one moment; what is missing is empty. */
struct pb_snapshot {
	struct pb_zoneinfo zoneinfo;
	struct pb_buddyinfo buddyinfo;
	struct pb_pagetypeinfo pagetypeinfo;
	struct pb_proc_counters vmstat;
	struct pb_frames free;
	bool has_zoneinfo, has_buddyinfo, has_pagetypeinfo, has_vmstat, has_free;
};

/*
 * Where the snapshot file `name` ("zoneinfo") of `phase` ("start", "end", or
 * NULL for a saved /proc) is. `where` is a directory, a prefix, or the trace
 * itself; tried in turn:
 *
 *	<where>/<name>.<phase>		a directory
 *	<where>/<name>, <where>/proc/<name>	a directory, phase NULL
 *	<where>.<name>.<phase>		a prefix: samples/debian-6.1
 *	<stem>.<name>.<phase>		a trace: samples/debian-6.1.txt.zst
 *
 * <stem> is `where` without .zst, .gz, .txt, .log, .trace, .dat; a snapshot may have .zst
 * itself. False: there is none.
 */
bool pb_snapshot_find(const char *where, const char *name, const char *phase, char *path,
		      size_t size);

/*
 * Read all there is for a phase. 0, also if nothing was there; -1 with one line
 * in `error` if a file is there and can't be read or is something else.
 */
int pb_snapshot_load(const char *where, const char *phase, struct pb_snapshot *snapshot,
		     char *error, size_t size);
void pb_snapshot_free(struct pb_snapshot *snapshot);

/*
 * A whole file, plain, zstd or gzip, into memory with a NUL behind it (free()
 * it); NULL with one line in `error`. `limit` in bytes, unpacked.
 */
char *pb_read_file(const char *path, size_t limit, size_t *len, char *error, size_t size);

#endif
