/* SPDX-License-Identifier: MIT */
/*
 * Texts of /proc as they arrive, sorted by pasted.c. Of one that is cut everything
 * before the cut counts: the last lines are dropped, one by one, until the rest is
 * whole.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loose.h"
#include "pasted.h"

#define LIMIT (256u << 20) /* bytes of one file */
#define MAX_DROPPED 64     /* lines of a cut end */

/* -------------------------------------------------------------------- kinds */

static bool has(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what)) != NULL;
}

static bool has_index(const char *text, size_t len)
{
	const char *at = memmem(text, len, ", zone", 6), *end;

	if (!at)
		return false;
	end = memchr(at, '\n', (size_t)(text + len - at));
	return memchr(at, '.', (size_t)((end ? end : text + len) - at)) != NULL;
}

/* "   74657792    18227 mm/slub.c:2490 func:alloc_slab_page": allocinfo without its header */
static bool has_tags(const char *text, size_t len)
{
	for (const char *at = text, *end = text + len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		unsigned long long bytes, calls;
		char line[256], place[128];

		snprintf(line, sizeof(line), "%.*s", (int)((newline ? newline : end) - at), at);
		if (sscanf(line, " %llu %llu %127s", &bytes, &calls, place) == 3 &&
		    strchr(place, ':') && strstr(line, " func:"))
			return true;
		at = newline ? newline + 1 : end;
	}
	return false;
}

enum pb_loose_kind pb_loose_kind(const char *text, size_t len)
{
	static const struct {
		const char *what;
		enum pb_loose_kind kind;
	} signs[] = {
		{ "Page allocated via order ", PB_LOOSE_PAGE_OWNER },
		{ "allocinfo - version", PB_LOOSE_ALLOCINFO },
		{ "node_buddyinfo_blocks", PB_LOOSE_EXPORTER },
		{ "FREE_AREA_STRUCT", PB_LOOSE_KMEM },
		{ "Page block order:", PB_LOOSE_PAGETYPEINFO },
		{ ", type ", PB_LOOSE_PAGETYPEINFO },
		{ "pages free", PB_LOOSE_ZONEINFO },
		{ "MemTotal:", PB_LOOSE_MEMINFO },
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (has(text, len, signs[i].what))
			return signs[i].kind;
	if (has_index(text, len))
		return PB_LOOSE_INDEX;
	if (has(text, len, ", zone"))
		return PB_LOOSE_BUDDYINFO;
	return has_tags(text, len) ? PB_LOOSE_ALLOCINFO : PB_LOOSE_UNKNOWN;
}

/* ---------------------------------------------------------------------- cuts */

typedef int (*parse_fn)(const char *text, size_t len, void *to, char *error, size_t size);

static int parse_zoneinfo(const char *text, size_t len, void *to, char *error, size_t size)
{
	return pb_zoneinfo_parse(text, len, to, error, size);
}

static int parse_buddyinfo(const char *text, size_t len, void *to, char *error, size_t size)
{
	return pb_buddyinfo_parse(text, len, to, error, size);
}

static int parse_pagetypeinfo(const char *text, size_t len, void *to, char *error, size_t size)
{
	return pb_pagetypeinfo_parse_part(text, len, to, error, size);
}

/* What may stand behind the last whole line for the text to be whole. */
static const char *const endings[] = { "", "  node_unreclaimable:  0\n  start_pfn:           0\n" };

static int parse_cut(char *text, size_t *len, parse_fn parse, void *to, unsigned int *dropped,
		     char *error, size_t size)
{
	char first[256] = "";

	for (*dropped = 0; *dropped < MAX_DROPPED && *len; ++*dropped) {
		for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
			size_t more = strlen(endings[i]);

			memcpy(text + *len, endings[i], more);
			if (!parse(text, *len + more, to, error, size))
				return 0;
			if (!first[0])
				snprintf(first, sizeof(first), "%s", error);
		}
		--*len; /* the newline */
		while (*len && text[*len - 1] != '\n')
			--*len;
	}
	snprintf(error, size, "%s", first);
	return -1;
}

