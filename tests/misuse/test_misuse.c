/* SPDX-License-Identifier: MIT */
/*
 * Caller misuse: each kind is reported with its documented message, returns
 * PB_EMISUSE, and leaves the pool as it was: same blocks, same lists, same
 * totals, and every invariant.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <inttypes.h>
#include <string.h>

#define FRAMES 8192u

/* What docs/TESTING.md and the header promise; changing one breaks users. */
static const char *const messages[PB_NR_MISUSE] = {
	[PB_MISUSE_DOUBLE_FREE] = "page is free: freed twice, or never allocated",
	[PB_MISUSE_WRONG_ORDER] = "page was allocated with another order",
	[PB_MISUSE_INTERIOR] = "page is inside an allocated block, not its first",
	[PB_MISUSE_FOREIGN] = "pointer is not a page of this pool",
	[PB_MISUSE_UNOWNED] = "page is reserved or a hole: never handed out",
	[PB_MISUSE_BAD_NODE] = "node id out of range",
	[PB_MISUSE_BAD_FLAGS] = "gfp flags contradict each other",
	[PB_MISUSE_REFCOUNT] = "reference count out of range or not kept",
	[PB_MISUSE_HOOK] = "a hook returned what can't be",
	[PB_MISUSE_NOT_CLEARED] = "block is not zero",
};

/* A pool in the middle of its life: some of everything, two CPUs' lists filled. */
struct scene {
	struct tp tp;
	struct pb_page *small, *large; /* orders 0 and 4 */
	uint64_t sum;
};

static void scene_open(struct scene *s, const struct variant *v)
{
	struct pb_page *pages[40];

	tp_start(&s->tp);
	s->tp.config.profile = (uint8_t)v->profile;
	s->tp.config.flags |= v->flags;
	s->tp.config.nr_cpus = 2;
	tp_region(&s->tp, 0, 4096, 0, PB_ZONE_NORMAL);
	tp_region(&s->tp, 6144, FRAMES, 0, PB_ZONE_NORMAL); /* a hole before it */
	tp_reserved(&s->tp, 7000, 7100);
	tp_build(&s->tp);
	for (int i = 0; i < 40; i++)
		pages[i] = pb_alloc_pages(&s->tp.pool, PB_GFP_KERNEL, (unsigned int)i % 6);
	s->small = pb_alloc_pages(&s->tp.pool, PB_GFP_KERNEL, 0);
	s->large = pb_alloc_pages(&s->tp.pool, PB_GFP_KERNEL, 4);
	for (int i = 0; i < 40; i += 3) {
		pb_test_set_cpu((uint32_t)i & 1);
		pb_free_pages(&s->tp.pool, pages[i], (unsigned int)i % 6);
	}
	pb_test_set_cpu(0);
	assert_int_equal(s->tp.misuse_calls, 0);
	s->sum = tp_sum(&s->tp);
}

static void scene_close(struct scene *s)
{
	tp_drop(&s->tp);
}

/* What was found, in words, as the report says it. */
static void found_words(const struct tp *tp, char *words, size_t size)
{
	const struct pb_misuse_report *m = &tp->misuse;

	switch (m->kind) {
	case PB_MISUSE_WRONG_ORDER:
		snprintf(words, size, "found a block of order %u", m->found);
		break;
	case PB_MISUSE_INTERIOR:
		snprintf(words, size, "found the inside of a block of order %u", m->found);
		break;
	case PB_MISUSE_FOREIGN:
		snprintf(words, size, "its pages are 0x%" PRIxPTR " to 0x%" PRIxPTR,
			 (uintptr_t)tp->pool.pages,
			 (uintptr_t)tp->pool.pages + (uintptr_t)tp->pool.nr_frames - 1);
		break;
	case PB_MISUSE_UNOWNED:
		snprintf(words, size, "found a reserved frame");
		break;
	case PB_MISUSE_BAD_NODE:
		snprintf(words, size, "node ids are below 64, the pool's below %u", m->found);
		break;
	case PB_MISUSE_BAD_FLAGS:
		snprintf(words, size, "at most one zone and one mobility can be asked for");
		break;
	case PB_MISUSE_REFCOUNT:
		snprintf(words, size, "the pool was made without PB_POOL_REFCOUNT");
		break;
	default:
		if (strstr(tp->misuse_text, "; found in a per-CPU list"))
			snprintf(words, size, "found in a per-CPU list or on its way to one");
		else if (tp->config.quarantine && strstr(tp->misuse_text, "; found in the quar"))
			snprintf(words, size, "found in the quarantine");
		else
			snprintf(words, size, "found a free block of order %u", m->found);
	}
}

