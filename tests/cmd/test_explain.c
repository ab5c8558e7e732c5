// SPDX-License-Identifier: MIT
/* Which rule refused a request, and who pins: on constructed machines. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "trace.h"

#define NORMAL 1 /* index of the zone in a machine of make_machine() */

/* Zones DMA (16 MB) and DMA32 (48 MB) with watermarks and reserves. */
static void make_machine(struct builder *builder)
{
	struct pbr_zone *zones;

	builder_init(builder, 64, true);
	zones = builder->input->machine.zones;
	memset(zones[0].start_blocks, 0, sizeof(zones[0].start_blocks));
	memset(zones[1].start_blocks, 0, sizeof(zones[1].start_blocks));
	zones[0].watermark[PB_WMARK_MIN] = 60;
	zones[0].lowmem_reserve[PB_ZONE_DMA32] = 250;
	zones[0].lowmem_reserve[PB_ZONE_NORMAL] = 250;
	zones[0].lowmem_reserve[PB_ZONE_MOVABLE] = 250;
	zones[1].watermark[PB_WMARK_MIN] = 200;
	zones[1].watermark[PB_WMARK_HIGH] = 300;
}

static void explain(struct builder *builder, unsigned int order, uint32_t gfp,
		    struct pbr_explain *result)
{
	struct pbr_input *input = build(builder);
	char error[256] = "";

	if (pbr_explain(input, UINT64_MAX, UINT64_MAX, order, gfp, result, error, sizeof(error)))
		fail_msg("%s", error);
	pbr_unload(input);
}

static void test_plenty_of_memory_succeeds(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[10] = 4;
	explain(&builder, 9, PB_GFP_KERNEL, &result);
	assert_true(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_WOULD_SUCCEED);
	assert_int_equal(result.nr_verdicts, 2);
	assert_int_equal(result.verdicts[0].zone.type, PB_ZONE_DMA32);
	assert_int_equal(result.verdicts[0].greatest_order, 10);
}

static void test_out_of_memory_is_named(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[6] = 3; /* 192 pages, min 200 */
	explain(&builder, 0, PB_GFP_KERNEL, &result);
	assert_false(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_WATERMARK);
	assert_non_null(strstr(result.verdicts[0].text, "192 usable pages"));
	assert_non_null(strstr(result.verdicts[0].text, "takes more than 200"));
}

static void test_fragmentation_is_named_with_the_price_of_compaction(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[5] = 100; /* 3200 pages */
	explain(&builder, 9, PB_GFP_KERNEL, &result);
	assert_false(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_FRAGMENTED);
	assert_int_equal(result.verdicts[0].greatest_order, 5);
	/* spec 12.5: 1000 - (1000 + 3200 * 1000 / 512) / 100 */
	assert_int_equal(result.verdicts[0].now.extfrag[9], 928);
	assert_int_equal(result.verdicts[0].compact_pages, UINT64_MAX);
	assert_non_null(strstr(result.verdicts[0].text, "Compaction can't help"));
}

/* Movable pages between the free ones: compaction could. */
static void test_compaction_counts_the_pages_to_move(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[10] = 4;
	/* Every other page of the last 4096 is taken by something movable but two. */
	for (uint64_t pfn = 12288; pfn < 16384; pfn += 2) {
		bool fixed = pfn % 512 == 0 && pfn != 13312;

		add_event(&builder, PBR_ZONE_LOCKED, pfn, 0, 0, "a");
		add_event(&builder, PBR_ALLOC, pfn, 0,
			  fixed ? PB_GFP_KERNEL : PB_GFP_HIGHUSER_MOVABLE, "a");
	}
	explain(&builder, 9, PB_GFP_KERNEL, &result);
	assert_int_equal(result.rule, PB_SAYS_FRAGMENTED);
	assert_int_equal(result.verdicts[0].greatest_order, 0);
	assert_int_equal(result.verdicts[0].compact_pages, 256);
}

static void test_watermark_is_named_when_a_block_is_there(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[9] = 1;
	builder.input->machine.zones[NORMAL].start_blocks[6] = 2; /* 640 pages */
	explain(&builder, 9, PB_GFP_KERNEL, &result);
	assert_false(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_WATERMARK);
	assert_int_equal(result.verdicts[0].usable, 640 - 511);
	assert_int_equal(result.verdicts[0].greatest_order, 9);
}

