// SPDX-License-Identifier: MIT
/*
 * pagebuddy case: a small machine, a few requests, and every step.
 *
 *	parse -> make the pool -> for each request: allocate, with the trace hook
 *	recording -> for each: free, recording -> print text or JSON
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "case.h"

#define VERB "case"
#define PAGE_SHIFT 12
#define DMA_END (UINT64_C(16) << (20 - PAGE_SHIFT))  /* 16 MB, as on a PC */
#define DMA32_END (UINT64_C(4) << (30 - PAGE_SHIFT)) /* 4 GB */
#define MAX_MEMORY (UINT64_C(1) << 40)

enum { OPT_PROFILE = 256, OPT_MEMORY, OPT_FORMAT, OPT_PCP };

static const char short_options[] = ":hqs:o:m:z:";
static const struct option options[] = {
	{ "size", required_argument, NULL, 's' },
	{ "order", required_argument, NULL, 'o' },
	{ "migratetype", required_argument, NULL, 'm' },
	{ "zone", required_argument, NULL, 'z' },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "pcp", no_argument, NULL, OPT_PCP },
	{ "quiet", no_argument, NULL, 'q' },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void help(void)
{
	printf("Usage: pagebuddy case (--size SIZE | --order N)... [OPTION...]\n"
	       "\n"
	       "Make a small machine, allocate what is asked, show each step: the lists\n"
	       "looked at, the splits, what is left; then free it and show each merge.\n"
	       "\n"
	       "  -s, --size SIZE         request SIZE bytes: 28K, 4096, 1.5M\n"
	       "  -o, --order N           request 2^N pages\n"
	       "  -m, --migratetype TYPE  movable (default), unmovable or reclaimable\n"
	       "  -z, --zone ZONE         DMA, DMA32, Normal or Movable: take it from there\n"
	       "                          or from a zone below\n"
	       "      --profile NAME      linux (default): the decisions of Linux 6.1;\n"
	       "                          modern: the library's own\n"
	       "      --memory SIZE       the machine's memory (default 64M)\n"
	       "      --pcp               with per-CPU lists in front, as a real machine has\n"
	       "  -q, --quiet             only /proc/buddyinfo: before, after, and freed again\n"
	       "      --format FORMAT     text (default) or json\n"
	       "\n"
	       "-s and -o may be given up to %d times: the requests are made in a row and then\n"
	       "freed in that order. -m and -z hold for the request before them and those after;\n"
	       "before the first request they hold for all.\n",
	       CASE_MAX_REQUESTS);
}

/* ------------------------------------------------------------------ options */

static int add_request(struct case_study *study, const struct case_request *request)
{
	if (study->nr_results == CASE_MAX_REQUESTS)
		return cmd_error(VERB, "more than %d requests", CASE_MAX_REQUESTS);
	study->results[study->nr_results++].request = *request;
	return CMD_OK;
}

static int add_size(struct case_study *study, struct case_request request, const char *text)
{
	if (cmd_parse_size(text, &request.bytes) || !request.bytes)
		return cmd_error(VERB,
				 "--size '%s': expected a size above 0 such as 28K, 4096 "
				 "or 1.5M",
				 text);
	if (request.bytes > MAX_MEMORY)
		return cmd_error(VERB, "--size '%s': expected at most 1T", text);
	request.order = 0;
	while ((UINT64_C(1) << (request.order + PAGE_SHIFT)) < request.bytes)
		request.order++;
	return add_request(study, &request);
}

static int add_order(struct case_study *study, struct case_request request, const char *text)
{
	uint64_t order;

	if (cmd_parse_u64(text, &order) || order > 28)
		return cmd_error(VERB,
				 "--order '%s': expected a number from 0 to %d (a request "
				 "above %d fails)",
				 text, 28, PB_DEFAULT_MAX_ORDER);
	request.bytes = 0;
	request.order = (unsigned int)order;
	return add_request(study, &request);
}

/* -m and -z: for the request before them, if there is one, and those after. */
static int set_where(struct case_study *study, struct case_request *now, int option,
		     const char *text)
{
	struct case_request *last = study->nr_results
					    ? &study->results[study->nr_results - 1].request
					    : now;
	enum pb_zone_type zone;

	if (option == 'm') {
		if (cmd_parse_migratetype(text, &now->type))
			return cmd_error(VERB,
					 "--migratetype '%s': expected unmovable, movable "
					 "or reclaimable",
					 text);
		last->type = now->type;
		return CMD_OK;
	}
	if (cmd_parse_zone(text, &zone))
		return cmd_error(VERB, "--zone '%s': expected DMA, DMA32, Normal or Movable", text);
	now->zone = last->zone = zone;
	return CMD_OK;
}

