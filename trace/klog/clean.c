/* SPDX-License-Identifier: MIT */
/*
 * What mail programs, web pages and terminals do to a line, undone in place. No
 * function makes a line longer.
 */
#include <string.h>
#include <strings.h>

#include "clean.h"

static const struct {
	const char *name; /* behind the & */
	char is;
} entities[] = {
	{ "lt;", '<' },    { "gt;", '>' },    { "amp;", '&' },  { "quot;", '"' },
	{ "nbsp;", ' ' },  { "#39;", '\'' },  { "#160;", ' ' }, { "#xa0;", ' ' },
	{ "apos;", '\'' }, { "#x27;", '\'' }, { "#42;", '*' },
};

/* Elements that stand around a log or break its lines. "<TASK>" and "<4>" do not. */
static const char *const elements[] = { "pre", "br", "code", "p", "div", "span", "tt", "td", "tr" };

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static size_t entity(const char *at, char *is)
{
	for (size_t i = 0; i < NR(entities); i++) {
		size_t len = strlen(entities[i].name);

		if (!strncasecmp(at + 1, entities[i].name, len)) {
			*is = entities[i].is;
			return len + 1;
		}
	}
	return 0;
}

/* "<pre class=...>", "</pre>", "<br/>": its length, 0: none. */
static size_t element(const char *at)
{
	const char *name = at + 1 + (at[1] == '/');

	for (size_t i = 0; i < NR(elements); i++) {
		size_t len = strlen(elements[i]);
		const char *end;

		if (strncasecmp(name, elements[i], len) || !strchr(" />", name[len]))
			continue;
		end = name[len] ? strchr(name, '>') : NULL;
		return end ? (size_t)(end - at) + 1 : 0;
	}
	return 0;
}

/* "ESC [ 1 ; 31 m": its length, 0: none. */
static size_t escape(const char *at)
{
	size_t n = 1;

	if (*at != 27)
		return 0;
	if (at[n] != '[')
		return at[n] ? 2 : 1;
	n++;
	n += strspn(at + n, "0123456789;:?=<>");
	return at[n] ? n + 1 : n;
}

size_t klog_clean(char *text, size_t len)
{
	size_t to = 0, skip;

	for (size_t at = 0; at < len;) {
		char is = text[at];

		skip = 1;
		if (is == 27)
			skip = escape(text + at);
		else if (is == '&' && (skip = entity(text + at, &is)) != 0)
			text[to++] = is;
		else if (is == '<' && (skip = element(text + at)) != 0)
			;
		else if ((unsigned char)is == 0xc2 && (unsigned char)text[at + 1] == 0xa0) {
			text[to++] = ' ';
			skip = 2;
		} else {
			skip = 1;
			if (is && is != '\r')
				text[to++] = is == '\t' ? ' ' : is;
		}
		at += skip;
	}
	text[to] = '\0';
	return to;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t klog_unquote_printable(char *text, size_t len)
{
	size_t to = 0;

	for (size_t at = 0; at < len; at++) {
		if (text[at] == '=' && at + 2 < len && hex(text[at + 1]) >= 0 &&
		    hex(text[at + 2]) >= 0) {
			text[to++] = (char)(hex(text[at + 1]) << 4 | hex(text[at + 2]));
			at += 2;
		} else {
			text[to++] = text[at];
		}
	}
	text[to] = '\0';
	return to;
}

/* Under which names logs in JSON have the line itself. */
static const char *const json_keys[] = { "MESSAGE", "message", "log",         "msg",
					 "line",    "_raw",    "textPayload", "body" };

/* Where the string of this member begins; NULL: there is none. */
static char *json_string(char *line, const char *key)
{
	size_t len = strlen(key);

	for (char *at = line; (at = strchr(at, '"')) != NULL; at++) {
		char *value;

		if ((at > line && at[-1] == '\\') || strncmp(at + 1, key, len) ||
		    at[1 + len] != '"')
			continue;
		value = at + len + 2 + strspn(at + len + 2, " ");
		if (*value++ != ':')
			continue;
		value += strspn(value, " ");
		if (*value == '"')
			return value + 1;
	}
	return NULL;
}

/* What "\u0041" stands for; *at is behind it. */
static char json_code(const char **at)
{
	unsigned int code = 0;

	for (int i = 0; i < 4; i++) {
		char c = **at >= 'a' && **at <= 'f' ? (char)(**at - 'a' + 'A') : **at;

		if (hex(c) < 0)
			return '?';
		code = code << 4 | (unsigned int)hex(c);
		(*at)++;
	}
	return code >= ' ' && code <= '~' ? (char)code : code == '\t' ? ' ' : '?';
}

/* The escapes of a string, up to its end; those of newlines stay. Its length. */
static size_t json_unescape(char *text)
{
	const char *at = text;
	char *to = text;

	while (*at && *at != '"') {
		if (*at != '\\' || !at[1]) {
			*to++ = *at++;
			continue;
		}
		at += 2;
		if (at[-1] == 'n') {
			*to++ = '\\';
			*to++ = 'n';
		} else if (at[-1] == 'u') {
			*to++ = json_code(&at);
		} else if (at[-1] != 'r') {
			*to++ = at[-1] == 't' ? ' ' : at[-1];
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

char *klog_json_message(char *line, size_t *len)
{
	char *text = line + strspn(line, " \t");

	if (*text != '{' && *text != '"')
		return NULL;
	for (size_t i = 0; i < NR(json_keys); i++) {
		char *message = json_string(text, json_keys[i]);

		if (!message)
			continue;
		*len = json_unescape(message);
		return message;
	}
	return NULL;
}

size_t klog_quote(const char *text)
{
	size_t run = strspn(text, " >|"), mark = 0;

	for (size_t i = 0; i < run; i++)
		if (text[i] != ' ')
			mark = i + 1;
	if (mark && text[mark] == ' ')
		mark++;
	return mark;
}

size_t klog_width(const char *text, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

bool klog_is_prompt(const char *text)
{
	size_t n = strspn(text, "[(");
	const char *at = strchr(text + n, '@'), *end;

	if (!at || at - text > 40 || at == text + n ||
	    strcspn(text + n, " ") < (size_t)(at - text - (long)n))
		return false;
	end = strpbrk(at, "$#");
	return end && end - at < 80 && (end[1] == ' ' || !end[1]);
}

void klog_copy(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[len] = '\0';
}
