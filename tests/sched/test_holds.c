/* SPDX-License-Identifier: MIT */
/*
 * For how long interrupts are masked: from the entry of the outermost lock or critical
 * section to its end, in instructions, with the default sizes. To step through every hold
 * would take hours, so the same calls run twice. First in another program, holds-blocks,
 * this file on a core whose compiler calls in at each basic block: it names the STEPPED holds
 * that went through most. This program counts the instructions of those, in single steps.
 * Nothing is timed. None has more than HOLD_MAX, or LINUX_HOLD_MAX in the linux profile.
 *
 *	PB_SEED=n        the calls
 *	PB_HOLD_CALLS=n  how many for each kind of pool; default 300
 *	PB_HOLD_ALL=1    step through KEPT holds of each kind of call, as every kernel
 */
#define _GNU_SOURCE /* REG_EFL */
#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define HOLD_MAX 5000ul
/* As in Linux, all free blocks of a pageblock, 256 at most, change lists under one hold there. */
#define LINUX_HOLD_MAX 12000ul
#define FRAMES 32768u /* 128 MiB */
#define SLOTS 6000

#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

#define STEPPED 8u
#define KEPT 4u /* of each kind of call */
#define KINDS 13u
#define OTHERS KINDS /* what belongs to no call */

static struct {
	uint32_t n;         /* the hold at hand */
	uint32_t kind;      /* of the call at hand */
	uint32_t blocks;    /* basic blocks since it began */
	uint32_t nr_chosen; /* those to be stepped, in order */
	uint32_t next;
	uint32_t chosen[KINDS * KEPT];
	uint32_t most[KINDS][KEPT]; /* most blocks, and of which hold */
	uint32_t which[KINDS][KEPT];
} holds;

static volatile unsigned long steps; /* of the hold at hand */
static unsigned long longest[KINDS];

#ifdef HOLDS_BLOCKS
/* The compiler's call. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	holds.blocks++;
}

static void enter(void)
{
	holds.blocks = 0;
}

/* Is this hold one of the longest of its kind? The shortest of those makes room. */
static void leave(void)
{
	uint32_t number = holds.n++, least = 0;
	uint32_t *most = holds.most[holds.kind];

	if (holds.kind == OTHERS)
		return;
	for (uint32_t i = 1; i < KEPT; i++)
		if (most[i] < most[least])
			least = i;
	if (holds.blocks <= most[least])
		return;
	most[least] = holds.blocks;
	holds.which[holds.kind][least] = number;
}
#elif CAN_STEP
static unsigned long steps_enough; /* a hold that is far too long isn't counted to its end */

static void on_step(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	steps++;
	if (steps == steps_enough)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100ll;
}

static bool is_chosen(void)
{
	return holds.next < holds.nr_chosen && holds.chosen[holds.next] == holds.n;
}

static void enter(void)
{
	if (!is_chosen())
		return;
	steps = 0;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
}

static void leave(void)
{
	if (is_chosen()) {
		__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
		if (steps > longest[holds.kind])
			longest[holds.kind] = steps;
		holds.next++;
	}
	holds.n++;
}
#endif

#if defined(HOLDS_BLOCKS) || CAN_STEP
static void masked(bool now)
{
	if (now)
		enter();
	else
		leave();
}
#endif

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

/* From CPU to CPU, by the depot. */
static void do_relay(void)
{
	static struct pb_page *page[100];
	unsigned int order = 5 + tp_below(&s.rng, 4), n = 0;

	while (n < 100 && n << order < FRAMES / 4 &&
	       (page[n] = pb_alloc_pages(&s.tp.pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, order)))
		n++;
	pb_test_set_cpu(1 - pb_platform_cpu());
	while (n--)
		(void)pb_free_pages(&s.tp.pool, page[n], order);
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
	CALL(do_alloc, 22), CALL(do_free, 22), CALL(do_bulk, 6),    CALL(do_exact, 6),
	CALL(do_contig, 8), CALL(do_claim, 6), CALL(do_hotplug, 8), CALL(do_compact, 6),
	CALL(do_tune, 4),   CALL(do_drain, 4), CALL(do_ask, 2),     CALL(do_all, 2),
	CALL(do_relay, 4),
};
#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

_Static_assert(NR_CALLS == KINDS, "a kind for each call");

static void one_call(void)
{
	unsigned int n = tp_below(&s.rng, 100), i = 0;

	while (n >= calls[i].weight)
		n -= calls[i++].weight;
	holds.kind = i;
	pb_test_set_cpu(tp_below(&s.rng, 2));
	calls[i].call();
	holds.kind = OTHERS;
}

