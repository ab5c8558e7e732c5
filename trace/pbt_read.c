/* SPDX-License-Identifier: MIT */
/*
 * Reading a .pbt. Memory is one section; nothing in the file is believed
 * before it was checked. A file that ends early is cut, not damaged: all that
 * came before is good.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "pbt.h"
#include "source.h"

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad; /* ran over the end, or a varint of more than 64 bits */
};

struct pbt_reader {
	pbt_read_fn read;
	void *ctx;
	ZSTD_DCtx *zstd;
	uint8_t *in; /* compressed */
	ZSTD_inBuffer input;
	size_t in_size;
	uint64_t packed, unpacked; /* bytes so far */
	bool input_ended;
	bool frame_ended; /* zstd has seen the end of its stream */
	bool cut;
	uint8_t *plain; /* decompressed, [plain_at, plain_size) is unread */
	size_t plain_at, plain_size, plain_room;
	struct cursor block; /* events left of the current block */
	uint64_t block_left;
	uint64_t ts;
	struct pbt_event event;
	struct pbt_event_def *def[PBT_MAX_EVENTS]; /* callers may keep them while they read */
	uint32_t nr_defs;
	struct pbt_run *runs;
	size_t runs_room;
	char *text; /* of META, FILE and END, with a NUL */
	char name[4096];
	char error[200];
};

static int damage(struct pbt_reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, sizeof(r->error), format, args);
	va_end(args);
	for (char *c = r->error; *c; c++) /* names and tags are the file's */
		if (*c < ' ' || *c > '~')
			*c = '?';
	return -1;
}

