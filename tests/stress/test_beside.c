/* SPDX-License-Identifier: MIT */
/*
 * Every pair of calls that may run beside each other, from two threads, with a third
 * that allocates and frees; and, each for itself, what such pairs once broke: references
 * lost, counters of two stripes, a range brought online twice, requests that failed with
 * everything free, a CPU's lists beyond their bound.
 *
 * Which calls these are: calls[]; tests/build/calls holds them against calls.h.
 *
 *	PB_BESIDE_OPS=n  operations of the test of eight threads on eight blocks
 *	PB_BESIDE_MIXED=n  calls of each of six threads that make any
 *	PB_SEED=n
 */
#define _GNU_SOURCE /* gettid() */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/threads.h"

#include <pagebuddy/linux.h>
#include <pagebuddy/linux_user.h>
#include <pagebuddy/platform.h>

#define FRAMES 8192u /* 256 pageblocks of 32 frames */
#define PAGEBLOCK 32u
#define PAGEBLOCK_ORDER 5u
#define SPAN 64u
#define HOT_SPANS 8u /* room for memory that comes and goes */
#define SLOTS 32

static struct tp tp;

/* --------------------------------------------------------- pages that may move */

static pthread_mutex_t movable_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pb_page *movable[SLOTS];

static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	bool found = false;

	(void)ctx, (void)pool, (void)order;
	pthread_mutex_lock(&movable_lock);
	for (int i = 0; i < SLOTS; i++)
		if (movable[i] == from) {
			movable[i] = to;
			found = true;
		}
	pthread_mutex_unlock(&movable_lock);
	return found;
}

static size_t migrate_batch(void *ctx, struct pb_pool *pool, const struct pb_move *moves, size_t n)
{
	size_t moved = 0;

	while (moved < n &&
	       migrate(ctx, pool, moves[moved].from, moves[moved].to, moves[moved].order))
		moved++;
	return moved;
}

/* What was in the slot; `page` is there now. */
static struct pb_page *swap_movable(uint32_t slot, struct pb_page *page)
{
	struct pb_page *old;

	pthread_mutex_lock(&movable_lock);
	old = movable[slot];
	movable[slot] = page;
	pthread_mutex_unlock(&movable_lock);
	return old;
}

/* Whole pageblocks from CPU to CPU, by the depot: CPUs of even numbers allocate them, the others
   free them. */
static struct {
	pthread_mutex_t lock;
	struct pb_page *page[64];
	unsigned int n;
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct pb_page *pass_on(struct pb_page *page)
{
	pthread_mutex_lock(&ring.lock);
	if (page && ring.n < sizeof(ring.page) / sizeof(ring.page[0])) {
		ring.page[ring.n++] = page;
		page = NULL;
	} else if (!page && ring.n) {
		page = ring.page[--ring.n];
	}
	pthread_mutex_unlock(&ring.lock);
	return page;
}

/* What the report hook took, and the reuse hook has not brought back. */
static atomic_bool away[FRAMES + HOT_SPANS * SPAN];

static enum pb_reported on_report(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	for (uint64_t i = pfn; i < pfn + n; i++)
		assert_false(atomic_exchange(&away[i], true));
	return PB_REPORT_TAKEN;
}

static void on_reuse(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	for (uint64_t i = pfn; i < pfn + n; i++)
		atomic_store(&away[i], false);
}

static void build(enum pb_profile profile, uint32_t flags)
{
	static unsigned int builds;

	tp_start(&tp);
	tp.config.profile = (uint8_t)profile;
	tp.config.flags |= flags | PB_POOL_REFCOUNT;
	tp.config.max_order = 6;
	tp.config.pageblock_order = PAGEBLOCK_ORDER;
	tp.config.nr_cpus = 2;
	tp.config.nr_stripes = 2;
	tp.config.flags |= PB_POOL_REPORTING | PB_POOL_CLEARED;
	tp.hooks.report = on_report;
	tp.hooks.reuse = on_reuse;
	tp.hooks.migrate = migrate;
	if (tp_seed() >> (builds++ & 31) & 1) /* some pools move in batches */
		tp.hooks.migrate_batch = migrate_batch;
	tp.config.linear = (void *)(uintptr_t)0x10000000; /* for questions; nobody writes there */
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_region(&tp, FRAMES, FRAMES + HOT_SPANS * SPAN, 0, PB_ZONE_NORMAL);
	tp.regions[1].kind = PB_REGION_HOTPLUG;
	tp_build(&tp);
	memset(movable, 0, sizeof(movable));
	for (unsigned int i = 0; i < FRAMES + HOT_SPANS * SPAN; i++)
		atomic_store(&away[i], false);
	tp_require_stripes(&tp.pool, profile == PB_PROFILE_MODERN ? 2 : 1, 128);
}

static void remove_all(void);

static void drop(const char *what)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct pb_page *page = swap_movable(i, NULL);

