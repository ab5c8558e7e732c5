/* SPDX-License-Identifier: MIT */
/*
 * pb_validate(): every invariant of docs/INVARIANTS.md marked V, in that order.
 *
 * Each check may rely on those before it and on nothing else, so that none reads
 * outside the metadata or runs on without end, whatever it holds:
 *
 *	I1 super block -> I2 segments, I3 zones -> I4..I12 trees and page bytes
 *	   -> I15 room of the stacks -> I13, I14 per-CPU lists -> I17.. the rest
 *
 * The only thing written are the page bytes of frames in per-CPU lists: marked
 * while I14 looks for duplicates, zero again afterwards.
 */
#include "alloc/gfp.h"
#include "base/seal.h"
#include "boot/layout.h"
#include "boot/memmap.h"
#include "alloc/misuse.h"
#include "linux/pcp_linux.h"
#include "pcp/pcp.h"
#include "base/text.h"

#define PAGE_MARK 0x04u /* a page byte that means nothing to anyone else */

struct check {
	struct pb_pool *pool;
	struct pb_error *error;
	/* where the walk of a list is */
	const struct zone *zone;
	u32 cpu;
	unsigned int type; /* linux: of a per-CPU list its number */
	u64 blocks, pages; /* seen so far */
};

#define CHECK(call)                   \
	do {                          \
		int code_ = (call);   \
		if (code_)            \
			return code_; \
	} while (0)

/* ------------------------------------------------------------------- report */

static void begin_report(struct check *c, struct text *text, unsigned int invariant,
			 const char *what)
{
	c->error->code = PB_ECORRUPT;
	c->error->region = UINT32_MAX;
	*text = (struct text){ c->error->text, sizeof(c->error->text), 0 };
	text_str(text, "I");
	text_dec(text, invariant, 0);
	text_str(text, ": ");
	text_str(text, what);
}

/* "I8: a bit names no block" */
static int broken(struct check *c, unsigned int invariant, const char *what)
{
	struct text text;

	if (c->error)
		begin_report(c, &text, invariant, what);
	return PB_ECORRUPT;
}

/* "I9: not aligned to its order (pfn 0x13, order 2)"; pre: I2 holds. */
static int broken_block(struct check *c, unsigned int invariant, const char *what, u32 frame,
			unsigned int order)
{
	struct text text;

	if (!c->error)
		return PB_ECORRUPT;
	begin_report(c, &text, invariant, what);
	text_str(&text, " (pfn ");
	text_hex(&text, frame_to_pfn(c->pool, frame));
	text_str(&text, ", order ");
	text_dec(&text, order, 0);
	text_str(&text, ")");
	return PB_ECORRUPT;
}

/* "I3: start_pfn or spanned pages (zone 1)" */
static int broken_at(struct check *c, unsigned int invariant, const char *what, const char *of,
		     u64 number)
{
	struct text text;

	if (!c->error)
		return PB_ECORRUPT;
	begin_report(c, &text, invariant, what);
	text_str(&text, " (");
	text_str(&text, of);
	text_str(&text, " ");
	text_dec(&text, (s64)number, 0);
	text_str(&text, ")");
	return PB_ECORRUPT;
}

/* "I24: managed pages (zone 1: found 5, expected 4)" */
static int broken_number(struct check *c, unsigned int invariant, const char *what, const char *of,
			 u64 number, u64 found, u64 expected)
{
	struct text text;

	if (!c->error)
		return PB_ECORRUPT;
	begin_report(c, &text, invariant, what);
	text_str(&text, " (");
	text_str(&text, of);
	text_str(&text, " ");
	text_dec(&text, (s64)number, 0);
	text_str(&text, ": found ");
	text_dec(&text, (s64)found, 0);
	text_str(&text, ", expected ");
	text_dec(&text, (s64)expected, 0);
	text_str(&text, ")");
	return PB_ECORRUPT;
}

static int broken_zone(struct check *c, unsigned int invariant, const char *what,
		       const struct zone *zone, u64 found, u64 expected)
{
	return broken_number(c, invariant, what, "zone", zone_number(c->pool, zone), found,
			     expected);
}

/* A pool whose state came from elsewhere: totals and marks are what was said. */
static bool state_was_loaded(const struct check *c)
{
	return c->pool->super->flags & PB_POOL_ALL_RESERVED;
}

/* ------------------------------------------------------------ I1 super block */

/* Nobody wrote into the handle, or made it from another super block. */
static bool handle_matches(const struct pb_pool *pool)
{
	const struct pb_super *s = pool->super;
	bool linked = s->profile == PB_PROFILE_LINUX;

	return pool->pages == pool_at(pool, s->pages) && pool->nr_frames == s->nr_frames &&
	       pool->pcp_class == pool_at(pool, s->classes) &&
	       pool->pcp_lists == pool_at(pool, s->percpu + sizeof(struct pcp_area)) &&
	       pool->percpu_stride == s->percpu_stride &&
	       pool->percpu_cpus == (s->percpu_stride ? s->nr_cpus : 0) &&
	       pool->pageblock_order == s->pageblock_order && pool->max_order == s->max_order &&
	       pool->profile == s->profile && pool->kernel == s->kernel &&
	       pool->span_words == s->span_words && pool->pageblock_stride == s->pageblock_stride &&
	       pool->nr_pcp_orders == (pool->percpu_cpus ? s->nr_pcp_orders : 0) &&
	       pool->trees == pool_at(pool, s->trees) &&
	       pool->pageblocks == pool_at(pool, s->pageblocks) &&
	       pool->links == (linked ? pool_at(pool, s->links) : NULL) &&
	       pool->pcp_types == (linked ? pool_at(pool, s->pcp_types) : NULL);
}

static int check_super(struct check *c)
{
	const struct pb_super *s = c->pool->super;

	if (!s)
		return broken(c, 1, "the handle has no pool");
	if (s->magic != POOL_MAGIC || s->layout != POOL_LAYOUT)
		return broken(c, 1, "magic number or version of the metadata");
	if (!layout_sizes_plausible(s) || !layout_percpu_plausible(s))
		return broken(c, 1, "a size in the super block is impossible");
	if (!layout_arrays_in_place(s))
		return broken(c, 1, "an array is not where the sizes put it");
	if (!handle_matches(c->pool))
		return broken(c, 1, "the handle differs from the super block");
	return PB_OK;
}

/* ------------------------------------------------------------------ I2 segments */

static bool is_present(const struct pb_pool *pool, u64 frame)
{
	return pool->pages[frame].state != PAGE_ABSENT;
}

static bool segment_plausible(const struct pb_pool *pool, const struct segment *segment,
			      u64 end_frame)
{
	u64 span = (u64)1 << pool->max_order;
	u64 last;

	if (segment->zone >= pool->super->nr_zones || segment->pfn & (span - 1) ||
	    segment->pfn >= segment->end_pfn || segment->end_pfn > (u64)1 << 52)
		return false;
	if (align_up(segment->end_pfn, span) - segment->pfn != end_frame - segment->frame)
		return false;
	last = segment->frame + (segment->end_pfn - 1 - segment->pfn);
	if (!is_present(pool, last))
		return false;
	while (++last < end_frame)
		if (is_present(pool, last))
			return false;
	return true;
}

/* Zones may interleave within a span, but not have the same frame. */
static bool share_a_frame(const struct pb_pool *pool, const struct segment *a,
			  const struct segment *b)
{
	u64 end = min_u64(a->end_pfn, b->end_pfn);

	for (u64 pfn = max_u64(a->pfn, b->pfn); pfn < end; pfn++)
		if (is_present(pool, a->frame + (pfn - a->pfn)) &&
		    is_present(pool, b->frame + (pfn - b->pfn)))
			return true;
	return false;
}

