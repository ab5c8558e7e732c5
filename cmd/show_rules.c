// SPDX-License-Identifier: MIT
/*
 * What could fail in a zone, and by which rule: an ordinary request (GFP_KERNEL) that
 * does not wait, order by order, asked of trace/rules.
 */
#include <stdarg.h>
#include <string.h>

#include <rules/rules.h>

#include "show.h"

const char *show_rule_name(enum show_rule rule)
{
	static const char *const names[] = { "none",      "lowmem_reserve", "out_of_memory",
					     "watermark", "fragmentation",  "migratetype" };

	return names[rule];
}

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

enum show_rule show_check(const struct show_machine *machine, const struct show_zone *from,
			  unsigned int order, bool from_above)
{
	static const enum show_rule rules[] = {
		[PB_STEP_SERVED] = SHOW_OK,         [PB_STEP_MEMORY] = SHOW_MEMORY,
		[PB_STEP_HIGHATOMIC] = SHOW_MEMORY, [PB_STEP_RESERVE] = SHOW_RESERVE,
		[PB_STEP_PAGES] = SHOW_WATERMARK,   [PB_STEP_PIECES] = SHOW_FRAGMENTED,
		[PB_STEP_TYPE] = SHOW_MIGRATETYPE,
	};
	const struct pb_rule_request request = { .order = order,
						 .gfp = PB_GFP_KERNEL,
						 .release = show_release(machine) };
	struct pb_rule_zone zone;
	struct pb_rule_result result;

	show_rule_zone(machine, from, &zone);
	zone.reserve = from_above ? (int64_t)from->reserve : 0;
	pb_rule_judge(&request, &zone, &result);
	return rules[pb_rule_step(&result)];
}

static unsigned int first_failing(const struct show_machine *machine, const struct show_zone *zone,
				  bool from_above, enum show_rule *rule)
{
	for (unsigned int o = 0; o < machine->nr_orders; o++) {
		*rule = show_check(machine, zone, o, from_above);
		if (*rule != SHOW_OK)
			return o;
	}
	*rule = SHOW_OK;
	return machine->nr_orders;
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

static void say_memory(const struct show_machine *m, struct show_zone *zone)
{
	char free[24], min[24], cma[24], rest[24];
	uint64_t usable = zone->free > zone->cma ? zone->free - zone->cma : 0;

	if (zone->free > zone->min && zone->cma) {
		say(zone,
		    "Even one page must wait for reclaim, unless it is movable: of %s free %s are CMA, "
		    "which only movable requests may use; the other %s are not above the min "
		    "watermark of %s",
		    show_pages(m, zone->free, free, sizeof(free)),
		    show_pages(m, zone->cma, cma, sizeof(cma)),
		    show_pages(m, usable, rest, sizeof(rest)),
		    show_pages(m, zone->min, min, sizeof(min)));
		return;
	}
	say(zone,
	    "Even one page must wait for reclaim: %s free is not above the min watermark of "
	    "%s; only atomic requests may still dip into the reserve",
	    show_pages(m, zone->free, free, sizeof(free)),
	    show_pages(m, zone->min, min, sizeof(min)));
}

static void say_watermark(const struct show_machine *m, struct show_zone *zone)
{
	char size[24], free[24], min[24];

	say(zone,
	    "Order %u (%s) and above fails without reclaim: it would take the %s free below "
	    "the min watermark of %s",
	    zone->first_failing, show_pages(m, 1ull << zone->first_failing, size, sizeof(size)),
	    show_pages(m, zone->free, free, sizeof(free)),
	    show_pages(m, zone->min, min, sizeof(min)));
}

/* compaction is worth it where the index is above 0.500 (vm.extfrag_threshold) */
static void say_fragmented(const struct show_machine *m, struct show_zone *zone)
{
	unsigned int order = zone->first_failing;
	int index = zone->extfrag[order] < 0 ? 0 : zone->extfrag[order];
	char size[24], free[24];

	say(zone,
	    "Order %u (%s) and above fails at once: %s are free, but no block is greater than "
	    "order %u; extfrag index 0.%03d: %s",
	    order, show_pages(m, 1ull << order, size, sizeof(size)),
	    show_pages(m, zone->free, free, sizeof(free)), order - 1, index > 999 ? 999 : index,
	    index > 500 ? "fragmentation, compaction can help"
			: "rather lack of memory, reclaim can help");
}

static void say_migratetype(const struct show_machine *m, struct show_zone *zone)
{
	char size[24];

	say(zone,
	    "Order %u (%s) and above fails: its only free blocks are on lists kept for atomic, "
	    "CMA or isolated memory",
	    zone->first_failing, show_pages(m, 1ull << zone->first_failing, size, sizeof(size)));
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
		say(zone, "One page succeeds at once; without buddyinfo nothing is known of higher "
			  "orders");
		return;
	}
	say(zone,
	    "Nothing fails: every order up to %u (%s) succeeds at once, %llu block%s of the "
	    "greatest %s free",
	    top, show_pages(m, 1ull << top, size, sizeof(size)),
	    (unsigned long long)zone->nr_free[top], zone->nr_free[top] == 1 ? "" : "s",
	    zone->nr_free[top] == 1 ? "is" : "are");
}

static void say_reclaim(const struct show_machine *m, struct show_zone *zone)
{
	char low[24];

	if (!m->has_marks || zone->rule == SHOW_MEMORY || zone->free > zone->low)
		return;
	say(zone, "; kswapd is awake: free memory is not above the low watermark of %s",
	    show_pages(m, zone->low, low, sizeof(low)));
}

/* The same zone, seen by requests that would rather have a higher one. */
static void say_above(const struct show_machine *m, struct show_zone *zone)
{
	char reserve[24];

	if (!m->has_marks || zone->is_highest || zone->rule == SHOW_MEMORY)
		return;
	if (zone->rule_above == SHOW_RESERVE)
		say(zone,
		    "; requests that may use a higher zone can't come here: the lowmem reserve "
		    "keeps %s from them",
		    show_pages(m, zone->reserve, reserve, sizeof(reserve)));
	else if (zone->first_failing_above < zone->first_failing)
		say(zone,
		    "; requests that may use a higher zone fail from order %u on, because of "
		    "the lowmem reserve of %s",
		    zone->first_failing_above,
		    show_pages(m, zone->reserve, reserve, sizeof(reserve)));
}

static void say_all(const struct show_machine *machine, struct show_zone *zone)
{
	zone->text[0] = '\0';
	switch (zone->rule) {
	case SHOW_MEMORY:
		say_memory(machine, zone);
		break;
	case SHOW_WATERMARK:
		say_watermark(machine, zone);
		break;
	case SHOW_FRAGMENTED:
		say_fragmented(machine, zone);
		break;
	case SHOW_MIGRATETYPE:
		say_migratetype(machine, zone);
		break;
	default:
		say_ok(machine, zone);
	}
	say_reclaim(machine, zone);
	say_above(machine, zone);
	say(zone, ".");
}

void show_judge(struct show_machine *machine)
{
	for (unsigned int i = 0; i < machine->nr_zones; i++) {
		struct show_zone *zone = &machine->zones[i];

		zone->first_failing = first_failing(machine, zone, false, &zone->rule);
		zone->first_failing_above = first_failing(machine, zone, true, &zone->rule_above);
		say_all(machine, zone);
	}
}
