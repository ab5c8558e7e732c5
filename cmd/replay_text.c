// SPDX-License-Identifier: MIT
/* What a replay found, for people, 80 columns. */

#include <string.h>

#include "replay.h"

static unsigned long long u(uint64_t value)
{
	return (unsigned long long)value;
}

static const char *type_name(unsigned int type)
{
	return type < PB_MIGRATE_TYPES ? pb_migratetype_name((enum pb_migratetype)type) : "unknown";
}

static double megabytes(uint64_t pages)
{
	return (double)pages / 256.0;
}

static double since_start(const struct pbr_input *input, uint64_t time)
{
	return ((double)time - (double)input->start_time) * 1e-9;
}

/* ---------------------------------------------------------------- the trace */

static void print_count(const char *what, uint64_t count)
{
	if (count)
		printf("             %12llu %s\n", u(count), what);
}

static void print_problems(const struct pbr_problems *problems)
{
	if (problems->total)
		printf("Problems     %12llu lines that could not be used or are out of order:\n",
		       u(problems->total));
	for (unsigned int i = 0; i < problems->nr_first; i++)
		printf("    %.75s\n", problems->first[i]);
	if (problems->total > problems->nr_first)
		printf("    ... and %llu more\n", u(problems->total - problems->nr_first));
	if (problems->lost_events + problems->double_frees + problems->double_allocs +
	    problems->partial_frees + problems->unknown_frees + problems->silent_takes +
	    problems->moved_pages + problems->equal_times)
		printf("Peculiar\n");
	print_count("events lost while recording", problems->lost_events);
	print_count("frees of pages allocated before the trace", problems->unknown_frees);
	print_count("frees of a part of a block", problems->partial_frees);
	print_count("allocations without an event (in bulk)", problems->silent_takes);
	print_count("pages moved by compaction", problems->moved_pages);
	print_count("events with the time stamp of the one before", problems->equal_times);
	print_count("frees of a page that should be free", problems->double_frees);
	print_count("allocations of a page in use (a lost free)", problems->double_allocs);
}

void replay_print_trace(const struct pbr_input *input)
{
	const struct pbr_machine *machine = &input->machine;
	uint64_t pages = 0;

	for (unsigned int z = 0; z < machine->nr_zones; z++)
		pages += machine->zones[z].managed;
	printf("Trace        %s (%s)\n", input->name, input->format);
	printf("             %12llu events in %.3f s on %u CPU%s\n", u(input->nr_events),
	       since_start(input, input->end_time), input->nr_cpus, input->nr_cpus == 1 ? "" : "s");
	printf("Machine      %12.1f MB, %s\n", megabytes(pages),
	       machine->from_snapshot ? "as recorded" : "made up");
	for (unsigned int z = 0; z < machine->nr_zones; z++)
		printf("             %12llu pages in node %d, zone %s\n",
		       u(machine->zones[z].managed), machine->zones[z].node,
		       pb_zone_name(machine->zones[z].type));
	print_problems(&input->problems);
}

/* ------------------------------------------------------------------- a run */

static void print_by_order(const uint64_t *values, unsigned int max_order)
{
	int column = 0;

	for (unsigned int o = 0; o <= max_order; o++) {
		char text[32];

		if (!values[o])
			continue;
		snprintf(text, sizeof(text), "%u: %llu", o, u(values[o]));
		if (!column)
			column = printf("               by order ");
		else if (column + 2 + (int)strlen(text) > 79)
			column = printf("\n                        ") - 1;
		else
			column += printf(", ");
		column += printf("%s", text);
	}
	if (column)
		putchar('\n');
}

static void print_table_head(const struct pbr_run *run)
{
	printf("%14s", "order");
	for (unsigned int o = 0; o <= run->max_order; o++)
		printf("%6u", o);
	putchar('\n');
}

static void print_zone_name(const struct pbr_run *run, unsigned int z)
{
	if (run->zones[run->nr_zones - 1].node)
		printf("  %2d %-9s", run->zones[z].node, pb_zone_name(run->zones[z].type));
	else
		printf("  %-12s", pb_zone_name(run->zones[z].type));
}

