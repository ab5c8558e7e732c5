// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Direct reclaim in a known order. The kernel asks shrinkers; the one here frees blocks that
 * the module holds, in the middle of the module's own allocation, and each is recorded
 * before the allocation's answer. The node has no page cache: nothing else is reclaimed.
 *
 * Nothing may sleep in a phase. What reclaims here does not, as long as something is freed
 * and the task passes for a kernel thread: others wait for kswapd when a node with pages in
 * use by other tasks is far below its minimum. 5.10, which drains the CPUs' lists by workers and waits for them, can't be recorded so.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>
/* shrinker.h of 6.1 includes nothing itself */
#include <linux/shrinker.h>
#include <linux/swap.h>

#include "compat.h"
#include "pbdiff.h"

static struct pbdiff_ops *at_work; /* in an allocation that may reclaim */
static unsigned int was_kthread;

void pbdiff_reclaim_begin(struct pbdiff_ops *ops)
{
	WRITE_ONCE(at_work, ops);
	was_kthread = current->flags & PF_KTHREAD;
	current->flags |= PF_KTHREAD;
}

void pbdiff_reclaim_end(void)
{
	if (!at_work)
		return;
	WRITE_ONCE(at_work, NULL);
	current->flags = (current->flags & ~PF_KTHREAD) | was_kthread;
}

#if PBDIFF_IS(5, 10)
int pbdiff_reclaim_init(void)
{
	return 0;
}

void pbdiff_reclaim_exit(void)
{
}
#else

static bool asked(const struct shrink_control *sc)
{
	struct pbdiff_ops *ops = READ_ONCE(at_work);

	return ops && ops->reclaim_left && sc->nid == ops->req.node;
}

/* Much, so that it is asked at once for what it has. */
static unsigned long count_blocks(struct shrinker *shrinker, struct shrink_control *sc)
{
	return asked(sc) ? 1 << 20 : 0;
}

static unsigned long free_blocks(struct shrinker *shrinker, struct shrink_control *sc)
{
	u32 pages;

	if (!asked(sc))
		return SHRINK_STOP;
	pages = pbdiff_reclaim(at_work);
	if (current->reclaim_state)
#if PBDIFF_IS(6, 1)
		current->reclaim_state->reclaimed_slab += pages;
#else
		current->reclaim_state->reclaimed += pages;
#endif
	return pages;
}

#if PBDIFF_IS(6, 1)
static struct shrinker blocks = {
	.count_objects = count_blocks,
	.scan_objects = free_blocks,
	.seeks = DEFAULT_SEEKS,
	.flags = SHRINKER_NUMA_AWARE,
};

int pbdiff_reclaim_init(void)
{
	return register_shrinker(&blocks, "pbdiff");
}

void pbdiff_reclaim_exit(void)
{
	unregister_shrinker(&blocks);
}
#else
static struct shrinker *blocks;

int pbdiff_reclaim_init(void)
{
	blocks = shrinker_alloc(SHRINKER_NUMA_AWARE, "pbdiff");
	if (!blocks)
		return -ENOMEM;
	blocks->count_objects = count_blocks;
	blocks->scan_objects = free_blocks;
	shrinker_register(blocks);
	return 0;
}

void pbdiff_reclaim_exit(void)
{
	shrinker_free(blocks);
}
#endif
#endif
