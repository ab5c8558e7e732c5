/* SPDX-License-Identifier: MIT */
/*
 * pb_validate() on metadata that were made wrong by hand: each invariant is
 * named by its number, nothing is written, and any rubbish comes to an end.
 */
#include "support/cmocka.h"

#include "pcp/pcp.h"
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
	assert_int_equal(pb_claim(&tp->pool, NORMAL_END - 64, 0, PB_GFP_KERNEL), PB_OK);
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
	       (tp->pool.pages[frame].word & ~PB_PAGE_MOVABLE) != (PB_PAGE_HEAD | order))
		frame++;
	assert_true(frame < tp->pool.nr_frames);
	return frame;
}

static uint32_t absent_frame(const struct tp *tp) /* between the zones */
{
	assert_int_equal(tp->pool.pages[201].word, PAGE_ABSENT);
	return 201;
}

static struct stripe *stripe_of(const struct tp *tp, uint32_t frame)
{
	return frame_stripe(&tp->pool, normal(tp), frame);
}

static void set_bit(const struct tp *tp, uint32_t frame, unsigned int order)
{
	tree_set(span_tree(&tp->pool, frame), frame_node(&tp->pool, frame, order));
}

static void clear_bit(const struct tp *tp, uint32_t frame, unsigned int order)
{
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

static struct pageblock *filed_pageblock(const struct tp *tp)
{
	return frame_pageblock(&tp->pool, free_frame(tp, 0));
}

/* A pageblock with nothing free in it. */
static struct pageblock *full_pageblock(const struct tp *tp)
{
	return frame_pageblock(&tp->pool, owned_frame(tp, 4));
}

/* --------------------------------------------------------- one fault per case */

static void bad_magic(struct tp *tp) { tp->pool.super->magic ^= 1; }
static void bad_size(struct tp *tp) { tp->pool.super->nr_frames += 64; }
static void bad_count(struct tp *tp) { tp->pool.super->nr_banks++; }
static void bad_offset(struct tp *tp) { tp->pool.super->trees += 64; }
static void bad_bytes(struct tp *tp) { tp->pool.super->bytes -= 64; }
static void bad_handle(struct tp *tp) { tp->pool.nr_frames++; }

static void bank_end(struct tp *tp) { pool_bank(&tp->pool, 0)->end_pfn++; }
static void bank_start(struct tp *tp) { pool_bank(&tp->pool, 1)->pfn += 64; }
static void bank_frame(struct tp *tp) { pool_bank(&tp->pool, 1)->frame += 64; }
static void bank_tail(struct tp *tp) { tp->pool.pages[absent_frame(tp)].word = 0; }

static void bank_shared(struct tp *tp) /* both zones claim the same pfns */
{
	struct bank *bank = pool_bank(&tp->pool, 0);

	bank->end_pfn += 64 * 40 - bank->pfn;
	bank->pfn = 64 * 40;
}

static void zone_start(struct tp *tp) { normal(tp)->start_pfn++; }
static void zone_span(struct tp *tp) { normal(tp)->first_span++; }
static void zone_type(struct tp *tp) { normal(tp)->type = PB_ZONE_DMA; }
static void zone_words(struct tp *tp) { normal(tp)->stat_threshold = 0, normal(tp)->levels++; }
static void zone_group(struct tp *tp) { normal(tp)->group_shift++; }
static void stripe_areas(struct tp *tp) { zone_stripe(&tp->pool, normal(tp), 0)->areas++; }
static void stripe_bitmap(struct tp *tp) { zone_stripe(&tp->pool, normal(tp), 0)->bitmaps += 8; }
static void node_zone(struct tp *tp) { pool_node(&tp->pool, 0)->zones[PB_ZONE_MOVABLE] = 1; }

static void present_pages(struct tp *tp) { normal(tp)->present++; }
static void managed_pages(struct tp *tp) { normal(tp)->managed--; }
static void lost_reservation(struct tp *tp) { tp->pool.pages[55].word = 0; }

static void free_twice(struct tp *tp) { set_bit(tp, free_frame(tp, 3), 2); }

static void not_merged(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 2);

	clear_bit(tp, frame, 2);
	set_bit(tp, frame, 1);
	set_bit(tp, frame + 2, 1);
}

