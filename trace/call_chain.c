/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "call_chain.h"

/* Beginnings of the names, of any kernel. */
static const char *const allocator[] = {
	"post_alloc_hook",
	"prep_new_page",
	"get_page_from_freelist",
	"__alloc_page",
	"alloc_page",
	"__alloc_pages",
	"__get_free_page",
	"get_zeroed_page",
	"get_free_page",
	"__set_page_owner",
	"set_page_owner",
	"save_stack",
	"register_early_stack",
	"__folio_alloc",
	"folio_alloc",
	"vma_alloc_folio",
	"alloc_frozen",
	"__alloc_frozen",
	"alloc_slab_page",
	"new_slab",
	"allocate_slab",
	"___slab_alloc",
	"__slab_alloc",
	"slab_alloc",
	"kmem_cache_alloc",
	"__kmem_cache_alloc",
	"kmem_getpages",
	"cache_grow",
	"cache_alloc_refill",
	"fallback_alloc",
	"____cache_alloc",
	"__kmalloc",
	"___kmalloc",
	"__do_kmalloc",
	"kmalloc",
	"krealloc",
	"kvmalloc",
	"__kvmalloc",
	"trace_event_raw_event",
	"perf_trace_",
	"__traceiter_",
	"ftrace_",
	"__ftrace_trace_stack",
};

bool pb_is_allocator(const char *name)
{
	for (size_t i = 0; i < sizeof(allocator) / sizeof(allocator[0]); i++)
		if (!strncmp(name, allocator[i], strlen(allocator[i])))
			return true;
	return false;
}

void pb_chain_clear(struct pb_chain *chain)
{
	chain->text[0] = '\0';
	chain->len = 0;
	chain->depth = 0;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '$';
}

void pb_chain_add(struct pb_chain *chain, const char *name, size_t len)
{
	char copy[128];
	size_t n = 0, between = chain->depth ? 3 : 0;

	while (n < len && n < sizeof(copy) - 1 && is_name(name[n]))
		n++;
	/* "[unknown]", "0xffffffff81172233", or a name too long to be one */
	if (!n || (name[0] >= '0' && name[0] <= '9') || n == sizeof(copy) - 1)
		return;
	memcpy(copy, name, n);
	copy[n] = '\0';
	if (chain->depth == PB_CHAIN_DEPTH || chain->len + between + n >= sizeof(chain->text) ||
	    (!chain->depth && pb_is_allocator(copy)))
		return;
	memcpy(chain->text + chain->len, " < ", between);
	memcpy(chain->text + chain->len + between, copy, n + 1);
	chain->len += between + n;
	chain->depth++;
}

size_t pb_chain_site(const char *text)
{
	const char *end = strstr(text, " < ");

	return end ? (size_t)(end - text) : strlen(text);
}

/* ------------------------------------------------------------------- numbers */

static uint32_t *place_of(const struct pb_chains *chains, const char *text)
{
	uint32_t hash = 2166136261u, mask = chains->hash_size - 1;

	for (const char *at = text; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	for (hash &= mask; chains->hash[hash]; hash = (hash + 1) & mask)
		if (!strcmp(chains->text[chains->hash[hash] - 1], text))
			break;
	return &chains->hash[hash];
}

static bool grow(struct pb_chains *chains)
{
	uint32_t room = chains->nr ? 2 * chains->nr : 256;
	char **text = realloc(chains->text, room * sizeof(*text));
	uint32_t *hash = text ? calloc(2 * (size_t)room, sizeof(*hash)) : NULL;

	if (text)
		chains->text = text;
	if (!hash)
		return false;
	free(chains->hash);
	chains->hash = hash;
	chains->hash_size = 2 * room;
	for (uint32_t i = 0; i < chains->nr; i++)
		*place_of(chains, chains->text[i]) = i + 1;
	return true;
}

uint32_t pb_chains_number(struct pb_chains *chains, const char *text)
{
	uint32_t *place;

	/* full at 256, 512, ...: then half of the hash is in use */
	if (2 * chains->nr == chains->hash_size && !grow(chains))
		return 0;
	place = place_of(chains, text);
	if (*place || chains->nr == PB_MAX_CHAINS)
		return *place;
	chains->text[chains->nr] = strdup(text);
	if (!chains->text[chains->nr])
		return 0;
	*place = ++chains->nr;
	return *place;
}

void pb_chains_free(struct pb_chains *chains)
{
	for (uint32_t i = 0; i < chains->nr; i++)
		free(chains->text[i]);
	free(chains->text);
	free(chains->hash);
	*chains = (struct pb_chains){ 0 };
}
