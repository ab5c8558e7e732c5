// SPDX-License-Identifier: MIT
/*
 * pagebuddy replay: a recorded trace through the library, or followed.
 *
 *	parse -> load the trace -> follow, simulate, variants, pins -> print
 */

#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "options.h"
#include "replay.h"

#define VERB "replay"
#define NDJSON_SAMPLES 256
#define WHATIF_SAMPLES 128
#define THREADS 2
#define TOP_ROWS 15

static void help(void)
{
	printf("Usage: pagebuddy replay FILE [OPTION...]\n"
	       "\n"
	       "Perform every allocation and free of a recorded kernel trace through the\n"
	       "library, and say how it went. FILE: ftrace text, perf script text, trace.dat\n"
	       "or .pbt; plain or zstd; - is standard input.\n"
	       "\n"
	       "      --simulate          the library decides where pages go (default)\n"
	       "      --follow            rebuild the recorded kernel's own state from the pfns\n"
	       "                          and hold it against the end snapshot\n"
	       "      --pins              who keeps pageblocks from being whole\n"
	       "      --top[=N]           who allocates, by task, call site (where the trace has\n"
	       "                          stacks), order and lifetime: the first N (default %d)\n"
	       "      --task NAME         count only what this task (or pid; * and ? stand for\n"
	       "                          anything) did; the rest happens all the same\n"
	       "      --from TIME, --to TIME\n"
	       "                          count only this time: +SECONDS from the first event,\n"
	       "                          SECONDS of the trace's own clock, start or end\n"
	       "      --order N           count only requests of this order, or N-M\n"
	       "      --profile NAME      linux (default) or modern\n"
	       "      --kernel NAME       the linux profile goes by this kernel's rules: 5.4,\n"
	       "                          5.10, 6.1, 6.12 or 7.2 (default: the recorded one,\n"
	       "                          else 6.1)\n"
	       "      --what-if SETTINGS  run a variant beside it; may be repeated. SETTINGS are\n"
	       "                          KEY=VALUE, comma-joined if they belong together:\n"
	       "                          profile, kernel, pageblock_order, max_order,\n"
	       "                          watermark_boost, watermark_scale_factor,\n"
	       "                          min_free_kbytes, pcp_high, pcp_batch, mobility=off,\n"
	       "                          thp=never, memory=+25%% or memory=2G\n"
	       "      --memory SIZE       a machine of this size, empty at the start, instead of\n"
	       "                          the recorded one\n"
	       "      --cpus N            as many virtual CPUs (default: as the trace has)\n"
	       "      --snapshot PATH     directory or prefix of the snapshots (default: beside\n"
	       "                          FILE, or in it)\n"
	       "      --samples N         states collected on the way (default: 2, ndjson: %d)\n"
	       "      --format FORMAT     text (default), json (one object) or ndjson (a row per\n"
	       "                          sample and zone)\n"
	       "      --lenient           status 0 even if lines of the trace were malformed\n",
	       TOP_ROWS, NDJSON_SAMPLES);
}

/* ------------------------------------------------------------------ options */

static int set_number(const char *name, const char *text, uint64_t low, uint64_t high,
		      uint64_t *value)
{
	if (cmd_parse_u64(text, value) || *value < low || *value > high)
		return cmd_error(VERB, "--%s '%s': expected a number from %llu to %llu", name, text,
				 (unsigned long long)low, (unsigned long long)high);
	return CMD_OK;
}

static int add_variant(struct replay *replay, const char *text)
{
	struct pbr_settings *variant = &replay->variants[replay->nr_variants];
	char error[256];

	if (replay->nr_variants == REPLAY_MAX_VARIANTS)
		return cmd_error(VERB, "--what-if: more than %d variants", REPLAY_MAX_VARIANTS);
	pbr_settings_init(variant);
	if (pbr_settings_parse(text, variant, error, sizeof(error)))
		return cmd_error(VERB, "--what-if: %s", error);
	replay->nr_variants++;
	return CMD_OK;
}