enum table { BLOCKS, EXTFRAG, UNUSABLE };

static void print_rows(const struct pbr_run *run, const struct pbr_sample *sample, enum table table)
{
	for (unsigned int z = 0; z < run->nr_zones; z++) {
		const struct pbr_zone_sample *zone = &sample->zones[z];

		print_zone_name(run, z);
		for (unsigned int o = 0; o <= run->max_order; o++) {
			if (table == BLOCKS)
				printf("%6llu", u(zone->blocks[o]));
			else if (table == EXTFRAG && zone->extfrag[o] == -1000)
				printf("%6s", "-");
			else
				printf("%6.2f",
				       (table == EXTFRAG ? zone->extfrag[o] : zone->unusable[o]) /
					       1000.0);
		}
		putchar('\n');
	}
}

static void print_state(const struct pbr_run *run)
{
	const struct pbr_sample *start = &run->samples[0],
				*end = &run->samples[run->nr_samples - 1];

	printf("\nFree blocks at the end (buddyinfo)\n");
	print_table_head(run);
	print_rows(run, end, BLOCKS);
	printf("Fragmentation index at the start (-: a block is free; towards 0: too little\n"
	       "memory, towards 1: fragmentation)\n");
	print_rows(run, start, EXTFRAG);
	printf("Fragmentation index at the end\n");
	print_rows(run, end, EXTFRAG);
	printf("Unusable share of free memory at the end\n");
	print_rows(run, end, UNUSABLE);
}

static void print_counts(const struct pbr_run *run)
{
	printf("Allocations  %12llu\n", u(run->allocations));
	print_by_order(run->by_order, run->max_order);
	printf("               by type %s %llu, %s %llu, %s %llu\n", type_name(0),
	       u(run->by_type[0]), type_name(1), u(run->by_type[1]), type_name(2),
	       u(run->by_type[2]));
	printf("Frees        %12llu", u(run->frees));
	if (run->modelled_frees)
		printf("   (%llu of pages from before the trace)", u(run->modelled_frees));
	putchar('\n');
	print_count("skipped: their allocation failed", run->skipped_frees);
	printf("Failures     %12llu", u(run->failures));
	if (run->simulated && run->failures)
		printf("   (%llu of them failed in the recorded kernel too)",
		       u(run->failures_recorded));
	putchar('\n');
	print_by_order(run->failures_by_order, run->max_order);
	printf("Fallbacks    %12llu   to another migratetype, %llu took the pageblock over\n",
	       u(run->fallbacks), u(run->fallback_claims));
	printf("Mixed        %12llu   pageblocks hold movable and unmovable pages\n",
	       u(run->mixed_pageblocks));
	printf("Peak use     %12.1f MB\n", megabytes(run->peak_pages));
}

/* Whose rules the linux profile went by, if they aren't plainly the recorded kernel's. */
static void print_rules(const struct replay *replay)
{
	const char *recorded = replay->input->kernel;
	const char *name = pb_kernel_name(pbr_kernel(replay->input, &replay->settings));
	size_t len = strlen(name);

	if (replay->settings.profile != PB_PROFILE_LINUX)
		return;
	if (!*recorded && replay->settings.kernel < 0)
		printf("By the rules of Linux %s: the trace does not tell its kernel (--kernel).\n",
		       name);
	if (!*recorded)
		return;
	if (strncmp(recorded, name, len) || recorded[len] != '.')
		printf("By the rules of Linux %s; recorded was %s.\n", name, recorded);
}