static void hole_free(struct tp *tp) { set_bit(tp, absent_frame(tp), 0); }

static void reserved_free(struct tp *tp)
{
	tp->pool.pages[free_frame(tp, 1)].word = PAGE_RESERVED;
	normal(tp)->managed--;
}

static void bit_zero(struct tp *tp) { span_tree(&tp->pool, 4096)[0] |= 1; }

static void odd_byte(struct tp *tp) { tp->pool.pages[free_frame(tp, 0)].word = 0x33; }
static void odd_order(struct tp *tp) { tp->pool.pages[owned_frame(tp, 4)].word |= PB_PAGE_ORDER; }
static void odd_place(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 4) + 1].word = PB_PAGE_HEAD | 1;
}
static void owned_hole(struct tp *tp) { tp->pool.pages[192].word = PB_PAGE_HEAD | 4; }

static void owned_twice(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 4) + 8].word = PB_PAGE_HEAD;
}

static void owned_and_free(struct tp *tp)
{
	tp->pool.pages[free_frame(tp, 2) + 1].word = PB_PAGE_HEAD;
}

static void free_inside_owned(struct tp *tp) /* no byte of the free block is set */
{
	set_bit(tp, owned_frame(tp, 4) + 4, 2);
}

static void shared_uncounted(struct tp *tp)
{
	tp->pool.pages[owned_frame(tp, 0)].word |= PB_PAGE_SHARED;
}

static void count_overflow(struct tp *tp)
{
	uint32_t frame = owned_frame(tp, 0);

	tp->pool.pages[frame].word |= PB_PAGE_SHARED;
	((uint32_t *)pool_at(&tp->pool, tp->pool.super->refs))[frame] = 0x80000000u;
}

static void listed_and_owned(struct tp *tp)
{
	tp->pool.pages[listed_frame(tp)].word = PB_PAGE_HEAD;
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

static void list_count(struct tp *tp) { pcp_linux_of(&tp->pool, 1, normal(tp))->count++; }
static void stack_count(struct tp *tp) { full_stack(tp, 0, 1)->head |= 0xffff; }
static void stack_limit(struct tp *tp) { full_stack(tp, 0, 1)->max = 0xffff; }
static void no_stack(struct tp *tp) { pcp_list(pcp_area(&tp->pool, 1), NO_CLASS, 2)->limit++; }
static void stack_place(struct tp *tp) { full_stack(tp, 0, 1)->base++; }

static void free_count(struct tp *tp)
{
	stripe_area(&tp->pool, stripe_of(tp, free_frame(tp, 1)), 1)->nr_free++;
}

static void bits_only(struct tp *tp) { clear_bit(tp, free_frame(tp, 4), 4); }

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

static void filed_elsewhere(struct tp *tp) { filed_pageblock(tp)->filed++; }

static void filed_twice(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);

	tight_set(&tp->pool, normal(tp), stripe_of(tp, frame), 6, PB_MIGRATE_CMA,
		  tight_local(&tp->pool, normal(tp), frame >> 3));
}

static void not_filed(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);
	struct pageblock *pb = frame_pageblock(&tp->pool, frame);

	tight_clear(&tp->pool, normal(tp), stripe_of(tp, frame), 6, pb->type,
		    tight_local(&tp->pool, normal(tp), frame >> 3));
}

static void filed_type(struct tp *tp) { filed_pageblock(tp)->type = PB_MIGRATE_CMA; }

static void covered_type(struct tp *tp)
{
	frame_pageblock(&tp->pool, free_frame(tp, 6) + 8)->type = PB_MIGRATE_CMA;
}

static void listed_type(struct tp *tp) { tp->pool.pcp_types[free_frame(tp, 2)] ^= 1; }

static void order_mask(struct tp *tp) { filed_pageblock(tp)->mask ^= 4; }
static void order_count(struct tp *tp) { filed_pageblock(tp)->nr_free[0]++; }

static void root_word(struct tp *tp)
{
	uint32_t frame = free_frame(tp, 6);

	stripe_area(&tp->pool, stripe_of(tp, frame), 6)
		->free_list[frame_migratetype(&tp->pool, frame)].root ^= 1;
}

