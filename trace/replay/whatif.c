// SPDX-License-Identifier: MIT
/* Settings of a variant, and many variants beside one baseline. */

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* ----------------------------------------------------------------- settings */

void pbr_settings_init(struct pbr_settings *settings)
{
	*settings = (struct pbr_settings){
		.profile = PB_PROFILE_LINUX,
		.kernel = -1,
		.pageblock_order = -1,
		.max_order = -1,
		.boost_factor = -1,
		.scale_factor = -1,
		.min_free_kbytes = -1,
		.pcp_high = -1,
		.pcp_batch = -1,
		.memory_factor = 1.0,
		.name = "baseline",
	};
}

static bool parse_number(const char *text, int64_t low, int64_t high, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return !errno && end != text && !*end && isdigit((unsigned char)*text) && *value >= low &&
	       *value <= high;
}

static bool set_profile(struct pbr_settings *settings, const char *value)
{
	if (strcasecmp(value, "linux") && strcasecmp(value, "modern"))
		return false;
	settings->profile = strcasecmp(value, "linux") ? PB_PROFILE_MODERN : PB_PROFILE_LINUX;
	return true;
}

static bool set_kernel(struct pbr_settings *settings, const char *value)
{
	for (settings->kernel = 0; settings->kernel < PB_NR_LINUX; settings->kernel++)
		if (!strcmp(value, pb_kernel_name((enum pb_kernel)settings->kernel)))
			return true;
	return false;
}

static bool set_pageblock_order(struct pbr_settings *settings, const char *value)
{
	int64_t number;

	if (!parse_number(value, 0, PB_MAX_ORDER, &number))
		return false;
	settings->pageblock_order = (int)number;
	return true;
}

static bool set_max_order(struct pbr_settings *settings, const char *value)
{
	int64_t number;

	if (!parse_number(value, 0, PB_MAX_ORDER, &number))
		return false;
	settings->max_order = (int)number;
	return true;
}

static bool set_boost(struct pbr_settings *settings, const char *value)
{
	return parse_number(value, 0, 100000000, &settings->boost_factor);
}

static bool set_scale(struct pbr_settings *settings, const char *value)
{
	return parse_number(value, 1, 3000, &settings->scale_factor);
}

static bool set_min_free(struct pbr_settings *settings, const char *value)
{
	return parse_number(value, 0, INT32_MAX, &settings->min_free_kbytes);
}

static bool set_pcp_high(struct pbr_settings *settings, const char *value)
{
	if (!parse_number(value, 0, 1 << 20, &settings->pcp_high))
		return false;
	settings->no_pcp = settings->pcp_high == 0;
	return true;
}

static bool set_pcp_batch(struct pbr_settings *settings, const char *value)
{
	return parse_number(value, 1, 1 << 16, &settings->pcp_batch);
}

static bool set_mobility(struct pbr_settings *settings, const char *value)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return false;
	settings->no_mobility = !strcmp(value, "off");
	return true;
}

static bool set_thp(struct pbr_settings *settings, const char *value)
{
	if (strcmp(value, "always") && strcmp(value, "never"))
		return false;
	settings->no_thp = !strcmp(value, "never");
	return true;
}

/* +25%, -10%, 512M, 2G */
static bool set_memory(struct pbr_settings *settings, const char *value)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	double number = strtod(value, &end);

	if (end == value || number != number)
		return false;
	if (!strcmp(end, "%")) {
		if (*value != '+' && *value != '-')
			return false;
		settings->memory_factor = 1.0 + number / 100.0;
		settings->memory = 0;
		return settings->memory_factor > 0 && settings->memory_factor <= 64;
	}
	unit = *end && !end[1] ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (!unit || number <= 0 || number > 1 << 20 || !isdigit((unsigned char)*value))
		return false;
	for (long i = unit - units; i >= 0; i--)
		number *= 1024;
	settings->memory = (uint64_t)number;
	return settings->memory >= 1 << 20;
}

