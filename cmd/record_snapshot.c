// SPDX-License-Identifier: MIT
/* The state of memory at one moment: files of /proc, and /proc/kpageflags. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "record.h"

#define CHUNK 8192 /* frames read at once: what one chunk says is true at one moment */
#define MAX_SPANS 128

/* Bits of /proc/kpageflags (Documentation/admin-guide/mm/pagemap). */
#define KPF_LRU (1ull << 5)
#define KPF_SLAB (1ull << 7)
#define KPF_BUDDY (1ull << 10)
#define KPF_HUGE (1ull << 17)
#define KPF_NOPAGE (1ull << 20)
#define KPF_OFFLINE (1ull << 23)
#define KPF_PGTABLE (1ull << 26)
#define KPF_RESERVED (1ull << 32)

uint64_t rec_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Files of /proc have no size that stat() knows: read until the end. */
char *rec_read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 16384, have = 0;
	char *text = fd < 0 ? NULL : malloc(room);
	ssize_t n = 0;

	while (text && (n = read(fd, text + have, room - have - 1)) > 0) {
		have += (size_t)n;
		if (have + 1 == room) {
			char *more = realloc(text, room *= 2);

			if (!more) {
				free(text);
				text = NULL;
				break;
			}
			text = more;
		}
	}
	if (text && n < 0) {
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	if (text)
		text[have] = '\0';
	if (size)
		*size = have;
	return text;
}

static const struct {
	const char *name; /* in /proc, if it has no leading slash */
	bool needed;      /* replay is poorer without it */
} files[] = {
	{ "buddyinfo", true },
	{ "pagetypeinfo", true },
	{ "zoneinfo", true },
	{ "vmstat", true },
	{ "meminfo", false },
	{ "sys/vm/min_free_kbytes", false },
	{ "sys/vm/watermark_scale_factor", false },
	{ "sys/vm/watermark_boost_factor", false },
	{ "sys/vm/lowmem_reserve_ratio", false },
	{ "sys/vm/percpu_pagelist_high_fraction", false },
	{ "sys/vm/defrag_mode", false },
	{ "/sys/kernel/mm/transparent_hugepage/enabled", false },
	{ "/sys/kernel/mm/transparent_hugepage/defrag", false },
};

int rec_snapshot_files(struct pbt_writer *w, enum pbt_phase phase, bool quiet)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];
		uint64_t ts = rec_now();
		size_t size;
		char *text;
		int rc;

		snprintf(path, sizeof(path), "%s%s", files[i].name[0] == '/' ? "" : "/proc/",
			 files[i].name);
		text = rec_read_file(path, &size);
		if (!text) {
			if (files[i].needed && !quiet)
				cmd_error("record", "no snapshot of %s: %s; replay will guess more",
					  path, strerror(errno));
			continue;
		}
		rc = pbt_write_file(w, phase, ts, files[i].name, text, size);
		free(text);
		if (rc)
			return -1;
	}
	return 0;
}

/* -------------------------------------------------------------------- tasks */

static int write_comm(struct pbt_writer *w, const char *path, int pid)
{
	size_t size;
	char *comm = rec_read_file(path, &size);
	int rc;

	if (!comm)
		return 0; /* it has ended meanwhile */
	comm[strcspn(comm, "\n")] = '\0';
	rc = pbt_write_task(w, rec_now(), pid, comm);
	free(comm);
	return rc;
}

static int write_threads(struct pbt_writer *w, const char *pid)
{
	char path[64 + 2 * 256];
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!rc && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", pid, entry->d_name);
		rc = write_comm(w, path, tid);
	}
	closedir(dir);
	return rc;
}

int rec_snapshot_tasks(struct pbt_writer *w)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int rc = pbt_write_task(w, rec_now(), 0, "<idle>");

	if (!dir)
		return -1;
	while (!rc && (entry = readdir(dir)))
		if (atoi(entry->d_name) > 0)
			rc = write_threads(w, entry->d_name);
	closedir(dir);
	return rc;
}

/* ------------------------------------------------------------------- frames */

