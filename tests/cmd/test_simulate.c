// SPDX-License-Identifier: MIT
/* The plan and the simulation, and that they notice what is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "replay/reclaim.h"

/* ------------------------------------------- the library, made to misbehave */

struct pb_page *__real_pb_alloc_pages_nodemask(struct pb_pool *pool, pb_gfp_t gfp,
					       unsigned int order, int node,
					       const pb_nodemask_t *mask, enum pb_reason *why);
struct pb_page *__wrap_pb_alloc_pages_nodemask(struct pb_pool *pool, pb_gfp_t gfp,
					       unsigned int order, int node,
					       const pb_nodemask_t *mask, enum pb_reason *why);

/* The n-th allocation is answered with the page of the one before; 0: never. */
static __thread int lie_at;
static __thread struct pb_page *last_page;

struct pb_page *__wrap_pb_alloc_pages_nodemask(struct pb_pool *pool, pb_gfp_t gfp,
					       unsigned int order, int node,
					       const pb_nodemask_t *mask, enum pb_reason *why)
{
	if (lie_at && !--lie_at)
		return last_page;
	last_page = __real_pb_alloc_pages_nodemask(pool, gfp, order, node, mask, why);
	return last_page;
}

/* ------------------------------------------------------------------ helpers */

static void simulate(const struct pbr_input *input, const struct pbr_settings *settings,
		     struct pbr_run *run)
{
	struct pbr_collect collect = { .samples = 8, .maps = 4, .marks = true };
	char error[256] = "";

	if (pbr_simulate(input, settings, &collect, run, error, sizeof(error)))
		fail_msg("%s", error);
}

static unsigned int seed_of(unsigned int otherwise)
{
	const char *given = getenv("PB_SEED");
	unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 0) : otherwise;

	print_message("PB_SEED=%u\n", seed);
	srand(seed);
	return seed;
}

/* What a kernel with a first-fit bitmap for an allocator would record. */
static uint64_t random_trace(struct builder *builder, uint64_t frames, int events, bool free_all)
{
	uint8_t *used = calloc(1, frames);
	struct {
		uint64_t pfn;
		unsigned int order;
	} *live = calloc((size_t)events, sizeof(*live));
	uint64_t nr = 0, allocated = 0;

	for (int i = 0; i < events; i++) {
		unsigned int order = (unsigned int)__builtin_ctz((unsigned int)rand() | 1 << 9);
		uint64_t size = UINT64_C(1) << order, pfn = 0;

		if (nr && rand() % 100 < 45) {
			uint64_t pick = (uint64_t)rand() % nr;

			add_event(builder, PBR_FREE, live[pick].pfn, live[pick].order, 0, "w");
			memset(&used[live[pick].pfn], 0, (size_t)1 << live[pick].order);
			live[pick] = live[--nr];
			continue;
		}
		while (pfn + size <= frames && memchr(&used[pfn], 1, size))
			pfn += size;
		if (pfn + size > frames)
			continue;
		memset(&used[pfn], 1, size);
		add_event(builder, PBR_ALLOC, pfn, order,
			  rand() % 3 ? PB_GFP_HIGHUSER_MOVABLE : PB_GFP_KERNEL, "w");
		live[nr].pfn = pfn;
		live[nr++].order = order;
		allocated++;
	}
	while (free_all && nr--)
		add_event(builder, PBR_FREE, live[nr].pfn, live[nr].order, 0, "w");
	free(used);
	free(live);
	return allocated;
}

static uint64_t free_at(const struct pbr_run *run, uint32_t sample)
{
	uint64_t pages = 0;

	for (unsigned int z = 0; z < run->nr_zones; z++)
		pages += run->samples[sample].zones[z].free + run->samples[sample].zones[z].pcp;
	return pages;
}

/* --------------------------------------------------------------------- plan */

static void test_a_part_of_a_block_is_freed_after_a_split(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	const struct pbr_plan *plan;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ALLOC, 4096, 2, PB_GFP_KERNEL, "a");
	add_event(&builder, PBR_FREE, 4097, 0, 0, "a");
	add_event(&builder, PBR_FREE, 4098, 1, 0, "a");
	input = build(&builder);
	plan = pbr_priv(input)->plan;
	assert_int_equal(input->problems.partial_frees, 2);
	assert_int_equal(plan->nr_ops, 6);
	assert_int_equal(plan->ops[1].kind, PBR_OP_SPLIT);
	assert_int_equal(plan->ops[2].kind, PBR_OP_PARTS);
	assert_int_equal(plan->ops[3].kind, PBR_OP_FREE);
	assert_int_equal(plan->ops[3].slot, plan->ops[2].slot + 1);
	assert_int_equal(plan->nr_frees, 3);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.frees, 3);
	assert_int_equal(free_at(&run, 0) - free_at(&run, run.nr_samples - 1), 1);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* An operation's step has 12 bits; a pause of more events is an operation of its own. */
