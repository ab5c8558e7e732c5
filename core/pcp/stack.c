/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU lists of the modern profile are stacks. They are refilled from the zone in batches
 * and drained back from the cold end.
 *
 * A stack begins with room for a batch whose page bytes fill a cache line. Its limit doubles
 * each time it runs empty or full, up to 1,024 pages, and only while a long row of refills or of
 * drains lasts up to its maximum: such batches are whole pageblocks, but a stack that gets back
 * what it gave would keep twice as many blocks from merging. pb_pcp_decay() halves the limit of a
 * stack that was not used since the last call, and empties it. So bursts get long batches, and
 * idle CPUs don't sit on memory.
 */
#include "pcp/pcp.h"

#include "pcp/depot.h"

/* One stack of a CPU whose area is locked, with the zone and order that it serves. */
struct stack {
	struct pcp_held *held;
	struct pb_pool *pool;
	struct zone *zone;
	struct pcp_list *list;
	struct pcp_cold *cold;
	unsigned int order;
};

/* The i-th stack of a zone, counted by type, then by order. */
static struct pcp_list *zone_list(const struct pb_pool *pool, const struct zone *zone, u32 cpu,
				  u32 i)
{
	return pcp_list(pcp_area(pool, cpu), zone_class(pool, zone, i / pool->nr_pcp_orders),
			i % pool->nr_pcp_orders);
}

static u32 zone_lists(const struct pb_pool *pool)
{
	return (u32)PB_MIGRATE_PCPTYPES * pool->nr_pcp_orders;
}

static struct stack nth_stack(struct pcp_held *held, struct zone *zone, u32 i)
{
	struct pcp_list *list = zone_list(held->pool, zone, held->cpu, i);

	return (struct stack){ held,
			       held->pool,
			       zone,
			       list,
			       pcp_cold(held->pool, held->area, list),
			       i % held->pool->nr_pcp_orders };
}

static struct stack stack_of(struct pcp_held *held, const struct zone_request *what)
{
	u32 class = zone_class(held->pool, what->zone, what->type);
	struct pcp_list *list = pcp_list(held->area, class, what->order);

	return (struct stack){
		held,       held->pool, what->zone, list, pcp_cold(held->pool, held->area, list),
		what->order
	};
}

/* ------------------------------------------------------------ drain */

static u32 limit_of(const struct pcp_list *list)
{
	return (u32)list->limit - list->base;
}

static void set_limit(struct pcp_list *list, u32 entries)
{
	if (entries > list->max)
		entries = list->max;
	store_relaxed(&list->limit, (u16)(list->base + entries));
}

/* Return the n coldest entries, those at the bottom, to the zone. pre: the stack holds n. */
static void drain_some(const struct stack *s, u32 n)
{
	u32 *entries = pcp_stack(s->held->area, s->list);
	u32 left = pcp_entries(s->list) - n;

	free_bulk(s->pool, s->zone, s->order, n, entries);
	if (tracing(s->pool))
		pcp_trace_batch(s->held, PB_TRACE_DRAIN,
				&(const struct zone_request){
					s->pool, s->zone, s->held->cpu, s->order,
					frame_migratetype(s->pool, entries[0]), 0 },
				n);
	memmove(entries, entries + n, left * sizeof(*entries));
	store_relaxed(&s->list->head, s->list->head - n);
	counter_add(&s->cold->drained, n);
}

/* Drain the entries that the stack holds now, and release the area between batches. */
static void drain_stack(const struct stack *s)
{
	for (u32 left = pcp_entries(s->list), batch; left; left -= batch) {
		batch = pcp_entries(s->list); /* others may have popped during a breath */
		batch = batch < left ? batch : left;
		batch = batch < DRAIN_BATCH_MAX ? batch : DRAIN_BATCH_MAX;
		if (!batch)
			return;
		drain_some(s, batch);
		pcp_breathe(s->held);
	}
}

