/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "klog/clean.h"
#include "pasted.h"

#define LINE 4096 /* bytes; what is longer is of no file here */
#define SPARE 64  /* bytes behind a part, for who completes a cut end */

/* ------------------------------------------------------------------- cleaning */

/* Is it most lines that are quoted? A single "> " may be a shell's. */
static bool is_quoted(const char *text, size_t len)
{
	unsigned int lines = 0, quoted = 0;

	for (const char *at = text, *end = text + len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (*at != '\n' && *at != '\r') {
			lines++;
			quoted += *at == '>' || *at == '|';
		}
		at = newline ? newline + 1 : end;
	}
	return quoted * 2 > lines;
}

size_t pb_paste_clean(char *text, size_t len)
{
	bool quoted = is_quoted(text, len);
	char *to = text, *end = text + len;

	for (char *at = text; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at)), *next;
		size_t n = (size_t)((newline ? newline : end) - at), skip;

		next = newline ? newline + 1 : end;
		/* klog_clean() ends what it cleans with a NUL, where the newline was */
		if (newline) {
			n = klog_clean(at, n);
			skip = quoted ? klog_quote(at) : 0;
			memmove(to, at + skip, n - skip);
			to += n - skip;
			*to++ = '\n';
		} else {
			memmove(to, at, n);
			to += n;
		}
		at = next;
	}
	return (size_t)(to - text);
}

/* ----------------------------------------------------------------- line by line */

enum state { NOWHERE, IN_ZONEINFO, IN_BUDDYINFO, IN_TYPES, IN_TYPE_BLOCKS };

struct splitting {
	struct pb_pasted *pasted;
	enum state state;
	char first[PB_NR_PASTED][64]; /* what the first line of the part begins with */
	bool no_memory;
};

static bool begins(const char *line, const char *word)
{
	return !strncmp(line, word, strlen(word));
}

static bool only(const char *text, const char *bytes)
{
	return !text[strspn(text, bytes)];
}

/* "Node 0, zone   Normal": what is behind it; NULL: no such line. `key`: "0/Normal". */
static const char *zone_row(const char *line, char *key, size_t size)
{
	int node, used = 0;
	char name[16];

	if (sscanf(line, " Node %d, zone %15[A-Za-z0-9_]%n", &node, name, &used) != 2 || !used)
		return NULL;
	snprintf(key, size, "%d/%s", node, name);
	return line + used;
}

static void put(struct splitting *s, enum pb_pasted_file file, const char *line, bool joins)
{
	struct pb_pasted_part *part = &s->pasted->part[file];
	size_t n = strlen(line), at = part->len;
	char *grown;

	if (at + n + 1 + SPARE > part->room) {
		size_t room = 2 * (at + n + 1 + SPARE);

		grown = realloc(part->text, room);
		if (!grown) {
			s->no_memory = true;
			return;
		}
		part->text = grown;
		part->room = room;
	}
	if (joins && at)
		part->text[at - 1] = ' ';
	memcpy(part->text + at, line, n);
	part->text[at + n] = '\n';
	part->len = at + n + 1;
}

/* The first line again: another moment begins, and the one before is forgotten. */
static void begin(struct splitting *s, enum pb_pasted_file file, const char *key)
{
	struct pb_pasted_part *part = &s->pasted->part[file];

	if (part->len && strcmp(s->first[file], key))
		return;
	part->len = 0;
	part->times++;
	snprintf(s->first[file], sizeof(s->first[file]), "%s", key);
}

