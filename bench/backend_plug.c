/* SPDX-License-Identifier: MIT */
/*
 * Somebody else's allocator, from a shared library (plug.h). The five functions
 * are looked up once; a call costs what a call of a shared library costs the
 * others, one indirect jump.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "plug.h"
#include "verify.h"

#define PLUG_PAGE 4096ull
#define PLUG_PAGES (1ull << 35) /* of 2^47 bytes of addresses */

struct plug {
	void *(*alloc)(void *ctx, unsigned int order);
	int (*free)(void *ctx, void *block, unsigned int order);
	void *ctx;
	void (*drain)(void *ctx);
	uint64_t (*free_pages)(void *ctx);
	u64 pages;
	u64 *stamp; /* [PLUG_PAGES], only when verifying; never touched pages cost nothing */
};

static inline void plug_give(struct plug *c, void *block, unsigned int order)
{
	if (__builtin_expect(c->free(c->ctx, block, order), 0))
		bench_free_failed();
}

static u64 *plug_stamp(struct plug *c, void *block, unsigned int order)
{
	u64 page = (u64)block / PLUG_PAGE;

	if ((u64)block % PLUG_PAGE)
		verify_failed("is not aligned to a page", (u64)block, order);
	if (page + (1ull << order) > PLUG_PAGES)
		verify_failed("is not below 2^47", page, order);
	return &c->stamp[page];
}

#define BK_CTX struct plug
#define BK_ALLOC(c, order) (c)->alloc((c)->ctx, order)
#define BK_FREE(c, p, order) plug_give(c, p, order)
#define BK_DRAIN(c) (c)->drain((c)->ctx)
#define BK_VERIFY_TAKE(c, p, order) \
	verify_take(plug_stamp(c, p, order), 8, (u64)(p) / PLUG_PAGE, order, false)
#define BK_VERIFY_GIVE(c, p, order) \
	verify_give(plug_stamp(c, p, order), 8, (u64)(p) / PLUG_PAGE, order)

#include "backend_end.h"

static void *look_up(void *library, const char *file, const char *name)
{
	void *function = dlsym(library, name);

	if (!function)
		fprintf(stderr, "%s: has no function %s(), see bench/plug.h\n", file, name);
	return function;
}

static int plug_setup(const struct bench_setup *setup, void **ctx)
{
	static struct plug plug;
	void *(*open)(uint64_t pages, unsigned int cpus);
	void *library = setup->plug ? dlopen(setup->plug, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (!library) {
		fprintf(stderr, "--plug: %s\n",
			setup->plug ? dlerror() : "a shared library is needed");
		return -1;
	}
	*(void **)&open = look_up(library, setup->plug, "plug_open");
	*(void **)&plug.alloc = look_up(library, setup->plug, "plug_alloc");
	*(void **)&plug.free = look_up(library, setup->plug, "plug_free");
	*(void **)&plug.drain = look_up(library, setup->plug, "plug_drain");
	*(void **)&plug.free_pages = look_up(library, setup->plug, "plug_free_pages");
	if (!open || !plug.alloc || !plug.free || !plug.drain || !plug.free_pages)
		return -1;
	if (setup->verify) {
		plug.stamp = mmap(NULL, PLUG_PAGES * sizeof(u64), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (plug.stamp == MAP_FAILED) {
			perror("mmap of the stamps");
			return -1;
		}
	}
	plug.pages = setup->pages;
	plug.ctx = open(setup->pages, setup->cpus);
	*ctx = &plug;
	if (!plug.ctx)
		fprintf(stderr, "%s: plug_open() returned NULL\n", setup->plug);
	return plug.ctx ? 0 : -1;
}

static int plug_check(void *ctx)
{
	struct plug *plug = ctx;
	u64 free_pages;

	plug->drain(plug->ctx);
	free_pages = plug->free_pages(plug->ctx);
	if (free_pages == UINT64_MAX || free_pages == plug->pages)
		return 0;
	fprintf(stderr, "everything was given back, but %llu of %llu pages are free\n",
		(unsigned long long)free_pages, (unsigned long long)plug->pages);
	return -1;
}

static bool plug_finite(void *ctx)
{
	struct plug *plug = ctx;

	return plug->free_pages(plug->ctx) != UINT64_MAX;
}

const struct bench_backend bench_backend = {
	.variants = NULL, /* the row is called like the file */
	.ops = &plain_ops,
	.verified = &verified_ops,
	.finite = plug_finite,
	.setup = plug_setup,
	.check = plug_check,
	.metadata = NULL,
};
