// SPDX-License-Identifier: MIT
/* A trace and its snapshots into one struct pbr_input. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call_chain.h"
#include "internal.h"
#include "procfs.h"
#include "trace.h"

int pbr_error(char *error, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return -1;
}

double pbr_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void pbr_problem(struct pbr_problems *problems, const char *format, ...)
{
	va_list args;

	problems->total++;
	if (problems->nr_first == sizeof(problems->first) / sizeof(problems->first[0]))
		return;
	va_start(args, format);
	vsnprintf(problems->first[problems->nr_first++], sizeof(problems->first[0]), format, args);
	va_end(args);
}

/* -------------------------------------------------------------------- tasks */

static uint32_t hash_task(int32_t pid, const char *comm)
{
	uint32_t hash = 2166136261u ^ (uint32_t)pid;

	for (; *comm; comm++)
		hash = (hash ^ (unsigned char)*comm) * 16777619u;
	return hash * 2654435761u;
}

static uint32_t *task_place(struct pbr_loader *loader, int32_t pid, const char *comm)
{
	uint32_t mask = loader->task_hash_size - 1, at = hash_task(pid, comm) & mask;

	while (loader->task_hash[at]) {
		const struct pbr_task *task = &loader->input->tasks[loader->task_hash[at] - 1];

		if (task->pid == pid && !strcmp(task->comm, comm))
			break;
		at = (at + 1) & mask;
	}
	return &loader->task_hash[at];
}

static bool grow_tasks(struct pbr_loader *loader)
{
	struct pbr_input *input = loader->input;
	uint32_t room = loader->task_room ? 2 * loader->task_room : 256;
	void *tasks = realloc(input->tasks, room * sizeof(*input->tasks));

	if (!tasks)
		return false;
	input->tasks = tasks;
	loader->task_room = room;
	free(loader->task_hash);
	loader->task_hash_size = 4 * room;
	loader->task_hash = calloc(loader->task_hash_size, sizeof(*loader->task_hash));
	for (uint32_t i = 0; loader->task_hash && i < input->nr_tasks; i++)
		*task_place(loader, input->tasks[i].pid, input->tasks[i].comm) = i + 1;
	return loader->task_hash != NULL;
}

static uint32_t add_task(struct pbr_loader *loader, int32_t pid, const char *comm)
{
	struct pbr_input *input = loader->input;
	struct pbr_task *task;

	if ((input->nr_tasks == loader->task_room || !loader->task_hash) && !grow_tasks(loader)) {
		loader->failed = true;
		return PBR_NO_TASK;
	}
	task = &input->tasks[input->nr_tasks];
	task->pid = pid;
	snprintf(task->comm, sizeof(task->comm), "%s", comm);
	*task_place(loader, pid, task->comm) = ++input->nr_tasks;
	return input->nr_tasks - 1;
}

uint32_t pbr_loader_task(struct pbr_loader *loader, int32_t pid, const char *comm)
{
	char name[sizeof(((struct pbr_task *)0)->comm)];
	const struct pbr_task *last = NULL; /* there may be no tasks yet */
	uint32_t found;

	if (pid < 0)
		return PBR_NO_TASK;
	if (loader->input->nr_tasks)
		last = &loader->input->tasks[loader->last_task];
	/* Events of one task come in a row. */
	if (last && last->pid == pid && comm && !strcmp(last->comm, comm))
		return loader->last_task;
	snprintf(name, sizeof(name), "%s", comm && *comm ? comm : "<...>");
	found = loader->task_hash ? *task_place(loader, pid, name) : 0;
	found = found ? found - 1 : add_task(loader, pid, name);
	loader->last_task = found == PBR_NO_TASK ? 0 : found;
	return found;
}

/* Tasks of one name belong together; names differ little in number, pids a lot. */
static void name_tasks(struct pbr_loader *loader)
{
	struct pbr_input *input = loader->input;
	uint32_t size = loader->task_hash_size;

	if (!size)
		return;
	memset(loader->task_hash, 0, size * sizeof(*loader->task_hash));
	for (uint32_t i = 0; i < input->nr_tasks; i++) {
		uint32_t at = hash_task(0, input->tasks[i].comm) & (size - 1);

		while (loader->task_hash[at] &&
		       strcmp(input->tasks[loader->task_hash[at] - 1].comm, input->tasks[i].comm))
			at = (at + 1) & (size - 1);
		if (!loader->task_hash[at])
			loader->task_hash[at] = i + 1;
		input->tasks[i].name = loader->task_hash[at] - 1;
	}
}

/* ------------------------------------------------------------------- events */

