/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every place where one can come: before and after each lock and
 * critical section of each call. Its handler frees a page, allocates until nothing is
 * left, gives all back. It must not wait for what it interrupted, must get all that is
 * free but for what the interrupted call has in its hands, and must leave that call as
 * right as it was. With much free and with little, in each kind of pool. Others make
 * every call that calls.h has for interrupts (tests/build/calls sees to it), on
 * the CPU that was interrupted and on another.
 */
#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES 64u
#define PAGEBLOCK 8u

static struct scene {
	struct tp tp;
	struct pb_page *held[FRAMES]; /* by the interrupted code, order 0 */
	unsigned int nr_held;
	struct pb_page *in_handler[FRAMES];
	struct pb_page *spare; /* the handler's to free */
	unsigned int got;
	long result;
} s;

static unsigned long places;

/* --------------------------------------------------------------------- the calls */

static void hold(struct pb_page *page)
{
	if (page)
		s.held[s.nr_held++] = page;
}

static void call_pb_alloc_pages(void)
{
	hold(pb_alloc_pages(&s.tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
}

static void call_pb_free_pages(void)
{
	for (int i = 0; i < 3 && s.nr_held; i++)
		pb_free_pages(&s.tp.pool, s.held[--s.nr_held], 0);
}

static void call_pb_get_page(void)
{
	if (!s.nr_held || !(s.tp.config.flags & PB_POOL_REFCOUNT))
		return;
	pb_get_page(&s.tp.pool, s.held[0]);
	pb_put_page(&s.tp.pool, s.held[0]);
	pb_set_movable(&s.tp.pool, s.held[0], true);
	s.result = pb_page_count(&s.tp.pool, s.held[0]) - 1;
}

static void call_pb_alloc_exact(void)
{
	struct pb_page *page = pb_alloc_exact(&s.tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 5);

	for (unsigned int i = 0; page && i < 5; i++)
		hold(page + i);
}

static void call_pb_free_exact(void)
{
	struct pb_page *page = pb_alloc_exact(&s.tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 3);

	if (page)
		pb_free_exact(&s.tp.pool, page, 3);
}

static void call_pb_split_page(void)
{
	struct pb_page *page = pb_alloc_pages(&s.tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 1);

	if (!page)
		return;
	pb_split_page(&s.tp.pool, page, 1);
	hold(page);
	hold(page + 1);
}

static void call_pb_alloc_pages_bulk(void)
{
	struct pb_page *pages[6];
	size_t n = pb_alloc_pages_bulk(&s.tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 0, 6, pages);

	s.result = pb_free_bulk(&s.tp.pool, 0, n, pages) != n;
}

static void call_pb_alloc_at(void)
{
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 21)
		if (pb_alloc_at(&s.tp.pool, pfn, 0, PB_GFP_KERNEL) == PB_OK)
			hold(pb_pfn_to_page(&s.tp.pool, pfn));
}

static void call_pb_alloc_contig(void)
{
	struct pb_page *page = pb_alloc_contig(&s.tp.pool, 7, 1, 0, FRAMES, 0,
					       PB_GFP_KERNEL | PB_GFP_NOWARN);

	for (unsigned int i = 0; page && i < 7; i++)
		hold(page + i);
}

static void call_pb_reserve(void)
{
	if (pb_reserve(&s.tp.pool, 17, 22) == PB_OK)
		s.result = pb_online(&s.tp.pool, 17, 22);
}

static void call_pb_offline(void)
{
	if (pb_offline(&s.tp.pool, PAGEBLOCK, 2 * PAGEBLOCK) == PB_OK)
		s.result = pb_online(&s.tp.pool, PAGEBLOCK, 2 * PAGEBLOCK);
}

static void call_pb_compact(void)
{
	(void)pb_compact(&s.tp.pool, PB_NO_NODE, 3, FRAMES / PAGEBLOCK);
}

static void call_pb_drain(void)
{
	pb_drain(&s.tp.pool, -1);
}

static void call_pb_pcp_decay(void)
{
	pb_pcp_decay(&s.tp.pool);
	pb_pcp_decay(&s.tp.pool);
}

static void call_pb_set_pcp(void)
{
	s.result = pb_set_pcp(&s.tp.pool, 40, 10);
	s.result |= pb_set_watermark_scale_factor(&s.tp.pool, 11);
	s.result |= pb_set_min_free_kbytes(&s.tp.pool, 0);
}

/* `in_hand`: pages that the call may have out of everybody's reach meanwhile. */
#define CALL(name, in_hand)                 \
	{                                   \
#name, call_##name, in_hand \
	}

static const struct {
	const char *name;
	void (*call)(void);
	unsigned int in_hand;
} calls[] = {
	CALL(pb_alloc_pages, 1), CALL(pb_free_pages, 1),       CALL(pb_get_page, 0),
	CALL(pb_alloc_exact, 8), CALL(pb_free_exact, 4),       CALL(pb_split_page, 2),
	CALL(pb_alloc_at, 1),    CALL(pb_alloc_pages_bulk, 6), CALL(pb_alloc_contig, 7),
	CALL(pb_reserve, 5),     CALL(pb_offline, PAGEBLOCK),  CALL(pb_compact, PAGEBLOCK),
	CALL(pb_drain, 0),       CALL(pb_pcp_decay, 0),        CALL(pb_set_pcp, 0),
};

/* -------------------------------------------------- every call that a handler may make */

#define URGENT (PB_GFP_ATOMIC | PB_GFP_NOWARN)

static void request_blocks(struct pb_pool *pool, struct pb_request *request)
{
	struct pb_page *pages[5];

	pages[0] = pb_alloc_pages_node(pool, 0, URGENT, 1);
	pages[1] = pb__alloc_pages_node(pool, 0, URGENT, 0);
	pages[2] = pb_alloc_pages_nodemask(pool, URGENT, 0, 0, NULL, NULL);
	pages[3] = pb_request_pages(pool, request, 0);
	pages[4] = pb_request_pages_as(pool, request, 1, "a name");
	if (pages[0]) {
		pb_split_page(pool, pages[0], 1);
		pb_free_exact(pool, pages[0], 2);
	}
	for (int i = 1; i < 4; i++)
		if (pages[i])
			pb_free_pages_as(pool, pages[i], 0, "a name");
	if (pages[4]) {
		pb_split_page_as(pool, pages[4], 1, "a name");
		pb_free_exact_as(pool, pages[4], 2, "a name");
	}
}

static void request_ranges(struct pb_pool *pool, struct pb_request *request)
{
	const struct pb_range range = { .high = FRAMES };
	struct pb_page *pages[4], *page;
	size_t n;

	page = pb_alloc_exact(pool, URGENT, 3);
	if (page)
		pb_free_exact(pool, page, 3);
	page = pb_request_exact(pool, request, 3);
	if (page)
		pb_free_exact(pool, page, 3);
	page = pb_request_exact_as(pool, request, 3, "a name");
	if (page)
		pb_free_exact(pool, page, 3);
	page = pb_alloc_contig(pool, 5, 1, 0, FRAMES, 0, URGENT);
	if (page)
		pb_free_exact(pool, page, 5);
	page = pb_request_contig(pool, request, 5, &range);
	if (page)
		pb_free_exact(pool, page, 5);
	n = pb_alloc_pages_bulk(pool, URGENT, 0, 4, pages);
	pb_free_bulk(pool, 0, n, pages);
	n = pb_request_bulk(pool, request, 0, 4, pages);
	pb_free_bulk(pool, 0, n, pages);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 9)
		if (pb_alloc_at(pool, pfn, 0, URGENT) == PB_OK)
			pb_free_pages(pool, pb_pfn_to_page(pool, pfn), 0);
	page = pb_alloc_pages(pool, URGENT, 3);
	/* a hardened pool would look for the zeroes, and there is no memory */
	if (page && s.tp.config.flags & PB_POOL_HARDENED)
		pb_free_pages(pool, page, 3);
	else if (page)
		pb_free_pages_cleared(pool, page, 3);
}

