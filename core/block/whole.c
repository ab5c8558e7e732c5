/* SPDX-License-Identifier: MIT */
#include "block/whole.h"

#include "block/marks.h"
#include "block/runs.h"

/* ------------------------------------------------------------------ questions */

/* Is the block's bit set in the list of its type? Also asked without the lock, so the answer may be
   old. */
static bool whole_is_free(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	const struct zone *zone = zone_of_frame(pool, frame);
	const struct stripe *stripe = frame_stripe(pool, zone, frame);
	u32 pageblock = frame >> pool->pageblock_order;
	unsigned int type = pageblock_type(pool, pageblock);
	u32 local = tight_local(pool, zone, pageblock);

	if (type >= LIST_TYPES) /* pb_validate() asks, of anything */
		return false;
	return load_relaxed(tight_leaf(pool, zone, stripe, order, type) + (local >> 6)) >>
		       (local & 63) &
	       1;
}

bool block_is_free(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	if (order >= pool->pageblock_order && !pool_is_linked(pool))
		return whole_is_free(pool, frame, order);
	return tree_test(span_tree(pool, frame), frame_node(pool, frame, order));
}

int covering_order(const struct pb_pool *pool, u32 frame)
{
	int order = tree_covering(span_tree(pool, frame), pool->max_order,
				  span_offset(pool, frame));

	if (order >= 0 || pool_is_linked(pool))
		return order;
	for (order = pool->pageblock_order; order <= pool->max_order; order++)
		if (whole_is_free(pool, frame >> order << order, (unsigned int)order))
			return order;
	return -1;
}

/* ------------------------------------------------------------ one block */

/* Store a word of a list, and change the words above if it becomes empty or was empty. */
static inline void __store_word(const struct locked *at, struct whole_list list, u32 local,
				u64 word)
{
	const struct zone *zone = at->zone;
	u64 *root = &stripe_area(at->pool, at->stripe, list.order)->free_list[list.type].root;
	u64 *level = tight_bitmap(at->pool, zone, at->stripe, list.order, list.type);
	u32 *nonempty = &at->stripe->nonempty[list.type];

	for (unsigned int i = 0; i < zone->levels; i++) {
		u64 *to = &level[local >> 6], old = *to, bit;

		*to = word;
		if (!old == !word)
			return;
		level += zone->level_words[i];
		local >>= 6;
		to = i + 1u < zone->levels ? &level[local >> 6] : root;
		bit = (u64)1 << (local & 63);
		word = word ? *to | bit : *to & ~bit;
	}
	*root = word;
	store_relaxed(nonempty,
		      word ? *nonempty | 1u << list.order : *nonempty & ~(1u << list.order));
}

void __whole_set(const struct locked *at, u32 frame, unsigned int order, bool free)
{
	const struct whole_list list = { order, frame_migratetype(at->pool, frame) };
	u32 local = tight_local(at->pool, at->zone, frame >> at->pool->pageblock_order);
	u64 word = *list_word(at, list, local), bit = (u64)1 << (local & 63);

	__store_word(at, list, local, free ? word | bit : word & ~bit);
	__runs_mark(at, frame, order);
}

void __whole_insert(const struct locked *at, u32 frame, unsigned int order)
{
	counter_add(&stripe_area(at->pool, at->stripe, order)->nr_free, 1);
	__whole_set(at, frame, order, true);
	if (tracing(at->pool))
		trace_block(at->pool, PB_TRACE_INSERT, frame, order,
			    frame_migratetype(at->pool, frame));
}

void __whole_remove(const struct locked *at, u32 frame, unsigned int order)
{
	counter_add(&stripe_area(at->pool, at->stripe, order)->nr_free, (unsigned long)-1);
	__whole_set(at, frame, order, false);
}

int __whole_begins(const struct locked *at, u32 pageblock)
{
	u32 frame = pageblock << at->pool->pageblock_order;
	unsigned int order = at->pool->pageblock_order;

	for (; order <= at->pool->max_order && !(frame & ((1u << order) - 1)); order++)
		if (__whole_test(at, frame, order))
			return (int)order;
	return -1;
}

/* --------------------------------------------------------------- words of blocks */

/* First frame of the pageblock of a word's bit 0. (The 64 places of a word are of one group.) */
static u32 word_frame(const struct locked *at, u32 local)
{
	return tight_global(at->pool, at->zone, at->stripe, local & ~63u)
	       << at->pool->pageblock_order;
}

#define PICKS 16u /* blocks of a list that are compared */

