/* SPDX-License-Identifier: MIT */
/* Messages in the reader's language: gettext catalogues, po/. */
#ifndef PB_CMD_LANG_H
#define PB_CMD_LANG_H

#include <libintl.h>
#include <stdio.h>

#define _(text) gettext(text)
#define N_(text) text /* translated where it is printed */

/*
 * From now on _() speaks `lang`: "en" or "zh"; NULL: as the environment says
 * (LC_ALL, LC_MESSAGES, LANG). Works without the locale being installed.
 * CMD_OK; CMD_USAGE, said, for another language, or when the catalogue is missing.
 */
int cmd_lang(const char *verb, const char *lang);
/* "en" or "zh": which one it is. */
const char *cmd_lang_now(void);
/* Columns that a UTF-8 text takes: Chinese characters take two. */
int cmd_columns(const char *text);
/* text, then blanks up to `columns`. */
void cmd_pad(FILE *out, const char *text, int columns);

#endif