bool pbr_loader_event(struct pbr_loader *loader, struct pbr_event event)
{
	struct pbr_input *input = loader->input;

	if (input->nr_events == loader->room) {
		uint64_t room = loader->room ? 2 * loader->room : 1 << 16;
		void *events = room < UINT32_MAX
				       ? realloc(input->events, room * sizeof(*input->events))
				       : NULL;

		if (!events) {
			loader->failed = true;
			return false;
		}
		input->events = events;
		loader->room = room;
	}
	if (event.time < loader->last_time)
		event.time = loader->last_time;
	loader->last_time = event.time;
	if (event.cpu >= input->nr_cpus)
		input->nr_cpus = event.cpu + 1u;
	input->events[input->nr_events++] = event;
	return true;
}

/* Its calls are written right behind an event; other CPUs may have come between. */
#define NEAR 4096

static bool grow_chains(struct pbr_loader *loader)
{
	struct pbr_input *input = loader->input;
	uint32_t *grown = loader->room == loader->chain_room
				  ? input->chain_of
				  : realloc(input->chain_of, loader->room * sizeof(*grown));

	if (!grown) {
		loader->failed = true;
		return false;
	}
	memset(grown + loader->chain_room, 0, (loader->room - loader->chain_room) * sizeof(*grown));
	input->chain_of = grown;
	loader->chain_room = loader->room;
	return true;
}

void pbr_loader_chain(struct pbr_loader *loader, unsigned int cpu, uint32_t chain)
{
	struct pbr_input *input = loader->input;
	uint64_t i = input->nr_events, stop = i > NEAR ? i - NEAR : 0;

	while (i > stop && input->events[i - 1].cpu != cpu)
		i--;
	if (i > stop && input->events[i - 1].kind == PBR_ALLOC && grow_chains(loader))
		input->chain_of[i - 1] = chain;
}

/* Chains of one call site, its first function, belong together. */
int pbr_name_chains(struct pbr_input *input, uint32_t nr,
		    const char *(*text)(const void *ctx, uint32_t i), const void *ctx)
{
	struct pb_chains sites = { 0 };
	uint32_t *first = calloc(nr + 1u, sizeof(*first));

	input->chains = calloc(nr + 1u, sizeof(*input->chains));
	for (uint32_t i = 0; first && input->chains && i < nr; i++) {
		struct pbr_chain *chain = &input->chains[i];
		char site[PB_CHAIN_SIZE];
		uint32_t number;

		chain->text = strdup(text(ctx, i));
		if (!chain->text)
			break;
		input->nr_chains++;
		snprintf(site, sizeof(site), "%.*s", (int)pb_chain_site(chain->text), chain->text);
		number = pb_chains_number(&sites, site);
		if (number && !first[number - 1])
			first[number - 1] = i + 1;
		chain->site = number ? first[number - 1] - 1 : i;
	}
	pb_chains_free(&sites);
	free(first);
	return input->nr_chains == nr ? 0 : -1;
}

/* Events behind the last that has callers have none. */
static void end_chains(struct pbr_loader *loader)
{
	if (loader->input->chain_of)
		grow_chains(loader);
}

static bool event_fits(const struct pbr_input *input, const struct pbr_event *event)
{
	unsigned int order = pbr_named_order(event);

	if (!pbr_about_frames(event->kind))
		return event->pfn == PBR_NO_PFN ||
		       pbr_frame(&pbr_priv(input)->geo, event->pfn) != PBR_NO_FRAME;
	if (event->order > input->machine.max_order ||
	    (event->kind == PBR_EXTFRAG && event->from_order > input->machine.max_order))
		return false;
	if (event->pfn == PBR_NO_PFN)
		return event->kind == PBR_ALLOC;
	if (event->kind == PBR_COMPACT)
		return true;
	if (event->pfn & ((UINT64_C(1) << order) - 1))
		return false;
	return pbr_block(&pbr_priv(input)->geo, event->pfn, order) != PBR_NO_FRAME;
}

void pbr_check_events(struct pbr_input *input)
{
	for (uint64_t i = 0; i < input->nr_events; i++) {
		struct pbr_event *event = &input->events[i];

		if (event->kind != PBR_OTHER && !event_fits(input, event)) {
			/* 5.4 reports zone_locked also when it found nothing. */
			if (event->kind != PBR_ZONE_LOCKED || event->pfn != PBR_NO_PFN) {
				input->problems.beyond_machine++;
				pbr_problem(&input->problems,
					    "event %llu: pfn %#llx order %u is beyond the machine",
					    (unsigned long long)i + 1,
					    (unsigned long long)event->pfn, event->order);
			}
			event->kind = PBR_OTHER;
		}
		input->nr_by_kind[event->kind]++;
	}
}

/* ------------------------------------------------------------------ machine */

