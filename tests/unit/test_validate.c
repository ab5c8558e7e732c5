/* SPDX-License-Identifier: MIT */
/*
 * pb_validate() on metadata that were made wrong by hand: each invariant is
 * named by its number, nothing is written, and any rubbish comes to an end.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include "linux/pcp_linux.h"
#include "pcp/pcp.h"
#include "pcp/quarantine.h"
#include "test_port.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

#define NORMAL_START 1000u
#define NORMAL_END 131072u

/* Two zones; pageblocks of 8 frames, so that lists have two bitmap levels, and
   free blocks larger than a pageblock. Some of it is in use, some in lists. */
static void busy_pool(struct tp *tp, enum pb_profile profile, uint32_t flags)
{
	static struct pb_page *pages[600];

	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= flags;
	tp->config.max_order = 6;
	tp->config.pageblock_order = 3;
	tp->config.nr_cpus = 2;
	tp->config.nr_stripes = 2;
	tp_region(tp, 1, 200, 0, PB_ZONE_DMA);
	tp_region(tp, NORMAL_START, NORMAL_END, 0, PB_ZONE_NORMAL);
	tp_reserved(tp, 50, 60);
	tp_build(tp);
	for (unsigned int i = 0; i < 600; i++) {
		pb_test_set_cpu(i & 1);
		pages[i] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL | (i % 3) << 3, i % 5);
		assert_non_null(pages[i]);
	}
	for (unsigned int i = 0; i < 600; i++) {
		pb_test_set_cpu(i >> 1 & 1);
		if (i % 4)
			assert_int_equal(pb_free_pages(&tp->pool, pages[i], i % 5), PB_OK);
	}
	for (unsigned int i = 0; i < 32; i++) {
		pb_test_set_cpu(i & 1);
		pages[i] = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL, 0);
	}
	for (unsigned int i = 0; i < 32; i++) {
		pb_test_set_cpu(i & 1);
		assert_int_equal(pb_free_pages(&tp->pool, pages[i], 0), PB_OK);
	}
	pb_test_set_cpu(0);
	/* leaves a free block of every order below 6 */
	assert_int_equal(pb_alloc_at(&tp->pool, NORMAL_END - 64, 0, PB_GFP_KERNEL), PB_OK);
	tp_check(tp, "a pool in use");
}

/* ------------------------------------------------------------ looking around */

static struct zone *normal(const struct tp *tp)
{
	return pool_zone(&tp->pool, 1);
}

static uint32_t free_frame(const struct tp *tp, unsigned int order)
{
	uint32_t frame = zone_first_frame(&tp->pool, normal(tp));

	while (frame < tp->pool.nr_frames && !block_is_free(&tp->pool, frame, order))
		frame += 1u << order;
	assert_true(frame < tp->pool.nr_frames);
	return frame;
}

static uint32_t owned_frame(const struct tp *tp, unsigned int order)
{
	uint32_t frame = zone_first_frame(&tp->pool, normal(tp));

	while (frame < tp->pool.nr_frames &&
	       (tp->pool.pages[frame].state & ~PB_PAGE_MOVABLE) != (PB_PAGE_HEAD | order))
		frame++;
	assert_true(frame < tp->pool.nr_frames);
	return frame;
}

static uint32_t absent_frame(const struct tp *tp) /* between the zones */
{
	assert_int_equal(tp->pool.pages[201].state, PAGE_ABSENT);
	return 201;
}

static struct stripe *stripe_of(const struct tp *tp, uint32_t frame)
{
	return frame_stripe(&tp->pool, normal(tp), frame);
}

static struct locked lock_of(struct tp *tp, uint32_t frame)
{
	return (struct locked){ .pool = &tp->pool,
				.zone = normal(tp),
				.stripe = stripe_of(tp, frame) };
}

static void set_bit(struct tp *tp, uint32_t frame, unsigned int order)
{
	const struct locked at = lock_of(tp, frame);

	if (in_list_alone(&tp->pool, order)) {
		__whole_set(&at, frame, order, true);
		return;
	}
	tree_set(span_tree(&tp->pool, frame), frame_node(&tp->pool, frame, order));
}

static void clear_bit(struct tp *tp, uint32_t frame, unsigned int order)
{
	const struct locked at = lock_of(tp, frame);

	if (in_list_alone(&tp->pool, order)) {
		__whole_set(&at, frame, order, false);
		return;
	}
	tree_clear(span_tree(&tp->pool, frame), frame_node(&tp->pool, frame, order));
}

/* modern: a list of this CPU's with at least `n` blocks. */
static struct pcp_list *full_stack(const struct tp *tp, uint32_t cpu, uint32_t n)
{
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++) {
		struct pcp_list *list = pcp_list(pcp_area(&tp->pool, cpu),
						 zone_class(&tp->pool, normal(tp), type), 0);

		if (pcp_entries(list) >= n)
			return list;
	}
	fail_msg("no per-CPU list with %u blocks", n);
	return NULL;
}

/* linux: the number of such a list of the zone Normal. */
static uint32_t full_list(const struct tp *tp, uint32_t cpu)
{
	struct free_list *lists = pcp_linux_of(&tp->pool, cpu, normal(tp))->lists;

	for (uint32_t n = 0; n < LINUX_PCP_LISTS; n++)
		if (!linked_empty(lists, n))
			return n;
	fail_msg("per-CPU lists are empty");
	return 0;
}

/* Some frame that is in a per-CPU list. */
static uint32_t listed_frame(const struct tp *tp)
{
	struct pcp_linux *pcp;
	struct pcp_list *list;

	if (pool_is_linked(&tp->pool)) {
		pcp = pcp_linux_of(&tp->pool, 0, normal(tp));
		return linked_head(pcp->lists, full_list(tp, 0));
	}
	list = full_stack(tp, 0, 1);
	return pcp_stack(pcp_area(&tp->pool, 0), list)[0];
}

static struct pageblock *listed_pageblock(const struct tp *tp)
{
	return frame_pageblock(&tp->pool, free_frame(tp, 0));
}

/* A pageblock with nothing free in it. */
static struct pageblock *full_pageblock(const struct tp *tp)
{
	return frame_pageblock(&tp->pool, owned_frame(tp, 4));
}

/* --------------------------------------------------------- one fault per case */

#define FAULT(name, ...)                \
	static void name(struct tp *tp) \
	{                               \
		__VA_ARGS__;            \
	}

FAULT(bad_magic, tp->pool.super->magic ^= 1)
FAULT(bad_size, tp->pool.super->nr_frames += 64)
FAULT(bad_count, tp->pool.super->nr_segments++)
FAULT(bad_offset, tp->pool.super->trees += 64)
FAULT(bad_bytes, tp->pool.super->bytes -= 64)
FAULT(bad_handle, tp->pool.nr_frames++)

FAULT(segment_end, pool_segment(&tp->pool, 0)->end_pfn++)
FAULT(segment_start, pool_segment(&tp->pool, 1)->pfn += 64)
FAULT(segment_frame, pool_segment(&tp->pool, 1)->frame += 64)
FAULT(segment_tail, tp->pool.pages[absent_frame(tp)].state = 0)

static void segment_shared(struct tp *tp) /* both zones claim the same pfns */
{
	struct segment *segment = pool_segment(&tp->pool, 0);

	segment->end_pfn += 64 * 40 - segment->pfn;
	segment->pfn = 64 * 40;
}

