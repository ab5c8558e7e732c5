/* SPDX-License-Identifier: MIT */
/* The running kernel's own mmap() and munmap(), private and anonymous. */
#include <stddef.h>
#include <sys/mman.h>

#include "backend.h"

static inline void *peer_mmap(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline void peer_munmap(void *p, size_t bytes)
{
	/* Too many mappings (vm.max_map_count): the hole can't be made. */
	if (munmap(p, bytes))
		bench_free_failed();
}

#define PEER_NAME "mmap"
#define PEER_ALLOC(bytes) peer_mmap(bytes)
#define PEER_FREE(p, bytes) peer_munmap(p, bytes)
#include "peer_malloc.h"
