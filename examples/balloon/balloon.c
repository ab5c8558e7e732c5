/* SPDX-License-Identifier: MIT */
/*
 * A balloon: two guests on a host that has less memory than they were promised.
 *
 *	guest's pool --balloon_inflate()--> pages out of the guest's reach --madvise()--> host
 *	host's pages --balloon_deflate()--> the guest's pool again, zeroed by the host
 *
 * Each guest is a pool over its own 64 MiB of memory, backed by the host when it is touched.
 * The host has 80 MiB for both. Before a guest touches more, the host asks the others for theirs:
 * the balloon takes what is free there, huge blocks first, and gives it back to the host. A guest
 * that gets too short of memory takes pages out of its own balloon: the oom hook.
 *
 * The second story does without a balloon: the guests tell the host what is free now and then
 * (pb_report_free()), and the host takes that memory until it is touched again. The guests may use
 * it at once. They know that it is zero then, so a request for zeroed memory doesn't touch it.
 */
#define _GNU_SOURCE
#include <pagebuddy/linux_user.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define GUESTS 2u
#define GUEST_PAGES 16384u /* 64 MiB */
#define HOST_PAGES 20480u  /* 80 MiB */
#define HUGE 9u

struct guest {
	struct pb_pool pool;
	struct pb_page *balloon[GUEST_PAGES]; /* blocks, of these orders */
	uint8_t order[GUEST_PAGES];
	uint32_t blocks, ballooned; /* in the balloon: blocks, pages */
	struct pb_page *used[GUEST_PAGES];
	uint32_t nr_used;
};

static struct guest guest[GUESTS];
static uint32_t deflated_in_need;

/* ---------------------------------------------------------------------- host */

/* Pages of a guest that the host has backed. */
static uint32_t resident(struct guest *g)
{
	static unsigned char there[GUEST_PAGES];
	void *memory = pb_page_address(&g->pool, pb_pfn_to_page(&g->pool, 0));
	uint32_t pages = 0;

	if (mincore(memory, (size_t)GUEST_PAGES << 12, there))
		return UINT32_MAX;
	for (uint32_t i = 0; i < GUEST_PAGES; i++)
		pages += there[i] & 1;
	return pages;
}

static void host_takes(struct guest *g, struct pb_page *page, unsigned int order)
{
	madvise(pb_page_address(&g->pool, page), (size_t)4096 << order, MADV_DONTNEED);
}

/* ------------------------------------------------------------------- balloon */

/* Takes up to so many pages out of the guest, without any pressure on it: what is free. */
static uint32_t balloon_inflate(struct guest *g, uint32_t pages)
{
	const pb_gfp_t gfp = PB_GFP_HIGHUSER | PB_GFP_NORETRY | PB_GFP_NOWARN | PB_GFP_NOMEMALLOC;
	uint32_t got = 0;

	for (int order = HUGE; order >= 0 && got < pages; order--)
		while (got + (1u << order) <= pages) {
			struct pb_page *page = pb_alloc_pages(&g->pool, gfp & ~PB_GFP_RECLAIM,
							      (unsigned int)order);

			if (!page)
				break;
			host_takes(g, page, (unsigned int)order);
			g->balloon[g->blocks] = page;
			g->order[g->blocks++] = (uint8_t)order;
			got += 1u << order;
		}
	g->ballooned += got;
	return got;
}

static uint32_t balloon_deflate(struct guest *g, uint32_t pages)
{
	uint32_t given = 0;

	while (g->blocks && given < pages) {
		unsigned int order = g->order[--g->blocks];

		pb_free_pages(&g->pool, g->balloon[g->blocks], order);
		given += 1u << order;
	}
	g->ballooned -= given;
	return given;
}

/* A guest's request would fail: better to use what the host may not have. */
static bool oom(void *ctx, struct pb_pool *pool, unsigned int order, pb_gfp_t gfp)
{
	(void)pool, (void)gfp;
	deflated_in_need++;
	return balloon_deflate(ctx, 2u << order) != 0;
}

/* --------------------------------------------------------------------- guests */

static bool start(struct guest *g, uint32_t flags)
{
	const struct pb_region ram = { 0, GUEST_PAGES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .ctx = g, .oom = oom, .report = pb_user_report };
	struct pb_error error = { 0 };
	struct pb_config config;

	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	config.flags |= flags;
	if (pb_user_pool_create(&g->pool, &config, (size_t)GUEST_PAGES << 12, &hooks, &error)) {
		fprintf(stderr, "balloon: %s\n", error.text);
		return false;
	}
	return true;
}