void pcp_stack_drain(struct pcp_held *held, struct zone *zone)
{
	for (u32 i = 0; i < zone_lists(held->pool); i++) {
		struct stack s = nth_stack(held, zone, i);

		drain_stack(&s);
	}
}

/* ------------------------------------------------------------ limits */

/*
 * I16: the limits of a CPU's lists of a zone, each in pages, add up to no more than its
 * bound, so no push has to look at more than its own list's.
 */
static u64 stock_bound(const struct zone *zone)
{
	return (u64)load_relaxed(&zone->pcp_high_max);
}

/* Pages that the limits of all lists of a CPU and zone allow; *most: the list that is
   allowed the most, but for `list`. */
static u64 pages_allowed(const struct pb_pool *pool, const struct zone *zone, u32 cpu,
			 const struct pcp_list *list, u32 *most)
{
	const u32 orders = pool->nr_pcp_orders;
	u64 sum = 0, greatest = 0;

	for (u32 first = 0; first < zone_lists(pool); first += orders) {
		const struct pcp_list *others = zone_list(pool, zone, cpu, first);

		for (u32 order = 0; order < orders; order++) {
			u64 pages = (u64)limit_of(&others[order]) << order;

			sum += pages;
			if (&others[order] != list && pages > greatest) {
				greatest = pages;
				*most = first + order;
			}
		}
	}
	return sum;
}

/* Lower the limit of a list by `pages`, or by one batch if that is less. Returns by how many
   pages it was lowered. */
static u64 lower_limit(struct pcp_list *list, unsigned int order, u64 pages)
{
	u64 blocks = (pages + ((u64)1 << order) - 1) >> order;
	u32 cut = (u32)min_u64(min_u64(blocks, limit_of(list)), DRAIN_BATCH_MAX);

	set_limit(list, limit_of(list) - cut);
	return (u64)cut << order;
}

/*
 * The limit of a stack that had none: room for a batch of a line of page bytes and for some
 * frees. Two CPUs whose pages shared a line would take it from each other at every
 * allocation and free. (A batch has at most ZONE_BATCH_MAX blocks.)
 */
static u32 first_limit(unsigned int order)
{
	return order < 6 ? 128u >> order : 1;
}

static bool is_long(s32 row)
{
	return row >= PCP_LONG_ROW || row <= -PCP_LONG_ROW;
}

/* Entries that a stack of less than a pageblock may have outside long rows. */
static u32 usual_entries(const struct stack *s)
{
	return (u32)max_u64(PCP_STACK_PAGES >> s->order, PCP_STACK_MIN) >>
	       s->pool->super->pcp_scale;
}

static bool may_grow_to_max(const struct stack *s)
{
	return !LONG_BATCHES || s->order == s->pool->pageblock_order || is_long(s->cold->row);
}

/* Entries that the limit may grow to. */
static u32 highest_limit(const struct stack *s)
{
	return may_grow_to_max(s) ? s->list->max : (u32)min_u64(s->list->max, usual_entries(s));
}

/* limit_of(s->list) < highest_limit(s), in fewer steps */
static bool may_grow(const struct stack *s)
{
	return limit_of(s->list) < s->list->max &&
	       (limit_of(s->list) < usual_entries(s) || may_grow_to_max(s));
}

/* Raise the limit, and lower another stack's if the bound demands it. Returns the number of
   the stack that holds more than its limit then, or UINT32_MAX. */
static NOINLINE u32 raise_limit(const struct stack *s)
{
	u32 more = limit_of(s->list) ? limit_of(s->list) : first_limit(s->order);
	u64 bound = stock_bound(s->zone), allowed;
	u32 largest = UINT32_MAX;
	struct pcp_list *from;

	if (more > highest_limit(s) - limit_of(s->list))
		more = highest_limit(s) - limit_of(s->list);
	allowed = pages_allowed(s->pool, s->zone, s->held->cpu, s->list, &largest);
	if (allowed + ((u64)more << s->order) <= bound)
		largest = UINT32_MAX;
	if (largest != UINT32_MAX) {
		from = zone_list(s->pool, s->zone, s->held->cpu, largest);
		allowed -= lower_limit(from, largest % s->pool->nr_pcp_orders,
				       allowed + ((u64)more << s->order) - bound);
		if (pcp_entries(from) <= limit_of(from))
			largest = UINT32_MAX;
	}
	if (allowed < bound)
		set_limit(s->list,
			  limit_of(s->list) + (u32)min_u64(more, (bound - allowed) >> s->order));
	return largest;
}

