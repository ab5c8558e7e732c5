/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls in front of each load and store of a file that it compiles with
 * -fsanitize=thread; each atomic operation becomes such a call, too. A program that includes
 * this once, and is not linked with ThreadSanitizer, is told of each access before it
 * happens: the includer defines
 *
 *	static void before_access(const volatile void *address, size_t bytes, bool write,
 *				  bool atomic);
 *
 * `bytes`: of a range; 1 where the access is a single one. `atomic`: it reads and writes in
 * one step.
 */
#include <string.h>

/* The names are the compiler's. */
#define ACCESS(name, write)                              \
	void __tsan_##name(void *address);               \
	void __tsan_##name(void *address)                \
	{                                                \
		before_access(address, 1, write, false); \
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

	void __tsan_read_range(void *address, unsigned long size);
void __tsan_read_range(void *address, unsigned long size)
{
	before_access(address, size, false, false);
}

void __tsan_write_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size)
{
	before_access(address, size, true, false);
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
	before_access(to, n, true, false);
	return memset(to, byte, n);
}

void *__tsan_memcpy(void *to, const void *from, unsigned long n);
void *__tsan_memcpy(void *to, const void *from, unsigned long n)
{
	before_access(from, n, false, false);
	before_access(to, n, true, false);
	return memcpy(to, from, n);
}

void *__tsan_memmove(void *to, const void *from, unsigned long n);
void *__tsan_memmove(void *to, const void *from, unsigned long n)
{
	before_access(from, n, false, false);
	before_access(to, n, true, false);
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
		before_access(p, 1, true, true);                                    \
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
		before_access(p, 1, true, true);                                               \
		return __atomic_compare_exchange_n(p, expected, value, weak, __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST);                          \
	}

#define ATOMICS(bits, type)                                                           \
	type __tsan_atomic##bits##_load(const volatile type *p, int order);           \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)            \
	{                                                                             \
		(void)order;                                                          \
		before_access(p, 1, false, false);                                    \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                          \
	}                                                                             \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order);    \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order)     \
	{                                                                             \
		(void)order;                                                          \
		before_access(p, 1, true, false);                                     \
		__atomic_store_n(p, value, __ATOMIC_SEQ_CST);                         \
	}                                                                             \
	type __tsan_atomic##bits##_exchange(volatile type *p, type value, int order); \
	type __tsan_atomic##bits##_exchange(volatile type *p, type value, int order)  \
	{                                                                             \
		(void)order;                                                          \
		before_access(p, 1, true, true);                                      \
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
