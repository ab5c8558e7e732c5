/* SPDX-License-Identifier: MIT */
/* A thread on a CPU that the pool has no lists for. linux_user.h: it goes to the zones, and
 * an operation is no system call. It was: two membarrier calls a pair, 900 ns and more; and
 * README's own example had lists for CPU 0 alone. Counted here by standing in for the C
 * library's syscall(), through which the port makes its calls. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pagebuddy/linux_user.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static unsigned long calls;

/* Registrations and fences are said to succeed: there is one thread. */
long syscall(long number, ...)
{
	(void)number;
	calls++;
	return 0;
}

static int to_last_cpu(void)
{
	cpu_set_t all, one;
	int cpu = CPU_SETSIZE - 1;

	sched_getaffinity(0, sizeof(all), &all);
	while (cpu > 0 && !CPU_ISSET(cpu, &all))
		cpu--;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	return cpu;
}

int main(void)
{
	struct pb_region ram = { 0, 65536, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_pool_stat stat;
	struct pb_config config;
	struct pb_pool pool;
	unsigned long before;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, NULL, NULL);
	pb_stats(&pool, &stat);
	printf("by default lists for %u CPUs of %ld\n", stat.cpus, sysconf(_SC_NPROCESSORS_CONF));
	if (stat.cpus != sysconf(_SC_NPROCESSORS_CONF))
		return 1;
	pb_user_pool_destroy(&pool);
	if (!to_last_cpu())
		return puts("one CPU only: nothing more to see") < 0;
	config.nr_cpus = 1;
	pb_user_pool_create(&pool, &config, 0, NULL, NULL);
	before = calls;
	for (unsigned int i = 0; i < 10000; i++) {
		struct pb_page *page = pb_alloc_pages(&pool, PB_GFP_KERNEL, i % 10);

		if (!page || pb_free_pages(&pool, page, i % 10))
			return 2;
	}
	printf("%s: %lu system calls in 10000 pairs\n", pb_user_percpu_mode(&pool), calls - before);
	return calls != before;
}
