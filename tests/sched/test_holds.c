/* SPDX-License-Identifier: MIT */
/*
 * For how long interrupts are masked: from the entry of the outermost lock or critical
 * section to its end, in instructions, with the default sizes. The same calls run three
 * times. Twice each hold is timed; then those STEPPED that took longest (the shorter of
 * both times counts, so that a preemption picks none) run in single steps, which are
 * counted. None has more than HOLD_MAX, or LINUX_HOLD_MAX in the linux profile.
 *
 *	PB_SEED=n        the calls
 *	PB_HOLD_CALLS=n  how many for each kind of pool; default 300
 */
#define _GNU_SOURCE /* REG_EFL */
#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define HOLD_MAX 5000ul
/* As in Linux, all free blocks of a pageblock, 256 at most, change lists under one hold
   there, and those of a second one when the first had none of the order. */
#define LINUX_HOLD_MAX 30000ul
#define FRAMES 32768u /* 128 MiB */
#define SLOTS 6000

#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

#define STEPPED 8u
#define HOLDS_MAX (1u << 22)

static volatile unsigned long steps; /* of the hold at hand */
static unsigned long steps_enough;   /* not counted any further */
static unsigned long longest;        /* of the call at hand */

static struct {
	uint32_t *time; /* of each hold, in the processor's ticks */
	unsigned int n; /* the hold at hand */
	unsigned int pass;
	uint32_t limit; /* in the last pass: those that took longer are stepped */
	uint64_t since;
} holds;

#if CAN_STEP
static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* A hold that is far too long needn't be counted to its end. */
static void on_step(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	steps++;
	if (steps == steps_enough)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
}

static void enter(void)
{
	if (holds.n == HOLDS_MAX)
		return;
	if (holds.pass < 2) {
		holds.since = ticks();
	} else if (holds.time[holds.n] > holds.limit) {
		steps = 0;
		__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
	}
}

static void leave(void)
{
	if (holds.n == HOLDS_MAX)
		return;
	if (holds.pass < 2) {
		uint64_t time = ticks() - holds.since;
		uint32_t *least = &holds.time[holds.n];

		time = time < UINT32_MAX ? time : UINT32_MAX;
		if (!holds.pass || time < *least)
			*least = (uint32_t)time;
	} else if (holds.time[holds.n] > holds.limit) {
		__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
		if (steps > longest)
			longest = steps;
	}
	holds.n++;
}

static void masked(bool now)
{
	if (now)
		enter();
	else
		leave();
}
#endif

/* Such that STEPPED of n holds took longer. */
static uint32_t time_of_the_longest(unsigned int n)
{
	uint32_t low = 0, high = UINT32_MAX;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, longer = 0;

		for (unsigned int i = 0; i < n; i++)
			longer += holds.time[i] > middle;
		if (longer > STEPPED)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct {
	struct tp tp;
	struct tp_rng rng;
	struct pb_page *page[SLOTS]; /* what is held */
	unsigned int order[SLOTS];
	unsigned int held;
	unsigned int slot[FRAMES]; /* by pfn: where in these it was last */
} s;

static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	unsigned int i = s.slot[pb_page_to_pfn(pool, from)];

	(void)ctx, (void)order;
	if (i >= s.held || s.page[i] != from)
		return false;
	s.page[i] = to;
	s.slot[pb_page_to_pfn(pool, to)] = i;
	return true;
}

static void keep(struct pb_page *page, unsigned int order)
{
	if (!page)
		return;
	if (s.held == SLOTS) {
		(void)pb_free_pages(&s.tp.pool, page, order);
		return;
	}
	s.page[s.held] = page;
	s.slot[pb_page_to_pfn(&s.tp.pool, page)] = s.held;
	s.order[s.held++] = order;
}

static void free_one(void)
{
	unsigned int i = tp_below(&s.rng, s.held);
	struct pb_page *page = s.page[i];

	s.held--;
	s.page[i] = s.page[s.held];
	s.slot[pb_page_to_pfn(&s.tp.pool, s.page[i])] = i;
	(void)pb_free_pages(&s.tp.pool, page, s.order[i]);
	s.order[i] = s.order[s.held];
}

