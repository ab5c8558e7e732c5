/* SPDX-License-Identifier: MIT */
/*
 * Writing a .pbt. Sections are put together in a buffer and go through zstd;
 * events are gathered into blocks, each with its first time stamp in full, so
 * that an event costs a dozen bytes before compression.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "pbt.h"

#define BLOCK_BYTES (64u << 10) /* of encoded events, before a block is closed */

struct buffer {
	uint8_t *data;
	size_t size;
	size_t room;
};

struct pbt_writer {
	int fd;
	int error; /* errno of the first failure, sticky */
	ZSTD_CCtx *zstd;
	uint8_t *out;
	size_t out_size;
	uint64_t written;
	struct buffer section;
	struct buffer block; /* events since block_ts */
	uint64_t block_ts;   /* of its first event */
	uint64_t last_ts;
	uint32_t block_events;
	uint32_t nr_fields[PBT_MAX_EVENTS];
	uint32_t signed_fields[PBT_MAX_EVENTS]; /* bit per field */
	uint32_t ids[PBT_MAX_EVENTS];
	uint32_t nr_defs;
};

static int fail(struct pbt_writer *w, int error)
{
	if (!w->error)
		w->error = error;
	errno = w->error;
	return -1;
}

static bool reserve(struct buffer *b, size_t more)
{
	size_t room = b->room ? b->room : 4096;
	uint8_t *data;

	if (b->size + more <= b->room)
		return true;
	while (room < b->size + more)
		room *= 2;
	data = realloc(b->data, room);
	if (!data)
		return false;
	b->data = data;
	b->room = room;
	return true;
}

static void put_byte(struct buffer *b, uint8_t byte)
{
	b->data[b->size++] = byte;
}

