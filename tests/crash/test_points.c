/* SPDX-License-Identifier: MIT */
/*
 * A store is a crash point. Every public call that writes runs on a small pool whose
 * metadata are read-only: each store faults, and there the memory is what a process
 * killed at that store leaves. A copy of it is recovered, and must be a sound pool in
 * which every owner has what he had, and all else can be allocated, to the last page.
 *
 *	call --store--> fault: copy, recover, check --> let it happen (one step) --> on
 *
 * PB_CRASH_EVERY=n: look at every n-th store only (make test: 20, make test-long: 1).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "block/marks.h" /* the handle's fields: before the public headers */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "support/pool.h"
#include "test_port.h"

#ifndef __x86_64__
int main(void)
{
	printf("one step at a time is built for x86_64 only\n");
	return 77;
}
#else

#define FRAMES 2048u
#define ALL_FRAMES (FRAMES + 128u) /* with those that may come: two spans */
#define RESERVED_FROM 100u
#define RESERVED_TO 110u
#define CPUS 2u /* the depot goes by the next number */
#define HANDED 32u
#define TRAP_FLAG 0x100

/* ---------------------------------------------------------------- scenarios */

struct stage {
	struct pb_pool pool;
	struct pb_page *single, *block, *large, *full[64];
	unsigned int nr_full;
	struct pb_page *handed[HANDED]; /* whole pageblocks, from CPU to CPU */
	unsigned int nr_handed;
};

static unsigned long moves;

static bool may_move(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		     unsigned int order)
{
	(void)ctx, (void)pool, (void)from, (void)to, (void)order;
	moves++;
	return true;
}

static unsigned long no_progress(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)ctx, (void)pool, (void)order, (void)gfp;
	return 0;
}

static void misused(void *ctx, const struct pb_misuse_report *report)
{
	(void)ctx;
	fprintf(stderr, "%s\n", report->text);
	abort();
}

/* Pages that the report hook was shown, and that the reuse hook was not told of since. */
static bool away[ALL_FRAMES];

static enum pb_reported taken(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	memset(&away[pfn], true, n);
	return PB_REPORT_TAKEN;
}

static void brought_back(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	memset(&away[pfn], false, n);
}

static const struct pb_hooks hooks = {
	.report = taken,
	.reuse = brought_back,
	.misuse = misused,
	.migrate = may_move,
	.reclaim = no_progress,
};

static struct pb_config config;
static unsigned char *memory; /* the pool */
static size_t bytes;

/* Of every pageblock that was free as a whole every other page is in use: what wants a
   larger block has to move some, and there is room for them. */
static void pack(struct stage *s)
{
	struct pb_page *page;

	for (unsigned int order = 6; order >= 4; order--)
		while ((page = pb_alloc_pages(&s->pool,
					      (PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN) &
						      ~PB_GFP_RECLAIM,
					      order))) {
			(void)pb_split_page(&s->pool, page, order);
			for (unsigned int i = 1; i < 1u << order; i += 2)
				(void)pb_free_pages(&s->pool, page + i, 0);
		}
}

/* ---- by way of the depot, where there is one */

static unsigned long gave, took; /* batches that were seen to come into the depot, and to leave */

static bool has_depot(struct stage *s)
{
	struct pb_pcp_stat stat;

	return pb_pcp_stats(&s->pool, 0, CPUS, &stat) == PB_OK;
}

static int32_t in_depot(struct stage *s)
{
	struct pb_pcp_stat stat;

	(void)pb_pcp_stats(&s->pool, 0, CPUS, &stat);
	return stat.count;
}

/* CPU 0 allocates. */
static void do_take(struct stage *s)
{
	pb_test_set_cpu(0);
	for (s->nr_handed = 0; s->nr_handed < HANDED; s->nr_handed++) {
		int32_t held = in_depot(s);
		struct pb_page *page = pb_alloc_pages(&s->pool, PB_GFP_NOWAIT | PB_GFP_NOWARN,
						      config.pageblock_order);

		took += in_depot(s) < held;
		s->handed[s->nr_handed] = page;
		if (!page)
			return;
	}
}

