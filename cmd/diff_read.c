// SPDX-License-Identifier: MIT
/*
 * Reads a pbdiff log (kernel/pbdiff/FORMAT.md). Everything that is not as the
 * format says ends the reading with the line and the reason: half a log would
 * compare as "no difference" just as well as a whole one.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

struct reader {
	struct diff_log *log;
	struct diff_phase *phase; /* being read, or the last one */
	struct diff_state *state; /* being read */
	struct diff_zone *zone;
	char *rest; /* of the line */
	char *error;
	int line;
	int cma; /* the kernel's number of MIGRATE_CMA, -1: none */
	int isolate;
	int migratetypes;
	uint64_t announced_ops;
	uint8_t op_cpu;  /* who does the operations that follow */
	bool reclaiming; /* the allocation that did is still to come */
	bool in_ops, ended, text, finished;
};

__attribute__((format(printf, 2, 3))) static int bad(struct reader *r, const char *format, ...)
{
	char what[180];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(r->error, 256, "%.40s:%d: %s", r->log->name, r->line, what);
	return -1;
}

/* Room for one more element in an array that grows by doubling. */
static void *grow(void *array, size_t n, size_t size)
{
	void *bigger;

	if (n & (n - 1) || (n && n < 8))
		return array;
	bigger = realloc(array, (n ? n * 2 : 8) * size);
	if (!bigger) {
		perror("pagebuddy kernel-diff");
		exit(1);
	}
	return bigger;
}

#define APPEND(array, n) (((array) = grow((array), (n), sizeof(*(array)))), &(array)[(n)++])

static char *word(struct reader *r)
{
	return strtok_r(NULL, " ", &r->rest);
}

static int number(struct reader *r, int base, int64_t *value)
{
	char *text = word(r), *end;

	*value = 0;
	if (!text)
		return bad(r, "the line ends early; expected a number");
	errno = 0;
	*value = strtoll(text, &end, base);
	if (errno || end == text || *end)
		return bad(r, "'%.20s'; expected a %s number", text,
			   base == 16 ? "hexadecimal" : "decimal");
	return 0;
}

static int unsigned_numbers(struct reader *r, int base, uint64_t *value, size_t n)
{
	int64_t signed_value = 0;

	memset(value, 0, n * sizeof(*value));
	for (size_t i = 0; i < n; i++) {
		if (number(r, base, &signed_value))
			return -1;
		if (signed_value < 0)
			return bad(r, "%" PRId64 "; expected no negative number", signed_value);
		value[i] = (uint64_t)signed_value;
	}
	return 0;
}

/* The kernel's migratetype in ours: without CMA its ISOLATE has CMA's number. */
static int migratetype(struct reader *r, uint64_t kernel, uint8_t *type)
{
	*type = 0;
	if (kernel <= PB_MIGRATE_HIGHATOMIC)
		*type = (uint8_t)kernel;
	else if ((int)kernel == r->cma)
		*type = PB_MIGRATE_CMA;
	else if ((int)kernel == r->isolate)
		*type = PB_MIGRATE_ISOLATE;
	else if ((int)kernel == r->migratetypes)
		*type = PB_MIGRATE_TYPES; /* a pageblock that is a hole */
	else
		return bad(r, "migratetype %" PRIu64 " is none of this kernel's", kernel);
	return 0;
}

/* -------------------------------------------------------------- header */

static struct diff_zone *zones(void)
{
	struct diff_zone *zone = calloc(DIFF_ZONES, sizeof(*zone));

	if (!zone) {
		perror("pagebuddy kernel-diff");
		exit(1);
	}
	return zone;
}

static int line_pbdiff(struct reader *r)
{
	uint64_t format;

	if (r->phase && !r->ended)
		return bad(r, "phase %d has no end: the log is truncated", r->phase->number);
	if (unsigned_numbers(r, 10, &format, 1))
		return -1;
	if (format != DIFF_FORMAT)
		return bad(r, "log format %" PRIu64 "; expected %d", format, DIFF_FORMAT);
	r->phase = APPEND(r->log->phase, r->log->nr_phases);
	*r->phase = (struct diff_phase){ .number = (int)r->log->nr_phases };
	r->phase->before.zone = zones();
	r->phase->after.zone = zones();
	r->state = NULL;
	r->zone = NULL;
	r->in_ops = r->ended = false;
	return 0;
}