FAULT(zone_start, normal(tp)->start_pfn++)
FAULT(zone_span, normal(tp)->first_span++)
FAULT(zone_type, normal(tp)->type = PB_ZONE_DMA)
FAULT(zone_words, normal(tp)->stat_threshold = 0, normal(tp)->levels++)
FAULT(zone_group, normal(tp)->group_shift++)
FAULT(stripe_areas, zone_stripe(&tp->pool, normal(tp), 0)->areas++)
FAULT(stripe_bitmap, zone_stripe(&tp->pool, normal(tp), 0)->bitmaps += 8)
FAULT(node_zone, pool_node(&tp->pool, 0)->zones[PB_ZONE_MOVABLE] = 1)

FAULT(present_pages, normal(tp)->present++)
FAULT(managed_pages, normal(tp)->managed--)
FAULT(lost_reservation, tp->pool.pages[55].state = 0)

FAULT(free_twice, set_bit(tp, free_frame(tp, 3), 2))

static void not_merged(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 2);

	clear_bit(tp, frame, 2);
	set_bit(tp, frame, 1);
	set_bit(tp, frame + 2, 1);
}

FAULT(hole_free, set_bit(tp, absent_frame(tp), 0))

static void reserved_free(struct tp *tp)
{
	tp->pool.pages[free_frame(tp, 1)].state = PAGE_RESERVED;
	normal(tp)->managed--;
}

FAULT(bit_zero, span_tree(&tp->pool, 4096)[0] |= 1)

FAULT(odd_byte, tp->pool.pages[free_frame(tp, 0)].state = 0x33)
FAULT(odd_order, tp->pool.pages[owned_frame(tp, 4)].state |= PB_PAGE_ORDER)
static void odd_place(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 4) + 1].state = PB_PAGE_HEAD | 1;
}
FAULT(owned_hole, tp->pool.pages[192].state = PB_PAGE_HEAD | 4)

static void owned_twice(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 4) + 8].state = PB_PAGE_HEAD;
}

static void owned_and_free(struct tp *tp)
{
	tp->pool.pages[free_frame(tp, 2) + 1].state = PB_PAGE_HEAD;
}

static void free_inside_owned(struct tp *tp) /* no byte of the free block is set */
{
	set_bit(tp, owned_frame(tp, 4) + 4, 2);
}

static void shared_uncounted(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 0)].state |= PB_PAGE_SHARED;
}

static void count_overflow(struct tp *tp)
{
	uint32_t frame = owned_frame(tp, 0);

	tp->pool.pages[frame].state |= PB_PAGE_SHARED;
	((uint32_t *)pool_at(&tp->pool, tp->pool.super->refs))[frame] = 0x80000000u;
}

static void listed_and_owned(struct tp *tp)
{
	tp->pool.pages[listed_frame(tp)].state = PB_PAGE_HEAD;
}

static void listed_outside(struct tp *tp)
{
	struct pcp_list *list = full_stack(tp, 0, 1);

	pcp_stack(pcp_area(&tp->pool, 0), list)[0] = UINT32_MAX - 7;
}

static void listed_and_free(struct tp *tp)
{
	struct pcp_list *list = full_stack(tp, 0, 1);

	pcp_stack(pcp_area(&tp->pool, 0), list)[0] = free_frame(tp, 6);
}

static void listed_link(struct tp *tp)
{
	((struct link *)tp->pool.links)[listed_frame(tp)].prev ^= 64;
}

static void listed_cycle(struct tp *tp) /* the tail leads back to the head */
{
	struct free_list *list = pcp_linux_of(&tp->pool, 0, normal(tp))->lists + full_list(tp, 0);

	((struct link *)tp->pool.links)[list->prev].next = list->next;
}

static void listed_twice_stack(struct tp *tp)
{
	uint32_t *stack = pcp_stack(pcp_area(&tp->pool, 0), full_stack(tp, 0, 2));

	stack[1] = stack[0];
}

static void listed_twice_link(struct tp *tp)
{
	struct free_list *mine = pcp_linux_of(&tp->pool, 0, normal(tp))->lists;
	struct free_list *other = pcp_linux_of(&tp->pool, 1, normal(tp))->lists;
	uint32_t n = full_list(tp, 0);

	other[n] = mine[n];
}

FAULT(list_count, pcp_linux_of(&tp->pool, 1, normal(tp))->count++)
FAULT(stack_count, full_stack(tp, 0, 1)->head |= 0xffff)
FAULT(stack_limit, full_stack(tp, 0, 1)->max = 0xffff)
FAULT(no_stack, pcp_list(pcp_area(&tp->pool, 1), NO_CLASS, 2)->limit++)
FAULT(stack_place, full_stack(tp, 0, 1)->base++)

static void free_count(struct tp *tp)
{
	stripe_area(&tp->pool, stripe_of(tp, free_frame(tp, 1)), 1)->nr_free++;
}

FAULT(bits_only, clear_bit(tp, free_frame(tp, 4), 4))

static void free_link(struct tp *tp)
{
	((struct link *)tp->pool.links)[free_frame(tp, 0)].next ^= 2;
}

static void free_list_lost(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);

	linked_init(area_lists(&tp->pool, stripe_of(tp, frame)),
		    area_list(6, tp->pool.pcp_types[frame]));
}

static void free_list_order(struct tp *tp) /* on the list of another order */
{
	struct free_list *lists = area_lists(&tp->pool, stripe_of(tp, free_frame(tp, 5)));
	uint32_t frame = free_frame(tp, 5);

	linked_remove(&tp->pool, lists, frame);
	linked_insert(&tp->pool, lists, area_list(4, PB_MIGRATE_MOVABLE), frame, true);
}

FAULT(listed_elsewhere, listed_pageblock(tp)->listed_order++)

static void listed_twice(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);
	struct locked at = { .pool = &tp->pool,
			     .zone = normal(tp),
			     .stripe = stripe_of(tp, frame) };

	__tight_set(&at, 6, PB_MIGRATE_CMA, tight_local(&tp->pool, normal(tp), frame >> 3));
}

static void not_listed(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 0);
	struct pageblock *pb = frame_pageblock(&tp->pool, frame);
	struct locked at = { .pool = &tp->pool,
			     .zone = normal(tp),
			     .stripe = stripe_of(tp, frame) };

	__tight_clear(&at, pb->listed_order, pb->type,
		      tight_local(&tp->pool, normal(tp), frame >> 3));
}

/* A block of at least a pageblock is on its list and nowhere else. */
FAULT(whole_lost, clear_bit(tp, free_frame(tp, 6), 6))

static void whole_of_other_type(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);
	struct locked at = { .pool = &tp->pool,
			     .zone = normal(tp),
			     .stripe = stripe_of(tp, frame) };

	clear_bit(tp, frame, 6);
	__tight_set(&at, 6, PB_MIGRATE_CMA, tight_local(&tp->pool, normal(tp), frame >> 3));
}

static void whole_in_tree(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);

	tree_set(span_tree(&tp->pool, frame), frame_node(&tp->pool, frame, 6));
}

static void whole_counted(struct tp *tp)
{
	frame_pageblock(&tp->pool, free_frame(tp, 6))->nr_free[3] = 1;
}

FAULT(listed_type, listed_pageblock(tp)->type = PB_MIGRATE_CMA)

static void covered_type(struct tp *tp)
{
	frame_pageblock(&tp->pool, free_frame(tp, 6) + 8)->type = PB_MIGRATE_CMA;
}

FAULT(noted_type, tp->pool.pcp_types[free_frame(tp, 2)] ^= 1)

FAULT(order_mask, listed_pageblock(tp)->mask ^= 4)
FAULT(order_count, listed_pageblock(tp)->nr_free[0]++)