static int copy_runs(struct pbr_input *input, const struct pb_frames *frames)
{
	struct pbr_private *priv = pbr_priv(input);

	priv->runs = calloc(frames->nr_runs + 1, sizeof(*priv->runs));
	if (!priv->runs)
		return -1;
	for (size_t i = 0; i < frames->nr_runs; i++)
		priv->runs[i] = (struct pbr_frame_run){ frames->runs[i].pfn,
							frames->runs[i].end_pfn -
								frames->runs[i].pfn,
							PBR_IS_FREE };
	priv->nr_runs = frames->nr_runs;
	return 0;
}

int pbr_load_machine(const struct pbr_source *source, struct pbr_input *input,
		     const struct pb_snapshot *start, const struct pb_snapshot *end, char *error,
		     size_t size)
{
	struct pbr_machine *machine = &input->machine;

	machine->max_order = PB_DEFAULT_MAX_ORDER;
	machine->pageblock_order = PB_DEFAULT_PAGEBLOCK_ORDER;
	if (source->memory)
		pbr_machine_pc(machine, source->memory);
	else if (start->has_zoneinfo || end->has_zoneinfo) {
		if (pbr_machine_snapshot(machine, start, end))
			return pbr_error(error, size,
					 "the zoneinfo of the snapshot has no zone "
					 "with memory");
		if (start->has_free && copy_runs(input, &start->free))
			return pbr_error(error, size, "no memory");
	}
	return 0;
}

/* -------------------------------------------------------------------- whole */

int pbr_finish(const struct pbr_source *source, struct pbr_input *input, char *error, size_t size)
{
	struct pbr_machine *machine = &input->machine;

	if (!machine->nr_zones && pbr_guess_machine(input))
		return pbr_error(error, size, "no memory");
	if (!source->memory && pbr_doubt_machine(input, error, size))
		return -1;
	if (source->cpus)
		input->nr_cpus = source->cpus;
	if (!input->nr_cpus)
		input->nr_cpus = 1;
	if (machine->nr_cpus < input->nr_cpus)
		machine->nr_cpus = input->nr_cpus;
	if (!pbr_geometry_init(&pbr_priv(input)->geo, machine->zones, machine->nr_zones,
			       machine->max_order))
		return pbr_error(error, size, "the machine has more than 16 TB");
	pbr_check_events(input);
	if (input->nr_events) {
		input->start_time = input->events[0].time;
		input->end_time = input->events[input->nr_events - 1].time;
	}
	if (source->progress)
		source->progress(source->progress_ctx, "finding the start state", 0.95);
	if (pbr_layout_init(input, error, size))
		return -1;
	return pbr_plan_make(input, error, size);
}

static int read_all(const struct pbr_source *source, struct pbr_loader *loader, char *error,
		    size_t size)
{
	int status = strcmp(source->path, "-") ? pbr_load_pbt(source, loader, error, size) : 1;

	if (status > 0)
		status = pbr_load_text(source, loader, error, size);
	if (!status && loader->failed)
		status = pbr_error(error, size, "%s: no memory for more than %llu events",
				   source->path, (unsigned long long)loader->input->nr_events);
	if (!status) {
		name_tasks(loader);
		end_chains(loader);
	}
	if (!status && loader->failed)
		status = pbr_error(error, size, "no memory");
	return status;
}

int pbr_load(const struct pbr_source *source, struct pbr_input **input, char *error, size_t size)
{
	struct pbr_input *new = calloc(1, sizeof(*new));
	struct pbr_loader loader = { .input = new };
	const char *base = strrchr(source->path, '/');
	int status = -1;

	*input = NULL;
	if (new)
		new->priv = calloc(1, sizeof(*new->priv));
	if (!new || !new->priv) {
		pbr_error(error, size, "no memory");
	} else {
		new->release = source->release;
		snprintf(new->name, sizeof(new->name), "%s", base ? base + 1 : source->path);
		status = read_all(source, &loader, error, size);
		if (!status)
			status = pbr_finish(source, new, error, size);
	}
	free(loader.task_hash);
	if (source->progress)
		source->progress(source->progress_ctx, "", 1.0);
	if (status)
		pbr_unload(new);
	else
		*input = new;
	return status;
}

void pbr_unload(struct pbr_input *input)
{
	if (!input)
		return;
	if (input->priv) {
		pbr_layout_clear(&input->priv->layout);
		pbr_plan_free(input->priv->plan);
		free(input->priv->runs);
	}
	free(input->priv);
	for (uint32_t i = 0; i < input->nr_chains; i++)
		free(input->chains[i].text);
	free(input->chains);
	free(input->chain_of);
	free(input->states);
	free(input->events);
	free(input->tasks);
	free(input);
}
