/* SPDX-License-Identifier: MIT */
/*
 * From what a report says to its verdict: whose rules hold, how large a page is,
 * which zones the request may use, what each of them says, and whose word counts.
 */
#include <stdlib.h>
#include <string.h>

#include <pagebuddy/pagebuddy.h>

#include "../gfp_release.h"
#include "../rules/zones.h"
#include "internal.h"

#define V(a, b, c) PB_RELEASE(a, b, c)

#define BIT(type) (1u << (type))

/* -------------------------------------------------------------------- release */

static void bound(uint32_t *hi, uint32_t release)
{
	if (!*hi || *hi > release)
		*hi = release;
}

/* Three zone types, of which Movable is none. */
static bool lacks_movable(const struct pb_klog_report *report, uint32_t hi)
{
	unsigned int seen = 0, nr = 0;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		seen |= BIT(report->zones[i].type);
		if (report->zones[i].nr_reserve > nr)
			nr = report->zones[i].nr_reserve;
	}
	/* later kernels without DMA have DMA32, Normal and Movable */
	return nr == 3 && seen & (BIT(PB_ZONE_DMA32) | BIT(PB_ZONE_HIGHMEM)) &&
	       (seen & BIT(PB_ZONE_DMA) || (hi && hi < V(2, 6, 28)));
}

/* What a zone line does not have, it does not have since. */
static void date_absence(struct klog_building *building)
{
	const struct pb_klog_report *report = &building->report;
	bool letters = false, lists = false, zeros = false;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];
		unsigned int n = zone->nr_reserve;

		lists |= zone->has_list;
		letters |= zone->has_letters;
		if (n > 2 && !zone->reserve[n - 1])
			for (unsigned int k = 0; k + 1 < n; k++)
				zeros |= zone->reserve[k] > 0;
	}
	if (!report->nr_zones)
		return;
	if (lacks_movable(report, building->hi))
		bound(&building->hi, V_MOVABLE - 1);
	if (report->zones[0].managed_kb < 0)
		bound(&building->hi, V(3, 8, 255));
	if (report->zones[0].free_cma_kb < 0 && report->zones[0].low_kb >= 0)
		bound(&building->hi, V(3, 5, 255));
	if (report->zones[0].free_pcp_kb < 0 && report->zones[0].present_kb >= 0)
		bound(&building->hi, V(4, 1, 255));
	if (report->zones[0].reserved_highatomic_kb < 0)
		bound(&building->hi, V(5, 4, 255));
	if (report->zones[0].boost_kb < 0)
		bound(&building->hi, V(5, 17, 255));
	if (report->zones[0].free_highatomic_kb < 0)
		bound(&building->hi, V(6, 12, 255));
	if (lists && !letters)
		bound(&building->hi, V(3, 8, 255));
	if (zeros && building->lo < V(6, 10, 0))
		building->lo = V(6, 10, 0);
	for (unsigned int i = 0; i < report->nr_zones; i++)
		for (unsigned int o = 0; o < report->zones[i].nr_orders; o++)
			if (report->zones[i].letters[o] & PB_LETTER_R)
				bound(&building->hi, V(4, 3, 255));
}

static void choose_release(struct klog_building *building, const struct pb_klog *log)
{
	struct pb_klog_report *report = &building->report;
	uint32_t said = pb_release_parse(report->kernel);

	if (!said && log->banner[0]) {
		memcpy(report->kernel, log->banner, sizeof(report->kernel));
		said = pb_release_parse(report->kernel);
	}
	if (log->options.release)
		said = log->options.release;
	report->release = said;
	if (said)
		return;
	date_absence(building);
	report->release_by_format = true;
	report->release = log->seen_release;
	if (report->release >= building->lo && report->release &&
	    (!building->hi || report->release <= building->hi))
		return;
	report->release = building->lo ? building->lo : building->hi;
	if (!report->release)
		report->release = V(6, 13, 0);
	if (!building->lo && building->hi < V(2, 6, 39))
		report->release = building->hi;
}

/* ------------------------------------------------------------------------ gfp */

static void read_gfp(struct klog_building *building)
{
	struct pb_klog_report *report = &building->report;
	const char *at = report->gfp_names;
	uint32_t bits;

	if (!report->has_gfp)
		return;
	if (!report->gfp_names[0]) {
		report->gfp = pb_gfp_of_number(report->gfp_number, report->release);
		pb_gfp_release_names(report->gfp_number, report->release, report->gfp_names,
				     sizeof(report->gfp_names));
		return;
	}
	/* the names that the kernel printed are its own table's */
	report->gfp = 0;
	while (*at) {
		size_t len = strcspn(at, "|");

		if (pb_gfp_of_name(at, len, report->release, &bits))
			report->gfp |= bits;
		else if (strncmp(at, "none", 4))
			report->gfp |= pb_gfp_of_number(report->gfp_number, report->release);
		at += len + (at[len] == '|');
	}
}

