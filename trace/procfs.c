/* SPDX-License-Identifier: MIT */
/* /proc/zoneinfo, buddyinfo, pagetypeinfo and vmstat: text to structs (spec 13). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

#define MAX_WORDS 64
#define MAX_LINE 2048
#define MOST_PAGES (UINT64_C(1) << 40)
#define MAX_ZONES 8192       /* 1024 nodes of 8 zone types, more than any kernel */
#define MAX_LIST (64u << 20) /* bytes of one list; a real one has a few MB */

/* The text, line by line; each line cut into words. */
struct lines {
	const char *what; /* for messages: "zoneinfo" */
	const char *at, *end;
	unsigned int number;
	char line[MAX_LINE];
	char *word[MAX_WORDS];
	unsigned int nr_words;
	char *error;
	size_t error_size;
};

static int bad(const struct lines *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int bad(const struct lines *l, const char *format, ...)
{
	char reason[160];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	snprintf(l->error, l->error_size, "%s line %u: %s", l->what, l->number, reason);
	return -1;
}

static struct lines lines_of(const char *what, const char *text, size_t len, char *error,
			     size_t size)
{
	struct lines l = { .what = what,
			   .at = text,
			   .end = text + len,
			   .error = error,
			   .error_size = size };

	return l;
}

/* ',' and ';' go with blanks, so "zone  DMA, type" is three words. */
static void cut_words(struct lines *l)
{
	char *save = NULL;

	l->nr_words = 0;
	for (char *word = strtok_r(l->line, " \t\r,", &save); word && l->nr_words < MAX_WORDS;
	     word = strtok_r(NULL, " \t\r,", &save))
		l->word[l->nr_words++] = word;
}

/* 1: a line with words; 0: the end; -1: a line that is no text. */
static int next_line(struct lines *l)
{
	while (l->at < l->end) {
		const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
		size_t len = (size_t)((newline ? newline : l->end) - l->at);

		l->number++;
		if (len >= MAX_LINE || memchr(l->at, '\0', len))
			return bad(l, "not a line of /proc/%s", l->what);
		memcpy(l->line, l->at, len);
		l->line[len] = '\0';
		l->at += len + (newline != NULL);
		cut_words(l);
		if (l->nr_words)
			return 1;
	}
	return 0;
}

static bool is_word(const struct lines *l, unsigned int i, const char *text)
{
	return i < l->nr_words && strcmp(l->word[i], text) == 0;
}

static bool number(const char *word, uint64_t *value)
{
	uint64_t v = 0;

	if (!*word)
		return false;
	for (; *word; word++) {
		unsigned int digit = (unsigned int)(*word - '0');

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

/*
 * A number of pages, or a pfn. Processors have at most 52 bits of physical
 * address; what is beyond would overflow where it is added up or becomes bytes.
 */
static bool page_number(const char *word, uint64_t *value)
{
	return number(word, value) && *value <= MOST_PAGES;
}

/* Word 1 (after "name") or another as a number of pages. */
static int take_pages(const struct lines *l, unsigned int word, const char *name, uint64_t *value)
{
	if (l->nr_words <= word || !number(l->word[word], value))
		return bad(l, "'%s' without a number", name);
	if (*value > MOST_PAGES)
		return bad(l, "'%s' of %.20s pages; no machine has more than 2^40", name,
			   l->word[word]);
	return 0;
}

static bool small_number(const char *word, uint64_t limit, int *value)
{
	uint64_t v;

	if (!number(word, &v) || v > limit)
		return false;
	*value = (int)v;
	return true;
}

/*
 * One more element of `size` bytes, zeroed, behind the array that the pointer at
 * `list` points to; NULL: out of memory. The pointer is copied, as its type is
 * not void *.
 */
static void *grow(void *list, size_t *nr, size_t size)
{
	size_t n = *nr;
	char *array;

	memcpy(&array, list, sizeof(array));
	if (n >= MAX_LIST / size)
		return NULL;
	if ((n & (n - 1)) == 0) {
		array = realloc(array, (n ? 2 * n : 1) * size);
		if (!array)
			return NULL;
		memcpy(list, &array, sizeof(array));
	}
	(*nr)++;
	return memset(array + n * size, 0, size);
}

static int add_counter(struct lines *l, struct pb_proc_counters *counters, const char *name,
		       uint64_t value)
{
	struct pb_proc_counter *counter = grow(&counters->list, &counters->nr, sizeof(*counter));

	if (!counter)
		return bad(l, "out of memory");
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	counter->value = value;
	return 0;
}

/* "Node 0, zone DMA32": words 0 to 3. */
static int take_zone(struct lines *l, int *node, char *name, size_t size)
{
	if (!is_word(l, 0, "Node") || !is_word(l, 2, "zone") || l->nr_words < 4)
		return bad(l, "expected 'Node N, zone NAME'");
	if (!small_number(l->word[1], 65535, node))
		return bad(l, "node '%.20s', expected a number", l->word[1]);
	if (strlen(l->word[3]) >= size)
		return bad(l, "zone name '%.20s' is too long", l->word[3]);
	strcpy(name, l->word[3]);
	return 0;
}

/* --------------------------------------------------------------------- zoneinfo */

struct zoneinfo_state {
	struct lines l;
	struct pb_zoneinfo *info;
	struct pb_proc_zone *zone;   /* NULL before the first */
	struct pb_proc_pageset *cpu; /* NULL before the zone's first */
	bool in_node;                /* per-node stats */
	unsigned int seen;           /* of the zone's sizes, bit by index below */
};

static const struct {
	const char *name;
	size_t offset;
	size_t flag; /* offset of a has_..., or 0 */
	bool required;
} sizes[] = {
#define SIZE(name, required)                                            \
	{                                                               \
#name, offsetof(struct pb_proc_zone, name), 0, required \
	}
#define LATER(name)                                                      \
	{                                                                \
#name, offsetof(struct pb_proc_zone, name),              \
			offsetof(struct pb_proc_zone, has_##name), false \
	}
	SIZE(min, true),     SIZE(low, true),     SIZE(high, true),
	SIZE(spanned, true), SIZE(present, true), SIZE(managed, true),
	LATER(boost),        LATER(promo),        LATER(cma),
#undef SIZE
#undef LATER
};

static int end_zone(struct zoneinfo_state *s)
{
	if (!s->zone)
		return 0;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].required && !(s->seen & 1u << i))
			return bad(&s->l, "zone %s of node %d ends without '%s'", s->zone->name,
				   s->zone->node, sizes[i].name);
	if (s->zone->populated && !(s->seen & 1u << 31))
		return bad(&s->l, "zone %s of node %d ends without 'start_pfn'", s->zone->name,
			   s->zone->node);
	return 0;
}

static int begin_zone(struct zoneinfo_state *s)
{
	if (end_zone(s))
		return -1;
	if (s->info->nr_zones == MAX_ZONES)
		return bad(&s->l, "more than %d zones", MAX_ZONES);
	s->zone = grow(&s->info->zones, &s->info->nr_zones, sizeof(*s->zone));
	if (!s->zone)
		return bad(&s->l, "out of memory");
	s->in_node = false;
	s->cpu = NULL;
	s->seen = 0;
	return take_zone(&s->l, &s->zone->node, s->zone->name, sizeof(s->zone->name));
}

static int begin_node_stats(struct zoneinfo_state *s)
{
	struct pb_proc_node *node = grow(&s->info->nodes, &s->info->nr_nodes, sizeof(*node));

	if (!node)
		return bad(&s->l, "out of memory");
	node->node = s->zone->node;
	s->in_node = true;
	return 0;
}

/* "pages free     3798" */
static int begin_pages(struct zoneinfo_state *s)
{
	s->in_node = false;
	return take_pages(&s->l, 2, "pages free", &s->zone->free);
}

/* "protection: (0, 317, 317)"; a negative one (an overflow in old kernels) is 0 */
static int take_protection(struct zoneinfo_state *s)
{
	for (unsigned int i = 1; i < s->l.nr_words; i++) {
		char *word = s->l.word[i];
		size_t len;

		if (*word == '(')
			word++;
		len = strlen(word);
		if (len && word[len - 1] == ')')
			word[len - 1] = '\0';
		if (s->zone->nr_protection == PB_PROC_ZONES)
			return bad(&s->l, "more than %d zones in 'protection'", PB_PROC_ZONES);
		if (*word == '-')
			word = (char *)"0";
		if (!page_number(word, &s->zone->protection[s->zone->nr_protection++]))
			return bad(&s->l, "'protection' with '%.20s', expected numbers", word);
	}
	s->zone->populated = s->zone->present > 0;
	return 0;
}

static int begin_cpu(struct zoneinfo_state *s)
{
	size_t nr = s->zone->nr_pagesets;

	s->cpu = grow(&s->zone->pagesets, &nr, sizeof(*s->cpu));
	if (!s->cpu)
		return bad(&s->l, "out of memory");
	s->zone->nr_pagesets = (unsigned int)nr;
	if (s->l.nr_words < 2 || !small_number(s->l.word[1], 65535, &s->cpu->cpu))
		return bad(&s->l, "'cpu:' without a number");
	return 0;
}

/* "count: 43", "high:  55" ... below a cpu. 1: taken. */
static int take_pageset(struct zoneinfo_state *s)
{
	const char *name = s->l.word[0];
	int *to;

	if (strcmp(name, "count:") == 0)
		to = &s->cpu->count;
	else if (strcmp(name, "high:") == 0)
		to = &s->cpu->high;
	else if (strcmp(name, "batch:") == 0)
		to = &s->cpu->batch;
	else if (strcmp(name, "high_min:") == 0)
		to = &s->cpu->high_min;
	else if (strcmp(name, "high_max:") == 0)
		to = &s->cpu->high_max;
	else
		return 0;
	if (s->l.nr_words < 2 || !small_number(s->l.word[1], INT32_MAX, to))
		return bad(&s->l, "'%s' without a number", name);
	return 1;
}

/* One of the zone's sizes. 1: taken. */
static int take_size(struct zoneinfo_state *s)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (!is_word(&s->l, 0, sizes[i].name))
			continue;
		if (take_pages(&s->l, 1, sizes[i].name,
			       (uint64_t *)((char *)s->zone + sizes[i].offset)))
			return -1;
		if (sizes[i].flag)
			*(bool *)((char *)s->zone + sizes[i].flag) = true;
		s->seen |= 1u << i;
		return 1;
	}
	return 0;
}

