/* SPDX-License-Identifier: MIT */
/*
 * Two or three operations at once, under every interleaving of their scheduling
 * points with a bounded number of preemptions. After each run: every invariant,
 * no page with two owners, nothing lost. No exploration is cut: the bounds are such
 * that all their schedules are run.
 *
 * Scheduling points are the entries of the port; with SCHED_ACCESSES, every load and
 * store of the pool's memory too.
 */
#include "block/marks.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 32

struct scene {
	struct tp tp;
	const struct variant *variant;
	uint32_t cpus;
	void (*prepare)(struct scene *scene);
	void (*thread)(struct scene *scene, unsigned int number);
	struct pb_page *page[PB_TEST_THREADS][SLOTS]; /* what each thread holds */
	unsigned int order[PB_TEST_THREADS][SLOTS];
	unsigned int failed; /* allocations that returned NULL */
	unsigned int may_fail;
	char wrong[TP_LINE];
};

#define FRAMES 64u
#define ALL_FRAMES (FRAMES + 32u) /* with what may come: two spans */
#define DEPOT_FRAMES 256u         /* so many that stacks hold whole pageblocks */

static bool may_grow;   /* the scenes have room for that */
static bool with_depot; /* scenes of blocks that go by it; no other variants */
static bool drains;     /* one thread drains: there is nothing in the depot at the end */

static uint64_t scene_frames(void)
{
	return with_depot ? DEPOT_FRAMES : FRAMES;
}

/* ------------------------------------------------------- free memory that is reported */

static bool reporting;        /* the scenes have hooks that take free memory away */
static bool away[ALL_FRAMES]; /* what these have */

static enum pb_reported on_report(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	memset(&away[pfn], true, n);
	pb_platform_relax(); /* others run meanwhile */
	return PB_REPORT_TAKEN;
}

static void on_reuse(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t n)
{
	(void)ctx, (void)pool;
	pb_platform_relax();
	memset(&away[pfn], false, n);
	pb_platform_relax();
}

/* Is each page back before it is somebody's? */
static bool is_back(struct scene *s, const struct pb_page *page, unsigned int order)
{
	uint64_t pfn = pb_page_to_pfn(&s->tp.pool, page);

	for (uint64_t i = pfn; i < pfn + (1u << order); i++)
		if (away[i])
			return false;
	return true;
}

/* Only free pages are away, and all that are reported. */
static bool marks_say_so(struct scene *s)
{
	for (unsigned int i = 0; reporting && i < FRAMES; i++)
		if (away[i] != !!(s->tp.pool.marks[i >> 3] & MARK_REPORTED)) {
			snprintf(s->wrong, sizeof(s->wrong), "pfn %u: away %d, marks %u", i,
				 away[i], s->tp.pool.marks[i >> 3]);
			return false;
		}
	return true;
}

static void scene_setup(void *ctx)
{
	struct scene *s = ctx;

	memset(s->page, 0, sizeof(s->page));
	s->failed = 0;
	tp_start(&s->tp);
	s->tp.config.profile = (uint8_t)s->variant->profile;
	s->tp.config.flags |= s->variant->flags;
	s->tp.config.max_order = 4;
	s->tp.config.pageblock_order = 3;
	s->tp.config.nr_cpus = s->cpus;
	memset(away, false, sizeof(away));
	if (reporting) {
		s->tp.config.flags |= PB_POOL_REPORTING;
		s->tp.hooks.report = on_report;
		s->tp.hooks.reuse = on_reuse;
	}
	tp_region(&s->tp, 0, scene_frames(), 0, PB_ZONE_NORMAL);
	if (may_grow) {
		tp_region(&s->tp, FRAMES, ALL_FRAMES, 0, PB_ZONE_NORMAL);
		s->tp.regions[1].kind = PB_REGION_HOTPLUG;
	}
	tp_require(tp_try(&s->tp) == PB_OK, "%s", s->tp.error.text);
#ifdef SCHED_ACCESSES
	pb_test_share(s->tp.memory, s->tp.bytes);
#endif
	if (s->prepare)
		s->prepare(s);
}

static void scene_thread(void *ctx, unsigned int number)
{
	struct scene *s = ctx;

	s->thread(s, number);
}

static void scene_teardown(void *ctx)
{
	struct scene *s = ctx;

	tp_drop(&s->tp);
}

