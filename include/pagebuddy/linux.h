/* SPDX-License-Identifier: MIT */
/*
 * Linux's names on a default pool: kernel-style code compiles unchanged.
 * Names only; what they do is documented in pagebuddy.h. All are functions, so that a
 * class or a struct may have a member of the same name.
 *
 * The pool is the one given to pb_set_default_pool(), else one that the port
 * makes on first use (linux_user: 256 MiB of anonymous memory, zones DMA and
 * DMA32 as on a small PC; the freestanding port has none).
 */
#ifndef PAGEBUDDY_LINUX_H
#define PAGEBUDDY_LINUX_H

#include <pagebuddy/pagebuddy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The default pool; NULL if none was set and none could be made: then the functions
   below that return a page or an address return NULL (or 0), and the others do nothing. */
PB_API struct pb_pool *pb_default_pool(void);
/* pre: no page of the old default pool is used through these names any more. */
PB_API void pb_set_default_pool(struct pb_pool *pool);

typedef pb_gfp_t gfp_t;
typedef pb_nodemask_t nodemask_t;

/* A frame's record: page + 1 is the next frame of the same block. */
struct page {
	struct pb_page pb;
};

#define __GFP_DMA PB_GFP_DMA
#define __GFP_HIGHMEM PB_GFP_HIGHMEM
#define __GFP_DMA32 PB_GFP_DMA32
#define __GFP_MOVABLE PB_GFP_MOVABLE
#define __GFP_RECLAIMABLE PB_GFP_RECLAIMABLE
#define __GFP_HIGH PB_GFP_HIGH
#define __GFP_IO PB_GFP_IO
#define __GFP_FS PB_GFP_FS
#define __GFP_ZERO PB_GFP_ZERO
#define __GFP_ATOMIC PB_GFP_ATOMIC_BIT
#define __GFP_DIRECT_RECLAIM PB_GFP_DIRECT_RECLAIM
#define __GFP_KSWAPD_RECLAIM PB_GFP_KSWAPD_RECLAIM
#define __GFP_RECLAIM PB_GFP_RECLAIM
#define __GFP_WRITE PB_GFP_WRITE
#define __GFP_NOWARN PB_GFP_NOWARN
#define __GFP_RETRY_MAYFAIL PB_GFP_RETRY_MAYFAIL
#define __GFP_NOFAIL PB_GFP_NOFAIL
#define __GFP_NORETRY PB_GFP_NORETRY
#define __GFP_MEMALLOC PB_GFP_MEMALLOC
#define __GFP_COMP PB_GFP_COMP
#define __GFP_NOMEMALLOC PB_GFP_NOMEMALLOC
#define __GFP_HARDWALL PB_GFP_HARDWALL
#define __GFP_THISNODE PB_GFP_THISNODE
#define __GFP_ACCOUNT PB_GFP_ACCOUNT

#define GFP_ATOMIC PB_GFP_ATOMIC
#define GFP_KERNEL PB_GFP_KERNEL
#define GFP_KERNEL_ACCOUNT PB_GFP_KERNEL_ACCOUNT
#define GFP_NOWAIT PB_GFP_NOWAIT
#define GFP_NOIO PB_GFP_NOIO
#define GFP_NOFS PB_GFP_NOFS
#define GFP_USER PB_GFP_USER
#define GFP_DMA PB_GFP_DMA
#define GFP_DMA32 PB_GFP_DMA32
#define GFP_HIGHUSER PB_GFP_HIGHUSER
#define GFP_HIGHUSER_MOVABLE PB_GFP_HIGHUSER_MOVABLE
#define GFP_TRANSHUGE PB_GFP_TRANSHUGE
#define GFP_TRANSHUGE_LIGHT PB_GFP_TRANSHUGE_LIGHT

#ifndef MAX_ORDER /* number of orders, as in Linux up to 6.3: 0..MAX_ORDER-1 */
#define MAX_ORDER (PB_DEFAULT_MAX_ORDER + 1)
#endif
#define NUMA_NO_NODE PB_NO_NODE
#define MAX_NUMNODES PB_MAX_NODES

#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#endif
#ifndef PAGE_ALIGN
#define PAGE_ALIGN(addr) (((addr) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#endif

/* What all allocations below do; reports of misuse tell `name`. */
static inline struct page *pb_linux_alloc(gfp_t gfp, unsigned int order, int nid,
					  const nodemask_t *mask, const char *name)
{
	struct pb_request request = { gfp, nid, mask, PB_REASON_NONE };

	return (struct page *)pb_request_pages_as(pb_default_pool(), &request, order, name);
}

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return pb_linux_alloc(gfp, order, NUMA_NO_NODE, NULL, "alloc_pages");
}

