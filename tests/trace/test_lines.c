/* SPDX-License-Identifier: MIT */
/* One line at a time: what is read from it, and why a bad one is bad. */
#include "support.h"
#include "call_chain.h"
#include "line_text.h"

static struct pb_text text;
static struct pb_event event;

static enum pb_line ftrace(const char *line)
{
	return pb_ftrace_line(&text, line, strlen(line), &event);
}

static enum pb_line perf(const char *line)
{
	return pb_perf_line(&text, line, strlen(line), &event);
}

static int begin(void **state)
{
	(void)state;
	memset(&text, 0, sizeof(text));
	text.max_order = 10;
	text.end_pfn = 0x200000;
	pb_gfp_init(&text.gfp, PB_GFP_AUTO);
	return 0;
}

static void check(uint64_t time, unsigned int cpu, int pid, const char *comm, uint64_t pfn)
{
	assert_int_equal(event.time, time);
	assert_int_equal(event.cpu, cpu);
	assert_int_equal(event.pid, pid);
	assert_string_equal(event.comm, comm);
	assert_int_equal(event.pfn, pfn);
}

/* ---------------------------------------------------------------------- ftrace */

static void test_ftrace_6_1(void **state)
{
	(void)state;
	assert_int_equal(ftrace("            init-1       [000] .....     4.552102: mm_page_alloc: "
				"page=ffe15435000c0380 pfn=0x300e order=1 migratetype=2 "
				"gfp_flags=GFP_KERNEL|__GFP_ZERO"),
			 PB_LINE_EVENT);
	check(4552102000, 0, 1, "init", 0x300e);
	assert_int_equal(event.type, PB_EV_ALLOC);
	assert_int_equal(event.order, 1);
	assert_int_equal(event.migratetype, 2);
	assert_int_equal(event.gfp, 0xdc0);
	assert_int_equal(text.gfp.table, PB_GFP_6_1);
}

static void test_ftrace_5_4_has_decimal_pfns(void **state)
{
	(void)state;
	assert_int_equal(ftrace("           <...>-2127  [003] ....   121.040211: mm_page_alloc: "
				"page=000000002a8b5d7e pfn=1122334 order=0 migratetype=1 "
				"gfp_flags=GFP_ATOMIC|__GFP_ATOMIC"),
			 PB_LINE_EVENT);
	check(121040211000, 3, 2127, "<...>", 1122334);
	assert_int_equal(text.gfp.table, PB_GFP_5_4);
	assert_int_equal(event.gfp, 0xa20);
}

static void test_ftrace_without_flags_column(void **state)
{
	(void)state;
	assert_int_equal(ftrace("              dd-77      [001]    10.5: mm_page_free: "
				"page=0 pfn=0x10 order=3"),
			 PB_LINE_EVENT);
	check(10500000000, 1, 77, "dd", 16);
	assert_int_equal(event.order, 3);
}

static void test_ftrace_with_tgid_and_nanoseconds(void **state)
{
	(void)state;
	assert_int_equal(ftrace("   Chrome_IOThread-4711    (   4700) [012] d.s2. 12.345678901: "
				"mm_page_pcpu_drain: page=0 pfn=0x10 order=0 migratetype=0"),
			 PB_LINE_EVENT);
	/* comm is 15 bytes; two more blanks than 16 wide: found by looking for the '-' */
	check(12345678901, 12, 4711, "Chrome_IOThread", 16);
	assert_int_equal(event.type, PB_EV_PCPU_DRAIN);
	assert_int_equal(ftrace("            dd-9       (-------) [012] d.s2. 12.5: "
				"mm_page_free: page=0 pfn=0x10 order=0"),
			 PB_LINE_EVENT);
	check(12500000000, 12, 9, "dd", 16);
}

static void test_counting_clock_has_no_fraction(void **state)
{
	(void)state;
	assert_int_equal(ftrace("            dd-9       [002] d.s2. 3507112: mm_page_free: page=0 "
				"pfn=0x10 order=0"),
			 PB_LINE_EVENT);
	check(3507112, 2, 9, "dd", 16);
}

