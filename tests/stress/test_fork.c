/* SPDX-License-Identifier: MIT */
/*
 * Fork in the middle of everything. Threads allocate, free, drain and tune while
 * the main thread forks; the child, which has none of these threads, must find a
 * pool at rest: valid, every lock free, and each page either owned or to be had.
 *
 * Each thread stamps the pages it holds in memory that the child gets a copy of:
 * what is stamped there was held, and at most one block per thread, on its way
 * into a call or out of it, may be owned without a stamp.
 *
 *	PB_FORKS=n  forks of each kind of pool
 *	PB_SEED=n
 */
#define _GNU_SOURCE
#include "base/pool.h" /* the handle's fields: before the public headers */

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pagebuddy/linux.h>
#include <pagebuddy/linux_user.h>

#include "pcp/pcp.h"
#include "support/cmocka.h"
#include "support/variants.h"

#define FRAMES 4096u      /* that the threads nearly exhaust */
#define MAX_FRAMES 65536u /* the default pool's 256 MiB */
#define WORKERS 3u
#define HOLD 128u
#define FORKS 30
#define CHILD_SECONDS 300 /* then it hangs */
#define TEST_SECONDS 1400 /* below what ctest allows */

/* Reserves must not keep the child from the last page. */
#define LAST_PAGE (PB_GFP_KERNEL | PB_GFP_MEMALLOC | PB_GFP_NOWARN)

static struct tp tp; /* for the checks; its handle is the pool's or a copy */
static struct pb_pool *pool;
static const char *what;
static uint8_t stamp[MAX_FRAMES];
static struct tp_frame frame[MAX_FRAMES];
static uint64_t frames;
static atomic_bool stop;
static atomic_bool slow; /* a child is at work: go on, but leave it the CPU */
static int generation;   /* 0: the parent */

struct worker {
	pthread_t thread;
	uint8_t number;
	struct tp_rng rng;
	_Atomic unsigned long done;
	struct pb_page *held[HOLD];
	uint8_t order[HOLD];
};

static struct worker workers[WORKERS];

/* In a thread or a child cmocka's way of failing, a long jump, leads nowhere. */
static void fail_exit(const char *file, int line)
{
	(void)file;
	(void)line;
	_exit(1);
}

/* -------------------------------------------------- a program that forks, too */

/*
 * Its lock is held while allocating, and by its own fork handlers. They come
 * after the library's, whose locks must then be the last taken and the first
 * released: else fork waits for the program's lock with the pool locked.
 */
static pthread_mutex_t program_lock = PTHREAD_MUTEX_INITIALIZER;

static void program_before_fork(void)
{
	pthread_mutex_lock(&program_lock);
}

static void program_after_fork(void)
{
	pthread_mutex_unlock(&program_lock);
}

static void program_in_child(void)
{
	struct pb_page *page = pool ? pb_alloc_pages(pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0) : NULL;

	if (page)
		pb_free_pages(pool, page, 0);
	pthread_mutex_unlock(&program_lock);
}

/* ----------------------------------------------------------------- threads */

/* Changes the stamps of a block; of two threads that hold it one will notice. */
static void restamp(uint64_t pfn, unsigned int order, uint8_t from, uint8_t to)
{
	tp_require(pfn + (1u << order) <= frames, "%s: pfn %lu", what, (unsigned long)pfn);
	for (uint64_t i = pfn; i < pfn + (1u << order); i++)
		tp_require(stamp[i] == from, "%s: pfn %lu: stamp %u instead of %u", what,
			   (unsigned long)i, stamp[i], from);
	memset(stamp + pfn, to, (size_t)1 << order);
}

static void worker_take(struct worker *w, uint32_t slot)
{
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_MOVABLE,
					PB_GFP_ATOMIC, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	unsigned int order = 0;
	struct pb_page *page;

	while (order < 9 && tp_below(&w->rng, 3) == 0)
		order++;
	if (tp_below(&w->rng, 4) == 0)
		order = tp_below(&w->rng, 10);
	page = pb_alloc_pages(pool, gfp[tp_below(&w->rng, 4)] | PB_GFP_NOWARN, order);
	w->held[slot] = page;
	w->order[slot] = (uint8_t)order;
	if (page)
		restamp(pb_page_to_pfn(pool, page), order, 0, w->number);
}

static void worker_give(struct worker *w, uint32_t slot)
{
	restamp(pb_page_to_pfn(pool, w->held[slot]), w->order[slot], w->number, 0);
	tp_require(pb_free_pages(pool, w->held[slot], w->order[slot]) == PB_OK, "%s: free", what);
	w->held[slot] = NULL;
}

