/* SPDX-License-Identifier: MIT */
/*
 * The lines that matter, by their form. A form is known by a text that stands at
 * its beginning or anywhere in it, and has one function that takes its fields.
 * Beginnings also tell where a line begins that was wrapped (klog_is_start).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "internal.h"

#define V(a, b, c) PB_RELEASE(a, b, c)
#define PAGE_MAX (UINT64_C(64) << 10) /* bytes of the largest page */
#define COMM_MAX 15                   /* bytes of a comm */
#define AMOUNT_MAX (INT64_C(1) << 48) /* kB; what is more is damage */
#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* What a form's function is given. */
struct line {
	struct pb_klog *log;
	struct klog_column *column;
	const struct klog_record *record;
	const char *text;  /* without blanks in front */
	const char *found; /* where the form's text stands */
};

static struct pb_klog_report *report_of(const struct line *line)
{
	return line->column->building ? &line->column->building->report : NULL;
}

static int64_t amount(const char *text)
{
	int64_t value = 0;

	for (; *text >= '0' && *text <= '9' && value < AMOUNT_MAX; text++)
		value = value * 10 + (*text - '0');
	return value;
}

/* ------------------------------------------------------------------- headlines */

/*
 * A comm is what stands in front of the form's text: blanks, colons, slashes and a
 * full stop at its end are its own. It has 15 bytes at most; what is longer has
 * something in front that was not taken for a prefix, up to a blank.
 */
static void copy_comm(char comm[PB_KLOG_TEXT], const char *text, const char *end)
{
	const char *blank = end - text > COMM_MAX ? end - COMM_MAX - 1 : NULL;

	while (blank && blank < end && *blank != ' ')
		blank++;
	if (blank && blank < end)
		text = blank + 1;
	klog_copy(comm, PB_KLOG_TEXT, text, (size_t)(end - text));
}

static void take_comm(struct pb_klog_report *report, const char *text, const char *end)
{
	/* "... invoked oom-killer": whoever quoted it left the name out */
	if (end - text == 3 && !memcmp(text, "...", 3))
		return;
	copy_comm(report->comm, text, end);
}

static void take_pid(struct pb_klog_report *report, const struct klog_record *record)
{
	report->pid = record->prefix->pid;
}

/* "COMM: page allocation failure: order:3, ...", "COMM: vmemmap alloc failure: order:9, ..." */
static bool alloc_failure(struct line *line)
{
	const char *found = line->found, *colon = NULL;
	struct klog_building *building;
	bool bare;

	/* the words between the comm and "failure" begin behind the last ": " */
	for (const char *at = line->text; at + 1 < found; at++)
		if (at[0] == ':' && at[1] == ' ')
			colon = at;
	bare = !colon && !strncmp(line->text, "page allocation failure", 23);
	if (!colon && !bare)
		return false;
	building = klog_begin(line->log, line->column, line->record, PB_KLOG_ALLOC);
	if (!building)
		return false;
	if (colon)
		take_comm(&building->report, line->text, colon);
	else
		klog_copy(building->report.comm, sizeof(building->report.comm),
			  line->column->candidate, strlen(line->column->candidate));
	colon = colon ? colon + 2 : line->text;
	klog_copy(building->report.headline, sizeof(building->report.headline), colon,
		  (size_t)(found - colon));
	if (line->column->waiting.waits && line->column->waiting.headline)
		klog_wait_join(line->log, line->column, &building->report);
	take_pid(&building->report, line->record);
	klog_request(building, found);
	line->column->candidate[0] = '\0';
	klog_settle(line->log, line->column);
	/* 4.9 to 4.19 may print the rest on lines of its own */
	line->column->open = OPEN_HEADLINE;
	klog_copy(line->column->headline, sizeof(line->column->headline), found, strlen(found));
	return true;
}

/* ", mode:0x2080020(GFP_ATOMIC)" on a line of its own */
static bool headline_piece(struct line *line)
{
	struct klog_column *column = line->column;
	size_t len = strlen(column->headline);

	if (column->open != OPEN_HEADLINE || !column->building)
		return false;
	klog_copy(column->headline + len, sizeof(column->headline) - len, line->text,
		  strlen(line->text));
	klog_request(column->building, column->headline);
	return true;
}