		if (page)
			assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
	}
	for (struct pb_page *page; (page = pass_on(NULL)) != NULL;)
		assert_int_equal(pb_free_pages(&tp.pool, page, PAGEBLOCK_ORDER), PB_OK);
	tp_require(!tp.misuse_calls, "%s: %s", what, tp.misuse_text);
	tp_check(&tp, what);
	pb_drain(&tp.pool, -1);
	remove_all();
	tp_check(&tp, what);
	tp_require(tp_free_pages(&tp) == FRAMES, "%s: %ld of %u pages came back", what,
		   (long)tp_free_pages(&tp), FRAMES);
	tp_drop(&tp);
}

/* --------------------------------------------------------------------- the calls */

static uint64_t some_range(struct tp_rng *rng)
{
	return tp_below(rng, FRAMES / PAGEBLOCK) * (uint64_t)PAGEBLOCK;
}

static void call_pb_alloc_pages(struct tp_rng *rng)
{
	unsigned int order = tp_below(rng, 4);
	struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, order);

	if (!page)
		return;
	assert_false(atomic_load(&away[pb_page_to_pfn(&tp.pool, page)]));
	assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
}

static void call_pb_report_free(struct tp_rng *rng)
{
	const struct pb_report what = { .pages = 64u << tp_below(rng, 8),
					.settled = tp_below(rng, 2) };

	assert_int_equal(pb_report_free(&tp.pool, &what, NULL), PB_OK);
	/* there is no memory behind these addresses that it could give back */
	assert_int_equal(pb_user_report(NULL, &tp.pool, 0, 1), PB_REPORT_REFUSED);
}

/* Whole pageblocks, which must be back. */
static void call_pb_free_pages_cleared(struct tp_rng *rng)
{
	unsigned int order = 5 + tp_below(rng, 2);
	struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, order);

	if (!page)
		return;
	for (uint64_t i = 0, pfn = pb_page_to_pfn(&tp.pool, page); i < 1u << order; i++)
		assert_false(atomic_load(&away[pfn + i]));
	if (tp.config.flags & PB_POOL_HARDENED) /* would look, and there is nothing */
		assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
	else
		assert_int_equal(pb_free_pages_cleared(&tp.pool, page, order), PB_OK);
}

static void call_pb_free_pages(struct tp_rng *rng)
{
	uint32_t slot = tp_below(rng, SLOTS);
	struct pb_page *page = pb_alloc_pages(
		&tp.pool, (PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN) & ~PB_GFP_RECLAIM, 0);

	page = swap_movable(slot, page);
	if (page)
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
}

static void call_pb_get_page(struct tp_rng *rng)
{
	struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 0);

	(void)rng;
	if (!page)
		return;
	assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_page_count(&tp.pool, page), 2);
	assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_set_movable(&tp.pool, page, false), PB_OK);
	assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
}

static void call_pb_alloc_exact(struct tp_rng *rng)
{
	size_t n = 1 + tp_below(rng, 30);
	struct pb_page *page = pb_alloc_exact(&tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN, n);

	if (page)
		assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
}

static void call_pb_alloc_at(struct tp_rng *rng)
{
	unsigned int order = tp_below(rng, 7);
	uint64_t pfn = tp_below(rng, FRAMES) & ~((1u << order) - 1);

	if (pb_alloc_at(&tp.pool, pfn, order, PB_GFP_KERNEL) == PB_OK)
		assert_int_equal(pb_free_pages(&tp.pool, pb_pfn_to_page(&tp.pool, pfn), order),
				 PB_OK);
}

static void call_pb_alloc_contig(struct tp_rng *rng)
{
	size_t n = 1 + tp_below(rng, 100);
	struct pb_page *page = pb_alloc_contig(&tp.pool, n, 1, some_range(rng), FRAMES, 0,
					       PB_GFP_KERNEL | PB_GFP_NOWARN);

	if (page)
		assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
}

/* Reserved frames are brought back by pb_online() from any thread, so the last to
   come brings back all. */
static void call_pb_reserve(struct tp_rng *rng)
{
	uint64_t pfn = some_range(rng) + tp_below(rng, 8);

	if (pb_reserve(&tp.pool, pfn, pfn + 5) == PB_OK)
		assert_int_equal(pb_online(&tp.pool, pfn, pfn + 5), PB_OK);
}

