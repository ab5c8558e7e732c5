/* SPDX-License-Identifier: MIT */
/*
 * ftrace and `perf script` print a line like
 *
 *	            bash-1234    [001] d..3.  3.507112: mm_page_free: page=0… pfn=0xa6c3 order=0
 *	            bash  1234   [001]        3.507112: kmem:mm_page_free: page=0… pfn=0xa6c3 order=0
 *	            comm  pid     cpu  flags  time      event         fields, name=value
 *
 * A task may call itself anything, "a-1 [000]" included: ftrace prints comm 16
 * wide, so there the place of the '-' tells, and is tried first. The flags may
 * be missing, and a tgid in round brackets may be there.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pagebuddy/pagebuddy.h>

#include "gfp_release.h"
#include "line_text.h"
#include "rules/rules.h"

#define COMM_WIDTH 16
#define MAX_TYPE 15 /* migratetypes: more than any kernel has */

/* The rest of a line. */
struct cursor {
	const char *at, *end;
};

static enum pb_line bad(struct pb_text *text, enum pb_problem problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text->reason, sizeof(text->reason), format, args);
	va_end(args);
	text->problem = problem;
	return PB_LINE_BAD;
}

#define BAD(text, ...) bad(text, PB_BAD_MALFORMED, __VA_ARGS__)

/* ------------------------------------------------------------------- numbers */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

/* Digits from c->at on, at least one, no overflow. */
static bool take_decimal(struct cursor *c, uint64_t *value)
{
	const char *at = c->at;
	uint64_t v = 0;

	while (at < c->end && is_digit(*at)) {
		unsigned int digit = (unsigned int)(*at - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
		at++;
	}
	if (at == c->at)
		return false;
	c->at = at;
	*value = v;
	return true;
}

static bool parse_hex(const char *at, const char *end, uint64_t *value)
{
	uint64_t v = 0;

	if (at == end || end - at > 16)
		return false;
	for (; at < end; at++) {
		unsigned int digit;

		if (is_digit(*at))
			digit = (unsigned int)(*at - '0');
		else if ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'f')
			digit = (unsigned int)((*at | 0x20) - 'a' + 10);
		else
			return false;
		v = v << 4 | digit;
	}
	*value = v;
	return true;
}

/* All of [at, end): decimal, or hexadecimal behind 0x. */
static bool parse_number(const char *at, const char *end, uint64_t *value)
{
	struct cursor c = { at, end };

	if (end - at > 2 && at[0] == '0' && at[1] == 'x')
		return parse_hex(at + 2, end, value);
	return take_decimal(&c, value) && c.at == end;
}

/* -------------------------------------------------------------------- fields */

enum field {
	F_PAGE,
	F_PFN,
	F_ORDER,
	F_MIGRATETYPE,
	F_GFP,
	F_REFILL,
	F_ALLOC_ORDER,
	F_FALLBACK_ORDER,
	F_PAGEBLOCK_ORDER,
	F_ALLOC_TYPE,
	F_FALLBACK_TYPE,
	F_OWNERSHIP,
	F_ZONE_START,
	F_ZONE_END,
	F_TAKEN,
	F_RECLAIMED,
	F_MIGRATED,
	F_NOT_MIGRATED,
	F_STATUS,
	NR_FIELDS
};

static const struct {
	const char *name;
	size_t len;
} field_names[NR_FIELDS] = {
#define NAME(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
	[F_PAGE] = NAME("page"),
	[F_PFN] = NAME("pfn"),
	[F_ORDER] = NAME("order"),
	[F_MIGRATETYPE] = NAME("migratetype"),
	[F_GFP] = NAME("gfp_flags"),
	[F_REFILL] = NAME("percpu_refill"),
	[F_ALLOC_ORDER] = NAME("alloc_order"),
	[F_FALLBACK_ORDER] = NAME("fallback_order"),
	[F_PAGEBLOCK_ORDER] = NAME("pageblock_order"),
	[F_ALLOC_TYPE] = NAME("alloc_migratetype"),
	[F_FALLBACK_TYPE] = NAME("fallback_migratetype"),
	[F_OWNERSHIP] = NAME("change_ownership"),
	[F_ZONE_START] = NAME("zone_start"),
	[F_ZONE_END] = NAME("zone_end"),
	[F_TAKEN] = NAME("nr_taken"),
	[F_RECLAIMED] = NAME("nr_reclaimed"),
	[F_MIGRATED] = NAME("nr_migrated"),
	[F_NOT_MIGRATED] = NAME("nr_failed"),
	[F_STATUS] = NAME("status"),
#undef NAME
};

#define BIT(field) (1u << (field))

