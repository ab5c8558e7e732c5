/* SPDX-License-Identifier: MIT */
/* Verdicts in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define LL(value) ((long long)(value))

const char *pb_rule_cause(enum pb_verdict_word word)
{
	static const char *const causes[PB_NR_VERDICT_WORDS] = {
		[PB_SAYS_WOULD_SUCCEED] = "nothing that the dump shows",
		[PB_SAYS_WATERMARK] = "the min watermark",
		[PB_SAYS_LOWMEM_RESERVE] = "lowmem_reserve",
		[PB_SAYS_CMA] = "CMA (for movable requests only)",
		[PB_SAYS_HIGHATOMIC] = "the highatomic reserve",
		[PB_SAYS_FRAGMENTED] = "fragmentation",
		[PB_SAYS_UNKNOWN] = "a rule that can't be told: the text is cut",
		[PB_SAYS_NO_ZONE] = "its own flags: no zone that it may use has memory",
		[PB_SAYS_NOT_PAGE_ALLOCATOR] = "something else than the page allocator",
		[PB_SAYS_MEMCG] = "the limit of its memory cgroup",
		[PB_SAYS_NO_DUMP] = "a rule that can't be told",
		[PB_SAYS_NONE] = "nothing",
	};

	return (unsigned int)word < PB_NR_VERDICT_WORDS ? causes[word] : "?";
}

const char *pb_rule_size(int64_t kb, char *text, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)kb;
	unsigned int unit = 0;

	while (unit < 3 && value >= 1024) {
		value /= 1024;
		unit++;
	}
	if (unit && value < 100 && value != (double)(int64_t)value)
		snprintf(text, size, "%.1f %s", value, units[unit]);
	else
		snprintf(text, size, "%.0f %s", value, units[unit]);
	return text;
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void say_watermark(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
			  const struct pb_rule_result *result, char *text, size_t size)
{
	int64_t left = zone->free - result->above_order;
	/* what lowers the mark lowers the boost in it, too */
	int64_t boost = result->mark - pb_rule_mark(request, zone->min - zone->boost, 0);
	int n;

	if (left >= 0)
		n = snprintf(text, size, "%lld usable page%s, and it takes more than %lld",
			     LL(left), plural(left), LL(result->mark));
	else
		n = snprintf(text, size,
			     "%lld free page%s, fewer than the request has (%lld), and %lld have "
			     "to stay",
			     LL(zone->free), plural(zone->free), LL(result->above_order + 1),
			     LL(result->mark));

	if (result->boost_decides && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n,
			 "; %s%lld of those %lld are a temporary boost of the watermark, without "
			 "which it would have passed",
			 zone->boost_at_least ? "at least " : "", LL(boost), LL(result->mark));
}

/* All that the test takes off what is free, so that the numbers add up. */
static void say_held_back(const struct pb_rule_zone *zone, const struct pb_rule_result *result,
			  bool cma, char *text, size_t size)
{
	int64_t other = cma ? result->highatomic : result->cma;
	char left[24] = "none", more[96] = "", own[96] = "";
	int64_t beyond = result->usable > 0 ? result->above_order : 0;

	if (result->usable > 0)
		snprintf(left, sizeof(left), "%lld", LL(result->usable));
	if (other > 0)
		snprintf(more, sizeof(more), ", %s%lld are %s", beyond ? "" : "and ", LL(other),
			 cma ? "held back as the highatomic reserve" : "CMA's");
	if (beyond)
		snprintf(own, sizeof(own), ", and %lld go%s to the request beyond one page",
			 LL(beyond), beyond == 1 ? "es" : "");
	if (cma)
		snprintf(text, size,
			 "of %lld free pages %lld are CMA's%s%s; that leaves %s, and it takes more "
			 "than %lld",
			 LL(zone->free), LL(result->cma), more, own, left,
			 LL(result->mark + result->reserve));
	else
		snprintf(text, size,
			 "%lld pages are free, %s%lld are held back as the highatomic reserve%s%s; "
			 "that leaves %s, and it takes more than %lld",
			 LL(zone->free), other > 0 || beyond ? "" : "and ", LL(result->highatomic),
			 more, own, left, LL(result->mark + result->reserve));
}

