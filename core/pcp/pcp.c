/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU lists, slow paths: refill from the zone in batches, drain back, sizes.
 *
 * A stack's limit doubles each time it runs empty or full, up to its maximum,
 * and pb_tick() halves it (and empties it) when nothing happened since the last
 * tick: bursts get long batches, idle CPUs don't sit on memory.
 */
#include "pcp/pcp.h"

#include "linux/linux_rules.h"

#include "pcp/shared.h"
#include "block/zone_tight.h"

static bool rseq_mode(const struct pb_pool *pool)
{
	return pool->percpu_mode == PCP_MODE_RSEQ;
}

/*
 * With the lock held, a restartable sequence that saw it free may still run on
 * that CPU, unless that CPU is the one we are on now: then it was interrupted
 * and will start over.
 */
static void pcp_fence(struct pb_pool *pool, u32 cpu)
{
	if (rseq_mode(pool) && pb_platform_cpu() != cpu)
		pb_platform_fence_cpu(pool, cpu);
}

/* The lock, also of an owner who died with it. */
static bool area_trylock(struct pb_pool *pool, struct pcp_area *area)
{
	return pcp_trylock(area) ||
	       (unlikely(pool->shared) && shared_trylock(pool, area, AREA_HELD));
}

/*
 * An area is held with interrupts masked, where the port masks any: so no handler ever
 * finds the area of the CPU that it interrupted taken, no holder is preempted, and
 * whoever waits for another CPU's area waits for a bounded number of instructions,
 * a request that mustn't block as well. See ZONE_BATCH_MAX for the bound.
 */
static bool pcp_enter(struct pb_pool *pool, u32 cpu, unsigned long *state)
{
	if (pool->percpu_mode == PCP_MODE_NONE)
		return false;
	*state = pb_platform_critical_enter();
	if (!area_trylock(pool, pcp_area(pool, cpu))) {
		pb_platform_critical_exit(*state);
		return false;
	}
	pcp_fence(pool, cpu);
	return true;
}

static void pcp_exit(struct pb_pool *pool, u32 cpu, unsigned long state)
{
	pcp_unlock(pcp_area(pool, cpu));
	pb_platform_critical_exit(state);
}

static void pcp_enter_wait(struct pb_pool *pool, u32 cpu, unsigned long *state)
{
	while (!pcp_enter(pool, cpu, state))
		pb_platform_relax();
}

/* Whoever has an area waits for no other with a lower number. */
void pcp_lock_all(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		while (!area_trylock(pool, pcp_area(pool, cpu)))
			pb_platform_relax();
		pcp_fence(pool, cpu);
	}
}

void pcp_unlock_all(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
		pcp_unlock(pcp_area(pool, cpu));
}

bool pcp_holds(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	struct pcp_counts counts;

	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		if (pool_is_linked(pool)) {
			pcp_count(pool, cpu, zone, &counts);
			if (counts.held >> order)
				return true;
			continue;
		}
		for (unsigned int t = 0; t < PB_MIGRATE_PCPTYPES && order < pool->nr_pcp_orders; t++) {
			u32 class = zone_class(pool, zone, t);

			if (class != NO_CLASS && pcp_entries(pcp_list(pcp_area(pool, cpu), class, order)))
				return true;
		}
	}
	return false;
}

/* Between two parts of a long piece of work: let interrupts, and whoever waits for the
   area, have their turn. What the lists hold may be another after it. Not where it is
   for nothing: with restartable sequences nothing is masked, and taking the area again
   costs a fence. */
void pcp_breathe(struct pb_pool *pool, u32 cpu, unsigned long *state)
{
	if (rseq_mode(pool))
		return;
	pcp_exit(pool, cpu, *state);
	pcp_enter_wait(pool, cpu, state);
}

static struct pcp_cold *pcp_cold(const struct pb_pool *pool, struct pcp_area *area,
				 const struct pcp_list *list)
{
	struct pcp_list *first = pcp_list(area, NO_CLASS, 0);

	return (struct pcp_cold *)((unsigned char *)area + pool->super->pcp_cold) + (list - first);
}

