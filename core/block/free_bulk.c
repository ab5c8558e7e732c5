/* SPDX-License-Identifier: MIT */
/*
 * Free many blocks under one hold of each stripe's lock. For modern lists.
 *
 * Neighbours of one tree word merge together in registers:
 *
 *	word of order 0     0 1 1 1 1 0 1 1	(1: free, lowest frame on the right)
 *	pairs w & w>>1      . 0 . 1 . 0 . 1	both buddies free, at even bits
 *	stay  w & ~(p|p<<1) 0 1 0 0 1 0 0 0	these have no free buddy
 *	word of order 1     0 1 0 1		the pairs, packed; and so on upward
 *
 * Scattered blocks merge one by one, but sorted by how many levels each will climb:
 * in random order the climbs are unpredictable, and a processor that mispredicts a
 * loop's end loses more time than the merge takes.
 */
#include "block/free_area.h"

/* A batch that is being freed, and the stripe whose lock is held at the moment. */
struct drain {
	struct locked at;
	unsigned int order;
};

#define RUN_MIN 4u /* neighbours from which on merging by the word pays */

/* HEIGHTS: how many climbs guess_height() tells apart: 0 to 3 levels, and more. TURNS: counters
   per sort key, used in turn, since incrementing the same one twice in a row stalls. Neither
   pays in short batches, whose builds have small stacks, too. */
#if LONG_BATCHES
#define HEIGHTS 5u
#define TURNS 4u
#define LONG_INLINE ALWAYS_INLINE
typedef u32 reached_t;
#else
#define HEIGHTS 1u
#define TURNS 1u
#define LONG_INLINE static NOINLINE
typedef u8 reached_t;
#endif

_Static_assert(HEIGHTS <= 256 / MAX_STRIPES, "keys fit into bytes");

/* ------------------------------------------------------------ scattered blocks */

/*
 * The numbers that locate a block's bits. Functions that take one are compiled twice: with the
 * constants of pages in pools of the usual orders, and for any pool.
 */
struct geometry {
	unsigned int order, max_order, pageblock_order;
	u32 span_words, stride;
};

ALWAYS_INLINE u64 *geo_tree(const struct pb_pool *pool, struct geometry g, u32 frame)
{
	return pool->trees + (size_t)(frame >> g.max_order) * g.span_words;
}

ALWAYS_INLINE u32 geo_node(struct geometry g, u32 frame)
{
	return tree_node(g.max_order, frame & ((1u << g.max_order) - 1), g.order);
}

ALWAYS_INLINE struct pageblock *geo_pageblock(const struct pb_pool *pool, struct geometry g,
					      u32 frame)
{
	return (struct pageblock *)((unsigned char *)pool->pageblocks +
				    (size_t)(frame >> g.pageblock_order) * g.stride);
}

#if LONG_BATCHES
/* Is the buddy at this many levels above free? 0 or 1, no branch. */
ALWAYS_INLINE unsigned int buddy_bit(const u64 *tree, u32 node, unsigned int level)
{
	u32 buddy = node >> level ^ 1;

	return (unsigned int)(load_relaxed(&tree[buddy >> 6]) >> (buddy & 63)) & 1;
}
#endif

/*
 * Guess how many levels the block would climb, 0 to HEIGHTS - 1. The guess is right unless
 * another CPU, or a block of the same batch, changes a buddy before the block is freed: it
 * is made without the lock. That race is harmless, and hidden from ThreadSanitizer.
 */
ALWAYS_INLINE unsigned int guess_height(const u64 *tree, u32 node)
{
#if !LONG_BATCHES
	return (void)tree, (void)node, 0;
#elif defined(__SANITIZE_THREAD__)
	return (void)tree, node & 3;
#else
	return ctz32(~(buddy_bit(tree, node, 0) | buddy_bit(tree, node, 1) << 1 |
		       buddy_bit(tree, node, 2) << 2 | buddy_bit(tree, node, 3) << 3));
#endif
}

/* Sort a batch by stripe, and within a stripe by height; end[] becomes where each stripe's frames
   end. Not inlined where batches are short, so that its arrays are off the stack before merging
   begins. */
