/* SPDX-License-Identifier: MIT */
/* pagebuddy.h: pb_alloc_contig() is "O(frames searched / 64)". Every call first walks,
 * frame by frame, all of [low, high) that is present in the zone, before it looks at the
 * first candidate. Expected: three pages of an empty pool take microseconds, whatever
 * its size. It was: milliseconds from 4 GiB on, seconds at 2 TiB, at every call (and the
 * page tables of the whole byte map become resident).
 * The fastest of three calls counts: a machine that is busy may take time from any. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
#include <time.h>
int main(void)
{
	double slowest = 0;

	for (uint64_t gib = 4; gib <= 2048; gib *= 8) {
		struct pb_region ram = { 0, gib << 18, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
		struct pb_config config;
		struct pb_pool pool;
		double us, fastest = 1e9;

		pb_config_init(&config);
		config.regions = &ram, config.nr_regions = 1;
		pb_user_pool_create(&pool, &config, 0, NULL, NULL);
		for (int call = 0; call < 3; call++) {
			clock_t start = clock();

			pb_alloc_contig(&pool, 3, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL);
			us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC;
			printf("%5d GiB, call %d: %10.0f us of CPU\n", (int)gib, call, us);
			fastest = us < fastest ? us : fastest;
		}
		slowest = fastest > slowest ? fastest : slowest;
		pb_user_pool_destroy(&pool);
	}
	return slowest > 1000;
}
