/* SPDX-License-Identifier: MIT */
/*
 * From bytes to records. A log that was wrapped hard at 40 columns:
 *
 *	[660836.515899] quux: page allocation fa
 *	ilure: order:0, mode:0x10c40(GFP_NOFS|__
 *	GFP_NORETRY)
 *	[660836.516472] Mem-Info:
 *
 * The second and third line have no prefix where lines have one, so they are the
 * rest of the first. Where lines have none at all, a line that does not begin like
 * any known form is the rest of the one before.
 *
 * Was a blank eaten where a line was broken? Hard wraps all break at the same
 * width, wraps at words do not; and some pieces ("mode:0x10c40(GFP_N") are no
 * words.
 */
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "internal.h"

#define FORGET_PREFIX 64 /* lines without one, after which lines have none */
#define MIN_WRAP 30      /* characters; no line shorter than this was broken */

int klog_frame_init(struct klog_frame *frame)
{
	frame->head = malloc(KLOG_HEAD);
	frame->physical = malloc(KLOG_LINE + 1);
	frame->pending = malloc(KLOG_LINE + 1);
	return frame->head && frame->physical && frame->pending ? 0 : -1;
}

void klog_frame_clear(struct klog_frame *frame)
{
	free(frame->head);
	free(frame->physical);
	free(frame->pending);
}

/* -------------------------------------------------------------------- records */

static int give(struct klog_frame *frame, char *text, size_t len)
{
	struct klog_record record = { text, len, frame->pending_line, &frame->prefix };

	text[len] = '\0';
	return frame->take(frame->ctx, &record);
}

/* A newline inside a record: rsyslog's, /dev/kmsg's, JSON's. */
static char *find_newline(char *text, size_t *len)
{
	static const char *const newlines[] = { "#012", "\\x0a", "\\n" };
	char *first = NULL;

	for (size_t i = 0; i < sizeof(newlines) / sizeof(newlines[0]); i++) {
		char *at = strstr(text, newlines[i]);

		if (!at || (first && at > first))
			continue;
		first = at;
		*len = strlen(newlines[i]);
	}
	return first;
}

static int flush(struct klog_frame *frame)
{
	char *text = frame->pending, *escape;
	int status = 0;
	size_t len;

	if (!frame->has_pending)
		return 0;
	frame->has_pending = false;
	frame->pending[frame->pending_len] = '\0';
	while (!status && (escape = find_newline(text, &len)) != NULL) {
		status = give(frame, text, (size_t)(escape - text));
		text = escape + len;
	}
	if (!status)
		status = give(frame, text, strlen(text));
	return status;
}

static void append(struct klog_frame *frame, const char *text, size_t len)
{
	size_t room = KLOG_LINE - frame->pending_len;

	if (len > room)
		len = room;
	memcpy(frame->pending + frame->pending_len, text, len);
	frame->pending_len += len;
	frame->pending[frame->pending_len] = '\0';
}

static int begin(struct klog_frame *frame, const char *text, size_t len)
{
	int status = flush(frame);

	frame->has_pending = true;
	frame->closed = false;
	frame->pending_len = 0;
	frame->pending_line = frame->line;
	append(frame, text, len);
	return status;
}

