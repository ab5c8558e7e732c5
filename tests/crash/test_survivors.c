/* SPDX-License-Identifier: MIT */
/*
 * Survivors go on. Processes make every kind of call in one shared pool; one after
 * another is killed, most of them after so many single steps inside a call, and
 * replaced. Those that live on must get on, and each frame must have one holder.
 *
 * After some deaths all stop between two calls: the pool is validated and compared
 * with their accounts. At the end all pages come back, down to the last one.
 *
 *	PB_SURVIVOR_KILLS=n  deaths in each kind of pool
 *	PB_SEED=n
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <pagebuddy/platform.h>

#include "mix.h"

#define WORKERS 4u

static pid_t pids[WORKERS];
static uint32_t tags[WORKERS], last_tag;
static long longest_ms, left_behind;

static void start(unsigned int i)
{
	tags[i] = ++last_tag;
	pids[i] = mix_start(tags[i]);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void rest(void)
{
	stage->rest = 1;
	for (unsigned int i = 0; i < WORKERS; i++)
		wait_until("to rest", stage->process[tags[i]].resting);
}

static void go_on(void)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		stage->process[tags[i]].resting = 0;
	stage->rest = 0;
}

static int compare(void *ctx, const struct pb_block *block)
{
	bool allocated = block->state == PB_BLOCK_ALLOCATED;

	(void)ctx;
	for (uint64_t pfn = block->pfn; pfn < block->pfn + (1u << block->order); pfn++) {
		uint32_t holder = stage->holder[pfn];
		bool live = holder && stage->state[holder] == LIVE;

		if (!allocated)
			tp_require(!live, "pfn %lu is free, %u has it", (unsigned long)pfn, holder);
		else if (live)
			tp_require(block->owner == holder, "pfn %lu: owner %u, %u has it",
				   (unsigned long)pfn, block->owner, holder);
		else if (block->owner && stage->state[block->owner] == LIVE)
			left_behind++; /* one end of a move whose mover did not live to see it */
	}
	return 0;
}

static void check(void)
{
	struct pb_error error = { 0 };

	rest();
	pb_drain(&pool, -1); /* settles what dead holders of lists left */
	tp_require(pb_validate(&pool, &error) == PB_OK, "%s", error.text);
	left_behind = 0;
	(void)pb_walk(&pool, compare, NULL);
	tp_require(left_behind <= (long)(kills * PAGEBLOCK), "%ld frames are nobody's",
		   left_behind);
	go_on();
}

/* The others make calls as if nothing had been. */
static void survivors_go_on(unsigned int dead)
{
	unsigned long before[WORKERS];
	long since = now_ms();

	for (unsigned int i = 0; i < WORKERS; i++)
		before[i] = stage->process[tags[i]].calls;
	for (unsigned int i = 0; i < WORKERS; i++)
		if (i != dead)
			wait_until("a survivor", stage->process[tags[i]].calls > before[i] + 2);
	if (now_ms() - since > longest_ms)
		longest_ms = now_ms() - since;
}

/* The dead one's pages come back: here, or by one of the others. */
static void give_back(uint32_t whose)
{
	if (tp_below(&rng, 2))
		whose = atomic_exchange(&stage->orphan, whose);
	if (!whose)
		return;
	stage->state[whose] = GIVEN_BACK;
	assert_int_equal(pb_free_owner(&pool, whose, NULL), PB_OK);
}

static struct pb_page *references[FRAMES];
static unsigned long nr_references;

static int note_reference(void *ctx, const struct pb_block *block)
{
	(void)ctx;
	if (block->state != PB_BLOCK_ALLOCATED)
		return 0;
	tp_require(!block->owner, "pfn %lu was left to %u", (unsigned long)block->pfn,
		   block->owner);
	references[nr_references++] = pb_pfn_to_page(&pool, block->pfn);
	return 0;
}

/* Who died with two references has one left, which only he knew to be his. */
static void drop_references(void)
{
	nr_references = 0;
	(void)pb_walk(&pool, note_reference, NULL);
	assert_true(nr_references <= kills);
	for (unsigned long i = 0; i < nr_references; i++) {
		assert_int_equal(pb_page_count(&pool, references[i]), 1);
		assert_int_equal(pb_put_page(&pool, references[i]), PB_OK);
	}
}

