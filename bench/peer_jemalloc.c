/* SPDX-License-Identifier: MIT */
/* jemalloc (Debian: libjemalloc-dev), by its extended interface with sized frees. */
#include <jemalloc/jemalloc.h>

#define PEER_NAME "jemalloc"
#define PEER_ALLOC(bytes) mallocx(bytes, MALLOCX_LG_ALIGN(12))
#define PEER_FREE(p, bytes) sdallocx(p, bytes, MALLOCX_LG_ALIGN(12))
#include "peer_malloc.h"
