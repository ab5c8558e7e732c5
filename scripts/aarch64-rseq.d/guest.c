/* SPDX-License-Identifier: MIT */
/*
 * /init of scripts/aarch64-rseq's virtual machine: the stress test in a child,
 * and around it what it does not look at itself. Was the pool entered by
 * restartable sequences, and which did the kernel abort? Its event
 * rseq_ip_fixup, one for each abort, is counted by address.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pcp/pcp.h" /* the handle's fields */

#define EVENT "/tracing/events/rseq/rseq_ip_fixup/"
#define COUNT "hist:keys=start_ip.hex,regs_ip.hex"

int stress_main(int argc, char **argv);

/* bench/stress.c and the core, linked with --wrap, come here. */
uint32_t __real_pb_platform_cpu(void);
uint32_t __wrap_pb_platform_cpu(void);
int __real_pb_validate(struct pb_pool *pool, struct pb_error *error);
int __wrap_pb_validate(struct pb_pool *pool, struct pb_error *error);

static unsigned long asked; /* atomic: calls of pb_platform_cpu() */

uint32_t __wrap_pb_platform_cpu(void)
{
	__atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED);
	return __real_pb_platform_cpu();
}

int __wrap_pb_validate(struct pb_pool *pool, struct pb_error *error)
{
	int result = __real_pb_validate(pool, error);

	if (pool->percpu_mode != PCP_MODE_RSEQ) {
		printf("guest: the pool's mode is %d, not rseq\n", pool->percpu_mode);
		exit(5);
	}
	printf("guest: the pool ran on rseq, orders below %u; all else asked for its CPU %lu times\n",
	       pool->rseq_orders, asked);
	return result;
}

static bool count_aborts(void)
{
	int fd = open(EVENT "trigger", O_WRONLY);
	bool counted = fd >= 0 && write(fd, COUNT, strlen(COUNT)) == (ssize_t)strlen(COUNT);

	if (!counted)
		perror("guest: " EVENT "trigger");
	if (fd >= 0)
		close(fd);
	return counted;
}

/* Lines as "{ start_ip: 406834, regs_ip: 406870 } hitcount: 5". */
static void print_aborts(void)
{
	unsigned long start, at, hits, starts[2] = { 0 }, total[2] = { 0 };
	unsigned int places[2] = { 0 }, i;
	FILE *file = fopen(EVENT "hist", "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "{ start_ip: %lx, regs_ip: %lx } hitcount: %lu", &start, &at,
			   &hits) != 3)
			continue;
		i = starts[0] && starts[0] != start;
		starts[i] = start;
		total[i] += hits;
		places[i]++;
	}
	if (file)
		fclose(file);
	for (i = 0; i < 2; i++)
		printf("guest: sequence at %#lx: %lu aborts, at %u instructions\n", starts[i],
		       total[i], places[i]);
}

int main(int argc, char **argv)
{
	int status = -1;
	bool passed;
	pid_t child;

	if (mount("tracefs", "/tracing", "tracefs", 0, NULL))
		perror("guest: tracefs");
	passed = count_aborts();
	fflush(stdout);
	child = fork();
	if (child == 0)
		exit(stress_main(argc, argv));
	if (child < 0 || waitpid(child, &status, 0) != child || status) {
		printf("guest: the stress test's wait status is %#x\n", (unsigned int)status);
		passed = false;
	}
	print_aborts();
	printf("guest: %s\n", passed ? "passed" : "failed");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
