// SPDX-License-Identifier: MIT
/* pagebuddy explain on a trace: follow it to a moment and ask the rebuilt state. */

#include <stdlib.h>
#include <string.h>

#include <rules/words.h>

#include "explain.h"
#include "lang.h"
#include "note.h"

static int check(const struct explain_ask *ask)
{
	if ((ask->wish.task || ask->wish.from || ask->wish.to) && !ask->list)
		return cmd_error(VERB, "--task, --from and --to go with --list");
	if (ask->has_order && !ask->list && strchr(ask->wish.orders, '-'))
		return cmd_error(VERB, "--order '%s': expected one order; a range goes with --list",
				 ask->wish.orders);
	if (ask->at && !ask->has_order)
		return cmd_error(VERB,
				 "--at goes with --order; a recorded failure has its own time");
	return CMD_OK;
}

static int find_time(const struct explain_ask *ask, uint64_t *time)
{
	const char *at = ask->at ? ask->at : "end";
	char error[256];

	if (pbr_time_parse(ask->input, at, time, error, sizeof(error)))
		return cmd_error(VERB, "--at %s", error);
	if (!strcmp(at, "start") && *time) /* before the first event */
		--*time;
	return CMD_OK;
}

/* ----------------------------------------------------------------- failures */

static bool is_failure(const struct pbr_event *event)
{
	return event->kind == PBR_ALLOC && event->pfn == PBR_NO_PFN;
}

static uint64_t find_failure(const struct pbr_input *input, uint64_t wanted, uint64_t *nr)
{
	uint64_t found = UINT64_MAX;

	*nr = 0;
	for (uint64_t i = 0; i < input->nr_events; i++)
		if (is_failure(&input->events[i]) && ++*nr == wanted)
			found = i;
	return found;
}

static const char *comm_of(const struct pbr_input *input, uint32_t task)
{
	return task == PBR_NO_TASK ? "?" : input->tasks[task].comm;
}

static double relative(const struct pbr_input *input, uint64_t time)
{
	return ((double)time - (double)input->start_time) * 1e-9;
}

/* The list under way, and how often each rule was the reason. */
struct listing {
	const struct explain_ask *ask;
	const struct pbr_filter *filter;
	json_t *json;
	FILE *rows; /* of the text, which begins with their sum */
	uint64_t nr, listed, seen, by_rule[PB_NR_VERDICT_WORDS], two;
};

static json_t *failure_json(const struct listing *listing, const struct pbr_event *event,
			    const struct pbr_explain *explain)
{
	const struct pbr_input *input = listing->ask->input;
	char gfp[256];

	pb_gfp_name(event->gfp, gfp, sizeof(gfp));
	return json_pack("{s:I, s:f, s:i, s:s, s:s, s:s, s:s?, s:b}", "failure",
			 (json_int_t)listing->nr, "t", relative(input, event->time), "order",
			 event->order, "gfp", gfp, "comm", comm_of(input, event->task), "rule",
			 pb_verdict_word(explain->rule), "other_rule",
			 explain->other == PB_SAYS_NONE ? NULL : pb_verdict_word(explain->other),
			 "seen", explain->seen);
}

/* Below their failure; what does not fit goes on in the next line. */
static void print_flags(FILE *out, const char *flags)
{
	int column = fprintf(out, "       ");

	while (*flags) {
		int len = (int)strcspn(flags, "|");

		len += flags[len] == '|';
		if (column + len > 80)
			column = fprintf(out, "\n       ") - 1;
		column += fprintf(out, "%.*s", len, flags);
		flags += len;
	}
	fputc('\n', out);
}

static void print_failure(const struct listing *listing, const struct pbr_event *event,
			  const struct pbr_explain *explain)
{
	const struct pbr_input *input = listing->ask->input;
	char gfp[256], rule[48];

	pb_gfp_name(event->gfp, gfp, sizeof(gfp));
	snprintf(rule, sizeof(rule), "%s%s%s", pb_verdict_word(explain->rule),
		 explain->other == PB_SAYS_NONE ? "" : " or ",
		 explain->other == PB_SAYS_NONE ? "" : pb_verdict_word(explain->other));
	fprintf(listing->rows, "%5llu  %+12.6f s  order %2u  %-15s  %s\n",
		(unsigned long long)listing->nr, relative(input, event->time), event->order,
		comm_of(input, event->task), rule);
	print_flags(listing->rows, gfp);
}