/* Double the limit, as far as the zone's bound for one CPU allows. Blocks that another stack holds
   above its lowered limit go to the zone. The area is released between batches, so the stack may
   have other blocks afterwards. */
static inline void grow_limit(const struct stack *s)
{
	struct stack over;
	u32 i;

	if (!may_grow(s))
		return;
	i = raise_limit(s);
	if (i == UINT32_MAX)
		return;
	over = nth_stack(s->held, s->zone, i);
	/* it may hold more than a batch above its limit, where sizes have shrunk */
	while (pcp_entries(over.list) > limit_of(over.list)) {
		u32 above = pcp_entries(over.list) - limit_of(over.list);

		drain_some(&over, above < DRAIN_BATCH_MAX ? above : DRAIN_BATCH_MAX);
		pcp_breathe(s->held);
	}
}

/* ------------------------------------------------------------ take, put */

/* Count refills (step 1) or drains (-1) in a row. Returns true if the row was long before. The
   refill after a short row of drains, with an empty stack, brings the usual limit back. */
static bool in_long_row(const struct stack *s, s32 step)
{
	s32 *row = &s->cold->row;

	if (!LONG_BATCHES && !CAN_HAVE_DEPOT) /* nobody asks */
		return false;
	if (*row * step < 0) {
		if (step < 0 && goes_by_depot(s->pool, s->order))
			depot_leave(s->held, s->list);
		if (step > 0 && *row > -PCP_LONG_ROW) {
			*row = 0;
			if (limit_of(s->list) > highest_limit(s))
				set_limit(s->list, highest_limit(s));
		}
		*row = 0;
	}
	if (*row * step >= PCP_LONG_ROW)
		return true;
	*row += step;
	return false;
}

static u32 pageblock_blocks(const struct stack *s)
{
	return 1u << (s->pool->pageblock_order - s->order);
}

/* A batch of at most n blocks: of whole pageblocks if it has so many. What would be left of the
   last one is cut again by the next refill, and blocks that are freed in the order in which they
   came are drained by whole pageblocks, too. */
static u32 whole_batch(const struct stack *s, u32 n)
{
	return LONG_BATCHES && n > pageblock_blocks(s) ? n & (0u - pageblock_blocks(s)) : n;
}

/* Take a batch onto the stack, which is empty, and pop one block for the caller. The batch comes
   from the depot, or from the zone with its lowest frame on top. Returns NO_FRAME if there is
   none. */
static u32 refill(const struct stack *s, const struct zone_request *request)
{
	u32 want, one, got = 0, frame, *to = pcp_stack(s->held->area, s->list);
	bool longer = in_long_row(s, 1);

	want = limit_of(s->list);
	if (!longer)
		want -= want / 4; /* room for some frees */
	want = whole_batch(s, want);
	if (want < 2) { /* there may be no room at all */
		want = 1;
		to = &one;
	}
	if (longer && goes_by_depot(s->pool, s->order))
		got = depot_take(s->held, s->list, want, to);
	if (!got) {
		want = want > ZONE_BATCH_MAX ? ZONE_BATCH_MAX : want;
		got = rmqueue_bulk(request, want, to + want);
		if (got < want)
			memmove(to, to + want - got, got * sizeof(*to));
		got = pcp_admit(request, got, to);
	}
	if (!got)
		return NO_FRAME;
	counter_add(&s->cold->refilled, got);
	/* as if all had been pushed and the first popped */
	store_relaxed(&s->list->head, s->list->head + got + PCP_POP);
	frame = to[got - 1];
	if (tracing(s->pool))
		pcp_trace_batch(s->held, PB_TRACE_REFILL, request, got);
	if (may_grow(s)) {
		pcp_breathe(s->held); /* a batch is enough for one hold */
		grow_limit(s);
	}
	return frame;
}

