/* SPDX-License-Identifier: MIT */
/* docs/INVARIANTS.md, I31: "A call that ... was refused as misuse, left every block's
 * state ... as they were." pb_free_exact() over 8 pages, the fifth of which is free
 * already (a typical double free): PB_EMISUSE. Expected: 7 pages still owned, so that
 * the caller can find out. It was: the other 7 are freed, and nothing tells which; a retry
 * of the caller is then 8 double frees. (pb_free_bulk() documents its partial effect,
 * pb_free_exact() doesn't.) */
#include <pagebuddy/linux_user.h>
#include <stdio.h>
static void misuse(void *ctx, const struct pb_misuse_report *report)
{
	(void)ctx;
	puts(report->text);
}
int main(void)
{
	struct pb_region ram = { 0, 1024, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .misuse = misuse };
	struct pb_config config;
	struct pb_pool pool;
	struct pb_page *pages;
	unsigned int owned = 0;
	int code;

	pb_config_init(&config);
	config.regions = &ram, config.nr_regions = 1;
	pb_user_pool_create(&pool, &config, 0, &hooks, NULL);
	pages = pb_alloc_exact(&pool, PB_GFP_KERNEL, 8);
	pb_free_pages(&pool, pages + 4, 0);
	code = pb_free_exact(&pool, pages, 8);
	for (int i = 0; i < 8; i++)
		owned += pb_page_count(&pool, pages + i);
	printf("code %d, %u pages still owned, expected 7\n", code, owned);
	return owned != 7;
}
