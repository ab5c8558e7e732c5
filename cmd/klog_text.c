// SPDX-License-Identifier: MIT
/* A report of a kernel log in words: the answer, zone by zone, what would have helped. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rules/words.h>

#include "explain_log.h"

#define WIDTH 79 /* columns */
#define LL(value) ((long long)(value))

unsigned int explain_log_page_kb(const struct pb_klog_report *report)
{
	return report->page_kb ? report->page_kb : 4;
}

static struct pb_rule_request request_of(const struct pb_klog_report *report)
{
	return (struct pb_rule_request){ .order = report->has_order && report->order > 0
							  ? (unsigned int)report->order
							  : 0,
					 .gfp = report->gfp,
					 .release = report->release };
}

/* ------------------------------------------------------------------------ print */

/* Words from column `at` on; further lines are indented. Bytes that no terminal wants become '?'. */
static void print_wrapped(const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (!first && at + 1 + word > WIDTH) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			putchar(' ');
			at++;
		}
		for (size_t i = 0; i < word; i++)
			putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
		at += word;
		first = false;
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

void explain_log_note(const char *text)
{
	printf("!  ");
	print_wrapped(text, 3, 3);
}

__attribute__((format(printf, 1, 2))) static void item(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("  - ");
	print_wrapped(text, 4, 4);
}

/* --------------------------------------------------------------------- sentence */

void explain_log_why(const struct pb_klog_report *report, const struct pb_klog_zone *zone,
		     char *text, size_t size)
{
	struct pb_rule_request request = request_of(report);

	if (zone->judged)
		pb_rule_arithmetic(&request, &zone->rule, &zone->result, text, size);
	else
		snprintf(text, size, "%s",
			 zone->allowed ? "has no managed pages" : "the request may not use it");
}

static void add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

/* What the text tells of the request; the strings are the caller's. */
static struct pb_rule_told told_of(const struct pb_klog_report *report, char *request, size_t size)
{
	const int64_t page = (int64_t)explain_log_page_kb(report);
	char bytes[32];

	if (report->kind == PB_KLOG_VMALLOC && report->vmalloc_bytes)
		snprintf(request, size, "%s by vmalloc",
			 pb_rule_size((int64_t)(report->vmalloc_bytes / 1024), bytes,
				      sizeof(bytes)));
	else if (report->has_order)
		pb_rule_request_text(page << (report->order & 63), report->order,
				     report->has_gfp ? report->gfp_names : NULL, request, size);
	else
		snprintf(request, size, "memory");
	return (struct pb_rule_told){
		.comm = report->kind == PB_KLOG_ASKED ? NULL : report->comm,
		.pid = report->pid,
		.request = request,
		.word = report->verdict,
		.other = PB_SAYS_NONE,
	};
}

static void say_vmalloc(const struct pb_klog_report *report, char *text, size_t size)
{
	char ram[32];

	if (report->vmalloc == PB_KLOG_VMALLOC_TOTAL)
		add(text, size,
		    " and was refused because that is more than the machine's memory, before any "
		    "page was asked for");
	else if (report->vmalloc == PB_KLOG_VMALLOC_SPACE)
		add(text, size,
		    " and was refused because no such range of vmalloc's address space is free; "
		    "pages were not the problem");
	else if (report->ram_pages > 0 && report->decisive < 0)
		add(text, size,
		    " and was refused because the machine has %s: pages were not asked for",
		    pb_rule_size(report->ram_pages * explain_log_page_kb(report), ram,
				 sizeof(ram)));
	else
		add(text, size,
		    " and was refused, but single pages, of which vmalloc builds its areas, were "
		    "to be had: the page allocator was not the problem");
}

static void say_nothing_failed(const struct pb_klog_report *report, char *text, size_t size)
{
	snprintf(text, size, "%s",
		 report->kind == PB_KLOG_SHOW_MEM
			 ? "Nothing failed here as far as the text goes: it is a dump of memory "
			   "without a headline (SysRq m, or the text begins too late)."
			 : "Nothing failed here: somebody called the OOM killer by hand (SysRq f, "
			   "order -1).");
}

/* "2818048kB" -> ", 2.7 GiB" */
static const char *limit_text(const struct pb_klog_report *report, char *text, size_t size)
{
	char amount[32];
	int64_t kb = strtoll(report->limit, NULL, 10);

	*text = '\0';
	if (kb > 0)
		snprintf(text, size, ", %s", pb_rule_size(kb, amount, sizeof(amount)));
	return text;
}

