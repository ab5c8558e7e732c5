/* SPDX-License-Identifier: MIT */
/*
 * Pop and push on this CPU's stack as restartable sequences: no lock, no atomic
 * operation. Included into the core's pcp.h by PB_PLATFORM_PERCPU.
 *
 * One sequence: say where it starts and ends (rseq_cs), then check that we are
 * on the CPU whose area was computed and that its lock is free, read the head,
 * and commit with a single store of the new head. If the thread is preempted,
 * migrated, or gets a signal before that store, the kernel sends it to the abort
 * label, and the slow path serves it: rare enough not to keep registers for. A remote drain takes the lock and then fences the
 * CPU (membarrier), which also aborts a sequence that is under way.
 *
 * The four bytes before an abort label are the signature that the kernel asks
 * for, so that nothing else can be made an abort handler.
 */
#ifndef PB_LINUX_USER_RSEQ_PERCPU_H
#define PB_LINUX_USER_RSEQ_PERCPU_H

#include "rseq_area.h"

#ifdef PB_RSEQ_AREA
#define PCP_HAVE_RSEQ

/*
 * The kernel's rseq area of this thread. x86_64 keeps it as an offset in the
 * thread's segment, which only the assembly adds: compilers and sanitizers
 * disagree about what such an address is.
 */
#if defined(__x86_64__)
#define RSEQ_HERE(pool) ((struct rseq *)(uintptr_t)(pool)->rseq_offset)

static inline u32 rseq_cpu(const struct rseq *rseq)
{
	u32 cpu;

	__asm__ volatile("movl %%fs:%1, %0" : "=r"(cpu) : "m"(rseq->cpu_id_start));
	return cpu;
}
#else
#define RSEQ_HERE(pool) pb_rseq_area_at((pool)->rseq_offset)

static inline u32 rseq_cpu(const struct rseq *rseq)
{
	return load_relaxed(&rseq->cpu_id_start);
}
#endif

/* The area of the CPU that we seem to be on; another CPU's if the pool has none
   for ours, but then the tag tells. */
static inline struct pcp_area *rseq_area_of(const struct pb_pool *pool, const struct rseq *rseq)
{
	return pcp_area(pool, rseq_cpu(rseq) & pool->percpu_mask);
}

#if defined(__x86_64__)

#define RSEQ_BEGIN                                                                                 \
	".pushsection __rseq_cs, \"aw\"\n\t"                                                       \
	".balign 32\n"                                                                             \
	"3:\n\t"                                                                                   \
	".long 0, 0\n\t"                                                                           \
	".quad 1f, 2f - 1f, 4f\n\t"                                                                \
	".popsection\n\t"                                                                          \
	"leaq 3b(%%rip), %%rax\n\t"                                                                \
	"movq %%rax, %%fs:%[rseq_cs]\n"                                                            \
	"1:\n\t"                                                                                   \
	"movl %%fs:%[cpu_id], %%eax\n\t"                                                           \
	"cmpl %%eax, %[tag]\n\t"                                                                   \
	"jne %l[miss]\n\t"                                                                         \
	"movq %[head], %%rax\n\t"                                                                  \
	"movzwl %%ax, %%ecx\n\t"

#define RSEQ_END                                                                                   \
	"movq %%rax, %[head]\n"                                                                    \
	"2:\n\t"                                                                                   \
	".pushsection __rseq_failure, \"ax\"\n\t"                                                  \
	".byte 0x0f, 0xb9, 0x3d\n\t"                                                               \
	".long 0x53053053\n"                                                                       \
	"4:\n\t"                                                                                   \
	"jmp %l[miss]\n\t"                                                                        \
	".popsection\n\t"

#define RSEQ_IN(rseq, area, list)                                                                  \
	[rseq_cs] "m"((rseq)->rseq_cs), [cpu_id] "m"((rseq)->cpu_id),                             \
		[tag] "m"((area)->tag), [area] "r"(area), [head] "m"((list)->head),                \
		[base] "m"((list)->base), [limit] "m"((list)->limit)

/* ecx: the slot that is next to push into */
#define RSEQ_POP                                                                                   \
	"cmpw %[base], %%cx\n\t"                                                                   \
	"je %l[miss]\n\t"                                                                          \
	"movl -4(%[area], %%rcx, 4), %k[frame]\n\t"                                                 \
	"addq $0xffff, %%rax\n\t"

