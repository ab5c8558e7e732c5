/* SPDX-License-Identifier: MIT */
/* Each measurement is a process of its own: no allocator lives in another's heap. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

#define MAX_ARGUMENTS 40

/* The worker of an allocator; pagebuddy's variants share one. */
static void worker_path(const struct options *o, const char *allocator, char path[PATH_MAX])
{
	const char *name = options_plug(o, allocator)     ? "plug"
			   : allocator_is_ours(allocator) ? "pagebuddy"
							  : allocator;
	char self[PATH_MAX - 64];
	ssize_t n;

	if (o->workers) {
		snprintf(path, PATH_MAX, "%s/worker-%s", o->workers, name);
		return;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = 0;
	*strrchr(n > 0 ? self : strcpy(self, "/"), '/') = 0;
	snprintf(path, PATH_MAX, "%s/bench/worker-%s", self, name);
}

bool worker_exists(const struct options *o, const char *allocator)
{
	char path[PATH_MAX];

	worker_path(o, allocator, path);
	return !access(path, X_OK);
}

static void report_end(struct results *r, char *const *argv, int status)
{
	unsigned int i;

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	r->errors++;
	fprintf(stderr, "pagebuddy-bench: ");
	if (WIFSIGNALED(status))
		fprintf(stderr, "killed by signal %d (%s):", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "failed with status %d:", WEXITSTATUS(status));
	for (i = 0; argv[i]; i++)
		fprintf(stderr, " %s", argv[i]);
	fprintf(stderr, "\n");
}

static void run(struct results *r, char *const *argv)
{
	posix_spawn_file_actions_t actions;
	int fd[2], status, error;
	char *line = NULL;
	size_t size = 0;
	FILE *out;
	pid_t pid;

	if (pipe(fd)) {
		perror("pagebuddy-bench: pipe");
		exit(1);
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd[1], 1);
	posix_spawn_file_actions_addclose(&actions, fd[0]);
	error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fd[1]);
	if (error) {
		fprintf(stderr, "pagebuddy-bench: cannot run %s: %s\n", argv[0], strerror(error));
		exit(1);
	}
	out = fdopen(fd[0], "r");
	while (out && getline(&line, &size, out) > 0)
		if (!results_add_line(r, line))
			fprintf(stderr, "pagebuddy-bench: %s said: %s\n", argv[0], line);
	free(line);
	if (out)
		fclose(out);
	waitpid(pid, &status, 0);
	report_end(r, argv, status);
}

void spawn_worker(const struct options *o, struct results *r, const char *allocator,
		  const char *const *arguments)
{
	char path[PATH_MAX], runs[16], target[16], seed[24], enough[16];
	const char *argv[MAX_ARGUMENTS] = { path };
	unsigned int n = 1;

	worker_path(o, allocator, path);
	if (strcmp(allocator, "lockhold")) {
		argv[n++] = "--variant";
		argv[n++] = allocator;
	}
	if (options_plug(o, allocator)) {
		argv[n++] = "--plug";
		argv[n++] = options_plug(o, allocator);
	}
	snprintf(runs, sizeof(runs), "%u", o->runs);
	snprintf(target, sizeof(target), "%u", o->target_ms);
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)o->seed);
	argv[n++] = "--runs";
	argv[n++] = runs;
	argv[n++] = "--target-ms";
	argv[n++] = target;
	argv[n++] = "--seed";
	argv[n++] = seed;
	if (o->verify)
		argv[n++] = "--verify";
	snprintf(enough, sizeof(enough), "%u", o->enough_ms);
	if (o->enough_ms) {
		argv[n++] = "--enough-ms";
		argv[n++] = enough;
	}
	while (*arguments && n < MAX_ARGUMENTS - 1)
		argv[n++] = *arguments++;
	run(r, (char *const *)argv);
}

/* linux/run.sh lies beside the program that linux/build.sh made. */
void spawn_linux(const struct options *o, struct results *r)
{
	char runs[32], target[32], mib[32], orders[128] = "orders=", workloads[256] = "workloads=";
	char script[PATH_MAX];
	char *argv[] = { script, (char *)o->linux_um, runs, target, mib, orders, workloads, NULL };
	unsigned int i;
	size_t at;

	snprintf(script, sizeof(script), "%s", o->linux_um);
	at = strrchr(script, '/') ? strrchr(script, '/') - script + 1 : 0;
	snprintf(script + at, sizeof(script) - at, "run.sh");
	snprintf(runs, sizeof(runs), "runs=%u", o->runs);
	snprintf(target, sizeof(target), "target_ms=%u", o->target_ms);
	snprintf(mib, sizeof(mib), "mib=%llu", (unsigned long long)(o->pages >> 8));
	for (i = 0; i < o->nr_orders; i++) {
		at = strlen(orders);
		snprintf(orders + at, sizeof(orders) - at, "%s%u", i ? "," : "", o->orders[i]);
	}
	for (i = 0; i < o->nr_workloads; i++) {
		at = strlen(workloads);
		snprintf(workloads + at, sizeof(workloads) - at, "%s%s", i ? "," : "",
			 o->workloads[i]);
	}
	if (options_wants(o, "churn") || options_wants(o, "wave") || options_wants(o, "mixed")) {
		at = strlen(workloads);
		snprintf(workloads + at, sizeof(workloads) - at, ",fragmentation");
	}
	run(r, argv);
}
