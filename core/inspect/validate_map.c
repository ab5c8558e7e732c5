/* SPDX-License-Identifier: MIT */
/*
 * I1 to I3: the super block and the handle, segments, zones and stripes. What comes after may
 * rely on them to stay inside the metadata. At the end, what the map leads to: I36 nodes and
 * zonelists, I29 locks.
 */
#include "inspect/validate.h"

#include "block/runs.h"

#include "alloc/gfp.h"
#include "base/seal.h"
#include "boot/layout.h"
#include "boot/memmap.h"
#include "pcp/quarantine.h"

/* Does the handle agree with the super block? Not if it was overwritten or is another one's. */
static bool handle_matches(const struct pb_pool *pool)
{
	const struct pb_super *s = pool->super;
	bool linked = s->profile == PB_PROFILE_LINUX;

	return pool->pages == pool_at(pool, s->pages) && pool->nr_frames == s->nr_frames &&
	       pool->pcp_class == pool_at(pool, s->classes) &&
	       pool->pcp_lists ==
		       pool_at(pool, s->percpu + s->pcp_cold + sizeof(struct pcp_area)) &&
	       pool->percpu_stride == s->percpu_stride &&
	       pool->percpu_cpus == (s->percpu_stride ? s->nr_cpus : 0) &&
	       pool->pageblock_order == s->pageblock_order && pool->max_order == s->max_order &&
	       pool->profile == s->profile && pool->kernel == s->kernel &&
	       pool->span_words == s->span_words && pool->pageblock_stride == s->pageblock_stride &&
	       pool->nr_pcp_orders == (pool->percpu_cpus ? s->nr_pcp_orders : 0) &&
	       pool->depot_order == (pool->percpu_cpus ? depot_order_of(s) : 0) &&
	       pool->trees == pool_at(pool, s->trees) &&
	       pool->marks == (marks_bytes(s) ? pool_at(pool, marks_place(s)) : NULL) &&
	       pool->pageblocks == pool_at(pool, s->pageblocks) &&
	       pool->links == (linked ? pool_at(pool, s->links) : NULL) &&
	       pool->pcp_types == (linked ? pool_at(pool, s->pcp_types) : NULL);
}

int check_super(struct check *c)
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

/* Frames of a hotplug region that are not there count as present: their place is kept. */
static bool is_present(const struct pb_pool *pool, u64 frame)
{
	return !frame_is_there(pool, (u32)frame) || pool->pages[frame].state != PAGE_ABSENT;
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

int check_segments(struct check *c)
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
		    stripe->bitmaps != *bitmaps ||
		    stripe->wish > (has_marks(c->pool) ? WISH_PLAIN : WISH_NONE))
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

static int check_runs_place(struct check *c, const struct zone *zone, u64 *runs)
{
	u32 pageblocks = zone_nr_pageblocks(c->pool, zone);
	u64 bytes = runs_bytes(pageblocks);

	if (zone->runs != *runs || zone->run_leaves != (bytes ? runs_leaves(pageblocks) : 0))
		return broken_at(c, 3, "where a zone's runs are noted", "zone",
				 zone_number(c->pool, zone));
	*runs += bytes;
	return PB_OK;
}

int check_zones(struct check *c)
{
	const struct pb_super *s = c->pool->super;
	u64 bitmaps = s->bitmaps, runs = s->runs;
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
	for (u32 z = 0; z < s->nr_zones; z++)
		CHECK(check_runs_place(c, pool_zone(c->pool, z), &runs));
	return align_up(runs, LINE_BYTES) == s->there ? PB_OK : broken(c, 3, "runs do not add up");
}

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
			return broken_number(c, 36, "a zonelist's first zone", AT("node", id),
					     FOUND(node->preferred[t],
						   preferred_zone(c->pool, node, t)));
	if (node->online != (node->nr_cpus || node_has_memory(node)))
		return broken_at(c, 36, "online or not", "node", id);
	return PB_OK;
}

/* The class that the fast path of a CPU goes to, by the request's zone and mobility flags. */
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

/* The head of an area. The depot's serves no request. */
static int check_area_head(struct check *c, u32 cpu)
{
	const struct pcp_area *area = pcp_area(c->pool, cpu);

	if (area->cpu != cpu)
		return broken_number(c, 36, "number of the lists' CPU", AT("CPU", cpu),
				     FOUND(area->cpu, cpu));
	if (area->node != (u32)cpu_node(c->pool, cpu))
		return broken_number(c, 36, "node of the lists", AT("CPU", cpu),
				     FOUND(area->node, (u32)cpu_node(c->pool, cpu)));
	for (u32 gfp = 0; gfp <= PCP_FAST_GFP; gfp++) {
		u16 class = cpu < c->pool->percpu_cpus ? fast_class(c->pool, area->node, gfp)
						       : NO_CLASS;

		if (area->fast[gfp] != class)
			return broken_number(c, 36, "lists of the fast path", AT("CPU", cpu),
					     FOUND(area->fast[gfp], class));
	}
	return PB_OK;
}

int check_nodes(struct check *c)
{
	const u8 *cpu_nodes = pool_at(c->pool, c->pool->super->cpu_nodes);

	for (u32 id = 0; id < c->pool->super->nr_nodes; id++)
		CHECK(check_node(c, id));
	for (u32 cpu = 0; cpu < c->pool->super->nr_cpus; cpu++)
		if (cpu_nodes[cpu] >= c->pool->super->nr_nodes)
			return broken_at(c, 36, "a node that does not exist", "CPU", cpu);
	for (u32 cpu = 0; cpu < pool_areas(c->pool); cpu++)
		CHECK(check_area_head(c, cpu));
	return PB_OK;
}

int check_locks(struct check *c)
{
	const struct pb_super *s = c->pool->super;

	if (s->sizes_lock || s->users_lock || s->users_depth || s->repairs & 1)
		return broken(c, 29, "a lock of the super block is held");
	if (s->quarantine_blocks && pool_quarantine(c->pool)->lock)
		return broken(c, 29, "the quarantine's lock is held");
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
	for (u32 cpu = 0; cpu < pool_areas(c->pool); cpu++) {
		if (pcp_area(c->pool, cpu)->lock)
			return broken_at(c, 29, "the per-CPU lists' lock is held", "CPU", cpu);
		if (pcp_area(c->pool, cpu)->closed)
			return broken(c, 29, "the depot is closed");
	}
	return PB_OK;
}