static void upper_level(struct tp *tp)
{
	struct stripe *stripe = zone_stripe(&tp->pool, normal(tp), 1);

	assert_int_equal(normal(tp)->levels, 2);
	tight_bitmap(&tp->pool, normal(tp), stripe, 6, PB_MIGRATE_CMA)
		[normal(tp)->level_words[0]] = 1;
}

static void empty_mask(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->nonempty[PB_MIGRATE_MOVABLE] ^= 1u << 6;
}

static void class_of_frees(struct tp *tp) { tp->pool.pcp_class[100] ^= 16; }

static void no_type(struct tp *tp) { full_pageblock(tp)->type = PB_MIGRATE_TYPES; }

static void free_pages(struct tp *tp) { zone_stripe(&tp->pool, normal(tp), 0)->nr_free_pages++; }
static void cma_pages(struct tp *tp) { zone_stripe(&tp->pool, normal(tp), 0)->nr_free_cma--; }
static void isolated_pages(struct tp *tp)
{
	zone_stripe(&tp->pool, normal(tp), 0)->nr_isolated = 8;
}

static void lost_block(struct tp *tp) { tp->pool.pages[owned_frame(tp, 4)].word = 0; }
static void reserve_pages(struct tp *tp) { normal(tp)->nr_reserved_highatomic++; }
static void isolate_count(struct tp *tp) { normal(tp)->nr_isolate_pageblock--; }
static void watermarks(struct tp *tp) { normal(tp)->_watermark[PB_WMARK_LOW] += 100000; }

static void zonelist_node(struct tp *tp) { pool_node(&tp->pool, 0)->order[0] = 63; }
static void zonelist_first(struct tp *tp)
{
	pool_node(&tp->pool, 0)->preferred[PB_ZONE_NORMAL] = 0;
}
static void fast_lists(struct tp *tp) { pcp_area(&tp->pool, 1)->fast[PB_GFP_MOVABLE] ^= 1; }
static void free_counter(struct tp *tp) { normal(tp)->vm_free++; }

static void free_reference(struct tp *tp)
{
	((u32 *)pool_at(&tp->pool, tp->pool.super->refs))[free_frame(tp, 0)] = 1;
}
static void held_zone(struct tp *tp) { normal(tp)->lock = 1; }
static void held_stripe(struct tp *tp) { zone_stripe(&tp->pool, normal(tp), 0)->lock = 2; }
static void held_lists(struct tp *tp) { pcp_area(&tp->pool, 1)->lock = 1; }
static void held_sizes(struct tp *tp) { tp->pool.super->sizes_lock = 1; }
static void inside(struct tp *tp) { tp->pool.super->users_lock = 77; }
static void stack_room(struct tp *tp) { full_stack(tp, 1, 1)->max--; }
static void noted_elsewhere(struct tp *tp)
{
	const struct free_list *lists = pcp_linux_of(&tp->pool, 0, normal(tp))->lists;
	u8 *type = &tp->pool.pcp_types[linked_head(lists, full_list(tp, 0))];

	*type = *type == PB_MIGRATE_UNMOVABLE ? PB_MIGRATE_RECLAIMABLE : PB_MIGRATE_UNMOVABLE;
}
static void tunable(struct tp *tp) { tp->pool.super->tunables.pcp_high_fraction = 9; }
static void reserve_ratio(struct tp *tp) { normal(tp)->lowmem_reserve[PB_ZONE_HIGHMEM]++; }
static void total_reserve(struct tp *tp) { tp->pool.super->totalreserve ^= 1; }
static void zone_flag(struct tp *tp) { normal(tp)->flags |= ZONE_FLAGS + 1; }
static void boost(struct tp *tp) { normal(tp)->watermark_boost = 1 << 20; }
static void list_high(struct tp *tp) { pcp_linux_of(&tp->pool, 1, normal(tp))->high++; }
static void list_factor(struct tp *tp)
{
	pcp_linux_of(&tp->pool, 1, normal(tp))->free_factor = FREE_FACTOR_MAX + 1;
}

#define MODERN 1u
#define LINUX 2u
#define BOTH 3u

