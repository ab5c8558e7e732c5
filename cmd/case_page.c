// SPDX-License-Identifier: MIT
/*
 * case --step: the text, a step at a time.
 *
 * The whole text is written to memory first, with the place of every mark; so
 * going back is as simple as going on.
 */

#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "lang.h"

static struct {
	long *at; /* where each step ends in the text */
	size_t nr, room;
	bool out_of_memory;
} marks;

static void add_mark(FILE *out)
{
	long here = ftell(out);

	if (marks.nr && marks.at[marks.nr - 1] == here)
		return;
	if (marks.nr == marks.room) {
		size_t room = marks.room ? 2 * marks.room : 256;
		long *grown = realloc(marks.at, room * sizeof(*grown));

		if (!grown) {
			marks.out_of_memory = true;
			return;
		}
		marks.at = grown;
		marks.room = room;
	}
	marks.at[marks.nr++] = here;
}

/* Part i of the text; part 0 begins with the heading. */
static void print_part(const char *text, size_t i)
{
	long from = i ? marks.at[i - 1] : 0;

	fwrite(text + from, 1, (size_t)(marks.at[i] - from), stdout);
}

/* What the reader wants to see next, from part i on; marks.nr: to stop. */
static size_t ask(size_t i)
{
	char line[64];
	uint64_t wanted;

	printf(_("-- %zu of %zu: Enter goes on, b back, a number there, q ends -- "), i + 1,
	       marks.nr);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin)) {
		putchar('\n');
		return marks.nr;
	}
	line[strcspn(line, "\n")] = 0;
	if (!strcmp(line, "q"))
		return marks.nr;
	if (!strcmp(line, "b"))
		return i ? i - 1 : 0;
	if (*line && !cmd_parse_u64(line, &wanted) && wanted >= 1 && wanted <= marks.nr)
		return (size_t)wanted - 1;
	if (*line && *line != ' ') {
		printf(_("'%s': expected Enter, b, a number from 1 to %zu, or q\n"), line,
		       marks.nr);
		return i;
	}
	return i + 1;
}

int case_page_text(const struct case_study *study)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return cmd_error(CASE_VERB, _("no memory")), CMD_FAILED;
	case_print_text(study, memory, add_mark);
	add_mark(memory);
	if (fclose(memory) || marks.out_of_memory) {
		free(text);
		return cmd_error(CASE_VERB, _("no memory")), CMD_FAILED;
	}
	for (size_t i = 0; i < marks.nr;) {
		print_part(text, i);
		i = i + 1 < marks.nr ? ask(i) : marks.nr;
	}
	free(marks.at);
	memset(&marks, 0, sizeof(marks));
	free(text);
	return CMD_OK;
}
