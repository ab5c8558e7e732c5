/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel keeps this thread's rseq area: at a fixed offset from the
 * thread pointer when glibc (2.35 or later) registered it, else in a
 * thread-local variable of ours that is registered on first use.
 */
#ifndef PB_LINUX_USER_RSEQ_AREA_H
#define PB_LINUX_USER_RSEQ_AREA_H

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) &&                         \
	__has_include(<sys/rseq.h>) && !defined(__SANITIZE_THREAD__)
#include <stdbool.h>
#include <stddef.h>
#include <sys/rseq.h>

#define PB_RSEQ_AREA

static inline struct rseq *pb_rseq_area_at(ptrdiff_t offset)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + offset);
}

static inline struct rseq *pb_rseq_area(void)
{
	return pb_rseq_area_at(__rseq_offset);
}

/* False under glibc.pthread.rseq=0, Valgrind, or an old kernel. */
static inline bool pb_rseq_registered(void)
{
	return __rseq_size != 0 && (int)pb_rseq_area()->cpu_id >= 0;
}
#endif

#endif
