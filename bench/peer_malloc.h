/* SPDX-License-Identifier: MIT */
/*
 * What the peers from Debian's packages have in common. The includer defines
 * PEER_NAME, PEER_ALLOC(bytes) (page-aligned) and PEER_FREE(p, bytes).
 *
 * A request of order o is 4096 << o bytes aligned to 4096: less than a buddy
 * allocator promises (its blocks are aligned to their size), so the comparison
 * favours the peers. The workloads never touch the memory; an allocator that
 * keeps its own links in it does so at its own cost.
 */
#include "verify.h"

struct peer {
	char unused;
};

#define PEER_PAGE 4096ull
#define BK_CTX struct peer
#define BK_ALLOC(c, order) PEER_ALLOC(PEER_PAGE << (order))
#define BK_FREE(c, p, order) PEER_FREE(p, PEER_PAGE << (order))
#define BK_DRAIN(c) ((void)(c))
#define BK_VERIFY_TAKE(c, p, order) verify_take(p, PEER_PAGE, peer_page(p), order, true)
#define BK_VERIFY_GIVE(c, p, order) verify_give(p, PEER_PAGE, peer_page(p), order)

static inline u64 peer_page(void *p)
{
	if ((u64)p % PEER_PAGE)
		verify_failed("is not aligned to a page", (u64)p, 0);
	return (u64)p / PEER_PAGE;
}

#include "backend_end.h"

static struct peer peer;

static int peer_setup(const struct bench_setup *setup, void **ctx)
{
	(void)setup;
	*ctx = &peer;
	return 0;
}

/* A general allocator has no count of pages to compare with. */
static int peer_check(void *ctx)
{
	(void)ctx;
	return 0;
}

static const char *const peer_variants[] = { PEER_NAME, NULL };

const struct bench_backend bench_backend = {
	.variants = peer_variants,
	.ops = &plain_ops,
	.verified = &verified_ops,
	.setup = peer_setup,
	.check = peer_check,
	.metadata = NULL,
};
