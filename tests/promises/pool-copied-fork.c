/* SPDX-License-Identifier: MIT */
/* The fork handlers keep the address of the struct pb_pool that was given to
 * pb_user_pool_create(). pagebuddy.h: "The process-local handle ... Put it anywhere";
 * nothing forbids to return or copy it (as C++, Rust and Go bindings will). Expected:
 * fork() works, or the header forbids it. It was: fork() follows a dangling pointer:
 * SIGSEGV or a hang in the parent. (pb_user_pool_destroy() of the copy leaves the
 * entry, too.) */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static __attribute__((noinline)) struct pb_pool make(void)
{
	struct pb_region ram = { 0, 4096, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_config config;
	struct pb_pool pool;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, NULL, NULL);
	return pool; /* by value: the handle is "base pointers and hooks" */
}
static __attribute__((noinline)) void other_work(void)
{
	volatile char stack[4096];

	for (unsigned int i = 0; i < sizeof(stack); i++)
		stack[i] = 0x41;
}
int main(void)
{
	struct pb_pool *heap_pool, pool = make();

	heap_pool = &pool;
	other_work();
	printf("alloc %p; fork\n", (void *)pb_alloc_pages(heap_pool, PB_GFP_KERNEL, 0));
	fflush(stdout);
	alarm(1000);
	return fork() ? wait(NULL) < 0 : 0;
}
