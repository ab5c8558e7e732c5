/* SPDX-License-Identifier: MIT */
/*
 * Pools in anonymous memory, the default pool of linux.h, and fork.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define ONE_THREAD __libc_single_threaded
#else
#define ONE_THREAD false /* not known */
#endif

#include "alloc/give_up.h"
#include "pcp/depot.h"
#include "pcp/pcp.h"
#include "self.h"
#include "pcp/shared.h"

#include <pagebuddy/linux.h>
#include <pagebuddy/linux_user.h>

/* -------------------------------------------------------------------- fork */

/* Pools made here, so that their locks can be held across fork(): handles of our own,
   as the caller may copy his, return it by value, or let it go out of scope. */
static struct pb_pool pools[64];
static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
/* Held while the default pool is made; before pools_lock. Not a pthread_once_t: one
   that fork cuts short may never end in the child. */
static pthread_mutex_t making_lock = PTHREAD_MUTEX_INITIALIZER;
static bool forked_alone; /* the last fork was of a process with one thread */

/* In the order of the core: whoever recomputes sizes waits for the areas. */
static void lock_pool(struct pb_pool *pool)
{
	pool_enter(pool);
	pb_platform_lock(&pool->super->sizes_lock);
	(void)lock_everything(pool); /* this port masks nothing */
}

static void unlock_pool(struct pb_pool *pool)
{
	unlock_everything(pool, 0);
	pb_platform_unlock(&pool->super->sizes_lock);
	pool_leave(pool);
}

/* pre: per-CPU lists are empty, so a frame without owner is free or lost. */
static void free_lost_frames(struct pb_pool *pool, struct zone *zone)
{
	u64 frame = zone_first_frame(pool, zone);
	u64 end = frame + zone_nr_frames(pool, zone);

	while (frame < end) {
		u8 word = load_relaxed(&pool->pages[frame].state);
		int order = 0;

		if (word & PB_PAGE_HEAD)
			order = word & PB_PAGE_ORDER;
		else if (!word)
			order = covering_order(pool, (u32)frame);
		if (order < 0) {
			free_one_page(pool, zone, NO_CPU, (u32)frame, 0);
			order = 0;
		}
		frame = (frame | (((u64)1 << order) - 1)) + 1;
	}
}

/*
 * A thread of the parent may have been between a list and the page byte, with a
 * block in its hands that has no owner yet, or none any more. The locks don't
 * tell, as the fast paths take none. Here this thread is gone: the block is free.
 */
static void take_over_pool(struct pb_pool *pool)
{
	struct pb_pool quiet = *pool;

	/* What the trace hook needs may be locked until the program's own handler
	   has run, which is after this one. */
	quiet.hooks.trace = NULL;
	depot_reopen(&quiet); /* another thread may have been draining */
	pb_drain(&quiet, -1);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		free_lost_frames(&quiet, pool_zone(&quiet, z));
}