/* Fields without which an event means nothing. */
static const unsigned int required[PB_NR_EVENT_TYPES] = {
	[PB_EV_ALLOC] = BIT(F_PFN) | BIT(F_ORDER) | BIT(F_MIGRATETYPE) | BIT(F_GFP),
	[PB_EV_FREE] = BIT(F_PFN) | BIT(F_ORDER),
	[PB_EV_FREE_BATCHED] = BIT(F_PFN),
	[PB_EV_ZONE_LOCKED] = BIT(F_PFN) | BIT(F_ORDER) | BIT(F_MIGRATETYPE),
	[PB_EV_PCPU_DRAIN] = BIT(F_PFN) | BIT(F_ORDER) | BIT(F_MIGRATETYPE),
	[PB_EV_EXTFRAG] = BIT(F_PFN) | BIT(F_ALLOC_ORDER) | BIT(F_FALLBACK_ORDER) |
			  BIT(F_ALLOC_TYPE) | BIT(F_FALLBACK_TYPE) | BIT(F_OWNERSHIP),
	[PB_EV_COMPACT_BEGIN] = BIT(F_ZONE_START) | BIT(F_ZONE_END),
	[PB_EV_COMPACT_END] = BIT(F_ZONE_START) | BIT(F_ZONE_END),
	[PB_EV_ACTIVATE] = BIT(F_PFN),
	[PB_EV_RECLAIM_END] = BIT(F_RECLAIMED),
	[PB_EV_COMPACT_MOVED] = BIT(F_MIGRATED) | BIT(F_NOT_MIGRATED),
};

static int find_field(const char *name, size_t len)
{
	for (int i = 0; i < NR_FIELDS; i++)
		if (field_names[i].len == len && field_names[i].name[0] == name[0] &&
		    memcmp(field_names[i].name, name, len) == 0)
			return i;
	return -1;
}

/* NULL as every printf() and every kernel writes it. */
static bool is_null_page(const char *at, const char *end)
{
	size_t len = (size_t)(end - at);
	uint64_t value;

	if ((len == 5 && memcmp(at, "(nil)", 5) == 0) || (len == 6 && memcmp(at, "(null)", 6) == 0))
		return true;
	if (len > 2 && at[0] == '0' && at[1] == 'x')
		at += 2;
	return parse_hex(at, end, &value) && value == 0;
}

/* A small number, maybe negative. */
static bool parse_small(const char *at, const char *end, int low, int high, int *value)
{
	bool negative = at < end && *at == '-';
	uint64_t v;

	if (!parse_number(at + negative, end, &v) || v > INT_MAX)
		return false;
	*value = negative ? -(int)v : (int)v;
	return *value >= low && *value <= high;
}

static enum pb_line bad_value(struct pb_text *text, int field, const char *at, const char *end,
			      const char *expected)
{
	return BAD(text, "%s is '%.*s', expected %s", field_names[field].name,
		   (int)(end - at > 24 ? 24 : end - at), at, expected);
}

static enum pb_line set_pfn(struct pb_text *text, struct pb_event *event, const char *at,
			    const char *end)
{
	/* a failure, as a raw number */
	if (end - at == 2 && !memcmp(at, "-1", 2)) {
		event->pfn = PB_NO_PFN;
		return PB_LINE_EVENT;
	}
	if (!parse_number(at, end, &event->pfn))
		return bad_value(text, F_PFN, at, end, "a page frame number");
	if (!text->gfp.fixed && (end - at < 2 || at[1] != 'x'))
		pb_gfp_decimal_pfn(&text->gfp);
	return PB_LINE_EVENT;
}

/* From 6.3 on GFP_ATOMIC is __GFP_HIGH without direct reclaim; 6.1 has a bit for it. */
static uint32_t in_6_1(uint32_t gfp, uint32_t release)
{
	const uint32_t asked = PB_GFP_HIGH | PB_GFP_KSWAPD_RECLAIM | PB_GFP_DIRECT_RECLAIM;

	if (release >= PB_RELEASE(6, 3, 0) &&
	    (gfp & asked) == (PB_GFP_HIGH | PB_GFP_KSWAPD_RECLAIM))
		gfp |= PB_GFP_ATOMIC_BIT;
	return gfp;
}

/* A kernel that prints only a number: read by that kernel's table, if it is named. */
static bool take_number(struct pb_text *text, const char *at, const char *end, uint32_t *gfp)
{
	uint64_t number;

	if (!parse_number(at, end, &number) || number > UINT32_MAX)
		return false;
	*gfp = (uint32_t)number;
	text->bare_numbers += !text->release;
	if (text->release)
		*gfp = in_6_1(pb_gfp_of_number(*gfp, text->release), text->release);
	return true;
}

/*
 * Names that the table in force has not: of other releases, or of none. An
 * event is not lost for a name: what is unknown is counted and means nothing.
 */
static bool take_any_names(struct pb_text *text, const char *at, const char *end, uint32_t *gfp)
{
	uint32_t sum = 0, bits;

	while (at < end) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		const char *stop = bar ? bar : end;

		if (pb_gfp_of_name(at, (size_t)(stop - at), text->release, &bits) ||
		    take_number(text, at, stop, &bits))
			sum |= bits;
		else if (stop > at && (*at == '_' || *at == 'G'))
			text->unknown_names++;
		else
			return false;
		at = bar ? bar + 1 : end;
	}
	*gfp = sum;
	return true;
}

static enum pb_line set_gfp(struct pb_text *text, struct pb_event *event, const char *at,
			    const char *end)
{
	/* Linux prints nothing at all if its option hash-ptr is off. */
	if (at == end)
		event->flags |= PB_EVENT_NO_GFP;
	else if (!(*at == '0' && take_number(text, at, end, &event->gfp)) &&
		 !pb_gfp_lookup(&text->gfp, at, (size_t)(end - at), &event->gfp) &&
		 !take_any_names(text, at, end, &event->gfp))
		return bad_value(text, F_GFP, at, end, "names of gfp flags");
	return PB_LINE_EVENT;
}

