/* SPDX-License-Identifier: MIT */
/*
 * Pools whose per-CPU lists go by concurrency ids (PB_POOL_CIDS): as many lists are filled as
 * threads run at once, whatever CPUs they run on. Where the kernel tells no ids the pool must
 * be as any other; the rest is skipped there.
 *
 * That no page is handed out twice is stress's to find, and what a fork leaves fork's.
 */
#define _GNU_SOURCE
#include "pcp/pcp.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/pool.h"

#include <pagebuddy/linux_user.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES 65536u
#define CPUS 64u /* lists: many more than this machine has CPUs */
#define THREADS 8u

static struct tp tp;
static atomic_uint fences;

/* By the linker: each call of the core's. */
void __real_pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu);
void __wrap_pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu);

void __wrap_pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu)
{
	atomic_fetch_add(&fences, 1);
	__real_pb_platform_fence_cpu(pool, cpu);
}

static void build(uint32_t flags, uint32_t cpus)
{
	tp_start(&tp);
	tp.config.flags |= flags;
	tp.config.nr_cpus = cpus;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
}

static bool by_ids(void)
{
	return !strcmp(pb_user_percpu_mode(&tp.pool), "rseq-cid");
}

static bool ids_here(void)
{
	bool here;

	build(PB_POOL_CIDS, 2);
	here = by_ids();
	tp_drop(&tp);
	return here;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* CPUs that this process may run on: cpu[0..n). */
static unsigned int allowed_cpus(int cpu[CPU_SETSIZE])
{
	unsigned int n = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	return n;
}

/* Areas from which anything was ever allocated, a bit each. */
static uint64_t areas_used(void)
{
	uint64_t used = 0;

	for (u32 cpu = 0; cpu < tp.pool.percpu_cpus; cpu++) {
		struct pcp_counts counts;

		pcp_count(&tp.pool, cpu, pool_zone(&tp.pool, 0), &counts);
		used |= (uint64_t)(counts.allocs != 0) << cpu;
	}
	return used;
}

static void use_lists(unsigned int times)
{
	struct pb_page *page[32];

	for (unsigned int i = 0; i < times; i++) {
		for (unsigned int k = 0; k < 32; k++)
			assert_non_null(page[k] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, k % 3));
		for (unsigned int k = 0; k < 32; k++)
			assert_int_equal(pb_free_pages(&tp.pool, page[k], k % 3), PB_OK);
	}
}

/* ---------------------------------------------------------------- which it is */

/* What the kernel says it writes there, 28 bytes, is looked up here by another way. */
static void test_the_mode_says_what_lists_go_by(void **state)
{
	bool told = getauxval(27) >= 28;
	char plain[16];

	(void)state;
	build(0, 2);
	assert_true(strlen(pb_user_percpu_mode(&tp.pool)) < sizeof(plain));
	strcpy(plain, pb_user_percpu_mode(&tp.pool));
	assert_string_not_equal(plain, "rseq-cid");
	tp_drop(&tp);
	build(PB_POOL_CIDS, 2);
	if (!strcmp(plain, "rseq") && told)
		assert_string_equal(pb_user_percpu_mode(&tp.pool), "rseq-cid");
	else
		assert_string_equal(pb_user_percpu_mode(&tp.pool), plain);
	tp_drop(&tp);
}

/* Without restartable sequences the flag changes nothing. */
static void test_pools_by_try_lock_go_by_cpus(void **state)
{
	(void)state;
	build(PB_POOL_CIDS | PB_POOL_NO_RSEQ, 4);
	assert_string_equal(pb_user_percpu_mode(&tp.pool), "trylock");
	pb_user_set_cpu(3);
	use_lists(1);
	pb_user_set_cpu(-1);
	assert_int_equal(areas_used(), 1u << 3);
	tp_drop(&tp);
	build(PB_POOL_CIDS | PB_POOL_OWNERS, 2);
	assert_string_equal(pb_user_percpu_mode(&tp.pool), "trylock");
	tp_drop(&tp);
}

