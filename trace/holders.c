/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_chain.h"
#include "holders.h"

/* --------------------------------------------------------------------- lines */

struct line_reader {
	const char *at, *end;
	char line[1024];
};

static bool next_line(struct line_reader *r)
{
	const char *newline;
	size_t n;

	if (r->at >= r->end)
		return false;
	newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	n = (size_t)((newline ? newline : r->end) - r->at);
	snprintf(r->line, sizeof(r->line), "%.*s",
		 (int)(n < sizeof(r->line) ? n : sizeof(r->line) - 1), r->at);
	n = strlen(r->line);
	if (n && r->line[n - 1] == '\r')
		r->line[n - 1] = '\0';
	r->at = newline ? newline + 1 : r->end;
	return true;
}

/* Room for one more; NULL: no memory. */
static void *grow(void **list, size_t nr, size_t size)
{
	void *grown = list[0];

	if (!(nr & (nr - 1))) { /* at each power of two */
		grown = realloc(*list, (nr ? 2 * nr : 1) * size);
		if (!grown)
			return NULL;
		*list = grown;
	}
	memset((char *)grown + nr * size, 0, size);
	return (char *)grown + nr * size;
}

/* ---------------------------------------------------------------- page_owner */

/* One entry while its lines come. */
struct entry {
	bool open, has_stack;
	uint64_t times; /* of page_owner_sort, which prints equal ones once; else 1 */
	unsigned int order;
	char comm[20], site[64], type[16], block_type[16];
	uint64_t pfn, block;
	bool has_pfn;
};

/* "Page allocated via order 3, mask 0x..(..), pid 412, tgid 412 (comm), ts N ns" */
static void open_entry(struct entry *entry, const char *line, uint64_t times)
{
	const char *tgid = strstr(line, "tgid "), *open, *close;

	*entry = (struct entry){ .open = true, .times = times };
	sscanf(line, "Page allocated via order %u", &entry->order);
	snprintf(entry->comm, sizeof(entry->comm), "?");
	open = tgid ? strchr(tgid, '(') : NULL;
	close = open ? strstr(open, "), ts") : NULL;
	if (!close && open)
		close = strrchr(open, ')');
	if (close)
		snprintf(entry->comm, sizeof(entry->comm), "%.*s", (int)(close - open - 1),
			 open + 1);
}

/* "PFN 0x41208 type Unmovable Block 521 type CMA Flags ..."; the pfn may be decimal. */
static bool take_pfn(struct entry *entry, const char *line)
{
	char pfn[32];
	unsigned long long block;

	if (sscanf(line, "PFN %31s type %15s Block %llu type %15s", pfn, entry->type, &block,
		   entry->block_type) != 4)
		return false;
	entry->pfn = strtoull(pfn, NULL, 0);
	entry->block = block;
	entry->has_pfn = true;
	return true;
}

static void take_frame(struct entry *entry, const char *line)
{
	char name[64];

	line += strspn(line, " \t");
	if (!strncmp(line, "[<", 2)) { /* up to 4.13 the address stands in front */
		line = strchr(line, ']');
		if (!line)
			return;
		line++;
	}
	entry->has_stack = true;
	if (entry->site[0] || sscanf(line, " %63[^+ \t]", name) != 1 || pb_is_allocator(name))
		return;
	memcpy(entry->site, name, sizeof(name));
}

static struct pb_held_block *block_of(struct pb_page_owner *owner, const struct entry *entry)
{
	struct pb_held_block *block;
	size_t n = owner->nr_blocks;

	/* The dump goes by pfn: the pageblock is the last one, or a new one. */
	if (n && owner->blocks[n - 1].number == entry->block)
		return &owner->blocks[n - 1];
	block = grow((void **)&owner->blocks, n, sizeof(*block));
	if (!block)
		return NULL;
	owner->nr_blocks++;
	block->number = entry->block;
	block->pfn = entry->pfn;
	memcpy(block->type, entry->block_type, sizeof(block->type));
	return block;
}

static bool spoils(const struct entry *entry)
{
	return strcmp(entry->type, "Movable") && strcmp(entry->type, "CMA") &&
	       (!strcmp(entry->block_type, "Movable") || !strcmp(entry->block_type, "CMA"));
}

static void add_task(struct pb_held_block *block, const struct entry *entry)
{
	for (unsigned int i = 0; i < block->nr_by; i++)
		if (!strcmp(block->by[i], entry->comm))
			return;
	if (!block->nr_by)
		memcpy(block->site, entry->site, sizeof(block->site));
	if (block->nr_by < 3)
		memcpy(block->by[block->nr_by++], entry->comm, sizeof(entry->comm));
}

