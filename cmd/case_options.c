// SPDX-License-Identifier: MIT
/* pagebuddy case: options and --do become actions. */

#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "lang.h"
#include "options.h"

static void help_requests(void)
{
	printf("%s",
	       _("Usage: pagebuddy case (--size SIZE | --order N)... [OPTION...]\n"
		 "       pagebuddy case --do 'ACTION; ACTION...' [OPTION...]\n"
		 "\n"
		 "Make a small machine, do what is asked, show each step: the lists looked at,\n"
		 "the splits, what is left, and each merge when a block is freed.\n"
		 "\n"));
	printf("%s",
	       _("  -s, --size SIZE         request SIZE bytes: 28K, 4096, 1.5M\n"
		 "  -o, --order N           request 2^N pages\n"
		 "  -m, --migratetype TYPE  movable (default), unmovable or reclaimable\n"
		 "  -z, --zone ZONE         DMA, DMA32, Normal or Movable: take it from there\n"
		 "                          or from a zone below\n"
		 "      --do ACTIONS        'alloc 28K as a; alloc order 0 x 40 as b;\n"
		 "                          free b every 2; free a': man pagebuddy-case\n"));
}

static void help_machine(void)
{
	printf("%s",
	       _("      --fill P%           start with P percent of memory in use, at random\n"
		 "      --buddyinfo FILE    start with the free blocks of a saved /proc/buddyinfo\n"
		 "      --scenario NAME     start with a scenario of the lesson (below)\n"
		 "      --memory SIZE       the machine's memory (default 64M)\n"
		 "      --profile NAME      linux (default): the decisions of Linux 6.1;\n"
		 "                          modern: the library's own\n"
		 "      --pcp               with per-CPU lists in front, as a real machine has\n"
		 "      --cpus N            so many CPUs (default 1); --do 'cpu 1' changes\n"
		 "      --cma SIZE          the highest SIZE bytes are a CMA area\n"));
	printf("%s",
	       _("      --step              wait after each step: Enter, b, a number, q\n"
		 "  -q, --quiet             only /proc/buddyinfo: before, after, and freed again\n"
		 "      --format FORMAT     text (default) or json\n"
		 "      --lang LANG         en or zh (default: as the environment says)\n"
		 "      --help              this text\n"
		 "\n"));
}

static void help(void)
{
	char *names = case_scenario_names();

	help_requests();
	help_machine();
	printf(_("-s and -o may be given up to %d times: the requests are made in a row and then\n"
		 "freed in that order. -m and -z hold for the request before them and those after;\n"
		 "before the first request they hold for all.\n"),
	       CASE_MAX_REQUESTS);
	if (names && *names)
		printf(_("Scenarios: %s.\n"), names);
	free(names);
}

/* ----------------------------------------------------------- -s, -o, -m and -z */

/* What is being parsed: the request that -m and -z of before describe. */
struct parsing {
	struct case_study *study;
	struct do_action next;
	bool call;      /* the words are those of the call, not of a scenario */
	bool call_text; /* it had a --do */
	bool done;
};

static int add_request(struct parsing *in, struct do_action request)
{
	struct case_study *study = in->study;

	if (study->nr_requests == CASE_MAX_REQUESTS)
		return cmd_error(CASE_VERB, _("more than %d requests"), CASE_MAX_REQUESTS);
	request.number = study->nr_requests + 1;
	study->request[study->nr_requests++] = request;
	return CMD_OK;
}

static int add_size(struct parsing *in, const char *text)
{
	struct do_action request = in->next;

	if (cmd_parse_size(text, &request.bytes) || !request.bytes)
		return cmd_error(CASE_VERB,
				 _("--size '%s': expected a size above 0 such as 28K, 4096 "
				   "or 1.5M"),
				 text);
	if (request.bytes > CASE_MAX_MEMORY)
		return cmd_error(CASE_VERB, _("--size '%s': expected at most 1T"), text);
	request.order = 0;
	while ((UINT64_C(1) << (request.order + CASE_PAGE_SHIFT)) < request.bytes)
		request.order++;
	return add_request(in, request);
}

