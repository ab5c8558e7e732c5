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
   misuse was found. Without: codes and kinds only, an empty text, and no log lines. */
#ifndef PB_WITH_TEXTS
#define PB_WITH_TEXTS 1
#endif
#define TEXT(string) (PB_WITH_TEXTS ? (string) : "")

/* The reserve for high-order atomic requests (zone/highatomic.c). */
#ifndef PB_WITH_HIGHATOMIC
#define PB_WITH_HIGHATOMIC 1
#endif

#endif
