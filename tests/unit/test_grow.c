/* SPDX-License-Identifier: MIT */
/*
 * Memory that comes after the pool was made, and goes: pb_grow() and pb_remove(), what they
 * refuse, and that what isn't there is neither touched nor taken for anything.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include <string.h>
#include <sys/mman.h>

#define BOOT 4096u    /* pages that are there from the beginning */
#define END 12288u    /* of what may come in the same zone */
#define NODE_1 16384u /* and all of a second node */
#define NODE_1_END 20480u
#define LARGE 262144u /* enough for pieces of whole pages of metadata */

static struct tp tp;

static void may_come(uint64_t start, uint64_t end, int node)
{
	tp_region(&tp, start, end, node, PB_ZONE_NORMAL);
	tp.regions[tp.config.nr_regions - 1].kind = PB_REGION_HOTPLUG;
}

static void build(const struct variant *v, uint64_t end)
{
	tp_start(&tp);
	tp.config.profile = (uint8_t)v->profile;
	tp.config.flags |= v->flags;
	tp_region(&tp, 0, BOOT, 0, PB_ZONE_NORMAL);
	may_come(BOOT, end, 0);
	if (end == END)
		may_come(NODE_1, NODE_1_END, 1);
	tp_build(&tp);
}

static uint64_t present(void)
{
	struct pb_pool_stat stat;

	pb_stats(&tp.pool, &stat);
	return stat.present;
}

static int grow(uint64_t start, uint64_t end, uint64_t *obstacle)
{
	*obstacle = UINT64_MAX;
	return pb_grow(&tp.pool, start, end, true, obstacle);
}

static void test_memory_comes_and_goes(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		static struct pb_page *pages[END];
		struct pb_page *mine;
		uint64_t pfn, obstacle;
		unsigned int n = 0;

		build(v, END);
		assert_int_equal(present(), BOOT);
		mine = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 3);
		pfn = pb_page_to_pfn(&tp.pool, mine);
		/* the farther part first, then what is between */
		assert_int_equal(grow(8192, END, &obstacle), PB_OK);
		tp_check(&tp, "the farther part");
		assert_null(pb_pfn_to_page(&tp.pool, BOOT));
		assert_non_null(pb_pfn_to_page(&tp.pool, 8192));
		assert_int_equal(grow(BOOT, 8192, &obstacle), PB_OK);
		tp_check(&tp, "all of it");
		assert_int_equal(present(), END);
		assert_int_equal(pb_page_to_pfn(&tp.pool, mine), pfn);
		assert_int_equal(pb_page_order(&tp.pool, mine), 3);
		while ((pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0)))
			n++;
		assert_int_equal(n, END - 8);
		tp_check(&tp, "full");
		while (n)
			assert_int_equal(pb_free_pages(&tp.pool, pages[--n], 0), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(pb_offline(&tp.pool, BOOT, END), PB_OK);
		assert_int_equal(pb_remove(&tp.pool, BOOT, END, &obstacle), PB_OK);
		tp_check(&tp, "gone");
		assert_int_equal(present(), BOOT);
		assert_null(pb_pfn_to_page(&tp.pool, BOOT));
		/* and again, over what it left */
		assert_int_equal(pb_grow(&tp.pool, BOOT, END, false, NULL), PB_OK);
		tp_check(&tp, "again");
		assert_int_equal(pb_free_pages(&tp.pool, mine, 3), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), END);
		assert_int_equal(tp_nr_free(&tp, 10), END >> 10);
		tp_drop(&tp);
	}
}

static void test_a_node_comes(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		const pb_gfp_t gfp = PB_GFP_KERNEL | PB_GFP_THISNODE | PB_GFP_NOWARN;
		struct pb_page *page;
		uint64_t obstacle;

		build(v, END);
		assert_null(pb__alloc_pages_node(&tp.pool, 1, gfp, 0));
		page = pb__alloc_pages_node(&tp.pool, 1, gfp & ~PB_GFP_THISNODE, 0);
		assert_int_equal(pb_page_node(&tp.pool, page), 0); /* the next best */
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		assert_int_equal(grow(NODE_1, NODE_1_END, &obstacle), PB_OK);
		page = pb__alloc_pages_node(&tp.pool, 1, gfp, 9);
		assert_int_equal(pb_page_node(&tp.pool, page), 1);
		tp_check(&tp, "a node more");
		assert_int_equal(pb_free_pages(&tp.pool, page, 9), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(pb_offline(&tp.pool, NODE_1, NODE_1_END), PB_OK);
		assert_int_equal(pb_remove(&tp.pool, NODE_1, NODE_1_END, NULL), PB_OK);
		assert_null(pb__alloc_pages_node(&tp.pool, 1, gfp, 0));
		tp_check(&tp, "a node less");
		tp_drop(&tp);
	}
}

