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
 * There are two of each: by the CPU's number, and by the concurrency id, which the kernel
 * gives to each running thread of a process so that no two have the same, and that are small.
 * A thread keeps its id until it is preempted, which aborts a sequence: so nobody else has the
 * id inside one. Which CPU runs a thread with an id isn't told, so a remote drain fences all.
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

/* area: this CPU's lists, behind the head of its area. The CPU's number is compared
   without sign: a thread that has no rseq area yet shows -1. */
#define RSEQ_BEGIN                                   \
	".pushsection __rseq_cs, \"aw\"\n\t"         \
	".balign 32\n"                               \
	"3:\n\t"                                     \
	".long 0, 0\n\t"                             \
	".quad 1f, 2f - 1f, 4f\n\t"                  \
	".popsection\n\t"                            \
	"leaq 3b(%%rip), %q[area]\n\t"               \
	"movq %q[area], %%fs:%c[rseq_cs](%[rseq])\n" \
	"1:\n\t"                                     \
	"movl %%fs:%c[id](%[rseq]), %k[area]\n\t"    \
	"cmpl %[cpus], %k[area]\n\t"                 \
	"jae %l[miss]\n\t"                           \
	"imulq %[stride], %q[area]\n\t"              \
	"addq %[percpu], %q[area]\n\t"               \
	"cmpl $0, %c[lock](%q[area])\n\t"            \
	"jne %l[miss]\n\t"

#define RSEQ_END                                  \
	"2:\n\t"                                  \
	".pushsection __rseq_failure, \"ax\"\n\t" \
	".byte 0x0f, 0xb9, 0x3d\n\t"              \
	".long 0x53053053\n"                      \
	"4:\n\t"                                  \
	"jmp %l[miss]\n\t"                        \
	".popsection\n\t"

/* list: counted in words; top: its top slot, then the frame. Loads and stores of one
   width: the processor forwards from one call to the next. */
#define RSEQ_POP                                              \
	"movzwl %c[fast](%q[area], %q[gfp], 2), %k[list]\n\t" \
	"leal (%q[list], %q[order], 2), %k[list]\n\t"         \
	"movq (%q[area], %q[list], 8), %q[head]\n\t"          \
	"movzwl %w[head], %k[top]\n\t"                        \
	"cmpw %c[base](%q[area], %q[list], 8), %w[top]\n\t"   \
	"je %l[miss]\n\t"                                     \
	"movl -4(%q[area], %q[top], 4), %k[top]\n\t"          \
	"addq $0xffff, %q[head]\n\t"                          \
	"movq %q[head], (%q[area], %q[list], 8)\n"

#define RSEQ_PUSH                                            \
	"leal (%q[class], %q[order], 2), %k[list]\n\t"       \
	"movq (%q[area], %q[list], 8), %q[head]\n\t"         \
	"movzwl %w[head], %k[top]\n\t"                       \
	"cmpw %c[limit](%q[area], %q[list], 8), %w[top]\n\t" \
	"jae %l[miss]\n\t"                                   \
	"movl %k[frame], (%q[area], %q[top], 4)\n\t"         \
	"incq %q[head]\n\t"                                  \
	"movq %q[head], (%q[area], %q[list], 8)\n"

#define RSEQ_POOL(pool)                                                       \
	[cpus] "m"((pool)->percpu_cpus), [stride] "m"((pool)->percpu_stride), \
		[percpu] "m"((pool)->pcp_lists)
#define RSEQ_BACK(field) ((long)offsetof(struct pcp_area, field) - (long)sizeof(struct pcp_area))
#define RSEQ_LOCK RSEQ_AT(lock, RSEQ_BACK(lock))
#define RSEQ_FAST RSEQ_BACK(fast)

#elif defined(__aarch64__)
#define RSEQ_HERE(pool) pb_rseq_area_at((pool)->rseq_offset)

#define RSEQ_BEGIN                                        \
	".pushsection __rseq_cs, \"aw\"\n\t"              \
	".balign 32\n"                                    \
	"3:\n\t"                                          \
	".long 0, 0\n\t"                                  \
	".quad 1f, 2f - 1f, 4f\n\t"                       \
	".popsection\n\t"                                 \
	"adrp %[area], 3b\n\t"                            \
	"add %[area], %[area], :lo12:3b\n\t"              \
	"str %[area], [%[rseq], %[rseq_cs]]\n"            \
	"1:\n\t"                                          \
	"ldr %w[area], [%[rseq], %[id]]\n\t"              \
	"cmp %w[area], %w[cpus]\n\t"                      \
	"b.hs %l[miss]\n\t"                               \
	"madd %[area], %[area], %[stride], %[percpu]\n\t" \
	"sub %[list], %[area], %[head_bytes]\n\t"         \
	"ldar %w[list], [%[list]]\n\t"                    \
	"cbnz %w[list], %l[miss]\n\t"

#define RSEQ_END                                  \
	"2:\n\t"                                  \
	".pushsection __rseq_failure, \"ax\"\n\t" \
	".inst 0xd428bc00\n"                      \
	"4:\n\t"                                  \
	"b %l[miss]\n\t"                          \
	".popsection\n\t"

