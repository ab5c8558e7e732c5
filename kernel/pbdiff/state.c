// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Copies of the state that decides what the allocator does next.
 *
 * Nothing may sleep or allocate while it is taken, so it is copied as plain
 * words into memory that was allocated before, and printed afterwards:
 *
 *	TAG, number of words, words...
 */
#include "compat.h"
#include "pbdiff.h"

enum tag {
	TAG_ZONE,       /* index, start, spanned, present, managed, flags, isolated */
	TAG_WMARK,      /* min, low, high, promo, boost, highatomic, drift mark, free highatomic */
	TAG_RESERVE,    /* lowmem_reserve[] */
	TAG_FREE_PAGES, /* counter, threshold, then each CPU and its difference */
	TAG_NUMA,       /* NUMA events; has background reclaim given up? */
	TAG_MAP,        /* start, frames, class: runs */
	TAG_BLOCKS,     /* type, pageblocks: runs from the zone's first pageblock */
	TAG_NR_FREE,    /* free_area[].nr_free */
	TAG_FREE,       /* order, type, pfn... */
	TAG_PCP,        /* cpu, count, high, batch, free_factor, expire, tuning[4] */
	TAG_PCP_LIST,   /* cpu, index, then pfn and cached migratetype of each block */
	TAG_LRU,        /* pfn... of frames in use that count as movable */
};

enum frame_class { FRAME_HOLE, FRAME_RESERVED, FRAME_USABLE };

static void put(struct pbdiff_state *s, u32 word)
{
	if (s->nr_words < s->max_words)
		s->word[s->nr_words++] = word;
	else
		s->overflow = true;
}

/* Opens a record; the returned position is where close_record() puts its length. */
static u32 open_record(struct pbdiff_state *s, enum tag tag)
{
	put(s, tag);
	put(s, 0);
	return s->nr_words;
}

static void close_record(struct pbdiff_state *s, u32 start)
{
	if (!s->overflow)
		s->word[start - 1] = s->nr_words - start;
}

static void put_record(struct pbdiff_state *s, enum tag tag, const u32 *words, u32 n)
{
	u32 start = open_record(s, tag), i;

	for (i = 0; i < n; i++)
		put(s, words[i]);
	close_record(s, start);
}

static void capture_zone_figures(struct pbdiff_state *s, struct zone *zone)
{
	const u32 figures[] = {
		zone_idx(zone),
		zone->zone_start_pfn,
		zone->spanned_pages,
		zone->present_pages,
		zone_managed_pages(zone),
		zone->flags,
		zone->nr_isolate_pageblock,
	};
	const u32 wmark[] = {
		zone->_watermark[WMARK_MIN],  zone->_watermark[WMARK_LOW],
		zone->_watermark[WMARK_HIGH], zone->_watermark[WMARK_PROMO],
		zone->watermark_boost,        zone->nr_reserved_highatomic,
		zone->percpu_drift_mark,      free_highatomic(zone),
	};
	u32 reserve[MAX_NR_ZONES], i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		reserve[i] = zone->lowmem_reserve[i];
	put_record(s, TAG_ZONE, figures, ARRAY_SIZE(figures));
	put_record(s, TAG_WMARK, wmark, ARRAY_SIZE(wmark));
	put_record(s, TAG_RESERVE, reserve, MAX_NR_ZONES);
}

static void capture_free_pages(struct pbdiff_state *s, struct zone *zone, int cpu)
{
	u32 start = open_record(s, TAG_FREE_PAGES);
	int each;

	put(s, atomic_long_read(&zone->vm_stat[NR_FREE_PAGES]));
	put(s, stat_threshold(zone, cpu));
	for_each_online_cpu(each)
	{
		put(s, each);
		put(s, free_pages_diff(zone, each));
	}
	close_record(s, start);
}

/* Counted per CPU and added up when somebody asks. */
static void capture_numa(struct pbdiff_state *s, struct zone *zone)
{
	u32 start = open_record(s, TAG_NUMA), i;

	for (i = 0; i < PBDIFF_NUMA_EVENTS; i++)
		put(s, numa_events(zone, i));
	put(s, reclaim_gave_up(zone->zone_pgdat));
	close_record(s, start);
}

static enum frame_class frame_class(struct zone *zone, unsigned long pfn)
{
	struct page *page;

	if (!pfn_valid(pfn))
		return FRAME_HOLE;
	page = pfn_to_page(pfn);
	if (page_zone(page) != zone)
		return FRAME_HOLE;
	if (!PageReserved(page))
		return FRAME_USABLE;
	/* A hole that only the firmware's map shows, or memmap=: it has a struct page. */
	return page_is_ram(pfn) ? FRAME_RESERVED : FRAME_HOLE;
}

