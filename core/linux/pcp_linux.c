/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU lists of the linux profile (spec 9.6 and docs/linux-observed.md). Blocks are taken
 * from the head and freed to the head; refills go to the tail, in the order in which the
 * zone hands them out; drains take from the tail, list by list or (5.4, 5.10) round robin.
 */
#include "linux/linux_zone.h"
#include "linux/pcp_linux.h"

struct pcp_linux *pcp_linux_of(const struct pb_pool *pool, u32 cpu, const struct zone *zone)
{
	return (struct pcp_linux *)(pcp_area(pool, cpu) + 1) + zone_number(pool, zone);
}

/* Orders 0 to 3 by type, then pageblock_order: not movable, movable. */
#define HUGE_LISTS (PB_MIGRATE_PCPTYPES * (COSTLY_ORDER + 1))

static unsigned int list_order(const struct pb_pool *pool, u32 list)
{
	return list < HUGE_LISTS ? list / PB_MIGRATE_PCPTYPES : pool->pageblock_order;
}

u32 pcp_linux_list(unsigned int order, unsigned int type)
{
	if (order <= COSTLY_ORDER)
		return order * PB_MIGRATE_PCPTYPES + type;
	return HUGE_LISTS + (type == PB_MIGRATE_MOVABLE);
}

/* Linux adds a change of NR_FREE_PAGES to this CPU's difference, and adds the difference to the
   zone's counter only when it exceeds a threshold (spec 13.1). */
void linux_count_free(struct pb_pool *pool, struct zone *zone, u32 cpu, long pages)
{
	s32 threshold = load_relaxed(&zone->stat_threshold);
	struct pcp_linux *pcp;

	if (cpu < pool->percpu_cpus) {
		pcp = pcp_linux_of(pool, cpu, zone);
		pages += pcp->stat_diff;
		pcp->stat_diff = 0;
		if (pages <= threshold && pages >= -threshold) {
			pcp->stat_diff = (s32)pages;
			return;
		}
	}
	counter_add(&zone->vm_free, pages);
}

/* The first free block from `frame` on whose order is `least` to pageblock_order; *order: its
   order. NO_FRAME: there is none before `end`. */
static u32 first_free(const struct pb_pool *pool, u32 frame, u32 end, unsigned int least,
		      unsigned int *order)
{
	u32 first = NO_FRAME;

	for (unsigned int o = least; o <= pool->pageblock_order; o++) {
		u32 from = (u32)align_up(frame, (u64)1 << o), at;

		if (from >= end || from >= first)
			continue;
		at = tree_first(span_tree(pool, from), frame_node(pool, from, o),
				(end - from) >> o);
		if (at == TREE_NONE)
			continue;
		at = from + ((at - frame_node(pool, from, o)) << o);
		if (at < first) {
			first = at;
			*order = o;
		}
	}
	return first;
}

/*
 * Counting a block out and in again changes nothing while -threshold <= diff - 2^order. The
 * first block for which that fails moves diff into the zone's counter and leaves diff at
 * 2^order, or at 0 if that exceeds the threshold, too. From then on only a block larger than
 * threshold + diff has an effect: it leaves 0, and no later one has any. (If the threshold has
 * been lowered below diff meanwhile, the first block of any order moves it.)
 */
void linux_count_moves(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, u32 end)
{
	long threshold = load_relaxed(&zone->stat_threshold);
	struct pcp_linux *pcp;

	if (cpu >= pool->percpu_cpus)
		return; /* the zone's counter would change twice, and be as it was */
	pcp = pcp_linux_of(pool, cpu, zone);
	for (int times = 0; times < 2; times++) {
		long diff = pcp->stat_diff, back;
		unsigned int order = 0, least = 0;

		while (diff <= threshold && 1L << least <= threshold + diff)
			least++;
		frame = first_free(pool, frame, end, least, &order);
		if (frame == NO_FRAME)
			return;
		back = 1L << order;
		if (back > threshold || (diff - back <= threshold && diff - back >= -threshold))
			back = 0;
		counter_add(&zone->vm_free, diff - back);
		pcp->stat_diff = (s32)back;
		frame += 1u << order;
	}
}

