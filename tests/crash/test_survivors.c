/* SPDX-License-Identifier: MIT */
/*
 * Survivors go on. Processes make every kind of call in one shared pool; one after
 * another is killed, most of them after so many single steps inside a call, and
 * replaced. Those that live on must get on, and each frame must have one holder:
 *
 *	holder[pfn]   tag of the process that has the frame, by its own account:
 *	              set behind each allocation, where it must have been 0, cleared
 *	              before each free. What a dead one had may be had again only
 *	              after its pages were given back by pb_free_owner()
 *	slot[tag][]   the blocks a process keeps; so that the migrate hook, in whatever
 *	              process, finds and locks them
 *
 * After some deaths all stop between two calls: the pool is validated and compared
 * with holder[]. At the end all pages come back, down to the last one.
 *
 *	PB_SURVIVOR_KILLS=n  deaths in each kind of pool
 *	PB_SEED=n
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <pagebuddy/linux_user.h>

#include "support/cmocka.h"

#define FRAMES 4096u
#define PAGEBLOCK 16u
#define WORKERS 4u
#define TAGS 1024u
#define SLOTS 64u
#define CPUS 3u

/* A slot's word: a block, or who is moving it. */
#define HELD ((uint64_t)1 << 62)
#define BUSY ((uint64_t)2 << 62)
#define ORDER_SHIFT 32

enum { LIVE, DEAD, GIVEN_BACK };

struct process {
	atomic_ulong calls;
	atomic_uint resting;   /* between two calls, until told to go on */
	atomic_uint die_after; /* steps; 0: live on */
	_Atomic uint64_t slot[SLOTS];
};

struct stage {
	atomic_uint state[TAGS]; /* of the process with that tag */
	struct process process[TAGS];
	_Atomic uint32_t holder[FRAMES];
	_Atomic uint32_t slot_of[FRAMES]; /* of the block that begins here: tag * SLOTS + slot */
	atomic_uint rest, stop, failed;
	atomic_uint orphan; /* a dead one's tag: whoever finds it gives back what it had */
};

static struct stage *stage;
static void *memory;
static size_t bytes;

/* This process's own. */
static struct pb_pool pool;
static struct process *me;
static uint32_t tag;
static struct tp_rng rng;
static const char *doing = "start";

static void broken(const char *what, uint64_t pfn, uint32_t whose)
{
	fprintf(stderr, "process %u, %s: %s (pfn %lu, tag %u, state %u)\n", tag, doing, what,
		(unsigned long)pfn, whose, whose < TAGS ? stage->state[whose] : 9);
	stage->failed = 1;
	_exit(1);
}

/* ------------------------------------------------------------------ who has what */

static void note_mine(uint64_t pfn, uint64_t n, uint32_t whose)
{
	for (uint64_t at = pfn; at < pfn + n; at++) {
		uint32_t old = atomic_exchange(&stage->holder[at], whose);

		if (old && stage->state[old] != GIVEN_BACK)
			broken("a frame was handed out twice", at, old);
	}
}

static void note_free(uint64_t pfn, uint64_t n, uint32_t whose)
{
	for (uint64_t at = pfn; at < pfn + n; at++) {
		uint32_t old = atomic_exchange(&stage->holder[at], 0);

		if (old != whose)
			broken("a frame came to have another holder", at, old);
	}
}

static uint64_t pfn_of(const struct pb_page *page)
{
	return pb_page_to_pfn(&pool, page);
}

static void keep(struct pb_page *page, unsigned int order)
{
	uint64_t pfn = pfn_of(page);

	for (uint32_t i = 0; i < SLOTS; i++)
		if (!me->slot[i]) {
			stage->slot_of[pfn] = tag * SLOTS + i;
			me->slot[i] = HELD | (uint64_t)order << ORDER_SHIFT | pfn;
			return;
		}
	note_free(pfn, (uint64_t)1 << order, tag);
	if (pb_free_pages(&pool, page, order) != PB_OK)
		broken("a block can't be freed", pfn, tag);
}

/* A block that was kept, or NULL. What somebody was moving when he died is neither
   here nor there: it is given back when this process has ended. */
static struct pb_page *let_go(unsigned int *order)
{
	_Atomic uint64_t *slot = &me->slot[tp_below(&rng, SLOTS)];
	uint64_t word = *slot;

