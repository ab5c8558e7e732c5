/* SPDX-License-Identifier: MIT */
/*
 * The call chain of an event, from the functions as they are printed one a line:
 *
 *	__alloc_pages, alloc_pages_vma, do_anonymous_page, handle_mm_fault, ...
 *	`------- the allocator -------' `-- who asked --'
 *	-> "do_anonymous_page < handle_mm_fault < ..."
 */
#ifndef PB_TRACE_CALL_CHAIN_H
#define PB_TRACE_CALL_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_CHAIN_SIZE 256     /* bytes, with the NUL */
#define PB_CHAIN_DEPTH 8      /* functions kept */
#define PB_MAX_CHAINS 131072u /* different ones; a later one has no number */

/* Is it one of the functions that every request passes? */
bool pb_is_allocator(const char *name);
/* Or one that asks for somebody else (slab, skb, dma, vmalloc ...) or prints the stack? */
bool pb_is_go_between(const char *name);

struct pb_chain {
	char text[PB_CHAIN_SIZE]; /* outside the allocator; innermost first, " < " between them */
	size_t len;
	unsigned int depth;
};

void pb_chain_clear(struct pb_chain *chain);
/* "func", "func+0x1c/0x20 (addr)": the next function outward; what is no name is left out. */
void pb_chain_add(struct pb_chain *chain, const char *name, size_t len);
/* The innermost function alone: bytes of it in the text. */
size_t pb_chain_site(const char *text);

/* Chains by number, from 1; the same text has the same number. */
struct pb_chains {
	char **text; /* [nr] */
	uint32_t nr;
	uint32_t *hash;
	uint32_t hash_size;
};

/* 0: there are too many, or no memory. */
uint32_t pb_chains_number(struct pb_chains *chains, const char *text);
void pb_chains_free(struct pb_chains *chains);

#endif
