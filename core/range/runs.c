/* SPDX-License-Identifier: MIT */
/*
 * The nodes above the leaves, and the walk from left to right to the first run that is long
 * enough. A walk that wants four in a row, with leaves of eight:
 *
 *	leaf     [1 1 1 0 0 1 1 1]   [1 1 0 1 1 1 1 0]
 *	node      first 3, last 3     first 2, last 0, longest 4
 *	carry                     3   3 + 2 >= 4: it begins three before this leaf
 */
#include "range/runs.h"

#include "block/whole.h"

/* ---------------------------------------------------------------- the leaves */

bool __pageblock_is_whole(const struct pb_pool *pool, u32 pageblock)
{
	return frame_is_there(pool, pageblock << pool->pageblock_order) &&
	       pageblock_type(pool, pageblock) != PB_MIGRATE_ISOLATE &&
	       pageblock_is_free(pool, pageblock);
}

/* linux: the leaf's word from the trees, of blocks of at least pageblock_order. */
static u64 __leaf_of_trees(const struct locked *at, u32 first, u32 n)
{
	u64 word = 0;

	for (u32 i = 0; i < n; i++) {
		u32 frame = (first + i) << at->pool->pageblock_order;
		u32 node = frame_node(at->pool, frame, at->pool->pageblock_order);
		bool whole = false;

		for (; node && !whole; node >>= 1)
			whole = tree_test(span_tree(at->pool, frame), node);
		if (whole && pageblock_type(at->pool, first + i) != PB_MIGRATE_ISOLATE)
			word |= (u64)1 << i;
	}
	return word;
}

/* modern: a bit for each pageblock that the blocks of one list cover. */
static u64 __leaf_of_list(const struct locked *at, u32 local, struct whole_list list)
{
	unsigned int log = list.order - at->pool->pageblock_order;
	u64 word;

	if (log >= LEAF_SHIFT) {
		local &= ~((1u << log) - 1);
		return *list_word(at, list, local) >> (local & 63) & 1 ? ~(u64)0 : 0;
	}
	word = *list_word(at, list, local);
	for (unsigned int i = 0; i < log; i++)
		word |= word << (1u << i);
	return word;
}

static u64 __leaf_of_lists(const struct locked *at, u32 first)
{
	u32 local = tight_local(at->pool, at->zone, first);
	u64 word = 0;

	for (unsigned int type = 0; type < PB_MIGRATE_ISOLATE; type++)
		for (unsigned int o = at->pool->pageblock_order; o <= at->pool->max_order; o++)
			if (at->stripe->nonempty[type] >> o & 1)
				word |= __leaf_of_list(at, local, (struct whole_list){ o, type });
	return word;
}

/* Read a leaf, a bit per whole free pageblock, and clear its mark. */
static u64 read_leaf(struct pb_pool *pool, struct zone *zone, u32 leaf)
{
	u32 first = zone_first_pageblock(pool, zone) + (leaf << LEAF_SHIFT);
	u32 left = zone_nr_pageblocks(pool, zone) - (leaf << LEAF_SHIFT);
	struct locked at = lock_frame(pool, zone, first << pool->pageblock_order);
	u64 word;

	if (zone->run_leaves)
		pb_atomic_fetch_and(runs_marked(pool, zone) + (leaf >> 5), ~(1u << (leaf & 31)),
				    __ATOMIC_RELAXED);
	word = pool_is_linked(pool) ? __leaf_of_trees(&at, first, left < 64 ? left : 64)
				    : __leaf_of_lists(&at, first);
	unlock_stripe(&at);
	return left < 64 ? word & word_mask(0, left) : word;
}

/* Number of ones from bit 0 on. */
static u32 ones(u64 word)
{
	return ~word ? ctz64(~word) : 64;
}

static u32 zeros(u64 word)
{
	return word ? ctz64(word) : 64;
}

struct run_node runs_of_word(u64 word)
{
	struct run_node node = { ones(word), ~word ? 63 - fls64(~word) : 64, 0 };

	for (; word; word &= word << 1) /* a run loses its lowest bit each time */
		node.longest++;
	return node;
}

struct run_node runs_join(const struct run_node *left, const struct run_node *right, u32 half)
{
	u32 across = left->last + right->first;
	struct run_node node = { left->first, right->last, left->longest };

	if (left->first == half)
		node.first += right->first;
	if (right->last == half)
		node.last += left->last;
	if (right->longest > node.longest)
		node.longest = right->longest;
	if (across > node.longest)
		node.longest = across;
	return node;
}

bool runs_same(const struct run_node *a, const struct run_node *b)
{
	return a->first == b->first && a->last == b->last && a->longest == b->longest;
}

/* Store a leaf's word, and update the nodes above it up to one that doesn't change. */
static void set_leaf(struct pb_pool *pool, struct zone *zone, u32 leaf, u64 word)
{
	struct run_node *nodes = runs_nodes(pool, zone), node = runs_of_word(word);
	u32 at = runs_width(zone->run_leaves) + leaf, half = 1u << LEAF_SHIFT;

	runs_words(pool, zone)[leaf] = word;
	for (; at && !runs_same(&nodes[at], &node); half <<= 1) {
		nodes[at] = node;
		at >>= 1;
		if (at)
			node = runs_join(&nodes[2 * at], &nodes[2 * at + 1], half);
	}
}