/* ----------------------------------------------------------------------- page */

static int64_t divisor(int64_t a, int64_t b)
{
	while (b > 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* What all amounts of the zones are multiples of; 0: too few to tell anything. */
static int64_t common_divisor(const struct pb_klog_report *report)
{
	unsigned int nr = 0;
	int64_t common = 0;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];
		const int64_t kb[] = { zone->free_kb, zone->min_kb,     zone->low_kb,
				       zone->high_kb, zone->present_kb, zone->managed_kb };

		for (size_t k = 0; k < sizeof(kb) / sizeof(kb[0]); k++)
			if (kb[k] > 0) {
				common = divisor(kb[k], common);
				nr++;
			}
	}
	return nr < 4 ? 0 : common;
}

/*
 * Without lists: kB of the zones over the pages of the machine. Zones that are
 * left out or cut off make that too small; what the amounts have in common does not.
 */
static void find_page_size(struct pb_klog_report *report)
{
	int64_t kb = 0, common;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		if (report->zones[i].first_kb) {
			report->page_kb = report->zones[i].first_kb;
			return;
		}
		kb += report->zones[i].free_kb;
	}
	if (report->free_pages <= 0 || !report->nr_zones)
		return;
	kb = (kb + report->free_pages / 2) / report->free_pages;
	report->page_kb = kb < 8 ? 4 : kb < 32 ? 16 : 64;
	common = common_divisor(report);
	while (common && report->page_kb > 4 && common % report->page_kb)
		report->page_kb /= 4;
	while (common && report->page_kb < 64 && common % (4 * report->page_kb) == 0)
		report->page_kb *= 4;
}

/* The smallest block that has so many bytes. */
static void find_order(struct pb_klog_report *report)
{
	const uint64_t page = (uint64_t)(report->page_kb ? report->page_kb : 4) << 10;

	if (!report->length || report->has_order)
		return;
	while (report->order < 39 && page << report->order < report->length)
		report->order++;
	report->has_order = true;
}

static int64_t to_pages(const struct pb_klog_report *report, int64_t kb)
{
	unsigned int page = report->page_kb ? report->page_kb : 4;

	return kb < 0 ? 0 : kb / page;
}

/* ------------------------------------------------------------ configured zones */

static void find_configured(struct pb_klog_report *report)
{
	struct pb_rule_printed zones[PB_KLOG_ZONES];
	struct pb_rule_dump dump = { .zones = zones,
				     .release = report->release,
				     .gfp = report->gfp,
				     .all_zones = report->kind == PB_KLOG_SHOW_MEM,
				     .cut = true };

	/* the lists come after the zones */
	for (unsigned int i = 0; i < report->nr_zones; i++)
		dump.cut &= !report->zones[i].has_list;
	while (dump.nr_zones < report->nr_zones && dump.nr_zones < PB_KLOG_ZONES) {
		const struct pb_klog_zone *zone = &report->zones[dump.nr_zones];

		zones[dump.nr_zones++] = (struct pb_rule_printed){ zone->node, zone->type,
								   zone->nr_reserve, zone->reserve,
								   !zone->managed_kb };
	}
	report->configured = pb_rule_configured(&dump);
}

/* -------------------------------------------------------------- zones, allowed */

static struct pb_rule_request request_of(const struct pb_klog_report *report)
{
	return (struct pb_rule_request){ .order = report->has_order && report->order > 0
							  ? (unsigned int)report->order
							  : 0,
					 .gfp = report->gfp,
					 .release = report->release };
}

static bool node_in(const struct pb_klog_nodes *nodes, int node)
{
	return nodes->bits[node / 64] >> node % 64 & 1;
}

static bool node_allowed(const struct pb_klog_report *report, int node)
{
	struct pb_rule_request request = request_of(report);

	if (pb_rule_atomic(&request))
		return true;
	if (report->nodemask.printed && !node_in(&report->nodemask, node))
		return false;
	return !(report->gfp & PB_GFP_HARDWALL) || !report->mems_allowed.printed ||
	       node_in(&report->mems_allowed, node);
}

static int64_t pages_of(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	if (zone->managed_kb >= 0)
		return to_pages(report, zone->managed_kb);
	if (zone->present_kb >= 0)
		return to_pages(report, zone->present_kb);
	return zone->empty ? 0 : to_pages(report, zone->free_kb) + 1; /* cut: not empty */
}

static void find_class(struct pb_klog_report *report)
{
	unsigned int populated = 0;
	int class;

	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (report->zones[i].allowed && report->zones[i].pages)
			populated |= BIT(report->zones[i].type);
	class = pb_rule_class(report->release, report->highest_type, populated);
	report->class_index = class < 0 ? -1 : pb_rule_type_index(report->configured, class);
}