static int check_segments(struct check *c)
{
	struct pb_pool *pool = c->pool;
	u32 n = pool->super->nr_segments;

	for (u32 i = 0; i < n; i++) {
		const struct segment *segment = pool_segment(pool, i);
		const struct segment *next = segment + 1;
		u64 end = i + 1 < n ? next->frame : pool->nr_frames;

		if ((!i && segment->frame) || end <= segment->frame || end > pool->nr_frames ||
		    !segment_plausible(pool, segment, end))
			return broken_at(c, 2, "a segment's place or bounds", "segment", i);
		if (i + 1 < n && (next->zone < segment->zone ||
				  (next->zone == segment->zone && next->pfn < segment->end_pfn)))
			return broken_at(c, 2, "segments out of order", "segment", i + 1);
	}
	for (u32 i = 0; i < n; i++)
		for (u32 j = 0; j < i; j++)
			if (share_a_frame(pool, pool_segment(pool, j), pool_segment(pool, i)))
				return broken_at(c, 2, "has a frame of another segment", "segment",
						 i);
	return PB_OK;
}

/* ------------------------------------------------------------------ I3 zones */

static const struct segment *next_segment_of(const struct pb_pool *pool, u32 zone, u32 *at)
{
	while (*at < pool->super->nr_segments) {
		const struct segment *segment = pool_segment(pool, (*at)++);

		if (segment->zone == zone)
			return segment;
	}
	return NULL;
}

/* start_pfn and spanned: from the first present frame of its segments to the last. */
static bool zone_covers_its_segments(const struct pb_pool *pool, const struct zone *zone)
{
	u32 number = zone_number(pool, zone), at = 0;
	const struct segment *first = next_segment_of(pool, number, &at);
	const struct segment *last = first, *segment;
	u64 pfn;

	if (!first || first->frame != zone_first_frame(pool, zone))
		return false;
	while ((segment = next_segment_of(pool, number, &at)) != NULL)
		last = segment;
	pfn = first->pfn;
	while (!is_present(pool, first->frame + (pfn - first->pfn))) /* its last one is: I2 */
		pfn++;
	return zone->start_pfn == pfn && zone->start_pfn + zone->spanned == last->end_pfn;
}

static u32 zone_groups(const struct pb_pool *pool, const struct zone *zone)
{
	return div_round_up(zone_nr_pageblocks(pool, zone), 1u << zone->group_shift);
}

/* Pageblocks that a stripe of the zone may have. */
static u32 stripe_pageblocks(const struct pb_pool *pool, const struct zone *zone)
{
	u32 groups = div_round_up(zone_groups(pool, zone), zone->nr_stripes);
	u64 n = (u64)groups << zone->group_shift;

	return (u32)min_u64(n, zone_nr_pageblocks(pool, zone));
}

static bool zone_shape_right(const struct pb_pool *pool, const struct zone *zone)
{
	u32 span_shift = pool->max_order - pool->pageblock_order;
	u32 words = 0, level = 0, n;

	if (!zone->nr_stripes || zone->nr_stripes > MAX_STRIPES ||
	    zone->nr_stripes & (zone->nr_stripes - 1) ||
	    zone->group_shift != stripe_group_shift(zone_nr_pageblocks(pool, zone),
						    zone->nr_stripes, span_shift) ||
	    zone->nr_stripes > zone_groups(pool, zone))
		return false;
	if (pool_is_linked(pool))
		return zone->nr_stripes == 1 && !zone->levels && !zone->bitmap_words;
	for (n = stripe_pageblocks(pool, zone); n > 64; words += n, level++) {
		n = div_round_up(n, 64);
		if (level >= zone->levels || level >= MAX_LEVELS || zone->level_words[level] != n)
			return false;
	}
	return zone->levels == level && zone->bitmap_words == words;
}

static int check_stripes(struct check *c, const struct zone *zone, u64 *bitmaps)
{
	const struct pb_super *s = c->pool->super;
	u64 bytes = (u64)s->orders * LIST_TYPES * zone->bitmap_words * 8;

	for (u32 i = 0; i < zone->nr_stripes; i++) {
		const struct stripe *stripe = zone_stripe(c->pool, zone, i);

		if (stripe->zone != zone_number(c->pool, zone) || stripe->number != i ||
		    stripe->areas != (zone->first_stripe + i) * stripe_area_stride(s) ||
		    stripe->bitmaps != *bitmaps)
			return broken_at(c, 3, "a stripe's zone, number or arrays", "stripe",
					 zone->first_stripe + i);
		*bitmaps += bytes;
	}
	return PB_OK;
}

static int check_zone_place(struct check *c, const struct zone *zone, u32 spans, u32 stripes)
{
	const struct pb_super *s = c->pool->super;
	const struct zone *before = zone - 1;
	u32 number = zone_number(c->pool, zone);

	if (zone->first_span != spans || !zone->nr_spans || zone->nr_spans > s->nr_spans - spans)
		return broken_at(c, 3, "a zone's spans", "zone", number);
	if (zone->node >= s->nr_nodes || zone->type >= PB_ZONE_DEVICE ||
	    !(s->zone_types >> zone->type & 1) ||
	    (spans && (before->node > zone->node ||
		       (before->node == zone->node && before->type >= zone->type))))
		return broken_at(c, 3, "a zone's type, node or place among the zones", "zone",
				 number);
	if (pool_node(c->pool, zone->node)->zones[zone->type] != number)
		return broken_at(c, 3, "a zone that its node does not name", "zone", number);
	if (!zone_covers_its_segments(c->pool, zone))
		return broken_at(c, 3, "start_pfn or spanned pages", "zone", number);
	if (!zone_shape_right(c->pool, zone) || zone->first_stripe != stripes ||
	    zone->nr_stripes > s->nr_stripes - stripes)
		return broken_at(c, 3, "a zone's stripes or their bitmaps' shape", "zone", number);
	return PB_OK;
}

static int check_zones(struct check *c)
{
	const struct pb_super *s = c->pool->super;
	u64 bitmaps = s->bitmaps;
	u32 spans = 0, stripes = 0, named = 0;

	for (u32 z = 0; z < s->nr_zones; z++) {
		const struct zone *zone = pool_zone(c->pool, z);

		CHECK(check_zone_place(c, zone, spans, stripes));
		CHECK(check_stripes(c, zone, &bitmaps));
		spans += zone->nr_spans;
		stripes += zone->nr_stripes;
	}
	for (u32 id = 0; id < s->nr_nodes; id++)
		for (u32 t = 0; t < PB_NR_ZONE_TYPES; t++)
			named += pool_node(c->pool, id)->zones[t] != NO_ZONE;
	if (spans != s->nr_spans || stripes != s->nr_stripes || named != s->nr_zones ||
	    align_up(bitmaps, LINE_BYTES) != s->percpu)
		return broken(c, 3, "zones, stripes or bitmaps do not add up");
	return PB_OK;
}

/* ----------------------------------------------------------------- I4 frames */

static int check_frames(struct check *c)
{
	for (u32 z = 0; z < c->pool->super->nr_zones; z++) {
		const struct zone *zone = pool_zone(c->pool, z);
		const struct pb_page *page = c->pool->pages + zone_first_frame(c->pool, zone);
		u64 present = 0, reserved = 0;

		for (u64 i = 0; i < zone_nr_frames(c->pool, zone); i++) {
			present += page[i].state != PAGE_ABSENT;
			reserved += page[i].state == PAGE_RESERVED;
		}
		if (zone->present != present)
			return broken_zone(c, 4, "present pages", zone, zone->present, present);
		if (!state_was_loaded(c) && zone->managed != present - reserved)
			return broken_zone(c, 4, "managed pages", zone, zone->managed,
					   present - reserved);
	}
	return PB_OK;
}