static void root_word(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);

	stripe_area(&tp->pool, stripe_of(tp, frame), 6)
		->free_list[frame_migratetype(&tp->pool, frame)]
		.root ^= 1;
}

static void upper_level(struct tp *tp)
{
	struct stripe *stripe = zone_stripe(&tp->pool, normal(tp), 1);

	assert_int_equal(normal(tp)->levels, 2);
	tight_bitmap(&tp->pool, normal(tp), stripe, 6,
		     PB_MIGRATE_CMA)[normal(tp)->level_words[0]] = 1;
}

static void empty_mask(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->nonempty[PB_MIGRATE_MOVABLE] ^= 1u << 6;
}

FAULT(class_of_frees, tp->pool.pcp_class[100] ^= 16)

FAULT(no_type, full_pageblock(tp)->type = PB_MIGRATE_TYPES)

FAULT(free_pages, zone_stripe(&tp->pool, normal(tp), 0)->nr_free_pages++)
FAULT(cma_pages, zone_stripe(&tp->pool, normal(tp), 0)->nr_free_cma--)
static void isolated_pages(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->nr_isolated = 8;
}

FAULT(lost_block, tp->pool.pages[owned_frame(tp, 4)].state = 0)
FAULT(reserve_pages, normal(tp)->nr_reserved_highatomic++)
FAULT(isolate_count, normal(tp)->nr_isolate_pageblock--)
FAULT(watermarks, normal(tp)->_watermark[PB_WMARK_LOW] += 100000)

FAULT(zonelist_node, pool_node(&tp->pool, 0)->order[0] = 63)
static void zonelist_first(struct tp *tp)
{
	pool_node(&tp->pool, 0)->preferred[PB_ZONE_NORMAL] = 0;
}
FAULT(fast_lists, pcp_area(&tp->pool, 1)->fast[PB_GFP_MOVABLE] ^= 1)
FAULT(fast_lists_last, pcp_area(&tp->pool, 1)->fast[PCP_FAST_GFP] ^= 1)
FAULT(free_counter, normal(tp)->vm_free++)

static void free_reference(struct tp *tp)
{
	((u32 *)pool_at(&tp->pool, tp->pool.super->refs))[free_frame(tp, 0)] = 1;
}
FAULT(held_zone, normal(tp)->lock = 1)
FAULT(held_stripe, zone_stripe(&tp->pool, normal(tp), 0)->lock = 2)
FAULT(held_lists, pcp_area(&tp->pool, 1)->lock = 1)
FAULT(held_sizes, tp->pool.super->sizes_lock = 1)
FAULT(inside, tp->pool.super->users_lock = 77)
FAULT(stack_room, full_stack(tp, 1, 1)->max--)
static void noted_elsewhere(struct tp *tp)
{
	const struct free_list *lists = pcp_linux_of(&tp->pool, 0, normal(tp))->lists;
	u8 *type = &tp->pool.pcp_types[linked_head(lists, full_list(tp, 0))];

	*type = *type == PB_MIGRATE_UNMOVABLE ? PB_MIGRATE_RECLAIMABLE : PB_MIGRATE_UNMOVABLE;
}
FAULT(tunable, tp->pool.super->tunables.pcp_high_fraction = 9)
FAULT(reserve_ratio, normal(tp)->lowmem_reserve[PB_ZONE_HIGHMEM]++)
FAULT(total_reserve, tp->pool.super->totalreserve ^= 1)
FAULT(zone_flag, normal(tp)->flags |= ZONE_FLAGS + 1)
FAULT(boost, normal(tp)->watermark_boost = 1 << 20)
FAULT(list_high, pcp_linux_of(&tp->pool, 1, normal(tp))->high++)
static void list_factor(struct tp *tp)
{
	pcp_linux_of(&tp->pool, 1, normal(tp))->free_factor = FREE_FACTOR_MAX + 1;
}

/* ---- what one condition alone notices */

FAULT(segment_first, pool_segment(&tp->pool, 0)->frame = 64)
FAULT(segment_empty, pool_segment(&tp->pool, 1)->frame = 0)
static void segment_beyond(struct tp *tp)
{
	pool_segment(&tp->pool, 1)->frame = (uint32_t)tp->pool.nr_frames + 64;
}
static void segments_by_zone(struct tp *tp)
{
	pool_segment(&tp->pool, 0)->zone = 1;
	pool_segment(&tp->pool, 1)->zone = 0;
}
static void segments_by_pfn(struct tp *tp)
{
	pool_segment(&tp->pool, 0)->zone = 1;
	pool_segment(&tp->pool, 1)->pfn = 64;
}

FAULT(zone_without_segment, pool_segment(&tp->pool, 0)->zone = 1)
static void zone_larger(struct tp *tp)
{
	pool_zone(&tp->pool, 0)->nr_spans++;
	normal(tp)->first_span++;
}
FAULT(zone_empty, normal(tp)->nr_spans = 0)
FAULT(zone_too_large, normal(tp)->nr_spans++)
FAULT(zone_smaller, normal(tp)->nr_spans--)
FAULT(zone_node, normal(tp)->node = 1)
FAULT(zone_no_type, normal(tp)->type = PB_ZONE_DEVICE)
FAULT(zone_other_type, normal(tp)->type = PB_ZONE_HIGHMEM)
FAULT(zone_stripe_first, normal(tp)->first_stripe++)

static void stripes_of(struct tp *tp, uint32_t n)
{
	struct zone *zone = pool_zone(&tp->pool, 0);
	uint32_t pageblocks = zone_nr_pageblocks(&tp->pool, zone);

	zone->nr_stripes = n;
	zone->group_shift = stripe_group_shift(pageblocks, n, 3);
}
FAULT(no_stripes, normal(tp)->nr_stripes = 0)
FAULT(three_stripes, stripes_of(tp, 3))
FAULT(many_stripes, stripes_of(tp, MAX_STRIPES))
FAULT(most_stripes, stripes_of(tp, MAX_STRIPES * 2))
FAULT(linux_stripes, stripes_of(tp, 2))
static void one_stripe_less(struct tp *tp) /* rightly shaped, but fewer than there are */
{
	struct zone *zone = normal(tp);
	struct tp other;

	tp_start(&other);
	other.config.max_order = 6;
	other.config.pageblock_order = 3;
	other.config.nr_cpus = 2;
	tp_region(&other, 1, 200, 0, PB_ZONE_DMA);
	tp_region(&other, NORMAL_START, NORMAL_END, 0, PB_ZONE_NORMAL);
	tp_build(&other);
	assert_int_equal(normal(&other)->nr_stripes, 1);
	zone->nr_stripes = 1;
	zone->group_shift = normal(&other)->group_shift;
	zone->levels = normal(&other)->levels;
	zone->bitmap_words = normal(&other)->bitmap_words;
	memcpy(zone->level_words, normal(&other)->level_words, sizeof(zone->level_words));
	tp_drop(&other);
}
FAULT(no_levels, normal(tp)->levels = 0)
FAULT(level_size, normal(tp)->level_words[0]++)
FAULT(level_sum, normal(tp)->bitmap_words++)
FAULT(linux_levels, normal(tp)->levels = 1)
FAULT(linux_words, normal(tp)->bitmap_words = 1)

static void reserved_tail(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 4) + 3].state = PAGE_RESERVED;
	normal(tp)->managed--;
}

