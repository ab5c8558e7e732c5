// SPDX-License-Identifier: MIT
/*
 * Two recordings: the rows of a table, each with A's number and B's. They may
 * differ in length, so what is counted is also told by the second or by the
 * million requests.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <replay/replay.h>

#include "compare.h"

#define VERB "compare"
#define SAMPLES 400
#define MAX_ROWS 64

struct side {
	struct pbr_input *input;
	struct pbr_run run;
	struct pbr_top top;
	struct pbr_summary summary;
	double seconds;
};

struct row {
	char name[48];     /* for people */
	const char *field; /* of the JSON; with `order` if that is not -1 */
	int order, decimals;
	double value[2]; /* NAN: not known */
};

struct table {
	struct row rows[MAX_ROWS];
	unsigned int nr;
};

/* What one task asked for in both. */
struct task {
	const char *comm;
	const struct pbr_top_row *row[2]; /* NULL: nothing */
	double difference;                /* MB a second, absolute */
};

/* ------------------------------------------------------------------- loading */

static int load_side(const char *path, struct side *side)
{
	const struct pbr_source source = { .path = path, .progress = cmd_progress };
	const struct pbr_collect collect = { .samples = SAMPLES, .progress = cmd_progress };
	char error[512];

	if (pbr_load(&source, &side->input, error, sizeof(error)) ||
	    pbr_follow(side->input, &collect, &side->run, error, sizeof(error)) ||
	    pbr_top(side->input, NULL, &side->top, error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	pbr_summarise(&side->run, &side->summary);
	side->seconds = (double)(side->input->end_time - side->input->start_time) * 1e-9;
	return CMD_OK;
}

static void clear_side(struct side *side)
{
	pbr_run_clear(&side->run);
	pbr_top_clear(&side->top);
	pbr_unload(side->input);
}

/* --------------------------------------------------------------------- rows */

static void add(struct table *table, const char *name, const char *field, int decimals, double a,
		double b)
{
	struct row *row = &table->rows[table->nr];

	if (table->nr == MAX_ROWS)
		return;
	*row = (struct row){ .field = field, .order = -1, .decimals = decimals, .value = { a, b } };
	snprintf(row->name, sizeof(row->name), "%s", name);
	table->nr++;
}

static void add_order(struct table *table, const char *name, const char *field, unsigned int order,
		      uint64_t a, uint64_t b)
{
	char text[48];

	if (!a && !b)
		return;
	snprintf(text, sizeof(text), "  %s of order %u", name, order);
	add(table, text, field, 0, (double)a, (double)b);
	table->rows[table->nr - 1].order = (int)order;
}

static double per(double value, double of)
{
	return of > 0 ? value / of : NAN;
}

static double requests(const struct side *side)
{
	return (double)(side->run.allocations + side->run.failures);
}

/* What only a snapshot of the start makes known. */
static double known(const struct side *side, double value)
{
	return pbr_start_known(side->input) ? value : NAN;
}

static double free_mb(const struct side *side, uint32_t sample)
{
	uint64_t pages = 0;

	for (unsigned int z = 0; z < side->run.nr_zones; z++)
		pages += side->run.samples[sample].zones[z].free;
	return known(side, (double)pages / 256);
}

static double least_free_mb(const struct side *side)
{
	double least = free_mb(side, 0);

	for (uint32_t i = 1; i < side->run.nr_samples; i++)
		least = fmin(least, free_mb(side, i));
	return least;
}

static double managed_mb(const struct side *side)
{
	uint64_t pages = 0;

	for (unsigned int z = 0; z < side->run.nr_zones; z++)
		pages += side->run.zones[z].managed;
	return known(side, (double)pages / 256);
}

static void add_counts(struct table *table, const struct side *a, const struct side *b)
{
	const double million = 1e6;

	add(table, "seconds", "seconds", 1, a->seconds, b->seconds);
	add(table, "requests", "requests", 0, requests(a), requests(b));
	for (unsigned int o = 0; o < PBR_ORDERS; o++)
		add_order(table, "granted", "allocations", o, a->run.by_order[o],
			  b->run.by_order[o]);
	add(table, "requests a second", "requests_per_second", 0, per(requests(a), a->seconds),
	    per(requests(b), b->seconds));
	add(table, "MB a second", "mb_per_second", 1,
	    per((double)a->top.all.pages / 256, a->seconds),
	    per((double)b->top.all.pages / 256, b->seconds));
	add(table, "failures", "failures", 0, (double)a->run.failures, (double)b->run.failures);
	for (unsigned int o = 0; o < PBR_ORDERS; o++)
		add_order(table, "failed", "failures", o, a->run.failures_by_order[o],
			  b->run.failures_by_order[o]);
	add(table, "failures per million requests", "failures_per_million", 0,
	    per((double)a->run.failures * million, requests(a)),
	    per((double)b->run.failures * million, requests(b)));
	add(table, "fallbacks per million requests", "fallbacks_per_million", 0,
	    per((double)a->run.fallbacks * million, requests(a)),
	    per((double)b->run.fallbacks * million, requests(b)));
	add(table, "  that took the pageblock over", "claims_per_million", 0,
	    per((double)a->run.fallback_claims * million, requests(a)),
	    per((double)b->run.fallback_claims * million, requests(b)));
}

static void add_state(struct table *table, const struct side *a, const struct side *b)
{
	add(table, "memory, MB", "managed_mb", 1, managed_mb(a), managed_mb(b));
	add(table, "free at the start, MB", "free_start_mb", 1, free_mb(a, 0), free_mb(b, 0));
	add(table, "free at the least, MB", "free_least_mb", 1, least_free_mb(a), least_free_mb(b));
	add(table, "free at the end, MB", "free_end_mb", 1, free_mb(a, a->run.nr_samples - 1),
	    free_mb(b, b->run.nr_samples - 1));
	add(table, "free 2 MiB blocks, least", "free_2m_least", 0,
	    known(a, (double)a->summary.free_2m_min), known(b, (double)b->summary.free_2m_min));
	add(table, "free 2 MiB blocks, median", "free_2m_median", 0,
	    known(a, (double)a->summary.free_2m_median),
	    known(b, (double)b->summary.free_2m_median));
	add(table, "free 2 MiB blocks, at the end", "free_2m_end", 0,
	    known(a, (double)a->summary.free_2m_end), known(b, (double)b->summary.free_2m_end));
	add(table, "unusable for 2 MiB at the end, %", "unusable_2m_percent", 1,
	    known(a, a->summary.unusable / 10.0), known(b, b->summary.unusable / 10.0));
	add(table, "mixed pageblocks at the end", "mixed_pageblocks", 0,
	    known(a, (double)a->run.mixed_pageblocks), known(b, (double)b->run.mixed_pageblocks));
	add(table, "median lifetime, ms", "median_lifetime_ms", 1,
	    a->top.all.freed ? (double)a->top.all.p50 * 1e-6 : NAN,
	    b->top.all.freed ? (double)b->top.all.p50 * 1e-6 : NAN);
	add(table, "events lost while recording", "lost_events", 0,
	    (double)a->input->problems.lost_events, (double)b->input->problems.lost_events);
}

/* --------------------------------------------------------------------- tasks */

static double mb_per_second(const struct side *side, const struct pbr_top_row *row)
{
	return row && side->seconds > 0 ? (double)row->pages / 256 / side->seconds : 0;
}

static int by_name(const void *x, const void *y)
{
	const struct task *a = x, *b = y;

	return strcmp(a->comm, b->comm);
}

static int by_difference(const void *x, const void *y)
{
	const struct task *a = x, *b = y;

	if (a->difference != b->difference)
		return a->difference < b->difference ? 1 : -1;
	return by_name(x, y);
}

/* Each name once, whichever of the two has it; NULL: no memory. */
static struct task *merge_tasks(const struct side sides[2], uint32_t *nr)
{
	uint32_t all = sides[0].top.nr_tasks + sides[1].top.nr_tasks, kept = 0;
	struct task *tasks = calloc(all + 1u, sizeof(*tasks));

	for (int s = 0; tasks && s < 2; s++) {
		for (uint32_t i = 0; i < sides[s].top.nr_tasks; i++) {
			const struct pbr_top_row *row = &sides[s].top.tasks[i];
			uint32_t at = s ? sides[0].top.nr_tasks + i : i;

			tasks[at].comm = row->name;
			tasks[at].row[s] = row;
		}
	}
	if (!tasks)
		return NULL;
	qsort(tasks, all, sizeof(*tasks), by_name);
	for (uint32_t i = 0; i < all; i++) {
		if (kept && !strcmp(tasks[kept - 1].comm, tasks[i].comm)) {
			for (int s = 0; s < 2; s++)
				if (tasks[i].row[s])
					tasks[kept - 1].row[s] = tasks[i].row[s];
			continue;
		}
		tasks[kept++] = tasks[i];
	}
	for (uint32_t i = 0; i < kept; i++)
		tasks[i].difference = fabs(mb_per_second(&sides[0], tasks[i].row[0]) -
					   mb_per_second(&sides[1], tasks[i].row[1]));
	qsort(tasks, kept, sizeof(*tasks), by_difference);
	*nr = kept;
	return tasks;
}

/* --------------------------------------------------------------------- text */

static void print_value(double value, int decimals)
{
	if (isnan(value))
		printf("%16s", "not known");
	else
		printf("%16.*f", decimals, value);
}

static void print_row(const struct row *row)
{
	char change[32] = "";

	printf("%-34s", row->name);
	print_value(row->value[0], row->decimals);
	print_value(row->value[1], row->decimals);
	if (!isnan(row->value[0]) && !isnan(row->value[1]))
		compare_change(row->value[0], row->value[1], change, sizeof(change));
	printf("%12s\n", change);
}

static void print_sides(const struct side sides[2])
{
	for (int s = 0; s < 2; s++) {
		const struct pbr_input *input = sides[s].input;

		printf("%c  %s (%s)%s%s%s%s\n", "AB"[s], input -> name, input -> format,
		       input -> kernel[0] ? ", Linux " : "", input->kernel,
		       input->host[0] ? " on " : "", input->host);
		if (!pbr_start_known(input))
			printf("   has no snapshot of the start: what was free is not known\n");
	}
}

static void print_conclusion(const struct side sides[2])
{
	double rate[2];

	for (int s = 0; s < 2; s++)
		rate[s] = per((double)sides[s].run.failures * 1e6, requests(&sides[s]));
	printf("\n");
	if (!sides[0].run.failures && !sides[1].run.failures)
		printf("No request failed in either.\n");
	else
		printf("Of a million requests %.0f failed in A and %.0f in B.\n",
		       isnan(rate[0]) ? 0 : rate[0], isnan(rate[1]) ? 0 : rate[1]);
}

static int print_text(const struct compare *compare, const struct side sides[2],
		      const struct table *table)
{
	uint32_t nr = 0;
	struct task *tasks = merge_tasks(sides, &nr);

	if (!tasks)
		return cmd_error(VERB, "no memory"), CMD_FAILED;
	print_sides(sides);
	print_conclusion(sides);
	printf("\n%-34s%16s%16s%12s\n", "", "A", "B", "B beside A");
	for (unsigned int i = 0; i < table->nr; i++)
		print_row(&table->rows[i]);
	if (compare->top && nr)
		printf("\n%-34s%16s%16s%12s\n", "MB a second, by task", "A", "B", "B beside A");
	for (uint32_t i = 0; i < nr && i < compare->top; i++) {
		struct row row = { .decimals = 2 };

		snprintf(row.name, sizeof(row.name), "%.33s", tasks[i].comm);
		for (int s = 0; s < 2; s++)
			row.value[s] = mb_per_second(&sides[s], tasks[i].row[s]);
		print_row(&row);
	}
	free(tasks);
	return CMD_OK;
}

/* --------------------------------------------------------------------- JSON */

static json_t *number(double value)
{
	if (isnan(value))
		return json_null();
	return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value)
							   : json_real(value);
}

static json_t *string(const char *text)
{
	json_t *json = *text ? json_string(text) : NULL;

	return json ? json : json_null();
}

static json_t *side_json(const struct side *side)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:b}", "name", string(side->input->name), "format",
			 side->input->format, "kernel", string(side->input->kernel), "host",
			 string(side->input->host), "start_known", pbr_start_known(side->input));
}

