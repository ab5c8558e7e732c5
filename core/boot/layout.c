/* SPDX-License-Identifier: MIT */
/*
 * The super block is checked from the outside in:
 *
 *	magic -> byte order, word size, layout -> checksum of the super block's
 *	fixed part -> sizes -> offsets -> checksum of the map's arrays
 *
 * Each step reads only what the steps before have shown to be there. A change of
 * one byte always changes a checksum: every step of it is one-to-one.
 */
#include "boot/layout.h"

#include "base/seal.h"
#include "block/marks.h"
#include "boot/memmap.h"
#include "linux/pcp_linux.h"
#include "pcp/pcp.h"
#include "pcp/quarantine.h"

/* ------------------------------------------------------------------- sizes */

bool layout_sizes_plausible(const struct pb_super *s)
{
	bool linked = s->profile == PB_PROFILE_LINUX;
	u32 lists = linked || !PB_WITH_PCP ? 0 : s->pageblock_order + 1u;

	return s->max_order <= PB_MAX_ORDER && s->pageblock_order <= s->max_order &&
	       s->pageblock_order <= 16 && !(s->flags & ~POOL_FLAGS) && s->page_shift >= 12 &&
	       s->page_shift <= 30 && s->profile <= PB_PROFILE_LINUX &&
	       s->kernel < (linked ? PB_NR_LINUX : 1) && s->orders == s->max_order + 1 &&
	       s->span_words == tree_words(s->max_order) && s->nr_spans &&
	       s->nr_frames == (u64)s->nr_spans << s->max_order &&
	       s->nr_frames <= ((u64)1 << 32) - LIST_REFS &&
	       s->nr_pageblocks == s->nr_frames >> s->pageblock_order && s->nr_cpus &&
	       s->nr_cpus <= PB_MAX_CPUS && s->nr_nodes && s->nr_nodes <= PB_MAX_NODES &&
	       s->nr_zones && s->nr_zones <= PB_MAX_NODES * PB_NR_ZONE_TYPES &&
	       s->nr_stripes >= s->nr_zones && s->nr_stripes <= MAX_STRIPES * s->nr_zones &&
	       s->nr_segments >= s->nr_zones && s->nr_segments <= s->nr_spans &&
	       s->nr_pcp_orders == lists && s->mobility <= 1 && s->hotplug <= 1 &&
	       (!s->quarantine_blocks || s->flags & PB_POOL_HARDENED) &&
	       s->class_shift == (lists ? fls32(s->max_order | 1u) + 1 : 0) &&
	       s->pageblock_stride ==
		       (linked ? 8 : (u32)align_up(8 + 2 * (s->pageblock_order + 1u), 8));
}

u64 layout_percpu_lists(const struct pb_super *s)
{
	u64 lists = ((u64)s->nr_zones * PB_MIGRATE_PCPTYPES + 1) << s->class_shift;

	if (s->profile == PB_PROFILE_LINUX)
		return sizeof(struct pcp_area) +
		       s->nr_zones * sizeof(struct pcp_linux); /* a size only */
	return sizeof(struct pcp_area) + lists * sizeof(struct pcp_list);
}

/* In front of a head lie the cold records, behind it the lists. */
static bool stacks_plausible(const struct pb_super *s)
{
	u64 least = s->pcp_cold + layout_percpu_lists(s);
	bool depot = depot_order_of(s) != NO_DEPOT;

	return s->pcp_cold == pcp_stack_cold(s) && s->percpu_stride >= least &&
	       (depot ? depot_bytes(s) >= least : !s->depot_lines);
}

bool layout_percpu_plausible(const struct pb_super *s)
{
	if (s->flags & PB_POOL_NO_PCP)
		return !s->percpu_stride && !s->depot_lines && !s->pcp_cold;
	if (s->percpu_stride & 63 || s->percpu_stride < layout_percpu_lists(s) || s->pcp_scale > 9)
		return false;
	if (s->profile == PB_PROFILE_LINUX)
		return !s->depot_lines && !s->pcp_cold;
	return stacks_plausible(s);
}

/* ----------------------------------------------------------------- offsets */

/* Arrays follow each other without gaps, each from a multiple of LINE_BYTES. */
static bool follows(u64 *end, u64 at, u64 bytes)
{
	bool right = at == *end;

	*end = align_up(at + bytes, LINE_BYTES);
	return right;
}

