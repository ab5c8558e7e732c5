// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * /sys/kernel/debug/pbdiff/
 *	script	write: steps for the kind "script", e.g. "a 8 0 100; f 50"
 *	run	write: "KIND seed=N ops=N node=N turns=N cpu=N": one phase
 *	managed	write: "NODE PAGES": what its highest zone is to have
 *	log	read: the last phase as text (FORMAT.md)
 *	end	read: how many phases and operations there were
 *	realtime write: the writing task becomes SCHED_FIFO, so that kswapd and
 *		workers wait until it sleeps
 *
 * A phase is state, operations, state with preemption off on one CPU, so that
 * no other task's request falls between. The blocks it leaves allocated stay
 * with the module until a later phase or rmmod frees them.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "pbdiff.h"

#define MAX_OPS 200000
#define DEFAULT_OPS 10000
#define LOTS_WORDS (4 << 20)

static DEFINE_MUTEX(lock);
static struct dentry *dir;
static struct pbdiff_ops ops = { .req.node = NUMA_NO_NODE };
static struct pbdiff_state before, after, lots;
static struct pbdiff_held *held_before;
static u32 nr_held_before;
static u32 nr_phases;
static u64 nr_all_ops;

/* Settings that no structure within reach holds: the kernel says them as text. */
static struct {
	int boost_factor; /* -1: this kernel doesn't say */
	int shuffle;
} settings;

static void free_buffers(void)
{
	while (ops.nr_held) {
		ops.nr_held--;
		__free_pages(pfn_to_page(ops.held[ops.nr_held].pfn), ops.held[ops.nr_held].order);
	}
	vfree(ops.op);
	vfree(ops.held);
	vfree(held_before);
	vfree(before.word);
	vfree(after.word);
	vfree(lots.word);
	ops.op = NULL;
	ops.held = held_before = NULL;
	before.word = after.word = lots.word = NULL;
	ops.req.node = NUMA_NO_NODE;
}

/* Everything a phase writes to, on this CPU's node and not on the one tested. */
static int alloc_buffers(int node)
{
	u32 frames = NODE_DATA(node)->node_spanned_pages;
	int here = numa_mem_id();

	if (ops.req.node == node)
		return 0;
	free_buffers();
	ops.max_held = frames;
	before.max_words = after.max_words = 2 * frames + 65536;
	ops.op = vmalloc_node(MAX_OPS * sizeof(*ops.op), here);
	ops.held = vmalloc_node(frames * sizeof(*ops.held), here);
	held_before = vmalloc_node(frames * sizeof(*held_before), here);
	before.word = vmalloc_node(before.max_words * sizeof(u32), here);
	after.word = vmalloc_node(after.max_words * sizeof(u32), here);
	if (!ops.op || !ops.held || !held_before || !before.word || !after.word) {
		free_buffers();
		return -ENOMEM;
	}
	if (settings.shuffle == 1) {
		lots.max_words = LOTS_WORDS;
		lots.word = vmalloc_node(lots.max_words * sizeof(u32), here);
		if (!lots.word) {
			free_buffers();
			return -ENOMEM;
		}
	}
	ops.lots = lots.word ? &lots : NULL;
	ops.req.node = node;
	ops.held_pages = 0;
	return 0;
}

/* The number in the first line of a file, Y being 1 and N 0; -1: there is none. */
static int read_setting(const char *name)
{
	struct file *file = filp_open(name, O_RDONLY, 0);
	char text[16] = "";
	loff_t at = 0;
	int value = -1;

	if (IS_ERR(file))
		return -1;
	if (kernel_read(file, text, sizeof(text) - 1, &at) > 0 &&
	    kstrtoint(strim(text), 10, &value))
		value = text[0] == 'Y' ? 1 : text[0] == 'N' ? 0 : -1;
	filp_close(file, NULL);
	return value;
}

static void read_settings(void)
{
	settings.boost_factor = read_setting("/proc/sys/vm/watermark_boost_factor");
	settings.shuffle = read_setting("/sys/module/page_alloc/parameters/shuffle");
}

