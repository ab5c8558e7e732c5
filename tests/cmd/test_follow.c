// SPDX-License-Identifier: MIT
/* The recorded kernel's state, rebuilt from hand-made events. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

#define DMA 0
#define DMA32 1

static void test_geometry_numbers_every_frame_once(void **state)
{
	struct pbr_zone zones[2] = { { .start_pfn = 1, .spanned = 4095 },
				     { .start_pfn = 4096, .spanned = 28640, .node = 1 } };
	struct pbr_geometry geo;

	(void)state;
	assert_true(pbr_geometry_init(&geo, zones, 2, 10));
	assert_int_equal(geo.nr_frames, 4096 + 28672);
	assert_int_equal(pbr_frame(&geo, 0), PBR_NO_FRAME);
	assert_int_equal(pbr_frame(&geo, 1), 1);
	assert_int_equal(pbr_frame(&geo, 32736), PBR_NO_FRAME);
	assert_int_equal(pbr_block(&geo, 32704, 5), 32704);
	assert_int_equal(pbr_block(&geo, 32704, 6), PBR_NO_FRAME);
	for (uint64_t pfn = 1; pfn < 32736; pfn++)
		assert_int_equal(pbr_pfn(&geo, pbr_frame(&geo, pfn)), pfn);
	assert_int_equal(pbr_frame_zone(&geo, 4095), 0);
	assert_int_equal(pbr_frame_zone(&geo, 4096), 1);
	assert_false(pbr_frame_present(&geo, 0));
	assert_true(pbr_frame_present(&geo, 1));
}

static void test_start_state_is_buddyinfo_when_no_event_contradicts(void **state)
{
	struct builder builder;
	struct pbr_input *input;
	struct pbr_world world;
	struct pbr_zone *zone;

	(void)state;
	builder_init(&builder, 64, true);
	zone = &builder.input->machine.zones[DMA32];
	memset(zone->start_blocks, 0, sizeof(zone->start_blocks));
	for (unsigned int o = 0; o <= 10; o++)
		zone->start_blocks[o] = 3 + o % 3;
	input = build(&builder);
	assert_int_equal(pbr_world_init(&world, input), 0);
	for (unsigned int o = 0; o <= 10; o++)
		assert_int_equal(world.blocks[DMA32][o], 3 + o % 3);
	assert_int_equal(world.blocks[DMA][10], 4);
	pbr_world_clear(&world);
	pbr_unload(input);
}

static void test_a_page_goes_round_and_everything_merges_again(void **state)
{
	struct builder builder;
	struct pbr_input *input;
	struct pbr_world world;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 4096, 0, 0, "a");
	add_event(&builder, PBR_ALLOC, 4096, 0, PB_GFP_KERNEL, "a");
	add_event(&builder, PBR_FREE, 4096, 0, 0, "a");
	add_event(&builder, PBR_PCPU_DRAIN, 4096, 0, 0, "a");
	input = build(&builder);
	assert_int_equal(pbr_world_init(&world, input), 0);

	assert_int_equal(world.free[DMA32], 12288);
	pbr_world_apply(&world, 0);
	assert_int_equal(world.free[DMA32], 12287);
	assert_int_equal(world.pcp[DMA32], 1);
	for (unsigned int o = 0; o <= 9; o++)
		assert_int_equal(world.blocks[DMA32][o], 1);
	assert_int_equal(world.blocks[DMA32][10], 11);
	pbr_world_apply(&world, 1);
	assert_int_equal(world.pcp[DMA32], 0);
	assert_int_equal(world.in_use, 1);
	pbr_world_apply(&world, 2);
	assert_int_equal(world.pcp[DMA32], 1);
	assert_int_equal(world.in_use, 0);
	pbr_world_apply(&world, 3);
	assert_int_equal(world.free[DMA32], 12288);
	assert_int_equal(world.blocks[DMA32][10], 12);
	assert_int_equal(world.blocks[DMA32][0], 0);
	assert_int_equal(world.silent_takes, 0);
	pbr_world_clear(&world);
	pbr_unload(input);
}

/* Orders that the kernel never drained have no per-CPU lists. */
static void test_a_large_block_goes_straight_back(void **state)
{
	struct pbr_collect collect = { .marks = true };
	struct builder builder;
	struct pbr_input *input;
	struct pbr_run run;
	char error[128];

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 8192, 5, 0, "a");
	add_event(&builder, PBR_ALLOC, 8192, 5, PB_GFP_KERNEL, "a");
	add_event(&builder, PBR_FREE, 8192, 5, 0, "a");
	input = build(&builder);
	input->machine.has_end = true;
	input->machine.zones[DMA].end_free = 4096;
	input->machine.zones[DMA].end_blocks[10] = 4;
	input->machine.zones[DMA32].end_free = 12288 - 100;
	input->machine.zones[DMA32].end_blocks[10] = 11;
	assert_int_equal(pbr_follow(input, &collect, &run, error, sizeof(error)), 0);
	assert_int_equal(run.end_free_pages, 16384);
	assert_int_equal(run.snapshot_free_pages, 16284);
	assert_true(run.difference_percent > 0.61 && run.difference_percent < 0.62);
	assert_int_equal(run.per_order_rebuilt[10], 16);
	assert_int_equal(run.per_order_snapshot[10], 15);
	assert_int_equal(run.peak_pages, 32);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* Compaction took a frame without an event; its free is the first we hear of it. */