/* "COMM invoked oom-killer: gfp_mask=..." */
static bool oom(struct line *line)
{
	struct klog_building *building = klog_begin(line->log, line->column, line->record,
						    PB_KLOG_OOM);
	const char *end = line->found;

	if (!building)
		return false;
	building->report.too_old = *line->found == 'o';
	while (end > line->text && end[-1] == ' ')
		end--;
	take_comm(&building->report, line->text, end);
	take_pid(&building->report, line->record);
	klog_request(building, line->found);
	return true;
}

/*
 * "nommu: Allocation of length 884736 from process 62 (echo) failed", with a dump below
 * it: of GFP_KERNEL, and of as many pages in one block as the length has.
 */
static bool nommu(struct line *line)
{
	const char *process = strstr(line->text, " from process "), *open, *close;
	struct klog_building *building;

	if (!process)
		return false;
	building = klog_begin(line->log, line->column, line->record, PB_KLOG_ALLOC);
	if (!building)
		return false;
	building->report.length = (uint64_t)amount(line->text +
						   strlen("nommu: Allocation of length "));
	building->report.pid = (int32_t)amount(process + strlen(" from process "));
	building->report.has_gfp = true;
	building->has_names = true;
	memcpy(building->report.gfp_names, "GFP_KERNEL", sizeof("GFP_KERNEL"));
	open = strchr(process, '(');
	close = open ? strstr(open, ") failed") : NULL;
	if (close)
		take_comm(&building->report, open + 1, close);
	return true;
}

/*
 * "vmap allocation for size N failed: use vmalloc=<size> to increase size", perhaps
 * with a comm: no range of vmalloc's address space is free. By vmap() and ioremap()
 * it is all that is printed; by vmalloc() the report may come below.
 */
static bool vmap_space(struct line *line)
{
	struct klog_waiting *waiting = klog_wait(line->log, line->column, line->record);
	const char *end = line->found;

	waiting->vmalloc = PB_KLOG_VMALLOC_SPACE;
	waiting->bytes = (uint64_t)amount(line->found + strlen("vmap allocation for size "));
	if (end - line->text > 2 && end[-1] == ' ' && end[-2] == ':')
		copy_comm(waiting->comm, line->text, end - 2);
	return true;
}

/* Is a vmap line that waits about this area? It counts whole pages, and the guard page. */
static bool is_vmap_of(const struct klog_waiting *waiting, uint64_t bytes)
{
	return waiting->waits && !waiting->headline && waiting->bytes >= bytes &&
	       waiting->bytes - bytes <= 2 * PAGE_MAX;
}

/* "vmalloc: allocation failure: N bytes": with a comm, or above a template headline */
static bool vmalloc_bytes(struct line *line)
{
	const char *of = strstr(line->found, " of "); /* "allocated M of N bytes" */
	const char *at = of ? of + 4 : strpbrk(line->found, "0123456789");
	struct klog_waiting *waiting = &line->column->waiting;
	const uint64_t bytes = at ? (uint64_t)amount(at) : 0;
	const bool joins = !of && is_vmap_of(waiting, bytes);
	struct klog_building *building;

	if (line->found == line->text) {
		if (!joins)
			waiting = klog_wait(line->log, line->column, line->record);
		waiting->headline = true;
		waiting->bytes = bytes;
		return true;
	}
	building = klog_begin(line->log, line->column, line->record, PB_KLOG_VMALLOC);
	if (!building)
		return false;
	if (joins)
		klog_wait_join(line->log, line->column, &building->report);
	take_comm(&building->report, line->text, line->found - 2);
	take_pid(&building->report, line->record);
	building->report.vmalloc_bytes = bytes;
	klog_request(building, line->found);
	return true;
}