static const struct fault {
	const char *name;
	unsigned int invariant, profiles;
	uint32_t flags;
	void (*plant)(struct tp *tp);
} faults[] = {
	{ "magic", 1, BOTH, 0, bad_magic },
	{ "size", 1, BOTH, 0, bad_size },
	{ "count", 1, BOTH, 0, bad_count },
	{ "offset", 1, BOTH, 0, bad_offset },
	{ "bytes", 1, BOTH, 0, bad_bytes },
	{ "handle", 1, BOTH, 0, bad_handle },
	{ "bank's end", 2, BOTH, 0, bank_end },
	{ "bank's pfn", 2, BOTH, 0, bank_start },
	{ "bank's frame", 2, BOTH, 0, bank_frame },
	{ "frame behind a bank", 2, BOTH, 0, bank_tail },
	{ "frame of two banks", 2, BOTH, 0, bank_shared },
	{ "zone's start", 3, BOTH, 0, zone_start },
	{ "zone's span", 3, BOTH, 0, zone_span },
	{ "zone's type", 3, BOTH, 0, zone_type },
	{ "zone's levels", 3, MODERN, 0, zone_words },
	{ "zone's groups", 3, BOTH, 0, zone_group },
	{ "stripe's areas", 3, BOTH, 0, stripe_areas },
	{ "stripe's bitmaps", 3, BOTH, 0, stripe_bitmap },
	{ "node's zone", 3, BOTH, 0, node_zone },
	{ "present", 4, BOTH, 0, present_pages },
	{ "managed", 4, BOTH, 0, managed_pages },
	{ "lost reservation", 4, BOTH, 0, lost_reservation },
	{ "free twice", 5, BOTH, 0, free_twice },
	{ "not merged", 6, BOTH, 0, not_merged },
	{ "hole free", 7, BOTH, 0, hole_free },
	{ "reserved free", 7, BOTH, 0, reserved_free },
	{ "bit 0", 8, BOTH, 0, bit_zero },
	{ "byte", 9, BOTH, 0, odd_byte },
	{ "head's order", 9, BOTH, 0, odd_order },
	{ "head's place", 9, BOTH, 0, odd_place },
	{ "owned hole", 9, BOTH, 0, owned_hole },
	{ "owned twice", 10, BOTH, 0, owned_twice },
	{ "owned and free", 11, BOTH, 0, owned_and_free },
	{ "free inside owned", 11, BOTH, 0, free_inside_owned },
	{ "shared without counts", 12, BOTH, 0, shared_uncounted },
	{ "reference count", 12, BOTH, PB_POOL_REFCOUNT, count_overflow },
	{ "reference to a free frame", 12, BOTH, PB_POOL_REFCOUNT, free_reference },
	{ "listed and owned", 13, BOTH, 0, listed_and_owned },
	{ "listed outside", 13, MODERN, 0, listed_outside },
	{ "listed and free", 13, MODERN, 0, listed_and_free },
	{ "link of a per-CPU list", 13, LINUX, 0, listed_link },
	{ "cycle in a per-CPU list", 13, LINUX, 0, listed_cycle },
	{ "type noted of a listed block", 13, LINUX, 0, noted_elsewhere },
	{ "listed twice", 14, MODERN, 0, listed_twice_stack },
	{ "listed by two CPUs", 14, LINUX, 0, listed_twice_link },
	{ "count of a list", 15, LINUX, 0, list_count },
	{ "count of a stack", 15, MODERN, 0, stack_count },
	{ "limit of a stack", 15, MODERN, 0, stack_limit },
	{ "maximum of a stack", 15, MODERN, 0, stack_room },
	{ "place of a stack", 15, MODERN, 0, stack_place },
	{ "stack of no class", 15, MODERN, 0, no_stack },
	{ "nr_free", 17, BOTH, 0, free_count },
	{ "block lost from a tree", 17, BOTH, 0, bits_only },
	{ "link", 18, LINUX, 0, free_link },
	{ "list lost", 18, LINUX, 0, free_list_lost },
	{ "list of another order", 18, LINUX, 0, free_list_order },
	{ "filed elsewhere", 19, MODERN, 0, filed_elsewhere },
	{ "filed twice", 19, MODERN, 0, filed_twice },
	{ "not filed", 19, MODERN, 0, not_filed },
	{ "type of the list", 20, MODERN, 0, filed_type },
	{ "type of a pageblock covered", 20, MODERN, 0, covered_type },
	{ "type noted", 20, LINUX, 0, listed_type },
	{ "mask of orders", 21, MODERN, 0, order_mask },
	{ "count of an order", 21, MODERN, 0, order_count },
	{ "root word", 21, MODERN, 0, root_word },
	{ "upper level", 21, MODERN, 0, upper_level },
	{ "mask of lists", 21, MODERN, 0, empty_mask },
	{ "class of frees", 21, BOTH, 0, class_of_frees },
	{ "type", 22, BOTH, 0, no_type },
	{ "free pages", 23, BOTH, 0, free_pages },
	{ "CMA pages", 23, BOTH, 0, cma_pages },
	{ "isolated pages", 23, BOTH, 0, isolated_pages },
	{ "lost block", 24, BOTH, 0, lost_block },
	{ "reserve", 25, BOTH, 0, reserve_pages },
	{ "isolated pageblocks", 26, BOTH, 0, isolate_count },
	{ "watermarks", 27, BOTH, 0, watermarks },
	{ "zone's lock", 29, BOTH, 0, held_zone },
	{ "stripe's lock", 29, BOTH, 0, held_stripe },
	{ "lists' lock", 29, BOTH, 0, held_lists },
	{ "tunables' lock", 29, BOTH, 0, held_sizes },
	{ "somebody inside", 29, BOTH, 0, inside },
	{ "zonelist", 36, BOTH, 0, zonelist_node },
	{ "first zone", 36, BOTH, 0, zonelist_first },
	{ "fast path", 36, BOTH, 0, fast_lists },
	{ "free page counter", 37, LINUX, 0, free_counter },
	{ "tunable", 39, BOTH, 0, tunable },
	{ "lowmem_reserve", 39, BOTH, 0, reserve_ratio },
	{ "totalreserve", 39, BOTH, 0, total_reserve },
	{ "zone's flag", 40, BOTH, 0, zone_flag },
	{ "boost", 40, BOTH, 0, boost },
	{ "other profile's counter", 40, MODERN, 0, free_counter },
	{ "list's high", 41, LINUX, 0, list_high },
	{ "list's free_factor", 41, LINUX, 0, list_factor },
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

static void check_fault(const struct fault *fault, enum pb_profile profile)
{
	struct pb_error error = { 0 };
	char prefix[8];
	struct tp tp;

	busy_pool(&tp, profile, fault->flags);
	fault->plant(&tp);
	snprintf(prefix, sizeof(prefix), "I%u: ", fault->invariant);
	if (validate_untouched(&tp, &error) != PB_ECORRUPT ||
	    strncmp(error.text, prefix, strlen(prefix)) != 0)
		fail_msg("%s, profile %d: expected %s..., got \"%s\"", fault->name, profile, prefix,
			 error.text);
	assert_int_equal(error.code, PB_ECORRUPT);
	assert_int_equal(error.region, UINT32_MAX);
	assert_null(strchr(error.text, '\n'));
	assert_true(strlen(error.text) + 1 < sizeof(error.text));
	if (getenv("PB_VERBOSE"))
		printf("%-28s %s\n", fault->name, error.text);
	assert_int_equal(pb_validate(&tp.pool, NULL), PB_ECORRUPT);
	tp_drop(&tp);
}

static void test_each_invariant_is_named_by_its_number(void **state)
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
	const struct pb_state_zone marks = { .watermark = { 9, 8, 7, 6 }, .managed = 5000,
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
		tp.pool.pages[1024].word = PB_PAGE_HEAD;
		assert_int_equal(pb_validate(&tp.pool, &error), PB_ECORRUPT);
		assert_memory_equal(error.text, "I11: ", 5);
		tp_drop(&tp);
	}
}

/* ---------------------------------------------------------- random rubbish */

/* A byte, or a word that looks like a frame: links, stacks and banks follow it. */
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
		struct pb_page *page =
			pb_alloc_pages(&tp.pool, PB_GFP_KERNEL | (i % 3) << 3, i % 4);

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
		cmocka_unit_test(test_each_invariant_is_named_by_its_number),
		cmocka_unit_test(test_a_sound_pool_is_left_untouched),
		cmocka_unit_test(test_references_that_came_and_went_are_no_fault),
		cmocka_unit_test(test_a_loaded_state_is_held_to_less),
		cmocka_unit_test(test_any_rubbish_comes_to_an_end),
	};

	return pb_run_tests(tests);
}
