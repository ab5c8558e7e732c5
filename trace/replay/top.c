// SPDX-License-Identifier: MIT
/*
 * Who allocates: by task, by call site, by order; and for how long.
 *
 *	follow the trace --> lived[event]: how long the block was held, if it was freed
 *	each wanted allocation --> the row of its task, of its call site, of its order
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct counting {
	const struct pbr_input *input;
	const struct pbr_filter *filter;
	float *lived;   /* [nr_events] ns; NAN: not freed, or no allocation */
	uint32_t *held; /* [nr_events] pages that are in use at the end */
};

/* One way to divide allocations: the key of an event is a row. */
struct division {
	uint32_t (*key)(const struct pbr_input *input, uint64_t event);
	struct pbr_top_row *rows;
	uint32_t nr;
	uint32_t *by_chain; /* [nr_chains + 1] how often, where that is asked for */
};

static bool is_allocation(const struct pbr_event *event)
{
	return event->kind == PBR_ALLOC && event->order < PBR_ORDERS;
}

/* ------------------------------------------------------------------ lifetimes */

static void watch_events(struct counting *counting, struct pbr_world *world)
{
	const struct pbr_input *input = counting->input;

	for (uint32_t i = 0; i < input->nr_events; i++) {
		const struct pbr_event *event = &input->events[i], *born;
		uint32_t frame, owner;

		counting->lived[i] = NAN;
		if (event->kind == PBR_FREE &&
		    (frame = pbr_block(world->geo, event->pfn, event->order)) != PBR_NO_FRAME &&
		    (owner = world->owner[frame]) != PBR_OWNER_NONE) {
			born = &input->events[owner - 1];
			if (born->pfn == event->pfn)
				counting->lived[owner - 1] = (float)(event->time - born->time);
		}
		pbr_world_apply(world, i);
	}
	for (uint32_t frame = 0; frame < world->geo->nr_frames; frame++)
		if (world->owner[frame] != PBR_OWNER_NONE)
			counting->held[world->owner[frame] - 1]++;
}

static int watch(struct counting *counting)
{
	struct pbr_world world;

	counting->lived = calloc(counting->input->nr_events + 1, sizeof(*counting->lived));
	counting->held = calloc(counting->input->nr_events + 1, sizeof(*counting->held));
	if (!counting->lived || !counting->held || pbr_world_init(&world, counting->input))
		return -1;
	watch_events(counting, &world);
	pbr_world_clear(&world);
	return 0;
}

static int compare_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void set_times(struct pbr_top_row *row, float *lives, uint64_t nr)
{
	if (!nr)
		return;
	qsort(lives, nr, sizeof(*lives), compare_float);
	row->p50 = (uint64_t)lives[nr / 2];
	row->p90 = (uint64_t)lives[nr * 9 / 10];
	row->max = (uint64_t)lives[nr - 1];
}

/* ---------------------------------------------------------------------- rows */

static void count(struct pbr_top_row *row, const struct counting *counting, uint64_t i)
{
	const struct pbr_event *event = &counting->input->events[i];

	if (event->pfn == PBR_NO_PFN) {
		row->failures++;
		return;
	}
	row->allocations++;
	row->pages += UINT64_C(1) << event->order;
	row->held_pages += counting->held[i];
	row->freed += !isnan(counting->lived[i]);
}

static bool counts(const struct counting *counting, uint64_t i)
{
	const struct pbr_event *event = &counting->input->events[i];

	return is_allocation(event) && pbr_wanted(counting->filter, event);
}

/* All lifetimes of one division, row by row, in one array. */
static int time_rows(const struct counting *counting, struct division *division)
{
	uint64_t *next = calloc(division->nr + 1u, sizeof(*next)), sum = 0;
	float *lives;

	for (uint32_t r = 0; next && r < division->nr; r++) {
		next[r] = sum;
		sum += division->rows[r].freed;
	}
	lives = malloc((sum + 1) * sizeof(*lives));
	if (!next || !lives) {
		free(next);
		free(lives);
		return -1;
	}
	for (uint64_t i = 0; i < counting->input->nr_events; i++)
		if (!isnan(counting->lived[i]) && counts(counting, i))
			lives[next[division->key(counting->input, i)]++] = counting->lived[i];
	for (uint32_t r = 0; r < division->nr; r++)
		set_times(&division->rows[r], lives + next[r] - division->rows[r].freed,
			  division->rows[r].freed);
	free(next);
	free(lives);
	return 0;
}

