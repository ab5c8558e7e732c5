/* SPDX-License-Identifier: MIT */
/*
 * Port to no operating system at all: one CPU, interrupts as the only
 * concurrency. Every function is weak, so an embedder replaces those that its
 * machine does better: pb_platform_cpu() on several CPUs, the critical section
 * with its own way to mask interrupts, misuse with its panic.
 */
#include <pagebuddy/linux.h>
#include <pagebuddy/pagebuddy.h>
#include <pagebuddy/platform.h>

#define WEAK __attribute__((weak))

WEAK uint32_t pb_platform_cpu(void)
{
	return 0;
}

WEAK unsigned long pb_platform_critical_enter(void)
{
	return 0;
}

WEAK void pb_platform_critical_exit(unsigned long state)
{
	(void)state;
}

#ifndef PB_NO_ATOMICS
/* A spin lock: enough for several CPUs with interrupts masked by the embedder. */
WEAK void pb_platform_lock(uint32_t *word)
{
	uint32_t free = 0;

	while (!__atomic_compare_exchange_n(word, &free, 1, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED))
		free = 0;
}

WEAK void pb_platform_unlock(uint32_t *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}
#else
/* One CPU: nobody holds it, as no interrupt handler allocates. */
WEAK void pb_platform_lock(uint32_t *word)
{
	*(volatile uint32_t *)word = 1;
}

WEAK void pb_platform_unlock(uint32_t *word)
{
	*(volatile uint32_t *)word = 0;
}
#endif

#ifdef __ARM_ARCH_6M__
WEAK unsigned long pb_platform_atomic_enter(void)
{
	unsigned long state;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(state)::"memory");
	return state;
}

WEAK void pb_platform_atomic_exit(unsigned long state)
{
	__asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}
#else
WEAK unsigned long pb_platform_atomic_enter(void)
{
	return 0;
}

WEAK void pb_platform_atomic_exit(unsigned long state)
{
	(void)state;
}
#endif

WEAK void pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu)
{
	(void)pool;
	(void)cpu;
}

WEAK bool pb_platform_rseq_available(intptr_t *offset)
{
	(void)offset;
	return false;
}

WEAK void pb_platform_relax(void)
{
}

WEAK uint32_t *pb_platform_task(void)
{
	static uint32_t task;

	return &task;
}

WEAK uint32_t pb_platform_nr_cpus(void)
{
	return 1;
}

WEAK uint32_t pb_platform_self(void)
{
	return 2 + pb_platform_cpu();
}

WEAK bool pb_platform_gone(uint32_t self)
{
	(void)self;
	return false;
}

WEAK void pb_platform_wait(uint32_t *word, uint32_t value)
{
	(void)word;
	(void)value;
	pb_platform_relax();
}

WEAK void pb_platform_wake(uint32_t *word)
{
	(void)word;
}

WEAK void pb_platform_misuse(const struct pb_misuse_report *report)
{
	(void)report;
	__builtin_trap();
}

WEAK void pb_platform_log(const char *line)
{
	(void)line;
}

/* ------------------------------------------------------------ linux.h's pool */

static struct pb_pool *default_pool;

WEAK struct pb_pool *pb_default_pool(void)
{
	return default_pool;
}

WEAK void pb_set_default_pool(struct pb_pool *pool)
{
	default_pool = pool;
}
