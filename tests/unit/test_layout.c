/* SPDX-License-Identifier: MIT */
/*
 * What the super block and the handle may hold: each size and each offset made wrong
 * in turn, with checksums that agree, as a faulty writer would leave them. Attaching
 * and validating name what is wrong, and neither writes.
 */
#include "base/pool.h" /* the handle's fields: before the public headers */

#include "support/cmocka.h"

#include "boot/layout.h"
#include "pcp/pcp.h"

#include <string.h>

/* The library's checksum of the fixed part: FNV-1a. */
static void seal(struct pb_super *s)
{
	const unsigned char *bytes = (const unsigned char *)s;
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < offsetof(struct pb_super, super_sum); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	s->super_sum = sum;
}

#define BAD(name, statement)                 \
	static void name(struct pb_super *s) \
	{                                    \
		statement;                   \
	}

BAD(order_too_large, s->max_order = PB_MAX_ORDER + 1)
BAD(pageblock_above_order, s->pageblock_order = s->max_order + 1)
BAD(pageblock_too_large, s->max_order = 17; s->pageblock_order = 17)
BAD(unknown_flag, s->flags |= 1u << 30)
BAD(page_too_small, s->page_shift = 11)
BAD(page_too_large, s->page_shift = 31)
BAD(no_profile, s->profile = 2)
BAD(no_kernel, s->kernel = s->profile ? PB_NR_LINUX : 1)
BAD(orders, s->orders++)
BAD(tree_words_of_span, s->span_words++)
BAD(no_spans, s->nr_spans = 0; s->nr_frames = 0)
BAD(frames, s->nr_frames += 64)
BAD(too_many_frames, s->nr_spans = (uint32_t)(((uint64_t)1 << 32) >> s->max_order);
    s->nr_frames = (uint64_t)1 << 32)
BAD(pageblocks, s->nr_pageblocks--)
BAD(no_cpus, s->nr_cpus = 0)
BAD(cpus, s->nr_cpus = PB_MAX_CPUS + 1)
BAD(no_nodes, s->nr_nodes = 0)
BAD(nodes, s->nr_nodes = PB_MAX_NODES + 1)
BAD(no_zones, s->nr_zones = 0)
BAD(zones, s->nr_zones = PB_MAX_NODES * PB_NR_ZONE_TYPES + 1)
BAD(few_stripes, s->nr_stripes = s->nr_zones - 1)
BAD(stripes, s->nr_stripes = MAX_STRIPES * s->nr_zones + 1)
BAD(few_segments, s->nr_segments = s->nr_zones - 1)
BAD(segments, s->nr_segments = s->nr_spans + 1)
BAD(pcp_orders, s->nr_pcp_orders++)
BAD(mobility, s->mobility = 2)
BAD(class_shift, s->class_shift++)
BAD(pageblock_stride, s->pageblock_stride += 8)
BAD(stride_unaligned, s->percpu_stride++)
BAD(stride_small, s->percpu_stride = 64)
BAD(scale, s->pcp_scale = 10)
BAD(cold_unaligned, s->pcp_cold += 4)
BAD(cold_early, s->pcp_cold = 64)
BAD(cold_unreachable, s->pcp_cold = (PCP_SLOTS + 16) * 4; s->percpu_stride = 1 << 30)
BAD(cold_outside, s->pcp_cold = s->percpu_stride)
BAD(depot_small, s->depot_lines = 1)
BAD(depot_missing, s->depot_lines = 0)
BAD(cold_without_stacks, s->pcp_cold = 64)
BAD(lists_without_lists, s->percpu_stride = 64)

#define MODERN 1u
#define LINUX 2u
#define BOTH 3u
#define ALL_FLAGS (PB_POOL_REFCOUNT | PB_POOL_OWNERS)

struct fault {
	const char *name;
	unsigned int profiles;
	uint32_t flags;
	void (*plant)(struct pb_super *s);
};

