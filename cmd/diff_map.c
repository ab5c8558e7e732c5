// SPDX-License-Identifier: MIT
/*
 * What a kernel computes from its memory map at boot, beside what the library
 * does: min_free_kbytes, watermarks, lowmem_reserve, pcp high and batch.
 *
 * Twice: "boot" with the frames that came free later (initrd, init sections)
 * reserved, nothing given but the map; "now" with all of today's memory and
 * the kernel's min_free_kbytes, which it does not compute again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define MAX_REGIONS 8192
#define MAX_CPUS 64

struct machine {
	struct pb_region region[MAX_REGIONS];
	uint32_t n;
	uint8_t cpu_node[MAX_CPUS];
	uint32_t nr_cpus;
	int32_t min_free_kbytes;
};

static const struct diff_text *find_text(const struct diff_log *log, const char *name)
{
	const struct diff_phase *last = &log->phase[log->nr_phases - 1];

	for (size_t i = 0; i < last->nr_texts; i++)
		if (!strcmp(last->text[i].name, name))
			return &last->text[i];
	return NULL;
}

static void add_region(struct machine *m, uint64_t start, uint64_t end, int node,
		       enum pb_zone_type zone, enum pb_region_kind kind)
{
	if (m->n < MAX_REGIONS)
		m->region[m->n++] = (struct pb_region){ .start_pfn = start,
							.end_pfn = end,
							.node = (uint8_t)node,
							.zone = (uint8_t)zone,
							.kind = (uint8_t)kind };
}

static void add_phase(struct machine *m, const struct diff_phase *phase)
{
	for (size_t i = 0; i < phase->before.nr_zones; i++) {
		const struct diff_zone *zone = &phase->before.zone[i];

		for (size_t j = 0; j < zone->nr_map; j++) {
			const struct diff_run *run = &zone->map[j];
			uint64_t end = run->pfn + run->count;

			if (run->what == DIFF_HOLE)
				continue;
			add_region(m, run->pfn, end, phase->node, zone->type, PB_REGION_USABLE);
			if (run->what == DIFF_RESERVED)
				add_region(m, run->pfn, end, phase->node, zone->type,
					   PB_REGION_RESERVED);
		}
	}
}

/*
 * Which of a zone's frames are reserved makes no difference to its sizes: the
 * ones taken are the last of the zone's largest usable run.
 */
static bool reserve_late(struct machine *m, uint64_t near, uint64_t pages)
{
	const struct pb_region *zone = NULL;
	struct pb_region *largest = NULL;

	for (uint32_t i = 0; i < m->n; i++)
		if (m->region[i].start_pfn <= near && near < m->region[i].end_pfn)
			zone = &m->region[i];
	for (uint32_t i = 0; zone && i < m->n; i++) {
		struct pb_region *r = &m->region[i];

		/* A reserved run is in the list twice: it doesn't count as usable. */
		if (r->kind != PB_REGION_USABLE || r->node != zone->node || r->zone != zone->zone ||
		    (i + 1 < m->n && r[1].start_pfn == r->start_pfn))
			continue;
		if (!largest || r->end_pfn - r->start_pfn > largest->end_pfn - largest->start_pfn)
			largest = r;
	}
	if (!largest || largest->end_pfn - largest->start_pfn <= pages)
		return false;
	add_region(m, largest->end_pfn - pages, largest->end_pfn, largest->node, largest->zone,
		   PB_REGION_USABLE);
	add_region(m, largest->end_pfn - pages, largest->end_pfn, largest->node, largest->zone,
		   PB_REGION_RESERVED);
	largest->end_pfn -= pages;
	return true;
}

static int read_cpus(struct machine *m, const struct diff_text *text)
{
	unsigned int cpu, node;
	int used;

	for (const char *at = text->text; sscanf(at, "%u %u%n", &cpu, &node, &used) == 2;
	     at += used) {
		if (cpu >= MAX_CPUS || node >= PB_MAX_NODES)
			return -1;
		m->cpu_node[cpu] = (uint8_t)node;
		if (cpu >= m->nr_cpus)
			m->nr_cpus = cpu + 1;
	}
	return m->nr_cpus ? 0 : -1;
}

static int read_late(struct machine *m, const struct diff_text *text)
{
	uint64_t pfn, pages;
	int used;

	for (const char *at = text->text;
	     sscanf(at, "%" SCNx64 " %" SCNu64 "%n", &pfn, &pages, &used) == 2; at += used)
		if (!reserve_late(m, pfn, pages))
			return -1;
	return 0;
}