	if (word & BUSY && stage->state[(uint32_t)(word >> ORDER_SHIFT) & 0xffff] != LIVE)
		*slot = 0;
	if (!(word & HELD) || !atomic_compare_exchange_strong(slot, &word, 0))
		return NULL;
	*order = (unsigned int)(word >> ORDER_SHIFT) & 0xff;
	note_free((uint32_t)word, (uint64_t)1 << *order, tag);
	return pb_pfn_to_page(&pool, (uint32_t)word);
}

static bool migrate(void *ctx, struct pb_pool *in, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	uint64_t from_pfn = pb_page_to_pfn(in, from), to_pfn = pb_page_to_pfn(in, to);
	uint64_t block = HELD | (uint64_t)order << ORDER_SHIFT;
	uint32_t at = stage->slot_of[from_pfn], whose = at / SLOTS;
	_Atomic uint64_t *slot = &stage->process[whose].slot[at % SLOTS];
	uint64_t expected = block | from_pfn;

	(void)ctx;
	if (stage->state[whose] == GIVEN_BACK) /* it was his: the slot tells of the past */
		return false;
	if (!atomic_compare_exchange_strong(slot, &expected,
					    BUSY | (uint64_t)tag << ORDER_SHIFT | from_pfn))
		return false;
	note_mine(to_pfn, (uint64_t)1 << order, whose);
	note_free(from_pfn, (uint64_t)1 << order, whose);
	stage->slot_of[to_pfn] = at;
	*slot = block | to_pfn;
	return true;
}

static unsigned long no_progress(void *ctx, struct pb_pool *in, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx, (void)in, (void)order, (void)gfp;
	return 0;
}

static void misused(void *ctx, const struct pb_misuse_report *report)
{
	(void)ctx;
	broken(report->text, report->pfn, 0);
}

static const struct pb_hooks hooks = {
	.misuse = misused,
	.migrate = migrate,
	.reclaim = no_progress,
};

/* ------------------------------------------------------------------- every call */

static pb_gfp_t some_gfp(void)
{
	static const pb_gfp_t gfp[] = {
		PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE, PB_GFP_HIGHUSER_MOVABLE,
		PB_GFP_ATOMIC, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE, PB_GFP_DMA32,
	};

	return gfp[tp_below(&rng, 6)] | PB_GFP_NOWARN;
}

static void do_alloc(void)
{
	unsigned int order = tp_below(&rng, 8) ? tp_below(&rng, 4) : tp_below(&rng, 7);
	struct pb_page *page = pb_alloc_pages(&pool, some_gfp(), order);

	if (!page)
		return;
	note_mine(pfn_of(page), (uint64_t)1 << order, tag);
	keep(page, order);
}

static void do_free(void)
{
	unsigned int order;
	struct pb_page *page = let_go(&order);

	if (page && pb_free_pages(&pool, page, order) != PB_OK)
		broken("a block can't be freed", pfn_of(page), tag);
}

static void do_split(void)
{
	unsigned int order;
	struct pb_page *page = let_go(&order);

	if (page && (pb_split_page(&pool, page, order) != PB_OK ||
		     pb_free_exact(&pool, page, (size_t)1 << order) != PB_OK))
		broken("a block can't be split and freed", pfn_of(page), tag);
}

static void do_bulk(void)
{
	unsigned int order = tp_below(&rng, 3);
	struct pb_page *pages[48];
	size_t n = pb_alloc_pages_bulk(&pool, some_gfp(), order, 1 + tp_below(&rng, 48), pages);

	for (size_t i = 0; i < n; i++)
		note_mine(pfn_of(pages[i]), (uint64_t)1 << order, tag);
	for (size_t i = 0; i < n; i++)
		note_free(pfn_of(pages[i]), (uint64_t)1 << order, tag);
	if (pb_free_bulk(&pool, order, n, pages) != n)
		broken("a bulk can't be freed", 0, tag);
}

/* Consecutive pages, had and given back. */
static void had(struct pb_page *page, size_t n)
{
	if (!page)
		return;
	note_mine(pfn_of(page), n, tag);
	note_free(pfn_of(page), n, tag);
	if (pb_free_exact(&pool, page, n) != PB_OK)
		broken("a range can't be freed", pfn_of(page), tag);
}

static void do_exact(void)
{
	size_t n = 1 + tp_below(&rng, 40);

	had(pb_alloc_exact(&pool, some_gfp(), n), n);
}

