/* SPDX-License-Identifier: MIT */
/*
 * Who holds memory, from what a kernel with the right options tells:
 *
 *	page_owner	each allocated block: task, flags, pageblock, stack
 *	allocinfo	each place in the source that allocates: bytes and calls
 *
 * and the fragmentation indices of debugfs.
 */
#ifndef PB_TRACE_HOLDERS_H
#define PB_TRACE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -------------------------------------------------------------- page_owner */

/* Blocks of one task, call site, order and type, together. */
struct pb_holder {
	char comm[20]; /* "?" where the kernel does not print it */
	char site[64]; /* first function of the stack outside the allocator */
	char type[16]; /* what was asked for: "Unmovable" */
	unsigned int order;
	uint64_t blocks, pages;
	uint64_t spoiled; /* pageblocks of another type that it is unmovable in, at least */
	uint64_t last_spoiled;
};

/* One pageblock that something is in. */
struct pb_held_block {
	uint64_t number, pfn; /* of the pageblock; first frame seen in it */
	char type[16];
	uint64_t unmovable, movable, reclaimable; /* pages */
	char by[3][20];                           /* tasks with unmovable or reclaimable pages */
	unsigned int nr_by;
	char site[64]; /* of the first of them */
};

struct pb_page_owner {
	uint64_t entries, pages, bad_lines;
	bool cut;                  /* it ends in the middle of an entry */
	bool sorted;               /* by page_owner_sort: "N times", mostly without frames */
	struct pb_holder *holders; /* most spoiled pageblocks first, then most pages */
	size_t nr_holders;
	struct pb_held_block *blocks; /* spoiled ones first, most unmovable pages first */
	size_t nr_blocks, nr_spoiled; /* spoiled: Movable or CMA with unmovable pages */
};

/* 0, or -1 with one line in `error`. */
int pb_page_owner_parse(const char *text, size_t len, struct pb_page_owner *owner, char *error,
			size_t size);
void pb_page_owner_free(struct pb_page_owner *owner);

/* --------------------------------------------------------------- allocinfo */

struct pb_alloc_site {
	char function[64], place[96]; /* "mm/slub.c:2490" and, of a module, " [name]" */
	uint64_t bytes, calls;
};

struct pb_allocinfo {
	struct pb_alloc_site *sites; /* by bytes, descending */
	size_t nr_sites;
	uint64_t bytes, calls, bad_lines;
};

int pb_allocinfo_parse(const char *text, size_t len, struct pb_allocinfo *info, char *error,
		       size_t size);
void pb_allocinfo_free(struct pb_allocinfo *info);

/* ------------------------------------------------ extfrag_index, unusable_index */

#define PB_INDEX_ORDERS 32

struct pb_index_zone {
	int node;
	char name[16];
	double index[PB_INDEX_ORDERS];
	unsigned int nr_orders;
};

struct pb_index {
	bool unusable; /* no value is negative: it is the other one of the two */
	struct pb_index_zone *zones;
	size_t nr_zones;
};

int pb_index_parse(const char *text, size_t len, struct pb_index *index, char *error, size_t size);
void pb_index_free(struct pb_index *index);

#endif