static s32 clamp_s32(s32 value, s32 least, s32 most)
{
	return value > most ? most : value < least ? least : value;
}

/* The high mark, clamped to its bounds, which may have moved since the last call. */
static s32 bounded_high(struct pcp_linux *pcp)
{
	s32 high = clamp_s32(pcp->high, pcp->high_min, pcp->high_max);

	store_relaxed(&pcp->high, high);
	return high;
}

/* From 6.12 on (P9): refills of order 0 double each time in a row, and the high mark rises, so that
   refills become rarer. */
static s32 tuned_batch(const struct zone *zone, struct pcp_linux *pcp, unsigned int order)
{
	s32 batch = order ? pcp->batch : pcp->batch << pcp->alloc_factor;
	s32 high = pcp->high, most;

	if (pcp->high_min != pcp->high_max && !(load_relaxed(&zone->flags) & ZONE_BELOW_HIGH)) {
		high = high + batch < pcp->high_max ? high + batch : pcp->high_max;
		store_relaxed(&pcp->high, high);
	}
	if (order)
		return batch;
	most = high - pcp->count - pcp->batch;
	most = most > pcp->batch ? most : pcp->batch;
	if (batch <= most && pcp->alloc_factor < FREE_FACTOR_MAX)
		store_relaxed(&pcp->alloc_factor, pcp->alloc_factor + 1);
	return batch < most ? batch : most;
}

/* Number of blocks of a refill: fewer of a larger order, but at least two if a batch is. */
static u32 refill_blocks(const struct pb_pool *pool, const struct zone *zone, struct pcp_linux *pcp,
			 unsigned int order)
{
	s32 batch = pcp->batch;

	if (policy(pool)->pcp_sizes == LINUX_PCP_TUNED) {
		if (bounded_high(pcp) < batch)
			return 1;
		batch = tuned_batch(zone, pcp, order);
	}
	if (batch > 1)
		batch = batch >> order > 2 ? batch >> order : 2;
	return (u32)batch;
}

static void refill_list(struct pcp_held *held, const struct zone_request *request,
			struct pcp_linux *pcp)
{
	struct pb_pool *pool = held->pool;
	unsigned int order = request->order;
	u32 left = refill_blocks(pool, request->zone, pcp, order);
	u32 list = pcp_linux_list(order, request->type);
	u32 frames[ZONE_BATCH_MAX];
	struct linux_take take = { false, false, 0 };

	if (request->alloc_flags & ALLOC_HIGHATOMIC && policy(pool)->pcp_spares_reserve)
		return;
	while (left) {
		u32 want = left < ZONE_BATCH_MAX ? left : ZONE_BATCH_MAX;
		u32 got = linux_rmqueue_bulk(request, want, frames + want, &take);
		u32 kept = pcp_admit(request, got, frames + want - got);

		for (u32 i = 0; i < kept; i++)
			linked_insert(pool, pcp->lists, list, frames[want - got + kept - 1 - i],
				      true);
		counter_add(&pcp->count, (s32)(kept << order));
		if (tracing(pool) && (got || !take.paused))
			pcp_trace_batch(held, PB_TRACE_REFILL, request, got);
		if (got < want && !take.paused)
			break;
		left -= got;
		if (left)
			pcp_breathe(held);
	}
}

u32 pcp_linux_take(struct pcp_held *held, const struct zone_request *request)
{
	struct pb_pool *pool = held->pool;
	struct pcp_linux *pcp = pcp_linux_of(pool, held->cpu, request->zone);
	unsigned int order = request->order;
	u32 list = pcp_linux_list(order, request->type);
	u32 frame;

	store_relaxed(&pcp->free_factor, pcp->free_factor >> 1);
	if (linked_empty(pcp->lists, list))
		refill_list(held, request, pcp);
	frame = linked_head(pcp->lists, list);
	if (frame == NO_FRAME)
		return NO_FRAME;
	linked_remove(pool, pcp->lists, frame);
	counter_add(&pcp->count, -(1 << order));
	counter_add(&pcp->allocs, 1);
	counter_add(&pcp->alloc_pages, 1u << order);
	return frame;
}