static void print_simulation(const struct replay *replay)
{
	const struct pbr_run *run = &replay->runs[0];

	printf("\nReplayed through the library, profile %s\n",
	       cmd_profile_name(replay->settings.profile));
	print_rules(replay);
	print_counts(run);
	printf("Given twice  %12llu   frames handed out while they had an owner\n",
	       u(run->double_handouts));
	printf("Time         %12.1f ns of CPU an operation (the library's); %.2f s in all\n",
	       run->ns_per_op, run->seconds);
	if (pbr_start_known(replay->input))
		print_state(run);
	else
		printf("\nNo snapshot of the start is there: what was in use before the trace is not\n"
		       "known, so this ran on an empty machine. Its failures, fallbacks and peak are\n"
		       "not the recorded kernel's; its free blocks are left out.\n");
}

/* ------------------------------------------------------------------- follow */

static void print_difference(const struct pbr_input *input, const struct pbr_run *run)
{
	if (!run->has_diff) {
		printf("\nThere is no end snapshot to hold the rebuilt state against.\n");
		return;
	}
	printf("\nFree pages at the end: %llu rebuilt, %llu in the snapshot: %+.3f %%\n",
	       u(run->end_free_pages), u(run->snapshot_free_pages), run->difference_percent);
	if (run->interval_free_min != run->interval_free_max)
		printf("(%llu to %llu while the snapshot was read; compared at "
		       "%+.6f s)\n",
		       u(run->interval_free_min), u(run->interval_free_max),
		       since_start(input, run->compared_at));
	print_table_head(run);
	printf("  %-12s", "rebuilt");
	for (unsigned int o = 0; o <= run->max_order; o++)
		printf("%6lld", (long long)run->per_order_rebuilt[o]);
	printf("\n  %-12s", "snapshot");
	for (unsigned int o = 0; o <= run->max_order; o++)
		printf("%6lld", (long long)run->per_order_snapshot[o]);
	printf("\n  %-12s", "difference");
	for (unsigned int o = 0; o <= run->max_order; o++)
		printf("%+6lld",
		       (long long)(run->per_order_rebuilt[o] - run->per_order_snapshot[o]));
	putchar('\n');
}

static void print_follow(const struct replay *replay)
{
	const struct pbr_run *run = &replay->followed;

	printf("\nFollowed: the recorded kernel's own state\n");
	print_counts(run);
	print_count("frames left the buddy without an event", run->silent_takes);
	if (!pbr_start_known(replay->input)) {
		printf("\nNo snapshot of the start is there: how much was free, and in which blocks,\n"
		       "is not known. What the events say of themselves is above.\n");
		return;
	}
	print_difference(replay->input, run);
	print_state(run);
}

/* ------------------------------------------------------------------ what if */

static void print_variant(const struct pbr_run *run)
{
	struct pbr_summary summary;

	pbr_summarise(run, &summary);
	printf("%-22.22s", run->name);
	if (strlen(run->name) > 22)
		printf("\n%-22.40s", run->name + 22);
	printf("%7llu%6llu%7llu%6llu%7.2f", u(run->failures), u(summary.free_2m_min),
	       u(summary.free_2m_median), u(summary.free_2m_end), summary.unusable / 1000.0);
	if (summary.extfrag == -1000)
		printf("%6s", "-");
	else
		printf("%6.2f", summary.extfrag / 1000.0);
	printf("%7llu%6llu%6.0f\n", u(run->fallbacks), u(run->mixed_pageblocks), run->ns_per_op);
}

static void print_failures_by_order(const struct pbr_run *run)
{
	if (!run->failures)
		return;
	printf("Failures of %s\n", run->name);
	print_by_order(run->failures_by_order, run->max_order);
}

/* Between the means of the runs: of one of them chance has too large a part. */
static void print_difference_of(const struct pbr_range *range, const struct pbr_range *base)
{
	char text[48];

	snprintf(text, sizeof(text), " %+.0f (%llu-%llu)", pbr_mean(range) - pbr_mean(base),
		 u(range->low), u(range->high));
	printf("%19s", text);
}

static void print_not_judged(const struct pbr_run *run)
{
	char text[sizeof(run->not_judged) + 16];

	snprintf(text, sizeof(text), "not judged: %s.", run->not_judged);
	cmd_print_wrapped(text, 6);
}

