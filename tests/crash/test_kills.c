/* SPDX-License-Identifier: MIT */
/*
 * Killed in the middle of any mix of calls, and recovered: a process makes calls in a
 * pool, alone, until SIGKILL comes, most often after so many single steps inside a call.
 * Then the pool is attached with recovery and must be sound: what he had is his still,
 * and but for what one call had in hand nothing else has an owner; all the rest can be
 * had, to the last page; each call returns. The next process goes on in the same pool.
 *
 *	PB_KILLS=n  deaths in each kind of pool
 *	PB_SEED=n
 */
#include <stdlib.h>
#include <string.h>

#include "mix.h"

#define ONE_CALL 256u /* frames that the test's largest call has in hand */

static unsigned char owned[FRAMES];
static unsigned long handed_over, filled; /* batches, and deaths with blocks in the depot */

static int note_owned(void *ctx, const struct pb_block *block)
{
	if (block->state == PB_BLOCK_ALLOCATED)
		memset(owned + block->pfn, 1, (size_t)1 << block->order);
	(void)ctx;
	return 0;
}

static void check_owners(void)
{
	unsigned int more = 0;

	memset(owned, 0, sizeof(owned));
	(void)pb_walk(&pool, note_owned, NULL);
	for (uint32_t pfn = 0; pfn < FRAMES; pfn++) {
		tp_require(owned[pfn] || !stage->holder[pfn], "pfn %u was lost", pfn);
		more += owned[pfn] && !stage->holder[pfn];
	}
	tp_require(more <= ONE_CALL, "%u frames have an owner who never asked for them", more);
}

static void check_calls_return(void)
{
	struct pb_page *range;

	pb_pcp_decay(&pool);
	pb_drain(&pool, -1);
	(void)pb_compact(&pool, PB_NO_NODE, 4, 1);
	assert_int_equal(pb_set_pcp(&pool, 0, 0), PB_OK);
	assert_int_equal(pb_set_watermark_scale_factor(&pool, 1), PB_OK);
	if (pb_reserve(&pool, 900, 905) == PB_OK)
		assert_int_equal(pb_online(&pool, 900, 905), PB_OK);
	if (pb_offline(&pool, 640, 656) == PB_OK)
		assert_int_equal(pb_online(&pool, 640, 656), PB_OK);
	range = pb_alloc_contig(&pool, 40, 1, 0, FRAMES, 0, PB_GFP_KERNEL);
	if (range)
		assert_int_equal(pb_free_exact(&pool, range, 40), PB_OK);
}

static void free_all(void)
{
	memset(owned, 0, sizeof(owned));
	(void)pb_walk(&pool, note_owned, NULL);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
		struct pb_page *page = pb_pfn_to_page(&pool, pfn);

		while (owned[pfn] && pb_page_count(&pool, page))
			assert_int_equal(pb_put_page(&pool, page), PB_OK);
	}
}

static void one_death(bool anytime)
{
	uint32_t tag = 1 + (uint32_t)(kills % (TAGS - 1));
	struct pb_error error = { 0 };
	pid_t pid;

	memset(stage, 0, sizeof(*stage));
	pid = mix_start(tag);
	mix_kill(pid, tag, anytime);
	mix_reap(pid, tag);
	handed_over += stage->process[tag].handed_over;
	filled += mix_in_depot() > 0;
	mix_attach(0, true);
	tp_require(pb_validate(&pool, &error) == PB_OK, "%s", error.text);
	check_owners();
	stage->state[tag] = GIVEN_BACK; /* no hook moves what was his */
	check_calls_return();
	(void)mix_check_free();
	free_all();
	if (kills % 8 == 0)
		assert_int_equal(mix_check_free(), 0);
}

static void run(const char *name, uint8_t profile, uint32_t flags)
{
	unsigned long deaths = tp_env("PB_KILLS", 20);

	handed_over = filled = 0;
	mix_make(profile, flags);
	rng.state = tp_seed();
	while (kills < deaths)
		one_death(tp_below(&rng, flags ? 8 : 2) == 0);
	printf("%s: %lu killed, 0 bad (%lu with blocks in the depot, where %lu batches came)\n",
	       name, kills, filled, handed_over);
	assert_true(!mix_relays(profile, flags) || handed_over >= kills);
	assert_true(!mix_relays(profile, flags) || filled || kills < 20);
	mix_drop();
}

/* Half of these die at any time: single steps abort restartable sequences. */
static void test_kills_modern(void **state)
{
	(void)state;
	run("modern", PB_PROFILE_MODERN, 0);
}

static void test_kills_modern_trylock(void **state)
{
	(void)state;
	run("modern, try-lock", PB_PROFILE_MODERN, PB_POOL_NO_RSEQ);
}

static void test_kills_modern_shared(void **state)
{
	(void)state;
	run("modern, shared", PB_PROFILE_MODERN, PB_POOL_SHARED | PB_POOL_OWNERS);
}

static void test_kills_modern_hardened(void **state)
{
	(void)state;
	run("modern, no pcp, hardened", PB_PROFILE_MODERN, PB_POOL_NO_PCP | PB_POOL_HARDENED);
}

static void test_kills_quarantine(void **state)
{
	(void)state;
	run("modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE);
}

static void test_kills_linux(void **state)
{
	(void)state;
	run("linux", PB_PROFILE_LINUX, PB_POOL_NO_RSEQ);
}

static void test_kills_linux_shared(void **state)
{
	(void)state;
	run("linux, shared", PB_PROFILE_LINUX, PB_POOL_SHARED | PB_POOL_OWNERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kills_modern),
		cmocka_unit_test(test_kills_modern_trylock),
		cmocka_unit_test(test_kills_modern_shared),
		cmocka_unit_test(test_kills_modern_hardened),
		cmocka_unit_test(test_kills_quarantine),
		cmocka_unit_test(test_kills_linux),
		cmocka_unit_test(test_kills_linux_shared),
	};

	return pb_run_tests(tests);
}
