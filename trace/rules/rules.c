/* SPDX-License-Identifier: MIT */
/*
 * The watermark test by release; its arithmetic is the core's. A worked case, GFP_ATOMIC on a 6.1 kernel:
 *
 *	min 1001: high, 1001 - 500 = 501; harder too, 501 - 125 = 376
 *	free 400, order 2: 400 - 3 = 397 > 376 + lowmem_reserve 0: passes; is there a block?
 */
#include <stdlib.h>

#include <pagebuddy/pagebuddy.h>

#define WMARK_PAGES int64_t
#include "../../core/base/watermark_rules.h"
#include "rules.h"

#define V4_4 PB_RELEASE(4, 4, 0)
#define V5_5 PB_RELEASE(5, 5, 0)
#define V5_10 PB_RELEASE(5, 10, 0)
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

bool pb_rule_atomic(const struct pb_rule_request *request)
{
	if (request->release < V4_4)
		return !pb_rule_may_sleep(request);
	if (request->release < V6_3)
		return request->gfp & PB_GFP_ATOMIC_BIT;
	return request->gfp & PB_GFP_HIGH && !pb_rule_may_sleep(request);
}

/* How kernels from a release on read a request's urgency; the last row that holds. */
static const struct {
	uint32_t from;
	struct wmark_urgency urgency;
} versions[] = {
	{ 0, { .high = ALLOC_HIGH, .harder = ALLOC_QUARTER } },
	{ V4_4,
	  { .atomic_bit = true, .high = ALLOC_HIGH, .harder = ALLOC_QUARTER | ALLOC_RESERVES } },
	{ V5_10,
	  { .atomic_bit = true,
	    .high = ALLOC_HIGH,
	    .harder = ALLOC_QUARTER | ALLOC_RESERVES,
	    .unboosted_gfp = PB_GFP_ATOMIC_BIT } },
	{ V6_3,
	  { .high = ALLOC_HIGH | ALLOC_RESERVES,
	    .harder = ALLOC_RESERVES,
	    .harder_high = ALLOC_QUARTER,
	    .highatomic_gfp = PB_GFP_HIGH,
	    .unboosted_gfp = PB_GFP_HIGH } },
};

static const struct wmark_urgency *urgency_of(uint32_t release)
{
	size_t i = sizeof(versions) / sizeof(versions[0]) - 1;

	while (versions[i].from > release)
		i--;
	return &versions[i].urgency;
}

/* The core's allocation flags, as far as they matter for the watermark test. */
static unsigned int alloc_flags(const struct pb_rule_request *request)
{
	const struct wmark_urgency *urgency = urgency_of(request->release);
	pb_gfp_t gfp = request->gfp;
	unsigned int flags;

	if (request->release < V3_0)
		gfp &= ~(pb_gfp_t)PB_GFP_NOMEMALLOC;
	flags = wmark_flags(urgency, gfp, request->order);
	if (request->release < V4_4)
		flags |= ALLOC_RESERVES; /* there is no highatomic reserve yet */
	if (request->release < V3_6 || gfp & PB_GFP_MOVABLE)
		flags |= ALLOC_CMA;
	return flags;
}

bool pb_rule_may_use_reserve(const struct pb_rule_request *request)
{
	return alloc_flags(request) & ALLOC_RESERVES;
}

int64_t pb_rule_mark(const struct pb_rule_request *request, int64_t min, int64_t boost)
{
	if (!request->order && request->gfp & urgency_of(request->release)->unboosted_gfp)
		min -= boost;
	return wmark_lowered(min, alloc_flags(request));
}

bool pb_rule_type_usable(const struct pb_rule_request *request, uint8_t letter)
{
	static const struct {
		uint8_t letter;
		enum pb_migratetype type;
	} types[] = {
		{ PB_LETTER_C, PB_MIGRATE_CMA },
		{ PB_LETTER_H, PB_MIGRATE_HIGHATOMIC },
		{ PB_LETTER_I, PB_MIGRATE_ISOLATE },
	};
	enum pb_migratetype type = PB_MIGRATE_UNMOVABLE; /* these serve everybody, R too */

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (letter == types[i].letter)
			type = types[i].type;
	return wmark_type_usable(type, alloc_flags(request));
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
	if (alloc_flags(request) & ALLOC_RESERVES)
		return 0;
	if (request->release < V5_5)
		return highatomic_estimate(zone);
	return request->release < V6_13 ? zone->reserved_highatomic : zone->free_highatomic;
}

static int64_t cma_pages(const struct pb_rule_request *request, const struct pb_rule_zone *zone)
{
	return alloc_flags(request) & ALLOC_CMA ? 0 : zone->free_cma;
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

	/* a page is free if enough are; in which blocks they lie is not known */
	if (!zone->has_lists)
		return request->order ? PB_SAYS_UNKNOWN : PB_SAYS_WOULD_SUCCEED;
	if (request->release < V4_4 && !old_orders_pass(request, zone, result))
		return PB_SAYS_FRAGMENTED;
	if (result->usable_order >= order)
		return PB_SAYS_WOULD_SUCCEED;
	if (result->cma_order < order && result->highatomic_order < order)
		return PB_SAYS_FRAGMENTED;
	result->by_list = true;
	return larger_of(result->cma_order, result->highatomic_order);
}

static enum pb_verdict_word judge_pages(const struct pb_rule_request *request,
					const struct pb_rule_zone *zone,
					struct pb_rule_result *result)
{
	int64_t left = zone->free - result->above_order, unboosted;

	if (!wmark_passes(left, result->mark, 0)) {
		unboosted = pb_rule_mark(request, zone->min - zone->boost, 0);
		result->boost_decides = wmark_passes(result->usable, unboosted, result->reserve);
		return PB_SAYS_WATERMARK;
	}
	if (!wmark_passes(left, result->mark, result->reserve))
		return PB_SAYS_LOWMEM_RESERVE;
	if (!wmark_passes(result->usable, result->mark, result->reserve))
		return larger_of(result->cma, result->highatomic);
	return judge_blocks(request, zone, result);
}

void pb_rule_judge(const struct pb_rule_request *request, const struct pb_rule_zone *zone,
		   struct pb_rule_result *result)
{
	*result = (struct pb_rule_result){ .old_order = -1 };
	result->above_order = wmark_above_order(request->order);
	result->mark = pb_rule_mark(request, zone->min, zone->boost);
	result->reserve = zone->reserve;
	result->cma = cma_pages(request, zone);
	result->highatomic = highatomic_pages(request, zone);
	result->usable = zone->free - result->above_order - result->cma - result->highatomic;
	find_blocks(request, zone, result);
	if (!zone->no_marks) {
		result->word = judge_pages(request, zone, result);
		return;
	}
	result->word = judge_blocks(request, zone, result);
	if (result->word == PB_SAYS_WOULD_SUCCEED)
		result->word = PB_SAYS_UNKNOWN;
}
