/* SPDX-License-Identifier: MIT */
/*
 * --json: {"machine", "floors", "rows", "fragmentation", "metadata_bytes_per_page",
 * "init_ms"}; times in ns, null where a workload has no such figure.
 */
#include <string.h>

#include <jansson.h>

#include "bench.h"

static json_t *time_value(double ns)
{
	return ns < 0 ? json_null() : json_real(ns);
}

static json_t *machine_value(const struct machine *m)
{
	return json_pack("{s:s, s:i, s:s, s:f, s:s, s:s, s:b}", "cpu", m->cpu, "cpus", (int)m->cpus,
			 "caches", m->caches, "memory_gib", m->mem_gib, "kernel", m->kernel,
			 "compiler", m->compiler, "virtual", m->virtual);
}

static json_t *rows_value(const struct results *r)
{
	json_t *rows = json_array();
	unsigned int i;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *row = &r->rows[i];

		json_array_append_new(rows, json_pack("{s:s, s:i, s:i, s:s, s:o, s:o, s:o, s:I}",
						      "workload", row->workload, "order",
						      (int)row->order, "threads", (int)row->threads,
						      "allocator", row->allocator, "ns_alloc",
						      time_value(row->alloc.median), "ns_free",
						      time_value(row->free.median), "ns_pair",
						      time_value(row->pair.median), "failures",
						      (json_int_t)row->failures));
	}
	return rows;
}

/* "churn-50" is DESIGN's "churn 50"; mixed says which orders, for it is there twice. */
static void frag_name(const struct fragmentation *f, char name[64])
{
	char *dash;

	if (!strcmp(f->workload, "mixed-frag")) {
		snprintf(name, 64, "mixed 0-%u", f->order);
		return;
	}
	snprintf(name, 64, "%s", f->workload);
	dash = strchr(name, '-');
	if (dash)
		*dash = ' ';
}

static json_t *frags_value(const struct results *r)
{
	json_t *frags = json_array();
	char name[64];
	unsigned int i;

	for (i = 0; i < r->nr_frags; i++) {
		const struct fragmentation *f = &r->frags[i];

		frag_name(f, name);
		json_array_append_new(frags, json_pack("{s:s, s:s, s:I, s:I, s:I}", "workload",
						       name, "allocator", f->allocator, "blocks",
						       (json_int_t)f->blocks, "possible",
						       (json_int_t)f->possible, "failures",
						       (json_int_t)f->failures));
	}
	return frags;
}

static json_t *init_value(const struct results *r, uint64_t pages)
{
	const struct metadata *meta = results_meta(r, "pagebuddy", pages);

	return meta ? json_real(meta->init.median / 1e6) : json_null();
}

static json_t *per_page_value(const struct results *r)
{
	const struct metadata *meta = results_meta(r, "pagebuddy", 1ull << 20);

	return meta ? json_real((double)meta->bytes / meta->pages) : json_null();
}

int json_write(const struct results *r, const char *path)
{
	const struct floors *f = &r->floors;
	json_t *root;
	int failed;

	root = json_pack("{s:o, s:{s:f, s:f, s:f, s:f, s:f}, s:o, s:o, s:o, s:{s:o, s:o, s:o}}",
			 "machine", machine_value(&r->machine), "floors", "lifo_pair", f->lifo_pair,
			 "call_pair", f->call_pair, "cas", f->cas, "trylock_pair", f->trylock_pair,
			 "chase_4mib", f->chase_4mib, "rows", rows_value(r), "fragmentation",
			 frags_value(r), "metadata_bytes_per_page", per_page_value(r), "init_ms",
			 "4GiB", init_value(r, 1ull << 20), "64GiB", init_value(r, 1ull << 24),
			 "1TiB", init_value(r, 1ull << 28));
	failed = !root || json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(root);
	if (failed)
		fprintf(stderr, "pagebuddy-bench: --json: cannot write %s\n", path);
	return failed ? -1 : 0;
}
