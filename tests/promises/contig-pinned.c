/* SPDX-License-Identifier: MIT */
/* pb_alloc_contig() among movable pages whose owner refuses to move them (pinned for
 * DMA, say): the search does not learn from a refusal. It isolates, drains and tries to
 * move the same pages again one frame further on, and goes on with the rest of a range
 * that has failed already. ("PFNs busy" storms of Linux's CMA: raspberrypi/linux#2966,
 * anholt/linux#76.) A pool of only 64 MiB, 8192 pages in use, 600 asked for.
 * Expected: the range is given up at the first refusal and the search goes on behind it:
 * at most 8192 refusals. It was: 4,735,500 and seconds of CPU; it grows with the size asked
 * for times the size of the pool. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
#include <time.h>
static unsigned long refused;
static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	(void)ctx, (void)pool, (void)from, (void)to, (void)order;
	refused++;
	return false;
}
int main(void)
{
	struct pb_region ram = { 0, 16384, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .migrate = migrate };
	struct pb_config config;
	struct pb_pool pool;
	struct pb_page *page;
	clock_t start;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, &hooks, NULL);
	for (uint64_t pfn = 0; pfn < 16384; pfn += 2)
		pb_alloc_at(&pool, pfn, 0, PB_GFP_HIGHUSER_MOVABLE);
	start = clock();
	page = pb_alloc_contig(&pool, 600, 1, 0, UINT64_MAX, 0, PB_GFP_HIGHUSER_MOVABLE);
	printf("page %p after %lu refusals, %.1f s\n", (void *)page, refused,
	       (double)(clock() - start) / CLOCKS_PER_SEC);
	return refused > 8192;
}