static uint64_t get_varint(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		uint8_t byte = *c->at++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

static int64_t get_signed(struct cursor *c)
{
	uint64_t v = get_varint(c);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* A string of at most size - 1 bytes into text; longer ones are damage. */
static void get_string(struct cursor *c, char *text, size_t size)
{
	uint64_t length = get_varint(c);

	if (c->bad || length >= size || length > (uint64_t)(c->end - c->at)) {
		c->bad = true;
		text[0] = '\0';
		return;
	}
	memcpy(text, c->at, length);
	text[length] = '\0';
	c->at += length;
}

/* ------------------------------------------------------------ plain bytes */

/* 1: more input; 0: none is left; -1: error. */
static int more_input(struct pbt_reader *r)
{
	long n;

	if (r->input.pos < r->input.size)
		return 1;
	if (r->input_ended)
		return 0;
	n = r->read(r->ctx, r->in, r->in_size);
	if (n < 0)
		return damage(r, "cannot read the file: %s", strerror(errno));
	r->input = (ZSTD_inBuffer){ r->in, (size_t)n, 0 };
	r->packed += (uint64_t)n;
	r->input_ended = n == 0;
	return n > 0;
}

static bool make_room(struct pbt_reader *r, size_t need)
{
	size_t unread = r->plain_size - r->plain_at;
	size_t room = r->plain_room;
	uint8_t *plain;

	memmove(r->plain, r->plain + r->plain_at, unread);
	r->plain_at = 0;
	r->plain_size = unread;
	while (room < need)
		room *= 2;
	if (room == r->plain_room)
		return true;
	plain = realloc(r->plain, room);
	if (!plain)
		return false;
	r->plain = plain;
	r->plain_room = room;
	return true;
}

static int decompress_some(struct pbt_reader *r)
{
	ZSTD_outBuffer out = { r->plain, r->plain_room, r->plain_size };
	int ready = more_input(r);
	size_t left;

	if (ready < 0)
		return -1;
	left = ZSTD_decompressStream(r->zstd, &out, &r->input);
	if (ZSTD_isError(left))
		return damage(r, "damaged: %s", ZSTD_getErrorName(left));
	r->unpacked += out.pos - r->plain_size;
	if (pb_source_too_dense(r->packed, r->unpacked))
		return damage(r, "damaged: %llu bytes unpack to more than 1,000 times as many",
			      (unsigned long long)r->packed);
	if (left == 0)
		r->frame_ended = true;
	if (out.pos == r->plain_size && !ready)
		return 0;
	if (out.pos > r->plain_size && left != 0)
		r->frame_ended = false;
	r->plain_size = out.pos;
	return 1;
}

/* 1: at least `need` unread bytes; 0: the stream ended before; -1: error. */
static int ensure(struct pbt_reader *r, size_t need)
{
	int rc;

	if (r->plain_size - r->plain_at >= need)
		return 1;
	if (!make_room(r, need))
		return damage(r, "out of memory");
	while (r->plain_size < need) {
		rc = decompress_some(r);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

/* ---------------------------------------------------------------- sections */

static int parse_meta(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	size_t size = (size_t)(c->end - c->at);
	char *text = realloc(r->text, size + 1);

	if (!text)
		return damage(r, "out of memory");
	memcpy(text, c->at, size);
	text[size] = '\0';
	r->text = text;
	record->text = text;
	record->text_size = size;
	return 1;
}

static int parse_file(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	record->phase = get_varint(c) ? PBT_STOP : PBT_START;
	record->ts = get_varint(c);
	get_string(c, r->name, sizeof(r->name));
	record->name = r->name;
	return parse_meta(r, c, record);
}

static int parse_def(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	struct pbt_event_def *def;
	uint64_t nr_fields;

	if (r->nr_defs == PBT_MAX_EVENTS)
		return damage(r, "more than %d kinds of events", PBT_MAX_EVENTS);
	def = r->def[r->nr_defs] = calloc(1, sizeof(*def));
	if (!def)
		return damage(r, "out of memory");
	r->nr_defs++;
	def->id = (uint32_t)get_varint(c);
	get_string(c, def->system, sizeof(def->system));
	get_string(c, def->name, sizeof(def->name));
	nr_fields = get_varint(c);
	if (nr_fields > PBT_MAX_FIELDS)
		return damage(r, "event %s has %llu fields, at most %d are allowed", def->name,
			      (unsigned long long)nr_fields, PBT_MAX_FIELDS);
	def->nr_fields = (uint32_t)nr_fields;
	for (uint32_t f = 0; f < def->nr_fields; f++) {
		get_string(c, def->field[f].name, sizeof(def->field[f].name));
		def->field[f].is_signed = get_varint(c) & 1;
	}
	record->def = def;
	return 1;
}

static bool add_run(struct pbt_reader *r, size_t n, const struct pbt_run *run)
{
	if (n == r->runs_room) {
		size_t room = n ? 2 * n : 256;
		struct pbt_run *runs = realloc(r->runs, room * sizeof(*runs));

		if (!runs)
			return false;
		r->runs = runs;
		r->runs_room = room;
	}
	r->runs[n] = *run;
	return true;
}

static int parse_frames(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	uint64_t pfn, left;
	size_t n = 0;

	record->phase = get_varint(c) ? PBT_STOP : PBT_START;
	record->ts = get_varint(c);
	record->ts_after = record->ts + get_varint(c);
	pfn = get_varint(c);
	left = get_varint(c);
	if (left > UINT64_MAX - pfn)
		return damage(r, "frames beyond the last pfn");
	while (left && !c->bad) {
		uint64_t v = get_varint(c);
		struct pbt_run run = { pfn, v >> 3, v & 7 };

		if (!run.count || run.count > left)
			return damage(r, "a run of %llu frames where %llu are left",
				      (unsigned long long)run.count, (unsigned long long)left);
		if (!add_run(r, n++, &run))
			return damage(r, "out of memory");
		pfn += run.count;
		left -= run.count;
	}
	record->run = r->runs;
	record->nr_runs = n;
	return 1;
}

static int parse_task(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	record->ts = get_varint(c);
	record->pid = (int32_t)get_signed(c);
	get_string(c, r->name, sizeof(r->name));
	record->name = r->name;
	return 1;
}

static int parse_chain(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	record->count = get_varint(c);
	get_string(c, r->name, sizeof(r->name));
	record->name = r->name;
	return 1;
}

static int parse_lost(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	(void)r;
	record->ts = get_varint(c);
	record->cpu = (uint32_t)get_varint(c);
	record->count = get_varint(c);
	return 1;
}

static int parse_events(struct pbt_reader *r, struct cursor *c, struct pbt_record *record)
{
	(void)record;
	r->ts = get_varint(c);
	r->block_left = get_varint(c);
	r->block = *c;
	return 0; /* nothing to return yet: next_event() does */
}

static int next_event(struct pbt_reader *r, struct pbt_record *record)
{
	struct cursor *c = &r->block;
	uint64_t def = get_varint(c);
	const struct pbt_event_def *d;

	if (c->bad || def >= r->nr_defs)
		return damage(r, "an event of an undefined kind");
	d = r->def[def];
	r->block_left--;
	r->ts += (uint64_t)get_signed(c);
	r->event.ts = r->ts;
	r->event.id = d->id;
	r->event.cpu = (uint32_t)get_varint(c);
	r->event.pid = (int32_t)get_signed(c);
	for (uint32_t f = 0; f < d->nr_fields; f++)
		r->event.value[f] = d->field[f].is_signed ? (uint64_t)get_signed(c) : get_varint(c);
	if (c->bad)
		return damage(r, "an event runs over the end of its block");
	*record =
		(struct pbt_record){ .tag = PBT_EVENTS, .ts = r->ts, .def = d, .event = &r->event };
	return 1;
}

/* A whole section into the buffer. 1, 0 at the end, -1. */
static int next_section(struct pbt_reader *r, uint8_t *tag, struct cursor *c)
{
	uint64_t size;
	size_t head;
	int rc = ensure(r, 1);

	if (rc <= 0) {
		r->cut = rc == 0 && !r->frame_ended;
		return rc;
	}
	rc = ensure(r, 11);
	if (rc < 0)
		return -1;
	*c = (struct cursor){ r->plain + r->plain_at + 1, r->plain + r->plain_size, false };
	*tag = r->plain[r->plain_at];
	size = get_varint(c);
	head = (size_t)(c->at - (r->plain + r->plain_at));
	if (!c->bad && size > PBT_MAX_SECTION)
		return damage(r, "section '%c' of %llu bytes, at most %u are allowed", *tag,
			      (unsigned long long)size, PBT_MAX_SECTION);
	rc = c->bad ? 0 : ensure(r, head + (size_t)size);
	if (rc <= 0) {
		r->cut = rc == 0;
		return rc;
	}
	c->at = r->plain + r->plain_at + head;
	c->end = c->at + size;
	r->plain_at += head + (size_t)size;
	return 1;
}

static int parse_section(struct pbt_reader *r, uint8_t tag, struct cursor *c,
			 struct pbt_record *record)
{
	switch (tag) {
	case PBT_META:
	case PBT_END:
		return parse_meta(r, c, record);
	case PBT_FILE:
		return parse_file(r, c, record);
	case PBT_EVENT_DEF:
		return parse_def(r, c, record);
	case PBT_FRAMES:
		return parse_frames(r, c, record);
	case PBT_EVENTS:
		return parse_events(r, c, record);
	case PBT_TASK:
		return parse_task(r, c, record);
	case PBT_LOST:
		return parse_lost(r, c, record);
	case PBT_CHAIN:
		return parse_chain(r, c, record);
	default:
		return 0;
	}
}

int pbt_read(struct pbt_reader *r, struct pbt_record *record)
{
	struct cursor c;
	uint8_t tag;
	int rc;

	if (r->error[0])
		return -1;
	for (;;) {
		if (r->block_left)
			return next_event(r, record);
		rc = next_section(r, &tag, &c);
		if (rc <= 0)
			return rc;
		memset(record, 0, sizeof(*record));
		record->tag = (enum pbt_tag)tag;
		rc = parse_section(r, tag, &c, record);
		if (rc < 0)
			return -1;
		if (c.bad)
			return damage(r, "section '%c' is malformed", tag);
		if (rc > 0)
			return 1;
	}
}

bool pbt_probe(const void *bytes, size_t size)
{
	return size >= 4 && memcmp(bytes, "\x7fPBT", 4) == 0;
}

static bool read_header(struct pbt_reader *r)
{
	uint8_t header[PBT_HEADER];
	size_t have = 0;

	while (have < sizeof(header)) {
		long n = r->read(r->ctx, header + have, sizeof(header) - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (!pbt_probe(header, have))
		damage(r, "not a .pbt file");
	else if (have < sizeof(header))
		damage(r, "cut inside the header");
	else if (header[4] != PBT_MAJOR)
		damage(r, "version %u.%u of the .pbt format; this pagebuddy reads version %d",
		       header[4], header[5], PBT_MAJOR);
	return r->error[0] == '\0';
}

struct pbt_reader *pbt_reader_new(pbt_read_fn read, void *ctx, char *error, size_t error_size)
{
	struct pbt_reader *r = calloc(1, sizeof(*r));

	if (r) {
		r->read = read;
		r->ctx = ctx;
		r->zstd = ZSTD_createDCtx();
		r->in_size = ZSTD_DStreamInSize();
		r->in = malloc(r->in_size);
		r->plain_room = 1u << 18;
		r->plain = malloc(r->plain_room);
	}
	if (!r || !r->zstd || !r->in || !r->plain) {
		snprintf(error, error_size, "out of memory");
		pbt_reader_free(r);
		return NULL;
	}
	if (!read_header(r)) {
		snprintf(error, error_size, "%s", r->error);
		pbt_reader_free(r);
		return NULL;
	}
	return r;
}

bool pbt_reader_cut(const struct pbt_reader *r)
{
	return r->cut;
}

const char *pbt_reader_error(const struct pbt_reader *r)
{
	return r->error;
}

void pbt_reader_free(struct pbt_reader *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->nr_defs; i++)
		free(r->def[i]);
	ZSTD_freeDCtx(r->zstd);
	free(r->in);
	free(r->plain);
	free(r->runs);
	free(r->text);
	free(r);
}