static enum pb_line set_order(struct pb_text *text, int field, uint8_t *order, const char *at,
			      const char *end)
{
	int value;

	if (!parse_small(at, end, 0, INT_MAX, &value))
		return bad_value(text, field, at, end, "a number from 0 on");
	*order = value > UINT8_MAX ? UINT8_MAX : (uint8_t)value;
	return PB_LINE_EVENT;
}

static enum pb_line set_type(struct pb_text *text, int field, int8_t *type, const char *at,
			     const char *end)
{
	int value;

	/* -1 stands for "any" in some kernels; there are at most a dozen types */
	if (!parse_small(at, end, -1, MAX_TYPE, &value))
		return bad_value(text, field, at, end, "a migratetype");
	*type = (int8_t)value;
	return PB_LINE_EVENT;
}

static enum pb_line set_flag(struct pb_text *text, int field, uint8_t *flag, const char *at,
			     const char *end)
{
	int value;

	if (!parse_small(at, end, 0, 1, &value))
		return bad_value(text, field, at, end, "0 or 1");
	*flag = (uint8_t)value;
	return PB_LINE_EVENT;
}

static enum pb_line set_number(struct pb_text *text, int field, uint64_t *number, const char *at,
			       const char *end)
{
	if (end > at && end[-1] == ',')
		end--;
	if (!parse_number(at, end, number))
		return bad_value(text, field, at, end, "a number");
	return PB_LINE_EVENT;
}

static enum pb_line set_field(struct pb_text *text, struct pb_event *event, int field,
			      const char *at, const char *end)
{
	switch (field) {
	case F_PFN:
		return set_pfn(text, event, at, end);
	case F_GFP:
		return set_gfp(text, event, at, end);
	case F_ORDER:
	case F_ALLOC_ORDER:
		return set_order(text, field, &event->order, at, end);
	case F_FALLBACK_ORDER:
		return set_order(text, field, &event->fallback_order, at, end);
	case F_PAGEBLOCK_ORDER:
		return set_order(text, field, &event->pageblock_order, at, end);
	case F_MIGRATETYPE:
	case F_ALLOC_TYPE:
		return set_type(text, field, &event->migratetype, at, end);
	case F_FALLBACK_TYPE:
		return set_type(text, field, &event->fallback_migratetype, at, end);
	case F_REFILL:
		return set_flag(text, field, &event->percpu_refill, at, end);
	case F_OWNERSHIP:
		return set_flag(text, field, &event->change_ownership, at, end);
	case F_ZONE_START:
		return set_number(text, field, &event->pfn, at, end);
	case F_ZONE_END:
		return set_number(text, field, &event->end_pfn, at, end);
	case F_RECLAIMED:
	case F_MIGRATED:
		return set_number(text, field, &event->count, at, end);
	case F_STATUS:
		event->count = end - at == 7 && !memcmp(at, "success", 7);
		return PB_LINE_EVENT;
	case F_NOT_MIGRATED:
		return set_number(text, field, &event->end_pfn, at, end);
	default:
		return PB_LINE_EVENT;
	}
}

static const char *lowest_missing(unsigned int missing)
{
	return field_names[__builtin_ctz(missing)].name;
}

/* "name=value name=value ..." of an event whose type is known. */
static enum pb_line parse_fields(struct pb_text *text, struct cursor *c, struct pb_event *event)
{
	uint64_t unknown = text->unknown_names;
	unsigned int seen = 0;
	bool null_page = false;

	for (;;) {
		const char *name, *equals, *value;
		int field;

		skip_blanks(c);
		if (c->at == c->end)
			break;
		name = c->at;
		equals = memchr(name, '=', (size_t)(c->end - name));
		if (!equals)
			return BAD(text, "'%.*s' where name=value was expected",
				   (int)(c->end - name > 24 ? 24 : c->end - name), name);
		c->at = equals + 1;
		field = find_field(name, (size_t)(equals - name));
		if (field == F_PAGE)
			skip_blanks(c); /* older kernels pad "(null)" */
		value = c->at;
		c->at = memchr(value, ' ', (size_t)(c->end - value));
		if (!c->at)
			c->at = c->end;
		if (field < 0)
			continue; /* of a later kernel */
		if (field == F_PAGE)
			null_page = is_null_page(value, c->at);
		else if (set_field(text, event, field, value, c->at) == PB_LINE_BAD)
			return PB_LINE_BAD;
		seen |= BIT(field);
	}
	if (required[event->type] & ~seen)
		return BAD(text, "%s is missing", lowest_missing(required[event->type] & ~seen));
	if (event->pfn == 0 && null_page)
		event->pfn = PB_NO_PFN;
	/* What an unknown name may have meant for moving it is printed beside the flags. */
	if (text->unknown_names != unknown &&
	    !(event->gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE))) {
		if (event->migratetype == PB_MIGRATE_MOVABLE)
			event->gfp |= PB_GFP_MOVABLE;
		else if (event->migratetype == PB_MIGRATE_RECLAIMABLE)
			event->gfp |= PB_GFP_RECLAIMABLE;
	}
	return PB_LINE_EVENT;
}