/* CPU 1 frees. */
static void do_give(struct stage *s)
{
	pb_test_set_cpu(1);
	while (s->nr_handed) {
		int32_t held = in_depot(s);

		(void)pb_free_pages(&s->pool, s->handed[--s->nr_handed], config.pageblock_order);
		gave += in_depot(s) > held;
	}
}

/* So many refills of the one and drains of the other in a row that the depot comes to be used, and
   has something in it. */
static void fill_depot(struct stage *s)
{
	for (unsigned int i = 0; i < 20 && has_depot(s) && !in_depot(s); i++) {
		do_take(s);
		do_give(s);
	}
}

static void hold_many(struct stage *s)
{
	fill_depot(s);
	do_take(s);
}

static void do_relay(struct stage *s)
{
	do_take(s);
	do_give(s);
}

static void do_alloc(struct stage *s)
{
	(void)pb_alloc_pages(&s->pool, PB_GFP_KERNEL, 0);
}

static void do_alloc_other(struct stage *s)
{
	(void)pb_alloc_pages(&s->pool, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE, 1);
}

static void do_alloc_large(struct stage *s)
{
	(void)pb_alloc_pages(&s->pool, PB_GFP_HIGHUSER_MOVABLE, 5);
}

static void do_alloc_too_much(struct stage *s)
{
	(void)pb_alloc_pages(&s->pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 6);
	(void)pb_alloc_pages(&s->pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 6);
	while (pb_alloc_pages(&s->pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 4))
		;
}

static void do_alloc_node(struct stage *s)
{
	(void)pb_alloc_pages_node(&s->pool, 0, PB_GFP_ATOMIC, 2);
}

static void do_bulk(struct stage *s)
{
	struct pb_page *pages[48];

	(void)pb_alloc_pages_bulk(&s->pool, PB_GFP_KERNEL, 0, 48, pages);
}

static void do_exact(struct stage *s)
{
	(void)pb_alloc_exact(&s->pool, PB_GFP_KERNEL, 5);
}

static void do_contig(struct stage *s)
{
	(void)pb_alloc_contig(&s->pool, 7, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL);
}

static void do_contig_moving(struct stage *s)
{
	(void)pb_alloc_contig(&s->pool, 28, 8, 0, UINT64_MAX, 0, PB_GFP_KERNEL);
}

static void do_claim(struct stage *s)
{
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 16)
		if (pb_alloc_at(&s->pool, pfn, 2, PB_GFP_KERNEL) == PB_OK)
			break;
}

static void do_free(struct stage *s)
{
	(void)pb_free_pages(&s->pool, s->single, 0);
}

static void do_free_many(struct stage *s)
{
	for (unsigned int i = 0; i < s->nr_full; i++)
		(void)pb_free_pages(&s->pool, s->full[i], 0);
}

static void do_free_bulk(struct stage *s)
{
	(void)pb_free_bulk(&s->pool, 0, s->nr_full, s->full);
}

static void do_split(struct stage *s)
{
	(void)pb_split_page(&s->pool, s->block, 3);
}

static void do_split_free_exact(struct stage *s)
{
	(void)pb_split_page(&s->pool, s->block, 3);
	(void)pb_free_exact(&s->pool, s->block, 8);
}

static void do_get_put(struct stage *s)
{
	(void)pb_get_page(&s->pool, s->block);
	(void)pb_get_page(&s->pool, s->block);
	(void)pb_put_page(&s->pool, s->block);
}

static void do_set_movable(struct stage *s)
{
	(void)pb_set_movable(&s->pool, s->block, true);
	(void)pb_set_movable(&s->pool, s->block, false);
}

static void do_reserve(struct stage *s)
{
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 8)
		if (pb_reserve(&s->pool, pfn, pfn + 5) == PB_OK)
			break;
}

static void do_online(struct stage *s)
{
	(void)pb_online(&s->pool, RESERVED_FROM, RESERVED_TO);
}

