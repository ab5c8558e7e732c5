/* SPDX-License-Identifier: MIT */
/* A user's min_free_kbytes stays as set, by configuration or at run time, through reserve,
 * online and offline, smaller than the formula's or larger. It was raised to the formula's. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>

static uint64_t min_pages(struct pb_pool *pool)
{
	struct pb_zone_stat stat;

	pb_zone_stats(pool, 0, &stat);
	return stat.watermark[PB_WMARK_MIN];
}

int main(void)
{
	static const int kbytes[] = { 0, 40, 4000 };
	int bad = 0;

	for (int i = 0; i < 6; i++) {
		struct pb_region ram = { 0, 16384, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
		uint64_t want = (uint64_t)kbytes[i % 3] / 4;
		struct pb_config config;
		struct pb_pool pool;

		pb_config_init(&config);
		config.regions = &ram, config.nr_regions = 1;
		config.profile = i & 1 ? PB_PROFILE_LINUX : PB_PROFILE_MODERN;
		if (i < 3)
			config.min_free_kbytes = kbytes[i];
		pb_user_pool_create(&pool, &config, 0, NULL, NULL);
		if (i >= 3)
			pb_set_min_free_kbytes(&pool, kbytes[i % 3]);
		bad += min_pages(&pool) != want;
		bad += pb_reserve(&pool, 1024, 2048) != PB_OK || min_pages(&pool) != want;
		bad += pb_online(&pool, 1024, 2048) != PB_OK || min_pages(&pool) != want;
		bad += pb_offline(&pool, 2048, 4096) != PB_OK || min_pages(&pool) != want;
		printf("%d kB: min is %d pages, %d wrong so far\n", kbytes[i % 3],
		       (int)min_pages(&pool), bad);
		pb_user_pool_destroy(&pool);
	}
	return bad;
}
