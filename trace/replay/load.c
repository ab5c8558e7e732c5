// SPDX-License-Identifier: MIT
/* A trace and its snapshots into one struct pbr_input. */

#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "procfs.h"
#include "trace.h"

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
		pbr_loader_end(loader);
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
