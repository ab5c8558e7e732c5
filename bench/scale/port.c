/* SPDX-License-Identifier: MIT */
/*
 * The port of the simulated machine: a kernel's. Per-CPU lists are guarded by
 * masking interrupts, of which there are none here, and the area's own lock word;
 * locks are queued.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagebuddy/pagebuddy.h>
#include <pagebuddy/platform.h>

#include "machine.h"
#include "port.h"

unsigned long sim_lock_waits;

uint32_t pb_platform_cpu(void)
{
	return sim_cpu();
}

unsigned long pb_platform_critical_enter(void)
{
	return 0;
}

void pb_platform_critical_exit(unsigned long state)
{
	(void)state;
}

/* Who waits for which lock, the longest first. */
static struct {
	const uint32_t *word;
	unsigned int cpu;
} waiters[SIM_CPUS];
static unsigned int nr_waiters;

void pb_platform_lock(uint32_t *word)
{
	sim_access(word, true, true);
	if (!*word) {
		*word = 1;
		return;
	}
	waiters[nr_waiters].word = word;
	waiters[nr_waiters++].cpu = sim_cpu();
	sim_lock_waits++;
	sim_block();
}

/* The lock goes to who has waited longest, as a queued lock's does: it costs one transfer
   however many wait. */
void pb_platform_unlock(uint32_t *word)
{
	sim_access(word, true, false);
	for (unsigned int i = 0; i < nr_waiters; i++) {
		if (waiters[i].word != word)
			continue;
		sim_wake(waiters[i].cpu);
		memmove(&waiters[i], &waiters[i + 1], (--nr_waiters - i) * sizeof(waiters[0]));
		return;
	}
	*word = 0;
}

void pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu)
{
	(void)pool;
	(void)cpu;
}

bool pb_platform_rseq_available(intptr_t *offset)
{
	(void)offset;
	return false;
}

void pb_platform_relax(void)
{
	if (sim_running())
		sim_pause();
}

uint32_t *pb_platform_task(void)
{
	static uint32_t task[SIM_CPUS];

	return &task[sim_cpu()];
}

uint32_t pb_platform_nr_cpus(void)
{
	return SIM_CPUS;
}

uint32_t pb_platform_self(void)
{
	return 2 + sim_cpu();
}

bool pb_platform_gone(uint32_t self)
{
	(void)self;
	return false;
}

void pb_platform_wait(uint32_t *word, uint32_t value)
{
	if (*word == value)
		pb_platform_relax();
}

void pb_platform_wake(uint32_t *word)
{
	(void)word;
}

void pb_platform_misuse(const struct pb_misuse_report *report)
{
	fprintf(stderr, "%s\n", report->text);
	abort();
}

void pb_platform_log(const char *line)
{
	(void)line;
}