static void test_odd_names_of_tasks(void **state)
{
	static const struct {
		const char *line, *comm;
		int pid;
	} tasks[] = {
		{ "     Web Content-1234 ", "Web Content", 1234 },
		{ "  kworker/u8:2-ev-33  ", "kworker/u8:2-ev", 33 },
		{ "     a-1 [000] x-42   ", "a-1 [000] x", 42 },
		{ "       [kthrd-7]-8    ", "[kthrd-7]", 8 },
		{ "          <idle>-0    ", "<idle>", 0 },
		{ "               --5    ", "-", 5 },
	};
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
		snprintf(line, sizeof(line),
			 "%s [001] ..... 1.000001: mm_page_free: page=0 pfn=0x2 order=0",
			 tasks[i].line);
		assert_int_equal(ftrace(line), PB_LINE_EVENT);
		check(1000001000, 1, tasks[i].pid, tasks[i].comm, 2);
	}
}

static void test_every_kind_of_event(void **state)
{
	(void)state;
	assert_int_equal(ftrace("              dd-7       [001] d..3.     3.5: "
				"mm_page_alloc_zone_locked: page=0 pfn=0xa6c3 order=0 migratetype=1 "
				"percpu_refill=1"),
			 PB_LINE_EVENT);
	assert_int_equal(event.type, PB_EV_ZONE_LOCKED);
	assert_int_equal(event.percpu_refill, 1);
	assert_int_equal(
		ftrace("              dd-7       [001] d..3.     3.5: mm_page_free_batched: "
		       "page=0 pfn=0xa6c3 order=0"),
		PB_LINE_EVENT);
	assert_int_equal(event.type, PB_EV_FREE_BATCHED);
	assert_int_equal(ftrace("              dd-7       [001] d..3.     3.5: "
				"mm_page_alloc_extfrag: page=0 pfn=0xce00 alloc_order=1 "
				"fallback_order=9 pageblock_order=9 alloc_migratetype=2 "
				"fallback_migratetype=1 fragmenting=0 change_ownership=1"),
			 PB_LINE_EVENT);
	assert_int_equal(event.type, PB_EV_EXTFRAG);
	assert_int_equal(event.order, 1);
	assert_int_equal(event.fallback_order, 9);
	assert_int_equal(event.migratetype, 2);
	assert_int_equal(event.fallback_migratetype, 1);
	assert_int_equal(event.change_ownership, 1);
	assert_int_equal(event.pageblock_order, 9);
}

static void test_compaction_and_marks(void **state)
{
	(void)state;
	assert_int_equal(ftrace("      kcompactd0-33      [001] .....    18.208515: "
				"mm_compaction_isolate_freepages: range=(0x17c00 ~ 0x17e00) "
				"nr_scanned=512 nr_taken=3"),
			 PB_LINE_EVENT);
	check(18208515000, 1, 33, "kcompactd0", 0x17c00);
	assert_int_equal(event.end_pfn, 0x17e00);
	assert_int_equal(event.count, 3);
	assert_int_equal(ftrace("      kcompactd0-33      [001] .....    18.2: mm_compaction_begin: "
				"zone_start=0x1000 migrate_pfn=0x1000 free_pfn=0x17e00 "
				"zone_end=0x17fd7, mode=sync"),
			 PB_LINE_EVENT);
	assert_int_equal(event.pfn, 0x1000);
	assert_int_equal(event.end_pfn, 0x17fd7);
	assert_int_equal(ftrace("            init-1       [001] .....    18.2: tracing_mark_write: "
				"a mark: mm_page_free: x"),
			 PB_LINE_EVENT);
	assert_string_equal(event.mark, "a mark: mm_page_free: x");
}

