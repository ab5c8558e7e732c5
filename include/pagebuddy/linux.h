/* SPDX-License-Identifier: MIT */
/*
 * Linux's names on a default pool: kernel-style code compiles unchanged.
 * Names only; what they do is documented in pagebuddy.h.
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

/* The default pool; NULL if none was set and none could be made. */
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

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return (struct page *)pb_alloc_pages(pb_default_pool(), gfp, order);
}

static inline struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return (struct page *)pb_alloc_pages_node(pb_default_pool(), nid, gfp, order);
}

static inline struct page *__alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return (struct page *)pb__alloc_pages_node(pb_default_pool(), nid, gfp, order);
}

static inline struct page *__alloc_pages_nodemask(gfp_t gfp, unsigned int order, int nid,
						  nodemask_t *mask)
{
	return (struct page *)pb_alloc_pages_nodemask(pb_default_pool(), gfp, order, nid, mask,
						      NULL);
}

static inline struct page *__alloc_pages(gfp_t gfp, unsigned int order, int nid)
{
	return __alloc_pages_nodemask(gfp, order, nid, NULL);
}

#define alloc_page(gfp) alloc_pages(gfp, 0)

static inline void __free_pages(struct page *page, unsigned int order)
{
	(void)pb_free_pages(pb_default_pool(), &page->pb, order);
}

#define __free_page(page) __free_pages(page, 0)

static inline void *page_address(const struct page *page)
{
	return pb_page_address(pb_default_pool(), &page->pb);
}

static inline struct page *virt_to_page(const void *address)
{
	return (struct page *)pb_address_to_page(pb_default_pool(), address);
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return (unsigned long)pb_page_to_pfn(pb_default_pool(), &page->pb);
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return (struct page *)pb_pfn_to_page(pb_default_pool(), pfn);
}

static inline int page_to_nid(const struct page *page)
{
	return pb_page_node(pb_default_pool(), &page->pb);
}

static inline int page_zonenum(const struct page *page)
{
	return pb_page_zone(pb_default_pool(), &page->pb);
}

static inline unsigned int get_order(size_t size)
{
	return pb_get_order(pb_default_pool(), size);
}

/* HIGHMEM has no linear address, so the flag is dropped, as Linux does. */
static inline unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp & ~__GFP_HIGHMEM, order);

	return page ? (unsigned long)page_address(page) : 0;
}

#define __get_free_page(gfp) __get_free_pages(gfp, 0)

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

static inline void free_pages(unsigned long address, unsigned int order)
{
	if (address)
		__free_pages(virt_to_page((void *)address), order);
}

#define free_page(address) free_pages(address, 0)

static inline void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	struct pb_page *page = pb_alloc_exact(pb_default_pool(), gfp & ~__GFP_HIGHMEM,
					      PAGE_ALIGN(size) >> PAGE_SHIFT);

	return page ? pb_page_address(pb_default_pool(), page) : NULL;
}

static inline void free_pages_exact(void *address, size_t size)
{
	struct pb_pool *pool = pb_default_pool();

	if (address)
		(void)pb_free_exact(pool, pb_address_to_page(pool, address),
				    PAGE_ALIGN(size) >> PAGE_SHIFT);
}

static inline void split_page(struct page *page, unsigned int order)
{
	(void)pb_split_page(pb_default_pool(), &page->pb, order);
}

static inline void get_page(struct page *page)
{
	(void)pb_get_page(pb_default_pool(), &page->pb);
}

static inline void put_page(struct page *page)
{
	(void)pb_put_page(pb_default_pool(), &page->pb);
}

static inline int page_count(const struct page *page)
{
	return (int)pb_page_count(pb_default_pool(), &page->pb);
}

#ifdef __cplusplus
}
#endif
#endif