/* CMA or highatomic hold too much of the free memory, or the only blocks. */
static void say_type(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		     const struct pb_rule_result *result, char *text, size_t size)
{
	bool cma = result->word == PB_SAYS_CMA;
	const char *whose = cma ? "CMA's" : "in the highatomic reserve";

	if (!result->by_list)
		say_held_back(zone, result, cma, text, size);
	else if (result->usable_order < 0)
		snprintf(text, size,
			 "%lld usable pages are more than the %lld it takes, but all free "
			 "blocks are %s (the largest of order %d)",
			 LL(result->usable), LL(result->mark + result->reserve), whose,
			 cma ? result->cma_order : result->highatomic_order);
	else
		snprintf(text, size,
			 "%lld usable pages are more than the %lld it takes, but all free "
			 "blocks of order %u or above are %s; its own go up to order %d",
			 LL(result->usable), LL(result->mark + result->reserve), request->order,
			 whose, result->usable_order);
}

/* Without watermarks: what the lists alone tell. */
static void say_lists(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		      const struct pb_rule_result *result, char *text, size_t size)
{
	if (result->word == PB_SAYS_UNKNOWN)
		snprintf(text, size,
			 "a block of order %d is free; whether the request may have it depends on "
			 "the watermarks, which are not known without zoneinfo",
			 result->usable_order);
	else if (result->usable_order < 0)
		snprintf(text, size, "of %lld free pages none is in a block that it may use",
			 LL(zone->free));
	else
		snprintf(text, size,
			 "%lld pages are free, but no block of order %u or above that it may use; "
			 "the largest is of order %d",
			 LL(zone->free), request->order, result->usable_order);
}

static void say_fragmented(const struct pb_rule_request *request,
			   const struct pb_rule_result *result, char *text, size_t size)
{
	if (result->old_order >= 0 && result->old_free <= 0)
		snprintf(text, size,
			 "enough pages are free, but by this kernel's count, order by order, none "
			 "is left above order %d, and it takes more than %lld",
			 result->old_order, LL(result->old_mark));
	else if (result->old_order >= 0)
		snprintf(text, size,
			 "enough pages are free, but by this kernel's count, order by order, %lld "
			 "usable page%s left above order %d, and it takes more than %lld",
			 LL(result->old_free), result->old_free == 1 ? " is" : "s are",
			 result->old_order, LL(result->old_mark));
	else if (result->usable_order < 0)
		snprintf(text, size,
			 "%lld usable pages are more than the %lld it takes, but no free "
			 "block is there that it may use",
			 LL(result->usable), LL(result->mark + result->reserve));
	else
		snprintf(text, size,
			 "%lld usable pages are more than the %lld it takes, but the largest "
			 "free block is of order %d, not %u",
			 LL(result->usable), LL(result->mark + result->reserve),
			 result->usable_order, request->order);
}

void pb_rule_reason(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		    const struct pb_rule_result *result, char *text, size_t size)
{
	int64_t left = zone->free - result->above_order;

	if (zone->no_marks) {
		say_lists(request, zone, result, text, size);
		return;
	}
	switch (result->word) {
	case PB_SAYS_WATERMARK:
		say_watermark(request, zone, result, text, size);
		break;
	case PB_SAYS_LOWMEM_RESERVE:
		snprintf(text, size,
			 "%lld usable page%s, and it takes more than %lld: %lld by the mark and "
			 "%lld kept for requests that can use no higher zone",
			 LL(left), plural(left), LL(result->mark + result->reserve),
			 LL(result->mark), LL(result->reserve));
		break;
	case PB_SAYS_CMA:
	case PB_SAYS_HIGHATOMIC:
		say_type(request, zone, result, text, size);
		break;
	case PB_SAYS_FRAGMENTED:
		say_fragmented(request, result, text, size);
		break;
	case PB_SAYS_UNKNOWN:
		snprintf(text, size,
			 "as far as the text goes %lld usable page%s, more than the %lld it takes; "
			 "what would decide (%s) is not in the text",
			 LL(result->usable), plural(result->usable),
			 LL(result->mark + result->reserve),
			 zone->has_lists ? "the rest of the zone's line or list"
					 : "the free lists");
		break;
	default:
		if (zone->has_lists)
			snprintf(text, size,
				 "%lld usable page%s, more than the %lld it takes, and a "
				 "block of order %d is free",
				 LL(result->usable), plural(result->usable),
				 LL(result->mark + result->reserve), result->usable_order);
		else
			snprintf(text, size,
				 "%lld usable page%s, more than the %lld it takes; the free "
				 "lists are not in the text",
				 LL(result->usable), plural(result->usable),
				 LL(result->mark + result->reserve));
	}
}