static void list_one(void *ctx, const struct pbr_event *event, const struct pbr_explain *explain)
{
	struct listing *listing = ctx;

	listing->nr++; /* the number is that among all */
	if (!pbr_wanted(listing->filter, event))
		return;
	listing->listed++;
	listing->by_rule[explain->rule]++;
	listing->two += explain->other != PB_SAYS_NONE;
	listing->seen += explain->seen;
	if (listing->json)
		json_array_append_new(listing->json, failure_json(listing, event, explain));
	else
		print_failure(listing, event, explain);
}

static void print_sum(const struct listing *listing)
{
	if (!listing->nr) {
		printf("The recorded kernel had no allocation failure.\n");
		return;
	}
	if (!listing->listed) {
		printf(ngettext("Of %llu recorded failure none is of %s.\n",
				"None of the %llu recorded failures is of %s.\n", listing->nr),
		       (unsigned long long)listing->nr, listing->filter->text);
		return;
	}
	printf(ngettext("%llu failure:", "%llu failures:", listing->listed),
	       (unsigned long long)listing->listed);
	for (int rule = 0, first = 1; rule < PB_NR_VERDICT_WORDS; rule++) {
		if (!listing->by_rule[rule])
			continue;
		printf("%s %llu %s", first ? "" : ",", (unsigned long long)listing->by_rule[rule],
		       pb_verdict_word((enum pb_verdict_word)rule));
		first = 0;
	}
	putchar('\n');
	if (listing->by_rule[PB_SAYS_UNKNOWN]) {
		cmd_print_wrapped(
			"Why is not known: the trace has no snapshot of the start, so nobody "
			"knows how much was free. With buddyinfo and zoneinfo of the start "
			"beside the trace (TRACE.buddyinfo.start ...), or a recording by "
			"pagebuddy record, it can be said.",
			0);
		return;
	}
	printf("%llu by numbers that the kernel itself went by, %llu where two rules remain "
	       "possible\n",
	       (unsigned long long)listing->seen, (unsigned long long)listing->two);
}

