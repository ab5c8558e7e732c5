/* SPDX-License-Identifier: MIT */
/* As dlclose.c, with the library inside a plugin: what is unloaded is a shared object
 * that was linked with libpagebuddy.a, whose author knows nothing of its sequences. Two
 * threads that have used it are asleep meanwhile, and go on afterwards.
 *   cc -shared -fPIC -DPLUGIN plugin.c -l:libpagebuddy.a -o plugin.so; cc plugin.c -o plugin
 *   ./plugin plugin.so */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#ifdef PLUGIN
#include <pagebuddy/linux_user.h>

int plugin(void);

static struct pb_pool pool;

int plugin(void)
{
	struct pb_region ram = { 0, 4096, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	struct pb_page *page;

	if (pb_pool_info(&pool, &(struct pb_pool_info){ 0 })) {
		pb_config_init(&config);
		config.regions = &ram, config.nr_regions = 1;
		if (pb_user_pool_create(&pool, &config, 0, NULL, NULL))
			return -1;
	}
	page = pb_alloc_pages(&pool, PB_GFP_KERNEL, 0);
	return page ? pb_free_pages(&pool, page, 0) : -1;
}
#else
static int (*call)(void);
static pthread_barrier_t barrier;

static void *thread(void *ctx)
{
	long failed = call();

	pthread_barrier_wait(&barrier); /* used */
	pthread_barrier_wait(&barrier); /* unloaded */
	for (int i = 0; i < 20000; i++)
		sched_yield();
	return ctx ? ctx : (void *)failed;
}

int main(int argc, char **argv)
{
	void *object = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	pthread_t threads[2];
	void *failed = NULL;

	if (!object)
		return fprintf(stderr, "%s\n", dlerror()), 2;
	*(void **)&call = dlsym(object, "plugin");
	if (!call || call())
		return 3;
	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, thread, NULL);
	pthread_barrier_wait(&barrier);
	dlclose(object);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &failed);
	return failed != NULL;
}
#endif
