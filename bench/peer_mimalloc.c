/* SPDX-License-Identifier: MIT */
/* mimalloc (Debian: libmimalloc-dev), by its own aligned entry points. */
#include <mimalloc.h>

#define PEER_NAME "mimalloc"
#define PEER_ALLOC(bytes) mi_malloc_aligned(bytes, 4096)
#define PEER_FREE(p, bytes) mi_free_size_aligned(p, bytes, 4096)
#include "peer_malloc.h"