/* "COMM: vmalloc error: size N, exceeds total pages, mode:..." */
static bool vmalloc_error(struct line *line)
{
	struct klog_building *building = klog_begin(line->log, line->column, line->record,
						    PB_KLOG_VMALLOC);
	const char *size = strstr(line->found, "size ");
	const uint64_t bytes = size ? (uint64_t)amount(size + 5) : 0;
	const bool no_space = strstr(line->found, "vm_struct allocation");
	struct pb_klog_report *report;

	if (!building)
		return false;
	report = &building->report;
	if (no_space && is_vmap_of(&line->column->waiting, bytes))
		klog_wait_join(line->log, line->column, report);
	if (line->found - line->text >= 2)
		take_comm(report, line->text, line->found - 2);
	take_pid(report, line->record);
	report->vmalloc_bytes = bytes;
	report->vmalloc = PB_KLOG_VMALLOC_PAGES;
	if (strstr(line->found, "exceeds total pages"))
		report->vmalloc = PB_KLOG_VMALLOC_TOTAL;
	else if (no_space)
		report->vmalloc = PB_KLOG_VMALLOC_SPACE;
	klog_request(building, line->found);
	return true;
}

/* "C cpuset=/ mems_allowed=0-1" */
static bool mems(struct line *line)
{
	if (!report_of(line) || !strstr(line->text, " cpuset="))
		return false;
	klog_nodes(&report_of(line)->mems_allowed, line->found + strlen("mems_allowed="));
	return true;
}

/* ---------------------------------------------------------------- CPU and stack */

/*
 * The first word like "5.15.41-9-lab" behind "tainted". A wrap may have taken the
 * blank in front of it, or behind it: "Not tainted5.15.41", "OE5.15.41", "5.15.41#1".
 */
static void take_release(struct line *line)
{
	struct pb_klog_report *report = report_of(line);
	const char *at = NULL, *next = line->text;

	while ((next = strstr(next, "ainted")) != NULL)
		at = next++;
	for (at = at ? at + strcspn(at, " 0123456789") : NULL; at && *at;
	     at = strchr(at + 1, ' ')) {
		const char *word = at + strspn(at, " ");
		size_t len, major;

		word += strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		len = strcspn(word, " #");
		major = strspn(word, "0123456789");
		if (!major || word[major] != '.' || !pb_release_parse(word))
			continue;
		klog_copy(report->kernel, sizeof(report->kernel), word, len);
		return;
	}
}