static void do_offline(struct stage *s)
{
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += 16)
		if (pb_offline(&s->pool, pfn, pfn + 16) == PB_OK)
			break;
}

static void do_grow(struct stage *s)
{
	(void)pb_grow(&s->pool, FRAMES, ALL_FRAMES, false, NULL);
}

static void do_remove(struct stage *s)
{
	do_grow(s);
	if (pb_offline(&s->pool, FRAMES, ALL_FRAMES) == PB_OK)
		(void)pb_remove(&s->pool, FRAMES, ALL_FRAMES, NULL);
}

static void do_drain(struct stage *s)
{
	pb_drain(&s->pool, -1);
}

static void do_tick(struct stage *s)
{
	pb_pcp_decay(&s->pool);
	pb_pcp_decay(&s->pool);
}

static void do_compact(struct stage *s)
{
	(void)pb_compact(&s->pool, PB_NO_NODE, 4, 1);
}

static void do_min_free(struct stage *s)
{
	(void)pb_set_min_free_kbytes(&s->pool, 64);
}

static void do_scale(struct stage *s)
{
	(void)pb_set_watermark_scale_factor(&s->pool, 200);
	(void)pb_set_watermark_boost_factor(&s->pool, 15000);
	pb_boost_done(&s->pool, 0, PB_ZONE_NORMAL);
}

static void do_set_pcp(struct stage *s)
{
	(void)pb_set_pcp(&s->pool, 12, 3);
}

static void do_free_owner(struct stage *s)
{
	(void)pb_free_owner(&s->pool, 5, NULL);
}

static void do_report(struct stage *s)
{
	(void)pb_report_free(&s->pool, &(struct pb_report){ .settled = true }, NULL);
	(void)pb_report_free(&s->pool, &(struct pb_report){ .settled = true, .pages = 512 }, NULL);
}

static void do_report_and_use(struct stage *s)
{
	pb_drain(&s->pool, -1);
	(void)pb_report_free(&s->pool, &(struct pb_report){ 0 }, NULL);
	(void)pb_alloc_pages(&s->pool, PB_GFP_KERNEL, 5);
	for (unsigned int i = 0; i < 20; i++)
		(void)pb_alloc_pages(&s->pool, PB_GFP_KERNEL, 0);
}

static void do_free_cleared(struct stage *s)
{
	(void)pb_free_pages_cleared(&s->pool, s->large, 4);
}

static void do_validate(struct stage *s)
{
	(void)pb_validate(&s->pool, NULL);
}

static void do_init(struct stage *s)
{
	(void)pb_pool_init(&s->pool, &config, memory, bytes, false, &hooks, NULL);
}

static void do_recover(struct stage *s)
{
	struct pb_pool again;

	(void)pb_pool_attach(&again, s->pool.super, SIZE_MAX, true, &hooks, NULL);
}

struct scenario {
	const char *name;
	void (*run)(struct stage *stage);
	enum { STILL, PASSING, MOVING, MUST_MOVE, MAKING } what;
	void (*prepare)(struct stage *stage); /* or NULL */
	enum { NOTHING, GIVES, FILLED, TAKES, RELAYS } depot;
	/* PASSING: a block may be owned for a moment that is free before and after. MOVING:
	   any may be elsewhere, but there are as many. MUST_MOVE: nothing else will do.
	   MAKING: there may be no pool as yet. FILLED: when it begins there is something in the
	   depot; GIVES, TAKES, RELAYS: a batch comes there, leaves (FILLED), or both */
};

