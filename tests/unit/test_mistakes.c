/* SPDX-License-Identifier: MIT */
/*
 * Mistakes that other allocators made (DESIGN section 9), each as a case. What
 * is tested elsewhere: docs/TESTING.md says where.
 */
#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

static void start(struct tp *tp, const struct variant *v)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)v->profile;
	tp->config.flags |= v->flags;
}

/* Sizes of exactly 2^n pages, one less and one more. */
static void test_pool_of_a_power_of_two_pages(void **state)
{
	(void)state;
	for_each_variant(v) for (unsigned int n = 0; n <= 14;
				 n++) for (uint64_t pages = (1u << n) - 1; pages <= (1u << n) + 1;
					   pages++)
	{
		struct tp tp;
		uint64_t got = 0;

		if (!pages)
			continue;
		start(&tp, v);
		tp_region(&tp, 0, pages, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(tp_free_pages(&tp), pages);
		while (pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0))
			got++;
		/* Linux's count of free pages may lag behind (see CAVEATS) */
		if (v->profile == PB_PROFILE_LINUX && !(v->flags & PB_POOL_NO_PCP))
			assert_in_range(got, pages > 2 ? pages - 2 : 0, pages);
		else
			assert_int_equal(got, pages);
		tp_drop(&tp);
	}
}

/* A base that isn't aligned to the largest order, nor to anything. */
static void test_pool_with_an_unaligned_base(void **state)
{
	static const uint64_t bases[] = { 1,    3,    511,    513,
					  1023, 1025, 123457, (UINT64_C(1) << 40) + 5 };

	(void)state;
	for_each_variant(v) for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
	{
		struct tp tp;
		struct pb_page *page;
		uint64_t got = 0;

		start(&tp, v);
		tp_region(&tp, bases[i], bases[i] + 3000, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (unsigned int order = 11; order-- > 0;)
			while ((page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN,
						      order))) {
				uint64_t pfn = pb_page_to_pfn(&tp.pool, page);

				assert_int_equal(pfn & ((1u << order) - 1), 0);
				assert_true(pfn >= bases[i] &&
					    pfn + (1u << order) <= bases[i] + 3000);
				got += 1u << order;
			}
		assert_int_equal(got, 3000);
		tp_check(&tp, "all taken");
		tp_drop(&tp);
	}
}

/* Regions smaller than their own metadata: many of one page, far apart. */
static void test_regions_smaller_than_their_metadata(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		start(&tp, v);
		for (uint64_t i = 0; i < 20; i++)
			tp_region(&tp, i * 1000003, i * 1000003 + 1, (int)i % 3, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (int i = 0; i < 20; i++)
			assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0));
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
		tp_check(&tp, "twenty pages");
		tp_drop(&tp);
	}
}

/* Unsorted regions; reservations unsorted, overlapping, nested, over holes. */
static void test_unsorted_regions_and_overlapping_reservations(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t got = 0;
		struct pb_page *page;

		start(&tp, v);
		tp_reserved(&tp, 9000, 9010);
		tp_region(&tp, 8192, 12288, 0, PB_ZONE_NORMAL);
		tp_reserved(&tp, 3900, 8300);
		tp_region(&tp, 0, 4096, 0, PB_ZONE_NORMAL);
		tp_reserved(&tp, 9005, 9100);
		tp_reserved(&tp, 8995, 9001);
		tp_reserved(&tp, 9002, 9003);
		tp_reserved(&tp, 4000, 4010);
		tp_reserved(&tp, 100000, 200000);
		tp_reserved(&tp, 3900, 3900 + 1);
		tp_build(&tp);
		while ((page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0))) {
			uint64_t pfn = pb_page_to_pfn(&tp.pool, page);

			assert_true(pfn < 3900 || (pfn >= 8300 && pfn < 8995) ||
				    (pfn >= 9100 && pfn < 12288));
			got++;
		}
		assert_int_equal(got, 3900 + (8995 - 8300) + (12288 - 9100));
		tp_drop(&tp);
	}
}

