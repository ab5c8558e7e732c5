// SPDX-License-Identifier: MIT
/*
 * The lesson's page, its half in C: the real core, performing the same language
 * as `pagebuddy case` (cmd/do.c, cmd/do_run.c), compiled to WebAssembly.
 *
 *	text -> lesson_parse -> lesson_perform, one after the other
 *	     -> steps of the trace hook, then the state at rest -> the page
 *
 * What a function has to tell is left as 32-bit integers in memory, where the page
 * reads them: `out` for a few, a buffer for many. One machine at a time; the page
 * makes an instance of the module for each profile.
 */
#include <pagebuddy/pagebuddy.h>

#include "do.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define MAX_ACTIONS 4096
#define MAX_TEXT 65536
#define PAGE_SHIFT 12
#define DMA_END (16u << (20 - PAGE_SHIFT))
#define DMA32_END (4u << (30 - PAGE_SHIFT))
#define LARGEST (1u << PB_DEFAULT_MAX_ORDER)
#define WASM_PAGE 65536u
#define MOVED PB_NR_TRACE /* a step that is none of the library's: compaction moved a block */

/* A step as the page reads it. */
struct step {
	int32_t type, zone, order, migratetype, other_type, flag, cpu;
	int32_t number; /* as `pagebuddy case` counts; 0: MOVED */
	int32_t pfn, value;
};

/* A block of the walk. */
struct piece {
	int32_t pfn, order, state, list_type, pageblock_type, zone, movable;
	int32_t action, number; /* who holds it: -1 if nobody of the text does */
};

static struct {
	struct pb_pool pool, mover; /* mover: the same pool, by a handle that can migrate */
	struct do_machine machine;
	struct do_action action[MAX_ACTIONS];
	uint32_t cpu, cpus;
	uint32_t *holder; /* [frames] index of the block that starts there, plus 1 */
	bool recording, freeing;
	bool others;  /* the starting state has blocks of somebody else */
	int32_t *pfn; /* [frames] handed out or freed by the action */
	uint32_t nr_pfn, moved;
	struct step *step; /* the last thing in memory: it grows */
	uint32_t nr_steps, numbered;
	int misuse; /* its kind, or -1 */
} lesson;

static char text[MAX_TEXT];
static int32_t out[512];

/* ------------------------------------------------------------------- freestanding */

extern unsigned char __heap_base;
static uintptr_t heap;

/* Zeroed once: memory that was used before is cleared by whoever takes it again. */
static bool reach(uintptr_t end)
{
	uintptr_t size = __builtin_wasm_memory_size(0) * WASM_PAGE;

	return end <= size || __builtin_wasm_memory_grow(0, (end - size + WASM_PAGE - 1) /
								    WASM_PAGE) != (size_t)-1;
}

static void *take(size_t bytes)
{
	uintptr_t start = (heap + 63) & ~(uintptr_t)63;

	if (!reach(start + bytes))
		return NULL;
	heap = start + bytes;
	__builtin_memset((void *)start, 0, bytes);
	return (void *)start;
}

/* The compiler may ask for these by name. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)to)[i] = (char)value;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	volatile char *t = to;
	const char *f = from;

	if ((uintptr_t)to < (uintptr_t)from)
		return memcpy(to, from, n);
	while (n-- > 0)
		t[n] = f[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static void copy_text(char *to, const char *from, size_t size)
{
	size_t i = 0;

	for (; from[i] && i + 1 < size; i++)
		to[i] = from[i];
	to[i] = 0;
}

/* The port's (platform/freestanding has the rest, weak). */
uint32_t pb_platform_cpu(void)
{
	return lesson.cpu;
}

uint32_t pb_platform_nr_cpus(void)
{
	return lesson.cpus;
}

/* ------------------------------------------------------------------------- hooks */

static void record(struct step step)
{
	struct step *next = &lesson.step[lesson.nr_steps];

	if (!lesson.recording || !reach((uintptr_t)(next + 1)))
		return;
	*next = step;
	lesson.nr_steps++;
}

static void on_trace(void *ctx, const struct pb_trace_event *event)
{
	uint32_t number = lesson.numbered + 1;

	(void)ctx;
	if (!lesson.recording)
		return;
	/* What a split puts on a list is part of the split, which comes next. */
	if (event->type != PB_TRACE_INSERT || lesson.freeing)
		lesson.numbered = number;
	record((struct step){ event->type, event->zone, event->order, event->migratetype,
			      event->other_type, event->flag, (int32_t)event->cpu, (int32_t)number,
			      (int32_t)event->pfn, (int32_t)event->value });
}