/* The lines behind the pagesets. 1: taken. */
static int take_tail(struct zoneinfo_state *s)
{
	uint64_t value;

	if (is_word(&s->l, 0, "vm") && is_word(&s->l, 1, "stats") && s->cpu && s->l.nr_words > 3)
		return small_number(s->l.word[3], INT32_MAX, &s->cpu->vm_stats_threshold)
			       ? 1
			       : bad(&s->l, "'vm stats threshold' without a number");
	if (is_word(&s->l, 0, "node_unreclaimable:")) {
		if (s->l.nr_words < 2 || !number(s->l.word[1], &value))
			return bad(&s->l, "'node_unreclaimable' without a number");
		s->zone->node_unreclaimable = value != 0;
		return 1;
	}
	if (is_word(&s->l, 0, "start_pfn:")) {
		if (take_pages(&s->l, 1, "start_pfn", &s->zone->start_pfn))
			return -1;
		s->seen |= 1u << 31;
		return 1;
	}
	return 0;
}

/* A counter of the node or the zone, or a line of a later kernel. */
static int take_counter(struct zoneinfo_state *s)
{
	struct pb_proc_counters *to = &s->zone->counters;
	uint64_t value;

	if (s->in_node)
		to = &s->info->nodes[s->info->nr_nodes - 1].counters;
	if (s->l.nr_words == 2 && number(s->l.word[1], &value) && !strchr(s->l.word[0], ':'))
		return add_counter(&s->l, to, s->l.word[0], value);
	if (s->l.nr_words == 1 && !strchr(s->l.word[0], ':') &&
	    strncmp(s->l.word[0], "nr_", 3) == 0)
		return bad(&s->l, "'%.40s' without a number", s->l.word[0]);
	return 0;
}