/* Mark the frames of everything that the threads hold; twice is wrong. */
static bool owners_are_single(struct scene *s, unsigned int *pages)
{
	uint8_t owner[DEPOT_FRAMES] = { 0 };

	*pages = 0;
	for (unsigned int t = 0; t < PB_TEST_THREADS; t++)
		for (unsigned int i = 0; i < SLOTS; i++) {
			uint64_t pfn;

			if (!s->page[t][i])
				continue;
			pfn = pb_page_to_pfn(&s->tp.pool, s->page[t][i]);
			for (unsigned int k = 0; k < 1u << s->order[t][i]; k++) {
				if (pfn + k >= DEPOT_FRAMES || owner[pfn + k]++) {
					snprintf(s->wrong, sizeof(s->wrong), "pfn %u owned twice",
						 (unsigned int)pfn + k);
					return false;
				}
				++*pages;
			}
		}
	return true;
}

/* The depot goes by the number behind the last CPU's. */
static int32_t in_lists(struct scene *s, unsigned int cpu)
{
	struct pb_pcp_stat stat;

	tp_require(pb_pcp_stats(&s->tp.pool, 0, cpu, &stat) == PB_OK, "no CPU %u", cpu);
	return stat.count;
}

static bool scene_check(void *ctx)
{
	struct scene *s = ctx;
	struct pb_error error = { 0 };
	struct pb_pool_stat stat;
	unsigned int pages = 0;

	s->wrong[0] = 0;
	if (s->tp.misuse_calls)
		snprintf(s->wrong, sizeof(s->wrong), "%s", s->tp.misuse_text);
	else if (s->failed > s->may_fail)
		snprintf(s->wrong, sizeof(s->wrong), "%u allocations failed", s->failed);
	else if (pb_validate(&s->tp.pool, &error) != PB_OK)
		snprintf(s->wrong, sizeof(s->wrong), "%s", error.text);
	else if (!owners_are_single(s, &pages) || !marks_say_so(s))
		return false;
	else if (drains && in_lists(s, s->cpus))
		snprintf(s->wrong, sizeof(s->wrong), "the depot was filled behind a drain's back");
	if (s->wrong[0])
		return false;
	pb_test_set_cpu(0);
	pb_drain(&s->tp.pool, -1);
	pb_stats(&s->tp.pool, &stat);
	if (!may_grow && stat.managed != scene_frames())
		snprintf(s->wrong, sizeof(s->wrong), "%lu pages managed",
			 (unsigned long)stat.managed);
	else if (tp_free_pages(&s->tp) != (int64_t)(stat.managed - pages))
		snprintf(s->wrong, sizeof(s->wrong), "%ld pages free, %u owned",
			 (long)tp_free_pages(&s->tp), pages);
	else if (pb_validate(&s->tp.pool, &error) != PB_OK)
		snprintf(s->wrong, sizeof(s->wrong), "drained: %s", error.text);
	return !s->wrong[0];
}

static void take(struct scene *s, unsigned int t, unsigned int slot, pb_gfp_t gfp,
		 unsigned int order)
{
	s->page[t][slot] = pb_alloc_pages(&s->tp.pool, gfp | PB_GFP_NOWARN, order);
	s->order[t][slot] = order;
	if (!s->page[t][slot])
		s->failed++;
	else if (reporting && !is_back(s, s->page[t][slot], order))
		s->failed = 1000;
}

/* The slot is emptied first: from the call on, the page is somebody else's. */
static void give(struct scene *s, unsigned int t, unsigned int slot)
{
	struct pb_page *page = s->page[t][slot];

	s->page[t][slot] = NULL;
	if (page)
		pb_free_pages(&s->tp.pool, page, s->order[t][slot]);
}

static unsigned long total_runs;

/* More than any exploration has. */
#define RUNS_MAX 10000000ul

/*
 * Every schedule within the bound. Among loads and stores the bound is 1, or up to 3 as
 * long as the schedules will be no more than about PB_SCHED_SCHEDULES.
 */
static void explore_all(const struct pb_test_scenario *scenario, unsigned int bound,
			struct pb_test_result *result)
{
#ifdef SCHED_ACCESSES
	unsigned long budget = tp_env("PB_SCHED_SCHEDULES", 20000);