static void print_predicted(const struct pbr_run *run, const struct pbr_run *base)
{
	printf("%s\n", run->name);
	if (run->not_judged[0]) {
		print_not_judged(run);
		return;
	}
	printf("  ");
	print_difference_of(&run->failure_range, &base->failure_range);
	print_difference_of(&run->fallback_range, &base->fallback_range);
	print_difference_of(&run->free_2m_range, &base->free_2m_range);
	print_difference_of(&run->reclaimed_range, &base->reclaimed_range);
	putchar('\n');
}

/* Reclaim was replayed as recorded: what acts through it can't be judged. */
static void print_unjudged(const struct replay *replay)
{
	for (unsigned int i = 1; i <= replay->nr_variants; i++)
		if (replay->runs[i].not_judged[0]) {
			printf("\n%s\n", replay->runs[i].name);
			print_not_judged(&replay->runs[i]);
		}
}

/* What a setting would have changed: simulated against simulated, beside the truth. */
static void print_predictions(const struct replay *replay)
{
	const struct pbr_run *base = &replay->runs[0];
	struct pbr_recorded truth;

	if (!base->modelled_reclaim) {
		print_unjudged(replay);
		return;
	}
	pbr_recorded(replay->input, &truth);
	putchar('\n');
	print_rules(replay);
	printf("Reclaim is modelled. Change of the mean from the simulated baseline's, and in\n"
	       "brackets least to most, of %d runs:\n  %19s%19s%19s%19s\n",
	       PBR_RANGE_RUNS + 1, "failures", "fallbacks", "free 2 MiB at end", "reclaimed");
	printf("recorded\n  %19llu%19llu%19llu%19llu\n", u(truth.failures), u(truth.fallbacks),
	       u(truth.free_2m), u(truth.reclaimed));
	printf("baseline, simulated: mean\n  %19.0f%19.0f", pbr_mean(&base->failure_range),
	       pbr_mean(&base->fallback_range));
	printf("%19.0f%19.0f\n", pbr_mean(&base->free_2m_range), pbr_mean(&base->reclaimed_range));
	for (unsigned int i = 1; i <= replay->nr_variants; i++)
		print_predicted(&replay->runs[i], base);
}

static void print_what_if(const struct replay *replay)
{
	printf("\nWhat if\n%-22s%7s%19s%7s%6s%7s%6s%6s\n", "", "fail-", "free 2 MiB blocks ",
	       "unus-", "frag", "fall-", "mixed", "ns/");
	printf("%-22s%7s%6s%7s%6s%7s%6s%7s%6s%6s\n", "variant", "ures", "min", "median", "end",
	       "able", "index", "backs", "blks", "op");
	for (unsigned int i = 0; i <= replay->nr_variants; i++)
		print_variant(&replay->runs[i]);
	for (unsigned int i = 0; i <= replay->nr_variants; i++)
		print_failures_by_order(&replay->runs[i]);
	print_predictions(replay);
}

/* --------------------------------------------------------------------- pins */

#define SHOWN 15

void replay_short_gfp(uint32_t gfp, char *text, size_t size)
{
	char full[256];
	char *to = text;

	pb_gfp_name(gfp, full, sizeof(full));
	for (const char *from = full; *from && to + 1 < text + size;) {
		if (!strncmp(from, "__GFP_", 6))
			from += 6;
		*to++ = *from++;
	}
	*to = 0;
}

static void print_owners(const struct pbr_pins *pins)
{
	printf("%-18s%-31s%4s%8s%10s%8s\n", "who", "flags", "ord", "pages", "pageblks", "alone");
	for (uint32_t i = 0; i < pins->nr_owners && i < SHOWN; i++) {
		const struct pbr_pin_owner *owner = &pins->owners[i];
		char gfp[256] = "";

		if (owner->task != PBR_NO_TASK || owner->gfp)
			replay_short_gfp(owner->gfp, gfp, sizeof(gfp));
		else
			snprintf(gfp, sizeof(gfp), "%s", type_name(owner->migratetype));
		printf("%-17.17s %-30.30s %4u%8llu%10llu%8llu\n", owner->comm, gfp, owner->order,
		       u(owner->pages), u(owner->pageblocks), u(owner->sole));
	}
	if (pins->nr_owners > SHOWN)
		printf("... and %u more kinds\n", pins->nr_owners - SHOWN);
}

