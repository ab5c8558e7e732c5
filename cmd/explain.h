/* SPDX-License-Identifier: MIT */
/* What `pagebuddy explain` was asked, and the readers that answer. */
#ifndef PB_CMD_EXPLAIN_H
#define PB_CMD_EXPLAIN_H

#include "replay.h"
#include "trace.h"

#define VERB "explain"

struct explain_ask {
	struct pbr_source source;
	enum cmd_format format;
	const char *at;          /* as given; NULL: the end */
	uint64_t order, failure; /* failure: from 1; 0: none */
	bool has_order, list;
	struct pbr_wish wish; /* which of the failures: --list */
	uint32_t gfp;
	const char *gfp_text; /* as given; NULL: it was not */
	bool verbose;
	uint32_t release; /* --kernel; 0: as the input says */
	struct pbr_input *input;
};

/* Each: an exit status; ask->source.path is of its kind. */
int explain_trace(struct explain_ask *ask);
int explain_log(struct explain_ask *ask);
int explain_machine(struct explain_ask *ask);
int explain_unknown(struct explain_ask *ask);

#endif
