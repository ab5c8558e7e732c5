/* SPDX-License-Identifier: MIT */
/*
 * One set of rules: what the core's watermark test lets through is what trace/rules
 * (which judges logs, traces and /proc) says would succeed, on random zones, marks,
 * reserves and requests. The core has 6.12's rules.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include <rules/rules.h>

#include "alloc/gfp.h"
#include "zone/zone.h"

#define BLOCKS 48u /* pageblocks of a zone */
#define ROUNDS 300
#define REQUESTS 400 /* on one zone */

static const uint8_t letters[PB_MIGRATE_TYPES] = {
	[PB_MIGRATE_UNMOVABLE] = PB_LETTER_U,   [PB_MIGRATE_MOVABLE] = PB_LETTER_M,
	[PB_MIGRATE_RECLAIMABLE] = PB_LETTER_E, [PB_MIGRATE_HIGHATOMIC] = PB_LETTER_H,
	[PB_MIGRATE_CMA] = PB_LETTER_C,         [PB_MIGRATE_ISOLATE] = PB_LETTER_I,
};

static enum pb_migratetype random_type(struct tp_rng *rng)
{
	static const enum pb_migratetype rare[] = { PB_MIGRATE_CMA, PB_MIGRATE_HIGHATOMIC,
						    PB_MIGRATE_ISOLATE };

	if (tp_below(rng, 3))
		return (enum pb_migratetype)tp_below(rng, PB_MIGRATE_PCPTYPES);
	return rare[tp_below(rng, 3)];
}

/* Free blocks of random orders on a part of the frames; no two of them can merge. */
static void make_zone(struct tp *tp, struct tp_rng *rng, enum pb_profile profile)
{
	unsigned int top = tp_below(rng, 11);

	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= PB_POOL_NO_PCP | PB_POOL_ALL_RESERVED;
	tp_region(tp, 0, BLOCKS * 512, 0, PB_ZONE_NORMAL);
	tp_build(tp);
	for (unsigned int b = 0; b < BLOCKS; b++) {
		enum pb_migratetype type = random_type(rng);
		unsigned int order = tp_below(rng, (top < 9 ? top : 9) + 1);
		uint64_t pfn = b * 512u + (tp_below(rng, 2) << order) % 512;

		assert_int_equal(pb_state_set_pageblock(&tp->pool, b * 512u, type), PB_OK);
		if (type == PB_MIGRATE_ISOLATE || !tp_below(rng, 4))
			continue;
		for (; pfn + (1u << order) <= (b + 1) * 512u; pfn += 2u << order)
			if (tp_below(rng, 3))
				assert_int_equal(pb_state_add_free(&tp->pool, pfn, order, type),
						 PB_OK);
	}
}

/* Marks around what is free, so that every side of each comparison is met. */
static void set_marks(struct tp *tp, struct tp_rng *rng)
{
	uint32_t free_pages = (uint32_t)tp_free_pages(tp) + 1;
	struct pb_state_zone marks = { .managed = BLOCKS * 512 };

	for (int i = 0; i < PB_NR_WMARK; i++)
		marks.watermark[i] = tp_below(rng, 2 * free_pages);
	marks.boost = tp_below(rng, 2) ? 0 : tp_below(rng, free_pages);
	marks.nr_reserved_highatomic = tp_below(rng, 2) ? 0 : tp_below(rng, free_pages);
	for (int i = 0; i < PB_NR_ZONE_TYPES; i++)
		marks.lowmem_reserve[i] = tp_below(rng, 2) ? 0 : tp_below(rng, free_pages);
	assert_int_equal(pb_state_set_zone(&tp->pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
}

static void describe(const struct tp *tp, const struct zone *zone, struct pb_rule_zone *rule)
{
	const struct pb_pool *pool = &tp->pool;

	*rule = (struct pb_rule_zone){
		.free = zone_vm_free_pages(pool, zone),
		.min = (int64_t)wmark_pages(zone, PB_WMARK_MIN),
		.boost = (int64_t)zone->watermark_boost,
		.free_cma = zone_free_cma(pool, zone),
		.reserved_highatomic = (int64_t)zone->nr_reserved_highatomic,
		.has_lists = true,
		.has_letters = true,
		.nr_orders = pool->max_order + 1,
	};
	for (unsigned int o = 0; o <= pool->max_order; o++) {
		rule->blocks[o] = zone_nr_free(pool, zone, o);
		for (unsigned int t = 0; t < PB_MIGRATE_TYPES; t++)
			for (uint32_t i = 0; i < zone->nr_stripes; i++)
				if (!area_empty(pool, zone_stripe(pool, zone, i), o, t))
					rule->letters[o] |= letters[t];
	}
}

static pb_gfp_t random_gfp(struct tp_rng *rng)
{
	static const pb_gfp_t bits[] = { PB_GFP_HIGH, PB_GFP_DIRECT_RECLAIM, PB_GFP_KSWAPD_RECLAIM,
					 PB_GFP_NOMEMALLOC, PB_GFP_MOVABLE };
	pb_gfp_t gfp = 0;

	for (unsigned int i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (tp_below(rng, 2))
			gfp |= bits[i];
	/* of 6.1's bits, by which the linux profile asks about boost at order 0 */
	if (gfp & PB_GFP_HIGH)
		gfp |= PB_GFP_ATOMIC_BIT;
	return gfp;
}

static void compare(const struct tp *tp, const struct zone *zone, struct tp_rng *rng, int round)
{
	struct pb_rule_request request = { .order = tp_below(rng, 11),
					   .gfp = random_gfp(rng),
					   .release = PB_RELEASE(6, 12, 0) };
	unsigned int class = tp_below(rng, PB_NR_ZONE_TYPES), flags;
	struct pb_rule_result result;
	struct pb_rule_zone rule;
	bool core, rules;

	describe(tp, zone, &rule);
	rule.reserve = (int64_t)zone->lowmem_reserve[class];
	pb_rule_judge(&request, &rule, &result);
	/* the core's test of one page looks at no list: that is for who takes the page */
	rules = request.order ? result.word == PB_SAYS_WOULD_SUCCEED
			      : result.usable > result.mark + result.reserve;
	flags = gfp_to_alloc_flags(&tp->pool, request.gfp, request.order);
	core = zone_watermark_fast(&tp->pool, zone,
				   &(struct wmark_test){ wmark_pages(zone, PB_WMARK_MIN),
							 request.order, class, flags, 0,
							 request.gfp });
	if (core != rules)
		fail_msg("round %d: order %u, gfp 0x%x, class %u: the core says %d, the rules %s "
			 "(usable %lld, mark %lld, reserve %lld)",
			 round, request.order, request.gfp, class, core,
			 pb_verdict_word(result.word), (long long)result.usable,
			 (long long)result.mark, (long long)result.reserve);
}

static void test_core_and_rules_agree(void **state)
{
	struct tp_rng rng = { tp_seed() };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct tp tp;

		make_zone(&tp, &rng, (enum pb_profile)(round % 2));
		for (int i = 0; i < REQUESTS; i++) {
			if (i % 20 == 0)
				set_marks(&tp, &rng);
			compare(&tp, pool_zone(&tp.pool, 0), &rng, round);
		}
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_and_rules_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
