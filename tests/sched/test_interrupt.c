/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every place where one can come: before and after each lock and
 * critical section of each call. Its handler frees a page, allocates until nothing is
 * left, gives all back. It must not wait for what it interrupted, must get all that is
 * free but for what the interrupted call has in its hands, and must leave that call as
 * right as it was. With much free and with little, in each kind of pool.
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

static void call_pb_claim(void)
{
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 21)
		if (pb_claim(&s.tp.pool, pfn, 0, PB_GFP_KERNEL) == PB_OK)
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
	(void)pb_compact(&s.tp.pool, PB_NO_NODE, 3);
}

static void call_pb_drain(void)
{
	pb_drain(&s.tp.pool, -1);
}

static void call_pb_tick(void)
{
	pb_tick(&s.tp.pool);
	pb_tick(&s.tp.pool);
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
	CALL(pb_alloc_pages, 1),     CALL(pb_free_pages, 1),
	CALL(pb_get_page, 0),        CALL(pb_alloc_exact, 8),
	CALL(pb_free_exact, 4),      CALL(pb_split_page, 2),
	CALL(pb_claim, 1),           CALL(pb_alloc_pages_bulk, 6),
	CALL(pb_alloc_contig, 7),    CALL(pb_reserve, 5),
	CALL(pb_offline, PAGEBLOCK), CALL(pb_compact, PAGEBLOCK),
	CALL(pb_drain, 0),           CALL(pb_tick, 0),
	CALL(pb_set_pcp, 0),
};

/* ------------------------------------------------------------------- the handler */

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
	tp_region(&s.tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&s.tp);
	s.spare = pb_alloc_pages(&s.tp.pool, PB_GFP_KERNEL, 0);
	while (s.nr_held + 1 + free_pages < FRAMES)
		hold(pb_alloc_pages(&s.tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0));
}

/* One run, with the interrupt at this place; false: there are fewer. */
static bool run_at(const struct variant *v, unsigned int call, unsigned int free_pages,
		   unsigned long at)
{
	struct pb_test_interrupt interrupt = { .handler = handler, .at = at };
	unsigned int held_before, most, owned;

	prepare(v, free_pages);
	held_before = s.nr_held;
	pb_test_interrupt(&interrupt);
	calls[call].call();
	pb_test_interrupt(NULL);
	/* what the call took or gave may have been before or after the interrupt */
	most = s.nr_held > held_before ? s.nr_held : held_before;
	owned = most + calls[call].in_hand;
	tp_require(!interrupt.done || v->profile == PB_PROFILE_LINUX || s.got + owned >= FRAMES,
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

static void run_all(unsigned int free_pages)
{
	for (unsigned int call = 0; call < sizeof(calls) / sizeof(*calls); call++) {
		unsigned long before = places;

		for_each_variant(v)
		{
			unsigned long at = 0;

			while (run_at(v, call, free_pages, at))
				at++;
			places += at;
		}
		/* pb_get_page() takes no lock, and nothing is freed where nothing is held */
		assert_true(places > before || calls[call].call == call_pb_get_page);
	}
}

static void test_interrupt_anywhere_with_much_free(void **state)
{
	(void)state;
	run_all(40);
}

static void test_interrupt_anywhere_near_empty(void **state)
{
	(void)state;
	run_all(9);
	run_all(1);
	run_all(0);
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
	};

	tp_fail = _fail;
	return cmocka_run_group_tests(tests, NULL, print_places);
}
