/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "call_chain.h"

/*
 * Beginnings of the names of functions that do not say who asked, of any kernel. First the
 * allocator's own, which every request passes; then those that ask for somebody else or
 * print, which a kernel log's stack has besides.
 */
static const char *const allocator[] = {
	"post_alloc_hook",
	"prep_new_page",
	"get_page_from_freelist",
	"__alloc_page",
	"alloc_page",
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

static const char *const go_between[] = {
	"dump_stack",
	"show_stack",
	"dump_backtrace",
	"unwind_backtrace",
	"__dump_stack",
	"warn_alloc",
	"alloc_kmem_pages",
	"alloc_fresh_huge",
	"dma_alloc",
	"__dma_alloc",
	"__dma_direct",
	"mem_cgroup_o",
	"pagefault_out_of_memory",
	"swiotlb_alloc",
	"x86_swiotlb",
	"mips_dma_alloc",
	"dma_direct_alloc",
	"alloc_large",
	"kmem_cache",
	"__vmalloc",
	"vmalloc",
	"vzalloc",
	"page_frag_alloc",
	"__page_frag",
	"__alloc_skb",
	"__build_skb",
	"__netdev_alloc",
	"__napi_alloc",
	"netdev_alloc",
	"napi_alloc",
	"alloc_skb",
	"dump_header",
	"oom_kill_process",
	"out_of_memory",
	"mem_cgroup_out_of_memory",
	"try_charge",
	"charge_memcg",
	"mem_cgroup_charge",
	"__mem_cgroup_charge",
	"mem_cgroup_try_charge",
	"pagefault_out",
	"alloc_anon_page",
	"do_anonymous_page",
	"alloc_buddy_huge",
	"__alloc_contig",
	/* the ways into the kernel, which are all that is left of a stack that was cut */
	"entry_SYSCALL",
	"entry_INT80",
	"entry_SYSENTER",
	"do_syscall_64",
	"x64_sys_call",
	"do_int80_syscall",
	"do_fast_syscall",
	"__do_fast_syscall",
	"do_SYSENTER",
	"el0_",
	"el0t_",
	"el1_",
	"el1h_",
	"do_el0_svc",
	"invoke_syscall",
	"ret_fast_syscall",
	"vector_swi",
	"system_call",
	"do_trap_ecall",
	"ret_from_syscall",
	"ret_from_exception",
	"ret_from_fork",
	"ret_from_kernel_thread",
	"asm_exc_",
	"asm_sysvec_",
};

static bool begins_with_one(const char *name, const char *const *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strncmp(name, list[i], strlen(list[i])))
			return true;
	return false;
}

bool pb_is_allocator(const char *name)
{
	return begins_with_one(name, allocator, sizeof(allocator) / sizeof(allocator[0]));
}

bool pb_is_go_between(const char *name)
{
	return pb_is_allocator(name) ||
	       begins_with_one(name, go_between, sizeof(go_between) / sizeof(go_between[0]));
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