static void each_pool(void (*work)(struct pb_pool *pool))
{
	for (unsigned int i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (pools[i].super)
			work(&pools[i]);
}

static void before_fork(void)
{
	pthread_mutex_lock(&making_lock);
	pthread_mutex_lock(&pools_lock);
	forked_alone = ONE_THREAD;
	each_pool(lock_pool);
}

static void after_fork(void)
{
	each_pool(unlock_pool);
	pthread_mutex_unlock(&pools_lock);
	pthread_mutex_unlock(&making_lock);
}

static void after_fork_in_child(void)
{
	pb_user_forget_self();
	each_pool(unlock_pool);
	if (!forked_alone) /* else the child's pools are the parent's to the bit */
		each_pool(take_over_pool);
	pthread_mutex_unlock(&pools_lock);
	pthread_mutex_unlock(&making_lock);
}

/*
 * Before the program can register handlers of its own: then its own locks are
 * taken before these and released after them, and its handlers may use a pool.
 * The other way round fork would wait for a lock of the program whose holder
 * waits for a pool.
 */
static __attribute__((constructor(101))) void register_fork(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* The entry of the pool whose metadata are there (NULL: of none) becomes this one. */
static void remember(const struct pb_super *metadata, const struct pb_pool *pool)
{
	pthread_mutex_lock(&pools_lock);
	for (unsigned int i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (pools[i].super == metadata) {
			pools[i] = *pool;
			break;
		}
	pthread_mutex_unlock(&pools_lock);
}

/* ------------------------------------------------------------------- pools */

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int no_memory(struct pb_error *error)
{
	static const struct pb_error text = { PB_ENOMEM, UINT32_MAX,
					      "mmap refused the memory that was asked for" };

	if (error)
		*error = text;
	return PB_ENOMEM;
}

/* Which region's frames would have addresses outside the mapping? */
static int check_mapping(const struct pb_config *config, size_t memory_bytes,
			 struct pb_error *error)
{
	uint64_t first = config->linear_pfn, pages = memory_bytes >> config->page_shift;

	for (uint32_t i = 0; i < config->nr_regions; i++) {
		const struct pb_region *r = &config->regions[i];

		if (r->kind == PB_REGION_RESERVED || r->zone == PB_ZONE_HIGHMEM)
			continue; /* HIGHMEM has no linear address */
		if (r->start_pfn >= first && r->end_pfn - first <= pages)
			continue;
		if (!error)
			return PB_EREGION;
		error->code = PB_EREGION;
		error->region = i;
		snprintf(error->text, sizeof(error->text),
			 "region %" PRIu32 ": pfn 0x%" PRIx64 " to 0x%" PRIx64
			 " lies outside memory_bytes, which is pfn 0x%" PRIx64
			 " (linear_pfn) to 0x%" PRIx64,
			 i, r->start_pfn, r->end_pfn, first, first + pages);
		return PB_EREGION;
	}
	return PB_OK;
}

/* No allocation is to wait for a huge page (100 us, 5 ms where memory is fragmented)
   without need: the byte map's first is had now, and lists that are hardly used, of
   terabytes at that, are better kept in small pages. */
static void prepare_pages(struct pb_pool *pool)
{
	const uintptr_t huge = (uintptr_t)2 << 20;
	uintptr_t start = (uintptr_t)pool_at(pool, pool->super->bitmaps);
	uintptr_t end = (uintptr_t)pool_at(pool, pool->super->percpu) & ~(huge - 1);

	*(volatile uint8_t *)&pool->pages->state = pool->pages->state;
	start = (start + huge - 1) & ~(huge - 1);
	if (start < end)
		(void)madvise((void *)start, end - start, MADV_NOHUGEPAGE);
}

/* pre: config->linear is what memory_bytes asks for. */
static int create_metadata(struct pb_pool *pool, const struct pb_config *config,
			   size_t memory_bytes, const struct pb_hooks *hooks,
			   struct pb_error *error)
{
	size_t bytes;
	int code = pb_pool_size(config, &bytes, error);
	void *metadata;

	if (!code && memory_bytes)
		code = check_mapping(config, memory_bytes, error);
	if (code)
		return code;
	metadata = map(bytes);
	if (!metadata)
		return no_memory(error);
	/* fewer faults; not every kernel has huge pages */
	(void)madvise(metadata, bytes, MADV_HUGEPAGE);
	code = pb_pool_init(pool, config, metadata, bytes, true, hooks, error);
	if (code)
		munmap(metadata, bytes);
	return code;
}

/* Few regions are sorted as fast without memory for it. */
#define SORTS_BY_ITSELF 256u

/* As create_metadata(), with memory to sort many regions in. */
static int create_sorting(struct pb_pool *pool, const struct pb_config *config, size_t memory_bytes,
			  const struct pb_hooks *hooks, struct pb_error *error)
{
	struct pb_config sorting = *config;
	size_t bytes = (size_t)config->nr_regions * sizeof(*sorting.region_order);
	int code;

	if (config->region_order || config->nr_regions < SORTS_BY_ITSELF)
		return create_metadata(pool, config, memory_bytes, hooks, error);
	sorting.region_order = map(bytes);
	if (!sorting.region_order)
		return no_memory(error);
	code = create_metadata(pool, &sorting, memory_bytes, hooks, error);
	munmap(sorting.region_order, bytes);
	return code;
}

int pb_user_pool_create(struct pb_pool *pool, struct pb_config *config, size_t memory_bytes,
			const struct pb_hooks *hooks, struct pb_error *error)
{
	void *linear = config->linear;
	int code;

	memset(pool, 0, sizeof(*pool));
	if (memory_bytes) {
		config->linear = map(memory_bytes);
		if (!config->linear) {
			config->linear = linear;
			return no_memory(error);
		}
	}
	code = create_sorting(pool, config, memory_bytes, hooks, error);
	if (code) {
		if (memory_bytes)
			munmap(config->linear, memory_bytes);
		config->linear = linear;
		return code;
	}
	prepare_pages(pool);
	pool->priv[0] = memory_bytes ? config->linear : NULL;
	pool->priv[1] = (void *)memory_bytes;
	remember(NULL, pool);
	return PB_OK;
}

void pb_user_pool_destroy(struct pb_pool *pool)
{
	static const struct pb_pool none;

	if (!pool->super)
		return;
	pb_user_background_stop(pool);
	remember(pool->super, &none);
	if (pool->priv[0])
		munmap(pool->priv[0], (size_t)pool->priv[1]);
	munmap(pool->super, (size_t)pool->super->bytes);
	pb_pool_destroy(pool);
}

/* The mapping is private and anonymous: what is dropped there reads as zero. */
enum pb_reported pb_user_report(void *ctx, struct pb_pool *pool, uint64_t pfn, uint64_t nr_pages)
{
	uint64_t first = pfn - pool->super->linear_pfn, mapped = (uintptr_t)pool->priv[1];
	unsigned char *linear = pool->priv[0];

	(void)ctx;
	mapped >>= pool->page_shift;
	if (!linear || pfn < pool->super->linear_pfn || first > mapped ||
	    nr_pages > mapped - first ||
	    zone_of_frame(pool, pfn_to_frame(pool, pfn))->type == PB_ZONE_HIGHMEM)
		return PB_REPORT_REFUSED;
	return madvise(linear + (first << pool->page_shift), (size_t)nr_pages << pool->page_shift,
		       MADV_DONTNEED)
		       ? PB_REPORT_REFUSED
		       : PB_REPORT_CLEARED;
}

const char *pb_user_percpu_mode(const struct pb_pool *pool)
{
	static const char *const names[] = { "none", "trylock", "rseq", "rseq-cid" };

	return names[pool->percpu_mode];
}

/* ------------------------------------------------------------ default pool */

#define DEFAULT_BYTES ((size_t)256 << 20)
#define DMA_PFNS 4096 /* 16 MiB */

static struct pb_pool own_pool;
static bool own_pool_tried;
static _Atomic(struct pb_pool *) default_pool;

/* Once. pre: making_lock is held. */
static void make_default_pool(void)
{
	const struct pb_region regions[] = {
		{ 0, DMA_PFNS, 0, PB_ZONE_DMA, PB_REGION_USABLE },
		{ DMA_PFNS, DEFAULT_BYTES >> 12, 0, PB_ZONE_DMA32, PB_REGION_USABLE },
		{ 0, 1, 0, 0, PB_REGION_RESERVED }, /* address 0 of a kernel is no memory */
	};
	struct pb_config config;
	struct pb_pool *none = NULL;

	if (own_pool_tried || atomic_load(&default_pool))
		return;
	own_pool_tried = true;
	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = sizeof(regions) / sizeof(regions[0]);
	config.flags = PB_POOL_REFCOUNT;
	if (!pb_user_pool_create(&own_pool, &config, DEFAULT_BYTES, NULL, NULL))
		atomic_compare_exchange_strong(&default_pool, &none, &own_pool);
}

struct pb_pool *pb_default_pool(void)
{
	struct pb_pool *pool = atomic_load_explicit(&default_pool, memory_order_acquire);

	if (pool)
		return pool;
	pthread_mutex_lock(&making_lock);
	make_default_pool();
	pthread_mutex_unlock(&making_lock);
	return atomic_load_explicit(&default_pool, memory_order_acquire);
}

void pb_set_default_pool(struct pb_pool *pool)
{
	atomic_store_explicit(&default_pool, pool, memory_order_release);
}