static const struct scenario scenarios[] = {
	{ "alloc", do_alloc, STILL, NULL, NOTHING },
	{ "alloc, other type", do_alloc_other, STILL, NULL, NOTHING },
	{ "alloc, large", do_alloc_large, MOVING, NULL, NOTHING },
	{ "alloc, more than there is", do_alloc_too_much, MOVING, NULL, NOTHING },
	{ "alloc_node, atomic", do_alloc_node, STILL, NULL, NOTHING },
	{ "alloc_bulk", do_bulk, STILL, NULL, NOTHING },
	{ "alloc_exact", do_exact, PASSING, NULL, NOTHING },
	{ "alloc_contig", do_contig, STILL, NULL, NOTHING },
	{ "alloc_contig, moving", do_contig_moving, MUST_MOVE, pack, NOTHING },
	{ "claim", do_claim, STILL, NULL, NOTHING },
	{ "free", do_free, STILL, NULL, NOTHING },
	{ "free, drain", do_free_many, STILL, NULL, NOTHING },
	{ "free_bulk", do_free_bulk, STILL, NULL, NOTHING },
	{ "split", do_split, STILL, NULL, NOTHING },
	{ "split, free_exact", do_split_free_exact, STILL, NULL, NOTHING },
	{ "get, put", do_get_put, STILL, NULL, NOTHING },
	{ "set_movable", do_set_movable, STILL, NULL, NOTHING },
	{ "reserve", do_reserve, STILL, NULL, NOTHING },
	{ "online", do_online, STILL, NULL, NOTHING },
	{ "offline", do_offline, MOVING, NULL, NOTHING },
	{ "offline, moving", do_offline, MUST_MOVE, pack, NOTHING },
	{ "grow", do_grow, STILL, NULL, NOTHING },
	{ "grow, offline, remove", do_remove, STILL, NULL, NOTHING },
	{ "drain", do_drain, STILL, NULL, NOTHING },
	{ "tick", do_tick, STILL, NULL, NOTHING },
	{ "compact", do_compact, MOVING, NULL, NOTHING },
	{ "compact, moving", do_compact, MUST_MOVE, pack, NOTHING },
	{ "set_min_free_kbytes", do_min_free, STILL, NULL, NOTHING },
	{ "set_watermark_*, boost_done", do_scale, STILL, NULL, NOTHING },
	{ "set_pcp", do_set_pcp, STILL, NULL, NOTHING },
	{ "free_owner", do_free_owner, STILL, NULL, NOTHING },
	{ "report", do_report, STILL, NULL, NOTHING },
	{ "report, use", do_report_and_use, STILL, NULL, NOTHING },
	{ "free_pages_cleared", do_free_cleared, STILL, NULL, NOTHING },
	{ "validate", do_validate, STILL, NULL, NOTHING },
	{ "recovery", do_recover, STILL, NULL, NOTHING },
	{ "pool_init", do_init, MAKING, NULL, NOTHING },
	{ "depot: give", do_give, STILL, hold_many, GIVES },
	{ "depot: take", do_take, STILL, fill_depot, TAKES },
	{ "depot: relay", do_relay, PASSING, fill_depot, RELAYS },
	{ "depot: drain", do_drain, STILL, fill_depot, FILLED },
	{ "depot: tick", do_tick, STILL, fill_depot, FILLED },
	{ "depot: alloc_contig", do_contig, STILL, fill_depot, FILLED },
	{ "depot: offline", do_offline, MOVING, fill_depot, FILLED },
	{ "depot: set_pcp", do_set_pcp, STILL, fill_depot, FILLED },
	{ "depot: recovery", do_recover, STILL, fill_depot, FILLED },
};

struct kind {
	const char *name;
	uint8_t profile;
	uint32_t flags;
};

static const struct kind kinds[] = {
	{ "modern", PB_PROFILE_MODERN, PB_POOL_REFCOUNT },
	{ "modern, shared", PB_PROFILE_MODERN, PB_POOL_SHARED | PB_POOL_OWNERS | PB_POOL_REFCOUNT },
	{ "modern, no pcp", PB_PROFILE_MODERN,
	  PB_POOL_NO_PCP | PB_POOL_HARDENED | PB_POOL_REFCOUNT },
	{ "modern, quarantine", PB_PROFILE_MODERN,
	  TP_QUARANTINE | PB_POOL_SHARED | PB_POOL_REFCOUNT },
	{ "linux", PB_PROFILE_LINUX, PB_POOL_REFCOUNT },
	{ "modern, marks", PB_PROFILE_MODERN,
	  PB_POOL_REPORTING | PB_POOL_CLEARED | PB_POOL_REFCOUNT },
	{ "linux, quarantine", PB_PROFILE_LINUX, TP_QUARANTINE | PB_POOL_REFCOUNT },
	{ "linux, shared, marks", PB_PROFILE_LINUX,
	  PB_POOL_SHARED | PB_POOL_OWNERS | PB_POOL_REFCOUNT | PB_POOL_REPORTING },
};

