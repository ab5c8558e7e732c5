/* SPDX-License-Identifier: MIT */
#include "lists.h"

#include <string.h>

enum { UNMOVABLE, MOVABLE, RECLAIMABLE };

static void insert(struct lz *z, uint32_t pfn, unsigned int order, unsigned int type, bool tail)
{
	struct lz_list *list = &z->list[order][type];

	if (!tail)
		memmove(list->pfn + 1, list->pfn, list->n * sizeof(list->pfn[0]));
	list->pfn[tail ? list->n : 0] = (uint16_t)pfn;
	list->n++;
	z->free_order[pfn] = (int8_t)order;
	z->free_type[pfn] = (uint8_t)type;
}

static void unlink_block(struct lz *z, uint32_t pfn)
{
	struct lz_list *list = &z->list[z->free_order[pfn]][z->free_type[pfn]];
	uint32_t i = 0;

	while (list->pfn[i] != pfn)
		i++;
	list->n--;
	memmove(list->pfn + i, list->pfn + i + 1, (list->n - i) * sizeof(list->pfn[0]));
	z->free_order[pfn] = -1;
}

static bool in_zone(const struct lz *z, uint32_t pfn)
{
	return pfn >= z->start && pfn < z->end;
}

static bool is_free(const struct lz *z, uint32_t pfn, unsigned int order)
{
	return in_zone(z, pfn) && z->free_order[pfn] == (int)order;
}

/* Spec 3.4, 3.3. */
static uint32_t smallest(struct lz *z, unsigned int order, unsigned int type)
{
	for (unsigned int o = order; o <= z->max_order; o++) {
		uint32_t pfn;

		if (!z->list[o][type].n)
			continue;
		pfn = z->list[o][type].pfn[0];
		unlink_block(z, pfn);
		while (o-- > order)
			insert(z, pfn + (1u << o), o, type, false);
		return pfn;
	}
	return LZ_NONE;
}

/* Spec 3.5; every type here is mergeable. */
static void merge(struct lz *z, uint32_t pfn, unsigned int order, unsigned int type, bool to_tail)
{
	bool tail = to_tail;

	while (order < z->max_order && is_free(z, pfn ^ (1u << order), order)) {
		unlink_block(z, pfn ^ (1u << order));
		pfn &= ~(1u << order);
		order++;
	}
	/* order < MAX_ORDER - 2, where MAX_ORDER is one above the largest order */
	if (!tail && order + 1 < z->max_order) {
		uint32_t parent = pfn & ~(1u << order);

		tail = is_free(z, parent ^ (2u << order), order + 1);
	}
	insert(z, pfn, order, type, tail);
}

void lz_free(struct lz *z, uint32_t pfn, unsigned int order)
{
	for (uint32_t i = 0; i < 1u << order; i++)
		z->movable[pfn + i] = 0;
	merge(z, pfn, order, z->pageblock[pfn >> z->pageblock_order], false);
}

/* Spec 11.2, to the tail since 5.10. */
void lz_init(struct lz *z, uint32_t start, uint32_t end, unsigned int max_order,
	     unsigned int pageblock_order)
{
	memset(z, 0, sizeof(*z));
	memset(z->free_order, -1, sizeof(z->free_order));
	memset(z->pageblock, MOVABLE, sizeof(z->pageblock));
	z->start = start;
	z->end = end;
	z->max_order = max_order;
	z->pageblock_order = pageblock_order;
	while (start < end) {
		unsigned int order = max_order;

		while (start & ((1u << order) - 1) || start + (1u << order) > end)
			order--;
		merge(z, start, order, MOVABLE, true);
		start += 1u << order;
	}
}

static bool can_steal(const struct lz *z, unsigned int order, unsigned int want)
{
	return order >= z->pageblock_order / 2 || want != MOVABLE;
}

/* Spec 6.6: type to take from at this order, or -1. */
static int fallback_type(const struct lz *z, unsigned int order, unsigned int want)
{
	static const uint8_t table[LZ_TYPES][2] = {
		[UNMOVABLE] = { RECLAIMABLE, MOVABLE },
		[MOVABLE] = { RECLAIMABLE, UNMOVABLE },
		[RECLAIMABLE] = { UNMOVABLE, MOVABLE },
	};

	for (int i = 0; i < 2; i++)
		if (z->list[order][table[want][i]].n)
			return table[want][i];
	return -1;
}

static void move_block(struct lz *z, uint32_t pfn, unsigned int type)
{
	unsigned int order = (unsigned int)z->free_order[pfn];

	unlink_block(z, pfn);
	insert(z, pfn, order, type, true);
}

/* Spec 6.7 step 5: all free blocks of the pageblock; counts on the way. */
static uint32_t move_pageblock(struct lz *z, uint32_t pfn, unsigned int type, uint32_t *movable)
{
	uint32_t size = 1u << z->pageblock_order;
	uint32_t from = pfn & ~(size - 1), end = from + size, moved = 0;

	if (!in_zone(z, from))
		from = pfn;
	if (!in_zone(z, end - 1))
		return 0;
	while (from < end) {
		int order = z->free_order[from];

		if (order < 0) {
			*movable += z->movable[from];
			from++;
			continue;
		}
		move_block(z, from, type);
		moved += 1u << order;
		from += 1u << order;
	}
	return moved;
}

static void steal(struct lz *z, uint32_t pfn, unsigned int order, unsigned int want)
{
	uint32_t size = 1u << z->pageblock_order;
	uint8_t *type = &z->pageblock[pfn >> z->pageblock_order];
	uint32_t moved = 0, movable = 0, alike;

	if (order >= z->pageblock_order) {
		for (uint32_t i = 0; i < 1u << (order - z->pageblock_order); i++)
			type[i] = (uint8_t)want;
		move_block(z, pfn, want);
		return;
	}
	if (can_steal(z, order, want))
		moved = move_pageblock(z, pfn, want, &movable);
	if (!moved) {
		move_block(z, pfn, want);
		return;
	}
	alike = want == MOVABLE ? movable : *type == MOVABLE ? size - (moved + movable) : 0;
	if (moved + alike >= size / 2)
		*type = (uint8_t)want;
}

static bool fallback(struct lz *z, unsigned int order, unsigned int want)
{
	int from = -1;
	int o;

	for (o = (int)z->max_order; o >= (int)order; o--) {
		from = fallback_type(z, (unsigned int)o, want);
		if (from >= 0)
			break;
	}
	if (from < 0)
		return false;
	if (!can_steal(z, (unsigned int)o, want) && o > (int)order)
		for (o = (int)order; (from = fallback_type(z, (unsigned int)o, want)) < 0;)
			o++;
	steal(z, z->list[o][from].pfn[0], (unsigned int)o, want);
	return true;
}

uint32_t lz_alloc(struct lz *z, unsigned int order, unsigned int type)
{
	uint32_t pfn;

	do
		pfn = smallest(z, order, type);
	while (pfn == LZ_NONE && fallback(z, order, type));
	return pfn;
}