/* ----------------------------------------------------------- I5 to I8 trees */

/* One free block: a bit of a tree, or of a list. Start with node 0 of the first span. */
struct free_block {
	u32 span, node;
	u32 frame;
	unsigned int order;
};

/* Nodes before this one are in no tree: whole blocks, which lists alone keep. */
static u32 first_in_tree(const struct pb_pool *pool)
{
	return pool_is_linked(pool) ? 1 : 2u << (pool->max_order - pool->pageblock_order);
}

static u32 node_frame(const struct pb_pool *pool, u32 span, u32 node)
{
	return (span << pool->max_order) +
	       ((node ^ (1u << fls32(node))) << (pool->max_order - fls32(node)));
}

/* Is a block of a whole order on the list of this type? */
static bool listed_whole(const struct pb_pool *pool, u32 frame, struct whole_list list)
{
	const struct zone *zone = zone_of_frame(pool, frame);
	const struct stripe *stripe = frame_stripe(pool, zone, frame);
	u32 local = tight_local(pool, zone, frame >> pool->pageblock_order);

	return tight_leaf(pool, zone, stripe, list.order, list.type)[local >> 6] >> (local & 63) &
	       1;
}

/* On how many lists of its order is it? */
static u32 lists_with(const struct pb_pool *pool, u32 frame, unsigned int order)
{
	u32 n = 0;

	for (unsigned int type = 0; type < LIST_TYPES; type++)
		n += listed_whole(pool, frame, (struct whole_list){ order, type });
	return n;
}

static bool node_is_free(const struct pb_pool *pool, u32 span, u32 node)
{
	if (node >= first_in_tree(pool))
		return tree_test(span_tree(pool, span << pool->max_order), node);
	return lists_with(pool, node_frame(pool, span, node), pool->max_order - fls32(node)) != 0;
}

/* To the next set bit before end_span, bit 0 of a tree left out. */
static bool next_free(const struct pb_pool *pool, struct free_block *block, u32 end_span)
{
	u32 end = 2u << pool->max_order, trees = first_in_tree(pool);

	for (; block->span < end_span; block->span++, block->node = 0) {
		u32 node = block->node + 1;

		while (node < trees && !node_is_free(pool, block->span, node))
			node++;
		if (node >= trees)
			node = tree_first(span_tree(pool, block->span << pool->max_order), node,
					  end - node);
		if (node == TREE_NONE)
			continue;
		block->node = node;
		block->order = pool->max_order - fls32(node);
		block->frame = node_frame(pool, block->span, node);
		return true;
	}
	return false;
}

static int check_ancestors(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans))
		for (u32 node = b.node >> 1; node; node >>= 1)
			if (node_is_free(c->pool, b.span, node))
				return broken_block(c, 5, "free twice: inside a larger free block",
						    b.frame, b.order);
	return PB_OK;
}

/*
 * May a block and its buddy stay apart? Within a pageblock they merge. Above, a
 * border of types can be in between; and in the linux profile it can be gone
 * again without anything having been freed since.
 */
static bool may_stay_apart(const struct pb_pool *pool, const struct free_block *b)
{
	unsigned int one = frame_migratetype(pool, b->frame);
	unsigned int other;

	if (b->order < pool->pageblock_order)
		return false;
	if (pool_is_linked(pool) || b->order == pool->max_order)
		return true;
	other = frame_migratetype(pool, b->frame ^ (1u << b->order));
	return one != other && !(migratetype_is_mergeable(one) && migratetype_is_mergeable(other));
}

static int check_merged(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans))
		if (!may_stay_apart(c->pool, &b) && node_is_free(c->pool, b.span, b.node ^ 1))
			return broken_block(c, 6, "free beside its free buddy, not merged", b.frame,
					    b.order);
	return PB_OK;
}

static int check_free_usable(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans))
		for (u32 i = 0; i < 1u << b.order; i++) {
			u8 state = c->pool->pages[b.frame + i].state;

			if (state == PAGE_RESERVED || state == PAGE_ABSENT)
				return broken_block(c, 7,
						    "free block with a reserved or absent frame",
						    b.frame, b.order);
		}
	return PB_OK;
}

/* Bit 0, of a tree smaller than a word the bits behind its last node, and in the modern
   profile those of whole blocks. */
static int check_spare_bits(struct check *c)
{
	struct pb_pool *pool = c->pool;
	u64 spare = pool->max_order < 5 ? ~(u64)0 << (2u << pool->max_order) | 1 : 1;
	u32 trees = first_in_tree(pool);

	for (u32 span = 0; span < pool->super->nr_spans; span++)
		if (*span_tree(pool, span << pool->max_order) & spare ||
		    tree_first(span_tree(pool, span << pool->max_order), 1, trees - 1) != TREE_NONE)
			return broken_block(c, 8, "a bit of the tree names no block",
					    span << pool->max_order, pool->max_order);
	return PB_OK;
}

/* ----------------------------------------------------- I9 to I12 page bytes */

static int check_head(struct check *c, u32 frame)
{
	const struct pb_page *page = c->pool->pages + frame;
	unsigned int order = page->state & PB_PAGE_ORDER;

	if (!(page->state & PB_PAGE_HEAD))
		return broken_block(c, 9, "page byte without meaning", frame, 0);
	if (order > c->pool->max_order || frame & ((1u << order) - 1))
		return broken_block(c, 9, "owned block of an impossible order or place", frame,
				    order);
	for (u32 i = 1; i < 1u << order; i++)
		if (page[i].state == PAGE_RESERVED || page[i].state == PAGE_ABSENT)
			return broken_block(c, 9, "owned block with a reserved or absent frame",
					    frame, order);
	return PB_OK;
}

static int check_heads(struct check *c)
{
	for (u64 frame = 0; frame < c->pool->nr_frames; frame++) {
		u8 state = c->pool->pages[frame].state;

		if (state && state != PAGE_RESERVED && state != PAGE_ABSENT)
			CHECK(check_head(c, (u32)frame));
	}
	return PB_OK;
}

static int check_tails(struct check *c)
{
	u64 frame = 0;

	while (frame < c->pool->nr_frames) {
		const struct pb_page *page = c->pool->pages + frame;
		u32 pages = page->state & PB_PAGE_HEAD ? 1u << (page->state & PB_PAGE_ORDER) : 1;

		for (u32 i = 1; i < pages; i++)
			if (page[i].state)
				return broken_block(c, 10, "owned block inside another",
						    (u32)frame + i, page[i].state & PB_PAGE_ORDER);
		frame += pages;
	}
	return PB_OK;
}

static int check_owned_not_free(struct check *c)
{
	struct free_block b = { 0 };

	while (next_free(c->pool, &b, c->pool->super->nr_spans)) {
		bool owned = block_head(c->pool, b.frame) != NO_FRAME;

		for (u32 i = 0; i < 1u << b.order && !owned; i++)
			owned = c->pool->pages[b.frame + i].state & PB_PAGE_HEAD;
		if (owned)
			return broken_block(c, 11, "free block with an owner", b.frame, b.order);
	}
	return PB_OK;
}

