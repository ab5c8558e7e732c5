/* SPDX-License-Identifier: MIT */
/*
 * The watermark test by release. A worked case, GFP_ATOMIC on a 6.1 kernel:
 *
 *	min 1001: high, 1001 - 500 = 501; harder too, 501 - 125 = 376
 *	free 400, order 2: 400 - 3 = 397 > 376 + lowmem_reserve 0: passes; is there a block?
 */
#include <stdlib.h>

#include <pagebuddy/pagebuddy.h>

#include "rules.h"

#define V4_4 PB_RELEASE(4, 4, 0)
#define V5_5 PB_RELEASE(5, 5, 0)
#define V6_3 PB_RELEASE(6, 3, 0)
#define V6_13 PB_RELEASE(6, 13, 0)
#define V3_0 PB_RELEASE(3, 0, 0)
#define V3_6 PB_RELEASE(3, 6, 0)

uint32_t pb_release_parse(const char *text)
{
	unsigned long part[3] = { 0, 0, 0 };
	char *end;

	for (int i = 0; i < 3; i++) {
		if (*text < '0' || *text > '9')
			return i > 1 ? PB_RELEASE(part[0], part[1], 0) : 0;
		part[i] = strtoul(text, &end, 10);
		if (part[i] > 255)
			part[i] = 255;
		text = end;
		if (*text != '.')
			return i ? PB_RELEASE(part[0], part[1], part[2]) : 0;
		text++;
	}
	return PB_RELEASE(part[0], part[1], part[2]);
}

const char *pb_verdict_word(enum pb_verdict_word word)
{
	static const char *const words[PB_NR_VERDICT_WORDS] = {
		[PB_SAYS_WOULD_SUCCEED] = "would_succeed",
		[PB_SAYS_WATERMARK] = "watermark",
		[PB_SAYS_LOWMEM_RESERVE] = "lowmem_reserve",
		[PB_SAYS_CMA] = "migratetype_cma",
		[PB_SAYS_HIGHATOMIC] = "highatomic",
		[PB_SAYS_FRAGMENTED] = "fragmented",
		[PB_SAYS_UNKNOWN] = "unknown",
		[PB_SAYS_NO_ZONE] = "no_zone",
		[PB_SAYS_NOT_PAGE_ALLOCATOR] = "not_page_allocator",
		[PB_SAYS_MEMCG] = "memcg",
		[PB_SAYS_NO_DUMP] = "no_dump",
		[PB_SAYS_NONE] = "none",
	};

	return (unsigned int)word < PB_NR_VERDICT_WORDS ? words[word] : "?";
}

/* ---------------------------------------------------------------- who may what */

bool pb_rule_may_sleep(const struct pb_rule_request *request)
{
	return request->gfp & PB_GFP_DIRECT_RECLAIM;
}

bool pb_rule_high(const struct pb_rule_request *request)
{
	return request->gfp & PB_GFP_HIGH;
}

bool pb_rule_atomic(const struct pb_rule_request *request)
{
	if (request->release < V4_4)
		return !pb_rule_may_sleep(request);
	if (request->release < V6_3)
		return request->gfp & PB_GFP_ATOMIC_BIT;
	return pb_rule_high(request) && !pb_rule_may_sleep(request);
}

bool pb_rule_harder(const struct pb_rule_request *request)
{
	bool nomemalloc = request->gfp & PB_GFP_NOMEMALLOC;

	if (request->release < V3_0)
		nomemalloc = false;
	if (request->release < V4_4 || request->release >= V6_3)
		return !pb_rule_may_sleep(request) && !nomemalloc;
	return (request->gfp & PB_GFP_ATOMIC_BIT) && !nomemalloc;
}

int64_t pb_rule_mark(const struct pb_rule_request *request, int64_t min, int64_t boost)
{
	bool high = pb_rule_high(request), harder = pb_rule_harder(request);

	if (request->release >= V6_3) {
		if (high && !request->order)
			min -= boost;
		harder = high && harder;
	}
	if (high)
		min -= min / 2;
	if (harder)
		min -= min / 4;
	return min;
}

bool pb_rule_type_usable(const struct pb_rule_request *request, uint8_t letter)
{
	switch (letter) {
	case PB_LETTER_C:
		return request->gfp & PB_GFP_MOVABLE;
	case PB_LETTER_H:
		if (!request->order || !pb_rule_harder(request))
			return false;
		return request->release < V6_3 || pb_rule_high(request);
	case PB_LETTER_I:
		return false;
	default:
		return true;
	}
}

/* --------------------------------------------------------------- pages kept back */

/* 4.4 to 5.4 do not print the reserve: what of it can be free at most. */
static int64_t highatomic_estimate(const struct pb_rule_zone *zone)
{
	int64_t listed = 0, most = zone->managed / 100;

	if (!zone->has_lists || !zone->has_letters)
		return 0;
	for (unsigned int o = 0; o < zone->nr_orders; o++)
		if (zone->letters[o] & PB_LETTER_H)
			listed += (int64_t)(zone->blocks[o] << o);
	return listed < most ? listed : most;
}

