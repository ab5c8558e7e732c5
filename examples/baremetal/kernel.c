/* SPDX-License-Identifier: MIT */
/*
 * A kernel that does nothing but allocate pages: from the firmware's memory map to the
 * first page, then all CPUs and their timer interrupts at once for ten seconds, then a
 * deliberate double free, which the library reports.
 *
 *	map_add() ... -> pool_make() -> work() on every CPU, kernel_tick() in between
 *	              -> check() -> misuse -> PASS, power off
 */
#include "kernel.h"

static struct pb_pool pool;
static struct memory_map map;

/* ------------------------------------------------------------------ the end */

static bool misuse_expected;

void panic(const char *what)
{
	print("panic: ");
	print(what);
	print("\n");
	machine_off(false);
}

/* The misuse hook. A real kernel would print registers and a stack, and stop. */
static void on_misuse(void *ctx, const struct pb_misuse_report *report)
{
	(void)ctx;
	print(report->text);
	print("\n");
	if (!misuse_expected)
		panic("the allocator was misused");
	print("PASS\n");
	machine_off(true);
}

/* -------------------------------------------- from the memory map to the pool */

void map_add(struct memory_map *to, uint64_t start, uint64_t end, uint8_t zone,
	     enum pb_region_kind kind)
{
	const uint64_t mask = (1u << PAGE_SHIFT) - 1;
	struct pb_region *region = &to->regions[to->nr_regions];

	if (kind == PB_REGION_USABLE) {
		start = (start + mask) & ~mask;
		end &= ~mask;
	} else {
		start &= ~mask;
		end = (end + mask) & ~mask;
	}
	if (start >= end)
		return;
	if (to->nr_regions == MAX_REGIONS)
		panic("the memory map has more pieces than this example has room for");
	*region = (struct pb_region){ .start_pfn = start >> PAGE_SHIFT,
				      .end_pfn = end >> PAGE_SHIFT,
				      .zone = zone,
				      .kind = (uint8_t)kind };
	to->nr_regions++;
}

/* The lowest start of a reserved piece that touches [start, end), or `end`. */
static uint64_t first_reserved(uint64_t start, uint64_t end)
{
	uint64_t first = end;

	for (uint32_t i = 0; i < map.nr_regions; i++) {
		const struct pb_region *r = &map.regions[i];

		if (r->kind == PB_REGION_RESERVED && r->start_pfn < end && r->end_pfn > start &&
		    r->start_pfn < first)
			first = r->start_pfn;
	}
	return first;
}

/* Finds room for the metadata at the top of the highest usable piece that has any: low
   memory is what devices ask for. Returns the first pfn, 0 if there is no room. */
static uint64_t find_room(uint64_t pages)
{
	uint64_t best = 0;

	for (uint32_t i = 0; i < map.nr_regions; i++) {
		const struct pb_region *r = &map.regions[i];
		uint64_t end = r->end_pfn, in_the_way;

		if (r->kind != PB_REGION_USABLE)
			continue;
		while (end >= r->start_pfn + pages) {
			in_the_way = first_reserved(end - pages, end);
			if (in_the_way == end)
				break;
			end = in_the_way;
		}
		if (end >= r->start_pfn + pages && end - pages > best)
			best = end - pages;
	}
	return best;
}

/*
 * How large the metadata is depends on the map, and where it lies becomes part of the map.
 * A reserved piece changes no size, so one question before is enough.
 */