static void link_beyond(struct tp *tp)
{
	struct free_list *list = pcp_linux_of(&tp->pool, 0, normal(tp))->lists + full_list(tp, 0);

	((struct link *)tp->pool.links)[list->prev].next = (uint32_t)tp->pool.nr_frames;
}
static void list_tail(struct tp *tp)
{
	struct free_list *list = pcp_linux_of(&tp->pool, 0, normal(tp))->lists + full_list(tp, 0);

	list->prev ^= 1;
}
FAULT(stack_filled, pcp_list(pcp_area(&tp->pool, 1), NO_CLASS, 2)->head++)
static void order_without_stack(struct tp *tp)
{
	pcp_list(pcp_area(&tp->pool, 1), zone_class(&tp->pool, normal(tp), 0),
		 tp->pool.nr_pcp_orders)
		->limit++;
}
static void last_stack(struct tp *tp)
{
	pcp_list(pcp_area(&tp->pool, 0), zone_class(&tp->pool, normal(tp), 2),
		 tp->pool.nr_pcp_orders - 1u)
		->room = 60000;
}
static void stack_size(struct tp *tp)
{
	pcp_list(pcp_area(&tp->pool, 0), zone_class(&tp->pool, pool_zone(&tp->pool, 0), 0), 0)
		->room--;
}
static void stack_limit_high(struct tp *tp)
{
	struct pcp_list *list = full_stack(tp, 0, 1);

	list->limit = (uint16_t)(list->base + list->max + 1);
}
static void stack_limit_low(struct tp *tp)
{
	struct pcp_list *list = full_stack(tp, 0, 1);

	list->limit = (uint16_t)(list->base - 1);
}
FAULT(noted_nothing, tp->pool.pcp_types[listed_frame(tp)] = 77)
static void listed_below(struct tp *tp)
{
	pcp_stack(pcp_area(&tp->pool, 0), full_stack(tp, 0, 1))[0] = 3; /* of the other zone */
}

/* modern: a list of pairs with a block in it. */
static struct pcp_list *pairs(const struct tp *tp)
{
	for (unsigned int type = 0; type < PB_MIGRATE_PCPTYPES; type++) {
		struct pcp_list *list = pcp_list(pcp_area(&tp->pool, 0),
						 zone_class(&tp->pool, normal(tp), type), 1);

		if (pcp_entries(list))
			return list;
	}
	fail_msg("no per-CPU list with a pair");
	return NULL;
}
static void listed_askew(struct tp *tp)
{
	pcp_stack(pcp_area(&tp->pool, 0), pairs(tp))[0] |= 1;
}
static void listed_byte(struct tp *tp)
{
	tp->pool.pages[pcp_stack(pcp_area(&tp->pool, 0), pairs(tp))[0] + 1].state = PB_PAGE_HEAD;
}
FAULT(list_count_below, pcp_linux_of(&tp->pool, 1, normal(tp))->count = -4)

/* linux: on the zone's list of an order, as its head, without being free. */
static void put_on_list(struct tp *tp, uint32_t frame, unsigned int order)
{
	linked_insert(&tp->pool, area_lists(&tp->pool, zone_stripe(&tp->pool, normal(tp), 0)),
		      area_list(order, PB_MIGRATE_MOVABLE), frame, false);
}
FAULT(listed_of_zone_before, put_on_list(tp, 50, 0)) /* reserved */
FAULT(listed_unaligned, put_on_list(tp, owned_frame(tp, 4) + 1, 1))
FAULT(listed_not_free, put_on_list(tp, owned_frame(tp, 4), 1))
static void listed_of_zone_behind(struct tp *tp)
{
	linked_insert(&tp->pool, area_lists(&tp->pool, pool_stripe(&tp->pool, 0)),
		      area_list(0, PB_MIGRATE_MOVABLE), owned_frame(tp, 0), false);
}

FAULT(listed_type_unknown, listed_pageblock(tp)->listed_type = 200)
static void mask_too_long(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->nonempty[PB_MIGRATE_MOVABLE] |= 1u << 7;
}
static void published_more(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->approx_free += 1 << 24;
}
static void published_less(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->approx_free -= 1 << 24;
}

static void reserve_uncounted(struct tp *tp) /* a pageblock of the reserve, and none counted */
{
	struct pageblock *pb = full_pageblock(tp);
	uint32_t pageblock = (owned_frame(tp, 4)) >> tp->pool.pageblock_order;

	pb->type = PB_MIGRATE_HIGHATOMIC;
	tp->pool.pcp_class[pageblock] = zone_class(&tp->pool, normal(tp), PB_MIGRATE_HIGHATOMIC);
}
static void reserve_too_large(struct tp *tp)
{
	normal(tp)->nr_reserved_highatomic = normal(tp)->present + 64 - normal(tp)->present % 64;
}
static void isolated_by_nobody(struct tp *tp)
{
	uint32_t pageblock = (owned_frame(tp, 4)) >> tp->pool.pageblock_order;

	full_pageblock(tp)->type = PB_MIGRATE_ISOLATE;
	tp->pool.pcp_class[pageblock] = zone_class(&tp->pool, normal(tp), PB_MIGRATE_ISOLATE);
}

FAULT(zonelist_length, pool_node(&tp->pool, 0)->zonelist_nodes = 65)
FAULT(zonelist_short, pool_node(&tp->pool, 0)->zonelist_nodes = 0)
FAULT(zonelist_beyond, pool_node(&tp->pool, 0)->order[0] = PB_MAX_NODES)
static void zonelist_twice(struct tp *tp)
{
	pool_node(&tp->pool, 0)->zonelist_nodes = 2;
	pool_node(&tp->pool, 0)->order[1] = 0;
}
FAULT(node_offline, pool_node(&tp->pool, 0)->online = 0)
static void cpu_node_unknown(struct tp *tp)
{
	((uint8_t *)pool_at(&tp->pool, tp->pool.super->cpu_nodes))[1] = 9;
}
FAULT(area_number, pcp_area(&tp->pool, 1)->cpu = 0)
FAULT(area_node, pcp_area(&tp->pool, 1)->node = 1)

FAULT(entered, tp->pool.super->users_depth = 1)
FAULT(repairing, tp->pool.super->repairs++)

static struct pcp_linux *lists(struct tp *tp)
{
	return pcp_linux_of(&tp->pool, 1, normal(tp));
}
FAULT(list_batch, lists(tp)->batch++)
FAULT(list_high_min, lists(tp)->high_min++)
FAULT(list_high_max, lists(tp)->high_max++)
FAULT(list_low, lists(tp)->high--)
FAULT(list_factor_below, lists(tp)->free_factor = -1)
FAULT(list_alloc_factor, lists(tp)->alloc_factor = FREE_FACTOR_MAX + 1)
FAULT(list_alloc_factor_below, lists(tp)->alloc_factor = -1)
FAULT(list_flags, lists(tp)->flags = 0x80)
static void hold_back(struct tp *tp, int32_t pages)
{
	normal(tp)->vm_free += lists(tp)->stat_diff - pages;
	lists(tp)->stat_diff = pages;
}
FAULT(held_back, hold_back(tp, normal(tp)->stat_threshold + 1))
FAULT(owed, hold_back(tp, -normal(tp)->stat_threshold - 1))
FAULT(map_sum, tp->pool.super->map_sum++)
FAULT(super_sum, tp->pool.super->super_sum++)
FAULT(sizes_sum, tp->pool.super->sizes_sum++)

#define MODERN 1u
#define LINUX 2u
#define BOTH 3u

/* A slot of the quarantine, which is full: the oldest block's. */
static struct quarantined *oldest(struct tp *tp)
{
	struct quarantine *q = pool_quarantine(&tp->pool);

