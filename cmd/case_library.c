// SPDX-License-Identifier: MIT
/*
 * What the library and the readers of /proc say, in the reader's language. They know
 * no gettext: their texts are looked up here. One that isn't in the catalogue stays
 * English.
 */

#define _GNU_SOURCE /* asprintf */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "lang.h"

/* For the catalogue: core/alloc/misuse.c, pb_strerror(), trace/procfs.c. */
static const char *const known[] __attribute__((unused)) = {
	N_("page is free: freed twice, or never allocated"),
	N_("page was allocated with another order"),
	N_("page is inside an allocated block, not its first"),
	N_("pointer is not a page of this pool"),
	N_("page is reserved or a hole: never handed out"),
	N_("node id out of range"),
	N_("gfp flags contradict each other"),
	N_("reference count out of range or not kept"),
	N_("invalid parameter"),
	N_("impossible memory map"),
	N_("not enough memory"),
	N_("too big"),
	N_("frames are in use"),
	N_("no such pfn, node or zone"),
	N_("misuse by the caller"),
	N_("not supported by this pool"),
	N_("expected 'Node N, zone NAME'"),
	N_("no zone in it"),
	N_("out of memory"),
};

const char *case_strerror(int code)
{
	return gettext(pb_strerror(code));
}

/* "pagebuddy: CALL: TEXT (page 0x..., pfn ...)" without the addresses, which differ from
   run to run; to be freed. */
char *case_misuse(const struct pb_misuse_report *report)
{
	const char *start = report->text + strlen("pagebuddy: ") + strlen(report->call) + 2;
	size_t length = strcspn(start, "(");
	char text[160], *line = NULL;

	while (length && start[length - 1] == ' ')
		length--;
	snprintf(text, sizeof(text), "%.*s", (int)length, start);
	if (asprintf(&line, "pagebuddy: %s: %s (pfn 0x%llx, order %u)", report->call, gettext(text),
		     (unsigned long long)report->pfn, report->order) < 0)
		return NULL;
	return line;
}

/* "buddyinfo line 3: 'x' where a number of blocks was expected"; to be freed. */
char *case_reader_error(const char *error)
{
	unsigned int number, n, most;
	char word[32], *text = NULL;
	int at = 0, bytes;

	if (sscanf(error, "buddyinfo line %u: %n", &number, &at) != 1 || !at)
		return strdup(gettext(error));
	error += at;
	if (sscanf(error, "'%31[^']' where a number of blocks", word) == 1)
		bytes = asprintf(&text,
				 _("buddyinfo line %u: '%s' where a number of blocks was "
				   "expected"),
				 number, word);
	else if (sscanf(error, "%u orders, expected 1 to %u", &n, &most) == 2)
		bytes = asprintf(&text, _("buddyinfo line %u: %u orders, expected 1 to %u"), number,
				 n, most);
	else if (sscanf(error, "%u orders, expected %u like", &n, &most) == 2)
		bytes = asprintf(&text,
				 _("buddyinfo line %u: %u orders, expected %u like the "
				   "lines before"),
				 number, n, most);
	else
		bytes = asprintf(&text, _("buddyinfo line %u: %s"), number, gettext(error));
	return bytes < 0 ? NULL : text;
}
