// SPDX-License-Identifier: MIT
/* Two saved copies of /proc, zone by zone. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "show.h"

#define VERB "compare"

struct pair {
	const struct show_zone *zone[2]; /* NULL: it has no such zone */
};

static const struct show_zone *find(const struct show_machine *machine,
				    const struct show_zone *wanted)
{
	for (unsigned int i = 0; i < machine->nr_zones; i++)
		if (machine->zones[i].node == wanted->node &&
		    !strcmp(machine->zones[i].name, wanted->name))
			return &machine->zones[i];
	return NULL;
}

static unsigned int match(const struct show_machine machines[2], struct pair *pairs)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < machines[0].nr_zones; i++)
		pairs[nr++] = (struct pair){ { &machines[0].zones[i],
					       find(&machines[1], &machines[0].zones[i]) } };
	for (unsigned int i = 0; i < machines[1].nr_zones; i++)
		if (!find(&machines[0], &machines[1].zones[i]))
			pairs[nr++] = (struct pair){ { NULL, &machines[1].zones[i] } };
	return nr;
}

/* --------------------------------------------------------------------- text */

/* What only zoneinfo tells is not known without it. */
static void print_amount(const struct show_machine machines[2], const char *what, bool by_zoneinfo,
			 uint64_t a, uint64_t b)
{
	const uint64_t pages[2] = { a, b };
	char text[2][24], change[32] = "";
	double bytes[2];
	bool known = true;

	if (!a && !b)
		return;
	for (int s = 0; s < 2; s++) {
		bytes[s] = (double)(pages[s] * machines[s].page_size);
		if (by_zoneinfo && !machines[s].has_marks) {
			snprintf(text[s], sizeof(text[s]), "not known");
			known = false;
		} else {
			show_pages(&machines[s], pages[s], text[s], sizeof(text[s]));
		}
	}
	printf("  %-28s%16s%16s%14s\n", what, text[0], text[1],
	       known ? compare_change(bytes[0], bytes[1], change, sizeof(change)) : "");
}

static void print_count(const char *what, uint64_t a, uint64_t b)
{
	char change[32];

	if (a || b)
		printf("  %-28s%16" PRIu64 "%16" PRIu64 "%14s\n", what, a, b,
		       compare_change((double)a, (double)b, change, sizeof(change)));
}

static uint64_t pageblocks(const struct show_zone *zone, const char *type)
{
	for (unsigned int t = 0; t < zone->nr_types; t++)
		if (!strcmp(zone->types[t].name, type))
			return zone->types[t].pageblocks;
	return 0;
}

static void print_pageblocks(const struct pair *pair)
{
	static const char *const types[] = { "Unmovable",  "Movable", "Reclaimable",
					     "HighAtomic", "CMA",     "Isolate" };

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		char what[32];

		snprintf(what, sizeof(what), "pageblocks %s", types[t]);
		print_count(what, pageblocks(pair->zone[0], types[t]),
			    pageblocks(pair->zone[1], types[t]));
	}
}

/* "order 4 and above would be refused at once (fragmented)" */
static void first_failing(const struct show_machine *machine, const struct show_zone *zone,
			  char *text, size_t size)
{
	if (!show_is_served(zone->rule))
		snprintf(text, size, "order %u and above would be refused at once (%s)",
			 zone->first_failing, pb_verdict_word(zone->rule));
	else if (!zone->has_blocks)
		snprintf(text, size,
			 "one page would be served; without buddyinfo no more is known");
	else if (!machine->has_marks)
		snprintf(text, size, "a block of every order is free; watermarks are not known");
	else
		snprintf(text, size, "every order would be served at once");
}

/* In a column of so many characters: "123k" where it does not fit, a sign if asked for. */
static void print_short(long long n, unsigned int width, bool sign)
{
	static const char units[] = " kMGT";
	char text[32];
	unsigned int unit = 0;

	snprintf(text, sizeof(text), sign ? "%+lld" : "%lld", n);
	while (strlen(text) >= width && unit < 4) {
		n /= 1000;
		unit++;
		snprintf(text, sizeof(text), sign ? "%+lld%c" : "%lld%c", n, units[unit]);
	}
	printf("%*s", (int)width, text);
}