static int zoneinfo_line(struct zoneinfo_state *s)
{
	int taken;

	if (is_word(&s->l, 0, "Node"))
		return begin_zone(s);
	if (!s->zone)
		return bad(&s->l, "'%.40s' before any 'Node N, zone NAME'", s->l.word[0]);
	if (is_word(&s->l, 0, "per-node"))
		return begin_node_stats(s);
	if (is_word(&s->l, 0, "pages") && is_word(&s->l, 1, "free"))
		return begin_pages(s);
	if (is_word(&s->l, 0, "protection:"))
		return take_protection(s);
	if (is_word(&s->l, 0, "pagesets"))
		return 0;
	if (is_word(&s->l, 0, "cpu:"))
		return begin_cpu(s);
	if (s->in_node)
		return take_counter(s);
	taken = s->cpu ? take_pageset(s) : 0;
	if (taken == 0)
		taken = take_tail(s);
	if (taken == 0 && !s->zone->nr_protection)
		taken = take_size(s);
	if (taken)
		return taken < 0 ? -1 : 0;
	return take_counter(s);
}

int pb_zoneinfo_parse(const char *text, size_t len, struct pb_zoneinfo *info, char *error,
		      size_t size)
{
	struct zoneinfo_state s = { .info = info };
	int status;

	memset(info, 0, sizeof(*info));
	s.l = lines_of("zoneinfo", text, len, error, size);
	while ((status = next_line(&s.l)) > 0)
		if (zoneinfo_line(&s)) {
			status = -1;
			break;
		}
	if (status == 0)
		status = s.zone ? end_zone(&s) : bad(&s.l, "no zone in it");
	if (status)
		pb_zoneinfo_free(info);
	return status;
}

