// SPDX-License-Identifier: MIT
/*
 * From the kernel's ring buffer to events in order of time.
 *
 * A sub-buffer, as read from trace_pipe_raw (tracefs describes it in
 * events/header_page and events/header_event):
 *
 *	u64 time of the first event | long commit | events ...	(long: the kernel's)
 *	event: u32 type_len:5, time_delta:27 | data
 *		type_len 1..28	data of 4 * type_len bytes
 *		type_len 0	u32 length (itself included), then data
 *		29 padding, 30 time_delta extended by a u32, 31 absolute time
 *
 * commit's low 20 bits are the bytes of events; bit 31 says that events were
 * lost before this sub-buffer, bit 30 that their number stands behind the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"

#define COMMIT_SIZE 0xfffffu
#define COMMIT_MISSED (1u << 31)
#define COMMIT_STORED (1u << 30)
#define TYPE_PADDING 29
#define TYPE_EXTEND 30
#define TYPE_STAMP 31

static uint64_t load(const uint8_t *p, unsigned int size)
{
	uint64_t v8 = 0;
	uint32_t v4;
	uint16_t v2;

	switch (size) {
	case 1:
		return *p;
	case 2:
		memcpy(&v2, p, 2);
		return v2;
	case 4:
		memcpy(&v4, p, 4);
		return v4;
	default:
		memcpy(&v8, p, 8);
		return v8;
	}
}

static int64_t sign_extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (int64_t)(v << shift) >> shift;
}

/* ------------------------------------------------------------------ draining */

/* Bytes of events in a sub-buffer, and its flags. */
static size_t commit_of(const struct rec_ring *ring, const uint8_t *page, uint64_t *flags)
{
	uint64_t commit = load(page + 8, (unsigned int)ring->head - 8);

	if (flags)
		*flags = commit & (COMMIT_MISSED | COMMIT_STORED);
	return commit & COMMIT_SIZE;
}

/* Keep the part of ring->buffer that holds something. */
static bool keep_page(struct rec_ring *ring, struct rec_cpu *cpu, size_t size)
{
	struct rec_page *page = malloc(sizeof(*page) + size);

	if (!page)
		return false;
	page->next = NULL;
	page->size = size;
	memcpy(page->data, ring->buffer, size);
	*cpu->tail = page;
	cpu->tail = &page->next;
	return true;
}

/*
 * A read returns one sub-buffer, or as much of it as is written. The one that
 * is not full is the last for now: to ask again would find what our own memory
 * for it has caused meanwhile, and never end. Once tracing is off, all is read.
 */
static long drain_cpu(struct rec_ring *ring, struct rec_cpu *cpu, bool off)
{
	long total = 0;

	for (;;) {
		ssize_t n = read(cpu->fd, ring->buffer, ring->subbuf);
		size_t size;

		if (n < 0 && errno == EINTR)
			continue;
		/* EAGAIN: no more now; ENODEV: the CPU went offline */
		if (n <= 0)
			return n < 0 && errno != EAGAIN && errno != ENODEV ? -1 : total;
		size = n >= ring->head ? (size_t)ring->head + commit_of(ring, ring->buffer, NULL)
				       : 0;
		if (!keep_page(ring, cpu, size + 8 < (size_t)n ? size + 8 : (size_t)n))
			return -1;
		total += n;
		if (!off && size + 512 < ring->subbuf)
			return total;
	}
}

long rec_drain(struct rec_ring *ring, bool off)
{
	long total = 0;

	if (!ring->buffer)
		ring->buffer = malloc(ring->subbuf);
	if (!ring->buffer)
		return -1;
	for (unsigned int i = 0; i < ring->nr_cpus; i++) {
		long n = drain_cpu(ring, &ring->cpus[i], off);

		if (n < 0)
			return -1;
		total += n;
	}
	ring->raw_bytes += (uint64_t)total;
	return total;
}

/* ------------------------------------------------------------------ decoding */

static void drop_page(struct rec_cpu *cpu)
{
	struct rec_page *page = cpu->head;

	cpu->head = page->next;
	if (!cpu->head)
		cpu->tail = &cpu->head;
	cpu->at = 0;
	free(page);
}

static int begin_page(struct rec_ring *ring, struct rec_cpu *cpu)
{
	const struct rec_page *page = cpu->head;
	size_t head = (size_t)ring->head, word = head - 8;
	uint64_t flags, lost = 0;

	cpu->at = head;
	cpu->end = head;
	if (page->size < head) {
		ring->malformed++;
		return 0;
	}
	cpu->ts = load(page->data, 8);
	cpu->end = head + commit_of(ring, page->data, &flags);
	if (cpu->end > page->size) {
		cpu->end = page->size;
		ring->malformed++;
	}
	if (!(flags & COMMIT_MISSED))
		return 0;
	if (flags & COMMIT_STORED && cpu->end + word <= page->size)
		lost = load(page->data + cpu->end, (unsigned int)word);
	ring->lost_pages++;
	cpu->lost += lost;
	return pbt_write_lost(ring->writer, cpu->ts, cpu->cpu, lost);
}