static const struct fault sizes[] = {
	{ "max_order", BOTH, 0, order_too_large },
	{ "pageblock_order above max_order", BOTH, 0, pageblock_above_order },
	{ "pageblock_order above 16", BOTH, 0, pageblock_too_large },
	{ "flags", BOTH, 0, unknown_flag },
	{ "page_shift 11", BOTH, 0, page_too_small },
	{ "page_shift 31", BOTH, 0, page_too_large },
	{ "profile", BOTH, 0, no_profile },
	{ "kernel", BOTH, 0, no_kernel },
	{ "orders", BOTH, 0, orders },
	{ "span_words", BOTH, 0, tree_words_of_span },
	{ "nr_spans", BOTH, 0, no_spans },
	{ "nr_frames", BOTH, 0, frames },
	{ "2^32 frames", BOTH, 0, too_many_frames },
	{ "nr_pageblocks", BOTH, 0, pageblocks },
	{ "no CPUs", BOTH, 0, no_cpus },
	{ "nr_cpus", BOTH, 0, cpus },
	{ "no nodes", BOTH, 0, no_nodes },
	{ "nr_nodes", BOTH, 0, nodes },
	{ "no zones", BOTH, 0, no_zones },
	{ "nr_zones", BOTH, 0, zones },
	{ "fewer stripes than zones", BOTH, 0, few_stripes },
	{ "nr_stripes", BOTH, 0, stripes },
	{ "fewer segments than zones", BOTH, 0, few_segments },
	{ "nr_segments", BOTH, 0, segments },
	{ "nr_pcp_orders", BOTH, 0, pcp_orders },
	{ "mobility", BOTH, 0, mobility },
	{ "class_shift", BOTH, 0, class_shift },
	{ "pageblock_stride", BOTH, 0, pageblock_stride },
	{ "percpu_stride unaligned", BOTH, 0, stride_unaligned },
	{ "percpu_stride", BOTH, 0, stride_small },
	{ "pcp_scale", BOTH, 0, scale },
	{ "pcp_cold unaligned", MODERN, 0, cold_unaligned },
	{ "pcp_cold", MODERN, 0, cold_early },
	{ "pcp_cold beyond the slots", MODERN, 0, cold_unreachable },
	{ "pcp_cold beyond the area", MODERN, 0, cold_outside },
	{ "pcp_cold, linux", LINUX, 0, cold_without_stacks },
	{ "pcp_cold without lists", BOTH, PB_POOL_NO_PCP, cold_without_stacks },
	{ "depot_lines", BOTH, 0, depot_small },
	{ "depot_lines without lists", BOTH, PB_POOL_NO_PCP, depot_small },
	{ "depot_lines, none", MODERN, 0, depot_missing },
	{ "percpu_stride without lists", BOTH, PB_POOL_NO_PCP, lists_without_lists },
};

#define MOVED(name) BAD(name##_moved, s->name += 64)

MOVED(nodes)
MOVED(zonelists)
MOVED(cpu_nodes)
MOVED(segments)
MOVED(zones)
MOVED(stripes)
MOVED(areas)
MOVED(bitmaps)
MOVED(classes)
MOVED(pageblocks)
MOVED(trees)
MOVED(pages)
MOVED(refs)
MOVED(owners)
MOVED(links)
MOVED(pcp_types)
MOVED(bytes)
BAD(percpu_early, s->percpu = s->bitmaps - 64)
BAD(percpu_unaligned, s->percpu++)
BAD(percpu_outside, s->percpu = s->bytes + 64)

static const struct fault offsets[] = {
	{ "nodes", BOTH, 0, nodes_moved },
	{ "zonelists", BOTH, 0, zonelists_moved },
	{ "cpu_nodes", BOTH, 0, cpu_nodes_moved },
	{ "segments", BOTH, 0, segments_moved },
	{ "zones", BOTH, 0, zones_moved },
	{ "stripes", BOTH, 0, stripes_moved },
	{ "areas", BOTH, 0, areas_moved },
	{ "bitmaps", BOTH, 0, bitmaps_moved },
	{ "percpu before the bitmaps", BOTH, 0, percpu_early },
	{ "percpu unaligned", BOTH, 0, percpu_unaligned },
	{ "percpu outside", BOTH, 0, percpu_outside },
	{ "classes", BOTH, 0, classes_moved },
	{ "pageblocks", BOTH, 0, pageblocks_moved },
	{ "trees", BOTH, 0, trees_moved },
	{ "pages", BOTH, 0, pages_moved },
	{ "refs", BOTH, ALL_FLAGS, refs_moved },
	{ "owners", BOTH, ALL_FLAGS, owners_moved },
	{ "links", LINUX, 0, links_moved },
	{ "pcp_types", LINUX, 0, pcp_types_moved },
	{ "bytes", BOTH, 0, bytes_moved },
};

