// SPDX-License-Identifier: MIT
/* The pool's state and texts after the operations, beside the kernel's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

/* A list of the pool's, compared block by block while it is walked. */
struct walk {
	struct diff_result *result;
	const struct diff_block *block;
	size_t n, at;
	const char *what;
	unsigned int order, type;
	bool differs;
};

static int visit(void *ctx, uint64_t pfn)
{
	struct walk *w = ctx;

	if (w->at < w->n && w->block[w->at].pfn == pfn) {
		w->at++;
		return 0;
	}
	w->differs = true;
	if (w->at < w->n)
		diff_found(w->result,
			   "%s, order %u, %s, place %zu: Linux 0x%" PRIx64 ", library 0x%" PRIx64,
			   w->what, w->order, pb_migratetype_name(w->type), w->at,
			   w->block[w->at].pfn, pfn);
	else
		diff_found(w->result, "%s, order %u, %s: Linux has %zu blocks, library more",
			   w->what, w->order, pb_migratetype_name(w->type), w->n);
	return 1;
}

static void end_walk(struct walk *w)
{
	if (!w->differs && w->at < w->n)
		diff_found(w->result, "%s, order %u, %s: Linux has %zu blocks, library %zu",
			   w->what, w->order, pb_migratetype_name(w->type), w->n, w->at);
}

/* The kernel's blocks of one list lie together in the log. */
static struct walk find_free(const struct diff_zone *zone, unsigned int order, unsigned int type)
{
	struct walk w = { .what = "free list", .order = order, .type = type };
	size_t i = 0;

	while (i < zone->nr_free_blocks &&
	       (zone->free[i].order != order || zone->free[i].type != type))
		i++;
	w.block = zone->nr_free_blocks ? zone->free + i : NULL;
	while (i + w.n < zone->nr_free_blocks && w.block[w.n].order == order &&
	       w.block[w.n].type == type)
		w.n++;
	return w;
}

static struct walk find_pcp(const struct diff_pcp *pcp, unsigned int list)
{
	struct walk w = { .what = "per-CPU list" };
	size_t i = 0;

	while (i < pcp->nr && pcp->block[i].list != list)
		i++;
	w.block = pcp->nr ? pcp->block + i : NULL;
	while (i + w.n < pcp->nr && w.block[w.n].list == list)
		w.n++;
	w.order = list < 12 ? list / 3 : 9;
	w.type = diff_list_type(list);
	return w;
}

static void compare_lists(struct pb_pool *pool, int node, const struct diff_zone *zone,
			  struct diff_result *result)
{
	for (unsigned int order = 0; order < DIFF_ORDERS; order++) {
		for (unsigned int type = 0; type < PB_MIGRATE_TYPES; type++) {
			struct walk w = find_free(zone, order, type);

			w.result = result;
			pb_walk_free_list(pool, node, zone->type, order, type, visit, &w);
			end_walk(&w);
		}
	}
}

static void compare_pcp_lists(struct pb_pool *pool, unsigned int cpu, int node,
			      const struct diff_zone *zone, struct diff_result *result)
{
	for (unsigned int list = 0; list < DIFF_PCP_LISTS; list++) {
		struct walk w = find_pcp(&zone->cpu[cpu], list);

		w.result = result;
		pb_walk_pcp(pool, cpu, node, zone->type, w.order, w.type, visit, &w);
		end_walk(&w);
	}
}

static void figure(struct diff_result *result, const char *zone, const char *name, int64_t linux_,
		   int64_t library)
{
	if (linux_ != library)
		diff_found(result, "zone %s, %s: Linux %" PRId64 ", library %" PRId64, zone, name,
			   linux_, library);
}

static void compare_pageblocks(struct pb_pool *pool, const struct diff_zone *zone,
			       struct diff_result *result)
{
	for (size_t i = 0; i < zone->nr_pageblocks; i++) {
		const struct diff_run *run = &zone->pageblocks[i];
		uint64_t pfn = run->pfn;

		if (run->what == PB_MIGRATE_TYPES)
			continue;
		for (; pfn < run->pfn + run->count; pfn += 512) {
			int type = pb_pageblock_type(pool, diff_present(zone, pfn));

			if (type >= 0 && type != run->what)
				diff_found(result, "pageblock 0x%" PRIx64 ": Linux %s, library %s",
					   pfn, pb_migratetype_name(run->what),
					   pb_migratetype_name((enum pb_migratetype)type));
		}
	}
}

