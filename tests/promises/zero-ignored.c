/* SPDX-License-Identifier: MIT */
/* PB_GFP_ZERO with pb_alloc_contig() and pb_alloc_at(). pagebuddy.h: the pool does not touch
 * memory "except for __GFP_ZERO through the address hook"; pb_alloc_pages and
 * pb_alloc_exact do zero. Expected: 0 bytes not zero. It was: the old content (an
 * information leak in a kernel). Later Linux: __GFP_ZERO is one of the flags alloc_contig honours. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
#include <string.h>
static size_t dirty(const unsigned char *p, size_t n)
{
	size_t d = 0;

	for (size_t i = 0; i < n; i++)
		d += p[i] != 0;
	return d;
}
int main(void)
{
	struct pb_region ram = { 0, 1024, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	struct pb_pool pool;
	struct pb_page *page;
	size_t bad, all = 0;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 4 << 20, NULL, NULL);
	memset(config.linear, 0x5a, 4 << 20); /* a previous owner's data */
	page = pb_alloc_exact(&pool, PB_GFP_KERNEL | PB_GFP_ZERO, 3);
	all += bad = dirty(pb_page_address(&pool, page), 3 << 12);
	printf("alloc_exact  %zu bytes not zero\n", bad);
	page = pb_alloc_contig(&pool, 3, 1, 0, 1024, 0, PB_GFP_KERNEL | PB_GFP_ZERO);
	all += bad = dirty(pb_page_address(&pool, page), 3 << 12);
	printf("alloc_contig %zu bytes not zero\n", bad);
	pb_alloc_at(&pool, 512, 3, PB_GFP_KERNEL | PB_GFP_ZERO);
	all += bad = dirty(pb_page_address(&pool, pb_pfn_to_page(&pool, 512)), 8 << 12);
	printf("claim        %zu bytes not zero\n", bad);
	return all != 0;
}
