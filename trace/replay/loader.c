// SPDX-License-Identifier: MIT
/* Events and machines go in through here, whatever the format. */

#include <stdlib.h>
#include <string.h>

#include "call_chain.h"
#include "internal.h"
#include "procfs.h"
#include "trace.h"

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

void pbr_loader_end(struct pbr_loader *loader)
{
	name_tasks(loader);
	/* events behind the last that has callers have none */
	if (loader->input->chain_of)
		grow_chains(loader);
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
