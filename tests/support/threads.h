/* SPDX-License-Identifier: MIT */
/*
 * For tests whose threads assert. cmocka's own assertions know the main thread only: in
 * another one they end the program with status 255, and what they had to say is lost. Here
 * they say it at once, wherever they run; in the main thread the test has failed and the
 * next one runs, in another thread the program ends with status 1.
 */
#ifndef PB_TESTS_SUPPORT_THREADS_H
#define PB_TESTS_SUPPORT_THREADS_H

#include <unistd.h>

#include "support/cmocka.h"

static inline void tp_fail_thread(const char *file, int line)
{
	if (gettid() == getpid())
		_fail(file, line);
	fprintf(stderr,
		"%s:%d: the assertion failed in a thread of the test: nothing else is run\n", file,
		line);
	fflush(NULL);
	_exit(1);
}

#undef assert_int_equal
#undef assert_int_not_equal
#undef assert_in_range
#undef assert_true
#undef assert_false
#undef assert_null
#undef assert_non_null
#undef assert_ptr_equal
#undef assert_ptr_not_equal

#define tp_compare(a, op, b)                                                                    \
	do {                                                                                    \
		long long tp_found = (long long)(a), tp_expected = (long long)(b);              \
                                                                                                \
		tp_require(tp_found op tp_expected, "%s is %lld, and %lld is not " #op " %lld", \
			   #a, tp_found, tp_found, tp_expected);                                \
	} while (0)
#define assert_int_equal(a, b) tp_compare(a, ==, b)
#define assert_int_not_equal(a, b) tp_compare(a, !=, b)
#define assert_in_range(a, least, most)   \
	do {                              \
		tp_compare(a, >=, least); \
		tp_compare(a, <=, most);  \
	} while (0)
#define assert_true(a) tp_require(a, "it is not true")
#define assert_false(a) tp_require(!(a), "it is true")
#define assert_null(a) tp_require(!(a), "it is not NULL")
#define assert_non_null(a) tp_require(a, "it is NULL")
#define assert_ptr_equal(a, b) \
	tp_require((a) == (b), "%p, %p", (const void *)(a), (const void *)(b))
#define assert_ptr_not_equal(a, b) tp_require((a) != (b), "%p", (const void *)(a))

#define pb_run_threaded_tests(tests) \
	(tp_fail = tp_fail_thread, cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL))

#endif
