/* SPDX-License-Identifier: MIT */
/*
 * Random operations against the model. One round is one pool; a round that fails
 * is cut down to a minimal sequence, printed as source for cases.c.
 *
 *	PB_SEED=n           where to begin (printed when not given)
 *	PB_MODEL_ROUNDS=n   rounds
 *	PB_MODEL_OPS=n      operations a round
 *	PB_MODEL_SHRINK=0   a round that fails is not cut down
 */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/pool.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(MODEL_ON_LINUX_USER)
#define ROUNDS 24
#else
#define ROUNDS 120
#endif
#define OPS 1500

static void report(const struct model_config *config, struct op *ops, size_t n)
{
	if (!tp_env("PB_MODEL_SHRINK", 1))
		return;
	printf("cutting %zu operations down ...\n", n);
	n = model_shrink(config, ops, n);
	printf("%zu operations fail:\n", n);
	model_fails(config, ops, n, false);
	model_print("fails", config, ops, n);
}

static int run_cases(void)
{
	for (size_t i = 0; i < nr_model_cases; i++) {
		const struct model_case *c = &model_cases[i];

		if (!model_fails(&c->config, c->ops, c->n, false))
			continue;
		printf("case \"%s\" fails\n", c->name);
		return 1;
	}
	printf("%zu recorded cases pass\n", nr_model_cases);
	return 0;
}

int main(void)
{
	size_t n = tp_env("PB_MODEL_OPS", OPS);
	unsigned long rounds = tp_env("PB_MODEL_ROUNDS", ROUNDS);
	struct model_config config;
	struct op *ops;
	uint64_t seed;

	if (run_cases())
		return 1;
	ops = calloc(n, sizeof(*ops));
	seed = tp_seed();
	for (unsigned long round = 0; round < rounds; round++, seed++) {
		model_random_config(seed, &config);
		model_random_ops(seed, &config, ops, n);
		if (!model_fails(&config, ops, n, false))
			continue;
		printf("round %lu fails: PB_SEED=%" PRIu64 ", shape %u, profile %u, kernel %u, "
		       "%u CPUs, %u stripes, flags %#x%s\n",
		       round, seed, config.shape, config.profile, config.kernel, config.cpus,
		       config.stripes, config.flags, config.traced ? ", traced" : "");
		report(&config, ops, n);
		free(ops);
		return 1;
	}
	printf("%lu rounds of %zu operations pass\n", rounds, n);
	free(ops);
	return 0;
}