static void test_a_silent_take_is_put_right_when_it_is_freed(void **state)
{
	struct builder builder;
	struct pbr_input *input;
	struct pbr_world world;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 4096, 0, 0, "a");
	add_event(&builder, PBR_PCPU_DRAIN, 4096, 0, 0, "a");
	add_event(&builder, PBR_FREE, 4096, 0, 0, "a");
	add_event(&builder, PBR_PCPU_DRAIN, 4096, 0, 0, "a");
	input = build(&builder);
	assert_int_equal(pbr_world_init(&world, input), 0);
	for (uint32_t i = 0; i < 3; i++)
		pbr_world_apply(&world, i);
	assert_int_equal(world.silent_takes, 1);
	assert_int_equal(world.free[DMA32], 12287);
	pbr_world_apply(&world, 3);
	assert_int_equal(world.free[DMA32], 12288);
	assert_int_equal(world.blocks[DMA32][10], 12);
	pbr_world_clear(&world);
	pbr_unload(input);
}

static void test_compaction_takes_the_frames_it_says(void **state)
{
	struct pbr_event event = { .time = 2000000,
				   .kind = PBR_COMPACT,
				   .pfn = 4096,
				   .task = PBR_NO_TASK,
				   .gfp = pbr_compact_word(512, 40) };
	struct builder builder;
	struct pbr_input *input;
	struct pbr_world world;

	(void)state;
	builder_init(&builder, 64, true);
	assert_true(pbr_loader_event(&builder.loader, event));
	input = build(&builder);
	assert_int_equal(pbr_world_init(&world, input), 0);
	pbr_world_apply(&world, 0);
	assert_int_equal(world.free[DMA32], 12288 - 40);
	assert_int_equal(world.in_use, 40);
	pbr_world_clear(&world);
	pbr_unload(input);
}

/* A free block's frames against its counters, from the outside. */
static void check_world(const struct pbr_world *world)
{
	uint64_t blocks[PBR_ORDERS] = { 0 }, covered = 0, free = 0;

	for (uint32_t i = 0; i < world->geo->nr_frames; i++) {
		free += world->state[i] == PBR_IS_FREE;
		if (world->head[i] == 255)
			continue;
		blocks[world->head[i]]++;
		covered += UINT64_C(1) << world->head[i];
		assert_int_equal(i & ((1u << world->head[i]) - 1), 0);
		for (uint32_t n = i; n < i + (1u << world->head[i]); n++)
			assert_int_equal(world->state[n], PBR_IS_FREE);
		if (world->head[i] < world->max_order) /* or they would have merged */
			assert_int_not_equal(world->head[i ^ (1u << world->head[i])],
					     world->head[i]);
	}
	assert_int_equal(covered, free);
	assert_int_equal(free, world->free[0] + world->free[1]);
	for (unsigned int o = 0; o <= world->max_order; o++)
		assert_int_equal(blocks[o], world->blocks[0][o] + world->blocks[1][o]);
}