/* The callers have reserved 10 bytes for each varint. */
static void put_varint(struct buffer *b, uint64_t v)
{
	while (v >= 0x80) {
		put_byte(b, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	put_byte(b, (uint8_t)v);
}

static void put_signed(struct buffer *b, int64_t v)
{
	put_varint(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static bool put_bytes(struct buffer *b, const void *bytes, size_t size)
{
	if (!reserve(b, size))
		return false;
	if (size)
		memcpy(b->data + b->size, bytes, size);
	b->size += size;
	return true;
}

static bool put_string(struct buffer *b, const char *s)
{
	size_t size = strlen(s);

	if (!reserve(b, 10 + size))
		return false;
	put_varint(b, size);
	return put_bytes(b, s, size);
}

static int write_all(struct pbt_writer *w, const void *bytes, size_t size)
{
	const char *p = bytes;

	while (size) {
		ssize_t n = write(w->fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(w, n < 0 ? errno : EIO);
		p += n;
		size -= (size_t)n;
		w->written += (uint64_t)n;
	}
	return 0;
}

static int compress(struct pbt_writer *w, const void *bytes, size_t size, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { bytes, size, 0 };
	size_t left;

	if (w->error)
		return fail(w, w->error);
	do {
		ZSTD_outBuffer out = { w->out, w->out_size, 0 };

		left = ZSTD_compressStream2(w->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return fail(w, ENOMEM);
		if (write_all(w, w->out, out.pos))
			return -1;
	} while (end == ZSTD_e_continue ? in.pos < in.size : left != 0);
	return 0;
}

static int emit(struct pbt_writer *w, enum pbt_tag tag, const struct buffer *payload)
{
	uint8_t raw[11];
	struct buffer head = { raw, 0, sizeof(raw) };

	put_byte(&head, (uint8_t)tag);
	put_varint(&head, payload->size);
	if (compress(w, raw, head.size, ZSTD_e_continue))
		return -1;
	return compress(w, payload->data, payload->size, ZSTD_e_continue);
}

/* Close the block of events: whatever comes next comes later. */
static int end_block(struct pbt_writer *w)
{
	struct buffer *s = &w->section;

	if (!w->block_events)
		return 0;
	s->size = 0;
	if (!reserve(s, 20))
		return fail(w, ENOMEM);
	put_varint(s, w->block_ts);
	put_varint(s, w->block_events);
	if (!put_bytes(s, w->block.data, w->block.size))
		return fail(w, ENOMEM);
	w->block.size = 0;
	w->block_events = 0;
	return emit(w, PBT_EVENTS, s);
}

static struct buffer *begin(struct pbt_writer *w, size_t room)
{
	w->section.size = 0;
	if (w->error || end_block(w))
		return NULL;
	w->section.size = 0;
	if (!reserve(&w->section, room)) {
		fail(w, ENOMEM);
		return NULL;
	}
	return &w->section;
}

struct pbt_writer *pbt_writer_new(int fd, int level)
{
	static const uint8_t header[PBT_HEADER] = { 0x7f, 'P', 'B', 'T', PBT_MAJOR, PBT_MINOR };
	struct pbt_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = fd;
	w->out_size = ZSTD_CStreamOutSize();
	w->out = malloc(w->out_size);
	w->zstd = ZSTD_createCCtx();
	if (!w->out || !w->zstd) {
		fail(w, ENOMEM);
	} else {
		ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, level);
		ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
		write_all(w, header, sizeof(header));
	}
	return w;
}

static int write_lines(struct pbt_writer *w, enum pbt_tag tag, const char *lines)
{
	struct buffer *s = begin(w, 0);

	if (!s)
		return -1;
	if (!put_bytes(s, lines, strlen(lines)))
		return fail(w, ENOMEM);
	return emit(w, tag, s);
}

int pbt_write_meta(struct pbt_writer *w, const char *lines)
{
	return write_lines(w, PBT_META, lines);
}

int pbt_write_end(struct pbt_writer *w, const char *lines)
{
	return write_lines(w, PBT_END, lines);
}

int pbt_write_file(struct pbt_writer *w, enum pbt_phase phase, uint64_t ts, const char *name,
		   const void *content, size_t size)
{
	struct buffer *s = begin(w, 20);

	if (!s)
		return -1;
	put_varint(s, phase);
	put_varint(s, ts);
	if (!put_string(s, name) || !put_bytes(s, content, size))
		return fail(w, ENOMEM);
	return emit(w, PBT_FILE, s);
}

int pbt_write_def(struct pbt_writer *w, const struct pbt_event_def *def)
{
	struct buffer *s = begin(w, 20);
	uint32_t i = w->nr_defs;

	if (!s)
		return -1;
	if (i == PBT_MAX_EVENTS || def->nr_fields > PBT_MAX_FIELDS)
		return fail(w, EINVAL);
	w->nr_defs++;
	w->ids[i] = def->id;
	w->nr_fields[i] = def->nr_fields;
	w->signed_fields[i] = 0;
	put_varint(s, def->id);
	if (!put_string(s, def->system) || !put_string(s, def->name) || !reserve(s, 10))
		return fail(w, ENOMEM);
	put_varint(s, def->nr_fields);
	for (uint32_t f = 0; f < def->nr_fields; f++) {
		if (!put_string(s, def->field[f].name) || !reserve(s, 1))
			return fail(w, ENOMEM);
		put_byte(s, def->field[f].is_signed);
		w->signed_fields[i] |= (uint32_t)def->field[f].is_signed << f;
	}
	return emit(w, PBT_EVENT_DEF, s);
}

int pbt_write_frames(struct pbt_writer *w, enum pbt_phase phase, uint64_t before, uint64_t after,
		     uint64_t start_pfn, const uint8_t *frame, size_t count)
{
	struct buffer *s = begin(w, 50);

	if (!s)
		return -1;
	put_varint(s, phase);
	put_varint(s, before);
	put_varint(s, after - before);
	put_varint(s, start_pfn);
	put_varint(s, count);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && frame[end] == frame[i];)
			end++;
		if (!reserve(s, 10))
			return fail(w, ENOMEM);
		put_varint(s, (uint64_t)(end - i) << 3 | (frame[i] & 7));
	}
	return emit(w, PBT_FRAMES, s);
}

static int find_def(const struct pbt_writer *w, uint32_t id)
{
	for (uint32_t i = 0; i < w->nr_defs; i++)
		if (w->ids[i] == id)
			return (int)i;
	return -1;
}

int pbt_write_event(struct pbt_writer *w, const struct pbt_event *event)
{
	struct buffer *b = &w->block;
	int def = find_def(w, event->id);

	if (w->error || def < 0)
		return fail(w, EINVAL);
	if (b->size >= BLOCK_BYTES && end_block(w))
		return -1;
	if (!reserve(b, 10 * (4 + PBT_MAX_FIELDS)))
		return fail(w, ENOMEM);
	if (!w->block_events++)
		w->block_ts = w->last_ts = event->ts;
	put_varint(b, (uint64_t)def);
	put_signed(b, (int64_t)(event->ts - w->last_ts));
	w->last_ts = event->ts;
	put_varint(b, event->cpu);
	put_signed(b, event->pid);
	for (uint32_t f = 0; f < w->nr_fields[def]; f++) {
		if (w->signed_fields[def] >> f & 1)
			put_signed(b, (int64_t)event->value[f]);
		else
			put_varint(b, event->value[f]);
	}
	return 0;
}

int pbt_write_task(struct pbt_writer *w, uint64_t ts, int32_t pid, const char *comm)
{
	struct buffer *s = begin(w, 20);

	if (!s)
		return -1;
	put_varint(s, ts);
	put_signed(s, pid);
	if (!put_string(s, comm))
		return fail(w, ENOMEM);
	return emit(w, PBT_TASK, s);
}

int pbt_write_chain(struct pbt_writer *w, uint32_t number, const char *chain)
{
	struct buffer *s = begin(w, 10);

	if (!s)
		return -1;
	put_varint(s, number);
	if (!put_string(s, chain))
		return fail(w, ENOMEM);
	return emit(w, PBT_CHAIN, s);
}

int pbt_write_lost(struct pbt_writer *w, uint64_t ts, uint32_t cpu, uint64_t count)
{
	struct buffer *s = begin(w, 30);

	if (!s)
		return -1;
	put_varint(s, ts);
	put_varint(s, cpu);
	put_varint(s, count);
	return emit(w, PBT_LOST, s);
}

int pbt_flush(struct pbt_writer *w)
{
	return end_block(w) ? -1 : compress(w, NULL, 0, ZSTD_e_flush);
}

uint64_t pbt_written(const struct pbt_writer *w)
{
	return w->written;
}

int pbt_writer_free(struct pbt_writer *w)
{
	int error;

	if (!w)
		return 0;
	if (!w->error && !end_block(w))
		compress(w, NULL, 0, ZSTD_e_end);
	error = w->error;
	ZSTD_freeCCtx(w->zstd);
	free(w->out);
	free(w->section.data);
	free(w->block.data);
	free(w);
	errno = error;
	return error ? -1 : 0;
}