static void call_pb_online(struct tp_rng *rng)
{
	uint64_t pfn = tp_below(rng, 4) * (uint64_t)PAGEBLOCK;

	assert_int_equal(pb_online(&tp.pool, pfn, FRAMES), PB_OK);
}

static void call_pb_offline(struct tp_rng *rng)
{
	uint64_t pfn = some_range(rng);

	if (pb_offline(&tp.pool, pfn, pfn + PAGEBLOCK) == PB_OK)
		assert_int_equal(pb_online(&tp.pool, pfn, pfn + PAGEBLOCK), PB_OK);
}

static void call_pb_offline_logged(struct tp_rng *rng)
{
	static _Thread_local struct pb_move_note log[PAGEBLOCK];
	uint64_t pfn = some_range(rng);

	if (pb_offline_logged(&tp.pool, pfn, pfn + PAGEBLOCK, log, PAGEBLOCK) == PB_OK)
		assert_int_equal(pb_online(&tp.pool, pfn, pfn + PAGEBLOCK), PB_OK);
}

/* Memory that comes and goes, a span at a time. */
static uint64_t some_span(struct tp_rng *rng)
{
	return FRAMES + tp_below(rng, HOT_SPANS) * (uint64_t)SPAN;
}

static void call_pb_grow(struct tp_rng *rng)
{
	struct pb_piece pieces[PB_MAX_PIECES];
	uint64_t pfn = some_span(rng), obstacle = 0;
	size_t bytes;
	int code;

	assert_in_range(pb_grow_pieces(&tp.pool, pfn, pfn + SPAN, pieces), 4, PB_MAX_PIECES);
	assert_int_equal(pb_grow_bytes(&tp.pool, pfn, pfn + SPAN, &bytes), PB_OK);
	code = pb_grow(&tp.pool, pfn, pfn + SPAN, false, &obstacle);
	assert_true(code == PB_OK || (code == PB_EBUSY && obstacle == pfn));
}

/* One thread at a time takes memory away: between its two calls another could take the span away,
   and a third one bring it back. */
static void call_pb_remove(struct tp_rng *rng)
{
	static pthread_mutex_t removing = PTHREAD_MUTEX_INITIALIZER;
	uint64_t pfn = some_span(rng);

	pthread_mutex_lock(&removing);
	if (pb_offline(&tp.pool, pfn, pfn + SPAN) == PB_OK) {
		int code = pb_remove(&tp.pool, pfn, pfn + SPAN, NULL);

		/* A pb_grow() that has not returned brings online what was offline already. */
		assert_true(code == PB_OK || code == PB_EBUSY);
		if (code)
			(void)pb_online(&tp.pool, pfn, pfn + SPAN);
	} else
		assert_int_not_equal(pb_remove(&tp.pool, pfn, pfn + SPAN, NULL), PB_EINVAL);
	pthread_mutex_unlock(&removing);
}

/* All that came goes again. */
static void remove_all(void)
{
	for (uint64_t pfn = FRAMES; pfn < FRAMES + HOT_SPANS * SPAN; pfn += SPAN)
		if (pb_pfn_to_page(&tp.pool, pfn)) {
			assert_int_equal(pb_offline(&tp.pool, pfn, pfn + SPAN), PB_OK);
			assert_int_equal(pb_remove(&tp.pool, pfn, pfn + SPAN, NULL), PB_OK);
		}
}

static void call_pb_compact(struct tp_rng *rng)
{
	(void)pb_compact(&tp.pool, PB_NO_NODE, 1 + tp_below(rng, 5), 1);
}

static void call_pb_drain(struct tp_rng *rng)
{
	pb_drain(&tp.pool, (int)tp_below(rng, 3) - 1);
}

static void call_pb_pcp_decay(struct tp_rng *rng)
{
	(void)rng;
	pb_pcp_decay(&tp.pool);
}

static void call_pb_set_min_free_kbytes(struct tp_rng *rng)
{
	assert_int_equal(pb_set_min_free_kbytes(&tp.pool, (int32_t)tp_below(rng, 200)), PB_OK);
	assert_int_equal(pb_set_watermark_scale_factor(&tp.pool, 1 + tp_below(rng, 20)), PB_OK);
	assert_int_equal(pb_set_watermark_boost_factor(&tp.pool, tp_below(rng, 2) * 15000), PB_OK);
	pb_boost_done(&tp.pool, 0, PB_ZONE_NORMAL);
}

