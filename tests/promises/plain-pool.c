/* SPDX-License-Identifier: MIT */
/* Pools of things that are all to be had: 256 huge pages, 8 GiB of video memory in blocks
 * up to 2 GiB. pagebuddy.h: with PB_POOL_PLAIN nothing is held back, and a request that
 * fails prints nothing. And the defaults: of a small kernel's 64 frames an ordinary
 * request gets 60 at least. They withheld 1 of 256, 31 MiB, and 32 of 64. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>

static unsigned int lines;

static void count_lines(void *ctx, const char *line)
{
	(void)ctx, (void)line;
	lines++;
}

static unsigned long fill(struct pb_config *config, uint64_t pages, unsigned int order)
{
	struct pb_region ram = { 0, pages, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .log = count_lines };
	struct pb_pool pool;
	unsigned long n = 0;

	config->regions = &ram, config->nr_regions = 1;
	if (pb_user_pool_create(&pool, config, 0, &hooks, NULL))
		return 0;
	while (pb_alloc_pages(&pool, PB_GFP_KERNEL, order))
		n++;
	pb_user_pool_destroy(&pool);
	return n;
}

int main(void)
{
	struct pb_config config;
	unsigned long huge, video, small;

	pb_config_init(&config);
	config.flags = PB_POOL_PLAIN;
	config.page_shift = 21;
	huge = fill(&config, 256, 0);
	pb_config_init(&config);
	config.flags = PB_POOL_PLAIN;
	config.max_order = 19;
	video = fill(&config, 8u << 18, 19);
	pb_config_init(&config);
	config.watermark_boost_factor = 15000;
	printf("%lu of 256 huge pages, %lu of 4 blocks of 2 GiB, %u lines printed\n", huge, video,
	       lines);
	small = fill(&config, 64, 0);
	printf("%lu of 64 pages, %u line printed\n", small, lines);
	return huge != 256 || video != 4 || small < 60 || small > 64 || lines != 1;
}
