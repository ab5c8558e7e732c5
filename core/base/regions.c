/* SPDX-License-Identifier: MIT */
#include "base/regions.h"

#include "base/options.h"

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

/* Memory that may come is walked with what is there. */
static u8 walked_with(u8 kind)
{
	return kind == PB_REGION_HOTPLUG ? PB_REGION_USABLE : kind;
}

static bool is_kind(const struct regions *r, u32 i)
{
	return walked_with(r->config->regions[i].kind) == r->kind;
}

static bool wanted(const struct regions *r, u32 i)
{
	return is_kind(r, i) && r->config->regions[i].end_pfn > r->above;
}

/* Direction in which the array is sorted: 1 ascending, -1 descending, 0 unsorted. */
static int direction(const struct regions *r)
{
	const struct pb_region *last = NULL;
	bool up = true, down = true;

	for (u32 i = 0; i < r->config->nr_regions && (up || down); i++) {
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

/* ------------------------------------------------- sorted in caller's memory */

/* Restores the heap, greatest first, below `at`, whose number may be too small. */
static void sift_down(const struct regions *r, u32 *heap, u32 at, u32 n)
{
	const struct pb_region *all = r->config->regions;
	u32 number = heap[at];

	for (;;) {
		u32 child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && less(r->order, &all[heap[child]], &all[heap[child + 1]]))
			child++;
		if (!less(r->order, &all[number], &all[heap[child]]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = number;
}

static void heap_sort(const struct regions *r, u32 *numbers, u32 n)
{
	for (u32 i = n / 2; i--;)
		sift_down(r, numbers, i, n);
	for (u32 i = n; i-- > 1;) {
		u32 greatest = numbers[0];

		numbers[0] = numbers[i];
		numbers[i] = greatest;
		sift_down(r, numbers, 0, i);
	}
}

/* Usable regions at the front of the memory, reserved ones at its end: both kinds may be
   walked at the same time. */
static void sort_numbers(struct regions *r)
{
	const struct pb_config *config = r->config;
	u32 n = 0, *numbers = config->region_order;

	for (u32 i = 0; i < config->nr_regions; i++)
		n += is_kind(r, i);
	if (r->kind == PB_REGION_RESERVED)
		numbers += config->nr_regions - n;
	r->sorted = numbers;
	for (u32 i = 0; i < config->nr_regions; i++)
		if (is_kind(r, i))
			*numbers++ = i;
	r->nr_sorted = n;
	heap_sort(r, numbers - n, n);
}

/* ------------------------------------------------------- a batch at each pass */

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

/* Does region i come behind `last`, and before the batch's last if that is full? */
static bool belongs(const struct regions *r, const struct pb_region *last, u32 i)
{
	const struct pb_region *all = r->config->regions;

	return wanted(r, i) && (!last || less(r->order, last, &all[i])) &&
	       (r->n < REGIONS_BATCH || less(r->order, &all[i], &all[r->batch[REGIONS_BATCH - 1]]));
}

/* The smallest of those behind the batch's last; begun where the smaller ones are, so
   that few are inserted only to be pushed out again. */
static void read_ahead(struct regions *r)
{
	const struct pb_region *all = r->config->regions;
	const struct pb_region *last = r->n ? &all[r->batch[r->n - 1]] : NULL;
	u64 low = last ? key(r->order, last) : 0, width = UINT64_MAX - low;
	u32 n = r->config->nr_regions, step = 1, i = 0;

	if (last && r->n < REGIONS_BATCH)
		return; /* that was the last batch */
	if (from_the_end(r)) {
		step = UINT32_MAX; /* -1 */
		i = n - 1;
	}
	r->at = r->n = 0;
	for (u32 left = n; left; left--, i += step) {
		/* nearly all fail here: one comparison, for both sides */
		if (key(r->order, &all[i]) - low > width || !belongs(r, last, i))
			continue;
		insert(r, i);
		if (r->n == REGIONS_BATCH)
			width = key(r->order, &all[r->batch[REGIONS_BATCH - 1]]) - low;
	}
}

/* -------------------------------------------------------------------- walks */

void regions_begin(struct regions *r, const struct pb_config *config, enum pb_region_kind kind,
		   enum regions_order order)
{
	r->config = config;
	r->kind = (u8)kind;
	r->order = order;
	r->above = 0;
	r->sorted = NULL;
	r->step = direction(r);
	if (PB_WITH_UNSORTED && !r->step && config->region_order)
		sort_numbers(r);
	regions_rewind(r, 0);
}

void regions_rewind(struct regions *r, u64 above)
{
	r->above = above;
	r->n = 0;
	r->at = r->step < 0 ? r->config->nr_regions - 1 : 0;
}

bool regions_sorted(const struct pb_config *config)
{
	struct regions r = { .config = config, .kind = PB_REGION_RESERVED, .order = BY_PFN };
	bool sorted = direction(&r) != 0;

	if (!PB_WITH_ZONES) /* of usable ones there is one */
		return sorted;
	r.kind = PB_REGION_USABLE;
	sorted = sorted && direction(&r) != 0;
	r.order = BY_ZONE;
	return sorted && direction(&r) != 0;
}

const struct pb_region *regions_next(struct regions *r)
{
	const struct pb_region *all = r->config->regions;
	u32 end = r->sorted ? r->nr_sorted : r->config->nr_regions;

	if (PB_WITH_UNSORTED && !r->step && !r->sorted) {
		if (r->at == r->n)
			read_ahead(r);
		return r->at < r->n ? &all[r->batch[r->at++]] : NULL;
	}
	while (r->at < end) { /* below 0 wraps round */
		u32 i = r->sorted ? r->sorted[r->at] : r->at;

		r->at += r->sorted ? 1 : (u32)r->step;
		if (wanted(r, i))
			return &all[i];
	}
	return NULL;
}
