/* SPDX-License-Identifier: MIT */
/*
 * The plug: how to put another allocator into the benchmark's tables. Write a
 * shared library that defines the five functions below and name it:
 *
 *	cc -O2 -shared -fPIC -I bench -o mine.so adapter.c
 *	make bench BENCH_ARGS="--plug $PWD/mine.so"
 *
 * Its row is called like the file (`mine`). Each cell of the table is a process
 * of its own, which calls plug_open() once. tests/bench/plug_lists.c is an adapter
 * of some seventy lines.
 */
#ifndef BENCH_PLUG_H
#define BENCH_PLUG_H

#include <stdint.h>

/* Seen from outside, however the library is compiled. */
#pragma GCC visibility push(default)

/*
 * Set up an allocator of `pages` pages of 4 KiB (a power of two or not) for threads on
 * CPUs 0 to cpus - 1. Returns its context, which the other functions are given, or NULL
 * after a line on standard error. An allocator without a limit may ignore `pages`.
 */
void *plug_open(uint64_t pages, unsigned int cpus);

/*
 * A block of 2^order pages, or NULL when there is none. It is a pointer that is a
 * multiple of 4096 and below 2^47: the address of memory, or any number that stands for
 * the block's first page, with the numbers of two pages of a block 4096 apart. The
 * benchmark never touches what it points to. Called by several threads at once.
 */
void *plug_alloc(void *ctx, unsigned int order);

/* Give a block back, from any thread. Not 0: refused, which counts as a failure. */
int plug_free(void *ctx, void *block, unsigned int order);

/* Give back what caches in front of the allocator hold. Called while no other call runs. */
void plug_drain(void *ctx);

/*
 * The pages that are free now; UINT64_MAX: it can't say. Called when the benchmark has
 * given everything back; a finite allocator that says less than `pages` has lost some.
 */
uint64_t plug_free_pages(void *ctx);

#pragma GCC visibility pop

#endif
