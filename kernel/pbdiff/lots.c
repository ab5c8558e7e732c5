// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Where page_alloc.shuffle=1 puts what it draws lots for: a block of the largest order that
 * a free has made goes to the head or the tail of its list. After each such call the lists
 * of that order are copied, for a reader to see which.
 *
 *	operation, type, number of pfns, pfns...
 */
#include "compat.h"
#include "pbdiff.h"

#define TOP (PBDIFF_ORDERS - 1)

static unsigned long seen[MAX_NR_ZONES]; /* blocks of the largest order, after the last call */

void pbdiff_lots_begin(struct pbdiff_state *lots, int node)
{
	int i;

	lots->nr_words = 0;
	lots->overflow = false;
	for (i = 0; i < MAX_NR_ZONES; i++)
		seen[i] = NODE_DATA(node)->node_zones[i].free_area[TOP].nr_free;
}

static void put(struct pbdiff_state *lots, u32 word)
{
	if (lots->nr_words < lots->max_words)
		lots->word[lots->nr_words++] = word;
	else
		lots->overflow = true;
}

static void copy_list(struct pbdiff_state *lots, u32 op, struct zone *zone, int type)
{
	struct page *page;
	u32 start;

	if (list_empty(&zone->free_area[TOP].free_list[type]))
		return;
	put(lots, op);
	put(lots, type);
	put(lots, 0);
	start = lots->nr_words;
	list_for_each_entry(page, &zone->free_area[TOP].free_list[type], lru)
		put(lots, page_to_pfn(page));
	if (!lots->overflow)
		lots->word[start - 1] = lots->nr_words - start;
}

void pbdiff_lots_note(struct pbdiff_state *lots, int node, u32 op)
{
	struct zone *zone = NODE_DATA(node)->node_zones;
	int i, type;

	for (i = 0; i < MAX_NR_ZONES; i++, zone++) {
		unsigned long now = zone->free_area[TOP].nr_free;

		for (type = 0; now > seen[i] && type < MIGRATE_TYPES; type++)
			copy_list(lots, op, zone, type);
		seen[i] = now;
	}
}

/* Prints what was copied after the operation; the position in *at moves on. */
void pbdiff_print_lots(struct seq_file *m, const struct pbdiff_state *lots, u32 op, u32 *at)
{
	u32 i;

	while (*at + 3 <= lots->nr_words && lots->word[*at] <= op) {
		const u32 *list = lots->word + *at;

		for (i = 0; list[0] == op && i < list[2]; i++) {
			if (i % 16 == 0)
				seq_printf(m, "%so %u", i ? "\n" : "", list[1]);
			seq_printf(m, " %x", list[3 + i]);
		}
		if (list[0] == op)
			seq_putc(m, '\n');
		*at += 3 + list[2];
	}
}
