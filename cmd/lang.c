// SPDX-License-Identifier: MIT
/*
 * gettext, without a locale of the system's: most machines and nearly all
 * containers have only C.UTF-8, which is enough once LANGUAGE names the catalogue.
 */
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "lang.h"

static const char *now = "en";

/* locale/ beside the program as it was built, share/locale as it was installed. */
static const char *catalogues(char directory[PATH_MAX])
{
	static const char *const places[] = { "locale", "../share/locale" };
	char program[PATH_MAX], file[PATH_MAX + 64], *slash;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length <= 0)
		return NULL;
	program[length] = 0;
	slash = strrchr(program, '/');
	if (!slash)
		return NULL;
	slash[1] = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(directory, PATH_MAX, "%.3900s%s", program, places[i]);
		snprintf(file, sizeof(file), "%s/zh_CN/LC_MESSAGES/pagebuddy.mo", directory);
		if (!access(file, R_OK))
			return directory;
	}
	return NULL;
}

static const char *environment(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return "en";
}

/* LC_MESSAGES alone: numbers stay as C writes them, and texts stay UTF-8. */
static int speak_chinese(const char *verb, bool asked)
{
	char directory[PATH_MAX];

	if (!catalogues(directory)) {
		if (!asked)
			return CMD_OK;
		return cmd_error(verb, "--lang zh: the Chinese messages are not there: expected "
				       "locale/ or ../share/locale/ beside the program, with "
				       "zh_CN/LC_MESSAGES/pagebuddy.mo");
	}
	if (!setlocale(LC_MESSAGES, "C.UTF-8") && !setlocale(LC_MESSAGES, "en_US.UTF-8"))
		setlocale(LC_MESSAGES, "");
	setenv("LANGUAGE", "zh_CN", 1);
	bindtextdomain("pagebuddy", directory);
	bind_textdomain_codeset("pagebuddy", "UTF-8");
	textdomain("pagebuddy");
	now = "zh";
	return CMD_OK;
}

int cmd_lang(const char *verb, const char *lang)
{
	const char *wanted = lang ? lang : environment();

	if (lang && strcmp(lang, "en") && strcmp(lang, "zh"))
		return cmd_error(verb, "--lang '%s': expected en or zh", lang);
	if (!strncmp(wanted, "zh", 2))
		return speak_chinese(verb, lang != NULL);
	setlocale(LC_MESSAGES, "C"); /* also back from Chinese */
	now = "en";
	return CMD_OK;
}

const char *cmd_lang_now(void)
{
	return now;
}

int cmd_columns(const char *text)
{
	int columns = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0xe2 && c < 0xf0 && !(c == 0xe2 && (unsigned char)text[1] < 0xba))
			columns += 2; /* CJK and full-width punctuation: from U+2E80 */
		else if (c < 0x80 || c >= 0xc0)
			columns++;
	}
	return columns;
}

void cmd_pad(FILE *out, const char *text, int columns)
{
	fprintf(out, "%s%*s", text, columns > cmd_columns(text) ? columns - cmd_columns(text) : 0,
		"");
}