/* Report that n blocks were drained, `coldest` first. */
static void trace_drain(const struct pcp_held *held, struct zone *zone, unsigned int order,
			u32 coldest, u32 n)
{
	struct zone_request what = {
		held->pool, zone, held->cpu, order, frame_migratetype(held->pool, coldest), 0
	};

	if (tracing(held->pool))
		pcp_trace_batch(held, PB_TRACE_DRAIN, &what, n);
}

/*
 * 5.4 and 5.10 (P6): free from the tail of one order-0 list after the other: one block at
 * first, and one more for each list that is passed. If only one list has blocks, all come
 * from it.
 */
static void drain_round_robin(struct pcp_held *held, struct zone *zone, s32 pages)
{
	struct pb_pool *pool = held->pool;
	struct pcp_linux *pcp = pcp_linux_of(pool, held->cpu, zone);
	u32 list = 0;
	s32 run = 0;

	while (pages > 0 && pcp->count > 0) {
		struct free_list batch;
		u32 n = 0, frame, coldest;

		linked_init(&batch, 0);
		do {
			run++;
			list = (list + 1) % PB_MIGRATE_PCPTYPES;
		} while (linked_empty(pcp->lists, list));
		if (run == PB_MIGRATE_PCPTYPES)
			run = pages;
		coldest = linked_tail(pcp->lists, list);
		while (run > 0 && pages > 0 && n < DRAIN_BATCH_MAX &&
		       (frame = linked_tail(pcp->lists, list)) != NO_FRAME) {
			linked_remove(pool, pcp->lists, frame);
			linked_insert(pool, &batch, 0, frame, true);
			counter_add(&pcp->count, -1);
			n++;
			pages--;
			run--;
		}
		linux_free_bulk(pool, zone, held->cpu, 0, &batch);
		trace_drain(held, zone, 0, coldest, n);
		if (pages > 0)
			pcp_breathe(held);
	}
}

/* Free at least `pages` pages, beginning with list `first`: each list is emptied before the next
   one is begun, round and round until it is enough. */
static void drain(struct pcp_held *held, struct zone *zone, s32 pages, u32 first)
{
	struct pb_pool *pool = held->pool;
	struct pcp_linux *pcp = pcp_linux_of(pool, held->cpu, zone);
	u32 list = first;

	/* pcp_breathe() drops the lock: other threads may have taken the rest */
	while (pages > 0 && pcp->count > 0) {
		unsigned int order = list_order(pool, list);
		struct free_list batch;
		u32 n = 0, frame, coldest = linked_tail(pcp->lists, list);

		linked_init(&batch, 0);

		while (pages > 0 && n < DRAIN_BATCH_MAX &&
		       (frame = linked_tail(pcp->lists, list)) != NO_FRAME) {
			linked_remove(pool, pcp->lists, frame);
			linked_insert(pool, &batch, 0, frame, true);
			n++;
			pages -= 1 << order;
			counter_add(&pcp->count, -(1 << order));
		}
		if (n) {
			linux_free_bulk(pool, zone, held->cpu, order, &batch);
			trace_drain(held, zone, order, coldest, n);
		}
		if (linked_empty(pcp->lists, list))
			list = (list + 1) % LINUX_PCP_LISTS;
		if (n && pages > 0)
			pcp_breathe(held);
	}
}

/* Pages to free when `high` is reached: twice as many each time in a row. */
static s32 drain_pages(struct pcp_linux *pcp, s32 high, bool all)
{
	s32 most = high - pcp->batch;
	s32 pages;

	if (all)
		return pcp->count;
	if (high < pcp->batch)
		return 1;
	pages = pcp->batch << pcp->free_factor;
	if (pages < most && pcp->free_factor < FREE_FACTOR_MAX)
		store_relaxed(&pcp->free_factor, pcp->free_factor + 1);
	return (s32)clamp_u64((u64)pages, (u64)pcp->batch,
			      (u64)(most > pcp->batch ? most : pcp->batch));
}

