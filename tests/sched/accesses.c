/* SPDX-License-Identifier: MIT */
/*
 * Every load and store of shared memory as a scheduling point.
 *
 * The core is compiled with -fsanitize=thread, which puts a call in front of each
 * access, and turns each atomic operation into one; but it is linked with these
 * functions, not with ThreadSanitizer's. An access to the memory that
 * pb_test_share() named is a place where another thread may go on, before it happens.
 */
#include "test_port.h"

#include <string.h>

static const char *shared_start, *shared_end;
unsigned long pb_test_accesses;

void pb_test_share(const void *start, size_t bytes)
{
	shared_start = start;
	shared_end = shared_start + bytes;
}

static void point(const volatile void *address)
{
	const char *at = (const char *)address;

	if (at < shared_start || at >= shared_end)
		return;
	pb_test_accesses++;
	pb_test_yield();
}

/* The names are the compiler's. */
#define ACCESS(name)                       \
	void __tsan_##name(void *address); \
	void __tsan_##name(void *address)  \
	{                                  \
		point(address);            \
	}
#define ACCESSES(size)                \
	ACCESS(read##size)            \
	ACCESS(write##size)           \
	ACCESS(unaligned_read##size)  \
	ACCESS(unaligned_write##size) \
	ACCESS(volatile_read##size)   \
	ACCESS(volatile_write##size)  \
	ACCESS(read_write##size)

/* clang-format off */
ACCESSES(1) ACCESSES(2) ACCESSES(4) ACCESSES(8) ACCESSES(16)
	/* clang-format on */

	void __tsan_read_range(void *address, unsigned long size);
void __tsan_read_range(void *address, unsigned long size)
{
	(void)size;
	point(address);
}

void __tsan_write_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size)
{
	(void)size;
	point(address);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

/* clang's names for what it may not expand. */
void *__tsan_memset(void *to, int byte, unsigned long n);
void *__tsan_memset(void *to, int byte, unsigned long n)
{
	point(to);
	return memset(to, byte, n);
}

void *__tsan_memcpy(void *to, const void *from, unsigned long n);
void *__tsan_memcpy(void *to, const void *from, unsigned long n)
{
	point(from);
	point(to);
	return memcpy(to, from, n);
}

void *__tsan_memmove(void *to, const void *from, unsigned long n);
void *__tsan_memmove(void *to, const void *from, unsigned long n)
{
	point(from);
	point(to);
	return memmove(to, from, n);
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define MODIFY(bits, type, name)                                                    \
	type __tsan_atomic##bits##_##name(volatile type *p, type value, int order); \
	type __tsan_atomic##bits##_##name(volatile type *p, type value, int order)  \
	{                                                                           \
		(void)order;                                                        \
		point(p);                                                           \
		return __atomic_##name(p, value, __ATOMIC_SEQ_CST);                 \
	}

#define COMPARE(bits, type, name, weak)                                                        \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *p, type *expected,    \
							  type value, int order, int failed);  \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *p, type *expected,    \
							  type value, int order, int failed)   \
	{                                                                                      \
		(void)order;                                                                   \
		(void)failed;                                                                  \
		point(p);                                                                      \
		return __atomic_compare_exchange_n(p, expected, value, weak, __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST);                          \
	}

#define ATOMICS(bits, type)                                                           \
	type __tsan_atomic##bits##_load(const volatile type *p, int order);           \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)            \
	{                                                                             \
		(void)order;                                                          \
		point(p);                                                             \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                          \
	}                                                                             \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order);    \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order)     \
	{                                                                             \
		(void)order;                                                          \
		point(p);                                                             \
		__atomic_store_n(p, value, __ATOMIC_SEQ_CST);                         \
	}                                                                             \
	type __tsan_atomic##bits##_exchange(volatile type *p, type value, int order); \
	type __tsan_atomic##bits##_exchange(volatile type *p, type value, int order)  \
	{                                                                             \
		(void)order;                                                          \
		point(p);                                                             \
		return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);               \
	}                                                                             \
	MODIFY(bits, type, fetch_add)                                                 \
	MODIFY(bits, type, fetch_sub)                                                 \
	MODIFY(bits, type, fetch_and)                                                 \
	MODIFY(bits, type, fetch_or)                                                  \
	MODIFY(bits, type, fetch_xor)                                                 \
	COMPARE(bits, type, strong, false)                                            \
	COMPARE(bits, type, weak, true)

/* clang-format off */
ATOMICS(8, uint8_t) ATOMICS(16, uint16_t) ATOMICS(32, uint32_t) ATOMICS(64, uint64_t)
	/* clang-format on */
