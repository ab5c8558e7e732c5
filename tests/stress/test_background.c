/* SPDX-License-Identifier: MIT */
/*
 * The thread of the linux_user port that reclaims, compacts and reports in the background. No test
 * expects anything of the clock: each waits until what must come has come.
 */
#define _GNU_SOURCE    /* mincore() */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include <pagebuddy/linux_user.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES 16384u

/* An owner whose pages can be given back, and moved, by number. */
static struct {
	struct pb_pool pool;
	pthread_mutex_t lock;
	struct pb_page *page[FRAMES];
	unsigned int number[FRAMES]; /* by frame */
	unsigned int held;
	unsigned int reclaims, moves, wakes;
	bool lies; /* reclaim claims what it has not freed */
} o = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void keep(struct pb_page *page)
{
	o.number[page - o.pool.pages] = o.held;
	o.page[o.held++] = page;
}

/* pre: the lock. */
static void drop(struct pb_pool *pool, unsigned int i)
{
	assert_int_equal(pb_free_pages(pool, o.page[i], 0), PB_OK);
	o.page[i] = o.page[--o.held];
	o.number[o.page[i] - pool->pages] = i;
}

static unsigned long reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	unsigned long freed = 0;

	(void)ctx, (void)order, (void)gfp;
	pthread_mutex_lock(&o.lock);
	o.reclaims++;
	for (; !o.lies && freed < 32 && o.held; freed++)
		drop(pool, o.held - 1);
	pthread_mutex_unlock(&o.lock);
	return o.lies ? 32 : freed;
}

static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	unsigned int i;

	(void)ctx;
	assert_int_equal(order, 0);
	pthread_mutex_lock(&o.lock);
	i = o.number[from - pool->pages];
	assert_ptr_equal(o.page[i], from);
	o.page[i] = to;
	o.number[to - pool->pages] = i;
	o.moves++;
	pthread_mutex_unlock(&o.lock);
	return true;
}

static void wake(void *ctx, struct pb_pool *pool, int node, unsigned int order)
{
	(void)ctx, (void)pool, (void)node, (void)order;
	o.wakes++;
}

static void start(const struct pb_hooks *hooks, const struct pb_background *what)
{
	const struct pb_region ram = { 0, FRAMES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;

	o.held = o.reclaims = o.moves = o.wakes = 0;
	o.lies = false;
	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	config.min_free_kbytes = 2048;
	assert_int_equal(pb_user_pool_create(&o.pool, &config, 0, hooks, NULL), PB_OK);
	if (what)
		assert_int_equal(pb_user_background_start(&o.pool, what), PB_OK);
}

static void take(unsigned int n, pb_gfp_t gfp)
{
	while (n--) {
		struct pb_page *page = pb_alloc_pages(&o.pool, gfp | PB_GFP_NOWARN, 0);

		if (!page)
			return;
		pthread_mutex_lock(&o.lock);
		keep(page);
		pthread_mutex_unlock(&o.lock);
	}
}

/* Of a counter that the thread changes under the lock. */
static unsigned int counted(const unsigned int *counter)
{
	unsigned int n;

	pthread_mutex_lock(&o.lock);
	n = *counter;
	pthread_mutex_unlock(&o.lock);
	return n;
}

static void wait_until(bool (*come)(void))
{
	while (!come()) /* the runner's limit is the end of one that never comes */
		sched_yield();
}

/* Between the two it was not woken again. */
static bool is_above_low(void)
{
	return pb_zone_below(&o.pool, 0, PB_WMARK_LOW) == 0;
}

static void test_it_reclaims_from_low_to_high(void **state)
{
	const struct pb_hooks hooks = { .reclaim = reclaim, .wake = wake };
	const struct pb_background what = { .period_ms = 3600000 }; /* woken, or never */

	(void)state;
	start(&hooks, &what);
	take(FRAMES, PB_GFP_NOWAIT | PB_GFP_HIGHMEM | PB_GFP_MOVABLE); /* may wake, not wait */
	assert_true(o.wakes > 0); /* the handle's own hook is called, too */
	while (!is_above_low())   /* the last page may have been taken without finding it so */
		take(1, PB_GFP_NOWAIT);
	assert_true(counted(&o.reclaims) > 0);
	pb_user_pool_destroy(&o.pool); /* the thread ends with it */
}

static void test_it_looks_without_being_woken(void **state)
{
	const struct pb_hooks hooks = { .reclaim = reclaim };
	const struct pb_background what = { .period_ms = 1 };

	(void)state;
	start(&hooks, &what);
	take(FRAMES, 0); /* wakes nobody */
	wait_until(is_above_low);
	pb_user_pool_destroy(&o.pool);
}

static bool has_lied_for_long(void)
{
	return counted(&o.reclaims) > 5000;
}

/* A hook that claims progress for ever: it is asked again and again, but it can be ended. */
static void test_it_ends_while_a_hook_lies(void **state)
{
	const struct pb_hooks hooks = { .reclaim = reclaim };
	const struct pb_background what = { .period_ms = 1 };

	(void)state;
	start(&hooks, NULL);
	take(FRAMES, 0);
	o.lies = true;
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_OK);
	wait_until(has_lied_for_long);
	pb_user_background_stop(&o.pool);
	pb_user_background_stop(&o.pool); /* nothing there */
	o.lies = false;
	pb_user_pool_destroy(&o.pool);
}