static void on_misuse(void *ctx, const struct pb_misuse_report *report)
{
	(void)ctx;
	if (lesson.misuse < 0)
		lesson.misuse = (int)report->kind;
}

static void on_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)line; /* the page says itself why a request failed */
}

static bool on_migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		       unsigned int order)
{
	(void)ctx;
	do_moved(&lesson.machine, from, to);
	lesson.moved++;
	record((struct step){ .type = MOVED,
			      .zone = pb_page_zone(pool, to),
			      .order = (int32_t)order,
			      .pfn = (int32_t)pb_page_to_pfn(pool, from),
			      .value = (int32_t)pb_page_to_pfn(pool, to) });
	return true;
}

static int on_compact(void *ctx, unsigned int order)
{
	(void)ctx;
	return pb_compact(&lesson.mover, PB_NO_NODE, order, 1);
}

static int on_set_cpu(void *ctx, unsigned int cpu)
{
	(void)ctx;
	if (cpu >= lesson.cpus)
		return -1;
	lesson.cpu = cpu;
	return 0;
}

static void on_freeing(void *ctx, size_t i)
{
	(void)ctx;
	lesson.pfn[lesson.nr_pfn++] = (int32_t)lesson.machine.block[i].pfn;
}

/* ----------------------------------------------------------------------- machine */

/* The zones of a PC, as `pagebuddy case` has them. */
static uint32_t pc_map(uint32_t frames, struct pb_region *region)
{
	static const uint32_t ends[] = { DMA_END, DMA32_END };
	uint32_t start = 0, nr = 0;

	for (; start < frames && nr < 2; nr++) {
		uint32_t end = frames < ends[nr] ? frames : ends[nr];

		region[nr] = (struct pb_region){ .start_pfn = start,
						 .end_pfn = end,
						 .zone = (uint8_t)(PB_ZONE_DMA + nr),
						 .kind = PB_REGION_USABLE };
		start = end;
	}
	return nr;
}

static int make_pool(const struct pb_config *config)
{
	struct pb_hooks hooks = { .trace = on_trace, .log = on_log, .misuse = on_misuse };
	struct pb_error error;
	size_t bytes;
	void *memory;
	int code = pb_pool_size(config, &bytes, &error);

	memory = code ? NULL : take(bytes);
	if (!code && !memory)
		code = PB_ENOMEM;
	if (!code)
		code = pb_pool_init(&lesson.pool, config, memory, bytes, true, &hooks, &error);
	/* Requests don't compact by themselves: only the second handle can move a block. */
	hooks.migrate = on_migrate;
	if (!code)
		code = pb_pool_attach(&lesson.mover, memory, bytes, false, &hooks, &error);
	return code;
}

static uint64_t frames(void)
{
	struct pb_pool_info info;

	(void)pb_pool_info(&lesson.pool, &info);
	return info.frames;
}

static int make_room(uint32_t nr)
{
	struct do_machine *machine = &lesson.machine;

	*machine = (struct do_machine){ .pool = &lesson.pool,
					.actions = lesson.action,
					.room = nr,
					.set_cpu = on_set_cpu,
					.compact = on_compact,
					.freeing = on_freeing };
	machine->block = take(nr * sizeof(*machine->block));
	lesson.holder = take(nr * sizeof(*lesson.holder));
	lesson.pfn = take((nr + 1) * sizeof(*lesson.pfn));
	lesson.step = take(0);
	return machine->block && lesson.holder && lesson.pfn && lesson.step ? PB_OK : PB_ENOMEM;
}

static int make_machine(struct pb_config *config, uint32_t profile, uint32_t cpus, uint32_t pcp)
{
	int code;

	heap = (uintptr_t)&__heap_base;
	lesson.pool = lesson.mover = (struct pb_pool){ 0 };
	lesson.cpu = lesson.numbered = lesson.nr_steps = lesson.nr_pfn = 0;
	lesson.cpus = cpus;
	config->profile = (uint8_t)profile;
	config->nr_stripes = 1;
	config->nr_cpus = cpus;
	config->flags = pcp ? PB_POOL_NO_RSEQ : PB_POOL_NO_PCP;
	code = make_pool(config);
	return code ? code : make_room((uint32_t)frames());
}