static int set_machine(struct case_study *study, int option, const char *text)
{
	switch (option) {
	case OPT_PROFILE:
		if (cmd_parse_profile(text, &study->profile))
			return cmd_error(VERB, "--profile '%s': expected linux or modern", text);
		break;
	case OPT_MEMORY:
		if (cmd_parse_size(text, &study->memory) || study->memory < 4096 ||
		    study->memory > MAX_MEMORY)
			return cmd_error(VERB,
					 "--memory '%s': expected a size from 4K to 1T, "
					 "such as 64M",
					 text);
		break;
	case OPT_FORMAT:
		if (cmd_parse_format(text, &study->format) || study->format == CMD_NDJSON)
			return cmd_error(VERB, "--format '%s': expected text or json", text);
		break;
	}
	return CMD_OK;
}

static int parse_one(struct case_study *study, struct case_request *now, int option)
{
	switch (option) {
	case 's':
		return add_size(study, *now, optarg);
	case 'o':
		return add_order(study, *now, optarg);
	case 'm':
	case 'z':
		return set_where(study, now, option, optarg);
	case 'q':
		study->quiet = true;
		return CMD_OK;
	case OPT_PCP:
		study->pcp = true;
		return CMD_OK;
	default:
		return set_machine(study, option, optarg);
	}
}

/* Returns CMD_OK with *done set after --help. */
static int parse(int argc, char **argv, struct case_study *study, bool *done)
{
	struct case_request now = { .type = PB_MIGRATE_MOVABLE, .zone = -1 };
	int option, status;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return cmd_bad_option(VERB, argc, argv, options, short_options);
		if (option == 'h') {
			help();
			*done = true;
			return CMD_OK;
		}
		status = parse_one(study, &now, option);
		if (status)
			return status;
	}
	if (optind < argc)
		return cmd_error(VERB, "unexpected '%s': a request is --size %s or --order N",
				 argv[optind], argv[optind]);
	if (!study->nr_results)
		return cmd_error(VERB, "nothing to allocate: give --size SIZE or --order N "
				       "(try --size 28K)");
	return CMD_OK;
}

/* ------------------------------------------------------------------ machine */

static void record_step(void *ctx, const struct pb_trace_event *event)
{
	struct case_study *study = ctx;
	struct case_steps *steps = study->recording;

	if (!steps)
		return;
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
	steps->event[steps->nr++] = *event;
}

static void no_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)line; /* the study says itself why a request failed */
}

/* The zones of a PC: DMA up to 16 MB, DMA32 up to 4 GB, Normal above. */
static unsigned int memory_map(uint64_t frames, struct pb_region regions[3])
{
	static const uint64_t ends[] = { DMA_END, DMA32_END, UINT64_MAX };
	uint64_t start = 0;
	unsigned int nr = 0;

	for (; start < frames; nr++) {
		uint64_t end = frames < ends[nr] ? frames : ends[nr];

		regions[nr] = (struct pb_region){ .start_pfn = start,
						  .end_pfn = end,
						  .zone = (uint8_t)(PB_ZONE_DMA + nr),
						  .kind = PB_REGION_USABLE };
		start = end;
	}
	return nr;
}

static int make_pool(struct case_study *study)
{
	struct pb_hooks hooks = { .ctx = study, .trace = record_step, .log = no_log };
	struct pb_region regions[3];
	struct pb_config config;
	struct pb_error error;
	size_t bytes;

	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = memory_map(study->memory >> PAGE_SHIFT, regions);
	config.profile = (uint8_t)study->profile;
	config.nr_stripes = 1;
	config.flags = study->pcp ? PB_POOL_NO_RSEQ : PB_POOL_NO_PCP;
	if (pb_pool_size(&config, &bytes, &error))
		return cmd_error(VERB, "--memory: %s", error.text);
	/* Zero pages of the kernel's: what a large machine doesn't touch costs nothing. */
	study->metadata = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (study->metadata == MAP_FAILED)
		return cmd_error(VERB, "no memory for the metadata (%zu bytes)", bytes);
	study->metadata_bytes = bytes;
	if (pb_pool_init(&study->pool, &config, study->metadata, bytes, true, &hooks, &error))
		return cmd_error(VERB, "--memory: %s", error.text);
	return CMD_OK;
}

