/* SPDX-License-Identifier: MIT */
/*
 * Every wrong order, on the fast paths of the port that has restartable sequences:
 * no order but the block's own may match its byte, whoever else holds the block.
 */
#include "support/cmocka.h"

#include <pagebuddy/linux_user.h>

static void build(struct tp *tp, uint32_t flags, uint8_t max_order, uint8_t pageblock_order)
{
	tp_start(tp);
	tp->config.flags |= PB_POOL_REFCOUNT | flags;
	tp->config.max_order = max_order;
	tp->config.pageblock_order = pageblock_order;
	tp_region(tp, 0, 1 << 16, 0, PB_ZONE_NORMAL);
	tp_region(tp, 1 << 20, (1 << 20) + (1 << 16), 0, PB_ZONE_MOVABLE);
	tp_build(tp);
}

/* Refused and reported once. */
static void assert_refused(struct tp *tp, struct pb_page *page, unsigned int order)
{
	tp->misuse_calls = 0;
	assert_int_equal(pb_free_pages(&tp->pool, page, order), PB_EMISUSE);
	assert_int_equal(tp->misuse_calls, 1);
}

/* None of them changes anything. */
static void wrong_orders(struct tp *tp, struct pb_page *page, unsigned int own)
{
	static const unsigned int large[] = { 0x100,      0x180,      0x7fffffff,
					      0x80000000, 0x80000080, 0xffffff40,
					      0xffffff80, 0xffffffc0, 0xffffffff };
	uint64_t before = tp_sum(tp);

	for (unsigned int order = 0; order < 256; order++)
		if (order != own)
			assert_refused(tp, page, order);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		assert_refused(tp, page, large[i]);
	assert_true(tp_sum(tp) == before);
}

static void every_state(uint32_t flags, uint8_t max_order, uint8_t pageblock_order)
{
	struct tp tp;

	build(&tp, flags, max_order, pageblock_order);
	for (unsigned int order = 0; order <= max_order; order += 5) {
		struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);

		assert_non_null(page);
		wrong_orders(&tp, page, order);
		assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
		wrong_orders(&tp, page, order);
		assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
		assert_int_equal(pb_page_count(&tp.pool, page), 1);
		assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
		wrong_orders(&tp, page, 256); /* nobody's now */
		assert_refused(&tp, page, order);
	}
	tp_check(&tp, "at the end");
	tp_drop(&tp);
}

static void test_free_refuses_every_wrong_order(void **state)
{
	static const uint32_t flags[] = { 0, PB_POOL_NO_RSEQ, PB_POOL_HARDENED, PB_POOL_NO_PCP,
					  TP_QUARANTINE };

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		every_state(flags[i], 10, 9);
		every_state(flags[i], 16, 5);
		every_state(flags[i], 5, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_refuses_every_wrong_order),
	};

	return pb_run_tests(tests);
}