/* A machine, all free; PB_OK or the library's error. `pcp`: with per-CPU lists. */
EXPORT(create)
int lesson_create(uint32_t profile, uint32_t frames, uint32_t cma, uint32_t cpus, uint32_t pcp)
{
	struct pb_region region[3];
	struct pb_config config;

	pb_config_init(&config);
	config.regions = region;
	config.nr_regions = pc_map(frames, region);
	if (cma)
		region[config.nr_regions++] = (struct pb_region){ .start_pfn = frames - cma,
								  .end_pfn = frames,
								  .kind = PB_REGION_CMA };
	lesson.others = false;
	return make_machine(&config, profile, cpus, pcp);
}

/*
 * A machine with these free blocks: out has for each of nr zones its type, then the number
 * of blocks of each order. PB_OK or an error.
 */
EXPORT(create_from)
int lesson_create_from(uint32_t profile, uint32_t nr, uint32_t cpus, uint32_t pcp)
{
	static uint64_t nr_free[PB_NR_ZONE_TYPES][PB_DEFAULT_MAX_ORDER + 1];
	struct pb_region region[PB_NR_ZONE_TYPES];
	struct pb_config config;
	uint64_t start = 0;
	int code;

	pb_config_init(&config);
	for (uint32_t z = 0; z < nr && z < PB_NR_ZONE_TYPES; z++) {
		const int32_t *zone = &out[z * (PB_DEFAULT_MAX_ORDER + 2)];

		for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
			nr_free[z][o] = (uint32_t)zone[o + 1];
		region[z] = (struct pb_region){ .start_pfn = start,
						.end_pfn = start + do_place_room(nr_free[z]),
						.zone = (uint8_t)zone[0],
						.kind = PB_REGION_USABLE };
		start = region[z].end_pfn;
	}
	config.regions = region;
	config.nr_regions = nr;
	lesson.others = true;
	code = make_machine(&config, profile, cpus, pcp);
	for (uint32_t z = 0; z < nr && !code; z++)
		if (do_place(&lesson.machine, region[z].start_pfn, region[z].end_pfn, nr_free[z]))
			code = PB_ENOMEM;
	if (!code)
		pb_drain(&lesson.pool, -1);
	return code;
}

/* ----------------------------------------------------------------------- actions */

EXPORT(text) char *lesson_text(void)
{
	return text;
}

EXPORT(out) int32_t *lesson_out(void)
{
	return out;
}

/*
 * The text in the buffer becomes actions; `fill` percent (or -1) is the option --fill,
 * which is the first of them. How many, or -1: out has the problem, the action's number,
 * where in the text and how long.
 */
EXPORT(parse) int lesson_parse(int fill)
{
	struct do_error error;
	size_t given = 0;
	int nr;

	if (fill >= 0) {
		do_parse_fill("0%", &lesson.action[0]);
		lesson.action[0].percent = (unsigned int)fill;
		given = 1;
	}
	nr = do_parse(text, lesson.action, given, MAX_ACTIONS, lesson.others, &error);
	if (nr < 0 && error.problem == DO_NOTHING)
		return (int)given;
	out[0] = (int32_t)error.problem;
	out[1] = (int32_t)error.action;
	out[2] = (int32_t)error.at;
	out[3] = (int32_t)error.length;
	return nr;
}

/* What action i is: its kind and what of it the page shows. */
EXPORT(action) void lesson_action(uint32_t i)
{
	const struct do_action *action = &lesson.action[i];

	out[0] = (int32_t)action->kind;
	out[1] = (int32_t)action->number;
	out[2] = (int32_t)action->at;
	out[3] = (int32_t)action->length;
	out[4] = (int32_t)action->order;
	out[5] = (int32_t)action->type;
	out[6] = (int32_t)action->count;
	out[7] = (int32_t)(action->bytes > INT32_MAX ? INT32_MAX : action->bytes);
	out[8] = (int32_t)action->percent;
	out[9] = (int32_t)do_gfp(action);
	out[10] = action->zone;
	out[11] = action->atomic;
	copy_text(text, action->name, DO_NAME);
}