static int add_order(struct parsing *in, const char *text)
{
	struct do_action request = in->next;
	uint64_t order;

	if (cmd_parse_u64(text, &order) || order > DO_MAX_ORDER)
		return cmd_error(CASE_VERB,
				 _("--order '%s': expected a number from 0 to %d (a request "
				   "above %d fails)"),
				 text, DO_MAX_ORDER, PB_DEFAULT_MAX_ORDER);
	request.bytes = 0;
	request.order = (unsigned int)order;
	return add_request(in, request);
}

/* -m and -z: for the request before them, if there is one, and those after. */
static int set_where(struct parsing *in, enum cmd_option option, const char *text)
{
	struct case_study *study = in->study;
	struct do_action *last = study->nr_requests ? &study->request[study->nr_requests - 1]
						    : &in->next;
	enum pb_zone_type zone;

	if (option == CMD_OPT_MIGRATETYPE) {
		if (cmd_parse_migratetype(text, &in->next.type))
			return cmd_error(CASE_VERB,
					 _("--migratetype '%s': expected unmovable, movable "
					   "or reclaimable"),
					 text);
		last->type = in->next.type;
		return CMD_OK;
	}
	if (cmd_parse_zone(text, &zone))
		return cmd_error(CASE_VERB,
				 _("--zone '%s': expected DMA, DMA32, Normal or Movable"), text);
	in->next.zone = last->zone = (int)zone;
	return CMD_OK;
}

/* -------------------------------------------------------------------- the machine */

static int set_size(const char *option, const char *text, uint64_t least, uint64_t *bytes)
{
	if (!cmd_parse_size(text, bytes) && *bytes >= least && *bytes <= CASE_MAX_MEMORY)
		return CMD_OK;
	if (least == 4096)
		return cmd_error(CASE_VERB,
				 _("%s '%s': expected a size from 4K to 1T, such as 64M"), option,
				 text);
	return cmd_error(CASE_VERB, _("%s '%s': expected a size up to 1T, such as 16M"), option,
			 text);
}

static int set_cpus(struct case_options *opt, const char *text)
{
	uint64_t cpus;

	if (cmd_parse_u64(text, &cpus) || !cpus || cpus > CASE_MAX_CPUS)
		return cmd_error(CASE_VERB, _("--cpus '%s': expected a number from 1 to %d"), text,
				 CASE_MAX_CPUS);
	opt->cpus = (unsigned int)cpus;
	return CMD_OK;
}

/* One starting state; a scenario is one, whatever its own options are. */
static int set_start(struct parsing *in, enum cmd_option option, const char *text)
{
	struct case_options *opt = &in->study->opt;

	if (option == CMD_OPT_SCENARIO)
		return CMD_OK; /* parse_early() has done it */
	if (opt->fill || opt->buddyinfo || (in->call && opt->scenario))
		return cmd_error(CASE_VERB, _("one starting state: --fill, --buddyinfo or "
					      "--scenario, not two of them"));
	if (option == CMD_OPT_FILL)
		opt->fill = text;
	else
		opt->buddyinfo = text;
	return CMD_OK;
}

static int set_machine(struct parsing *in, enum cmd_option option, const char *text)
{
	struct case_options *opt = &in->study->opt;

	switch (option) {
	case CMD_OPT_PROFILE:
		if (cmd_parse_profile(text, &opt->profile))
			return cmd_error(CASE_VERB, _("--profile '%s': expected linux or modern"),
					 text);
		return CMD_OK;
	case CMD_OPT_MEMORY:
		opt->memory_given = true;
		return set_size("--memory", text, 4096, &opt->memory);
	case CMD_OPT_CMA:
		return set_size("--cma", text, 0, &opt->cma);
	case CMD_OPT_CPUS:
		return set_cpus(opt, text);
	case CMD_OPT_FORMAT:
		if (cmd_parse_format(text, &opt->format) || opt->format == CMD_NDJSON)
			return cmd_error(CASE_VERB, _("--format '%s': expected text or json"),
					 text);
		return CMD_OK;
	default:
		return set_start(in, option, text);
	}
}

