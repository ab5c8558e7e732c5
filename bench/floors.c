/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "floor_calls.h"
#include "floors.h"

#define STACK_SIZE 512
#define LOOPS 200000
#define CHASE_BYTES (4u << 20)
#define CHASE_LINE 64
#define CHASE_NODES (CHASE_BYTES / CHASE_LINE)
#define KEPT 1000

enum { LIFO, CALLS, CAS, TRYLOCK, CHASE, NR_FLOORS };

static double kept[NR_FLOORS][KEPT];
static unsigned int nr_kept;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/*
 * The least that a per-CPU list can be: the top of an array is a number in
 * memory; pop loads it, decrements it and loads the entry; push stores the entry
 * and increments it. The next pop depends on the last push through memory. The
 * barrier makes every load and store happen; it is no instruction. Inlined, no
 * call, no check, no other CPU.
 */
struct stack {
	uint32_t top;
	uint32_t entry[STACK_SIZE];
};

static __thread struct stack thread_stack;

#define compiler_barrier() __asm__ volatile("" ::: "memory")

static __attribute__((noinline)) double measure_lifo(void)
{
	struct stack *stack = &thread_stack;
	uint32_t i, top, value;
	double start;

	/* The compiler must not know the address: both compilers then make the same code. */
	__asm__ volatile("" : "+r"(stack));
	stack->top = STACK_SIZE / 2;
	start = now_ns();
	for (i = 0; i < LOOPS; i++) {
		top = stack->top - 1;
		stack->top = top;
		value = stack->entry[top];
		compiler_barrier();
		top = stack->top;
		stack->entry[top] = value;
		stack->top = top + 1;
		compiler_barrier();
	}
	return (now_ns() - start) / LOOPS;
}

/* The loop of repeat around two functions that do nothing. */
static __attribute__((noinline)) double measure_calls(void)
{
	static uint64_t pool;
	double start = now_ns();
	uint32_t i;

	for (i = 0; i < LOOPS; i++) {
		void *page = floor_alloc(&pool, 0xcc0, 0);

		__asm__ volatile("" : "+r"(page));
		if (page)
			floor_free(&pool, page, 0);
	}
	return (now_ns() - start) / LOOPS;
}

static __attribute__((noinline)) double measure_cas(void)
{
	static uint64_t word __attribute__((aligned(64)));
	double start = now_ns();
	uint64_t expected = word;
	uint32_t i;

	for (i = 0; i < LOOPS; i++) {
		/* Nobody else is there: what it costs, not what it orders, is asked. */
		if (__atomic_compare_exchange_n(&word, &expected, expected + 1, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			expected++;
	}
	return (now_ns() - start) / LOOPS;
}

static __attribute__((noinline)) double measure_trylock(void)
{
	static uint32_t lock __attribute__((aligned(64)));
	double start = now_ns();
	uint32_t i;

	for (i = 0; i < LOOPS; i++) {
		if (!__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
			__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	}
	return (now_ns() - start) / LOOPS;
}

/* One cycle through all lines (Sattolo), so that no step can be predicted. */
static char *chase_make(void)
{
	char *area = aligned_alloc(4096, CHASE_BYTES);
	uint32_t *order = malloc(CHASE_NODES * sizeof(*order));
	uint64_t rng = 1;
	uint32_t i, j, tmp;

	if (!area || !order)
		abort();
	for (i = 0; i < CHASE_NODES; i++)
		order[i] = i;
	for (i = CHASE_NODES - 1; i > 0; i--) {
		rng = rng * 6364136223846793005ull + 1442695040888963407ull;
		j = (rng >> 32) * i >> 32;
		tmp = order[i];
		order[i] = order[j];
		order[j] = tmp;
	}
	for (i = 0; i < CHASE_NODES; i++)
		*(char **)(area + (size_t)order[i] * CHASE_LINE) =
			area + (size_t)order[(i + 1) % CHASE_NODES] * CHASE_LINE;
	free(order);
	return area;
}

static __attribute__((noinline)) double measure_chase(void)
{
	static char *area;
	char *at;
	double start;
	uint32_t i;

	if (!area)
		area = chase_make();
	at = area;
	for (i = 0; i < CHASE_NODES; i++)
		at = *(char **)at;
	start = now_ns();
	for (i = 0; i < CHASE_NODES; i++)
		at = *(char **)at;
	__asm__ volatile("" ::"r"(at));
	return (now_ns() - start) / CHASE_NODES;
}

void floors_measure(void)
{
	unsigned int i = nr_kept % KEPT;

	kept[LIFO][i] = measure_lifo();
	kept[CALLS][i] = measure_calls();
	kept[CAS][i] = measure_cas();
	kept[TRYLOCK][i] = measure_trylock();
	kept[CHASE][i] = measure_chase();
	nr_kept++;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(unsigned int which)
{
	unsigned int n = nr_kept < KEPT ? nr_kept : KEPT;
	static double copy[KEPT];
	unsigned int i;

	for (i = 0; i < n; i++)
		copy[i] = kept[which][i];
	qsort(copy, n, sizeof(*copy), compare);
	return n ? copy[n / 2] : 0;
}

struct floors floors_median(void)
{
	return (struct floors){ median(LIFO), median(CALLS), median(CAS), median(TRYLOCK),
				median(CHASE) };
}
