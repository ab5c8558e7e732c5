/* SPDX-License-Identifier: MIT */
/*
 * Texts of /proc as they arrive. Lines that are not of the file (a prompt, a
 * command, mail around it) are left out, and of a text that is cut everything
 * before the cut counts: the last lines are dropped, one by one, until the rest
 * is whole.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loose.h"

#define LIMIT (256u << 20) /* bytes of one file */
#define MAX_DROPPED 64     /* lines of a cut end */

void pb_note(struct pb_notes *notes, const char *format, ...)
{
	va_list args;

	if (notes->nr == PB_MAX_NOTES)
		return;
	va_start(args, format);
	vsnprintf(notes->text[notes->nr++], sizeof(notes->text[0]), format, args);
	va_end(args);
}

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

enum pb_loose_kind pb_loose_kind(const char *text, size_t len)
{
	static const struct {
		const char *what;
		enum pb_loose_kind kind;
	} signs[] = {
		{ "Page allocated via order ", PB_LOOSE_PAGE_OWNER },
		{ "allocinfo - version", PB_LOOSE_ALLOCINFO },
		{ "node_buddyinfo_blocks{", PB_LOOSE_EXPORTER },
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
	return has(text, len, ", zone") ? PB_LOOSE_BUDDYINFO : PB_LOOSE_UNKNOWN;
}

/* ------------------------------------------------------------ foreign lines */

static bool begins(const char *line, size_t len, const char *word)
{
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	return len >= strlen(word) && !memcmp(line, word, strlen(word));
}

/* Could this line be of such a file? `inside`: its first line has been seen. */
static bool belongs(enum pb_loose_kind kind, const char *line, size_t len, bool inside)
{
	static const char *const types[] = { "Page block", "Pages per", "Free pages", "Number of",
					     "Node" };

	if (!len)
		return true;
	if (kind == PB_LOOSE_BUDDYINFO)
		return begins(line, len, "Node ");
	if (kind == PB_LOOSE_ZONEINFO)
		return begins(line, len, "Node ") || (inside && *line == ' ');
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (begins(line, len, types[i]))
			return true;
	return false;
}

/* A copy with the lines that belong; *left is how many did not. */
static char *only_own(enum pb_loose_kind kind, const char *text, size_t *len, unsigned int *left)
{
	char *copy = malloc(*len + 64);
	size_t n = 0;
	bool inside = false;

	*left = 0;
	for (const char *at = text, *end = text + *len; copy && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline ? newline : end) - at);

		if (size && at[size - 1] == '\r')
			size--;
		if (belongs(kind, at, size, inside)) {
			inside |= size != 0;
			memcpy(copy + n, at, size);
			n += size;
			copy[n++] = '\n';
		} else {
			++*left;
		}
		at = newline ? newline + 1 : end;
	}
	*len = n;
	return copy;
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
	char first[200] = "";

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

static int take_file(unsigned int which, const char *text, size_t len, struct pb_snapshot *snapshot,
		     struct pb_notes *notes, char *error, size_t size)
{
	void *to[] = { &snapshot->zoneinfo, &snapshot->buddyinfo, &snapshot->pagetypeinfo };
	bool *flag[] = { &snapshot->has_zoneinfo, &snapshot->has_buddyinfo,
			 &snapshot->has_pagetypeinfo };
	unsigned int left, dropped;
	char *own = only_own(files[which].kind, text, &len, &left);
	int status;

	if (!own) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	status = parse_cut(own, &len, files[which].parse, to[which], &dropped, error, size);
	free(own);
	if (status)
		return -1;
	*flag[which] = true;
	if (left)
		pb_note(notes, "%s: %u line%s of other text left out", files[which].name, left,
			left == 1 ? "" : "s");
	if (dropped)
		pb_note(notes, "%s is cut: its last %u line%s can't be used", files[which].name,
			dropped, dropped == 1 ? "" : "s");
	return 0;
}

/* ------------------------------------------------------------------- one file */

static uint64_t mem_total(const char *text)
{
	const char *at = strstr(text, "MemTotal:");

	return at ? strtoull(at + 9, NULL, 10) : 0;
}

static int take_text(const char *text, size_t len, struct pb_snapshot *snapshot, uint64_t *mem_kb,
		     struct pb_notes *notes, char *error, size_t size)
{
	enum pb_loose_kind kind = pb_loose_kind(text, len);