static void ask(struct pb_pool *pool, struct pb_page *page)
{
	struct pb_pool_info info;
	uint64_t pfn = pb_page_to_pfn(pool, page);
	uint8_t nodes[PB_MAX_NODES];
	struct pb_block block;

	tp_require(pb_find_block(pool, pfn, &block) == PB_OK && block.pfn == pfn &&
			   block.state == PB_BLOCK_ALLOCATED &&
			   !pb_range_is_free(pool, pfn, pfn + 1) &&
			   pb_zone_below(pool, 0, PB_WMARK_MIN) >= 0 &&
			   pb_free_blocks(pool, 0, 0) <= FRAMES,
		   "a handler's page is not where it was");
	tp_require(pb_page_order(pool, page) == 0 && pb_page_count(pool, page) == 1 &&
			   pb_page_owner(pool, page) == 0 && pb_page_node(pool, page) == 0 &&
			   pb_page_zone(pool, page) == PB_ZONE_NORMAL &&
			   pb_pageblock_type(pool, pb_page_to_pfn(pool, page)) >= 0,
		   "a handler's page is another than it was");
	tp_require(pb_pfn_to_page(pool, pb_page_to_pfn(pool, page)) == page &&
			   pb_address_to_page(pool, pb_page_address(pool, page)) == page &&
			   pb_index_to_page(pool, pb_page_to_index(pool, page)) == page &&
			   pb_pool_info(pool, &info) == PB_OK &&
			   pb_zonelist_nodes(pool, 0, nodes) == 1 && pb_nr_zones(pool) == 1 &&
			   pb_get_order(pool, 5000) == 1,
		   "a question has another answer in a handler");
}