static int check_references(struct check *c)
{
	const u32 *refs = pool_at(c->pool, c->pool->super->refs);
	bool counted = c->pool->super->flags & PB_POOL_REFCOUNT;

	for (u64 frame = 0; frame < c->pool->nr_frames; frame++) {
		u8 state = c->pool->pages[frame].state;

		if (!(state & PB_PAGE_HEAD) || !(state & PB_PAGE_SHARED)) {
			if (counted && refs[frame])
				return broken_block(c, 12, "counted references without SHARED",
						    (u32)frame, 0);
			continue;
		}
		if (!counted)
			return broken_block(c, 12, "SHARED without PB_POOL_REFCOUNT", (u32)frame,
					    state & PB_PAGE_ORDER);
		if (refs[frame] > INT32_MAX)
			return broken_block(c, 12, "reference count out of range", (u32)frame,
					    state & PB_PAGE_ORDER);
	}
	return PB_OK;
}

/* ------------------------------------------------ walks of per-CPU lists */

typedef int visit_fn(struct check *c, u32 frame, unsigned int order);

/*
 * One linked list. That `prev` names the frame we came from proves that no frame
 * comes twice: the walk ends.
 */
static int walk_linked(struct check *c, unsigned int invariant, const struct free_list *lists,
		       u32 list, unsigned int order, visit_fn *visit)
{
	const struct link *links = c->pool->links;
	u32 prev = LIST_REF(list);
	u32 at = lists[list].next;

	while (!is_list_ref(at)) {
		if (at >= c->pool->nr_frames || links[at].prev != prev)
			break;
		CHECK(visit(c, at, order));
		prev = at;
		at = links[at].next;
	}
	if (at == LIST_REF(list) && lists[list].prev == prev)
		return PB_OK;
	return broken_at(c, invariant, "the links of a list disagree", "list", list);
}

static struct pcp_list *stack_of(const struct check *c, unsigned int type, unsigned int order)
{
	return pcp_list(pcp_area(c->pool, c->cpu), zone_class(c->pool, c->zone, type), order);
}

static int walk_stacks(struct check *c, visit_fn *visit)
{
	struct pcp_area *area = pcp_area(c->pool, c->cpu);

	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < c->pool->nr_pcp_orders; order++) {
			const struct pcp_list *list = stack_of(c, type, order);

			for (u32 i = 0; i < pcp_entries(list); i++)
				CHECK(visit(c, pcp_stack(area, list)[i], order));
		}
	return PB_OK;
}

/* Every block of one CPU's lists of one zone. */
static int walk_pcp(struct check *c, visit_fn *visit)
{
	const struct free_list *lists;

	if (!pool_is_linked(c->pool))
		return walk_stacks(c, visit);
	lists = pcp_linux_of(c->pool, c->cpu, c->zone)->lists;
	for (u32 n = 0; n < LINUX_PCP_LISTS; n++) {
		unsigned int order = n / PB_MIGRATE_PCPTYPES;

		if (order > COSTLY_ORDER)
			order = c->pool->pageblock_order;
		c->type = n;
		CHECK(walk_linked(c, 13, lists, n, order, visit));
	}
	return PB_OK;
}

/* Every zone of every CPU. */
static int each_pcp(struct check *c, int (*work)(struct check *c))
{
	for (c->cpu = 0; c->cpu < c->pool->percpu_cpus; c->cpu++)
		for (u32 z = 0; z < c->pool->super->nr_zones; z++) {
			c->zone = pool_zone(c->pool, z);
			CHECK(work(c));
		}
	return PB_OK;
}

/* --------------------------------------------- I13 to I15 per-CPU lists */

/* Lists that must always be empty and full: of no class, and of orders without. */
static int check_lists_without_room(struct check *c, u32 class, unsigned int first)
{
	struct pcp_area *area = pcp_area(c->pool, c->cpu);

	for (unsigned int order = first; order < 1u << c->pool->super->class_shift; order++) {
		const struct pcp_list *list = pcp_list(area, class, order);

		if (pcp_entries(list) || list->limit > list->base)
			return broken_at(c, 15, "a list that is none has room", "CPU", c->cpu);
	}
	return PB_OK;
}

/* The stacks of one area lie one after another behind its lists. */
static int check_stack_room(struct check *c)
{
	const struct pb_super *s = c->pool->super;
	struct pcp_area *area = pcp_area(c->pool, c->cpu);
	u32 at = (u32)((layout_percpu_lists(s) - sizeof(*area)) / sizeof(u32));
	u32 end = (u32)((s->pcp_cold - sizeof(*area)) / sizeof(u32));

	CHECK(check_lists_without_room(c, NO_CLASS, 0));
	for (u32 i = 0; i < s->nr_zones * (u32)PB_MIGRATE_PCPTYPES; i++) {
		u32 class = zone_class(c->pool, pool_zone(c->pool, i / PB_MIGRATE_PCPTYPES),
				       i % PB_MIGRATE_PCPTYPES);

		for (unsigned int order = 0; order < c->pool->nr_pcp_orders; order++) {
			const struct pcp_list *list = pcp_list(area, class, order);

			if (list->base != at || at + list->room > end)
				return broken_number(c, 15, "a stack's place in its area", "CPU",
						     c->cpu, list->base, at);
			if (list->room != pcp_stack_room(c->pool, pool_zone(c->pool, i / 3), order))
				return broken_number(c, 15, "a stack's room", "CPU", c->cpu,
						     list->room, order);
			at += list->room;
		}
		CHECK(check_lists_without_room(c, class, c->pool->nr_pcp_orders));
	}
	return PB_OK;
}

static int check_stack_counts(struct check *c)
{
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++)
		for (unsigned int order = 0; order < c->pool->nr_pcp_orders; order++) {
			const struct pcp_list *list = stack_of(c, type, order);
			u32 room = list->room;

			if (pcp_entries(list) > room)
				return broken_number(c, 15, "blocks in a per-CPU list", "CPU",
						     c->cpu, pcp_entries(list), room);
			if ((u32)list->limit - list->base > list->max ||
			    list->max != pcp_stack_max(c->pool, c->zone, order))
				return broken_number(c, 15, "limit of a per-CPU list", "CPU",
						     c->cpu, list->limit, room);
		}
	return PB_OK;
}

static int check_stacks(struct check *c)
{
	if (pool_is_linked(c->pool))
		return PB_OK;
	for (c->cpu = 0; c->cpu < c->pool->percpu_cpus; c->cpu++)
		CHECK(check_stack_room(c));
	return each_pcp(c, check_stack_counts);
}

/* linux: is the block, by the type that is noted for it, on the list at hand? */
static bool noted_right(const struct check *c, u32 frame, unsigned int order)
{
	unsigned int type = c->pool->pcp_types[frame];

	if (type >= PB_MIGRATE_TYPES)
		return false;
	if (type >= PB_MIGRATE_PCPTYPES)
		type = PB_MIGRATE_MOVABLE;
	/* where one block is borrowed from another type's list, that one is noted */
	return policy(c->pool)->lists_follow || pcp_linux_list(order, type) == c->type;
}

static int check_pcp_block(struct check *c, u32 frame, unsigned int order)
{
	struct pb_pool *pool = c->pool;
	u64 first = zone_first_frame(pool, c->zone);

	if (frame < first || frame >= first + zone_nr_frames(pool, c->zone))
		return broken_at(c, 13, "a per-CPU list holds a frame outside its zone", "CPU",
				 c->cpu);
	if (frame & ((1u << order) - 1))
		return broken_block(c, 13, "not aligned, in a per-CPU list", frame, order);
	if (block_head(pool, frame) != NO_FRAME)
		return broken_block(c, 13, "in a per-CPU list, but has an owner", frame, order);
	if (pool_is_linked(pool) && !noted_right(c, frame, order))
		return broken_block(c, 13, "in a per-CPU list of another type than noted", frame,
				    order);
	for (u32 i = 0; i < 1u << order; i++) {
		if (pool->pages[frame + i].state)
			return broken_block(c, 13, "in a per-CPU list, but its page byte is set",
					    frame, order);
		if (covering_order(pool, frame + i) >= 0)
			return broken_block(c, 13, "in a per-CPU list, but free in the tree", frame,
					    order);
	}
	return PB_OK;
}

