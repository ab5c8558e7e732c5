/* SPDX-License-Identifier: MIT */
/*
 * Kernel logs: page allocation failures, OOM kills, vmalloc failures and dumps of
 * memory, out of whatever text somebody has.
 *
 *	bytes --> physical lines --> records, a column each --> struct pb_klog_report
 *	          (packing, quotes,  (a caller's lines apart,   (fields by line form)
 *	          mail, HTML ...)     wrapped ones joined)
 *
 *	struct pb_klog *log = pb_klog_open(&options, emit, ctx);
 *	while ((n = read(...)) > 0 && !pb_klog_feed(log, buffer, n))
 *		;
 *	pb_klog_close(log, &stats);
 *
 * Memory is constant whatever the length of the log: at most PB_KLOG_OPEN reports
 * are under construction; a finished one is handed over and forgotten. Reports
 * come in the order of their first lines. One thread per log; several logs are
 * independent. Any bytes are valid input.
 */
#ifndef PB_TRACE_KLOG_H
#define PB_TRACE_KLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../rules/rules.h"

#define PB_KLOG_TEXT 64    /* bytes of a comm, a release, a function's name */
#define PB_KLOG_GFP 256    /* bytes of a list of gfp names */
#define PB_KLOG_ZONES 3072 /* of one report: 1024 nodes with three zones each */
#define PB_KLOG_NODES 1024 /* as many as Linux has at most */
#define PB_KLOG_TYPES 6    /* DMA, DMA32, Normal, HighMem, Movable, Device */
#define PB_KLOG_STACK 24   /* functions kept of a stack */
#define PB_KLOG_OPEN 64    /* reports under construction at once */

enum pb_klog_kind {
	PB_KLOG_ALLOC,    /* page allocation failure */
	PB_KLOG_OOM,      /* invoked oom-killer: machine, cpuset or memory policy */
	PB_KLOG_MEMCG,    /* the same for a memory cgroup */
	PB_KLOG_VMALLOC,  /* vmalloc: allocation failure, vmalloc error */
	PB_KLOG_SHOW_MEM, /* a dump without a headline */
	PB_KLOG_ASKED,    /* of no log: what would become of a request now */
};

/* How far a vmalloc report says pages were to blame. */
enum pb_klog_vmalloc {
	PB_KLOG_VMALLOC_BYTES, /* "allocation failure: N bytes": to be found out */
	PB_KLOG_VMALLOC_TOTAL, /* "exceeds total pages" */
	PB_KLOG_VMALLOC_SPACE, /* "vm_struct allocation failed": address space */
	PB_KLOG_VMALLOC_PAGES, /* "page order K, failed to allocate pages" */
};

struct pb_klog_nodes {
	bool printed; /* false: "(null)", or not in the text */
	uint64_t bits[PB_KLOG_NODES / 64];
};

struct pb_klog_zone {
	int node, type; /* type: index into pb_klog_type_name() */
	/* kB as printed; -1: not printed */
	int64_t free_kb, min_kb, boost_kb, low_kb, high_kb, reserved_highatomic_kb;
	int64_t free_highatomic_kb, present_kb, managed_kb, free_cma_kb, free_pcp_kb;
	int64_t reserve[PB_KLOG_TYPES + 2]; /* pages, lowmem_reserve[] */
	unsigned int nr_reserve;
	bool has_list, has_letters, empty;
	bool list_cut;    /* the list has no total behind it */
	bool reserve_cut; /* the text ends in or behind the line of its lowmem_reserve[] */
	unsigned int nr_orders, first_kb; /* first_kb: size of the smallest block */
	uint64_t blocks[PB_RULE_ORDERS];
	uint8_t letters[PB_RULE_ORDERS];
	/* the answer */
	bool allowed, judged;
	int64_t pages; /* managed, or present where managed is not printed */
	enum pb_verdict_word verdict;
	struct pb_rule_zone rule;
	struct pb_rule_result result;
};