static void every_call(void)
{
	struct pb_request request = { .gfp = URGENT, .node = PB_NO_NODE };
	struct pb_pool *pool = &s.tp.pool;
	struct pb_page *page;

	request_blocks(pool, &request);
	request_ranges(pool, &request);
	page = pb_alloc_pages(pool, URGENT, 0);
	if (!page)
		return;
	ask(pool, page);
	pb_set_movable(pool, page, true);
	if (s.tp.config.flags & PB_POOL_REFCOUNT) {
		pb_get_page(pool, page);
		pb_get_page_as(pool, page, "a name");
		pb_put_page(pool, page);
		pb_put_page_as(pool, page, "a name");
	}
	pb_free_pages(pool, page, 0);
}

/* ------------------------------------------------------------------ the handlers */

static void handler(void *ctx)
{
	struct pb_page *page;

	(void)ctx;
	s.got = 0;
	if (s.spare)
		pb_free_pages(&s.tp.pool, s.spare, 0);
	s.spare = NULL;
	while (s.got < FRAMES &&
	       (page = pb_alloc_pages(&s.tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 0)) != NULL)
		s.in_handler[s.got++] = page;
	for (unsigned int i = 0; i < s.got; i++)
		pb_free_pages(&s.tp.pool, s.in_handler[i], 0);
}

/* Makes every call; not on the CPU that it stopped, if it is of the second kind: another
   task there was preempted for one that moved. */
static void busy_handler(void *ctx)
{
	(void)ctx;
	every_call();
}

static void moved_handler(void *ctx)
{
	(void)ctx;
	pb_test_set_cpu(1);
	every_call();
	pb_test_set_cpu(0);
}

static bool stays(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		  unsigned int order)
{
	(void)ctx, (void)pool, (void)from, (void)to, (void)order;
	return false;
}

static void prepare(const struct variant *v, unsigned int free_pages)
{
	memset(&s, 0, sizeof(s));
	pb_test_set_cpu(0);
	tp_start(&s.tp);
	s.tp.config.profile = (uint8_t)v->profile;
	s.tp.config.flags |= v->flags;
	s.tp.config.nr_cpus = 2;
	s.tp.config.max_order = 4;
	s.tp.config.pageblock_order = 3;
	s.tp.hooks.migrate = stays;
	s.tp.config.linear = (void *)(uintptr_t)0x10000000; /* for questions; nobody writes there */
	tp_region(&s.tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&s.tp);
	s.spare = pb_alloc_pages(&s.tp.pool, PB_GFP_KERNEL, 0);
	while (s.nr_held + 1 + free_pages < FRAMES)
		hold(pb_alloc_pages(&s.tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0));
}

/* One run, with the interrupt at this place; false: there are fewer. */
static bool run_at(const struct variant *v, unsigned int call, unsigned int free_pages,
		   void (*handle)(void *ctx), unsigned long at)
{
	struct pb_test_interrupt interrupt = { .handler = handle, .at = at };
	unsigned int held_before, most, owned;

	prepare(v, free_pages);
	held_before = s.nr_held;
	pb_test_interrupt(&interrupt);
	calls[call].call();
	pb_test_interrupt(NULL);
	/* what the call took or gave may have been before or after the interrupt */
	most = s.nr_held > held_before ? s.nr_held : held_before;
	owned = most + calls[call].in_hand;
	tp_require(!interrupt.done || handle != handler || v->profile == PB_PROFILE_LINUX ||
			   s.got + owned >= FRAMES,
		   "%s, %s, place %lu: %u pages got, %u held", calls[call].name, v->name, at, s.got,
		   most);
	tp_require(!s.result, "%s, %s, place %lu: result %ld", calls[call].name, v->name, at,
		   s.result);
	tp_require(!s.tp.misuse_calls, "%s, place %lu: %s", calls[call].name, at, s.tp.misuse_text);
	tp_check(&s.tp, calls[call].name);
	pb_drain(&s.tp.pool, -1);
	tp_require(tp_free_pages(&s.tp) == FRAMES - s.nr_held - (s.spare != NULL),
		   "%s, place %lu: %ld pages free, %u held", calls[call].name, at,
		   (long)tp_free_pages(&s.tp), s.nr_held);
	tp_drop(&s.tp);
	return interrupt.done;
}

