/* SPDX-License-Identifier: MIT */
/* Random configurations and sequences; and a failing one cut down. */
#include "model.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/pool.h"

/* Relative frequency of each operation while memory fills, and while it empties. */
static const uint8_t weights[NR_OPS][2] = {
	[OP_ALLOC] = { 60, 15 }, [OP_ALLOC_ON] = { 20, 5 }, [OP_BULK] = { 6, 1 },
	[OP_EXACT] = { 4, 1 },   [OP_CONTIG] = { 2, 2 },    [OP_CLAIM] = { 6, 4 },
	[OP_FREE] = { 20, 70 },  [OP_FREE_BULK] = { 1, 4 }, [OP_FREE_EXACT] = { 1, 4 },
	[OP_SPLIT] = { 3, 3 },   [OP_GET] = { 5, 2 },       [OP_PUT] = { 4, 8 },
	[OP_MOVABLE] = { 3, 3 }, [OP_RESERVE] = { 1, 2 },   [OP_ONLINE] = { 3, 2 },
	[OP_OFFLINE] = { 1, 2 }, [OP_DRAIN] = { 2, 2 },     [OP_TICK] = { 2, 2 },
	[OP_SET_PCP] = { 1, 1 }, [OP_MARKS] = { 1, 1 },     [OP_MISUSE] = { 5, 5 },
	[OP_COMPACT] = { 1, 1 }, [OP_RECOVER] = { 1, 1 },   [OP_RELAY] = { 1, 3 },
	[OP_GROW] = { 4, 2 },    [OP_REMOVE] = { 2, 8 },
};

static const uint32_t bases[] = { PB_GFP_KERNEL,
				  PB_GFP_KERNEL,
				  PB_GFP_NOWAIT,
				  PB_GFP_ATOMIC,
				  PB_GFP_USER,
				  0,
				  PB_GFP_KERNEL | PB_GFP_NORETRY,
				  PB_GFP_HIGHUSER };
static const uint32_t mobility[] = { 0, PB_GFP_MOVABLE, PB_GFP_MOVABLE, PB_GFP_RECLAIMABLE };
static const uint32_t zones[] = { 0, 0, 0, 0, PB_GFP_DMA, PB_GFP_DMA32 };

static uint32_t random_gfp(struct tp_rng *rng)
{
	uint32_t gfp = bases[tp_below(rng, 8)] | mobility[tp_below(rng, 4)] | PB_GFP_NOWARN;

	if (!(gfp & PB_GFP_HIGHMEM))
		gfp |= zones[tp_below(rng, 6)];
	if (tp_below(rng, 8) == 0)
		gfp |= PB_GFP_THISNODE;
	return gfp;
}

uint32_t model_random_gfp(uint64_t seed)
{
	struct tp_rng rng = { seed };

	return random_gfp(&rng);
}

/* Small orders mostly, but every order sometimes, and one too large. */
static uint8_t random_order(struct tp_rng *rng)
{
	uint8_t order = 0;

	if (tp_below(rng, 16) == 0)
		return (uint8_t)tp_below(rng, 12);
	while (order < 10 && tp_below(rng, 3) == 0)
		order++;
	return order;
}

static uint8_t random_kind(struct tp_rng *rng, unsigned int phase)
{
	uint32_t sum = 0, at;

	for (int kind = 0; kind < NR_OPS; kind++)
		sum += weights[kind][phase];
	at = tp_below(rng, sum);
	for (uint8_t kind = 0;; kind++) {
		if (at < weights[kind][phase])
			return kind;
		at -= weights[kind][phase];
	}
}

void model_random_ops(uint64_t seed, const struct model_config *config, struct op *ops, size_t n)
{
	struct tp_rng rng = { seed };
	unsigned int phase = 0;

	for (size_t i = 0; i < n; i++) {
		if (tp_below(&rng, 150) == 0)
			phase = !phase;
		ops[i] = (struct op){
			.kind = random_kind(&rng, phase),
			.cpu = (uint8_t)tp_below(&rng, config->cpus + (tp_below(&rng, 50) == 0)),
			.order = random_order(&rng),
			.gfp = random_gfp(&rng),
			.a = (uint32_t)tp_random(&rng),
			.b = (uint32_t)tp_random(&rng),
		};
		if (ops[i].kind == OP_SET_PCP) {
			ops[i].a = tp_below(&rng, 3) ? 1 + tp_below(&rng, 60) : 0;
			ops[i].b = ops[i].a ? 1 + tp_below(&rng, 16) : 0;
		} else if (ops[i].kind == OP_MARKS) {
			ops[i].a = tp_below(&rng, 3) ? 0 : tp_below(&rng, 200);
		} else if (ops[i].kind == OP_GROW || ops[i].kind == OP_REMOVE) {
			ops[i].order = (uint8_t)tp_below(&rng, 4); /* bits that choose */
		}
	}
}

