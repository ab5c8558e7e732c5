/* SPDX-License-Identifier: MIT */
/* pb_alloc_at() and pb_alloc_contig() take free frames out of a range that pb_offline() (or
 * another contig, or compaction) has isolated and is emptying. Deterministic here: from
 * the migrate hook, as another thread would at that moment. Expected, as in Linux, where
 * alloc_contig_range() of an isolated pageblock is -EBUSY: the claim is refused, the
 * offline succeeds. It was: the claim succeeds, the offline fails after it has moved all 64
 * pages; and they stay moved, though the header says that PB_EBUSY "leaves everything
 * as it was". */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
static int claimed = 1;
static bool migrate(void *ctx, struct pb_pool *pool, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	(void)ctx, (void)from, (void)to, (void)order;
	if (claimed == 1)
		claimed = pb_alloc_at(pool, 513, 0, PB_GFP_KERNEL);
	return true;
}
int main(void)
{
	struct pb_region ram = { 0, 4096, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .migrate = migrate };
	struct pb_config config;
	struct pb_pool pool;
	int code, left = 0;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, &hooks, NULL);
	for (uint64_t pfn = 512; pfn < 1024; pfn += 8)
		pb_alloc_at(&pool, pfn, 0, PB_GFP_HIGHUSER_MOVABLE);
	code = pb_offline(&pool, 512, 1024);
	for (uint64_t pfn = 512; pfn < 1024; pfn += 8)
		left += (int)pb_page_count(&pool, pb_pfn_to_page(&pool, pfn));
	printf("claim of frame 513: %s; offline: %s; %d of 64 pages where they were\n",
	       pb_strerror(claimed), pb_strerror(code), left);
	return code != PB_OK;
}
