/* SPDX-License-Identifier: MIT */
/*
 * The model: what a pool must look like after a sequence of operations, kept as
 * plain as can be - one struct per frame, no lists, no trees. Each operation is
 * carried out on the pool and on the model; then the pool is checked in full
 * and compared with the model frame by frame.
 *
 * Operations carry raw numbers; what they refer to ("the a-th block that has an
 * owner") is decided when they run. So any part of a sequence is a valid
 * sequence, and a failing one can be cut down.
 */
#ifndef PB_TESTS_MODEL_H
#define PB_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op_kind {
	OP_ALLOC,      /* order, gfp */
	OP_ALLOC_ON,   /* order, gfp, a: node, b: nodemask */
	OP_BULK,       /* order, gfp, a: how many */
	OP_EXACT,      /* gfp, a: pages */
	OP_CONTIG,     /* gfp, order: log2 align, a: pages, b: low and boundary */
	OP_CLAIM,      /* order, gfp, a: pfn */
	OP_FREE,       /* a: which block */
	OP_FREE_BULK,  /* a: first block, b: how many */
	OP_FREE_EXACT, /* a: first page, b: how many */
	OP_SPLIT,      /* a: which block */
	OP_GET,        /* a: which block */
	OP_PUT,        /* a: which block */
	OP_MOVABLE,    /* a: which block, b: bool */
	OP_RESERVE,    /* a: pfn, b: frames */
	OP_ONLINE,     /* a: pfn, b: frames */
	OP_OFFLINE,    /* a: pageblock, b: pageblocks */
	OP_DRAIN,      /* a: CPU, or all */
	OP_TICK,
	OP_SET_PCP, /* a: high, b: batch */
	OP_MARKS,   /* a: min_free_kbytes */
	OP_MISUSE,  /* a: pfn, order */
	OP_COMPACT, /* order */
	OP_RECOVER, /* attach again, rebuilding trees and lists */
	OP_RELAY,   /* gfp, a: blocks at once: one CPU frees what another allocates */
	OP_GROW,    /* a: span, b: spans, order: are the pieces known to be zero? */
	OP_REMOVE,  /* a: span, b: spans, order: offline before, if nobody uses them? */
	NR_OPS
};

struct op {
	uint8_t kind, cpu, order;
	uint32_t gfp, a, b;
};

struct model_config {
	uint8_t shape, profile, cpus, stripes;
	uint32_t flags;
	uint8_t kernel;      /* enum pb_kernel, of the linux profile */
	uint16_t quarantine; /* blocks; with PB_POOL_HARDENED */
	bool traced;         /* each step is reported: other paths where batches merge */
};

#define MODEL_SHAPE_CMA 6
#define MODEL_SHAPE_GROWS 8
#define MODEL_SHAPES 9

/* Runs the sequence; ends the process with status 1 at the first difference. */
void model_run(const struct model_config *config, const struct op *ops, size_t n);

uint32_t model_random_gfp(uint64_t seed);
void model_random_config(uint64_t seed, struct model_config *config);
void model_random_ops(uint64_t seed, const struct model_config *config, struct op *ops, size_t n);

/* As C source, for cases.c. */
void model_print(const char *name, const struct model_config *config, const struct op *ops,
		 size_t n);
/* Does the sequence fail? In a child process; `quiet`: without its output. */
bool model_fails(const struct model_config *config, const struct op *ops, size_t n, bool quiet);
/* Cut the sequence down to one from which nothing can be left out; new length. */
size_t model_shrink(const struct model_config *config, struct op *ops, size_t n);

struct model_case {
	const char *name;
	struct model_config config;
	const struct op *ops;
	size_t n;
};
extern const struct model_case model_cases[];
extern const size_t nr_model_cases;

#endif