static inline struct page *alloc_page(gfp_t gfp)
{
	return pb_linux_alloc(gfp, 0, NUMA_NO_NODE, NULL, "alloc_page");
}

static inline struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return pb_linux_alloc(gfp, order, nid, NULL, "alloc_pages_node");
}

static inline struct page *__alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return pb_linux_alloc(gfp, order, nid, NULL, "__alloc_pages_node");
}

static inline struct page *__alloc_pages_nodemask(gfp_t gfp, unsigned int order, int nid,
						  nodemask_t *mask)
{
	return pb_linux_alloc(gfp, order, nid, mask, "__alloc_pages_nodemask");
}

static inline struct page *__alloc_pages(gfp_t gfp, unsigned int order, int nid)
{
	return pb_linux_alloc(gfp, order, nid, NULL, "__alloc_pages");
}

static inline void pb_linux_free(struct page *page, unsigned int order, const char *name)
{
	(void)pb_free_pages_as(pb_default_pool(), (struct pb_page *)page, order, name);
}

static inline void __free_pages(struct page *page, unsigned int order)
{
	pb_linux_free(page, order, "__free_pages");
}

static inline void __free_page(struct page *page)
{
	pb_linux_free(page, 0, "__free_page");
}

static inline void *page_address(const struct page *page)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? pb_page_address(pool, (const struct pb_page *)page) : NULL;
}

static inline struct page *virt_to_page(const void *address)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? (struct page *)pb_address_to_page(pool, address) : NULL;
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? (unsigned long)pb_page_to_pfn(pool, (const struct pb_page *)page)
		    : (unsigned long)-1;
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? (struct page *)pb_pfn_to_page(pool, pfn) : NULL;
}

static inline int page_to_nid(const struct page *page)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? pb_page_node(pool, (const struct pb_page *)page) : (int)PB_ENODEV;
}

static inline int page_zonenum(const struct page *page)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? pb_page_zone(pool, (const struct pb_page *)page) : (int)PB_ENODEV;
}

/* Smallest order whose block holds so many bytes; 0 bytes: 52 as on 64-bit Linux. */
static inline unsigned int get_order(size_t size)
{
	unsigned int order = 0;

	if (!size)
		return 64 - PAGE_SHIFT;
	for (size = (size - 1) >> PAGE_SHIFT; size; size >>= 1)
		order++;
	return order;
}

/* HIGHMEM has no linear address, so the flag is dropped, as Linux does. */
static inline unsigned long pb_linux_get(gfp_t gfp, unsigned int order, const char *name)
{
	struct page *page = pb_linux_alloc(gfp & ~__GFP_HIGHMEM, order, NUMA_NO_NODE, NULL, name);

	return page ? (unsigned long)page_address(page) : 0;
}

static inline unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	return pb_linux_get(gfp, order, "__get_free_pages");
}

static inline unsigned long __get_free_page(gfp_t gfp)
{
	return pb_linux_get(gfp, 0, "__get_free_page");
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return pb_linux_get(gfp | __GFP_ZERO, 0, "get_zeroed_page");
}

static inline void free_pages(unsigned long address, unsigned int order)
{
	if (address)
		pb_linux_free(virt_to_page((void *)address), order, "free_pages");
}

static inline void free_page(unsigned long address)
{
	if (address)
		pb_linux_free(virt_to_page((void *)address), 0, "free_page");
}

static inline void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	struct pb_request request = { gfp & ~__GFP_HIGHMEM, NUMA_NO_NODE, NULL, PB_REASON_NONE };
	struct pb_pool *pool = pb_default_pool();
	struct pb_page *page = pb_request_exact_as(pool, &request, PAGE_ALIGN(size) >> PAGE_SHIFT,
						   "alloc_pages_exact");

	return page ? pb_page_address(pool, page) : NULL;
}

static inline void free_pages_exact(void *address, size_t size)
{
	if (address)
		(void)pb_free_exact_as(pb_default_pool(), (struct pb_page *)virt_to_page(address),
				       PAGE_ALIGN(size) >> PAGE_SHIFT, "free_pages_exact");
}

static inline void split_page(struct page *page, unsigned int order)
{
	(void)pb_split_page_as(pb_default_pool(), (struct pb_page *)page, order, "split_page");
}

static inline void get_page(struct page *page)
{
	(void)pb_get_page_as(pb_default_pool(), (struct pb_page *)page, "get_page");
}

static inline void put_page(struct page *page)
{
	(void)pb_put_page_as(pb_default_pool(), (struct pb_page *)page, "put_page");
}

static inline int page_count(const struct page *page)
{
	struct pb_pool *pool = pb_default_pool();

	return pool ? (int)pb_page_count(pool, (const struct pb_page *)page) : 0;
}

#ifdef __cplusplus
}
#endif
#endif
