// SPDX-License-Identifier: MIT
/*
 * pagebuddy learn: the lesson.
 *
 *	a browser -> its page
 *	none      -> where the page is; the chapters here, their commands run anew
 *
 * A chapter is Markdown. In its blocks, lines `$ pagebuddy ...` are performed by
 * this very program, and what it says now stands where the text has what it said
 * when the chapter was written.
 */

#define _GNU_SOURCE /* asprintf */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "lang.h"
#include "options.h"

#define VERB "learn"
#define MAX_CHAPTERS 99

struct lesson {
	char directory[PATH_MAX]; /* of this program, with the slash */
	char page[PATH_MAX];      /* "": it was not built */
	char chapters[PATH_MAX];  /* directory; "": not there */
	uint64_t chapter;         /* 0: all */
	bool terminal, where, done;
};

static void help(void)
{
	printf("%s",
	       _("Usage: pagebuddy learn [CHAPTER] [OPTION...]\n"
		 "\n"
		 "Open the lesson's page where there is a browser; else say where the page is and\n"
		 "show the chapters here, each of their commands performed anew.\n"
		 "\n"
		 "  -t, --terminal          here, even where there is a browser\n"
		 "      --where             only say where the page is\n"
		 "      --lang LANG         en or zh (default: as the environment says)\n"
		 "      --help              this text\n"
		 "\n"
		 "CHAPTER, from 1 to 10, is shown here alone.\n"));
}

/* ----------------------------------------------------------------- where things are */

static void find(const struct lesson *lesson, const char *const *places, int mode,
		 char path[PATH_MAX])
{
	for (; *places; places++) {
		snprintf(path, PATH_MAX, "%.3900s%s", lesson->directory, *places);
		if (!access(path, mode))
			return;
	}
	*path = 0;
}

static int find_all(struct lesson *lesson)
{
	/* As it was built, and as it was installed. */
	static const char *const pages[] = { "learn/learn.html", "../share/pagebuddy/learn.html",
					     NULL };
	static const char *const chapters[] = { "../docs/learn/chapters",
						"../share/pagebuddy/learn/chapters", NULL };
	ssize_t length = readlink("/proc/self/exe", lesson->directory, PATH_MAX - 1);
	char *slash;

	if (length <= 0)
		return cmd_error(VERB, _("can't find out where this program is: %s"),
				 strerror(errno)),
		       CMD_FAILED;
	lesson->directory[length] = 0;
	slash = strrchr(lesson->directory, '/');
	slash[1] = 0;
	find(lesson, pages, R_OK, lesson->page);
	find(lesson, chapters, R_OK | X_OK, lesson->chapters);
	return CMD_OK;
}

/* ------------------------------------------------------------------------ a browser */