static void test_an_operation_far_behind_the_last_one_is_found(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	const struct pbr_plan *plan;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ALLOC, 4096, 2, PB_GFP_KERNEL, "a");
	for (unsigned int i = 0; i < 3 * PBR_MAX_STEP; i++)
		add_event(&builder, PBR_PCPU_DRAIN, 4200, 0, 0, "a");
	add_event(&builder, PBR_FREE, 4096, 2, 0, "b");
	input = build(&builder);
	plan = pbr_priv(input)->plan;
	assert_int_equal(plan->nr_ops, 3);
	assert_int_equal(plan->ops[1].kind, PBR_OP_SKIP);
	assert_int_equal(plan->ops[1].slot + plan->ops[2].step, input->nr_events - 1);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.frees, 1);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* A file may name any frame; one that no machine has is told, and is no failed request. */
static void test_a_pfn_of_more_than_40_bits_is_beyond_the_machine(void **state)
{
	struct pbr_event event = { .kind = PBR_ALLOC };

	(void)state;
	assert_true(pbr_event_place(&event, 5, 1));
	assert_int_equal(event.pfn, 5);
	assert_true(pbr_event_place(&event, UINT64_MAX, 1));
	assert_int_equal(event.kind, PBR_ALLOC);
	assert_int_equal(event.pfn, PBR_NO_PFN);
	assert_false(pbr_event_place(&event, UINT64_C(1) << 40, 1));
	assert_int_equal(event.kind, PBR_OTHER);
	event.kind = PBR_FREE;
	assert_false(pbr_event_place(&event, 5, PBR_MAX_CPUS));
	assert_int_equal(event.kind, PBR_OTHER);
}

static void test_what_a_lost_event_leaves_is_counted(void **state)
{
	struct builder builder;
	struct pbr_input *input;

	(void)state;
	builder_init(&builder, 64, false);
	add_event(&builder, PBR_FREE, 8192, 0, 0, "a"); /* from before the trace */
	add_event(&builder, PBR_PCPU_DRAIN, 8192, 0, 0, "a");
	add_event(&builder, PBR_FREE, 8192, 0, 0, "a"); /* its allocation was lost */
	add_event(&builder, PBR_ALLOC, 4096, 1, PB_GFP_KERNEL, "a");
	add_event(&builder, PBR_ALLOC, 4096, 0, PB_GFP_KERNEL, "a"); /* its free was lost */
	add_event(&builder, PBR_FREE, 4096, 0, 0, "a");
	input = build(&builder);
	assert_int_equal(input->problems.unknown_frees, 1);
	assert_int_equal(input->problems.double_frees, 1);
	assert_int_equal(input->problems.double_allocs, 1);
	assert_int_equal(pbr_priv(input)->plan->nr_allocs, 2);
	assert_int_equal(pbr_priv(input)->plan->nr_frees, 2);
	pbr_unload(input);
}

/* kpageflags at the start: every frame is free. */
static void all_free(struct pbr_input *input)
{
	struct pbr_private *priv = pbr_priv(input);

	priv->runs = calloc(1, sizeof(*priv->runs));
	assert_non_null(priv->runs);
	priv->runs[0] = (struct pbr_frame_run){ 0, MB(64), PBR_IS_FREE };
	priv->nr_runs = 1;
	input->machine.has_free_map = true;
}

