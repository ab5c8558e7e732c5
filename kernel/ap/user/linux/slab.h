/* SPDX-License-Identifier: MIT */
/* kvcalloc() and kvfree() over the C library: bookkeeping, not the pool's frames. */
#ifndef AP_USER_SLAB_H
#define AP_USER_SLAB_H

#include <stdlib.h>

#define kvcalloc(n, size, gfp) ((void)(gfp), calloc(n, size))
#define kvfree(p) free(p)

#endif