	if (kind == PB_LOOSE_MEMINFO)
		*mem_kb = mem_total(text);
	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i].kind == kind)
			return take_file(i, text, len, snapshot, notes, error, size);
	if (kind == PB_LOOSE_EXPORTER || kind == PB_LOOSE_KMEM) {
		int status = kind == PB_LOOSE_KMEM
				     ? pb_kmem_parse(text, len, &snapshot->buddyinfo, error, size)
				     : pb_exporter_parse(text, len, &snapshot->buddyinfo, error,
							 size);

		snapshot->has_buddyinfo = !status;
		return status;
	}
	return 0;
}

/* Not there: 0. May not be read: a note, for the rest can be shown. */
static int load_named(const char *where, const char *name, struct pb_snapshot *snapshot,
		      uint64_t *mem_kb, struct pb_notes *notes, char *error, size_t size)
{
	char path[PATH_MAX + 32], reason[256];
	size_t len;
	char *text;
	int status;

	if (!pb_snapshot_find(where, name, NULL, path, sizeof(path)))
		return 0;
	if (access(path, R_OK)) {
		pb_note(notes, "%s: %s%s", name, strerror(errno),
			!strcmp(name, "pagetypeinfo") ? " (it is for root only)" : "");
		return 0;
	}
	text = pb_read_file(path, LIMIT, &len, error, size);
	if (!text)
		return -1;
	status = take_text(text, len, snapshot, mem_kb, notes, reason, sizeof(reason));
	free(text);
	if (status)
		snprintf(error, size, "'%s': %s", path, reason);
	return status;
}

static int load_file(const char *path, struct pb_snapshot *snapshot, uint64_t *mem_kb,
		     struct pb_notes *notes, char *error, size_t size)
{
	char reason[256];
	size_t len;
	char *text = pb_read_file(path, LIMIT, &len, error, size);
	int status;

	if (!text)
		return -1;
	status = take_text(text, len, snapshot, mem_kb, notes, reason, sizeof(reason));
	free(text);
	if (status)
		snprintf(error, size, "'%s': %s", path, reason);
	return status;
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
static void compare(const struct pb_snapshot *snapshot, struct pb_notes *notes)
{
	for (size_t b = 0; b < snapshot->buddyinfo.nr_zones; b++) {
		const struct pb_buddyinfo_zone *zone = &snapshot->buddyinfo.zones[b];
		uint64_t pages = pages_of(zone);

		for (size_t i = 0; i < snapshot->zoneinfo.nr_zones; i++) {
			const struct pb_proc_zone *info = &snapshot->zoneinfo.zones[i];
			uint64_t off = info->free > pages ? info->free - pages : pages - info->free;

			if (info->node != zone->node || strcmp(info->name, zone->name))
				continue;
			if (off > 1024 && off > (info->free + pages) / 4)
				pb_note(notes,
					"buddyinfo and zoneinfo contradict each other: %llu and "
					"%llu pages free in node %d, zone %s; they are of "
					"different moments or machines",
					(unsigned long long)pages, (unsigned long long)info->free,
					zone->node, zone->name);
		}
	}
}

int pb_loose_load(const char *where, struct pb_snapshot *snapshot, uint64_t *mem_kb,
		  struct pb_notes *notes, char *error, size_t size)
{
	static const char *const names[] = { "zoneinfo", "buddyinfo", "pagetypeinfo", "meminfo" };
	struct stat st;
	int status = 0;

	memset(snapshot, 0, sizeof(*snapshot));
	*mem_kb = 0;
	if (!stat(where, &st) && !S_ISDIR(st.st_mode))
		status = load_file(where, snapshot, mem_kb, notes, error, size);
	else
		for (size_t i = 0; !status && i < sizeof(names) / sizeof(names[0]); i++)
			status = load_named(where, names[i], snapshot, mem_kb, notes, error, size);
	if (!status && !snapshot->has_buddyinfo && snapshot->has_pagetypeinfo &&
	    sum_types(snapshot)) {
		snprintf(error, size, "out of memory");
		status = -1;
	}
	if (status)
		pb_snapshot_free(snapshot);
	else
		compare(snapshot, notes);
	return status;
}
