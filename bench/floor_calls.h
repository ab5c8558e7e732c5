/* SPDX-License-Identifier: MIT */
/*
 * Two functions with the signatures of an allocation and a free that do nothing, in
 * a shared library of their own: what being called costs, and nothing else.
 */
#ifndef BENCH_FLOOR_CALLS_H
#define BENCH_FLOOR_CALLS_H

void *floor_alloc(void *pool, unsigned int gfp, unsigned int order);
int floor_free(void *pool, void *page, unsigned int order);

#endif
