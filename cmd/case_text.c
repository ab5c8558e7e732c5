// SPDX-License-Identifier: MIT
/*
 * The case study as a page of a textbook, 80 columns.
 *
 * Every step of the library has a number, the same as in the JSON; lines about
 * it begin with it. --step waits at each mark().
 */

#include <stdarg.h>
#include <string.h>

#include "case.h"
#include "lang.h"

#define PAGE_BYTES 4096u
#define COLUMNS (PB_DEFAULT_MAX_ORDER + 1)

/* Where it goes, and the escapes, empty when that is no terminal. */
static struct {
	FILE *out;
	void (*mark)(FILE *out);
	const char *bold, *dim, *good, *bad, *end;
	int width[COLUMNS + 1]; /* of the tables: by order, and the pages */
	bool nodes;             /* there are several */
	unsigned int cpu;       /* that the requests come from */
	int highest;            /* zone type that the request may use */
} to;

static void choose_ink(FILE *out, void (*mark)(FILE *out))
{
	bool colour = cmd_colour(stdout);

	to.out = out;
	to.mark = mark;
	to.cpu = 0;
	to.bold = colour ? "\033[1m" : "";
	to.dim = colour ? "\033[2m" : "";
	to.good = colour ? "\033[32m" : "";
	to.bad = colour ? "\033[31m" : "";
	to.end = colour ? "\033[0m" : "";
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(to.out, format, args);
	va_end(args);
}

static void mark(void)
{
	if (to.mark)
		to.mark(to.out);
}

static const char *order_size(unsigned int order, char *text, size_t size)
{
	return cmd_size_text((uint64_t)PAGE_BYTES << order, text, size);
}

static unsigned long long u(uint64_t value)
{
	return (unsigned long long)value;
}

static const char *type_name(unsigned int type)
{
	return type < PB_MIGRATE_TYPES ? pb_migratetype_name((enum pb_migratetype)type) : "?";
}

/* ------------------------------------------------------------------- tables */

static int digits(uint64_t value)
{
	int n = 1;

	for (; value >= 10; value /= 10)
		n++;
	return n;
}

/* A blank and the longest number that the study has there. */
static void widen(int need[COLUMNS + 1], const struct case_zones *zones)
{
	for (unsigned int i = 0; i < zones->nr; i++) {
		const struct pb_zone_stat *zone = &zones->zone[i];

		for (unsigned int o = 0; o < COLUMNS; o++)
			if (digits(zone->nr_free[o]) >= need[o])
				need[o] = digits(zone->nr_free[o]) + 1;
		if (digits((uint64_t)zone->free) >= need[COLUMNS])
			need[COLUMNS] = digits((uint64_t)zone->free) + 1;
	}
}

/* As wide as usual where that fits into 80 columns with what others need more. */
static void choose_widths(const struct case_study *study)
{
	static const int usual[COLUMNS + 1] = { 6, 4, 4, 4, 4, 4, 4, 4, 4, 4, 7, 10 };
	int need[COLUMNS + 1] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 6 };
	int total = 18;

	widen(need, &study->start);
	for (size_t i = 0; i < study->nr_actions; i++)
		widen(need, &study->act[i].after);
	for (unsigned int o = 0; o <= COLUMNS; o++) {
		to.width[o] = need[o] > usual[o] ? need[o] : usual[o];
		total += to.width[o];
	}
	for (unsigned int o = COLUMNS + 1; o-- > 0 && total > 80;) {
		int spare = to.width[o] - need[o];
		int less = spare < total - 80 ? spare : total - 80;

		to.width[o] -= less;
		total -= less;
	}
}

/* "Normal", and where there are several nodes "N1 Normal". */
static const char *zone_label(int node, int type, char label[16])
{
	if (to.nodes)
		snprintf(label, 16, "N%d %.8s", node, pb_zone_name((enum pb_zone_type)type));
	else
		snprintf(label, 16, "%.8s", pb_zone_name((enum pb_zone_type)type));
	return label;
}