static void test_pools_that_ids_make_no_sense_for_are_refused(void **state)
{
	(void)state;
	tp_start(&tp);
	tp.config.flags |= PB_POOL_CIDS | PB_POOL_SHARED;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	assert_int_equal(tp_try(&tp), PB_EINVAL);
	assert_non_null(strstr(tp.error.text, "PB_POOL_CIDS"));
	assert_non_null(strstr(tp.error.text, "PB_POOL_SHARED"));
	tp_drop(&tp);
	tp_start(&tp);
	tp.config.flags |= PB_POOL_CIDS;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_region(&tp, FRAMES, 2 * FRAMES, 1, PB_ZONE_NORMAL);
	assert_int_equal(tp_try(&tp), PB_EINVAL);
	assert_non_null(strstr(tp.error.text, "one node"));
	tp_drop(&tp);
}

/* ------------------------------------------------------------------- threads */

static void *in_turn(void *arg)
{
	int cpu[CPU_SETSIZE];
	unsigned int n = allowed_cpus(cpu);

	for (unsigned int i = 0; i < 4 * n; i++) {
		pin(cpu[(i + *(unsigned int *)arg) % n]);
		use_lists(20);
	}
	return NULL;
}

static void run_threads(void)
{
	static unsigned int number[THREADS];
	pthread_t thread[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, in_turn, &number[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

/* Each of them runs on each CPU. (With this one there are THREADS + 1, which waits.) */
static void test_eight_threads_fill_as_many_areas_as_run_at_once(void **state)
{
	int cpu[CPU_SETSIZE];
	unsigned int n = allowed_cpus(cpu);

	(void)state;
	if (!ids_here())
		skip();
	build(PB_POOL_CIDS, CPUS);
	run_threads();
	assert_int_not_equal(areas_used(), 0);
	assert_true(__builtin_popcountll(areas_used()) <= (int)(n < THREADS + 1 ? n : THREADS + 1));
	tp_check(&tp, "after threads");
	tp_drop(&tp);
}

/* A process of one thread has one list, wherever it runs: by CPUs it would fill each one's. */
static void test_one_thread_has_one_area_on_whatever_cpu(void **state)
{
	int cpu[CPU_SETSIZE], status;
	unsigned int n = allowed_cpus(cpu), zero = 0;
	uint64_t *used = tp_shared(sizeof(*used));
	pid_t child;

	(void)state;
	if (!ids_here())
		skip();
	build(PB_POOL_CIDS, CPUS);
	child = fork();
	if (!child) {
		in_turn(&zero);
		*used = areas_used();
		tp_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(*used, 1);
	tp_drop(&tp);
	build(0, CPUS);
	child = fork();
	if (!child) {
		in_turn(&zero);
		*used = areas_used();
		tp_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(__builtin_popcountll(*used), n);
	tp_drop(&tp);
}

/* -------------------------------------------------------------- a faked area */

#ifdef PB_RSEQ_AREA
/* What a kernel shows on CPU 200 of a machine to a process of few threads. The kernel knows
   nothing of it, so nothing is aborted, and nobody else runs here. */
static void test_ids_far_below_the_cpus_numbers_are_areas(void **state)
{
	static union pb_own_rseq fake __attribute__((aligned(32)));
	intptr_t real;

	(void)state;
	if (!ids_here())
		skip();
	for (uint32_t id = 0; id < 4; id++) {
		build(PB_POOL_CIDS, 4);
		real = tp.pool.rseq_offset;
		fake.words[0] = fake.words[1] = 200;
		fake.words[PB_RSEQ_MM_CID / 4] = id;
		tp.pool.rseq_offset = (char *)&fake - (char *)__builtin_thread_pointer();
		assert_int_equal(pcp_here(&tp.pool), id);
		atomic_store(&fences, 0);
		use_lists(3);
		assert_int_equal(areas_used(), 1u << id);
		assert_int_equal(atomic_load(&fences), 0); /* it is where it is at home */
		tp.pool.rseq_offset = real;
		tp_check(&tp, "after the fake");
		tp_drop(&tp);
	}
}

/* An id that there are no lists for, and a thread that the kernel has no area of. */
static void test_an_id_without_an_area_goes_to_the_zone(void **state)
{
	static const uint32_t ids[] = { 4, 63, UINT32_MAX };
	static union pb_own_rseq fake __attribute__((aligned(32)));

	(void)state;
	if (!ids_here())
		skip();
	build(PB_POOL_CIDS, 4);
	tp.pool.rseq_offset = (char *)&fake - (char *)__builtin_thread_pointer();
	atomic_store(&fences, 0);
	for (unsigned int i = 0; i < 3; i++) {
		fake.words[PB_RSEQ_MM_CID / 4] = ids[i];
		use_lists(3);
	}
	assert_int_equal(areas_used(), 0);
	assert_int_equal(atomic_load(&fences), 0);
	assert_int_equal(tp_free_pages(&tp), FRAMES);
	tp_drop(&tp);
}

/* Until the kernel has registered the area that the library has for it, a thread's id is none. */
static void test_a_thread_without_an_area_has_no_id(void **state)
{
	(void)state;
	if (__rseq_size) { /* glibc's are used: ours shows what it begins with */
		assert_int_equal(pb_own_rseq.area.cpu_id, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED);
		assert_int_equal(pb_rseq_mm_cid(&pb_own_rseq.area), UINT32_MAX);
	}
}
#endif

/* ------------------------------------------------------------------- idle lists */

/* One CPU's lists, then another's: ids that nobody has any more. */
static void test_lists_of_ids_that_nobody_uses_are_given_back(void **state)
{
	struct pb_pool_stat stat;
	unsigned int calls = 0;

	(void)state;
	if (!ids_here())
		skip();
	build(PB_POOL_CIDS, CPUS);
	run_threads();
	pb_stats(&tp.pool, &stat);
	assert_true(stat.pcp > 0);
	pb_pcp_decay(&tp.pool); /* notes what there was */
	pb_pcp_decay(&tp.pool);
	pb_stats(&tp.pool, &stat);
	assert_int_equal(stat.pcp, 0);
	assert_int_equal(tp_free_pages(&tp), FRAMES);
	/* ... and in the end their limits are none, so that nobody is stopped for them */
	do {
		atomic_store(&fences, 0);
		pb_pcp_decay(&tp.pool);
		assert_true(++calls < 20);
	} while (atomic_load(&fences));
	use_lists(1); /* they grow again */
	pb_stats(&tp.pool, &stat);
	assert_true(stat.pcp > 0);
	tp_check(&tp, "after decay");
	tp_drop(&tp);
}

/* All areas are stopped by one fence, since each stops every CPU. */
static void test_all_areas_are_locked_by_one_fence(void **state)
{
	(void)state;
	if (!ids_here())
		skip();
	build(PB_POOL_CIDS, CPUS);
	use_lists(1);
	atomic_store(&fences, 0);
	pcp_lock_all(&tp.pool);
	pcp_unlock_all(&tp.pool);
	assert_int_equal(atomic_load(&fences), 1);
	tp_drop(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_mode_says_what_lists_go_by),
		cmocka_unit_test(test_pools_by_try_lock_go_by_cpus),
		cmocka_unit_test(test_pools_that_ids_make_no_sense_for_are_refused),
		cmocka_unit_test(test_eight_threads_fill_as_many_areas_as_run_at_once),
		cmocka_unit_test(test_one_thread_has_one_area_on_whatever_cpu),
#ifdef PB_RSEQ_AREA
		cmocka_unit_test(test_ids_far_below_the_cpus_numbers_are_areas),
		cmocka_unit_test(test_an_id_without_an_area_goes_to_the_zone),
		cmocka_unit_test(test_a_thread_without_an_area_has_no_id),
#endif
		cmocka_unit_test(test_lists_of_ids_that_nobody_uses_are_given_back),
		cmocka_unit_test(test_all_areas_are_locked_by_one_fence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