static long run_phase(void)
{
	int prio, err = 0;

	if (ops.req.turns > 1)
		err = pbdiff_turns_begin(ops.req.turns, ops.req.cpu);
	if (err)
		return err;
	preempt_disable();
	prio = hide_realtime();
	ops.req.cpu = smp_processor_id();
	nr_held_before = ops.nr_held;
	memcpy(held_before, ops.held, ops.nr_held * sizeof(*ops.held));
	pbdiff_capture(&before, ops.req.node, ops.req.cpu);
	pbdiff_perform(&ops);
	pbdiff_capture(&after, ops.req.node, ops.req.cpu);
	show_realtime(prio);
	preempt_enable();
	if (ops.req.turns > 1)
		pbdiff_turns_end();
	nr_phases++;
	nr_all_ops += ops.nr_ops;
	return 0;
}

static long run_phase_on(void *unused)
{
	return run_phase();
}

static int parse_request(char *text, struct pbdiff_request *req)
{
	char *word = strsep(&text, " ");
	int err = 0;

	if (!word || !pbdiff_kind_known(word)) {
		pr_err("pbdiff: kind '%s' is unknown; see FORMAT.md\n", word);
		return -EINVAL;
	}
	strscpy(req->kind, word, sizeof(req->kind));
	while (!err && (word = strsep(&text, " ")) != NULL) {
		if (!strncmp(word, "seed=", 5))
			err = kstrtou64(word + 5, 0, &req->seed);
		else if (!strncmp(word, "ops=", 4))
			err = kstrtou32(word + 4, 0, &req->max_ops);
		else if (!strncmp(word, "node=", 5))
			err = kstrtoint(word + 5, 0, &req->node);
		else if (!strncmp(word, "turns=", 6))
			err = kstrtou32(word + 6, 0, &req->turns);
		else if (!strncmp(word, "cpu=", 4))
			err = kstrtoint(word + 4, 0, &req->cpu);
		else
			err = -EINVAL;
		if (err)
			pr_err("pbdiff: '%s'; expected seed=N, ops=N, node=N, turns=N or cpu=N\n",
			       word);
	}
	return err;
}

static int check_request(const struct pbdiff_request *req)
{
	if (req->node < 0 || req->node >= MAX_NUMNODES || !node_online(req->node) ||
	    !node_state(req->node, N_MEMORY)) {
		pr_err("pbdiff: node=%d; expected an online node with memory\n", req->node);
		return -EINVAL;
	}
	if (req->cpu < -1 ||
	    (req->cpu >= 0 && ((u32)req->cpu >= nr_cpu_ids || !cpu_online(req->cpu)))) {
		pr_err("pbdiff: cpu=%d; expected an online CPU\n", req->cpu);
		return -EINVAL;
	}
	if (req->turns && (req->turns > PBDIFF_MAX_TURNS || req->turns > num_online_cpus() ||
			   req->cpu < 0 || req->cpu >= req->turns)) {
		pr_err("pbdiff: turns=%u cpu=%d; expected at most %d CPUs, all online, and cpu one of them\n",
		       req->turns, req->cpu, PBDIFF_MAX_TURNS);
		return -EINVAL;
	}
	if (req->max_ops < 1 || req->max_ops > MAX_OPS) {
		pr_err("pbdiff: ops=%u; expected 1 to %u\n", req->max_ops, MAX_OPS);
		return -EINVAL;
	}
	return 0;
}