/* A list without its total is whole if it is as long as the others. */
static bool list_is_whole(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	if (!zone->has_list || !zone->list_cut)
		return zone->has_list;
	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (report->zones[i].has_list && &report->zones[i] != zone &&
		    report->zones[i].nr_orders == zone->nr_orders)
			return true;
	return false;
}

/* Is the line of its reserve missing, or cut, though there should be one? */
static bool reserve_is_cut(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	unsigned int most = 0;
	bool lists = false, is_top = true;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *other = &report->zones[i];

		if (other->nr_reserve > most)
			most = other->nr_reserve;
		lists |= other->has_list;
		is_top &= other->type <= zone->type;
	}
	/* nothing is kept from requests for the zone itself */
	if (is_top && (lists || zone->type >= report->highest_type))
		return false;
	return zone->nr_reserve < most || !zone->nr_reserve || zone->reserve_cut;
}

/* What passes by all that is there may have failed by what is not. */
static bool is_doubtful(const struct pb_klog_report *report, const struct pb_klog_zone *zone,
			uint32_t release)
{
	const struct pb_rule_result *result = &zone->result;

	if (report->kind == PB_KLOG_ASKED)
		return false;
	/* all zeros so far: it may have no pages */
	if (zone->managed_kb < 0 && zone->present_kb < 0 && !zone->free_kb && !zone->min_kb)
		return true;
	if (result->word == PB_SAYS_WATERMARK)
		return false;
	if (reserve_is_cut(report, zone))
		return true;
	if (result->word == PB_SAYS_LOWMEM_RESERVE)
		return false;
	/* all kernels since 3.6 end the line with it, or nearly */
	if (zone->free_cma_kb < 0 && release >= V(3, 6, 0) && !report->release_by_format)
		return true;
	if ((result->word == PB_SAYS_CMA || result->word == PB_SAYS_HIGHATOMIC) && !result->by_list)
		return false;
	if (result->word == PB_SAYS_WOULD_SUCCEED && zone->has_list)
		return false;
	return !list_is_whole(report, zone);
}

/*
 * 5.0 to 5.17 have the boost in min, low and high and don't print it. It shows where
 * min is more than four times the gap between them, which boost leaves as it was:
 *
 *	min:78420kB low:92700kB		gap 14280 kB >= min / 4, so min was at most
 *					57120 + 12 kB (what / cuts off), the rest is boost
 *
 * Pages; HighMem and Movable have a min that is no multiple of the gap.
 */
static int64_t boost_shown(const struct pb_klog_report *report, const struct pb_klog_zone *zone)
{
	int64_t min = to_pages(report, zone->min_kb), most;

	if (report->release < V(5, 0, 0) || report->release >= V(5, 18, 0) || zone->boost_kb >= 0 ||
	    zone->low_kb < zone->min_kb || zone->type == PB_ZONE_HIGHMEM ||
	    zone->type == PB_ZONE_MOVABLE)
		return 0;
	most = 4 * (to_pages(report, zone->low_kb) - min) + 3;
	return min > most ? min - most : 0;
}

static void judge_zone(struct pb_klog_report *report, struct pb_klog_zone *zone)
{
	struct pb_rule_request request = request_of(report);
	int class = report->class_index;

	zone->verdict = PB_SAYS_NO_ZONE;
	zone->judged = false;
	if (!zone->allowed || !zone->pages)
		return;
	zone->rule = (struct pb_rule_zone){
		.free = to_pages(report, zone->free_kb),
		.min = to_pages(report, zone->min_kb),
		.boost = to_pages(report, zone->boost_kb),
		.free_cma = to_pages(report, zone->free_cma_kb),
		.reserved_highatomic = to_pages(report, zone->reserved_highatomic_kb),
		.free_highatomic = to_pages(report, zone->free_highatomic_kb),
		.managed = zone->pages,
		.no_marks = report->no_marks,
		.has_lists = zone->has_list,
		.has_letters = zone->has_letters,
		.nr_orders = zone->nr_orders,
	};
	if (class >= 0 && class < (int)zone->nr_reserve)
		zone->rule.reserve = zone->reserve[class];
	if (zone->boost_kb < 0) {
		zone->rule.boost = boost_shown(report, zone);
		zone->rule.boost_at_least = zone->rule.boost > 0;
	}
	memcpy(zone->rule.blocks, zone->blocks, sizeof(zone->blocks));
	memcpy(zone->rule.letters, zone->letters, sizeof(zone->letters));
	pb_rule_judge(&request, &zone->rule, &zone->result);
	if (is_doubtful(report, zone, request.release))
		zone->result.word = PB_SAYS_UNKNOWN;
	zone->rule.has_lists = zone->has_list = list_is_whole(report, zone);
	zone->judged = true;
	zone->verdict = zone->result.word;
}

