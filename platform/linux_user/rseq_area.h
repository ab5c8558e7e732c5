/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel keeps this thread's rseq area: at a fixed offset from the
 * thread pointer when glibc (2.35 or later) registered it, else in a
 * thread-local variable of ours that each thread registers on its first slow path.
 */
#ifndef PB_LINUX_USER_RSEQ_AREA_H
#define PB_LINUX_USER_RSEQ_AREA_H

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) && \
	__has_include(<sys/rseq.h>) && !defined(__SANITIZE_THREAD__) &&                            \
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ /* a list's top is its head's lower half */
#include <stdbool.h>
#include <stddef.h>
#include <sys/rseq.h>

#define PB_RSEQ_AREA

static inline struct rseq *pb_rseq_area_at(ptrdiff_t offset)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + offset);
}

/* Of threads that glibc did not register. */
extern _Thread_local struct rseq pb_own_rseq;

/* Is the area in use, that is: does the kernel keep it up to date? False under
   Valgrind and on kernels before 4.18. */
static inline bool pb_rseq_live(const struct rseq *rseq)
{
	return (int)__atomic_load_n(&rseq->cpu_id, __ATOMIC_RELAXED) >= 0;
}

static inline struct rseq *pb_rseq_area(void)
{
	return __rseq_size ? pb_rseq_area_at(__rseq_offset) : &pb_own_rseq;
}
#endif

#endif