static int64_t highatomic_pages(const struct pb_rule_request *request,
				const struct pb_rule_zone *zone)
{
	bool high = pb_rule_high(request), harder = pb_rule_harder(request);

	if (request->release < V4_4 || harder)
		return 0;
	if (request->release < V5_5)
		return highatomic_estimate(zone);
	if (request->release >= V6_3 && high)
		return 0;
	return request->release < V6_13 ? zone->reserved_highatomic : zone->free_highatomic;
}

static int64_t cma_pages(const struct pb_rule_request *request, const struct pb_rule_zone *zone)
{
	if (request->release < V3_6 || (request->gfp & PB_GFP_MOVABLE))
		return 0;
	return zone->free_cma;
}

/* ------------------------------------------------------------------------ blocks */

static void find_blocks(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
			struct pb_rule_result *result)
{
	result->usable_order = result->cma_order = result->highatomic_order = -1;
	for (int o = 0; o < (int)zone->nr_orders; o++) {
		uint8_t letters = zone->has_letters ? zone->letters[o] : PB_LETTER_U;

		if (!zone->blocks[o])
			continue;
		/* a list of which the letters are lost is taken for an ordinary one */
		if (!letters)
			letters = PB_LETTER_U;
		for (unsigned int bit = PB_LETTER_U; bit <= PB_LETTER_I; bit <<= 1)
			if ((letters & bit) && pb_rule_type_usable(request, (uint8_t)bit))
				result->usable_order = o;
		if (letters & PB_LETTER_C)
			result->cma_order = o;
		if (letters & PB_LETTER_H)
			result->highatomic_order = o;
	}
}

/*
 * Up to 4.3 the test goes on order by order: what lies in blocks below the
 * order is of no use, and each order may go half as deep.
 */
static bool old_orders_pass(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
			    struct pb_rule_result *result)
{
	int64_t left = zone->free - result->above_order, mark = result->mark;

	for (unsigned int o = 0; o < request->order && o < zone->nr_orders; o++) {
		left -= (int64_t)(zone->blocks[o] << o);
		mark /= 2;
		if (left <= mark) {
			result->old_order = (int)o;
			result->old_free = left;
			result->old_mark = mark;
			return false;
		}
	}
	return true;
}

static enum pb_verdict_word larger_of(int64_t cma, int64_t highatomic)
{
	return cma >= highatomic ? PB_SAYS_CMA : PB_SAYS_HIGHATOMIC;
}

static enum pb_verdict_word judge_blocks(const struct pb_rule_request *request,
					 const struct pb_rule_zone *zone,
					 struct pb_rule_result *result)
{
	int order = (int)request->order;

	if (!zone->has_lists)
		return PB_SAYS_WOULD_SUCCEED;
	if (request->release < V4_4 && !old_orders_pass(request, zone, result))
		return PB_SAYS_FRAGMENTED;
	if (result->usable_order >= order)
		return PB_SAYS_WOULD_SUCCEED;
	if (result->cma_order < order && result->highatomic_order < order)
		return PB_SAYS_FRAGMENTED;
	result->by_list = true;
	return larger_of(result->cma_order, result->highatomic_order);
}

void pb_rule_judge(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		   struct pb_rule_result *result)
{
	int64_t left, limit;

	*result = (struct pb_rule_result){ .old_order = -1 };
	result->above_order = ((int64_t)1 << request->order) - 1;
	result->mark = pb_rule_mark(request, zone->min, zone->boost);
	result->reserve = zone->reserve;
	result->cma = cma_pages(request, zone);
	result->highatomic = highatomic_pages(request, zone);
	left = zone->free - result->above_order;
	result->usable = left - result->cma - result->highatomic;
	limit = result->mark + result->reserve;
	find_blocks(request, zone, result);
	if (zone->no_marks) {
		result->word = judge_blocks(request, zone, result);
		if (result->word == PB_SAYS_WOULD_SUCCEED)
			result->word = PB_SAYS_UNKNOWN;
	} else if (left <= result->mark) {
		result->word = PB_SAYS_WATERMARK;
		result->boost_decides = result->usable >
					pb_rule_mark(request, zone->min - zone->boost, 0) +
						result->reserve;
	} else if (left <= limit) {
		result->word = PB_SAYS_LOWMEM_RESERVE;
	} else if (result->usable <= limit) {
		result->word = larger_of(result->cma, result->highatomic);
	} else {
		result->word = judge_blocks(request, zone, result);
	}
}

enum pb_rule_step pb_rule_step(const struct pb_rule_result *result)
{
	int64_t one = result->usable + result->above_order;
	int64_t limit = result->mark + result->reserve;

	switch (result->word) {
	case PB_SAYS_WOULD_SUCCEED:
	case PB_SAYS_UNKNOWN:
		return PB_STEP_SERVED;
	case PB_SAYS_FRAGMENTED:
		return PB_STEP_PIECES;
	default:
		break;
	}
	if (result->by_list)
		return PB_STEP_TYPE;
	if (one > limit)
		return PB_STEP_PAGES;
	if (one > result->mark)
		return PB_STEP_RESERVE;
	return one + result->highatomic > limit ? PB_STEP_HIGHATOMIC : PB_STEP_MEMORY;
}