static bool take_zone_row(struct splitting *s, const char *line)
{
	char key[64];
	const char *rest = zone_row(line, key, sizeof(key));
	enum pb_pasted_file file;

	if (!rest)
		return false;
	if (begins(rest, ", type")) {
		begin(s, PB_PASTED_PAGETYPEINFO,
		      s->pasted->part[PB_PASTED_PAGETYPEINFO].len ? "" : "row");
		file = PB_PASTED_PAGETYPEINFO;
		s->state = IN_TYPES;
	} else if (only(rest, " \t")) {
		begin(s, PB_PASTED_ZONEINFO, key);
		file = PB_PASTED_ZONEINFO;
		s->state = IN_ZONEINFO;
	} else if (!only(rest, " 0123456789")) {
		return false;
	} else if (s->state == IN_TYPE_BLOCKS) {
		file = PB_PASTED_PAGETYPEINFO;
	} else {
		begin(s, PB_PASTED_BUDDYINFO, key);
		file = PB_PASTED_BUDDYINFO;
		s->state = IN_BUDDYINFO;
	}
	put(s, file, line, false);
	return true;
}

static bool take_types_header(struct splitting *s, const char *line)
{
	static const char *const headers[] = { "Page block order:", "Pages per block:",
					       "Free pages count per migrate type",
					       "Number of blocks type", "Number of mixed blocks" };

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (!begins(line, headers[i]))
			continue;
		if (i == 0)
			begin(s, PB_PASTED_PAGETYPEINFO, headers[0]);
		s->state = i < 3 ? IN_TYPES : IN_TYPE_BLOCKS;
		put(s, PB_PASTED_PAGETYPEINFO, line, false);
		return true;
	}
	return false;
}

/* Numbers alone: the end of a row that a mail program broke. */
static bool take_numbers(struct splitting *s, const char *line)
{
	if (!only(line, " 0123456789>") || s->state == NOWHERE || s->state == IN_ZONEINFO)
		return false;
	put(s, s->state == IN_BUDDYINFO ? PB_PASTED_BUDDYINFO : PB_PASTED_PAGETYPEINFO, line, true);
	return true;
}

static bool take_amount(const char *line, const char *name, uint64_t *kb)
{
	if (!begins(line, name))
		return false;
	*kb = strtoull(line + strlen(name), NULL, 10);
	return true;
}

/* "Linux version 5.15.41 (...)" of /proc/version, "Linux host 5.15.41 #1 SMP" of uname -a */
static bool take_kernel(struct pb_pasted *pasted, const char *line)
{
	char word[64];

	if (sscanf(line, "Linux version %63s", word) != 1 &&
	    (sscanf(line, "Linux %*s %63s", word) != 1 || word[0] < '2' || word[0] > '9' ||
	     !strchr(word, '.')))
		return false;
	memcpy(pasted->kernel, word, sizeof(word));
	return true;
}

static void take_line(struct splitting *s, const char *line)
{
	struct pb_pasted *pasted = s->pasted;
	const char *text = line + strspn(line, " \t");

	if (!*text)
		return;
	pasted->lines++;
	if (take_zone_row(s, text) || take_types_header(s, text) || take_numbers(s, text)) {
		pasted->known++;
	} else if (s->state == IN_ZONEINFO && text > line) {
		put(s, PB_PASTED_ZONEINFO, line, false);
		pasted->known++;
	} else {
		s->state = NOWHERE;
		pasted->known += take_amount(text, "MemTotal:", &pasted->mem_kb) ||
				 take_amount(text, "MemFree:", &pasted->free_kb) ||
				 take_kernel(pasted, text);
	}
}

int pb_pasted_split(const char *text, size_t len, struct pb_pasted *pasted)
{
	struct splitting s = { .pasted = pasted };
	char line[LINE];

	memset(pasted, 0, sizeof(*pasted));
	for (const char *at = text, *end = text + len; at < end && !s.no_memory;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		if (n < sizeof(line)) {
			memcpy(line, at, n);
			line[n] = '\0';
			if (n && line[n - 1] == '\r')
				line[n - 1] = '\0';
			take_line(&s, line);
		}
		at = newline ? newline + 1 : end;
	}
	if (s.no_memory)
		pb_pasted_free(pasted);
	return s.no_memory ? -1 : 0;
}

void pb_pasted_free(struct pb_pasted *pasted)
{
	for (int i = 0; i < PB_NR_PASTED; i++)
		free(pasted->part[i].text);
	memset(pasted, 0, sizeof(*pasted));
}