LONG_INLINE void sort_scattered(const struct drain *d, struct geometry g, u32 n, u32 *frames,
				u16 *end)
{
	u32 keys = zone_stripes(d->at.zone) * HEIGHTS, sorted[ZONE_BATCH_MAX], sum = 0;
	u32 base = zone_first_pageblock(d->at.pool, d->at.zone);
	u32 shift = d->at.zone->group_shift, stripes = zone_stripes(d->at.zone) - 1;
	u16 at[MAX_STRIPES * HEIGHTS * TURNS];
	u8 key[ZONE_BATCH_MAX];

	memset(at, 0, keys * TURNS * sizeof(*at));
	for (u32 i = 0; i < n; i++) {
		u32 stripe = ((frames[i] >> g.pageblock_order) - base) >> shift & stripes;

		key[i] = (u8)(stripe * HEIGHTS + guess_height(geo_tree(d->at.pool, g, frames[i]),
							      geo_node(g, frames[i])));
		at[key[i] * TURNS + i % TURNS]++;
	}
	for (u32 k = 0; k < keys * TURNS; k++) {
		u16 count = at[k];

		at[k] = (u16)sum;
		sum += count;
	}
	for (u32 i = 0; i < n; i++)
		sorted[at[key[i] * TURNS + i % TURNS]++] = frames[i];
	/* each counter stands where the next one began */
	for (u32 s = 0; s <= stripes; s++)
		end[s] = at[(s + 1) * HEIGHTS * TURNS - 1];
	memcpy(frames, sorted, n * sizeof(*frames));
}

/* Merge a block further that merging by the word has made. Its pages are accounted already, hence
   the subtraction. `frame` is any of its frames. */
static NOINLINE void __free_merged(struct drain *d, u32 frame, unsigned int order)
{
	unsigned int type = frame_migratetype(d->at.pool, frame);

	frame &= ~((1u << order) - 1);
	__account(d->at.stripe, -(1L << order), type);
	__free_one_page(&d->at, frame, order, type, false);
}

/*
 * Merge a block inside its pageblock; returns the order it reached. A block that became a
 * whole pageblock is on no list then: free_whole() merges it on after the batch, when the
 * lock was dropped, since a small stack has no room for both at a time.
 */
ALWAYS_INLINE unsigned int __free_single(struct drain *d, struct geometry g, u32 frame)
{
	const struct tight_spot spot = { geo_tree(d->at.pool, g, frame), geo_node(g, frame),
					 geo_pageblock(d->at.pool, g, frame), NULL };
	unsigned int type = spot.pb->type, order;

	if (unlikely(type >= PB_MIGRATE_CMA)) { /* __free_singles() accounts all as UNMOVABLE */
		__account(d->at.stripe, 1L << g.order, type);
		__account(d->at.stripe, -(1L << g.order), PB_MIGRATE_UNMOVABLE);
	}
	order = tight_merge(&spot, g.order, g.pageblock_order);
	if (unlikely(order == g.pageblock_order))
		__account(d->at.stripe, -(1L << order), type);
	__tight_relist_if_changed(&d->at, frame >> g.pageblock_order, spot.pb);
	return order;
}

/* A block that reached order o adds one to nr_free there; it took a buddy from each order below. */
static void __count_reached(const struct drain *d, const reached_t *reached)
{
	struct free_area *area = stripe_area(d->at.pool, d->at.stripe, 0);
	unsigned long taken = 0;

	for (unsigned int o = d->at.pool->pageblock_order + 1; o-- > d->order;) {
		/* whole pageblocks are counted when free_whole() inserts them */
		if (o < d->at.pool->pageblock_order)
			counter_add(&area[o].nr_free, reached[o] - taken);
		taken += reached[o];
	}
}

/* Free the blocks of one stripe. A frame of each pageblock that became whole is noted in whole[],
   which overlaps the part of frames[] that is done; returns how many. */
