// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * ap - the classic alloc_pages() demonstration.
 *
 *	insmod ap.ko  ->  alloc_pages Allocation succeeded.
 *			  page_address(allocpages) = 0xffff8f1d41b48000
 *	rmmod ap      ->  __free_pages is Release successful!
 *			  Prompt : The program exits normally
 *
 * 28 KB are 7 pages; the allocator hands out powers of two, so the default
 * order is 3: 8 pages, 32 KB. This file is compiled unchanged twice: as a
 * module against a kernel's headers (5.4 and later), and as a program against
 * pagebuddy/linux.h with the few headers of user/linux in front.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <ap_zone.h>

static unsigned int order = 3;
module_param(order, uint, 0444);
MODULE_PARM_DESC(order, "log2 of the pages of one block (default 3: 32 KB)");

static unsigned int count = 1;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "number of blocks (default 1)");

static int node = -1;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "preferred node, -1: that of the running CPU (default)");

static char default_gfp[] = "GFP_KERNEL";
static char *gfp = default_gfp;
module_param(gfp, charp, 0444);
MODULE_PARM_DESC(gfp, "names joined by '|', as GFP_KERNEL|__GFP_ZERO");

static bool verbose;
module_param(verbose, bool, 0444);
MODULE_PARM_DESC(verbose, "log pfn, zone, migratetype and the zone's buddyinfo");

#define AP_MAX_COUNT (1u << 20)
#define AP_GFP(x)     \
	{             \
#x, x \
	}

static const struct {
	const char *name;
	gfp_t bits;
} gfp_names[] = {
	AP_GFP(GFP_KERNEL),
	AP_GFP(GFP_ATOMIC),
	AP_GFP(GFP_NOWAIT),
	AP_GFP(GFP_NOIO),
	AP_GFP(GFP_NOFS),
	AP_GFP(GFP_USER),
	AP_GFP(GFP_DMA),
	AP_GFP(GFP_DMA32),
	AP_GFP(GFP_HIGHUSER),
	AP_GFP(GFP_HIGHUSER_MOVABLE),
	AP_GFP(__GFP_DMA),
	AP_GFP(__GFP_DMA32),
	AP_GFP(__GFP_HIGHMEM),
	AP_GFP(__GFP_MOVABLE),
	AP_GFP(__GFP_RECLAIMABLE),
	AP_GFP(__GFP_HIGH),
	AP_GFP(__GFP_ZERO),
	AP_GFP(__GFP_COMP),
	AP_GFP(__GFP_NOWARN),
	AP_GFP(__GFP_NORETRY),
	AP_GFP(__GFP_RETRY_MAYFAIL),
	AP_GFP(__GFP_MEMALLOC),
	AP_GFP(__GFP_NOMEMALLOC),
	AP_GFP(__GFP_THISNODE),
	AP_GFP(__GFP_HARDWALL),
	AP_GFP(__GFP_WRITE),
	AP_GFP(__GFP_DIRECT_RECLAIM),
	AP_GFP(__GFP_KSWAPD_RECLAIM),
	AP_GFP(__GFP_RECLAIM),
	AP_GFP(__GFP_IO),
	AP_GFP(__GFP_FS),
};

static struct page **blocks;

/* The bits of one name of length @len, or -EINVAL. */
static int ap_gfp_bits(const char *name, size_t len, gfp_t *bits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		if (strlen(gfp_names[i].name) != len || strncmp(gfp_names[i].name, name, len))
			continue;
		*bits |= gfp_names[i].bits;
		return 0;
	}
	pr_err("ap: gfp=%s: '%.*s' is no flag's name; expected names such as GFP_KERNEL, joined by '|'\n",
	       gfp, (int)len, name);
	return -EINVAL;
}

static int ap_parse_gfp(const char *names, gfp_t *bits)
{
	const gfp_t mobility = __GFP_MOVABLE | __GFP_RECLAIMABLE;
	const char *end;
	int err;

	for (*bits = 0;; names = end + 1) {
		end = names + strcspn(names, "|");
		err = ap_gfp_bits(names, end - names, bits);
		if (err)
			return err;
		if (!*end)
			break;
	}
	if (((*bits & __GFP_DMA) && (*bits & (__GFP_DMA32 | __GFP_HIGHMEM))) ||
	    ((*bits & __GFP_DMA32) && (*bits & __GFP_HIGHMEM))) {
		pr_err("ap: gfp=%s names more than one zone; expected one of DMA, DMA32, HIGHMEM at most\n",
		       gfp);
		return -EINVAL;
	}
	if ((*bits & mobility) == mobility) {
		pr_err("ap: gfp=%s is both movable and reclaimable; expected one of them at most\n",
		       gfp);
		return -EINVAL;
	}
	return 0;
}

