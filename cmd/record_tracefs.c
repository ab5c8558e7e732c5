// SPDX-License-Identifier: MIT
/*
 * Our own trace instance: made, filled with events, read, and taken away, so
 * that whatever else is traced on the machine goes on as it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "record.h"

#define PREFIX "pagebuddy-"

static const struct {
	const char *system, *name;
	bool vital; /* without it there is nothing to replay */
	bool named; /* its absence is worth a line */
} wanted[] = {
	{ "kmem", "mm_page_alloc", true, true },
	{ "kmem", "mm_page_free", true, true },
	{ "kmem", "mm_page_free_batched", false, false },
	{ "kmem", "mm_page_alloc_zone_locked", false, true },
	{ "kmem", "mm_page_pcpu_drain", false, true },
	{ "kmem", "mm_page_alloc_extfrag", false, true },
	{ "kmem", "mm_setup_per_zone_wmarks", false, false },
	{ "compaction", "mm_compaction_begin", false, true },
	{ "compaction", "mm_compaction_end", false, true },
	{ "compaction", "mm_compaction_try_to_compact_pages", false, false },
	{ "compaction", "mm_compaction_isolate_migratepages", false, false },
	{ "compaction", "mm_compaction_isolate_freepages", false, false },
	{ "compaction", "mm_compaction_fast_isolate_freepages", false, false },
	{ "compaction", "mm_compaction_migratepages", false, false },
	{ "compaction", "mm_compaction_finished", false, false },
	{ "compaction", "mm_compaction_suitable", false, false },
	{ "compaction", "mm_compaction_deferred", false, false },
	{ "compaction", "mm_compaction_defer_compaction", false, false },
	{ "compaction", "mm_compaction_defer_reset", false, false },
	{ "compaction", "mm_compaction_kcompactd_wake", false, false },
	{ "compaction", "mm_compaction_kcompactd_sleep", false, false },
	{ "compaction", "mm_compaction_wakeup_kcompactd", false, false },
	/* which pages reclaim could have, and when it ran: what a what-if goes by */
	{ "filemap", "mm_filemap_add_to_page_cache", false, false },
	{ "filemap", "mm_filemap_delete_from_page_cache", false, false },
	{ "pagemap", "mm_lru_activate", false, false },
	{ "vmscan", "mm_vmscan_kswapd_wake", false, false },
	{ "vmscan", "mm_vmscan_kswapd_sleep", false, false },
	{ "vmscan", "mm_vmscan_direct_reclaim_begin", false, false },
	{ "vmscan", "mm_vmscan_direct_reclaim_end", false, false },
	{ "task", "task_newtask", false, false },
	{ "task", "task_rename", false, false },
};

#define NR_WANTED (sizeof(wanted) / sizeof(wanted[0]))
_Static_assert(NR_WANTED <= REC_MAX_FORMATS, "room for the format of each event");

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;
	int saved;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

static int write_instance(const struct rec_tracefs *fs, const char *file, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", fs->instance, file);
	return write_text(path, text);
}

static int failed(const char *what, const char *path)
{
	cmd_error("record", "can't %s %s: %s", what, path, strerror(errno));
	return -1;
}

/* --------------------------------------------------------------------- open */

/* Where tracefs is mounted, by /proc/mounts. */
static bool find_mount(char *root, size_t size)
{
	char *mounts = rec_read_file("/proc/mounts", NULL);
	char path[256], type[64];
	bool found = false;

	if (!mounts)
		return false;
	for (char *line = strtok(mounts, "\n"); line && !found; line = strtok(NULL, "\n")) {
		if (sscanf(line, "%*s %255s %63s", path, type) == 2 && !strcmp(type, "tracefs")) {
			snprintf(root, size, "%s", path);
			found = true;
		}
	}
	free(mounts);
	return found;
}

static int no_tracefs(void)
{
	char *known = rec_read_file("/proc/filesystems", NULL);
	bool has = known && strstr(known, "\ttracefs\n");

	free(known);
	if (!has)
		cmd_error("record", "this kernel has no tracefs: it needs CONFIG_FTRACE and "
				    "CONFIG_ENABLE_DEFAULT_TRACERS");
	else
		cmd_error("record", "tracefs is not mounted; as root: mount -t tracefs nodev "
				    "/sys/kernel/tracing");
	return -1;
}

/* Instances of recorders that were killed. */
static void remove_stale(const struct rec_tracefs *fs)
{
	char path[600];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/instances", fs->root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		int pid = strncmp(entry->d_name, PREFIX, strlen(PREFIX))
				  ? 0
				  : atoi(entry->d_name + strlen(PREFIX));

		if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/instances/%s", fs->root, entry->d_name);
		if (!rmdir(path))
			cmd_error("record",
				  "removed the trace instance of a recorder that was killed "
				  "(pid %d)",
				  pid);
	}
	if (dir)
		closedir(dir);
}