	bound = 1;
	pb_test_explore(scenario, bound, RUNS_MAX, result);
	while (result->verdict == PB_TEST_OK && bound < 3 &&
	       result->runs * result->longest / 2 <= budget)
		pb_test_explore(scenario, ++bound, RUNS_MAX, result);
#else
	pb_test_explore(scenario, bound, RUNS_MAX, result);
#endif
	if (getenv("PB_SCHED_VERBOSE"))
		print_message("preemptions %u, %lu schedules, %lu points at most\n", bound,
			      result->runs, result->longest);
}

/* The first is the modern profile's; others have none, or the same. */
static bool has_depot(const struct variant *v)
{
	return v == variants;
}

static void explore(const char *what, unsigned int threads, const uint32_t *cpu, uint32_t cpus,
		    unsigned int bound, unsigned int may_fail, void (*prepare)(struct scene *),
		    void (*thread)(struct scene *, unsigned int))
{
	unsigned long longest = 0;

	for_each_variant(v)
	{
		static struct scene scene;
		struct pb_test_result result;
		struct pb_test_scenario scenario = {
			.nr_threads = threads,
			.cpu = cpu,
			.setup = scene_setup,
			.thread = scene_thread,
			.check = scene_check,
			.teardown = scene_teardown,
			.ctx = &scene,
		};

		if (with_depot && !has_depot(v))
			continue;
		memset(&scene, 0, sizeof(scene));
		scene.variant = v;
		scene.cpus = cpus;
		scene.prepare = prepare;
		scene.thread = thread;
		scene.may_fail = may_fail;
		pb_test_set_cpu(0);
		explore_all(&scenario, bound, &result);
		total_runs += result.runs;
		if (result.verdict != PB_TEST_OK)
			fail_msg("%s, %s: verdict %d, %s, schedule %s", what, v->name,
				 result.verdict, scene.wrong, result.schedule);
		assert_true(result.complete);
		longest = result.longest > longest ? result.longest : longest;
	}
	assert_true(longest > threads); /* in some variant there was something to schedule */
}

static const uint32_t same_cpu[] = { 0, 0, 0 }, own_cpu[] = { 0, 1, 2 };

static void alloc_free(struct scene *s, unsigned int t)
{
	take(s, t, 0, PB_GFP_KERNEL, 0);
	take(s, t, 1, PB_GFP_KERNEL | PB_GFP_MOVABLE, t);
	give(s, t, 0);
}

static void test_alloc_and_free_beside_each_other(void **state)
{
	(void)state;
	explore("own CPUs", 2, own_cpu, 2, 2, 0, NULL, alloc_free);
	explore("one CPU", 2, same_cpu, 1, 2, 0, NULL, alloc_free);
	explore("three", 3, own_cpu, 3, 1, 0, NULL, alloc_free);
}

static void fill(struct scene *s)
{
	for (unsigned int i = 0; i < 4; i++)
		take(s, 0, i, PB_GFP_KERNEL, 4);
	give(s, 0, 3);
	for (unsigned int i = 3; i < 6; i++)
		take(s, 0, i, PB_GFP_KERNEL, 2);
}

static void fight_for_the_last(struct scene *s, unsigned int t)
{
	take(s, t, 6, PB_GFP_KERNEL, 2);
}

/* One block of order 2 is left: exactly one of two requests gets it. */
static void test_last_block_goes_to_exactly_one(void **state)
{
	(void)state;
	explore("last block", 2, own_cpu, 2, 3, 1, fill, fight_for_the_last);
	explore("last block, one CPU", 2, same_cpu, 1, 3, 1, fill, fight_for_the_last);
}

static void pages_in_the_list_of_cpu_1(struct scene *s)
{
	struct pb_page *page[4];

	pb_test_set_cpu(1);
	for (int i = 0; i < 4; i++)
		page[i] = pb_alloc_pages(&s->tp.pool, PB_GFP_KERNEL, 0);
	for (int i = 0; i < 4; i++)
		pb_free_pages(&s->tp.pool, page[i], 0);
	pb_test_set_cpu(0);
}

static void drain_against_use(struct scene *s, unsigned int t)
{
	if (t == 0) {
		pb_drain(&s->tp.pool, -1);
		return;
	}
	take(s, t, 0, PB_GFP_KERNEL, 0);
	give(s, t, 0);
	take(s, t, 1, PB_GFP_KERNEL, 0);
}

static void test_remote_drain_beside_the_owner(void **state)
{
	(void)state;
	explore("drain", 2, own_cpu, 2, 3, 0, pages_in_the_list_of_cpu_1, drain_against_use);
}

