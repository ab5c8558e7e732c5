/* SPDX-License-Identifier: MIT */
/*
 * Pop and push on this CPU's stack as restartable sequences: no lock, no atomic
 * operation. Included into the core's pcp.h by PB_PLATFORM_PERCPU.
 *
 * One sequence: say where it starts and ends (rseq_cs), read which CPU this is,
 * find its area, see that the area's lock is free, and commit by one instruction
 * that changes the list's head. If the thread is preempted, migrated, or gets a
 * signal before that, the kernel sends it to the abort label, and the slow path
 * serves it: rare enough not to keep registers for. So the CPU cannot change
 * inside, and nobody else can use its lists. A remote drain takes the lock and
 * then fences the CPU (membarrier), which also aborts a sequence under way.
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
#define RSEQ_HERE(pool) ((pool)->rseq_offset)

/* rax: this CPU's lists, behind the head of its area. The CPU's number is compared without sign: a thread that
   has no rseq area yet shows -1. */
#define RSEQ_BEGIN                                                                                 \
	".pushsection __rseq_cs, \"aw\"\n\t"                                                       \
	".balign 32\n"                                                                             \
	"3:\n\t"                                                                                   \
	".long 0, 0\n\t"                                                                           \
	".quad 1f, 2f - 1f, 4f\n\t"                                                                \
	".popsection\n\t"                                                                          \
	"leaq 3b(%%rip), %%rax\n\t"                                                                \
	"movq %%rax, %%fs:%c[rseq_cs](%[rseq])\n"                                                  \
	"1:\n\t"                                                                                   \
	"movl %%fs:%c[cpu_id](%[rseq]), %%eax\n\t"                                                \
	"cmpl %[cpus], %%eax\n\t"                                                                 \
	"jae %l[miss]\n\t"                                                                         \
	"imulq %[stride], %%rax\n\t"                                                              \
	"addq %[percpu], %%rax\n\t"                                                               \
	"cmpl $0, %c[lock](%%rax)\n\t"                                                            \
	"jne %l[miss]\n\t"

#define RSEQ_END                                                                                   \
	"2:\n\t"                                                                                   \
	".pushsection __rseq_failure, \"ax\"\n\t"                                                  \
	".byte 0x0f, 0xb9, 0x3d\n\t"                                                               \
	".long 0x53053053\n"                                                                       \
	"4:\n\t"                                                                                   \
	"jmp %l[miss]\n\t"                                                                         \
	".popsection\n\t"

/* rcx: the list, in words; rsi: its head; rdx: its top slot, then the frame. Loads
   and stores of one width: the processor forwards from one call to the next. */
#define RSEQ_POP                                                                                   \
	"movzwl %c[fast](%%rax, %q[gfp], 2), %%ecx\n\t"                                           \
	"leal (%%rcx, %q[order], 2), %%ecx\n\t"                                                   \
	"movq (%%rax, %%rcx, 8), %%rsi\n\t"                                                       \
	"movzwl %%si, %%edx\n\t"                                                                   \
	"cmpw %c[base](%%rax, %%rcx, 8), %%dx\n\t"                                                \
	"je %l[miss]\n\t"                                                                          \
	"movl -4(%%rax, %%rdx, 4), %%edx\n\t"                                                      \
	"addq $0xffff, %%rsi\n\t"                                                                  \
	"movq %%rsi, (%%rax, %%rcx, 8)\n"

#define RSEQ_PUSH                                                                                  \
	"leal (%q[class], %q[order], 2), %%ecx\n\t"                                               \
	"movq (%%rax, %%rcx, 8), %%rsi\n\t"                                                       \
	"movzwl %%si, %%edx\n\t"                                                                   \
	"cmpw %c[limit](%%rax, %%rcx, 8), %%dx\n\t"                                               \
	"jae %l[miss]\n\t"                                                                         \
	"movl %k[frame], (%%rax, %%rdx, 4)\n\t"                                                    \
	"incq %%rsi\n\t"                                                                           \
	"movq %%rsi, (%%rax, %%rcx, 8)\n"

#define RSEQ_POOL(pool)                                                                            \
	[cpus] "m"((pool)->percpu_cpus), [stride] "m"((pool)->percpu_stride),                      \
		[percpu] "m"((pool)->pcp_lists)
#define RSEQ_BACK(field) ((long)offsetof(struct pcp_area, field) - (long)sizeof(struct pcp_area))
#define RSEQ_LOCK RSEQ_AT(lock, RSEQ_BACK(lock))
#define RSEQ_FAST RSEQ_BACK(fast)
#define RSEQ_OUT(frame) "=&d"(frame)
#define RSEQ_CLOBBER "rax", "rcx", "rsi", "memory", "cc"
#define RSEQ_CLOBBER_PUSH "rdx", RSEQ_CLOBBER

#elif defined(__aarch64__)
#define RSEQ_HERE(pool) pb_rseq_area_at((pool)->rseq_offset)