void pb_zoneinfo_free(struct pb_zoneinfo *info)
{
	for (size_t i = 0; i < info->nr_zones; i++) {
		free(info->zones[i].counters.list);
		free(info->zones[i].pagesets);
	}
	for (size_t i = 0; i < info->nr_nodes; i++)
		free(info->nodes[i].counters.list);
	free(info->zones);
	free(info->nodes);
	memset(info, 0, sizeof(*info));
}

/* Rows that came or changed with a release tell which it was. */
enum pb_gfp_table pb_zoneinfo_gfp_table(const struct pb_zoneinfo *info)
{
	for (size_t i = 0; i < info->nr_zones; i++) {
		const struct pb_proc_zone *zone = &info->zones[i];

		if (!zone->has_boost)
			return PB_GFP_5_4;
		if (zone->has_promo || (zone->nr_pagesets && zone->pagesets[0].high_max))
			return PB_GFP_6_18;
	}
	return info->nr_zones ? PB_GFP_6_1 : PB_GFP_AUTO;
}

/* -------------------------------------------------------------------- buddyinfo */

/* Words from `first` on as numbers of blocks; all rows must have as many. */
static int take_blocks(struct lines *l, unsigned int first, uint64_t *nr_free, uint32_t *capped,
		       unsigned int *nr_orders)
{
	unsigned int n = l->nr_words - first;

	if (n == 0 || n > PB_PROC_ORDERS)
		return bad(l, "%u orders, expected 1 to %d", n, PB_PROC_ORDERS);
	if (*nr_orders && *nr_orders != n)
		return bad(l, "%u orders, expected %u like the lines before", n, *nr_orders);
	*nr_orders = n;
	for (unsigned int i = 0; i < n; i++) {
		const char *word = l->word[first + i];

		if (capped && *word == '>') {
			*capped |= 1u << i;
			word++;
		}
		if (!number(word, &nr_free[i]) || nr_free[i] > MOST_PAGES >> i)
			return bad(l, "'%.20s' where a number of blocks was expected", word);
	}
	return 0;
}

