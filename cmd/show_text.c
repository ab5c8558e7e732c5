// SPDX-License-Identifier: MIT
/* Zones drawn for a terminal of 80 columns. */

#include <string.h>
#include <time.h>

#include "show.h"

#define WIDTH 79
#define LABEL 13
#define BAR (WIDTH - 2)

/* How much of a zone is drawn: a small screen gets less. */
enum detail { ALL, NO_TYPES, NO_TABLES };

struct style {
	bool colour, utf8;
	enum detail detail;
};

enum ink { PLAIN, BOLD, DIM, GOOD, WARN, BAD, NR_INKS };

static const char *ink(const struct style *style, enum ink which)
{
	static const char *const codes[NR_INKS] = { "\033[0m",  "\033[1m",  "\033[2m",
						    "\033[32m", "\033[33m", "\033[31m" };

	return style->colour ? codes[which] : "";
}

/* "123k" where a count does not fit its column. */
static void count_text(uint64_t n, unsigned int width, char *text, size_t size)
{
	static const char units[] = " kMGT";
	unsigned int unit = 0;

	snprintf(text, size, "%llu", (unsigned long long)n);
	while (strlen(text) > width - 1 && unit < 4) {
		n /= 1000;
		unit++;
		snprintf(text, size, "%llu%c", (unsigned long long)n, units[unit]);
	}
}

static unsigned int column(const struct show_machine *m)
{
	unsigned int width = m->nr_orders ? (WIDTH - LABEL) / m->nr_orders : 6;

	return width > 6 ? 6 : width < 4 ? 4 : width;
}

/* --------------------------------------------------------------------- bar */

/*
 * Managed memory from left to right: used, free in small blocks, free in
 * blocks of a pageblock and more.
 */
static void bar(const struct show_machine *m, const struct show_zone *zone,
		const struct style *style)
{
	static const char *const fine[] = { "░", "▒", "█" };
	static const char *const ascii[] = { ".", "+", "#" };
	const char *const *cell = style->utf8 ? fine : ascii;
	uint64_t whole = zone->free_2m << m->pageblock_order;
	uint64_t managed = zone->managed;
	uint64_t small = zone->free > whole ? zone->free - whole : 0;
	unsigned int nr_whole, nr_small;

	if (whole > managed)
		whole = managed;
	nr_whole = (unsigned int)((whole * BAR + managed / 2) / managed);
	nr_small = (unsigned int)((small * BAR + managed / 2) / managed);
	if (small && !nr_small)
		nr_small = 1;
	if (nr_whole + nr_small > BAR)
		nr_small = BAR - nr_whole;
	printf("[%s", ink(style, DIM));
	for (unsigned int i = 0; i < BAR; i++) {
		if (i == BAR - nr_whole - nr_small)
			fputs(ink(style, WARN), stdout);
		if (i == BAR - nr_whole)
			fputs(ink(style, GOOD), stdout);
		fputs(i < BAR - nr_whole - nr_small ? cell[0]
		      : i < BAR - nr_whole          ? cell[1]
						    : cell[2],
		      stdout);
	}
	printf("%s]\n", ink(style, PLAIN));
}

/* ------------------------------------------------------------------- tables */

static void blocks_row(const struct show_machine *m, const char *label, const uint64_t *nr_free,
		       const struct style *style, bool dim)
{
	unsigned int width = column(m);
	char text[24];

	printf("%s%-*.*s", dim ? ink(style, DIM) : "", LABEL, LABEL - 1, label);
	for (unsigned int o = 0; o < m->nr_orders; o++) {
		count_text(nr_free[o], width, text, sizeof(text));
		printf("%*s", (int)width, text);
	}
	printf("%s\n", dim ? ink(style, PLAIN) : "");
}

/* Thousandths as per cent, or as an index; "-": says nothing here. */
static void index_row(const struct show_machine *m, const char *label, const int *index,
		      bool percent, const struct style *style)
{
	unsigned int width = column(m);
	char text[24];

	printf("%-*s", LABEL, label);
	for (unsigned int o = 0; o < m->nr_orders; o++) {
		int v = index[o];
		enum ink colour = v < 500 ? PLAIN : v < 900 ? WARN : BAD;

		if (v < 0)
			snprintf(text, sizeof(text), "-");
		else if (percent)
			snprintf(text, sizeof(text), "%d", (v + 5) / 10);
		else
			snprintf(text, sizeof(text),
				 width < 5 && v < 1000 ? "%.0d.%02d" : "%d.%02d", v / 1000,
				 v % 1000 / 10);
		printf("%s%*s%s", ink(style, colour), (int)width, text,
		       colour == PLAIN ? "" : ink(style, PLAIN));
	}
	putchar('\n');
}

static void orders_table(const struct show_machine *m, const struct show_zone *zone,
			 const struct style *style)
{
	unsigned int width = column(m);

	if (!zone->has_blocks)
		return;
	printf("%s%-*s", ink(style, BOLD), LABEL, "order");
	for (unsigned int o = 0; o < m->nr_orders; o++)
		printf("%*u", (int)width, o);
	printf("%s\n", ink(style, PLAIN));
	blocks_row(m, "free blocks", zone->nr_free, style, false);
	for (unsigned int t = 0; style->detail == ALL && t < zone->nr_types; t++) {
		char label[24];

		snprintf(label, sizeof(label), " %s", zone->types[t].name);
		blocks_row(m, label, zone->types[t].nr_free, style, true);
	}
	index_row(m, "unusable %", zone->unusable, true, style);
	index_row(m, "extfrag", zone->extfrag, false, style);
}