void runs_refresh(struct pb_pool *pool, struct zone *zone)
{
	for (u32 i = 0; i < div_round_up(zone->run_leaves, 32); i++) {
		u32 marked = load_relaxed(runs_marked(pool, zone) + i);

		for (; marked; marked &= marked - 1) {
			u32 leaf = i << 5 | ctz32(marked);

			pb_platform_lock(&zone->lock);
			set_leaf(pool, zone, leaf, read_leaf(pool, zone, leaf));
			pb_platform_unlock(&zone->lock);
		}
	}
}

/* ---------------------------------------------------------------- walks */

/* A walk from left to right. */
struct way {
	u32 n;     /* pageblocks wanted */
	u32 at;    /* pageblock that it has reached */
	u32 carry; /* free pageblocks right before that */
	u64 only;  /* the word of a zone of one leaf, which has no nodes */
};

static u64 leaf_word(const struct pb_pool *pool, const struct zone *zone, const struct way *w,
		     u32 leaf)
{
	return zone->run_leaves ? runs_words(pool, zone)[leaf] : w->only;
}

/* Walk through the rest of a leaf, from w->at on; true: n in a row were found. */
static bool through_leaf(struct way *w, u64 word)
{
	u32 end = (w->at | 63) + 1;

	word >>= w->at & 63;
	while (w->at < end) {
		u32 n = ones(word), left = end - w->at;

		w->carry += n < left ? n : left;
		if (w->carry >= w->n || n >= left) {
			w->at += n < left ? n : left;
			return w->carry >= w->n;
		}
		word >>= n;
		n += zeros(word);
		word = n < 64 ? word >> zeros(word) : 0;
		w->carry = 0;
		w->at += n < left ? n : left;
	}
	return false;
}

/* Walk past a whole node if no long enough run ends in it; false: one does. */
static bool past_node(struct way *w, const struct run_node *node, u32 size)
{
	if (w->carry + node->first >= w->n || node->longest >= w->n)
		return false;
	w->carry = node->first == size ? w->carry + size : node->last;
	w->at += size;
	return true;
}

/* End of the run that goes on at w->at, at most `end`. */
static u32 end_of_run(struct pb_pool *pool, struct zone *zone, const struct way *w, u32 end)
{
	const struct run_node *nodes = runs_nodes(pool, zone);
	u32 width = runs_width(zone->run_leaves), from = w->at;

	while (from < end) {
		u32 node = width + (from >> LEAF_SHIFT), size = 1u << LEAF_SHIFT;
		u32 n = ones(leaf_word(pool, zone, w, from >> LEAF_SHIFT) >> (from & 63));

		if (n < 64 - (from & 63) || !zone->run_leaves)
			return (u32)min_u64(end, (u64)from + n);
		for (; !(node & 1) && nodes[node >> 1].first == 2 * size; node >>= 1)
			size *= 2;
		from = ((from >> LEAF_SHIFT) << LEAF_SHIFT) + size;
	}
	return end;
}

static struct run found(struct pb_pool *pool, struct zone *zone, const struct way *w, u32 end)
{
	struct run run = { w->at - w->carry, 0 };

	if (w->at <= end)
		run.n = end_of_run(pool, zone, w, end) - run.first;
	else if (run.first < end)
		run.n = end - run.first;
	if (run.n < w->n)
		run.n = 0;
	return run;
}

/* Walk to the next leaf in which a run may end, or to `end`, in steps as large as nodes allow. */
static void next_leaf(struct pb_pool *pool, struct zone *zone, struct way *w, u32 end)
{
	const struct run_node *nodes = runs_nodes(pool, zone);
	u32 width = runs_width(zone->run_leaves);

	while (w->at < end) {
		u32 node = width + (w->at >> LEAF_SHIFT), size = 1u << LEAF_SHIFT;

		for (; !(node & 1) && nodes[node >> 1].longest < w->n &&
		       w->carry + nodes[node >> 1].first < w->n;
		     node >>= 1)
			size *= 2;
		if (!past_node(w, &nodes[node], size))
			return;
	}
}

static struct run __next(struct pb_pool *pool, struct zone *zone, struct way *w, u32 end)
{
	while (w->at < end) {
		if (!(w->at & 63) && zone->run_leaves)
			next_leaf(pool, zone, w, end);
		if (w->at >= end)
			break;
		if (through_leaf(w, leaf_word(pool, zone, w, w->at >> LEAF_SHIFT)))
			return found(pool, zone, w, end);
	}
	return (struct run){ 0, 0 };
}

struct run runs_next(struct pb_pool *pool, struct zone *zone, u32 from, u32 end, u32 n)
{
	struct way w = { n, from, 0, 0 };
	struct run run;

	if (!zone->run_leaves) {
		w.only = read_leaf(pool, zone, 0);
		return __next(pool, zone, &w, end);
	}
	pb_platform_lock(&zone->lock);
	run = __next(pool, zone, &w, end);
	pb_platform_unlock(&zone->lock);
	return run;
}

struct run runs_tightest(struct pb_pool *pool, struct zone *zone, u32 n)
{
	u32 end = zone_nr_pageblocks(pool, zone);
	struct run best = { 0, 0 }, run = best;

	for (u32 i = 0; i < RUNS_COMPARED && best.n != n; i++) {
		run = runs_next(pool, zone, run.first + run.n, end, n);
		if (!run.n)
			break;
		if (!best.n || run.n < best.n)
			best = run;
	}
	return best;
}