/* Exactly one report, as documented, and nothing else changed. */
static void assert_misuse(struct scene *s, enum pb_misuse kind, const char *call, uint64_t pfn,
			  unsigned int order)
{
	struct tp *tp = &s->tp;
	char want[TP_LINE], words[TP_LINE / 2], page[48] = "", where[32] = "";

	assert_int_equal(tp->misuse_calls, 1);
	assert_int_equal(tp->misuse.kind, kind);
	assert_string_equal(tp->misuse_call, call);
	assert_true(tp->misuse.pfn == pfn);
	assert_non_null(tp->misuse.caller);
	if (pfn != UINT64_MAX)
		assert_ptr_equal(tp->misuse.page, pb_pfn_to_page(&tp->pool, pfn));
	if (kind != PB_MISUSE_BAD_FLAGS)
		assert_int_equal(tp->misuse.order, order);
	if (tp->misuse.page)
		snprintf(page, sizeof(page), "page 0x%" PRIxPTR ", ", (uintptr_t)tp->misuse.page);
	if (pfn != UINT64_MAX)
		snprintf(where, sizeof(where), "pfn 0x%" PRIx64 ", ", pfn);
	found_words(tp, words, sizeof(words));
	snprintf(want, sizeof(want),
		 "pagebuddy: %s: %s (%s%s%s %d; %s; called from 0x%" PRIxPTR ")", call,
		 messages[kind], page, where, kind == PB_MISUSE_BAD_NODE ? "node" : "order",
		 (int)order, words, (uintptr_t)tp->misuse.caller);
	assert_string_equal(tp->misuse_text, want);
	tp->misuse_calls = 0;
	tp_check(tp, "after misuse");
	assert_true(tp_sum(tp) == s->sum);
}

static uint64_t pfn_of(struct scene *s, const struct pb_page *page)
{
	return pb_page_to_pfn(&s->tp.pool, page);
}

/* Freed once well; wherever the page is now, the second free is refused. */
static void assert_double_free(struct scene *s, struct pb_page *page, unsigned int order)
{
	s->sum = tp_sum(&s->tp);
	assert_int_equal(pb_free_pages(&s->tp.pool, page, order), PB_EMISUSE);
	assert_misuse(s, PB_MISUSE_DOUBLE_FREE, "pb_free_pages", pfn_of(s, page), order);
}

static void test_double_free_when_the_page_is_in_a_per_cpu_list(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;

		scene_open(&s, v);
		assert_int_equal(pb_free_pages(&s.tp.pool, s.small, 0), PB_OK);
		assert_double_free(&s, s.small, 0);
		/* and from another CPU */
		pb_test_set_cpu(1);
		assert_double_free(&s, s.small, 0);
		pb_test_set_cpu(0);
		scene_close(&s);
	}
}

static void test_double_free_when_the_page_is_in_the_buddy(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;

		scene_open(&s, v);
		assert_int_equal(pb_free_pages(&s.tp.pool, s.small, 0), PB_OK);
		pb_drain(&s.tp.pool, -1);
		assert_double_free(&s, s.small, 0);
		assert_int_equal(pb_free_pages(&s.tp.pool, s.large, 4), PB_OK);
		pb_drain(&s.tp.pool, -1);
		assert_double_free(&s, s.large, 4);
		scene_close(&s);
	}
}

static void test_double_free_when_the_page_was_merged_into_a_larger_block(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;
		struct pb_page *page;

		scene_open(&s, v);
		pb_drain(&s.tp.pool, -1);
		page = pb_pfn_to_page(&s.tp.pool, 3072 + 513); /* nobody got so far */
		assert_int_equal(pb_alloc_at(&s.tp.pool, 3072 + 513, 0, PB_GFP_KERNEL), PB_OK);
		assert_int_equal(pb_free_pages(&s.tp.pool, page, 0), PB_OK);
		pb_drain(&s.tp.pool, -1);
		assert_double_free(&s, page, 0);
		assert_double_free(&s, page - 1, 1);
		scene_close(&s);
	}
}