int rec_tracefs_open(struct rec_tracefs *fs)
{
	memset(fs, 0, sizeof(*fs));
	if (geteuid()) {
		cmd_error("record",
			  "only root may trace the kernel; try: sudo pagebuddy record ...");
		return -1;
	}
	if (!find_mount(fs->root, sizeof(fs->root)))
		return no_tracefs();
	remove_stale(fs);
	snprintf(fs->instance, sizeof(fs->instance), "%s/instances/" PREFIX "%d", fs->root,
		 (int)getpid());
	if (mkdir(fs->instance, 0700)) {
		int error = errno;
		char path[sizeof(fs->instance)];

		memcpy(path, fs->instance, sizeof(path));
		fs->instance[0] = '\0';
		errno = error;
		return failed("make a trace instance", path);
	}
	return 0;
}

/* -------------------------------------------------------------------- setup */

/* 1: enabled, 0: the kernel does not have it, -1. */
static int add_event(struct rec_tracefs *fs, const char *system, const char *name)
{
	struct rec_format *format = &fs->formats[fs->nr_formats];
	char path[512];
	char *text;
	bool ok;

	snprintf(path, sizeof(path), "%s/events/%s/%s/format", fs->instance, system, name);
	text = rec_read_file(path, NULL);
	if (!text)
		return errno == ENOENT ? 0 : failed("read", path);
	ok = rec_parse_format(text, system, format);
	free(text);
	if (!ok || (!strcmp(system, "task") && (!format->comm_offset || !format->comm_pid_offset)))
		return 0;
	snprintf(path, sizeof(path), "%s/events/%s/%s/enable", fs->instance, system, name);
	if (write_text(path, "1"))
		return failed("enable", path);
	fs->nr_formats++;
	return 1;
}

static void add_missing(struct rec_tracefs *fs, const char *name)
{
	size_t used = strlen(fs->missing_names);

	fs->missing++;
	snprintf(fs->missing_names + used, sizeof(fs->missing_names) - used, "%s%s",
		 used ? ", " : "", name);
}

static int add_events(struct rec_tracefs *fs)
{
	for (size_t i = 0; i < NR_WANTED; i++) {
		int rc = add_event(fs, wanted[i].system, wanted[i].name);

		if (rc < 0)
			return -1;
		if (rc == 0 && wanted[i].vital) {
			cmd_error("record",
				  "this kernel has no event %s:%s; without it there is nothing "
				  "to replay (CONFIG_EVENT_TRACING)",
				  wanted[i].system, wanted[i].name);
			return -1;
		}
		if (rc == 0 && wanted[i].named)
			add_missing(fs, wanted[i].name);
	}
	return 0;
}

/* The size asked for, or the greatest half, quarter … that the kernel grants. */
static int size_buffer(struct rec_tracefs *fs, uint64_t kb)
{
	char text[24];

	for (; kb >= 256; kb /= 2) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)kb);
		if (!write_instance(fs, "buffer_size_kb", text)) {
			fs->buffer_kb = kb;
			return 0;
		}
	}
	cmd_error("record", "no memory for a trace buffer of even 256 KB a CPU: %s",
		  strerror(errno));
	return -1;
}

int rec_tracefs_setup(struct rec_tracefs *fs, uint64_t buffer_kb)
{
	if (write_instance(fs, "tracing_on", "0"))
		return failed("write tracing_on of", fs->instance);
	/* Times of events and of snapshots are of one clock. */
	if (write_instance(fs, "trace_clock", "mono"))
		return failed("set the clock \"mono\" of", fs->instance);
	if (add_events(fs))
		return -1;
	return size_buffer(fs, buffer_kb);
}

/* set_event_pid takes one more with each write that appends. */
static int append_pid(const struct rec_tracefs *fs, int tid)
{
	char path[512], text[24];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/set_event_pid", fs->instance);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return failed("open", path);
	snprintf(text, sizeof(text), "%d ", tid);
	n = write(fd, text, strlen(text));
	if (n < 0)
		failed("write", path);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* Only this process, its threads, and what they fork. */
int rec_tracefs_pid(struct rec_tracefs *fs, int pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;
	int rc = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir) {
		cmd_error("record", "there is no process %d", pid);
		return -1;
	}
	if (write_instance(fs, "options/event-fork", "1"))
		cmd_error("record", "children of %d are not followed: %s", pid, strerror(errno));
	while (!rc && (entry = readdir(dir)))
		if (atoi(entry->d_name) > 0)
			rc = append_pid(fs, atoi(entry->d_name));
	closedir(dir);
	return rc;
}

