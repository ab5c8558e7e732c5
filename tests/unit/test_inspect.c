/* SPDX-License-Identifier: MIT */
/* Walks, statistics, validation, the trace hook, and a state from elsewhere. */
#include "support/cmocka.h"
#include "support/variants.h"

#include <stdlib.h>
#include <string.h>

static int stop_at_third(void *ctx, const struct pb_block *block)
{
	(void)block;
	return ++*(int *)ctx == 3 ? 42 : 0;
}

static void test_walk_ends_when_the_visitor_says_so(void **state)
{
	struct tp tp;
	int n = 0;

	(void)state;
	tp_simple(&tp, 8192, PB_PROFILE_MODERN, 0);
	assert_int_equal(pb_walk(&tp.pool, stop_at_third, &n), 42);
	assert_int_equal(n, 3);
	tp_drop(&tp);
}

struct order_check {
	int node, zone;
	uint64_t pfn;
};

static int ascending(void *ctx, const struct pb_block *block)
{
	struct order_check *last = ctx;

	if (block->node == last->node && block->zone == last->zone)
		assert_true(block->pfn >= last->pfn);
	else
		assert_true(block->node * 8 + block->zone > last->node * 8 + last->zone);
	*last = (struct order_check){ block->node, block->zone,
				      block->pfn + (UINT64_C(1) << block->order) };
	return 0;
}

static void test_walk_goes_zone_by_zone_in_pfn_order(void **state)
{
	struct order_check last = { -1, -1, 0 };
	struct tp tp;

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 5000, 6000, 0, PB_ZONE_NORMAL);
	tp_region(&tp, 100, 3000, 1, PB_ZONE_NORMAL);
	tp_region(&tp, 3000, 4000, 0, PB_ZONE_DMA);
	tp_region(&tp, 7000, 9000, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	for (int i = 0; i < 300; i++)
		assert_non_null(
			pb_alloc_pages_node(&tp.pool, i & 1, PB_GFP_KERNEL, (unsigned int)i % 4));
	assert_int_equal(pb_walk(&tp.pool, ascending, &last), 0);
	tp_drop(&tp);
}

static int small_enough(void *ctx, const struct pb_block *block)
{
	unsigned int *reserved = ctx;

	assert_true(block->order <= 4);
	*reserved += block->state == PB_BLOCK_RESERVED ? 1u << block->order : 0;
	return 0;
}

/* No block is of more than max_order, what is reserved or in per-CPU lists neither. */
static void test_walk_tells_no_block_above_max_order(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		static struct pb_page *page[512];
		unsigned int reserved = 0;
		struct tp tp;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.max_order = 4;
		tp.config.pageblock_order = 4;
		tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
		tp_reserved(&tp, 1024, 1024 + 128);
		tp_build(&tp);
		for (unsigned int i = 0; i < 512; i++)
			page[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		for (unsigned int i = 0; i < 512; i++)
			assert_int_equal(pb_free_pages(&tp.pool, page[i], 0), PB_OK);
		assert_int_equal(pb_walk(&tp.pool, small_enough, &reserved), 0);
		assert_int_equal(reserved, 128);
		tp_drop(&tp);
	}
}

/* Together the free lists hold each free block exactly once. */
static void test_free_lists_hold_every_free_block(void **state)
{
	static struct tp_frame frames[16384];
	static uint64_t pfns[16384];

	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		size_t in_lists = 0, in_walk = 0;

		tp_simple(&tp, 16384, v->profile, v->flags);
		for (int i = 0; i < 500; i++) {
			struct pb_page *page = pb_alloc_pages(&tp.pool,
							      PB_GFP_KERNEL | (i % 3) << 3,
							      (unsigned int)i % 5);

			if (i % 2)
				pb_free_pages(&tp.pool, page, (unsigned int)i % 5);
		}
		tp_frames(&tp, frames, 16384);
		for (int pfn = 0; pfn < 16384; pfn++)
			in_walk += frames[pfn].state == PB_BLOCK_FREE && frames[pfn].head;
		for (unsigned int order = 0; order <= 10; order++)
			for (int type = 0; type < PB_MIGRATE_TYPES; type++) {
				size_t n = tp_list(&tp, PB_ZONE_NORMAL, order,
						   (enum pb_migratetype)type, pfns, 16384);

				in_lists += n;
				for (size_t i = 0; i < n; i++) {
					const struct tp_frame *frame = &frames[pfns[i]];

					assert_int_equal(frame->state, PB_BLOCK_FREE);
					assert_int_equal(frame->head, 1);
					assert_int_equal(frame->order, order);
					assert_int_equal(frame->list_type, type);
				}
			}
		assert_int_equal(in_lists, in_walk);
		tp_drop(&tp);
	}
}