/* What reclaim did and could have; the page cache as three kernels print it. */
static void test_reclaim_and_page_cache(void **state)
{
	uint64_t file;

	(void)state;
	assert_int_equal(ftrace("       kswapd0-42      [000] d..2.    11.014827: "
				"mm_filemap_delete_from_page_cache: dev 254:32 ino c pfn=0x3d84 "
				"ofs=8192 order=0"),
			 PB_LINE_EVENT);
	check(11014827000, 0, 42, "kswapd0", 0x3d84);
	assert_int_equal(event.type, PB_EV_CACHE_DELETE);
	assert_int_equal(event.count, 2);
	file = event.end_pfn;
	assert_int_equal(ftrace("            dd-125     [000] .....    10.2: "
				"mm_filemap_add_to_page_cache: dev 254:32 ino c "
				"page=0000000012345678 pfn=15748 ofs=0"),
			 PB_LINE_EVENT);
	assert_int_equal(event.type, PB_EV_CACHE_ADD);
	assert_int_equal(event.pfn, 15748);
	assert_int_equal(event.end_pfn, file);
	assert_int_equal(ftrace("            dd-125     [000] .....    10.2: "
				"mm_filemap_add_to_page_cache: dev 254:32 ino d pfn=0x3d84 "
				"ofs=16384-24575 order=1"),
			 PB_LINE_EVENT);
	assert_int_not_equal(event.end_pfn, file);
	assert_int_equal(event.count, 4);
	assert_int_equal(event.order, 1);
	assert_int_equal(ftrace("            dd-125     [000] .....    10.2: "
				"mm_vmscan_direct_reclaim_end: nr_reclaimed=40"),
			 PB_LINE_EVENT);
	assert_int_equal(event.count, 40);
	assert_int_equal(ftrace("   kcompactd0-34      [000] .....    10.3: "
				"mm_compaction_migratepages: nr_migrated=30 nr_failed=2"),
			 PB_LINE_EVENT);
	assert_int_equal(event.type, PB_EV_COMPACT_MOVED);
	assert_int_equal(event.count, 30);
	assert_int_equal(event.end_pfn, 2);
	assert_int_equal(ftrace("   kcompactd0-34      [000] .....    10.4: "
				"mm_compaction_end: zone_start=0x1 migrate_pfn=0x1 free_pfn=0xe00 "
				"zone_end=0x1000, mode=sync status=success"),
			 PB_LINE_EVENT);
	assert_int_equal(event.count, 1);
	assert_int_equal(ftrace("   kcompactd0-34      [000] .....    10.4: "
				"mm_compaction_end: zone_start=0x1 migrate_pfn=0x1 free_pfn=0xe00 "
				"zone_end=0x1000, mode=sync status=partial_skipped"),
			 PB_LINE_EVENT);
	assert_int_equal(event.count, 0);
	assert_int_equal(ftrace("       kswapd0-42      [001] .....    10.9: "
				"mm_vmscan_kswapd_wake: nid=0 order=3"),
			 PB_LINE_EVENT);
	assert_int_equal(event.order, 3);
}

/* The line of kernel/pbwatch; see its events.h. */
static void test_zone_state(void **state)
{
	(void)state;
	assert_int_equal(
		ftrace("    kworker/u4:1-30      [001] ...1.    23.593951: pb_zone: failed=1 "
		       "order=3 node=0 zone=1 free=-5 lag=7 min=138 low=172 high=206 "
		       "boost=512 reserve=49 highatomic=1024 cma=0 task=8 "
		       "lists=7f,7e,28,0,0,0"),
		PB_LINE_EVENT);
	assert_int_equal(event.type, PB_EV_ZONE);
	assert_int_equal(event.order, 3);
	assert_true(event.zone.failed);
	assert_int_equal(event.zone.zone, 1);
	assert_true(event.zone.free == -5);
	assert_int_equal(event.zone.lag, 7);
	assert_int_equal(event.zone.boost, 512);
	assert_int_equal(event.zone.highatomic, 1024);
	assert_int_equal(event.zone.task, PB_ZONE_GAVE_UP);
	assert_int_equal(event.zone.lists[1], 0x7e);
}

static void test_absent_page(void **state)
{
	static const char *const pages[] = { "0000000000000000", "(null)",
					     "          (null)", "(nil)",
					     "00000000",         "0x0" };
	char line[300];

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		snprintf(line, sizeof(line),
			 "              dd-7       [001] ..... 3.5: mm_page_alloc: page=%s pfn=0x0 "
			 "order=9 migratetype=1 gfp_flags=GFP_TRANSHUGE_LIGHT",
			 pages[i]);
		assert_int_equal(ftrace(line), PB_LINE_EVENT);
		assert_int_equal(event.pfn, PB_NO_PFN);
		assert_int_equal(event.order, 9);
	}
	/* frame 0 is a frame where the page is one */
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: mm_page_free: "
				"page=ffffea0000000000 pfn=0x0 order=0"),
			 PB_LINE_EVENT);
	assert_int_equal(event.pfn, 0);
}

/* No event is lost for a name; where it may be moved is printed beside the flags. */
static void test_gfp_names_that_no_table_has(void **state)
{
	(void)state;
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: mm_page_alloc: page=0 "
				"pfn=0x5 order=0 migratetype=1 gfp_flags=GFP_NOFS|__GFP_FANCY"),
			 PB_LINE_EVENT);
	assert_int_equal(event.gfp, 0xc48);
	assert_int_equal(text.unknown_names, 1);
}

