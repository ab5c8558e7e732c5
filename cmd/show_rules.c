// SPDX-License-Identifier: MIT
/*
 * What could fail in a zone, and by which rule: an ordinary request (GFP_KERNEL) that
 * does not wait, order by order, asked of trace/rules.
 */
#include <stdarg.h>
#include <string.h>

#include <rules/words.h>

#include "show.h"

/* A question to the rules, and their answer. */
struct show_asked_rule {
	struct pb_rule_request request;
	struct pb_rule_zone zone;
	struct pb_rule_result result;
};

uint8_t show_letter(const char *type)
{
	static const struct {
		const char *type;
		uint8_t letter;
	} letters[] = {
		{ "Unmovable", PB_LETTER_U },   { "Movable", PB_LETTER_M },
		{ "Reclaimable", PB_LETTER_E }, { "Reserve", PB_LETTER_R },
		{ "CMA", PB_LETTER_C },         { "HighAtomic", PB_LETTER_H },
		{ "Isolate", PB_LETTER_I },
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (!strcmp(type, letters[i].type))
			return letters[i].letter;
	return PB_LETTER_U;
}

uint32_t show_release(const struct show_machine *machine)
{
	uint32_t release = strncmp(machine->kernel, "Linux ", 6)
				   ? 0
				   : pb_release_parse(machine->kernel + 6);

	return release ? release : SHOW_ASSUMED;
}

void show_rule_zone(const struct show_machine *machine, const struct show_zone *from,
		    struct pb_rule_zone *zone)
{
	*zone = (struct pb_rule_zone){
		.free = (int64_t)from->free,
		.min = (int64_t)from->min,
		.boost = (int64_t)from->boost,
		.free_cma = (int64_t)from->cma,
		.reserved_highatomic = (int64_t)from->highatomic,
		.free_highatomic = (int64_t)from->highatomic,
		.managed = (int64_t)from->managed,
		.no_marks = !machine->has_marks,
		.has_lists = from->has_blocks,
		.has_letters = from->has_types,
		.nr_orders = machine->nr_orders < PB_RULE_ORDERS ? machine->nr_orders
								 : PB_RULE_ORDERS,
	};
	for (unsigned int o = 0; o < zone->nr_orders; o++) {
		zone->blocks[o] = from->nr_free[o];
		for (unsigned int t = 0; t < from->nr_types; t++)
			if (from->types[t].nr_free[o])
				zone->letters[o] |= show_letter(from->types[t].name);
	}
}

/* An ordinary request for this zone, or one that would rather have a higher one. */
static void ask(const struct show_machine *machine, const struct show_zone *from,
		unsigned int order, bool from_above, struct show_asked_rule *asked)
{
	asked->request = (struct pb_rule_request){ .order = order,
						   .gfp = PB_GFP_KERNEL,
						   .release = show_release(machine) };
	show_rule_zone(machine, from, &asked->zone);
	asked->zone.reserve = from_above ? (int64_t)from->reserve : 0;
	pb_rule_judge(&asked->request, &asked->zone, &asked->result);
}

static unsigned int first_failing(const struct show_machine *machine, const struct show_zone *zone,
				  bool from_above, struct show_asked_rule *asked)
{
	unsigned int order = 0;

	do {
		ask(machine, zone, order, from_above, asked);
	} while (show_is_served(asked->result.word) && ++order < machine->nr_orders);
	return order;
}

/* ------------------------------------------------------------- the sentence */

const char *show_pages(const struct show_machine *machine, uint64_t pages, char *text, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double amount = (double)pages * (double)machine->page_size / 1024;
	unsigned int unit = 0;

	while (amount >= 1024 && unit < 3) {
		amount /= 1024;
		unit++;
	}
	snprintf(text, size, amount < 10 && amount != (double)(int)amount ? "%.1f %s" : "%.0f %s",
		 amount, units[unit]);
	return text;
}

static void say(struct show_zone *zone, const char *format, ...)
{
	size_t used = strlen(zone->text);
	va_list args;

	va_start(args, format);
	vsnprintf(zone->text + used, sizeof(zone->text) - used, format, args);
	va_end(args);
}

/* The words of `explain`. Compaction is worth it above 0.500 (vm.extfrag_threshold). */
static void say_refused(const struct show_machine *m, struct show_zone *zone,
			const struct show_asked_rule *asked)
{
	unsigned int order = zone->first_failing;
	int index = zone->extfrag[order] < 0 ? 0 : zone->extfrag[order];
	char size[24], reason[512];

	pb_rule_reason(&asked->request, &asked->zone, &asked->result, reason, sizeof(reason));
	show_pages(m, 1ull << order, size, sizeof(size));
	if (order)
		say(zone, "Order %u (%s) and above", order, size);
	else
		say(zone, "Even one page (%s)", size);
	say(zone, " would be refused at once by %s: %s", pb_rule_cause(zone->rule), reason);
	if (zone->rule == PB_SAYS_FRAGMENTED)
		say(zone, "; extfrag index 0.%03d: %s", index > 999 ? 999 : index,
		    index > 500 ? "fragmentation, compaction can help"
				: "rather lack of memory, reclaim can help");
}

static void say_ok(const struct show_machine *m, struct show_zone *zone)
{
	unsigned int top = m->nr_orders ? m->nr_orders - 1 : 0;
	char size[24];

	if (!m->has_marks) {
		say(zone,
		    "A block of every order up to %u (%s) is free; whether a request may have it "
		    "depends on watermarks, which are not known without zoneinfo",
		    top, show_pages(m, 1ull << top, size, sizeof(size)));
		return;
	}
	if (!zone->has_blocks) {
		say(zone, "One page would be served at once; without buddyinfo nothing is known of "
			  "higher orders");
		return;
	}
	say(zone,
	    "Nothing fails: every order up to %u (%s) would be served at once, %llu block%s of "
	    "the greatest %s free",
	    top, show_pages(m, 1ull << top, size, sizeof(size)),
	    (unsigned long long)zone->nr_free[top], zone->nr_free[top] == 1 ? "" : "s",
	    zone->nr_free[top] == 1 ? "is" : "are");
}

static void say_reclaim(const struct show_machine *m, struct show_zone *zone)
{
	char low[24];

	if (!m->has_marks || zone->free > zone->low)
		return;
	say(zone, "; kswapd is awake: free memory is not above the low watermark of %s",
	    show_pages(m, zone->low, low, sizeof(low)));
}

/* The same zone, seen by requests that would rather have a higher one. */
static void say_above(const struct show_machine *m, struct show_zone *zone)
{
	char reserve[24];

	if (!m->has_marks || zone->is_highest || zone->first_failing_above >= zone->first_failing)
		return;
	show_pages(m, zone->reserve, reserve, sizeof(reserve));
	if (!zone->first_failing_above)
		say(zone,
		    "; requests that may use a higher zone can't come here: lowmem_reserve keeps %s "
		    "from them",
		    reserve);
	else
		say(zone,
		    "; requests that may use a higher zone would be refused from order %u on, "
		    "because of the lowmem_reserve of %s",
		    zone->first_failing_above, reserve);
}

static void judge_zone(const struct show_machine *machine, struct show_zone *zone)
{
	struct show_asked_rule asked;

	zone->first_failing_above = first_failing(machine, zone, true, &asked);
	zone->rule_above = asked.result.word;
	zone->first_failing = first_failing(machine, zone, false, &asked);
	zone->rule = asked.result.word;
	zone->text[0] = '\0';
	if (show_is_served(zone->rule))
		say_ok(machine, zone);
	else
		say_refused(machine, zone, &asked);
	say_reclaim(machine, zone);
	say_above(machine, zone);
	say(zone, ".");
}

void show_judge(struct show_machine *machine)
{
	for (unsigned int i = 0; i < machine->nr_zones; i++)
		judge_zone(machine, &machine->zones[i]);
}
