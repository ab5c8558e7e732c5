/* SPDX-License-Identifier: MIT */
/* The simulated machine: lines go from CPU to CPU in the clocks' order, at their price. */
#include "../support/cmocka.h"

#include <string.h>

#include "machine.h"

#define TURNS 10

static const struct sim_cost cost = { .access = 1, .atomic = 10, .transfer = 100, .pause = 7 };

static struct {
	char line[8][64] __attribute__((aligned(64))); /* lines stay where a test left them */
	uint64_t end[SIM_CPUS];
	unsigned int order[SIM_CPUS * TURNS], nr;
	struct sim_counts counts;
} shared;

static void run(unsigned int cpus, void (*body)(void *arg, unsigned int cpu))
{
	memset(&shared, 0, sizeof(shared));
	sim_run(cpus, &cost, body, NULL);
	shared.counts = sim_counts();
}

static void write_own(void *arg, unsigned int cpu)
{
	(void)arg;
	for (unsigned int i = 0; i < TURNS; i++)
		sim_access(&shared.line[cpu], true, i == 0);
	shared.end[cpu] = sim_now();
}

static void test_own_lines_cost_no_transfer(void **state)
{
	(void)state;
	run(2, write_own);
	assert_int_equal(shared.counts.transfers, 0);
	assert_int_equal(shared.counts.accesses, 2 * TURNS);
	assert_int_equal(shared.counts.atomics, 2);
	assert_int_equal(shared.end[0], TURNS + 10);
	assert_int_equal(shared.end[1], TURNS + 10);
}

static void write_one(void *arg, unsigned int cpu)
{
	(void)arg;
	for (unsigned int i = 0; i < TURNS; i++) {
		sim_access(&shared.line[4], true, false);
		shared.order[shared.nr++] = cpu;
	}
	shared.end[cpu] = sim_now();
}

/* The first write finds the line nowhere; each of the others fetches it from the other CPU,
   and the last one ends when 2 * TURNS - 1 transfers are over. */
static void test_one_line_goes_from_cpu_to_cpu(void **state)
{
	(void)state;
	run(2, write_one);
	assert_int_equal(shared.counts.transfers, 2 * TURNS - 1);
	for (unsigned int i = 1; i < shared.nr; i++)
		assert_int_not_equal(shared.order[i], shared.order[i - 1]);
	assert_in_range(shared.end[0] > shared.end[1] ? shared.end[0] : shared.end[1],
			(2 * TURNS - 1) * 100, (2 * TURNS - 1) * 100 + 2 * TURNS);
	assert_in_range(shared.counts.waited, 1, 2 * TURNS * 100);
}

static void read_one(void *arg, unsigned int cpu)
{
	(void)arg;
	for (unsigned int i = 0; i < TURNS; i++)
		sim_access(&shared.line[5], false, false);
	shared.end[cpu] = sim_now();
}

/* Readers don't wait for each other. */
static void test_readers_share_a_line(void **state)
{
	unsigned int first = 0, later = 0;

	(void)state;
	run(4, read_one);
	assert_int_equal(shared.counts.transfers, 3);
	assert_int_equal(shared.counts.waited, 0);
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		first += shared.end[cpu] == TURNS, later += shared.end[cpu] == TURNS + 100;
	assert_int_equal(first, 1);
	assert_int_equal(later, 3);
}

static void wait_and_wake(void *arg, unsigned int cpu)
{
	(void)arg;
	if (!cpu) {
		sim_block();
		shared.end[0] = sim_now();
		return;
	}
	for (unsigned int i = 0; i < TURNS; i++)
		sim_pause();
	sim_wake(0);
	shared.end[1] = sim_now();
}

static void test_who_is_woken_goes_on_no_earlier(void **state)
{
	(void)state;
	run(2, wait_and_wake);
	assert_int_equal(shared.end[1], TURNS * 7);
	assert_int_equal(shared.end[0], TURNS * 7 + 100);
}

static void meet(void *arg, unsigned int cpu)
{
	(void)arg;
	for (unsigned int i = 0; i < cpu; i++)
		sim_pause();
	sim_barrier();
	shared.end[cpu] = sim_now();
}

static void test_clocks_are_equal_after_a_barrier(void **state)
{
	(void)state;
	run(SIM_CPUS, meet);
	for (unsigned int cpu = 0; cpu < SIM_CPUS; cpu++)
		assert_int_equal(shared.end[cpu], (SIM_CPUS - 1) * 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_lines_cost_no_transfer),
		cmocka_unit_test(test_one_line_goes_from_cpu_to_cpu),
		cmocka_unit_test(test_readers_share_a_line),
		cmocka_unit_test(test_who_is_woken_goes_on_no_earlier),
		cmocka_unit_test(test_clocks_are_equal_after_a_barrier),
	};

	sim_share(shared.line, sizeof(shared.line));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
