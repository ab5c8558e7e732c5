/* SPDX-License-Identifier: MIT */
/*
 * Caller misuse: find out what is wrong with a page that was passed in, and say
 * so through the pool's misuse hook. The pool is left as it was.
 */
#ifndef PB_CORE_MISUSE_H
#define PB_CORE_MISUSE_H

#include "base/frame.h"

/* Who called: the public function, and the address it returns to. */
struct call {
	const char *name;
	const void *caller;
};

/* The return address of the public function in which this stands. WebAssembly has none to tell. */
#ifdef __wasm__
#define CALLER NULL
#else
#define CALLER __builtin_return_address(0)
#endif
#define CALL(name) (&(const struct call){ name, CALLER })

struct misuse {
	enum pb_misuse kind;
	const struct pb_page *page; /* as given, or NULL */
	u64 pfn;                    /* UINT64_MAX: none */
	unsigned int order;         /* as given; flags or node id, by kind */
	unsigned int found;         /* by kind */
};

/* Report the misuse through the hook, or the platform's; always returns PB_EMISUSE. */
int report_misuse(const struct pb_pool *pool, const struct call *call, const struct misuse *what);
/* Find out and report why `page` is not the head of an allocated block of `order`. Returns
   PB_EMISUSE. */
int misuse_page(const struct pb_pool *pool, const struct call *call, const struct pb_page *page,
		unsigned int order);

/* Head of the allocated block that contains the frame, or NO_FRAME. */
u32 block_head(const struct pb_pool *pool, u32 frame);

#endif