/* alloc_pages_bulk() leaves no mm_page_alloc. */
static void test_allocations_without_an_event_are_seen(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ZONE_LOCKED, 4096, 0, 0, "vmalloc");
	add_event(&builder, PBR_FREE, 4096, 0, 0, "vmalloc"); /* was taken in between */
	input = build(&builder);
	assert_int_equal(input->problems.silent_takes, 1);
	assert_int_equal(input->problems.double_frees, 0);
	assert_int_equal(input->problems.unknown_frees, 0);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.allocations, 1);
	assert_int_equal(run.frees, 1);
	assert_int_equal(free_at(&run, run.nr_samples - 1), MB(64));
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* Compaction takes three free frames, moves one page, gives two frames back. */
static void test_a_page_that_compaction_moved_is_the_same_page(void **state)
{
	struct pbr_event compact = { .kind = PBR_COMPACT,
				     .pfn = 8192,
				     .gfp = pbr_compact_word(512, 3) };
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	all_free(builder.input);
	add_event(&builder, PBR_ALLOC, 4096, 0, PB_GFP_HIGHUSER_MOVABLE, "app");
	compact.time = builder.time;
	compact.task = pbr_loader_task(&builder.loader, 2, "compactor");
	assert_true(pbr_loader_event(&builder.loader, compact));
	add_event(&builder, PBR_FREE, 4096, 0, 0, "app");
	builder.input->events[2].task = compact.task; /* where the page was */
	for (uint64_t i = 0; i < 2; i++) {
		add_event(&builder, PBR_FREE, 8192 + i, 0, 0, "app");
		builder.input->events[3 + i].task = compact.task; /* not needed */
	}
	add_event(&builder, PBR_FREE, 8194, 0, 0, "app"); /* where the page is */
	input = build(&builder);
	assert_int_equal(input->problems.moved_pages, 1);
	assert_int_equal(input->problems.silent_takes, 0);
	assert_int_equal(input->problems.double_frees, 0);
	assert_int_equal(input->problems.unknown_frees, 0);
	assert_int_equal(pbr_priv(input)->plan->nr_ops, 2);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.allocations, 1);
	assert_int_equal(run.frees, 1);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* --------------------------------------------------------------- simulation */

static void random_run(enum pb_profile profile, unsigned int cpus)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;
	uint64_t allocated;

	builder_init(&builder, 64, true);
	allocated = random_trace(&builder, MB(40), 6000, true);
	for (uint64_t i = 0; i < builder.input->nr_events; i++)
		builder.input->events[i].cpu = (uint16_t)(i % cpus);
	builder.input->nr_cpus = cpus;
	input = build(&builder);
	pbr_settings_init(&settings);
	settings.profile = profile;
	simulate(input, &settings, &run);
	assert_int_equal(run.double_handouts, 0);
	assert_int_equal(run.failures, 0);
	assert_int_equal(run.allocations, allocated);
	assert_int_equal(run.frees, allocated);
	assert_int_equal(free_at(&run, 0), MB(64));
	assert_int_equal(free_at(&run, run.nr_samples - 1), MB(64));
	assert_true(run.peak_pages > 0 && run.peak_pages <= MB(40));
	assert_true(run.ns_per_op > 0);
	pbr_run_clear(&run);
	pbr_unload(input);
}

static void test_nothing_is_lost_in_a_random_trace(void **state)
{
	(void)state;
	seed_of(4711);
	random_run(PB_PROFILE_LINUX, 1);
	random_run(PB_PROFILE_LINUX, 4);
	random_run(PB_PROFILE_MODERN, 1);
	random_run(PB_PROFILE_MODERN, 4);
}

