/* SPDX-License-Identifier: MIT */
/*
 * A pool of huge pages, 1 GiB and 2 MiB, for memory that this program only books: that of
 * guests, of a device, of another process.
 *
 *	1 GiB   order 18 of 4 KiB pages; 2 MiB   order 9
 *
 *	free 1 GiB pages go out as such, and are cut into 2 MiB ones where those run out;
 *	when no 1 GiB page is free, the pool moves 2 MiB pages together, and one is.
 *
 * 64 GiB take some 20 MiB of metadata, of which little is touched. Where 1 GiB is the only size there
 * is, a page can be that large itself (page_shift 30): 1 TiB is then a pool of 1,024 pages.
 */
#include <pagebuddy/linux_user.h>

#include <stdio.h>

#define GIB_ORDER 18u
#define MIB2_ORDER 9u
#define GIB (1u << GIB_ORDER) /* pages */
#define NR_GIB 64u
#define NR_2MIB (NR_GIB * 512u)

static struct pb_pool pool;
/* Who has a 2 MiB page: by its number, and the way back. */
static struct pb_page *mapping[NR_2MIB];
static uint32_t mapped[NR_2MIB]; /* by pfn / 512 */
static uint32_t moves;

static uint32_t place(const struct pb_page *page)
{
	return (uint32_t)(pb_page_to_index(&pool, page) >> MIB2_ORDER);
}

/* The hook. There is nothing to copy here: a hypervisor would, and change its tables. */
static bool migrate(void *ctx, struct pb_pool *in, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	(void)ctx, (void)in;
	if (order != MIB2_ORDER)
		return false; /* a 1 GiB page stays */
	mapped[place(to)] = mapped[place(from)];
	mapping[mapped[place(to)]] = to;
	moves++;
	return true;
}

static struct pb_page *get_gib(void)
{
	/* compacts before it fails: the hook */
	return pb_alloc_pages(&pool, PB_GFP_HIGHUSER | PB_GFP_NOWARN, GIB_ORDER);
}

static bool get_2mib(uint32_t number)
{
	struct pb_page *page = pb_alloc_pages(&pool, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN,
					      MIB2_ORDER);

	mapping[number] = page;
	if (page)
		mapped[place(page)] = number;
	return page != NULL;
}

static void put_2mib(uint32_t number)
{
	pb_free_pages(&pool, mapping[number], MIB2_ORDER);
	mapping[number] = NULL;
}

static unsigned int free_gib(void)
{
	pb_drain(&pool, -1);
	return (unsigned int)pb_free_blocks(&pool, PB_NO_NODE, GIB_ORDER);
}

static bool create(struct pb_config *config, const struct pb_region *region,
		   const struct pb_hooks *hooks)
{
	struct pb_error error = { 0 };

	config->regions = region;
	config->nr_regions = 1;
	config->flags = PB_POOL_PLAIN | PB_POOL_MOBILITY;
	if (!pb_user_pool_create(&pool, config, 0, hooks, &error))
		return true;
	fprintf(stderr, "hugepool: %s\n", error.text);
	return false;
}

static bool both_sizes(void)
{
	const struct pb_region memory = { 0, NR_GIB * GIB, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .migrate = migrate };
	struct pb_page *gib[NR_GIB];
	struct pb_config config;
	uint32_t n = 0;

	pb_config_init(&config);
	config.max_order = GIB_ORDER;
	config.pageblock_order = 16; /* what moves is smaller than that */
	if (!create(&config, &memory, &hooks))
		return false;
	for (uint32_t i = 0; i < NR_2MIB; i++)
		if (!get_2mib(i))
			return false;
	for (uint32_t i = 0; i < NR_2MIB; i++)
		if (i % 4) /* a quarter stays, in each 1 GiB page */
			put_2mib(i);
	printf("%u GiB, %u of %u 2 MiB pages in use: %u free 1 GiB pages", NR_GIB, NR_2MIB / 4,
	       NR_2MIB, free_gib());
	while (n < NR_GIB && (gib[n] = get_gib()) != NULL)
		if (pb_page_to_pfn(&pool, gib[n++]) % GIB)
			return false;
	printf(", %u were to be had after %u moves\n", n, moves);
	if (n != NR_GIB * 3 / 4)
		return false;
	for (uint32_t i = 0; i < NR_2MIB; i += 4)
		put_2mib(i);
	while (n)
		pb_free_pages(&pool, gib[--n], GIB_ORDER);
	if (free_gib() != NR_GIB || pb_validate(&pool, NULL))
		return false;
	pb_user_pool_destroy(&pool);
	return true;
}

static bool pages_of_a_gib(void)
{
	const struct pb_region memory = { 0, 1024, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_pool_info info;
	struct pb_config config;
	struct pb_page *run;

	pb_config_init(&config);
	config.page_shift = 30;
	config.max_order = 4; /* neighbours of up to 16 GiB */
	config.pageblock_order = 4;
	if (!create(&config, &memory, NULL))
		return false;
	run = pb_alloc_contig(&pool, 100, 4, 0, 1024, 0, PB_GFP_HIGHUSER);
	pb_pool_info(&pool, &info);
	printf("1 TiB in pages of 1 GiB: %u KiB of metadata; 100 GiB in a row from %u GiB on\n",
	       (unsigned int)(info.memory_bytes >> 10), (unsigned int)pb_page_to_pfn(&pool, run));
	if (!run || pb_free_exact(&pool, run, 100) || !pb_range_is_free(&pool, 0, 1024))
		return false;
	pb_user_pool_destroy(&pool);
	return true;
}

int main(void)
{
	if (!both_sizes() || !pages_of_a_gib()) {
		fprintf(stderr, "hugepool: that was not to happen\n");
		return 1;
	}
	return 0;
}
