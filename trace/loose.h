/* SPDX-License-Identifier: MIT */
/*
 * What people have in hand of a machine: single files of /proc, pasted with a
 * shell prompt around them, cut, or in another tool's form. Everything that can
 * be read is; what was left out or assumed is said in a note.
 */
#ifndef PB_TRACE_LOOSE_H
#define PB_TRACE_LOOSE_H

#include "procfs.h"

#define PB_MAX_NOTES 16

struct pb_notes {
	char text[PB_MAX_NOTES][200];
	unsigned int nr;
};

void pb_note(struct pb_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a text of a machine is, by its lines. */
enum pb_loose_kind {
	PB_LOOSE_UNKNOWN,
	PB_LOOSE_ZONEINFO,
	PB_LOOSE_BUDDYINFO,
	PB_LOOSE_PAGETYPEINFO,
	PB_LOOSE_MEMINFO,
	PB_LOOSE_EXPORTER, /* node_buddyinfo_blocks{...} of node_exporter */
	PB_LOOSE_KMEM,     /* crash's kmem -f */
	PB_LOOSE_INDEX,    /* extfrag_index, unusable_index */
	PB_LOOSE_PAGE_OWNER,
	PB_LOOSE_ALLOCINFO,
};

enum pb_loose_kind pb_loose_kind(const char *text, size_t len);

/* What else such texts tell. */
struct pb_about_machine {
	uint64_t mem_kb, free_kb;  /* MemTotal and MemFree of meminfo; 0: not there */
	char kernel[64];           /* its release; "": not said */
	struct pb_notes notes;     /* what was left out, assumed, or contradicts */
	unsigned int lines, known; /* of all texts: not blank; of a file known here */
};

/*
 * All of one machine from a directory (a saved /proc, a sosreport, also one directory
 * down) or a single text; "-" is standard input. 0, also if nothing was there; -1
 * with one line in `error`. `about` is added to.
 */
int pb_loose_load(const char *where, struct pb_snapshot *snapshot, struct pb_about_machine *about,
		  char *error, size_t size);

/* Does this directory, or the only one in it that does, hold files of a machine? */
bool pb_is_machine(const char *directory);

/* buddyinfo from other texts; 0 or -1 with one line in `error`. */
int pb_exporter_parse(const char *text, size_t len, struct pb_buddyinfo *info,
		      struct pb_notes *notes, char *error, size_t size);
int pb_kmem_parse(const char *text, size_t len, struct pb_buddyinfo *info, char *error,
		  size_t size);

#endif