static void test_a_frame_handed_out_twice_is_noticed(void **state)
{
	struct pbr_collect collect = { .samples = 2 };
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;
	char error[256];

	(void)state;
	builder_init(&builder, 64, true);
	for (uint64_t i = 0; i < 8; i++)
		add_event(&builder, PBR_ALLOC, 4096 + 4 * i, 2, PB_GFP_KERNEL, "a");
	input = build(&builder);
	pbr_settings_init(&settings);
	lie_at = 5;
	assert_int_equal(pbr_simulate(input, &settings, &collect, &run, error, sizeof(error)), 0);
	assert_int_equal(run.double_handouts, 4); /* frames of one order-2 block */
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* More than there is: failures, and nothing else goes wrong. */
static void test_a_machine_that_is_too_small_fails_and_says_so(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;
	char error[256];

	(void)state;
	builder_init(&builder, 64, false);
	for (uint64_t i = 0; i < MB(60); i += 512)
		add_event(&builder, PBR_ALLOC, i, 9, PB_GFP_HIGHUSER_MOVABLE, "a");
	for (uint64_t i = 0; i < MB(60); i += 512)
		add_event(&builder, PBR_FREE, i, 9, 0, "a");
	input = build(&builder);
	pbr_settings_init(&settings);
	assert_int_equal(pbr_settings_parse("memory=32M", &settings, error, sizeof(error)), 0);
	simulate(input, &settings, &run);
	assert_int_equal(run.allocations + run.failures, 30);
	assert_true(run.failures >= 14 && run.failures <= 20);
	assert_int_equal(run.failures_by_order[9], run.failures);
	assert_int_equal(run.skipped_frees, run.failures);
	assert_int_equal(run.frees, run.allocations);
	assert_int_equal(run.nr_marks, run.failures);
	assert_int_equal(run.failures_recorded, 0);
	pbr_run_clear(&run);

	assert_int_equal(pbr_settings_parse("memory=+25%", &settings, error, sizeof(error)), 0);
	simulate(input, &settings, &run);
	assert_int_equal(run.failures, 0);
	assert_int_equal(free_at(&run, 0), MB(80));
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* The trace frees pages that it never allocated; the snapshot says they were in use. */
static void test_pages_from_before_the_trace_are_modelled(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	builder.input->machine.zones[1].start_blocks[10] = 10; /* 8 MB are in use */
	builder.input->machine.zones[1].start_free = 10240;
	add_event(&builder, PBR_FREE, 4096, 3, 0, "a");
	add_event(&builder, PBR_FREE, 5000, 0, 0, "a");
	input = build(&builder);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.unknown_frees, 2);
	assert_int_equal(run.modelled_frees, 2);
	assert_int_equal(free_at(&run, 0), MB(56));
	assert_int_equal(free_at(&run, run.nr_samples - 1), MB(56) + 9);
	pbr_run_clear(&run);
	pbr_unload(input);
}

static void test_a_recorded_failure_is_tried_and_given_back(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_ALLOC, PBR_NO_PFN, 9, PB_GFP_NOWAIT, "a");
	add_event(&builder, PBR_ALLOC, PBR_NO_PFN, 9, PB_GFP_NOWAIT | PB_GFP_DMA | PB_GFP_HIGHMEM,
		  "nonsense flags");
	input = build(&builder);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.failures, 0);
	assert_int_equal(run.misuses, 0);
	assert_int_equal(run.allocations, 0);
	assert_int_equal(free_at(&run, run.nr_samples - 1), MB(64));
	pbr_run_clear(&run);
	pbr_unload(input);
}

static void test_whatif_runs_each_variant_beside_the_baseline(void **state)
{
	static const char *const texts[] = { "profile=modern", "pageblock_order=10,pcp_high=0",
					     "mobility=off", "memory=-25%" };
	struct pbr_settings baseline, variants[4];
	struct pbr_collect collect = { .samples = 16 };
	struct builder builder;
	struct pbr_input *input;
	struct pbr_run runs[5], again;
	char error[256] = "";

	(void)state;
	seed_of(99);
	builder_init(&builder, 64, true);
	random_trace(&builder, MB(40), 3000, false);
	input = build(&builder);
	pbr_settings_init(&baseline);
	for (int i = 0; i < 4; i++) {
		pbr_settings_init(&variants[i]);
		assert_int_equal(pbr_settings_parse(texts[i], &variants[i], error, sizeof(error)),
				 0);
	}
	if (pbr_whatif(input, &baseline, variants, 4, 2, &collect, runs, error, sizeof(error)))
		fail_msg("%s", error);
	assert_string_equal(runs[0].name, "baseline");
	assert_int_equal(runs[2].pageblock_order, 10);
	assert_int_equal(runs[3].fallbacks, 0);
	assert_int_equal(free_at(&runs[4], 0), MB(48));
	for (int i = 0; i < 5; i++)
		assert_int_equal(runs[i].double_handouts, 0);
	/* In a thread or not, the same decisions. */
	simulate(input, &variants[0], &again);
	assert_int_equal(again.fallbacks, runs[1].fallbacks);
	assert_string_equal(again.buddyinfo, runs[1].buddyinfo);
	pbr_run_clear(&again);
	for (int i = 0; i < 5; i++)
		pbr_run_clear(&runs[i]);
	pbr_unload(input);
}

