/* SPDX-License-Identifier: MIT */
/* The fragmentation indices of spec 12.5. */
#include "support/cmocka.h"

/* Example 32: nr_free 100, 10, 2 (128 pages). */
static void test_example_32_indices_of_a_small_zone(void **state)
{
	static const uint64_t nr_free[11] = { 100, 10, 2 };
	static const int unusable[] = { 0, 781, 937, 1000 };

	(void)state;
	for (unsigned int k = 0; k < 4; k++)
		assert_int_equal(pb_unusable_index(nr_free, 11, k), unusable[k]);
	for (unsigned int k = 0; k < 3; k++)
		assert_int_equal(pb_extfrag_index(nr_free, 11, k), -1000);
	assert_int_equal(pb_extfrag_index(nr_free, 11, 3), 849);
	assert_int_equal(pb_unusable_index(nr_free, 11, 10), 1000);
}

/* Example 33: order 9 out of single frames, of order-8 blocks, and k = 4. */
static void test_example_33_extfrag_index(void **state)
{
	static const uint64_t singles[11] = { 1000 };
	static const uint64_t three[11] = { [8] = 3 }, one[11] = { [8] = 1 };
	static const uint64_t eights[11] = { [3] = 100 };

	(void)state;
	assert_int_equal(pb_extfrag_index(singles, 11, 9), 998);
	assert_int_equal(pb_extfrag_index(three, 11, 9), 167);
	assert_int_equal(pb_extfrag_index(one, 11, 9), -500);
	assert_int_equal(pb_extfrag_index(eights, 11, 4), 490);
}

static void test_indices_of_an_empty_zone(void **state)
{
	static const uint64_t none[11];

	(void)state;
	for (unsigned int k = 0; k <= 10; k++) {
		assert_int_equal(pb_extfrag_index(none, 11, k), 0);
		assert_int_equal(pb_unusable_index(none, 11, k), 1000);
	}
}

/* Terabytes of blocks must not overflow. */
static void test_indices_of_a_huge_zone(void **state)
{
	static const uint64_t huge[11] = { [10] = UINT64_C(1) << 22 };
	static const uint64_t dust[11] = { [0] = UINT64_C(1) << 32 };

	(void)state;
	assert_int_equal(pb_unusable_index(huge, 11, 10), 0);
	assert_int_equal(pb_extfrag_index(huge, 11, 10), -1000);
	assert_int_equal(pb_unusable_index(dust, 11, 1), 1000);
	assert_int_equal(pb_extfrag_index(dust, 11, 10), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_32_indices_of_a_small_zone),
		cmocka_unit_test(test_example_33_extfrag_index),
		cmocka_unit_test(test_indices_of_an_empty_zone),
		cmocka_unit_test(test_indices_of_a_huge_zone),
	};

	return pb_run_tests(tests);
}
