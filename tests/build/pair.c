/* SPDX-License-Identifier: MIT */
/*
 * Takes one page and gives it back, as often as the first argument says, while as many others
 * are held as the second says. tests/build/pair counts its instructions.
 */
#include "pagebuddy.h"

#include <stdio.h>
#include <stdlib.h>

static const struct pb_region memory = { .start_pfn = 0x80000,
					 .end_pfn = 0x88000,
					 .zone = PB_ZONE_NORMAL };
static struct pb_pool pool;

static int failed(const char *what)
{
	fprintf(stderr, "pair: %s failed\n", what);
	return 1;
}

int main(int argc, char **argv)
{
	long pairs = argc > 1 ? atol(argv[1]) : 0, held = argc > 2 ? atol(argv[2]) : 0;
	struct pb_config config;
	size_t bytes;

	pb_config_init(&config);
	config.regions = &memory;
	config.nr_regions = 1;
	config.nr_cpus = 1;
	if (pb_pool_size(&config, &bytes, NULL) ||
	    pb_pool_init(&pool, &config, aligned_alloc(64, (bytes + 63) / 64 * 64), bytes, false,
			 NULL, NULL))
		return failed("pb_pool_init");
	while (held-- > 0)
		if (!pb_alloc_pages(&pool, PB_GFP_KERNEL, 0))
			return failed("pb_alloc_pages of what is held");
	while (pairs-- > 0) {
		struct pb_page *page = pb_alloc_pages(&pool, PB_GFP_KERNEL, 0);

		if (!page || pb_free_pages(&pool, page, 0))
			return failed("a pair");
	}
	return 0;
}
