// SPDX-License-Identifier: MIT
/* One table of options, one loop, and what was meant by an option that is not there. */

#include <getopt.h>
#include <string.h>

#include "cmd.h"
#include "lang.h"
#include "options.h"

#define NAME_MAX_LETTERS 32 /* of the longest name */
#define VERB_OPTIONS 32     /* of the verb that has most, and the end */

enum value { NO = no_argument, NEEDS = required_argument, MAY = optional_argument };

static const struct row {
	const char *verb;
	enum cmd_option option;
	char letter;
	const char *name;
	enum value value;
} rows[] = {
#define CMD_OPTION(verb, what, letter, name, value) { verb, CMD_OPT_##what, letter, name, value },
#include "options.def"
#undef CMD_OPTION
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

/* What getopt_long() wants to know of a verb. */
struct getopt_table {
	struct option options[VERB_OPTIONS];
	char letters[2 + 3 * VERB_OPTIONS];
	unsigned int nr;
};

static char *add_letter(char *to, const struct row *row)
{
	*to++ = row->letter;
	for (int i = 0; i < (int)row->value; i++)
		*to++ = ':'; /* one: a value; two: perhaps */
	return to;
}

static void make_table(const struct cmd_call *call, struct getopt_table *table)
{
	char *to = table->letters;

	if (call->command)
		*to++ = '+';
	*to++ = ':';
	table->nr = 0;
	for (size_t i = 0; i < NR_ROWS && table->nr < VERB_OPTIONS - 1; i++) {
		if (strcmp(rows[i].verb, call->verb))
			continue;
		if (rows[i].letter)
			to = add_letter(to, &rows[i]);
		table->options[table->nr++] = (struct option){ rows[i].name, (int)rows[i].value,
							       NULL, rows[i].option };
	}
	*to = 0;
	table->options[table->nr] = (struct option){ NULL, 0, NULL, 0 };
}

/* given: a letter or an enum cmd_option. NULL: the verb has none such. */
static const struct row *row_of(const char *verb, int given)
{
	for (size_t i = 0; i < NR_ROWS; i++)
		if (!strcmp(rows[i].verb, verb) &&
		    ((int)rows[i].option == given || (given && rows[i].letter == given)))
			return &rows[i];
	return NULL;
}

/* ------------------------------------------------------------------ what was meant */

/* How many letters have to be put in, left out or changed: Levenshtein's distance. */
static unsigned int letters_apart(const char *a, unsigned int a_len, const char *b)
{
	unsigned int row[NAME_MAX_LETTERS + 1];
	size_t b_len = strlen(b);

	if (a_len > NAME_MAX_LETTERS || b_len > NAME_MAX_LETTERS)
		return NAME_MAX_LETTERS;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned int)j;
	for (unsigned int i = 1; i <= a_len; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

const char *cmd_meant(const char *given, unsigned int len, const char *const *names,
		      unsigned int nr)
{
	unsigned int nearest = len / 3 + 1;
	const char *name = NULL;
	bool tie = false;

	for (unsigned int i = 0; i < nr; i++) {
		unsigned int apart = letters_apart(given, len, names[i]);

		if (apart > nearest)
			continue;
		tie = name && apart == nearest;
		name = names[i];
		nearest = apart;
	}
	return tie ? NULL : name;
}

static const char *option_meant(const struct getopt_table *table, const char *given)
{
	const char *names[VERB_OPTIONS];

	for (unsigned int i = 0; i < table->nr; i++)
		names[i] = table->options[i].name;
	return cmd_meant(given, (unsigned int)strcspn(given, "="), names, table->nr);
}

/* A verb that has the option, where this one has none: the first of the help. */
static const char *verb_that_has(const char *given)
{
	size_t len = strcspn(given, "=");

	for (size_t i = 0; i < NR_ROWS; i++)
		if (!strncmp(rows[i].name, given, len) && !rows[i].name[len])
			return rows[i].verb;
	return NULL;
}

/* --------------------------------------------------------------------- what is wrong */

static bool short_for_several(const struct getopt_table *table, const char *given)
{
	size_t len = strcspn(given, "=");
	unsigned int nr = 0;

	for (unsigned int i = 0; i < table->nr; i++)
		nr += !strncmp(table->options[i].name, given, len);
	return nr > 1;
}

static int no_such_name(const struct getopt_table *table, const char *verb, const char *given)
{
	const char *meant, *other;

	if (short_for_several(table, given + 2))
		return cmd_error(verb,
				 _("option '%s' is short for several; see pagebuddy %s --help"),
				 given, verb);
	other = verb_that_has(given + 2);
	if (other)
		return cmd_error(verb,
				 _("there is no option '%s' here: it is one of pagebuddy %s; see "
				   "pagebuddy %s --help"),
				 given, other, verb);
	meant = option_meant(table, given + 2);
	if (meant)
		return cmd_error(verb,
				 _("there is no option '%s'; did you mean '--%s'? See pagebuddy "
				   "%s --help"),
				 given, meant, verb);
	return cmd_error(verb, _("there is no option '%s'; see pagebuddy %s --help"), given, verb);
}

/* After getopt_long() returned '?' or ':': optopt is a letter, an option, or 0. */
static int bad_option(const struct cmd_call *call, const struct getopt_table *table)
{
	const char *given = optind > 0 && optind <= call->argc ? call->argv[optind - 1] : "--";
	const struct row *row = optopt ? row_of(call->verb, optopt) : NULL;

	if (row && !strncmp(given, "--", 2) && strchr(given, '='))
		return cmd_error(call->verb, _("option '--%s' takes no value"), row->name);
	if (row)
		return cmd_error(call->verb, _("option '--%s' needs a value"), row->name);
	if (optopt)
		return cmd_error(call->verb, _("there is no option '-%c'; see pagebuddy %s --help"),
				 optopt, call->verb);
	return no_such_name(table, call->verb, given);
}

int cmd_options(const struct cmd_call *call, void (*help)(void), int *words)
{
	struct getopt_table table;
	const struct row *row;
	int given, status;

	make_table(call, &table);
	optind = 1;
	opterr = 0;
	while ((given = getopt_long(call->argc, call->argv, table.letters, table.options, NULL)) !=
	       -1) {
		row = row_of(call->verb, given);
		if (!row && call->early)
			continue;
		if (!row)
			return bad_option(call, &table);
		if (row->option == CMD_OPT_HELP && help) {
			help();
			return CMD_OK;
		}
		status = call->set(call->ctx, row->option, optarg);
		if (status)
			return status;
	}
	*words = optind;
	return CMD_GO_ON;
}