/* The first block of the list is the one handed out next. */
static void test_free_list_order_is_the_order_of_use(void **state)
{
	static uint64_t pfns[16384];

	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		struct tp_rng rng = { tp_seed() };

		tp_simple(&tp, 16384, (enum pb_profile)profile, PB_POOL_NO_PCP);
		for (int i = 0; i < 400; i++) {
			unsigned int order = tp_below(&rng, 4);
			struct pb_page *page = NULL;
			size_t n = tp_list(&tp, PB_ZONE_NORMAL, order, PB_MIGRATE_MOVABLE, pfns,
					   16384);

			page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, order);
			if (n && profile == PB_PROFILE_LINUX)
				assert_int_equal(pb_page_to_pfn(&tp.pool, page), pfns[0]);
			if (tp_below(&rng, 3) == 0)
				pb_free_pages(&tp.pool, page, order);
		}
		tp_drop(&tp);
	}
}

static void test_stats_of_a_fresh_pool(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_pool_stat stat;
		struct pb_zone_stat zone;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp.config.nr_cpus = 2;
		tp_region(&tp, 0, 3000, 0, PB_ZONE_DMA);
		tp_region(&tp, 4096, 8192, 1, PB_ZONE_NORMAL);
		tp_reserved(&tp, 10, 30);
		tp_build(&tp);
		pb_stats(&tp.pool, &stat);
		assert_int_equal(stat.present, 3000 + 4096);
		assert_int_equal(stat.managed, 3000 + 4096 - 20);
		assert_int_equal(stat.free, 3000 + 4096 - 20);
		assert_int_equal(stat.pcp, 0);
		assert_int_equal(stat.metadata_bytes, tp.bytes);
		assert_int_equal(stat.nodes, 2);
		assert_int_equal(stat.zones, 2);
		assert_int_equal(stat.cpus, 2);
		assert_int_equal(pb_nr_zones(&tp.pool), 2);
		assert_int_equal(pb_zone_stats(&tp.pool, 2, &zone), PB_ENODEV);
		assert_int_equal(pb_zone_stats(&tp.pool, 0, &zone), PB_OK);
		assert_int_equal(zone.node, 0);
		assert_int_equal(zone.zone, PB_ZONE_DMA);
		assert_int_equal(zone.start_pfn, 0);
		assert_int_equal(zone.spanned, 3000);
		assert_int_equal(zone.present, 3000);
		assert_int_equal(zone.managed, 2980);
		assert_int_equal(zone.pageblocks[PB_MIGRATE_MOVABLE], 6);
		tp_drop(&tp);
	}
}

static void test_vm_events_count_pages_and_failures(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t handed;
		struct pb_page *page;

		tp_simple(&tp, 4096, v->profile, v->flags);
		handed = tp_vm(&tp, PB_PGFREE);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 5);
		assert_int_equal(tp_vm(&tp, PB_PGALLOC_NORMAL), 32);
		assert_int_equal(tp_vm(&tp, PB_PGALLOC_DMA), 0);
		pb_free_pages(&tp.pool, page, 5);
		assert_int_equal(tp_vm(&tp, PB_PGFREE) - handed, 32);
		for (int i = 0; i < 5; i++)
			pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 10);
		assert_int_equal(tp_vm(&tp, PB_ALLOC_FAIL), 1);
		tp_drop(&tp);
	}
}

/* pb_validate() must end, and complain, whatever the metadata say. */
static void test_validate_survives_corrupt_metadata(void **state)
{
	struct tp_rng rng = { tp_seed() };
	unsigned int found = 0;

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct tp tp;
		struct pb_error error = { 0 };
		unsigned char *bytes;
		int code;

		tp_simple(&tp, 2048, (enum pb_profile)(round & 1), PB_POOL_REFCOUNT);
		for (int i = 0; i < 50; i++)
			pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | (i % 3) << 3, (unsigned int)i % 5);
		bytes = tp.memory;
		for (unsigned int i = 0; i < 1u + (unsigned int)round % 64; i++) {
			/* behind the super block: the handle has read that already */
			size_t at = 512 + tp_random(&rng) % (tp.bytes - 512);

			bytes[at] ^= (unsigned char)(1 + tp_below(&rng, 255));
		}
		code = pb_validate(&tp.pool, &error);
		assert_true(code == PB_OK || code == PB_ECORRUPT);
		if (code) {
			assert_true(error.text[0] == 'I');
			assert_null(strchr(error.text, '\n'));
			found++;
		}
		tp_drop(&tp);
	}
	assert_true(found > 200); /* some bytes are padding or statistics */
}

