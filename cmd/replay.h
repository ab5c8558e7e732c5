/* SPDX-License-Identifier: MIT */
/* pagebuddy replay: what was asked, and what came of it. */
#ifndef PB_CMD_REPLAY_H
#define PB_CMD_REPLAY_H

#include "cmd.h"
#include "replay/replay.h"

#define REPLAY_MAX_VARIANTS 32

struct replay {
	struct pbr_source source;
	enum cmd_format format;
	bool simulate, follow, pins, lenient;
	uint32_t top; /* rows of the tables of who allocates; 0: not asked for */
	struct pbr_wish wish;
	bool filtered;
	struct pbr_filter filter;
	uint32_t samples;             /* 0: by format */
	struct pbr_settings settings; /* the baseline */
	struct pbr_settings variants[REPLAY_MAX_VARIANTS];
	unsigned int nr_variants;

	struct pbr_input *input;
	struct pbr_run followed;
	struct pbr_run runs[1 + REPLAY_MAX_VARIANTS]; /* baseline, variants */
	struct pbr_pins who;
	struct pbr_top allocators;
};

/* Owners from before the trace are known from a snapshot, or there are none: --memory says
   that the machine is made up. */
static inline bool replay_pins_known(const struct replay *replay)
{
	return pbr_start_known(replay->input) || replay->source.memory;
}

void replay_print_text(const struct replay *replay);
/* What was odd about the trace, and what the machine is: also for explain. */
void replay_print_trace(const struct pbr_input *input);

/* Without the prefixes: GFP_KERNEL|NOWARN|COMP fits a column. */
void replay_short_gfp(uint32_t gfp, char *text, size_t size);

#endif