struct span {
	uint64_t start, end;
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The zones' spans, sorted and merged: kpageflags is read there only. */
static unsigned int zone_spans(struct span *spans)
{
	char *text = rec_read_file("/proc/zoneinfo", NULL);
	unsigned long long spanned = 0, start;
	unsigned int n = 0, kept = 0;

	if (!text)
		return 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, " spanned %llu", &spanned) == 1)
			continue;
		if (sscanf(line, " start_pfn: %llu", &start) == 1 && spanned && n < MAX_SPANS) {
			spans[n++] = (struct span){ start, start + spanned };
			spanned = 0;
		}
	}
	free(text);
	qsort(spans, n, sizeof(spans[0]), by_start);
	for (unsigned int i = 0; i < n; i++) {
		if (kept && spans[i].start <= spans[kept - 1].end) {
			if (spans[i].end > spans[kept - 1].end)
				spans[kept - 1].end = spans[i].end;
		} else {
			spans[kept++] = spans[i];
		}
	}
	return kept;
}

/* Where memory is, by /proc/iomem: some kernels say 0 of a frame that is not there. */
static unsigned int ram_spans(struct span *spans)
{
	char *text = rec_read_file("/proc/iomem", NULL);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long start, end;
	unsigned int n = 0;

	if (!text)
		return 0;
	for (char *line = strtok(text, "\n"); line && n < MAX_SPANS; line = strtok(NULL, "\n"))
		if (strstr(line, " : System RAM") &&
		    sscanf(line, " %llx-%llx", &start, &end) == 2 && end > start)
			spans[n++] = (struct span){ start / page, end / page + 1 };
	free(text);
	return n;
}

static bool in_spans(const struct span *spans, unsigned int n, uint64_t pfn)
{
	for (unsigned int i = 0; i < n; i++)
		if (pfn >= spans[i].start && pfn < spans[i].end)
			return true;
	return n == 0;
}

static uint8_t frame_class(uint64_t flags)
{
	if (flags & (KPF_NOPAGE | KPF_OFFLINE))
		return PBT_FRAME_ABSENT;
	if (flags & KPF_BUDDY)
		return PBT_FRAME_FREE;
	if (flags & KPF_RESERVED)
		return PBT_FRAME_RESERVED;
	if (flags & KPF_HUGE)
		return PBT_FRAME_HUGETLB;
	if (flags & KPF_SLAB)
		return PBT_FRAME_SLAB;
	if (flags & KPF_LRU)
		return PBT_FRAME_LRU;
	if (flags & KPF_PGTABLE)
		return PBT_FRAME_PGTABLE;
	return PBT_FRAME_OTHER;
}

/* Frames from pfn on; how many were read, 0 at the end of memory, -1. */
static long read_chunk(int fd, struct pbt_writer *w, enum pbt_phase phase, uint64_t pfn,
		       uint64_t count, struct rec_chunk *chunk)
{
	static struct span ram[MAX_SPANS];
	static unsigned int nr_ram;
	static uint64_t flags[CHUNK];
	static uint8_t frames[CHUNK];
	ssize_t n;

	if (!nr_ram)
		nr_ram = ram_spans(ram);
	chunk->before = rec_now();
	n = pread(fd, flags, (size_t)(count < CHUNK ? count : CHUNK) * 8, (off_t)pfn * 8);
	chunk->after = rec_now();
	if (n <= 0)
		return n;
	chunk->pfn = pfn;
	chunk->count = (uint64_t)n / 8;
	for (uint64_t i = 0; i < chunk->count; i++)
		frames[i] = flags[i] || in_spans(ram, nr_ram, pfn + i) ? frame_class(flags[i])
								       : PBT_FRAME_ABSENT;
	if (pbt_write_frames(w, phase, chunk->before, chunk->after, pfn, frames, chunk->count))
		return -1;
	return (long)chunk->count;
}

static int no_kpageflags(enum pbt_phase phase)
{
	if (phase == PBT_START)
		cmd_error("record",
			  "no /proc/kpageflags (%s): which frames are free at the start "
			  "stays unknown (CONFIG_PROC_PAGE_MONITOR)",
			  strerror(errno));
	return 1;
}

int rec_snapshot_frames(struct pbt_writer *w, enum pbt_phase phase,
			int (*step)(void *ctx, const struct rec_chunk *chunk), void *ctx)
{
	struct span spans[MAX_SPANS];
	unsigned int n = zone_spans(spans);
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	struct rec_chunk chunk;
	long got = 1;

	if (fd < 0)
		return no_kpageflags(phase);
	for (unsigned int i = 0; i < n && got >= 0; i++) {
		for (uint64_t pfn = spans[i].start; pfn < spans[i].end; pfn += (uint64_t)got) {
			got = read_chunk(fd, w, phase, pfn, spans[i].end - pfn, &chunk);
			if (got > 0 && step(ctx, &chunk))
				got = -1;
			if (got <= 0)
				break;
		}
	}
	close(fd);
	return got < 0 ? -1 : 0;
}
