/* SPDX-License-Identifier: MIT */
/*
 * The linux profile beside an independent model of Linux's free lists: the same
 * pfn for every request, and every list equal entry by entry.
 */
#include "lists.h"
#include "support/cmocka.h"

#include <string.h>

struct shape {
	uint32_t start, end;
	unsigned int max_order, pageblock_order;
};

static const struct shape shapes[] = {
	{ 0, 4096, 10, 9 }, { 0, 1024, 6, 3 },   { 5, 3001, 10, 9 },
	{ 0, 512, 4, 4 },   { 700, 1500, 8, 6 }, { 0, 256, 5, 0 },
};

struct pair {
	struct tp tp;
	struct lz z;
	uint16_t owned[LZ_FRAMES];
	uint8_t order[LZ_FRAMES];
	unsigned int nr_owned;
	unsigned long ops;
};

static void compare_list(struct pair *p, unsigned int order, enum pb_migratetype type)
{
	static uint64_t pfns[LZ_FRAMES];
	const struct lz_list *want = &p->z.list[order][type];
	size_t n = tp_list(&p->tp, PB_ZONE_NORMAL, order, type, pfns, LZ_FRAMES);

	if (n != want->n)
		fail_msg("operation %lu: order %u type %d: %zu blocks, model %u", p->ops, order,
			 type, n, want->n);
	for (size_t i = 0; i < n; i++)
		if (pfns[i] != want->pfn[i])
			fail_msg("operation %lu: order %u type %d entry %zu: pfn %lu, model %u",
				 p->ops, order, type, i, (unsigned long)pfns[i], want->pfn[i]);
}

static void compare(struct pair *p)
{
	for (unsigned int order = 0; order <= p->z.max_order; order++)
		for (int type = 0; type < LZ_TYPES; type++)
			compare_list(p, order, (enum pb_migratetype)type);
	for (uint32_t pfn = p->z.start; pfn < p->z.end; pfn++)
		if (pb_pageblock_type(&p->tp.pool, pfn) !=
		    p->z.pageblock[pfn >> p->z.pageblock_order])
			fail_msg("operation %lu: type of the pageblock of pfn %u", p->ops, pfn);
	tp_check(&p->tp, "lists");
}

static void do_alloc(struct pair *p, struct tp_rng *rng)
{
	static const pb_gfp_t bits[] = { 0, PB_GFP_MOVABLE, PB_GFP_RECLAIMABLE };
	unsigned int order = 0, type = tp_below(rng, 3);
	struct pb_page *page;
	uint32_t want;

	while (order < p->z.max_order && tp_below(rng, 5) < 2)
		order++;
	want = lz_alloc(&p->z, order, type);
	page = pb_alloc_pages(&p->tp.pool, PB_GFP_KERNEL | PB_GFP_NOWARN | bits[type], order);
	if (!page && want == LZ_NONE)
		return;
	if (!page || pb_page_to_pfn(&p->tp.pool, page) != want)
		fail_msg("operation %lu: order %u type %u: pfn %ld, model %d", p->ops, order, type,
			 page ? (long)pb_page_to_pfn(&p->tp.pool, page) : -1, (int)want);
	p->order[want] = (uint8_t)order;
	p->owned[p->nr_owned++] = (uint16_t)want;
	if (order == 0 && type == 1 && tp_below(rng, 2)) {
		p->z.movable[want] = 1;
		assert_int_equal(pb_set_movable(&p->tp.pool, page, true), PB_OK);
	}
}

static void do_free(struct pair *p, uint32_t n)
{
	uint32_t pfn = p->owned[n];

	p->owned[n] = p->owned[--p->nr_owned];
	lz_free(&p->z, pfn, p->order[pfn]);
	assert_int_equal(
		pb_free_pages(&p->tp.pool, pb_pfn_to_page(&p->tp.pool, pfn), p->order[pfn]), PB_OK);
}

static void run(const struct shape *shape, struct tp_rng *rng, unsigned long ops)
{
	static struct pair p;
	bool grow = true;

	memset(&p, 0, sizeof(p));
	tp_start(&p.tp);
	p.tp.config.profile = PB_PROFILE_LINUX;
	p.tp.config.flags |= PB_POOL_NO_PCP | PB_POOL_MOVABLE_EXPLICIT;
	p.tp.config.max_order = (uint8_t)shape->max_order;
	p.tp.config.pageblock_order = (uint8_t)shape->pageblock_order;
	tp_region(&p.tp, shape->start, shape->end, 0, PB_ZONE_NORMAL);
	tp_build(&p.tp);
	lz_init(&p.z, shape->start, shape->end, shape->max_order, shape->pageblock_order);
	compare(&p);
	for (p.ops = 0; p.ops < ops; p.ops++) {
		if (tp_below(rng, 400) == 0)
			grow = !grow;
		if (tp_below(rng, 10) < (grow ? 7 : 3) || !p.nr_owned)
			do_alloc(&p, rng);
		else
			do_free(&p, tp_below(rng, p.nr_owned));
		if (p.ops % 16 == 0 || p.ops < 2000)
			compare(&p);
	}
	while (p.nr_owned)
		do_free(&p, 0);
	compare(&p);
	tp_drop(&p.tp);
}

static void test_lists_are_those_of_the_model_after_random_operations(void **state)
{
	struct tp_rng rng = { tp_seed() };
	unsigned long ops = tp_env("PB_LIST_OPS", 100000);

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		run(&shapes[i], &rng, ops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_are_those_of_the_model_after_random_operations),
	};

	return pb_run_tests(tests);
}