static void call_pb_set_pcp(struct tp_rng *rng)
{
	uint32_t high = tp_below(rng, 200);

	assert_int_equal(pb_set_pcp(&tp.pool, high, high / 4), PB_OK);
}

static void call_pb_stats(struct tp_rng *rng)
{
	static _Thread_local char text[1 << 16];
	struct pb_pool_stat stat;
	struct pb_zone_stat zone;
	struct pb_pcp_stat pcp;
	uint64_t numa[PB_NR_NUMA_EVENTS];

	(void)rng;
	pb_stats(&tp.pool, &stat);
	assert_int_equal(pb_zone_stats(&tp.pool, 0, &zone), PB_OK);
	assert_int_equal(pb_numa_stats(&tp.pool, 0, numa), PB_OK);
	assert_int_equal(pb_pcp_stats(&tp.pool, 0, 1, &pcp),
			 tp.config.flags & PB_POOL_NO_PCP ? PB_ENODEV : PB_OK);
	assert_true(pb_buddyinfo(&tp.pool, text, sizeof(text)) > 0);
	assert_true(pb_pagetypeinfo(&tp.pool, text, sizeof(text)) > 0);
	assert_true(pb_zoneinfo(&tp.pool, PB_TEXT_6_18, text, sizeof(text)) > 0);
}

static void call_pb_alloc_pages_bulk(struct tp_rng *rng)
{
	unsigned int order = tp_below(rng, 3);
	struct pb_page *pages[40];
	size_t n = pb_alloc_pages_bulk(&tp.pool, PB_GFP_USER | PB_GFP_NOWARN, order,
				       tp_below(rng, 40), pages);

	assert_int_equal(pb_free_bulk(&tp.pool, order, n, pages), n);
}

static void call_pb_split_page(struct tp_rng *rng)
{
	unsigned int order = tp_below(rng, 5);
	const pb_nodemask_t nodes = 1;
	enum pb_reason why;
	struct pb_page *page = pb_alloc_pages_nodemask(&tp.pool,
						       PB_GFP_KERNEL | PB_GFP_RECLAIMABLE |
							       PB_GFP_NOWARN,
						       order, 0, &nodes, &why);

	assert_int_equal(!page, why != PB_REASON_NONE);
	if (!page)
		return;
	assert_int_equal(pb_split_page(&tp.pool, page, order), PB_OK);
	for (unsigned int i = 0; i < 1u << order; i++)
		assert_int_equal(pb_free_pages(&tp.pool, page + i, 0), PB_OK);
}

static void call_pb_request_pages(struct tp_rng *rng)
{
	struct pb_request request = { .gfp = PB_GFP_ATOMIC | PB_GFP_NOWARN, .node = 0 };
	const struct pb_range range = { 4, 0, FRAMES, 0 };
	size_t n = 1 + tp_below(rng, 20);
	struct pb_page *page = tp_below(rng, 2) ? pb_request_exact(&tp.pool, &request, n)
						: pb_request_contig(&tp.pool, &request, n, &range);

	assert_int_equal(!page, request.why != PB_REASON_NONE);
	if (page)
		assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
}

/* Questions, about others' pages too. */
static void call_pb_page_order(struct tp_rng *rng)
{
	uint64_t pfn = tp_below(rng, FRAMES);
	struct pb_page *page = pb_pfn_to_page(&tp.pool, pfn);
	uint8_t nodes[PB_MAX_NODES];

	assert_int_equal(pb_page_to_pfn(&tp.pool, page), pfn);
	assert_true(pb_page_order(&tp.pool, page) <= 6);
	(void)pb_page_count(&tp.pool, page);
	(void)pb_page_owner(&tp.pool, page);
	assert_int_equal(pb_page_node(&tp.pool, page), 0);
	assert_int_equal(pb_page_zone(&tp.pool, page), PB_ZONE_NORMAL);
	assert_in_range(pb_pageblock_type(&tp.pool, pfn), 0, PB_MIGRATE_TYPES - 1);
	assert_int_equal(pb_zonelist_nodes(&tp.pool, 0, nodes), 1);
}

/* Nobody has this tag. */
static void call_pb_free_owner(struct tp_rng *rng)
{
	uint64_t pages = 1;

	(void)rng;
	if (pb_free_owner(&tp.pool, 12345, &pages) == PB_OK)
		assert_int_equal(pages, 0);
}