static void capture_map(struct pbdiff_state *s, struct zone *zone)
{
	unsigned long pfn = zone->zone_start_pfn, end = zone_end_pfn(zone), run;
	u32 start = open_record(s, TAG_MAP);
	enum frame_class class;

	while (pfn < end) {
		class = frame_class(zone, pfn);
		for (run = pfn + 1; run < end && frame_class(zone, run) == class; run++)
			;
		put(s, pfn);
		put(s, run - pfn);
		put(s, class);
		pfn = run;
	}
	close_record(s, start);
}

/* get_pageblock_migratetype() is not exported; its bitmap is reachable. */
static u32 pageblock_type(unsigned long pfn)
{
	unsigned long bit, *map;

	if (!pfn_valid(pfn))
		return MIGRATE_TYPES;
	map = __pfn_to_section(pfn)->usage->pageblock_flags;
	bit = ((pfn & (PAGES_PER_SECTION - 1)) >> pageblock_order) * NR_PAGEBLOCK_BITS;
	return (READ_ONCE(map[bit / BITS_PER_LONG]) >> (bit % BITS_PER_LONG)) & 7;
}

static void capture_pageblocks(struct pbdiff_state *s, struct zone *zone)
{
	unsigned long pfn = round_down(zone->zone_start_pfn, pageblock_nr_pages);
	unsigned long end = zone_end_pfn(zone);
	u32 start = open_record(s, TAG_BLOCKS), type, run;

	while (pfn < end) {
		type = pageblock_type(pfn);
		for (run = 0; pfn < end && pageblock_type(pfn) == type; run++)
			pfn += pageblock_nr_pages;
		put(s, type);
		put(s, run);
	}
	close_record(s, start);
}

static void capture_list(struct pbdiff_state *s, struct list_head *list)
{
	struct page *page;

	list_for_each_entry(page, list, lru) put(s, page_to_pfn(page));
}

static void capture_free_lists(struct pbdiff_state *s, struct zone *zone)
{
	u32 start = open_record(s, TAG_NR_FREE), order, mt;

	for (order = 0; order < PBDIFF_ORDERS; order++)
		put(s, zone->free_area[order].nr_free);
	close_record(s, start);
	for (order = 0; order < PBDIFF_ORDERS; order++) {
		for (mt = 0; mt < MIGRATE_TYPES; mt++) {
			if (list_empty(&zone->free_area[order].free_list[mt]))
				continue;
			start = open_record(s, TAG_FREE);
			put(s, order);
			put(s, mt);
			capture_list(s, &zone->free_area[order].free_list[mt]);
			close_record(s, start);
		}
	}
}

static void capture_pcp(struct pbdiff_state *s, struct zone *zone, int cpu)
{
	struct per_cpu_pages *pcp = pcp_of(zone, cpu);
	u32 figures[10] = { cpu,        pcp->count,           pcp->high,
			    pcp->batch, pcp_free_factor(pcp), pcp_expire(pcp) };
	struct page *page;
	u32 start, i;

	pcp_tuning(pcp, figures + 6);
	put_record(s, TAG_PCP, figures, ARRAY_SIZE(figures));
	for (i = 0; i < PBDIFF_PCP_LISTS; i++) {
		if (list_empty(&pcp->lists[i]))
			continue;
		start = open_record(s, TAG_PCP_LIST);
		put(s, cpu);
		put(s, i);
		list_for_each_entry(page, &pcp->lists[i], lru)
		{
			put(s, page_to_pfn(page));
			put(s, cached_type(page, i, pageblock_type(page_to_pfn(page))));
		}
		close_record(s, start);
	}
}

/* What the kernel counts as "movable in use" when it decides to claim a block. */
static void capture_lru(struct pbdiff_state *s, struct zone *zone)
{
	unsigned long pfn = zone->zone_start_pfn, end = zone_end_pfn(zone);
	u32 start = open_record(s, TAG_LRU);
	struct page *page;

	for (; pfn < end; pfn++) {
		if (frame_class(zone, pfn) != FRAME_USABLE)
			continue;
		page = pfn_to_page(pfn);
		if (counts_as_movable(page))
			put(s, pfn);
	}
	close_record(s, start);
}

void pbdiff_capture(struct pbdiff_state *s, int node, int cpu)
{
	struct zone *zone = NODE_DATA(node)->node_zones;
	unsigned long flags;
	int i, each;

	s->nr_words = 0;
	s->overflow = false;
	for (i = 0; i < MAX_NR_ZONES; i++, zone++) {
		if (!populated_zone(zone))
			continue;
		lock_zone(zone, cpu, &flags);
		capture_zone_figures(s, zone);
		capture_free_pages(s, zone, cpu);
		capture_numa(s, zone);
		capture_map(s, zone);
		capture_pageblocks(s, zone);
		capture_free_lists(s, zone);
		for_each_online_cpu(each) capture_pcp(s, zone, each);
		capture_lru(s, zone);
		unlock_zone(zone, cpu, flags);
	}
}