int pb_buddyinfo_parse(const char *text, size_t len, struct pb_buddyinfo *info, char *error,
		       size_t size)
{
	struct lines l = lines_of("buddyinfo", text, len, error, size);
	int status;

	memset(info, 0, sizeof(*info));
	while ((status = next_line(&l)) > 0) {
		struct pb_buddyinfo_zone *zone = NULL;

		if (info->nr_zones < MAX_ZONES)
			zone = grow(&info->zones, &info->nr_zones, sizeof(*zone));
		if (info->nr_zones == MAX_ZONES)
			status = bad(&l, "more than %d zones", MAX_ZONES - 1);
		else if (!zone)
			status = bad(&l, "out of memory");
		else if (take_zone(&l, &zone->node, zone->name, sizeof(zone->name)) ||
			 take_blocks(&l, 4, zone->nr_free, NULL, &info->nr_orders))
			status = -1;
		if (status < 0)
			break;
	}
	if (status == 0 && info->nr_zones == 0)
		status = bad(&l, "no zone in it");
	if (status)
		pb_buddyinfo_free(info);
	return status;
}

void pb_buddyinfo_free(struct pb_buddyinfo *info)
{
	free(info->zones);
	memset(info, 0, sizeof(*info));
}

/* ----------------------------------------------------------------- pagetypeinfo */

enum section { HEADER, FREE_PAGES, BLOCKS, MIXED };

struct pagetype_state {
	struct lines l;
	struct pb_pagetypeinfo *info;
	enum section section;
	size_t nr_mixed;
};

/* "Number of blocks type  Unmovable  Movable ..." */
static int begin_blocks(struct pagetype_state *s, enum section section, unsigned int first)
{
	struct pb_pagetypeinfo *info = s->info;
	unsigned int n = s->l.nr_words - first;

	s->section = section;
	if (n == 0 || n > PB_PROC_TYPES)
		return bad(&s->l, "%u migratetypes, expected 1 to %d", n, PB_PROC_TYPES);
	if (info->nr_types && info->nr_types != n)
		return bad(&s->l, "%u migratetypes, expected %u as before", n, info->nr_types);
	info->nr_types = n;
	for (unsigned int i = 0; i < n; i++)
		snprintf(info->types[i], sizeof(info->types[i]), "%s", s->l.word[first + i]);
	info->has_mixed |= section == MIXED;
	return 0;
}

/* "Node    0, zone      DMA, type    Unmovable      0      0 ..." */
static int take_row(struct pagetype_state *s)
{
	struct pb_pagetypeinfo *info = s->info;
	struct pb_pagetypeinfo_row *row = grow(&info->rows, &info->nr_rows, sizeof(*row));

	if (!row)
		return bad(&s->l, "out of memory");
	if (take_zone(&s->l, &row->node, row->zone, sizeof(row->zone)))
		return -1;
	if (!is_word(&s->l, 4, "type") || s->l.nr_words < 7)
		return bad(&s->l, "expected 'type NAME' and numbers");
	snprintf(row->type, sizeof(row->type), "%s", s->l.word[5]);
	return take_blocks(&s->l, 6, row->nr_free, &row->capped, &info->nr_orders);
}

static struct pb_pagetypeinfo_blocks *find_blocks(struct pb_pagetypeinfo *info, int node,
						  const char *zone)
{
	for (size_t i = 0; i < info->nr_blocks; i++)
		if (info->blocks[i].node == node && strcmp(info->blocks[i].zone, zone) == 0)
			return &info->blocks[i];
	return NULL;
}

