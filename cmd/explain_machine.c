// SPDX-License-Identifier: MIT
/* pagebuddy explain on what is neither log nor trace: files of a machine, or nothing known. */

#include <stdlib.h>
#include <string.h>

#include <source.h>

#include "explain.h"
#include "show.h"

int explain_machine(struct explain_ask *ask)
{
	struct show_ask show = { .root = ask->source.path,
				 .format = ask->format,
				 .has_order = ask->has_order,
				 .order = (unsigned int)ask->order,
				 .gfp = ask->gfp_text,
				 .release = ask->release,
				 .verbose = ask->verbose };

	if (ask->failure || ask->list || ask->at || ask->wish.from || ask->wish.to)
		return cmd_error(
			VERB,
			"'%s' is of one moment: --failure, --list, --at, --from and --to are "
			"for traces",
			ask->source.path);
	if (ask->wish.task)
		return cmd_error(VERB, "'%s' has no tasks: --task is for logs and traces",
				 ask->source.path);
	if (ask->has_order && strchr(ask->wish.orders, '-'))
		return cmd_error(VERB, "--order '%s': expected one order", ask->wish.orders);
	if (ask->gfp_text && !ask->has_order)
		return cmd_error(VERB, "--gfp goes with --order");
	return show_asked(&show);
}

static uint64_t count_lines(struct pb_source *source)
{
	static char buffer[1 << 16];
	uint64_t lines = 0;
	bool blank = true;
	long n;

	while ((n = pb_source_read(source, buffer, sizeof(buffer))) > 0)
		for (long i = 0; i < n; i++) {
			if (!strchr(" \t\r\n", buffer[i]) && blank) {
				blank = false;
				lines++;
			}
			blank |= buffer[i] == '\n';
		}
	return lines;
}

int explain_unknown(struct explain_ask *ask)
{
	const char *name = strcmp(ask->source.path, "-") ? ask->source.path : "standard input";
	struct pb_source *source;
	char error[512];
	uint64_t lines;

	/* who asks for a moment of it, or its failures, says that it is a trace */
	if (ask->has_order || ask->failure || ask->list || ask->at)
		return explain_trace(ask);
	source = pb_source_open(ask->source.path, error, sizeof(error));
	if (!source)
		return cmd_error(VERB, "%s", error);
	lines = count_lines(source);
	pb_source_close(source);
	if (!lines)
		return cmd_error(
			VERB, "'%s' is empty; expected a kernel's log, a trace or files of /proc",
			name);
	return cmd_error(
		VERB,
		"'%s': 0 of %llu lines understood; expected a kernel's log, a trace or files "
		"of /proc",
		name, (unsigned long long)lines);
}