static const struct key {
	const char *name;
	bool (*set)(struct pbr_settings *settings, const char *value);
	const char *expected;
} keys[] = {
	{ "profile", set_profile, "linux or modern" },
	{ "kernel", set_kernel, "5.4, 5.10, 6.1, 6.12 or 7.2" },
	{ "pageblock_order", set_pageblock_order, "a number from 0 to 20, at most max_order" },
	{ "max_order", set_max_order, "a number from 0 to 20" },
	{ "watermark_boost", set_boost, "a factor in 1/10000 of the high watermark, 0: off" },
	{ "watermark_boost_factor", set_boost,
	  "a factor in 1/10000 of the high watermark, 0: off" },
	{ "watermark_scale_factor", set_scale, "a number from 1 to 3000" },
	{ "min_free_kbytes", set_min_free, "a number of KB" },
	{ "pcp_high", set_pcp_high, "a number of pages, 0: no per-CPU lists" },
	{ "pcp_batch", set_pcp_batch, "a number of pages above 0" },
	{ "mobility", set_mobility, "on or off" },
	{ "thp", set_thp, "always (as recorded) or never" },
	{ "memory", set_memory, "+25%, -10% or a size such as 512M or 4G, at least 1M" },
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static int unknown_key(const char *key, char *error, size_t size)
{
	size_t used;

	pbr_error(error, size, "there is no setting '%s'; expected one of", key);
	for (size_t i = 0; i < NR_KEYS; i++) {
		used = strlen(error);
		snprintf(error + used, size - used, "%s %s", i ? "," : "", keys[i].name);
	}
	return -1;
}

static int parse_setting(char *setting, struct pbr_settings *settings, char *error, size_t size)
{
	char *value = strchr(setting, '=');

	if (!value)
		return pbr_error(error, size, "'%s': expected KEY=VALUE, such as profile=modern",
				 setting);
	*value++ = 0;
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (strcmp(keys[i].name, setting))
			continue;
		if (keys[i].set(settings, value))
			return 0;
		return pbr_error(error, size, "%s=%s: expected %s", setting, value,
				 keys[i].expected);
	}
	return unknown_key(setting, error, size);
}

int pbr_settings_parse(const char *text, struct pbr_settings *settings, char *error, size_t size)
{
	char *copy = strdup(text), *rest = copy, *setting;
	int status = 0;

	if (!copy)
		return pbr_error(error, size, "no memory");
	while (!status && (setting = strsep(&rest, ",")))
		status = parse_setting(setting, settings, error, size);
	free(copy);
	if (!status)
		snprintf(settings->name, sizeof(settings->name), "%s", text);
	return status;
}

/* ------------------------------------------------------------------ variants */

struct work {
	const struct pbr_input *input;
	const struct pbr_settings *baseline, *variants;
	const struct pbr_collect *collect;
	struct pbr_run *runs;
	unsigned int nr, next; /* runs in all; next one to be done, under lock */
	pthread_mutex_t lock;
	int status;
	char *error;
	size_t error_size;
};

static bool take_work(struct work *work, unsigned int *i)
{
	bool more;

	pthread_mutex_lock(&work->lock);
	more = work->next < work->nr && !work->status;
	if (more)
		*i = work->next++;
	pthread_mutex_unlock(&work->lock);
	return more;
}

static void work_failed(struct work *work, const char *name, const char *why)
{
	pthread_mutex_lock(&work->lock);
	if (!work->status)
		pbr_error(work->error, work->error_size, "%s: %s", name, why);
	work->status = -1;
	pthread_mutex_unlock(&work->lock);
}

static void widen(struct pbr_range *range, uint64_t value, bool first)
{
	if (first || value < range->low)
		range->low = value;
	if (first || value > range->high)
		range->high = value;
	range->sum = (first ? 0 : range->sum) + value;
}

static void add_to_range(struct pbr_run *run, const struct pbr_run *other, bool first)
{
	struct pbr_summary summary;

	pbr_summarise(other, &summary);
	widen(&run->failure_range, other->failures, first);
	widen(&run->fallback_range, other->fallbacks, first);
	widen(&run->free_2m_range, summary.free_2m_end, first);
	widen(&run->reclaimed_range, other->reclaimed, first);
}

/* What two CPUs did at once, and when kswapd got to run, can't be known: tried both ways. */
static int find_range(const struct pbr_input *input, const struct pbr_settings *settings,
		      struct pbr_run *run, char *why, size_t size)
{
	static const struct pbr_collect none;

	add_to_range(run, run, true);
	for (uint32_t seed = 1; run->modelled_reclaim && seed <= PBR_RANGE_RUNS; seed++) {
		struct pbr_settings other = *settings;
		struct pbr_run tried;

		other.seed = seed * 2654435761u;
		if (pbr_simulate(input, &other, &none, &tried, why, size))
			return -1;
		add_to_range(run, &tried, false);
		pbr_run_clear(&tried);
	}
	return 0;
}

/* Does the setting act through how much memory is free, and so through reclaim? */
static bool changes_pressure(const struct pbr_settings *settings)
{
	return settings->boost_factor >= 0 || settings->scale_factor >= 0 ||
	       settings->min_free_kbytes >= 0 || settings->memory ||
	       settings->memory_factor != 1.0 || settings->no_thp;
}

