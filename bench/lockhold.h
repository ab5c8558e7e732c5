/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOCKHOLD_H
#define BENCH_LOCKHOLD_H

#include "backend.h"

/* Only in worker-lockhold; NULL addresses in the others. In cycles, W_BUCKETS long. */
const u64 *lockhold_histogram(u64 *max) __attribute__((weak));
void lockhold_reset(void) __attribute__((weak));

#endif