/* -------------------------------------------------------------------- state */

static unsigned char *image; /* what a death leaves of the pool */
static size_t mapped;
static unsigned char before[ALL_FRAMES], after[ALL_FRAMES]; /* owned? */
static const struct scenario *scenario;
static const struct kind *kind;
static unsigned long stores, looked_at, every;

#define require(ok, what)                                                                      \
	do {                                                                                   \
		if (!(ok)) {                                                                   \
			fprintf(stderr, "%s, %s, store %lu: %s\n", kind->name, scenario->name, \
				stores, what);                                                 \
			exit(1);                                                               \
		}                                                                              \
	} while (0)

static int note_owned(void *ctx, const struct pb_block *block)
{
	if (block->state == PB_BLOCK_ALLOCATED)
		memset((unsigned char *)ctx + block->pfn, 1, (size_t)1 << block->order);
	return 0;
}

static void owned_frames(struct pb_pool *pool, unsigned char owned[ALL_FRAMES])
{
	memset(owned, 0, ALL_FRAMES);
	pb_walk(pool, note_owned, owned);
}

/* ------------------------------------------------------------- after a death */

static unsigned int count_owned(const unsigned char owned[ALL_FRAMES])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ALL_FRAMES; i++)
		n += owned[i];
	return n;
}

static void check_owners(struct pb_pool *pool)
{
	unsigned char now[ALL_FRAMES];

	if (scenario->what == MAKING)
		return;
	owned_frames(pool, now);
	if (scenario->what == MOVING || scenario->what == MUST_MOVE) {
		require(count_owned(now) >= count_owned(before), "an owner lost a page");
		return;
	}
	for (unsigned int i = 0; i < ALL_FRAMES; i++) {
		require(now[i] || !before[i] || !after[i], "an owner lost a page");
		require(!now[i] || before[i] || after[i] || scenario->what == PASSING,
			"a page has an owner that never asked for it");
	}
}

/* Whatever a hook may have been shown counts as reported, and what was not, does not. */
static void check_marks_left(const struct pb_pool *pool)
{
	for (unsigned int i = 0; pool->marks && i < ALL_FRAMES; i++)
		require(!away[i] || pool->marks[i >> config.pageblock_order] & MARK_REPORTED,
			"a page is away, and nobody knows");
}

static void free_all(struct pb_pool *pool)
{
	unsigned char owned[ALL_FRAMES];

	owned_frames(pool, owned);
	for (uint64_t pfn = 0; pfn < ALL_FRAMES; pfn++)
		while (owned[pfn] && pb_page_count(pool, pb_pfn_to_page(pool, pfn)))
			require(pb_put_page(pool, pb_pfn_to_page(pool, pfn)) == PB_OK,
				"a page can't be freed");
}

static int count_usable(void *ctx, const struct pb_block *block)
{
	if (block->state != PB_BLOCK_RESERVED)
		*(unsigned long *)ctx += 1ul << block->order;
	return 0;
}

/* Down to the last page. */
static void check_nothing_is_lost(struct pb_pool *pool)
{
	unsigned long usable = 0, got = 0;
	struct pb_error error = { 0 };

	free_all(pool);
	(void)pb_set_min_free_kbytes(pool, 0);
	(void)pb_set_watermark_scale_factor(pool, 1);
	require(pb_validate(pool, &error) == PB_OK, error.text);
	pb_walk(pool, count_usable, &usable);
	while (pb_alloc_pages(pool, PB_GFP_KERNEL | PB_GFP_MEMALLOC | PB_GFP_NOWARN, 0))
		got++;
	require(got == usable, "free pages can't be allocated");
	require(pb_validate(pool, &error) == PB_OK, error.text);
}

