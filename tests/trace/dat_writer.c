/* SPDX-License-Identifier: MIT */
#include "dat_writer.h"

#define PAGE 4096
#define PAGE_HEAD 16             /* time stamp, commit */
#define MISSED (1u << 31)        /* in commit: events were lost before this page */
#define MISSED_STORED (1u << 30) /* and their number stands behind the data */
#define TIME_EXTEND 30
#define DELTA_BITS 27
#define MAX_PID 100000

enum {
	ID_ALLOC = 100,
	ID_FREE,
	ID_BATCHED,
	ID_LOCKED,
	ID_DRAIN,
	ID_EXTFRAG,
	ID_COMPACT,
	ID_PRINT = 5,
	ID_STACK = 4
};

static void add_u16(struct blob *blob, uint16_t v)
{
	blob_add(blob, &v, 2);
}

static void add_u32(struct blob *blob, uint32_t v)
{
	blob_add(blob, &v, 4);
}

static void add_u64(struct blob *blob, uint64_t v)
{
	blob_add(blob, &v, 8);
}

/* A text with its length in 8 bytes before it. */
static void add_long(struct blob *blob, const char *text)
{
	add_u64(blob, strlen(text));
	blob_text(blob, text);
}

/* --------------------------------------------------------------------- formats */

struct field {
	const char *type, *name;
	int offset, size, is_signed;
};

static void add_format(struct blob *blob, const char *name, int id, const struct field *fields)
{
	char text[2000];
	size_t n = (size_t)snprintf(
		text, sizeof(text),
		"name: %s\nID: %d\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n",
		name, id);

	for (; fields->name; fields++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "\tfield:%s %s;\toffset:%d;\tsize:%d;\tsigned:%d;\n",
				      fields->type, fields->name, fields->offset, fields->size,
				      fields->is_signed);
	snprintf(text + n, sizeof(text) - n, "\nprint fmt: \"x\"\n");
	add_long(blob, text);
}

#define PFN                                     \
	{                                       \
		"unsigned long", "pfn", 8, 8, 0 \
	}
#define ORDER                                     \
	{                                         \
		"unsigned int", "order", 16, 4, 0 \
	}

/* As Linux 6.1 and 6.18 publish them in tracefs. */
static void add_kmem(struct blob *blob)
{
	static const struct field alloc[] = { PFN,
					      ORDER,
					      { "unsigned long", "gfp_flags", 24, 8, 0 },
					      { "int", "migratetype", 32, 4, 1 },
					      { 0 } };
	static const struct field free_[] = { PFN, ORDER, { 0 } };
	static const struct field batched[] = { PFN, { 0 } };
	static const struct field locked[] = { PFN,
					       ORDER,
					       { "int", "migratetype", 20, 4, 1 },
					       { "int", "percpu_refill", 24, 4, 1 },
					       { 0 } };
	static const struct field drain[] = { PFN,
					      ORDER,
					      { "int", "migratetype", 20, 4, 1 },
					      { 0 } };
	static const struct field extfrag[] = { PFN,
						{ "int", "alloc_order", 16, 4, 1 },
						{ "int", "fallback_order", 20, 4, 1 },
						{ "int", "alloc_migratetype", 24, 4, 1 },
						{ "int", "fallback_migratetype", 28, 4, 1 },
						{ "int", "change_ownership", 32, 4, 1 },
						{ 0 } };

	blob_add(blob, "kmem", 5);
	add_u32(blob, 6);
	add_format(blob, "mm_page_alloc", ID_ALLOC, alloc);
	add_format(blob, "mm_page_free", ID_FREE, free_);
	add_format(blob, "mm_page_free_batched", ID_BATCHED, batched);
	add_format(blob, "mm_page_alloc_zone_locked", ID_LOCKED, locked);
	add_format(blob, "mm_page_pcpu_drain", ID_DRAIN, drain);
	add_format(blob, "mm_page_alloc_extfrag", ID_EXTFRAG, extfrag);
}