	assert_int_equal(q->held, TP_QUARANTINE_BLOCKS);
	return &q->slots[q->next];
}

static void quarantine_next(struct tp *tp)
{
	pool_quarantine(&tp->pool)->next = TP_QUARANTINE_BLOCKS;
}

static void quarantine_over(struct tp *tp)
{
	pool_quarantine(&tp->pool)->held = TP_QUARANTINE_BLOCKS + 1;
}

static void quarantine_short(struct tp *tp)
{
	pool_quarantine(&tp->pool)->held--;
}

static void quarantine_frame_left(struct tp *tp)
{
	oldest(tp)->order_plus_1 = 0;
	pool_quarantine(&tp->pool)->held--;
}

static void quarantine_hole(struct tp *tp)
{
	oldest(tp)->order_plus_1 = 0;
}

static void quarantine_order(struct tp *tp)
{
	oldest(tp)->order_plus_1 = tp->pool.max_order + 2;
	oldest(tp)->frame = 0;
}

static void quarantine_beyond(struct tp *tp)
{
	oldest(tp)->frame = (uint32_t)tp->pool.nr_frames;
}

static void quarantine_askew(struct tp *tp)
{
	oldest(tp)->order_plus_1 = 2;
	oldest(tp)->frame |= 1;
}

static void quarantine_owned(struct tp *tp)
{
	tp->pool.pages[oldest(tp)->frame].state = PB_PAGE_HEAD;
}

static void quarantine_free(struct tp *tp)
{
	oldest(tp)->frame = free_frame(tp, 0);
}

static void quarantine_twice(struct tp *tp)
{
	struct quarantine *q = pool_quarantine(&tp->pool);

	*oldest(tp) = q->slots[(q->next + 1) % TP_QUARANTINE_BLOCKS];
	normal(tp)->quarantined = 5;
}

static void quarantine_pages(struct tp *tp)
{
	normal(tp)->quarantined++;
}

static void quarantine_none(struct tp *tp)
{
	normal(tp)->quarantined = 1;
}

static void quarantine_locked(struct tp *tp)
{
	pool_quarantine(&tp->pool)->lock = 1;
}