/* By a zone's numbers, or because there are none. */
static void say_verdict(const struct pb_klog_report *report, struct pb_rule_told *told, char *text,
			size_t size)
{
	struct pb_rule_request request = request_of(report);
	char reason[512];

	if (report->decisive >= 0) {
		const struct pb_klog_zone *zone = &report->zones[report->decisive];

		pb_rule_reason(&request, &zone->rule, &zone->result, reason, sizeof(reason));
		told->node = zone->node;
		told->zone = pb_klog_type_name(zone->type);
		told->reason = reason;
	} else if (report->verdict == PB_SAYS_NO_DUMP) {
		told->reason = report->nr_zones ? "the flags are not in the text"
						: "no zone is in the text";
	}
	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (report->zones[i].judged && (int)i != report->decisive)
			pb_rule_add_other(told, report->zones[i].node,
					  pb_klog_type_name(report->zones[i].type),
					  report->zones[i].verdict);
	pb_rule_sentence(told, text, size);
}

void explain_log_sentence(const struct pb_klog_report *report, char *text, size_t size)
{
	char limit[40], request[sizeof(report->gfp_names) + 64];
	struct pb_rule_told told;

	if (report->verdict == PB_SAYS_NONE) {
		say_nothing_failed(report, text, size);
		return;
	}
	told = told_of(report, request, sizeof(request));
	switch (report->verdict) {
	case PB_SAYS_MEMCG:
		pb_rule_who(&told, text, size);
		add(text, size,
		    " and met the limit of its memory cgroup%s: the machine's memory was not the "
		    "problem",
		    limit_text(report, limit, sizeof(limit)));
		break;
	case PB_SAYS_NOT_PAGE_ALLOCATOR:
		pb_rule_who(&told, text, size);
		say_vmalloc(report, text, size);
		break;
	default:
		say_verdict(report, &told, text, size);
	}
	add(text, size, ".");
}

/* ------------------------------------------------------------------------ zones */

static void print_zone(const struct pb_klog_report *report, const struct pb_klog_zone *zone,
		       bool verbose)
{
	struct pb_rule_request request = request_of(report);
	char text[512], free_size[32];
	int n = printf("  Node %d %-8s", zone->node, pb_klog_type_name(zone->type));

	printf("%*s%-16s %s free", n < 20 ? 20 - n : 1, "",
	       zone->judged && zone->verdict == PB_SAYS_WOULD_SUCCEED
		       ? "would serve"
		       : pb_verdict_word(zone->verdict),
	       pb_rule_size(zone->free_kb, free_size, sizeof(free_size)));
	if (zone->judged && zone->has_list && zone->result.usable_order >= 0)
		printf(", largest block order %d", zone->result.usable_order);
	putchar('\n');
	if (zone->judged) {
		pb_rule_reason(&request, &zone->rule, &zone->result, text, sizeof(text));
		printf("    ");
		print_wrapped(text, 4, 4);
	} else if (zone->allowed) {
		printf("    It has no managed pages.\n");
	}
	if (verbose && zone->judged) {
		explain_log_why(report, zone, text, sizeof(text));
		printf("    ");
		print_wrapped(text, 4, 6);
	}
}

/* Zones that the request may not use are one line together. */
static void print_zones(const struct pb_klog_report *report, bool verbose)
{
	char out[512] = "";

	putchar('\n');
	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];

		if (zone->allowed)
			print_zone(report, zone, verbose);
		else
			add(out, sizeof(out), "%s%d/%s", *out ? ", " : "", zone->node,
			    pb_klog_type_name(zone->type));
	}
	if (*out) {
		printf("  Not for this request: ");
		print_wrapped(out, 24, 4);
	}
}

/* ----------------------------------------------------- what would have helped */

static enum pb_verdict_word ask(const struct pb_klog_zone *zone,
				const struct pb_rule_request *request)
{
	struct pb_rule_result result;

	pb_rule_judge(request, &zone->rule, &result);
	return result.word;
}

/* The first zone that would serve such a request; NULL: none. */
static const struct pb_klog_zone *serving(const struct pb_klog_report *report,
					  const struct pb_rule_request *request)
{
	for (unsigned int i = report->nr_zones; i-- > 0;)
		if (report->zones[i].judged && report->zones[i].has_list &&
		    ask(&report->zones[i], request) == PB_SAYS_WOULD_SUCCEED)
			return &report->zones[i];
	return NULL;
}

/* "would have been served", or "would be" of what is only asked. */
static const char *been(const struct pb_klog_report *report)
{
	return report->kind == PB_KLOG_ASKED ? "be" : "have been";
}