static void print_pin(const struct pbr_input *input, const struct pbr_pin_block *block)
{
	for (unsigned int i = 0; i < block->nr_pins; i++) {
		uint32_t task = block->pin[i].task;
		char gfp[256];

		replay_short_gfp(block->pin[i].gfp, gfp, sizeof(gfp));
		printf("    pfn %llu, order %u: %s at %.6f s, %.34s\n", u(block->pin[i].pfn),
		       block->pin[i].order, task == PBR_NO_TASK ? "?" : input->tasks[task].comm,
		       since_start(input, block->pin[i].time), gfp);
	}
	if (block->has_fallback)
		printf("    let in at %.6f s: %s took an order-%u block of %s\n",
		       since_start(input, block->fallback.time),
		       type_name(block->fallback.migratetype), block->fallback.from_order,
		       type_name(block->fallback.from_type));
}

static void print_spoiled(const struct pbr_input *input, const struct pbr_pins *pins)
{
	printf("\nPageblocks that one or two unmovable blocks spoil: %u\n", pins->nr_blocks);
	for (uint32_t i = 0; i < pins->nr_blocks && i < SHOWN; i++) {
		const struct pbr_pin_block *block = &pins->blocks[i];

		printf("  pageblock at pfn %llu (%s): %llu pages free, %llu movable\n",
		       u(block->pfn), type_name(block->migratetype), u(block->free_pages),
		       u(block->movable_pages));
		print_pin(input, block);
	}
	if (pins->nr_blocks > SHOWN)
		printf("  ... and %u more\n", pins->nr_blocks - SHOWN);
}

static void print_lifetimes(const struct pbr_pins *pins)
{
	printf("\nHow long they lived (seconds)\n%-13s%4s%10s%9s%10s%10s%10s%10s\n", "type", "ord",
	       "freed", "alive", "median", "90 %", "99 %", "longest");
	for (uint32_t i = 0; i < pins->nr_lifetimes; i++) {
		const struct pbr_lifetime *life = &pins->lifetimes[i];

		printf("%-13s%4u%10llu%9llu%10.4f%10.4f%10.3f%10.3f\n",
		       type_name(life->migratetype), life->order, u(life->freed), u(life->alive),
		       (double)life->p50 * 1e-9, (double)life->p90 * 1e-9, (double)life->p99 * 1e-9,
		       (double)life->max * 1e-9);
	}
}

static void print_pins(const struct replay *replay)
{
	const struct pbr_pins *pins = &replay->who;

	if (!replay_pins_known(replay)) {
		printf("\nWho pins is not known: no snapshot of the start is there, so nobody knows\n"
		       "which pages had owners before the trace.\n");
		return;
	}
	printf("\nWho pins, at the end: of the pageblocks %llu are whole, %llu partly free, %llu "
	       "full\n",
	       u(pins->whole_pageblocks), u(pins->partial_pageblocks), u(pins->full_pageblocks));
	print_owners(pins);
	print_spoiled(replay->input, pins);
	print_lifetimes(pins);
}

/* ---------------------------------------------------------------------- top */

static void print_time(uint64_t ns, bool known)
{
	if (!known)
		printf("%10s", "-");
	else if (ns < 1000000)
		printf("%7.0f us", (double)ns * 1e-3);
	else if (ns < 1000000000)
		printf("%7.1f ms", (double)ns * 1e-6);
	else
		printf("%8.2f s", (double)ns * 1e-9);
}

static void print_top_head(const char *what)
{
	printf("\n%-24s%11s%11s%7s%9s%8s%10s\n", what, "requests", "MB", "failed", "held MB",
	       "freed", "median");
}

