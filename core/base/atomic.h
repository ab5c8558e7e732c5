/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations. The compiler's builtins, or, on machines that have no instructions for
 * them (PB_NO_ATOMICS, see platform.h: one CPU), plain accesses: a read-modify-write is made
 * with interrupts masked by the port, a load or store of a word is one access anyway.
 */
#ifndef PB_CORE_ATOMIC_H
#define PB_CORE_ATOMIC_H

#include "base/namespace.h"

#include <pagebuddy/platform.h>

#ifndef PB_NO_ATOMICS
#define pb_atomic_load_n __atomic_load_n
#define pb_atomic_store_n __atomic_store_n
#define pb_atomic_exchange_n __atomic_exchange_n
#define pb_atomic_compare_exchange_n __atomic_compare_exchange_n
#define pb_atomic_fetch_add __atomic_fetch_add
#define pb_atomic_fetch_sub __atomic_fetch_sub
#define pb_atomic_fetch_or __atomic_fetch_or
#define pb_atomic_fetch_and __atomic_fetch_and
#define pb_atomic_add_fetch __atomic_add_fetch
#define pb_atomic_thread_fence __atomic_thread_fence
#else
#define pb_atomic_thread_fence(order) __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define pb_atomic_load_n(p, order)                                                 \
	__extension__({                                                            \
		__typeof__(*(p)) value_ = *(const volatile __typeof__(*(p)) *)(p); \
		__atomic_signal_fence(__ATOMIC_SEQ_CST);                           \
		value_;                                                            \
	})
#define pb_atomic_store_n(p, v, order)                   \
	__extension__({                                  \
		__atomic_signal_fence(__ATOMIC_SEQ_CST); \
		*(volatile __typeof__(*(p)) *)(p) = (v); \
	})
/* Gives what was there, and stores `new_`, which may be made of `old_`. */
#define PB_MASKED(p, new_)                                         \
	__extension__({                                            \
		unsigned long state_ = pb_platform_atomic_enter(); \
		__typeof__(*(p)) old_ = *(p);                      \
		*(p) = (new_);                                     \
		pb_platform_atomic_exit(state_);                   \
		old_;                                              \
	})
#define pb_atomic_exchange_n(p, v, order) PB_MASKED(p, v)
#define pb_atomic_fetch_add(p, v, order) PB_MASKED(p, old_ + (v))
#define pb_atomic_fetch_sub(p, v, order) PB_MASKED(p, old_ - (v))
#define pb_atomic_fetch_or(p, v, order) PB_MASKED(p, old_ | (v))
#define pb_atomic_fetch_and(p, v, order) PB_MASKED(p, old_ &(v))
#define pb_atomic_add_fetch(p, v, order) (PB_MASKED(p, old_ + (v)) + (v))
#define pb_atomic_compare_exchange_n(p, expected, v, weak, order, failure)              \
	__extension__({                                                                 \
		__typeof__(*(p)) was_ = PB_MASKED(p, old_ == *(expected) ? (v) : old_); \
		bool same_ = was_ == *(expected);                                       \
		*(expected) = was_;                                                     \
		same_;                                                                  \
	})
#endif

#endif
