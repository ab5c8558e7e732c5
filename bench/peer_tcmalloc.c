/* SPDX-License-Identifier: MIT */
/* gperftools' tcmalloc (Debian: libgoogle-perftools-dev), with sized frees. */
#include <gperftools/tcmalloc.h>

#define PEER_NAME "tcmalloc"
#define PEER_ALLOC(bytes) tc_memalign(4096, bytes)
#define PEER_FREE(p, bytes) tc_free_sized(p, bytes)
#include "peer_malloc.h"