u32 pcp_stack_take(struct pcp_held *held, const struct zone_request *request)
{
	struct stack s = stack_of(held, request);
	u32 count;

	if (!limit_of(s.list) && !pcp_entries(s.list))
		grow_limit(&s);
	count = pcp_entries(s.list);
	if (!count)
		return refill(&s, request);
	store_relaxed(&s.list->head, s.list->head + PCP_POP);
	return pcp_stack(held->area, s.list)[count - 1];
}

/* Number of blocks that a full stack of `count` returns: the colder half, or three quarters if
   they are whole pageblocks, but no more than one batch. */
static u32 drain_at_once(const struct stack *s, u32 count)
{
	u32 n = s->order < s->pool->pageblock_order ? (count + 1) / 2 : count - count / 4;

	return n < DRAIN_BATCH_MAX ? n : DRAIN_BATCH_MAX;
}

bool pcp_stack_put(struct pcp_held *held, const struct zone_request *what, u32 frame)
{
	struct stack s = stack_of(held, what);
	u32 count = pcp_entries(s.list);

	if (count >= limit_of(s.list)) {
		grow_limit(&s);
		if (!limit_of(s.list))
			return false;
		count = pcp_entries(s.list);
		if (count >= limit_of(s.list)) {
			if (!in_long_row(&s, -1) || !goes_by_depot(s.pool, s.order) ||
			    !depot_give(held, what, s.list))
				drain_some(&s, drain_at_once(&s, count));
			count = pcp_entries(s.list);
		}
	}
	pcp_stack(held->area, s.list)[count] = frame;
	store_relaxed(&s.list->head, s.list->head + PCP_PUSH);
	return true;
}

/* ------------------------------------------------------------------- decay */

void pcp_stack_decay(struct pcp_held *held, struct zone *zone)
{
	for (u32 i = 0; i < zone_lists(held->pool); i++) {
		struct stack s = nth_stack(held, zone, i);
		struct pcp_cold *cold = s.cold;

		if (cold->seen == (u32)s.list->head) { /* idle */
			set_limit(s.list, limit_of(s.list) / 2);
			drain_stack(&s);
			store_relaxed(&cold->row, 0);
		}
		cold->seen = (u32)s.list->head;
	}
}

