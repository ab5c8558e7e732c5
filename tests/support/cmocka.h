/* SPDX-License-Identifier: MIT */
/* cmocka with what it wants included first, and test pools that fail through it. */
#ifndef PB_TESTS_SUPPORT_CMOCKA_H
#define PB_TESTS_SUPPORT_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/pool.h"

#define pb_run_tests(tests) \
	(tp_fail = _fail, cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL))

#endif