ALWAYS_INLINE u32 __free_singles(struct drain *d, struct geometry g, u32 n, const u32 *frames,
				 u32 *whole)
{
	reached_t reached[NR_ORDERS_MAX] = { 0 };
	u32 nr_whole = 0;

	for (u32 i = 0; i < n; i++) {
		unsigned int order = __free_single(d, g, frames[i]);

		reached[order]++;
		if (unlikely(order == g.pageblock_order))
			whole[nr_whole++] = frames[i];
	}
	__count_reached(d, reached);
	__account(d->at.stripe, (long)n << g.order, PB_MIGRATE_UNMOVABLE);
	return nr_whole;
}

/* Fetch what merging will read: the block's tree word, those of the next two orders, the counts. */
ALWAYS_INLINE void prefetch_block(const struct pb_pool *pool, struct geometry g, u32 frame)
{
	u64 *tree = geo_tree(pool, g, frame);
	u32 node = geo_node(g, frame);

	prefetch_write(&tree[node >> 6]);
	prefetch_write(&tree[node >> 7]);
	prefetch_write(&tree[node >> 8]);
	prefetch_write(geo_pageblock(pool, g, frame));
}

/* Free frames[], which are sorted by stripe, each up to its end[]. Returns the number of whole
   pageblocks, whose frames now come first in frames[]. */
LONG_INLINE u32 free_sorted(struct drain *d, struct geometry g, u32 *frames, const u16 *end)
{
	u32 at = 0, whole = 0;

	for (u32 s = 0; s < zone_stripes(d->at.zone); s++) {
		if (end[s] == at)
			continue;
		d->at = lock_stripe(d->at.pool, d->at.zone, zone_stripe(d->at.pool, d->at.zone, s));
		whole += __free_singles(d, g, end[s] - at, frames + at, frames + whole);
		unlock_stripe(&d->at);
		at = end[s];
	}
	return whole;
}

ALWAYS_INLINE void prefetch_all(const struct pb_pool *pool, struct geometry g, u32 n,
				const u32 *frames)
{
	for (u32 i = 0; i < n; i++)
		prefetch_block(pool, g, frames[i]);
}

ALWAYS_INLINE u32 free_as(struct drain *d, struct geometry g, u32 n, u32 *frames)
{
	u16 end[MAX_STRIPES];

	prefetch_all(d->at.pool, g, n, frames);
	sort_scattered(d, g, n, frames, end);
	return free_sorted(d, g, frames, end);
}

static struct geometry geometry_of(const struct pb_pool *pool, unsigned int order)
{
	return (struct geometry){ order, pool->max_order, pool->pageblock_order, pool->span_words,
				  pool->pageblock_stride };
}

/* Are these single pages in a pool of the default orders? */
static bool usual_geometry(const struct pb_pool *pool, unsigned int order)
{
	return !order && pool->max_order == PB_DEFAULT_MAX_ORDER &&
	       pool->pageblock_order == PB_DEFAULT_PAGEBLOCK_ORDER && pool->span_words == 32 &&
	       pool->pageblock_stride == 32;
}

static NOINLINE u32 free_scattered(struct pb_pool *pool, struct zone *zone, unsigned int order,
				   u32 n, u32 *frames)
{
	struct drain d = { .at = { .pool = pool, .zone = zone }, .order = order };
	const struct geometry usual = { 0, PB_DEFAULT_MAX_ORDER, PB_DEFAULT_PAGEBLOCK_ORDER, 32,
					32 };

	if (LONG_BATCHES && usual_geometry(pool, order))
		return free_as(&d, usual, n, frames);
	return free_as(&d, geometry_of(pool, order), n, frames);
}

/* Free the pageblocks that became whole, which are on no list yet. */
static void free_whole(struct pb_pool *pool, struct zone *zone, u32 n, const u32 *frames)
{
	for (u32 i = 0; i < n; i++) {
		u32 frame = frames[i] & ~((1u << pool->pageblock_order) - 1);
		struct locked at = lock_frame(pool, zone, frame);

		__free_one_page(&at, frame, pool->pageblock_order, frame_migratetype(pool, frame),
				false);
		unlock_stripe(&at);
	}
}

