/* SPDX-License-Identifier: MIT */
/* A pool over 1 GiB of anonymous memory, with requests to four zones. */
#include <pagebuddy/pagebuddy.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define MIB(n) ((uint64_t)(n) << 8) /* in pages of 4 KiB */

static void *map(size_t bytes) /* reads as zero, backed when touched */
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int main(void)
{
	static const struct pb_region regions[] = {
		{ MIB(0), MIB(16), 0, PB_ZONE_DMA, PB_REGION_USABLE },
		{ MIB(16), MIB(512), 0, PB_ZONE_DMA32, PB_REGION_USABLE },
		{ MIB(512), MIB(896), 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
		{ MIB(896), MIB(1024), 0, PB_ZONE_MOVABLE, PB_REGION_USABLE },
	};
	static const pb_gfp_t zone_flags[] = { PB_GFP_DMA, PB_GFP_DMA32, 0,
					       PB_GFP_HIGHMEM | PB_GFP_MOVABLE };
	struct pb_page *pages[4];
	struct pb_pool pool = { 0 };
	struct pb_config config;
	struct pb_error error = { 0 };
	char text[1024];
	size_t bytes;

	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = 4;
	config.linear = map((size_t)1 << 30);
	if (!config.linear || pb_pool_size(&config, &bytes, &error) ||
	    pb_pool_init(&pool, &config, map(bytes), bytes, true, NULL, &error)) {
		fprintf(stderr, "no pool: %s\n", error.text);
		return 1;
	}
	for (int i = 0; i < 4; i++) {
		if (!(pages[i] = pb_alloc_pages(&pool, PB_GFP_KERNEL | zone_flags[i], 3)))
			return 1;
		memset(pb_page_address(&pool, pages[i]), i, 32 << 10);
		printf("32 KiB from zone %-8s pfn %6llu\n",
		       pb_zone_name(pb_page_zone(&pool, pages[i])),
		       (unsigned long long)pb_page_to_pfn(&pool, pages[i]));
	}
	for (int i = 0; i < 4; i++)
		pb_free_pages(&pool, pages[i], 3);
	pb_drain(&pool, -1);
	pb_buddyinfo(&pool, text, sizeof(text));
	printf("%s", text);
	return pb_validate(&pool, &error) || puts("all of it is free again") < 0;
}
