/* SPDX-License-Identifier: MIT */
/* Node order, zonelists, nodemasks and the NUMA counters (spec 5). */
#include "support/cmocka.h"
#include "support/variants.h"
#include "test_port.h"

#include <string.h>

static void assert_order(struct tp *tp, int node, unsigned int n, const uint8_t *want)
{
	uint8_t nodes[PB_MAX_NODES];

	assert_int_equal(pb_zonelist_nodes(&tp->pool, node, nodes), n);
	assert_memory_equal(nodes, want, n);
}

static void start_nodes(struct tp *tp, unsigned int nodes)
{
	tp_start(tp);
	tp->config.nr_cpus = nodes;
	for (unsigned int i = 0; i < nodes; i++) {
		tp->cpu_node[i] = (uint8_t)i;
		tp_region(tp, i * 8192, i * 8192 + 4096, (int)i, PB_ZONE_NORMAL);
	}
	tp->config.cpu_node = tp->cpu_node;
}

/* Example 9: four nodes, all distances 20. */
static void test_example_09_equal_distances_go_round(void **state)
{
	struct tp tp;
	static const uint8_t want[4][4] = { { 0, 1, 2, 3 },
					    { 1, 2, 3, 0 },
					    { 2, 3, 0, 1 },
					    { 3, 0, 1, 2 } };

	(void)state;
	start_nodes(&tp, 4);
	tp_build(&tp);
	for (int node = 0; node < 4; node++)
		assert_order(&tp, node, 4, want[node]);
	assert_true(pb_zonelist_nodes(&tp.pool, 4, (uint8_t[PB_MAX_NODES]){ 0 }) <= 0);
	assert_true(pb_zonelist_nodes(&tp.pool, -2, (uint8_t[PB_MAX_NODES]){ 0 }) <= 0);
	tp_drop(&tp);
}

/* Example 10: three nodes in a line. */
static void test_example_10_nodes_in_a_line(void **state)
{
	struct tp tp;
	static const uint8_t distance[9] = { 10, 21, 31, 21, 10, 21, 31, 21, 10 };
	static const uint8_t want[3][3] = { { 0, 1, 2 }, { 1, 2, 0 }, { 2, 1, 0 } };

	(void)state;
	start_nodes(&tp, 3);
	tp.config.distance = distance;
	tp_build(&tp);
	for (int node = 0; node < 3; node++)
		assert_order(&tp, node, 3, want[node]);
	tp_drop(&tp);
}

/* Empty the whole pool from one node; note each change of zone. */
static size_t zones_in_order(struct tp *tp, int node, uint64_t *seen, size_t max)
{
	size_t n = 0;
	struct pb_page *page;

	while ((page = pb_alloc_pages_node(&tp->pool, node, PB_GFP_KERNEL | PB_GFP_NOWARN, 9))) {
		uint64_t here = (uint64_t)pb_page_node(&tp->pool, page) * 10 +
				(uint64_t)pb_page_zone(&tp->pool, page);

		if (!n || seen[n - 1] != here) {
			assert_true(n < max);
			seen[n++] = here;
		}
	}
	return n;
}

/* Example 11: node 0 has DMA, DMA32 and Normal, node 1 Normal only. */
static void test_example_11_zonelist_is_node_major(void **state)
{
	static const uint64_t from_0[] = { 2, 1, 0, 12 }, from_1[] = { 12, 2, 1, 0 };

	(void)state;
	for_each_variant(v) for (int node = 0; node < 2; node++)
	{
		struct tp tp;
		uint64_t seen[8];

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp_region(&tp, 0, 2048, 0, PB_ZONE_DMA);
		tp_region(&tp, 4096, 6144, 0, PB_ZONE_DMA32);
		tp_region(&tp, 8192, 10240, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 16384, 18432, 1, PB_ZONE_NORMAL);
		tp_build(&tp);
		assert_int_equal(zones_in_order(&tp, node, seen, 8), 4);
		assert_memory_equal(seen, node ? from_1 : from_0, sizeof(from_0));
		tp_drop(&tp);
	}
}

static void test_node_without_memory_uses_the_nearest(void **state)
{
	struct tp tp;
	struct pb_page *page;
	static const uint8_t distance[9] = { 10, 30, 20, 30, 10, 40, 20, 40, 10 };

	(void)state;
	tp_start(&tp);
	tp.config.nr_cpus = 3;
	tp.cpu_node[1] = 1;
	tp.cpu_node[2] = 2;
	tp.config.cpu_node = tp.cpu_node;
	tp.config.distance = distance;
	tp_region(&tp, 0, 4096, 1, PB_ZONE_NORMAL);
	tp_region(&tp, 4096, 8192, 2, PB_ZONE_NORMAL);
	tp_build(&tp);
	pb_test_set_cpu(0); /* on node 0: nothing; node 2 is nearer than 1 */
	page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_page_node(&tp.pool, page), 2);
	page = pb_alloc_pages_node(&tp.pool, PB_NO_NODE, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_page_node(&tp.pool, page), 2);
	pb_test_set_cpu(1);
	page = pb_alloc_pages_node(&tp.pool, PB_NO_NODE, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_page_node(&tp.pool, page), 1);
	page = pb_alloc_pages_node(&tp.pool, 2, PB_GFP_KERNEL, 0);
	assert_int_equal(pb_page_node(&tp.pool, page), 2);
	pb_test_set_cpu(0);
	tp_drop(&tp);
}