bool pcp_allowed_order(const struct pb_pool *pool, unsigned int order)
{
	if (pool->percpu_mode == PCP_MODE_NONE)
		return false;
	if (pool_is_linked(pool))
		return !order || (!linux_rules(pool)->pcp_single &&
				  (order <= COSTLY_ORDER || order == pool->pageblock_order));
	return order < pool->nr_pcp_orders;
}

/* ------------------------------------------------------------ refill, drain */

void pcp_trace_batch(struct pb_pool *pool, enum pb_trace_type type, struct zone *zone, u32 cpu,
		     unsigned int order, unsigned int mt, u32 n)
{
	struct pb_trace_event event = { .type = (u8)type,
					.order = (u8)order,
					.migratetype = (u8)mt,
					.cpu = cpu,
					.value = n };

	if (!tracing(pool))
		return;
	event.pfn = zone->start_pfn;
	trace_event(pool, zone, &event);
}

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

/* Gives back the n coldest, from the bottom; pre: there are as many. */
static void pcp_drain_some(struct pb_pool *pool, struct zone *zone, u32 cpu, struct pcp_list *list,
			   unsigned int order, u32 n)
{
	struct pcp_area *area = pcp_area(pool, cpu);
	u32 *stack = pcp_stack(area, list);
	u32 left = pcp_entries(list) - n;

	tight_free_batch(pool, zone, order, n, stack);
	pcp_trace_batch(pool, PB_TRACE_DRAIN, zone, cpu, order, frame_migratetype(pool, stack[0]),
			n);
	memmove(stack, stack + n, left * sizeof(*stack));
	store_relaxed(&list->head, list->head - n);
	counter_add(&pcp_cold(pool, area, list)->drained, n);
}

/*
 * I16: the limits of a CPU's lists of a zone, each in pages, add up to no more than its
 * bound, so no push has to look at more than its own list's.
 */
static u64 stock_bound(const struct pb_pool *pool, const struct zone *zone)
{
	(void)pool;
	return (u64)load_relaxed(&zone->pcp_high_max);
}

/* The i-th list of a zone: types, and orders within. */
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

/* Pages that the limits of all lists of a CPU and zone allow; *most: the list that is
   allowed the most, but for `list`. */
static u64 pages_allowed(const struct pb_pool *pool, const struct zone *zone, u32 cpu,
			 const struct pcp_list *list, u32 *most)
{
	u64 sum = 0, greatest = 0;

	for (u32 i = 0; i < zone_lists(pool); i++) {
		const struct pcp_list *other = zone_list(pool, zone, cpu, i);
		u64 pages = (u64)limit_of(other) << i % pool->nr_pcp_orders;

		sum += pages;
		if (other != list && pages > greatest) {
			greatest = pages;
			*most = i;
		}
	}
	return sum;
}

/* Lower the limit of the list that is allowed the most, by `pages` or what one hold of
   the area is long enough for; returns by how many pages. */
static u64 lower_limit(struct pcp_list *list, unsigned int order, u64 pages)
{
	u64 blocks = (pages + ((u64)1 << order) - 1) >> order;
	u32 cut = (u32)min_u64(min_u64(blocks, limit_of(list)), ZONE_BATCH_MAX);

	set_limit(list, limit_of(list) - cut);
	return (u64)cut << order;
}

/* Raises the list's limit, perhaps at another's cost; returns which one of the zone's
   holds more now than it may, or UINT32_MAX. */
static NOINLINE u32 raise_limit(struct pb_pool *pool, struct zone *zone, u32 cpu,
				struct pcp_list *list, unsigned int order)
{
	u32 more = limit_of(list) ? limit_of(list) : 1;
	u64 bound = stock_bound(pool, zone), allowed;
	u32 largest = UINT32_MAX;
	struct pcp_list *from;