/* head: the list's first or last slot before it is the head */
#define RSEQ_POP                                         \
	"sub %[list], %[area], %[fast]\n\t"              \
	"ldrh %w[list], [%[list], %w[gfp], uxtw #1]\n\t" \
	"add %w[list], %w[list], %w[order], lsl #1\n\t"  \
	"add %[list], %[area], %[list], lsl #3\n\t"      \
	"ldrh %w[top], [%[list]]\n\t"                    \
	"ldrh %w[head], [%[list], %[base]]\n\t"          \
	"cmp %w[top], %w[head]\n\t"                      \
	"b.eq %l[miss]\n\t"                              \
	"sub %w[top], %w[top], #1\n\t"                   \
	"ldr %w[top], [%[area], %[top], lsl #2]\n\t"     \
	"ldr %[head], [%[list]]\n\t"                     \
	"add %[head], %[head], #15, lsl #12\n\t"         \
	"add %[head], %[head], #4095\n\t"                \
	"str %[head], [%[list]]\n"

#define RSEQ_PUSH                                        \
	"add %w[list], %w[class], %w[order], lsl #1\n\t" \
	"add %[list], %[area], %[list], lsl #3\n\t"      \
	"ldrh %w[top], [%[list]]\n\t"                    \
	"ldrh %w[head], [%[list], %[limit]]\n\t"         \
	"cmp %w[top], %w[head]\n\t"                      \
	"b.hs %l[miss]\n\t"                              \
	"str %w[frame], [%[area], %[top], lsl #2]\n\t"   \
	"ldr %[head], [%[list]]\n\t"                     \
	"add %[head], %[head], #1\n\t"                   \
	"str %[head], [%[list]]\n"

#define RSEQ_POOL(pool)                                                       \
	[cpus] "r"((pool)->percpu_cpus), [stride] "r"((pool)->percpu_stride), \
		[percpu] "r"((pool)->pcp_lists)
#define RSEQ_LOCK RSEQ_AT(head_bytes, sizeof(struct pcp_area) - offsetof(struct pcp_area, lock))
#define RSEQ_FAST (sizeof(struct pcp_area) - offsetof(struct pcp_area, fast))

#endif

#define RSEQ_AT(name, offset) [name] "i"(offset)
#define RSEQ_IN(pool, id_offset)                                                          \
	RSEQ_POOL(pool), [rseq] "r"(RSEQ_HERE(pool)),                                     \
		RSEQ_AT(rseq_cs, offsetof(struct rseq, rseq_cs)), RSEQ_AT(id, id_offset), \
		RSEQ_LOCK

_Static_assert(offsetof(struct pcp_list, head) == 0, "the sequences take the list for its head");

/* What a sequence works in: registers of the compiler's choice, so that it has to
   save none. */
#define RSEQ_WORK [area] "=&r"(area), [list] "=&r"(list), [head] "=&r"(head), [top] "=&r"(top)

/* The number of the area is read at id_offset of the rseq area. */
#define RSEQ_FUNCTIONS(pop, push, id_offset)                                                        \
	static inline enum pcp_result pop(const struct pb_pool *pool, u32 gfp, u32 order,           \
					  size_t *frame)                                            \
	{                                                                                           \
		size_t area, list, head, top;                                                       \
                                                                                                    \
		__asm__ goto volatile(RSEQ_BEGIN RSEQ_POP RSEQ_END:RSEQ_WORK                        \
				      : RSEQ_IN(pool, id_offset),                                   \
					RSEQ_AT(base, offsetof(struct pcp_list, base)),             \
					RSEQ_AT(fast, RSEQ_FAST),                                   \
					[gfp] "r"((size_t)(gfp & PCP_FAST_GFP)), [order] "r"(order) \
				      : "memory", "cc"                                              \
				      : miss);                                                      \
		*frame = top;                                                                       \
		return PCP_OK;                                                                      \
miss:                                                                                               \
		return PCP_MISS;                                                                    \
	}                                                                                           \
                                                                                                    \
	static inline enum pcp_result push(const struct pb_pool *pool, u32 class, u32 order,        \
					   size_t frame)                                            \
	{                                                                                           \
		size_t area, list, head, top;                                                       \
                                                                                                    \
		__asm__ goto volatile(RSEQ_BEGIN RSEQ_PUSH RSEQ_END:RSEQ_WORK                       \
				      : RSEQ_IN(pool, id_offset),                                   \
					RSEQ_AT(limit, offsetof(struct pcp_list, limit)),           \
					[class] "r"(class), [order] "r"(order), [frame] "r"(frame)  \
				      : "memory", "cc"                                              \
				      : miss);                                                      \
		return PCP_OK;                                                                      \
miss:                                                                                               \
		return PCP_MISS;                                                                    \
	}

RSEQ_FUNCTIONS(pcp_rseq_pop, pcp_rseq_push, offsetof(struct rseq, cpu_id))
RSEQ_FUNCTIONS(pcp_cid_pop, pcp_cid_push, PB_RSEQ_MM_CID)

/* This thread's concurrency id; of one that the kernel keeps none for no area's number. */
static inline u32 pcp_cid(const struct pb_pool *pool)
{
	const struct rseq *rseq = pb_rseq_area_at(pool->rseq_offset);

	if (unlikely(!pb_rseq_live(rseq)) && !pb_platform_rseq_register())
		return UINT32_MAX;
	return pb_rseq_mm_cid(rseq);
}

#endif
#endif