static void worker_step(struct worker *w)
{
	bool polite = tp_below(&w->rng, 16) == 0;
	uint32_t slot = tp_below(&w->rng, HOLD);

	if (polite)
		pthread_mutex_lock(&program_lock);
	if (w->held[slot])
		worker_give(w, slot);
	else
		worker_take(w, slot);
	if (polite)
		pthread_mutex_unlock(&program_lock);
	atomic_fetch_add(&w->done, 1);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load(&stop)) {
		worker_step(w);
		if (atomic_load(&slow))
			usleep(1000);
	}
	for (uint32_t slot = 0; slot < HOLD; slot++)
		if (w->held[slot])
			worker_give(w, slot);
	return NULL;
}

/* Takes the locks that allocating alone does not. */
static void *tuner_main(void *arg)
{
	while (!atomic_load(&stop)) {
		atomic_store((atomic_bool *)arg, true);
		pb_set_watermark_scale_factor(pool, tp.config.watermark_scale_factor);
		pb_pcp_decay(pool);
		pb_drain(pool, -1);
		if (atomic_load(&slow))
			usleep(1000);
	}
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	tp_require(!pthread_create(thread, NULL, run, arg), "%s: pthread_create", what);
}

/* Until they run: what starts a thread allocates, and AddressSanitizer leaves a child
   its allocator's lock as it was. */
static void start_workers(unsigned int n)
{
	atomic_store(&stop, false);
	atomic_store(&slow, false);
	memset(workers, 0, sizeof(workers));
	for (unsigned int i = 0; i < n; i++) {
		workers[i].number = (uint8_t)(i + 1);
		workers[i].rng.state = tp_seed() + i;
		start(&workers[i].thread, worker_main, &workers[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		while (!atomic_load(&workers[i].done))
			sched_yield();
}

static void stop_workers(unsigned int n)
{
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
}

static unsigned long steps(unsigned int n)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += atomic_load(&workers[i].done);
	return sum;
}

/* Until the workers have got some way, so that each fork meets another state. */
static void let_work(unsigned int n, struct tp_rng *rng)
{
	unsigned long enough = steps(n) + tp_below(rng, 2000);

	do
		usleep(tp_below(rng, 1000));
	while (steps(n) < enough);
}

/* ---------------------------------------------------------------- children */

static pid_t fork_child(void)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	tp_require(child >= 0, "%s: fork: %s", what, strerror(errno));
	if (!child) {
		generation++;
		alarm(CHILD_SECONDS);
	}
	return child;
}

/* The child's alarm is not set while fork's handlers run, which may hang, too. */
static void expect_well(pid_t child, int n)
{
	long patience = CHILD_SECONDS * 10000L >> generation; /* in 100 us */
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(child, &status, WNOHANG)) == 0 && patience--)
		usleep(100);
	if (!ended)
		kill(child, SIGKILL);
	tp_require(ended == child, "%s: child %d hung", what, n);
	tp_require(!WIFSIGNALED(status), "%s: child %d: %s", what, n, strsignal(WTERMSIG(status)));
	tp_require(WIFEXITED(status) && !WEXITSTATUS(status), "%s: child %d: status %#x", what, n,
		   (unsigned int)status);
}

static bool to_be_had(uint64_t pfn)
{
	return frame[pfn].state == PB_BLOCK_FREE || frame[pfn].state == PB_BLOCK_PCP;
}

static bool is_head(uint64_t pfn)
{
	return frame[pfn].state == PB_BLOCK_ALLOCATED && frame[pfn].head;
}

static void check_locks(void)
{
	uint32_t held = pool->super->sizes_lock;

	for (uint32_t cpu = 0; cpu < pool->percpu_cpus; cpu++)
		held |= pcp_area(pool, cpu)->lock;
	for (uint32_t z = 0; z < pool->super->nr_zones; z++)
		held |= pool_zone(pool, z)->lock;
	for (uint32_t s = 0; s < pool->super->nr_stripes; s++)
		held |= pool_stripe(pool, s)->lock;
	tp_require(!held, "%s: a lock is held", what);
}

/* As the threads left it: that they are gone doesn't make what they held free. */
static void check_found(void)
{
	unsigned int unstamped = 0;

	check_locks();
	tp_check(&tp, what);
	tp_frames(&tp, frame, frames);
	for (uint64_t pfn = 0; pfn < frames; pfn++) {
		tp_require(!stamp[pfn] || frame[pfn].state == PB_BLOCK_ALLOCATED,
			   "%s: pfn %lu is held, but free", what, (unsigned long)pfn);
		unstamped += is_head(pfn) && !stamp[pfn];
	}
	tp_require(unstamped <= WORKERS, "%s: %u blocks that nobody held", what, unstamped);
}