static void pageblocks_line(const struct show_zone *zone)
{
	uint64_t total = 0;

	if (!zone->has_types)
		return;
	for (unsigned int t = 0; t < zone->nr_types; t++)
		total += zone->types[t].pageblocks;
	printf("%-*s", LABEL, "pageblocks");
	for (unsigned int t = 0; t < zone->nr_types; t++)
		printf("%s%llu %s", t ? ", " : "", (unsigned long long)zone->types[t].pageblocks,
		       zone->types[t].name);
	printf(" of %llu\n", (unsigned long long)total);
}

/* --------------------------------------------------------------------- zone */

static void heading(const struct show_machine *m, const struct show_zone *zone,
		    const struct style *style)
{
	char free[24], managed[24], pcp[24];

	if (!m->has_marks) {
		printf("%sNode %d, zone %s%s: %s free\n", ink(style, BOLD), zone->node, zone->name,
		       ink(style, PLAIN), show_pages(m, zone->free, free, sizeof(free)));
		return;
	}
	printf("%sNode %d, zone %s%s: %s of %s free (%.0f %%), %s in per-CPU lists\n",
	       ink(style, BOLD), zone->node, zone->name, ink(style, PLAIN),
	       show_pages(m, zone->free, free, sizeof(free)),
	       show_pages(m, zone->managed, managed, sizeof(managed)),
	       100.0 * (double)zone->free / (double)zone->managed,
	       show_pages(m, zone->pcp, pcp, sizeof(pcp)));
}

static void marks_line(const struct show_machine *m, const struct show_zone *zone,
		       const struct style *style)
{
	enum ink state = zone->free <= zone->min ? BAD : zone->free <= zone->low ? WARN : GOOD;
	char a[24], b[24], c[24], d[24];

	printf("%s%-*s%s min %s  low %s  high %s", ink(style, state), LABEL - 1,
	       state == BAD    ? "free <= min"
	       : state == WARN ? "free <= low"
			       : "free > low",
	       ink(style, PLAIN), show_pages(m, zone->min, a, sizeof(a)),
	       show_pages(m, zone->low, b, sizeof(b)), show_pages(m, zone->high, c, sizeof(c)));
	if (zone->boost)
		printf("  boost %s", show_pages(m, zone->boost, d, sizeof(d)));
	putchar('\n');
	if (!zone->is_highest)
		printf("%-*s%s kept from requests that may use a higher zone\n", LABEL, "reserve",
		       show_pages(m, zone->reserve, d, sizeof(d)));
}

/* Wrapped at blanks, each line behind a mark. */
static void sentence(const char *text, const char *first)
{
	size_t room = WIDTH - 3;

	while (*text) {
		size_t n = strlen(text);

		if (n > room) {
			for (n = room; n && text[n] != ' ';)
				n--;
			if (!n)
				n = room;
		}
		printf("%s%.*s\n", first, (int)n, text);
		first = "   ";
		text += n;
		text += strspn(text, " ");
	}
}

static void print_zone(const struct show_machine *m, const struct show_zone *zone,
		       const struct style *style)
{
	heading(m, zone, style);
	if (m->has_marks)
		bar(m, zone, style);
	if (style->detail != NO_TABLES) {
		if (m->has_marks)
			marks_line(m, zone, style);
		orders_table(m, zone, style);
	}
	if (style->detail == ALL)
		pageblocks_line(zone);
	fputs(ink(style, show_is_served(zone->rule) ? PLAIN
			 : !zone->first_failing     ? BAD
						    : WARN),
	      stdout);
	sentence(zone->text, style->utf8 ? "→  " : "-> ");
	fputs(ink(style, PLAIN), stdout);
}

/* Lines that a zone takes. */
static unsigned int zone_lines(const struct show_zone *zone, enum detail detail)
{
	unsigned int lines = 3 + (unsigned int)strlen(zone->text) / (WIDTH - 12) + 1;

	if (detail != NO_TABLES)
		lines += 1 + !zone->is_highest + (zone->has_blocks ? 4 : 0);
	if (detail == ALL)
		lines += zone->nr_types + 1;
	return lines;
}

static enum detail fitting(const struct show_machine *machine, unsigned int rows)
{
	enum detail detail = ALL;

	for (; rows && detail < NO_TABLES; detail++) {
		unsigned int lines = 2;

		for (unsigned int i = 0; i < machine->nr_zones; i++)
			lines += zone_lines(&machine->zones[i], detail);
		if (lines < rows)
			break;
	}
	return detail;
}

void show_text(const struct show_machine *machine, bool colour, bool utf8, unsigned int rows)
{
	const struct style style = { colour, utf8, fitting(machine, rows) };
	time_t time = (time_t)machine->time;
	char when[32] = "";

	if (machine->time)
		strftime(when, sizeof(when), ", %F %T", localtime(&time));
	printf("%.*s%s%s%s\n", 40, machine->kernel[0] ? machine->kernel : "Linux", when,
	       machine->where[0] ? ", from " : "", machine->where);
	for (unsigned int i = 0; i < machine->notes.nr; i++)
		sentence(machine->notes.text[i], "!  ");
	if (!machine->has_marks)
		sentence("Sizes and watermarks are not known: no zoneinfo is there.", "!  ");
	if (machine->has_marks)
		printf("Bars: %s used, %s free in small blocks, %s free in whole pageblocks\n",
		       utf8 ? "░" : ".", utf8 ? "▒" : "+", utf8 ? "█" : "#");
	for (unsigned int i = 0; i < machine->nr_zones; i++) {
		putchar('\n');
		print_zone(machine, &machine->zones[i], &style);
	}
}
