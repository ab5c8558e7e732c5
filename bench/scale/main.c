/* SPDX-License-Identifier: MIT */
/*
 * pagebuddy-scale: what a pair takes on 1 to 64 simulated CPUs (machine.h), with what
 * is counted on the way. The model's three costs are measured here first: an
 * allocation and a free on one real CPU, a compare-and-swap nobody else wants, and a
 * line that two real CPUs hand to each other. What real CPUs take for the same
 * workload stands beside it, for as many as there are of 1 and 2.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20000 /* of a line between two CPUs */
#define CAS_LOOPS 1000000
#define MAX_COLUMNS 7

struct cell {
	const char *workload;
	unsigned int order;
};

static const struct cell all_cells[] = {
	{ "repeat", 0 }, { "bulk", 0 }, { "rand", 0 }, { "mixed", 9 },
	{ "exch", 0 },   { "exch", 5 }, { "bulk", 9 }, { "rand", 9 },
};

/* A pair of one CPU, in ns; what is counted is a pair's. */
struct figures {
	double ns, transfers, waited_ns, lock_waits;
	unsigned long long failures;
};

struct costs {
	double pair_ns, cas_ns, transfer_ns;
	bool measured; /* transfer_ns; else there is one CPU */
};

static unsigned int columns[MAX_COLUMNS] = { 1, 2, 4, 8, 16, 32, 64 };
static unsigned int nr_columns = MAX_COLUMNS;
static unsigned int nr_cells = sizeof(all_cells) / sizeof(*all_cells);
static unsigned long long seed = 1;
static char folder[PATH_MAX];

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* ---- calibration */

static struct {
	uint32_t turn __attribute__((aligned(64)));
	int cpu[2];
} line;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

/* Even turns are CPU 0's, odd ones CPU 1's. */
static void hand_over(uint32_t mine)
{
	for (uint32_t turn = mine; turn < 2 * ROUNDS; turn += 2) {
		while (__atomic_load_n(&line.turn, __ATOMIC_ACQUIRE) != turn)
			;
		__atomic_store_n(&line.turn, turn + 1, __ATOMIC_RELEASE);
	}
}

static void *other_cpu(void *arg)
{
	(void)arg;
	pin(line.cpu[1]);
	hand_over(1);
	return NULL;
}

/* One way, in ns: the reader's question and the answer. 0: there is one CPU only. */
static double measure_transfer(void)
{
	cpu_set_t set, before;
	unsigned int n = 0;
	pthread_t thread;
	double start;

	if (sched_getaffinity(0, sizeof(before), &before) || CPU_COUNT(&before) < 2)
		return 0;
	set = before;
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			line.cpu[n++] = cpu;
	line.turn = 0;
	pin(line.cpu[0]);
	if (pthread_create(&thread, NULL, other_cpu, NULL)) {
		sched_setaffinity(0, sizeof(before), &before);
		return 0;
	}
	start = now_ns();
	hand_over(0);
	pthread_join(thread, NULL);
	start = (now_ns() - start) / (2 * ROUNDS);
	sched_setaffinity(0, sizeof(before), &before);
	return start;
}