static void note_got(uint64_t pfn)
{
	tp_require(pfn < frames && to_be_had(pfn), "%s: pfn %lu handed out twice", what,
		   (unsigned long)pfn);
	frame[pfn] = (struct tp_frame){ .state = PB_BLOCK_ALLOCATED, .head = 1 };
}

/*
 * What was freed while its pageblock was reserved for urgent requests, and drained
 * when it no longer was, is on the reserve's list (linux profile), where requests
 * for the last page don't look.
 */
static uint64_t claim_reserve(void)
{
	uint64_t got = 0;

	for (uint64_t pfn = 0; pfn < frames; pfn++)
		if (to_be_had(pfn) && pb_alloc_at(pool, pfn, 0, PB_GFP_KERNEL) == PB_OK) {
			note_got(pfn);
			got++;
		}
	return got;
}

static void check_exhaust(void)
{
	uint64_t expected = 0, got = 0;
	struct pb_page *page;

	for (uint64_t pfn = 0; pfn < frames; pfn++)
		expected += to_be_had(pfn);
	while ((page = pb_alloc_pages(pool, LAST_PAGE, 0)) != NULL) {
		note_got(pb_page_to_pfn(pool, page));
		got++;
	}
	if (pool->profile == PB_PROFILE_LINUX)
		got += claim_reserve();
	tp_require(got == expected, "%s: got %lu pages of %lu", what, (unsigned long)got,
		   (unsigned long)expected);
}

/* What the parent's threads held is the child's to free as well. */
static void check_free_all(void)
{
	struct pb_pool_stat stat;

	for (uint64_t pfn = 0; pfn < frames; pfn++)
		if (is_head(pfn))
			tp_require(pb_free_pages(pool, pb_pfn_to_page(pool, pfn),
						 frame[pfn].order) == PB_OK,
				   "%s: free of pfn %lu", what, (unsigned long)pfn);
	tp_check(&tp, what);
	pb_drain(pool, -1);
	tp_check(&tp, what);
	pb_stats(pool, &stat);
	tp_require(stat.free == (int64_t)stat.managed, "%s: %ld pages of %lu came back", what,
		   (long)stat.free, (unsigned long)stat.managed);
	memset(stamp, 0, sizeof(stamp));
}

/* Membarrier must still be registered, and do its work with threads to fence. */
static void check_threads(struct tp_rng *rng)
{
	if (!strncmp(pb_user_percpu_mode(pool), "rseq", 4))
		tp_require(!syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0),
			   "%s: membarrier: %s", what, strerror(errno));
	start_workers(2);
	for (int i = 0; i < 5; i++) {
		let_work(2, rng);
		pb_drain(pool, -1);
	}
	stop_workers(2);
	pb_drain(pool, -1);
	tp_check(&tp, what);
}

static void check_grandchild(void)
{
	pid_t child = fork_child();

	if (!child) {
		pb_drain(pool, -1);
		tp_check(&tp, what);
		_exit(0);
	}
	expect_well(child, -1);
}

static void child_main(int n, struct tp_rng *rng)
{
	check_found();
	pb_drain(pool, -1);
	pb_set_watermark_scale_factor(pool, tp.config.watermark_scale_factor);
	tp_check(&tp, what);
	check_exhaust();
	check_free_all();
	if (n % 4 == 0) {
		check_threads(rng);
		check_grandchild();
	}
	tp_require(!tp.misuse_calls, "%s: %s", what, tp.misuse_text);
	_exit(0);
}

/* ------------------------------------------------------------------- tests */

static void fork_while_working(int forks)
{
	struct tp_rng rng = { tp_seed() };
	atomic_bool tuning = false;
	pthread_t tuner;

	start_workers(WORKERS);
	start(&tuner, tuner_main, &tuning);
	while (!atomic_load(&tuning))
		sched_yield();
	for (int n = 0; n < forks; n++) {
		pid_t child;

		let_work(WORKERS, &rng);
		child = fork_child();
		if (!child)
			child_main(n, &rng);
		atomic_store(&slow, true);
		expect_well(child, n);
		atomic_store(&slow, false);
	}
	stop_workers(WORKERS);
	pthread_join(tuner, NULL);
	tp_require(!tp.misuse_calls, "%s: %s", what, tp.misuse_text);
	tp_check(&tp, what);
	pb_drain(pool, -1);
	tp_check(&tp, what);
	printf("%-28s %-8s %d forks\n", what, pb_user_percpu_mode(pool), forks);
}