/* Several --do are one text; a scenario's comes first. */
static int add_text(struct case_study *study, const char *text)
{
	size_t old = study->text ? strlen(study->text) : 0;
	char *all = realloc(study->text, old + strlen(text) + 2);

	if (!all)
		return cmd_error(CASE_VERB, _("no memory")), CMD_FAILED;
	study->text = all;
	sprintf(all + old, "%s%s", old ? "\n" : "", text);
	return CMD_OK;
}

static int set(void *ctx, enum cmd_option option, const char *text)
{
	struct parsing *in = ctx;
	struct case_options *opt = &in->study->opt;

	switch (option) {
	case CMD_OPT_SIZE:
		return add_size(in, text);
	case CMD_OPT_ORDER:
		return add_order(in, text);
	case CMD_OPT_MIGRATETYPE:
	case CMD_OPT_ZONE:
		return set_where(in, option, text);
	case CMD_OPT_QUIET:
		opt->quiet = true;
		return CMD_OK;
	case CMD_OPT_PCP:
		opt->pcp = true;
		return CMD_OK;
	case CMD_OPT_STEP:
		opt->step = true;
		return CMD_OK;
	case CMD_OPT_DO:
		in->call_text |= in->call;
		return add_text(in->study, text);
	case CMD_OPT_LANG:
		return cmd_lang(CASE_VERB, text);
	default:
		return set_machine(in, option, text);
	}
}

/* CMD_OK, with in->done after --help, or the exit status. */
static int parse_words(struct parsing *in, int argc, char **argv)
{
	struct cmd_call call = { CASE_VERB, argc, argv, set, in, false, false };
	int words, status = cmd_options(&call, help, &words);

	if (status != CMD_GO_ON) {
		in->done = status == CMD_OK;
		return status;
	}
	if (words < argc)
		return cmd_error(CASE_VERB,
				 _("unexpected '%s': a request is --size %s or --order N"),
				 argv[words], argv[words]);
	return CMD_OK;
}

/* -------------------------------------------------------------------- scenarios */

/* What of the call comes first. */
struct early {
	const char *scenario, *lang;
};

static int set_early(void *ctx, enum cmd_option option, const char *text)
{
	struct early *early = ctx;

	if (option == CMD_OPT_SCENARIO)
		early->scenario = text;
	if (option == CMD_OPT_LANG)
		early->lang = text;
	return CMD_OK;
}

static int no_scenario(const char *name)
{
	char *names = case_scenario_names();
	int status = cmd_error(CASE_VERB,
			       _("--scenario '%s': there is no such scenario; expected "
				 "one of %s"),
			       name, names ? names : "");

	free(names);
	return status;
}

/* --lang comes first, so that every message is in the language; then a scenario's
   options, so that those of the call are added to them. */
static int parse_early(struct parsing *in, int argc, char **argv)
{
	static char program[] = CASE_VERB;
	struct early early = { NULL, NULL };
	struct cmd_call call = { CASE_VERB, argc, argv, set_early, &early, false, true };
	char *words, *word[64] = { program };
	int rest;

	cmd_options(&call, NULL, &rest);
	if (early.lang && cmd_lang(CASE_VERB, early.lang))
		return CMD_USAGE;
	if (!early.scenario)
		return CMD_OK;
	words = case_scenario(early.scenario);
	if (!words)
		return no_scenario(early.scenario);
	in->study->scenario_words = words; /* options point into it */
	in->study->opt.scenario = early.scenario;
	return parse_words(in, cmd_split_words(words, word + 1, 62) + 1, word);
}

/* ------------------------------------------------------------------------ --do */

