/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs ask a fresh pool for their first page in the same moment. Each must get
 * it from its own stripe: out of one, the bytes of the two pages would share a cache
 * line, and for as long as the lists reuse these pages each call would fetch it from
 * the other CPU. (One start in five went wrong so: the CPU that looked while the other
 * took its first block saw a tight list, and not who had made it so.)
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <pagebuddy/pagebuddy.h>

#include "support/threads.h"

#include <string.h>
#include <sys/wait.h>

#define STARTS 200
#define FRAMES (256u << 10) /* 1 GiB: two stripes */

static struct tp tp;
static atomic_uint ready;

struct starter {
	pthread_t thread;
	int cpu;
	unsigned int order;
	struct pb_page *page;
};

static void *start(void *arg)
{
	struct starter *s = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(s->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	atomic_fetch_add(&ready, 1);
	while (atomic_load(&ready) < 2)
		;
	s->page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, s->order);
	return NULL;
}

/* Two CPUs that we may use, as the pool's CPUs 0 and 1 are. */
static bool two_cpus(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_ISSET(0, &set) && CPU_ISSET(1, &set);
}

static void start_once(unsigned int order)
{
	struct starter s[2] = { { .cpu = 0, .order = order }, { .cpu = 1, .order = order } };

	tp_start(&tp);
	tp.config.nr_cpus = 2;
	tp.config.nr_stripes = 2;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	assert_int_equal(tp_try(&tp), PB_OK);
	tp_require_stripes(&tp.pool, 2, 128);
	atomic_store(&ready, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&s[i].thread, NULL, start, &s[i]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
		assert_non_null(s[i].page);
	}
	assert_int_not_equal(pb_page_to_pfn(&tp.pool, s[0].page) >> 6,
			     pb_page_to_pfn(&tp.pool, s[1].page) >> 6);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pb_free_pages(&tp.pool, s[i].page, order), PB_OK);
	tp_drop(&tp);
}

static void test_two_cpus_start_in_their_own_stripes(void **state)
{
	(void)state;
	if (!two_cpus())
		skip();
	for (int i = 0; i < STARTS; i++)
		start_once(i % 2 ? 5 : 0);
}

static void *wrong(void *arg)
{
	assert_int_equal(*(int *)arg, 6);
	return NULL;
}

/* An assertion that fails in a thread ends the program with status 1, and says why. */
static void test_a_thread_that_fails_is_heard(void **state)
{
	char said[512] = "";
	pthread_t thread;
	int ends[2], status, five = 5;
	ssize_t n;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	child = fork();
	assert_int_not_equal(child, -1);
	if (!child) {
		dup2(ends[1], STDERR_FILENO);
		if (!pthread_create(&thread, NULL, wrong, &five))
			pthread_join(thread, NULL);
		_exit(0);
	}
	close(ends[1]);
	for (size_t at = 0; (n = read(ends[0], said + at, sizeof(said) - 1 - at)) > 0;)
		at += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_non_null(strstr(said, "*(int *)arg is 5, and 5 is not == 6"));
	assert_non_null(strstr(said, "failed in a thread of the test"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_cpus_start_in_their_own_stripes),
		cmocka_unit_test(test_a_thread_that_fails_is_heard),
	};

	return pb_run_threaded_tests(tests);
}