bool pcp_stack_at_rest(const struct pb_pool *pool, u32 cpu, const struct zone *zone)
{
	for (u32 i = 0; i < zone_lists(pool); i++) {
		const struct pcp_list *list = zone_list(pool, zone, cpu, i);

		if (load_relaxed(&list->limit) != list->base || pcp_entries(list))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------- sizes */

#define MAX_PCP_ORDERS 17u /* pageblock_order is at most 16 */

/*
 * Of the pages that the zone allows a CPU one stack has at most a sixteenth; that of whole
 * pageblocks half. They come and go by the word, so a long batch costs little more than a
 * short one, and what a CPU holds of them splinters nothing.
 */
static u32 stack_share(const struct pb_super *super, unsigned int order)
{
	return order == super->pageblock_order ? 2 : 16;
}

/* Number of entries of a stack that may hold so many pages: fewer for larger orders. Twice as many
   for orders 0 to 2, in long rows, would take more metadata than they save time. */
static u32 stack_entries(const struct pb_super *super, unsigned int order, u64 pages)
{
	u64 entries = PCP_STACK_PAGES << (LONG_BATCHES && order > 2) >> order;

	if (order == super->pageblock_order)
		entries = max_u64(entries, PCP_STACK_WHOLE);
	return (u32)min_u64(max_u64(entries, PCP_STACK_MIN), pages >> order) >> super->pcp_scale;
}

/* Pages that a stack of one zone may ever hold. Absent frames count, since they may come
   online. */
static u64 zone_stack_pages(const struct pb_super *super, u64 zone_frames, unsigned int order)
{
	u64 pages = div_u64(zone_frames, 8u * stack_share(super, order));
	u32 max = super->tunables.pcp_batch_max;

	return max ? min_u64(max, pages) : pages;
}

/* Entries that a CPU's stack of a zone with so many frames has slots for. */
static u32 cpu_room(const struct pb_super *super, u64 zone_frames, unsigned int order)
{
	return stack_entries(super, order, zone_stack_pages(super, zone_frames, order));
}

/* The same of the depot's, where only some orders have any. */
static u32 depot_room(const struct pb_super *super, u64 zone_frames, unsigned int order)
{
	u64 pages = zone_stack_pages(super, zone_frames, order);
	u64 entries = max_u64(PCP_DEPOT_PAGES >> order, 2 * PCP_STACK_MIN);

	if (!is_depot_order(order, depot_order_of(super), super->pageblock_order))
		return 0;
	return (u32)min_u64(min_u64(entries, PCP_DEPOT_MAX), pages >> order) >> super->pcp_scale;
}

u32 pcp_stack_room(const struct pb_pool *pool, u32 cpu, const struct zone *zone, unsigned int order)
{
	const u64 frames = zone_nr_frames(pool, zone);

	return cpu < pool->percpu_cpus ? cpu_room(pool->super, frames, order)
				       : depot_room(pool->super, frames, order);
}

u32 pcp_stack_max(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	u32 high = load_relaxed(&pool->super->tunables.pcp_high);
	u64 pages = high ? high
			 : div_u64((u64)load_relaxed(&zone->pcp_high_max),
				   stack_share(pool->super, order));

	return (u32)min_u64(stack_entries(pool->super, order, pages),
			    cpu_room(pool->super, zone_nr_frames(pool, zone), order));
}

static void set_stack_max(struct pcp_held *held, struct zone *zone)
{
	const struct pb_pool *pool = held->pool;
	const u32 orders = pool->nr_pcp_orders;
	u16 max[MAX_PCP_ORDERS];

	for (u32 order = 0; order < orders; order++)
		max[order] = (u16)pcp_stack_max(pool, zone, order);
	for (u32 first = 0; first < zone_lists(pool); first += orders) {
		struct pcp_list *lists = zone_list(pool, zone, held->cpu, first);

		for (u32 order = 0; order < orders; order++) {
			lists[order].max = max[order];
			set_limit(&lists[order], limit_of(&lists[order]));
		}
	}
}

static void clear_limits(struct pcp_held *held, struct zone *zone)
{
	const u32 orders = held->pool->nr_pcp_orders;

	for (u32 first = 0; first < zone_lists(held->pool); first += orders) {
		struct pcp_list *lists = zone_list(held->pool, zone, held->cpu, first);

		for (u32 order = 0; order < orders; order++)
			set_limit(&lists[order], 0);
	}
}

/* A stack that holds more than its new maximum is emptied by the next drain or decay. If the limits
   allow more together than the zone's bound, all begin anew at 0. Returns true if the CPU must be
   drained now. */
bool pcp_stack_set_sizes(struct pcp_held *held, struct zone *zone)
{
	struct pb_pool *pool = held->pool;
	struct pcp_counts counts;
	u32 largest;

	if (held->cpu < pool->percpu_cpus) { /* the depot's stacks have no limits */
		set_stack_max(held, zone);
		if (pages_allowed(pool, zone, held->cpu, NULL, &largest) > stock_bound(zone))
			clear_limits(held, zone);
	}
	pcp_stack_count(pool, held->cpu, zone, &counts);
	return counts.held > stock_bound(zone);
}

/* ------------------------------------------------------------------ layout */

void pcp_stack_layout(struct pb_super *super)
{
	super->nr_pcp_orders = (u8)(super->pageblock_order + 1u);
	/* room for every order: beyond nr_pcp_orders the lists are always full */
	super->class_shift = (u8)(fls32(super->max_order | 1u) + 1u);
}

u32 pcp_stack_zone_bytes(const struct pb_super *super, u64 zone_frames, bool depot)
{
	u32 bytes = 0;

	for (unsigned int order = 0; order < super->nr_pcp_orders; order++)
		bytes += PB_MIGRATE_PCPTYPES * (u32)sizeof(u32) *
			 (depot ? depot_room(super, zone_frames, order)
				: cpu_room(super, zone_frames, order));
	return bytes;
}

/* Lists of all classes, the one that is no class included. */
static u32 nr_lists(const struct pb_super *super)
{
	return (super->nr_zones * PB_MIGRATE_PCPTYPES + 1) << super->class_shift;
}

/* The pcp_cold records lie in front of an area's head, the lists and then the slots behind it.
   Slots are counted from where the lists begin. */
u32 pcp_stack_cold(const struct pb_super *super)
{
	return (u32)align_up(nr_lists(super) * sizeof(struct pcp_cold), 64);
}

u32 pcp_stack_first_slot(const struct pb_super *super)
{
	return nr_lists(super) * (u32)(sizeof(struct pcp_list) / sizeof(u32));
}

size_t pcp_stack_area_bytes(const struct pb_super *super, size_t zone_bytes)
{
	size_t slots = pcp_stack_first_slot(super) + zone_bytes / sizeof(u32);

	if (slots >= PCP_SLOTS - sizeof(struct pcp_area) / sizeof(u32))
		return 0;
	return (size_t)align_up(super->pcp_cold + sizeof(struct pcp_area) + slots * sizeof(u32),
				64);
}

void pcp_stack_init(struct pb_pool *pool, u32 cpu)
{
	const struct pb_super *super = pool->super;
	u32 slot = pcp_stack_first_slot(super);

	for (u32 i = 0; i < super->nr_zones * (u32)PB_MIGRATE_PCPTYPES; i++) {
		struct zone *zone = pool_zone(pool, i / PB_MIGRATE_PCPTYPES);
		u32 class = zone_class(pool, zone, i % PB_MIGRATE_PCPTYPES);

		for (unsigned int order = 0; order < pool->nr_pcp_orders; order++) {
			struct pcp_list *list = pcp_list(pcp_area(pool, cpu), class, order);

			list->base = list->limit = (u16)slot;
			list->head = slot;
			list->room = (u16)pcp_stack_room(pool, cpu, zone, order);
			slot += list->room;
		}
	}
}

/* -------------------------------------------------------------- statistics */

bool pcp_stack_holds(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     unsigned int order)
{
	for (u32 i = 0; i < zone_lists(pool); i++)
		if (i % pool->nr_pcp_orders >= order && pcp_entries(zone_list(pool, zone, cpu, i)))
			return true;
	return false;
}

u64 pcp_stack_sum(const struct pb_pool *pool, u32 cpu, const struct zone *zone, u64 sum)
{
	for (u32 i = 0; i < zone_lists(pool); i++)
		sum = mix_u64(sum, load_relaxed(&zone_list(pool, zone, cpu, i)->head));
	return sum;
}

void pcp_stack_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
		     struct pcp_counts *counts)
{
	const bool calls = cpu < pool->percpu_cpus; /* none on the depot's lists */

	*counts = (struct pcp_counts){ 0 };
	for (u32 i = 0; i < zone_lists(pool); i++) {
		const struct pcp_list *list = zone_list(pool, zone, cpu, i);
		const struct pcp_cold *cold = pcp_cold(pool, pcp_area(pool, cpu), list);
		unsigned int order = i % pool->nr_pcp_orders;
		u64 head = load_relaxed(&list->head), allocs = head >> 16;
		u64 held = PCP_TOP(head) - list->base;
		u64 frees = held + allocs - load_relaxed(&cold->refilled) +
			    load_relaxed(&cold->drained);

		counts->held += held << order;
		if (!calls)
			continue;
		counts->allocs += allocs;
		counts->alloc_pages += allocs << order;
		counts->frees += frees;
		counts->free_pages += frees << order;
	}
}