/* Two nodes: a CPU is on the node that it got most of its pages from. */
static void test_cpus_find_their_nodes(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_zone *zones;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, false);
	zones = builder.input->machine.zones;
	zones[0] = (struct pbr_zone){ .node = 0,
				      .type = PB_ZONE_NORMAL,
				      .spanned = 16384,
				      .present = 16384,
				      .managed = 16384 };
	zones[1] = zones[0];
	zones[1].node = 1;
	zones[1].start_pfn = 16384;
	for (uint64_t i = 0; i < 400; i++)
		add_event(&builder, PBR_ALLOC, i % 2 ? i : 16384 + i, 0, PB_GFP_KERNEL, "a");
	for (uint64_t i = 0; i < 400; i++)
		builder.input->events[i].cpu = i % 2 == 0; /* CPU 1 is on node 1 */
	builder.input->nr_cpus = 2;
	input = build(&builder);
	assert_int_equal(pbr_priv(input)->plan->cpu_node[0], 0);
	assert_int_equal(pbr_priv(input)->plan->cpu_node[1], 1);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.failures, 0);
	for (int z = 0; z < 2; z++)
		assert_int_equal(16384 - run.samples[run.nr_samples - 1].zones[z].free -
					 run.samples[run.nr_samples - 1].zones[z].pcp,
				 200);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* ----------------------------------------------------------------- settings */

static void test_bad_settings_are_named(void **state)
{
	static const char *const bad[][2] = {
		{ "profil=modern", "'profil'" },
		{ "profile=best", "profile=best" },
		{ "profile", "KEY=VALUE" },
		{ "pageblock_order=21", "pageblock_order=21" },
		{ "pageblock_order=", "pageblock_order=" },
		{ "watermark_scale_factor=0", "1 to 3000" },
		{ "memory=12", "memory=12" },
		{ "memory=25%", "memory=25%" },
		{ "memory=-100%", "memory=-100%" },
		{ "mobility=maybe", "on or off" },
		{ "pcp_batch=0", "pcp_batch=0" },
		{ "profile=linux,,", "KEY=VALUE" },
		{ "pcp_high=-1", "pcp_high=-1" },
	};
	struct pbr_settings settings;
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pbr_settings_init(&settings);
		assert_int_not_equal(pbr_settings_parse(bad[i][0], &settings, error, sizeof(error)),
				     0);
		if (!strstr(error, bad[i][1]) || strchr(error, '\n'))
			fail_msg("%s: %s", bad[i][0], error);
	}
}

static void test_good_settings_are_taken(void **state)
{
	struct pbr_settings settings;
	char error[256];

	(void)state;
	pbr_settings_init(&settings);
	assert_int_equal(pbr_settings_parse("profile=modern,watermark_boost=0,memory=2G,"
					    "min_free_kbytes=4096,pcp_high=100,pcp_batch=10",
					    &settings, error, sizeof(error)),
			 0);
	assert_int_equal(settings.profile, PB_PROFILE_MODERN);
	assert_int_equal(settings.boost_factor, 0);
	assert_int_equal(settings.memory, UINT64_C(2) << 30);
	assert_int_equal(settings.min_free_kbytes, 4096);
	assert_int_equal(settings.pcp_high, 100);
	assert_int_equal(settings.pcp_batch, 10);
}

/* ------------------------------------------------------------------ reclaim */

static void cache_page(struct builder *builder, uint64_t pfn, uint32_t page_of_file)
{
	add_event(builder, PBR_ALLOC, pfn, 0, PB_GFP_HIGHUSER_MOVABLE, "dd");
	add_event(builder, PBR_CACHE_ADD, pfn, 0, page_of_file, "dd");
}

/* Recorded on a machine with room for 4000 pages of files: kswapd freed the oldest. */
static struct pbr_input *reclaiming(struct builder *builder, uint32_t nr)
{
	builder_init(builder, 64, true);
	add_event(builder, PBR_KSWAPD_WAKE, PBR_NO_PFN, 0, 0, "kswapd0");
	for (uint32_t i = 0; i < nr; i++) {
		if (i >= 4000)
			add_event(builder, PBR_FREE, 4096 + i % 4000, 0, 0, "kswapd0");
		cache_page(builder, 4096 + i % 4000, i + 1);
	}
	add_event(builder, PBR_KSWAPD_SLEEP, PBR_NO_PFN, 0, 0, "kswapd0");
	return build(builder);
}

static uint32_t went[8], nr_went;

static void note_release(void *ctx, uint32_t slot)
{
	(void)ctx;
	went[nr_went++] = slot;
}