/* The boundary of spec 6.2: strictly greater is required. */
static void test_one_page_decides(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[3] = 25; /* 200 pages = min */
	explain(&builder, 0, PB_GFP_KERNEL, &result);
	assert_false(result.succeeds);
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[3] = 25;
	builder.input->machine.zones[NORMAL].start_blocks[0] = 1;
	explain(&builder, 0, PB_GFP_KERNEL, &result);
	assert_true(result.succeeds);
	/* __GFP_HIGH: half of min; __GFP_ATOMIC besides: three quarters of that. */
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[2] = 19; /* 76 > 75 */
	explain(&builder, 0, PB_GFP_ATOMIC, &result);
	assert_int_equal(result.verdicts[0].mark, 75);
	assert_true(result.succeeds);
}

static void test_lowmem_reserve_is_named(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[0].start_blocks[8] = 1; /* 256 > 60, not > 310 */
	explain(&builder, 0, PB_GFP_KERNEL, &result);
	assert_int_equal(result.verdicts[1].rule, PB_SAYS_LOWMEM_RESERVE);
	make_machine(&builder);
	builder.input->machine.zones[0].start_blocks[8] = 1;
	explain(&builder, 0, PB_GFP_DMA, &result); /* the reserve is not against it */
	assert_int_equal(result.nr_verdicts, 1);
	assert_true(result.succeeds);
}

/* Blocks only in a highatomic pageblock. */
static void test_migratetype_is_named(void **state)
{
	struct pbr_event event = { .time = 3000000,
				   .kind = PBR_PCPU_DRAIN,
				   .pfn = 16383,
				   .migratetype = PB_MIGRATE_HIGHATOMIC,
				   .task = PBR_NO_TASK };
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[8] = 1; /* at the top of the zone */
	builder.input->machine.zones[NORMAL].start_blocks[3] = 60;
	assert_true(pbr_loader_event(&builder.loader, event));
	explain(&builder, 5, PB_GFP_KERNEL, &result);
	assert_false(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_HIGHATOMIC);
	assert_int_equal(result.verdicts[0].greatest_order, 3);
	assert_true(result.verdicts[0].highatomic >= 255);
}

static void test_a_recorded_failure_is_asked_just_before_it(void **state)
{
	struct builder builder;
	struct pbr_explain result;
	struct pbr_input *input;
	char error[256];

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[9] = 1; /* 512 pages, limit 200 */
	add_extfrag(&builder, 16128, 0, 8, PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE, false);
	add_event(&builder, PBR_ALLOC, PBR_NO_PFN, 3, PB_GFP_NOWAIT, "unlucky");
	input = build(&builder);
	assert_int_equal(pbr_explain(input, input->events[1].time, 1, 3, PB_GFP_NOWAIT, &result,
				     error, sizeof(error)),
			 0);
	/* 505 > 200 says yes, but the fallback boosted the watermark by up to 512. */
	assert_false(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_WATERMARK);
	assert_non_null(strstr(result.verdicts[0].text, "boosted"));
	/* The same question without the fact that the kernel failed. */
	assert_int_equal(pbr_explain(input, input->events[1].time, UINT64_MAX, 3, PB_GFP_NOWAIT,
				     &result, error, sizeof(error)),
			 0);
	assert_true(result.succeeds);
	assert_int_not_equal(pbr_explain(input, 0, UINT64_MAX, 11, PB_GFP_KERNEL, &result, error,
					 sizeof(error)),
			     0);
	assert_non_null(strstr(error, "order 11"));
	pbr_unload(input);
}

/* A failure, and in front of it what pbwatch saw of the zone with index z. */
static void add_seen(struct builder *builder, unsigned int z, struct pb_zone_state state)
{
	struct pbr_input *input = builder->input;
	struct pbr_event event = { .time = 9000000,
				   .kind = PBR_ZONE_STATE,
				   .pfn = PBR_NO_PFN,
				   .order = 3,
				   .gfp = input->nr_states,
				   .task = pbr_loader_task(&builder->loader, 1, "unlucky") };

	input->states = realloc(input->states, (input->nr_states + 1) * sizeof(*input->states));
	assert_non_null(input->states);
	state.failed = 1;
	state.zone = (uint8_t)input->machine.zones[z].type;
	input->states[input->nr_states++] = state;
	assert_true(pbr_loader_event(&builder->loader, event));
}

