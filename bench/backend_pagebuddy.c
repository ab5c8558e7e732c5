/* SPDX-License-Identifier: MIT */
/*
 * The library under test, in its variants: one instance of the workloads, several
 * configurations of the pool. The pool manages addresses only; nothing is behind
 * its frames. Called through the exported functions.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include <pagebuddy/pagebuddy.h>

#include "verify.h"

#define FIRST_PFN 0x100000ull /* 4 GiB: where a machine's NORMAL zone would start */

struct bench_pool {
	struct pb_pool pool;
	void *memory;
	size_t bytes;
	u64 pages;
	u64 *stamp; /* [frames], only when verifying */
};

#define BK_CTX struct bench_pool
#define BK_ALLOC(c, order) ((void *)pb_alloc_pages(&(c)->pool, PB_GFP_KERNEL, order))
#define BK_FREE(c, p, order) ((void)pb_free_pages(&(c)->pool, p, order))
#define BK_DRAIN(c) pb_drain(&(c)->pool, -1)
#define BK_VERIFY_TAKE(c, p, order) \
	verify_take(pool_stamp(c, p, order), 8, pool_frame(c, p), order, false)
#define BK_VERIFY_GIVE(c, p, order) verify_give(pool_stamp(c, p, order), 8, pool_frame(c, p), order)

static inline u64 pool_frame(struct bench_pool *c, void *p)
{
	return pb_page_to_index(&c->pool, p);
}

static inline u64 *pool_stamp(struct bench_pool *c, void *p, unsigned int order)
{
	u64 frame = pool_frame(c, p);
	u64 pfn = pb_page_to_pfn(&c->pool, p);

	if (pfn < FIRST_PFN || pfn + (1ull << order) > FIRST_PFN + c->pages)
		verify_failed("is outside the pool", frame, order);
	if (pfn & ((1ull << order) - 1))
		verify_failed("is not aligned to its order", frame, order);
	return &c->stamp[frame];
}

#include "backend_end.h"

static const char *const pool_variants[] = {
	"pagebuddy",
	"pagebuddy-cids",
	"pagebuddy-trylock",
	"pagebuddy-nopcp",
	"pagebuddy-linux",
	"pagebuddy-hardened",
	"pagebuddy-quarantine-64",
	"pagebuddy-quarantine-1024",
	NULL,
};

/* The rows differ in this and in nothing else. No watermarks: "all of memory" means all. */
static void pool_config(const struct bench_setup *setup, struct pb_region *region, u64 pages,
			struct pb_config *config)
{
	*region = (struct pb_region){
		.start_pfn = FIRST_PFN,
		.end_pfn = FIRST_PFN + pages,
		.zone = PB_ZONE_NORMAL,
		.kind = PB_REGION_USABLE,
	};
	pb_config_init(config);
	config->regions = region;
	config->nr_regions = 1;
	config->nr_cpus = setup->cpus;
	config->min_free_kbytes = 0;
	if (!strcmp(setup->variant, "pagebuddy-cids"))
		config->flags |= PB_POOL_CIDS;
	else if (!strcmp(setup->variant, "pagebuddy-trylock"))
		config->flags |= PB_POOL_NO_RSEQ;
	else if (!strcmp(setup->variant, "pagebuddy-nopcp"))
		config->flags |= PB_POOL_NO_PCP;
	else if (!strcmp(setup->variant, "pagebuddy-linux"))
		config->profile = PB_PROFILE_LINUX;
	else if (strstr(setup->variant, "-quarantine-") || strstr(setup->variant, "-hardened"))
		config->flags |= PB_POOL_HARDENED;
	if (strstr(setup->variant, "-quarantine-"))
		config->quarantine = (u32)strtoul(strrchr(setup->variant, '-') + 1, NULL, 10);
}

/* The row's column of failures says it. */
static void no_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static int pool_open(const struct bench_setup *setup, u64 pages, struct bench_pool *b)
{
	struct pb_hooks hooks = { .log = no_log };
	struct pb_region region;
	struct pb_config config;
	struct pb_error error;

	pool_config(setup, &region, pages, &config);
	b->pages = pages;
	if (pb_pool_size(&config, &b->bytes, &error)) {
		fprintf(stderr, "%s: pb_pool_size: %s\n", setup->variant, error.text);
		return -1;
	}
	b->memory = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->memory == MAP_FAILED) {
		perror("mmap of the pool's metadata");
		return -1;
	}
	/* as pb_user_pool_create() does; not every kernel has huge pages */
	(void)madvise(b->memory, b->bytes, MADV_HUGEPAGE);
	if (pb_pool_init(&b->pool, &config, b->memory, b->bytes, true, &hooks, &error)) {
		fprintf(stderr, "%s: pb_pool_init: %s\n", setup->variant, error.text);
		return -1;
	}
	return 0;
}

static int pool_setup(const struct bench_setup *setup, void **ctx)
{
	static struct bench_pool b;

	if (pool_open(setup, setup->pages, &b))
		return -1;
	if (setup->verify) {
		struct pb_pool_info info;

		(void)pb_pool_info(&b.pool, &info);
		b.stamp = mmap(NULL, info.frames * 8, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (b.stamp == MAP_FAILED) {
			perror("mmap of the stamps");
			return -1;
		}
	}
	*ctx = &b;
	return 0;
}

static int pool_check(void *ctx)
{
	struct bench_pool *b = ctx;
	struct pb_pool_stat stat;
	struct pb_error error;

	pb_drain(&b->pool, -1);
	pb_stats(&b->pool, &stat);
	if ((u64)stat.free != b->pages || stat.pcp) {
		fprintf(stderr, "pages lost: %lld free and %lld in per-CPU lists of %llu\n",
			(long long)stat.free, (long long)stat.pcp, (unsigned long long)b->pages);
		return -1;
	}
	if (pb_validate(&b->pool, &error)) {
		fprintf(stderr, "pb_validate: %s\n", error.text);
		return -1;
	}
	return 0;
}

static int pool_metadata(const struct bench_setup *setup, u64 pages, u64 *bytes, u64 *init_ns)
{
	struct bench_pool b = { 0 };
	u64 start = bench_now_ns();

	if (pool_open(setup, pages, &b))
		return -1;
	*init_ns = bench_now_ns() - start;
	*bytes = b.bytes;
	pb_pool_destroy(&b.pool);
	munmap(b.memory, b.bytes);
	return 0;
}

static bool pool_finite(void *ctx)
{
	(void)ctx;
	return true;
}

const struct bench_backend bench_backend = {
	.variants = pool_variants,
	.ops = &plain_ops,
	.verified = &verified_ops,
	.finite = pool_finite,
	.setup = pool_setup,
	.check = pool_check,
	.metadata = pool_metadata,
};