static void test_thisnode_never_leaves_the_node(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *page;
		enum pb_reason why;
		unsigned int n = 0;

		tp_start(&tp);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp_region(&tp, 0, 1024, 0, PB_ZONE_NORMAL);
		tp_region(&tp, 1024, 4096, 1, PB_ZONE_NORMAL);
		tp_build(&tp);
		while ((page = pb_alloc_pages_node(
				&tp.pool, 0, PB_GFP_KERNEL | PB_GFP_THISNODE | PB_GFP_NOWARN, 0))) {
			assert_int_equal(pb_page_node(&tp.pool, page), 0);
			n++;
		}
		assert_int_equal(n, 1024);
		page = pb_alloc_pages_nodemask(&tp.pool,
					       PB_GFP_KERNEL | PB_GFP_THISNODE | PB_GFP_NOWARN, 0,
					       0, NULL, &why);
		assert_null(page);
		assert_int_equal(why, PB_REASON_WATERMARK);
		page = pb_alloc_pages_node(&tp.pool, 0, PB_GFP_KERNEL, 0);
		assert_int_equal(pb_page_node(&tp.pool, page), 1);
		tp_drop(&tp);
	}
}

static void test_nodemask_is_obeyed(void **state)
{
	struct tp tp;
	struct pb_page *page;
	enum pb_reason why;
	pb_nodemask_t mask;

	(void)state;
	start_nodes(&tp, 3);
	tp_build(&tp);
	for (mask = 1; mask < 8; mask++)
		for (int node = 0; node < 3; node++) {
			page = pb_alloc_pages_nodemask(&tp.pool, PB_GFP_KERNEL, 0, node, &mask,
						       &why);
			assert_non_null(page);
			assert_true(mask >> pb_page_node(&tp.pool, page) & 1);
			if (mask >> node & 1)
				assert_int_equal(pb_page_node(&tp.pool, page), node);
		}
	mask = 0;
	assert_null(pb_alloc_pages_nodemask(&tp.pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, 0, 0, &mask,
					    &why));
	assert_int_equal(why, PB_REASON_NO_ZONE);
	mask = 1u << 5;
	assert_null(pb_alloc_pages_nodemask(&tp.pool, PB_GFP_NOWAIT | PB_GFP_NOWARN, 0, 0, &mask,
					    &why));
	assert_int_equal(why, PB_REASON_NO_ZONE);
	tp_drop(&tp);
}

static void test_bad_node_is_misuse(void **state)
{
	struct tp tp;
	enum pb_reason why;
	uint64_t sum;

	(void)state;
	start_nodes(&tp, 2);
	tp_build(&tp);
	sum = tp_sum(&tp);
	assert_null(pb__alloc_pages_node(&tp.pool, -3, PB_GFP_KERNEL, 0));
	assert_null(pb__alloc_pages_node(&tp.pool, PB_MAX_NODES, PB_GFP_KERNEL, 0));
	assert_null(pb_alloc_pages_node(&tp.pool, -2, PB_GFP_KERNEL, 0));
	assert_null(pb_alloc_pages_nodemask(&tp.pool, PB_GFP_KERNEL, 0, 64, NULL, &why));
	assert_int_equal(why, PB_REASON_BAD_NODE);
	assert_int_equal(tp.misuse_calls, 4);
	assert_int_equal(tp.misuse.kind, PB_MISUSE_BAD_NODE);
	assert_true(tp_sum(&tp) == sum);
	tp_drop(&tp);
}

/* __alloc_pages_node(THISNODE) on a node that isn't there: a warning, NULL. */
static void test_thisnode_on_an_offline_node_warns(void **state)
{
	struct tp tp;

	(void)state;
	start_nodes(&tp, 2);
	tp_build(&tp);
	assert_null(pb__alloc_pages_node(&tp.pool, 7, PB_GFP_KERNEL | PB_GFP_THISNODE, 0));
	assert_true(tp.log_lines >= 1);
	assert_int_equal(tp.misuse_calls, 0);
	tp_drop(&tp);
}

