/* SPDX-License-Identifier: MIT */
/*
 * The quarantine: freed blocks wait for N later frees. Who frees one again meanwhile is
 * told so; nobody gets one, and nobody fails for want of one.
 */
#include "pcp/quarantine.h" /* the core's come first */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

#define FRAMES 4096u
#define N 8u

static const struct kind {
	const char *name;
	enum pb_profile profile;
	uint32_t flags;
} kinds[] = {
	{ "modern", PB_PROFILE_MODERN, 0 },
	{ "modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP },
	{ "modern, shared, owners", PB_PROFILE_MODERN, PB_POOL_SHARED | PB_POOL_OWNERS },
	{ "linux", PB_PROFILE_LINUX, 0 },
	{ "linux, no pcp", PB_PROFILE_LINUX, PB_POOL_NO_PCP },
};

#define for_each_kind(k) \
	for (const struct kind *k = kinds; k < kinds + sizeof(kinds) / sizeof(kinds[0]); k++)

static bool never(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		  unsigned int order)
{
	(void)ctx, (void)pool, (void)from, (void)to, (void)order;
	return false;
}

static void start(struct tp *tp, const struct kind *k, uint32_t blocks)
{
	pb_test_set_self(0);
	tp_start(tp);
	tp->config.profile = (uint8_t)k->profile;
	tp->config.flags |= k->flags | PB_POOL_HARDENED | PB_POOL_REFCOUNT;
	tp->config.quarantine = blocks;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	pb_test_set_cpu(0);
}

static struct pb_page *get(struct tp *tp, unsigned int order)
{
	struct pb_page *page = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, order);

	assert_non_null(page);
	return page;
}

static int64_t quarantined(struct tp *tp)
{
	struct pb_pool_stat stat;

	pb_stats(&tp->pool, &stat);
	return stat.quarantined;
}

