/* SPDX-License-Identifier: MIT */
/* Defaults, no hooks. Fill the pool with movable pages, free every second one, fill the
 * holes with GFP_KERNEL pages (types mix: the watermark is boosted), free everything,
 * fill again. Expected: the empty pool gives as many pages as at first. It was: 1152 fewer,
 * for ever: nobody takes the boost back (in Linux kswapd does). README and CAVEATS.md
 * don't say that a user without a wake hook must call pb_boost_done() or set
 * watermark_boost_factor to 0. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
#define MOVABLE (PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN)
static struct pb_page *a[65536], *b[65536];
static struct pb_pool pool;
static unsigned int fill(struct pb_page **pages, pb_gfp_t gfp)
{
	unsigned int n = 0;

	while (n < 65536 && (pages[n] = pb_alloc_pages(&pool, gfp, 0)))
		n++;
	return n;
}
int main(void)
{
	struct pb_region ram = { 0, 65536, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	unsigned int n, k, again;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, NULL, NULL);
	n = fill(a, MOVABLE);
	for (unsigned int i = 0; i < n; i += 2)
		pb_free_pages(&pool, a[i], 0);
	k = fill(b, PB_GFP_KERNEL | PB_GFP_NOWARN);
	for (unsigned int i = 1; i < n; i += 2)
		pb_free_pages(&pool, a[i], 0);
	for (unsigned int i = 0; i < k; i++)
		pb_free_pages(&pool, b[i], 0);
	again = fill(a, MOVABLE);
	printf("first %u pages, again %u\n", n, again);
	return again != n;
}