static void numa_of(struct tp *tp, int node, uint64_t numa[PB_NR_NUMA_EVENTS])
{
	struct pb_zone_stat zone;

	for (unsigned int i = 0; i < pb_nr_zones(&tp->pool); i++) {
		pb_zone_stats(&tp->pool, i, &zone);
		if (zone.node == node)
			assert_int_equal(pb_numa_stats(&tp->pool, i, numa), PB_OK);
	}
}

/* Spec 13.1: hit, miss and foreign by the preferred zone, local by the CPU. */
static void test_numa_counters(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		uint64_t a[PB_NR_NUMA_EVENTS], b[PB_NR_NUMA_EVENTS];
		pb_nodemask_t only_1 = 2;

		start_nodes(&tp, 2);
		tp.config.profile = (uint8_t)v->profile;
		tp.config.flags |= v->flags;
		tp_build(&tp);
		pb_test_set_cpu(0);
		for (int i = 0; i < 10; i++) /* preferred 0, got 0, on 0 */
			pb_alloc_pages_node(&tp.pool, 0, PB_GFP_KERNEL, i % 3);
		for (int i = 0; i < 7; i++) /* preferred 1, got 1, on 0 */
			pb_alloc_pages_node(&tp.pool, 1, PB_GFP_KERNEL, 0);
		/* the mask makes node 1 the preferred one: a hit, not a miss */
		for (int i = 0; i < 5; i++)
			pb_alloc_pages_nodemask(&tp.pool, PB_GFP_KERNEL, 0, 0, &only_1, NULL);
		numa_of(&tp, 0, a);
		numa_of(&tp, 1, b);
		assert_int_equal(a[PB_NUMA_HIT], 10);
		assert_int_equal(a[PB_NUMA_LOCAL], 10);
		assert_int_equal(a[PB_NUMA_OTHER], 0);
		assert_int_equal(b[PB_NUMA_HIT], 12);
		assert_int_equal(b[PB_NUMA_LOCAL], 0);
		assert_int_equal(b[PB_NUMA_OTHER], 12);
		assert_int_equal(a[PB_NUMA_MISS] + b[PB_NUMA_MISS], 0);
		/* node 0 runs out: its requests miss on node 1 and are foreign to 0 */
		while (pb_alloc_pages_node(&tp.pool, 0,
					   PB_GFP_KERNEL | PB_GFP_THISNODE | PB_GFP_NOWARN, 0))
			;
		for (int i = 0; i < 3; i++)
			assert_non_null(pb_alloc_pages_node(&tp.pool, 0, PB_GFP_KERNEL, 0));
		numa_of(&tp, 0, a);
		numa_of(&tp, 1, b);
		assert_int_equal(a[PB_NUMA_FOREIGN], 3);
		assert_int_equal(b[PB_NUMA_MISS], 3);
		assert_int_equal(b[PB_NUMA_OTHER], 15);
		assert_int_equal(a[PB_NUMA_INTERLEAVE] + b[PB_NUMA_INTERLEAVE], 0);
		tp_drop(&tp);
	}
}

/* A CPU that appeared after start, with a number beyond the pool's, is served. */
static void test_cpu_beyond_the_pool_is_served(void **state)
{
	(void)state;
	for_each_variant(v)
	{
		struct tp tp;
		struct pb_page *page;

		tp_simple(&tp, 4096, v->profile, v->flags);
		pb_test_set_cpu(77);
		for (unsigned int order = 0; order <= 10; order++) {
			page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, order);
			assert_non_null(page);
			assert_int_equal(pb_free_pages(&tp.pool, page, order), PB_OK);
		}
		pb_drain(&tp.pool, 77);
		pb_test_set_cpu(UINT32_MAX);
		page = pb_alloc_pages(&tp.pool, PB_GFP_KERNEL, 0);
		assert_int_equal(pb_free_pages(&tp.pool, page, 0), PB_OK);
		pb_test_set_cpu(0);
		pb_drain(&tp.pool, -1);
		assert_int_equal(tp_free_pages(&tp), 4096);
		tp_check(&tp, "late CPU");
		tp_drop(&tp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_09_equal_distances_go_round),
		cmocka_unit_test(test_example_10_nodes_in_a_line),
		cmocka_unit_test(test_example_11_zonelist_is_node_major),
		cmocka_unit_test(test_node_without_memory_uses_the_nearest),
		cmocka_unit_test(test_thisnode_never_leaves_the_node),
		cmocka_unit_test(test_nodemask_is_obeyed),
		cmocka_unit_test(test_bad_node_is_misuse),
		cmocka_unit_test(test_thisnode_on_an_offline_node_warns),
		cmocka_unit_test(test_numa_counters),
		cmocka_unit_test(test_cpu_beyond_the_pool_is_served),
	};

	return pb_run_tests(tests);
}