static ssize_t run_write(struct file *file, const char __user *data, size_t len, loff_t *pos)
{
	struct pbdiff_request req = { .seed = 1, .max_ops = DEFAULT_OPS, .node = 1, .cpu = -1 };
	char *text = memdup_user_nul(data, min_t(size_t, len, 255));
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = parse_request(strim(text), &req);
	kfree(text);
	if (!err)
		err = check_request(&req);
	if (err)
		return err;
	mutex_lock(&lock);
	read_settings();
	err = alloc_buffers(req.node);
	if (!err) {
		ops.req = req;
		if (req.cpu < 0)
			err = run_phase();
		else
			err = work_on_cpu(req.cpu, run_phase_on, NULL);
		if (before.overflow || after.overflow || lots.overflow)
			err = -ENOSPC;
	}
	mutex_unlock(&lock);
	return err ? err : len;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

static int parse_step(char *text, struct pbdiff_script_step *step)
{
	*step = (struct pbdiff_script_step){ .count = 1 };
	if (sscanf(text, "a %x %u %u", &step->gfp, &step->order, &step->count) == 3) {
		step->what = 'a';
		return 0;
	}
	if (sscanf(text, "%c %u", &step->what, &step->count) == 2 && strchr("frms", step->what))
		return 0;
	pr_err("pbdiff: step '%s'; expected 'a GFP ORDER COUNT' or one of f, r, m, s and a count\n",
	       text);
	return -EINVAL;
}

static ssize_t script_write(struct file *file, const char __user *data, size_t len, loff_t *pos)
{
	char *text = memdup_user_nul(data, min_t(size_t, len, 4095)), *rest = text, *word;
	int err = 0;

	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&lock);
	ops.nr_steps = 0;
	while (!err && (word = strsep(&rest, ";\n")) != NULL) {
		word = strim(word);
		if (!*word)
			continue;
		err = ops.nr_steps == PBDIFF_MAX_STEPS ? -E2BIG
						       : parse_step(word, &ops.step[ops.nr_steps]);
		if (!err)
			ops.nr_steps++;
	}
	mutex_unlock(&lock);
	kfree(text);
	return err ? err : len;
}

static const struct file_operations script_fops = {
	.owner = THIS_MODULE,
	.write = script_write,
};

static ssize_t managed_write(struct file *file, const char __user *data, size_t len, loff_t *pos)
{
	char *text = memdup_user_nul(data, min_t(size_t, len, 63));
	unsigned long pages;
	int node, err = -EINVAL;

	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&lock);
	if (sscanf(text, "%d %lu", &node, &pages) != 2 || node < 0 || node >= MAX_NUMNODES ||
	    !node_state(node, N_MEMORY))
		pr_err("pbdiff: managed '%s'; expected an online node with memory and pages\n",
		       strim(text));
	else
		err = pbdiff_set_managed(node, pages);
	mutex_unlock(&lock);
	kfree(text);
	return err ? err : len;
}

static const struct file_operations managed_fops = {
	.owner = THIS_MODULE,
	.write = managed_write,
};

static ssize_t realtime_write(struct file *file, const char __user *data, size_t len, loff_t *pos)
{
	sched_set_fifo(current);
	return len;
}

static const struct file_operations realtime_fops = {
	.owner = THIS_MODULE,
	.write = realtime_write,
};

/* ---------------------------------------------------------------- the log */

enum { ITEM_HEAD, ITEM_BEFORE, ITEM_HELD, ITEM_AFTER, ITEM_HELD_AFTER, ITEM_END, ITEM_OPS };

#define OPS_PER_ITEM 512

/* Items in file order: head, before, held, operations..., after, held, end. */
static int item_of(loff_t pos)
{
	loff_t op_items = DIV_ROUND_UP(ops.nr_ops, OPS_PER_ITEM);

	if (pos < 3)
		return ITEM_HEAD + pos;
	if (pos < 3 + op_items)
		return ITEM_OPS + pos - 3;
	pos -= 3 + op_items;
	return pos < 3 ? ITEM_AFTER + pos : -1;
}

static void *log_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&lock);
	return nr_phases && item_of(*pos) >= 0 ? pos : NULL;
}

static void *log_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return item_of(*pos) >= 0 ? pos : NULL;
}

static void log_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&lock);
}

static void show_head(struct seq_file *m)
{
	seq_printf(m, "pbdiff %d\n", PBDIFF_FORMAT);
	seq_printf(m, "kernel %s\n", init_utsname()->release);
	seq_printf(
		m,
		"config max_order %d pageblock_order %d migratetypes %d pcp_lists %d cma %d isolate %d\n",
		PBDIFF_ORDERS - 1, (int)pageblock_order, MIGRATE_TYPES, PBDIFF_PCP_LISTS,
		IS_ENABLED(CONFIG_CMA) ? MIGRATE_PCPTYPES + 1 : -1,
		IS_ENABLED(CONFIG_MEMORY_ISOLATION) ? MIGRATE_TYPES - 1 : -1);
	seq_printf(m, "settings boost_factor %d shuffle %d nodes %d cpus %d\n",
		   settings.boost_factor, settings.shuffle, num_online_nodes(), num_online_cpus());
	seq_printf(m, "phase %u %s seed %llu node %d cpu %d ops %u\n", nr_phases, ops.req.kind,
		   ops.req.seed, ops.req.node, ops.req.cpu, ops.nr_ops);
}

