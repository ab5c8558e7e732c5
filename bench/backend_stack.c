/* SPDX-License-Identifier: MIT */
/*
 * An allocator simple enough to be right, for testing the harness: a stack of
 * blocks per order behind one mutex; each order has pages of its own. Its other
 * variants are wrong in one way each, and the harness must notice:
 *	stack-twice	hands out a block that has an owner, once
 *	stack-lost	forgets a block, once
 *	stack-fails	fails one allocation
 */
#include <pthread.h>
#include <stdlib.h>

#include "verify.h"

#define ORDERS 10
#define FAULT_AT 1000 /* the operation that goes wrong */

struct stack {
	pthread_mutex_t lock;
	u64 pages; /* of each order */
	u64 count[ORDERS];
	void **free[ORDERS]; /* [pages >> order] */
	u64 *stamp;          /* [ORDERS * pages]; the address of a page's stamp is its handle */
	u64 calls;
	void *last;
	unsigned int last_order;
	bool twice, lost, fails;
};

static void *stack_alloc(struct stack *s, unsigned int order)
{
	void *p = NULL;

	pthread_mutex_lock(&s->lock);
	s->calls++;
	if (s->fails && s->calls == FAULT_AT)
		goto out;
	if (s->twice && s->calls >= FAULT_AT && s->last && s->last_order == order) {
		p = s->last;
		s->twice = false;
		goto out;
	}
	if (s->count[order])
		p = s->free[order][--s->count[order]];
	s->last = p;
	s->last_order = order;
out:
	pthread_mutex_unlock(&s->lock);
	return p;
}

static void stack_free(struct stack *s, void *p, unsigned int order)
{
	pthread_mutex_lock(&s->lock);
	if (s->last == p)
		s->last = NULL;
	if (s->lost && s->calls >= FAULT_AT)
		s->lost = false;
	else
		s->free[order][s->count[order]++] = p;
	pthread_mutex_unlock(&s->lock);
}

#define BK_CTX struct stack
#define BK_ALLOC(c, order) stack_alloc(c, order)
#define BK_FREE(c, p, order) stack_free(c, p, order)
#define BK_DRAIN(c) ((void)(c))
#define BK_VERIFY_TAKE(c, p, order) verify_take(p, 8, (u64 *)(p) - (c)->stamp, order, false)
#define BK_VERIFY_GIVE(c, p, order) verify_give(p, 8, (u64 *)(p) - (c)->stamp, order)
#include "backend_end.h"

static int stack_setup(const struct bench_setup *setup, void **ctx)
{
	static struct stack s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	u64 i;
	unsigned int order;

	s.pages = setup->pages;
	s.twice = !strcmp(setup->variant, "stack-twice");
	s.lost = !strcmp(setup->variant, "stack-lost");
	s.fails = !strcmp(setup->variant, "stack-fails");
	s.stamp = calloc(ORDERS * s.pages, sizeof(*s.stamp));
	for (order = 0; order < ORDERS; order++) {
		s.free[order] = calloc((s.pages >> order) + 1, sizeof(void *));
		if (!s.stamp || !s.free[order]) {
			fprintf(stderr, "stack: no memory\n");
			return -1;
		}
		for (i = 0; i < s.pages >> order; i++)
			s.free[order][s.count[order]++] = &s.stamp[order * s.pages + (i << order)];
	}
	*ctx = &s;
	return 0;
}

static int stack_check(void *ctx)
{
	struct stack *s = ctx;
	unsigned int order;

	for (order = 0; order < ORDERS; order++) {
		if (s->count[order] == s->pages >> order)
			continue;
		fprintf(stderr, "blocks lost: %llu of %llu of order %u\n",
			(unsigned long long)s->count[order],
			(unsigned long long)(s->pages >> order), order);
		return -1;
	}
	return 0;
}

static const char *const stack_variants[] = {
	"stack", "stack-twice", "stack-lost", "stack-fails", NULL,
};

static bool stack_finite(void *ctx)
{
	(void)ctx;
	return true;
}

const struct bench_backend bench_backend = {
	.variants = stack_variants,
	.ops = &plain_ops,
	.verified = &verified_ops,
	.finite = stack_finite,
	.setup = stack_setup,
	.check = stack_check,
	.metadata = NULL,
};
