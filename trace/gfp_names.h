/* SPDX-License-Identifier: MIT */
/* gfp texts of one file: which kernel's table they are of, and a cache. */
#ifndef PB_TRACE_GFP_NAMES_H
#define PB_TRACE_GFP_NAMES_H

#include "trace.h"

#define PB_GFP_SLOTS 64 /* distinct texts of a trace are some dozens */
#define PB_GFP_TEXT 240 /* bytes, longest text that is kept */

struct pb_gfp_slot {
	uint16_t len; /* 0: empty */
	uint32_t gfp;
	char text[PB_GFP_TEXT];
};

struct pb_gfp_state {
	enum pb_gfp_table table;
	bool fixed; /* told, or seen by a text that only one kernel prints */
	struct pb_gfp_slot slots[PB_GFP_SLOTS];
};

void pb_gfp_init(struct pb_gfp_state *state, enum pb_gfp_table table);
/* A decimal pfn was seen: only 5.4's time printed those. */
void pb_gfp_decimal_pfn(struct pb_gfp_state *state);
/* False: not a list of names of the table in force. */
bool pb_gfp_lookup(struct pb_gfp_state *state, const char *text, size_t len, uint32_t *gfp);

#endif
