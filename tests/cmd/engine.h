/* SPDX-License-Identifier: MIT */
/* Inputs for the replay engine, made by hand. */
#ifndef PB_TESTS_CMD_ENGINE_H
#define PB_TESTS_CMD_ENGINE_H

#include "replay/internal.h"

#define MB(n) ((uint64_t)(n) << 8) /* pages */

struct builder {
	struct pbr_input *input;
	struct pbr_loader loader;
	struct pbr_source source;
	uint64_t time;
};

/* A PC of so many MB; `filled`: buddyinfo at the start says that all of it is free. */
void builder_init(struct builder *builder, unsigned int megabytes, bool filled);
/* The next event, 1 us after the last. */
void add_event(struct builder *builder, enum pbr_kind kind, uint64_t pfn, unsigned int order,
	       uint32_t gfp, const char *comm);
void add_extfrag(struct builder *builder, uint64_t pfn, unsigned int order, unsigned int from_order,
		 enum pb_migratetype type, enum pb_migratetype from, bool claimed);
/* The input is the caller's; pbr_unload() it. */
struct pbr_input *build(struct builder *builder);

#endif
