/* SPDX-License-Identifier: MIT */
/*
 * Every load and store of shared memory as a scheduling point.
 *
 * The core is compiled with -fsanitize=thread, but linked with the functions of
 * access_calls.h, not with ThreadSanitizer's. An access to the memory that
 * pb_test_share() named is a place where another thread may go on, before it happens.
 */
#include "test_port.h"

static const char *shared_start, *shared_end;
unsigned long pb_test_accesses;

void pb_test_share(const void *start, size_t bytes)
{
	shared_start = start;
	shared_end = shared_start + bytes;
}

static void before_access(const volatile void *address, size_t bytes, bool write, bool atomic)
{
	const char *at = (const char *)address;

	(void)bytes, (void)write, (void)atomic;
	if (at < shared_start || at >= shared_end)
		return;
	pb_test_accesses++;
	pb_test_yield();
}

#include "access_calls.h"