static int check_pcp_blocks(struct check *c)
{
	return walk_pcp(c, check_pcp_block);
}

static int mark_block(struct check *c, u32 frame, unsigned int order)
{
	for (u32 i = 0; i < 1u << order; i++) {
		if (c->pool->pages[frame + i].state)
			return broken_block(c, 14, "twice in per-CPU lists", frame, order);
		c->pool->pages[frame + i].state = PAGE_MARK;
	}
	return PB_OK;
}

static int unmark_block(struct check *c, u32 frame, unsigned int order)
{
	memset(&c->pool->pages[frame], 0, (size_t)1 << order);
	return PB_OK;
}

static int mark_blocks(struct check *c)
{
	return walk_pcp(c, mark_block);
}

static int unmark_blocks(struct check *c)
{
	return walk_pcp(c, unmark_block);
}

/* pre: I13 holds, so all of these frames have page byte zero. */
static int check_duplicates(struct check *c)
{
	int code = each_pcp(c, mark_blocks);

	(void)each_pcp(c, unmark_blocks);
	return code;
}

static int count_block(struct check *c, u32 frame, unsigned int order)
{
	(void)frame;
	c->blocks++;
	c->pages += (u64)1 << order;
	return PB_OK;
}

static int check_pcp_count(struct check *c)
{
	s32 count;

	if (!pool_is_linked(c->pool))
		return PB_OK;
	count = pcp_linux_of(c->pool, c->cpu, c->zone)->count;
	c->pages = 0;
	(void)walk_pcp(c, count_block); /* sound: I13 */
	if (count < 0 || (u64)count != c->pages)
		return broken_zone(c, 15, "pages in per-CPU lists", c->zone, (u64)(s64)count,
				   c->pages);
	return PB_OK;
}

static int check_pcp(struct check *c)
{
	CHECK(check_stacks(c));
	CHECK(each_pcp(c, check_pcp_blocks));
	CHECK(check_duplicates(c));
	return each_pcp(c, check_pcp_count);
}

/* --------------------------------------------------------------- zone loops */

/* Each zone in turn, in c->zone. */
static int each_zone(struct check *c, int (*work)(struct check *c, const struct zone *zone))
{
	for (u32 z = 0; z < c->pool->super->nr_zones; z++) {
		c->zone = pool_zone(c->pool, z);
		CHECK(work(c, c->zone));
	}
	return PB_OK;
}

/* Each free block of a zone: start with first_free(), end with next_in(). */
static struct free_block first_free(const struct zone *zone)
{
	return (struct free_block){ .span = zone->first_span };
}

static bool next_in(const struct check *c, const struct zone *zone, struct free_block *block)
{
	return next_free(c->pool, block, zone->first_span + zone->nr_spans);
}

/* ------------------------------------------------------ I17, I18 linked lists */

#define COUNTED 4u /* stripes at a time: what a small stack has room for */

static int check_nr_free_of(struct check *c, const struct zone *zone, u32 first)
{
	u32 seen[COUNTED][NR_ORDERS_MAX] = { 0 };
	struct free_block b = first_free(zone);

	while (next_in(c, zone, &b)) {
		u32 number = frame_stripe(c->pool, zone, b.frame)->number;

		if (number - first < COUNTED)
			seen[number - first][b.order]++;
	}
	for (u32 i = 0; i < COUNTED && first + i < zone->nr_stripes; i++)
		for (unsigned int o = 0; o <= c->pool->max_order; o++) {
			struct stripe *stripe = zone_stripe(c->pool, zone, first + i);
			unsigned long nr_free = stripe_area(c->pool, stripe, o)->nr_free;

			if (nr_free != seen[i][o])
				return broken_number(c, 17, "nr_free differs from the tree",
						     "order", o, nr_free, seen[i][o]);
		}
	return PB_OK;
}

static int check_nr_free(struct check *c, const struct zone *zone)
{
	for (u32 first = 0; first < zone->nr_stripes; first += COUNTED)
		CHECK(check_nr_free_of(c, zone, first));
	return PB_OK;
}

static int check_listed(struct check *c, u32 frame, unsigned int order)
{
	u64 first = zone_first_frame(c->pool, c->zone);

	if (frame < first || frame >= first + zone_nr_frames(c->pool, c->zone) ||
	    frame & ((1u << order) - 1) || !block_is_free(c->pool, frame, order))
		return broken_block(c, 18,
				    "on a free list, but not a free block of its order and zone",
				    frame, order);
	c->blocks++;
	return PB_OK;
}

static int check_list_type(struct check *c, u32 frame, unsigned int order)
{
	if (c->pool->pcp_types[frame] != c->type)
		return broken_block(c, 20, "on a list of another type than noted", frame, order);
	return PB_OK;
}

/* All lists of one order. */
static int walk_order(struct check *c, unsigned int order, visit_fn *visit)
{
	const struct free_list *lists = area_lists(c->pool, zone_stripe(c->pool, c->zone, 0));

	for (c->type = 0; c->type < PB_MIGRATE_TYPES; c->type++)
		CHECK(walk_linked(c, 18, lists, area_list(order, c->type), order, visit));
	return PB_OK;
}

static int check_linked(struct check *c, const struct zone *zone)
{
	for (unsigned int o = 0; o <= c->pool->max_order; o++) {
		u64 nr_free = zone_nr_free(c->pool, zone, o);

		c->blocks = 0;
		CHECK(walk_order(c, o, check_listed));
		if (c->blocks != nr_free)
			return broken_number(c, 18, "a free block is on no list", "order", o,
					     c->blocks, nr_free);
	}
	return PB_OK;
}

static int check_linked_types(struct check *c, const struct zone *zone)
{
	(void)zone;
	for (unsigned int o = 0; o <= c->pool->max_order; o++)
		CHECK(walk_order(c, o, check_list_type));
	return PB_OK;
}

/* ---------------------------------------------------- I19 to I22 pageblocks */

static u32 count_bits(const u64 *tree, u32 node, u32 n)
{
	u32 end = node + n, count = 0;

	while (node < end) {
		u32 bit = node & 63;
		u32 take = end - node < 64 - bit ? end - node : 64 - bit;

		count += popcount64(tree[node >> 6] & word_mask(bit, take));
		node += take;
	}
	return count;
}

/* Free blocks of an order that lie in the pageblock and are smaller. */
static u32 count_order(const struct pb_pool *pool, u32 pageblock, unsigned int order)
{
	u32 frame = pageblock << pool->pageblock_order;

	return count_bits(span_tree(pool, frame), frame_node(pool, frame, order),
			  1u << (pool->pageblock_order - order));
}

static u32 orders_of(const struct pb_pool *pool, u32 pageblock)
{
	u32 mask = 0;

	for (unsigned int o = 0; o < pool->pageblock_order; o++)
		if (count_order(pool, pageblock, o))
			mask |= 1u << o;
	return mask;
}

static int broken_pageblock(struct check *c, unsigned int invariant, const char *what,
			    u32 pageblock)
{
	return broken_block(c, invariant, what, pageblock << c->pool->pageblock_order,
			    c->pool->pageblock_order);
}