/* 6.1.0-57-cloud-amd64 is 6.1, 6.12.95 isn't. */
static bool kernel_of(const char *release, enum pb_kernel *kernel)
{
	for (unsigned int i = 0; i < PB_NR_LINUX; i++) {
		const char *name = pb_kernel_name((enum pb_kernel)i);
		size_t len = strlen(name);

		if (strncmp(release, name, len) != 0 || release[len] != '.')
			continue;
		*kernel = (enum pb_kernel)i;
		return true;
	}
	return false;
}

static int line_kernel(struct reader *r)
{
	const char *release = word(r);

	if (!release || !kernel_of(release, &r->log->kernel))
		return bad(r,
			   "kernel '%.40s' isn't known; the linux profile follows 5.4, 5.10, 6.1, "
			   "6.12 and 7.2",
			   release ? release : "");
	snprintf(r->phase->kernel, sizeof(r->phase->kernel), "%s", release);
	if (!diff_same(r->phase->kernel, r->log->phase[0].kernel))
		return bad(r, "kernel '%.40s', but the log began with '%.40s'", release,
			   r->log->phase[0].kernel);
	return 0;
}

static int config_value(struct reader *r, const char *name, int64_t low, int64_t high,
			int64_t *value)
{
	const char *found = word(r);

	*value = 0;
	if (!diff_same(found, name))
		return bad(r, "'%.20s'; expected '%s'", found ? found : "", name);
	if (number(r, 10, value))
		return -1;
	if (*value < low || *value > high)
		return bad(r, "%s %" PRId64 "; expected %" PRId64 " to %" PRId64, name, *value, low,
			   high);
	return 0;
}

static int line_config(struct reader *r)
{
	bool single = r->log->kernel == PB_LINUX_5_4 || r->log->kernel == PB_LINUX_5_10;
	int64_t lists = single ? PB_MIGRATE_PCPTYPES : DIFF_PCP_LISTS;
	int64_t value, types, cma, isolate;

	if (config_value(r, "max_order", 10, 10, &value) ||
	    config_value(r, "pageblock_order", 9, 9, &value) ||
	    config_value(r, "migratetypes", 4, 6, &types) ||
	    config_value(r, "pcp_lists", lists, lists, &value) ||
	    config_value(r, "cma", -1, 4, &cma) || config_value(r, "isolate", -1, 5, &isolate))
		return -1;
	r->migratetypes = (int)types;
	r->cma = (int)cma;
	r->isolate = (int)isolate;
	return 0;
}

static int line_settings(struct reader *r)
{
	int64_t boost, shuffle, nodes, cpus;

	if (config_value(r, "boost_factor", -1, INT32_MAX, &boost) ||
	    config_value(r, "shuffle", -1, 1, &shuffle) ||
	    config_value(r, "nodes", 1, PB_MAX_NODES, &nodes) ||
	    config_value(r, "cpus", 1, DIFF_CPUS, &cpus))
		return -1;
	r->phase->shuffled = shuffle > 0;
	r->phase->boost_factor = (int)boost;
	r->phase->nodes = (int)nodes;
	r->phase->cpus = (int)cpus;
	return 0;
}

static int line_phase(struct reader *r)
{
	uint64_t phase;
	int64_t node, cpu, ops, seed;
	const char *kind;

	if (unsigned_numbers(r, 10, &phase, 1))
		return -1;
	if (phase != r->log->nr_phases)
		return bad(r, "phase %" PRIu64 "; expected phase %zu", phase, r->log->nr_phases);
	kind = word(r);
	snprintf(r->phase->kind, sizeof(r->phase->kind), "%s", kind ? kind : "");
	if (config_value(r, "seed", 0, INT64_MAX, &seed) ||
	    config_value(r, "node", 0, PB_MAX_NODES - 1, &node) ||
	    config_value(r, "cpu", 0, DIFF_CPUS - 1, &cpu) ||
	    config_value(r, "ops", 0, 1 << 30, &ops))
		return -1;
	r->phase->seed = (uint64_t)seed;
	r->phase->node = (int)node;
	r->phase->cpu = (int)cpu;
	r->phase->at_work = UINT64_C(1) << cpu;
	r->announced_ops = (uint64_t)ops;
	return 0;
}

