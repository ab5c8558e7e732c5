// SPDX-License-Identifier: MIT
/* Recorded frees, and those of them that the kernel's reclaim did inside an allocation. */
#include <inttypes.h>

#include "diff.h"

void diff_free(struct pb_pool *pool, const struct diff_phase *phase, size_t i,
	       struct diff_result *result)
{
	const struct diff_op *op = &phase->ops[i];
	struct pb_page *page = pb_pfn_to_page(pool, op->pfn);
	int err = page ? pb_page_order(pool, page) : PB_ENODEV;

	if (err == op->order)
		err = pb_free_pages(pool, page, op->order);
	if (err)
		diff_found(result, "operation %zu: free pfn 0x%" PRIx64 " order %u: refused", i,
			   op->pfn, op->order);
}

/* What the kernel's reclaim freed inside the allocation that is being replayed. One thread
   replays one log after the other. */
static struct {
	const struct diff_phase *phase;
	struct diff_result *result;
	size_t next, end; /* operations */
} reclaim;

unsigned long diff_reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	unsigned long pages = 0;

	(void)ctx;
	(void)order;
	(void)gfp;
	for (; reclaim.next < reclaim.end; reclaim.next++) {
		diff_free(pool, reclaim.phase, reclaim.next, reclaim.result);
		pages += 1ul << reclaim.phase->ops[reclaim.next].order;
	}
	return pages;
}

/* Operation i is the first of those that a reclaim freed; returns the allocation's. */
size_t diff_begin_reclaim(const struct diff_phase *phase, size_t i, struct diff_result *result)
{
	reclaim.phase = phase;
	reclaim.result = result;
	reclaim.next = i;
	while (i < phase->nr_ops && phase->ops[i].reclaimed)
		i++;
	reclaim.end = i;
	result->reclaims++;
	result->operations += i - reclaim.next;
	return i;
}

void diff_end_reclaim(size_t i, struct diff_result *result)
{
	if (reclaim.next < reclaim.end)
		diff_found(result, "operation %zu: Linux has reclaimed, the library has not", i);
	reclaim.next = reclaim.end;
}
