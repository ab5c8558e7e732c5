// SPDX-License-Identifier: MIT
/*
 * The language of `case --do`: text to actions. Freestanding.
 *
 *	"alloc 28K as a; free a"
 *	 ^^^^^ ^^^ ^^ ^          words of action 1, up to the semicolon
 */
#include "do.h"

#define PAGE_SHIFT 12

/* What is being read: one action at a time. */
struct reader {
	const char *text;
	uint32_t at, end; /* the rest of the action: text[at..end) */
	struct do_action *actions;
	size_t nr; /* actions before this one */
	bool others;
	struct do_error *error;
};

struct word {
	uint32_t at, length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static int problem(struct reader *in, enum do_problem what, struct word word)
{
	in->error->problem = what;
	in->error->at = word.at;
	in->error->length = word.length;
	return -1;
}

/* The next word, of length 0 at the action's end. */
static struct word next(struct reader *in)
{
	struct word word;

	while (in->at < in->end && is_blank(in->text[in->at]))
		in->at++;
	word.at = in->at;
	while (in->at < in->end && !is_blank(in->text[in->at]))
		in->at++;
	word.length = in->at - word.at;
	return word;
}

static bool same(const struct reader *in, struct word word, const char *name)
{
	uint32_t i = 0;

	for (; i < word.length; i++)
		if (lower(in->text[word.at + i]) != lower(name[i]))
			return false;
	return word.length && !name[i];
}

/* Digits from *at on; false: none, or above the limit. */
static bool digits(const char *text, uint32_t *at, uint32_t end, uint64_t limit, uint64_t *value)
{
	uint32_t start = *at;

	for (*value = 0; *at < end && is_digit(text[*at]); ++*at) {
		unsigned int digit = (unsigned int)(text[*at] - '0');

		if (digit > limit || *value > (limit - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return *at > start;
}

static bool number(const struct reader *in, struct word word, uint64_t limit, uint64_t *value)
{
	uint32_t at = word.at;

	return digits(in->text, &at, word.at + word.length, limit, value) &&
	       at == word.at + word.length;
}

/* K, M, G, T with an optional B or iB: the shift; -1: something else. */
static int unit_shift(const char *text, uint32_t at, uint32_t end)
{
	static const char units[] = "kmgt";
	int shift = 0;

	if (at == end)
		return 0;
	if (lower(text[at]) == 'b')
		return at + 1 == end ? 0 : -1;
	for (int i = 0; i < 4; i++)
		if (lower(text[at]) == units[i])
			shift = 10 * (i + 1);
	at++;
	if (at < end && lower(text[at]) == 'i')
		at++;
	if (at < end && lower(text[at]) == 'b')
		at++;
	return shift && at == end ? shift : -1;
}

/* 28K, 4096, 1.5M: a whole number of bytes from 1 to 1 TB. */
static bool size(const struct reader *in, struct word word, uint64_t *bytes)
{
	uint32_t at = word.at, end = word.at + word.length;
	uint64_t whole, part = 0, tenth = 1;
	int shift;

	if (!digits(in->text, &at, end, (uint64_t)1 << 40, &whole))
		return false;
	if (at < end && in->text[at] == '.') {
		uint32_t start = ++at;

		if (!digits(in->text, &at, end, 999999, &part) || at - start > 6)
			return false;
		for (; start < at; start++)
			tenth *= 10;
	}
	shift = unit_shift(in->text, at, end);
	if (shift < 0 || whole > ((uint64_t)1 << 40) >> shift || (part << shift) % tenth)
		return false;
	*bytes = (whole << shift) + (part << shift) / tenth;
	return *bytes && *bytes <= (uint64_t)1 << 40;
}

static int read_order(struct reader *in, unsigned int *order)
{
	struct word word = next(in);
	uint64_t value;

	if (!word.length)
		return problem(in, DO_MISSING, word);
	if (!number(in, word, DO_MAX_ORDER, &value))
		return problem(in, DO_BAD_ORDER, word);
	*order = (unsigned int)value;
	return 0;
}

static int read_count(struct reader *in, uint64_t least, uint64_t limit, uint64_t *value)
{
	struct word word = next(in);

	if (!word.length)
		return problem(in, DO_MISSING, word);
	if (!number(in, word, limit, value) || *value < least)
		return problem(in, DO_BAD_COUNT, word);
	return 0;
}

static bool copy_name(const struct reader *in, struct word word, char *name)
{
	if (!word.length || word.length >= DO_NAME || !is_letter(in->text[word.at]))
		return false;
	for (uint32_t i = 0; i < word.length; i++) {
		char c = in->text[word.at + i];

		if (!is_letter(c) && !is_digit(c) && c != '_')
			return false;
		name[i] = c;
	}
	name[word.length] = 0;
	return true;
}

/* `as NAME`; "all", "pfn" and "others" have a meaning of their own. */
static int read_name(struct reader *in, struct do_action *action)
{
	struct word word = next(in);

	if (!word.length)
		return problem(in, DO_MISSING, word);
	if (!copy_name(in, word, action->name) || same(in, word, "all") || same(in, word, "pfn") ||
	    same(in, word, "others"))
		return problem(in, DO_BAD_NAME, word);
	return 0;
}

/* -------------------------------------------------------------------- alloc */

static bool set_type(const struct reader *in, struct word word, struct do_action *action)
{
	for (int i = 0; i < PB_MIGRATE_PCPTYPES; i++) {
		if (same(in, word, pb_migratetype_name((enum pb_migratetype)i))) {
			action->type = (enum pb_migratetype)i;
			return true;
		}
	}
	return false;
}

/* "Movable" is a migratetype's name, too: the zone is Movable-zone. */
static bool set_zone(const struct reader *in, struct word word, struct do_action *action)
{
	for (int i = 0; i < PB_ZONE_DEVICE; i++) {
		if (same(in, word,
			 i == PB_ZONE_MOVABLE ? "Movable-zone"
					      : pb_zone_name((enum pb_zone_type)i))) {
			action->zone = i;
			return true;
		}
	}
	return false;
}

static int alloc_word(struct reader *in, struct word word, struct do_action *action)
{
	if (same(in, word, "as"))
		return read_name(in, action);
	if (same(in, word, "x"))
		return read_count(in, 1, DO_MAX_COUNT, &action->count);
	if (same(in, word, "atomic")) {
		action->atomic = true;
		return 0;
	}
	if (same(in, word, "nowait")) {
		action->nowait = true;
		return 0;
	}
	if (set_type(in, word, action) || set_zone(in, word, action))
		return 0;
	return problem(in, DO_BAD_WORD, word);
}

static int read_alloc(struct reader *in, struct do_action *action)
{
	struct word word = next(in);
	int status = 0;

	action->type = PB_MIGRATE_MOVABLE;
	action->zone = -1;
	action->count = 1;
	if (!word.length)
		return problem(in, DO_MISSING, word);
	if (same(in, word, "order")) {
		status = read_order(in, &action->order);
	} else {
		if (!size(in, word, &action->bytes))
			return problem(in, DO_BAD_SIZE, word);
		while (((uint64_t)1 << (action->order + PAGE_SHIFT)) < action->bytes)
			action->order++;
	}
	while (!status && (word = next(in)).length)
		status = alloc_word(in, word, action);
	return status;
}

/* --------------------------------------------------------------------- free */

/* The last action before that made blocks under this name or number. */
static bool find_target(const struct reader *in, struct word word, uint32_t *target)
{
	uint64_t k = 0;
	bool by_number = number(in, word, UINT32_MAX, &k);

	if (in->others && same(in, word, "others")) {
		*target = DO_NOBODY;
		return true;
	}
	for (size_t i = in->nr; i-- > 0;) {
		const struct do_action *old = &in->actions[i];

		if (old->kind != DO_ALLOC && old->kind != DO_FILL)
			continue;
		if (by_number ? k && old->number == k : same(in, word, old->name)) {
			*target = (uint32_t)i;
			return true;
		}
	}
	return false;
}

/* What follows the dot: K or A-B. */
static bool read_range(const struct reader *in, struct word word, struct do_action *action)
{
	uint32_t at = word.at, end = word.at + word.length;

	if (!digits(in->text, &at, end, DO_MAX_COUNT, &action->first) || !action->first)
		return false;
	action->last = action->first;
	if (at < end && in->text[at] == '-') {
		at++;
		if (!digits(in->text, &at, end, DO_MAX_COUNT, &action->last))
			return false;
	}
	action->which = DO_RANGE;
	return at == end && action->last >= action->first;
}

static int read_named(struct reader *in, struct word word, struct do_action *action)
{
	struct word name = word, range;

	for (name.length = 0; name.length < word.length; name.length++)
		if (in->text[name.at + name.length] == '.')
			break;
	range.at = name.at + name.length + 1;
	range.length = word.length - name.length - (name.length < word.length);
	if (!find_target(in, name, &action->target))
		return problem(in, DO_UNKNOWN_NAME, name);
	copy_name(in, name, action->name); /* a number is no name: that stays "" */
	action->which = DO_NAMED;
	if (name.length < word.length && !read_range(in, range, action))
		return problem(in, DO_BAD_COUNT, word);
	return 0;
}

static int read_free(struct reader *in, struct do_action *action)
{
	struct word word = next(in);

	if (!word.length)
		return problem(in, DO_MISSING, word);
	if (same(in, word, "all")) {
		action->which = DO_ALL;
	} else if (same(in, word, "pfn")) {
		action->which = DO_PFN;
		if (read_count(in, 0, UINT64_MAX / 2, &action->first))
			return -1;
	} else if (read_named(in, word, action)) {
		return -1;
	}
	word = next(in);
	if (word.length && action->which == DO_NAMED && same(in, word, "every")) {
		action->which = DO_EVERY;
		if (read_count(in, 1, DO_MAX_COUNT, &action->first))
			return -1;
		word = next(in);
	}
	return word.length ? problem(in, DO_BAD_WORD, word) : 0;
}

/* --------------------------------------------------------------------- fill */

static bool percent(const struct reader *in, struct word word, struct do_action *action)
{
	uint64_t value;

	if (word.length && in->text[word.at + word.length - 1] == '%')
		word.length--;
	if (!number(in, word, 100, &value))
		return false;
	action->percent = (unsigned int)value;
	return true;
}

static bool orders(const struct reader *in, struct word word, struct do_action *action)
{
	uint32_t at = word.at, end = word.at + word.length;
	uint64_t low, high;

	if (!digits(in->text, &at, end, PB_DEFAULT_MAX_ORDER, &low))
		return false;
	high = low;
	if (at < end && in->text[at] == '-') {
		at++;
		if (!digits(in->text, &at, end, PB_DEFAULT_MAX_ORDER, &high))
			return false;
	}
	action->low = (unsigned int)low;
	action->high = (unsigned int)high;
	return at == end && low <= high;
}

/* U:M:R, eighths of the requests: unmovable, movable, reclaimable; 8 together. */
static bool mix(const struct reader *in, struct word word, struct do_action *action)
{
	uint32_t at = word.at, end = word.at + word.length;
	unsigned int sum = 0;
	uint64_t part;

	for (int i = 0; i < PB_MIGRATE_PCPTYPES; i++) {
		if (i && (at == end || in->text[at++] != ':'))
			return false;
		if (!digits(in->text, &at, end, 8, &part))
			return false;
		action->mix[i] = (uint8_t)part;
		sum += (unsigned int)part;
	}
	return at == end && sum == 8;
}

static void fill_defaults(struct do_action *action)
{
	static const char name[] = "fill";

	action->kind = DO_FILL;
	action->low = 0;
	action->high = 3;
	action->seed = 1;
	action->mix[PB_MIGRATE_UNMOVABLE] = 1;
	action->mix[PB_MIGRATE_MOVABLE] = 6;
	action->mix[PB_MIGRATE_RECLAIMABLE] = 1;
	for (size_t i = 0; i < sizeof(name); i++)
		action->name[i] = name[i];
}

static int read_fill(struct reader *in, struct do_action *action)
{
	struct word word = next(in);
	uint64_t value;

	fill_defaults(action);
	if (!word.length)
		return problem(in, DO_MISSING, word);
	if (!percent(in, word, action))
		return problem(in, DO_BAD_PERCENT, word);
	while ((word = next(in)).length) {
		if (same(in, word, "as")) {
			if (read_name(in, action))
				return -1;
		} else if (same(in, word, "seed")) {
			if (read_count(in, 0, UINT32_MAX, &value))
				return -1;
			action->seed = (uint32_t)value;
		} else if (same(in, word, "orders")) {
			word = next(in);
			if (!orders(in, word, action))
				return problem(in, DO_BAD_ORDERS, word);
		} else if (same(in, word, "mix")) {
			word = next(in);
			if (!mix(in, word, action))
				return problem(in, DO_BAD_MIX, word);
		} else {
			return problem(in, DO_BAD_WORD, word);
		}
	}
	return 0;
}

enum do_problem do_parse_fill(const char *text, struct do_action *action)
{
	struct reader in = { .text = text };
	struct word word = { 0 };

	while (text[word.length])
		word.length++;
	fill_defaults(action);
	return percent(&in, word, action) ? DO_OK : DO_BAD_PERCENT;
}

/* -------------------------------------------------------------------- others */

static int read_set(struct reader *in, struct do_action *action)
{
	static const char *const names[] = { "min_free_kbytes", "watermark_boost_factor",
					     "watermark_scale_factor" };
	static const uint64_t limits[] = { INT32_MAX, UINT32_MAX, 3000 };
	struct word word = next(in);

	if (!word.length)
		return problem(in, DO_MISSING, word);
	for (int i = 0; i < 3; i++) {
		if (same(in, word, names[i])) {
			action->setting = (enum do_setting)i;
			return read_count(in, i == DO_SCALE_FACTOR, limits[i], &action->count);
		}
	}
	return problem(in, DO_BAD_SETTING, word);
}

static int read_compact(struct reader *in, struct do_action *action)
{
	struct word word = next(in);
	unsigned int order = PB_DEFAULT_MAX_ORDER;

	if (word.length && !same(in, word, "order"))
		return problem(in, DO_BAD_WORD, word);
	if (word.length && read_order(in, &order))
		return -1;
	action->count = order;
	return 0;
}

static int read_kind(struct reader *in, struct do_action *action)
{
	static const char *const names[] = { "alloc", "free",    "fill", "cpu",
					     "drain", "compact", "set" };
	struct word word = next(in);
	int kind = 0;

	while (kind <= DO_SET && !same(in, word, names[kind]))
		kind++;
	if (kind > DO_SET)
		return problem(in, DO_BAD_ACTION, word);
	action->kind = (enum do_kind)kind;
	switch (action->kind) {
	case DO_ALLOC:
		return read_alloc(in, action);
	case DO_FREE:
		return read_free(in, action);
	case DO_FILL:
		return read_fill(in, action);
	case DO_CPU:
		return read_count(in, 0, PB_MAX_CPUS - 1, &action->count);
	case DO_COMPACT:
		return read_compact(in, action);
	case DO_SET:
		return read_set(in, action);
	default:
		return 0;
	}
}

static int read_action(struct reader *in, struct do_action *action)
{
	struct word rest;

	if (read_kind(in, action))
		return -1;
	rest = next(in);
	return rest.length ? problem(in, DO_BAD_WORD, rest) : 0;
}

/* From `at` to the separator, without the blanks around it; length 0: nothing. */
static struct word piece(const char *text, uint32_t at, uint32_t end)
{
	while (at < end && is_blank(text[at]))
		at++;
	while (end > at && is_blank(text[end - 1]))
		end--;
	return (struct word){ at, end - at };
}

int do_parse(const char *text, struct do_action *actions, size_t given, size_t room, bool others,
	     struct do_error *error)
{
	struct reader in = { text, 0, 0, actions, given, others, error };
	uint32_t at = 0, end;

	*error = (struct do_error){ .problem = DO_OK };
	for (;; at = end + 1) {
		struct word all;

		for (end = at; text[end] && text[end] != ';' && text[end] != '\n';)
			end++;
		all = piece(text, at, end);
		if (all.length) {
			error->action++;
			if (in.nr == room)
				return problem(&in, DO_TOO_MANY, all);
			in.at = all.at;
			in.end = all.at + all.length;
			actions[in.nr] = (struct do_action){ .number = error->action,
							     .at = all.at,
							     .length = all.length };
			if (read_action(&in, &actions[in.nr]))
				return -1;
			in.nr++;
		}
		if (!text[end])
			break;
	}
	if (!error->action)
		return problem(&in, DO_NOTHING, (struct word){ 0, 0 });
	return (int)in.nr;
}