static void do_contig(void)
{
	size_t n = 1 + tp_below(&rng, 100);

	had(pb_alloc_contig(&pool, n, 1, tp_below(&rng, FRAMES), FRAMES, 0, some_gfp()), n);
}

static void do_claim(void)
{
	unsigned int order = tp_below(&rng, 4);
	uint64_t pfn = tp_below(&rng, FRAMES) & ~((1u << order) - 1);

	if (pb_claim(&pool, pfn, order, some_gfp()) != PB_OK)
		return;
	note_mine(pfn, (uint64_t)1 << order, tag);
	keep(pb_pfn_to_page(&pool, pfn), order);
}

static void do_get_put(void)
{
	struct pb_page *page = pb_alloc_pages(&pool, some_gfp(), tp_below(&rng, 3));
	uint64_t n;

	if (!page)
		return;
	n = (uint64_t)1 << pb_page_order(&pool, page);
	note_mine(pfn_of(page), n, tag);
	if (pb_get_page(&pool, page) != PB_OK || pb_page_count(&pool, page) != 2 ||
	    pb_put_page(&pool, page) != PB_OK ||
	    pb_set_movable(&pool, page, tp_below(&rng, 2)) != PB_OK)
		broken("a page's references", pfn_of(page), tag);
	note_free(pfn_of(page), n, tag);
	if (pb_put_page(&pool, page) != PB_OK)
		broken("a page can't be put", pfn_of(page), tag);
}

static void do_reserve(void)
{
	uint64_t pfn = tp_below(&rng, FRAMES - 8);

	if (pb_reserve(&pool, pfn, pfn + 5) == PB_OK)
		(void)pb_online(&pool, pfn, pfn + 5);
}

static void do_online(void)
{
	uint64_t pfn = tp_below(&rng, FRAMES);

	if (pb_online(&pool, pfn, FRAMES) != PB_OK)
		broken("a range can't come online", pfn, tag);
}

static void do_offline(void)
{
	uint64_t pfn = tp_below(&rng, FRAMES / PAGEBLOCK) * (uint64_t)PAGEBLOCK;

	if (pb_offline(&pool, pfn, pfn + PAGEBLOCK) == PB_OK)
		(void)pb_online(&pool, pfn, pfn + PAGEBLOCK);
}

static void do_compact(void)
{
	(void)pb_compact(&pool, PB_NO_NODE, 1 + tp_below(&rng, 6));
}

static void do_tune(void)
{
	uint32_t high = tp_below(&rng, 100);

	(void)pb_set_min_free_kbytes(&pool, (int32_t)tp_below(&rng, 200));
	(void)pb_set_watermark_scale_factor(&pool, 1 + tp_below(&rng, 20));
	(void)pb_set_watermark_boost_factor(&pool, tp_below(&rng, 2) * 15000);
	pb_boost_done(&pool, 0, PB_ZONE_NORMAL);
	(void)pb_set_pcp(&pool, high, high / 4);
}

static void do_drain(void)
{
	pb_drain(&pool, (int)tp_below(&rng, CPUS + 1) - 1);
	pb_tick(&pool);
}

static void do_stats(void)
{
	struct pb_pool_stat stat;

	pb_stats(&pool, &stat);
}

static void do_free_owner(void)
{
	uint32_t whose = atomic_exchange(&stage->orphan, 0);

	if (!whose)
		return;
	stage->state[whose] = GIVEN_BACK;
	(void)pb_free_owner(&pool, whose, NULL);
}

static const struct {
	const char *name;
	void (*call)(void);
	unsigned int often; /* of 100 */
} calls[] = {
	{ "alloc", do_alloc, 30 },     { "free", do_free, 26 },
	{ "split", do_split, 4 },      { "bulk", do_bulk, 4 },
	{ "exact", do_exact, 4 },      { "contig", do_contig, 4 },
	{ "claim", do_claim, 3 },      { "get, put", do_get_put, 3 },
	{ "reserve", do_reserve, 3 },  { "online", do_online, 2 },
	{ "offline", do_offline, 4 },  { "compact", do_compact, 4 },
	{ "set_*", do_tune, 2 },       { "drain, tick", do_drain, 2 },
	{ "stats", do_stats, 1 },      { "free_owner", do_free_owner, 4 },
};

/* ----------------------------------------------------------------- a process's life */

static volatile unsigned int steps_left;

#ifdef __x86_64__
#define TRAP_FLAG 0x100

static void on_step(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	if (steps_left && !--steps_left)
		kill(getpid(), SIGKILL);
}

