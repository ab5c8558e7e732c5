/* SPDX-License-Identifier: MIT */
/*
 * Pools in anonymous memory, the default pool of linux.h, and fork.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagebuddy/linux.h>
#include <pagebuddy/linux_user.h>

#include "pcp.h"

/* -------------------------------------------------------------------- fork */

/* Pools made here, so that their locks can be held across fork(). */
static struct pb_pool *pools[64];
static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void lock_pool(struct pb_pool *pool)
{
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
		while (!pcp_trylock(pcp_area(pool, cpu)))
			pb_platform_relax();
	if (pool->percpu_mode == PCP_MODE_RSEQ)
		for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
			pb_platform_fence_cpu(pool, cpu);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		pb_platform_lock(&pool_zone(pool, z)->lock);
	for (u32 s = 0; s < pool->super->nr_stripes; s++)
		pb_platform_lock(&pool_stripe(pool, s)->lock);
}

static void unlock_pool(struct pb_pool *pool)
{
	for (u32 s = 0; s < pool->super->nr_stripes; s++)
		pb_platform_unlock(&pool_stripe(pool, s)->lock);
	for (u32 z = 0; z < pool->super->nr_zones; z++)
		pb_platform_unlock(&pool_zone(pool, z)->lock);
	for (u32 cpu = 0; cpu < pool->percpu_cpus; cpu++)
		pcp_unlock(pcp_area(pool, cpu));
}

static void before_fork(void)
{
	pthread_mutex_lock(&pools_lock);
	for (unsigned int i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (pools[i])
			lock_pool(pools[i]);
}

static void after_fork(void)
{
	for (unsigned int i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (pools[i])
			unlock_pool(pools[i]);
	pthread_mutex_unlock(&pools_lock);
}

static void register_fork(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

static void remember(struct pb_pool *pool, struct pb_pool *instead_of)
{
	pthread_once(&fork_once, register_fork);
	pthread_mutex_lock(&pools_lock);
	for (unsigned int i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
		if (pools[i] == instead_of) {
			pools[i] = pool;
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

int pb_user_pool_create(struct pb_pool *pool, struct pb_config *config, size_t memory_bytes,
			const struct pb_hooks *hooks, struct pb_error *error)
{
	size_t bytes;
	int code = pb_pool_size(config, &bytes, error);
	void *metadata;

	memset(pool, 0, sizeof(*pool));
	if (code)
		return code;
	if (memory_bytes) {
		config->linear = map(memory_bytes);
		if (!config->linear)
			return no_memory(error);
	}
	metadata = map(bytes);
	code = metadata ? pb_pool_init(pool, config, metadata, bytes, true, hooks, error) :
			  no_memory(error);
	if (code) {
		if (metadata)
			munmap(metadata, bytes);
		if (memory_bytes)
			munmap(config->linear, memory_bytes);
		return code;
	}
	pool->priv[0] = memory_bytes ? config->linear : NULL;
	pool->priv[1] = (void *)memory_bytes;
	remember(pool, NULL);
	return PB_OK;
}

void pb_user_pool_destroy(struct pb_pool *pool)
{
	if (!pool->super)
		return;
	remember(NULL, pool);
	if (pool->priv[0])
		munmap(pool->priv[0], (size_t)pool->priv[1]);
	munmap(pool->super, (size_t)pool->super->bytes);
	pb_pool_destroy(pool);
}

const char *pb_user_percpu_mode(const struct pb_pool *pool)
{
	static const char *const names[] = { "none", "trylock", "rseq" };

	return names[pool->percpu_mode];
}

/* ------------------------------------------------------------ default pool */

#define DEFAULT_BYTES ((size_t)256 << 20)
#define DMA_PFNS 4096 /* 16 MiB */

static struct pb_pool own_pool;
static _Atomic(struct pb_pool *) default_pool;
static pthread_once_t default_once = PTHREAD_ONCE_INIT;

static void make_default_pool(void)
{
	const struct pb_region regions[] = {
		{ 0, DMA_PFNS, 0, PB_ZONE_DMA, PB_REGION_USABLE },
		{ DMA_PFNS, DEFAULT_BYTES >> 12, 0, PB_ZONE_DMA32, PB_REGION_USABLE },
		{ 0, 1, 0, 0, PB_REGION_RESERVED }, /* address 0 of a kernel is no memory */
	};
	struct pb_config config;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct pb_pool *none = NULL;

	if (atomic_load(&default_pool))
		return;
	pb_config_init(&config);
	config.regions = regions;
	config.nr_regions = sizeof(regions) / sizeof(regions[0]);
	config.nr_cpus = cpus < 1 ? 1 : cpus > PB_MAX_CPUS ? PB_MAX_CPUS : (u32)cpus;
	config.flags = PB_POOL_REFCOUNT;
	if (!pb_user_pool_create(&own_pool, &config, DEFAULT_BYTES, NULL, NULL))
		atomic_compare_exchange_strong(&default_pool, &none, &own_pool);
}

struct pb_pool *pb_default_pool(void)
{
	struct pb_pool *pool = atomic_load_explicit(&default_pool, memory_order_acquire);

	if (pool)
		return pool;
	pthread_once(&default_once, make_default_pool);
	return atomic_load_explicit(&default_pool, memory_order_acquire);
}

void pb_set_default_pool(struct pb_pool *pool)
{
	atomic_store_explicit(&default_pool, pool, memory_order_release);
}
