/* SPDX-License-Identifier: MIT */
/*
 * The linux profile's zone, modelled on its own from the specification (3.3 to
 * 3.5, 6.5 to 6.7, 11.2 with the differences of 6.1), in the plainest form:
 * every free list an array of pfns, head first.
 */
#ifndef PB_TESTS_LISTS_H
#define PB_TESTS_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#define LZ_FRAMES 4096
#define LZ_ORDERS 11
#define LZ_TYPES 3 /* UNMOVABLE, MOVABLE, RECLAIMABLE */
#define LZ_NONE UINT32_MAX

struct lz_list {
	uint32_t n;
	uint16_t pfn[LZ_FRAMES];
};

struct lz {
	uint32_t start, end; /* pfns of the zone */
	unsigned int max_order, pageblock_order;
	struct lz_list list[LZ_ORDERS][LZ_TYPES];
	int8_t free_order[LZ_FRAMES]; /* of the free block whose head this is, or -1 */
	uint8_t free_type[LZ_FRAMES]; /* its list */
	uint8_t movable[LZ_FRAMES];   /* owned and marked movable */
	uint8_t pageblock[LZ_FRAMES];
};

void lz_init(struct lz *z, uint32_t start, uint32_t end, unsigned int max_order,
	     unsigned int pageblock_order);
/* First pfn of the block, or LZ_NONE. */
uint32_t lz_alloc(struct lz *z, unsigned int order, unsigned int type);
void lz_free(struct lz *z, uint32_t pfn, unsigned int order);

#endif