static const struct fault {
	const char *name;
	unsigned int invariant, profiles;
	uint32_t flags;
	void (*plant)(struct tp *tp);
	const char *says;
} faults[] = {
	{ "magic", 1, BOTH, 0, bad_magic, "magic number or version of the metadata" },
	{ "size", 1, BOTH, 0, bad_size, "a size in the super block is impossible" },
	{ "count", 1, BOTH, 0, bad_count, "an array is not where the sizes put it" },
	{ "offset", 1, BOTH, 0, bad_offset, "an array is not where the sizes put it" },
	{ "bytes", 1, BOTH, 0, bad_bytes, "an array is not where the sizes put it" },
	{ "handle", 1, BOTH, 0, bad_handle, "the handle differs from the super block" },
	{ "segment's end", 2, BOTH, 0, segment_end, "a segment's place or bounds" },
	{ "segment's pfn", 2, BOTH, 0, segment_start, "a segment's place or bounds" },
	{ "segment's frame", 2, BOTH, 0, segment_frame, "a segment's place or bounds" },
	{ "frame behind a segment", 2, BOTH, 0, segment_tail, "a segment's place or bounds" },
	{ "frame of two segments", 2, BOTH, 0, segment_shared, "has a frame of another segment" },
	{ "zone's start", 3, BOTH, 0, zone_start, "start_pfn or spanned pages" },
	{ "zone's span", 3, BOTH, 0, zone_span, "a zone's spans" },
	{ "zone's type", 3, BOTH, 0, zone_type, "a zone's type, node or place among the zones" },
	{ "zone's levels", 3, MODERN, 0, zone_words, "a zone's stripes or their bitmaps' shape" },
	{ "zone's groups", 3, BOTH, 0, zone_group, "a zone's stripes or their bitmaps' shape" },
	{ "stripe's areas", 3, BOTH, 0, stripe_areas, "a stripe's zone, number or arrays" },
	{ "stripe's bitmaps", 3, BOTH, 0, stripe_bitmap, "a stripe's zone, number or arrays" },
	{ "node's zone", 3, BOTH, 0, node_zone, "zones, stripes or bitmaps do not add up" },
	{ "present", 4, BOTH, 0, present_pages, "present pages" },
	{ "managed", 4, BOTH, 0, managed_pages, "managed pages" },
	{ "lost reservation", 4, BOTH, 0, lost_reservation, "managed pages" },
	{ "free twice", 5, BOTH, 0, free_twice, "free twice: inside a larger free block" },
	{ "not merged", 6, BOTH, 0, not_merged, "free beside its free buddy, not merged" },
	{ "hole free", 7, BOTH, 0, hole_free, "free block with a reserved or absent frame" },
	{ "reserved free", 7, BOTH, 0, reserved_free,
	  "free block with a reserved or absent frame" },
	{ "bit 0", 8, BOTH, 0, bit_zero, "a bit of the tree names no block" },
	{ "whole block in a tree", 8, MODERN, 0, whole_in_tree,
	  "a bit of the tree names no block" },
	{ "byte", 9, BOTH, 0, odd_byte, "page byte without meaning" },
	{ "head's order", 9, BOTH, 0, odd_order, "owned block of an impossible order or place" },
	{ "head's place", 9, BOTH, 0, odd_place, "owned block of an impossible order or place" },
	{ "owned hole", 9, BOTH, 0, owned_hole, "owned block with a reserved or absent frame" },
	{ "owned twice", 10, BOTH, 0, owned_twice, "owned block inside another" },
	{ "owned and free", 11, BOTH, 0, owned_and_free, "free block with an owner" },
	{ "free inside owned", 11, BOTH, 0, free_inside_owned, "free block with an owner" },
	{ "shared without counts", 12, BOTH, 0, shared_uncounted,
	  "SHARED without PB_POOL_REFCOUNT" },
	{ "reference count", 12, BOTH, PB_POOL_REFCOUNT, count_overflow,
	  "reference count out of range" },
	{ "reference to a free frame", 12, BOTH, PB_POOL_REFCOUNT, free_reference,
	  "counted references without SHARED" },
	{ "listed and owned", 13, BOTH, 0, listed_and_owned,
	  "in a per-CPU list, but has an owner" },
	{ "listed outside", 13, MODERN, 0, listed_outside,
	  "a per-CPU list holds a frame outside its zone" },
	{ "listed and free", 13, MODERN, 0, listed_and_free,
	  "in a per-CPU list, but free in the tree" },
	{ "link of a per-CPU list", 13, LINUX, 0, listed_link, "the links of a list disagree" },
	{ "cycle in a per-CPU list", 13, LINUX, 0, listed_cycle, "the links of a list disagree" },
	{ "type noted of a listed block", 13, LINUX, 0, noted_elsewhere,
	  "in a per-CPU list of another type than noted" },
	{ "listed twice", 14, MODERN, 0, listed_twice_stack, "twice in per-CPU lists" },
	{ "listed by two CPUs", 14, LINUX, 0, listed_twice_link, "twice in per-CPU lists" },
	{ "count of a list", 15, LINUX, 0, list_count, "pages in per-CPU lists" },
	{ "count of a stack", 15, MODERN, 0, stack_count, "blocks in a per-CPU list" },
	{ "limit of a stack", 15, MODERN, 0, stack_limit, "limit of a per-CPU list" },
	{ "maximum of a stack", 15, MODERN, 0, stack_room, "limit of a per-CPU list" },
	{ "place of a stack", 15, MODERN, 0, stack_place, "a stack's place in its area" },
	{ "stack of no class", 15, MODERN, 0, no_stack, "a list that is none has room" },
	{ "nr_free", 17, BOTH, 0, free_count, "nr_free differs from the tree" },
	{ "block lost from a tree", 17, BOTH, 0, bits_only, "nr_free differs from the tree" },
	{ "whole block lost", 17, MODERN, 0, whole_lost, "nr_free differs from the tree" },
	{ "link", 18, LINUX, 0, free_link, "the links of a list disagree" },
	{ "list lost", 18, LINUX, 0, free_list_lost, "a free block is on no list" },
	{ "list of another order", 18, LINUX, 0, free_list_order,
	  "on a free list, but not a free block of its order and zone" },
	{ "listed elsewhere", 19, MODERN, 0, listed_elsewhere,
	  "not listed under its largest free block" },
	{ "listed twice", 19, MODERN, 0, listed_twice, "pageblocks on lists" },
	{ "not listed", 19, MODERN, 0, not_listed, "not on the list it is listed under" },
	{ "type of the list", 20, MODERN, 0, listed_type,
	  "listed under another type than its own" },
	{ "whole block of another type", 20, MODERN, 0, whole_of_other_type,
	  "listed under another type than its own" },
	{ "type of a pageblock covered", 20, MODERN, 0, covered_type,
	  "free block over pageblocks of two types" },
	{ "type noted", 20, LINUX, 0, noted_type, "on a list of another type than noted" },
	{ "mask of orders", 21, MODERN, 0, order_mask,
	  "mask of free orders differs from the tree" },
	{ "count of an order", 21, MODERN, 0, order_count, "a pageblock's blocks of an order" },
	{ "whole block counted", 21, MODERN, 0, whole_counted, "a pageblock's blocks of an order" },
	{ "root word", 21, MODERN, 0, root_word, "a list's root word" },
	{ "upper level", 21, MODERN, 0, upper_level, "a list's bitmap, an upper level" },
	{ "mask of lists", 21, MODERN, 0, empty_mask, "the mask of non-empty lists" },
	{ "class of frees", 21, BOTH, 0, class_of_frees,
	  "frees go to another type's per-CPU lists" },
	{ "type", 22, BOTH, 0, no_type, "a type that does not exist" },
	{ "free pages", 23, BOTH, 0, free_pages, "free pages" },
	{ "CMA pages", 23, BOTH, 0, cma_pages, "free CMA pages" },
	{ "isolated pages", 23, BOTH, 0, isolated_pages, "free isolated pages" },
	{ "lost block", 24, BOTH, 0, lost_block, "pages free, in per-CPU lists and owned" },
	{ "reserve", 25, BOTH, 0, reserve_pages, "pages reserved for high-order atomic requests" },
	{ "isolated pageblocks", 26, BOTH, 0, isolate_count, "isolated pageblocks" },
	{ "watermarks", 27, BOTH, 0, watermarks, "watermarks do not ascend" },
	{ "zone's lock", 29, BOTH, 0, held_zone, "a zone's lock is held" },
	{ "stripe's lock", 29, BOTH, 0, held_stripe, "a stripe's lock is held" },
	{ "lists' lock", 29, BOTH, 0, held_lists, "the per-CPU lists' lock is held" },
	{ "tunables' lock", 29, BOTH, 0, held_sizes, "a lock of the super block is held" },
	{ "somebody inside", 29, BOTH, 0, inside, "a lock of the super block is held" },
	{ "zonelist", 36, BOTH, 0, zonelist_node, "a zonelist does not name each node once" },
	{ "first zone", 36, BOTH, 0, zonelist_first, "a zonelist's first zone" },
	{ "fast path", 36, BOTH, 0, fast_lists, "lists of the fast path" },
	{ "fast path, last", 36, BOTH, 0, fast_lists_last, "lists of the fast path" },
	{ "free page counter", 37, LINUX, 0, free_counter,
	  "the free page counter and what CPUs hold back" },
	{ "tunable", 39, BOTH, 0, tunable, "the checksum of tunables and what follows is wrong" },
	{ "lowmem_reserve", 39, BOTH, 0, reserve_ratio,
	  "the checksum of tunables and what follows is wrong" },
	{ "totalreserve", 39, BOTH, 0, total_reserve,
	  "the checksum of tunables and what follows is wrong" },
	{ "zone's flag", 40, BOTH, 0, zone_flag, "a flag that does not exist" },
	{ "boost", 40, BOTH, 0, boost, "pages that the watermarks are boosted by" },
	{ "other profile's counter", 40, MODERN, 0, free_counter, "the linux profile's counter" },
	{ "list's high", 41, LINUX, 0, list_high, "high of a CPU's lists" },
	{ "list's free_factor", 41, LINUX, 0, list_factor, "free_factor of a CPU's lists" },
	{ "first segment's frame", 2, BOTH, 0, segment_first, "a segment's place or bounds" },
	{ "empty segment", 2, BOTH, 0, segment_empty, "a segment's place or bounds" },
	{ "segment beyond the frames", 2, BOTH, 0, segment_beyond, "a segment's place or bounds" },
	{ "order of segments", 2, BOTH, 0, segments_by_zone, "segments out of order" },
	{ "order of a zone's segments", 2, BOTH, 0, segments_by_pfn, "segments out of order" },
	{ "zone without a segment", 3, BOTH, 0, zone_without_segment,
	  "start_pfn or spanned pages" },
	{ "zone's spans, one more", 3, BOTH, 0, zone_larger, "a zone's spans" },
	{ "zone without spans", 3, BOTH, 0, zone_empty, "a zone's spans" },
	{ "zone's spans, too many", 3, BOTH, 0, zone_too_large, "a zone's spans" },
	{ "zone's spans, one less", 3, BOTH, 0, zone_smaller,
	  "zones, stripes or bitmaps do not add up" },
	{ "zone's node", 3, BOTH, 0, zone_node, "a zone's type, node or place among the zones" },
	{ "zone's type, none", 3, BOTH, 0, zone_no_type,
	  "a zone's type, node or place among the zones" },
	{ "zone's type, not configured", 3, BOTH, 0, zone_other_type,
	  "a zone's type, node or place among the zones" },
	{ "zone's first stripe", 3, BOTH, 0, zone_stripe_first,
	  "a zone's stripes or their bitmaps' shape" },
	{ "no stripes", 3, BOTH, 0, no_stripes, "a zone's stripes or their bitmaps' shape" },
	{ "three stripes", 3, BOTH, 0, three_stripes, "a zone's stripes or their bitmaps' shape" },
	{ "more stripes than groups", 3, MODERN, 0, many_stripes,
	  "a zone's stripes or their bitmaps' shape" },
	{ "more stripes than any zone has", 3, BOTH, 0, most_stripes,
	  "a zone's stripes or their bitmaps' shape" },
	{ "two stripes", 3, LINUX, 0, linux_stripes, "a zone's stripes or their bitmaps' shape" },
	{ "a stripe less", 3, MODERN, 0, one_stripe_less,
	  "zones, stripes or bitmaps do not add up" },
	{ "no levels", 3, MODERN, 0, no_levels, "a zone's stripes or their bitmaps' shape" },
	{ "words of a level", 3, MODERN, 0, level_size,
	  "a zone's stripes or their bitmaps' shape" },
	{ "words of all levels", 3, MODERN, 0, level_sum,
	  "a zone's stripes or their bitmaps' shape" },
	{ "levels", 3, LINUX, 0, linux_levels, "a zone's stripes or their bitmaps' shape" },
	{ "bitmap words", 3, LINUX, 0, linux_words, "a zone's stripes or their bitmaps' shape" },
	{ "reserved tail", 9, BOTH, 0, reserved_tail,
	  "owned block with a reserved or absent frame" },
	{ "link beyond the frames", 13, LINUX, 0, link_beyond, "the links of a list disagree" },
	{ "tail of a per-CPU list", 13, LINUX, 0, list_tail, "the links of a list disagree" },
	{ "block in a stack of no class", 15, MODERN, 0, stack_filled,
	  "a list that is none has room" },
	{ "stack of an order without", 15, MODERN, 0, order_without_stack,
	  "a list that is none has room" },
	{ "room of the last stack", 15, MODERN, 0, last_stack, "a stack's place in its area" },
	{ "room of a stack", 15, MODERN, 0, stack_size, "a stack's room" },
	{ "limit above the maximum", 15, MODERN, 0, stack_limit_high, "limit of a per-CPU list" },
	{ "limit below the base", 15, MODERN, 0, stack_limit_low, "limit of a per-CPU list" },
	{ "no type noted", 13, LINUX, 0, noted_nothing,
	  "in a per-CPU list of another type than noted" },
	{ "listed, of the zone before", 13, MODERN, 0, listed_below,
	  "a per-CPU list holds a frame outside its zone" },
	{ "listed, not aligned", 13, MODERN, 0, listed_askew, "not aligned, in a per-CPU list" },
	{ "listed, with a byte", 13, MODERN, 0, listed_byte,
	  "in a per-CPU list, but its page byte is set" },
	{ "count below zero", 15, LINUX, 0, list_count_below, "pages in per-CPU lists" },
	{ "free list, of the zone before", 18, LINUX, 0, listed_of_zone_before,
	  "on a free list, but not a free block of its order and zone" },
	{ "free list, of the zone behind", 18, LINUX, 0, listed_of_zone_behind,
	  "on a free list, but not a free block of its order and zone" },
	{ "free list, not aligned", 18, LINUX, 0, listed_unaligned,
	  "on a free list, but not a free block of its order and zone" },
	{ "free list, not free", 18, LINUX, 0, listed_not_free,
	  "on a free list, but not a free block of its order and zone" },
	{ "listed under no type", 20, MODERN, 0, listed_type_unknown,
	  "listed under a type that does not exist" },
	{ "mask of lists, too long", 21, MODERN, 0, mask_too_long,
	  "a list of an order that does not exist" },
	{ "published, too many", 23, BOTH, 0, published_more, "approximate free pages" },
	{ "published, too few", 23, BOTH, 0, published_less, "approximate free pages" },
	{ "reserve not counted", 25, BOTH, 0, reserve_uncounted,
	  "pages reserved for high-order atomic requests" },
	{ "reserve larger than the zone", 25, BOTH, 0, reserve_too_large,
	  "pages reserved for high-order atomic requests" },
	{ "isolated by nobody", 26, BOTH, 0, isolated_by_nobody, "isolated pageblocks" },
	{ "zonelist's length", 36, BOTH, 0, zonelist_length,
	  "a zonelist does not name each node once" },
	{ "zonelist without a node", 36, BOTH, 0, zonelist_short,
	  "a zonelist does not name each node once" },
	{ "zonelist's node beyond all", 36, BOTH, 0, zonelist_beyond,
	  "a zonelist does not name each node once" },
	{ "zonelist with a node twice", 36, BOTH, 0, zonelist_twice,
	  "a zonelist does not name each node once" },
	{ "node offline", 36, BOTH, 0, node_offline, "online or not" },
	{ "CPU's node", 36, BOTH, 0, cpu_node_unknown, "a node that does not exist" },
	{ "lists' CPU", 36, BOTH, 0, area_number, "number of the lists' CPU" },
	{ "lists' node", 36, BOTH, 0, area_node, "node of the lists" },
	{ "somebody inside, twice", 29, BOTH, 0, entered, "a lock of the super block is held" },
	{ "repair under way", 29, BOTH, 0, repairing, "a lock of the super block is held" },
	{ "list's batch", 41, LINUX, 0, list_batch, "batch of a CPU's lists" },
	{ "list's least high", 41, LINUX, 0, list_high_min, "least high of a CPU's lists" },
	{ "list's greatest high", 41, LINUX, 0, list_high_max, "greatest high of a CPU's lists" },
	{ "list's high, too low", 41, LINUX, 0, list_low, "high of a CPU's lists" },
	{ "list's free_factor below zero", 41, LINUX, 0, list_factor_below,
	  "free_factor of a CPU's lists" },
	{ "list's alloc_factor", 41, LINUX, 0, list_alloc_factor, "alloc_factor of a CPU's lists" },
	{ "list's alloc_factor below zero", 41, LINUX, 0, list_alloc_factor_below,
	  "alloc_factor of a CPU's lists" },
	{ "list's flags", 41, LINUX, 0, list_flags, "flags of a CPU's lists" },
	{ "pages held back", 41, LINUX, 0, held_back, "pages that a CPU holds back" },
	{ "pages owed", 41, LINUX, 0, owed, "pages that a CPU holds back" },
	{ "quarantine's next slot", 43, BOTH, TP_QUARANTINE, quarantine_next,
	  "the quarantine's next slot, or how many it holds" },
	{ "quarantine holds too many", 43, BOTH, TP_QUARANTINE, quarantine_over,
	  "the quarantine's next slot, or how many it holds" },
	{ "quarantine holds one less", 43, BOTH, TP_QUARANTINE, quarantine_short,
	  "a slot of the quarantine is not empty" },
	{ "a frame is left in the quarantine", 43, BOTH, TP_QUARANTINE, quarantine_frame_left,
	  "a slot of the quarantine is not empty" },
	{ "empty slot of the quarantine", 43, BOTH, TP_QUARANTINE, quarantine_hole,
	  "a slot of the quarantine holds no block" },
	{ "order in the quarantine", 43, BOTH, TP_QUARANTINE, quarantine_order,
	  "a slot of the quarantine holds no block" },
	{ "frame in the quarantine", 43, BOTH, TP_QUARANTINE, quarantine_beyond,
	  "a slot of the quarantine holds no block" },
	{ "place in the quarantine", 43, BOTH, TP_QUARANTINE, quarantine_askew,
	  "a slot of the quarantine holds no block" },
	{ "quarantined and owned", 43, BOTH, TP_QUARANTINE, quarantine_owned,
	  "in the quarantine, but has an owner" },
	{ "quarantined and free", 43, BOTH, TP_QUARANTINE, quarantine_free,
	  "in the quarantine, but free in the tree" },
	{ "quarantined twice", 14, BOTH, TP_QUARANTINE, quarantine_twice,
	  "twice in per-CPU lists or the quarantine" },
	{ "quarantined pages", 43, BOTH, TP_QUARANTINE, quarantine_pages,
	  "pages in the quarantine" },
	{ "quarantined pages without a quarantine", 43, BOTH, 0, quarantine_none,
	  "pages in the quarantine" },
	{ "quarantine's lock", 29, BOTH, TP_QUARANTINE, quarantine_locked,
	  "the quarantine's lock is held" },
	{ "checksum of the map", 38, BOTH, 0, map_sum,
	  "a checksum of what never changes is wrong" },
	{ "checksum of the super block", 38, BOTH, 0, super_sum,
	  "a checksum of what never changes is wrong" },
	{ "checksum of tunables", 39, BOTH, 0, sizes_sum,
	  "the checksum of tunables and what follows is wrong" },
};

