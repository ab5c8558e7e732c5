/* SPDX-License-Identifier: MIT */
/*
 * The row `harness`: the same loops around an allocator that does nothing. What
 * it shows is in everyone's figures and is never subtracted.
 */
#include "verify.h"

static char harness_page[64];

static inline void harness_free(void *p, unsigned int order)
{
	(void)order;
	__asm__ volatile("" : : "r"(p));
}

#define BK_CTX void
#define BK_ALLOC(c, order) ((void)(order), (void *)harness_page)
#define BK_FREE(c, p, order) harness_free(p, order)
#define BK_DRAIN(c) ((void)(c))
#define BK_VERIFY_TAKE(c, p, order) ((void)(order))
#define BK_VERIFY_GIVE(c, p, order) ((void)(order))
#include "backend_end.h"

static int harness_setup(const struct bench_setup *setup, void **ctx)
{
	(void)setup;
	*ctx = harness_page;
	return 0;
}

static int harness_check(void *ctx)
{
	(void)ctx;
	return 0;
}

static const char *const harness_variants[] = { "harness", NULL };

const struct bench_backend bench_backend = {
	.variants = harness_variants,
	.ops = &plain_ops,
	.verified = &verified_ops,
	.setup = harness_setup,
	.check = harness_check,
	.metadata = NULL,
};
