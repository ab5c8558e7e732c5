// SPDX-License-Identifier: MIT
/*
 * pagebuddy case: the machine and its starting state.
 *
 *	all of memory free, or the blocks of a saved /proc/buddyinfo
 */

#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <pagebuddy/linux_user.h>
#include <procfs.h>

#include "case.h"
#include "lang.h"

#define DMA_END (UINT64_C(16) << (20 - CASE_PAGE_SHIFT))  /* 16 MB, as on a PC */
#define DMA32_END (UINT64_C(4) << (30 - CASE_PAGE_SHIFT)) /* 4 GB */
#define LARGEST (UINT64_C(1) << PB_DEFAULT_MAX_ORDER)
#define MAX_FILE (1u << 20)

struct map {
	struct pb_region region[CASE_MAX_ZONES + 1];
	uint32_t nr;
};

/* ------------------------------------------------------------------------- hooks */

static void record_step(void *ctx, const struct pb_trace_event *event)
{
	struct case_study *study = ctx;
	struct case_steps *steps;
	uint64_t number;

	if (!study->now)
		return;
	steps = &study->now->steps;
	if (steps->nr == steps->room) {
		size_t room = steps->room ? 2 * steps->room : 64;
		void *grown = realloc(steps->event, room * sizeof(*steps->event));

		if (!grown) {
			study->out_of_memory = true;
			return;
		}
		steps->event = grown;
		steps->room = room;
	}
	/* What a split puts on a list is part of the split, which comes next. */
	number = study->events + 1;
	if (event->type != PB_TRACE_INSERT || study->freeing)
		study->events = number;
	steps->event[steps->nr++] = (struct case_event){ *event, number };
}

static void no_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)line; /* the study says itself why a request failed */
}

static void record_misuse(void *ctx, const struct pb_misuse_report *report)
{
	struct case_study *study = ctx;

	if (study->now && !study->now->misuse)
		study->now->misuse = case_misuse(report);
}

static bool move(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		 unsigned int order)
{
	struct case_study *study = ctx;

	(void)pool;
	(void)order;
	do_moved(&study->machine, from, to);
	if (study->now)
		study->now->moved++;
	return true;
}

static int compact(void *ctx, unsigned int order)
{
	struct case_study *study = ctx;

	return pb_compact(&study->mover, PB_NO_NODE, order, 1);
}

static int set_cpu(void *ctx, unsigned int cpu)
{
	const struct case_study *study = ctx;

	if (cpu >= study->opt.cpus)
		return -1;
	pb_user_set_cpu((int)cpu);
	return 0;
}

static void freeing(void *ctx, size_t i)
{
	struct case_study *study = ctx;
	struct case_act *act = study->now;

	if (act && act->nr_pfn < study->machine.nr)
		act->pfn[act->nr_pfn++] = study->machine.block[i].pfn;
}

/* ---------------------------------------------------------------------- memory map */

/* The zones of a PC: DMA up to 16 MB, DMA32 up to 4 GB, Normal above. */
static void pc_map(uint64_t frames, struct map *map)
{
	static const uint64_t ends[] = { DMA_END, DMA32_END, UINT64_MAX };
	uint64_t start = 0;

	for (; start < frames; map->nr++) {
		uint64_t end = frames < ends[map->nr] ? frames : ends[map->nr];

		map->region[map->nr] = (struct pb_region){ .start_pfn = start,
							   .end_pfn = end,
							   .zone = (uint8_t)(PB_ZONE_DMA + map->nr),
							   .kind = PB_REGION_USABLE };
		start = end;
	}
}

static int bad_file(const struct case_study *study, const char *why)
{
	return cmd_error(CASE_VERB, "--buddyinfo '%s': %s", study->opt.buddyinfo, why);
}

static int file_map(const struct case_study *study, const struct pb_buddyinfo *info,
		    struct map *map)
{
	uint64_t start = 0;

