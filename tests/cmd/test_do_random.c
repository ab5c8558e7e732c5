// SPDX-License-Identifier: MIT
/*
 * The language of `case --do` under random texts: half sense, half noise. What is
 * refused names a place inside the text; what is read is performed, and afterwards
 * the pool is valid, each block that is held is the library's, and `free all`
 * leaves memory as it was.
 */

#include "base/pool.h" /* the handle's fields: before the public headers */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/do.h"
#include "support/pool.h"

#define FRAMES 8192
#define MAX_ACTIONS 64
#define SENSE 23 /* of the words: those that are actions */

static const char *const words[] = {
	"alloc 4K",
	"alloc 28K as a",
	"alloc order 3 x 5 as b",
	"alloc 1.5M unmovable",
	"alloc 28K as a",
	"alloc 4K x 9 as b",
	"free a",
	"free b.2",
	"free b every 2",
	"free all",
	"free 1",
	"free 2",
	"fill 60%",
	"drain",
	"compact order 4",
	"free fill",
	"cpu 0",
	"free pfn 8",
	"alloc order 11",
	"alloc order 0 atomic x 40",
	"free fill every 3",
	"set min_free_kbytes 512",
	"set watermark_boost_factor 0",
	"alloc",
	"free",
	"x",
	"as",
	"order",
	"pfn",
	"every",
	"a",
	"b.",
	"b.9-3",
	"-1",
	"99999999999999999999",
	"%",
	"0",
	"\t",
	"\xff",
	"as as",
	"fill 200%",
	"1.7K",
	"Movable-zone",
	"DMA",
};

#define NR_WORDS (sizeof(words) / sizeof(words[0]))

static int set_cpu(void *ctx, unsigned int cpu)
{
	(void)ctx;
	return cpu ? -1 : 0;
}

static int compact(void *ctx, unsigned int order)
{
	return pb_compact(ctx, PB_NO_NODE, order, 1);
}

static bool move(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		 unsigned int order)
{
	(void)ctx;
	(void)pool;
	(void)order;
	(void)from;
	(void)to;
	return false;
}

static void random_text(struct tp_rng *rng, char *text, size_t size)
{
	size_t length = 0;
	uint32_t pieces = 2 + tp_below(rng, 10);

	/* Names that most frees mean are there first. */
	length = (size_t)snprintf(text, size, "alloc 28K as a; alloc 4K x 9 as b; fill 20%%; ");
	for (uint32_t i = 0; i < pieces && length + 48 < size; i++) {
		const char *word = words[tp_below(rng, tp_below(rng, 24) ? SENSE : NR_WORDS)];
		const char *between = tp_below(rng, 24) ? "; " : " ";

		length += (size_t)snprintf(text + length, size - length, "%s%s", word, between);
	}
	if (!tp_below(rng, 8) && length)
		text[tp_below(rng, (uint32_t)length)] = (char)(1 + tp_below(rng, 255));
}

static void perform_all(struct tp *tp, struct do_action *actions, int nr)
{
	static struct do_block blocks[FRAMES];
	struct do_machine machine = { .pool = &tp->pool,
				      .actions = actions,
				      .block = blocks,
				      .room = FRAMES,
				      .set_cpu = set_cpu,
				      .compact = compact,
				      .ctx = &tp->pool };

	for (int i = 0; i < nr; i++) {
		struct do_result result = do_perform(&machine, (size_t)i);

		assert_true(machine.nr <= machine.room);
		assert_true(result.first <= machine.nr);
		tp_check(tp, "after an action");
	}
	for (size_t i = 0; i < machine.nr; i++)
		if (blocks[i].held)
			assert_int_equal(pb_page_order(&tp->pool, blocks[i].page), blocks[i].order);
	for (size_t i = 0; i < machine.nr; i++)
		if (blocks[i].held)
			assert_int_equal(pb_free_pages(&tp->pool, blocks[i].page, blocks[i].order),
					 PB_OK);
	pb_drain(&tp->pool, -1);
	assert_int_equal(tp_free_pages(tp), FRAMES);
}

static void test_any_text_is_refused_or_performed(void **state)
{
	unsigned long rounds = tp_env("PB_DO_ROUNDS", 400), refused = 0;
	struct tp_rng rng = { tp_seed() };
	struct do_action actions[MAX_ACTIONS];
	char text[1024];

	(void)state;
	for (unsigned long round = 0; round < rounds; round++) {
		struct do_error error;
		struct tp tp;
		int nr;

		random_text(&rng, text, sizeof(text));
		nr = do_parse(text, actions, 0, MAX_ACTIONS, false, &error);
		if (nr < 0) {
			assert_true(error.problem > DO_OK && error.problem < DO_NR_PROBLEMS);
			assert_true((size_t)error.at + error.length <= strlen(text));
			refused++;
			continue;
		}
		tp_simple(&tp, FRAMES, tp_below(&rng, 2) ? PB_PROFILE_LINUX : PB_PROFILE_MODERN,
			  tp_below(&rng, 2) ? 0 : PB_POOL_NO_PCP);
		tp.pool.hooks.migrate = move;
		perform_all(&tp, actions, nr);
		tp_drop(&tp);
	}
	print_message("%lu texts, %lu refused\n", rounds, refused);
	assert_true(refused > 0 && refused < rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_text_is_refused_or_performed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