static void check_calls_return(struct pb_pool *pool)
{
	struct pb_error error = { 0 };

	pb_pcp_decay(pool);
	pb_drain(pool, -1);
	(void)pb_compact(pool, PB_NO_NODE, 3, 1);
	(void)pb_set_pcp(pool, 0, 0);
	if (pb_reserve(pool, 900, 905) == PB_OK)
		(void)pb_online(pool, 900, 905);
	if (pb_offline(pool, 640, 656) == PB_OK)
		(void)pb_online(pool, 640, 656);
	(void)pb_alloc_contig(pool, 40, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL);
	for (uint64_t pfn = FRAMES; pfn < ALL_FRAMES; pfn += 64)
		(void)pb_grow(pool, pfn, pfn + 64, false, NULL);
	require(pb_online(pool, FRAMES, ALL_FRAMES) == PB_OK, "memory can't come");
	require(pb_validate(pool, &error) == PB_OK, error.text);
}

static void look_at(void)
{
	struct pb_error error = { 0 };
	struct pb_pool pool;

	memcpy(image, memory, bytes);
	pb_test_end(0); /* whom the locks name */
	pb_test_set_self(1);
	if (scenario->what == MAKING && !pb_pool_attach(&pool, image, bytes, false, &hooks, &error))
		require(pb_validate(&pool, &error) == PB_OK, error.text);
	if (scenario->what == MAKING && error.code) {
		require(error.code == PB_EFORMAT, error.text);
		looked_at++;
		pb_test_set_self(0);
		return;
	}
	require(pb_pool_attach(&pool, image, bytes, true, &hooks, &error) == PB_OK, error.text);
	require(pb_validate(&pool, &error) == PB_OK, error.text);
	check_owners(&pool);
	check_marks_left(&pool);
	if (looked_at++ % (every == 1 ? 1 : 4) == 0) {
		bool kept[ALL_FRAMES];

		memcpy(kept, away, sizeof(away));
		check_calls_return(&pool);
		check_nothing_is_lost(&pool);
		memcpy(away, kept, sizeof(away));
	}
	pb_test_set_self(0);
}

/* ------------------------------------------------------------ at each store */

