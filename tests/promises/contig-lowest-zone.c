/* SPDX-License-Identifier: MIT */
/* pb_alloc_contig(GFP_KERNEL) goes through zones from the lowest up, so it eats the
 * scarce DMA zone first, ignoring lowmem_reserve and watermarks; and through nodes from
 * 0 up, ignoring __GFP_THISNODE and the CPU's node. Expected (Linux's
 * alloc_contig_pages(): zonelist order of a nid): zone Normal of this CPU's node 1, as
 * pb_alloc_pages() does. It was: DMA of node 0, until it has no page left. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
int main(void)
{
	struct pb_region ram[] = {
		{ 0, 4096, 0, PB_ZONE_DMA, PB_REGION_USABLE },
		{ 4096, 65536, 0, PB_ZONE_NORMAL, PB_REGION_USABLE },
		{ 65536, 131072, 1, PB_ZONE_NORMAL, PB_REGION_USABLE },
	};
	const uint8_t cpu_node[1] = { 1 };
	struct pb_config config;
	struct pb_pool pool;
	struct pb_page *a, *b;
	unsigned int n = 0;

	pb_config_init(&config);
	config.regions = ram, config.nr_regions = 3, config.cpu_node = cpu_node;
	pb_user_pool_create(&pool, &config, 0, NULL, NULL);
	a = pb_alloc_pages(&pool, PB_GFP_KERNEL | PB_GFP_THISNODE, 2);
	b = pb_alloc_contig(&pool, 4, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL | PB_GFP_THISNODE);
	printf("alloc_pages:  node %d, %s\nalloc_contig: node %d, %s\n", pb_page_node(&pool, a),
	       pb_zone_name(pb_page_zone(&pool, a)), pb_page_node(&pool, b),
	       pb_zone_name(pb_page_zone(&pool, b)));
	while (n < 1022 && pb_alloc_contig(&pool, 4, 1, 0, UINT64_MAX, 0, PB_GFP_KERNEL))
		n++;
	a = pb_alloc_pages(&pool, PB_GFP_KERNEL | PB_GFP_DMA | PB_GFP_NOWARN, 3);
	printf("after 4092 pages of GFP_KERNEL contig, %u in other zones: a DMA request: %s\n",
	       131072 - 4096, a ? "served" : "FAILS");
	return pb_page_node(&pool, b) != 1 || !a;
}