/* Perform action i; out has what came of it, steps() and pfns() the rest. */
EXPORT(perform) void lesson_perform(uint32_t i)
{
	const struct do_action *action = &lesson.action[i];
	struct do_result result;

	lesson.nr_steps = lesson.nr_pfn = lesson.moved = 0;
	lesson.misuse = -1;
	/* Thousands of random requests are a state, not steps. */
	lesson.recording = action->kind != DO_FILL;
	lesson.freeing = action->kind == DO_FREE || action->kind == DO_DRAIN;
	result = do_perform(&lesson.machine, i);
	lesson.recording = false;
	if (action->kind == DO_ALLOC)
		for (size_t j = 0; j < result.nr; j++)
			lesson.pfn[lesson.nr_pfn++] =
				(int32_t)lesson.machine.block[result.first + j].pfn;
	out[0] = (int32_t)result.outcome;
	out[1] = (int32_t)result.why;
	out[2] = (int32_t)result.gfp;
	out[3] = (int32_t)result.nr;
	out[4] = (int32_t)result.pages;
	out[5] = result.code;
	out[6] = (int32_t)lesson.nr_steps;
	out[7] = (int32_t)lesson.nr_pfn;
	out[8] = (int32_t)lesson.moved;
	out[9] = lesson.misuse;
}

EXPORT(steps) struct step *lesson_steps(void)
{
	return lesson.step;
}

EXPORT(pfns) int32_t *lesson_pfns(void)
{
	return lesson.pfn;
}

/* ------------------------------------------------------------------- state at rest */

/* Where buffers begin that last until the next action: behind its steps. */
static int32_t *scratch(void)
{
	return (int32_t *)(lesson.step + lesson.nr_steps);
}

struct writer {
	int32_t *at;
	int32_t count;
};

static void put(struct writer *writer, int32_t value)
{
	if (reach((uintptr_t)(writer->at + 1)))
		*writer->at++ = value;
}

static int put_block(void *ctx, const struct pb_block *block)
{
	struct writer *writer = ctx;
	uint32_t holder = lesson.holder[block->pfn];
	const struct do_block *held = holder ? &lesson.machine.block[holder - 1] : NULL;
	struct piece piece = { (int32_t)block->pfn,
			       block->order,
			       block->state,
			       block->list_type,
			       block->pageblock_type,
			       block->zone,
			       block->movable,
			       held && block->state == PB_BLOCK_ALLOCATED ? (int32_t)held->action
									  : -1,
			       held ? (int32_t)held->number : 0 };

	if (!reach((uintptr_t)writer->at + sizeof(piece)))
		return -1;
	*(struct piece *)writer->at = piece;
	writer->at += sizeof(piece) / sizeof(int32_t);
	writer->count++;
	return 0;
}

/* Every block, from the lowest frame up: how many, at scratch(). */
EXPORT(walk) int32_t lesson_walk(void)
{
	struct writer writer = { scratch(), 0 };
	const struct do_machine *machine = &lesson.machine;

	__builtin_memset(lesson.holder, 0, frames() * sizeof(*lesson.holder));
	for (size_t i = 0; i < machine->nr; i++)
		if (machine->block[i].held)
			lesson.holder[machine->block[i].pfn] = (uint32_t)i + 1;
	pb_walk(&lesson.pool, put_block, &writer);
	return writer.count;
}

EXPORT(scratch) int32_t *lesson_scratch(void)
{
	return scratch();
}

static int put_pfn(void *ctx, uint64_t pfn)
{
	struct writer *writer = ctx;

	put(writer, (int32_t)pfn);
	writer->count++;
	return 0;
}

static void end_list(struct writer *writer, int32_t *count)
{
	if (count < writer->at)
		*count = writer->count;
	writer->count = 0;
}

/* Zone z's free lists: for each order, for each type: how many, then each block's pfn in
   the order they will be used. At scratch(). */
EXPORT(lists) void lesson_lists(uint32_t z)
{
	struct writer writer = { scratch(), 0 };
	struct pb_zone_stat zone;

	if (pb_zone_stats(&lesson.pool, z, &zone))
		return;
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++) {
		for (int t = 0; t < PB_MIGRATE_TYPES; t++) {
			int32_t *count = writer.at;

			put(&writer, 0);
			pb_walk_free_list(&lesson.pool, zone.node, (enum pb_zone_type)zone.zone, o,
					  (enum pb_migratetype)t, put_pfn, &writer);
			end_list(&writer, count);
		}
	}
}

/* Zone z's lists of one CPU: count, high, batch; then as lists() for the types that have
   per-CPU lists. */