/* The event that callers are written as is of ftrace itself: nothing enables it. */
static bool add_stack_event(struct rec_tracefs *fs)
{
	struct rec_format *format = &fs->formats[fs->nr_formats];
	char path[512];
	char *text;
	bool ok;

	snprintf(path, sizeof(path), "%s/events/ftrace/kernel_stack/format", fs->root);
	text = fs->nr_formats < REC_MAX_FORMATS ? rec_read_file(path, NULL) : NULL;
	ok = text && rec_parse_format(text, "ftrace", format) && format->callers_offset;
	free(text);
	fs->nr_formats += ok;
	return ok;
}

int rec_tracefs_stacks(struct rec_tracefs *fs)
{
	/* Of allocations alone; a kernel without triggers can only do so of all events. */
	if (add_stack_event(fs) &&
	    (!write_instance(fs, "events/kmem/mm_page_alloc/trigger", "stacktrace") ||
	     !write_instance(fs, "options/stacktrace", "1")))
		return 0;
	cmd_error("record", "--stacks: this kernel writes no stacks (CONFIG_STACKTRACE)");
	return -1;
}

int rec_tracefs_on(struct rec_tracefs *fs, bool on)
{
	if (write_instance(fs, "tracing_on", on ? "1" : "0"))
		return failed("write tracing_on of", fs->instance);
	return 0;
}

/* --------------------------------------------------------------------- read */

static size_t subbuf_size(const struct rec_tracefs *fs)
{
	char path[512];
	char *text;
	size_t kb = 0;

	snprintf(path, sizeof(path), "%s/buffer_subbuf_size_kb", fs->instance);
	text = rec_read_file(path, NULL);
	if (text)
		kb = strtoul(text, NULL, 10);
	free(text);
	return kb ? kb * 1024 : (size_t)sysconf(_SC_PAGESIZE);
}

/* Where the events of a sub-buffer begin, by events/header_page: 16, or 12. */
static int header_size(const struct rec_tracefs *fs)
{
	char path[512];
	char *text, *data;
	int head = 16;

	snprintf(path, sizeof(path), "%s/events/header_page", fs->root);
	text = rec_read_file(path, NULL);
	data = text ? strstr(text, " data;") : NULL;
	if (data)
		sscanf(data, " data; offset:%d;", &head);
	free(text);
	return head == 12 ? 12 : 16;
}

static int open_cpu(const struct rec_tracefs *fs, struct rec_ring *ring, unsigned int cpu)
{
	struct rec_cpu *cpus = realloc(ring->cpus, (ring->nr_cpus + 1) * sizeof(*cpus));
	char path[512];
	struct rec_cpu *c;

	if (!cpus) {
		cmd_error("record", "out of memory");
		return -1;
	}
	ring->cpus = cpus;
	c = &cpus[ring->nr_cpus];
	memset(c, 0, sizeof(*c));
	c->cpu = cpu;
	snprintf(path, sizeof(path), "%s/per_cpu/cpu%u/trace_pipe_raw", fs->instance, cpu);
	c->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return failed("open", path);
	ring->nr_cpus++;
	return 0;
}

int rec_tracefs_ring(struct rec_tracefs *fs, struct rec_ring *ring)
{
	char path[512];
	struct dirent *entry;
	unsigned int cpu;
	DIR *dir;
	int rc = 0;

	ring->subbuf = subbuf_size(fs);
	ring->head = header_size(fs);
	ring->formats = fs->formats;
	ring->nr_formats = fs->nr_formats;
	snprintf(path, sizeof(path), "%s/per_cpu", fs->instance);
	dir = opendir(path);
	if (!dir)
		return failed("list", path);
	while (!rc && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "cpu%u", &cpu) == 1)
			rc = open_cpu(fs, ring, cpu);
	closedir(dir);
	for (unsigned int i = 0; i < ring->nr_cpus; i++) /* the array moves no more */
		ring->cpus[i].tail = &ring->cpus[i].head;
	return rc;
}

uint64_t rec_tracefs_lost(const struct rec_tracefs *fs, const struct rec_ring *ring)
{
	static const char *const keys[] = { "\noverrun: ", "\ncommit overrun: ",
					    "\ndropped events: " };
	uint64_t lost = 0;

	for (unsigned int i = 0; i < ring->nr_cpus; i++) {
		char path[512];
		char *text;

		snprintf(path, sizeof(path), "%s/per_cpu/cpu%u/stats", fs->instance,
			 ring->cpus[i].cpu);
		text = rec_read_file(path, NULL);
		for (size_t k = 0; text && k < sizeof(keys) / sizeof(keys[0]); k++) {
			const char *at = strstr(text, keys[k]);

			if (at)
				lost += strtoull(at + strlen(keys[k]), NULL, 10);
		}
		free(text);
	}
	return lost;
}

void rec_tracefs_close(struct rec_tracefs *fs)
{
	if (!fs->instance[0])
		return;
	write_instance(fs, "tracing_on", "0");
	if (rmdir(fs->instance))
		failed("remove", fs->instance);
	fs->instance[0] = '\0';
}
