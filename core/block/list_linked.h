/* SPDX-License-Identifier: MIT */
/*
 * Free lists of the linux profile: doubly linked by 32-bit frame indices, head
 * and tail insertion, so that blocks come out in Linux's own order. The
 * per-CPU lists of that profile use the same links, since a frame is on one list at most.
 *
 *	list n: next -> 8 -> 24 -> prev		links[8]  = { 24, LIST_REF(n) }
 *						links[24] = { LIST_REF(n), 8 }
 *
 * The ends name their list by its number, so unlinking needs no list argument. `lists`
 * is the array that the numbers index.
 */
#ifndef PB_CORE_LIST_LINKED_H
#define PB_CORE_LIST_LINKED_H

#include "base/pool.h"

#define LIST_REFS 65536u
#define LIST_REF(n) (UINT32_MAX - (n))

static inline bool is_list_ref(u32 ref)
{
	return ref > UINT32_MAX - LIST_REFS;
}

static inline u32 *link_next(const struct pb_pool *pool, struct free_list *lists, u32 ref)
{
	return is_list_ref(ref) ? &lists[UINT32_MAX - ref].next
				: &((struct link *)pool->links)[ref].next;
}

static inline u32 *link_prev(const struct pb_pool *pool, struct free_list *lists, u32 ref)
{
	return is_list_ref(ref) ? &lists[UINT32_MAX - ref].prev
				: &((struct link *)pool->links)[ref].prev;
}

static inline void linked_init(struct free_list *lists, u32 n)
{
	lists[n].next = LIST_REF(n);
	lists[n].prev = LIST_REF(n);
}

static inline bool linked_empty(const struct free_list *lists, u32 n)
{
	return is_list_ref(load_relaxed(&lists[n].next)); /* watermark checks hold no lock */
}

static inline u32 linked_head(const struct free_list *lists, u32 n)
{
	return is_list_ref(lists[n].next) ? NO_FRAME : lists[n].next;
}

static inline u32 linked_tail(const struct free_list *lists, u32 n)
{
	return is_list_ref(lists[n].prev) ? NO_FRAME : lists[n].prev;
}

static inline u32 linked_after(const struct pb_pool *pool, u32 frame)
{
	u32 next = ((struct link *)pool->links)[frame].next;

	return is_list_ref(next) ? NO_FRAME : next;
}

static inline void linked_insert(const struct pb_pool *pool, struct free_list *lists, u32 n,
				 u32 frame, bool tail)
{
	u32 prev = tail ? lists[n].prev : LIST_REF(n);
	u32 *slot = link_next(pool, lists, prev);
	u32 next = *slot;

	store_relaxed(slot, frame);
	*link_prev(pool, lists, next) = frame;
	((struct link *)pool->links)[frame] = (struct link){ next, prev };
}

static inline void linked_remove(const struct pb_pool *pool, struct free_list *lists, u32 frame)
{
	struct link *link = (struct link *)pool->links + frame;

	store_relaxed(link_next(pool, lists, link->prev), link->next);
	*link_prev(pool, lists, link->next) = link->prev;
}

#endif