static void test_free_of_a_page_that_was_never_allocated(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;

		scene_open(&s, v);
		for (unsigned int order = 0; order <= 10; order++)
			assert_double_free(&s, pb_pfn_to_page(&s.tp.pool, 3072), order);
		scene_close(&s);
	}
}

static void test_free_with_another_order(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;

		scene_open(&s, v);
		for (unsigned int order = 0; order <= 12; order++) {
			if (order == 4)
				continue;
			assert_int_equal(pb_free_pages(&s.tp.pool, s.large, order), PB_EMISUSE);
			assert_int_equal(s.tp.misuse.found, 4);
			assert_misuse(&s, PB_MISUSE_WRONG_ORDER, "pb_free_pages",
				      pfn_of(&s, s.large), order);
		}
		assert_int_equal(pb_free_pages(&s.tp.pool, s.small, 31), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_WRONG_ORDER, "pb_free_pages", pfn_of(&s, s.small), 31);
		assert_int_equal(pb_free_pages(&s.tp.pool, s.small, UINT32_MAX), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_WRONG_ORDER, "pb_free_pages", pfn_of(&s, s.small),
			      UINT32_MAX);
		assert_int_equal(pb_free_pages(&s.tp.pool, s.large, 4), PB_OK);
		scene_close(&s);
	}
}

static void test_free_of_an_interior_page(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;

		scene_open(&s, v);
		for (unsigned int i = 1; i < 16; i++) {
			assert_int_equal(pb_free_pages(&s.tp.pool, s.large + i, 0), PB_EMISUSE);
			assert_int_equal(s.tp.misuse.found, 4);
			assert_misuse(&s, PB_MISUSE_INTERIOR, "pb_free_pages",
				      pfn_of(&s, s.large) + i, 0);
		}
		scene_close(&s);
	}
}

/* The first page is found of every block, up to the largest, from wherever inside. */
static void test_free_inside_blocks_of_every_order(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_simple(&tp, 8192, v->profile, v->flags);
		for (unsigned int order = 1; order <= 10; order++) {
			struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);

			assert_non_null(page);
			for (uint32_t i = 1; i < 1u << order; i++) {
				tp.misuse_calls = 0;
				assert_int_equal(pb_free_pages(&tp.pool, page + i, 0), PB_EMISUSE);
				assert_int_equal(tp.misuse_calls, 1);
				assert_int_equal(tp.misuse.kind, PB_MISUSE_INTERIOR);
				assert_int_equal(tp.misuse.found, order);
			}
			assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
		}
		tp.misuse_calls = 0;
		tp_drop(&tp);
	}
}

static void test_free_of_a_pointer_that_is_no_page(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;
		struct tp other;
		struct pb_page local = { PB_PAGE_HEAD };

		scene_open(&s, v);
		tp_simple(&other, 4096, v->profile, v->flags);
		{
			struct pb_page *const foreign[] = {
				NULL,
				&local,
				s.tp.pool.pages - 1,
				s.tp.pool.pages + s.tp.pool.nr_frames,
				(struct pb_page *)UINTPTR_MAX,
				pb_alloc_pages(&other.pool, PB_GFP_KERNEL, 0),
			};

			for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
				assert_int_equal(pb_free_pages(&s.tp.pool, foreign[i], 0),
						 PB_EMISUSE);
				assert_misuse(&s, PB_MISUSE_FOREIGN, "pb_free_pages", UINT64_MAX,
					      0);
			}
			assert_int_equal(local.state, PB_PAGE_HEAD);
			assert_int_equal(pb_free_pages(&other.pool, foreign[5], 0), PB_OK);
		}
		tp_drop(&other);
		scene_close(&s);
	}
}

static void test_free_of_reserved_frames_and_holes(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;
		struct pb_page *reserved;

		scene_open(&s, v);
		reserved = pb_pfn_to_page(&s.tp.pool, 7050);
		assert_int_equal(pb_free_pages(&s.tp.pool, reserved, 0), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_UNOWNED, "pb_free_pages", 7050, 0);
		assert_int_equal(pb_free_pages(&s.tp.pool, reserved, 1), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_UNOWNED, "pb_free_pages", 7050, 1);
		assert_int_equal(pb_reserve(&s.tp.pool, 3500, 3600), PB_OK);
		s.sum = tp_sum(&s.tp);
		assert_int_equal(pb_free_pages(&s.tp.pool, pb_pfn_to_page(&s.tp.pool, 3500), 0),
				 PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_UNOWNED, "pb_free_pages", 3500, 0);
		scene_close(&s);
	}
}