static int build_machine(struct machine *m, const struct diff_log *log, bool boot, char error[256])
{
	const struct diff_text *cpus = find_text(log, "cpus"), *late = find_text(log, "late");
	const struct diff_text *kbytes = find_text(log, "min_free_kbytes");

	memset(m, 0, sizeof(*m));
	if (!cpus || !late || !kbytes) {
		snprintf(error, 256,
			 "%s: no text 'cpus', 'late' or 'min_free_kbytes': this is no "
			 "log of a memory map",
			 log->name);
		return -1;
	}
	for (size_t i = 0; i < log->nr_phases; i++)
		add_phase(m, &log->phase[i]);
	m->min_free_kbytes = boot ? -1 : atoi(kbytes->text);
	if (read_cpus(m, cpus) || (boot && read_late(m, late)) || m->n == MAX_REGIONS) {
		snprintf(error, 256, "%s: the texts 'cpus' and 'late' do not fit the memory map",
			 log->name);
		return -1;
	}
	return 0;
}

/* ------------------------------------------------------------ /proc/zoneinfo */

struct sizes {
	int64_t min, low, high, pcp_high, pcp_batch;
	int64_t reserve[DIFF_ZONES];
	bool found;
};

static void read_protection(const char *line, struct sizes *s)
{
	const char *at = strchr(line, '(');
	int used;

	for (size_t i = 0; at && i < DIFF_ZONES; i++, at += used) {
		used = 0;
		if (sscanf(++at, "%" SCNd64 "%n", &s->reserve[i], &used) != 1)
			return;
	}
}

static void read_size(const char *line, struct sizes *s)
{
	if (!strncmp(line, "        protection:", 19))
		read_protection(line, s);
	else if (!strncmp(line, "              high:", 19))
		s->pcp_high = atoll(line + 19);
	else if (!strncmp(line, "              batch:", 20))
		s->pcp_batch = atoll(line + 20);
	else if (!strncmp(line, "        min ", 12))
		s->min = atoll(line + 12);
	else if (!strncmp(line, "        low ", 12))
		s->low = atoll(line + 12);
	else if (!strncmp(line, "        high ", 13))
		s->high = atoll(line + 13);
}

/* The kernel's sizes of one zone; every CPU's are the same. */
static struct sizes read_sizes(const struct diff_text *text, int node, const char *zone)
{
	struct sizes s = { 0 };
	char *copy = strdup(text->text), *rest = copy, *line, name[16];
	bool here = false;
	int id;

	while (copy && (line = strsep(&rest, "\n")) != NULL) {
		if (sscanf(line, "Node %d, zone %15s", &id, name) == 2) {
			here = id == node && !strcmp(name, zone);
			s.found |= here;
		} else if (here) {
			read_size(line, &s);
		}
	}
	free(copy);
	return s;
}

/* ---------------------------------------------------------------- comparison */

static void figure(struct diff_result *result, const char *zone, const char *name, int64_t linux_,
		   int64_t library)
{
	result->figures++;
	if (linux_ != library)
		diff_found(result, "%s, %s: Linux %" PRId64 ", library %" PRId64, zone, name,
			   linux_, library);
}

/* From 6.12 on high tunes itself, between two bounds that zoneinfo does not tell: they are
   in the module's state, which is of now. */
static void compare_bounds(const struct diff_log *log, const struct pb_zone_stat *stat,
			   const char *name, const struct pb_pcp_stat *pcp,
			   struct diff_result *result)
{
	for (size_t i = 0; i < log->nr_phases; i++) {
		const struct diff_phase *phase = &log->phase[i];

		for (size_t z = 0; phase->node == stat->node && z < phase->before.nr_zones; z++) {
			const struct diff_zone *zone = &phase->before.zone[z];

			if ((int)zone->type != (int)stat->zone)
				continue;
			figure(result, name, "pcp high_min", zone->cpu[0].high_min, pcp->high_min);
			figure(result, name, "pcp high_max", zone->cpu[0].high_max, pcp->high_max);
		}
	}
}

static void compare_protection(const char *name, const struct sizes *s,
			       const struct pb_zone_stat *stat, struct diff_result *result)
{
	static const enum pb_zone_type types[DIFF_ZONES] = {
		PB_ZONE_DMA, PB_ZONE_DMA32, PB_ZONE_NORMAL, PB_ZONE_MOVABLE, PB_ZONE_DEVICE,
	};

	for (size_t i = 0; i < DIFF_ZONES; i++)
		figure(result, name, "protection", s->reserve[i],
		       (int64_t)stat->lowmem_reserve[types[i]]);
}