/* "Node 0, zone      DMA            1            7 ..." */
static int take_block_counts(struct pagetype_state *s)
{
	struct pb_pagetypeinfo *info = s->info;
	struct pb_pagetypeinfo_blocks *blocks = NULL;
	uint64_t *to;
	char zone[16];
	int node;

	if (take_zone(&s->l, &node, zone, sizeof(zone)))
		return -1;
	if (s->l.nr_words - 4 != info->nr_types)
		return bad(&s->l, "%u numbers, expected one for each of %u migratetypes",
			   s->l.nr_words - 4, info->nr_types);
	if (s->section == MIXED)
		blocks = find_blocks(info, node, zone);
	if (!blocks) {
		if (info->nr_blocks == MAX_ZONES)
			return bad(&s->l, "more than %d zones", MAX_ZONES);
		blocks = grow(&info->blocks, &info->nr_blocks, sizeof(*blocks));
		if (!blocks)
			return bad(&s->l, "out of memory");
		blocks->node = node;
		memcpy(blocks->zone, zone, sizeof(zone));
	}
	to = s->section == MIXED ? blocks->mixed : blocks->count;
	for (unsigned int i = 0; i < info->nr_types; i++)
		if (!page_number(s->l.word[4 + i], &to[i]))
			return bad(&s->l, "'%.20s', expected a number", s->l.word[4 + i]);
	return 0;
}

static int pagetype_line(struct pagetype_state *s)
{
	struct pb_pagetypeinfo *info = s->info;
	int order;

	if (is_word(&s->l, 0, "Page") && is_word(&s->l, 1, "block")) {
		if (s->l.nr_words < 4 || !small_number(s->l.word[3], PB_PROC_ORDERS - 1, &order))
			return bad(&s->l, "'Page block order' without a number");
		info->pageblock_order = (unsigned int)order;
		s->section = HEADER;
		return 0;
	}
	if (is_word(&s->l, 0, "Pages") && is_word(&s->l, 1, "per")) {
		if (s->l.nr_words < 4 || !number(s->l.word[3], &info->pages_per_block))
			return bad(&s->l, "'Pages per block' without a number");
		return 0;
	}
	if (is_word(&s->l, 0, "Free") && is_word(&s->l, 1, "pages")) {
		s->section = FREE_PAGES;
		return 0;
	}
	if (is_word(&s->l, 0, "Number") && is_word(&s->l, 2, "blocks"))
		return begin_blocks(s, BLOCKS, 4);
	if (is_word(&s->l, 0, "Number") && is_word(&s->l, 2, "mixed"))
		return begin_blocks(s, MIXED, 4);
	if (s->section == FREE_PAGES)
		return take_row(s);
	if (s->section >= BLOCKS)
		return take_block_counts(s);
	return bad(&s->l, "'%.40s', expected 'Page block order'", s->l.word[0]);
}

/* A text that is cut before its pageblocks names the types in its rows. */
static void types_of_rows(struct pb_pagetypeinfo *info)
{
	for (size_t i = 0; i < info->nr_rows; i++) {
		unsigned int t = 0;

		while (t < info->nr_types && strcmp(info->types[t], info->rows[i].type))
			t++;
		if (t == info->nr_types && t < PB_PROC_TYPES)
			memcpy(info->types[info->nr_types++], info->rows[i].type,
			       sizeof(info->types[0]));
	}
}

int pb_pagetypeinfo_parse_part(const char *text, size_t len, struct pb_pagetypeinfo *info,
			       char *error, size_t size)
{
	struct pagetype_state s = { .info = info };
	int status;

	memset(info, 0, sizeof(*info));
	s.l = lines_of("pagetypeinfo", text, len, error, size);
	while ((status = next_line(&s.l)) > 0)
		if (pagetype_line(&s)) {
			status = -1;
			break;
		}
	if (status == 0 && info->nr_rows == 0)
		status = bad(&s.l, "no free pages by type in it");
	if (status)
		pb_pagetypeinfo_free(info);
	else if (!info->nr_types)
		types_of_rows(info);
	return status;
}

int pb_pagetypeinfo_parse(const char *text, size_t len, struct pb_pagetypeinfo *info, char *error,
			  size_t size)
{
	int status = pb_pagetypeinfo_parse_part(text, len, info, error, size);
	struct lines l;

	if (status == 0 && info->nr_blocks == 0) {
		pb_pagetypeinfo_free(info);
		l = lines_of("pagetypeinfo", text, len, error, size);
		while (next_line(&l) > 0)
			;
		status = bad(&l, "ends before 'Number of blocks type'");
	}
	return status;
}