/* Is this one of many frees of larger blocks in a row (P4)? Then they go back to the zone at once,
   to merge. */
static bool tuned_free_high(const struct pb_pool *pool, struct pcp_linux *pcp, unsigned int order)
{
	s32 run = pcp->batch + (policy(pool)->pcp_patient ? pcp->high_min / 2 : 0);
	bool before = pcp->flags & PCP_PREV_FREE_HIGH_ORDER;

	if (!order || order > COSTLY_ORDER) {
		store_relaxed(&pcp->flags, pcp->flags & ~PCP_PREV_FREE_HIGH_ORDER);
		return false;
	}
	store_relaxed(&pcp->flags, pcp->flags | PCP_PREV_FREE_HIGH_ORDER);
	return before && pcp->free_factor >= run &&
	       (!(pcp->flags & PCP_FREE_HIGH_BATCH) || pcp->count >= pcp->batch);
}

/* 6.12 on (P4): the high mark falls while memory is short or larger blocks are freed in a row, and
   rises so that a long run of frees has room. */
static s32 tuned_high(const struct zone *zone, struct pcp_linux *pcp, bool all)
{
	u32 flags = load_relaxed(&zone->flags);
	s32 freed = pcp->free_factor > pcp->batch ? pcp->free_factor : pcp->batch;
	s32 high = bounded_high(pcp);

	if (!high)
		return 0;
	if (all)
		freed = pcp->batch << FREE_FACTOR_MAX;
	if (all || flags & ZONE_RECLAIM_ACTIVE ||
	    (flags & ZONE_BELOW_HIGH && pcp->high_min != pcp->high_max))
		store_relaxed(&pcp->high,
			      high - freed > pcp->high_min ? high - freed : pcp->high_min);
	if (all)
		return 0;
	if (flags & ZONE_RECLAIM_ACTIVE)
		return pcp->batch * 4 < pcp->high ? pcp->batch * 4 : pcp->high;
	if (pcp->high_min == pcp->high_max)
		return high;
	if (flags & ZONE_BELOW_HIGH)
		return pcp->count > pcp->high_min ? pcp->count : pcp->high_min;
	if (pcp->count >= high && high < pcp->free_factor + pcp->batch)
		store_relaxed(&pcp->high, clamp_s32(pcp->free_factor + pcp->batch, pcp->high_min,
						    pcp->high_max));
	return high;
}

/* Free `pages` pages, beginning with the list that is full. 7.2 does so in batches: each begins
   with that list again, and counts as a batch however many pages it freed. */
static void drain_full(struct pcp_held *held, struct zone *zone, s32 pages, u32 list)
{
	struct pb_pool *pool = held->pool;
	struct pcp_linux *pcp = pcp_linux_of(pool, held->cpu, zone);
	s32 batch = policy(pool)->pcp_drain_batches ? pcp->batch : pages;

	for (; pages > 0 && pcp->count > 0; pages -= batch) {
		drain(held, zone, pages < batch ? pages : batch, list);
		if (pages > batch)
			pcp_breathe(held);
	}
}

static bool above_high_mark(const struct pb_pool *pool, const struct zone *zone)
{
	const struct wmark_test test = { .mark = wmark_pages(zone, PB_WMARK_HIGH),
					 .classzone = PB_ZONE_MOVABLE };

	return zone_watermark_ok(pool, zone, &test, zone_vm_free_pages(pool, zone));
}

/* 6.12 on: the end of pcp_linux_put(), with the sizes that tune themselves. */
static void drain_tuned(struct pcp_held *held, struct zone *zone, unsigned int order, u32 list)
{
	struct pb_pool *pool = held->pool;
	struct pcp_linux *pcp = pcp_linux_of(pool, held->cpu, zone);
	s32 batch = pcp->batch, most = batch << FREE_FACTOR_MAX, high, pages;
	bool all = tuned_free_high(pool, pcp, order);

	if (pcp->free_factor < most)
		store_relaxed(&pcp->free_factor, pcp->free_factor + (1 << order));
	high = tuned_high(zone, pcp, all);
	if (pcp->count < high)
		return;
	if (all)
		pages = pcp->count < most ? pcp->count : most;
	else if (high < batch)
		pages = 1;
	else
		pages = clamp_s32(pcp->free_factor, batch, high - batch);
	drain_full(held, zone, pages, list);
	if (load_relaxed(&zone->flags) & ZONE_BELOW_HIGH && above_high_mark(held->pool, zone))
		pb_atomic_fetch_and(&zone->flags, ~ZONE_BELOW_HIGH, __ATOMIC_RELAXED);
}

