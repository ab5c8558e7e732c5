// SPDX-License-Identifier: MIT
/* The case study as a page of a textbook, 80 columns. */

#include <string.h>

#include "case.h"

#define PAGE_BYTES 4096u
#define COLUMNS (PB_DEFAULT_MAX_ORDER + 1)

/* The escapes, empty when the output is no terminal. */
static struct {
	const char *bold, *dim, *good, *bad, *end;
} ink = { "", "", "", "", "" };

static void choose_ink(void)
{
	if (!cmd_colour(stdout))
		return;
	ink.bold = "\033[1m";
	ink.dim = "\033[2m";
	ink.good = "\033[32m";
	ink.bad = "\033[31m";
	ink.end = "\033[0m";
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

/* Of the largest blocks a large machine has many. */
static int column_width(unsigned int order)
{
	return order == COLUMNS - 1 ? 7 : 4;
}

static void print_columns(void)
{
	printf("%s  free blocks   order", ink.dim);
	for (unsigned int o = 0; o < COLUMNS; o++)
		printf("%*u", column_width(o), o);
	printf("     pages%s\n", ink.end);
}

static void print_zone(const char *when, const struct pb_zone_stat *zone,
		       const struct pb_zone_stat *old)
{
	printf("  %-8s %9s", when, pb_zone_name((enum pb_zone_type)zone->zone));
	for (unsigned int o = 0; o < COLUMNS; o++) {
		bool changed = old && old->nr_free[o] != zone->nr_free[o];

		printf("%s%*llu%s", changed ? ink.good : "", column_width(o), u(zone->nr_free[o]),
		       changed ? ink.end : "");
	}
	printf("%10lld\n", (long long)zone->free);
}

/* Zones that nothing happened to are shown once, at the start. */
static void print_zones(const char *when, const struct case_zones *now,
			const struct case_zones *old)
{
	for (unsigned int i = 0; i < now->nr; i++) {
		const struct pb_zone_stat *before = old ? &old->zone[i] : NULL;

		if (before &&
		    !memcmp(before->nr_free, now->zone[i].nr_free, sizeof(before->nr_free)))
			continue;
		print_zone(when, &now->zone[i], before);
		when = "";
	}
}

/* -------------------------------------------------------------- the request */

static void print_rounding(const struct case_request *request)
{
	uint64_t pages = (request->bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	uint64_t block = (uint64_t)PAGE_BYTES << request->order;
	uint64_t unused = block - request->bytes;
	char a[32], b[32], c[32];

	if (!request->bytes) {
		printf("  Order %u is 2^%u = %llu page%s = %s.\n", request->order, request->order,
		       u(1ULL << request->order), request->order ? "s" : "",
		       order_size(request->order, a, sizeof(a)));
		return;
	}
	printf("  %s need %llu page%s of 4 KB. Blocks are powers of two: ",
	       cmd_size_text(request->bytes, a, sizeof(a)), u(pages), pages == 1 ? "" : "s");
	printf("order %u, 2^%u = %llu\n  page%s = %s", request->order, request->order,
	       u(1ULL << request->order), request->order ? "s" : "",
	       order_size(request->order, b, sizeof(b)));
	if (unused)
		printf("; %s (%llu %%) stay unused.\n", cmd_size_text(unused, c, sizeof(c)),
		       u(unused * 100 / block));
	else
		printf("; nothing is wasted.\n");
}

static void print_request(const struct case_result *result, unsigned int i, unsigned int nr)
{
	const struct case_request *request = &result->request;
	char size[32], gfp[128];

	pb_gfp_name(result->gfp, gfp, sizeof(gfp));
	if (request->bytes)
		cmd_size_text(request->bytes, size, sizeof(size));
	else
		snprintf(size, sizeof(size), "order %u", request->order);
	printf("%sRequest", ink.bold);
	if (nr > 1)
		printf(" %u of %u", i + 1, nr);
	printf(": %s, %s%s (%s)\n", size, type_name(request->type), ink.end, gfp);
	print_rounding(request);
	for (unsigned int z = 0; z < result->before.nr; z++)
		if (result->before.zone[z].zone == request->zone)
			return;
	if (request->zone >= 0)
		printf("  This machine has no zone %s: the zones below it are asked.\n",
		       pb_zone_name((enum pb_zone_type)request->zone));
}

/* -------------------------------------------------------------------- steps */

/* Lists found empty one after the other make one line in all but the first request. */
struct scan {
	bool collapse, open;
	unsigned int first, last;
};

static void end_scan(struct scan *scan)
{
	if (!scan->open)
		return;
	scan->open = false;
	printf("    look   lists %u to %u   %sempty%s\n", scan->first, scan->last, ink.dim,
	       ink.end);
}

static void print_scan(struct scan *scan, const struct pb_trace_event *step)
{
	char size[32];

	if (scan->collapse && !step->value) {
		if (!scan->open)
			scan->first = step->order;
		scan->last = step->order;
		scan->open = true;
		return;
	}
	end_scan(scan);
	order_size(step->order, size, sizeof(size));
	printf("    look   list %-2u (%s)%*s%s%s%s\n", step->order, size, 9 - (int)strlen(size), "",
	       step->value ? ink.good : ink.dim, step->value ? "a block is free" : "empty",
	       ink.end);
}

static const char *frames_text(uint64_t pfn, unsigned int order, char *text, size_t size)
{
	if (order)
		snprintf(text, size, "%llu-%llu", u(pfn), u(pfn + (1ULL << order) - 1));
	else
		snprintf(text, size, "%llu", u(pfn));
	return text;
}

static void print_take(const struct pb_trace_event *step)
{
	char size[32], frames[48];

	printf("    take   frames %s: order %u, %s\n",
	       frames_text(step->pfn, step->order, frames, sizeof(frames)), step->order,
	       order_size(step->order, size, sizeof(size)));
}

/* pfn, order: the upper half; the lower half is split on or handed out. */
static void print_split(const struct pb_trace_event *step)
{
	uint64_t lower = step->pfn & ~(1ULL << step->order);
	char keep[48], away[48], size[32];

	printf("    split  %2u -> %-2u  keep %-14s %s%-14s -> list %u%s (%s)\n", step->order + 1u,
	       step->order, frames_text(lower, step->order, keep, sizeof(keep)), ink.good,
	       frames_text(step->pfn, step->order, away, sizeof(away)), step->order, ink.end,
	       order_size(step->order, size, sizeof(size)));
}

static void print_merge(const struct pb_trace_event *step)
{
	uint64_t block = 1ULL << step->order, buddy = step->pfn ^ block;
	char sum[64];

	snprintf(sum, sizeof(sum), "%llu xor %llu = %llu", u(step->pfn), u(block), u(buddy));
	printf("    order %-2u  buddy %-24s free: %smerge -> %llu, order %u%s\n", step->order, sum,
	       ink.good, u(step->pfn & ~block), step->order + 1u, ink.end);
}

/* Why merging ended here: the largest order, or the buddy has an owner. */
static void print_insert(const struct pb_trace_event *step)
{
	uint64_t block = 1ULL << step->order;
	char size[32], sum[64];

	snprintf(sum, sizeof(sum), "%llu xor %llu = %llu", u(step->pfn), u(block),
		 u(step->pfn ^ block));
	if (step->order < PB_DEFAULT_MAX_ORDER)
		printf("    order %-2u  buddy %-24s not free: stop here\n", step->order, sum);
	printf("    block %llu, order %u (%s), goes to the %s of list %s\n", u(step->pfn),
	       step->order, order_size(step->order, size, sizeof(size)),
	       step->value ? "tail" : "head", type_name(step->migratetype));
}

static void print_steal(const struct pb_trace_event *step)
{
	printf("    %sfall back%s  no %s block is left: take a %s one, order %u, at %llu\n",
	       ink.bold, ink.end, type_name(step->migratetype), type_name(step->other_type),
	       step->order, u(step->pfn));
}

static void print_wmark(const struct pb_trace_event *step, const struct case_zones *zones)
{
	char size[32];

	for (unsigned int i = 0; i < zones->nr; i++) {
		const struct pb_zone_stat *zone = &zones->zone[i];

		if (zone->node != step->node || zone->zone != step->zone)
			continue;
		printf("  Zone %s: %lld pages are free, its watermarks are min %llu, low %llu.\n",
		       pb_zone_name((enum pb_zone_type)zone->zone), (long long)step->value,
		       u(zone->watermark[PB_WMARK_MIN]), u(zone->watermark[PB_WMARK_LOW]));
		if (step->flag)
			printf("  Enough is left after this request. Search the %s lists from "
			       "order %u up.\n",
			       type_name(step->migratetype), step->order);
		else
			printf("  %sNot enough for %s: next zone.%s\n", ink.bad,
			       order_size(step->order, size, sizeof(size)), ink.end);
	}
}

/* The same check made again (refill, slow path) is said once. */
static bool same_check(const struct case_steps *steps, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (steps->event[j].type == PB_TRACE_WMARK &&
		    steps->event[j].zone == steps->event[i].zone &&
		    steps->event[j].flag == steps->event[i].flag)
			return true;
	return false;
}

static void print_alloc_step(const struct case_result *result, size_t i, struct scan *scan)
{
	const struct pb_trace_event *step = &result->alloc.event[i];

	if (step->type == PB_TRACE_SCAN) {
		print_scan(scan, step);
		return;
	}
	end_scan(scan);
	if (step->type == PB_TRACE_WMARK && !same_check(&result->alloc, i))
		print_wmark(step, &result->before);
	else if (step->type == PB_TRACE_TAKE)
		print_take(step);
	else if (step->type == PB_TRACE_SPLIT)
		print_split(step);
	else if (step->type == PB_TRACE_STEAL)
		print_steal(step);
	else if (step->type == PB_TRACE_PAGEBLOCK)
		printf("    pageblock at %llu: %s -> %s\n", u(step->pfn),
		       type_name(step->other_type), type_name(step->migratetype));
	else if (step->type == PB_TRACE_REFILL)
		printf("    CPU %u's list gets %lld block%s of order %u\n", step->cpu,
		       (long long)step->value, step->value == 1 ? "" : "s", step->order);
	else if (step->type == PB_TRACE_DRAIN)
		printf("    CPU %u's list gives back %lld block%s\n", step->cpu,
		       (long long)step->value, step->value == 1 ? "" : "s");
	else if (step->type == PB_TRACE_BOOST)
		printf("    watermarks are boosted by %lld pages: types are being mixed\n",
		       (long long)step->value);
}

static void print_alloc(const struct case_result *result, bool collapse)
{
	struct scan scan = { .collapse = collapse };
	char size[32], frames[48];

	for (size_t i = 0; i < result->alloc.nr; i++)
		print_alloc_step(result, i, &scan);
	end_scan(&scan);
	if (!result->alloc.nr && result->page)
		printf("    CPU 0's list has one: no list of the zone is touched.\n");
	if (result->page)
		printf("  %sHanded out: frame%s %s, %s.%s\n", ink.bold,
		       result->request.order ? "s" : "",
		       frames_text(result->pfn, result->request.order, frames, sizeof(frames)),
		       order_size(result->request.order, size, sizeof(size)), ink.end);
	else
		printf("  %sFailed: %s.%s\n", ink.bad, pb_reason_name(result->why), ink.end);
	if (result->why == PB_REASON_TOO_BIG)
		printf("  The largest block is of order %d, %s.\n", PB_DEFAULT_MAX_ORDER,
		       order_size(PB_DEFAULT_MAX_ORDER, size, sizeof(size)));
}

static void print_free(const struct case_result *result, unsigned int i, unsigned int nr)
{
	bool any = false;

	printf("\n%sFree", ink.bold);
	if (nr > 1)
		printf(" %u of %u", i + 1, nr);
	printf(": pfn %llu, order %u%s", u(result->pfn), result->request.order, ink.end);
	printf(". The buddy of a block is its pfn xor its size.\n");
	for (size_t n = 0; n < result->free.nr; n++) {
		const struct pb_trace_event *step = &result->free.event[n];

		any |= step->type == PB_TRACE_MERGE || step->type == PB_TRACE_INSERT;
		if (step->type == PB_TRACE_MERGE)
			print_merge(step);
		else if (step->type == PB_TRACE_INSERT)
			print_insert(step);
	}
	if (!any)
		printf("    It stays in CPU 0's list, ready for the next request.\n");
	print_zones("freed", &result->freed, &result->after);
}

void case_print_text(const struct case_study *study)
{
	unsigned int nr = study->nr_results;
	char size[32];

	choose_ink();
	printf("%sThe buddy system at work%s: a machine of %s, profile %s\n\n", ink.bold, ink.end,
	       cmd_size_text(study->memory, size, sizeof(size)), cmd_profile_name(study->profile));
	for (unsigned int i = 0; i < nr; i++) {
		const struct case_result *result = &study->results[i];

		print_request(result, i, nr);
		if (!i) {
			putchar('\n');
			print_columns();
			print_zones("before", &result->before, NULL);
		}
		putchar('\n');
		print_alloc(result, i > 0);
		print_zones("after", &result->after, &result->before);
		if (i + 1 < nr)
			putchar('\n');
	}
	for (unsigned int i = 0; i < nr; i++)
		if (study->results[i].page)
			print_free(&study->results[i], i, nr);
}