static void test_split_get_put_and_mark_of_pages_nobody_owns(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;
		uint64_t pfn;

		scene_open(&s, v);
		pfn = pfn_of(&s, s.large);
		assert_int_equal(pb_split_page(&s.tp.pool, s.large, 3), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_WRONG_ORDER, "pb_split_page", pfn, 3);
		assert_int_equal(pb_split_page(&s.tp.pool, s.large, 0x84), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_WRONG_ORDER, "pb_split_page", pfn, 0x84);
		assert_int_equal(pb_split_page(&s.tp.pool, s.large + 2, 1), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_INTERIOR, "pb_split_page", pfn + 2, 1);
		assert_int_equal(pb_put_page(&s.tp.pool, s.large + 2), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_INTERIOR, "pb_put_page", pfn + 2, 0);
		assert_int_equal(pb_get_page(&s.tp.pool, s.large + 2), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_INTERIOR, "pb_get_page", pfn + 2, 0);
		assert_int_equal(pb_set_movable(&s.tp.pool, s.large + 2, true), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_INTERIOR, "pb_set_movable", pfn + 2, 0);
		assert_int_equal(pb_get_page(&s.tp.pool, pb_pfn_to_page(&s.tp.pool, 3072)),
				 PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_DOUBLE_FREE, "pb_get_page", 3072, 0);
		assert_int_equal(pb_put_page(&s.tp.pool, NULL), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_FOREIGN, "pb_put_page", UINT64_MAX, 0);
		if (!(v->flags & PB_POOL_REFCOUNT)) {
			assert_int_equal(pb_get_page(&s.tp.pool, s.small), PB_EMISUSE);
			assert_misuse(&s, PB_MISUSE_REFCOUNT, "pb_get_page", pfn_of(&s, s.small),
				      0);
		}
		scene_close(&s);
	}
}

static void test_bad_node_and_bad_flags(void **state)
{
	static const int nodes[] = { -2, -100, PB_MAX_NODES, INT32_MAX, INT32_MIN };

	(void)state;
	for_each_variant(v)
	{
		struct scene s;

		scene_open(&s, v);
		for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
			assert_null(pb__alloc_pages_node(&s.tp.pool, nodes[i], PB_GFP_KERNEL, 0));
			assert_misuse(&s, PB_MISUSE_BAD_NODE, "pb__alloc_pages_node", UINT64_MAX,
				      (unsigned int)nodes[i]);
		}
		/* two zone modifiers (spec 4.3), two mobility modifiers (4.4) */
		for (pb_gfp_t bits = 0; bits < 16; bits++) {
			if (!(0xE8E8 >> bits & 1))
				continue;
			assert_null(pb_alloc_pages(&s.tp.pool, PB_GFP_KERNEL | bits, 0));
			assert_int_equal(s.tp.misuse.kind, PB_MISUSE_BAD_FLAGS);
			s.tp.misuse_calls = 0;
			assert_true(tp_sum(&s.tp) == s.sum);
		}
		assert_null(pb_alloc_pages(&s.tp.pool,
					   PB_GFP_KERNEL | PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE, 0));
		assert_int_equal(s.tp.misuse_calls, 1);
		assert_int_equal(s.tp.misuse.kind, PB_MISUSE_BAD_FLAGS);
		assert_true(tp_sum(&s.tp) == s.sum);
		scene_close(&s);
	}
}

/* Questions about a page that nobody owns have an answer, and it is no misuse. */
static void test_questions_are_no_misuse(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;
		struct pb_page local = { PB_PAGE_HEAD };
		struct pb_page *const page[] = { NULL, &local };

		scene_open(&s, v);
		for (uint64_t pfn = 3072; pfn < 3074; pfn++)
			assert_int_equal(pb_page_order(&s.tp.pool, pb_pfn_to_page(&s.tp.pool, pfn)),
					 PB_EINVAL);
		assert_int_equal(pb_page_order(&s.tp.pool, s.large + 1), PB_EINVAL);
		assert_int_equal(pb_page_order(&s.tp.pool, pb_pfn_to_page(&s.tp.pool, 7050)),
				 PB_EINVAL);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(pb_page_order(&s.tp.pool, page[i]), PB_ENODEV);
			assert_int_equal(pb_page_count(&s.tp.pool, page[i]), 0);
			assert_int_equal(pb_page_node(&s.tp.pool, page[i]), PB_ENODEV);
			assert_int_equal(pb_page_zone(&s.tp.pool, page[i]), PB_ENODEV);
			assert_null(pb_page_address(&s.tp.pool, page[i]));
			assert_true(pb_page_to_pfn(&s.tp.pool, page[i]) == UINT64_MAX);
		}
		assert_null(pb_pfn_to_page(&s.tp.pool, 5000)); /* the hole */
		assert_int_equal(s.tp.misuse_calls, 0);
		scene_close(&s);
	}
}