static const struct {
	enum pb_loose_kind kind;
	const char *name;
	parse_fn parse;
} files[] = {
	{ PB_LOOSE_ZONEINFO, "zoneinfo", parse_zoneinfo },
	{ PB_LOOSE_BUDDYINFO, "buddyinfo", parse_buddyinfo },
	{ PB_LOOSE_PAGETYPEINFO, "pagetypeinfo", parse_pagetypeinfo },
};

/* One part of what was pasted. 0, or -1: nothing of it can be read. */
static int take_part(unsigned int which, struct pb_pasted_part *part, struct pb_snapshot *snapshot,
		     struct pb_notes *notes, char *error, size_t size)
{
	void *to[] = { &snapshot->zoneinfo, &snapshot->buddyinfo, &snapshot->pagetypeinfo };
	bool *flag[] = { &snapshot->has_zoneinfo, &snapshot->has_buddyinfo,
			 &snapshot->has_pagetypeinfo };
	unsigned int dropped;
	size_t len = part->len;

	if (!part->text || *flag[which])
		return 0;
	if (parse_cut(part->text, &len, files[which].parse, to[which], &dropped, error, size))
		return -1;
	*flag[which] = true;
	if (part->times > 1)
		pb_note(notes, "%s is there %u times; the last one is shown", files[which].name,
			part->times);
	if (dropped)
		pb_note(notes, "%s is cut: its last %u line%s can't be used", files[which].name,
			dropped, dropped == 1 ? "" : "s");
	return 0;
}

/* -------------------------------------------------------------------- one text */

static int take_pasted(const char *name, struct pb_pasted *pasted, struct pb_snapshot *snapshot,
		       struct pb_about_machine *about, char *error, size_t size)
{
	unsigned int left = pasted->lines - pasted->known;

	if (pasted->mem_kb)
		about->mem_kb = pasted->mem_kb;
	if (pasted->free_kb)
		about->free_kb = pasted->free_kb;
	if (pasted->kernel[0])
		memcpy(about->kernel, pasted->kernel, sizeof(about->kernel));
	about->lines += pasted->lines;
	about->known += pasted->known;
	for (unsigned int i = 0; i < PB_NR_PASTED; i++)
		if (take_part(i, &pasted->part[i], snapshot, &about->notes, error, size))
			return -1;
	/* of meminfo two lines are asked for, and /proc/version is one */
	if (left && pasted->known > left / 8 && !pasted->mem_kb)
		pb_note(&about->notes, "%s: %u line%s of other text left out", name, left,
			left == 1 ? "" : "s");
	return 0;
}

/* What another tool printed: node_exporter, crash. 1: it is no such text. */
static int take_lists(enum pb_loose_kind kind, const char *text, size_t len,
		      struct pb_snapshot *snapshot, struct pb_about_machine *about, char *error,
		      size_t size)
{
	int status;

	if (kind != PB_LOOSE_EXPORTER && kind != PB_LOOSE_KMEM)
		return 1;
	if (snapshot->has_buddyinfo)
		return 0;
	status = kind == PB_LOOSE_KMEM ? pb_kmem_parse(text, len, &snapshot->buddyinfo, error, size)
				       : pb_exporter_parse(text, len, &snapshot->buddyinfo,
							   &about->notes, error, size);
	snapshot->has_buddyinfo = !status;
	about->lines++;
	about->known++;
	return status;
}

static int take_text(const char *name, char *text, size_t len, struct pb_snapshot *snapshot,
		     struct pb_about_machine *about, char *error, size_t size)
{
	struct pb_pasted pasted;
	int status;

	len = pb_paste_clean(text, len);
	status = take_lists(pb_loose_kind(text, len), text, len, snapshot, about, error, size);
	if (status <= 0)
		return status;
	if (pb_pasted_split(text, len, &pasted)) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	status = take_pasted(name, &pasted, snapshot, about, error, size);
	pb_pasted_free(&pasted);
	return status;
}