/* --------------------------------------------------------------- state */

static int line_state(struct reader *r)
{
	const char *which = word(r);

	r->zone = NULL;
	r->in_ops = false;
	if (diff_same(which, "before") && !r->state)
		r->state = &r->phase->before;
	else if (diff_same(which, "after") && r->state == &r->phase->before)
		r->state = &r->phase->after;
	else
		return bad(r, "state '%.20s' is not expected here", which ? which : "");
	return 0;
}

static int line_zone(struct reader *r)
{
	static const char *const names[DIFF_ZONES] = { "DMA", "DMA32", "Normal", "Movable",
						       "Device" };
	static const enum pb_zone_type types[DIFF_ZONES] = {
		PB_ZONE_DMA, PB_ZONE_DMA32, PB_ZONE_NORMAL, PB_ZONE_MOVABLE, PB_ZONE_DEVICE,
	};
	const char *name = word(r);

	for (size_t i = 0; name && r->state && i < DIFF_ZONES; i++) {
		if (!diff_same(names[i], name) || r->state->nr_zones == DIFF_ZONES)
			continue;
		r->zone = &r->state->zone[r->state->nr_zones++];
		r->zone->type = types[i];
		return 0;
	}
	return bad(r, "zone '%.20s' is not expected here", name ? name : "");
}

static int line_span(struct reader *r)
{
	uint64_t rest[3];

	if (unsigned_numbers(r, 16, &r->zone->start_pfn, 1) || unsigned_numbers(r, 10, rest, 3))
		return -1;
	r->zone->spanned = rest[0];
	r->zone->present = rest[1];
	r->zone->managed = rest[2];
	return 0;
}

static int line_flags(struct reader *r)
{
	return unsigned_numbers(r, 16, &r->zone->flags, 1);
}

static int line_watermark(struct reader *r)
{
	return unsigned_numbers(r, 10, r->zone->watermark, PB_NR_WMARK);
}

static int line_boost(struct reader *r)
{
	return unsigned_numbers(r, 10, &r->zone->boost, 1);
}

static int line_highatomic(struct reader *r)
{
	return unsigned_numbers(r, 10, &r->zone->highatomic, 1);
}

static int line_isolated(struct reader *r)
{
	return unsigned_numbers(r, 10, &r->zone->isolated, 1);
}

/* What follows from other lines. */
static int line_derived(struct reader *r)
{
	uint64_t mark;

	return unsigned_numbers(r, 10, &mark, 1);
}

static int line_lowmem_reserve(struct reader *r)
{
	return unsigned_numbers(r, 10, r->zone->lowmem_reserve, DIFF_ZONES);
}

static int line_free_pages(struct reader *r)
{
	if (number(r, 10, &r->zone->free_pages) ||
	    unsigned_numbers(r, 10, &r->zone->stat_threshold, 1))
		return -1;
	while (r->rest && *r->rest) {
		char *text = word(r), *end = NULL;
		uint64_t cpu = strtoull(text, &end, 10);

		if (end == text || *end != '/' || cpu >= DIFF_CPUS)
			return bad(r, "'%.20s'; expected CPU/number, a CPU below %d", text,
				   DIFF_CPUS);
		r->zone->cpu[cpu].free_diff = strtoll(end + 1, NULL, 10);
	}
	return 0;
}

/* Hit, miss, foreign, interleave, local, other in both. */
static int line_numa(struct reader *r)
{
	return unsigned_numbers(r, 10, r->zone->numa, PB_NR_NUMA_EVENTS);
}

static int line_unreclaimable(struct reader *r)
{
	return unsigned_numbers(r, 10, &r->zone->unreclaimable, 1);
}