	if (!info->nr_zones || info->nr_zones > CASE_MAX_ZONES)
		return bad_file(study, _("expected 1 to 64 zones"));
	for (size_t i = 0; i < info->nr_zones; i++) {
		const struct pb_buddyinfo_zone *zone = &info->zones[i];
		enum pb_zone_type type;

		if (cmd_parse_zone(zone->name, &type))
			return bad_file(study, _("a zone has a name that is not Linux's"));
		for (size_t j = 0; j < i; j++)
			if (info->zones[j].node == zone->node &&
			    !strcmp(info->zones[j].name, zone->name))
				return bad_file(study, _("a zone is in it twice"));
		for (unsigned int o = 0; o < PB_PROC_ORDERS; o++)
			if (zone->nr_free[o] > (o > PB_DEFAULT_MAX_ORDER ? 0 : 1u << 24))
				return bad_file(study, _("expected blocks of orders 0 to 10, fewer "
							 "than 16 million of each"));
		if (!do_place_room(zone->nr_free))
			continue;
		map->region[map->nr++] =
			(struct pb_region){ .start_pfn = start,
					    .end_pfn = start + do_place_room(zone->nr_free),
					    .node = (uint8_t)zone->node,
					    .zone = (uint8_t)type,
					    .kind = PB_REGION_USABLE };
		start += do_place_room(zone->nr_free);
	}
	if (!map->nr)
		return bad_file(study, _("no block is free in it"));
	if (start << CASE_PAGE_SHIFT > CASE_MAX_MEMORY)
		return bad_file(study, _("more than 1T"));
	return CMD_OK;
}

/* ------------------------------------------------------------------------ buddyinfo */

static int read_file(const struct case_study *study, struct pb_buddyinfo *info)
{
	FILE *file = fopen(study->opt.buddyinfo, "r");
	char *text = file ? malloc(MAX_FILE) : NULL;
	char error[200] = "";
	size_t length;

	if (!file)
		return bad_file(study, strerror(errno));
	length = text ? fread(text, 1, MAX_FILE, file) : 0;
	if (ferror(file))
		snprintf(error, sizeof(error), "%s", strerror(errno));
	else if (length == MAX_FILE)
		snprintf(error, sizeof(error), "%s", _("larger than 1M: no /proc/buddyinfo"));
	else
		pb_buddyinfo_parse(text, length, info, error, sizeof(error));
	fclose(file);
	free(text);
	if (!*error)
		return CMD_OK;
	text = case_reader_error(error);
	bad_file(study, text ? text : error);
	free(text);
	return CMD_USAGE;
}

static int place(struct case_study *study, const struct pb_region *region,
		 const struct pb_buddyinfo_zone *zone)
{
	switch (do_place(&study->machine, region->start_pfn, region->end_pfn, zone->nr_free)) {
	case DO_PLACED:
		return CMD_OK;
	case DO_PLACE_NO_ROOM:
		return bad_file(study, _("more blocks than a case study has room for"));
	default:
		return bad_file(study, _("its blocks could not be placed"));
	}
}

static int place_all(struct case_study *study, const struct pb_buddyinfo *info,
		     const struct map *map)
{
	uint32_t next = 0;
	int status = CMD_OK;

	for (size_t i = 0; i < info->nr_zones && !status; i++)
		if (do_place_room(info->zones[i].nr_free))
			status = place(study, &map->region[next++], &info->zones[i]);
	if (!status &&
	    asprintf(
		    &study->placed,
		    _("Free blocks of %s.\n"
		      "Where they lie is not in it: each is beside a block that has an owner. All\n"
		      "pageblocks are taken as Movable, and the watermarks are those of a machine of\n"
		      "this size."),
		    study->opt.buddyinfo) < 0)
		study->out_of_memory = true;
	return status;
}

/* ------------------------------------------------------------------------------ pool */

static int out_of_metadata(size_t bytes)
{
	return cmd_error(CASE_VERB, _("no memory for the metadata (%zu bytes)"), bytes), CMD_FAILED;
}

/* The memory map is what an option said. */
static int bad_map(const struct case_study *study, const struct pb_error *error)
{
	if (study->opt.buddyinfo)
		return bad_file(study, error->text);
	return cmd_error(CASE_VERB, "--memory: %s", error->text);
}

