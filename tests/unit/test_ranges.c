/* SPDX-License-Identifier: MIT */
/*
 * Calls on ranges at the edges: banks, holes, pageblocks that are being emptied, frames
 * without an address, and what compaction leaves alone.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include "zone/zone.h"

#include <string.h>

static char linear[64 << 12];

/* Addresses for the first 32 frames only. */
static void *half_an_address(void *ctx, uint64_t pfn)
{
	(void)ctx;
	return pfn < 32 ? linear + (pfn << 12) : NULL;
}

static void test_a_range_without_addresses_is_not_zeroed_in_part(void **state)
{
	const struct pb_range upper = { .low = 30, .high = 64 };
	struct pb_request request = { .gfp = PB_GFP_KERNEL | PB_GFP_ZERO, .node = PB_NO_NODE };

	(void)state;
	for_each_variant(v)
	{
		struct pb_pool_stat stat, after;
		struct pb_page *page;
		uint64_t before;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 4;
		tp.config.pageblock_order = 3;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		tp.pool.hooks.address = half_an_address;
		before = tp_sum_owned(&tp);
		pb_stats(&tp.pool, &stat);
		assert_null(pb_request_contig(&tp.pool, &request, 4, &upper));
		assert_int_equal(request.why, PB_REASON_NO_ADDRESS);
		pb_stats(&tp.pool, &after);
		assert_int_equal(after.vm[PB_PGALLOC_NORMAL] - stat.vm[PB_PGALLOC_NORMAL],
				 after.vm[PB_PGFREE] - stat.vm[PB_PGFREE]);
		assert_int_equal(pb_alloc_at(&tp.pool, 32, 3, PB_GFP_KERNEL | PB_GFP_ZERO),
				 PB_ENOTSUP);
		tp_check(&tp, "given back");
		assert_int_equal(tp_sum_owned(&tp), before);
		memset(linear, 0x77, sizeof(linear));
		assert_int_equal(pb_alloc_at(&tp.pool, 16, 3, PB_GFP_KERNEL | PB_GFP_ZERO), PB_OK);
		for (int i = 16 << 12; i < 24 << 12; i++)
			assert_int_equal(linear[i], 0);
		assert_int_equal(linear[24 << 12], 0x77);
		page = pb_pfn_to_page(&tp.pool, 16);
		assert_int_equal(pb_free_pages(&tp.pool, page, 3), PB_OK);
		tp_drop(&tp);
	}
}

static void test_claims_that_make_no_sense(void **state)
{
	struct pb_pool zero = { 0 };

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 5;
		tp.config.pageblock_order = 3;
		tp_region(&tp, 0, 50, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_alloc_at(&tp.pool, 0, 6, PB_GFP_KERNEL), PB_EINVAL);
		assert_int_equal(pb_alloc_at(&tp.pool, 2, 2, PB_GFP_KERNEL), PB_EINVAL);
		assert_int_equal(pb_alloc_at(&tp.pool, 0, 0, PB_GFP_DMA | PB_GFP_HIGHMEM),
				 PB_EINVAL);
		assert_int_equal(pb_alloc_at(&tp.pool, 0, 0, PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE),
				 PB_EINVAL);
		assert_int_equal(pb_alloc_at(&tp.pool, 48, 3, PB_GFP_KERNEL),
				 PB_ENODEV); /* a hole */
		assert_int_equal(pb_alloc_at(&tp.pool, 60, 0, PB_GFP_KERNEL), PB_ENODEV);
		assert_int_equal(pb_alloc_at(&tp.pool, 4096, 0, PB_GFP_KERNEL), PB_ENODEV);
		assert_int_equal(pb_alloc_at(&tp.pool, 48, 1, PB_GFP_KERNEL), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 49, 0, PB_GFP_KERNEL), PB_EBUSY);
		tp_check(&tp, "claimed");
		tp_drop(&tp);
	}
	assert_int_equal(pb_alloc_at(&zero, 0, 0, PB_GFP_KERNEL), PB_EINVAL);
}

