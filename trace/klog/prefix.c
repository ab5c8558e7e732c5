/* SPDX-License-Identifier: MIT */
/*
 * What stands in front of a kernel's line, by the parts it is made of:
 *
 *	<4>  Mar  6 12:13:46 lab17 kernel:  [127230.672962] [    C1]  [1: comm:288]  text
 *	level     log daemon                seconds         caller    Android
 *
 * Each part is a function that returns how many bytes it is long, 0 if it is not
 * there. None is required, but level and caller alone do not make a prefix.
 */
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "internal.h"

#define DAEMON_MAX 160 /* bytes in front of "kernel:" */

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(const char *at)
{
	size_t n = 0;

	while (digit(at[n]))
		n++;
	return n;
}

static size_t blanks(const char *at)
{
	return strspn(at, " ");
}

/* "<4>" */
static size_t level(const char *at)
{
	size_t n;

	if (*at != '<')
		return 0;
	n = digits(at + 1);
	return n && n <= 3 && at[1 + n] == '>' ? n + 2 : 0;
}

/* "kern  :warn  : " */
static size_t facility(const char *at)
{
	size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789"), m;

	if (!n || n > 10)
		return 0;
	n += blanks(at + n);
	if (at[n] != ':')
		return 0;
	m = strspn(at + n + 1, "abcdefghijklmnopqrstuvwxyz");
	if (!m || m > 8)
		return 0;
	n += 1 + m;
	n += blanks(at + n);
	return at[n] == ':' && at[n + 1] == ' ' && at[n + 2] == '[' ? n + 2 : 0;
}

/* "[12345.678901]"; of the first line of a paste the bracket may be missing */
static size_t seconds(const char *at)
{
	size_t n = *at == '[', d;

	n += blanks(at + n);
	d = digits(at + n);
	if (!d || at[n + d] != '.')
		return 0;
	n += d + 1;
	d = digits(at + n);
	return (d == 6 || (d && *at == '[')) && at[n + d] == ']' ? n + d + 1 : 0;
}

static bool is_time(const char *at)
{
	return digit(at[0]) && digit(at[1]) && at[2] == ':' && digit(at[3]) && digit(at[4]) &&
	       at[5] == ':' && digit(at[6]) && digit(at[7]);
}

/* "[Mar15 19:55]", "[  +0.000012]", of dmesg --human */
static size_t human(const char *at)
{
	size_t n = 1, d;

	if (*at != '[')
		return 0;
	if (at[1] >= 'A' && at[1] <= 'Z' && digit(at[4]) && digit(at[5]) && at[6] == ' ' &&
	    digit(at[7]) && digit(at[8]) && at[9] == ':' && at[12] == ']')
		return 13;
	n += blanks(at + n);
	if (at[n++] != '+')
		return 0;
	d = digits(at + n);
	if (!d || at[n + d] != '.')
		return 0;
	n += d + 1;
	d = digits(at + n);
	return d == 6 && at[n + d] == ']' ? n + d + 1 : 0;
}

/* "[Fri Mar 15 19:55:54 2024]", in any language */
static size_t date(const char *at)
{
	bool time = false;

	if (*at != '[')
		return 0;
	if (human(at))
		return human(at);
	for (size_t n = 1; n < 64 && at[n]; n++) {
		if (at[n] == ']')
			return time && digit(at[n - 1]) ? n + 1 : 0;
		if (at[n] == '[')
			return 0;
		if (digit(at[n]) && is_time(at + n))
			time = true;
	}
	return 0;
}

/* "Mar  6 12:13:46 lab17 kernel: ", and whatever else has a time in front of "kernel:" */
static size_t daemon_part(const char *at)
{
	bool time = seconds(at) > 0 || !strncmp(at, "kernel:", 7);

	for (size_t n = 0; n < DAEMON_MAX && at[n]; n++) {
		if (digit(at[n]) && is_time(at + n))
			time = true;
		if (at[n] != 'k' || (n && at[n - 1] != ' ') || strncmp(at + n, "kernel", 6))
			continue;
		n += 6;
		if (at[n] == '[') {
			size_t d = digits(at + n + 1);

			n += d && at[n + 1 + d] == ']' ? d + 2 : 0;
		}
		if (at[n] == ':' && time)
			return at[n + 1] == ' ' ? n + 2 : n + 1;
	}
	return 0;
}

/* "[  T464]", "[    C1]" */
static size_t caller(const char *at, struct klog_prefix *prefix)
{
	size_t n = blanks(at), d, start;

	if (at[n] != '[' || n > 1)
		return 0;
	n++;
	n += blanks(at + n);
	start = n;
	if (at[n] != 'T' && at[n] != 'C')
		return 0;
	d = digits(at + n + 1);
	if (!d || d > 9 || at[n + 1 + d] != ']')
		return 0;
	memcpy(prefix->column, at + start, d + 1);
	prefix->column[d + 1] = '\0';
	if (at[start] == 'T')
		prefix->pid = atoi(at + start + 1);
	return n + d + 2;
}

/* " [1:  RenderPool:12:30619]" */
static size_t android(const char *at, struct klog_prefix *prefix)
{
	size_t n = blanks(at), d, pid, cpu;
	const char *end;

	if (at[n] != '[')
		return 0;
	cpu = n + 1;
	d = digits(at + cpu);
	if (!d || d > 4 || at[cpu + d] != ':')
		return 0;
	end = strchr(at + cpu + d, ']');
	if (!end || end - at > 64)
		return 0;
	pid = (size_t)(end - at);
	while (digit(at[pid - 1]))
		pid--;
	if (at + pid == end || end - (at + pid) > 9)
		return 0;
	prefix->pid = atoi(at + pid);
	for (n = pid; at[n - 1] == ' ';)
		n--;
	if (at[n - 1] != ':' || n - 1 == cpu + d)
		return 0;
	/* a task keeps its column when it moves; the idle tasks share a number */
	prefix->column[0] = 'A';
	memcpy(prefix->column + 1, at + pid, (size_t)(end - at) - pid);
	prefix->column[1 + (size_t)(end - at) - pid] = '\0';
	if (!prefix->pid) {
		memcpy(prefix->column + 1, at + cpu, d);
		memcpy(prefix->column + 1 + d, "i", 2);
	}
	return (size_t)(end - at) + 1;
}

static void copy_stamp(struct klog_prefix *prefix, const char *text, size_t len)
{
	klog_copy(prefix->stamp, sizeof(prefix->stamp), text, len);
}

size_t klog_next_stamp(const char *text)
{
	for (size_t n = 1; text[n]; n++)
		if (text[n] == '[' && text[n - 1] == ' ' && seconds(text + n) > 8 &&
		    text[n + seconds(text + n)] == ' ')
			return n;
	return 0;
}

bool klog_prefix_parse(const char *text, size_t len, struct klog_prefix *prefix)
{
	size_t at = level(text), n, start = at;
	bool found = false;

	*prefix = (struct klog_prefix){ .pid = -1 };
	if (len < 4)
		return false;
	at += facility(text + at);
	n = daemon_part(text + at);
	if (n) {
		found = true;
		at += n;
		at += level(text + at);
	}
	n = seconds(text + at);
	if (!n)
		n = date(text + at);
	at += n;
	found |= n > 0;
	if (!found)
		return false;
	copy_stamp(prefix, text + start, at - start);
	n = caller(text + at, prefix);
	if (!n)
		n = android(text + at, prefix);
	at += n;
	if (text[at] == ' ')
		at++;
	prefix->len = at;
	for (size_t i = 0; i < at; i++)
		prefix->width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return true;
}