static int load_file(const char *path, const char *name, struct pb_snapshot *snapshot,
		     struct pb_about_machine *about, char *error, size_t size)
{
	char reason[256];
	size_t len;
	char *text = pb_read_file(path, LIMIT, &len, error, size);
	int status;

	if (!text)
		return -1;
	status = take_text(name, text, len, snapshot, about, reason, sizeof(reason));
	free(text);
	if (status)
		snprintf(error, size, "'%s': %s", path, reason);
	return status;
}

/* ------------------------------------------------------------------- directories */

static const char *const names[] = { "zoneinfo", "buddyinfo", "pagetypeinfo", "meminfo",
				     "version" };

static bool is_machine(const char *where)
{
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < 3; i++)
		if (pb_snapshot_find(where, names[i], NULL, path, sizeof(path)))
			return true;
	return false;
}

/* A sosreport unpacks to one directory, and that is where proc/ is. */
static const char *one_down(const char *where, char *below, size_t size)
{
	DIR *dir = opendir(where);
	struct dirent *entry;
	unsigned int nr = 0;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", where, entry->d_name) >=
			    (int)sizeof(path) ||
		    !is_machine(path))
			continue;
		nr++;
		snprintf(below, size, "%s", path);
	}
	if (dir)
		closedir(dir);
	return nr == 1 ? below : where;
}

bool pb_is_machine(const char *directory)
{
	char below[PATH_MAX];

	return is_machine(directory) || one_down(directory, below, sizeof(below)) != directory;
}

/* Not there: 0. May not be read: a note, for the rest can be shown. */
static int load_named(const char *where, const char *name, struct pb_snapshot *snapshot,
		      struct pb_about_machine *about, char *error, size_t size)
{
	char path[PATH_MAX + 32];

	if (!pb_snapshot_find(where, name, NULL, path, sizeof(path)))
		return 0;
	if (access(path, R_OK)) {
		pb_note(&about->notes, "%s: %s%s", name, strerror(errno),
			!strcmp(name, "pagetypeinfo") ? " (it is for root only)" : "");
		return 0;
	}
	return load_file(path, name, snapshot, about, error, size);
}

/* ------------------------------------------------- one from the other, checks */

/* The sum over the types is what buddyinfo says. */
static int sum_types(struct pb_snapshot *snapshot)
{
	const struct pb_pagetypeinfo *from = &snapshot->pagetypeinfo;
	struct pb_buddyinfo *to = &snapshot->buddyinfo;

	to->zones = calloc(from->nr_rows + 1, sizeof(*to->zones));
	if (!to->zones)
		return -1;
	to->nr_orders = from->nr_orders;
	for (size_t i = 0; i < from->nr_rows; i++) {
		const struct pb_pagetypeinfo_row *row = &from->rows[i];
		struct pb_buddyinfo_zone *zone = to->zones;

		while (zone < to->zones + to->nr_zones &&
		       (zone->node != row->node || strcmp(zone->name, row->zone)))
			zone++;
		if (zone == to->zones + to->nr_zones) {
			to->nr_zones++;
			zone->node = row->node;
			memcpy(zone->name, row->zone, sizeof(zone->name));
		}
		for (unsigned int o = 0; o < from->nr_orders; o++)
			zone->nr_free[o] += row->nr_free[o];
	}
	snapshot->has_buddyinfo = true;
	return 0;
}

static uint64_t pages_of(const struct pb_buddyinfo_zone *zone)
{
	uint64_t pages = 0;

	for (unsigned int o = 0; o < PB_PROC_ORDERS; o++)
		pages += zone->nr_free[o] << o;
	return pages;
}

/* Files read one after the other differ by a little; other moments by a lot. */
static bool differ(uint64_t a, uint64_t b)
{
	uint64_t off = a > b ? a - b : b - a;

	return off > 1024 && off > (a + b) / 4;
}

static void contradict(struct pb_notes *notes, const char *a, const char *b, uint64_t pages_a,
		       uint64_t pages_b, const char *where)
{
	pb_note(notes,
		"%s and %s contradict each other: %llu and %llu pages free in %s; they are of "
		"different moments or machines",
		a, b, (unsigned long long)pages_a, (unsigned long long)pages_b, where);
}