static void pool_make(const struct memory_map *firmware)
{
	static const struct pb_hooks hooks = { .misuse = on_misuse };
	struct pb_config config;
	struct pb_error error;
	uint64_t start, pages;
	size_t bytes;

	map = *firmware;
	pb_config_init(&config);
	config.regions = map.regions;
	config.nr_regions = map.nr_regions;
	config.nr_cpus = machine_nr_cpus();
	/* Physical memory is mapped one to one: page 1 is at address 4096. */
	config.linear = (void *)(uintptr_t)(1 << PAGE_SHIFT);
	config.linear_pfn = 1;
	if (pb_pool_size(&config, &bytes, &error))
		panic(error.text);
	pages = (bytes + (1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT;
	start = find_room(pages);
	if (!start)
		panic("no room for the metadata");
	map_add(&map, start << PAGE_SHIFT, (start + pages) << PAGE_SHIFT, 0, PB_REGION_RESERVED);
	config.nr_regions = map.nr_regions;
	if (pb_pool_init(&pool, &config, (void *)(uintptr_t)(start << PAGE_SHIFT), bytes, false,
			 &hooks, &error))
		panic(error.text);
}

static uint64_t free_pages(void)
{
	struct pb_pool_stat stat;

	pb_drain(&pool, -1);
	pb_stats(&pool, &stat);
	return (uint64_t)stat.free;
}

/* ---------------------------------------------------------------- the workers */

#define BLOCKS 1024 /* that a CPU holds at most */
#define IN_HAND 16  /* that its interrupt handler does */

struct block {
	struct pb_page *page;
	unsigned int order;
};

static struct worker {
	struct block blocks[BLOCKS];
	struct block in_hand[IN_HAND];
	uint64_t seed;
	uint64_t operations, failures, ticks;
	bool done;
} workers[MAX_CPUS];

static uint64_t deadline;
static bool over; /* handlers hold nothing any more */

static uint64_t *address(const struct pb_page *page)
{
	return pb_page_address(&pool, page);
}

/* Every page carries who owns it. Two owners of a page would see each other's. */
static void stamp(const struct block *block)
{
	for (uint64_t i = 0; i < (uint64_t)1 << block->order; i++)
		*address(block->page + i) = (uint64_t)(uintptr_t)block;
}

static void give_back(struct block *block)
{
	for (uint64_t i = 0; i < (uint64_t)1 << block->order; i++)
		if (*address(block->page + i) != (uint64_t)(uintptr_t)block)
			panic("a page has two owners");
	if (pb_free_pages(&pool, block->page, block->order))
		panic("a free was refused");
	block->page = NULL;
}

/* Frees the block if there is one, else asks for one. False: there was no memory. */
static bool turn(struct block *block, pb_gfp_t gfp, unsigned int order)
{
	if (block->page) {
		give_back(block);
		return true;
	}
	block->order = order;
	block->page = pb_alloc_pages(&pool, gfp, order);
	if (!block->page)
		return false;
	stamp(block);
	return true;
}

static uint64_t random_number(struct worker *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

/* The timer's interrupt: interrupts are masked, and the CPU may have been anywhere, inside
   the allocator too. What is asked for here must not wait: PB_GFP_ATOMIC. */
void kernel_tick(void)
{
	struct worker *w = &workers[machine_cpu()];
	struct block *block = &w->in_hand[w->ticks++ % IN_HAND];

	if (__atomic_load_n(&over, __ATOMIC_ACQUIRE))
		return;
	turn(block, PB_GFP_ATOMIC | PB_GFP_NOWARN, (unsigned int)(w->ticks / IN_HAND % 4));
}

static void work(uint32_t cpu)
{
	struct worker *w = &workers[cpu];
	unsigned long state;

	w->seed = 0x9e3779b97f4a7c15u * (cpu + 1);
	timer_start(1000);
	irq_enable();
	while (machine_seconds() < deadline)
		for (int i = 0; i < 256; i++) {
			uint64_t r = random_number(w);
			/* half of order 0, a quarter of order 1, ... */
			unsigned int order = (unsigned int)__builtin_ctzll(r | 1u << 10);

			w->operations++;
			w->failures += !turn(&w->blocks[(r >> 16) % BLOCKS],
					     (r & 1u << 15 ? PB_GFP_HIGHUSER_MOVABLE
							   : PB_GFP_KERNEL) |
						     PB_GFP_NOWARN,
					     order);
		}
	state = irq_save();
	for (int i = 0; i < BLOCKS + IN_HAND; i++) {
		struct block *block = i < BLOCKS ? &w->blocks[i] : &w->in_hand[i - BLOCKS];

		if (block->page)
			give_back(block);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < IN_HAND; i++)
		if (w->in_hand[i].page)
			panic("an interrupt came where interrupts are masked");
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	irq_restore(state);
}

void kernel_cpu(uint32_t cpu)
{
	work(cpu);
	for (;;)
		machine_relax();
}

/* ----------------------------------------------------------------- the whole */

static uint64_t seconds_from(const char *arguments)
{
	uint64_t seconds = 0;

	for (; *arguments >= '0' && *arguments <= '9'; arguments++)
		seconds = seconds * 10 + (uint64_t)(*arguments - '0');
	return seconds ? seconds : 10;
}

static void check(uint64_t free_before)
{
	static char text[2048];
	struct pb_error error;
	uint64_t operations = 0, failures = 0, ticks = 0, now = free_pages();

	for (uint32_t i = 0; i < machine_nr_cpus(); i++) {
		operations += workers[i].operations;
		failures += workers[i].failures;
		ticks += workers[i].ticks;
		if (!workers[i].operations || !workers[i].ticks)
			panic("a CPU or its timer did nothing");
	}
	print_number(operations), print(" operations and ");
	print_number(ticks), print(" interrupts on ");
	print_number(machine_nr_cpus()), print(" CPUs; ");
	print_number(failures), print(" requests found no memory\n");
	if (pb_validate(&pool, &error))
		panic(error.text);
	print_number(free_before), print(" pages free before, ");
	print_number(now), print(" after\n");
	if (now != free_before)
		panic("pages were lost");
	pb_buddyinfo(&pool, text, sizeof(text));
	print(text);
}

void kernel_main(const struct memory_map *firmware, const char *arguments)
{
	uint64_t before, seconds = seconds_from(arguments);
	struct pb_page *page;

	pool_make(firmware);
	page = pb_alloc_pages(&pool, PB_GFP_KERNEL, 0);
	if (!page)
		panic("no first page");
	print("the first page is pfn ");
	print_number(pb_page_to_pfn(&pool, page));
	print("\n");
	pb_free_pages(&pool, page, 0);
	before = free_pages();

	deadline = machine_seconds() + seconds;
	for (uint32_t cpu = 1; cpu < machine_nr_cpus(); cpu++)
		machine_start_cpu(cpu);
	work(0);
	for (uint32_t cpu = 0; cpu < machine_nr_cpus(); cpu++)
		while (!__atomic_load_n(&workers[cpu].done, __ATOMIC_ACQUIRE))
			machine_relax();
	check(before);

	page = pb_alloc_pages(&pool, PB_GFP_KERNEL, 3);
	pb_free_pages(&pool, page, 3);
	misuse_expected = true;
	pb_free_pages(&pool, page, 3);
	panic("a double free went unnoticed");
}