/* Whatever a broken trace says, the rebuilt state stays one. */
static void test_world_is_consistent_after_random_events(void **state)
{
	static const enum pbr_kind kinds[] = { PBR_ALLOC, PBR_FREE, PBR_ZONE_LOCKED,
					       PBR_PCPU_DRAIN };
	const char *given = getenv("PB_SEED");
	unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 0) : 20240117u;
	struct builder builder;
	struct pbr_input *input;
	struct pbr_world world;

	(void)state;
	print_message("PB_SEED=%u\n", seed);
	srand(seed);
	builder_init(&builder, 24, true);
	for (int i = 0; i < 4000; i++) {
		unsigned int order = (unsigned int)rand() % 11;
		uint64_t pfn = ((uint64_t)rand() % 6144) & ~((UINT64_C(1) << order) - 1);

		add_event(&builder, kinds[rand() % 4], pfn, order,
			  rand() % 2 ? PB_GFP_KERNEL : PB_GFP_HIGHUSER_MOVABLE, "r");
	}
	input = build(&builder);
	assert_int_equal(pbr_world_init(&world, input), 0);
	check_world(&world);
	for (uint32_t i = 0; i < input->nr_events; i++) {
		pbr_world_apply(&world, i);
		if (i % 16 == 0)
			check_world(&world);
	}
	check_world(&world);
	pbr_world_clear(&world);
	pbr_unload(input);
}

/* From 6.12 on a claim is told with the page that the request got, anywhere in the pageblock;
   its fallback_order is that of the block that was found. */
static void test_a_claim_of_6_12_names_a_page_inside_the_pageblock(void **state)
{
	struct builder builder;
	struct pbr_input *input;
	struct pbr_world world;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 0x24fa, 0, 0, "a");
	add_extfrag(&builder, 0x24fa, 0, 8, PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE, true);
	input = build(&builder);
	assert_int_equal(input->problems.beyond_machine, 0);
	assert_int_equal(pbr_world_init(&world, input), 0);
	pbr_world_apply(&world, 0);
	pbr_world_apply(&world, 1);
	assert_int_equal(world.fallbacks, 1);
	assert_int_equal(world.claims, 1);
	assert_int_equal(world.block_type[pbr_frame(world.geo, 0x24fa) >> 9], PB_MIGRATE_UNMOVABLE);
	pbr_world_clear(&world);
	pbr_unload(input);
}

/* At two moments as many pages are free as in the snapshot, at the second in the same pieces. */
static void test_the_snapshot_is_where_pages_and_pieces_agree(void **state)
{
	struct pbr_collect collect = { 0 };
	struct builder builder;
	struct pbr_input *input;
	struct pbr_run run;
	char error[128];

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 8192, 0, 0, "a");
	add_event(&builder, PBR_ZONE_LOCKED, 8194, 0, 0, "a");
	add_event(&builder, PBR_ZONE_LOCKED, 8193, 0, 0, "a"); /* 2 out of 4, apart ... */
	add_event(&builder, PBR_PCPU_DRAIN, 8194, 0, 0, "a");  /* ... and as a pair */
	input = build(&builder);
	input->snapshot_from = input->start_time;
	input->snapshot_to = input->end_time;
	input->machine.has_end = true;
	input->machine.zones[DMA].end_free = 4096;
	input->machine.zones[DMA].end_blocks[10] = 4;
	input->machine.zones[DMA32].end_free = 12288 - 2;
	input->machine.zones[DMA32].end_blocks[10] = 11;
	for (unsigned int o = 1; o < 10; o++)
		input->machine.zones[DMA32].end_blocks[o] = 1;
	assert_int_equal(pbr_follow(input, &collect, &run, error, sizeof(error)), 0);
	assert_int_equal(run.end_free_pages, run.snapshot_free_pages);
	for (unsigned int o = 0; o <= 10; o++)
		assert_int_equal(run.per_order_rebuilt[o], run.per_order_snapshot[o]);
	pbr_run_clear(&run);
	pbr_unload(input);
}