static void help_smaller(const struct pb_klog_report *report)
{
	struct pb_rule_request request = request_of(report);
	const struct pb_klog_zone *zone;
	char size[32];

	while (request.order-- > 0) {
		zone = serving(report, &request);
		if (!zone)
			continue;
		item("Order %u (%s) would %s served, by Node %d %s.", request.order,
		     pb_rule_size((int64_t)explain_log_page_kb(report) << request.order, size,
				  sizeof(size)),
		     been(report), zone->node, pb_klog_type_name(zone->type));
		return;
	}
	if (report->order > 0)
		item("No smaller order would %s served either.", been(report));
}

/* What of it is not in the sentence, which of a watermark tells only the mark. */
static void lacking_beside_mark(const struct pb_klog_report *report,
				const struct pb_klog_zone *zone, char *text, size_t size)
{
	const struct pb_rule_result *result = &zone->result;
	const int64_t mark = result->mark - (zone->rule.free - result->above_order) + 1;

	*text = '\0';
	if (zone->verdict != PB_SAYS_WATERMARK ||
	    result->reserve + result->cma + result->highatomic == 0)
		return;
	add(text, size, ": %lld for the mark", LL(mark));
	if (result->reserve)
		add(text, size, ", %lld for lowmem_reserve", LL(result->reserve));
	if (result->cma)
		add(text, size, ", %lld because so many of the free ones are CMA's",
		    LL(result->cma));
	if (result->highatomic)
		add(text, size, ", %s%lld because so many may be in the highatomic reserve",
		    report->release < PB_RELEASE(5, 5, 0) ? "up to " : "", LL(result->highatomic));
}

static void help_short(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	int64_t lacking = zone->result.mark + zone->result.reserve - zone->result.usable + 1;
	char size[32], parts[256];

	if (lacking <= 0)
		return;
	lacking_beside_mark(report, zone, parts, sizeof(parts));
	item("%lld more usable free page%s in Node %d %s (%s)%s.", LL(lacking),
	     lacking == 1 ? "" : "s", zone->node, pb_klog_type_name(zone->type),
	     pb_rule_size(lacking * explain_log_page_kb(report), size, sizeof(size)), parts);
}

/*
 * A request that can't wait lives on the part of min that others must leave. To
 * make that part larger by what was short, min must grow in proportion, and
 * vm.min_free_kbytes is the sum of the zones' shares.
 */
static void help_min_free(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	int64_t min = zone->rule.min - zone->rule.boost, part, more, total = 0, wanted;
	int64_t lacking = zone->result.mark + zone->result.reserve - zone->result.usable + 1;
	struct pb_rule_request request = request_of(report);

	part = min - pb_rule_mark(&request, min, 0);
	/* of min as it is without the boost no more is known than a bound */
	if (pb_rule_may_sleep(&request) || part <= 0 || lacking <= 0 || zone->rule.boost_at_least)
		return;
	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (report->zones[i].type != 3 && report->zones[i].type != 4)
			total += report->zones[i].min_kb -
				 (report->zones[i].boost_kb > 0 ? report->zones[i].boost_kb : 0);
	more = (lacking * min + part - 1) / part;
	wanted = total * (min + more) / min + 1;
	item("vm.min_free_kbytes of about %lld instead of %lld (the sum of min of the zones shown): "
	     "of min such a request may use %lld pages, which would become %lld.",
	     LL(wanted), LL(total), LL(part), LL(part + lacking));
}

static void help_wait(const struct pb_klog_report *report)
{
	struct pb_rule_request request = request_of(report);

	if (report->kind == PB_KLOG_ASKED)
		item(pb_rule_may_sleep(&request)
			     ? "It may wait: the kernel would reclaim%s before it gave up; whether "
			       "that frees enough can't be told from here."
			     : "It can't wait (no direct reclaim), so nothing would be freed for it%s.",
		     !pb_rule_may_sleep(&request) || !report->order ? "" : " and compact");
	else if (!pb_rule_may_sleep(&request))
		item("It could not wait (no direct reclaim), so nothing was freed for it; a caller "
		     "that may sleep could use GFP_KERNEL.");
	else if (report->kind == PB_KLOG_OOM)
		item("It could wait, and did: reclaim did not free enough, so a task was "
		     "killed%s%s.",
		     report->killed[0] ? ": " : "", report->killed);
	else
		item("It could wait: what reclaim%s freed for it was not enough.",
		     report->order > 0 ? " and compaction" : "");
}