#define RSEQ_PUSH                                                                                  \
	"cmpw %[limit], %%cx\n\t"                                                                  \
	"jae %l[miss]\n\t"                                                                         \
	"movl %k[frame], (%[area], %%rcx, 4)\n\t"                                                   \
	"incq %%rax\n\t"

#define RSEQ_CLOBBER "rax", "rcx", "memory", "cc"

#elif defined(__aarch64__)

#define RSEQ_BEGIN                                                                                 \
	".pushsection __rseq_cs, \"aw\"\n\t"                                                       \
	".balign 32\n"                                                                             \
	"3:\n\t"                                                                                   \
	".long 0, 0\n\t"                                                                           \
	".quad 1f, 2f - 1f, 4f\n\t"                                                                \
	".popsection\n\t"                                                                          \
	"adrp x9, 3b\n\t"                                                                          \
	"add x9, x9, :lo12:3b\n\t"                                                                 \
	"str x9, %[rseq_cs]\n"                                                                     \
	"1:\n\t"                                                                                   \
	"ldr w9, %[cpu_id]\n\t"                                                                    \
	"ldar w10, %[tag]\n\t"                                                                     \
	"cmp w9, w10\n\t"                                                                          \
	"b.ne %l[miss]\n\t"                                                                        \
	"ldr x9, %[head]\n\t"                                                                      \
	"and w10, w9, #0xffff\n\t"

#define RSEQ_END                                                                                   \
	"str x9, %[head]\n"                                                                        \
	"2:\n\t"                                                                                   \
	".pushsection __rseq_failure, \"ax\"\n\t"                                                  \
	".inst 0xd428bc00\n"                                                                       \
	"4:\n\t"                                                                                   \
	"b %l[miss]\n\t"                                                                          \
	".popsection\n\t"

#define RSEQ_IN(rseq, area, list)                                                                  \
	[rseq_cs] "m"((rseq)->rseq_cs), [cpu_id] "m"((rseq)->cpu_id), [tag] "Q"((area)->tag),      \
		[area] "r"(area), [head] "m"((list)->head), [base] "m"((list)->base),              \
		[limit] "m"((list)->limit)

/* w10: the slot that is next to push into */
#define RSEQ_POP                                                                                   \
	"ldrh w11, %[base]\n\t"                                                                    \
	"cmp w10, w11\n\t"                                                                         \
	"b.eq %l[miss]\n\t"                                                                        \
	"sub w10, w10, #1\n\t"                                                                     \
	"ldr %w[frame], [%[area], x10, lsl #2]\n\t"                                                \
	"mov w10, #0xffff\n\t"                                                                     \
	"add x9, x9, x10\n\t"

#define RSEQ_PUSH                                                                                  \
	"ldrh w11, %[limit]\n\t"                                                                   \
	"cmp w10, w11\n\t"                                                                         \
	"b.hs %l[miss]\n\t"                                                                        \
	"str %w[frame], [%[area], x10, lsl #2]\n\t"                                                \
	"add x9, x9, #1\n\t"

#define RSEQ_CLOBBER "x9", "x10", "x11", "memory", "cc"

#endif

static inline enum pcp_result pcp_rseq_pop(const struct pb_pool *pool, u32 gfp, size_t order,
					   size_t *frame)
{
	struct rseq *rseq = RSEQ_HERE(pool);
	struct pcp_area *area = rseq_area_of(pool, rseq);
	struct pcp_list *list = pcp_list(area, area->fast[gfp & PCP_FAST_GFP], order);
	size_t popped;

	__asm__ goto volatile(RSEQ_BEGIN RSEQ_POP RSEQ_END
			      : [frame] "=&r"(popped)
			      : RSEQ_IN(rseq, area, list)
			      : RSEQ_CLOBBER
			      : miss);
	*frame = popped;
	return PCP_OK;
miss:
	return PCP_MISS;
}

static inline enum pcp_result pcp_rseq_push(const struct pb_pool *pool, u32 class,
					    size_t order, size_t frame)
{
	struct rseq *rseq = RSEQ_HERE(pool);
	struct pcp_area *area = rseq_area_of(pool, rseq);
	struct pcp_list *list = pcp_list(area, class, order);

	__asm__ goto volatile(RSEQ_BEGIN RSEQ_PUSH RSEQ_END
			      :
			      : RSEQ_IN(rseq, area, list), [frame] "r"(frame)
			      : RSEQ_CLOBBER
			      : miss);
	return PCP_OK;
miss:
	return PCP_MISS;
}

#endif
#endif
