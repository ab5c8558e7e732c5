// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A zone of exactly so many pages: some are taken out of its count, as a balloon takes
 * them. How many a kernel has at boot depends on its own size; a limit that is computed
 * from that number can be met to the page.
 */
#include <linux/mm.h>

#include "compat.h"
#include "pbdiff.h"

static struct page *out; /* a chain through their private words */

/* The pages come from the node's highest zone that has any. */
int pbdiff_set_managed(int node, unsigned long pages)
{
	struct page *page;

	for (;;) {
		page = alloc_pages_node(node, __GFP_THISNODE | __GFP_NOWARN, 0);
		if (!page)
			return -ENOMEM;
		if (zone_managed_pages(page_zone(page)) <= pages)
			break;
		adjust_managed_page_count(page, -1);
		set_page_private(page, (unsigned long)out);
		out = page;
	}
	__free_pages(page, 0);
	return zone_managed_pages(page_zone(page)) == pages ? 0 : -ERANGE;
}

void pbdiff_restore_managed(void)
{
	struct page *page;

	while (out) {
		page = out;
		out = (struct page *)page_private(page);
		set_page_private(page, 0);
		adjust_managed_page_count(page, 1);
		__free_pages(page, 0);
	}
}
