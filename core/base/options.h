/* SPDX-License-Identifier: MIT */
/*
 * What a build may leave out: each option is 1, or 0 by -DPB_WITH_...=0. Left out means
 * gone: nothing refers to it any more, so a linker that drops unused sections
 * (--gc-sections), or an archive, drops it. core/inspect needs no option: nothing but its
 * own public functions refers to it.
 */
#ifndef PB_CORE_OPTIONS_H
#define PB_CORE_OPTIONS_H

/* The linux profile (linux/). Without: a configuration that asks for it is refused. */
#ifndef PB_WITH_LINUX
#define PB_WITH_LINUX 1
#endif

/* Ranges (range/): claim, contiguous ranges, isolation, hotplug, compaction. Without: a
   request is not served by compaction, whatever hooks there are. */
#ifndef PB_WITH_RANGE
#define PB_WITH_RANGE 1
#endif

/* Per-CPU lists (pcp/stack.c). Without: each pool is as if made with PB_POOL_NO_PCP. */
#ifndef PB_WITH_PCP
#define PB_WITH_PCP 1
#endif

/* Many blocks in one call (alloc/bulk.c). Without: there are no such calls. */
#ifndef PB_WITH_BULK
#define PB_WITH_BULK 1
#endif

/* The depot, by which larger blocks go from CPU to CPU (pcp/depot.c). Without: by the zone. */
#ifndef PB_WITH_DEPOT
#define PB_WITH_DEPOT 1
#endif

/* Pools of several processes (pcp/shared.c), and recovery after a death (boot/recover.c).
   Without: PB_POOL_SHARED is refused, and so is an attach that is to recover. */
#ifndef PB_WITH_SHARED
#define PB_WITH_SHARED 1
#endif

/* Events to the trace hook, block by block. Without: the hook is never called. */
#ifndef PB_WITH_TRACE
#define PB_WITH_TRACE 1
#endif

/* Sentences: why a configuration is refused, what a failed request would have needed, what
   misuse was found, names of zones, types, reasons and flags. Without: codes and kinds only,
   empty texts, and no log lines. */
#ifndef PB_WITH_TEXTS
#define PB_WITH_TEXTS 1
#endif
#define TEXT(string) (PB_WITH_TEXTS ? (string) : "")

/* The reserve for high-order atomic requests (zone/highatomic.c). */
#ifndef PB_WITH_HIGHATOMIC
#define PB_WITH_HIGHATOMIC 1
#endif

/* Attaching to a pool that was made elsewhere, and the checksums by which an attach and
   pb_validate() notice damage. Without: pb_pool_attach() is refused, and none are kept. */
#ifndef PB_WITH_ATTACH
#define PB_WITH_ATTACH 1
#endif

/* Watermarks, reserves and boost. Without: each pool is as if made with PB_POOL_PLAIN. */
#ifndef PB_WITH_WATERMARKS
#define PB_WITH_WATERMARKS 1
#endif

/* Grouping by mobility, fallback between migratetypes, CMA. Without: each pool is as if made
   with PB_POOL_NO_MOBILITY; PB_POOL_MOBILITY is refused. */
#ifndef PB_WITH_MOBILITY
#define PB_WITH_MOBILITY 1
#endif

/* Several CPUs. Without: there is one, and nothing comes between in a call but interrupts,
   which the port's lock and critical section mask, or whose handlers don't call in; nr_cpus
   and nr_stripes are 1. */
#ifndef PB_WITH_SMP
#define PB_WITH_SMP 1
#endif

/* The hooks reclaim, migrate, oom and wake in allocations. Without: they are never called by
   one; a request with PB_GFP_NOFAIL still goes on until somebody frees. */
#ifndef PB_WITH_RECLAIM
#define PB_WITH_RECLAIM 1
#endif

/* Counters of events: vm[] of pb_stats(), pb_numa_stats(). Without: they stay 0, but for what
   is counted for other reasons: pages handed out and freed, failed requests. */
#ifndef PB_WITH_COUNTERS
#define PB_WITH_COUNTERS 1
#endif

/* More zones than one, and more usable regions. Without: the memory map has one usable region,
   of ZONE_NORMAL on node 0, and reserved ones; any request is served from it. */
#ifndef PB_WITH_ZONES
#define PB_WITH_ZONES 1
#endif
#if !PB_WITH_ZONES
#undef PB_WITH_NUMA
#define PB_WITH_NUMA 0
#endif

/* More nodes than node 0. Without: a memory map or cpu_node that names another is refused. */
#ifndef PB_WITH_NUMA
#define PB_WITH_NUMA 1
#endif

/* Regions in any order. Without: a memory map that isn't sorted by zone, and its usable and
   its reserved regions by pfn, is refused. */
#ifndef PB_WITH_UNSORTED
#define PB_WITH_UNSORTED 1
#endif

/* What is known of free memory: free page reporting (which needs PB_WITH_RANGE, too) and blocks that
   are known to be zero (block/marks.h). Without: PB_POOL_REPORTING and PB_POOL_CLEARED are
   refused. */
#ifndef PB_WITH_MARKS
#define PB_WITH_MARKS 1
#endif

/* The quarantine of hardened pools (pcp/quarantine.c). Without: a configuration that asks
   for one is refused. */
#ifndef PB_WITH_QUARANTINE
#define PB_WITH_QUARANTINE 1
#endif

#endif