void model_random_config(uint64_t seed, struct model_config *config)
{
	static const uint32_t flags[] = { 0,
					  PB_POOL_NO_PCP,
					  PB_POOL_REFCOUNT,
					  PB_POOL_HARDENED,
					  PB_POOL_NO_MOBILITY,
					  PB_POOL_MOVABLE_EXPLICIT,
					  PB_POOL_NO_RSEQ,
					  PB_POOL_OWNERS,
					  PB_POOL_SHARED,
					  PB_POOL_PLAIN };
	const uint32_t n = sizeof(flags) / sizeof(flags[0]);
	struct tp_rng rng = { seed ^ 0xc0ffee };

	config->shape = (uint8_t)tp_below(&rng, MODEL_SHAPES);
	config->profile = (uint8_t)tp_below(&rng, 2);
	config->cpus = (uint8_t)(1 + tp_below(&rng, 3));
	config->stripes = (uint8_t)(config->profile == PB_PROFILE_LINUX ? 1
									: 1u << tp_below(&rng, 3));
	config->flags = flags[tp_below(&rng, n)] | flags[tp_below(&rng, n)];
	config->kernel = (uint8_t)(config->profile ? tp_below(&rng, PB_NR_LINUX) : 0);
	if (config->shape == MODEL_SHAPE_CMA) /* which is for movable blocks */
		config->flags &= ~(uint32_t)PB_POOL_NO_MOBILITY;
	config->traced = tp_below(&rng, 4) == 0;
	config->quarantine = 0;
	if (config->flags & PB_POOL_HARDENED && tp_below(&rng, 4))
		config->quarantine = (uint16_t)(1u << tp_below(&rng, 7));
}

void model_print(const char *name, const struct model_config *config, const struct op *ops,
		 size_t n)
{
	printf("static const struct op %s[] = {\n", name);
	for (size_t i = 0; i < n; i++)
		printf("\t{ %u, %u, %u, 0x%x, %u, %u },\n", ops[i].kind, ops[i].cpu, ops[i].order,
		       ops[i].gfp, ops[i].a, ops[i].b);
	printf("};\n\t{ \"%s\", { %u, %u, %u, %u, 0x%x, %u, %u, %d }, %s, %zu },\n", name,
	       config->shape, config->profile, config->cpus, config->stripes, config->flags,
	       config->kernel, config->quarantine, config->traced, name, n);
	fflush(stdout);
}

bool model_fails(const struct model_config *config, const struct op *ops, size_t n, bool quiet)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	tp_require(child >= 0, "fork");
	if (!child) {
		int null = open("/dev/null", O_WRONLY);

		if (quiet && null >= 0)
			dup2(null, STDERR_FILENO);
		/* A call that spins or sleeps for ever is a failure. */
		setitimer(ITIMER_PROF, &(struct itimerval){ .it_value = { .tv_sec = 60 } }, NULL);
		alarm(1000);
		model_run(config, ops, n);
		tp_exit(0);
	}
	tp_require(waitpid(child, &status, 0) == child, "waitpid");
	return status != 0;
}

/* Leave out ever smaller pieces as long as the rest still fails. */
size_t model_shrink(const struct model_config *config, struct op *ops, size_t n)
{
	struct op *trial = malloc(n * sizeof(*trial));

	for (size_t piece = (n + 1) / 2; piece; piece = piece > 1 ? (piece + 1) / 2 : 0)
		for (size_t at = 0; at < n;) {
			size_t cut = piece < n - at ? piece : n - at;

			memcpy(trial, ops, at * sizeof(*ops));
			memcpy(trial + at, ops + at + cut, (n - at - cut) * sizeof(*ops));
			if (model_fails(config, trial, n - cut, true)) {
				n -= cut;
				memcpy(ops, trial, n * sizeof(*ops));
			} else {
				at += cut;
			}
		}
	free(trial);
	return n;
}