static const u64 *leaf_of(const struct check *c, const struct stripe *stripe, unsigned int order,
			  unsigned int type)
{
	return tight_leaf(c->pool, c->zone, stripe, order, type);
}

static int check_filed(struct check *c, u32 pageblock)
{
	const struct pageblock *pb = pool_pageblock(c->pool, pageblock);
	const struct stripe *stripe = frame_stripe(c->pool, c->zone,
						   pageblock << c->pool->pageblock_order);
	u32 mask = orders_of(c->pool, pageblock);
	u32 local = tight_local(c->pool, c->zone, pageblock);

	for (unsigned int o = c->pool->pageblock_order; o <= c->pool->max_order; o++)
		if (!(pageblock << c->pool->pageblock_order & ((1u << o) - 1)))
			c->blocks += lists_with(c->pool, pageblock << c->pool->pageblock_order,
						o) != 0;
	if (pb->listed_order != (mask ? fls32(mask) : NOT_LISTED))
		return broken_pageblock(c, 19, "not listed under its largest free block",
					pageblock);
	if (!mask)
		return PB_OK;
	if (pb->listed_type >= LIST_TYPES)
		return broken_pageblock(c, 20, "listed under a type that does not exist",
					pageblock);
	if (!(leaf_of(c, stripe, pb->listed_order, pb->listed_type)[local >> 6] >> (local & 63) &
	      1))
		return broken_pageblock(c, 19, "not on the list it is listed under", pageblock);
	c->blocks++;
	return PB_OK;
}

static u64 count_members(const struct check *c, const struct stripe *stripe)
{
	u32 words = c->zone->levels ? c->zone->level_words[0] : 1;
	u64 count = 0;

	for (unsigned int o = 0; o <= c->pool->max_order; o++)
		for (unsigned int t = 0; t < LIST_TYPES; t++)
			for (u32 i = 0; i < words; i++)
				count += popcount64(leaf_of(c, stripe, o, t)[i]);
	return count;
}

/* Each is on the list it says, and the lists have no more members than that. */
static int check_tight(struct check *c, const struct zone *zone)
{
	u64 members = 0;

	c->blocks = 0;
	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++)
		CHECK(check_filed(c, zone_first_pageblock(c->pool, zone) + i));
	for (u32 i = 0; i < zone->nr_stripes; i++)
		members += count_members(c, zone_stripe(c->pool, zone, i));
	if (members != c->blocks)
		return broken_zone(c, 19, "pageblocks on lists", zone, members, c->blocks);
	return PB_OK;
}

/* Is the free block listed under its pageblock's type, and nowhere else? */
static bool listed_right(const struct pb_pool *pool, const struct free_block *b)
{
	const struct pageblock *pb = frame_pageblock(pool, b->frame);

	if (b->order < pool->pageblock_order)
		return pb->listed_type == pb->type;
	return lists_with(pool, b->frame, b->order) == 1 && block_is_free(pool, b->frame, b->order);
}

static int check_tight_types(struct check *c, const struct zone *zone)
{
	struct free_block b = first_free(zone);

	while (next_in(c, zone, &b)) {
		u32 first = b.frame >> c->pool->pageblock_order;
		const struct pageblock *pb = pool_pageblock(c->pool, first);

		if (!listed_right(c->pool, &b))
			return broken_pageblock(c, 20, "listed under another type than its own",
						first);
		for (u32 i = 1; i < 1u << b.order >> c->pool->pageblock_order; i++)
			if (pool_pageblock(c->pool, first + i)->type != pb->type)
				return broken_block(c, 20,
						    "free block over pageblocks of two types",
						    b.frame, b.order);
	}
	return PB_OK;
}

static int check_counts(struct check *c, u32 pageblock)
{
	const struct pageblock *pb = pool_pageblock(c->pool, pageblock);

	if (pb->mask != orders_of(c->pool, pageblock))
		return broken_pageblock(c, 21, "mask of free orders differs from the tree",
					pageblock);
	for (unsigned int o = 0; o <= c->pool->pageblock_order; o++) {
		u32 count = o < c->pool->pageblock_order ? count_order(c->pool, pageblock, o) : 0;

		if (pb->nr_free[o] != count)
			return broken_number(c, 21, "a pageblock's blocks of an order", "order", o,
					     pb->nr_free[o], count);
	}
	return PB_OK;
}

/* A level's word w from the level below: which of its 64 words are not zero. */
static u64 summary(const u64 *below, u32 words, u32 w)
{
	u64 word = 0;

	for (u32 i = 0; i < 64 && w * 64 + i < words; i++)
		if (below[w * 64 + i])
			word |= (u64)1 << i;
	return word;
}

static int check_levels(struct check *c, const struct stripe *stripe, unsigned int order,
			unsigned int type)
{
	const struct zone *zone = c->zone;
	const u64 *level = tight_bitmap(c->pool, zone, stripe, order, type);
	u64 root = stripe_area(c->pool, stripe, order)->free_list[type].root;

	for (u32 i = 0; i + 1 < zone->levels; i++) {
		const u64 *next = level + zone->level_words[i];

		for (u32 w = 0; w < zone->level_words[i + 1]; w++)
			if (next[w] != summary(level, zone->level_words[i], w))
				return broken_at(c, 21, "a list's bitmap, an upper level", "order",
						 order);
		level = next;
	}
	if (zone->levels && root != summary(level, zone->level_words[zone->levels - 1], 0))
		return broken_at(c, 21, "a list's root word", "order", order);
	if ((stripe->nonempty[type] >> order & 1) != (root != 0))
		return broken_at(c, 21, "the mask of non-empty lists", "order", order);
	return PB_OK;
}

static int check_summaries(struct check *c, const struct zone *zone)
{
	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++)
		CHECK(check_counts(c, zone_first_pageblock(c->pool, zone) + i));
	for (u32 i = 0; i < zone->nr_stripes; i++) {
		const struct stripe *stripe = zone_stripe(c->pool, zone, i);

		for (unsigned int t = 0; t < LIST_TYPES; t++) {
			for (unsigned int o = 0; o <= c->pool->max_order; o++)
				CHECK(check_levels(c, stripe, o, t));
			if (stripe->nonempty[t] >> c->pool->max_order >> 1)
				return broken_at(c, 21, "a list of an order that does not exist",
						 "type", t);
		}
	}
	return PB_OK;
}

static int check_types(struct check *c, const struct zone *zone)
{
	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++) {
		u32 pageblock = zone_first_pageblock(c->pool, zone) + i;
		unsigned int type = pool_pageblock(c->pool, pageblock)->type;

		if (type >= LIST_TYPES)
			return broken_pageblock(c, 22, "a type that does not exist", pageblock);
		if (c->pool->pcp_class[pageblock] != zone_class(c->pool, zone, type))
			return broken_pageblock(c, 21, "frees go to another type's per-CPU lists",
						pageblock);
	}
	return PB_OK;
}

static int check_lists(struct check *c)
{
	CHECK(each_zone(c, check_nr_free));
	if (pool_is_linked(c->pool)) {
		CHECK(each_zone(c, check_linked));
		CHECK(each_zone(c, check_linked_types));
	} else {
		CHECK(each_zone(c, check_tight));
		CHECK(each_zone(c, check_tight_types));
		CHECK(each_zone(c, check_summaries));
	}
	return each_zone(c, check_types);
}

/* ----------------------------------------------------------- I23 to I27 totals */

