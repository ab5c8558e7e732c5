/* SPDX-License-Identifier: MIT */
/*
 * A trace through the whole engine: the recorded kernel's state, the library's
 * own decisions, who pins what, why what failed did. Text as it is, else a .pbt.
 */
#include "pack.h"

#include "replay.h"

static char error[400];

static bool done(int status)
{
	if (status)
		fuzz_check_error(error, sizeof(error));
	error[0] = '\0';
	return status == 0;
}

static void drop_json(json_t *json)
{
	fuzz_require(json);
	json_decref(json);
}

static void simulate(const struct pbr_input *input, enum pb_profile profile)
{
	struct pbr_collect collect = { .samples = 3, .maps = 2, .marks = true };
	struct pbr_settings settings;
	struct pbr_run run;

	pbr_settings_init(&settings);
	settings.profile = profile;
	if (!done(pbr_simulate(input, &settings, &collect, &run, error, sizeof(error))))
		return;
	fuzz_require(run.double_handouts == 0 && run.misuses == 0);
	drop_json(pbr_run_json(input, &run));
	drop_json(pbr_timeline_json(input, &run));
	pbr_run_clear(&run);
}

static void follow(const struct pbr_input *input)
{
	struct pbr_collect collect = { .samples = 3, .maps = 2, .marks = true };
	struct pbr_run run;

	if (!done(pbr_follow(input, &collect, &run, error, sizeof(error))))
		return;
	drop_json(pbr_run_json(input, &run));
	drop_json(pbr_timeline_json(input, &run));
	pbr_run_clear(&run);
}

static void answer(void *ctx, const struct pbr_event *event, const struct pbr_explain *explain)
{
	(void)event;
	fuzz_require(explain->nr_verdicts <= PBR_MAX_ZONES);
	drop_json(pbr_explain_json(ctx, explain));
}

static void ask(struct pbr_input *input)
{
	struct pbr_explain explain;
	struct pbr_pins pins;

	if (done(pbr_pins(input, UINT64_MAX, &pins, error, sizeof(error)))) {
		drop_json(pbr_pins_json(input, &pins));
		pbr_pins_clear(&pins);
	}
	if (done(pbr_explain(input, UINT64_MAX, UINT64_MAX, 3, PB_GFP_KERNEL, &explain, error,
			     sizeof(error))))
		answer(input, NULL, &explain);
	fuzz_require(pbr_explain_failures(input, NULL, 5, answer, input) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packed packed = { (uint8_t *)data, size };
	struct pbr_source source = { 0 };
	struct pbr_input *input;
	struct fuzz_file file;

	/* Sections of a .pbt begin with one of these and a length; text does not. */
	if (size > 1 && strchr("MFDPETLZ", data[0]) && (data[1] < ' ' || data[1] > '~'))
		packed = pack(data, size);
	fuzz_file(&file, packed.bytes, packed.size);
	source.path = file.path;
	if (size % 8) /* a machine that has to be guessed is larger, and slower */
		source.memory = UINT64_C(64) << 20;
	error[0] = '\0';
	if (done(pbr_load(&source, &input, error, sizeof(error)))) {
		follow(input);
		simulate(input, PB_PROFILE_LINUX);
		simulate(input, PB_PROFILE_MODERN);
		ask(input);
		pbr_unload(input);
	}
	fuzz_file_drop(&file);
	if (packed.bytes != data)
		free(packed.bytes);
	return 0;
}
