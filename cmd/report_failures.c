// SPDX-License-Identifier: MIT
/*
 * Each recorded failure with its reason, zone by zone, and what the page says
 * first: the conclusion, in sentences. The reasons are those of `explain`.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

struct collector {
	const struct report *report;
	struct report_tasks *tasks;
	json_t *gfp_names;
	json_t *list;
};

/* -------------------------------------------------------------------- failures */

static int zone_index(const struct pbr_run *run, const struct pbr_zone *zone)
{
	for (unsigned int z = 0; z < run->nr_zones; z++)
		if (run->zones[z].node == zone->node && run->zones[z].type == zone->type)
			return (int)z;
	return -1;
}

static json_t *zone_json(const struct pbr_run *run, const struct pbr_verdict *verdict)
{
	json_t *blocks = json_array();

	for (unsigned int o = 0; o <= run->max_order; o++)
		json_array_append_new(blocks, json_integer((json_int_t)verdict->now.blocks[o]));
	return json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:o}", "zone",
			 zone_index(run, &verdict->zone), "rule", pb_verdict_word(verdict->rule),
			 "text", verdict->text, "free", (json_int_t)verdict->now.free, "usable",
			 (json_int_t)verdict->usable, "mark", (json_int_t)verdict->mark, "reserve",
			 (json_int_t)verdict->reserve, "largest_order", verdict->greatest_order,
			 "blocks", blocks);
}

static void add_failure(void *ctx, const struct pbr_event *event, const struct pbr_explain *explain)
{
	struct collector *c = ctx;
	const struct report *r = c->report;
	json_t *zones = json_array();
	char gfp[512], key[16];

	for (unsigned int i = 0; i < explain->nr_verdicts; i++)
		json_array_append_new(zones, zone_json(&r->follow, &explain->verdicts[i]));
	snprintf(key, sizeof(key), "%u", event->gfp);
	if (!json_object_get(c->gfp_names, key)) {
		pb_gfp_name(event->gfp, gfp, sizeof(gfp));
		json_object_set_new(c->gfp_names, key, json_string(gfp));
	}
	json_array_append_new(
		c->list, json_pack("{s:f, s:i, s:i, s:I, s:i, s:s, s:s, s:i, s:o}", "time",
				   (double)(event->time - r->input->start_time) / 1e9, "order",
				   explain->order, "migratetype", (int)explain->migratetype, "gfp",
				   (json_int_t)event->gfp, "task",
				   (int)report_task(r, c->tasks, event->task), "rule",
				   pb_verdict_word(explain->rule), "sentence", explain->sentence,
				   "decides", explain->decides, "zones", zones));
}

json_t *report_failures(const struct report *report, struct report_tasks *tasks, json_t *gfp_names)
{
	struct collector c = { report, tasks, gfp_names, json_array() };

	if (pbr_explain_failures(report->input, report->filtered ? &report->filter : NULL,
				 REPORT_MAX_REASONS, add_failure, &c))
		cmd_error("report", "no memory for the reasons of the failures");
	return c.list;
}

/* ------------------------------------------------------------------ conclusion */

static void say(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(json_t *list, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(list, json_string(text));
}

static unsigned long long u(uint64_t value)
{
	return value;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "52 of order 3, 35 of order 9" */
static void list_orders(const struct pbr_run *run, char *text, size_t size)
{
	uint64_t left[PBR_ORDERS];
	size_t used = 0;

	memcpy(left, run->failures_by_order, sizeof(left));
	*text = '\0';
	for (;;) {
		unsigned int most = 0;

		for (unsigned int o = 1; o < PBR_ORDERS; o++)
			if (left[o] > left[most])
				most = o;
		if (!left[most] || used >= size)
			return;
		used += (size_t)snprintf(text + used, size - used, "%s%llu of order %u",
					 used ? ", " : "", u(left[most]), most);
		left[most] = 0;
	}
}

/* How often each rule decided, and its first sentence. */
struct tally {
	const char *rule, *sentence;
	uint64_t times;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void count_reason(struct tally *tallies, unsigned int *nr, const json_t *failure)
{
	unsigned int i = 0;

	while (i < *nr && strcmp(tallies[i].rule, text_of(failure, "rule")))
		i++;
	if (i == *nr)
		tallies[(*nr)++] = (struct tally){ text_of(failure, "rule"),
						   text_of(failure, "sentence"), 0 };
	tallies[i].times++;
}

static int by_times(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return (x->times < y->times) - (x->times > y->times);
}

static void say_reasons(const json_t *failures, json_t *list)
{
	struct tally tallies[PB_NR_VERDICT_WORDS];
	unsigned int nr = 0;
	size_t i;
	json_t *failure;

	json_array_foreach((json_t *)failures, i, failure) count_reason(tallies, &nr, failure);
	qsort(tallies, nr, sizeof(*tallies), by_times);
	for (i = 0; i < nr; i++)
		say(list, "%llu by %s. The first of them: %s", u(tallies[i].times),
		    !strcmp(tallies[i].rule, pb_verdict_word(PB_SAYS_UNKNOWN))
			    ? "a rule that can't be told"
			    : tallies[i].rule,
		    tallies[i].sentence);
}

static void say_lowest(const struct pbr_run *run, json_t *list)
{
	uint64_t lowest = UINT64_MAX, time = 0, start = run->nr_samples ? run->samples[0].time : 0;

	for (uint32_t i = 0; i < run->nr_samples; i++) {
		uint64_t blocks = 0;

		for (unsigned int z = 0; z < run->nr_zones; z++)
			blocks += run->samples[i].zones[z].free_2m;
		if (blocks < lowest) {
			lowest = blocks;
			time = run->samples[i].time;
		}
	}
	if (lowest != UINT64_MAX)
		say(list,
		    "At the worst moment, %.1f s after the start, %llu block%s of order %u could be "
		    "had.",
		    (double)(time - start) / 1e9, u(lowest), plural(lowest), PBR_HUGE_ORDER);
}

json_t *report_conclusion(const struct report *report, const json_t *failures)
{
	const struct pbr_run *run = &report->follow;
	json_t *list = json_array();
	char orders[400];

	if (run->failures) {
		list_orders(run, orders, sizeof(orders));
		say(list, "%llu request%s failed: %s.", u(run->failures), plural(run->failures),
		    orders);
		say_reasons(failures, list);
		if (json_array_size(failures) < run->failures)
			say(list, "These reasons are of the first %zu failures.",
			    json_array_size(failures));
	} else {
		say(list, "No request failed; %llu took memory of another migratetype.",
		    u(run->fallbacks));
	}
	if (pbr_start_known(report->input))
		say_lowest(run, list);
	else
		say(list,
		    "No snapshot of the start is there: what was in use before the trace is not "
		    "known, so the charts show a machine that was empty then. Only what changes "
		    "in them was recorded.");
	return list;
}
