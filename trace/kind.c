/* SPDX-License-Identifier: MIT */
/*
 * Signatures, strongest first: the first line of the table of which the head
 * has an occurrence decides. A trace comes before a log, for a log is sometimes
 * written to by a tracer but a trace never by the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kind.h"
#include "klog/klog.h"
#include "loose.h"
#include "source.h"
#include "stream.h"

#define HEAD_SIZE (256u << 10) /* bytes looked at */
#define STDIN_SIZE (64u << 10) /* packed bytes of standard input looked at */

enum where {
	AT_START, /* of the file */
	ANYWHERE,
};

struct signature {
	enum pb_kind kind;
	enum where where;
	const char *text;
};

static const struct signature signatures[] = {
	{ PB_KIND_TRACE, AT_START, "\x7fPBT" },
	{ PB_KIND_TRACE, ANYWHERE, "# tracer:" },
	{ PB_KIND_TRACE, ANYWHERE, "mm_page_alloc" },
	{ PB_KIND_TRACE, ANYWHERE, "mm_page_free" },
	{ PB_KIND_TRACE, ANYWHERE, "mm_pagevec_free" },
	{ PB_KIND_TRACE, ANYWHERE, "mm_page_pcpu_drain" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "page allocation failure" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "alloc failure: order:" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "invoked oom-killer" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "vmalloc: allocation failure" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "vmalloc error: size" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "vmap allocation for size" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "Mem-Info:" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "Mem-info:" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "lowmem_reserve[]:" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "ut of memory: Kill" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "page allocation stalls for" },
	{ PB_KIND_MACHINE, ANYWHERE, "Page allocated via order " },
	{ PB_KIND_MACHINE, ANYWHERE, ", zone " },
	{ PB_KIND_MACHINE, ANYWHERE, "node_buddyinfo_blocks" },
	{ PB_KIND_MACHINE, ANYWHERE, "FREE_AREA_STRUCT" },
	{ PB_KIND_MACHINE, ANYWHERE, "Page block order:" },
	{ PB_KIND_MACHINE, ANYWHERE, "allocinfo - version" },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, "Linux version " },
	{ PB_KIND_KERNEL_LOG, ANYWHERE, " kernel: " },
};

static bool has(const char *head, size_t len, const struct signature *signature)
{
	size_t size = strlen(signature->text);

	if (len < size)
		return false;
	if (signature->where == AT_START)
		return !memcmp(head, signature->text, size);
	return memmem(head, len, signature->text, size) != NULL;
}

/* "[12345.678901] text" at the start of a line: what dmesg prints. */
static bool is_stamp(const char *line, const char *end)
{
	const char *at = line;

	if (at < end && *at == '<') { /* the level in front */
		while (at < end && *at != '>')
			at++;
		at++;
	}
	if (at >= end || *at++ != '[')
		return false;
	while (at < end && *at == ' ')
		at++;
	line = at;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	if (at == line || at >= end || *at++ != '.')
		return false;
	line = at;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at != line && at < end && *at == ']';
}

static bool has_stamps(const char *head, size_t len)
{
	const char *end = head + len;

	while (head && head < end) {
		if (is_stamp(head, end))
			return true;
		head = memchr(head, '\n', (size_t)(end - head));
		head = head ? head + 1 : NULL;
	}
	return false;
}

static int forget(void *ctx, const struct pb_klog_report *report)
{
	(void)ctx;
	(void)report;
	return 0;
}

/* Wrapped, coloured, quoted: words that are whole only to the reader of logs. */
static bool reads_as_log(const char *head, size_t len)
{
	struct pb_klog *log = pb_klog_open(NULL, forget, NULL);
	struct pb_klog_stats stats = { 0 };

	if (!log)
		return false;
	pb_klog_feed(log, head, len);
	pb_klog_close(log, &stats);
	return stats.reports > 0;
}

enum pb_kind pb_kind_of(const char *head, size_t len)
{
	if (pb_is_trace_dat(head, len))
		return PB_KIND_TRACE;
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (has(head, len, &signatures[i]))
			return signatures[i].kind;
	if (has_stamps(head, len) || reads_as_log(head, len))
		return PB_KIND_KERNEL_LOG;
	return pb_loose_kind(head, len) == PB_LOOSE_UNKNOWN ? PB_KIND_UNKNOWN : PB_KIND_MACHINE;
}

/* -------------------------------------------------------------------- files */

struct memory {
	const char *bytes;
	size_t at, len;
};

static long read_memory(void *ctx, void *buffer, size_t size)
{
	struct memory *memory = ctx;
	size_t left = memory->len - memory->at;

	if (size > left)
		size = left;
	memcpy(buffer, memory->bytes + memory->at, size);
	memory->at += size;
	return (long)size;
}

static size_t read_head(struct pb_source *source, char *head)
{
	size_t len = 0;
	long n;

	while (len < HEAD_SIZE && (n = pb_source_read(source, head + len, HEAD_SIZE - len)) > 0)
		len += (size_t)n;
	return len;
}

int pb_kind_of_file(const char *path, enum pb_kind *kind, char *error, size_t size)
{
	static char head[HEAD_SIZE], packed[STDIN_SIZE];
	struct memory memory = { .bytes = packed };
	struct pb_source *source;
	struct stat st;

	if (!strcmp(path, "-")) {
		memory.len = pb_source_peek_stdin(packed, sizeof(packed));
		source = pb_source_open_fn(read_memory, &memory, "standard input", error, size);
	} else if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		*kind = pb_is_machine(path) ? PB_KIND_MACHINE : PB_KIND_DIRECTORY;
		return 0;
	} else {
		source = pb_source_open(path, error, size);
	}
	if (!source)
		return -1;
	*kind = pb_kind_of(head, read_head(source, head));
	pb_source_close(source);
	return 0;
}

const char *pb_kind_name(enum pb_kind kind)
{
	static const char *const names[PB_NR_KINDS] = {
		[PB_KIND_UNKNOWN] = "no kind of input known here",
		[PB_KIND_DIRECTORY] = "a directory",
		[PB_KIND_TRACE] = "a trace",
		[PB_KIND_MACHINE] = "files of a machine's /proc",
		[PB_KIND_KERNEL_LOG] = "a kernel log",
	};

	return (unsigned int)kind < PB_NR_KINDS ? names[kind] : "?";
}