static void make_pool(const struct variant *v)
{
	what = v->name;
	frames = FRAMES;
	tp_start(&tp);
	tp.config.profile = (uint8_t)v->profile;
	tp.config.flags |= v->flags;
	tp_quarantine(&tp.config);
	tp.config.min_free_kbytes = 2048; /* so that there is something to reserve from */
	tp.config.nr_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	tp.config.nr_stripes = v->profile == PB_PROFILE_LINUX ? 1 : 2;
	if (tp.config.nr_stripes > 1)
		tp.config.pageblock_order = 5; /* 64 pageblocks for each stripe */
	tp.config.regions = tp.regions;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_require(!pb_user_pool_create(&tp.pool, &tp.config, 0, &tp.hooks, &tp.error), "%s: %s",
		   what, tp.error.text);
	tp_require_stripes(&tp.pool, tp.config.nr_stripes, tp.config.nr_stripes > 1 ? 128 : 0);
	pool = &tp.pool;
}

static void drop_pool(void)
{
	pool = NULL;
	pb_user_pool_destroy(&tp.pool);
}

/* Fewer times without the fast paths, which make it difficult. */
static void run_variant(const struct variant *v)
{
	bool fast = !(v->flags & (PB_POOL_NO_PCP | PB_POOL_HARDENED));

	make_pool(v);
	fork_while_working((int)tp_env("PB_FORKS", fast ? FORKS : FORKS / 3));
	tp_require(tp_free_pages(&tp) == FRAMES, "%s: pages lost in the parent", what);
	drop_pool();
}

static void test_children_find_the_pool_at_rest(void **state)
{
	static const struct variant trylock = { "modern, try-lock", PB_PROFILE_MODERN,
						PB_POOL_NO_RSEQ };
	static const struct variant cids = { "modern, concurrency ids", PB_PROFILE_MODERN,
					     PB_POOL_CIDS };

	(void)state;
	run_variant(&trylock);
	run_variant(&cids);
	for_each_variant(v)
	{
		run_variant(v);
	}
}

/* In a thread beside one that forks, and so has the pools' locks for a moment. */
static _Thread_local bool not_at_rest;

static void use_pool(struct pb_pool *used)
{
	struct pb_error error = { 0 };

	for (unsigned int order = 0; order < 10; order++) {
		struct pb_page *page = pb_alloc_pages(used, PB_GFP_KERNEL, order);

		tp_require(page != NULL, "%s: alloc of order %u", what, order);
		pb_free_pages(used, page, order);
	}
	tp_require(not_at_rest || pb_validate(used, &error) == PB_OK, "%s: %s", what, error.text);
}

static void make_small_pool(struct pb_pool *small)
{
	struct pb_region region = { .end_pfn = 4096, .zone = PB_ZONE_NORMAL };
	struct pb_config config;

	pb_config_init(&config);
	config.regions = &region;
	config.nr_regions = 1;
	tp_require(!pb_user_pool_create(small, &config, 0, NULL, NULL), "%s: create", what);
	use_pool(small);
}

static void come_and_go(void)
{
	struct pb_pool small;

	make_small_pool(&small);
	pb_user_pool_destroy(&small);
}

/* To be there when we fork. Not from malloc(), whose locks a sanitizer may leave held
   in a child. */
static void come_to_stay(void)
{
	static struct pb_pool small[4];
	static atomic_uint used;

	make_small_pool(&small[atomic_fetch_add(&used, 1)]);
}

static void use_default_pool(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	tp_require(page != NULL, "%s: alloc_pages", what);
	__free_pages(page, 3);
	use_pool(pb_default_pool());
}

/* Nothing can have been under way, so that not even the lists are drained. Before
   any test that starts a thread in this process. */
static void test_the_child_of_one_thread_has_the_same_pool(void **state)
{
	struct worker *w = &workers[0];
	uint64_t sum;
	pid_t child;

	(void)state;
	make_pool(&variants[0]);
	what = "one thread";
	w->number = 1;
	w->rng.state = tp_seed();
	for (int i = 0; i < 1000; i++)
		worker_step(w);
	sum = tp_sum(&tp);
	pool = NULL; /* our own handler leaves it alone */
	child = fork_child();
	if (!child) {
		tp_require(tp_sum(&tp) == sum, "%s: the pool differs", what);
		_exit(0);
	}
	expect_well(child, 0);
	memset(stamp, 0, sizeof(stamp));
	drop_pool();
}

