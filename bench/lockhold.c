/* SPDX-License-Identifier: MIT */
/*
 * How long the library holds its locks. This worker's link replaces the port's
 * pb_platform_lock() and pb_platform_unlock() by these (ld --wrap); only the
 * workload mixed makes sense here, and its times include two clock readings a
 * lock. Linked with backend_pagebuddy.c, whose table it narrows.
 */
#include <pthread.h>

#include "backend.h"
#define W_TYPES_ONLY
#include "workloads.h"
#include "lockhold.h"

#define MAX_NESTED 4 /* zonelist < zone < stripe < platform */

void __real_pb_platform_lock(uint32_t *word);
void __real_pb_platform_unlock(uint32_t *word);
void __wrap_pb_platform_lock(uint32_t *word);
void __wrap_pb_platform_unlock(uint32_t *word);

static __thread struct {
	uint32_t *word;
	u64 since;
} held[MAX_NESTED];
static __thread unsigned int nr_held;

static u64 hist[W_BUCKETS], max_cycles; /* atomic */

void __wrap_pb_platform_lock(uint32_t *word)
{
	__real_pb_platform_lock(word);
	if (nr_held < MAX_NESTED) {
		held[nr_held].word = word;
		held[nr_held].since = w_cycles();
	}
	nr_held++;
}

static void count(u64 cycles)
{
	u64 max = __atomic_load_n(&max_cycles, __ATOMIC_RELAXED);

	__atomic_fetch_add(&hist[w_bucket(cycles)], 1, __ATOMIC_RELAXED);
	while (cycles > max && !__atomic_compare_exchange_n(&max_cycles, &max, cycles, 1,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void __wrap_pb_platform_unlock(uint32_t *word)
{
	u64 cycles = 0;

	nr_held--;
	if (nr_held < MAX_NESTED && held[nr_held].word == word)
		cycles = w_cycles() - held[nr_held].since;
	__real_pb_platform_unlock(word);
	if (cycles)
		count(cycles);
}

const u64 *lockhold_histogram(u64 *max)
{
	*max = max_cycles;
	return hist;
}

void lockhold_reset(void)
{
	memset(hist, 0, sizeof(hist));
	max_cycles = 0;
}