static bool has_blocks(void)
{
	return pb_free_blocks(&o.pool, PB_NO_NODE, 9) >= 8;
}

static void test_it_keeps_blocks_of_an_order(void **state)
{
	const struct pb_hooks hooks = { .migrate = migrate };
	const struct pb_background what = { .period_ms = 1, .order = 9, .blocks = 8 };

	(void)state;
	start(&hooks, NULL);
	take(FRAMES, PB_GFP_HIGHUSER_MOVABLE & ~PB_GFP_RECLAIM);
	for (unsigned int i = 0; i < FRAMES / 2; i++) /* every other one of what there is */
		drop(&o.pool, (i * 7919u) % o.held);
	pb_drain(&o.pool, -1);
	assert_true(pb_free_blocks(&o.pool, PB_NO_NODE, 9) < 8);
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_OK);
	wait_until(has_blocks);
	assert_true(counted(&o.moves) > 0);
	pb_user_background_stop(&o.pool);
	for (unsigned int i = 0; i < o.held; i++) /* nothing lost */
		assert_int_equal(pb_page_order(&o.pool, o.page[i]), 0);
	assert_int_equal(pb_validate(&o.pool, NULL), PB_OK);
	pb_user_pool_destroy(&o.pool);
}

/* -------------------------------------------------------------- free page reporting */

static unsigned char *memory;