static uint64_t pages_by_type(const struct pb_pagetypeinfo *types, int node, const char *name)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < types->nr_rows; i++)
		for (unsigned int o = 0; types->rows[i].node == node &&
					 !strcmp(types->rows[i].zone, name) && o < types->nr_orders;
		     o++)
			pages += types->rows[i].nr_free[o] << o;
	return pages;
}

static void compare_zone(const struct pb_snapshot *snapshot, const struct pb_buddyinfo_zone *zone,
			 struct pb_notes *notes)
{
	uint64_t pages = pages_of(zone), typed;
	char where[40];

	snprintf(where, sizeof(where), "node %d, zone %s", zone->node, zone->name);
	for (size_t i = 0; i < snapshot->zoneinfo.nr_zones; i++) {
		const struct pb_proc_zone *info = &snapshot->zoneinfo.zones[i];

		if (info->node == zone->node && !strcmp(info->name, zone->name) &&
		    differ(info->free, pages))
			contradict(notes, "buddyinfo", "zoneinfo", pages, info->free, where);
	}
	typed = pages_by_type(&snapshot->pagetypeinfo, zone->node, zone->name);
	if (snapshot->has_pagetypeinfo && differ(pages, typed))
		contradict(notes, "buddyinfo", "pagetypeinfo", pages, typed, where);
}

/*
 * MemTotal is about what the zones manage, whatever the size of a page. A balloon
 * takes from one of the two: it may lie between that and what is present.
 */
static bool fits_total(uint64_t mem_kb, uint64_t managed, uint64_t present)
{
	for (uint64_t kb = 4; kb <= 64; kb *= 4)
		if (mem_kb > managed * kb / 10 * 6 && mem_kb < present * kb / 20 * 21)
			return true;
	return false;
}

static void compare_sizes(const struct pb_snapshot *snapshot, const struct pb_about_machine *about,
			  struct pb_notes *notes)
{
	uint64_t managed = 0, present = 0;

	for (size_t i = 0; i < snapshot->zoneinfo.nr_zones; i++) {
		managed += snapshot->zoneinfo.zones[i].managed;
		present += snapshot->zoneinfo.zones[i].present;
	}
	if (managed && about->mem_kb && !fits_total(about->mem_kb, managed, present))
		pb_note(notes,
			"meminfo and zoneinfo contradict each other: %llu kB of memory, and %llu "
			"pages in the zones; they are of different machines",
			(unsigned long long)about->mem_kb, (unsigned long long)managed);
}

static void compare(const struct pb_snapshot *snapshot, struct pb_about_machine *about)
{
	for (size_t b = 0; b < snapshot->buddyinfo.nr_zones; b++)
		compare_zone(snapshot, &snapshot->buddyinfo.zones[b], &about->notes);
	compare_sizes(snapshot, about, &about->notes);
}

static int load_all(const char *where, struct pb_snapshot *snapshot, struct pb_about_machine *about,
		    char *error, size_t size)
{
	char below[PATH_MAX];
	struct stat st;
	int status = 0;

	if (!strcmp(where, "-") || (!stat(where, &st) && !S_ISDIR(st.st_mode)))
		return load_file(where, "the text", snapshot, about, error, size);
	if (!is_machine(where))
		where = one_down(where, below, sizeof(below));
	for (size_t i = 0; !status && i < sizeof(names) / sizeof(names[0]); i++)
		status = load_named(where, names[i], snapshot, about, error, size);
	return status;
}

int pb_loose_load(const char *where, struct pb_snapshot *snapshot, struct pb_about_machine *about,
		  char *error, size_t size)
{
	int status;

	memset(snapshot, 0, sizeof(*snapshot));
	status = load_all(where, snapshot, about, error, size);
	if (!status && !snapshot->has_buddyinfo && snapshot->has_pagetypeinfo &&
	    sum_types(snapshot)) {
		snprintf(error, size, "out of memory");
		status = -1;
	}
	if (status)
		pb_snapshot_free(snapshot);
	else
		compare(snapshot, about);
	return status;
}