static void tick_against_use(struct scene *s, unsigned int t)
{
	if (t == 0) {
		pb_pcp_decay(&s->tp.pool);
		pb_pcp_decay(&s->tp.pool);
		return;
	}
	take(s, t, 0, PB_GFP_KERNEL, 0);
	give(s, t, 0);
}

static void test_tick_beside_the_owner(void **state)
{
	(void)state;
	explore("tick", 2, own_cpu, 2, 3, 0, pages_in_the_list_of_cpu_1, tick_against_use);
}

static void hold_two_halves(struct scene *s)
{
	/* all taken but the two halves that the threads will give back */
	for (unsigned int i = 0; i < 3; i++)
		take(s, 2, i, PB_GFP_KERNEL, 4);
	take(s, 0, 0, PB_GFP_KERNEL, 3);
	take(s, 1, 0, PB_GFP_KERNEL, 3);
}

static void free_buddies(struct scene *s, unsigned int t)
{
	give(s, t, 0);
}

/* Two buddies freed at once still become one block. */
static void test_buddies_freed_at_once_merge(void **state)
{
	(void)state;
	explore("buddies", 2, own_cpu, 2, 4, 0, hold_two_halves, free_buddies);
}

static void claim_against_alloc(struct scene *s, unsigned int t)
{
	if (t) {
		take(s, t, 0, PB_GFP_KERNEL, 3);
		give(s, t, 0);
		return;
	}
	for (uint64_t pfn = 0; pfn < 16; pfn += 8)
		if (pb_alloc_at(&s->tp.pool, pfn, 3, PB_GFP_KERNEL) == PB_OK) {
			s->page[t][pfn / 8] = pb_pfn_to_page(&s->tp.pool, pfn);
			s->order[t][pfn / 8] = 3;
		}
}

static void test_claim_beside_alloc(void **state)
{
	(void)state;
	explore("claim", 2, own_cpu, 2, 2, 0, NULL, claim_against_alloc);
}

static void report_all(struct scene *s)
{
	const struct pb_report all = { 0 };

	(void)pb_report_free(&s->tp.pool, &all, NULL);
}

static void report_against_alloc(struct scene *s, unsigned int t)
{
	if (t) {
		take(s, t, 0, PB_GFP_KERNEL, t == 1 ? 3 : 0);
		give(s, t, 0);
		return;
	}
	report_all(s);
}

static void report_both(struct scene *s, unsigned int t)
{
	(void)t;
	report_all(s);
}

/* Of one pageblock, as both are on one CPU's way. */
static void use_what_is_reported(struct scene *s, unsigned int t)
{
	take(s, t, 0, PB_GFP_KERNEL, t);
	give(s, t, 0);
	take(s, t, 1, PB_GFP_KERNEL, 0);
}

static void test_reports_beside_alloc(void **state)
{
	(void)state;
	reporting = true;
	explore("report", 2, own_cpu, 2, 2, 0, NULL, report_against_alloc);
	explore("two report", 2, own_cpu, 2, 2, 0, NULL, report_both);
	explore("reuse", 2, own_cpu, 2, 2, 0, report_all, use_what_is_reported);
	explore("reuse, one CPU", 2, same_cpu, 1, 2, 0, report_all, use_what_is_reported);
	explore("reuse beside report", 2, own_cpu, 2, 2, 0, report_all, report_against_alloc);
	reporting = false;
}

static void offline_against_alloc(struct scene *s, unsigned int t)
{
	if (t) {
		take(s, t, 0, PB_GFP_KERNEL, 1);
		give(s, t, 0);
		return;
	}
	if (pb_offline(&s->tp.pool, 0, 16) == PB_OK && pb_online(&s->tp.pool, 0, 16) != PB_OK)
		s->failed = 100;
}

static void test_offline_beside_alloc(void **state)
{
	(void)state;
	explore("offline", 2, own_cpu, 2, 2, 0, NULL, offline_against_alloc);
}

static void offline_both(struct scene *s, unsigned int t)
{
	(void)t; /* what is offline comes back at once, or the count of pages is off */
	if (pb_offline(&s->tp.pool, 0, 16) == PB_OK && pb_online(&s->tp.pool, 0, 16) != PB_OK)
		s->failed = 100;
}

static void test_offline_beside_offline(void **state)
{
	(void)state;
	explore("two offlines", 2, own_cpu, 2, 2, 0, NULL, offline_both);
}