static int make_handles(struct case_study *study, const struct pb_config *config)
{
	struct pb_hooks hooks = { .ctx = study,
				  .trace = record_step,
				  .log = no_log,
				  .misuse = record_misuse };
	struct pb_error error;
	size_t bytes;

	if (pb_pool_size(config, &bytes, &error))
		return bad_map(study, &error);
	/* Zero pages of the kernel's: what a large machine doesn't touch costs nothing. */
	study->metadata = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (study->metadata == MAP_FAILED)
		return out_of_metadata(bytes);
	study->metadata_bytes = bytes;
	if (pb_pool_init(&study->pool, config, study->metadata, bytes, true, &hooks, &error))
		return bad_map(study, &error);
	/* Requests don't compact by themselves: only the second handle can move a block. */
	hooks.migrate = move;
	if (pb_pool_attach(&study->mover, study->metadata, bytes, false, &hooks, &error))
		return bad_map(study, &error);
	return CMD_OK;
}

/* The highest frames are CMA's. */
static int add_cma(struct case_study *study, struct map *map)
{
	uint64_t frames = study->opt.cma >> CASE_PAGE_SHIFT;
	uint64_t end = map->region[map->nr - 1].end_pfn;

	if (!frames)
		return CMD_OK;
	if (frames % LARGEST || end % LARGEST || frames >= end)
		return cmd_error(CASE_VERB, _("--cma: expected a multiple of 4M that is less than "
					      "the machine's memory, itself a multiple of 4M"));
	map->region[map->nr++] = (struct pb_region){ .start_pfn = end - frames,
						     .end_pfn = end,
						     .kind = PB_REGION_CMA };
	return CMD_OK;
}

/* As many blocks as there are frames, up to the limit: memory that nobody touches is free. */
static int make_room(struct case_study *study, uint64_t frames)
{
	struct do_machine *machine = &study->machine;

	machine->pool = &study->pool;
	machine->actions = study->action;
	machine->set_cpu = set_cpu;
	machine->compact = compact;
	machine->freeing = freeing;
	machine->ctx = study;
	machine->room = frames < DO_MAX_COUNT ? frames : DO_MAX_COUNT;
	machine->block = calloc(machine->room, sizeof(*machine->block));
	study->act = calloc(study->nr_actions + 1, sizeof(*study->act));
	return machine->block && study->act ? CMD_OK : out_of_metadata(machine->room);
}

static int make_pool(struct case_study *study, struct map *map)
{
	struct pb_config config;
	struct pb_pool_info info;
	int status = add_cma(study, map);

	if (status)
		return status;
	pb_config_init(&config);
	config.regions = map->region;
	config.nr_regions = map->nr;
	config.profile = (uint8_t)study->opt.profile;
	config.nr_stripes = 1;
	config.nr_cpus = study->opt.cpus;
	config.flags = study->opt.pcp ? PB_POOL_NO_RSEQ : PB_POOL_NO_PCP;
	status = make_handles(study, &config);
	(void)pb_pool_info(&study->pool, &info);
	if (!status)
		status = make_room(study, info.frames);
	pb_user_set_cpu(0);
	return status;
}

int case_make_machine(struct case_study *study)
{
	struct pb_buddyinfo info = { 0 };
	struct map map = { .nr = 0 };
	int status = CMD_OK;

	if (!study->opt.buddyinfo) {
		pc_map(study->opt.memory >> CASE_PAGE_SHIFT, &map);
		return make_pool(study, &map);
	}
	if (study->opt.memory_given || study->opt.cma)
		return cmd_error(CASE_VERB, _("--buddyinfo brings its own memory: without --memory "
					      "and --cma"));
	status = read_file(study, &info);
	if (!status)
		status = file_map(study, &info, &map);
	if (!status)
		study->opt.memory = map.region[map.nr - 1].end_pfn << CASE_PAGE_SHIFT;
	if (!status)
		status = make_pool(study, &map);
	if (!status)
		status = place_all(study, &info, &map);
	if (!status)
		pb_drain(&study->pool, -1);
	pb_buddyinfo_free(&info);
	return status;
}