static void compare_pcp(const struct pb_pcp_stat *pcp, const struct diff_pcp *kernel,
			const char *name, struct diff_result *result)
{
	figure(result, name, "pcp count", kernel->count, pcp->count);
	figure(result, name, "pcp high", kernel->high, pcp->high);
	figure(result, name, "pcp batch", kernel->batch, pcp->batch);
	figure(result, name, "pcp free_factor", kernel->free_factor, pcp->free_factor);
	figure(result, name, "pcp alloc_factor", kernel->alloc_factor, pcp->alloc_factor);
	figure(result, name, "pcp flags", kernel->flags, pcp->flags);
}

/* What other CPUs added to the zone's counter while the phase went on: they came to rest. */
static int64_t folded_elsewhere(const struct diff_phase *phase, size_t zone)
{
	int64_t pages = 0;

	for (int cpu = 0; cpu < DIFF_CPUS; cpu++)
		if (!(phase->at_work >> cpu & 1))
			pages += phase->before.zone[zone].cpu[cpu].free_diff -
				 phase->after.zone[zone].cpu[cpu].free_diff;
	return pages;
}

static void compare_figures(const struct pb_zone_stat *stat, const struct diff_zone *zone,
			    int64_t counted, struct diff_result *result)
{
	const char *name = pb_zone_name(zone->type);

	figure(result, name, "managed", (int64_t)zone->managed, (int64_t)stat->managed);
	figure(result, name, "present", (int64_t)zone->present, (int64_t)stat->present);
	figure(result, name, "spanned", (int64_t)zone->spanned, (int64_t)stat->spanned);
	figure(result, name, "start_pfn", (int64_t)zone->start_pfn, (int64_t)stat->start_pfn);
	figure(result, name, "watermark boost", (int64_t)zone->boost, (int64_t)stat->boost);
	figure(result, name, "nr_reserved_highatomic", (int64_t)zone->highatomic,
	       (int64_t)stat->nr_reserved_highatomic);
	figure(result, name, "min", (int64_t)zone->watermark[0], (int64_t)stat->watermark[0]);
	figure(result, name, "low", (int64_t)zone->watermark[1], (int64_t)stat->watermark[1]);
	figure(result, name, "high", (int64_t)zone->watermark[2], (int64_t)stat->watermark[2]);
	figure(result, name, "free pages", counted < 0 ? 0 : counted, stat->vm_free);
	figure(result, name, "flags", (int64_t)zone->flags, stat->flags);
	for (size_t o = 0; o < DIFF_ORDERS; o++)
		figure(result, name, "nr_free", (int64_t)zone->nr_free[o],
		       (int64_t)stat->nr_free[o]);
}

static bool find_stat(struct pb_pool *pool, int node, enum pb_zone_type type, unsigned int *index,
		      struct pb_zone_stat *stat)
{
	for (*index = 0; *index < pb_nr_zones(pool); ++*index)
		if (pb_zone_stats(pool, *index, stat) == PB_OK && stat->node == node &&
		    stat->zone == (int)type)
			return true;
	return false;
}

void diff_compare_state(struct pb_pool *pool, const struct diff_phase *phase,
			struct diff_result *result)
{
	for (size_t i = 0; i < phase->after.nr_zones; i++) {
		const struct diff_zone *zone = &phase->after.zone[i];
		struct pb_zone_stat stat;
		struct pb_pcp_stat pcp;
		unsigned int index;

		if (!find_stat(pool, phase->node, zone->type, &index, &stat)) {
			diff_found(result, "zone %s: the library has none",
				   pb_zone_name(zone->type));
			continue;
		}
		compare_lists(pool, phase->node, zone, result);
		compare_pageblocks(pool, zone, result);
		compare_figures(&stat, zone, zone->free_pages - folded_elsewhere(phase, i), result);
		for (unsigned int cpu = 0; cpu < DIFF_CPUS; cpu++) {
			if (!zone->cpu[cpu].online || pb_pcp_stats(pool, index, cpu, &pcp))
				continue;
			compare_pcp_lists(pool, cpu, phase->node, zone, result);
			compare_pcp(&pcp, &zone->cpu[cpu], pb_zone_name(zone->type), result);
		}
	}
}