static int set_value(struct replay *replay, enum cmd_option option, const char *text)
{
	enum pb_kernel kernel;
	uint64_t value;
	int status;

	switch (option) {
	case CMD_OPT_PROFILE:
		if (cmd_parse_profile(text, &replay->settings.profile))
			return cmd_error(VERB, "--profile '%s': expected linux or modern", text);
		return CMD_OK;
	case CMD_OPT_KERNEL:
		if (cmd_parse_kernel(text, &kernel))
			return cmd_bad_kernel(VERB, text);
		replay->settings.kernel = (int)kernel;
		replay->source.release = pb_release_parse(text);
		return CMD_OK;
	case CMD_OPT_MEMORY:
		if (cmd_parse_size(text, &replay->source.memory) ||
		    replay->source.memory < 1 << 20 || replay->source.memory > UINT64_C(1) << 43)
			return cmd_error(VERB,
					 "--memory '%s': expected a size from 1M to 8T, such as "
					 "512M",
					 text);
		return CMD_OK;
	case CMD_OPT_FORMAT:
		if (cmd_parse_format(text, &replay->format))
			return cmd_error(VERB, "--format '%s': expected text, json or ndjson",
					 text);
		return CMD_OK;
	case CMD_OPT_CPUS:
		status = set_number("cpus", text, 1, PB_MAX_CPUS, &value);
		replay->source.cpus = (unsigned int)value;
		return status;
	case CMD_OPT_SAMPLES:
		status = set_number("samples", text, 2, 100000, &value);
		replay->samples = (uint32_t)value;
		return status;
	case CMD_OPT_SNAPSHOT:
		replay->source.snapshot = text;
		return CMD_OK;
	case CMD_OPT_TOP:
		status = text ? set_number("top", text, 1, 100000, &value) : CMD_OK;
		replay->top = text ? (uint32_t)value : TOP_ROWS;
		return status;
	default:
		return add_variant(replay, text);
	}
}

static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct replay *replay = ctx;

	switch (option) {
	case CMD_OPT_FOLLOW:
		replay->follow = true;
		return CMD_OK;
	case CMD_OPT_SIMULATE:
		replay->simulate = true;
		return CMD_OK;
	case CMD_OPT_PINS:
		replay->pins = true;
		return CMD_OK;
	case CMD_OPT_LENIENT:
		replay->lenient = true;
		return CMD_OK;
	case CMD_OPT_TASK:
		replay->wish.task = value;
		return CMD_OK;
	case CMD_OPT_FROM:
		replay->wish.from = value;
		return CMD_OK;
	case CMD_OPT_TO:
		replay->wish.to = value;
		return CMD_OK;
	case CMD_OPT_ORDER:
		replay->wish.orders = value;
		return CMD_OK;
	default:
		return set_value(replay, option, value);
	}
}

/* A variant changes what it names; the rest is as in the baseline. */
static void inherit(struct replay *replay)
{
	for (unsigned int i = 0; i < replay->nr_variants; i++) {
		if (!strstr(replay->variants[i].name, "profile="))
			replay->variants[i].profile = replay->settings.profile;
		if (replay->variants[i].kernel < 0)
			replay->variants[i].kernel = replay->settings.kernel;
	}
}

/* CMD_GO_ON or the exit status. */
static int parse(int argc, char **argv, struct replay *replay)
{
	struct cmd_call call = { VERB, argc, argv, set, replay, false, false };
	int words, status = cmd_options(&call, help, &words);

	if (status != CMD_GO_ON)
		return status;
	if (words >= argc)
		return cmd_error(VERB,
				 "no trace is named: pagebuddy replay FILE (- is standard input)");
	if (words + 1 < argc && replay->top &&
	    strspn(argv[words], "0123456789") == strlen(argv[words]))
		return cmd_error(VERB, "expected --top=%s, not --top %s", argv[words], argv[words]);
	if (words + 1 < argc)
		return cmd_error(VERB, "unexpected '%s' after the trace '%s'", argv[words + 1],
				 argv[words]);
	replay->source.path = argv[words];
	if (!replay->follow && !replay->pins && !replay->top)
		replay->simulate = true;
	if (replay->nr_variants)
		replay->simulate = true;
	inherit(replay);
	return CMD_GO_ON;
}

/* --------------------------------------------------------------------- work */

static int make_filter(struct replay *replay, char *error, size_t size)
{
	const struct pbr_wish *wish = &replay->wish;

	replay->filtered = wish->task || wish->from || wish->to || wish->orders;
	return replay->filtered ? pbr_filter_make(replay->input, wish, &replay->filter, error, size)
				: 0;
}

static int work(struct replay *replay, char *error, size_t size)
{
	struct pbr_collect collect = { .samples = replay->samples, .progress = cmd_progress };

	if (make_filter(replay, error, size))
		return -1;
	collect.filter = replay->filtered ? &replay->filter : NULL;

	if (!collect.samples && replay->format == CMD_NDJSON)
		collect.samples = NDJSON_SAMPLES;
	if (replay->follow && pbr_follow(replay->input, &collect, &replay->followed, error, size))
		return -1;
	if (replay->pins && pbr_pins(replay->input, collect.filter ? replay->filter.to : UINT64_MAX,
				     &replay->who, error, size))
		return -1;
	if (replay->top && pbr_top(replay->input, collect.filter, &replay->allocators, error, size))
		return -1;
	if (!replay->simulate)
		return 0;
	if (!replay->nr_variants)
		return pbr_simulate(replay->input, &replay->settings, &collect, &replay->runs[0],
				    error, size);
	if (!collect.samples)
		collect.samples = WHATIF_SAMPLES;
	return pbr_whatif(replay->input, &replay->settings, replay->variants, replay->nr_variants,
			  THREADS, &collect, replay->runs, error, size);
}

