/* SPDX-License-Identifier: MIT */
#ifndef PB_CMD_NOTE_H
#define PB_CMD_NOTE_H

#include "replay.h"

/*
 * On standard error: what was assumed of a trace - of its machine only where the
 * answer depends on it - and how much of it was understood.
 */
void cmd_note_input(const char *verb, const struct pbr_input *input, bool with_machine);

#endif
