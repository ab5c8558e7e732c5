/* SPDX-License-Identifier: MIT */
/* A request fails although all memory is free, for as long as another thread is
 * descheduled inside a free (here for 0.3 s, by its trace hook). zone_has_block() looks
 * at the lists without the lock, while the merging thread has the block in its hands, and
 * nobody takes the lock before giving up. Expected (INVARIANTS.md I32: "while free memory
 * holds a block that a request may have, the request does not fail"): wait, succeed.
 * It was: NULL at once with 64 of 64 pages free. The modern profile has the same window in
 * tight_refile(), too short for a hook: a run of 8 threads over 8 blocks on 2 busy CPUs saw
 * 20060 failures in a row. Class of Zephyr #15154, #11022, #14508. */
#include <pagebuddy/linux_user.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static struct pb_pool pool;
static volatile bool inside;
static void trace(void *ctx, const struct pb_trace_event *event)
{
	if (event->type == PB_TRACE_MERGE && event->order == 5)
		inside = true, usleep(300000);
	(void)ctx;
}
static void *last_free(void *page)
{
	return pb_free_pages(&pool, page, 5) ? page : NULL;
}
int main(void)
{
	struct pb_region ram = { 0, 64, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .trace = trace };
	struct pb_config config;
	pthread_t thread;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1, config.min_free_kbytes = 0;
	config.profile = PB_PROFILE_LINUX;
	pb_user_pool_create(&pool, &config, 0, &hooks, NULL);
	pthread_create(&thread, NULL, last_free, pb_alloc_pages(&pool, PB_GFP_KERNEL, 5));
	while (!inside)
		;
	return !pb_alloc_pages(&pool, PB_GFP_KERNEL, 2);
}