static json_t *row_json(const struct row *row)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "what", row->field, "order",
			 row->order < 0 ? json_null() : json_integer(row->order), "a",
			 number(row->value[0]), "b", number(row->value[1]));
}

static json_t *task_json(const struct side sides[2], const struct task *task)
{
	json_t *json = json_object();
	const char *const keys[2][3] = { { "a_requests", "a_pages", "a_mb_per_second" },
					 { "b_requests", "b_pages", "b_mb_per_second" } };

	json_object_set_new(json, "comm", string(task->comm));
	for (int s = 0; s < 2; s++) {
		const struct pbr_top_row *row = task->row[s];

		json_object_set_new(json, keys[s][0],
				    number(row ? (double)(row->allocations + row->failures) : 0));
		json_object_set_new(json, keys[s][1], number(row ? (double)row->pages : 0));
		json_object_set_new(json, keys[s][2],
				    json_real(mb_per_second(&sides[s], task->row[s])));
	}
	return json;
}

static int print_json(const struct compare *compare, const struct side sides[2],
		      const struct table *table)
{
	json_t *rows = json_array(), *list = json_array();
	uint32_t nr = 0;
	struct task *tasks = merge_tasks(sides, &nr);

	for (unsigned int i = 0; i < table->nr; i++)
		json_array_append_new(rows, row_json(&table->rows[i]));
	for (uint32_t i = 0; tasks && i < nr && i < compare->top; i++)
		json_array_append_new(list, task_json(sides, &tasks[i]));
	free(tasks);
	return cmd_print_json(json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o}", "schema", CMD_SCHEMA,
					"kind", "compare", "of", "recordings", "a",
					side_json(&sides[0]), "b", side_json(&sides[1]), "rows",
					rows, "tasks", list));
}

int compare_recordings(const struct compare *compare)
{
	struct side sides[2] = { 0 };
	struct table *table = calloc(1, sizeof(*table));
	int status = table ? CMD_OK : CMD_FAILED;

	for (int s = 0; s < 2 && !status; s++)
		status = load_side(compare->path[s], &sides[s]);
	if (!status) {
		add_counts(table, &sides[0], &sides[1]);
		add_state(table, &sides[0], &sides[1]);
		status = compare->format == CMD_JSON ? print_json(compare, sides, table)
						     : print_text(compare, sides, table);
	}
	for (int s = 0; s < 2 && !status; s++)
		status = sides[s].input->problems.total ? CMD_FAILED : CMD_OK;
	for (int s = 0; s < 2; s++)
		clear_side(&sides[s]);
	free(table);
	return status;
}