static void run_calls(const struct variant *v, enum pb_kernel kernel, unsigned long n)
{
	holds.n = holds.next = 0;
	holds.kind = OTHERS;
	memset(holds.most, 0, sizeof(holds.most));
	memset(longest, 0, sizeof(longest));
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

/* Every kind of pool, the linux profile's as several kernels; both programs in one order. */
static void for_each_pool(void (*run)(const struct variant *v, enum pb_kernel kernel))
{
	bool all = tp_env("PB_HOLD_ALL", 0);

	for_each_variant(v) for (int k = 0; k < PB_NR_LINUX;
				 k++) if (k == PB_LINUX_6_1 || (v->profile == PB_PROFILE_LINUX &&
								(all || k == PB_LINUX_7_2)))
		run(v, (enum pb_kernel)k);
}

#ifdef HOLDS_BLOCKS

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The longest hold that is kept, which isn't any longer. */
static bool take_longest(uint32_t *number)
{
	uint32_t *most = &holds.most[0][0], longest_at = 0;

	for (uint32_t i = 1; i < KINDS * KEPT; i++)
		if (most[i] > most[longest_at])
			longest_at = i;
	if (!most[longest_at])
		return false;
	most[longest_at] = 0;
	*number = (&holds.which[0][0])[longest_at];
	return true;
}

/* Prints how many holds there were, and the numbers of the longest in order. */
static void choose(const struct variant *v, enum pb_kernel kernel)
{
	uint32_t n = 0, wanted = tp_env("PB_HOLD_ALL", 0) ? KINDS * KEPT : STEPPED;

	run_calls(v, kernel, tp_env("PB_HOLD_CALLS", 300));
	while (n < wanted && take_longest(&holds.chosen[n]))
		n++;
	qsort(holds.chosen, n, sizeof(holds.chosen[0]), by_number);
	printf("%u %u", holds.n, n);
	for (uint32_t i = 0; i < n; i++)
		printf(" %u", holds.chosen[i]);
	printf("\n");
}

int main(void)
{
	s.rng.state = tp_env("PB_SEED", 1);
	pb_test_masked = masked;
	for_each_pool(choose);
	return 0;
}

#else

static FILE *chosen; /* what holds-blocks prints */

static void read_chosen(uint32_t *number)
{
	assert_int_equal(fscanf(chosen, "%" SCNu32 "%" SCNu32, number, &holds.nr_chosen), 2);
	assert_in_range(holds.nr_chosen, 1, KINDS * KEPT);
	for (uint32_t i = 0; i < holds.nr_chosen; i++)
		assert_int_equal(fscanf(chosen, "%" SCNu32, &holds.chosen[i]), 1);
}

static void count(const struct variant *v, enum pb_kernel kernel)
{
	unsigned long max = v->profile == PB_PROFILE_LINUX ? LINUX_HOLD_MAX : HOLD_MAX;
	unsigned long greatest = 0;
	uint32_t number;

	read_chosen(&number);
	steps_enough = 2 * max;
	run_calls(v, kernel, tp_env("PB_HOLD_CALLS", 300));
	tp_require(holds.n == number, "%u holds, and %u in the other program", holds.n, number);
	printf("%s", v->name);
	if (v->profile == PB_PROFILE_LINUX)
		printf(", as %s", pb_kernel_name(kernel));
	printf(", %u holds:", number);
	for (unsigned int i = 0; i < NR_CALLS; i++) {
		if (longest[i])
			printf(" %s %lu", calls[i].name + 3, longest[i]);
		greatest = longest[i] > greatest ? longest[i] : greatest;
	}
	printf("\n");
	assert_in_range(greatest, 1, max); /* 0: nothing was counted */
}

/* holds-blocks is where this program is. */
static void start_choosing(void)
{
	char path[PATH_MAX], command[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = '\0';
	snprintf(command, sizeof(command), "PB_SEED=%" PRIu64 " '%s-blocks'", s.rng.state, path);
	chosen = popen(command, "r");
	assert_non_null(chosen);
}

static void test_no_hold_is_longer_than_said(void **state)
{
	(void)state;
#if CAN_STEP
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &step, NULL);
	pb_test_masked = masked;
#else
	skip();
#endif
	s.rng.state = tp_seed();
	start_choosing();
	for_each_pool(count);
	assert_int_equal(pclose(chosen), 0);
	pb_test_masked = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_hold_is_longer_than_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