static uint64_t present(struct scene *s)
{
	struct pb_pool_stat stat;

	pb_stats(&s->tp.pool, &stat);
	return stat.present;
}

/* Memory comes while all that there is may be taken. */
static void grow_against_alloc(struct scene *s, unsigned int t)
{
	if (t) {
		for (unsigned int i = 0; i < 5; i++)
			take(s, t, i, PB_GFP_KERNEL, 4);
		give(s, t, 0);
		return;
	}
	if (pb_grow(&s->tp.pool, FRAMES, FRAMES + 16, true, NULL) != PB_OK ||
	    present(s) != FRAMES + 16)
		s->failed = 100;
}

/* Two that want the same span: one of them gets it, and the other nothing. */
static void grow_both(struct scene *s, unsigned int t)
{
	uint64_t start = t ? FRAMES + 16 : FRAMES, obstacle = 0;
	int code = pb_grow(&s->tp.pool, start, ALL_FRAMES, true, &obstacle);

	if (code == PB_OK ? !pb_pfn_to_page(&s->tp.pool, start)
			  : code != PB_EBUSY || obstacle != FRAMES + 16)
		s->failed = 100;
	if (code != PB_OK && !t && pb_pfn_to_page(&s->tp.pool, FRAMES))
		s->failed = 100;
}

static void come_and_be_offline(struct scene *s)
{
	tp_require(pb_grow(&s->tp.pool, FRAMES, FRAMES + 16, true, NULL) == PB_OK &&
			   pb_offline(&s->tp.pool, FRAMES, FRAMES + 16) == PB_OK,
		   "to begin with");
}

static void remove_against_online(struct scene *s, unsigned int t)
{
	int code = t ? pb_online(&s->tp.pool, FRAMES, FRAMES + 16)
		     : pb_remove(&s->tp.pool, FRAMES, FRAMES + 16, NULL);

	if (code != PB_OK && code != (t ? PB_ENODEV : PB_EBUSY))
		s->failed = 100;
	if (!t && code == PB_OK && present(s) != FRAMES)
		s->failed = 100;
}

static void remove_against_alloc(struct scene *s, unsigned int t)
{
	if (t) {
		take(s, t, 0, PB_GFP_KERNEL, 2);
		give(s, t, 0);
		return;
	}
	if (pb_remove(&s->tp.pool, FRAMES, FRAMES + 16, NULL) != PB_OK ||
	    pb_grow(&s->tp.pool, FRAMES, FRAMES + 16, false, NULL) != PB_OK)
		s->failed = 100;
}

/* Memory that somebody takes away while it comes: all of it came before it goes. */
static void grow_against_remove(struct scene *s, unsigned int t)
{
	int offline, code;

	if (!t) {
		if (pb_grow(&s->tp.pool, FRAMES, FRAMES + 16, true, NULL) != PB_OK)
			s->failed = 100;
		return;
	}
	offline = pb_offline(&s->tp.pool, FRAMES, FRAMES + 16);
	code = pb_remove(&s->tp.pool, FRAMES, FRAMES + 16, NULL);
	if (code == PB_OK ? offline != PB_OK : code != PB_EBUSY && code != PB_ENODEV)
		s->failed = 100;
	if (code != PB_OK && offline == PB_OK)
		(void)pb_online(&s->tp.pool, FRAMES, FRAMES + 16);
}

static void test_memory_comes_and_goes_beside_others(void **state)
{
	(void)state;
	may_grow = true;
	explore("grow", 2, own_cpu, 2, 2, 1, NULL, grow_against_alloc);
	explore("two grow", 2, own_cpu, 2, 2, 0, NULL, grow_both);
	explore("remove and online", 2, own_cpu, 2, 2, 0, come_and_be_offline,
		remove_against_online);
	explore("remove", 2, own_cpu, 2, 2, 0, come_and_be_offline, remove_against_alloc);
	explore("grow and remove", 2, own_cpu, 2, 2, 0, NULL, grow_against_remove);
	may_grow = false;
}

/* Two movable pages in the range; the hook moves the first and refuses the second. */
static struct {
	struct scene *scene;
	uint64_t keep;
} refusal;

static bool move_all_but_one(void *ctx, struct pb_pool *pool, struct pb_page *from,
			     struct pb_page *to, unsigned int order)
{
	struct scene *s = refusal.scene;