static int line_map(struct reader *r)
{
	static const char *const names[] = { "hole", "reserved", "usable" };
	struct diff_run run = { 0 };
	const char *name;

	if (unsigned_numbers(r, 16, &run.pfn, 1) || unsigned_numbers(r, 10, &run.count, 1))
		return -1;
	name = word(r);
	for (; run.what < 3 && !diff_same(name, names[run.what]); run.what++)
		;
	if (run.what == 3)
		return bad(r, "'%.20s'; expected hole, reserved or usable", name ? name : "");
	*APPEND(r->zone->map, r->zone->nr_map) = run;
	return 0;
}

static int line_pageblocks(struct reader *r)
{
	uint64_t pfn = r->zone->start_pfn >> 9 << 9, piece[2];

	while (r->rest && *r->rest) {
		struct diff_run run = { .pfn = pfn };

		if (unsigned_numbers(r, 10, piece, 2))
			return -1;
		if (migratetype(r, piece[0], &run.what))
			return -1;
		run.count = piece[1] << 9;
		pfn += run.count;
		*APPEND(r->zone->pageblocks, r->zone->nr_pageblocks) = run;
	}
	return 0;
}

static int line_nr_free(struct reader *r)
{
	return unsigned_numbers(r, 10, r->zone->nr_free, DIFF_ORDERS);
}

static int line_free(struct reader *r)
{
	struct diff_block block = { 0 };
	uint64_t head[2];

	if (unsigned_numbers(r, 10, head, 2) || migratetype(r, head[1], &block.type))
		return -1;
	if (head[0] >= DIFF_ORDERS || block.type == PB_MIGRATE_TYPES)
		return bad(r, "order %" PRIu64 "; expected 0 to 10", head[0]);
	block.order = (uint8_t)head[0];
	while (r->rest && *r->rest) {
		if (unsigned_numbers(r, 16, &block.pfn, 1))
			return -1;
		*APPEND(r->zone->free, r->zone->nr_free_blocks) = block;
	}
	return 0;
}

static struct diff_pcp *pcp_of(struct reader *r)
{
	uint64_t cpu;

	if (unsigned_numbers(r, 10, &cpu, 1))
		return NULL;
	if (cpu >= DIFF_CPUS) {
		bad(r, "CPU %" PRIu64 "; expected one below %d", cpu, DIFF_CPUS);
		return NULL;
	}
	r->zone->cpu[cpu].online = true;
	return &r->zone->cpu[cpu];
}

static int line_pcp(struct reader *r)
{
	struct diff_pcp *pcp = pcp_of(r);
	int64_t figure[9];

	if (!pcp)
		return -1;
	for (size_t i = 0; i < 9; i++)
		if (number(r, 10, &figure[i]))
			return -1;
	pcp->count = figure[0];
	pcp->high = figure[1];
	pcp->batch = figure[2];
	pcp->free_factor = figure[3];
	pcp->expire = figure[4];
	pcp->high_min = figure[5];
	pcp->high_max = figure[6];
	pcp->alloc_factor = figure[7];
	pcp->flags = figure[8];
	return 0;
}

/* pfn/number, the pfn in hexadecimal. */
static int pair(struct reader *r, uint64_t *pfn, uint64_t *value)
{
	char *text = word(r), *end = NULL;

	*pfn = *value = 0;
	if (text)
		*pfn = strtoull(text, &end, 16);
	if (!text || end == text || *end != '/' || !isdigit((unsigned char)end[1]))
		return bad(r, "'%.20s'; expected pfn/number", text ? text : "");
	*value = strtoull(end + 1, NULL, 10);
	return 0;
}

static int line_pcp_list(struct reader *r)
{
	struct diff_pcp *pcp = pcp_of(r);
	struct diff_block block = { 0 };
	uint64_t list, type;

	if (!pcp || unsigned_numbers(r, 10, &list, 1))
		return -1;
	if (list >= DIFF_PCP_LISTS)
		return bad(r, "per-CPU list %" PRIu64 "; expected 0 to 13", list);
	block.list = (uint8_t)list;
	block.order = list < 12 ? (uint8_t)(list / 3) : 9;
	while (r->rest && *r->rest) {
		if (pair(r, &block.pfn, &type) || migratetype(r, type, &block.type))
			return -1;
		*APPEND(pcp->block, pcp->nr) = block;
	}
	return 0;
}