/* Pages of the pool's memory that the system has something behind. */
static unsigned int resident(void)
{
	static unsigned char pages[FRAMES];
	unsigned int n = 0;

	assert_int_equal(mincore(memory, (size_t)FRAMES << 12, pages), 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		n += pages[i] & 1;
	return n;
}

static bool is_given_back(void)
{
	return !resident();
}

static void start_with_memory(const struct pb_background *what)
{
	const struct pb_hooks hooks = { .report = pb_user_report };
	const struct pb_region ram = { 0, FRAMES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;

	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	config.flags = PB_POOL_REPORTING | PB_POOL_CLEARED;
	assert_int_equal(pb_user_pool_create(&o.pool, &config, (size_t)FRAMES << 12, &hooks, NULL),
			 PB_OK);
	memory = config.linear;
	assert_int_equal(madvise(memory, (size_t)FRAMES << 12, MADV_NOHUGEPAGE), 0);
	memset(memory, 0x5a, (size_t)FRAMES << 12);
	assert_int_equal(resident(), FRAMES);
	if (what)
		assert_int_equal(pb_user_background_start(&o.pool, what), PB_OK);
}

static void test_it_gives_free_memory_back_to_the_system(void **state)
{
	const struct pb_background what = { .period_ms = 1, .report_ms = 1 };
	struct pb_pool_stat stat;
	struct pb_page *page;
	unsigned char *at;

	(void)state;
	start_with_memory(&what);
	wait_until(is_given_back);
	pb_user_background_stop(&o.pool);
	pb_stats(&o.pool, &stat);
	assert_int_equal(stat.reported, FRAMES);
	assert_int_equal(stat.cleared, FRAMES);
	page = pb_alloc_pages(&o.pool, PB_GFP_KERNEL | PB_GFP_ZERO, 9);
	assert_non_null(page);
	assert_int_equal(resident(), 0); /* it is zero, so nobody wrote there */
	at = pb_page_address(&o.pool, page);
	for (unsigned int i = 0; i < 512u << 12; i += 512)
		assert_int_equal(at[i], 0);
	memset(at, 1, 512u << 12);
	assert_int_equal(pb_free_pages(&o.pool, page, 9), PB_OK);
	assert_int_equal(pb_validate(&o.pool, NULL), PB_OK);
	pb_user_pool_destroy(&o.pool);
}

/* What is in use stays, and what is not in the mapping is not given away. */
static void test_only_free_memory_is_given_back(void **state)
{
	struct pb_page *page;
	uint64_t pages, pfn;

	(void)state;
	start_with_memory(NULL);
	page = pb_alloc_pages(&o.pool, PB_GFP_KERNEL, 9);
	assert_non_null(page);
	pfn = pb_page_to_pfn(&o.pool, page);
	pb_drain(&o.pool, -1); /* some were fetched with it */
	assert_int_equal(pb_report_free(&o.pool, &(struct pb_report){ 0 }, &pages), PB_OK);
	assert_int_equal(pages, FRAMES - 512);
	assert_int_equal(resident(), 512);
	for (unsigned int i = 0; i < 512u << 12; i += 512)
		assert_int_equal(memory[(pfn << 12) + i], 0x5a);
	assert_int_equal(pb_user_report(NULL, &o.pool, FRAMES, 1), PB_REPORT_REFUSED);
	assert_int_equal(pb_user_report(NULL, &o.pool, FRAMES - 512, 513), PB_REPORT_REFUSED);
	pb_user_pool_destroy(&o.pool);
	start(NULL, NULL); /* addresses only */
	assert_int_equal(pb_user_report(NULL, &o.pool, 0, 512), PB_REPORT_REFUSED);
	pb_user_pool_destroy(&o.pool);
}

static void test_reporting_that_cannot_be_is_refused(void **state)
{
	struct pb_background what = { .report_ms = 1 };

	(void)state;
	start(NULL, NULL);
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_ENOTSUP);
	pb_user_pool_destroy(&o.pool);
	start_with_memory(NULL);
	what.report.order = 8;
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_EINVAL);
	what.report.order = 11;
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_EINVAL);
	pb_user_pool_destroy(&o.pool);
}

static bool lists_are_empty(void)
{
	struct pb_pool_stat stat;

	pb_stats(&o.pool, &stat);
	return !stat.pcp;
}

static void test_idle_lists_decay(void **state)
{
	const struct pb_background what = { .period_ms = 1 };
	struct pb_page *page;

	(void)state;
	start(NULL, NULL);
	page = pb_alloc_pages(&o.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_free_pages(&o.pool, page, 0), PB_OK);
	assert_false(lists_are_empty());
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_OK);
	wait_until(lists_are_empty);
	pb_user_pool_destroy(&o.pool);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
	const struct pb_hooks hooks = { .wake = wake };
	struct pb_background what = { .order = 11 };
	struct pb_pool none = { 0 };

	(void)state;
	start(&hooks, NULL);
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_EINVAL);
	what.order = 9;
	what.blocks = FRAMES + 1;
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_EINVAL);
	what.blocks = 0;
	assert_int_equal(pb_user_background_start(&none, &what), PB_EINVAL);
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_OK);
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_EBUSY);
	pb_user_background_stop(&o.pool);
	assert_ptr_equal(o.pool.hooks.wake, wake);
	assert_int_equal(pb_user_background_start(&o.pool, &what), PB_OK);
	pb_user_pool_destroy(&o.pool);
}