static int list_failures(const struct explain_ask *ask)
{
	struct listing listing = { .ask = ask };
	struct pbr_filter filter;
	char error[256], *rows = NULL;
	size_t size;
	int status;

	if (pbr_filter_make(ask->input, &ask->wish, &filter, error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	listing.filter = &filter;
	if (ask->format == CMD_JSON)
		listing.json = json_array();
	else
		listing.rows = open_memstream(&rows, &size);
	if (!listing.json && !listing.rows)
		return pbr_filter_clear(&filter), cmd_error(VERB, "no memory");
	status = pbr_explain_failures(ask->input, NULL, UINT32_MAX, list_one, &listing);
	if (status) {
		json_decref(listing.json);
		if (listing.rows)
			fclose(listing.rows);
		free(rows);
		status = cmd_error(VERB, "no memory to follow the trace");
	} else if (ask->format == CMD_JSON) {
		json_t *json = json_pack("{s:i, s:s, s:o, s:I, s:o}", "schema", CMD_SCHEMA, "kind",
					 "failures", "only",
					 *filter.text ? json_string(filter.text) : json_null(),
					 "recorded", (json_int_t)listing.nr, "failures",
					 listing.json);

		status = cmd_print_json(json);
	} else {
		fclose(listing.rows);
		print_sum(&listing);
		if (*rows)
			printf("\n%s", rows);
		free(rows);
	}
	pbr_filter_clear(&filter);
	return status;
}

/* ------------------------------------------------------------------- output */

static void print_blocks(const struct pbr_input *input, const struct pbr_verdict *verdict)
{
	printf("    free blocks ");
	for (unsigned int o = 0; o <= input->machine.max_order; o++)
		printf(" %llu", (unsigned long long)verdict->now.blocks[o]);
	putchar('\n');
}

static void print_zone(const struct explain_ask *ask, const struct pbr_verdict *verdict)
{
	const uint64_t page = ask->input->page_size ? ask->input->page_size : 4096;
	char word[48], size[32];
	int n = printf("  Node %d %-8s", verdict->zone.node, pb_zone_name(verdict->zone.type));

	snprintf(word, sizeof(word), "%s%s%s",
		 verdict->rule == PB_SAYS_WOULD_SUCCEED ? "would serve"
							: pb_verdict_word(verdict->rule),
		 verdict->other == PB_SAYS_NONE ? "" : " or ",
		 verdict->other == PB_SAYS_NONE ? "" : pb_verdict_word(verdict->other));
	printf("%*s%-16s %s free", n < 20 ? 20 - n : 1, "", word,
	       pb_rule_size((int64_t)(verdict->now.free * page / 1024), size, sizeof(size)));
	if (verdict->greatest_order >= 0)
		printf(", largest block order %d", verdict->greatest_order);
	putchar('\n');
	cmd_print_wrapped(verdict->text, 4);
	print_blocks(ask->input, verdict);
}

static void print_text(const struct explain_ask *ask, const struct pbr_explain *explain)
{
	cmd_print_wrapped(explain->sentence, 0);
	if (explain->rule == PB_SAYS_UNKNOWN) {
		cmd_print_wrapped(explain->gfp & PB_GFP_DIRECT_RECLAIM
					  ? "The request could wait for reclaim."
					  : "The request could not wait for reclaim.",
				  0);
		cmd_print_wrapped("With buddyinfo and zoneinfo of the start beside the trace "
				  "(TRACE.buddyinfo.start ...), or a recording by pagebuddy record, "
				  "it can be said.",
				  0);
	}
	if (explain->seen)
		printf("The kernel's own numbers at that moment are in the trace.\n");
	putchar('\n');
	for (unsigned int i = 0; i < explain->nr_verdicts; i++)
		print_zone(ask, &explain->verdicts[i]);
	if (explain->nr_verdicts)
		putchar('\n');
	replay_print_trace(ask->input);
}

static int answer(struct explain_ask *ask)
{
	uint64_t event = UINT64_MAX, time = 0, nr;
	struct pbr_explain explain;
	char error[256];
	json_t *json;
	int status = CMD_OK;

	if (ask->list)
		return list_failures(ask);
	if (ask->failure) {
		event = find_failure(ask->input, ask->failure, &nr);
		if (event == UINT64_MAX)
			return cmd_error(VERB,
					 ngettext("--failure %llu: the trace has %llu failure",
						  "--failure %llu: the trace has %llu failures",
						  nr),
					 (unsigned long long)ask->failure, (unsigned long long)nr);
		time = ask->input->events[event].time;
		ask->order = ask->input->events[event].order;
		ask->gfp = ask->input->events[event].gfp;
	} else {
		status = find_time(ask, &time);
	}
	if (status)
		return status;
	if (pbr_explain(ask->input, time, event, (unsigned int)ask->order, ask->gfp, &explain,
			error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	if (ask->format == CMD_TEXT) {
		print_text(ask, &explain);
		return CMD_OK;
	}
	json = pbr_explain_json(ask->input, &explain);
	json_object_set_new(json, "schema", json_integer(CMD_SCHEMA));
	json_object_set_new(json, "kind", json_string("explain"));
	return cmd_print_json(json);
}

int explain_trace(struct explain_ask *ask)
{
	char error[512];
	int status;

	/* a trace alone: what failed in it, and why */
	ask->list |= !ask->has_order && !ask->failure;
	status = check(ask);

	if (status)
		return status;
	ask->source.release = ask->release;
	if (pbr_load(&ask->source, &ask->input, error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	cmd_note_input(VERB, ask->input, !ask->list);
	status = answer(ask);
	pbr_unload(ask->input);
	return status;
}