/* -------------------------------------------------------------- words of blocks */

/* Pack the even bits of a word into its lower half. */
static u64 pack_even_bits(u64 x)
{
	x &= 0x5555555555555555u;
	x = (x | x >> 1) & 0x3333333333333333u;
	x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0fu;
	x = (x | x >> 4) & 0x00ff00ff00ff00ffu;
	x = (x | x >> 8) & 0x0000ffff0000ffffu;
	return (x | x >> 16) & 0xffffffffu;
}

static void __adjust(const struct drain *d, u32 frame, unsigned int order, int delta)
{
	if (!delta)
		return;
	tight_count(d->at.pool, frame, order, delta);
	counter_add(&stripe_area(d->at.pool, d->at.stripe, order)->nr_free,
		    (unsigned long)(long)delta);
}

/* Merge the 64 blocks of a tree word, of which those in `mask` are being freed; true: they became
   one block, which is not inserted. `frame` is the first block's. */
static bool __merge_word(struct drain *d, u32 frame, u64 mask)
{
	u32 node = frame_node(d->at.pool, frame, d->order);
	u64 *tree = span_tree(d->at.pool, frame);

	if (!~mask)
		return true;
	for (unsigned int k = 0; mask && k < 6; k++) {
		u64 *word = &tree[node >> 6];
		u64 field = word_mask(node & 63, 64u >> k);
		u64 old = (*word & field) >> (node & 63);
		u64 all = old | mask;
		u64 pairs = all & all >> 1 & 0x5555555555555555u;
		u64 stay = all & ~(pairs | pairs << 1);

		*word = (*word & ~field) | stay << (node & 63);
		__adjust(d, frame, d->order + k, (int)popcount64(stay) - (int)popcount64(old));
		mask = pack_even_bits(pairs);
		node >>= 1;
	}
	return mask != 0;
}

static void __free_word(struct drain *d, u32 frame, u64 mask, u32 blocks)
{
	__account(d->at.stripe, (long)blocks << d->order, frame_migratetype(d->at.pool, frame));
	if (__merge_word(d, frame, mask))
		__free_merged(d, frame, d->order + 6);
	else
		__area_relist(&d->at, frame);
}

/* Are these 64 frames all the blocks of a tree word, ascending or descending? Written without
   branches, so that a compiler uses vectors. */
static bool whole_word(unsigned int order, const u32 *frames)
{
	u32 step = frames[1] - frames[0], expected = frames[0], differ = 0;
	u32 low = frames[0] < frames[63] ? frames[0] : frames[63];

	for (u32 i = 0; i < 64; i++) {
		differ |= frames[i] ^ expected;
		expected += step;
	}
	return !differ && (step == 1u << order || step == 0u - (1u << order)) &&
	       !(low & ((64u << order) - 1));
}

/* Free frames[0] and those after it in the same tree word, if they are enough for that to pay;
   returns how many. */
static u32 __free_run(struct drain *d, u32 n, const u32 *frames)
{
	unsigned int shift = d->order + 6;
	u32 first = frames[0] >> shift << shift;
	u64 mask = 0;
	u32 run = 0;

	if (n < RUN_MIN || frames[RUN_MIN - 1] >> shift != frames[0] >> shift)
		return 0;
	if (n >= 64 && whole_word(d->order, frames)) {
		mask = ~(u64)0;
		run = 64;
	}
	while (run < n && frames[run] - first < 1u << shift)
		mask |= (u64)1 << ((frames[run++] - first) >> d->order);
	__free_word(d, first, mask, run);
	return run;
}

/* ---------------------------------------------------------------------- a batch */

/* May blocks merge by the word? Not in a traced pool, which reports each step, nor where a word
   spans more than a pageblock. */
static bool word_wise(const struct pb_pool *pool, unsigned int order)
{
	return order + 6 <= pool->pageblock_order && !tracing(pool);
}