/* Nothing of a refused call is done, and the first obstacle is named. */
static void test_what_grow_refuses(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		uint64_t sum, obstacle;
		size_t bytes;

		build(v, END);
		sum = tp_sum(&tp);
		assert_int_equal(grow(0, 1024, &obstacle), PB_EBUSY); /* an existing region */
		assert_int_equal(obstacle, 0);
		assert_int_equal(grow(3072, 5120, &obstacle), PB_EBUSY);
		assert_int_equal(obstacle, 3072);
		assert_int_equal(grow(11264, 14336, &obstacle), PB_ENODEV); /* beyond the room */
		assert_int_equal(obstacle, END);
		assert_int_equal(grow(BOOT, BOOT, &obstacle), PB_EINVAL);
		assert_int_equal(grow(END, BOOT, &obstacle), PB_EINVAL);
		assert_int_equal(grow(BOOT, BOOT + 512, &obstacle), PB_EINVAL);
		assert_int_equal(obstacle, UINT64_MAX);
		assert_int_equal(pb_grow_bytes(&tp.pool, 11264, 14336, &bytes), PB_ENODEV);
		assert_int_equal(bytes, 0);
		assert_int_equal(tp_sum(&tp), sum);
		tp_check(&tp, "refused");
		assert_int_equal(grow(5120, 6144, &obstacle), PB_OK);
		assert_int_equal(grow(BOOT, END, &obstacle), PB_EBUSY); /* in the middle of it */
		assert_int_equal(obstacle, 5120);
		assert_null(pb_pfn_to_page(&tp.pool, BOOT));
		tp_check(&tp, "refused again");
		assert_int_equal(grow(BOOT, 5120, &obstacle), PB_OK);
		tp_drop(&tp);

		tp_simple(&tp, BOOT, v->profile, v->flags);
		assert_int_equal(grow(BOOT, 5120, &obstacle), PB_ENOTSUP);
		assert_int_equal(pb_remove(&tp.pool, 0, 1024, &obstacle), PB_ENOTSUP);
		tp_drop(&tp);
	}
}

static void test_what_remove_refuses(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		uint64_t sum, obstacle = 0;

		build(v, END);
		assert_int_equal(grow(BOOT, 8192, &obstacle), PB_OK);
		assert_int_equal(pb_offline(&tp.pool, BOOT, 5120 + 512), PB_OK);
		assert_int_equal(pb_alloc_at(&tp.pool, 5120 + 700, 0, PB_GFP_KERNEL), PB_OK);
		sum = tp_sum(&tp);
		assert_int_equal(pb_remove(&tp.pool, BOOT, 8192, &obstacle), PB_EBUSY);
		assert_int_equal(obstacle, 5120 + 512); /* the first that isn't offline */
		assert_int_equal(pb_remove(&tp.pool, 8192, END, &obstacle), PB_ENODEV);
		assert_int_equal(obstacle, 8192);
		assert_int_equal(pb_remove(&tp.pool, BOOT, BOOT + 512, NULL), PB_EINVAL);
		assert_int_equal(pb_remove(&tp.pool, BOOT, BOOT, NULL), PB_EINVAL);
		assert_int_equal(tp_sum(&tp), sum);
		tp_check(&tp, "refused");
		/* as if the pb_offline() that emptied it had not returned */
		frame_pageblock(&tp.pool, BOOT + 512)->type = PB_MIGRATE_ISOLATE;
		assert_int_equal(pb_remove(&tp.pool, BOOT, 5120, &obstacle), PB_EBUSY);
		frame_pageblock(&tp.pool, BOOT + 512)->type = frame_pageblock(&tp.pool, BOOT)->type;
		assert_int_equal(tp_sum(&tp), sum);
		assert_int_equal(pb_remove(&tp.pool, BOOT, 5120, NULL), PB_OK);
		/* a page of what has gone is misuse like that of any hole */
		assert_int_equal(pb_free_pages(&tp.pool, tp.pool.pages + BOOT, 0), PB_EMISUSE);
		assert_int_equal(tp.misuse.kind, PB_MISUSE_UNOWNED);
		tp.misuse_calls = 0;
		tp_check(&tp, "removed");
		tp_drop(&tp);
	}
}