/* The whole metadata memory must be the same after the check. */
static int validate_untouched(struct tp *tp, struct pb_error *error)
{
	static unsigned char *copy;
	static size_t room;
	int code;

	if (tp->bytes > room) {
		copy = realloc(copy, tp->bytes);
		assert_non_null(copy);
		room = tp->bytes;
	}
	memcpy(copy, tp->memory, tp->bytes);
	code = pb_validate(&tp->pool, error);
	assert_memory_equal(copy, tp->memory, tp->bytes);
	return code;
}

/* "(zone 1: found 5, expected 4)": whose number it is comes first. */
static void check_place(const char *text)
{
	static const char *const of[] = { "CPU", "node", "order", "pageblock", "pool", "zone" };
	const char *at = strstr(text, ": found "), *open = strrchr(text, '(');
	bool known = false;

	if (!at)
		return;
	assert_non_null(open);
	assert_non_null(strstr(at, ", expected "));
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		known |= !strncmp(open + 1, of[i], strlen(of[i])) && open[1 + strlen(of[i])] == ' ';
	if (!known)
		fail_msg("of what are these numbers? %s", text);
}

static void check_fault(const struct fault *fault, enum pb_profile profile)
{
	struct pb_error error = { 0 };
	char start[96];
	struct tp tp;

	busy_pool(&tp, profile, fault->flags);
	fault->plant(&tp);
	snprintf(start, sizeof(start), "I%u: %s", fault->invariant, fault->says);
	if (validate_untouched(&tp, &error) != PB_ECORRUPT ||
	    strncmp(error.text, start, strlen(start)) != 0)
		fail_msg("%s, profile %d: expected \"%s\", got \"%s\"", fault->name, profile, start,
			 error.text);
	assert_int_equal(error.code, PB_ECORRUPT);
	assert_int_equal(error.region, UINT32_MAX);
	assert_null(strchr(error.text, '\n'));
	assert_true(strlen(error.text) + 1 < sizeof(error.text));
	check_place(error.text);
	assert_int_equal(pb_validate(&tp.pool, NULL), PB_ECORRUPT);
	tp_drop(&tp);
}