/* Of the zones that only their reserve closed, the one with the most to give. */
static void help_reserve(const struct pb_klog_report *report)
{
	const struct pb_klog_zone *best = NULL;
	int64_t most;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];

		if (!zone->judged || zone->verdict != PB_SAYS_LOWMEM_RESERVE ||
		    zone->result.usable <= zone->result.mark ||
		    (zone->has_list && zone->result.usable_order < report->order))
			continue;
		if (!best || zone->result.usable - zone->result.mark >
				     best->result.usable - best->result.mark)
			best = zone;
	}
	if (!best)
		return;
	most = best->result.usable - best->result.mark - 1;
	item("A lowmem_reserve of at most %lld pages instead of %lld in Node %d %s "
	     "(vm.lowmem_reserve_ratio); it protects requests that can use nothing else.",
	     LL(most), LL(best->result.reserve), best->node, pb_klog_type_name(best->type));
}

static void help_movable(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	struct pb_rule_request request = request_of(report);

	if (zone->verdict == PB_SAYS_HIGHATOMIC)
		item("The highatomic reserve holds what is lacking; it serves urgent requests of "
		     "order 1 and above, and is given back under pressure.");
	if (zone->verdict != PB_SAYS_CMA)
		return;
	request.gfp |= PB_GFP_MOVABLE;
	if (ask(zone, &request) == PB_SAYS_WOULD_SUCCEED)
		item("A movable request would %s served from CMA; a smaller CMA area (cma=) "
		     "leaves more for the others.",
		     been(report));
	else
		item("CMA holds %lld free pages that only movable requests may use.",
		     LL(zone->rule.free_cma));
}

static void help_compaction(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	struct pb_rule_request request = request_of(report);
	int64_t small = 0;

	if (zone->verdict != PB_SAYS_FRAGMENTED)
		return;
	for (unsigned int o = 0; o < request.order && o < zone->nr_orders; o++)
		small += (int64_t)(zone->blocks[o] << o);
	item("Compaction: %lld pages lie free in blocks below order %u, of which %lld make one of "
	     "the order%s.",
	     LL(small), request.order, 1LL << request.order,
	     pb_rule_may_sleep(&request)
		     ? ""
		     : "; but a request that can't wait does not compact (kcompactd or "
		       "vm.compaction_proactiveness may, before)");
}

/* Only what the kernel's own documentation says; the page is named. */
static const struct {
	uint32_t gfp;
	const char *function; /* NULL: by the flag */
	const char *text;
} harmless[] = {
	{ PB_GFP_NORETRY, NULL,
	  "Perhaps harmless: the kernel's documentation of gfp flags says that a caller with "
	  "__GFP_NORETRY must handle the failure, as by a fallback." },
	{ PB_GFP_RETRY_MAYFAIL, NULL,
	  "The kernel's documentation of gfp flags says that a caller with __GFP_RETRY_MAYFAIL "
	  "must be able to handle the failure." },
	{ 0, "kvmalloc",
	  "Perhaps harmless: kvmalloc falls back to vmalloc (core-api/memory-allocation)." },
	{ 0, "do_huge_pmd",
	  "Perhaps harmless: a transparent huge page falls back to small ones "
	  "(admin-guide/mm/transhuge)." },
};

static bool in_stack(const struct pb_klog_report *report, const char *name)
{
	for (unsigned int i = 0; i < report->nr_stack; i++)
		if (strstr(report->stack[i].name, name))
			return true;
	return false;
}

static void help_harmless(const struct pb_klog_report *report)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (harmless[i].function ? !in_stack(report, harmless[i].function)
					 : !(report->gfp & harmless[i].gfp))
			continue;
		item("%s", harmless[i].text);
		return;
	}
}

static void print_help(const struct pb_klog_report *report)
{
	const struct pb_klog_zone *zone = report->decisive < 0 ? NULL
							       : &report->zones[report->decisive];

	if (report->kind == PB_KLOG_ASKED && report->verdict == PB_SAYS_WOULD_SUCCEED)
		return;
	printf("\nWhat would %s\n", report->kind == PB_KLOG_ASKED ? "help" : "have helped");
	if (report->verdict == PB_SAYS_WOULD_SUCCEED) {
		item("Nothing that the dump shows: between the last attempt and the dump memory was "
		     "freed, or a watermark changed. Asked again it would have succeeded.");
		help_harmless(report);
		return;
	}
	if (report->verdict == PB_SAYS_UNKNOWN) {
		item(report->no_marks ? "zoneinfo, of the same moment: it has the watermarks."
				      : "The whole text: the zones' lines and the free lists below "
					"them decide.");
		help_wait(report);
		help_harmless(report);
		return;
	}
	if (!zone) {
		item("Flags that allow another zone, or memory in the zones that these allow.");
		return;
	}
	if (!report->no_marks)
		help_short(report, zone);
	if (zone->result.boost_decides)
		item("No boost: vm.watermark_boost_factor = 0 turns it off.");
	help_min_free(report, zone);
	help_reserve(report);
	help_compaction(report, zone);
	help_movable(report, zone);
	help_smaller(report);
	help_wait(report);
	help_harmless(report);
}

