// SPDX-License-Identifier: MIT
/*
 * The same for Prometheus, by way of node_exporter's textfile collector: the
 * text format, which is OpenMetrics too (gauges only, base units, # EOF).
 *
 *	# HELP pagebuddy_free_blocks Free blocks of 2^order pages.
 *	# TYPE pagebuddy_free_blocks gauge
 *	pagebuddy_free_blocks{node="0",zone="Normal",order="3"} 52
 *
 * Headroom is what an ordinary request (GFP_KERNEL) for this zone would meet,
 * asked of the rules that explain asks.
 */
#include <inttypes.h>
#include <string.h>

#include <rules/rules.h>

#include "show.h"

struct family {
	const char *name, *help;
	bool by_order, needs_marks;
	void (*print)(const struct show_machine *machine, const struct show_zone *zone,
		      const struct family *family);
};

/* A backslash, a quote or a newline in a label's value. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", stdout);
			continue;
		}
		if (*text == '\\' || *text == '"')
			putchar('\\');
		putchar(*text);
	}
}

/* name{node="0",zone="Normal" and what the caller adds to it */
static void begin(const struct family *family, const struct show_zone *zone)
{
	printf("%s{node=\"%d\",zone=\"", family->name, zone->node);
	print_escaped(zone->name);
	putchar('"');
}

static void add_label(const char *name, const char *value)
{
	printf(",%s=\"", name);
	print_escaped(value);
	putchar('"');
}

static void add_order(unsigned int order)
{
	printf(",order=\"%u\"", order);
}

static void end_integer(uint64_t value)
{
	printf("} %" PRIu64 "\n", value);
}

/* ------------------------------------------------------------------- of a zone */

static void print_free(const struct show_machine *m, const struct show_zone *zone,
		       const struct family *family)
{
	begin(family, zone);
	end_integer(zone->free * m->page_size);
}

static void print_managed(const struct show_machine *m, const struct show_zone *zone,
			  const struct family *family)
{
	begin(family, zone);
	end_integer(zone->managed * m->page_size);
}

static void print_reserved(const struct show_machine *m, const struct show_zone *zone,
			   const struct family *family)
{
	const struct {
		const char *name;
		uint64_t pages;
	} kinds[] = { { "cma", zone->cma },
		      { "highatomic", zone->highatomic },
		      { "lowmem", zone->reserve } };

	for (int i = 0; i < 3; i++) {
		begin(family, zone);
		add_label("for", kinds[i].name);
		end_integer(kinds[i].pages * m->page_size);
	}
}

static void print_marks(const struct show_machine *m, const struct show_zone *zone,
			const struct family *family)
{
	const struct {
		const char *name;
		uint64_t pages;
	} marks[] = { { "min", zone->min }, { "low", zone->low }, { "high", zone->high } };

	for (int i = 0; i < 3; i++) {
		begin(family, zone);
		add_label("mark", marks[i].name);
		end_integer(marks[i].pages * m->page_size);
	}
}

static void print_boost(const struct show_machine *m, const struct show_zone *zone,
			const struct family *family)
{
	begin(family, zone);
	end_integer(zone->boost * m->page_size);
}

static void print_pageblocks(const struct show_machine *m, const struct show_zone *zone,
			     const struct family *family)
{
	(void)m;
	for (unsigned int t = 0; t < zone->nr_types; t++) {
		begin(family, zone);
		add_label("migratetype", zone->types[t].name);
		end_integer(zone->types[t].pageblocks);
	}
}

/* ------------------------------------------------------------------- by order */

static void print_blocks(const struct show_machine *m, const struct show_zone *zone,
			 const struct family *family)
{
	for (unsigned int o = 0; zone->has_blocks && o < m->nr_orders; o++) {
		begin(family, zone);
		add_order(o);
		end_integer(zone->nr_free[o]);
	}
}

static void print_blocks_by_type(const struct show_machine *m, const struct show_zone *zone,
				 const struct family *family)
{
	for (unsigned int t = 0; t < zone->nr_types; t++) {
		for (unsigned int o = 0; o < m->nr_orders; o++) {
			begin(family, zone);
			add_order(o);
			add_label("migratetype", zone->types[t].name);
			end_integer(zone->types[t].nr_free[o]);
		}
	}
}

static void print_index(const struct show_machine *m, const struct show_zone *zone,
			const struct family *family, const int *thousandths)
{
	for (unsigned int o = 0; zone->has_blocks && o < m->nr_orders; o++) {
		begin(family, zone);
		add_order(o);
		printf("} %.3f\n", thousandths[o] / 1000.0);
	}
}

static void print_extfrag(const struct show_machine *m, const struct show_zone *zone,
			  const struct family *family)
{
	print_index(m, zone, family, zone->extfrag);
}

static void print_unusable(const struct show_machine *m, const struct show_zone *zone,
			   const struct family *family)
{
	print_index(m, zone, family, zone->unusable);
}

/* ------------------------------------------------------------------- headroom */

static struct pb_rule_request ordinary(const struct show_machine *m, unsigned int order)
{
	return (struct pb_rule_request){ .order = order,
					 .gfp = PB_GFP_KERNEL,
					 .release = show_release(m) };
}

static enum pb_verdict_word judge(const struct show_machine *m, const struct show_zone *zone,
				  unsigned int order, struct pb_rule_result *result)
{
	const struct pb_rule_request request = ordinary(m, order);
	struct pb_rule_zone rule_zone;

	show_rule_zone(m, zone, &rule_zone);
	pb_rule_judge(&request, &rule_zone, result);
	return result->word;
}

