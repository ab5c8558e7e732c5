// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Several CPUs at work in one known order.
 *
 *	the CPU of the phase          another one
 *	chooses the next call   -->   waits, not to be interrupted by any task
 *	waits                         calls, leaves the answer
 *	records it              <--   waits
 *
 * A CPU that waits does not rest: one that did would add what it counted to the zone's
 * counter. Each call ends before the next begins, so the order of the record is the order
 * in which they happened, under locks that nobody else asked for.
 */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "pbdiff.h"

enum { NOTHING, ALLOC, FREE };

struct helper {
	struct task_struct *task;
	int what; /* posted, and NOTHING again when it is done */
	bool ready;
	int node;
	gfp_t gfp;
	u32 order;
	struct page *page; /* to free, or the answer */
};

static struct helper helpers[PBDIFF_MAX_TURNS];
static bool over;

static void serve(struct helper *helper)
{
	int what = smp_load_acquire(&helper->what);

	if (what == ALLOC)
		helper->page = alloc_pages_node(helper->node, helper->gfp, helper->order);
	else if (what == FREE)
		__free_pages(helper->page, helper->order);
	if (what != NOTHING)
		smp_store_release(&helper->what, NOTHING);
	cpu_relax();
}

static int help(void *arg)
{
	struct helper *helper = arg;

	preempt_disable();
	smp_store_release(&helper->ready, true);
	while (!smp_load_acquire(&over))
		serve(helper);
	preempt_enable();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void call(struct helper *helper, int what)
{
	smp_store_release(&helper->what, what);
	while (smp_load_acquire(&helper->what) != NOTHING)
		cpu_relax();
}

/* NULL: the caller is on that CPU. */
static struct helper *helper_of(int cpu)
{
	return cpu < PBDIFF_MAX_TURNS && helpers[cpu].task ? &helpers[cpu] : NULL;
}

struct page *pbdiff_alloc_on(int cpu, int node, gfp_t gfp, u32 order)
{
	struct helper *helper = helper_of(cpu);

	if (!helper)
		return alloc_pages_node(node, gfp, order);
	helper->node = node;
	helper->gfp = gfp;
	helper->order = order;
	call(helper, ALLOC);
	return helper->page;
}

void pbdiff_free_on(int cpu, struct page *page, u32 order)
{
	struct helper *helper = helper_of(cpu);

	if (!helper) {
		__free_pages(page, order);
		return;
	}
	helper->page = page;
	helper->order = order;
	call(helper, FREE);
}

void pbdiff_turns_end(void)
{
	int cpu;

	smp_store_release(&over, true);
	for (cpu = 0; cpu < PBDIFF_MAX_TURNS; cpu++) {
		if (!helpers[cpu].task)
			continue;
		kthread_stop(helpers[cpu].task);
		helpers[cpu] = (struct helper){ .task = NULL };
	}
}

/* All but `cpu`, which the phase itself is on, of the first `turns`. May sleep. */
int pbdiff_turns_begin(u32 turns, int cpu)
{
	struct task_struct *task;
	int each;

	over = false;
	for (each = 0; each < turns; each++) {
		if (each == cpu)
			continue;
		task = kthread_create(help, &helpers[each], "pbdiff/%d", each);
		if (IS_ERR(task)) {
			pbdiff_turns_end();
			return PTR_ERR(task);
		}
		kthread_bind(task, each);
		helpers[each].task = task;
		wake_up_process(task);
	}
	for (each = 0; each < turns; each++)
		while (helpers[each].task && !smp_load_acquire(&helpers[each].ready))
			schedule_timeout_interruptible(1);
	return 0;
}
