// SPDX-License-Identifier: MIT
/* Inputs for the replay engine, made by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

void builder_init(struct builder *builder, unsigned int megabytes, bool filled)
{
	struct pbr_machine *machine;

	*builder = (struct builder){ .input = calloc(1, sizeof(struct pbr_input)) };
	assert_non_null(builder->input);
	builder->input->priv = calloc(1, sizeof(struct pbr_private));
	assert_non_null(builder->input->priv);
	builder->loader.input = builder->input;
	builder->time = 1000000;
	machine = &builder->input->machine;
	machine->max_order = 10;
	machine->pageblock_order = 9;
	pbr_machine_pc(machine, (uint64_t)megabytes << 20);
	machine->has_start = filled;
	for (unsigned int z = 0; filled && z < machine->nr_zones; z++) {
		struct pbr_zone *zone = &machine->zones[z];

		zone->start_free = zone->managed;
		zone->start_blocks[10] = zone->managed >> 10;
	}
}

void add_event(struct builder *builder, enum pbr_kind kind, uint64_t pfn, unsigned int order,
	       uint32_t gfp, const char *comm)
{
	struct pbr_event event = { .time = builder->time,
				   .pfn = pfn,
				   .gfp = gfp,
				   .kind = (uint8_t)kind,
				   .order = (uint8_t)order };

	event.task = pbr_loader_task(&builder->loader, 1, comm);
	event.migratetype = (gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE)) >> 3;
	builder->time += 1000;
	assert_true(pbr_loader_event(&builder->loader, event));
}

void add_extfrag(struct builder *builder, uint64_t pfn, unsigned int order, unsigned int from_order,
		 enum pb_migratetype type, enum pb_migratetype from, bool claimed)
{
	struct pbr_event event = { .time = builder->time,
				   .pfn = pfn,
				   .kind = PBR_EXTFRAG,
				   .order = (uint8_t)order,
				   .migratetype = (uint8_t)type,
				   .from_type = (uint8_t)from,
				   .from_order = (uint8_t)from_order,
				   .flag = claimed,
				   .task = PBR_NO_TASK };

	builder->time += 1000;
	assert_true(pbr_loader_event(&builder->loader, event));
}

struct pbr_input *build(struct builder *builder)
{
	char error[256] = "";

	for (uint32_t i = 0; i < builder->input->nr_tasks; i++)
		builder->input->tasks[i].name = i;
	free(builder->loader.task_hash);
	if (pbr_finish(&builder->source, builder->input, error, sizeof(error)))
		fail_msg("%s", error);
	return builder->input;
}
