/* SPDX-License-Identifier: MIT */
/*
 * A pool on a Cortex-M0: 16 KiB of RAM, no atomic instructions, no division. The timer's
 * handler allocates while main() does; what each got is stamped and looked at again.
 *
 *	reset() -> pool_make() -> work(), tick() in between -> check() -> PASS
 *
 * It is built from the two files of `make dist` with no part chosen, and prints by
 * semihosting: in the emulator, or in a debugger beside a board.
 */
#include "pagebuddy.h"

#define FRAMES 64u
#define FRAME_BYTES 128u
#define BLOCKS 12u
#define ROUNDS 20000u

extern unsigned char stack_top[], data_start[], data_end[], data_source[], bss_start[], bss_end[];
void reset(void);
void tick(void);
void fault(void);

/* ------------------------------------------------------------------ the machine */

static unsigned long semihost(unsigned long operation, const void *argument)
{
	register unsigned long r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

static void print(const char *text)
{
	semihost(0x04, text);
}

static void print_number(unsigned long n)
{
	char text[12] = { 0 };
	unsigned int at = sizeof(text) - 1;

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	print(text + at);
}

static void end(bool good)
{
	print(good ? "PASS\n" : "FAIL\n");
	semihost(0x18, (const void *)(good ? 0x20026ul : 0x20023ul));
	for (;;)
		;
}

static void panic(const char *what)
{
	print("panic: ");
	print(what);
	print("\n");
	end(false);
}

void fault(void)
{
	panic("fault");
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
	stack_top, (void *)reset, (void *)fault, (void *)fault, [15] = (void *)tick,
};

/* ----------------------------------------------- what the compiler and the library ask for */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile unsigned char *)to)[i] = ((const unsigned char *)from)[i];
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to <= (uintptr_t)from)
		return memcpy(to, from, n);
	while (n--)
		((volatile unsigned char *)to)[n] = ((const unsigned char *)from)[n];
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile unsigned char *)to)[i] = (unsigned char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const unsigned char *)a)[i] != ((const unsigned char *)b)[i])
			return ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
	return 0;
}

static unsigned long irq_save(void)
{
	unsigned long state;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(state)::"memory");
	return state;
}

static void irq_restore(unsigned long state)
{
	__asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}

/* One CPU: with interrupts masked nobody else can hold a lock. Locks nest, so the first one
   saves the state and the last one restores it. */
static unsigned int depth;
static unsigned long before;

void pb_platform_lock(uint32_t *word)
{
	unsigned long state = irq_save();

	if (depth++ == 0)
		before = state;
	*word = 1;
}

void pb_platform_unlock(uint32_t *word)
{
	*word = 0;
	if (--depth == 0)
		irq_restore(before);
}

void pb_platform_misuse(const struct pb_misuse_report *report)
{
	print_number((unsigned long)report->kind);
	panic(": misuse");
}

/* ------------------------------------------------------------------------ the pool */

static struct pb_pool pool;
static uint64_t metadata[METADATA / 8] __attribute__((aligned(64)));
static unsigned char frames[FRAMES * FRAME_BYTES] __attribute__((aligned(64)));

static void *address_of(void *ctx, uint64_t pfn)
{
	(void)ctx;
	return frames + (size_t)pfn * FRAME_BYTES;
}

static void pool_make(void)
{
	static const struct pb_region region = { .end_pfn = FRAMES, .zone = PB_ZONE_NORMAL };
	static const struct pb_hooks hooks = { .address = address_of };
	struct pb_config config;
	size_t bytes;

	pb_config_init(&config);
	config.regions = &region;
	config.nr_regions = 1;
	config.max_order = 6;
	config.pageblock_order = 6;
	config.nr_cpus = 1;
	config.flags = PB_POOL_PLAIN | PB_POOL_NO_PCP;
	if (pb_pool_size(&config, &bytes, NULL))
		panic("the configuration is refused");
	print_number(bytes);
	print(" bytes of metadata for 64 frames\n");
	if (bytes > sizeof(metadata))
		panic("the metadata has no room");
	if (pb_pool_init(&pool, &config, metadata, sizeof(metadata), false, &hooks, NULL))
		panic("no pool");
}

/* ------------------------------------------------------------------------ the work */

struct block {
	struct pb_page *page;
	unsigned int order;
};

static struct block blocks[BLOCKS], in_hand[4];
static volatile unsigned long ticks;
static unsigned long failures;

static unsigned char *bytes_of(const struct block *block)
{
	return pb_page_address(&pool, block->page);
}

/* Frees the block, or asks for one. Its bytes say whose it is: two owners would see it. */
static void turn(struct block *block, unsigned int order, unsigned char owner)
{
	size_t size = FRAME_BYTES << block->order;

	if (block->page) {
		for (size_t i = 0; i < size; i++)
			if (bytes_of(block)[i] != owner)
				panic("a block has two owners");
		if (pb_free_pages(&pool, block->page, block->order))
			panic("a free was refused");
		block->page = NULL;
		return;
	}
	block->order = order;
	block->page = pb_alloc_pages(&pool, PB_GFP_ATOMIC | PB_GFP_NOWARN, order);
	if (block->page)
		memset(bytes_of(block), owner, FRAME_BYTES << order);
	else
		failures++;
}

/* The timer's interrupt. */
void tick(void)
{
	ticks++;
	turn(&in_hand[ticks % 4], (unsigned int)(ticks / 4 % 2), 0xee);
}

#define SYSTICK ((volatile uint32_t *)0xe000e010)

static void work(void)
{
	uint32_t seed = 12345;

	SYSTICK[1] = 4999; /* cycles - 1 */
	SYSTICK[2] = 0;
	SYSTICK[0] = 7; /* the processor's clock, interrupt, on */
	for (unsigned int i = 0; i < ROUNDS; i++) {
		seed = seed * 1664525u + 1013904223u;
		turn(&blocks[(seed >> 16) % BLOCKS], seed >> 29 & 3,
		     (unsigned char)((seed >> 16) % BLOCKS));
	}
	SYSTICK[0] = 0;
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (blocks[i].page)
			turn(&blocks[i], 0, (unsigned char)i);
	for (unsigned int i = 0; i < 4; i++)
		if (in_hand[i].page)
			turn(&in_hand[i], 0, 0xee);
}

void reset(void)
{
	struct pb_page *page;

	memcpy(data_start, data_source, (size_t)(data_end - data_start));
	memset(bss_start, 0, (size_t)(bss_end - bss_start));
	pool_make();
	work();
	print_number(ROUNDS);
	print(" turns, ");
	print_number(ticks);
	print(" interrupts, ");
	print_number(failures);
	print(" requests found no memory\n");
	if (ticks < 10)
		panic("the timer did nothing");
	page = pb_alloc_pages(&pool, PB_GFP_ATOMIC, 6);
	if (!page || pb_page_to_pfn(&pool, page))
		panic("frames were lost");
	end(true);
}