/* Runs a program and waits; its exit status, or -1. */
static int perform(const char *program, char *const *argv)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		execvp(program, argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* $BROWSER, else the desktop's, if there is a desktop. */
static bool open_browser(const struct lesson *lesson)
{
	char *browser = is_set("BROWSER") ? getenv("BROWSER") : NULL, *address;
	bool desktop = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
	bool opened = false;

	if (!*lesson->page || (!browser && !desktop) ||
	    asprintf(&address, "file://%s#lang=%s", lesson->page, cmd_lang_now()) < 0)
		return false;
	if (browser)
		opened = !perform(browser, (char *[]){ browser, address, NULL });
	if (!opened && desktop) {
		static char xdg_open[] = "xdg-open";

		opened = !perform(xdg_open, (char *[]){ xdg_open, address, NULL });
	}
	free(address);
	return opened;
}

static void say_where(const struct lesson *lesson)
{
	if (*lesson->page)
		printf(_("The lesson's page: file://%s\n"), lesson->page);
	else
		printf("%s", _("The lesson's page was not built: make learn builds it.\n"));
}

/* --------------------------------------------------------------------- the terminal */

/* `pagebuddy WORD...` by this program; the output is the terminal's. */
static void run_command(const char *line)
{
	char *words = strdup(line), *word[64] = { NULL };

	if (!words)
		return;
	if (cmd_split_words(words, word, 63) > 1)
		perform("/proc/self/exe", word);
	free(words);
}

/* Enter: true; q or the end: false. Nobody is asked where nobody sits. */
static bool go_on(void)
{
	char line[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return true;
	printf("%s", _("-- Enter goes on, q ends -- "));
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && *line != 'q';
}

/* What stands in a block after a command is what it said then: not shown. */
static bool show_chapter(FILE *file)
{
	bool block = false, comment = false, performed = false;
	char line[4096];

	while (fgets(line, sizeof(line), file)) {
		bool fence = !strncmp(line, "```", 3);

		line[strcspn(line, "\n")] = 0;
		comment |= !block && !strncmp(line, "<!--", 4);
		if (fence) {
			block = !block;
			if (!block && performed && !go_on())
				return false;
			performed = false;
		} else if (!strncmp(line, "$ ", 2) && block) {
			printf("%s\n", line);
			performed = !strncmp(line, "$ pagebuddy ", 12);
			if (performed)
				run_command(line + 2);
		} else if (!comment && !performed) {
			printf("%s\n", line);
		}
		if (comment && strstr(line, "-->"))
			comment = false;
	}
	return true;
}

/* Chapter `number` in the language, in `path`; false: there is none. */
static bool find_chapter(const struct lesson *lesson, unsigned int number, char path[PATH_MAX])
{
	DIR *directory = opendir(lesson->chapters);
	char start[8], end[8];
	struct dirent *entry;
	bool found = false;

	snprintf(start, sizeof(start), "%02u-", number);
	snprintf(end, sizeof(end), ".%s.md", cmd_lang_now());
	while (directory && !found && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);

		found = length > strlen(end) && !strncmp(entry->d_name, start, 3) &&
			!strcmp(entry->d_name + length - strlen(end), end);
		if (found)
			snprintf(path, PATH_MAX, "%.3800s/%s", lesson->chapters, entry->d_name);
	}
	if (directory)
		closedir(directory);
	return found;
}

static int show_chapters(const struct lesson *lesson)
{
	unsigned int first = lesson->chapter ? (unsigned int)lesson->chapter : 1;
	unsigned int last = lesson->chapter ? first : MAX_CHAPTERS;
	char path[PATH_MAX];
	bool on = true;

	if (!*lesson->chapters)
		return cmd_error(VERB,
				 _("the chapters are not there: expected docs/learn/chapters of "
				   "the source, or share/pagebuddy/learn/chapters")),
		       CMD_FAILED;
	for (unsigned int i = first; i <= last && on && find_chapter(lesson, i, path); i++) {
		FILE *file = fopen(path, "r");

		/* The commands name files of the lesson as they lie there. */
		if (!file || chdir(lesson->chapters)) {
			cmd_error(VERB, "%s: %s", path, strerror(errno));
			return CMD_FAILED;
		}
		on = show_chapter(file);
		fclose(file);
		putchar('\n');
	}
	if (lesson->chapter && !find_chapter(lesson, first, path))
		return cmd_error(VERB, _("there is no chapter %u"), first);
	return CMD_OK;
}

/* -------------------------------------------------------------------------- options */

/* The help is in the language that --lang says, wherever that stands. */
static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct lesson *lesson = ctx;

	lesson->terminal |= option == CMD_OPT_TERMINAL;
	lesson->where |= option == CMD_OPT_WHERE;
	lesson->done |= option == CMD_OPT_HELP;
	return option == CMD_OPT_LANG ? cmd_lang(VERB, value) : CMD_OK;
}

static int parse(struct lesson *lesson, int argc, char **argv)
{
	struct cmd_call call = { VERB, argc, argv, set, lesson, false, false };
	int words, status = cmd_options(&call, NULL, &words);

	if (status != CMD_GO_ON)
		return status;
	if (argc - words > 1 ||
	    (words < argc && (cmd_parse_u64(argv[words], &lesson->chapter) || !lesson->chapter ||
			      lesson->chapter > MAX_CHAPTERS)))
		return cmd_error(VERB, _("unexpected '%s': expected one chapter's number"),
				 argv[argc - 1]);
	return CMD_OK;
}

int cmd_learn(int argc, char **argv)
{
	struct lesson lesson = { 0 };
	int status = cmd_lang(VERB, NULL);

	if (!status)
		status = parse(&lesson, argc, argv);
	if (status || lesson.done) {
		if (!status)
			help();
		return status;
	}
	status = find_all(&lesson);
	if (status)
		return status;
	if (lesson.where) {
		say_where(&lesson);
		return *lesson.page ? CMD_OK : CMD_FAILED;
	}
	if (!lesson.terminal && !lesson.chapter && open_browser(&lesson))
		return CMD_OK;
	if (!lesson.chapter) {
		say_where(&lesson);
		putchar('\n');
	}
	return show_chapters(&lesson);
}