static void explain_seen(struct builder *builder, struct pbr_explain *result)
{
	struct pbr_event event = { .time = 9000000,
				   .kind = PBR_ALLOC,
				   .pfn = PBR_NO_PFN,
				   .order = 3,
				   .gfp = PB_GFP_KERNEL,
				   .task = pbr_loader_task(&builder->loader, 1, "unlucky") };
	struct pbr_input *input;
	char error[256] = "";

	assert_true(pbr_loader_event(&builder->loader, event));
	input = build(builder);
	if (pbr_explain(input, event.time, input->nr_events - 1, 3, event.gfp, result, error,
			sizeof(error)))
		fail_msg("%s", error);
	pbr_unload(input);
}

/* The kernel's numbers decide, whatever the rebuilt state says. */
static void test_what_the_kernel_saw_decides(void **state)
{
	const struct pb_zone_state low = { .free = 10, .min = 60, .reserve = 250 };
	struct pb_zone_state seen = { .free = 700, .min = 200, .boost = 512, .lists = { 0xf } };
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	builder.input->machine.zones[NORMAL].start_blocks[9] = 4;
	add_seen(&builder, NORMAL, seen);
	add_seen(&builder, 0, low);
	explain_seen(&builder, &result);
	assert_true(result.seen);
	assert_int_equal(result.rule, PB_SAYS_WATERMARK);
	assert_int_equal(result.other, PB_SAYS_NONE);
	assert_int_equal(result.verdicts[0].boost, 512);

	/* 700 - 7 - 512 reserved = 181: the reserve, which counts whole pageblocks */
	seen.boost = 0;
	seen.highatomic = 512;
	make_machine(&builder);
	add_seen(&builder, NORMAL, seen);
	add_seen(&builder, 0, low);
	explain_seen(&builder, &result);
	assert_int_equal(result.verdicts[0].rule, PB_SAYS_HIGHATOMIC);

	/* Enough, in blocks up to order 2. */
	seen.highatomic = 0;
	seen.lists[PB_MIGRATE_UNMOVABLE] = 0x7;
	make_machine(&builder);
	add_seen(&builder, NORMAL, seen);
	add_seen(&builder, 0, low);
	explain_seen(&builder, &result);
	assert_int_equal(result.rule, PB_SAYS_FRAGMENTED);
	assert_int_equal(result.verdicts[0].greatest_order, 2);
}

/* No record of what it was: what can have been is named, both of it. */
static void test_two_rules_are_named_when_the_trace_cannot_tell(void **state)
{
	struct builder builder;
	struct pbr_explain result;

	(void)state;
	make_machine(&builder);
	/* 1032 - 7 is 825 above the limit: more than a boost of 512, less than boost and reserve */
	builder.input->machine.zones[NORMAL].start_blocks[9] = 2;
	builder.input->machine.zones[NORMAL].start_blocks[3] = 1;
	add_extfrag(&builder, 16128, 0, 8, PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE, false);
	explain_seen(&builder, &result);
	assert_false(result.seen);
	assert_false(result.succeeds);
	assert_int_equal(result.rule, PB_SAYS_WATERMARK);
	assert_int_equal(result.other, PB_SAYS_HIGHATOMIC);
	assert_non_null(strstr(result.verdicts[0].text, "highatomic"));
}

/* --------------------------------------------------------------------- pins */

static const struct pbr_pin_owner *owner_named(const struct pbr_pins *pins, const char *comm)
{
	for (uint32_t i = 0; i < pins->nr_owners; i++)
		if (!strcmp(pins->owners[i].comm, comm))
			return &pins->owners[i];
	fail_msg("no owner %s", comm);
	return NULL;
}

static void take(struct builder *builder, uint64_t pfn, unsigned int order, uint32_t gfp,
		 const char *comm)
{
	add_event(builder, PBR_ZONE_LOCKED, pfn, order, 0, comm);
	add_event(builder, PBR_ALLOC, pfn, order, gfp, comm);
}