/* In a child there is no thread to wait for. */
static void test_a_child_has_no_thread(void **state)
{
	const struct pb_hooks hooks = { .reclaim = reclaim };
	const struct pb_background what = { .period_ms = 1 };
	int status;
	pid_t child;

	(void)state;
	start(&hooks, &what);
	child = fork();
	if (!child) {
		take(FRAMES, PB_GFP_NOWAIT); /* wakes nobody here */
		pb_user_pool_destroy(&o.pool);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	pb_user_pool_destroy(&o.pool);
}

static void test_questions_about_a_range(void **state)
{
	struct pb_block block;
	struct pb_page *page;
	uint64_t pfn;

	(void)state;
	start(NULL, NULL);
	page = pb_alloc_pages(&o.pool, PB_GFP_KERNEL, 3);
	assert_non_null(page);
	pfn = pb_page_to_pfn(&o.pool, page);
	assert_int_equal(pb_find_block(&o.pool, pfn + 5, &block), PB_OK);
	assert_int_equal(block.pfn, pfn);
	assert_int_equal(block.order, 3);
	assert_int_equal(block.state, PB_BLOCK_ALLOCATED);
	assert_int_equal(pb_range_is_free(&o.pool, pfn, pfn + 1), 0);
	assert_int_equal(pb_range_is_free(&o.pool, pfn + 7, pfn + 9), 0);
	assert_int_equal(pb_range_is_free(&o.pool, 1024, 2048), 1);
	assert_int_equal(pb_range_is_free(&o.pool, 5, 5), PB_EINVAL);
	assert_int_equal(pb_range_is_free(&o.pool, FRAMES - 1, FRAMES + 1), PB_ENODEV);
	assert_int_equal(pb_find_block(&o.pool, FRAMES, &block), PB_ENODEV);
	assert_int_equal(pb_find_block(&o.pool, 2047, &block), PB_OK);
	assert_int_equal(block.state, PB_BLOCK_FREE);
	assert_int_equal(block.order, 10);
	assert_int_equal(pb_free_pages(&o.pool, page, 3), PB_OK);
	assert_int_equal(pb_range_is_free(&o.pool, 0, FRAMES), 1); /* some in a per-CPU list */
	assert_int_equal(pb_reserve(&o.pool, 100, 101), PB_OK);
	assert_int_equal(pb_range_is_free(&o.pool, 0, FRAMES), 0);
	assert_int_equal(pb_find_block(&o.pool, 100, &block), PB_OK);
	assert_int_equal(block.state, PB_BLOCK_RESERVED);
	assert_int_equal(pb_zone_below(&o.pool, 1, PB_WMARK_LOW), PB_ENODEV);
	assert_int_equal(pb_zone_below(&o.pool, 0, PB_WMARK_LOW), 0);
	pb_user_pool_destroy(&o.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_reclaims_from_low_to_high),
		cmocka_unit_test(test_it_looks_without_being_woken),
		cmocka_unit_test(test_it_ends_while_a_hook_lies),
		cmocka_unit_test(test_it_keeps_blocks_of_an_order),
		cmocka_unit_test(test_it_gives_free_memory_back_to_the_system),
		cmocka_unit_test(test_only_free_memory_is_given_back),
		cmocka_unit_test(test_reporting_that_cannot_be_is_refused),
		cmocka_unit_test(test_idle_lists_decay),
		cmocka_unit_test(test_what_makes_no_sense_is_refused),
		cmocka_unit_test(test_a_child_has_no_thread),
		cmocka_unit_test(test_questions_about_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
