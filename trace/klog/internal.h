/* SPDX-License-Identifier: MIT */
#ifndef PB_TRACE_KLOG_INTERNAL_H
#define PB_TRACE_KLOG_INTERNAL_H

#include "klog.h"

#define KLOG_LINE (128u << 10) /* bytes of a line or record; what is behind is dropped */
#define KLOG_HEAD (64u << 10)  /* bytes looked at before the first line is read */
#define KLOG_FRONT 96          /* bytes of the shape of a front that was learnt */
#define KLOG_SHAPES 12         /* shapes among which it is chosen */
#define KLOG_COLUMN 24         /* bytes of a column's name: "T464", "C1", "A288" */
#define KLOG_STALE 20000       /* records after which a silent column's report is finished */
#define KLOG_VMALLOC 64        /* records in which the report below a vmalloc line comes */
#define KLOG_TOKEN 24          /* bytes of one entry of a free list */

/* ------------------------------------------------------------- frame.c: records */

/* What stood in front of a line. */
struct klog_prefix {
	size_t len;   /* bytes; 0: nothing */
	size_t width; /* characters */
	char column[KLOG_COLUMN];
	int32_t pid; /* -1 */
	char stamp[PB_KLOG_TEXT];
};

/* Fronts of no known form, and how often they were seen (front.c). */
struct klog_fronts {
	struct klog_shape {
		char text[KLOG_FRONT];
		unsigned int lines;
		uint32_t kinds; /* bit a beginning that stood behind it */
	} shapes[KLOG_SHAPES];
	unsigned int nr;
};

/* One record: a line without what stood in front of it, wraps undone. */
struct klog_record {
	const char *text; /* NUL at the end */
	size_t len;
	uint64_t line;
	const struct klog_prefix *prefix;
};

enum klog_wrap { WRAP_UNKNOWN, WRAP_HARD, WRAP_WORD };

struct klog_frame {
	int (*take)(void *ctx, const struct klog_record *record);
	void *ctx;
	char *head; /* [KLOG_HEAD], until it is looked at; then NULL */
	size_t head_len;
	char *physical, *pending; /* [KLOG_LINE] */
	size_t physical_len, pending_len, soft_at;
	bool has_pending, closed; /* closed: nothing may be joined to pending */
	bool wide;                /* UTF-16 */
	bool in_soft_break, quoted_printable;
	bool plain;          /* not quoted-printable: an "=" at the end of a line is one */
	unsigned int indent; /* blanks in front of every line */
	unsigned int since_prefix;
	bool prefixed, quote_known;
	char front[KLOG_FRONT];    /* shape of what stands in front of lines; "": a known form */
	char quote[16];            /* "> ": what stood in front of the last line of a known form */
	struct klog_prefix prefix; /* of pending */
	uint64_t line, pending_line;
	size_t last_width;
	bool sniffed; /* wrap and wrap_width are by the beginning of the text */
	enum klog_wrap wrap;
	size_t wrap_width;
	uint64_t nr_lines; /* not blank */
};

int klog_frame_init(struct klog_frame *frame);
void klog_frame_clear(struct klog_frame *frame);
int klog_frame_feed(struct klog_frame *frame, const char *bytes, size_t len);
int klog_frame_end(struct klog_frame *frame);
/* sniff.c: how lines were broken, by the first bytes of the text */
void klog_sniff(struct klog_frame *frame, const char *head, size_t len);
/* front.c: a front of no known form, learnt from the lines behind it */
void klog_front_look(struct klog_fronts *fronts, const char *text);
void klog_front_choose(const struct klog_fronts *fronts, char *front);
/* klog_prefix_parse(), or the front that was learnt. */
bool klog_front_parse(const char *front, const char *text, struct klog_prefix *prefix);
/* prefix.c */
bool klog_prefix_parse(const char *text, size_t len, struct klog_prefix *prefix);
/* Where in a line "[12345.678901] " stands behind a blank: newlines got lost. 0: nowhere. */
size_t klog_next_stamp(const char *text);

/* ----------------------------------------------------- forms.c: fields by line form */

enum klog_open { OPEN_NOTHING, OPEN_RESERVE, OPEN_LIST, OPEN_HEADLINE };