static int by_pages(const void *a, const void *b)
{
	const struct pbr_top_row *x = a, *y = b;

	if (x->pages != y->pages)
		return x->pages < y->pages ? 1 : -1;
	if (x->failures != y->failures)
		return x->failures < y->failures ? 1 : -1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Rows of which nothing was asked go. */
static uint32_t pack(struct pbr_top_row *rows, uint32_t nr)
{
	uint32_t kept = 0;

	for (uint32_t r = 0; r < nr; r++)
		if (rows[r].allocations || rows[r].failures)
			rows[kept++] = rows[r];
	return kept;
}

static int divide(const struct counting *counting, struct division *division, uint32_t nr_keys)
{
	division->nr = nr_keys;
	division->rows = calloc(nr_keys + 1u, sizeof(*division->rows));
	if (!division->rows)
		return -1;
	for (uint64_t i = 0; i < counting->input->nr_events; i++) {
		uint32_t chain;

		if (!counts(counting, i))
			continue;
		count(&division->rows[division->key(counting->input, i)], counting, i);
		chain = division->by_chain ? counting->input->chain_of[i] : 0;
		if (chain)
			division->by_chain[chain - 1]++;
	}
	return time_rows(counting, division);
}

/* ----------------------------------------------------------------- divisions */

static uint32_t key_of_task(const struct pbr_input *input, uint64_t event)
{
	uint32_t task = input->events[event].task;

	return task == PBR_NO_TASK ? input->nr_tasks : input->tasks[task].name;
}

static uint32_t key_of_site(const struct pbr_input *input, uint64_t event)
{
	uint32_t chain = input->chain_of[event];

	return chain ? input->chains[chain - 1].site : input->nr_chains;
}

static uint32_t key_of_order(const struct pbr_input *input, uint64_t event)
{
	return input->events[event].order;
}

static int by_task(const struct counting *counting, struct pbr_top *top)
{
	const struct pbr_input *input = counting->input;
	struct division division = { .key = key_of_task };
	int status = divide(counting, &division, input->nr_tasks + 1);

	top->tasks = division.rows;
	if (status)
		return -1;
	for (uint32_t i = 0; i < division.nr; i++)
		top->tasks[i].name = i < input->nr_tasks ? input->tasks[i].comm : "(not told)";
	top->nr_tasks = pack(top->tasks, division.nr);
	qsort(top->tasks, top->nr_tasks, sizeof(*top->tasks), by_pages);
	return 0;
}

/* Of each site the chain that most of its allocations came by. */
static void name_sites(const struct pbr_input *input, const struct division *division)
{
	division->rows[input->nr_chains].name = "(callers not recorded)";
	for (uint32_t i = 0; i < input->nr_chains; i++) {
		struct pbr_top_row *row = &division->rows[input->chains[i].site];

		if (division->by_chain[i] > row->most || !row->chain) {
			row->most = division->by_chain[i];
			row->name = row->chain = input->chains[i].text;
		}
	}
}

static int by_site(const struct counting *counting, struct pbr_top *top)
{
	const struct pbr_input *input = counting->input;
	struct division division = { .key = key_of_site };
	int status = -1;

	if (!input->chain_of)
		return 0;
	division.by_chain = calloc(input->nr_chains + 1u, sizeof(*division.by_chain));
	if (division.by_chain)
		status = divide(counting, &division, input->nr_chains + 1);
	top->sites = division.rows;
	if (!status) {
		name_sites(input, &division);
		top->with_chain = top->all.allocations -
				  division.rows[input->nr_chains].allocations;
		top->nr_sites = pack(top->sites, division.nr);
		qsort(top->sites, top->nr_sites, sizeof(*top->sites), by_pages);
	}
	free(division.by_chain);
	return status;
}

static int by_order(const struct counting *counting, struct pbr_top *top)
{
	struct division division = { .key = key_of_order };
	int status = divide(counting, &division, PBR_ORDERS);

	top->orders = division.rows;
	if (status)
		return -1;
	for (uint32_t i = 0; i < division.nr; i++)
		top->orders[i].order = i;
	top->nr_orders = pack(top->orders, division.nr);
	return 0;
}

static uint32_t one_key(const struct pbr_input *input, uint64_t event)
{
	(void)input;
	(void)event;
	return 0;
}

static int of_all(const struct counting *counting, struct pbr_top *top)
{
	struct division division = { .key = one_key };
	int status = divide(counting, &division, 1);

	if (!status)
		top->all = division.rows[0];
	free(division.rows);
	return status;
}

static void by_age(const struct counting *counting, struct pbr_top *top)
{
	uint64_t below = 1000000; /* 1 ms, 10 ms ... 100 s, longer */

	for (int a = 0; a < PBR_AGES - 1; a++, below *= 10)
		top->ages[a].below = below;
	for (uint64_t i = 0; i < counting->input->nr_events; i++) {
		int a = 0;

		if (isnan(counting->lived[i]) || !counts(counting, i))
			continue;
		while (top->ages[a].below && counting->lived[i] >= (float)top->ages[a].below)
			a++;
		top->ages[a].allocations++;
		top->ages[a].pages += UINT64_C(1) << counting->input->events[i].order;
	}
}

int pbr_top(const struct pbr_input *input, const struct pbr_filter *filter, struct pbr_top *top,
	    char *error, size_t size)
{
	struct counting counting = { .input = input, .filter = filter };
	int status;

	*top = (struct pbr_top){ 0 };
	status = watch(&counting) || of_all(&counting, top) || by_task(&counting, top) ||
		 by_site(&counting, top) || by_order(&counting, top);
	if (!status)
		by_age(&counting, top);
	free(counting.lived);
	free(counting.held);
	if (!status)
		return 0;
	pbr_top_clear(top);
	return pbr_error(error, size, "no memory to tell who allocates");
}

void pbr_top_clear(struct pbr_top *top)
{
	free(top->tasks);
	free(top->sites);
	free(top->orders);
	*top = (struct pbr_top){ 0 };
}

/* ---------------------------------------------------------------------- JSON */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* Task names are bytes, not always UTF-8. */
static json_t *text_json(const char *text, size_t len)
{
	json_t *json = json_stringn(text, len);

	return json ? json : json_string("?");
}

static json_t *row_json(const struct pbr_top_row *row)
{
	json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I}", "allocations",
				 (json_int_t)row->allocations, "failures",
				 (json_int_t)row->failures, "freed", (json_int_t)row->freed,
				 "pages", (json_int_t)row->pages, "held_pages",
				 (json_int_t)row->held_pages);
	static const char *const keys[] = { "p50_seconds", "p90_seconds", "max_seconds" };
	const uint64_t times[] = { row->p50, row->p90, row->max };

	for (int i = 0; i < 3; i++)
		set(json, keys[i], row->freed ? json_real((double)times[i] * 1e-9) : json_null());
	return json;
}