static void make(struct tp *tp, int profile, uint32_t flags)
{
	tp_start(tp);
	tp->config.profile = (uint8_t)profile;
	tp->config.flags |= flags;
	tp->config.max_order = 6;
	tp->config.pageblock_order = 4;
	tp->config.nr_cpus = 2;
	tp_region(tp, 0, 200, 0, PB_ZONE_DMA);
	tp_region(tp, 1024, 4096, 0, PB_ZONE_NORMAL);
	tp_build(tp);
}

static void refused(struct tp *tp, const struct fault *fault, const char *attach,
		    const char *validate)
{
	struct pb_error error = { 0 };
	struct pb_pool other;
	void *copy = test_malloc(tp->bytes);

	fault->plant(tp->pool.super);
	seal(tp->pool.super);
	memcpy(copy, tp->memory, tp->bytes);
	if (pb_pool_attach(&other, tp->memory, tp->bytes, false, NULL, &error) != PB_EFORMAT ||
	    strcmp(error.text, attach) != 0)
		fail_msg("%s: attach: expected \"%s\", got \"%s\"", fault->name, attach,
			 error.text);
	assert_int_equal(error.code, PB_EFORMAT);
	if (pb_validate(&tp->pool, &error) != PB_ECORRUPT || strcmp(error.text, validate) != 0)
		fail_msg("%s: validate: expected \"%s\", got \"%s\"", fault->name, validate,
			 error.text);
	assert_memory_equal(copy, tp->memory, tp->bytes);
	test_free(copy);
}

static void each_refused(const struct fault *faults, size_t n, const char *attach,
			 const char *validate)
{
	for (size_t i = 0; i < n; i++)
		for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++) {
			struct tp tp;

			if (!(faults[i].profiles >> profile & 1))
				continue;
			make(&tp, profile, faults[i].flags);
			refused(&tp, &faults[i], attach, validate);
			tp_drop(&tp);
		}
}

static void test_each_impossible_size_is_refused(void **state)
{
	(void)state;
	each_refused(sizes, sizeof(sizes) / sizeof(sizes[0]),
		     "the super block is damaged: a size is impossible",
		     "I1: a size in the super block is impossible");
}

static void test_each_misplaced_array_is_refused(void **state)
{
	(void)state;
	each_refused(offsets, sizeof(offsets) / sizeof(offsets[0]),
		     "the super block is damaged: an array is not where the sizes put it",
		     "I1: an array is not where the sizes put it");
}

/* ------------------------------------------------------- what attach looks at first */

static void says(struct tp *tp, size_t bytes, const char *text)
{
	struct pb_error error = { 0 };
	struct pb_pool other;

	assert_int_equal(pb_pool_attach(&other, tp->memory, bytes, false, NULL, &error),
			 PB_EFORMAT);
	assert_string_equal(error.text, text);
}

static void test_attach_tells_whose_pool_it_is_not(void **state)
{
	struct pb_super *s;
	struct tp tp;

	(void)state;
	make(&tp, PB_PROFILE_MODERN, 0);
	s = tp.pool.super;
	says(&tp, tp.bytes - 64, "metadata memory is cut off: the pool is larger");
	s->magic = __builtin_bswap64(s->magic);
	says(&tp, tp.bytes, "the pool was made by a machine of the other byte order");
	s->magic = 7;
	says(&tp, tp.bytes, "metadata memory does not hold a pool");
	s->magic = POOL_MAGIC;
	s->layout++;
	says(&tp, tp.bytes, "the pool was made by another version of the library");
	s->layout--;
	s->long_bytes ^= 12;
	says(&tp, tp.bytes, "the pool was made by a program of another word size");
	s->long_bytes ^= 12;
	for (unsigned int i = 0; i < 4; i++) {
		(&s->super_bytes)[i] += 64;
		says(&tp, tp.bytes, "the pool was made by a library whose structures differ");
		(&s->super_bytes)[i] -= 64;
	}
	s->linear_pfn++;
	says(&tp, tp.bytes, "the super block is damaged: its checksum is wrong");
	s->linear_pfn--;
	pool_segment(&tp.pool, 1)->end_pfn--;
	says(&tp, tp.bytes, "the memory map is damaged: its checksum is wrong");
	pool_segment(&tp.pool, 1)->end_pfn++;
	tp_check(&tp, "as it was");
	tp_drop(&tp);
}

