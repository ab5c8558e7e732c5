/* SPDX-License-Identifier: MIT */
/*
 * Makes a backend's two instances of the workloads. The includer defines, for
 * its allocator,
 *	BK_CTX			type of the context, W_LOCAL's `c` is one
 *	BK_ALLOC(c, order)	a direct call
 *	BK_FREE(c, p, order)	a direct call
 *	BK_DRAIN(c)
 *	BK_VERIFY_TAKE(c, p, order), BK_VERIFY_GIVE(c, p, order)
 */
#define W_LOCAL(t) BK_CTX *c __attribute__((unused)) = (t)->ctx
#define W_DRAIN(t) BK_DRAIN(c)

#define W_FN(name) plain_##name
#define W_ALLOC(t, order) BK_ALLOC(c, order)
#define W_FREE(t, p, order) BK_FREE(c, p, order)
#include "workloads.h"
#undef W_FN
#undef W_ALLOC
#undef W_FREE

static void *verified_alloc(BK_CTX *c __attribute__((unused)), unsigned int order)
{
	void *p = BK_ALLOC(c, order);

	if (p)
		BK_VERIFY_TAKE(c, p, order);
	return p;
}

static void verified_free(BK_CTX *c __attribute__((unused)), void *p, unsigned int order)
{
	BK_VERIFY_GIVE(c, p, order);
	BK_FREE(c, p, order);
}

#define W_FN(name) verified_##name
#define W_ALLOC(t, order) verified_alloc(c, order)
#define W_FREE(t, p, order) verified_free(c, p, order)
#include "workloads.h"

#define BK_OPS(prefix)                                                                        \
	{                                                                                     \
		prefix##_repeat, prefix##_bulk, prefix##_rand, prefix##_mixed, prefix##_exch, \
			prefix##_exch_end, prefix##_cross, prefix##_churn, prefix##_wave,     \
			prefix##_longest                                                      \
	}

static const struct bench_ops plain_ops = BK_OPS(plain);
static const struct bench_ops verified_ops = BK_OPS(verified);