static void add_compaction(struct blob *blob)
{
	static const struct field isolate[] = { { "unsigned long", "start_pfn", 8, 8, 0 },
						{ "unsigned long", "end_pfn", 16, 8, 0 },
						{ "unsigned long", "nr_scanned", 24, 8, 0 },
						{ "unsigned long", "nr_taken", 32, 8, 0 },
						{ 0 } };

	blob_add(blob, "compaction", 11);
	add_u32(blob, 1);
	add_format(blob, "mm_compaction_isolate_freepages", ID_COMPACT, isolate);
}

static void add_formats(struct blob *blob, const struct dat_options *options)
{
	static const struct field print[] = { { "unsigned long", "ip", 8, 8, 0 },
					      { "char", "buf[]", 16, 0, 0 },
					      { 0 } };
	static const struct field stack[] = { { "int", "size", 8, 4, 1 },
					      { "unsigned long", "caller[]", 16, 0, 0 },
					      { 0 } };

	add_u32(blob, 2);
	add_format(blob, "print", ID_PRINT, print);
	add_format(blob, "kernel_stack", ID_STACK, stack);
	add_u32(blob, options->no_kmem ? 0 : 2);
	if (options->no_kmem)
		return;
	add_kmem(blob);
	add_compaction(blob);
}

/* ----------------------------------------------------------------------- events */

static void common(struct blob *blob, unsigned int id, const struct pb_event *e)
{
	add_u16(blob, (uint16_t)id);
	add_u16(blob, 0);
	add_u32(blob, (uint32_t)e->pid);
}

static void payload(struct blob *blob, const struct pb_event *e)
{
	static const unsigned int ids[PB_NR_EVENT_TYPES] = { ID_ALLOC,   ID_FREE,  ID_BATCHED,
							     ID_LOCKED,  ID_DRAIN, ID_EXTFRAG,
							     ID_COMPACT, 0,        0,
							     ID_PRINT };

	if (e->type == PB_EV_STACK) {
		common(blob, ID_STACK, e);
		add_u64(blob, 3);
		add_u64(blob, e->pfn);
		add_u64(blob, e->end_pfn);
		add_u64(blob, e->count);
		return;
	}
	common(blob, ids[e->type], e);
	add_u64(blob, e->pfn);
	if (e->type == PB_EV_MARK) {
		blob_add(blob, e->mark, strlen(e->mark) + 1);
	} else if (e->type == PB_EV_COMPACT_FREE) {
		add_u64(blob, e->end_pfn);
		add_u64(blob, 512);
		add_u64(blob, e->count);
	} else if (e->type == PB_EV_ALLOC) {
		add_u64(blob, e->order);
		add_u64(blob, e->gfp);
		add_u32(blob, (uint32_t)e->migratetype);
	} else if (e->type == PB_EV_EXTFRAG) {
		add_u32(blob, e->order);
		add_u32(blob, e->fallback_order);
		add_u32(blob, (uint32_t)e->migratetype);
		add_u32(blob, (uint32_t)e->fallback_migratetype);
		add_u32(blob, e->change_ownership);
	} else if (e->type != PB_EV_FREE_BATCHED) {
		add_u32(blob, e->order);
		add_u32(blob, (uint32_t)e->migratetype);
		add_u32(blob, e->percpu_refill);
	}
	while (blob->len % 4)
		blob_add(blob, "", 1);
}

/* One event behind `blob`, `delta` ns after the one before. */
static void record(struct blob *blob, const struct pb_event *e, uint64_t delta)
{
	struct blob data = { 0 };

	payload(&data, e);
	if (delta >> DELTA_BITS) {
		add_u32(blob, TIME_EXTEND | (uint32_t)(delta & ((1u << DELTA_BITS) - 1)) << 5);
		add_u32(blob, (uint32_t)(delta >> DELTA_BITS));
		delta = 0;
	}
	add_u32(blob, (uint32_t)(data.len / 4) | (uint32_t)delta << 5);
	blob_add(blob, data.bytes, data.len);
	blob_free(&data);
}

static void end_page(struct blob *pages, struct blob *data, uint64_t start, uint64_t flags,
		     uint64_t lost)
{
	static const char zeros[PAGE];
	size_t len = data->len;

	add_u64(pages, start);
	add_u64(pages, len | flags);
	if (flags & MISSED_STORED)
		add_u64(data, lost);
	blob_add(pages, data->bytes, data->len);
	blob_add(pages, zeros, PAGE - PAGE_HEAD - data->len);
	data->len = 0;
}