static int line_lru(struct reader *r)
{
	uint64_t pfn;

	while (r->rest && *r->rest) {
		if (unsigned_numbers(r, 16, &pfn, 1))
			return -1;
		*APPEND(r->zone->lru, r->zone->nr_lru) = pfn;
	}
	return 0;
}

static int line_held(struct reader *r)
{
	struct diff_held block;
	uint64_t order;

	while (r->rest && *r->rest) {
		if (pair(r, &block.pfn, &order))
			return -1;
		if (order >= DIFF_ORDERS)
			return bad(r, "order %" PRIu64 "; expected 0 to 10", order);
		block.order = (uint8_t)order;
		*APPEND(r->state->held, r->state->nr_held) = block;
	}
	return 0;
}

/* ---------------------------------------------------- operations and end */

static int line_ops(struct reader *r)
{
	if (r->state != &r->phase->before)
		return bad(r, "operations are not expected here");
	r->in_ops = true;
	r->op_cpu = (uint8_t)r->phase->cpu;
	return 0;
}

static int add_op(struct reader *r, struct diff_op *op)
{
	op->cpu = r->op_cpu;
	r->phase->at_work |= UINT64_C(1) << r->op_cpu;
	*APPEND(r->phase->ops, r->phase->nr_ops) = *op;
	return 0;
}

/* A list of the largest order as the call before left it. */
static int line_lots(struct reader *r)
{
	struct diff_lot lot = { .op = r->phase->nr_ops - 1 };
	uint64_t type;

	if (!r->phase->shuffled || !r->phase->nr_ops)
		return bad(r, "lots are not expected here");
	if (unsigned_numbers(r, 10, &type, 1) || migratetype(r, type, &lot.type))
		return -1;
	if (lot.type == PB_MIGRATE_TYPES)
		return bad(r, "migratetype %" PRIu64 " has no lists", type);
	while (r->rest && *r->rest) {
		if (unsigned_numbers(r, 16, &lot.pfn, 1))
			return -1;
		*APPEND(r->phase->lot, r->phase->nr_lots) = lot;
	}
	return 0;
}

/* What follows is done by this CPU. */
static int line_op_cpu(struct reader *r)
{
	uint64_t cpu;

	if (unsigned_numbers(r, 10, &cpu, 1))
		return -1;
	if (cpu >= DIFF_CPUS || !r->phase->before.nr_zones ||
	    !r->phase->before.zone[0].cpu[cpu].online)
		return bad(r, "CPU %" PRIu64 " is not one of the recorded machine", cpu);
	r->op_cpu = (uint8_t)cpu;
	return 0;
}

static int line_alloc(struct reader *r)
{
	struct diff_op op = { .pfn = UINT64_MAX };
	uint64_t gfp, order;
	char *end;
	const char *pfn;

	if (unsigned_numbers(r, 16, &gfp, 1) || unsigned_numbers(r, 10, &order, 1))
		return -1;
	pfn = word(r);
	if (!pfn || order >= DIFF_ORDERS)
		return bad(r, "expected GFP, an order up to 10, and a pfn or -");
	if (!diff_same(pfn, "-")) {
		op.pfn = strtoull(pfn, &end, 16);
		if (*end)
			return bad(r, "'%.20s'; expected a pfn or -", pfn);
	}
	r->reclaiming = false;
	op.gfp = (uint32_t)gfp;
	op.order = (uint8_t)order;
	return add_op(r, &op);
}

static int free_op(struct reader *r, bool reclaimed)
{
	struct diff_op op = { .is_free = true, .reclaimed = reclaimed };
	uint64_t order;

	if (unsigned_numbers(r, 10, &order, 1) || unsigned_numbers(r, 16, &op.pfn, 1))
		return -1;
	if (order >= DIFF_ORDERS)
		return bad(r, "order %" PRIu64 "; expected 0 to 10", order);
	op.order = (uint8_t)order;
	return add_op(r, &op);
}

static int line_op_free(struct reader *r)
{
	return r->reclaiming ? bad(r, "expected the allocation that reclaimed") : free_op(r, false);
}

static int line_op_reclaim(struct reader *r)
{
	r->reclaiming = true;
	return free_op(r, true);
}

