/* SPDX-License-Identifier: MIT */
/*
 * The options of all verbs: one table, options.def, and one loop over a call's words.
 *
 *	words of the call -> the verb's rows -> set(ctx, option, value), one after the other
 *	                     | no such option: said, with the one that was meant
 */
#ifndef PB_CMD_OPTIONS_H
#define PB_CMD_OPTIONS_H

#include <stdbool.h>

enum cmd_option {
	CMD_OPT_AT = 256, /* below are letters */
	CMD_OPT_BUDDYINFO,
	CMD_OPT_BUFFER,
	CMD_OPT_CMA,
	CMD_OPT_COUNT,
	CMD_OPT_CPUS,
	CMD_OPT_DO,
	CMD_OPT_DURATION,
	CMD_OPT_FAILURE,
	CMD_OPT_FILL,
	CMD_OPT_FOLLOW,
	CMD_OPT_FORMAT,
	CMD_OPT_FROM,
	CMD_OPT_GFP,
	CMD_OPT_HELP,
	CMD_OPT_KERNEL,
	CMD_OPT_LANG,
	CMD_OPT_LENIENT,
	CMD_OPT_LIST,
	CMD_OPT_MAP,
	CMD_OPT_MAPS,
	CMD_OPT_MEMORY,
	CMD_OPT_MIGRATETYPE,
	CMD_OPT_NO_FRAMES,
	CMD_OPT_NO_WHAT_IF,
	CMD_OPT_ORDER,
	CMD_OPT_OUTPUT,
	CMD_OPT_PAGE_SIZE,
	CMD_OPT_PCP,
	CMD_OPT_PHASE,
	CMD_OPT_PID,
	CMD_OPT_PINS,
	CMD_OPT_PROFILE,
	CMD_OPT_QUIET,
	CMD_OPT_ROOT,
	CMD_OPT_SAMPLES,
	CMD_OPT_SCENARIO,
	CMD_OPT_SHOW,
	CMD_OPT_SIMULATE,
	CMD_OPT_SIZE,
	CMD_OPT_SNAPSHOT,
	CMD_OPT_STACKS,
	CMD_OPT_STEP,
	CMD_OPT_TASK,
	CMD_OPT_TERMINAL,
	CMD_OPT_TITLE,
	CMD_OPT_TO,
	CMD_OPT_TOP,
	CMD_OPT_VERBOSE,
	CMD_OPT_WATCH,
	CMD_OPT_WHAT_IF,
	CMD_OPT_WHERE,
	CMD_OPT_ZONE
};

struct cmd_call {
	const char *verb;
	int argc;
	char **argv;
	/* One option; value is NULL where none was given. CMD_OK, or an exit status with the
	   reason said, which ends the call. */
	int (*set)(void *ctx, enum cmd_option option, const char *value);
	void *ctx;
	bool command; /* the first word that is no option begins somebody else's command */
	bool early;   /* a look ahead: what is wrong is for the next round to say */
};

#define CMD_GO_ON (-1)

/*
 * Hand the options of the call to set(), --help excepted: that ends it, for help() to print.
 * CMD_GO_ON: *words is where in argv the words that are no options begin, which stand last
 * now. CMD_OK: --help was given and help() has been called. Else the exit status, said.
 * Without help() --help is an option like others. One call at a time: getopt's state is global.
 */
int cmd_options(const struct cmd_call *call, void (*help)(void), int *words);

/* "the name that was meant", if one alone of `nr` is near to the first `len` letters; else NULL. */
const char *cmd_meant(const char *given, unsigned int len, const char *const *names,
		      unsigned int nr);

#endif