struct pb_klog_function {
	char name[PB_KLOG_TEXT], module[PB_KLOG_TEXT]; /* module: "" if built in */
	bool uncertain;                                /* "?" in front */
	bool has_address;                              /* "[<ffffffff81d85a04>]" in front */
};

struct pb_klog_report {
	enum pb_klog_kind kind;
	uint64_t line;               /* first line in its file, from 1 */
	char stamp[PB_KLOG_TEXT];    /* what stood in front of it: time, host */
	char comm[PB_KLOG_TEXT];     /* "": not said */
	char headline[PB_KLOG_TEXT]; /* what failed: "page allocation", "vmemmap alloc" */
	int32_t pid;                 /* -1: not said */
	char kernel[PB_KLOG_TEXT];   /* release; "": not said */
	uint32_t release;            /* whose rules hold: said, told or by the format */
	bool release_by_format;
	bool has_order, has_gfp;
	int order;                   /* -1: SysRq f */
	uint32_t gfp_number, gfp;    /* as printed; as PB_GFP_* */
	char gfp_names[PB_KLOG_GFP]; /* by this kernel's table */
	struct pb_klog_nodes nodemask, mems_allowed;
	enum pb_klog_vmalloc vmalloc;
	uint64_t vmalloc_bytes; /* 0: not said */
	bool too_old;           /* its form is that of a kernel before 2.6.22 */
	uint64_t length; /* bytes, of which the order is not said but follows; 0: it is said */
	struct pb_klog_function stack[PB_KLOG_STACK];
	unsigned int nr_stack;
	char killed[PB_KLOG_TEXT], limit[PB_KLOG_TEXT]; /* OOM: victim; memcg: its limit */
	int64_t free_pages;                             /* Mem-Info's free:; -1: not in the text */
	int64_t ram_pages;                              /* pages RAM; -1 */
	unsigned int page_kb;                           /* 0: can't be told */
	struct pb_klog_zone *zones;
	unsigned int nr_zones, room;
	bool cut;      /* a zone line ended before its min: */
	bool no_marks; /* only free lists are known */
	/* the answer */
	int highest_type, class_index; /* of the request; class_index -1: unknown */
	unsigned int configured;       /* bit a zone type */
	enum pb_verdict_word verdict;
	int decisive; /* zone that gave the word; -1: none */
};

struct pb_klog_stats {
	uint64_t lines, understood; /* not blank; of a form known here */
	uint64_t reports;
	uint64_t kills; /* of tasks, by lines that no report in the text is above */
	char first_killed[PB_KLOG_TEXT]; /* the first of them */
	uint64_t stalls, suppressed;     /* "page allocation stalls", "callbacks suppressed" */
};

struct pb_klog_options {
	uint32_t release; /* rules and gfp table of this kernel; 0: as the log says */
};

/* Called for each finished report, which is gone afterwards. Not 0: stop reading. */
typedef int (*pb_klog_emit)(void *ctx, const struct pb_klog_report *report);

struct pb_klog;

/* NULL: no memory. */
struct pb_klog *pb_klog_open(const struct pb_klog_options *options, pb_klog_emit emit, void *ctx);
/* The next bytes. Not 0: what emit returned, or -1 without memory. */
int pb_klog_feed(struct pb_klog *log, const void *bytes, size_t len);
/* The end: emits what is still open, and frees all. stats may be NULL. As feed. */
int pb_klog_close(struct pb_klog *log, struct pb_klog_stats *stats);

/*
 * Answer a request on zones that were not read from a log: kind PB_KLOG_ASKED, order,
 * gfp, gfp_names, release, page_kb and the zones as printed are set.
 */
void pb_klog_judge(struct pb_klog_report *report);

const char *pb_klog_kind_name(enum pb_klog_kind kind); /* "alloc_failure" */
const char *pb_klog_type_name(int type);               /* "DMA32" */
/* The first function outside the allocator; NULL: none in the text. */
const struct pb_klog_function *pb_klog_asker(const struct pb_klog_report *report);

#endif