	(void)ctx, (void)order;
	if (pb_page_to_pfn(pool, from) == refusal.keep)
		return false;
	for (unsigned int i = 0; i < SLOTS; i++)
		if (s->page[2][i] == from) {
			s->page[2][i] = to;
			return true;
		}
	return false; /* not one of these two: it is left alone */
}

static void hold_two_movable(struct scene *s)
{
	refusal.scene = s;
	refusal.keep = 9;
	s->tp.pool.hooks.migrate = move_all_but_one;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t pfn = i ? 9 : 2;

		tp_require(pb_alloc_at(&s->tp.pool, pfn, 0, PB_GFP_HIGHUSER_MOVABLE) == PB_OK,
			   "claim");
		s->page[2][i] = pb_pfn_to_page(&s->tp.pool, pfn);
	}
}

/* Offline is refused and puts the moved page back, while frames of the range are claimed. */
static void refused_offline_against_claim(struct scene *s, unsigned int t)
{
	if (!t) {
		if (pb_offline(&s->tp.pool, 0, 16) != PB_EBUSY)
			s->failed = 100;
		for (unsigned int i = 0; i < 2; i++)
			if (pb_page_to_pfn(&s->tp.pool, s->page[2][i]) != (i ? 9 : 2))
				s->failed = 100;
		return;
	}
	for (uint64_t pfn = 2; pfn < 4; pfn++)
		if (pb_alloc_at(&s->tp.pool, pfn, 0, PB_GFP_KERNEL) == PB_OK)
			s->page[1][pfn] = pb_pfn_to_page(&s->tp.pool, pfn);
	take(s, 1, 0, PB_GFP_HIGHUSER_MOVABLE, 0);
}

static void test_refused_offline_beside_claims(void **state)
{
	(void)state;
	explore("refused offline", 2, own_cpu, 2, 2, 0, hold_two_movable,
		refused_offline_against_claim);
}

static void contig_against_free(struct scene *s, unsigned int t)
{
	struct pb_page *run;

	if (t) {
		give(s, 1, 0);
		take(s, 1, 1, PB_GFP_KERNEL | PB_GFP_MOVABLE, 0);
		return;
	}
	run = pb_alloc_contig(&s->tp.pool, 6, 1, 0, FRAMES, 0, PB_GFP_KERNEL);
	for (unsigned int i = 0; run && i < 6; i++) {
		s->page[0][1 + i] = run + i;
		s->order[0][1 + i] = 0;
	}
	if (!run)
		s->failed++;
}

static void test_contig_beside_free(void **state)
{
	(void)state;
	explore("contig", 2, own_cpu, 2, 2, 1, hold_two_halves, contig_against_free);
}

static void steal_against_steal(struct scene *s, unsigned int t)
{
	static const pb_gfp_t gfp[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE,
					PB_GFP_KERNEL | PB_GFP_MOVABLE };

	take(s, t, 0, gfp[t], 0);
	take(s, t, 1, gfp[(t + 1) % 3], 2);
	give(s, t, 0);
}

static void test_types_stolen_beside_each_other(void **state)
{
	(void)state;
	explore("steal", 2, own_cpu, 2, 2, 0, NULL, steal_against_steal);
	explore("steal, three", 3, own_cpu, 3, 1, 0, NULL, steal_against_steal);
}

/* ---- from CPU to CPU: 1 frees what 0 allocates */

#define WHOLE 3u

static uint64_t stacked[2]; /* what lies in CPU 1's stack of whole pageblocks, top first */

static int note_stacked(void *ctx, uint64_t pfn)
{
	unsigned int *n = ctx;

	tp_require(*n < 2, "as many as it may hold");
	stacked[(*n)++] = pfn;
	return 0;
}

static void relay(struct scene *s)
{
	for (unsigned int i = 0; i < 8; i++)
		take(s, 2, i, PB_GFP_KERNEL, WHOLE);
	pb_test_set_cpu(1);
	for (unsigned int i = 0; i < 8; i++)
		give(s, 2, i);
	pb_test_set_cpu(0);
}

/*
 * Both have done so for long: CPU 1's next free goes by the depot, as does CPU 0's next
 * allocation. CPU 1's stack is full, the depot and CPU 0's stack are empty. Thread 1 has two
 * blocks to free.
 */