static json_t *tasks_json(const struct pbr_top *top, uint32_t most)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < top->nr_tasks && i < most; i++) {
		json_t *json = row_json(&top->tasks[i]);

		set(json, "comm", text_json(top->tasks[i].name, strlen(top->tasks[i].name)));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *sites_json(const struct pbr_top *top, uint32_t most)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < top->nr_sites && i < most; i++) {
		const struct pbr_top_row *row = &top->sites[i];
		size_t site = strcspn(row->name, " ");
		json_t *json = row_json(row);

		set(json, "function", row->chain ? text_json(row->name, site) : json_null());
		set(json, "chain",
		    row->chain ? text_json(row->chain, strlen(row->chain)) : json_null());
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *orders_json(const struct pbr_top *top)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < top->nr_orders; i++) {
		json_t *json = row_json(&top->orders[i]);

		set(json, "order", json_integer((json_int_t)top->orders[i].order));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *ages_json(const struct pbr_top *top)
{
	json_t *list = json_array();

	for (int a = 0; a < PBR_AGES; a++)
		json_array_append_new(
			list,
			json_pack("{s:o, s:I, s:I}", "below_seconds",
				  top->ages[a].below ? json_real((double)top->ages[a].below * 1e-9)
						     : json_null(),
				  "allocations", (json_int_t)top->ages[a].allocations, "pages",
				  (json_int_t)top->ages[a].pages));
	return list;
}

json_t *pbr_top_json(const struct pbr_input *input, const struct pbr_top *top, uint32_t most)
{
	json_t *json = row_json(&top->all);

	set(json, "with_callers",
	    input->chain_of ? json_integer((json_int_t)top->with_chain) : json_null());
	set(json, "tasks", tasks_json(top, most));
	set(json, "sites", input->chain_of ? sites_json(top, most) : json_null());
	set(json, "orders", orders_json(top));
	set(json, "lifetimes", ages_json(top));
	return json;
}