/* -------------------------------------------------------------------- output */

static json_t *to_json(const struct replay *replay)
{
	const struct pbr_run *first = replay->simulate ? &replay->runs[0] : &replay->followed;
	json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:f}", "schema", CMD_SCHEMA, "kind",
				 "replay", "format", replay->input->format, "assumed",
				 replay->input->note, "trace_seconds",
				 (double)(replay->input->end_time - replay->input->start_time) *
					 1e-9);
	json_t *run;

	json_object_set_new(json, "machine", pbr_machine_json(&replay->input->machine));
	json_object_set_new(json, "problems", pbr_problems_json(&replay->input->problems));
	if (replay->simulate || replay->follow) {
		run = pbr_run_json(replay->input, first);
		json_object_update(json, run);
		json_decref(run);
	}
	if (replay->simulate && replay->follow) {
		run = pbr_run_json(replay->input, &replay->followed);
		json_object_set(json, "follow", json_object_get(run, "follow"));
		json_decref(run);
	}
	if (replay->nr_variants)
		json_object_set_new(json, "what_if",
				    pbr_whatif_json(replay->runs, replay->nr_variants + 1));
	json_object_set_new(json, "only",
			    replay->filtered ? json_string(replay->filter.text) : json_null());
	if (replay->top)
		json_object_set_new(json, "top",
				    pbr_top_json(replay->input, &replay->allocators, replay->top));
	if (replay->pins)
		json_object_set_new(json, "pins",
				    replay_pins_known(replay)
					    ? pbr_pins_json(replay->input, &replay->who)
					    : json_null());
	return json;
}

/* A row per sample and zone: for tables, not for people. */
static int print_rows(const struct replay *replay, const struct pbr_run *run)
{
	json_t *timeline = pbr_timeline_json(replay->input, run), *sample, *zone, *row;
	size_t i, z;
	int status = CMD_OK;

	json_array_foreach(json_object_get(timeline, "samples"), i, sample)
	{
		json_array_foreach(json_object_get(sample, "zones"), z, zone)
		{
			row = json_pack("{s:i, s:s, s:s, s:s, s:O, s:O}", "schema", CMD_SCHEMA,
					"kind", "sample", "trace", replay->input->name, "run",
					run->name, "t", json_object_get(sample, "t"), "event",
					json_object_get(sample, "event"));
			json_object_update(row, zone);
			if (json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)))
				status = CMD_FAILED;
			putchar('\n');
			json_decref(row);
		}
	}
	json_decref(timeline);
	return status;
}

static int print_ndjson(const struct replay *replay)
{
	int status = CMD_OK;

	if (replay->follow)
		status = print_rows(replay, &replay->followed);
	for (unsigned int i = 0; !status && replay->simulate && i <= replay->nr_variants; i++)
		status = print_rows(replay, &replay->runs[i]);
	return status;
}

static int print(const struct replay *replay)
{
	if (replay->format == CMD_JSON)
		return cmd_print_json(to_json(replay));
	if (replay->format == CMD_NDJSON)
		return print_ndjson(replay);
	replay_print_text(replay);
	return CMD_OK;
}

/* Status 0 only if nothing was malformed, or that is fine with the caller. */
static int judge(const struct replay *replay)
{
	for (unsigned int i = 0; replay->simulate && i <= replay->nr_variants; i++)
		if (replay->runs[i].double_handouts)
			return CMD_FAILED;
	return replay->input->problems.total && !replay->lenient ? CMD_FAILED : CMD_OK;
}

static int run(struct replay *replay)
{
	char error[512];
	int status;

	if (pbr_load(&replay->source, &replay->input, error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	cmd_note_input(VERB, replay->input, true);
	if (work(replay, error, sizeof(error)))
		return cmd_error(VERB, "%s", error);
	status = print(replay);
	return status ? status : judge(replay);
}

int cmd_replay(int argc, char **argv)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int status;

	if (!replay)
		return cmd_error(VERB, "no memory"), CMD_FAILED;
	pbr_settings_init(&replay->settings);
	replay->source.progress = cmd_progress;
	status = parse(argc, argv, replay);
	if (status == CMD_GO_ON)
		status = run(replay);
	pbr_run_clear(&replay->followed);
	for (unsigned int i = 0; i <= replay->nr_variants; i++)
		pbr_run_clear(&replay->runs[i]);
	pbr_pins_clear(&replay->who);
	pbr_top_clear(&replay->allocators);
	pbr_filter_clear(&replay->filter);
	pbr_unload(replay->input);
	free(replay);
	return status;
}