/* One entry at cpu->at; true if it is an event. */
static bool decode_entry(struct rec_ring *ring, struct rec_cpu *cpu)
{
	const uint8_t *p = cpu->head->data + cpu->at;
	size_t left = cpu->end - cpu->at;
	uint32_t word = left >= 4 ? (uint32_t)load(p, 4) : 0;
	unsigned int type = word & 31;
	uint64_t delta = word >> 5, array = left >= 8 ? load(p + 4, 4) : 0;
	size_t head = type ? 4 : 8;
	size_t size = type ? 4 * (size_t)type : (size_t)array - 4;

	if (left < 4 || (left < 8 && (type == 0 || type > 28)) || (type == TYPE_PADDING && !delta))
		goto page_done; /* a padding of delta 0 fills the rest */
	if (type == TYPE_PADDING) {
		cpu->at += 4 + (size_t)array;
		return false;
	}
	if (type >= TYPE_EXTEND) {
		delta += array << 27;
		cpu->ts = type == TYPE_EXTEND ? cpu->ts + delta : (cpu->ts & 31ull << 59) | delta;
		cpu->at += 8;
		return false;
	}
	if ((type == 0 && array < 4) || size > left - head) {
		ring->malformed++;
		goto page_done;
	}
	cpu->ts += delta;
	cpu->event_ts = cpu->ts;
	cpu->event = p + head;
	cpu->event_size = size;
	cpu->at += head + ((size + 3) & ~(size_t)3);
	return true;
page_done:
	cpu->at = cpu->end;
	return false;
}

/* Make cpu->event the next one, if there is one. */
static int peek(struct rec_ring *ring, struct rec_cpu *cpu)
{
	while (!cpu->has_event && cpu->head) {
		if (!cpu->at && begin_page(ring, cpu))
			return -1;
		if (cpu->at >= cpu->end)
			drop_page(cpu);
		else
			cpu->has_event = decode_entry(ring, cpu);
	}
	return 0;
}

/* ------------------------------------------------------------------- writing */

static const struct rec_format *find_format(const struct rec_ring *ring, uint16_t id)
{
	for (unsigned int i = 0; i < ring->nr_formats; i++)
		if (ring->formats[i].def.id == id)
			return &ring->formats[i];
	return NULL;
}

static int write_task(struct rec_ring *ring, const struct rec_cpu *cpu,
		      const struct rec_format *format)
{
	int32_t pid = (int32_t)load(cpu->event + format->comm_pid_offset, 4);
	char comm[17] = "";

	memcpy(comm, cpu->event + format->comm_offset, 16);
	return pbt_write_task(ring->writer, cpu->event_ts, pid, comm);
}

bool rec_add_chunk(struct rec_ring *ring, const struct rec_chunk *chunk)
{
	if (ring->nr_chunks == ring->chunks_room) {
		size_t room = ring->nr_chunks ? 2 * ring->nr_chunks : 1024;
		struct rec_chunk *chunks = realloc(ring->chunks, room * sizeof(*chunks));

		if (!chunks)
			return false;
		ring->chunks = chunks;
		ring->chunks_room = room;
	}
	ring->chunks[ring->nr_chunks++] = *chunk;
	ring->chunks_done = chunk->after;
	return true;
}

/* The start snapshot looked at this frame after the event: it is in there already. */
static bool contained(const struct rec_ring *ring, uint64_t pfn, uint64_t ts)
{
	size_t low = 0, high = ring->nr_chunks;
	const struct rec_chunk *chunk;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (ring->chunks[middle].pfn <= pfn)
			low = middle;
		else
			high = middle;
	}
	if (high == low)
		return false;
	chunk = &ring->chunks[low];
	if (pfn < chunk->pfn || pfn - chunk->pfn >= chunk->count)
		return false;
	/* its frames were looked at one after the other */
	return ts <
	       chunk->before + (chunk->after - chunk->before) * (pfn - chunk->pfn) / chunk->count;
}

static bool left_out(struct rec_ring *ring, const struct rec_format *format,
		     const struct pbt_event *event)
{
	if (ring->stop && event->ts > ring->stop)
		return true;
	if (format->pfn_field < 0 || event->ts >= ring->chunks_done ||
	    !contained(ring, event->value[format->pfn_field], event->ts))
		return false;
	ring->contained++;
	return true;
}