	if (more > list->max - limit_of(list))
		more = (u32)list->max - limit_of(list);
	allowed = pages_allowed(pool, zone, cpu, list, &largest);
	if (allowed + ((u64)more << order) <= bound)
		largest = UINT32_MAX;
	if (largest != UINT32_MAX) {
		from = zone_list(pool, zone, cpu, largest);
		allowed -= lower_limit(from, largest % pool->nr_pcp_orders,
				       allowed + ((u64)more << order) - bound);
		if (pcp_entries(from) <= limit_of(from))
			largest = UINT32_MAX;
	}
	if (allowed < bound)
		set_limit(list, limit_of(list) + (u32)min_u64(more, (bound - allowed) >> order));
	return largest;
}

/* Twice as much, as far as the zone's bound for one CPU has room. */
static inline void grow_limit(struct pb_pool *pool, struct zone *zone, u32 cpu,
			      struct pcp_list *list, unsigned int order)
{
	struct pcp_list *over;
	u32 i;

	if (limit_of(list) >= list->max)
		return;
	i = raise_limit(pool, zone, cpu, list, order);
	if (i == UINT32_MAX)
		return;
	over = zone_list(pool, zone, cpu, i);
	pcp_drain_some(pool, zone, cpu, over, i % pool->nr_pcp_orders,
		       pcp_entries(over) - limit_of(over));
}

/* Takes a batch from the zone onto the stack, which is empty, the lowest frame on
   top, and pops that for the caller. */
static u32 pcp_refill(struct pb_pool *pool, struct zone *zone, u32 cpu, struct pcp_list *list,
		      unsigned int order, unsigned int type, unsigned int alloc_flags)
{
	struct pcp_area *area = pcp_area(pool, cpu);
	u32 want = limit_of(list) - limit_of(list) / 4; /* room for some frees before a drain */
	u32 one, got, *to = pcp_stack(area, list);

	if (want < 2) { /* there may be no room at all */
		want = 1;
		to = &one;
	}
	want = want > ZONE_BATCH_MAX ? ZONE_BATCH_MAX : want;
	got = tight_take_batch(pool, zone, cpu, order, type, alloc_flags, want, to + want);
	if (!got)
		return NO_FRAME;
	if (got < want)
		memmove(to, to + want - got, got * sizeof(*to));
	counter_add(&pcp_cold(pool, area, list)->refilled, got);
	/* as if all had been pushed and the first popped */
	store_relaxed(&list->head, list->head + got + PCP_POP);
	grow_limit(pool, zone, cpu, list, order);
	pcp_trace_batch(pool, PB_TRACE_REFILL, zone, cpu, order, type, got);
	return to[got - 1];
}

/* As many as n, with a breath between two batches. */
ALWAYS_INLINE void pcp_drain_list(struct pb_pool *pool, struct zone *zone, u32 cpu,
				  struct pcp_list *list, unsigned int order, u32 n,
				  unsigned long *state)
{
	for (;;) {
		u32 count = pcp_entries(list);
		u32 batch = n < count ? n : count;

		if (batch > ZONE_BATCH_MAX)
			batch = ZONE_BATCH_MAX;
		if (!batch)
			return;
		pcp_drain_some(pool, zone, cpu, list, order, batch);
		n -= batch;
		if (n)
			pcp_breathe(pool, cpu, state);
	}
}

static u32 pcp_stack_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
			  unsigned int type, unsigned int alloc_flags)
{
	struct pcp_area *area = pcp_area(pool, cpu);
	struct pcp_list *list = pcp_list(area, zone_class(pool, zone, type), order);
	u32 count = pcp_entries(list);

	if (!count)
		return pcp_refill(pool, zone, cpu, list, order, type, alloc_flags);
	store_relaxed(&list->head, list->head + PCP_POP);
	return pcp_stack(area, list)[count - 1];
}

/* How many blocks a full stack of so many gives back: the colder half, or as many as one
   hold of the area is long enough for. */