/* The rest of the line as a string; false: it is longer than such fields are. */
static bool copy_fields(struct pb_text *text, struct cursor *c, char *copy, size_t size)
{
	size_t len;

	skip_blanks(c);
	len = (size_t)(c->end - c->at);
	if (len >= size) {
		BAD(text, "%zu bytes of fields, expected less", len);
		return false;
	}
	memcpy(copy, c->at, len);
	copy[len] = '\0';
	return true;
}

/* "range=(0x17c00 ~ 0x17e00) nr_scanned=512 nr_taken=0" */
static enum pb_line parse_range(struct pb_text *text, struct cursor *c, struct pb_event *event)
{
	char copy[160], tail;
	unsigned long long start, end, scanned, taken;

	if (!copy_fields(text, c, copy, sizeof(copy)))
		return PB_LINE_BAD;
	if (sscanf(copy, "range=(%llx ~ %llx) nr_scanned=%llu nr_taken=%llu%c", &start, &end,
		   &scanned, &taken, &tail) != 4 ||
	    end < start)
		return BAD(text, "expected range=(START ~ END) nr_scanned=N nr_taken=N");
	event->pfn = start;
	event->end_pfn = end;
	event->count = taken;
	return PB_LINE_EVENT;
}

/*
 * "dev 254:32 ino c pfn=0x3d84 ofs=4096 order=0"; before 5.19 "page=... pfn=15748
 * ofs=4096", from 6.10 on "ofs=4096-8191". A file is known by device and inode.
 */
static enum pb_line parse_cache(struct pb_text *text, struct cursor *c, struct pb_event *event)
{
	unsigned int major, minor;
	unsigned long long ino, offset;
	char copy[160], *pfn, *ofs, *order;

	if (!copy_fields(text, c, copy, sizeof(copy)))
		return PB_LINE_BAD;
	pfn = strstr(copy, " pfn=");
	ofs = strstr(copy, " ofs=");
	order = strstr(copy, " order=");
	if (sscanf(copy, "dev %u:%u ino %llx ", &major, &minor, &ino) != 3 || !pfn || !ofs ||
	    !parse_number(pfn + 5, pfn + 5 + strcspn(pfn + 5, " "), &event->pfn) ||
	    sscanf(ofs + 5, "%llu", &offset) != 1)
		return BAD(text, "expected dev MAJOR:MINOR ino INODE pfn=N ofs=N");
	if (order && set_order(text, F_ORDER, &event->order, order + 7,
			       order + 7 + strcspn(order + 7, " ")) == PB_LINE_BAD)
		return PB_LINE_BAD;
	event->end_pfn = ino ^ (uint64_t)major << 52 ^ (uint64_t)minor << 40;
	event->count = offset >> 12;
	return PB_LINE_EVENT;
}

/* What kernel/pbwatch writes; its events.h has the format. */
static enum pb_line parse_zone(struct pb_text *text, struct cursor *c, struct pb_event *event)
{
	struct pb_zone_state *zone = &event->zone;
	unsigned int failed, order, node, type, task, lists[PB_ZONE_TYPES];
	long long free, lag, reserve;
	char copy[320], tail;

	if (!copy_fields(text, c, copy, sizeof(copy)))
		return PB_LINE_BAD;
	if (sscanf(copy,
		   "failed=%u order=%u node=%u zone=%u free=%lld lag=%lld min=%u low=%u high=%u "
		   "boost=%u reserve=%lld highatomic=%u cma=%u task=%u lists=%x,%x,%x,%x,%x,%x%c",
		   &failed, &order, &node, &type, &free, &lag, &zone->min, &zone->low, &zone->high,
		   &zone->boost, &reserve, &zone->highatomic, &zone->cma, &task, &lists[0],
		   &lists[1], &lists[2], &lists[3], &lists[4], &lists[5], &tail) != 20 ||
	    order > UINT8_MAX || node > UINT8_MAX || type > UINT8_MAX)
		return BAD(text, "expected failed=N order=N node=N zone=N free=N ... lists=X,...");
	event->order = (uint8_t)order;
	zone->failed = failed != 0;
	zone->node = (uint8_t)node;
	zone->zone = (uint8_t)type;
	zone->free = free;
	zone->lag = (int32_t)lag;
	zone->reserve = reserve;
	zone->task = (uint8_t)task;
	for (unsigned int i = 0; i < PB_ZONE_TYPES; i++)
		zone->lists[i] = (uint16_t)lists[i];
	return PB_LINE_EVENT;
}

static enum pb_line parse_mark(struct cursor *c, struct pb_event *event)
{
	size_t len;

	skip_blanks(c);
	len = (size_t)(c->end - c->at);
	if (len >= sizeof(event->mark))
		len = sizeof(event->mark) - 1;
	memcpy(event->mark, c->at, len);
	event->mark[len] = '\0';
	return PB_LINE_EVENT;
}

enum pb_line pb_check_event(struct pb_text *text, struct pb_event *event)
{
	unsigned int order = event->order;

	if (event->fallback_order > order)
		order = event->fallback_order;
	if (order > text->max_order)
		return bad(text, PB_BAD_ORDER, "order %u%s, expected at most %u", order,
			   order == UINT8_MAX ? " or more" : "", text->max_order);
	if (event->migratetype > MAX_TYPE || event->fallback_migratetype > MAX_TYPE)
		return BAD(text, "migratetype of more than %d", MAX_TYPE);
	if (text->end_pfn && event->pfn != PB_NO_PFN && event->pfn >= text->end_pfn)
		return bad(text, PB_BAD_PFN, "pfn 0x%llx, expected less than 0x%llx",
			   (unsigned long long)event->pfn, (unsigned long long)text->end_pfn);
	return PB_LINE_EVENT;
}