static void hand_over(struct scene *s)
{
	const unsigned int depot = s->cpus;
	unsigned int n = 0;

	tp_require(pb_set_pcp(&s->tp.pool, 16, 0) == PB_OK, "sizes");
	while (!in_lists(s, depot) && ++n < 100)
		relay(s);
	tp_require(n < 100, "nothing comes into the depot");
	take(s, 1, 0, PB_GFP_KERNEL, WHOLE);
	take(s, 1, 1, PB_GFP_KERNEL, WHOLE);
	for (n = 0; in_lists(s, depot) || in_lists(s, 0); n++)
		take(s, 2, n, PB_GFP_KERNEL, WHOLE);
	n = 0;
	tp_require(!pb_walk_pcp(&s->tp.pool, 1, 0, PB_ZONE_NORMAL, WHOLE, PB_MIGRATE_UNMOVABLE,
				note_stacked, &n) &&
			   n == 2,
		   "CPU 1's stack is full");
}

static void exchange(struct scene *s, unsigned int t)
{
	if (t == 0) {
		take(s, 0, 0, PB_GFP_KERNEL, WHOLE);
		take(s, 0, 1, PB_GFP_KERNEL, WHOLE);
		return;
	}
	give(s, 1, 0);
	give(s, 1, 1);
}

static void exchange_and_drain(struct scene *s, unsigned int t)
{
	if (t == 2)
		pb_drain(&s->tp.pool, -1);
	else if (t == 1)
		give(s, 1, 0);
	else
		take(s, 0, 0, PB_GFP_KERNEL, WHOLE);
}

/*
 * Nobody has the lower of the two at any time: it is in a list, or in the depot, so it can be
 * had, wherever the other two carry it meanwhile.
 */
static void exchange_and_offline(struct scene *s, unsigned int t)
{
	if (t != 2) {
		exchange_and_drain(s, t);
		return;
	}
	if (pb_offline(&s->tp.pool, stacked[1], stacked[1] + (1u << WHOLE)) != PB_OK ||
	    pb_online(&s->tp.pool, stacked[1], stacked[1] + (1u << WHOLE)) != PB_OK)
		s->failed = 100;
}

/* The same, and nothing else is free: the last two blocks are in CPU 1's stack. */
static void hand_over_the_last(struct scene *s)
{
	unsigned int n = 0;

	hand_over(s);
	pb_test_set_cpu(2);
	for (; tp_free_pages(&s->tp) || in_lists(s, 2); n++)
		take(s, 3, n, PB_GFP_KERNEL, WHOLE);
	pb_test_set_cpu(0);
}

/* A third CPU wants one of them, while they go into the depot. */
static void want_the_last(struct scene *s, unsigned int t)
{
	if (t == 0)
		give(s, 1, 0);
	else
		take(s, 2, SLOTS - 1, PB_GFP_ATOMIC, WHOLE);
}

/* A third CPU wants a block while this one fills the depot, and takes what the other's drain may
   have found: two are free at any time. */
static void refill_behind_a_drain(struct scene *s, unsigned int t)
{
	if (t) {
		take(s, 2, SLOTS - 1, PB_GFP_ATOMIC, WHOLE);
		return;
	}
	for (unsigned int i = 0; i < 3; i++)
		give(s, 3, i);
	take(s, 1, 2, PB_GFP_KERNEL, WHOLE);
	for (unsigned int i = 0; i < 2; i++)
		if (pb_alloc_at(&s->tp.pool, stacked[i], WHOLE, PB_GFP_KERNEL) == PB_OK) {
			s->page[1][3 + i] = pb_pfn_to_page(&s->tp.pool, stacked[i]);
			s->order[1][3 + i] = WHOLE;
		}
}

static void test_blocks_go_from_cpu_to_cpu(void **state)
{
	(void)state;
	with_depot = true;
	explore("exchange", 2, own_cpu, 2, 2, 0, hand_over, exchange);
	drains = true;
	explore("exchange, drain", 3, own_cpu, 3, 2, 0, hand_over, exchange_and_drain);
	drains = false;
	explore("the last", 2, own_cpu + 1, 3, 2, 0, hand_over_the_last, want_the_last);
	explore("behind a drain", 2, own_cpu + 1, 3, 2, 0, hand_over_the_last,
		refill_behind_a_drain);
	explore("exchange, offline", 3, own_cpu, 3, 1, 0, hand_over, exchange_and_offline);
	with_depot = false;
}

#ifdef SCHED_ACCESSES
static void one_shared_page(struct scene *s)
{
	take(s, 0, 0, PB_GFP_KERNEL, 0);
}

