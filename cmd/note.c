// SPDX-License-Identifier: MIT
/* What every verb says of the trace it was given, beside its answer. */

#include <stdio.h>

#include "note.h"

void cmd_note_input(const char *verb, const struct pbr_input *input, bool with_machine)
{
	const struct pbr_problems *problems = &input->problems;

	if (with_machine && input->note[0])
		fprintf(stderr, "pagebuddy %s: %s\n", verb, input->note);
	if (input->gfp_note[0])
		fprintf(stderr, "pagebuddy %s: %s\n", verb, input->gfp_note);
	if (problems->malformed && problems->lines)
		fprintf(stderr, "pagebuddy %s: %llu of %llu lines understood\n", verb,
			(unsigned long long)(problems->lines - problems->malformed),
			(unsigned long long)problems->lines);
}