static struct pb_holder *holder_of(struct pb_page_owner *owner, const struct entry *entry)
{
	struct pb_holder *holder;

	for (size_t i = 0; i < owner->nr_holders; i++) {
		holder = &owner->holders[i];
		if (holder->order == entry->order && !strcmp(holder->comm, entry->comm) &&
		    !strcmp(holder->site, entry->site) && !strcmp(holder->type, entry->type))
			return holder;
	}
	holder = grow((void **)&owner->holders, owner->nr_holders, sizeof(*holder));
	if (!holder)
		return NULL;
	owner->nr_holders++;
	holder->order = entry->order;
	holder->last_spoiled = UINT64_MAX;
	memcpy(holder->comm, entry->comm, sizeof(holder->comm));
	memcpy(holder->site, entry->site, sizeof(holder->site));
	memcpy(holder->type, entry->type, sizeof(holder->type));
	return holder;
}

/* 0, or -1: no memory. */
static int close_entry(struct pb_page_owner *owner, struct entry *entry)
{
	uint64_t pages = entry->order < 32 ? UINT64_C(1) << entry->order : 0;
	struct pb_held_block *block;
	struct pb_holder *holder;

	if (!entry->open)
		return 0;
	entry->open = false;
	if ((!entry->has_pfn && entry->times < 2 && !owner->sorted) || !pages) {
		owner->bad_lines++;
		return 0;
	}
	holder = holder_of(owner, entry);
	block = holder && entry->has_pfn ? block_of(owner, entry) : NULL;
	if (!holder || (entry->has_pfn && !block))
		return -1;
	owner->entries += entry->times;
	owner->pages += pages * entry->times;
	holder->blocks += entry->times;
	holder->pages += pages * entry->times;
	if (!block)
		return 0;
	*(!strcmp(entry->type, "Unmovable")     ? &block->unmovable
	  : !strcmp(entry->type, "Reclaimable") ? &block->reclaimable
						: &block->movable) += pages;
	if (strcmp(entry->type, "Movable"))
		add_task(block, entry);
	if (spoils(entry) && holder->last_spoiled != entry->block) {
		holder->spoiled++;
		holder->last_spoiled = entry->block;
	}
	return 0;
}

static bool block_is_spoiled(const struct pb_held_block *block)
{
	return (block->unmovable || block->reclaimable) &&
	       (!strcmp(block->type, "Movable") || !strcmp(block->type, "CMA"));
}

static int by_harm(const void *a, const void *b)
{
	const struct pb_held_block *x = a, *y = b;
	bool p = block_is_spoiled(x), q = block_is_spoiled(y);

	if (p != q)
		return q - p;
	if (x->unmovable != y->unmovable)
		return x->unmovable < y->unmovable ? 1 : -1;
	return (x->number > y->number) - (x->number < y->number);
}

static int by_pages(const void *a, const void *b)
{
	const struct pb_holder *x = a, *y = b;

	if (x->spoiled != y->spoiled)
		return x->spoiled < y->spoiled ? 1 : -1;
	return (x->pages < y->pages) - (x->pages > y->pages);
}

int pb_page_owner_parse(const char *text, size_t len, struct pb_page_owner *owner, char *error,
			size_t size)
{
	struct line_reader r = { .at = text, .end = text + len };
	struct entry entry = { 0 };
	uint64_t times = 1;
	int status = 0;

	memset(owner, 0, sizeof(*owner));
	while (!status && next_line(&r)) {
		unsigned long long n;
		int used = 0;

		if (!strncmp(r.line, "Page allocated via order ", 25)) {
			status = close_entry(owner, &entry);
			open_entry(&entry, r.line, times);
			times = 1;
		} else if (sscanf(r.line, "%llu times%n", &n, &used) == 1 && used &&
			   n < UINT32_MAX) {
			owner->sorted = true;
			times = n;
		} else if (entry.open && !strncmp(r.line, "PFN ", 4)) {
			owner->bad_lines += !take_pfn(&entry, r.line);
		} else if (entry.open && r.line[0] == ' ') {
			take_frame(&entry, r.line);
		}
	}
	/* an entry ends with its stack; the file with an empty line */
	owner->cut = entry.open && (!entry.has_stack || (len && text[len - 1] != '\n'));
	if (owner->cut && !entry.has_pfn && !owner->sorted)
		entry.open = false;
	if (!status)
		status = close_entry(owner, &entry);
	if (status || !owner->entries) {
		snprintf(error, size, "%s",
			 status ? "out of memory" : "no entry of page_owner with a PFN line in it");
		pb_page_owner_free(owner);
		return -1;
	}
	qsort(owner->holders, owner->nr_holders, sizeof(*owner->holders), by_pages);
	if (owner->nr_blocks) /* of page_owner_sort there are none */
		qsort(owner->blocks, owner->nr_blocks, sizeof(*owner->blocks), by_harm);
	for (size_t i = 0; i < owner->nr_blocks; i++)
		owner->nr_spoiled += block_is_spoiled(&owner->blocks[i]);
	return 0;
}