static double measure_cas(void)
{
	static uint64_t word __attribute__((aligned(64)));
	uint64_t expected = 0;
	double start = now_ns();

	for (unsigned int i = 0; i < CAS_LOOPS; i++)
		if (__atomic_compare_exchange_n(&word, &expected, expected + 1, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			expected++;
	return (now_ns() - start) / CAS_LOOPS;
}

static double least(double (*measure)(void))
{
	double best = measure();

	for (unsigned int i = 0; i < 6; i++) {
		double again = measure();

		best = again < best ? again : best;
	}
	return best;
}

/* ---- workers */

/* The first line of a worker that begins with `tag`, its fields apart; exits if there is none. */
static void ask(char *command, const char *tag, char **fields, unsigned int n)
{
	static char text[1024];
	bool found = false;
	FILE *out = popen(command, "r");
	char *at;

	while (out && !found && fgets(text, sizeof(text), out))
		found = !strncmp(text, tag, strlen(tag)) && text[strlen(tag)] == '\t';
	while (out && fgetc(out) != EOF)
		;
	if (!out || pclose(out) || !found) {
		fprintf(stderr, "pagebuddy-scale: failed: %s\n", command);
		exit(1);
	}
	text[strcspn(text, "\n")] = 0;
	at = text;
	for (unsigned int i = 0; i < n; i++)
		fields[i] = at ? strsep(&at, "\t") : text + strlen(text);
}

/* As many pages for each thread as the simulated CPUs have. */
static double real_pair(const struct cell *cell, unsigned int threads)
{
	unsigned long long large = 512ull << cell->order, share = large > 65536 ? large : 65536;
	char command[PATH_MAX + 256], *f[16];

	snprintf(command, sizeof(command),
		 "'%s/worker-pagebuddy' --variant pagebuddy-trylock --workload %s --order %u "
		 "--threads %u --pages %llu --runs 5 --seed %llu",
		 folder, cell->workload, cell->order, threads, share * threads, seed);
	ask(command, "row", f, 15);
	return strtod(f[11], NULL) / 1000;
}

static struct figures simulate(const struct cell *cell, unsigned int cpus,
			       const struct costs *costs)
{
	char command[PATH_MAX + 256], *f[10];

	snprintf(command, sizeof(command),
		 "'%s/worker-scale' --workload %s --order %u --cpus %u --pair-ps %.0f "
		 "--atomic-ps %.0f --transfer-ps %.0f --seed %llu",
		 folder, cell->workload, cell->order, cpus, costs->pair_ns * 1000,
		 costs->cas_ns * 1000, costs->transfer_ns * 1000, seed);
	ask(command, "scale", f, 10);
	return (struct figures){ strtod(f[4], NULL) / 1000, strtod(f[5], NULL),
				 strtod(f[6], NULL) / 1000, strtod(f[7], NULL),
				 strtoull(f[9], NULL, 10) };
}

/* ---- output */

static void print_head(const char *title, bool real)
{
	printf("\n%-12s", title);
	for (unsigned int i = 0; i < nr_columns; i++)
		printf(" %6u", columns[i]);
	printf("%s\n", real ? "   real: 1      2" : "");
}

static const char *cell_name(const struct cell *cell, char text[32])
{
	snprintf(text, 32, strcmp(cell->workload, "mixed") ? "%s %u" : "%s 0-%u", cell->workload,
		 cell->order);
	return text;
}

static void print_counts(const char *title, struct figures (*figures)[MAX_COLUMNS], size_t at)
{
	char name[32];

	print_head(title, false);
	for (unsigned int i = 0; i < nr_cells; i++) {
		printf("%-12s", cell_name(&all_cells[i], name));
		for (unsigned int k = 0; k < nr_columns; k++)
			printf(" %6.2f", *(const double *)((const char *)&figures[i][k] + at));
		printf("\n");
	}
}

static unsigned long long run(const struct costs *costs)
{
	static struct figures figures[sizeof(all_cells) / sizeof(*all_cells)][MAX_COLUMNS];
	unsigned long long failures = 0;
	char name[32];

	print_head("ns a pair", true);
	for (unsigned int i = 0; i < nr_cells; i++) {
		printf("%-12s", cell_name(&all_cells[i], name));
		for (unsigned int k = 0; k < nr_columns; k++) {
			figures[i][k] = simulate(&all_cells[i], columns[k], costs);
			failures += figures[i][k].failures;
			printf(figures[i][k].ns < 1000 ? " %6.1f" : " %6.0f", figures[i][k].ns);
			fflush(stdout);
		}
		printf("   %7.1f", real_pair(&all_cells[i], 1));
		if (costs->measured)
			printf(" %6.1f", real_pair(&all_cells[i], 2));
		printf("\n");
	}
	print_counts("lines a pair", figures, offsetof(struct figures, transfers));
	print_counts("lock waits", figures, offsetof(struct figures, lock_waits));
	if (failures)
		printf("\n%llu allocations failed\n", failures);
	return failures;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", 0, NULL, 'q' },
		{ "seed", 1, NULL, 's' },
		{ "help", 0, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q') {
			nr_columns = 4;
			nr_cells = 5;
		} else if (c == 's') {
			errno = 0;
			seed = strtoull(optarg, &end, 0);
			if (errno || *end || end == optarg || *optarg == '-') {
				fprintf(stderr,
					"pagebuddy-scale: --seed: '%s': expected a number\n",
					optarg);
				exit(2);
			}
		} else if (c == 'h') {
			puts("usage: pagebuddy-scale [--quick] [--seed N]\n"
			     "\n"
			     "The benchmark's workloads on 1 to 64 simulated CPUs: the time of a pair,\n"
			     "lines that came from other CPUs, waits for locks. bench/README.md says\n"
			     "what the model is. --quick: up to 8 CPUs, orders 0 and mixed.");
			exit(0);
		} else {
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "pagebuddy-scale: argument: '%s': expected options only\n",
			argv[optind]);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct cell repeat = { "repeat", 0 };
	struct costs costs;
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 8);

	parse(argc, argv);
	folder[n > 0 ? n : 0] = 0;
	*strrchr(n > 0 ? folder : strcpy(folder, "/"), '/') = 0;
	costs.pair_ns = real_pair(&repeat, 1);
	costs.cas_ns = least(measure_cas);
	costs.transfer_ns = least(measure_transfer);
	costs.measured = costs.transfer_ns > 0;
	if (!costs.measured)
		costs.transfer_ns = 100; /* about what a server of 2023 takes */
	printf("measured  a pair on one CPU %.1f ns, compare-and-swap %.1f, a line from CPU to CPU "
	       "%.0f%s\n",
	       costs.pair_ns, costs.cas_ns, costs.transfer_ns,
	       costs.measured ? "" : " (assumed: one CPU only)");
	printf("simulated CPUs, each with its own share of memory; seed %llu\n", seed);
	return run(&costs) ? 1 : 0;
}