/* Five pages, of which the recorded kernel reclaimed 3, then 1; 4 has an owner again. */
static void reclaim_all(bool by_turn)
{
	struct pbr_op ops[] = { { .kind = PBR_OP_RECLAIMED, .slot = 3 },
				{ .kind = PBR_OP_RECLAIMED, .slot = 1 } };
	uint8_t orders[5] = { 0 };
	uint32_t slots[5] = { 1, 2, 3, 4, 5 };
	struct pbr_plan plan = { .ops = ops, .nr_ops = 2, .nr_slots = 5, .slot_order = orders };
	struct pbr_reclaim reclaim;

	plan.rates.direct[0].pages = 1;
	assert_int_equal(pbr_reclaim_init(&reclaim, &plan, NULL, slots, by_turn), 0);
	reclaim.release = note_release;
	nr_went = 0;
	for (uint32_t slot = 0; slot < 5; slot++)
		pbr_reclaim_add(&reclaim, slot);
	pbr_reclaim_add(&reclaim, 0); /* used again: the youngest of its kind */
	pbr_reclaim_drop(&reclaim, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pbr_reclaim_direct(&reclaim, 0), 1);
	assert_int_equal(pbr_reclaim_direct(&reclaim, 0), 0);
	assert_int_equal(reclaim.by_tasks, 4);
	pbr_reclaim_clear(&reclaim);
}

static void test_pages_go_by_age_or_by_their_turn(void **state)
{
	static const uint32_t by_age[] = { 1, 2, 3, 0 }, by_turn[] = { 3, 1, 2, 0 };

	(void)state;
	reclaim_all(false);
	assert_memory_equal(went, by_age, sizeof(by_age));
	reclaim_all(true);
	assert_memory_equal(went, by_turn, sizeof(by_turn));
}

/* As many as there are go in order, whatever became stale meanwhile. */
static void test_a_page_used_often_goes_once(void **state)
{
	enum { NR = 1000, USES = 200 };
	static uint8_t orders[NR];
	static uint32_t slots[NR];
	struct pbr_plan plan = { .nr_slots = NR, .slot_order = orders };
	struct pbr_reclaim reclaim;

	(void)state;
	plan.rates.direct[0].pages = 1;
	assert_int_equal(pbr_reclaim_init(&reclaim, &plan, NULL, slots, false), 0);
	reclaim.release = note_release;
	for (uint32_t use = 0; use < USES; use++)
		for (uint32_t slot = 0; slot < NR; slot++) {
			slots[slot] = slot + 1;
			pbr_reclaim_add(&reclaim, slot);
		}
	assert_false(reclaim.failed);
	assert_true(reclaim.room <= 1 << 17);
	for (uint32_t slot = 0; slot < NR; slot++) {
		nr_went = 0;
		assert_int_equal(pbr_reclaim_direct(&reclaim, 0), 1);
		assert_int_equal(went[0], slot);
	}
	assert_int_equal(pbr_reclaim_direct(&reclaim, 0), 0);
	pbr_reclaim_clear(&reclaim);
}