#define KILLED_BY_CHANCE 32 /* requests; so many more than in the baseline say nothing */

/* What the model can't tell is said so, with the reason; first what the recording lacks. */
static void judge(const struct pbr_input *input, const struct pbr_settings *settings,
		  const struct pbr_run *base, struct pbr_run *run)
{
	char *text = run->not_judged;
	size_t size = sizeof(run->not_judged);
	const struct pbr_plan *plan = pbr_priv(input)->plan;

	if (input->problems.lost_events)
		snprintf(text, size,
			 "%llu events of the recording were lost: what would have become of "
			 "these pages is not known",
			 (unsigned long long)input->problems.lost_events);
	else if (!run->modelled_reclaim && changes_pressure(settings))
		snprintf(text, size,
			 "the trace does not tell what reclaim did (mm_filemap_*, mm_vmscan_*), and "
			 "this setting acts through it");
	else if (settings->no_thp && !plan->nr_wholes)
		snprintf(text, size,
			 "no huge page failed while the trace was recorded, so it does not tell how "
			 "many base pages stand in for one");
	else if (run->killed > base->killed + KILLED_BY_CHANCE)
		snprintf(text, size,
			 "%llu requests of one page that may wait would fail. The kernel would kill "
			 "processes, and what they would have done is not in the trace",
			 (unsigned long long)run->killed);
}

static void *do_work(void *arg)
{
	struct work *work = arg;
	struct pbr_collect collect = *work->collect;
	char why[256];
	unsigned int i;

	collect.progress = NULL; /* a bar for each would be a mess */
	while (take_work(work, &i)) {
		const struct pbr_settings *settings = i ? &work->variants[i - 1] : work->baseline;

		if (pbr_simulate(work->input, settings, &collect, &work->runs[i], why,
				 sizeof(why)) ||
		    find_range(work->input, settings, &work->runs[i], why, sizeof(why)))
			work_failed(work, settings->name, why);
		if (work->collect->progress)
			work->collect->progress(work->collect->progress_ctx, "asking what if",
						(double)(i + 1) / (work->nr + 1));
	}
	return NULL;
}

int pbr_whatif(const struct pbr_input *input, const struct pbr_settings *baseline,
	       const struct pbr_settings *variants, unsigned int nr_variants, unsigned int threads,
	       const struct pbr_collect *collect, struct pbr_run *runs, char *error, size_t size)
{
	struct work work = { .input = input,
			     .baseline = baseline,
			     .variants = variants,
			     .collect = collect,
			     .runs = runs,
			     .nr = nr_variants + 1,
			     .lock = PTHREAD_MUTEX_INITIALIZER,
			     .error = error,
			     .error_size = size };
	pthread_t thread[16];
	unsigned int nr = 0;

	memset(runs, 0, work.nr * sizeof(*runs));
	while (nr + 1 < threads && nr + 1 < work.nr && nr < 16 &&
	       !pthread_create(&thread[nr], NULL, do_work, &work))
		nr++;
	do_work(&work);
	while (nr)
		pthread_join(thread[--nr], NULL);
	if (collect->progress)
		collect->progress(collect->progress_ctx, "", 1.0);
	for (unsigned int i = 1; !work.status && i < work.nr; i++)
		judge(input, &variants[i - 1], &runs[0], &runs[i]);
	for (unsigned int i = 0; work.status && i < work.nr; i++)
		pbr_run_clear(&runs[i]);
	return work.status;
}

void pbr_recorded(const struct pbr_input *input, struct pbr_recorded *recorded)
{
	const struct pbr_machine *machine = &input->machine;
	const struct pbr_plan *plan = pbr_priv(input)->plan;

	*recorded = (struct pbr_recorded){
		.fallbacks = input->nr_by_kind[PBR_EXTFRAG],
		.reclaimed = plan->rates.kswapd[0].pages + plan->rates.kswapd[1].pages +
			     plan->rates.direct[0].all_pages + plan->rates.direct[1].all_pages,
	};
	for (uint64_t i = 0; i < input->nr_events; i++)
		recorded->failures += input->events[i].kind == PBR_ALLOC &&
				      input->events[i].pfn == PBR_NO_PFN;
	for (unsigned int z = 0; z < machine->nr_zones; z++)
		for (unsigned int o = machine->pageblock_order; o <= machine->max_order; o++)
			recorded->free_2m += machine->zones[z].end_blocks[o]
					     << (o - machine->pageblock_order);
}
