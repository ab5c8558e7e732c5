/* SPDX-License-Identifier: MIT */
/*
 * The port: what pagebuddy/platform.h asks of a kernel with several CPUs, whose interrupt
 * handlers allocate too. platform/freestanding/port.c has a weak version of each function;
 * these replace the ones that must know about CPUs and interrupts.
 */
#include <pagebuddy/platform.h>

#include "kernel.h"

uint32_t pb_platform_cpu(void)
{
	return machine_cpu();
}

uint32_t pb_platform_nr_cpus(void)
{
	return machine_nr_cpus();
}

/* Around the use of this CPU's own lists. The handler of an interrupt that came in between
   would find them in use, and take the slower way. */
unsigned long pb_platform_critical_enter(void)
{
	return irq_save();
}

void pb_platform_critical_exit(unsigned long state)
{
	irq_restore(state);
}

/*
 * A spin lock that masks interrupts: a handler that wanted the lock its own CPU holds
 * would wait for ever. The library takes a second lock under the first (a zone's, then a
 * stripe's of it), so the interrupt state belongs to the CPU and not to the lock: the
 * first lock saves it, the last unlock restores it. Between the two this CPU runs nothing
 * else, so nobody else touches its entry.
 */
static struct {
	unsigned long state;
	unsigned int depth;
} irqs[MAX_CPUS];

void pb_platform_lock(uint32_t *word)
{
	unsigned long state = irq_save();
	uint32_t cpu = machine_cpu();

	if (irqs[cpu].depth++ == 0)
		irqs[cpu].state = state;
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(word, __ATOMIC_RELAXED))
			machine_relax();
}

void pb_platform_unlock(uint32_t *word)
{
	uint32_t cpu = machine_cpu();

	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
	if (--irqs[cpu].depth == 0)
		irq_restore(irqs[cpu].state);
}

/* In loops of requests that may wait. With a scheduler this is where it runs another. */
void pb_platform_relax(void)
{
	machine_relax();
}

/* One task a CPU here. A kernel with threads keeps this word in its struct task. */
uint32_t *pb_platform_task(void)
{
	static uint32_t tasks[MAX_CPUS];

	return &tasks[machine_cpu()];
}

void pb_platform_misuse(const struct pb_misuse_report *report)
{
	panic(report->text);
}

void pb_platform_log(const char *line)
{
	print(line);
	print("\n");
}
