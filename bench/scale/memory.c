/* SPDX-License-Identifier: MIT */
/*
 * Every load and store of what is compiled with -fsanitize=thread, told to the
 * simulated machine: the compiler puts a call in front of each access and turns
 * each atomic operation into one. The program is linked with these functions, not
 * with ThreadSanitizer's. The names are the compiler's.
 */
#include <string.h>

#include "machine.h"

#define ACCESS(name, write)                        \
	void __tsan_##name(void *address);         \
	void __tsan_##name(void *address)          \
	{                                          \
		sim_access(address, write, false); \
	}
#define ACCESSES(size)                      \
	ACCESS(read##size, false)           \
	ACCESS(write##size, true)           \
	ACCESS(unaligned_read##size, false) \
	ACCESS(unaligned_write##size, true) \
	ACCESS(volatile_read##size, false)  \
	ACCESS(volatile_write##size, true)  \
	ACCESS(read_write##size, true)

/* clang-format off */
ACCESSES(1) ACCESSES(2) ACCESSES(4) ACCESSES(8) ACCESSES(16)
	/* clang-format on */

	/* A line at a time. */
	static void range(const void *start, size_t bytes, bool write)
{
	const char *at = start, *end = at + bytes;

	for (; at < end; at = (const char *)(((uintptr_t)at | 63) + 1))
		sim_access(at, write, false);
}

void __tsan_read_range(void *address, unsigned long size);
void __tsan_read_range(void *address, unsigned long size)
{
	range(address, size, false);
}

void __tsan_write_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size)
{
	range(address, size, true);
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

void *__tsan_memset(void *to, int byte, unsigned long n);
void *__tsan_memset(void *to, int byte, unsigned long n)
{
	range(to, n, true);
	return memset(to, byte, n);
}

void *__tsan_memcpy(void *to, const void *from, unsigned long n);
void *__tsan_memcpy(void *to, const void *from, unsigned long n)
{
	range(from, n, false);
	range(to, n, true);
	return memcpy(to, from, n);
}

void *__tsan_memmove(void *to, const void *from, unsigned long n);
void *__tsan_memmove(void *to, const void *from, unsigned long n)
{
	range(from, n, false);
	range(to, n, true);
	return memmove(to, from, n);
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

#define MODIFY(bits, type, name)                                                    \
	type __tsan_atomic##bits##_##name(volatile type *p, type value, int order); \
	type __tsan_atomic##bits##_##name(volatile type *p, type value, int order)  \
	{                                                                           \
		(void)order;                                                        \
		sim_access(p, true, true);                                          \
		return __atomic_##name(p, value, __ATOMIC_SEQ_CST);                 \
	}

#define COMPARE(bits, type, name)                                                               \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *p, type *expected,     \
							  type value, int order, int failed);   \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *p, type *expected,     \
							  type value, int order, int failed)    \
	{                                                                                       \
		(void)order;                                                                    \
		(void)failed;                                                                   \
		sim_access(p, true, true);                                                      \
		return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST);                           \
	}

#define ATOMICS(bits, type)                                                           \
	type __tsan_atomic##bits##_load(const volatile type *p, int order);           \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)            \
	{                                                                             \
		(void)order;                                                          \
		sim_access(p, false, false);                                          \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                          \
	}                                                                             \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order);    \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order)     \
	{                                                                             \
		(void)order;                                                          \
		sim_access(p, true, false);                                           \
		__atomic_store_n(p, value, __ATOMIC_SEQ_CST);                         \
	}                                                                             \
	type __tsan_atomic##bits##_exchange(volatile type *p, type value, int order); \
	type __tsan_atomic##bits##_exchange(volatile type *p, type value, int order)  \
	{                                                                             \
		(void)order;                                                          \
		sim_access(p, true, true);                                            \
		return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);               \
	}                                                                             \
	MODIFY(bits, type, fetch_add)                                                 \
	MODIFY(bits, type, fetch_sub)                                                 \
	MODIFY(bits, type, fetch_and)                                                 \
	MODIFY(bits, type, fetch_or)                                                  \
	MODIFY(bits, type, fetch_xor)                                                 \
	COMPARE(bits, type, strong)                                                   \
	COMPARE(bits, type, weak)

/* clang-format off */
ATOMICS(8, uint8_t) ATOMICS(16, uint16_t) ATOMICS(32, uint32_t) ATOMICS(64, uint64_t)