/* A free list whose entries are not yet sure: asterisks may be missing. */
struct klog_list {
	unsigned int nr;
	bool any_letters;
	char token[PB_RULE_ORDERS][KLOG_TOKEN]; /* "5*4", "54", "5_4" */
	uint8_t letters[PB_RULE_ORDERS];
	int64_t total_kb; /* behind "="; -1 */
};

struct klog_building {
	struct pb_klog_report report;
	uint32_t lo, hi; /* releases that the format allows; 0: no bound */
	bool has_names, in_use, done;
};

/*
 * A line of vmalloc's that is the first of a report below it, or all there is:
 *
 *	vmap allocation for size N failed: ...       no address space
 *	vmalloc: allocation failure: N bytes         up to 4.9
 *	COMM: page allocation failure: order:0, ...  the report
 */
struct klog_waiting {
	bool waits;
	bool headline; /* an ordinary headline, of up to 4.9, is its report's */
	enum pb_klog_vmalloc vmalloc;
	uint64_t bytes, line, record;
	int32_t pid;
	char comm[PB_KLOG_TEXT], stamp[PB_KLOG_TEXT];
};

struct klog_column {
	char name[KLOG_COLUMN];
	struct klog_building *building; /* NULL: no report is open */
	int node;                       /* of a piece "Node 0 "; -1 */
	enum klog_open open;
	unsigned int open_zone;
	struct klog_list list;
	char candidate[PB_KLOG_TEXT]; /* "swapper/3: " on a line of its own */
	char headline[1024];          /* OPEN_HEADLINE: its pieces so far */
	struct klog_waiting waiting;
	uint64_t last_record;
	bool in_use;
};

#define V_MOVABLE PB_RELEASE(2, 6, 23) /* the first with a zone type Movable */

struct pb_klog {
	struct klog_frame frame;
	struct pb_klog_options options;
	pb_klog_emit emit;
	void *ctx;
	struct klog_column columns[PB_KLOG_OPEN];
	struct klog_building *buildings; /* [PB_KLOG_OPEN] */
	uint64_t records;
	unsigned int nr_waiting;   /* columns that have a line waiting */
	uint32_t seen_release;     /* of an earlier report of this log */
	char banner[PB_KLOG_TEXT]; /* release of a "Linux version" line */
	struct pb_klog_stats stats;
	int status;
};

/* Is this the beginning of a line of a known form? */
bool klog_is_start(const char *text);
/* True: understood. */
bool klog_form(struct pb_klog *log, struct klog_column *column, const struct klog_record *record);
/* A column's open pieces (a list, a headline) are complete. */
void klog_settle(struct pb_klog *log, struct klog_column *column);
/* Finish the column's report, if it has one. */
void klog_finish(struct pb_klog *log, struct klog_column *column);
/* The report that began first; of those not finished. NULL: none. */
struct klog_building *klog_oldest(struct pb_klog *log, bool open_only);
void klog_emit_done(struct pb_klog *log);
struct klog_column *klog_column_of(struct pb_klog *log, const struct klog_building *building);
/* A line of vmalloc's waits for the report below it; one that waits already is one by itself. */
struct klog_waiting *klog_wait(struct pb_klog *log, struct klog_column *column,
			       const struct klog_record *record);
/* The report is its; it begins there. */
void klog_wait_join(struct pb_klog *log, struct klog_column *column, struct pb_klog_report *report);
/* The report did not come: what waits is one by itself. Nothing, if nothing waits. */
void klog_wait_end(struct pb_klog *log, struct klog_column *column);
/* That of every column whose line waits too long; or, of all. */
void klog_wait_expire(struct pb_klog *log, bool all);
struct klog_building *klog_begin(struct pb_klog *log, struct klog_column *column,
				 const struct klog_record *record, enum pb_klog_kind kind);

/* list.c: entries of a list, in pieces. Where the list ended (text behind), or NULL. */
const char *klog_list_feed(struct klog_list *list, const char *text);
void klog_list_settle(const struct klog_list *list, struct pb_klog_zone *zone);

/* request.c: what a headline says */
void klog_request(struct klog_building *building, const char *text);
void klog_nodes(struct pb_klog_nodes *nodes, const char *text);
int klog_type_find(const char *name, size_t len);

/* judge.c */
void klog_judge(struct klog_building *building, const struct pb_klog *log);

#endif
