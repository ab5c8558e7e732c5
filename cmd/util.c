// SPDX-License-Identifier: MIT
/* Sizes, messages, progress: what the verbs share. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd.h"
#include "lang.h"

int cmd_error(const char *verb, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "pagebuddy%s%s: ", verb ? " " : "", verb ? verb : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CMD_USAGE;
}

int cmd_parse_u64(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || end == text || *end || text[0] == '-' || text[0] == '+' ? -1 : 0;
}

int cmd_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "BKMGTP";
	const char *unit;
	char *end;
	double number, scale = 1;

	errno = 0;
	number = strtod(text, &end);
	if (errno || end == text || !(number >= 0) || text[0] == '-' || text[0] == '+' ||
	    (text[0] == '0' && (text[1] | 32) == 'x'))
		return -1;
	while (*end == ' ')
		end++;
	if (*end) {
		unit = strchr(units, *end & ~32);
		if (!unit)
			return -1;
		for (long i = unit - units; i > 0; i--)
			scale *= 1024;
		end++;
		if (scale > 1 && (!strcasecmp(end, "B") || !strcasecmp(end, "iB")))
			end = strchr(end, 0);
	}
	number *= scale;
	if (*end || number >= 18446744073709551616.0 || number != (double)(uint64_t)number)
		return -1;
	*bytes = (uint64_t)number;
	return 0;
}

int cmd_parse_format(const char *text, enum cmd_format *format)
{
	static const char *const names[] = { "text", "json", "ndjson" };

	for (int i = 0; i < 3; i++) {
		if (!strcmp(text, names[i])) {
			*format = (enum cmd_format)i;
			return 0;
		}
	}
	return -1;
}

int cmd_parse_profile(const char *text, enum pb_profile *profile)
{
	if (!strcasecmp(text, "linux"))
		*profile = PB_PROFILE_LINUX;
	else if (!strcasecmp(text, "modern"))
		*profile = PB_PROFILE_MODERN;
	else
		return -1;
	return 0;
}

int cmd_parse_kernel(const char *text, enum pb_kernel *kernel)
{
	for (unsigned int i = 0; i < PB_NR_LINUX; i++) {
		if (!strcmp(text, pb_kernel_name((enum pb_kernel)i))) {
			*kernel = (enum pb_kernel)i;
			return 0;
		}
	}
	return -1;
}

int cmd_bad_kernel(const char *verb, const char *text)
{
	return cmd_error(verb, "--kernel '%s'; expected 5.4, 5.10, 6.1, 6.12 or 7.2", text);
}

int cmd_parse_migratetype(const char *text, enum pb_migratetype *type)
{
	for (int i = 0; i < PB_MIGRATE_PCPTYPES; i++) {
		if (!strcasecmp(text, pb_migratetype_name((enum pb_migratetype)i))) {
			*type = (enum pb_migratetype)i;
			return 0;
		}
	}
	return -1;
}

int cmd_parse_zone(const char *text, enum pb_zone_type *zone)
{
	for (int i = 0; i < PB_ZONE_DEVICE; i++) {
		if (!strcasecmp(text, pb_zone_name((enum pb_zone_type)i))) {
			*zone = (enum pb_zone_type)i;
			return 0;
		}
	}
	return -1;
}

const char *cmd_size_text(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB", "PB" };
	unsigned int unit = 0;

	while (unit < 5 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, size, "%llu %s", (unsigned long long)bytes, units[unit]);
	return text;
}

const char *cmd_profile_name(enum pb_profile profile)
{
	return profile == PB_PROFILE_LINUX ? "linux" : "modern";
}

bool cmd_colour(FILE *file)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(file)) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

void cmd_progress(void *ctx, const char *what, double done)
{
	static int last = -1;
	int permille = (int)(done * 1000);
	char bar[33];

	(void)ctx;
	if (!isatty(STDERR_FILENO) || permille == last)
		return;
	last = permille;
	if (done >= 1.0) {
		fprintf(stderr, "\r%78s\r", "");
		last = -1;
		return;
	}
	for (int i = 0; i < 32; i++)
		bar[i] = i < permille * 32 / 1000 ? '#' : '.';
	bar[32] = 0;
	fprintf(stderr, "\r%-28.28s [%s] %3d %%", what, bar, permille / 10);
	fflush(stderr);
}

int cmd_print_json(json_t *json)
{
	int status = CMD_OK;

	if (!json || json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)))
		status = CMD_FAILED;
	putchar('\n');
	json_decref(json);
	return status;
}

void cmd_print_wrapped(const char *text, int indent)
{
	int column = 80;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column + (int)word + 1 > 79) {
			printf("%s%*s", column == 80 ? "" : "\n", indent, "");
			column = indent;
		} else {
			putchar(' ');
			column++;
		}
		column += printf("%.*s", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

int cmd_flush(const char *verb, int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	cmd_error(verb, _("can't write the output: %s"), strerror(errno));
	return status ? status : CMD_FAILED;
}

int cmd_split_words(char *text, char **word, int room)
{
	char *to = text;
	int nr = 0;

	while (*text) {
		char quote = 0;

		while (*text == ' ')
			text++;
		if (!*text || nr == room)
			break;
		word[nr++] = to;
		for (; *text && (quote || *text != ' '); text++) {
			if (quote ? *text == quote : *text == '\'' || *text == '"')
				quote = quote ? 0 : *text;
			else
				*to++ = *text;
		}
		text += *text == ' ';
		*to++ = 0;
	}
	return nr;
}