/* Where there is room, what the recorded kernel reclaimed stays. */
static void test_more_memory_is_filled_by_what_would_have_been_reclaimed(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	input = reclaiming(&builder, 6000);
	assert_true(pbr_priv(input)->plan->has_reclaim);
	assert_int_equal(pbr_priv(input)->plan->rates.kswapd[0].pages, 2000);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_true(run.modelled_reclaim);
	assert_int_equal(run.failures, 0);
	assert_int_equal(run.reclaimed, 0);
	assert_int_equal(free_at(&run, 0) - free_at(&run, run.nr_samples - 1), 6000);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* Where there is not, the oldest go, as many as must; nothing is handed out twice. */
static void test_a_smaller_machine_reclaims(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run, again;

	(void)state;
	input = reclaiming(&builder, 40000);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.failures, 0);
	assert_int_equal(run.double_handouts, 0);
	assert_true(run.reclaimed > 40000 - 16384 && run.reclaimed < 40000 - 8192);
	settings.memory_factor = 0.75;
	simulate(input, &settings, &again);
	assert_int_equal(again.failures, 0);
	assert_true(again.reclaimed >= run.reclaimed + 3500);
	assert_true(again.reclaimed <= run.reclaimed + 4700);
	pbr_run_clear(&again);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* Split, then its turn comes: the parts have owners of their own. */
static void test_a_block_that_was_split_is_not_reclaimed_whole(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	add_event(&builder, PBR_KSWAPD_WAKE, PBR_NO_PFN, 0, 0, "kswapd0");
	add_event(&builder, PBR_ALLOC, 16000, 2, PB_GFP_HIGHUSER_MOVABLE, "dd");
	add_event(&builder, PBR_CACHE_ADD, 16000, 0, 1, "dd");
	add_event(&builder, PBR_FREE, 16001, 0, 0, "dd");
	for (uint32_t i = 0; i < 20000; i++) {
		if (i >= 4000)
			add_event(&builder, PBR_FREE, 4096 + i % 4000, 0, 0, "kswapd0");
		cache_page(&builder, 4096 + i % 4000, i + 2);
	}
	add_event(&builder, PBR_FREE, 16002, 0, 0, "dd");
	input = build(&builder);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run); /* fails if the library refused a call */
	assert_int_equal(run.misuses, 0);
	assert_true(run.reclaimed > 3000);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* Read again after it was reclaimed: where it was not, the cache holds it once. */
static void test_what_is_read_again_is_held_once(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	cache_page(&builder, 4096, 77);
	add_event(&builder, PBR_KSWAPD_WAKE, PBR_NO_PFN, 0, 0, "kswapd0");
	add_event(&builder, PBR_FREE, 4096, 0, 0, "kswapd0");
	cache_page(&builder, 5000, 77);
	input = build(&builder);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(free_at(&run, 0) - free_at(&run, run.nr_samples - 1), 1);
	pbr_run_clear(&run);
	pbr_unload(input);
}

/* Base pages that stood in for a huge one are not asked for where it can be had. */
static void test_a_huge_page_that_can_be_had_replaces_its_parts(void **state)
{
	struct builder builder;
	struct pbr_settings settings;
	struct pbr_input *input;
	struct pbr_run run;

	(void)state;
	builder_init(&builder, 64, true);
	cache_page(&builder, 4095, 1);
	add_event(&builder, PBR_KSWAPD_WAKE, PBR_NO_PFN, 0, 0, "kswapd0");
	add_event(&builder, PBR_ALLOC, PBR_NO_PFN, 9, PB_GFP_TRANSHUGE_LIGHT, "dd");
	for (unsigned int i = 0; i < 512; i++)
		add_event(&builder, PBR_ALLOC, 8192 + i, 0, PB_GFP_HIGHUSER_MOVABLE, "dd");
	input = build(&builder);
	pbr_settings_init(&settings);
	simulate(input, &settings, &run);
	assert_int_equal(run.failures, 0);
	assert_int_equal(run.by_order[0], 1);
	assert_int_equal(free_at(&run, 0) - free_at(&run, run.nr_samples - 1), 513);
	pbr_run_clear(&run);
	pbr_unload(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_part_of_a_block_is_freed_after_a_split),
		cmocka_unit_test(test_an_operation_far_behind_the_last_one_is_found),
		cmocka_unit_test(test_a_pfn_of_more_than_40_bits_is_beyond_the_machine),
		cmocka_unit_test(test_what_a_lost_event_leaves_is_counted),
		cmocka_unit_test(test_allocations_without_an_event_are_seen),
		cmocka_unit_test(test_a_page_that_compaction_moved_is_the_same_page),
		cmocka_unit_test(test_nothing_is_lost_in_a_random_trace),
		cmocka_unit_test(test_a_frame_handed_out_twice_is_noticed),
		cmocka_unit_test(test_a_machine_that_is_too_small_fails_and_says_so),
		cmocka_unit_test(test_pages_from_before_the_trace_are_modelled),
		cmocka_unit_test(test_a_recorded_failure_is_tried_and_given_back),
		cmocka_unit_test(test_cpus_find_their_nodes),
		cmocka_unit_test(test_whatif_runs_each_variant_beside_the_baseline),
		cmocka_unit_test(test_pages_go_by_age_or_by_their_turn),
		cmocka_unit_test(test_a_page_used_often_goes_once),
		cmocka_unit_test(test_more_memory_is_filled_by_what_would_have_been_reclaimed),
		cmocka_unit_test(test_a_smaller_machine_reclaims),
		cmocka_unit_test(test_what_is_read_again_is_held_once),
		cmocka_unit_test(test_a_block_that_was_split_is_not_reclaimed_whole),
		cmocka_unit_test(test_a_huge_page_that_can_be_had_replaces_its_parts),
		cmocka_unit_test(test_bad_settings_are_named),
		cmocka_unit_test(test_good_settings_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