/* The pages of one CPU. */
static struct blob cpu_pages(const struct pb_event *events, size_t nr, unsigned int cpu,
			     const struct dat_options *options)
{
	struct blob pages = { 0 }, data = { 0 };
	uint64_t start = 0, last = 0;
	unsigned int page = 0;

	for (size_t i = 0; i <= nr; i++) {
		bool end = i == nr;
		uint64_t flags = 0;

		if (!end && events[i].cpu != cpu)
			continue;
		if (data.len && (end || data.len > PAGE - PAGE_HEAD - 200)) {
			if (cpu == 0 && page == 1 && options->lost_unknown)
				flags = MISSED;
			else if (cpu == 0 && page == 1 && options->lost)
				flags = MISSED | MISSED_STORED;
			end_page(&pages, &data, start, flags, options->lost);
			page++;
		}
		if (end)
			break;
		if (data.len == 0)
			start = last = events[i].time;
		record(&data, &events[i], events[i].time - last);
		last = events[i].time;
	}
	blob_free(&data);
	return pages;
}

/* ------------------------------------------------------------------------- file */

static void add_head(struct blob *blob, const struct dat_options *options)
{
	static const char page_head[] = "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
					"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
					"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
					"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";
	static const char event_head[] =
		"# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
		"\tarray       :   32 bits\n\n\tpadding     : type == 29\n"
		"\ttime_extend : type == 30\n\ttime_stamp : type == 31\n"
		"\tdata max type_len  == 28\n";

	blob_add(blob, "\x17\x08\x44tracing6\0\0\x08", 14);
	add_u32(blob, PAGE);
	blob_add(blob, "header_page", 12);
	add_long(blob, page_head);
	blob_add(blob, "header_event", 13);
	add_long(blob, event_head);
	add_formats(blob, options);
	add_u32(blob, options->kallsyms ? (uint32_t)strlen(options->kallsyms) : 0);
	if (options->kallsyms)
		blob_text(blob, options->kallsyms);
	add_u32(blob, 0); /* printk formats */
}

static void add_comms(struct blob *blob, const struct pb_event *events, size_t nr)
{
	bool *named = calloc(MAX_PID, sizeof(*named));
	struct blob text = { 0 };
	char line[64];

	assert_non_null(named);
	for (size_t i = 0; i < nr; i++) {
		assert_true(events[i].pid < MAX_PID);
		if (named[events[i].pid])
			continue;
		named[events[i].pid] = true;
		snprintf(line, sizeof(line), "%d %s\n", events[i].pid, events[i].comm);
		blob_text(&text, line);
	}
	add_u64(blob, text.len);
	blob_add(blob, text.bytes, text.len);
	blob_free(&text);
	free(named);
}

static void align(struct blob *blob, size_t size)
{
	while (blob->len % size)
		blob_add(blob, "", 1);
}

struct blob dat_write(const struct pb_event *events, size_t nr, const struct dat_options *options)
{
	struct blob blob = { 0 }, pages[64] = { { 0 } };
	size_t table;

	assert_true(options->cpus <= 64);
	add_head(&blob, options);
	add_comms(&blob, events, nr);
	add_u32(&blob, options->cpus);
	blob_add(&blob, "flyrecord", 10);
	table = blob.len;
	for (unsigned int cpu = 0; cpu < options->cpus; cpu++) {
		add_u64(&blob, 0);
		add_u64(&blob, 0);
	}
	for (unsigned int cpu = 0; cpu < options->cpus; cpu++) {
		uint64_t place[2];

		align(&blob, PAGE);
		pages[cpu] = cpu_pages(events, nr, cpu, options);
		place[0] = blob.len;
		place[1] = pages[cpu].len;
		memcpy(blob.bytes + table + 16 * cpu, place, sizeof(place));
		blob_add(&blob, pages[cpu].bytes, pages[cpu].len);
		blob_free(&pages[cpu]);
	}
	return blob;
}