/* Chains are written when they are met for the first time. */
static int write_new_chains(struct rec_ring *ring)
{
	struct rec_stacks *stacks = ring->stacks;

	for (; stacks->written < stacks->chains.nr; stacks->written++)
		if (pbt_write_chain(ring->writer, stacks->written + 1,
				    stacks->chains.text[stacks->written]))
			return -1;
	return 0;
}

/* Of the event before it on this CPU. */
static int write_stack(struct rec_ring *ring, struct rec_cpu *cpu, const struct rec_format *format)
{
	struct pbt_event event = { .ts = cpu->event_ts, .id = format->def.id, .cpu = cpu->cpu };
	unsigned int word = (unsigned int)ring->head - 8;
	uint64_t callers[REC_MAX_CALLERS];
	size_t at = format->callers_offset, nr = 0;

	if (!ring->stacks || !cpu->kept)
		return 0;
	cpu->kept = false;
	for (; at + word <= cpu->event_size && nr < REC_MAX_CALLERS; at += word) {
		uint64_t caller = load(cpu->event + at, word);

		if (!caller || caller == (word == 4 ? UINT32_MAX : UINT64_MAX))
			break; /* older kernels fill up */
		callers[nr++] = caller;
	}
	event.pid = (int32_t)load(cpu->event + format->pid_offset, 4);
	event.value[0] = rec_stack_chain(ring->stacks, callers, nr);
	if (!event.value[0])
		return 0;
	return write_new_chains(ring) ? -1 : pbt_write_event(ring->writer, &event);
}

static int write_event(struct rec_ring *ring, struct rec_cpu *cpu)
{
	const struct rec_format *format = find_format(ring, (uint16_t)load(cpu->event, 2));
	struct pbt_event event = { .ts = cpu->event_ts, .cpu = cpu->cpu };

	cpu->has_event = false;
	if (!format || cpu->event_size < format->min_size) {
		ring->malformed++;
		return 0;
	}
	if (cpu->event_ts < ring->last_ts)
		ring->late++;
	ring->last_ts = cpu->event_ts;
	if (format->comm_offset)
		return write_task(ring, cpu, format);
	if (format->callers_offset)
		return write_stack(ring, cpu, format);
	event.id = format->def.id;
	event.pid = (int32_t)load(cpu->event + format->pid_offset, 4);
	for (uint32_t f = 0; f < format->def.nr_fields; f++) {
		uint64_t v = load(cpu->event + format->offset[f], format->size[f]);

		if (format->def.field[f].is_signed)
			v = (uint64_t)sign_extend(v, format->size[f]);
		event.value[f] = v;
	}
	cpu->kept = !left_out(ring, format, &event);
	if (!cpu->kept)
		return 0;
	ring->events++;
	return pbt_write_event(ring->writer, &event);
}

/* The CPU with the earliest event before `limit`; *until: when the next CPU comes. */
static struct rec_cpu *earliest(struct rec_ring *ring, uint64_t limit, uint64_t *until)
{
	struct rec_cpu *first = NULL;

	*until = limit;
	for (unsigned int i = 0; i < ring->nr_cpus; i++) {
		struct rec_cpu *cpu = &ring->cpus[i];

		if (!cpu->has_event || cpu->event_ts >= limit)
			continue;
		if (!first || cpu->event_ts < first->event_ts) {
			if (first)
				*until = first->event_ts;
			first = cpu;
		} else if (cpu->event_ts < *until) {
			*until = cpu->event_ts;
		}
	}
	return first;
}

int rec_emit(struct rec_ring *ring, uint64_t limit)
{
	struct rec_cpu *cpu;
	uint64_t until;

	for (unsigned int i = 0; i < ring->nr_cpus; i++)
		if (peek(ring, &ring->cpus[i]))
			return -1;
	while ((cpu = earliest(ring, limit, &until))) {
		do {
			if (write_event(ring, cpu) || peek(ring, cpu))
				return -1;
		} while (cpu->has_event && cpu->event_ts < until);
	}
	return 0;
}

void rec_ring_free(struct rec_ring *ring)
{
	for (unsigned int i = 0; i < ring->nr_cpus; i++) {
		while (ring->cpus[i].head)
			drop_page(&ring->cpus[i]);
		if (ring->cpus[i].fd >= 0)
			close(ring->cpus[i].fd);
	}
	free(ring->buffer);
	free(ring->chunks);
	free(ring->cpus);
	ring->buffer = NULL;
	ring->chunks = NULL;
	ring->nr_chunks = 0;
	ring->cpus = NULL;
	ring->nr_cpus = 0;
}