/* A request for nearly everything, then for everything, then for more. */
static void test_near_full_requests(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *page;

		if (v->profile == PB_PROFILE_LINUX && !(v->flags & PB_POOL_NO_PCP))
			continue; /* its count of free pages may lag behind by 2 */
		start(&tp, v);
		tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		for (size_t n = 1020; n <= 1024; n++) {
			page = pb_alloc_exact(&tp.pool, PB_GFP_KERNEL, n);
			assert_non_null(page);
			assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
			page = pb_alloc_contig(&tp.pool, n, 1, 0, 1024, 0, PB_GFP_KERNEL);
			assert_non_null(page);
			assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
		}
		assert_null(pb_alloc_contig(&tp.pool, 1025, 1, 0, 4096, 0, PB_GFP_KERNEL));
		assert_non_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 10));
		assert_null(pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0));
		tp_check(&tp, "full");
		tp_drop(&tp);
	}
}

/* Shrink, then free what was there before: a page of an offlined half. */
static void test_shrink_and_then_free(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *kept;

		start(&tp, v);
		tp_region(&tp, 0, 8192, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(pb_alloc_at(&tp.pool, 600, 3, PB_GFP_KERNEL), PB_OK);
		kept = pb_pfn_to_page(&tp.pool, 600);
		assert_int_equal(pb_offline(&tp.pool, 0, 512), PB_OK);
		assert_int_equal(pb_offline(&tp.pool, 1024, 8192), PB_OK);
		tp_check(&tp, "shrunk");
		assert_int_equal(pb_free_pages(&tp.pool, kept, 3), PB_OK);
		assert_int_equal(pb_offline(&tp.pool, 512, 1024), PB_OK);
		tp_check(&tp, "nothing left");
		assert_int_equal(tp_free_pages(&tp), 0);
		assert_int_equal(pb_online(&tp.pool, 0, 8192), PB_OK);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_nr_free(&tp, 10), 8);
		tp_check(&tp, "back");
		tp_drop(&tp);
	}
}

/* Alignment larger than the block, or than the pool; limits below free memory. */
static void test_alignment_and_address_limits(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *page;

		start(&tp, v);
		tp_region(&tp, 1000, 9000, 0, PB_ZONE_NORMAL);
		tp_build(&tp);
		page = pb_alloc_contig(&tp.pool, 3, 8192, 0, 10000, 0, PB_GFP_KERNEL);
		assert_int_equal(pb_page_to_pfn(&tp.pool, page), 8192);
		assert_null(pb_alloc_contig(&tp.pool, 3, 8192, 0, 8000, 0, PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 1, UINT64_C(1) << 40, 1, 10000, 0,
					    PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 1, 1, 0, 1000, 0, PB_GFP_KERNEL));
		assert_null(pb_alloc_contig(&tp.pool, 2, 1, 0, 1001, 0, PB_GFP_KERNEL));
		page = pb_alloc_contig(&tp.pool, 1, 1, 0, 1001, 0, PB_GFP_KERNEL);
		assert_int_equal(pb_page_to_pfn(&tp.pool, page), 1000);
		tp_check(&tp, "limits");
		tp_drop(&tp);
	}
}