/* Uses so many more pages; false: it can't, or a page that the host gave isn't zero. */
static bool use(struct guest *g, uint32_t pages, bool fresh)
{
	for (uint32_t i = 0; i < pages; i++) {
		struct pb_page *page = pb_alloc_pages(&g->pool, PB_GFP_HIGHUSER, 0);
		uint64_t *word = page ? pb_page_address(&g->pool, page) : NULL;

		if (!page || (fresh && *word))
			return false;
		*word = 1;
		g->used[g->nr_used++] = page;
	}
	return true;
}

static void leave(struct guest *g, uint32_t pages)
{
	for (uint32_t i = 0; i < pages && g->nr_used; i++)
		pb_free_pages(&g->pool, g->used[--g->nr_used], 0);
	pb_drain(&g->pool, -1);
}

static bool tell(const char *what)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < GUESTS; i++) {
		struct guest *g = &guest[i];

		printf("%-30s guest %u: %5u pages used, %5u in the balloon, %5u of the host's\n",
		       i ? "" : what, i, g->nr_used, g->ballooned, resident(g));
		sum += resident(g);
	}
	return sum <= HOST_PAGES;
}

static bool close_down(void)
{
	for (uint32_t i = 0; i < GUESTS; i++) {
		struct guest *g = &guest[i];

		leave(g, GUEST_PAGES);
		balloon_deflate(g, GUEST_PAGES);
		pb_drain(&g->pool, -1);
		if (pb_validate(&g->pool, NULL) || !pb_range_is_free(&g->pool, 0, GUEST_PAGES))
			return false;
		pb_user_pool_destroy(&g->pool);
	}
	return true;
}

static bool with_balloons(void)
{
	struct guest *a = &guest[0], *b = &guest[1];

	if (!start(a, 0) || !start(b, 0))
		return false;
	if (!use(a, 14000, true) || !tell("the first guest is busy"))
		return false;
	leave(a, 12000); /* free there, and still the host's memory that holds it */
	/* the second one wants as much: the host has no more than 6480 pages left for it */
	if (balloon_inflate(a, 12000) < 10000 || !use(b, 14000, true) ||
	    !tell("the second one is busy"))
		return false;
	leave(b, 14000);
	balloon_inflate(b, 13500);
	/* the first one needs memory again, more than is free outside of its balloon */
	if (!use(a, 13000, false) || !deflated_in_need || !tell("the first one is busy again"))
		return false;
	return close_down();
}

/* The host learns what is free in a guest, and takes it. Returns its pages. */
static uint32_t report(struct guest *g)
{
	const struct pb_report all = { 0 };
	uint64_t pages = 0;

	return pb_report_free(&g->pool, &all, &pages) ? 0 : (uint32_t)pages;
}

/* Memory that was reported is zero, so a request for zeroed memory leaves it with the host. */
static bool zeroed_by_the_host(struct guest *g)
{
	uint32_t before = resident(g);
	struct pb_page *page = pb_alloc_pages(&g->pool, PB_GFP_HIGHUSER | PB_GFP_ZERO, HUGE);
	const char *bytes = page ? pb_page_address(&g->pool, page) : NULL;

	if (!page || resident(g) != before)
		return false;
	for (size_t i = 0; i < (size_t)4096 << HUGE; i++)
		if (bytes[i])
			return false;
	return !pb_free_pages(&g->pool, page, HUGE);
}

static bool with_reports(void)
{
	struct guest *a = &guest[0], *b = &guest[1];

	if (!start(a, PB_POOL_REPORTING | PB_POOL_CLEARED) ||
	    !start(b, PB_POOL_REPORTING | PB_POOL_CLEARED))
		return false;
	if (!use(a, 14000, true) || !tell("the first guest is busy"))
		return false;
	leave(a, 12000);
	if (report(a) < 10000 || !use(b, 14000, true) || !tell("the second one is busy"))
		return false;
	leave(b, 13500);
	if (report(b) < 12000 || !use(a, 12000, false) || !tell("the first one is busy again"))
		return false;
	leave(a, 12000);
	return report(a) >= 10000 && zeroed_by_the_host(a) && close_down();
}

int main(void)
{
	if (!with_balloons()) {
		fprintf(stderr, "balloon: the host's memory was not enough\n");
		return 1;
	}
	puts("80 MiB were enough for twice 64; and now by reports:");
	memset(guest, 0, sizeof(guest));
	if (!with_reports()) {
		fprintf(stderr, "balloon: the host's memory was not enough, by reports\n");
		return 1;
	}
	return puts("80 MiB were enough without a balloon, too") < 0;
}