static void test_a_number_is_read_by_the_kernel_of_the_header(void **state)
{
	(void)state;
	assert_int_equal(perf("# os release : 3.10.0-1160.lab"), PB_LINE_COMMENT);
	assert_int_equal(perf("dd 7 [001] 3.5: kmem:mm_page_alloc: page=(nil) pfn=0 order=2 "
			      "migratetype=0 gfp_flags=0x4020"),
			 PB_LINE_EVENT);
	assert_int_equal(event.gfp & 0x40020, 0x40020); /* __GFP_COMP, __GFP_HIGH */
}

/* perf script -F in any choice of fields. */
static void test_perf_fields_in_any_choice(void **state)
{
	static const char *const lines[] = {
		"dd 7 [001] 3.5:          1   kmem:mm_page_free: page=0 pfn=0x10 order=3",
		"dd     7/8 [001] 3.5: kmem:mm_page_free: page=0 pfn=0x10 order=3",
		"dd     8 3.5: kmem:mm_page_free: page=0 pfn=0x10 order=3",
		"dd     8 3.5:    1 kmem:mm_page_free: page=0 pfn=0x10 order=3",
		"[001] 3.5: kmem:mm_page_free: page=0 pfn=0x10 order=3",
		"3.5: kmem:mm_page_free: page=0 pfn=0x10 order=3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (perf(lines[i]) != PB_LINE_EVENT)
			fail_msg("not taken: %s: %s", lines[i], text.reason);
		assert_int_equal(event.time, 3500000000);
		assert_int_equal(event.pfn, 0x10);
		assert_int_equal(event.order, 3);
	}
}

static void test_what_other_tools_write_around_events(void **state)
{
	static const char *const comments[] = {
		"version = 6",
		"CPU 0 is empty",
		"cpus=4",
		"<stack trace >",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(comments) / sizeof(comments[0]); i++)
		assert_int_equal(ftrace(comments[i]), PB_LINE_COMMENT);
	assert_int_equal(ftrace("=> filemap_fault (ffffffff81290b18)"), PB_LINE_FRAME);
	assert_memory_equal(text.frame, "filemap_fault (", 15);
	assert_int_equal(ftrace("CPU:3 [512 EVENTS DROPPED]"), PB_LINE_LOST);
	assert_int_equal(event.lost, 512);
	assert_int_equal(event.cpu, 3);
	assert_int_equal(ftrace(" 3)               |    try_to_compact_pages() {"), PB_LINE_OTHER);
	assert_int_equal(ftrace(" 3)               |  /* mm_page_free: page=0 pfn=0x10 order=2 */"),
			 PB_LINE_EVENT);
	assert_int_equal(event.order, 2);
	assert_int_equal(ftrace("    bash-77      3d..2  120us : mm_page_free: page=0 pfn=0x10 "
				"order=2"),
			 PB_LINE_EVENT);
	assert_int_equal(event.time, 120000);
	assert_int_equal(event.cpu, 3);
	assert_int_equal(event.pid, 77);
	assert_string_equal(event.comm, "bash");
}

/* Linux 6.1 with options/hash-ptr off prints no flags at all. */
static void test_gfp_without_names(void **state)
{
	(void)state;
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: mm_page_alloc: page=0 "
				"pfn=0x5 order=0 migratetype=1 gfp_flags="),
			 PB_LINE_EVENT);
	assert_true(event.flags & PB_EVENT_NO_GFP);
	assert_int_equal(event.gfp, 0);
}

static void test_fields_of_a_later_kernel_are_skipped(void **state)
{
	(void)state;
	assert_int_equal(
		ftrace("              dd-7       [001] ..... 3.5: mm_page_free: nid=0 page=0 "
		       "pfn=0x5 order=2 colour=blue"),
		PB_LINE_EVENT);
	assert_int_equal(event.pfn, 5);
	assert_int_equal(event.order, 2);
}

