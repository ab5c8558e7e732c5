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

/* What a sequence works on, computed for the CPU that we seem to be on. Few
   registers: then the fast paths need no stack. */
struct rseq_target {
	struct rseq *rseq;
	struct pcp_area *area;
	struct pcp_list *list;
	u32 cpu;
};

/* A CPU that the pool has no area for: the slow path serves it. */
static inline bool rseq_area_of(const struct pb_pool *pool, struct rseq_target *t)
{
	t->rseq = pb_rseq_area();
	t->cpu = load_relaxed(&t->rseq->cpu_id_start);
	t->area = pcp_area(pool, t->cpu);
	return likely(t->cpu < pool->percpu_cpus);
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
	"movq %%rax, %[rseq_cs]\n"                                                                 \
	"1:\n\t"                                                                                   \
	"cmpl %[cpu], %[cpu_id]\n\t"                                                               \
	"jne %l[miss]\n\t"                                                                        \
	"cmpl $0, %[lock]\n\t"                                                                     \
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

#define RSEQ_IN(t)                                                                                 \
	[rseq_cs] "m"((t).rseq->rseq_cs), [cpu_id] "m"((t).rseq->cpu_id),         \
		[cpu] "r"((t).cpu), [lock] "m"((t).area->lock), [area] "r"((t).area),              \
		[head] "m"((t).list->head), [stack] "m"((t).list->stack),                          \
		[limit] "m"((t).list->limit)

/* ecx: count, then the slot's offset from the area's start */
#define RSEQ_POP                                                                                   \
	"testl %%ecx, %%ecx\n\t"                                                                   \
	"je %l[miss]\n\t"                                                                          \
	"shll $2, %%ecx\n\t"                                                                       \
	"addl %[stack], %%ecx\n\t"                                                                 \
	"movl -4(%[area], %%rcx), %[frame]\n\t"                                                    \
	"addq $0xffff, %%rax\n\t"

#define RSEQ_PUSH                                                                                  \
	"cmpw %[limit], %%cx\n\t"                                                                  \
	"jae %l[miss]\n\t"                                                                         \
	"shll $2, %%ecx\n\t"                                                                       \
	"addl %[stack], %%ecx\n\t"                                                                 \
	"movl %[frame], (%[area], %%rcx)\n\t"                                                      \
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
	"cmp w9, %w[cpu]\n\t"                                                                      \
	"b.ne %l[miss]\n\t"                                                                       \
	"ldar w9, %[lock]\n\t"                                                                     \
	"cbnz w9, %l[miss]\n\t"                                                                    \
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

#define RSEQ_IN(t)                                                                                 \
	[rseq_cs] "m"((t).rseq->rseq_cs), [cpu_id] "m"((t).rseq->cpu_id), [cpu] "r"((t).cpu),      \
		[lock] "Q"((t).area->lock), [area] "r"((t).area), [head] "m"((t).list->head),      \
		[stack] "m"((t).list->stack), [limit] "m"((t).list->limit)

/* w10: count, then the slot's offset from the area's start */
#define RSEQ_POP                                                                                   \
	"cbz w10, %l[miss]\n\t"                                                                    \
	"ldr w11, %[stack]\n\t"                                                                    \
	"sub w10, w10, #1\n\t"                                                                     \
	"add w10, w11, w10, lsl #2\n\t"                                                            \
	"ldr %w[frame], [%[area], x10]\n\t"                                                        \
	"mov w10, #0xffff\n\t"                                                                     \
	"add x9, x9, x10\n\t"

#define RSEQ_PUSH                                                                                  \
	"ldrh w11, %[limit]\n\t"                                                                   \
	"cmp w10, w11\n\t"                                                                         \
	"b.hs %l[miss]\n\t"                                                                        \
	"ldr w11, %[stack]\n\t"                                                                    \
	"add w10, w11, w10, lsl #2\n\t"                                                            \
	"str %w[frame], [%[area], x10]\n\t"                                                        \
	"add x9, x9, #1\n\t"

#define RSEQ_CLOBBER "x9", "x10", "x11", "memory", "cc"

#endif

static inline enum pcp_result pcp_rseq_pop(const struct pb_pool *pool, u32 gfp, unsigned int order,
					   u32 *frame)
{
	struct rseq_target t;
	u32 class, popped;

	if (!rseq_area_of(pool, &t))
		goto miss;
	class = t.area->fast[gfp & PCP_FAST_GFP];
	if (unlikely(class == NO_CLASS))
		goto miss;
	t.list = pcp_list(t.area, class, order);
	__asm__ goto volatile(RSEQ_BEGIN RSEQ_POP RSEQ_END
			      : [frame] "=&r"(popped)
			      : RSEQ_IN(t)
			      : RSEQ_CLOBBER
			      : miss);
	*frame = popped;
	return PCP_OK;
miss:
	return PCP_MISS;
}

static inline enum pcp_result pcp_rseq_push(const struct pb_pool *pool, u32 class,
					    unsigned int order, u32 frame)
{
	struct rseq_target t;

	if (!rseq_area_of(pool, &t))
		goto miss;
	t.list = pcp_list(t.area, class, order);
	__asm__ goto volatile(RSEQ_BEGIN RSEQ_PUSH RSEQ_END
			      :
			      : RSEQ_IN(t), [frame] "r"(frame)
			      : RSEQ_CLOBBER
			      : miss);
	return PCP_OK;
miss:
	return PCP_MISS;
}

#endif
#endif