static void call_pb_request_bulk(struct tp_rng *rng)
{
	struct pb_request request = { .gfp = PB_GFP_KERNEL | PB_GFP_NOWARN, .node = PB_NO_NODE };
	const struct pb_range range = { .high = FRAMES };
	struct pb_page *pages[6], *page;
	size_t n = 1 + tp_below(rng, 20);

	pages[0] = pb_alloc_pages_node(&tp.pool, 0, PB_GFP_KERNEL | PB_GFP_NOWARN, 1);
	pages[1] = pb__alloc_pages_node(&tp.pool, 0, PB_GFP_ATOMIC | PB_GFP_NOWARN, 1);
	pages[2] = pb_alloc_pages_nodemask(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 1, 0, NULL,
					   NULL);
	pages[3] = pb_request_pages(&tp.pool, &request, 1);
	pages[4] = pb_request_pages_as(&tp.pool, &request, 1, "a name");
	for (int i = 0; i < 5; i++)
		if (pages[i])
			assert_int_equal(pb_free_pages_as(&tp.pool, pages[i], 1, "a name"), PB_OK);
	page = pb_request_exact(&tp.pool, &request, n);
	if (page)
		assert_int_equal(pb_free_exact_as(&tp.pool, page, n, "a name"), PB_OK);
	page = pb_request_exact_as(&tp.pool, &request, n, "a name");
	if (page)
		assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
	page = pb_request_contig(&tp.pool, &request, n, &range);
	if (page)
		assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
	n = pb_request_bulk(&tp.pool, &request, 0, 6, pages);
	assert_int_equal(pb_free_bulk(&tp.pool, 0, n, pages), n);
	n = pb_alloc_pages_bulk(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 0, 6, pages);
	assert_int_equal(pb_free_bulk(&tp.pool, 0, n, pages), n);
}

/* Questions, of a page that is one's own and of any. */
static void ask(struct pb_page *page, struct pb_page *any)
{
	struct pb_pool_info info;
	uint8_t nodes[PB_MAX_NODES];
	struct pb_block block;

	assert_int_equal(pb_page_count(&tp.pool, page), 1);
	assert_int_equal(pb_page_order(&tp.pool, page), 1);
	assert_int_equal(pb_page_owner(&tp.pool, page), 0);
	assert_ptr_equal(pb_pfn_to_page(&tp.pool, pb_page_to_pfn(&tp.pool, page)), page);
	assert_ptr_equal(pb_address_to_page(&tp.pool, pb_page_address(&tp.pool, page)), page);
	(void)pb_page_count(&tp.pool, any);
	(void)pb_page_order(&tp.pool, any);
	(void)pb_page_owner(&tp.pool, any);
	assert_int_equal(pb_page_node(&tp.pool, any), 0);
	assert_int_equal(pb_page_zone(&tp.pool, any), PB_ZONE_NORMAL);
	assert_true(pb_pageblock_type(&tp.pool, pb_page_to_pfn(&tp.pool, any)) >= 0);
	assert_ptr_equal(pb_index_to_page(&tp.pool, pb_page_to_index(&tp.pool, any)), any);
	assert_int_equal(pb_pool_info(&tp.pool, &info), PB_OK);
	assert_int_equal(pb_zonelist_nodes(&tp.pool, 0, nodes), 1);
	assert_int_equal(pb_nr_zones(&tp.pool), 1);
	assert_int_equal(pb_get_order(&tp.pool, 5000), 1);
	assert_true(pb_range_is_free(&tp.pool, pb_page_to_pfn(&tp.pool, any),
				     pb_page_to_pfn(&tp.pool, any) + 1) >= 0);
	assert_int_equal(pb_find_block(&tp.pool, pb_page_to_pfn(&tp.pool, any), &block), PB_OK);
	assert_true(pb_zone_below(&tp.pool, 0, PB_WMARK_HIGH) >= 0);
	assert_true(pb_free_blocks(&tp.pool, 0, 0) <= FRAMES + HOT_SPANS * SPAN);
	assert_true(strlen(pb_user_percpu_mode(&tp.pool)) >= 4);
	assert_non_null(pb_default_pool()); /* the first call makes it */
}

static void call_pb_address_to_page(struct tp_rng *rng)
{
	struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, 1);
	static _Thread_local char text[1 << 16];

	if (!page)
		return;
	ask(page, pb_pfn_to_page(&tp.pool, tp_below(rng, FRAMES)));
	assert_true(pb_pagetypeinfo(&tp.pool, text, sizeof(text)) > 0);
	/* nobody has this tag; a pool may have no tags */
	(void)pb_free_owner(&tp.pool, 7, NULL);
	assert_int_equal(pb_get_page_as(&tp.pool, page, "a name"), PB_OK);
	assert_int_equal(pb_put_page_as(&tp.pool, page, "a name"), PB_OK);
	if (tp_below(rng, 2))
		assert_int_equal(pb_split_page(&tp.pool, page, 1), PB_OK);
	else
		assert_int_equal(pb_split_page_as(&tp.pool, page, 1, "a name"), PB_OK);
	assert_int_equal(pb_free_exact(&tp.pool, page, 2), PB_OK);
}