static void print_columns(void)
{
	say("%s", to.dim);
	cmd_pad(to.out, _(" free blocks order"), 18);
	for (unsigned int o = 0; o < COLUMNS; o++)
		say("%*u", to.width[o], o);
	say("%*s%s%s\n", to.width[COLUMNS] - cmd_columns(_("pages")), "", _("pages"), to.end);
}

static void print_zone(const char *when, const struct pb_zone_stat *zone,
		       const struct pb_zone_stat *old)
{
	char label[16];

	say("  ");
	cmd_pad(to.out, when, 6);
	say(" %9s", zone_label(zone->node, zone->zone, label));
	for (unsigned int o = 0; o < COLUMNS; o++) {
		bool changed = old && old->nr_free[o] != zone->nr_free[o];

		say("%s%*llu%s", changed ? to.good : "", to.width[o], u(zone->nr_free[o]),
		    changed ? to.end : "");
	}
	say("%*lld\n", to.width[COLUMNS], (long long)zone->free);
	if (zone->pcp && (!old || old->pcp != zone->pcp))
		say(ngettext("  %*s%llu more page is free in per-CPU lists\n",
			     "  %*s%llu more pages are free in per-CPU lists\n",
			     (unsigned long)zone->pcp),
		    19, "", u((uint64_t)zone->pcp));
}

/* Zones that nothing happened to are shown once, at the start. */
static void print_zones(const char *when, const struct case_zones *now,
			const struct case_zones *old)
{
	for (unsigned int i = 0; i < now->nr; i++) {
		const struct pb_zone_stat *before = old ? &old->zone[i] : NULL;

		if (before && before->pcp == now->zone[i].pcp &&
		    !memcmp(before->nr_free, now->zone[i].nr_free, sizeof(before->nr_free)))
			continue;
		print_zone(when, &now->zone[i], before);
		when = "";
	}
}

/* -------------------------------------------------------------- the request */

static void print_order(unsigned int order)
{
	char size[32];

	say(ngettext("  Order %u is 2^%u = %llu page = %s.\n",
		     "  Order %u is 2^%u = %llu pages = %s.\n", 1UL << order),
	    order, order, u(1ULL << order), order_size(order, size, sizeof(size)));
}