static u32 drain_at_once(u32 count)
{
	u32 half = (count + 1) / 2;

	return half < ZONE_BATCH_MAX ? half : ZONE_BATCH_MAX;
}

static bool pcp_stack_put(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame,
			  unsigned int order, u32 class)
{
	struct pcp_area *area = pcp_area(pool, cpu);
	struct pcp_list *list = pcp_list(area, class, order);
	u32 count = pcp_entries(list);

	if (count >= limit_of(list)) {
		grow_limit(pool, zone, cpu, list, order);
		if (!limit_of(list))
			return false;
		if (count >= limit_of(list)) {
			pcp_drain_some(pool, zone, cpu, list, order, drain_at_once(count));
			count = pcp_entries(list);
		}
	}
	pcp_stack(area, list)[count] = frame;
	store_relaxed(&list->head, list->head + PCP_PUSH);
	return true;
}

/*
 * Does this thread run where it can't enter the area for free? On a CPU that the pool
 * has no area for, or on another since it asked which one it is on. To stop the
 * area's own CPU takes a system call; to go to the zone takes none.
 */
static bool elsewhere(const struct pb_pool *pool, u32 cpu)
{
	return rseq_mode(pool) && pb_platform_cpu() != cpu;
}

u32 pcp_take(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned int order,
	     unsigned int type, unsigned int alloc_flags)
{
	unsigned long state;
	u32 frame;

	if (elsewhere(pool, cpu) || !pcp_enter(pool, cpu, &state))
		return NO_FRAME;
	if (pool_is_linked(pool))
		frame = pcp_linux_take(pool, zone, cpu, order, type, alloc_flags, &state);
	else
		frame = pcp_stack_take(pool, zone, cpu, order, type, alloc_flags);
	pcp_exit(pool, cpu, state);
	return frame;
}

bool pcp_put(struct pb_pool *pool, struct zone *zone, u32 cpu, u32 frame, unsigned int order)
{
	unsigned int type = frame_migratetype(pool, frame);
	u16 class = zone_class(pool, zone, type);
	unsigned long state;
	bool done = true;

	if (class == NO_CLASS || elsewhere(pool, cpu) || !pcp_enter(pool, cpu, &state))
		return false;
	if (pool_is_linked(pool))
		pcp_linux_put(pool, zone, cpu, frame, order, type, &state);
	else
		done = pcp_stack_put(pool, zone, cpu, frame, order, class);
	pcp_exit(pool, cpu, state);
	return done;
}

static void __pcp_drain_zone(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned long *state)
{
	struct pcp_area *area = pcp_area(pool, cpu);

	if (pool_is_linked(pool)) {
		pcp_linux_drain(pool, zone, cpu, state);
		return;
	}
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < pool->nr_pcp_orders; order++) {
			struct pcp_list *list = pcp_list(area, zone_class(pool, zone, type), order);

			if (!pcp_entries(list))
				continue;
			pcp_drain_list(pool, zone, cpu, list, order, pcp_entries(list), state);
			pcp_breathe(pool, cpu, state);
		}
}

/* Is there anything in this CPU's lists, or on its way there? Cheaper to ask than to
   stop the CPU. */
static bool pcp_holds_any(struct pb_pool *pool, u32 cpu)
{
	struct pcp_area *area = pcp_area(pool, cpu);

	/* Acquire: pairs with pcp_unlock(), so that what a refill put there is seen. */
	if (__atomic_load_n(&area->lock, __ATOMIC_ACQUIRE))
		return true;
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		for (u32 i = 0; i < (u32)PB_MIGRATE_PCPTYPES * pool->nr_pcp_orders; i++) {
			u32 class = zone_class(pool, pool_zone(pool, z), i / pool->nr_pcp_orders);

			if (pcp_entries(pcp_list(area, class, i % pool->nr_pcp_orders)))
				return true;
		}
	return false;
}