static pb_gfp_t some_gfp(void)
{
	static const pb_gfp_t gfps[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE,
					 PB_GFP_KERNEL | PB_GFP_RECLAIMABLE, PB_GFP_ATOMIC };

	pb_gfp_t gfp = gfps[tp_below(&s.rng, 4)] | PB_GFP_NOWARN;

	/* seldom one that moves others, and not near full, where it would look everywhere */
	return tp_below(&s.rng, 20) || s.held > 1000 ? gfp & ~PB_GFP_DIRECT_RECLAIM : gfp;
}

/* ------------------------------------------------------------------- the calls */

static void do_alloc(void)
{
	unsigned int order = tp_below(&s.rng, 3) ? 0 : tp_below(&s.rng, 11);

	for (unsigned int n = 1 + tp_below(&s.rng, 200); n; n--)
		keep(pb_alloc_pages(&s.tp.pool, some_gfp(), order), order);
}

static void do_free(void)
{
	for (unsigned int n = 1 + tp_below(&s.rng, 200); n && s.held; n--)
		free_one();
}

static void do_bulk(void)
{
	struct pb_page *pages[64] = { NULL };
	size_t n = pb_alloc_pages_bulk(&s.tp.pool, some_gfp(), 0, 64, pages);

	for (size_t i = 0; i < n; i++)
		keep(pages[i], 0);
}

static void do_exact(void)
{
	size_t n = 1 + tp_below(&s.rng, 700);
	struct pb_page *page = pb_alloc_exact(&s.tp.pool, some_gfp(), n);

	for (size_t i = 0; page && i < n; i++)
		keep(page + i, 0);
}

static void do_contig(void)
{
	size_t n = 1 + tp_below(&s.rng, 3000);
	struct pb_page *page = pb_alloc_contig(&s.tp.pool, n, 1u << tp_below(&s.rng, 6), 0, FRAMES,
					       0, some_gfp());

	if (page)
		(void)pb_free_exact(&s.tp.pool, page, n);
}

static void do_claim(void)
{
	unsigned int order = tp_below(&s.rng, 11);
	uint64_t pfn = tp_below(&s.rng, FRAMES) >> order << order;

	if (pb_alloc_at(&s.tp.pool, pfn, order, some_gfp()) == PB_OK)
		keep(pb_pfn_to_page(&s.tp.pool, pfn), order);
}

static void do_hotplug(void)
{
	uint64_t pfn = tp_below(&s.rng, FRAMES / 512) * 512ull;
	uint64_t end = pfn + 512 * (1 + tp_below(&s.rng, 4));

	if (pb_offline(&s.tp.pool, pfn, end) == PB_OK)
		(void)pb_online(&s.tp.pool, pfn, end);
	pfn = tp_below(&s.rng, FRAMES - 700);
	end = pfn + 1 + tp_below(&s.rng, 700);
	if (pb_reserve(&s.tp.pool, pfn, end) == PB_OK)
		(void)pb_online(&s.tp.pool, pfn, end);
}

static void do_compact(void)
{
	(void)pb_compact(&s.tp.pool, PB_NO_NODE, tp_below(&s.rng, 10), 1);
}

static void do_tune(void)
{
	(void)pb_set_min_free_kbytes(&s.tp.pool, (int32_t)tp_below(&s.rng, 4000));
	(void)pb_set_watermark_scale_factor(&s.tp.pool, 1 + tp_below(&s.rng, 200));
	(void)pb_set_watermark_boost_factor(&s.tp.pool, tp_below(&s.rng, 15000));
	(void)pb_set_pcp(&s.tp.pool, tp_below(&s.rng, 2) ? 0 : 8 + tp_below(&s.rng, 4000),
			 tp_below(&s.rng, 2) ? 0 : 1 + tp_below(&s.rng, 64));
	(void)pb_set_min_free_kbytes(&s.tp.pool, 0);
}

static void do_drain(void)
{
	pb_drain(&s.tp.pool, (int)tp_below(&s.rng, 3) - 1);
	pb_pcp_decay(&s.tp.pool);
}

static void do_ask(void)
{
	static char text[1 << 16];
	struct pb_pool_stat stat;
	struct pb_zone_stat zone;

	pb_stats(&s.tp.pool, &stat);
	(void)pb_zone_stats(&s.tp.pool, 0, &zone);
	(void)pb_pagetypeinfo(&s.tp.pool, text, sizeof(text));
	(void)pb_free_owner(&s.tp.pool, 7, NULL);
}