static void call_relay(struct tp_rng *rng)
{
	struct pb_page *page;

	(void)rng;
	for (unsigned int i = 0; i < 8; i++) {
		page = pb_platform_cpu() % 2
			       ? NULL
			       : pb_alloc_pages(&tp.pool, PB_GFP_ATOMIC | PB_GFP_NOWARN,
						PAGEBLOCK_ORDER);
		page = pass_on(page);
		if (page)
			assert_int_equal(pb_free_pages(&tp.pool, page, PAGEBLOCK_ORDER), PB_OK);
	}
}

typedef void call_fn(struct tp_rng *rng);

#define CALL(name)                 \
	{                          \
#name, call_##name \
	}

static const struct {
	const char *name;
	call_fn *call;
} calls[] = {
	CALL(pb_alloc_pages),
	CALL(pb_free_pages),
	CALL(pb_get_page),
	CALL(pb_alloc_exact),
	CALL(pb_alloc_at),
	CALL(pb_alloc_contig),
	CALL(pb_reserve),
	CALL(pb_online),
	CALL(pb_offline),
	CALL(pb_compact),
	CALL(pb_drain),
	CALL(pb_pcp_decay),
	CALL(pb_set_pcp),
	CALL(pb_stats),
	CALL(pb_set_min_free_kbytes),
	CALL(pb_alloc_pages_bulk),
	CALL(pb_split_page),
	CALL(pb_request_pages),
	CALL(pb_page_order),
	CALL(pb_free_owner),
	CALL(pb_request_bulk),
	CALL(pb_address_to_page),
	CALL(pb_offline_logged),
	CALL(pb_grow),
	CALL(pb_remove),
	CALL(relay),
	CALL(pb_report_free),
	CALL(pb_free_pages_cleared),
};

#define NR_CALLS (sizeof(calls) / sizeof(*calls))

/* ------------------------------------------------------------------------- threads */

struct thread {
	pthread_t id;
	call_fn *call;
	unsigned int times;
	struct tp_rng rng;
};

static pthread_barrier_t start_line;

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	pthread_barrier_wait(&start_line);
	while (t->times--)
		t->call(&t->rng);
	return NULL;
}

static void run(struct thread *threads, unsigned int n)
{
	static unsigned int number;

	assert_int_equal(pthread_barrier_init(&start_line, NULL, n), 0);
	for (unsigned int i = 0; i < n; i++) {
		threads[i].rng.state = tp_seed() + number++;
		assert_int_equal(pthread_create(&threads[i].id, NULL, thread_main, &threads[i]), 0);
	}
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&start_line);
}

#define TIMES 24u

static void check_bound(const char *what)
{
	for (unsigned int cpu = 0; cpu <= 2; cpu++) { /* and the depot */
		struct pb_pcp_stat stat;

		if (pb_pcp_stats(&tp.pool, 0, cpu, &stat) == PB_OK)
			tp_require(stat.count <= stat.high, "%s: I16: %d pages of %d", what,
				   stat.count, stat.high);
	}
}

static void run_pairs(enum pb_profile profile, uint32_t flags)
{
	for (unsigned int a = 0; a < NR_CALLS; a++)
		for (unsigned int b = a; b < NR_CALLS; b++) {
			struct thread threads[] = {
				{ .call = calls[a].call, .times = TIMES },
				{ .call = calls[b].call, .times = TIMES },
				{ .call = call_pb_alloc_pages, .times = 4 * TIMES },
			};
			char what[80];

			snprintf(what, sizeof(what), "%s beside %s", calls[a].name, calls[b].name);
			build(profile, flags);
			run(threads, 3);
			if (profile == PB_PROFILE_MODERN)
				check_bound(what);
			drop(what);
		}
}

static void test_every_pair_of_calls(void **state)
{
	(void)state;
	run_pairs(PB_PROFILE_MODERN, 0);
	run_pairs(PB_PROFILE_LINUX, PB_POOL_NO_RSEQ | PB_POOL_OWNERS);
	printf("%zu pairs of calls beside each other in two profiles: 0 bad\n",
	       NR_CALLS * (NR_CALLS + 1) / 2);
}