static int end_phase(struct reader *r)
{
	uint64_t numbers[2];
	const char *ops;

	if (!r->phase || r->ended)
		return bad(r, "no phase is open here");
	if (r->reclaiming)
		return bad(r, "expected the allocation that reclaimed");
	if (unsigned_numbers(r, 10, &numbers[0], 1))
		return -1;
	ops = word(r);
	if (!diff_same(ops, "ops") || unsigned_numbers(r, 10, &numbers[1], 1))
		return bad(r, "expected 'end phase N ops N'");
	if (numbers[1] != r->phase->nr_ops || r->announced_ops != r->phase->nr_ops)
		return bad(r,
			   "phase %d has %zu operations, but announced %" PRIu64
			   ": the log is truncated",
			   r->phase->number, r->phase->nr_ops, r->announced_ops);
	if (!r->phase->before.nr_zones || r->phase->after.nr_zones != r->phase->before.nr_zones)
		return bad(r, "phase %d lacks zones: the log is truncated", r->phase->number);
	r->log->nr_ops += r->phase->nr_ops;
	r->ended = true;
	return 0;
}

static int end_log(struct reader *r)
{
	uint64_t phases, ops;
	const char *name;

	name = word(r);
	if (!diff_same(name, "phases") || unsigned_numbers(r, 10, &phases, 1))
		return bad(r, "expected 'end log phases N ops N'");
	name = word(r);
	if (!diff_same(name, "ops") || unsigned_numbers(r, 10, &ops, 1))
		return bad(r, "expected 'end log phases N ops N'");
	if (phases != r->log->nr_phases || ops != r->log->nr_ops)
		return bad(r,
			   "the log has %zu phases and %" PRIu64 " operations, the kernel wrote "
			   "%" PRIu64 " and %" PRIu64 ": something is missing",
			   r->log->nr_phases, r->log->nr_ops, phases, ops);
	if (!phases)
		return bad(r, "the log has no phase");
	r->finished = true;
	return 0;
}

static int line_end(struct reader *r)
{
	const char *what = word(r);

	if (diff_same(what, "phase"))
		return end_phase(r);
	if (diff_same(what, "log") && (!r->phase || r->ended))
		return end_log(r);
	if (diff_same(what, "text") && r->text) {
		r->text = false;
		return 0;
	}
	return bad(r, "'end %.20s' is not expected here", what ? what : "");
}

/* ---------------------------------------------------------------- texts */

static int line_text(struct reader *r)
{
	const char *name = word(r);
	struct diff_text *text;

	if (!r->phase || !r->ended || !name || r->phase->nr_texts == DIFF_MAX_TEXTS)
		return bad(r, "a text is not expected here");
	text = &r->phase->text[r->phase->nr_texts++];
	snprintf(text->name, sizeof(text->name), "%s", name);
	text->text = calloc(1, 1);
	text->line = r->line;
	r->text = true;
	return 0;
}

static void add_text(struct reader *r, const char *line)
{
	struct diff_text *text = &r->phase->text[r->phase->nr_texts - 1];
	size_t len = strlen(line);
	char *bigger = realloc(text->text, text->len + len + 2);

	if (!bigger) {
		perror("pagebuddy kernel-diff");
		exit(1);
	}
	text->text = bigger;
	memcpy(text->text + text->len, line, len);
	text->len += len;
	text->text[text->len++] = '\n';
	text->text[text->len] = '\0';
}

/* ---------------------------------------------------------------- lines */

enum needs { NEEDS_NOTHING, NEEDS_PHASE, NEEDS_STATE, NEEDS_ZONE, NEEDS_OPS };