/* A zone of several banks: the range may lie in any of them, and in none across two. */
static void test_contig_goes_through_the_banks_of_a_zone(void **state)
{
	static const struct {
		uint64_t low, high;
		uint64_t pfn; /* 0: none fits */
	} cases[] = {
		/* whole pageblocks, or else whatever is free */
		{ 0, 1 << 20, 64 },     { 100, 1 << 20, 104 },   { 120, 1 << 20, 1024 },
		{ 200, 1 << 20, 1024 }, { 1030, 1 << 20, 1032 }, { 1150, 1 << 20, 4096 },
		{ 100, 110, 100 },      { 1033, 1044, 1033 },    { 0, 70, 0 },
		{ 130, 1030, 0 },       { 2000, 4000, 0 },       { 2000, 4106, 4096 },
		{ 5000, 1 << 20, 0 },   { 4200, 1 << 20, 0 },
	};

	(void)state;
	for_each_variant(v)
	{
		struct pb_request request = { .gfp = PB_GFP_KERNEL, .node = PB_NO_NODE };
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 4;
		tp.config.pageblock_order = 3;
		tp_region(&tp, 16384, 16448, 0, PB_ZONE_MOVABLE);
		tp_region(&tp, 64, 128, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 1024, 1152, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 4096, 4160, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			const struct pb_range range = { .low = cases[i].low,
							.high = cases[i].high };
			struct pb_page *run = pb_request_contig(&tp.pool, &request, 10, &range);

			if (!cases[i].pfn) {
				assert_null(run);
				assert_int_equal(request.why, PB_REASON_FRAGMENTED);
				continue;
			}
			if (!run || pb_page_to_pfn(&tp.pool, run) != cases[i].pfn)
				fail_msg("%s, case %zu: pfn %ld", v->name, i,
					 run ? (long)pb_page_to_pfn(&tp.pool, run) : -1);
			assert_int_equal(pb_free_exact(&tp.pool, run, 10), PB_OK);
			pb_drain(&tp.pool, -1);
		}
		tp_check(&tp, "banks");
		tp_drop(&tp);
	}
}

/* --------------------------------------------------------- while one is emptied */

static struct {
	struct tp tp;
	unsigned int calls;
	bool inside;
} m;

/* Beside a range that is being emptied, others' searches, claims and compactions go round
   it; the block itself stays. */
static bool look_inside(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
			unsigned int order)
{
	uint64_t pfn = pb_page_to_pfn(pool, from) & ~(uint64_t)15;
	struct pb_page *run;

	(void)ctx, (void)to, (void)order;
	m.calls++;
	if (m.inside)
		return false;
	m.inside = true;
	assert_null(pb_alloc_contig(pool, 16, 16, pfn, pfn + 16, 0, PB_GFP_KERNEL | PB_GFP_NOWARN));
	run = pb_alloc_contig(pool, 8, 8, pfn, UINT64_MAX, 0,
			      PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN);
	if (run) {
		assert_true(pb_page_to_pfn(pool, run) >= pfn + 16);
		assert_int_equal(pb_free_exact(pool, run, 8), PB_OK);
	}
	assert_int_equal(pb_offline(pool, pfn, pfn + 16), PB_EBUSY);
	(void)pb_compact(pool, PB_NO_NODE, 4, 1);
	m.inside = false;
	return false;
}

static void test_what_is_being_emptied_is_left_alone(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		static struct pb_page *pages[256];
		uint64_t before;

		memset(&m, 0, sizeof(m));
		tp_start(&m.tp);
		m.tp.config.profile = (uint8_t)v->profile;
		m.tp.config.flags |= v->flags;
		m.tp.config.max_order = 6;
		m.tp.config.pageblock_order = 4;
		tp_region(&m.tp, 0, 256, 0, PB_ZONE_NORMAL);
		tp_build(&m.tp);
		m.tp.pool.hooks.migrate = look_inside;
		for (int i = 0; i < 256; i++)
			pages[i] = pb_alloc_pages(&m.tp.pool, PB_GFP_HIGHUSER_MOVABLE, 0);
		for (int i = 0; i < 256; i++)
			if (pb_page_to_pfn(&m.tp.pool, pages[i]) % 16 > 1) {
				assert_int_equal(pb_free_pages(&m.tp.pool, pages[i], 0), PB_OK);
				pages[i] = NULL;
			}
		pb_drain(&m.tp.pool, -1);
		before = tp_sum_owned(&m.tp);
		assert_int_equal(pb_offline(&m.tp.pool, 64, 80), PB_EBUSY);
		assert_int_equal(pb_offline(&m.tp.pool, 64, 192), PB_EBUSY);
		assert_null(pb_alloc_contig(&m.tp.pool, 40, 1, 0, 256, 0,
					    PB_GFP_KERNEL | PB_GFP_NOWARN));
		assert_int_equal(pb_compact(&m.tp.pool, PB_NO_NODE, 4, 1), PB_ENOMEM);
		assert_int_equal(pb_compact(&m.tp.pool, PB_NO_NODE, 5, 1), PB_ENOMEM);
		assert_int_equal(pb_compact(&m.tp.pool, 3, 4, 1), PB_ENOMEM); /* no such node */
		assert_true(m.calls > 0);
		tp_check(&m.tp, "nothing moved");
		assert_int_equal(tp_sum_owned(&m.tp), before);
		for (int i = 0; i < 256; i++)
			if (pages[i])
				assert_int_equal(pb_free_pages(&m.tp.pool, pages[i], 0), PB_OK);
		pb_drain(&m.tp.pool, -1);
		assert_int_equal(tp_free_pages(&m.tp), 256);
		tp_drop(&m.tp);
	}
}