/* ---------------------------------------------------------------- printing */

static void print_pfns(struct seq_file *m, const char *head, const u32 *pfn, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (i % 16 == 0)
			seq_printf(m, "%s%s", i ? "\n" : "", head);
		seq_printf(m, " %x", pfn[i]);
	}
	if (n)
		seq_putc(m, '\n');
}

static void print_pcp_list(struct seq_file *m, const u32 *w, u32 n)
{
	u32 i;

	for (i = 2; i + 2 <= n; i += 2) {
		if (i % 32 == 2)
			seq_printf(m, "%spcp_list %u %u", i > 2 ? "\n" : "", w[0], w[1]);
		seq_printf(m, " %x/%u", w[i], w[i + 1]);
	}
	seq_putc(m, '\n');
}

static void print_numbers(struct seq_file *m, const char *head, const u32 *word, u32 n)
{
	u32 i;

	seq_puts(m, head);
	for (i = 0; i < n; i++)
		seq_printf(m, " %u", word[i]);
	seq_putc(m, '\n');
}

static void print_free_pages(struct seq_file *m, const u32 *w, u32 n)
{
	u32 i;

	seq_printf(m, "free_pages %d %u", (s32)w[0], w[1]);
	for (i = 2; i + 2 <= n; i += 2)
		seq_printf(m, " %u/%d", w[i], (s32)w[i + 1]);
	seq_putc(m, '\n');
}

static void print_map(struct seq_file *m, const u32 *word, u32 n)
{
	static const char *const name[] = { "hole", "reserved", "usable" };
	u32 i;

	for (i = 0; i + 3 <= n; i += 3)
		seq_printf(m, "map %x %u %s\n", word[i], word[i + 1], name[word[i + 2]]);
}

static void print_zone(struct seq_file *m, const u32 *w)
{
	static const char *const name[MAX_NR_ZONES] = {
#ifdef CONFIG_ZONE_DMA
		[ZONE_DMA] = "DMA",
#endif
#ifdef CONFIG_ZONE_DMA32
		[ZONE_DMA32] = "DMA32",
#endif
		[ZONE_NORMAL] = "Normal",
#ifdef CONFIG_HIGHMEM
		[ZONE_HIGHMEM] = "HighMem",
#endif
		[ZONE_MOVABLE] = "Movable",
#ifdef CONFIG_ZONE_DEVICE
		[ZONE_DEVICE] = "Device",
#endif
	};

	seq_printf(m, "zone %s\n", name[w[0]]);
	seq_printf(m, "span %x %u %u %u\n", w[1], w[2], w[3], w[4]);
	seq_printf(m, "flags %x\nisolated %u\n", w[5], w[6]);
}

/* Records that are nothing but numbers. */
static const char *const number_names[] = {
	[TAG_RESERVE] = "lowmem_reserve",
	[TAG_BLOCKS] = "pageblocks",
	[TAG_NR_FREE] = "nr_free",
	[TAG_PCP] = "pcp",
};

static void print_record(struct seq_file *m, u32 tag, const u32 *w, u32 n)
{
	char head[32];

	switch (tag) {
	case TAG_ZONE:
		print_zone(m, w);
		break;
	case TAG_WMARK:
		print_numbers(m, "watermark", w, 4);
		seq_printf(m, "boost %u\nhighatomic %u\ndrift_mark %u\nfree_highatomic %u\n", w[4],
			   w[5], w[6], w[7]);
		break;
	case TAG_FREE_PAGES:
		print_free_pages(m, w, n);
		break;
	case TAG_NUMA:
		print_numbers(m, "numa", w, n - 1);
		seq_printf(m, "unreclaimable %u\n", w[n - 1]);
		break;
	case TAG_MAP:
		print_map(m, w, n);
		break;
	case TAG_FREE:
		snprintf(head, sizeof(head), "free %u %u", w[0], w[1]);
		print_pfns(m, head, w + 2, n - 2);
		break;
	case TAG_PCP_LIST:
		print_pcp_list(m, w, n);
		break;
	case TAG_LRU:
		print_pfns(m, "lru", w, n);
		break;
	default:
		print_numbers(m, number_names[tag], w, n);
	}
}

void pbdiff_print_state(struct seq_file *m, const struct pbdiff_state *s)
{
	u32 i;

	for (i = 0; i + 2 <= s->nr_words; i += 2 + s->word[i + 1])
		print_record(m, s->word[i], s->word + i + 2, s->word[i + 1]);
}
