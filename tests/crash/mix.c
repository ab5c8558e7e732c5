/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

#include <pagebuddy/linux_user.h>

#include "mix.h"

/* A slot's word: a block, or who is moving it. */
#define HELD ((uint64_t)1 << 62)
#define BUSY ((uint64_t)2 << 62)
#define ORDER_SHIFT 32

struct stage *stage;
struct pb_pool pool;
struct tp_rng rng;
unsigned long kills;

static void *memory;
static size_t bytes;
static bool set_cpus; /* the pool has no restartable sequences, so a CPU is what we say */

/* This process's own. */
static struct process *me;
static uint32_t tag;
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
		PB_GFP_KERNEL,
		PB_GFP_HIGHUSER_MOVABLE,
		PB_GFP_HIGHUSER_MOVABLE,
		PB_GFP_ATOMIC,
		PB_GFP_KERNEL | PB_GFP_RECLAIMABLE,
		PB_GFP_DMA32,
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

	if (pb_alloc_at(&pool, pfn, order, some_gfp()) != PB_OK)
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
	(void)pb_compact(&pool, PB_NO_NODE, 1 + tp_below(&rng, 6), 1);
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
	pb_pcp_decay(&pool);
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

unsigned long mix_in_depot(void)
{
	unsigned long pages = 0;
	struct pb_pcp_stat stat;

	for (unsigned int zone = 0; pb_pcp_stats(&pool, zone, CPUS, &stat) == PB_OK; zone++)
		pages += (unsigned long)stat.count;
	return pages;
}

/* One CPU allocates whole pageblocks, and another frees them: many times in a row, and they go by
   the depot. */
static void do_relay(void)
{
	const unsigned int order = PAGEBLOCK_ORDER;
	struct pb_page *pages[RELAYED];
	unsigned int n = 0;

	pb_user_set_cpu(0);
	while (n < RELAYED &&
	       (pages[n] = pb_alloc_pages(&pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, order)))
		note_mine(pfn_of(pages[n++]), PAGEBLOCK, tag);
	pb_user_set_cpu(1);
	for (unsigned int i = 0; i < n; i++) {
		unsigned long held = mix_in_depot();

		note_free(pfn_of(pages[i]), PAGEBLOCK, tag);
		if (pb_free_pages(&pool, pages[i], order) != PB_OK)
			broken("a relayed block can't be freed", pfn_of(pages[i]), tag);
		if (mix_in_depot() > held)
			atomic_fetch_add(&me->handed_over, 1);
	}
}

/* Until a batch has come into the depot, or so often that it would have where there is one. */
static void relay_first(void)
{
	for (unsigned int i = 0; i < 40 && !me->handed_over; i++)
		do_relay();
}

static const struct {
	const char *name;
	void (*call)(void);
	unsigned int often; /* of 100 */
} calls[] = {
	{ "alloc", do_alloc, 28 },    { "free", do_free, 24 },
	{ "split", do_split, 4 },     { "bulk", do_bulk, 4 },
	{ "exact", do_exact, 4 },     { "contig", do_contig, 4 },
	{ "claim", do_claim, 3 },     { "get, put", do_get_put, 3 },
	{ "reserve", do_reserve, 3 }, { "online", do_online, 2 },
	{ "offline", do_offline, 4 }, { "compact", do_compact, 4 },
	{ "set_*", do_tune, 2 },      { "drain, tick", do_drain, 2 },
	{ "stats", do_stats, 1 },     { "free_owner", do_free_owner, 4 },
	{ "relay", do_relay, 4 },
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
	unsigned int n = tp_below(&rng, set_cpus ? 100 : 96), i = 0;

	while (n >= calls[i].often)
		n -= calls[i++].often;
	doing = calls[i].name;
	if (set_cpus)
		pb_user_set_cpu((int)tp_below(&rng, CPUS));
	calls[i].call();
	atomic_fetch_add(&me->calls, 1);
}

void mix_attach(uint32_t as, bool recover)
{
	const struct pb_attach how = { .recover = recover, .owner = as, .hooks = &hooks };
	struct pb_error error = { 0 };

	tag = as;
	me = &stage->process[as];
	if (pb_pool_attach_with(&pool, memory, bytes, &how, &error) != PB_OK)
		broken(error.text, 0, as);
}