u32 __wished_pageblock(const struct locked *at, unsigned int order, unsigned int type)
{
	u32 local = __tight_lowest_local(at, order, type), best = local, least = UINT32_MAX;

	for (u32 i = 0; i < PICKS && least && local != NO_FRAME; i++) {
		u32 frame = tight_global(at->pool, at->zone, at->stripe, local)
			    << at->pool->pageblock_order;
		u32 penalty = marks_penalty(at->pool, frame, order, at->stripe->wish);

		if (penalty < least) {
			least = penalty;
			best = local;
		}
		local = __tight_next(at, order, type, local + 1);
	}
	return tight_global(at->pool, at->zone, at->stripe, best);
}

/* The blocks of a word whose marks don't suit the wish, if there are others that do. */
static NOINLINE u64 __less_wished(const struct locked *at, unsigned int order, u32 base, u64 word)
{
	u64 less = 0;

	for (u64 left = word; left; left &= left - 1) {
		u32 frame = base + (ctz64(left) << at->pool->pageblock_order);

		if (marks_penalty(at->pool, frame, order, at->stripe->wish))
			less |= left & (0 - left);
	}
	return less == word ? 0 : less;
}

u32 __take_wholes(const struct locked *at, struct whole_list list, unsigned int order, u32 n,
		  u32 *end)
{
	u32 local = __tight_lowest_local(at, list.order, list.type);
	const unsigned int shift = at->pool->pageblock_order;
	u32 base = word_frame(at, local), per = 1u << (list.order - order);
	u64 word = *list_word(at, list, local), less = 0;
	u32 got = 0, frame = NO_FRAME, past;

	if (has_marks(at->pool))
		less = __less_wished(at, list.order, base, word);
	word ^= less;
	while (word && n - got >= per) {
		frame = base + (ctz64(word) << shift);
		past = frame + (per << order);
		word &= word - 1;
		prefetch_write(&at->pool->pages[frame]); /* soon to be allocated */
		do
			end[-1 - (s32)got++] = frame;
		while ((frame += 1u << order) != past);
	}
	if (!got)
		return 0;
	__runs_mark(at, frame - (per << order), list.order); /* the others are of the same leaf */
	counter_add(&stripe_area(at->pool, at->stripe, list.order)->nr_free,
		    0ul - (got >> (list.order - order)));
	__store_word(at, list, local, word | less);
	return got;
}

#if LONG_BATCHES /* in short ones each goes by itself, and the stack is small */
/* The places at which a block of the next order may begin, for steps of 1, 2 ... 32 places. */
static const u64 even_places[] = { 0x5555555555555555u, 0x1111111111111111u, 0x0101010101010101u,
				   0x0001000100010001u, 0x0000000100000001u, 1 };

/* The number of orders whose blocks fit into a word. */
#define WORD_ORDERS 7u

/* The state of a batch that returns to one stripe; all blocks are of one type. */
struct homecoming {
	const struct locked *at;
	unsigned int order, type;
	unsigned int orders; /* that merging by the word may reach, from `order` on */
	u32 blocks;          /* of `order`, returned so far */
	struct {
		const u64 *other[2]; /* lists of other types that these may merge with, or NULL */
		u64 *word;           /* lowest level of this order's list */
		long count;          /* change of nr_free */
	} list[WORD_ORDERS];
};

/* Find the lists of other types that the blocks may merge with and that are not empty. */
static void __find_others(struct homecoming *home, unsigned int i)
{
	const struct locked *at = home->at;
	unsigned int order = home->order + i;

	home->list[i].other[0] = home->list[i].other[1] = NULL;
	if (!migratetype_is_mergeable(home->type))
		return;
	for (unsigned int type = 0, n = 0; type < PB_MIGRATE_PCPTYPES; type++)
		if (type != home->type && at->stripe->nonempty[type] >> order & 1)
			home->list[i].other[n++] = tight_leaf(at->pool, at->zone, at->stripe, order,
							      type);
}

static void __begin(struct homecoming *home, const struct locked *at, unsigned int order,
		    unsigned int type)
{
	const unsigned int whole = at->pool->pageblock_order, most = whole + WORD_ORDERS;
	const unsigned int end = at->pool->max_order + 1u < most ? at->pool->max_order + 1u : most;

	home->at = at;
	home->order = order;
	home->type = type;
	home->orders = end - order;
	home->blocks = 0;
	for (unsigned int i = 0; i < home->orders; i++) {
		home->list[i].word = tight_leaf(at->pool, at->zone, at->stripe, order + i, type);
		home->list[i].count = 0;
		__find_others(home, i);
	}
}

static void __end(const struct homecoming *home)
{
	struct free_area *area = stripe_area(home->at->pool, home->at->stripe, home->order);

	__account(home->at->stripe, (long)home->blocks << home->order, home->type);
	for (unsigned int i = 0; i < home->orders; i++)
		counter_add(&area[i].nr_free, (unsigned long)home->list[i].count);
}

