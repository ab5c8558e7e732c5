/* SPDX-License-Identifier: MIT */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void fail_exit(const char *file, int line)
{
	(void)file;
	(void)line;
	fflush(NULL);
	exit(1);
}

void (*tp_fail)(const char *file, int line) = fail_exit;

/* ------------------------------------------------------------------- hooks */

static void on_misuse(void *ctx, const struct pb_misuse_report *report)
{
	struct tp *tp = ctx;

	tp->misuse_calls++;
	tp->misuse = *report;
	snprintf(tp->misuse_text, sizeof(tp->misuse_text), "%s", report->text);
	snprintf(tp->misuse_call, sizeof(tp->misuse_call), "%s", report->call);
	tp->misuse.text = tp->misuse_text;
	tp->misuse.call = tp->misuse_call;
}

static void on_log(void *ctx, const char *line)
{
	struct tp *tp = ctx;

	tp->log_lines++;
	snprintf(tp->log_last, sizeof(tp->log_last), "%s", line);
}

static void on_trace(void *ctx, const struct pb_trace_event *event)
{
	struct tp *tp = ctx;

	tp_require(event->type < PB_NR_TRACE, "trace event of type %u", event->type);
	tp->traced[event->type]++;
	if (tp->nr_events < TP_EVENTS)
		tp->events[tp->nr_events++] = *event;
}

void tp_trace(struct tp *tp, int on)
{
	tp->nr_events = 0;
	memset(tp->traced, 0, sizeof(tp->traced));
	tp->pool.hooks.trace = on ? on_trace : NULL;
}

const struct pb_trace_event *tp_event(const struct tp *tp, enum pb_trace_type type, unsigned int n)
{
	for (unsigned int i = 0; i < tp->nr_events; i++)
		if (tp->events[i].type == type && n-- == 0)
			return &tp->events[i];
	return NULL;
}

/* -------------------------------------------------------------------- life */

void tp_start(struct tp *tp)
{
	memset(tp, 0, sizeof(*tp));
	pb_config_init(&tp->config);
	tp->config.min_free_kbytes = 0;
	tp->config.watermark_scale_factor = 1;
	tp->config.watermark_boost_factor = 0;
	memset(tp->config.lowmem_reserve_ratio, 0, sizeof(tp->config.lowmem_reserve_ratio));
	tp->config.flags = PB_POOL_MOBILITY;
	tp->config.nr_stripes = 1;
	tp->hooks.ctx = tp;
	tp->hooks.misuse = on_misuse;
	tp->hooks.log = on_log;
}

static struct pb_region *add_region(struct tp *tp)
{
	tp_require(tp->config.nr_regions < TP_REGIONS, "too many regions for a test");
	return &tp->regions[tp->config.nr_regions++];
}

void tp_region(struct tp *tp, uint64_t start, uint64_t end, int node, enum pb_zone_type zone)
{
	*add_region(tp) = (struct pb_region){
		.start_pfn = start,
		.end_pfn = end,
		.node = (uint8_t)node,
		.zone = (uint8_t)zone,
		.kind = PB_REGION_USABLE,
	};
}

void tp_cma(struct tp *tp, uint64_t start, uint64_t end)
{
	*add_region(tp) = (struct pb_region){
		.start_pfn = start,
		.end_pfn = end,
		.kind = PB_REGION_CMA,
	};
}

void tp_reserved(struct tp *tp, uint64_t start, uint64_t end)
{
	*add_region(tp) = (struct pb_region){
		.start_pfn = start,
		.end_pfn = end,
		.kind = PB_REGION_RESERVED,
	};
}

/* The last byte of the metadata is the last of a page; behind it is none. */
static void map_metadata(struct tp *tp)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t body = (tp->bytes + page - 1) & ~(page - 1);

	tp->mapped = body + page;
	tp->mapping = mmap(NULL, tp->mapped, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	tp_require(tp->mapping != MAP_FAILED, "mmap of %zu bytes: %s", tp->mapped, strerror(errno));
	tp_require(mprotect((char *)tp->mapping + body, page, PROT_NONE) == 0, "mprotect: %s",
		   strerror(errno));
	tp->memory = (char *)tp->mapping + body - tp->bytes;
}

void tp_quarantine(struct pb_config *config)
{
	if ((config->flags & TP_QUARANTINE) != TP_QUARANTINE)
		return;
	config->flags &= ~(TP_QUARANTINE & ~(uint32_t)PB_POOL_HARDENED);
	config->quarantine = TP_QUARANTINE_BLOCKS;
}

int tp_try(struct tp *tp)
{
	int code;

	tp_quarantine(&tp->config);
	tp->config.regions = tp->regions;
	code = pb_pool_size(&tp->config, &tp->bytes, &tp->error);
	if (code)
		return code;
	tp_require(tp->bytes % 64 == 0, "pb_pool_size gave %zu bytes, not a multiple of 64",
		   tp->bytes);
	map_metadata(tp);
	return pb_pool_init(&tp->pool, &tp->config, tp->memory, tp->bytes, true, &tp->hooks,
			    &tp->error);
}