static __attribute__((noreturn)) void live(uint32_t as, uint64_t seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rng.state = seed;
	mix_attach(as, false);
	if (set_cpus)
		relay_first();
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

pid_t mix_start(uint32_t as)
{
	uint64_t seed = tp_random(&rng);
	pid_t pid;

	assert_true(as < TAGS);
	stage->state[as] = LIVE;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		live(as, seed);
	return pid;
}

void mix_kill(pid_t pid, uint32_t whose, bool anytime)
{
	struct process *victim = &stage->process[whose];
	uint32_t how = 1 + tp_below(&rng, 7);

#ifndef __x86_64__
	anytime = true;
#endif
	if (!anytime) {
		victim->die_after = 1 + tp_below(&rng, 4u << 2 * how);
		return;
	}
	wait_until("a first call", victim->calls);
	usleep(tp_below(&rng, 3000));
	kill(pid, SIGKILL);
}

void mix_reap(pid_t pid, uint32_t whose)
{
	int status = 0;

	wait_until("to die", waitpid(pid, &status, WNOHANG) == pid);
	tp_require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a process ended by itself");
	stage->state[whose] = DEAD;
	kills++;
}

/* ------------------------------------------------------------------------ the pool */

void mix_make(uint8_t profile, uint32_t flags)
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
	config.pageblock_order = PAGEBLOCK_ORDER;
	config.profile = profile;
	config.flags = flags | PB_POOL_REFCOUNT | PB_POOL_MOBILITY;
	tp_quarantine(&config);
	config.nr_cpus = CPUS;
	config.nr_stripes = profile == PB_PROFILE_LINUX ? 1 : 2;
	config.min_free_kbytes = 0;
	memset(config.lowmem_reserve_ratio, 0, sizeof(config.lowmem_reserve_ratio));
	assert_int_equal(pb_pool_size(&config, &bytes, NULL), PB_OK);
	memory = tp_shared(bytes);
	stage = tp_shared(sizeof(*stage));
	assert_int_equal(pb_pool_init(&first, &config, memory, bytes, true, &hooks, NULL), PB_OK);
	tp_require_stripes(&first, config.nr_stripes, 128);
	set_cpus = strncmp(pb_user_percpu_mode(&first), "rseq", 4) != 0;
	kills = 0;
	mix_attach(0, false);
}

bool mix_relays(uint8_t profile, uint32_t flags)
{
	return profile == PB_PROFILE_MODERN && !(flags & PB_POOL_NO_PCP) &&
	       flags & (PB_POOL_NO_RSEQ | PB_POOL_SHARED) &&
	       (flags & TP_QUARANTINE) != TP_QUARANTINE;
}

void mix_drop(void)
{
	munmap(memory, bytes);
	munmap(stage, sizeof(*stage));
}

struct usable {
	unsigned long owned, others;
};

static int count_usable(void *ctx, const struct pb_block *block)
{
	struct usable *usable = ctx;
	unsigned long n = 1ul << block->order;

	tp_require(block->state != PB_BLOCK_RESERVED, "pfn %lu is still reserved",
		   (unsigned long)block->pfn);
	*(block->state == PB_BLOCK_ALLOCATED ? &usable->owned : &usable->others) += n;
	return 0;
}

unsigned long mix_check_free(void)
{
	static struct pb_page *pages[FRAMES];
	struct pb_error error = { 0 };
	struct usable usable = { 0 };
	unsigned long got = 0;

	assert_int_equal(pb_online(&pool, 0, FRAMES), PB_OK);
	assert_int_equal(pb_set_min_free_kbytes(&pool, 0), PB_OK);
	tp_require(pb_validate(&pool, &error) == PB_OK, "%s", error.text);
	(void)pb_walk(&pool, count_usable, &usable);
	assert_int_equal(usable.owned + usable.others, FRAMES);
	while (got < FRAMES && (pages[got] = pb_alloc_pages(
					&pool, PB_GFP_KERNEL | PB_GFP_MEMALLOC | PB_GFP_NOWARN, 0)))
		got++;
	tp_require(got == usable.others, "%lu of %lu free frames were handed out", got,
		   usable.others);
	assert_int_equal(pb_free_bulk(&pool, 0, got, pages), got);
	tp_require(pb_validate(&pool, &error) == PB_OK, "%s", error.text);
	return usable.owned;
}
