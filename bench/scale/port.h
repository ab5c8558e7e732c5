/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCALE_PORT_H
#define BENCH_SCALE_PORT_H

/* How often a CPU had to wait for a lock so far. */
extern unsigned long sim_lock_waits;

#endif