static void test_lines_that_are_no_events(void **state)
{
	(void)state;
	assert_int_equal(ftrace(""), PB_LINE_COMMENT);
	assert_int_equal(ftrace("   "), PB_LINE_COMMENT);
	assert_int_equal(ftrace("# tracer: nop"), PB_LINE_COMMENT);
	assert_int_equal(ftrace(" => free_unref_page"), PB_LINE_FRAME);
	assert_int_equal(text.frame_len, strlen("free_unref_page"));
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: kmalloc: call_site=x"),
			 PB_LINE_OTHER);
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: kernel_stack: "
				"<stack trace>"),
			 PB_LINE_STACK);
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: <stack trace>"),
			 PB_LINE_STACK);
	assert_int_equal(event.cpu, 1);
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: <user stack trace>"),
			 PB_LINE_OTHER);
	assert_int_equal(ftrace("              dd-7       [001] ..... 3.5: do_exit <-syscall"),
			 PB_LINE_OTHER);
}

static void test_lost_events(void **state)
{
	(void)state;
	assert_int_equal(ftrace("CPU:3 [LOST 1234 EVENTS]"), PB_LINE_LOST);
	assert_int_equal(event.cpu, 3);
	assert_int_equal(event.lost, 1234);
	assert_int_equal(ftrace("CPU:0 [LOST EVENTS]"), PB_LINE_LOST);
	assert_int_equal(event.lost, 0);
	assert_int_equal(ftrace("CPU:x [LOST 1234 EVENTS]"), PB_LINE_BAD);
	assert_int_equal(ftrace("CPU:1 [LOST 12"), PB_LINE_BAD);
}

#define HEAD "              dd-7       [001] ..... 3.5: "

static const struct {
	const char *line;
	enum pb_problem problem;
	const char *reason;
} bad_lines[] = {
	{ "hello world", PB_BAD_MALFORMED, "expected COMM-PID [CPU] FLAGS TIME: EVENT: FIELDS" },
	{ "              dd-7       [001] ..... mm_page_free: page=0 pfn=0x5 order=0",
	  PB_BAD_MALFORMED, "expected COMM-PID [CPU] FLAGS TIME: EVENT: FIELDS" },
	{ "              dd-7       [99999] ..... 3.5: mm_page_free: page=0 pfn=0x5 order=0",
	  PB_BAD_MALFORMED, "expected COMM-PID [CPU] FLAGS TIME: EVENT: FIELDS" },
	{ HEAD "mm_page_free: page=0 pfn=0x5", PB_BAD_MALFORMED, "order is missing" },
	{ HEAD "mm_page_free: page=0 order=0", PB_BAD_MALFORMED, "pfn is missing" },
	{ HEAD "mm_page_free: page=0 pfn=0x5 order", PB_BAD_MALFORMED,
	  "'order' where name=value was expected" },
	{ HEAD "mm_page_free: page=0 pfn=12ab order=0", PB_BAD_MALFORMED,
	  "pfn is '12ab', expected a page frame number" },
	{ HEAD "mm_page_free: page=0 pfn=0x order=0", PB_BAD_MALFORMED,
	  "pfn is '0x', expected a page frame number" },
	{ HEAD "mm_page_free: page=0 pfn=0x11112222333344445 order=0", PB_BAD_MALFORMED,
	  "pfn is '0x11112222333344445', expected a page frame number" },
	{ HEAD "mm_page_free: page=0 pfn=0x5 order=-1", PB_BAD_MALFORMED,
	  "order is '-1', expected a number from 0 on" },
	{ HEAD "mm_page_free: page=0 pfn=0x5 order=11", PB_BAD_ORDER,
	  "order 11, expected at most 10" },
	{ HEAD "mm_page_free: page=0 pfn=0x5 order=4000000", PB_BAD_ORDER,
	  "order 255 or more, expected at most 10" },
	{ HEAD "mm_page_free: page=0 pfn=0x200000 order=0", PB_BAD_PFN,
	  "pfn 0x200000, expected less than 0x200000" },
	{ HEAD "mm_page_alloc: page=0 pfn=0x5 order=0 migratetype=77 gfp_flags=GFP_KERNEL",
	  PB_BAD_MALFORMED, "migratetype is '77', expected a migratetype" },
	{ HEAD "mm_page_alloc: page=0 pfn=0x5 order=0 migratetype=0 gfp_flags=kernel",
	  PB_BAD_MALFORMED, "gfp_flags is 'kernel', expected names of gfp flags" },
	{ HEAD "mm_page_alloc_zone_locked: page=0 pfn=0x5 order=0 migratetype=0 "
	       "percpu_refill=2",
	  PB_BAD_MALFORMED, "percpu_refill is '2', expected 0 or 1" },
	{ HEAD "mm_compaction_isolate_freepages: range=(0x2 ~ 0x1) nr_scanned=1 nr_taken=1",
	  PB_BAD_MALFORMED, "expected range=(START ~ END) nr_scanned=N nr_taken=N" },
	{ HEAD "mm_filemap_add_to_page_cache: dev 8:1 pfn=0x3 ofs=0", PB_BAD_MALFORMED,
	  "expected dev MAJOR:MINOR ino INODE pfn=N ofs=N" },
	{ HEAD "pb_zone: failed=1 order=0", PB_BAD_MALFORMED,
	  "expected failed=N order=N node=N zone=N free=N ... lists=X,..." },
	{ "\001\002", PB_BAD_BINARY, "byte 0x01, expected text" },
};

