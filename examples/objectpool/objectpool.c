/* SPDX-License-Identifier: MIT */
/*
 * Objects that are named by handles, so that they may move: when large free blocks are wanted
 * the pool is compacted, while another thread goes on reading.
 *
 *	handle --> slot[] { page, order, pins } --> the object's block
 *	block --> owner[] --> handle                                   (for the hook)
 *
 * Who uses an object pins it for that time; the hook refuses what is pinned and locks what it
 * moves, so no reader ever sees half an object, and nobody waits for longer than a copy.
 */
#include <pagebuddy/linux_user.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PAGES 16384u /* 64 MiB: 32 blocks of 2 MiB */
#define OBJECTS 6000u
#define HUGE_ORDER 9u
#define MOVING (-1)

struct slot {
	struct pb_page *page; /* NULL: no object */
	unsigned int order;
	atomic_int pins; /* readers that are at it, or MOVING */
};

static struct pb_pool pool;
static struct slot slot[OBJECTS];
static uint32_t owner[PAGES]; /* by index of a block's first page: its handle */
static atomic_ulong reads, wrong, moved, refused;
static atomic_bool done;

/* ------------------------------------------------------------------- objects */

static bool pin(uint32_t handle)
{
	int pins = atomic_load(&slot[handle].pins);

	do {
		if (pins == MOVING)
			return false;
	} while (!atomic_compare_exchange_weak(&slot[handle].pins, &pins, pins + 1));
	return true;
}

static void unpin(uint32_t handle)
{
	atomic_fetch_sub(&slot[handle].pins, 1);
}

static void fill(uint32_t handle)
{
	uint32_t *word = pb_page_address(&pool, slot[handle].page);

	for (size_t i = 0; i < ((size_t)1024 << slot[handle].order); i += 64)
		word[i] = handle ^ (uint32_t)i;
}

static bool is_whole(uint32_t handle)
{
	const uint32_t *word = pb_page_address(&pool, slot[handle].page);

	for (size_t i = 0; i < ((size_t)1024 << slot[handle].order); i += 64)
		if (word[i] != (handle ^ (uint32_t)i))
			return false;
	return true;
}

static bool create(uint32_t handle, unsigned int order)
{
	struct slot *s = &slot[handle];

	s->order = order;
	s->page = pb_alloc_pages(&pool, PB_GFP_HIGHUSER_MOVABLE | PB_GFP_NOWARN, order);
	if (!s->page)
		return false;
	owner[pb_page_to_index(&pool, s->page)] = handle;
	fill(handle);
	return true;
}

static void destroy(uint32_t handle)
{
	pb_free_pages(&pool, slot[handle].page, slot[handle].order);
	slot[handle].page = NULL;
}

/* The hook: the content and the handle go to the new block, unless somebody is at it. */
static bool migrate(void *ctx, struct pb_pool *in, struct pb_page *from, struct pb_page *to,
		    unsigned int order)
{
	uint32_t handle = owner[pb_page_to_index(in, from)];
	struct slot *s = &slot[handle];
	int none = 0;

	(void)ctx;
	if (!atomic_compare_exchange_strong(&s->pins, &none, MOVING)) {
		atomic_fetch_add(&refused, 1);
		return false;
	}
	memcpy(pb_page_address(in, to), pb_page_address(in, from), (size_t)4096 << order);
	owner[pb_page_to_index(in, to)] = handle;
	s->page = to;
	atomic_store(&s->pins, 0);
	atomic_fetch_add(&moved, 1);
	return true;
}

/* ------------------------------------------------------------------- readers */

static void *read_on(void *ctx)
{
	const uint32_t *left = ctx; /* handles of the objects that are left */
	uint32_t i = 0;

	while (!atomic_load(&done)) {
		uint32_t handle = left[1 + i++ % left[0]];

		if (!pin(handle))
			continue; /* it is on the move: another one first */
		if (!is_whole(handle))
			atomic_fetch_add(&wrong, 1);
		unpin(handle);
		atomic_fetch_add(&reads, 1);
	}
	return NULL;
}

static bool run(uint32_t *left)
{
	uint64_t used = 0, want;
	pthread_t reader;
	unsigned int tries = 0;

	for (uint32_t h = 0; h < OBJECTS && create(h, h % 3); h++)
		;
	for (uint32_t h = 0; h < OBJECTS; h++) /* one of eight stays */
		if (slot[h].page && h * 2654435761u >> 29)
			destroy(h);
	for (uint32_t h = 0; h < OBJECTS; h++)
		if (slot[h].page) {
			left[1 + left[0]++] = h;
			used += 1u << slot[h].order;
		}
	pb_drain(&pool, -1);
	want = (PAGES - used) / 512 - 1;
	printf("%u objects of %lu pages: %lu blocks of 2 MiB are free, %lu are possible\n", left[0],
	       (unsigned long)used, (unsigned long)pb_free_blocks(&pool, PB_NO_NODE, HUGE_ORDER),
	       (unsigned long)want);
	if (pthread_create(&reader, NULL, read_on, left))
		return false;
	while (!atomic_load(&reads))
		; /* it is at work */
	/* what is pinned stays, so it may take several times */
	while (pb_compact(&pool, PB_NO_NODE, HUGE_ORDER, want) != PB_OK && ++tries < 10000)
		sched_yield();
	atomic_store(&done, true);
	pthread_join(reader, NULL);
	printf("%lu are free after %lu moves, %lu refused, %lu reads, %lu of them wrong\n",
	       (unsigned long)pb_free_blocks(&pool, PB_NO_NODE, HUGE_ORDER), atomic_load(&moved),
	       atomic_load(&refused), atomic_load(&reads), atomic_load(&wrong));
	for (uint32_t i = 1; i <= left[0]; i++) {
		if (!is_whole(left[i]))
			return false;
		destroy(left[i]);
	}
	return !atomic_load(&wrong) && tries < 10000;
}

int main(void)
{
	static uint32_t left[1 + OBJECTS];
	const struct pb_region ram = { 0, PAGES, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	const struct pb_hooks hooks = { .migrate = migrate };
	struct pb_error error = { 0 };
	struct pb_config config;
	bool ok;

	pb_config_init(&config);
	config.regions = &ram;
	config.nr_regions = 1;
	config.flags = PB_POOL_PLAIN;
	if (pb_user_pool_create(&pool, &config, (size_t)PAGES << 12, &hooks, &error)) {
		fprintf(stderr, "objectpool: %s\n", error.text);
		return 1;
	}
	ok = run(left);
	pb_drain(&pool, -1);
	if (!ok || pb_validate(&pool, &error) || !pb_range_is_free(&pool, 0, PAGES)) {
		fprintf(stderr, "objectpool: failed %s\n", error.text);
		return 1;
	}
	pb_user_pool_destroy(&pool);
	return puts("no reader saw half an object") < 0;
}