/* ------------------------------------------------------------------- texts */

/* The next line without its end; NULL at the end of the text. */
static char *next_line(char **text)
{
	char *line = *text, *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end++ = '\0';
	*text = end;
	return line;
}

struct lines {
	char *rest;
	int node;
	bool here;     /* inside a zone of this node */
	bool per_node; /* inside the statistics of the whole node */
	bool zoneinfo;
	bool cma; /* a column to be left out */
};

/* Pages of users: how many there are is not the allocator's to know, but that the line
   is there is compared. */
static const char *const users[] = {
	"      nr_zone_inactive_anon",
	"      nr_zone_active_anon",
	"      nr_zone_inactive_file",
	"      nr_zone_active_file",
	"      nr_zone_unevictable",
	"      nr_zone_write_pending",
	"      nr_mlock",
	"      nr_page_table_pages",
	"      nr_bounce",
	"      nr_zspages",
};

/* Of a kernel that was configured with CMA, where the node has none: its column goes. */
static void drop_cma(char *line)
{
	const size_t head = 22, column = 13; /* "Number of blocks type ", "         CMA " */
	size_t at = head + 4 * column;

	if (strlen(line) < at + 2 * column)
		return;
	memmove(line + at, line + at + column, strlen(line + at + column) + 1);
}

/* What a configuration option adds to the text, without anything in it. */
static bool is_extra(const char *line)
{
	const char *cma = strstr(line, ", type          CMA");

	if (!strncmp(line, "      nr_unaccepted 0", 21))
		return true;
	return cma && !cma[19 + strspn(cma + 19, " 0")];
}

static void shorten(char *line, bool cma)
{
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (!strncmp(line, users[i], strlen(users[i])))
			line[strlen(users[i])] = '\0';
	if (cma && (!strncmp(line, "Number of blocks type ", 22) ||
		    (!strncmp(line, "Node ", 5) && !strstr(line, ", type"))))
		drop_cma(line);
}

/*
 * Lines that are about the node, and headings. Of zoneinfo only the zones'
 * parts: "per-node stats" count pages of users, which an allocator doesn't know.
 */
static char *next_of_node(struct lines *l)
{
	char *line;
	int node;

	while ((line = next_line(&l->rest)) != NULL) {
		if (is_extra(line))
			continue;
		shorten(line, l->cma);
		if (sscanf(line, "Node %d", &node) == 1) {
			l->here = node == l->node;
			l->per_node = false;
		} else if (!l->zoneinfo) {
			return line;
		} else if (!strcmp(line, "  per-node stats")) {
			l->per_node = true;
		} else if (!strncmp(line, "  pages free", 12)) {
			l->per_node = false;
		}
		if (l->here && !l->per_node)
			return line;
	}
	return NULL;
}

static bool is_hole(const struct diff_zone *zone, uint64_t pageblock)
{
	for (size_t i = 0; i < zone->nr_map; i++) {
		const struct diff_run *run = &zone->map[i];

		if (run->what != DIFF_HOLE && run->pfn < pageblock + 512 &&
		    run->pfn + run->count > pageblock)
			return false;
	}
	return true;
}

/* Of a hole inside the zone, whole pageblocks that have a type all the same. */
static uint64_t hole_pageblocks(const struct diff_zone *zone)
{
	uint64_t nr = 0, last = 0;

	for (size_t i = 0; i < zone->nr_map; i++)
		if (zone->map[i].what != DIFF_HOLE)
			last = zone->map[i].pfn;
	for (size_t i = 0; i < zone->nr_pageblocks; i++) {
		const struct diff_run *run = &zone->pageblocks[i];

		for (uint64_t pfn = run->pfn; pfn < run->pfn + run->count && pfn < last; pfn += 512)
			nr += run->what == PB_MIGRATE_UNMOVABLE && is_hole(zone, pfn);
	}
	return nr;
}

