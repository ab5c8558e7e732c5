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
#include <stdint.h>
#include <sys/rseq.h>

#define PB_RSEQ_AREA

static inline struct rseq *pb_rseq_area_at(ptrdiff_t offset)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + offset);
}

/* Of threads that glibc did not register. The headers of older C libraries end before the
   concurrency id, which lies in the 32 bytes that every registered area has. */
#define PB_RSEQ_MM_CID 24
extern _Thread_local union pb_own_rseq {
	struct rseq area;
	uint32_t words[8];
} pb_own_rseq;

_Static_assert(sizeof(union pb_own_rseq) == 32, "what the kernel takes for an area");
/* Has the kernel registered this thread's area now? */
bool pb_platform_rseq_register(void);

/* Does this kernel write concurrency ids there? From Linux 6.3 on. */
bool pb_platform_cids_available(void);

static inline uint32_t pb_rseq_mm_cid(const struct rseq *rseq)
{
	const char *id = (const char *)rseq + PB_RSEQ_MM_CID;

	return __atomic_load_n((const uint32_t *)(const void *)id, __ATOMIC_RELAXED);
}

/* Is the area in use, that is: does the kernel keep it up to date? False under
   Valgrind and on kernels before 4.18. */
static inline bool pb_rseq_live(const struct rseq *rseq)
{
	return (int)__atomic_load_n(&rseq->cpu_id, __ATOMIC_RELAXED) >= 0;
}

static inline struct rseq *pb_rseq_area(void)
{
	return __rseq_size ? pb_rseq_area_at(__rseq_offset) : &pb_own_rseq.area;
}
#endif

#endif