/* Frees frames[0] and perhaps those after it, all of one stripe; returns how many. */
static u32 __free_some(struct drain *d, u32 n, const u32 *frames)
{
	u32 run = 0;

	if (word_wise(d->at.pool, d->order))
		run = __free_run(d, n, frames);
	if (run)
		return run;
	__free_one_page(&d->at, frames[0], d->order, frame_migratetype(d->at.pool, frames[0]),
			false);
	return 1;
}

/* Sort a batch by stripe. */
static NOINLINE void sort_by_stripe(const struct pb_pool *pool, const struct zone *zone, u32 n,
				    u32 *frames)
{
	u32 sorted[ZONE_BATCH_MAX], at[MAX_STRIPES] = { 0 };

	for (u32 i = 0; i < n; i++)
		at[frame_stripe_number(pool, zone, frames[i])]++;
	for (u32 s = 0, sum = 0; s < zone_stripes(zone); s++) {
		sum += at[s];
		at[s] = sum - at[s];
	}
	for (u32 i = 0; i < n; i++)
		sorted[at[frame_stripe_number(pool, zone, frames[i])]++] = frames[i];
	memcpy(frames, sorted, n * sizeof(*frames));
}

#define SAMPLE 8u /* one frame of so many is looked at */

/* Prefetch, and sort by stripe if a sample shows that stripes are mixed. */
static void prepare_runs(const struct pb_pool *pool, const struct zone *zone, unsigned int order,
			 u32 n, u32 *frames)
{
	u32 stripe = frame_stripe_number(pool, zone, frames[0]), others = 0;
	struct geometry g = geometry_of(pool, order);

	for (u32 i = 0; i < n; i += SAMPLE) {
		others |= stripe ^ frame_stripe_number(pool, zone, frames[i]);
		prefetch_block(pool, g, frames[i]);
	}
	if (others)
		sort_by_stripe(pool, zone, n, frames);
}

static NOINLINE void free_runs(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n,
			       u32 *frames)
{
	struct drain d = { .at = { .pool = pool, .zone = zone }, .order = order };

	prepare_runs(pool, zone, order, n, frames);
	for (u32 i = 0; i < n;) {
		struct stripe *stripe = frame_stripe(pool, zone, frames[i]);

		if (stripe != d.at.stripe) {
			if (d.at.stripe)
				unlock_stripe(&d.at);
			d.at = lock_stripe(pool, zone, stripe);
		}
		i += __free_some(&d, n - i, frames + i);
	}
	unlock_stripe(&d.at);
}

#if LONG_BATCHES
/* Free blocks of at least a pageblock. */
static NOINLINE void free_wholes(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n,
				 u32 *frames)
{
	u32 stripe = frame_stripe_number(pool, zone, frames[0]), changes = 0, next;

	for (u32 i = SAMPLE / 2; i < n; i += SAMPLE / 2, stripe = next) {
		next = frame_stripe_number(pool, zone, frames[i]);
		changes += next != stripe;
	}
	if (changes > 1) /* one costs less than to sort */
		sort_by_stripe(pool, zone, n, frames);
	for (u32 i = 0; i < n;) {
		struct locked at = lock_frame(pool, zone, frames[i]);

		i += __free_wholes(&at, order, n - i, frames + i);
		unlock_stripe(&at);
	}
}
#endif

/* Are most of these alone in their tree word? Judged by every fourth. */
static NOINLINE bool scattered(unsigned int order, u32 n, const u32 *frames)
{
	u32 alone = 0;

	for (u32 i = RUN_MIN - 1; i < n; i += RUN_MIN)
		alone += frames[i] >> (order + 6) != frames[i - RUN_MIN + 1] >> (order + 6);
	return alone * 2 * RUN_MIN >= n;
}

void free_bulk(struct pb_pool *pool, struct zone *zone, unsigned int order, u32 n, u32 *frames)
{
#if LONG_BATCHES
	if (order >= pool->pageblock_order && !tracing(pool)) {
		free_wholes(pool, zone, order, n, frames);
		return;
	}
#endif
	if (order < pool->pageblock_order && !tracing(pool) && scattered(order, n, frames))
		free_whole(pool, zone, free_scattered(pool, zone, order, n, frames), frames);
	else
		free_runs(pool, zone, order, n, frames);
}
