/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic for all layers: short type names, bit scans and a 64-bit
 * division that need no compiler support library on any target.
 */
#ifndef PB_CORE_BITS_H
#define PB_CORE_BITS_H

#include "base/namespace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/* The four functions that a compiler may call for on its own. */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline)) /* keeps a large frame off the common path's stack */
#if defined(PB_COVERAGE) || defined(__OPTIMIZE_SIZE__)
/* counted once, not once for each place that it is inlined into; the same for bytes */
#define ALWAYS_INLINE static inline
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#endif
/* Short ways that are inlined where speed is asked for, and functions where size is (-Os). */
#ifdef __OPTIMIZE_SIZE__
#define HOT_INLINE static __attribute__((noinline, unused))
#else
#define HOT_INLINE static inline
#endif
#define ALIGNED(n) __attribute__((aligned(n)))

/* Per target: __builtin_ctzll is an instruction, or a call into libgcc. */
#if (defined(__riscv) && !defined(__riscv_zbb)) || (defined(__arm__) && !defined(__ARM_FEATURE_CLZ))
static inline unsigned int ctz32(u32 x)
{
	unsigned int n = 0;

	for (unsigned int half = 16; half; half >>= 1)
		if (!(x & ((1u << half) - 1))) {
			n += half;
			x >>= half;
		}
	return n;
}

static inline unsigned int fls32(u32 x) /* index of the highest set bit */
{
	unsigned int n = 0;

	for (unsigned int half = 16; half; half >>= 1)
		if (x >> half) {
			n += half;
			x >>= half;
		}
	return n;
}
#else
static inline unsigned int ctz32(u32 x)
{
	return (unsigned int)__builtin_ctz(x);
}

static inline unsigned int fls32(u32 x)
{
	return 31u - (unsigned int)__builtin_clz(x);
}
#endif

/* pre: x != 0, for all of these */
HOT_INLINE unsigned int ctz64(u64 x)
{
#if defined(__x86_64__) || defined(__aarch64__)
	return (unsigned int)__builtin_ctzll(x);
#else
	return (u32)x ? ctz32((u32)x) : 32u + ctz32((u32)(x >> 32));
#endif
}

HOT_INLINE unsigned int fls64(u64 x)
{
	return x >> 32 ? 32u + fls32((u32)(x >> 32)) : fls32((u32)x);
}

HOT_INLINE unsigned int popcount64(u64 x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (unsigned int)(x * 0x0101010101010101u >> 56);
}

/* Bits [from, from + n) of a word; pre: n >= 1, from + n <= 64. */
static inline u64 word_mask(unsigned int from, unsigned int n)
{
	return (~(u64)0 >> (64 - n)) << from;
}

static inline u64 div_u64(u64 a, u64 b)
{
#if UINTPTR_MAX > 0xffffffffu
	return a / b;
#else
	u64 q = 0;
	unsigned int shift;

	if (b > a)
		return 0;
	if (!(a >> 32))
		return (u32)a / (u32)b;
	shift = fls64(a) - fls64(b);
	for (u64 bit = (u64)1 << shift, d = b << shift; bit; bit >>= 1, d >>= 1)
		if (a >= d) {
			a -= d;
			q |= bit;
		}
	return q;
#endif
}

/* Spec, notation: both terms truncate on their own. */
HOT_INLINE u64 mult_frac(u64 x, u32 n, u32 d)
{
	u64 q = div_u64(x, d);

	return q * n + div_u64((x - q * d) * n, d);
}

static inline u32 div_round_up(u32 x, u32 by)
{
	return x / by + (x % by != 0);
}

static inline u64 align_up(u64 x, u64 to)
{
	return (x + to - 1) & ~(to - 1);
}

static inline u64 align_down(u64 x, u64 to)
{
	return x & ~(to - 1);
}

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

static inline u64 clamp_u64(u64 x, u64 low, u64 high)
{
	return x < low ? low : x > high ? high : x;
}

static inline u64 int_sqrt(u64 x)
{
	u64 root = 0;

	for (u64 bit = (u64)1 << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= x)
			root += bit;
	return root;
}

/*
 * Reads without the lock that writes are made under. Where 64 bits are no single
 * access they are two: a count of pages has nothing in its upper half there, and
 * a per-CPU list's head keeps its count in the lower one, the statistics apart.
 */
#if UINTPTR_MAX > 0xffffffffu
#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#else
#define load_relaxed(p) (*(const volatile __typeof__(*(p)) *)(p))
#define store_relaxed(p, v) ((void)(*(volatile __typeof__(*(p)) *)(p) = (v)))
#endif

/* A store that the compiler keeps in its place: what a death leaves depends on it. */
#define store_ordered(p, v)                              \
	do {                                             \
		__atomic_signal_fence(__ATOMIC_SEQ_CST); \
		store_relaxed((p), (v));                 \
		__atomic_signal_fence(__ATOMIC_SEQ_CST); \
	} while (0)

/*
 * Fetch a line that will be written. x86_64 compilers make a fetch for reading of
 * the builtin unless told the processor, and the write then asks the other CPUs
 * again. The instruction is one of AMD64's; Intel's processors before Broadwell do
 * nothing for it (but it must decode: not so on the very first of them, of 2004).
 */
static inline void prefetch_write(const void *p)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/* Stirs a value into a sum. In any order of its bits a change changes the sum; two changes
   might cancel out once in 2^64. */
HOT_INLINE u64 mix_u64(u64 sum, u64 value)
{
	sum ^= value;
	sum ^= sum << 13;
	sum ^= sum >> 7;
	sum ^= sum << 17;
	return sum + 1;
}

#endif
