/* SPDX-License-Identifier: MIT */
/* Every load and store of what is compiled with -fsanitize=thread, told to the simulated
   machine: of a range, each of its lines. */
#include "machine.h"

static void before_access(const volatile void *address, size_t bytes, bool write, bool atomic)
{
	uintptr_t at = (uintptr_t)address, end = at + bytes;

	for (; at < end; at = (at | 63) + 1)
		sim_access((const void *)at, write, atomic);
}

#include "access_calls.h"