static enum pb_line parse_event(struct pb_text *text, struct cursor *c, struct pb_event *event)
{
	enum pb_line line;

	switch (event->type) {
	case PB_EV_MARK:
		return parse_mark(c, event);
	case PB_EV_COMPACT_FREE:
		line = parse_range(text, c, event);
		break;
	case PB_EV_CACHE_ADD:
	case PB_EV_CACHE_DELETE:
		line = parse_cache(text, c, event);
		break;
	case PB_EV_ZONE:
		line = parse_zone(text, c, event);
		break;
	default:
		line = parse_fields(text, c, event);
		break;
	}
	return line == PB_LINE_EVENT ? pb_check_event(text, event) : line;
}

/* ------------------------------------------------- what is in front of the event */

/* "3.507112:" or, with a counting clock, "350711:"; ns. */
static bool take_time(struct cursor *c, uint64_t *time)
{
	struct cursor start = *c;
	uint64_t seconds, fraction, unit = 1000000000;

	if (!take_decimal(c, &seconds) || c->at == c->end)
		goto fail;
	if (*c->at == ':') {
		*time = seconds;
		c->at++;
		return true;
	}
	if (*c->at != '.' || seconds > UINT64_MAX / 1000000000 - 1)
		goto fail;
	c->at++;
	for (fraction = 0; c->at < c->end && is_digit(*c->at) && unit > 1; c->at++) {
		unit /= 10;
		fraction += unit * (uint64_t)(*c->at - '0');
	}
	if (unit == 1000000000 || c->at == c->end || *c->at != ':')
		goto fail;
	c->at++;
	*time = seconds * 1000000000 + fraction;
	return true;
fail:
	*c = start;
	return false;
}

/* "[001]" */
static bool take_cpu(struct cursor *c, uint16_t *cpu)
{
	uint64_t value;

	skip_blanks(c);
	if (c->at == c->end || *c->at++ != '[')
		return false;
	if (!take_decimal(c, &value) || value >= PB_MAX_TRACE_CPUS || c->at == c->end ||
	    *c->at++ != ']')
		return false;
	*cpu = (uint16_t)value;
	return true;
}

static bool take_pid(struct cursor *c, int32_t *pid)
{
	uint64_t value;

	if (!take_decimal(c, &value) || value > INT32_MAX)
		return false;
	*pid = (int32_t)value;
	return true;
}

/* From the pid on: "1234 (1200) [001] d..3. 3.507112: " */
static bool take_ftrace_head(struct cursor *c, struct pb_event *event)
{
	if (!take_pid(c, &event->pid))
		return false;
	skip_blanks(c);
	if (c->at < c->end && *c->at == '(') {
		c->at = memchr(c->at, ')', (size_t)(c->end - c->at));
		if (!c->at)
			return false;
		c->at++;
	}
	if (!take_cpu(c, &event->cpu))
		return false;
	skip_blanks(c);
	if (take_time(c, &event->time))
		return true;
	while (c->at < c->end && *c->at != ' ')
		c->at++;
	skip_blanks(c);
	return take_time(c, &event->time);
}

static void set_comm(struct pb_event *event, const char *at, const char *end)
{
	size_t len;

	while (at < end && *at == ' ')
		at++;
	while (end > at && end[-1] == ' ')
		end--;
	len = (size_t)(end - at);
	if (len >= sizeof(event->comm))
		len = sizeof(event->comm) - 1;
	memcpy(event->comm, at, len);
	event->comm[len] = '\0';
}

/* Try the '-' at `dash` as the one between comm and pid. */
static bool try_dash(struct cursor *c, const char *line, const char *dash, struct pb_event *event)
{
	struct cursor head = { dash + 1, c->end };

	if (!take_ftrace_head(&head, event))
		return false;
	set_comm(event, line, dash);
	c->at = head.at;
	return true;
}

static bool take_ftrace_front(struct cursor *c, struct pb_event *event)
{
	const char *line = c->at, *dash = line + COMM_WIDTH;

	if (c->end - line > COMM_WIDTH && *dash == '-' && try_dash(c, line, dash, event))
		return true;
	for (dash = line; (dash = memchr(dash, '-', (size_t)(c->end - dash))); dash++) {
		if (dash - line > 64)
			break;
		if (try_dash(c, line, dash, event))
			return true;
	}
	return false;
}

/* " mm_page_free:"; an event of another kind may be written in any way. */
static bool take_event_name(struct cursor *c, struct pb_event *event)
{
	const char *name, *colon;
	int type;

	skip_blanks(c);
	name = c->at;
	colon = memchr(name, ':', (size_t)(c->end - name));
	if (!colon)
		return false;
	type = pb_event_type_find(name, (size_t)(colon - name));
	if (type < 0)
		return false;
	event->type = (uint8_t)type;
	c->at = colon + 1;
	return true;
}

static bool starts_with(const char *line, size_t len, const char *text)
{
	size_t n = strlen(text);

	return len >= n && memcmp(line, text, n) == 0;
}

