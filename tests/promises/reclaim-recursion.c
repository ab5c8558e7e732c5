/* SPDX-License-Identifier: MIT */
/* A reclaim hook that itself needs a page (a bounce buffer to write out, a compressed
 * copy) and asks with GFP_KERNEL. pagebuddy.h: hooks are "called without any lock" and
 * trace alone "must not call back". Expected: as in Linux, where a task that reclaims
 * has PF_MEMALLOC, so its requests don't reclaim again (nested request: NULL), or a
 * sentence in the header. It was: the hook is called from within itself without end: stack
 * overflow, SIGSEGV. */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
static struct pb_page *cache[1024];
static unsigned int cached, depth, deepest;
static unsigned long reclaim(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	struct pb_page *bounce;

	(void)ctx, (void)order, (void)gfp;
	deepest = ++depth > deepest ? depth : deepest;
	if (deepest == 1000)
		puts("1000 deep"), fflush(stdout);
	bounce = pb_alloc_pages(pool, PB_GFP_KERNEL | PB_GFP_NOWARN, 0);
	if (bounce)
		pb_free_pages(pool, bounce, 0);
	depth--;
	return cached ? pb_free_pages(pool, cache[--cached], 0) == PB_OK : 0;
}
int main(void)
{
	struct pb_region ram = { 0, 1024, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .reclaim = reclaim };
	struct pb_config config;
	struct pb_pool pool;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, &hooks, NULL);
	while ((cache[cached] = pb_alloc_pages(&pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, 0)))
		cached++;
	return !pb_alloc_pages(&pool, PB_GFP_KERNEL, 0);
}
