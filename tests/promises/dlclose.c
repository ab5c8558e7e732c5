/* SPDX-License-Identifier: MIT */
/* dlopen(), one allocation and free, dlclose(). Expected: goes on. It was: SIGSEGV at the
 * next preemption: the thread's rseq area still names the library's struct rseq_cs, which
 * dlclose() has unmapped, and the kernel reads it (linux/rseq.h: set it to NULL "before
 * reclaiming memory that contains the targeted struct rseq_cs"). Any plugin with
 * libpagebuddy.so or .a in it that is unloaded kills its host. Cure: -Wl,-z,nodelete.
 * ./fail-dlclose PATH/libpagebuddy.so (with PAGEBUDDY_NO_RSEQ=1 it survives) */
#include <dlfcn.h>
#include <pagebuddy/linux_user.h>
#include <sched.h>
#include <stdio.h>
#define SYMBOL(name) __typeof__(name) *p_##name = (__typeof__(name) *)dlsym(library, #name)
static void use(void *library)
{
	struct pb_region ram = { 0, 4096, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	struct pb_pool pool;
	SYMBOL(pb_config_init);
	SYMBOL(pb_user_pool_create);
	SYMBOL(pb_user_pool_destroy);
	SYMBOL(pb_alloc_pages);
	SYMBOL(pb_free_pages);

	p_pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	p_pb_user_pool_create(&pool, &config, 0, NULL, NULL);
	p_pb_free_pages(&pool, p_pb_alloc_pages(&pool, PB_GFP_KERNEL, 0), 0);
	p_pb_user_pool_destroy(&pool);
}
int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;

	if (!library)
		return 2;
	use(library);
	dlclose(library);
	for (int i = 0; i < 100000; i++)
		sched_yield();
	return puts("still here") < 0;
}