static void test_a_region_that_may_come_is_of_whole_spans(void **state)
{
	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, BOOT, 0, PB_ZONE_NORMAL);
	may_come(BOOT, BOOT + 512, 0);
	assert_int_equal(tp_try(&tp), PB_EREGION);
	assert_non_null(strstr(tp.error.text, "multiples of 2^max_order"));
	tp.regions[1].start_pfn = BOOT - 1024; /* it may not overlap what is there */
	tp.regions[1].end_pfn = BOOT;
	assert_int_equal(tp_try(&tp), PB_EREGION);
	assert_non_null(strstr(tp.error.text, "overlaps"));
}

/* --------------------------------------------------------- what isn't there */

/* The whole pages of metadata that belong to what isn't there get this protection. */
static unsigned int protect(uint64_t start, uint64_t end, int protection)
{
	struct pb_piece pieces[PB_MAX_PIECES];
	int n = pb_grow_pieces(&tp.pool, start, end, pieces);
	unsigned int pages = 0;

	assert_in_range(n, 4, PB_MAX_PIECES);
	for (int i = 0; i < n; i++) {
		uintptr_t from = ((uintptr_t)pieces[i].memory + 4095) & ~(uintptr_t)4095;
		uintptr_t to = ((uintptr_t)pieces[i].memory + pieces[i].bytes) & ~(uintptr_t)4095;

		if (from >= to)
			continue;
		assert_int_equal(mprotect((void *)from, to - from, protection), 0);
		pages += (unsigned int)((to - from) >> 12);
	}
	return pages;
}

static bool move(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		 unsigned int order)
{
	struct pb_page **pages = ctx;

	(void)pool, (void)order;
	for (unsigned int i = 0; i < BOOT; i++)
		if (pages[i] == from) {
			pages[i] = to;
			return true;
		}
	return false;
}

/* What a pool is used for: everything that goes over all of it. */
static void use_everything(void)
{
	static struct pb_page *pages[BOOT];
	static char text[65536];
	struct pb_page *run;
	unsigned int n = 0;
	uint64_t freed;

	memset(pages, 0, sizeof(pages));
	tp.pool.hooks.migrate = move;
	tp.pool.hooks.ctx = pages;
	while (n < BOOT &&
	       (pages[n] = pb_alloc_pages(&tp.pool, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN, 0)))
		n++;
	for (unsigned int i = 0; i < n; i++)
		if (i % 8) {
			assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
			pages[i] = NULL;
		}
	assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 9, 6), PB_OK);
	assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 9, 100), PB_ENOMEM);
	assert_int_equal(pb_compact(&tp.pool, PB_NO_NODE, 10, 100), PB_ENOMEM);
	assert_null(
		pb_alloc_contig(&tp.pool, 2 * BOOT, 0, 0, LARGE, 0, PB_GFP_KERNEL | PB_GFP_NOWARN));
	assert_null(
		pb_alloc_contig(&tp.pool, 100, 0, BOOT, LARGE, 0, PB_GFP_KERNEL | PB_GFP_NOWARN));
	run = pb_alloc_contig(&tp.pool, 1500, 0, 0, LARGE, 0, PB_GFP_KERNEL | PB_GFP_NOWARN);
	assert_non_null(run);
	assert_int_equal(pb_free_exact(&tp.pool, run, 1500), PB_OK);
	assert_int_equal(pb_range_is_free(&tp.pool, BOOT - 1, BOOT + 1), PB_ENODEV);
	assert_int_equal(pb_online(&tp.pool, BOOT, LARGE), PB_ENODEV);
	assert_int_equal(pb_offline(&tp.pool, BOOT, LARGE), PB_ENODEV);
	assert_int_equal(pb_reserve(&tp.pool, BOOT, LARGE), PB_ENODEV);
	assert_int_equal(pb_alloc_at(&tp.pool, BOOT, 0, PB_GFP_KERNEL), PB_ENODEV);
	(void)pb_free_owner(&tp.pool, 5, &freed);
	assert_true(pb_buddyinfo(&tp.pool, text, sizeof(text)) > 0);
	assert_true(pb_pagetypeinfo(&tp.pool, text, sizeof(text)) > 0);
	assert_true(pb_zoneinfo(&tp.pool, PB_TEXT_6_1, text, sizeof(text)) > 0);
	for (unsigned int i = 0; i < n; i++)
		if (pages[i])
			assert_int_equal(pb_free_pages(&tp.pool, pages[i], 0), PB_OK);
	pb_pcp_decay(&tp.pool);
	pb_drain(&tp.pool, -1);
	tp.pool.hooks.ctx = &tp;
	tp_check(&tp, "used");
	assert_int_equal(tp_free_pages(&tp), BOOT);
}

