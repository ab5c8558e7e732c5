// SPDX-License-Identifier: MIT
/*
 * Allocates every page of a pool made of the two files of `make dist`, gives them back and takes
 * the whole again as one block: as C by each compiler, and as C++, which sees the header alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pagebuddy.h"

#define PAGES 1024u

static struct pb_page *pages[PAGES];
static union {
	uint64_t align;
	unsigned char bytes[1 << 18];
} room;

static void *metadata(size_t bytes)
{
	uintptr_t at = ((uintptr_t)room.bytes + 63u) & ~(uintptr_t)63u;

	return bytes + 64u <= sizeof(room) ? (void *)at : NULL;
}

static int use(struct pb_pool *pool)
{
	unsigned int n = 0;

	while (n < PAGES && (pages[n] = pb_alloc_pages(pool, PB_GFP_KERNEL, 0)) != NULL)
		n++;
	if (n != PAGES || pb_alloc_pages(pool, PB_GFP_ATOMIC, 0) != NULL)
		return 1;
	for (unsigned int i = 0; i < n; i++)
		pb_free_pages(pool, pages[i * 7u % PAGES], 0);
	pages[0] = pb_alloc_pages(pool, PB_GFP_KERNEL, 10);
	if (pages[0] == NULL || pb_page_to_pfn(pool, pages[0]) != 4096u)
		return 2;
	pb_free_pages(pool, pages[0], 10);
	return 0;
}

int main(void)
{
	struct pb_region region = { 4096u, 4096u + PAGES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	static struct pb_pool pool;
	struct pb_config config;
	size_t bytes;
	int status = 3;

	pb_config_init(&config);
	config.regions = &region;
	config.nr_regions = 1;
	config.nr_cpus = 1;
	config.flags = PB_POOL_PLAIN;
	if (pb_pool_size(&config, &bytes, NULL) == PB_OK && metadata(bytes) != NULL &&
	    pb_pool_init(&pool, &config, metadata(bytes), bytes, true, NULL, NULL) == PB_OK)
		status = use(&pool);
	printf(status ? "FAIL %d\n" : "PASS\n", status);
	return status;
}
