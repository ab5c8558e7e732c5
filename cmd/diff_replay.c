// SPDX-License-Identifier: MIT
/* The recorded operations on the pool, each answer beside the kernel's. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <pagebuddy/linux_user.h>

#include "diff.h"

static const char *pfn_text(uint64_t pfn, char text[24])
{
	if (pfn == UINT64_MAX)
		return "failure";
	snprintf(text, 24, "0x%" PRIx64, pfn);
	return text;
}

static void replay_alloc(struct pb_pool *pool, const struct diff_phase *phase, size_t i,
			 struct diff_result *result)
{
	const struct diff_op *op = &phase->ops[i];
	pb_gfp_t gfp = op->gfp | PB_GFP_THISNODE | PB_GFP_NOWARN;
	struct pb_page *page = pb_alloc_pages_node(pool, phase->node, gfp, op->order);
	uint64_t pfn = page ? pb_page_to_pfn(pool, page) : UINT64_MAX;
	char kernel[24], library[24], flags[128];

	result->failures += op->pfn == UINT64_MAX;
	if (pfn == op->pfn)
		return;
	pb_gfp_name(op->gfp, flags, sizeof(flags));
	diff_found(result, "operation %zu: allocate order %u, %s: Linux %s, library %s", i,
		   op->order, flags, pfn_text(op->pfn, kernel), pfn_text(pfn, library));
}

/* After a different answer the two have parted: what follows says nothing. */
void diff_replay(struct pb_pool *pool, const struct diff_phase *phase, struct diff_result *result)
{
	uint64_t before = result->differences;
	size_t lot = 0;

	for (size_t i = 0; i < phase->nr_ops; i++) {
		bool drawn = lot < phase->nr_lots && phase->lot[lot].op == i;
		struct diff_lists *lists = drawn ? diff_lots_before(pool, phase, lot) : NULL;

		if (phase->ops[i].reclaimed)
			i = diff_begin_reclaim(phase, i, result);
		pb_user_set_cpu(phase->ops[i].cpu);
		if (phase->ops[i].is_free)
			diff_free(pool, phase, i, result);
		else
			replay_alloc(pool, phase, i, result);
		result->operations++;
		diff_end_reclaim(i, result);
		if (drawn)
			lot = diff_lots_after(pool, phase, lot, lists, result);
		if (result->differences != before)
			return;
	}
}

static void count_outside(const struct diff_phase *phase, struct diff_result *result)
{
	for (size_t i = 0; i < phase->before.nr_zones; i++) {
		const struct diff_zone *zone = &phase->before.zone[i];

		result->outside += zone->nr_lru;
	}
}

static void count_fallbacks(struct pb_pool *pool, struct diff_result *result)
{
	struct pb_pool_stat stat;

	pb_stats(pool, &stat);
	result->fallbacks += stat.vm[PB_EXTFRAG];
	result->claims += stat.vm[PB_EXTFRAG_STEAL];
}

static bool same_counts(const struct diff_zone *a, const struct diff_zone *b)
{
	bool same = !memcmp(a->nr_free, b->nr_free, sizeof(a->nr_free)) &&
		    a->free_pages == b->free_pages;

	for (int cpu = 0; cpu < DIFF_CPUS; cpu++)
		same &= a->cpu[cpu].count == b->cpu[cpu].count;
	return same;
}

/*
 * The texts are read a moment after the phase has ended, and an interrupt may have freed
 * a page by then. It shows in what the next phase begins with.
 */
static bool texts_are_late(const struct diff_phase *phase, const struct diff_phase *next)
{
	if (!next || next->node != phase->node || next->before.nr_zones != phase->after.nr_zones)
		return false;
	for (size_t i = 0; i < phase->after.nr_zones; i++)
		if (!same_counts(&phase->after.zone[i], &next->before.zone[i]))
			return true;
	return false;
}

static int phase_compare(enum pb_kernel kernel, const struct diff_phase *phase,
			 const struct diff_phase *next, struct diff_result *result, char error[256])
{
	uint64_t before = result->differences;
	struct pb_pool pool;

	if (diff_load(&pool, kernel, phase, error))
		return -1;
	count_outside(phase, result);
	diff_replay(&pool, phase, result);
	if (result->differences == before) {
		diff_compare_state(&pool, phase, result);
		if (texts_are_late(phase, next))
			result->late_texts += phase->nr_texts;
		else
			diff_compare_texts(&pool, phase, result);
	}
	count_fallbacks(&pool, result);
	diff_unload(&pool);
	return 0;
}

int diff_log_compare(const struct diff_log *log, struct diff_result *result, char error[256])
{
	uint64_t texts = result->texts, late = result->late_texts;

	for (size_t i = 0; i < log->nr_phases; i++) {
		const struct diff_phase *phase = &log->phase[i];
		const struct diff_phase *next = i + 1 < log->nr_phases ? phase + 1 : NULL;
		uint64_t before = result->differences;

		if (phase_compare(log->kernel, phase, next, result, error))
			return -1;
		fprintf(result->out, "%s phase %d: %s, seed %" PRIu64 ", %zu operations\n",
			result->differences == before ? "ok  " : "DIFF", phase->number, phase->kind,
			phase->seed, phase->nr_ops);
	}
	if (result->late_texts - late > result->texts - texts)
		diff_found(result, "most texts were read when the node had changed already");
	return 0;
}