static void test_why_a_line_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		if (ftrace(bad_lines[i].line) != PB_LINE_BAD)
			fail_msg("taken: %s", bad_lines[i].line);
		assert_string_equal(text.reason, bad_lines[i].reason);
		assert_int_equal(text.problem, bad_lines[i].problem);
	}
}

static void test_limits_are_the_callers(void **state)
{
	(void)state;
	text.max_order = 12;
	text.end_pfn = 0;
	assert_int_equal(ftrace(HEAD "mm_page_free: page=1 pfn=0xffffffffffff0 order=12"),
			 PB_LINE_EVENT);
	assert_int_equal(ftrace(HEAD "mm_page_free: page=1 pfn=0x5 order=13"), PB_LINE_BAD);
}

static void test_times_that_do_not_fit(void **state)
{
	(void)state;
	assert_int_equal(ftrace("              dd-7       [001] ..... 99999999999999999999.5: "
				"mm_page_free: page=0 pfn=0x5 order=0"),
			 PB_LINE_BAD);
	assert_int_equal(ftrace("              dd-7       [001] ..... 18446744074.5: "
				"mm_page_free: page=0 pfn=0x5 order=0"),
			 PB_LINE_BAD);
	assert_int_equal(ftrace("              dd-7       [001] ..... 18446744072.5: "
				"mm_page_free: page=0 pfn=0x5 order=0"),
			 PB_LINE_EVENT);
	check(18446744072500000000u, 1, 7, "dd", 5);
}

/* ------------------------------------------------------------------ perf script */

static void test_perf(void **state)
{
	(void)state;
	assert_int_equal(perf("            perf 15260 [001]  2833.662698:             "
			      "kmem:mm_page_alloc: page=0x109439 pfn=0x109439 order=0 "
			      "migratetype=2 gfp_flags=GFP_KERNEL|__GFP_COMP"),
			 PB_LINE_EVENT);
	check(2833662698000, 1, 15260, "perf", 0x109439);
	assert_int_equal(event.gfp, 0x40cc0);
	assert_int_equal(perf("   Web Content 12/15 [001]  1.5: kmem:mm_page_free: page=0x1 pfn=0x1 "
			      "order=2"),
			 PB_LINE_EVENT);
	check(1500000000, 1, 15, "Web Content", 1);
	assert_int_equal(perf("  swapper     0 [000]  1.5: kmem:mm_page_alloc: page=(nil) pfn=0x0 "
			      "order=9 migratetype=0 gfp_flags=GFP_NOWAIT"),
			 PB_LINE_EVENT);
	assert_int_equal(event.pfn, PB_NO_PFN);
	assert_int_equal(event.pid, 0);
}

static void test_perf_lines_that_are_no_events(void **state)
{
	(void)state;
	assert_int_equal(perf("# captured on    : Sun"), PB_LINE_COMMENT);
	assert_int_equal(perf(""), PB_LINE_COMMENT);
	assert_int_equal(perf("\tffffffff8117cafe free_unref_page ([kernel.kallsyms])"),
			 PB_LINE_FRAME);
	assert_memory_equal(text.frame, "free_unref_page ", 16);
	assert_int_equal(perf("\t    7f12a4c0 malloc (/usr/lib/libc.so.6)"), PB_LINE_COMMENT);
	assert_int_equal(perf(" dd 7 [001]  1.5: sched:sched_switch: prev=1"), PB_LINE_OTHER);
	assert_int_equal(perf(" dd 7 [001]  1.5: PERF_RECORD_LOST lost 42"), PB_LINE_LOST);
	assert_int_equal(event.lost, 42);
	assert_int_equal(perf("hello"), PB_LINE_BAD);
	assert_string_equal(text.reason, "expected COMM PID [CPU] TIME: SYSTEM:EVENT: FIELDS");
}