static const char *find(const char *line, size_t len, const char *text)
{
	return memmem(line, len, text, strlen(text));
}

/* "CPU:1 [LOST 123 EVENTS]", "CPU:1 [LOST EVENTS]" */
static enum pb_line lost_line(struct pb_text *text, const char *line, size_t len,
			      struct pb_event *event)
{
	struct cursor c = { line + 4, line + len };
	uint64_t cpu;

	if (!take_decimal(&c, &cpu) || cpu >= PB_MAX_TRACE_CPUS)
		return BAD(text, "CPU: without the number of a CPU");
	event->cpu = (uint16_t)cpu;
	event->lost = 0;
	skip_blanks(&c);
	if (starts_with(c.at, (size_t)(c.end - c.at), "[LOST "))
		c.at += 6;
	else if (starts_with(c.at, (size_t)(c.end - c.at), "[")) /* trace-cmd: [M EVENTS DROPPED] */
		c.at += 1;
	else
		return BAD(text, "expected CPU:N [LOST M EVENTS]");
	take_decimal(&c, &event->lost);
	if (find(c.at, (size_t)(c.end - c.at), "EVENTS]") ||
	    find(c.at, (size_t)(c.end - c.at), "EVENTS DROPPED]"))
		return PB_LINE_LOST;
	return BAD(text, "expected CPU:N [LOST M EVENTS] or CPU:N [M EVENTS DROPPED]");
}

uint64_t pb_overwritten(const char *line, size_t len)
{
	const char *at = find(line, len, "entries-in-buffer/entries-written:");
	struct cursor c = { at ? strchr(at, ':') + 1 : line, line + len };
	uint64_t kept, written;

	if (!at)
		return 0;
	skip_blanks(&c);
	if (!take_decimal(&c, &kept) || c.at == c.end || *c.at++ != '/' ||
	    !take_decimal(&c, &written) || written < kept)
		return 0;
	return written - kept;
}

static bool is_blank(const char *line, size_t len)
{
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len == 0;
}

static enum pb_line not_a_line(struct pb_text *text, const char *line, size_t len,
			       const char *expected)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return bad(text, PB_BAD_BINARY, "byte 0x%02x, expected text",
				   (unsigned char)line[i]);
	return BAD(text, "expected %s", expected);
}

/* "# os release : 6.11.0-9": whose numbers the flags are. */
static void read_header(struct pb_text *text, const char *line, size_t len)
{
	static const char *const keys[] = { "os release :", "kernel release:", "Linux version ",
					    "latency trace v" };
	enum { LATENCY_KEY = 3 };
	char release[64];

	if (text->release_fixed)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *at = find(line, len, keys[i]);
		size_t n;

		if (!at)
			continue;
		at += strlen(keys[i]);
		if (i == LATENCY_KEY) { /* "nop latency trace v1.1.5 on 6.1.27" */
			at = find(at, (size_t)(line + len - at), " on ");
			if (!at)
				continue;
			at += 4;
		}
		while (at < line + len && *at == ' ')
			at++;
		n = (size_t)(line + len - at);
		snprintf(release, sizeof(release), "%.*s", (int)(n < 63 ? n : 63), at);
		text->release = pb_release_parse(release);
	}
}

/* What trace-cmd report writes of its own. */
static bool is_report_line(const char *line, size_t len)
{
	struct cursor c = { line, line + len };
	uint64_t cpu;

	if (starts_with(line, len, "version = ") || starts_with(line, len, "cpus=") ||
	    starts_with(line, len, "trace-cmd version") || starts_with(line, len, "cpu "))
		return true;
	if (!starts_with(line, len, "CPU "))
		return false;
	c.at += 4;
	return take_decimal(&c, &cpu) && find(c.at, (size_t)(c.end - c.at), "is empty");
}

static enum pb_line frame(struct pb_text *text, const char *at, const char *end)
{
	text->frame = at;
	text->frame_len = (size_t)(end - at);
	return PB_LINE_FRAME;
}

/* Of a call chain: "=> func (addr)", " => func", "<stack trace >". */
static enum pb_line stack_line(struct pb_text *text, const char *line, size_t len)
{
	struct cursor c = { line, line + len };

	skip_blanks(&c);
	len = (size_t)(c.end - c.at);
	if (starts_with(c.at, len, "=> ")) {
		c.at += 3;
		skip_blanks(&c);
		return frame(text, c.at, c.end);
	}
	return starts_with(c.at, len, "<stack trace") ? PB_LINE_COMMENT : PB_LINE_BAD;
}

/* "bash-1234 [001] d..3. 3.507112: <stack trace>", in trace-cmd's words "kernel_stack:" */
static bool is_stack_head(const struct cursor *rest)
{
	struct cursor c = *rest;
	size_t len;

	skip_blanks(&c);
	len = (size_t)(c.end - c.at);
	return starts_with(c.at, len, "<stack trace") || starts_with(c.at, len, "kernel_stack:");
}

/*
 * The graph tracers write events as comments between the calls, without a task:
 *	" 3)               |  (slash star) mm_page_alloc: page=... (star slash)"
 * and with other options "120.5 |  3)  bash-77  |  ...". Calls are no events.
 */
