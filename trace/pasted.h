/* SPDX-License-Identifier: MIT */
/*
 * A text that somebody pasted, sorted into the files of /proc that it was made of:
 *
 *	> $ cat /proc/buddyinfo			left out
 *	> Node 0, zone      DMA      0 ...	buddyinfo
 *	> $ cat /proc/zoneinfo
 *	> Node 0, zone      DMA			zoneinfo
 *	>   pages free     3840
 *
 * Which file a line is of is told by the line and by those above it. If a file is
 * there more than once, the last one counts: it is the latest moment.
 */
#ifndef PB_TRACE_PASTED_H
#define PB_TRACE_PASTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pb_pasted_file {
	PB_PASTED_ZONEINFO,
	PB_PASTED_BUDDYINFO,
	PB_PASTED_PAGETYPEINFO,
	PB_NR_PASTED,
};

struct pb_pasted {
	struct pb_pasted_part {
		char *text; /* with room for 64 bytes more; NULL: the file is not there */
		size_t len, room;
		unsigned int times; /* it is there */
	} part[PB_NR_PASTED];
	uint64_t mem_kb, free_kb;  /* MemTotal, MemFree; 0: not there */
	char kernel[64];           /* release of a "Linux version" or uname line; "" */
	unsigned int lines, known; /* not blank; of one of the files */
};

/* 0; -1: no memory. */
int pb_pasted_split(const char *text, size_t len, struct pb_pasted *pasted);
void pb_pasted_free(struct pb_pasted *pasted);

/*
 * Undo in place what mail and terminals do to every line: "> ", colours, HTML, CR.
 * The new length.
 */
size_t pb_paste_clean(char *text, size_t len);

#endif