static void everything_comes_back(void)
{
	stage->stop = 1;
	for (unsigned int i = 0; i < WORKERS; i++) {
		int status = 0;

		wait_until("to end", waitpid(pids[i], &status, WNOHANG) == pids[i]);
		tp_require(WIFEXITED(status) && !WEXITSTATUS(status), "see above");
	}
	for (uint32_t whose = 1; whose <= last_tag; whose++)
		assert_int_equal(pb_free_owner(&pool, whose, NULL), PB_OK);
	drop_references();
	assert_int_equal(mix_check_free(), 0);
}

static void run(const char *name, uint8_t profile, uint32_t flags)
{
	unsigned long deaths = tp_env("PB_SURVIVOR_KILLS", 10), handed_over = 0;

	mix_make(profile, flags | PB_POOL_SHARED | PB_POOL_OWNERS);
	last_tag = 0;
	longest_ms = 0;
	rng.state = tp_seed();
	for (unsigned int i = 0; i < WORKERS; i++)
		start(i);
	while (kills < deaths) {
		unsigned int i = tp_below(&rng, WORKERS);
		uint32_t dead = tags[i];

		mix_kill(pids[i], dead, !tp_below(&rng, 8));
		mix_reap(pids[i], dead);
		survivors_go_on(i);
		give_back(dead);
		start(i);
		if (kills % 4 == 0)
			check();
	}
	check();
	everything_comes_back();
	for (uint32_t whose = 1; whose <= last_tag; whose++)
		handed_over += stage->process[whose].handed_over;
	printf("%s: %lu killed, 0 stuck, 0 bad (the longest went on after %ld ms; %lu batches by "
	       "the depot)\n",
	       name, kills, longest_ms, handed_over);
	assert_true(!mix_relays(profile, flags | PB_POOL_SHARED) || handed_over > 0);
	mix_drop();
}

static void test_survivors_modern(void **state)
{
	(void)state;
	run("modern", PB_PROFILE_MODERN, 0);
}

static void test_survivors_modern_hardened(void **state)
{
	(void)state;
	run("modern, hardened", PB_PROFILE_MODERN, PB_POOL_HARDENED);
}

static void test_survivors_quarantine(void **state)
{
	(void)state;
	run("modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE);
}

static void test_survivors_without_per_cpu_lists(void **state)
{
	(void)state;
	run("modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP);
}

static void test_survivors_linux(void **state)
{
	(void)state;
	run("linux", PB_PROFILE_LINUX, 0);
}

/* ------------------------------------------------------------- who has ended, who not */

static pid_t child_with(_Atomic uint32_t *self, bool lives)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	*self = pb_platform_self();
	while (lives)
		pause();
	_exit(0);
}

static void look(const _Atomic uint32_t *selves, const char *how)
{
	tp_require(pb_platform_gone(selves[0]), "%s: a zombie counts as alive", how);
	tp_require(!pb_platform_gone(selves[1]), "%s: one who lives counts as dead", how);
	tp_require(!pb_platform_gone(pb_platform_self()), "%s: we ourselves", how);
}

/* A zombie makes no call any more, though nobody may ever wait for it; and who looks may
   have no file descriptor left. */
static void test_a_zombie_has_ended(void **state)
{
	_Atomic uint32_t *selves = tp_shared(2 * sizeof(*selves));
	pid_t zombie = child_with(&selves[0], false), living = child_with(&selves[1], true);
	struct rlimit limit, none;
	siginfo_t info;

	(void)state;
	assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
	while (!selves[1])
		usleep(1000);
	look(selves, "by its stat file");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	look(selves, "without a file descriptor");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	kill(living, SIGKILL);
	assert_int_equal(waitpid(zombie, NULL, 0), zombie);
	assert_int_equal(waitpid(living, NULL, 0), living);
	tp_require(pb_platform_gone(selves[1]), "who was waited for counts as alive");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_zombie_has_ended),
		cmocka_unit_test(test_survivors_modern),
		cmocka_unit_test(test_survivors_modern_hardened),
		cmocka_unit_test(test_survivors_quarantine),
		cmocka_unit_test(test_survivors_without_per_cpu_lists),
		cmocka_unit_test(test_survivors_linux),
	};

	return pb_run_tests(tests);
}