static enum pb_line graph_line(struct pb_text *text, const char *line, size_t len,
			       struct pb_event *event)
{
	struct cursor c = { line, line + len };
	const char *open = find(line, len, "/* "), *close;
	uint64_t cpu;

	skip_blanks(&c);
	if (!take_decimal(&c, &cpu) || cpu >= PB_MAX_TRACE_CPUS || c.at == c.end || *c.at != ')')
		return PB_LINE_BAD;
	if (!open)
		return PB_LINE_OTHER;
	close = find(open, (size_t)(line + len - open), " */");
	c = (struct cursor){ open + 3, close ? close : line + len };
	event->cpu = (uint16_t)cpu;
	event->pid = PB_NO_PID;
	if (!take_event_name(&c, event))
		return PB_LINE_OTHER;
	return parse_event(text, &c, event);
}

/*
 * The latency format has no brackets: "bash-77  3d..2  120us : mm_page_free: ...",
 * the CPU first, then flags, and microseconds since the trace began.
 */
static bool take_latency_front(struct cursor *c, struct pb_event *event)
{
	const char *line = c->at, *us = find(line, (size_t)(c->end - line), "us"), *at;
	struct cursor part;
	uint64_t cpu, number;

	if (!us || us - line > 96)
		return false;
	for (at = us; at > line && is_digit(at[-1]);)
		at--;
	part = (struct cursor){ at, us };
	if (!take_decimal(&part, &number) || number > UINT64_MAX / 1000)
		return false;
	event->time = number * 1000;
	while (at > line && at[-1] == ' ')
		at--;
	while (at > line && at[-1] != ' ')
		at--; /* "3d..2" */
	part = (struct cursor){ at, us };
	if (!take_decimal(&part, &cpu) || cpu >= PB_MAX_TRACE_CPUS)
		return false;
	event->cpu = (uint16_t)cpu;
	while (at > line && at[-1] == ' ')
		at--;
	part.end = at;
	while (at > line && is_digit(at[-1]))
		at--;
	part.at = at;
	if (at == line || at[-1] != '-' || !take_pid(&part, &event->pid))
		return false;
	set_comm(event, line, at - 1);
	c->at = us + 2;
	while (c->at < c->end && (*c->at == ' ' || *c->at == ':' || *c->at == '!' || *c->at == '+'))
		c->at++;
	return true;
}

enum pb_line pb_ftrace_line(struct pb_text *text, const char *line, size_t len,
			    struct pb_event *event)
{
	struct cursor c = { line, line + len };
	enum pb_line other;

	memset(event, 0, sizeof(*event));
	if (len == 0 || line[0] == '#') {
		read_header(text, line, len);
		return PB_LINE_COMMENT;
	}
	if (!take_ftrace_front(&c, event) && !take_latency_front(&c, event)) {
		if (starts_with(line, len, "CPU:"))
			return lost_line(text, line, len, event);
		other = stack_line(text, line, len);
		if (other != PB_LINE_BAD)
			return other;
		if (is_report_line(line, len) || is_blank(line, len))
			return PB_LINE_COMMENT;
		other = graph_line(text, line, len, event);
		if (other != PB_LINE_BAD || event->type)
			return other;
		return not_a_line(text, line, len, "COMM-PID [CPU] FLAGS TIME: EVENT: FIELDS");
	}
	if (!take_event_name(&c, event))
		return is_stack_head(&c) ? PB_LINE_STACK : PB_LINE_OTHER;
	return parse_event(text, &c, event);
}

/* -------------------------------------------------------------- perf script */

/* Back over "1234" or "1230/1234" in front of `at`; NULL: no pid there. */
static const char *pid_before(const char *line, const char *at)
{
	const char *start = at;

	while (start > line && (is_digit(start[-1]) || start[-1] == '/'))
		start--;
	if (start == at || start == line || start[-1] != ' ' || *start == '/')
		return NULL;
	return start;
}

/* Try the '[' at `bracket` as the one of the CPU. */
static bool try_bracket(struct cursor *c, const char *line, const char *bracket,
			struct pb_event *event)
{
	struct cursor head = { bracket, c->end }, pid;
	const char *at = bracket, *start;

	while (at > line && at[-1] == ' ')
		at--;
	start = pid_before(line, at);
	if (!start || !take_cpu(&head, &event->cpu))
		return false;
	skip_blanks(&head);
	if (!take_time(&head, &event->time))
		return false;
	pid = (struct cursor){ memchr(start, '/', (size_t)(at - start)), at };
	pid.at = pid.at ? pid.at + 1 : start;
	if (!take_pid(&pid, &event->pid) || pid.at != at)
		return false;
	set_comm(event, line, start);
	c->at = head.at;
	return true;
}

/* Where "kmem:", the system of an event, begins; NULL: nowhere. */
static const char *find_system(const char *line, size_t len)
{
	static const char *const systems[] = { " kmem:", " compaction:", " ftrace:",  " vmscan:",
					       " oom:",  " filemap:",    " pagemap:", " pbwatch:" };

	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		const char *at = find(line, len, systems[i]);

		if (at)
			return at + 1;
	}
	return NULL;
}

/* The word that ends at `end`; its start, after which *end stands behind the one before. */
static const char *word_before(const char *line, const char **end)
{
	const char *at = *end, *stop;

	while (at > line && at[-1] == ' ')
		at--;
	stop = at;
	while (at > line && at[-1] != ' ')
		at--;
	*end = stop;
	return at;
}