/* ---------------------------------------------------------------------- wraps */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number that lacks its unit, and the unit or the rest of the number. */
static bool split_amount(const char *tail, size_t len, const char *head)
{
	size_t n = strspn(head, "0123456789");

	if (tail[len - 1] == 'k')
		return *head == 'B';
	if (!is_digit(tail[len - 1]) || (head[n] != 'k' && head[n] != 'K'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (tail[i] == ':' || tail[i] == '*' || tail[i] == '_')
			return true;
	return strspn(tail, "0123456789") == len && n == 0;
}

/* Words of the lines that matter; a field's value may stand apart from it. */
static bool stands_alone(const char *tail, size_t len)
{
	static const char *const words[] = {
		"Node",    "DMA",        "DMA32",     "Normal",           "HighMem",
		"Movable", "shmem_thp:", "anon_thp:", "shmem_pmdmapped:", "lowmem_reserve[]:"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && !memcmp(words[i], tail, len))
			return true;
	return false;
}

/* "mod" + "e:0xd2": together the name of a field. */
static bool split_name(const char *tail, size_t len, const char *head)
{
	static const char *const names[] = { "order",   "mode",         "gfp_mask",      "nodemask",
					     "cpuset",  "mems_allowed", "oom_score_adj", "failure",
					     "free",    "boost",        "min",           "low",
					     "high",    "present",      "managed",       "free_cma",
					     "Mem-Info" };
	size_t rest = strcspn(head, ":= ");

	if (head[rest] != ':' && head[rest] != '=')
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len + rest && !memcmp(names[i], tail, len) &&
		    !memcmp(names[i] + len, head, rest))
			return true;
	return false;
}

/* Can't these two be words of their own? */
static bool is_split(const char *text, size_t len, const char *head)
{
	size_t at = len, open = 0, close = 0;
	const char *tail;

	while (at && text[at - 1] != ' ')
		at--;
	tail = text + at;
	len -= at;
	if (!len || stands_alone(tail, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		open += tail[i] == '(';
		close += tail[i] == ')';
	}
	if (open > close || (len > 1 && strchr("=*|_", tail[len - 1])))
		return true;
	/* "order:" + "0", but not "failure:" + "order:0" nor "CPU:" + "1" */
	if (tail[len - 1] == ':' && *tail >= 'a' && *tail <= 'z' &&
	    (is_digit(*head) || *head == '('))
		return true;
	if (strchr(")|,:*_", *head))
		return true;
	/* "4" + ".2.8", "4." + "2.8": a release */
	if (is_digit(tail[len - 1]) && *head == '.' && is_digit(head[1]))
		return true;
	if (len > 1 && is_digit(tail[len - 2]) && tail[len - 1] == '.' && is_digit(*head))
		return true;
	/* "3.6.1" + "1 #1", "3.2.0-" + "4-amd64 #1": behind a release is the build's number */
	if (memchr(tail, '.', len) && is_digit(*tail) && *head != '#' &&
	    !strncmp(head + strcspn(head, " "), " #", 2))
		return true;
	/* "mode:0xcc" + "4(GFP_KERNEL" */
	if (memmem(tail, len, "0x", 2) && strchr("(,", head[strspn(head, "0123456789abcdef")]))
		return true;
	if (split_amount(tail, len, head) || split_name(tail, len, head))
		return true;
	/* "act" + "ive_anon:0kB": fields of a zone line have a colon */
	return strstr(text, " free:") && strspn(tail, "abcdefghijklmnopqrstuvwxyz_") == len &&
	       len && strcspn(head, ":") < strcspn(head, " ");
}

static bool blank_was_eaten(struct klog_frame *frame, const char *text)
{
	size_t len = frame->pending_len;
	bool split;

	if (!len || frame->pending[len - 1] == ' ' || *text == ' ')
		return false;
	/* "0" + "*4096kB": some mail programs break a line in front of a "*", too */
	if (*text == '*' && is_digit(text[1]) && is_digit(frame->pending[len - 1]))
		return false;
	if (frame->sniffed)
		return frame->wrap == WRAP_WORD || frame->last_width < frame->wrap_width;
	split = is_split(frame->pending, len, text);
	if (frame->wrap_width && frame->last_width != frame->wrap_width && frame->wrap != WRAP_HARD)
		frame->wrap = WRAP_WORD;
	if (frame->wrap == WRAP_UNKNOWN && split)
		frame->wrap = WRAP_HARD;
	if (!frame->wrap_width)
		frame->wrap_width = frame->last_width;
	if (frame->wrap == WRAP_HARD && frame->last_width == frame->wrap_width)
		return false;
	return !split;
}

static void join(struct klog_frame *frame, const char *text, size_t len)
{
	if (blank_was_eaten(frame, text))
		append(frame, " ", 1);
	append(frame, text, len);
}

/* ---------------------------------------------------------------------- lines */

/* Is the line above so long that this one did not fit on it? */
static bool was_broken(const struct klog_frame *frame, const char *text)
{
	/* parts of a headline that never begin a line of their own */
	static const char *const parts[] = { "gfp_mask=0x", "order:", "mode:0x" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strncmp(text, parts[i], strlen(parts[i])))
			return true;
	if (frame->last_width >= MIN_WRAP)
		return true;
	return frame->sniffed && frame->last_width + 1 + strcspn(text, " ") > frame->wrap_width;
}

/* Does the line above end where lines are broken? Then this one is its rest. */
static bool is_broken_off(const struct klog_frame *frame)
{
	if (frame->sniffed && frame->wrap == WRAP_HARD)
		return frame->last_width >= frame->wrap_width;
	return frame->last_width >= MIN_WRAP * 2;
}

/* A line without a prefix, where lines have one. */
static int bare_line(struct klog_frame *frame, const char *text, size_t len)
{
	size_t blanks = strspn(text, " ");

	if (!frame->has_pending || frame->closed || klog_is_prompt(text)) {
		frame->closed = true;
		return 0;
	}
	if (blanks >= 6 && blanks + 2 >= frame->prefix.width)
		return begin(frame, text + blanks - 1, len - blanks + 1);
	/* a console that gives a prefix to some lines only */
	if (klog_is_start(text) && !is_broken_off(frame))
		return begin(frame, text, len);
	if (was_broken(frame, text))
		join(frame, text, len);
	return 0;
}

/* A line where lines have no prefix. */
static int plain_line(struct klog_frame *frame, const char *text, size_t len)
{
	if (klog_is_prompt(text)) {
		frame->closed = true;
		return 0;
	}
	if (frame->has_pending && !frame->closed && was_broken(frame, text) &&
	    klog_is_start(frame->pending) && !klog_is_start(text)) {
		join(frame, text, len);
		return 0;
	}
	frame->prefix = (struct klog_prefix){ .pid = -1 };
	return begin(frame, text, len);
}

/* How far every line is indented shows where a prefix or a headline stands. */
static const char *unindent(struct klog_frame *frame, const char *text, struct klog_prefix *prefix,
			    bool *found)
{
	size_t blanks = strspn(text, " "), most;

	*found = klog_front_parse(frame->front, text + blanks, prefix);
	if (*found)
		frame->indent = (unsigned int)blanks;
	else if (blanks >= 2 && !frame->prefixed &&
		 (strstr(text, "page allocation failure") || strstr(text, "invoked oom-killer") ||
		  !strncmp(text + blanks, "Mem-", 4)))
		frame->indent = (unsigned int)blanks;
	most = frame->indent < blanks ? frame->indent : blanks;
	return text + most;
}

/*
 * How a line is quoted is learnt from those that are known, for a continuation may
 * begin with what looks like a quote: "|__GFP_COMP", or ">" and a blank of its own.
 */
static void learn_quote(struct klog_frame *frame, const char *line, size_t len)
{
	if (len >= sizeof(frame->quote))
		len = 0;
	memcpy(frame->quote, line, len);
	frame->quote[len] = '\0';
	frame->quote_known = true;
}

static size_t quote_of(const struct klog_frame *frame, const char *line)
{
	size_t len = strlen(frame->quote);

	if (frame->quote_known && !strncmp(line, frame->quote, len) && line[len] != '>')
		return len;
	return klog_quote(line);
}

/* A terminal's copy may have lost the newlines: "[1.2] text   [1.3] text". */
static int prefixed_line(struct klog_frame *frame, const char *text, struct klog_prefix *prefix)
{
	int status = flush(frame);
	size_t next;

	frame->prefixed = true;
	frame->since_prefix = 0;
	do {
		size_t len;

		text += prefix->len;
		next = klog_next_stamp(text);
		len = next ? next : strlen(text);
		while (next && len && text[len - 1] == ' ')
			len--;
		frame->prefix = *prefix;
		if (!status)
			status = begin(frame, text, len);
		text += next;
	} while (!status && next && klog_front_parse(frame->front, text, prefix));
	return status;
}

/* Wrapped anew, the rest of a line has the next one behind it: "= 1972kB [1.3] Normal: ..." */
static int bare_lines(struct klog_frame *frame, const char *text)
{
	size_t next = klog_next_stamp(text), len = next;
	struct klog_prefix prefix;
	int status;

	while (len && text[len - 1] == ' ')
		len--;
	status = bare_line(frame, text, len);
	if (status || !klog_front_parse(frame->front, text + next, &prefix))
		return status;
	return prefixed_line(frame, text + next, &prefix);
}

/* `json`: the line was a string of JSON's, whole, whatever stands in front of it. */
static int clean_line(struct klog_frame *frame, char *line, size_t len, bool json)
{
	struct klog_prefix prefix;
	const char *text;
	bool found;
	int status;

	len = klog_clean(line, len);
	text = unindent(frame, line + quote_of(frame, line), &prefix, &found);
	if (json && !found) {
		prefix = (struct klog_prefix){ .pid = -1 };
		found = true;
	}
	if (!text[strspn(text, " ")]) {
		frame->closed = true;
		return 0;
	}
	frame->nr_lines++;
	if (found || klog_is_start(text))
		learn_quote(frame, line, (size_t)(text - line));
	if (found) {
		status = prefixed_line(frame, text, &prefix);
	} else if (frame->prefixed && klog_next_stamp(text)) {
		status = bare_lines(frame, text);
	} else {
		if (frame->prefixed && ++frame->since_prefix > FORGET_PREFIX)
			frame->prefixed = false;
		status = frame->prefixed ? bare_line(frame, text, strlen(text))
					 : plain_line(frame, text, strlen(text));
	}
	frame->last_width = klog_width(line, len);
	frame->closed |= json;
	return status;
}

/* Behind the next escaped newline that has a prefix behind it; NULL: none. */
static char *next_escaped(const struct klog_frame *frame, char *line)
{
	struct klog_prefix prefix;

	while ((line = strstr(line, "\\n")) != NULL) {
		line += 2;
		if (klog_front_parse(frame->front, line + klog_quote(line), &prefix))
			return line;
	}
	return NULL;
}

/* Of a log that is a string of JSON's each line has its own prefix. */
static int unescaped_lines(struct klog_frame *frame, char *line, size_t len)
{
	char *message = klog_json_message(line, &len), *next;
	int status = 0;

	line = message ? message : line;
	while (!status && (next = next_escaped(frame, line)) != NULL) {
		next[-2] = '\0';
		status = clean_line(frame, line, strlen(line), message != NULL);
		line = next;
		len = strlen(line);
	}
	return status ? status : clean_line(frame, line, len, message != NULL);
}

/* Quoted-printable breaks a line behind a "=" that is not part of it. */
static bool soft_break(struct klog_frame *frame)
{
	size_t len = frame->physical_len;

	if (len && frame->physical[len - 1] == '\r')
		len--;
	if (frame->plain || len < MIN_WRAP || frame->physical[len - 1] != '=')
		return false;
	/* wrapped at words, a list's "4096kB (M) = 15884kB" may lose its second half */
	if (!frame->quoted_printable && (!memcmp(frame->physical + len - 4, "kB =", 4) ||
					 !memcmp(frame->physical + len - 3, ") =", 3)))
		return false;
	frame->physical_len = frame->soft_at = len - 1;
	frame->in_soft_break = true;
	return true;
}

static int physical_line(struct klog_frame *frame)
{
	char *line = frame->physical;

	frame->line++;
	if (soft_break(frame))
		return 0;
	frame->in_soft_break = false;
	line[frame->physical_len] = '\0';
	if (!frame->plain && !frame->quoted_printable && strstr(line, "=3D"))
		frame->quoted_printable = true;
	if (frame->quoted_printable)
		frame->physical_len = klog_unquote_printable(line, frame->physical_len);
	return unescaped_lines(frame, line, frame->physical_len);
}

/* How much in front of a soft break's continuation is the quote again, or the indent. */
static size_t quoted_again(struct klog_frame *frame, const char *bytes, size_t len)
{
	size_t n = len < 8 ? len : 8, mark, indent = 0;

	frame->physical[frame->physical_len] = '\0';
	mark = klog_quote(frame->physical);
	if (mark && mark <= len && !memcmp(bytes, frame->physical, mark))
		return mark;
	while (indent < n && indent < frame->physical_len && bytes[indent] == ' ' &&
	       frame->physical[indent] == ' ')
		indent++;
	return indent >= 2 ? indent : 0;
}

static void take_bytes(struct klog_frame *frame, const char *bytes, size_t len)
{
	size_t room = KLOG_LINE - frame->physical_len;

	if (frame->in_soft_break && frame->physical_len == frame->soft_at) {
		size_t skip = quoted_again(frame, bytes, len);

		bytes += skip;
		len -= skip;
	}
	if (len > room)
		len = room;
	memcpy(frame->physical + frame->physical_len, bytes, len);
	frame->physical_len += len;
}

static int feed(struct klog_frame *frame, const char *bytes, size_t len)
{
	const char *end = bytes + len;
	int status = 0;

	while (!status && bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end;

		take_bytes(frame, bytes, (size_t)(stop - bytes));
		if (!newline)
			break;
		status = physical_line(frame);
		if (!frame->in_soft_break)
			frame->physical_len = 0;
		bytes = newline + 1;
	}
	return status;
}

/* What Windows puts in front of a text; of UTF-16 the ASCII half is read. */
static size_t byte_order_mark(struct klog_frame *frame, const char *text, size_t len)
{
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return 3;
	frame->wide = len >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2));
	return frame->wide ? 2 : 0;
}