static void judge_zones(struct pb_klog_report *report)
{
	find_class(report);
	for (unsigned int i = 0; i < report->nr_zones; i++)
		judge_zone(report, &report->zones[i]);
}

/*
 * __GFP_THISNODE: which node is not printed. It failed there, so the node is none
 * of those that would serve it; if all would, nothing can be said.
 */
static void keep_failing_nodes(struct pb_klog_report *report)
{
	struct pb_klog_nodes serving = { .printed = false };
	bool any_left = false;

	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (report->zones[i].verdict == PB_SAYS_WOULD_SUCCEED)
			serving.bits[report->zones[i].node / 64] |= UINT64_C(1)
								    << report->zones[i].node % 64;
	for (unsigned int i = 0; i < report->nr_zones; i++)
		any_left |= !node_in(&serving, report->zones[i].node);
	if (!any_left)
		return;
	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (node_in(&serving, report->zones[i].node))
			report->zones[i].allowed = false;
	judge_zones(report);
}

/* ------------------------------------------------------------------ whole report */

static bool larger(const struct pb_klog_zone *zone, const struct pb_klog_zone *best)
{
	if (zone->pages != best->pages)
		return zone->pages > best->pages;
	if (zone->node != best->node)
		return zone->node < best->node;
	return zone->type > best->type;
}

static enum pb_verdict_word word_of_zones(struct pb_klog_report *report)
{
	const struct pb_klog_zone *best = NULL, *serving = NULL;

	for (unsigned int i = 0; i < report->nr_zones; i++) {
		const struct pb_klog_zone *zone = &report->zones[i];

		if (!zone->judged)
			continue;
		if (zone->verdict == PB_SAYS_WOULD_SUCCEED && (!serving || larger(zone, serving)))
			serving = zone;
		if (!best || larger(zone, best))
			best = zone;
	}
	if (serving)
		best = serving;
	report->decisive = best ? (int)(best - report->zones) : -1;
	return best ? best->verdict : PB_SAYS_NO_ZONE;
}

static enum pb_verdict_word judge_request(struct pb_klog_report *report)
{
	if (!report->nr_zones || !report->has_gfp)
		return PB_SAYS_NO_DUMP;
	find_configured(report);
	report->highest_type = pb_rule_highest_type(report->gfp, report->configured);
	for (unsigned int i = 0; i < report->nr_zones; i++) {
		struct pb_klog_zone *zone = &report->zones[i];

		zone->pages = pages_of(report, zone);
		zone->allowed = zone->type <= report->highest_type &&
				node_allowed(report, zone->node);
	}
	judge_zones(report);
	if (report->gfp & PB_GFP_THISNODE)
		keep_failing_nodes(report);
	return word_of_zones(report);
}

static bool more_than_ram(const struct pb_klog_report *report)
{
	unsigned int page = report->page_kb ? report->page_kb : 4;

	return report->vmalloc_bytes && report->ram_pages > 0 &&
	       report->vmalloc_bytes / 1024 / page > (uint64_t)report->ram_pages;
}

static enum pb_verdict_word judge_vmalloc(struct pb_klog_report *report)
{
	enum pb_verdict_word word;

	if (report->vmalloc == PB_KLOG_VMALLOC_TOTAL || report->vmalloc == PB_KLOG_VMALLOC_SPACE)
		return PB_SAYS_NOT_PAGE_ALLOCATOR;
	if (report->vmalloc == PB_KLOG_VMALLOC_PAGES)
		return judge_request(report);
	if (more_than_ram(report))
		return PB_SAYS_NOT_PAGE_ALLOCATOR;
	word = judge_request(report);
	return word == PB_SAYS_WOULD_SUCCEED ? PB_SAYS_NOT_PAGE_ALLOCATOR : word;
}

void pb_klog_judge(struct pb_klog_report *report)
{
	report->decisive = -1;
	report->verdict = judge_request(report);
}

void klog_judge(struct klog_building *building, const struct pb_klog *log)
{
	struct pb_klog_report *report = &building->report;

	report->decisive = -1;
	choose_release(building, log);
	read_gfp(building);
	if (report->kind == PB_KLOG_MEMCG)
		report->nr_zones = 0;
	find_page_size(report);
	find_order(report);
	if (report->kind == PB_KLOG_MEMCG)
		report->verdict = PB_SAYS_MEMCG;
	else if (report->kind == PB_KLOG_SHOW_MEM || (report->has_order && report->order < 0))
		report->verdict = PB_SAYS_NONE;
	else if (report->kind == PB_KLOG_VMALLOC)
		report->verdict = judge_vmalloc(report);
	else
		report->verdict = judge_request(report);
}