static const struct {
	const char *name;
	enum needs needs;
	int (*read)(struct reader *r);
} lines[] = {
	{ "pbdiff", NEEDS_NOTHING, line_pbdiff },
	{ "kernel", NEEDS_PHASE, line_kernel },
	{ "config", NEEDS_PHASE, line_config },
	{ "settings", NEEDS_PHASE, line_settings },
	{ "phase", NEEDS_PHASE, line_phase },
	{ "state", NEEDS_PHASE, line_state },
	{ "zone", NEEDS_STATE, line_zone },
	{ "span", NEEDS_ZONE, line_span },
	{ "flags", NEEDS_ZONE, line_flags },
	{ "isolated", NEEDS_ZONE, line_isolated },
	{ "watermark", NEEDS_ZONE, line_watermark },
	{ "boost", NEEDS_ZONE, line_boost },
	{ "highatomic", NEEDS_ZONE, line_highatomic },
	{ "drift_mark", NEEDS_ZONE, line_derived },
	{ "free_highatomic", NEEDS_ZONE, line_derived },
	{ "lowmem_reserve", NEEDS_ZONE, line_lowmem_reserve },
	{ "free_pages", NEEDS_ZONE, line_free_pages },
	{ "numa", NEEDS_ZONE, line_numa },
	{ "unreclaimable", NEEDS_ZONE, line_unreclaimable },
	{ "map", NEEDS_ZONE, line_map },
	{ "pageblocks", NEEDS_ZONE, line_pageblocks },
	{ "nr_free", NEEDS_ZONE, line_nr_free },
	{ "free", NEEDS_ZONE, line_free },
	{ "pcp", NEEDS_ZONE, line_pcp },
	{ "pcp_list", NEEDS_ZONE, line_pcp_list },
	{ "lru", NEEDS_ZONE, line_lru },
	{ "held", NEEDS_STATE, line_held },
	{ "ops", NEEDS_STATE, line_ops },
	{ "a", NEEDS_OPS, line_alloc },
	{ "c", NEEDS_OPS, line_op_cpu },
	{ "f", NEEDS_OPS, line_op_free },
	{ "o", NEEDS_OPS, line_lots },
	{ "r", NEEDS_OPS, line_op_reclaim },
	{ "text", NEEDS_PHASE, line_text },
	{ "end", NEEDS_NOTHING, line_end },
};

static bool has(const struct reader *r, enum needs needs)
{
	switch (needs) {
	case NEEDS_NOTHING:
		return true;
	case NEEDS_PHASE:
		return r->phase;
	case NEEDS_STATE:
		return r->phase && !r->ended && r->state;
	case NEEDS_ZONE:
		return r->phase && !r->ended && r->zone;
	case NEEDS_OPS:
		return r->phase && !r->ended && r->in_ops;
	}
	return false;
}

static int read_line(struct reader *r, char *line)
{
	const char *name;

	if (r->text && line[0] == '|') {
		add_text(r, line + 1);
		return 0;
	}
	if (r->finished)
		return bad(r, "there is something after the end of the log");
	name = strtok_r(line, " ", &r->rest);
	if (!name)
		return 0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!diff_same(lines[i].name, name))
			continue;
		if (!has(r, lines[i].needs))
			return bad(r, "'%s' is not expected here", name);
		return lines[i].read(r);
	}
	return bad(r, "'%.20s' begins no line of a pbdiff log", name);
}

int diff_read(struct diff_log *log, const char *name, FILE *file, char error[256])
{
	struct reader r = { .log = log, .error = error };
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	*log = (struct diff_log){ .name = name };
	while (!err && (len = getline(&line, &size, file)) >= 0) {
		r.line++;
		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		else
			err = bad(&r, "the last line has no end: the log is truncated");
		if (!err)
			err = read_line(&r, line);
	}
	free(line);
	if (!err && !r.finished)
		err = bad(&r, "%s",
			  r.line ? "no 'end log': the log is truncated" : "the log is empty");
	return err;
}

static void state_free(struct diff_state *state)
{
	for (size_t i = 0; i < state->nr_zones; i++) {
		free(state->zone[i].map);
		free(state->zone[i].pageblocks);
		free(state->zone[i].free);
		free(state->zone[i].lru);
		for (unsigned int cpu = 0; cpu < DIFF_CPUS; cpu++)
			free(state->zone[i].cpu[cpu].block);
	}
	free(state->zone);
	free(state->held);
}

void diff_log_free(struct diff_log *log)
{
	for (size_t i = 0; i < log->nr_phases; i++) {
		state_free(&log->phase[i].before);
		state_free(&log->phase[i].after);
		free(log->phase[i].ops);
		free(log->phase[i].lot);
		for (size_t j = 0; j < log->phase[i].nr_texts; j++)
			free(log->phase[i].text[j].text);
	}
	free(log->phase);
}