/* A stale free, in a pool with and without: what it is there for. */
static void test_a_stale_free_is_found_out_while_the_block_waits(void **state)
{
	(void)state;
	for_each_kind(k) for (uint32_t blocks = 0; blocks <= N; blocks += N)
	{
		struct pb_page *stale, *other;
		struct tp tp;

		start(&tp, k, blocks);
		stale = get(&tp, 0);
		assert_int_equal(pb_free_pages(&tp.pool, stale, 0), PB_OK);
		other = get(&tp, 0);
		if (blocks) {
			assert_ptr_not_equal(other, stale);
			assert_int_equal(pb_free_pages(&tp.pool, stale, 0), PB_EMISUSE);
			assert_int_equal(tp.misuse.kind, PB_MISUSE_DOUBLE_FREE);
			assert_non_null(strstr(tp.misuse_text, "; found in the quarantine;"));
		} else if (other == stale) { /* the hole that CAVEATS tells of */
			assert_int_equal(pb_free_pages(&tp.pool, stale, 0), PB_OK);
		}
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

/* In the order of the frees, and no sooner than after N later ones, of whatever order. */
static void test_a_block_waits_for_so_many_frees(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		struct pb_page *first, *later[3 * N];
		struct tp tp;

		start(&tp, k, N);
		first = get(&tp, 3);
		for (unsigned int i = 0; i < 3 * N; i++)
			later[i] = get(&tp, i % 3);
		assert_int_equal(pb_free_pages(&tp.pool, first, 3), PB_OK);
		for (unsigned int i = 0; i < 3 * N; i++) {
			assert_int_equal(
				quarantine_has(&tp.pool, (uint32_t)(first - tp.pool.pages)), i < N);
			assert_int_equal(pb_free_pages(&tp.pool, first + 4, 2), PB_EMISUSE);
			assert_int_equal(pb_free_pages(&tp.pool, later[i], i % 3), PB_OK);
		}
		assert_int_equal(pool_quarantine(&tp.pool)->held, N);
		for (unsigned int i = 0; i < 3 * N; i++)
			assert_int_equal(quarantine_has(&tp.pool,
							(uint32_t)(later[i] - tp.pool.pages)),
					 i >= 2 * N);
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

/* Nobody gets a block that waits, as long as there are others. */
static void test_no_block_that_waits_is_handed_out(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		struct pb_page *freed[N];
		struct tp tp;

		start(&tp, k, N);
		for (unsigned int i = 0; i < N; i++)
			freed[i] = get(&tp, 0);
		for (unsigned int i = 0; i < N; i++)
			assert_int_equal(pb_free_pages(&tp.pool, freed[i], 0), PB_OK);
		for (unsigned int n = 0; n < FRAMES / 2; n++) {
			struct pb_page *page = get(&tp, 0);

			for (unsigned int i = 0; i < N; i++)
				assert_ptr_not_equal(page, freed[i]);
		}
		assert_int_equal(quarantined(&tp), N);
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

static unsigned int reclaims;

static unsigned long reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx, (void)pool, (void)order, (void)gfp;
	reclaims++;
	return 0;
}

/* Every kind of request, the last page included, and before anybody reclaims. */
static void test_no_request_fails_while_blocks_wait(void **state)
{
	static const pb_gfp_t gfps[] = { PB_GFP_KERNEL, PB_GFP_ATOMIC, PB_GFP_NOWAIT,
					 PB_GFP_HIGHUSER_MOVABLE, PB_GFP_KERNEL | PB_GFP_NORETRY };

	(void)state;
	for_each_kind(k) for (unsigned int g = 0; g < sizeof(gfps) / sizeof(gfps[0]); g++)
	{
		static struct pb_page *pages[FRAMES + 1]; /* and NULL */
		unsigned int n = 0;
		struct tp tp;

		start(&tp, k, N);
		tp.pool.hooks.reclaim = reclaim;
		/* with the reserves: the linux profile's marks lag */
		while ((pages[n] = pb_alloc_pages(&tp.pool,
						  PB_GFP_KERNEL | PB_GFP_MEMALLOC | PB_GFP_NOWARN,
						  0)) != NULL)
			n++;
		assert_int_equal(n, FRAMES);
		reclaims = 0;
		for (unsigned int i = 0; i < N; i++)
			assert_int_equal(pb_free_pages(&tp.pool, pages[i * 3], 0), PB_OK);
		assert_int_equal(quarantined(&tp), N);
		for (unsigned int i = 0; i < N; i++)
			assert_non_null(pb_alloc_pages(&tp.pool, gfps[g] | PB_GFP_MEMALLOC, 0));
		assert_int_equal(reclaims, 0);
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

static void put_eight(struct tp *tp, struct pb_page **first)
{
	struct pb_page *pages[N];

	for (unsigned int i = 0; i < N; i++)
		pages[i] = get(tp, 0);
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(pb_free_pages(&tp->pool, pages[i], 0), PB_OK);
	assert_int_equal(quarantined(tp), N);
	*first = pages[0];
}

static void by_drain(struct tp *tp, struct pb_page *page)
{
	(void)page;
	pb_drain(&tp->pool, 0); /* that CPU's lists only */
	assert_int_equal(quarantined(tp), N);
	pb_drain(&tp->pool, -1);
}

static void by_claim(struct tp *tp, struct pb_page *page)
{
	assert_int_equal(pb_alloc_at(&tp->pool, pb_page_to_pfn(&tp->pool, page), 0, PB_GFP_KERNEL),
			 PB_OK);
}

static void by_reserve(struct tp *tp, struct pb_page *page)
{
	uint64_t pfn = pb_page_to_pfn(&tp->pool, page);

	assert_int_equal(pb_reserve(&tp->pool, pfn, pfn + 1), PB_OK);
}

static void by_offline(struct tp *tp, struct pb_page *page)
{
	uint64_t pfn = pb_page_to_pfn(&tp->pool, page) & ~(uint64_t)511;

	assert_int_equal(pb_offline(&tp->pool, pfn, pfn + 512), PB_OK);
}

static void by_contig(struct tp *tp, struct pb_page *page)
{
	(void)page;
	assert_non_null(pb_alloc_contig(&tp->pool, FRAMES, 0, 0, FRAMES, 0, PB_GFP_KERNEL));
}

static void by_compact(struct tp *tp, struct pb_page *page)
{
	(void)page;
	tp->pool.hooks.migrate = never;
	assert_int_equal(pb_compact(&tp->pool, PB_NO_NODE, 9, FRAMES / 512), PB_OK);
}

static void test_calls_that_look_for_free_memory_empty_it(void **state)
{
	void (*const calls[])(struct tp * tp, struct pb_page * page) = { by_drain,   by_claim,
									 by_reserve, by_offline,
									 by_contig,  by_compact };

	(void)state;
	for_each_kind(k) for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
	{
		struct pb_page *page;
		struct tp tp;

		start(&tp, k, N);
		put_eight(&tp, &page);
		calls[i](&tp, page);
		assert_int_equal(quarantined(&tp), 0);
		assert_int_equal(pool_quarantine(&tp.pool)->held, 0);
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

/* The block of a pageblock that a call empties goes where that call looks for it. */
static struct pb_page *late[2];

static bool free_meanwhile(void *ctx, struct pb_pool *pool, struct pb_page *from,
			   struct pb_page *to, unsigned int order)
{
	(void)ctx, (void)from, (void)to, (void)order;
	for (unsigned int i = 0; i < 2; i++)
		if (late[i])
			assert_int_equal(pb_free_pages(pool, late[i], i ? 10 : 0), PB_OK);
	late[0] = late[1] = NULL;
	return true;
}

static void test_what_a_call_empties_does_not_wait(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		struct tp tp;

		start(&tp, k, N);
		tp.pool.hooks.migrate = free_meanwhile;
		assert_int_equal(pb_alloc_at(&tp.pool, 512, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 513, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 1024, 10, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		late[0] = pb_pfn_to_page(&tp.pool, 513);
		late[1] = pb_pfn_to_page(&tp.pool, 1024);
		assert_int_equal(pb_offline(&tp.pool, 512, 1024), PB_OK);
		assert_null(late[0]);
		assert_int_equal(quarantined(&tp), 0);
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

static int sum_blocks(void *ctx, const struct pb_block *block)
{
	((uint64_t *)ctx)[block->state] += (uint64_t)1 << block->order;
	return 0;
}

/* A free is one at once, in every count but that of free pages. */
static void test_statistics_count_what_waits(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		uint64_t freed, sums[4] = { 0 };
		struct pb_pool_stat stat;
		struct pb_zone_stat zone;
		struct pb_page *page;
		struct tp tp;

		start(&tp, k, N);
		page = get(&tp, 4);
		freed = tp_vm(&tp, PB_PGFREE);
		assert_int_equal(pb_free_pages(&tp.pool, page, 4), PB_OK);
		pb_stats(&tp.pool, &stat);
		tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
		assert_int_equal(stat.vm[PB_PGFREE], freed + 16);
		assert_int_equal(stat.quarantined, 16);
		assert_int_equal(zone.quarantined, 16);
		assert_int_equal(stat.free + stat.pcp + stat.quarantined, stat.managed);
		(void)pb_walk(&tp.pool, sum_blocks, sums);
		assert_int_equal(sums[PB_BLOCK_FREE], stat.free);
		assert_int_equal(sums[PB_BLOCK_PCP], stat.pcp + stat.quarantined);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_vm(&tp, PB_PGFREE), freed + 16);
		assert_int_equal(tp_free_pages(&tp), FRAMES);
		tp_drop(&tp);
	}
}

/* Only the last reference, and whoever drops it. */
static void test_shared_blocks_come_with_their_last_reference(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		struct pb_page *page;
		struct tp tp;

		start(&tp, k, N);
		page = get(&tp, 0);
		assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
		assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
		assert_int_equal(quarantined(&tp), 0);
		assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
		assert_int_equal(quarantined(&tp), 1);
		assert_int_equal(pb_put_page(&tp.pool, page), PB_EMISUSE);
		if (k->flags & PB_POOL_OWNERS) {
			uint64_t pages;

			pb_set_owner(&tp.pool, 5);
			page = get(&tp, 2);
			assert_int_equal(pb_free_owner(&tp.pool, 5, &pages), PB_OK);
			assert_int_equal(pages, 4);
			assert_int_equal(pb_page_owner(&tp.pool, page), 0);
			assert_int_equal(pb_free_pages(&tp.pool, page, 2), PB_EMISUSE);
		}
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

static void test_recovery_gives_back_what_waits(void **state)
{
	(void)state;
	for_each_kind(k)
	{
		struct pb_page *page;
		struct pb_pool other;
		struct tp tp;

		start(&tp, k, N);
		put_eight(&tp, &page);
		pool_quarantine(&tp.pool)->lock = 1;
		pool_quarantine(&tp.pool)->held = 0xdead;
		pool_quarantine(&tp.pool)->slots[3].frame = UINT32_MAX;
		assert_int_equal(pb_pool_attach(&other, tp.memory, tp.bytes, true, NULL, &tp.error),
				 PB_OK);
		assert_int_equal(quarantined(&tp), 0);
		assert_int_equal(tp_free_pages(&tp), FRAMES);
		tp_check(&tp, k->name);
		tp_drop(&tp);
	}
}

static void test_configuration(void **state)
{
	size_t without, with;
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp.config.regions = tp.regions;
	tp.config.quarantine = 1;
	assert_int_equal(pb_pool_size(&tp.config, &with, &tp.error), PB_EINVAL);
	assert_string_equal(tp.error.text, "quarantine: only pools with PB_POOL_HARDENED have one");
	tp.config.flags |= PB_POOL_HARDENED;
	tp.config.quarantine = PB_MAX_QUARANTINE + 1;
	assert_int_equal(pb_pool_size(&tp.config, &with, &tp.error), PB_EINVAL);
	assert_string_equal(tp.error.text, "quarantine must be at most 65535 blocks");
	tp.config.quarantine = 0;
	assert_int_equal(pb_pool_size(&tp.config, &without, &tp.error), PB_OK);
	tp.config.quarantine = 64;
	assert_int_equal(pb_pool_size(&tp.config, &with, &tp.error), PB_OK);
	assert_int_equal(with - without, 64 * 8 + 64);
	tp.config.quarantine = PB_MAX_QUARANTINE;
	tp_build(&tp);
	assert_int_equal(tp.pool.super->quarantine_blocks, PB_MAX_QUARANTINE);
	tp_drop(&tp);
}

/* One slot, so that `next` is always the oldest, and the first. */
static void test_a_quarantine_of_one(void **state)
{
	struct pb_page *a, *b;
	struct tp tp;

	(void)state;
	start(&tp, &kinds[0], 1);
	a = get(&tp, 0);
	b = get(&tp, 10);
	assert_int_equal(pb_free_pages(&tp.pool, a, 0), PB_OK);
	assert_int_equal(quarantined(&tp), 1);
	assert_int_equal(pb_free_pages(&tp.pool, b, 10), PB_OK);
	assert_int_equal(quarantined(&tp), 1024);
	assert_int_equal(pb_free_pages(&tp.pool, a, 0), PB_EMISUSE);
	assert_null(strstr(tp.misuse_text, "quarantine"));
	assert_int_equal(pb_free_pages(&tp.pool, b + 7, 0), PB_EMISUSE);
	assert_non_null(strstr(tp.misuse_text, "; found in the quarantine;"));
	tp_check(&tp, "one");
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stale_free_is_found_out_while_the_block_waits),
		cmocka_unit_test(test_a_block_waits_for_so_many_frees),
		cmocka_unit_test(test_no_block_that_waits_is_handed_out),
		cmocka_unit_test(test_no_request_fails_while_blocks_wait),
		cmocka_unit_test(test_calls_that_look_for_free_memory_empty_it),
		cmocka_unit_test(test_what_a_call_empties_does_not_wait),
		cmocka_unit_test(test_statistics_count_what_waits),
		cmocka_unit_test(test_shared_blocks_come_with_their_last_reference),
		cmocka_unit_test(test_recovery_gives_back_what_waits),
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_a_quarantine_of_one),
	};

	return pb_run_tests(tests);
}
