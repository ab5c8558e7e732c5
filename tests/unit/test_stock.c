/* SPDX-License-Identifier: MIT */
/*
 * What one CPU keeps of a zone is bounded in pages, over all orders and types; and the
 * texts of /proc count what the stripes have, however it is cut.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <stdlib.h>
#include <string.h>

#include "zone/zone.h"

#define FRAMES 65536u
#define MOST 2048u

static struct pb_page *held[MOST];

/* So much of one order and type comes and goes that its list wants to grow. */
static void churn_pages(struct tp *tp, unsigned int pages, unsigned int order, pb_gfp_t gfp)
{
	unsigned int n = pages >> order < MOST ? pages >> order : MOST;

	for (int round = 0; round < 3; round++) {
		unsigned int got = 0;

		while (got < n && (held[got] = pb_alloc_pages(&tp->pool, gfp, order)))
			got++;
		while (got)
			assert_int_equal(pb_free_pages(&tp->pool, held[--got], order), PB_OK);
	}
}

static void churn(struct tp *tp, unsigned int order, pb_gfp_t gfp)
{
	churn_pages(tp, FRAMES / 2, order, gfp);
}

static void test_the_stock_of_a_cpu_is_bounded(void **state)
{
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE,
					PB_GFP_HIGHUSER_MOVABLE };

	(void)state;
	for_each_variant(v)
	{
		struct pb_zone_stat stat;
		unsigned int grown = 0;
		struct tp tp;

		tp_simple(&tp, FRAMES, v->profile, v->flags);
		for (int round = 0; round < 2; round++)
			for (unsigned int order = 0; order <= 9; order++)
				for (unsigned int t = 0; t < 3; t++) {
					churn(&tp, round ? 9 - order : order,
					      gfp[t] | PB_GFP_NOWARN);
					tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
					if (v->profile == PB_PROFILE_MODERN)
						assert_in_range(stat.pcp, 0,
								find_zone(&tp.pool, 0,
									  PB_ZONE_NORMAL)
									->pcp_high_max);
					grown += stat.pcp > 0;
				}
		assert_true(grown || v->flags & PB_POOL_NO_PCP);
		tp_check(&tp, "churned");
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), FRAMES);
		tp_drop(&tp);
	}
}

/* A zone that shrinks lowers what its stacks may hold: one may hold far more than a batch
   above its limit when another one grows at its cost. */
static void test_a_stack_above_its_shrunk_limit_is_drained_in_batches(void **state)
{
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE,
					PB_GFP_HIGHUSER_MOVABLE };

	(void)state;
	for_each_variant(v)
	{
		struct pb_zone_stat stat;
		struct tp tp;

		if (v->profile != PB_PROFILE_MODERN || v->flags & PB_POOL_NO_PCP ||
		    (v->flags & TP_QUARANTINE) == TP_QUARANTINE)
			continue; /* what is freed goes to no list */
		tp_simple(&tp, FRAMES, v->profile, v->flags);
		churn(&tp, 0, PB_GFP_KERNEL);
		/* far from each other, so that a drain sorts them */
		for (unsigned int i = 0; i < MOST; i++)
			held[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		for (unsigned int i = 0; i < MOST; i++)
			assert_int_equal(pb_free_pages(&tp.pool, held[i * 129u % MOST], 0), PB_OK);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_true(stat.pcp > 4 * ZONE_BATCH_MAX);
		assert_int_equal(pb_reserve(&tp.pool, FRAMES / 8, FRAMES - FRAMES / 8), PB_OK);
		/* not so much that a request fails: that drains everything */
		for (unsigned int list = 1; list < 3 * 8; list++)
			churn_pages(&tp, FRAMES / 32, list % 8, gfp[list / 8]);
		tp_check(&tp, "shrunk");
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &stat);
		assert_in_range(stat.pcp, 0, find_zone(&tp.pool, 0, PB_ZONE_NORMAL)->pcp_high_max);
		tp_drop(&tp);
	}
}

/* Sum of the blocks of an order in a text of pagetypeinfo or buddyinfo: last columns. */
static unsigned long count(const char *text, const char *row, unsigned int order)
{
	unsigned long sum = 0;

	for (const char *at = strstr(text, row); at; at = strstr(at + 1, row)) {
		char *rest = (char *)at + strlen(row);
		unsigned long n = 0;

		for (unsigned int o = 0; o <= order; o++)
			n = strtoul(rest, &rest, 10);
		sum += n;
	}
	return sum;
}

static void test_texts_count_every_block(void **state)
{
	static char text[65536];
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_simple(&tp, 8192, v->profile, v->flags);
		for (unsigned int i = 0; i < 300; i++)
			(void)pb_alloc_at(&tp.pool, tp_below(&rng, 8192), 0,
					  PB_GFP_KERNEL | (i & 1 ? PB_GFP_MOVABLE : 0));
		pb_drain(&tp.pool, -1);
		for (unsigned int order = 0; order <= 10; order++) {
			assert_true(pb_buddyinfo(&tp.pool, text, sizeof(text)) < sizeof(text));
			assert_int_equal(count(text, "Normal ", order), tp_nr_free(&tp, order));
			assert_true(pb_pagetypeinfo(&tp.pool, text, sizeof(text)) < sizeof(text));
			*strstr(text, "Number of blocks") = 0;
			assert_int_equal(count(text, "Unmovable ", order) +
						 count(text, " Movable ", order) +
						 count(text, "Reclaimable ", order) +
						 count(text, "HighAtomic ", order),
					 tp_nr_free(&tp, order));
		}
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_stock_of_a_cpu_is_bounded),
		cmocka_unit_test(test_a_stack_above_its_shrunk_limit_is_drained_in_batches),
		cmocka_unit_test(test_texts_count_every_block),
	};

	return pb_run_tests(tests);
}