/* --------------------------------------------------------------------- the rest */

static void print_request(const struct pb_klog_report *report)
{
	struct pb_rule_request request = request_of(report);
	const struct pb_klog_function *asker = pb_klog_asker(report);
	static const char *const up_to[] = { "DMA",
					     "DMA and DMA32",
					     "Normal and below",
					     "HighMem and below",
					     "Movable and below",
					     "Device" };

	if (asker)
		printf("Asked by %s%s%s%s%s.\n", asker->name, asker->module[0] ? " [" : "",
		       asker->module, asker->module[0] ? "]" : "",
		       asker->uncertain ? " (the stack is not sure)" : "");
	if (!report->has_gfp || report->verdict != PB_SAYS_NO_DUMP)
		return;
	printf("It %s. Zones: ", pb_rule_may_sleep(&request) ? "may wait" : "may not wait");
	if (request.gfp & PB_GFP_DMA)
		printf("%s.\n", up_to[0]);
	else if (request.gfp & PB_GFP_DMA32)
		printf("%s.\n", up_to[1]);
	else if ((request.gfp & PB_GFP_HIGHMEM) && (request.gfp & PB_GFP_MOVABLE))
		printf("all, %s.\n", up_to[4]);
	else if (request.gfp & PB_GFP_HIGHMEM)
		printf("%s.\n", up_to[3]);
	else
		printf("%s.\n", up_to[2]);
	help_harmless(report);
}

/* "5.15", and of the old ones "2.6.38" */
static const char *release_text(const struct pb_klog_report *report, char *text, size_t size)
{
	unsigned int major = report->release >> 16, minor = report->release >> 8 & 255;

	if (major > 2)
		snprintf(text, size, "%u.%u", major, minor);
	else
		snprintf(text, size, "%u.%u.%u", major, minor, report->release & 255);
	return text;
}

static void print_verbose(const struct pb_klog_report *report)
{
	char release[24];

	printf("\nFrom line %llu", (unsigned long long)report->line);
	if (report->stamp[0])
		printf(", %.*s", (int)strcspn(report->stamp, "\n"), report->stamp);
	printf("\nKernel %s: rules of %s%s; pages of %u KiB%s\n",
	       report->kernel[0] ? report->kernel : "not named",
	       release_text(report, release, sizeof(release)),
	       report->release_by_format ? " (by the format)" : "", explain_log_page_kb(report),
	       report->page_kb ? "" : " (assumed)");
	if (report->has_gfp)
		printf("gfp 0x%x: ", report->gfp_number), print_wrapped(report->gfp_names, 18, 2);
	if (report->nr_zones) {
		printf("Configured zones:");
		for (int t = 0; t < PB_KLOG_TYPES; t++)
			if (report->configured >> t & 1)
				printf(" %s", pb_klog_type_name(t));
		printf("; class %d of lowmem_reserve[]\n", report->class_index);
	}
	for (unsigned int i = 0; i < report->nr_stack; i++)
		printf("  %s%s\n", report->stack[i].uncertain ? "? " : "", report->stack[i].name);
}

void explain_log_text(const struct pb_klog_report *report, bool verbose)
{
	char sentence[EXPLAIN_SENTENCE], release[24];
	bool zones = report->verdict < PB_SAYS_NOT_PAGE_ALLOCATOR;

	explain_log_sentence(report, sentence, sizeof(sentence));
	print_wrapped(sentence, 0, 0);
	print_request(report);
	if (report->release_by_format && report->kind == PB_KLOG_ASKED)
		printf("No file names the kernel; the rules of %s are assumed (--kernel).\n",
		       release_text(report, release, sizeof(release)));
	else if (report->too_old && report->release_by_format && zones)
		printf("By the form of its lines the kernel is older than 2.6.22, whose rules\n"
		       "are taken.\n");
	else if (report->release_by_format && zones)
		printf("No line names the kernel; by the format the rules of %s hold (--kernel).\n",
		       release_text(report, release, sizeof(release)));
	if (report->verdict == PB_SAYS_MEMCG && report->killed[0])
		printf("Killed for it: %s.\n", report->killed);
	if (report->cut)
		printf("The text is cut: a zone whose line ends before min: is left out.\n");
	if (zones) {
		print_zones(report, verbose);
		print_help(report);
	}
	if (verbose)
		print_verbose(report);
}