/* The sizes of bitmaps and runs follow from the zones and are checked with them (I3): here `next`
   only has to lie behind `at` and within `bytes`. */
static bool up_to(u64 *end, u64 at, u64 next, u64 bytes)
{
	bool right = at == *end && next >= at && !(next & (LINE_BYTES - 1)) && next <= bytes;

	*end = next;
	return right;
}

bool layout_arrays_in_place(const struct pb_super *s)
{
	u64 linked = s->profile == PB_PROFILE_LINUX;
	u64 refs = s->flags & PB_POOL_REFCOUNT ? s->nr_frames * 4 : 0;
	u64 owners = s->flags & PB_POOL_OWNERS ? s->nr_frames * 4 : 0;
	u64 end = align_up(sizeof(*s), LINE_BYTES);

	return follows(&end, s->nodes, s->nr_nodes * sizeof(struct node)) &&
	       follows(&end, s->zonelists, (u64)s->nr_nodes * s->nr_zones * sizeof(u16)) &&
	       follows(&end, s->cpu_nodes, s->nr_cpus) &&
	       follows(&end, s->segments, s->nr_segments * sizeof(struct segment)) &&
	       follows(&end, s->zones, s->nr_zones * sizeof(struct zone)) &&
	       follows(&end, s->stripes, s->nr_stripes * sizeof(struct stripe)) &&
	       follows(&end, s->areas,
		       (u64)s->nr_stripes * stripe_area_stride(s) * sizeof(struct free_area)) &&
	       up_to(&end, s->bitmaps, s->percpu, s->bytes) &&
	       follows(&end, s->percpu, (u64)s->percpu_stride * s->nr_cpus + depot_bytes(s)) &&
	       up_to(&end, s->runs, s->there, s->bytes) &&
	       follows(&end, s->there, s->hotplug ? s->nr_spans : 0) &&
	       follows(&end, marks_place(s), marks_bytes(s)) &&
	       follows(&end, s->classes, s->nr_pageblocks * sizeof(u16)) &&
	       follows(&end, s->pageblocks, (u64)s->nr_pageblocks * s->pageblock_stride) &&
	       follows(&end, s->trees, (u64)s->nr_spans * s->span_words * 8) &&
	       follows(&end, s->pages, s->nr_frames) && follows(&end, s->refs, refs) &&
	       follows(&end, s->owners, owners) &&
	       follows(&end, s->links, linked * s->nr_frames * sizeof(struct link)) &&
	       follows(&end, s->pcp_types, linked * s->nr_frames) &&
	       s->bytes == end + align_up(quarantine_bytes(s), 64);
}

/* ------------------------------------------------------------------ in all */

static u64 swapped(u64 x)
{
	u64 y = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		y |= (x >> i & 0xff) << (56 - i);
	return y;
}

static const char *format_fault(const struct pb_super *s)
{
	if (s->magic == swapped(POOL_MAGIC))
		return TEXT("the pool was made by a machine of the other byte order");
	if (s->magic != POOL_MAGIC)
		return TEXT("metadata memory does not hold a pool");
	if (s->layout != POOL_LAYOUT)
		return TEXT("the pool was made by another version of the library");
	if (s->long_bytes != sizeof(long))
		return TEXT("the pool was made by a program of another word size");
	if (s->super_bytes != sizeof(struct pb_super) || s->zone_bytes != sizeof(struct zone) ||
	    s->stripe_bytes != sizeof(struct stripe) || s->node_bytes != sizeof(struct node))
		return TEXT("the pool was made by a library whose structures differ");
	return NULL;
}

const char *layout_fault(const struct pb_super *s, size_t bytes)
{
	const char *fault = format_fault(s);

	if (fault)
		return fault;
	if (!super_sealed(s))
		return TEXT("the super block is damaged: its checksum is wrong");
	if (!layout_sizes_plausible(s) || !layout_percpu_plausible(s))
		return TEXT("the super block is damaged: a size is impossible");
	if (!layout_arrays_in_place(s))
		return TEXT("the super block is damaged: an array is not where the sizes put it");
	if (bytes < s->bytes)
		return TEXT("metadata memory is cut off: the pool is larger");
	if (!map_sealed(s))
		return TEXT("the memory map is damaged: its checksum is wrong");
	return NULL;
}