/* x9: this CPU's lists, behind the head of its area */
#define RSEQ_BEGIN                                                                                 \
	".pushsection __rseq_cs, \"aw\"\n\t"                                                       \
	".balign 32\n"                                                                             \
	"3:\n\t"                                                                                   \
	".long 0, 0\n\t"                                                                           \
	".quad 1f, 2f - 1f, 4f\n\t"                                                                \
	".popsection\n\t"                                                                          \
	"adrp x9, 3b\n\t"                                                                          \
	"add x9, x9, :lo12:3b\n\t"                                                                 \
	"str x9, [%[rseq], %[rseq_cs]]\n"                                                          \
	"1:\n\t"                                                                                   \
	"ldr w9, [%[rseq], %[cpu_id]]\n\t"                                                        \
	"cmp w9, %w[cpus]\n\t"                                                                    \
	"b.hs %l[miss]\n\t"                                                                        \
	"madd x9, x9, %[stride], %[percpu]\n\t"                                                   \
	"sub x10, x9, %[head_bytes]\n\t"                                                          \
	"ldar w10, [x10]\n\t"                                                                     \
	"cbnz w10, %l[miss]\n\t"

#define RSEQ_END                                                                                   \
	"2:\n\t"                                                                                   \
	".pushsection __rseq_failure, \"ax\"\n\t"                                                  \
	".inst 0xd428bc00\n"                                                                       \
	"4:\n\t"                                                                                   \
	"b %l[miss]\n\t"                                                                           \
	".popsection\n\t"

/* x10: the list; w11: its top slot */
#define RSEQ_POP                                                                                   \
	"sub x10, x9, %[fast]\n\t"                                                                \
	"ldrh w10, [x10, %w[gfp], uxtw #1]\n\t"                                                   \
	"add w10, w10, %w[order], lsl #1\n\t"                                                     \
	"add x10, x9, x10, lsl #3\n\t"                                                            \
	"ldrh w11, [x10]\n\t"                                                            \
	"ldrh w12, [x10, %[base]]\n\t"                                                            \
	"cmp w11, w12\n\t"                                                                        \
	"b.eq %l[miss]\n\t"                                                                        \
	"sub w11, w11, #1\n\t"                                                                    \
	"ldr %w[frame], [x9, x11, lsl #2]\n\t"                                                    \
	"ldr x11, [x10]\n\t"                                                             \
	"mov w12, #0xffff\n\t"                                                                    \
	"add x11, x11, x12\n\t"                                                                   \
	"str x11, [x10]\n"

#define RSEQ_PUSH                                                                                  \
	"add w10, %w[class], %w[order], lsl #1\n\t"                                               \
	"add x10, x9, x10, lsl #3\n\t"                                                            \
	"ldrh w11, [x10]\n\t"                                                            \
	"ldrh w12, [x10, %[limit]]\n\t"                                                           \
	"cmp w11, w12\n\t"                                                                        \
	"b.hs %l[miss]\n\t"                                                                        \
	"str %w[frame], [x9, x11, lsl #2]\n\t"                                                    \
	"ldr x11, [x10]\n\t"                                                             \
	"add x11, x11, #1\n\t"                                                                    \
	"str x11, [x10]\n"

#define RSEQ_POOL(pool)                                                                            \
	[cpus] "r"((pool)->percpu_cpus), [stride] "r"((pool)->percpu_stride),                      \
		[percpu] "r"((pool)->pcp_lists)
#define RSEQ_LOCK RSEQ_AT(head_bytes, sizeof(struct pcp_area) - offsetof(struct pcp_area, lock))
#define RSEQ_FAST (sizeof(struct pcp_area) - offsetof(struct pcp_area, fast))
#define RSEQ_OUT(frame) "=&r"(frame)
#define RSEQ_CLOBBER "x9", "x10", "x11", "x12", "memory", "cc"
#define RSEQ_CLOBBER_PUSH RSEQ_CLOBBER

#endif

#define RSEQ_AT(name, offset) [name] "i"(offset)
#define RSEQ_IN(pool)                                                                              \
	RSEQ_POOL(pool), [rseq] "r"(RSEQ_HERE(pool)),                                              \
		RSEQ_AT(rseq_cs, offsetof(struct rseq, rseq_cs)),                                  \
		RSEQ_AT(cpu_id, offsetof(struct rseq, cpu_id)), RSEQ_LOCK

_Static_assert(offsetof(struct pcp_list, head) == 0, "the sequences take the list for its head");

static inline enum pcp_result pcp_rseq_pop(const struct pb_pool *pool, u32 gfp, u32 order,
					   size_t *frame)
{
	size_t popped;

	__asm__ goto volatile(RSEQ_BEGIN RSEQ_POP RSEQ_END
			      : [frame] RSEQ_OUT(popped)
			      : RSEQ_IN(pool), RSEQ_AT(base, offsetof(struct pcp_list, base)),
				RSEQ_AT(fast, RSEQ_FAST),
				[gfp] "r"((size_t)(gfp & PCP_FAST_GFP)), [order] "r"(order)
			      : RSEQ_CLOBBER
			      : miss);
	*frame = popped;
	return PCP_OK;
miss:
	return PCP_MISS;
}

static inline enum pcp_result pcp_rseq_push(const struct pb_pool *pool, u32 class, u32 order,
					    size_t frame)
{
	__asm__ goto volatile(RSEQ_BEGIN RSEQ_PUSH RSEQ_END
			      :
			      : RSEQ_IN(pool), RSEQ_AT(limit, offsetof(struct pcp_list, limit)),
				[class] "r"(class), [order] "r"(order), [frame] "r"(frame)
			      : RSEQ_CLOBBER_PUSH
			      : miss);
	return PCP_OK;
miss:
	return PCP_MISS;
}

#endif
#endif
