/* SPDX-License-Identifier: MIT */
/* linux.h where no default pool can be made (no memory for it). Expected: its functions
 * return NULL or 0, and freeing nothing does nothing. It was: SIGSEGV. */
#include <pagebuddy/linux.h>
#include <stdio.h>
#include <sys/resource.h>

int main(void)
{
	const struct rlimit little = { 32 << 20, 32 << 20 };
	nodemask_t mask = 1;

	setrlimit(RLIMIT_AS, &little);
	if (pb_default_pool())
		return puts("there is a default pool: nothing to see") < 0;
	if (alloc_page(GFP_KERNEL) || alloc_pages(GFP_KERNEL | __GFP_ZERO, 3) ||
	    alloc_pages_node(0, GFP_KERNEL, 0) || alloc_pages_node(-7, GFP_KERNEL, 0) ||
	    __alloc_pages_nodemask(GFP_KERNEL, 0, NUMA_NO_NODE, &mask))
		return 1;
	if (__get_free_page(GFP_KERNEL) || get_zeroed_page(GFP_KERNEL) ||
	    alloc_pages_exact(10000, GFP_KERNEL))
		return 2;
	if (virt_to_page(&mask) || pfn_to_page(5) || page_address(NULL) || page_count(NULL) ||
	    get_order(8192) != 1)
		return 3;
	free_page(0);
	__free_page(NULL);
	split_page(NULL, 1);
	get_page(NULL);
	put_page(NULL);
	free_pages_exact(&mask, 4096);
	return 0;
}