void pcp_drain_cpu(struct pb_pool *pool, u32 cpu, struct zone *zone)
{
	unsigned long state;

	if (pool->percpu_mode == PCP_MODE_NONE)
		return;
	if (!pool_is_linked(pool) && !pcp_holds_any(pool, cpu))
		return;
	pcp_enter_wait(pool, cpu, &state);
	for (u32 i = 0; i < pool->super->nr_zones; i++)
		if (!zone || zone == pool_zone(pool, i))
			__pcp_drain_zone(pool, pool_zone(pool, i), cpu, &state);
	pcp_exit(pool, cpu, state);
}

void pcp_drain_all(struct pb_pool *pool, struct zone *zone)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
		pcp_drain_cpu(pool, cpu, zone);
}

void pb_drain(struct pb_pool *pool, int cpu)
{
	pool_enter(pool);
	if (cpu < 0)
		pcp_drain_all(pool, NULL);
	else if ((u32)cpu < pool->percpu_cpus)
		pcp_drain_cpu(pool, (u32)cpu, NULL);
	pool_leave(pool);
}

/* ------------------------------------------------------------------- decay */

static void tick_list(struct pb_pool *pool, struct zone *zone, u32 cpu, struct pcp_list *list,
		      unsigned int order, unsigned long *state)
{
	struct pcp_cold *cold = pcp_cold(pool, pcp_area(pool, cpu), list);
	bool idle = cold->seen == list->head;

	if (idle) {
		set_limit(list, limit_of(list) / 2);
		if (pcp_entries(list)) {
			pcp_drain_list(pool, zone, cpu, list, order, pcp_entries(list), state);
			pcp_breathe(pool, cpu, state);
		}
	}
	cold->seen = list->head;
}

static void tick_zone(struct pb_pool *pool, struct zone *zone, u32 cpu, unsigned long *state)
{
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < pool->nr_pcp_orders; order++)
			tick_list(pool, zone, cpu,
				  pcp_list(pcp_area(pool, cpu), zone_class(pool, zone, type),
					   order),
				  order, state);
}

void pb_tick(struct pb_pool *pool)
{
	/* where nobody is woken to take a boost back, time does */
	for (u32 z = 0; !pool->hooks.wake && z < pool->super->nr_zones; z++)
		store_relaxed(&pool_zone(pool, z)->watermark_boost, 0);
	if (pool_is_linked(pool))
		return; /* Linux 6.1's lists keep what they have */
	pool_enter(pool);
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		unsigned long state;

		if (!pcp_enter(pool, cpu, &state))
			continue; /* in use, so not idle */
		for (u32 i = 0; i < pool->super->nr_zones; i++)
			tick_zone(pool, pool_zone(pool, i), cpu, &state);
		pcp_exit(pool, cpu, state);
	}
	pool_leave(pool);
}

/* ------------------------------------------------------------------- sizes */

/* Entries of a stack: fewer for larger orders, at most a sixteenth of what the
   zone grants a CPU. */
static u32 stack_entries(const struct pb_super *super, unsigned int order, u64 pages)
{
	u64 entries = PCP_STACK_MAX >> order;

	if (entries < PCP_STACK_MIN)
		entries = PCP_STACK_MIN;
	return (u32)min_u64(entries, pages >> order) >> super->pcp_scale;
}

/* What the stacks of one zone may ever hold: all of its frames may come online. */
static u64 zone_stack_pages(const struct pb_super *super, u64 zone_frames)
{
	u32 max = super->tunables.pcp_batch_max;

	return max ? min_u64(max, zone_frames / 128) : zone_frames / 128;
}

u32 pcp_stack_room(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	return stack_entries(pool->super, order,
			     zone_stack_pages(pool->super, zone_nr_frames(pool, zone)));
}

u32 pcp_stack_max(const struct pb_pool *pool, const struct zone *zone, unsigned int order)
{
	u32 high = load_relaxed(&pool->super->tunables.pcp_high);
	u64 pages = high ? high : (u64)load_relaxed(&zone->pcp_high_max) / 16;

	return (u32)min_u64(stack_entries(pool->super, order, pages),
			    pcp_stack_room(pool, zone, order));
}