/* Any of them, from many threads: what ThreadSanitizer finds here is a race that is not
   said to be one. */
static void any_call(struct tp_rng *rng)
{
	calls[tp_below(rng, NR_CALLS)].call(rng);
}

static void run_mixed(const char *name, enum pb_profile profile, uint32_t flags)
{
	struct thread threads[6];
	unsigned int times = (unsigned int)tp_env("PB_BESIDE_MIXED", 200);

	for (unsigned int i = 0; i < 6; i++)
		threads[i] = (struct thread){ .call = any_call, .times = times };
	build(profile, flags);
	run(threads, 6);
	drop(name);
}

static void test_all_calls_mixed(void **state)
{
	static const uint32_t side = PB_POOL_SHARED | PB_POOL_OWNERS;

	(void)state;
	run_mixed("modern", PB_PROFILE_MODERN, 0);
	run_mixed("modern, concurrency ids", PB_PROFILE_MODERN, PB_POOL_CIDS);
	run_mixed("modern, try-lock", PB_PROFILE_MODERN, PB_POOL_NO_RSEQ);
	run_mixed("modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP | PB_POOL_HARDENED);
	run_mixed("modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE);
	run_mixed("modern, shared", PB_PROFILE_MODERN, side);
	run_mixed("linux", PB_PROFILE_LINUX, 0);
	run_mixed("linux, shared", PB_PROFILE_LINUX, side);
}

/* ------------------------------------------------------------------ what once broke */

static struct pb_page *shared_pages[512];

static void get_and_mark(struct tp_rng *rng)
{
	(void)rng;
	for (int i = 0; i < 512; i++) {
		if (i % 64 == 0)
			pthread_barrier_wait(&start_line);
		assert_int_equal(pb_get_page(&tp.pool, shared_pages[i]), PB_OK);
		assert_int_equal(pb_set_movable(&tp.pool, shared_pages[i], i & 1), PB_OK);
	}
}

static void put_all(struct tp_rng *rng)
{
	(void)rng;
	for (int i = 0; i < 512; i++) {
		if (i % 64 == 0)
			pthread_barrier_wait(&start_line);
		assert_int_equal(pb_put_page(&tp.pool, shared_pages[i]), PB_OK);
	}
}

static void test_references_from_threads_are_all_counted(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		struct thread get[] = { { .call = get_and_mark, .times = 1 },
					{ .call = get_and_mark, .times = 1 } };
		struct thread put[] = { { .call = put_all, .times = 1 },
					{ .call = put_all, .times = 1 } };

		build(PB_PROFILE_MODERN, 0);
		for (int i = 0; i < 512; i++)
			shared_pages[i] = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		run(get, 2);
		for (int i = 0; i < 512; i++)
			assert_int_equal(pb_page_count(&tp.pool, shared_pages[i]), 3);
		run(put, 2);
		for (int i = 0; i < 512; i++) {
			assert_int_equal(pb_page_count(&tp.pool, shared_pages[i]), 1);
			assert_int_equal(pb_free_pages(&tp.pool, shared_pages[i], 0), PB_OK);
		}
		drop("references");
	}
}

/* Both ways of a stripe's offline, from two threads in two stripes. */
static void off_and_on(struct tp_rng *rng)
{
	call_pb_offline(rng);
}

static void test_isolation_in_two_stripes_counts_right(void **state)
{
	struct thread threads[] = { { .call = off_and_on, .times = 4000 },
				    { .call = off_and_on, .times = 4000 } };
	struct pb_zone_stat stat;

	(void)state;
	build(PB_PROFILE_MODERN, PB_POOL_NO_PCP);
	run(threads, 2);
	assert_int_equal(pb_zone_stats(&tp.pool, 0, &stat), PB_OK);
	assert_int_equal(stat.nr_isolate_pageblock, 0);
	drop("two stripes");
}

static void online_all(struct tp_rng *rng)
{
	(void)rng;
	assert_int_equal(pb_online(&tp.pool, 0, FRAMES), PB_OK);
}

static void test_a_range_comes_online_once(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 150; round++) {
		struct thread threads[] = { { .call = online_all, .times = 1 },
					    { .call = online_all, .times = 1 } };

		build(PB_PROFILE_MODERN, PB_POOL_ALL_RESERVED);
		run(threads, 2);
		drop("online twice");
	}
}

/* ------------------------------------------------------------ eight on eight blocks */

#define EIGHT 8u
static atomic_ulong failures;
static struct pb_pool *eight_pool;

