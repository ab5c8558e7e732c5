// SPDX-License-Identifier: MIT
/* pagebuddy VERB ...: find the verb and run it. */

#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "options.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* NULL: not listed */
};

static const struct verb verbs[] = {
#define CMD_VERB(function, name, summary) { name, cmd_##function, summary },
#include "verbs.def"
#undef CMD_VERB
};

#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void help(FILE *out)
{
	fprintf(out, "Linux's page allocator: watch it work, replay what a kernel did, ask why.\n"
		     "\n"
		     "Usage: pagebuddy VERB [OPTION...]\n"
		     "\n");
	for (size_t i = 0; i < NR_VERBS; i++)
		if (verbs[i].summary)
			fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(out, "\n"
		     "'pagebuddy VERB --help' lists a verb's options; man pagebuddy-VERB has\n"
		     "the details. Start with: pagebuddy case --size 28K\n");
}

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < NR_VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int no_verb(const char *given)
{
	const char *names[NR_VERBS], *meant;
	unsigned int nr = 0;

	for (size_t i = 0; i < NR_VERBS; i++)
		if (verbs[i].summary)
			names[nr++] = verbs[i].name;
	meant = cmd_meant(given, (unsigned int)strlen(given), names, nr);
	if (meant)
		return cmd_error(NULL,
				 "there is no verb '%s'; did you mean '%s'? pagebuddy --help "
				 "lists them",
				 given, meant);
	return cmd_error(NULL, "there is no verb '%s'; pagebuddy --help lists them", given);
}

/* `pagebuddy help VERB` is `pagebuddy VERB --help`. */
static int help_verb(int argc, char **argv)
{
	char option[] = "--help";
	char *args[] = { argc > 2 ? argv[2] : NULL, option, NULL };
	const struct verb *verb;

	if (argc < 3) {
		help(stdout);
		return CMD_OK;
	}
	verb = find(argv[2]);
	if (!verb)
		return no_verb(argv[2]);
	return verb->run(2, args);
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		help(stderr);
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return cmd_flush(NULL, help_verb(argc, argv));
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("pagebuddy %d.%d.%d\n", PB_VERSION_MAJOR, PB_VERSION_MINOR,
		       PB_VERSION_PATCH);
		return cmd_flush(NULL, CMD_OK);
	}
	verb = find(argv[1]);
	if (!verb)
		return no_verb(argv[1]);
	return cmd_flush(argv[1], verb->run(argc - 1, argv + 1));
}
