/* SPDX-License-Identifier: MIT */
/*
 * Checksums. A change of one byte always changes a sum: every step of it is
 * one-to-one.
 */
#include "base/seal.h"

#define SUM_START 0xcbf29ce484222325u
#define SUM_FACTOR 0x100000001b3u /* odd, so that multiplication is one-to-one */

static u64 sum_bytes(u64 sum, const void *from, size_t n)
{
	const unsigned char *bytes = from;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * SUM_FACTOR;
	return sum;
}

static const void *at(const struct pb_super *s, u64 offset)
{
	return (const unsigned char *)s + offset;
}

/* The fields that never change lie in one piece, from first_span to bitmap_words. */
static u64 sum_zone(u64 sum, const struct zone *zone)
{
	const unsigned char *from = (const unsigned char *)&zone->first_span;

	sum = sum_bytes(sum, &zone->start_pfn, sizeof(zone->start_pfn));
	return sum_bytes(sum, from, (size_t)((const unsigned char *)&zone->pcp_batch - from));
}

static u64 sum_stripe(u64 sum, const struct stripe *stripe)
{
	sum = sum_bytes(sum, &stripe->zone, sizeof(stripe->zone));
	sum = sum_bytes(sum, &stripe->number, sizeof(stripe->number));
	sum = sum_bytes(sum, &stripe->areas, sizeof(stripe->areas));
	sum = sum_bytes(sum, &stripe->bitmaps, sizeof(stripe->bitmaps));
	return sum_bytes(sum, &stripe->min_error, sizeof(stripe->min_error));
}

static u64 sum_map(const struct pb_super *s)
{
	const struct stripe *stripes = at(s, s->stripes);
	const struct zone *zones = at(s, s->zones);
	u64 sum = SUM_START;

	/* nodes, zonelists, nodes of CPUs and segments follow each other */
	sum = sum_bytes(sum, at(s, s->nodes), (size_t)(s->zones - s->nodes));
	for (u32 i = 0; i < s->nr_zones; i++)
		sum = sum_zone(sum, &zones[i]);
	for (u32 i = 0; i < s->nr_stripes; i++)
		sum = sum_stripe(sum, &stripes[i]);
	return sum;
}

static u64 sum_super(const struct pb_super *s)
{
	return sum_bytes(SUM_START, s, offsetof(struct pb_super, super_sum));
}

void seal_super(struct pb_super *super)
{
	if (!PB_WITH_ATTACH)
		return;
	super->map_sum = sum_map(super);
	super->super_sum = sum_super(super);
}

bool super_sealed(const struct pb_super *super)
{
	return !PB_WITH_ATTACH || super->super_sum == sum_super(super);
}

bool map_sealed(const struct pb_super *super)
{
	return !PB_WITH_ATTACH || super->map_sum == sum_map(super);
}

/* What the tunables decide lies in two pieces of a zone: from its start to lowmem_reserve, and
   from pcp_batch to stat_threshold. */
static u64 sum_sizes(const struct pb_super *s)
{
	const struct zone *zones = at(s, s->zones);
	u64 sum = sum_bytes(SUM_START, &s->tunables, sizeof(s->tunables));

	sum = sum_bytes(sum, &s->totalreserve, sizeof(s->totalreserve));
	for (u32 i = 0; i < s->nr_zones; i++) {
		sum = sum_bytes(sum, &zones[i], offsetof(struct zone, start_pfn));
		sum = sum_bytes(sum, &zones[i].pcp_batch,
				offsetof(struct zone, stat_threshold) + sizeof(s32) -
					offsetof(struct zone, pcp_batch));
	}
	return sum;
}

void seal_sizes(struct pb_super *super)
{
	if (PB_WITH_ATTACH)
		store_relaxed(&super->sizes_sum, sum_sizes(super));
}

bool sizes_sealed(const struct pb_super *super)
{
	return !PB_WITH_ATTACH || super->sizes_sum == sum_sizes(super);
}
