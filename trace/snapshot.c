/* SPDX-License-Identifier: MIT */
/* Snapshots of /proc that lie beside a trace, in a folder, or in a saved /proc. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "procfs.h"
#include "source.h"

#define FIRST_CHUNK (64u << 10)
#define SNAPSHOT_LIMIT (64u << 20) /* bytes; a zoneinfo of 8192 CPUs has some 10 MB */

static const char *why_not(long status)
{
	if (status == PB_SOURCE_IO)
		return strerror(errno);
	return status == PB_SOURCE_CUT ? "the compressed data ends before its end"
				       : "the compressed data is damaged";
}

/* Room for one more byte and the NUL. */
static bool have_room(char **text, size_t len, size_t *room)
{
	char *grown;

	if (len + 1 < *room)
		return true;
	grown = realloc(*text, *room ? 2 * *room : FIRST_CHUNK);
	if (!grown)
		return false;
	*text = grown;
	*room = *room ? 2 * *room : FIRST_CHUNK;
	return true;
}

char *pb_read_file(const char *path, size_t limit, size_t *len, char *error, size_t size)
{
	struct pb_source *source = pb_source_open(path, error, size);
	size_t room = 0, n = 0;
	char *text = NULL;
	long got = 1;

	if (!source)
		return NULL;
	while (got > 0 && n <= limit) {
		if (!have_room(&text, n, &room)) {
			snprintf(error, size, "'%s': out of memory", path);
			goto fail;
		}
		got = pb_source_read(source, text + n, room - n - 1);
		n += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		snprintf(error, size, "can't read '%s': %s", path, why_not(got));
	else if (n > limit)
		snprintf(error, size, "'%s' has more than %zu bytes", path, limit);
	else
		goto done;
fail:
	pb_source_close(source);
	free(text);
	return NULL;
done:
	pb_source_close(source);
	text[n] = '\0';
	*len = n;
	return text;
}

/* --------------------------------------------------------------------- finding */

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "<front><joint><name>[.<phase>]", as it is or with .zst or .gz. */
static bool try(char *path, size_t size, const char *front, const char *joint, const char *name,
		const char *phase)
{
	static const char *const packed[] = { "", ".zst", ".gz" };

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		int n = snprintf(path, size, "%s%s%s%s%s%s", front, joint, name, phase ? "." : "",
				 phase ? phase : "", packed[i]);

		if (n > 0 && (size_t)n < size && is_file(path))
			return true;
	}
	return false;
}

/* Cut one of the endings that a trace may have off `stem`. */
static bool cut_ending(char *stem)
{
	static const char *const endings[] = { ".zst",   ".gz",  ".txt",  ".log",
					       ".trace", ".dat", ".perf", ".pbt" };
	size_t len = strlen(stem);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(stem + len - n, endings[i]) == 0 &&
		    stem[len - n - 1] != '/') {
			stem[len - n] = '\0';
			return true;
		}
	}
	return false;
}

bool pb_snapshot_find(const char *where, const char *name, const char *phase, char *path,
		      size_t size)
{
	char stem[PATH_MAX];

	if (strlen(where) >= sizeof(stem))
		return false;
	if (is_directory(where))
		return try(path, size, where, "/", name, phase) ||
		       (!phase && try(path, size, where, "/proc/", name, phase));
	strcpy(stem, where);
	do
		if (try(path, size, stem, ".", name, phase))
			return true;
	while (cut_ending(stem));
	return false;
}

/* --------------------------------------------------------------------- loading */

typedef int (*parse_fn)(const char *text, size_t len, void *to, char *error, size_t size);

#define PARSER(type, short_name)                                                           \
	static int parse_##short_name(const char *text, size_t len, void *to, char *error, \
				      size_t size)                                         \
	{                                                                                  \
		return pb_##short_name##_parse(text, len, (type *)to, error, size);        \
	}
PARSER(struct pb_zoneinfo, zoneinfo)
PARSER(struct pb_buddyinfo, buddyinfo)
PARSER(struct pb_pagetypeinfo, pagetypeinfo)
PARSER(struct pb_proc_counters, vmstat)
PARSER(struct pb_frames, frames)

/* 1: loaded; 0: there is none; -1: error. */
static int load(const char *where, const char *phase, const char *name, parse_fn parse, void *to,
		char *error, size_t size)
{
	char path[PATH_MAX + 32], reason[224];
	size_t len;
	char *text;
	int status;

	if (!pb_snapshot_find(where, name, phase, path, sizeof(path)))
		return 0;
	text = pb_read_file(path, SNAPSHOT_LIMIT, &len, error, size);
	if (!text)
		return -1;
	status = parse(text, len, to, reason, sizeof(reason));
	free(text);
	if (status) {
		snprintf(error, size, "'%s': %s", path, reason);
		return -1;
	}
	return 1;
}

int pb_snapshot_load(const char *where, const char *phase, struct pb_snapshot *snapshot,
		     char *error, size_t size)
{
	const struct {
		const char *name;
		parse_fn parse;
		void *to;
		bool *has;
	} parts[] = {
		{ "zoneinfo", parse_zoneinfo, &snapshot->zoneinfo, &snapshot->has_zoneinfo },
		{ "buddyinfo", parse_buddyinfo, &snapshot->buddyinfo, &snapshot->has_buddyinfo },
		{ "pagetypeinfo", parse_pagetypeinfo, &snapshot->pagetypeinfo,
		  &snapshot->has_pagetypeinfo },
		{ "vmstat", parse_vmstat, &snapshot->vmstat, &snapshot->has_vmstat },
		{ "free", parse_frames, &snapshot->free, &snapshot->has_free },
	};

	memset(snapshot, 0, sizeof(*snapshot));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int status = load(where, phase, parts[i].name, parts[i].parse, parts[i].to, error,
				  size);

		if (status < 0) {
			pb_snapshot_free(snapshot);
			return -1;
		}
		*parts[i].has = status > 0;
	}
	return 0;
}

void pb_snapshot_free(struct pb_snapshot *snapshot)
{
	pb_zoneinfo_free(&snapshot->zoneinfo);
	pb_buddyinfo_free(&snapshot->buddyinfo);
	pb_pagetypeinfo_free(&snapshot->pagetypeinfo);
	pb_counters_free(&snapshot->vmstat);
	pb_frames_free(&snapshot->free);
	memset(snapshot, 0, sizeof(*snapshot));
}