/* 5.10 counts the pageblocks of holes as unmovable ones (T4). */
static bool same_but_holes(const char *kernel, const char *library, const struct diff_zone *zone)
{
	unsigned long long a, b;
	int head = 0, rest[2];

	if (sscanf(library, "Node %*d, zone %*s%n %llu%n", &head, &b, &rest[1]) != 1 ||
	    strncmp(kernel, library, (size_t)head) ||
	    sscanf(kernel, "Node %*d, zone %*s %llu%n", &a, &rest[0]) != 1)
		return false;
	return a == b + hole_pageblocks(zone) && diff_same(kernel + rest[0], library + rest[1]);
}

static const struct diff_zone *zone_of_line(const struct diff_phase *phase, const char *line)
{
	char name[16];

	if (sscanf(line, "Node %*d, zone %15[^ ,]", name) != 1)
		return NULL;
	for (size_t i = 0; i < phase->after.nr_zones; i++)
		if (diff_same(name, pb_zone_name(phase->after.zone[i].type)))
			return &phase->after.zone[i];
	return NULL;
}

/* A line of the table of pageblocks, of a kernel that counts holes in it? */
static bool same_line(const struct pb_pool *pool, const struct diff_phase *phase,
		      const char *kernel, const char *library)
{
	const struct diff_zone *zone;

	if (!kernel || !library || diff_same(kernel, library))
		return kernel && library;
	if (!diff_before_6_1(pool) || strstr(library, ", type"))
		return false;
	zone = zone_of_line(phase, library);
	return zone && same_but_holes(kernel, library, zone);
}

static void compare_text(const struct pb_pool *pool, const struct diff_phase *phase,
			 const struct diff_text *text, const char *library,
			 struct diff_result *result)
{
	bool pageblocks = !strcmp(text->name, "pagetypeinfo");
	int node = phase->node;
	bool zoneinfo = !strcmp(text->name, "zoneinfo");
	char *copy[2] = { strdup(text->text), strdup(library) };
	bool cma = !strcmp(text->name, "pagetypeinfo") && strstr(text->text, "  CMA ") &&
		   !strstr(library, "  CMA ");
	struct lines l[2] = { { .rest = copy[0], .node = node, .zoneinfo = zoneinfo, .cma = cma },
			      { .rest = copy[1], .node = node, .zoneinfo = zoneinfo } };
	char *line[2];

	while (copy[0] && copy[1]) {
		line[0] = next_of_node(&l[0]);
		line[1] = next_of_node(&l[1]);
		if (!line[0] && !line[1])
			break;
		if (pageblocks ? !same_line(pool, phase, line[0], line[1])
			       : !diff_same(line[0], line[1]))
			diff_found(result, "%s:\n    Linux   '%s'\n    library '%s'", text->name,
				   line[0] ? line[0] : "(no more)",
				   line[1] ? line[1] : "(no more)");
		if (!line[0] || !line[1])
			break;
	}
	free(copy[0]);
	free(copy[1]);
}

static enum pb_text_layout zoneinfo_of(enum pb_kernel kernel)
{
	static const enum pb_text_layout layouts[PB_NR_LINUX] = {
		[PB_LINUX_5_4] = PB_TEXT_5_4, [PB_LINUX_5_10] = PB_TEXT_5_10,
		[PB_LINUX_6_1] = PB_TEXT_6_1, [PB_LINUX_6_12] = PB_TEXT_6_12,
		[PB_LINUX_7_2] = PB_TEXT_7_2,
	};

	return layouts[kernel];
}

static size_t library_text(struct pb_pool *pool, const char *name, char *text, size_t size)
{
	if (!strcmp(name, "buddyinfo"))
		return pb_buddyinfo(pool, text, size);
	if (!strcmp(name, "pagetypeinfo"))
		return pb_pagetypeinfo(pool, text, size);
	return pb_zoneinfo(pool, zoneinfo_of(diff_kernel(pool)), text, size);
}

void diff_compare_texts(struct pb_pool *pool, const struct diff_phase *phase,
			struct diff_result *result)
{
	for (size_t i = 0; i < phase->nr_texts; i++) {
		const struct diff_text *text = &phase->text[i];
		size_t len = library_text(pool, text->name, NULL, 0);
		char *library = malloc(len + 1);

		if (!library)
			continue;
		library_text(pool, text->name, library, len + 1);
		compare_text(pool, phase, text, library, result);
		result->texts++;
		free(library);
	}
}