static void print_rounding(const struct do_action *request)
{
	uint64_t pages = (request->bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	uint64_t block = (uint64_t)PAGE_BYTES << request->order;
	uint64_t unused = block - request->bytes;
	char a[32], b[32], c[32];

	if (!request->bytes) {
		print_order(request->order);
		return;
	}
	say(ngettext("  %s need %llu page of 4 KB. Blocks are powers of two: ",
		     "  %s need %llu pages of 4 KB. Blocks are powers of two: ",
		     (unsigned long)pages),
	    cmd_size_text(request->bytes, a, sizeof(a)), u(pages));
	say(ngettext("order %u, 2^%u = %llu\n  page = %s", "order %u, 2^%u = %llu\n  pages = %s",
		     1UL << request->order),
	    request->order, request->order, u(1ULL << request->order),
	    order_size(request->order, b, sizeof(b)));
	if (unused)
		say(_("; %s (%llu %%) stay unused.\n"), cmd_size_text(unused, c, sizeof(c)),
		    u(unused * 100 / block));
	else
		say("%s", _("; nothing is wasted.\n"));
}

static void print_missing_zone(const struct do_action *request, const struct case_zones *before)
{
	for (unsigned int z = 0; z < before->nr; z++)
		if (before->zone[z].zone == request->zone)
			return;
	if (request->zone >= 0)
		say(_("  This machine has no zone %s: the zones below it are asked.\n"),
		    pb_zone_name((enum pb_zone_type)request->zone));
}

static const char *request_size(const struct do_action *request, char *text, size_t size)
{
	if (request->bytes)
		cmd_size_text(request->bytes, text, size);
	else
		snprintf(text, size, _("order %u"), request->order);
	return text;
}

/* The heading of a request given by --size or --order. */
static void print_request(const struct case_study *study, size_t i)
{
	const struct do_action *request = &study->action[i];
	unsigned int nr = study->nr_requests;
	char size[32], gfp[128];

	pb_gfp_name(study->act[i].result.gfp, gfp, sizeof(gfp));
	request_size(request, size, sizeof(size));
	say("%s", to.bold);
	if (nr > 1)
		say(_("Request %u of %u: %s, %s"), request->number, nr, size,
		    type_name(request->type));
	else
		say(_("Request: %s, %s"), size, type_name(request->type));
	say("%s (%s)\n", to.end, gfp);
}

/* ------------------------------------------------------------- frames as text */

static const char *frames_text(uint64_t pfn, unsigned int order, char *text, size_t size)
{
	if (order)
		snprintf(text, size, "%llu-%llu", u(pfn), u(pfn + (1ULL << order) - 1));
	else
		snprintf(text, size, "%llu", u(pfn));
	return text;
}

/* "4096-4127, 4160-4167 and 3 more runs": neighbours together, four runs at most. */
static void print_runs(const struct case_act *act, unsigned int order)
{
	uint64_t size = 1ULL << order, start = act->pfn[0], end = start + size;
	unsigned int runs = 0;
	char frames[48];

	for (size_t i = 1; i <= act->nr_pfn; i++) {
		if (i < act->nr_pfn && act->pfn[i] == end) {
			end += size;
			continue;
		}
		if (runs++ < 4) {
			snprintf(frames, sizeof(frames), end - start > 1 ? "%llu-%llu" : "%llu",
				 u(start), u(end - 1));
			say("%s%s", runs > 1 ? ", " : "", frames);
		}
		if (i < act->nr_pfn) {
			start = act->pfn[i];
			end = start + size;
		}
	}
	if (runs > 4)
		say(_(" and %u more"), runs - 4);
}

/* -------------------------------------------------------------------- steps */

/* A step's line begins with its number. */
static void number(const struct case_event *step)
{
	say("%3llu ", u(step->number));
}

/* Lists found empty one after the other make one line in all but the first request. */
struct scan {
	bool collapse;
	const struct case_event *first, *last; /* NULL: none is waiting */
};

static void end_scan(struct scan *scan)
{
	if (!scan->first)
		return;
	number(scan->first);
	say(_("look   lists %u to %u   %sempty%s\n"), scan->first->event.order,
	    scan->last->event.order, to.dim, to.end);
	scan->first = NULL;
	mark();
}

static void print_scan(struct scan *scan, const struct case_event *step)
{
	const struct pb_trace_event *event = &step->event;
	char size[32];

	if (scan->collapse && !event->value) {
		if (!scan->first)
			scan->first = step;
		scan->last = step;
		return;
	}
	end_scan(scan);
	order_size(event->order, size, sizeof(size));
	number(step);
	say(_("look   list %-2u (%s)%*s%s%s%s\n"), event->order, size, 9 - (int)strlen(size), "",
	    event->value ? to.good : to.dim, event->value ? _("a block is free") : _("empty"),
	    to.end);
	mark();
}

static void print_take(const struct pb_trace_event *step)
{
	char size[32], frames[48];

	say(_("take   frames %s: order %u, %s\n"),
	    frames_text(step->pfn, step->order, frames, sizeof(frames)), step->order,
	    order_size(step->order, size, sizeof(size)));
}

/* pfn, order: the upper half; the lower half is split on or handed out. */
static void print_split(const struct pb_trace_event *step)
{
	uint64_t lower = step->pfn & ~(1ULL << step->order);
	char keep[48], away[48], size[32];

	say(_("split  %2u -> %-2u  keep %-14s %s%-14s -> list %u%s (%s)\n"), step->order + 1u,
	    step->order, frames_text(lower, step->order, keep, sizeof(keep)), to.good,
	    frames_text(step->pfn, step->order, away, sizeof(away)), step->order, to.end,
	    order_size(step->order, size, sizeof(size)));
}

static const char *buddy_sum(const struct pb_trace_event *step, char *text, size_t size)
{
	uint64_t block = 1ULL << step->order;

	snprintf(text, size, "%llu xor %llu = %llu", u(step->pfn), u(block), u(step->pfn ^ block));
	return text;
}

static void print_merge(const struct pb_trace_event *step)
{
	char sum[64];

	say(_("order %-2u  buddy %-24s free: %smerge -> %llu, order %u%s\n"), step->order,
	    buddy_sum(step, sum, sizeof(sum)), to.good, u(step->pfn & ~(1ULL << step->order)),
	    step->order + 1u, to.end);
}

/* Why merging ended here: the largest order, or the buddy has an owner. */
static void print_insert(const struct pb_trace_event *step)
{
	char size[32], sum[64];

	if (step->order < PB_DEFAULT_MAX_ORDER)
		say(_("order %-2u  buddy %-24s not free: stop here\n    "), step->order,
		    buddy_sum(step, sum, sizeof(sum)));
	order_size(step->order, size, sizeof(size));
	if (step->value)
		say(_("block %llu, order %u (%s), goes to the tail of list %s\n"), u(step->pfn),
		    step->order, size, type_name(step->migratetype));
	else
		say(_("block %llu, order %u (%s), goes to the head of list %s\n"), u(step->pfn),
		    step->order, size, type_name(step->migratetype));
}

/* Blocks of at least this order, whatever their type. */
static uint64_t blocks_from(const struct pb_zone_stat *zone, unsigned int order)
{
	uint64_t blocks = 0;

	for (unsigned int o = order; o < COLUMNS; o++)
		blocks += zone->nr_free[o];
	return blocks;
}

/* Which zone's requests the reserve is held against: the highest this one may use. */
static int highest_zone(const struct do_action *request)
{
	if (request->zone >= 0)
		return request->zone;
	return request->type == PB_MIGRATE_MOVABLE && !request->atomic && !request->nowait
		       ? PB_ZONE_MOVABLE
		       : PB_ZONE_NORMAL;
}

static void print_kept_back(const struct pb_zone_stat *zone)
{
	uint64_t reserve = zone->lowmem_reserve[to.highest];

	if (zone->boost)
		say(_("    The watermarks are boosted by %llu pages.\n"), u(zone->boost));
	if (reserve)
		say(_("    %llu more are reserved for requests that can't use a higher zone.\n"),
		    u(reserve));
}

/* The check of spec 7.2, zone by zone: enough pages, and a block that is large enough. */
static void print_wmark(const struct case_event *numbered, const struct case_zones *zones)
{
	const struct pb_trace_event *step = &numbered->event;
	char size[32], label[16];

	for (unsigned int i = 0; i < zones->nr; i++) {
		const struct pb_zone_stat *zone = &zones->zone[i];

		if (zone->node != step->node || zone->zone != step->zone)
			continue;
		number(numbered);
		say(_("zone %s: %lld pages are free; watermarks min %llu, low %llu\n"),
		    zone_label(zone->node, zone->zone, label), (long long)step->value,
		    u(zone->watermark[PB_WMARK_MIN]), u(zone->watermark[PB_WMARK_LOW]));
		print_kept_back(zone);
		order_size(step->order, size, sizeof(size));
		if (step->flag)
			say(_("    Enough is left after it. Search the %s lists from order %u "
			      "up.\n"),
			    type_name(step->migratetype), step->order);
		else if (step->value >> step->order && !blocks_from(zone, step->order))
			say(_("    %sNo block of %s or more is free here: next zone.%s\n"), to.bad,
			    size, to.end);
		else
			say(_("    %sNot enough for %s: next zone.%s\n"), to.bad, size, to.end);
		mark();
	}
}

/* The same check made again (refill, slow path) is said once. */
static bool same_check(const struct case_steps *steps, size_t i)
{
	const struct pb_trace_event *now = &steps->event[i].event;

	for (size_t j = 0; j < i; j++) {
		const struct pb_trace_event *old = &steps->event[j].event;

		if (old->type == PB_TRACE_WMARK && old->zone == now->zone &&
		    old->node == now->node && old->flag == now->flag)
			return true;
	}
	return false;
}

static void print_list_step(const struct pb_trace_event *step)
{
	long long blocks = (long long)step->value;
	unsigned long n = (unsigned long)step->value;

	if (step->type == PB_TRACE_REFILL)
		say(ngettext("CPU %u's list gets %lld block of order %u\n",
			     "CPU %u's list gets %lld blocks of order %u\n", n),
		    step->cpu, blocks, step->order);
	else
		say(ngettext("CPU %u's list gives back %lld block\n",
			     "CPU %u's list gives back %lld blocks\n", n),
		    step->cpu, blocks);
}

static void print_steal(const struct pb_trace_event *step)
{
	say(_("%sfall back%s  no %s block: take a %s one, order %u, at %llu\n"), to.bold, to.end,
	    type_name(step->migratetype), type_name(step->other_type), step->order, u(step->pfn));
}

static void print_one(const struct pb_trace_event *step)
{
	switch (step->type) {
	case PB_TRACE_TAKE:
		print_take(step);
		break;
	case PB_TRACE_SPLIT:
		print_split(step);
		break;
	case PB_TRACE_MERGE:
		print_merge(step);
		break;
	case PB_TRACE_INSERT:
		print_insert(step);
		break;
	case PB_TRACE_STEAL:
		print_steal(step);
		break;
	case PB_TRACE_PAGEBLOCK:
		say(_("pageblock at %llu: %s -> %s\n"), u(step->pfn), type_name(step->other_type),
		    type_name(step->migratetype));
		break;
	case PB_TRACE_BOOST:
		say(_("watermarks are boosted by %lld pages: types are being mixed\n"),
		    (long long)step->value);
		break;
	case PB_TRACE_WAKE:
		say("%s", _("kswapd would be woken: background reclaim\n"));
		break;
	default:
		print_list_step(step);
	}
}

/* What a request or a free did, and a line each. */
static void print_steps(const struct case_steps *steps, const struct case_zones *before,
			bool collapse, bool freeing)
{
	struct scan scan = { .collapse = collapse };
	bool woken = false;

	for (size_t i = 0; i < steps->nr; i++) {
		const struct case_event *step = &steps->event[i];

		if (step->event.type == PB_TRACE_SCAN) {
			print_scan(&scan, step);
			continue;
		}
		end_scan(&scan);
		if (step->event.type == PB_TRACE_WMARK) {
			if (!same_check(steps, i))
				print_wmark(step, before);
			continue;
		}
		if ((step->event.type == PB_TRACE_WAKE && woken) ||
		    (step->event.type == PB_TRACE_INSERT && !freeing))
			continue; /* said before; said by the split */
		woken |= step->event.type == PB_TRACE_WAKE;
		number(step);
		print_one(&step->event);
		mark();
	}
	end_scan(&scan);
}

/* Of many requests or frees at once: how often, and what matters by itself. */
static void print_many(const struct case_steps *steps)
{
	static const char *const names[PB_NR_TRACE] = {
		[PB_TRACE_SPLIT] = N_("splits"),    [PB_TRACE_MERGE] = N_("merges"),
		[PB_TRACE_STEAL] = N_("fallbacks"), [PB_TRACE_REFILL] = N_("refills"),
		[PB_TRACE_DRAIN] = N_("drains"),
	};
	uint64_t count[PB_NR_TRACE] = { 0 };
	unsigned int shown = 0;

	for (size_t i = 0; i < steps->nr; i++) {
		const struct case_event *step = &steps->event[i];
		bool rare = step->event.type == PB_TRACE_STEAL ||
			    step->event.type == PB_TRACE_PAGEBLOCK ||
			    step->event.type == PB_TRACE_BOOST;

		count[step->event.type]++;
		if (!rare || shown++ >= 8)
			continue;
		number(step);
		print_one(&step->event);
	}
	if (shown > 8)
		say(_("    and %u more like these\n"), shown - 8);
	if (!steps->nr)
		return;
	say(_("    Steps %llu to %llu"), u(steps->event[0].number),
	    u(steps->event[steps->nr - 1].number));
	for (unsigned int t = 0; t < PB_NR_TRACE; t++)
		if (names[t] && count[t])
			say(", %s: %llu", _(names[t]), u(count[t]));
	say(".\n");
	mark();
}

/* ------------------------------------------------------------------ outcomes */

static void print_handed_out(const struct do_action *action, const struct case_act *act)
{
	char size[32], frames[48];

	if (!act->nr_pfn)
		return;
	if (act->nr_pfn == 1) {
		frames_text(act->pfn[0], action->order, frames, sizeof(frames));
		order_size(action->order, size, sizeof(size));
		say(ngettext("  %sHanded out: frame %s, %s.%s\n",
			     "  %sHanded out: frames %s, %s.%s\n", 1UL << action->order),
		    to.bold, frames, size, to.end);
		return;
	}
	say(_("  %sHanded out: %zu blocks of order %u%s, frames\n    "), to.bold, act->nr_pfn,
	    action->order, to.end);
	print_runs(act, action->order);
	say(".\n");
}

static void print_failure(const struct do_action *action, const struct case_act *act)
{
	static const char *const why[] = {
		[PB_REASON_NONE] = N_("it did not fail"),
		[PB_REASON_TOO_BIG] = N_("the order is larger than the largest there is"),
		[PB_REASON_NO_ZONE] = N_("no zone may serve these flags"),
		[PB_REASON_WATERMARK] = N_("no zone has enough free pages above its watermark"),
		[PB_REASON_FRAGMENTED] = N_(
			"enough pages are free, but there is no block of this order"),
		[PB_REASON_MIGRATETYPE] = N_(
			"blocks of this order exist only where this type may not go"),
		[PB_REASON_BAD_NODE] = N_("node id out of range"),
	};
	char size[32];

	if (act->result.outcome == DO_NO_ROOM) {
		say(_("  %sA case study has room for %u blocks, and that many are held.%s\n"),
		    to.bad, DO_MAX_COUNT, to.end);
		return;
	}
	say(_("  %sFailed: %s.%s\n"), to.bad, _(why[act->result.why]), to.end);
	if (act->result.why == PB_REASON_TOO_BIG)
		say(_("  The largest block is of order %d, %s.\n"), PB_DEFAULT_MAX_ORDER,
		    order_size(PB_DEFAULT_MAX_ORDER, size, sizeof(size)));
	if (action->count > 1)
		say(_("  %zu of %llu requests succeeded before that.\n"), act->result.nr,
		    u(action->count));
}

static void print_alloc(const struct case_study *study, size_t i, const struct case_zones *before)
{
	const struct do_action *action = &study->action[i];
	const struct case_act *act = &study->act[i];

	to.highest = highest_zone(action);
	if (action->count > 1)
		print_many(&act->steps);
	else
		print_steps(&act->steps, before, i > 0, false);
	if (!act->steps.nr && act->nr_pfn)
		say(_("    CPU %u's list has one: no list of the zone is touched.\n"), to.cpu);
	print_handed_out(action, act);
	if (act->result.outcome != DO_DONE)
		print_failure(action, act);
	print_zones(_("after"), &act->after, before);
	mark();
}

/* The library's own line, in two where it gets long. */
static void print_misuse(const char *text)
{
	const char *figures = strrchr(text, '(');

	if (figures && cmd_columns(text) > 76)
		say("    %.*s\n    %s\n", (int)(figures - text) - 1, text, figures);
	else
		say("    %s\n", text);
}

static void print_not_freed(const struct case_act *act)
{
	switch (act->result.outcome) {
	case DO_REFUSED:
		say(_("  %sThe library refuses it and stays as it was:%s\n"), to.bad, to.end);
		print_misuse(act->misuse ? act->misuse : "?");
		break;
	case DO_NO_FRAME:
		say("%s", _("  This machine has no such frame.\n"));
		break;
	case DO_REUSED:
		say(_("  %sIt was freed before, and its frames have another owner now.%s A kernel\n"
		      "  could not tell, and would take the memory from under that owner.\n"),
		    to.bad, to.end);
		break;
	default:
		say("%s", _("  Nothing of it is left to free.\n"));
	}
}

static void print_free(const struct case_act *act, const struct case_zones *before)
{
	bool any = false;

	for (size_t n = 0; n < act->steps.nr; n++)
		any |= act->steps.event[n].event.type == PB_TRACE_MERGE ||
		       act->steps.event[n].event.type == PB_TRACE_INSERT;
	if (act->result.nr > 1)
		print_many(&act->steps);
	else
		print_steps(&act->steps, before, true, true);
	if (act->result.outcome != DO_DONE)
		print_not_freed(act);
	else if (!any)
		say(_("    It stays in CPU %u's list, ready for the next request.\n"), to.cpu);
	print_zones(_("freed"), &act->after, before);
	mark();
}

/* ----------------------------------------------------------------- the actions */

/* Of memory, rounded. */
static unsigned int percent_in_use(const struct case_zones *zones)
{
	uint64_t managed = 0, in_use = 0;

	for (unsigned int i = 0; i < zones->nr; i++) {
		const struct pb_zone_stat *zone = &zones->zone[i];

		managed += zone->managed;
		in_use += zone->managed - (uint64_t)zone->free - (uint64_t)zone->pcp;
	}
	return managed ? (unsigned int)((in_use * 100 + managed / 2) / managed) : 0;
}

static void print_fill(const struct do_action *action, const struct case_act *act,
		       const struct case_zones *before)
{
	say(_("  Random requests of orders %u to %u and random frees (seed %u): %u %% of memory\n"
	      "  are in use, these are %zu blocks, %llu pages.\n"),
	    action->low, action->high, action->seed, percent_in_use(&act->after), act->result.nr,
	    u(act->result.pages));
	if (act->result.outcome == DO_NO_ROOM)
		print_failure(action, act);
	print_zones(_("filled"), &act->after, before);
	mark();
}

static void print_compact(const struct do_action *action, const struct case_act *act,
			  const struct case_zones *before)
{
	print_many(&act->steps);
	say(ngettext("  %u block was moved elsewhere.\n", "  %u blocks were moved elsewhere.\n",
		     act->moved),
	    act->moved);
	if (act->result.outcome == DO_DONE)
		say(_("  A block of order %u is free.\n"), (unsigned int)action->count);
	else
		say(_("  %sNo block of order %u came free: too little is movable.%s\n"), to.bad,
		    (unsigned int)action->count, to.end);
	print_zones(_("after"), &act->after, before);
	mark();
}

static void print_set(const struct case_act *act)
{
	if (act->result.code) {
		say(_("  %sRefused: %s.%s\n"), to.bad, case_strerror(act->result.code), to.end);
		return;
	}
	for (unsigned int i = 0; i < act->after.nr; i++) {
		const struct pb_zone_stat *zone = &act->after.zone[i];

		say(_("  Zone %s: watermarks min %llu, low %llu, high %llu pages.\n"),
		    pb_zone_name((enum pb_zone_type)zone->zone), u(zone->watermark[PB_WMARK_MIN]),
		    u(zone->watermark[PB_WMARK_LOW]), u(zone->watermark[PB_WMARK_HIGH]));
	}
	mark();
}

static void print_cpu(const struct case_study *study, const struct do_action *action,
		      const struct case_act *act)
{
	if (act->result.outcome == DO_DONE) {
		to.cpu = (unsigned int)action->count;
		say(_("  From here on, requests and frees come from CPU %u.\n"), to.cpu);
	} else {
		say(_("  %sThere is no CPU %llu: --cpus %u.%s\n"), to.bad, u(action->count),
		    study->opt.cpus, to.end);
	}
	mark();
}

/* The action as it was written, or what an option meant. */
static void print_action(const struct case_study *study, size_t i)
{
	const struct do_action *action = &study->action[i];
	char size[32];

	say("\n%s", to.bold);
	if (action->number)
		say("[%u] ", action->number);
	if (action->length)
		say("%.*s", (int)action->length, study->text + action->at);
	else if (action->kind == DO_FILL)
		say("--fill %u%%", action->percent);
	else
		say("alloc %s", request_size(action, size, sizeof(size)));
	say("%s\n", to.end);
}

static void print_alloc_action(const struct case_study *study, size_t i,
			       const struct case_zones *before)
{
	const struct do_action *action = &study->action[i];
	char gfp[128];

	print_rounding(action);
	pb_gfp_name(study->act[i].result.gfp, gfp, sizeof(gfp));
	say("  %s (%s)\n", type_name(action->type), gfp);
	print_missing_zone(action, before);
	print_alloc(study, i, before);
}

static void print_act(const struct case_study *study, size_t i, const struct case_zones *before)
{
	const struct do_action *action = &study->action[i];
	const struct case_act *act = &study->act[i];

	print_action(study, i);
	switch (action->kind) {
	case DO_ALLOC:
		print_alloc_action(study, i, before);
		return;
	case DO_FREE:
		print_free(act, before);
		return;
	case DO_FILL:
		print_fill(action, act, before);
		return;
	case DO_CPU:
		print_cpu(study, action, act);
		return;
	case DO_DRAIN:
		print_many(&act->steps);
		print_zones(_("after"), &act->after, before);
		mark();
		return;
	case DO_COMPACT:
		print_compact(action, act, before);
		return;
	case DO_SET:
		print_set(act);
		return;
	}
}

/* ------------------------------------------------------------------ the study */

/* -s and -o: the requests, then the frees, each with a heading. */
static void print_requests(const struct case_study *study, size_t first)
{
	const struct case_zones *before = first ? &study->act[first - 1].after : &study->start;
	unsigned int nr = study->nr_requests;

	for (size_t i = first; i < first + nr; i++) {
		print_request(study, i);
		print_rounding(&study->action[i]);
		print_missing_zone(&study->action[i], before);
		if (i == first) {
			say("\n");
			print_columns();
			print_zones(_("before"), before, NULL);
			mark();
		}
		say("\n");
		print_alloc(study, i, before);
		before = &study->act[i].after;
		if (i + 1 < first + nr)
			say("\n");
	}
	for (size_t i = first; i < first + nr; i++) {
		const struct case_act *made = &study->act[i], *act = &study->act[i + nr];

		if (made->nr_pfn) {
			say("\n%s", to.bold);
			if (nr > 1)
				say(_("Free %zu of %u: pfn %llu, order %u"), i - first + 1, nr,
				    u(made->pfn[0]), study->action[i].order);
			else
				say(_("Free: pfn %llu, order %u"), u(made->pfn[0]),
				    study->action[i].order);
			say("%s%s", to.end, _(". The buddy of a block is its pfn xor its size.\n"));
			print_free(act, before);
		}
		before = &act->after;
	}
}

static void print_start(const struct case_study *study)
{
	print_columns();
	print_zones(_("start"), &study->start, NULL);
	mark();
}

void case_print_text(const struct case_study *study, FILE *out, void (*mark_step)(FILE *out))
{
	const struct case_zones *before = &study->start;
	size_t given = study->opt.fill ? 1 : 0;
	char size[32];

	choose_ink(out, mark_step);
	choose_widths(study);
	to.nodes = false;
	for (unsigned int i = 1; i < study->start.nr; i++)
		to.nodes |= study->start.zone[i].node != study->start.zone[0].node;
	say(_("%sThe buddy system at work%s: a machine of %s, profile %s\n\n"), to.bold, to.end,
	    cmd_size_text(study->opt.memory, size, sizeof(size)),
	    cmd_profile_name(study->opt.profile));
	if (study->placed)
		say("%s\n\n", study->placed);
	if (!study->requests || given)
		print_start(study);
	for (size_t i = 0; i < (study->requests ? given : study->nr_actions); i++) {
		print_act(study, i, before);
		before = &study->act[i].after;
	}
	if (study->requests && given)
		say("\n");
	if (study->requests)
		print_requests(study, given);
}