EXPORT(pcp) void lesson_pcp(uint32_t z, uint32_t cpu)
{
	struct writer writer = { scratch(), 0 };
	struct pb_zone_stat zone;
	struct pb_pcp_stat stat = { 0 };

	if (pb_zone_stats(&lesson.pool, z, &zone))
		return;
	(void)pb_pcp_stats(&lesson.pool, z, cpu, &stat);
	put(&writer, stat.count);
	put(&writer, stat.high);
	put(&writer, stat.batch);
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++) {
		for (int t = 0; t < PB_MIGRATE_PCPTYPES; t++) {
			int32_t *count = writer.at;

			put(&writer, 0);
			pb_walk_pcp(&lesson.pool, cpu, zone.node, (enum pb_zone_type)zone.zone, o,
				    (enum pb_migratetype)t, put_pfn, &writer);
			end_list(&writer, count);
		}
	}
}

/* Zone z in out: 1, or 0 if there is none. */
EXPORT(zone) int32_t lesson_zone(uint32_t z)
{
	struct pb_zone_stat s;
	struct writer writer = { out, 0 };

	if (pb_zone_stats(&lesson.pool, z, &s))
		return 0;
	put(&writer, s.zone);
	put(&writer, (int32_t)s.start_pfn);
	put(&writer, (int32_t)s.spanned);
	put(&writer, (int32_t)s.managed);
	put(&writer, (int32_t)s.free);
	put(&writer, (int32_t)s.pcp);
	put(&writer, (int32_t)s.free_cma);
	put(&writer, (int32_t)s.boost);
	put(&writer, (int32_t)s.nr_reserved_highatomic);
	for (int w = 0; w <= PB_WMARK_HIGH; w++)
		put(&writer, (int32_t)s.watermark[w]);
	for (int t = 0; t < PB_NR_ZONE_TYPES; t++)
		put(&writer, (int32_t)s.lowmem_reserve[t]);
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
		put(&writer, (int32_t)s.nr_free[o]);
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
		put(&writer, pb_extfrag_index(s.nr_free, PB_DEFAULT_MAX_ORDER + 1, o));
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
		put(&writer, pb_unusable_index(s.nr_free, PB_DEFAULT_MAX_ORDER + 1, o));
	return 1;
}

/* For the blocks of each order in out: the two indices of each order, behind them. */
EXPORT(indices) void lesson_indices(void)
{
	uint64_t nr_free[PB_DEFAULT_MAX_ORDER + 1];
	struct writer writer = { out + PB_DEFAULT_MAX_ORDER + 1, 0 };

	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
		nr_free[o] = (uint32_t)out[o];
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
		put(&writer, pb_extfrag_index(nr_free, PB_DEFAULT_MAX_ORDER + 1, o));
	for (unsigned int o = 0; o <= PB_DEFAULT_MAX_ORDER; o++)
		put(&writer, pb_unusable_index(nr_free, PB_DEFAULT_MAX_ORDER + 1, o));
}

/* Types of all pageblocks, at scratch(); how many. */
EXPORT(pageblocks) int32_t lesson_pageblocks(void)
{
	struct writer writer = { scratch(), 0 };
	uint64_t step = UINT64_C(1) << PB_DEFAULT_PAGEBLOCK_ORDER;

	for (uint64_t pfn = 0; pfn < frames(); pfn += step, writer.count++)
		put(&writer, pb_pageblock_type(&lesson.pool, pfn));
	return writer.count;
}

EXPORT(bytes) struct pb_page *lesson_bytes(void)
{
	return pb_index_to_page(&lesson.pool, 0);
}

/* In the text buffer: what /proc/buddyinfo would say; the flags' names; names. */
EXPORT(buddyinfo) void lesson_buddyinfo(void)
{
	pb_buddyinfo(&lesson.pool, text, MAX_TEXT);
}

EXPORT(gfp_name) void lesson_gfp_name(uint32_t gfp)
{
	pb_gfp_name(gfp, text, MAX_TEXT);
}

EXPORT(reason_name) void lesson_reason_name(uint32_t reason)
{
	copy_text(text, pb_reason_name((enum pb_reason)reason), MAX_TEXT);
}

EXPORT(zone_name) void lesson_zone_name(uint32_t zone)
{
	copy_text(text, pb_zone_name((enum pb_zone_type)zone), MAX_TEXT);
}

EXPORT(type_name) void lesson_type_name(uint32_t type)
{
	copy_text(text, pb_migratetype_name((enum pb_migratetype)type), MAX_TEXT);
}

EXPORT(validate) int lesson_validate(void)
{
	struct pb_error error;
	int code = pb_validate(&lesson.pool, &error);

	copy_text(text, code ? error.text : "", MAX_TEXT);
	return code;
}
