/* SPDX-License-Identifier: MIT */
/* The C library's own malloc (ptmalloc). */
#include <stdlib.h>

#define PEER_NAME "glibc"
#define PEER_ALLOC(bytes) aligned_alloc(4096, bytes)
#define PEER_FREE(p, bytes) ((void)(bytes), free(p))
#include "peer_malloc.h"