static void test_events_beyond_the_machine_are_counted_and_skipped(void **state)
{
	struct pbr_collect collect = { .samples = 2 };
	struct builder builder;
	struct pbr_input *input;
	struct pbr_run run;
	char error[128];

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ALLOC, 16384, 0, PB_GFP_KERNEL, "a"); /* one past the end */
	add_event(&builder, PBR_ALLOC, 16383, 1, PB_GFP_KERNEL, "a"); /* not aligned */
	add_event(&builder, PBR_ALLOC, 4096, 11, PB_GFP_KERNEL, "a"); /* no such order */
	add_event(&builder, PBR_ALLOC, 16383, 0, PB_GFP_KERNEL, "a"); /* the last page */
	input = build(&builder);
	assert_int_equal(input->problems.beyond_machine, 3);
	assert_int_equal(input->problems.total, 3);
	assert_int_equal(input->problems.nr_first, 3);
	assert_int_equal(pbr_follow(input, &collect, &run, error, sizeof(error)), 0);
	assert_int_equal(run.allocations, 1);
	pbr_run_clear(&run);
	pbr_unload(input);
}

static void test_samples_and_marks_are_where_they_happened(void **state)
{
	struct pbr_collect collect = { .samples = 3, .maps = 3, .marks = true };
	struct builder builder;
	struct pbr_input *input;
	struct pbr_run run;
	char error[128];

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 4096, 9, 0, "early"); /* + 0 us */
	add_event(&builder, PBR_ALLOC, 4096, 9, PB_GFP_KERNEL, "early");
	add_extfrag(&builder, 5120, 3, 10, PB_MIGRATE_UNMOVABLE, PB_MIGRATE_MOVABLE, true);
	add_event(&builder, PBR_ALLOC, PBR_NO_PFN, 9, PB_GFP_NOWAIT, "late");
	add_event(&builder, PBR_FREE, 4096, 9, 0, "late"); /* + 4 us */
	input = build(&builder);
	assert_int_equal(pbr_follow(input, &collect, &run, error, sizeof(error)), 0);
	assert_int_equal(run.nr_samples, 3);
	assert_int_equal(run.samples[0].zones[DMA32].free, 12288);
	assert_int_equal(run.samples[1].zones[DMA32].free, 12288 - 512);
	assert_int_equal(run.samples[2].zones[DMA32].free, 12288);
	assert_int_equal(run.samples[1].zones[DMA32].free_2m, 23);
	assert_int_equal(run.nr_marks, 2);
	assert_int_equal(run.marks[0].kind, PBR_MARK_FALLBACK_CLAIM);
	assert_int_equal(run.marks[1].kind, PBR_MARK_FAILURE);
	assert_int_equal(run.marks[1].time, 1003000);
	assert_int_equal(run.failures, 1);
	assert_int_equal(run.failures_by_order[9], 1);
	/* The pageblock at pfn 4096 is the ninth: 8 of zone DMA come first. */
	assert_int_equal(run.zone_first_cell[DMA32], 8);
	assert_int_equal(run.maps[0].cells[8].used, 0);
	assert_int_equal(run.maps[1].cells[8].used, 255);
	assert_int_equal(run.maps[1].cells[8].unmovable, 255);
	assert_string_equal(input->tasks[run.maps[1].cells[8].owner].comm, "early");
	assert_int_equal(run.maps[2].cells[10].migratetype, PB_MIGRATE_UNMOVABLE);
	assert_int_equal(run.maps[2].cells[11].migratetype, PB_MIGRATE_UNMOVABLE);
	pbr_run_clear(&run);
	pbr_unload(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometry_numbers_every_frame_once),
		cmocka_unit_test(test_start_state_is_buddyinfo_when_no_event_contradicts),
		cmocka_unit_test(test_a_page_goes_round_and_everything_merges_again),
		cmocka_unit_test(test_a_large_block_goes_straight_back),
		cmocka_unit_test(test_a_silent_take_is_put_right_when_it_is_freed),
		cmocka_unit_test(test_compaction_takes_the_frames_it_says),
		cmocka_unit_test(test_world_is_consistent_after_random_events),
		cmocka_unit_test(test_a_claim_of_6_12_names_a_page_inside_the_pageblock),
		cmocka_unit_test(test_the_snapshot_is_where_pages_and_pieces_agree),
		cmocka_unit_test(test_events_beyond_the_machine_are_counted_and_skipped),
		cmocka_unit_test(test_samples_and_marks_are_where_they_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