/* Recovery, by a second handle. */
static void attach_and_use(void)
{
	struct pb_pool again;

	assert_int_equal(pb_pool_attach(&again, tp.memory, tp.bytes, true, &tp.hooks, &tp.error),
			 PB_OK);
	tp.pool = again;
	tp_check(&tp, "recovered");
	assert_int_equal(present(), BOOT);
	use_everything();
}

static void test_what_is_not_there_is_not_written(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		size_t bytes;

		build(v, LARGE);
		assert_int_equal(pb_grow_bytes(&tp.pool, BOOT, LARGE, &bytes), PB_OK);
		assert_in_range(bytes, LARGE - BOOT, (size_t)16 * (LARGE - BOOT));
		assert_true(protect(BOOT, LARGE, PROT_READ) > 60);
		use_everything();
		attach_and_use();
		/* what comes has memory for that, the rest has not */
		assert_true(protect(BOOT, BOOT + 65536, PROT_READ | PROT_WRITE) > 15);
		assert_int_equal(pb_grow(&tp.pool, BOOT, BOOT + 32768, true, NULL), PB_OK);
		tp_check(&tp, "grown");
		assert_int_equal(tp_free_pages(&tp), BOOT + 32768);
		assert_int_equal(pb_offline(&tp.pool, BOOT, BOOT + 32768), PB_OK);
		assert_int_equal(pb_remove(&tp.pool, BOOT, BOOT + 32768, NULL), PB_OK);
		protect(BOOT, LARGE, PROT_READ);
		use_everything();
		attach_and_use();
		tp_drop(&tp);
	}
}

/* Who died while memory came or went leaves it absent. */
static void test_a_change_that_nobody_finished(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct pb_pool again;
		uint64_t obstacle;

		build(v, END);
		assert_int_equal(grow(BOOT, 8192, &obstacle), PB_OK);
		((uint8_t *)pool_at(&tp.pool, tp.pool.super->there))[5] = SPAN_CHANGING;
		assert_int_equal(pb_validate(&tp.pool, &tp.error), PB_ECORRUPT);
		assert_int_equal(pb_pool_attach(&again, tp.memory, tp.bytes, true, &tp.hooks, NULL),
				 PB_OK);
		tp.pool = again;
		tp_check(&tp, "recovered");
		assert_int_equal(present(), 8192 - 1024);
		assert_int_equal(pb_grow(&tp.pool, 5120, 6144, false, NULL), PB_OK);
		assert_int_equal(tp_free_pages(&tp), 8192);
		tp_check(&tp, "whole again");
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_comes_and_goes),
		cmocka_unit_test(test_a_node_comes),
		cmocka_unit_test(test_what_grow_refuses),
		cmocka_unit_test(test_what_remove_refuses),
		cmocka_unit_test(test_a_region_that_may_come_is_of_whole_spans),
		cmocka_unit_test(test_what_is_not_there_is_not_written),
		cmocka_unit_test(test_a_change_that_nobody_finished),
	};

	return pb_run_tests(tests);
}