/* Lists that hold more than they may now are emptied by the next drain or tick; those
   that may hold more than all together may begin anew. */
static void __set_stack_sizes(struct pb_pool *pool, struct zone *zone, u32 cpu)
{
	u32 largest;

	for (u32 i = 0; i < zone_lists(pool); i++) {
		struct pcp_list *list = zone_list(pool, zone, cpu, i);

		list->max = (u16)pcp_stack_max(pool, zone, i % pool->nr_pcp_orders);
		set_limit(list, limit_of(list));
	}
	if (pages_allowed(pool, zone, cpu, NULL, &largest) <= stock_bound(pool, zone))
		return;
	for (u32 i = 0; i < zone_lists(pool); i++)
		set_limit(zone_list(pool, zone, cpu, i), 0);
}

static bool above_bound(const struct pb_pool *pool, const struct zone *zone, u32 cpu)
{
	struct pcp_counts counts;

	pcp_count(pool, cpu, zone, &counts);
	return counts.held > stock_bound(pool, zone);
}

static void __set_sizes(struct pb_pool *pool, struct zone *zone, u32 cpu)
{
	struct pcp_linux *pcp;

	if (!pool_is_linked(pool)) {
		__set_stack_sizes(pool, zone, cpu);
		return;
	}
	pcp = pcp_linux_of(pool, cpu, zone);
	store_relaxed(&pcp->batch, load_relaxed(&zone->pcp_batch));
	store_relaxed(&pcp->high, load_relaxed(&zone->pcp_high_min));
	store_relaxed(&pcp->high_min, load_relaxed(&zone->pcp_high_min));
	store_relaxed(&pcp->high_max, load_relaxed(&zone->pcp_high_max));
}

void pcp_set_sizes(struct pb_pool *pool, struct zone *zone)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		unsigned long state = pb_platform_critical_enter();

		/* no fence: restartable sequences only read a limit */
		while (!area_trylock(pool, pcp_area(pool, cpu))) {
			pb_platform_critical_exit(state);
			pb_platform_relax();
			state = pb_platform_critical_enter();
		}
		__set_sizes(pool, zone, cpu);
		pcp_exit(pool, cpu, state);
		if (!pool_is_linked(pool) && above_bound(pool, zone, cpu))
			pcp_drain_cpu(pool, cpu, zone);
	}
}

void pcp_layout(struct pb_super *super)
{
	if (super->profile == PB_PROFILE_LINUX)
		return;
	super->nr_pcp_orders = (u8)(super->pageblock_order + 1u);
	/* room for every order: beyond nr_pcp_orders the lists are always full */
	super->class_shift = (u8)(fls32(super->max_order | 1u) + 1u);
}

size_t pcp_zone_bytes(const struct pb_super *super, u64 zone_frames)
{
	u64 pages = zone_stack_pages(super, zone_frames);
	size_t bytes = 0;

	if (super->profile == PB_PROFILE_LINUX)
		return sizeof(struct pcp_linux);
	for (unsigned int order = 0; order < super->nr_pcp_orders; order++)
		bytes += PB_MIGRATE_PCPTYPES * sizeof(u32) * stack_entries(super, order, pages);
	return bytes;
}

/* Lists of all classes, the one that is no class included. */
static u32 nr_lists(const struct pb_super *super)
{
	return (super->nr_zones * PB_MIGRATE_PCPTYPES + 1) << super->class_shift;
}