/* The owner frees while others hold references, and says that the page can move. */
static void refer(struct scene *s, unsigned int t)
{
	struct pb_page *page = s->page[0][0];

	if (!(s->variant->flags & PB_POOL_REFCOUNT))
		return;
	pb_get_page(&s->tp.pool, page);
	if (t)
		pb_set_movable(&s->tp.pool, page, true);
	pb_put_page(&s->tp.pool, page);
}

static void test_references_beside_each_other(void **state)
{
	(void)state;
	explore("references", 2, own_cpu, 2, 3, 0, one_shared_page, refer);
	explore("references, three", 3, own_cpu, 3, 2, 0, one_shared_page, refer);
}
#endif

/* ---- a request that fails ends, however busy the others are */

static unsigned int others; /* operations of thread 1 until thread 0 has its answer */
static bool answered;

#define BUSY 200u

/* At each step of the request, which is on CPU 0, the other one does something. */
static void step(void *ctx, const struct pb_trace_event *event)
{
	(void)ctx;
	(void)event;
	if (pb_platform_cpu() == 0)
		pb_platform_relax();
}

static void no_block_of_order_4(struct scene *s)
{
	s->tp.pool.hooks.trace = step;
	others = 0;
	answered = false;
	for (unsigned int i = 0; i < FRAMES / 16; i++) {
		s->page[0][i] = pb_pfn_to_page(&s->tp.pool, i * 16ull);
		s->order[0][i] = 0;
		tp_require(pb_alloc_at(&s->tp.pool, i * 16ull, 0, PB_GFP_KERNEL) == PB_OK, "claim");
	}
}

static void fail_beside_a_busy_one(struct scene *s, unsigned int t)
{
	if (t) {
		for (; others < BUSY && !answered; others++) {
			take(s, 1, 0, PB_GFP_KERNEL, 0);
			give(s, 1, 0);
			pb_platform_relax();
		}
		return;
	}
	take(s, 0, SLOTS - 1, PB_GFP_ATOMIC, 4);
	answered = true;
}

/* One step each, in turn: whenever the request looks again, something has changed. */
static void test_a_request_fails_beside_others_that_go_on(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		static struct scene scene;
		struct pb_test_result result;
		struct pb_test_scenario scenario = {
			2, own_cpu, scene_setup, scene_thread, scene_check, scene_teardown, &scene
		};

		memset(&scene, 0, sizeof(scene));
		scene.variant = v;
		scene.cpus = 2;
		scene.prepare = no_block_of_order_4;
		scene.thread = fail_beside_a_busy_one;
		scene.may_fail = 1;
		pb_test_set_cpu(0);
		pb_test_replay(&scenario, "", &result);
		if (result.verdict != PB_TEST_OK)
			fail_msg("%s: verdict %d, %s", v->name, result.verdict, scene.wrong);
		assert_int_equal(scene.failed, 1);
		assert_true(others > 0);
		if (others >= BUSY)
			fail_msg("%s: no answer within %u operations of the other", v->name, BUSY);
	}
}

static int print_total(void **state)
{
	(void)state;
	print_message("%lu schedules run\n", total_runs);
#ifdef SCHED_ACCESSES
	assert_true(pb_test_accesses > total_runs); /* the compiler did call accesses.c */
#endif
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_and_free_beside_each_other),
		cmocka_unit_test(test_last_block_goes_to_exactly_one),
		cmocka_unit_test(test_remote_drain_beside_the_owner),
		cmocka_unit_test(test_tick_beside_the_owner),
		cmocka_unit_test(test_buddies_freed_at_once_merge),
		cmocka_unit_test(test_claim_beside_alloc),
		cmocka_unit_test(test_reports_beside_alloc),
		cmocka_unit_test(test_offline_beside_alloc),
		cmocka_unit_test(test_offline_beside_offline),
		cmocka_unit_test(test_memory_comes_and_goes_beside_others),
		cmocka_unit_test(test_refused_offline_beside_claims),
		cmocka_unit_test(test_contig_beside_free),
		cmocka_unit_test(test_types_stolen_beside_each_other),
		cmocka_unit_test(test_blocks_go_from_cpu_to_cpu),
#ifdef SCHED_ACCESSES /* they go without the port */
		cmocka_unit_test(test_references_beside_each_other),
#endif

		cmocka_unit_test(test_a_request_fails_beside_others_that_go_on),
	};

	tp_fail = _fail;
	return cmocka_run_group_tests(tests, NULL, print_total);
}
