/* SPDX-License-Identifier: MIT */
/*
 * `perf trace` prints the same events in its own way; a line of it is put as
 * `perf script` would have:
 *
 *	     0.012 mockdb/999 kmem:mm_page_alloc(pfn: 1064970, gfp_flags: 3264)
 *	     0.034 (         ): mockdb/999 kmem:mm_page_free:page=0xffffea00 pfn=0x12c289 order=0)
 *	==>
 *	mockdb 999 [000] 0.000012000: kmem:mm_page_alloc: page=1 pfn=1064970 gfp_flags=0xcc0 ...
 *
 * Times are ms. Newer ones print raw numbers and leave out what is 0; an allocation
 * that failed has the pfn -1. Neither says on which CPU it was.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line_text.h"

struct out {
	char *text;
	size_t len, size;
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->text + out->len, out->size - out->len, format, args);
	va_end(args);
	if (n > 0)
		out->len = out->len + (size_t)n < out->size ? out->len + (size_t)n : out->size - 1;
}

/* "0.012 mockdb/999 ", with or without "(         ): "; where the event begins, or NULL. */
static const char *take_front(const char *line, struct out *out)
{
	const char *event = strstr(line, "kmem:mm_"), *who, *slash = NULL, *end;
	char *after;
	double ms = strtod(line, &after);

	if (!event || after == line || *after != ' ' ||
	    !memchr(line, '.', (size_t)(after - line)) || !(ms >= 0 && ms < 1e12))
		return NULL;
	who = after + strspn(after, " ");
	if (*who == '(') {
		who = strstr(who, "):");
		if (!who || who > event)
			return NULL;
		who += 2 + strspn(who + 2, " ");
	}
	for (const char *at = who; at < event; at++)
		if (*at == '/')
			slash = at;
	end = slash ? slash : who;
	put(out, "%.*s %d [000] %.9f: ", slash ? (int)(end - who) : 7, slash ? who : "unknown",
	    slash ? atoi(slash + 1) : 0, ms / 1000);
	return event;
}

static void put_value(struct out *out, const char *name, const char *value, size_t len,
		      bool *failed)
{
	char number[32];

	snprintf(number, sizeof(number), "%.*s", (int)(len < 31 ? len : 31), value);
	if (!strcmp(name, "pfn") &&
	    (!strcmp(number, "-1") || !strcmp(number, "18446744073709551615"))) {
		*failed = true;
		put(out, " pfn=0");
	} else if (!strcmp(name, "gfp_flags") && len == strspn(number, "0123456789")) {
		put(out, " gfp_flags=0x%llx", strtoull(number, NULL, 10));
	} else {
		put(out, " %s=%.*s", name, (int)len, value);
	}
}

/* "pfn: 1, order: 3" or "page=0x1 pfn=0x2 order=3". */
static void take_fields(const char *at, const char *end, bool alloc, struct out *out)
{
	bool order = false, type = false, gfp = false, page = false, failed = false;
	char name[32];

	while (at < end) {
		size_t n, len;

		at += strspn(at, " ,");
		n = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		if (at >= end || !n || n >= sizeof(name) || !strchr(":=", at[n]))
			break;
		snprintf(name, sizeof(name), "%.*s", (int)n, at);
		at += n + 1;
		at += strspn(at, " ");
		len = strcspn(at, " ,");
		if (at + len > end)
			len = (size_t)(end - at);
		order |= !strcmp(name, "order");
		type |= !strcmp(name, "migratetype");
		gfp |= !strcmp(name, "gfp_flags");
		page |= !strcmp(name, "page");
		put_value(out, name, at, len, &failed);
		at += len;
	}
	put(out, "%s%s%s%s", order ? "" : " order=0", type ? "" : " migratetype=0",
	    gfp || !alloc ? "" : " gfp_flags=0x0", failed && !page ? " page=(nil)" : "");
}

bool pb_perf_trace_line(const char *line, size_t len, char *text, size_t size)
{
	struct out out = { text, 0, size };
	char copy[1024];
	const char *event, *end;
	size_t name;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, line, len);
	copy[len] = '\0';
	event = take_front(copy, &out);
	if (!event)
		return false;
	name = strcspn(event + 5, "(:");
	end = strrchr(event, ')');
	if (!event[5 + name])
		return false;
	put(&out, "%.*s:", (int)(5 + name), event);
	take_fields(event + 5 + name + 1, end ? end : copy + len,
		    !strncmp(event + 5, "mm_page_alloc", name), &out);
	return true;
}