static int say_problem(const struct case_study *study, const struct do_error *error)
{
	static const char *const expected[DO_NR_PROBLEMS] = {
		[DO_BAD_ACTION] = N_("expected alloc, free, fill, cpu, drain, compact or set"),
		[DO_BAD_SIZE] = N_("expected a size from 1 byte to 1T such as 28K, or order N"),
		[DO_BAD_ORDER] = N_("expected an order from 0 to 28"),
		[DO_BAD_WORD] = N_("no such word here; man pagebuddy-case lists them"),
		[DO_BAD_NAME] = N_("expected a name: a letter, then letters, digits or _, at most "
				   "23 of them"),
		[DO_BAD_COUNT] = N_("expected a number in range"),
		[DO_UNKNOWN_NAME] = N_("no action before this one has this name or number"),
		[DO_BAD_PERCENT] = N_("expected a part from 0% to 100%"),
		[DO_BAD_ORDERS] = N_("expected orders from 0 to 10, such as 0-3"),
		[DO_BAD_MIX] = N_("expected eighths, unmovable:movable:reclaimable, such as 1:6:1"),
		[DO_BAD_SETTING] = N_("expected min_free_kbytes, watermark_boost_factor or "
				      "watermark_scale_factor"),
		[DO_MISSING] = N_("a word is missing at the end"),
		[DO_TOO_MANY] = N_("too many actions"),
	};

	if (error->problem == DO_NOTHING)
		return cmd_error(CASE_VERB, _("--do: no action in it (try --do 'alloc 28K')"));
	return cmd_error(CASE_VERB, _("--do: action %u, '%.*s': %s"), error->action,
			 (int)error->length, study->text + error->at, _(expected[error->problem]));
}

/* The fill of an option is the first action. */
static int add_fill(struct case_study *study)
{
	if (!study->opt.fill)
		return CMD_OK;
	if (do_parse_fill(study->opt.fill, &study->action[0]))
		return cmd_error(CASE_VERB, _("--fill '%s': expected a part from 0%% to 100%%"),
				 study->opt.fill);
	study->nr_actions = 1;
	return CMD_OK;
}

static int add_actions(struct case_study *study)
{
	struct do_error error;
	int nr;

	if (!study->text)
		return CMD_OK;
	nr = do_parse(study->text, study->action, study->nr_actions,
		      CASE_MAX_ACTIONS - 2 * CASE_MAX_REQUESTS, study->opt.buddyinfo != NULL,
		      &error);
	if (nr < 0)
		return say_problem(study, &error);
	study->nr_actions = (size_t)nr;
	return CMD_OK;
}

/* The requests of -s and -o, and a free for each unless a scenario went before. */
static void add_requests(struct case_study *study)
{
	size_t first = study->nr_actions;
	unsigned int number = first ? study->action[first - 1].number : 0;

	study->requests = study->nr_requests && !study->text;
	for (unsigned int i = 0; i < study->nr_requests; i++) {
		struct do_action *action = &study->action[study->nr_actions++];

		*action = study->request[i];
		action->number = ++number;
	}
	for (unsigned int i = 0; i < study->nr_requests && study->requests; i++)
		study->action[study->nr_actions++] =
			(struct do_action){ .kind = DO_FREE,
					    .number = ++number,
					    .which = DO_NAMED,
					    .target = (uint32_t)(first + i) };
}

/* CMD_OK with *done set after --help. */
int case_parse(struct case_study *study, int argc, char **argv, bool *done)
{
	struct parsing in = {
		.study = study,
		.next = { .kind = DO_ALLOC, .type = PB_MIGRATE_MOVABLE, .zone = -1, .count = 1 }
	};
	int status;

	study->opt.profile = PB_PROFILE_LINUX;
	study->opt.memory = UINT64_C(64) << 20;
	study->opt.cpus = 1;
	study->action = calloc(CASE_MAX_ACTIONS, sizeof(*study->action));
	if (!study->action)
		return cmd_error(CASE_VERB, _("no memory")), CMD_FAILED;
	status = parse_early(&in, argc, argv);
	in.call = true;
	if (!status)
		status = parse_words(&in, argc, argv);
	*done = in.done;
	if (status || in.done)
		return status;
	if (in.call_text && study->nr_requests)
		return cmd_error(CASE_VERB, _("--do makes its own requests: give them there "
					      "instead of --size and --order"));
	if (!study->text && !study->nr_requests && !study->opt.fill && !study->opt.buddyinfo)
		return cmd_error(CASE_VERB, _("nothing to allocate: give --size SIZE, --order N or "
					      "--do ACTIONS (try --size 28K)"));
	status = add_fill(study);
	if (!status)
		status = add_actions(study);
	if (!status)
		add_requests(study);
	return status;
}
