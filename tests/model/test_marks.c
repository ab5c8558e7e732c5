/* SPDX-License-Identifier: MIT */
/*
 * Free page reporting and cleared pages against an oracle that has the memory: random calls of
 * every kind that hands out or takes back pages, in pools with real memory behind them. The report
 * hook takes memory away (what is in it is lost, or zero), the reuse hook brings it back.
 *
 *	a page handed out    is there, and zero if that was asked for
 *	a page shown         is free, and is there
 *	REPORTED             is what the hook has, page by page
 *	CLEARED              is zero
 *
 *	PB_SEED=n PB_MARKS_OPS=n
 */
#include "block/marks.h" /* before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"

#include "model_port.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES 512u
#define PAGE 4096u
#define HELD 96u

static struct tp tp;
static struct tp_rng rng;
static unsigned char *memory;
static bool there[FRAMES]; /* not: the report hook has it */
static uint32_t owner[FRAMES];
static uint32_t last_owner;
static bool with_reuse;
static uint32_t port_flags;
static unsigned long shown, reused, refused;

static struct held {
	struct pb_page *page;
	unsigned int order;
	uint32_t owner;
} held[HELD];

static unsigned char *address(uint64_t pfn)
{
	return memory + pfn * PAGE;
}

static bool is_zero(uint64_t pfn)
{
	static const unsigned char zero[PAGE];

	return !memcmp(address(pfn), zero, PAGE);
}

/* ---------------------------------------------------------------------- hooks */

static enum pb_reported on_report(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	uint32_t answer = tp_below(&rng, 8);

	(void)ctx, (void)pool;
	tp_require(n && !(n % (1u << tp.config.pageblock_order)) && pfn + n <= FRAMES,
		   "%lu pages from %lu shown", (unsigned long)n, (unsigned long)pfn);
	for (uint64_t i = pfn; i < pfn + n; i++)
		tp_require(!owner[i] && there[i], "pfn %lu shown: owner %u, there %d",
			   (unsigned long)i, owner[i], there[i]);
	if (!answer) {
		refused++;
		return PB_REPORT_REFUSED;
	}
	memset(address(pfn), answer & 1 ? 0xaa : 0, n * PAGE);
	memset(&there[pfn], !with_reuse, n); /* else they come back by themselves */
	shown += n;
	return answer & 1 ? PB_REPORT_TAKEN : PB_REPORT_CLEARED;
}

static void on_reuse(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	for (uint64_t i = pfn; i < pfn + n; i++) {
		tp_require(!there[i], "pfn %lu is told to be used again, and was not reported",
			   (unsigned long)i);
		there[i] = true;
	}
	reused += n;
}

static struct held *holder(const struct pb_page *page)
{
	for (unsigned int i = 0; i < HELD; i++)
		if (held[i].page == page)
			return &held[i];
	return NULL;
}

static void note_owner(uint64_t pfn, unsigned int order, uint32_t who)
{
	for (uint64_t i = pfn; i < pfn + (1u << order); i++)
		owner[i] = who;
}

static bool on_migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		       unsigned int order)
{
	uint64_t a = pb_page_to_pfn(pool, from), b = pb_page_to_pfn(pool, to);
	struct held *h = holder(from);

	(void)ctx;
	if (!h || tp_below(&rng, 16) == 0)
		return false;
	for (uint64_t i = b; i < b + (1u << order); i++)
		tp_require(there[i], "moved to pfn %lu, which isn't there", (unsigned long)i);
	memcpy(address(b), address(a), (size_t)PAGE << order);
	note_owner(a, order, 0);
	note_owner(b, order, h->owner);
	h->page = to;
	return true;
}

/* ------------------------------------------------------------------ operations */

static struct held *free_slot(void)
{
	return holder(NULL);
}

static void take(struct pb_page *page, unsigned int order, pb_gfp_t gfp)
{
	uint64_t pfn = pb_page_to_pfn(&tp.pool, page);
	struct held *h = free_slot();

	*h = (struct held){ page, order, ++last_owner };
	for (uint64_t i = pfn; i < pfn + (1u << order); i++) {
		tp_require(there[i], "pfn %lu is handed out, and isn't there", (unsigned long)i);
		tp_require(!owner[i], "pfn %lu is handed out twice", (unsigned long)i);
		tp_require(!(gfp & PB_GFP_ZERO) || is_zero(i), "pfn %lu should be zero",
			   (unsigned long)i);
		owner[i] = h->owner;
		memset(address(i), (int)(h->owner % 255 + 1), PAGE);
	}
}

static pb_gfp_t some_gfp(void)
{
	static const pb_gfp_t types[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_MOVABLE,
					  PB_GFP_KERNEL | PB_GFP_RECLAIMABLE, PB_GFP_ATOMIC };

	return types[tp_below(&rng, 4)] | PB_GFP_NOWARN | (tp_below(&rng, 2) ? PB_GFP_ZERO : 0);
}