static void print_top_row(const char *name, const struct pbr_top_row *row)
{
	uint64_t percent = row->allocations ? row->freed * 100 / row->allocations : 0;

	printf("%-24.23s%11llu%11.1f%7llu%9.1f%6llu %%", name, u(row->allocations + row->failures),
	       megabytes(row->pages), u(row->failures), megabytes(row->held_pages), u(percent));
	print_time(row->p50, row->freed);
	putchar('\n');
}

/* "    < handle_mm_fault < ...": who called the function of the row, as far as it fits. */
static void print_callers(const char *chain)
{
	const char *rest = strstr(chain, " < ");
	size_t len = rest ? strlen(rest) : 0;

	while (len > 76) {
		len--;
		while (len && strncmp(rest + len, " < ", 3))
			len--;
	}
	if (len)
		printf("   %.*s\n", (int)len, rest);
}

static void print_more(uint32_t nr, uint32_t shown)
{
	if (nr > shown)
		printf("... and %u more\n", nr - shown);
}

static void print_sites(const struct replay *replay)
{
	const struct pbr_top *top = &replay->allocators;

	if (!replay->input->chain_of) {
		printf("\nBy call site: the trace has no stacks. With pagebuddy record --stacks, "
		       "perf\nrecord -g, trace-cmd record -T, or options/stacktrace of tracefs it "
		       "would.\n");
		return;
	}
	print_top_head("by call site");
	for (uint32_t i = 0; i < top->nr_sites && i < replay->top; i++) {
		const struct pbr_top_row *row = &top->sites[i];
		char name[64];

		snprintf(name, sizeof(name), "%.*s",
			 (int)(row->chain ? strcspn(row->name, " ") : strlen(row->name)),
			 row->name);
		if (strlen(name) > 23)
			printf("%s\n", name);
		print_top_row(strlen(name) > 23 ? "" : name, row);
		if (row->chain)
			print_callers(row->chain);
	}
	print_more(top->nr_sites, replay->top);
}

static void print_ages(const struct pbr_top *top)
{
	static const char *const names[PBR_AGES] = { "under 1 ms",    "1 to 10 ms", "10 to 100 ms",
						     "100 ms to 1 s", "1 to 10 s",  "10 to 100 s",
						     "longer" };

	printf("\n%-24s%11s%11s\n", "by lifetime", "requests", "MB");
	for (int a = 0; a < PBR_AGES; a++)
		if (top->ages[a].allocations)
			printf("%-24s%11llu%11.1f\n", names[a], u(top->ages[a].allocations),
			       megabytes(top->ages[a].pages));
	printf("%-24s%11llu%11.1f\n", "not freed in the trace",
	       u(top->all.allocations - top->all.freed), megabytes(top->all.held_pages));
}

static void print_top(const struct replay *replay)
{
	const struct pbr_top *top = &replay->allocators;
	char name[32];

	printf("\nWho allocates\n");
	print_top_head("by task");
	for (uint32_t i = 0; i < top->nr_tasks && i < replay->top; i++)
		print_top_row(top->tasks[i].name, &top->tasks[i]);
	print_more(top->nr_tasks, replay->top);
	print_top_row("all", &top->all);
	print_sites(replay);
	print_top_head("by order");
	for (uint32_t i = 0; i < top->nr_orders; i++) {
		snprintf(name, sizeof(name), "%u", top->orders[i].order);
		print_top_row(name, &top->orders[i]);
	}
	print_ages(top);
}

void replay_print_text(const struct replay *replay)
{
	replay_print_trace(replay->input);
	if (replay->filtered)
		printf("Only         %s\n", replay->filter.text);
	if (replay->follow)
		print_follow(replay);
	if (replay->simulate)
		print_simulation(replay);
	if (replay->nr_variants)
		print_what_if(replay);
	if (replay->top)
		print_top(replay);
	if (replay->pins)
		print_pins(replay);
}