/* Free each block of the mask by itself, since it may merge beyond the word or change a type. */
static NOINLINE void __free_each(const struct homecoming *home, unsigned int order, u32 local,
				 u64 mask)
{
	const struct locked *at = home->at;

	for (; mask; mask &= mask - 1) {
		u32 frame = word_frame(at, local) + (ctz64(mask) << at->pool->pageblock_order);

		__account(at->stripe, -(1L << order), home->type); /* __end() counts it */
		__free_one_page(at, frame, order, home->type, false);
	}
}

/* May a block of the mask have a free buddy on the list of another type? */
static inline bool __foreign_buddies(const struct homecoming *home, unsigned int i, u32 local,
				     u64 mask)
{
	unsigned int log = home->order + i - home->at->pool->pageblock_order;
	u64 others = 0;

	for (unsigned int k = 0; k < 2 && home->list[i].other[k]; k++)
		others |= home->list[i].other[k][local >> 6];
	return others & ((mask & even_places[log]) << (1u << log) |
			 (mask >> (1u << log) & even_places[log]));
}

/* Change the words above a list's lowest level after a word there became empty or was empty. */
static NOINLINE void __note_word(const struct homecoming *home, unsigned int i, u32 local, u64 old)
{
	u64 *word = &home->list[i].word[local >> 6], new = *word;

	*word = old;
	__store_word(home->at, (struct whole_list){ home->order + i, home->type }, local, new);
}

/* Free the blocks of a word's mask and merge them by the word, order after order. The first two
   orders are done without a test, since whether a block merges once can't be predicted. */
static inline void __merge_word(struct homecoming *home, u32 local, u64 mask, u32 blocks)
{
	unsigned int log = home->order - home->at->pool->pageblock_order;
	const bool one = blocks == 1;

	for (unsigned int i = 0; i < home->orders && (i < 2 || mask); i++, log++) {
		bool last = home->order + i == home->at->pool->max_order;
		u64 *word = &home->list[i].word[local >> 6], old = *word, all = old | mask, pairs;
		u32 merged;

		if (!last &&
		    unlikely(log == WORD_ORDERS - 1 || __foreign_buddies(home, i, local, mask))) {
			__free_each(home, home->order + i, local, mask);
			return;
		}
		pairs = last ? 0
			     : all & all >> (1u << log) & even_places[log] &
					(mask | mask >> (1u << log));
		/* without pairs the shift may be the word's width, which C does not define */
		*word = all & ~(pairs | pairs << ((1u << log) & 63));
		merged = one ? pairs != 0 : popcount64(pairs);
		home->list[i].count += (long)blocks - 2L * merged;
		if (unlikely(!old != !*word))
			__note_word(home, i, local, old);
		mask = pairs;
		blocks = merged;
	}
}

/* Count the blocks from frames[0] on that lie in the same word and are of the same type. *mask gets
   their places; `local` is the place of the first. */
static inline u32 __gather(const struct homecoming *home, u32 local, u32 n, const u32 *frames,
			   u64 *mask)
{
	const struct pb_pool *pool = home->at->pool;
	const unsigned int type = home->type, shift = pool->pageblock_order;
	u32 base = (frames[0] >> shift) - (local & 63), run = 0;
	u64 gathered = 0;

	for (; run < n; run++) {
		u32 place = (frames[run] >> shift) - base;

		if (place >= 64 || pageblock_type(pool, base + place) != type)
			break;
		gathered |= (u64)1 << place;
	}
	*mask = gathered;
	return run;
}

u32 __free_wholes(const struct locked *at, unsigned int order, u32 n, const u32 *frames)
{
	const struct pb_pool *pool = at->pool;
	const u32 base = zone_first_pageblock(pool, at->zone), shift = at->zone->group_shift;
	const u32 log = ctz32(zone_stripes(at->zone)), number = at->stripe->number;
	struct homecoming home;
	u32 done = 0, run;
	u64 mask;

	__begin(&home, at, order, frame_migratetype(pool, frames[0]));
	for (; done < n; done += run) {
		u32 place = (frames[done] >> pool->pageblock_order) - base, group = place >> shift;
		u32 local = (group >> log << shift) | (place & ((1u << shift) - 1));

		if ((group & (zone_stripes(at->zone) - 1)) != number)
			break;
		run = __gather(&home, local, n - done, frames + done, &mask);
		if (!run)
			break;                        /* of another type */
		__runs_mark(at, frames[done], order); /* the others are of the same leaf */
		__merge_word(&home, local, mask, run);
		home.blocks += run;
	}
	__end(&home);
	return done;
}
#endif
