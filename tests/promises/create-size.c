/* SPDX-License-Identifier: MIT */
/* pb_user_pool_create() does not compare memory_bytes with the regions (nor linear_pfn
 * with where they begin). Expected: PB_EINVAL or PB_EREGION, as buddy_init() of
 * buddy_alloc or rte_malloc_heap_memory_add() of DPDK do. It was: PB_OK, and addresses
 * outside the mapping: GFP_ZERO wipes whatever lies there, or faults. Below: RAM at
 * 4 GiB, as on a PC, with linear_pfn forgotten (it defaults to 0). */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
int main(void)
{
	struct pb_region ram = { 1 << 20, (1 << 20) + 4096, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_error error = { 0 };
	struct pb_config config;
	struct pb_pool pool;
	struct pb_page *page;
	int code;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	code = pb_user_pool_create(&pool, &config, 16 << 20, NULL, &error);
	page = pb_alloc_pages(&pool, PB_GFP_KERNEL, 0);
	printf("create: %d %s; mapping %p to %p, page's address %p\n", code, error.text,
	       config.linear, (void *)((char *)config.linear + (16 << 20)),
	       pb_page_address(&pool, page));
	fflush(stdout);
	page = pb_alloc_pages(&pool, PB_GFP_KERNEL | PB_GFP_ZERO, 0); /* SIGSEGV */
	return page != NULL;
}