static unsigned int some_order(void)
{
	return tp_below(&rng, 2) ? tp_below(&rng, tp.config.max_order + 1u) : tp_below(&rng, 3);
}

static void op_alloc(void)
{
	unsigned int order = some_order();
	pb_gfp_t gfp = some_gfp();
	struct pb_page *page;

	if (!free_slot())
		return;
	page = pb_alloc_pages(&tp.pool, gfp, order);
	if (page)
		take(page, order, gfp);
}

static void op_alloc_at(void)
{
	unsigned int order = some_order();
	uint64_t pfn = tp_below(&rng, FRAMES) & ~((1u << order) - 1);
	pb_gfp_t gfp = some_gfp();

	if (free_slot() && pb_alloc_at(&tp.pool, pfn, order, gfp) == PB_OK)
		take(pb_pfn_to_page(&tp.pool, pfn), order, gfp);
}

static void op_contig(void)
{
	size_t n = 1 + tp_below(&rng, 3u << tp.config.pageblock_order);
	pb_gfp_t gfp = some_gfp();
	struct pb_page *page = pb_alloc_contig(&tp.pool, n, 1, 0, FRAMES, 0, gfp);
	uint64_t pfn = page ? pb_page_to_pfn(&tp.pool, page) : 0;

	for (uint64_t i = pfn; page && i < pfn + n; i++) {
		tp_require(there[i] && !owner[i], "pfn %lu of a range: owner %u, there %d",
			   (unsigned long)i, owner[i], there[i]);
		tp_require(!(gfp & PB_GFP_ZERO) || is_zero(i), "pfn %lu of a range should be zero",
			   (unsigned long)i);
		memset(address(i), 0x77, PAGE);
	}
	if (page)
		assert_int_equal(pb_free_exact(&tp.pool, page, n), PB_OK);
}

static void op_bulk(void)
{
	struct pb_page *pages[4];
	unsigned int order = some_order();
	pb_gfp_t gfp = some_gfp();
	size_t got = pb_alloc_pages_bulk(&tp.pool, gfp, order, 4, pages);

	for (size_t i = 0; i < got; i++) {
		if (free_slot())
			take(pages[i], order, gfp);
		else
			assert_int_equal(pb_free_pages(&tp.pool, pages[i], order), PB_OK);
	}
}

static void drop(struct held *h)
{
	uint64_t pfn = pb_page_to_pfn(&tp.pool, h->page);
	struct held was = *h;

	for (uint64_t i = pfn; i < pfn + (1u << was.order); i++)
		tp_require(address(i)[PAGE - 1] == was.owner % 255 + 1,
			   "pfn %lu was written to by another", (unsigned long)i);
	note_owner(pfn, was.order, 0);
	h->page = NULL;
	if (tp_below(&rng, 2)) {
		memset(address(pfn), 0, (size_t)PAGE << was.order);
		assert_int_equal(pb_free_pages_cleared(&tp.pool, was.page, was.order), PB_OK);
		return;
	}
	assert_int_equal(pb_free_pages(&tp.pool, was.page, was.order), PB_OK);
}

static void op_free(void)
{
	struct held *h = &held[tp_below(&rng, HELD)];

	if (h->page)
		drop(h);
}

static void op_report(void)
{
	struct pb_report what = { .settled = tp_below(&rng, 2) };
	unsigned long before = shown;
	uint64_t pages;

	if (tp_below(&rng, 2))
		what.order = tp.config.pageblock_order + tp_below(&rng, 3);
	if (what.order > tp.config.max_order)
		what.order = tp.config.max_order;
	if (tp_below(&rng, 2))
		what.pages = 1 + tp_below(&rng, FRAMES);
	assert_int_equal(pb_report_free(&tp.pool, &what, &pages), PB_OK);
	tp_require(pages == shown - before, "%lu pages said to be reported, %lu were",
		   (unsigned long)pages, shown - before);
	tp_require(!what.pages || pages <= what.pages, "%lu pages reported, %lu asked for",
		   (unsigned long)pages, (unsigned long)what.pages);
}

static void op_hotplug(void)
{
	uint64_t n = 1u << tp.config.pageblock_order, pfn = tp_below(&rng, FRAMES) & ~(n - 1);

	if (tp_below(&rng, 2) ? pb_offline(&tp.pool, pfn, pfn + n)
			      : pb_reserve(&tp.pool, pfn, pfn + n))
		return;
	for (uint64_t i = pfn; i < pfn + n; i++) {
		tp_require(there[i], "pfn %lu goes offline, and isn't there", (unsigned long)i);
		memset(address(i), 0x66, PAGE);
	}
	assert_int_equal(pb_online(&tp.pool, pfn, pfn + n), PB_OK);
}