/*
 * Fields in front of the event, from the last to the first, each by its form:
 * a period "1", a time "3.5:", a CPU "[003]", pid or pid/tid "77/78". perf script -F
 * may leave any of them out; what is left in front is the task's name.
 */
static bool take_perf_fields(struct cursor *c, struct pb_event *event)
{
	const char *line = c->at, *system = find_system(line, (size_t)(c->end - line)), *end;
	bool has_time = false, has_pid = false, has_cpu = false;

	if (!system)
		return false;
	event->pid = PB_NO_PID;
	end = system;
	while (end > line && !has_pid) {
		const char *stop = end, *word = word_before(line, &stop);
		struct cursor part = { word, stop };
		uint64_t number;

		if (word == stop)
			break;
		if (!has_time && !has_cpu && take_time(&part, &event->time) && part.at == stop)
			has_time = true;
		else if (!has_cpu && *word == '[' && take_cpu(&part, &event->cpu))
			has_cpu = true;
		else if ((has_time || has_cpu) &&
			 (part.at = memchr(word, '/', (size_t)(stop - word)),
			  part.at = part.at ? part.at + 1 : word, take_pid(&part, &event->pid)) &&
			 part.at == stop)
			has_pid = true;
		else if (has_time || has_cpu || (part.at = word, !take_decimal(&part, &number)) ||
			 part.at != stop)
			break; /* a period comes behind the time */
		end = word;
	}
	if (!has_time)
		return false;
	set_comm(event, line, end);
	c->at = system;
	return true;
}

static bool take_perf_front(struct cursor *c, struct pb_event *event)
{
	const char *line = c->at, *bracket = line;

	for (; (bracket = memchr(bracket, '[', (size_t)(c->end - bracket))); bracket++) {
		if (bracket - line > 96)
			break;
		if (try_bracket(c, line, bracket, event))
			return true;
	}
	return take_perf_fields(c, event);
}

/* -F +period: a number between the time and the event. */
static void skip_period(struct cursor *c)
{
	struct cursor number = *c;
	uint64_t value;

	skip_blanks(&number);
	if (take_decimal(&number, &value) && number.at < number.end && *number.at == ' ')
		c->at = number.at;
}

/* "PERF_RECORD_LOST lost 12", from perf script --show-lost-events */
static enum pb_line perf_lost(const char *at, const char *end, struct pb_event *event)
{
	struct cursor c = { find(at, (size_t)(end - at), "lost "), end };

	event->lost = 0;
	if (c.at) {
		c.at += 5;
		take_decimal(&c, &event->lost);
	}
	return PB_LINE_LOST;
}

/* "kmem:mm_page_alloc:" -> the cursor stands before "mm_page_alloc:" */
static void skip_system(struct cursor *c)
{
	static const char *const systems[] = { "kmem:",    "compaction:", "ftrace:", "vmscan:",
					       "filemap:", "pagemap:",    "pbwatch:" };

	skip_blanks(c);
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (starts_with(c->at, (size_t)(c->end - c->at), systems[i])) {
			c->at += strlen(systems[i]);
			return;
		}
}

/*
 * A call chain below an event: "\tffffffff8117 free_unref_page+0x1b ([kernel.kallsyms])".
 * Behind the kernel's functions come those of the program, which asked for no page.
 */
static enum pb_line call_chain(struct pb_text *text, const char *line, size_t len)
{
	struct cursor c = { line, line + len };
	const char *start;
	uint64_t address;

	skip_blanks(&c);
	start = c.at;
	while (c.at < c.end && *c.at != ' ')
		c.at++;
	if (start == line || !parse_hex(start, c.at, &address))
		return PB_LINE_BAD;
	skip_blanks(&c);
	if (address >> 63 || find(c.at, (size_t)(c.end - c.at), "([") ||
	    find(c.at, (size_t)(c.end - c.at), ".ko)"))
		return frame(text, c.at, c.end);
	return PB_LINE_COMMENT;
}

enum pb_line pb_perf_line(struct pb_text *text, const char *line, size_t len,
			  struct pb_event *event)
{
	struct cursor c = { line, line + len };
	enum pb_line chain;
	const char *lost;

	memset(event, 0, sizeof(*event));
	if (len == 0 || line[0] == '#' || is_blank(line, len)) {
		read_header(text, line, len);
		return PB_LINE_COMMENT;
	}
	lost = find(line, len, "PERF_RECORD_LOST");
	if (lost && !find(line, len, "PERF_RECORD_LOST_"))
		return perf_lost(lost, line + len, event);
	if (!take_perf_front(&c, event)) {
		char script[1200];

		if (pb_perf_trace_line(line, len, script, sizeof(script)))
			return pb_perf_line(text, script, strlen(script), event);
		chain = call_chain(text, line, len);
		if (chain != PB_LINE_BAD)
			return chain;
		if (lost)
			return PB_LINE_COMMENT;
		return not_a_line(text, line, len, "COMM PID [CPU] TIME: SYSTEM:EVENT: FIELDS");
	}
	skip_period(&c);
	skip_system(&c);
	if (!take_event_name(&c, event))
		return PB_LINE_OTHER;
	return parse_event(text, &c, event);
}