static void unfit(void *memory, size_t bytes)
{
	struct pb_error error = { 0 };
	struct pb_pool other;

	assert_int_equal(pb_pool_attach(&other, memory, bytes, false, NULL, &error), PB_EINVAL);
	assert_string_equal(error.text,
			    "metadata memory must be aligned to 64 bytes and hold a pool");
}

static void test_attach_wants_memory_that_can_hold_a_pool(void **state)
{
	struct tp tp;

	(void)state;
	make(&tp, PB_PROFILE_MODERN, 0);
	unfit(NULL, tp.bytes);
	unfit((char *)tp.memory + 8, tp.bytes - 64);
	unfit(tp.memory, sizeof(struct pb_super) - 1);
	tp_drop(&tp);
}

/* ------------------------------------------------------------------- the handle */

#define FIELD(name)                                                                        \
	{                                                                                  \
#name, offsetof(struct pb_pool, name), sizeof(((struct pb_pool *)0)->name) \
	}

static const struct handle_field {
	const char *name;
	size_t at, bytes;
} handle_fields[] = {
	FIELD(pages),         FIELD(nr_frames),   FIELD(pcp_class),       FIELD(pcp_lists),
	FIELD(percpu_stride), FIELD(percpu_cpus), FIELD(pageblock_order), FIELD(max_order),
	FIELD(profile),       FIELD(kernel),      FIELD(span_words),      FIELD(pageblock_stride),
	FIELD(nr_pcp_orders), FIELD(depot_order), FIELD(trees),           FIELD(pageblocks),
	FIELD(links),         FIELD(pcp_types),   FIELD(marks),
};

static void test_each_field_of_the_handle_is_held_against_the_super_block(void **state)
{
	(void)state;
	for (int profile = PB_PROFILE_MODERN; profile <= PB_PROFILE_LINUX; profile++)
		for (size_t i = 0; i < sizeof(handle_fields) / sizeof(handle_fields[0]); i++) {
			const struct handle_field *field = &handle_fields[i];
			struct pb_error error = { 0 };
			struct tp tp;

			make(&tp, profile, 0);
			((unsigned char *)&tp.pool)[field->at] ^= 64;
			if (pb_validate(&tp.pool, &error) != PB_ECORRUPT ||
			    strcmp(error.text, "I1: the handle differs from the super block") != 0)
				fail_msg("%s: got \"%s\"", field->name, error.text);
			((unsigned char *)&tp.pool)[field->at] ^= 64;
			tp_check(&tp, "as it was");
			tp_drop(&tp);
		}
}

static void test_a_handle_without_a_pool_is_refused(void **state)
{
	struct pb_pool pool = { 0 };
	struct pb_error error;

	(void)state;
	assert_int_equal(pb_validate(&pool, &error), PB_ECORRUPT);
	assert_string_equal(error.text, "I1: the handle has no pool");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_impossible_size_is_refused),
		cmocka_unit_test(test_each_misplaced_array_is_refused),
		cmocka_unit_test(test_attach_tells_whose_pool_it_is_not),
		cmocka_unit_test(test_attach_wants_memory_that_can_hold_a_pool),
		cmocka_unit_test(test_each_field_of_the_handle_is_held_against_the_super_block),
		cmocka_unit_test(test_a_handle_without_a_pool_is_refused),
	};

	return pb_run_tests(tests);
}