static bool never_asked(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
			unsigned int order)
{
	(void)ctx, (void)pool, (void)from, (void)to, (void)order;
	fail_msg("asked to move what can't be moved or needn't be");
	return false;
}

/* Pageblocks with what can't be moved, is a hole, reserved, whole, or of a type that is not
   handed out, are not compacted. */
static void test_compaction_leaves_alone_what_it_can_not_empty(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_page *big;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 5;
		tp.config.pageblock_order = 4;
		tp_region(&tp, 0, 90, 0, PB_ZONE_NORMAL); /* ends inside a pageblock */
		tp_reserved(&tp, 20, 22);
		tp_build(&tp);
		tp.pool.hooks.migrate = never_asked;
		assert_int_equal(pb_alloc_at(&tp.pool, 0, 0, PB_GFP_KERNEL), PB_OK); /* unmovable */
		assert_int_equal(pb_alloc_at(&tp.pool, 17, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 32, 4, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 49, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 64, 4, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 81, 0, PB_GFP_HIGHUSER_MOVABLE), PB_OK);
		big = tp.pool.pages + 48;
		frame_pageblock(&tp.pool, 48)->type = PB_MIGRATE_HIGHATOMIC;
		assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 4, 1), PB_ENOMEM);
		frame_pageblock(&tp.pool, 48)->type = PB_MIGRATE_MOVABLE;
		tp.pool.hooks.migrate = NULL;
		assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 4, 1), PB_ENOTSUP);
		tp.pool.hooks.migrate = never_asked;
		assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 6, 1), PB_EINVAL);
		assert_int_equal(pb_free_pages(&tp.pool, big + 1, 0), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 4, 1),
				 PB_OK); /* is there already */
		tp_check(&tp, "compacted nothing");
		tp_drop(&tp);
	}
}

/* Ranges that are none, or reach where no frame is. */
static void test_hotplug_refuses_ranges_that_are_none(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 5;
		tp.config.pageblock_order = 4;
		tp_region(&tp, 0, 64, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 128, 256, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_reserve(&tp.pool, 8, 8), PB_EINVAL);
		assert_int_equal(pb_online(&tp.pool, 9, 8), PB_EINVAL);
		assert_int_equal(pb_offline(&tp.pool, 16, 16), PB_EINVAL);
		assert_int_equal(pb_reserve(&tp.pool, 60, 70), PB_ENODEV);
		assert_int_equal(pb_online(&tp.pool, 60, 130), PB_ENODEV);
		assert_int_equal(pb_offline(&tp.pool, 48, 144), PB_EINVAL); /* a hole */
		assert_int_equal(pb_offline(&tp.pool, 1024, 1040), PB_ENODEV);
		assert_int_equal(pb_reserve(&tp.pool, 4096, 4097), PB_ENODEV);
		assert_int_equal(tp_free_pages(&tp), 192);
		/* reserved in the middle: what is around it comes and goes alone */
		assert_int_equal(pb_reserve(&tp.pool, 20, 24), PB_OK);
		assert_int_equal(pb_online(&tp.pool, 16, 32), PB_OK);
		assert_int_equal(tp_free_pages(&tp), 192);
		assert_int_equal(pb_online(&tp.pool, 0, 64), PB_OK); /* online already */
		assert_int_equal(tp_free_pages(&tp), 192);
		tp_check(&tp, "hotplug");
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_range_without_addresses_is_not_zeroed_in_part),
		cmocka_unit_test(test_claims_that_make_no_sense),
		cmocka_unit_test(test_contig_goes_through_the_banks_of_a_zone),
		cmocka_unit_test(test_what_is_being_emptied_is_left_alone),
		cmocka_unit_test(test_compaction_leaves_alone_what_it_can_not_empty),
		cmocka_unit_test(test_hotplug_refuses_ranges_that_are_none),
	};

	return pb_run_tests(tests);
}