void pb_pagetypeinfo_free(struct pb_pagetypeinfo *info)
{
	free(info->rows);
	free(info->blocks);
	memset(info, 0, sizeof(*info));
}

/* ----------------------------------------------------------------------- vmstat */

int pb_vmstat_parse(const char *text, size_t len, struct pb_proc_counters *counters, char *error,
		    size_t size)
{
	struct lines l = lines_of("vmstat", text, len, error, size);
	uint64_t value;
	int status;

	memset(counters, 0, sizeof(*counters));
	while ((status = next_line(&l)) > 0) {
		if (l.nr_words != 2 || !number(l.word[1], &value))
			status = bad(&l, "expected a name and a number");
		else
			status = add_counter(&l, counters, l.word[0], value);
		if (status < 0)
			break;
	}
	if (status == 0 && counters->nr == 0)
		status = bad(&l, "no counter in it");
	if (status)
		pb_counters_free(counters);
	return status;
}

void pb_counters_free(struct pb_proc_counters *counters)
{
	free(counters->list);
	memset(counters, 0, sizeof(*counters));
}

uint64_t pb_counter(const struct pb_proc_counters *counters, const char *name, uint64_t fallback)
{
	for (size_t i = 0; i < counters->nr; i++)
		if (strcmp(counters->list[i].name, name) == 0)
			return counters->list[i].value;
	return fallback;
}

/* ----------------------------------------------------------------------- frames */

/* One run behind the others. Runs that touch become one. */
static int add_run(struct lines *l, struct pb_frame_run **runs, size_t *nr, uint64_t pfn,
		   uint64_t end_pfn)
{
	struct pb_frame_run *last = *nr ? &(*runs)[*nr - 1] : NULL, *run;

	if (end_pfn <= pfn || (last && pfn < last->end_pfn))
		return bad(l, "run %llu to %llu, expected ascending runs [first, end)",
			   (unsigned long long)pfn, (unsigned long long)end_pfn);
	if (last && last->end_pfn == pfn) {
		last->end_pfn = end_pfn;
		return 0;
	}
	run = grow(runs, nr, sizeof(*run));
	if (!run)
		return bad(l, "out of memory");
	run->pfn = pfn;
	run->end_pfn = end_pfn;
	return 0;
}

static int frames_line(struct lines *l, struct pb_frames *frames)
{
	uint64_t pfn, end_pfn;

	if (l->word[0][0] == '#')
		return 0;
	if (frames->end_pfn)
		return bad(l, "'%.20s' behind 'end'", l->word[0]);
	if (is_word(l, 0, "end") && l->nr_words == 2 && number(l->word[1], &frames->end_pfn))
		return 0;
	if (l->nr_words != 3 || !page_number(l->word[1], &pfn) ||
	    !page_number(l->word[2], &end_pfn))
		return bad(l, "expected 'free|managed FIRST END' or 'end N'");
	if (is_word(l, 0, "managed"))
		return add_run(l, &frames->managed, &frames->nr_managed, pfn, end_pfn);
	if (!is_word(l, 0, "free"))
		return bad(l, "'%.20s', expected free, managed or end", l->word[0]);
	if (add_run(l, &frames->runs, &frames->nr_runs, pfn, end_pfn))
		return -1;
	frames->nr_free += end_pfn - pfn;
	return 0;
}

int pb_frames_parse(const char *text, size_t len, struct pb_frames *frames, char *error,
		    size_t size)
{
	struct lines l = lines_of("free", text, len, error, size);
	int status;

	memset(frames, 0, sizeof(*frames));
	while ((status = next_line(&l)) > 0)
		if (frames_line(&l, frames)) {
			status = -1;
			break;
		}
	if (status == 0 && frames->end_pfn == 0)
		status = bad(&l, "ends without 'end'");
	if (status)
		pb_frames_free(frames);
	return status;
}

void pb_frames_free(struct pb_frames *frames)
{
	free(frames->runs);
	free(frames->managed);
	memset(frames, 0, sizeof(*frames));
}