/* Blocks of the order that can be cut from those that the request may use. */
static uint64_t usable_blocks(const struct show_machine *m, const struct show_zone *zone,
			      unsigned int order)
{
	const struct pb_rule_request request = ordinary(m, order);
	uint64_t blocks = 0;

	for (unsigned int o = order; o < m->nr_orders; o++) {
		uint64_t here = zone->has_types ? 0 : zone->nr_free[o];

		for (unsigned int t = 0; t < zone->nr_types; t++)
			if (pb_rule_type_usable(&request, show_letter(zone->types[t].name)))
				here += zone->types[t].nr_free[o];
		blocks += here << (o - order);
	}
	return blocks;
}

/* How many requests in a row, if nothing is freed and nothing reclaimed. */
static uint64_t headroom(const struct show_machine *m, const struct show_zone *zone,
			 unsigned int order)
{
	struct pb_rule_result result;
	uint64_t pages, blocks = usable_blocks(m, zone, order);

	if (judge(m, zone, order, &result) != PB_SAYS_WOULD_SUCCEED)
		return 0;
	pages = (uint64_t)(result.usable - result.mark - result.reserve);
	pages = ((pages - 1) >> order) + 1;
	return pages < blocks ? pages : blocks;
}

static void print_headroom(const struct show_machine *m, const struct show_zone *zone,
			   const struct family *family)
{
	for (unsigned int o = 0; zone->has_blocks && o < m->nr_orders; o++) {
		begin(family, zone);
		add_order(o);
		end_integer(headroom(m, zone, o));
	}
}

static void print_verdict(const struct show_machine *m, const struct show_zone *zone,
			  const struct family *family)
{
	struct pb_rule_result result;

	for (unsigned int o = 0; zone->has_blocks && o < m->nr_orders; o++) {
		begin(family, zone);
		add_order(o);
		add_label("verdict", pb_verdict_word(judge(m, zone, o, &result)));
		end_integer(1);
	}
}

/* ------------------------------------------------------------------------ all */

static const struct family families[] = {
	{ "pagebuddy_free_bytes", "Free memory of the zone.", false, false, print_free },
	{ "pagebuddy_managed_bytes", "Memory that the zone's allocator has.", false, true,
	  print_managed },
	{ "pagebuddy_reserved_bytes",
	  "Free memory that ordinary requests may not have, and lowmem_reserve against requests "
	  "that may use a higher zone.",
	  false, true, print_reserved },
	{ "pagebuddy_watermark_bytes", "Watermarks, boost included.", false, true, print_marks },
	{ "pagebuddy_watermark_boost_bytes", "Temporary boost of the watermarks.", false, true,
	  print_boost },
	{ "pagebuddy_pageblocks", "Pageblocks by migratetype.", false, false, print_pageblocks },
	{ "pagebuddy_free_blocks", "Free blocks of 2^order pages.", true, false, print_blocks },
	{ "pagebuddy_free_blocks_by_type", "Free blocks of 2^order pages, by migratetype.", true,
	  false, print_blocks_by_type },
	{ "pagebuddy_fragmentation_index",
	  "-1: a block of the order is free; else towards 0: too little memory, towards 1: "
	  "fragmentation.",
	  true, false, print_extfrag },
	{ "pagebuddy_unusable_index", "Share of free memory in blocks below the order.", true,
	  false, print_unusable },
	{ "pagebuddy_headroom_blocks",
	  "Ordinary requests (GFP_KERNEL) for this zone that would succeed at once, one after the "
	  "other.",
	  true, true, print_headroom },
	{ "pagebuddy_verdict",
	  "What an ordinary request (GFP_KERNEL) for this zone would meet: would_succeed, or the "
	  "rule that refuses it.",
	  true, true, print_verdict },
};

static void print_head(const char *name, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static bool has_samples(const struct show_machine *m, const struct family *family)
{
	bool blocks = false, types = false;

	for (unsigned int i = 0; i < m->nr_zones; i++) {
		blocks |= m->zones[i].has_blocks;
		types |= m->zones[i].nr_types != 0;
	}
	if (family->needs_marks && !m->has_marks)
		return false;
	if (family->print == print_pageblocks || family->print == print_blocks_by_type)
		return types;
	return blocks || !family->by_order;
}

static void print_machine(const struct show_machine *m)
{
	print_head("pagebuddy_kernel", "Whose zones these are; always 1.");
	fputs("pagebuddy_kernel{release=\"", stdout);
	print_escaped(!strncmp(m->kernel, "Linux ", 6) ? m->kernel + 6 : m->kernel);
	fputs("\"} 1\n", stdout);
	print_head("pagebuddy_page_size_bytes", "Size of a page.");
	printf("pagebuddy_page_size_bytes %" PRIu64 "\n", m->page_size);
	if (!m->time)
		return;
	print_head("pagebuddy_seen_timestamp_seconds", "When the zones were looked at.");
	printf("pagebuddy_seen_timestamp_seconds %lld\n", (long long)m->time);
}

int show_metrics(const struct show_machine *machine)
{
	print_machine(machine);
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		const struct family *family = &families[f];

		if (!has_samples(machine, family))
			continue;
		print_head(family->name, family->help);
		for (unsigned int i = 0; i < machine->nr_zones; i++)
			family->print(machine, &machine->zones[i], family);
	}
	fputs("# EOF\n", stdout);
	return CMD_OK;
}