void pb_page_owner_free(struct pb_page_owner *owner)
{
	free(owner->holders);
	free(owner->blocks);
	memset(owner, 0, sizeof(*owner));
}

/* ----------------------------------------------------------------- allocinfo */

static int by_bytes(const void *a, const void *b)
{
	const struct pb_alloc_site *x = a, *y = b;

	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

/* "   74657792    18227 mm/slub.c:2490 [module] func:alloc_slab_page" */
static int allocinfo_line(struct pb_allocinfo *info, const char *line)
{
	unsigned long long bytes, calls;
	const char *func = strstr(line, "func:");
	struct pb_alloc_site *site;
	char place[64], module[40] = "";

	if (!func || sscanf(line, " %llu %llu %63s %39s", &bytes, &calls, place, module) < 3)
		return line[0] && line[0] != '#' && strncmp(line, "allocinfo", 9) ? 1 : 0;
	site = grow((void **)&info->sites, info->nr_sites, sizeof(*site));
	if (!site)
		return -1;
	info->nr_sites++;
	site->bytes = bytes;
	site->calls = calls;
	sscanf(func + 5, "%63s", site->function);
	snprintf(site->place, sizeof(site->place), "%.55s%s%.38s", place,
		 module[0] == '[' ? " " : "", module[0] == '[' ? module : "");
	info->bytes += bytes;
	info->calls += calls;
	return 0;
}

int pb_allocinfo_parse(const char *text, size_t len, struct pb_allocinfo *info, char *error,
		       size_t size)
{
	struct line_reader r = { .at = text, .end = text + len };
	int status = 0;

	memset(info, 0, sizeof(*info));
	while (status >= 0 && next_line(&r)) {
		status = allocinfo_line(info, r.line);
		info->bad_lines += status > 0;
	}
	if (status < 0 || !info->nr_sites) {
		snprintf(error, size, "%s",
			 status < 0 ? "out of memory"
				    : "no line BYTES CALLS PLACE func:NAME in it");
		pb_allocinfo_free(info);
		return -1;
	}
	qsort(info->sites, info->nr_sites, sizeof(*info->sites), by_bytes);
	return 0;
}

void pb_allocinfo_free(struct pb_allocinfo *info)
{
	free(info->sites);
	memset(info, 0, sizeof(*info));
}

/* ------------------------------------------------------------------- indices */

static int index_line(struct pb_index *index, const char *line)
{
	struct pb_index_zone *zone, parsed = { 0 };
	int used = 0;
	char *end;

	if (sscanf(line, " Node %d, zone %15s%n", &parsed.node, parsed.name, &used) != 2)
		return 0;
	for (line += used; parsed.nr_orders < PB_INDEX_ORDERS; line = end) {
		parsed.index[parsed.nr_orders] = strtod(line, &end);
		if (end == line)
			break;
		parsed.nr_orders++;
	}
	if (!parsed.nr_orders)
		return 0;
	zone = grow((void **)&index->zones, index->nr_zones, sizeof(*zone));
	if (!zone)
		return -1;
	*zone = parsed;
	index->nr_zones++;
	for (unsigned int o = 0; o < parsed.nr_orders; o++)
		index->unusable &= parsed.index[o] >= 0;
	return 0;
}

int pb_index_parse(const char *text, size_t len, struct pb_index *index, char *error, size_t size)
{
	struct line_reader r = { .at = text, .end = text + len };
	int status = 0;

	*index = (struct pb_index){ .unusable = true };
	while (!status && next_line(&r))
		status = index_line(index, r.line);
	if (status || !index->nr_zones) {
		snprintf(error, size, "%s",
			 status ? "out of memory"
				: "no line 'Node N, zone NAME' with numbers in it");
		pb_index_free(index);
		return -1;
	}
	return 0;
}

void pb_index_free(struct pb_index *index)
{
	free(index->zones);
	memset(index, 0, sizeof(*index));
}