void pb_rule_arithmetic(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
			const struct pb_rule_result *result, char *text, size_t size)
{
	bool passes = result->usable > result->mark + result->reserve;
	int n = snprintf(text, size, "%lld - %lld - %lld - %lld = %lld pages, %s %lld + %lld",
			 LL(zone->free), LL(result->above_order), LL(result->cma),
			 LL(result->highatomic), LL(result->usable), passes ? "above" : "not above",
			 LL(result->mark), LL(result->reserve));

	(void)request;
	if (!passes || !zone->has_lists || n < 0 || (size_t)n >= size)
		return;
	if (result->old_order >= 0)
		snprintf(text + n, size - (size_t)n,
			 "; %lld pages in blocks above order %d, not above %lld",
			 LL(result->old_free), result->old_order, LL(result->old_mark));
	else
		snprintf(text + n, size - (size_t)n, "; largest usable block: order %d",
			 result->usable_order);
}

/* --------------------------------------------------------------- the sentence */

static void add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

void pb_rule_request_text(int64_t kb, int order, const char *gfp, char *text, size_t size)
{
	char bytes[32];

	snprintf(text, size, "%s (order %d%s%s)", pb_rule_size(kb, bytes, sizeof(bytes)), order,
		 gfp ? ", " : "", gfp ? gfp : "");
}

void pb_rule_who(const struct pb_rule_told *told, char *text, size_t size)
{
	size_t start;

	*text = '\0';
	if (!told->comm) {
		add(text, size, "A request for %s", told->request);
	} else {
		start = strlen(text);
		add(text, size, "%s", *told->comm ? told->comm : "A task without a name");
		/* bytes of a log need not be UTF-8 */
		for (char *c = text + start; *c; c++)
			if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
				*c = '?';
		if (told->pid >= 0)
			add(text, size, " (pid %d)", told->pid);
		add(text, size, " asked for %s", told->request ? told->request : "memory");
	}
	if (told->when)
		add(text, size, " at %s", told->when);
}

static void say_outcome(const struct pb_rule_told *told, char *text, size_t size)
{
	const char *refused = told->comm ? " and was refused" : " would be refused at once";

	switch (told->word) {
	case PB_SAYS_WOULD_SUCCEED:
		add(text, size, "%s",
		    told->comm ? " and was refused, but at the moment of the dump it would have "
				 "been served"
			       : " would be served at once");
		break;
	case PB_SAYS_UNKNOWN:
	case PB_SAYS_NO_DUMP:
		if (!told->comm)
			add(text, size, "%s",
			    told->zone ? " may be served"
				       : "; whether it would be served can't be told");
		else
			add(text, size, "%s; by which rule %s", refused,
			    told->zone ? "the text is cut too early to tell" : "can't be told");
		break;
	case PB_SAYS_NO_ZONE:
		add(text, size, "%s because no zone that it may use has memory", refused);
		break;
	default:
		add(text, size, "%s by %s", refused, pb_rule_cause(told->word));
		if (told->other != PB_SAYS_NONE)
			add(text, size, " or %s", pb_rule_cause(told->other));
	}
}

void pb_rule_add_other(struct pb_rule_told *told, int node, const char *zone,
		       enum pb_verdict_word word)
{
	if (told->nr_others < PB_RULE_OTHERS)
		told->others[told->nr_others] = (struct pb_rule_other){ node, zone, word };
	told->nr_others++;
}

/* "; Node 0 DMA, DMA32: lowmem_reserve" */
static void say_others_of(const struct pb_rule_told *told, enum pb_verdict_word word, char *text,
			  size_t size)
{
	const struct pb_rule_other *before = NULL;

	for (unsigned int i = 0; i < told->nr_others; i++) {
		const struct pb_rule_other *other = &told->others[i];

		if (other->word != word)
			continue;
		if (!before || before->node != other->node)
			add(text, size, "%s Node %d", before ? "," : ";", other->node);
		else
			add(text, size, ",");
		add(text, size, " %s", other->zone);
		before = other;
	}
	if (before)
		add(text, size, ": %s", pb_verdict_word(word));
}

/* Where something was refused for certain. */
static bool names_others(const struct pb_rule_told *told)
{
	return told->word != PB_SAYS_WOULD_SUCCEED && told->word != PB_SAYS_UNKNOWN &&
	       told->nr_others <= PB_RULE_OTHERS;
}

void pb_rule_sentence(const struct pb_rule_told *told, char *text, size_t size)
{
	pb_rule_who(told, text, size);
	say_outcome(told, text, size);
	if (told->zone)
		add(text, size, " in Node %d, zone %s: %s", told->node, told->zone, told->reason);
	if (told->zone && names_others(told))
		for (unsigned int word = 0; word < PB_NR_VERDICT_WORDS; word++)
			say_others_of(told, (enum pb_verdict_word)word, text, size);
	if (!told->zone && told->reason)
		add(text, size, ", for %s", told->reason);
}