/* "CPU: 1 UID: 0 PID: 7 Comm: C Not tainted RELEASE #1"; "Pid: 7, comm: C ..." */
static bool cpu_line(struct line *line)
{
	struct pb_klog_report *report = report_of(line);
	const char *pid = strstr(line->text, "PID: "), *comm = strstr(line->text, "omm: ");

	if (!pid)
		pid = strstr(line->text, "Pid: ");
	if (!report || !pid || !comm || report->nr_zones)
		return false;
	report->pid = (int32_t)amount(pid + 5);
	take_release(line);
	if (strstr(line->text, " UID: ") && line->column->building->lo < V(6, 10, 0))
		line->column->building->lo = V(6, 10, 0);
	return true;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

static void add_function(struct pb_klog_report *report, const char *at, bool uncertain)
{
	struct pb_klog_function *function;
	const char *module;
	size_t len = 0;

	while (is_name(at[len]))
		len++;
	if (!len || report->nr_stack == PB_KLOG_STACK)
		return;
	function = &report->stack[report->nr_stack++];
	klog_copy(function->name, sizeof(function->name), at, len);
	function->uncertain = uncertain;
	function->module[0] = '\0';
	/* the lines that name the cgroup may be cut off, or come much later */
	if (report->kind == PB_KLOG_OOM && !strncmp(function->name, "mem_cgroup_o", 12))
		report->kind = PB_KLOG_MEMCG;
	at += len;
	at += strcspn(at, " )");
	module = *at == ' ' && at[1] == '[' && is_name(at[2]) ? at + 2 : NULL;
	if (module)
		klog_copy(function->module, sizeof(function->module), module,
			  strcspn(module, "] "));
}

/* " (lib/dump_stack.c:107 (discriminator 4))": decode_stacktrace.sh has been over it */
static bool is_source(const char *text)
{
	const char *colon = strchr(text, ':'), *end = strchr(text, ')');

	return text[0] == ' ' && text[1] == '(' && colon && end && colon < end && colon[1] >= '0' &&
	       colon[1] <= '9';
}

/* "[<ffffffff81d85a04>] f", s390's "([<0000000000112f4e>] f", powerpc's "[c0..] [c0..] .f" */
static const char *behind_addresses(const char *at)
{
	if (*at == '(' && at[1] == '[')
		at++;
	while (*at == '[') {
		const char *end = at + 1 + strcspn(at + 1, "] ");

		if (*end != ']')
			return at;
		at = end + 1;
		at += strspn(at, " ");
	}
	return *at == '.' ? at + 1 : at;
}

/* " [<ffffffff81d85a04>] ? exnic_poll+0x61/0xba [exnic]" */
static bool stack_entry(struct line *line)
{
	struct pb_klog_report *report = report_of(line);
	const char *at = line->text, *plus;
	bool uncertain;

	if (!report || report->nr_zones || report->kind == PB_KLOG_SHOW_MEM)
		return false;
	at = behind_addresses(at);
	if (*at == '(') { /* "(callee) from [<...>] (caller+0x1/0x2)" */
		add_function(report, at + 1, false);
		return true;
	}
	uncertain = *at == '?';
	if (uncertain)
		at += 1 + strspn(at + 1, " ");
	plus = at;
	while (is_name(*plus))
		plus++;
	if (plus == at || (strncmp(plus, "+0x", 3) && !is_source(plus)))
		return false;
	add_function(report, at, uncertain);
	if (report->nr_stack)
		report->stack[report->nr_stack - 1].has_address = *line->text == '[' ||
								  *line->text == '(';
	return true;
}

/* ------------------------------------------------------------------------- dump */

/* The report that a dump's lines belong to: the column's, or one without headline. */
static struct klog_building *dump_of(struct line *line)
{
	if (!line->column->building)
		return klog_begin(line->log, line->column, line->record, PB_KLOG_SHOW_MEM);
	return line->column->building;
}

/* "Mem-Info:" */
static bool mem_info(struct line *line)
{
	const struct pb_klog_report *report = report_of(line);

	if (report && (report->nr_zones || report->free_pages >= 0))
		klog_finish(line->log, line->column);
	return dump_of(line) != NULL;
}

static bool show_memory(struct line *line)
{
	return klog_begin(line->log, line->column, line->record, PB_KLOG_SHOW_MEM) != NULL;
}

/* "active_anon:N ...", " free:N slab:N ...": pages of the machine */
static bool counts(struct line *line)
{
	const char *at = line->text;
	struct klog_building *building;

	if (strstr(at, "kB"))
		return false; /* a node's, or a piece of a zone's */
	building = line->column->building;
	if (!building)
		return false;
	while ((at = strstr(at, "free:")) != NULL) {
		if (at == line->text || at[-1] == ' ')
			building->report.free_pages = amount(at + 5);
		at++;
	}
	return true;
}

/* Fields that tell the release; only asked where no line names it. */
static const struct {
	const char *text;
	uint32_t lo, hi;
} dated_fields[] = {
	{ " boost:", V(5, 18, 0), 0 },
	{ " free_highatomic:", V(6, 13, 0), 0 },
	{ " zspages:", V(6, 17, 0), 0 },
	{ " reserved_highatomic:", V(5, 5, 0), 0 },
	{ " writepending:", V(4, 8, 0), 0 },
	{ " free_pcp:", V(4, 2, 0), 0 },
	{ " free_cma:", V(3, 6, 0), 0 },
	{ " managed:", V(3, 9, 0), 0 },
	{ "sec_pagetables:", V(6, 1, 0), 0 },
	{ "unstable:", 0, V(5, 7, 255) },
	{ " Balloon:", V(6, 16, 0), 0 },
	{ "shmem_thp:0kB", V(6, 3, 0), 0 },
	{ "Swap cache stats:", 0, V(6, 0, 255) },
	{ " active:", 0, V(2, 6, 27) },
	{ "UID: ", V(6, 10, 0), 0 },
	{ "Pid: ", 0, V(3, 9, 255) },
};

static void date(struct klog_building *building, const char *text)
{
	if (building->report.kernel[0])
		return;
	for (size_t i = 0; i < NR(dated_fields); i++) {
		if (!strstr(text, dated_fields[i].text))
			continue;
		if (building->lo < dated_fields[i].lo)
			building->lo = dated_fields[i].lo;
		if (dated_fields[i].hi && (!building->hi || building->hi > dated_fields[i].hi))
			building->hi = dated_fields[i].hi;
	}
}

/* The fields of a zone line. */
#define FIELD(name, member)                                 \
	{                                                   \
		name, offsetof(struct pb_klog_zone, member) \
	}
static const struct {
	const char *name;
	size_t offset;
} zone_fields[] = {
	FIELD("free", free_kb),
	FIELD("boost", boost_kb),
	FIELD("min", min_kb),
	FIELD("low", low_kb),
	FIELD("high", high_kb),
	FIELD("reserved_highatomic", reserved_highatomic_kb),
	FIELD("free_highatomic", free_highatomic_kb),
	FIELD("present", present_kb),
	FIELD("managed", managed_kb),
	FIELD("free_cma", free_cma_kb),
	FIELD("free_pcp", free_pcp_kb),
};

static void take_field(struct pb_klog_zone *zone, const char *name, size_t len, const char *value)
{
	size_t n = strspn(value, "0123456789");

	if (!n || (value[n] != 'k' && value[n] != 'K'))
		return; /* cut, or of another form */
	for (size_t i = 0; i < NR(zone_fields); i++)
		if (strlen(zone_fields[i].name) == len && !memcmp(zone_fields[i].name, name, len)) {
			int64_t kb = amount(value);

			memcpy((char *)zone + zone_fields[i].offset, &kb, sizeof(kb));
			return;
		}
}

static void take_fields(struct pb_klog_zone *zone, const char *text)
{
	while (*text) {
		size_t word;
		const char *colon;

		text += strspn(text, " ");
		word = strcspn(text, " ");
		colon = memchr(text, ':', word);
		if (colon && colon[1] && colon[1] != ' ')
			take_field(zone, text, (size_t)(colon - text), colon + 1);
		text += word;
	}
}

static struct pb_klog_zone *find_zone(struct pb_klog_report *report, int node, int type)
{
	for (unsigned int i = 0; i < report->nr_zones; i++)
		if (report->zones[i].node == node && report->zones[i].type == type)
			return &report->zones[i];
	return NULL;
}

static struct pb_klog_zone *add_zone(struct pb_klog_report *report, int node, int type)
{
	struct pb_klog_zone *zone;

	if (report->nr_zones == PB_KLOG_ZONES)
		return NULL;
	if (report->nr_zones == report->room) {
		unsigned int room = report->room ? 2 * report->room : 8;
		void *zones = realloc(report->zones, room * sizeof(*zone));

		if (!zones)
			return NULL;
		report->zones = zones;
		report->room = room;
	}
	zone = &report->zones[report->nr_zones++];
	*zone = (struct pb_klog_zone){ .node = node, .type = type };
	for (size_t i = 0; i < NR(zone_fields); i++) {
		int64_t none = -1;

		memcpy((char *)zone + zone_fields[i].offset, &none, sizeof(none));
	}
	return zone;
}

/* "[Node N ]ZONE free:...": what follows the zone's name */
static bool zone_line(struct line *line, int node, int type, const char *fields)
{
	struct klog_building *building = dump_of(line);
	struct pb_klog_zone *zone;

	if (!building)
		return false;
	if (find_zone(&building->report, node, type)) {
		/* the same zone again: another dump, whose beginning is missing */
		klog_finish(line->log, line->column);
		building = dump_of(line);
		if (!building)
			return false;
	}
	zone = add_zone(&building->report, node, type);
	if (!zone)
		return false;
	take_fields(zone, fields);
	date(building, fields);
	if (zone->free_kb < 0 || zone->min_kb < 0) {
		building->report.nr_zones--;
		building->report.cut = true;
		return true;
	}
	line->column->open_zone = building->report.nr_zones - 1;
	return true;
}

static bool list_line(struct line *line, int node, int type, const char *entries)
{
	struct pb_klog_report *report = report_of(line);
	struct pb_klog_zone *zone = report ? find_zone(report, node, type) : NULL;

	if (!zone)
		return false;
	entries += strspn(entries, " ");
	if (!strncmp(entries, "empty", 5)) {
		zone->empty = true;
		return true;
	}
	klog_settle(line->log, line->column);
	line->column->list = (struct klog_list){ .total_kb = -1 };
	line->column->open = OPEN_LIST;
	line->column->open_zone = (unsigned int)(zone - report->zones);
	if (klog_list_feed(&line->column->list, entries))
		klog_settle(line->log, line->column);
	return true;
}

/* "Node 0 DMA free:", "DMA free:", "Node 0 DMA: 1*4kB", "Node 0 DMA per-cpu:", "Node 0 " */
static bool zone_or_list(struct line *line)
{
	const char *at = line->text;
	int node = line->column->node, type;
	size_t len;

	if (!strncmp(at, "Node ", 5)) {
		node = (int)amount(at + 5);
		if (node >= PB_KLOG_NODES)
			return false;
		at += 5 + strspn(at + 5, "0123456789");
		at += strspn(at, " ");
		line->column->node = -1;
		if (!*at) {
			line->column->node = node;
			return true;
		}
		if (!strncmp(at, "active_anon:", 12) || !strncmp(at, "hugepages_total=", 16)) {
			if (line->column->building)
				date(line->column->building, at);
			return true;
		}
	}
	len = strcspn(at, " :");
	type = klog_type_find(at, len);
	if (type < 0)
		return false;
	line->column->node = -1;
	if (node < 0)
		node = 0;
	at += len;
	if (*at == ':')
		return list_line(line, node, type, at + 1);
	if (!strncmp(at, " free:", 6))
		return zone_line(line, node, type, at);
	return !strncmp(at, " per-cpu:", 9);
}

static void take_reserve(struct pb_klog_zone *zone, const char *text)
{
	for (;;) {
		size_t n;

		text += strspn(text, " ");
		n = strspn(text, "0123456789");
		if (!n || zone->nr_reserve == NR(zone->reserve))
			return;
		zone->reserve[zone->nr_reserve++] = amount(text);
		text += n;
	}
}

/* "lowmem_reserve[]: 0 2816 7757 7757", of the zone line above */
static bool reserve(struct line *line)
{
	struct pb_klog_report *report = report_of(line);
	struct pb_klog_zone *zone;

	if (!report || line->column->open_zone >= report->nr_zones)
		return false;
	zone = &report->zones[line->column->open_zone];
	if (zone->nr_reserve || line->column->open == OPEN_LIST)
		return false;
	if (line->text[0] == 'p')
		report->too_old = true;
	klog_settle(line->log, line->column);
	take_reserve(zone, strchr(line->text, ':') + 1);
	line->column->open = OPEN_RESERVE;
	return true;
}

/* " 2839", "333*4kB", "(UME)", "= 15428kB" on lines of their own */
static bool piece(struct line *line)
{
	struct klog_column *column = line->column;
	struct pb_klog_report *report = report_of(line);

	if (!report || column->open_zone >= report->nr_zones)
		return false;
	if (column->open == OPEN_RESERVE) {
		if (line->text[strspn(line->text, "0123456789 ")])
			return false;
		take_reserve(&report->zones[column->open_zone], line->text);
		return true;
	}
	if (column->open != OPEN_LIST)
		return false;
	if (klog_list_feed(&column->list, line->text))
		klog_settle(line->log, column);
	return true;
}

static bool ram(struct line *line)
{
	if (!report_of(line))
		return false;
	report_of(line)->ram_pages = amount(line->text);
	return true;
}

/* A line that tells nothing but that it belongs to the dump, and perhaps when. */
static bool known(struct line *line)
{
	if (!line->column->building)
		return false;
	date(line->column->building, line->text);
	return true;
}

/* ---------------------------------------------------------------------- the end */

static bool memcg(struct line *line)
{
	struct pb_klog_report *report = report_of(line);

	if (!report || report->kind != PB_KLOG_OOM)
		return report && report->kind == PB_KLOG_MEMCG;
	report->kind = PB_KLOG_MEMCG;
	return true;
}

/* "memory: usage 488448kB, limit 488448kB, failcnt 35031" */
static bool memcg_usage(struct line *line)
{
	const char *limit = strstr(line->text, "limit ");

	if (!memcg(line))
		return false;
	if (limit)
		klog_copy(report_of(line)->limit, PB_KLOG_TEXT, limit + 6,
			  strcspn(limit + 6, ", "));
	return true;
}

/* "oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=/batch,mems_allowed=1,..." */
static bool oom_kill(struct line *line)
{
	struct pb_klog_report *report = report_of(line);
	const char *at = strstr(line->text, ",nodemask=");

	if (!report)
		return false;
	if (strstr(line->text, "CONSTRAINT_MEMCG"))
		memcg(line);
	if (at)
		klog_nodes(&report->nodemask, at + strlen(",nodemask="));
	at = strstr(line->text, ",mems_allowed=");
	if (at)
		klog_nodes(&report->mems_allowed, at + strlen(",mems_allowed="));
	return true;
}

/* "Out of memory: Killed process 1777 (mockdb) total-vm:..." */
static bool killed(struct line *line)
{
	struct pb_klog_report *report = report_of(line);
	const char *open = strchr(line->found, '('), *close = open ? strchr(open, ')') : NULL;
	struct pb_klog_stats *stats = &line->log->stats;
	char name[PB_KLOG_TEXT] = "";

	if (close)
		klog_copy(name, sizeof(name), open + 1, (size_t)(close - open) - 1);
	if (!report && !stats->kills++)
		memcpy(stats->first_killed, name, sizeof(name));
	if (!report)
		return true;
	if (strstr(line->text, "Memory cgroup out of memory"))
		memcg(line);
	if (close)
		memcpy(report->killed, name, sizeof(name));
	return true;
}

/* "COMM: page allocation stalls for 10048ms, order:1, mode:..." */
static bool stall(struct line *line)
{
	line->log->stats.stalls++;
	return true;
}

/* "warn_alloc: 12 callbacks suppressed" */
static bool suppressed(struct line *line)
{
	line->log->stats.suppressed++;
	return true;
}

static bool banner(struct line *line)
{
	const char *release = line->text + strlen("Linux version ");

	klog_copy(line->log->banner, sizeof(line->log->banner), release, strcspn(release, " "));
	line->log->seen_release = pb_release_parse(line->log->banner);
	return true;
}

/* "swapper/3: " alone: the comm of a headline that comes in pieces */
static bool candidate(struct line *line)
{
	size_t len = line->record->len;

	while (len && line->record->text[len - 1] == ' ')
		len--;
	if (len < 2 || len > 17 || line->record->text[len - 1] != ':' ||
	    line->record->text[0] == ' ')
		return false;
	klog_copy(line->column->candidate, sizeof(line->column->candidate), line->record->text,
		  len - 1);
	return false; /* nobody knows yet */
}

/* -------------------------------------------------------------------- the table */

enum where { START, INSIDE };

static const struct form {
	enum where where;
	bool begins; /* a line of this form is never the rest of another */
	const char *text;
	bool (*take)(struct line *line);
} forms[] = {
	/* not failures, though they look like some */
	{ INSIDE, true, "page allocation stalls for", stall },
	{ INSIDE, true, "callbacks suppressed", suppressed },
	{ INSIDE, true, "failure: order:", alloc_failure },
	{ INSIDE, true, "page allocation failure. order:", alloc_failure },
	{ INSIDE, true, "invoked oom-killer:", oom },
	{ START, true, "oom-killer: gfp_mask=", oom }, /* up to 2.6.2x, without a comm */
	{ START, true, "nommu: Allocation of length ", nommu },
	{ INSIDE, true, "vmalloc: allocation failure", vmalloc_bytes },
	{ INSIDE, true, "vmalloc error: ", vmalloc_error },
	{ INSIDE, true, "vmap allocation for size ", vmap_space },
	{ START, true, "Node ", zone_or_list },
	{ START, true, "DMA", zone_or_list },
	{ START, true, "Normal", zone_or_list },
	{ START, true, "HighMem", zone_or_list },
	{ START, true, "Movable", zone_or_list },
	{ START, true, "Device", zone_or_list },
	{ START, true, "lowmem_reserve[]:", reserve },
	{ START, true, "protections[]:", reserve }, /* its name before 2.6.10 */
	{ START, true, "Mem-Info:", mem_info },
	{ START, true, "Mem-info:", mem_info },
	{ START, true, "CPU: ", cpu_line },
	{ START, true, "Pid: ", cpu_line },
	{ START, true, "Call Trace:", known },
	{ START, true, "Call trace:", known },
	{ START, true, "<TASK>", known },
	{ START, true, "</TASK>", known },
	{ START, true, "<IRQ>", known },
	{ START, true, "</IRQ>", known },
	{ START, true, "Hardware name:", known },
	{ START, true, "CPU ", known },
	{ START, true, "cpu ", known },
	{ START, true, "active_anon:", counts },
	{ START, false, "active_file:", counts },
	{ START, false, "unevictable:", counts },
	{ START, false, "slab_reclaimable:", counts },
	{ START, false, "mapped:", counts },
	{ START, false, "sec_pagetables:", counts },
	{ START, false, "kernel_misc_reclaimable:", counts },
	{ START, false, "free:", counts },
	{ START, false, "free_cma:", counts },
	{ START, true, "Active:", counts },
	{ START, true, "Active_anon:", counts },
	{ START, true, "Swap cache", known },
	{ START, true, "Free swap", known },
	{ START, true, "Total swap", known },
	{ START, true, "Tasks state", known },
	{ START, true, "Memory allocations (profiling", known },
	{ START, true, "Memory cgroup min protection", known },
	{ INSIDE, true, "total pagecache pages", known },
	{ INSIDE, true, "pages in swap cache", known },
	{ INSIDE, true, " pages RAM", ram },
	{ INSIDE, true, " pages HighMem", known },
	{ INSIDE, true, " pages reserved", known },
	{ INSIDE, true, " pages cma reserved", known },
	{ INSIDE, true, " pages shared", known },
	{ INSIDE, true, " pages non-shared", known },
	{ INSIDE, true, " pages hwpoisoned", known },
	{ START, true, "oom-kill:constraint=", oom_kill },
	{ INSIDE, true, "emory cgroup out of memory", killed },
	{ START, true, "Out of memory", killed },
	{ START, true, "Out of Memory: Killed", killed },
	{ START, true, "Killed process", killed },
	{ INSIDE, true, "killed as a result of limit of", memcg },
	{ START, true, "memory: usage", memcg_usage },
	{ START, true, "Memory cgroup stats", memcg },
	{ START, true, "[  pid  ]", known },
	{ START, true, "[ pid ]", known },
	{ START, true, "SysRq : Show Memory", show_memory },
	{ START, true, "sysrq: Show Memory", show_memory },
	{ START, true, "sysrq: SysRq : Show Memory", show_memory },
	{ START, true, "Linux version ", banner },
	{ INSIDE, false, "mems_allowed=", mems },
	{ START, false, ", mode:0x", headline_piece },
	{ START, false, ", nodemask=", headline_piece },
	{ START, true, "[<", stack_entry },
	{ INSIDE, true, "+0x", stack_entry },
	{ INSIDE, true, ".c:", stack_entry },
	{ INSIDE, true, ".h:", stack_entry },
	{ INSIDE, true, ".S:", stack_entry },
};

/* A task of the OOM killer's table: "[ 3621]  1001  3621 ..." */
static bool is_task(const char *text)
{
	size_t n;

	if (*text != '[')
		return false;
	n = 1 + strspn(text + 1, " ");
	n += strspn(text + n, "0123456789");
	return n > 1 && text[n] == ']' && text[n + 1] == ' ';
}

static const char *match(const struct form *form, const char *text)
{
	if (form->where == INSIDE)
		return strstr(text, form->text);
	return strncmp(text, form->text, strlen(form->text)) ? NULL : text;
}

bool klog_is_start(const char *text)
{
	text += strspn(text, " ");
	for (size_t i = 0; i < NR(forms); i++) {
		/* counts are in pages; the fields of a zone that is being continued are not */
		bool begins = forms[i].take == counts ? !strstr(text, "kB") : forms[i].begins;

		if (begins && match(&forms[i], text))
			return true;
	}
	return is_task(text);
}

bool klog_form(struct pb_klog *log, struct klog_column *column, const struct klog_record *record)
{
	struct line line = { log, column, record, record->text, NULL };

	line.text += strspn(line.text, " ");
	for (size_t i = 0; i < NR(forms); i++) {
		line.found = match(&forms[i], line.text);
		if (line.found && forms[i].take(&line))
			return true;
	}
	if (piece(&line) || (column->building && is_task(line.text)))
		return true;
	return candidate(&line);
}