static void start_steps(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

/* From here on in single steps, the last of which is death. */
static void die_in(unsigned int steps)
{
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	struct sigaction start = { .sa_sigaction = start_steps, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &step, NULL);
	sigaction(SIGUSR1, &start, NULL);
	steps_left = steps;
	raise(SIGUSR1);
}
#else
static void die_in(unsigned int steps)
{
	steps_left = steps; /* no steps here: whoever chose them kills after a while */
}
#endif

static void one_call(void)
{
	unsigned int n = tp_below(&rng, 100), i = 0;

	while (n >= calls[i].often)
		n -= calls[i++].often;
	doing = calls[i].name;
	pb_user_set_cpu((int)tp_below(&rng, CPUS));
	calls[i].call();
	atomic_fetch_add(&me->calls, 1);
}

static void attach(uint32_t as)
{
	const struct pb_attach how = { .owner = as, .hooks = &hooks };
	struct pb_error error = { 0 };

	tag = as;
	me = &stage->process[as];
	if (pb_pool_attach_with(&pool, memory, bytes, &how, &error) != PB_OK)
		broken(error.text, 0, as);
}

static void live(uint32_t as, uint64_t seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rng.state = seed;
	attach(as);
	while (!stage->stop) {
		while (stage->rest && !stage->stop) {
			me->resting = 1;
			usleep(200);
		}
		me->resting = 0;
		if (me->die_after && !steps_left)
			die_in(me->die_after);
		one_call();
	}
	_exit(0);
}

/* ------------------------------------------------------------------- from outside */

static pid_t pids[WORKERS];
static uint32_t tags[WORKERS], last_tag;
static long longest_ms, left_behind;
static unsigned long kills;

static void start(unsigned int i)
{
	uint64_t seed = tp_random(&rng);

	tags[i] = ++last_tag;
	assert_true(last_tag < TAGS);
	pids[i] = fork();
	assert_true(pids[i] >= 0);
	if (!pids[i])
		live(tags[i], seed);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for something that survivors do, a thousand times as long as it takes. */
#define PATIENCE 120000

#define wait_until(what, condition)                                                     \
	do {                                                                            \
		long rounds = 0;                                                        \
		while (!(condition)) {                                                  \
			tp_require(!stage->failed, "see above");                        \
			tp_require(rounds++ < PATIENCE, "stuck: %s", what);             \
			usleep(1000);                                                   \
		}                                                                       \
	} while (0)

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

static uint8_t allocated[FRAMES];

static int compare(void *ctx, const struct pb_block *block)
{
	(void)ctx;
	for (uint64_t pfn = block->pfn; pfn < block->pfn + (1u << block->order); pfn++) {
		uint32_t holder = stage->holder[pfn];
		bool live = holder && stage->state[holder] == LIVE;

		allocated[pfn] = block->state == PB_BLOCK_ALLOCATED;
		if (!allocated[pfn])
			tp_require(!live, "pfn %lu is free, %u has it", (unsigned long)pfn, holder);
		else if (live)
			tp_require(block->owner == holder, "pfn %lu: owner %u, %u has it",
				   (unsigned long)pfn, block->owner, holder);
		else if (block->owner && stage->state[block->owner] == LIVE)
			left_behind++; /* both ends of a move that its mover did not live to see */
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

/* In a call, after a number of steps that may be one, or thousands; or whenever. */
static void kill_one(unsigned int i)
{
	struct process *victim = &stage->process[tags[i]];
	uint32_t how = tp_below(&rng, 8);

	if (how) {
		victim->die_after = 1 + tp_below(&rng, 4u << 2 * how);
#ifndef __x86_64__
		usleep(tp_below(&rng, 3000));
		kill(pids[i], SIGKILL);
#endif
	} else {
		usleep(tp_below(&rng, 3000));
		kill(pids[i], SIGKILL);
	}
}

static void reap(unsigned int i)
{
	int status = 0;

	wait_until("to die", waitpid(pids[i], &status, WNOHANG) == pids[i]);
	tp_require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a process ended by itself");
	stage->state[tags[i]] = DEAD;
	kills++;
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

static int count_usable(void *ctx, const struct pb_block *block)
{
	if (block->state == PB_BLOCK_FREE || block->state == PB_BLOCK_PCP)
		*(unsigned long *)ctx += 1ul << block->order;
	return 0;
}

/* Who died with two references has one left, which only he knew to be his. */
static int drop_reference(void *ctx, const struct pb_block *block)
{
	struct pb_page *page = pb_pfn_to_page(&pool, block->pfn);

	if (block->state != PB_BLOCK_ALLOCATED)
		return 0;
	tp_require(!block->owner, "pfn %lu was left to %u", (unsigned long)block->pfn,
		   block->owner);
	assert_int_equal(pb_page_count(&pool, page), 1);
	assert_int_equal(pb_put_page(&pool, page), PB_OK);
	++*(unsigned long *)ctx;
	return 0;
}

static void everything_comes_back(void)
{
	unsigned long usable = 0, got = 0, references = 0;
	struct pb_error error = { 0 };

	stage->stop = 1;
	for (unsigned int i = 0; i < WORKERS; i++) {
		int status = 0;

		wait_until("to end", waitpid(pids[i], &status, WNOHANG) == pids[i]);
		tp_require(WIFEXITED(status) && !WEXITSTATUS(status), "see above");
	}
	for (uint32_t whose = 1; whose <= last_tag; whose++)
		assert_int_equal(pb_free_owner(&pool, whose, NULL), PB_OK);
	(void)pb_walk(&pool, drop_reference, &references);
	assert_true(references <= kills);
	assert_int_equal(pb_online(&pool, 0, FRAMES), PB_OK);
	assert_int_equal(pb_set_min_free_kbytes(&pool, 0), PB_OK);
	tp_require(pb_validate(&pool, &error) == PB_OK, "%s", error.text);
	(void)pb_walk(&pool, count_usable, &usable);
	tp_require(usable == FRAMES, "%lu of %u frames are free", usable, FRAMES);
	while (pb_alloc_pages(&pool, PB_GFP_KERNEL | PB_GFP_MEMALLOC | PB_GFP_NOWARN, 0))
		got++;
	tp_require(got == FRAMES, "%lu of %u frames were handed out", got, FRAMES);
}

/* ----------------------------------------------------------------------- each kind */

static void make_pool(uint8_t profile, uint32_t flags)
{
	const struct pb_region regions[] = {
		{ 0, FRAMES / 4, 0, PB_ZONE_DMA32, PB_REGION_USABLE },
		{ FRAMES / 4, FRAMES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
	};
	struct pb_config config;
	struct pb_pool first;

	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = 2;
	config.max_order = 6;
	config.pageblock_order = 4;
	config.profile = profile;
	config.flags = flags | PB_POOL_SHARED | PB_POOL_OWNERS | PB_POOL_REFCOUNT |
		       PB_POOL_MOBILITY;
	config.nr_cpus = CPUS;
	config.nr_stripes = profile == PB_PROFILE_LINUX ? 1 : 2;
	config.min_free_kbytes = 0;
	memset(config.lowmem_reserve_ratio, 0, sizeof(config.lowmem_reserve_ratio));
	assert_int_equal(pb_pool_size(&config, &bytes, NULL), PB_OK);
	memory = tp_shared(bytes);
	stage = tp_shared(sizeof(*stage));
	assert_int_equal(pb_pool_init(&first, &config, memory, bytes, true, &hooks, NULL), PB_OK);
	attach(0);
}

static void run(const char *name, uint8_t profile, uint32_t flags)
{
	unsigned long deaths = tp_env("PB_SURVIVOR_KILLS", 10);

	make_pool(profile, flags);
	last_tag = 0;
	longest_ms = 0;
	kills = 0;
	rng.state = tp_seed();
	for (unsigned int i = 0; i < WORKERS; i++)
		start(i);
	while (kills < deaths) {
		unsigned int i = tp_below(&rng, WORKERS);
		uint32_t dead = tags[i];

		kill_one(i);
		reap(i);
		survivors_go_on(i);
		give_back(dead);
		start(i);
		if (kills % 4 == 0)
			check();
	}
	check();
	printf("%s: %lu killed, 0 stuck (the longest went on after %ld ms), %ld frames left behind "
	       "by movers\n", name, kills, longest_ms, left_behind);
	everything_comes_back();
	munmap(memory, bytes);
	munmap(stage, sizeof(*stage));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_survivors_modern),
		cmocka_unit_test(test_survivors_modern_hardened),
		cmocka_unit_test(test_survivors_without_per_cpu_lists),
		cmocka_unit_test(test_survivors_linux),
	};

	return pb_run_tests(tests);
}
