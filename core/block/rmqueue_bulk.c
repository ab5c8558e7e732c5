/* SPDX-License-Identifier: MIT */
/*
 * Many blocks out of one stripe under one hold of its lock: bits of a tree are taken by
 * the word, or one larger block is cut straight into the batch. The way back is
 * free_bulk.c.
 */
#include "block/free_area.h"

/* ------------------------------------------------------------- a batch out */

/* Take blocks of exactly `order` from a pageblock, a word of bits at a time. */
static u32 __take_bits(const struct locked *at, u32 pageblock, unsigned int order, u32 n, u32 *end)
{
	const struct pb_pool *pool = at->pool;
	u32 base = pageblock << pool->pageblock_order;
	u64 *tree = span_tree(pool, base);
	u32 first = frame_node(pool, base, order);
	u32 last = first + (1u << (pool->pageblock_order - order));
	u32 got = 0;

	for (u32 node = first; node < last && got < n;) {
		u32 bit = node & 63;
		u32 take = last - node < 64 - bit ? last - node : 64 - bit;
		u64 *word = &tree[node >> 6];
		u64 free = *word & word_mask(bit, take);
		u64 left = free;

		while (left && got < n) {
			u32 found = (node & ~63u) + ctz64(left);

			end[-1 - (s32)got++] = base + ((found - first) << order);
			left &= left - 1;
		}
		*word ^= free ^ left;
		node += take;
	}
	tight_count(pool, base, order, -(int)got);
	counter_add(&stripe_area(pool, at->stripe, order)->nr_free, 0ul - got);
	return got;
}

/* Four at a time, as a vector where the target has one. */
typedef u32 four_frames __attribute__((vector_size(16), aligned(4), may_alias));

/* Write the n blocks from `frame` on downward from end[-1], which becomes `frame`. */
static NOINLINE void write_down(u32 frame, unsigned int order, u32 n, u32 *end)
{
	u32 step = 1u << order, at = frame + ((n - 1) << order);
	four_frames four = { at, at - step, at - 2 * step, at - 3 * step };
	u32 *to = end - n;

	for (; end - to >= 4; to += 4) {
		*(four_frames *)to = four;
		four -= 4 * step;
	}
	for (at = four[0]; to != end; to++, at -= step)
		*to = at;
}

/* A free block and its order, or a pageblock and the order of the list that it is on. */
struct piece {
	u32 frame;
	unsigned int order;
};

/* The first `got` blocks of `order` of a block of order `found` were taken: free the rest as the
   largest aligned blocks, without touching the orders between. */
static void __return_rest(const struct locked *at, u32 frame, unsigned int found,
			  unsigned int order, u32 got)
{
	unsigned int type = frame_migratetype(at->pool, frame);

	for (u32 x = got; x < 1u << (found - order);) {
		unsigned int k = ctz32(x);
		u32 rest = frame + (x << order);

		__area_insert(at, rest, order + k, type, false);
		if (tracing(at->pool))
			trace_block(at->pool, PB_TRACE_SPLIT, rest, order + k, type);
		if ((rest ^ frame) >> at->pool->pageblock_order) /* the first is relisted later */
			__area_relist(at, rest);
		x += 1u << k;
	}
}

/* Take a free block and cut it into up to n blocks of `order`. The caller relists its pageblock. */
static u32 __take_cut(const struct locked *at, struct piece from, unsigned int order, u32 n,
		      u32 *end)
{
	const struct pb_pool *pool = at->pool;
	u32 frame = from.frame, got = 1u << (from.order - order);

	if (n < got)
		got = n;
	__area_remove(at, frame, from.order);
	if (tracing(pool))
		trace_block(pool, PB_TRACE_TAKE, frame, from.order, frame_migratetype(pool, frame));
	if (from.order == order) {
		end[-1] = frame;
		return 1;
	}
	write_down(frame, order, got, end);
	__return_rest(at, frame, from.order, order, got);
	return got;
}

/* Take up to n blocks from one pageblock of a list, its smallest blocks that serve first. */
static u32 __take_pageblock(const struct locked *at, struct piece from, unsigned int order, u32 n,
			    u32 *end)
{
	const struct pb_pool *pool = at->pool;
	u32 pageblock = from.frame >> pool->pageblock_order, got = 0;
	struct pageblock *pb = pool_pageblock(pool, pageblock);
	bool whole = in_list_alone(pool, from.order);

	while (got < n && (whole || pb->mask >> order)) {
		if (!whole)
			from.order = order + ctz32(pb->mask >> order);
		if (!whole && from.order == order && !tracing(pool)) {
			got += __take_bits(at, pageblock, order, n - got, end - got);
			continue;
		}
		from.frame = tight_block(pool, pageblock, from.order);
		got += __take_cut(at, from, order, n - got, end - got);
		whole = false;
	}
	__tight_relist_if_changed(at, pageblock, pb);
	return got;
}

/* Take whole blocks by the word, if the batch is of at least pageblock_order. 0: none taken, since
   a block must be cut or each step reported. */
static inline u32 __take_words(const struct locked *at, struct whole_list list, unsigned int order,
			       u32 n, u32 *end)
{
	if (!LONG_BATCHES || order < at->pool->pageblock_order || tracing(at->pool))
		return 0;
	return __take_wholes(at, list, order, n, end);
}

/* Not inlined: its stack frame is large, and a batch of one block does without it. */
static NOINLINE u32 __take_lists(const struct locked *at, unsigned int order, unsigned int type,
				 u32 n, u32 *end)
{
	const struct stripe *stripe = at->stripe;
	u32 got = 0, lists = stripe->nonempty[type] >> order, some;
	unsigned int tightest = lists ? ctz32(lists) : 0;
	const bool from_wholes = LONG_BATCHES && order >= at->pool->pageblock_order;

	/* Only from lists as tight as the first one: when this stripe has no more of them another
	   may, and the next batch will compare the stripes again. A few whole pageblocks are not
	   worth a batch of their own, however. */
	while (got < n && lists && (ctz32(lists) <= tightest || (from_wholes && got < n / 4))) {
		struct piece from = { NO_FRAME, order + ctz32(lists) };

		if (tracing(at->pool))
			__trace_scan(at, order, type);
		some = __take_words(at, (struct whole_list){ from.order, type }, order, n - got,
				    end - got);
		if (!some) {
			/* on a small stack there is no room to look at marks */
			from.frame = (LONG_BATCHES ? __list_pageblock(at, from.order, type)
						   : __tight_lowest(at, from.order, type))
				     << at->pool->pageblock_order;
			some = __take_pageblock(at, from, order, n - got, end - got);
		}
		got += some;
		lists = stripe->nonempty[type] >> order;
	}
	if (got)
		__account(at->stripe, -((long)got << order), type);
	return got;
}

u32 __rmqueue_bulk(const struct locked *at, unsigned int order, unsigned int type, u32 n, u32 *end)
{
	if (PB_WITH_PCP && (n > 1 || tracing(at->pool)))
		return __take_lists(at, order, type, n, end);
	if (n)
		end[-1] = __rmqueue_smallest(at, order, type);
	return n && end[-1] != NO_FRAME;
}