void tp_require_stripes(struct pb_pool *pool, uint32_t stripes, uint64_t pageblocks)
{
	struct pb_zone_stat zone, largest = { 0 };
	uint64_t sum = 0;

	for (unsigned int i = 0; i < pb_nr_zones(pool); i++) {
		tp_require(pb_zone_stats(pool, i, &zone) == PB_OK, "zone %u", i);
		for (int type = 0; type < PB_MIGRATE_TYPES; type++)
			sum += zone.pageblocks[type];
		if (zone.present > largest.present)
			largest = zone;
	}
	tp_require(largest.stripes == stripes, "%u stripes, %u wanted", largest.stripes, stripes);
	tp_require(sum >= pageblocks, "%" PRIu64 " pageblocks, %" PRIu64 " wanted", sum,
		   pageblocks);
}

void tp_build(struct tp *tp)
{
	int code = tp_try(tp);

	tp_require(code == PB_OK, "pool of a test: %d: %s", code, tp->error.text);
	if (tp->config.nr_stripes && !tp->any_stripes)
		tp_require_stripes(&tp->pool,
				   tp->config.profile == PB_PROFILE_LINUX ? 1
									  : tp->config.nr_stripes,
				   0);
	tp_check(tp, "after init");
}

void tp_drop(struct tp *tp)
{
	pb_pool_destroy(&tp->pool);
	if (tp->mapping)
		munmap(tp->mapping, tp->mapped);
	tp->mapping = NULL;
}

void tp_simple(struct tp *tp, uint64_t frames, enum pb_profile profile, uint32_t flags)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= flags;
	tp_region(tp, 0, frames, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

/* ------------------------------------------------------------------- state */

void tp_check(struct tp *tp, const char *where)
{
	struct pb_error error = { 0 };
	int code = pb_validate(&tp->pool, &error);

	tp_require(code == PB_OK, "%s: pb_validate() gave %d: %s", where, code, error.text);
}

struct frames_walk {
	struct tp_frame *frames;
	uint64_t n;
	size_t blocks;
};

static int note_frames(void *ctx, const struct pb_block *block)
{
	struct frames_walk *walk = ctx;
	uint64_t end = block->pfn + ((uint64_t)1 << block->order);

	tp_require(end <= walk->n, "walk left the map: pfn %" PRIu64 " order %u", block->pfn,
		   block->order);
	for (uint64_t pfn = block->pfn; pfn < end; pfn++) {
		struct tp_frame *frame = &walk->frames[pfn];

		tp_require(frame->state == TP_HOLE, "walk visits pfn %" PRIu64 " twice", pfn);
		*frame = (struct tp_frame){
			.state = block->state,
			.order = block->order,
			.head = pfn == block->pfn,
			.list_type = block->list_type,
			.pageblock_type = block->pageblock_type,
			.node = block->node,
			.zone = block->zone,
			.movable = block->movable,
		};
	}
	walk->blocks++;
	return 0;
}

size_t tp_frames(struct tp *tp, struct tp_frame *frames, uint64_t n)
{
	struct frames_walk walk = { .frames = frames, .n = n };

	for (uint64_t i = 0; i < n; i++)
		frames[i] = (struct tp_frame){ .state = TP_HOLE };
	tp_require(pb_walk(&tp->pool, note_frames, &walk) == 0, "walk ended early");
	return walk.blocks;
}

static uint64_t mix(uint64_t sum, uint64_t x)
{
	sum ^= x + 0x9e3779b97f4a7c15u + (sum << 6) + (sum >> 2);
	sum *= 0xff51afd7ed558ccdu;
	return sum ^ sum >> 32;
}

struct sum_walk {
	uint64_t sum;
	int owned;
};

static int sum_block(void *ctx, const struct pb_block *block)
{
	struct sum_walk *walk = ctx;

	if (walk->owned && (block->state == PB_BLOCK_FREE || block->state == PB_BLOCK_PCP))
		return 0;
	walk->sum = mix(walk->sum, block->pfn);
	walk->sum = mix(walk->sum, (uint64_t)block->order << 32 | (uint64_t)block->state << 24 |
					   (uint64_t)block->pageblock_type << 8 | block->movable);
	if (!walk->owned)
		walk->sum = mix(walk->sum, block->list_type);
	return 0;
}

static int sum_pfn(void *ctx, uint64_t pfn)
{
	uint64_t *sum = ctx;

	*sum = mix(*sum, pfn);
	return 0;
}

static uint64_t sum_lists(struct tp *tp, const struct pb_zone_stat *zone, uint64_t sum)
{
	for (unsigned int order = 0; order <= tp->config.max_order; order++)
		for (int type = 0; type < PB_MIGRATE_TYPES; type++) {
			sum = mix(sum, order * 8 + (unsigned int)type);
			pb_walk_free_list(&tp->pool, zone->node, (enum pb_zone_type)zone->zone,
					  order, (enum pb_migratetype)type, sum_pfn, &sum);
		}
	return sum;
}

static uint64_t sum_zones(struct tp *tp, uint64_t sum, int owned)
{
	struct pb_zone_stat zone;

	for (unsigned int i = 0; i < pb_nr_zones(&tp->pool); i++) {
		tp_require(pb_zone_stats(&tp->pool, i, &zone) == PB_OK, "zone %u", i);
		sum = mix(sum, zone.present);
		sum = mix(sum, zone.managed);
		sum = mix(sum, (uint64_t)(zone.free + zone.pcp));
		sum = mix(sum, zone.boost);
		sum = mix(sum, zone.nr_reserved_highatomic);
		sum = mix(sum, zone.nr_isolate_pageblock);
		for (int w = 0; w < PB_NR_WMARK; w++)
			sum = mix(sum, zone.watermark[w]);
		if (!owned) {
			sum = mix(sum, (uint64_t)zone.pcp);
			sum = sum_lists(tp, &zone, sum);
		}
	}
	return sum;
}

static uint64_t sum_state(struct tp *tp, int owned)
{
	struct sum_walk walk = { .sum = 1, .owned = owned };
	struct pb_pool_stat stat;

	tp_require(pb_walk(&tp->pool, sum_block, &walk) == 0, "walk ended early");
	pb_stats(&tp->pool, &stat);
	for (int i = 0; i <= PB_PGFREE && !owned; i++)
		walk.sum = mix(walk.sum, stat.vm[i]);
	return sum_zones(tp, walk.sum, owned);
}

uint64_t tp_sum(struct tp *tp)
{
	return sum_state(tp, 0);
}

uint64_t tp_sum_owned(struct tp *tp)
{
	return sum_state(tp, 1);
}

int64_t tp_free_pages(struct tp *tp)
{
	struct pb_pool_stat stat;

	pb_stats(&tp->pool, &stat);
	return stat.free;
}

uint64_t tp_nr_free(struct tp *tp, unsigned int order)
{
	struct pb_zone_stat zone;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < pb_nr_zones(&tp->pool); i++) {
		tp_require(pb_zone_stats(&tp->pool, i, &zone) == PB_OK, "zone %u", i);
		sum += zone.nr_free[order];
	}
	return sum;
}