/* One planted fault per kind, each to be found. */
static void test_validate_names_what_is_wrong(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++)
		for (int fault = 0; fault < 4; fault++) {
			struct tp tp;
			struct pb_error error = { 0 };
			struct pb_page *page;

			tp_simple(&tp, 2048, (enum pb_profile)profile, PB_POOL_NO_PCP);
			page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3);
			switch (fault) {
			case 0: /* a free frame gets an owner */
				page[512].state = PB_PAGE_HEAD;
				break;
			case 1: /* an owner loses its block */
				page->state = 0;
				break;
			case 2: /* overlapping owners */
				page[2].state = PB_PAGE_HEAD | 1;
				break;
			default: /* an impossible order */
				page->state = PB_PAGE_HEAD | 31;
				break;
			}
			assert_int_equal(pb_validate(&tp.pool, &error), PB_ECORRUPT);
			assert_int_equal(error.code, PB_ECORRUPT);
			assert_true(error.text[0] == 'I' && error.text[1] >= '1' &&
				    error.text[1] <= '9');
			tp_drop(&tp);
		}
}

static void test_trace_tells_a_split_and_its_merge(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		struct pb_page *page;

		tp_simple(&tp, 1024, (enum pb_profile)profile, PB_POOL_NO_PCP);
		tp_trace(&tp, 1);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_MOVABLE, 3);
		assert_int_equal(tp.traced[PB_TRACE_SPLIT], 7);
		assert_int_equal(tp.traced[PB_TRACE_TAKE], 1);
		assert_int_equal(tp.traced[PB_TRACE_MERGE], 0);
		assert_true(tp.traced[PB_TRACE_WMARK] > 0);
		assert_int_equal(tp_event(&tp, PB_TRACE_TAKE, 0)->order, 10);
		tp_trace(&tp, 1);
		pb_free_pages(&tp.pool, page, 3);
		assert_int_equal(tp.traced[PB_TRACE_MERGE], 7);
		assert_int_equal(tp.traced[PB_TRACE_INSERT], 1);
		for (unsigned int i = 0; i < 7; i++)
			assert_int_equal(tp_event(&tp, PB_TRACE_MERGE, i)->order, 3 + i);
		assert_int_equal(tp_event(&tp, PB_TRACE_INSERT, 0)->order, 10);
		tp_trace(&tp, 0);
		pb_free_pages(&tp.pool, pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3), 3);
		assert_int_equal(tp.nr_events, 0);
		tp_drop(&tp);
	}
}

static void test_trace_tells_refills_and_drains(void **state)
{
	(void)state;
	for (int profile = 0; profile < 2; profile++) {
		struct tp tp;
		struct pb_page *page;
		const struct pb_trace_event *event;

		tp_simple(&tp, 262144, (enum pb_profile)profile, 0);
		tp_trace(&tp, 1);
		/* the first one may claim a pageblock, which a refill under masked interrupts does not */
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		pb_free_pages(&tp.pool, pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0), 0);
		event = tp_event(&tp, PB_TRACE_REFILL, 0);
		assert_non_null(event);
		assert_true(event->value >= 1);
		assert_int_equal(event->migratetype, PB_MIGRATE_UNMOVABLE);
		pb_free_pages(&tp.pool, page, 0);
		pb_drain(&tp.pool, -1);
		assert_true(tp.traced[PB_TRACE_DRAIN] > 0);
		tp_drop(&tp);
	}
}