static void test_each_fault_is_named_by_number_and_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++)
			if (faults[i].profiles >> profile & 1)
				check_fault(&faults[i], (enum pb_profile)profile);
}

static void test_a_sound_pool_is_left_untouched(void **state)
{
	struct pb_error error = { .code = 77, .text = "as it was" };

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++)
		for (int no_pcp = 0; no_pcp < 2; no_pcp++) {
			struct tp tp;

			busy_pool(&tp, (enum pb_profile)profile, no_pcp ? PB_POOL_NO_PCP : 0);
			assert_int_equal(validate_untouched(&tp, &error), PB_OK);
			assert_int_equal(error.code, 77);
			assert_string_equal(error.text, "as it was");
			tp_drop(&tp);
		}
}

/* SHARED outlives the last further reference, and side counts outlive SHARED. */
static void test_references_that_came_and_went_are_no_fault(void **state)
{
	struct pb_page *page;
	struct tp tp;

	(void)state;
	busy_pool(&tp, PB_PROFILE_MODERN, PB_POOL_REFCOUNT);
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_get_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
	assert_int_equal(pb_page_count(&tp.pool, page), 1);
	tp_check(&tp, "count 1 again");
	assert_int_equal(pb_put_page(&tp.pool, page), PB_OK);
	tp_check(&tp, "freed");
	tp_drop(&tp);
}

/* A recorded state: its totals are what was said, its blocks must not overlap. */
static void test_a_loaded_state_is_held_to_less(void **state)
{
	const struct pb_state_zone marks = { .watermark = { 9, 8, 7, 6 },
					     .managed = 5000,
					     .nr_reserved_highatomic = 1024 };
	struct pb_error error;

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
		struct tp tp;

		tp_simple(&tp, 4096, (enum pb_profile)profile, PB_POOL_ALL_RESERVED);
		assert_int_equal(pb_state_add_free(&tp.pool, 1024, 9, PB_MIGRATE_MOVABLE), PB_OK);
		assert_int_equal(pb_state_adopt(&tp.pool, 8, 3, true), PB_OK);
		assert_int_equal(pb_state_set_zone(&tp.pool, 0, PB_ZONE_NORMAL, &marks), PB_OK);
		tp_check(&tp, "a loaded state");
		tp.pool.pages[1024].state = PB_PAGE_HEAD;
		assert_int_equal(pb_validate(&tp.pool, &error), PB_ECORRUPT);
		assert_memory_equal(error.text, "I11: ", 5);
		tp_drop(&tp);
	}
}

/* ---------------------------------------------------------- random rubbish */

/* A byte, or a word that looks like a frame: links, stacks and segments follow it. */
static void corrupt(struct tp *tp, struct tp_rng *rng, size_t from)
{
	unsigned char *bytes = tp->memory;
	size_t at = from + tp_random(rng) % (tp->bytes - from);

	if (tp_below(rng, 2)) {
		bytes[at] ^= (unsigned char)(1 + tp_below(rng, 255));
	} else {
		uint32_t word = tp_below(rng, (uint32_t)tp->pool.nr_frames);

		memcpy(&bytes[at & ~(size_t)3], &word, sizeof(word));
	}
}

static void corrupt_round(struct tp_rng *rng, enum pb_profile profile, uint32_t flags,
			  unsigned int faults_planted, unsigned int *found)
{
	struct pb_error error = { 0 };
	struct tp tp;
	int code;

	tp_simple(&tp, 4096, profile, flags);
	for (unsigned int i = 0; i < 80; i++) {
		struct pb_page *page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | (i % 3) << 3,
						      i % 4);

		if (i & 1)
			pb_free_pages(&tp.pool, page, i % 4);
	}
	/* The super block: one fault at a time, more could agree with each other. */
	if (!faults_planted)
		((unsigned char *)tp.memory)[tp_below(rng, sizeof(struct pb_super))] ^=
			(unsigned char)(1 + tp_below(rng, 255));
	for (unsigned int i = 0; i < faults_planted; i++)
		corrupt(&tp, rng, sizeof(struct pb_super));
	code = validate_untouched(&tp, &error);
	assert_true(code == PB_OK || code == PB_ECORRUPT);
	if (code) {
		assert_true(error.text[0] == 'I' && strchr(error.text, ':'));
		++*found;
	}
	tp_drop(&tp);
}

static void test_any_rubbish_comes_to_an_end(void **state)
{
	struct tp_rng rng = { tp_seed() };
	unsigned int rounds = (unsigned int)tp_env("PB_ROUNDS", 400);

	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++)
		for (int no_pcp = 0; no_pcp < 2; no_pcp++) {
			uint32_t flags = PB_POOL_REFCOUNT | (no_pcp ? PB_POOL_NO_PCP : 0);
			unsigned int found = 0;

			for (unsigned int i = 0; i < rounds; i++)
				corrupt_round(&rng, (enum pb_profile)profile, flags, i % 48,
					      &found);
			assert_true(found > rounds / 2); /* the rest hit padding, statistics */
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_fault_is_named_by_number_and_words),
		cmocka_unit_test(test_a_sound_pool_is_left_untouched),
		cmocka_unit_test(test_references_that_came_and_went_are_no_fault),
		cmocka_unit_test(test_a_loaded_state_is_held_to_less),
		cmocka_unit_test(test_any_rubbish_comes_to_an_end),
	};

	return pb_run_tests(tests);
}