/* Head, lists, slots, and what is seldom needed. */
size_t pcp_area_bytes(struct pb_super *super, size_t zone_bytes)
{
	size_t bytes = sizeof(struct pcp_area);

	if (super->profile == PB_PROFILE_LINUX)
		return (size_t)align_up(bytes + zone_bytes, 64);
	bytes += nr_lists(super) * sizeof(struct pcp_list) + zone_bytes;
	if (bytes / sizeof(u32) >= PCP_SLOTS)
		return 0;
	super->pcp_cold = (u32)align_up(bytes, 64);
	return (size_t)align_up(super->pcp_cold + nr_lists(super) * sizeof(struct pcp_cold), 64);
}

static void init_stacks(struct pb_pool *pool, u32 cpu)
{
	struct pb_super *super = pool->super;
	u32 slot = nr_lists(super) * sizeof(struct pcp_list) / sizeof(u32);

	for (u32 i = 0; i < super->nr_zones * (u32)PB_MIGRATE_PCPTYPES; i++) {
		struct zone *zone = pool_zone(pool, i / PB_MIGRATE_PCPTYPES);
		u32 class = zone_class(pool, zone, i % PB_MIGRATE_PCPTYPES);

		for (unsigned int order = 0; order < pool->nr_pcp_orders; order++) {
			struct pcp_list *list = pcp_list(pcp_area(pool, cpu), class, order);

			list->base = list->limit = (u16)slot;
			list->head = slot;
			list->room = (u16)pcp_stack_room(pool, zone, order);
			slot += list->room;
		}
	}
}

void pcp_init_areas(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		pcp_area(pool, cpu)->cpu = cpu;
		pcp_area(pool, cpu)->node = (u32)cpu_node(pool, cpu);
		if (!pool_is_linked(pool)) {
			init_stacks(pool, cpu);
			continue;
		}
		for (u32 z = 0; z < pool->super->nr_zones; z++)
			for (u32 n = 0; n < LINUX_PCP_LISTS; n++)
				linked_init(pcp_linux_of(pool, cpu, pool_zone(pool, z))->lists, n);
	}
}

/* The node's first zone for each combination of modifiers, if that is local. */
void pcp_init_fast(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++) {
		struct pcp_area *area = pcp_area(pool, cpu);

		for (u32 gfp = 0; gfp <= PCP_FAST_GFP; gfp++) {
			int highest = gfp_zone(pool, gfp);
			int type = gfp_migratetype(pool, gfp);
			u16 zone = NO_ZONE;

			area->fast[gfp] = NO_CLASS;
			if (highest >= 0 && type >= 0)
				zone = pool_node(pool, area->node)->preferred[highest];
			if (zone != NO_ZONE && pool_zone(pool, zone)->node == area->node)
				area->fast[gfp] = zone_class(pool, pool_zone(pool, zone),
							     (u32)type);
		}
	}
}

/* -------------------------------------------------------------- statistics */

void pcp_count(const struct pb_pool *pool, u32 cpu, const struct zone *zone,
	       struct pcp_counts *counts)
{
	struct pcp_area *area = pcp_area(pool, cpu);

	*counts = (struct pcp_counts){ 0 };
	if (pool_is_linked(pool)) {
		const struct pcp_linux *pcp = pcp_linux_of(pool, cpu, zone);

		*counts = (struct pcp_counts){ load_relaxed(&pcp->allocs),
					       load_relaxed(&pcp->alloc_pages),
					       load_relaxed(&pcp->frees),
					       load_relaxed(&pcp->free_pages),
					       (u64)load_relaxed(&pcp->count) };
		return;
	}
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < pool->nr_pcp_orders; order++) {
			struct pcp_list *list = pcp_list(area, zone_class(pool, zone, type), order);
			const struct pcp_cold *cold = pcp_cold(pool, area, list);
			u64 head = load_relaxed(&list->head);
			u64 allocs = head >> 16;
			u64 held = PCP_TOP(head) - list->base;
			u64 frees = held + allocs - load_relaxed(&cold->refilled) +
				    load_relaxed(&cold->drained);

			counts->allocs += allocs;
			counts->alloc_pages += allocs << order;
			counts->frees += frees;
			counts->free_pages += frees << order;
			counts->held += held << order;
		}
}