/* A recorded state put back: lists in the order they were appended. */
static void test_state_is_what_was_set(void **state)
{
	struct tp tp;
	uint64_t pfns[8];
	struct pb_zone_stat zone;
	struct pb_state_zone set = {
		.watermark = { 10, 20, 30, 40 },
		.boost = 5,
		.managed = 1500,
		.lowmem_reserve = { 0, 0, 0, 0, 7, 0 },
	};
	struct pb_pcp_stat pcp = { .high = 77, .batch = 7, .high_min = 77, .high_max = 99 };

	(void)state;
	tp_start(&tp);
	tp.config.profile = PB_PROFILE_LINUX;
	tp.config.flags |= PB_POOL_ALL_RESERVED;
	tp.config.nr_cpus = 2;
	tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(tp_free_pages(&tp), 0);
	assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
	assert_int_equal(pb_state_set_pageblock(&tp.pool, 512, PB_MIGRATE_RECLAIMABLE), PB_OK);
	assert_int_equal(pb_state_add_free(&tp.pool, 600, 3, PB_MIGRATE_RECLAIMABLE), PB_OK);
	assert_int_equal(pb_state_add_free(&tp.pool, 520, 3, PB_MIGRATE_RECLAIMABLE), PB_OK);
	assert_int_equal(pb_state_add_free(&tp.pool, 560, 3, PB_MIGRATE_UNMOVABLE), PB_OK);
	assert_int_equal(pb_state_add_free(&tp.pool, 600, 0, PB_MIGRATE_RECLAIMABLE), PB_EBUSY);
	assert_int_equal(pb_state_add_free(&tp.pool, 601, 1, PB_MIGRATE_RECLAIMABLE), PB_EINVAL);
	assert_int_equal(pb_state_add_free(&tp.pool, 4096, 0, PB_MIGRATE_MOVABLE), PB_ENODEV);
	assert_int_equal(pb_state_adopt(&tp.pool, 1024, 5, false), PB_OK);
	assert_int_equal(pb_state_adopt(&tp.pool, 1024, 5, false), PB_EBUSY);
	assert_int_equal(pb_state_set_pcp(&tp.pool, 1, 0, PB_ZONE_NORMAL, &pcp), PB_OK);
	assert_int_equal(pb_state_add_pcp(&tp.pool, 1, 2000, 0, PB_MIGRATE_MOVABLE), PB_OK);
	assert_int_equal(pb_state_add_pcp(&tp.pool, 1, 2002, 1, PB_MIGRATE_MOVABLE), PB_OK);
	assert_int_equal(pb_state_add_pcp(&tp.pool, 1, 2000, 0, PB_MIGRATE_MOVABLE), PB_EBUSY);
	assert_int_equal(pb_state_add_pcp(&tp.pool, 9, 2001, 0, PB_MIGRATE_MOVABLE), PB_ENODEV);
	tp_check(&tp, "state laid out");
	assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &set), PB_OK);
	assert_int_equal(pb_state_set_zone(&tp.pool, 3, PB_ZONE_NORMAL, &set), PB_ENODEV);
	assert_int_equal(tp_list(&tp, PB_ZONE_NORMAL, 3, PB_MIGRATE_RECLAIMABLE, pfns, 8), 2);
	assert_int_equal(pfns[0], 600);
	assert_int_equal(pfns[1], 520);
	tp_zone(&tp, 0, PB_ZONE_NORMAL, &zone);
	assert_int_equal(zone.watermark[PB_WMARK_PROMO], 40);
	assert_int_equal(zone.boost, 5);
	assert_int_equal(zone.managed, 1500);
	assert_int_equal(zone.lowmem_reserve[PB_ZONE_MOVABLE], 7);
	assert_int_equal(zone.pcp, 3);
	assert_int_equal(pb_pcp_stats(&tp.pool, 0, 1, &pcp), PB_OK);
	assert_int_equal(pcp.high, 77);
	assert_int_equal(pcp.batch, 7);
	assert_int_equal(pcp.count, 3);
	assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, 1024), 5), PB_OK);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_ends_when_the_visitor_says_so),
		cmocka_unit_test(test_walk_goes_zone_by_zone_in_pfn_order),
		cmocka_unit_test(test_walk_tells_no_block_above_max_order),
		cmocka_unit_test(test_free_lists_hold_every_free_block),
		cmocka_unit_test(test_free_list_order_is_the_order_of_use),
		cmocka_unit_test(test_stats_of_a_fresh_pool),
		cmocka_unit_test(test_vm_events_count_pages_and_failures),
		cmocka_unit_test(test_validate_survives_corrupt_metadata),
		cmocka_unit_test(test_validate_names_what_is_wrong),
		cmocka_unit_test(test_trace_tells_a_split_and_its_merge),
		cmocka_unit_test(test_trace_tells_refills_and_drains),
		cmocka_unit_test(test_state_is_what_was_set),
	};

	return pb_run_tests(tests);
}