/* Everything that is free, in single pages, and back: whole pageblocks of them. */
static void do_all(void)
{
	unsigned int before = s.held, last;

	do {
		last = s.held;
		do_bulk();
	} while (s.held > last && s.held < SLOTS);
	while (s.held > before)
		free_one();
}

#define CALL(name, weight)          \
	{                           \
#name, name, weight \
	}
static const struct {
	const char *name;
	void (*call)(void);
	unsigned int weight;
} calls[] = {
	CALL(do_alloc, 24), CALL(do_free, 24), CALL(do_bulk, 6),    CALL(do_exact, 6),
	CALL(do_contig, 8), CALL(do_claim, 6), CALL(do_hotplug, 8), CALL(do_compact, 6),
	CALL(do_tune, 4),   CALL(do_drain, 4), CALL(do_ask, 2),     CALL(do_all, 2),
};
#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

static unsigned long most[NR_CALLS];

static void one_call(void)
{
	unsigned int n = tp_below(&s.rng, 100), i = 0;

	while (n >= calls[i].weight)
		n -= calls[i++].weight;
	longest = 0;
	pb_test_set_cpu(tp_below(&s.rng, 2));
	calls[i].call();
	if (longest > most[i])
		most[i] = longest;
}

static enum pb_kernel kernel; /* of the linux profile */

static void run_pass(const struct variant *v, unsigned long n, unsigned int pass)
{
	holds.n = 0;
	holds.pass = pass;
	s.held = 0;
	tp_start(&s.tp);
	s.tp.config.profile = (uint8_t)v->profile;
	s.tp.config.flags |= v->flags;
	s.tp.config.kernel = (uint8_t)kernel;
	s.tp.config.nr_cpus = 2;
	s.tp.hooks.migrate = migrate;
	tp_region(&s.tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&s.tp);
	for (unsigned long i = 0; i < n; i++)
		one_call();
	while (s.held)
		free_one();
	tp_check(&s.tp, v->name);
	tp_drop(&s.tp);
}

/* Returns the longest hold. */
static unsigned long run(const struct variant *v, unsigned long n)
{
	unsigned long greatest = 0;
	struct tp_rng start = s.rng;
	unsigned int number = 0;

	for (unsigned int pass = 0; pass < 3; pass++) {
		s.rng = start;
		memset(most, 0, sizeof(most));
		run_pass(v, n, pass);
		tp_require(!pass || holds.n == number, "%u holds, and %u the next time", number,
			   holds.n);
		number = holds.n;
		if (pass == 1)
			holds.limit = time_of_the_longest(number);
	}
	tp_require(number < HOLDS_MAX, "more holds than there is room for");
	printf("%s%s%s, %u holds:", v->name, kernel ? ", as " : "",
	       kernel ? pb_kernel_name(kernel) : "", number);
	for (unsigned int i = 0; i < NR_CALLS; i++) {
		if (most[i])
			printf(" %s %lu", calls[i].name + 3, most[i]);
		greatest = most[i] > greatest ? most[i] : greatest;
	}
	printf("\n");
	return greatest;
}

static void test_no_hold_is_longer_than_said(void **state)
{
	unsigned long n = tp_env("PB_HOLD_CALLS", 300);

	(void)state;
#if CAN_STEP
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &step, NULL);
	pb_test_masked = masked;
#else
	skip();
#endif
	s.rng.state = tp_seed();
	holds.time = malloc(HOLDS_MAX * sizeof(*holds.time));
	assert_non_null(holds.time);
	for (unsigned int last = 0; last < 2; last++) {
		kernel = last ? PB_LINUX_7_2 : PB_LINUX_6_1;
		for_each_variant(v)
		{
			bool linked = v->profile == PB_PROFILE_LINUX;
			unsigned long max = linked ? LINUX_HOLD_MAX : HOLD_MAX, hold;

			if (last && !linked)
				continue; /* goes by no kernel */
			steps_enough = 2 * max;
			hold = run(v, n);
			assert_in_range(hold, 1, max); /* 0: nothing was counted */
		}
	}
	pb_test_masked = NULL;
	free(holds.time);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_hold_is_longer_than_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