static void test_overwritten_is_told_by_the_header(void **state)
{
	static const char header[] = "# entries-in-buffer/entries-written: 500/700   #P:2";

	(void)state;
	assert_int_equal(pb_overwritten(header, strlen(header)), 200);
	assert_int_equal(pb_overwritten("# entries-in-buffer/entries-written: 5", 38), 0);
	assert_int_equal(pb_overwritten("# tracer: nop", 13), 0);
}

/* Each prefix of a good line is read without running over its end (ASan looks on). */
static void test_every_prefix_is_safe(void **state)
{
	static const char *const lines[] = {
		"              dd-7       (   9) [001] d..3. 3.5: mm_page_alloc_extfrag: page=0 "
		"pfn=0xce00 alloc_order=1 fallback_order=9 pageblock_order=9 alloc_migratetype=2 "
		"fallback_migratetype=1 fragmenting=0 change_ownership=1",
		"              dd-7       [001] d..3. 3.5: mm_compaction_isolate_freepages: "
		"range=(0x17c00 ~ 0x17e00) nr_scanned=512 nr_taken=3",
		"CPU:3 [LOST 1234 EVENTS]",
		"   Web Content 12/15 [001]  1.5: kmem:mm_page_alloc: page=(nil) pfn=0x0 order=2 "
		"migratetype=0 gfp_flags=GFP_KERNEL|__GFP_ZERO",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (size_t len = 0; len <= strlen(lines[i]); len++) {
			char *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, lines[i], len);
			pb_ftrace_line(&text, copy, len, &event);
			pb_perf_line(&text, copy, len, &event);
			free(copy);
		}
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

/* One list for traces and logs; a log's stack passes more than the allocator. */
static void test_functions_that_did_not_ask(void **state)
{
	static const char *const both[] = { "__alloc_pages_slowpath", "alloc_pages_vma",
					    "__kmalloc_node", "new_slab", "vma_alloc_folio" };
	static const char *const between[] = { "warn_alloc", "__alloc_skb", "dump_stack",
					       "kmem_cache_create", "do_anonymous_page" };
	static const char *const askers[] = { "ext4_readpage", "do_wp_page", "alloc", "" };
	struct pb_chain chain;

	(void)state;
	pb_chain_clear(&chain);
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		assert_true(pb_is_allocator(both[i]) && pb_is_go_between(both[i]));
		pb_chain_add(&chain, both[i], strlen(both[i]));
		assert_int_equal(chain.depth, 0);
	}
	for (size_t i = 0; i < sizeof(between) / sizeof(between[0]); i++)
		assert_true(!pb_is_allocator(between[i]) && pb_is_go_between(between[i]));
	for (size_t i = 0; i < sizeof(askers) / sizeof(askers[0]); i++)
		assert_false(pb_is_go_between(askers[i]));
	pb_chain_add(&chain, "do_anonymous_page+0x1c/0x20", 27);
	assert_string_equal(chain.text, "do_anonymous_page");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ftrace_6_1),
		TEST(test_ftrace_5_4_has_decimal_pfns),
		TEST(test_ftrace_without_flags_column),
		TEST(test_ftrace_with_tgid_and_nanoseconds),
		TEST(test_counting_clock_has_no_fraction),
		TEST(test_odd_names_of_tasks),
		TEST(test_every_kind_of_event),
		TEST(test_compaction_and_marks),
		TEST(test_reclaim_and_page_cache),
		TEST(test_zone_state),
		TEST(test_absent_page),
		TEST(test_gfp_names_that_no_table_has),
		TEST(test_a_number_is_read_by_the_kernel_of_the_header),
		TEST(test_perf_fields_in_any_choice),
		TEST(test_what_other_tools_write_around_events),
		TEST(test_gfp_without_names),
		TEST(test_fields_of_a_later_kernel_are_skipped),
		TEST(test_lines_that_are_no_events),
		TEST(test_lost_events),
		TEST(test_why_a_line_is_bad),
		TEST(test_limits_are_the_callers),
		TEST(test_times_that_do_not_fit),
		TEST(test_perf),
		TEST(test_perf_lines_that_are_no_events),
		TEST(test_overwritten_is_told_by_the_header),
		TEST(test_functions_that_did_not_ask),
		TEST(test_every_prefix_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