/* Pools above 16, 64 and 512 GB: bookkeeping only, nothing behind the frames. */
static void test_pools_of_16_64_512_gigabytes_and_more(void **state)
{
	static const uint64_t gigabytes[] = { 16, 17, 64, 65, 512, 513, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(gigabytes) / sizeof(gigabytes[0]); i++) {
		uint64_t frames = gigabytes[i] << 18, last = 0, n = 0;
		struct tp tp;
		struct pb_page *page;

		tp_start(&tp);
		tp_region(&tp, 1u << 20, (1u << 20) + frames, 0, PB_ZONE_NORMAL);
		assert_int_equal(tp_try(&tp), PB_OK);
		assert_int_equal(tp_free_pages(&tp), frames);
		assert_int_equal(tp_nr_free(&tp, 10), frames >> 10);
		/* the topmost frame, and blocks from both ends */
		assert_int_equal(pb_alloc_at(&tp.pool, (1u << 20) + frames - 1, 0, PB_GFP_KERNEL),
				 PB_OK);
		page = pb_pfn_to_page(&tp.pool, (1u << 20) + frames - 1);
		assert_int_equal(pb_page_to_pfn(&tp.pool, page), (1u << 20) + frames - 1);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		while (n < 1000 && (page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 10))) {
			last = pb_page_to_pfn(&tp.pool, page);
			assert_int_equal(last & 1023, 0);
			n++;
		}
		assert_int_equal(n, 1000);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), frames - (n << 10));
		tp_drop(&tp);
	}
}

/* Close to the limit of 2^32 frames (a few indices name lists). */
static void test_pool_of_nearly_2_32_frames(void **state)
{
	struct tp tp;
	uint64_t frames = (UINT64_C(1) << 32) - (1u << 20);

	(void)state;
	tp_start(&tp);
	tp_region(&tp, 0, frames, 0, PB_ZONE_NORMAL);
	if (tp_try(&tp) == PB_ETOOBIG) {
		tp_drop(&tp);
		fail_msg("2^32 - 2^20 frames refused: %s", tp.error.text);
	}
	assert_int_equal(tp_free_pages(&tp), frames);
	assert_int_equal(pb_alloc_at(&tp.pool, frames - 1, 0, PB_GFP_KERNEL), PB_OK);
	assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, frames - 1), 0), PB_OK);
	tp_drop(&tp);
}

/* A wrong order at free must not corrupt silently: it is refused, every one. */
static void test_wrong_order_at_free_is_refused_for_every_pair(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;

		tp_simple(&tp, 4096, v->profile, v->flags);
		for (unsigned int order = 0; order <= 10; order++) {
			struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			uint64_t sum = tp_sum(&tp);

			for (unsigned int wrong = 0; wrong <= 11; wrong++)
				if (wrong != order)
					assert_int_equal(pb_free_pages(&tp.pool, page, wrong),
							 PB_EMISUSE);
			assert_true(tp_sum(&tp) == sum);
			assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
		}
		assert_int_equal(tp.misuse_calls, 11 * 11);
		tp_drop(&tp);
	}
}

/* Holes cost nothing: the same memory, spread over 64 TiB of addresses. */
static void test_holes_cost_no_metadata(void **state)
{
	struct tp dense, sparse;

	(void)state;
	tp_start(&dense);
	tp_start(&sparse);
	for (uint64_t i = 0; i < 16; i++) {
		tp_region(&dense, i * 4096, (i + 1) * 4096, 0, PB_ZONE_NORMAL);
		tp_region(&sparse, i << 30, (i << 30) + 4096, 0, PB_ZONE_NORMAL);
	}
	tp_build(&dense);
	tp_build(&sparse);
	assert_in_range(sparse.bytes, dense.bytes, dense.bytes + 16 * 64);
	tp_drop(&dense);
	tp_drop(&sparse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_of_a_power_of_two_pages),
		cmocka_unit_test(test_pool_with_an_unaligned_base),
		cmocka_unit_test(test_regions_smaller_than_their_metadata),
		cmocka_unit_test(test_unsorted_regions_and_overlapping_reservations),
		cmocka_unit_test(test_near_full_requests),
		cmocka_unit_test(test_shrink_and_then_free),
		cmocka_unit_test(test_alignment_and_address_limits),
		cmocka_unit_test(test_pools_of_16_64_512_gigabytes_and_more),
		cmocka_unit_test(test_pool_of_nearly_2_32_frames),
		cmocka_unit_test(test_wrong_order_at_free_is_refused_for_every_pair),
		cmocka_unit_test(test_holes_cost_no_metadata),
	};

	return pb_run_tests(tests);
}
