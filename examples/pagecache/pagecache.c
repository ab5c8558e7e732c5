/* SPDX-License-Identifier: MIT */
/*
 * A page cache: pages of files in memory, as many as nobody else needs.
 *
 *	read a page ---- cached? ---- yes: mark it used
 *	                    no:  allocate one, read the file, put it into the table
 *	memory is short ---- the pool calls reclaim(): the cache gives back clean pages that
 *	                     were not used for the longest time; dirty ones it writes first
 *
 * An application beside it takes what it wants, and gives it back: the cache shrinks and grows,
 * and neither of them ever counts free pages. The background thread keeps some pages free, so
 * that few requests have to reclaim themselves.
 */
#include <pagebuddy/linux_user.h>

#include <pthread.h>
#include <stdio.h>

#define PAGES 8192u /* of memory: 32 MiB */
#define FILE_PAGES 32768u
#define APP_BLOCKS 600u /* of 8 pages: more than half of the memory */
#define READS 200000u

/* A page of the file that is in memory; entries are a ring for the clock's hand. */
struct entry {
	struct pb_page *page; /* NULL: not cached */
	bool used, dirty;
};

static struct pb_pool pool;
static struct entry cache[FILE_PAGES];
static uint32_t version[FILE_PAGES]; /* the file: what was written last */
static uint32_t hand, cached, hits, given_back, written;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t *content(struct pb_page *page)
{
	return pb_page_address(&pool, page);
}

/* With the lock held: the page is the caller's to free. */
static struct pb_page *evict(struct entry *entry)
{
	struct pb_page *page = entry->page;

	if (entry->dirty) {
		version[entry - cache] = content(page)[1];
		written++;
	}
	*entry = (struct entry){ 0 };
	cached--;
	return page;
}

/*
 * The hook: some clean pages, the least recently used first. It is called without any lock of
 * the pool, by whoever allocates and by the background thread; the cache's own lock is
 * never held while allocating, so it can be taken here.
 */
static unsigned long reclaim(void *ctx, struct pb_pool *from, unsigned int order, pb_gfp_t gfp)
{
	unsigned long freed = 0, want = 32ul << order;

	(void)ctx, (void)gfp;
	pthread_mutex_lock(&lock);
	for (uint32_t steps = 0; steps < 2 * FILE_PAGES && freed < want; steps++) {
		struct entry *entry = &cache[hand++ % FILE_PAGES];

		if (!entry->page)
			continue;
		if (entry->used) { /* once more round the clock */
			entry->used = false;
			continue;
		}
		freed += pb_free_pages(from, evict(entry), 0) == PB_OK;
	}
	given_back += (uint32_t)freed;
	pthread_mutex_unlock(&lock);
	return freed;
}

/* Reads a page of the file into memory and maybe changes it; false: what it read is wrong. */
static bool visit(uint32_t number, bool change)
{
	struct entry *entry = &cache[number];
	struct pb_page *page = NULL;
	bool right, hit = true;

	for (;;) {
		pthread_mutex_lock(&lock);
		if (entry->page)
			break;
		if (page) { /* from the file */
			content(page)[0] = number;
			content(page)[1] = version[number];
			entry->page = page;
			page = NULL;
			cached++;
			break;
		}
		pthread_mutex_unlock(&lock);
		hit = false;
		page = pb_alloc_pages(&pool, PB_GFP_HIGHUSER_MOVABLE, 0);
		if (!page)
			return false;
	}
	hits += hit;
	entry->used = true;
	right = content(entry->page)[0] == number && content(entry->page)[1] >= version[number];
	if (change) {
		content(entry->page)[1]++;
		entry->dirty = true;
	}
	pthread_mutex_unlock(&lock);
	if (page) /* another thread was faster */
		pb_free_pages(&pool, page, 0);
	return right;
}

static uint32_t random32(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32);
}

/* Most reads go to few pages. */
static uint32_t some_page(void)
{
	return random32() % (random32() % 4 ? FILE_PAGES / 16 : FILE_PAGES);
}

static bool read_many(const char *what)
{
	for (uint32_t i = 0; i < READS; i++)
		if (!visit(some_page(), i % 16 == 0))
			return false;
	pthread_mutex_lock(&lock);
	printf("%-34s %5u pages cached, %3u %% hits, %6u given back, %5u written\n", what, cached,
	       hits * 100 / READS, given_back, written);
	hits = 0;
	pthread_mutex_unlock(&lock);
	return true;
}

int main(void)
{
	static struct pb_page *app[APP_BLOCKS];
	const struct pb_region ram = { 0, PAGES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .reclaim = reclaim };
	const struct pb_background background = { 0 };
	struct pb_error error = { 0 };
	struct pb_config config;

	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	if (pb_user_pool_create(&pool, &config, (size_t)PAGES << 12, &hooks, &error) ||
	    pb_user_background_start(&pool, &background)) {
		fprintf(stderr, "pagecache: no pool: %s\n", error.text);
		return 1;
	}
	if (!read_many("alone"))
		return 1;
	for (uint32_t i = 0; i < APP_BLOCKS; i++)
		if (!(app[i] = pb_alloc_pages(&pool, PB_GFP_KERNEL, 3))) {
			fprintf(stderr, "pagecache: the application got %u blocks\n", i);
			return 1;
		}
	if (!read_many("an application has 4800 pages"))
		return 1;
	for (uint32_t i = 0; i < APP_BLOCKS; i++)
		pb_free_pages(&pool, app[i], 3);
	if (!read_many("it has ended"))
		return 1;
	pb_user_background_stop(&pool);
	for (uint32_t i = 0; i < FILE_PAGES; i++)
		if (cache[i].page)
			pb_free_pages(&pool, evict(&cache[i]), 0);
	pb_drain(&pool, -1);
	if (pb_validate(&pool, &error) || !pb_range_is_free(&pool, 0, PAGES)) {
		fprintf(stderr, "pagecache: %s\n", error.text);
		return 1;
	}
	pb_user_pool_destroy(&pool);
	return puts("every page was what the file says") < 0;
}
