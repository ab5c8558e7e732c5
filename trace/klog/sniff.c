/* SPDX-License-Identifier: MIT */
/*
 * How the lines of a text were broken, told by its beginning: a single broken line
 * rarely says whether a blank went with the break, many do.
 *
 *	hard, at a column	all broken lines are equally wide, and none is wider
 *	at words		their widths differ
 *
 * Where lines have prefixes, one without is the rest of the line above; where they
 * have none, one that does not begin like any known form may be.
 */
#include <string.h>

#include "clean.h"
#include "internal.h"

#define WIDEST 400   /* characters; wider lines are not broken ones */
#define NARROWEST 30 /* the same, where only the form of lines tells */
#define FEW 3        /* broken lines that are enough to tell; equally wide ones: one less */
#define LINE_MOST 2048

struct census {
	struct widths {
		unsigned int of[WIDEST + 1]; /* broken lines of this width */
		unsigned int nr;
	} by_prefix, by_form;
	unsigned int nr_prefixed, nr_bare;
	size_t widest, last_width;
	bool last_counts; /* the line above may be a broken one */
	bool in_form;     /* it is, or belongs to, a line of a known form */
};

static void count_broken(struct widths *widths, size_t width)
{
	widths->of[width]++;
	widths->nr++;
}

static void count_bare(struct census *census, const char *text, size_t blanks)
{
	bool starts = klog_is_start(text);

	census->nr_bare++;
	if (census->last_counts && census->last_width <= WIDEST) {
		if (blanks < 6)
			count_broken(&census->by_prefix, census->last_width);
		if (!starts && census->in_form && census->last_width >= NARROWEST)
			count_broken(&census->by_form, census->last_width);
	}
	census->in_form |= starts;
}

static void count_line(struct census *census, const char *front, char *line, size_t len)
{
	struct klog_prefix prefix;
	const char *text;
	size_t width, blanks;

	if (klog_json_message(line, &len)) {
		census->nr_prefixed++;
		census->last_counts = false;
		return;
	}
	len = klog_clean(line, len);
	width = klog_width(line, len);
	text = line + klog_quote(line);
	blanks = strspn(text, " ");
	if (width > census->widest)
		census->widest = width;
	if (!text[blanks] || klog_is_prompt(text)) {
		census->last_counts = census->in_form = false;
		return;
	}
	if (klog_front_parse(front, text + blanks, &prefix)) {
		census->nr_prefixed++;
	} else {
		count_bare(census, text, blanks);
	}
	census->last_counts = true;
	census->last_width = width;
}

/* Three of four broken lines are as wide as any. */
static void conclude(const struct census *census, struct klog_frame *frame)
{
	bool prefixed = census->nr_prefixed >= 1 + census->nr_bare / 8;
	const struct widths *widths = prefixed ? &census->by_prefix : &census->by_form;
	size_t most = 0;

	for (size_t w = 1; w <= WIDEST; w++)
		if (widths->of[w] > widths->of[most])
			most = w;
	if (widths->nr < FEW && (widths->nr < FEW - 1 || widths->of[most] < widths->nr))
		return;
	frame->sniffed = true;
	frame->wrap_width = census->widest;
	frame->wrap = most == census->widest && widths->of[most] * 4 >= widths->nr * 3 ? WRAP_HARD
										       : WRAP_WORD;
	if (frame->wrap == WRAP_HARD)
		return;
	/* a word that is too long for any line makes one that is wider than the others */
	for (size_t w = most; w <= WIDEST; w++)
		if (widths->of[w] > 1)
			frame->wrap_width = w;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* An "=" that quoted-printable would not have left as it is. */
static bool has_plain_equals(const char *head, size_t len)
{
	const char *at = head, *end = head + len;

	while ((at = memchr(at, '=', (size_t)(end - at))) != NULL) {
		at++;
		if (at + 1 < end && *at != '\n' && *at != '\r' && !(is_hex(*at) && is_hex(at[1])))
			return true;
	}
	return false;
}

/* Copied to `line`, cut to LINE_MOST - 1; *n is how long it is. */
static bool next_line(const char **at, const char *end, char *line, size_t *n)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	size_t copied;

	if (*at >= end)
		return false;
	*n = (size_t)((newline ? newline : end) - *at);
	copied = *n < LINE_MOST ? *n : LINE_MOST - 1;
	memcpy(line, *at, copied);
	line[copied] = '\0';
	*at = newline ? newline + 1 : end;
	return true;
}

/* Lines of quoted-printable are whole again, up to where they were broken. */
static void look_at_fronts(struct klog_frame *frame, const char *head, size_t len)
{
	struct klog_fronts fronts = { .nr = 0 };
	const char *at = head;
	char line[LINE_MOST];
	bool continued = false;
	size_t n;

	while (next_line(&at, head + len, line, &n)) {
		bool is_rest = continued;
		char *text = line, *message;

		n = n < sizeof(line) ? n : sizeof(line) - 1;
		continued = frame->quoted_printable && n && line[n - 1] == '=';
		if (is_rest)
			continue;
		if (frame->quoted_printable)
			n = klog_unquote_printable(line, n);
		message = klog_json_message(text, &n);
		if (message)
			text = message;
		klog_clean(text, n);
		text += klog_quote(text);
		text += strspn(text, " ");
		klog_front_look(&fronts, text);
	}
	klog_front_choose(&fronts, frame->front);
}

void klog_sniff(struct klog_frame *frame, const char *head, size_t len)
{
	struct census census = { .last_counts = false };
	const char *at = head;
	char line[LINE_MOST];
	size_t n;

	frame->plain = has_plain_equals(head, len);
	frame->quoted_printable = !frame->plain && memmem(head, len, "=3D", 3);
	look_at_fronts(frame, head, len);
	/* quoted-printable breaks lines in its own way, and undoes it */
	if (frame->quoted_printable)
		return;
	while (next_line(&at, head + len, line, &n)) {
		if (n < sizeof(line))
			count_line(&census, frame->front, line, n);
		else
			census.widest = n;
		census.last_counts &= n < sizeof(line);
	}
	conclude(&census, frame);
}