/* All or nothing: the caller still owns the others, and can find out which they are. */
static void test_free_exact_frees_nothing_when_a_page_is_bad(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct scene s;
		struct pb_page *page;

		scene_open(&s, v);
		page = pb_alloc_exact(&s.tp.pool, PB_GFP_KERNEL, 5);
		assert_int_equal(pb_free_pages(&s.tp.pool, page + 2, 0), PB_OK);
		s.sum = tp_sum(&s.tp);
		assert_int_equal(pb_free_exact(&s.tp.pool, page, 5), PB_EMISUSE);
		assert_misuse(&s, PB_MISUSE_DOUBLE_FREE, "pb_free_exact", pfn_of(&s, page + 2), 0);
		for (int i = 0; i < 5; i++)
			assert_int_equal(pb_page_count(&s.tp.pool, page + i), i != 2);
		assert_int_equal(pb_free_exact(&s.tp.pool, page, 2), PB_OK);
		assert_int_equal(pb_free_exact(&s.tp.pool, page + 3, 2), PB_OK);
		assert_int_equal(pb_free_exact(&s.tp.pool, page, 0), PB_OK);
		assert_int_equal(s.tp.misuse_calls, 0);
		scene_close(&s);
	}
}

/* The same with blocks anywhere, of both mobilities, and one of them named twice. */
static void test_free_bulk_frees_nothing_when_a_block_is_bad(void **state)
{
	(void)state;
	for_each_variant(v) for (int twice = 0; twice < 2; twice++)
	{
		struct scene s;
		struct pb_page *pages[10];

		scene_open(&s, v);
		for (int i = 0; i < 10; i++)
			pages[i] = pb_alloc_pages(&s.tp.pool,
						  i % 3 ? PB_GFP_KERNEL : PB_GFP_HIGHUSER_MOVABLE,
						  1);
		if (twice)
			pages[7] = pages[6];
		else
			assert_int_equal(pb_free_pages(&s.tp.pool, pages[7], 1), PB_OK);
		s.sum = tp_sum(&s.tp);
		assert_int_equal(pb_free_bulk(&s.tp.pool, 1, 10, pages), 0);
		assert_int_equal(s.tp.misuse_calls, 1);
		assert_ptr_equal(s.tp.misuse.page, pages[7]);
		s.tp.misuse_calls = 0;
		assert_true(tp_sum(&s.tp) == s.sum);
		pages[7] = pages[9];
		assert_int_equal(pb_free_bulk(&s.tp.pool, 1, 9, pages), 9);
		assert_int_equal(s.tp.misuse_calls, 0);
		tp_check(&s.tp, "freed");
		scene_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double_free_when_the_page_is_in_a_per_cpu_list),
		cmocka_unit_test(test_double_free_when_the_page_is_in_the_buddy),
		cmocka_unit_test(test_double_free_when_the_page_was_merged_into_a_larger_block),
		cmocka_unit_test(test_free_of_a_page_that_was_never_allocated),
		cmocka_unit_test(test_free_with_another_order),
		cmocka_unit_test(test_free_of_an_interior_page),
		cmocka_unit_test(test_free_inside_blocks_of_every_order),
		cmocka_unit_test(test_free_of_a_pointer_that_is_no_page),
		cmocka_unit_test(test_free_of_reserved_frames_and_holes),
		cmocka_unit_test(test_split_get_put_and_mark_of_pages_nobody_owns),
		cmocka_unit_test(test_bad_node_and_bad_flags),
		cmocka_unit_test(test_questions_are_no_misuse),
		cmocka_unit_test(test_free_exact_frees_nothing_when_a_page_is_bad),
		cmocka_unit_test(test_free_bulk_frees_nothing_when_a_block_is_bad),
	};

	return pb_run_tests(tests);
}