static void on_store(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned char *at = info->si_addr;

	(void)signal;
	if (at < memory || at >= memory + mapped) {
		fprintf(stderr, "a fault at %p, outside the metadata\n", (void *)at);
		_exit(1);
	}
	if (stores++ % every == 0) {
		struct pb_test_context interrupted;

		pb_test_step_aside(&interrupted);
		look_at();
		pb_test_come_back(&interrupted);
	}
	mprotect(memory, mapped, PROT_READ | PROT_WRITE);
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal, (void)info;
	mprotect(memory, mapped, PROT_READ);
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void watch(void)
{
	struct sigaction store = { .sa_sigaction = on_store, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &store, NULL);
	sigaction(SIGTRAP, &step, NULL);
}

/* ---------------------------------------------------------------- one of each */

static void fill(struct stage *s)
{
	struct tp_rng rng = { 12345 };
	struct pb_page *pages[200];

	for (int i = 0; i < 200; i++)
		pages[i] = pb_alloc_pages(&s->pool,
					  (i % 3 ? PB_GFP_HIGHUSER_MOVABLE : PB_GFP_KERNEL) |
						  PB_GFP_NOWARN,
					  tp_below(&rng, 3));
	for (int i = 0; i < 200; i += 1 + (int)tp_below(&rng, 2))
		if (pages[i])
			(void)pb_free_pages(&s->pool, pages[i],
					    (unsigned int)pb_page_order(&s->pool, pages[i]));
	pb_test_set_cpu(1);
	pb_set_owner(&s->pool, 5);
	for (s->nr_full = 0; s->nr_full < 40; s->nr_full++)
		s->full[s->nr_full] = pb_alloc_pages(&s->pool, PB_GFP_KERNEL, 0);
	s->single = pb_alloc_pages(&s->pool, PB_GFP_HIGHUSER_MOVABLE, 0);
	s->block = pb_alloc_pages(&s->pool, PB_GFP_KERNEL, 3);
	s->large = pb_alloc_pages(&s->pool, PB_GFP_KERNEL, 4);
	if (!s->large || !s->block || !s->single || !s->full[39])
		abort();
}

static void make_stage(struct stage *s)
{
	static const struct pb_region regions[] = {
		{ 0, FRAMES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
		{ RESERVED_FROM, RESERVED_TO, 0, 0, PB_REGION_RESERVED },
		{ FRAMES, ALL_FRAMES, 0, PB_ZONE_NORMAL, PB_REGION_HOTPLUG },
	};

	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = 3;
	config.max_order = 6;
	config.pageblock_order = 4;
	config.profile = kind->profile;
	config.flags = kind->flags | PB_POOL_NO_RSEQ | PB_POOL_MOBILITY;
	tp_quarantine(&config);
	config.nr_cpus = CPUS;
	config.nr_stripes = kind->profile == PB_PROFILE_LINUX ? 1 : 2;
	config.min_free_kbytes = 0;
	config.watermark_boost_factor = 0;
	memset(config.lowmem_reserve_ratio, 0, sizeof(config.lowmem_reserve_ratio));
	memset(s, 0, sizeof(*s));
	memset(away, false, sizeof(away));
	pb_test_set_cpu(0);
	pb_test_set_self(0);
	require(pb_pool_size(&config, &bytes, NULL) == PB_OK && bytes <= mapped, "size");
	memset(memory, 0, bytes);
	require(pb_pool_init(&s->pool, &config, memory, bytes, true, &hooks, NULL) == PB_OK,
		"init");
	tp_require_stripes(&s->pool, config.nr_stripes, 4);
	fill(s);
	if (scenario->prepare)
		scenario->prepare(s);
	require(scenario->depot < FILLED || in_depot(s) > 0, "the depot is empty");
	gave = took = 0;
}

/* Has it a depot, where its scenarios ask for one? What leaves a quarantine goes to the zone. */
static bool is_for_this_kind(void)
{
	return scenario->depot == NOTHING ||
	       (kind->profile == PB_PROFILE_MODERN && !(kind->flags & PB_POOL_NO_PCP) &&
		(kind->flags & TP_QUARANTINE) != TP_QUARANTINE);
}

static void check_hand_over(void)
{
	require(gave || (scenario->depot != GIVES && scenario->depot != RELAYS),
		"nothing came into the depot");
	require(took || (scenario->depot != TAKES && scenario->depot != RELAYS),
		"nothing was taken from the depot");
}

/* Once to see what it changes, once under watch. */
static void run_one(void)
{
	unsigned long start = looked_at;
	struct stage stage;

	make_stage(&stage);
	owned_frames(&stage.pool, before);
	scenario->run(&stage);
	owned_frames(&stage.pool, after);
	make_stage(&stage);
	stores = moves = 0;
	mprotect(memory, mapped, PROT_READ);
	scenario->run(&stage);
	mprotect(memory, mapped, PROT_READ | PROT_WRITE);
	require(moves || scenario->what != MUST_MOVE, "nothing had to move");
	check_hand_over();
	require(pb_validate(&stage.pool, NULL) == PB_OK, "afterwards");
	printf("  %-28s %6lu stores, %6lu looked at\n", scenario->name, stores, looked_at - start);
}

static void test_a_death_at_any_store_loses_nothing(void **state)
{
	unsigned long in_all = 0;

	(void)state;
	every = tp_env("PB_CRASH_EVERY", 20);
	mapped = (size_t)1 << 20;
	memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	image = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	watch();
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		kind = &kinds[k];
		printf("%s\n", kind->name);
		for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
			scenario = &scenarios[i];
			if (!is_for_this_kind())
				continue;
			run_one();
			in_all += stores;
		}
	}
	printf("%lu stores, a death at %lu of them: 0 bad\n", in_all, looked_at);
	assert_true(looked_at >= in_all / every);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_death_at_any_store_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