static void compare_zone(struct pb_pool *pool, unsigned int index, const struct diff_log *log,
			 const struct diff_text *text, bool boot, struct diff_result *result)
{
	struct pb_zone_stat stat;
	struct pb_pcp_stat pcp;
	struct sizes s;
	char name[48];

	if (pb_zone_stats(pool, index, &stat) || pb_pcp_stats(pool, index, 0, &pcp))
		return;
	s = read_sizes(text, stat.node, pb_zone_name((enum pb_zone_type)stat.zone));
	snprintf(name, sizeof(name), "%s: node %d, zone %s", text->name, stat.node,
		 pb_zone_name((enum pb_zone_type)stat.zone));
	if (!s.found) {
		diff_found(result, "%s: Linux has none", name);
		return;
	}
	figure(result, name, "min", s.min, (int64_t)stat.watermark[PB_WMARK_MIN]);
	figure(result, name, "low", s.low, (int64_t)stat.watermark[PB_WMARK_LOW]);
	figure(result, name, "high", s.high, (int64_t)stat.watermark[PB_WMARK_HIGH]);
	if (!diff_from_6_12(pool) && (boot || !diff_before_6_1(pool)))
		figure(result, name, "pcp high", s.pcp_high, pcp.high);
	else if (diff_from_6_12(pool) && !boot)
		compare_bounds(log, &stat, name, &pcp, result);
	/* 5.10 does not compute its lists' sizes again */
	if (boot || !diff_before_6_1(pool))
		figure(result, name, "pcp batch", s.pcp_batch, pcp.batch);
	if (diff_kernel(pool) != PB_LINUX_7_2 || !boot)
		compare_protection(name, &s, &stat, result);
	/* 7.2's follow what has come free by then */
	if (diff_kernel(pool) == PB_LINUX_7_2 && !boot) {
		s = read_sizes(find_text(log, "zoneinfo-boot"), stat.node,
			       pb_zone_name((enum pb_zone_type)stat.zone));
		compare_protection("zoneinfo-boot", &s, &stat, result);
	}
}

/* From 512 MiB on, and without huge pages, Linux 6.1 and later compute twice at boot:
   the setting up of transparent huge pages asks for it. 5.10 computes once. */
static bool computes_twice(struct pb_pool *pool)
{
	struct pb_pool_stat stat;

	pb_stats(pool, &stat);
	return !diff_before_6_1(pool) && stat.managed >= 512u << 8;
}

static int compare_moment(const struct diff_log *log, bool boot, struct diff_result *result,
			  char error[256])
{
	const struct diff_text *text = find_text(log, boot ? "zoneinfo-boot" : "zoneinfo-now");
	struct machine *m = malloc(sizeof(*m));
	struct pb_pool pool = { 0 };
	struct pb_config config;
	int err = -1;

	if (!m || !text)
		snprintf(error, 256, "%s: no text zoneinfo-%s", log->name, boot ? "boot" : "now");
	else
		err = build_machine(m, log, boot, error);
	if (!err) {
		pb_config_init(&config);
		config.regions = m->region;
		config.nr_regions = m->n;
		config.profile = PB_PROFILE_LINUX;
		config.kernel = (uint8_t)log->kernel;
		config.flags = PB_POOL_NO_RSEQ;
		config.nr_cpus = m->nr_cpus;
		config.cpu_node = m->cpu_node;
		config.min_free_kbytes = m->min_free_kbytes;
		err = diff_make_pool(&pool, &config, error);
	}
	free(m);
	if (err)
		return -1;
	if (boot && computes_twice(&pool))
		(void)pb_set_min_free_kbytes(&pool, -1);
	for (unsigned int i = 0; i < pb_nr_zones(&pool); i++)
		compare_zone(&pool, i, log, text, boot, result);
	diff_unload(&pool);
	return 0;
}

int diff_map_compare(const struct diff_log *log, struct diff_result *result, char error[256])
{
	for (int boot = 1; boot >= 0; boot--) {
		uint64_t before = result->differences;

		if (compare_moment(log, boot, result, error))
			return -1;
		fprintf(result->out, "%s %s: %zu nodes, sizes %s\n",
			result->differences == before ? "ok  " : "DIFF", log->name, log->nr_phases,
			boot ? "of boot" : "of now");
	}
	return 0;
}
