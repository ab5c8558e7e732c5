/* SPDX-License-Identifier: MIT */
/* The snapshots of /proc in a .pbt, without its events. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pbt.h"
#include "procfs.h"

static long read_fd(void *ctx, void *buffer, size_t size)
{
	return read(*(int *)ctx, buffer, size);
}

/* A file of that phase: the first of its name counts. */
static int take_file(const struct pbt_record *record, struct pb_snapshot *s, char *error,
		     size_t size)
{
	const char *text = record->text;
	size_t length = record->text_size;
	int rc = 0;

	if (!strcmp(record->name, "zoneinfo") && !s->has_zoneinfo) {
		rc = pb_zoneinfo_parse(text, length, &s->zoneinfo, error, size);
		s->has_zoneinfo = !rc;
	} else if (!strcmp(record->name, "buddyinfo") && !s->has_buddyinfo) {
		rc = pb_buddyinfo_parse(text, length, &s->buddyinfo, error, size);
		s->has_buddyinfo = !rc;
	} else if (!strcmp(record->name, "pagetypeinfo") && !s->has_pagetypeinfo) {
		rc = pb_pagetypeinfo_parse(text, length, &s->pagetypeinfo, error, size);
		s->has_pagetypeinfo = !rc;
	} else if (!strcmp(record->name, "vmstat") && !s->has_vmstat) {
		rc = pb_vmstat_parse(text, length, &s->vmstat, error, size);
		s->has_vmstat = !rc;
	}
	return rc;
}

/* "key=value" of the meta lines. */
static void take_meta(const char *lines, const char *key, char *value, size_t size)
{
	char start[64];
	const char *at;
	int n;

	snprintf(start, sizeof(start), "%s=", key);
	for (at = lines; at && strncmp(at, start, strlen(start)); at = at ? at + 1 : NULL)
		at = strchr(at, '\n');
	if (!at)
		return;
	at += strlen(start);
	n = (int)strcspn(at, "\n");
	snprintf(value, size, "%.*s", n, at);
}

void pbt_read_about(const char *lines, struct pbt_about *about)
{
	char number[32] = "";

	take_meta(lines, "kernel", about->kernel, sizeof(about->kernel));
	take_meta(lines, "host", about->host, sizeof(about->host));
	take_meta(lines, "page_size", number, sizeof(number));
	about->page_size = strtoull(number, NULL, 10);
	number[0] = '\0';
	take_meta(lines, "realtime", number, sizeof(number));
	about->realtime = strtoll(number, NULL, 10);
}

static int read_all(struct pbt_reader *reader, enum pbt_phase phase, struct pb_snapshot *snapshot,
		    struct pbt_about *about, char *error, size_t size)
{
	struct pbt_record record;
	int rc;

	while ((rc = pbt_read(reader, &record)) > 0) {
		if (record.tag == PBT_META) {
			pbt_read_about(record.text, about);
		} else if (record.tag == PBT_FILE && record.phase == phase) {
			if (take_file(&record, snapshot, error, size))
				return -1;
		} else if (record.tag == PBT_EVENTS && phase == PBT_START) {
			return 0; /* those of the start come before all events */
		}
	}
	/* what came before damage is good */
	if (rc < 0 && !snapshot->has_zoneinfo) {
		snprintf(error, size, "%s", pbt_reader_error(reader));
		return -1;
	}
	return 0;
}

int pbt_snapshot_load(const char *path, enum pbt_phase phase, struct pb_snapshot *snapshot,
		      struct pbt_about *about, char *error, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 1;
	struct pbt_reader *reader;
	char first[4];

	memset(about, 0, sizeof(*about));
	if (fd < 0)
		return 1;
	if (pread(fd, first, sizeof(first), 0) == sizeof(first) &&
	    pbt_probe(first, sizeof(first))) {
		reader = pbt_reader_new(read_fd, &fd, error, size);
		rc = reader ? read_all(reader, phase, snapshot, about, error, size) : -1;
		pbt_reader_free(reader);
	}
	close(fd);
	return rc;
}
