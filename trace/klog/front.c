/* SPDX-License-Identifier: MIT */
/*
 * What stands in front of lines, where it is of no known form, is learnt: known lines
 * stand behind it, and it always has the same shape.
 *
 *	[793253.000000] (2)[1234:relayd]Mem-Info:
 *	[793253.011070] (2)[1234:relayd]lowmem_reserve[]: 0 2816 7757
 *	==>  "[D.D]B(D)[D:relayd]"	D: digits, B: blanks
 */
#include <string.h>

#include "clean.h"
#include "internal.h"

#define ENOUGH 2 /* lines of one shape, with different beginnings behind it */
#define DIGITS '\1'
#define BLANKS '\2'

/* Beginnings that nothing else contains; of a shape at least two must be seen. */
static const char *const beginnings[] = {
	"Mem-Info:",
	"Mem-info:",
	"lowmem_reserve[]:",
	"Call Trace:",
	"Call trace:",
	"Node 0 ",
	"Hardware name: ",
	"active_anon:",
	"CPU: ",
	"Free swap ",
	"Pid: ",
	"Swap cache ",
	"Normal free:",
	"DMA free:",
	"Tasks state ",
	"Normal: ",
	"DMA: ",
	"oom-kill:constraint=",
	"memory: usage ",
	"Memory cgroup out of",
	"Out of memory: Kill",
};

/* False: too long for a front. */
static bool shape_of(const char *text, size_t len, char *shape)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		char c = text[i];

		if (n + 1 >= KLOG_FRONT)
			return false;
		if (c >= '0' && c <= '9') {
			i += strspn(text + i, "0123456789");
			c = DIGITS;
		} else if (c == ' ') {
			i += strspn(text + i, " ");
			c = BLANKS;
		} else {
			i++;
		}
		shape[n] = c;
	}
	shape[n] = '\0';
	return n > 0;
}

static void count_shape(struct klog_fronts *fronts, const char *text, size_t len, unsigned int kind)
{
	char shape[KLOG_FRONT];
	struct klog_shape *entry = fronts->shapes;

	if (!shape_of(text, len, shape))
		return;
	while (entry < fronts->shapes + fronts->nr && strcmp(entry->text, shape))
		entry++;
	if (entry == fronts->shapes + KLOG_SHAPES)
		return;
	if (entry == fronts->shapes + fronts->nr) {
		fronts->nr++;
		memcpy(entry->text, shape, sizeof(shape));
	}
	entry->lines++;
	entry->kinds |= UINT32_C(1) << kind;
}

/* `text`: without quotes and blanks; `known`: bytes of it that are a prefix of a known form. */
static void look_at_line(struct klog_fronts *fronts, const char *text, size_t known)
{
	for (unsigned int k = 0; k < sizeof(beginnings) / sizeof(beginnings[0]); k++) {
		const char *at = strstr(text, beginnings[k]);
		size_t len;

		if (!at || at == text)
			continue;
		len = (size_t)(at - text);
		/* "Node 0 DMA free:", which the table has twice */
		if (len >= 7 && !strncmp(at - 7, "Node ", 5))
			continue;
		while (known < len && text[known] == ' ')
			known++;
		if (len > known)
			count_shape(fronts, text, len, k);
		return;
	}
}

void klog_front_look(struct klog_fronts *fronts, const char *text)
{
	struct klog_prefix prefix;

	look_at_line(fronts, text, klog_prefix_parse(text, strlen(text), &prefix) ? prefix.len : 0);
}

void klog_front_choose(const struct klog_fronts *fronts, char *front)
{
	const struct klog_shape *best = NULL;

	for (unsigned int i = 0; i < fronts->nr; i++)
		if (!best || fronts->shapes[i].lines > best->lines)
			best = &fronts->shapes[i];
	if (best && best->lines >= ENOUGH && (best->kinds & (best->kinds - 1)))
		memcpy(front, best->text, KLOG_FRONT);
}

/* How long the front is that stands here; 0: another, or none. */
static size_t match(const char *front, const char *text)
{
	const char *at = text;

	for (const char *shape = front; *shape; shape++) {
		size_t n = *shape == DIGITS   ? strspn(at, "0123456789")
			   : *shape == BLANKS ? strspn(at, " ")
					      : (size_t)(*at == *shape);

		/* the blanks of an indented line behind the front are its own */
		if (*shape == BLANKS && !shape[1] && n)
			n = 1;
		if (!n)
			return 0;
		at += n;
	}
	return (size_t)(at - text);
}

bool klog_front_parse(const char *front, const char *text, struct klog_prefix *prefix)
{
	bool found = klog_prefix_parse(text, strlen(text), prefix);
	size_t len = *front ? match(front, text) : 0;

	if (len <= prefix->len)
		return found;
	prefix->len = len;
	prefix->width = klog_width(text, len);
	return true;
}