static void run_all(unsigned int free_pages, void (*handle)(void *ctx))
{
	for (unsigned int call = 0; call < sizeof(calls) / sizeof(*calls); call++) {
		unsigned long before = places;

		for_each_variant(v)
		{
			unsigned long at = 0;

			while (run_at(v, call, free_pages, handle, at))
				at++;
			places += at;
		}
		/* pb_get_page() takes no lock, and nothing is freed where nothing is held */
		tp_require(places > before || calls[call].call == call_pb_get_page, "%s: no place",
			   calls[call].name);
	}
}

static void test_interrupt_anywhere_with_much_free(void **state)
{
	(void)state;
	run_all(40, handler);
}

static void test_every_call_anywhere(void **state)
{
	(void)state;
	for (unsigned int free_pages = 1; free_pages <= 41; free_pages += 20) {
		run_all(free_pages, busy_handler);
		run_all(free_pages, moved_handler);
	}
}

static void test_interrupt_anywhere_near_empty(void **state)
{
	(void)state;
	run_all(9, handler);
	run_all(1, handler);
	run_all(0, handler);
}

/* ---- while blocks go by the depot */

#define DEPOT_FRAMES 256u
#define WHOLE 3u

static struct pb_page *whole[(DEPOT_FRAMES >> WHOLE) + 1];

/* What lies there is had, and comes back, in the handler, too: of all that is free nothing is out
   of reach but what the call has in its hands. */
static void whole_handler(void *ctx)
{
	unsigned int n = 0;

	(void)ctx;
	pb_drain(&s.tp.pool, -1);
	while ((whole[n] = pb_alloc_pages(&s.tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, WHOLE)))
		n++;
	s.got = n;
	while (n--)
		pb_free_pages(&s.tp.pool, whole[n], WHOLE);
}

static int32_t in_depot(void)
{
	struct pb_pcp_stat stat;

	assert_int_equal(pb_pcp_stats(&s.tp.pool, 0, 2, &stat), PB_OK);
	return stat.count;
}

/* CPU 0 allocates what CPU 1 frees. */
static void relay(unsigned int n)
{
	struct pb_page *page[8];

	pb_test_set_cpu(0);
	for (unsigned int i = 0; i < n; i++)
		page[i] = pb_alloc_pages(&s.tp.pool, PB_GFP_KERNEL, WHOLE);
	pb_test_set_cpu(1);
	for (unsigned int i = 0; i < n; i++)
		pb_free_pages(&s.tp.pool, page[i], WHOLE);
	pb_test_set_cpu(0);
}

static bool run_relay_at(unsigned long at)
{
	struct pb_test_interrupt interrupt = { .handler = whole_handler, .at = at };

	memset(&s, 0, sizeof(s));
	pb_test_set_cpu(0);
	tp_start(&s.tp);
	s.tp.config.nr_cpus = 2;
	s.tp.config.max_order = 4;
	s.tp.config.pageblock_order = WHOLE;
	tp_region(&s.tp, 0, DEPOT_FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&s.tp);
	assert_int_equal(pb_set_pcp(&s.tp.pool, 16, 0), PB_OK);
	for (unsigned int i = 0; i < 40 && !in_depot(); i++)
		relay(8);
	assert_true(in_depot() > 0);
	pb_test_interrupt(&interrupt);
	relay(4);
	pb_test_interrupt(NULL);
	tp_require(!interrupt.done || s.got + 4 >= DEPOT_FRAMES >> WHOLE,
		   "place %lu: %u blocks got", at, s.got);
	tp_check(&s.tp, "relay");
	pb_drain(&s.tp.pool, -1);
	assert_int_equal(tp_free_pages(&s.tp), DEPOT_FRAMES);
	tp_drop(&s.tp);
	return interrupt.done;
}

static void test_interrupt_while_blocks_go_by_the_depot(void **state)
{
	unsigned long at = 0;

	(void)state;
	while (run_relay_at(at))
		at++;
	assert_true(at > 20);
	places += at;
}

static int print_places(void **state)
{
	(void)state;
	print_message("%lu interrupts delivered\n", places);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupt_anywhere_with_much_free),
		cmocka_unit_test(test_interrupt_anywhere_near_empty),
		cmocka_unit_test(test_every_call_anywhere),
		cmocka_unit_test(test_interrupt_while_blocks_go_by_the_depot),
	};

	tp_fail = _fail;
	return cmocka_run_group_tests(tests, NULL, print_places);
}