static size_t without_nuls(char *to, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (from[i])
			to[n++] = from[i];
	return n;
}

static int look_at_head(struct klog_frame *frame)
{
	char *head = frame->head, *text = head;
	size_t len = frame->head_len, mark;
	int status;

	if (!head)
		return 0;
	frame->head = NULL;
	mark = byte_order_mark(frame, text, len);
	text += mark;
	len -= mark;
	if (frame->wide)
		len = without_nuls(text, text, len);
	klog_sniff(frame, text, len);
	status = feed(frame, text, len);
	free(head);
	return status;
}

static int feed_narrow(struct klog_frame *frame, const char *bytes, size_t len)
{
	char narrow[4096];
	int status = 0;

	while (!status && len) {
		size_t n = len < sizeof(narrow) ? len : sizeof(narrow);

		status = feed(frame, narrow, without_nuls(narrow, bytes, n));
		bytes += n;
		len -= n;
	}
	return status;
}

int klog_frame_feed(struct klog_frame *frame, const char *bytes, size_t len)
{
	size_t room;
	int status;

	if (!frame->head)
		return frame->wide ? feed_narrow(frame, bytes, len) : feed(frame, bytes, len);
	room = KLOG_HEAD - frame->head_len;
	if (room > len)
		room = len;
	memcpy(frame->head + frame->head_len, bytes, room);
	frame->head_len += room;
	if (frame->head_len < KLOG_HEAD)
		return 0;
	status = look_at_head(frame);
	return status ? status : klog_frame_feed(frame, bytes + room, len - room);
}

int klog_frame_end(struct klog_frame *frame)
{
	int status = look_at_head(frame);

	if (status)
		return status;
	if (frame->physical_len) {
		frame->physical[frame->physical_len] = '\0';
		status = physical_line(frame);
	}
	return status ? status : flush(frame);
}