bool pcp_linux_put(struct pcp_held *held, const struct zone_request *what, u32 frame)
{
	struct pb_pool *pool = held->pool;
	struct zone *zone = what->zone;
	unsigned int order = what->order, type = what->type;
	enum linux_pcp_sizes sizes = policy(pool)->pcp_sizes;
	struct pcp_linux *pcp = pcp_linux_of(pool, held->cpu, zone);
	/* a free of a larger block after a drain: all go back to the zone at once, to merge */
	bool all = pcp->free_factor && order && order <= COSTLY_ORDER;
	s32 high = all ? 0 : pcp->high;
	u32 list;

	pool->pcp_types[frame] = (u8)type; /* the lists it will be drained to */
	if (type >= PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_MOVABLE;
	list = pcp_linux_list(order, type);
	linked_insert(pool, pcp->lists, list, frame, false);
	counter_add(&pcp->count, 1 << order);
	counter_add(&pcp->frees, 1);
	counter_add(&pcp->free_pages, 1u << order);
	if (sizes == LINUX_PCP_TUNED) {
		store_relaxed(&pcp->alloc_factor, pcp->alloc_factor >> 1);
		drain_tuned(held, zone, order, list);
	} else if (sizes == LINUX_PCP_BATCH && pcp->count >= high) {
		drain_round_robin(held, zone, pcp->batch);
	} else if (pcp->count >= high) {
		drain(held, zone, drain_pages(pcp, high, all), list);
	}
	return true;
}

void pcp_linux_drain(struct pcp_held *held, struct zone *zone)
{
	struct pcp_linux *pcp = pcp_linux_of(held->pool, held->cpu, zone);

	if (policy(held->pool)->pcp_round_robin)
		drain_round_robin(held, zone, pcp->count);
	else
		drain(held, zone, pcp->count, 0);
}

bool pcp_linux_set_sizes(struct pcp_held *held, struct zone *zone)
{
	struct pcp_linux *pcp = pcp_linux_of(held->pool, held->cpu, zone);

	store_relaxed(&pcp->batch, load_relaxed(&zone->pcp_batch));
	store_relaxed(&pcp->high, load_relaxed(&zone->pcp_high_min));
	store_relaxed(&pcp->high_min, load_relaxed(&zone->pcp_high_min));
	store_relaxed(&pcp->high_max, load_relaxed(&zone->pcp_high_max));
	return false;
}

bool pcp_linux_holds(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     unsigned int order)
{
	return load_relaxed(&pcp_linux_of(pool, cpu, zone)->count) >> order;
}

u64 pcp_linux_sum(const struct pb_pool *pool, u32 cpu, const struct zone *zone, u64 sum)
{
	const struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);

	return mix_u64(mix_u64(sum, load_relaxed(&pcp->allocs)), load_relaxed(&pcp->frees));
}

void pcp_linux_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     struct pcp_counts *counts)
{
	const struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);

	*counts = (struct pcp_counts){ load_relaxed(&pcp->allocs), load_relaxed(&pcp->alloc_pages),
				       load_relaxed(&pcp->frees), load_relaxed(&pcp->free_pages),
				       (u64)load_relaxed(&pcp->count) };
}

void pcp_linux_init(struct pb_pool *pool, u32 cpu)
{
	for (u32 z = 0; z < pool_nr_zones(pool); z++)
		for (u32 n = 0; n < LINUX_PCP_LISTS; n++)
			linked_init(pcp_linux_of(pool, cpu, pool_zone(pool, z))->lists, n);
}