static void show_held(struct seq_file *m, const struct pbdiff_held *held, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (i % 12 == 0)
			seq_printf(m, "%sheld", i ? "\n" : "");
		seq_printf(m, " %x/%u", held[i].pfn, held[i].order);
	}
	if (n)
		seq_putc(m, '\n');
}

static void show_ops(struct seq_file *m, u32 chunk)
{
	u32 i = chunk * OPS_PER_ITEM, end = min(ops.nr_ops, i + OPS_PER_ITEM);
	int cpu = i ? ops.op[i - 1].cpu : ops.req.cpu;
	u32 lot = 0;

	for (; i < end; i++) {
		const struct pbdiff_op *op = &ops.op[i];

		if (op->cpu != cpu)
			seq_printf(m, "c %u\n", op->cpu);
		cpu = op->cpu;
		if (op->is_free)
			seq_printf(m, "%c %u %x\n", op->reclaimed ? 'r' : 'f', op->order, op->pfn);
		else if (op->pfn == PBDIFF_NO_PFN)
			seq_printf(m, "a %x %u -\n", op->gfp, op->order);
		else
			seq_printf(m, "a %x %u %x\n", op->gfp, op->order, op->pfn);
		if (ops.lots)
			pbdiff_print_lots(m, ops.lots, i, &lot);
	}
}

static int log_show(struct seq_file *m, void *v)
{
	int item = item_of(*(loff_t *)v);

	if (item == ITEM_HEAD) {
		show_head(m);
	} else if (item == ITEM_BEFORE) {
		seq_puts(m, "state before\n");
		pbdiff_print_state(m, &before);
	} else if (item == ITEM_HELD) {
		show_held(m, held_before, nr_held_before);
		seq_puts(m, "ops\n");
	} else if (item == ITEM_AFTER) {
		seq_puts(m, "state after\n");
		pbdiff_print_state(m, &after);
	} else if (item == ITEM_HELD_AFTER) {
		show_held(m, ops.held, ops.nr_held);
	} else if (item == ITEM_END) {
		seq_printf(m, "end phase %u ops %u\n", nr_phases, ops.nr_ops);
	} else {
		show_ops(m, item - ITEM_OPS);
	}
	return 0;
}

static const struct seq_operations log_sops = {
	.start = log_start,
	.next = log_next,
	.stop = log_stop,
	.show = log_show,
};
DEFINE_SEQ_ATTRIBUTE(log);

static int end_show(struct seq_file *m, void *v)
{
	mutex_lock(&lock);
	seq_printf(m, "end log phases %u ops %llu\n", nr_phases, nr_all_ops);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(end);

static int __init pbdiff_init(void)
{
	int err = pbdiff_reclaim_init();

	if (err)
		return err;
	dir = debugfs_create_dir("pbdiff", NULL);
	if (IS_ERR(dir)) {
		pbdiff_reclaim_exit();
		return PTR_ERR(dir);
	}
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("script", 0200, dir, NULL, &script_fops);
	debugfs_create_file("managed", 0200, dir, NULL, &managed_fops);
	debugfs_create_file("realtime", 0200, dir, NULL, &realtime_fops);
	debugfs_create_file("log", 0400, dir, NULL, &log_fops);
	debugfs_create_file("end", 0400, dir, NULL, &end_fops);
	return 0;
}

static void __exit pbdiff_exit(void)
{
	debugfs_remove(dir);
	pbdiff_reclaim_exit();
	free_buffers();
	pbdiff_restore_managed();
}

module_init(pbdiff_init);
module_exit(pbdiff_exit);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Record the page allocator's state and answers on a quiet node");
