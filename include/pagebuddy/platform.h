/* SPDX-License-Identifier: MIT */
/*
 * What a port supplies: everything the core needs from outside, beyond memcpy,
 * memmove, memset and memcmp. The names all start with pb_platform_; the test
 * of the linked core's undefined symbols goes by that.
 */
#ifndef PAGEBUDDY_PLATFORM_H
#define PAGEBUDDY_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pb_pool;
struct pb_misuse_report;

/*
 * Number of the CPU this code runs on. May be stale when it returns; may be
 * greater than the pool has CPUs for (a CPU that appeared later).
 * pre: none. Called on every allocation and free that doesn't go by rseq.
 */
uint32_t pb_platform_cpu(void);

/*
 * Enter and leave a section in which no other user of the same CPU's lists may
 * run: a kernel disables interrupts and returns the old state; a user process
 * has nothing to do (the lists' try-lock suffices) and returns 0.
 * pre: not nested.
 */
unsigned long pb_platform_critical_enter(void);
void pb_platform_critical_exit(unsigned long state);

/*
 * A lock in shared, zero-initialised memory; 0 means free. Holders never block, and call
 * nothing back but the trace hook; hold times are bounded. The word is the port's alone.
 * pre: lock is aligned to 4; the caller does not hold it.
 */
void pb_platform_lock(uint32_t *word);
void pb_platform_unlock(uint32_t *word);

/*
 * After the caller made a store, returns only when every restartable sequence
 * that was under way on `cpu` (PB_EVERY_CPU: on any) and did not see that store has been
 * restarted. Without restartable sequences: nothing to do.
 * pre: may sleep briefly. No zone's and no stripe's lock is held; calls that stop everything
 * hold the quarantine's, or sizes_lock.
 */
#define PB_EVERY_CPU UINT32_MAX
void pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu);

/*
 * May this pool's per-CPU lists be entered by restartable sequences on this
 * machine, in this process? Called once per handle. False: try-lock. True: *offset
 * comes back to the port in the handle's rseq_offset (core/base/pool.h).
 */
bool pb_platform_rseq_available(intptr_t *offset);

/*
 * Called in each round of a loop that waits for another CPU or task. Where the caller may
 * sleep, a port may run another task; with interrupts masked, or in a handler, it may only
 * pause: the port finds out which of the two it is. In the second case the loop waits for
 * another CPU that holds a lock with interrupts masked, for a bounded time.
 */
void pb_platform_relax(void);

/*
 * A word of the running task (thread, process: whatever may sleep), zero when it
 * begins; the core alone uses it, to know that the task is inside a hook. Where
 * there are several tasks, each needs its own: else a task that asks while another
 * one's hook sleeps gets NULL where it would have waited.
 */
uint32_t *pb_platform_task(void);

/* How many CPUs a pool is made for whose configuration doesn't say; at least 1, the same
   at each call. Called by pb_pool_size() and pb_pool_init(). */
uint32_t pb_platform_nr_cpus(void);

/*
 * For pools that several processes share (PB_POOL_SHARED); a port without processes
 * may leave these as the freestanding one has them.
 *
 * A number for whoever runs this code, 2 to 2^31 - 1, that no other thread of any
 * process has while it lives, nor soon after.
 */
uint32_t pb_platform_self(void);
/* Has whoever had this number ended? Asked where somebody waits, not on fast paths. */
bool pb_platform_gone(uint32_t self);
/* Returns when *word is no longer `value`, or after some milliseconds; and wakes all who
   wait for the word so. pre: the word is in the pool's memory. */
void pb_platform_wait(uint32_t *word, uint32_t value);
void pb_platform_wake(uint32_t *word);

/*
 * Machines without atomic instructions (Cortex-M0 and M0+, RISC-V without A) have one CPU;
 * there the core does each read-modify-write between these two. PB_NO_ATOMICS is set where the
 * compiler's target says so, or by -DPB_NO_ATOMICS=1; elsewhere they are never called.
 *
 * Mask interrupts and return the state before; go back to that state. May be nested, and
 * is called inside pb_platform_critical_enter() and under locks.
 */
#if !defined(PB_NO_ATOMICS) && \
	(defined(__ARM_ARCH_6M__) || (defined(__riscv) && !defined(__riscv_atomic)))
#define PB_NO_ATOMICS 1
#endif
unsigned long pb_platform_atomic_enter(void);
void pb_platform_atomic_exit(unsigned long state);

/* What the default misuse hook does: print and abort, or panic. */
void pb_platform_misuse(const struct pb_misuse_report *report);

/* A line that Linux would log, when no log hook is set. May do nothing. */
void pb_platform_log(const char *line);

#ifdef __cplusplus
}
#endif
#endif
