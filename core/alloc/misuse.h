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

/* Where the public function that says this returns to. WebAssembly keeps that to itself. */
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

/* Reports; always returns PB_EMISUSE. */
int report_misuse(const struct pb_pool *pool, const struct call *call, const struct misuse *what);
/* `page` is not the head of an allocated block of `order`: say why not. */
int misuse_page(const struct pb_pool *pool, const struct call *call, const struct pb_page *page,
		unsigned int order);

/* Head of the allocated block around a frame, or NO_FRAME. */
u32 block_head(const struct pb_pool *pool, u32 frame);

#endif
