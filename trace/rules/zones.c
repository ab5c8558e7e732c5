/* SPDX-License-Identifier: MIT */
/* Zone types: which there are, and which a request may use. */
#include <pagebuddy/pagebuddy.h>

#include "zones.h"

#define V PB_RELEASE
#define BIT(type) (1u << (type))

static unsigned int count_bits(unsigned int bits)
{
	return (unsigned int)__builtin_popcount(bits);
}

int pb_rule_type_index(unsigned int configured, int type)
{
	return (int)count_bits(configured & (BIT(type) - 1));
}

/* Nodes and their zones are printed in ascending order. */
static bool is_shown(const struct pb_rule_dump *dump, int node, int type)
{
	const struct pb_rule_printed *last = &dump->zones[dump->nr_zones - 1];

	if (dump->cut && node == last->node && type > last->type)
		return true; /* or would be, if the text went on */
	for (unsigned int i = 0; i < dump->nr_zones; i++)
		if (dump->zones[i].node == node && dump->zones[i].type == type)
			return !dump->zones[i].empty;
	return false;
}

static int type_at(unsigned int configured, int index)
{
	int type = 0;

	while (type < PB_NR_ZONE_TYPES && (!(configured & BIT(type)) || index-- > 0))
		type++;
	return type;
}

/*
 * A zone keeps nothing from requests for itself and for those below it; and where
 * an entry is larger than the one before, a zone of that type has pages: it is in
 * the dump, unless it lies above all that the request may use (left out since 6.2).
 */
static bool contradicts(const struct pb_rule_dump *dump, unsigned int configured)
{
	int highest = dump->all_zones || dump->release < V(6, 2, 0)
			      ? PB_NR_ZONE_TYPES
			      : pb_rule_highest_type(dump->gfp, configured);

	for (unsigned int i = 0; i < dump->nr_zones; i++) {
		const struct pb_rule_printed *zone = &dump->zones[i];
		int own = pb_rule_type_index(configured, zone->type);
		int64_t most = 0;

		for (int k = 0; k < (int)zone->nr_reserve; k++) {
			int type = type_at(configured, k);

			if (zone->reserve[k] <= most)
				continue;
			most = zone->reserve[k];
			if (k <= own || (type <= highest && !is_shown(dump, zone->node, type)))
				return true;
		}
	}
	return false;
}

/* How unlikely it is that just these types are configured. */
static unsigned int unlikely(const struct pb_rule_dump *dump, unsigned int configured,
			     unsigned int seen)
{
	unsigned int points = 0;

	if (!(configured & BIT(PB_ZONE_NORMAL)))
		points += 100;
	if (!(configured & BIT(PB_ZONE_MOVABLE)) && dump->release >= V(2, 6, 23))
		points += 50;
	if ((configured & BIT(PB_ZONE_MOVABLE)) && dump->release < V(2, 6, 23))
		points += 50;
	if ((configured & ~seen) & BIT(PB_ZONE_HIGHMEM))
		points += 20;
	if ((configured & BIT(PB_ZONE_HIGHMEM)) && (configured & BIT(PB_ZONE_DMA32)))
		points += 10;
	if (!(configured & BIT(PB_ZONE_DMA)))
		points += 8;
	if (!(configured & BIT(PB_ZONE_DMA32)) && !(configured & BIT(PB_ZONE_HIGHMEM)))
		points += 4;
	if (configured & ~seen & BIT(PB_ZONE_DEVICE))
		points += 2;
	return points + (contradicts(dump, configured) ? 200 : 0);
}

/* lowmem_reserve[] has an entry for each configured type, so it tells how many. */
unsigned int pb_rule_configured(const struct pb_rule_dump *dump)
{
	unsigned int seen = 0, nr = 0, best = ~0u, configured;

	for (unsigned int i = 0; i < dump->nr_zones; i++) {
		seen |= BIT(dump->zones[i].type);
		if (dump->zones[i].nr_reserve > nr)
			nr = dump->zones[i].nr_reserve;
	}
	configured = seen | BIT(PB_ZONE_NORMAL) | BIT(PB_ZONE_MOVABLE);
	for (unsigned int set = 1; nr && set < 1u << PB_NR_ZONE_TYPES; set++) {
		unsigned int points;

		if (count_bits(set) != nr || (set & seen) != seen)
			continue;
		points = unlikely(dump, set, seen);
		if (points < best) {
			best = points;
			configured = set;
		}
	}
	return configured;
}

int pb_rule_highest_type(uint32_t gfp, unsigned int configured)
{
	static const struct {
		uint32_t mask, is;
		int type;
	} rules[] = {
		{ PB_GFP_DMA, PB_GFP_DMA, PB_ZONE_DMA },
		{ PB_GFP_DMA32, PB_GFP_DMA32, PB_ZONE_DMA32 },
		{ PB_GFP_HIGHMEM | PB_GFP_MOVABLE, PB_GFP_HIGHMEM | PB_GFP_MOVABLE,
		  PB_ZONE_MOVABLE },
		{ PB_GFP_HIGHMEM, PB_GFP_HIGHMEM, PB_ZONE_HIGHMEM },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((gfp & rules[i].mask) == rules[i].is && (configured & BIT(rules[i].type)))
			return rules[i].type;
	return PB_ZONE_NORMAL;
}

int pb_rule_class(uint32_t release, int highest, unsigned int populated)
{
	if (release >= V(5, 8, 0))
		return highest;
	while (highest >= 0 && !(populated & BIT(highest)))
		highest--;
	return highest;
}
