/* SPDX-License-Identifier: MIT */
/* Does the scheduler find what it is there to find? Known bugs, planted. */
#include "support/cmocka.h"
#include "test_port.h"

#include <string.h>

static uint32_t lock_a, lock_b;
static int counter;

static void reset(void *ctx)
{
	(void)ctx;
	counter = 0;
	lock_a = lock_b = 0;
}

static void lost_update(void *ctx, unsigned int number)
{
	int seen = counter;

	(void)ctx;
	(void)number;
	pb_test_yield();
	counter = seen + 1;
}

static void locked_update(void *ctx, unsigned int number)
{
	pb_platform_lock(&lock_a);
	lost_update(ctx, number);
	pb_platform_unlock(&lock_a);
}

static bool counter_is_2(void *ctx)
{
	(void)ctx;
	return counter == 2;
}

static void test_lost_update_is_found_with_one_preemption(void **state)
{
	struct pb_test_scenario s = { .nr_threads = 2,
				      .setup = reset,
				      .thread = lost_update,
				      .check = counter_is_2 };
	struct pb_test_result result, again;

	(void)state;
	pb_test_explore(&s, 0, 1000, &result);
	assert_int_equal(result.verdict, PB_TEST_OK); /* one after the other: fine */
	assert_true(result.complete);
	pb_test_explore(&s, 1, 1000, &result);
	assert_int_equal(result.verdict, PB_TEST_CHECK);
	pb_test_replay(&s, result.schedule, &again);
	assert_int_equal(again.verdict, PB_TEST_CHECK);
	assert_string_equal(again.schedule, result.schedule);
}

static void test_locked_update_is_right_under_every_schedule(void **state)
{
	struct pb_test_scenario s = { .nr_threads = 3, .setup = reset, .thread = locked_update };
	struct pb_test_result result;

	(void)state;
	pb_test_explore(&s, 4, 100000, &result);
	assert_int_equal(result.verdict, PB_TEST_OK);
	assert_true(result.complete);
	assert_true(result.runs > 50);
	assert_true(result.contended > 0);
	assert_int_equal(counter, 3);
}

static void crossed_locks(void *ctx, unsigned int number)
{
	uint32_t *first = number ? &lock_b : &lock_a, *second = number ? &lock_a : &lock_b;

	(void)ctx;
	pb_platform_lock(first);
	pb_platform_lock(second);
	pb_platform_unlock(second);
	pb_platform_unlock(first);
}

static void test_deadlock_is_found(void **state)
{
	struct pb_test_scenario s = { .nr_threads = 2, .setup = reset, .thread = crossed_locks };
	struct pb_test_result result;

	(void)state;
	pb_test_explore(&s, 2, 10000, &result);
	assert_int_equal(result.verdict, PB_TEST_DEADLOCK);
}

static void twice(void *ctx, unsigned int number)
{
	(void)ctx;
	(void)number;
	pb_platform_lock(&lock_a);
	pb_platform_lock(&lock_a);
}

static void spin(void *ctx, unsigned int number)
{
	(void)ctx;
	if (number)
		counter = 1;
	while (!counter)
		pb_platform_relax();
}

static void spin_for_ever(void *ctx, unsigned int number)
{
	(void)ctx;
	(void)number;
	for (;;)
		pb_platform_relax();
}

static void test_lock_taken_twice_and_endless_waits_are_found(void **state)
{
	struct pb_test_scenario s = { .nr_threads = 1, .setup = reset, .thread = twice };
	struct pb_test_result result;

	(void)state;
	pb_test_explore(&s, 0, 10, &result);
	assert_int_equal(result.verdict, PB_TEST_LOCKING);
	s.nr_threads = 2;
	s.thread = spin;
	pb_test_explore(&s, 1, 1000, &result);
	assert_int_equal(result.verdict, PB_TEST_OK);
	s.thread = spin_for_ever;
	pb_test_explore(&s, 0, 1, &result);
	assert_int_equal(result.verdict, PB_TEST_LIVELOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_update_is_found_with_one_preemption),
		cmocka_unit_test(test_locked_update_is_right_under_every_schedule),
		cmocka_unit_test(test_deadlock_is_found),
		cmocka_unit_test(test_lock_taken_twice_and_endless_waits_are_found),
	};

	return pb_run_tests(tests);
}