static void one_of_eight(struct tp_rng *rng)
{
	unsigned int order = 3 - tp_below(rng, 4) / 3; /* mostly a whole block */
	struct pb_page *page = pb_alloc_pages(eight_pool, PB_GFP_KERNEL | PB_GFP_NOWARN, order);

	if (!page) {
		atomic_fetch_add(&failures, 1);
		return;
	}
	assert_int_equal(pb_free_pages(eight_pool, page, order), PB_OK);
}

/* Eight threads, each with one block at most, and eight blocks: one is always there.
   (A thread that looks at a list while another merges found none; up to 37,981 times.) */
static void run_eight(enum pb_profile profile, uint32_t flags)
{
	unsigned long ops = tp_env("PB_BESIDE_OPS", 200000) / EIGHT;
	struct thread threads[EIGHT];

	tp_start(&tp);
	tp.config.profile = (uint8_t)profile;
	tp.config.flags |= flags;
	tp.config.max_order = 3;
	tp.config.pageblock_order = 3;
	tp.config.nr_cpus = 2;
	tp_region(&tp, 0, 8 * EIGHT, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	eight_pool = &tp.pool;
	failures = 0;
	for (unsigned int i = 0; i < EIGHT; i++)
		threads[i] = (struct thread){ .call = one_of_eight, .times = (unsigned int)ops };
	run(threads, EIGHT);
	tp_check(&tp, "eight");
	tp_require(!failures, "%lu of %lu requests failed", (unsigned long)failures, ops * EIGHT);
	tp_drop(&tp);
}

static void test_no_request_fails_while_a_block_is_free(void **state)
{
	(void)state;
	run_eight(PB_PROFILE_MODERN, 0);
	run_eight(PB_PROFILE_MODERN, PB_POOL_NO_RSEQ);
	run_eight(PB_PROFILE_MODERN, PB_POOL_NO_PCP);
	run_eight(PB_PROFILE_LINUX, 0);
	run_eight(PB_PROFILE_LINUX, PB_POOL_NO_PCP);
}

/* ----------------------------------------------------------------- a CPU's stock */

/* All orders and types through one CPU's lists: each may fill, all together not.
   (They held 30,720 pages where `high` was 643.) */
static void run_bound(uint32_t high)
{
	static struct pb_page *pages[1 << 15];
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_HIGHUSER_MOVABLE,
					PB_GFP_KERNEL | PB_GFP_RECLAIMABLE };
	struct pb_pcp_stat stat;

	tp_start(&tp);
	tp.config.nr_cpus = 1;
	tp.config.flags |= PB_POOL_NO_RSEQ; /* so that every CPU shares that one's lists */
	tp_region(&tp, 0, 1 << 17, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
	assert_int_equal(pb_set_pcp(&tp.pool, high, high / 4), PB_OK);
	for (unsigned int i = 0; i < 10 * 3 * 3; i++) {
		unsigned int order = i % 10;
		unsigned long n = 0, most = (1u << 14) >> order;

		while (n < most && (pages[n] = pb_alloc_pages(&tp.pool, gfp[i / 10 % 3], order))) {
			n++;
			assert_int_equal(pb_pcp_stats(&tp.pool, 0, 0, &stat), PB_OK);
			tp_require(stat.count <= stat.high, "%d of %d", stat.count, stat.high);
		}
		while (n--) {
			assert_int_equal(pb_free_pages(&tp.pool, pages[n], order), PB_OK);
			assert_int_equal(pb_pcp_stats(&tp.pool, 0, 0, &stat), PB_OK);
			tp_require(stat.count <= stat.high, "%d of %d", stat.count, stat.high);
		}
	}
	assert_int_equal(pb_pcp_stats(&tp.pool, 0, 0, &stat), PB_OK);
	assert_true(high == 1 || stat.count > 0);
	tp_check(&tp, "bound");
	tp_drop(&tp);
}

static void test_one_cpu_holds_no_more_than_high(void **state)
{
	(void)state;
	run_bound(0);
	run_bound(643);
	run_bound(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references_from_threads_are_all_counted),
		cmocka_unit_test(test_isolation_in_two_stripes_counts_right),
		cmocka_unit_test(test_a_range_comes_online_once),
		cmocka_unit_test(test_no_request_fails_while_a_block_is_free),
		cmocka_unit_test(test_one_cpu_holds_no_more_than_high),
		cmocka_unit_test(test_every_pair_of_calls),
		cmocka_unit_test(test_all_calls_mixed),
	};

	return pb_run_threaded_tests(tests);
}