static int check_stripe_totals(struct check *c, const struct zone *zone, u32 number)
{
	const struct stripe *stripe = zone_stripe(c->pool, zone, number);
	struct free_block b = first_free(zone);
	long pages[PB_MIGRATE_TYPES] = { 0 };
	long sum = 0, slack;

	while (next_in(c, zone, &b)) {
		if (frame_stripe(c->pool, zone, b.frame) != stripe)
			continue;
		pages[c->pool->pcp_types ? c->pool->pcp_types[b.frame]
					 : frame_migratetype(c->pool, b.frame)] += 1L << b.order;
	}
	for (unsigned int t = 0; t < PB_MIGRATE_ISOLATE; t++)
		sum += pages[t];
	if (stripe->nr_free_pages != sum)
		return broken_zone(c, 23, "free pages", zone, (u64)stripe->nr_free_pages, (u64)sum);
	if (stripe->nr_free_cma != pages[PB_MIGRATE_CMA])
		return broken_zone(c, 23, "free CMA pages", zone, (u64)stripe->nr_free_cma,
				   (u64)pages[PB_MIGRATE_CMA]);
	slack = approx_error(stripe, stripe->approx_free);
	if (sum - stripe->nr_free_cma > stripe->approx_free + slack ||
	    sum - stripe->nr_free_cma < stripe->approx_free - slack)
		return broken_zone(c, 23, "approximate free pages", zone, (u64)stripe->approx_free,
				   (u64)(sum - stripe->nr_free_cma));
	if (stripe->nr_isolated != pages[PB_MIGRATE_ISOLATE])
		return broken_zone(c, 23, "free isolated pages", zone, (u64)stripe->nr_isolated,
				   (u64)pages[PB_MIGRATE_ISOLATE]);
	return PB_OK;
}

static int check_free_totals(struct check *c, const struct zone *zone)
{
	for (u32 i = 0; i < zone->nr_stripes; i++)
		CHECK(check_stripe_totals(c, zone, i));
	return PB_OK;
}

static u64 owned_pages(const struct check *c, const struct zone *zone)
{
	const struct pb_page *page = c->pool->pages + zone_first_frame(c->pool, zone);
	u64 owned = 0;

	for (u64 i = 0; i < zone_nr_frames(c->pool, zone); i++)
		if (page[i].state & PB_PAGE_HEAD)
			owned += (u64)1 << (page[i].state & PB_PAGE_ORDER);
	return owned;
}

static int check_managed(struct check *c, const struct zone *zone)
{
	u64 sum = owned_pages(c, zone);

	c->pages = 0;
	for (c->cpu = 0; c->cpu < c->pool->percpu_cpus; c->cpu++)
		(void)walk_pcp(c, count_block); /* sound: I13 */
	sum += c->pages + (u64)zone_free_pages(c->pool, zone) +
	       (u64)zone_isolated_pages(c->pool, zone);
	if (state_was_loaded(c) ? sum > zone->present : sum != zone->managed)
		return broken_zone(c, 24, "pages free, in per-CPU lists and owned", zone, sum,
				   state_was_loaded(c) ? zone->present : zone->managed);
	return PB_OK;
}

static u64 count_type(const struct check *c, const struct zone *zone, unsigned int type)
{
	u64 count = 0;

	for (u32 i = 0; i < zone_nr_pageblocks(c->pool, zone); i++)
		count += pool_pageblock(c->pool, zone_first_pageblock(c->pool, zone) + i)->type ==
			 type;
	return count;
}

/* linux: a pageblock may lose its type while the reserve still counts it. */
static int check_reserve(struct check *c, const struct zone *zone)
{
	u64 pages = count_type(c, zone, PB_MIGRATE_HIGHATOMIC) << c->pool->pageblock_order;
	u64 found = zone->nr_reserved_highatomic;

	if (state_was_loaded(c))
		return PB_OK;
	if (pool_is_linked(c->pool) ? (found & (pageblock_pages(c->pool) - 1)) != 0 ||
					      found < pages || found > zone->present
				    : found != pages)
		return broken_zone(c, 25, "pages reserved for high-order atomic requests", zone,
				   found, pages);
	return PB_OK;
}

static int check_isolated(struct check *c, const struct zone *zone)
{
	u64 count = count_type(c, zone, PB_MIGRATE_ISOLATE);

	if (zone->nr_isolate_pageblock != count)
		return broken_zone(c, 26, "isolated pageblocks", zone, zone->nr_isolate_pageblock,
				   count);
	return PB_OK;
}

static int check_watermarks(struct check *c, const struct zone *zone)
{
	if (state_was_loaded(c))
		return PB_OK;
	for (unsigned int w = PB_WMARK_LOW; w < PB_NR_WMARK; w++)
		if (zone->_watermark[w] < zone->_watermark[w - 1])
			return broken_zone(c, 27, "watermarks do not ascend", zone,
					   zone->_watermark[w], zone->_watermark[w - 1]);
	return PB_OK;
}

static int check_totals(struct check *c)
{
	CHECK(each_zone(c, check_free_totals));
	CHECK(each_zone(c, check_managed));
	CHECK(each_zone(c, check_reserve));
	CHECK(each_zone(c, check_isolated));
	return each_zone(c, check_watermarks);
}

/* --------------------------------------------------- I36 to I38 (added later) */

static bool node_has_memory(const struct node *node)
{
	for (u32 t = 0; t < PB_NR_ZONE_TYPES; t++)
		if (node->zones[t] != NO_ZONE)
			return true;
	return false;
}

/* The zonelist names every node with memory once. */
static bool zonelist_right(const struct pb_pool *pool, const struct node *node)
{
	u64 left = 0;

	for (u32 id = 0; id < pool->super->nr_nodes; id++)
		if (node_has_memory(pool_node(pool, id)))
			left |= (u64)1 << id;
	if (node->zonelist_nodes > PB_MAX_NODES)
		return false;
	for (u32 i = 0; i < node->zonelist_nodes; i++) {
		if (node->order[i] >= PB_MAX_NODES || !(left >> node->order[i] & 1))
			return false;
		left &= ~((u64)1 << node->order[i]);
	}
	return !left;
}

/* pre: zonelist_right() */
static u16 preferred_zone(const struct pb_pool *pool, const struct node *node, int highest)
{
	for (u32 i = 0; i < node->zonelist_nodes; i++)
		for (int t = highest; t >= 0; t--)
			if (pool_node(pool, node->order[i])->zones[t] != NO_ZONE)
				return pool_node(pool, node->order[i])->zones[t];
	return NO_ZONE;
}

static int check_node(struct check *c, u32 id)
{
	const struct node *node = pool_node(c->pool, id);

	if (!zonelist_right(c->pool, node))
		return broken_at(c, 36, "a zonelist does not name each node once", "node", id);
	for (int t = 0; t < PB_NR_ZONE_TYPES; t++)
		if (node->preferred[t] != preferred_zone(c->pool, node, t))
			return broken_number(c, 36, "a zonelist's first zone", "node", id,
					     node->preferred[t], preferred_zone(c->pool, node, t));
	if (node->online != (node->nr_cpus || node_has_memory(node)))
		return broken_at(c, 36, "online or not", "node", id);
	return PB_OK;
}

/* Lists that the fast path of a CPU goes to, by modifiers of the request. */
static u16 fast_class(const struct pb_pool *pool, u32 home, u32 gfp)
{
	int highest = gfp_zone(pool, gfp);
	int type = gfp_migratetype(pool, gfp);
	u16 zone = NO_ZONE;

	if (highest >= 0 && type >= 0)
		zone = pool_node(pool, home)->preferred[highest];
	if (zone == NO_ZONE || pool_zone(pool, zone)->node != home)
		return NO_CLASS;
	return zone_class(pool, pool_zone(pool, zone), (unsigned int)type);
}