static void op_rarely(void)
{
	switch (tp_below(&rng, 5)) {
	case 0:
		pb_drain(&tp.pool, -1);
		break;
	case 1:
		pb_pcp_decay(&tp.pool);
		break;
	case 2:
		(void)pb_compact(&tp.pool, PB_NO_NODE, tp.config.pageblock_order, FRAMES);
		break;
	case 3:
		op_hotplug();
		break;
	default:
		if (port_flags == MODEL_POOL_FLAGS) /* a sequence knows where it runs */
			model_set_cpu(tp_below(&rng, 2));
	}
}

/* ------------------------------------------------------------------- the state */

static void check_state(const char *where)
{
	struct pb_pool_stat stat;
	uint64_t away = 0;

	tp_check(&tp, where);
	for (uint32_t i = 0; i < FRAMES; i++) {
		u32 marks = pageblock_marks(&tp.pool, i >> tp.config.pageblock_order);

		away += !there[i];
		if (with_reuse)
			tp_require(!there[i] == ((marks & MARK_REPORTED) != 0),
				   "%s: pfn %u: there %d, marks %u", where, i, there[i], marks);
		tp_require(!(marks & MARK_CLEARED) || is_zero(i),
			   "%s: pfn %u is not zero, marks %u", where, i, marks);
	}
	pb_stats(&tp.pool, &stat);
	if (with_reuse)
		assert_int_equal(stat.reported, away);
}

static void start(const struct variant *v, unsigned int pageblock_order, unsigned int max_order)
{
	memset(held, 0, sizeof(held));
	memset(owner, 0, sizeof(owner));
	memset(there, true, sizeof(there));
	memory = aligned_alloc(PAGE, (size_t)FRAMES * PAGE);
	assert_non_null(memory);
	memset(memory, 0x5a, (size_t)FRAMES * PAGE);
	tp_start(&tp);
	tp.config.profile = (uint8_t)v->profile;
	tp.config.flags |= v->flags | port_flags | PB_POOL_REPORTING | PB_POOL_CLEARED;
	tp.config.pageblock_order = (uint8_t)pageblock_order;
	tp.config.max_order = (uint8_t)max_order;
	tp.config.nr_cpus = 2;
	tp.config.linear = memory;
	tp.hooks.report = on_report;
	tp.hooks.reuse = with_reuse ? on_reuse : NULL;
	tp.hooks.migrate = on_migrate;
	tp_region(&tp, 0, FRAMES, 0, PB_ZONE_NORMAL);
	tp_build(&tp);
}

static void finish(const char *name)
{
	for (unsigned int i = 0; i < HELD; i++)
		if (held[i].page)
			drop(&held[i]);
	pb_drain(&tp.pool, -1);
	check_state(name);
	tp_require(tp_free_pages(&tp) == FRAMES, "%s: %ld of %u pages came back", name,
		   (long)tp_free_pages(&tp), FRAMES);
	tp_require(!tp.misuse_calls, "%s: %s", name, tp.misuse_text);
	tp_drop(&tp);
	free(memory);
}

static void run(const struct variant *v, unsigned int pageblock_order, unsigned int max_order)
{
	unsigned long ops = tp_env("PB_MARKS_OPS", 6000);

	start(v, pageblock_order, max_order);
	for (unsigned long i = 0; i < ops; i++) {
		switch (tp_below(&rng, 16)) {
		case 0:
			op_report();
			break;
		case 1:
			op_rarely();
			break;
		case 2:
			op_contig();
			break;
		case 3:
			op_alloc_at();
			break;
		case 4:
			op_bulk();
			break;
		case 5:
		case 6:
		case 7:
		case 8:
		case 9:
			op_alloc();
			break;
		default:
			op_free();
		}
		if (i % 64 == 0)
			check_state(v->name);
	}
	finish(v->name);
}

static void run_all(void)
{
	port_flags = tp_below(&rng, 2) ? MODEL_POOL_FLAGS : 0;
	for_each_variant(v)
	{
		run(v, 3, 6);
		run(v, 4, 4);
		run(v, 0, 3);
		run(v, 2, 9);
	}
}

static void test_nothing_is_handed_out_before_it_is_back(void **state)
{
	(void)state;
	with_reuse = true;
	run_all();
	run_all();
	printf("%lu pages reported, %lu used again, %lu times refused\n", shown, reused, refused);
	assert_true(shown > 0 && reused > 0 && refused > 0);
}

static void test_what_is_reported_comes_back_by_itself(void **state)
{
	(void)state;
	with_reuse = false;
	run_all();
	run_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_handed_out_before_it_is_back),
		cmocka_unit_test(test_what_is_reported_comes_back_by_itself),
	};

	rng.state = tp_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