static void look(struct case_study *study, struct case_zones *zones)
{
	zones->nr = 0;
	while (zones->nr < CASE_MAX_ZONES &&
	       !pb_zone_stats(&study->pool, zones->nr, &zones->zone[zones->nr]))
		zones->nr++;
}

static char *buddyinfo(struct case_study *study)
{
	size_t length = pb_buddyinfo(&study->pool, NULL, 0);
	char *text = malloc(length + 1);

	if (text)
		pb_buddyinfo(&study->pool, text, length + 1);
	else
		study->out_of_memory = true;
	return text;
}

/* ------------------------------------------------------------------ the study */

static pb_gfp_t gfp_of(const struct case_request *request)
{
	static const pb_gfp_t zones[] = {
		[PB_ZONE_DMA] = PB_GFP_DMA,
		[PB_ZONE_DMA32] = PB_GFP_DMA32,
		[PB_ZONE_NORMAL] = 0,
		[PB_ZONE_HIGHMEM] = PB_GFP_HIGHMEM,
		[PB_ZONE_MOVABLE] = PB_GFP_HIGHMEM,
	};
	static const pb_gfp_t types[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE,
					  PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	pb_gfp_t gfp = types[request->type];

	/* Only HIGHMEM and MOVABLE together reach zone Movable (spec 4.3). */
	if (request->zone >= 0)
		gfp = (gfp & ~PB_GFP_HIGHMEM) | zones[request->zone];
	return gfp;
}

static void allocate(struct case_study *study, struct case_result *result)
{
	result->gfp = gfp_of(&result->request);
	look(study, &result->before);
	study->recording = &result->alloc;
	result->page = pb_alloc_pages_nodemask(&study->pool, result->gfp, result->request.order, 0,
					       NULL, &result->why);
	study->recording = NULL;
	result->pfn = result->page ? pb_page_to_pfn(&study->pool, result->page) : UINT64_MAX;
	look(study, &result->after);
}

static void give_back(struct case_study *study, struct case_result *result)
{
	if (!result->page)
		return;
	study->recording = &result->free;
	pb_free_pages(&study->pool, result->page, result->request.order);
	study->recording = NULL;
	look(study, &result->freed);
}

static void run(struct case_study *study)
{
	study->start_text = buddyinfo(study);
	for (unsigned int i = 0; i < study->nr_results; i++)
		allocate(study, &study->results[i]);
	study->alloc_text = buddyinfo(study);
	for (unsigned int i = 0; i < study->nr_results; i++)
		give_back(study, &study->results[i]);
	study->free_text = buddyinfo(study);
}

static int report(const struct case_study *study)
{
	unsigned int failed = 0;

	if (study->out_of_memory)
		return cmd_error(VERB, "no memory to record the steps"), CMD_FAILED;
	for (unsigned int i = 0; i < study->nr_results; i++)
		failed += !study->results[i].page;
	if (study->format == CMD_JSON) {
		if (cmd_print_json(case_json(study)))
			return CMD_FAILED;
	} else if (study->quiet) {
		printf("%s\n%s\n%s", study->start_text, study->alloc_text, study->free_text);
	} else {
		case_print_text(study);
	}
	return failed ? CMD_FAILED : CMD_OK;
}

static void release(struct case_study *study)
{
	for (unsigned int i = 0; i < study->nr_results; i++) {
		free(study->results[i].alloc.event);
		free(study->results[i].free.event);
	}
	free(study->start_text);
	free(study->alloc_text);
	free(study->free_text);
	if (study->pool.super)
		pb_pool_destroy(&study->pool);
	if (study->metadata_bytes)
		munmap(study->metadata, study->metadata_bytes);
	free(study);
}

int cmd_case(int argc, char **argv)
{
	struct case_study *study = calloc(1, sizeof(*study));
	bool done = false;
	int status;

	if (!study)
		return cmd_error(VERB, "no memory"), CMD_FAILED;
	study->profile = PB_PROFILE_LINUX;
	study->memory = UINT64_C(64) << 20;
	status = parse(argc, argv, study, &done);
	if (!status && !done)
		status = make_pool(study);
	if (!status && !done) {
		run(study);
		status = report(study);
	}
	release(study);
	return status;
}
