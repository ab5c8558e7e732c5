/* SPDX-License-Identifier: MIT */
#include "base/regions.h"

/* pfns are below 2^52, nodes below 64. pre: the region was checked. */
static u64 key(enum regions_order order, const struct pb_region *r)
{
	return order == BY_PFN ? r->start_pfn : ((u64)r->node << 3 | r->zone) << 52 | r->start_pfn;
}

static bool less(enum regions_order order, const struct pb_region *a, const struct pb_region *b)
{
	u64 a_key = key(order, a), b_key = key(order, b);

	return a_key != b_key ? a_key < b_key : a < b; /* equal ones: as in the array */
}

static bool wanted(const struct regions *r, u32 i)
{
	const struct pb_region *region = &r->config->regions[i];

	return region->kind == r->kind && region->end_pfn > r->above;
}

/* Which way the array is sorted, if it is. */
static int direction(const struct regions *r)
{
	const struct pb_region *last = NULL;
	bool up = true, down = true;

	for (u32 i = 0; i < r->config->nr_regions; i++) {
		const struct pb_region *region = &r->config->regions[i];

		if (!wanted(r, i))
			continue;
		if (last && less(r->order, last, region))
			down = false;
		else if (last)
			up = false;
		last = region;
	}
	return up ? 1 : down ? -1 : 0;
}

static void insert(struct regions *r, u32 i)
{
	const struct pb_region *all = r->config->regions;
	u32 at = r->n < REGIONS_BATCH ? r->n++ : REGIONS_BATCH - 1;

	for (; at && less(r->order, &all[i], &all[r->batch[at - 1]]); at--)
		r->batch[at] = r->batch[at - 1];
	r->batch[at] = i;
}

/* Do more of the smaller ones stand at the end of the array? */
static bool from_the_end(const struct regions *r)
{
	const struct pb_region *all = r->config->regions;
	u32 first = 0, last = r->config->nr_regions - 1;

	while (first < last && !wanted(r, first))
		first++;
	while (first < last && !wanted(r, last))
		last--;
	return less(r->order, &all[last], &all[first]);
}

/* The smallest of those behind the batch's last; begun where the smaller ones are, so
   that few are inserted only to be pushed out again. */
static void refill(struct regions *r)
{
	const struct pb_region *all = r->config->regions;
	const struct pb_region *last = r->n ? &all[r->batch[r->n - 1]] : NULL;
	u64 above = r->above, low = last ? key(r->order, last) : 0, high = UINT64_MAX;
	u32 n = r->config->nr_regions, step = 1, i = 0;

	if (last && r->n < REGIONS_BATCH)
		return; /* that was the last batch */
	if (from_the_end(r)) {
		step = UINT32_MAX; /* -1 */
		i = n - 1;
	}
	r->at = r->n = 0;
	for (u32 left = n; left; left--, i += step) {
		const struct pb_region *region = &all[i];
		u64 k = key(r->order, region);

		if (region->kind != r->kind || k < low || k > high || region->end_pfn <= above)
			continue;
		if (last && !less(r->order, last, region))
			continue;
		if (r->n == REGIONS_BATCH &&
		    !less(r->order, region, &all[r->batch[REGIONS_BATCH - 1]]))
			continue;
		insert(r, i);
		if (r->n == REGIONS_BATCH)
			high = key(r->order, &all[r->batch[REGIONS_BATCH - 1]]);
	}
}

void regions_begin(struct regions *r, const struct pb_config *config, enum pb_region_kind kind,
		   enum regions_order order)
{
	r->config = config;
	r->kind = (u8)kind;
	r->order = order;
	r->above = 0;
	r->n = 0;
	r->step = direction(r);
	r->at = r->step < 0 ? config->nr_regions - 1 : 0;
}

const struct pb_region *regions_next(struct regions *r)
{
	if (!r->step) {
		if (r->at == r->n)
			refill(r);
		return r->at < r->n ? &r->config->regions[r->batch[r->at++]] : NULL;
	}
	while (r->at < r->config->nr_regions) { /* below 0 wraps round */
		u32 i = r->at;

		r->at += (u32)r->step;
		if (wanted(r, i))
			return &r->config->regions[i];
	}
	return NULL;
}