static void test_who_pins_is_found_with_the_fallback_that_let_it_in(void **state)
{
	const struct pbr_pin_owner *driver, *app;
	const struct pbr_pin_block *block;
	struct builder builder;
	struct pbr_pins pins;
	struct pbr_input *input;
	char error[256];

	(void)state;
	builder_init(&builder, 64, true);
	take(&builder, 4096, 0, PB_GFP_HIGHUSER_MOVABLE, "app");
	add_extfrag(&builder, 4352, 2, 8, PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE, false);
	take(&builder, 4352, 2, PB_GFP_KERNEL, "driver");  /* beside app's page */
	take(&builder, 8192, 1, PB_GFP_KERNEL, "driver");  /* alone in its pageblock */
	take(&builder, 12288, 9, PB_GFP_KERNEL, "driver"); /* a full pageblock: spoils nothing */
	for (unsigned int i = 0; i < 3; i++)               /* three are not one or two */
		take(&builder, 13312 + 8 * i, 0, PB_GFP_KERNEL, "many");
	input = build(&builder);
	assert_int_equal(pbr_pins(input, UINT64_MAX, &pins, error, sizeof(error)), 0);
	assert_int_equal(pins.whole_pageblocks, 32 - 4);
	assert_int_equal(pins.partial_pageblocks, 3);
	assert_int_equal(pins.full_pageblocks, 1);
	assert_int_equal(pins.nr_blocks, 2);
	block = &pins.blocks[0];
	assert_int_equal(block->pfn, 4096);
	assert_int_equal(block->nr_pins, 1);
	assert_int_equal(block->pin[0].pfn, 4352);
	assert_int_equal(block->pin[0].order, 2);
	assert_int_equal(block->movable_pages, 1);
	assert_int_equal(block->free_pages, 512 - 5);
	assert_true(block->has_fallback);
	assert_int_equal(block->fallback.from_order, 8);
	assert_int_equal(block->fallback.from_type, PB_MIGRATE_MOVABLE);
	assert_int_equal(pins.blocks[1].pfn, 8192);
	assert_false(pins.blocks[1].has_fallback);

	driver = owner_named(&pins, "driver"); /* order 1 or 2: the same comm, other kinds */
	app = owner_named(&pins, "app");
	assert_int_equal(driver->pageblocks, 1);
	assert_int_equal(app->pageblocks, 1);
	assert_int_equal(app->sole, 0);
	assert_int_equal(app->pages, 1);
	assert_int_equal(owner_named(&pins, "many")->sole, 1);
	pbr_pins_clear(&pins);
	pbr_unload(input);
}

static void test_lifetimes_are_measured(void **state)
{
	struct builder builder;
	struct pbr_pins pins;
	struct pbr_input *input;
	char error[256];

	(void)state;
	builder_init(&builder, 64, true);
	for (uint64_t i = 0; i < 100; i++) { /* i-th: born at i, lives 100 us */
		add_event(&builder, PBR_ALLOC, 4096 + i, 0, PB_GFP_KERNEL, "a");
	}
	for (uint64_t i = 0; i < 90; i++)
		add_event(&builder, PBR_FREE, 4096 + i, 0, 0, "a");
	input = build(&builder);
	assert_int_equal(pbr_pins(input, UINT64_MAX, &pins, error, sizeof(error)), 0);
	assert_int_equal(pins.nr_lifetimes, 1);
	assert_int_equal(pins.lifetimes[0].freed, 90);
	assert_int_equal(pins.lifetimes[0].alive, 10);
	assert_int_equal(pins.lifetimes[0].p50, 100000);
	assert_int_equal(pins.lifetimes[0].max, 100000);
	pbr_pins_clear(&pins);
	pbr_unload(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plenty_of_memory_succeeds),
		cmocka_unit_test(test_out_of_memory_is_named),
		cmocka_unit_test(test_fragmentation_is_named_with_the_price_of_compaction),
		cmocka_unit_test(test_compaction_counts_the_pages_to_move),
		cmocka_unit_test(test_watermark_is_named_when_a_block_is_there),
		cmocka_unit_test(test_one_page_decides),
		cmocka_unit_test(test_lowmem_reserve_is_named),
		cmocka_unit_test(test_migratetype_is_named),
		cmocka_unit_test(test_a_recorded_failure_is_asked_just_before_it),
		cmocka_unit_test(test_what_the_kernel_saw_decides),
		cmocka_unit_test(test_two_rules_are_named_when_the_trace_cannot_tell),
		cmocka_unit_test(test_who_pins_is_found_with_the_fallback_that_let_it_in),
		cmocka_unit_test(test_lifetimes_are_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