/* The handlers would find no memory where it was. */
static void test_a_destroyed_pool_is_not_touched(void **state)
{
	pid_t child;

	(void)state;
	make_pool(&variants[0]);
	what = "destroyed";
	tp_require(pb_alloc_pages(pool, PB_GFP_KERNEL, 3) != NULL, "%s: alloc", what);
	drop_pool();
	child = fork_child();
	if (!child) {
		come_and_go();
		_exit(0);
	}
	expect_well(child, 0);
}

static void *maker_main(void *arg)
{
	not_at_rest = true;
	while (!atomic_load(&stop))
		come_and_go();
	return arg;
}

static void *forker_main(void *arg)
{
	while (!atomic_load(&stop)) {
		pid_t child = fork_child();

		if (!child)
			_exit(0);
		expect_well(child, -1);
	}
	return arg;
}

/* Threads that make pools, one that forks, and we who fork, too. */
static void test_fork_while_pools_come_and_go(void **state)
{
	pthread_t maker[2], forker;

	(void)state;
	what = "pools come and go";
	atomic_store(&stop, false);
	start(&maker[0], maker_main, NULL);
	start(&maker[1], maker_main, NULL);
	start(&forker, forker_main, NULL);
	for (int n = 0; n < (int)tp_env("PB_FORKS", FORKS); n++) {
		pid_t child = fork_child();

		if (!child) {
			come_and_go();
			use_default_pool();
			child = fork_child();
			if (!child)
				_exit(0);
			expect_well(child, -1);
			_exit(0);
		}
		expect_well(child, n);
	}
	atomic_store(&stop, true);
	pthread_join(maker[0], NULL);
	pthread_join(maker[1], NULL);
	pthread_join(forker, NULL);
}

struct first_pool {
	void (*use)(void);
	atomic_bool running;
};

static void *first_main(void *arg)
{
	struct first_pool *first = arg;

	not_at_rest = true;
	atomic_store(&first->running, true);
	first->use();
	return NULL;
}

/* In a process that has had no pool yet, a thread makes one, and we fork. */
static void fork_while_first_pool_is_made(struct first_pool *first, uint32_t delay)
{
	pthread_t maker;
	pid_t child;

	start(&maker, first_main, first);
	while (!atomic_load(&first->running))
		sched_yield();
	for (volatile uint32_t spin = delay; spin; spin--)
		;
	child = fork_child();
	if (!child) {
		first->use();
		child = fork_child();
		if (!child) {
			first->use();
			_exit(0);
		}
		expect_well(child, -1);
		_exit(0);
	}
	expect_well(child, -1);
	pthread_join(maker, NULL);
	first->use();
	_exit(0);
}

/* Before any test that makes one in this process. */
static void test_fork_while_the_first_pool_is_made(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	what = "first pool";
	for (int n = 0; n < (int)tp_env("PB_FORKS", FORKS); n++) {
		struct first_pool first = { .use = n & 1 ? come_to_stay : use_default_pool };
		uint32_t delay = tp_below(&rng, 20000);
		pid_t child = fork_child();

		if (!child)
			fork_while_first_pool_is_made(&first, delay);
		expect_well(child, n);
	}
}

static void test_children_find_the_default_pool_at_rest(void **state)
{
	(void)state;
	what = "default pool";
	tp_start(&tp);
	pb_config_init(&tp.config);
	pool = pb_default_pool();
	assert_non_null(pool);
	tp.pool = *pool;
	frames = pool->nr_frames;
	assert_true(frames <= MAX_FRAMES);
	fork_while_working((int)tp_env("PB_FORKS", FORKS / 3));
	pool = NULL;
}

static int set_up(void **state)
{
	(void)state;
	tp_fail = fail_exit;
	alarm(TEST_SECONDS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork_while_the_first_pool_is_made),
		cmocka_unit_test(test_the_child_of_one_thread_has_the_same_pool),
		cmocka_unit_test(test_children_find_the_pool_at_rest),
		cmocka_unit_test(test_children_find_the_default_pool_at_rest),
		cmocka_unit_test(test_a_destroyed_pool_is_not_touched),
		cmocka_unit_test(test_fork_while_pools_come_and_go),
	};

	/* as early as a program can */
	pthread_atfork(program_before_fork, program_after_fork, program_in_child);
	tp_seed();
	return cmocka_run_group_tests_name(__FILE__, tests, set_up, NULL);
}
