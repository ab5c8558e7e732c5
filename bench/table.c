/* SPDX-License-Identifier: MIT */
/* The tables, at most 80 columns wide. */
#include <string.h>

#include "bench.h"

/* A time in ns in at most seven characters; "-" where there is none. */
static const char *time_text(double ns, char text[16])
{
	if (ns < 0)
		return "-";
	snprintf(text, 16,
		 ns < 9.995       ? "%.2f"
		 : ns < 999.5     ? "%.1f"
		 : ns < 9999999.5 ? "%.0f"
				  : "%.1e",
		 ns);
	return text;
}

static const char *ratio_text(double ratio, char text[16])
{
	if (ratio < 0)
		return "-";
	snprintf(text, 16,
		 ratio < 0.995      ? "%.2f"
		 : ratio < 99.5     ? "%.1f"
		 : ratio < 999999.5 ? "%.0f"
				    : "%.0e",
		 ratio);
	return text;
}

static void print_row(const struct results *r, const struct row *row)
{
	const struct row *peer = results_best_peer(r, row);
	double floor = r->floors.lifo_pair;
	char t[7][16];

	printf("%-17s %7s %7s %7s %7s %7s", row->allocator, time_text(row->alloc.median, t[0]),
	       time_text(row->free.median, t[1]), time_text(row->pair.median, t[2]),
	       time_text(row->pair.min, t[3]), time_text(row->pair.max, t[4]));
	printf(" %6s %6s %5llu\n", ratio_text(row->pair.median / floor, t[5]),
	       ratio_text(peer ? row->pair.median / peer->pair.median : -1, t[6]),
	       (unsigned long long)row->failures);
}

static bool same_cell(const struct row *a, const struct row *b)
{
	return a->order == b->order && a->threads == b->threads &&
	       !strcmp(a->workload, b->workload);
}

static bool cell_seen(const struct results *r, unsigned int i)
{
	unsigned int k;

	for (k = 0; k < i; k++)
		if (same_cell(&r->rows[k], &r->rows[i]))
			return true;
	return false;
}

static void print_cells(const struct results *r)
{
	unsigned int i, k;

	for (i = 0; i < r->nr_rows; i++) {
		const struct row *first = &r->rows[i];

		if (cell_seen(r, i))
			continue;
		printf("\n%s, %s%u, %u thread%s (ns)\n", first->workload,
		       strcmp(first->workload, "mixed") ? "order " : "orders 0 to ", first->order,
		       first->threads, first->threads == 1 ? "" : "s");
		printf("%-17s %7s %7s %7s %7s %7s %6s %6s %5s\n", "", "alloc", "free", "pair",
		       "min", "max", "xfloor", "xpeer", "fail");
		for (k = i; k < r->nr_rows; k++)
			if (same_cell(first, &r->rows[k]))
				print_row(r, &r->rows[k]);
	}
}

static void print_frags(const struct results *r)
{
	unsigned int i;

	if (!r->nr_frags)
		return;
	printf("\nfragmentation: blocks of order 9 obtainable, of those that the free pages are\n");
	printf("(each run with another seed: the median's, the least part and the most)\n");
	printf("%-21s %-17s %4s %6s %5s %5s %5s %5s %4s\n", "", "", "runs", "blocks", "of", "part",
	       "least", "most", "fail");
	for (i = 0; i < r->nr_frags; i++) {
		const struct fragmentation *f = &r->frags[i];
		char name[64];

		snprintf(name, sizeof(name), "%.*s, orders 0 to %u", (int)strcspn(f->workload, "-"),
			 f->workload, f->order);
		if (!f->order)
			snprintf(name, sizeof(name), "%s, order 0", f->workload);
		printf("%-21s %-17s %4u %6llu %5llu %5.3f %5.3f %5.3f %4llu\n", name, f->allocator,
		       f->seeds, (unsigned long long)f->blocks, (unsigned long long)f->possible,
		       results_frag_part(f), f->least, f->most, (unsigned long long)f->failures);
	}
}

static void print_memory(const struct results *r)
{
	char t[3][16];
	unsigned int i;

	if (r->nr_metas) {
		printf("\nmetadata and time to set up a pool (addresses only)\n");
		printf("%-17s %9s %13s %8s %8s %8s\n", "", "GiB", "bytes/page", "ms", "min", "max");
	}
	for (i = 0; i < r->nr_metas; i++) {
		const struct metadata *m = &r->metas[i];

		printf("%-17s %9.0f %13.3f %8s %8s %8s\n", m->allocator, m->pages / 262144.0,
		       (double)m->bytes / m->pages, time_text(m->init.median / 1e6, t[0]),
		       time_text(m->init.min / 1e6, t[1]), time_text(m->init.max / 1e6, t[2]));
	}
	if (r->nr_memories)
		printf("\nresident memory at most, all pages held as order 0 and none touched (MiB)\n");
	for (i = 0; i < r->nr_memories; i++)
		printf("%-17s %9.1f\n", r->memories[i].allocator, r->memories[i].mib);
}

static void print_spreads(const char *title, const struct spread *s, unsigned int n)
{
	char t[6][16];
	unsigned int i;

	if (!n)
		return;
	printf("\n%s (ns)\n%-17s %-9s %7s %7s %7s %7s %7s %9s\n", title, "", "", "p50", "p99",
	       "p99.9", "p99.99", "99.999", "longest");
	for (i = 0; i < n; i++, s++)
		printf("%-17s %-9s %7s %7s %7s %7s %7s %9s\n", s->allocator, s->what,
		       time_text(s->p50, t[0]), time_text(s->p99, t[1]), time_text(s->p999, t[2]),
		       time_text(s->p9999, t[3]), time_text(s->p99999, t[4]),
		       time_text(s->max, t[5]));
}

void table_print(const struct results *r, const struct options *o)
{
	const struct machine *m = &r->machine;

	printf("machine   %s, %u CPU%s%s\n", m->cpu, m->cpus, m->cpus == 1 ? "" : "s",
	       m->virtual ? ", a virtual machine" : "");
	printf("          %s%s%.0f GiB\n          %s; %s\n", m->caches, *m->caches ? "; " : "",
	       m->mem_gib, m->kernel, m->compiler);
	printf("memory    %llu MiB; %u runs of %u ms", (unsigned long long)o->pages >> 8, o->runs,
	       o->target_ms);
	if (o->enough_ms)
		printf(", none begun after %u ms", o->enough_ms);
	printf("; seed %llu\n%s", (unsigned long long)o->seed,
	       o->verify ? "          OWNERSHIP VERIFIED: no times\n" : "");
	printf("floors    lifo pair %.2f ns, call pair %.2f, CAS %.1f, try-lock %.1f, chase %.0f\n",
	       r->floors.lifo_pair, r->floors.call_pair, r->floors.cas, r->floors.trylock_pair,
	       r->floors.chase_4mib);
	print_cells(r);
	print_frags(r);
	print_memory(r);
	print_spreads("mixed, each operation timed", r->spreads, r->nr_spreads);
	print_spreads("mixed, how long zone locks are held", r->holds, r->nr_holds);
}