static int check_nodes(struct check *c)
{
	const u8 *cpu_nodes = pool_at(c->pool, c->pool->super->cpu_nodes);

	for (u32 id = 0; id < c->pool->super->nr_nodes; id++)
		CHECK(check_node(c, id));
	for (u32 cpu = 0; cpu < c->pool->super->nr_cpus; cpu++)
		if (cpu_nodes[cpu] >= c->pool->super->nr_nodes)
			return broken_at(c, 36, "a node that does not exist", "CPU", cpu);
	for (u32 cpu = 0; cpu < c->pool->percpu_cpus; cpu++) {
		const struct pcp_area *area = pcp_area(c->pool, cpu);

		if (area->cpu != cpu)
			return broken_number(c, 36, "number of the lists' CPU", "CPU", cpu,
					     area->cpu, cpu);
		if (area->node != cpu_nodes[cpu])
			return broken_number(c, 36, "node of the lists", "CPU", cpu, area->node,
					     cpu_nodes[cpu]);
		for (u32 gfp = 0; gfp <= PCP_FAST_GFP; gfp++)
			if (area->fast[gfp] != fast_class(c->pool, area->node, gfp))
				return broken_number(c, 36, "lists of the fast path", "CPU", cpu,
						     area->fast[gfp],
						     fast_class(c->pool, area->node, gfp));
	}
	return PB_OK;
}

static int check_vm_free(struct check *c, const struct zone *zone)
{
	long sum = zone->vm_free;

	if (!pool_is_linked(c->pool) || state_was_loaded(c))
		return PB_OK;
	for (u32 cpu = 0; cpu < c->pool->percpu_cpus; cpu++)
		sum += pcp_linux_of(c->pool, cpu, zone)->stat_diff;
	if (sum != zone_free_pages(c->pool, zone))
		return broken_zone(c, 37, "the free page counter and what CPUs hold back", zone,
				   (u64)sum, (u64)zone_free_pages(c->pool, zone));
	return PB_OK;
}

/* ------------------------------------------------------------- I29 nobody inside */

static int check_locks(struct check *c)
{
	const struct pb_super *s = c->pool->super;

	if (s->sizes_lock || s->users_lock || s->users_depth || s->repairs & 1)
		return broken(c, 29, "a lock of the super block is held");
	for (u32 i = 0; i < s->nr_zones; i++)
		if (pool_zone(c->pool, i)->lock)
			return broken_at(c, 29, "a zone's lock is held", "zone", i);
	for (u32 i = 0; i < s->nr_stripes; i++) {
		const struct stripe *stripe = pool_stripe(c->pool, i);

		if (stripe->lock)
			return broken_at(c, 29, "a stripe's lock is held", "stripe", i);
		if (stripe->moving[0] | stripe->moving[1])
			return broken_at(c, 29, "a block is being moved in a stripe", "stripe", i);
	}
	for (u32 cpu = 0; cpu < c->pool->percpu_cpus; cpu++)
		if (pcp_area(c->pool, cpu)->lock)
			return broken_at(c, 29, "the per-CPU lists' lock is held", "CPU", cpu);
	return PB_OK;
}

/* ------------------------------------------- I40, I41 what has few possible values */

static int check_bounds(struct check *c, const struct zone *zone)
{
	if (zone->flags & ~ZONE_FLAGS)
		return broken_at(c, 40, "a flag that does not exist", "zone",
				 zone_number(c->pool, zone));
	if (!state_was_loaded(c) && zone->watermark_boost > zone->present)
		return broken_zone(c, 40, "pages that the watermarks are boosted by", zone,
				   zone->watermark_boost, zone->present);
	if (!pool_is_linked(c->pool) && zone->vm_free)
		return broken_zone(c, 40, "the linux profile's counter", zone, (u64)zone->vm_free,
				   0);
	return PB_OK;
}

/* `high` moves between its least and its greatest, from 6.12 on. In a small zone with
   high watermarks the least is the greater of them, as it comes from those. */
static s32 linux_other_high(const struct check *c, const struct pcp_linux *pcp)
{
	return policy(c->pool)->pcp_sizes == LINUX_PCP_TUNED ? pcp->high_max : pcp->high_min;
}

/* How far free_factor may come: from 6.12 on it counts pages, and keeps what it counted
   while the batch was larger. */
static s32 linux_most_freed(const struct check *c)
{
	if (policy(c->pool)->pcp_sizes != LINUX_PCP_TUNED)
		return FREE_FACTOR_MAX;
	return (PCP_BATCH_MAX << FREE_FACTOR_MAX) + (1 << c->pool->max_order);
}

/* linux: the lists' numbers, but of loaded pools, where they are what was said. */
static int check_linux_sizes(struct check *c)
{
	const struct zone *zone = c->zone;
	const struct pcp_linux *pcp;

	if (!pool_is_linked(c->pool) || state_was_loaded(c))
		return PB_OK;
	pcp = pcp_linux_of(c->pool, c->cpu, zone);

	const s32 one = pcp->high_min, other = linux_other_high(c, pcp);
	const struct {
		const char *what;
		s32 found, least, most;
	} numbers[] = {
		{ "batch of a CPU's lists", pcp->batch, zone->pcp_batch, zone->pcp_batch },
		{ "least high of a CPU's lists", pcp->high_min, zone->pcp_high_min,
		  zone->pcp_high_min },
		{ "greatest high of a CPU's lists", pcp->high_max, zone->pcp_high_max,
		  zone->pcp_high_max },
		{ "high of a CPU's lists", pcp->high, one < other ? one : other,
		  one < other ? other : one },
		{ "free_factor of a CPU's lists", pcp->free_factor, 0, linux_most_freed(c) },
		{ "alloc_factor of a CPU's lists", pcp->alloc_factor, 0, FREE_FACTOR_MAX },
		{ "flags of a CPU's lists", (s32)pcp->flags, 0,
		  PCP_PREV_FREE_HIGH_ORDER | PCP_FREE_HIGH_BATCH },
		{ "pages that a CPU holds back", pcp->stat_diff, -zone->stat_threshold,
		  zone->stat_threshold },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].found < numbers[i].least || numbers[i].found > numbers[i].most)
			return broken_number(c, 41, numbers[i].what, "CPU", c->cpu,
					     (u64)numbers[i].found,
					     (u64)(numbers[i].found < numbers[i].least
							   ? numbers[i].least
							   : numbers[i].most));
	return PB_OK;
}

/* ------------------------------------------------------------------------- */

int pb_validate(struct pb_pool *pool, struct pb_error *error)
{
	static int (*const checks[])(struct check * c) = {
		check_super,     check_segments, check_zones,          check_frames,
		check_ancestors, check_merged,   check_free_usable,    check_spare_bits,
		check_heads,     check_tails,    check_owned_not_free, check_references,
		check_pcp,       check_lists,    check_totals,         check_nodes,
		check_locks,
	};
	struct check check = { .pool = pool, .error = error };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i](&check))
			return PB_ECORRUPT;
	if (each_zone(&check, check_vm_free) || each_zone(&check, check_bounds) ||
	    each_pcp(&check, check_linux_sizes))
		return PB_ECORRUPT;
	if (!super_sealed(pool->super) || !map_sealed(pool->super))
		return broken(&check, 38, "a checksum of what never changes is wrong");
	return sizes_sealed(pool->super)
		       ? PB_OK
		       : broken(&check, 39, "the checksum of tunables and what follows is wrong");
}