static int ap_check_parameters(gfp_t *bits)
{
	if (order > AP_MAX_ORDER) {
		pr_err("ap: order=%u; expected 0 to %u\n", order, AP_MAX_ORDER);
		return -EINVAL;
	}
	if (count < 1 || count > AP_MAX_COUNT) {
		pr_err("ap: count=%u; expected 1 to %u\n", count, AP_MAX_COUNT);
		return -EINVAL;
	}
	if (node != -1 && (node < 0 || node >= MAX_NUMNODES || !node_online(node))) {
		pr_err("ap: node=%d is not online; expected -1 or an online node\n", node);
		return -EINVAL;
	}
	return ap_parse_gfp(gfp, bits);
}

static struct page *ap_alloc(gfp_t bits)
{
	if (node == -1)
		return alloc_pages(bits, order);
	return alloc_pages_node(node, bits, order);
}

static void ap_free_blocks(void)
{
	unsigned int i;

	for (i = 0; i < count && blocks[i]; i++)
		__free_pages(blocks[i], order);
	kvfree(blocks);
	blocks = NULL;
}

static void ap_log_blocks(void)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		pr_info("ap: pfn 0x%lx, node %d, zone %s, migratetype %s, order %u\n",
			page_to_pfn(blocks[i]), page_to_nid(blocks[i]),
			ap_zone_name(ap_zone_of(blocks[i])), ap_migratetype(blocks[i]), order);
}

/* Free blocks of every zone and order now; NULL when there is no memory. */
static unsigned long *ap_snapshot(void)
{
	unsigned int zones = ap_nr_zones(), z, o;
	unsigned long *nr;

	nr = kvcalloc(zones, AP_NR_ORDERS * sizeof(*nr), GFP_KERNEL);
	for (z = 0; nr && z < zones; z++)
		for (o = 0; o < AP_NR_ORDERS; o++)
			nr[z * AP_NR_ORDERS + o] = ap_zone_nr_free(z, o);
	return nr;
}

static void ap_log_buddyinfo(unsigned int zone, const char *when, const unsigned long *nr_free)
{
	char line[8 * AP_NR_ORDERS + 1];
	unsigned int o;
	int len = 0;

	for (o = 0; o < AP_NR_ORDERS; o++)
		len += scnprintf(line + len, sizeof(line) - len, "%6lu ", nr_free[o]);
	pr_info("ap: %-6s Node %d, zone %8s %s\n", when, ap_zone_node(zone), ap_zone_name(zone),
		line);
}

/* The lines of /proc/buddyinfo of the zones in @touched, before and now. */
static void ap_log_change(const unsigned long *before, const bool *touched)
{
	unsigned int zones = ap_nr_zones(), z;
	unsigned long *now = ap_snapshot();

	for (z = 0; before && now && touched && z < zones; z++) {
		if (!touched[z])
			continue;
		ap_log_buddyinfo(z, "before", before + z * AP_NR_ORDERS);
		ap_log_buddyinfo(z, "after", now + z * AP_NR_ORDERS);
	}
	kvfree(now);
}

/* Which zones the blocks came from, one bool a zone; NULL without memory. */
static bool *ap_touched(void)
{
	bool *touched = kvcalloc(ap_nr_zones(), sizeof(*touched), GFP_KERNEL);
	unsigned int i;

	for (i = 0; touched && i < count; i++)
		touched[ap_zone_of(blocks[i])] = true;
	return touched;
}

static int ap_allocate(gfp_t bits)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		blocks[i] = ap_alloc(bits);
		if (!blocks[i]) {
			pr_err("ap: alloc_pages failed: block %u of %u, order %u, gfp %s\n", i + 1,
			       count, order, gfp);
			return -ENOMEM;
		}
	}
	pr_info("alloc_pages Allocation succeeded.\n");
	for (i = 0; i < count; i++)
		pr_info("page_address(allocpages) = 0x%lx\n",
			(unsigned long)page_address(blocks[i]));
	return 0;
}

static int __init ap_init(void)
{
	unsigned long *before = NULL;
	bool *touched = NULL;
	gfp_t bits;
	int err;

	err = ap_check_parameters(&bits);
	if (err)
		return err;
	/* One more, always NULL: ap_free_blocks() stops there. */
	blocks = kvcalloc(count + 1, sizeof(*blocks), GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	if (verbose)
		before = ap_snapshot();
	err = ap_allocate(bits);
	if (err) {
		ap_free_blocks();
	} else if (verbose) {
		touched = ap_touched();
		ap_log_blocks();
		ap_log_change(before, touched);
	}
	kvfree(touched);
	kvfree(before);
	return err;
}

static void __exit ap_exit(void)
{
	unsigned long *before = NULL;
	bool *touched = NULL;

	if (verbose) {
		touched = ap_touched();
		before = ap_snapshot();
	}
	ap_free_blocks();
	pr_info("__free_pages is Release successful!\n");
	if (verbose)
		ap_log_change(before, touched);
	kvfree(touched);
	kvfree(before);
	pr_info("Prompt : The program exits normally\n");
}

module_init(ap_init);
module_exit(ap_exit);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("alloc_pages() and __free_pages(), the classic demonstration");