static void print_blocks(const struct show_machine machines[2], const struct pair *pair)
{
	unsigned int orders = machines[0].nr_orders > machines[1].nr_orders ? machines[0].nr_orders
									    : machines[1].nr_orders;
	const unsigned int width = orders > 13 ? 4 : 6;

	if (!pair->zone[0]->has_blocks || !pair->zone[1]->has_blocks)
		return;
	printf("  %-8s", "order");
	for (unsigned int o = 0; o < orders; o++)
		printf("%*u", (int)width, o);
	putchar('\n');
	for (int s = 0; s < 2; s++) {
		printf("  %c %-6s", "AB"[s], "blocks");
		for (unsigned int o = 0; o < orders; o++)
			print_short((long long)pair->zone[s]->nr_free[o], width, false);
		putchar('\n');
	}
	printf("  %-8s", "B - A");
	for (unsigned int o = 0; o < orders; o++)
		print_short((long long)(pair->zone[1]->nr_free[o] - pair->zone[0]->nr_free[o]),
			    width, true);
	putchar('\n');
	for (int s = 0; s < 2; s++) {
		printf("  %c %-6s", "AB"[s], "unus.%");
		for (unsigned int o = 0; o < machines[s].nr_orders; o++)
			printf("%*d", (int)width, (pair->zone[s]->unusable[o] + 5) / 10);
		putchar('\n');
	}
}

static void print_pair(const struct show_machine machines[2], const struct pair *pair)
{
	const struct show_zone *a = pair->zone[0], *b = pair->zone[1];
	char text[80];

	printf("\nNode %d, zone %s\n", a ? a->node : b->node, a ? a->name : b->name);
	if (!a || !b) {
		printf("  is only in %s\n", a ? "A" : "B");
		return;
	}
	for (int s = 0; s < 2; s++) {
		first_failing(&machines[s], pair->zone[s], text, sizeof(text));
		printf("  %c: %s\n", "AB"[s], text);
	}
	printf("  %-28s%16s%16s%14s\n", "", "A", "B", "B beside A");
	print_amount(machines, "managed", true, a->managed, b->managed);
	print_amount(machines, "free", false, a->free, b->free);
	print_amount(machines, "in per-CPU lists", true, a->pcp, b->pcp);
	print_amount(machines, "min watermark", true, a->min, b->min);
	print_amount(machines, "boost", true, a->boost, b->boost);
	print_amount(machines, "lowmem reserve", true, a->reserve, b->reserve);
	print_amount(machines, "highatomic", true, a->highatomic, b->highatomic);
	print_amount(machines, "free CMA", true, a->cma, b->cma);
	print_count("free 2 MiB blocks", a->free_2m, b->free_2m);
	print_pageblocks(pair);
	print_blocks(machines, pair);
}

static void print_text(const struct show_machine machines[2], const struct compare *compare,
		       const struct pair *pairs, unsigned int nr)
{
	for (int s = 0; s < 2; s++) {
		printf("%c  %s%s%s\n", "AB"[s], compare -> path[s],
		       machines[s].kernel[0] ? ", " : "", machines[s].kernel);
		for (unsigned int i = 0; i < machines[s].notes.nr; i++)
			printf("   %s\n", machines[s].notes.text[i]);
	}
	for (unsigned int i = 0; i < nr; i++)
		print_pair(machines, &pairs[i]);
}

/* --------------------------------------------------------------------- JSON */

static json_t *side_json(const char *path, const struct show_machine *machine)
{
	json_t *name = json_string(path);

	return json_pack("{s:o, s:s, s:I}", "name", name ? name : json_string("?"), "kernel",
			 machine->kernel, "page_size", (json_int_t)machine->page_size);
}

static int print_json(const struct show_machine machines[2], const struct compare *compare,
		      const struct pair *pairs, unsigned int nr)
{
	json_t *zones = json_array();

	for (unsigned int i = 0; i < nr; i++) {
		const struct show_zone *any = pairs[i].zone[0] ? pairs[i].zone[0]
							       : pairs[i].zone[1];
		json_t *side[2];

		for (int s = 0; s < 2; s++)
			side[s] = pairs[i].zone[s] ? show_zone_json(&machines[s], pairs[i].zone[s])
						   : json_null();
		json_array_append_new(zones,
				      json_pack("{s:i, s:s, s:o, s:o}", "node", any->node, "zone",
						any->name, "a", side[0], "b", side[1]));
	}
	return cmd_print_json(json_pack("{s:i, s:s, s:s, s:o, s:o, s:o}", "schema", CMD_SCHEMA,
					"kind", "compare", "of", "snapshots", "a",
					side_json(compare->path[0], &machines[0]), "b",
					side_json(compare->path[1], &machines[1]), "zones", zones));
}

int compare_snapshots(const struct compare *compare)
{
	struct show_machine *machines = calloc(2, sizeof(*machines));
	struct pair pairs[2 * SHOW_MAX_ZONES];
	char error[256];
	unsigned int nr;
	int status = CMD_OK;

	if (!machines)
		return cmd_error(VERB, "no memory"), CMD_FAILED;
	for (int s = 0; s < 2 && !status; s++)
		if (show_read(compare->path[s], &machines[s], error, sizeof(error)))
			status = cmd_error(VERB, "%s", error);
	if (!status) {
		nr = match(machines, pairs);
		if (compare->format == CMD_JSON)
			status = print_json(machines, compare, pairs, nr);
		else
			print_text(machines, compare, pairs, nr);
	}
	free(machines);
	return status;
}