uint64_t tp_vm(struct tp *tp, enum pb_vm_event event)
{
	struct pb_pool_stat stat;

	pb_stats(&tp->pool, &stat);
	return stat.vm[event];
}

void tp_zone(struct tp *tp, int node, enum pb_zone_type zone, struct pb_zone_stat *stat)
{
	for (unsigned int i = 0; i < pb_nr_zones(&tp->pool); i++) {
		tp_require(pb_zone_stats(&tp->pool, i, stat) == PB_OK, "zone %u", i);
		if (stat->node == node && stat->zone == (int)zone)
			return;
	}
	tp_require(0, "no zone %d on node %d", (int)zone, node);
}

struct list_walk {
	uint64_t *pfns;
	size_t n, max;
};

static int note_pfn(void *ctx, uint64_t pfn)
{
	struct list_walk *walk = ctx;

	if (walk->n < walk->max)
		walk->pfns[walk->n] = pfn;
	walk->n++;
	return 0;
}

size_t tp_list(struct tp *tp, enum pb_zone_type zone, unsigned int order, enum pb_migratetype type,
	       uint64_t *pfns, size_t max)
{
	struct list_walk walk = { .pfns = pfns, .max = max };

	tp_require(pb_walk_free_list(&tp->pool, 0, zone, order, type, note_pfn, &walk) == 0,
		   "walk of a free list ended early");
	return walk.n;
}

/* --------------------------------------------------------- random, options */

uint64_t tp_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("PB_SEED");
	struct timespec now;

	if (seed)
		return seed;
	if (text) {
		seed = strtoull(text, NULL, 0);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		seed = (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
	}
	if (!seed)
		seed = 1;
	printf("PB_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	return seed;
}

/* splitmix64 */
uint64_t tp_random(struct tp_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t tp_below(struct tp_rng *rng, uint32_t n)
{
	return (uint32_t)((tp_random(rng) >> 32) * n >> 32);
}

void tp_exit(int status)
{
#ifdef PB_COVERAGE
	extern void __gcov_dump(void);

	__gcov_dump();
#endif
	_exit(status);
}

void *tp_shared(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	tp_require(memory != MAP_FAILED, "mmap of %zu bytes: %s", bytes, strerror(errno));
	return memory;
}

unsigned long tp_env(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}
